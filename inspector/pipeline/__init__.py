"""Floor 3: the way of a frame."""

"""Floor 3: the operators' station (empty until it opens)."""

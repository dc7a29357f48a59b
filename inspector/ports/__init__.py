"""Floor 2: what we ask of the world, as Protocols of one to three methods."""

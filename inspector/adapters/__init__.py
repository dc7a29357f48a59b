"""Floor 3: one vendor, one file or package; adapters do not know each other."""

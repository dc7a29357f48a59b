"""Proves that imported models see what their own software sees: ``python -m tools.peer_parity``."""

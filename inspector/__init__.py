"""Inspector: one part in, one Inspection out, always."""

__version__ = "0.1.0"

"""The journal's schema through time, as Alembic runs it."""

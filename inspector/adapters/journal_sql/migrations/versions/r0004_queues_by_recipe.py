"""What waits for a person, by recipe: counted and walked in an index of its own."""

from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make an index for each queue."""
    for name in ("rejected", "borderline", "sampled"):
        op.execute(
            f"CREATE INDEX waiting_{name}_recipe ON waiting (station, recipe, journal_seq, {name}) WHERE {name} = 1"
        )

"""Each entry is sealed by a hash over its record and the entry before it; those of before have no seal."""

from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make room for the seals; no row is touched."""
    op.execute("ALTER TABLE entry ADD COLUMN sha256 TEXT")

"""Which revisions of recipes were activated at a station, read from its book."""

from collections.abc import Mapping
from pathlib import Path

from inspector.adapters import journal_sql
from inspector.domain.errors import JournalError
from inspector.ports.revisions import Revision

KIND = "recipe"


def activated(journal: Path, station: str) -> Mapping[str, Revision]:
    """By slot: what its line judges by. A slot that is not here is judged by its file.

    Raises:
        ConfigError: the book is not one that this program reads.
        JournalError: it cannot be read, or a revision that was activated is not in it.
    """
    found: dict[str, Revision] = {}
    for slot, (one, revision) in journal_sql.in_force(journal, station=station).items():
        if revision is None:
            raise JournalError(
                f"journal {journal}: recipe {one.wish.name} revision {one.wish.sha256[:12]} was activated in slot "
                f"{slot}, and is not in it: run 'inspector journal verify'"
            )
        found[slot] = revision
    return found

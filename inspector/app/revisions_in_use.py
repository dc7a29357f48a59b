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
    if not journal_sql.up_to_date(journal):  # no book yet, or one of before recipes were activated
        return {}
    with journal_sql.open_for_people(journal, station=station, read_only=True) as book:
        found: dict[str, Revision] = {}
        for slot, one in book.activations.in_force().items():
            revision = book.shelf.revision(KIND, one.wish.sha256)
            if revision is None:
                raise JournalError(
                    f"journal {journal}: recipe {one.wish.name} revision {one.wish.sha256[:12]} was activated in slot "
                    f"{slot}, and is not in it: run 'inspector journal verify'"
                )
            found[slot] = revision
    return found

"""Where a person asks for another revision of a recipe, and where it stands which one a station judges by."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Protocol

from inspector.domain.activation import Activation, Wish


class ActivationBook(Protocol):
    """One station's activations. Each call may raise JournalError."""

    def ask(self, wish: Wish, *, by: str, at_utc: datetime) -> int:
        """Write the request and its row in the audit chain, in one transaction; give the request's number.

        The same wish of the same person that is under way, or in use, is not asked again: its number is given.

        Raises:
            ReviewError: another activation is under way.
        """
        ...

    def in_force(self) -> Mapping[str, Activation]:
        """By slot: the newest that the line took. A slot that is not here, or was given back, is judged by its file."""
        ...

    def activations(self, *, limit: int = 20) -> Sequence[Activation]:
        """Newest first, at most 200, the refused ones too."""
        ...

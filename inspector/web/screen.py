"""What a screen is: its place in the shell and its routes."""

from dataclasses import dataclass

from inspector.domain.account import Access
from inspector.web.access import Routes


@dataclass(frozen=True, slots=True, kw_only=True)
class Screen:
    """One screen. ``title``: English, as the catalogues have it. ``tab``: a large tab of its own, or a tile of More."""

    name: str
    path: str
    title: str
    access: Access
    routes: Routes
    tab: bool = False
    hint: str = ""


def N_(text: str) -> str:  # noqa: N802 - the name by which the catalogue's tool knows texts that are translated later
    """Mark a text for the catalogues; it is translated where it is shown."""
    return text

"""The screens, one a module, in the order in which the shell shows them."""

from inspector.web.screen import Screen
from inspector.web.screens import live, more, review

SCREENS: tuple[Screen, ...] = (live.SCREEN, review.SCREEN, more.SCREEN)

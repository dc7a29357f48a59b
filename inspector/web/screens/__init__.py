"""The screens, one a module, in the order in which the shell shows them."""

from inspector.web.screen import Screen
from inspector.web.screens import (
    alarms,
    audit,
    camera,
    charts,
    history,
    links,
    live,
    models,
    more,
    recipes,
    review,
    system,
    users,
)

SCREENS: tuple[Screen, ...] = (
    live.SCREEN,
    review.SCREEN,
    history.SCREEN,
    charts.SCREEN,
    more.SCREEN,
    recipes.SCREEN,
    models.SCREEN,
    alarms.SCREEN,
    links.SCREEN,
    camera.SCREEN,
    system.SCREEN,
    users.SCREEN,
    audit.SCREEN,
)

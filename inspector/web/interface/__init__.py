"""What programs ask of the station: REST with its description, health, metrics."""

from inspector.web.access import Routes
from inspector.web.interface import (
    book,
    camera,
    docs,
    inspections,
    links,
    models,
    observe,
    recipes,
    reviews,
    sessions,
    shots,
    users,
)

ROUTES: tuple[Routes, ...] = (
    sessions.ROUTES,
    inspections.ROUTES,
    reviews.ROUTES,
    book.ROUTES,
    recipes.ROUTES,
    links.ROUTES,
    camera.ROUTES,
    shots.ROUTES,
    users.ROUTES,
    models.ROUTES,
    observe.ROUTES,
    docs.ROUTES,
)

"""What programs ask of the station: REST with its description, health, metrics."""

from inspector.web.access import Routes
from inspector.web.interface import book, camera, docs, inspections, links, observe, recipes, reviews, sessions, shots

ROUTES: tuple[Routes, ...] = (
    sessions.ROUTES,
    inspections.ROUTES,
    reviews.ROUTES,
    book.ROUTES,
    recipes.ROUTES,
    links.ROUTES,
    camera.ROUTES,
    shots.ROUTES,
    observe.ROUTES,
    docs.ROUTES,
)

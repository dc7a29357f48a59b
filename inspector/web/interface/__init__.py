"""What programs ask of the station: REST with its description, health, metrics."""

from inspector.web.access import Routes
from inspector.web.interface import docs, inspections, observe, reviews, sessions, shots

ROUTES: tuple[Routes, ...] = (
    sessions.ROUTES,
    inspections.ROUTES,
    reviews.ROUTES,
    shots.ROUTES,
    observe.ROUTES,
    docs.ROUTES,
)

"""What programs ask of the station: REST with its description, health, metrics."""

from inspector.web.access import Routes
from inspector.web.interface import docs, inspections, observe, sessions, shots

ROUTES: tuple[Routes, ...] = (sessions.ROUTES, inspections.ROUTES, shots.ROUTES, observe.ROUTES, docs.ROUTES)

"""Every screen, for what must hold of all of them: languages, axe, touch sizes. A new screen adds its line here."""

from inspector.domain.account import Role
from inspector.web.staffing import key_of
from tests.web.plant import Plant


def addresses(plant: Plant) -> dict[str, tuple[str, Role | None]]:
    """Where each screen is, and who looks at it."""
    return {
        "login": ("/login", None),
        "live": ("/live", Role.OPERATOR),
        "live, nobody signed in": ("/live", None),
        "review": ("/review", Role.OPERATOR),
        "review item": (f"/review/{plant.rejects[0].result_id}", Role.OPERATOR),
        "history": ("/history", Role.QUALITY),
        "recipes": ("/recipes", Role.ENGINEER),
        "recipe": (f"/recipes/{plant.recipe}", Role.QUALITY),
        "system": ("/system", Role.ENGINEER),
        "io": ("/io", Role.ENGINEER),
        "camera": ("/camera", Role.ENGINEER),
        "charts": ("/charts", Role.OPERATOR),
        "models": ("/models", Role.QUALITY),
        "model": ("/models/surface-small", Role.ENGINEER),
        "users": ("/users", Role.ADMIN),
        "user": (f"/users/{key_of(plant.station.accounts.listed()[0])}", Role.ADMIN),
        "alarms": ("/alarms", Role.ENGINEER),
        "audit trail": ("/audit", Role.QUALITY),
        "more": ("/more", Role.ADMIN),
        "account": ("/account", Role.OPERATOR),
        "no such part": ("/review/00000000-0000-7000-8000-000000000000", Role.OPERATOR),
    }

"""Models: what each package says of itself, who answers for it, which recipes name it, how fast it is here."""

from dataclasses import dataclass

from starlette.exceptions import HTTPException
from starlette.responses import HTMLResponse, RedirectResponse, Response

from inspector.domain import card_figures
from inspector.domain.account import Access
from inspector.domain.card_figures import Proven
from inspector.domain.errors import BusyError
from inspector.ports.packages import Package, Signature
from inspector.ports.revisions import Revision
from inspector.web import recipe_desk
from inspector.web.access import Here, Routes, Visit
from inspector.web.screen import N_, Screen
from inspector.web.words import Words

_ROUTES = Routes("models")
_KIND = "recipe"
_MOST_REVISIONS = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """A package as a screen shows it. ``active``: the line judges by it now; ``recipes``: that name it, newest first.

    ``parts``, ``classes``: shares that were counted, with their intervals; ``further``: the card's other figures.
    """

    package: Package
    active: bool
    recipes: tuple[Revision, ...]
    parts: tuple[Proven, ...]
    classes: tuple[Proven, ...]
    further: dict[str, float | str]


def shown(visit: Visit) -> list[Shown]:
    """Every package, by name."""
    shelf = visit.station.models
    named: dict[str, list[Revision]] = {}
    for revision in visit.station.shelf.revisions(_KIND, limit=_MOST_REVISIONS):
        named.setdefault(shelf.named_in(revision.content), []).append(revision)
    running = visit.feed.now.liveness.status.get("model", {})
    sha256 = running.get("sha256", "") if isinstance(running, dict) else ""
    return [_shown(package, tuple(named.get(package.name, ())), sha256) for package in shelf.packages()]


def _shown(package: Package, recipes: tuple[Revision, ...], running: object) -> Shown:
    metrics = package.card.metrics if package.card else {}
    parts, classes = card_figures.proven(metrics)
    return Shown(
        package=package,
        active=package.card is not None and package.card.sha256 == running,
        recipes=recipes,
        parts=parts,
        classes=classes,
        further=card_figures.further(metrics),
    )


def found(visit: Visit, name: str) -> Shown:
    """The package of this name; a 404 for none."""
    for one in shown(visit):
        if one.package.name == name:
            return one
    raise HTTPException(404, visit.words.gettext("There is no such model package."))


def start_bench(visit: Visit, name: str) -> None:
    """Measure a package that can be run; a 409 says why it cannot be measured now."""
    one = found(visit, name)
    if one.package.card is None or one.package.signature is Signature.BROKEN:
        raise HTTPException(409, one.package.trouble)
    try:
        visit.station.bench.start(name)
    except BusyError as error:
        raise HTTPException(409, str(error)) from error


@_ROUTES.get("/models", Access.EXPERT)
def models(visit: Here) -> Response:
    """Every package."""
    return visit.page("models.html", here="models", models=shown(visit), signatures=signature_words(visit.words))


@_ROUTES.get("/models/{name}", Access.EXPERT)
def model(visit: Here, name: str) -> Response:
    """One package."""
    return visit.page(
        "model.html",
        here="models",
        one=(one := found(visit, name)),
        learned=learned(one, visit.words),
        signatures=signature_words(visit.words),
        figures=figure_words(visit.words),
        active_recipes={slot.sha256 for slot in recipe_desk.in_use(visit)},
        measuring=visit.station.bench.running(),
        hindrance=visit.station.bench.hindrance(),
    )


@_ROUTES.get("/models/{name}/bench", Access.EXPERT, by_clock=True)
def bench(visit: Here, name: str) -> Response:
    """The part of the page that says how fast it is here."""
    return HTMLResponse(
        visit.pages.text(
            visit,
            "part_bench.html",
            one=found(visit, name),
            measuring=visit.station.bench.running(),
            hindrance=visit.station.bench.hindrance(),
        )
    )


@_ROUTES.post("/models/{name}/bench", Access.ENGINEER)
def measure(visit: Here, name: str) -> Response:
    """Measure it now; no line of this PC may run."""
    start_bench(visit, name)
    return RedirectResponse(f"/models/{name}#bench", status_code=303)


def signature_words(words: Words) -> dict[Signature, str]:
    """How a package is signed."""
    _ = words.gettext
    return {
        Signature.SIGNED: _("signed"),
        Signature.UNSIGNED: _("not signed"),
        Signature.BROKEN: _("signature invalid"),
    }


def figure_words(words: Words) -> dict[str, str]:
    """What the shares of whole parts are called."""
    _ = words.gettext
    return {
        "escapes": _("Bad parts passed (escapes)"),
        "false_rejects": _("Good parts rejected (false rejects)"),
    }


def learned(one: Shown, words: Words) -> list[tuple[float, str]]:
    """From how many of what the model learned, where its card says so."""
    _ = words.gettext
    names = {
        "train_pictures": _("real images"),
        "train_scenes": _("rendered scenes"),
        "taught_pictures": _("images of good parts"),
    }
    counts = ((one.further.get(key, 0), name) for key, name in names.items())
    return [(count, name) for count, name in counts if isinstance(count, int | float) and count]


SCREEN = Screen(
    name="models",
    path="/models",
    title=N_("Models"),
    access=Access.EXPERT,
    routes=_ROUTES,
)

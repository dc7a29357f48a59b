"""Makes pages of templates, in the visitor's language."""

from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.responses import HTMLResponse

from inspector.domain.account import Access
from inspector.web import alarm_words, facts
from inspector.web.access import Visit
from inspector.web.feed import Feed
from inspector.web.words import LANGUAGES, catalogue

TEMPLATES = Path(__file__).parent / "templates"


class Pages:
    """One for the process; any thread may call."""

    def __init__(self, feed: Feed, screens: "tuple[Any, ...]") -> None:
        self._feed = feed
        self._screens = screens
        self._environments = {tag: _environment(tag) for tag in LANGUAGES}

    def page(self, visit: Visit, template: str, *, status: int = 200, **more: Any) -> HTMLResponse:
        """A whole page in the shell."""
        return HTMLResponse(self.text(visit, template, **more), status_code=status)

    def text(self, visit: Visit, template: str, **more: Any) -> str:
        """A page or a part of one."""
        station, words, now = visit.station, visit.words, self._feed.now
        context = {
            "visit": visit,
            "station": station,
            "words": words,
            "now": now,
            "here": "",
            "languages": LANGUAGES,
            "Access": Access,
            "screens": [screen for screen in self._screens if visit.may(screen.access) or visit.account is None],
            "state": facts.run_state(now, words),
            "control": facts.control(now, words),
            "alarm_title": alarm_words.title(words),
            "outcome_word": facts.outcome_words(station.site, words),
            "law": facts.laws(words),
            "label": facts.labels(words),
        }
        return self._environments[words.tag].get_template(template).render(context | more)


def _environment(tag: str) -> Environment:
    environment = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        extensions=["jinja2.ext.i18n"],
    )
    words = catalogue(tag)
    environment.install_gettext_callables(words.gettext, words.ngettext, newstyle=True)  # type: ignore[attr-defined]
    environment.policies["ext.i18n.trimmed"] = True
    return environment

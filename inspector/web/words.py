"""Says everything in the reader's language: texts, numbers, dates."""

import functools
import io
from collections.abc import Sequence
from datetime import datetime
from gettext import GNUTranslations, NullTranslations
from pathlib import Path
from zoneinfo import ZoneInfo

from babel import Locale, negotiate_locale
from babel.dates import format_date, format_datetime, format_time
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from babel.numbers import format_decimal, format_percent

LANGUAGES = {"en": "English", "de": "Deutsch", "zh-Hans": "中文"}
"""BCP-47 tag and the language's own name."""
LOCALE = Path(__file__).parent / "locale"
_SMALL, _LARGE = 10, 100


class Words:
    """One language and one time zone."""

    def __init__(self, tag: str, zone: ZoneInfo) -> None:
        self.tag = tag
        self.locale = Locale.parse("en-GB" if tag == "en" else tag, sep="-")
        self._zone = zone
        self._catalogue = catalogue(tag)
        self.gettext = self._catalogue.gettext
        self.ngettext = self._catalogue.ngettext

    def number(self, value: float, digits: int = 0) -> str:
        """A number with so many digits behind the point."""
        pattern = "#,##0" + ("." + "0" * digits if digits else "")
        return format_decimal(value, format=pattern, locale=self.locale)

    def measure(self, value: float) -> str:
        """A measured value: three figures that count, as a person reads a gauge."""
        size = abs(value)
        return self.number(value, 2 if size < _SMALL else 1 if size < _LARGE else 0)

    def plain(self, value: float) -> str:
        """A number as somebody wrote it, with at most four digits behind the point."""
        return format_decimal(value, format="#,##0.####", locale=self.locale)

    def share(self, part: float, of: float, digits: int = 1) -> str:
        """A share in percent; a dash where there is nothing to share. Only all is 100 %, and only none is 0 %."""
        if not of:
            return "–"  # noqa: RUF001 - a dash, as typeset
        share, least = part / of, 10 ** -(digits + 2)
        shown, none, every = (self._percent(value, digits) for value in (share, 0, 1))
        if 0 < share < 1 and shown == every:
            return f">{self._percent(1 - least, digits)}"
        return f"<{self._percent(least, digits)}" if share > 0 and shown == none else shown

    def _percent(self, share: float, digits: int) -> str:
        pattern = "#,##0" + ("." + "0" * digits if digits else "") + "%"
        return format_percent(share, format=pattern, locale=self.locale)

    def clock(self, at: datetime) -> str:
        """The time of day with seconds, on the site's clock."""
        return format_time(at, "HH:mm:ss", tzinfo=self._zone, locale=self.locale)

    def moment(self, at: datetime) -> str:
        """Date and time of day, on the site's clock."""
        day = format_date(at.astimezone(self._zone).date(), "short", locale=self.locale)
        return f"{day} {self.clock(at)}"

    def exactly(self, at: datetime) -> str:
        """Date and time in full, with the zone."""
        return format_datetime(at, "long", tzinfo=self._zone, locale=self.locale)


@functools.cache
def catalogue(tag: str) -> NullTranslations:
    """The texts of a language, from its catalogue; English stands in the code."""
    if tag == "en":
        return NullTranslations()
    with (LOCALE / tag / "messages.po").open("rb") as file:
        read = read_po(file, locale=tag.replace("-", "_"))
    compiled = io.BytesIO()
    write_mo(compiled, read)
    compiled.seek(0)
    return GNUTranslations(compiled)


def chosen(*wishes: str, accept: str, otherwise: str) -> str:
    """The first wish that is a language we have, else what the browser accepts, else the site's."""
    for wish in wishes:
        if wish in LANGUAGES:
            return wish
    accepted: Sequence[str] = [part.split(";")[0].strip() for part in accept.split(",") if part.strip()]
    accepted = ["zh-Hans" if tag.lower() in {"zh", "zh-cn", "zh-sg"} else tag for tag in accepted]
    return negotiate_locale(accepted, list(LANGUAGES), sep="-") or otherwise

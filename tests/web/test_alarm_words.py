"""Every alarm that the product can raise has its remedy on the page of alarms."""

import re
from datetime import UTC
from pathlib import Path

from inspector.pipeline import balance, desk, field
from inspector.web.alarm_words import RELEASED_AT_THE_LINE, remedies, remedy, title, titles
from inspector.web.words import Words

_CODE = re.compile(r'(?:ALARM = |code=|standing\[)"([a-z_]+\.[a-z_]+)"')


def test_every_alarm_has_a_remedy(repo: Path) -> None:
    sources = (path.read_text(encoding="utf-8") for path in (repo / "inspector").rglob("*.py"))
    codes = {code for text in sources for code in _CODE.findall(text)}
    codes |= {"line.dead", "book.unread"}  # what only the station sees
    assert {"camera.lost", "air.low", "ejector.late", "journal.lost"} <= codes, "the pattern finds them"
    known = remedies(Words("en", UTC))
    named = title(Words("en", UTC))
    assert {code for code in codes if named(code) == code} == set()
    assert set(titles(Words("en", UTC))) - codes == {"optics"}
    told = remedy(Words("en", UTC))
    assert {code for code in codes if not told(code)} == set()
    assert {key for key in known if not any(code == key or code.startswith(f"{key}.") for code in codes)} == set()
    assert codes >= RELEASED_AT_THE_LINE
    assert len({told(code) for code in ("plc.link", "plc.job", "plc.forced")}) == 3


def test_what_stops_the_belt_until_it_is_acknowledged_says_where() -> None:
    assert {desk.RACE_ALARM, field.MISSED_ALARM, balance.CONFIRM_ALARM} <= RELEASED_AT_THE_LINE

"""A chain's hash is what docs say, so that anybody can recompute it."""

from dataclasses import replace
from datetime import UTC, datetime

from inspector.domain.chain import BEGINNING, AuditHead, digest, linked

# printf '[1,1000000,"mara","account.changed","jörg",{"active":true,"change":"off"},"%064d"]' 0 | sha256sum
BY_HAND = "f7dbc830ddf023115272db5ee8a1f7ac0637de40622f9542566beb82b6f39b28"


def test_the_hash_is_that_of_the_documented_text() -> None:
    entry = linked(
        AuditHead(number=0, sha256=BEGINNING),
        at_utc=datetime(1970, 1, 1, 0, 0, 1, tzinfo=UTC),
        who="mara",
        action="account.changed",
        subject="jörg",
        content={"change": "off", "active": True},
    )
    assert (entry.number, entry.previous, entry.sha256) == (1, BEGINNING, BY_HAND)
    assert digest(replace(entry, who="mary")) != BY_HAND
    following = linked(
        AuditHead(number=1, sha256=BY_HAND), at_utc=entry.at_utc, who="a", action="b", subject="c", content={}
    )
    assert (following.number, following.previous) == (2, BY_HAND)

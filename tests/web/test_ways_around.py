"""Ways around the door, on every route of the table: paths that lead out, forged requests, old cookies, guesses."""

import http.client
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import urlsplit

import pytest

from inspector.domain.account import Access, Role
from inspector.domain.lockout import MOST_FAILURES
from inspector.web.access import cookie_name
from inspector.web.app import declared
from inspector.web.gatekeeper import MOST_WAITING
from tests.web.plant import SECRETS, Plant

KEPT_FROM_ALL = "nobody may read this"
OUT = (
    "..", "../..", "../../..", "%2e%2e", "%2e%2e/%2e%2e", "..%2f..", "..%2f..%2f..", "%2e%2e%2f%2e%2e", "..%5c..",
    "%252e%252e%252f", "....//....//", "..%c0%af..", "%00", "..%00", "/", "//",
)  # fmt: skip
UNSAFE_ORIGINS = (
    {"Origin": "http://evil.example"},
    {"Origin": "null"},
    {"Sec-Fetch-Site": "cross-site"},
    {"Sec-Fetch-Site": "same-site"},
)


def as_it_is(plant: Plant, path: str, cookies: str) -> tuple[int, bytes]:
    """GET this very path: httpx, like a browser, would tidy it up first."""
    host = urlsplit(plant.url)
    asked = http.client.HTTPConnection(host.hostname or "", host.port, timeout=20)
    try:
        asked.putrequest("GET", path, skip_accept_encoding=True)
        asked.putheader("Cookie", cookies)
        asked.endheaders()
        answer = asked.getresponse()
        return answer.status, answer.read()
    finally:
        asked.close()


def gates(plant: Plant) -> Iterator[str]:
    """Where a path could begin that leads out: every route up to a place of its own, and the mounted files."""
    yield from ("/", "/static/", "/static/vendor/")
    for method, path in declared(plant.app):
        if method == "GET" and "{" in path:
            yield path.partition("{")[0]


def test_no_path_leads_out_of_the_station(plant: Plant) -> None:
    targets = ("inspector.toml", "data/accounts.sqlite3", "keep-out.txt", "etc/passwd", "station.py")
    for folder in (plant.folder, plant.folder / "config", plant.journal.parent):
        (folder / "keep-out.txt").write_text(KEPT_FROM_ALL)
    with plant.client(Role.ADMIN) as client:
        cookies = "; ".join(f"{name}={value}" for name, value in client.cookies.items())
        tried = 0
        for gate in sorted(set(gates(plant))):
            for out in OUT:
                for target in targets:
                    status, body = as_it_is(plant, f"{gate}{out}/{target}", cookies)
                    assert 300 <= status < 500, (gate, out, target, status)
                    assert KEPT_FROM_ALL.encode() not in body, (gate, out, target)
                    assert b"root:" not in body
                    assert not body.startswith(b"SQLite format"), (gate, out, target)
                    tried += 1
        assert tried > 500


def unsafe(plant: Plant) -> list[tuple[str, str]]:
    """Every route that changes something and wants somebody signed in."""
    return [
        (method, path.replace("{result_id}", str(plant.rejects[0].result_id)).replace("{number}", "1"))
        for (method, path), access in declared(plant.app).items()
        if method not in {"GET", "HEAD"} and Access(access) is not Access.PUBLIC
    ]


def test_nothing_is_changed_by_a_request_that_another_site_made(plant: Plant) -> None:
    with plant.client(Role.ADMIN) as client:
        token, head = client.headers.pop("X-CSRF-Token"), plant.station.book.head()
        routes = unsafe(plant)
        assert len(routes) > 5
        for method, path in routes:
            for wrong in ({}, {"X-CSRF-Token": ""}, {"X-CSRF-Token": token[:-1] + "x"}):
                assert client.request(method, path, headers=wrong).status_code == 403, (method, path, wrong)
            as_form = client.request(method, path, data={"csrf": "x" * len(token)})
            assert as_form.status_code == 403, (method, path)
            for origin in UNSAFE_ORIGINS:
                answer = client.request(method, path, headers={"X-CSRF-Token": token, **origin})
                assert answer.status_code == 403, (method, path, origin)
        assert client.get("/api/state").status_code == 200, "the session stands"
        assert plant.station.book.head() == head


def test_another_persons_token_is_no_token(plant: Plant) -> None:
    with plant.client(Role.QUALITY) as other, plant.client(Role.OPERATOR) as client:
        answer = client.post("/logout", headers={"X-CSRF-Token": other.headers["X-CSRF-Token"]})
        assert answer.status_code == 403


def test_signing_in_is_not_forged_from_another_site(plant: Plant) -> None:
    name, secret = SECRETS[Role.OPERATOR]
    with plant.client() as client:
        for origin in UNSAFE_ORIGINS:
            form = client.post("/login", data={"name": name, "secret": secret}, headers=origin)
            assert form.status_code == 403, origin
            said = client.post("/api/session", json={"name": name, "secret": secret}, headers=origin)
            assert said.status_code == 403, origin
            assert "set-cookie" not in said.headers


@pytest.mark.parametrize("way", ["button", "interface"])
def test_after_signing_out_the_old_cookie_opens_no_route(way: str, plant: Plant) -> None:
    with plant.client(Role.ADMIN) as client, plant.client() as replay:
        replay.cookies.update(dict(client.cookies))
        replay.headers["X-CSRF-Token"] = client.headers["X-CSRF-Token"]
        assert replay.get("/api/state").status_code == 200
        left = client.post("/logout") if way == "button" else client.delete("/api/session")
        assert left.status_code in {204, 303}
        for (method, path), access in declared(plant.app).items():
            if Access(access) in {Access.PUBLIC, Access.LIVE}:
                continue
            filled = path.replace("{result_id}", str(plant.rejects[0].result_id)).replace("{number}", "1")
            answer = replay.request(method, filled, follow_redirects=False)
            assert answer.status_code == 401, (method, path, answer.status_code)


def test_a_cookie_that_somebody_chose_beforehand_is_no_session_afterwards(plant: Plant) -> None:
    name, secret = SECRETS[Role.OPERATOR]
    chosen = "x" * 43
    with plant.client() as client:
        client.cookies.set(cookie_name(secure=False), chosen)
        assert client.get("/api/state").status_code == 401
        client.post("/api/session", json={"name": name, "secret": secret})
    with plant.client() as other:
        other.cookies.set(cookie_name(secure=False), chosen)
        assert other.get("/api/state").status_code == 401


def test_guesses_at_the_same_time_are_counted_too(plant: Plant) -> None:
    """A four-digit PIN has 10,000: whoever asks forty at once must not be given forty."""
    name, secret = SECRETS[Role.OPERATOR]

    def guess(number: int) -> tuple[int, str]:
        with plant.client() as client:
            answer = client.post("/api/session", json={"name": name, "secret": f"{number:04}"})
            return answer.status_code, answer.json()["detail"]

    with ThreadPoolExecutor(40) as crowd:
        told = list(crowd.map(guess, range(40)))
    looked_at = [detail for status, detail in told if status == 401 and "Locked" not in detail]
    assert 1 <= len(looked_at) <= MOST_FAILURES
    assert {status for status, _ in told} <= {401, 503}
    for number in range(40, 40 + MOST_FAILURES):
        guess(number)
    with plant.client() as client:
        assert "Locked until" in client.post("/api/session", json={"name": name, "secret": secret}).json()["detail"]


def test_a_flood_of_guesses_leaves_the_pages_their_threads(plant: Plant) -> None:
    with plant.client(Role.QUALITY) as client, ThreadPoolExecutor(60) as crowd:

        def guess(number: int) -> int:
            with plant.client() as other:
                return other.post("/api/session", json={"name": f"nobody-{number}", "secret": "x"}).status_code

        told = [crowd.submit(guess, number) for number in range(60)]
        served = 0
        while not all(one.done() for one in told):
            assert client.get("/api/state").status_code == 200
            served += 1
        statuses = [one.result() for one in told]
    assert served > 0
    assert set(statuses) <= {401, 503}
    assert statuses.count(401) >= MOST_WAITING


def test_wrong_signatures_lock_the_account_as_wrong_sign_ins_do(plant: Plant) -> None:
    part = plant.rejects[0].result_id
    body = {"opinion": "disagree", "reason": "dirt", "secret": "0000"}
    with plant.client(Role.OPERATOR) as client:
        told = [client.post(f"/api/inspections/{part}/review", json=body).status_code for _ in range(MOST_FAILURES + 1)]
        assert told == [422] * MOST_FAILURES + [423]
        right = {**body, "secret": SECRETS[Role.OPERATOR][1]}
        assert client.post(f"/api/inspections/{part}/review", json=right).status_code == 423
        assert client.get(f"/api/inspections/{part}/reviews").json()["items"] == []


def test_a_busy_door_says_so_in_the_visitors_language(plant: Plant) -> None:
    room = plant.app.state.gatekeeper._room
    for _ in range(MOST_WAITING):
        assert room.acquire(blocking=False)
    try:
        with plant.client() as client:
            given = {"name": "mara", "secret": "x"}
            page = client.post("/login", data=given, headers={"Accept": "text/html", "Accept-Language": "de"})
            assert page.status_code == 503
            assert page.headers["retry-after"] == "2"
            assert "Gerade melden sich zu viele an" in page.text
            assert "Journal" not in page.text, "nothing is wrong with the book"
            assert client.post("/api/session", json=given).status_code == 503
    finally:
        for _ in range(MOST_WAITING):
            room.release()

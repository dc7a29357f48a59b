"""Who may call what: every route with every role, and every way around it."""

from collections.abc import Iterator

import pytest
from fastapi.routing import APIRoute
from starlette.types import Message

from inspector.domain.account import Access, Role
from inspector.domain.lockout import MOST_FAILURES
from inspector.web import guarded
from inspector.web.app import _require_declared, declared
from tests.web.apart import run_apart
from tests.web.plant import SECRETS, Plant

ROLES = (None, *Role)
ENDS = (("POST", "/logout"), ("DELETE", "/api/session"))
"""What would end the very session that asks."""
ENDLESS = "/events"
_PLACES = {"{number}": "0", "{recipe}": "critical"}


def filled(path: str, plant: Plant) -> str:
    for place, value in {**_PLACES, "{result_id}": str(plant.rejects[0].result_id)}.items():
        path = path.replace(place, value)
    return path


@pytest.mark.parametrize("role", ROLES, ids=lambda role: role.value if role else "nobody")
def test_every_route_takes_only_the_roles_that_it_declares(role: Role | None, seen_plant: Plant) -> None:
    table = declared(seen_plant.app)
    assert len(table) > 20
    with seen_plant.client(role) as client:
        for (method, path), access in table.items():
            if (method, path) in ENDS or path == ENDLESS:
                continue
            may = Access(access) in {Access.PUBLIC, Access.LIVE} or (role is not None and role in Access(access).roles)
            answer = client.request(method, filled(path, seen_plant), follow_redirects=False)
            refused = answer.status_code in {401, 403}
            wrong_secret = path == "/login" and method == "POST"
            assert refused is not may or wrong_secret, (method, path, role, answer.status_code)


@pytest.mark.parametrize("role", ROLES, ids=lambda role: role.value if role else "nobody")
def test_what_ends_a_session_or_has_no_end_takes_only_whom_it_declares(role: Role | None, plant: Plant) -> None:
    table = declared(plant.app)
    for method, path in ENDS:
        assert Access(table[method, path]) is Access.ANYONE
        with plant.client(role) as client:
            assert client.request(method, path).status_code in ({401} if role is None else {204, 303}), path
            assert client.get("/api/state").status_code == 401, "it has ended"
    assert Access(table["GET", ENDLESS]) is Access.LIVE
    with plant.client(role) as client, client.stream("GET", ENDLESS) as stream:
        assert stream.status_code == 200
        assert next(stream.iter_lines()).startswith(("event:", "data:", ":"))


def test_the_matrix_leaves_no_route_out(seen_plant: Plant) -> None:
    assert {*ENDS, ("GET", ENDLESS)} < set(declared(seen_plant.app))


def test_a_route_that_declares_nothing_keeps_the_station_from_starting(seen_plant: Plant) -> None:
    hole = APIRoute("/hole", lambda: None, methods=["GET"])
    whole = seen_plant.app.state.routes
    seen_plant.app.state.routes = (*whole, hole)
    try:
        with pytest.raises(TypeError, match="GET /hole"):
            _require_declared(seen_plant.app)
    finally:
        seen_plant.app.state.routes = whole
    _require_declared(seen_plant.app)


def test_a_body_without_an_end_is_cut_off_before_anybody_signed_in(
    plant: Plant, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(guarded, "MOST_BYTES", 10_000)
    given = 0

    def pieces() -> Iterator[bytes]:
        nonlocal given
        for _ in range(10_000):
            given += 1_000
            yield b"x" * 1_000

    with plant.client() as client:
        answer = client.post("/login", content=pieces(), headers={"Content-Type": "application/x-www-form-urlencoded"})
        assert answer.status_code == 413
        assert client.post("/api/session", content=b"x" * 10_001).status_code == 413
        assert client.get("/api/state").status_code == 401, "the station goes on"


def test_only_a_picture_to_be_judged_may_be_large_and_only_of_somebody_signed_in(plant: Plant) -> None:
    large = b"[" * (guarded.MOST_BYTES + 1)
    with plant.client() as client:
        for path in ("/api/session", "/login", "/nowhere"):
            assert client.post(path, content=large, headers={"Content-Type": "application/json"}).status_code == 413
    with plant.client(Role.ENGINEER) as client:
        as_picture = client.post("/api/inspect", files={"picture": ("a.png", large)})
        assert as_picture.json()["isSimulated"], "it was read"
        as_text = client.post("/api/inspect", content=large, headers={"Content-Type": "application/json"})
        assert (as_text.status_code, as_text.json()["detail"]) == (413, f"at most {guarded.MOST_BYTES} bytes are taken")


def test_nothing_is_read_of_a_strangers_picture(seen_plant: Plant) -> None:
    async def unread() -> Message:
        raise AssertionError("its body was asked for")

    async def send(message: Message) -> None:
        told.append(message)

    told: list[Message] = []
    scope = {
        "type": "http",
        "method": "POST",
        "scheme": "http",
        "path": "/api/inspect",
        "query_string": b"",
        "headers": [(b"content-type", b"multipart/form-data; boundary=x"), (b"content-length", b"2000000")],
    }
    run_apart(seen_plant.app(scope, unread, send))
    assert told[0]["status"] == 401


def test_a_change_without_the_pages_token_is_refused(plant: Plant) -> None:
    with plant.client(Role.OPERATOR) as client:
        del client.headers["X-CSRF-Token"]
        answer = client.post(f"/api/inspections/{plant.rejects[0].result_id}/review", json={})
        assert answer.status_code == 403
        client.headers["X-CSRF-Token"] = "x" * 43
        assert client.post("/logout").status_code == 403


def test_a_request_from_another_site_is_refused(plant: Plant) -> None:
    with plant.client(Role.OPERATOR) as client:
        assert client.post("/logout", headers={"Origin": "http://evil.example"}).status_code == 403
        assert client.post("/logout", headers={"Sec-Fetch-Site": "cross-site"}).status_code == 403
        assert client.post("/logout", headers={"Origin": plant.url}).status_code == 303


def test_a_cookie_is_worth_nothing_after_signing_out(plant: Plant) -> None:
    with plant.client(Role.ADMIN) as client:
        kept = dict(client.cookies)
        assert client.get("/api/state").status_code == 200
        assert client.delete("/api/session").status_code == 204
        with plant.client() as replay:
            replay.cookies.update(kept)
            assert replay.get("/api/state").status_code == 401


def test_five_wrong_secrets_lock_an_account_even_for_the_right_one(plant: Plant) -> None:
    name, secret = SECRETS[Role.ENGINEER]
    with plant.client() as client:
        for _ in range(MOST_FAILURES):
            assert client.post("/api/session", json={"name": name, "secret": "wrong"}).status_code == 401
        answer = client.post("/api/session", json={"name": name, "secret": secret})
        assert answer.status_code == 401
        assert "Locked until" in answer.json()["detail"]
    with plant.client(Role.OPERATOR):
        pass  # nobody else is locked


def test_a_session_begins_anew_at_each_sign_in_and_its_cookie_is_hidden_from_scripts(plant: Plant) -> None:
    name, secret = SECRETS[Role.OPERATOR]
    with plant.client() as client:
        first = client.post("/api/session", json={"name": name, "secret": secret})
        second = client.post("/api/session", json={"name": name, "secret": secret})
    cookies = [answer.headers["set-cookie"] for answer in (first, second)]
    assert cookies[0] != cookies[1]
    assert all("HttpOnly" in cookie and "SameSite=strict" in cookie for cookie in cookies)


@pytest.mark.parametrize("wish", ["//evil.example", "https://evil.example", "/\\evil.example", "javascript:alert(1)"])
def test_signing_in_leads_nowhere_else(wish: str, plant: Plant) -> None:
    name, secret = SECRETS[Role.OPERATOR]
    with plant.client() as client:
        answer = client.post("/login", data={"name": name, "secret": secret, "next": wish})
    assert answer.headers["location"] == "/"


def test_pictures_are_given_to_nobody_without_an_account_and_no_path_leads_out(plant: Plant) -> None:
    picture = f"/parts/{plant.rejects[0].result_id}/picture"
    with plant.client() as client:
        assert client.get(picture).status_code == 401
    with plant.client(Role.OPERATOR) as client:
        assert client.get(picture).headers["content-type"] == "image/jpeg"
        for path in ("/static/../station.py", "/static/%2e%2e/station.py", "/golden/..%2f..%2finspector.toml"):
            assert client.get(path).status_code in {404, 307}, path


def test_every_answer_says_what_a_browser_may_do_with_it(seen_plant: Plant) -> None:
    with seen_plant.client() as client:
        for path in ("/live", "/health", "/static/station.js"):
            headers = client.get(path).headers
            assert "default-src 'self'" in headers["content-security-policy"]
            assert headers["x-content-type-options"] == "nosniff"
            assert "server" not in headers

"""Users: what an administrator may change, that each change is signed and noted first, and that it holds at once."""

import threading
from dataclasses import replace

import httpx
import pytest
from playwright.sync_api import Page, expect

from inspector.domain.account import Role
from inspector.domain.errors import JournalError
from inspector.domain.lockout import MOST_FAILURES
from inspector.web.gatekeeper import Gatekeeper
from tests.web.browsing import ready, sign_in
from tests.web.plant import SECRETS, Plant

SOON_MS = 20_000
SIGNED = {"signature": SECRETS[Role.ADMIN][1]}
PAGES = ("/users", "/models", "/models/surface-small")
STRANGE = '李 <b>"O\'يوسف"</b> \U0001f600 a/b?'


@pytest.fixture(autouse=True)
def patient(page: Page) -> None:
    page.set_default_timeout(SOON_MS)


def key_of(client: httpx.Client, name: str) -> str:
    (key,) = [one["key"] for one in client.get("/api/users").json()["items"] if one["name"] == name]
    return str(key)


def rows(client: httpx.Client) -> list[tuple[str, str, str]]:
    """Who changed whom how, newest first."""
    told = client.get("/api/audit", params={"action": "account"}).json()["items"]
    return [(one["who"], one["subject"], one["content"]["change"]) for one in told]


def test_a_person_is_added_changed_and_let_in_no_more(page: Page, plant: Plant) -> None:
    name, secret = SECRETS[Role.ADMIN]
    sign_in(page, plant, Role.ADMIN, "/users")
    expect(page.locator(".people li")).to_have_count(4)
    page.fill("#add [name=name]", "jo")
    page.fill("#add [name=full_name]", STRANGE)
    page.fill("#add [name=secret]", "1111")
    page.fill("#add [name=signature]", secret)
    page.click("#add .go")
    expect(page.locator("#trouble")).to_contain_text("at least 4 digits")
    expect(page.locator("#add [name=full_name]")).to_have_value(STRANGE)
    page.fill("#add [name=secret]", "2580")
    page.fill("#add [name=signature]", secret)
    page.click("#add .go")
    expect(page.locator("h1")).to_have_text(f"jo · {STRANGE}")
    ready(page)
    page.select_option("[name=role]", "engineer")
    page.fill("[name=signature]", secret)
    page.click("#save")
    expect(page.locator("#trouble")).to_contain_text("at least 10 characters")
    page.fill("[name=secret]", "spirit-level-8")
    page.fill("[name=signature]", "wrong")
    page.click("#save")
    expect(page.locator("#trouble")).to_contain_text("Nothing was changed")
    expect(page.locator("[name=role]")).to_have_value("engineer")
    page.fill("[name=secret]", "spirit-level-8")
    page.fill("[name=signature]", secret)
    page.click("#save")
    expect(page.locator("#standing")).to_contain_text("engineer")
    page.fill("[name=signature]", secret)
    page.click("#off")
    expect(page.locator("#standing")).to_contain_text("access revoked")
    expect(page.locator("#changes tbody tr")).to_have_count(3)
    expect(page.locator("#changes tbody tr").nth(1)).to_contain_text("operator → engineer")
    with plant.client(Role.ADMIN) as client:
        assert rows(client) == [(name, "jo", "off"), (name, "jo", "role, another secret"), (name, "jo", "added")]


def test_the_session_of_who_is_let_in_no_more_dies_at_once(plant: Plant) -> None:
    with plant.client(Role.ENGINEER) as working, plant.client(Role.ADMIN) as admin:
        assert working.get("/api/state").status_code == 200
        key = key_of(admin, "enzo")
        done = admin.post(f"/api/users/{key}", json={"active": False, **SIGNED})
        assert (done.status_code, done.json()["active"], done.json()["sessions"]) == (200, False, [])
        assert working.get("/api/state").status_code == 401
        name, secret = SECRETS[Role.ENGINEER]
        assert working.post("/api/session", json={"name": name, "secret": secret}).status_code == 401
        assert admin.post(f"/api/users/{key}", json={"active": True, **SIGNED}).status_code == 200
        assert working.get("/api/state").status_code == 401, "the old cookie stays worthless"


def test_all_sessions_of_an_account_end_in_one_act_and_a_role_counts_at_once(plant: Plant) -> None:
    with plant.client(Role.QUALITY) as one, plant.client(Role.QUALITY) as two, plant.client(Role.ADMIN) as admin:
        key = key_of(admin, "quirin")
        assert len(admin.get(f"/api/users/{key}").json()["sessions"]) == 2
        assert one.get("/api/audit").status_code == 200
        change = {"role": "operator", "secret": "2580", **SIGNED}
        assert admin.post(f"/api/users/{key}", json={"role": "engineer", **SIGNED}).status_code == 200
        assert one.post("/api/inspect").status_code == 422, "an engineer by now"
        assert admin.post(f"/api/users/{key}/sign-out", json=SIGNED).status_code == 200
        assert [client.get("/api/state").status_code for client in (one, two)] == [401, 401]
        assert admin.post(f"/api/users/{key}", json=change).status_code == 200
        assert admin.get("/api/state").status_code == 200
        assert rows(admin)[:2] == [("ada", "quirin", "role, another secret"), ("ada", "quirin", "sessions ended")]


def test_who_is_locked_out_by_wrong_secrets_is_let_in_again(page: Page, plant: Plant) -> None:
    name, secret = SECRETS[Role.OPERATOR]
    with plant.client() as client:
        for _ in range(MOST_FAILURES):
            client.post("/api/session", json={"name": name, "secret": "0000"})
        assert client.post("/api/session", json={"name": name, "secret": secret}).status_code == 401
        sign_in(page, plant, Role.ADMIN, "/users")
        page.click(f".people a:has-text('{name}')")
        expect(page.locator("#standing")).to_contain_text("locked until")
        page.fill("[name=signature]", SECRETS[Role.ADMIN][1])
        page.click("#unlock")
        expect(page.locator("#standing")).to_contain_text("active")
        assert client.post("/api/session", json={"name": name, "secret": secret}).status_code == 200


def test_nothing_is_changed_without_the_administrators_own_password(plant: Plant) -> None:
    with plant.client(Role.ADMIN) as client:
        key = key_of(client, "mara")
        person = {"name": "jo", "role": "operator", "secret": "2580"}
        before = client.get("/api/users").json()
        for path, body in (
            ("/api/users", person),
            (f"/api/users/{key}", {"active": False}),
            (f"/api/users/{key}/unlock", {}),
            (f"/api/users/{key}/sign-out", {}),
        ):
            assert client.post(path, json=body).status_code == 428
            assert client.post(path, json={**body, "signature": SECRETS[Role.OPERATOR][1]}).status_code == 422
            page = path.removeprefix("/api")
            form = {name: str(value) for name, value in {"role": "operator", **body}.items()}
            assert client.post(page, data={**form, "signature": ""}).status_code == 422
        assert client.get("/api/users").json() == before
        assert rows(client) == []
        assert client.post("/api/users", json={**person, **SIGNED}).status_code == 201


def test_the_last_administrator_is_neither_ended_nor_made_another(plant: Plant) -> None:
    with plant.client(Role.ADMIN) as client:
        key = key_of(client, "ada")
        for change in ({"active": False}, {"role": "quality"}):
            told = client.post(f"/api/users/{key}", json={**change, **SIGNED})
            assert (told.status_code, "last administrator" in told.json()["detail"]) == (422, True)
        assert rows(client) == []
        second = {"name": "otto", "role": "admin", "secret": "a-second-keeper", **SIGNED}
        assert client.post("/api/users", json=second).status_code == 201
        assert client.post(f"/api/users/{key}", json={"active": False, **SIGNED}).status_code == 200
        assert client.get("/api/users").status_code == 401, "the own session died too"


def test_what_cannot_be_an_account_is_refused_with_what_would_be_right(plant: Plant) -> None:
    with plant.client(Role.ADMIN) as client:
        fit = {"name": STRANGE, "role": "operator", "secret": "2580", "badge": "77", "fullName": STRANGE, **SIGNED}
        done = client.post("/api/users", json=fit)
        assert (done.status_code, done.json()["name"], done.json()["fullName"]) == (201, STRANGE, STRANGE)
        assert "77" not in done.text.replace(done.json()["key"], "")
        for change, said in (
            ({"name": "MARA"}, "is there already"),
            ({"name": "a\u202eb"}, "printable"),
            ({"name": "jo", "secret": "12"}, "at least 4 digits"),
            ({"name": "jo", "role": "engineer"}, "at least 10 characters"),
            ({"name": "jo", "badge": "mara"}, "give each its own"),
            ({"name": "jo", "fullName": "\u2066jo"}, "printable"),
        ):
            told = client.post("/api/users", json={**fit, "badge": "78", **change})
            assert told.status_code == 422
            assert said in told.json()["detail"]
        for shape in ({"role": "king"}, {"language": "fr"}, {"more": 1}, {"name": "x" * 500}):
            assert client.post("/api/users", json={**fit, "name": "jo", **shape}).status_code == 422, shape
        assert client.post("/users", data={**fit, "name": "jo", "language": "fr", "badge": "79"}).status_code == 422
        half = b'{"name": "\\ud800", "role": "operator", "secret": "2580", "signature": "keeper-of-keys"}'
        told = client.post("/api/users", content=half, headers={"Content-Type": "application/json"})
        assert told.status_code == 422, "half a letter is none"
        assert client.get("/api/users/0000000000000000").status_code == 404
        assert client.get(f"/users/{key_of(client, STRANGE)}").status_code == 200


def test_a_person_gives_themselves_another_pin_by_touch_and_the_old_one_is_worth_nothing(
    page: Page, plant: Plant
) -> None:
    name, old = SECRETS[Role.OPERATOR]

    def type_in(field: str, digits: str) -> None:
        page.focus(f"#another [name={field}]")
        for digit in digits:
            page.click(f"#another [data-key='{digit}']")

    with plant.client(Role.OPERATOR) as elsewhere:
        sign_in(page, plant, Role.OPERATOR, "/account")
        for now, new, again, said in (
            (old, "2580", "2581", "differ"),
            (old, "1111", "1111", "at least 4 digits"),
            ("9999", "2580", "2580", "Nothing was changed"),
        ):
            type_in("now", now)
            type_in("new", new)
            type_in("again", again)
            page.click("#another .go")
            expect(page.locator("#trouble")).to_contain_text(said)
            ready(page)
        assert elsewhere.get("/api/state").status_code == 200
        type_in("now", old)
        type_in("new", "2580")
        type_in("again", "2580")
        page.click("#another .go")
        page.wait_for_url("**/login?next=/account")
        assert elsewhere.get("/api/state").status_code == 401
        assert elsewhere.post("/api/session", json={"name": name, "secret": old}).status_code == 401
        assert elsewhere.post("/api/session", json={"name": name, "secret": "2580"}).status_code == 200
        body = {"signature": "2580", "secret": "8520"}
        elsewhere.headers["X-CSRF-Token"] = elsewhere.post(
            "/api/session", json={"name": name, "secret": "2580"}
        ).json()["csrf"]
        assert elsewhere.post("/api/account/secret", json=body).status_code == 204
    with plant.client(Role.ADMIN) as admin:
        assert rows(admin) == [(name, name, "another secret")] * 2


class FullTrail:
    """An audit chain that takes no row."""

    def record(self, *, who: str, action: str, subject: str, content: object, at_utc: object) -> None:
        raise JournalError(f"{who}, {action}, {subject}: the disk is full")


def test_where_a_change_cannot_be_noted_it_is_not_made(plant: Plant) -> None:
    desk = replace(plant.station.staff("ada"), trail=FullTrail())  # type: ignore[type-var]
    plant.app.state.station = replace(plant.station, staff=lambda _who: desk)
    with plant.client(Role.ENGINEER) as working, plant.client(Role.ADMIN) as admin:
        key = key_of(admin, "enzo")
        assert admin.post(f"/api/users/{key}", json={"active": False, **SIGNED}).status_code == 503
        assert admin.post(f"/api/users/{key}/sign-out", json=SIGNED).status_code == 503
        person = {"name": "jo", "role": "operator", "secret": "2580", **SIGNED}
        assert admin.post("/api/users", json=person).status_code == 503
        assert working.get("/api/state").status_code == 200
        assert {one["name"] for one in admin.get("/api/users").json()["items"]} == {"ada", "enzo", "mara", "quirin"}


@pytest.mark.parametrize("role", [None, Role.OPERATOR, Role.ENGINEER, Role.QUALITY], ids=str)
def test_nobody_else_reaches_any_of_it(role: Role | None, seen_plant: Plant) -> None:
    with seen_plant.client(role) as client:
        for path in PAGES if role in {None, Role.OPERATOR} else PAGES[:1]:
            for place in (path, f"/api{path}"):
                assert client.get(place).status_code == (401 if role is None else 403), place
        for path in ("/users", "/api/users", "/api/users/k", "/users/k/off", "/api/users/k/sign-out"):
            assert client.post(path, json={}).status_code in {401, 403}, path


def test_a_secret_that_was_changed_while_it_was_checked_opens_nothing(plant: Plant) -> None:
    station, (name, secret) = plant.station, SECRETS[Role.ENGINEER]
    checked, go = threading.Event(), threading.Event()

    class Slow:
        def hashed(self, secret: str) -> str:
            return station.secrets.hashed(secret)

        def fits(self, secret: str, secret_hash: str) -> bool:
            fits = station.secrets.fits(secret, secret_hash)
            checked.set()
            assert go.wait(20)
            return fits

    plant.app.state.gatekeeper = Gatekeeper(replace(station, secrets=Slow()))
    answers: list[int] = []

    def enter() -> None:
        with plant.client() as client:
            answers.append(client.post("/api/session", json={"name": name, "secret": secret}).status_code)

    thread = threading.Thread(target=enter)
    thread.start()
    assert checked.wait(20)
    before = station.accounts.find(name)
    assert before is not None
    station.staff("ada").change(before, replace(before, secret_hash=station.secrets.hashed("another-secret-1")))
    go.set()
    thread.join(20)
    assert answers == [401]
    assert list(station.sessions.of(name)) == []

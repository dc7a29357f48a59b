"""I/O and links: what is shown of signals and links, and how an output is forced."""

import threading
from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, expect

from inspector.adapters import journal_sql
from inspector.domain.account import Role
from inspector.domain.request import FORCE, WITHDRAW, Request, RequestState
from inspector.pipeline.requests import answer_to
from inspector.pipeline.status import StatusFile
from tests.adapters.journal_sql.records import STATION
from tests.fakes import wait_until
from tests.web.browsing import sign_in
from tests.web.plant import EVIL, SECRETS, Plant

SOON_MS = 20_000
BYPASS = "to_plc.state.bypass"
SECRET = SECRETS[Role.ENGINEER][1]


def asked(plant: Plant) -> list[Request]:
    """What stands in the book, oldest first."""
    with journal_sql.open_requests(plant.journal, station=STATION) as book:
        return list(book.asked(0))


def answer(plant: Plant, number: int, text: str) -> None:
    """As the line does."""
    request = next(one for one in asked(plant) if one.number == number)
    with journal_sql.open_recorder(plant.journal, station=STATION) as recorder:
        recorder.note(answer_to(request, RequestState.RUNNING, text))
        assert recorder.flush(20)


@pytest.fixture
def sinks(plant: Plant) -> Iterator[None]:
    """A follower that lives, and whose broker is away."""
    status, stop = StatusFile(plant.folder / "run" / STATION, "follow"), threading.Event()
    link = {"device": "127.0.0.1:1883", "alive": False, "reason": "refused", "since_utc": "2026-11-24T08:00:00Z"}

    def write() -> None:
        while not stop.wait(0.2):
            status.write({"alive": True, "state": "Running", "sinks": {"mqtt": {**link, "lag": 12}}})

    writer = threading.Thread(target=write, name="follower")
    writer.start()
    yield
    stop.set()
    writer.join()


def test_programs_read_every_signal_link_and_handshake(plant: Plant, sinks: None) -> None:
    with plant.client(Role.OPERATOR) as client:
        assert wait_until(lambda: client.get("/api/io").json()["alive"], 20)
        assert wait_until(lambda: client.get("/api/io").json()["links"][-1]["lag"] == 12, 20)
        told = client.get("/api/io").json()
    values = {signal["name"]: signal["value"] for signal in told["signals"]}
    assert values["from_plc.status.enable"] == 1
    assert values["to_plc.state.error"] == 0
    assert values["from_plc.job"] is None
    assert told["role"] == "client"
    assert [(link["name"], link["up"]) for link in told["links"]] == [("PLC", True), ("Camera", False), ("mqtt", False)]
    assert told["handshake"][0]["answered_ms"] == 52.9
    assert BYPASS in told["forceable"]


def test_the_screen_shows_bits_numbers_links_and_the_handshake(page: Page, plant: Plant, sinks: None) -> None:
    sign_in(page, plant, Role.OPERATOR, "/io")
    expect(page.locator(f"[data-bit='{BYPASS}']")).to_have_attribute("data-on", "0", timeout=SOON_MS)
    expect(page.locator("[data-bit='from_plc.status.enable'] .level")).to_have_text("1")
    expect(page.locator("[data-word='from_plc.trigger_seq']")).to_have_text("65538")
    expect(page.locator("[data-word='from_plc.part_id']")).to_have_text("SN7")
    expect(page.locator("#io-trace")).to_contain_text(EVIL)
    expect(page.locator("#io-trace")).to_contain_text("52.9 ms")
    expect(page.locator(".link.down")).to_have_count(2, timeout=SOON_MS)
    expect(page.locator(".link.down").first).to_contain_text("no frame")
    expect(page.locator("#forcing")).to_have_count(0)
    expect(page.locator("#io .lost")).not_to_be_visible()


def test_a_line_that_died_hatches_the_screen_and_its_links_are_not_known(page: Page, plant: Plant) -> None:
    sign_in(page, plant, Role.ENGINEER, "/io")
    expect(page.locator(".link.up")).to_have_count(1, timeout=SOON_MS)
    plant.line.clear()
    expect(page.locator("#io .lost")).to_be_visible(timeout=SOON_MS)
    expect(page.locator(".link.up")).to_have_count(0, timeout=SOON_MS)
    expect(page.locator(".link.unknown").first).to_contain_text("The line is not responding")


def test_what_a_lost_plc_said_last_is_not_shown_as_if_it_said_it_now(page: Page, plant: Plant) -> None:
    lost = {"device": "", "alive": False, "reason": "cable", "since_utc": "2026-11-24T08:00:00Z"}
    plant.status["links"] = {**plant.status["links"], "gate": lost}
    sign_in(page, plant, Role.OPERATOR, "/io")
    expect(page.locator("[data-way=from_plc].old .as-last").first).to_be_visible(timeout=SOON_MS)
    expect(page.locator("[data-way=to_plc].old")).to_have_count(0)
    plant.status["links"] = {**plant.status["links"], "gate": {**lost, "alive": True}}
    expect(page.locator("[data-way=from_plc].old")).to_have_count(0, timeout=SOON_MS)


def test_that_something_is_forced_comes_before_all_other_alarms(page: Page, plant: Plant) -> None:
    alarms = {"sync.race": "x", "plc.forced": "forced: to_plc.state.bypass = 1 by enzo"}
    plant.status["health"] = {**plant.status["health"], "alarms": alarms}
    sign_in(page, plant, Role.OPERATOR, "/live")
    expect(page.locator(".alarms")).to_contain_text("plc.forced", timeout=SOON_MS)
    expect(page.locator(".alarms")).to_contain_text("and 1 more", timeout=SOON_MS)


def test_an_output_is_forced_by_holding_a_button_with_a_signature_and_released(page: Page, plant: Plant) -> None:
    sign_in(page, plant, Role.ENGINEER, "/io")
    page.select_option("[name=output]", BYPASS)
    page.select_option("[name=seconds]", "10")
    page.fill("#forcing [name=secret]", SECRET)
    page.click("#forcing [data-hold]")
    assert asked(plant) == [], "a touch is not enough"
    page.click("#forcing [data-hold]", delay=1300)
    page.wait_for_url("**/io?asked=*")
    (request,) = asked(plant)
    assert (request.kind, dict(request.content)) == (FORCE, {"output": BYPASS, "high": True, "seconds": 10})
    assert request.asked_by == "enzo, inspector web"
    newest = plant.station.audit.audit().items[0]
    assert (newest.who, newest.action, newest.subject) == ("enzo", "output.forced", BYPASS)
    answer(plant, request.number, "it is forced")
    expect(page.locator("#io-asked")).to_contain_text("it is forced", timeout=SOON_MS)


def test_what_is_forced_stands_over_the_screen_and_is_released_there(page: Page, plant: Plant) -> None:
    driven = {"output": BYPASS, "high": True, "by": "enzo, inspector web", "request": 7, "seconds_left": 9}
    plant.status["forced"] = {"outputs": [BYPASS], "driven": [driven]}
    sign_in(page, plant, Role.ENGINEER, "/io")
    expect(page.locator(".forced-banner")).to_contain_text(f"{BYPASS} = 1", timeout=SOON_MS)
    expect(page.locator(".forced-banner")).to_contain_text("9 s", timeout=SOON_MS)
    expect(page.locator(f"[data-bit='{BYPASS}']")).to_have_attribute("data-forced", "")
    page.click(".forced-banner button")
    page.wait_for_url("**/io?asked=*")
    (request,) = asked(plant)
    assert (request.kind, dict(request.content)) == (WITHDRAW, {"request": 7})
    assert plant.station.audit.audit().items[0].action == "output.released"


@pytest.mark.parametrize(
    ("changed", "status", "says"),
    [
        ({"output": "to_plc.result_code"}, 422, "cannot be forced"),
        ({"secret": "wrong"}, 422, "wrong"),
        ({"seconds": 601}, 422, ""),
        ({"high": "perhaps"}, 422, ""),
    ],
)
def test_what_must_not_be_forced_is_refused_and_asked_of_nobody(
    changed: dict[str, object], status: int, says: str, plant: Plant
) -> None:
    body = {"output": BYPASS, "high": True, "seconds": 30, "secret": SECRET, **changed}
    with plant.client(Role.ENGINEER) as client:
        assert wait_until(lambda: client.get("/api/io").json()["alive"], 20)
        before = len(plant.station.audit.audit().items)
        refused = client.post("/api/io/force", json=body)
        assert (refused.status_code, says in refused.text) == (status, True), refused.text
    assert asked(plant) == []
    assert len(plant.station.audit.audit().items) == before


def test_nothing_is_forced_at_a_line_that_does_not_answer(plant: Plant) -> None:
    plant.line.clear()
    body = {"output": BYPASS, "high": True, "seconds": 30, "secret": SECRET}
    with plant.client(Role.ENGINEER) as client:
        assert wait_until(lambda: not client.get("/api/io").json()["alive"], 20)
        assert client.post("/api/io/force", json=body).status_code == 409
    assert asked(plant) == []


def test_what_a_program_forces_is_answered_by_the_line(plant: Plant) -> None:
    body = {"output": BYPASS, "high": False, "seconds": 30, "secret": SECRET}
    with plant.client(Role.ADMIN) as client:
        assert wait_until(lambda: client.get("/api/io").json()["alive"], 20)
        number = client.post("/api/io/force", json={**body, "secret": SECRETS[Role.ADMIN][1]}).json()["request"]
        assert client.get(f"/api/io/force/{number}").json() == {"answers": []}
        answer(plant, number, "it is forced")
        said = client.get(f"/api/io/force/{number}").json()["answers"]
        assert [(one["text"], one["last"]) for one in said] == [("it is forced", False)]
        assert client.delete(f"/api/io/force/{number}").status_code == 200
    assert [one.kind for one in asked(plant)] == [FORCE, WITHDRAW]

"""A recipe is changed at a line that runs, by two people at the station's interface: real processes, real PLC peer."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import groupby
from pathlib import Path
from typing import Any

import httpx
import pytest

from inspector.adapters import journal_sql
from inspector.app import settings
from inspector.app.demo.plant import STATION, Plant
from inspector.app.parts import check_parts
from inspector.app.recipe_file import load_text
from inspector.app.web_accounts import open_them
from inspector.domain.account import Account, Role
from inspector.domain.inspection import Inspection
from inspector.domain.rules import judge
from inspector.domain.verdict import Outcome
from tests.system.bench import Bench, read_json, small_plant, wait_for

PEOPLE = {"enzo": Role.ENGINEER, "quirin": Role.QUALITY}
SECRET = "screwdriver7"  # noqa: S105 - of a test's own station
ENOUGH = 8
PATIENCE_S = 240.0


@contextmanager
def signed_in(plant: Plant, name: str) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=plant.web, timeout=30) as client:
        answer = client.post("/api/session", json={"name": name, "secret": SECRET})
        assert answer.status_code == 200, answer.text
        client.headers["X-CSRF-Token"] = answer.json()["csrf"]
        yield client


def lenient(text: str) -> str:
    """The shipped recipe with nothing in it that fails a part."""
    lines = [line for line in text.splitlines() if not line.startswith(("any_fails", "max_count", "doubt"))]
    return "\n".join(lines) + "\n"


def parts_of(plant: Plant) -> list[Inspection]:
    with journal_sql.open_journal(plant.journal, station=STATION, read_only=True) as book:
        found: list[Inspection] = []
        last = 0
        while page := book.after(last):
            found += [entry.event for entry in page if isinstance(entry.event, Inspection)]
            last = page[-1].journal_seq
    return sorted(found, key=lambda one: (one.part.series, one.part.part_seq))


def judged_by(plant: Plant, sha256: str) -> list[Inspection]:
    """Parts that a recipe's rules judged, not a law of the house."""
    return [
        one
        for one in parts_of(plant)
        if one.recipe.sha256 == sha256 and not one.verdict.decision.rule.startswith("law.")
    ]


def activate(plant: Plant, sha256: str, before: str, reason: str) -> dict[str, Any]:
    with signed_in(plant, "enzo") as client:
        wait_for("the station to see the line", lambda: used(client) == (True, before))
        body = {"before": before, "reason": reason, "secret": SECRET}
        answer = client.post(f"/api/recipes/{sha256}/activation", json=body)
        assert answer.status_code == 200, answer.text
        return dict(answer.json())


@pytest.mark.timeout(900)
def test_a_recipe_changes_between_two_parts_survives_a_crash_and_is_rolled_back(tmp_path: Path) -> None:
    plant = small_plant(tmp_path, parts=0)
    with Bench(plant) as bench:
        started(bench)
        first = bench.status()["recipe"]["sha256"]
        wait_for("parts of the first recipe", lambda: failed(judged_by(plant, first)))

        text = lenient(check_parts(settings.load(plant.config, STATION)).recipes[0].text)
        with signed_in(plant, "enzo") as client:
            second = client.post("/api/recipes", json={"content": text}).json()["sha256"]
            early = client.post(f"/api/recipes/{second}/activation", json=body_of(first))
            assert (early.status_code, "Not approved yet" in early.text) == (409, True)
        with signed_in(plant, "quirin") as client:
            said = client.post(f"/api/recipes/{second}/decision", json={"approved": True, "secret": SECRET})
            assert said.json()["standing"] == "approved"
        told = activate(plant, second, first, "a trial of the lenient one")
        shown = bench.status()
        assert (told["state"], shown["recipe"]["sha256"]) == ("done", second)
        wait_for("parts of the second recipe", lambda: len(judged_by(plant, second)) >= ENOUGH)

        bench.kill("line")
        bench.start("line")
        bench.line_ready()
        assert bench.status()["recipe"]["sha256"] == second, "what was activated is what a line starts with"
        activate(plant, first, second, "escapes")
        many = len(judged_by(plant, first))
        wait_for("parts of the first recipe again", lambda: len(judged_by(plant, first)) >= many + ENOUGH)

        account_for_all(bench, second, first)

    parts = parts_of(plant)
    assert [sha256 for sha256, _ in groupby(parts, key=lambda one: one.recipe.sha256)] == [first, second, first]
    loaded = check_parts(settings.load(plant.config, STATION))
    recipes = {
        first: loaded.recipes[0].recipe,
        second: load_text(text, tmp_path / "second", pictures=tmp_path).recipe,
    }
    assert loaded.recipes[0].sha256 == first
    for one in parts:
        if not one.verdict.decision.rule.startswith("law."):
            again = judge(recipes[one.recipe.sha256], one.detections, loaded.scale)
            assert (again.outcome, again.reason) == (one.verdict.outcome, one.verdict.reason), one.part
    assert not failed([one for one in parts if one.recipe.sha256 == second])
    check_the_chain(plant, parts, second)


def started(bench: Bench) -> None:
    """Twin, line and station, and the people who may sign in."""
    with open_them(bench.plant.folder / "data") as (accounts, hasher):
        for name, role in PEOPLE.items():
            accounts.add(Account(name=name, role=role, secret_hash=hasher.hashed(SECRET)))
    bench.start("twin")
    wait_for("the simulated line", lambda: bench.twin().get("state") == "waiting for run_permit")
    bench.start("line")
    bench.line_ready()
    bench.start("web")
    wait_for("the station", lambda: answers(bench.plant), patience_s=PATIENCE_S)


def account_for_all(bench: Bench, second: str, first: str) -> None:
    """Stop the belt, then the line; the book holds one Inspection for each of the PLC's parts."""
    assert bench.stop("twin") == 0
    report = read_json(bench.plant.run_dir / "twin_report.json")
    assert bench.stop("line") == 0
    with signed_in(bench.plant, "enzo") as client:
        wait_for("the station to know", lambda: not used(client)[0])
        dead = client.post(f"/api/recipes/{second}/activation", json=body_of(first))
        assert (dead.status_code, "is not running" in dead.text) == (409, True)
    assert bench.stop("web") == 0
    proof = bench.command("journal", "verify", "--plc-count", str(report["last_trigger"]), "--json")
    assert proof.returncode == 0, proof.stdout
    assert json.loads(proof.stdout)["inspections"] == report["triggers"]
    assert (report["wrong_ejections"], report["missed_ejections"]) == (0, 0)


def check_the_chain(plant: Plant, parts: list[Inspection], second: str) -> None:
    """Every act is in it, in order; and what was put aside judged nothing any more."""
    with journal_sql.open_for_people(plant.journal, station=STATION, read_only=True) as book:
        acts = [(one.who, one.action) for one in reversed(book.audit.audit(action="recipe").items)]
        (newest, _) = book.activations.activations()
        assert newest.answered_utc is not None
        late = [one for one in parts if one.opened_utc > newest.answered_utc and one.recipe.sha256 == second]
        assert len(late) <= 1, "what was triggered in the moment between book and board"
    assert acts == [
        ("enzo", "recipe.proposed"),
        ("quirin", "recipe.approved"),
        *[("enzo", "recipe.activation_asked"), ("enzo", "recipe.activated")] * 2,
    ]


def used(client: httpx.Client) -> tuple[bool, str]:
    """Whether the line lives, and the recipe in use, as the station knows them."""
    (slot,) = client.get("/api/recipes/in-use").json()["items"]
    return slot["live"], slot["sha256"]


def body_of(before: str) -> dict[str, str]:
    return {"before": before, "reason": "trial", "secret": SECRET}


def failed(parts: list[Inspection]) -> list[Inspection]:
    return [one for one in parts if one.verdict.outcome is Outcome.FAIL]


def answers(plant: Plant) -> bool:
    try:
        return httpx.get(f"{plant.web}/health", timeout=5).status_code in {200, 503}
    except httpx.TransportError:
        return False

import json
import os
from pathlib import Path
from typing import Any

import pytest

from inspector.domain.chain import AuditHead
from inspector.domain.errors import DeliveryError
from inspector.pipeline.herald import Herald
from inspector.pipeline.liveness import StatusWatch
from inspector.ports.liveness import Life
from inspector.ports.sink import Announcement


class World:
    """A status file, and clocks that a test turns."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "status.json"
        self.mono = 1000.0
        self.wall = 1_790_000_000.0
        self.beats = 0

    def write(self, **more: Any) -> None:
        self.beats += 1
        status = {"station": "left", "state": "Ready", "monotonic": self.mono, "beat": self.beats, **more}
        self.path.write_text(json.dumps(status))
        os.utime(self.path, (self.wall, self.wall))

    def pass_s(self, seconds: float) -> None:
        self.mono += seconds
        self.wall += seconds

    def watch(self) -> StatusWatch:
        return StatusWatch(self.path, clock=lambda: self.mono, wall=lambda: self.wall)


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


def test_a_line_that_writes_is_alive_and_one_that_fell_silent_for_two_seconds_is_dead(world: World) -> None:
    world.write()
    watch = world.watch()
    assert watch.look().life is Life.ALIVE
    world.pass_s(2.0)
    assert watch.look().life is Life.ALIVE
    world.pass_s(0.1)
    assert watch.look().life is Life.DEAD
    world.write()
    assert watch.look().life is Life.ALIVE


@pytest.mark.parametrize("jump_s", [-3600.0, 86_400.0])
def test_a_jump_of_the_wall_clock_declares_nobody_dead_and_saves_nobody(world: World, jump_s: float) -> None:
    world.write()
    watch = world.watch()
    assert watch.look().life is Life.ALIVE
    world.wall += jump_s
    assert watch.look().life is Life.ALIVE
    world.pass_s(0.25)
    world.write()
    assert watch.look().life is Life.ALIVE
    world.pass_s(2.5)
    assert watch.look().life is Life.DEAD


def test_at_first_sight_an_old_file_is_dead_at_once_and_a_doubtful_one_is_watched(world: World) -> None:
    world.write()
    world.pass_s(60)
    assert world.watch().look().life is Life.DEAD
    world.write()
    world.wall += 60  # old by the wall clock, young by the line's own reading: the wall clock may have jumped
    watch = world.watch()
    assert watch.look().life is Life.UNKNOWN
    world.pass_s(0.25)
    world.write()
    assert watch.look().life is Life.ALIVE


def test_a_file_of_an_earlier_boot_brings_nobody_to_life(world: World) -> None:
    world.write(monotonic=world.mono + 5000)
    watch = world.watch()
    assert watch.look().life is Life.UNKNOWN
    world.pass_s(2.5)
    assert watch.look().life is Life.DEAD


def test_no_file_at_all_is_a_dead_line_after_two_seconds(world: World) -> None:
    watch = world.watch()
    assert watch.look().life is Life.UNKNOWN
    world.pass_s(2.5)
    seen = watch.look()
    assert (seen.life, seen.reason) == (Life.DEAD, "the line writes no status")


def test_a_torn_file_is_no_sign_of_life(world: World) -> None:
    world.write()
    watch = world.watch()
    watch.look()
    world.pass_s(2.5)
    world.path.write_text('{"station": "le')
    assert watch.look().life is Life.DEAD


def test_a_line_whose_last_word_was_halted_has_stopped(world: World) -> None:
    world.write(state="Halted")
    watch = world.watch()
    watch.look()
    world.pass_s(2.5)
    assert watch.look().life is Life.STOPPED


class Wall:
    """A sink that keeps what it is told."""

    def __init__(self) -> None:
        self.told: list[Announcement] = []

    def deliver(self, *_: Any) -> None:
        raise DeliveryError("not asked for here")

    def announce(self, announcement: Announcement) -> None:
        self.told.append(announcement)

    def of(self, topic: str) -> list[Any]:
        return [one.payload for one in self.told if one.topic == topic]


def test_the_herald_tells_states_when_they_change_and_health_at_least_every_ten_seconds(world: World) -> None:
    wall = Wall()
    herald = Herald(station="left", software="0.1", watch=world.watch(), clock=lambda: world.mono)
    assert not herald.tell(wall, lambda: 0), "nothing is known yet"
    for second in range(44):
        world.pass_s(0.25)
        world.write(counters={"pass": second // 8}, recipe={"name": "critical"}, health={"camera": float("nan")})
        assert herald.tell(wall, lambda: 3)
    for _ in range(12):
        world.pass_s(0.25)
        herald.tell(wall, lambda: 3)
    assert [state["state"] for state in wall.of("state")] == ["online", "offline"]
    assert [state["opcState"] for state in wall.of("state")] == ["Ready", "Ready"]
    assert len(wall.of("info")) == 1
    assert [counted["values"]["pass"] for counted in wall.of("counters")] == [0, 1, 2, 3, 4, 5]
    assert wall.of("recipe/active")[0]["values"] == {"name": "critical"}
    assert len(wall.of("health")) == 2
    assert wall.of("health")[0]["lag"] == 3
    json.dumps([one.payload for one in wall.told], allow_nan=False)


def test_the_audit_head_is_told_as_it_grows_and_never_as_it_went_back(world: World) -> None:
    wall = Wall()
    heads = [AuditHead(number=number, sha256=f"{number}" * 64) for number in (0, 1, 1, 3, 2, 2, 4)]
    herald = Herald(
        station="left", software="0.1", watch=world.watch(), clock=lambda: world.mono, audit=lambda: heads[0]
    )
    while heads:
        world.pass_s(1.0)
        world.write(health={})
        if herald.tell(wall, lambda: 0):
            heads.pop(0)
    assert [told["number"] for told in wall.of("audit/head")] == [0, 1, 3, 4]
    assert wall.of("audit/head")[-1]["sha256"] == "4" * 64


def test_the_books_head_is_told_every_ten_seconds_and_never_as_it_went_back(world: World) -> None:
    wall, number = Wall(), 0

    def head() -> AuditHead:
        return AuditHead(number=number, sha256=f"{number % 10}" * 64)

    herald = Herald(station="left", software="0.1", watch=world.watch(), clock=lambda: world.mono, book=head)
    for second in range(35):
        number = 3 if second > 28 else second
        world.pass_s(1.0)
        world.write(health={})
        herald.tell(wall, lambda: 0)
    told = [record["number"] for record in wall.of("book/head")]
    assert told == [10, 20]

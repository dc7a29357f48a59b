"""The live picture: only while somebody looks, what it tells, and that nothing of it outlives its lease."""

import json
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from inspector.adapters.live_files import LiveFiles, StageFiles
from inspector.domain.frame import PixelFormat
from inspector.pipeline.live_view import BINS, CROP_PX, WIDEST_PX, crop_box, figures_of
from inspector.pipeline.sight import Limits, glance, reference_of
from inspector.ports.live_picture import LEASE_S, Wish
from inspector.ports.sight import Learned, Setup
from tests import fakes
from tests.eye import judged, open_view, passing_parts
from tests.fakes import wait_until
from tests.pipeline.plant import Plant

PATIENCE_S = 20.0
FORMATS = [one for one in PixelFormat if one is not PixelFormat.MONO16]


def scene(width: int = 1600, height: int = 1200, blur: float = 0.0) -> Any:
    """Brushed metal with a hole."""
    grain = np.random.default_rng(7).normal(150, 12, (height, width)).astype(np.float32)
    cv2.circle(grain, (width // 3, height // 3), 90, 20.0, -1)
    if blur:
        grain = cv2.GaussianBlur(grain, (0, 0), blur)
    return np.clip(grain, 0, 255).astype(np.uint8)


def test_nothing_is_shown_while_nobody_looks_and_it_goes_when_nobody_looks_any_more(tmp_path: Path) -> None:
    live = LiveFiles(tmp_path)
    with open_view(tmp_path) as view, passing_parts(view, scene()):
        assert not wait_until((tmp_path / "live.json").exists, 1.0)
        assert wait_until(lambda: live.look(Wish()) is not None, PATIENCE_S)
        assert live.small() is not None
        begun = time.monotonic()
        assert wait_until(lambda: not list(tmp_path.glob("live*.j*")), PATIENCE_S), "the lease is over"
        assert time.monotonic() - begun >= LEASE_S / 2
    assert live.small() is None


def test_a_frame_is_made_small_and_a_piece_of_it_is_shown_as_it_is(tmp_path: Path) -> None:
    live, pixels = LiveFiles(tmp_path), scene(2400, 1800)
    with open_view(tmp_path) as view, passing_parts(view, pixels):
        assert wait_until(lambda: bool((live.look(Wish(crop=(1000, 900))) or {}).get("crop")), PATIENCE_S)
        figures = live.look(Wish())
        assert figures is not None
        assert figures["crop"] == [1000 - CROP_PX[0] // 2, 900 - CROP_PX[1] // 2, *CROP_PX], "kept for who does not ask"
        small = cv2.imdecode(np.frombuffer(live.small() or b"", np.uint8), cv2.IMREAD_UNCHANGED)
        piece = cv2.imdecode(np.frombuffer(live.crop() or b"", np.uint8), cv2.IMREAD_UNCHANGED)
    assert small.shape == (1800 * WIDEST_PX // 2400, WIDEST_PX)
    x, y, width, height = figures["crop"]
    assert piece.shape == (height, width)
    off = np.abs(piece.astype(int) - pixels[y : y + height, x : x + width])
    assert off.mean() < 5
    assert (figures["width"], figures["height"], figures["exposure_us"]) == (2400, 1800, 400.0)


def test_a_frame_without_loss_is_written_once_for_each_time_it_is_asked_for(tmp_path: Path) -> None:
    live, pixels = LiveFiles(tmp_path), scene()
    with open_view(tmp_path) as view, passing_parts(view, pixels):
        assert wait_until(lambda: (live.look(Wish(whole=77)) or {}).get("whole") == 77, PATIENCE_S)
        found = cv2.imdecode(np.frombuffer(live.whole() or b"", np.uint8), cv2.IMREAD_UNCHANGED)
        assert np.array_equal(found, pixels)
        (tmp_path / "live-whole.png").unlink()
        number = (live.look(Wish(whole=77)) or {})["number"]
        assert wait_until(lambda: (live.look(Wish(whole=77)) or {}).get("number", 0) > number + 1, PATIENCE_S)
        assert live.whole() is None


@pytest.mark.parametrize("pixel_format", FORMATS, ids=lambda one: one.value)
def test_every_format_is_shown(pixel_format: PixelFormat, tmp_path: Path) -> None:
    live, pixels = LiveFiles(tmp_path), scene(700, 500)
    shown = np.repeat(pixels[:, :, None], 3, axis=2) if pixel_format is PixelFormat.BGR8 else pixels
    with open_view(tmp_path) as view, passing_parts(view, shown, pixel_format):
        assert wait_until(lambda: (live.look(Wish(crop=(5, 5), whole=1)) or {}).get("whole") == 1, PATIENCE_S)
        assert live.small()
        assert live.crop()
        assert live.whole()


def test_figures_tell_focus_light_and_where_the_grey_levels_are() -> None:
    sharp, soft = (figures_of(scene(blur=blur), PixelFormat.MONO8) for blur in (0.0, 2.0))
    assert sharp["focus"] > 3 * soft["focus"] > 0
    assert sum(sharp["histogram"]) == pytest.approx(1.0, abs=1e-3)
    assert len(sharp["histogram"]) == BINS
    assert int(np.argmax(sharp["histogram"])) in range(35, 40), "the metal's 150 of 255"
    assert len(sharp["thirds"]) == 9
    assert figures_of(np.full((400, 400), 255, np.uint8), PixelFormat.MONO8)["burnt"] == 1.0


def test_figures_stand_beside_those_of_the_set_up(tmp_path: Path) -> None:
    live = LiveFiles(tmp_path)
    setup = Setup(recipe="r", recipe_sha256="", serial="", width=1, height=1, pixel_format="Mono8", camera_sha256="")
    reference = reference_of([glance(scene(), PixelFormat.MONO8)])
    learned = Learned(setup=setup, reference=reference, learned_utc=datetime.now(UTC), by="line")
    with open_view(tmp_path, lambda _recipe: (learned, Limits())) as view, passing_parts(view, scene()):
        assert wait_until(lambda: live.look(Wish()) is not None, PATIENCE_S)
        figures = live.look(Wish())
    assert figures is not None
    assert figures["reference"]["light"][0] == figures["light"]
    assert figures["reference"]["limits"]["sharpness"] == [0.3, 0.6]


def test_a_part_without_a_picture_and_one_that_comes_too_soon_are_passed_by(tmp_path: Path) -> None:
    live = LiveFiles(tmp_path)
    with open_view(tmp_path) as view:
        live.look(Wish())
        assert wait_until(lambda: view._wish is not None, PATIENCE_S)
        view.offer(judged(1, None))
        view.offer(judged(2, scene()))
        view.offer(judged(3, scene()))
        assert wait_until(lambda: (live.look(Wish()) or {}).get("part_seq") == 2, PATIENCE_S)


@pytest.mark.parametrize(
    "lease",
    [
        b"",
        b"no json",
        b"[]",
        b'{"monotonic": "x"}',
        b'{"monotonic": NaN}',
        b'{"monotonic": 1e99}',
        b'{"monotonic": %d, "crop": "ab"}',
        b'{"monotonic": %d, "crop": [1]}',
        b'{"monotonic": %d, "whole": 1e999}',
        b'{"monotonic": %d, "whole": null}',
        b"x" * 5000,
    ],
)
def test_a_lease_that_is_none_is_none(lease: bytes, tmp_path: Path) -> None:
    now = int(time.monotonic())
    (tmp_path / "live.lease").write_bytes(lease.replace(b"%d", str(now).encode()))
    assert StageFiles(tmp_path).wished() is None


def test_a_piece_lies_inside_the_frame_wherever_it_was_asked_for() -> None:
    pixels = np.zeros((900, 1300), np.uint8)
    for middle in ((0, 0), (1299, 899), (650, 450), (1 << 20, 1 << 20)):
        x, y, width, height = crop_box(middle, pixels)
        assert (width, height) == CROP_PX
        assert 0 <= x <= 1300 - width
        assert 0 <= y <= 900 - height
        assert x % 2 == y % 2 == 0
    assert crop_box((5, 5), np.zeros((70, 90), np.uint8)) == (0, 0, 90, 70)


def test_a_disk_that_takes_nothing_stops_nobody(tmp_path: Path) -> None:
    live = LiveFiles(tmp_path)
    with open_view(tmp_path) as view, passing_parts(view, scene()):
        assert wait_until(lambda: live.look(Wish()) is not None, PATIENCE_S)
        for path in tmp_path.glob("live*.j*"):
            path.unlink(missing_ok=True)
        (tmp_path / "live.json").mkdir(exist_ok=True)
        assert not wait_until(lambda: live.look(Wish()) is not None, 1.0)


def test_a_line_shows_its_parts_while_somebody_looks_and_keeps_the_law(tmp_path: Path) -> None:
    live, parts = LiveFiles(tmp_path), list(range(1, 9))
    live.look(Wish())
    plant = Plant(tmp_path, events=parts, shots=[fakes.Shot(part_seq=part_seq) for part_seq in parts])
    plant.live = StageFiles(tmp_path)
    assert plant.run() == 0
    plant.law_holds(parts)
    assert not (tmp_path / "live.json").exists()
    assert "handshake" in json.loads((tmp_path / "status.json").read_text())

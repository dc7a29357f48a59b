"""`inspector camera calibrate`: residual, certificate, due date and camera of a scale; what a bad recheck costs."""

import json
import threading
import tomllib
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from inspector.app import build, settings
from inspector.app.calibration.board import between, board_of, measure
from inspector.app.parts import check_parts
from inspector.domain.errors import ConfigError, FrameError
from inspector.twin.scenes import SceneSettings, render
from tests.app.conftest import Verb

Edit = Callable[[str, str, str], Path]
PX_PER_MM = 20.5
WIDTH, HEIGHT = 1200, 900
BOARD = "checkerboard:9x6:5"


def checkerboard(px_per_mm: float = PX_PER_MM, turn_deg: float = 3.0, *, tilt: float = 0.0) -> NDArray[np.uint8]:
    """9 x 6 inner corners 5 mm apart, turned, drawn large and shrunk; ``tilt``: of the camera."""
    fine, columns, rows = 24, 10, 7
    squares = (np.indices((rows, columns)).sum(axis=0) % 2).astype(np.uint8) * 190 + 30
    picture = cv2.copyMakeBorder(
        np.kron(squares, np.ones((fine * 5, fine * 5), np.uint8)), 40, 40, 40, 40, 0, value=235
    )
    scale = px_per_mm / fine
    c, s = np.cos(np.radians(turn_deg)) * scale, np.sin(np.radians(turn_deg)) * scale
    x, y = picture.shape[1] / 2, picture.shape[0] / 2
    matrix = np.array([[c, -s, WIDTH / 2 - c * x + s * y], [s, c, HEIGHT / 2 - s * x - c * y], [tilt, 0, 1 - tilt * x]])
    shown = cv2.warpPerspective(picture, matrix, (WIDTH, HEIGHT), flags=cv2.INTER_LINEAR, borderValue=235)
    soft = cv2.GaussianBlur(shown, (0, 0), 1.2)
    noise = np.random.default_rng(1).integers(-4, 5, soft.shape)
    return np.clip(soft + noise, 0, 255).astype(np.uint8)


def charuco(px_per_mm: float = PX_PER_MM) -> NDArray[np.uint8]:
    words = cv2.aruco.getPredefinedDictionary(cv2.aruco.DICT_4X4_250)
    board = cv2.aruco.CharucoBoard((9, 7), 5.0, 3.5, words)
    side = (round(45 * px_per_mm), round(35 * px_per_mm))
    drawn = board.generateImage(side, marginSize=0)
    canvas = np.full((HEIGHT, WIDTH), 235, np.uint8)
    canvas[60 : 60 + side[1], 100 : 100 + side[0]] = drawn
    return np.asarray(cv2.GaussianBlur(canvas, (0, 0), 0.8), np.uint8)


@pytest.mark.parametrize("turn_deg", [0.5, 7.0, -20.0])
def test_a_checkerboard_tells_the_scale_to_a_part_in_ten_thousand(turn_deg: float) -> None:
    seen = measure(checkerboard(turn_deg=turn_deg), board_of(BOARD))
    assert seen.px_per_mm == pytest.approx(PX_PER_MM, rel=1e-4)
    assert seen.residual_px < 0.15
    assert seen.corners == 54


def test_a_charuco_board_tells_it_as_well_also_where_part_of_it_is_out_of_view() -> None:
    board = board_of("charuco:9x7:5:3.5:DICT_4X4_250")
    assert measure(charuco(), board).px_per_mm == pytest.approx(PX_PER_MM, rel=1e-3)
    part = charuco()
    part[:, :400] = 235
    seen = measure(part, board)
    assert seen.px_per_mm == pytest.approx(PX_PER_MM, rel=1e-3)
    assert seen.corners < 48


def test_a_camera_that_looks_aslant_is_refused() -> None:
    with pytest.raises(FrameError, match=r"differs by .* does the camera look straight down\?"):
        measure(checkerboard(tilt=2e-4), board_of(BOARD))


def test_no_board_in_view_is_said_with_the_board() -> None:
    grey = np.full((HEIGHT, WIDTH), 120, np.uint8)
    with pytest.raises(FrameError, match="no checkerboard of 9 x 6 inner corners, 5 mm squares is seen whole"):
        measure(grey, board_of(BOARD))
    with pytest.raises(FrameError, match="0 corners of a ChArUco board of 9 x 7 squares"):
        measure(grey, board_of("charuco:9x7:5:3.5"))


def test_a_known_length_tells_the_scale_and_no_residual() -> None:
    seen = between((100, 100), (400, 500), 25.0)
    assert seen.px_per_mm == 20.0
    assert np.isnan(seen.residual_px)


@pytest.mark.parametrize(
    "text",
    ["checkers:9x6:5", "checkerboard:9:5", "checkerboard:9x6", "checkerboard:2x6:5", "charuco:9x7:5", "charuco:9x7:5:6",
     "charuco:9x7:5:3.5:DICT_9X9"],
)  # fmt: skip
def test_a_board_that_is_none_is_named(text: str) -> None:
    with pytest.raises(ConfigError, match=f"--board '{text}'"):
        board_of(text)


@pytest.fixture
def pictures(tmp_path: Path, edit: Edit) -> Path:
    """What the station's camera shows: now a board."""
    folder = tmp_path / "pictures"
    folder.mkdir()
    edit("stations/left.toml", "/srv/inspector/left", str(folder))
    edit("stations/left.toml", 'mode = "watch"', 'mode = "loop"')
    cv2.imwrite(str(folder / "board.png"), checkerboard())
    return folder


def calibrated(config: Path, verb: Verb) -> Path:
    done = verb("camera", "calibrate", "-c", config, "-s", "left", "--board", BOARD, "--certificate", "D-K-15070",
                "--lens", "35 mm f/8", "--days", "100", "--json")  # fmt: skip
    assert done.exit_code == 0, done.stderr
    return Path(json.loads(done.stdout)["file"])


def test_a_scale_is_void_where_the_station_names_another_lens_or_distance(
    config: Path, verb: Verb, pictures: Path, edit: Edit
) -> None:
    done = verb("camera", "calibrate", "-c", config, "-s", "left", "--board", BOARD,
                "--lens", "35 mm f/8 no. 7", "--stand-off-mm", "400", "--json")  # fmt: skip
    assert done.exit_code == 0, done.stderr
    assert (json.loads(done.stdout)["lens"], json.loads(done.stdout)["stand_off_mm"]) == ("35 mm f/8 no. 7", 400.0)

    def void() -> str:
        scale = check_parts(settings.load(config, "left")).scale
        assert scale is not None
        return scale.void(datetime.now(UTC).date(), scale.serial, scale.frame_px or (0, 0))

    assert void() == "", "the first calibration writes what is mounted into the station's settings"
    edit("stations/left.toml", 'lens = "35 mm f/8 no. 7"', 'lens = "35 mm F/8  no. 7"')
    edit("stations/left.toml", "stand_off_mm = 400.0", "stand_off_mm = 400.5")
    assert void() == ""
    edit("stations/left.toml", "stand_off_mm = 400.5", "stand_off_mm = 402.0")
    assert "was measured 400 mm away, scale.stand_off_mm = 402; calibrate again" in void()
    edit("stations/left.toml", 'lens = "35 mm F/8  no. 7"', 'lens = "35 mm f/8 no. 9"')
    assert "is of lens '35 mm f/8 no. 7', scale.lens = '35 mm f/8 no. 9' is mounted" in void()
    told = json.loads(verb("doctor", "-c", config, "-s", "left", "--json").stdout)["findings"]
    assert any(one["name"] == "scale" and "is mounted" in one["found"] for one in told)
    refused = verb("camera", "calibrate", "-c", config, "-s", "left", "--recheck")
    assert refused.exit_code == 78
    assert "is of lens" in refused.stderr
    other = verb("camera", "calibrate", "-c", config, "-s", "left", "--board", BOARD, "--lens", "another")
    assert "the station says scale.lens = '35 mm f/8 no. 9'" in other.stderr
    anew = verb("camera", "calibrate", "-c", config, "-s", "left", "--board", BOARD)
    assert anew.exit_code == 0, anew.stderr
    assert void() == ""


def test_the_scale_is_kept_with_all_that_an_audit_asks_for(config: Path, verb: Verb, pictures: Path) -> None:
    path = calibrated(config, verb)
    assert path == config / "scales" / "left.toml"
    kept = tomllib.loads(path.read_text())
    assert kept["px_per_mm"] == pytest.approx(PX_PER_MM, rel=1e-4)
    assert 0 < kept["residual_px"] < 0.15
    assert (kept["certificate"], kept["lens"], kept["board"]) == ("D-K-15070", "35 mm f/8", BOARD)
    assert kept["frame_px"] == [WIDTH, HEIGHT]
    assert kept["camera_serial"]
    assert (kept["due"] - kept["made_utc"].date()).days == 100
    parts = check_parts(settings.load(config, "left"))
    assert parts.scale is not None
    assert (parts.scale.id, parts.scale.px_per_mm) == (kept["id"], kept["px_per_mm"])
    checked = verb("check", "-c", config, "-s", "left")
    assert checked.exit_code == 0, checked.stderr
    assert f"scale {kept['id']}" in checked.stdout
    found = json.loads(verb("doctor", "-c", config, "-s", "left", "--json").stdout)["findings"]
    assert any(one["name"] == "scale" and "of camera" in one["found"] for one in found)


def judge_parts(config: Path, pictures: Path, count: int) -> None:
    """Run the line over as many parts."""
    for old in pictures.iterdir():
        old.unlink()
    for number in range(count):
        scene = render(9300 + number, SceneSettings(width=WIDTH, height=HEIGHT)).pixels
        cv2.imwrite(str(pictures / f"part{number}.png"), scene)
    station = config / "stations" / "left.toml"
    text = station.read_text()
    once = text.replace('mode = "loop"', 'mode = "once"').replace("deadline_ms = 400", "deadline_ms = 30000")
    station.write_text(once + "\n[runtime]\nkind = 'onnx'\nthreads = 1\n")
    with build.open_line(check_parts(settings.load(config, "left")), threading.Event()) as line:
        assert line.run(notify=lambda _: None) == 0
    station.write_text(text)
    for old in pictures.iterdir():
        old.unlink()


def recheck(config: Path, verb: Verb, pictures: Path, px_per_mm: float) -> tuple[int, dict[str, object]]:
    cv2.imwrite(str(pictures / "board.png"), checkerboard(px_per_mm))
    done = verb("camera", "calibrate", "-c", config, "-s", "left", "--recheck", "--json")
    assert done.exit_code in {0, 1}, done.stderr
    return done.exit_code, json.loads(done.stdout)


def test_a_failed_recheck_lists_the_parts_judged_since_the_last_good_one_and_voids_the_scale(
    config: Path, verb: Verb, pictures: Path
) -> None:
    calibrated(config, verb)
    assert recheck(config, verb, pictures, PX_PER_MM * 1.0005)[0] == 0
    judge_parts(config, pictures, 3)
    code, told = recheck(config, verb, pictures, PX_PER_MM * 1.02)
    assert code == 1
    parts = told["parts"]
    assert isinstance(parts, list)
    assert sorted(part["serial"] for part in parts) == ["part0.png", "part1.png", "part2.png"]
    scale = check_parts(settings.load(config, "left")).scale
    assert scale is not None
    assert "found it off by +2.0" in scale.refuted
    warned = verb("check", "-c", config, "-s", "left")
    assert "a recheck on" in warned.stdout
    spoken = verb("camera", "calibrate", "-c", config, "-s", "left", "--recheck")
    assert "parts judged since: 3" in spoken.stdout
    calibrated(config, verb)
    renewed = check_parts(settings.load(config, "left")).scale
    assert renewed is not None
    assert renewed.refuted == ""


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ((), "--board: which board is it?"),
        (("--recheck",), "the station has no calibration yet"),
        (("--board", "length:50"), "length:50:200,1500,3800,1500 is right"),
        (("--board", "length:50:0,0,9999,0"), "two places on a frame of 1200 x 900 px"),
    ],
)
def test_a_wrong_wish_says_what_would_be_right(
    config: Path, verb: Verb, pictures: Path, words: tuple[str, ...], said: str
) -> None:
    done = verb("camera", "calibrate", "-c", config, "-s", "left", *words)
    assert done.exit_code == 78
    assert said in done.stderr


def test_another_camera_is_not_rechecked(config: Path, verb: Verb, pictures: Path) -> None:
    path = calibrated(config, verb)
    path.write_text(path.read_text().replace("camera_serial = ", 'camera_serial = "other" # '))
    done = verb("camera", "calibrate", "-c", config, "-s", "left", "--recheck")
    assert done.exit_code == 78
    assert "the calibration is of camera other" in done.stderr


@pytest.mark.parametrize(
    ("table", "said"),
    [
        ('calibration = "scales/none.toml"', "inspector camera calibrate makes it"),
        ('calibration = "scales/none.toml"\nid = "x"', "remove them here"),
        ('id = "x"', "id and px_per_mm must be set, or calibration"),
    ],
)
def test_a_scale_that_is_none_says_what_would_be_right(config: Path, verb: Verb, table: str, said: str) -> None:
    path = config / "stations" / "left.toml"
    text = path.read_text()
    begin, end = text.index("[scale]"), text.index("[camera]")
    path.write_text(f"{text[:begin]}[scale]\n{table}\n\n{text[end:]}")
    done = verb("check", "-c", config, "-s", "left")
    assert done.exit_code == 78
    assert said in done.stderr

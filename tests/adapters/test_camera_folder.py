"""A folder as a camera: every file is one grab, good or bad, and a bad one is named."""

import os
import threading
import time
import tomllib
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray
from pydantic import ValidationError
from structlog.testing import capture_logs

from inspector.adapters.camera_folder import PLUGIN, CameraFolder, CameraFolderSettings
from inspector.adapters.camera_folder.files import natural
from inspector.domain.errors import DeviceError, FrameError
from inspector.domain.frame import PixelFormat
from inspector.ports.camera import SelfWatching
from inspector.ports.plugin import Context

CONTEXT = Context(station="s", data_dir="", run_dir="")
GREY = np.random.default_rng(1).integers(0, 255, (60, 80), np.uint8)
COLOUR = np.random.default_rng(2).integers(0, 255, (60, 80, 3), np.uint8)
GREY16 = np.random.default_rng(3).integers(0, 65535, (60, 80), np.uint16)


def save(folder: Path, name: str, image: NDArray[np.uint8] | NDArray[np.uint16] = GREY) -> Path:
    folder.mkdir(exist_ok=True)
    assert cv2.imwrite(str(folder / name), image)
    return folder / name


@contextmanager
def opened(folder: Path, **wanted: object) -> Iterator[CameraFolder]:
    with PLUGIN.open(CameraFolderSettings(path=folder, **wanted), CONTEXT) as camera:
        yield camera


def buffer(camera: CameraFolder) -> NDArray[np.uint8] | NDArray[np.uint16]:
    info = camera.describe()
    shape = (info.height, info.width, 3) if info.pixel_format is PixelFormat.BGR8 else (info.height, info.width)
    return np.empty(shape, info.pixel_format.dtype)


def names(camera: CameraFolder, count: int) -> list[str]:
    return [Path(camera.grab(buffer(camera), 5.0).source).name for _ in range(count)]


def test_natural_order_puts_part9_before_part10() -> None:
    given = [Path(name) for name in ("part10.png", "Part9.png", "part1b.png", "part1.png", "2.png")]
    assert [path.name for path in sorted(given, key=natural)] == [
        "2.png",
        "part1.png",
        "part1b.png",
        "Part9.png",
        "part10.png",
    ]


@pytest.mark.parametrize("suffix", [".png", ".tif", ".bmp"])
def test_lossless_files_come_bit_exact(tmp_path: Path, suffix: str) -> None:
    save(tmp_path, f"a{suffix}")
    with opened(tmp_path) as camera:
        assert camera.describe().pixel_format is PixelFormat.MONO8
        np.testing.assert_array_equal(camera.grab(buffer(camera), 1.0).pixels, GREY)


@pytest.mark.parametrize(
    ("image", "suffix", "found"),
    [
        (COLOUR, ".png", PixelFormat.BGR8),
        (COLOUR, ".tiff", PixelFormat.BGR8),
        (GREY16, ".png", PixelFormat.MONO16),
        (GREY16, ".tif", PixelFormat.MONO16),
    ],
)
def test_the_first_readable_image_says_size_and_format(
    tmp_path: Path, image: NDArray[np.uint8], suffix: str, found: PixelFormat
) -> None:
    (tmp_path / "0.png").write_bytes(b"damaged")
    save(tmp_path, f"1{suffix}", image)
    with opened(tmp_path) as camera:
        info = camera.describe()
        assert (info.width, info.height, info.pixel_format) == (80, 60, found)
        with pytest.raises(FrameError, match=r"0\.png: is damaged or no image"):
            camera.grab(buffer(camera), 1.0)
        np.testing.assert_array_equal(camera.grab(buffer(camera), 1.0).pixels, image)


def test_a_raw_mosaic_comes_as_it_is(tmp_path: Path) -> None:
    save(tmp_path, "a.png")
    save(tmp_path, "b.png", COLOUR)
    with opened(tmp_path, pixel_format="BayerRG8") as camera:
        capture = camera.grab(buffer(camera), 1.0)
        assert capture.pixel_format is PixelFormat.BAYER_RG8
        np.testing.assert_array_equal(capture.pixels, GREY)
        with pytest.raises(FrameError, match=r"b\.png: 8-bit colour where BayerRG8 is expected"):
            camera.grab(buffer(camera), 1.0)


def test_a_named_format_converts_and_auto_does_not(tmp_path: Path) -> None:
    save(tmp_path, "a.png")
    save(tmp_path, "b.png", COLOUR)
    with opened(tmp_path, pixel_format="Mono8") as camera:
        assert names(camera, 2) == ["a.png", "b.png"]
    with opened(tmp_path, pixel_format="BGR8") as camera:
        assert names(camera, 2) == ["a.png", "b.png"]
    with opened(tmp_path) as camera:
        assert names(camera, 1) == ["a.png"]
        with pytest.raises(FrameError, match=r"8-bit colour where Mono8 is expected; camera\.pixel_format = \"Mono8\""):
            names(camera, 1)


def test_every_bad_file_is_one_failed_grab_that_names_it(tmp_path: Path) -> None:
    save(tmp_path, "1.png")
    whole = save(tmp_path, "2.png").read_bytes()
    (tmp_path / "2.png").write_bytes(whole[: len(whole) // 2])
    jpeg = cv2.imencode(".jpg", GREY)[1].tobytes()
    (tmp_path / "3.jpg").write_bytes(jpeg[: len(jpeg) // 2])
    (tmp_path / "4.jpg").write_bytes(jpeg[: len(jpeg) // 2] + bytes(len(jpeg) // 2))
    (tmp_path / "5.png").write_bytes(b"")
    save(tmp_path, "6.png", GREY[:30])
    save(tmp_path, "7.png", GREY16)
    bmp = cv2.imencode(".bmp", GREY)[1].tobytes()
    (tmp_path / "8.bmp").write_bytes(bmp[:-100])
    tiff = cv2.imencode(".tif", GREY)[1].tobytes()
    (tmp_path / "9.tif").write_bytes(tiff[:-100])
    (tmp_path / "10.png").mkdir()
    save(tmp_path, "11.png")
    said = {}
    with opened(tmp_path) as camera:
        assert names(camera, 1) == ["1.png"]
        for _ in range(9):
            with pytest.raises(FrameError) as error:
                camera.grab(buffer(camera), 1.0)
            path, _, text = str(error.value).partition(": ")
            said[Path(path).name] = text
        assert names(camera, 1) == ["11.png"]
    assert list(said) == ["2.png", "3.jpg", "4.jpg", "5.png", "6.png", "7.png", "8.bmp", "9.tif", "10.png"]
    assert all("is cut short" in said[name] for name in ("2.png", "3.jpg", "4.jpg", "8.bmp"))
    assert "is empty (0 bytes)" in said["5.png"]
    assert "80 x 30 px where 80 x 60 px is expected" in said["6.png"]
    assert "16-bit grey where 8 bit (Mono8) is expected" in said["7.png"]
    assert "damaged" in said["9.tif"]
    assert "cannot be read" in said["10.png"]


def test_the_end_mark_of_a_thumbnail_is_not_the_end_of_a_jpeg(tmp_path: Path) -> None:
    jpeg = cv2.imencode(".jpg", GREY)[1].tobytes()
    thumbnail = b"Exif\0\0" + jpeg
    with_thumbnail = jpeg[:2] + b"\xff\xe1" + (len(thumbnail) + 2).to_bytes(2, "big") + thumbnail + jpeg[2:]
    (tmp_path / "1.jpg").write_bytes(with_thumbnail)
    (tmp_path / "2.jpg").write_bytes(with_thumbnail[: -len(jpeg) // 2])
    with opened(tmp_path) as camera:
        assert names(camera, 1) == ["1.jpg"]
        with pytest.raises(FrameError, match="is cut short"):
            names(camera, 1)


def test_once_ends_with_folder_read(tmp_path: Path) -> None:
    save(tmp_path, "1.png")
    with opened(tmp_path) as camera:
        names(camera, 1)
        with pytest.raises(DeviceError, match=r"folder read, 1 file\(s\)") as said:
            names(camera, 1)
    assert not said.value.retry


def test_loop_takes_in_what_came_meanwhile(tmp_path: Path) -> None:
    save(tmp_path, "1.png")
    with opened(tmp_path, mode="loop") as camera:
        assert names(camera, 2) == ["1.png", "1.png"]
        save(tmp_path, "2.png")
        assert names(camera, 3) == ["1.png", "2.png", "1.png"]


@pytest.mark.parametrize("mode", ["once", "loop", "watch"])
def test_a_folder_that_vanishes_is_a_device_error(tmp_path: Path, mode: str) -> None:
    folder = tmp_path / "images"
    save(folder, "1.png")
    save(folder, "2.png")
    with opened(folder, mode=mode) as camera:
        folder.rename(tmp_path / "away")
        with pytest.raises(DeviceError, match="the folder is gone") as said:
            camera.grab(buffer(camera), 1.0)
    assert said.value.retry


@pytest.mark.parametrize("mode", ["once", "loop", "watch"])
def test_a_folder_that_never_was_is_not_called_gone(tmp_path: Path, mode: str) -> None:
    with pytest.raises(DeviceError, match=r"does not exist; make it, or set camera\.path"):
        CameraFolder(CameraFolderSettings(path=tmp_path / "none", mode=mode))


def test_pictures_that_watching_leaves_alone_are_counted_once(tmp_path: Path) -> None:
    for name in ("p1.png", "p2.png", "p3.png"):
        save(tmp_path, name)
    with capture_logs() as logs:
        CameraFolder(watching(tmp_path)).flush()
        CameraFolder(watching(tmp_path, move_done="done"))
    told = [(log["count"], log["newest"]) for log in logs if log["event"] == "camera.left_alone"]
    assert told == [(3, "p3.png")]


def test_a_folder_without_a_readable_image_cannot_say_its_size(tmp_path: Path) -> None:
    (tmp_path / "1.png").write_bytes(b"no")
    with pytest.raises(DeviceError, match=r"no readable image in the folder \(1 unreadable\)"), opened(tmp_path):
        pass


def watching(folder: Path, **wanted: object) -> CameraFolderSettings:
    return CameraFolderSettings(
        path=folder, mode="watch", pixel_format="Mono8", width=80, height=60, settle_s=0.3, **wanted
    )


def wait_past(moment: float) -> None:
    while time.monotonic() < moment:
        time.sleep(0.01)


def test_watch_gives_new_files_only_and_each_once(tmp_path: Path) -> None:
    save(tmp_path, "old.png")
    camera = CameraFolder(watching(tmp_path))
    assert camera.describe().paced
    with pytest.raises(DeviceError, match="no new file within"):
        camera.grab(buffer(camera), 0.0)
    later = threading.Timer(0.1, save, (tmp_path, "new.png"))
    later.start()
    assert names(camera, 1) == ["new.png"]
    later.join()
    save(tmp_path, ".hidden.png")
    (tmp_path / ".hidden.png").rename(tmp_path / "renamed.png")
    assert names(camera, 1) == ["renamed.png"]
    save(tmp_path, "new.png", 255 - GREY)
    np.testing.assert_array_equal(camera.grab(buffer(camera), 5.0).pixels, 255 - GREY)
    with pytest.raises(DeviceError):
        camera.grab(buffer(camera), 0.0)


def test_watch_waits_until_a_file_is_whole(tmp_path: Path) -> None:
    camera = CameraFolder(watching(tmp_path))
    content = cv2.imencode(".png", GREY)[1].tobytes()
    with (tmp_path / "slow.png").open("wb") as file:
        file.write(content[:1000])
        file.flush()
        with pytest.raises(DeviceError):
            camera.grab(buffer(camera), 0.0)
        file.write(content[1000:])
    np.testing.assert_array_equal(camera.grab(buffer(camera), 5.0).pixels, GREY)


def test_watch_gives_a_file_that_never_gets_whole_as_a_bad_one(tmp_path: Path) -> None:
    camera = CameraFolder(watching(tmp_path))
    (tmp_path / "cut.png").write_bytes(cv2.imencode(".png", GREY)[1].tobytes()[:1000])
    started = time.monotonic()
    with pytest.raises(FrameError, match=r"cut\.png: is cut short"):
        camera.grab(buffer(camera), 5.0)
    assert time.monotonic() - started >= 0.3


def test_flush_makes_waiting_files_old(tmp_path: Path) -> None:
    camera = CameraFolder(watching(tmp_path))
    save(tmp_path, "1.png")
    camera.flush()
    save(tmp_path, "2.png")
    assert names(camera, 1) == ["2.png"]


def test_a_flush_takes_no_file_that_is_yet_to_be_judged_and_moved(tmp_path: Path) -> None:
    save(tmp_path, "1.png")
    camera = CameraFolder(watching(tmp_path, move_done="done"))
    camera.flush()
    assert names(camera, 1) == ["1.png"]


def test_given_files_are_moved_away_if_so_set_and_none_is_overwritten(tmp_path: Path) -> None:
    save(tmp_path, "1.png")
    (tmp_path / "2.png").write_bytes(b"bad")
    camera = CameraFolder(watching(tmp_path, move_done="done"))
    assert names(camera, 1) == ["1.png"]
    with pytest.raises(FrameError):
        camera.grab(buffer(camera), 5.0)
    save(tmp_path, "1.png")
    assert names(camera, 1) == ["1.png"]
    camera.close()
    assert sorted(path.name for path in (tmp_path / "done").iterdir()) == ["1-2.png", "1.png", "2.png"]
    assert not list(tmp_path.glob("*.png"))


@pytest.mark.parametrize("mode", ["once", "watch"])
def test_a_given_file_stays_until_the_next_grab_so_that_a_killed_line_finds_it_again(tmp_path: Path, mode: str) -> None:
    save(tmp_path, "1.png")
    save(tmp_path, "2.png")
    wanted = {"path": tmp_path, "mode": mode, "move_done": "done"}
    killed = CameraFolder(CameraFolderSettings(**wanted))
    assert names(killed, 1) == ["1.png"]
    assert (tmp_path / "1.png").exists()
    again = CameraFolder(CameraFolderSettings(**wanted))
    assert names(again, 2) == ["1.png", "2.png"]
    assert [path.name for path in (tmp_path / "done").iterdir()] == ["1.png"]
    with pytest.raises(DeviceError):
        again.grab(buffer(again), 0.0)
    assert sorted(path.name for path in (tmp_path / "done").iterdir()) == ["1.png", "2.png"]


def test_a_new_picture_under_the_name_of_the_last_one_is_not_put_away_unseen(tmp_path: Path) -> None:
    camera = CameraFolder(watching(tmp_path, move_done="done"))
    save(tmp_path, "part.png")
    assert names(camera, 1) == ["part.png"]
    save(tmp_path, "part.png", (255 - GREY).astype(np.uint8))
    np.testing.assert_array_equal(camera.grab(buffer(camera), 5.0).pixels, 255 - GREY)
    camera.close()
    assert [path.name for path in (tmp_path / "done").iterdir()] == ["part.png"]


def test_a_file_that_cannot_be_put_away_is_said_at_the_next_grab(tmp_path: Path) -> None:
    save(tmp_path, "1.png")
    save(tmp_path, "2.png")
    (tmp_path / "done").write_text("a file stands where the folder should be")
    with opened(tmp_path, move_done="done") as camera:
        assert names(camera, 1) == ["1.png"]
        with pytest.raises(DeviceError, match=r"1\.png cannot be moved"):
            camera.grab(buffer(camera), 1.0)
        (tmp_path / "done").unlink()
        assert names(camera, 1) == ["2.png"]


def test_watch_says_when_a_file_came_and_not_when_it_was_read(tmp_path: Path) -> None:
    camera = CameraFolder(watching(tmp_path))
    before = time.monotonic()
    save(tmp_path, "1.png")
    os.utime(tmp_path / "1.png", (1e9, 1e9))
    after = time.monotonic()
    wait_past(after + 0.3)
    capture = camera.grab(buffer(camera), 5.0)
    assert before - 0.05 <= capture.taken_at <= after + 0.05, "its date (copied along) says nothing of its arrival"
    asked = datetime.now(UTC)
    assert (asked - capture.taken_utc).total_seconds() >= 0.2


def test_a_file_that_grows_slowly_came_when_it_was_first_seen(tmp_path: Path) -> None:
    camera = CameraFolder(watching(tmp_path))
    content = cv2.imencode(".png", GREY)[1].tobytes()
    with (tmp_path / "slow.png").open("wb") as file:
        file.write(content[:1000])
        file.flush()
        with pytest.raises(DeviceError):
            camera.grab(buffer(camera), 0.0)
        seen = time.monotonic()
        wait_past(seen + 0.2)
        file.write(content[1000:])
    assert camera.grab(buffer(camera), 5.0).taken_at <= seen


def test_a_vanished_folder_is_noticed_while_nobody_asks(tmp_path: Path) -> None:
    folder = tmp_path / "share"
    folder.mkdir()
    values = {"path": folder, "mode": "watch", "pixel_format": "Mono8", "width": 64, "height": 64}
    with PLUGIN.open(CameraFolderSettings(**values), CONTEXT) as camera:
        assert isinstance(camera, SelfWatching)
        assert camera.trouble() == ""
        folder.rename(tmp_path / "away")
        assert "is gone" in camera.trouble()
        (tmp_path / "away").rename(folder)
        assert camera.trouble() == ""


def test_nothing_new_is_not_a_lost_camera_and_a_vanished_folder_is(tmp_path: Path) -> None:
    folder = tmp_path / "images"
    save(folder, "1.png")
    camera = CameraFolder(watching(folder))
    with pytest.raises(DeviceError, match="no new file") as quiet:
        camera.grab(buffer(camera), 0.0)
    assert not quiet.value.lost
    folder.rename(tmp_path / "away")
    with pytest.raises(DeviceError, match="is gone") as gone:
        camera.grab(buffer(camera), 0.0)
    assert gone.value.lost


@pytest.mark.parametrize(("mode", "paced"), [("once", False), ("loop", False), ("watch", True)])
def test_only_watched_files_come_at_a_pace_of_their_own(tmp_path: Path, mode: str, paced: bool) -> None:
    save(tmp_path, "1.png")
    with opened(tmp_path, mode=mode) as camera:
        assert (camera.describe().paced, camera.describe().counts_frames) == (paced, False)


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ({"mode": "forever"}, "mode"),
        ({"width": 80}, "set both or none"),
        ({"mode": "loop", "move_done": "done"}, "would empty the folder"),
        ({"move_done": "../x"}, "move_done"),
        ({"move_done": ".."}, "is no sub-folder"),
    ],
)
def test_a_wrong_setting_says_what_would_be_right(tmp_path: Path, wrong: dict[str, object], says: str) -> None:
    with pytest.raises(ValidationError, match=says):
        CameraFolderSettings(path=tmp_path, **wrong)


def test_the_sample_states_every_setting() -> None:
    sample = Path(__file__).parents[2] / "config" / "samples" / "camera_folder.toml"
    table = tomllib.loads(sample.read_text())["camera"]
    assert table.pop("kind") == "folder"
    assert set(table) == set(CameraFolderSettings.model_fields)
    CameraFolderSettings(**table)

"""`inspector camera` at the lens, and what `inspector doctor` says of a camera's network."""

import importlib
import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from pydantic import BaseModel

from inspector.adapters.camera_folder.images import read_image
from inspector.adapters.camera_opencv.found import seen_devices
from inspector.app.camera_link import card_towards, mtu_towards, receive_buffer
from inspector.app.plugins import find
from inspector.domain.frame import PixelFormat
from inspector.pipeline.optics import sharpness
from inspector.ports.plugin import FoundCamera
from tests.app.conftest import Verb
from tests.camera_peers import Peer, describe_12mp, fake_gige, own_network
from tests.fakes import wait_until

Edit = Callable[[str, str, str], Path]


@pytest.fixture
def pictures(tmp_path: Path, edit: Edit) -> Path:
    folder = tmp_path / "pictures"
    folder.mkdir()
    edit("stations/left.toml", "/srv/inspector/left", str(folder))
    edit("stations/left.toml", 'mode = "watch"', 'mode = "once"')
    rows, columns = np.mgrid[0:256, 0:256]
    sharp = (((rows // 8 + columns // 8) % 2) * 160 + 40).astype(np.uint8)
    cv2.imwrite(str(folder / "1.png"), cv2.GaussianBlur(sharp, (0, 0), 4))
    cv2.imwrite(str(folder / "2.png"), sharp)
    return folder


def test_grab_keeps_a_picture_without_loss_and_says_how_it_was_taken(
    config: Path, verb: Verb, pictures: Path, tmp_path: Path
) -> None:
    done = verb("camera", "grab", tmp_path / "out.png", "-c", config, "-s", "left", "--json")
    assert done.exit_code == 0, done.stderr
    assert (read_image(tmp_path / "out.png")[0] == read_image(pictures / "1.png")[0]).all()
    told = json.loads(done.stdout)
    assert (told["width"], told["height"], told["pixel_format"]) == (256, 256, "Mono8")


def test_focus_tells_the_sharper_picture(config: Path, verb: Verb, pictures: Path) -> None:
    done = verb("camera", "focus", "-c", config, "-s", "left", "--frames", "2", "--json")
    assert done.exit_code == 0, done.stderr
    blurred, sharp = (json.loads(line)["sharpness"] for line in done.stdout.splitlines())
    assert sharp > 2 * blurred


def test_a_kind_without_a_trigger_says_so(config: Path, verb: Verb, pictures: Path, tmp_path: Path) -> None:
    done = verb("camera", "grab", tmp_path / "out.png", "-c", config, "-s", "left", "--trigger", "software")
    assert done.exit_code == 78
    assert "has no trigger" in done.stderr


def test_sharpness_does_not_depend_on_light_and_looks_at_one_colour_of_a_mosaic() -> None:
    picture = np.random.default_rng(1).integers(20, 100, (200, 200), np.uint8)
    assert sharpness(picture, PixelFormat.MONO8) == pytest.approx(sharpness(picture * 2, PixelFormat.MONO8), rel=1e-3)
    mosaic = np.full((200, 200), 90, np.uint8)
    mosaic[::2, ::2] = 30
    assert sharpness(mosaic, PixelFormat.BAYER_RG8) == 0.0


@pytest.fixture
def gige() -> Callable[..., BaseModel]:
    plugin = find("camera", "aravis", where="here", key="camera")
    return lambda **values: plugin.settings_model(address="127.0.0.1", **values)


@pytest.mark.peer("aravis")
def test_doctor_weighs_buffers_and_packets(gige: Callable[..., BaseModel]) -> None:
    small, large = 4 << 20, 64 << 20
    assert receive_buffer(gige(), rmem_max=large, past_the_kernel=False).level == "ok"
    assert receive_buffer(gige(), rmem_max=small, past_the_kernel=True).level == "ok"
    bad = receive_buffer(gige(), rmem_max=small, past_the_kernel=False)
    assert (bad.level, "sysctl" in bad.remedy) == ("bad", True)
    assert card_towards("127.0.0.1")[0] == "lo"
    assert mtu_towards("127.0.0.1", gige(packet_size=9000)).level == "ok"


@pytest.mark.peer("aravis")
def test_doctor_says_where_no_card_leads_and_where_packets_do_not_fit(gige: Callable[..., BaseModel]) -> None:
    with own_network():
        assert "no network card leads to 192.0.2.9" in mtu_towards("192.0.2.9", gige()).found
        for command in ("ip link add plant type veth peer name far", "ip addr add 192.0.2.1/24 dev plant"):
            subprocess.run(command.split(), check=True)
        subprocess.run(["ip", "link", "set", "plant", "up"], check=True)
        assert card_towards("192.0.2.9") == ("plant", 1500)
        assert mtu_towards("192.0.2.9", gige()).level == "warn"
        assert mtu_towards("192.0.2.9", gige(packet_size=9000)).level == "bad"


@pytest.mark.peer("gentl")
@pytest.mark.xdist_group("cameras")
def test_list_names_what_every_producer_reaches(verb: Verb, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    find("camera", "gentl", where="here", key="camera")  # imports the library in the way that it bears
    producer = next(Path(importlib.import_module("genicam").__path__[0]).glob("*.cti"))
    (tmp_path / "broken.cti").write_text("no library")

    def listed(*more: object) -> Any:
        with own_network():
            return json.loads(verb("camera", "list", "--json", *more).stdout)

    monkeypatch.delenv("GENICAM_GENTL64_PATH", raising=False)
    assert "GENICAM_GENTL64_PATH names no folder with a .cti file" in listed()["troubles"]["gentl"]
    wanted = {"kind": "gentl", "serial": "1", "setting": f'producer = "{producer}", serial = "1"'}
    monkeypatch.setenv("GENICAM_GENTL64_PATH", f"{tmp_path}:{producer.parent}")
    for told in (listed(), listed("--producer", producer)):
        seen = [one for one in told["cameras"] if wanted.items() <= one.items()]
        assert len(seen) == 1
        assert told["troubles"] == {}


def test_list_names_devices_by_what_the_kernel_says_of_them(tmp_path: Path) -> None:
    kernel, links = tmp_path / "kernel", tmp_path / "links"
    links.mkdir()
    for number, index in ((10, "0"), (2, "0"), (3, "1")):
        device = kernel / f"video{number}"
        (device / "device").mkdir(parents=True)
        (device / "name").write_text(f"Webcam {number}\n")
        (device / "index").write_text(f"{index}\n")
    (kernel / "video2" / "serial").write_text("A1\n")
    (links / "usb-Maker_A1-video-index0").symlink_to("../../video2")
    assert seen_devices(kernel, links) == [
        FoundCamera(model="Webcam 2", serial="A1", setting=f'source = "{links}/usb-Maker_A1-video-index0"'),
        FoundCamera(model="Webcam 10", serial="", setting='source = "/dev/video10"'),
    ]
    assert seen_devices(tmp_path / "none", tmp_path / "none") == []


def test_list_says_how_a_library_that_is_missing_is_installed() -> None:
    """In a process of its own, in which none of the libraries can be imported."""
    hidden = "import sys; sys.modules.update(dict.fromkeys(('gi', 'pypylon', 'harvesters')))"
    asked = f"{hidden}; from inspector.app.cli import app; app(['camera', 'list'])"
    done = subprocess.run([sys.executable, "-c", asked], capture_output=True, text=True, check=False)
    for name in ("aravis", "pylon", "gentl"):
        (line,) = [line for line in done.stderr.splitlines() if line.startswith(f"inspector: {name}: ")]
        assert f"pip install '.[{name}]'" in line


@pytest.fixture
def station_with_a_camera(config: Path, tmp_path: Path) -> Iterator[Peer]:
    """A station whose camera is the fake one, in a network of its own."""
    with own_network(), fake_gige(describe_12mp(tmp_path / "camera.xml")) as peer:
        station = config / "stations" / "left.toml"
        table = '[camera]\nkind = "aravis"\naddress = "127.0.0.1"\ntrigger = "software"\nwidth = 640\nheight = 480\n'
        table += "exposure_us = 10000.0\nsilent_s = 10.0\n"
        text = station.read_text()
        start = text.index("[camera]")
        end = text.find("\n[", start + 1)
        station.write_text(text[:start] + table + (text[end:] if end > 0 else ""))
        yield peer


@pytest.mark.camera
@pytest.mark.peer("aravis")
@pytest.mark.xdist_group("cameras")
def test_list_grab_and_doctor_with_a_camera_on_the_wire(
    station_with_a_camera: Peer, config: Path, verb: Verb, tmp_path: Path
) -> None:
    assert wait_until(lambda: '"GV01"' in verb("camera", "list", "--json").stdout)
    told = json.loads(verb("camera", "list", "--json").stdout)
    assert {"kind": "aravis", "model": "Aravis Fake", "serial": "GV01", "setting": 'address = "127.0.0.1"'} in told[
        "cameras"
    ]
    done = verb("camera", "grab", tmp_path / "out.png", "-c", config, "-s", "left", "--json", "--timeout", "20")
    assert done.exit_code == 0, done.stderr
    assert json.loads(done.stdout)["exposure_us"] == 10000.0
    assert json.loads(done.stdout)["device_timestamp_ns"] > 0
    found = {
        one["name"]: one for one in json.loads(verb("doctor", "-c", config, "-s", "left", "--json").stdout)["findings"]
    }
    assert found["camera"]["level"] == "ok"
    assert "640 x 480 px Mono8, and nobody else has it" in found["camera"]["found"]
    assert {"receive buffer", "camera network"} <= found.keys()

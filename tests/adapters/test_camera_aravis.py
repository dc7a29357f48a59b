"""GigE Vision by Aravis, against Aravis' own fake camera over real sockets, in a network of its own."""

import subprocess
import time
import tomllib
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from pydantic import BaseModel, ValidationError

from inspector.app import plugins
from inspector.domain.errors import DeviceError, FrameError
from inspector.domain.frame import PixelFormat
from inspector.domain.verdict import Outcome
from inspector.pipeline.steady import open_camera
from inspector.ports.camera import Camera
from inspector.ports.gate import LineState
from inspector.ports.plugin import Context
from tests.camera_outage import in_time
from tests.camera_peers import (
    HEIGHT,
    WIDTH,
    Peer,
    buffer_for,
    describe_12mp,
    fake_gige,
    grab_until,
    grab_until_said,
    own_network,
)
from tests.camera_table import ARAVIS
from tests.fakes import wait_until
from tests.pipeline.plant import Plant

pytestmark = [pytest.mark.camera, pytest.mark.peer("aravis"), pytest.mark.xdist_group("cameras")]
CONTEXT = Context(station="s", data_dir="", run_dir="")
SAMPLE = Path(__file__).parents[2] / "config" / "samples" / "camera_aravis.toml"
SMALL = {"width": 640, "height": 480, "exposure_us": 10000.0, "packet_size": 9000}
DEFAULTS = {"silent_s": None}
"""Left out: what the settings have of themselves."""
FULL = {"width": WIDTH, "height": HEIGHT, "exposure_us": 10000.0, "packet_size": 9000}


@pytest.fixture(scope="module")
def network() -> Iterator[None]:
    with own_network():
        yield


@pytest.fixture(scope="module")
def description(network: None, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return describe_12mp(tmp_path_factory.mktemp("fake") / "camera.xml")


@pytest.fixture
def peer(description: Path) -> Iterator[Peer]:
    with fake_gige(description) as fake:
        yield fake


def settings_of(**values: object) -> BaseModel:
    model: type[BaseModel] = plugins.find("camera", "aravis", where="here", key="camera").settings_model
    return model(**values)


def opened(**wanted: object) -> AbstractContextManager[Camera]:
    values = {"address": "127.0.0.1", "trigger": "free", "fps": 30.0, "silent_s": 3.0, **wanted}
    values = {name: value for name, value in values.items() if name not in DEFAULTS or value is not None}
    plugin = plugins.find("camera", "aravis", where="here", key="camera")
    return open_camera(plugin, plugin.settings_model(**values), CONTEXT)


@pytest.fixture
def patiently(peer: Peer) -> Callable[..., AbstractContextManager[Camera]]:
    """Open once the fake camera's process answers."""

    def opening(**wanted: object) -> AbstractContextManager[Camera]:
        until = time.monotonic() + 20
        while True:
            try:
                with opened(**{**SMALL, **wanted}) as camera:
                    camera.describe()
                return opened(**{**SMALL, **wanted})
            except DeviceError as error:
                if "cannot be opened" not in str(error) or time.monotonic() > until:
                    raise

    return opening


Shows = Callable[[str, str, str], None]
Opening = Callable[..., AbstractContextManager[Camera]]


@pytest.mark.parametrize(
    ("wire", "wanted", "delivered"),
    [
        ("Mono8", {}, PixelFormat.MONO8),
        ("BayerRG8", {}, PixelFormat.BAYER_RG8),
        ("RGB8", {}, PixelFormat.BGR8),
        ("Mono16", {"window": (0, 65535)}, PixelFormat.MONO8),
        ("Mono16", {}, PixelFormat.MONO16),
    ],
)
def test_twelve_megapixels_come_in_order_in_every_format(
    patiently: Opening, wire: str, wanted: dict[str, object], delivered: PixelFormat
) -> None:
    with patiently(**{**FULL, "pixel_format": wire, "fps": 5.0, **wanted}) as camera:
        info = camera.describe()
        assert (info.width, info.height, info.pixel_format) == (WIDTH, HEIGHT, delivered)
        assert (info.counts_frames, info.paced, info.exposes_when_asked) == (True, True, False)
        into = buffer_for(info)
        numbers, own_times = [], []
        for _ in range(3):
            capture, _ = grab_until(camera, into)
            numbers.append(capture.frame_no)
            own_times.append(capture.device_timestamp_ns)
            assert capture.camera.exposure_us == 10000.0
            assert capture.camera.serial == "GV01"
            assert np.shares_memory(capture.pixels, into)
            assert not capture.pixels.flags.writeable
            assert capture.pixels.std() > 0
    assert numbers == sorted(set(numbers))
    assert own_times == sorted(set(own_times))


def test_its_rate_at_twelve_megapixels_is_told(patiently: Opening, shows: Shows) -> None:
    with patiently(**{**FULL, "fps": 25.0}) as camera:
        into = buffer_for(camera.describe())
        grab_until(camera, into)
        begun = time.monotonic()
        for _ in range(10):
            grab_until(camera, into)
        rate = 10 / (time.monotonic() - begun)
    shows(ARAVIS, "fps", f"{rate:.0f} ({WIDTH} x {HEIGHT}, 25 asked)")


def test_the_frame_counter_goes_on_past_its_sixteen_bits(patiently: Opening) -> None:
    with patiently(width=64, height=64, fps=500.0) as camera:
        into = buffer_for(camera.describe())
        numbers = [grab_until(camera, into)[0].frame_no for _ in range(400)]
    assert all(later > earlier for earlier, later in pairwise(numbers))
    assert numbers[-1] < 20_000, "a wrap is no gap of 65535 frames"


def test_by_software_one_frame_comes_for_each_trigger_and_shows_that_moment(patiently: Opening, shows: Shows) -> None:
    shows(ARAVIS, "software", "one frame for each")
    with patiently(**FULL, trigger="software") as camera:
        info = camera.describe()
        assert (info.counts_frames, info.paced, info.exposes_when_asked) == (False, True, True)
        into = buffer_for(info)
        for _ in range(5):
            called_at = time.monotonic()
            capture = camera.grab(into, 10.0)
            assert capture.frame_no is None
            assert called_at <= capture.taken_at <= time.monotonic()


def test_a_trigger_whose_frame_came_too_late_gives_it_to_nobody_else(patiently: Opening) -> None:
    with patiently(trigger="software", fps=5.0, silent_s=10.0) as camera:
        into = buffer_for(camera.describe())
        with pytest.raises(DeviceError, match=r"no frame within|could not be triggered") as said:
            camera.grab(into, 0.0)
        assert not said.value.lost
        called_at = time.monotonic()
        assert camera.grab(into, 10.0).taken_at >= called_at


def test_a_line_that_nobody_pulses_is_no_lost_camera(patiently: Opening) -> None:
    with (
        patiently(trigger="line", line="Line0") as camera,
        pytest.raises(DeviceError, match="does the wire trigger it") as said,
    ):
        camera.grab(buffer_for(camera.describe()), 0.3)
    assert not said.value.lost


def test_live_gives_the_frame_nearest_to_the_moment_of_asking(patiently: Opening) -> None:
    with patiently(trigger="live", fps=50.0) as camera:
        into = buffer_for(camera.describe())
        for _ in range(5):
            called_at = time.monotonic()
            assert camera.grab(into, 5.0).taken_at >= called_at - 0.1
        camera.flush()
        flushed_at = time.monotonic()
        assert camera.grab(into, 5.0).taken_at >= flushed_at - 0.01


@pytest.mark.parametrize("trigger", ["free", "software"])
def test_a_killed_camera_is_lost_and_comes_back_by_itself(patiently: Opening, peer: Peer, trigger: str) -> None:
    with patiently(trigger=trigger) as camera:
        into = buffer_for(camera.describe())
        grab_until(camera, into)
        peer.kill()
        said = grab_until_said(camera, into, lambda error: error.lost)
        assert "lost: " in said
        with pytest.raises(DeviceError):
            camera.grab(into, 0.1)
        peer.start()
        capture, _ = grab_until(camera, into)
        assert capture.pixels.shape == (480, 640)


@pytest.mark.parametrize("trigger", ["live", "software"])
def test_a_hung_camera_is_lost_and_comes_back_once_it_answers(patiently: Opening, peer: Peer, trigger: str) -> None:
    with patiently(trigger=trigger) as camera:
        into = buffer_for(camera.describe())
        grab_until(camera, into)
        peer.freeze()
        grab_until_said(camera, into, lambda error: error.lost)
        thawed_at = time.monotonic()
        peer.thaw()
        capture, _ = grab_until(camera, into)
        assert capture.taken_at > thawed_at, "nothing that was asked for before the loss is given after it"


def test_a_camera_that_hangs_while_no_part_comes_is_noticed(patiently: Opening, peer: Peer) -> None:
    with patiently(trigger="line", line="Line0") as camera:
        peer.freeze()
        said = grab_until_said(camera, buffer_for(camera.describe()), lambda error: error.lost)
        peer.thaw()
        assert "did not answer" in said or "does not answer" in said


def test_lost_packets_make_torn_frames_and_never_a_picture(description: Path, shows: Shows) -> None:
    shows(ARAVIS, "packets", "0.5 %: torn frames, each told, none judged")
    with fake_gige(description, lost_per_thousand=5.0):
        until = time.monotonic() + 20
        while True:
            try:
                with opened(**SMALL, resend=False, silent_s=5.0) as camera:
                    seen = [_grabbed(camera) for _ in range(30)]
                break
            except DeviceError as error:
                if "cannot be opened" not in str(error) or time.monotonic() > until:
                    raise
    torn = [said for said in seen if isinstance(said, FrameError)]
    assert torn
    assert all("a torn frame" in str(error) for error in torn)
    numbers = [one.frame_no if isinstance(one, FrameError) else one for one in seen]
    assert numbers == sorted(set(numbers)), "a torn frame has its number too: it was a part"


def _grabbed(camera: Camera) -> FrameError | int | None:
    into = buffer_for(camera.describe())
    into[...] = 255
    try:
        return camera.grab(into, 5.0).frame_no
    except FrameError as error:
        assert (into == 255).all(), "nothing of a torn frame is handed over"
        return error


@pytest.mark.parametrize("trouble", ["killed", "hung"])
def test_a_line_whose_camera_is_lost_judges_nothing_until_it_is_back(
    patiently: Opening, peer: Peer, tmp_path: Path, trouble: str
) -> None:
    plant = Plant(tmp_path, events=range(1, 9), shots=())
    plant.tuning = replace(plant.tuning, sync_window_s=0.4)
    plant.station = replace(plant.station, grab_timeout_s=2.0)
    lose, give_back = (peer.kill, peer.start) if trouble == "killed" else (peer.freeze, peer.thaw)
    with patiently(trigger="software") as camera:
        plant.camera = camera  # type: ignore[assignment]

        def before(part_seq: int) -> None:
            if part_seq == 3:
                lose()
                assert wait_until(lambda: bool(camera._lost))  # type: ignore[attr-defined]
            if part_seq == 6:
                give_back()
                assert wait_until(lambda: not camera._lost)  # type: ignore[attr-defined]
            spaced = max(plant.trigger.counted_at.values(), default=time.monotonic()) + 0.5
            assert wait_until(lambda: time.monotonic() >= spaced)

        plant.trigger.before = before
        assert plant.run() == 0
    outcomes = plant.outcomes()
    assert sorted(outcomes) == list(range(1, 9))
    assert {outcomes[part] for part in (3, 4, 5)} == {Outcome.UNDECIDED}
    assert {plant.rule(part) for part in (3, 4, 5)} == {"law.camera"}
    assert all(plant.records[part].verdict.reason.startswith("camera: lost: ") for part in (3, 4, 5))
    assert all(outcomes[part] is Outcome.PASS for part in (1, 2, 7, 8))
    assert [note.action for note in plant.recorder.notes if note.code == "camera.lost"] == ["raised", "cleared"]


def test_a_camera_that_dies_between_two_parts_takes_the_run_permit_away_until_it_is_back(
    patiently: Opening, peer: Peer, tmp_path: Path
) -> None:
    plant = Plant(tmp_path, events=range(1, 3), shots=())
    plant.tuning = replace(plant.tuning, sync_window_s=0.4)
    states = plant.gate.states
    seen: list[str] = []

    def idle() -> bool:
        """Kill it, see the permit go, start it, see the permit come back; only then the second part comes."""
        if not seen:
            seen.append("killed")
            peer.kill()
        elif seen[-1] == "killed" and LineState.ERROR in states[-1]:
            assert LineState.RUN_PERMIT not in states[-1]
            seen.append("noticed")
            peer.start()
        elif seen[-1] == "noticed" and LineState.RUN_PERMIT in states[-1]:
            seen.append("back")
        return seen[-1] == "back"

    with patiently(trigger="software") as camera:
        plant.camera = camera  # type: ignore[assignment]
        plant.trigger.idle_until = idle
        plant.trigger.before = lambda _part: None
        assert plant.run() == 0
    assert seen == ["killed", "noticed", "back"]
    assert sorted(plant.outcomes()) == [1, 2]


@pytest.mark.parametrize(("column", "trouble"), [("lost", "killed"), ("hung", "stopped")])
def test_by_its_default_settings_a_loss_is_noticed_and_mended_in_time(
    patiently: Opening, peer: Peer, tmp_path: Path, column: str, trouble: str, shows: Shows
) -> None:
    shows(ARAVIS, column, trouble)

    def start() -> None:
        peer.start()
        peer.bound(3956)

    lose, give_back = (peer.kill, start) if column == "lost" else (peer.freeze, peer.thaw)
    took = in_time(
        tmp_path, lambda: patiently(trigger="software", **DEFAULTS), lambda _camera: lose(), give_back, away_s=4.0
    )
    shows(ARAVIS, column, f"{trouble}: {took}")


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ({"pixel_format": "BayerGR8", "width": 9000}, "Width = 9000 is refused (1 to 8192 would be right)"),
        ({"pixel_format": "Mono12"}, "pixel_format = 'Mono12': it has not got it; it has BayerBG8"),
        ({"exposure_us": 2e7}, "ExposureTimeAbs = 20000000.0 is refused (10 to 1e+07 would be right)"),
        ({"trigger": "line", "line": "Line7"}, "camera.line = 'Line7': it has not got it; it has "),
        ({"features": {"Blacklevel": 3}}, "it has no feature 'Blacklevel'"),
    ],
)
def test_a_wrong_setting_names_itself_and_what_would_be_right(
    patiently: Opening, wrong: dict[str, object], says: str
) -> None:
    with patiently():
        pass
    with pytest.raises(DeviceError) as said, opened(**{**SMALL, **wrong}):
        pass
    assert says in str(said.value)


def test_a_camera_that_another_program_controls_is_said_to_be_busy(patiently: Opening) -> None:
    with patiently(), pytest.raises(DeviceError, match="another program controls it"), opened(**SMALL):
        pass


def test_a_camera_that_is_not_there_says_so(network: None) -> None:
    with pytest.raises(DeviceError, match=r"cannot be opened: .*is camera.address right"), opened(**SMALL):
        pass


def test_nobody_but_the_named_camera_is_spoken_to(description: Path) -> None:
    """A second network beside the loopback stays silent: no discovery, no broadcast."""
    for command in (
        "sysctl -qw net.ipv6.conf.all.disable_ipv6=1 net.ipv6.conf.default.disable_ipv6=1",
        "ip link add plant type veth peer name far",
        "ip addr add 192.0.2.1/24 dev plant",
        "ip link set plant up",
        "ip link set far up",
    ):
        subprocess.run(command.split(), check=True)
    try:
        with fake_gige(description):
            until = time.monotonic() + 20
            while True:
                try:
                    with opened(**SMALL) as camera:
                        grab_until(camera, buffer_for(camera.describe()))
                    break
                except DeviceError:
                    assert time.monotonic() < until
        told = subprocess.run(
            ["ip", "-s", "-j", "link", "show", "plant"], check=True, capture_output=True, text=True
        ).stdout
        assert '"tx":{"bytes":0,"packets":0' in told.replace(" ", ""), told
    finally:
        subprocess.run(["ip", "link", "del", "plant"], check=True)


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ({"address": ""}, "one of them"),
        ({"usb": "x"}, "one of them"),
        ({"width": 640}, "set both or none"),
        ({"window": (0, 100)}, "has 8 bits"),
        ({"pixel_format": "Mono12", "window": (100, 100)}, "two rising grey levels"),
    ],
)
def test_settings_that_do_not_fit_together_are_refused(wrong: dict[str, object], says: str) -> None:
    with pytest.raises(ValidationError, match=says):
        settings_of(**{"address": "192.0.2.7", **wrong})


def test_the_sample_explains_every_setting() -> None:
    text = SAMPLE.read_text()
    table = tomllib.loads(text)["camera"]
    assert table.pop("kind") == "aravis"
    settings = settings_of(**table)
    assert all(f"\n{name} =" in text or f"\n# {name} =" in text for name in type(settings).model_fields)

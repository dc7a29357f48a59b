"""Cameras old and new are set by whatever name they have for a thing, in the order they take it in."""

from collections.abc import Mapping, Sequence
from typing import Any

import pytest

from inspector.domain.errors import DeviceError
from inspector.ports import sfnc
from inspector.ports.feed import Manner

CHOICES = {
    "PixelFormat": ("Mono8", "BayerRG8"),
    "TriggerSelector": ("FrameStart", "AcquisitionStart"),
    "TriggerSource": ("Software", "Line1"),
}
MODERN = {
    "PixelFormat": "Mono8",
    "OffsetX": 100,
    "OffsetY": 0,
    "Width": 10,
    "Height": 10,
    "ExposureTime": 5.0,
    "ExposureAuto": "Continuous",
    "Gain": 1.0,
    "AcquisitionFrameRateEnable": False,
    "AcquisitionFrameRate": 1.0,
    "AcquisitionMode": "SingleFrame",
    "TriggerSelector": "FrameStart",
    "TriggerMode": "Off",
    "TriggerSource": "Line1",
    "TriggerActivation": "FallingEdge",
}
OLD = {
    "PixelFormat": "Mono8",
    "Width": 10,
    "Height": 10,
    "ExposureTimeAbs": 5.0,
    "GainRaw": 1,
    "AcquisitionFrameRateAbs": 1.0,
}


class FakeNodes:
    """Keeps what it was told, in order; ``steps``: what it rounds to; ``selectors``: the triggers that it offers."""

    def __init__(
        self,
        values: Mapping[str, Any],
        steps: Mapping[str, float] | None = None,
        selectors: Sequence[str] = CHOICES["TriggerSelector"],
    ) -> None:
        self.values = dict(values)
        self.steps = steps or {}
        self.offered = {**CHOICES, "TriggerSelector": selectors}
        self.written: list[tuple[str, Any]] = []

    def has(self, name: str) -> bool:
        return name in self.values

    def read(self, name: str) -> sfnc.Value:
        value: sfnc.Value = self.values[name]
        return value

    def write(self, name: str, value: sfnc.Value) -> None:
        step = self.steps.get(name)
        self.values[name] = value if step is None else round(float(value) / step) * step
        self.written.append((name, value))

    def choices(self, name: str) -> Sequence[str]:
        return self.offered.get(name, ()) if name in self.values else ()


def wanted(**changed: Any) -> sfnc.Wanted:
    values: dict[str, Any] = {
        "manner": Manner.FREE,
        "pixel_format": "Mono8",
        "width": 640,
        "height": 480,
        "offset_x": 8,
        "offset_y": 0,
        "exposure_us": 200.0,
        "gain": 3.0,
        "fps": 10.0,
        "line": "Line1",
        "activation": "RisingEdge",
        "features": {},
    }
    return sfnc.Wanted(**{**values, **changed})


def test_a_modern_camera_is_set_in_the_order_it_takes_it_in() -> None:
    nodes = FakeNodes(MODERN)
    found = sfnc.set_up(nodes, wanted(), device="camera x")
    names = [name for name, _ in nodes.written]
    assert names.index("OffsetX") < names.index("Width") < len(names) - 1 - names[::-1].index("OffsetX")
    assert nodes.values["OffsetX"] == 8
    assert nodes.values["ExposureAuto"] == "Off"
    assert nodes.values["AcquisitionFrameRateEnable"] is True
    assert nodes.values["TriggerMode"] == "Off"
    assert nodes.values["AcquisitionMode"] == "Continuous"
    assert (found.exposure_us, found.gain, found.fps) == (200.0, 3.0, 10.0)


def test_an_old_camera_is_set_by_its_older_names() -> None:
    nodes = FakeNodes(OLD)
    found = sfnc.set_up(nodes, wanted(offset_x=0), device="camera x")
    assert (nodes.values["ExposureTimeAbs"], nodes.values["GainRaw"]) == (200.0, 3.0)
    assert nodes.values["AcquisitionFrameRateAbs"] == 10.0
    assert (found.width, found.height) == (640, 480)


@pytest.mark.parametrize(("manner", "source"), [(Manner.LINE, "Line1"), (Manner.SOFTWARE, "Software")])
def test_only_the_start_of_a_frame_is_triggered_all_else_is_off(manner: Manner, source: str) -> None:
    nodes = FakeNodes(MODERN)
    sfnc.set_up(nodes, wanted(manner=manner, fps=None), device="camera x")
    assert nodes.written[-1] == ("AcquisitionMode", "Continuous")
    assert ("TriggerSelector", "AcquisitionStart") in nodes.written
    assert nodes.values["TriggerSelector"] == "FrameStart"
    assert (nodes.values["TriggerMode"], nodes.values["TriggerSource"]) == ("On", source)
    assert (nodes.values["TriggerActivation"] == "RisingEdge") == (manner is Manner.LINE)


@pytest.mark.parametrize(
    ("offered", "selected"),
    [
        (("AcquisitionStart", "ExposureStart", "FrameStart"), "FrameStart"),
        (("AcquisitionStart", "ExposureStart"), "ExposureStart"),
        (("AcquisitionStart", "LineStart"), "AcquisitionStart"),
    ],
)
def test_the_trigger_of_one_frame_is_chosen_from_what_the_camera_offers(
    offered: tuple[str, ...], selected: str
) -> None:
    nodes = FakeNodes({**MODERN, "AcquisitionFrameCount": 5}, selectors=offered)
    sfnc.set_up(nodes, wanted(manner=Manner.LINE, fps=None), device="camera x")
    assert {name for told, name in nodes.written if told == "TriggerSelector"} == set(offered)
    assert (nodes.values["TriggerSelector"], nodes.values["TriggerMode"]) == (selected, "On")
    assert nodes.values["AcquisitionFrameCount"] == (1 if selected == "AcquisitionStart" else 5)


@pytest.mark.parametrize(
    ("offered", "says"),
    [
        (("LineStart", "FrameEnd"), "none of its triggers starts a frame: it has LineStart, FrameEnd; FrameStart or"),
        ((), "none of its triggers starts a frame: it has none"),
        (("AcquisitionStart",), "AcquisitionStart has no AcquisitionFrameCount"),
    ],
)
def test_a_camera_without_a_trigger_of_one_frame_is_refused_by_what_it_offers(
    offered: tuple[str, ...], says: str
) -> None:
    nodes = FakeNodes(MODERN, selectors=offered)
    with pytest.raises(DeviceError, match=says):
        sfnc.set_up(nodes, wanted(manner=Manner.LINE, fps=None), device="camera x")
    assert nodes.values["TriggerMode"] == "Off"


@pytest.mark.parametrize(
    ("changed", "steps", "says"),
    [
        ({"pixel_format": "Mono12"}, {}, "pixel_format = 'Mono12': it has not got it; it has Mono8, BayerRG8"),
        ({"width": 650}, {"Width": 16}, "Width = 650: the camera took 656"),
        ({"exposure_us": 30.0}, {"ExposureTime": 20.0}, "exposure_us = 30: the camera took ExposureTime = 40"),
        ({"manner": Manner.LINE, "line": "Line9"}, {}, "camera.line = 'Line9': it has not got it; it has Software"),
        ({"features": {"Gamma": 1.0}}, {}, "it has no feature 'Gamma'"),
    ],
)
def test_what_a_camera_has_not_or_rounds_away_is_refused_by_name(
    changed: dict[str, Any], steps: dict[str, float], says: str
) -> None:
    with pytest.raises(DeviceError) as said:
        sfnc.set_up(FakeNodes(MODERN, steps), wanted(**changed), device="camera x")
    assert says in str(said.value)


def test_the_size_of_packets_is_set_and_read_back() -> None:
    nodes = FakeNodes({"GevSCPSPacketSize": 1500}, {"GevSCPSPacketSize": 8})
    sfnc.set_packet_size(nodes, None, device="camera x")
    assert nodes.written == []
    sfnc.set_packet_size(nodes, 9000, device="camera x")
    assert nodes.values["GevSCPSPacketSize"] == 9000
    with pytest.raises(DeviceError, match=r"camera.packet_size = 8998: the camera took 9000"):
        sfnc.set_packet_size(nodes, 8998, device="camera x")
    with pytest.raises(DeviceError, match=r"camera.packet_size = 9000: it has no GevSCPSPacketSize, .* leave it out"):
        sfnc.set_packet_size(FakeNodes(OLD), 9000, device="camera x")


@pytest.mark.parametrize(
    ("changed", "says"),
    [
        ({"manner": Manner.SOFTWARE}, "it has no trigger"),
        ({"exposure_us": 1.0}, "none of ExposureTime, ExposureTimeAbs, ExposureTimeRaw"),
    ],
)
def test_a_camera_without_the_thing_says_so(changed: dict[str, Any], says: str) -> None:
    bare = {name: value for name, value in OLD.items() if not name.startswith("Exposure")}
    with pytest.raises(DeviceError, match=says):
        sfnc.set_up(FakeNodes(bare), wanted(**{"exposure_us": None, "offset_x": 0, **changed}), device="camera x")

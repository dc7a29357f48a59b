"""Three libraries, one kind of camera: what they share is set by the same names, bounds and words.

The tables are written thrice, since settings are pydantic's and ports are not: what keeps them alike is this test.
"""

from importlib import import_module
from itertools import combinations

import pytest
from pydantic import BaseModel

SETTINGS = {
    "aravis": "CameraAravisSettings",
    "gentl": "CameraGentlSettings",
    "pylon": "CameraPylonSettings",
}
OWN = {"address", "serial"}
"""How each finds its camera."""


def settings(kind: str) -> type[BaseModel]:
    module = import_module(f"inspector.adapters.camera_{kind}.settings")
    found: type[BaseModel] = getattr(module, SETTINGS[kind])
    return found


@pytest.mark.parametrize(("one", "other"), list(combinations(SETTINGS, 2)))
def test_what_two_libraries_share_is_set_alike(one: str, other: str) -> None:
    ones, others = settings(one).model_json_schema(), settings(other).model_json_schema()
    shared = (ones["properties"].keys() & others["properties"].keys()) - OWN
    assert {"trigger", "line", "pixel_format", "exposure_us", "features", "silent_s"} <= shared
    assert {key: ones["properties"][key] for key in shared} == {key: others["properties"][key] for key in shared}

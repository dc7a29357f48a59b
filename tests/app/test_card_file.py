"""card.toml says everything the line must know, and is refused where it contradicts itself."""

from pathlib import Path
from typing import Any

import pytest

from inspector.app import toml_file
from inspector.app.model_package import CardFile, load_card
from inspector.domain.errors import ConfigError


def card(**changed: Any) -> dict[str, Any]:
    tables: dict[str, Any] = {
        "schema": "inspector.card/1",
        "model": {
            "name": "m",
            "version": "1",
            "task": "detection",
            "sha256": "0" * 64,
            "licence": "unknown",
            "labels": ["a"],
        },
        "input": {"name": "images", "dtype": "float32", "channels": 3, "colour": "rgb"},
        "frame": {"fit": "letterbox", "width": 640, "height": 640, "pad": 114},
        "output": {"name": "out", "dtype": "float32"},
        "decoder": {"kind": "yolo", "candidate_score": 0.25},
    }
    for key, value in changed.items():
        table, _, name = key.partition("__")
        if value is None:
            tables.pop(table)
        elif name:
            tables[table] = {**tables.get(table, {}), name: value}
        else:
            tables[table] = value
    return tables


def read(data: dict[str, Any]) -> CardFile:
    return toml_file.validate(CardFile, data, origin=lambda _: "card.toml")


def test_the_shipped_card_is_still_read_as_it_was(repo: Path) -> None:
    shipped = load_card(repo / "models" / "surface-small")
    assert shipped.frame.native
    assert shipped.input.plain
    assert shipped.outputs == (shipped.output,)


def test_an_imported_card_needs_no_scale_and_no_measured_sizes() -> None:
    assert read(card()).every_output[0].name == "out"


def test_several_outputs_each_have_a_role() -> None:
    outputs = [{"name": "b", "dtype": "float32", "role": "boxes"}, {"name": "l", "dtype": "int64", "role": "labels"}]
    assert [o.role for o in read(card(output=None, outputs=outputs)).every_output] == ["boxes", "labels"]


WRONG: dict[str, tuple[dict[str, Any], str]] = {
    "no output": ({"output": None}, r"one \[output\], or several"),
    "both": ({"outputs": [{"name": "b", "dtype": "float32"}]}, r"one \[output\], or several"),
    "roles": (
        {"output": None, "outputs": [{"name": "b", "dtype": "float32"}, {"name": "c", "dtype": "float32"}]},
        "are not different",
    ),
    "colour": ({"input__colour": "grey"}, "rgb or bgr is right"),
    "mean": ({"input__mean": [0.5]}, "one for each of 3"),
    "bytes": ({"input__dtype": "uint8", "input__scale": 0.5}, "uint8 input takes the pixels as they are"),
    "one side": ({"frame__height": 0}, "set both, or none"),
    "no size": ({"frame": {"fit": "letterbox"}}, "needs width and height"),
    "overlap": ({"frame": {"fit": "tiles", "width": 64, "height": 64, "overlap_px": 64}}, "below the tile's sides"),
    "overlap of nothing": ({"frame__overlap_px": 3}, 'is for fit = "tiles"'),
    "stride": ({"output__stride": 32, "frame__width": 650}, "multiples of output.stride = 32"),
    "pad": ({"frame__pad": 300}, "frame.pad = 300"),
    "half": ({"input__dtype": "float16"}, "input.dtype = 'float16'"),
}


@pytest.mark.parametrize("what", WRONG)
def test_a_card_that_contradicts_itself_is_refused(what: str) -> None:
    changed, message = WRONG[what]
    with pytest.raises(ConfigError, match=message):
        read(card(**changed))

"""`inspector check` says what is effective, what the recipe lets pass, and what is wrong: file, key, value, remedy."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from onnx import TensorProto

from tests.app.conftest import Verb
from tests.graphs import graph, package

Edit = Callable[[str, str, str], Path]
LEFT, CRITICAL = "stations/left.toml", "recipes/critical.toml"


def test_the_shipped_station_is_right(config: Path, verb: Verb) -> None:
    done = verb("check", "--config", config, "--station", "left")
    assert done.exit_code == 0, done.stderr
    assert "everything fits together" in done.stdout


def test_every_value_comes_with_the_file_that_set_it(config: Path, verb: Verb) -> None:
    done = verb("check", "-c", config, "-s", "left", "--json")
    told = json.loads(done.stdout)
    assert told["settings"]["scale.px_per_mm"] == {"value": 20.0, "from": str(config / LEFT)}
    assert told["settings"]["site.enterprise"] == {"value": "acme", "from": str(config / "inspector.toml")}
    assert told["settings"]["station.handoff_depth"] == {"value": 2, "from": "default"}
    assert told["station"] == "left"


def test_it_prints_the_worst_single_defect_that_passes(config: Path, verb: Verb, edit: Edit) -> None:
    critical = verb("check", "-c", config, "-s", "left").stdout
    assert "recipe critical: the worst single defect that passes" in critical
    assert "up to 1.35 mm long at full confidence; any size up to confidence 0.35" in critical
    edit(LEFT, 'recipe = "critical"', 'recipe = "background"')
    background = verb("check", "-c", config, "-s", "left").stdout
    lines = [line.split(maxsplit=1) for line in background.splitlines() if line.startswith("  ")]
    told = {line[0]: line[1] for line in lines if line[0] in {"crack", "scratch", "dent", "stain"}}
    assert told["crack"] == "any size up to confidence 0.83"
    assert told["scratch"] == told["dent"] == told["stain"] == "ANY size, at any confidence"


def test_the_same_in_json_has_no_infinity(config: Path, verb: Verb, edit: Edit) -> None:
    edit(LEFT, 'recipe = "critical"', 'recipe = "background"')
    told = json.loads(verb("check", "-c", config, "-s", "left", "--json").stdout)
    passing = told["worst_single_defect_that_passes"]["background"]
    assert passing["crack"]["confidence_at_any_size"] == pytest.approx(2.5 / 3, abs=1e-6)
    assert passing["scratch"] == {"confidence_at_any_size": 1.0, "length_mm_at_full_confidence": "any"}


WRONG: dict[str, tuple[str, str, str, tuple[str, ...]]] = {
    "unknown key": (
        LEFT,
        "deadline_ms",
        "dedline_ms",
        ("station.dedline_ms is unknown", "did you mean 'deadline_ms'?"),
    ),
    "unknown table": (LEFT, "[scale]", "[scales]", ("scales is unknown", "did you mean 'scale'?")),
    "mistyped": (
        LEFT,
        "deadline_ms = 400",
        'deadline_ms = "fast"',
        ("station.deadline_ms = 'fast'", "a number without quotes is right"),
    ),
    "a number in quotes": (
        LEFT,
        "deadline_ms = 400",
        'deadline_ms = "400"',
        ("station.deadline_ms = '400' is wrong: a number without quotes is right",),
    ),
    "a switch in quotes": (
        CRITICAL,
        "any_fails = true",
        'any_fails = "yes"',
        ("classes.crack.any_fails = 'yes' is wrong: true or false, without quotes, is right",),
    ),
    "a number as a switch": (CRITICAL, "doubt = 0.35", "doubt = true", ("classes.crack.doubt = True", "a number")),
    "a deadline before the frame": (
        LEFT,
        "deadline_ms = 400",
        "deadline_ms = 200",
        ("station: deadline_ms = 200 is below grab_timeout_ms = 300",),
    ),
    "no date": (LEFT, "due = 2027-11-30", 'due = "soon"', ("scale.due = 'soon'", "a date is right: 2027-11-30")),
    "a key twice": (LEFT, "deadline_ms = 400", "deadline_ms = 400\ndeadline_ms = 500", ("the key stands twice",)),
    "a table twice": (LEFT, "[camera]", "[scale]\n[camera]", ("the table 'scale' stands twice",)),
    "schema of another version": (
        CRITICAL,
        '"inspector.recipe/1"',
        '"inspector.recipe/2"',
        ("schema = 'inspector.recipe/2'", '"inspector.recipe/1" is right'),
    ),
    "out of range": (LEFT, "deadline_ms = 400", "deadline_ms = 0", ("station.deadline_ms = 0", "greater than 0")),
    "negative scale": (LEFT, "px_per_mm = 20.0", "px_per_mm = -20.0", ("scale.px_per_mm = -20.0", "greater than 0")),
    "no TOML": (LEFT, "[scale]", "[scale", ("is not valid TOML", "line")),
    "unknown camera": (
        LEFT,
        'kind = "folder"',
        'kind = "foldr"',
        ("camera.kind = 'foldr' is unknown", "folder, gentl, opencv"),
    ),
    "unknown camera key": (LEFT, 'mode = "watch"', 'mde = "watch"', ("camera.mde is unknown", "did you mean 'mode'?")),
    "wrong camera value": (
        LEFT,
        'mode = "watch"',
        'mode = "look"',
        ("camera.mode = 'look'", "'once', 'loop' or 'watch'"),
    ),
    "absent model": (
        LEFT,
        '"surface-small"',
        '"surface-large"',
        (
            "station.model = 'surface-large': not in",
            "(paths.models_dir); there are: surface-base,",
        ),
    ),
    "absent recipe": (LEFT, '"critical"', '"critcal"', ("station.recipe = 'critcal'", "background, critical")),
    "trigger without PLC": (LEFT, 'kind = "free"', 'kind = "gate"', ("trigger.kind", 'gate.kind = "modbus"')),
    "unknown time zone": (
        "inspector.toml",
        'time_zone = "UTC"',
        'time_zone = "Berlin"',
        ("site.time_zone = 'Berlin'", "Europe/Berlin"),
    ),
    "name for a topic": (
        "inspector.toml",
        'site = "plant1"',
        'site = "plant/1"',
        ("site.site = 'plant/1'", "letters, digits, - and _ are right"),
    ),
    "recipe key": (
        CRITICAL,
        "any_fails = true",
        "any_fail = true",
        ("classes.crack.any_fail is unknown", "'any_fails'?"),
    ),
    "recipe value": (
        CRITICAL,
        "doubt = 0.35",
        "doubt = 1.35",
        ("classes.crack.doubt = 1.35", "less than or equal to 1"),
    ),
    "doubt above confidence": (
        CRITICAL,
        "doubt = 0.35",
        "doubt = 0.75",
        ("classes.crack: doubt = 0.75 must be below confidence = 0.5",),
    ),
    "another model": (
        CRITICAL,
        '"surface-small"',
        '"other-net"',
        ("model = 'other-net'", "station runs 'surface-small'"),
    ),
    "a class the model does not know": (
        CRITICAL,
        "[classes.crack]",
        "[classes.crck]",
        ("classes.crck: model surface-small knows no such class; there are: crack, scratch",),
    ),
    "finer than the model": (
        CRITICAL,
        "min_length_mm = 1.5",
        "min_length_mm = 0.5",
        ("class.crack.min_length_mm = 0.5 mm is finer than model surface-small", "the finest is"),
    ),
    "a scale the model was not made for": (
        LEFT,
        "px_per_mm = 20.0",
        "px_per_mm = 200.0",
        ("scale.px_per_mm = 200.0", "was made for 10.0 to 40.0 px/mm"),
    ),
}


def test_what_can_hardly_be_meant_is_a_warning(config: Path, verb: Verb, edit: Edit) -> None:
    edit(LEFT, "due = 2027-11-30", "due = 2025-11-30")
    edit(LEFT, 'kind = "folder"\npath = "/srv/inspector/left"\nmode = "watch"', 'kind = "twin"\nring = "nobodys"')
    edit(LEFT, 'kind = "dry"', 'kind = "modbus"\nhost = "127.0.0.1"\nport = 1503\n[twin]\nring = "nobodys"')
    done = verb("check", "-c", config, "-s", "left")
    assert done.exit_code == 0, done.stderr
    warned = [line for line in done.stdout.splitlines() if line.startswith("warn")]
    assert len(warned) == 3
    assert "frame ring /dev/shm/nobodys does not exist; start inspector twin" in warned[0]
    assert "was due on 2025-11-30, and no longer used" in warned[1]
    assert "gate.port = 1503, but twin.plc_port = 1502" in warned[2]
    assert len(json.loads(verb("check", "-c", config, "-s", "left", "--json").stdout)["warnings"]) == 3


def test_a_poll_too_slow_to_tell_neighbours_apart_is_refused(config: Path, verb: Verb, edit: Edit) -> None:
    edit(LEFT, 'kind = "free"', 'kind = "gate"')
    edit(LEFT, 'kind = "dry"', 'kind = "modbus"\nhost = "10.0.0.9"\npoll_period_ms = 200')
    done = verb("check", "-c", config, "-s", "left")
    assert done.exit_code == 78
    assert "gate.poll_period_ms = 200 must be below station.sync_window_ms" in done.stderr


def test_the_simulated_station_of_the_handbook_is_right(config: Path, verb: Verb, repo: Path) -> None:
    page = (repo / "docs" / "twin.md").read_text(encoding="utf-8")
    text = page.split("```toml\n", 1)[1].split("```", 1)[0]
    (config / "stations" / "bench.toml").write_text(text, encoding="utf-8")
    done = verb("check", "-c", config, "-s", "bench", "--json")
    assert done.exit_code == 0, done.stderr
    assert [warning for warning in json.loads(done.stdout)["warnings"] if "start inspector twin" not in warning] == []


def test_a_wrong_twin_table_is_refused(config: Path, verb: Verb, edit: Edit) -> None:
    edit(LEFT, "[camera]", "[twin]\nsped_mm_s = 4\n[camera]")
    done = verb("check", "-c", config, "-s", "left")
    assert done.exit_code == 78
    assert "twin.sped_mm_s is unknown; did you mean 'speed_mm_s'?" in done.stderr


@pytest.mark.parametrize("what", WRONG)
def test_what_is_wrong_is_said_with_file_key_value_and_remedy(config: Path, verb: Verb, edit: Edit, what: str) -> None:
    name, before, after, words = WRONG[what]
    path = edit(name, before, after)
    done = verb("check", "--config", config, "--station", "left")
    assert done.exit_code == 78
    assert done.stdout == ""
    for word in words:
        assert word in done.stderr
    if what != "a scale the model was not made for":
        assert str(path) in done.stderr
    assert all(line.startswith("inspector: ") for line in done.stderr.splitlines())
    assert "Value error" not in done.stderr


def test_every_wrong_key_is_named_at_once(config: Path, verb: Verb, edit: Edit) -> None:
    edit(LEFT, "deadline_ms = 400", 'deadline_ms = "fast"\nhandoff_depth = 99')
    said = verb("check", "-c", config, "-s", "left").stderr.splitlines()
    assert len(said) == 2
    assert "station.deadline_ms" in said[0]
    assert "station.handoff_depth = 99" in said[1]
    assert all(line.startswith("inspector: ") for line in said)


def test_a_station_whose_file_has_a_name_that_no_topic_may_have_is_refused(config: Path, verb: Verb) -> None:
    shutil.copy(config / LEFT, config / "stations" / "left side.toml")
    done = verb("check", "-c", config, "-s", "left side")
    assert done.exit_code == 78
    assert "left side.toml: 'left side' cannot name a station; letters, digits, - and _ are right" in done.stderr


def test_without_any_configuration_the_places_are_named(
    tmp_path: Path, verb: Verb, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("INSPECTOR_CONFIG", raising=False)
    done = verb("check")
    assert done.exit_code == 78
    assert "no configuration found; looked in --config, $INSPECTOR_CONFIG, /etc/inspector, ./config" in done.stderr


def test_a_rule_in_mm_without_a_scale_is_refused(config: Path, verb: Verb) -> None:
    path = config / LEFT
    text = path.read_text(encoding="utf-8")
    begin, end = text.index("[scale]"), text.index("[camera]")
    path.write_text(text[:begin] + text[end:], encoding="utf-8")
    done = verb("check", "-c", config, "-s", "left")
    assert done.exit_code == 78
    assert (
        "critical.toml: has limits in mm, but the station has no [scale]; set scale.id and scale.px_per_mm"
        in done.stderr
    )


def test_an_unknown_station_and_an_absent_folder_are_answered_with_what_there_is(config: Path, verb: Verb) -> None:
    done = verb("check", "-c", config, "-s", "right")
    assert done.exit_code == 78
    assert "no such station; there are: left" in done.stderr
    done = verb("check", "-c", config / "nowhere", "-s", "left")
    assert done.exit_code == 78
    assert "no such configuration folder" in done.stderr
    shutil.copy(config / LEFT, config / "stations" / "right.toml")
    done = verb("check", "-c", config)
    assert done.exit_code == 78
    assert "2 stations; name one with --station: left, right" in done.stderr


def test_two_recipes_for_one_job_are_refused(config: Path, verb: Verb, edit: Edit) -> None:
    edit(CRITICAL, 'model = "surface-small"', 'model = "surface-small"\njob = 4')
    edit("recipes/background.toml", 'model = "surface-small"', 'model = "surface-small"\njob = 4')
    edit(LEFT, 'recipe = "critical"', 'recipe = "critical"\njobs = ["background"]')
    done = verb("check", "-c", config, "-s", "left")
    assert done.exit_code == 78
    assert "job 4 is both 'critical' and 'background'" in done.stderr


@pytest.fixture
def tiny(config: Path, tmp_path: Path, edit: Edit) -> Path:
    """The station runs a two-class package of its own."""
    models = tmp_path / "packages"
    folder = models / "tiny"
    folder.mkdir(parents=True)
    graph(folder / "model.onnx")
    package(folder)
    edit("inspector.toml", '"../models"', f'"{models}"')
    edit(LEFT, '"surface-small"', '"tiny"')
    edit(LEFT, '"critical"', '"tiny"')
    recipe = 'name = "tiny"\nmodel = "tiny"\n[classes.crack]\nany_fails = true\n'
    (config / "recipes" / "tiny.toml").write_text(recipe, encoding="utf-8")
    return folder


def test_a_package_that_is_what_its_card_says_is_taken(tiny: Path, config: Path, verb: Verb) -> None:
    done = verb("check", "-c", config, "-s", "left")
    assert done.exit_code == 0, done.stderr
    assert "model tiny 1" in done.stdout


@pytest.mark.parametrize(
    ("said", "message"),
    [
        ({"sha256": "0" * 64}, "sha256 is"),
        ({"labels": '["crack"]'}, "1 labels, but the graph gives 2 channels"),
        ({"input_name": "picture"}, "input.name = 'picture'"),
        ({"output_dtype": "float32"}, "output.dtype = 'float32'"),
        ({"stride": 16}, "output.stride = 16"),
        ({"halo_px": 60}, "decoder.halo_px = 60 must be a multiple of output.stride = 8"),
    ],
)
def test_a_card_that_says_something_else_than_its_graph_is_refused(
    tiny: Path, config: Path, verb: Verb, said: dict[str, str], message: str
) -> None:
    package(tiny, **said)
    done = verb("check", "-c", config, "-s", "left")
    assert done.exit_code == 78
    assert message in done.stderr
    assert str(tiny) in done.stderr


def test_a_graph_of_another_dtype_or_a_damaged_one_is_refused(tiny: Path, config: Path, verb: Verb) -> None:
    graph(tiny / "model.onnx", input_type=TensorProto.FLOAT)
    package(tiny)
    assert "input.dtype = 'uint8'" in verb("check", "-c", config, "-s", "left").stderr
    (tiny / "model.onnx").write_bytes((tiny / "model.onnx").read_bytes()[:100])
    package(tiny)
    done = verb("check", "-c", config, "-s", "left")
    assert done.exit_code == 78
    assert "cannot load this model" in done.stderr


def test_one_flipped_bit_in_the_model_is_refused(tiny: Path, config: Path, verb: Verb) -> None:
    content = bytearray((tiny / "model.onnx").read_bytes())
    content[len(content) // 2] ^= 1
    (tiny / "model.onnx").write_bytes(content)
    done = verb("check", "-c", config, "-s", "left")
    assert done.exit_code == 78
    assert "restore the package" in done.stderr


def test_an_absent_card_or_graph_is_named(tiny: Path, config: Path, verb: Verb) -> None:
    (tiny / "model.onnx").rename(tiny / "gone.onnx")
    assert f"{tiny / 'model.onnx'}: cannot be read" in verb("check", "-c", config, "-s", "left").stderr
    (tiny / "card.toml").unlink()
    assert f"{tiny / 'card.toml'}: no such file" in verb("check", "-c", config, "-s", "left").stderr

"""The samples say every key, with its default, and the line takes them as they stand."""

import re
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel

from inspector.adapters.decode_map.anomaly import AnomalyMapSettings
from inspector.adapters.decode_map.segmentation import SegmentationSettings
from inspector.app.model_package import CardFile
from inspector.app.recipe_file import ClassTable, EvidenceTable, RecipeTable, ScoreTable, ZoneTable, load_recipe
from inspector.app.tables import EjectorTable, EvidenceFolderTable, StationTable, WebTable
from tests.app.conftest import Verb

Edit = Callable[[str, str, str], Path]


def sample(repo: Path, name: str) -> dict[str, Any]:
    return tomllib.loads((repo / "config" / "samples" / name).read_text(encoding="utf-8"))


@pytest.mark.parametrize(
    ("name", "key", "model", "left_out"),
    [
        ("station.toml", "station", StationTable, set()),
        ("station.toml", "evidence", EvidenceFolderTable, set()),
        ("web.toml", "web", WebTable, {"tls_certificate", "tls_key"}),
        ("gate_remote_io.toml", "ejector", EjectorTable, set()),
    ],
)
def test_a_table_is_shown_with_every_key_and_its_default(
    repo: Path, name: str, key: str, model: type[BaseModel], left_out: set[str]
) -> None:
    table = sample(repo, name)[key]
    assert model.model_fields.keys() - table.keys() == left_out
    assert model.model_validate(table) == model()
    text = (repo / "config" / "samples" / name).read_text(encoding="utf-8")
    assert all(f"# {one} = " in text for one in left_out)


def test_the_recipe_shows_every_key_but_those_that_find_the_part(repo: Path) -> None:
    table = sample(repo, "recipe.toml")
    assert {field.alias or name for name, field in RecipeTable.model_fields.items()} - table.keys() == {
        "fixture",
        "roi",
        "masks",
    }
    keys = {key for one in [*table["classes"].values(), table["other"]] for key in one}
    assert keys == ClassTable.model_fields.keys()
    assert table["score"].keys() == ScoreTable.model_fields.keys()
    assert table["zones"][0].keys() == ZoneTable.model_fields.keys()
    assert table["evidence"].keys() == EvidenceTable.model_fields.keys()


def test_the_recipe_is_judged_by_as_a_job_beside_the_default_one(
    repo: Path, config: Path, verb: Verb, edit: Edit
) -> None:
    (config / "recipes" / "housing.toml").write_text((repo / "config" / "samples" / "recipe.toml").read_text())
    assert load_recipe(config / "recipes" / "housing.toml").recipe.job == 7
    edit("stations/left.toml", 'recipe = "critical"', 'recipe = "critical"\njobs = ["housing"]')
    done = verb("check", "--config", config, "--station", "left")
    assert done.exit_code == 0, done.stderr


@pytest.mark.parametrize(
    ("kind", "model"), [("segmentation", SegmentationSettings), ("anomaly_map", AnomalyMapSettings)]
)
def test_a_maps_decoder_is_shown_with_every_key_and_its_default(repo: Path, kind: str, model: type[BaseModel]) -> None:
    table = sample(repo, f"decoder_{kind}.toml")
    decoder = table["decoder"]
    own = {key: decoder[key] for key in model.model_fields}
    assert model.model_validate(own) == model()
    assert decoder.keys() - own.keys() == {"kind", "candidate_score", "halo_px", "border"}
    CardFile.model_validate(
        {
            "schema": "inspector.card/1",
            "model": {
                "name": "a",
                "version": "1",
                "task": "anomaly" if kind == "anomaly_map" else kind,
                "file": "model.onnx",
                "sha256": "0" * 64,
                "licence": "own",
                "labels": ["anomaly"],
            },
            "input": {"name": "image", "dtype": "uint8", "layout": "NCHW", "channels": 1, "multiple": 32},
            **table,
        }
    )


def test_the_remote_io_sample_is_refused_for_want_of_the_trial_and_for_nothing_else(
    repo: Path, config: Path, verb: Verb
) -> None:
    own = config / "stations" / "left.toml"
    kept = own.read_text().split("[trigger]")[0]
    own.write_text(kept + (repo / "config" / "samples" / "gate_remote_io.toml").read_text())
    before = verb("check", "--config", config, "--station", "left")
    assert before.exit_code == 78
    assert "inspector commission record" in before.stderr
    tried = ("--killed", "stopped", "--cable", "diverted", "--by", "A. Smith")
    assert verb("commission", "record", "--config", config, "--station", "left", *tried).exit_code == 0
    after = verb("check", "--config", config, "--station", "left")
    assert after.exit_code == 0, after.stderr


def test_what_is_installed_besides_comes_from_the_checkout(repo: Path) -> None:
    """The package stands in no index: ``pip install 'inspector[...]'`` would fetch a stranger's."""
    texts = [
        path
        for folder, kind in (("docs", "*.md"), ("config", "*.toml"), ("inspector", "*.py"), ("systemd", "*"))
        for path in (repo / folder).rglob(kind)
        if path.is_file()
    ]
    wrong = re.compile(r"pip install [\"']?inspector\[")
    assert [str(path) for path in [*texts, repo / "README.md"] if wrong.search(path.read_text("utf-8"))] == []

"""The commands over a data set, as a person types them."""

import csv
import json
import tomllib
from pathlib import Path

import pytest

pytest.importorskip("yaml", reason="the workshop needs pyyaml: make workshop")
from tools.data import read
from tools.data.__main__ import main
from tools.data.masks import truth_mask
from tools.data.reading import read_sides, renamed, with_sides


@pytest.fixture(scope="module")
def scenes(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("rendered")
    main(["scenes", str(folder), "--seeds", "300:312", "--width", "320", "--height", "256", "--split", "train"])
    return folder


def test_rendered_parts_come_with_their_truth(scenes: Path) -> None:
    dataset = read(scenes)
    assert len(dataset.records) == 12
    assert {record.split for record in dataset.records} == {"train"}
    bad = [record for record in dataset.records if not record.good]
    assert bad
    assert all(truth_mask(record, dataset.labels).any() for record in bad)


def test_a_card_is_written_for_machines_and_for_people(scenes: Path, tmp_path: Path) -> None:
    main(["card", str(scenes), "--toml", str(tmp_path / "card.toml"), "--markdown", str(tmp_path / "card.md")])
    card = tomllib.loads((tmp_path / "card.toml").read_text())
    assert card["pictures"] == 12
    assert card["count"]["licence"] == {"own": 12}
    assert "list sha256" in (tmp_path / "card.md").read_text()


def test_a_split_is_a_list_that_an_evaluation_can_take(
    scenes: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    main(["split", str(scenes), "train=0.75", "val=0.25", "--seed", "3", "--out", str(tmp_path / "list.csv")])
    assert "12 parts, none on two sides" in capsys.readouterr().out
    with (tmp_path / "list.csv").open(newline="") as table:
        sides = [row["side"] for row in csv.DictReader(table)]
    assert sides.count("val") in {2, 3, 4}
    taken = with_sides(read(scenes), read_sides(tmp_path / "list.csv"), ("val",))
    assert len(taken.records) == sides.count("val")
    assert {record.split for record in taken.records} == {"val"}


def test_any_layout_becomes_coco(scenes: Path, tmp_path: Path) -> None:
    main(["convert", str(scenes), str(tmp_path / "all.json")])
    content = json.loads((tmp_path / "all.json").read_text())
    assert len(content["images"]) == 12
    assert content["annotations"]
    before, after = read(scenes), read(tmp_path / "all.json")
    assert [record.sha256 for record in after.records] == [record.sha256 for record in before.records]


def test_a_folder_that_is_not_there_is_a_sentence_and_exit_code_78(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["card", "/nowhere"])
    assert ended.value.code == 78
    assert "/nowhere: no such folder" in capsys.readouterr().err


def test_classes_get_the_names_that_the_model_knows(scenes: Path) -> None:
    dataset = renamed(read(scenes), {"scratch": "crack"})
    assert "scratch" not in {label for record in dataset.records for label in record.classes}
    scratched = [r for r in read(scenes).records if "scratch" in r.classes]
    for given in scratched:
        own = next(record for record in dataset.records if record.id == given.id)
        assert 1 in truth_mask(own, ("crack", "dent", "stain", "other"))

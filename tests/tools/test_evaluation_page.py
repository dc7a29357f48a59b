"""The accuracy page says what the evaluations say, and labels what must be labelled."""

import copy
from pathlib import Path

import pytest

pytest.importorskip("faster_coco_eval", reason="the workshop needs it: make workshop")
from tools.accuracy_page import documents, page, paintings, stale


@pytest.fixture
def evaluation(repo: Path) -> dict[str, object]:
    return dict(documents(repo / "docs/accuracy"))["surface-small-bsd"]


def test_the_committed_page_is_what_the_committed_evaluations_say(repo: Path) -> None:
    folder = repo / "docs/accuracy"
    written = (repo / "docs/accuracy.md").read_text(encoding="utf-8")
    assert written == page(documents(folder), sorted(folder.glob("*.jpg")), paintings(folder))


def test_no_picture_on_the_page_is_of_restricted_data(repo: Path) -> None:
    shown = {path.stem.split("-")[-3] for path in (repo / "docs/accuracy").glob("*.jpg")}
    assert shown <= {"twin", "bsd", "cookie", "omu"}


def test_a_model_trained_on_restricted_data_stands_apart_and_is_called_so(evaluation: dict) -> None:
    research = copy.deepcopy(evaluation)
    research["model"] |= {"name": "mt-research", "licence": "unstated-research", "shippable": False}
    research["data"] |= {"sources": ["mt"], "licences": {"unstated-research": 143}}
    text = page([("a", evaluation), ("b", research)], [])
    shipped, apart = text.split("## Research models (not shipped)")
    assert "mt-research" not in shipped
    assert "| mt-research" in apart
    assert "mt val (restricted data)" in apart


def test_controls_and_counts_stand_beside_every_image_figure(evaluation: dict) -> None:
    text = page([("a", evaluation)], [])
    row = next(line for line in text.splitlines() if line.startswith("| surface-small"))
    value = evaluation["figures"]["image_auroc"]["value"]
    assert f"| 14 / 20 | {value:.3f}".replace("| 0.", "| .") in row
    head = next(line for line in text.splitlines() if "image AUROC" in line)
    assert "AUROC, defect removed" in head
    assert "strongest cell on the defect" in head


def test_an_evaluation_of_an_earlier_model_is_named(evaluation: dict, tmp_path: Path) -> None:
    (tmp_path / "surface-small").mkdir()
    card = tmp_path / "surface-small" / "card.toml"
    card.write_text(f'[model]\nsha256 = "{evaluation["model"]["sha256"]}"\n')
    assert stale([("a", evaluation)], tmp_path) == []
    card.write_text('[model]\nsha256 = "ab"\n')
    assert stale([("a", evaluation)], tmp_path) == ["a: evaluated before the model changed; run it again"]

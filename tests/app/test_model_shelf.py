"""Packages as people see them: card, signature state, what was measured, whatever is wrong with one."""

import os
import shutil
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from inspector.app.model_shelf import ModelFolder
from inspector.app.model_signature import NOBODY, TrustedKeys, make_key, sign_package, trust
from inspector.app.runtime_choice.choice import Remembered
from inspector.app.runtime_choice.trial import Trial
from inspector.ports.packages import Package, Signature

NANO = "surface-nano"
Shelf = Callable[..., ModelFolder]


@pytest.fixture
def folder(tmp_path: Path, repo: Path) -> Path:
    """Two packages that may be changed."""
    models = tmp_path / "packages"
    for name in (NANO, "surface-small"):
        shutil.copytree(repo / "models" / name, models / name)
    return models


@pytest.fixture
def key(tmp_path: Path) -> Path:
    path = tmp_path / "workshop.key"
    make_key(path)
    return path


@pytest.fixture
def shelf(folder: Path) -> Shelf:
    def opened(trusted: TrustedKeys = NOBODY, *remembered: Remembered) -> ModelFolder:
        return ModelFolder(folder, trusted=trusted, chosen=lambda: remembered, benched=dict)

    return opened


def nano(shelf: ModelFolder) -> Package:
    return next(one for one in shelf.packages() if one.name == NANO)


def test_a_package_without_a_signature_runs_where_nobody_asks_for_one(shelf: Shelf, key: Path) -> None:
    package = nano(shelf())
    assert package.card is not None
    assert (package.signature, package.trusted, package.trouble) == (Signature.UNSIGNED, None, "")
    assert package.story.startswith("# surface-nano")
    refused = nano(shelf(trust([Path(f"{key}.pub")])))
    assert (refused.signature, refused.trusted) == (Signature.UNSIGNED, False)
    assert "models.trusted_keys asks for a signature" in refused.trouble
    assert refused.card == package.card


def test_who_signed_and_whether_this_pc_trusts_them(shelf: Shelf, folder: Path, key: Path, tmp_path: Path) -> None:
    name = sign_package(folder / NANO, key)
    stranger = tmp_path / "stranger.key"
    make_key(stranger)
    for trusted, known, trouble in (
        (NOBODY, None, ""),
        (trust([Path(f"{key}.pub")]), True, ""),
        (trust([Path(f"{stranger}.pub")]), False, "models.trusted_keys does not name"),
    ):
        package = nano(shelf(trusted))
        assert (package.signature, package.signed_by, package.trusted) == (Signature.SIGNED, name, known)
        assert trouble in package.trouble
        assert bool(package.trouble) is bool(trouble)
        assert package.signed_utc.endswith("Z")


def test_a_package_that_is_not_what_was_signed_is_broken_and_its_card_still_read(
    shelf: Shelf, folder: Path, key: Path
) -> None:
    sign_package(folder / NANO, key)
    opened = shelf()
    assert nano(opened).signature is Signature.SIGNED
    (folder / NANO / "extra.txt").write_text("x")
    package = nano(opened)
    assert (package.signature, package.card is not None) == (Signature.BROKEN, True)
    assert "extra.txt was added" in package.trouble


def test_a_graph_that_is_not_the_cards_own_is_seen_at_the_next_look(shelf: Shelf, folder: Path) -> None:
    opened = shelf()
    assert nano(opened).trouble == ""
    graph = folder / NANO / "model.onnx"
    before = graph.stat()
    content = bytearray(graph.read_bytes())
    content[len(content) // 2] ^= 1
    graph.write_bytes(content)
    os.utime(graph, ns=(before.st_atime_ns, before.st_mtime_ns))
    package = nano(opened)
    assert package.card is None
    assert "sha256 is" in package.trouble


def test_a_candidate_and_a_card_that_is_none_say_why_no_line_runs_them(shelf: Shelf, folder: Path) -> None:
    card = folder / NANO / "card.toml"
    card.write_text(card.read_text().replace("[model]\n", "[model]\nreleased = false\n", 1))
    (folder / "surface-small" / "card.toml").write_text("schema = 1")
    (folder / ".hidden").mkdir()
    (folder / ".hidden" / "card.toml").write_text("")
    candidate, broken = shelf().packages()
    assert "inspector model release surface-nano" in candidate.trouble
    assert (broken.card, "card.toml" in broken.trouble) == (None, True)


def test_what_the_line_measured_stands_with_its_own_model_only(shelf: Shelf) -> None:
    card = nano(shelf()).card
    assert card is not None
    old, new = (datetime(2026, 11, day, tzinfo=UTC) for day in (1, 2))
    trials = (
        Trial(kind="onnx", description="onnxruntime 1", median_ms=45.0, min_ms=44.0),
        Trial(kind="openvino", trouble="may not make code"),
    )
    told = [
        Remembered(of={"model": sha256, "frame": "4096x3000 Mono8"}, measured_utc=at, trials=trials)
        for sha256, at in ((card.sha256, old), (card.sha256, new), ("other", new))
    ]
    tables = nano(shelf(NOBODY, *told)).chosen
    assert [table.measured_utc for table in tables] == [new, old]
    onnx, openvino = tables[0].paces
    assert (onnx.median_ms, onnx.chosen, onnx.trouble) == (45.0, True, "")
    assert (openvino.median_ms, openvino.chosen, openvino.trouble) == (None, False, "may not make code")


@pytest.mark.parametrize(
    ("text", "named"), [('model = "a"', "a"), ("model = 3", ""), ("x = 1", ""), ("not toml", ""), ("", "")]
)
def test_the_package_that_a_recipe_names(text: str, named: str, shelf: Shelf) -> None:
    assert shelf().named_in(text) == named

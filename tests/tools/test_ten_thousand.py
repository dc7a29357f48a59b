"""One corrupt picture among ten thousand is reported, skipped and counted, and costs no other."""

import tomllib
from pathlib import Path

import cv2
import numpy as np
import pytest

pytest.importorskip("yaml", reason="the workshop needs pyyaml: make workshop")
from tools.data import read
from tools.data.__main__ import main

MANY = 10_000
CORRUPT = ("ok/04711.png", "dent/01234.png")


@pytest.fixture(scope="module")
def many(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("many")
    noise = np.random.default_rng(1)
    for label in ("ok", "dent"):
        (root / label).mkdir()
        for number in range(MANY // 2):
            _, content = cv2.imencode(".png", noise.integers(0, 255, (8, 12), np.uint8))
            (root / label / f"{number:05}.png").write_bytes(content.tobytes())
    whole = (root / CORRUPT[0]).read_bytes()
    (root / CORRUPT[0]).write_bytes(whole[: len(whole) // 2])
    damaged = bytearray((root / CORRUPT[1]).read_bytes())
    damaged[41:60] = bytes(19)  # inside the compressed rows: both ends of the file are as they should be
    (root / CORRUPT[1]).write_bytes(bytes(damaged))
    return root


def test_the_corrupt_ones_are_named_and_the_others_are_used(many: Path) -> None:
    dataset = read(many)
    assert len(dataset.records) == MANY - len(CORRUPT)
    assert sorted(f"{one.path.parent.name}/{one.path.name}" for one in dataset.troubles) == sorted(CORRUPT)
    assert all(one.reason for one in dataset.troubles)


def test_the_card_counts_them(many: Path, tmp_path: Path) -> None:
    main(["card", str(many), "--toml", str(tmp_path / "card.toml"), "--markdown", str(tmp_path / "card.md")])
    card = tomllib.loads((tmp_path / "card.toml").read_text())
    assert card["pictures"] == MANY - len(CORRUPT)
    assert card["set_aside"] == len(CORRUPT)
    assert all(Path(name).name in (tmp_path / "card.md").read_text() for name in CORRUPT)

"""Parts stay whole, classes keep their share, and the same seed gives the same split."""

from collections import Counter
from pathlib import Path

import cv2
import numpy as np
import pytest

from inspector.domain.errors import ConfigError
from tools.data import Dataset, MaskKind, Record
from tools.data.datacard import as_markdown, as_toml, describe
from tools.data.duplicates import dhash, groups_of, linked
from tools.data.splitting import folds, split


def record(name: str, *classes: str, group: str = "", image: Path = Path("x.png"), split: str = "") -> Record:
    return Record(
        id=name,
        image=image,
        width=10,
        height=10,
        sha256=name,
        good=not classes,
        classes=classes,
        mask_kind=MaskKind.PIXEL if classes else MaskKind.GOOD,
        group=group,
        source="s",
        split=split,
    )


def test_no_group_lies_on_two_sides_and_rare_classes_are_shared_out() -> None:
    rng = np.random.default_rng(0)
    records = [record(f"g{i}") for i in range(300)]
    records += [record(f"c{i}", "crack") for i in range(50)] + [record(f"d{i}", "dent", "crack") for i in range(10)]
    groups = [f"part{number}" for number in rng.integers(0, 180, len(records))]
    sides = split(records, groups, {"train": 0.8, "val": 0.2}, seed=3)
    assert sides == split(records, groups, {"train": 0.8, "val": 0.2}, seed=3)
    by_group: dict[str, set[str]] = {}
    for side, group in zip(sides, groups, strict=True):
        by_group.setdefault(group, set()).add(side)
    assert all(len(own) == 1 for own in by_group.values())
    val = Counter(label for r, side in zip(records, sides, strict=True) if side == "val" for label in r.classes)
    assert 1 <= val["dent"] <= 4
    assert 9 <= val["crack"] <= 15
    assert 45 <= sum(1 for r, side in zip(records, sides, strict=True) if side == "val" and r.good) <= 75


def test_every_fold_gets_its_share() -> None:
    records = [record(f"g{i}") for i in range(40)] + [record(f"c{i}", "crack") for i in range(8)]
    numbers = folds(records, [r.id for r in records], 4, seed=1)
    assert Counter(numbers) == {0: 12, 1: 12, 2: 12, 3: 12}
    assert Counter(n for n, r in zip(numbers, records, strict=True) if r.classes) == {0: 2, 1: 2, 2: 2, 3: 2}


def test_one_part_cannot_be_split() -> None:
    with pytest.raises(ConfigError, match=r"3 picture\(s\) of 1 part\(s\) cannot be split into 2"):
        split([record("a"), record("b"), record("c")], ["p", "p", "p"], {"train": 0.8, "val": 0.2}, seed=1)


def test_exposures_of_one_part_are_linked_and_other_parts_are_not(tmp_path: Path) -> None:
    rng = np.random.default_rng(5)
    records = []
    for part in range(6):
        ground = cv2.resize(rng.integers(40, 200, (12, 12)).astype(np.uint8), (96, 96), interpolation=cv2.INTER_CUBIC)
        for exposure in (0.7, 1.0, 1.2):
            noisy = np.clip(ground * exposure + rng.normal(0, 2, ground.shape), 0, 255).astype(np.uint8)
            path = tmp_path / f"{part}_{exposure}.png"
            cv2.imwrite(str(path), noisy)
            records.append(record(path.stem, image=path))
    groups = groups_of(records)
    assert len(set(groups)) == 6
    assert all(len(set(groups[3 * part : 3 * part + 3])) == 1 for part in range(6))


def test_parts_that_are_named_are_not_linked_by_their_looks(tmp_path: Path) -> None:
    path = tmp_path / "same.png"
    cv2.imwrite(str(path), np.arange(4096, dtype=np.float32).reshape(64, 64).astype(np.uint8))
    named = [record(name, group=f"serial {name}", image=path) for name in "ab"]
    assert len(set(groups_of(named))) == 2
    assert len(set(groups_of([record(name, image=path) for name in "ab"]))) == 1


def test_single_linkage_chains() -> None:
    chain = np.zeros((3, 32), np.uint8)
    chain[1, 0] = 0xFF
    chain[2, 0:2] = 0xFF
    assert linked(chain, 8).tolist() == [0, 0, 0]
    assert linked(chain, 7).tolist() == [0, 1, 2]
    assert dhash(np.zeros((50, 40), np.uint8)).shape == (32,)


def test_the_card_counts_and_says_what_to_know() -> None:
    records = (record("a", "crack", split="train"), record("b", split="val"), record("c", split="train"))
    data = Dataset(name="d", root=Path(), layout="folders", labels=("crack", "dent"), records=records, troubles=())
    card = describe(data, ["p", "p", "q"])
    assert card.counts["class"] == {"good": 2, "crack": 1, "dent": 0}
    assert card.groups_on_both_sides == 1
    assert "class 'dent' is empty: no picture bears it" in card.findings
    assert "| train | 1 | 1 | 0 |" in as_markdown(card)
    import tomllib

    parsed = tomllib.loads(as_toml(card))
    assert parsed["pictures"] == 3
    assert parsed["count"]["in"]["train"]["crack"] == 1
    assert (
        describe(
            Dataset(name="x", root=Path(), layout="", labels=(), records=records[::-1], troubles=()), ["a"] * 3
        ).sha256
        == card.sha256
    )

"""Our own reviewed parts come back in as labels: published records (``*.jsonl``) and the pictures they name."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path, PurePosixPath
from typing import Any

from inspector.domain.errors import ConfigError
from inspector.domain.geometry import Box
from tools.data.pictures import examine, images_in, set_aside
from tools.data.record import Choice, Dataset, Mark, MaskKind, Record, Trouble

LICENCE = "own"
WITHDRAWN = "withdrawn"


def is_here(root: Path) -> bool:
    """Whether a folder holds published records."""
    return root.is_dir() and any(root.glob("*.jsonl"))


def read(root: Path, choice: Choice) -> Dataset:
    """Read every part with a review and a picture; the reviewer's word is the truth, the last review counts.

    Corrected boxes are the labels; a bad part without corrections keeps the machine's boxes only where the
    reviewer agreed and did not take all of them off.
    """
    results, reviews = _pairs(root)
    pictures = {path.name: path for path in images_in(root)}
    records: list[Record] = []
    troubles: list[Trouble] = []
    for result_id, review in reviews.items():
        content = results.get(result_id, {}).get("resultContent") or {}
        path = pictures.get(PurePosixPath((content.get("image") or {}).get("ref", "")).name)
        good = _truth(review, str(content.get("outcome", "")))
        if path is None:
            troubles.append(Trouble(path=root / result_id, reason="a review without its record or its picture"))
        elif good is None:
            troubles.append(Trouble(path=path, reason="the reviewer was not sure"))
        elif choice.wants(split="", source=root.name, licence=LICENCE):
            with set_aside(troubles, path):
                marks = () if good else _marks(review, content)
                records.append(_record(root, path, f"{review['resultId']}", marks, good=good))
    labels = tuple(sorted({label for record in records for label in record.classes}))
    return Dataset(
        name=root.name, root=root, layout="reviews", labels=labels, records=tuple(records), troubles=tuple(troubles)
    )


def _pairs(root: Path) -> tuple[dict[str, Mapping[str, Any]], dict[str, Mapping[str, Any]]]:
    results: dict[str, Mapping[str, Any]] = {}
    said: list[Mapping[str, Any]] = []
    for entry in _entries(root):
        if "opinion" in entry:
            said.append(entry)
        elif "resultContent" in entry:
            results[str(entry["resultId"])] = entry
    withdrawn = {entry.get("withdraws") for entry in said if entry["opinion"] == WITHDRAWN}
    counted = (e for e in said if e["opinion"] != WITHDRAWN and e.get("journalSeq") not in withdrawn - {None})
    return results, {str(entry["resultId"]): entry for entry in counted}


def _entries(root: Path) -> Iterator[Mapping[str, Any]]:
    for path in sorted(root.glob("*.jsonl*")):
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
            try:
                entry = json.loads(line)
            except json.JSONDecodeError as error:
                raise ConfigError(f"{path} line {number}: is not JSON: {error}") from error
            yield entry.get("record", entry)


def _truth(review: Mapping[str, Any], outcome: str) -> bool | None:
    """Whether the part is good in the reviewer's word; None where that cannot be said."""
    said = str(review.get("trueOutcome", "")).upper() or (outcome if review["opinion"] == "agree" else "")
    return {"PASS": True, "FAIL": False}.get(said) if review["opinion"] != "unsure" else None


def _marks(review: Mapping[str, Any], content: Mapping[str, Any]) -> tuple[Mark, ...]:
    given = review.get("corrections") or ()
    if not given and not review.get("corrected") and review["opinion"] == "agree":
        given = content.get("defects", ())
    marks = []
    for item in given:
        x, y, width, height = item["bbox_px"]
        marks.append(Mark(label=str(item["class"]), box=Box(x=x, y=y, width=width, height=height)))
    return tuple(marks)


def _record(root: Path, path: Path, name: str, marks: tuple[Mark, ...], *, good: bool) -> Record:
    picture = examine(path)
    kind = MaskKind.GOOD if good else MaskKind.BOXES if marks else MaskKind.IMAGE
    return Record(
        id=name,
        image=path,
        width=picture.width,
        height=picture.height,
        sha256=picture.sha256,
        good=good,
        classes=tuple(dict.fromkeys(mark.label for mark in marks)),
        mask_kind=kind,
        marks=marks,
        source=root.name,
        licence=LICENCE,
    )

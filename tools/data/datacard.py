"""The data card: what a data set holds, where it is from, and by what digest it is known again."""

import hashlib
import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from tools.data.record import Dataset, MaskKind, Record, is_shippable

SCHEMA = "inspector.data/1"
_SHOWN = 50
_LARGE_SHARE = 1 / 3
_SMALL = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class DataCard:
    """Counts of one data set. ``counts``: what is counted -> name -> pictures; ``groups``: distinct parts."""

    name: str
    layout: str
    sha256: str
    pictures: int
    good: int
    groups: int
    groups_on_both_sides: int
    byte_copies: int
    megapixels: float
    counts: Mapping[str, Mapping[str, int]]
    split_counts: Mapping[str, Mapping[str, int]]
    findings: tuple[str, ...]
    troubles: tuple[str, ...]


def list_sha256(records: Sequence[Record]) -> str:
    """Digest of the sorted list "sha256 split id": the same set, however it is stored, has the same digest."""
    lines = sorted(f"{record.sha256} {record.split} {record.id}\n" for record in records)
    return hashlib.sha256("".join(lines).encode()).hexdigest()


def describe(dataset: Dataset, groups: Sequence[str]) -> DataCard:
    """Count a data set. ``groups``: one name a record, as ``duplicates.groups_of`` gives them."""
    records = dataset.records
    sides: dict[str, set[str]] = {}
    for record, group in zip(records, groups, strict=True):
        sides.setdefault(group, set()).add(record.split)
    torn = sum(1 for own in sides.values() if len(own) > 1)
    copies = len(records) - len({record.sha256 for record in records})
    return DataCard(
        name=dataset.name,
        layout=dataset.layout,
        sha256=list_sha256(records),
        pictures=len(records),
        good=sum(record.good for record in records),
        groups=len(sides),
        groups_on_both_sides=torn,
        byte_copies=copies,
        megapixels=round(sum(record.megapixels for record in records), 2),
        counts={
            "class": _classes(records, dataset.labels),
            "split": _count(record.split or "(none)" for record in records),
            "source": _count(record.source for record in records),
            "licence": _count(record.licence for record in records),
            "mask_kind": _count(record.mask_kind.value for record in records),
        },
        split_counts={
            split or "(none)": _classes([r for r in records if r.split == split], dataset.labels)
            for split in sorted({record.split for record in records})
        },
        findings=tuple(_findings(dataset, groups, torn, copies)),
        troubles=tuple(f"{trouble.path.name}: {trouble.reason}" for trouble in dataset.troubles),
    )


def _count(names: Iterable[str]) -> Mapping[str, int]:
    return dict(sorted(Counter(names).items()))


def _classes(records: Sequence[Record], labels: Sequence[str]) -> Mapping[str, int]:
    found = Counter(label for record in records for label in record.classes)
    return {"good": sum(record.good for record in records), **{label: found[label] for label in labels}}


def _findings(dataset: Dataset, groups: Sequence[str], torn: int, copies: int) -> list[str]:
    records = dataset.records
    found = []
    largest, members = Counter(groups).most_common(1)[0]
    if members > _LARGE_SHARE * len(records) and len(records) > _SMALL:
        found.append(
            f"{members} of {len(records)} pictures are one group ({largest}): the parts look alike to the hash; "
            "name the parts, or lower --most-bits"
        )
    if dataset.troubles:
        found.append(f"{len(dataset.troubles)} picture(s) were set aside, see troubles")
    used = {label for record in records for label in record.classes}
    found += [f"class {label!r} is empty: no picture bears it" for label in dataset.labels if label not in used]
    if len(records) == 1:
        found.append("one picture: nothing can be trained, split or evaluated with it")
    if not any(record.good for record in records):
        found.append("no good picture: false alarms cannot be counted")
    if torn:
        found.append(f"{torn} group(s) of near-duplicates lie on both sides of a split: its figures are optimistic")
    if copies:
        found.append(f"{copies} picture(s) are byte copies of others")
    boxes = sum(record.mask_kind is MaskKind.BOXES for record in records)
    if boxes:
        found.append(f"{boxes} picture(s) have boxes, no pixels: they are left out of figures counted by pixel or cell")
    barred = sum(not is_shippable(record.licence) for record in records)
    if barred:
        found.append(
            f"{barred} picture(s) have a licence that does not allow a shipped model (choose with --shippable)"
        )
    return found


def as_toml(card: DataCard) -> str:
    """Write the card for machines; JSON's spelling of strings and numbers is TOML's too."""
    lines = [f"schema = {json.dumps(SCHEMA)}"]
    keys = ("name", "layout", "sha256", "pictures", "good", "groups", "groups_on_both_sides", "byte_copies")
    lines += [f"{key} = {_toml(getattr(card, key))}" for key in keys]
    lines += [f"megapixels = {card.megapixels}", f"findings = {_toml(list(card.findings))}"]
    lines += [f"set_aside = {len(card.troubles)}", f"troubles = {_toml(list(card.troubles))}"]
    for title, table in [*card.counts.items(), *((f"in.{split}", own) for split, own in card.split_counts.items())]:
        head = ".".join(_toml(part) for part in ["count", *title.split(".", 1)])
        lines += ["", f"[{head}]", *(f"{_toml(name)} = {number}" for name, number in table.items())]
    return "\n".join(lines) + "\n"


def _toml(value: object) -> str:
    if isinstance(value, list):
        return "[" + "".join(f"\n  {_toml(item)}," for item in value) + ("\n]" if value else "]")
    return json.dumps(value, ensure_ascii=False)


def as_markdown(card: DataCard) -> str:
    """Write the card for people."""
    lines = [
        f"# Data: {card.name}",
        "",
        f"{card.pictures} pictures ({card.good} good) of {card.groups} parts, {card.megapixels} megapixels.",
        f"Layout {card.layout}, list sha256 `{card.sha256}`.",
        "",
    ]
    if card.findings:
        lines += ["**To know:**", "", *(f"- {finding}" for finding in card.findings), ""]
    labels = list(card.counts["class"])
    lines += [f"| split | {' | '.join(labels)} |", "|---" * (len(labels) + 1) + "|"]
    rows = {**card.split_counts, "all": card.counts["class"]}
    lines += [f"| {split} | {' | '.join(str(own[label]) for label in labels)} |" for split, own in rows.items()]
    for title in ("source", "licence", "mask_kind"):
        lines += ["", f"| {title} | pictures |", "|---|---|"]
        lines += [f"| {name} | {number} |" for name, number in card.counts[title].items()]
    if card.troubles:
        lines += ["", f"## Set aside ({len(card.troubles)})", "", *(f"- {line}" for line in card.troubles[:_SHOWN])]
        if len(card.troubles) > _SHOWN:
            lines.append(f"- ... and {len(card.troubles) - _SHOWN} more, in the TOML card")
    return "\n".join(lines) + "\n"

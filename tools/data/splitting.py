"""Split records by whole groups, seeded, so that every class keeps its share on each side."""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence

import numpy as np

from inspector.domain.errors import ConfigError
from tools.data.record import Record

_AT_LEAST = 2


def split(records: Sequence[Record], groups: Sequence[str], shares: Mapping[str, float], seed: int) -> tuple[str, ...]:
    """Name each record's side, e.g. with ``{"train": 0.8, "val": 0.2}``.

    Rare classes are dealt first, each group to the side that lacks most of it (iterative stratification after
    Sechidis, Tsoumakas and Vlahavas, "On the stratification of multi-label data", ECML PKDD 2011, with groups in
    the place of single samples).

    Raises:
        ConfigError: fewer groups than sides, or shares that are none.
    """
    total = sum(shares.values())
    if total <= 0 or min(shares.values()) <= 0:
        raise ConfigError(f"shares {dict(shares)}: each must be above 0, e.g. train=0.8 val=0.2")
    members: dict[str, list[int]] = defaultdict(list)
    for index, group in enumerate(groups):
        members[group].append(index)
    if len(members) < max(_AT_LEAST, len(shares)):
        raise ConfigError(
            f"{len(records)} picture(s) of {len(members)} part(s) cannot be split into {len(shares)}: "
            f"at least {max(_AT_LEAST, len(shares))} parts are needed, better ten of each class"
        )
    strata = {group: Counter(name for i in own for name in _strata(records[i])) for group, own in members.items()}
    sides = _deal(strata, {side: share / total for side, share in shares.items()}, np.random.default_rng(seed))
    return tuple(sides[group] for group in groups)


def folds(records: Sequence[Record], groups: Sequence[str], count: int, seed: int) -> tuple[int, ...]:
    """Number each record's fold, 0 to ``count`` - 1, by whole groups."""
    shares = {str(fold): 1.0 / count for fold in range(count)}
    return tuple(int(side) for side in split(records, groups, shares, seed))


def _strata(record: Record) -> tuple[str, ...]:
    """What a record counts for: its source with each of its classes."""
    return tuple(f"{record.source}/{label}" for label in record.classes or ("good",))


def _deal(
    strata: Mapping[str, Counter[str]], shares: Mapping[str, float], rng: np.random.Generator
) -> Mapping[str, str]:
    totals: Counter[str] = Counter()
    for counted in strata.values():
        totals.update(counted)
    lacking = {side: {name: share * count for name, count in totals.items()} for side, share in shares.items()}
    left = list(strata)
    rng.shuffle(left)
    dealt: dict[str, str] = {}
    for name, _ in sorted(totals.items(), key=lambda row: (row[1], row[0])):
        own = sorted((group for group in left if strata[group][name]), key=lambda group: -strata[group][name])
        for group in own:
            side = max(lacking, key=lambda side: (lacking[side][name], sum(lacking[side].values()), shares[side]))
            dealt[group] = side
            for stratum, count in strata[group].items():
                lacking[side][stratum] -= count
        left = [group for group in left if group not in dealt]
    return _none_empty(dealt, shares)


def _none_empty(dealt: dict[str, str], shares: Mapping[str, float]) -> Mapping[str, str]:
    """Give a side that got nothing one group of the fullest."""
    for side in shares:
        if side not in dealt.values():
            fullest = Counter(dealt.values()).most_common(1)[0][0]
            dealt[next(group for group, own in dealt.items() if own == fullest)] = side
    return dealt

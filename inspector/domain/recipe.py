"""What a plant calls good: weights, limits, zones and bands for each class of defect."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from inspector.domain.geometry import Box, Polygon, Pose
from inspector.domain.verdict import Severity


@dataclass(frozen=True, slots=True, kw_only=True)
class ClassRule:
    """What is asked of one class of defect.

    A detection counts for sure from ``confidence`` on; from ``doubt`` to ``confidence`` it is doubtful: a
    part that would fail with it is UNDECIDED. With any minimum size set, a defect matters as soon as it
    reaches ONE of them; ``size_band`` widens each minimum downwards by that share: in between it is doubtful.
    Without minimum sizes every defect matters. ``any_fails``: one that matters fails the part.
    ``max_count``: more than that many fail it.
    """

    severity: Severity = Severity.MINOR
    weight: float = 1.0
    confidence: float = 0.0
    doubt: float | None = None
    min_length_mm: float | None = None
    min_width_mm: float | None = None
    min_area_mm2: float | None = None
    size_band: float = 0.0
    any_fails: bool = False
    max_count: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Zone:
    """A part of the frame with rules of its own.

    A detection is judged by the rules of every zone it touches; unless one zone holds it whole, by the recipe's
    as well: the severest counts.
    """

    name: str
    outline: Polygon
    classes: Mapping[str, ClassRule]
    other: ClassRule


@dataclass(frozen=True, slots=True, kw_only=True)
class Mask:
    """A part of the frame that is not judged: print, a label, a hole. It hides nothing that lies outside of it."""

    name: str
    outline: Polygon


@dataclass(frozen=True, slots=True, kw_only=True)
class FixtureRule:
    """How the part is found. ``template``: the file of its picture; ``region``: its place on the taught frame, px.

    It may lie ``shift_px`` off and be turned by ``angle_deg``. ``match``: share of its edges that must be there; below
    that, ``presence``: with less edges than this share there is no part at all, with more it is a wrong one.
    """

    template: str
    region: Box
    shift_px: float = 40.0
    angle_deg: float = 6.0
    match: float = 0.75
    presence: float = 0.5


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """The rules for one product. ``classes`` are named; every other label is judged by ``other``.

    ``max_score``: the part fails if Σ weight x confidence over its sure defects is above it;
    ``score_band``: within that much below the limit the part is UNDECIDED. ``max_defects``: more sure defects
    than that fail the part. ``None``: no such rule. ``keep_good``: probability with which a clean pass keeps
    its picture. ``lossless``: FAIL and UNDECIDED pictures are kept without loss. ``roi``: what is looked at;
    ``None``: all of the frame. ``fixture``: how the part is found, which carries zones, masks and roi along; ``None``:
    it lies as taught.
    """

    name: str
    model: str
    classes: Mapping[str, ClassRule]
    other: ClassRule
    max_score: float | None = None
    score_band: float = 0.0
    max_defects: int | None = None
    zones: tuple[Zone, ...] = ()
    masks: tuple[Mask, ...] = ()
    roi: Polygon | None = None
    fixture: FixtureRule | None = None
    keep_good: float = 0.0
    lossless: bool = False
    job: int = 0

    def rule_for(self, label: str) -> ClassRule:
        """The rule of this class, or the rule of every other class."""
        return self.classes.get(label, self.other)

    def carried(self, pose: Pose) -> "Recipe":
        """The same rules for a part that lies so: zones, masks and roi moved and turned with it."""
        return replace(
            self,
            zones=tuple(replace(zone, outline=pose.carried(zone.outline)) for zone in self.zones),
            masks=tuple(replace(mask, outline=pose.carried(mask.outline)) for mask in self.masks),
            roi=pose.carried(self.roi) if self.roi else None,
        )

    def class_rules(self) -> tuple[tuple[str, ClassRule], ...]:
        """Every class rule with its id, zones included."""
        named = [(f"class.{label}", rule) for label, rule in self.classes.items()]
        named.append(("class.other", self.other))
        for zone in self.zones:
            named += [(f"zone.{zone.name}.{label}", rule) for label, rule in zone.classes.items()]
            named.append((f"zone.{zone.name}.other", zone.other))
        return tuple(named)

    @property
    def uses_mm(self) -> bool:
        """Whether any rule needs a scale."""
        return any(
            limit is not None
            for _, rule in self.class_rules()
            for limit in (rule.min_length_mm, rule.min_width_mm, rule.min_area_mm2)
        )

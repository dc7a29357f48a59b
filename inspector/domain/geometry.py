"""Places and sizes on a frame, and how many millimetres they are."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from math import cos, radians, sin


@dataclass(frozen=True, slots=True, kw_only=True)
class Box:
    """An axis-aligned rectangle in frame pixels: left, top, width, height."""

    x: float
    y: float
    width: float
    height: float

    def __post_init__(self) -> None:
        if self.width < 0 or self.height < 0:
            raise ValueError(f"box {self.width} x {self.height} px: a side must not be negative")

    @property
    def right(self) -> float:
        """First column past the box, px."""
        return self.x + self.width

    @property
    def bottom(self) -> float:
        """First row past the box, px."""
        return self.y + self.height

    @property
    def centre(self) -> tuple[float, float]:
        """Centre (x, y), px."""
        return (self.x + self.width / 2, self.y + self.height / 2)

    def overlaps(self, other: "Box") -> bool:
        """Whether the two share any area."""
        return self.x < other.right and other.x < self.right and self.y < other.bottom and other.y < self.bottom

    def iou(self, other: "Box") -> float:
        """Intersection over union, 0 to 1."""
        width = min(self.right, other.right) - max(self.x, other.x)
        height = min(self.bottom, other.bottom) - max(self.y, other.y)
        if width <= 0 or height <= 0:
            return 0.0
        inner = width * height
        return inner / (self.width * self.height + other.width * other.height - inner)


@dataclass(frozen=True, slots=True, kw_only=True)
class Polygon:
    """A closed outline in frame pixels; at least three corners."""

    corners: tuple[tuple[float, float], ...]

    def __post_init__(self) -> None:
        if len(self.corners) < 3:  # noqa: PLR2004 - a triangle is the smallest outline
            raise ValueError(f"a polygon of {len(self.corners)} corners: it needs at least 3")

    def contains(self, x: float, y: float) -> bool:
        """Whether the point lies inside, by the even-odd rule (edges count as inside on the left and top)."""
        inside = False
        for (x1, y1), (x2, y2) in self._edges():
            if (y1 > y) != (y2 > y) and x < (x2 - x1) * (y - y1) / (y2 - y1) + x1:
                inside = not inside
        return inside

    def holds(self, box: Box) -> bool:
        """Whether the whole box lies inside: its four corners do, and no edge of the polygon cuts it."""
        corners = ((box.x, box.y), (box.right, box.y), (box.x, box.bottom), (box.right, box.bottom))
        return all(self.contains(x, y) for x, y in corners) and not self._cuts(box)

    @classmethod
    def around(cls, box: Box) -> "Polygon":
        """The outline of a box."""
        return cls(corners=((box.x, box.y), (box.right, box.y), (box.right, box.bottom), (box.x, box.bottom)))

    @property
    def bounds(self) -> Box:
        """The smallest box around it."""
        xs, ys = zip(*self.corners, strict=True)
        return Box(x=min(xs), y=min(ys), width=max(xs) - min(xs), height=max(ys) - min(ys))

    def touches(self, box: Box) -> bool:
        """Whether polygon and box share any point: never a False for a box that overlaps the polygon."""
        first_x, first_y = self.corners[0]
        if box.x <= first_x <= box.right and box.y <= first_y <= box.bottom:
            return True
        return self.contains(*box.centre) or self._cuts(box)

    def _edges(self) -> Sequence[tuple[tuple[float, float], tuple[float, float]]]:
        return list(zip(self.corners, self.corners[1:] + self.corners[:1], strict=True))

    def _cuts(self, box: Box) -> bool:
        return any(_segment_meets_box(a, b, box) for a, b in self._edges())


def _segment_meets_box(a: tuple[float, float], b: tuple[float, float], box: Box) -> bool:
    """Liang-Barsky: does the segment a-b have a point inside the box?"""
    enter, leave = 0.0, 1.0
    for start, step, low, high in (
        (a[0], b[0] - a[0], box.x, box.right),
        (a[1], b[1] - a[1], box.y, box.bottom),
    ):
        if step == 0:
            if not low <= start <= high:
                return False
            continue
        near, far = sorted(((low - start) / step, (high - start) / step))
        enter, leave = max(enter, near), min(leave, far)
    return enter <= leave


@dataclass(frozen=True, slots=True, kw_only=True)
class Pose:
    """How a part lies against its taught place: moved by (dx, dy) px, and turned about (x, y), its taught middle.

    ``turn_deg``: degrees, clockwise on the screen (from the x axis, to the right, towards the y axis, downwards).
    """

    dx: float = 0.0
    dy: float = 0.0
    turn_deg: float = 0.0
    x: float = 0.0
    y: float = 0.0

    def moved(self, x: float, y: float) -> tuple[float, float]:
        """Where a point of the taught part lies now, px."""
        c, s = cos(radians(self.turn_deg)), sin(radians(self.turn_deg))
        along, down = x - self.x, y - self.y
        return (self.x + self.dx + c * along - s * down, self.y + self.dy + s * along + c * down)

    def carried(self, outline: Polygon) -> Polygon:
        """An outline of the taught part as it lies now."""
        return Polygon(corners=tuple(self.moved(x, y) for x, y in outline.corners))


@dataclass(frozen=True, slots=True, kw_only=True)
class Scale:
    """How many pixels make a millimetre, and until when that may be trusted.

    ``grace_days``: it is still used so long after it was due. ``serial`` and ``frame_px``: of the camera that it was
    measured with; "" and None where that is not known. ``refuted``: why a recheck found it wrong; "" if none did.
    ``unfit``: how the lens in front of the camera, or its distance, is another than when it was measured; "" if not.
    """

    id: str
    px_per_mm: float
    due: date | None = None
    grace_days: int = 0
    serial: str = ""
    frame_px: tuple[int, int] | None = None
    refuted: str = ""
    unfit: str = ""

    def __post_init__(self) -> None:
        if not self.px_per_mm > 0:
            raise ValueError(f"scale {self.id!r}: px_per_mm = {self.px_per_mm} must be above 0")

    def overdue(self, today: date) -> str:
        """In words, since when it is overdue; "" if it is not."""
        if self.due is None or today <= self.due:
            return ""
        until = self.due + timedelta(days=self.grace_days)
        told = f"used until {until}" if today <= until else "and no longer used"
        return f"scale {self.id} was due on {self.due}, {told}; calibrate again"

    def void(self, today: date, serial: str, frame_px: tuple[int, int]) -> str:
        """In words, why nothing may be measured by it with this camera today; "" if it may."""
        if self.refuted:
            return f"scale {self.id}: {self.refuted}; calibrate again"
        if self.unfit:
            return f"scale {self.id} {self.unfit}; calibrate again"
        if self.serial and serial != self.serial:
            return f"scale {self.id} is of camera {self.serial}, this is {serial}; calibrate this one"
        if self.frame_px and frame_px != self.frame_px:
            sizes = ["{} x {}".format(*size) for size in (self.frame_px, frame_px)]
            return f"scale {self.id} is of frames of {sizes[0]} px, these are {sizes[1]} px; calibrate again"
        if self.due is not None and today > self.due + timedelta(days=self.grace_days):
            return self.overdue(today)
        return ""

    def mm(self, px: float) -> float:
        """Millimetres of a length in pixels."""
        return px / self.px_per_mm

    def px(self, mm: float) -> float:
        """Pixels of a length in millimetres."""
        return mm * self.px_per_mm

    def mm2(self, px2: float) -> float:
        """Square millimetres of an area in square pixels."""
        return px2 / (self.px_per_mm * self.px_per_mm)

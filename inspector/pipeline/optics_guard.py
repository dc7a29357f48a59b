"""Keeps watch over a station's lens and lamp while parts pass: learns a reference, warns, and holds back a PASS.

    frame ─▶ glance ─▶ Health (of the recipe's reference) ─▶ findings ─▶ alarm optics.KIND
                                                          └▶ grave: a PASS becomes UNDECIDED("optics: ...")
    good parts ─▶ learned reference ─▶ the station's folder
It never makes a verdict milder.
"""

import threading
from collections import deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

from inspector.domain.errors import JournalError
from inspector.domain.frame import Capture
from inspector.domain.inspection import RecipeStamp
from inspector.domain.verdict import Decision, Outcome, Verdict, undecided
from inspector.pipeline.alarms import AlarmBoard
from inspector.pipeline.sight import Finding, Glance, Health, Limits, glance, reference_of, stale_rows
from inspector.ports.sight import Learned, ReferenceBook, Setup

REFERENCE_ALARM = "optics.reference"
UNSAVED_ALARM = "optics.unsaved"
OPTICS_RULE = "law.optics"


@dataclass(frozen=True, slots=True, kw_only=True)
class OpticsRules:
    """What is watched. ``learn_parts``: good parts that make a reference; 0: only the command makes one.

    ``hold``: a grave finding holds back a PASS; False: it warns only. ``frozen``: the picture before,
    or a part of it, once more is a finding.
    """

    watch: bool = True
    hold: bool = True
    frozen: bool = True
    learn_parts: int = 20
    limits: Limits = field(default_factory=Limits)


@dataclass(frozen=True, slots=True, kw_only=True)
class Sighting:
    """What one frame told, and what is wrong with it."""

    glance: Glance
    findings: tuple[Finding, ...]

    @property
    def grave(self) -> Finding | None:
        """The first finding that holds back a PASS."""
        return next((one for one in self.findings if one.grave), None)


@dataclass(slots=True, kw_only=True)
class _Eye:
    """What is known of one recipe's pictures. ``learning``: of good parts, until there are enough."""

    setup: Setup
    learned: Learned | None = None
    health: Health | None = None
    wanted: bool = True
    learning: list[Glance] = field(default_factory=list)


class OpticsGuard:
    """Looks are the inspect thread's; ``save`` and ``snapshot`` are the watch's.

    ``camera``: of a ``Setup`` without its recipe.
    """

    def __init__(
        self,
        *,
        rules: OpticsRules,
        book: ReferenceBook,
        alarms: AlarmBoard,
        camera: Setup,
        recipes: Iterable[RecipeStamp],
    ) -> None:
        self._rules = rules
        self._book = book
        self._alarms = alarms
        self._before: Glance | None = None
        self._unseen: dict[str, int] = {}
        self._graves: dict[str, bool] = {}
        self._unsaved: deque[Learned] = deque()
        self._lock = threading.Lock()
        self._camera = camera
        self._eyes = {stamp.name: self._opened(stamp) for stamp in recipes if rules.watch}
        self._ask_for_references()

    def use(self, stamp: RecipeStamp) -> None:
        """Watch by this revision too, or instead of another of its name; the request thread's."""
        if self._rules.watch:
            eye = self._opened(stamp)
            with self._lock:
                self._eyes = {**self._eyes, stamp.name: eye}
            self._ask_for_references()

    def glance(self, capture: Capture) -> Glance | None:
        """What a frame tells; None where nothing is watched."""
        return glance(capture.pixels, capture.pixel_format) if self._eyes else None

    def frozen(self, seen: Glance | None, capture: Capture) -> Verdict | None:
        """A verdict for a picture that is not a new one: nothing in it is this part's, a defect neither."""
        if seen is None or not self._rules.frozen or capture.source:
            return None
        before, self._before = self._before, seen
        stale = stale_rows(seen, before) if before is not None else None
        if stale is None:
            return None
        text = (
            f"rows {stale[0]} to {stale[1]} are those of the picture before, bit for bit; camera or link hangs or tears"
        )
        finding = Finding(
            kind="frozen", text=text, grave=True, measured=stale[1] - stale[0] + 1.0, limit=0.0, unit="px"
        )
        self._tell((finding,))
        if not self._rules.hold:
            return None
        return undecided(f"optics: {text}", rule=OPTICS_RULE, measured=finding.measured, limit=0.0, unit="px")

    def look(self, seen: Glance | None, recipe: str) -> Sighting | None:
        """Take in a frame that is about to be judged by this recipe."""
        eye = self._eyes.get(recipe)
        if eye is None or seen is None:
            return None
        findings = eye.health.look(seen) if eye.health is not None else ()
        self._tell(findings)
        return Sighting(glance=seen, findings=findings)

    def weigh(self, verdict: Verdict, sighting: Sighting | None) -> Verdict:
        """The verdict, or UNDECIDED where it would let a part pass by a picture that does not show enough."""
        grave = sighting.grave if sighting is not None else None
        if grave is None or not self._rules.hold or verdict.outcome is not Outcome.PASS:
            return verdict
        decision = Decision(rule=OPTICS_RULE, measured=grave.measured, limit=grave.limit, unit=grave.unit)
        return replace(verdict, outcome=Outcome.UNDECIDED, reason=f"optics: {grave.text}", decision=decision)

    def learn(self, verdict: Verdict, sighting: Sighting | None, recipe: str) -> None:
        """Learn from a good part, as long as there is a reference to learn."""
        eye = self._eyes.get(recipe)
        if eye is None or sighting is None or not eye.wanted or not self._rules.learn_parts:
            return
        if verdict.outcome is not Outcome.PASS or sighting.grave is not None:
            return
        with self._lock:
            eye.learning.append(sighting.glance)
            if len(eye.learning) < self._rules.learn_parts:
                return
            learned = Learned(
                setup=eye.setup, reference=reference_of(eye.learning), learned_utc=datetime.now(UTC), by="line"
            )
            eye.learned, eye.wanted, eye.learning = learned, False, []
            eye.health = Health(reference=learned.reference, limits=self._rules.limits)
            self._unsaved.append(learned)
        self._ask_for_references()

    def save(self) -> None:
        """Write what was learned; tried again at the next call where the disk did not take it."""
        while self._unsaved:
            try:
                self._book.keep(self._unsaved[0])
            except JournalError as error:
                self._alarms.raise_alarm(UNSAVED_ALARM, str(error))
                return
            self._unsaved.popleft()
        self._alarms.clear(UNSAVED_ALARM)

    def snapshot(self) -> Mapping[str, Any]:
        """For the status file: each recipe's reference, and what stands against it."""
        with self._lock:
            return {
                "watched": self._rules.watch,
                "findings": sorted(self._graves),
                "references": {name: self._words(eye) for name, eye in self._eyes.items()},
            }

    def reference(self, recipe: str) -> tuple[Learned, Limits] | None:
        """What the camera showed of this recipe at its set-up, and how far off it may be. Any thread."""
        eye = self._eyes.get(recipe)
        with self._lock:
            learned = eye.learned if eye is not None else None
        return None if learned is None else (learned, self._rules.limits)

    def _words(self, eye: _Eye) -> dict[str, Any]:
        learned = eye.learned
        return {
            "learned_utc": learned.learned_utc.isoformat().replace("+00:00", "Z") if learned else None,
            "by": learned.by if learned else None,
            "in_force": eye.health is not None,
            "learning": f"{len(eye.learning)} of {self._rules.learn_parts}" if eye.wanted else None,
        }

    def _opened(self, stamp: RecipeStamp) -> _Eye:
        """What is on disk for it. Of another camera it says nothing; of another revision it holds till a new one."""
        setup = replace(self._camera, recipe=stamp.name, recipe_sha256=stamp.sha256)
        eye = _Eye(setup=setup)
        try:
            learned = self._book.read(setup.recipe)
        except JournalError as error:
            self._alarms.raise_alarm(REFERENCE_ALARM, str(error))
            return eye
        if learned is not None and not learned.setup.other_camera(setup):
            eye.learned = learned
            eye.health = Health(reference=learned.reference, limits=self._rules.limits)
            eye.wanted = learned.setup.recipe_sha256 != setup.recipe_sha256
        return eye

    def _ask_for_references(self) -> None:
        """An alarm for what the line does not learn by itself."""
        missing = [name for name, eye in self._eyes.items() if eye.wanted] if not self._rules.learn_parts else []
        if missing:
            names = ", ".join(missing)
            text = f"no reference of this camera for recipe {names}; inspector camera optics --learn 20 makes one"
            self._alarms.raise_alarm(REFERENCE_ALARM, text)
        elif all(eye.health is not None for eye in self._eyes.values()):
            self._alarms.clear(REFERENCE_ALARM)

    def _tell(self, findings: tuple[Finding, ...]) -> None:
        """Raise an alarm at its first frame; clear it once as many frames as the middle is taken of were without it."""
        for one in findings:
            if self._graves.get(one.kind, one.grave) != one.grave:
                self._alarms.clear(f"optics.{one.kind}")  # told anew: it became grave, or is so no longer
            self._alarms.raise_alarm(f"optics.{one.kind}", one.text)
            self._unseen[one.kind] = 0
        with self._lock:
            self._graves |= {one.kind: one.grave for one in findings}
            for kind in self._graves.keys() - {one.kind for one in findings}:
                self._unseen[kind] += 1
                if self._unseen[kind] >= self._rules.limits.frames:
                    del self._graves[kind]
                    self._alarms.clear(f"optics.{kind}")

"""What one cycle at the belt makes of the inputs: triggers, the ejector, lights and the balance. No thread, no device.

inputs ──▶ odometer ──▶ triggers ──▶ tracker.expect          (the reject is scheduled here, whoever sleeps)
       └─▶ belt, watchdog ──▶ condemn, lose places
tracker.look(position) ──▶ ejector ──▶ outputs
tracker.left ──▶ balance ◀── sensors ──▶ departures, troubles
"""

from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from enum import Enum

from inspector.domain.frame import seq_distance
from inspector.domain.verdict import Outcome
from inspector.pipeline.balance import Balance, Departure, Lane, Trouble
from inspector.pipeline.tracking import Left, Motion, Odometer, Passage, Refusal, Rest, Tracker
from inspector.ports.field_io import FieldInputs, Output
from inspector.ports.gate import LineState
from inspector.ports.trigger import TriggerEvent

TRIGGERS = 64
MISSED_ALARM = "ejector.missed"
"""A part that had to be ejected went by: it is in the good lane."""
_REMEMBERED = 4096
_STANDS_S = 0.2
_FRESH_S = 0.05
"""A trigger found after a longer silence may be as old as the last look."""
DEAD_ALARM = "encoder.dead"
"""The drive runs and its encoder stands."""


class Axis(Enum):
    """What positions are measured in."""

    TIME = "time"
    ENCODER = "encoder"


@dataclass(frozen=True, slots=True, kw_only=True)
class Way:
    """The way from light gate to ejector, as it was built. Lengths in mm; ``counts_per_mm`` or ``speed_mm_s`` by axis.

    ``confirm_mm``: behind the ejector, by which the sensors have seen a part. ``fires``: we do; False: a PLC fires, and
    what is expected is told by ``expect``.
    """

    axis: Axis
    distance_mm: float
    before_mm: float
    after_mm: float
    confirm_mm: float
    counts_per_mm: float = 1.0
    speed_mm_s: float = 1.0
    rest: Rest = Rest.EJECT
    fires: bool = True
    horn_s: float = 5.0
    marker_s: float = 0.1

    def along(self, length_mm: float) -> float:
        """A length in positions: counts or seconds."""
        return length_mm * self.counts_per_mm if self.axis is Axis.ENCODER else length_mm / self.speed_mm_s

    @property
    def passage(self) -> Passage:
        """For the tracker."""
        return Passage(
            distance=self.along(self.distance_mm),
            before=self.along(self.before_mm),
            after=self.along(self.after_mm),
            rest=self.rest,
            remember=self.along(self.distance_mm) if self.axis is Axis.ENCODER else 0.0,
        )


class Field:
    """Owned by whoever holds the lock. ``state``: what the line says of itself."""

    def __init__(self, way: Way) -> None:
        self.way = way
        self.state = LineState.NONE
        self.events: deque[TriggerEvent] = deque()
        self.inputs: FieldInputs | None = None
        self.seq = 0
        self.restarted = False
        self.flushing = True
        self.refused = 0
        self.clear_error = False
        self._odometer = Odometer()
        self._tracker: Tracker | None = None
        self._balance = Balance(reach=0.0, lanes=frozenset())
        self._trigger_position: float | None = None
        self._moved_at = self._driven_at = 0.0
        self._position = 0.0
        self._horn_until = 0.0
        self._marker_until = 0.0
        self._blind_until = float("-inf")
        self._troubles: list[Trouble] = []
        self._outage = False
        self._unguarded = 0
        self._written_at = float("-inf")
        self._told: dict[int, Outcome] = {}

    @property
    def balance(self) -> Balance:
        """Entries, good, rejected, removed."""
        return self._balance

    @property
    def in_flight(self) -> int:
        """Parts between trigger and ejector."""
        return self._tracker.in_flight if self._tracker is not None else 0

    def settle(self, part_seq: int, outcome: Outcome) -> tuple[Refusal, str] | None:
        """Take a verdict; a PASS may be refused, and why."""
        if not self.way.fires:
            self._told[part_seq] = outcome
            while len(self._told) > _REMEMBERED:
                del self._told[next(iter(self._told))]
            return None
        if self._tracker is None:
            return Refusal.CONDEMNED, "the belt's position is not known yet"
        refusal = self._tracker.settle(part_seq, outcome, self._position)
        return None if refusal is None else (refusal, self._tracker.why(part_seq))

    def expect(self, part_seq: int) -> None:
        """Where a PLC counts and fires: this part is at the light gate now."""
        if self._tracker is not None:
            self._tracker.expect(part_seq, self._position)

    def _as_told(self, left: Left) -> Left:
        """Where a PLC fires, what it was told is where the part went; of what it was not told, it rejected."""
        if self.way.fires:
            return left
        outcome = self._told.pop(left.part_seq, None)
        return replace(left, ejected=outcome is not Outcome.PASS, outcome=outcome, why="")

    def silent(self, why: str) -> None:
        """The module does not answer. Under time nobody sees whether the belt runs on."""
        self._outage = True
        if self.way.axis is Axis.TIME and self._tracker is not None and not self._tracker.lost:
            self._unguarded = self.in_flight if self._may_slip else 0
            self._lose_places(f"the remote I/O was silent: {why}")

    def unwritten(self) -> None:
        """What the last cycle gave was not written."""
        if self._tracker is not None:
            self._tracker.unwritten()

    def written(self, at: float) -> None:
        """What the last cycle gave was written by this moment (monotonic seconds)."""
        self._written_at = at

    @property
    def _may_slip(self) -> bool:
        """Whether what comes by an ejector that nobody moves lands in the good lane."""
        return self.way.fires and self.way.rest is Rest.PASS

    def take(self, inputs: FieldInputs) -> Mapping[Output, bool]:
        """One cycle: give the outputs."""
        before, self.inputs = self.inputs, inputs
        self._note_acknowledge(before, inputs)
        position = self._where(inputs)
        tracker = self._watch_the_belt(inputs, position)
        if self.way.fires:
            self._count(before, inputs, tracker)
        self._outage = False
        effective = self._effective(before, inputs, position)
        motion = tracker.look(position, standing=self._stands(inputs, position), effective=effective)
        if self._take_leave(tracker):
            self._marker_until = inputs.at + self.way.marker_s
        self._sense(inputs, position)
        return self._outputs(motion, tracker, inputs)

    def _take_leave(self, tracker: Tracker) -> bool:
        """Book what is past the ejector, and say what went wrong there; whether it ejected."""
        ejected, missed = False, list[str]()
        for left in map(self._as_told, tracker.left()):
            self._balance.left(left)
            ejected |= left.ejected
            if left.ejected and left.outcome is Outcome.PASS and not left.why:
                was = "may have been" if left.between else "was"
                text = f"part {left.part_seq} passed and {was} ejected: the output came too late"
                self._troubles.append(Trouble(code="ejector.late", text=text))
            elif not left.as_told:
                missed.append(f"part {left.part_seq} ({'not passed' if left.outcome is None else left.outcome.name})")
        if missed:
            text = f"{', '.join(missed)} may not have been ejected: this PC slept; look in the good lane"
            self._troubles.append(Trouble(code=MISSED_ALARM, text=text))
        return ejected

    def departures(self) -> Sequence[Departure]:
        """What became of parts since the last call."""
        return self._balance.departures()

    def troubles(self) -> Sequence[Trouble]:
        """What came up since the last call."""
        mine, self._troubles = self._troubles, []
        return [*mine, *self._balance.troubles()]

    def announce(self, state: LineState) -> None:
        """The line's state, for lights, horn and permit; the horn sounds as it loses its permit or is ill."""
        lost = bool(self.state & LineState.RUN_PERMIT) and not state & LineState.RUN_PERMIT
        ill = bool(state & ~self.state & LineState.ERROR)
        if (lost or ill) and self.inputs is not None:
            self._horn_until = self.inputs.at + self.way.horn_s
        self.state = state

    # --- the belt

    def _where(self, inputs: FieldInputs) -> float:
        if self.way.axis is Axis.TIME or inputs.encoder is None:
            return inputs.at
        return self._odometer.read(inputs.encoder)

    def _watch_the_belt(self, inputs: FieldInputs, position: float) -> Tracker:
        """The tracker, after what belt and watchdog did."""
        if self._tracker is None:
            return self._begin(inputs, position, "the line was started")
        encoder = self.way.axis is Axis.ENCODER
        back = position < self._position
        anew = self._began_anew(inputs)
        far = abs(position - self._position) > self.way.passage.distance
        jumped = encoder and ((far and (back or not self._outage)) or (back and anew and self._outage))
        gone = self._tracker.went_by(position) if self.way.fires and inputs.tripped else 0
        if self._outage and self._may_slip and encoder and (jumped or anew) and not inputs.tripped:
            if jumped:  # where they are nobody knows
                self._unguarded = self.in_flight
            else:  # the module was switched off, and its outputs with it
                self._tracker.went_by(position)
        if self._unguarded and (inputs.tripped or anew or jumped):
            text = f"{self._unguarded} parts were on the belt as the remote I/O fell silent: what came to the ejector"
            text += " before the belt stood was not ejected; look in the good lane"
            self._troubles.append(Trouble(code=MISSED_ALARM, text=text))
        self._unguarded = 0
        if jumped:
            self._troubles.append(
                Trouble(code="encoder.jump", text=f"the encoder jumped from {self._position:.0f} to {position:.0f}")
            )
            return self._begin(inputs, position, "the encoder jumped")
        doomed = self._tracker.condemn("the remote I/O's watchdog had dropped the outputs") if inputs.tripped else 0
        if doomed or gone:
            text = f"its watchdog had dropped the outputs: {doomed} parts in flight are ejected"
            text += f", {gone} had gone by meanwhile" if gone else ""
            self._troubles.append(Trouble(code="io.watchdog", text=text))
        if self.way.axis is Axis.TIME:
            at_speed = inputs.belt_at_speed is not False
            if not at_speed and not self._tracker.lost:
                self._lose_places("the belt stopped or changed its speed")
            elif at_speed and self._tracker.lost:
                self._tracker.found_again(position)
                self._blind_until = position + self.way.passage.distance + self.way.passage.after
        return self._tracker

    def _begin(self, inputs: FieldInputs, position: float, why: str) -> Tracker:
        if self._tracker is not None:
            self.restarted |= self._began_anew(inputs)
            self._lose_places(why)
        else:
            lanes = {Lane.GOOD: inputs.good_count, Lane.REJECT: inputs.reject_count}
            wired = frozenset(lane for lane, count in lanes.items() if count is not None)
            reach = self.way.along(self.way.confirm_mm)
            self._balance = Balance(reach=reach, lanes=wired, all_known=self.way.fires)
        self._tracker = Tracker(self.way.passage, start=position)
        self._position, self._moved_at, self._trigger_position = position, inputs.at, None
        self._blind_until = position + self.way.passage.distance + self.way.passage.after
        self.seq = inputs.trigger_seq
        return self._tracker

    def _lose_places(self, why: str) -> None:
        if self._tracker is None:
            return
        doomed = self._tracker.lose_places(self._position, why)
        self._take_leave(self._tracker)
        self._balance.forget()
        self._blind_until = float("inf")
        if doomed:
            self._troubles.append(Trouble(code="belt.lost_places", text=f"{why}: {doomed} parts in flight are ejected"))

    def _effective(self, before: FieldInputs | None, inputs: FieldInputs, position: float) -> float:
        """Where the belt was as the last cycle's outputs were written: between the last look and this one."""
        if before is None or inputs.at <= before.at:
            return float("-inf")
        share = (self._written_at - before.at) / (inputs.at - before.at)
        return self._position + min(share, 1.0) * (position - self._position)

    def _stands(self, inputs: FieldInputs, position: float) -> bool:
        """Whether the belt stands; not where only its encoder does."""
        if self.way.axis is not Axis.ENCODER or self._tracker is None:
            self._position = position
            return False
        moved, self._position = position != self._position, position
        if moved:
            self._moved_at = inputs.at
            if self._tracker.lost:
                self._find_again(self._tracker)
        if not inputs.belt_at_speed:
            self._driven_at = inputs.at
        if inputs.at - max(self._moved_at, self._driven_at) <= _STANDS_S or inputs.belt_at_speed is None:
            return inputs.at - self._moved_at > _STANDS_S
        if not self._tracker.lost:
            text = "the drive is at its speed and the encoder stands: look at its coupling and cable"
            if self._may_slip and self.in_flight:
                text += f"; some of {self.in_flight} parts in flight may be in the good lane"
            self._troubles.append(Trouble(code=DEAD_ALARM, text=text))
            self._lose_places("the encoder stands and the drive runs")
        return False

    def _find_again(self, tracker: Tracker) -> None:
        """From here on places are known."""
        tracker.found_again(self._position)
        self._blind_until = self._position + self.way.passage.distance + self.way.passage.after

    def _began_anew(self, inputs: FieldInputs) -> bool:
        """Whether the module's count of triggers did."""
        return inputs.trigger_seq != self.seq and (
            inputs.trigger_seq == 0 or (self.seq != 0 and seq_distance(inputs.trigger_seq, self.seq) < 0)
        )

    # --- triggers

    def _count(self, before: FieldInputs | None, inputs: FieldInputs, tracker: Tracker) -> None:
        """Schedule the reject of what was triggered since the last cycle, and report it."""
        if self._began_anew(inputs):
            self.restarted = True
            self._lose_places("the trigger counter began anew")
            self._find_again(tracker)
            self._trigger_position, self.seq = None, 0
        if inputs.trigger_seq in {0, self.seq}:
            return
        came = seq_distance(inputs.trigger_seq, self.seq) if self.seq else inputs.trigger_seq
        silence = inputs.at - before.nothing_later if before is not None else 0.0
        position, sure = self._placed(inputs, fresh=silence <= _FRESH_S)
        if came > 1 or not sure:
            begin = self._trigger_position if came > 1 and self._trigger_position is not None else position
            oldest = position - self.way.passage.distance if self._trigger_position is None else begin
            tracker.unseen(oldest if came > 1 else position - silence, position, "triggers were missed")
            self._blind_until = max(self._blind_until, position + self.way.passage.distance)
        if sure:
            early = silence if self.way.axis is Axis.TIME else 0.0
            tracker.expect(inputs.trigger_seq, position, early=early)
        else:  # nobody can say when it comes to a sensor
            why = f"it was triggered at a moment that is not known to {silence:.2f} s"
            tracker.expect_between(inputs.trigger_seq, position - silence, position, why)
        self._trigger_position, self.seq = position, inputs.trigger_seq
        self._report(
            TriggerEvent(
                part_seq=inputs.trigger_seq,
                at=inputs.at if silence <= _FRESH_S or before is None else before.nothing_later,
                encoder=inputs.trigger_encoder,
                restarted=self.restarted,
                since=inputs.at - silence,
                by=inputs.at,
            )
        )

    def _placed(self, inputs: FieldInputs, *, fresh: bool) -> tuple[float, bool]:
        """Where the newest trigger was, and whether that is sure."""
        if self.way.axis is Axis.ENCODER and inputs.trigger_encoder is not None:
            return self._odometer.place(inputs.trigger_encoder), True
        return inputs.at, fresh

    def _report(self, event: TriggerEvent) -> None:
        self.restarted = False
        if len(self.events) >= TRIGGERS:
            self.refused += 1
            self.events[-1] = event  # the numbers between are then missed, and told so
        else:
            self.events.append(event)

    # --- sensors and outputs

    def _sense(self, inputs: FieldInputs, position: float) -> None:
        if self.way.axis is Axis.TIME:
            position = inputs.nothing_later  # the counters are that old: who is missing may just not be in them
        self.flushing = position <= self._blind_until + self._balance.reach
        for lane, count in ((Lane.GOOD, inputs.good_count), (Lane.REJECT, inputs.reject_count)):
            if count is not None:
                self._balance.counted(lane, count, blind=self.flushing)
        if self._tracker is not None and self._tracker.lost:  # nobody knows when a sensor should see them
            self._balance.forget()
        self._balance.look(position)

    def _note_acknowledge(self, before: FieldInputs | None, inputs: FieldInputs) -> None:
        self.clear_error |= inputs.acknowledge and (before is None or not before.acknowledge)

    def _outputs(self, motion: Motion, tracker: Tracker, inputs: FieldInputs) -> Mapping[Output, bool]:
        state = self.state
        permit = bool(state & LineState.RUN_PERMIT)
        said = tracker.said_here(self._position)
        return {
            Output.EJECTOR: self.way.fires and motion is Motion.EJECT,
            Output.UNDECIDED_BIN: motion is Motion.EJECT and Outcome.FAIL not in said,
            Output.RUN_PERMIT: permit,
            Output.STOP_REQUEST: bool(state) and not permit,
            Output.GREEN: bool(state & LineState.READY) and not state & LineState.DEGRADED,
            Output.AMBER: bool(state & LineState.DEGRADED) and not state & LineState.ERROR,
            Output.RED: bool(state & LineState.ERROR) or (bool(state) and not permit),
            Output.HORN: inputs.at < self._horn_until,
            Output.MARKER: inputs.at < self._marker_until,
            Output.STROBE: bool(state & LineState.READY),
        }

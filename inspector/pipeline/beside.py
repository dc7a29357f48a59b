"""A PLC that counts and fires, and a remote I/O module beside it: lamps, horn, and sensors that close the balance."""

import threading
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Protocol

from inspector.domain.frame import PartId
from inspector.domain.inspection import Disposal
from inspector.domain.verdict import Verdict
from inspector.pipeline.tracked import TrackedGate
from inspector.ports.gate import (
    Annunciator,
    Checksummed,
    Confirmation,
    Fetched,
    Gate,
    LineState,
    LinkHealth,
    Panel,
    PlcWish,
)
from inspector.ports.trigger import ChangedId, IdsWatched, Trigger, TriggerEvent, TriggerPosition

_PERMIT = LineState.READY | LineState.RUN_PERMIT


class PlcGate(Gate, Annunciator, Trigger, Protocol):
    """Everything on one connection."""


class PlcAndField:
    """What the ports ask of a gate is asked of the PLC; the module is told of it, and tells what it saw."""

    def __init__(self, plc: PlcGate, field: TrackedGate) -> None:
        self._plc = plc
        self._field = field
        self._lock = threading.Lock()
        self._announced = LineState.NONE
        self._forced = False

    @property
    def counted_by(self) -> str:
        """As the PLC's."""
        return self._plc.counted_by

    def position(self, timeout_s: float) -> TriggerPosition:
        """The PLC's counter."""
        return self._plc.position(timeout_s)

    def wait(self, timeout_s: float) -> TriggerEvent | None:
        """The PLC's next part."""
        return self._plc.wait(timeout_s)

    def changed_ids(self) -> Sequence[ChangedId]:
        """The PLC's, where it is watched."""
        return self._plc.changed_ids() if isinstance(self._plc, IdsWatched) else ()

    def expect(self, part: PartId, *, deadline: float) -> None:
        """The PLC rejects it by default; the sensors will see it."""
        self._plc.expect(part, deadline=deadline)
        self._field.observe(part)

    def signal(self, part: PartId, verdict: Verdict, *, deadline: float) -> None:
        """Tell the PLC; what it was told is where the part will be seen."""
        self._plc.signal(part, verdict, deadline=deadline)
        self._field.observed(part.part_seq, verdict.outcome)

    def confirmations(self, timeout_s: float) -> Sequence[Confirmation]:
        """The PLC's."""
        return self._plc.confirmations(timeout_s)

    def fetched(self) -> bool:
        """Whether the PLC fetches its results."""
        return isinstance(self._plc, Fetched) and self._plc.fetched()

    def configured(self, checksum: int) -> None:
        """To a PLC that is shown it."""
        if isinstance(self._plc, Checksummed):
            self._plc.configured(checksum)

    def announce(self, state: LineState) -> None:
        """Towards the PLC, and on the lamps."""
        with self._lock:
            self._announced = state
            self._show()

    def link(self) -> LinkHealth:
        """The PLC's; a module that is lost is an alarm, and the line runs on. Its thread must live."""
        health = self._plc.link()
        beside = self._field.link()
        return health if beside.thread_alive else beside

    def plc_word(self) -> PlcWish:
        """What the PLC asks, and what switches at the module say."""
        asked, switches = self._plc.plc_word(), self._field.plc_word()
        return replace(
            asked,
            clear_error=asked.clear_error or switches.clear_error,
            bin_full=asked.bin_full or switches.bin_full,
        )

    def disposals(self) -> Sequence[Disposal]:
        """What became of parts since the last call."""
        return self._field.disposals()

    def occurrences(self) -> Sequence[tuple[str, str]]:
        """What a person must look into, since the last call."""
        return self._field.occurrences()

    def conditions(self) -> Mapping[str, str]:
        """What is wrong at the module now."""
        return self._field.conditions()

    def module(self) -> str:
        """Which module."""
        return self._field.module()

    def module_link(self) -> LinkHealth:
        """The module's own."""
        return self._field.module_link()

    def module_words(self) -> Mapping[str, int]:
        """Its inputs and outputs."""
        return self._field.module_words()

    def words(self) -> Mapping[str, int]:
        """The PLC's."""
        return self._plc.words() if isinstance(self._plc, Panel) else {}

    def outputs(self) -> Sequence[str]:
        """What may be driven towards the PLC, and at the module."""
        towards = self._plc.outputs() if isinstance(self._plc, Panel) else ()
        return (*towards, *self._field.outputs())

    def force(self, outputs: Mapping[str, bool]) -> None:
        """Drive these; whichever it is, neither PLC nor module has the permit meanwhile."""
        mine = frozenset(self._field.outputs())
        with self._lock:
            self._forced = bool(outputs)
            self._field.force({name: high for name, high in outputs.items() if name in mine})
            if isinstance(self._plc, Panel):
                self._plc.force({name: high for name, high in outputs.items() if name not in mine})
            self._show()

    def _show(self) -> None:
        """With the lock held."""
        state = self._announced & ~_PERMIT if self._forced else self._announced
        self._plc.announce(state)
        self._field.announce(state)

    def balance(self) -> Mapping[str, int]:
        """Parts that entered, and where they went."""
        return self._field.balance()

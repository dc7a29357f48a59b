"""A gate that tells nobody: for stations that only watch."""

import threading
import time
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from pydantic import BaseModel, ConfigDict

from inspector.domain.frame import PartId
from inspector.domain.inspection import GateTold
from inspector.domain.verdict import Verdict
from inspector.ports.gate import Confirmation, LineState, LinkHealth, PlcWish
from inspector.ports.plugin import Context, Plugin

CONFIRMATIONS = 1024


class DryGateSettings(BaseModel):
    """It has none."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class DryGate:
    """Gate and Annunciator without metal: every part is confirmed as told NOTHING, and it is never online."""

    def __init__(self) -> None:
        self._came = threading.Condition()
        self._confirmations: deque[Confirmation] = deque()
        self._state = LineState.NONE
        self.refused = 0

    def expect(self, part: PartId, *, deadline: float) -> None:
        """Nothing to schedule."""

    def signal(self, part: PartId, verdict: Verdict, *, deadline: float) -> None:  # noqa: ARG002 - a port's signature
        """Tell nobody, at once."""
        with self._came:
            if len(self._confirmations) >= CONFIRMATIONS:
                self.refused += 1  # nobody reads them; NOTHING is what an unread one means
                return
            self._confirmations.append(Confirmation(part_seq=part.part_seq, told=GateTold.NOTHING, at=time.monotonic()))
            self._came.notify_all()

    def confirmations(self, timeout_s: float) -> Sequence[Confirmation]:
        """NOTHING for every part signalled since the last call."""
        until = time.monotonic() + timeout_s
        with self._came:
            while not self._confirmations and (left := until - time.monotonic()) > 0:
                self._came.wait(left)
            came = tuple(self._confirmations)
            self._confirmations.clear()
            return came

    def announce(self, state: LineState) -> None:
        """Keep the state, without ONLINE: no PLC hears it."""
        self._state = state & ~LineState.ONLINE

    @property
    def state(self) -> LineState:
        """What is announced; never ONLINE."""
        return self._state

    def link(self) -> LinkHealth:
        """There is nothing to lose."""
        return LinkHealth(alive=True, reason="")

    def plc_word(self) -> PlcWish:
        """Nobody asks anything."""
        return PlcWish()


@contextmanager
def _open(settings: DryGateSettings, context: Context) -> Iterator[DryGate]:  # noqa: ARG001 - a port's signature
    yield DryGate()


PLUGIN = Plugin(settings_model=DryGateSettings, open=_open)

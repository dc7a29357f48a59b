"""What stands around the belt and talks to the line: the PLC, the remote I/O module, or both."""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any

from inspector.twin.faults import Fault
from inspector.twin.modbus_thread import WireFaults
from inspector.twin.plc import PlcLogic, PlcProgram, PlcWiring
from inspector.twin.plc_modbus import PlcServer, open_plc
from inspector.twin.plc_polling import PollingLogic, PollingProgram
from inspector.twin.plc_polling_modbus import PollingPlc, open_polling_plc
from inspector.twin.remote_io import Discrete, RemoteIo
from inspector.twin.remote_io_modbus import RemoteIoServer, open_remote_io
from inspector.twin.settings import TwinSettings
from inspector.twin.shift_register import Decision
from inspector.twin.witness import Witness

Later = tuple[float, Callable[[], None]]
"""Seconds from now, and what is done then."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Programs:
    """What the PLC runs in each role: makes the program of a PLC that is wired so."""

    server: Callable[[PlcWiring], PlcProgram] = PlcLogic
    client: Callable[[PlcWiring], PollingProgram] = PollingLogic


OWN = Programs()
"""The simulated line's own."""


class Cell:
    """The one who moves the ejector gives the permit, and is the one whose wire has faults."""

    def __init__(self, *, plc: PlcServer | PollingPlc | None, io: RemoteIoServer | None) -> None:
        self._plc = plc
        self._io = io

    @property
    def ejecting_at(self) -> Callable[[float], bool] | None:
        """Whether the line's own output ejects at a moment; None where the PLC decides."""
        return self._io.module.ejecting_at if self._plc is None and self._io is not None else None

    @property
    def permit(self) -> bool:
        """Whether the line lets the belt run."""
        if self._plc is not None:
            return self._plc.permit
        return self._io is not None and self._io.module.permit

    def must_run(self) -> None:
        """Raise what ended a server, if anything did."""
        for server in (self._plc, self._io):
            if server is not None:
                server.must_run()

    def refused(self) -> Mapping[str, int]:
        """Telegrams that were not followed, by reason."""
        return self._plc.refused() if self._plc is not None else {}

    def decisions(self) -> Sequence[Decision]:
        """What the PLC has decided since the last call."""
        return self._plc.decisions() if self._plc is not None else ()

    def light_gate(self, edge: int) -> None:
        """An edge, with the encoder's count at it."""
        if self._plc is not None:
            self._plc.light_gate(edge)
        if self._io is not None:
            self._io.module.light_gate(edge)

    def mislead(self, part_seq: int, faults: Mapping[str, float]) -> None:
        """What goes wrong with the part's id, which only a PLC tells; before the part is counted."""
        if self._plc is not None:
            self._plc.panel.mislead(part_seq, faults)

    def belt_at_speed(self, *, at_speed: bool) -> None:
        """The drive's own contact."""
        self._input(Discrete.BELT_AT_SPEED, on=at_speed)

    def seen_behind_the_ejector(self, *, ejected: bool) -> None:
        """A sensor behind the ejector saw a part."""
        if self._io is None:
            return
        if ejected:
            self._io.module.rejected += 1
        else:
            self._io.module.good += 1

    def restart(self, now: float) -> None:
        """Power fails and comes back."""
        if self._plc is not None:
            self._plc.restart()
        elif self._io is not None:
            self._io.module.restart(now)

    def commit(self, fault: Fault) -> Iterator[Later]:
        """Begin a fault of the PLC, the module or the cell; gives what ends it."""
        match fault.kind:
            case "bin-full":
                self._fill_bin(full=True)
                yield fault.arg, lambda: self._fill_bin(full=False)
            case "air-low":
                self._input(Discrete.AIR_LOW, on=True)
                yield fault.arg, lambda: self._input(Discrete.AIR_LOW, on=False)
            case "plc-clear-error":
                if self._plc is not None:
                    self._plc.panel.press_clear_error()
                self._input(Discrete.ACKNOWLEDGE, on=True)
                yield 1.0, lambda: self._input(Discrete.ACKNOWLEDGE, on=False)
            case "plc-job" if self._plc is not None:
                self._plc.panel.ask_for(int(fault.arg))
            case "plc-reset":
                self.wire.reset()
            case "plc-garbage":
                self.wire.garble(int(fault.arg))
            case "plc-noise":
                self.wire.damage(int(fault.arg))
            case "plc-stall":
                self.wire.stall(time.monotonic() + fault.arg)

    @property
    def wire(self) -> WireFaults:
        """The wire between the line and what moves the ejector."""
        if self._plc is not None:
            return self._plc.wire
        if self._io is None:
            raise AssertionError("a cell without PLC has a remote I/O module")
        return self._io.wire

    def figures(self) -> Mapping[str, Any]:
        """For the status file."""
        shown: dict[str, Any] = {"permit": self.permit}
        if self._plc is not None:
            shown |= {"plc_port": self._plc.port, "link_alive": self._plc.link_alive}
        if self._io is not None:
            module = self._io.module
            shown |= {
                "io_port": self._io.port,
                "io_tripped": module.tripped,
                "io_trips": module.trips,
                "coils": [int(coil) for coil in module.coils],
                "good_lane": module.good,
                "reject_confirmed": module.rejected,
            }
        return shown

    def _fill_bin(self, *, full: bool) -> None:
        if self._plc is not None:
            self._plc.panel.bin_full = full
        self._input(Discrete.BIN_FULL, on=full)

    def _input(self, which: Discrete, *, on: bool) -> None:
        if self._io is not None:
            self._io.module.inputs[which] = on


@contextmanager
def open_cell(
    settings: TwinSettings,
    wiring: PlcWiring,
    encoder: Callable[[float], int],
    witness: Witness,
    programs: Programs,
) -> Iterator[Cell]:
    """Serve what the settings name, on loopback; a PLC that polls finds the station there.

    Raises:
        DeviceError: a port is in use.
    """
    with ExitStack() as stack:
        plc: PlcServer | PollingPlc | None = None
        io = None
        if settings.ejector == "plc" and settings.plc_role == "server":
            plc = stack.enter_context(open_plc(settings, programs.server(wiring), encoder, witness.telegram))
        elif settings.ejector == "plc":
            plc = stack.enter_context(open_polling_plc(settings, programs.client(wiring), encoder, witness.result))
        if settings.io_port >= 0:
            module = RemoteIo(watchdog_s=settings.io_watchdog_ms / 1e3, active_low=settings.io_active_low)
            io = stack.enter_context(open_remote_io(settings, module, encoder))
        yield Cell(plc=plc, io=io)

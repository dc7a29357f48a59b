"""Execute Command: a change-over that the PLC asks for and is told the end of. Pure.

Not thread-safe: its owner holds a lock around every call.
"""

from inspector.adapters.gate_modbus.server.image import Control
from inspector.adapters.gate_modbus.server.table import ControlBit, StatusBit


class JobDesk:
    """Which job is loaded, and how far a change-over asked for by Execute Command is.

    The line asks for the PLC's wish and then announces whether it is ready with it: that pair is the answer.
    """

    def __init__(self) -> None:
        self._level: bool | None = None
        self._asked: int | None = None  # by Execute Command, not answered yet
        self._wished = 0  # what the line was last given as the PLC's wish
        self.current = 0
        self.bits = StatusBit.NONE

    def new_session(self) -> None:
        """A level at connect is no edge, and nobody waits for an old answer."""
        self._level, self._asked, self.bits = None, None, StatusBit.NONE

    def take(self, control: Control) -> None:
        """Look at one write of the control block."""
        level = ControlBit.EXECUTE_COMMAND in control.bits
        if level and self._level is False:
            self._asked, self.bits = control.job, StatusBit.COMMAND_EXECUTING
        elif not level:
            self._asked, self.bits = None, StatusBit.NONE
        self._level = level

    def wished(self, job: int) -> None:
        """The line has been told that the PLC wants this job."""
        self._wished = job

    def announced(self, *, ready: bool) -> None:
        """The line says whether it is ready, knowing the last wish."""
        if ready:
            self.current = self._wished
        if self._asked is not None and self._asked == self._wished:
            self.bits = StatusBit.COMMAND_COMPLETED if ready else StatusBit.COMMAND_FAILED
            self._asked = None

    def loaded(self, control: Control) -> bool:
        """Whether the job that the PLC asks for is the one that is loaded."""
        return control.job == self.current

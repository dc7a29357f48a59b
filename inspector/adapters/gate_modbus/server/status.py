"""The status words as they stand at one moment. Pure: it reads the desk's state and changes none but lateness."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from inspector.adapters.gate_modbus.layout import ResultCode
from inspector.adapters.gate_modbus.server.image import Status
from inspector.adapters.gate_modbus.server.results import Result
from inspector.adapters.gate_modbus.server.table import REASON_SHIFT, ControlBit, ErrorCode, StatusBit
from inspector.domain.frame import SEQ_MODULUS
from inspector.ports.gate import LineState

if TYPE_CHECKING:
    from inspector.adapters.gate_modbus.server.desk import Desk

_STARTING = 1
_SET_OFFLINE = 2
_MIRRORED = (
    (ControlBit.SET_USER_DATA, StatusBit.SET_USER_DATA_ACK),
    (ControlBit.INITIATE_STRING_COMMAND, StatusBit.STRING_COMMAND_ACK | StatusBit.STRING_COMMAND_ERROR),
)
_STATES = (
    (LineState.BUSY, StatusBit.SYSTEM_BUSY),
    (LineState.DEGRADED, StatusBit.DEGRADED),
    (LineState.BYPASS, StatusBit.BYPASS),
)


@dataclass(slots=True, kw_only=True)
class Figures:
    """What is counted and shown beside the handshake."""

    checksum: int
    passed: int = 0
    failed: int = 0
    undecided: int = 0
    exposure_complete: bool = False

    def count(self, code: ResultCode) -> None:
        """One part was told."""
        self.passed += code is ResultCode.OK
        self.failed += code is ResultCode.NG
        self.undecided += code is ResultCode.NOT_DECIDABLE


def status_of(desk: "Desk", *, heartbeat: int, alive: bool, now: float) -> Status:
    """All bits and words."""
    shown = desk.results.shown(now, error=desk.error) if alive else None
    return Status(bits=_line_bits(desk, alive=alive) | _result_bits(desk, shown), words=_words(desk, heartbeat, shown))


def _line_bits(desk: "Desk", *, alive: bool) -> StatusBit:
    asked, state, triggers = desk.control.bits, desk.state, desk.triggers
    bits = desk.jobs.bits
    online = LineState.ONLINE in state and ControlBit.SET_OFFLINE not in asked
    loaded = alive and online and desk.jobs.loaded(desk.control) and not desk.error
    if online:
        bits |= StatusBit.ONLINE
    else:
        reason = _SET_OFFLINE if LineState.ONLINE in state else _STARTING
        bits |= StatusBit(reason << REASON_SHIFT)
    if loaded and LineState.READY in state and ControlBit.TRIGGER_ENABLE in asked and desk.results.remaining:
        bits |= StatusBit.TRIGGER_READY
    if loaded and LineState.RUN_PERMIT in state:
        bits |= StatusBit.RUN_PERMIT
    for flag, shown in _STATES:
        if flag in state:
            bits |= shown
    for wanted, answer in _MIRRORED:
        if wanted in asked:
            bits |= answer
    flags = (
        (triggers.ack, StatusBit.TRIGGER_ACK),
        (triggers.missed_acq, StatusBit.MISSED_ACQ),
        (desk.results.completed, StatusBit.INSPECTION_COMPLETED),
        (desk.results.overrun, StatusBit.RESULTS_BUFFER_OVERRUN),
        (desk.figures.exposure_complete, StatusBit.EXPOSURE_COMPLETE),
    )
    for condition, shown in flags:
        if condition:
            bits |= shown
    return bits


def _result_bits(desk: "Desk", shown: Result | None) -> StatusBit:
    """OK alone enables; the error bit always comes with NG."""
    bits = StatusBit.ERROR | StatusBit.RESULTS_NG if desk.error else StatusBit.NONE
    if shown is None:
        return bits
    bits |= StatusBit.RESULTS_VALID
    if shown.code is ResultCode.OK:
        return bits | StatusBit.RESULTS_OK | StatusBit.JOB_PASS
    if shown.code is ResultCode.NOT_DECIDABLE:
        bits |= StatusBit.RESULTS_UNDECIDED
    return bits | StatusBit.RESULTS_NG


def _words(desk: "Desk", heartbeat: int, shown: Result | None) -> dict[str, int]:
    figures, triggers = desk.figures, desk.triggers
    words = {
        "current_job": desk.jobs.current,
        "error_code": _error_code(desk),
        "acquisition_id": triggers.acquisition_id,
        "heartbeat": heartbeat,
        "remaining_buffers": desk.results.remaining,
        "settings_checksum": figures.checksum,
        "pass_count": figures.passed % SEQ_MODULUS,
        "fail_count": figures.failed % SEQ_MODULUS,
        "undecided_count": figures.undecided % SEQ_MODULUS,
        "missed_trigger_count": triggers.missed % SEQ_MODULUS,
        "suppressed_trigger_count": triggers.suppressed,
    }
    if shown is not None:
        words |= {**shown.words, "inspection_id": shown.part_seq, "result_code": int(shown.code)}
    return words


def _error_code(desk: "Desk") -> ErrorCode:
    if desk.triggers.error is not ErrorCode.NONE:
        return desk.triggers.error
    if LineState.ERROR in desk.state:
        return ErrorCode.LINE
    return ErrorCode.JOB_UNKNOWN if StatusBit.COMMAND_FAILED in desk.jobs.bits else ErrorCode.NONE

"""Every word and bit of the server role, once: docs/plc.md, the symbol list and the code read it here."""

from dataclasses import dataclass
from enum import IntEnum, IntFlag


class ControlBit(IntFlag):
    """Control words 0 and 1 (bit 16 is bit 0 of word 1), in the order of Cognex In-Sight; from bit 24 on ours."""

    NONE = 0
    TRIGGER_ENABLE = 1 << 0
    TRIGGER = 1 << 1
    BUFFER_RESULTS_ENABLE = 1 << 2
    INSPECTION_RESULTS_ACK = 1 << 3
    EXECUTE_COMMAND = 1 << 4
    SET_OFFLINE = 1 << 7
    SET_USER_DATA = 1 << 16
    INITIATE_STRING_COMMAND = 1 << 17
    CLEAR_ERROR = 1 << 18
    CLEAR_EXPOSURE_COMPLETE = 1 << 19
    STOP = 1 << 24
    BIN_FULL = 1 << 25
    BYPASS = 1 << 26


class StatusBit(IntFlag):
    """Status words 0 and 1 (bit 16 is bit 0 of word 1), in the order of Cognex In-Sight; from bit 24 on ours."""

    NONE = 0
    TRIGGER_READY = 1 << 0
    TRIGGER_ACK = 1 << 1
    MISSED_ACQ = 1 << 3
    OFFLINE_REASON_0 = 1 << 4
    OFFLINE_REASON_1 = 1 << 5
    OFFLINE_REASON_2 = 1 << 6
    ONLINE = 1 << 7
    SYSTEM_BUSY = 1 << 8
    INSPECTION_COMPLETED = 1 << 9
    RESULTS_BUFFER_OVERRUN = 1 << 10
    RESULTS_VALID = 1 << 11
    COMMAND_EXECUTING = 1 << 12
    COMMAND_COMPLETED = 1 << 13
    COMMAND_FAILED = 1 << 14
    ERROR = 1 << 15
    SET_USER_DATA_ACK = 1 << 16
    STRING_COMMAND_ACK = 1 << 17
    STRING_COMMAND_ERROR = 1 << 18
    EXPOSURE_COMPLETE = 1 << 19
    JOB_PASS = 1 << 20
    RESULTS_OK = 1 << 24
    RESULTS_NG = 1 << 25
    RESULTS_UNDECIDED = 1 << 26
    DEGRADED = 1 << 27
    BYPASS = 1 << 28
    RUN_PERMIT = 1 << 29


REASON_SHIFT = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """One value of a block. ``words``: 1, 2 for a 32-bit number, 4 for a text of 8 characters."""

    offset: int
    name: str
    meaning: str
    words: int = 1
    text: bool = False

    @property
    def number32(self) -> bool:
        """Whether the word order setting concerns it."""
        return self.words == 2  # noqa: PLR2004 - two words are 32 bits


CONTROL_MEANINGS: dict[ControlBit, str] = {
    ControlBit.TRIGGER_ENABLE: "triggers are wanted; a Trigger while it is low is an error",
    ControlBit.TRIGGER: "rising edge: a part; held until Trigger Ack; high at connect acquires nothing",
    ControlBit.BUFFER_RESULTS_ENABLE: "1: eight results wait for the PLC; 0: one",
    ControlBit.INSPECTION_RESULTS_ACK: "1: the result was taken; back to 0: the next may come",
    ControlBit.EXECUTE_COMMAND: "rising edge: change over to the job number in control.job",
    ControlBit.SET_OFFLINE: "1: no triggers are taken, Online is 0",
    ControlBit.SET_USER_DATA: "part_id and lot are written; mirrored by Set User Data Ack",
    ControlBit.INITIATE_STRING_COMMAND: "there are no string commands: answered with String Command Error",
    ControlBit.CLEAR_ERROR: "rising edge: clears Error of the handshake, Missed Acq and Overrun; asks to try again",
    ControlBit.CLEAR_EXPOSURE_COMPLETE: "rising edge: clears Exposure Complete",
    ControlBit.STOP: "the PLC has stopped the belt",
    ControlBit.BIN_FULL: "the reject bin is full",
    ControlBit.BYPASS: "the PLC ignores verdicts",
}

STATUS_MEANINGS: dict[StatusBit, str] = {
    StatusBit.TRIGGER_READY: "a Trigger now is judged: online, warmed up, job loaded, room for its result",
    StatusBit.TRIGGER_ACK: "mirrors a Trigger that was taken; Acquisition Id is its part",
    StatusBit.MISSED_ACQ: "a Trigger was not taken; cleared by Clear Error",
    StatusBit.OFFLINE_REASON_0: "lowest bit of the offline reason: 0 online, 1 starting or ended, 2 by Set Offline",
    StatusBit.OFFLINE_REASON_1: "middle bit of the offline reason",
    StatusBit.OFFLINE_REASON_2: "highest bit of the offline reason",
    StatusBit.ONLINE: "the line process runs and the PLC has not set it offline",
    StatusBit.SYSTEM_BUSY: "a part is being judged",
    StatusBit.INSPECTION_COMPLETED: "toggles with every finished part; never read across a restart: compare the id",
    StatusBit.RESULTS_BUFFER_OVERRUN: "the newest part's result was refused: no room; cleared by Clear Error",
    StatusBit.RESULTS_VALID: "the result words belong together and are new",
    StatusBit.COMMAND_EXECUTING: "the change-over is under way",
    StatusBit.COMMAND_COMPLETED: "it was done; 0 with Execute Command",
    StatusBit.COMMAND_FAILED: "it was not; Error Code says why; 0 with Execute Command",
    StatusBit.ERROR: "never enable while set; comes with Results NG, never with OK",
    StatusBit.SET_USER_DATA_ACK: "mirrors Set User Data",
    StatusBit.STRING_COMMAND_ACK: "mirrors Initiate String Command",
    StatusBit.STRING_COMMAND_ERROR: "with String Command Ack: not known here",
    StatusBit.EXPOSURE_COMPLETE: "the part at Acquisition Id has its result: it may move",
    StatusBit.JOB_PASS: "as Results OK",
    StatusBit.RESULTS_OK: "alone: enable the part at Inspection Id; equal to Results NG: reject",
    StatusBit.RESULTS_NG: "reject",
    StatusBit.RESULTS_UNDECIDED: "not decidable: comes with Results NG",
    StatusBit.DEGRADED: "it judges, but something asks for attention",
    StatusBit.BYPASS: "a person has taken the station out of the decision",
    StatusBit.RUN_PERMIT: "as Trigger Ready, without the room: the belt may run",
}

CONTROL_FIELDS = (
    Field(
        offset=2, name="trigger_seq", words=2, meaning="the PLC's trigger counter, +1 per part; 0: it does not count"
    ),
    Field(offset=4, name="job", meaning="job number requested; 0 the station's default"),
    Field(offset=5, name="part_id", words=4, text=True, meaning="part id of the part that Trigger announces"),
    Field(offset=9, name="lot", words=4, text=True, meaning="lot"),
    Field(offset=13, name="heartbeat_echo", meaning="copy of status.heartbeat, written in every cycle"),
    Field(
        offset=14, name="echo_seq", words=2, meaning="Inspection Id of the last result that decided a part; 0 not told"
    ),
    Field(offset=16, name="encoder", words=2, meaning="encoder count at the trigger; used where encoder = true"),
)
CONTROL_WORDS = 18

STATUS_FIELDS = (
    Field(offset=2, name="current_job", meaning="job that is loaded"),
    Field(offset=3, name="error_code", meaning="0 none; see the table of error codes"),
    Field(
        offset=4, name="acquisition_id", words=2, meaning="part_seq of the last Trigger taken, set before Trigger Ack"
    ),
    Field(offset=6, name="inspection_id", words=2, meaning="part_seq that the result words speak of; 0 none"),
    Field(offset=8, name="result_code", meaning="0 none (never OK), 1 OK, 2 NG, 3 not decidable; only 1 may enable"),
    Field(
        offset=9, name="heartbeat", meaning="station's counter 1-65535, changes each 250 ms; unchanged for 1 s = dead"
    ),
    Field(offset=10, name="severity", meaning="min(severity score x 1000, 65535)"),
    Field(offset=11, name="defect_count", meaning="defects found on the part, at most 65535"),
    Field(
        offset=12,
        name="worst_class",
        meaning="number of the gravest defect's class in `classes`; 0 none, 65535 another",
    ),
    Field(offset=13, name="inspection_time_ms", meaning="from Trigger to verdict, at most 65535"),
    Field(offset=14, name="remaining_buffers", meaning="results that still find room"),
    Field(offset=15, name="settings_checksum", meaning="changes with any edit of recipe, model or settings"),
    Field(offset=16, name="pass_count", words=2, meaning="parts told OK since the station started"),
    Field(offset=18, name="fail_count", words=2, meaning="parts told NG since then"),
    Field(offset=20, name="undecided_count", words=2, meaning="parts told not decidable since then"),
    Field(offset=22, name="missed_trigger_count", words=2, meaning="triggers not taken and numbers skipped since then"),
    Field(offset=24, name="suppressed_trigger_count", meaning="edges taken for bounces since then, modulo 65536"),
    Field(offset=25, name="layout", meaning="always 1"),
)
STATUS_WORDS = 26
LAYOUT = 1
MIRROR_OFFSET = 1000


class ErrorCode(IntEnum):
    """Why Error (below 20) or Command Failed (20) is set."""

    NONE = 0
    LINE = 1
    TRIGGER_NOT_ENABLED = 10
    TRIGGER_OFFLINE = 11
    TRIGGER_SEQ_ZERO = 12
    JOB_UNKNOWN = 20

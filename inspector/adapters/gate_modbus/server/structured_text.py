"""The PLC's side of the server role as an IEC 61131-3 function block: it polls the station and drives the handshake."""

from inspector.adapters.gate_modbus.layout import ByteOrder, WordOrder
from inspector.adapters.gate_modbus.server.settings import ModbusServerSettings
from inspector.adapters.gate_modbus.server.table import CONTROL_FIELDS, CONTROL_WORDS, STATUS_FIELDS, STATUS_WORDS
from inspector.adapters.gate_modbus.structured_text import DECIDE, PLACE, REGISTER

_HEAD = """\
(* FB_Inspector: the PLC's side of the server role (docs/plc-server.md), made by "inspector plc symbols --format st".
   The PLC is the Modbus client of the station (unit {unit}). In turn, as fast as its client can:
     1. read {status_count} words into status, from input register {status_address} (or holding {mirror_address})
     2. call this block once with fresh = TRUE; anew = TRUE where the connection was opened since the last reading
     3. write control, {control_count} words, to holding register {control_address} in one request (FC16)
   and call it in every other cycle with fresh = FALSE, also while the station does not answer.
   Addresses are zero-based, words are copied as whole blocks. Orders: {orders}.
   A part is rejected unless a valid OK for it came before its place in the shift register reaches the ejector. *)
FUNCTION_BLOCK FB_Inspector
VAR_INPUT
    trigger : BOOL; (* light gate at the camera: a rising edge is a part *)
    now : UDINT; (* free-running milliseconds *)
    position : UDINT; (* belt encoder, free-running; or now, on a belt of constant speed *)
    decide_after : UDINT; (* counts of position from the camera to the decision before the ejector *)
    enable : BOOL; (* triggers are wanted *)
    clear_error : BOOL;
    stop : BOOL; (* the PLC has stopped the belt *)
    bin_full : BOOL;
    bypass : BOOL; (* the PLC ignores verdicts *)
    job : WORD; (* job number requested, 0 the station's default *)
    fresh : BOOL; (* status was read since the last call *)
    anew : BOOL; (* ... over a connection that was opened since *)
    status : ARRAY [0..25] OF WORD;
END_VAR
VAR_OUTPUT
    control : ARRAY [0..17] OF WORD;
    decided : BOOL; (* a part is at the ejector in this cycle *)
    eject : BOOL; (* ... and it is to be rejected *)
    decided_seq : UDINT;
    decided_code : WORD; (* of the result that decided it; 0: none came, the default rejects *)
    announced_seq : UDINT; (* the part that control speaks of: fill in its part id and lot *)
    line_alive : BOOL; (* the station's heartbeat lives *)
    run_permit : BOOL; (* the belt may run *)
    full : BOOL; (* more parts than places: reject everything and stop the belt, until a person resets it *)
END_VAR
VAR_OUTPUT RETAIN (* kept over a power cut; or not: then it begins anew, and says so by a 0 before the first part *)
    trigger_seq : UDINT; (* the part counter *)
END_VAR
VAR
    started : BOOL;
    trigger_before : BOOL;
    words : ARRAY [0..25] OF WORD;
{register}    wait_seq : ARRAY [0..63] OF UDINT;
    wait_position : ARRAY [0..63] OF UDINT;
    wait_since : ARRAY [0..63] OF UDINT;
    wait_head : INT;
    wait_count : INT;
    i : INT;
    bits : WORD;
    valid : BOOL;
    error : BOOL;
    permit : BOOL;
    acknowledged : BOOL;
    ok : BOOL;
    heartbeat : WORD;
    heartbeat_at : UDINT;
    result_seq : UDINT;
    echo_seq : UDINT;
    announced_at : UDINT;
    raised : BOOL;
    raised_at : UDINT;
    acking : BOOL;
    settled : BOOL;
END_VAR
"""

_BODY = """\
(* 2. A new connection begins with Trigger low and Ack low; a heartbeat of the old one proves nothing. *)
IF NOT started THEN
    started := TRUE;
    announced_seq := trigger_seq;
END_IF;
IF fresh AND anew THEN
    raised := FALSE;
    acking := FALSE;
    settled := FALSE;
    line_alive := FALSE;
    heartbeat := 16#0000;
END_IF;
(* 3. The status: layout 1, or all of it is ignored. The first heartbeat may be old; a change proves life. *)
valid := FALSE;
IF fresh THEN
    FOR i := 0 TO 25 DO
        words[i] := {word_in};
    END_FOR;
    valid := words[{layout}] = 16#0001;
END_IF;
IF valid THEN
    IF words[{heartbeat}] <> heartbeat THEN
        IF heartbeat <> 16#0000 THEN
            line_alive := TRUE;
        END_IF;
        heartbeat := words[{heartbeat}];
        heartbeat_at := now;
    END_IF;
    error := (words[0] AND 16#8000) <> 16#0000;
    permit := (words[1] AND 16#2000) <> 16#0000;
    acknowledged := (words[0] AND 16#0002) <> 16#0000;
END_IF;
IF now - heartbeat_at > 1000 THEN
    line_alive := FALSE;
END_IF;
run_permit := line_alive AND permit AND NOT error;
(* 4. A new part: the next number, the default reject in its place, and it waits to be announced. *)
IF trigger AND NOT trigger_before THEN
    trigger_seq := trigger_seq + 1;
    IF trigger_seq = 0 THEN
        trigger_seq := 1;
    END_IF;
{place}    IF wait_count < 64 THEN
        place := (wait_head + wait_count) MOD 64;
        wait_seq[place] := trigger_seq;
        wait_position[place] := position;
        wait_since[place] := now;
        wait_count := wait_count + 1;
    END_IF;
END_IF;
trigger_before := trigger;
(* 5. The result: OK alone, no error, code 1, for a part that is in flight and not decided yet; once. It is
   acknowledged whatever it says. A dead line decides what is open. *)
IF valid THEN
    IF (words[0] AND 16#0800) = 16#0000 THEN
        acking := FALSE;
    ELSIF NOT acking THEN
        acking := TRUE;
        echo_seq := 0;
        result_seq := WORD_TO_UDINT(words[{result_high}]) * 65536 + WORD_TO_UDINT(words[{result_low}]);
        ok := (words[1] AND 16#0300) = 16#0100 AND words[{code}] = 16#0001 AND NOT error;
        FOR i := 0 TO 63 DO
            IF i < count THEN
                place := (head + i) MOD 64;
                IF line_alive AND NOT place_known[place] AND result_seq = place_seq[place] THEN
                    place_known[place] := TRUE;
                    place_code[place] := words[{code}];
                    place_ok[place] := ok;
                    echo_seq := result_seq;
                END_IF;
            END_IF;
        END_FOR;
    END_IF;
END_IF;
IF NOT line_alive THEN
    FOR i := 0 TO 63 DO
        IF i < count THEN
            place := (head + i) MOD 64;
            place_known[place] := TRUE;
        END_IF;
    END_FOR;
END_IF;
(* 6. Announce one part at a time: raise Trigger, wait for Trigger Ack (250 ms at most), lower it, wait until the Ack is
   gone. What has waited for 100 ms gets no edge, only its number: its picture is old. *)
IF valid THEN
    IF raised THEN
        IF acknowledged OR now - raised_at > 250 THEN
            raised := FALSE;
        END_IF;
    ELSIF NOT settled THEN
        settled := TRUE;
    ELSIF wait_count > 0 AND NOT acknowledged THEN
        announced_seq := wait_seq[wait_head];
        announced_at := wait_position[wait_head];
        raised := now - wait_since[wait_head] <= 100;
        raised_at := now;
        wait_head := (wait_head + 1) MOD 64;
        wait_count := wait_count - 1;
    END_IF;
END_IF;
(* 7. The answer. Part id (words 5-8) and lot (words 9-12) of announced_seq are filled by your program. *)
bits := 16#0004;
IF enable THEN
    bits := bits OR 16#0001;
END_IF;
IF raised THEN
    bits := bits OR 16#0002;
END_IF;
IF acking THEN
    bits := bits OR 16#0008;
END_IF;
control[0] := bits;
bits := 16#0000;
IF clear_error THEN
    bits := bits OR 16#0004;
END_IF;
IF stop THEN
    bits := bits OR 16#0100;
END_IF;
IF bin_full THEN
    bits := bits OR 16#0200;
END_IF;
IF bypass THEN
    bits := bits OR 16#0400;
END_IF;
control[1] := bits;
control[{trigger_high}] := UDINT_TO_WORD(announced_seq / 65536);
control[{trigger_low}] := UDINT_TO_WORD(announced_seq MOD 65536);
control[{job}] := job;
control[{echo}] := heartbeat;
control[{echo_high}] := UDINT_TO_WORD(echo_seq / 65536);
control[{echo_low}] := UDINT_TO_WORD(echo_seq MOD 65536);
control[{encoder_high}] := UDINT_TO_WORD(announced_at / 65536);
control[{encoder_low}] := UDINT_TO_WORD(announced_at MOD 65536);
{words_out}END_FUNCTION_BLOCK
"""

_SWAP_OUT = """\
FOR i := 0 TO 17 DO
    IF i < 5 OR i > 12 THEN
        control[i] := ROL(control[i], 8);
    END_IF;
END_FOR;
"""
_CONTROL = {one.name: one.offset for one in CONTROL_FIELDS}
_STATUS = {one.name: one.offset for one in STATUS_FIELDS}


def to_structured_text(settings: ModbusServerSettings) -> str:
    """The block under the station's settings."""
    swap = settings.byte_order is ByteOrder.LITTLE
    high, low = (1, 0) if settings.word_order is WordOrder.LOW_FIRST else (0, 1)
    head = _HEAD.format(
        unit=settings.unit_id,
        status_count=STATUS_WORDS,
        status_address=settings.status_address,
        mirror_address=settings.mirror_address,
        control_count=CONTROL_WORDS,
        control_address=settings.control_address,
        orders=f"{settings.byte_order.value}, {settings.word_order.value}",
        register=REGISTER,
    )
    numbers = {"trigger": "trigger_seq", "echo": "echo_seq", "encoder": "encoder"}
    halves = {f"{name}_high": _CONTROL[field] + high for name, field in numbers.items()}
    halves |= {f"{name}_low": _CONTROL[field] + low for name, field in numbers.items()}
    body = _BODY.format(
        word_in="ROL(status[i], 8)" if swap else "status[i]",
        words_out=_SWAP_OUT if swap else "",
        place=PLACE,
        layout=_STATUS["layout"],
        heartbeat=_STATUS["heartbeat"],
        code=_STATUS["result_code"],
        result_high=_STATUS["inspection_id"] + high,
        result_low=_STATUS["inspection_id"] + low,
        job=_CONTROL["job"],
        echo=_CONTROL["heartbeat_echo"],
        **halves,
    )
    return head + DECIDE + body

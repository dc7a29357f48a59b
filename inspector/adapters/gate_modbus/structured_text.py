"""The PLC's side of layout 1 as an IEC 61131-3 function block: handshake, default reject, shift register."""

from inspector.adapters.gate_modbus.layout import ByteOrder, WordOrder
from inspector.adapters.gate_modbus.settings import ModbusGateSettings

_HEAD = """\
(* FB_Inspector: the PLC's side of layout 1 (docs/plc.md), made by "inspector plc symbols --format st".
   Call it once in every cycle. The Modbus server of the PLC must hold
     to_plc    {to_count} registers at {to_table} address {to_address} (zero-based), written by the station
     from_plc  {from_count} registers at {from_table} address {from_address} (zero-based), read by the station
   copied in and out as whole blocks within one cycle. Orders: {orders}.
   A part is rejected unless a valid OK for it came before its place in the shift register reaches the ejector. *)
FUNCTION_BLOCK FB_Inspector
VAR_INPUT
    trigger : BOOL; (* light gate at the camera: a rising edge is a part *)
    now : UDINT; (* free-running milliseconds *)
    position : UDINT; (* belt encoder, free-running; or now, on a belt of constant speed *)
    decide_after : UDINT; (* counts of position from the camera to the decision before the ejector *)
    status : WORD; (* 1 enable, 2 stop, 4 bin full, 8 bypass, 16 clear error *)
    job : WORD; (* job number requested, 0 none *)
    to_plc : ARRAY [0..7] OF WORD;
END_VAR
VAR_OUTPUT
    from_plc : ARRAY [0..16] OF WORD;
    decided : BOOL; (* a part is at the ejector in this cycle *)
    eject : BOOL; (* ... and it is to be rejected *)
    decided_seq : UDINT;
    decided_code : WORD; (* of the result that decided it; 0: none came, the default rejects *)
    line_alive : BOOL; (* the station's heartbeat lives *)
    run_permit : BOOL; (* the belt may run *)
    full : BOOL; (* more parts than places: reject everything and stop the belt, until a person resets it *)
END_VAR
VAR_OUTPUT RETAIN (* kept over a power cut, both or neither: rule 7 of docs/plc.md *)
    trigger_seq : UDINT; (* the part counter *)
    echo_seq : UDINT;
END_VAR
VAR
    trigger_before : BOOL;
    words : ARRAY [0..7] OF WORD;
{register}    i : INT;
    bit_no : INT;
    crc : WORD;
    heartbeat : WORD;
    heartbeat_at : UDINT;
    result_seq : UDINT;
    error : BOOL;
    valid : BOOL;
    carry : BOOL;
    at_trigger : UDINT;
END_VAR
"""

DECIDE = """\
(* 1. What is at the ejector is decided before any result is read: a late result is late. *)
decided := FALSE;
eject := FALSE;
IF count > 0 THEN
    IF position - place_at[head] - decide_after < 2147483648 THEN
        decided := TRUE;
        eject := full OR NOT place_ok[head];
        decided_seq := place_seq[head];
        decided_code := place_code[head];
        head := (head + 1) MOD 64;
        count := count - 1;
    END_IF;
END_IF;
"""
"""Both roles: the step at the ejector. A belt that rocks back over the place of a trigger decides nothing early."""

PLACE = """\
    IF count < 64 THEN
        place := (head + count) MOD 64;
        place_seq[place] := trigger_seq;
        place_at[place] := position;
        place_code[place] := 16#0000;
        place_known[place] := FALSE;
        place_ok[place] := FALSE;
        count := count + 1;
    ELSE
        full := TRUE;
    END_IF;
"""
"""Both roles: the newest number takes its place, a reject by default."""

REGISTER = """\
    place_seq : ARRAY [0..63] OF UDINT;
    place_at : ARRAY [0..63] OF UDINT;
    place_code : ARRAY [0..63] OF WORD;
    place_known : ARRAY [0..63] OF BOOL;
    place_ok : ARRAY [0..63] OF BOOL;
    head : INT;
    count : INT;
    place : INT;
"""
"""Both roles: the variables of the shift register."""

_BODY = """\
(* 2. The block of the station: layout and CRC, or all of it is ignored, heartbeat included. *)
FOR i := 0 TO 7 DO
    words[i] := {word_in};
END_FOR;
crc := 16#FFFF;
FOR i := 0 TO 6 DO
    crc := crc XOR SHR(words[i], 8);
    FOR bit_no := 0 TO 7 DO
        carry := (crc AND 16#0001) <> 16#0000;
        crc := SHR(crc, 1);
        IF carry THEN
            crc := crc XOR 16#A001;
        END_IF;
    END_FOR;
    crc := crc XOR (words[i] AND 16#00FF);
    FOR bit_no := 0 TO 7 DO
        carry := (crc AND 16#0001) <> 16#0000;
        crc := SHR(crc, 1);
        IF carry THEN
            crc := crc XOR 16#A001;
        END_IF;
    END_FOR;
END_FOR;
valid := words[0] = 16#0001 AND crc = words[7];
IF valid THEN
    IF words[1] <> heartbeat THEN
        IF heartbeat <> 16#0000 THEN
            line_alive := TRUE;
        END_IF;
        heartbeat := words[1];
        heartbeat_at := now;
    END_IF;
END_IF;
(* 3. The first heartbeat may be old, a change proves life. No new one for 1 s: the line is dead. *)
IF now - heartbeat_at > 1000 THEN
    line_alive := FALSE;
END_IF;
error := (words[2] AND 16#0008) <> 16#0000;
run_permit := line_alive AND valid AND NOT error AND (words[2] AND 16#0040) <> 16#0000;
(* 4. A new part: the next number, and the default reject in its place. *)
IF trigger AND NOT trigger_before THEN
    trigger_seq := trigger_seq + 1;
    IF trigger_seq = 0 THEN
        trigger_seq := 1;
    END_IF;
    at_trigger := position;
{place}END_IF;
trigger_before := trigger;
(* 5. The result, for a part that is in flight and not decided yet; once. A dead line decides what is open. *)
result_seq := WORD_TO_UDINT(words[{seq_high}]) * 65536 + WORD_TO_UDINT(words[{seq_low}]);
FOR i := 0 TO 63 DO
    IF i < count THEN
        place := (head + i) MOD 64;
        IF NOT place_known[place] THEN
            IF NOT line_alive THEN
                place_known[place] := TRUE;
            ELSIF valid AND words[5] <> 16#0000 AND result_seq = place_seq[place] THEN
                place_known[place] := TRUE;
                place_code[place] := words[5];
                place_ok[place] := words[5] = 16#0001 AND NOT error;
                echo_seq := result_seq;
            END_IF;
        END_IF;
    END_IF;
END_FOR;
(* 6. The answer. Part id (words 8-11) and lot (words 13-16) are filled by your program, with the trigger, and stay. *)
from_plc[0] := heartbeat;
from_plc[{trigger_high}] := UDINT_TO_WORD(trigger_seq / 65536);
from_plc[{trigger_low}] := UDINT_TO_WORD(trigger_seq MOD 65536);
from_plc[{echo_high}] := UDINT_TO_WORD(echo_seq / 65536);
from_plc[{echo_low}] := UDINT_TO_WORD(echo_seq MOD 65536);
from_plc[5] := status;
from_plc[{encoder_high}] := UDINT_TO_WORD(at_trigger / 65536);
from_plc[{encoder_low}] := UDINT_TO_WORD(at_trigger MOD 65536);
from_plc[12] := job;
{words_out}END_FUNCTION_BLOCK
"""

_SWAP_OUT = """\
FOR i := 0 TO 16 DO
    IF i < 8 OR i = 12 THEN
        from_plc[i] := ROL(from_plc[i], 8);
    END_IF;
END_FOR;
"""


def to_structured_text(settings: ModbusGateSettings) -> str:
    """The block under the station's settings. The CRC runs over the words in the order of layout 1."""
    low_first = settings.word_order is WordOrder.LOW_FIRST
    swap = settings.byte_order is ByteOrder.LITTLE
    head = _HEAD.format(
        to_count=8,
        to_table="holding",
        to_address=settings.to_address,
        from_count=17,
        from_table=settings.from_table,
        from_address=settings.from_address,
        register=REGISTER,
        orders=f"{settings.byte_order.value}, {settings.word_order.value}",
    )
    places = {
        name: word
        for name, high in (("seq", 3), ("trigger", 1), ("echo", 3), ("encoder", 6))
        for name, word in ((f"{name}_high", high), (f"{name}_low", high + 1))
    }
    outgoing = {
        name: (word + 1 if name.endswith("high") else word - 1) if low_first and not name.startswith("seq") else word
        for name, word in places.items()
    }
    word_in = "ROL(to_plc[i], 8)" if swap else "to_plc[i]"
    body = _BODY.format(word_in=word_in, place=PLACE, words_out=_SWAP_OUT if swap else "", **outgoing)
    if low_first:  # the words of the number stand exchanged in the registers, never in the CRC
        exchanged = "END_FOR;\ncrc := words[3];\nwords[3] := words[4];\nwords[4] := crc;\ncrc := 16#FFFF;"
        body = body.replace("END_FOR;\ncrc := 16#FFFF;", exchanged, 1)
    return head + DECIDE + body

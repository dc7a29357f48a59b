"""The settings of the Modbus gate."""

from enum import Enum
from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from inspector.adapters.gate_modbus.layout import FROM_WORDS, TO_WORDS, ByteOrder, Orders, WordOrder

REGISTERS = 65536


class OnStartupError(Enum):
    """What an absent PLC means when the station starts."""

    RETRY = "retry"
    ERROR = "error"


class Transport(Enum):
    """How requests travel."""

    TCP = "tcp"
    RTU = "rtu"


class Parity(Enum):
    """Of a serial line."""

    NONE = "none"
    EVEN = "even"
    ODD = "odd"


class ModbusGateSettings(BaseModel):
    """Where the PLC is and where its words stand; docs/plc.md is the contract."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    transport: Transport = Field(default=Transport.TCP, description='"tcp", or "rtu" over a serial line.')
    host: str = Field(default="", description='The PLC\'s address or name; with "tcp".')
    port: int = Field(default=502, ge=1, le=65535, description="TCP port of its Modbus server.")
    serial_port: str = Field(default="", description='Device of the serial line, as "/dev/ttyUSB0"; with "rtu".')
    baud_rate: int = Field(default=19200, ge=9600, le=921_600, description="Bits a second on the serial line.")
    parity: Parity = Field(default=Parity.EVEN, description='"even" (the standard), "odd" or "none".')
    stop_bits: int = Field(default=1, ge=1, le=2, description='1, or 2 (the standard with parity = "none").')
    unit_id: int = Field(default=1, ge=0, le=255, description="Modbus unit (device) id.")
    to_address: int = Field(
        default=0, ge=0, le=REGISTERS - TO_WORDS, description="First of the 8 holding registers we write, zero-based."
    )
    from_address: int = Field(
        default=100, ge=0, le=REGISTERS - FROM_WORDS, description="First of the 17 registers we read, zero-based."
    )
    from_table: Literal["holding", "input"] = Field(default="holding", description="Table of the registers we read.")
    byte_order: ByteOrder = Field(
        default=ByteOrder.BIG, description='"big", or "little": the two bytes of every register are exchanged.'
    )
    word_order: WordOrder = Field(
        default=WordOrder.HIGH_FIRST, description='Of 32-bit numbers: "high_first" or "low_first".'
    )
    encoder: bool = Field(default=False, description="Whether words 6-7 from the PLC carry an encoder count.")
    poll_period_ms: int = Field(default=10, ge=1, le=250, description="How often the PLC's words are read.")
    heartbeat_timeout_ms: int = Field(
        default=700, ge=500, le=1000, description="No heartbeat echoed for so long: the link is dead."
    )
    on_startup_error: OnStartupError = Field(
        default=OnStartupError.RETRY,
        description='The PLC is absent at the start: "retry" in the background, or end with an "error".',
    )
    startup_timeout_s: float = Field(
        default=3.0, ge=0.5, le=60, description='How long "error" waits for the PLC\'s first echoed heartbeat.'
    )

    @model_validator(mode="after")
    def _has_a_way(self) -> Self:
        """The transport that is set needs its own address, and what would have no effect is refused."""
        if self.transport is Transport.TCP and not self.host:
            raise ValueError('host is missing: with transport = "tcp" the PLC\'s address or name is right')
        if self.transport is Transport.RTU:
            if not self.serial_port:
                raise ValueError('serial_port is missing: with transport = "rtu" a device as "/dev/ttyUSB0" is right')
            if self.unit_id == 0:
                raise ValueError("unit_id = 0 is nobody's on a serial line; 1 to 247 is right")
            if self.host:
                raise ValueError(f'host = {self.host!r} has no effect with transport = "rtu"; remove it')
        return self

    @model_validator(mode="after")
    def _blocks_apart(self) -> Self:
        """The two blocks must not lie on each other in the same table."""
        apart = self.to_address + TO_WORDS <= self.from_address or self.from_address + FROM_WORDS <= self.to_address
        if self.from_table == "holding" and not apart:
            raise ValueError(
                f"to_address = {self.to_address} (8 words) and from_address = {self.from_address} (17 words) overlap; "
                f"from_address = {self.to_address + TO_WORDS} or more would be right"
            )
        return self

    @property
    def orders(self) -> Orders:
        """Byte and word order together."""
        return Orders(byte=self.byte_order, word=self.word_order)

    @property
    def device(self) -> str:
        """The PLC in the station's words."""
        way = f"{self.host}:{self.port}" if self.transport is Transport.TCP else self.serial_port
        return f"plc {way} unit {self.unit_id}"

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


class ModbusGateSettings(BaseModel):
    """Where the PLC is and where its words stand; docs/plc.md is the contract."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    host: str = Field(min_length=1, description="The PLC's address or name.")
    port: int = Field(default=502, ge=1, le=65535, description="TCP port of its Modbus server.")
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
    on_startup_error: OnStartupError = Field(
        default=OnStartupError.RETRY,
        description='The PLC is absent at the start: "retry" in the background, or end with an "error".',
    )
    startup_timeout_s: float = Field(
        default=3.0, ge=0.5, le=60, description='How long "error" waits for the PLC\'s first echoed heartbeat.'
    )

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
        return f"plc {self.host}:{self.port} unit {self.unit_id}"

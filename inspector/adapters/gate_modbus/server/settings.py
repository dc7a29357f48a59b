"""The settings of the Modbus gate in the server role."""

from typing import Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from inspector.adapters.gate_modbus.layout import ByteOrder, Orders, WordOrder
from inspector.adapters.gate_modbus.server.table import CONTROL_WORDS, MIRROR_OFFSET, STATUS_WORDS

_REGISTERS = 65536


class ModbusServerSettings(BaseModel):
    """Where the station listens and where its blocks stand; docs/plc-server.md is the contract."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    listen: str = Field(default="0.0.0.0", min_length=1, description="Address to listen on: the PLC network's.")  # noqa: S104 - a server for a PLC
    port: int = Field(default=502, ge=0, le=65535, description="TCP port of our Modbus server; 0: any free one.")
    plc_hosts: tuple[str, ...] = Field(default=(), description="Addresses that may connect; none: any.")
    unit_id: int = Field(default=1, ge=0, le=255, description="Modbus unit (device) id we answer to; 0: to any.")
    control_address: int = Field(
        default=0, ge=0, le=_REGISTERS - CONTROL_WORDS, description="First of the 18 holding registers the PLC writes."
    )
    status_address: int = Field(
        default=0, ge=0, le=_REGISTERS - STATUS_WORDS, description="First of the 26 input registers the PLC reads."
    )
    mirror_address: int = Field(
        default=MIRROR_OFFSET,
        ge=0,
        le=_REGISTERS - STATUS_WORDS,
        description="First of the 26 holding registers that mirror them.",
    )
    byte_order: ByteOrder = Field(
        default=ByteOrder.BIG, description='"big", or "little": the two bytes of every register are exchanged.'
    )
    word_order: WordOrder = Field(
        default=WordOrder.HIGH_FIRST, description='Of 32-bit numbers: "high_first" or "low_first".'
    )
    plc_counts: bool = Field(default=True, description="Whether trigger_seq carries the PLC's own part counter.")
    minimum_pitch_ms: int = Field(
        default=0, ge=0, le=60_000, description="Edges closer than this are bounces; only with plc_counts = false."
    )
    heartbeat_timeout_ms: int = Field(
        default=700, ge=500, le=1000, description="No heartbeat echoed for so long: the link is dead."
    )
    encoder: bool = Field(default=False, description="Whether control.encoder carries an encoder count.")
    classes: tuple[str, ...] = Field(
        default=("crack", "scratch", "dent", "stain"), description="Classes by number for worst_class, the first is 1."
    )

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        """The two holding blocks must not lie on each other; what would have no effect is refused."""
        control, mirror = self.control_address, self.mirror_address
        if control < mirror + STATUS_WORDS and mirror < control + CONTROL_WORDS:
            raise ValueError(
                f"control_address = {control} ({CONTROL_WORDS} words) and mirror_address = {mirror} "
                f"({STATUS_WORDS} words) overlap; mirror_address = {control + CONTROL_WORDS} or more would be right"
            )
        if self.plc_counts and self.minimum_pitch_ms:
            raise ValueError(
                f"minimum_pitch_ms = {self.minimum_pitch_ms} needs plc_counts = false: a part that the PLC has "
                "counted is never suppressed"
            )
        return self

    @property
    def orders(self) -> Orders:
        """Byte and word order together."""
        return Orders(byte=self.byte_order, word=self.word_order)

    @property
    def device(self) -> str:
        """The PLC in the station's words."""
        return f"plc at our server {self.listen}:{self.port} unit {self.unit_id}"

"""The settings of a remote I/O module: where it is, and what is wired to which address."""

import re
from dataclasses import dataclass
from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator

from inspector.ports.field_io import Output

_PLACE = re.compile(r"(coil|discrete|input|holding):(\d{1,5})")
SPAN = 64
_ADDRESS_MAX = 65535

Bit = Annotated[str, StringConstraints(pattern=r"^$|^discrete:\d{1,5}$")]
Counter = Annotated[str, StringConstraints(pattern=r"^$|^(input|holding):\d{1,5}$")]
Coil = Annotated[str, StringConstraints(pattern=r"^$|^coil:\d{1,5}$")]


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """One address. ``table``: coil, discrete, input or holding; zero-based protocol address."""

    table: str
    address: int


def place_of(text: str) -> Place | None:
    """Where "coil:12" is; None for ""."""
    found = _PLACE.fullmatch(text)
    return Place(table=found[1], address=int(found[2])) if found else None


class RemoteIoSettings(BaseModel):
    """A module with coils, discrete inputs and 32-bit counters (two registers each); "" is not wired."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    host: str = Field(min_length=1, description="The module's address or name.")
    port: int = Field(default=502, ge=1, le=65535, description="TCP port of its Modbus server.")
    unit_id: int = Field(default=1, ge=0, le=255, description="Modbus unit (device) id.")
    cycle_ms: float = Field(default=5.0, ge=1, le=100, description="How often inputs are read and outputs set.")
    watchdog_ms: float = Field(
        default=100.0, ge=20, le=2000, description="The module's own output watchdog, as it is set there."
    )
    low_word_first: bool = Field(default=False, description="Counters: the lower address holds the low half.")

    trigger: Counter = Field(default="", description='Count of light gate edges, "input:2": part_seq.')
    trigger_encoder: Counter = Field(default="", description="Encoder count latched at that edge.")
    encoder: Counter = Field(default="", description="Encoder count now.")
    good_count: Counter = Field(default="", description="Count of the good-lane sensor.")
    reject_count: Counter = Field(default="", description="Count of the reject-confirm sensor.")

    belt_at_speed: Bit = Field(
        default="", description='The drive\'s contact "at speed", "discrete:0"; off while it stands.'
    )
    bin_full: Bit = Field(default="", description="Reject bin full.")
    air_low: Bit = Field(default="", description="Air pressure low.")
    acknowledge: Bit = Field(default="", description="Acknowledge button.")
    tripped: Bit = Field(default="", description="The module's watchdog has dropped its outputs.")
    inverted: tuple[str, ...] = Field(default=(), description="Inputs that are 1 in the other state, by their name.")

    ejector: Coil = Field(default="", description='Eject, "coil:0".')
    undecided_bin: Coil = Field(default="", description="On while an UNDECIDED part is ejected.")
    run_permit: Coil = Field(default="", description="The belt may run.")
    stop_request: Coil = Field(default="", description="The belt should stop.")
    green: Coil = Field(default="", description="Stack light: judging.")
    amber: Coil = Field(default="", description="Stack light: judging, with an alarm.")
    red: Coil = Field(default="", description="Stack light: not judging, or asking to stop.")
    horn: Coil = Field(default="", description="Sounds as an error or a stop request comes up.")
    marker: Coil = Field(default="", description="Pulse after each ejected part.")
    strobe: Coil = Field(default="", description="On while parts are expected.")
    active_low: tuple[str, ...] = Field(
        default=(), description="Outputs that act while their coil is 0; an ejector here ejects without power."
    )
    re_arm: Coil = Field(default="", description="Coil that re-arms the watchdog after it tripped.")
    read_back: bool = Field(default=True, description="Coils are read after each change, and must be as written.")

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        for names, known, key in ((self.active_low, self.coils, "active_low"), (self.inverted, self.bits, "inverted")):
            unknown = [name for name in names if name not in known]
            if unknown:
                raise ValueError(f"{key} names {unknown[0]!r}, which is not wired; wired are: {', '.join(known)}")
        for table, addresses in self._used().items():
            wrong = [address for address in addresses if address > _ADDRESS_MAX]
            if wrong:
                raise ValueError(f"{table}:{wrong[0]} does not exist; addresses are 0 to {_ADDRESS_MAX}")
            if table != "coil" and addresses and max(addresses) - min(addresses) >= SPAN:
                raise ValueError(
                    f"{table}:{min(addresses)} and {table}:{max(addresses)} lie too far apart to be read at once; "
                    f"{SPAN - 1} addresses are right"
                )
        coils = [place.address for place in self.coils.values()]
        if len(set(coils)) != len(coils):
            raise ValueError("two outputs have the same coil; give each its own")
        if bool(self.tripped) != bool(self.re_arm):
            raise ValueError("tripped and re_arm belong together: wire both, or neither")
        if self.cycle_ms * 4 > self.watchdog_ms:
            raise ValueError(
                f"cycle_ms = {self.cycle_ms:g} is too slow for watchdog_ms = {self.watchdog_ms:g}; "
                "at most a quarter of it is right"
            )
        return self

    @property
    def device(self) -> str:
        """The module in the station's words."""
        return f"remote i/o {self.host}:{self.port} unit {self.unit_id}"

    @property
    def counters(self) -> dict[str, Place]:
        """Wired counters by name."""
        return self._wired("trigger", "trigger_encoder", "encoder", "good_count", "reject_count")

    @property
    def bits(self) -> dict[str, Place]:
        """Wired inputs by name."""
        return self._wired("belt_at_speed", "bin_full", "air_low", "acknowledge", "tripped")

    @property
    def coils(self) -> dict[str, Place]:
        """Wired outputs by name."""
        return self._wired(*(output.value for output in Output))

    def _wired(self, *names: str) -> dict[str, Place]:
        found = {name: place_of(getattr(self, name)) for name in names}
        return {name: place for name, place in found.items() if place is not None}

    def _used(self) -> dict[str, list[int]]:
        used: dict[str, list[int]] = {}
        for place in self.counters.values():
            used.setdefault(place.table, []).extend((place.address, place.address + 1))
        for place in (*self.bits.values(), *self.coils.values()):
            used.setdefault(place.table, []).append(place.address)
        return used

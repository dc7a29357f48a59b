"""The outputs of a remote I/O module that a technician drives instead of the line. Pure.

Not thread-safe: its owner holds a lock around every call.
"""

from collections.abc import Collection, Mapping, Sequence

from inspector.ports.field_io import Output
from inspector.ports.gate import LineState

_NEVER = frozenset({Output.EJECTOR, Output.UNDECIDED_BIN})
"""They say what a verdict said: nobody drives an ejector while parts pass."""
_PERMIT = LineState.READY | LineState.RUN_PERMIT


class Driven:
    """``wired``: the outputs that the module has."""

    def __init__(self, wired: Collection[Output]) -> None:
        self._names = {one.value: one for one in Output if one in wired and one not in _NEVER}
        self._driven: Mapping[str, bool] = {}

    def outputs(self) -> Sequence[str]:
        """What may be driven, by the settings' names."""
        return tuple(self._names)

    def drive(self, outputs: Mapping[str, bool]) -> None:
        """Exactly these from now on."""
        self._driven = dict(outputs)

    def shown(self, state: LineState) -> LineState:
        """The line's state: no permit while anything is driven."""
        return state & ~_PERMIT if self._driven else state

    def apply(self, outputs: Mapping[Output, bool]) -> Mapping[Output, bool]:
        """The outputs as they are written."""
        if not self._driven:
            return outputs
        return {**outputs, **{self._names[name]: high for name, high in self._driven.items()}}

"""The outputs that a technician drives instead of the line. Pure.

Not thread-safe: its owner holds a lock around every call.
"""

from collections.abc import Mapping, Sequence

from inspector.ports.gate import LineState

_FORCEABLE = {
    "online": LineState.ONLINE,
    "busy": LineState.BUSY,
    "error": LineState.ERROR,
    "degraded": LineState.DEGRADED,
    "bypass": LineState.BYPASS,
    "run_permit": LineState.RUN_PERMIT,
}
_PERMIT = LineState.READY | LineState.RUN_PERMIT


class Forced:
    """``names``: what the symbol list calls each state that may be driven; run_permit may be driven low only."""

    def __init__(self, prefix: str, renamed: Mapping[str, str]) -> None:
        self._states = {f"{prefix}.{renamed.get(name, name)}": state for name, state in _FORCEABLE.items()}
        self._driven: Mapping[str, bool] = {}

    def outputs(self) -> Sequence[str]:
        """What may be driven."""
        return tuple(self._states)

    def drive(self, outputs: Mapping[str, bool]) -> None:
        """Exactly these from now on."""
        self._driven = dict(outputs)

    def apply(self, state: LineState) -> LineState:
        """The state as it is shown: what is driven, and no permit while anything is."""
        if not self._driven:
            return state
        for name, high in self._driven.items():
            state = state | self._states[name] if high else state & ~self._states[name]
        return state & ~_PERMIT

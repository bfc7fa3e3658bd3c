"""An endpoint that is dead is not called all the time (spec/reliability 3.5). Pure."""

from typing import Final

FAILURES: Final = 10
"""After so many failures in a row,"""
PROBE_S: Final = 30.0
"""one call in so long finds out whether it is back."""


class Breaker:
    """Counts failures in a row. Times are monotonic seconds."""

    def __init__(self) -> None:
        self._failures = 0
        self._probe_at = 0.0

    @property
    def is_open(self) -> bool:
        """Whether the endpoint is taken to be dead."""
        return self._failures >= FAILURES

    def may_call(self, now: float) -> bool:
        """Whether a call may be made now."""
        return not self.is_open or now >= self._probe_at

    def succeeded(self) -> None:
        """A call went well."""
        self._failures = 0

    def failed(self, now: float) -> bool:
        """A call did not; tells whether that was the one too many."""
        self._failures += 1
        self._probe_at = now + PROBE_S
        return self._failures == FAILURES

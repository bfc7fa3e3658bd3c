"""How fast a carrier wants it: learnt from the answers that say "less". Pure.

A carrier over its limit throttles most of what comes; then the rate is halved and grows
by a tenth each second, until it says so again (spec/reliability 2.11). A carrier that
throttles one message in many is only given a moment: halving each time would starve it.
"""

from typing import Final

SELDOM: Final = 20
"""So many messages taken for each one throttled: the rate is not the trouble."""
MOMENT: Final = 0.05
"""Share of the pause that such a carrier is given."""
LONGEST_PAUSE_S: Final = 30.0
MEMORY_S: Final = 5.0
"""A pause is forgotten so long after another one of its length."""
GROWTH: Final = 1.1
EVIDENCE: Final = 10
"""Messages taken within a second, below which no rate is derived from them."""
NO_LIMIT: Final = 20_000.0
BURST_S: Final = 0.05
_SPAN_S: Final = 1.0


class Pace:
    """One bind's. ``now`` is monotonic seconds."""

    __slots__ = (
        "_at",
        "_pause_s",
        "_paused_until",
        "_refused",
        "_span_at",
        "_span_taken",
        "_taken_at_pause",
        "_tokens",
        "rate",
        "taken",
    )

    def __init__(self, now: float) -> None:
        self.taken = 0
        """Messages taken so far; the session counts them here. HOT PATH."""
        self.rate: float | None = None
        """Messages a second that may be sent; None: no limit is known."""
        self._tokens = 0.0
        self._at = now
        self._span_at = now
        self._span_taken = 0
        self._taken_at_pause = 0
        self._refused = 0
        self._paused_until = now
        self._pause_s = 0.0

    def is_paused(self, now: float) -> bool:
        """Whether nothing may be sent now."""
        return now < self._paused_until

    def throttled(self, now: float, seconds: float) -> float:
        """The carrier asked for less; gives the pause, 0 if it is paused already.

        ``seconds`` is the pause after a first such answer. It doubles, up to 30 s, for
        as long as nothing was taken since the one before.
        """
        self._refused += 1
        if now < self._paused_until:
            return 0.0  # the others of the same window
        taken = self.taken - self._taken_at_pause
        is_seldom = taken >= SELDOM * self._refused
        is_recent = now - self._paused_until < self._pause_s + MEMORY_S
        if is_seldom:
            self._pause_s = seconds * MOMENT
        elif self._pause_s and is_recent and not taken:
            self._pause_s = min(max(2 * self._pause_s, seconds), LONGEST_PAUSE_S)
        else:
            self._pause_s = seconds
        if not is_seldom:
            self._halve(now)
        self._taken_at_pause, self._refused = self.taken, 0
        self._paused_until = now + self._pause_s
        return self._pause_s

    def _halve(self, now: float) -> None:
        if self.rate is not None:
            self._gain(now)
            self.rate = max(1.0, (self.rate or NO_LIMIT) / 2)
            return
        span_s = now - self._span_at
        taken = self.taken - self._span_taken
        if span_s <= 2 * _SPAN_S and taken >= EVIDENCE:
            self.rate = max(1.0, taken / max(span_s, MOMENT) / 2)
            self._tokens, self._at = 0.0, now

    def allowance(self, now: float) -> int:
        """How many messages may be sent now; asked only while there is a ``rate``."""
        self._gain(now)
        return int(self._tokens) if self.rate is not None else 1

    def spend(self) -> None:
        """One was sent."""
        self._tokens -= 1.0

    def wait(self) -> float:
        """Seconds until the next one may be sent."""
        if self.rate is None:
            return 0.0
        return max(0.001, (1.0 - self._tokens) / self.rate)

    def note(self, now: float) -> None:
        """A moment passes: the span over which a rate is measured begins anew."""
        if now - self._span_at > _SPAN_S:
            self._span_at = now
            self._span_taken = self.taken

    def _gain(self, now: float) -> None:
        """Tokens and rate grow with time, but not during a pause."""
        begin = max(self._at, min(self._paused_until, now))
        self._at = now
        elapsed = now - begin
        if self.rate is None or elapsed <= 0:
            return
        burst = max(1.0, self.rate * BURST_S)
        self._tokens = min(burst, self._tokens + elapsed * self.rate)
        self.rate *= GROWTH**elapsed
        if self.rate > NO_LIMIT:
            self.rate = None

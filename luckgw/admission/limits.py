"""Rate limits as arithmetic on ``now``: a token bucket, one second deep."""

_ROUNDING = 1e-6  # of a token: what floats lose must not cost another wait


class TokenBucket:
    """At most ``rate`` tokens a second, and one second's worth at once.

    A request for more tokens than the bucket can ever hold (a long message against a
    low rate) passes when the bucket is full and leaves it in debt: it is slow then, but
    not refused for ever.
    """

    __slots__ = ("_at", "_burst", "_rate", "_tokens")

    def __init__(self, rate: float, now: float) -> None:
        """``rate`` is in tokens a second, 0 for no limit; ``now`` in seconds."""
        self._rate = rate
        self._burst = max(rate, 1.0)
        self._tokens = self._burst
        self._at = now

    def take(self, now: float, tokens: int = 1) -> float:
        """Take tokens (segments), if they are there.

        Gives 0.0 when they were taken, and otherwise the seconds after which the same
        request passes if nobody else asks. ``now`` is monotonic; a step back counts as
        no time at all.
        """
        if not self._rate:
            return 0.0
        if now > self._at:
            gained = (now - self._at) * self._rate
            self._tokens = min(self._burst, self._tokens + gained)
            self._at = now
        missing = min(tokens, self._burst) - self._tokens
        if missing > _ROUNDING:
            return missing / self._rate
        self._tokens -= tokens
        return 0.0

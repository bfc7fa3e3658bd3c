"""When something is due on a session: arithmetic on seconds (spec/reliability 2.5).

Nothing here reads a clock: ``now`` is any clock that never goes back.
"""

import enum
from collections import deque

import attrs

LINK_TRIES = 2
"""How many enquire_links may stay unanswered, one after the other."""


def is_due(since: float | None, limit: float, now: float) -> bool:
    """Whether ``limit`` seconds passed since ``since``; never for None or limit 0."""
    return since is not None and limit > 0 and now - since >= limit


class Link(enum.Enum):
    """What the silence of a peer calls for."""

    FINE = "nothing"
    PROBE = "send enquire_link"
    DEAD = "close: the peer is gone"


@attrs.define
class LinkTimer:
    """Watches one link: silence, then two enquire_links, then it is dead.

    Any PDU of the peer is a sign of life, not only the answer.
    """

    enquire_link_s: float
    """Seconds of silence before the first enquire_link; 0 never asks."""
    link_response_s: float
    """Seconds that each enquire_link waits for a sign of life."""
    heard_at: float
    _asked_at: float = attrs.field(default=0.0, init=False)
    _tries: int = attrs.field(default=0, init=False)

    def heard(self, now: float) -> None:
        """A PDU was received."""
        self.heard_at = now
        self._tries = 0

    def check(self, now: float) -> Link:
        """What is due now. After PROBE the caller sends enquire_link."""
        if self._tries == 0:
            if not is_due(self.heard_at, self.enquire_link_s, now):
                return Link.FINE
        elif now - self._asked_at < self.link_response_s:
            return Link.FINE
        elif self._tries >= LINK_TRIES:
            return Link.DEAD
        self._tries += 1
        self._asked_at = now
        return Link.PROBE

    def ask(self, now: float) -> Link:
        """There is a reason to doubt: ask at once, unless that is done already."""
        if self._tries or self.enquire_link_s <= 0:
            return Link.FINE
        self._tries = 1
        self._asked_at = now
        return Link.PROBE


class Recent:
    """How many times something happened within the last ``span_s`` seconds."""

    __slots__ = ("_span_s", "_times")

    def __init__(self, span_s: float, limit: int) -> None:
        self._span_s = span_s
        self._times: deque[float] = deque(maxlen=limit)  # more are not told apart

    def add(self, now: float) -> int:
        """It happened again. Returns how often within the span, this time included."""
        times = self._times
        while times and now - times[0] >= self._span_s:
            times.popleft()
        times.append(now)
        return len(times)

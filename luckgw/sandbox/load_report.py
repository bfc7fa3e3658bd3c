"""What a load run measured: latencies as quantiles, rates, and the verdict."""

import math
from array import array
from collections.abc import Iterable

import attrs

#: The quantiles of a report.
QUANTILES = {"p50": 0.50, "p95": 0.95, "p99": 0.99, "max": 1.0}


class Latencies:
    """Seconds, as many as come; eight octets each."""

    def __init__(self, seconds: Iterable[float] = ()) -> None:
        self._seconds = array("d", seconds)
        self.add = self._seconds.append
        """Note one. HOT PATH: the array's own method."""

    def __len__(self) -> int:
        return len(self._seconds)

    def quantiles_ms(self) -> dict[str, float] | None:
        """Milliseconds by name; None when nothing was measured.

        The q-quantile is the smallest value that at least the share q does not exceed.
        """
        if not self._seconds:
            return None
        ordered = sorted(self._seconds)
        last = len(ordered) - 1
        return {
            name: round(ordered[min(last, math.ceil(q * len(ordered)) - 1)] * 1000, 3)
            for name, q in QUANTILES.items()
        }


@attrs.frozen
class Receipts:
    """What came back for the accepted messages."""

    received: int
    matched: int
    """Accepted messages with a receipt."""
    missing: int
    """Accepted messages without one when the wait was over."""
    duplicates: int
    """Further receipts of the same message."""
    unknown: int
    """Receipts of ids that no message was given."""
    stat: dict[str, int]
    """First receipts by their ``stat:`` word."""
    rate: float
    """Matched per second, from the first send to the last of them."""
    latency_ms: dict[str, float] | None
    """From the send to the receipt."""


@attrs.frozen
class Report:
    """One run. As JSON it is one line (``attrs.asdict``)."""

    mode: str
    connections: int
    sent: int
    accepted: int
    errors: dict[str, int]
    """Refusals by status: ``0x58`` (SMPP), ``429`` (HTTP)."""
    unanswered: int
    lost_connections: int
    duplicate_ids: int
    """Messages that were given the id of another one."""
    seconds: float
    """From the first send to the last answer."""
    rate: float
    """Accepted per second."""
    response_ms: dict[str, float] | None
    """From the send to the answer, accepted messages only."""
    receipts: Receipts | None
    """None when none were asked for."""
    ok: bool
    """All was accepted, under as many ids, and (if asked for) every receipt came."""


def per_second(count: int, seconds: float) -> float:
    """A rate, 0 when no time passed."""
    return round(count / seconds, 1) if seconds > 0 else 0.0

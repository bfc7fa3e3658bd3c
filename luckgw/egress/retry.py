"""When a webhook is tried again: the schedule of spec/reliability 3.6. Pure.

Ten attempts over 75 h 35 min, after the example of Standard Webhooks; then the event is
parked and can be replayed.
"""

from collections.abc import Callable
from email.utils import parsedate_to_datetime
from typing import Final

DELAYS_S: Final = (
    0.0,
    5.0,
    5 * 60.0,
    30 * 60.0,
    2 * 3600.0,
    5 * 3600.0,
    10 * 3600.0,
    14 * 3600.0,
    20 * 3600.0,
    24 * 3600.0,
)
"""The wait before each attempt, counted from the failure of the one before it."""
ATTEMPTS: Final = len(DELAYS_S)
JITTER: Final = 0.2
"""Each wait is up to so much shorter or longer: endpoints are not hit in step."""
LONGEST_RETRY_AFTER_S: Final = 3600.0


def delay_after(
    attempt: int, retry_after: float | None, random: Callable[[], float]
) -> float | None:
    """Seconds to wait after ``attempt`` (from 1) failed; None: no more, park the event.

    ``retry_after`` is what the receiver asked for (see ``parse_retry_after``): it is
    never called sooner, but neither sooner than the schedule says, or its ten attempts
    would be over in minutes. ``random`` gives numbers in [0, 1).
    """
    if attempt >= ATTEMPTS:
        return None
    wait = DELAYS_S[attempt] * (1 + JITTER * (2 * random() - 1))
    return wait if retry_after is None else max(wait, retry_after)


def parse_retry_after(value: str, now: float) -> float | None:
    """Seconds from ``now`` (Unix time) that a Retry-After header asks for.

    RFC 9110 10.2.3: a number of seconds or a date. Never negative, never more than
    LONGEST_RETRY_AFTER_S; None when it is neither.
    """
    value = value.strip()
    if value.isascii() and value.isdigit():
        # A number too long to matter is not worth converting.
        seconds = float(value[:10]) if len(value) <= 10 else LONGEST_RETRY_AFTER_S  # noqa: PLR2004
    else:
        try:
            seconds = parsedate_to_datetime(value).timestamp() - now
        except (ValueError, OverflowError):
            return None
    return min(max(seconds, 0.0), LONGEST_RETRY_AFTER_S)

"""Times of day, days of the week and dates, as routes write them."""

import datetime as dt
import re
import zoneinfo
from typing import Final, TypeAlias

DAYS: Final = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
MINUTES: Final = 24 * 60
Span: TypeAlias = tuple[int, int]
"""Minutes of the day: from the first, before the second."""

_SPAN = re.compile(r"([0-9]{2}):([0-9]{2})-([0-9]{2}):([0-9]{2})")
_LAST_MINUTE: Final = 59


def parse_time(text: str) -> tuple[Span, ...]:
    """The spans of ``08:00-20:00``; of one over midnight, ``22:00-06:00``, both halves.

    The end is not in it; ``24:00`` is the end of the day. Raises ValueError.
    """
    found = _SPAN.fullmatch(text)
    if found is not None:
        first_hour, first_minute, end_hour, end_minute = map(int, found.groups())
        first = first_hour * 60 + first_minute
        end = end_hour * 60 + end_minute
        if (
            max(first_minute, end_minute) <= _LAST_MINUTE
            and first < MINUTES
            and end <= MINUTES
            and first != end
        ):
            if first < end:
                return ((first, end),)
            return tuple(span for span in ((first, MINUTES), (0, end)) if span[1])
    raise ValueError(f"must be a span like 08:00-20:00, not {text!r}")


def parse_days(text: str) -> frozenset[int]:
    """Monday is 0, of ``sun`` or ``mon-fri`` (also ``sat-mon``). Raises ValueError."""
    first, dash, last = text.partition("-")
    if first in DAYS and (last in DAYS or not dash):
        start = DAYS.index(first)
        length = (DAYS.index(last) - start) % 7 if dash else 0
        return frozenset((start + day) % 7 for day in range(length + 1))
    raise ValueError(f"must be a day like mon, or days like mon-fri, not {text!r}")


def parse_dates(text: str) -> tuple[dt.date, dt.date]:
    """First and last date of ``2026-12-25`` or ``2026-12-24..2027-01-01``.

    Raises ValueError.
    """
    first, dots, last = text.partition("..")
    try:
        start = dt.date.fromisoformat(first)
        end = dt.date.fromisoformat(last) if dots else start
    except ValueError:
        end = start = None  # type: ignore[assignment]
    if start is None or start > end:
        raise ValueError(
            f"must be a date like 2026-12-25, or dates like 2026-12-24..2027-01-01,"
            f" not {text!r}"
        )
    return start, end


def parse_zone(text: str) -> zoneinfo.ZoneInfo:
    """A time zone of the IANA database, like ``Africa/Accra``. Raises ValueError."""
    try:
        return zoneinfo.ZoneInfo(text)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError):
        raise ValueError(
            f"must be a time zone like Africa/Accra or UTC, not {text!r}"
        ) from None


def parse_segments(text: str) -> tuple[int, int | None]:
    """The least and the most of ``1``, ``2-4`` or ``3+``. Raises ValueError."""
    found = re.fullmatch(r"([1-9][0-9]{0,2})(?:(\+)|-([1-9][0-9]{0,2}))?", text)
    if found is not None:
        least = int(found[1])
        most = None if found[2] else int(found[3] or least)
        if most is None or least <= most:
            return least, most
    raise ValueError(f"must be a count like 1, 2-4 or 3+, not {text!r}")

"""SMPP's times (v3.4 7.1.1): 16 characters, absolute or relative.

``YYMMDDhhmmsstnnp``: tenths of a second in ``t``, and ``nn`` quarters of an hour that
local time is ahead of (``p`` is ``+``) or behind (``-``) UTC. With ``R`` for ``p`` the
rest is a period from now: years of 365 days, months of 30.
"""

import re
from datetime import UTC, datetime

_TIME = re.compile(rb"(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)(\d)(\d\d)([-+R])")
_MOST_QUARTERS = 48
_LONGEST_PERIOD_S = 100 * 86_400 - 1
_QUARTER_MS = 15 * 60 * 1000
_PERIODS_S = (365 * 86_400, 30 * 86_400, 86_400, 3_600, 60, 1)


def absolute_time(ms: int) -> bytes:
    """A moment in unix ms as it is written in UTC, to a tenth of a second."""
    moment = datetime.fromtimestamp(ms // 1000, UTC)
    return moment.strftime("%y%m%d%H%M%S").encode() + b"%d00+" % (ms % 1000 // 100)


def relative_time(seconds: int) -> bytes:
    """A period as it is written: days, hours, minutes and seconds, below 100 days."""
    minutes, second = divmod(min(seconds, _LONGEST_PERIOD_S), 60)
    hours, minute = divmod(minutes, 60)
    day, hour = divmod(hours, 24)
    return b"0000%02d%02d%02d%02d000R" % (day, hour, minute, second)


def smpp_time_ms(text: bytes, now_ms: int) -> int:
    """The moment that a schedule_delivery_time or validity_period means, in unix ms.

    ``now_ms`` is the present in unix ms, to which a relative time is added. Raises
    ValueError for what is not such a time. The empty text has no meaning here.
    """
    found = _TIME.fullmatch(text)
    if found is None:
        raise ValueError("is not of the form YYMMDDhhmmsstnnp")
    *digits, sign = found.groups()
    year, month, day, hour, minute, second, tenths, quarters = map(int, digits)
    if sign == b"R":
        parts = (year, month, day, hour, minute, second)
        period = sum(n * s for n, s in zip(parts, _PERIODS_S, strict=True))
        return now_ms + 1000 * period
    if quarters > _MOST_QUARTERS:
        raise ValueError("is more than 48 quarters of an hour away from UTC")
    local = datetime(2000 + year, month, day, hour, minute, second, tzinfo=UTC)
    ahead_ms = quarters * _QUARTER_MS * (1 if sign == b"+" else -1)
    return int(local.timestamp()) * 1000 + 100 * tenths - ahead_ms

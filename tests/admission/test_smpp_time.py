"""SMPP's absolute and relative times (v3.4 7.1.1)."""

import contextlib
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from luckgw.admission.smpp_time import smpp_time_ms

NOW = 1_700_000_000_000
SECOND, DAY = 1000, 86_400_000


def ms(*moment: int) -> int:
    """The unix milliseconds of a moment in UTC."""
    return int(datetime(*moment, tzinfo=UTC).timestamp()) * 1000  # type: ignore[misc,arg-type]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (b"231115103000000+", ms(2023, 11, 15, 10, 30)),
        (b"231115103000000-", ms(2023, 11, 15, 10, 30)),
        (b"231115103000004+", ms(2023, 11, 15, 9, 30)),
        (b"231115103000004-", ms(2023, 11, 15, 11, 30)),
        (b"231115103000048+", ms(2023, 11, 14, 22, 30)),
        (b"231115103000700+", ms(2023, 11, 15, 10, 30) + 700),
        (b"240229235959000+", ms(2024, 2, 29, 23, 59, 59)),
        (b"991231235959000+", ms(2099, 12, 31, 23, 59, 59)),
    ],
)
def test_absolute(text: bytes, expected: int) -> None:
    """Local time and its distance from UTC in quarters of an hour; now is no matter."""
    assert smpp_time_ms(text, NOW) == expected
    assert smpp_time_ms(text, 0) == expected


@pytest.mark.parametrize(
    ("text", "period"),
    [
        (b"000000000000000R", 0),
        (b"000000000010000R", 10 * SECOND),
        (b"000002000000000R", 2 * DAY),
        (b"000100000000000R", 30 * DAY),
        (b"010000000000000R", 365 * DAY),
        (b"020610233429000R", (2 * 365 + 6 * 30 + 10) * DAY + 84_869 * SECOND),
        (b"000000250000000R", 25 * 3600 * SECOND),
    ],
)
def test_relative(text: bytes, period: int) -> None:
    """A period from now; more hours than a day has are what they say."""
    assert smpp_time_ms(text, NOW) == NOW + period


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"231115103000000",
        b"231115103000000Z",
        b"231115103000000r",
        b"2311151030000000+",
        b" 31115103000000+",
        b"+31115103000000+",
        b"\xb2311151030000000+",
        b"231315103000000+",
        b"230229103000000+",
        b"231100103000000+",
        b"231115240000000+",
        b"231115106000000+",
        b"231115103060000+",
        b"231115103000049+",
        b"231115103000000+\n",
    ],
)
def test_what_is_none(text: bytes) -> None:
    """Wrong lengths and signs, days that do not exist, zones that do not either."""
    with pytest.raises(ValueError):
        smpp_time_ms(text, NOW)


@given(
    st.datetimes(datetime(2000, 1, 3), datetime(2099, 12, 28)),  # noqa: DTZ001 - local
    st.integers(0, 9),
    st.integers(-48, 48),
)
def test_any_moment_in_any_zone(local: datetime, tenths: int, quarters: int) -> None:
    """Is the moment that Python's own arithmetic says."""
    zone = timezone(timedelta(minutes=15 * quarters))
    moment = local.replace(microsecond=tenths * 100_000, tzinfo=zone)
    sign = "-" if quarters < 0 else "+"
    text = f"{local:%y%m%d%H%M%S}{tenths}{abs(quarters):02}{sign}".encode()
    epoch = datetime(1970, 1, 1, tzinfo=UTC)
    assert smpp_time_ms(text, NOW) == (moment - epoch) // timedelta(milliseconds=1)


@given(st.binary(max_size=20))
def test_any_octets(text: bytes) -> None:
    """Give a number or a ValueError."""
    with contextlib.suppress(ValueError):
        assert isinstance(smpp_time_ms(text, NOW), int)

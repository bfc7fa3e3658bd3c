"""Times, days, dates and counts as routes write them."""

import datetime as dt
from collections.abc import Callable

import pytest

from luckgw.config.hours import (
    parse_dates,
    parse_days,
    parse_segments,
    parse_time,
    parse_zone,
)


@pytest.mark.parametrize(
    ("text", "spans"),
    [
        ("08:00-20:30", ((480, 1230),)),
        ("00:00-24:00", ((0, 1440),)),
        ("22:00-06:00", ((1320, 1440), (0, 360))),
        ("22:00-00:00", ((1320, 1440),)),
    ],
)
def test_spans(text: str, spans: tuple[tuple[int, int], ...]) -> None:
    """In minutes of the day; over midnight in two halves."""
    assert parse_time(text) == spans


@pytest.mark.parametrize(
    ("text", "days"),
    [("mon", {0}), ("mon-fri", {0, 1, 2, 3, 4}), ("sat-mon", {5, 6, 0})],
)
def test_days(text: str, days: set[int]) -> None:
    """Also around the end of the week."""
    assert parse_days(text) == days


def test_dates() -> None:
    """One, or both ends."""
    assert parse_dates("2026-12-25") == (dt.date(2026, 12, 25), dt.date(2026, 12, 25))
    first, last = parse_dates("2026-12-24..2027-01-01")
    assert (first, last) == (dt.date(2026, 12, 24), dt.date(2027, 1, 1))


def test_zones() -> None:
    """Of the IANA database."""
    assert parse_zone("Africa/Accra").key == "Africa/Accra"


@pytest.mark.parametrize(
    ("text", "counts"), [("1", (1, 1)), ("2-4", (2, 4)), ("3+", (3, None))]
)
def test_segments(text: str, counts: tuple[int, int | None]) -> None:
    """From and to, or without an end."""
    assert parse_segments(text) == counts


@pytest.mark.parametrize(
    ("parse", "text"),
    [
        (parse_time, text)
        for text in ("8:00-9:00", "08:60-09:00", "24:00-25:00", "10:00-10:00", "10:00")
    ]
    + [(parse_days, text) for text in ("", "monday", "mon-", "-fri", "fri-x")]
    + [
        (parse_dates, text)
        for text in ("", "2026-13-01", "2026-01-02..2026-01-01", "2026-01-01..")
    ]
    + [(parse_zone, text) for text in ("", "Nowhere/Else", "../etc/passwd", "/etc")]
    + [(parse_segments, text) for text in ("", "0", "4-2", "+", "1000", "1-")],
)
def test_anything_else_is_refused(parse: Callable[[str], object], text: str) -> None:
    """With an example of what is right."""
    with pytest.raises(ValueError, match="must be"):
        parse(text)

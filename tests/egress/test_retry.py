from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from luckgw.egress.retry import ATTEMPTS, DELAYS_S, delay_after, parse_retry_after

MIDDLE = lambda: 0.5
NOW = 1_698_417_005.0  # Fri, 27 Oct 2023 14:30:05 GMT

randoms = st.floats(0, 1, exclude_max=True)
waits = st.none() | st.floats(0, 3600)


def test_schedule_is_the_one_promised() -> None:
    """0, 5 s, 5 min, 30 min, 2 h, 5 h, 10 h, 14 h, 20 h, 24 h; then parked."""
    minutes, hours = 60, 3600
    waits = [delay_after(attempt, None, MIDDLE) for attempt in range(1, 11)]
    assert waits == [
        5,
        5 * minutes,
        30 * minutes,
        2 * hours,
        5 * hours,
        10 * hours,
        14 * hours,
        20 * hours,
        24 * hours,
        None,
    ]
    assert sum(DELAYS_S) == 75 * hours + 35 * minutes + 5


@given(st.integers(1, ATTEMPTS - 1), randoms)
def test_jitter_is_a_fifth_either_way(attempt: int, random: float) -> None:
    """Never more, and both ends are reached."""
    wait = delay_after(attempt, None, lambda: random)
    planned = DELAYS_S[attempt]
    assert wait is not None
    assert 0.8 * planned <= wait <= 1.2 * planned
    assert delay_after(attempt, None, lambda: 0.0) == pytest.approx(0.8 * planned)


@given(st.integers(1, 99), waits, randoms)
def test_ends_after_ten_attempts(
    attempt: int, retry_after: float | None, random: float
) -> None:
    """Whatever the receiver asks for."""
    is_over = delay_after(attempt, retry_after, lambda: random) is None
    assert is_over == (attempt >= 10)


@given(st.integers(1, ATTEMPTS - 1), st.floats(0, 3600), randoms)
def test_receiver_is_never_called_sooner_than_it_asked(
    attempt: int, retry_after: float, random: float
) -> None:
    """Nor sooner than planned: the attempts would be over in no time."""
    chance: Callable[[], float] = lambda: random
    wait = delay_after(attempt, retry_after, chance)
    planned = delay_after(attempt, None, chance)
    assert wait is not None
    assert planned is not None
    assert wait == max(planned, retry_after)


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("120", 120.0),
        (" 0 ", 0.0),
        ("3600", 3600.0),
        ("3601", 3600.0),
        ("9" * 400, 3600.0),
        ("Fri, 27 Oct 2023 14:31:05 GMT", 60.0),
        ("Fri, 27 Oct 2023 14:29:05 GMT", 0.0),
        ("Sat, 28 Oct 2023 14:30:05 GMT", 3600.0),
        ("Fri, 27 Oct 99999 14:30:05 GMT", None),
        ("-1", None),
        ("1.5", None),
        ("²", None),
        ("soon", None),
        ("", None),
    ],
)
def test_retry_after_is_seconds_or_a_date(value: str, seconds: float | None) -> None:
    """RFC 9110 10.2.3; at most an hour, never negative; anything else says nothing."""
    assert parse_retry_after(value, NOW) == seconds


@given(st.text())
def test_any_retry_after_is_read_or_ignored(value: str) -> None:
    """A receiver's garbage harms nobody."""
    seconds = parse_retry_after(value, NOW)
    assert seconds is None or 0 <= seconds <= 3600

"""The token bucket: its rate over time, one second's worth at once."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from luckgw.admission.limits import TokenBucket


def test_no_limit() -> None:
    """Rate 0 lets everything through."""
    bucket = TokenBucket(0, now=5.0)
    assert all(bucket.take(5.0, 1000) == 0.0 for _ in range(1000))


def test_one_second_s_worth_at_once() -> None:
    """A burst passes, then the rate counts."""
    bucket = TokenBucket(10, now=100.0)
    assert [bucket.take(100.0) for _ in range(10)] == [0.0] * 10
    assert bucket.take(100.0) == pytest.approx(0.1)
    assert bucket.take(100.1) == 0.0
    assert bucket.take(100.1) > 0.0


def test_a_pause_saves_no_more_than_a_second() -> None:
    """After an hour of silence the burst is the same."""
    bucket = TokenBucket(10, now=0.0)
    assert sum(bucket.take(3600.0) == 0.0 for _ in range(100)) == 10


def test_segments_count() -> None:
    """A message of three segments costs three; what is refused costs nothing."""
    bucket = TokenBucket(10, now=0.0)
    assert bucket.take(0.0, 8) == 0.0
    assert bucket.take(0.0, 3) == pytest.approx(0.1)
    assert bucket.take(0.0, 2) == 0.0


def test_a_message_larger_than_the_bucket_passes_when_it_is_full() -> None:
    """And is paid for afterwards: a low rate is slow, not shut."""
    bucket = TokenBucket(2, now=0.0)
    assert bucket.take(0.0, 8) == 0.0
    assert bucket.take(0.0) == pytest.approx(3.5)
    assert bucket.take(3.0) == pytest.approx(0.5)
    assert bucket.take(3.5) == 0.0


def test_less_than_one_a_second() -> None:
    """A message every four seconds."""
    bucket = TokenBucket(0.25, now=0.0)
    assert bucket.take(0.0) == 0.0
    assert bucket.take(0.0) == pytest.approx(4.0)
    assert bucket.take(4.0) == 0.0


def test_a_clock_that_steps_back_gives_and_takes_nothing() -> None:
    """Time that was counted once is not counted again."""
    bucket = TokenBucket(1, now=100.0)
    assert bucket.take(100.0) == 0.0
    assert bucket.take(50.0) == pytest.approx(1.0)
    assert bucket.take(100.0) == pytest.approx(1.0)


@given(
    st.floats(0.1, 1000),
    st.lists(st.tuples(st.floats(0, 5), st.integers(1, 20)), max_size=30),
)
def test_never_more_than_the_rate_and_one_burst(
    rate: float, requests: list[tuple[float, int]]
) -> None:
    """Whatever is asked for when; and the wait that is told is long enough."""
    bucket = TokenBucket(rate, now=0.0)
    now, taken, largest = 0.0, 0, 0
    for pause, tokens in requests:
        now += pause
        largest = max(largest, tokens)
        wait = bucket.take(now, tokens)
        if wait:
            now += wait
            assert bucket.take(now, tokens) == 0.0
        taken += tokens
        assert taken <= (rate * now + max(rate, 1.0) + largest) * 1.0001

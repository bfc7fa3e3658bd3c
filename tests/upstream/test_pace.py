"""The pace of a bind follows what the carrier takes."""

import pytest

from luckgw.upstream.pace import (
    EVIDENCE,
    LONGEST_PAUSE_S,
    MEMORY_S,
    MOMENT,
    SELDOM,
    Pace,
)


def carrier(limit: float, seconds: int, latency: int = 5) -> tuple[int, int, float]:
    """A carrier that takes ``limit`` messages a second, in steps of 1 ms.

    Gives how many it took and threw back in the last half of the time, and the last
    rate. As many as the window of 50 lets are on their way for ``latency`` ms.
    """
    pace = Pace(0.0)
    tokens, taken, refused = limit, 0, 0
    under_way: list[tuple[int, bool]] = []
    for step in range(seconds * 1000):
        now = step / 1000
        tokens = min(limit, tokens + limit / 1000)
        pace.note(now)
        while under_way and under_way[0][0] <= step:
            _, is_taken = under_way.pop(0)
            if is_taken:
                pace.taken += 1
            else:
                pace.throttled(now, 1.0)
            if step > seconds * 500:
                taken, refused = taken + is_taken, refused + (not is_taken)
        while len(under_way) < 50 and not pace.is_paused(now):
            if pace.rate is not None:
                if not pace.allowance(now):
                    break
                pace.spend()
            is_taken = tokens >= 1
            tokens -= is_taken
            under_way.append((step + latency, is_taken))
    return taken, refused, pace.rate or 0.0


@pytest.mark.parametrize("limit", [20, 100, 1000])
def test_a_limit_is_found_and_kept(limit: int) -> None:
    """After a while few are thrown back, and most of the limit is used."""
    taken, refused, _ = carrier(limit, 60)
    assert refused < 0.06 * (taken + refused)
    assert taken > 0.55 * limit * 30


def test_without_throttling_there_is_no_limit() -> None:
    """A pace that was never told to slow down has no rate."""
    pace = Pace(0.0)
    pace.taken += 1000
    pace.note(2.0)
    assert pace.rate is None
    assert pace.allowance(2.0) > 0
    assert pace.wait() == 0.0


def test_a_rare_throttle_costs_a_moment() -> None:
    """One in a hundred: no rate, and a pause of 50 ms."""
    pace = Pace(0.0)
    for turn in range(1, 20):
        pace.taken += 100
        assert pace.throttled(turn * 0.2, 1.0) == pytest.approx(MOMENT)
        assert pace.rate is None


def test_pauses_double_while_nothing_is_taken() -> None:
    """1, 2, 4 ... 30 s; answers within a pause change nothing."""
    pace, now, pauses = Pace(0.0), 0.0, []
    for _ in range(7):
        pauses.append(pace.throttled(now, 1.0))
        assert pace.throttled(now, 1.0) == 0.0
        assert pace.is_paused(now)
        now += pauses[-1]
        assert not pace.is_paused(now)
    assert pauses == [1, 2, 4, 8, 16, LONGEST_PAUSE_S, LONGEST_PAUSE_S]
    assert pace.throttled(now + LONGEST_PAUSE_S + MEMORY_S, 1.0) == 1.0


def test_the_rate_is_halved_then_grows_by_a_tenth_a_second() -> None:
    """From what was taken in the last second; in the end there is no limit again."""
    pace = Pace(0.0)
    pace.taken += EVIDENCE
    assert pace.throttled(0.1, 1.0) == 1.0
    first = EVIDENCE / 0.1 / 2
    assert pace.rate == pytest.approx(first)
    assert pace.allowance(1.1) == 0  # no tokens are gained in a pause
    assert pace.allowance(2.1) >= 1
    assert pace.rate == pytest.approx(first * 1.1)
    assert pace.wait() == pytest.approx(0.001)
    pace.taken += SELDOM - 1
    pace.throttled(2.1, 1.0)
    assert pace.rate == pytest.approx(first * 1.1 / 2)
    pace.allowance(3.1)
    pace.allowance(200.0)
    assert pace.rate is None
    assert pace.allowance(200.0) == 1

"""Timers: arithmetic, shown as tables of seconds (spec/reliability 2.5)."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from luckgw.wire.timers import Link, LinkTimer, Recent, is_due

FINE, PROBE, DEAD = Link.FINE, Link.PROBE, Link.DEAD


@pytest.mark.parametrize(
    ("since", "limit", "now", "due"),
    [
        (100.0, 10, 109.9, False),
        (100.0, 10, 110.0, True),
        (100.0, 10, 200.0, True),
        (100.0, 0, 1e9, False),
        (None, 10, 1e9, False),
    ],
)
def test_due(since: float | None, limit: float, now: float, due: bool) -> None:
    """After the limit; never without a start, and never when it is turned off."""
    assert is_due(since, limit, now) is due


@pytest.mark.parametrize(
    "table",
    [
        pytest.param(
            [(29.9, FINE), (30, PROBE), (44.9, FINE), (45, PROBE), (59.9, FINE),
             (60, DEAD)],
            id="silence: 30 + 15 + 15 = 60 s",
        ),
        pytest.param(
            [(30, PROBE), (44, "heard"), (45, FINE), (73.9, FINE), (74, PROBE),
             (89, PROBE), (104, DEAD)],
            id="any sign of life starts again",
        ),
        pytest.param(
            [(30, PROBE), (45, PROBE), (59, "heard"), (60, FINE), (89, PROBE)],
            id="also after the second enquire_link",
        ),
        pytest.param(
            [(500, PROBE), (514, FINE), (515, PROBE), (530, DEAD)],
            id="a late look asks first",
        ),
    ],
)  # fmt: skip
def test_the_link(table: list[tuple[float, Link | str]]) -> None:
    """What is due at each second, for 30 s of silence and 15 s for an answer."""
    timer = LinkTimer(30, 15, 0.0)
    for now, expected in table:
        if expected == "heard":
            timer.heard(now)
        else:
            assert timer.check(now) is expected, now


def test_a_link_timer_can_be_off() -> None:
    """With 0 it never asks, and nobody is dead."""
    timer = LinkTimer(0, 15, 0.0)
    assert timer.check(1e9) is FINE


@given(st.lists(st.floats(0, 40), max_size=30))
def test_a_peer_that_answers_within_15_s_never_dies(waits: list[float]) -> None:
    """Whenever it speaks, as long as it answers each enquire_link in time."""
    timer = LinkTimer(30, 15, 0.0)
    now = 0.0
    for wait in waits:
        now += wait
        if timer.check(now) is PROBE:
            now += 14.9
            assert timer.check(now) is FINE
            timer.heard(now)


@pytest.mark.parametrize(
    ("times", "counts"),
    [
        ([0, 1, 2], [1, 2, 3]),
        ([0, 9.9, 10, 11], [1, 2, 2, 3]),
        ([0, 0, 0, 0, 0, 0], [1, 2, 3, 4, 4, 4]),
        ([0, 100, 200], [1, 1, 1]),
    ],
)
def test_recent(times: list[float], counts: list[int]) -> None:
    """How many within 10 s, up to 4; more are not told apart."""
    recent = Recent(10.0, 4)
    assert [recent.add(at) for at in times] == counts


def test_a_doubt_asks_at_once_and_only_once() -> None:
    """Then the same tries and times as after silence; with enquire_link off, never."""
    link = LinkTimer(enquire_link_s=30, link_response_s=15, heard_at=0)
    assert [link.ask(5), link.ask(6), link.check(19)] == [Link.PROBE, *[Link.FINE] * 2]
    assert [link.check(20), link.check(34), link.check(35)] == [
        Link.PROBE,
        Link.FINE,
        Link.DEAD,
    ]
    link.heard(36)
    assert link.ask(37) is Link.PROBE
    off = LinkTimer(enquire_link_s=0, link_response_s=15, heard_at=0)
    assert [off.ask(5), off.check(100)] == [Link.FINE, Link.FINE]

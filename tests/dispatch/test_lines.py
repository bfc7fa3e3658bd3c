import attrs
from hypothesis import given
from hypothesis import strategies as st

from luckgw.dispatch.breaker import FAILURES, PROBE_S, Breaker
from luckgw.dispatch.lines import STALE_MS, Lines


@attrs.frozen
class Event:
    """An event of message ``message_id``."""

    message_id: bytes
    key: bytes


A, B, C, D = (Event(b"m", each) for each in (b"a", b"b", b"c", b"d"))
OTHER = Event(b"n", b"o")


class TestLines:
    def test_one_after_the_other(self) -> None:
        """Of one message the first goes; the next when that is done with."""
        lines: Lines[Event] = Lines()
        assert [lines.enter(each, 0) for each in (A, B, C)] == [None] * 3
        assert [lines.is_first(each) for each in (A, B, C)] == [True, False, False]
        assert [lines.done(A), lines.done(B), lines.done(C)] == [B, C, None]
        assert len(lines) == 0

    def test_messages_do_not_wait_for_each_other(self) -> None:
        """Each has its own line."""
        lines: Lines[Event] = Lines()
        lines.enter(A, 0)
        lines.enter(OTHER, 0)
        assert lines.is_first(OTHER)

    def test_all_behind_a_failure_are_put_off(self) -> None:
        """To a time after it, in their order; and what comes new goes behind them."""
        lines: Lines[Event] = Lines()
        for each in (A, B, C):
            lines.enter(each, 0)
        assert lines.put_off(A, 100) == [(A, 100), (B, 101), (C, 102)]
        assert lines.enter(D, 50) == 103
        assert [lines.enter(each, 105) for each in (A, B, C, D)] == [None] * 4
        assert lines.is_first(A)
        assert [lines.done(each) for each in (A, B, C, D)] == [B, C, D, None]
        assert len(lines) == 0

    def test_what_comes_back_too_soon_is_put_off_again(self) -> None:
        """The first failed once more: those behind it wait for it, however often."""
        lines: Lines[Event] = Lines()
        lines.enter(A, 0)
        lines.enter(B, 0)
        lines.put_off(A, 100)
        assert lines.enter(A, 100) is None
        assert lines.put_off(A, 9000) == [(A, 9000)]
        assert lines.enter(B, 101) == 9001
        assert lines.enter(C, 200) == 9002
        assert lines.enter(A, 9000) is None
        assert lines.enter(B, 9001) is None
        assert lines.enter(C, 9002) is None
        assert not lines.is_first(B)

    def test_another_node_took_the_first(self) -> None:
        """When its time is over and it did not come, those behind it go."""
        lines: Lines[Event] = Lines()
        for each in (A, B, C):
            lines.enter(each, 0)
        lines.put_off(A, 100)
        assert lines.enter(C, 102) is None
        assert lines.is_first(C)

    def test_who_leaves_comes_back_in_order(self) -> None:
        """What is given back unsent keeps its place before what is put off."""
        lines: Lines[Event] = Lines()
        lines.enter(A, 0)
        lines.put_off(A, 100)
        lines.enter(B, 0)
        lines.enter(A, 100)
        assert lines.leave(A, 100) == [A]
        assert lines.enter(B, 101) == 100 + STALE_MS + 1
        assert lines.enter(A, 102) is None
        assert lines.enter(B, 103) is None
        assert lines.leave(A, 104) == [A, B]
        assert len(lines) == 0

    def test_lines_that_nobody_comes_back_to_are_forgotten(self) -> None:
        """What another node took costs no memory for ever; what waits here stays."""
        lines: Lines[Event] = Lines()
        lines.enter(A, 0)
        lines.put_off(A, 100)
        lines.enter(OTHER, 0)
        lines.forget_stale(0)
        lines.forget_stale(STALE_MS - 1)
        assert len(lines) == 2
        lines.forget_stale(STALE_MS + 100)
        assert len(lines) == 2
        lines.forget_stale(2 * STALE_MS + 101)
        assert len(lines) == 1
        assert lines.is_first(OTHER)

    @given(st.data())
    def test_the_order_holds(self, data: st.DataObject) -> None:
        """However often attempts fail, and whatever comes in between: the events of a
        message are done in the order in which they came.
        """
        lines: Lines[Event] = Lines()
        events = [Event(b"m", bytes([n])) for n in range(6)]
        fresh, here = [*events], list[Event]()
        away: dict[Event, int] = {}
        done: list[Event] = []
        for now in range(100):
            due = sorted((at, e.key, e) for e, at in away.items() if at <= now)
            can_come, can_try = bool(due or fresh), bool(here)
            step = data.draw(
                st.sampled_from(
                    ["wait"] + ["come"] * can_come + ["done", "fails"] * can_try
                )
            )
            if step == "come":
                event = due[0][2] if due else fresh.pop(0)
                away.pop(event, None)
                back_at = lines.enter(event, now)
                if back_at is None:
                    here.append(event)
                else:
                    away[event] = back_at
            elif step == "done":
                lines.done(here[0])
                done.append(here.pop(0))
            elif step == "fails":
                wait = data.draw(st.integers(1, 9))
                away.update(lines.put_off(here[0], now + wait))
                here.clear()
            assert not here or lines.is_first(here[0])
        assert done == events[: len(done)]


class TestBreaker:
    def test_open_after_too_many_failures_in_a_row(self) -> None:
        """Then one call in 30 seconds; a success closes it."""
        breaker = Breaker()
        assert [breaker.failed(0.0) for _ in range(FAILURES - 1)] == [False] * 9
        breaker.succeeded()
        assert [breaker.failed(0.0) for _ in range(FAILURES)] == [False] * 9 + [True]
        assert breaker.is_open
        assert not breaker.may_call(PROBE_S - 1)
        assert breaker.may_call(PROBE_S)
        assert not breaker.failed(PROBE_S)
        assert not breaker.may_call(2 * PROBE_S - 1)
        breaker.succeeded()
        assert not breaker.is_open
        assert breaker.may_call(2 * PROBE_S - 1)

from collections.abc import Callable

from hypothesis import given
from hypothesis import strategies as st
from twisted.internet.task import Clock

from luckgw.sandbox.agenda import Agenda


def note(log: list[int], number: int) -> Callable[[], None]:
    """An action that says that it ran."""
    return lambda: log.append(number)


@given(st.lists(st.integers(0, 20), max_size=20))
def test_all_is_done_in_time_and_in_order(delays: list[int]) -> None:
    """Each action runs at its second, those of one second in the order given."""
    clock, log = Clock(), list[int]()
    agenda = Agenda(clock)
    for number, delay in enumerate(delays):
        agenda.after(delay, note(log, number))
    for second in range(21):
        clock.advance(0 if second == 0 else 1)
        due = [n for n, delay in enumerate(delays) if delay <= second]
        assert sorted(log) == due
    assert log == sorted(range(len(delays)), key=lambda n: (delays[n], n))
    assert len(agenda) == 0
    assert clock.getDelayedCalls() == []


def test_one_timer_for_all() -> None:
    """However much waits, the reactor holds one call."""
    clock, log = Clock(), list[int]()
    agenda = Agenda(clock)
    for number in range(100):
        agenda.after(100 - number, note(log, number))
    assert len(agenda) == 100
    assert len(clock.getDelayedCalls()) == 1


def test_an_action_may_give_more_to_do() -> None:
    """What is added while something runs is done in its own time."""
    clock, log = Clock(), list[int]()
    agenda = Agenda(clock)
    agenda.after(1, lambda: agenda.after(2, note(log, 1)))
    clock.advance(1)
    assert len(agenda) == 1
    clock.advance(2)
    assert log == [1]


def test_clear_leaves_nothing() -> None:
    """No action runs after it, and the reactor holds no call."""
    clock, log = Clock(), list[int]()
    agenda = Agenda(clock)
    agenda.after(1, note(log, 1))
    agenda.clear()
    assert clock.getDelayedCalls() == []
    clock.advance(2)
    assert log == []
    agenda.clear()

"""The window: never too full, and each request ends exactly once."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    MultipleResults,
    RuleBasedStateMachine,
    invariant,
    multiple,
    precondition,
    rule,
)

from luckgw.wire.pdus import Command
from luckgw.wire.window import MAX_OWN, MAX_SEQUENCE, MAX_TOMBSTONES, Window, WindowFull

SUBMIT_SM_RESP = Command.SUBMIT_SM_RESP
DATA_SM_RESP = Command.DATA_SM_RESP
NACK = Command.GENERIC_NACK
SIZE = 3
RESPONSE_S = 60.0


class Requests(RuleBasedStateMachine):
    """A window against a model: what is open, what is late, what is over."""

    sequences: Bundle[int] = Bundle("sequences")

    def __init__(self) -> None:
        super().__init__()
        self.window = Window(SIZE, RESPONSE_S)
        self.now = 0.0
        self.opened = 0
        self.waiting: dict[int, tuple[int, int, float]] = {}
        self.late: dict[int, tuple[int, int]] = {}
        self.ended: list[int] = []

    @rule(target=sequences, response=st.sampled_from([SUBMIT_SM_RESP, DATA_SM_RESP]))
    def open(self, response: int) -> int | MultipleResults[int]:
        """A request is sent if there is room, else refused."""
        if len(self.waiting) >= SIZE:
            with pytest.raises(WindowFull):
                self.window.open(response, "refused", self.now)
            return multiple()
        sequence = self.window.open(response, self.opened, self.now)
        assert 1 <= sequence <= MAX_SEQUENCE
        assert sequence not in self.waiting
        assert sequence not in self.late
        self.waiting[sequence] = (self.opened, response, self.now + RESPONSE_S)
        self.opened += 1
        return sequence

    @rule(
        sequence=sequences,
        response=st.sampled_from([SUBMIT_SM_RESP, DATA_SM_RESP, NACK]),
    )
    def answer(self, sequence: int, response: int) -> None:
        """Any response to any number ever used, any number of times."""
        settled = self.window.settle(sequence, response)
        expected = self.waiting.get(sequence)
        if expected and response in (expected[1], NACK):
            assert settled is not None
            assert settled[0] == expected[0]
            del self.waiting[sequence]
            self.ended.append(expected[0])
            return
        assert settled is None
        late = self.window.settle_late(sequence, response)
        tombstone = self.late.get(sequence)
        if tombstone and response in (tombstone[1], NACK):
            assert late is not None
            assert late[0] == tombstone[0]
            del self.late[sequence]
        else:
            assert late is None

    @rule(seconds=st.sampled_from([1.0, 30.0, 59.9, 60.0]))
    def wait(self, seconds: float) -> None:
        """Time passes; what is overdue ends, the oldest first."""
        self.now += seconds
        due = [s for s, (_, _, at) in self.waiting.items() if at <= self.now]
        overdue = self.window.expire(self.now)
        assert [waiting[0] for waiting in overdue] == [self.waiting[s][0] for s in due]
        for sequence in due:
            context, response, _ = self.waiting.pop(sequence)
            self.late[sequence] = (context, response)
            self.ended.append(context)

    @rule()
    def near_the_wrap(self) -> None:
        """The numbers are nearly used up."""
        self.window._sequence = MAX_SEQUENCE - 1

    @precondition(lambda self: self.opened > 3)
    @rule()
    def drain(self) -> None:
        """The connection is lost: all that waits is given back, the oldest first."""
        contexts = self.window.drain()
        assert contexts == [context for context, _, _ in self.waiting.values()]
        self.ended += [context for context, _, _ in self.waiting.values()]
        self.waiting.clear()
        self.late.clear()

    @invariant()
    def size_is_kept(self) -> None:
        """Never more than SIZE wait, and the window knows how many."""
        assert len(self.window) == len(self.waiting) <= SIZE
        for sequence in self.waiting:
            assert self.window.waits(sequence)

    @invariant()
    def each_ends_once(self) -> None:
        """What was opened waits or has ended, never both and never twice."""
        waiting = [context for context, _, _ in self.waiting.values()]
        contexts = [*self.ended, *waiting]
        assert sorted(contexts) == list(range(self.opened))


Requests.TestCase.settings = settings(max_examples=40, stateful_step_count=40)
TestRequests = Requests.TestCase


def test_numbers_wrap_and_skip_what_is_outstanding() -> None:
    """1 follows 0x7FFFFFFF; a number that still waits, in any way, is skipped."""
    window = Window(10, RESPONSE_S)
    assert [window.open(SUBMIT_SM_RESP, n, 0.0) for n in range(2)] == [1, 2]
    window.expire(RESPONSE_S)  # 1 and 2 become tombstones
    assert window.open(SUBMIT_SM_RESP, "x", RESPONSE_S) == 3
    assert window.open_own(Command.ENQUIRE_LINK_RESP) == 4
    window._sequence = MAX_SEQUENCE - 1
    assert window.open(SUBMIT_SM_RESP, "y", RESPONSE_S) == MAX_SEQUENCE
    assert window.open(SUBMIT_SM_RESP, "z", RESPONSE_S) == 5
    window.settle(3, SUBMIT_SM_RESP)
    window._sequence = MAX_SEQUENCE
    assert window.open(SUBMIT_SM_RESP, "a", RESPONSE_S) == 3


@given(st.integers(0, 5))
def test_a_window_can_be_closed(size: int) -> None:
    """Size 0 lets nothing in; what waits already is not touched."""
    window = Window(size, RESPONSE_S)
    for n in range(size):
        window.open(SUBMIT_SM_RESP, n, 0.0)
    window.size = 0
    with pytest.raises(WindowFull):
        window.open(SUBMIT_SM_RESP, "x", 0.0)
    assert window.drain() == list(range(size))


def test_tombstones_are_bounded() -> None:
    """A peer that never answers costs so much memory and no more; the oldest go."""
    window = Window(1, 1.0)
    for n in range(MAX_TOMBSTONES + 5):
        window.open(SUBMIT_SM_RESP, n, float(n))
        window.expire(float(n + 1))
    assert window.settle_late(5, SUBMIT_SM_RESP) is None
    oldest = window.settle_late(6, SUBMIT_SM_RESP)
    assert oldest is not None
    assert oldest[0] == 5


def test_the_sessions_own_requests_take_no_place() -> None:
    """bind, enquire_link and unbind are matched too, on number and type."""
    window = Window(0, RESPONSE_S)
    number = window.open_own(Command.ENQUIRE_LINK_RESP)
    assert len(window) == 0
    assert window.settle_own(number, Command.UNBIND_RESP) == 0
    assert window.settle_own(number, Command.ENQUIRE_LINK_RESP) == 0x80000015
    assert window.settle_own(number, Command.ENQUIRE_LINK_RESP) == 0
    refused = window.open_own(Command.UNBIND_RESP)
    assert window.settle_own(refused, NACK) == Command.UNBIND_RESP


def test_own_requests_are_bounded() -> None:
    """A peer that never answers enquire_link costs no memory."""
    window = Window(0, RESPONSE_S)
    numbers = [window.open_own(Command.ENQUIRE_LINK_RESP) for _ in range(MAX_OWN + 1)]
    matched = [
        bool(window.settle_own(number, Command.ENQUIRE_LINK_RESP)) for number in numbers
    ]
    assert matched == [False] + [True] * MAX_OWN

"""What every upstream promises: the suite that a new type of it has to pass.

An upstream is bound to it by a class in the tests that says how to make one, with a
carrier at its other end::

    class TestMyUpstream(UpstreamContract):
        @pytest.fixture
        def peer(self) -> UpstreamUnderTest: ...

and, in a conftest.py, so that a failed assertion shows its values::

    pytest.register_assert_rewrite("luckgw.testing.upstream_contract")

Nothing moves by itself: time and octets wait for ``turn``.
"""
# ruff: noqa: S101, S311, PLR2004 - tests assert, draw lots, and numbers are the promise

import random
from collections import Counter
from collections.abc import Callable
from typing import Any, Final, Protocol

import pytest

from luckgw.domain.status import Status
from luckgw.upstream.interface import Reply, Upstream
from luckgw.wire.pdus import Sm, decode_sm, encode_sm

BACK_S: Final = 120.0
"""By then an upstream whose links were lost has found its carrier again."""
END_S: Final = 15.0
"""A drain takes no longer than this beyond what it was given."""


class UpstreamUnderTest(Protocol):
    """An upstream that was not started yet, and its carrier, which takes every bind,
    keeps every link alive, and answers a submit when the test says so.
    """

    @property
    def upstream(self) -> Upstream:
        """What is tested."""
        ...

    @property
    def answer_s(self) -> float:
        """How long a submit waits for its answer before it is uncertain."""
        ...

    def turn(self, seconds: float = 0.0) -> None:
        """Let everything move that can, then so much time pass."""
        ...

    def taken(self) -> list[bytes]:
        """The bodies that the carrier got and did not answer, in the order they came.

        What came over a link that was lost since is not among them.
        """
        ...

    def answer(self, at: int, command_status: int, message_id: bytes) -> None:
        """The carrier answers what is at this place of ``taken``."""
        ...

    def deliver(self, body: bytes) -> None:
        """The carrier delivers this deliver_sm body."""
        ...

    def replies(self) -> list[int]:
        """The command_status of each answer to what was delivered, so far."""
        ...

    def cut(self) -> None:
        """Every link is lost at once. The carrier can be reached again."""
        ...

    def timers(self) -> int:
        """How many timers run."""
        ...


class Ledger:
    """A Listener that keeps a book on every submit, and complains of wrong entries."""

    def __init__(self) -> None:
        self.fates: dict[object, list[str]] = {}
        self.answers: dict[object, tuple[int, bytes]] = {}
        self.may_come: dict[object, bool] = {}
        self.complaints: list[str] = []
        self.changes = 0
        self.deliveries: list[tuple[bytes, Reply]] = []
        self.unread: list[tuple[int, int, bytes]] = []

    def _enter(self, context: object, word: str, *before: str) -> None:
        fate = self.fates.setdefault(context, [])
        if fate != list(before):
            self.complaints.append(f"{context}: {word} after {fate}")
        fate.append(word)

    def answered(
        self, context: object, command_status: int, message_id: bytes, *, late: bool
    ) -> None:
        """As Listener: after nothing, or late and after uncertain."""
        if late:
            self._enter(context, "late", "uncertain")
        else:
            self._enter(context, "answered")
        self.answers[context] = command_status, message_id

    def uncertain(self, contexts: list[object], *, may_come: bool) -> None:
        """As Listener: after nothing."""
        for context in contexts:
            self._enter(context, "uncertain")
            self.may_come[context] = may_come

    def received(self, sm: Sm, reply: Reply) -> None:
        """As Listener."""
        self.deliveries.append((sm.short_message, reply))

    def unreadable(self, command_id: int, command_status: int, body: bytes) -> None:
        """As Listener."""
        self.unread.append((command_id, command_status, body))

    def changed(self) -> None:
        """As Listener."""
        self.changes += 1


class House:
    """The upstream, its carrier, and the ledger between the two."""

    def __init__(self, peer: UpstreamUnderTest) -> None:
        self.peer = peer
        self.upstream = peer.upstream
        self.ledger = Ledger()
        self.sent: list[int] = []
        """The contexts of all submits so far: their numbers."""

    def start(self) -> None:
        """Start it and let it come up."""
        self.upstream.start(self.ledger)
        self.peer.turn()

    def submit(self, count: int) -> list[object]:
        """Send so many; what carried each."""
        carried: list[object] = []
        for _ in range(count):
            number = len(self.sent)
            self.sent.append(number)
            carried.append(self.upstream.submit(body(number), number))
        return carried

    def fill(self) -> int:
        """Send as many as there is room for; how many."""
        room = self.upstream.room
        self.submit(room)
        self.peer.turn()
        return room

    def come_back(self) -> None:
        """Wait until there is room."""
        for _ in range(int(BACK_S)):
            if self.upstream.room > 0:
                return
            self.peer.turn(1.0)
        raise AssertionError(f"no room for {BACK_S:.0f} s")

    @property
    def fates(self) -> Counter[tuple[str, ...]]:
        """How many submits had which fate."""
        return Counter(tuple(self.ledger.fates.get(each, [])) for each in self.sent)

    def drain(self, timeout_s: float) -> list[Any]:
        """Drain it: here it is told that it is over."""
        told: list[Any] = []
        self.upstream.drain(timeout_s).addCallback(told.append)
        return told


def body(number: int) -> bytes:
    """A submit_sm body that can be told from others."""
    return encode_sm(
        source_addr=b"Luck",
        dest_addr_ton=1,
        dest_addr_npi=1,
        destination_addr=b"233501234567",
        registered_delivery=1,
        short_message=b"%d" % number,
    )


def number_of(submitted: bytes) -> int:
    """The number that ``body`` was made of."""
    return int(decode_sm(submitted).short_message)


class UpstreamContract:
    """The promises."""

    @pytest.fixture
    def house(self, peer: UpstreamUnderTest) -> House:
        """An upstream that is up."""
        house = House(peer)
        house.start()
        return house

    # -- up and down -------------------------------------------------------------------

    def test_before_it_is_up(self, peer: UpstreamUnderTest) -> None:
        """Nothing can be sent to a carrier that has not been reached."""
        upstream = peer.upstream
        assert (upstream.is_up, upstream.room, upstream.capacity) == (False, 0, 0)

    def test_up(self, house: House) -> None:
        """It comes up by itself, says so, and has all its room."""
        upstream = house.upstream
        assert upstream.is_up
        assert upstream.room == upstream.capacity > 0
        assert house.ledger.changes > 0
        assert upstream.status() != []

    # -- submits -----------------------------------------------------------------------

    def test_room_is_what_it_says(self, house: House) -> None:
        """So many can be sent at once, all arrive once, and then there is no room."""
        room = house.fill()
        assert house.upstream.room == 0
        assert house.upstream.capacity == room
        assert house.upstream.is_up
        assert sorted(map(number_of, house.peer.taken())) == house.sent
        assert sum(each.in_flight for each in house.upstream.status()) == room

    def test_a_body_goes_as_it_is(self, house: House) -> None:
        """Octet for octet."""
        house.submit(1)
        house.peer.turn()
        assert house.peer.taken() == [body(0)]

    @pytest.mark.parametrize("status", [0x00, 0x08, 0x0B, 0x14, 0x58, 0x64, 0x4FF])
    def test_an_answer_is_told(self, house: House, status: int) -> None:
        """With its status, whatever the number, and for a success the carrier's id."""
        house.submit(1)
        house.peer.turn()
        house.peer.answer(0, status, b"4F2A")
        house.peer.turn()
        told, message_id = house.ledger.answers[0]
        assert told == status
        assert message_id == b"4F2A" or status
        assert house.fates == {("answered",): 1}

    def test_an_answer_makes_room(self, house: House) -> None:
        """And that is told, so that more can be sent."""
        house.fill()
        changes = house.ledger.changes
        house.peer.answer(0, 0, b"id")
        house.peer.turn()
        assert house.upstream.room == 1
        assert house.ledger.changes > changes

    def test_answers_in_any_order(self, house: House) -> None:
        """Each goes to its own submit."""
        house.fill()
        expected = {}
        while taken := house.peer.taken():
            number = number_of(taken[-1])
            expected[number] = (0, b"id%d" % number)
            house.peer.answer(len(taken) - 1, 0, b"id%d" % number)
            house.peer.turn()
        assert house.ledger.answers == expected
        assert house.upstream.room == house.upstream.capacity

    def test_no_answer(self, house: House) -> None:
        """It is uncertain when its time is over, once, and has no place any more."""
        house.submit(1)
        house.peer.turn(house.peer.answer_s + 5)
        assert house.fates == {("uncertain",): 1}
        assert house.upstream.room == house.upstream.capacity
        house.peer.turn(house.peer.answer_s + 5)
        assert house.fates == {("uncertain",): 1}

    def test_a_late_answer(self, house: House) -> None:
        """It is told as late if it was said that it may come, and never otherwise."""
        house.submit(1)
        house.peer.turn(house.peer.answer_s + 5)
        if house.peer.taken():
            house.peer.answer(0, 0, b"id")
            house.peer.turn()
        if house.ledger.may_come[0]:
            assert house.fates == {("uncertain", "late"): 1}
            assert house.ledger.answers[0] == (0, b"id")
        else:
            assert house.fates == {("uncertain",): 1}

    def test_one_that_is_held_back(self, house: House) -> None:
        """What carried it has no room for a while; the end of it is told."""
        [via] = house.submit(1)
        house.peer.turn()
        house.peer.answer(0, Status.ESME_RTHROTTLED, b"")
        house.peer.turn()
        before = house.upstream.room
        house.upstream.hold_back(via, 2.0)
        assert house.upstream.room < before
        assert house.upstream.is_up
        changes = house.ledger.changes
        house.peer.turn(3.0)
        assert house.upstream.room == before
        assert house.ledger.changes > changes

    # -- links -------------------------------------------------------------------------

    def test_a_lost_link(self, house: House) -> None:
        """What was answered stays so, all else is uncertain; then it is back."""
        room = house.fill()
        house.peer.answer(0, 0, b"id")
        house.peer.turn()
        changes = house.ledger.changes
        house.peer.cut()
        upstream = house.upstream
        assert (upstream.is_up, upstream.room, upstream.capacity) == (False, 0, 0)
        assert house.fates == +Counter({("answered",): 1, ("uncertain",): room - 1})
        assert not any(house.ledger.may_come.values())
        assert house.ledger.changes > changes
        house.come_back()
        house.peer.turn(BACK_S)
        assert house.upstream.is_up
        assert house.upstream.room == room
        assert house.fates == +Counter({("answered",): 1, ("uncertain",): room - 1})

    def test_a_link_that_is_lost_after_the_time_was_over(self, house: House) -> None:
        """Uncertain already: that is not told again."""
        house.submit(1)
        house.peer.turn(house.peer.answer_s + 5)
        house.peer.cut()
        house.come_back()
        assert house.fates == {("uncertain",): 1}

    def test_lost_again_and_again(self, house: House) -> None:
        """It always comes back, and never sends a thing twice by itself."""
        for _ in range(4):
            house.come_back()
            house.submit(1)
            house.peer.turn()
            assert [number_of(each) for each in house.peer.taken()] == house.sent[-1:]
            house.peer.cut()
        assert house.fates == {("uncertain",): 4}

    # -- what the carrier delivers -----------------------------------------------------

    def test_a_delivery_is_answered_when_it_is_safe(self, house: House) -> None:
        """Nothing goes back before the listener says so."""
        house.peer.deliver(body(7))
        house.peer.turn(2.0)
        [(text, reply)] = house.ledger.deliveries
        assert text == b"7"
        assert house.peer.replies() == []
        reply(0)
        house.peer.turn()
        assert house.peer.replies() == [0]

    def test_a_delivery_that_can_not_be_kept(self, house: House) -> None:
        """The carrier is told to try again."""
        house.peer.deliver(body(7))
        house.peer.turn()
        house.ledger.deliveries[0][1](Status.ESME_RX_T_APPN)
        house.peer.turn()
        assert house.peer.replies() == [Status.ESME_RX_T_APPN]

    def test_a_delivery_whose_link_is_lost(self, house: House) -> None:
        """The answer comes too late, and does no harm."""
        house.peer.deliver(body(7))
        house.peer.turn()
        house.peer.cut()
        house.ledger.deliveries[0][1](0)
        house.peer.turn()
        assert house.peer.replies() == []

    # -- the end -----------------------------------------------------------------------

    def test_draining(self, house: House) -> None:
        """Nothing new; what is under way is awaited; then all is over."""
        room = house.fill()
        told = house.drain(30.0)
        assert (house.upstream.room, house.upstream.is_up) == (0, False)
        house.peer.turn(5.0)
        assert told == []
        while house.peer.taken():
            house.peer.answer(0, 0, b"id")
            house.peer.turn()
            assert house.upstream.room == 0
        house.peer.turn(END_S)
        assert told == [None]
        assert house.fates == {("answered",): room}
        assert house.peer.timers() == 0

    def test_draining_takes_deliveries(self, house: House) -> None:
        """Receipts of what is under way still come in."""
        house.fill()
        house.drain(30.0)
        house.peer.deliver(body(7))
        house.peer.turn()
        house.ledger.deliveries[0][1](0)
        house.peer.turn()
        assert house.peer.replies() == [0]

    def test_draining_ends_in_time(self, house: House) -> None:
        """What is not answered by then is uncertain."""
        room = house.fill()
        told = house.drain(3.0)
        house.peer.turn(3.0 + END_S)
        assert told == [None]
        assert house.fates == {("uncertain",): room}
        assert house.peer.timers() == 0

    def test_draining_while_it_is_down(self, house: House) -> None:
        """It does not come up again."""
        house.peer.cut()
        told = house.drain(3.0)
        house.peer.turn(BACK_S)
        assert told == [None]
        assert not house.upstream.is_up
        assert house.peer.timers() == 0

    def test_draining_before_the_start(self, peer: UpstreamUnderTest) -> None:
        """There is nothing to wait for."""
        told = House(peer).drain(3.0)
        peer.turn()
        assert told == [None]
        assert peer.timers() == 0

    # -- all of it ---------------------------------------------------------------------

    @pytest.mark.parametrize("seed", range(20))
    def test_whatever_happens(self, house: House, seed: int) -> None:
        """In any order of things: no more room than capacity, never more at the carrier
        than that, and of every submit one fate, which only a late answer may follow.
        """
        lots = random.Random(seed)
        steps: list[Callable[[], object]] = [
            lambda: house.submit(lots.randint(0, house.upstream.room)),
            lambda: _answer_some(house, lots),
            lambda: house.peer.turn(lots.choice([0.0, 0.3, house.peer.answer_s / 2])),
            lambda: _hold_one_back(house),
            lambda: _cut_sometimes(house, lots),
        ]
        for _ in range(10_000):
            if len(house.sent) > 100:
                break
            lots.choices(steps, [5, 5, 3, 1, 1])[0]()
            assert 0 <= house.upstream.room <= house.upstream.capacity
        told = house.drain(5.0)
        house.peer.turn(5.0 + END_S)
        assert told == [None]
        assert house.ledger.complaints == []
        assert set(house.fates) <= {
            ("answered",),
            ("uncertain",),
            ("uncertain", "late"),
        }
        assert len(house.sent) > 100
        assert house.peer.timers() == 0


def _answer_some(house: House, lots: random.Random) -> None:
    """The carrier answers some of what it has, in any order."""
    house.peer.turn()
    for _ in range(lots.randint(0, 10)):
        if taken := house.peer.taken():
            status = lots.choice([0, 0, 0, 0x08, 0x58, 0x0B])
            house.peer.answer(lots.randrange(len(taken)), status, b"id")
    house.peer.turn()


def _cut_sometimes(house: House, lots: random.Random) -> None:
    if lots.random() < 0.2:
        house.peer.cut()


def _hold_one_back(house: House) -> None:
    if house.upstream.room > 0:
        [via] = house.submit(1)
        house.upstream.hold_back(via, 1.0)

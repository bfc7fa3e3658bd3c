"""What is too old leaves the store, and nothing else."""

from pathlib import Path
from typing import Any

import pytest
from twisted.internet.defer import Deferred
from twisted.internet.task import Clock

from luckgw.domain.states import State
from luckgw.store import keys
from luckgw.store.memory import MemoryStore
from luckgw.store.sweep import EVERY_S, Sweep
from tests.dispatch.world import DAY_S, UPSTREAM, Node


class House:
    """A node that sweeps."""

    def __init__(self, clock: Clock, folder: Path, retention_days: int = 7) -> None:
        self.clock = clock
        self.store = MemoryStore()
        self.node = Node(clock, self.store, folder)
        self.sweep = Sweep(
            clock,
            self.execute,
            self.node.journal,
            retention_days,
            [UPSTREAM, "voda"],
            self.node.now_ms,
        )
        self.sweep.start()

    def execute(self, *args: bytes | str | int) -> "Deferred[Any]":
        """Reads of the store."""
        return self.node.execute(*args)

    def message(self, state: State = State.EXPIRED) -> bytes:
        """A message that has come to this state."""
        message_id = self.node.accept()
        if state is State.ACCEPTED:
            return message_id
        queue = self.node.journal.queue(keys.upstream_queue(UPSTREAM))
        self.node.journal.claim(queue, 1000, lambda _: None)
        if state is State.SENT:
            self.node.journal.sent(
                queue,
                message_id,
                0,
                UPSTREAM,
                b"",
                b"",
                last=True,
                webhook=b"",
                done=lambda *_: None,
            )
        else:
            self.node.journal.finish(queue, message_id, state, b"", lambda *_: None)
        self.node.turn()
        return message_id

    def days(self, count: float) -> None:
        """So many days pass."""
        self.clock.advance(count * DAY_S)
        self.node.turn()
        self.looks()

    def looks(self) -> None:
        """The time of the next look comes, and it takes its time."""
        self.clock.advance(EVERY_S)
        self.node.wait(5)

    def is_kept(self, message_id: bytes) -> bool:
        """Whether a message is there."""
        return message_id in self.store.records


@pytest.fixture
def house(clock: Clock, tmp_path: Path) -> House:
    """A node that keeps messages for seven days. It is noon there."""
    return House(clock, tmp_path)


class TestMessages:
    def test_leave_with_their_day(self, house: House) -> None:
        """At least as long as the retention, at most a day longer."""
        message_id = house.message()
        house.days(7)
        assert house.is_kept(message_id)
        house.days(0.4)
        assert house.is_kept(message_id)
        house.days(0.6)
        assert not house.is_kept(message_id)
        assert house.sweep.swept == 1
        assert house.store.indexes == set()

    def test_younger_ones_stay(self, house: House) -> None:
        """Each goes with its own day."""
        old = house.message()
        house.days(1)
        young = house.message()
        house.days(7)
        assert (house.is_kept(old), house.is_kept(young)) == (False, True)
        house.days(1)
        assert not house.is_kept(young)

    def test_many(self, house: House) -> None:
        """In steps, however many there are."""
        ids = [house.message() for _ in range(450)]
        house.days(8)
        assert house.sweep.swept == 450
        assert not any(map(house.is_kept, ids))

    def test_what_still_waits_is_never_lost(self, clock: Clock, tmp_path: Path) -> None:
        """A message that no carrier has taken stays, however short the retention, as if
        it were new each time; once it is at an end it leaves with its last day.
        """
        house = House(clock, tmp_path, retention_days=1)
        waits, ended = house.message(State.ACCEPTED), house.message(State.EXPIRED)
        house.node.store.list_of(b"q:mtn").append(waits)
        for _ in range(5):
            house.days(1)
        assert (house.is_kept(waits), house.is_kept(ended)) == (True, False)
        queue = house.node.journal.queue(keys.upstream_queue(UPSTREAM))
        house.node.journal.claim(queue, 1, lambda _: None)
        house.node.journal.finish(queue, waits, State.EXPIRED, b"", lambda *_: None)
        house.node.turn()
        house.days(2)
        assert not house.is_kept(waits)


class TestReceipts:
    def test_nobody_claimed_them(self, house: House) -> None:
        """Dropped after 72 hours, all of them, and counted."""
        for number in range(250):
            house.node.receipt(b"c%d" % number, State.DELIVERED)
        house.days(2.9)
        assert len(house.store.carrier_ids) == 250
        house.node.receipt(b"young", State.DELIVERED)
        house.days(0.2)
        assert house.sweep.orphans == 250
        assert list(house.store.carrier_ids) == [keys.carrier_id(UPSTREAM, b"young")]


class TestTrouble:
    def test_the_store_is_away(self, house: House) -> None:
        """The next look makes up for it."""
        message_id = house.message()
        house.node.lose()
        house.days(8)
        assert house.is_kept(message_id)
        house.node.open()
        house.looks()
        assert not house.is_kept(message_id)

    def test_a_stop_in_the_middle(self, house: House) -> None:
        """A sweep that is under way ends."""
        ids = [house.message() for _ in range(450)]
        house.node.wait(EVERY_S - house.clock.seconds() - 1, step=600)
        house.clock.advance(8 * DAY_S)
        house.sweep.stop()
        left = sum(map(house.is_kept, ids))
        assert 0 < left < 450
        house.node.wait(EVERY_S * 3, step=EVERY_S)
        assert sum(map(house.is_kept, ids)) == left

    def test_a_stop_at_rest(self, house: House) -> None:
        """No look follows."""
        message_id = house.message()
        house.sweep.stop()
        house.sweep.stop()
        house.days(9)
        assert house.is_kept(message_id)

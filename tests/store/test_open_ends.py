"""A message that no receipt comes for ends by its own validity, and is told."""

from pathlib import Path
from typing import Any

import pytest
from twisted.internet.task import Clock

from luckgw.config.model import Outboxes, Receipts
from luckgw.domain.states import State
from luckgw.store import keys
from luckgw.store.interface import FLAG_DELIVER_SM, FLAG_WEBHOOK
from luckgw.store.memory import MemoryStore
from luckgw.store.open_ends import EVERY_S, OpenEnds
from luckgw.store.outbox_bounds import OutboxBounds
from tests.dispatch.world import ACCOUNT, DAY_S, UPSTREAM, Node

HOUR_S = 3600


class House:
    """A node that looks for open ends, one hour after the end of the validity."""

    def __init__(self, clock: Clock, folder: Path, **settings: Any) -> None:
        self.clock = clock
        self.store = MemoryStore()
        self.folder = folder
        self.woken: list[str] = []
        self.settings = Receipts(**settings)
        self.start()

    def start(self) -> None:
        """A process starts."""
        self.node = Node(self.clock, self.store, self.folder)
        self.ends = OpenEnds(
            self.clock,
            self.node.execute,
            self.node.journal,
            self.settings,
            self.node.now_ms,
            self.woken.append,
        )
        self.ends.start()

    def sent(self, number: int = 0, **given: Any) -> bytes:
        """A message that the carrier has taken as c<number>."""
        message_id = self.node.accept(flags=FLAG_WEBHOOK, **given)
        queue = self.node.journal.queue(keys.upstream_queue(UPSTREAM))
        self.node.journal.claim(queue, 1000, lambda _: None)
        self.node.journal.sent(
            queue,
            message_id,
            0,
            UPSTREAM,
            b"c%d" % number,
            b"",
            last=True,
            webhook=b"",
            done=lambda *_: None,
        )
        self.node.turn()
        return message_id

    def wait(self, seconds: float) -> None:
        """Time passes; looks take theirs."""
        self.node.wait(seconds, step=max(1.0, seconds / 50))
        self.node.wait(EVERY_S + 1)


@pytest.fixture
def house(clock: Clock, tmp_path: Path) -> House:
    """With the defaults."""
    return House(clock, tmp_path)


def test_no_receipt_comes(house: House) -> None:
    """UNKNOWN, for good and told, an hour after the end of the validity, not before."""
    message_id = house.sent(validity_s=DAY_S)
    house.wait(DAY_S + HOUR_S - 60)
    assert house.node.state(message_id) is State.SENT
    house.wait(60)
    assert house.node.state(message_id) is State.UNKNOWN_FOR_GOOD
    assert house.node.webhook_events() == [State.UNKNOWN_FOR_GOOD]
    assert house.woken == [ACCOUNT]
    assert house.ends.ended == 1
    assert not house.store.open


def test_it_was_on_its_way(house: House) -> None:
    """The carrier said ENROUTE and never more: EXPIRED."""
    message_id = house.sent(validity_s=60)
    house.node.receipt(b"c0", State.SENT)
    house.wait(2 * HOUR_S)
    assert house.node.state(message_id) is State.EXPIRED


def test_the_receipt_comes(house: House) -> None:
    """What came to its end in time is left alone, early or late."""
    early, late = house.sent(1, validity_s=60), house.sent(2, validity_s=60)
    house.node.receipt(b"c1", State.DELIVERED)
    house.wait(HOUR_S / 2)
    house.node.receipt(b"c2", State.UNDELIVERED)
    house.wait(2 * HOUR_S)
    assert house.node.state(early) is State.DELIVERED
    assert house.node.state(late) is State.UNDELIVERED
    assert len(house.node.webhook_events()) == 2


def test_delivered_in_the_end(house: House) -> None:
    """A DELIVERED that comes after the end still counts, and is told."""
    message_id = house.sent(validity_s=60)
    house.wait(2 * HOUR_S)
    house.node.receipt(b"c0", State.DELIVERED)
    assert house.node.state(message_id) is State.DELIVERED
    assert house.node.webhook_events() == [State.UNKNOWN_FOR_GOOD, State.DELIVERED]


def test_nobody_sends_it(house: House) -> None:
    """One whose upstream nobody serves any more is EXPIRED some time later."""
    message_id = house.node.accept(validity_s=60)
    house.wait(HOUR_S + 120)
    assert house.node.state(message_id) is State.ACCEPTED
    house.wait(2 * HOUR_S)
    assert house.node.state(message_id) is State.EXPIRED


def test_many_over_restarts_and_days(house: House) -> None:
    """None is forgotten, whoever looks and however often a process starts."""
    ids = []
    for number in range(700):
        ids.append(house.sent(number, validity_s=60 * 60))
        if number in (200, 500):
            house.wait(400)
            house.ends.stop()
            house.start()
        if number == 400:
            house.wait(13 * HOUR_S)
    house.wait(3 * HOUR_S)
    assert {house.node.state(each) for each in ids} == {State.UNKNOWN_FOR_GOOD}
    assert len(house.node.webhook_events()) == 700
    days = {keys.parse_index(each)[1] for each in house.store.looked}
    assert len(days) == 2


def test_two_nodes_look(house: House) -> None:
    """Each message is ended once."""
    first = house.ends
    ids = [house.sent(number, validity_s=60) for number in range(600)]
    other = OpenEnds(
        house.clock,
        house.node.execute,
        house.node.journal,
        house.settings,
        house.node.now_ms,
        house.woken.append,
    )
    other.start()
    house.wait(3 * HOUR_S)
    assert len(house.node.webhook_events()) == 600
    assert first.ended + other.ended == len(ids)


def test_the_store_is_away(house: House) -> None:
    """The next look makes up for it."""
    message_id = house.sent(validity_s=60)
    house.node.lose()
    house.wait(2 * HOUR_S)
    house.node.open()
    house.wait(60)
    assert house.node.state(message_id) is State.UNKNOWN_FOR_GOOD


class TestOutboxBounds:
    """An outbox that nobody empties."""

    def bounds(self, house: House, **settings: Any) -> OutboxBounds:
        """They look every minute."""
        bounds = OutboxBounds(
            house.clock,
            house.node.journal,
            Outboxes(**settings),
            [ACCOUNT],
            house.node.now_ms,
        )
        bounds.start()
        return bounds

    def ended(self, house: House, number: int) -> bytes:
        """A message of which sessions and the webhook are to be told."""
        message_id = house.sent(number)
        record = house.store.records[message_id]
        flags = bytes((FLAG_WEBHOOK | FLAG_DELIVER_SM,))
        house.store.records[message_id] = record[:1] + flags + record[2:]
        house.node.receipt(b"c%d" % number, State.DELIVERED)
        return message_id

    def test_too_old(self, house: House) -> None:
        """After 72 hours an event goes, and is counted."""
        bounds = self.bounds(house)
        self.ended(house, 1)
        house.wait(2 * DAY_S)
        self.ended(house, 2)
        assert len(house.node.queued(keys.deliver_sm_outbox(ACCOUNT))) == 2
        house.wait(DAY_S + 60)
        for outbox in (keys.deliver_sm_outbox(ACCOUNT), keys.webhook_outbox(ACCOUNT)):
            assert len(house.node.queued(outbox)) == 1
            assert house.store.dropped[outbox] == 1
        bounds.stop()
        house.wait(5 * DAY_S)
        assert len(house.node.queued(keys.deliver_sm_outbox(ACCOUNT))) == 1

    def test_too_many(self, house: House) -> None:
        """The oldest go."""
        self.bounds(house, max_events=3)
        ids = [self.ended(house, number) for number in range(5)]
        house.wait(61)
        outbox = keys.webhook_outbox(ACCOUNT)
        assert [each[:16] for each in house.node.queued(outbox)] == ids[2:]
        assert house.store.dropped[outbox] == 2

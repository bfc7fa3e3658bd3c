"""Receipts in all the forms that carriers send them, over a real bind (F17)."""

from functools import partial
from pathlib import Path

import pytest
from twisted.internet.task import Clock

from luckgw.config.secret import Secret
from luckgw.dispatch.mt import MtDispatcher
from luckgw.dispatch.orphans import Orphans
from luckgw.domain.states import State
from luckgw.link.flusher import Flusher
from luckgw.pipeline.receipt import Receipts
from luckgw.sandbox.mixed import MixedSmsc, true_state
from luckgw.sandbox.smsc import SmscSettings
from luckgw.store import keys
from luckgw.store.memory import MemoryStore
from luckgw.store.sweep import EVERY_S, Sweep
from luckgw.upstream.smpp import SmppUpstream
from tests.dispatch.world import DAY_S, UPSTREAM, Node, submit_body, upstream_config
from tests.sandbox.memory import Network


class House:
    """A node and a carrier whose receipts are all that receipts can be."""

    def __init__(
        self,
        clock: Clock,
        folder: Path,
        id_format: str,
        receipt_ids: str,
        **config: str,
    ) -> None:
        self.clock = clock
        self.store = MemoryStore()
        self.node = node = Node(clock, self.store, folder)
        flusher = Flusher(clock)
        self.smsc = MixedSmsc(
            clock,
            flusher,
            SmscSettings(id_format=id_format),
            node.now_ms,
            receipt_ids=receipt_ids,
        )
        self.network = Network(clock, self.smsc)
        self.config = upstream_config(
            **{
                "system_id": "sandbox",
                "password": Secret("sandbox"),
                "window": 200,
                "binds": 2,
                **config,
            }
        )
        upstream = SmppUpstream(clock, flusher, self.network, self.config, lambda: 0.5)
        self.receipts = Receipts(
            node.journal, lambda _: None, lambda _up, _sm, reply: reply(0x64)
        )
        self.mt = MtDispatcher(
            clock,
            node.journal,
            upstream,
            self.config,
            node.now_ms,
            partial(self.receipts.received, self.config),
            lambda _: None,
        )
        self.mt.start()
        self.orphans = Orphans(
            clock,
            node.execute,
            node.journal,
            self.receipts,
            {UPSTREAM: self.config},
            {UPSTREAM: self.mt},
            node.now_ms,
            lambda _: None,
        )
        self.orphans.start()
        self.sweep = Sweep(
            clock, node.execute, node.journal, 7, [UPSTREAM], node.now_ms
        )
        self.network.run()

    def send(self, number: int) -> bytes:
        """A message to a number of its own."""
        recipient = b"2335%08d" % number
        message_id = self.node.accept(bodies=(submit_body(destination_addr=recipient),))
        self.mt.poke()
        return message_id


@pytest.mark.parametrize(
    ("messages", "id_format", "receipt_ids", "config"),
    [
        (1_000, "uuid", "same", {}),
        (1_000, "dec", "same", {}),
        (10_000, "hex", "dec", {"resp_id": "hex", "dlr_id": "dec"}),
        (1_000, "dec", "hex", {"resp_id": "dec", "dlr_id": "hex"}),
        # And when nobody has configured how the ids are written.
        (10_000, "hex", "dec", {}),
        (1_000, "dec", "hex", {}),
    ],
)
def test_every_receipt_finds_its_message(
    clock: Clock,
    tmp_path: Path,
    messages: int,
    id_format: str,
    receipt_ids: str,
    config: dict[str, str],
) -> None:
    """First, late, twice, out of order, on their way, padded, without TLVs, in another
    base: all of the known are matched, none is wrong, and those of unknown ids are
    counted exactly.
    """
    house = House(clock, tmp_path, id_format, receipt_ids, **config)
    ids = {}
    for number in range(messages):
        ids[house.send(number)] = b"2335%08d" % number
        if number % 100 == 99:
            house.network.run(0.5)
    house.network.run(60)
    for message_id, recipient in ids.items():
        assert house.node.state(message_id) is true_state(recipient)
    counts = house.smsc.counts
    assert counts.submitted == messages
    parked = house.store.parked[keys.parked(UPSTREAM)]
    assert len(parked) == counts.receipts_unknown == messages / 10
    assert all(b"never-" in each for each in parked)
    has_learnt = house.receipts.rules[UPSTREAM].learnt is not None
    assert has_learnt == (not config and receipt_ids != "same")
    house.sweep.start()
    clock.advance(3 * DAY_S)
    house.network.run(EVERY_S * 2, step=EVERY_S)
    house.node.wait(5)
    assert house.sweep.orphans == counts.receipts_unknown
    assert house.store.dropped == {keys.parked(UPSTREAM): counts.receipts_unknown}
    assert {house.node.state(each) for each in ids} == {
        State.DELIVERED,
        State.UNDELIVERED,
    }

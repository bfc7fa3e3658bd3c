"""The whole way with a real SMPP upstream and the sandbox as its carrier, in memory:
submit, store, dispatch, carrier, receipt, outboxes.
"""

import itertools
import json
from functools import partial
from pathlib import Path
from typing import Any

import attrs
import pytest
from twisted.internet.defer import Deferred, succeed
from twisted.internet.task import Clock

from luckgw.config import model
from luckgw.config.secret import Secret
from luckgw.dispatch.mt import MtDispatcher
from luckgw.dispatch.service import Dispatch
from luckgw.domain.errors import Refusal
from luckgw.domain.ids import from_text
from luckgw.domain.states import State
from luckgw.egress.webhook import Outcome, Verdict
from luckgw.link.flusher import Flusher
from luckgw.pipeline.outgoing import outgoings
from luckgw.pipeline.receipt import Receipts
from luckgw.pipeline.submit import Submit
from luckgw.routing.table import RouteTable
from luckgw.store import keys
from luckgw.store.memory import MemoryStore
from luckgw.text.references import References
from luckgw.upstream.smpp import SmppUpstream
from tests.dispatch.test_outbox import Session
from tests.dispatch.world import Node, submit_body
from tests.sandbox.memory import make_carrier


class Hook:
    """A customer's server that takes everything: dispatch.webhooks.Notifier."""

    def __init__(self) -> None:
        self.told: list[str | Refusal] = []

    def post(
        self, url: str, body: bytes, event_id: str, attempt: int
    ) -> "Deferred[Verdict]":
        """See the port."""
        del url, event_id, attempt
        self.told.append(json.loads(body)["data"]["status"])
        return succeed(Verdict(Outcome.DELIVERED))


@attrs.frozen
class Room:
    """ops.marks: there is always room."""

    is_full: bool = False


class House:
    """A node with two accounts and two upstreams, of which one is never there."""

    def __init__(self, clock: Clock, folder: Path, **upstream: Any) -> None:
        self.clock = clock
        self.carrier = make_carrier(clock)
        self.nobody = make_carrier(clock)
        self.nobody.network.server = None
        self.store = MemoryStore()
        self.folder = folder
        self.config = model.Config(
            upstreams={
                name: model.Upstream(
                    name=name,
                    endpoint="tcp:localhost:2775",
                    system_id="sandbox",
                    password=Secret("sandbox"),
                    **{"window": 5, **upstream, "queue_when_down": name == "mtn"},
                )
                for name in ("mtn", "away")
            },
            routes=(
                model.Route("gone", ("away",), model.Match(prefix=("49",))),
                model.Route("rest", ("away", "mtn"), strategy="failover"),
            ),
            accounts={
                "acme": model.Account("acme", webhook="https://acme.example/hook"),
                "plain": model.Account("plain"),
            },
        )
        self.hook = Hook()
        self.start()

    def start(self) -> None:
        """A process starts."""
        config, clock = self.config, self.clock
        self.node = node = Node(clock, self.store, self.folder)
        self.dispatch = Dispatch(
            clock, node.journal, config, self.hook, node.now_ms, lambda: 0.5
        )
        self.receipts = Receipts(
            node.journal, self.dispatch.wake, lambda _upstream, _sm, reply: reply(0x64)
        )
        flusher = Flusher(clock)
        for name, network in (
            ("mtn", self.carrier.network),
            ("away", self.nobody.network),
        ):
            upstream = SmppUpstream(
                clock, flusher, network, config.upstreams[name], lambda: 0.5
            )
            dispatcher = MtDispatcher(
                clock,
                node.journal,
                upstream,
                config.upstreams[name],
                node.now_ms,
                partial(self.receipts.received, config.upstreams[name]),
                self.dispatch.wake,
            )
            self.dispatch.add(dispatcher, upstream)
        numbers = itertools.count(len(self.store.records) + 1)
        self.submit = Submit(
            node.journal,
            RouteTable(config.routes, config.upstreams),
            self.dispatch,
            Room(),
            config.accounts,
            outgoings(config.upstreams.values(), References(lambda: 7)),
            lambda: next(numbers).to_bytes(16, "big"),
            clock.seconds,
        )
        node.take_over(config)
        self.dispatch.start()
        self.run()

    def run(self, seconds: float = 0.0, step: float = 0.5) -> None:
        """Time passes and octets flow."""
        self.carrier.network.run(seconds, step)

    def send(
        self,
        account: str,
        digits: str = "0001",
        *,
        parts: int = 1,
        validity_s: int = 86_400,
        country: str = "233",
    ) -> bytes:
        """A message to a number that ends in these digits, by SMPP; its id."""
        told: list[str | Refusal] = []
        destination = f"{country}50123{digits}"
        self.submit.submit(
            self.config.accounts[account],
            "Luck",
            destination,
            lambda _outgoing: (
                [
                    submit_body(b"part %d" % n, destination_addr=destination.encode())
                    for n in range(parts)
                ],
                parts,
            ),
            registered_delivery=1,
            deadline_ms=self.node.now_ms() + validity_s * 1000,
            over_http=False,
            done=told.append,
        )
        self.run()
        (message_id,) = told
        assert isinstance(message_id, str)
        found = from_text(message_id)
        assert found is not None
        return found

    def state(self, message_id: bytes) -> State:
        """A message's state."""
        return self.node.state(message_id)


@pytest.fixture
def house(clock: Clock, tmp_path: Path) -> House:
    """All of it."""
    return House(clock, tmp_path)


@pytest.mark.parametrize(
    ("digits", "seconds", "state", "told"),
    [
        ("0001", 0, State.DELIVERED, ["SENT", "DELIVERED"]),
        ("0002", 0, State.UNDELIVERED, ["SENT", "UNDELIVERED"]),
        ("0003", 0, State.EXPIRED, ["SENT", "EXPIRED"]),
        ("0004", 61, State.DELIVERED, ["SENT", "DELIVERED"]),
        ("0005", 1, State.DELIVERED, ["SENT", "DELIVERED"]),
        ("0006", 2, State.DELIVERED, ["SENT", "DELIVERED"]),
        ("0007", 10, State.DELIVERED, ["SENT", "DELIVERED"]),
        ("0008", 0, State.REJECTED, ["REJECTED"]),
        ("0010", 0, State.SENT, ["SENT"]),
    ],
)
def test_whatever_the_carrier_does(
    house: House, digits: str, seconds: float, state: State, told: list[str]
) -> None:
    """Each of the sandbox's recipes ends as it says; the webhook hears each change
    once, the session the end.
    """
    session = Session(capacity=10)
    house.dispatch.outbox("acme")
    house.dispatch.sessions.add("acme", session)
    message_id = house.send("acme", digits)
    house.run(seconds)
    assert house.state(message_id) is state
    assert house.hook.told == told
    assert len(session.got) == state.is_final


def test_the_receipt_of_a_refusal(house: House) -> None:
    """A message that the carrier refused for good has a receipt that says with what."""
    session = Session()
    house.dispatch.outbox("plain")
    house.dispatch.sessions.add("plain", session)
    house.send("plain", "0008")
    (receipt,) = session.receipts
    assert (receipt.stat, receipt.err) == ("REJECTD", "011")


def test_never_answered(house: House) -> None:
    """A submit that nobody answers is sent again after the time-out and the hold, and
    says so.
    """
    message_id = house.send("plain", "0009")
    house.run(60 + 120 + 5)
    assert house.state(message_id) is State.ACCEPTED
    assert house.node.record(message_id).is_uncertain
    assert house.carrier.smsc.counts.submitted == 2


def test_a_long_message(house: House) -> None:
    """All parts go, and the message is delivered with the last one."""
    message_id = house.send("acme", parts=3)
    assert house.state(message_id) is State.DELIVERED
    assert house.hook.told == ["SENT", "DELIVERED"]


def test_who_wants_nothing_gets_nothing(house: House) -> None:
    """An account without webhook has no webhook entries."""
    house.send("plain")
    assert house.hook.told == []
    assert not house.node.queued(keys.webhook_outbox("plain"))
    assert len(house.node.queued(keys.deliver_sm_outbox("plain"))) == 1


def test_the_link_is_cut_and_comes_back(house: House) -> None:
    """What waits goes on when the carrier is back, with nothing lost."""
    house.carrier.network.cut(0)
    ids = [house.send("plain") for _ in range(3)]
    assert not house.dispatch.is_up("mtn")
    assert [house.state(each) for each in ids] == [State.ACCEPTED] * 3
    house.run(5)
    assert house.dispatch.is_up("mtn")
    assert [house.state(each) for each in ids] == [State.DELIVERED] * 3


def test_validity_ends_while_the_carrier_is_away(house: House) -> None:
    """The look finds it within seconds."""
    house.carrier.network.server = None
    house.carrier.network.cut(0)
    message_id = house.send("acme", validity_s=30)
    house.run(45)
    assert house.state(message_id) is State.EXPIRED
    assert house.hook.told == ["EXPIRED"]


def test_a_retry_is_found_by_looking(house: House) -> None:
    """What another node queued, or what has become due, goes without a wake."""
    house.run(1)
    message_id = house.node.accept()
    house.run(0.5, step=0.25)
    assert house.state(message_id) is State.DELIVERED


def test_routes_without_an_upstream(house: House) -> None:
    """They are named; messages for them are refused where nothing may wait."""
    assert house.dispatch.down_routes(house.config.routes) == ["gone"]
    with pytest.raises(Refusal, match="no upstream of the route"):
        house.send("plain", country="49")


def test_what_people_see(house: House) -> None:
    """Every upstream with its binds, and how many sessions each account has."""
    house.dispatch.sessions.add("plain", Session())
    status: Any = house.dispatch.status()
    assert status["sessions"] == {"plain": 1}
    assert status["upstreams"]["mtn"]["up"] is True
    (bind,) = status["upstreams"]["mtn"]["binds"]
    assert (bind["kind"], bind["state"]) == ("transceiver", "bound")
    assert status["upstreams"]["away"]["up"] is False


def test_stop_and_start(house: House) -> None:
    """A stop in the middle of everything: nothing is lost, nothing goes twice."""
    house.dispatch.outbox("plain")
    session = Session(capacity=1)
    house.dispatch.sessions.add("plain", session)
    ids = [house.send("plain", "0006") for _ in range(12)]  # answered after a second
    house.run(0.5)
    house.dispatch.stop_claiming()
    house.run()
    house.dispatch.sessions.remove("plain", session)
    house.dispatch.outbox("plain").lost(session.open)
    done: list[object] = []
    house.dispatch.drain_outboxes(10).addCallback(done.append)
    house.dispatch.drain_upstreams(10).addCallback(done.append)
    house.run(5)
    assert len(done) == 2
    assert house.store.claims == {name: set() for name in house.store.claims}
    assert house.carrier.smsc.counts.submitted == 5
    house.start()
    house.run(10)
    assert house.carrier.smsc.counts.submitted == 12
    assert {house.state(each) for each in ids} == {State.DELIVERED}
    assert len(house.node.queued(keys.deliver_sm_outbox("plain"))) == 12

"""Events on their way to a customer's server, answer by answer."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Final

import attrs
import pytest
from twisted.internet.defer import Deferred
from twisted.internet.task import Clock

from luckgw.dispatch.breaker import FAILURES, PROBE_S
from luckgw.dispatch.webhooks import WebhookOutbox
from luckgw.domain.ids import to_text
from luckgw.domain.states import State
from luckgw.egress.retry import ATTEMPTS, DELAYS_S
from luckgw.egress.webhook import Outcome, Verdict
from luckgw.store import keys
from luckgw.store.interface import FLAG_WEBHOOK
from luckgw.store.memory import MemoryStore
from luckgw.store.records import OutboxEntry
from tests.conftest import LoggedFailures
from tests.dispatch.world import ACCOUNT, UPSTREAM, Node

OUTBOX: Final = keys.webhook_outbox(ACCOUNT)
PARKED: Final = keys.webhook_parked(ACCOUNT)
URL: Final = "https://acme.example/hook"
OK: Final = Verdict(Outcome.DELIVERED, status=200)
FAILED: Final = Verdict(Outcome.RETRY, status=500)
GONE: Final = Verdict(Outcome.GONE, status=410)
SENT, DELIVERED = State.SENT, State.DELIVERED


@attrs.define(eq=False)
class Call:
    """One POST that the receiver has got."""

    body: bytes
    event_id: str
    attempt: int
    answer: "Deferred[Verdict]" = attrs.Factory(Deferred)

    @property
    def status(self) -> str:
        """The state that it tells."""
        return str(json.loads(self.body)["data"]["status"])

    @property
    def message(self) -> str:
        """The message that it is about."""
        return str(json.loads(self.body)["data"]["message_id"])


class Receiver:
    """A customer's server: the port dispatch.webhooks.Notifier."""

    def __init__(self) -> None:
        self.calls: list[Call] = []
        self.open: list[Call] = []

    def post(
        self, url: str, body: bytes, event_id: str, attempt: int
    ) -> "Deferred[Verdict]":
        """See the port."""
        assert url == URL
        call = Call(body, event_id, attempt)
        self.calls.append(call)
        self.open.append(call)
        return call.answer

    def say(self, verdict: Verdict, number: int = 0) -> None:
        """Answer one of the open calls."""
        self.open.pop(number).answer.callback(verdict)

    @property
    def told(self) -> list[str]:
        """The states that were told, in the order of the calls."""
        return [call.status for call in self.calls]


class House:
    """A node with one account's webhook."""

    def __init__(self, clock: Clock, folder: Path, max_in_flight: int) -> None:
        self.clock = clock
        self.store = MemoryStore()
        self._folder = folder
        self._max_in_flight = max_in_flight
        self.receiver = Receiver()
        self.is_looking = True
        """Whether the outbox hears of new events."""
        self.node: Node
        self.outbox: WebhookOutbox
        self.start()

    def start(self) -> None:
        """A process starts."""
        self.node = Node(self.clock, self.store, self._folder)
        self.outbox = WebhookOutbox(
            self.clock,
            self.node.journal,
            ACCOUNT,
            URL,
            self._max_in_flight,
            self.receiver,
            self.node.now_ms,
            lambda: 0.5,  # no jitter
        )

    def event(self, message_id: bytes, state: State) -> None:
        """A message comes to a state."""
        carrier_id = b"c" + message_id
        if state is SENT:
            queue = self.node.journal.queue(keys.upstream_queue(UPSTREAM))
            self.node.journal.claim(queue, 100, lambda _: None)
            self.node.journal.sent(
                queue,
                message_id,
                0,
                UPSTREAM,
                carrier_id,
                carrier_id,
                last=True,
                webhook=ACCOUNT.encode(),
                done=lambda *_: None,
            )
            self.node.turn()
        else:
            self.node.receipt(carrier_id, state)
        self.poke()

    def message(self, *states: State) -> bytes:
        """A message that has come to these states."""
        message_id = b"%016d" % len(self.store.records)
        accepted = self.node.accept(flags=FLAG_WEBHOOK, message_id=message_id)
        for state in states:
            self.node.wait(0.001)
            self.event(accepted, state)
        return accepted

    def poke(self) -> None:
        """Look now."""
        if self.is_looking:
            self.outbox.poke()
            self.node.turn()

    def say(self, verdict: Verdict, number: int = 0) -> None:
        """The receiver answers one of its calls."""
        self.receiver.say(verdict, number)
        self.node.turn()

    def wait(self, seconds: float, step: float = 0.25) -> None:
        """Time passes, with a look now and then."""
        end = self.clock.seconds() + seconds
        while (left := end - self.clock.seconds()) > 1e-9:
            self.node.wait(min(step, left), step)
            self.poke()

    def states_waiting(self) -> list[State]:
        """What is ready in the store."""
        return [OutboxEntry.from_bytes(e).state for e in self.node.queued(OUTBOX)]

    @property
    def is_empty(self) -> bool:
        """Whether all has been told."""
        node = self.node
        return not (node.queued(OUTBOX) or node.due(OUTBOX) or node.claimed(OUTBOX))


@pytest.fixture
def make_house(clock: Clock, tmp_path: Path) -> Callable[..., House]:
    """Makes a node with a webhook."""

    def make(max_in_flight: int = 8) -> House:
        return House(clock, tmp_path, max_in_flight)

    return make


@pytest.fixture
def house(make_house: Callable[..., House]) -> House:
    """A node with a webhook that takes 8 calls at a time."""
    return make_house()


class TestTelling:
    def test_an_event(self, house: House) -> None:
        """The portal's body, an id and the attempt's number; a 2xx ends it."""
        message_id = house.message(SENT)
        (call,) = house.receiver.calls
        assert json.loads(call.body) == {
            "event": "sms.status_update",
            "data": {
                "message_id": to_text(message_id),
                "status": "SENT",
                "sender_id": "Luck",
                "recipient": "233501234567",
                "updated_at": "2027-01-15T12:00:00Z",
            },
        }
        assert call.attempt == 1
        assert len(call.event_id) == 46
        house.say(OK)
        assert house.is_empty
        assert house.outbox.delivered == 1
        assert house.outbox.consumer.held == set()

    def test_in_order_for_each_message(self, house: House) -> None:
        """One at a time; other messages do not wait."""
        first = house.message(SENT, DELIVERED)
        second = house.message(SENT)
        assert [c.message for c in house.receiver.calls] == [
            to_text(first),
            to_text(second),
        ]
        house.say(OK)
        assert house.receiver.told == ["SENT", "SENT", "DELIVERED"]
        house.say(OK)
        house.say(OK)
        assert house.is_empty

    def test_so_many_at_a_time(self, make_house: Callable[..., House]) -> None:
        """Never more than max_in_flight, and few are claimed beside them."""
        house = make_house(max_in_flight=2)
        for _ in range(20):
            house.message(SENT)
        assert len(house.receiver.open) == 2
        assert len(house.node.claimed(OUTBOX)) == 8
        while house.receiver.open:
            house.say(OK)
            assert len(house.receiver.open) <= 2
        assert house.outbox.delivered == 20
        assert house.is_empty


class TestFailures:
    def test_the_schedule(self, house: House) -> None:
        """At each failure later, the same event and id; in the end it is parked."""
        house.message(SENT)
        for attempt in range(1, ATTEMPTS):
            house.say(FAILED)
            (due,) = house.node.due(OUTBOX).values()
            assert due == DELAYS_S[attempt]
            house.wait(due + 1, step=due + 1)
            assert house.receiver.calls[-1].attempt == attempt + 1
        house.say(FAILED)
        assert len({call.event_id for call in house.receiver.calls}) == 1
        assert len(house.node.queued(PARKED)) == 1
        assert house.is_empty
        assert house.outbox.consumer.held == set()

    def test_retry_after(self, house: House) -> None:
        """Not before the receiver wants it."""
        house.message(SENT)
        house.say(Verdict(Outcome.RETRY, after=900.0, status=503))
        assert list(house.node.due(OUTBOX).values()) == [900.0]

    def test_the_next_event_waits_for_the_retry(self, house: House) -> None:
        """What is behind a failure comes after it, whether it was here or is new."""
        message_id = house.message(SENT, State.UNKNOWN)
        house.say(FAILED)
        house.wait(1)
        house.event(message_id, DELIVERED)
        house.wait(3)
        assert house.receiver.told == ["SENT"]
        house.wait(2)
        for _ in range(3):
            house.say(OK)
            house.wait(1)
        assert house.receiver.told == ["SENT", "SENT", "UNKNOWN", "DELIVERED"]
        assert house.is_empty

    def test_the_retry_fails_as_well(self, house: House) -> None:
        """Those behind it wait longer, and none overtakes it."""
        house.message(SENT, DELIVERED)
        for wait in (6, 301, 1801):
            house.say(FAILED)
            house.wait(wait, step=wait / 3)
        assert house.receiver.told == ["SENT"] * 4
        house.say(OK)
        house.wait(1)
        house.say(OK)
        assert house.receiver.told == ["SENT"] * 4 + ["DELIVERED"]
        assert house.is_empty

    def test_what_is_parked_holds_nothing_up(self, house: House) -> None:
        """The event behind it is told."""
        house.message(SENT, DELIVERED)
        for attempt in range(1, ATTEMPTS):
            house.say(FAILED)
            house.wait(DELAYS_S[attempt] + 1, step=DELAYS_S[attempt] + 1)
        other = house.message(SENT)
        house.say(OK, 1)  # the endpoint is not dead, it only dislikes that one
        house.say(FAILED)
        assert house.receiver.told == ["SENT"] * (ATTEMPTS + 1) + ["DELIVERED"]
        assert house.receiver.calls[-2].message == to_text(other)
        house.say(OK)
        assert house.is_empty

    def test_a_defect_is_a_failure(
        self, house: House, logged_failures: LoggedFailures
    ) -> None:
        """If posting itself breaks, that is logged and the event is tried again."""
        house.message(SENT)
        house.receiver.open.pop().answer.errback(ZeroDivisionError())
        house.node.turn()
        assert list(house.node.due(OUTBOX).values()) == [5.0]
        assert len(logged_failures.flush(ZeroDivisionError)) == 1


class TestADeadEndpoint:
    @pytest.fixture
    def dead(self, make_house: Callable[..., House]) -> House:
        """A house whose receiver has failed too often in a row."""
        house = make_house(max_in_flight=4)
        for _ in range(30):
            house.message(SENT)
        for _ in range(FAILURES):
            house.say(FAILED)
        return house

    def test_is_called_less(self, dead: House) -> None:
        """One call in 30 s finds out; attempts of all others are not used up."""
        while dead.receiver.open:
            dead.say(FAILED)
        calls = len(dead.receiver.calls)
        assert calls < FAILURES + 4
        assert dead.node.claimed(OUTBOX) == set()
        for probes in range(1, 4):
            dead.wait(PROBE_S + 0.5)
            assert len(dead.receiver.calls) == calls + probes
            dead.say(FAILED)
        assert dead.outbox.delivered == 0

    def test_comes_back(self, dead: House) -> None:
        """A probe that goes well opens the doors, and all is told."""
        while dead.receiver.open:
            dead.say(FAILED)
        dead.wait(PROBE_S + 0.5)
        dead.say(OK)
        assert len(dead.receiver.open) == 4
        for _ in range(400):
            while dead.receiver.open:
                dead.say(OK)
            dead.wait(1, step=1)
        assert dead.outbox.delivered == 30
        assert dead.is_empty

    def test_says_410(self, house: House) -> None:
        """It wants no more: nothing is called until the next start, nothing is lost and
        no attempt is used up; then all is told in order.
        """
        first = house.message(SENT, DELIVERED)
        for _ in range(9):
            house.message(SENT)
        house.say(GONE)
        while house.receiver.open:
            house.say(GONE)
        calls = len(house.receiver.calls)
        assert calls == 8
        house.wait(100, step=10)
        assert len(house.receiver.calls) == calls
        assert house.node.claimed(OUTBOX) == set()
        house.start()
        house.poke()
        while house.receiver.open:
            house.say(OK)
        assert {call.attempt for call in house.receiver.calls[calls:]} == {1}
        assert house.outbox.delivered == 11
        again = [
            call.status
            for call in house.receiver.calls[calls:]
            if call.message == to_text(first)
        ]
        assert again == ["SENT", "DELIVERED"]

    def test_says_410_while_a_claim_is_under_way(self, house: House) -> None:
        """What the claim brings goes back."""
        house.message(SENT)
        house.node.link.is_slow = True
        house.outbox.poke()
        house.node.turn()
        house.say(GONE)
        house.node.link.release()
        house.node.turn()
        assert house.states_waiting() == [SENT]
        assert house.node.claimed(OUTBOX) == set()


class TestStopping:
    def stop(self, house: House) -> list[None]:
        """Stop the outbox; what its Deferred gave, once it has."""
        done: list[None] = []
        house.outbox.stop(10).addCallback(done.append)
        house.node.turn()
        return done

    def test_with_nothing_to_do(self, house: House) -> None:
        """It is done at once."""
        assert self.stop(house) == [None]

    def test_what_is_under_way_is_awaited(
        self, make_house: Callable[..., House]
    ) -> None:
        """Nothing new begins; what waits goes back in order; then it is done."""
        house = make_house(max_in_flight=1)
        ids = [house.message(SENT) for _ in range(6)]
        done = self.stop(house)
        assert done == []
        waiting = [each[:16] for each in house.node.queued(OUTBOX)]
        assert waiting == ids[1:]
        house.say(OK)
        assert done == [None]
        assert len(house.receiver.calls) == 1
        assert house.node.claimed(OUTBOX) == set()

    @pytest.mark.parametrize("verdict", [OK, FAILED, GONE])
    def test_the_order_of_a_message_survives(
        self, house: House, verdict: Verdict
    ) -> None:
        """The next start tells what is behind an event after it, never before."""
        house.message(SENT, State.UNKNOWN, DELIVERED)
        done = self.stop(house)
        house.say(verdict)
        assert done == [None]
        assert house.node.claimed(OUTBOX) == set()
        house.start()
        house.wait(6)
        while house.receiver.open:
            house.say(OK)
            house.wait(1)
        told = ["SENT", "UNKNOWN", "DELIVERED"]
        assert house.receiver.told == (["SENT"] if verdict is not OK else []) + told
        assert house.is_empty

    def test_not_for_ever(self, house: House) -> None:
        """A receiver that never answers is not waited for; its late answer does no
        harm, and the next start tells the event again.
        """
        house.message(SENT)
        done = self.stop(house)
        house.node.wait(10)
        assert done == [None]
        house.say(OK)

    def test_while_a_claim_is_under_way(self, house: House) -> None:
        """What the claim brings is not told, and goes back in order."""
        house.is_looking = False
        ids = [house.message(SENT) for _ in range(3)]
        house.node.link.is_slow = True
        house.outbox.poke()
        house.node.turn()
        assert self.stop(house) == [None]
        house.node.link.release()
        house.node.turn()
        assert [each[:16] for each in house.node.queued(OUTBOX)] == ids
        assert house.receiver.calls == []
        assert house.node.claimed(OUTBOX) == set()

"""What every store promises: the suite that a new one has to pass.

A store is bound to it by a class in the tests that says how to make an empty one::

    class TestMyStore(StoreContract):
        @pytest.fixture
        def store(self) -> StoreUnderTest: ...

and, in a conftest.py, so that a failed assertion shows its values::

    pytest.register_assert_rewrite("luckgw.testing.store_contract")

The operations come from the real journal, on a clock that stands still.
"""
# ruff: noqa: S101, PLR2004 - tests assert, and literal numbers are the promise

import itertools
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Final, Protocol, TypeVar

import pytest
from twisted.internet.defer import Deferred, ensureDeferred
from twisted.internet.task import Clock
from twisted.python.failure import Failure

from luckgw.domain.states import State, outranks
from luckgw.store import keys, records
from luckgw.store.interface import (
    FLAG_DELIVER_SM,
    FLAG_WEBHOOK,
    Accept,
    Queue,
    Verdict,
    VerdictCallback,
)
from luckgw.store.journal import Args, Backend, Journal
from luckgw.store.records import OutboxEntry
from luckgw.store.revoked import RevokeList

_T = TypeVar("_T")

UPSTREAM: Final = "mtn"
ACCOUNT: Final = "acme"
QUEUE: Final = keys.upstream_queue(UPSTREAM)
SMPP_OUTBOX: Final = keys.deliver_sm_outbox(ACCOUNT)
WEBHOOK_OUTBOX: Final = keys.webhook_outbox(ACCOUNT)
NOON_MS: Final = 1_800_014_400_000
"""2027-01-15, 12:00 UTC: the time at every node, until the test moves it."""
INDEX: Final = keys.index(ACCOUNT, "20270115")

FINALS: Final = [state for state in State if state.is_final]
REPORTED: Final = [State.SENT, State.UNKNOWN, *FINALS]
"""What a receipt can say."""


class StoreUnderTest(Protocol):
    """An empty store, and what the suite needs beside its backends.

    Its backends answer at once: the Deferreds they give have fired. One that waits for
    a server is to be bound through a connection that blocks.
    """

    def join(self, node: str) -> tuple[int, Backend]:
        """Begin a new epoch of a node: its number, and the store as it sees it."""
        ...

    def record(self, message_id: bytes) -> bytes | None:
        """The record of a message as it is kept now."""
        ...


class Repeating:
    """A backend to which each batch comes twice, as after a lost answer.

    Claims come once: the journal does not repeat them, and gives back what it was not
    told of. A suite passed through it shows that to repeat an operation is safe.
    """

    def __init__(self, backend: Backend) -> None:
        self._backend = backend

    def run(self, operations: Sequence[Args]) -> "Deferred[list[object]]":
        """Run twice; the verdicts are the first ones."""
        first = self._backend.run(operations)
        again = self._backend.run([args for args in operations if args[0] != b"C"])
        again.addErrback(lambda _: None)  # the same as the first
        return first

    def claimed(self, claims: bytes) -> "Deferred[Iterable[bytes]]":
        """As the backend says."""
        return self._backend.claimed(claims)


def now(deferred: "Deferred[_T]") -> _T:
    """The result of a Deferred that has fired. Raises what it failed with."""
    results: list[_T | Failure] = []
    deferred.addBoth(results.append)
    assert results, "the backend did not answer at once"
    result = results[0]
    if isinstance(result, Failure):
        result.raiseException()
    return result


class Node:
    """A gateway node as the store sees it. Each call is a reactor turn of its own."""

    def __init__(self, store: StoreUnderTest, name: str, folder: Path) -> None:
        self.name = name
        self.epoch, self.backend = store.join(name)
        self.now_ms = NOON_MS
        self.is_fenced = False
        self.revoked = RevokeList(folder / f"{name}-{self.epoch}.revoked")
        self._clock = Clock()
        self.journal = Journal(
            self._clock,
            self.backend,
            self.revoked,
            lambda: self.now_ms,
            name,
            self.epoch,
            7 * 86_400,
            self._fenced,
        )
        now(ensureDeferred(self.journal.opened()))

    def _fenced(self) -> None:
        self.is_fenced = True

    def queue(self, key: bytes = QUEUE) -> Queue:
        """This node's view of a queue."""
        return self.journal.queue(key)

    def turn(self) -> None:
        """Let everything go to the store, and its answers come back."""
        self._clock.advance(0)

    def _only(self, told: list[_T]) -> _T:
        """What one callback was told in this turn."""
        self.turn()
        (verdict,) = told
        return verdict

    def _pair(self, start: Callable[[VerdictCallback], None]) -> tuple[Verdict, str]:
        told: list[tuple[Verdict, str]] = []
        start(lambda verdict, account: told.append((verdict, account)))
        return self._only(told)

    def accept(
        self,
        number: int,
        *,
        flags: int = 0,
        registered_delivery: int = 0,
        segments: int = 1,
        upstream: str = UPSTREAM,
        due_ms: int | None = None,
    ) -> bytes:
        """Accept a message; its id, which ``number`` makes."""
        message_id = number.to_bytes(16, "big")
        told: list[Accept] = []
        self.start_accept(
            message_id,
            told.append,
            flags=flags,
            registered_delivery=registered_delivery,
            segments=segments,
            upstream=upstream,
            due_ms=due_ms,
        )
        assert self._only(told) is Accept.STORED
        return message_id

    def start_accept(
        self,
        message_id: bytes,
        done: Callable[[Accept], None],
        *,
        flags: int = 0,
        registered_delivery: int = 0,
        segments: int = 1,
        upstream: str = UPSTREAM,
        due_ms: int | None = None,
    ) -> None:
        """Give a message to the journal, without a turn."""
        self.journal.accept(
            message_id,
            account=ACCOUNT,
            route="default",
            upstream=upstream,
            flags=flags,
            registered_delivery=registered_delivery,
            deadline_ms=self.now_ms + 86_400_000,
            bodies=[b"body %d" % each for each in range(segments)],
            done=done,
            due_ms=due_ms,
        )

    def claim(self, key: bytes = QUEUE, want: int = 10) -> list[bytes]:
        """The entries that a claim gave."""
        return [entry for entry, _ in self.claim_records(key, want)]

    def claim_records(self, key: bytes, want: int = 10) -> list[tuple[bytes, bytes]]:
        """The entries that a claim gave, and their records."""
        told: list[list[tuple[bytes, bytes]]] = []
        self.journal.claim(self.queue(key), want, told.append)
        return self._only(told)

    def claimed(self, key: bytes = QUEUE) -> set[bytes]:
        """What this node holds of a queue."""
        return set(now(self.backend.claimed(self.queue(key).claims)))

    def sent(
        self,
        message_id: bytes,
        carrier_id: bytes,
        *,
        segment: int = 0,
        last: bool = True,
        webhook: bytes = b"",
    ) -> tuple[Verdict, str]:
        """A carrier took a segment: the verdict and the account that is told."""
        return self._pair(
            lambda done: self.journal.sent(
                self.queue(),
                message_id,
                segment,
                UPSTREAM,
                carrier_id,
                carrier_id.upper(),
                last=last,
                webhook=webhook,
                done=done,
            )
        )

    def receipt(
        self,
        carrier_id: bytes,
        state: State,
        upstream: str = UPSTREAM,
        *,
        park: bool = True,
        tail: bytes = b"err:000",
        more: bytes = b"",
        recipient: bytes = b"",
    ) -> tuple[Verdict, str]:
        """A carrier's receipt: the verdict and the account that is told."""
        return self._pair(
            lambda done: self.journal.receipt(
                upstream,
                carrier_id,
                state,
                tail,
                done,
                park=park,
                more=more,
                recipient=recipient,
            )
        )

    def hand_over(self, key: bytes, message_id: bytes) -> tuple[Verdict, str]:
        """Give a parked receipt to a message: the verdict and who is told."""
        return self._pair(lambda done: self.journal.hand_over(key, message_id, 0, done))

    def drop_receipt(self, key: bytes) -> Verdict:
        """Drop a parked receipt."""
        return self._pair(lambda done: self.journal.drop_receipt(key, done))[0]

    def look(self, start: int, want: int, before_ms: int, index: bytes = INDEX) -> int:
        """Look for open ends: where that ended."""
        told: list[int] = []
        self.journal.look(index, start, want, before_ms, told.append)
        return self._only(told)

    def end(
        self, before_ms: int, want: int, *, again_ms: int = 0, overdue_ms: int = 0
    ) -> tuple[int, list[str]]:
        """End what no receipt came for: how many were looked at, and who is told."""
        told: list[tuple[int, list[str]]] = []
        self.journal.end(
            before_ms, want, again_ms, overdue_ms, lambda *each: told.append(each)
        )
        return self._only(told)

    def bound(
        self,
        key: bytes,
        most: int,
        *,
        entry: bytes = b"",
        before_ms: int | None = None,
        delayed: bool = False,
    ) -> int:
        """Keep a list within its bounds: how many were dropped."""
        told: list[int] = []
        self.journal.bound(
            key,
            most,
            100,
            told.append,
            entry=entry,
            before_ms=before_ms,
            delayed=delayed,
        )
        return self._only(told)

    def drop_parked(self, before_ms: int) -> int:
        """Drop receipts parked too long ago: how many."""
        told: list[int] = []
        self.journal.drop_parked(keys.parked(UPSTREAM), before_ms, told.append)
        return self._only(told)

    def finish(self, message_id: bytes, state: State) -> tuple[Verdict, str]:
        """The gateway ends a message: the verdict and the account that is told."""
        return self._pair(
            lambda done: self.journal.finish(
                self.queue(), message_id, state, b"why", done
            )
        )

    def cancel(self, message_id: bytes) -> tuple[Verdict, str]:
        """A customer does not want a message any more: verdict and account told."""
        return self._pair(lambda done: self.journal.cancel(message_id, b"why", done))

    def replace(
        self,
        message_id: bytes,
        old: bytes,
        new: bytes,
        due: tuple[bytes, int] | None = None,
    ) -> Verdict:
        """A customer wants another record in the place of ``old``: the verdict."""
        verdict, _ = self._pair(
            lambda done: self.journal.replace(message_id, old, new, due, done)
        )
        return verdict

    def retry(
        self,
        entry: bytes,
        *,
        again: bytes | None = None,
        due_ms: int | None = None,
        event: bytes = b"",
        key: bytes = QUEUE,
    ) -> None:
        """Give an entry back."""
        self.journal.retry(self.queue(key), entry, again or entry, due_ms, event)
        self.turn()

    def settle(self, entry: bytes, key: bytes = QUEUE) -> None:
        """Be done with an entry."""
        self.journal.settle(self.queue(key), entry)
        self.turn()

    def take_over(
        self,
        dead: Queue,
        *,
        due_ms: int | None = None,
        event: bytes = b"",
    ) -> int:
        """Take over what a dead epoch held: how many."""
        told: list[int] = []
        self.journal.take_over(dead.key, dead.claims, due_ms, event, told.append)
        return self._only(told)

    def sweep(self, want: int, later: bytes = INDEX) -> int:
        """Remove the oldest messages of the account's day: how many."""
        told: list[int] = []
        self.journal.sweep(INDEX, want, later, told.append)
        return self._only(told)

    def revoke(self, message_id: bytes) -> None:
        """A message was refused after all: the connection comes back and says so."""
        self.revoked.add([message_id])
        self.journal.lost()
        now(ensureDeferred(self.journal.opened()))
        self.turn()


class StoreContract:
    """The promises. ``store`` is the fixture that a binding overrides."""

    @pytest.fixture
    def store(self) -> StoreUnderTest:
        """An empty store."""
        raise NotImplementedError

    @pytest.fixture
    def node(self, store: StoreUnderTest, tmp_path: Path) -> Node:
        """A node of that store."""
        return Node(store, "gw1", tmp_path)

    @pytest.fixture
    def other(self, store: StoreUnderTest, tmp_path: Path) -> Node:
        """Another node of the same store."""
        return Node(store, "gw2", tmp_path)

    @pytest.fixture
    def forgive(self) -> Callable[[], object]:
        """Forgives what was logged: for tests that fail on anything critical."""
        return lambda: None

    def _read(self, store: StoreUnderTest, message_id: bytes) -> records.Record:
        data = store.record(message_id)
        assert data is not None
        return records.decode(data)

    # -- accept ----------------------------------------------------------------------

    def test_what_is_accepted_is_kept_as_it_came(
        self, store: StoreUnderTest, node: Node
    ) -> None:
        """An accepted message can be read back and waits in its upstream's queue."""
        message_id = node.accept(1, flags=FLAG_WEBHOOK, segments=2)
        assert self._read(store, message_id) == records.Record(
            flags=FLAG_WEBHOOK,
            registered_delivery=0,
            accepted_ms=NOON_MS,
            deadline_ms=NOON_MS + 86_400_000,
            account=ACCOUNT,
            route="default",
            bodies=[b"body 0", b"body 1"],
            events=[],
        )
        assert node.claim() == [message_id]

    def test_accept_is_repeatable(self, store: StoreUnderTest, node: Node) -> None:
        """A message that is accepted again is stored once, and queued once."""
        message_id = node.accept(1)
        record = store.record(message_id)
        node.now_ms += 1000
        node.accept(1)
        assert store.record(message_id) == record
        assert node.claim() == [message_id]
        assert node.sweep(10) == 1

    def test_accept_again_does_not_send_again(self, node: Node) -> None:
        """A repeated accept does not put a message in its queue that has left it."""
        message_id = node.accept(1)
        node.claim()
        node.accept(1)
        assert node.claim() == []
        node.sent(message_id, b"c1")
        node.accept(1)
        assert node.claim() == []

    # -- claims ----------------------------------------------------------------------

    def test_a_claim_is_exclusive(self, node: Node, other: Node) -> None:
        """What one node has claimed no other claim gives, on any node."""
        ids = [node.accept(each) for each in range(5)]
        assert node.claim(want=2) == ids[:2]
        assert other.claim(want=2) == ids[2:4]
        assert node.claim() == ids[4:]
        assert other.claim() == []
        assert node.claimed() == {*ids[:2], ids[4]}
        assert other.claimed() == set(ids[2:4])

    def test_a_claim_tells_the_records(self, store: StoreUnderTest, node: Node) -> None:
        """Each entry of a claim comes with the record of its message."""
        ids = [node.accept(each) for each in range(2)]
        assert node.claim_records(QUEUE) == [(each, store.record(each)) for each in ids]

    def test_a_claim_of_nothing_takes_nothing(self, node: Node) -> None:
        """With room for no entry none is claimed, be it ready or due."""
        message_id = node.accept(1)
        assert node.claim(want=0) == []
        node.claim()
        node.retry(message_id, due_ms=NOON_MS)
        assert node.claim(want=0) == []
        assert node.claim() == [message_id]

    def test_a_claim_is_bounded_and_loses_nothing(self, node: Node) -> None:
        """However much is asked for, what is not told of is still in the queue."""
        ids = [each.to_bytes(16, "big") for each in range(8500)]
        for each in ids:
            node.start_accept(each, lambda _: None)
        node.turn()
        told: list[bytes] = []
        while entries := node.claim(want=100_000):
            told += entries
        assert told == ids
        assert node.claimed() == set(ids)

    def test_what_is_settled_is_not_claimed_again(self, node: Node) -> None:
        """A settled entry is neither held nor ready any more."""
        message_id = node.accept(1)
        node.claim()
        node.settle(message_id)
        assert node.claimed() == set()
        assert node.claim() == []

    def test_queues_do_not_mix(self, node: Node) -> None:
        """A claim takes from its own upstream's queue alone."""
        node.accept(1, upstream="other")
        mine = node.accept(2)
        assert node.claim() == [mine]

    # -- in its time -----------------------------------------------------------------

    def test_not_before_its_time(self, node: Node) -> None:
        """An entry given back for later is claimed from its due time on, not before."""
        message_id = node.accept(1)
        node.claim()
        node.retry(message_id, due_ms=NOON_MS + 5000)
        node.now_ms = NOON_MS + 4999
        assert node.claim() == []
        node.now_ms = NOON_MS + 5000
        assert node.claim() == [message_id]
        assert node.claim() == []

    def test_due_before_ready(self, node: Node) -> None:
        """What is due goes before what is ready, the longest due first."""
        late, early, ready = (node.accept(each) for each in range(3))
        node.claim(want=2)
        node.retry(late, due_ms=NOON_MS + 2)
        node.retry(early, due_ms=NOON_MS + 1)
        node.now_ms += 10
        assert node.claim(want=1) == [early]
        assert node.claim() == [late, ready]

    def test_given_back_first_in_line(self, node: Node) -> None:
        """An entry given back at once is the next to be claimed."""
        first, second = node.accept(1), node.accept(2)
        node.claim(want=1)
        node.retry(first)
        assert node.claimed() == set()
        assert node.claim() == [first, second]

    def test_given_back_as_another_entry(self, node: Node) -> None:
        """An entry may come back changed: an outbox counts its attempts so."""
        node.accept(1, flags=FLAG_WEBHOOK)
        (message_id,) = node.claim()
        node.finish(message_id, State.EXPIRED)
        (entry,) = node.claim(WEBHOOK_OUTBOX)
        again = OutboxEntry.from_bytes(entry).again()
        node.retry(entry, again=again, due_ms=NOON_MS + 1, key=WEBHOOK_OUTBOX)
        node.now_ms += 1
        assert node.claim(WEBHOOK_OUTBOX) == [again]
        assert node.claimed(WEBHOOK_OUTBOX) == {again}

    def test_only_what_is_held_is_given_back(
        self, store: StoreUnderTest, node: Node, other: Node
    ) -> None:
        """An entry that is not held here is not queued twice, and leaves no trace."""
        message_id = node.accept(1)
        event = records.event(records.REQUEUED, NOON_MS, 0)
        node.retry(message_id, event=event)
        assert node.claim() == [message_id]
        other.retry(message_id, event=event)
        assert other.claim() == []
        assert self._read(store, message_id).attempts == 0

    def test_an_attempt_is_remembered(self, store: StoreUnderTest, node: Node) -> None:
        """The event that comes with an entry given back stands in its record."""
        message_id = node.accept(1)
        for attempt in (1, 2):
            node.claim()
            node.now_ms += 1
            event = records.event(records.REQUEUED, node.now_ms, 0, b"\x58")
            node.retry(message_id, event=event)
            assert self._read(store, message_id).attempts == attempt

    # -- sent ------------------------------------------------------------------------

    def test_sent_settles_with_the_last_segment(
        self, store: StoreUnderTest, node: Node
    ) -> None:
        """A message is held until no segment of it is unanswered, and is SENT then."""
        message_id = node.accept(1, segments=2)
        node.claim()
        assert node.sent(message_id, b"c1", segment=1, last=False) == (
            Verdict.APPLIED,
            "",
        )
        assert self._read(store, message_id).state is State.ACCEPTED
        assert node.claimed() == {message_id}
        node.sent(message_id, b"c0", segment=0, last=True)
        record = self._read(store, message_id)
        assert record.state is State.SENT
        assert [(each.segment, each.tail) for each in record.events] == [
            (1, b"mtn\0C1"),
            (0, b"mtn\0C0"),
        ]
        assert node.claimed() == set()
        assert node.claim() == []

    def test_sent_without_a_carriers_id(
        self, store: StoreUnderTest, node: Node
    ) -> None:
        """A message to which the carrier gave no id is SENT, once."""
        message_id = node.accept(1, flags=FLAG_WEBHOOK)
        node.claim()
        assert node.sent(message_id, b"", webhook=ACCOUNT.encode()) == (
            Verdict.APPLIED,
            ACCOUNT,
        )
        record = self._read(store, message_id)
        assert [each.state for each in record.events] == [State.SENT]
        assert len(node.claim(WEBHOOK_OUTBOX)) == 1

    def test_sent_again_after_doubt_is_told(
        self, store: StoreUnderTest, node: Node
    ) -> None:
        """A message sent twice has both carrier's ids: either receipt is its own."""
        message_id = node.accept(1)
        node.claim()
        node.sent(message_id, b"c1")
        node.now_ms += 1
        assert node.sent(message_id, b"c2") == (Verdict.APPLIED, "")
        assert node.receipt(b"c1", State.UNDELIVERED) == (Verdict.APPLIED, "")
        assert node.receipt(b"c2", State.DELIVERED) == (Verdict.APPLIED, "")
        assert self._read(store, message_id).state is State.DELIVERED

    def test_a_carriers_id_is_used_again(
        self, store: StoreUnderTest, node: Node
    ) -> None:
        """The newer message has the id: a receipt is never put to the older one."""
        old, new = node.accept(1), node.accept(2)
        node.claim()
        node.sent(old, b"c1")
        assert node.sent(new, b"c1") == (Verdict.REUSED, "")
        assert node.receipt(b"c1", State.DELIVERED) == (Verdict.APPLIED, "")
        assert self._read(store, old).state is State.SENT
        assert self._read(store, new).state is State.DELIVERED

    def test_sent_does_not_bring_back_what_is_gone(
        self, store: StoreUnderTest, node: Node
    ) -> None:
        """A late answer for a message that left the store makes no broken record."""
        message_id = node.accept(1, flags=FLAG_WEBHOOK)
        node.claim()
        node.revoke(message_id)
        assert node.receipt(b"early", State.DELIVERED) == (Verdict.PARKED, "")
        for carrier_id in (b"c1", b"early", b""):
            assert node.sent(message_id, carrier_id, webhook=b"acme") == (
                Verdict.GONE,
                "",
            )
            assert store.record(message_id) is None
        assert node.claimed() == set()
        assert node.claim(WEBHOOK_OUTBOX) == []
        assert node.receipt(b"c1", State.DELIVERED) == (Verdict.GONE, "")

    # -- receipts --------------------------------------------------------------------

    @pytest.mark.parametrize("old", REPORTED)
    def test_a_final_state_is_sticky(
        self, store: StoreUnderTest, node: Node, old: State
    ) -> None:
        """The first final state stays, but for a DELIVERED after EXPIRED, UNDELIVERED
        and a final UNKNOWN; and no state goes back.
        """
        for new in (State.UNKNOWN, *FINALS):
            message_id, carrier_id = node.accept(new), b"c%d" % new
            node.claim()
            node.sent(message_id, carrier_id)
            node.receipt(carrier_id, old)
            changes = outranks(new, old)
            assert node.receipt(carrier_id, new) == (
                Verdict.APPLIED if changes else Verdict.NO_CHANGE,
                "",
            )
            assert self._read(store, message_id).state is (new if changes else old)

    def test_on_its_way_is_no_news(self, store: StoreUnderTest, node: Node) -> None:
        """A receipt that says "on its way" changes no state; it is kept once, and only
        so many of them, and none after the end.
        """
        message_id = node.accept(1)
        node.claim()
        node.sent(message_id, b"c1")
        assert node.receipt(b"c1", State.SENT) == (Verdict.APPLIED, "")
        assert node.receipt(b"c1", State.SENT) == (Verdict.NO_CHANGE, "")
        for each in range(20):
            node.receipt(b"c1", State.SENT, tail=b"%d" % each)
        record = self._read(store, message_id)
        assert record.state is State.SENT
        assert [each.kind for each in record.events] == [
            State.SENT,
            *[records.ON_ITS_WAY] * records.MOST_NOTES,
        ]
        assert record.events[1].tail == b"err:000"
        node.receipt(b"c1", State.DELIVERED)
        before = store.record(message_id)
        assert node.receipt(b"c1", State.SENT, tail=b"x") == (Verdict.NO_CHANGE, "")
        assert store.record(message_id) == before

    def test_on_its_way_before_its_sent(
        self, store: StoreUnderTest, node: Node
    ) -> None:
        """An early "on its way" is kept as one that is in time."""
        message_id = node.accept(1, segments=2)
        node.claim()
        node.receipt(b"c1", State.SENT)
        node.sent(message_id, b"c1", segment=1)
        kinds = [
            (each.kind, each.segment) for each in self._read(store, message_id).events
        ]
        assert kinds == [(State.SENT, 1), (records.ON_ITS_WAY, 1)]

    def test_who_is_told_that_it_is_on_its_way(self, node: Node) -> None:
        """Sessions whose message asked for intermediate notifications (bit 4)."""
        for number, registered_delivery in enumerate((0x10, 0x11, 0x01, 0x00)):
            wants = bool(registered_delivery & 0x10)
            message_id = node.accept(
                number, flags=7, registered_delivery=registered_delivery
            )
            node.claim()
            node.sent(message_id, b"c%d" % number)
            _, told = node.receipt(b"c%d" % number, State.SENT)
            assert told == (ACCOUNT if wants else "")
            entries = [OutboxEntry.from_bytes(each) for each in node.claim(SMPP_OUTBOX)]
            event = OutboxEntry(message_id, State.SENT, NOON_MS, 0)
            assert entries == ([event] if wants else [])

    def test_a_receipt_for_another_recipient(
        self, store: StoreUnderTest, node: Node
    ) -> None:
        """Where the recipient is asked for, a message to another one is left alone."""
        message_id = node.accept(1)
        node.claim()
        node.sent(message_id, b"c1")
        for recipient, verdict in (
            (b"233", Verdict.UNKNOWN),
            (b"body 0", Verdict.APPLIED),
        ):
            found, _ = node.receipt(b"c1", State.DELIVERED, recipient=recipient)
            assert found is verdict
        assert self._read(store, message_id).state is State.DELIVERED

    def test_a_receipt_is_kept_with_its_words(
        self, store: StoreUnderTest, node: Node
    ) -> None:
        """A receipt's event has its time, its segment and what the carrier wrote."""
        message_id = node.accept(1, segments=2)
        node.claim()
        node.sent(message_id, b"c1", segment=1)
        node.now_ms += 1500
        node.receipt(b"c1", State.EXPIRED)
        assert self._read(store, message_id).events[-1] == records.Event(
            State.EXPIRED, NOON_MS + 1500, 1, b"err:000"
        )

    def test_a_receipt_before_its_sent_is_parked(
        self, store: StoreUnderTest, node: Node
    ) -> None:
        """A receipt whose id is unknown waits, and the id's own message gets it."""
        message_id = node.accept(1, flags=FLAG_WEBHOOK)
        node.claim()
        assert node.receipt(b"c1", State.DELIVERED) == (Verdict.PARKED, "")
        assert self._read(store, message_id).state is State.ACCEPTED
        node.now_ms += 1
        assert node.sent(message_id, b"c1") == (Verdict.APPLIED, ACCOUNT)
        record = self._read(store, message_id)
        assert [(each.state, each.time_ms) for each in record.events] == [
            (State.SENT, NOON_MS + 1),
            (State.DELIVERED, NOON_MS),
        ]
        assert record.state is State.DELIVERED
        assert node.receipt(b"c1", State.DELIVERED) == (Verdict.NO_CHANGE, "")

    def test_a_parked_receipt_of_one_segment(
        self, store: StoreUnderTest, node: Node
    ) -> None:
        """A parked receipt goes to the segment that gets its id."""
        message_id = node.accept(1, segments=2)
        node.claim()
        node.receipt(b"c1", State.DELIVERED)
        node.sent(message_id, b"c1", segment=1, last=False)
        states = self._read(store, message_id).segment_states()
        assert states == [State.ACCEPTED, State.DELIVERED]

    def test_a_receipt_that_is_not_parked(
        self, store: StoreUnderTest, node: Node
    ) -> None:
        """What only looks like a receipt counts when its id is known, and leaves no
        trace when it is not.
        """
        message_id = node.accept(1)
        node.claim()
        assert node.receipt(b"c1", State.DELIVERED, park=False) == (Verdict.UNKNOWN, "")
        node.sent(message_id, b"c1")
        assert self._read(store, message_id).state is State.SENT
        assert node.receipt(b"c1", State.DELIVERED, park=False) == (Verdict.APPLIED, "")
        assert self._read(store, message_id).state is State.DELIVERED

    def test_parked_too_long(self, store: StoreUnderTest, node: Node) -> None:
        """A receipt that waited too long is dropped; younger ones still wait."""
        message_ids = [node.accept(each) for each in range(2)]
        node.claim()
        node.receipt(b"c0", State.DELIVERED)
        node.now_ms += 10
        node.receipt(b"c1", State.DELIVERED)
        assert node.drop_parked(before_ms=node.now_ms) == 1
        assert node.drop_parked(before_ms=node.now_ms) == 0
        for message_id, carrier_id in zip(message_ids, (b"c0", b"c1"), strict=True):
            node.sent(message_id, carrier_id)
        states = [self._read(store, each).state for each in message_ids]
        assert states == [State.SENT, State.DELIVERED]

    def test_dropping_what_is_parked_is_bounded(self, node: Node) -> None:
        """Many parked receipts are dropped in bounded steps, none is forgotten."""
        for each in range(205):
            node.receipt(b"c%d" % each, State.DELIVERED)
        steps = [node.drop_parked(before_ms=node.now_ms + 1) for _ in range(4)]
        assert sum(steps) in {105, 205}  # a repeated step takes the next ones
        assert max(steps) <= 100
        assert steps[-1] == 0

    @pytest.mark.parametrize("first", REPORTED)
    def test_the_parked_receipt_that_counts(
        self, store: StoreUnderTest, node: Node, first: State
    ) -> None:
        """Of several early receipts the message gets the one that would have won."""
        for second in REPORTED:
            message_id, carrier_id = node.accept(second), b"c%d" % second
            node.claim()
            assert node.receipt(carrier_id, first) == (Verdict.PARKED, "")
            assert node.receipt(carrier_id, second) == (Verdict.PARKED, "")
            assert node.sent(message_id, carrier_id) == (Verdict.APPLIED, "")
            won = second if outranks(second, first) else first
            assert self._read(store, message_id).state is won

    def test_a_parked_receipt_is_handed_over(
        self, store: StoreUnderTest, node: Node
    ) -> None:
        """By hand, or by a form of its id: the message gets it with its words, and from
        then on the id is the message's.
        """
        message_id = node.accept(1, flags=FLAG_WEBHOOK)
        node.claim()
        node.sent(message_id, b"1f2e")
        node.receipt(b"7982", State.UNKNOWN, more=b"\0from")
        key = keys.carrier_id(UPSTREAM, b"7982")
        assert node.hand_over(key, message_id) == (Verdict.APPLIED, ACCOUNT)
        event = self._read(store, message_id).events[-1]
        assert (event.state, event.tail) == (State.UNKNOWN, b"err:000\0from")
        assert node.drop_parked(before_ms=node.now_ms + 1) == 0
        assert node.receipt(b"7982", State.DELIVERED) == (Verdict.APPLIED, ACCOUNT)
        assert self._read(store, message_id).state is State.DELIVERED

    def test_what_can_not_be_handed_over(
        self, store: StoreUnderTest, node: Node
    ) -> None:
        """An id that is not parked, and a message that is gone, change nothing."""
        message_id = node.accept(1)
        key = keys.carrier_id(UPSTREAM, b"c1")
        assert node.hand_over(key, message_id) == (Verdict.UNKNOWN, "")
        node.receipt(b"c1", State.DELIVERED)
        assert node.hand_over(key, b"x" * 16) == (Verdict.GONE, "")
        node.claim()
        node.sent(message_id, b"c1")
        assert self._read(store, message_id).state is State.DELIVERED

    def test_a_parked_receipt_is_dropped(
        self, store: StoreUnderTest, node: Node
    ) -> None:
        """By hand: its message never hears of it."""
        node.receipt(b"c1", State.DELIVERED)
        key = keys.carrier_id(UPSTREAM, b"c1")
        assert node.drop_receipt(key) is Verdict.APPLIED
        assert node.drop_receipt(key) is Verdict.UNKNOWN
        message_id = node.accept(1)
        node.claim()
        node.sent(message_id, b"c1")
        assert self._read(store, message_id).state is State.SENT

    def test_ids_of_upstreams_do_not_mix(
        self, store: StoreUnderTest, node: Node
    ) -> None:
        """The same id from another carrier is another message's."""
        message_id = node.accept(1)
        node.claim()
        node.sent(message_id, b"c1")
        assert node.receipt(b"c1", State.DELIVERED, "voda") == (Verdict.PARKED, "")
        assert self._read(store, message_id).state is State.SENT

    # -- segments --------------------------------------------------------------------

    @pytest.mark.parametrize(
        ("events", "state"),
        [
            ([(0, State.SENT)], State.ACCEPTED),
            ([(0, State.SENT), (1, State.SENT)], State.SENT),
            ([(0, State.DELIVERED)], State.ACCEPTED),
            ([(0, State.SENT), (1, State.DELIVERED)], State.SENT),
            ([(0, State.UNKNOWN), (1, State.SENT)], State.SENT),
            ([(0, State.UNKNOWN), (1, State.DELIVERED)], State.UNKNOWN),
            ([(0, State.UNKNOWN), (1, State.UNKNOWN)], State.UNKNOWN),
            ([(0, State.DELIVERED), (1, State.DELIVERED)], State.DELIVERED),
            ([(0, State.EXPIRED), (1, State.SENT)], State.SENT),
            ([(0, State.EXPIRED), (1, State.DELIVERED)], State.EXPIRED),
            ([(1, State.EXPIRED), (0, State.REJECTED)], State.EXPIRED),
            ([(0, State.REJECTED), (1, State.EXPIRED)], State.REJECTED),
            (
                [(0, State.EXPIRED), (1, State.DELIVERED), (0, State.DELIVERED)],
                State.DELIVERED,
            ),
            (
                [(0, State.EXPIRED), (1, State.REJECTED), (0, State.DELIVERED)],
                State.REJECTED,
            ),
        ],
    )
    def test_one_state_for_all_segments(
        self,
        store: StoreUnderTest,
        node: Node,
        events: list[tuple[int, State]],
        state: State,
    ) -> None:
        """Final when every segment is; then the one that failed first decides. The
        webhook hears of each change that a receipt makes, and of nothing else.
        """
        message_id = node.accept(1, flags=FLAG_WEBHOOK, segments=2)
        node.claim()
        changes = []
        for segment, each in events:
            node.sent(message_id, b"c%d" % segment, segment=segment, last=False)
            before = self._read(store, message_id).state
            node.receipt(b"c%d" % segment, each)
            if (after := self._read(store, message_id).state) is not before:
                changes.append(after)
        assert self._read(store, message_id).state is state
        entries = [OutboxEntry.from_bytes(each) for each in node.claim(WEBHOOK_OUTBOX)]
        assert [each.state for each in entries] == changes

    def test_the_segment_that_failed_first_decides(
        self, store: StoreUnderTest, node: Node
    ) -> None:
        """It is the first in time, not in the text, of those that have failed for good:
        one that was delivered after all does not count.
        """
        message_id = node.accept(1, segments=3)
        node.claim()
        for segment in range(3):
            node.sent(message_id, b"c%d" % segment, segment=segment, last=segment == 2)
        for segment, state in (
            (0, State.EXPIRED),
            (2, State.REJECTED),
            (1, State.UNDELIVERED),
        ):
            node.receipt(b"c%d" % segment, state)
        assert self._read(store, message_id).state is State.EXPIRED
        node.receipt(b"c0", State.DELIVERED)
        assert self._read(store, message_id).state is State.REJECTED

    def test_the_gateway_ends_all_segments(
        self, store: StoreUnderTest, node: Node
    ) -> None:
        """A message that the gateway ends has that state in each segment not final."""
        message_id = node.accept(1, segments=3)
        node.claim()
        node.sent(message_id, b"c1", segment=1, last=False)
        node.receipt(b"c1", State.DELIVERED)
        assert node.finish(message_id, State.FAILED) == (Verdict.APPLIED, "")
        record = self._read(store, message_id)
        states = record.segment_states()
        assert states == [State.FAILED, State.DELIVERED, State.FAILED]
        assert record.state is State.FAILED
        assert node.claimed() == set()

    def test_only_what_is_held_is_ended(
        self, store: StoreUnderTest, node: Node, other: Node
    ) -> None:
        """A message that waits, or that another node holds, is not ended here."""
        message_id = node.accept(1)
        assert node.finish(message_id, State.EXPIRED) == (Verdict.NO_CHANGE, "")
        node.claim()
        assert other.finish(message_id, State.EXPIRED) == (Verdict.NO_CHANGE, "")
        assert self._read(store, message_id).state is State.ACCEPTED
        assert node.claimed() == {message_id}

    def test_what_is_gone_is_not_ended(self, store: StoreUnderTest, node: Node) -> None:
        """To end a message that left the store only lets go of it."""
        message_id = node.accept(1)
        node.claim()
        node.revoke(message_id)
        assert node.finish(message_id, State.EXPIRED) == (Verdict.NO_CHANGE, "")
        assert store.record(message_id) is None
        assert node.claimed() == set()

    # -- who is told -----------------------------------------------------------------

    @pytest.mark.parametrize("state", [State.UNKNOWN, *FINALS])
    def test_who_is_told_of_a_state(self, node: Node, state: State) -> None:
        """Sessions hear of the ends that registered_delivery asks for, the webhook of
        every change; only who is flagged hears at all.
        """
        cases = itertools.product(range(8), (0, 1, 2, 3, 0x11))
        for number, (flags, registered_delivery) in enumerate(cases):
            node.accept(number, flags=flags, registered_delivery=registered_delivery)
            (message_id,) = node.claim()
            node.now_ms += 7
            event = OutboxEntry(message_id, state, node.now_ms, 0)
            _, told = node.finish(message_id, state)
            wanted = registered_delivery & 3
            deliver_sm = bool(flags & FLAG_DELIVER_SM) and (
                (wanted == 1 and state.is_final)
                or (wanted == 2 and state.is_final and state is not State.DELIVERED)
            )
            webhook = bool(flags & FLAG_WEBHOOK)
            assert told == (ACCOUNT if deliver_sm or webhook else "")
            for outbox, wants in ((SMPP_OUTBOX, deliver_sm), (WEBHOOK_OUTBOX, webhook)):
                entries = [OutboxEntry.from_bytes(each) for each in node.claim(outbox)]
                assert entries == ([event] if wants else [])

    def test_an_outbox_gives_the_record_with_the_event(
        self, store: StoreUnderTest, node: Node
    ) -> None:
        """Who tells the customer has the message at hand, as it is by then."""
        node.accept(1, flags=FLAG_WEBHOOK)
        (message_id,) = node.claim()
        node.finish(message_id, State.EXPIRED)
        ((entry, record),) = node.claim_records(WEBHOOK_OUTBOX)
        assert entry[:16] == message_id
        assert record == store.record(message_id)

    def test_a_duplicate_receipt_tells_nobody(self, node: Node) -> None:
        """What was told once is not told again."""
        flags = FLAG_WEBHOOK | FLAG_DELIVER_SM
        message_id = node.accept(1, flags=flags, registered_delivery=1)
        node.claim()
        node.sent(message_id, b"c1")
        assert node.receipt(b"c1", State.DELIVERED) == (Verdict.APPLIED, ACCOUNT)
        assert node.receipt(b"c1", State.DELIVERED) == (Verdict.NO_CHANGE, "")
        assert len(node.claim(WEBHOOK_OUTBOX)) == 1
        assert len(node.claim(SMPP_OUTBOX)) == 1

    def test_segments_are_told_as_one_message(self, node: Node) -> None:
        """The customer hears once of a message, when its own state changes."""
        message_id = node.accept(1, flags=FLAG_WEBHOOK, segments=2)
        node.claim()
        node.sent(message_id, b"c0", segment=0, last=False)
        node.sent(message_id, b"c1", segment=1)
        assert node.receipt(b"c0", State.EXPIRED) == (Verdict.APPLIED, "")
        assert node.receipt(b"c1", State.DELIVERED) == (Verdict.APPLIED, ACCOUNT)
        (entry,) = node.claim(WEBHOOK_OUTBOX)
        assert OutboxEntry.from_bytes(entry).state is State.EXPIRED

    def test_sent_is_told_with_the_last_segment(self, node: Node) -> None:
        """The webhook that asked for it hears SENT once all is with the carrier."""
        message_id = node.accept(1, flags=FLAG_WEBHOOK, segments=2)
        node.claim()
        node.sent(message_id, b"c0", last=False, webhook=b"acme")
        assert node.claim(WEBHOOK_OUTBOX) == []
        told = node.sent(message_id, b"c1", segment=1, webhook=b"acme")
        assert told == (Verdict.APPLIED, ACCOUNT)
        (entry,) = node.claim(WEBHOOK_OUTBOX)
        assert OutboxEntry.from_bytes(entry) == OutboxEntry(
            message_id, State.SENT, NOON_MS, 0
        )

    def test_an_early_receipt_is_told_after_sent(self, node: Node) -> None:
        """The webhook hears of the states in their order, whatever came first."""
        message_id = node.accept(1, flags=FLAG_WEBHOOK)
        node.claim()
        node.receipt(b"c1", State.DELIVERED)
        node.sent(message_id, b"c1", webhook=b"acme")
        entries = [OutboxEntry.from_bytes(each) for each in node.claim(WEBHOOK_OUTBOX)]
        assert [each.state for each in entries] == [State.SENT, State.DELIVERED]

    def test_a_change_of_a_final_state_is_told(self, node: Node) -> None:
        """A customer who heard EXPIRED hears DELIVERED when it turns out so."""
        message_id = node.accept(1, flags=FLAG_DELIVER_SM, registered_delivery=1)
        node.claim()
        node.sent(message_id, b"c1")
        node.receipt(b"c1", State.EXPIRED)
        assert node.receipt(b"c1", State.DELIVERED) == (Verdict.APPLIED, ACCOUNT)
        entries = [OutboxEntry.from_bytes(each) for each in node.claim(SMPP_OUTBOX)]
        assert [each.state for each in entries] == [State.EXPIRED, State.DELIVERED]

    # -- cancel and replace ----------------------------------------------------------

    def test_a_message_that_waits_is_cancelled(
        self, store: StoreUnderTest, node: Node
    ) -> None:
        """All its segments are CANCELED, its account is told once, and it stays so."""
        message_id = node.accept(
            1, flags=FLAG_DELIVER_SM | FLAG_WEBHOOK, registered_delivery=1, segments=2
        )
        assert node.cancel(message_id) == (Verdict.APPLIED, ACCOUNT)
        record = self._read(store, message_id)
        assert record.segment_states() == [State.CANCELED] * 2
        for outbox in (SMPP_OUTBOX, WEBHOOK_OUTBOX):
            [entry] = node.claim(outbox)
            assert OutboxEntry.from_bytes(entry).state is State.CANCELED
        node.now_ms += 1
        assert node.cancel(message_id) == (Verdict.NO_CHANGE, "")
        node.claim()
        assert node.finish(message_id, State.EXPIRED) == (Verdict.NO_CHANGE, "")
        assert self._read(store, message_id).state is State.CANCELED

    def test_who_asked_for_no_receipt_is_told_of_no_cancel(self, node: Node) -> None:
        """As of any end (v3.4 5.2.17)."""
        message_id = node.accept(1, flags=FLAG_DELIVER_SM, registered_delivery=0)
        assert node.cancel(message_id) == (Verdict.APPLIED, "")
        assert node.claim(SMPP_OUTBOX) == []

    def test_a_scheduled_message_is_cancelled(self, node: Node) -> None:
        """It is claimed in its time, final, and given to nobody before."""
        message_id = node.accept(1, due_ms=NOON_MS + 1000)
        assert node.claim() == []
        assert node.cancel(message_id)[0] is Verdict.APPLIED

    def test_what_is_held_is_neither_cancelled_nor_replaced(
        self, store: StoreUnderTest, node: Node, other: Node
    ) -> None:
        """Whoever holds it, on whatever node: it may be leaving this moment. What is
        given back waits again.
        """
        message_id = node.accept(1)
        old = store.record(message_id)
        assert old is not None
        other.claim()
        assert node.cancel(message_id) == (Verdict.NO_CHANGE, "")
        new = records.replaced(old, bodies=[b"new"])
        assert node.replace(message_id, old, new) is Verdict.NO_CHANGE
        assert store.record(message_id) == old
        other.retry(message_id)
        assert node.replace(message_id, old, new) is Verdict.APPLIED
        assert node.cancel(message_id)[0] is Verdict.APPLIED

    def test_what_may_have_left_is_neither_cancelled_nor_replaced(
        self, store: StoreUnderTest, node: Node
    ) -> None:
        """A segment that a carrier has, or a submit in doubt."""
        sent, doubtful, tried = (
            node.accept(1, segments=2),
            node.accept(2),
            node.accept(3),
        )
        node.claim()
        node.sent(sent, b"c1", last=False)
        node.retry(sent)
        uncertain, requeued = (
            records.event(kind, NOON_MS, records.EVERY_SEGMENT)
            for kind in (records.UNCERTAIN, records.REQUEUED)
        )
        node.retry(doubtful, event=uncertain)
        node.retry(tried, event=requeued)
        for message_id in (sent, doubtful):
            old = store.record(message_id)
            assert old is not None
            new = records.replaced(old, deadline_ms=NOON_MS)
            assert node.replace(message_id, old, new) is Verdict.NO_CHANGE
            assert node.cancel(message_id) == (Verdict.NO_CHANGE, "")
            assert store.record(message_id) == old
        assert node.cancel(tried)[0] is Verdict.APPLIED

    def test_what_is_gone_is_neither_cancelled_nor_replaced(self, node: Node) -> None:
        """It is told, and nothing appears."""
        assert node.cancel(b"x" * 16) == (Verdict.GONE, "")
        assert node.replace(b"x" * 16, b"old", b"new") is Verdict.GONE

    def test_a_replaced_message_is_another(
        self, store: StoreUnderTest, node: Node
    ) -> None:
        """Whole, and claimed as it is now."""
        message_id = node.accept(1)
        old = store.record(message_id)
        assert old is not None
        new = records.replaced(old, bodies=[b"a longer body", b"and another"])
        assert node.replace(message_id, old, new) is Verdict.APPLIED
        assert node.claim_records(QUEUE) == [(message_id, new)]

    def test_only_what_was_read_is_replaced(
        self, store: StoreUnderTest, node: Node
    ) -> None:
        """Of two who replace the same, one is told no: nothing is lost unseen."""
        message_id = node.accept(1)
        old = store.record(message_id)
        assert old is not None
        one, two = (records.replaced(old, bodies=[each]) for each in (b"one", b"two"))
        assert node.replace(message_id, old, one) is Verdict.APPLIED
        assert node.replace(message_id, old, two) is Verdict.NO_CHANGE
        assert store.record(message_id) == one

    def test_a_replaced_message_has_another_time(
        self, store: StoreUnderTest, node: Node
    ) -> None:
        """Where it waits delayed it is due then; elsewhere nothing is put in line."""
        message_id = node.accept(1, due_ms=NOON_MS + 9000)
        old = store.record(message_id)
        assert old is not None
        new = records.replaced(old, due_ms=NOON_MS + 500)
        nowhere = keys.upstream_queue("voda"), NOON_MS
        assert node.replace(message_id, old, new, nowhere) is Verdict.APPLIED
        node.now_ms += 500
        assert node.claim(nowhere[0]) == node.claim() == []
        newer = records.replaced(new, due_ms=NOON_MS + 400)
        due = QUEUE, NOON_MS + 400
        assert node.replace(message_id, new, newer, due) is Verdict.APPLIED
        assert node.claim() == [message_id]

    # -- revoke ----------------------------------------------------------------------

    def test_a_revoked_message_is_never_claimed(
        self, store: StoreUnderTest, node: Node, other: Node
    ) -> None:
        """A message whose sender was told no does not leave, wherever it waits."""
        ready, due, kept = (node.accept(each) for each in range(3))
        node.claim(want=2)
        node.retry(due, due_ms=NOON_MS)
        node.retry(ready)
        for each in (ready, due):
            node.revoke(each)
            assert store.record(each) is None
        assert other.claim() == [kept]
        assert other.claimed() == {kept}

    @pytest.mark.parametrize("history", ["requeued", "sent", "ended"])
    def test_a_message_with_a_history_is_not_revoked(
        self, store: StoreUnderTest, node: Node, history: str
    ) -> None:
        """Once something has become of a message it is too late."""
        message_id = node.accept(1)
        node.claim()
        if history == "requeued":
            event = records.event(records.REQUEUED, NOON_MS, 0)
            node.retry(message_id, event=event)
        elif history == "sent":
            node.sent(message_id, b"c1")
        else:
            node.finish(message_id, State.EXPIRED)
        record = store.record(message_id)
        node.revoke(message_id)
        assert store.record(message_id) == record

    def test_to_revoke_what_never_came_changes_nothing(
        self, store: StoreUnderTest, node: Node
    ) -> None:
        """A refused message need not have reached the store."""
        kept = node.accept(1)
        node.revoke(b"\xff" * 16)
        assert store.record(b"\xff" * 16) is None
        assert node.claim() == [kept]

    # -- take-over -------------------------------------------------------------------

    def test_what_a_dead_node_held_is_taken_over(self, node: Node, other: Node) -> None:
        """Its entries are first in line again; what others hold stays theirs."""
        ids = [node.accept(each) for each in range(4)]
        node.claim(want=1)
        other.claim(want=1)
        assert other.take_over(node.queue()) == 1
        assert node.claimed() == set()
        assert other.claimed() == {ids[1]}
        assert other.claim() == [ids[0], ids[2], ids[3]]
        assert other.take_over(node.queue()) == 0

    def test_what_was_settled_is_not_taken_over(self, node: Node, other: Node) -> None:
        """Only what the dead node had not finished goes back."""
        done, open_ = node.accept(1), node.accept(2)
        node.claim()
        node.settle(done)
        assert other.take_over(node.queue()) == 1
        assert other.claim() == [open_]

    def test_taken_over_in_doubt(
        self, store: StoreUnderTest, node: Node, other: Node
    ) -> None:
        """What may have reached the carrier waits, and says so in its record."""
        message_id = node.accept(1)
        node.claim()
        event = records.event(records.UNCERTAIN, NOON_MS, records.EVERY_SEGMENT)
        due = NOON_MS + 120_000
        assert other.take_over(node.queue(), due_ms=due, event=event) == 1
        assert other.claim() == []
        record = self._read(store, message_id)
        assert record.is_uncertain
        assert record.state is State.ACCEPTED
        other.now_ms = due
        assert other.claim() == [message_id]

    def test_an_outbox_is_taken_over_in_order(self, node: Node, other: Node) -> None:
        """Events go back in the order of their time, for every message."""
        for number in (9, 3, 5):
            message_id = node.accept(number, flags=FLAG_WEBHOOK)
            node.claim()
            node.finish(message_id, State.EXPIRED)
            node.now_ms += 300  # so that the order is not that of the last octet
        entries = node.claim(WEBHOOK_OUTBOX)
        assert other.take_over(node.queue(WEBHOOK_OUTBOX)) == 3
        assert other.claim(WEBHOOK_OUTBOX) == entries

    def test_what_is_gone_is_not_taken_over(self, node: Node, other: Node) -> None:
        """A message that left the store is let go of."""
        message_id = node.accept(1)
        node.claim()
        node.revoke(message_id)
        assert other.take_over(node.queue()) == 1
        assert node.claimed() == set()
        assert other.claim() == []

    def test_a_take_over_is_bounded_and_loses_nothing(
        self, node: Node, other: Node
    ) -> None:
        """At most 500 go back at a time; called until there are none, all do."""
        ids = {each.to_bytes(16, "big") for each in range(1001)}
        for each in ids:
            node.start_accept(each, lambda _: None)
        node.turn()
        while node.claim(want=500):
            pass
        counts = []
        while count := other.take_over(node.queue()):
            counts.append(count)
        assert max(counts) <= 500
        told: list[bytes] = []
        while entries := other.claim(want=500):
            told += entries
        assert sorted(told) == sorted(ids)

    # -- fencing ---------------------------------------------------------------------

    def test_an_older_epoch_changes_nothing(
        self,
        store: StoreUnderTest,
        node: Node,
        tmp_path: Path,
        forgive: Callable[[], object],
    ) -> None:
        """When a node's name has a new epoch, the process of the old one must stop."""
        message_id = node.accept(1)
        node.claim()
        record = store.record(message_id)
        successor = Node(store, "gw1", tmp_path)
        assert successor.epoch > node.epoch
        node.journal.sent(
            node.queue(),
            message_id,
            0,
            UPSTREAM,
            b"c1",
            b"C1",
            last=True,
            webhook=b"",
            done=lambda *_: None,
        )
        node.turn()
        forgive()  # that it has to stop is critical, and said so
        assert node.is_fenced
        assert not node.journal.is_open
        assert store.record(message_id) == record
        assert successor.receipt(b"c1", State.DELIVERED) == (Verdict.PARKED, "")
        assert successor.take_over(node.queue()) == 1
        assert successor.claim() == [message_id]

    def test_a_new_epoch_fences_its_own_node_only(
        self, store: StoreUnderTest, other: Node, tmp_path: Path
    ) -> None:
        """Other nodes go on."""
        Node(store, "gw1", tmp_path)
        Node(store, "gw1", tmp_path)
        other.accept(1)
        assert not other.is_fenced

    # -- retention -------------------------------------------------------------------

    def test_the_sweep_takes_the_oldest(
        self, store: StoreUnderTest, node: Node
    ) -> None:
        """Messages leave an account's day in the order they came, and wholly."""
        ids = [node.accept(each) for each in range(3)]
        node.claim()
        for message_id in ids:
            node.finish(message_id, State.EXPIRED)
        assert node.sweep(1) == 1
        assert store.record(ids[0]) is None
        assert node.sweep(10) in {1, 2}  # a repeated sweep takes the next ones
        assert node.sweep(10) == 0
        assert [store.record(each) for each in ids] == [None] * 3

    def test_the_sweep_leaves_what_still_waits(
        self, store: StoreUnderTest, node: Node
    ) -> None:
        """A message that is not at its end stays, however old it is, until the sweep of
        a later day finds that it is.
        """
        later = keys.index(ACCOUNT, "20270122")
        waits, partly, ended, sent = (
            node.accept(each, segments=2 if each == 1 else 1) for each in range(4)
        )
        node.claim()
        node.sent(partly, b"c0", last=False)
        node.finish(ended, State.EXPIRED)
        node.sent(sent, b"c1")
        while node.sweep(10, later):
            pass
        kept = [store.record(each) is not None for each in (waits, partly, ended, sent)]
        assert kept == [True, True, False, True]
        node.retry(waits)
        assert node.claim() == [waits]
        node.sent(waits, b"c2")
        node.finish(partly, State.EXPIRED)
        for carrier_id in (b"c1", b"c2"):
            node.receipt(carrier_id, State.DELIVERED)
        again: list[int] = []
        node.journal.sweep(later, 10, INDEX, again.append)
        node.turn()
        assert again == [3]
        assert [store.record(each) for each in (waits, partly)] == [None, None]

    # -- messages without a receipt --------------------------------------------------

    def test_a_look_goes_on_where_the_last_one_ended(self, node: Node) -> None:
        """Step by step through a day, however many nodes look, and not too far."""
        for each in range(5):
            node.accept(each)
        node.now_ms += 10
        node.accept(9)
        before_ms = node.now_ms - 1
        assert node.look(-1, 2, before_ms) == 0
        assert node.look(0, 2, before_ms) == 2
        assert node.look(0, 2, before_ms) == 2
        assert node.look(2, 10, before_ms) == 5
        assert node.look(5, 10, before_ms) == 5
        assert node.look(5, 10, node.now_ms) == 6

    def test_an_open_end_is_ended(self, store: StoreUnderTest, node: Node) -> None:
        """What no receipt came for ends by its validity, and who wants to know is told:
        UNKNOWN, or EXPIRED when the carrier said at last that it is on its way.
        """
        silent, on_its_way, unsure, done = (
            node.accept(each, flags=7, registered_delivery=1) for each in range(4)
        )
        node.claim()
        for number, each in enumerate((silent, on_its_way, unsure, done)):
            node.sent(each, b"c%d" % number)
        node.receipt(b"c1", State.SENT)
        node.receipt(b"c2", State.SENT)
        node.receipt(b"c2", State.UNKNOWN)
        node.receipt(b"c3", State.DELIVERED)
        node.claim(SMPP_OUTBOX)
        node.claim(WEBHOOK_OUTBOX)
        assert node.look(0, 10, node.now_ms) == 4
        node.now_ms += 86_400_001
        assert node.end(node.now_ms - 2, 10) == (0, [])
        ended, told = node.end(node.now_ms, 10)
        assert (ended, told) == (3, [ACCOUNT])
        ends = {
            silent: State.UNKNOWN_FOR_GOOD,
            on_its_way: State.EXPIRED,
            unsure: State.UNKNOWN_FOR_GOOD,
            done: State.DELIVERED,
        }
        states = {each: self._read(store, each).state for each in ends}
        assert states == ends
        last = self._read(store, on_its_way).events[-1]
        assert last == records.Event(
            State.EXPIRED, node.now_ms, 255, b"mtn\0EXPIRED\x00000"
        )
        for outbox in (SMPP_OUTBOX, WEBHOOK_OUTBOX):
            entries = [OutboxEntry.from_bytes(each) for each in node.claim(outbox)]
            told_of = {each.message_id: each.state for each in entries}
            assert told_of == {key: ends[key] for key in (silent, on_its_way, unsure)}
        assert node.end(node.now_ms, 10) == (0, [])
        assert node.receipt(b"c0", State.DELIVERED) == (Verdict.APPLIED, ACCOUNT)
        assert self._read(store, silent).state is State.DELIVERED

    def test_what_waits_for_its_carrier_is_ended_late(
        self, store: StoreUnderTest, node: Node
    ) -> None:
        """A dispatcher ends what is in its queue. If none does for long: EXPIRED."""
        message_id = node.accept(1, segments=2)
        node.look(0, 10, node.now_ms)
        node.now_ms += 86_400_000
        assert node.end(node.now_ms, 10, again_ms=node.now_ms + 5) == (1, [])
        assert self._read(store, message_id).state is State.ACCEPTED
        assert node.end(node.now_ms, 10) == (0, [])
        node.now_ms += 5
        assert node.end(node.now_ms, 10, overdue_ms=node.now_ms) == (1, [])
        assert self._read(store, message_id).state is State.EXPIRED

    def test_a_look_survives_the_sweep(self, store: StoreUnderTest, node: Node) -> None:
        """Messages that leave an index do not make the look miss others."""
        ids = [node.accept(each) for each in range(4)]
        node.claim()
        for each in ids[:2]:
            node.finish(each, State.EXPIRED)
        node.look(0, 2, node.now_ms)
        later = keys.index(ACCOUNT, "20270122")
        while node.sweep(10, later):
            pass
        assert node.look(0, 10, node.now_ms, later) == 2
        node.end(node.now_ms + 86_400_000, 10, overdue_ms=node.now_ms + 86_400_000)
        assert [self._read(store, each).state for each in ids[2:]] == [
            State.EXPIRED,
            State.EXPIRED,
        ]

    # -- lists with bounds -----------------------------------------------------------

    def test_an_outbox_drops_its_oldest(self, node: Node) -> None:
        """What is too old or too much goes, the oldest first, in bounded steps."""
        for each in range(6):
            node.accept(each, flags=FLAG_WEBHOOK)
            (message_id,) = node.claim()
            node.now_ms += 1
            node.finish(message_id, State.EXPIRED)
        since = node.now_ms - 4
        assert node.bound(WEBHOOK_OUTBOX, 100, before_ms=since) == 1
        assert node.bound(WEBHOOK_OUTBOX, 100, before_ms=since) == 0
        assert node.bound(WEBHOOK_OUTBOX, 2) == 3
        left = [OutboxEntry.from_bytes(each) for each in node.claim(WEBHOOK_OUTBOX)]
        assert [each.message_id[-1] for each in left] == [4, 5]

    def test_what_waits_for_its_next_try_ages_too(self, node: Node) -> None:
        """Where that is asked for: a webhook's schedule ends by itself."""
        node.accept(1, flags=FLAG_WEBHOOK)
        (message_id,) = node.claim()
        node.finish(message_id, State.EXPIRED)
        (entry,) = node.claim(WEBHOOK_OUTBOX)
        node.retry(entry, due_ms=node.now_ms + 1000, key=WEBHOOK_OUTBOX)
        later = node.now_ms + 1
        assert node.bound(WEBHOOK_OUTBOX, 100, before_ms=later) == 0
        assert node.bound(WEBHOOK_OUTBOX, 100, before_ms=later, delayed=True) == 1

    def test_a_list_keeps_the_last(self, node: Node) -> None:
        """Something is added once, and the oldest goes when there are too many."""
        key = keys.quarantine(UPSTREAM)
        dropped = [node.bound(key, 3, entry=b"%d" % each) for each in range(5)]
        assert dropped == [0, 0, 0, 1, 1]

    # -- one turn --------------------------------------------------------------------

    def test_an_attempt_counts_once(self, store: StoreUnderTest, node: Node) -> None:
        """An entry given back and claimed in the same turn has made one attempt."""
        message_id = node.accept(1)
        node.claim()
        event = records.event(records.REQUEUED, NOON_MS, 0)
        node.journal.retry(node.queue(), message_id, message_id, None, event)
        assert node.claim() == [message_id]
        assert self._read(store, message_id).attempts == 1

    def test_an_id_given_twice_in_a_turn(
        self, store: StoreUnderTest, node: Node
    ) -> None:
        """A carrier that gives one id to two messages at once: each is sent once."""
        ids = [node.accept(each, flags=FLAG_WEBHOOK) for each in range(2)]
        node.claim()
        told = []
        for message_id in ids:
            node.journal.sent(
                node.queue(),
                message_id,
                0,
                UPSTREAM,
                b"c1",
                b"C1",
                last=True,
                webhook=b"acme",
                done=lambda *verdict: told.append(verdict),
            )
        node.turn()
        assert told == [(Verdict.APPLIED, ACCOUNT), (Verdict.REUSED, ACCOUNT)]
        assert [len(self._read(store, each).events) for each in ids] == [1, 1]
        assert len(node.claim(WEBHOOK_OUTBOX)) == 2
        node.receipt(b"c1", State.DELIVERED)
        assert self._read(store, ids[1]).state is State.DELIVERED

    def test_operations_of_a_turn_keep_their_order(
        self, store: StoreUnderTest, node: Node
    ) -> None:
        """Each operation sees what those before it did, though all go as one."""
        message_id = (1).to_bytes(16, "big")
        told: list[object] = []

        def note(*verdict: object) -> None:
            told.append(verdict)

        queue = node.queue()
        node.start_accept(message_id, note)
        node.journal.claim(queue, 10, note)
        node.journal.retry(queue, message_id, message_id, None, b"")
        node.journal.claim(queue, 10, note)
        node.journal.receipt(UPSTREAM, b"c1", State.DELIVERED, b"", note)
        node.journal.sent(
            queue,
            message_id,
            0,
            UPSTREAM,
            b"c1",
            b"C1",
            last=True,
            webhook=b"",
            done=note,
        )
        node.journal.receipt(UPSTREAM, b"c1", State.DELIVERED, b"", note)
        node.journal.claim(queue, 10, note)
        node.turn()
        record = store.record(message_id)
        assert record is not None
        entry = (message_id, record[: int.from_bytes(record[4:8], "big")])
        assert told == [
            (Accept.STORED,),
            ([entry],),
            ([entry],),
            (Verdict.PARKED, ""),
            (Verdict.APPLIED, ""),
            (Verdict.NO_CHANGE, ""),
            ([],),
        ]
        assert records.decode(record).state is State.DELIVERED
        assert node.claimed() == set()

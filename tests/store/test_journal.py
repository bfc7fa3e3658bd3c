"""The journal: batches, deadlines, and what happens when the store goes and comes.

At the wire stands a double that answers when the test says so.
"""

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

import pytest
from twisted.internet.defer import Deferred, ensureDeferred, succeed
from twisted.internet.task import Clock
from twisted.logger import capturedLogs

from luckgw.domain.states import State
from luckgw.store import keys
from luckgw.store.interface import Accept, StoreAway, Verdict
from luckgw.store.journal import (
    BATCH,
    GIVE_UP_S,
    PACE_S,
    RECEIPT_WAIT_S,
    RETRY_S,
    Args,
    Fenced,
    Journal,
)
from luckgw.store.revoked import RevokeList
from tests.conftest import LoggedFailures

NOON_MS = 1_800_014_400_000
"""2027-01-15, 12:00 UTC."""
ID = b"0123456789abcdef"
OTHER = b"fedcba9876543210"
INDEX = b"i:acme:20270115"
QUEUE = keys.upstream_queue("mtn")
CLAIMS = keys.claims(QUEUE, "gw1", 7)

USUAL: dict[bytes, object] = {
    b"N": b"A",
    b"R": b"A",
    b"F": b"A",
    b"X": b"A",
    b"U": b"A",
    b"C": [],
}
"""The verdict on an operation, when the test names none: 1, or this."""


class Wire:
    """A backend that answers when it is told to, oldest question first."""

    def __init__(self) -> None:
        self.batches: list[list[Args]] = []
        """All that were sent, the ones under way too."""
        self.waiting: list[tuple[list[Args], Deferred[list[object]]]] = []
        self.claims: dict[bytes, set[bytes]] = {}

    def run(self, operations: Sequence[Args]) -> "Deferred[list[object]]":
        """Keep a batch until it is answered."""
        self.batches.append(list(operations))
        d: Deferred[list[object]] = Deferred()
        self.waiting.append((list(operations), d))
        return d

    def claimed(self, claims: bytes) -> "Deferred[Iterable[bytes]]":
        """What the test says is claimed."""
        return succeed(self.claims.get(claims, set()))

    def answer(self, *verdicts: object) -> None:
        """The verdicts of the batch under way; the usual ones when none are given."""
        operations, d = self.waiting.pop(0)
        d.callback(list(verdicts) or [USUAL.get(args[0], 1) for args in operations])

    def fail(self, error: Exception) -> None:
        """The batch under way fails."""
        self.waiting.pop(0)[1].errback(error)

    def letters(self) -> list[str]:
        """The batches as one letter for each operation."""
        return [b"".join(args[0] for args in each).decode() for each in self.batches]


class Told(list[Any]):
    """A callback that keeps what it was told."""

    def __call__(self, *verdict: Any) -> None:
        """Keep it."""
        self.append(verdict[0] if len(verdict) == 1 else verdict)


def has_fired(deferred: "Deferred[None]") -> bool:
    """Whether it has come."""
    return bool(deferred.called)


class Node:
    """A journal on a wire, with all that it needs."""

    def __init__(self, clock: Clock, revoke_file: Path) -> None:
        self.clock = clock
        self.wire = Wire()
        self.revoked = RevokeList(revoke_file)
        self.revoke_file = revoke_file
        self.now_ms = NOON_MS
        self.fenced = 0
        self.journal = Journal(
            clock,
            self.wire,
            self.revoked,
            lambda: self.now_ms,
            "gw1",
            7,
            7 * 86_400,
            self._fence,
        )
        self.queue = self.journal.queue(QUEUE)
        self.told = Told()

    def _fence(self) -> None:
        self.fenced += 1

    def is_open(self) -> bool:
        """Whether a message may be accepted now."""
        return self.journal.is_open

    def open(self) -> "Deferred[None]":
        """The connection is there."""
        return ensureDeferred(self.journal.opened())

    def turn(self, seconds: float = 0) -> None:
        """Let time pass, by default none but the reactor's next turn."""
        self.clock.pump([PACE_S] * int(seconds / PACE_S) + [seconds % PACE_S])

    def drop(self) -> None:
        """The connection goes: what is under way fails, and the journal hears of it."""
        while self.wire.waiting:
            self.wire.fail(StoreAway("the connection was lost"))
        self.journal.lost()

    def accept(
        self, message_id: bytes, done: Callable[[Accept], None] | None = None
    ) -> None:
        """Give a message to the journal."""
        self.journal.accept(
            message_id,
            account="acme",
            route="default",
            upstream="mtn",
            flags=0,
            registered_delivery=0,
            deadline_ms=self.now_ms + 1000,
            bodies=[b"body"],
            done=done or self.told,
        )

    def receipt(self, done: Callable[[Verdict, str], None] | None = None) -> None:
        """A carrier's receipt."""
        self.journal.receipt(
            "mtn", b"c1", State.DELIVERED, b"err:000", done or self.told
        )

    def sent(self, done: Callable[[Verdict, str], None] | None = None) -> None:
        """A carrier took the message."""
        self.journal.sent(
            self.queue,
            ID,
            0,
            "mtn",
            b"c1",
            b"C1",
            last=True,
            webhook=b"acme",
            done=done or self.told,
        )

    def settle(self, number: int) -> None:
        """An operation that nobody waits for."""
        self.journal.settle(self.queue, b"%d" % number)

    def settled(self) -> list[int]:
        """The numbers that were settled, as they went to the store."""
        return [
            int(args[2])
            for batch in self.wire.batches
            for args in batch
            if args[0] == b"S"
        ]

    def go(self) -> None:
        """Flush, and answer as usual, until nothing is left to do."""
        self.turn()
        while self.wire.waiting:
            self.wire.answer()
            self.turn()


@pytest.fixture
def node(clock: Clock, tmp_path: Path) -> Node:
    """A node whose store is there, and which knows the account's index of today."""
    node = Node(clock, tmp_path / "revoked")
    node.open()
    node.accept(b"first")
    node.go()
    node.wire.batches.clear()
    node.told.clear()
    return node


class TestBatches:
    def test_a_turn_is_one_batch(self, node: Node) -> None:
        """What is asked in one turn goes as one batch, in that order; not at once."""
        node.accept(ID)
        node.journal.claim(node.queue, 10, node.told)
        node.sent()
        node.receipt()
        node.settle(1)
        assert node.wire.batches == []
        node.turn()
        assert node.wire.letters() == ["ACNRS"]

    def test_one_batch_under_way(self, node: Node) -> None:
        """While a batch is under way the next one gathers, and goes in the turn after
        the answer.
        """
        node.settle(1)
        node.turn()
        node.settle(2)
        node.turn()
        node.settle(3)
        node.turn(1)
        assert node.wire.letters() == ["S"]
        node.wire.answer()
        assert node.wire.letters() == ["S"]
        node.turn()
        assert node.wire.letters() == ["S", "SS"]
        assert node.settled() == [1, 2, 3]

    def test_what_an_answer_causes_goes_along(self, node: Node) -> None:
        """What the callbacks of a batch ask for joins what has gathered."""
        node.accept(ID, lambda _: node.settle(2))
        node.turn()
        node.settle(1)
        node.wire.answer()
        node.turn()
        assert node.wire.letters() == ["A", "SS"]

    def test_a_batch_is_bounded(self, node: Node) -> None:
        """More than a batch holds goes in several: none is left out, none overtakes."""
        for each in range(2 * BATCH + 1):
            node.settle(each)
        node.go()
        assert [len(each) for each in node.wire.batches] == [BATCH, BATCH, 1]
        assert node.settled() == list(range(2 * BATCH + 1))

    def test_each_is_told_its_own(self, node: Node) -> None:
        """Every operation gets its own verdict, in the words of the interface."""
        node.accept(ID)
        node.journal.claim(node.queue, 10, node.told)
        for _ in range(6):
            node.receipt()
        node.journal.finish(node.queue, ID, State.EXPIRED, b"", node.told)
        node.journal.take_over(QUEUE, b"c:q:mtn|gw0|1", None, b"", node.told)
        node.turn()
        node.wire.answer(
            1,
            [ID, b"r1", OTHER, b"r2"],
            b"Aacme",
            b"D",
            b"P",
            b"G",
            b"C",
            b"A",
            b"D",
            5,
        )
        assert node.told == [
            Accept.STORED,
            [(ID, b"r1"), (OTHER, b"r2")],
            (Verdict.APPLIED, "acme"),
            (Verdict.NO_CHANGE, ""),
            (Verdict.PARKED, ""),
            (Verdict.GONE, ""),
            (Verdict.REUSED, ""),
            (Verdict.APPLIED, ""),
            (Verdict.NO_CHANGE, ""),
            5,
        ]

    def test_a_callback_that_raises_hurts_no_other(
        self, node: Node, logged_failures: LoggedFailures
    ) -> None:
        """The others of the batch are told, and the next batch goes; it is logged."""

        def bad(_: Accept) -> None:
            raise RuntimeError

        node.accept(ID, bad)
        node.accept(OTHER)
        node.turn()
        node.settle(1)
        node.go()
        assert node.told == [Accept.STORED]
        assert node.wire.letters() == ["AA", "S"]
        assert len(logged_failures.flush(RuntimeError)) == 1

    def test_a_broken_backend_is_logged(
        self, node: Node, logged_failures: LoggedFailures
    ) -> None:
        """An error that is nobody's verdict is not swallowed; the next batch goes."""
        node.settle(1)
        node.turn()
        node.wire.fail(ZeroDivisionError())
        node.settle(2)
        node.go()
        assert node.settled() == [1, 2]
        assert len(logged_failures.flush(ZeroDivisionError)) == 1

    def test_it_counts(self, node: Node) -> None:
        """Batches and operations are counted, for the metrics."""
        before = node.journal.batches, node.journal.operations
        node.settle(1)
        node.settle(2)
        node.go()
        after = node.journal.batches, node.journal.operations
        assert (after[0] - before[0], after[1] - before[1]) == (1, 2)

    def test_an_index_is_registered_before_its_first_message(self, node: Node) -> None:
        """The sweep can find every message: an account's day is registered once, and
        the new day when it comes.
        """
        node.accept(ID)
        node.now_ms += 86_400_000
        node.accept(OTHER)
        node.accept(b"third")
        node.go()
        assert node.wire.letters() == ["AIAA"]
        (today, new, tomorrow, _) = node.wire.batches[0]
        assert today[4] == INDEX
        assert new[1] == tomorrow[4] == b"i:acme:20270116"


class TestIdle:
    def test_at_once(self, node: Node) -> None:
        """With nothing to do the journal is idle at once."""
        assert has_fired(node.journal.when_idle())

    def test_when_all_is_answered(self, node: Node) -> None:
        """Idle means that nothing is gathered and nothing under way."""
        node.accept(ID, lambda _: node.settle(2))
        idle = node.journal.when_idle()
        node.turn()
        also = node.journal.when_idle()
        node.wire.answer()
        assert not has_fired(idle)
        node.go()
        assert has_fired(idle)
        assert has_fired(also)

    def test_not_while_in_doubt(self, node: Node) -> None:
        """A batch whose answer was lost is not done."""
        node.settle(1)
        node.turn()
        node.drop()
        idle = node.journal.when_idle()
        assert not has_fired(idle)
        node.open()
        node.go()
        assert has_fired(idle)

    def test_what_is_refused_is_done(self, node: Node) -> None:
        """When only messages waited and they are refused, nothing is left to do."""
        node.accept(ID)
        idle = node.journal.when_idle()
        node.drop()
        assert has_fired(idle)
        assert node.told == [Accept.AWAY]


class TestAway:
    def test_nothing_is_accepted_before_the_store_is_there(
        self, clock: Clock, tmp_path: Path
    ) -> None:
        """A message and a receipt are refused at once; other operations wait."""
        node = Node(clock, tmp_path / "revoked")
        assert not node.is_open()
        node.accept(ID)
        node.receipt()
        node.settle(1)
        assert node.told == [Accept.AWAY, (Verdict.AWAY, "")]
        node.open()
        assert node.is_open()
        node.go()
        assert node.wire.letters() == ["S"]

    def test_what_never_left_is_refused_at_once(self, node: Node) -> None:
        """A message and a claim that were only gathered are told no when the link
        goes, and nothing is put on the revoke list for it; the rest waits, in order.
        """
        node.settle(1)
        node.accept(ID)
        node.sent()
        node.journal.claim(node.queue, 10, node.told)
        node.settle(2)
        node.drop()
        assert not node.is_open()
        assert node.told == [Accept.AWAY, []]
        assert node.revoked.ids() == []
        node.settle(3)
        node.open()
        node.go()
        assert node.wire.letters() == ["SNSS"]
        assert node.settled() == [1, 2, 3]
        assert node.told == [Accept.AWAY, [], (Verdict.APPLIED, "")]

    def test_nothing_is_accepted_while_it_is_away(self, node: Node) -> None:
        """Between the loss and the return a message is refused at once."""
        node.drop()
        node.accept(ID)
        assert node.told == [Accept.AWAY]
        node.open()
        node.accept(ID)
        node.go()
        assert node.told == [Accept.AWAY, Accept.STORED]

    def test_a_lost_batch_is_repeated_first(self, node: Node) -> None:
        """A batch whose answer was lost goes again before anything else, and its
        callers are told as if nothing had been.
        """
        node.settle(1)
        node.accept(ID)
        node.sent()
        node.turn()
        node.settle(2)
        node.drop()
        assert node.told == []
        opened = node.open()
        assert node.wire.letters() == ["SAN", "SAN"]
        assert node.wire.batches[0] == node.wire.batches[1]
        assert not node.is_open()
        assert not has_fired(opened)
        node.go()
        assert has_fired(opened)
        assert node.wire.letters() == ["SAN", "SAN", "S"]
        assert node.told == [Accept.STORED, (Verdict.APPLIED, "")]

    def test_claims_are_not_repeated(self, node: Node) -> None:
        """A claim whose answer was lost brings nothing; what the store gave for it goes
        back to its queue, and what is held stays.
        """
        held = {OTHER}
        node.journal.register_holder(node.queue, lambda: held)
        node.settle(1)
        node.journal.claim(node.queue, 10, node.told)
        node.turn()
        node.drop()
        node.wire.claims[CLAIMS] = {ID, OTHER}
        node.open()
        assert node.told == []
        node.go()
        assert node.told == [[]]
        assert node.wire.letters() == ["SC", "S", "T"]
        assert node.wire.batches[2] == [(b"T", QUEUE, CLAIMS, ID, ID, b"", b"")]

    def test_what_was_let_go_meanwhile_is_not_given_back(self, node: Node) -> None:
        """An entry is claimed in the store until its end, gathered while that was away,
        is flushed: to give it back would send it twice.
        """
        entries = [b"%016d" % each for each in range(4)]
        node.journal.register_holder(node.queue, set)
        node.drop()
        node.journal.settle(node.queue, entries[0])
        node.journal.retry(node.queue, entries[1], entries[1], NOON_MS, b"")
        node.journal.finish(node.queue, entries[2], State.EXPIRED, b"", node.told)
        node.sent()
        node.journal.claim(node.queue, 10, node.told)
        node.wire.claims[CLAIMS] = {*entries, ID}
        node.open()
        node.go()
        assert node.wire.letters() == ["STFNCT"]
        assert node.wire.batches[0][-1][3] == entries[3]

    def test_what_is_given_back_is_found_anew(self, node: Node) -> None:
        """When the link goes before an entry was given back, and comes again, it is
        given back once: else it could be given back from under its next holder.
        """
        node.journal.register_holder(node.queue, set)
        node.wire.claims[CLAIMS] = {ID}
        for _ in range(3):
            node.drop()
            node.open()
        node.go()
        assert node.wire.letters() == ["T"]

    def test_the_link_goes_while_it_opens(self, node: Node) -> None:
        """The lost batch stays lost, and is repeated on the next connection."""
        node.accept(ID)
        node.turn()
        node.drop()
        opened = node.open()
        node.wire.fail(StoreAway("again"))
        failures: list[object] = []
        opened.addErrback(failures.append)
        assert len(failures) == 1
        assert not node.is_open()
        assert node.told == []
        node.open()
        node.go()
        assert node.wire.letters() == ["A", "A", "A"]
        assert node.told == [Accept.STORED]


class TestRefusing:
    """The connection lives, but the store refuses: it is full, or loading."""

    def test_it_is_tried_again(self, node: Node) -> None:
        """After a short while the same batch goes again."""
        node.settle(1)
        node.turn()
        node.wire.fail(StoreAway("LOADING"))
        node.turn(RETRY_S - 0.01)
        assert node.wire.letters() == ["S"]
        node.turn(0.01)
        assert node.wire.letters() == ["S", "S"]

    def test_nothing_overtakes(self, node: Node) -> None:
        """What comes meanwhile goes after it, however long the store refuses."""
        node.settle(1)
        node.turn()
        for each in (2, 3):
            node.wire.fail(StoreAway("LOADING"))
            node.settle(each)
            node.turn(RETRY_S)
        node.settle(4)
        node.go()
        assert node.wire.letters() == ["S", "S", "S", "SSS"]
        assert node.settled() == [1, 1, 1, 2, 3, 4]

    def test_short_refusals_cost_only_time(self, node: Node) -> None:
        """A message waits out a short refusal, wherever it is."""
        node.accept(ID)
        node.turn()
        node.wire.fail(StoreAway("BUSY"))
        node.accept(OTHER)
        node.turn(RETRY_S)
        assert node.is_open()
        node.go()
        assert node.told == [Accept.STORED, Accept.STORED]

    def test_then_no(self, node: Node) -> None:
        """After ten seconds all that wait are told no, and who comes then at once;
        what the store may have taken is revoked in its place.
        """
        node.settle(1)
        node.accept(ID)
        node.turn()
        node.wire.fail(StoreAway("LOADING"))
        node.accept(OTHER)
        while not node.told:
            node.turn(RETRY_S)
            while node.wire.waiting:
                node.wire.fail(StoreAway("LOADING"))
        assert GIVE_UP_S <= node.clock.seconds() <= GIVE_UP_S + 2 * PACE_S
        assert node.told == [Accept.AWAY, Accept.AWAY]
        assert not node.is_open()
        node.accept(b"third")
        assert node.told == [Accept.AWAY] * 3
        assert node.revoked.ids() == [ID]
        node.turn(RETRY_S)
        assert node.wire.batches[-1] == [(b"S", CLAIMS, b"1"), (b"V", ID)]
        node.go()
        assert node.is_open()

    def test_who_cancels_or_replaces_does_not_wait_for_ever(self, node: Node) -> None:
        """After ten seconds they hear that it is not known, and it is done once the
        store is there; while the store is away nothing of it is even begun.
        """
        told = Told()
        node.journal.cancel(ID, b"", told)
        node.journal.replace(ID, b"old", b"new", (QUEUE, 5), told)
        node.turn()
        node.wire.fail(StoreAway("LOADING"))
        node.journal.cancel(OTHER, b"", told)
        while not told:
            node.turn(RETRY_S)
            while node.wire.waiting:
                node.wire.fail(StoreAway("LOADING"))
        assert GIVE_UP_S <= node.clock.seconds() <= GIVE_UP_S + 2 * PACE_S
        assert told == [(Verdict.AWAY, "")] * 3
        node.journal.cancel(OTHER, b"", told)
        assert told == [(Verdict.AWAY, "")] * 4
        node.turn(RETRY_S)
        assert node.wire.letters()[-1] == "XU"
        assert node.wire.batches[-1][1][4:] == (b"d:" + QUEUE, b"5")
        node.go()
        assert told == [(Verdict.AWAY, "")] * 4

    def test_what_is_to_be_given_back_is_not_forgotten(self, node: Node) -> None:
        """However long the store refuses: nobody would look for it on a connection that
        lives.
        """
        node.journal.register_holder(node.queue, set)
        node.wire.claims[CLAIMS] = {ID}
        node.drop()
        for each in range(BATCH):
            node.settle(each)
        node.open()
        node.turn()
        for _ in range(int(1.5 * RECEIPT_WAIT_S / RETRY_S)):
            node.wire.fail(StoreAway("LOADING"))
            node.turn(RETRY_S)
        node.go()
        assert set(node.wire.letters()) == {"S" * BATCH, "T"}


class TestDeadlines:
    def test_after_ten_seconds_of_doubt_a_sender_is_told_no(self, node: Node) -> None:
        """Not before, and not much later; and the list on disk knows of it first."""
        on_disk: list[list[bytes]] = []

        def told(verdict: Accept) -> None:
            assert verdict is Accept.AWAY
            on_disk.append(RevokeList(node.revoke_file).ids())

        node.accept(ID, told)
        node.accept(OTHER, told)
        node.turn()
        node.turn(4)
        node.drop()
        node.turn(GIVE_UP_S - 4 - PACE_S)
        assert on_disk == []
        node.turn(2 * PACE_S)
        assert on_disk == [[ID, OTHER], [ID, OTHER]]

    def test_what_was_refused_is_revoked_before_anything(self, node: Node) -> None:
        """The first that a new connection hears is what must not leave; then the rest
        of the batch in doubt, then what is new. The list is empty after that.
        """
        node.settle(1)
        node.accept(ID)
        node.turn()
        node.drop()
        node.turn(GIVE_UP_S + 1)
        node.settle(2)
        node.wire.batches.clear()
        node.open()
        assert node.wire.batches == [[(b"V", ID)]]
        node.go()
        assert node.wire.letters()[1][0] == "S"
        assert b"A" not in [args[0] for each in node.wire.batches for args in each]
        assert node.settled() == [1, 2]
        assert node.told == [Accept.AWAY]
        assert node.revoked.ids() == []
        assert not node.revoke_file.exists()

    def test_what_a_dead_process_refused_is_revoked(
        self, clock: Clock, tmp_path: Path
    ) -> None:
        """The list outlives the process; it is worked off in batches."""
        ids = [b"%016d" % each for each in range(BATCH + 1)]
        RevokeList(tmp_path / "revoked").add(ids)
        node = Node(clock, tmp_path / "revoked")
        node.open()
        node.go()
        assert [len(each) for each in node.wire.batches] == [BATCH, 1]
        assert [args for each in node.wire.batches for args in each] == [
            (b"V", each) for each in ids
        ]
        assert node.is_open()

    def test_the_link_goes_while_it_revokes(self, node: Node) -> None:
        """What is not known to be revoked stays on the list."""
        node.revoked.add([ID])
        node.drop()
        node.open().addErrback(lambda _: None)
        node.wire.fail(StoreAway("again"))
        assert RevokeList(node.revoke_file).ids() == [ID]
        node.open()
        node.go()
        assert node.wire.letters() == ["V", "V"]
        assert node.revoked.ids() == []

    def test_who_is_refused_while_others_are_revoked(self, node: Node) -> None:
        """A message whose time runs out while the connection opens is revoked, too."""
        node.revoked.add([OTHER])
        node.accept(ID)
        node.turn()
        node.drop()
        node.turn(GIVE_UP_S - 1)
        node.open()
        node.turn(2)
        assert node.told == [Accept.AWAY]
        node.wire.answer()
        assert node.wire.batches[-1] == [(b"V", ID)]
        node.go()
        assert node.revoked.ids() == []
        assert node.is_open()

    def test_a_revocation_too_late_is_told(self, node: Node) -> None:
        """When a refused message had left already an operator has to hear of it."""
        node.revoked.add([ID, OTHER])
        node.drop()
        with capturedLogs() as events:
            node.open()
            node.wire.answer(1, 2)
        levels = {event["log_level"].name: event.get("count") for event in events}
        assert levels == {"info": 2, "error": 1}

    def test_no_answer_without_the_list(
        self, clock: Clock, tmp_path: Path, logged_failures: LoggedFailures
    ) -> None:
        """While the list can not be written nobody is told no; then everybody is."""
        node = Node(clock, tmp_path / "missing" / "revoked")
        node.open()
        node.accept(ID)
        node.turn()
        node.drop()
        node.turn(GIVE_UP_S + 2)
        assert node.told == []
        assert logged_failures.flush(OSError)
        node.revoke_file.parent.mkdir()
        node.turn(2 * PACE_S)
        assert node.told == [Accept.AWAY]
        assert RevokeList(node.revoke_file).ids() == [ID]

    def test_a_refused_one_that_raises_hurts_no_other(
        self, node: Node, logged_failures: LoggedFailures
    ) -> None:
        """All are told no, also after one whose callback fails; and so are claims."""

        def bad(_: object) -> None:
            raise RuntimeError

        for message_id in (ID, OTHER):
            node.accept(message_id, bad)
            node.accept(message_id + b"2")
            node.turn()
        node.journal.claim(node.queue, 1, bad)
        node.drop()
        assert node.told == [Accept.AWAY]
        node.turn(GIVE_UP_S + 1)
        assert node.told == [Accept.AWAY, Accept.AWAY]
        assert len(logged_failures.flush(RuntimeError)) == 3

    def test_the_deadline_holds_while_it_opens(self, node: Node) -> None:
        """A store that comes, says nothing and goes, again and again, makes nobody
        wait much longer.
        """
        node.accept(ID)
        node.turn()
        node.drop()
        for _ in range(4):
            node.turn(1)
            node.open().addErrback(lambda _: None)
            node.turn(4)
            while node.wire.waiting:
                node.wire.fail(StoreAway("silent"))
        assert node.told == [Accept.AWAY]
        assert node.revoked.ids() == [ID]


class TestReceipts:
    def test_a_receipt_waits_out_a_short_outage(self, node: Node) -> None:
        """Under way, gathered or new: applied when the store is back, in order."""
        node.receipt()
        node.turn()
        node.receipt()
        node.drop()
        node.receipt()
        node.turn(RECEIPT_WAIT_S - 1)
        assert node.told == []
        node.open()
        node.go()
        assert node.wire.letters() == ["R", "R", "RR"]
        assert node.told == [(Verdict.APPLIED, "")] * 3

    def test_after_a_while_the_carrier_is_asked_to_repeat(self, node: Node) -> None:
        """All that wait are told so, and who comes later at once; none is applied."""
        node.receipt()
        node.turn()
        node.drop()
        node.receipt()
        node.turn(RECEIPT_WAIT_S + PACE_S)
        assert node.told == [(Verdict.AWAY, "")] * 2
        node.receipt()
        assert node.told == [(Verdict.AWAY, "")] * 3
        node.wire.batches.clear()
        node.open()
        node.go()
        assert "R" not in "".join(node.wire.letters())
        node.receipt()
        node.go()
        assert node.told[3:] == [(Verdict.APPLIED, "")]

    def test_each_outage_has_its_own_time(self, node: Node) -> None:
        """An outage that is over does not shorten the patience of the next."""
        for _ in range(2):
            node.drop()
            node.turn(RECEIPT_WAIT_S - 1)
            node.receipt()
            assert node.told == []
            node.open()
            node.go()
            assert node.told == [(Verdict.APPLIED, "")]
            node.told.clear()


class TestFenced:
    """Another process has begun a new epoch of this node."""

    def test_it_stops(self, node: Node, logged_failures: LoggedFailures) -> None:
        """It says so once, accepts nothing, and sends nothing any more."""
        node.settle(1)
        node.turn()
        node.accept(ID)
        node.receipt()
        node.wire.fail(Fenced("taken over"))
        logged_failures.flush()
        assert node.fenced == 1
        assert not node.is_open()
        assert node.told == [(Verdict.AWAY, ""), Accept.AWAY]
        node.accept(OTHER)
        assert node.told[2:] == [Accept.AWAY]
        node.settle(2)
        node.turn(60)
        node.drop()
        node.open()
        node.turn(60)
        assert node.wire.letters() == ["S"]
        assert node.fenced == 1
        assert not node.is_open()

    def test_nobody_waits_for_it(
        self, node: Node, logged_failures: LoggedFailures
    ) -> None:
        """Who waits until it is idle need not wait for a store that refuses it."""
        node.settle(1)
        node.turn()
        node.settle(2)
        idle = node.journal.when_idle()
        node.wire.fail(Fenced("taken over"))
        logged_failures.flush()
        assert has_fired(idle)

    @pytest.mark.parametrize("doing", ["revoking", "repeating"])
    def test_it_stops_while_it_opens(
        self, node: Node, logged_failures: LoggedFailures, doing: str
    ) -> None:
        """Also when it hears so on a new connection."""
        if doing == "revoking":
            node.revoked.add([ID])
        else:
            node.settle(1)
            node.turn()
        node.drop()
        node.open()
        node.wire.fail(Fenced("taken over"))
        logged_failures.flush()
        assert node.fenced == 1
        assert not node.is_open()

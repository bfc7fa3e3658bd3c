"""The journal over a store that goes, refuses and forgets to answer, at random, in a
process that is killed now and then.

Whatever happens, when all is well again: what was accepted is there, what was refused
is not, nobody waits for an answer, and the store's claims are those that are held.
"""

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Final

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.internet.defer import Deferred, ensureDeferred, fail
from twisted.internet.task import Clock

from luckgw.domain.states import State
from luckgw.store import keys, records
from luckgw.store.interface import Accept, StoreAway, Verdict
from luckgw.store.journal import Args, Journal
from luckgw.store.memory import Known, MemoryBackend, MemoryStore
from luckgw.store.revoked import RevokeList
from luckgw.testing.store_contract import now

NOON_MS: Final = 1_800_014_400_000
QUEUE: Final = keys.upstream_queue("mtn")

work = st.lists(
    st.sampled_from(
        ["accept", "accept", "claim", "claim", "settle", "give back", "sent", "receipt"]
    ),
    max_size=4,
)
fate = st.sampled_from(
    [
        *("answer", "answer", "refuse", "lose", "lose the answer"),
        *("crash", "crash before the answer"),
    ]
)
pause = st.sampled_from(["turn", "wait a little", "wait", "wait long"])
comeback = st.lists(st.one_of(fate, st.just("turn"), work), max_size=4)
episode = st.tuples(
    *(work, st.just("turn"), work, fate, work, pause),
    *(work, st.sampled_from(["reconnect", "turn"]), work, comeback),
)
"""Some work goes to the store, and something becomes of it; meanwhile more is asked;
then, some time later, the store comes back, or does not, or not for long.
"""


def steps_of(story: object) -> list[str]:
    """The steps of a story, one after the other."""
    if isinstance(story, str):
        return [story]
    assert isinstance(story, list | tuple)
    return [step for part in story for step in steps_of(part)]


class FlakyBackend:
    """A store in memory, at the end of a line that breaks when it is told to."""

    def __init__(self, store: MemoryStore, epoch: int) -> None:
        self._backend = MemoryBackend(store, "gw1", epoch)
        self.is_connected = False
        self._asked: list[tuple[Sequence[Args], Deferred[list[object]]]] = []

    def run(self, operations: Sequence[Args]) -> "Deferred[list[object]]":
        """Keep a batch until its fate is known."""
        if not self.is_connected:
            return fail(StoreAway("not connected"))
        d: Deferred[list[object]] = Deferred()
        self._asked.append((operations, d))
        return d

    def claimed(self, claims: bytes) -> "Deferred[Iterable[bytes]]":
        """The entries of a claim set."""
        if not self.is_connected:
            return fail(StoreAway("not connected"))
        return self._backend.claimed(claims)

    def answer(self) -> bool:
        """The oldest batch is applied and answered; whether there was one."""
        if not self._asked:
            return False
        operations, d = self._asked.pop(0)
        self._backend.run(operations).chainDeferred(d)
        return True

    def refuse(self) -> None:
        """The oldest batch is not applied, and the connection lives."""
        if self._asked:
            self._asked.pop(0)[1].errback(StoreAway("LOADING"))

    def die(self, *, applied: bool) -> None:
        """The process that asked is gone: nobody hears an answer."""
        asked, self._asked = self._asked, []
        for operations, _ in asked:
            if applied:
                now(self._backend.run(operations))

    def lose(self, *, applied: bool) -> None:
        """The connection goes: batches under way are applied, or not; who knows."""
        self.is_connected = False
        asked, self._asked = self._asked, []
        for operations, d in asked:
            if applied:
                now(self._backend.run(operations))
            d.errback(StoreAway("the connection was lost"))


class World:
    """A node, its store, and what everybody was told."""

    def __init__(self, folder: Path) -> None:
        self.store = MemoryStore()
        self.revoke_file = folder / "revoked"
        self.accepted: dict[bytes, list[Accept]] = {}
        self.latest = b"%016d" % 0
        self.receipts: list[list[Verdict]] = []
        self.sent: set[bytes] = set()
        self.dead_claims: set[bytes] = set()
        self.clock = Clock()
        self.start()
        self.settle_down()

    def start(self) -> None:
        """A new process, under the next epoch."""
        epoch = self.store.join("gw1")
        self.backend = FlakyBackend(self.store, epoch)
        self.journal = Journal(
            self.clock,
            self.backend,
            RevokeList(self.revoke_file),
            lambda: int(NOON_MS + 1000 * self.clock.seconds()),
            "gw1",
            epoch,
            7 * 86_400,
            lambda: pytest.fail("nobody took over"),
        )
        self.queue = self.journal.queue(QUEUE)
        self.held: set[bytes] = set()
        self.journal.register_holder(self.queue, lambda: self.held)
        self.is_claiming = False
        self._opening: Deferred[None] | None = None
        self.reconnect()

    def do(self, step: str) -> None:
        """What happens next in the story."""
        steps: dict[str, Callable[[], object]] = {
            "accept": self.accept,
            "claim": self.claim,
            "settle": lambda: self.with_one(self.settle),
            "give back": lambda: self.with_one(self.give_back),
            "sent": lambda: self.with_one(self.send),
            "receipt": self.receipt,
            "turn": lambda: self.clock.advance(0),
            "answer": self.backend.answer,
            "refuse": self.backend.refuse,
            "lose": lambda: self.lose(applied=False),
            "lose the answer": lambda: self.lose(applied=True),
            "reconnect": self.reconnect,
            "crash": lambda: self.crash(applied=True),
            "crash before the answer": lambda: self.crash(applied=False),
            "wait a little": lambda: self.clock.advance(0.2),
            "wait": lambda: self.clock.pump([0.25] * 20),
            "wait long": lambda: self.clock.pump([0.25] * 120),
        }
        steps[step]()

    def accept(self) -> None:
        """A partner sends a message."""
        self.latest = message_id = b"%016d" % (int(self.latest) + 1)
        self.accepted[message_id] = []
        self.journal.accept(
            message_id,
            account="acme",
            route="default",
            upstream="mtn",
            flags=0,
            registered_delivery=0,
            deadline_ms=0,
            bodies=[b"body"],
            done=self.accepted[message_id].append,
        )

    def claim(self) -> None:
        """The dispatcher has room for two."""
        if not self.is_claiming:
            self.is_claiming = True
            self.journal.claim(self.queue, 2, self._claimed)

    def _claimed(self, pairs: list[tuple[bytes, bytes]]) -> None:
        self.is_claiming = False
        for entry, record in pairs:
            assert entry not in self.held, "claimed while it was held"
            told = self.accepted.get(entry, [])
            assert Accept.AWAY not in told, "refused, and yet claimed"
            assert entry not in self.sent, "sent, and yet claimed"
            assert records.decode(record).bodies == [b"body"]
            self.held.add(entry)

    def with_one(self, act: Callable[[bytes], None]) -> None:
        """Do something with the oldest message that is held."""
        if self.held:
            entry = min(self.held)
            self.held.discard(entry)
            act(entry)

    def settle(self, entry: bytes) -> None:
        """Done with it: it must not come again."""
        self.sent.add(entry)
        self.journal.settle(self.queue, entry)

    def give_back(self, entry: bytes) -> None:
        """It has to be tried again."""
        due = int(NOON_MS + 1000 * self.clock.seconds())
        event = records.event(records.REQUEUED, due, records.EVERY_SEGMENT)
        self.journal.retry(self.queue, entry, entry, due, event)

    def send(self, entry: bytes) -> None:
        """The carrier took it, and gave it its own number as an id."""
        self.sent.add(entry)
        self.journal.sent(
            self.queue,
            entry,
            0,
            "mtn",
            entry,
            entry,
            last=True,
            webhook=b"",
            done=lambda *_: None,
        )

    def receipt(self) -> None:
        """The carrier says that the latest message was delivered."""
        told: list[Verdict] = []
        self.receipts.append(told)
        self.journal.receipt(
            "mtn",
            self.latest,
            State.DELIVERED,
            b"",
            lambda verdict, _: told.append(verdict),
        )

    def lose(self, *, applied: bool) -> None:
        """The connection goes, as luckgw.store.connection tells it."""
        was_open = self._opening is None and self.backend.is_connected
        self.backend.lose(applied=applied)
        if was_open:
            self.journal.lost()

    def crash(self, *, applied: bool) -> None:
        """The process is killed; what it asked last is applied, or not. Those who were
        waiting for an answer never get one.
        """
        self.backend.die(applied=applied)
        self.dead_claims.add(self.queue.claims)
        # What was not let go of in the store will be sent again: there is no other way.
        self.sent -= self.store.claims_of(self.queue.claims)
        self.accepted = {each: told for each, told in self.accepted.items() if told}
        self.receipts = [told for told in self.receipts if told]
        later = self.clock.seconds()
        self.clock = Clock()  # and with it goes all that the old process had planned
        self.clock.advance(later)
        self.start()

    def reconnect(self) -> None:
        """The connection is there again, if it was not."""
        if self.backend.is_connected:
            return
        self.backend.is_connected = True
        self._opening = ensureDeferred(self.journal.opened())
        self._opening.addCallbacks(self._opened, self._not_opened)

    def _opened(self, _: None) -> None:
        self._opening = None

    def _not_opened(self, _: object) -> None:
        self._opening = None
        self.backend.is_connected = False

    def settle_down(self) -> None:
        """From here on everything works."""
        self._answer_all()
        for claims in self.dead_claims:
            self.journal.take_over(QUEUE, claims, None, b"", lambda _: None)
        self._answer_all()

    def _answer_all(self) -> None:
        self.reconnect()
        self.clock.advance(0.2)
        while self.backend.answer():
            self.reconnect()
            self.clock.advance(0.2)


@settings(max_examples=250, deadline=None)
@given(st.lists(episode, min_size=2, max_size=8))
def test_accepted_is_kept_and_refused_is_gone(
    tmp_path_factory: pytest.TempPathFactory, story: list[object]
) -> None:
    """Through any outage (B1 and B2 of spec/reliability, as far as one node goes)."""
    world = World(tmp_path_factory.mktemp("world"))
    for step in steps_of(story):
        world.do(step)
    world.settle_down()
    assert world.journal.is_open
    assert not world.is_claiming
    for message_id, told in world.accepted.items():
        assert len(told) == 1
        assert (message_id in world.store.records) is (told == [Accept.STORED])
    assert all(len(told) == 1 for told in world.receipts)
    assert world.store.claims.get(world.queue.claims, set()) == world.held
    for message_id, known in world.store.carrier_ids.items():
        if isinstance(known, Known):
            assert message_id.endswith(known.message_id)
            events = records.decode(world.store.records[known.message_id]).events
            assert [each.state for each in events].count(State.SENT) == 1
    waiting = world.store.list_of(QUEUE) + list(world.store.delayed_of(QUEUE))
    kept = {each for each in world.store.records if each not in world.sent}
    assert sorted([*kept - world.held]) == sorted(
        each for each in waiting if each in world.store.records
    )

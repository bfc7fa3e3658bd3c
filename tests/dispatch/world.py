"""One node without sockets: the real journal over the store in memory, clocks that the
test moves, and doubles of the two outside worlds, a carrier and a partner's session.
"""

import itertools
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any, Final

import attrs
from twisted.internet.defer import Deferred, ensureDeferred, fail, succeed
from twisted.internet.task import Clock

from luckgw.config import model
from luckgw.config.secret import Secret
from luckgw.dispatch.mt import MtDispatcher
from luckgw.dispatch.takeover import take_over
from luckgw.domain.states import State
from luckgw.domain.status import Status
from luckgw.pipeline.route_addresses import route_addresses
from luckgw.receipts.match import canonical
from luckgw.store import keys, records
from luckgw.store.interface import Accept, StoreAway
from luckgw.store.journal import Args, Backend, Journal
from luckgw.store.memory import MemoryBackend, MemoryStore
from luckgw.store.revoked import RevokeList
from luckgw.upstream.interface import BindStatus, Listener, NotCarried, Reply
from luckgw.wire.pdus import Sm, decode_sm, encode_sm
from tests.store import reads

NOON_MS: Final = 1_800_014_400_000
"""2027-01-15, 12:00 UTC: when each test begins."""
UPSTREAM: Final = "mtn"
ACCOUNT: Final = "acme"
DAY_S: Final = 86_400


def upstream_config(**given: Any) -> model.Upstream:
    """An upstream as it is configured."""
    return model.Upstream(
        **{
            "name": UPSTREAM,
            "endpoint": "tcp:smsc.example.net:2775",
            "system_id": "luck",
            "password": Secret("secret"),
            **given,
        }
    )


def submit_body(text: bytes = b"Hello", **fields: Any) -> bytes:
    """A submit_sm body as admission leaves it."""
    return encode_sm(
        **{
            "source_addr_ton": 5,
            "source_addr": b"Luck",
            "dest_addr_ton": 1,
            "dest_addr_npi": 1,
            "destination_addr": b"233501234567",
            "registered_delivery": 1,
            "short_message": text,
            **fields,
        }
    )


class Link:
    """The store's backend behind a link that can be cut."""

    def __init__(self, backend: Backend) -> None:
        self._backend = backend
        self.is_cut = False
        self.loses_answers = False
        """Cut: what is sent arrives, and only its answer is lost."""
        self.is_slow = False
        """Batches wait until ``release``."""
        self._waiting: list[tuple[Sequence[Args], Deferred[list[object]]]] = []

    def run(self, operations: Sequence[Args]) -> "Deferred[list[object]]":
        """As the backend, while the link holds."""
        if self.is_slow:
            self._waiting.append((operations, Deferred()))
            return self._waiting[-1][1]
        if not self.is_cut:
            return self._backend.run(operations)
        if self.loses_answers:
            self._backend.run(operations)
        return fail(StoreAway("cut"))

    def release(self) -> None:
        """The store does what it was asked for, and is fast again."""
        self.is_slow = False
        waiting, self._waiting = self._waiting, []
        for operations, d in waiting:
            self.run(operations).chainDeferred(d)

    def claimed(self, claims: bytes) -> "Deferred[Any]":
        """As the backend."""
        return self._backend.claimed(claims)


class Node:
    """A gateway process: its epoch, its journal, its time."""

    def __init__(self, clock: Clock, store: MemoryStore, folder: Path) -> None:
        self.clock = clock
        self.store = store
        self.epoch = store.join("gw1")
        self.link = Link(MemoryBackend(store, "gw1", self.epoch))
        self.journal = Journal(
            clock,
            self.link,
            RevokeList(folder / f"revoked-{self.epoch}"),
            self.now_ms,
            "gw1",
            self.epoch,
            7 * DAY_S,
            lambda: None,
        )
        self.open()

    def open(self) -> None:
        """The connection to the store is there (again)."""
        self.link.is_cut = False
        opened = ensureDeferred(self.journal.opened())
        assert opened.called
        self.turn()

    def lose(self, *, after_the_next: bool = False) -> None:
        """The connection to the store goes; ``after_the_next``: the next batch still
        arrives, and only its answer is lost.
        """
        self.link.is_cut, self.link.loses_answers = True, after_the_next
        if after_the_next:
            self.turn()
        self.journal.lost()

    def now_ms(self) -> int:
        """The wall clock, which goes with the test's."""
        return NOON_MS + round(self.clock.seconds() * 1000)

    def turn(self) -> None:
        """Let everything happen that happens now."""
        while True:
            now = self.clock.seconds()
            if not any(c.getTime() <= now for c in self.clock.getDelayedCalls()):
                return
            self.clock.advance(0)

    def wait(self, seconds: float, step: float = 0.25) -> None:
        """Let time pass."""
        end = self.clock.seconds() + seconds
        while (left := end - self.clock.seconds()) > 1e-9:
            self.clock.advance(min(step, left))
            self.turn()

    def execute(self, *args: bytes | str | int) -> "Deferred[Any]":
        """The few reading commands that are not the journal's."""
        if self.link.is_cut:
            return fail(StoreAway("cut"))
        return succeed(reads.run(self.store, *args))

    # -- messages ----------------------------------------------------------------------

    @property
    def next_id(self) -> bytes:
        """The id of the next message."""
        return (len(self.store.records) + 1).to_bytes(16, "big")

    def accept(
        self,
        *texts: bytes,
        validity_s: float = DAY_S,
        upstream: str = UPSTREAM,
        bodies: tuple[bytes, ...] = (),
        flags: int = 0,
        registered_delivery: int = 1,
        message_id: bytes = b"",
        due_ms: int | None = None,
    ) -> bytes:
        """Keep a message of a segment for each text (one, "Hello"); gives its id."""
        message_id = message_id or self.next_id
        told: list[Accept] = []
        self.journal.accept(
            message_id,
            account=ACCOUNT,
            route="default",
            upstream=upstream,
            flags=flags,
            registered_delivery=registered_delivery,
            deadline_ms=self.now_ms() + round(validity_s * 1000),
            bodies=bodies or [submit_body(each) for each in texts or (b"Hello",)],
            done=told.append,
            due_ms=due_ms,
        )
        self.turn()
        assert told == [Accept.STORED]
        return message_id

    def record(self, message_id: bytes) -> records.Record:
        """What is kept of a message."""
        return records.decode(self.store.records[message_id])

    def state(self, message_id: bytes) -> State:
        """A message's state."""
        return self.record(message_id).state

    def kinds(self, message_id: bytes) -> list[int]:
        """The kinds of a message's events."""
        return [each.kind for each in self.record(message_id).events]

    def receipt(
        self, carrier_id: bytes, state: State, tail: bytes = b"mtn\0X\x00001\0"
    ) -> None:
        """A carrier's receipt comes."""
        told: list[object] = []
        self.journal.receipt(
            UPSTREAM,
            canonical(carrier_id, "text"),
            state,
            tail,
            lambda *verdict: told.append(verdict),
        )
        self.turn()
        assert told

    # -- queues ------------------------------------------------------------------------

    def queued(self, key: bytes = keys.upstream_queue(UPSTREAM)) -> list[bytes]:
        """What is ready in a queue, in order."""
        return list(self.store.lists.get(key, []))

    def due(self, key: bytes = keys.upstream_queue(UPSTREAM)) -> dict[bytes, float]:
        """What waits beside a queue: in how many seconds it is due."""
        return {
            entry: (at - self.now_ms()) / 1000
            for entry, at in self.store.delayed.get(key, {}).items()
        }

    def claimed(self, key: bytes = keys.upstream_queue(UPSTREAM)) -> set[bytes]:
        """What any epoch of this node holds of a queue."""
        found: set[bytes] = set()
        for name, entries in self.store.claims.items():
            if keys.parse_claims(name)[0] == key:
                found |= entries
        return found

    def webhook_events(self) -> list[State]:
        """What waits for the account's webhook."""
        entries = self.queued(keys.webhook_outbox(ACCOUNT))
        return [records.OutboxEntry.from_bytes(each).state for each in entries]

    def take_over(self, config: model.Config) -> int:
        """What a start does with what older epochs held."""
        taken = ensureDeferred(
            take_over(self.execute, self.journal, config, self.epoch, self.now_ms)
        )
        self.turn()
        counts: list[int] = []
        taken.addCallback(counts.append)
        return counts[0]


@attrs.define(eq=False)
class Submitted:
    """A submit_sm that a carrier has got."""

    body: bytes
    context: object

    @property
    def text(self) -> bytes:
        """Its text."""
        return decode_sm(self.body).short_message


@attrs.define(eq=False)
class Carrier:
    """A carrier that does what the test says: upstream.interface.Upstream."""

    clock: Clock
    window: int = 10
    is_up: bool = True
    name: str = UPSTREAM
    got: list[Submitted] = attrs.Factory(list)
    """Every submit_sm, ever."""
    open: list[Submitted] = attrs.Factory(list)
    """Those without an answer."""
    silent: list[Submitted] = attrs.Factory(list)
    """Those whose answer can only be late."""
    held_back: list[float] = attrs.Factory(list)
    is_draining: bool = False
    refuses: bytes = b""
    """A text that can not be sent to it."""
    _paused_until: float = 0.0
    _ids: "itertools.count[int]" = attrs.field(factory=lambda: itertools.count(1))
    listener: Listener = attrs.field(init=False)

    # -- as the dispatcher sees it -----------------------------------------------------

    def start(self, listener: Listener) -> None:
        """See the port."""
        self.listener = listener

    @property
    def room(self) -> int:
        """See the port."""
        if not self.is_up or self.is_draining or self.is_paused:
            return 0
        return self.window - len(self.open)

    @property
    def capacity(self) -> int:
        """See the port."""
        return self.window if self.is_up else 0

    def submit(self, body: bytes, context: object) -> object:
        """See the port."""
        assert self.room > 0, "submit without room"
        submitted = Submitted(body, context)
        if self.refuses and submitted.text == self.refuses:
            raise NotCarried("not this one")
        self.got.append(submitted)
        self.open.append(submitted)
        return self

    def hold_back(self, via: object, seconds: float) -> None:
        """See the port."""
        assert via is self
        self.held_back.append(seconds)
        if not self.is_paused:
            self._paused_until = self.clock.seconds() + seconds
            self.clock.callLater(seconds, self.listener.changed)

    def drain(self, timeout_s: float) -> "Deferred[None]":
        """See the port: the connection is over at once, answered or not."""
        del timeout_s
        self.is_draining = True
        self.go()
        return succeed(None)

    def status(self) -> list[BindStatus]:
        """See the port."""
        phase = "bound" if self.is_up else "waiting"
        return [BindStatus("transceiver", phase, 0.0, self.window, len(self.open), "")]

    # -- what the test lets it do ------------------------------------------------------

    @property
    def is_paused(self) -> bool:
        """Whether it was told to go easy."""
        return self._paused_until > self.clock.seconds()

    @property
    def texts(self) -> list[bytes]:
        """The texts of all that it ever got, in order."""
        return [each.text for each in self.got]

    def answer(self, *statuses: int, message_id: bytes | None = None) -> list[bytes]:
        """Answer the oldest, one for each status; the ids that were given."""
        given = []
        for status in statuses or (0,):
            submitted = self.open.pop(0)
            given.append(self._say(submitted, status, message_id, late=False))
        self.listener.changed()
        return given

    def answer_to(self, text: bytes, status: int = 0) -> bytes:
        """Answer the oldest open one with this text; the id that was given."""
        submitted = next(each for each in self.open if each.text == text)
        self.open.remove(submitted)
        message_id = self._say(submitted, status, None, late=False)
        self.listener.changed()
        return message_id

    def answer_late(self, status: int = 0, number: int = 0) -> bytes:
        """Answer one of those that had timed out; the id that was given."""
        message_id = self._say(self.silent.pop(number), status, None, late=True)
        self.listener.changed()
        return message_id

    def _say(
        self, submitted: Submitted, status: int, message_id: bytes | None, *, late: bool
    ) -> bytes:
        if message_id is None:
            message_id = b"" if status else b"c%d" % next(self._ids)
        self.listener.answered(submitted.context, status, message_id, late=late)
        return message_id

    def time_out(self, count: int = 1) -> None:
        """The oldest had no answer in time."""
        for _ in range(count):
            submitted = self.open.pop(0)
            self.silent.append(submitted)
            self.listener.uncertain([submitted.context], may_come=True)
        self.listener.changed()

    def go(self) -> None:
        """The link is lost."""
        self.is_up = False
        unanswered, self.open = self.open, []
        self.silent.clear()
        if unanswered:
            contexts = [each.context for each in unanswered]
            self.listener.uncertain(contexts, may_come=False)
        self.listener.changed()

    def die(self) -> None:
        """The other side died: nobody hears of it."""
        self.is_up = self.is_draining = False
        self._paused_until = 0.0
        self.open.clear()
        self.silent.clear()

    def come(self) -> None:
        """The link is there again."""
        self.is_up = True
        self.listener.changed()


class World:
    """A node that serves one carrier."""

    def __init__(
        self,
        clock: Clock,
        folder: Path,
        carrier: Carrier | None = None,
        routes: Iterable[model.Route] = (),
        **config: Any,
    ) -> None:
        """``routes`` are those whose addresses are rewritten."""
        self.clock = clock
        self.store = MemoryStore()
        self._folder = folder
        self.config = upstream_config(**config)
        self._routes = tuple(routes)
        self.carrier = carrier or Carrier(clock, self.config.window)
        self.received: list[tuple[Sm, Reply]] = []
        self.woken: list[str] = []
        self.node: Node
        self.mt: MtDispatcher
        self.start()

    def start(self) -> None:
        """A process starts; if there was one it has died."""
        self.node = node = Node(self.clock, self.store, self._folder)
        self.mt = MtDispatcher(
            self.clock,
            node.journal,
            self.carrier,
            self.config,
            node.now_ms,
            lambda sm, reply: self.received.append((sm, reply)),
            self.woken.append,
            route_addresses(self._routes),
        )
        consumer = self.mt.consumer
        node.journal.register_holder(consumer.queue, lambda: consumer.held)
        self.mt.start()

    def die(self) -> None:
        """kill -9: nothing happens any more, and the link is lost."""
        for call in [*self.clock.getDelayedCalls()]:
            call.cancel()
        self.carrier.die()

    def accept(self, *texts: bytes, **given: Any) -> bytes:
        """A message comes in, and the dispatcher hears of it."""
        message_id = self.node.accept(*texts, **given)
        self.mt.poke()
        self.node.turn()
        return message_id

    def accept_many(self, count: int, **given: Any) -> list[bytes]:
        """Messages with the texts 0, 1, 2 ..."""
        return [self.accept(b"%d" % number, **given) for number in range(count)]

    def wait(self, seconds: float, step: float = 0.25) -> None:
        """Time passes, and the dispatcher looks now and then."""
        end = self.clock.seconds() + seconds
        while (left := end - self.clock.seconds()) > 1e-9:
            self.node.wait(min(step, left), step)
            self.mt.poke()
            self.node.turn()

    def after(self, deed: Callable[..., Any], *args: Any, **given: Any) -> Any:
        """Do something, and let all happen that follows from it."""
        result = deed(*args, **given)
        self.node.turn()
        return result


THROTTLED: Final = int(Status.ESME_RTHROTTLED)
QUEUE_FULL: Final = int(Status.ESME_RMSGQFUL)
SYSTEM_ERROR: Final = int(Status.ESME_RSYSERR)
BAD_DESTINATION: Final = int(Status.ESME_RINVDSTADR)

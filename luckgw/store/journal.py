"""Group commit: all operations of one reactor turn go to the store as one script call.

The first operation of a turn schedules the flush; at most one batch is under way; while
it is, the next one gathers, so batches grow with load by themselves and the latency at
low load is one round trip. A batch whose answer is lost is sent again: every operation
is safe to repeat. What waits longest is bounded by the windows of the sessions.
"""

from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime
from typing import Final, Protocol

import attrs
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IDelayedCall, IReactorTime
from twisted.logger import Logger
from twisted.python.failure import Failure

from luckgw.domain.states import State
from luckgw.store import keys, records
from luckgw.store.interface import (
    Accept,
    AcceptCallback,
    AssignCallback,
    Assignment,
    ClaimCallback,
    Inbound,
    InboundCallback,
    Queue,
    StoreAway,
    Verdict,
    VerdictCallback,
)
from luckgw.store.revoked import RevokeList

Args = tuple[bytes, ...]
Callback = Callable[[object], None]
Operation = tuple[Args, Callback]

BATCH: Final = 400
"""Operations in one script call: some 5 ms of the store's only thread."""
GIVE_UP_S: Final = 10.0
"""After this long without a verdict a caller is told no (spec/reliability 3.2)."""
RECEIPT_WAIT_S: Final = 25.0
"""A carrier waits so long for the answer to its receipt before it is told to repeat it:
most outages are shorter, and not every carrier does repeat."""
RETRY_S: Final = 0.2
"""Pause before a batch that the store refused is tried again."""
_DAY_MS: Final = 86_400_000
PACE_S: Final = 0.25
"""How often deadlines are looked at while the store is away."""


class Fenced(Exception):
    """Another process has taken over this node's name: this one must stop."""


class Backend(Protocol):
    """A store that runs batches: Valkey, or the reference implementation in memory."""

    def run(self, operations: Sequence[Args]) -> "Deferred[list[object]]":
        """Apply all operations atomically, in order; one verdict each.

        Fails with ``StoreAway`` when it is not known whether they were applied, with
        ``Fenced`` when they were refused for good.
        """
        ...

    def claimed(self, claims: bytes) -> "Deferred[Iterable[bytes]]":
        """The entries of a claim set."""
        ...


@attrs.define
class _Batch:
    operations: list[Operation]
    born: float


_VERDICTS: Final = {
    b"A": Verdict.APPLIED,
    b"D": Verdict.NO_CHANGE,
    b"P": Verdict.PARKED,
    b"U": Verdict.UNKNOWN,
    b"G": Verdict.GONE,
    b"C": Verdict.REUSED,
}


_REFUSED_AT_ONCE: Final = (b"A", b"C", b"X", b"U")
"""Operations that are told no as soon as the store is away, if they never left."""


_ASKED: Final = (b"X", b"U")
"""Operations whose callers are told AWAY when the store takes too long."""


_REPEATED: Final = (b"R", b"M", b"J")
"""What a carrier brings, and brings again when it is told no."""


_LET_GO: Final = (b"S", b"T", b"N", b"F", b"K")
"""Operations on an entry after which its holder does not hold it any more."""


_OPTED_OUT: Final = 3
"""The verdict on a message whose recipient wants none."""


_TOO_LATE: Final = 2
"""The verdict on the revocation of a message that has a history already."""


def _ignore(_verdict: object) -> None:
    """For operations that nobody waits for."""


def _given_back(_verdict: object) -> None:
    """For what ``opened`` gives back; it finds that out anew on each connection."""


class Journal:
    """The one way in which a message's state changes. Implements the interface."""

    log = Logger()

    def __init__(
        self,
        clock: IReactorTime,
        backend: Backend,
        revoked: RevokeList,
        now_ms: Callable[[], int],
        node: str,
        epoch: int,
        retention_s: int,
        on_fenced: Callable[[], None],
    ) -> None:
        self._clock = clock
        self._backend = backend
        self._revoked = revoked
        self._now_ms = now_ms
        self._node = node
        self._epoch = epoch
        self._on_fenced = on_fenced
        self._map_ttl = str(retention_s + keys.SLACK_S).encode()
        self._park_ttl = str(keys.PARKED_S + keys.SLACK_S).encode()
        self._gathering: list[Operation] = []
        self._under_way: _Batch | None = None
        self._lost: _Batch | None = None
        self._flush_call: IDelayedCall | None = None
        self._late_call: IDelayedCall | None = None
        self._away_since: float | None = None
        self._open = False  # batches may go to the store
        self._taking = False  # and messages and receipts may come in
        self._stopped = False
        self._indexes: dict[str, tuple[int, bytes]] = {}
        self._holders: dict[bytes, tuple[Queue, Callable[[], set[bytes]]]] = {}
        self._idle_waiters: list[Deferred[None]] = []
        self.batches = 0
        self.operations = 0

    # -- the operations ------------------------------------------------------------

    @property
    def is_open(self) -> bool:
        """Whether a message may be accepted now."""
        return self._taking

    def queue(self, key: bytes) -> Queue:
        """This node's view of a queue."""
        return Queue(key, keys.claims(key, self._node, self._epoch))

    def accept(  # noqa: PLR0913 - see the interface
        self,
        message_id: bytes,
        *,
        account: str,
        route: str,
        upstream: str,
        flags: int,
        registered_delivery: int,
        deadline_ms: int,
        bodies: Sequence[bytes],
        done: AcceptCallback,
        due_ms: int | None = None,
        unless_opted_out: bytes = b"",
    ) -> None:
        """Keep a message and queue it; see the interface."""
        if not self._taking:
            done(Accept.AWAY)
            return
        now = self._now_ms()
        record = records.encode(
            flags=flags,
            registered_delivery=registered_delivery,
            accepted_ms=now,
            deadline_ms=deadline_ms,
            account=account.encode(),
            route=route.encode(),
            bodies=bodies,
            due_ms=due_ms,
        )

        def told(verdict: object) -> None:
            if verdict is None:
                done(Accept.AWAY)
            else:
                done(Accept.OPTED_OUT if verdict == _OPTED_OUT else Accept.STORED)

        self._add(
            (
                b"A",
                message_id,
                record,
                upstream.encode(),
                self._index(account, now),
                b"" if due_ms is None else b"%d" % due_ms,
                unless_opted_out and keys.opted_out(account) + b"\0" + unless_opted_out,
            ),
            told,
        )

    def alias(
        self, account: str, name: bytes, message_id: bytes, deadline_ms: int
    ) -> None:
        """Another name of a message; see the interface."""
        ttl = int(self._map_ttl) + max(0, deadline_ms - self._now_ms()) // 1000
        self._add((b"Z", keys.alias(account, name), message_id, b"%d" % ttl), _ignore)

    def cancel(self, message_id: bytes, tail: bytes, done: VerdictCallback) -> None:
        """End what still waits; see the interface."""
        head, tail = records.event_parts(State.CANCELED, self._now_ms(), tail)
        self._ask((b"X", message_id, head, tail), done)

    def replace(
        self,
        message_id: bytes,
        old: bytes,
        new: bytes,
        due: tuple[bytes, int] | None,
        done: VerdictCallback,
    ) -> None:
        """Change what still waits; see the interface."""
        delayed, due_ms = (keys.delayed(due[0]), due[1]) if due else (b"", 0)
        self._ask((b"U", message_id, old, new, delayed, b"%d" % due_ms), done)

    def _ask(self, args: Args, done: VerdictCallback) -> None:
        """Add an operation whose caller waits, and hears AWAY while the store is."""
        if self._taking:
            self._add(args, _told_verdict(done))
        else:
            done(Verdict.AWAY, "")

    def _index(self, account: str, now_ms: int) -> bytes:
        """Today's index of an account; a new one is registered for the sweep first."""
        day = now_ms // _DAY_MS
        known = self._indexes.get(account)
        if known is not None and known[0] == day:
            return known[1]
        name = datetime.fromtimestamp(now_ms / 1000, UTC).strftime("%Y%m%d")
        index = keys.index(account, name)
        self._indexes[account] = (day, index)
        self._add((b"I", index), _ignore)
        return index

    def claim(self, queue: Queue, want: int, done: ClaimCallback) -> None:
        """Take what is ready or due; see the interface."""

        def told(verdict: object) -> None:
            flat = verdict if isinstance(verdict, list) else []
            done(list(zip(flat[::2], flat[1::2], strict=True)))

        self._add(
            (b"C", queue.key, queue.claims, b"%d" % want, b"%d" % self._now_ms()), told
        )

    def sent(  # noqa: PLR0913 - the operation's arguments
        self,
        queue: Queue,
        message_id: bytes,
        segment: int,
        upstream: str,
        carrier_id: bytes,
        raw_id: bytes,
        *,
        last: bool,
        webhook: bytes,
        done: VerdictCallback,
    ) -> None:
        """A carrier took a segment; see the interface."""
        head, tail = records.event_parts(
            State.SENT, self._now_ms(), upstream.encode() + b"\0" + raw_id
        )
        self._add(
            (
                b"N",
                queue.claims,
                message_id,
                bytes((segment,)),
                keys.carrier_id(upstream, carrier_id) if carrier_id else b"",
                head,
                tail,
                self._map_ttl,
                b"1" if last else b"0",
                webhook,
            ),
            _told_verdict(done),
        )

    def receipt(
        self,
        upstream: str,
        carrier_id: bytes,
        state: State,
        tail: bytes,
        done: VerdictCallback,
        *,
        park: bool = True,
        more: bytes = b"",
        recipient: bytes = b"",
    ) -> None:
        """A carrier's receipt; see the interface."""
        if not self._taking and not self._is_patient():
            done(Verdict.AWAY, "")
            return
        now = self._now_ms()
        head, tail = records.event_parts(state, now, tail)
        self._add(
            (
                b"R",
                keys.carrier_id(upstream, carrier_id),
                keys.parked(upstream) if park else b"",
                head,
                tail,
                b"%d" % now,
                self._park_ttl,
                more[: records.LONGEST_TAIL - len(tail)],
                recipient,
            ),
            _told_verdict(done),
        )

    def inbound(self, mo: Inbound, done: InboundCallback) -> None:
        """Keep a message from a phone, or a part of one; see the interface."""
        if not self._taking and not self._is_patient():
            done(Verdict.AWAY)
            return
        now = self._now_ms()
        # Without a window only our own repeat of this operation is told from others.
        digest, window = (mo.digest, mo.dedup_s) if mo.dedup_s else (mo.message_id, 60)
        first = (keys.seen(digest), b"%d" % window, mo.message_id)
        head = records.inbound_head(mo.upstream.encode(), now)
        body = records.inbound_body(
            mo.deliver_sm, mo.default_alphabet, packed=mo.packed
        )
        part = mo.part

        def told(verdict: object) -> None:
            assert verdict is None or isinstance(verdict, bytes)  # noqa: S101 - our script
            done(Verdict.AWAY if verdict is None else _VERDICTS[verdict])

        if part is None:
            record = records.inbound_record(head, [body])
            self._add((b"M", *first, record, keys.INBOUND), told)
            return
        self._add(
            (
                b"J",
                *first,
                keys.join(part.join),
                b"%d" % part.number,
                b"%d" % part.total,
                mo.digest + body,
                head,
                keys.JOINS,
                b"%d" % (now + int(part.wait_s * 1000)),
                keys.INBOUND,
            ),
            told,
        )

    def assign(
        self, queue: Queue, assignment: Assignment, done: AssignCallback
    ) -> None:
        """A message from a phone gets its account; see the interface."""
        account, now = assignment.account, self._now_ms()
        tail = f"{account}\0{assignment.route}".encode()
        out, reply = assignment.opt_out, assignment.reply

        def told(verdict: object) -> None:
            assert isinstance(verdict, bytes)  # noqa: S101 - the script's own answer
            done(_VERDICTS[verdict[:1]], len(verdict) > 1)

        since = b"%d" % now if out is not None and out.is_out else b""
        self._add(
            (
                b"K",
                queue.claims,
                assignment.message_id,
                records.event(records.ASSIGNED, now, records.EVERY_SEGMENT, tail),
                account.encode(),
                self._index(account, now),
                b"%d" % (assignment.to_session + 2 * assignment.to_webhook),
                keys.opted_out(account) if out is not None else b"",
                out.field if out is not None else b"",
                since,
                keys.replies(account, reply.field) if reply is not None else b"",
                reply.digest if reply is not None else b"",
                b"%d" % (reply.most if reply is not None else 0),
                b"%d" % keys.REPLIES_S,
            ),
            told,
        )

    def give_out_gaps(self, want: int, done: Callable[[int, int], None]) -> None:
        """Look at up to ``want`` long messages from phones that have waited enough.

        Those that are not whole go their way with gaps. ``done`` hears how many were
        looked at, and how many of them had gaps.
        """

        def told(verdict: object) -> None:
            looked, gaps = verdict if isinstance(verdict, list) else (0, 0)
            done(looked, gaps)

        now = b"%d" % self._now_ms()
        self._add((b"G", keys.JOINS, now, b"%d" % want, keys.INBOUND), told)

    def finish(
        self,
        queue: Queue,
        message_id: bytes,
        state: State,
        tail: bytes,
        done: VerdictCallback,
    ) -> None:
        """The gateway ends a message; see the interface."""
        head, tail = records.event_parts(state, self._now_ms(), tail)
        self._add((b"F", queue.claims, message_id, head, tail), _told_verdict(done))

    def retry(
        self,
        queue: Queue,
        entry: bytes,
        again: bytes,
        due_ms: int | None,
        event: bytes,
    ) -> None:
        """Give an entry back; see the interface."""
        due = b"" if due_ms is None else b"%d" % due_ms
        self._add((b"T", queue.key, queue.claims, entry, again, due, event), _ignore)

    def settle(self, queue: Queue, entry: bytes) -> None:
        """An entry is done with; see the interface."""
        self._add((b"S", queue.claims, entry), _ignore)

    def take_over(
        self,
        queue_key: bytes,
        claims: bytes,
        due_ms: int | None,
        event: bytes,
        done: Callable[[int], None],
    ) -> None:
        """Give back up to 500 entries that a dead epoch held; tells how many."""
        due = b"" if due_ms is None else b"%d" % due_ms

        def told(verdict: object) -> None:
            done(verdict if isinstance(verdict, int) else 0)

        self._add((b"Y", queue_key, claims, due, event), told)

    def sweep(
        self, index: bytes, want: int, later: bytes, done: Callable[[int], None]
    ) -> None:
        """Remove the oldest ``want`` messages of an index; tells how many there were.

        Those that are not at their end yet stay, and go to the index ``later``.
        """

        def told(verdict: object) -> None:
            done(verdict if isinstance(verdict, int) else 0)

        self._add((b"W", index, b"%d" % want, later), told)

    def drop_parked(
        self, parked: bytes, before_ms: int, done: Callable[[int], None]
    ) -> None:
        """Drop up to 100 receipts parked before ``before_ms``; tells how many."""

        def told(verdict: object) -> None:
            done(verdict if isinstance(verdict, int) else 0)

        self._add((b"O", parked, b"%d" % before_ms), told)

    def hand_over(
        self,
        carrier_key: bytes,
        message_id: bytes,
        segment: int,
        done: VerdictCallback,
    ) -> None:
        """Apply the receipt that is parked under ``carrier_key`` to a message.

        From then on the carrier's id stands for that segment. Verdicts: APPLIED,
        NO_CHANGE (it was no news), GONE (no such message: the receipt stays parked),
        UNKNOWN (no receipt is parked there).
        """
        self._hand_over(carrier_key, message_id, bytes((segment,)), done)

    def drop_receipt(self, carrier_key: bytes, done: VerdictCallback) -> None:
        """Drop the receipt that is parked under ``carrier_key``, and count it.

        Verdicts: APPLIED, or UNKNOWN when none is parked there.
        """
        self._hand_over(carrier_key, b"", b"", done)

    def _hand_over(
        self,
        carrier_key: bytes,
        message_id: bytes,
        segment: bytes,
        done: VerdictCallback,
    ) -> None:
        upstream, _ = keys.parse_carrier_id(carrier_key)
        args = (carrier_key, keys.parked(upstream), message_id, segment, self._map_ttl)
        self._add((b"H", *args), _told_verdict(done))

    def look(
        self,
        index: bytes,
        start: int,
        want: int,
        before_ms: int,
        done: Callable[[int], None],
    ) -> None:
        """Look through an index from where the last look ended, for open ends.

        What was accepted before ``before_ms`` and is not at its end is noted for
        ``end``. ``done`` is told where the look ended; nothing happens when the last
        one did not end at ``start``, so that any number of nodes may look.
        """

        def told(verdict: object) -> None:
            done(verdict if isinstance(verdict, int) else start)

        self._add((b"L", index, b"%d" % start, b"%d" % want, b"%d" % before_ms), told)

    def end(
        self,
        before_ms: int,
        want: int,
        again_ms: int,
        overdue_ms: int,
        done: Callable[[int, list[str]], None],
    ) -> None:
        """End up to ``want`` messages whose validity was over before ``before_ms``.

        EXPIRED when the last that was heard of one is that it is on its way, else
        UNKNOWN_FOR_GOOD. One that still waits for its carrier is the dispatcher's to
        end: it is looked at again at ``again_ms`` (end of validity, as ``before_ms``),
        unless its validity was over before ``overdue_ms``: then it is EXPIRED, too.
        ``done`` hears how many were looked at, and the accounts that are told.
        """

        def told(verdict: object) -> None:
            if isinstance(verdict, list) and verdict:
                done(verdict[0], [each.decode() for each in verdict[1:]])
            else:
                done(0, [])

        time = self._now_ms().to_bytes(6, "big")
        numbers = (b"%d" % again_ms, b"%d" % overdue_ms)
        self._add((b"E", b"%d" % before_ms, b"%d" % want, time, *numbers), told)

    def bound(
        self,
        key: bytes,
        most: int,
        want: int,
        done: Callable[[int], None],
        *,
        entry: bytes = b"",
        before_ms: int | None = None,
        delayed: bool = False,
    ) -> None:
        """Keep a list within its bounds; see the interface."""

        def told(verdict: object) -> None:
            done(verdict if isinstance(verdict, int) else 0)

        before = b"" if before_ms is None else b"%d" % before_ms
        ages = b"1" if delayed else b"0"
        limits = (before, b"%d" % most, b"%d" % want, ages)
        self._add((b"B", key, entry, *limits), told)

    # -- who holds what --------------------------------------------------------------

    def register_holder(self, queue: Queue, held: Callable[[], set[bytes]]) -> None:
        """Name the one who holds this queue's claims.

        After a lost answer the store may have given us entries that we never heard of;
        what is claimed and not ``held()`` goes back to the head of its queue.
        """
        self._holders[queue.claims] = (queue, held)

    # -- the batches -----------------------------------------------------------------

    def _add(self, args: Args, callback: Callback) -> None:
        self._gathering.append((args, callback))
        if self._flush_call is None and self._under_way is None and self._open:
            self._flush_call = self._clock.callLater(0, self._flush)

    def _flush(self) -> None:
        self._flush_call = None
        if self._under_way is not None or not self._open or not self._gathering:
            return
        if self._lost is not None:
            return  # that one goes first: the order is kept
        operations = self._gathering[:BATCH]
        self._gathering = self._gathering[BATCH:]
        self._run(_Batch(operations, self._clock.seconds()))

    def _run(self, batch: _Batch) -> None:
        self._under_way = batch
        self.batches += 1
        self.operations += len(batch.operations)
        d = self._backend.run([args for args, _ in batch.operations])
        d.addCallbacks(
            self._answered, self._failed, callbackArgs=(batch,), errbackArgs=(batch,)
        )
        d.addErrback(self._bug)

    def _answered(self, verdicts: list[object], batch: _Batch) -> None:
        self._under_way = None
        self._taking = self._open
        if self._away_since is not None and self._lost is None and self._open:
            self._store_is_back()
        for (_, callback), verdict in zip(batch.operations, verdicts, strict=True):
            self._tell(callback, verdict)
        if self._gathering and self._flush_call is None:
            # Not at once: what the callbacks caused in this turn goes along.
            self._flush_call = self._clock.callLater(0, self._flush)
        self._tell_idle_waiters()

    def _tell(self, callback: Callback, verdict: object) -> None:
        try:
            callback(verdict)
        except Exception:  # noqa: BLE001 - one callback must not take the others along
            self.log.failure("a callback of the journal failed")

    def _failed(self, failure: Failure, batch: _Batch) -> None:
        self._under_way = None
        if failure.check(Fenced):
            self._stop()
            return
        failure.trap(StoreAway)
        if self._open:
            # The connection lives but the store refused: it may be full or loading.
            self.log.warn(
                "the store refused a batch: {reason}", reason=failure.getErrorMessage()
            )
            self._clock.callLater(RETRY_S, self._again)
        self._keep_lost(batch)

    def _stop(self) -> None:
        self.log.critical("this node was taken over by another process; stopping")
        self._open = self._taking = False
        self._stopped = True
        self._store_is_back()  # for us it never will be
        self._refuse_receipts()
        self._refuse_gathered(_REFUSED_AT_ONCE)
        self._gathering.clear()  # no store will ever take the rest
        self._tell_idle_waiters()
        self._on_fenced()

    def _bug(self, failure: Failure) -> None:
        self.log.failure("the journal failed", failure=failure)

    def _again(self) -> None:
        if self._open and self._under_way is None and self._lost is not None:
            batch, self._lost = self._lost, None
            self._run(batch)

    def _keep_lost(self, batch: _Batch) -> None:
        self._lost = batch
        self._begin_to_wait(batch.born)

    def _begin_to_wait(self, since: float) -> None:
        if self._away_since is None:
            self._away_since = since
            self._late_call = self._clock.callLater(PACE_S, self._give_up_if_late)

    def _is_patient(self) -> bool:
        """Whether a receipt may still wait for the store."""
        since = self._away_since
        return since is not None and self._clock.seconds() - since < RECEIPT_WAIT_S

    def _give_up_if_late(self) -> None:
        """Tell those who wait no, once they have waited long enough."""
        since = self._away_since
        if since is None:
            return
        self._late_call = self._clock.callLater(PACE_S, self._give_up_if_late)
        waited = self._clock.seconds() - since
        if waited >= GIVE_UP_S and self._refuse_in_doubt():
            self._refuse_gathered(_REFUSED_AT_ONCE)
        if waited >= RECEIPT_WAIT_S:
            self._refuse_receipts()

    def _refuse_in_doubt(self) -> bool:
        """Say no to the messages of a batch in doubt; whether that went."""
        self._taking = False
        batch = self._lost
        if batch is None:
            return True
        refused = [op for op in batch.operations if op[0][0] == b"A"]
        try:
            self._revoked.add([args[1] for args, _ in refused])
        except OSError:
            # No answer is given that could turn out to be a lie: tried again soon.
            self.log.failure("the revoke list can not be written")
            return False
        # The store may have taken them, in part or whole, and may be the one that is
        # asked again: then the revocation stands where the message stood.
        batch.operations = [
            ((b"V", args[1]), _ignore) if args[0] == b"A" else (args, callback)
            for args, callback in batch.operations
        ]
        # Who cancels or replaces may ask what became of it: it may be done all the same
        asked = [op for op in batch.operations if op[0][0] in _ASKED]
        batch.operations = [
            (args, _ignore) if args[0] in _ASKED else (args, callback)
            for args, callback in batch.operations
        ]
        for _, callback in (*refused, *asked):
            self._tell(callback, None)
        return True

    def _refuse_receipts(self) -> None:
        """Have the carriers repeat what they brought: to apply it twice is harmless."""
        if self._lost is not None:
            waiting = [op for op in self._lost.operations if op[0][0] in _REPEATED]
            self._lost.operations = [
                op for op in self._lost.operations if op[0][0] not in _REPEATED
            ]
            for _, callback in waiting:
                self._tell(callback, None)
        self._refuse_gathered(_REPEATED)

    def _refuse_gathered(self, kinds: Sequence[bytes]) -> None:
        """Say no to what never left this process: there is nothing to revoke."""
        waiting, self._gathering = self._gathering, []
        for operation in waiting:
            (kind, *_), callback = operation
            if kind in kinds:
                self._tell(callback, None)
            else:
                self._gathering.append(operation)

    def _store_is_back(self) -> None:
        self._away_since = None
        if self._late_call is not None and self._late_call.active():
            self._late_call.cancel()

    # -- the connection comes and goes -------------------------------------------------

    def lost(self) -> None:
        """The connection is gone: accept nothing; what was only gathered is refused."""
        self._open = self._taking = False
        self._gathering = [op for op in self._gathering if op[1] is not _given_back]
        self._refuse_gathered(_REFUSED_AT_ONCE)
        self._begin_to_wait(self._clock.seconds())
        self._tell_idle_waiters()

    async def opened(self) -> None:
        """The connection is there (again): undo, repeat, reconcile, then accept.

        Nothing can claim a message before those that were refused are revoked, and no
        entry stays claimed that nobody here knows of.

        Fails with StoreAway when the connection went meanwhile: to be called again on
        the next one.
        """
        if self._stopped:
            return
        try:
            await self._revoke()
            await self._repeat_lost()
            unknown = await self._claims_unknown_here()
        except Fenced:
            self._stop()
            return
        self._gathering += unknown
        self._open = self._taking = True
        self._store_is_back()
        if self._gathering and self._flush_call is None:
            self._flush_call = self._clock.callLater(0, self._flush)

    async def _revoke(self) -> None:
        # More may be refused while we wait for the store.
        while revoked := self._revoked.ids()[:BATCH]:
            verdicts = await self._backend.run([(b"V", each) for each in revoked])
            self._revoked.remove(revoked)
            self.log.info("revoked {count} refused messages", count=len(revoked))
            if late := verdicts.count(_TOO_LATE):
                self.log.error("{count} refused messages had left", count=late)

    async def _repeat_lost(self) -> None:
        if self._lost is None:
            return
        batch, self._lost = self._lost, None
        claims = [op for op in batch.operations if op[0][0] == b"C"]
        rest = [op for op in batch.operations if op[0][0] != b"C"]
        try:
            verdicts = await self._backend.run([args for args, _ in rest])
        except StoreAway:
            self._keep_lost(batch)
            raise
        for _, callback in claims:
            self._tell(callback, None)
        self._answered(verdicts, _Batch(rest, batch.born))

    async def _claims_unknown_here(self) -> list[Operation]:
        operations: list[Operation] = []
        for queue, held in list(self._holders.values()):
            claimed = set(await self._backend.claimed(queue.claims))
            # What was let go of while the store was away is claimed there until that is
            # flushed. It is known: a claim that follows may even have it again.
            let_go = {
                arg for args, _ in self._gathering if args[0] in _LET_GO for arg in args
            }
            unknown = claimed - held() - let_go
            # Each goes before the one before it: an outbox's oldest entry last.
            for entry in sorted(unknown, key=lambda e: (e[17:23], e), reverse=True):
                args = (b"T", queue.key, queue.claims, entry, entry, b"", b"")
                operations.append((args, _given_back))
        return operations

    def when_idle(self) -> "Deferred[None]":
        """Fires when nothing is gathered, under way or in doubt; at once if so now."""
        d: Deferred[None] = Deferred()
        self._idle_waiters.append(d)
        self._tell_idle_waiters()
        return d

    def _tell_idle_waiters(self) -> None:
        if self._gathering or self._under_way is not None or self._lost is not None:
            return
        waiters, self._idle_waiters = self._idle_waiters, []
        for waiter in waiters:
            waiter.callback(None)


def _told_verdict(done: VerdictCallback) -> Callback:
    def told(verdict: object) -> None:
        if verdict is None:
            done(Verdict.AWAY, "")
        else:
            assert isinstance(verdict, bytes)  # noqa: S101 - the script's own answer
            if len(verdict) == 1:
                done(_VERDICTS[verdict], "")
            else:
                done(_VERDICTS[verdict[:1]], verdict[1:].decode())

    return told

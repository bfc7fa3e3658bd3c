"""The store in memory: the reference for what each operation of the journal means.

It says in Python what lua/journal.lua does on a server, verdict for verdict and octet
for octet (tests/contracts holds the two together), and serves the tests of other rooms.
It is written to be read, not to be fast, and it keeps nothing.
"""

from collections.abc import Callable, Iterable, Sequence
from typing import Final

import attrs
from twisted.internet.defer import Deferred, fail, succeed

from luckgw.domain.states import State, outranks
from luckgw.store import keys, records
from luckgw.store.interface import FLAG_DELIVER_SM, FLAG_WEBHOOK
from luckgw.store.journal import Args, Fenced
from luckgw.store.records import EVERY_SEGMENT, Record

MOST: Final = 1000
"""One claim or sweep never takes more entries than this."""
MOST_TAKEN_OVER: Final = 500
MOST_DROPPED: Final = 100

_ID: Final = 16
"""Octets of a message id: every entry begins with one."""
_EVENT_HEAD: Final = 8

# What registered_delivery asks for (SMPP v3.4 5.2.17, bits 1-0).
_EVERY_END: Final = 1
_FAILURES: Final = 2
_ON_ITS_WAY: Final = 0x10
"""Bit 4: intermediate notifications."""


@attrs.frozen
class Known:
    """A carrier's id stands for this segment."""

    message_id: bytes
    segment: int
    ttl_s: int = attrs.field(eq=False)


@attrs.frozen
class Parked:
    """A receipt that came before its id was known: an event without its segment."""

    head: bytes
    tail: bytes
    ttl_s: int

    @property
    def state(self) -> State:
        """What the receipt says."""
        return State(self.head[1])


@attrs.define
class MemoryStore:
    """What a server holds, under the keys of luckgw.store.keys. Nodes share one."""

    epochs: dict[bytes, int] = attrs.field(factory=dict)
    """Node -> the only epoch of it that may still write."""
    records: dict[bytes, bytes] = attrs.field(factory=dict)
    """Message id -> record (luckgw.store.records)."""
    lists: dict[bytes, list[bytes]] = attrs.field(factory=dict)
    """Ready queues, outboxes and indexes, oldest first."""
    delayed: dict[bytes, dict[bytes, int]] = attrs.field(factory=dict)
    """Queue -> entry -> when it is due, wall-clock ms."""
    claims: dict[bytes, set[bytes]] = attrs.field(factory=dict)
    """Claim set -> its entries."""
    claims_in_use: set[bytes] = attrs.field(factory=set)
    """Claim sets that may not be empty."""
    carrier_ids: dict[bytes, Known | Parked] = attrs.field(factory=dict)
    aliases: dict[bytes, bytes] = attrs.field(factory=dict)
    """Key of a message's other name -> its id."""
    parked: dict[bytes, dict[bytes, int]] = attrs.field(factory=dict)
    """Upstream's key -> carrier id's key -> when it was parked, wall-clock ms."""
    indexes: set[bytes] = attrs.field(factory=set)
    seen: dict[bytes, bytes] = attrs.field(factory=dict)
    """keys.seen -> id of the message from a phone that was kept then."""
    joins: dict[bytes, dict[bytes, bytes]] = attrs.field(factory=dict)
    """keys.join -> its fields."""
    joins_due: dict[bytes, int] = attrs.field(factory=dict)
    """keys.join -> when it waits no longer, wall-clock ms."""
    inboxes: dict[bytes, set[bytes]] = attrs.field(factory=dict)
    """keys.inbox -> its members."""
    opted_out: dict[bytes, dict[bytes, bytes]] = attrs.field(factory=dict)
    """keys.opted_out -> its fields."""
    replies: dict[bytes, dict[bytes, bytes]] = attrs.field(factory=dict)
    """keys.replies -> its fields."""
    looked: dict[bytes, int] = attrs.field(factory=dict)
    """Index -> how far the look for open ends has come."""
    open: dict[bytes, int] = attrs.field(factory=dict)
    """Message id -> end of its validity, of those that wait for their end."""
    dropped: dict[bytes, int] = attrs.field(factory=dict)
    """Key -> how many entries were dropped from it."""

    def join(self, node: str) -> int:
        """Begin a new epoch of a node; every older one is fenced off."""
        epoch = self.epochs.get(node.encode(), 0) + 1
        self.epochs[node.encode()] = epoch
        return epoch

    def list_of(self, key: bytes) -> list[bytes]:
        """The list under a key, to be changed in place."""
        return self.lists.setdefault(key, [])

    def delayed_of(self, queue: bytes) -> dict[bytes, int]:
        """What waits beside a queue for its time, to be changed in place."""
        return self.delayed.setdefault(queue, {})

    def claims_of(self, key: bytes) -> set[bytes]:
        """The claim set under a key, to be changed in place."""
        return self.claims.setdefault(key, set())


class MemoryBackend:
    """One epoch of one node on a MemoryStore; see luckgw.store.journal.Backend."""

    def __init__(self, store: MemoryStore, node: str, epoch: int) -> None:
        self._store = store
        self._node = node.encode()
        self._epoch = epoch
        self._apply: dict[bytes, Callable[..., object]] = {
            b"A": self._accept,
            b"N": self._sent,
            b"R": self._receipt,
            b"C": self._claim,
            b"S": self._settle,
            b"T": self._retry,
            b"F": self._finish,
            b"X": self._cancel,
            b"U": self._replace,
            b"Z": self._alias,
            b"V": self._revoke,
            b"Y": self._take_over,
            b"I": self._register_index,
            b"W": self._sweep,
            b"O": self._drop_parked,
            b"M": self._inbound,
            b"J": self._part,
            b"G": self._give_out_gaps,
            b"K": self._assign,
            b"H": self._hand_over,
            b"L": self._look,
            b"E": self._end,
            b"B": self._bound,
        }

    def run(self, operations: Sequence[Args]) -> "Deferred[list[object]]":
        """Apply all operations in order; the Deferred has fired when this returns."""
        if self._store.epochs.get(self._node) != self._epoch:
            return fail(Fenced("this node was taken over"))
        return succeed([self._apply[name](*args) for name, *args in operations])

    def claimed(self, claims: bytes) -> "Deferred[Iterable[bytes]]":
        """The entries of a claim set."""
        return succeed(set(self._store.claims.get(claims, ())))

    # -- a message comes in ----------------------------------------------------------

    def _accept(
        self,
        message_id: bytes,
        record: bytes,
        upstream: bytes,
        index: bytes,
        due: bytes,
        out: bytes,
    ) -> int:
        """Keep and queue a message: 1; a repeat of ourselves: 2; not wanted: 3."""
        if message_id in self._store.records:
            return 2
        opted_out, _, field = out.partition(b"\0")
        if field in self._store.opted_out.get(opted_out, {}):
            return 3
        self._store.records[message_id] = record
        queue = keys.upstream_queue(upstream.decode())
        self._enqueue(queue, message_id, due, first=False)
        self._store.list_of(index).append(message_id)
        return 1

    def _revoke(self, message_id: bytes) -> int:
        """Drop a message whose sender was told no: 1; unknown: 0; it has a history: 2.

        Its id stays in its queue, where a claim skips it.
        """
        record = self._store.records.get(message_id)
        if record is None:
            return 0
        if records.decode(record).events:
            return 2
        del self._store.records[message_id]
        return 1

    # -- queues and claims -----------------------------------------------------------

    def _claim(
        self, queue: bytes, claims: bytes, want: bytes, now: bytes
    ) -> list[bytes]:
        """Entry, record, entry, record ...: first what is due, then what is ready."""
        room = max(0, min(int(want), MOST))
        waiting = self._store.delayed_of(queue)
        due = sorted((at, entry) for entry, at in waiting.items() if at <= int(now))
        entries = [entry for _, entry in due[:room]]
        for entry in entries:
            del waiting[entry]
        ready = self._store.list_of(queue)
        room -= len(entries)
        entries += ready[:room]
        del ready[:room]
        found: list[bytes] = []
        for entry in entries:
            record = self._store.records.get(entry[:_ID])
            if record is not None:  # else it was revoked or swept: skipped
                found += (entry, record)
                self._store.claims_of(claims).add(entry)
                self._store.claims_in_use.add(claims)
        return found

    def _settle(self, claims: bytes, entry: bytes) -> int:
        """An entry is done with: 1, always."""
        self._store.claims_of(claims).discard(entry)
        return 1

    def _retry(
        self,
        queue: bytes,
        claims: bytes,
        entry: bytes,
        again: bytes,
        due: bytes,
        event: bytes,
    ) -> int:
        """Give back, as ``again``, an entry that is held: 1; it is not held: 0."""
        held = self._store.claims_of(claims)
        if entry not in held:
            return 0
        held.discard(entry)
        self._enqueue(queue, again, due, first=True)
        self._append_once(entry[:_ID], event)
        return 1

    def _take_over(self, queue: bytes, claims: bytes, due: bytes, event: bytes) -> int:
        """Give back what a dead claimant held, in the order of time; tells how many.

        Of more than MOST_TAKEN_OVER any so many.
        """
        held = self._store.claims_of(claims)
        entries = sorted(held)[:MOST_TAKEN_OVER]
        # Each goes before the one before it: the oldest last.
        for entry in sorted(entries, key=lambda e: (e[17:23], e), reverse=True):
            held.discard(entry)
            if entry[:_ID] in self._store.records:
                self._enqueue(queue, entry, due, first=True)
                self._append_once(entry[:_ID], event)
        if not held:
            self._store.claims_in_use.discard(claims)
        return len(entries)

    def _enqueue(self, queue: bytes, entry: bytes, due: bytes, *, first: bool) -> None:
        """Let an entry wait until it is due, or (``due`` b"") put it in line."""
        if due:
            self._store.delayed_of(queue)[entry] = int(due)
        else:
            ready = self._store.list_of(queue)
            ready.insert(0 if first else len(ready), entry)

    # -- what becomes of it ----------------------------------------------------------

    def _sent(  # noqa: PLR0913, PLR0917 - the operation's arguments
        self,
        claims: bytes,
        message_id: bytes,
        segment: bytes,
        carrier_key: bytes,
        head: bytes,
        tail: bytes,
        ttl: bytes,
        last: bytes,
        webhook: bytes,
    ) -> bytes:
        """A carrier took a segment: applied (A), the id was in use (C), gone (G)."""
        if last == b"1":
            self._store.claims_of(claims).discard(message_id)
        old = None
        if carrier_key:
            old = self._store.carrier_ids.get(carrier_key)
            known = Known(message_id, segment[0], int(ttl))
            self._store.carrier_ids[carrier_key] = known
            if old == known:
                return b"A"  # a repeat
            if isinstance(old, Parked):
                self._store.parked[_parked_key(carrier_key)].pop(carrier_key, None)
        if message_id not in self._store.records:
            return b"G"
        told = b""
        if self._append_once(message_id, head + segment + tail) and last == b"1":
            told = self._push_event(b"w:", webhook, message_id, State.SENT, head)
        if isinstance(old, Known):
            return b"C" + told
        if isinstance(old, Parked):
            told = self._change(message_id, old.head, segment[0], old.tail)[1:] or told
        return b"A" + told

    def _receipt(
        self,
        carrier_key: bytes,
        parked_key: bytes,
        head: bytes,
        tail: bytes,
        now: bytes,
        ttl: bytes,
        more: bytes,
        recipient: bytes,
    ) -> bytes:
        """Applied (A), no news (D), message gone (G), or parked (P) for an unknown id.

        One receipt is parked for an id, the one that outranks the others, with ``more``
        at the end of its tail; none (U) when ``parked_key`` is b"". Also U when the
        message has not this ``recipient`` (b"": any).
        """
        found = self._store.carrier_ids.get(carrier_key)
        if isinstance(found, Known):
            record = self._store.records.get(found.message_id)
            if record is None:
                return b"G"
            if recipient not in record[25:]:
                return b"U"
            return self._change(found.message_id, head, found.segment, tail)
        if not parked_key:
            return b"U"
        head = bytes((head[0] + len(more),)) + head[1:]
        parked = Parked(head, tail + more, int(ttl))
        if found is None or outranks(parked.state, found.state):
            self._store.carrier_ids[carrier_key] = parked
            self._store.parked.setdefault(parked_key, {})[carrier_key] = int(now)
        return b"P"

    def _finish(
        self, claims: bytes, message_id: bytes, head: bytes, tail: bytes
    ) -> bytes:
        """End a message that is held, in all its segments: A, else no change (D)."""
        held = self._store.claims_of(claims)
        if message_id not in held:
            return b"D"
        held.discard(message_id)
        if message_id not in self._store.records:
            return b"D"
        return self._change(message_id, head, EVERY_SEGMENT, tail)

    def _cancel(self, message_id: bytes, head: bytes, tail: bytes) -> bytes:
        """End what still waits: A; it may have left, or is over (D); gone (G)."""
        record = self._store.records.get(message_id)
        if record is None:
            return b"G"
        if head + bytes((EVERY_SEGMENT,)) + tail in _events(record):
            return b"A"  # a repeat
        if not self._still_waits(message_id):
            return b"D"
        return self._change(message_id, head, EVERY_SEGMENT, tail)

    def _replace(
        self, message_id: bytes, old: bytes, new: bytes, delayed: bytes, due: bytes
    ) -> bytes:
        """Change what still waits, if it is ``old``: A, else D; it is gone: G."""
        record = self._store.records.get(message_id)
        if record is None:
            return b"G"
        if record.startswith(new) and new != old:
            return b"A"  # a repeat
        if record != old or not self._still_waits(message_id):
            return b"D"
        self._store.records[message_id] = new
        waiting = self._store.delayed.get(delayed.removeprefix(b"d:"), {})
        if delayed and message_id in waiting:
            waiting[message_id] = int(due)
        return b"A"

    def _still_waits(self, message_id: bytes) -> bool:
        """No carrier has any of it, it is in no doubt, and nobody holds it for one."""
        record = records.decode(self._store.records[message_id])
        held = any(
            claims.startswith(b"c:q:") and message_id in self._store.claims_of(claims)
            for claims in self._store.claims_in_use
        )
        left = any(state >= State.SENT for state in record.segment_states())
        return not (held or left or record.is_uncertain)

    def _alias(self, key: bytes, message_id: bytes, _ttl: bytes) -> int:
        """Another name of a message: 1, always."""
        self._store.aliases[key] = message_id
        return 1

    def _change(
        self, message_id: bytes, head: bytes, segment: int, tail: bytes
    ) -> bytes:
        """Apply a state event: A and the account that is told of it, or D."""
        before = records.decode(self._store.records[message_id])
        record = self._store.records[message_id] + head + bytes((segment,)) + tail
        after = records.decode(record)
        if after.segment_states() == before.segment_states():
            return self._note(before, message_id, head, segment, tail)
        self._store.records[message_id] = record
        if after.state is before.state:
            return b"A"
        return b"A" + self._notify(after, message_id, head)

    def _note(
        self, record: Record, message_id: bytes, head: bytes, segment: int, tail: bytes
    ) -> bytes:
        """Keep that a segment is on its way, once: A and who is told; else D."""
        if State(head[1]) is not State.SENT or segment >= len(record.bodies):
            return b"D"
        said = [
            each.tail
            for each in record.events
            if (each.kind, each.segment) == (records.ON_ITS_WAY, segment)
        ]
        if (
            record.segment_states()[segment].is_final
            or tail in said
            or len(said) >= records.MOST_NOTES
        ):
            return b"D"
        head = bytes((head[0], records.ON_ITS_WAY)) + head[2:]
        self._store.records[message_id] += head + bytes((segment,)) + tail
        told = b""
        if record.flags & FLAG_DELIVER_SM and record.registered_delivery & _ON_ITS_WAY:
            account = record.account.encode()
            told = self._push_event(b"o:", account, message_id, State.SENT, head)
        return b"A" + told

    def _notify(self, record: Record, message_id: bytes, head: bytes) -> bytes:
        """Put the message's new state into the outboxes that want it; tells whose."""
        account = record.account.encode()
        wanted = record.registered_delivery & 3
        told = b""
        if (
            record.flags & FLAG_DELIVER_SM
            and record.state.is_final
            and (
                wanted == _EVERY_END
                or (wanted == _FAILURES and record.state is not State.DELIVERED)
            )
        ):
            told = self._push_event(b"o:", account, message_id, record.state, head)
        if record.flags & FLAG_WEBHOOK:
            told = self._push_event(b"w:", account, message_id, record.state, head)
        return told

    def _push_event(
        self,
        outbox: bytes,
        account: bytes,
        message_id: bytes,
        state: State,
        head: bytes,
    ) -> bytes:
        """Add an entry (records.OutboxEntry) to an account's outbox; tells whose."""
        if account:
            entry = message_id + bytes((state,)) + head[2:_EVENT_HEAD] + b"\0"
            self._store.list_of(outbox + account).append(entry)
        return account

    def _append_once(self, message_id: bytes, event: bytes) -> bool:
        """Append an event to a message that is there and does not have it yet."""
        record = self._store.records.get(message_id)
        if not event or record is None or event in _events(record):
            return False
        self._store.records[message_id] = record + event
        return True

    # -- messages from phones --------------------------------------------------------

    def _inbound(
        self, seen: bytes, _ttl: bytes, message_id: bytes, record: bytes, queue: bytes
    ) -> bytes:
        """Keep one: A (a repeat of ourselves, too), or D: it came before."""
        first = self._store.seen.get(seen)
        if first is not None:
            return b"A" if first == message_id else b"D"
        self._store.seen[seen] = message_id
        self._keep_inbound(message_id, record, queue)
        return b"A"

    def _keep_inbound(self, message_id: bytes, record: bytes, queue: bytes) -> None:
        if message_id not in self._store.records:
            self._store.records[message_id] = record
            self._store.list_of(queue).append(message_id)

    def _part(  # noqa: PLR0913, PLR0917 - the operation's arguments
        self,
        seen: bytes,
        _ttl: bytes,
        message_id: bytes,
        join: bytes,
        number: bytes,
        total: bytes,
        part: bytes,
        head: bytes,
        _joins: bytes,
        due: bytes,
        queue: bytes,
    ) -> bytes:
        """Keep a part, and with the last one the message: A, or D: it came before."""
        first = self._store.seen.get(seen)
        if first is not None:
            return b"A" if first == message_id else b"D"
        self._store.seen[seen] = message_id
        there = self._store.joins.get(join, {}).get(number)
        if there is not None and there[:16] == part[:16]:
            return b"D"
        if there is not None:  # the reference was used again
            self._give_out(join, queue)
            del self._store.joins[join], self._store.joins_due[join]
        fields = self._store.joins.setdefault(join, {})
        if not fields:
            fields |= {b"i": message_id, b"n": total, b"h": head}
            self._store.joins_due[join] = int(due)
        fields[number] = part
        if len(fields) == int(total) + 3:
            self._give_out(join, queue)
            del fields[b"h"]
            for each in range(1, int(total) + 1):
                fields[b"%d" % each] = fields[b"%d" % each][:16]
        return b"A"

    def _give_out(self, join: bytes, queue: bytes) -> int:
        """Make a message of the parts that are there; 0 when that was done before."""
        fields = self._store.joins[join]
        if b"h" not in fields:
            return 0
        numbers = [b"%d" % each for each in range(1, int(fields[b"n"]) + 1)]
        bodies = [fields[each][16:] for each in numbers if each in fields]
        record = records.inbound_record(fields[b"h"], bodies)
        self._keep_inbound(fields[b"i"], record, queue)
        return 1

    def _give_out_gaps(
        self, _joins: bytes, now: bytes, want: bytes, queue: bytes
    ) -> list[int]:
        """Parts that waited long enough go as they are: how many were, and had gaps."""
        due = sorted(
            (at, join) for join, at in self._store.joins_due.items() if at <= int(now)
        )[: max(0, min(int(want), MOST))]
        gaps = 0
        for _, join in due:
            gaps += self._give_out(join, queue)
            del self._store.joins[join], self._store.joins_due[join]
        return [len(due), gaps]

    def _assign(  # noqa: PLR0913, PLR0917 - the operation's arguments
        self,
        claims: bytes,
        message_id: bytes,
        event: bytes,
        account: bytes,
        index: bytes,
        to: bytes,
        opted_out: bytes,
        field: bytes,
        since: bytes,
        replies: bytes,
        digest: bytes,
        most: bytes,
        _ttl: bytes,
    ) -> bytes:
        """It gets its account: A, AR if a reply may go out; D: it had one; G: gone."""
        self._store.claims_of(claims).discard(message_id)
        record = self._store.records.get(message_id)
        if record is None:
            return b"G"
        if _events(record):
            return b"D"
        self._store.records[message_id] = record + event
        self._store.list_of(index).append(message_id)
        inbox = self._store.inboxes.setdefault(keys.inbox(account.decode()), set())
        inbox.add(record[8:16] + message_id)
        entry = message_id + b"\0" + event[2:8] + b"\0"
        for outbox, bit in ((b"o:", 1), (b"w:", 2)):
            if int(to) & bit:
                self._store.list_of(outbox + account).append(entry)
        may_reply = bool(replies)
        if opted_out:
            listed = self._store.opted_out.setdefault(opted_out, {})
            may_reply &= (field in listed) is (since == b"")
            if since:
                listed.setdefault(field, since)
            else:
                listed.pop(field, None)
        given = self._store.replies.get(replies, {b"n": b"0"})
        if not may_reply or given.get(b"d") == digest or int(given[b"n"]) >= int(most):
            return b"A"
        count = b"%d" % (int(given[b"n"]) + 1)
        self._store.replies[replies] = {b"d": digest, b"n": count}
        return b"AR"

    # -- retention -------------------------------------------------------------------

    def _register_index(self, index: bytes) -> int:
        """Let the sweep find an index: 1, always."""
        self._store.indexes.add(index)
        return 1

    def _sweep(self, index: bytes, want: bytes, later: bytes) -> int:
        """Remove the oldest messages of an index; tells how many ids there were.

        One that is not at its end yet stays, under the index ``later``.
        """
        ids = self._store.list_of(index)
        oldest = ids[: max(0, min(int(want), MOST))]
        del ids[: len(oldest)]
        for message_id in oldest:
            record = self._store.records.get(message_id)
            if record is not None and records.is_inbound(record):
                account, _ = keys.parse_index(index)
                inbox = self._store.inboxes.get(keys.inbox(account), set())
                inbox.discard(record[8:16] + message_id)
                del self._store.records[message_id]
            elif record is not None and not records.decode(record).state.is_final:
                self._store.list_of(later).append(message_id)
                self._store.indexes.add(later)
            else:
                self._store.records.pop(message_id, None)
        if index in self._store.looked:
            looked = self._store.looked[index] - len(oldest)
            self._store.looked[index] = max(0, looked)
        if not oldest:
            self._store.indexes.discard(index)
            self._store.looked.pop(index, None)
        return len(oldest)

    def _drop_parked(self, parked_key: bytes, before: bytes) -> int:
        """Drop the oldest receipts parked before a time; tells how many."""
        waiting = self._store.parked.setdefault(parked_key, {})
        old = sorted((at, key) for key, at in waiting.items() if at < int(before))
        dropped = [key for _, key in old[:MOST_DROPPED]]
        for key in dropped:
            del waiting[key]
            if isinstance(self._store.carrier_ids.get(key), Parked):
                del self._store.carrier_ids[key]
        self._count_dropped(parked_key, len(dropped))
        return len(dropped)

    def _count_dropped(self, key: bytes, count: int) -> None:
        if count:
            self._store.dropped[key] = self._store.dropped.get(key, 0) + count

    # -- receipts that are parked, and those that never come ---------------------------

    def _hand_over(
        self,
        carrier_key: bytes,
        parked_key: bytes,
        message_id: bytes,
        segment: bytes,
        ttl: bytes,
    ) -> bytes:
        """Apply a parked receipt to a message, or (``message_id`` b"") drop it.

        A, D (nothing new, or done before), G (the message is gone: the receipt stays),
        U (no receipt is parked there).
        """
        found = self._store.carrier_ids.get(carrier_key)
        known = None
        if message_id:
            known = Known(message_id, segment[0], int(ttl))
        if not isinstance(found, Parked):
            return b"D" if found is not None and found == known else b"U"
        if known is not None and message_id not in self._store.records:
            return b"G"
        self._store.parked.setdefault(parked_key, {}).pop(carrier_key, None)
        if known is None:
            del self._store.carrier_ids[carrier_key]
            self._count_dropped(parked_key, 1)
            return b"A"
        self._store.carrier_ids[carrier_key] = known
        return self._change(message_id, found.head, known.segment, found.tail)

    def _look(self, index: bytes, start: bytes, want: bytes, before: bytes) -> int:
        """Note the open ends of an index; tells where it ended. See the interface."""
        looked = self._store.looked.get(index, 0)
        if looked != int(start):
            return looked
        ids = self._store.lists.get(index, [])[looked:]
        for message_id in ids[: max(0, min(int(want), MOST))]:
            data = self._store.records.get(message_id)
            if data is not None:
                record = records.decode(data)
                if record.accepted_ms > int(before):
                    break
                if not records.is_inbound(data) and not record.state.is_final:
                    self._store.open[message_id] = record.deadline_ms
            looked += 1
            self._store.looked[index] = looked
        return looked

    def _end(
        self, before: bytes, want: bytes, time: bytes, again: bytes, overdue: bytes
    ) -> list[int | bytes]:
        """End what no receipt came for: how many were looked at, and who is told."""
        waiting = self._store.open
        due = sorted((at, each) for each, at in waiting.items() if at <= int(before))
        ids = [each for _, each in due[: max(0, min(int(want), MOST))]]
        told: list[bytes] = []
        for message_id in ids:
            data = self._store.records.get(message_id)
            record = None if data is None else records.decode(data)
            if record is None or record.state.is_final:
                del waiting[message_id]
                continue
            is_waiting = record.state < State.SENT
            if is_waiting and record.deadline_ms > int(overdue):
                waiting[message_id] = int(again)
                continue
            del waiting[message_id]
            upstream, on_its_way = _last_heard(record)
            state, word = State.UNKNOWN_FOR_GOOD, b"UNKNOWN"
            if is_waiting or on_its_way:
                state, word = State.EXPIRED, b"EXPIRED"
            tail = upstream + b"\0" + word + b"\x00000"
            head = bytes((8 + len(tail), state)) + time
            account = self._change(message_id, head, EVERY_SEGMENT, tail)[1:]
            if account and account not in told:
                told.append(account)
        return [len(ids), *told]

    def _bound(
        self,
        key: bytes,
        entry: bytes,
        before: bytes,
        most: bytes,
        want: bytes,
        delayed: bytes,
    ) -> int:
        """Keep a list within its bounds; tells how many entries were dropped."""
        entries = self._store.list_of(key)
        if entry and entry not in entries[-100:]:
            entries.append(entry)
        limit = int(before) if before else 0

        def is_old(event: bytes) -> bool:
            time_ms = int.from_bytes(event[17:23], "big")
            return len(event) == records.ENTRY_SIZE and time_ms < limit

        at_once = max(0, min(int(want), MOST))
        excess = len(entries) - int(most)
        count = 0
        while count < min(at_once, len(entries)) and (
            count < excess or is_old(entries[count])
        ):
            count += 1
        del entries[:count]
        if delayed == b"1":
            waits = self._store.delayed_of(key)
            first = sorted((at, each) for each, at in waits.items())[:at_once]
            for _, each in first:
                if is_old(each):
                    del waits[each]
                    count += 1
        self._count_dropped(key, count)
        return count


def _last_heard(record: Record) -> tuple[bytes, bool]:
    """Who has a message, and whether the last word of it is that it is on its way."""
    upstream, on_its_way = b"", False
    for event in record.events:
        if event.kind == State.SENT:
            upstream = event.tail.partition(b"\0")[0]
        elif event.kind in {records.ON_ITS_WAY, State.UNKNOWN}:
            on_its_way = event.kind == records.ON_ITS_WAY
    return upstream, on_its_way


def _events(record: bytes) -> bytes:
    """All events of a record, as they stand in it."""
    return record[int.from_bytes(record[4:8], "big") :]


def _parked_key(carrier_key: bytes) -> bytes:
    """Under which key the receipt of a carrier's id is parked."""
    upstream = carrier_key.split(b":", 2)[1]
    return keys.parked(upstream.decode())

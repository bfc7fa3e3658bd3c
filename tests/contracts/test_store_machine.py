"""The store in memory and a real server, side by side through the same random batches.

After each batch the verdicts are equal, and all that can be seen in the two stores.
"""

from collections.abc import Sequence
from typing import Any, Final, Protocol, TypeVar

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from twisted.internet.defer import Deferred

from luckgw.domain.states import State
from luckgw.store import keys, records
from luckgw.store.journal import Args, Backend, Fenced
from luckgw.store.memory import Known, MemoryBackend, MemoryStore
from luckgw.testing.store_contract import FINALS, NOON_MS, REPORTED, now
from tests.contracts.blocking_valkey import BlockingConnection, ValkeyUnderTest
from tests.valkey_server import Valkey

_T = TypeVar("_T")
Seen = dict[bytes, Any]
"""Key -> value; lists as lists, sets as sets, sorted sets and hashes as dicts."""


class Draw(Protocol):
    """Draws a value from a strategy."""

    def __call__(self, strategy: st.SearchStrategy[_T]) -> _T:
        """One value."""
        ...


NODES: Final = ("gw1", "gw2")
UPSTREAMS: Final = ("mtn", "voda")
ACCOUNTS: Final = (b"acme", b"b")
IDS: Final = [bytes([each]) * 16 for each in range(1, 5)]
INDEXES: Final = [keys.index(each.decode(), "20270115") for each in ACCOUNTS]
CARRIER_IDS: Final = [b"c%d" % each for each in range(3)]
QUEUES: Final = [
    *(keys.upstream_queue(each) for each in UPSTREAMS),
    *(keys.deliver_sm_outbox(each.decode()) for each in ACCOUNTS),
    *(keys.webhook_outbox(each.decode()) for each in ACCOUNTS),
    keys.INBOUND,
]
MO_IDS: Final = [bytes([each]) * 16 for each in range(0x61, 0x66)]
PHONES: Final = [b"1>%d" % each for each in range(2)]
some_id: Final = st.sampled_from(IDS)
some_upstream: Final = st.sampled_from([UPSTREAMS[0]] * 5 + [UPSTREAMS[1]])
some_queue: Final = st.sampled_from(QUEUES)

DUMP: Final = b"""
local call, seen = redis.call, {}
for _, key in ipairs(call('KEYS', '*')) do
  local kind = call('TYPE', key).ok
  local value
  if kind == 'string' then value = call('GET', key)
  elseif kind == 'list' then value = call('LRANGE', key, 0, -1)
  elseif kind == 'set' then value = call('SMEMBERS', key)
  elseif kind == 'zset' then value = call('ZRANGE', key, 0, -1, 'WITHSCORES')
  else value = call('HGETALL', key) end
  seen[#seen + 1] = { key, kind, value }
end
return seen
"""


def seen_in_valkey(store: ValkeyUnderTest) -> Seen:
    """Every key of the server."""
    seen: Seen = {}
    for key, kind, value in store.command("EVAL", DUMP, 0):
        if kind == b"set":
            seen[key] = set(value)
        elif kind == b"zset" or key in {keys.NODES, keys.LOOKED, keys.DROPPED}:
            seen[key] = dict(zip(value[::2], map(int, value[1::2]), strict=True))
        elif kind == b"hash":
            seen[key] = dict(zip(value[::2], value[1::2], strict=True))
        else:
            seen[key] = value
    return seen


def seen_in_memory(store: MemoryStore) -> Seen:
    """The same of the store in memory, under a server's keys."""
    seen: Seen = {
        keys.NODES: store.epochs,
        keys.CLAIMS: store.claims_in_use,
        keys.INDEXES: store.indexes,
        keys.LOOKED: store.looked,
        keys.OPEN: store.open,
        keys.DROPPED: store.dropped,
    }
    seen |= {keys.message(each): record for each, record in store.records.items()}
    seen |= {keys.delayed(queue): waits for queue, waits in store.delayed.items()}
    seen |= store.lists | store.claims | store.parked | store.aliases
    seen |= store.seen | store.joins | store.opted_out | store.replies
    seen[keys.JOINS] = store.joins_due
    seen |= {key: dict.fromkeys(inbox, 0) for key, inbox in store.inboxes.items()}
    for key, value in store.carrier_ids.items():
        if isinstance(value, Known):
            seen[key] = b"I" + value.message_id + bytes((value.segment,))
        else:
            seen[key] = b"P" + value.head + value.tail
    return {key: value for key, value in seen.items() if value}


def outcome(deferred: "Deferred[list[object]]") -> object:
    """The verdicts of a batch, or that it was fenced off."""
    try:
        return now(deferred)
    except Fenced:
        return Fenced


def is_safe_to_repeat(batch: Sequence[Args], before: MemoryStore) -> bool:
    """Whether the journal relies on it that this batch, as a whole, can be repeated.

    It does not repeat claims. A sweep that is repeated takes the next ones, by intent,
    and so do an end and a bound.
    Nothing is said of a message before it is accepted, and none is revoked in the batch
    that accepts it. And when a carrier gives an id again in the very batch in which the
    id's receipts come, a repeat can not tell to whom they belong. A receipt that is not
    to be parked may find its message at the repeat. A message that was refused for an
    opt-out that is taken back in the same batch is kept at the repeat.
    """
    kinds = {args[0] for args in batch}
    fresh = {args[1] for args in batch if args[0] == b"A"} - set(before.records)
    others = (args for args in batch if args[0] != b"A")
    named = {args[2] if args[0] == b"N" else args[1] for args in others}
    asked = {args[1] for args in batch if args[0] in {b"X", b"U"}}
    opted_in = any(args[0] == b"K" and args[7] for args in batch)
    unsafe = [
        kinds & {b"C", b"W", b"G", b"E", b"B"},
        any(args[0] == b"R" and not args[2] for args in batch),
        opted_in and any(args[0] == b"A" and args[6] for args in batch),
        # What is held can be cancelled at the repeat, when it is given back in between.
        asked and kinds & {b"S", b"T", b"Y", b"N"},
        fresh & named,
    ]
    if any(unsafe):
        return False
    owners: dict[bytes, set[bytes]] = {}
    for key, value in before.carrier_ids.items():
        if isinstance(value, Known):
            owners[key] = {value.message_id + bytes((value.segment,))}
    for args in batch:
        if args[0] == b"N":
            owners.setdefault(args[4], set()).add(args[2] + args[3])
    return all(len(owners.get(args[1], ())) <= 1 for args in batch if args[0] == b"R")


class StoreMachine(RuleBasedStateMachine):
    """Two nodes, two upstreams, few ids: so that everything meets everything."""

    server: ValkeyUnderTest

    def __init__(self) -> None:
        super().__init__()
        self.server.command("FLUSHALL")
        self.memory = MemoryStore()
        self.epochs: dict[str, int] = {}
        self.backends: dict[str, tuple[Backend, Backend]] = {}
        self.dead_claims: list[tuple[bytes, bytes]] = []
        self.now_ms = NOON_MS
        self.last: tuple[str, list[Args]] | None = None

    @initialize()
    def all_join(self) -> None:
        """Every node has its first epoch."""
        for node in NODES:
            self.start(node)

    @rule(node=st.sampled_from(NODES))
    def join(self, node: str) -> None:
        """A node starts anew: its last epoch is fenced off, and can be taken over."""
        epoch, backends = self.epochs[node], self.backends[node]
        self.dead_claims += [(each, keys.claims(each, node, epoch)) for each in QUEUES]
        self.start(node)
        self.run_on(backends, [(b"I", INDEXES[0])])
        self.last = None

    def start(self, node: str) -> None:
        """Begin a new epoch on both."""
        epoch = self.memory.join(node)
        number, server = self.server.join(node)
        assert number == epoch
        self.epochs[node] = epoch
        self.backends[node] = (MemoryBackend(self.memory, node, epoch), server)

    @rule(ms=st.integers(1, 5000))
    def time_passes(self, ms: int) -> None:
        """What is delayed becomes due."""
        self.now_ms += ms

    @rule(node=st.sampled_from(NODES), size=st.integers(1, 30), data=st.data())
    def a_batch(self, node: str, size: int, data: st.DataObject) -> None:
        """Any operations, in any order, as one batch."""
        batch = [self.operation(node, data.draw) for _ in range(size)]
        self.last = (node, batch) if is_safe_to_repeat(batch, self.memory) else None
        self.run_on(self.backends[node], batch)

    @rule(node=st.sampled_from(NODES), data=st.data())
    def a_life(self, node: str, data: st.DataObject) -> None:
        """One message whose operations come in any order, in two batches."""
        draw = data.draw
        message_id = draw(some_id)
        carrier_ids = draw(st.permutations(CARRIER_IDS))[:2]
        operations = [
            (b"A", message_id, *self.accept(node, draw)[1:]),
            (b"C", QUEUES[0], self.claims(node, QUEUES[0]), b"5", b"%d" % self.now_ms),
        ]
        for segment, carrier_id in enumerate(carrier_ids):
            self.now_ms += 1
            args = self.sent_by(node, UPSTREAMS[0], carrier_id)
            operations.append((b"N", args[0], message_id, bytes((segment,)), *args[1:]))
            for state in draw(st.lists(st.sampled_from(REPORTED), max_size=3)):
                args = self.receipt_of(UPSTREAMS[0], carrier_id, state, b"")
                operations.append((b"R", *args))
        operations = draw(st.permutations(operations))
        cut = draw(st.integers(0, len(operations)))
        self.run_on(self.backends[node], operations[:cut])
        self.run_on(self.backends[node], operations[cut:])
        self.last = None

    @precondition(lambda self: self.last is not None)
    @rule()
    def the_batch_again(self) -> None:
        """A batch whose answer was lost is repeated: nothing more changes."""
        assert self.last is not None
        node, batch = self.last
        before = seen_in_valkey(self.server)
        self.run_on(self.backends[node], batch)
        assert seen_in_valkey(self.server) == before

    @invariant()
    def both_look_the_same(self) -> None:
        """Records, queues, claims, outboxes, ids, parked receipts: octet for octet."""
        assert seen_in_valkey(self.server) == seen_in_memory(self.memory)

    @staticmethod
    def run_on(backends: tuple[Backend, Backend], batch: list[Args]) -> None:
        """One batch on both: the verdicts are the same."""
        memory, server = (outcome(each.run(batch)) for each in backends)
        assert server == memory

    # -- operations, as the journal writes them --------------------------------------

    def operation(self, node: str, draw: Draw) -> Args:
        """Any operation of a node."""
        make = {
            b"A": self.accept,
            b"N": self.sent,
            b"R": self.receipt,
            b"C": self.claim,
            b"S": self.settle,
            b"T": self.retry,
            b"F": self.finish,
            b"Y": self.take_over,
            b"X": self.cancel,
            b"U": self.replace,
            b"Z": self.alias,
            b"V": self.revoke,
            b"I": self.register_index,
            b"W": self.sweep,
            b"O": self.drop_parked,
            b"M": self.inbound,
            b"J": self.part,
            b"G": self.give_out_gaps,
            b"K": self.assign,
            b"H": self.hand_over,
            b"L": self.look,
            b"E": self.end,
            b"B": self.bound,
        }
        # Those that a message meets more often come more often.
        names = b"AAACCCNNNNNRRRRRRRRSTTFYXXUUZVIWOMMJJJJKKKGHHLLEEB"
        name = draw(st.sampled_from([b"%c" % each for each in names]))
        return (name, *make[name](node, draw))

    def accept(self, _node: str, draw: Draw) -> Args:
        """A message of one or two segments, ready or delayed."""
        account = draw(st.sampled_from(ACCOUNTS))
        record = records.encode(
            flags=draw(st.integers(0, 7)),
            registered_delivery=draw(st.integers(0, 3)),
            accepted_ms=self.now_ms,
            deadline_ms=self.now_ms + 1000,
            account=account,
            route=b"r",
            bodies=draw(st.lists(st.binary(max_size=20), min_size=1, max_size=2)),
        )
        upstream = draw(some_upstream).encode()
        index = INDEXES[ACCOUNTS.index(account)]
        listed = (
            keys.opted_out(account.decode()) + b"\0" + draw(st.sampled_from(PHONES))
        )
        out = draw(st.sampled_from([b"", listed]))
        return draw(some_id), record, upstream, index, self.due(draw), out

    def inbound(self, _node: str, draw: Draw) -> Args:
        """A message from a phone, new, or come again."""
        first = self.seen(draw)
        head = records.inbound_head(b"mtn", self.now_ms)
        record = records.inbound_record(head, [draw(st.binary(max_size=9))])
        return *first, record, keys.INBOUND

    def part(self, _node: str, draw: Draw) -> Args:
        """A part of one of two or three parts."""
        total = draw(st.integers(2, 3))
        number = draw(st.integers(1, total))
        content = draw(st.binary(max_size=3))
        return (
            *self.seen(draw),
            keys.join(b"t%d" % total),
            b"%d" % number,
            b"%d" % total,
            draw(st.sampled_from([b"d" * 16, b"e" * 16])) + content,
            records.inbound_head(b"mtn", self.now_ms),
            keys.JOINS,
            b"%d" % (self.now_ms + draw(st.integers(0, 2000))),
            keys.INBOUND,
        )

    @staticmethod
    def seen(draw: Draw) -> Args:
        """What tells a repeat: the key, its ttl and the id."""
        message_id = draw(st.sampled_from(MO_IDS))
        digest = draw(st.sampled_from([message_id, *(b"x%d" % n for n in range(9))]))
        return keys.seen(digest), b"1000", message_id

    def give_out_gaps(self, _node: str, draw: Draw) -> Args:
        """Some of the parts that have waited long enough."""
        want = b"%d" % draw(st.integers(0, 2))
        return keys.JOINS, b"%d" % self.now_ms, want, keys.INBOUND

    def assign(self, node: str, draw: Draw) -> Args:
        """A message from a phone gets its account, whether it is held or not."""
        account = draw(st.sampled_from(ACCOUNTS))
        phone = draw(st.sampled_from(PHONES))
        replies = keys.replies(account.decode(), phone)
        return (
            self.claims(node, keys.INBOUND),
            draw(st.sampled_from(MO_IDS)),
            self.event(records.ASSIGNED),
            account,
            INDEXES[ACCOUNTS.index(account)],
            draw(st.sampled_from([b"0", b"1", b"2", b"3"])),
            draw(st.sampled_from([b"", keys.opted_out(account.decode())])),
            phone,
            draw(st.sampled_from([b"", b"%d" % self.now_ms])),
            draw(st.sampled_from([b"", replies])),
            draw(st.sampled_from([b"a", b"b"])),
            b"3",
            b"1000",
        )

    def revoke(self, _node: str, draw: Draw) -> Args:
        """Some message, known or not."""
        return (draw(some_id),)

    def claim(self, node: str, draw: Draw) -> Args:
        """A few entries of some queue."""
        queue = draw(some_queue)
        want = b"%d" % draw(st.integers(0, 5))
        return queue, self.claims(node, queue), want, b"%d" % self.now_ms

    def settle(self, node: str, draw: Draw) -> Args:
        """An entry, held or not."""
        queue = draw(some_queue)
        return self.claims(node, queue), self.entry(node, queue, draw)

    def retry(self, node: str, draw: Draw) -> Args:
        """An entry, held or not, the same or as the next attempt."""
        queue = draw(some_queue)
        entry = again = self.entry(node, queue, draw)
        event = draw(st.sampled_from([b"", self.event(records.REQUEUED)]))
        if len(entry) == records.ENTRY_SIZE:
            again = records.OutboxEntry.from_bytes(entry).again()
        return queue, self.claims(node, queue), entry, again, self.due(draw), event

    def take_over(self, _node: str, draw: Draw) -> Args:
        """What a dead epoch held of a queue, if there is a dead one."""
        nobodys = (QUEUES[0], keys.claims(QUEUES[0], "gw0", 1))
        queue, claims = draw(st.sampled_from([nobodys, *self.dead_claims]))
        event = draw(st.sampled_from([b"", self.event(records.UNCERTAIN)]))
        return queue, claims, self.due(draw), event

    def sent(self, node: str, draw: Draw) -> Args:
        """A carrier's answer: its id may be new, known, waited for, or none."""
        upstream = draw(some_upstream)
        claims, *rest = self.sent_by(
            node, upstream, draw(st.sampled_from([b"", *CARRIER_IDS]))
        )
        entry = self.entry(node, keys.upstream_queue(upstream), draw)
        segment = bytes((draw(st.integers(0, 1)),))
        last = draw(st.sampled_from([b"0", b"1"]))
        webhook = draw(st.sampled_from([b"", *ACCOUNTS]))
        return claims, entry, segment, *rest[:-2], last, webhook

    def sent_by(self, node: str, upstream: str, carrier_id: bytes) -> Args:
        """A carrier's answer to the last segment, without its message and segment."""
        raw = upstream.encode() + b"\0" + carrier_id
        head, tail = records.event_parts(State.SENT, self.now_ms, raw)
        claims = self.claims(node, keys.upstream_queue(upstream))
        key = keys.carrier_id(upstream, carrier_id) if carrier_id else b""
        return claims, key, head, tail, b"1000", b"1", ACCOUNTS[0]

    def receipt(self, _node: str, draw: Draw) -> Args:
        """A carrier's receipt, whose id may be known or not; then it may be parked."""
        key, parked, *rest = self.receipt_of(
            draw(some_upstream),
            draw(st.sampled_from(CARRIER_IDS)),
            draw(st.sampled_from(REPORTED)),
            draw(st.binary(max_size=5)),
        )
        *rest, more, _ = rest
        parked = draw(st.sampled_from([parked, b""]))
        recipient = draw(st.sampled_from([b"", b"", b"", b"x"]))
        return key, parked, *rest, more, recipient

    def receipt_of(
        self, upstream: str, carrier_id: bytes, state: State, tail: bytes
    ) -> Args:
        """A carrier's receipt, now."""
        head, tail = records.event_parts(state, self.now_ms, tail)
        key = keys.carrier_id(upstream, carrier_id)
        now_ms = b"%d" % self.now_ms
        return key, keys.parked(upstream), head, tail, now_ms, b"2000", b"\0from", b""

    def finish(self, node: str, draw: Draw) -> Args:
        """An end that the gateway makes of a message, held or not."""
        queue = keys.upstream_queue(draw(some_upstream))
        state = draw(st.sampled_from([State.UNKNOWN, *FINALS]))
        head, tail = records.event_parts(state, self.now_ms, b"why")
        return self.claims(node, queue), self.entry(node, queue, draw), head, tail

    def cancel(self, _node: str, draw: Draw) -> Args:
        """A customer does not want a message any more, in whatever state it is."""
        head, tail = records.event_parts(State.CANCELED, self.now_ms, b"")
        return draw(some_id), head, tail

    def replace(self, _node: str, draw: Draw) -> Args:
        """A customer wants another message in its place, perhaps at another time."""
        message_id = draw(some_id)
        old = self.memory.records.get(message_id, b"none")
        new = old
        if message_id in self.memory.records:
            new = records.replaced(
                old, deadline_ms=self.now_ms + draw(st.integers(1, 3))
            )
            old = draw(st.sampled_from([old, old, old, old[:-1]]))
        delayed = keys.delayed(keys.upstream_queue(draw(some_upstream)))
        due = draw(st.sampled_from([b"", delayed]))
        return message_id, old, new, due, b"%d" % (self.now_ms + 500)

    def alias(self, _node: str, draw: Draw) -> Args:
        """A shorter name of some message."""
        name = draw(st.sampled_from([b"0000000a", b"0000000b"]))
        return (
            keys.alias(draw(st.sampled_from(["acme", "b"])), name),
            draw(some_id),
            b"9",
        )

    def register_index(self, _node: str, draw: Draw) -> Args:
        """Some account's day."""
        return (draw(st.sampled_from(INDEXES)),)

    def sweep(self, _node: str, draw: Draw) -> Args:
        """The oldest of some account's day."""
        want = b"%d" % draw(st.integers(0, 2))
        return draw(st.sampled_from(INDEXES)), want, draw(st.sampled_from(INDEXES))

    def drop_parked(self, _node: str, draw: Draw) -> Args:
        """The receipts of an upstream that were parked too long ago."""
        before_ms = self.now_ms - draw(st.integers(0, 3))
        return keys.parked(draw(some_upstream)), b"%d" % before_ms

    def hand_over(self, _node: str, draw: Draw) -> Args:
        """A parked receipt, if one is there, for some message or for none."""
        upstream = draw(some_upstream)
        key = keys.carrier_id(upstream, draw(st.sampled_from(CARRIER_IDS)))
        if draw(st.booleans()):
            return key, keys.parked(upstream), b"", b"", b"1000"
        segment = bytes((draw(st.integers(0, 1)),))
        return key, keys.parked(upstream), draw(some_id), segment, b"1000"

    def look(self, _node: str, draw: Draw) -> Args:
        """Some account's day, from where the last look ended or from elsewhere."""
        index = draw(st.sampled_from(INDEXES))
        start = self.memory.looked.get(index, 0) + draw(st.sampled_from([0, 0, 0, 1]))
        want, before_ms = draw(st.integers(0, 3)), self.now_ms - draw(st.integers(0, 3))
        return index, b"%d" % start, b"%d" % want, b"%d" % before_ms

    def end(self, _node: str, draw: Draw) -> Args:
        """A few whose validity was over some time ago, or will be."""
        before_ms = self.now_ms + draw(st.integers(-10, 2000))
        again_ms, overdue_ms = before_ms + 5, before_ms - draw(st.integers(0, 1000))
        return (
            b"%d" % before_ms,
            b"%d" % draw(st.integers(0, 3)),
            self.now_ms.to_bytes(6, "big"),
            b"%d" % again_ms,
            b"%d" % overdue_ms,
        )

    def bound(self, _node: str, draw: Draw) -> Args:
        """An outbox that is too long or too old, or a list that gets one more."""
        key = draw(st.sampled_from([*QUEUES[2:], keys.quarantine("mtn")]))
        entry, before = b"", b""
        if key[:1] == b"z":
            entry = draw(st.binary(min_size=1, max_size=3))
        else:
            before = b"%d" % (self.now_ms - draw(st.integers(0, 10)))
        most, want = draw(st.integers(0, 3)), draw(st.integers(0, 3))
        ages = draw(st.sampled_from([b"0", b"1"]))
        return key, entry, before, b"%d" % most, b"%d" % want, ages

    def claims(self, node: str, queue: bytes) -> bytes:
        """What a node's present epoch holds of a queue."""
        return keys.claims(queue, node, self.epochs[node])

    def entry(self, node: str, queue: bytes, draw: Draw) -> bytes:
        """An entry that the node holds, if it holds any; or any id."""
        held = self.memory.claims.get(self.claims(node, queue), set())
        return draw(st.sampled_from(sorted(held)) if held else some_id)

    def due(self, draw: Draw) -> bytes:
        """At once, now, or later."""
        at = draw(st.sampled_from([None, 0, 1000]))
        return b"" if at is None else b"%d" % (self.now_ms + at)

    def event(self, kind: int) -> bytes:
        """An event of the whole message, now."""
        return records.event(kind, self.now_ms, records.EVERY_SEGMENT)


@pytest.mark.timeout(400)  # only to find the shortest story, when there is one to tell
def test_both_stores_do_the_same(valkey: Valkey) -> None:
    """Whatever happens, in whatever order, memory and server can not be told apart."""
    connection = BlockingConnection(valkey.socket_path)

    class Machine(StoreMachine):
        server = ValkeyUnderTest(connection)

    try:
        run_state_machine_as_test(
            Machine,
            settings=settings(
                max_examples=40,
                stateful_step_count=25,
                deadline=None,
                suppress_health_check=[HealthCheck.too_slow],
            ),
        )
    finally:
        connection.close()

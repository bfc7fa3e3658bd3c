"""A message as one string value: a head, the SMPP bodies, then its events.

    offset  octets
    0       1   layout version
    1       1   flags (FLAG_* of luckgw.store.interface)
    2       1   number of segments
    3       1   registered_delivery as the customer asked it
    4       4   offset of the first event
    8       8   accepted, wall-clock ms
    16      8   deadline (end of validity), wall-clock ms
    24      1+n account
    ..      1+n name of the route
    ..          per segment: 2 octets length, then a submit_sm body as it will be sent
    ..      8   with FLAG_SCHEDULED: when it is due, wall-clock ms
    ..          events, each: 1 octet length of what follows, then
                1 kind (a State, REQUEUED, UNCERTAIN or ON_ITS_WAY), 6 wall-clock ms,
                1 segment (EVERY_SEGMENT for all), the rest free

Head and bodies change only as a whole, while the message waits (Journal.replace), and
events are only appended. All integers are big-endian.
A message from a phone has the same layout under another version: its account is empty
until an event says whose it is, its route is the upstream that it came from, and its
bodies are those of ``inbound_body``.
What stands at which offset is also read by luckgw/store/lua/journal.lua: a change here
is a change there and a new layout version.
"""

import struct
from collections.abc import Sequence
from typing import Any, Final

import attrs

from luckgw.domain.states import State, outranks
from luckgw.receipts.match import message_state
from luckgw.store.interface import FLAG_SCHEDULED

VERSION: Final = 1
INBOUND: Final = 2
"""The layout version of a message from a phone."""
EVERY_SEGMENT: Final = 255
LONGEST_TAIL: Final = 240
"""Octets of an event's tail that are kept."""
REQUEUED: Final = 16
"""An attempt that did not take; the tail says why: upstream, NUL, command_status."""
NACKED: Final = b"\0nack"
"""The end of a REQUEUED's tail, when a generic_nack was the answer."""
UNCERTAIN: Final = 17
"""The submit_sm may have reached the carrier: what follows may be a duplicate."""
ASSIGNED: Final = 18
"""A message from a phone got its account; the tail is the account, NUL, the route."""
ON_ITS_WAY: Final = 20
"""A carrier said that a segment is on its way (ENROUTE, ACCEPTD), which changes no
state; the tail is that of a receipt."""
MOST_NOTES: Final = 10
"""Events ON_ITS_WAY of a segment are kept at most."""

_HEAD = struct.Struct(">BBBBIQQ")
_U16 = struct.Struct(">H")
_U64 = struct.Struct(">Q")


def encode(
    *,
    flags: int,
    registered_delivery: int,
    accepted_ms: int,
    deadline_ms: int,
    account: bytes,
    route: bytes,
    bodies: Sequence[bytes],
    due_ms: int | None = None,
) -> bytes:
    """The record of a message that has just been accepted. HOT PATH.

    ``bodies`` are at most 255 submit_sm bodies of at most 65,535 octets.
    """
    if len(bodies) == 1:
        body = bodies[0]
        packed = _U16.pack(len(body)) + body
    else:
        packed = b"".join([_U16.pack(len(body)) + body for body in bodies])
    if due_ms is not None:
        flags |= FLAG_SCHEDULED
        packed += _U64.pack(due_ms)
    start = 26 + len(account) + len(route) + len(packed)
    return b"".join(
        (
            _HEAD.pack(
                VERSION,
                flags,
                len(bodies),
                registered_delivery,
                start,
                accepted_ms,
                deadline_ms,
            ),
            bytes((len(account),)),
            account,
            bytes((len(route),)),
            route,
            packed,
        )
    )


def event(kind: int, now_ms: int, segment: int, tail: bytes = b"") -> bytes:
    """One event, whole."""
    head, rest = event_parts(kind, now_ms, tail)
    return head + bytes((segment,)) + rest


def event_parts(kind: int, now_ms: int, tail: bytes) -> tuple[bytes, bytes]:
    """An event without its segment: what stands before it and what after it.

    The script puts the segment in when only the store knows which one it is. A tail is
    cut at LONGEST_TAIL octets.
    """
    tail = tail[:LONGEST_TAIL]
    return bytes((8 + len(tail), kind)) + now_ms.to_bytes(6, "big"), tail


@attrs.frozen
class Event:
    """One line of a message's timeline."""

    kind: int
    time_ms: int
    segment: int
    tail: bytes

    @property
    def state(self) -> State | None:
        """The state this event is about, if it is about one."""
        return State(self.kind) if self.kind < REQUEUED else None


@attrs.define
class Record:
    """A message read back from the store."""

    flags: int
    registered_delivery: int
    accepted_ms: int
    deadline_ms: int
    account: str
    route: str
    bodies: list[bytes]
    events: list[Event]
    due_ms: int | None = None
    """When it is to be sent; None: at once."""

    def state_at(self, now_ms: int) -> State:
        """The state, for people: before its time a message is SCHEDULED."""
        state = self.state
        if state is State.ACCEPTED and self.due_ms is not None and self.due_ms > now_ms:
            return State.SCHEDULED
        return state

    def segment_states(self) -> list[State]:
        """The state of each segment, in their order."""
        reached = self._reached()
        return [reached[segment] for segment in range(len(self.bodies))]

    @property
    def state(self) -> State:
        """The message's own state, computed from its segments."""
        return message_state([*self._reached().values()])

    @property
    def updated_ms(self) -> int:
        """When the present state was reached."""
        reached = self._at_first()
        state, updated_ms = message_state([*reached.values()]), self.accepted_ms
        for each in self.events:
            if _advance(reached, each) and (
                (now := message_state([*reached.values()])) is not state
            ):
                state, updated_ms = now, each.time_ms
        return updated_ms

    def deciding(self, state: State) -> Event | None:
        """The event that made the message ``state``, or made its first segment so.

        None when the message never was.
        """
        reached = self._at_first()
        by: dict[int, Event] = {}
        for each in self.events:
            by.update(dict.fromkeys(_advance(reached, each), each))
            if message_state([*reached.values()]) is state:
                return next(
                    (by[segment] for segment, at in reached.items() if at is state),
                    None,
                )
        return None

    def _reached(self) -> dict[int, State]:
        """Segment -> its state, in the order in which they came to it."""
        reached = self._at_first()
        for each in self.events:
            _advance(reached, each)
        return reached

    def _at_first(self) -> dict[int, State]:
        return dict.fromkeys(range(len(self.bodies)), State.ACCEPTED)

    @property
    def attempts(self) -> int:
        """How often the message was given back to the queue by a carrier's answer."""
        return sum(each.kind == REQUEUED for each in self.events)

    @property
    def nacks(self) -> int:
        """How many of the attempts ended with a generic_nack."""
        return sum(
            each.kind == REQUEUED and each.tail.endswith(NACKED) for each in self.events
        )

    @property
    def is_uncertain(self) -> bool:
        """Whether an earlier submit_sm of it may have reached a carrier."""
        return any(each.kind == UNCERTAIN for each in self.events)


def _advance(reached: dict[int, State], event: Event) -> list[int]:
    """Apply one event to the segments that it concerns; those that it changed.

    A segment that changes goes to the end of ``reached``, which so keeps the order in
    which the segments came to their states (receipts.match.message_state needs it).
    """
    state = event.state
    if state is None:
        return []
    concerned = list(reached) if event.segment == EVERY_SEGMENT else [event.segment]
    changed = [
        segment
        for segment in sorted(concerned)
        if segment in reached and outranks(state, reached[segment])
    ]
    for segment in changed:
        del reached[segment]
        reached[segment] = state
    return changed


def decode(data: bytes) -> Record:
    """Read a record back. HOT PATH: once for each claim.

    Raises ValueError for a layout this version does not know.
    """
    version, flags, count, rd, start, accepted, deadline = _HEAD.unpack_from(data)
    if version not in {VERSION, INBOUND}:
        msg = f"record layout {version} is not known to this version"
        raise ValueError(msg)
    at = 25 + data[24]
    account = data[25:at].decode()
    end = at + 1 + data[at]
    route = data[at + 1 : end].decode()
    bodies = _bodies(data, end, count)
    events = []
    at = start
    total = len(data)
    while at < total:
        size = data[at]
        events.append(
            Event(
                data[at + 1],
                int.from_bytes(data[at + 2 : at + 8], "big"),
                data[at + 8],
                data[at + 9 : at + 1 + size],
            )
        )
        at += 1 + size
    due = None
    if flags & FLAG_SCHEDULED:
        due = int.from_bytes(data[start - 8 : start], "big")
    return Record(flags, rd, accepted, deadline, account, route, bodies, events, due)


def replaced(data: bytes, **changes: Any) -> bytes:
    """The record with some arguments of ``encode`` changed, and with its events."""
    record = decode(data)
    given: dict[str, Any] = {
        "flags": record.flags & ~FLAG_SCHEDULED,
        "registered_delivery": record.registered_delivery,
        "accepted_ms": record.accepted_ms,
        "deadline_ms": record.deadline_ms,
        "account": record.account.encode(),
        "route": record.route.encode(),
        "bodies": record.bodies,
        "due_ms": record.due_ms,
    }
    start = int.from_bytes(data[4:8], "big")
    return encode(**(given | changes)) + data[start:]


def account_of(data: bytes) -> bytes:
    """Whose a record is."""
    return data[25 : 25 + data[24]]


def flags_of(data: bytes) -> int:
    """The flags of a record. HOT PATH."""
    return data[1]


@attrs.define
class Waiting:
    """The part of a record that sending it takes, while nothing has happened to it."""

    flags: int
    deadline_ms: int
    account: bytes
    bodies: list[bytes]


def waiting(data: bytes) -> Waiting | None:
    """Read a record that holds nothing unusual; None: ``decode`` it. HOT PATH.

    Unusual are events, and a time when it is due.
    """
    version, flags, count, _, start, _, deadline = _HEAD.unpack_from(data)
    if start != len(data) or version != VERSION or flags & FLAG_SCHEDULED:
        return None
    at = 25 + data[24]
    end = at + 1 + data[at]
    bodies = [data[end + 2 :]] if count == 1 else _bodies(data, end, count)
    return Waiting(flags, deadline, data[25:at], bodies)


def _bodies(data: bytes, at: int, count: int) -> list[bytes]:
    bodies = []
    for _ in range(count):
        size = data[at] << 8 | data[at + 1]
        at += 2 + size
        bodies.append(data[at - size : at])
    return bodies


def route_of(data: bytes) -> str:
    """The name of the route that a message came by."""
    at = 25 + data[24]
    return data[at + 1 : at + 1 + data[at]].decode()


def deadline_ms(data: bytes) -> int:
    """The end of a message's validity, wall-clock ms."""
    return int.from_bytes(data[16:24], "big")


def first_body(data: bytes) -> bytes:
    """The submit_sm body of a message's first segment. HOT PATH."""
    at = 25 + data[24]
    at += 1 + data[at]
    return data[at + 2 : at + 2 + (data[at] << 8 | data[at + 1])]


def outcome(data: bytes, state: State) -> tuple[int, int, bytes, bytes]:
    """What telling a customer how a message ended takes. HOT PATH.

    When it was accepted (ms), its number of segments, the first segment's body, and the
    tail of the event that made the message ``state``; of several segments, the one that
    decided (receipts.match.message_state).
    """
    _, _, count, _, start, accepted, _ = _HEAD.unpack_from(data)
    if count == 1:
        tail = _first_tail(data, start, state)
    else:
        event = decode(data).deciding(state)
        tail = event.tail if event is not None else b""
    return accepted, count, first_body(data), tail


def note_of(data: bytes, time_ms: int) -> bytes:
    """The tail of what a carrier said at that time while a message was on its way."""
    for event in decode(data).events:
        if event.kind == ON_ITS_WAY and event.time_ms == time_ms:
            return event.tail
    return b""


def _first_tail(data: bytes, at: int, kind: int) -> bytes:
    """The tail of the first event of this kind; b"" when there is none."""
    total = len(data)
    while at < total:
        end = at + 1 + data[at]
        if data[at + 1] == kind:
            return data[at + 9 : end]
        at = end
    return b""


# -- messages from phones -------------------------------------------------------------

_INBOUND_HEAD = struct.Struct(">BBBQQBB")
_PACKED: Final = 0x80
_ALPHABETS: Final = ("gsm7", "latin1", "ascii")


def inbound_head(upstream: bytes, received_ms: int) -> bytes:
    """The head of an inbound record without what the number of its bodies decides.

    The script puts that in (journal.lua, ``inbound_record``).
    """
    head = _INBOUND_HEAD.pack(INBOUND, 0, 0, received_ms, 0, 0, len(upstream))
    return head + upstream


def inbound_record(head: bytes, bodies: Sequence[bytes]) -> bytes:
    """A whole inbound record of what ``inbound_head`` gave."""
    packed = b"".join([_U16.pack(len(body)) + body for body in bodies])
    start = len(head) + 5 + len(packed)
    count_and_start = bytes((len(bodies), head[2])) + start.to_bytes(4, "big")
    return head[:2] + count_and_start + head[3:] + packed


def is_inbound(data: bytes) -> bool:
    """Whether a record is that of a message from a phone."""
    return data[0] == INBOUND


def inbound_body(deliver_sm: bytes, default_alphabet: str, *, packed: bool) -> bytes:
    """A body of an inbound record: an octet that says what the carrier means by
    data_coding 0, and the deliver_sm body.
    """
    alphabet = _ALPHABETS.index(default_alphabet) | (_PACKED if packed else 0)
    return bytes((alphabet,)) + deliver_sm


def read_inbound(data: bytes) -> tuple[str, int, list[tuple[str, bool, bytes]]]:
    """Who brought a message from a phone, when (wall-clock ms), and for each of its
    parts that are there the default alphabet, whether it is packed, and the deliver_sm
    body.
    """
    record = decode(data)
    bodies = [
        (_ALPHABETS[body[0] & ~_PACKED], bool(body[0] & _PACKED), body[1:])
        for body in record.bodies
    ]
    return record.route, record.accepted_ms, bodies


# -- entries of outboxes --------------------------------------------------------------

ENTRY_SIZE: Final = 24


@attrs.frozen
class OutboxEntry:
    """What an outbox holds: 16 id, 1 state, 6 ms, 1 attempts made; 24 octets in all."""

    message_id: bytes
    state: State
    time_ms: int
    attempts: int

    @classmethod
    def from_bytes(cls, entry: bytes) -> "OutboxEntry":
        """Read an entry as the script wrote it."""
        return cls(
            entry[:16],
            State(entry[16]),
            int.from_bytes(entry[17:23], "big"),
            entry[23],
        )

    def again(self) -> bytes:
        """The entry for the next attempt."""
        return (
            self.message_id
            + bytes((self.state,))
            + self.time_ms.to_bytes(6, "big")
            + bytes((min(self.attempts + 1, 255),))
        )


@attrs.frozen
class InboundEntry:
    """What an outbox holds of a message from a phone: the same 24 octets, but in place
    of the state how many parts of it the partner has taken already.
    """

    message_id: bytes
    taken: int
    time_ms: int
    attempts: int

    @classmethod
    def from_bytes(cls, entry: bytes) -> "InboundEntry":
        """Read an entry."""
        time_ms = int.from_bytes(entry[17:23], "big")
        return cls(entry[:16], entry[16], time_ms, entry[23])

    def to_bytes(self) -> bytes:
        """The entry."""
        return (
            self.message_id
            + bytes((self.taken,))
            + self.time_ms.to_bytes(6, "big")
            + bytes((min(self.attempts, 255),))
        )

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
    ..          events, each: 1 octet length of what follows, then
                1 kind (a State, or REQUEUED / UNCERTAIN), 6 wall-clock ms,
                1 segment (EVERY_SEGMENT for all), the rest free

Head and bodies never change; events are only appended. All integers are big-endian.
What stands at which offset is also read by luckgw/store/lua/journal.lua: a change here
is a change there and a new layout version.
"""

import struct
from collections.abc import Sequence
from typing import Final

import attrs

from luckgw.domain.states import State, outranks

VERSION: Final = 1
EVERY_SEGMENT: Final = 255
REQUEUED: Final = 16
"""An attempt that did not take; the tail says why."""
UNCERTAIN: Final = 17
"""The submit_sm may have reached the carrier: what follows may be a duplicate."""

_HEAD = struct.Struct(">BBBBIQQ")
_U16 = struct.Struct(">H")


def encode(
    *,
    flags: int,
    registered_delivery: int,
    accepted_ms: int,
    deadline_ms: int,
    account: bytes,
    route: bytes,
    bodies: Sequence[bytes],
) -> bytes:
    """The record of a message that has just been accepted. HOT PATH.

    ``bodies`` are at most 254 submit_sm bodies of at most 65,535 octets.
    """
    if len(bodies) == 1:
        body = bodies[0]
        packed = _U16.pack(len(body)) + body
    else:
        packed = b"".join([_U16.pack(len(body)) + body for body in bodies])
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
    cut at 240 octets.
    """
    tail = tail[:240]
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

    def segment_states(self) -> tuple[list[State], int | None]:
        """The state of each segment, and which segment failed first (None: none did)."""
        states = [State.ACCEPTED] * len(self.bodies)
        failed: int | None = None
        for each in self.events:
            state = each.state
            if state is None:
                continue
            touched = (
                range(len(states))
                if each.segment == EVERY_SEGMENT
                else range(each.segment, min(each.segment + 1, len(states)))
            )
            for i in touched:
                if outranks(state, states[i]):
                    states[i] = state
                    if state > State.DELIVERED and failed is None:
                        failed = i
        return states, failed

    @property
    def state(self) -> State:
        """The message's own state, computed from its segments."""
        return message_state(*self.segment_states())

    @property
    def updated_ms(self) -> int:
        """When the present state was reached."""
        state, updated = self.state, self.accepted_ms
        seen = Record(
            self.flags,
            self.registered_delivery,
            self.accepted_ms,
            self.deadline_ms,
            self.account,
            self.route,
            self.bodies,
            [],
        )
        if seen.state is state:
            return updated
        for each in self.events:
            seen.events.append(each)
            if seen.state is state:
                return each.time_ms
        return updated

    @property
    def attempts(self) -> int:
        """How often the message was given back to the queue by a carrier's answer."""
        return sum(each.kind == REQUEUED for each in self.events)

    @property
    def is_uncertain(self) -> bool:
        """Whether an earlier submit_sm of it may have reached a carrier."""
        return any(each.kind == UNCERTAIN for each in self.events)


def message_state(states: Sequence[State], failed: int | None) -> State:
    """One state from those of all segments.

    Nothing is final before every segment is. Then DELIVERED if all are, else the state
    of the segment that failed first. Before that: SENT when all were taken by a carrier.
    """
    lowest = min(states)
    if lowest < State.SENT:
        return State.ACCEPTED
    if lowest < State.DELIVERED:
        return State.UNKNOWN if lowest is State.UNKNOWN else State.SENT
    if failed is not None and states[failed] > State.DELIVERED:
        return states[failed]
    return next((each for each in states if each > State.DELIVERED), State.DELIVERED)


def decode(data: bytes) -> Record:
    """Read a record back. HOT PATH: once for each claim.

    Raises ValueError for a layout this version does not know.
    """
    version, flags, count, rd, start, accepted, deadline = _HEAD.unpack_from(data)
    if version != VERSION:
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
    return Record(flags, rd, accepted, deadline, account, route, bodies, events)


@attrs.define
class Waiting:
    """The part of a record that sending it takes, when nothing has happened to it yet."""

    flags: int
    deadline_ms: int
    account: bytes
    bodies: list[bytes]


def waiting(data: bytes) -> Waiting | None:
    """Read a record that has no events; None for one that has (``decode`` it). HOT PATH."""
    version, flags, count, _, start, _, deadline = _HEAD.unpack_from(data)
    if start != len(data) or version != VERSION:
        return None
    at = 25 + data[24]
    end = at + 1 + data[at]
    if count == 1:
        bodies = [data[end + 2 :]]
    else:
        bodies = _bodies(data, end, count)
    return Waiting(flags, deadline, data[25:at], bodies)


def _bodies(data: bytes, at: int, count: int) -> list[bytes]:
    bodies = []
    for _ in range(count):
        size = data[at] << 8 | data[at + 1]
        at += 2 + size
        bodies.append(data[at - size : at])
    return bodies


def outcome(data: bytes) -> tuple[int, int, bytes, bytes]:
    """What telling a customer how a message ended takes. HOT PATH.

    When it was accepted (ms), its number of segments, the first segment's body, and the
    tail of its last event.
    """
    _, _, count, _, start, accepted, _ = _HEAD.unpack_from(data)
    at = 25 + data[24]
    at += 1 + data[at]
    body = data[at + 2 : at + 2 + (data[at] << 8 | data[at + 1])]
    tail = b""
    at, total = start, len(data)
    while at < total:
        end = at + 1 + data[at]
        tail = data[at + 9 : end]
        at = end
    return accepted, count, body, tail


# -- entries of outboxes ----------------------------------------------------------------

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

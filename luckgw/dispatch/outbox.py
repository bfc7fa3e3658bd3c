"""Receipts and messages from phones to an account's bound sessions.

They are kept in the store while there is none.
"""

from collections import deque
from collections.abc import Callable
from typing import Final

import attrs
from twisted.logger import Logger

from luckgw.dispatch.answers import retry_after
from luckgw.dispatch.consumer import Consumer, Pairs
from luckgw.domain.ids import to_text
from luckgw.domain.repeats import is_worth_saying
from luckgw.domain.states import State
from luckgw.domain.status import Status
from luckgw.egress.mo import Mo, Reading
from luckgw.egress.sessions import Receiver, Sessions
from luckgw.receipts.compose import receipt_body
from luckgw.store import keys, records
from luckgw.store.interface import Journal, told_id
from luckgw.wire.pdus import Sm, decode_sm

_FOR_GOOD: Final = frozenset({Status.ESME_RX_P_APPN, Status.ESME_RX_R_APPN})
_READABLE: Final = frozenset({0, 1})
"""data_coding whose octets a receipt can show (receipts.compose)."""
_UDHI: Final = 0x40
_MOST_TOLD_LATE: Final = 10_000
_ERR: Final = 2
"""Which part of a receipt's tail is ``err``: upstream, stat, err, done date."""


class Delivery:
    """One deliver_sm on its way to a partner: the context of its request."""

    __slots__ = ("body", "entry", "long")

    def __init__(self, entry: bytes, body: bytes, long: "Long | None" = None) -> None:
        self.entry = entry
        self.body = body
        self.long = long
        """A message from a phone; None: it is a receipt."""


class Long:
    """A message from a phone on its way: one deliver_sm, or several, one by one."""

    __slots__ = ("_mo", "_settings", "bodies", "taken")

    def __init__(self, mo: Mo, settings: Reading, taken: int) -> None:
        self._mo = mo
        self._settings = settings
        self.taken = taken
        """How many of its parts a partner has."""
        self.bodies: list[bytes] = []

    def next_for(self, receiver: Receiver) -> bytes:
        """The body that goes next, to this session."""
        # What was begun in parts is ended in parts, whoever takes the rest.
        self.bodies = self._mo.deliver_sms(
            self._settings,
            takes_tlvs=receiver.takes_tlvs,
            in_parts=self.taken > 0,
        )
        return self.bodies[min(self.taken, len(self.bodies) - 1)]

    def is_done(self) -> bool:
        """The partner took what was sent: whether that was all."""
        self.taken += 1
        return self.taken >= len(self.bodies)


class DeliverSmOutbox:
    """One account's outbox and those of its sessions that may receive.

    Every delivery that was handed to a session ends in one call of ``answered``,
    ``timed_out`` or ``lost``.
    """

    log = Logger()

    def __init__(
        self,
        journal: Journal,
        account: str,
        sessions: Sessions,
        now_ms: Callable[[], int],
        mo: Reading,
    ) -> None:
        self._account = account
        self._mo = mo
        self._sessions = sessions
        self._now_ms = now_ms
        self.consumer = Consumer(
            journal, keys.deliver_sm_outbox(account), self._free, self._take
        )
        """Claims this outbox."""
        self._backlog: deque[Delivery] = deque()
        self._told_late: set[bytes] = set()
        """Entries that wait for another try, and of which the partner has said since
        that it got them."""
        self._in_flight = 0
        self._next = 0
        self._stopping = False
        self.delivered = 0
        self.refused = 0

    def poke(self) -> None:
        """Something was added. HOT PATH."""
        self.consumer.poke()

    def changed(self) -> None:
        """A session came, went, or has room. HOT PATH."""
        if self._backlog:
            self._go_on()
        self.consumer.poke()

    def stop_claiming(self) -> None:
        """Take nothing new, and give back what was not sent yet."""
        self._stopping = True
        self._give_back()

    # -- claiming and sending ----------------------------------------------------------

    def _capacity(self) -> int:
        """The windows of all sessions that receive."""
        return sum([each.capacity for each in self._sessions.of(self._account)])

    def _free(self) -> int:
        if self._stopping:
            return 0
        return 2 * self._capacity() - self._in_flight - len(self._backlog)

    def _take(self, pairs: Pairs) -> None:
        for entry, data in pairs:
            if self._told_late and entry in self._told_late:
                self._told_late.discard(entry)
                self.consumer.settle(entry)
            elif data[0] == records.INBOUND:
                self._backlog.append(self._inbound(entry, data))
            else:
                self._backlog.append(Delivery(entry, _body(entry, data)))
        self._go_on()

    def _inbound(self, entry: bytes, data: bytes) -> Delivery:
        taken = records.InboundEntry.from_bytes(entry).taken
        return Delivery(
            entry, b"", Long(Mo(*records.read_inbound(data)), self._mo, taken)
        )

    def _go_on(self) -> None:
        if self._stopping or self._capacity() == 0:
            self._give_back()
        else:
            self._pump()

    def _give_back(self) -> None:
        """Put what is not sent back at the head of the outbox, in its order."""
        if self.consumer.is_asking:
            return  # what the claim brings is younger: it goes back with the rest
        waiting, self._backlog = self._backlog, deque()
        for each in reversed(waiting):
            self.consumer.retry(each.entry, _as_far_as_it_is(each), None)

    def _pump(self) -> None:
        """Send, one session after the other, while there is room. HOT PATH."""
        backlog = self._backlog
        sessions = self._sessions.of(self._account)
        while backlog:
            receiver = self._receiver(sessions)
            if receiver is None:
                return
            delivery = backlog.popleft()
            self._in_flight += 1
            body = delivery.body
            if delivery.long is not None:
                body = delivery.long.next_for(receiver)
            receiver.deliver(body, delivery)

    def _receiver(self, sessions: list[Receiver]) -> Receiver | None:
        for _ in range(len(sessions)):
            self._next = (self._next + 1) % len(sessions)
            if sessions[self._next].room > 0:
                return sessions[self._next]
        return None

    # -- what the partner says ---------------------------------------------------------

    def answered(self, delivery: Delivery, command_status: int) -> None:
        """A deliver_sm_resp. HOT PATH."""
        self._in_flight -= 1
        if command_status == 0:
            if delivery.long is not None and not delivery.long.is_done():
                self._backlog.appendleft(delivery)
                self._go_on()
                return
            self.delivered += 1
            self.consumer.settle(delivery.entry)
        elif command_status in _FOR_GOOD:
            self._give_up(delivery, command_status)
        else:
            self._retry(delivery)

    def answered_late(self, delivery: Delivery, command_status: int) -> None:
        """A deliver_sm_resp after ``timed_out``: what was taken is not sent again."""
        if command_status == 0 and len(self._told_late) < _MOST_TOLD_LATE:
            self.delivered += 1
            again = records.OutboxEntry.from_bytes(delivery.entry).again()
            self._told_late.add(again)

    def _give_up(self, delivery: Delivery, command_status: int) -> None:
        self.consumer.settle(delivery.entry)
        self.refused += 1
        if is_worth_saying(self.refused):
            self.log.warn(
                "partner {account} refused {what} for good with 0x{status:02X},"
                " message {id} ({count} so far)",
                account=self._account,
                what="a receipt" if delivery.long is None else "a phone's message",
                status=command_status,
                id=to_text(delivery.entry[:16]),
                count=self.refused,
            )

    def timed_out(self, delivery: Delivery) -> None:
        """No answer in time: try again later."""
        self._in_flight -= 1
        self._retry(delivery)

    def lost(self, deliveries: list[Delivery]) -> None:
        """The link is gone: another session takes them at once, or they go back."""
        self._in_flight -= len(deliveries)
        self._backlog.extendleft(reversed(deliveries))
        self._go_on()

    def _retry(self, delivery: Delivery) -> None:
        attempts = delivery.entry[records.ENTRY_SIZE - 1] + 1
        due_ms = self._now_ms() + 1000 * retry_after(attempts)
        again = _as_far_as_it_is(delivery)[:-1] + bytes((min(attempts, 255),))
        self.consumer.retry(delivery.entry, again, due_ms)


def _as_far_as_it_is(delivery: Delivery) -> bytes:
    """The entry of what is not delivered yet, and how much of it is."""
    if delivery.long is None:
        return delivery.entry
    entry = records.InboundEntry.from_bytes(delivery.entry)
    return attrs.evolve(entry, taken=min(delivery.long.taken, 254)).to_bytes()


def _body(entry: bytes, data: bytes) -> bytes:
    """The deliver_sm body that tells a partner how its message ended. HOT PATH."""
    state = State(entry[16])
    accepted_ms, segments, submitted, tail = records.outcome(data, state)
    intermediate = state is State.SENT
    if intermediate:
        tail = records.note_of(data, int.from_bytes(entry[17:23], "big"))
    sm = decode_sm(submitted)
    parts = tail.split(b"\0")
    return receipt_body(
        source_addr_ton=sm.dest_addr_ton,
        source_addr_npi=sm.dest_addr_npi,
        source_addr=sm.destination_addr,
        dest_addr_ton=sm.source_addr_ton,
        dest_addr_npi=sm.source_addr_npi,
        destination_addr=sm.source_addr,
        message_id=told_id(entry[:16], records.flags_of(data)),
        state=state,
        submit_ms=accepted_ms,
        done_ms=int.from_bytes(entry[17:23], "big"),
        err=parts[_ERR].decode("latin-1") if len(parts) > _ERR else "",
        text=_text(sm),
        segments=segments,
        intermediate=intermediate,
    )


def _text(sm: Sm) -> bytes:
    """What a receipt shows of the message's text."""
    if sm.data_coding not in _READABLE:
        return b""
    text = sm.payload
    return text[text[0] + 1 :] if text and sm.esm_class & _UDHI else text

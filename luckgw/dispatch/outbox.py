"""Receipts to an account's bound sessions, kept in the store while there is none."""

from collections import deque
from collections.abc import Callable
from typing import Final

from twisted.logger import Logger

from luckgw.dispatch.consumer import Consumer
from luckgw.domain.ids import to_text
from luckgw.domain.states import State
from luckgw.domain.status import Status
from luckgw.egress.sessions import Receiver, Sessions
from luckgw.receipts.compose import receipt_body
from luckgw.store import keys, records
from luckgw.store.interface import Journal
from luckgw.wire.pdus import decode_sm

RETRY_S: Final = (5, 15, 60, 300, 900)
"""Pauses after a partner's temporary refusal (spec/reliability 3.6)."""
_FINAL: Final = frozenset({Status.ESME_RX_P_APPN, Status.ESME_RX_R_APPN})


class Delivery:
    """One deliver_sm on its way to a partner: the context of its request."""

    __slots__ = ("body", "entry", "is_given_back")

    def __init__(self, entry: bytes, body: bytes) -> None:
        self.entry = entry
        self.body = body
        self.is_given_back = False


class DeliverSmOutbox:
    """One account's outbox and those of its sessions that may receive."""

    log = Logger()

    def __init__(
        self,
        journal: Journal,
        account: str,
        sessions: Sessions,
        now_ms: Callable[[], int],
    ) -> None:
        self._account = account
        self._sessions = sessions
        self._now_ms = now_ms
        self._consumer = Consumer(
            journal, keys.deliver_sm_outbox(account), self._free, self._take
        )
        self._backlog: deque[Delivery] = deque()
        self._in_flight = 0
        self._next = 0
        self._stopping = False
        self.delivered = 0

    @property
    def consumer(self) -> Consumer:
        """Claims this outbox."""
        return self._consumer

    def poke(self) -> None:
        """Something was added. HOT PATH."""
        self._consumer.poke()

    def changed(self) -> None:
        """A session came, went, or has room."""
        if self._backlog:
            if not any(each.capacity for each in self._sessions.of(self._account)):
                self._give_back()
                return
            self._pump()
        self._consumer.poke()

    def stop_claiming(self) -> None:
        """Take nothing new, and give back what was not sent yet."""
        self._stopping = True
        self._give_back()

    def _give_back(self) -> None:
        waiting, self._backlog = self._backlog, deque()
        for delivery in reversed(waiting):
            self._consumer.retry(delivery.entry, delivery.entry, None)

    def _free(self) -> int:
        if self._stopping:
            return 0
        capacity = sum(each.capacity for each in self._sessions.of(self._account))
        return 2 * capacity - self._in_flight - len(self._backlog)

    def _take(self, pairs: list[tuple[bytes, bytes]]) -> None:
        for entry, data in pairs:
            self._backlog.append(Delivery(entry, _body(entry, data)))
        self._pump()

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
            receiver.deliver(delivery.body, delivery)

    def _receiver(self, sessions: list[Receiver]) -> Receiver | None:
        for _ in range(len(sessions)):
            self._next = (self._next + 1) % len(sessions)
            if sessions[self._next].room > 0:
                return sessions[self._next]
        return None

    def answered(self, delivery: Delivery, command_status: int) -> None:
        """A deliver_sm_resp. HOT PATH."""
        if delivery.is_given_back:
            return
        self._in_flight -= 1
        if command_status == 0:
            self.delivered += 1
            self._consumer.settle(delivery.entry)
        elif command_status in _FINAL:
            self.log.warn(
                "partner {account} refused a receipt for good (0x{status:02X}), message {id}",
                account=self._account,
                status=command_status,
                id=to_text(delivery.entry[:16]),
            )
            self._consumer.settle(delivery.entry)
        else:
            self._retry(delivery)

    def timed_out(self, delivery: Delivery) -> None:
        """No answer in time: try again later."""
        if not delivery.is_given_back:
            delivery.is_given_back = True
            self._in_flight -= 1
            self._retry(delivery)

    def lost(self, deliveries: list[Delivery]) -> None:
        """The link is gone: another session may take them at once."""
        for delivery in reversed(deliveries):
            if not delivery.is_given_back:
                self._in_flight -= 1
                self._consumer.retry(delivery.entry, delivery.entry, None)

    def _retry(self, delivery: Delivery) -> None:
        entry = records.OutboxEntry.from_bytes(delivery.entry)
        wait = RETRY_S[min(entry.attempts, len(RETRY_S) - 1)]
        self._consumer.retry(
            delivery.entry, entry.again(), self._now_ms() + 1000 * wait
        )


def _body(entry: bytes, data: bytes) -> bytes:
    """The deliver_sm body that tells a partner how its message ended. HOT PATH."""
    accepted_ms, segments, submitted, tail = records.outcome(data)
    sm = decode_sm(submitted)
    text = (
        sm.short_message[:20]
        if sm.data_coding == 0 and not sm.esm_class & 0x40
        else b""
    )
    # A receipt's tail: upstream, stat, err, done date.
    parts = tail.split(b"\0")
    return receipt_body(
        source_addr_ton=sm.dest_addr_ton,
        source_addr_npi=sm.dest_addr_npi,
        source_addr=sm.destination_addr,
        dest_addr_ton=sm.source_addr_ton,
        dest_addr_npi=sm.source_addr_npi,
        destination_addr=sm.source_addr,
        message_id=to_text(entry[:16]),
        state=State(entry[16]),
        submit_ms=accepted_ms,
        done_ms=int.from_bytes(entry[17:23], "big"),
        err=parts[2].decode("latin-1") if len(parts) > _ERR else "000",
        text=text,
        segments=segments,
    )


_ERR: Final = 2

"""Events to an account's webhook: durable, in order for each message, retried for days."""

from collections import deque
from collections.abc import Callable
from typing import Final, Protocol

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger
from twisted.python.failure import Failure

from luckgw.dispatch.consumer import Consumer
from luckgw.domain.ids import to_text
from luckgw.egress import retry
from luckgw.egress.webhook import Outcome, Verdict, status_update_body
from luckgw.store import keys, records
from luckgw.store.interface import Journal, Queue
from luckgw.wire.pdus import decode_sm

_CLAIM_AHEAD: Final = 4
"""Events claimed for each that may be in flight."""


class Notifier(Protocol):
    """Posts one event to a customer's server (luckgw.egress.webhook)."""

    def post(
        self, url: str, body: bytes, event_id: str, attempt: int
    ) -> "Deferred[Verdict]":
        """Fires with what the receiver said; does not fail for what it may say or do."""
        ...


class _Event:
    __slots__ = ("body", "entry", "raw")

    def __init__(self, raw: bytes, data: bytes) -> None:
        self.raw = raw
        self.entry = records.OutboxEntry.from_bytes(raw)
        sm = decode_sm(records.decode(data).bodies[0])
        self.body = status_update_body(
            to_text(self.entry.message_id),
            self.entry.state,
            sm.source_addr.decode("latin-1"),
            sm.destination_addr.decode("latin-1"),
            self.entry.time_ms,
        )


class WebhookOutbox:
    """One account's webhook and the events that wait for it."""

    log = Logger()

    def __init__(  # noqa: PLR0913 - each is a collaborator
        self,
        clock: IReactorTime,
        journal: Journal,
        account: str,
        url: str,
        max_in_flight: int,
        notifier: Notifier,
        now_ms: Callable[[], int],
        random: Callable[[], float],
    ) -> None:
        self._clock = clock
        self._journal = journal
        self._account = account
        self._url = url
        self._max_in_flight = max_in_flight
        self._notifier = notifier
        self._now_ms = now_ms
        self._random = random
        self._consumer = Consumer(
            journal, keys.webhook_outbox(account), self._free, self._take
        )
        self._parked = Queue(keys.webhook_parked(account), self._consumer.queue.claims)
        self._ready: deque[_Event] = deque()
        self._busy: dict[bytes, deque[_Event]] = {}
        """Message id -> its later events, while one is in flight."""
        self._later: dict[bytes, int] = {}
        """Message id -> when an earlier event of it is tried again."""
        self._in_flight = 0
        self._stopping = False
        self._is_gone = False
        self._idle: list[Deferred[None]] = []
        self.delivered = 0

    @property
    def consumer(self) -> Consumer:
        """Claims this outbox."""
        return self._consumer

    def poke(self) -> None:
        """Something was added."""
        self._consumer.poke()

    def _free(self) -> int:
        if self._stopping or self._is_gone:
            return 0
        return _CLAIM_AHEAD * self._max_in_flight - len(self._consumer.held)

    def _take(self, pairs: list[tuple[bytes, bytes]]) -> None:
        for raw, data in pairs:
            event = _Event(raw, data)
            message = event.entry.message_id
            due = self._later.get(message)
            if due is not None and event.entry.attempts == 0:
                # An earlier event of this message waits for its retry: after it.
                self._later[message] = due + 1
                self._consumer.retry(raw, raw, due + 1)
            elif message in self._busy:
                self._busy[message].append(event)
            else:
                self._busy[message] = deque()
                self._ready.append(event)
        self._pump()

    def _pump(self) -> None:
        while self._ready and self._in_flight < self._max_in_flight:
            event = self._ready.popleft()
            self._later.pop(event.entry.message_id, None)
            self._in_flight += 1
            d = self._notifier.post(
                self._url, event.body, event.raw[:23].hex(), event.entry.attempts + 1
            )
            d.addCallbacks(
                self._answered,
                self._failed,
                callbackArgs=(event,),
                errbackArgs=(event,),
            )
            d.addErrback(
                lambda f: self.log.failure("a webhook outbox failed", failure=f)
            )

    def _failed(self, failure: Failure, event: _Event) -> None:
        self.log.failure("posting to a webhook failed", failure=failure)
        self._answered(Verdict(Outcome.RETRY), event)

    def _answered(self, verdict: Verdict, event: _Event) -> None:
        self._in_flight -= 1
        if verdict.outcome is Outcome.DELIVERED:
            self.delivered += 1
            self._consumer.settle(event.raw)
            self._next_of(event)
        else:
            if verdict.outcome is Outcome.GONE and not self._is_gone:
                self._is_gone = True
                self.log.error(
                    "webhook of {account} answered 410: disabled until the next start",
                    account=self._account,
                )
            self._try_later(verdict, event)
        if self._in_flight == 0 and self._stopping:
            waiters, self._idle = self._idle, []
            for waiter in waiters:
                waiter.callback(None)
        self._pump()
        self._consumer.poke()

    def _next_of(self, event: _Event) -> None:
        message = event.entry.message_id
        waiting = self._busy[message]
        if waiting and not self._stopping:
            self._ready.append(waiting.popleft())
        else:
            del self._busy[message]

    def _try_later(self, verdict: Verdict, event: _Event) -> None:
        message = event.entry.message_id
        waiting = self._busy.pop(message)
        wait = retry.delay_after(event.entry.attempts + 1, verdict.after, self._random)
        if wait is None:
            self.log.error(
                "webhook of {account}: event {id} parked after {attempts} attempts",
                account=self._account,
                id=event.raw[:23].hex(),
                attempts=event.entry.attempts + 1,
            )
            self._consumer.held.discard(event.raw)
            self._journal.retry(self._parked, event.raw, event.raw, None, b"")
            for later in waiting:
                self._consumer.retry(later.raw, later.raw, None)
            return
        due = self._now_ms() + int(wait * 1000)
        self._consumer.retry(event.raw, event.entry.again(), due)
        for later in waiting:
            due += 1
            self._consumer.retry(later.raw, later.raw, due)
        self._later[message] = due

    def stop(self, timeout_s: float) -> "Deferred[None]":
        """Claim nothing; fires when nothing is in flight, or after ``timeout_s``."""
        self._stopping = True
        for event in [
            *self._ready,
            *(e for waiting in self._busy.values() for e in waiting),
        ]:
            self._consumer.retry(event.raw, event.raw, None)
        self._ready.clear()
        for waiting in self._busy.values():
            waiting.clear()
        d: Deferred[None] = Deferred()
        if self._in_flight == 0:
            d.callback(None)
        else:
            self._idle.append(d)
            d.addTimeout(timeout_s, self._clock)
            d.addErrback(lambda _: None)
        return d

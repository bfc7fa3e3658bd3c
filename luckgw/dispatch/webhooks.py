"""Events to an account's webhook: in order for each message, tried for days."""

from collections import deque
from collections.abc import Callable, Sequence
from typing import Final, Protocol

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger
from twisted.python.failure import Failure

from luckgw.dispatch.breaker import Breaker
from luckgw.dispatch.consumer import Consumer, Pairs
from luckgw.dispatch.lines import Lines
from luckgw.domain.ids import to_text
from luckgw.egress import retry
from luckgw.egress.body import binary_extra, received_body, status_update_body
from luckgw.egress.mo import Mo
from luckgw.egress.webhook import Outcome, Verdict
from luckgw.store import keys, records
from luckgw.store.interface import Journal, Queue, told_id
from luckgw.wire.pdus import decode_sm

_CLAIM_AHEAD: Final = 4
"""Events claimed for each that may be in flight."""


class Notifier(Protocol):
    """Posts one event to a customer's server (luckgw.egress.webhook)."""

    def post(
        self, url: str, body: bytes, event_id: str, attempt: int
    ) -> "Deferred[Verdict]":
        """Fires with what the receiver said; does not fail for what it says or does."""
        ...


class Event:
    """A change of a message's state that its account has to be told."""

    __slots__ = ("attempts", "body", "key", "message_id", "raw")

    def __init__(self, raw: bytes, data: bytes) -> None:
        """``raw`` is the outbox's entry, ``data`` the message's record."""
        entry = records.OutboxEntry.from_bytes(raw)
        self.raw = raw
        self.key = raw[: records.ENTRY_SIZE - 1]
        """The entry without its number of attempts: the same at each of them."""
        self.message_id = entry.message_id
        self.attempts = entry.attempts
        """How many have failed."""
        if records.is_inbound(data):
            self.body = _received(entry.message_id, data)
            return
        sm = decode_sm(records.first_body(data))
        self.body = status_update_body(
            told_id(entry.message_id, records.flags_of(data)),
            entry.state,
            sm.source_addr.decode("latin-1"),
            sm.destination_addr.decode("latin-1"),
            entry.time_ms,
        )

    @property
    def id(self) -> str:
        """What receivers know it by."""
        return self.key.hex()

    def again(self) -> bytes:
        """The entry for the next attempt."""
        return records.OutboxEntry.from_bytes(self.raw).again()


def _received(message_id: bytes, data: bytes) -> bytes:
    """What an account is told of a message from a phone."""
    mo = Mo(*records.read_inbound(data))
    text = mo.text
    extra = None
    if text is None:
        extra = binary_extra(mo.data_coding, mo.header, mo.octets)
    return received_body(
        to_text(message_id), mo.phone, mo.number, text or "", mo.received_ms, extra
    )


class WebhookOutbox:
    """One account's webhook and the events that wait for it."""

    log = Logger()

    def __init__(
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
        """``random`` gives numbers in [0, 1), for the spread of retries."""
        self._clock = clock
        self._journal = journal
        self._account = account
        self._url = url
        self._max_in_flight = max_in_flight
        self._notifier = notifier
        self._now_ms = now_ms
        self._random = random
        self.consumer = Consumer(
            journal, keys.webhook_outbox(account), self._free, self._take
        )
        """Claims this outbox."""
        self._parked = Queue(keys.webhook_parked(account), self.consumer.queue.claims)
        self._lines: Lines[Event] = Lines()
        self._ready: deque[Event] = deque()
        """The first of their lines, not sent yet."""
        self._breaker = Breaker()
        self._in_flight = 0
        self._stopping = False
        self._is_gone = False
        self._idle_waiters: list[Deferred[None]] = []
        self.delivered = 0

    def poke(self) -> None:
        """Something was added."""
        self.consumer.poke()

    # -- claiming and sending ----------------------------------------------------------

    @property
    def _is_shut(self) -> bool:
        return self._stopping or self._is_gone

    def _free(self) -> int:
        """How many events to claim."""
        held = len(self.consumer.held)
        if self._is_shut:
            return 0
        if self._breaker.is_open:
            return int(not held and self._breaker.may_call(self._clock.seconds()))
        return _CLAIM_AHEAD * self._max_in_flight - held

    def _take(self, pairs: Pairs) -> None:
        if self._is_shut:
            self.consumer.give_back([raw for raw, _ in pairs])
            return
        now = self._now_ms()
        self._lines.forget_stale(now)
        for raw, data in pairs:
            event = Event(raw, data)
            due_ms = self._lines.enter(event, now)
            if due_ms is not None:
                self.consumer.retry(raw, raw, due_ms)
            elif self._lines.is_first(event):
                self._ready.append(event)
        self._pump()

    def _pump(self) -> None:
        while self._ready and self._in_flight < self._max_in_flight:
            event = self._ready.popleft()
            self._in_flight += 1
            d = self._notifier.post(self._url, event.body, event.id, event.attempts + 1)
            d.addErrback(self._failed)
            d.addCallback(self._answered, event)
            d.addErrback(
                lambda f: self.log.failure("a webhook outbox failed", failure=f)
            )

    def _give_back(self, firsts: Sequence[Event]) -> None:
        """Give these and what stands behind them back, unsent, to where they were."""
        now = self._now_ms()
        self.consumer.give_back(
            [each.raw for first in firsts for each in self._lines.leave(first, now)]
        )

    def _give_all_back(self) -> None:
        ready = [*self._ready]
        self._ready.clear()
        self._give_back(ready)

    # -- what the receiver says --------------------------------------------------------

    def _failed(self, failure: Failure) -> Verdict:
        self.log.failure("posting to a webhook failed", failure=failure)
        return Verdict(Outcome.RETRY)

    def _answered(self, verdict: Verdict, event: Event) -> None:
        self._in_flight -= 1
        if verdict.outcome is Outcome.DELIVERED:
            self.delivered += 1
            self._breaker.succeeded()
            self.consumer.settle(event.raw)
            self._next(event)
        elif verdict.outcome is Outcome.GONE:
            self._disable(event)
        else:
            self._try_later(verdict, event)
        if self._in_flight == 0 and self._stopping:
            self._tell_idle_waiters()
        self._pump()
        self.consumer.poke()

    def _next(self, event: Event) -> None:
        """An event is done with: it is the next one's turn."""
        following = self._lines.done(event)
        if following is None:
            return
        if self._is_shut:
            self._give_back([following])
        else:
            self._ready.append(following)

    def _disable(self, event: Event) -> None:
        """The receiver wants no more: all stays in the store."""
        if not self._is_gone:
            self._is_gone = True
            self._give_all_back()
            self.log.error(
                "webhook of {account} answered 410: disabled until the next start",
                account=self._account,
            )
        self._give_back([event])

    def _try_later(self, verdict: Verdict, event: Event) -> None:
        made = event.attempts + 1
        wait = retry.delay_after(made, verdict.after, self._random)
        if wait is None:
            self._park(event, made)
        else:
            due_ms = self._now_ms() + int(wait * 1000)
            for each, each_due_ms in self._lines.put_off(event, due_ms):
                again = event.again() if each is event else each.raw
                self.consumer.retry(each.raw, again, each_due_ms)
        if self._breaker.failed(self._clock.seconds()):
            self.log.error(
                "webhook of {account} fails all the time: called less from now on",
                account=self._account,
            )
            self._give_all_back()

    def _park(self, event: Event, attempts: int) -> None:
        """No more attempts: it stays in the store until it is replayed."""
        self.log.error(
            "webhook of {account}: event {id} parked after {attempts} attempts",
            account=self._account,
            id=event.id,
            attempts=attempts,
        )
        self.consumer.held.discard(event.raw)
        self._journal.retry(self._parked, event.raw, event.raw, None, b"")
        self._next(event)

    # -- stopping ----------------------------------------------------------------------

    def stop(self, timeout_s: float) -> "Deferred[None]":
        """Send nothing new; fires when nothing is in flight, or after ``timeout_s``."""
        self._stopping = True
        self._give_all_back()
        d: Deferred[None] = Deferred()
        self._idle_waiters.append(d)
        if self._in_flight == 0:
            self._tell_idle_waiters()
        return d.addTimeout(timeout_s, self._clock).addErrback(lambda _: None)

    def _tell_idle_waiters(self) -> None:
        waiters, self._idle_waiters = self._idle_waiters, []
        for waiter in waiters:
            waiter.callback(None)

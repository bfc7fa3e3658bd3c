"""Messages to a carrier: claimed while it has room, sent, and settled by its answer.

What may happen to a message after it was claimed, and what becomes of it:

- taken, all of its segments: SENT, and the claim is dropped in the same step;
- refused for good: REJECTED, and what is not sent of it stays so;
- refused for now: given back to the queue, for later;
- turned away (throttle): it goes first when the bind goes on;
- no answer: after ``uncertain_hold_s`` sent again, or UNKNOWN, as configured;
- not sent when the carrier goes or we stop: given back, to its old place;
- its validity ends before it is sent: EXPIRED.

Segments that a carrier has taken are never sent again, unless the answer comes when
they have been: an answer that is late still counts.
"""

import math
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Final
from weakref import WeakValueDictionary

from twisted.internet.interfaces import IDelayedCall, IReactorTime
from twisted.logger import Logger

from luckgw.admission.limits import TokenBucket
from luckgw.config import model
from luckgw.dispatch.answers import MAX_NACKS, Answer, Answers, err, retry_after
from luckgw.dispatch.backlog import Backlog
from luckgw.dispatch.consumer import Consumer, Pairs
from luckgw.dispatch.expiry import Expiry
from luckgw.dispatch.message import Message, Segment
from luckgw.dispatch.refusals import Refusals
from luckgw.domain.repeats import is_worth_saying
from luckgw.domain.states import State
from luckgw.domain.status import Status
from luckgw.pipeline.addresses import addresses_for
from luckgw.pipeline.route_addresses import RouteAddresses
from luckgw.receipts.match import canonical
from luckgw.store import keys, records
from luckgw.store.interface import FLAG_WEBHOOK, Journal, Verdict
from luckgw.upstream.interface import NACK, NotCarried, Reply, Upstream
from luckgw.wire.pdus import Sm

_QUARANTINED: Final = 1000
"""PDUs of an upstream that could not be read are kept at most."""
THROTTLE_S: Final = 1.0
"""A throttled bind rests for so long at first."""
# Tails of events, like that of a receipt: upstream, stat, err.
_EXPIRED: Final = b"\0EXPIRED\x00000"
_REJECTED: Final = b"%s\0REJECTD\0%s"
_UNKNOWN: Final = b"%s\0UNKNOWN\x00000"


class MtDispatcher:
    """One upstream's queue, and the upstream. Hears what the carrier says."""

    log = Logger()

    def __init__(
        self,
        clock: IReactorTime,
        journal: Journal,
        upstream: Upstream,
        config: model.Upstream,
        now_ms: Callable[[], int],
        received: Callable[[Sm, Reply], None],
        wake: Callable[[str], None],
        rewrites: Mapping[str, RouteAddresses] = MappingProxyType({}),
    ) -> None:
        """``received`` gets what the carrier delivers; ``wake`` an account that has
        something in an outbox now; ``rewrites`` are those of routes, by their names.
        """
        self._clock = clock
        self._journal = journal
        self._upstream = upstream
        self._config = config
        self._name = config.name.encode()
        self._addresses = addresses_for(config.addresses)
        self._rewrites = rewrites
        self._now_ms = now_ms
        self._received = received
        self._wake = wake
        self.consumer = Consumer(
            journal, keys.upstream_queue(config.name), self._free, self._take
        )
        """Claims this upstream's queue."""
        self._expiry = Expiry(journal, self.consumer, now_ms, self._expired)
        self._backlog = Backlog()
        self._in_flight = 0
        self._doubtful: dict[bytes, Message] = {}
        """Messages on hold, by their ids."""
        self._resent: WeakValueDictionary[bytes, Message] = WeakValueDictionary()
        """Messages given back in doubt, while an answer to that try may still come."""
        self._bucket: TokenBucket | None = None
        self._most_waiting = math.inf
        if config.throughput:
            self._bucket = TokenBucket(config.throughput, clock.seconds())
            self._most_waiting = math.ceil(config.throughput)
        # What is claimed beside the windows' worth waits here for the next answer. A
        # crash makes all that is claimed uncertain: where that is an end, only what
        # can be sent at once is claimed.
        self._windows = 1 if config.uncertain == "unknown" else 2
        self._tokens_call: IDelayedCall | None = None
        self._stopping = False
        self._classify = Answers(config.answers).classify
        self._refusals = Refusals(config.name, config.answers)
        self._not_carried_count = 0
        self.sent = 0
        self.duplicates_suspected = 0
        self._reused = 0

    def start(self) -> None:
        """Connect the upstream."""
        self._upstream.start(self)

    def poke(self) -> None:
        """Something was queued. HOT PATH."""
        self.consumer.poke()

    def stop_claiming(self) -> None:
        """Take nothing new, and give back what was not sent yet."""
        self._stopping = True
        if self._tokens_call is not None:
            self._tokens_call.cancel()
            self._tokens_call = None
        self._give_back()

    def expire(self) -> None:
        """While the carrier is away: end the messages whose validity is over."""
        if self._is_shut and not self._stopping:
            self._expiry.look()

    def status(self) -> dict[str, object]:
        """What ``luckgw status`` shows of this upstream."""
        return {
            "up": self._upstream.is_up,
            "in_flight": self._in_flight,
            "backlog": len(self._backlog),
            "uncertain": len(self._doubtful),
            "sent": self.sent,
            "duplicates_suspected": self.duplicates_suspected,
            "refused": self._refusals.counts(),
        }

    # -- claiming and sending ----------------------------------------------------------

    @property
    def _is_shut(self) -> bool:
        """Whether nothing can be sent now, nor as soon as the windows open."""
        return self._stopping or self._upstream.capacity == 0

    def _free(self) -> int:
        """How many messages to claim."""
        if self._stopping:
            return 0
        waiting = len(self._backlog)
        room = self._windows * self._upstream.capacity - self._in_flight - waiting
        return int(min(room, self._most_waiting - waiting))

    def _take(self, pairs: Pairs) -> None:
        """What was claimed. HOT PATH."""
        now = self._now_ms()
        append = self._backlog.rest.append
        for message_id, data in pairs:
            fresh = records.waiting(data)
            if fresh is None:
                self._take_again(message_id, records.decode(data), now)
                continue
            if fresh.deadline_ms <= now:
                self._expired(message_id)
                continue
            hook = fresh.account if fresh.flags & FLAG_WEBHOOK else b""
            bodies = fresh.bodies
            if self._rewrites:
                bodies = self._rewritten(records.route_of(data), bodies)
            message = Message(message_id, hook, fresh.deadline_ms, len(bodies))
            for number, body in enumerate(bodies):
                append(Segment(message, number, body))
        self._go_on()

    def _take_again(self, message_id: bytes, record: records.Record, now: int) -> None:
        """A message that was tried before; of it, what no carrier has taken."""
        message = self._resent.get(message_id)
        if message is None:
            hook = record.account.encode() if record.flags & FLAG_WEBHOOK else b""
            message = Message(message_id, hook, record.deadline_ms, len(record.bodies))
        for number, state in enumerate(record.segment_states()):
            if state >= State.SENT:
                message.missing &= ~(1 << number)
        if not message.missing:
            self.consumer.settle(message_id)
            return
        if record.due_ms is not None and record.due_ms > now:
            self.consumer.retry(message_id, message_id, record.due_ms)  # replaced
            return
        if message.deadline_ms <= now:
            message.missing = 0
            self._expired(message_id)
            return
        self.duplicates_suspected += record.is_uncertain
        message.attempts = record.attempts
        if nacks := record.nacks:
            message.in_trouble().nacks = nacks
        left = [
            Segment(message, number, body)
            for number, body in enumerate(self._rewritten(record.route, record.bodies))
            if message.lacks(number)
        ]
        message.open = len(left)
        self._backlog.rest.extend(left)

    def _rewritten(self, route: str, bodies: list[bytes]) -> list[bytes]:
        """With addresses as the message's route wants them."""
        rewrite = self._rewrites.get(route)
        return bodies if rewrite is None else [rewrite.written(body) for body in bodies]

    def _go_on(self) -> None:
        if self._is_shut:
            self._give_back()
        else:
            self._pump()

    def _pump(self) -> None:
        """Send while there is room. HOT PATH."""
        backlog, upstream = self._backlog, self._upstream
        first, rest = backlog.first, backlog.rest
        room = upstream.room if first or rest else 0
        now = self._now_ms() if room else 0
        while room > 0 and (first or rest):
            if self._bucket is not None and self._must_wait(self._bucket):
                return
            if first:
                segment = first.pop(0)
            else:
                segment = rest.popleft()
                segment.order = self.sent + 1
            if segment.message.deadline_ms <= now:
                self._too_late(segment.message)
                continue
            body = segment.body
            if self._addresses is not None:
                body = self._addresses.written(body)
            try:
                segment.via = upstream.submit(body, segment)
            except NotCarried as error:
                self._not_carried(segment.message, str(error))
                continue
            room -= 1
            self.sent += 1
            self._in_flight += 1

    def _must_wait(self, bucket: TokenBucket) -> bool:
        """Whether the upstream's throughput is used up now."""
        wait = bucket.take(self._clock.seconds())
        if wait and self._tokens_call is None:
            self._tokens_call = self._clock.callLater(wait, self._tokens_came)
        return bool(wait)

    def _tokens_came(self) -> None:
        self._tokens_call = None
        self.changed()

    def _too_late(self, message: Message) -> None:
        """The validity of a message has ended before a segment of it was sent."""
        message.in_trouble().end = (State.EXPIRED, _EXPIRED)
        message.open -= 1
        self._withdraw(message)
        self._decide(message)

    def _not_carried(self, message: Message, why: str) -> None:
        """This carrier can never be sent a segment: the message ends here."""
        self._not_carried_count += 1
        if is_worth_saying(self._not_carried_count):
            self.log.warn(
                "a message can not go to {upstream}: {why} ({count} so far)",
                upstream=self._config.name,
                why=why,
                count=self._not_carried_count,
            )
        self._reject(message, Status.ESME_ROPTPARNOTALLWD)
        message.open -= 1
        self._withdraw(message)
        self._decide(message)

    def _reject(self, message: Message, command_status: int) -> None:
        """It ends once nothing of it is under way."""
        why = _REJECTED % (self._name, err(command_status))
        message.in_trouble().end = (State.REJECTED, why)

    def _withdraw(self, message: Message, number: int | None = None) -> None:
        """Do not send what is not sent yet of a message, or that segment of it."""
        if message.open:
            message.open -= self._backlog.withdraw(message, number)

    def _give_back(self) -> None:
        """Put what is not sent back at the head of the queue, in its order."""
        if self.consumer.is_asking:
            return  # what the claim brings is younger: it goes back with the rest
        segments = self._backlog.clear()
        for segment in segments:
            segment.message.open -= 1
        for message in reversed(dict.fromkeys(each.message for each in segments)):
            self._decide(message)

    # -- what the carrier says ---------------------------------------------------------

    def answered(
        self, context: object, command_status: int, message_id: bytes, *, late: bool
    ) -> None:
        """A submit_sm_resp. HOT PATH."""
        assert isinstance(context, Segment)  # noqa: S101 - our own context comes back
        if late:
            self._answered_late(context, command_status, message_id)
            return
        self._in_flight -= 1
        context.message.open -= 1
        if command_status == 0:
            self._taken(context, message_id)
        else:
            self._refused(context, command_status)

    def _answered_late(
        self, segment: Segment, command_status: int, message_id: bytes
    ) -> None:
        """An answer to a submit that was uncertain, and may have been repeated."""
        message, trouble = segment.message, segment.message.trouble
        if trouble is not None and segment in trouble.uncertain:
            trouble.uncertain.remove(segment)
            if not trouble.uncertain:
                trouble.hold = None
                self._doubtful.pop(message.id, None)
        elif command_status:
            return  # the last try decides
        else:
            self._withdraw(message, segment.number)
        if command_status == 0:
            self._taken(segment, message_id)
        else:
            self._refused(segment, command_status)

    def on_hold(self) -> list[Segment]:
        """The segments of which nobody knows whether the carrier has them."""
        return [
            segment
            for message in self._doubtful.values()
            if message.trouble is not None
            for segment in message.trouble.uncertain
        ]

    def settle_by_receipt(
        self, segment: Segment, carrier_id: bytes, raw_id: bytes
    ) -> None:
        """A segment on hold turned out to be with the carrier: it has sent a receipt.

        ``carrier_id`` is the receipt's, canonical; ``raw_id`` as it came.
        """
        trouble = segment.message.trouble
        if trouble is None or segment not in trouble.uncertain:
            return  # it was settled meanwhile
        trouble.uncertain.remove(segment)
        if not trouble.uncertain:
            trouble.hold = None
            self._doubtful.pop(segment.message.id, None)
        self._taken(segment, raw_id, carrier_id)
        self._decide(segment.message)

    def _taken(
        self, segment: Segment, raw_id: bytes, carrier_id: bytes | None = None
    ) -> None:
        """The carrier has a segment: with the last one, the message is SENT.

        ``carrier_id``: the canonical id, if it is known otherwise than by ``raw_id``.
        """
        message = segment.message
        missing = message.missing
        message.missing = left = missing & ~(1 << segment.number)
        last = missing != 0 and left == 0
        if last:
            self.consumer.held.discard(message.id)
            if message.trouble is not None:
                self._forget(message)
        config = self._config
        if carrier_id is None:
            carrier_id = canonical(raw_id, config.resp_id) if raw_id else b""
        self._journal.sent(
            self.consumer.queue,
            message.id,
            segment.number,
            config.name,
            carrier_id,
            raw_id,
            last=last,
            webhook=message.hook if last else b"",
            done=self._settled,
        )
        if left:
            self._decide(message)

    def _refused(self, segment: Segment, command_status: int) -> None:
        message = segment.message
        answer = self._classify(command_status)
        self._refusals.note(command_status)
        if not message.lacks(segment.number):
            pass  # the second copy of what the carrier has
        elif answer is Answer.THROTTLE or answer is Answer.SESSION:
            self._upstream.hold_back(segment.via, THROTTLE_S)
            if not self._stopping and not self._is_over(message):
                message.open += 1
                self._backlog.put_first(segment)
        elif answer is Answer.PERMANENT or self._is_nacked_out(message, command_status):
            self._reject(message, command_status)
            self._withdraw(message)
        else:
            trouble = message.in_trouble()
            if trouble.refusal is None or not trouble.refusal & NACK:
                trouble.refusal = command_status
        self._decide(message)

    @staticmethod
    def _is_nacked_out(message: Message, command_status: int) -> bool:
        """Whether a generic_nack came after too many tries that ended so."""
        if not command_status & NACK:
            return False
        return message.in_trouble().nacks >= MAX_NACKS

    @staticmethod
    def _is_over(message: Message) -> bool:
        return message.trouble is not None and message.trouble.end is not None

    def _decide(self, message: Message) -> None:
        """Once nothing of a message is open here: end it, or give it back."""
        if message.open or message.id not in self.consumer.held:
            return
        trouble = message.trouble
        if trouble is None:
            self.consumer.retry(message.id, message.id, None)
        elif trouble.end is not None:
            self._end(message, *trouble.end)
        elif trouble.hold is None:
            if trouble.uncertain and self._config.uncertain == "unknown":
                why = _UNKNOWN % self._name
                self._end(message, State.UNKNOWN_FOR_GOOD, why)
            else:
                self._try_again(message)

    def _try_again(self, message: Message) -> None:
        """Give a message back: in doubt, refused for now, both or neither."""
        trouble = message.in_trouble()
        now = self._now_ms()
        event, due_ms = b"", None
        if trouble.uncertain:
            event = records.event(
                records.UNCERTAIN, now, records.EVERY_SEGMENT, self._name
            )
            self._resent[message.id] = message
        if trouble.refusal is not None:
            why = b"%s\0%d" % (self._name, trouble.refusal & ~NACK)
            if trouble.refusal & NACK:
                why += records.NACKED
            event += records.event(records.REQUEUED, now, records.EVERY_SEGMENT, why)
            wait_ms = 1000 * retry_after(message.attempts + 1)
            due_ms = min(now + wait_ms, message.deadline_ms)
        self._forget(message)
        self.consumer.retry(message.id, message.id, due_ms, event)

    def _forget(self, message: Message) -> None:
        message.trouble = None
        self._doubtful.pop(message.id, None)

    def _end(self, message: Message, state: State, why: bytes) -> None:
        message.missing = 0
        self._forget(message)
        self._finish(message.id, state, why)

    def _expired(self, message_id: bytes) -> None:
        self._finish(message_id, State.EXPIRED, _EXPIRED)

    def _finish(self, message_id: bytes, state: State, why: bytes) -> None:
        self.consumer.held.discard(message_id)
        self._journal.finish(self.consumer.queue, message_id, state, why, self._settled)

    def _settled(self, verdict: Verdict, account: str) -> None:
        if verdict is Verdict.REUSED:
            self._reused += 1
            if is_worth_saying(self._reused):
                self.log.warn(
                    "upstream {upstream} gave a message id twice ({count} so far)",
                    upstream=self._config.name,
                    count=self._reused,
                )
        if account:
            self._wake(account)

    # -- uncertain submits (spec/reliability 3.3) --------------------------------------

    def uncertain(self, contexts: list[object], *, may_come: bool) -> None:
        """Submits whose answer has not come."""
        is_first = not self._doubtful
        on_hold: list[Message] = []
        concerned: list[Message] = []
        for segment in contexts:
            assert isinstance(segment, Segment)  # noqa: S101 - our own context
            self._in_flight -= 1
            concerned.append(segment.message)
            self._doubt(segment, on_hold)
        for message in concerned:
            self._decide(message)
        if on_hold:
            self._hold(on_hold)
            if is_first or not may_come:
                self.log.warn(
                    "{count} messages to {upstream} are uncertain: {why}",
                    count=len(on_hold),
                    upstream=self._config.name,
                    why="no answer in time" if may_come else "the link was lost",
                )

    def _doubt(self, segment: Segment, on_hold: list[Message]) -> None:
        """Nobody knows whether the carrier has this segment, unless an earlier try of
        it was answered meanwhile.
        """
        message = segment.message
        message.open -= 1
        if not message.lacks(segment.number):
            return
        trouble = message.in_trouble()
        if not trouble.uncertain:
            trouble.hold = on_hold
            trouble.since_ms = self._now_ms()
            on_hold.append(message)
            self._doubtful[message.id] = message
        trouble.uncertain.append(segment)

    def _hold(self, messages: list[Message]) -> None:
        """Wait for late answers, if that is what the configuration says."""
        waits = self._config.uncertain == "hold_then_resend"
        # Not in this turn even then: what was sent goes back after, that is before,
        # what was not.
        self._clock.callLater(
            self._config.uncertain_hold_s if waits else 0, self._end_hold, messages
        )

    def _end_hold(self, messages: list[Message]) -> None:
        """No answer has come to these, unless their trouble is over or another."""
        for message in reversed(messages):
            trouble = message.trouble
            if trouble is not None and trouble.hold is messages:
                trouble.hold = None
                self._decide(message)
        self.consumer.poke()

    # -- upstream.interface.Listener, the rest -----------------------------------------

    def received(self, sm: Sm, reply: Reply) -> None:
        """A deliver_sm from the carrier."""
        self._received(sm, reply)

    def unreadable(self, command_id: int, command_status: int, body: bytes) -> None:
        """A deliver_sm that could not be read is kept for people to look at."""
        entry = b"%d %08X %02X %b" % (
            self._now_ms(),
            command_id,
            command_status,
            body.hex().encode(),
        )
        key = keys.quarantine(self._config.name)
        self._journal.bound(key, _QUARANTINED, 10, _ignore, entry=entry)

    def changed(self) -> None:
        """Room or binds changed. HOT PATH."""
        backlog = self._backlog
        if backlog.first or backlog.rest:
            self._go_on()
        if len(backlog.rest) < self._upstream.capacity:
            self.consumer.poke()


def _ignore(_count: int) -> None:
    """Nobody waits for it."""

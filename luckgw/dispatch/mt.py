"""Messages to a carrier: claimed while it has room, sent, and settled by its answer."""

from collections import deque
from collections.abc import Callable
from typing import Final

from twisted.internet.interfaces import IDelayedCall, IReactorTime
from twisted.logger import Logger

from luckgw.admission.limits import TokenBucket
from luckgw.config import model
from luckgw.dispatch.answers import Answer, classify, retry_after
from luckgw.dispatch.consumer import Consumer
from luckgw.domain.ids import to_text
from luckgw.domain.states import State
from luckgw.receipts.match import canonical
from luckgw.store import keys, records
from luckgw.store.interface import FLAG_WEBHOOK, Journal, Verdict
from luckgw.upstream.interface import Reply, Upstream
from luckgw.wire.pdus import Sm

#: A throttled bind rests for so long at first.
THROTTLE_S: Final = 1.0
#: Tail of an event, like that of a receipt: upstream, stat, err.
_EXPIRED: Final = b"\0EXPIRED\x00000"


class _Message:
    """A claimed message and what is still open about it."""

    __slots__ = ("attempts", "hook", "id", "open", "problem", "uncertain")

    def __init__(
        self, message_id: bytes, hook: bytes, attempts: int, size: int
    ) -> None:
        self.id = message_id
        self.hook = hook
        """The account whose webhook is told SENT; b"" for none."""
        self.attempts = attempts
        """Tries that a carrier has refused."""
        self.open = size
        """Segments that are not answered yet."""
        self.problem: int | None = None
        """The command_status that will decide, once nothing is open."""
        self.uncertain = 0
        """Segments whose fate is not known."""


class _Job:
    """One segment on its way; the context of its submit."""

    __slots__ = ("body", "is_uncertain", "message", "segment", "via")

    def __init__(self, message: _Message, segment: int, body: bytes) -> None:
        self.message = message
        self.segment = segment
        self.body = body
        self.via: object = None
        self.is_uncertain = False


class MtDispatcher:
    """One upstream's queue, and the upstream. Hears what the carrier says."""

    log = Logger()

    def __init__(  # noqa: PLR0913 - each is a collaborator
        self,
        clock: IReactorTime,
        journal: Journal,
        upstream: Upstream,
        config: model.Upstream,
        now_ms: Callable[[], int],
        received: Callable[[Sm, Reply], None],
        wake: Callable[[str], None],
    ) -> None:
        self._clock = clock
        self._journal = journal
        self._upstream = upstream
        self._config = config
        self._now_ms = now_ms
        self._received = received
        self._wake = wake
        self._consumer = Consumer(
            journal, keys.upstream_queue(config.name), self._free, self._take
        )
        self._queue = self._consumer.queue
        self._backlog: deque[_Job] = deque()
        self._in_flight = 0
        self._uncertain: dict[bytes, tuple[_Message, IDelayedCall]] = {}
        self._bucket = (
            TokenBucket(config.throughput, clock.seconds())
            if config.throughput
            else None
        )
        self._bucket_call: IDelayedCall | None = None
        self._stopping = False
        self.sent = 0
        self.duplicates_suspected = 0

    @property
    def consumer(self) -> Consumer:
        """Claims this upstream's queue."""
        return self._consumer

    def start(self) -> None:
        """Connect the upstream."""
        self._upstream.start(self)

    def poke(self) -> None:
        """Something was queued. HOT PATH."""
        self._consumer.poke()

    def stop_claiming(self) -> None:
        """Take nothing new, and give back what was not sent yet."""
        self._stopping = True
        self._give_back()

    # -- claiming and sending ----------------------------------------------------------

    def _free(self) -> int:
        """How many messages to claim: the windows' worth waits beside the windows."""
        if self._stopping:
            return 0
        return 2 * self._upstream.capacity - self._in_flight - len(self._backlog)

    def _take(self, pairs: list[tuple[bytes, bytes]]) -> None:
        now = self._now_ms()
        backlog = self._backlog
        for message_id, data in pairs:
            fresh = records.waiting(data)
            if fresh is None:
                self._take_again(message_id, records.decode(data), now)
                continue
            if fresh.deadline_ms <= now:
                self._finish(message_id, State.EXPIRED, _EXPIRED)
                continue
            hook = fresh.account if fresh.flags & FLAG_WEBHOOK else b""
            bodies = fresh.bodies
            message = _Message(message_id, hook, 0, len(bodies))
            for segment, body in enumerate(bodies):
                backlog.append(_Job(message, segment, body))
        self._pump()

    def _take_again(self, message_id: bytes, record: records.Record, now: int) -> None:
        """A message that was tried before; segments that a carrier took stay with it."""
        if record.deadline_ms <= now:
            self._finish(message_id, State.EXPIRED, _EXPIRED)
            return
        if record.is_uncertain:
            self.duplicates_suspected += 1
        states, _ = record.segment_states()
        left = [
            (segment, body)
            for segment, body in enumerate(record.bodies)
            if states[segment] < State.SENT
        ]
        if not left:
            self._consumer.settle(message_id)
            return
        hook = record.account.encode() if record.flags & FLAG_WEBHOOK else b""
        message = _Message(message_id, hook, record.attempts, len(left))
        for segment, body in left:
            self._backlog.append(_Job(message, segment, body))

    def _pump(self) -> None:
        """Send while there is room. HOT PATH."""
        backlog, upstream = self._backlog, self._upstream
        if not backlog:
            return
        room = upstream.room
        bucket = self._bucket
        while room > 0 and backlog:
            if bucket is not None and (wait := bucket.take(self._clock.seconds())):
                if self._bucket_call is None:
                    self._bucket_call = self._clock.callLater(wait, self._tokens_came)
                return
            job = backlog.popleft()
            self._in_flight += 1
            room -= 1
            job.via = upstream.submit(job.body, job)
            self.sent += 1

    def _tokens_came(self) -> None:
        self._bucket_call = None
        self.changed()

    def _give_back(self) -> None:
        """Put unsent messages back at the head of the queue, in their order."""
        jobs, self._backlog = self._backlog, deque()
        seen: dict[bytes, _Message] = {}
        for job in jobs:
            job.message.open -= 1
            seen[job.message.id] = job.message
        for message in reversed(seen.values()):
            if message.open == 0 and message.uncertain == 0:
                self._consumer.retry(message.id, message.id, None)
            # else: what is under way decides, and unsent segments go with the retry.
            elif message.problem is None:
                message.problem = -1

    # -- what the carrier says -------------------------------------------------------------

    def answered(
        self, context: object, command_status: int, message_id: bytes, *, late: bool
    ) -> None:
        """A submit_sm_resp. HOT PATH."""
        assert isinstance(context, _Job)  # noqa: S101 - our own context comes back
        message = context.message
        if late:
            if message.id not in self._uncertain:
                # Given up and requeued: only a ROK still says something of use.
                if command_status == 0:
                    self._sent(context, message_id, last=False)
                return
            message.uncertain -= 1
            context.is_uncertain = False
        else:
            self._in_flight -= 1
            message.open -= 1
        if command_status == 0:
            if message.open == 0 and message.uncertain == 0 and message.problem is None:
                self._forget_uncertain(message)
                self._consumer.held.discard(message.id)
                self._sent(context, message_id, last=True)
            else:
                self._sent(context, message_id, last=False)
                self._decide(message)
            return
        self._refused(context, command_status)

    def _sent(self, job: _Job, raw_id: bytes, *, last: bool) -> None:
        message = job.message
        self._journal.sent(
            self._queue,
            message.id,
            job.segment,
            self._config.name,
            canonical(raw_id, self._config.resp_id) if raw_id else b"",
            raw_id,
            last=last,
            webhook=message.hook if last else b"",
            done=self._settled,
        )

    def _refused(self, job: _Job, command_status: int) -> None:
        message = job.message
        answer = classify(command_status)
        if answer is Answer.THROTTLE or answer is Answer.SESSION:
            # It goes first when the bind resumes.
            self._upstream.hold_back(job.via, THROTTLE_S)
            if self._stopping:
                message.problem = command_status
                self._decide(message)
            else:
                message.open += 1
                self._backlog.appendleft(job)
            return
        if message.problem is None or answer is Answer.PERMANENT:
            message.problem = command_status
        self._decide(message)

    def _decide(self, message: _Message) -> None:
        """Once nothing of a message is open: finish it, or try it again."""
        if message.open > 0 or message.uncertain > 0 or message.problem is None:
            return
        self._forget_uncertain(message)
        status = message.problem
        if status < 0:
            self._consumer.retry(message.id, message.id, None)
        elif classify(status) is Answer.PERMANENT:
            self._finish(
                message.id, State.REJECTED, b"%s\0REJECTD\0%03d" % (self._name, status)
            )
        else:
            due = self._now_ms() + 1000 * retry_after(message.attempts + 1)
            event = records.event(
                records.REQUEUED,
                self._now_ms(),
                records.EVERY_SEGMENT,
                b"%s\0%d" % (self._name, status),
            )
            self._consumer.retry(message.id, message.id, due, event)

    @property
    def _name(self) -> bytes:
        return self._config.name.encode()

    def _finish(self, message_id: bytes, state: State, why: bytes) -> None:
        self._consumer.held.discard(message_id)
        self._journal.finish(self._queue, message_id, state, why, self._settled)

    def _settled(self, verdict: Verdict, account: str) -> None:
        if verdict is Verdict.REUSED:
            self.log.warn(
                "upstream {upstream} gave a message id twice",
                upstream=self._config.name,
            )
        if account:
            self._wake(account)

    # -- uncertain submits (spec/reliability 3.3) --------------------------------------------

    def uncertain(self, contexts: list[object], *, may_come: bool) -> None:
        """Submits whose answer never came."""
        for job in contexts:
            assert isinstance(job, _Job)  # noqa: S101 - our own context comes back
            message = job.message
            if job.is_uncertain:
                continue  # it timed out before, and now its link is gone as well
            job.is_uncertain = True
            self._in_flight -= 1
            message.open -= 1
            message.uncertain += 1
            if message.id not in self._uncertain:
                hold = self._config.uncertain_hold_s
                if self._config.uncertain != "hold_then_resend":
                    hold = 0
                call = self._clock.callLater(hold, self._give_up_waiting, message)
                self._uncertain[message.id] = (message, call)
        if contexts:
            self.log.warn(
                "{count} submits to {upstream} are uncertain (late answer possible: {may_come})",
                count=len(contexts),
                upstream=self._config.name,
                may_come=may_come,
            )

    def _give_up_waiting(self, message: _Message) -> None:
        if message.open > 0:
            # Segments of it are still under way: look again when they are answered.
            _, call = self._uncertain[message.id]
            self._uncertain[message.id] = (
                message,
                self._clock.callLater(1.0, self._give_up_waiting, message),
            )
            return
        del self._uncertain[message.id]
        message.uncertain = 0
        if self._config.uncertain == "unknown":
            self._finish(message.id, State.UNKNOWN, self._name + b"\0UNKNOWN\x00000")
            return
        event = records.event(
            records.UNCERTAIN, self._now_ms(), records.EVERY_SEGMENT, self._name
        )
        self.log.info(
            "message {id} is sent again: no answer from {upstream}",
            id=to_text(message.id),
            upstream=self._config.name,
        )
        self._consumer.retry(message.id, message.id, None, event)
        self._consumer.poke()

    def _forget_uncertain(self, message: _Message) -> None:
        held = self._uncertain.pop(message.id, None) if self._uncertain else None
        if held is not None and held[1].active():
            held[1].cancel()

    def received(self, sm: Sm, reply: Reply) -> None:
        """A deliver_sm from the carrier."""
        self._received(sm, reply)

    def changed(self) -> None:
        """Room or binds changed."""
        if self._backlog:
            if self._upstream.capacity == 0:
                self._give_back()
                return
            self._pump()
        if len(self._backlog) < self._upstream.capacity:
            self._consumer.poke()

    # -- while nothing is bound ------------------------------------------------------------------

    def expire(self) -> None:
        """Look for messages whose validity ended while the carrier is away."""
        if self._upstream.capacity > 0 or self._stopping or not self._journal.is_open:
            return
        self._journal.claim(self._queue, 100, self._expired)

    def _expired(self, pairs: list[tuple[bytes, bytes]]) -> None:
        now = self._now_ms()
        expired = 0
        for message_id, data in reversed(pairs):
            if records.decode(data).deadline_ms <= now:
                expired += 1
                self._finish(message_id, State.EXPIRED, _EXPIRED)
            else:
                self._journal.retry(self._queue, message_id, message_id, None, b"")
        if expired and expired == len(pairs):
            self.expire()

    # -- for people who look ------------------------------------------------------------------------

    def status(self) -> dict[str, object]:
        """What ``luckgw status`` shows of this upstream."""
        return {
            "up": self._upstream.is_up,
            "in_flight": self._in_flight,
            "backlog": len(self._backlog),
            "uncertain": len(self._uncertain),
            "sent": self.sent,
        }

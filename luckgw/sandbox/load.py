"""The load generator over SMPP: what a partner sends, and whether all of it came back.

It plays an ESME with several binds, in a closed loop (as fast as its windows let) or an
open one (so many a second). Every message_id is kept until its receipt came.
"""

import random
from collections import Counter
from collections.abc import Callable
from typing import Any, Final, cast

import attrs
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReactorTime, IStreamClientEndpoint
from twisted.internet.protocol import Factory
from twisted.internet.task import LoopingCall
from twisted.logger import Logger

from luckgw.link.flusher import Flusher
from luckgw.link.session import SmppSession
from luckgw.receipts.parse import parse
from luckgw.sandbox.load_report import Latencies, Receipts, Report, per_second
from luckgw.wire.connection import Connection, Role, Settings
from luckgw.wire.events import (
    Answered,
    BindRefused,
    Bound,
    Closing,
    Request,
    TimedOut,
    UnbindDone,
    Unbound,
)
from luckgw.wire.pdus import MAX_SHORT_MESSAGE, Command, Sm, Tag, encode_sm

TICK_S: Final = 0.005
"""An open loop sends what is due so often."""

_SUBMIT_SM: Final = int(Command.SUBMIT_SM)
_MANY = 100_000
_BIND_WITHIN_S = 15.0
_UNBIND_WITHIN_S = 5.0
_MATCHED = -1.0
_NUMBER = b"NNNNNNNNN"
_RECIPIENT = b"RRRRRRR"


class LoadError(Exception):
    """The run could not begin. The text is for people."""


@attrs.frozen
class SmppPlan:
    """What to send. Times in seconds."""

    system_id: str
    password: str = attrs.field(repr=False)
    binds: int = 4
    """Transceivers."""
    window: int = 50
    """Unanswered submit_sm of each."""
    count: int = 1000
    rate: float = 0.0
    """submit_sm a second over all binds; 0: as fast as the windows let."""
    source: str = "LuckCreators"
    to_prefix: str = "23350"
    """Seven digits follow, of which the last four never call for a sandbox recipe."""
    text: str = "Hello {n}"
    """``{n}`` is the message's number, nine digits."""
    receipts: bool = True
    """Whether to ask for receipts."""
    wait_receipts_s: float = 30.0
    """After the last answer: how long to wait for the receipts that are missing."""
    response_s: float = 30.0
    """A submit_sm without an answer for so long is given up."""


def body_maker(plan: SmppPlan) -> Callable[[int, int], bytes]:
    """A function of the message's number and its recipient's seven digits that gives
    the body of its submit_sm, by filling in a template: encoding costs ten times more.
    """
    text = plan.text.encode().replace(b"{n}", _NUMBER)
    is_long = len(text) > MAX_SHORT_MESSAGE
    template = encode_sm(
        source_addr_ton=5 if not plan.source.isdigit() else 1,
        source_addr_npi=0 if not plan.source.isdigit() else 1,
        source_addr=plan.source.encode(),
        dest_addr_ton=1,
        dest_addr_npi=1,
        destination_addr=plan.to_prefix.encode() + _RECIPIENT,
        registered_delivery=1 if plan.receipts else 0,
        short_message=b"" if is_long else text,
        tlvs={Tag.MESSAGE_PAYLOAD: text} if is_long else None,
    )
    form = template.replace(b"%", b"%%").replace(_RECIPIENT, b"%(to)07d", 1)
    form = form.replace(_NUMBER, b"%(n)09d")
    return lambda number, recipient: form % {b"n": number, b"to": recipient}


def recipient_source(draw: Callable[[], float]) -> Callable[[], int]:
    """A function that gives a recipient's seven digits, the last four 1000 or more.

    ``draw`` gives numbers of [0, 1).
    """

    def recipient() -> int:
        high, low = divmod(int(draw() * 9_000_000), 9000)
        return high * 10_000 + 1000 + low

    return recipient


class LoadSession(SmppSession):
    """One bind."""

    log = Logger()

    def __init__(
        self, clock: IReactorTime, flusher: Flusher, wire: Connection, load: "SmppLoad"
    ) -> None:
        super().__init__(clock, flusher, wire)
        self._load = load
        self.bound: Deferred[None] = Deferred()
        """Fires when the SMSC took the bind, fails when it did not."""

    def connectionMade(self) -> None:
        """Connected: bind."""
        super().connectionMade()
        plan, now = self._load.plan, self.clock.seconds()
        self.wire.bind(
            Command.BIND_TRANSCEIVER,
            plan.system_id.encode(),
            plan.password.encode(),
            b"",
            now,
        )
        self.flusher.mark(self)

    def handle(self, events: list[Any]) -> None:
        """What the SMSC says. HOT PATH."""
        load, now = self._load, self.clock.seconds()
        for event in events:
            kind = type(event)
            if kind is Answered:
                load.answered(event, now)
            elif kind is Sm:
                load.received(event, now)
                self.wire.answer_message(event.command_id, event.sequence_number, b"")
            else:
                self._rare(event)
        load.changed(self)

    def _rare(self, event: Any) -> None:
        if isinstance(event, Bound):
            self.bound.callback(None)
        elif isinstance(event, BindRefused):
            status = event.command_status
            self._not_bound(f"the bind was refused with 0x{status:02X}")
            self.close()
        elif isinstance(event, TimedOut):
            self._load.lost([event.context])
        elif isinstance(event, Request):
            self.wire.answer(event, 0x03)
        elif isinstance(event, Closing):
            self._not_bound(event.reason)
            self.close()
        elif isinstance(event, Unbound | UnbindDone):
            self.close()

    def _not_bound(self, reason: str) -> None:
        if not self.bound.called:
            self.bound.errback(LoadError(reason))

    def submit(self, body: bytes, now: float) -> None:
        """Send one; there has to be room. HOT PATH."""
        self.wire.send(_SUBMIT_SM, body, now, now)

    def unbind(self) -> Deferred[None]:
        """Leave; fires when the connection is over."""
        self.wire.unbind(self.clock.seconds())
        self.flush()
        late = self.clock.callLater(_UNBIND_WITHIN_S, self.abort)
        return self.when_gone().addCallback(
            lambda _: late.cancel() if late.active() else None
        )

    def resumed(self) -> None:
        """The SMSC reads again."""
        self._load.changed(self)

    def gone(self, unanswered: list[object], reason: str) -> None:
        """The connection is over."""
        self._not_bound(reason)
        self._load.session_gone(self, unanswered)


class SmppLoad:
    """One run of a plan. ``draw`` gives random numbers of [0, 1)."""

    def __init__(
        self,
        clock: IReactorTime,
        endpoint: IStreamClientEndpoint,
        plan: SmppPlan,
        draw: Callable[[], float] = random.random,
    ) -> None:
        self.plan = plan
        self._clock = clock
        self._endpoint = endpoint
        self._flusher = Flusher(clock)
        self._body = body_maker(plan)
        self._recipient = recipient_source(draw)
        self._sessions: list[LoadSession] = []
        self._pacing = LoopingCall(self._tick)
        self._pacing.clock = clock
        self._counts = _Counts()
        self._is_leaving = False
        self._allowed = 0
        """How many may be sent by now."""
        self._started_at = self._answered_at = self._matched_at = 0.0
        self._responses = Latencies()
        self._receipts = Latencies()
        # When each id was sent, _MATCHED once its receipt came; and when the receipts
        # came whose ids no response has named yet.
        self._sent_at: dict[bytes, float] = {}
        self._early: dict[bytes, float] = {}
        self._all_answered: Deferred[None] = Deferred()
        self._all_matched: Deferred[None] = Deferred()

    async def run(self) -> Report:
        """Bind, send, wait, unbind. Raises ``LoadError`` when the binds fail."""
        await self._bind()
        self._started_at = self._clock.seconds()
        if self.plan.rate:
            self._pacing.start(TICK_S)
        else:
            self._allowed = self.plan.count
            self._send()
        await self._all_answered
        if self._pacing.running:
            self._pacing.stop()
        if self.plan.receipts:
            late = self._clock.callLater(self.plan.wait_receipts_s, self._give_up)
            await self._all_matched
            if late.active():
                late.cancel()
        connections = len(self._sessions)
        await self._unbind()
        return self._report(connections)

    # The beginning and the end

    async def _bind(self) -> None:
        plan = self.plan
        settings = Settings(
            window=plan.window, inbound_window=_MANY, response_s=plan.response_s
        )

        binds: list[Deferred[None]] = []

        def build() -> LoadSession:
            wire = Connection(Role.ESME, settings, self._clock.seconds())
            session = LoadSession(self._clock, self._flusher, wire, self)
            self._sessions.append(session)
            binds.append(session.bound)
            return session

        try:
            for _ in range(plan.binds):
                factory = Factory.forProtocol(build)
                factory.noisy = False
                await self._endpoint.connect(factory)
            for bound in binds:
                await bound.addTimeout(_BIND_WITHIN_S, self._clock)
        except Exception as error:
            for bound in binds:
                bound.addErrback(lambda _: None)
            await self._unbind()
            raise LoadError(f"cannot bind: {error}") from error

    async def _unbind(self) -> None:
        self._is_leaving = True
        for gone in [session.unbind() for session in self._sessions]:
            await gone

    def _give_up(self) -> None:
        if not self._all_matched.called:
            self._all_matched.callback(None)

    def _check(self) -> None:
        """Go on with ``run`` when what it waits for has come, or cannot come."""
        counts = self._counts
        is_cut_off = not self._sessions
        if not self._all_answered.called:
            if counts.answered < self.plan.count and not is_cut_off:
                return
            self._all_answered.callback(None)
        if counts.matched >= counts.accepted or is_cut_off:
            self._give_up()

    def session_gone(self, session: LoadSession, unanswered: list[object]) -> None:
        """A connection is over, by our unbind or not."""
        self._sessions.remove(session)
        if not self._is_leaving:
            self._counts.lost_connections += 1
        self.lost(unanswered)
        self._check()

    # Sending

    def _tick(self) -> None:
        """Open loop: what is due by now may go."""
        due = int((self._clock.seconds() - self._started_at) * self.plan.rate) + 1
        self._allowed = min(self.plan.count, due)
        self._send()

    def _send(self) -> None:
        for session in self._sessions:
            self.changed(session)

    def changed(self, session: LoadSession) -> None:
        """There may be room, or an end. HOT PATH."""
        counts = self._counts
        room = self._allowed - counts.sent
        if room > 0 and not session.is_stalled:
            room = min(room, session.wire.room)
            now = self._clock.seconds()
            for number in range(counts.sent, counts.sent + room):
                session.submit(self._body(number, self._recipient()), now)
            counts.sent += room
            if room:
                self._flusher.mark(session)
        self._check()

    # Answers and receipts

    def answered(self, event: Answered, now: float) -> None:
        """A submit_sm was answered. HOT PATH."""
        counts = self._counts
        if event.late:
            return
        counts.answered += 1
        self._answered_at = now
        if event.command_status:
            counts.errors[f"0x{event.command_status:02X}"] += 1
            return
        counts.accepted += 1
        sent_at = cast("float", event.context)
        self._responses.add(now - sent_at)
        message_id = event.message_id
        if message_id in self._sent_at:
            counts.duplicate_ids += 1
        elif message_id in self._early:
            self._sent_at[message_id] = _MATCHED
            self._match(sent_at, self._early.pop(message_id))
        else:
            self._sent_at[message_id] = sent_at

    def lost(self, contexts: list[object]) -> None:
        """These will not be answered any more."""
        self._counts.answered += len(contexts)
        self._counts.unanswered += len(contexts)

    def received(self, sm: Sm, now: float) -> None:
        """A deliver_sm came. HOT PATH."""
        receipt = parse(sm.esm_class, sm.short_message, sm.tlvs)
        if receipt is None or receipt.intermediate:
            return
        counts = self._counts
        counts.receipts += 1
        message_id = receipt.message_id
        sent_at = self._sent_at.get(message_id)
        if sent_at is None:
            if message_id in self._early:
                counts.duplicates += 1
                return
            self._early[message_id] = now
        elif sent_at == _MATCHED:
            counts.duplicates += 1
            return
        else:
            self._sent_at[message_id] = _MATCHED
            self._match(sent_at, now)
        counts.stat[receipt.stat] += 1

    def _match(self, sent_at: float, now: float) -> None:
        self._counts.matched += 1
        self._matched_at = max(self._matched_at, now)
        self._receipts.add(now - sent_at)

    # The report

    def _report(self, connections: int) -> Report:
        counts = self._counts
        seconds = max(0.0, self._answered_at - self._started_at)
        receipts = self._receipts_report() if self.plan.receipts else None
        is_complete = receipts is None or (receipts.missing == receipts.unknown == 0)
        return Report(
            mode="smpp",
            connections=connections,
            sent=counts.sent,
            accepted=counts.accepted,
            errors=dict(counts.errors),
            unanswered=counts.unanswered,
            lost_connections=counts.lost_connections,
            duplicate_ids=counts.duplicate_ids,
            seconds=round(seconds, 3),
            rate=per_second(counts.accepted, seconds),
            response_ms=self._responses.quantiles_ms(),
            receipts=receipts,
            ok=is_complete
            and counts.accepted == self.plan.count
            and counts.duplicate_ids == counts.lost_connections == 0,
        )

    def _receipts_report(self) -> Receipts:
        counts = self._counts
        return Receipts(
            received=counts.receipts,
            matched=counts.matched,
            missing=counts.accepted - counts.matched,
            duplicates=counts.duplicates,
            unknown=len(self._early),
            stat=dict(counts.stat),
            rate=per_second(counts.matched, self._matched_at - self._started_at),
            latency_ms=self._receipts.quantiles_ms(),
        )


@attrs.define
class _Counts:
    """What happened so far."""

    sent: int = 0
    answered: int = 0
    """Accepted, refused, or given up."""
    accepted: int = 0
    unanswered: int = 0
    lost_connections: int = 0
    duplicate_ids: int = 0
    receipts: int = 0
    matched: int = 0
    duplicates: int = 0
    errors: Counter[str] = attrs.Factory(Counter)
    stat: Counter[str] = attrs.Factory(Counter)

"""The built-in SMSC: a carrier to try things with, on real sockets.

It takes binds, answers every submit_sm with an id and sends its receipt, and misbehaves
on demand (``recipes``). What it was given and not yet reported it keeps in memory only.
"""

import hmac
import itertools
from collections import OrderedDict, deque
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any, Final

import attrs
from twisted.application.service import Service
from twisted.internet.defer import (
    Deferred,
    DeferredList,
    ensureDeferred,
    maybeDeferred,
)
from twisted.internet.interfaces import (
    IAddress,
    IListeningPort,
    IReactorTime,
    IStreamServerEndpoint,
)
from twisted.internet.protocol import Factory
from twisted.logger import Logger

from luckgw.domain.ids import to_text, uuid_source
from luckgw.domain.status import Status
from luckgw.link.flusher import Flusher
from luckgw.link.session import SmppSession
from luckgw.receipts.compose import receipt_body
from luckgw.sandbox.agenda import Agenda
from luckgw.sandbox.recipes import BY_DIGITS, DELIVERED, Recipe, Report
from luckgw.wire.connection import Connection, Role, Settings
from luckgw.wire.events import (
    Answered,
    BindRequested,
    Closing,
    Malformed,
    Request,
    TimedOut,
    UnbindDone,
    Unbound,
)
from luckgw.wire.pdus import Command, Sm
from luckgw.wire.session import BOUND

ID_FORMATS = ("dec", "hex", "uuid")

_DELIVER_SM: Final = int(Command.DELIVER_SM)
_DATA_SM: Final = int(Command.DATA_SM)
_NO_LIMIT = 1_000_000
"""For the inbound window: the sandbox answers at once, or (a recipe) never."""
_REPEAT_S = 5.0
"""A receipt that was refused for the moment is sent again after so long."""
_UNBIND_S = 5.0
_REMEMBERED = 10_000
"""Messages whose refusals are counted."""
_UDHI = 0x40
_SUCCESS_OR_FAILURE = 1
_FAILURE = 2
_TEXT_CODINGS = (0, 1)

#: deliver_sm_resp statuses that mean "do not send it again" (spec/reliability 2.4).
_FOR_GOOD = frozenset({Status.ESME_RX_P_APPN, Status.ESME_RX_R_APPN})

#: What the sandbox does not do, with the answer of an SMSC that cannot do it just now.
_UNSUPPORTED: Mapping[int, Status] = {
    Command.QUERY_SM: Status.ESME_RQUERYFAIL,
    Command.CANCEL_SM: Status.ESME_RCANCELFAIL,
    Command.REPLACE_SM: Status.ESME_RREPLACEFAIL,
    Command.SUBMIT_MULTI: Status.ESME_RSUBMITFAIL,
}


def _one_of(*allowed: str) -> Callable[[object, object, str], None]:
    def check(_record: object, _attribute: object, value: str) -> None:
        if value not in allowed:
            raise ValueError(f"{value!r} is not one of {', '.join(allowed)}")

    return check


@attrs.frozen
class SmscSettings:
    """How the sandbox is set up."""

    system_id: str = "sandbox"
    """Who may bind; also how the sandbox calls itself."""
    password: str = attrs.field(default="sandbox", repr=False)
    id_format: str = attrs.field(default="dec", validator=_one_of(*ID_FORMATS))
    """Message ids as decimal or hexadecimal numbers, or UUIDs."""
    receipt_delay_s: float = 0.0
    """From the submit_sm to its receipt."""
    receipt_window: int = 1000
    """deliver_sm that a session may leave unanswered."""
    max_kept: int = 200_000
    """Receipts kept while nobody takes them; further ones are dropped and counted."""
    recipes: bool = True
    """False: every message is delivered, whatever its number."""


@attrs.define
class Counts:
    """What happened so far."""

    submitted: int = 0
    accepted: int = 0
    refused: int = 0
    receipts_sent: int = 0
    """deliver_sm sent, repeats included."""
    receipts_done: int = 0
    """Acknowledged by the ESME."""
    receipts_dropped: int = 0
    """Refused for good, or one too many to keep."""
    receipts_unknown: int = 0
    """Made up, of ids that were never given (sandbox.mixed)."""
    malformed: int = 0


class SmscSession(SmppSession):
    """One ESME's connection to the sandbox."""

    log = Logger()

    def __init__(
        self, clock: IReactorTime, flusher: Flusher, wire: Connection, smsc: "Smsc"
    ) -> None:
        super().__init__(clock, flusher, wire)
        self._smsc = smsc

    @property
    def room(self) -> int:
        """How many receipts can be sent now."""
        return 0 if self.is_stalled else self.wire.room

    def handle(self, events: list[Any]) -> None:
        """What the ESME says. HOT PATH: one call for each read."""
        smsc = self._smsc
        for event in events:
            kind = type(event)
            if kind is Sm:
                smsc.submitted(self, event)
            elif kind is Answered:
                smsc.answered(event)
            elif kind is TimedOut:
                smsc.repeat([event.context])
            else:
                self._rare(event)
        smsc.send_receipts(self)

    def _rare(self, event: Any) -> None:
        if isinstance(event, BindRequested):
            if self._smsc.knows(event):
                self.wire.accept_bind(self._smsc.system_id)
                self._smsc.bound(self, event)
            else:
                self.wire.refuse_bind(Status.ESME_RINVPASWD)
                self.close()
        elif isinstance(event, Request):
            status = _UNSUPPORTED.get(event.command_id, Status.ESME_RINVCMDID)
            self.wire.answer(event, status)
        elif isinstance(event, Malformed):
            self._smsc.counts.malformed += 1
            self.log.info(
                "the sandbox got a malformed PDU from {peer}: {what}",
                peer=self.peer,
                what=event.kind,
            )
        elif isinstance(event, Closing):
            self.log.info(
                "the sandbox closes {peer}: {reason}",
                peer=self.peer,
                reason=event.reason,
            )
            self.close()
        elif isinstance(event, Unbound | UnbindDone):
            self.close()

    def deliver(self, body: bytes) -> None:
        """Send a receipt or a phone's message; there has to be room. HOT PATH."""
        command_id = _DELIVER_SM if type(body) is bytes else _DATA_SM
        self.wire.send(command_id, body, body, self.clock.seconds())

    def unbind(self) -> Deferred[None]:
        """Send the ESME away; fires when the connection is over."""
        if self.wire.state not in BOUND:
            self.close()
            return self.when_gone()
        self.wire.unbind(self.clock.seconds())
        self.flush()
        late = self.clock.callLater(_UNBIND_S, self.abort)
        gone = self.when_gone()
        gone.addCallback(lambda _: late.cancel() if late.active() else None)
        return gone

    def resumed(self) -> None:
        """The ESME reads again."""
        self._smsc.send_receipts(self)

    def gone(self, unanswered: list[object], reason: str) -> None:  # noqa: ARG002
        """The connection is over: its receipts go to another one, or wait."""
        self._smsc.gone(self, unanswered)


class Smsc(Factory):
    """The carrier behind all sessions. ``now_ms``: the wall clock, for receipts."""

    log = Logger()
    noisy = False

    def __init__(
        self,
        clock: IReactorTime,
        flusher: Flusher,
        settings: SmscSettings,
        now_ms: Callable[[], int],
        seen: Callable[[Sm], None] | None = None,
    ) -> None:
        """``seen`` is shown every message that is submitted."""
        self.counts = Counts()
        self.sessions: set[SmscSession] = set()
        self._clock = clock
        self._flusher = flusher
        self._settings = settings
        self._now_ms = now_ms
        self._seen = seen
        self._next_id = _id_source(settings.id_format, now_ms())
        self._recipes = BY_DIGITS if settings.recipes else {}
        self._agenda = Agenda(clock)
        self._receivers: deque[SmscSession] = deque()
        self._waiting: deque[bytes] = deque()
        self._refusals: OrderedDict[tuple[bytes, bytes, bytes], int] = OrderedDict()
        self._wire_settings = Settings(
            window=settings.receipt_window, inbound_window=_NO_LIMIT
        )

    @property
    def system_id(self) -> bytes:
        """How the sandbox calls itself."""
        return self._settings.system_id.encode()

    @property
    def kept(self) -> int:
        """Receipts that wait for a session with room."""
        return len(self._waiting)

    # Sessions come and go

    def buildProtocol(self, addr: IAddress | None) -> SmscSession:  # noqa: ARG002
        """One connection."""
        wire = Connection(Role.SMSC, self._wire_settings, self._clock.seconds())
        session = SmscSession(self._clock, self._flusher, wire, self)
        self.sessions.add(session)
        return session

    def knows(self, bind: BindRequested) -> bool:
        """Whether these are the sandbox's credentials."""
        settings = self._settings
        return hmac.compare_digest(
            bind.system_id, settings.system_id.encode()
        ) & hmac.compare_digest(bind.password, settings.password.encode())

    def bound(self, session: SmscSession, bind: BindRequested) -> None:
        """A session may receive from now on, unless it is a transmitter."""
        if bind.kind != Command.BIND_TRANSMITTER:
            self._receivers.append(session)

    def gone(self, session: SmscSession, unanswered: list[object]) -> None:
        """A session is over."""
        self.sessions.discard(session)
        if session in self._receivers:
            self._receivers.remove(session)
        self.repeat(unanswered)
        self.send_receipts()

    def stop(self) -> Deferred[None]:
        """Unbind everybody; fires when all connections are over."""
        self._agenda.clear()
        endings = [session.unbind() for session in self.sessions]
        return DeferredList(endings).addCallback(lambda _: None)

    # Messages

    def submitted(self, session: SmscSession, sm: Sm) -> None:
        """Somebody sent a submit_sm or data_sm. HOT PATH."""
        counts = self.counts
        counts.submitted += 1
        if self._seen is not None:
            self._seen(sm)
        recipe = self._recipes.get(sm.destination_addr[-4:], DELIVERED)
        if recipe is not DELIVERED:
            self._cook(session, sm, recipe)
            return
        counts.accepted += 1
        message_id = self._next_id()
        session.wire.answer_message(sm.command_id, sm.sequence_number, message_id)
        if sm.registered_delivery & 3 == _SUCCESS_OR_FAILURE:
            self._report(sm, message_id, DELIVERED.reports[0])

    def _cook(self, session: SmscSession, sm: Sm, recipe: Recipe) -> None:
        """Do what the recipe says."""
        if self._is_refused(sm, recipe):
            self.counts.refused += 1
            session.wire.answer(sm, recipe.refused_with)
            return
        self.counts.accepted += 1
        message_id = self._next_id()
        if recipe.response_after_s:
            answer = partial(self._answer, session, sm, message_id)
            self._agenda.after(recipe.response_after_s, answer)
        elif recipe.response_after_s is not None:
            self._answer(session, sm, message_id)
        for report in recipe.reports:
            asked = sm.registered_delivery & 3
            failed = asked == _FAILURE and report is not DELIVERED.reports[0]
            if asked == _SUCCESS_OR_FAILURE or failed:
                self._report(sm, message_id, report)

    def _is_refused(self, sm: Sm, recipe: Recipe) -> bool:
        if recipe.refusals is None or recipe.refusals == 0:
            return recipe.refusals is None
        message = (sm.source_addr, sm.destination_addr, sm.payload)
        tries = self._refusals.pop(message, 0) + 1
        if tries > recipe.refusals:
            return False
        self._refusals[message] = tries
        if len(self._refusals) > _REMEMBERED:
            self._refusals.popitem(last=False)
        return True

    def _answer(self, session: SmscSession, sm: Sm, message_id: bytes) -> None:
        if not session.is_gone:
            session.wire.answer_message(sm.command_id, sm.sequence_number, message_id)
            self._flusher.mark(session)

    def bring(self, bodies: Sequence[bytes]) -> None:
        """Deliver messages from phones (sandbox.phone), in this order, to whoever is
        bound; they wait while nobody is.
        """
        for body in bodies:
            self._keep(body)
        self.send_receipts()

    # Receipts

    def _report(self, sm: Sm, message_id: bytes, report: Report) -> None:
        """Write a receipt and have it sent when it is due. HOT PATH."""
        delay = self._settings.receipt_delay_s + report.after_s
        now_ms = self._now_ms()
        is_text = sm.data_coding in _TEXT_CODINGS and not sm.esm_class & _UDHI
        body = receipt_body(
            source_addr_ton=sm.dest_addr_ton,
            source_addr_npi=sm.dest_addr_npi,
            source_addr=sm.destination_addr,
            dest_addr_ton=sm.source_addr_ton,
            dest_addr_npi=sm.source_addr_npi,
            destination_addr=sm.source_addr,
            message_id=message_id.decode(),
            state=report.state,
            submit_ms=now_ms,
            done_ms=now_ms + int(delay * 1000),
            err=report.err,
            text=sm.short_message if is_text else b"",
        )
        if delay:
            self._agenda.after(delay, partial(self._due, body))
        else:
            self._keep(body)

    def _due(self, body: bytes) -> None:
        self._keep(body)
        self.send_receipts()

    def _keep(self, body: bytes) -> None:
        if len(self._waiting) < self._settings.max_kept:
            self._waiting.append(body)
        else:
            self.counts.receipts_dropped += 1

    def send_receipts(self, first: SmscSession | None = None) -> None:
        """Send what waits to whoever has room, to ``first`` before others. HOT PATH."""
        waiting = self._waiting
        if not waiting:
            return
        if first is not None and first in self._receivers:
            self._send_to(first)
        for _ in range(len(self._receivers)):
            if not waiting:
                break
            self._send_to(self._receivers[0])
            self._receivers.rotate(-1)

    def _send_to(self, session: SmscSession) -> None:
        waiting = self._waiting
        count = min(session.room, len(waiting))
        if count <= 0:
            return
        for _ in range(count):
            session.deliver(waiting.popleft())
        self.counts.receipts_sent += count
        self._flusher.mark(session)

    def answered(self, event: Answered) -> None:
        """An ESME answered a receipt. HOT PATH."""
        if event.command_status == Status.ESME_ROK:
            self.counts.receipts_done += 1
        elif event.command_status in _FOR_GOOD:
            self.counts.receipts_dropped += 1
        elif not event.late:  # a late one was sent again when its time was over
            self._agenda.after(_REPEAT_S, partial(self._due, _receipt(event.context)))

    def repeat(self, contexts: list[object]) -> None:
        """Receipts came to nothing: they are the next to be sent, in their order."""
        self._waiting.extendleft(_receipt(context) for context in reversed(contexts))


def _receipt(context: object) -> bytes:
    """The receipt that was the context of a deliver_sm: its body."""
    assert isinstance(context, bytes)  # noqa: S101 - deliver() gave it
    return context


def _id_source(id_format: str, start_ms: int) -> Callable[[], bytes]:
    """A function that gives a new message id at each call.

    Numbers go up from the time of the start in microseconds, so that a sandbox that was
    restarted does not give an id again.
    """
    if id_format == "uuid":
        fresh = uuid_source()
        return lambda: to_text(fresh()).encode()
    numbers = itertools.count(start_ms * 1000)
    form = b"%d" if id_format == "dec" else b"%x"
    return lambda: form % next(numbers)


class SmscService(Service):
    """The sandbox as part of the service tree."""

    log = Logger()

    def __init__(self, smsc: Smsc, endpoints: Sequence[IStreamServerEndpoint]) -> None:
        self.smsc = smsc
        self._endpoints = endpoints
        self._ports: list[IListeningPort] = []
        self._starting: Deferred[list[IListeningPort]] | None = None

    def start(self) -> Deferred[list[IListeningPort]]:
        """Listen on all endpoints; fires with the ports, fails if one cannot be had."""
        self._starting = ensureDeferred(self._listen())
        outcome: Deferred[list[IListeningPort]] = Deferred()
        self._starting.chainDeferred(outcome)
        return outcome

    async def _listen(self) -> list[IListeningPort]:
        try:
            for endpoint in self._endpoints:
                self._ports.append(await endpoint.listen(self.smsc))
        except BaseException:
            await self._close_ports()
            raise
        return list(self._ports)

    async def _close_ports(self) -> None:
        ports, self._ports = self._ports, []
        for port in ports:
            await maybeDeferred(port.stopListening)

    def startService(self) -> None:
        """Start with the service tree, unless ``start`` was called before."""
        super().startService()  # type: ignore[no-untyped-call]
        if self._starting is None:
            self.start().addErrback(
                lambda why: self.log.failure("the sandbox cannot listen", failure=why)
            )

    def stopService(self) -> Deferred[None]:
        """Close the ports, unbind everybody; fires when all connections are over."""
        super().stopService()  # type: ignore[no-untyped-call]
        return ensureDeferred(self._stop())

    async def _stop(self) -> None:
        if self._starting is not None:
            self._starting.cancel()
        await self._close_ports()
        await self.smsc.stop()

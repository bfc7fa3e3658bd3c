"""One bind to a carrier, and its lifecycle.

    DOWN -> CONNECTING -> BINDING -> BOUND -> (UNBINDING) -> WAITING -> CONNECTING ...

Twisted's ClientService looks made for this and is not: it leaves the transport open
when a bind fails, raises when the carrier closes while the bind is pending, and forgets
its back-off at each TCP connect (docs/adr/0002).
"""

import enum
from collections.abc import Callable
from typing import Any, Final, Protocol

from twisted.internet.defer import Deferred, succeed
from twisted.internet.interfaces import (
    IDelayedCall,
    IProtocol,
    IReactorTime,
    IStreamClientEndpoint,
)
from twisted.internet.protocol import Factory, connectionDone
from twisted.logger import Logger
from twisted.python.failure import Failure

from luckgw.config import model
from luckgw.domain.repeats import is_worth_saying
from luckgw.domain.status import Status
from luckgw.link.flusher import Flusher
from luckgw.link.session import SmppSession
from luckgw.upstream.backoff import PROVEN_S, Backoff
from luckgw.upstream.interface import NACK, BindStatus, Listener
from luckgw.upstream.pace import Pace
from luckgw.upstream.trouble import Trouble, of_failure, of_status, words
from luckgw.wire.alerts import availability
from luckgw.wire.connection import Connection, Role, Settings
from luckgw.wire.events import (
    BIND_TIMEOUT,
    Alert,
    Answered,
    BindRefused,
    Bound,
    Closing,
    Malformed,
    TimedOut,
    Unbound,
)
from luckgw.wire.pdus import Command, Sm
from luckgw.wire.session import BOUND

CONNECT_S: Final = 10.0
AFTER_UNBIND_S: Final = 5.0
"""The carrier sent us away: not back at once (spec/reliability 2.4)."""

_SUBMIT_SM_RESP: Final = int(Command.SUBMIT_SM_RESP)
#: The session is not what we think it is: bind anew (spec/reliability 2.11).
_OUT_OF_STEP: Final = frozenset({Status.ESME_RINVBNDSTS, Status.ESME_RALYBND})
_SMPP_V34: Final = model.INTERFACE_VERSIONS["3.4"]


class Phase(enum.Enum):
    """Where a bind is in its life."""

    DOWN = "down"
    CONNECTING = "connecting"
    BINDING = "binding"
    BOUND = "bound"
    UNBINDING = "unbinding"
    WAITING = "waiting"
    AWAITING_CALL = "waiting for outbind"


class BindOwner(Protocol):
    """The upstream that a bind belongs to."""

    listener: Listener

    def bind_changed(self) -> None:
        """A bind came up or went down, or may send again."""
        ...


class ClientSession(SmppSession):
    """The connection of one bind while it lasts."""

    log = Logger()

    def __init__(
        self, clock: IReactorTime, flusher: Flusher, wire: Connection, bind: "Bind"
    ) -> None:
        super().__init__(clock, flusher, wire)
        self._malformed = 0
        self.belongs_to(bind)

    def belongs_to(self, bind: "Bind") -> None:
        """Serve this bind."""
        self._bind = bind
        self._listener = bind.owner.listener

    def connectionMade(self) -> None:
        """Connected: bind."""
        super().connectionMade()
        self._bind.connected(self)
        self.flusher.mark(self)

    def handle(self, events: list[Any]) -> None:
        """What the carrier says. HOT PATH."""
        listener, pace = self._listener, self._bind.pace
        pace.note(self.clock.seconds())
        for event in events:
            kind = type(event)
            if kind is Answered:
                status = event.command_status
                if status or event.command_id != _SUBMIT_SM_RESP:
                    status = self._refusal(event)
                else:
                    pace.taken += 1
                listener.answered(
                    event.context, status, event.message_id, late=event.late
                )
            elif kind is Sm:
                listener.received(event, _Reply(self, event))
            else:
                self._rare(event)
        # An answer made room.
        listener.changed()

    def _refusal(self, answer: Answered) -> int:
        """The command_status of an answer that is no plain success."""
        if answer.command_id != _SUBMIT_SM_RESP:
            return NACK | answer.command_status
        if answer.command_status in self._bind.rebinds_on:
            self._bind.rebind(f"submit_sm answered 0x{answer.command_status:02X}")
        return answer.command_status

    def _rare(self, event: object) -> None:
        """What is no traffic."""
        bind = self._bind
        if isinstance(event, TimedOut):
            self._listener.uncertain([event.context], may_come=True)
        elif isinstance(event, Bound):
            bind.bound()
        elif isinstance(event, Malformed):
            self._note_malformed(event)
        elif isinstance(event, Alert):
            bind.alerted(availability(event.body))
        elif isinstance(event, BindRefused):
            bind.refused(event.command_status)
            self.close()
        elif isinstance(event, Unbound):
            bind.sent_away()
            self.close()
        elif isinstance(event, Closing):
            is_late = event.reason == BIND_TIMEOUT
            bind.note(event.reason, Trouble.TIMEOUT if is_late else Trouble.LOST)
            self.close()
        else:  # UnbindDone
            self.close()

    def _note_malformed(self, event: Malformed) -> None:
        self._malformed += 1
        if event.body:
            self._listener.unreadable(
                event.command_id, event.command_status, event.body
            )
        if is_worth_saying(self._malformed):
            self.log.warn(
                "from {upstream}: {what}, command_id 0x{command:X} ({count} so far)",
                upstream=self._bind.upstream,
                what=event.kind,
                command=event.command_id,
                count=self._malformed,
            )

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        """Over: what it died of tells TLS from the rest."""
        self._bind.broke(reason)
        super().connectionLost(reason)

    def gone(self, unanswered: list[object], reason: str) -> None:
        """The link is lost: what is unanswered is uncertain."""
        del reason  # ``broke`` was told more
        self._bind.lost()
        if unanswered:
            self._listener.uncertain(unanswered, may_come=False)
        self._listener.changed()

    def resumed(self) -> None:
        """The carrier reads again."""
        self._listener.changed()


class _Reply:
    """Answers one deliver_sm or data_sm; see interface.Reply."""

    __slots__ = ("_session", "_sm")

    def __init__(self, session: ClientSession, sm: Sm) -> None:
        self._session = session
        self._sm = sm

    def __call__(self, command_status: int) -> None:
        session, sm = self._session, self._sm
        if command_status == 0:
            session.wire.answer_message(sm.command_id, sm.sequence_number, b"")
        else:
            session.wire.answer(sm, command_status)
        session.flusher.mark(session)


class Bind:
    """Keeps one bind up."""

    log = Logger()

    def __init__(
        self,
        clock: IReactorTime,
        flusher: Flusher,
        endpoint: IStreamClientEndpoint,
        owner: BindOwner,
        random: Callable[[], float],
        *,
        kind: Command,
        config: model.Upstream,
        settings: Settings,
    ) -> None:
        self._clock = clock
        self._flusher = flusher
        self._endpoint = endpoint
        self.owner = owner
        self.upstream = config.name
        self.kind = kind
        self._config = config
        self._settings = settings
        self._is_called = kind is Command.BIND_RECEIVER and bool(config.outbind_listen)
        """Whether the carrier connects to us (outbind), and not we to it."""
        own = config.answers
        self.rebinds_on = frozenset(_OUT_OF_STEP - own.keys()).union(
            code for code, word in own.items() if word == "session"
        )
        """Answers to a submit that ask for a new bind."""
        self.is_bare = False
        """Whether the carrier takes no TLVs; known once it is bound."""
        self._alerts = 0
        self.phase = Phase.DOWN
        self.session: ClientSession | None = None
        self.last_error = ""
        self.trouble = Trouble.NONE
        self._since = clock.seconds()
        self._backoff = Backoff(random)
        # Of this try: what became of it.
        self._why = ""
        self._trouble = Trouble.NONE
        self._bound_at: float | None = None
        self._least_wait_s = 0.0
        self._is_stopping = False
        self._retry_call: IDelayedCall | None = None
        self._connecting: Deferred[IProtocol] | None = None
        self.pace = Pace(clock.seconds())
        self._pause_call: IDelayedCall | None = None

    # -- what the upstream asks --------------------------------------------------------

    def start(self) -> None:
        """Connect, and keep at it; or wait to be called."""
        if self._is_called:
            self._enter(Phase.AWAITING_CALL)
        else:
            self._connect()

    @property
    def room(self) -> int:
        """Free places in the window; 0 unless a submit could be sent now. HOT PATH."""
        if self.phase is not Phase.BOUND or self.session is None:
            return 0
        now, pace = self._clock.seconds(), self.pace
        if self.session.is_stalled or pace.is_paused(now):
            return 0
        free = self.session.wire.room
        if pace.rate is None or not free:
            return free
        allowed = pace.allowance(now)
        if not allowed:
            self._look_again(pace.wait())
        return min(free, allowed)

    @property
    def capacity(self) -> int:
        """The window, while a submit could be sent over this bind at all."""
        if self.phase is not Phase.BOUND or self.kind is Command.BIND_RECEIVER:
            return 0
        return self._settings.window

    @property
    def in_flight(self) -> int:
        """Submits without an answer. 0 once nothing can be sent over this bind."""
        session, capacity = self.session, self.capacity
        if session is None or not capacity or session.wire.state not in BOUND:
            return 0
        return capacity - session.wire.room

    def pause(self, seconds: float) -> None:
        """The carrier throttles: send nothing for a while, then less (see ``Pace``)."""
        pause_s = self.pace.throttled(self._clock.seconds(), seconds)
        if pause_s:
            if self._pause_call is not None and self._pause_call.active():
                self._pause_call.cancel()
            self._look_again(pause_s)

    def _look_again(self, seconds: float) -> None:
        """Have the upstream asked for room again, once, after that long."""
        if self._pause_call is None or not self._pause_call.active():
            self._pause_call = self._clock.callLater(seconds, self.owner.bind_changed)

    def rebind(self, why: str) -> None:
        """Unbind and bind anew."""
        if self.phase is Phase.BOUND and self.session is not None:
            self.note(why, Trouble.LOST)
            self.session.leave()

    def stop(self) -> "Deferred[None]":
        """Unbind if bound, close, stay away; fires when the connection is over."""
        self._is_stopping = True
        for call in (self._retry_call, self._pause_call):
            if call is not None and call.active():
                call.cancel()
        if self._connecting is not None:
            self._connecting.cancel()
        if self.session is None:
            self._enter(Phase.DOWN)
            return succeed(None)
        if self.phase is Phase.BOUND:
            self._enter(Phase.UNBINDING)
        return self.session.leave()

    def status(self) -> BindStatus:
        """For people who look."""
        return BindStatus(
            self.kind.name.removeprefix("BIND_").lower(),
            self.phase.value,
            self._clock.seconds() - self._since,
            self._settings.window,
            self.in_flight,
            self.last_error,
            self.trouble.value,
            self._next_try_s(),
            self._alerts,
            self.trouble is Trouble.CREDENTIALS,
        )

    def _next_try_s(self) -> float | None:
        if self.phase is not Phase.WAITING or self._retry_call is None:
            return None
        return max(0.0, self._retry_call.getTime() - self._clock.seconds())

    # -- what the session tells --------------------------------------------------------

    def connected(self, session: ClientSession) -> None:
        """TCP is there: log in."""
        self.session = session
        self._enter(Phase.BINDING)
        config = self._config
        session.wire.bind(
            self.kind,
            config.system_id.encode(),
            config.password.reveal().encode(),
            config.system_type.encode(),
            self._clock.seconds(),
            config.addr_ton,
            config.addr_npi,
            config.address_range.encode(),
            interface_version=model.INTERFACE_VERSIONS[config.interface_version],
        )

    def is_free(self) -> bool:
        """Whether a carrier that calls can have this bind."""
        return self.phase is Phase.AWAITING_CALL

    def answer_call(self, session: ClientSession) -> None:
        """The carrier has called, and is who it says: bind over its connection."""
        self._begin_try()
        self.connected(session)

    def bound(self) -> None:
        """The carrier took the bind."""
        self.last_error = ""
        self.trouble = Trouble.NONE
        self.is_bare = self._takes_no_tlvs()
        self._enter(Phase.BOUND)
        self._bound_at = self._since
        self.log.info(
            "bound to {upstream} as {kind}", upstream=self.upstream, kind=self.kind.name
        )
        self.owner.bind_changed()

    def _takes_no_tlvs(self) -> bool:
        """By configuration, or as the carrier's answer to the bind says."""
        config = self._config
        if config.interface_version == "3.3" or config.tlvs == "off":
            return True
        assert self.session is not None  # noqa: S101 - it has just told that it is bound
        return config.tlvs == "auto" and self.session.wire.peer_version < _SMPP_V34

    def refused(self, command_status: int) -> None:
        """The carrier refused the bind."""
        why = f"bind refused with 0x{command_status:02X}"
        self.note(why, of_status(command_status))

    def sent_away(self) -> None:
        """The carrier unbound us."""
        self._least_wait_s = AFTER_UNBIND_S
        self.note("the carrier sent unbind", Trouble.SENT_AWAY)

    def alerted(self, what: str) -> None:
        """The carrier tells that a phone can be reached, or not."""
        self._alerts += 1
        if is_worth_saying(self._alerts):
            self.log.info(
                "alert_notification from {upstream}: the phone is {what}"
                " ({count} so far)",
                upstream=self.upstream,
                what=what,
                count=self._alerts,
            )

    def note(self, why: str, trouble: Trouble) -> None:
        """Why the connection is about to close; the first reason is the reason."""
        if not self._why:
            self._why, self._trouble = why, trouble
        if self.phase is Phase.BOUND:
            self._enter(Phase.UNBINDING)

    def broke(self, failure: Failure) -> None:
        """What the connection died of, unless we closed it for a reason of our own."""
        self.note(words(failure), of_failure(failure, Trouble.LOST))

    def lost(self) -> None:
        """The connection is over; come back unless told to stop."""
        self.session = None
        now, bound_at = self._clock.seconds(), self._bound_at
        if bound_at is not None and now - bound_at >= PROVEN_S:
            self._backoff.proven()
        self._failed()

    # -- inside ------------------------------------------------------------------------

    def _enter(self, phase: Phase) -> None:
        self.phase = phase
        self._since = self._clock.seconds()

    def _begin_try(self) -> None:
        self._why, self._trouble = "", Trouble.NONE
        self._bound_at = None
        self._least_wait_s = 0.0

    def _connect(self) -> None:
        self._enter(Phase.CONNECTING)
        self._begin_try()

        def build() -> ClientSession:
            wire = Connection(Role.ESME, self._settings, self._clock.seconds())
            return ClientSession(self._clock, self._flusher, wire, self)

        factory = Factory.forProtocol(build)
        factory.noisy = False
        connecting = self._connecting = self._endpoint.connect(factory)
        connecting.addTimeout(CONNECT_S, self._clock, _too_late)
        connecting.addCallbacks(self._connected, self._not_connected)

    def _connected(self, _: IProtocol) -> None:
        self._connecting = None

    def _not_connected(self, failure: Failure) -> None:
        self._connecting = None
        self._why = words(failure)
        self._trouble = of_failure(failure, Trouble.UNREACHABLE)
        self._failed()

    def _failed(self) -> None:
        """Wait, longer each time; or, when told to stop, be down."""
        if self._is_stopping:
            self._enter(Phase.DOWN)
            return
        is_news = self._trouble is not self.trouble
        self.last_error, self.trouble = self._why, self._trouble
        wait = max(self._backoff.failed(self._trouble), self._least_wait_s)
        if self._is_called:
            self._enter(Phase.AWAITING_CALL)
            next_try = "when the carrier calls"
        else:
            self._enter(Phase.WAITING)
            self._retry_call = self._clock.callLater(wait, self._connect)
            next_try = f"in {wait:.0f} s"
        failures = self._backoff.failures
        if is_news or is_worth_saying(failures):
            is_alarm = self._trouble is Trouble.CREDENTIALS
            (self.log.error if is_alarm else self.log.warn)(
                "{alarm}no bind to {upstream} as {kind}: {trouble}: {error}; "
                "next try {next_try} ({failures} in a row)",
                alarm="ALARM: " if is_alarm else "",
                upstream=self.upstream,
                kind=self.kind.name,
                trouble=self._trouble.value,
                error=self._why,
                next_try=next_try,
                failures=failures,
            )


def _too_late(_: object, seconds: float) -> Failure:
    return Failure(TimeoutError(f"not connected within {seconds:g} s"))

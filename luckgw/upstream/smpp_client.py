"""One bind to a carrier, and its lifecycle.

    DOWN -> CONNECTING -> BINDING -> BOUND -> (UNBINDING) -> WAITING -> CONNECTING ...

Twisted's ClientService looks made for this and is not: it leaves the transport open when
a bind fails, raises when the carrier closes while the bind is pending, and forgets its
back-off at each TCP connect (docs/adr/0002).
"""

import enum
from collections.abc import Callable
from typing import Any, Protocol

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import (
    IDelayedCall,
    IReactorTime,
    IStreamClientEndpoint,
)
from twisted.internet.protocol import Factory
from twisted.logger import Logger
from twisted.python.failure import Failure

from luckgw.link.flusher import Flusher
from luckgw.link.session import SmppSession
from luckgw.upstream import backoff
from luckgw.upstream.interface import BindStatus, Listener
from luckgw.wire.connection import Connection, Role, Settings
from luckgw.wire.events import (
    Answered,
    BindRefused,
    Bound,
    Closing,
    Malformed,
    Request,
    TimedOut,
    UnbindDone,
    Unbound,
)
from luckgw.wire.pdus import Command, Sm

UNBIND_S = 5.0
CONNECT_S = 10.0
AFTER_UNBIND_S = 5.0
"""The carrier sent us away: not back at once (spec/reliability 2.4)."""


class Phase(enum.Enum):
    """Where a bind is in its life."""

    DOWN = "down"
    CONNECTING = "connecting"
    BINDING = "binding"
    BOUND = "bound"
    UNBINDING = "unbinding"
    WAITING = "waiting"


class BindOwner(Protocol):
    """The upstream that a bind belongs to."""

    listener: Listener

    def bind_changed(self) -> None:
        """A bind came up or went down."""
        ...


class ClientSession(SmppSession):
    """The connection of one bind while it lasts."""

    log = Logger()

    def __init__(
        self, clock: IReactorTime, flusher: Flusher, wire: Connection, bind: "Bind"
    ) -> None:
        super().__init__(clock, flusher, wire)
        self._bind = bind
        self._listener = bind.owner.listener

    def connectionMade(self) -> None:  # noqa: N802 - Twisted's name
        """Connected: bind."""
        super().connectionMade()
        self._bind.connected(self)
        self.flusher.mark(self)

    def handle(self, events: list[Any]) -> None:
        """What the carrier says. HOT PATH."""
        listener = self._listener
        for event in events:
            kind = type(event)
            if kind is Answered:
                listener.answered(
                    event.context,
                    event.command_status,
                    event.message_id,
                    late=event.late,
                )
            elif kind is Sm:
                listener.received(event, _Reply(self, event))
            elif kind is TimedOut:
                listener.uncertain([event.context], may_come=True)
            elif kind is Bound:
                self._bind.bound()
            elif kind is BindRefused:
                self._bind.refused(event.command_status)
                self.close()
            elif kind is Unbound:
                self._bind.sent_away()
                self.close()
            elif kind is UnbindDone:
                self.close()
            elif kind is Closing:
                self._bind.note(event.reason)
                self.close()
            elif kind is Request:
                # As an ESME we serve none of the rare requests.
                self.wire.answer(event, 0x03)
            elif kind is Malformed:
                self.log.warn(
                    "upstream {upstream} sent a malformed {command}: {what}",
                    upstream=self._bind.upstream,
                    command=event.command_id,
                    what=event.kind,
                )
        # An answer made room.
        listener.changed()

    def gone(self, unanswered: list[object], reason: str) -> None:
        """The link is lost: what is unanswered is uncertain."""
        self._bind.lost(reason)
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
        session = self._session
        if session.is_gone:
            return
        if command_status == 0:
            sm = self._sm
            session.wire.answer_message(sm.command_id, sm.sequence_number, b"")
        else:
            session.wire.answer(self._sm, command_status)
        session.flusher.mark(session)


class Bind:
    """Keeps one bind up."""

    log = Logger()

    def __init__(  # noqa: PLR0913 - each is a collaborator or the bind's own identity
        self,
        clock: IReactorTime,
        flusher: Flusher,
        endpoint: IStreamClientEndpoint,
        owner: BindOwner,
        random: Callable[[], float],
        *,
        upstream: str,
        kind: Command,
        system_id: str,
        password: str,
        system_type: str,
        settings: Settings,
    ) -> None:
        self._clock = clock
        self._flusher = flusher
        self._endpoint = endpoint
        self.owner = owner
        self._random = random
        self.upstream = upstream
        self.kind = kind
        self._system_id = system_id.encode()
        self._password = password.encode()
        self._system_type = system_type.encode()
        self._settings = settings
        self.phase = Phase.DOWN
        self.session: ClientSession | None = None
        self.last_error = ""
        self._since = clock.seconds()
        self._failures = 0
        self._bind_status: int | None = None
        self._sent_away = False
        self._stopping = False
        self._timer: IDelayedCall | None = None
        self._connecting: Deferred[Any] | None = None
        self._paused_until = 0.0
        self._pause_s = 0.0

    # -- what the upstream asks ----------------------------------------------------------

    def start(self) -> None:
        """Connect, and keep at it."""
        self._connect()

    @property
    def room(self) -> int:
        """Free places in the window; 0 unless a submit could be sent now."""
        if self.phase is not Phase.BOUND or self.session is None:
            return 0
        if self.session.is_stalled or self._paused_until > self._clock.seconds():
            return 0
        return self.session.wire.room

    @property
    def capacity(self) -> int:
        """The window, while a submit could be sent over this bind at all."""
        if self.phase is not Phase.BOUND or self.kind is Command.BIND_RECEIVER:
            return 0
        return self._settings.window

    def pause(self, seconds: float) -> None:
        """Send nothing for a while: doubling from ``seconds`` to 30 s in a row."""
        now = self._clock.seconds()
        if self._paused_until > now:
            return
        recently = now - self._paused_until < self._pause_s + 5.0
        self._pause_s = (
            min(self._pause_s * 2, 30.0) if recently and self._pause_s else seconds
        )
        self._paused_until = now + self._pause_s
        self._clock.callLater(self._pause_s, self.owner.bind_changed)

    def stop(self) -> "Deferred[None]":
        """Unbind if bound, close, stay away; fires when the connection is over."""
        self._stopping = True
        if self._timer is not None and self._timer.active():
            self._timer.cancel()
        if self._connecting is not None:
            self._connecting.cancel()
        session = self.session
        if session is None:
            self._enter(Phase.DOWN)
            done: Deferred[None] = Deferred()
            done.callback(None)
            return done
        if self.phase is Phase.BOUND:
            self._enter(Phase.UNBINDING)
            session.wire.unbind(self._clock.seconds())
            session.flush()
            self._timer = self._clock.callLater(UNBIND_S, session.abort)
        else:
            session.close()
        return session.when_gone()

    def status(self) -> BindStatus:
        """For people who look."""
        window = self._settings.window
        free = (
            self.session.wire.room
            if self.session and self.phase is Phase.BOUND
            else window
        )
        return BindStatus(
            self.kind.name.removeprefix("BIND_").lower(),
            self.phase.value,
            self._clock.seconds() - self._since,
            window,
            window - free,
            self.last_error,
        )

    # -- what the session tells -----------------------------------------------------------

    def connected(self, session: ClientSession) -> None:
        """TCP is there: log in."""
        self.session = session
        self._enter(Phase.BINDING)
        session.wire.bind(
            self.kind,
            self._system_id,
            self._password,
            self._system_type,
            self._clock.seconds(),
        )

    def bound(self) -> None:
        """The carrier took the bind."""
        self._bind_status = None
        self.last_error = ""
        self._enter(Phase.BOUND)
        self.log.info(
            "bound to {upstream} as {kind}", upstream=self.upstream, kind=self.kind.name
        )
        self.owner.bind_changed()

    def refused(self, command_status: int) -> None:
        """The carrier refused the bind."""
        self._bind_status = command_status
        self.last_error = f"bind refused with 0x{command_status:02X}"
        self.log.error(
            "upstream {upstream} refused the bind with 0x{status:02X}",
            upstream=self.upstream,
            status=command_status,
        )

    def sent_away(self) -> None:
        """The carrier unbound us."""
        self._sent_away = True
        self.last_error = "the carrier sent unbind"

    def note(self, reason: str) -> None:
        """Why the connection is about to close."""
        self.last_error = reason

    def lost(self, reason: str) -> None:
        """The connection is over; come back unless told to stop."""
        was, lasted = self.phase, self._clock.seconds() - self._since
        self.session = None
        if self._timer is not None and self._timer.active():
            self._timer.cancel()
        if not self.last_error:
            self.last_error = reason
        if was is Phase.BOUND:
            self.log.warn(
                "bind to {upstream} lost: {reason}",
                upstream=self.upstream,
                reason=self.last_error,
            )
            if lasted >= backoff.PROVEN_S:
                self._failures = 0
        self._retry()

    # -- inside ------------------------------------------------------------------------------

    def _enter(self, phase: Phase) -> None:
        self.phase = phase
        self._since = self._clock.seconds()

    def _connect(self) -> None:
        self._timer = None
        self._enter(Phase.CONNECTING)
        wire_role = Role.ESME

        def build() -> ClientSession:
            wire = Connection(wire_role, self._settings, self._clock.seconds())
            return ClientSession(self._clock, self._flusher, wire, self)

        factory = Factory.forProtocol(build)
        factory.noisy = False
        connecting = self._endpoint.connect(factory)
        self._connecting = connecting
        timeout = self._clock.callLater(CONNECT_S, connecting.cancel)

        def over(result: Any) -> Any:
            self._connecting = None
            if timeout.active():
                timeout.cancel()
            return result

        connecting.addBoth(over)
        connecting.addErrback(self._not_connected)

    def _not_connected(self, failure: Failure) -> None:
        if self.session is not None:
            # The session came up and raised: that is a bug, not the network.
            self.log.failure("binding failed", failure=failure)
            self.session.abort()
            return
        self.last_error = failure.getErrorMessage() or failure.type.__name__
        if self._failures == 0:
            self.log.warn(
                "can not connect to {upstream}: {error}",
                upstream=self.upstream,
                error=self.last_error,
            )
        self._retry()

    def _retry(self) -> None:
        if self._stopping:
            self._enter(Phase.DOWN)
            return
        self._failures += 1
        wait = backoff.delay(self._bind_status, self._failures, self._random)
        if self._sent_away:
            wait, self._sent_away = max(wait, AFTER_UNBIND_S), False
        self._bind_status = None
        self._enter(Phase.WAITING)
        self._timer = self._clock.callLater(wait, self._connect)

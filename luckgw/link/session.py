"""The Twisted side of one SMPP session; subclasses say what its events mean."""

import socket
from typing import Any, Final

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IPushProducer, IReactorTime, ITCPTransport
from twisted.internet.protocol import Protocol, connectionDone
from twisted.internet.task import LoopingCall
from twisted.logger import Logger
from twisted.python.failure import Failure
from zope.interface import implementer

from luckgw.link.flusher import Flusher
from luckgw.wire.connection import Connection

WRITE_STALL_S: Final = 30.0
"""A peer that takes nothing for so long is gone (spec/reliability 2.5)."""
_KEEPALIVE: Final = (
    (socket.TCP_KEEPIDLE, 30),
    (socket.TCP_KEEPINTVL, 10),
    (socket.TCP_KEEPCNT, 3),
)


@implementer(IPushProducer)
class SmppSession(Protocol):
    """Moves octets between a transport and a ``wire.Connection``.

    ``is_stalled`` is True while the peer does not read: nothing new should be sent to it.
    """

    log = Logger()

    def __init__(self, clock: IReactorTime, flusher: Flusher, wire: Connection) -> None:
        self.clock = clock
        self.flusher = flusher
        self.wire = wire
        self.is_stalled = False
        self.is_gone = False
        self._stalled_since: float | None = None
        self._closing = False
        self._ticker = LoopingCall(self._tick)
        self._ticker.clock = clock
        self._gone_waiters: list[Deferred[None]] = []

    # -- what subclasses say ---------------------------------------------------------

    def handle(self, events: list[Any]) -> None:
        """What the peer's PDUs mean. HOT PATH: one call for each read."""
        raise NotImplementedError

    def gone(self, unanswered: list[object], reason: str) -> None:
        """The connection is over; ``unanswered`` are the contexts of our requests."""
        raise NotImplementedError

    def resumed(self) -> None:
        """The peer reads again."""

    # -- transport ---------------------------------------------------------------------

    def connectionMade(self) -> None:  # noqa: N802 - Twisted's name
        """Set the socket up: no Nagle, keep-alive, and word when the peer stops reading."""
        if ITCPTransport.providedBy(self.transport):
            self.transport.setTcpNoDelay(True)
            self.transport.setTcpKeepAlive(True)
            handle = self.transport.getHandle()
            if isinstance(handle, socket.socket):
                for option, value in _KEEPALIVE:
                    handle.setsockopt(socket.IPPROTO_TCP, option, value)
        self.transport.registerProducer(self, True)
        # A failure in tick is a bug of ours: it is logged, and the session ends.
        self._ticker.start(1.0, now=False).addErrback(self._broken)

    def dataReceived(self, data: bytes) -> None:  # noqa: N802 - Twisted's name
        """Bytes in, events out. HOT PATH."""
        wire = self.wire
        events = wire.receive(data, self.clock.seconds())
        if events:
            self.handle(events)
        if wire.has_output:
            self.flusher.mark(self)
        if wire.has_more:
            self.transport.pauseProducing()
            self.clock.callLater(0, self._more)

    def _more(self) -> None:
        if not self.is_gone:
            self.transport.resumeProducing()
            self.dataReceived(b"")

    def flush(self) -> None:
        """Write all output at once."""
        if not self.is_gone:
            output = self.wire.take_output()
            if output:
                self.transport.write(output)

    def close(self) -> None:
        """Write what is left, then close."""
        if not self._closing and not self.is_gone:
            self._closing = True
            self.flush()
            self.transport.unregisterProducer()
            self.transport.loseConnection()

    def abort(self) -> None:
        """Close without waiting for a peer that does not read."""
        if not self.is_gone:
            self._closing = True
            self.transport.abortConnection()

    def connectionLost(self, reason: Failure = connectionDone) -> None:  # noqa: N802
        """Over: everything unanswered is handed back."""
        self.is_gone = True
        if self._ticker.running:
            self._ticker.stop()
        self.gone(self.wire.close(), reason.getErrorMessage())
        waiters, self._gone_waiters = self._gone_waiters, []
        for waiter in waiters:
            waiter.callback(None)

    def when_gone(self) -> "Deferred[None]":
        """Fires when the connection is over."""
        d: Deferred[None] = Deferred()
        if self.is_gone:
            d.callback(None)
        else:
            self._gone_waiters.append(d)
        return d

    # -- time ------------------------------------------------------------------------------

    def _tick(self) -> None:
        now = self.clock.seconds()
        if (
            self._stalled_since is not None
            and now - self._stalled_since > WRITE_STALL_S
        ):
            self.log.warn("peer {peer} has stopped reading", peer=self.peer)
            self.abort()
            return
        events = self.wire.tick(now)
        if events:
            self.handle(events)
        if self.wire.has_output:
            self.flusher.mark(self)

    def _broken(self, failure: Failure) -> None:
        self.log.failure("a session broke", failure=failure)
        self.abort()

    # -- back-pressure (the transport's, on what we write) ---------------------------------

    def pauseProducing(self) -> None:  # noqa: N802 - Twisted's name
        """The transport's buffer is full."""
        self.is_stalled = True
        if self._stalled_since is None:
            self._stalled_since = self.clock.seconds()

    def resumeProducing(self) -> None:  # noqa: N802 - Twisted's name
        """The transport's buffer is empty."""
        self.is_stalled = False
        self._stalled_since = None
        self.resumed()

    def stopProducing(self) -> None:  # noqa: N802 - Twisted's name
        """The transport is gone; connectionLost says the rest."""

    @property
    def peer(self) -> str:
        """The peer's address, for logs."""
        address = self.transport.getPeer() if self.transport is not None else None
        return f"{getattr(address, 'host', address)}"

"""The Twisted side of one SMPP session; subclasses say what its events mean."""

import math
from typing import Any, Final, cast

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IPushProducer, IReactorTime
from twisted.internet.protocol import Protocol, connectionDone
from twisted.internet.task import LoopingCall
from twisted.logger import Logger
from twisted.python.failure import Failure
from zope.interface import implementer

from luckgw.domain.peer import TlsPeer
from luckgw.link.flusher import Flusher
from luckgw.link.tls import tls_of
from luckgw.link.transport import Transport, tune
from luckgw.wire.connection import Connection, State
from luckgw.wire.session import BOUND

WRITE_STALL_S: Final = 30.0
"""A peer that does not take what waits for it within so long is gone: that is one
buffer of the transport, 64 KiB (spec/reliability 2.5). A server may say another."""
END_S: Final = 5.0
"""A connection that we end is cut after so long, whatever the peer does."""
MAX_UNSENT: Final = 1 << 20
"""Octets that may wait for a peer that does not read, before we stop reading from it
(spec/reliability 2.6)."""
_TICK_S: Final = 1.0


@implementer(IPushProducer)
class SmppSession(Protocol):
    """Moves octets between a transport and a ``wire.Connection``.

    ``is_stalled``: the peer does not read; nothing new should be sent to it.
    ``is_gone``: the connection is over.
    """

    log = Logger()

    def __init__(self, clock: IReactorTime, flusher: Flusher, wire: Connection) -> None:
        self.clock = clock
        self.flusher = flusher
        self.wire = wire
        self.is_stalled = False
        self.is_gone = False
        self.write_stall_s = WRITE_STALL_S
        self._transport: Transport
        self._is_closing = False
        self._stalled_at = math.inf
        self._end_at = math.inf
        # What a stalled peer does not take yet.
        self._held: list[bytes] = []
        self._held_size = 0
        # We do not read while one turn is not enough, while too much is held, or while
        # the peer sends more than its window.
        self._is_reading = True
        self._more_is_due = False
        self._ticker = LoopingCall(self._tick)
        self._ticker.clock = clock
        self._gone_waiters: list[Deferred[None]] = []

    # -- what subclasses say -----------------------------------------------------------

    def handle(self, events: list[Any]) -> None:
        """What the peer's PDUs mean. HOT PATH: one call for each read."""
        raise NotImplementedError

    def gone(self, unanswered: list[object], reason: str) -> None:
        """The connection is over; ``unanswered`` are the contexts of our requests."""
        raise NotImplementedError

    def resumed(self) -> None:
        """The peer reads again."""

    # -- the transport comes and goes --------------------------------------------------

    def connectionMade(self) -> None:
        """Set the socket up, and ask for word when the peer stops reading."""
        self._transport = cast(Transport, self.transport)
        tune(self._transport, self.write_stall_s)
        self._transport.registerProducer(self, True)
        self._ticker.start(_TICK_S, now=False).addErrback(self._broken)

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        """Over: everything unanswered is handed back."""
        self.is_gone = True
        self._held.clear()
        if self._ticker.running:
            self._ticker.stop()
        try:
            self.gone(self.wire.close(), reason.getErrorMessage())
        finally:
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

    @property
    def peer(self) -> str:
        """The peer's address, for logs and checks."""
        address = self._transport.getPeer()
        return f"{getattr(address, 'host', address)}"

    @property
    def tls(self) -> TlsPeer | None:
        """The connection's TLS; None when it is in the clear. Needs its handshake."""
        return tls_of(self._transport)

    def silence(self) -> float:
        """For how many seconds the peer has said nothing, though we listened."""
        if not self._is_reading:
            return 0.0
        return self.clock.seconds() - self.wire.heard_at

    # -- octets in ---------------------------------------------------------------------

    def dataReceived(self, data: bytes) -> None:
        """Bytes in, events out. HOT PATH."""
        if self._is_closing:
            return  # TLS delivers what it had read before
        wire = self.wire
        events = wire.receive(data, self.clock.seconds())
        if events:
            self.handle(events)
        if wire.has_output:
            self.flusher.mark(self)
        if wire.has_more:
            self._come_back()
        elif wire.is_choked:
            self._read_or_not()

    def _come_back(self) -> None:
        """Do the rest in the next turn: other sessions have their turn before."""
        if not self._more_is_due and not self._is_closing:
            self._more_is_due = True
            self._read_or_not()
            self.clock.callLater(0, self._more)

    def _more(self) -> None:
        self._more_is_due = False
        if self.is_gone or self._is_closing:
            return
        try:
            self.dataReceived(b"")
        except Exception:  # noqa: BLE001 - as the reactor does for what it has read
            self._broken(Failure())
        self._read_or_not()

    def _read_or_not(self) -> None:
        """Read from the peer, or let it wait."""
        wanted = not (
            self._more_is_due or self._held_size > MAX_UNSENT or self.wire.is_choked
        )
        if wanted is self._is_reading or self.is_gone or self._is_closing:
            return
        self._is_reading = wanted
        if wanted:
            self._transport.resumeProducing()
        else:
            self._transport.pauseProducing()

    # -- octets out --------------------------------------------------------------------

    def flush(self) -> None:
        """Write all output at once; once gone there is none. HOT PATH."""
        output = self.wire.take_output()
        if output:
            if self.is_stalled:
                self._hold(output)
            else:
                self._transport.write(output)
        if self.wire.has_more:  # an answer finished something: an unbind, a bind
            self._come_back()

    def _hold(self, output: bytes) -> None:
        self._held.append(output)
        self._held_size += len(output)
        self._read_or_not()

    def _write_held(self) -> None:
        held, self._held = b"".join(self._held), []
        self._held_size = 0
        if held:
            self._transport.write(held)

    # Back-pressure: the transport tells us, the producer of what it is to send.

    def pauseProducing(self) -> None:
        """The transport's buffer is full."""
        self.is_stalled = True
        self._stalled_at = self.clock.seconds()

    def resumeProducing(self) -> None:
        """The transport's buffer is empty."""
        self.is_stalled = False
        self._stalled_at = math.inf
        self._write_held()
        self._read_or_not()
        if not self.is_stalled:
            self.resumed()

    def stopProducing(self) -> None:
        """The transport is gone; connectionLost says the rest."""

    # -- the end -----------------------------------------------------------------------

    def leave(self) -> "Deferred[None]":
        """Unbind if bound, then close; fires when the connection is over."""
        state = self.wire.state
        if state in BOUND:
            self.wire.unbind(self.clock.seconds())
            self.flush()
        elif state is not State.UNBINDING:
            self.close()
        self._end_in_time()
        return self.when_gone()

    def close(self) -> None:
        """Write what is left, then close."""
        if self._is_closing or self.is_gone:
            return
        self._held.append(self.wire.take_output())
        self._write_held()
        self._is_closing = True
        self._end_in_time()
        if not self._is_reading:
            self._transport.resumeProducing()  # TLS waits for the peer's last word
        self._transport.unregisterProducer()
        self._transport.loseConnection()

    def _end_in_time(self) -> None:
        self._end_at = min(self._end_at, self.clock.seconds() + END_S)

    def abort(self) -> None:
        """Close without waiting for a peer that does not read."""
        if not self.is_gone:
            self._is_closing = True
            self._transport.abortConnection()

    def _broken(self, failure: Failure) -> None:
        """A bug of ours: it ends this session, and no other."""
        self.log.failure("a session broke", failure=failure)
        self.abort()

    # -- time --------------------------------------------------------------------------

    def _tick(self) -> None:
        now = self.clock.seconds()
        if not self._is_closing and self._held_size <= MAX_UNSENT:  # else we are deaf
            events = self.wire.tick(now)
            if events:
                self.handle(events)
            if self.wire.has_output:
                self.flusher.mark(self)
            if self.wire.has_more:
                self._come_back()
            self._read_or_not()
        if now - self._stalled_at >= self.write_stall_s:
            self.log.warn("{peer} does not read what is sent to it", peer=self.peer)
            self.abort()
        elif now >= self._end_at:
            # Whoever connects can make us say this: not where everybody reads.
            self.log.debug("cut the connection to {peer}, which hangs", peer=self.peer)
            self.abort()

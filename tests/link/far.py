"""The far end of a session: a connection in memory, and who speaks at its other end."""

from typing import Any

from twisted.internet.address import IPv4Address
from twisted.internet.error import ConnectionAborted, ConnectionDone, ConnectionLost
from twisted.internet.interfaces import IPushProducer
from twisted.internet.task import Clock
from twisted.internet.testing import StringTransport
from twisted.python.failure import Failure

from luckgw.wire.pdus import encode_pdu
from tests.wire.peers import Pdu, pdus

BUFFER = 1 << 16
"""Octets that a transport keeps before it tells its producer to pause."""


class MemoryTransport(StringTransport):
    """A TCP connection that behaves as Twisted's, to a peer that may stop reading."""

    def __init__(self, clock: Clock, protocol: Any, host: str) -> None:
        super().__init__(  # type: ignore[no-untyped-call]
            peerAddress=IPv4Address("TCP", host, 40000)
        )
        self.clock = clock
        self.protocol = protocol
        self.writes: list[bytes] = []
        """What the peer has got, write by write."""
        self.unsent = b""
        self.is_taking = True
        """Whether the peer reads."""
        self.is_reading = True
        """Whether the session reads."""
        self.is_lost = False
        self.was_aborted = False
        self.unread: list[bytes] = []
        self.producer: IPushProducer | None = None

    def write(self, data: bytes) -> None:
        """Send, or keep for a peer that does not read."""
        assert not self.is_lost
        if self.is_taking:
            self.writes.append(data)
            return
        self.unsent += data
        if len(self.unsent) > BUFFER and self.producer is not None:
            self.producer.pauseProducing()

    def take(self) -> None:
        """The peer reads again, all that there is."""
        self.is_taking = True
        unsent, self.unsent = self.unsent, b""
        if unsent:
            self.writes.append(unsent)
        if self.producer is not None:
            self.producer.resumeProducing()
        self._close_if_empty()

    def arrive(self, octets: bytes) -> None:
        """Octets of the peer reach this host."""
        if self.is_reading and not self.disconnecting:
            self.protocol.dataReceived(octets)
        else:
            self.unread.append(octets)

    def pauseProducing(self) -> None:
        """Read no more."""
        assert self.is_reading
        self.is_reading = False

    def resumeProducing(self) -> None:
        """Read again: what came meanwhile comes in the next turn."""
        assert not self.is_reading
        self.is_reading = True
        unread, self.unread = self.unread, []
        for octets in unread:
            self.clock.callLater(0, self.arrive, octets)

    def loseConnection(self) -> None:
        """Close once everything is sent."""
        assert self.producer is None, "with a producer it would never close"
        self.disconnecting = True
        self._close_if_empty()

    def _close_if_empty(self) -> None:
        if self.disconnecting and not self.unsent:
            self.clock.callLater(0, self.lose, ConnectionDone())

    def abortConnection(self) -> None:  # noqa: N802 - Twisted's name
        """Close at once."""
        self.was_aborted = self.disconnecting = True
        self.clock.callLater(0, self.lose, ConnectionAborted())

    def lose(self, why: Exception) -> None:
        """The connection is over."""
        if not self.is_lost:
            self.is_lost = True
            self.protocol.connectionLost(Failure(why))


class Far:
    """The peer of a session under test: does what the test says, and nothing else."""

    def __init__(self, clock: Clock, session: Any, host: str = "192.0.2.1") -> None:
        self.clock = clock
        self.session = session
        self.transport = MemoryTransport(clock, session, host)
        session.makeConnection(self.transport)
        self._sequence = 1000

    def send(
        self,
        command_id: int,
        body: bytes = b"",
        *,
        status: int = 0,
        sequence: int | None = None,
    ) -> int:
        """Send one PDU; its sequence number."""
        if sequence is None:
            self._sequence = sequence = self._sequence + 1
        self.transport.arrive(encode_pdu(command_id, status, sequence, body))
        return sequence

    def respond(self, to: Pdu, body: bytes = b"", status: int = 0) -> None:
        """Send the response to a request."""
        self.send(
            to.command_id | 0x80000000, body, status=status, sequence=to.sequence_number
        )

    def turn(self, seconds: float = 0.0) -> None:
        """Let all turns pass that are due, and then time, second by second."""
        self.clock.advance(0)
        while seconds > 0:
            self.clock.advance(min(1.0, seconds))
            seconds -= 1.0

    def got(self) -> list[Pdu]:
        """What came since the last look, after a turn."""
        self.turn()
        octets = b"".join(self.transport.writes)
        self.transport.writes.clear()
        return pdus(octets)

    def cut(self) -> None:
        """Lose the connection, as a pulled cable does in the end."""
        self.transport.lose(ConnectionLost())

    def closed(self) -> bool:
        """Whether the connection is over."""
        self.turn()
        return self.transport.is_lost

    def aborted(self) -> bool:
        """Whether the session has cut it."""
        return self.transport.was_aborted

    def is_read(self) -> bool:
        """Whether the session reads what we send."""
        return self.transport.is_reading

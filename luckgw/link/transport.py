"""What a session needs of its transport, and how a socket is set up for SMPP."""

import socket
from contextlib import suppress
from typing import Any, Final, Protocol

from twisted.internet.interfaces import IAddress, IProducer, ISystemHandle

#: Not every system has all of them.
_TCP_OPTIONS: Final = [
    (getattr(socket, name), value)
    for name, value in (
        ("TCP_NODELAY", 1),  # Nagle and a peer's delayed ACK cost 40 ms a turn
        ("TCP_KEEPIDLE", 30),
        ("TCP_KEEPINTVL", 10),
        ("TCP_KEEPCNT", 3),
    )
    if hasattr(socket, name)
]


class Transport(Protocol):
    """A stream to the peer: ITransport, IConsumer and IPushProducer in one."""

    def write(self, data: bytes) -> None:
        """Send it as soon as the peer takes it. HOT PATH."""
        ...

    def loseConnection(self) -> None:
        """Close, after all that was written is sent."""
        ...

    def abortConnection(self) -> None:  # noqa: N802 - Twisted's name
        """Close, and forget what was not sent."""
        ...

    def getPeer(self) -> IAddress:  # noqa: N802 - Twisted's name
        """Where the peer is."""
        ...

    def registerProducer(self, producer: IProducer, streaming: bool) -> None:  # noqa: N802
        """Tell ``producer`` when the buffer is full, and when it is empty again."""
        ...

    def unregisterProducer(self) -> None:  # noqa: N802 - Twisted's name
        """Nobody is to be told any more; needed before the connection can close."""
        ...

    def pauseProducing(self) -> None:
        """Stop reading."""
        ...

    def resumeProducing(self) -> None:
        """Go on reading."""
        ...


def tune(transport: object, stall_s: float) -> None:
    """No Nagle, and a dead peer is found (spec/reliability 2.5, DESIGN 6).

    Octets that the peer's host does not take, or does not acknowledge, for ``stall_s``
    seconds end the connection; so they do when they are too few to fill a buffer of
    ours. A socket that is not TCP is left as it is.
    """
    handle = _handle(transport)
    if isinstance(handle, socket.socket) and handle.family in {
        socket.AF_INET,
        socket.AF_INET6,
    }:
        with suppress(OSError):  # the peer may have gone already
            handle.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
            for option, value in _TCP_OPTIONS:
                handle.setsockopt(socket.IPPROTO_TCP, option, value)
            if hasattr(socket, "TCP_USER_TIMEOUT"):
                handle.setsockopt(
                    socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, int(stall_s * 1000)
                )


def _handle(transport: object) -> Any:
    """The socket under a transport; TLS and others are transports on a transport."""
    while (inner := getattr(transport, "transport", None)) is not None:
        transport = inner
    return transport.getHandle() if ISystemHandle.providedBy(transport) else None

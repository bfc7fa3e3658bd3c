"""Each toxic does what it says, or the scenarios prove nothing."""

from collections.abc import AsyncIterator
from typing import Any

import attrs
import pytest_twisted  # type: ignore[import-untyped]
from twisted.internet import reactor as _reactor
from twisted.internet.endpoints import HostnameEndpoint
from twisted.internet.error import ConnectionLost
from twisted.internet.protocol import Factory, Protocol, connectionDone
from twisted.internet.task import deferLater
from twisted.python.failure import Failure

from tests.faults.chaosproxy import Proxy

reactor: Any = _reactor


class End(Protocol):
    """Keeps what comes, piece by piece, and how it ended."""

    def __init__(self) -> None:
        self.pieces: list[bytes] = []
        self.end: type[BaseException] | None = None

    def dataReceived(self, data: bytes) -> None:
        """A piece."""
        self.pieces.append(data)

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        """The end."""
        self.end = reason.type

    @property
    def got(self) -> bytes:
        """All of it."""
        return b"".join(self.pieces)

    def send(self, data: bytes) -> None:
        """To the other end."""
        transport: Any = self.transport
        transport.write(data)

    def leave(self) -> None:
        """Farewell."""
        transport: Any = self.transport
        transport.loseConnection()


@attrs.define
class Line:
    """A client and a server with the proxy between them."""

    proxy: Proxy
    client: End
    server: End


async def until(check: Any, within_s: float = 5.0) -> float:
    """Wait for it; how long it took."""
    begun = reactor.seconds()
    while not check():
        assert reactor.seconds() - begun < within_s
        await deferLater(reactor, 0.005)
    return float(reactor.seconds() - begun)


@pytest_twisted.async_yield_fixture  # type: ignore[untyped-decorator]
async def line() -> AsyncIterator[Line]:
    """A line without toxics."""
    server = End()
    behind = reactor.listenTCP(
        0, Factory.forProtocol(lambda: server), interface="127.0.0.1"
    )
    proxy = Proxy(reactor, behind.getHost().port)
    front = reactor.listenTCP(0, proxy, interface="127.0.0.1")
    client = End()
    await HostnameEndpoint(reactor, "127.0.0.1", front.getHost().port).connect(
        Factory.forProtocol(lambda: client)
    )
    await until(lambda: server.transport is not None)
    yield Line(proxy, client, server)
    for end in (client, server):
        transport: Any = end.transport
        transport.abortConnection()
    proxy.order({"set": {}})
    await until(lambda: client.end and server.end)
    for port in (front, behind):
        await port.stopListening()
    await until(lambda: not proxy.pairs)


async def test_without_toxics(line: Line) -> None:
    """All passes, either way, farewells included."""
    line.client.send(b"ping")
    await until(lambda: line.server.got == b"ping")
    line.server.send(b"pong")
    line.server.leave()
    await until(lambda: line.client.end)
    assert line.client.got == b"pong"


async def test_latency(line: Line) -> None:
    """Nothing is there before its time."""
    line.proxy.order({"set": {"latency_s": 0.15}})
    line.client.send(b"ping")
    assert await until(lambda: line.server.got == b"ping") >= 0.14


async def test_bandwidth(line: Line) -> None:
    """A kilobyte at 40 kbit/s takes a fifth of a second, piece by piece."""
    line.proxy.order({"set": {"bandwidth_kbit": 40, "slicer": 100}})
    line.client.send(b"x" * 1000)
    assert await until(lambda: len(line.server.got) == 1000) >= 0.18
    assert len(line.server.pieces) > 5


async def test_slicer(line: Line) -> None:
    """Small pieces, in their order."""
    line.proxy.order({"set": {"slicer": 3}})
    line.client.send(b"abcdefghij")
    await until(lambda: line.server.got == b"abcdefghij")
    assert len(line.server.pieces) > 1


async def test_limit_data(line: Line) -> None:
    """Closed after so many octets."""
    line.proxy.order({"set": {"limit_data": 5}})
    line.client.send(b"hello")
    await until(lambda: line.server.end)
    assert line.server.got == b"hello"


async def test_timeout(line: Line) -> None:
    """Swallowed, and so is the farewell; when it is over the rest is cut."""
    line.proxy.order({"set": {"timeout": True}})
    line.client.send(b"lost")
    line.client.leave()
    await until(lambda: line.client.end)
    await deferLater(reactor, 0.05)
    assert (line.server.got, line.server.end) == (b"", None)
    line.proxy.order({"set": {}})
    await until(lambda: line.server.end)


async def test_slow_close(line: Line) -> None:
    """The farewell comes late."""
    line.proxy.order({"set": {"slow_close_s": 0.15}})
    line.client.leave()
    assert await until(lambda: line.server.end) >= 0.14


async def test_reset(line: Line) -> None:
    """By order and again and again: both sides are cut, with RST."""
    line.proxy.order({"set": {"reset_every_s": 0.1}})
    assert await until(lambda: line.client.end and line.server.end) >= 0.09
    assert line.client.end is line.server.end is ConnectionLost
    line.proxy.order({"set": {}})


async def test_hang(line: Line) -> None:
    """One connection goes deaf, for ever."""
    line.proxy.order({"hang": 1})
    line.client.send(b"lost")
    await deferLater(reactor, 0.05)
    assert (line.server.got, line.server.end) == (b"", None)

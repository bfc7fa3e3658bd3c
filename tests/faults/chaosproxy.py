"""A TCP proxy that spoils connections: ``python -m tests.faults.chaosproxy PORT TO``.

It reads orders from its standard input, one JSON object a line: ``{"set": {"latency_s":
0.1}}`` sets all toxics, those not named to nothing; ``{"reset": true}`` resets all
connections at once; ``{"hang": 1}`` swallows, from now on and for ever, what the oldest
so many connections send either way, and their farewells. It writes what happens to its
standard output: ``{"opened": N}``, ``{"closed": N, "by": "client"}``.
"""

import json
import sys
import time
from collections import deque
from contextlib import suppress
from typing import Any, Final

import attrs
from twisted.internet import reactor as _reactor
from twisted.internet.endpoints import HostnameEndpoint
from twisted.internet.error import ReactorNotRunning
from twisted.internet.interfaces import IAddress
from twisted.internet.protocol import Factory, Protocol, connectionDone
from twisted.internet.stdio import StandardIO
from twisted.protocols.basic import LineOnlyReceiver
from twisted.python.failure import Failure

_TURN_S: Final = 0.01
_BITS: Final = 8


@attrs.frozen
class Toxics:
    """What is done to all that passes, in either direction."""

    latency_s: float = 0.0
    """Each octet is so late."""
    bandwidth_kbit: float = 0.0
    """So many kilobits a second pass, for each connection and direction; 0: all."""
    slicer: int = 0
    """What passes is cut into pieces of at most so many octets, each sent by itself."""
    limit_data: int = 0
    """A connection is closed after so many octets in one direction."""
    timeout: bool = False
    """Nothing passes, and nothing is told: data is swallowed."""
    slow_close_s: float = 0.0
    """A farewell is so late."""
    reset_every_s: float = 0.0
    """All connections are reset so often."""


class Half(Protocol):
    """One side of a proxied connection; ``other`` is the other one."""

    def __init__(self, pair: "Pair", name: str) -> None:
        self.pair = pair
        self.name = name
        self.other: Half | None = None
        self._waiting: deque[tuple[float, bytes]] = deque()
        """For the other side: when it may go there, and what."""
        self._passed = 0
        self._free_at = 0.0
        self._is_busy = False

    def connectionMade(self) -> None:
        """Without Nagle: a slice is a packet."""
        transport: Any = self.transport
        transport.setTcpNoDelay(True)

    def dataReceived(self, data: bytes) -> None:
        """Octets for the other side."""
        pair = self.pair
        if pair.is_deaf():
            return
        toxics = pair.proxy.toxics
        size = toxics.slicer or len(data)
        now = pair.proxy.clock.seconds()
        for at in range(0, len(data), size):
            piece = data[at : at + size]
            due = now + toxics.latency_s
            if toxics.bandwidth_kbit:
                self._free_at = max(self._free_at, now)
                self._free_at += len(piece) * _BITS / (1000 * toxics.bandwidth_kbit)
                due += self._free_at - now
            self._waiting.append((due, piece))
        self._pass_on()

    def _pass_on(self) -> None:
        """What is due goes; with a slicer one piece in each turn."""
        if self._is_busy or not self._waiting or self.other is None:
            return
        pair, clock = self.pair, self.pair.proxy.clock
        toxics = pair.proxy.toxics
        ready: list[bytes] = []
        while self._waiting and self._waiting[0][0] <= clock.seconds():
            ready.append(self._waiting.popleft()[1])
            if toxics.slicer:
                break
        if ready and not pair.is_deaf():
            octets = b"".join(ready)
            self._passed += len(octets)
            other: Any = self.other.transport
            other.write(octets)
            if toxics.limit_data and self._passed >= toxics.limit_data:
                other.loseConnection()
        if self._waiting:
            self._is_busy = True
            wait = max(0.0, self._waiting[0][0] - clock.seconds())
            clock.callLater(wait or 0, self._again)

    def _again(self) -> None:
        self._is_busy = False
        self._pass_on()

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        """This side is gone: so is the other, unless that is not to be heard."""
        del reason
        self.pair.lost(self)


class Pair:
    """One proxied connection."""

    def __init__(self, proxy: "Proxy", number: int) -> None:
        self.proxy = proxy
        self.number = number
        self.client = Half(self, "client")
        self.server = Half(self, "server")
        self.is_hung = False
        self._ended = False

    def is_deaf(self) -> bool:
        """Whether what comes is swallowed."""
        return self.is_hung or self.proxy.toxics.timeout

    def join(self) -> None:
        """Both sides are there."""
        self.client.other, self.server.other = self.server, self.client
        self.client._pass_on()

    def lost(self, half: Half) -> None:
        """One side is gone."""
        if not self._ended:
            self._ended = True
            self.proxy.say({"closed": self.number, "by": half.name})
        other: Any = half.other.transport if half.other is not None else None
        self.proxy.pairs.pop(self.number, None)
        if self.is_deaf():
            self.proxy.left_behind.append(other)
        elif other is not None:
            wait = self.proxy.toxics.slow_close_s + self.proxy.toxics.latency_s
            self.proxy.clock.callLater(wait, other.loseConnection)

    def reset(self) -> None:
        """RST to both sides."""
        for half in (self.client, self.server):
            transport: Any = half.transport
            if transport is not None:
                transport.abortConnection()


class Proxy(Factory):
    """All connections."""

    noisy = False

    def __init__(self, reactor: Any, to: int) -> None:
        self.clock = reactor
        self.toxics = Toxics()
        self.pairs: dict[int, Pair] = {}
        self.left_behind: list[Any] = []
        """Sides whose other side went while nothing was told."""
        self._to = HostnameEndpoint(reactor, "127.0.0.1", to)
        self._count = 0
        self._resetting: Any = None

    def buildProtocol(self, addr: IAddress | None) -> Half:
        """One more."""
        del addr
        self._count += 1
        pair = self.pairs[self._count] = Pair(self, self._count)
        self.say({"opened": self._count})
        factory = Factory.forProtocol(lambda: pair.server)
        factory.noisy = False
        self._to.connect(factory).addCallbacks(
            lambda _: pair.join(), lambda _: pair.reset()
        )
        return pair.client

    def order(self, order: dict[str, Any]) -> None:
        """One line of standard input."""
        if "set" in order:
            self.toxics = Toxics(**order["set"])
            if self._resetting is not None and self._resetting.active():
                self._resetting.cancel()
            self._reset_later()
            if not self.toxics.timeout:
                left, self.left_behind = self.left_behind, []
                for transport in left:
                    if transport is not None:
                        transport.abortConnection()
        if order.get("reset"):
            self._reset()
        for number in sorted(self.pairs)[: order.get("hang", 0)]:
            self.pairs[number].is_hung = True

    def _reset_later(self) -> None:
        every = self.toxics.reset_every_s
        if every:
            self._resetting = self.clock.callLater(every, self._reset_again)

    def _reset_again(self) -> None:
        self._reset()
        self._reset_later()

    def _reset(self) -> None:
        self.say({"reset": len(self.pairs)})
        for pair in list(self.pairs.values()):
            pair.reset()

    def say(self, what: dict[str, Any]) -> None:
        """One line of standard output."""
        line = {"at": round(self.clock.seconds(), 3), **what}
        sys.stdout.write(json.dumps(line) + "\n")
        sys.stdout.flush()


class Orders(LineOnlyReceiver):
    """Standard input."""

    delimiter = b"\n"

    def __init__(self, proxy: Proxy) -> None:
        self._proxy = proxy

    def lineReceived(self, line: bytes) -> None:
        """One order."""
        self._proxy.order(json.loads(line))

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        """Nobody gives orders any more, or we are told to end."""
        del reason
        reactor: Any = _reactor
        with suppress(ReactorNotRunning):
            reactor.stop()


def main() -> None:
    """Listen until standard input ends."""
    reactor: Any = _reactor
    reactor.seconds = time.monotonic
    port, to = int(sys.argv[1]), int(sys.argv[2])
    proxy = Proxy(reactor, to)
    reactor.listenTCP(port, proxy, interface="127.0.0.1")
    StandardIO(Orders(proxy))
    proxy.say({"listening": port})
    reactor.run()


if __name__ == "__main__":
    main()

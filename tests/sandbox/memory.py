"""A network in memory, and an ESME to talk to the sandbox with."""

from collections.abc import Callable
from typing import Any

import attrs
from twisted.internet import reactor as _reactor
from twisted.internet.address import IPv4Address
from twisted.internet.defer import Deferred, fail, succeed
from twisted.internet.error import ConnectionRefusedError as Refused
from twisted.internet.interfaces import (
    IProtocol,
    IProtocolFactory,
    IReactorTime,
    IStreamClientEndpoint,
)
from twisted.internet.protocol import Protocol
from twisted.internet.task import Clock, deferLater
from twisted.python.failure import Failure
from twisted.test.iosim import FakeTransport, IOPump, connect
from zope.interface import implementer

from luckgw.link.flusher import Flusher
from luckgw.receipts.parse import Receipt, parse
from luckgw.sandbox.load_report import Report
from luckgw.sandbox.smsc import Smsc, SmscSettings
from luckgw.wire.connection import Connection, Role, Settings
from luckgw.wire.events import Answered, BindRefused, Bound, Closing, Unbound
from luckgw.wire.pdus import Command, Sm, encode_sm

ADDRESS = IPv4Address("TCP", "127.0.0.1", 2775)
WALL_MS = 1_700_000_000_000
"""What the wall clock says in these tests: 2023-11-14 22:13:20 UTC."""


class MemoryTransport(FakeTransport):
    """A TCP connection in memory."""

    def getHandle(self) -> None:  # noqa: N802 - ITCPTransport's
        """There is no socket."""


@implementer(IStreamClientEndpoint)
class Network:
    """Connects whoever asks with ``server``, in memory; nothing moves by itself."""

    def __init__(self, clock: Clock, server: IProtocolFactory | None) -> None:
        self.clock = clock
        self.server = server
        """None: nobody listens."""
        self.pumps: list[IOPump] = []

    def connect(self, protocolFactory: IProtocolFactory) -> Deferred[IProtocol]:  # noqa: N803
        """As IStreamClientEndpoint."""
        if self.server is None:
            return fail(Refused())
        client = protocolFactory.buildProtocol(ADDRESS)
        server = self.server.buildProtocol(ADDRESS)
        assert client is not None
        assert server is not None
        pump = connect(
            server,
            MemoryTransport(server, isServer=True),  # type: ignore[no-untyped-call]
            client,
            MemoryTransport(client, isServer=False),  # type: ignore[no-untyped-call]
            greet=False,
            clock=self.clock,
        )
        self.pumps.append(pump)
        return succeed(client)

    def run(self, seconds: float = 0.0, step: float = 0.5) -> None:
        """Let octets flow until all is quiet, through ``seconds`` of time."""
        self._settle()
        while seconds > 0:
            self.clock.advance(min(step, seconds))
            seconds -= step
            self._settle()

    def _settle(self) -> None:
        is_quiet = False
        while not is_quiet:
            self.clock.advance(0)
            moved = [pump.flush() for pump in self.pumps]
            now = self.clock.seconds()
            due = [c for c in self.clock.getDelayedCalls() if c.getTime() <= now]
            is_quiet = not any(moved) and not due

    def cut(self, number: int) -> None:
        """Lose the connection of this number, as a pulled cable does."""
        pump = self.pumps.pop(number)
        pump.clientIO.reportDisconnect()
        pump.serverIO.reportDisconnect()


@attrs.define(slots=False, eq=False)
class Esme(Protocol):
    """An ESME by the book, with every answer to a receipt chosen by the test."""

    clock: Clock
    answers: list[int] = attrs.Factory(list)
    """command_status of the next deliver_sm_resp; when it is empty: ROK."""
    is_silent: bool = False
    """Answer no deliver_sm."""
    events: list[Any] = attrs.Factory(list)
    log: list[str] = attrs.Factory(list)
    """What came, in order: ``resp`` and ``receipt``."""

    def __attrs_post_init__(self) -> None:
        settings = Settings(window=1000, inbound_window=1000)
        self.wire = Connection(Role.ESME, settings, self.clock.seconds())

    def dataReceived(self, data: bytes) -> None:
        """What the sandbox says."""
        events = self.wire.receive(data, self.clock.seconds())
        while self.wire.has_more:
            events += self.wire.receive(b"", self.clock.seconds())
        for event in events:
            self.events.append(event)
            if isinstance(event, Answered):
                self.log.append("resp")
            if isinstance(event, Sm):
                self.log.append("receipt")
                if not self.is_silent:
                    self.wire.answer(event, self.answers.pop(0) if self.answers else 0)
            if isinstance(event, Unbound | BindRefused | Closing):
                assert self.transport is not None
                self.transport.loseConnection()
        self.flush()

    def flush(self) -> None:
        """Write what there is to write."""
        assert self.transport is not None
        self.transport.write(self.wire.take_output())

    def bind(
        self, kind: Command, system_id: str = "sandbox", password: str = "sandbox"
    ) -> None:
        """Ask to be bound."""
        now = self.clock.seconds()
        self.wire.bind(kind, system_id.encode(), password.encode(), b"", now)
        self.flush()

    def submit(self, to: str = "233501234567", **fields: Any) -> None:
        """Send a message."""
        body = encode_sm(
            **{
                "source_addr_ton": 5,
                "source_addr": b"Luck",
                "dest_addr_ton": 1,
                "dest_addr_npi": 1,
                "destination_addr": to.encode(),
                "registered_delivery": 1,
                "short_message": b"Hello",
                **fields,
            }
        )
        self.send(Command.SUBMIT_SM, body)

    def send(self, command_id: int, body: bytes) -> None:
        """Send any request."""
        self.wire.send(command_id, body, None, self.clock.seconds())
        self.flush()

    @property
    def is_bound(self) -> bool:
        """Whether the sandbox took the bind."""
        return any(isinstance(event, Bound) for event in self.events)

    @property
    def responses(self) -> list[tuple[int, bytes]]:
        """command_status and message_id of each response."""
        return [
            (event.command_status, event.message_id)
            for event in self.events
            if isinstance(event, Answered)
        ]

    @property
    def deliveries(self) -> list[Sm]:
        """Every deliver_sm."""
        return [event for event in self.events if isinstance(event, Sm)]

    @property
    def receipts(self) -> list[Receipt]:
        """Every deliver_sm, as the receipt that it is."""
        found = [
            parse(sm.esm_class, sm.short_message, sm.tlvs) for sm in self.deliveries
        ]
        return [receipt for receipt in found if receipt is not None]


@attrs.define
class Carrier:
    """A sandbox and its network."""

    clock: Clock
    smsc: Smsc
    network: Network

    def esme(
        self, kind: Command | None = Command.BIND_TRANSCEIVER, **esme: Any
    ) -> Esme:
        """A new ESME, connected, and bound unless ``kind`` is None."""
        made = Esme(self.clock, **esme)

        @implementer(IProtocolFactory)
        class Once:
            def buildProtocol(self, _address: object) -> Esme:
                return made

            def doStart(self) -> None: ...

            def doStop(self) -> None: ...

        self.network.connect(Once())
        if kind is not None:
            made.bind(kind)
        self.network.run()
        return made


def make_carrier(clock: Clock, **settings: Any) -> Carrier:
    """A sandbox with these settings."""
    smsc = Smsc(clock, Flusher(clock), SmscSettings(**settings), lambda: WALL_MS)
    return Carrier(clock, smsc, Network(clock, smsc))


async def until(condition: Callable[[], object]) -> None:
    """Let the real reactor run until ``condition`` holds; the test's limit ends it."""
    while not condition():
        await deferLater(IReactorTime(_reactor), 0.005)


def result_of(done: Deferred[Report]) -> Report:
    """What a Deferred that has fired holds; its failure is raised."""
    results: list[Report | Failure] = []
    done.addBoth(results.append)
    [result] = results
    if isinstance(result, Failure):
        result.raiseException()
    return result

"""A carrier in memory, and somebody who listens to what comes from it."""

from typing import Any

from twisted.internet.address import IPv4Address
from twisted.internet.endpoints import TCP4ClientEndpoint
from twisted.internet.error import ConnectionRefusedError as Refused
from twisted.internet.testing import MemoryReactorClock
from twisted.python.failure import Failure

from luckgw.config import model
from luckgw.config.secret import Secret
from luckgw.link.flusher import Flusher
from luckgw.upstream.interface import Reply
from luckgw.upstream.smpp import SmppUpstream
from luckgw.upstream.smpp_client import Bind
from luckgw.wire.pdus import Command, Sm
from tests.link.far import Far
from tests.wire.peers import Pdu

MIDDLE = 0.5
"""The random number that makes no jitter."""


class Ear:
    """A Listener that keeps what it hears."""

    def __init__(self) -> None:
        self.heard: list[tuple[Any, ...]] = []
        self.changes = 0
        self.reply: int | None = None
        """How a deliver_sm is answered at once; None: by the test."""
        self.replies: list[Reply] = []

    def answered(
        self, context: object, command_status: int, message_id: bytes, *, late: bool
    ) -> None:
        """Keep it."""
        word = "late" if late else "answered"
        self.heard.append((word, context, command_status, message_id))

    def uncertain(self, contexts: list[object], *, may_come: bool) -> None:
        """Keep it."""
        self.heard.append(("uncertain", list(contexts), may_come))

    def received(self, sm: Sm, reply: Reply) -> None:
        """Keep it, and answer if that was said before."""
        self.heard.append(("received", sm.short_message))
        self.replies.append(reply)
        if self.reply is not None:
            reply(self.reply)

    def unreadable(self, command_id: int, command_status: int, body: bytes) -> None:
        """Keep it."""
        self.heard.append(("unreadable", command_id, command_status, body))

    def changed(self) -> None:
        """Count it."""
        self.changes += 1

    def news(self) -> list[tuple[Any, ...]]:
        """What was heard since the last look."""
        heard, self.heard = self.heard, []
        return heard


class Carrier:
    """An SMSC behind TCP, and our upstream that wants to bind to it."""

    def __init__(self, **config: Any) -> None:
        self.clock = MemoryReactorClock()
        self.clock.advance(1000.0)  # no clock starts at nought
        settings: dict[str, Any] = {
            "name": "mtn",
            "endpoint": "tcp:smsc.example:2775",
            "system_id": "luck",
            "password": Secret("secret08"),
            "window": 10,
        }
        self.ear = Ear()
        self.upstream = SmppUpstream(
            self.clock,
            Flusher(self.clock),
            TCP4ClientEndpoint(self.clock, "smsc.example", 2775),
            model.Upstream(**(settings | config)),
            lambda: MIDDLE,
        )
        self._taken = 0

    def start(self) -> "Carrier":
        """Start the upstream."""
        self.upstream.start(self.ear)
        return self

    @property
    def calls(self) -> int:
        """How many connections it asks for, that nobody has answered yet."""
        return len(self.clock.tcpClients) - self._taken

    def _next_call(self) -> tuple[Any, Any]:
        _, _, factory, _, _ = self.clock.tcpClients[self._taken]
        connector = self.clock.connectors[self._taken]
        self._taken += 1
        return factory, connector

    def accept(self) -> Far:
        """Take the oldest call."""
        factory, _ = self._next_call()
        protocol = factory.buildProtocol(IPv4Address("TCP", "192.0.2.9", 2775))
        return Far(self.clock, protocol)

    def refuse(self, why: Exception | None = None) -> None:
        """Refuse the oldest call: nobody listens there, or for another reason."""
        factory, connector = self._next_call()
        factory.clientConnectionFailed(connector, Failure(why or Refused()))

    def ignore(self) -> Any:
        """Never answer the oldest call; its connector."""
        return self._next_call()[1]

    def bound(self) -> Far:
        """Take the oldest call, and its bind."""
        far = self.accept()
        [bind] = far.got()
        far.respond(bind, b"smsc\0")
        return far

    @property
    def bind(self) -> Bind:
        """The only bind."""
        [bind] = self.upstream.binds
        return bind

    @property
    def state(self) -> str:
        """The state of the only bind, for people."""
        return self.bind.status().state

    def wait(self) -> float:
        """How long until the next call; time passes."""
        begun = self.clock.seconds()
        while not self.calls:
            assert self.clock.getDelayedCalls(), "it will never call again"
            self.clock.advance(0.5)
        return self.clock.seconds() - begun

    def submits(self, far: Far) -> list[Pdu]:
        """The submit_sm that came since the last look."""
        return [pdu for pdu in far.got() if pdu.command_id == Command.SUBMIT_SM]

"""Ask a server on a unix socket how it is: one connection, a few commands, goodbye.

This is not the store's client. It speaks to a server that may be half started, still
loading, hung, or somebody else's, and must find that out within a deadline.
"""

from typing import cast

import attrs
import hiredis
from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.endpoints import UNIXClientEndpoint
from twisted.internet.error import ConnectingCancelledError
from twisted.internet.interfaces import IReactorTime, IReactorUNIX, ITCPTransport
from twisted.internet.protocol import Factory, Protocol, connectionDone
from twisted.python.failure import Failure


class IProbeReactor(IReactorTime, IReactorUNIX):
    """What a probe needs of the reactor."""


class ProbeError(Exception):
    """The server did not answer, or not as a server of ours would."""


@attrs.frozen
class ServerState:
    """What a running server says about itself."""

    pid: int
    version: str
    """``valkey 9.1.2`` or ``redis 7.4.6``."""
    is_ready: bool
    """It answers PONG and has finished loading its data."""
    settings: dict[str, str]
    """The answer of CONFIG GET for the names asked for."""


async def probe(
    reactor: IProbeReactor, path: str, password: str, *names: str, timeout_s: float
) -> ServerState:
    """Connect, authenticate, ask; ``names`` are the settings wanted.

    Raises ``ProbeError`` when there is no good answer within ``timeout_s`` seconds.
    """
    commands = [
        ("AUTH", password),
        ("INFO",),
        ("CONFIG", "GET", *names),
        ("PING",),
    ]
    endpoint = UNIXClientEndpoint(reactor, path, timeout=timeout_s)
    factory = Factory.forProtocol(_Asking)
    factory.noisy = False
    try:
        asking = cast("_Asking", await endpoint.connect(factory))
        answered = asking.ask(commands).addTimeout(timeout_s, reactor)
        try:
            auth, info, settings, pong = await answered
        finally:
            asking.abort()
    except (ProbeError, CancelledError):
        raise
    except ConnectingCancelledError as error:  # the endpoint's word for it
        raise CancelledError from error
    except Exception as error:
        raise ProbeError(f"no answer on {path}: {error}") from error
    if isinstance(auth, hiredis.ReplyError):
        raise ProbeError(f"the server on {path} does not take our password")
    return _read(info, settings, pong)


def _read(info: object, settings: object, pong: object) -> ServerState:
    """The three answers as one record."""
    if not isinstance(info, bytes) or not isinstance(settings, list):
        raise ProbeError(f"the server answered INFO or CONFIG GET with {info!r:.80}")
    facts = dict(
        line.split(":", 1)
        for line in info.decode("latin-1").split("\r\n")
        if ":" in line
    )
    texts = [value.decode("utf-8", "surrogateescape") for value in settings]
    name = "valkey" if "valkey_version" in facts else "redis"
    return ServerState(
        pid=int(facts.get("process_id", "0")),
        version=f"{name} {facts.get(name + '_version', '?')}",
        is_ready=pong == b"PONG" and facts.get("loading") == "0",
        settings=dict(zip(texts[::2], texts[1::2], strict=True)),
    )


class _Asking(Protocol):
    """Sends all commands at once and collects as many replies."""

    def __init__(self) -> None:
        self._reader = hiredis.Reader()
        self._replies: list[object] = []
        self._wanted = 0
        self._answered: Deferred[list[object]] = Deferred()

    def ask(self, commands: list[tuple[str, ...]]) -> Deferred[list[object]]:
        self._wanted = len(commands)
        cast("ITCPTransport", self.transport).write(
            b"".join(hiredis.pack_command(c) for c in commands)
        )
        return self._answered

    def abort(self) -> None:
        cast("ITCPTransport", self.transport).abortConnection()

    def dataReceived(self, data: bytes) -> None:
        self._reader.feed(data)
        while (reply := self._next()) is not False:
            self._replies.append(reply)
        if len(self._replies) >= self._wanted and not self._answered.called:
            self._answered.callback(self._replies)

    def _next(self) -> object:
        try:
            return self._reader.gets()
        except hiredis.HiredisError as error:
            if not self._answered.called:
                self._answered.errback(ProbeError(f"not a Redis protocol: {error}"))
            return False

    def connectionLost(self, _reason: Failure = connectionDone) -> None:
        if not self._answered.called:
            self._answered.errback(ProbeError("the server closed the connection"))

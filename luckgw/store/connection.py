"""One connection to the store, kept open: txredisapi as a transport and nothing more.

Facts and rules are in spec/reliability 4: no MULTI, no pool, ``charset=None``, no
number conversion, hiredis required, deadlines of our own, reconnects within half a
second.
txredisapi's own factory is not used: after one refused AUTH it never connects again,
and its first retry comes after a second.
"""

from collections.abc import Awaitable, Callable
from typing import Any, Final, cast

import attrs
import hiredis
from twisted.internet.defer import Deferred, ensureDeferred, fail, succeed
from twisted.internet.interfaces import (
    IDelayedCall,
    IReactorTime,
    IStreamClientEndpoint,
    ITCPTransport,
)
from twisted.internet.protocol import Factory, connectionDone
from twisted.logger import Logger
from twisted.python.failure import Failure
from txredisapi import (
    RedisError,
    RedisProtocol,
    ResponseError,
    ScriptDoesNotExist,
)

from luckgw.store.interface import StoreAway

RECONNECT_S: Final = (0.05, 0.1, 0.2, 0.4)
REPLY_S: Final = 5.0
"""A command unanswered for so long takes the connection down with it."""
WATCH_S: Final = 0.5


class ValkeyProtocol(RedisProtocol):  # type: ignore[misc, unused-ignore]
    """txredisapi's protocol with bytes in, bytes out, and requests packed in C."""

    def __init__(self, on_lost: Callable[[], None]) -> None:
        super().__init__(charset=None, convertNumbers=False)
        self._on_lost = on_lost

    def tryConvertData(self, data: Any) -> Any:  # noqa: N802 - txredisapi's name
        """Nothing is converted: values are bytes (T1, T2)."""
        return data

    def handleTransactionData(self, reply: Any) -> Any:  # noqa: N802
        """There are no transactions (T3 to T6)."""
        return reply

    def _build_command(self, *args: Any, **_kwargs: Any) -> bytes:
        return hiredis.pack_command(args)

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        """The link is gone: commands in flight fail, then the owner hears of it."""
        super().connectionLost(reason)
        self._on_lost()


@attrs.frozen
class Credentials:
    """How to log in; an empty password means no AUTH."""

    username: str = ""
    password: str = attrs.field(default="", repr=False)
    database: int = 0


class StoreConnection:
    """A connection that comes back by itself.

    ``prepare`` runs on each new connection before anybody may use it; when it fails the
    connection is closed and tried again. ``on_lost`` is called when a prepared
    connection goes.
    """

    log = Logger()

    def __init__(
        self,
        clock: IReactorTime,
        endpoint: IStreamClientEndpoint,
        credentials: Credentials,
        prepare: Callable[["StoreConnection"], Awaitable[None]],
        on_lost: Callable[[], None],
    ) -> None:
        self._clock = clock
        self._endpoint = endpoint
        self._credentials = credentials
        self._prepare = prepare
        self._on_lost = on_lost
        self._protocol: ValkeyProtocol | None = None
        self._tries = 0
        self._stopping = False
        self._retry: IDelayedCall | None = None
        self._watch: IDelayedCall | None = None
        self._oldest: list[float] = []
        self.is_usable = False
        self.last_error = "not connected yet"

    def start(self) -> None:
        """Begin to connect."""
        self._connect()
        self._watch = self._clock.callLater(WATCH_S, self._look_at_deadlines)

    def stop(self) -> None:
        """Close, and do not come back."""
        self._stopping = True
        for call in (self._retry, self._watch):
            if call is not None and call.active():
                call.cancel()
        if self._protocol is not None and self._protocol.transport is not None:
            self._protocol.transport.loseConnection()

    def execute(self, *args: bytes | str | int) -> "Deferred[Any]":
        """Run one command. Fails with StoreAway when its fate is unknown or it was
        not sent, with txredisapi's ResponseError when the store refused it.
        """
        if not self.is_usable:
            return fail(StoreAway(self.last_error))
        return self._execute(args)

    def _execute(self, args: tuple[bytes | str | int, ...]) -> "Deferred[Any]":
        if self._protocol is None or not self._protocol.connected:
            return fail(StoreAway(self.last_error))
        self._oldest.append(self._clock.seconds())
        d: Deferred[Any] = self._protocol.execute_command(*args)
        d.addCallbacks(self._replied, self._not_replied)
        return d

    def _replied(self, reply: Any) -> Any:
        if self._oldest:
            self._oldest.pop(0)
        return reply

    def _not_replied(self, failure: Failure) -> Failure:
        if self._oldest:
            self._oldest.pop(0)
        if failure.check(ResponseError):
            if failure.getErrorMessage().startswith("NOSCRIPT"):
                # txredisapi tells this one apart only in its own evalsha().
                raise ScriptDoesNotExist(failure.getErrorMessage())
            return failure
        failure.trap(RedisError)
        raise StoreAway(failure.getErrorMessage())

    def _look_at_deadlines(self) -> None:
        self._watch = self._clock.callLater(WATCH_S, self._look_at_deadlines)
        if self._oldest and self._clock.seconds() - self._oldest[0] > REPLY_S:
            self.last_error = f"no answer within {REPLY_S:.0f} s"
            self._oldest = []
            self._abort()

    def _abort(self) -> None:
        if self._protocol is not None:
            cast("ITCPTransport", self._protocol.transport).abortConnection()

    # -- connecting --------------------------------------------------------------------

    def _connect(self) -> None:
        self._retry = None

        def build() -> ValkeyProtocol:
            protocol = ValkeyProtocol(lambda: self._gone(protocol))
            return protocol

        factory = Factory.forProtocol(build)
        factory.noisy = False
        d = self._endpoint.connect(factory)
        d.addCallbacks(self._connected, self._not_connected)
        d.addErrback(
            lambda f: self.log.failure("connecting to the store failed", failure=f)
        )

    def _connected(self, protocol: ValkeyProtocol) -> "Deferred[None]":
        self._protocol = protocol
        self._oldest = []
        if self._stopping:
            self.stop()
            return succeed(None)
        return ensureDeferred(self._log_in())

    async def _log_in(self) -> None:
        given = self._credentials
        try:
            if given.password:
                auth = (
                    (given.username, given.password)
                    if given.username
                    else (given.password,)
                )
                await self._execute(("AUTH", *auth))
            if given.database:
                await self._execute(("SELECT", given.database))
            self.is_usable = True
            await self._prepare(self)
        except (StoreAway, ResponseError, StoreUnfit) as error:
            if str(error) != self.last_error:  # tried again every 0.4 s: said once
                self.log.warn("the store is not usable: {error}", error=str(error))
            self._refuse(error)
            return
        except Exception as error:  # noqa: BLE001 - a half-prepared one is never used
            self.log.failure("preparing the store's connection failed")
            self._refuse(error)
            return
        self._tries = 0
        self.last_error = ""

    def _refuse(self, error: Exception) -> None:
        self.is_usable = False
        self.last_error = str(error)
        self._abort()

    def _not_connected(self, failure: Failure) -> None:
        self.last_error = failure.getErrorMessage()
        self._again()

    def _gone(self, protocol: ValkeyProtocol) -> None:
        if protocol is not self._protocol:
            return
        was_usable = self.is_usable
        self.is_usable = False
        self._protocol = None
        self._oldest = []
        self.last_error = self.last_error or "the connection was lost"
        if was_usable and not self._stopping:
            self._on_lost()
        self._again()

    def _again(self) -> None:
        if self._stopping or self._retry is not None:
            return
        delay = RECONNECT_S[min(self._tries, len(RECONNECT_S) - 1)]
        self._tries += 1
        self._retry = self._clock.callLater(delay, self._connect)


class StoreUnfit(Exception):
    """A server answered that can not keep the promises: a person must look at it."""

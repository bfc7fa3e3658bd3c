"""The embedded Valkey: started, watched, restarted and stopped with luckgw.

The server outlives a killed luckgw on purpose: what it holds is what was acknowledged.
The next luckgw adopts it (spec/reliability 5).
"""

import contextlib
import os
import signal
import sys
from collections import deque
from collections.abc import Callable
from pathlib import Path
from typing import Protocol as Face
from typing import cast

import attrs
from twisted.application.service import Service
from twisted.internet.defer import CancelledError, Deferred, ensureDeferred, succeed
from twisted.internet.error import ProcessExitedAlready, ProcessTerminated
from twisted.internet.interfaces import IDelayedCall, IProcessTransport, IReactorTime
from twisted.internet.protocol import ProcessProtocol
from twisted.internet.task import LoopingCall, deferLater
from twisted.logger import Logger
from twisted.python.failure import Failure

from luckgw.store.embedded_binary import IBinaryReactor, find_binary
from luckgw.store.embedded_dir import ServerSettings, StateDirectory, StoreServerError
from luckgw.store.embedded_probe import IProbeReactor, ProbeError, ServerState, probe

__all__ = [
    "DURABILITIES",
    "EmbeddedServer",
    "IServerReactor",
    "ServerAddress",
    "StoreServerError",
]

DURABILITIES = ("always", "everysec")

_POLL_S = 0.02
_PROBE_TIMEOUT_S = 5.0
_ORPHAN_POLL_S = 0.2
_BUSY_WITHIN_S = 5.0
_TERM_WITHIN_S = 15.0
_LATE_OUTPUT_S = 1.0
_RESTART_DELAYS_S = (0.2, 0.5, 1.0, 2.0)
_SLOW_RESTART_S = 5.0
_RESTARTS = 5
_RESTARTS_WITHIN_S = 60.0
_LOG_TAIL = 20
_LOG_LINE = 1000

#: Runs before the server does, in its place: its own session, so that Ctrl-C in
#: luckgw's terminal does not stop the store before luckgw has drained, and files that
#: nobody else can read. Twisted offers neither for a child without a terminal.
_EXEC = (
    "import os, sys; os.setsid(); os.umask(0o077); os.execv(sys.argv[1], sys.argv[1:])"
)

#: Releases with the fixes of CVE-2025-49844 (Lua, code execution by a client).
_SAFE = {
    "valkey": {(7, 2): 11, (8, 0): 6, (8, 1): 4},
    "redis": {(7, 2): 11, (7, 4): 6, (8, 0): 4, (8, 2): 2},
}


class IServerReactor(IBinaryReactor, IProbeReactor):
    """What the embedded server needs of the reactor."""


@attrs.frozen
class ServerAddress:
    """Where the store's client connects to."""

    path: str
    """The unix socket."""
    password: str = attrs.field(repr=False)


class DamagedJournal(StoreServerError):
    """The append-only file is corrupt: a person has to decide, no restart helps."""


class EmbeddedServer(Service):
    """Keeps one Valkey running on ``state_dir`` from ``start`` to ``stop``.

    ``binary`` is the operator's choice of server, None for ours. ``durability`` is
    "always" or "everysec". ``maxmemory`` is in octets: above it the store refuses
    writes. ``ready_within_s`` bounds the time from the start of the process to ready:
    it loads all its data in it.

    ``on_failed`` is called with one sentence when a person is needed: the server exits
    again and again (it is restarted all the same, every 5 s, until ``stop``: a disk
    that was full may have space again), or its file is damaged (then it is not).
    """

    log = Logger()

    def __init__(
        self,
        clock: IServerReactor,
        state_dir: Path,
        *,
        binary: Path | None = None,
        durability: str = "always",
        maxmemory: int = 2 << 30,
        on_failed: Callable[[str], None],
        ready_within_s: float = 60.0,
    ) -> None:
        if durability not in DURABILITIES:
            raise ValueError(f"durability is {durability!r}, not one of {DURABILITIES}")
        self._clock = clock
        self._directory = StateDirectory(state_dir)
        self._settings = ServerSettings(durability, maxmemory)
        self._configured_binary = binary
        self._on_failed = on_failed
        self._ready_within_s = ready_within_s
        self._server: _Server | None = None
        self._starting: Deferred[ServerAddress] | None = None
        self._guarding: Deferred[None] | None = None
        self._stopping: Deferred[None] | None = None
        self._restarts = Restarts()
        self.is_ready = False
        """Whether the server answered as ready and has not been seen to exit since."""

    # What wiring uses

    @property
    def address(self) -> ServerAddress:
        """Where the server listens while it is up."""
        directory = self._directory
        return ServerAddress(os.fspath(directory.socket_path), directory.password())

    @property
    def pid(self) -> int | None:
        """The server's process id; None while there is no server."""
        return None if self._server is None else self._server.pid

    def start(self) -> Deferred[ServerAddress]:
        """Start or adopt the server; fires when it is ready.

        Fails with ``StoreServerError`` (one clear sentence), and then nothing is left
        running.
        """
        if self._starting is not None:
            raise RuntimeError("the embedded store was started already")
        # The caller gets a Deferred of its own, so that stop() can end the start.
        outcome: Deferred[ServerAddress] = Deferred()
        self._stopping = None
        self._starting = ensureDeferred(self._start())
        self._starting.addErrback(_stopped)
        self._starting.addCallbacks(outcome.callback, outcome.errback)
        return outcome

    def stop(self) -> Deferred[None]:
        """Stop the server (SIGTERM, after 15 s SIGKILL); fires when it is gone."""
        if self._starting is None:
            return succeed(None)
        if self._stopping is None:
            self._stopping = ensureDeferred(self._stop())
        waiting: Deferred[None] = Deferred()
        self._stopping.chainDeferred(waiting)
        return waiting

    def startService(self) -> None:
        """Start with the service tree, unless ``start`` was called before."""
        super().startService()  # type: ignore[no-untyped-call]
        if self._starting is None:
            self.start().addErrback(lambda why: self._on_failed(str(why.value)))

    def stopService(self) -> Deferred[None]:
        """Stop with the service tree."""
        super().stopService()  # type: ignore[no-untyped-call]
        return self.stop()

    # Its life, in order

    async def _start(self) -> ServerAddress:
        try:
            self._directory.open()
            address = self.address
            server = await self._adopt() or await self._launch()
        except CancelledError:  # by stop(), which cleans up
            raise
        except BaseException:
            await self._end()
            self._directory.close()
            self._starting = None
            raise
        self._guarding = ensureDeferred(self._guard(server))
        self._guarding.addErrback(self._guard_failed)
        return address

    async def _adopt(self) -> "_Server | None":
        """Take over the server that a killed luckgw left behind, if there is one.

        The server's lock says so. None: there is none (any more), the lock is ours.
        """
        directory, address = self._directory, self.address
        deadline = self._clock.seconds() + _BUSY_WITHIN_S
        while not directory.try_lock_server():
            try:
                state = await self._probe()
            except ProbeError as error:
                # A server that is about to exit, or its child that rewrites the file.
                if self._clock.seconds() < deadline:
                    await deferLater(self._clock, _ORPHAN_POLL_S)
                    continue
                raise StoreServerError(
                    f"the store in {directory.path} is locked by a server that cannot "
                    f"be reached: {error}"
                ) from error
            if not directory.is_at(state.settings.get("dir", "")):
                raise StoreServerError(
                    f"the server on {address.path} works in another directory "
                    f"({state.settings.get('dir')})"
                )
            self._server = orphan = _Orphan(self._clock, directory, state.pid)
            if self._has_our_settings(state):
                self.log.info(
                    "adopted the store server {pid} of a luckgw that was killed",
                    pid=state.pid,
                )
                await self._until_ready(orphan)
                return orphan
            self.log.info(
                "the store server {pid} of a luckgw that was killed has other settings:"
                " restarting it",
                pid=state.pid,
            )
            await self._end()
        return None

    def _has_our_settings(self, state: ServerState) -> bool:
        return (
            state.settings.get("appendonly") == "yes"
            and state.settings.get("appendfsync") == self._settings.durability
            and state.settings.get("maxmemory") == str(self._settings.maxmemory)
        )

    async def _launch(self) -> "_Server":
        """Start a child and wait until it is ready; raises ``StoreServerError``."""
        binary = await find_binary(self._clock, self._configured_binary)
        self._directory.write_config(self._settings)
        self._server = child = self._spawn(binary)
        await self._until_ready(child)
        return child

    def _spawn(self, binary: Path) -> "_Child":
        child = _Child(self._clock, self.log)
        lock = self._directory.server_lock
        assert lock is not None  # noqa: S101 - _adopt() took it
        python = (sys.executable, "-I", "-S", "-c", _EXEC)
        command = [*python, os.fspath(binary), os.fspath(self._directory.config_path)]
        try:
            with Path(os.devnull).open("rb") as nothing:
                self._clock.spawnProcess(
                    child,
                    sys.executable,
                    command,
                    env=None,
                    path=os.fspath(self._directory.path),
                    childFDs={0: nothing.fileno(), 1: "r", 2: "r", 3: lock},
                )
        except OSError as error:
            raise StoreServerError(f"cannot start the store server: {error}") from error
        return child

    async def _until_ready(self, server: "_Server") -> None:
        """Poll until PONG and ``loading:0``; raises ``StoreServerError``."""
        deadline = self._clock.seconds() + self._ready_within_s
        while True:
            if server.exit.reason is not None:
                raise self._explained(server)
            try:
                state = await self._probe()
                trouble = "it is still loading its data"
            except ProbeError as error:
                trouble = str(error)
            else:
                if state.is_ready and state.pid == server.pid:
                    break
            if self._clock.seconds() >= deadline:
                raise StoreServerError(
                    f"the store server was not ready after {self._ready_within_s:g} s: "
                    f"{trouble}"
                )
            await deferLater(self._clock, _POLL_S)
        self.is_ready = True
        self.log.info(
            "store server ready: {version}, process {pid}",
            version=state.version,
            pid=state.pid,
        )
        if not is_safe(state.version):
            self.log.warn(
                "{version} has known security holes (CVE-2025-49844): update it",
                version=state.version,
            )

    async def _guard(self, server: "_Server") -> None:
        """Restart the server whenever it exits."""
        while True:
            await server.exit.wait()
            why = self._explained(server)
            self.is_ready, self._server = False, None
            while self._server is None:
                if isinstance(why, DamagedJournal):
                    self._failed(why)
                    return
                delay, is_hopeless = self._restarts.delay(self._clock.seconds())
                if is_hopeless:
                    self._failed(why)
                self.log.warn("{why}; restart in {delay} s", why=str(why), delay=delay)
                await deferLater(self._clock, delay)
                try:
                    server = await self._launch()
                except StoreServerError as error:
                    await self._end()
                    why = error

    async def _stop(self) -> None:
        # Cancelling ends the start or the guard wherever it waits.
        for task in (self._starting, self._guarding):
            if task is not None:
                task.cancel()
        await self._end()
        self._directory.close()
        self._starting = self._guarding = None

    # Smaller steps

    def _failed(self, why: StoreServerError) -> None:
        self.log.error("the store is down: {why}", why=str(why))
        self._on_failed(str(why))

    def _guard_failed(self, why: Failure) -> None:
        if why.check(CancelledError) is None:  # not by stop(): a bug, and no guard left
            self.log.failure("guarding the store server failed", failure=why)
            self._on_failed(f"nobody guards the store server: {why.value}")

    async def _end(self) -> None:
        """SIGTERM (the server syncs its file and exits), SIGKILL if it hangs."""
        self.is_ready = False
        server = self._server
        if server is None:
            return
        gone = server.exit.wait()
        server.signal(signal.SIGTERM)
        killing = self._clock.callLater(_TERM_WITHIN_S, self._kill, server)
        await gone
        if killing.active():
            killing.cancel()
        self._server = None

    def _kill(self, server: "_Server") -> None:
        self.log.warn("the store server {pid} hangs: killing it", pid=server.pid)
        server.signal(signal.SIGKILL)

    async def _probe(self) -> ServerState:
        address = self.address
        return await probe(
            self._clock,
            address.path,
            address.password,
            *("dir", "appendonly", "appendfsync", "maxmemory"),
            timeout_s=_PROBE_TIMEOUT_S,
        )

    def _explained(self, server: "_Server") -> StoreServerError:
        """Why a server exited, in one sentence."""
        for line in server.last_words:
            if "Bad file format" in line or "AOF manifest" in line:
                return DamagedJournal(
                    f"the store's append-only file in {self._directory.path} is "
                    f"damaged and luckgw never repairs it, since a repair discards all "
                    f"that follows the damage; restore it, or decide by hand ({line})"
                )
        words = f": {server.last_words[-1]}" if server.last_words else ""
        return StoreServerError(f"the store server {server.exit.reason}{words}")


class Restarts:
    """How long to wait before the next restart, and when it is time for an alarm."""

    def __init__(self) -> None:
        self._times: deque[float] = deque()
        self._alarmed = False

    def delay(self, now: float) -> tuple[float, bool]:
        """Seconds to wait, and whether this is the moment to call for a person.

        0.2, 0.5, 1, 2 and 2 s; a sixth restart within 60 s is the alarm. From there on
        it is one every 5 s, since a full disk may be emptied, until a quiet minute.
        """
        while self._times and self._times[0] <= now - _RESTARTS_WITHIN_S:
            self._times.popleft()
        recent = len(self._times)
        self._times.append(now)
        if recent < _RESTARTS:
            self._alarmed = self._alarmed and recent > 0
            return _RESTART_DELAYS_S[min(recent, len(_RESTART_DELAYS_S) - 1)], False
        is_news, self._alarmed = not self._alarmed, True
        return _SLOW_RESTART_S, is_news


def _stopped(why: Failure) -> Failure:
    """A start that ``stop`` ended fails with a sentence like any other."""
    if why.check(CancelledError) is None:
        return why
    return Failure(StoreServerError("stopped before the store was ready"))


def is_safe(version: str) -> bool:
    """Whether a server (``valkey 8.1.4``) has the fixes that luckgw's docs ask for."""
    name, _, numbers = version.partition(" ")
    try:
        major, minor, patch = (int(n) for n in numbers.split(".")[:3])
    except ValueError:
        return False
    fixed = _SAFE.get(name, {})
    if (major, minor) in fixed:
        return patch >= fixed[major, minor]
    return (major, minor) > max(fixed, default=(0, 0))


class _Exit:
    """An exit that any number of callers may wait for, once or before it happened."""

    def __init__(self) -> None:
        self.reason: str | None = None
        self._waiting: list[Deferred[None]] = []

    def wait(self) -> Deferred[None]:
        if self.reason is not None:
            return succeed(None)
        waiting: Deferred[None] = Deferred(self._waiting.remove)
        self._waiting.append(waiting)
        return waiting

    def happened(self, reason: str) -> None:
        self.reason = reason
        waiting, self._waiting = self._waiting, []
        for each in waiting:
            each.callback(None)


class _Server(Face):
    """A server process: a child of ours or one that we adopted."""

    exit: _Exit

    @property
    def pid(self) -> int | None: ...

    @property
    def last_words(self) -> list[str]:
        """The last lines of its log that were warnings or worse, oldest first."""
        ...

    def signal(self, number: int) -> None:
        """Send a signal, unless it is gone already."""
        ...


class _Orphan:
    """A server that a killed luckgw left behind; its lock tells when it is gone."""

    def __init__(
        self, clock: IReactorTime, directory: StateDirectory, pid: int
    ) -> None:
        self.exit = _Exit()
        self.pid = pid
        self.last_words: list[str] = []
        self._directory = directory
        self._polling = LoopingCall(self._poll)
        self._polling.clock = clock
        self._polling.start(_ORPHAN_POLL_S, now=False)

    def signal(self, number: int) -> None:
        if self.exit.reason is not None:
            return
        with contextlib.suppress(ProcessLookupError):  # the lock will tell
            os.kill(self.pid, number)

    def _poll(self) -> None:
        if self._directory.try_lock_server():
            self._polling.stop()
            self.exit.happened("(adopted) is gone")


class _Child(ProcessProtocol):
    """A server that we started; its log goes to ours."""

    def __init__(self, clock: IReactorTime, log: Logger) -> None:
        self.exit = _Exit()
        self.pid: int | None = None
        self._clock = clock
        self._log = log
        self._partial = b""
        self._warnings: deque[str] = deque(maxlen=_LOG_TAIL)
        self._late_output: IDelayedCall | None = None

    @property
    def last_words(self) -> list[str]:
        return list(self._warnings)

    def signal(self, number: int) -> None:
        with contextlib.suppress(ProcessExitedAlready):  # processExited will tell
            cast("IProcessTransport", self.transport).signalProcess(number)

    def connectionMade(self) -> None:
        self.pid = cast("IProcessTransport", self.transport).pid

    def childDataReceived(self, _fd: int, data: bytes) -> None:
        *lines, self._partial = (self._partial + data).split(b"\n")
        for line in lines:
            self._logged(line)
        self._partial = self._partial[-_LOG_LINE:]

    def _logged(self, line: bytes) -> None:
        """One line of the server's log: ``pid:role date time level text``."""
        said = line[:_LOG_LINE].decode("utf-8", "replace").strip()
        _, mark, text = said.partition(" # ")
        if mark or not said.partition(":")[0].isdigit():
            # A warning, or what it (or the interpreter before it) prints to stderr.
            if text or said:
                self._warnings.append(text or said)
                self._log.warn("store server: {line}", line=text or said)
        else:
            self._log.info(
                "store server: {line}", line=said.partition(" * ")[2] or said
            )

    def processExited(self, reason: Failure) -> None:
        # Its output ends a moment later (processEnded), unless a child of the server
        # that rewrites the append-only file still holds the pipes.
        self._late_output = self._clock.callLater(_LATE_OUTPUT_S, self._gone, reason)

    def processEnded(self, reason: Failure) -> None:
        if self._late_output is not None and self._late_output.active():
            self._late_output.cancel()
            self._gone(reason)

    def _gone(self, reason: Failure) -> None:
        how = reason.value
        if not isinstance(how, ProcessTerminated):
            self.exit.happened("exited")
        elif how.signal is not None:
            self.exit.happened(f"was killed by {signal.Signals(how.signal).name}")
        else:
            self.exit.happened(f"exited with status {how.exitCode}")

"""The embedded server's directory: its two locks, its password, its configuration.

Two locks, because two questions are asked (spec/reliability 5, items 1 and 2):

* ``gateway.lock`` is held by a living luckgw alone: *may I use this directory at all?*
* ``lock`` is held by luckgw and inherited by the server, so it lives as long as the
  server does, even when luckgw is killed: *is a server still writing here?*

Two servers on one append-only file destroy it; neither lock can be left behind by a
crash, because the kernel drops a flock together with the last descriptor.
"""

import contextlib
import fcntl
import hashlib
import os
import secrets
import stat
from collections.abc import Iterator, Mapping
from pathlib import Path

import attrs

#: Longest socket path, in octets, that every supported system takes: sun_path has 108
#: octets with the final NUL on Linux and 104 on macOS.
MAX_SOCKET_PATH = 103

#: What luckgw's own user may not do: it wipes, freezes or re-routes the store, or
#: (KEYS) blocks it for all. Nothing in luckgw needs them.
FORBIDDEN = (
    "-flushall",
    "-flushdb",
    "-debug",
    "-keys",
    "-config|set",
    "-config|rewrite",
    "-module",
    "-replicaof",
    "-slaveof",
)


class StoreServerError(Exception):
    """The embedded store cannot run. The text is one sentence for the operator."""


@attrs.frozen
class ServerSettings:
    """What the operator decides about the server."""

    durability: str
    """``always``: synced to disk before each answer; ``everysec``: once a second."""
    maxmemory: int
    """Octets after which the server refuses writes (it never evicts)."""


class StateDirectory:
    """One embedded server's directory. ``open`` before, ``close`` after use."""

    def __init__(self, path: Path) -> None:
        self.path = Path(os.path.realpath(path))
        self._gateway_lock: int | None = None
        self.server_lock: int | None = None
        """Descriptor of the server's lock while this process holds it."""
        self._password: str | None = None

    # What is in it

    @property
    def config_path(self) -> Path:
        """The server's configuration file; written anew before each start."""
        return self.path / "valkey.conf"

    @property
    def socket_path(self) -> Path:
        """The server's unix socket: in the directory if the path is short enough.

        The other place is derived from the directory's name alone, so that the next
        luckgw finds the server which this one leaves behind.
        """
        near = self.path / "valkey.sock"
        if len(os.fsencode(near)) <= MAX_SOCKET_PATH:
            return near
        name = hashlib.sha256(os.fsencode(self.path)).hexdigest()[:16]
        return Path("/tmp") / f"luckgw-{os.getuid()}-{name}" / "valkey.sock"  # noqa: S108

    def is_at(self, path: str) -> bool:
        """Whether ``path``, as a server names its working directory, is this one."""
        return Path(os.path.realpath(path)) == self.path

    def password(self) -> str:
        """The server's random password, made at the first call, kept in a 0600 file."""
        if self._password is None:
            path = self.path / "password"
            with _sentences(f"read or write {path}"):
                if not path.exists():
                    _replace(path, secrets.token_hex(32).encode() + b"\n")
                self._password = path.read_text("ascii").strip()
        return self._password

    def write_config(self, settings: ServerSettings) -> None:
        """Write the server's configuration file (spec/reliability 3.10)."""
        with _sentences(f"write {self.config_path}"):
            _private_directory(self.socket_path.parent)
            _replace(self.config_path, self._config(settings))

    def _config(self, settings: ServerSettings) -> bytes:
        digest = hashlib.sha256(self.password().encode()).hexdigest()
        user = ["default", "on", f"#{digest}", "~*", "&*", "+@all", *FORBIDDEN]
        values: Mapping[str, str | Path] = {
            "dir": self.path,
            "port": "0",
            "unixsocket": self.socket_path,
            "unixsocketperm": "700",
            "protected-mode": "yes",
            "appendonly": "yes",
            "appendfsync": settings.durability,
            "no-appendfsync-on-rewrite": "no",
            # Under "always" a cut tail was never acknowledged, so it may be dropped.
            "aof-load-truncated": "yes",
            "auto-aof-rewrite-min-size": "256mb",
            "save": "",
            "maxmemory": str(settings.maxmemory),
            "maxmemory-policy": "noeviction",
            "client-query-buffer-limit": "64mb",
            "proto-max-bulk-len": "16mb",
            "maxclients": "512",
            "latency-tracking": "no",
            "loglevel": "notice",
            "daemonize": "no",
            "shutdown-timeout": "10",
        }
        lines = [
            b"# Written by luckgw before each start: changes made here are lost.",
            b" ".join([b"user", *(word.encode() for word in user)]),
            *(key.encode() + b" " + quoted(value) for key, value in values.items()),
        ]
        return b"\n".join(lines) + b"\n"

    # Its locks

    def open(self) -> None:
        """Make the directory (mode 0700) and take it for this process.

        Raises ``StoreServerError`` when another luckgw has it or it cannot be used.
        """
        with _sentences(f"use {self.path} for the store"):
            self.path.mkdir(mode=0o700, parents=True, exist_ok=True)
            _private_directory(self.path)
            self._gateway_lock = _try_lock(self.path / "gateway.lock")
        if self._gateway_lock is None:
            raise StoreServerError(
                f"another luckgw is running on the store in {self.path}"
            )

    def try_lock_server(self) -> bool:
        """Take the server's lock; False when a server (or a child of it) holds it."""
        if self.server_lock is None:
            with _sentences(f"lock {self.path}"):
                self.server_lock = _try_lock(self.path / "lock")
        return self.server_lock is not None

    def close(self) -> None:
        """Give the locks back; the server must be gone, or it keeps its own."""
        for descriptor in (self.server_lock, self._gateway_lock):
            if descriptor is not None:
                os.close(descriptor)
        self.server_lock = self._gateway_lock = None
        if self.socket_path.parent != self.path:
            with contextlib.suppress(OSError):  # not there, or a killed server's socket
                self.socket_path.parent.rmdir()


def quoted(value: str | Path) -> bytes:
    r"""A value as the server's configuration file wants it: ``"a \"b\" c"``."""
    quoted = bytearray(b'"')
    for octet in os.fsencode(value):
        if octet in b'"\\':
            quoted += b"\\%c" % octet
        elif 0x20 <= octet < 0x7F:  # noqa: PLR2004 - printable ASCII
            quoted.append(octet)
        else:
            quoted += b"\\x%02x" % octet
    return bytes(quoted + b'"')


def _try_lock(path: Path) -> int | None:
    """The descriptor of the locked file, or None when somebody else has it locked."""
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        return None
    except OSError:
        os.close(descriptor)
        raise
    return descriptor


def _replace(path: Path, content: bytes) -> None:
    """Write a 0600 file so that a crash leaves the old or the new one, never half."""
    fresh = path.with_name(path.name + ".new")
    with contextlib.suppress(FileNotFoundError):
        fresh.unlink()
    descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    fresh.replace(path)


def _private_directory(path: Path) -> None:
    """Make sure that ``path`` is a directory of ours that nobody else can enter.

    In a shared place such as /tmp somebody else may have made it first.
    """
    with contextlib.suppress(FileExistsError):
        path.mkdir(mode=0o700)
    found = path.lstat()
    if not stat.S_ISDIR(found.st_mode):
        raise StoreServerError(f"{path} is not a directory")
    if found.st_uid != os.geteuid():
        raise StoreServerError(f"{path} belongs to another user (uid {found.st_uid})")
    if stat.S_IMODE(found.st_mode) & 0o077:
        path.chmod(0o700)


@contextlib.contextmanager
def _sentences(what: str) -> Iterator[None]:
    """Say an ``OSError`` in one sentence."""
    try:
        yield
    except OSError as error:
        raise StoreServerError(f"cannot {what}: {error.strerror or error}") from error

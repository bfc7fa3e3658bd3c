"""A real gateway in a directory of its own, run as an operator would run it."""

import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import requests

ROOT = Path(__file__).parents[2]
BIN = Path(sys.executable).parent
READY_S = 20.0
T = TypeVar("T")

CONFIG = """
[gateway]
data_dir = "{data_dir}"
drain_s = 10
[store]
{store}
[http]
listen = ["tcp:{http}:interface=127.0.0.1"]
[smpp]
listen = ["tcp:{smpp}:interface=127.0.0.1"]
[upstreams.carrier]
endpoint = "tcp:127.0.0.1:{carrier}"
system_id = "sandbox"
password = {{ file = "carrier.password" }}
binds = 2
window = 50
uncertain_hold_s = 2
[[routes]]
name = "default"
to = ["carrier"]
[accounts.acme]
password = "secret"
senders = ["LuckCreators", "re:[0-9]+"]
{webhook}
"""


def free_port() -> int:
    """A TCP port on loopback that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def until(check: Callable[[], T | None], within_s: float, what: str) -> T:
    """What ``check`` gives once that is true; asked again and again, for real time."""
    end = time.monotonic() + within_s
    while time.monotonic() < end:
        found = check()
        if found:
            return found
        time.sleep(0.02)
    raise AssertionError(f"not within {within_s:g} s: {what}")


class Carrier:
    """The sandbox SMSC as a process of its own, so that it survives the gateway."""

    def __init__(self, port: int, record: Path | None = None) -> None:
        """``record``: the file in which it keeps what it is sent."""
        self.port = port
        self._record = record
        self.kind, self.more = "tcp", ""
        """Of its endpoint: "ssl", with what that needs."""
        self.password = "sandbox"
        self.options: tuple[str, ...] = ()
        self._process: subprocess.Popen[str] | None = None

    def start(self) -> None:
        """Listen."""
        endpoint = f"{self.kind}:{self.port}:interface=127.0.0.1{self.more}"
        self._process = subprocess.Popen(
            [
                *(sys.executable, "-m", "luckgw.sandbox.smsc_main"),
                *("--listen", endpoint, "--phones"),
                *("--password", self.password),
                *(("--record", str(self._record)) if self._record else ()),
                *self.options,
            ],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=ROOT,
        )
        assert self._process.stdout is not None
        assert "listening" in self._process.stdout.readline()

    def got(self) -> list[dict[str, Any]]:
        """What it was sent, if it keeps a record."""
        assert self._record is not None
        return [json.loads(line) for line in self._record.read_text().splitlines()]

    def bring(self, text: str, **given: Any) -> None:
        """A phone sends something (luckgw.sandbox.phone.PhoneText)."""
        assert self._process is not None
        assert self._process.stdin is not None
        wish = {"phone": "233501234567", "number": "4040", "text": text, **given}
        self._process.stdin.write(json.dumps(wish) + "\n")
        self._process.stdin.flush()

    def stop(self) -> dict[str, Any]:
        """End it; gives what it counted."""
        process, self._process = self._process, None
        if process is None:
            return {}
        process.terminate()
        out, _ = process.communicate(timeout=20)
        counts: dict[str, Any] = json.loads(out.splitlines()[-1])
        return counts


class House:
    """One gateway with its configuration, its data and its log."""

    def __init__(
        self,
        directory: Path,
        webhook: str = "",
        store: str = "min_free_mb = 1",
        more: str = "",
    ) -> None:
        """``more``: tables of the configuration beside the usual ones."""
        self.directory = directory
        self.http_port = free_port()
        self.smpp_port = free_port()
        self.carrier = Carrier(free_port())
        self.data_dir = directory / "var"
        self.config = directory / "luckgw.toml"
        (directory / "carrier.password").write_text("sandbox\n")
        self._write_config(webhook, store)
        self.configure(more)
        self.log = directory / "gateway.log"
        self.process: subprocess.Popen[bytes] | None = None
        self._key = ""

    def _write_config(self, webhook: str, store: str) -> None:
        self.config.write_text(
            CONFIG.format(
                data_dir=self.data_dir,
                http=self.http_port,
                smpp=self.smpp_port,
                carrier=self.carrier.port,
                webhook=f'webhook = "{webhook}"' if webhook else "",
                store=store,
            )
        )

    def configure(self, more: str) -> None:
        """Add to the configuration; it counts from the next start."""
        with self.config.open("a") as file:
            file.write(more)

    # -- its life ------------------------------------------------------------------

    def launch(self) -> subprocess.Popen[bytes]:
        """Start the process, and do not wait for it."""
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [
                    *(BIN / "twistd", "-n", "--pidfile="),
                    *("luckgw", "start", "--config", self.config),
                ],
                stdout=log,
                stderr=log,
                cwd=ROOT,
            )
        return self.process

    def start(self) -> None:
        """Start, and wait until it answers."""
        process = self.launch()

        def answers() -> bool:
            assert process.poll() is None, self.log.read_text()
            try:
                return requests.get(self.url("/health/live"), timeout=5).ok
            except requests.ConnectionError:
                return False

        until(answers, READY_S, "the gateway answers")

    def wait_ready(self) -> None:
        """Wait until its carriers are bound, too."""
        until(
            lambda: requests.get(self.url("/health/ready"), timeout=5).ok,
            READY_S,
            "the gateway is ready",
        )

    def stop(self) -> int:
        """SIGTERM; gives the exit status."""
        process, self.process = self.process, None
        if process is None:
            return 0
        process.terminate()
        return process.wait(timeout=40)

    def kill(self) -> None:
        """SIGKILL: no drain, no farewell; the store's server lives on."""
        assert self.process is not None
        self.process.kill()
        self.process.wait(timeout=10)
        self.process = None

    def store_pid(self) -> int:
        """The process of the embedded store."""
        found = re.findall(r"store server ready: .*process (\d+)", self.log.read_text())
        return int(found[-1])

    def close(self) -> None:
        """Leave no process behind."""
        try:
            self.stop()
        finally:
            self.carrier.stop()
            if self.log.exists() and "store server ready" in self.log.read_text():
                with_suppressed_kill(self.store_pid())

    # -- what a customer does ----------------------------------------------------------

    def url(self, path: str) -> str:
        """A URL of the API."""
        return f"http://127.0.0.1:{self.http_port}{path}"

    def luckgw(self, *args: str) -> subprocess.CompletedProcess[str]:
        """Run the ``luckgw`` command against this gateway."""
        return subprocess.run(
            [BIN / "luckgw", "--config", self.config, *args],
            capture_output=True,
            text=True,
            check=False,
            cwd=ROOT,
            timeout=30,
        )

    @property
    def key(self) -> str:
        """An API key of account acme."""
        if not self._key:
            made = self.luckgw("key", "create", "acme")
            assert made.returncode == 0, made.stderr
            self._key = made.stdout.splitlines()[-1]
        return self._key

    def send(self, **fields: str) -> requests.Response:
        """The portal's example, with some fields changed."""
        payload = {
            "from": "LuckCreators",
            "to": "233501234567",
            "content": "Hello! This is a test via the new V1 API.",
        }
        return requests.post(
            self.url("/api/v1/send/"),
            json=payload | fields,
            headers={"Authorization": f"Bearer {self.key}"},
            timeout=15,
        )

    def sent(self, **fields: str) -> str:
        """Send; gives the UUID."""
        answer = self.send(**fields)
        assert answer.status_code == 200, answer.text
        found = re.fullmatch(r'Success "([0-9a-f-]{36})"', answer.text)
        assert found is not None, answer.text
        return found[1]

    def status(self, message_id: str) -> str:
        """What the status API says of a message."""
        answer = requests.get(
            self.url(f"/api/v1/status/{message_id}"),
            headers={"Authorization": f"Bearer {self.key}"},
            timeout=15,
        )
        state: str = answer.json()["data"]["status"]
        return state

    def wait_status(self, message_id: str, state: str, within_s: float = 5.0) -> None:
        """Wait until a message has a state."""
        until(
            lambda: self.status(message_id) == state,
            within_s,
            f"{message_id} is {state}",
        )


def with_suppressed_kill(pid: int) -> None:
    """End a store's server that a killed gateway left behind, if it is one."""
    try:
        command = Path(f"/proc/{pid}/cmdline").read_bytes()
    except FileNotFoundError:
        return
    if b"valkey" in command or b"redis" in command:
        os.kill(pid, signal.SIGTERM)

"""``luckgw receipts``, against a gateway's real admin socket."""

import json
import time
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
import pytest_twisted  # type: ignore[import-untyped]
from click.testing import CliRunner, Result
from twisted.internet import reactor
from twisted.internet.defer import Deferred, maybeDeferred
from twisted.internet.task import Clock
from twisted.internet.threads import deferToThread

from luckgw.cli.main import main
from luckgw.ingress.inbox import Inbox
from luckgw.ops.admin import AdminApi, listen_admin
from luckgw.ops.phones import Phones
from luckgw.ops.receipt_desk import NotPossible, ReceiptDesk
from luckgw.store.api_keys import ApiKeys
from tests.cli.test_main import Store, written
from tests.valkey_server import Valkey

WAITING = {
    "orphan": "mtn:7982",
    "upstream": "mtn",
    "id": "7982",
    "state": "UNKNOWN",
    "stat": "",
    "err": "",
    "recipient": "*********567",
}


class Desk(ReceiptDesk):
    """One receipt waits, since a time that the test says."""

    def __init__(self) -> None:
        self.age_s = 0.0
        self.heard: list[tuple[str, ...]] = []

    async def waiting(self, upstream: str | None) -> list[dict[str, Any]]:
        """See the class."""
        if upstream == "voda":
            return []
        return [{**WAITING, "time_ms": int((time.time() - self.age_s) * 1000)}]

    async def bind(self, orphan: str, message: str) -> str:
        """See the class."""
        self.heard.append(("bind", orphan, message))
        return "the message has it now"

    async def drop(self, orphan: str) -> None:
        """See the class."""
        raise NotPossible(f"no receipt {orphan} waits for its message")

    async def quarantine(self, upstream: str) -> list[dict[str, Any]]:
        """See the class."""
        fields = {"time_ms": 1_700_000_000_000, "command_id": 5, "answered": 1}
        return [{**fields, "body": "00ff" + upstream.encode().hex()}]


class Gateway:
    """The part of a gateway that the command talks to."""

    def __init__(self, valkey: Valkey, folder: Path) -> None:
        self._config = folder / "luckgw.toml"
        self._config.write_text(written(f'data_dir = "{folder}"'))
        keys = ApiKeys(Store(valkey), b"p" * 32, lambda _: None, Clock(), lambda: 0)
        self.desk = Desk()
        store = Store(valkey)
        phones = Phones(
            store.execute, Inbox(store.execute), {}, (), lambda _: None, lambda: 0
        )
        api = AdminApi(keys, dict, phones, self.desk)
        self.port = listen_admin(reactor, folder / "admin.sock", api.resource())

    def run(self, *args: str) -> "Deferred[Result]":
        """The command, in a thread, since it blocks."""
        given = ("--config", str(self._config), "receipts", *args)
        return deferToThread(CliRunner().invoke, main, given)


@pytest.fixture
def folder() -> Iterator[Path]:
    """A directory whose path is short enough for a socket in it."""
    with TemporaryDirectory(prefix="luckgw-") as name:
        yield Path(name)


@pytest_twisted.async_yield_fixture  # type: ignore[untyped-decorator]
async def gateway(valkey: Valkey, folder: Path) -> Any:
    """A gateway that answers."""
    gateway = Gateway(valkey, folder)
    yield gateway
    await maybeDeferred(gateway.port.stopListening)


@pytest.mark.parametrize(
    ("age_s", "shown"),
    [(30, "30 s"), (130, "2 min"), (7300, "2 h"), (2.1 * 86_400, "2 d")],
)
async def test_orphans(gateway: Gateway, age_s: float, shown: str) -> None:
    """One a line, with how long it waits."""
    gateway.desk.age_s = age_s
    result = await gateway.run("orphans")
    assert result.exit_code == 0, result.output
    _, line = result.output.splitlines()
    cells = " ".join(line.split())
    assert cells == f"mtn:7982 {shown} UNKNOWN - - *********567"


async def test_orphans_of_one_upstream(gateway: Gateway) -> None:
    """As JSON, too."""
    result = await gateway.run("orphans", "--upstream", "voda", "--json")
    assert json.loads(result.output) == {"orphans": []}


async def test_by_hand(gateway: Gateway) -> None:
    """What was done is said; what could not be done, with exit 1."""
    result = await gateway.run("bind", "mtn:7982", "some-id")
    assert result.output == "Receipt mtn:7982: the message has it now.\n"
    assert gateway.desk.heard == [("bind", "mtn:7982", "some-id")]
    result = await gateway.run("bind", "mtn:7982", "some-id", "--json")
    assert json.loads(result.output)["result"] == "the message has it now"
    result = await gateway.run("drop", "mtn:1")
    assert result.exit_code == 1
    assert "no receipt mtn:1 waits" in result.stderr


async def test_quarantine(gateway: Gateway) -> None:
    """When, what, how it was answered, and the octets."""
    result = await gateway.run("quarantine", "mtn")
    assert result.output.splitlines()[1].split() == [
        *("2023-11-14", "22:13Z", "0x00000005", "0x01", "00ff6d746e")
    ]
    result = await gateway.run("quarantine", "mtn", "--json")
    assert json.loads(result.output)["quarantine"][0]["body"] == "00ff6d746e"

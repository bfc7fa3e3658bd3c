# mypy: allow-untyped-calls
"""The admin API: JSON in and out, over a socket that only its owner may open."""

import json
import os
import socket
import stat
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import attrs
import pytest
from treq.testing import StubTreq
from twisted.internet import reactor
from twisted.internet.defer import Deferred, fail, maybeDeferred, succeed
from twisted.internet.task import Clock
from twisted.web.resource import Resource

from luckgw.config.model import Account
from luckgw.ingress.inbox import Inbox
from luckgw.ops.admin import AdminApi, AdminSocketTaken, listen_admin
from luckgw.ops.phones import Phones
from luckgw.ops.receipt_desk import NotPossible, ReceiptDesk
from luckgw.store.api_keys import ApiKeys
from luckgw.store.interface import StoreAway
from tests.conftest import LoggedFailures
from tests.valkey_server import Valkey

NOW_MS = 1_700_000_000_000
WISH = {"account": "acme", "name": "till 7"}


class Store:
    """The real server, which may go away or fail in another way."""

    def __init__(self, valkey: Valkey) -> None:
        self._valkey = valkey
        self.error: Exception | None = None

    def execute(self, *args: bytes | str | int) -> "Deferred[Any]":
        """Run one command."""
        if self.error is not None:
            return fail(self.error)
        return succeed(self._valkey.command(*args))


@attrs.frozen
class Answer:
    """Status and JSON of one call."""

    status: int
    json: Any


class Desk(ReceiptDesk):
    """Receipts that wait, as the test has them."""

    def __init__(self) -> None:
        self.heard: list[tuple[str, ...]] = []

    async def waiting(self, upstream: str | None) -> list[dict[str, Any]]:
        """See the class."""
        return [{"orphan": "mtn:c1", "upstream": upstream}]

    async def bind(self, orphan: str, message: str) -> str:
        """See the class."""
        self.heard.append(("bind", orphan, message))
        return "done"

    async def drop(self, orphan: str) -> None:
        """See the class."""
        if orphan != "mtn:c1":
            raise NotPossible(f"no receipt {orphan}")
        self.heard.append(("drop", orphan))

    async def quarantine(self, upstream: str) -> list[dict[str, Any]]:
        """See the class."""
        return [{"body": "00", "of": upstream}]


class Admin:
    """The API on a memory transport."""

    def __init__(self, valkey: Valkey) -> None:
        self.store = Store(valkey)
        accounts = {name: Account(name=name) for name in ("acme", "other")}
        self.keys = ApiKeys(
            self.store, b"p" * 32, accounts.get, Clock(), lambda: NOW_MS
        )
        self.keys.start()
        self.brought: list[Any] = []
        phones = Phones(
            self.store.execute,
            Inbox(self.store.execute),
            accounts,
            {"acme"},
            self.brought.append,
            lambda: NOW_MS,
        )
        self.report: Any = {"node": "gw1", "ready": True}
        self.desk = Desk()
        self.api = AdminApi(self.keys, lambda: self.report, phones, self.desk)
        self._treq: Any = StubTreq(self.api.resource())

    def call(self, method: str, path: str, body: Any = None) -> Answer:
        """One call; a body that is not bytes is sent as JSON."""
        octets = (
            body if body is None or type(body) is bytes else json.dumps(body).encode()
        )
        answers: list[Any] = []

        def read(response: Any) -> "Deferred[None]":
            assert response.headers.getRawHeaders(b"Content-Type") == [
                b"application/json"
            ]
            d: Deferred[Any] = self._treq.content(response)
            return d.addCallback(
                lambda content: answers.append(
                    Answer(response.code, json.loads(content))
                )
            )

        d = self._treq.request(method, f"http://luckgw{path}", data=octets)
        d.addCallback(read)
        self._treq.flush()
        return answers[0]  # type: ignore[no-any-return]


@pytest.fixture
def admin(valkey: Valkey) -> Admin:
    """The admin API over real keys."""
    return Admin(valkey)


class TestStatus:
    def test_is_what_the_gateway_says(self, admin: Admin) -> None:
        """The report as JSON."""
        assert admin.call("GET", "/status") == Answer(
            200, {"node": "gw1", "ready": True}
        )

    def test_may_take_its_time(self, admin: Admin) -> None:
        """Queues are counted in the store."""
        admin.report = succeed({"queues": {"mtn": 3}})
        assert admin.call("GET", "/status").json == {"queues": {"mtn": 3}}


class TestKeys:
    def test_are_made_listed_and_revoked(self, admin: Admin) -> None:
        """The life of a key; its text is in the first answer alone."""
        made = admin.call("POST", "/keys", {**WISH, "test": True, "allow_query": False})
        assert made.status == 201
        text, key_id = made.json["key"], made.json["id"]
        assert text.startswith(f"lk_test_{key_id}_")
        expected = {
            "id": key_id,
            "account": "acme",
            "name": "till 7",
            "test": True,
            "scopes": ["inbox", "send", "status"],
            "allow_query": False,
            "json_answers": False,
            "created_ms": NOW_MS,
            "revoked_ms": None,
        }
        assert made.json == {"key": text, **expected}
        assert admin.keys.authenticate(text) is not None
        listed = admin.call("GET", "/keys?account=acme")
        used_ms = NOW_MS // 60_000 * 60_000
        assert listed.json == {"keys": [{**expected, "last_used_ms": used_ms}]}
        revoked = admin.call("DELETE", f"/keys/{key_id}?account=acme")
        assert revoked == Answer(200, {**expected, "revoked_ms": NOW_MS})
        assert admin.keys.authenticate(text) is None

    def test_are_listed_for_one_account_or_all(self, admin: Admin) -> None:
        """Without ?account= all of them."""
        for account in ("acme", "other"):
            admin.call("POST", "/keys", {"account": account})
        assert len(admin.call("GET", "/keys").json["keys"]) == 2
        assert len(admin.call("GET", "/keys?account=other").json["keys"]) == 1
        assert admin.call("GET", "/keys?account=nobody").json == {"keys": []}

    @pytest.mark.parametrize("query", ["", "?account=acme"])
    def test_that_do_not_exist_are_not_revoked(self, admin: Admin, query: str) -> None:
        """404, and the sentence names what was asked for."""
        answer = admin.call("DELETE", f"/keys/nokeyhas{query}")
        assert answer.status == 404
        assert answer.json["error"].startswith("there is no API key nokeyhas")

    def test_of_another_account_are_not_revoked(self, admin: Admin) -> None:
        """A slip of the pen must not stop another customer."""
        made = admin.call("POST", "/keys", WISH).json
        answer = admin.call("DELETE", f"/keys/{made['id']}?account=other")
        assert answer.status == 404
        assert admin.keys.authenticate(made["key"]) is not None

    @pytest.mark.parametrize(
        ("body", "status", "error"),
        [
            (None, 400, "the body is not JSON"),
            (b"{", 400, "the body is not JSON"),
            (b"\xff", 400, "the body is not JSON"),
            ([], 400, "the body must be an object with an account"),
            ({}, 400, "the body must be an object with an account"),
            ({"account": 1}, 400, "account must be a str"),
            ({**WISH, "test": "yes"}, 400, "test must be a bool"),
            ({**WISH, "nmae": ""}, 400, "unknown: nmae"),
            ({**WISH, "name": "x" * 101}, 400, "name must be at most 100 printable"),
            ({**WISH, "name": "a\nb"}, 400, "name must be at most 100 printable"),
            ({"account": "amce"}, 404, "account amce is not configured"),
        ],
    )
    def test_are_not_made_from_a_wrong_wish(
        self, admin: Admin, body: Any, status: int, error: str
    ) -> None:
        """A sentence says what is wrong; no key is made."""
        answer = admin.call("POST", "/keys", body)
        assert answer.status == status
        assert answer.json["error"].startswith(error)
        assert admin.call("GET", "/keys").json == {"keys": []}

    def test_wait_for_a_store_that_is_away(self, admin: Admin) -> None:
        """503 and a sentence."""
        admin.store.error = StoreAway("connection refused")
        answer = admin.call("POST", "/keys", WISH)
        assert answer == Answer(503, {"error": "the store is away: connection refused"})


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [("GET", "/", 404), ("GET", "/keys/x/y", 404), ("PUT", "/keys", 405)],
)
def test_what_is_not_there_is_told_in_json(
    admin: Admin, method: str, path: str, status: int
) -> None:
    """No HTML anywhere."""
    answer = admin.call(method, path)
    assert (answer.status, set(answer.json)) == (status, {"error"})


def test_a_defect_is_logged_and_not_shown(
    admin: Admin, logged_failures: LoggedFailures
) -> None:
    """500; the traceback stays at home."""
    admin.store.error = RuntimeError("secret 4711")
    answer = admin.call("GET", "/keys")
    assert answer.status == 500
    assert "4711" not in answer.json["error"]
    assert len(logged_failures.flush(RuntimeError)) == 1


@pytest.fixture
def folder() -> Iterator[Path]:
    """A directory whose path is short enough for a socket in it."""
    with TemporaryDirectory(prefix="luckgw-") as name:
        yield Path(name)


class TestTheSocket:
    @pytest.mark.parametrize("umask", [0o000, 0o077])
    async def test_is_its_owners_alone(self, folder: Path, umask: int) -> None:
        """0600 under any umask, which is left as it was."""
        before = os.umask(umask)
        try:
            port = listen_admin(reactor, folder / "admin.sock", Resource())
            assert os.umask(umask) == umask
        finally:
            os.umask(before)
        mode = (folder / "admin.sock").stat().st_mode
        assert stat.S_ISSOCK(mode)
        assert stat.S_IMODE(mode) == 0o600
        await maybeDeferred(port.stopListening)

    async def test_of_a_dead_gateway_is_replaced(self, folder: Path) -> None:
        """After kill -9 its file is still there."""
        path = folder / "admin.sock"
        with socket.socket(socket.AF_UNIX) as dead:
            dead.bind(str(path))
        port = listen_admin(reactor, path, Resource())
        with socket.socket(socket.AF_UNIX) as client:
            client.connect(str(path))
        await maybeDeferred(port.stopListening)

    async def test_of_a_living_gateway_is_not(self, folder: Path) -> None:
        """Two gateways must not share a data directory."""
        path = folder / "admin.sock"
        port = listen_admin(reactor, path, Resource())
        with pytest.raises(AdminSocketTaken, match="another gateway is running"):
            listen_admin(reactor, path, Resource())
        await maybeDeferred(port.stopListening)

    def test_is_not_put_in_the_place_of_a_file(self, folder: Path) -> None:
        """Whatever it is, it is not ours to delete."""
        path = folder / "admin.sock"
        path.write_text("precious")
        with pytest.raises(AdminSocketTaken, match="not a socket"):
            listen_admin(reactor, path, Resource())
        assert path.read_text() == "precious"


class TestPhones:
    """Inboxes, opt-outs, and a message to try."""

    def test_opt_outs_are_listed_and_changed(self, admin: Admin) -> None:
        """Numbers in whatever form; what is there already changes nothing."""
        path = "/optout/acme/4040/%2B233%2050%20123%204567"
        assert admin.call("POST", path).json == {"changed": True}
        assert admin.call("POST", path).json == {"changed": False}
        listed = [{"sender": "4040", "phone": "233501234567", "since_ms": NOW_MS}]
        answer = admin.call("GET", "/optout/acme")
        assert answer.json == {"opted_out": listed, "count": 1}
        assert admin.call("DELETE", path).json == {"changed": True}
        assert admin.call("DELETE", path).json == {"changed": False}
        assert admin.call("GET", "/optout/acme").json["count"] == 0

    @pytest.mark.parametrize(
        ("method", "path", "word"),
        [
            ("POST", "/optout/other/4040/233501234567", "mo_routes"),
            ("POST", "/optout/acme/4040/0501", "international"),
            ("GET", "/optout/nobody", "not configured"),
            ("GET", "/inbox/nobody", "not configured"),
        ],
    )
    def test_what_can_not_be_done_is_told(
        self, admin: Admin, method: str, path: str, word: str
    ) -> None:
        """A list that nobody looks at is not written."""
        answer = admin.call(method, path)
        assert answer.status == 409
        assert word in answer.json["error"]

    def test_an_inbox(self, admin: Admin) -> None:
        """Empty, here; a limit that is none is refused."""
        assert admin.call("GET", "/inbox/acme").json == {"messages": []}
        assert admin.call("GET", "/inbox/acme?limit=x").status == 400

    def test_a_message_is_brought(self, admin: Admin) -> None:
        """By the sandbox, which gets what was asked for."""
        wish = {"phone": "233501234567", "number": "4040", "text": "Hello"}
        assert admin.call("POST", "/simulate/mo", wish).json == {"brought": True}
        assert admin.brought == [wish]
        assert admin.call("POST", "/simulate/mo", b"{").status == 400
        assert admin.call("POST", "/simulate/mo", [1]).status == 400


class TestReceipts:
    """What carriers said and nobody could use."""

    def test_orphans(self, admin: Admin) -> None:
        """Of all upstreams or one."""
        found = admin.call("GET", "/receipts/orphans?upstream=mtn")
        assert found.json == {"orphans": [{"orphan": "mtn:c1", "upstream": "mtn"}]}
        found = admin.call("GET", "/receipts/orphans")
        assert found.json["orphans"][0]["upstream"] is None

    def test_by_hand(self, admin: Admin) -> None:
        """Bound to a message, or dropped."""
        wish = {"orphan": "mtn:c1", "message": "x"}
        found = admin.call("POST", "/receipts/bind", wish)
        assert (found.status, found.json) == (200, {**wish, "result": "done"})
        assert admin.call("POST", "/receipts/drop", {"orphan": "mtn:c1"}).status == 200
        assert admin.desk.heard == [("bind", "mtn:c1", "x"), ("drop", "mtn:c1")]

    @pytest.mark.parametrize(
        ("path", "body", "status"),
        [
            ("/receipts/drop", {"orphan": "mtn:c2"}, 404),
            ("/receipts/drop", {"orphan": 1}, 400),
            ("/receipts/drop", {}, 400),
            ("/receipts/bind", {"orphan": "x"}, 400),
            ("/receipts/bind", b"{", 400),
            ("/receipts/bind", [], 400),
        ],
    )
    def test_what_can_not_be_done(
        self, admin: Admin, path: str, body: Any, status: int
    ) -> None:
        """It is said."""
        answer = admin.call("POST", path, body)
        assert answer.status == status
        assert answer.json["error"]
        assert admin.desk.heard == []

    def test_quarantine(self, admin: Admin) -> None:
        """Of one upstream."""
        found = admin.call("GET", "/receipts/quarantine/mtn")
        assert found.json == {"quarantine": [{"body": "00", "of": "mtn"}]}

"""The API on a memory transport: octets in, answers out, and the ports behind it."""

import http.client
import io
import json
from email.message import Message
from typing import Any

import attrs
from twisted.internet.defer import Deferred, fail, succeed
from twisted.internet.error import ConnectionDone
from twisted.internet.task import Clock
from twisted.internet.testing import StringTransport
from twisted.python.failure import Failure
from twisted.web.resource import IResource

from luckgw.config.model import Account
from luckgw.domain.errors import Refusal
from luckgw.ingress.http_api import HttpApi
from luckgw.ingress.http_auth import Gate
from luckgw.ingress.http_site import ApiChannel, ApiSite
from luckgw.ingress.inbox import Inbox
from luckgw.ingress.ports import Accepted, MessageStatus
from luckgw.store.api_keys import ApiKey
from luckgw.store.interface import StoreAway

UUID = "f48c1e28-0c5d-4c5e-9d0a-0123456789ab"
KEY = "lk_live_aaaaaaaa_" + "k" * 43


@attrs.frozen
class Answer:
    """One HTTP answer."""

    status: int
    headers: Message
    body: bytes

    @property
    def json(self) -> Any:
        """The body, read as JSON."""
        return json.loads(self.body)


class _Socket:
    def __init__(self, octets: io.BytesIO) -> None:
        self._octets = octets

    def makefile(self, _mode: str) -> io.BytesIO:
        return self._octets


def read_answers(octets: bytes, method: str = "GET") -> list[Answer]:
    """All answers in what a server wrote."""
    stream = _Uncloseable(octets)
    answers = []
    while stream.tell() < len(octets):
        response = http.client.HTTPResponse(_Socket(stream), method=method)  # type: ignore[arg-type]
        response.begin()
        answers.append(Answer(response.status, response.headers, response.read()))
    return answers


class _Uncloseable(io.BytesIO):
    def close(self) -> None:
        """Several answers are read from it."""


class Connection:
    """A client's connection to the site."""

    def __init__(self, site: ApiSite) -> None:
        self.transport = StringTransport()
        self.channel: ApiChannel = site.buildProtocol(None)
        self.channel.makeConnection(self.transport)

    def is_closing(self) -> bool:
        """Whether the server closes it politely, or has cut it."""
        return self.transport.disconnecting

    def is_cut(self) -> bool:
        """Whether the server has cut it."""
        return self.transport.disconnected

    def lose(self) -> None:
        """The client goes away."""
        self.channel.connectionLost(Failure(ConnectionDone()))

    def send(self, octets: bytes) -> None:
        """Octets arrive at the server."""
        self.channel.dataReceived(octets)

    def answers(self, method: str = "GET") -> list[Answer]:
        """What has been answered since the last look."""
        octets = self.transport.value()
        self.transport.clear()
        return read_answers(octets, method)


class Pipeline:
    """TextSender and MessageReader: takes all, until told to refuse or to wait."""

    def __init__(self) -> None:
        self.taken: list[tuple[str, str, str, str]] = []
        self.sandboxed: list[str] = []
        self.transliterate: list[bool | None] = []
        self.messages: dict[tuple[str, str], MessageStatus] = {}
        self.refusal: BaseException | None = None
        self.waiting: Deferred[Accepted] | None = None
        self.accepted = Accepted(UUID, 1, "gsm7")

    def send_text(
        self,
        account: Account,
        source: str,
        destination: str,
        content: str,
        *,
        sandbox_only: bool = False,
        transliterate: bool | None = None,
    ) -> "Deferred[Accepted]":
        """Take one."""
        if self.refusal is not None:
            return fail(self.refusal)
        self.taken.append((account.name, source, destination, content))
        self.transliterate.append(transliterate)
        if sandbox_only:
            self.sandboxed.append(content)
        return succeed(self.accepted) if self.waiting is None else self.waiting

    def status(self, account: str, told_id: str) -> "Deferred[MessageStatus | None]":
        """Look one up."""
        if self.refusal is not None:
            return fail(self.refusal)
        return succeed(self.messages.get((account, told_id.lower())))


class KeyRing:
    """Authenticator over a few keys."""

    def __init__(self, keys: dict[str, ApiKey]) -> None:
        self.keys = keys
        self.refusal: Refusal | None = None

    def authenticate(self, key: str) -> ApiKey | None:
        """Look one up."""
        if self.refusal is not None:
            raise self.refusal
        return self.keys.get(key)


class Kept:
    """What the store keeps of phones' messages, and the two commands that read it."""

    def __init__(self) -> None:
        self.inboxes: dict[bytes, list[bytes]] = {}
        self.records: dict[bytes, bytes] = {}
        self.is_away = False

    def execute(self, *args: bytes | str | int) -> "Deferred[Any]":
        """ZRANGE by name, backwards; MGET."""
        if self.is_away:
            return fail(StoreAway("cut"))
        command, *rest = args
        if command == b"MGET":
            return succeed([self.records.get(each[2:]) for each in rest])  # type: ignore[arg-type, index]
        key, before, _, *_, limit = rest
        assert isinstance(key, bytes)
        assert isinstance(before, bytes)
        assert isinstance(limit, int)
        older = [
            each
            for each in sorted(self.inboxes.get(key, []), reverse=True)
            if before == b"+" or each < before[1:]
        ]
        return succeed(older[:limit])


class Ready:
    """Readiness: as the test says."""

    def __init__(self) -> None:
        self.sentences: list[str] = []

    def problems(self) -> list[str]:
        """What the test says."""
        return self.sentences


def api_key(account: str = "acme", **changes: Any) -> ApiKey:
    """A key that may do everything."""
    key = ApiKey(
        key_id="aaaaaaaa",
        account=account,
        name="",
        is_test=False,
        scopes=frozenset({"send", "status", "inbox"}),
        allow_query=True,
        json_answers=False,
        created_ms=0,
        revoked_ms=None,
        digest=b"",
    )
    return attrs.evolve(key, **changes)


class Api:
    """The whole API over doubles of what lies behind it."""

    def __init__(self) -> None:
        self.clock = Clock()
        self.pipeline = Pipeline()
        self.keys = KeyRing({KEY: api_key()})
        self.accounts = {"acme": Account(name="acme"), "other": Account(name="other")}
        self.ready = Ready()
        self.kept = Kept()
        self.app = HttpApi(
            Gate(self.keys, self.accounts.get),
            self.pipeline,
            self.pipeline,
            self.ready,
            Inbox(self.kept.execute),
        )
        self.site = self.site_of(self.app.resource())

    def site_of(self, resource: IResource, **options: Any) -> ApiSite:
        """A site on the test's clock, as if a port were open."""
        site = ApiSite(resource, self.clock, **options)
        site.startFactory()
        return site

    def connect(self) -> Connection:
        """A new connection."""
        return Connection(self.site)

    def call(
        self,
        method: str,
        target: str,
        body: bytes = b"",
        /,
        **headers: str,
    ) -> Answer:
        """One call on a connection of its own; ``Content_Type=`` is Content-Type."""
        connection = self.connect()
        connection.send(request(method, target, body, **headers))
        (answer,) = connection.answers(method)
        return answer

    def post_json(self, target: str, fields: Any, **headers: str) -> Answer:
        """A JSON call with the good key, as requests.post(url, json=...) makes it."""
        given = {
            "Authorization": f"Bearer {KEY}",
            "Content_Type": "application/json",
            "Accept": "*/*",
            **headers,
        }
        return self.call("POST", target, json.dumps(fields).encode(), **given)


def request(method: str, target: str, body: bytes = b"", /, **headers: str) -> bytes:
    """The octets of a request."""
    lines = [f"{method} {target} HTTP/1.1", "Host: sms-client.luckcreators.com"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    if body or method == "POST":
        lines.append(f"Content-Length: {len(body)}")
    return "\r\n".join([*lines, "", ""]).encode("latin-1") + body

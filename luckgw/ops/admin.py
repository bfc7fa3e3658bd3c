# mypy: allow-untyped-calls
"""What the ``luckgw`` command asks of a running gateway: JSON over a unix socket.

The credential is the socket's file mode: who may open it is the gateway's own user or
root. Nothing here listens on a network.
"""

import json
import os
import socket
import stat
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import attrs
from klein import Klein
from klein.resource import KleinResource
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IListeningPort, IReactorUNIX
from twisted.logger import Logger
from twisted.python.failure import Failure
from twisted.web.http import Request as HttpRequest
from twisted.web.resource import IResource
from twisted.web.server import Request, Site
from werkzeug.exceptions import HTTPException

from luckgw.domain.errors import Refusal
from luckgw.ops.phones import Phones, Refused
from luckgw.ops.receipt_desk import NotPossible, ReceiptDesk
from luckgw.store.api_keys import ApiKey, ApiKeys, UnknownAccount
from luckgw.store.interface import StoreAway

Report = Mapping[str, Any]

_LONGEST_NAME = 100
_BACKLOG = 20
_PROBE_S = 1.0


class AdminSocketTaken(Exception):
    """Another gateway answers on the admin socket."""


@attrs.frozen
class _BadRequest(Exception):
    message: str


class AdminApi:
    """The admin API as a resource.

    ``status`` gives what ``luckgw status`` shows (at once or as a Deferred), a JSON
    object: node, version, uptime_s, ready, problems, upstreams, queues ...
    """

    app = Klein()
    log = Logger()

    def __init__(
        self,
        keys: ApiKeys,
        status: Callable[[], "Report | Deferred[Report]"],
        phones: Phones,
        receipts: ReceiptDesk,
    ) -> None:
        self._keys = keys
        self._status = status
        self._phones = phones
        self._receipts = receipts

    def resource(self) -> KleinResource:
        """The root of the API."""
        return self.app.resource()

    @app.route("/status", methods=["GET"])
    async def status(self, request: Request) -> bytes:
        """How the gateway is."""
        report = self._status()
        if isinstance(report, Deferred):
            report = await report
        return _json(report, request)

    @app.route("/keys", methods=["GET"])
    async def list_keys(self, request: Request) -> bytes:
        """The API keys (of ``?account=``), oldest first; secrets are nowhere."""
        found = await self._keys.keys_of(_argument(request, b"account"))
        keys = [{**_shown(key), "last_used_ms": used} for key, used in found]
        return _json({"keys": keys}, request)

    @app.route("/keys", methods=["POST"])
    async def create_key(self, request: Request) -> bytes:
        """Make a key; its text is in the answer and in no other, ever."""
        assert request.content is not None  # noqa: S101 - for mypy: it is complete
        wish = _Wish.from_json(request.content.read())
        text, key = await self._keys.create(
            wish.account,
            wish.name,
            is_test=wish.test,
            allow_query=wish.allow_query,
            json_answers=wish.json_answers,
        )
        self.log.info(
            "API key {key_id} of {account} created",
            key_id=key.key_id,
            account=key.account,
        )
        request.setResponseCode(201)
        return _json({"key": text, **_shown(key)}, request)

    @app.route("/keys/<key_id>", methods=["DELETE"])
    async def revoke_key(self, request: Request, key_id: str) -> bytes:
        """Make a key worthless (if it is ``?account=``'s)."""
        account = _argument(request, b"account")
        key = await self._keys.get(key_id)
        if key is None or account not in (None, key.account):
            request.setResponseCode(404)
            owner = "" if account is None else f" of account {account}"
            return _json({"error": f"there is no API key {key_id}{owner}"}, request)
        key = await self._keys.revoke(key)
        self.log.info(
            "API key {key_id} of {account} revoked",
            key_id=key.key_id,
            account=key.account,
        )
        return _json(_shown(key), request)

    @app.route("/inbox/<account>", methods=["GET"])
    async def inbox(self, request: Request, account: str) -> bytes:
        """What an account got from phones, newest first."""
        limit = _argument(request, b"limit") or "50"
        if not limit.isdigit():
            raise _BadRequest("limit must be a number")
        return _json(await self._phones.inbox(account, int(limit)), request)

    @app.route("/optout/<account>", methods=["GET"])
    async def opted_out(self, request: Request, account: str) -> bytes:
        """Who wants nothing more from an account."""
        return _json(await self._phones.opted_out(account), request)

    @app.route("/optout/<account>/<sender>/<phone>", methods=["POST"])
    async def opt_out(
        self, request: Request, account: str, sender: str, phone: str
    ) -> bytes:
        """Put a phone on an account's list."""
        answer = await self._phones.opt_out(account, sender, phone)
        return _json(answer, request)

    @app.route("/optout/<account>/<sender>/<phone>", methods=["DELETE"])
    async def opt_in(
        self, request: Request, account: str, sender: str, phone: str
    ) -> bytes:
        """Take a phone off it."""
        answer = await self._phones.opt_in(account, sender, phone)
        return _json(answer, request)

    @app.route("/simulate/mo", methods=["POST"])
    def simulate_mo(self, request: Request) -> bytes:
        """Have the sandbox deliver a phone's message."""
        assert request.content is not None  # noqa: S101 - for mypy: it is complete
        try:
            wish = json.loads(request.content.read())
        except ValueError as error:
            raise _BadRequest(f"the body is not JSON: {error}") from None
        if not isinstance(wish, dict):
            raise _BadRequest("the body must be an object")
        return _json(self._phones.simulate(wish), request)

    @app.route("/receipts/orphans", methods=["GET"])
    async def orphans(self, request: Request) -> bytes:
        """The receipts (of ``?upstream=``) that wait for their message."""
        found = await self._receipts.waiting(_argument(request, b"upstream"))
        return _json({"orphans": found}, request)

    @app.route("/receipts/bind", methods=["POST"])
    async def bind_orphan(self, request: Request) -> bytes:
        """Give a receipt to a message, by hand."""
        wish = _texts(request, "orphan", "message")
        result = await self._receipts.bind(wish["orphan"], wish["message"])
        self.log.info("receipt {orphan} bound to {message}", **wish)
        return _json({**wish, "result": result}, request)

    @app.route("/receipts/drop", methods=["POST"])
    async def drop_orphan(self, request: Request) -> bytes:
        """Drop a receipt."""
        wish = _texts(request, "orphan")
        await self._receipts.drop(wish["orphan"])
        self.log.info("receipt {orphan} dropped by hand", **wish)
        return _json(wish, request)

    @app.route("/receipts/quarantine/<upstream>", methods=["GET"])
    async def quarantine(self, request: Request, upstream: str) -> bytes:
        """What an upstream delivered that could not be read."""
        found = await self._receipts.quarantine(upstream)
        return _json({"quarantine": found}, request)

    @app.handle_errors  # type: ignore[call-overload]  # Klein's requests are Twisted's
    def _failed(self, request: Request, failure: Failure) -> bytes:
        error = failure.value
        if isinstance(error, _BadRequest):
            code, message = 400, error.message
        elif isinstance(error, Refused):
            code, message = 409, str(error)
        elif isinstance(error, Refusal):
            code, message = error.http_status, error.detail
        elif isinstance(error, NotPossible):
            code, message = 404, str(error)
        elif isinstance(error, UnknownAccount):
            code, message = 404, f"account {error} is not configured"
        elif isinstance(error, StoreAway):
            code, message = 503, f"the store is away: {error}"
        elif isinstance(error, HTTPException):
            code, message = error.code or 500, error.name
        else:
            self.log.failure("an admin call failed", failure)
            code, message = 500, "unexpected error, see the gateway's log"
        request.setResponseCode(code)
        return _json({"error": message}, request)


@attrs.frozen
class _Wish:
    """What ``POST /keys`` asks for."""

    account: str
    name: str = ""
    test: bool = False
    allow_query: bool = True
    json_answers: bool = False

    @classmethod
    def from_json(cls, body: bytes) -> "_Wish":
        """Read a request's body. Raises _BadRequest."""
        try:
            fields = json.loads(body)
        except ValueError as error:
            raise _BadRequest(f"the body is not JSON: {error}") from None
        if not isinstance(fields, dict) or "account" not in fields:
            raise _BadRequest("the body must be an object with an account")
        for field in attrs.fields(cls):
            if not isinstance(fields.get(field.name, field.default), field.type):
                raise _BadRequest(f"{field.name} must be a {field.type.__name__}")
        unknown = fields.keys() - {field.name for field in attrs.fields(cls)}
        if unknown:
            raise _BadRequest(f"unknown: {', '.join(sorted(unknown))}")
        wish = cls(**fields)
        if len(wish.name) > _LONGEST_NAME or not wish.name.isprintable():
            raise _BadRequest(
                f"name must be at most {_LONGEST_NAME} printable characters"
            )
        return wish


def _shown(key: ApiKey) -> dict[str, Any]:
    return {
        "id": key.key_id,
        "account": key.account,
        "name": key.name,
        "test": key.is_test,
        "scopes": sorted(key.scopes),
        "allow_query": key.allow_query,
        "json_answers": key.json_answers,
        "created_ms": key.created_ms,
        "revoked_ms": key.revoked_ms,
    }


def _texts(request: Request, *names: str) -> dict[str, str]:
    """The texts of a request's body, all of these and no others. Raises _BadRequest."""
    assert request.content is not None  # noqa: S101 - for mypy: it is complete
    try:
        fields = json.loads(request.content.read())
    except ValueError as error:
        raise _BadRequest(f"the body is not JSON: {error}") from None
    if (
        not isinstance(fields, dict)
        or fields.keys() != set(names)
        or not all(isinstance(each, str) for each in fields.values())
    ):
        raise _BadRequest(f"the body must be an object of texts: {', '.join(names)}")
    return fields


def _argument(request: Request, name: bytes) -> str | None:
    values = (request.args or {}).get(name)
    return values[0].decode("utf-8", "replace") if values else None


def _json(answer: Report, request: Request) -> bytes:
    request.setHeader(b"Content-Type", b"application/json")
    body = json.dumps(answer).encode() + b"\n"
    request.setHeader(b"Content-Length", b"%d" % len(body))
    return body


# -- the socket ------------------------------------------------------------------------


class _AdminSite(Site):
    """A Site that logs no requests: key ids and accounts are not for the access log."""

    noisy = False

    def startFactory(self) -> None:
        """Open no log."""

    def stopFactory(self) -> None:
        """Close none."""

    def log(self, request: HttpRequest) -> None:
        """Write no line."""


def listen_admin(reactor: Any, path: Path, resource: IResource) -> IListeningPort:
    """Serve ``resource`` on the unix socket ``path``, for this user alone (mode 0600).

    A socket that a dead gateway left is replaced. Raises AdminSocketTaken when a living
    one answers there, and Twisted's CannotListenError.
    """
    _remove_stale(path)
    unix: IReactorUNIX = reactor
    site: Any = _AdminSite(resource, reactor=reactor, parsePOSTFormSubmission=False)
    # The mode has to be right from the first moment on, not only after a chmod.
    before = os.umask(0o177)
    try:
        port: IListeningPort = unix.listenUNIX(
            os.fspath(path), site, backlog=_BACKLOG, mode=0o600
        )
    finally:
        os.umask(before)
    return port


def _remove_stale(path: Path) -> None:
    try:
        is_socket = stat.S_ISSOCK(path.stat().st_mode)
    except FileNotFoundError:
        return
    if not is_socket:
        raise AdminSocketTaken(f"{path} is in the way: it is not a socket")
    with socket.socket(socket.AF_UNIX) as probe:
        probe.settimeout(_PROBE_S)
        try:
            probe.connect(os.fspath(path))
        except ConnectionRefusedError:
            path.unlink()
        else:
            raise AdminSocketTaken(f"another gateway is running: {path} answers")

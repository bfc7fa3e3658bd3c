"""The HTTP API for customers: send, status, health, as the portal prints them.

The routes are the class's; the state is the object's. What a caller may do is declared
with each route (``http_auth``), what they sent is read in ``http_params``, and every
refusal is written in ``http_errors``.
"""

from json import dumps
from typing import Final

from klein import Klein
from klein.resource import KleinResource
from twisted.internet.defer import Deferred
from twisted.python.failure import Failure

from luckgw.domain.errors import bad_request
from luckgw.domain.status import Status
from luckgw.egress.body import rfc3339
from luckgw.ingress.http_answers import JSON, TEXT, header_text, written
from luckgw.ingress.http_auth import Call, Gate, Scope, authorized_route
from luckgw.ingress.http_errors import render, unknown_message
from luckgw.ingress.http_site import ApiRequest
from luckgw.ingress.ports import (
    Accepted,
    InboxReader,
    MessageReader,
    MessageStatus,
    Readiness,
    Received,
    TextSender,
)

_USUAL_LIMIT: Final = 50
_MOST: Final = 200
"""Messages in one answer."""


class HttpApi:
    """The API as a resource: ``HttpApi(...).resource()`` is what an ApiSite serves."""

    app = Klein()

    def __init__(
        self,
        gate: Gate,
        sender: TextSender,
        reader: MessageReader,
        readiness: Readiness,
        inbox: InboxReader,
    ) -> None:
        self.gate = gate
        self._sender = sender
        self._reader = reader
        self._readiness = readiness
        self._inbox = inbox

    def resource(self) -> KleinResource:
        """The root of the API."""
        return self.app.resource()

    @app.handle_errors  # type: ignore[call-overload]  # ours are all ApiRequests
    def _refused(self, request: ApiRequest, failure: Failure) -> bytes:
        return render(request, failure, request.answers_json)

    # -- sending -----------------------------------------------------------------------

    @authorized_route(app, "/api/v1/send", Scope.SEND, "GET", "POST")
    def send(self, call: Call) -> "Deferred[bytes]":
        """One text to one recipient. HOT PATH."""
        params = call.params
        source = params.required("from", Status.ESME_RINVSRCADR)
        destination = params.required("to", Status.ESME_RINVDSTADR)
        content = params.required("content", Status.ESME_RINVMSGLEN)
        stored = self._sender.send_text(
            call.account,
            source,
            destination,
            content,
            sandbox_only=call.key.is_test,
            transliterate=params.flag("transliterate"),
        )
        return stored.addCallback(_success, call)

    # -- status ------------------------------------------------------------------------

    @authorized_route(
        app, "/api/v1/status", Scope.STATUS, "GET", "HEAD", "POST", always_json=True
    )
    def status_of_parameter(self, call: Call) -> "Deferred[bytes]":
        """The status of ``message_id``, a parameter."""
        message_id = call.params.required("message_id", Status.ESME_RINVMSGID)
        return self._status(call, message_id)

    @authorized_route(
        app,
        "/api/v1/status/<message_id>",
        Scope.STATUS,
        "GET",
        "HEAD",
        "POST",
        always_json=True,
    )
    def status_of_path(self, call: Call, message_id: str) -> "Deferred[bytes]":
        """The status of the message that the URL names."""
        return self._status(call, message_id)

    @authorized_route(
        app,
        "/api/v1/messages/<message_id>",
        Scope.STATUS,
        "GET",
        "HEAD",
        "POST",
        always_json=True,
    )
    def message(self, call: Call, message_id: str) -> "Deferred[bytes]":
        """The same, under the name that other gateways use."""
        return self._status(call, message_id)

    def _status(self, call: Call, text: str) -> "Deferred[bytes]":
        found = self._reader.status(call.account.name, text)
        return found.addCallback(_status_answer, call)

    # -- messages from phones ----------------------------------------------------------

    @authorized_route(
        app, "/api/v1/inbox", Scope.INBOX, "GET", "HEAD", always_json=True
    )
    def inbox(self, call: Call) -> "Deferred[bytes]":
        """What the account got from phones, newest first."""
        limit = call.params.get("limit") or str(_USUAL_LIMIT)
        if not (limit.isascii() and limit.isdigit() and 1 <= int(limit) <= _MOST):
            raise bad_request(f"parameter limit must be 1 to {_MOST}")
        cursor = call.params.get("cursor")
        found = self._inbox.received(call.account.name, int(limit), cursor)
        return found.addCallback(_inbox_answer, call)

    # -- health ------------------------------------------------------------------------

    @authorized_route(app, "/health/live", Scope.PUBLIC, "GET", "HEAD")
    def live(self, request: ApiRequest) -> bytes:
        """The process answers."""
        return written(request, TEXT, b"live")

    @authorized_route(app, "/health/ready", Scope.PUBLIC, "GET", "HEAD")
    def ready(self, request: ApiRequest) -> bytes:
        """Whether to send traffic here. Why not is for operators, elsewhere."""
        if self._readiness.problems():
            request.setResponseCode(503)
            return written(request, TEXT, b"not ready")
        return written(request, TEXT, b"ready")


def _success(accepted: Accepted, call: Call) -> bytes:
    request = call.request
    headers = request.responseHeaders
    headers.setRawHeaders(b"X-Message-Id", [accepted.message_id.encode("ascii")])
    headers.setRawHeaders(b"X-Segments", [b"%d" % accepted.segments])
    headers.setRawHeaders(b"X-Encoding", [accepted.encoding.encode("ascii")])
    warning = call.params.warning()
    if warning is not None:
        headers.setRawHeaders(b"X-Warning", [header_text(warning)])
    if request.answers_json:
        answer = (
            '{"status":"success","data":{'
            f'"message_id":"{accepted.message_id}",'
            f'"segments":{accepted.segments},"encoding":"{accepted.encoding}"}}}}'
        )
        return written(request, JSON, answer.encode("ascii"))
    return written(request, TEXT, f'Success "{accepted.message_id}"'.encode("ascii"))


def _inbox_answer(found: tuple[list[Received], str | None], call: Call) -> bytes:
    messages, cursor = found
    data = {"messages": [each.to_json() for each in messages], "next_cursor": cursor}
    answer = dumps({"status": "success", "data": data}, separators=(",", ":"))
    return written(call.request, JSON, answer.encode("ascii"))


def _status_answer(found: MessageStatus | None, call: Call) -> bytes:
    if found is None:
        raise unknown_message()
    answer = (
        '{"status":"success","data":{'
        f'"message_id":"{found.message_id}","status":"{found.state.word}",'
        f'"updated_at":"{rfc3339(found.updated_ms)}"}}}}'
    )
    return written(call.request, JSON, answer.encode("ascii"))

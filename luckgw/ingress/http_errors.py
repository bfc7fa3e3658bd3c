"""The one place where a refusal becomes an HTTP answer, in plain text or JSON.

Bodies are the portal's response dictionary, byte for byte (spec/features 2.2); the JSON
form is spec/features 3.1. Whatever is not a Refusal is a defect of ours: it is logged
with a reference, and the caller is told the reference and nothing else.
"""

import json
import re
import secrets
from typing import Any

from twisted.logger import Logger
from twisted.python.failure import Failure
from twisted.web.http import Request
from werkzeug.exceptions import HTTPException, MethodNotAllowed

from luckgw.domain.errors import PDU_ERROR, Refusal
from luckgw.domain.status import Status
from luckgw.ingress.http_answers import JSON, TEXT, header_text, written

_log = Logger()
_NUMBER = re.compile(r"\(\d+\) ")


def not_found() -> Refusal:
    """There is no such URL."""
    return Refusal(Status.ESME_RINVCMDID, 404, PDU_ERROR, "there is no such URL")


def too_large(limit: int) -> Refusal:
    """The body is longer than ``limit`` octets."""
    detail = f"the body is longer than {limit} octets"
    return Refusal(Status.ESME_RINVMSGLEN, 413, PDU_ERROR, detail)


def unknown_message() -> Refusal:
    """No message of that id, or not one of this account's: the two look the same.

    Without a detail, since spec/features 3.3 prints the whole answer.
    """
    return Refusal(Status.ESME_RINVMSGID, 404, "(12) Invalid Message ID", "")


def refusal_of(failure: Failure) -> Refusal:
    """What the caller is told of a call that ended with ``failure``."""
    error = failure.value
    if isinstance(error, Refusal):
        return error
    if isinstance(error, MethodNotAllowed):
        detail = f"the method here is one of {_methods(error)}"
        return Refusal(Status.ESME_RINVCMDID, 405, PDU_ERROR, detail)
    if isinstance(error, HTTPException):
        return not_found()  # the router raises nothing else: no rule of ours redirects
    reference = secrets.token_hex(6)
    _log.failure(
        "an HTTP call failed, reference {reference}", failure, reference=reference
    )
    detail = f"unexpected error, reference {reference}"
    return Refusal(Status.ESME_RSYSERR, 500, "(8) System Error", detail)


def render(request: Request, failure: Failure, as_json: bool) -> bytes:
    """The body that answers ``request``; its status and headers are set."""
    refusal = refusal_of(failure)
    request.setResponseCode(refusal.http_status)
    headers = request.responseHeaders
    headers.setRawHeaders(b"X-Error-Code", [b"%d" % refusal.command_status])
    if refusal.detail:
        headers.setRawHeaders(b"X-Error-Detail", [header_text(refusal.detail)])
    if refusal.retry_after is not None:
        headers.setRawHeaders(b"Retry-After", [b"%d" % refusal.retry_after])
    if refusal.http_status == 401:  # noqa: PLR2004 - RFC 9110 15.5.2
        headers.setRawHeaders(b"WWW-Authenticate", [b"Bearer"])
    if isinstance(failure.value, MethodNotAllowed):
        headers.setRawHeaders(b"Allow", [_methods(failure.value).encode("ascii")])
    if as_json:
        return written(request, JSON, _json(refusal))
    return written(request, TEXT, refusal.body.encode("ascii"))


def _methods(error: MethodNotAllowed) -> str:
    return ", ".join(sorted(error.valid_methods or ()))


def _json(refusal: Refusal) -> bytes:
    error: dict[str, Any] = {
        "code": int(refusal.command_status),
        "message": _NUMBER.sub("", refusal.body, count=1),
    }
    if refusal.detail:
        error["detail"] = refusal.detail
    answer = {"status": "error", "error": error}
    return json.dumps(answer, separators=(",", ":")).encode("ascii")

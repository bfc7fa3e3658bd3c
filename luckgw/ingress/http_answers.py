"""How an answer is written: its form, its type and length, text that fits a header."""

import re
from typing import Final

from twisted.web.http import Request

TEXT: Final = b"text/plain; charset=utf-8"
JSON: Final = b"application/json"

_UNPRINTABLE = re.compile(rb"[^ -~]+")
_LONGEST_HEADER = 300


def written(request: Request, content_type: bytes, body: bytes) -> bytes:
    """``body``, after saying in the headers what and how long it is. HOT PATH."""
    headers = request.responseHeaders
    headers.setRawHeaders(b"Content-Type", [content_type])
    headers.setRawHeaders(b"Content-Length", [b"%d" % len(body)])
    return body


def header_text(text: str) -> bytes:
    """Any text, made fit for a header's value: printable ASCII of bounded length."""
    safe = text[:_LONGEST_HEADER].encode("ascii", "backslashreplace")
    return _UNPRINTABLE.sub(b" ", safe)[:_LONGEST_HEADER]


def asks_json(accept: bytes) -> bool | None:
    """What an Accept header asks for: JSON (True), text (False), or neither (None).

    It asks for JSON when it names ``application/json`` above text. ``*/*`` names
    nothing, and a tie goes to text, which the portal promises (spec/features 3.1).
    RFC 9110 12.5.1; a weight that is no number counts as 0.
    """
    if accept in (b"", b"*/*"):
        return None
    json = text = 0.0
    for item in accept.lower().split(b","):
        media_type, *parameters = (part.strip() for part in item.split(b";"))
        if media_type == JSON:
            json = max(json, _weight(parameters))
        elif media_type in (b"text/plain", b"text/*"):
            text = max(text, _weight(parameters))
    if json == text == 0.0:
        return None
    return json > text


def _weight(parameters: list[bytes]) -> float:
    for parameter in parameters:
        name, _, value = parameter.partition(b"=")
        if name.strip() == b"q":
            try:
                return min(max(float(value), 0.0), 1.0)
            except ValueError:
                return 0.0
    return 1.0

"""What a caller sent: query, JSON or form, as one set of named values.

Nothing here reads a socket or a clock. HOT PATH: one call of ``read`` per request.
The rules are spec/features 3.8, 3.11, 3.12 and spec/reliability 7.4.
"""

import json
from collections import Counter
from collections.abc import Iterable
from typing import Any, Final, NoReturn
from urllib.parse import unquote_to_bytes

import attrs

from luckgw.domain.errors import PDU_ERROR, Refusal, bad_request, not_authenticated
from luckgw.domain.status import Status

KNOWN: Final = frozenset(
    {
        *("api_key", "from", "to", "content", "format", "message_id", "charset"),
        *("transliterate", "limit", "cursor"),
    }
)
"""All names that mean something somewhere; others are ignored, with a warning."""
MAX_DEPTH: Final = 20
MAX_FIELDS: Final = 100
_WARNED_NAMES = 10

_SWITCHES: Final = frozenset({"transliterate"})
"""Those that are on or off: in JSON true and false, too."""
_FLAGS: Final = dict.fromkeys(("true", "1", "yes", "on"), True) | dict.fromkeys(
    ("false", "0", "no", "off"), False
)
_CHARSETS: Final = {
    "utf-8": "utf-8",
    "utf8": "utf-8",
    "us-ascii": "ascii",
    "ascii": "ascii",
    "iso-8859-1": "iso-8859-1",
    "latin1": "iso-8859-1",
    "iso-8859-15": "iso-8859-15",
    "windows-1252": "windows-1252",
    "utf-16be": "utf-16-be",
    "ucs-2": "utf-16-be",
}
"""What a caller may name: character sets only (Python's own list has zip and rot13)."""


@attrs.define
class Params:
    """The named values of one call, strings all of them, none of them empty."""

    values: dict[str, str] = attrs.field(factory=dict)
    from_query: frozenset[str] = frozenset()
    """Which of them stood in the URL."""
    unknown: list[str] = attrs.field(factory=list)
    """Names that mean nothing to us."""

    def get(self, name: str) -> str | None:
        """The value, or None when it was not sent or is empty."""
        return self.values.get(name)

    def required(self, name: str, command_status: int) -> str:
        """The value; raises Refusal (``PDU Error``) when it is missing or empty."""
        value = self.values.get(name)
        if value is None:
            raise bad_request(f"parameter {name} is missing or empty", command_status)
        return value

    def flag(self, name: str) -> bool | None:
        """Whether it is on, None when it was not sent or is empty.

        Raises Refusal (``PDU Error``) for what is no yes and no no.
        """
        value = self.values.get(name)
        if value is None:
            return None
        flag = _FLAGS.get(value.lower())
        if flag is None:
            raise bad_request(f"parameter {name} must be true or false")
        return flag

    def warning(self) -> str | None:
        """What to tell a caller whose call is fine but may hold a slip of the pen."""
        if not self.unknown:
            return None
        names = ", ".join(name[:40] for name in self.unknown[:_WARNED_NAMES])
        return f"ignored unknown parameters: {names}"


def read(query: bytes, content_type: bytes, body: bytes) -> Params:
    """All parameters of a call.

    ``query`` is what follows the ``?``; ``content_type`` the header's value, b""
    without one. Raises Refusal: 415 for a body of a type that is not read here, else
    ``PDU Error``, 400; 401 for two different keys.
    """
    params = Params()
    if query:
        params.values = _form(query, b"", params.unknown)
        params.from_query = frozenset(params.values)
    if body:
        media_type, _, rest = content_type.partition(b";")
        media_type = media_type.strip().lower()
        if media_type == b"application/json":
            sent = _json(body, params.unknown)
        elif media_type == b"application/x-www-form-urlencoded":
            sent = _form(body, rest, params.unknown)
        else:
            raise _unknown_type(media_type)
        if params.values:
            _no_contradiction(params.values, sent)
            params.values.update(sent)
        else:
            params.values = sent
    return params


def _no_contradiction(query: dict[str, str], body: dict[str, str]) -> None:
    for name, value in body.items():
        if query.get(name, value) != value:
            detail = f"parameter {name} is in the URL and in the body, and they differ"
            if name == "api_key":
                raise not_authenticated(detail)
            raise bad_request(detail)


# -- forms and queries -----------------------------------------------------------------


def _form(encoded: bytes, type_parameters: bytes, unknown: list[str]) -> dict[str, str]:
    pairs = encoded.split(b"&")
    if len(pairs) > MAX_FIELDS:
        raise bad_request(f"more than {MAX_FIELDS} parameters")
    sent: dict[str, bytes] = {}
    for pair in pairs:
        raw_name, _, raw_value = pair.partition(b"=")
        name = _unescaped(raw_name).decode("utf-8", "backslashreplace")
        if name not in KNOWN:
            if name:
                unknown.append(name)
        elif name in sent:
            raise _repeated(name)
        else:
            sent[name] = _unescaped(raw_value)
    charset = _charset(sent.get("charset"), type_parameters)
    return {n: _decoded(n, v, charset) for n, v in sent.items() if v}


def _unescaped(value: bytes) -> bytes:
    if b"+" in value:
        value = value.replace(b"+", b" ")
    return unquote_to_bytes(value) if b"%" in value else value


def _decoded(name: str, value: bytes, charset: str) -> str:
    try:
        return value.decode(charset)
    except UnicodeDecodeError as error:
        raise bad_request(
            f"parameter {name} is not {charset} at octet {error.start}"
        ) from None


def _charset(named: bytes | None, type_parameters: bytes) -> str:
    if not named:
        if b"charset" not in type_parameters.lower():
            return "utf-8"
        for parameter in type_parameters.split(b";"):
            name, _, value = parameter.partition(b"=")
            if name.strip().lower() == b"charset":
                named = value.strip().strip(b'"')
    label = (named or b"").decode("ascii", "backslashreplace")
    charset = _CHARSETS.get(label.lower())
    if charset is None:
        raise bad_request(f"charset {label} is not known here")
    return charset


# -- JSON ------------------------------------------------------------------------------


def _json(body: bytes, unknown: list[str]) -> dict[str, str]:
    values = {}
    for name, value in _json_object(body).items():
        kind = type(value)
        if kind is list or kind is dict:
            _no_deeper(value)
        if name not in KNOWN:
            unknown.append(name)
        elif kind is int or kind is str:
            if value != "":
                values[name] = _unicode(name, str(value))
        elif kind is bool and name in _SWITCHES:
            values[name] = "true" if value else "false"
        elif value is not None:
            raise _mistyped(name, value)
    return values


def _json_object(body: bytes) -> dict[str, Any]:
    try:
        sent = _DECODER.decode(body.decode("utf-8").removeprefix("\ufeff"))
    except UnicodeDecodeError as error:
        raise bad_request(f"the body is not UTF-8 at octet {error.start}") from None
    except (ValueError, RecursionError) as error:
        raise bad_request(f"the body is not JSON that is read here: {error}") from None
    if type(sent) is not dict:
        raise bad_request("the body is JSON, but not an object")
    return sent


def _unrepeated(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    fields = dict(pairs)
    if len(fields) != len(pairs):
        ((name, _times),) = Counter(name for name, _ in pairs).most_common(1)
        raise _repeated(name)
    return fields


def _no_number(literal: str) -> NoReturn:
    raise bad_request(f"{literal} is not a JSON number")


_DECODER = json.JSONDecoder(object_pairs_hook=_unrepeated, parse_constant=_no_number)


def _no_deeper(value: Any) -> None:
    level: Iterable[Any] = [value]
    for _ in range(MAX_DEPTH - 1):
        level = [
            inner
            for outer in level
            for inner in (outer.values() if type(outer) is dict else outer)
            if type(inner) in (dict, list)
        ]
        if not level:
            return
    raise bad_request(f"the JSON is nested deeper than {MAX_DEPTH} levels")


def _unicode(name: str, value: str) -> str:
    if not value.isascii():
        try:
            value.encode()
        except UnicodeEncodeError as error:
            # JSON can escape half of a surrogate pair, which is no character.
            raise bad_request(
                f"parameter {name} has half a surrogate pair at position {error.start}"
            ) from None
    return value


# -- refusals --------------------------------------------------------------------------


def _repeated(name: str) -> Refusal:
    hint = "; one call sends to one recipient" if name == "to" else ""
    return bad_request(f"parameter {name} is given more than once{hint}")


def _mistyped(name: str, value: Any) -> Refusal:
    if name == "to" and type(value) is list:
        return bad_request("parameter to is a list; one call sends to one recipient")
    return bad_request(f"parameter {name} must be a string")


def _unknown_type(media_type: bytes) -> Refusal:
    shown = media_type.decode("ascii", "backslashreplace") or "missing"
    return Refusal(
        Status.ESME_RSUBMITFAIL,
        415,
        PDU_ERROR,
        f"Content-Type is {shown}; send application/json or"
        " application/x-www-form-urlencoded",
    )

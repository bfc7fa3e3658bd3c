r"""Twisted's endpoint strings, read far enough to find a mistake before the start.

``kind:value:value:name=value``, where a backslash takes the meaning from a colon, an
equals sign or a backslash: ``tcp6:2775:interface=\:\:1``. Of the kinds that Twisted
itself brings the ports and hosts are checked here; any other kind may come from a
plugin and is judged by Twisted at the start.
"""

import re
from collections.abc import Callable
from typing import TypeAlias

import attrs

_KIND = re.compile(r"[A-Za-z][A-Za-z0-9]*")
_SPECIAL = re.compile(r"\\(.)|([:=])", re.DOTALL)
_HIGHEST_PORT = 65535

Checks: TypeAlias = dict[str, Callable[[str, str], None]]

#: What stands without a name, in order, by kind (twisted.internet.endpoints).
SERVER_FIELDS = {
    "tcp": ("port", "interface", "backlog"),
    "tcp6": ("port", "interface", "backlog"),
    "ssl": ("port",),
    "unix": ("address",),
}
CLIENT_FIELDS = {
    "tcp": ("host", "port"),
    "tls": ("host", "port"),
    "ssl": ("host", "port"),
    "unix": ("path",),
}


@attrs.frozen
class Endpoint:
    """An endpoint string, taken apart."""

    kind: str
    """``tcp``, ``ssl`` ..."""
    fields: dict[str, str]
    """By name, those included that stand without one."""


def parse(text: str, positional: dict[str, tuple[str, ...]]) -> Endpoint:
    """Take an endpoint string apart.

    ``positional`` names the values that stand without a name, by kind; more of them are
    numbered ("3" is the third). Raises ValueError when it has no kind.
    """
    kind, *parts = _split(text)
    if kind[0] is not None or not _KIND.fullmatch(kind[1]) or not parts:
        raise ValueError(f"must be a Twisted endpoint like tcp:2775; not {text!r}")
    names = positional.get(kind[1], ())
    fields: dict[str, str] = {}
    unnamed = 0
    for name, value in parts:
        if name is None:
            key = names[unnamed] if unnamed < len(names) else str(unnamed + 1)
            fields[key] = value
            unnamed += 1
        else:
            fields[name] = value
    return Endpoint(kind[1], fields)


def check_server(text: str) -> None:
    """Raise ValueError if this can not be where we listen."""
    endpoint = parse(text, SERVER_FIELDS)
    _check(endpoint, SERVER_FIELDS, {"port": _check_port, "address": _check_filled})


def check_smpp(text: str) -> None:
    """Raise ValueError if partners can not bind here.

    The PROXY protocol is not offered: its addresses are what the peer writes, and
    anybody who reaches the port could write one that an account allows.
    """
    if parse(text, SERVER_FIELDS).kind == "haproxy":
        raise ValueError("can not be haproxy: the PROXY protocol is not offered")
    check_server(text)


def check_tls(text: str) -> None:
    """Raise ValueError if this is no socket on which we could do TLS ourselves."""
    if parse(text, SERVER_FIELDS).kind not in ("tcp", "tcp6"):
        raise ValueError("must be a tcp: or tcp6: endpoint; the TLS comes by itself")
    check_server(text)


def is_open_to_others(text: str) -> bool:
    """Whether somebody on another machine may connect to this server endpoint."""
    endpoint = parse(text, SERVER_FIELDS)
    if endpoint.kind == "unix":
        return False
    host = endpoint.fields.get("interface", "")
    return not (host in ("localhost", "::1") or host.startswith("127."))


def check_client(text: str) -> None:
    """Raise ValueError if this can not be what we connect to."""
    endpoint = parse(text, CLIENT_FIELDS)
    checks: Checks = {
        "host": _check_filled,
        "port": _check_open_port,
        "path": _check_filled,
    }
    _check(endpoint, CLIENT_FIELDS, checks)


def _check(
    endpoint: Endpoint,
    positional: dict[str, tuple[str, ...]],
    checks: Checks,
) -> None:
    for name in positional.get(endpoint.kind, ()):
        if name not in checks:
            continue
        if name not in endpoint.fields:
            raise ValueError(f"names no {name} in this {endpoint.kind}: endpoint")
        checks[name](name, endpoint.fields[name])


def _check_filled(name: str, value: str) -> None:
    if not value:
        raise ValueError(f"has an empty {name}")


def _check_port(name: str, value: str) -> None:
    if not (value.isascii() and value.isdigit() and int(value) <= _HIGHEST_PORT):
        raise ValueError(f"has no {name} number from 0 to {_HIGHEST_PORT}: {value!r}")


def _check_open_port(name: str, value: str) -> None:
    _check_port(name, value)
    if int(value) == 0:
        raise ValueError(f"can not connect to {name} 0")


def _split(text: str) -> list[tuple[str | None, str]]:
    """The parts between the colons: (name or None, value)."""
    parts: list[tuple[str | None, str]] = []
    name: str | None = None
    value = ""
    at = 0
    for special in _SPECIAL.finditer(text):
        value += text[at : special.start()] + (special[1] or "")
        at = special.end()
        if special[2] == ":":
            parts.append((name, value))
            name, value = None, ""
        elif special[2] == "=" and name is None:
            name, value = value, ""
        elif special[2] == "=":
            value += "="
    parts.append((name, value + text[at:]))
    return parts

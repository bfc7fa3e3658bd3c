"""Endpoint strings mean to us what they mean to Twisted."""

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from twisted.internet import endpoints as twisted_endpoints
from twisted.internet.endpoints import clientFromString, serverFromString
from twisted.internet.testing import MemoryReactorClock

from luckgw.config.endpoints import (
    CLIENT_FIELDS,
    SERVER_FIELDS,
    Endpoint,
    check_client,
    check_server,
    is_open_to_others,
    parse,
)


@pytest.mark.parametrize(
    ("text", "kind", "fields"),
    [
        ("tcp:80", "tcp", {"port": "80"}),
        ("tcp:80:127.0.0.1", "tcp", {"port": "80", "interface": "127.0.0.1"}),
        ("tcp:80:backlog=9", "tcp", {"port": "80", "backlog": "9"}),
        (r"tcp6:80:interface=\:\:1", "tcp6", {"port": "80", "interface": "::1"}),
        (r"unix:/a\\b\=c", "unix", {"address": r"/a\b=c"}),
        ("x:a=b=c", "x", {"a": "b=c"}),
        ("x:one:two", "x", {"1": "one", "2": "two"}),
        ("x:", "x", {"1": ""}),
    ],
)
def test_is_taken_apart(text: str, kind: str, fields: dict[str, str]) -> None:
    """Names, values without a name, and what a backslash protects."""
    assert parse(text, SERVER_FIELDS) == Endpoint(kind, fields)


@given(st.text("ab:=\\", max_size=12).map(lambda rest: f"x:{rest}"))
def test_is_taken_apart_as_twisted_does(text: str) -> None:
    """The same values, with and without names, whatever the string."""
    assume(not text.replace("\\\\", "").endswith("\\"))  # Twisted raises RuntimeError
    positional, named = twisted_endpoints._parse(text)
    fields = {str(n): value for n, value in enumerate(positional[1:], start=1)}
    assert parse(text, {}).fields == fields | named


@pytest.mark.parametrize(
    "text",
    ["tcp:8080", "tcp:8080:interface=127.0.0.1", "tcp:port=0", "unix:/tmp/luckgw.sock"],
)
def test_what_passes_can_be_listened_on(text: str) -> None:
    """Twisted makes an endpoint of it."""
    check_server(text)
    assert serverFromString(MemoryReactorClock(), text)


@pytest.mark.parametrize(
    "text",
    ["tcp:smsc.example.net:2775", "tcp:host=::1:port=2775", "unix:/tmp/smsc.sock"],
)
def test_what_passes_can_be_connected_to(text: str) -> None:
    """Twisted makes an endpoint of it."""
    text = text.replace("::1", r"\:\:1")
    check_client(text)
    assert parse(text, CLIENT_FIELDS).kind == text.partition(":")[0]
    assert clientFromString(MemoryReactorClock(), text)


@pytest.mark.parametrize(
    ("text", "is_open"),
    [
        ("tcp:2775", True),
        ("tcp:2775:interface=0.0.0.0", True),
        ("tcp:2775:interface=192.0.2.1", True),
        (r"tcp6:2775:interface=\:\:", True),
        ("systemd:domain=INET:index=0", True),
        ("tcp:2775:interface=127.0.0.1", False),
        ("tcp:2775:localhost", False),
        (r"tcp6:2775:interface=\:\:1", False),
        ("unix:/run/smpp", False),
    ],
)
def test_who_may_connect(text: str, is_open: bool) -> None:
    """This machine alone, or others; what is not known is taken for others."""
    assert is_open_to_others(text) is is_open

"""Addresses as one upstream wants them."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from luckgw.config.outgoing import Rewrite, UpstreamAddresses
from luckgw.pipeline.addresses import Addresses, addresses_for
from luckgw.wire.pdus import Sm, decode_sm
from tests.dispatch.world import submit_body

TO_LOCAL = Rewrite(to="0", prefix="233")


def written(sender: str = "Luck", number: str = "233501234567", **table: Any) -> Sm:
    """What an upstream with this table is sent."""
    body = submit_body(
        source_addr=sender.encode("latin-1"), destination_addr=number.encode()
    )
    return decode_sm(Addresses(UpstreamAddresses(**table)).written(body))


def source(sm: Sm) -> tuple[int, int, bytes]:
    """Its sender."""
    return sm.source_addr_ton, sm.source_addr_npi, sm.source_addr


def destination(sm: Sm) -> tuple[int, int, bytes]:
    """Its recipient."""
    return sm.dest_addr_ton, sm.dest_addr_npi, sm.destination_addr


@pytest.mark.parametrize(
    ("table", "sender", "expected"),
    [
        ({}, "Luck", (5, 0, b"Luck")),
        ({}, "Café", (5, 0, b"Caf\xe9")),
        ({}, "233501234567", (1, 1, b"233501234567")),
        ({}, "1234", (3, 0, b"1234")),
        ({}, "0501234567", (0, 1, b"0501234567")),
        ({}, "", (0, 0, b"")),
        ({"short_code": "6/0"}, "1234", (6, 0, b"1234")),
        ({"short_code": "0/1"}, "Luck", (5, 0, b"Luck")),
        ({"source": "2/1"}, "Luck", (2, 1, b"Luck")),
        ({"source": "2/1"}, "1234", (2, 1, b"1234")),
        ({"plus": True}, "233501234567", (1, 1, b"+233501234567")),
        ({"plus": True}, "1234", (3, 0, b"1234")),
        ({"plus": True}, "Luck", (5, 0, b"Luck")),
        ({"rewrite_source": (TO_LOCAL,)}, "233501234567", (0, 1, b"0501234567")),
        ({"rewrite_source": (TO_LOCAL,)}, "Luck", (5, 0, b"Luck")),
        (
            {"rewrite_source": (TO_LOCAL,), "plus": True},
            "233501234567",
            (0, 1, b"0501234567"),
        ),
        (
            {"rewrite_source": (Rewrite(to="Acme", re="Luck.*"),)},
            "LuckCreators",
            (5, 0, b"Acme"),
        ),
    ],
)
def test_senders(
    table: dict[str, Any], sender: str, expected: tuple[int, int, bytes]
) -> None:
    """Their kind is found out or fixed; rules change them; a + is for numbers."""
    assert source(written(sender, **table)) == expected


@pytest.mark.parametrize(
    ("table", "expected"),
    [
        ({}, (1, 1, b"233501234567")),
        ({"destination": "2/8"}, (2, 8, b"233501234567")),
        ({"plus": True}, (1, 1, b"+233501234567")),
        ({"rewrite_destination": (TO_LOCAL,)}, (1, 1, b"0501234567")),
        (
            {"rewrite_destination": (TO_LOCAL,), "destination": "auto"},
            (0, 1, b"0501234567"),
        ),
        (
            {"rewrite_destination": (Rewrite(to="00", prefix=""),)},
            (1, 1, b"00233501234567"),
        ),
        (
            {"rewrite_destination": (Rewrite(to=r"0\1", re="233(5[0-9]{8})"),)},
            (1, 1, b"0501234567"),
        ),
        (
            {"rewrite_destination": (Rewrite(to="x", re="23"), TO_LOCAL)},
            (1, 1, b"0501234567"),
        ),
        (
            {"rewrite_destination": (TO_LOCAL, Rewrite(to="9", prefix="0"))},
            (1, 1, b"0501234567"),
        ),
        # What can be no address stays as it is.
        (
            {"rewrite_destination": (Rewrite(to="", re=".*"),)},
            (1, 1, b"233501234567"),
        ),
        (
            {"rewrite_destination": (Rewrite(to="0" * 9, prefix=""),)},
            (1, 1, b"233501234567"),
        ),
    ],
)
def test_recipients(table: dict[str, Any], expected: tuple[int, int, bytes]) -> None:
    """The first rule that matches counts, an expression for the whole number."""
    assert destination(written(**table)) == expected


latin = st.characters(min_codepoint=1, max_codepoint=0xFF)


@given(
    st.text(latin, max_size=20),
    st.text(st.sampled_from("0123456789+"), min_size=1, max_size=20),
    st.booleans(),
    st.text(st.characters(min_codepoint=0x20, max_codepoint=0xFF), max_size=20),
    st.sampled_from(["auto", "5/0", "255/255"]),
)
def test_everything_else_stays(
    sender: str, number: str, plus: bool, to: str, kind: str
) -> None:
    """Whatever the addresses and the rules: the body can be read, and only addresses
    are different.
    """
    rules = (Rewrite(to=to, prefix="2"), Rewrite(to=r"x\g<0>", re="[A-Z].*"))
    body = submit_body(
        source_addr=sender.encode("latin-1"), destination_addr=number.encode()
    )
    changed = Addresses(
        UpstreamAddresses(
            source=kind,
            destination=kind,
            plus=plus,
            rewrite_source=rules,
            rewrite_destination=rules,
        )
    ).written(body)
    decode_sm(changed)
    rest = len(b"\0\0\0\0\0\1\0\0\0\5Hello")
    assert changed[-rest:] == body[-rest:]
    assert changed[0] == 0


def test_nothing_to_do() -> None:
    """An upstream that wants nothing special costs nothing."""
    assert addresses_for(UpstreamAddresses()) is None
    assert addresses_for(UpstreamAddresses(plus=True)) is not None

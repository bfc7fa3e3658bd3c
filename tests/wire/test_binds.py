"""bind_*, their responses and outbind."""

from typing import Any

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from luckgw.wire.binds import (
    Bind,
    decode_bind,
    decode_bind_resp,
    decode_outbind,
    encode_bind,
    encode_bind_resp,
)
from luckgw.wire.pdus import PduError
from tests.wire.peers import BIND, c_string, octet

binds = st.builds(
    Bind, c_string(15), c_string(64), c_string(12), octet, octet, octet, c_string(40)
)


@given(binds, st.binary(max_size=20))
def test_what_is_encoded_is_decoded(bind: Bind, behind: bytes) -> None:
    """Whatever its octets, ASCII or not; what follows the fields is ignored."""
    assert decode_bind(encode_bind(bind) + behind) == bind


@pytest.mark.parametrize(
    ("octets", "status"),
    [
        (b"", 0x0F),
        (b"s" * 16 + b"\0secret\0\0\x34\0\0\0", 0x0F),
        (b"luck", 0x0F),
        (b"luck\0" + b"p" * 65 + b"\0\0\x34\0\0\0", 0x0E),
        (b"luck\0secret", 0x0E),
        (b"luck\0secret\0" + b"t" * 13 + b"\0\x34\0\0\0", 0x53),
        (b"luck\0secret\0type", 0x53),
        (b"luck\0secret\0\0", 0x02),
        (b"luck\0secret\0\0\x34\0", 0x02),
        (b"luck\0secret\0\0\x34\0\0", 0x02),
        (b"luck\0secret\0\0\x34\0\0" + b"2" * 41 + b"\0", 0x02),
        (b"luck\0secret\0\0\x34\0\x00233", 0x02),
    ],
)
def test_a_malformed_bind_is_refused_with_its_fields_status(
    octets: bytes, status: int
) -> None:
    """The first row of spec/reliability 2.3; a password may have 64 octets."""
    with pytest.raises(PduError) as error:
        decode_bind(octets)
    assert error.value.command_status == status


@given(st.integers(0, len(BIND) - 1))
def test_no_cut_bind_is_taken_for_a_whole_one(size: int) -> None:
    """A body that ends too early is refused, wherever that is."""
    with pytest.raises(PduError):
        decode_bind(BIND[:size])


@pytest.mark.parametrize(
    "wrong",
    [
        {"system_id": b"s" * 16},
        {"password": b"p" * 65},
        {"system_type": b"a\0"},
        {"address_range": b"2" * 41},
        {"addr_ton": 256},
        {"interface_version": -1},
    ],
)
def test_nothing_malformed_is_written(wrong: dict[str, Any]) -> None:
    """A field that does not fit its place is our own configuration's fault."""
    with pytest.raises(ValueError, match=r"octets|range"):
        encode_bind(attrs.evolve(Bind(b"", b"", b"", 0x34, 0, 0, b""), **wrong))


def test_a_password_is_never_shown() -> None:
    """Not by the record either (spec/reliability 7.2)."""
    assert "hunter22" not in repr(Bind(b"luck", b"hunter22", b"", 0x34, 0, 0, b""))


@pytest.mark.parametrize(
    ("octets", "expected"),
    [
        (b"smsc\0\x02\x10\0\1\x34", (b"smsc", 0x34)),
        (b"smsc\0\x14\x01\0\0\x02\x10\0\1\x50", (b"smsc", 0x50)),
        (b"smsc\0", (b"smsc", 0)),
        (b"smsc", (b"smsc", 0)),
        (b"", (b"", 0)),
        (b"\0", (b"", 0)),
        (b"smsc\0\x02\x10\0\0", (b"smsc", 0)),
        (b"smsc\0\x02\x10\0\5\x34", (b"smsc", 0)),
        (b"Caf\xe9\0\0", (b"Caf\xe9", 0)),
    ],
)
def test_any_bind_resp_is_read(octets: bytes, expected: tuple[bytes, int]) -> None:
    """Carriers leave out what they like; a bind does not fail over it (2.9)."""
    assert decode_bind_resp(octets) == expected


@given(st.binary(max_size=60))
def test_decode_bind_resp_is_total(octets: bytes) -> None:
    """No octets of a carrier raise."""
    system_id, version = decode_bind_resp(octets)
    assert octets.startswith(system_id)
    assert 0 <= version <= 255


def test_our_bind_resp() -> None:
    """system_id, then sc_interface_version where it is welcome (v3.4 4.1.2)."""
    assert encode_bind_resp(b"gateway", tlvs={}) == b"gateway\0"
    assert encode_bind_resp(b"gw", tlvs={0x0210: b"\x34"}) == b"gw\0\x02\x10\0\1\x34"
    with pytest.raises(ValueError, match="octets"):
        encode_bind_resp(b"s" * 16, tlvs={})


@given(c_string(15), c_string(64))
def test_outbind(system_id: bytes, password: bytes) -> None:
    """Who calls us, and how it proves it (v3.4 4.1.7)."""
    assert decode_outbind(system_id + b"\0" + password + b"\0") == (system_id, password)


@pytest.mark.parametrize(
    ("octets", "status"), [(b"s" * 16 + b"\0p\0", 0x0F), (b"s\0p", 0x0E), (b"", 0x0F)]
)
def test_a_malformed_outbind(octets: bytes, status: int) -> None:
    """Refused by the field that is wrong."""
    with pytest.raises(PduError) as error:
        decode_outbind(octets)
    assert error.value.command_status == status

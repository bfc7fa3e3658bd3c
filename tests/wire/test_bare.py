"""A submit_sm for a carrier that takes no TLVs: less, but never another message."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from luckgw.wire.bare import bare
from luckgw.wire.pdus import Sm, Tag, decode_sm, encode_sm

FIELDS = {
    "service_type": b"WAP",
    "source_addr_ton": 5,
    "source_addr": b"Luck",
    "dest_addr_ton": 1,
    "dest_addr_npi": 1,
    "destination_addr": b"233501234567",
    "validity_period": b"000001000000000R",
    "registered_delivery": 1,
    "data_coding": 8,
}
HARMLESS = {
    Tag.USER_MESSAGE_REFERENCE: b"\0\7",
    Tag.PRIVACY_INDICATOR: b"\1",
    0x1400: b"vendor",
}


def body(text: bytes = b"", **tlvs: bytes) -> bytes:
    """A submit_sm with these TLVs, by their names."""
    return encode_sm(
        **FIELDS,  # type: ignore[arg-type]
        short_message=text,
        tlvs={Tag[name.upper()]: value for name, value in tlvs.items()},
    )


def fields(sm: Sm) -> dict[str, object]:
    """All that is not content."""
    return {name: getattr(sm, name) for name in FIELDS}


@given(st.binary(max_size=254))
def test_without_tlvs_it_stays_as_it_is(text: bytes) -> None:
    """Octet for octet."""
    assert bare(body(text)) == body(text)


@given(st.binary(max_size=254))
def test_what_it_can_do_without_is_left_out(text: bytes) -> None:
    """The text and all fields stay."""
    full = encode_sm(**FIELDS, short_message=text, tlvs=HARMLESS)  # type: ignore[arg-type]
    assert bare(full) == body(text)


@given(st.binary(min_size=1, max_size=254))
def test_a_payload_that_fits_becomes_the_text(payload: bytes) -> None:
    """Fields and content are those that were meant."""
    sm = decode_sm(bare(body(message_payload=payload)))
    assert (sm.short_message, sm.tlvs) == (payload, None)
    assert fields(sm) == FIELDS


@pytest.mark.parametrize(
    ("tlvs", "named"),
    [
        ({"message_payload": b"x" * 255}, "message_payload"),
        (
            {
                "sar_msg_ref_num": b"\0\1",
                "sar_total_segments": b"\2",
                "sar_segment_seqnum": b"\1",
            },
            "sar_msg_ref_num",
        ),
        ({"destination_port": b"\x0b\x84"}, "destination_port"),
        ({"source_port": b"\x23\xf0"}, "source_port"),
        ({"ussd_service_op": b"\2"}, "ussd_service_op"),
        ({"its_session_info": b"\0\1"}, "its_session_info"),
    ],
)
def test_what_it_can_not_do_without_is_an_error(
    tlvs: dict[str, bytes], named: str
) -> None:
    """Cut off it would be another message; the error names the TLV."""
    text = b"" if "message_payload" in tlvs else b"text"
    with pytest.raises(ValueError, match=named):
        bare(body(text, **tlvs))


def test_a_small_payload_beside_ports_is_an_error_too() -> None:
    """The text would fit, its port would be lost."""
    with pytest.raises(ValueError, match="destination_port"):
        bare(body(message_payload=b"x", destination_port=b"\x0b\x84"))


def test_what_can_not_be_read_is_an_error() -> None:
    """Nothing wrong leaves the house."""
    with pytest.raises(ValueError, match="malformed"):
        bare(b"\0\1")

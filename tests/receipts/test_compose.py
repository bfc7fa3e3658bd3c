import datetime as dt
import io
import struct
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from smpp.pdu.pdu_encoding import PDUEncoder

from luckgw.domain.states import MESSAGE_STATE, STAT, State
from luckgw.receipts.compose import receipt_body
from luckgw.receipts.parse import parse
from luckgw.wire.pdus import Command, decode_sm

ID = "3f0c9a52-1d0e-4b7a-9c55-6e2f7f1b2a90"
SUBMIT_MS = 1_698_417_059_999  # 2023-10-27 14:30:59.999 UTC
DONE_MS = 1_698_417_060_000

USUAL: dict[str, Any] = {
    "source_addr_ton": 1,
    "source_addr_npi": 1,
    "source_addr": b"233241234567",
    "dest_addr_ton": 5,
    "dest_addr_npi": 0,
    "destination_addr": b"LuckCreators",
    "message_id": ID,
    "state": State.DELIVERED,
    "submit_ms": SUBMIT_MS,
    "done_ms": DONE_MS,
}


def body(**changed: object) -> bytes:
    """The usual receipt's body, with some arguments changed."""
    return receipt_body(**{**USUAL, **changed})


def short_message(**changed: object) -> bytes:
    """Its text."""
    return decode_sm(body(**changed), Command.DELIVER_SM).short_message


def tlvs(**changed: object) -> dict[int, bytes] | None:
    """Its TLVs."""
    return decode_sm(body(**changed), Command.DELIVER_SM).tlvs


def test_octets() -> None:
    """The whole body, octet by octet as SMPP v3.4 4.6.1 lays it out."""
    text = (
        b"id:3f0c9a52-1d0e-4b7a-9c55-6e2f7f1b2a90 sub:001 dlvrd:001"
        b" submit date:2310271430 done date:2310271431 stat:DELIVRD err:000"
        b" text:Hello! This is a tes"
    )
    assert body(text=b"Hello! This is a test of the gateway") == b"".join(
        [
            b"\0",  # service_type
            b"\x01\x01233241234567\0",
            b"\x05\x00LuckCreators\0",
            b"\x04\x00\x00",  # esm_class, protocol_id, priority_flag
            b"\0\0",  # schedule_delivery_time, validity_period
            b"\x00\x00\x00\x00",  # registered, replace, data_coding, default message
            bytes([len(text)]) + text,
            b"\x00\x1e\x00\x25" + ID.encode() + b"\0",
            b"\x04\x27\x00\x01\x02",
        ]
    )


def test_another_implementation_reads_it() -> None:
    """smpp.pdu finds the same fields."""
    octets = body(state=State.EXPIRED, err="034", text=b"Hello")
    pdu = struct.pack(">4L", 16 + len(octets), Command.DELIVER_SM, 0, 1) + octets
    params = PDUEncoder().decode(io.BytesIO(pdu)).params
    assert params["source_addr"] == b"233241234567"
    assert params["source_addr_ton"].name == "INTERNATIONAL"
    assert params["destination_addr"] == b"LuckCreators"
    assert params["dest_addr_ton"].name == "ALPHANUMERIC"
    assert params["esm_class"].type.name == "SMSC_DELIVERY_RECEIPT"
    assert params["short_message"].endswith(b" stat:EXPIRED err:034 text:Hello")
    assert params["receipted_message_id"] == ID.encode()
    assert params["message_state"].name == "EXPIRED"
    assert params["network_error_code"] == b"\x03\x00\x22"


@pytest.mark.parametrize("state", State)
def test_states(state: State) -> None:
    """``stat:`` and message_state say each state; ``dlvrd`` counts only DELIVERED."""
    delivered = b"003" if state is State.DELIVERED else b"000"
    text = short_message(state=state, segments=3)
    assert b" sub:003 dlvrd:" + delivered + b" submit" in text
    assert b" stat:" + STAT[state].encode() + b" err:" in text
    assert tlvs(state=state) == {
        0x001E: ID.encode() + b"\0",
        0x0427: bytes([MESSAGE_STATE[state]]),
    }


@pytest.mark.parametrize(
    ("err", "written", "code"),
    [
        ("034", b"034", b"\x03\x00\x22"),
        ("1281", b"1281", b"\x03\x05\x01"),
        ("65535", b"65535", b"\x03\xff\xff"),
        ("65536", b"65536", None),
        ("000", b"000", None),
        ("0", b"0", None),
        ("", b"000", None),
        ("00A7", b"00A7", None),
        ("123456789", b"12345678", None),
        ("é\xb2", b"??", None),
    ],
)
def test_err(err: str, written: bytes, code: bytes | None) -> None:
    """The code is in the text, and as network_error_code when it is such a number."""
    assert b" err:" + written + b" text:" in short_message(err=err)
    assert (tlvs(err=err) or {}).get(0x0423) == code


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        (b"", b""),
        (b"Hello", b"Hello"),
        (b"12345678901234567890", b"12345678901234567890"),
        (b"123456789012345678901", b"12345678901234567890"),
        (b"a\nb", b"a\nb"),
        (b"1234567890123456789\x1b\x65", b"1234567890123456789"),  # "€" cut in two
        (b"123456789012345678\x1b\x65x", b"123456789012345678\x1b\x65"),
        (b"caf\xe9", b""),
        ("Hi".encode("utf-16-be"), b""),
        (b"12345678901234567890caf\xe9", b"12345678901234567890"),
    ],
)
def test_text(text: bytes, shown: bytes) -> None:
    """The first 20 octets, and none when they are no 7-bit text."""
    assert short_message(text=text).endswith(b" err:000 text:" + shown)


def test_without_tlvs() -> None:
    """For partners that choke on TLVs there are none; the text stays the same."""
    assert tlvs(err="034", tlvs=False) is None
    assert short_message(err="034", tlvs=False) == short_message(err="034")


@given(st.integers(0, 4_102_444_800_000), st.integers(0, 4_102_444_800_000))
def test_dates(submit_ms: int, done_ms: int) -> None:
    """Both dates are UTC, to the minute they are in."""
    epoch = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
    expected = [
        (epoch + dt.timedelta(milliseconds=ms)).strftime("%y%m%d%H%M").encode()
        for ms in (submit_ms, done_ms)
    ]
    text = short_message(submit_ms=submit_ms, done_ms=done_ms)
    assert b" submit date:%b done date:%b stat:" % tuple(expected) in text


addresses = st.text("+0123456789Aa", max_size=20).map(str.encode)


arguments = st.fixed_dictionaries(
    {
        "source_addr_ton": st.integers(0, 6),
        "source_addr": addresses,
        "dest_addr_npi": st.integers(0, 18),
        "destination_addr": addresses,
        "message_id": st.text("0123456789abcdef-", min_size=1, max_size=64),
        "state": st.sampled_from(State),
        "err": st.text("0123456789ABC", min_size=1, max_size=8),
        "text": st.binary(),
        "segments": st.integers(1, 255),
        "tlvs": st.booleans(),
    }
)


@given(arguments)
def test_round_trip(given: dict[str, Any]) -> None:
    """Our own codec and our own parser read back what was written, whatever it was."""
    sm = decode_sm(body(**given), Command.DELIVER_SM)
    for name in ("source_addr_ton", "source_addr", "dest_addr_npi", "destination_addr"):
        assert getattr(sm, name) == given[name]
    assert (sm.source_addr_npi, sm.dest_addr_ton) == (1, 5)
    assert (sm.esm_class, sm.data_coding, sm.registered_delivery) == (4, 0, 0)
    receipt = parse(sm.esm_class, sm.short_message, sm.tlvs)
    assert receipt is not None
    assert receipt.message_id == given["message_id"].encode()
    assert receipt.stat == STAT[given["state"]]
    assert receipt.submit_date == "2310271430"
    assert receipt.done_date == "2310271431"
    code = int(given["err"]) if given["err"].isdigit() else 0
    told_twice = given["tlvs"] and 0 < code <= 0xFFFF
    assert receipt.err == (f"{code:03d}" if told_twice else given["err"])

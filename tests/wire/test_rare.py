"""The rare PDUs: read by smpp.pdu where it can, by us where it can not."""

import io
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from smpp.pdu.pdu_encoding import PDUEncoder

from luckgw.wire.pdus import Command, PduError, encode_pdu
from luckgw.wire.rare import (
    AlertNotification,
    CancelSm,
    Destination,
    QuerySm,
    ReplaceSm,
    decode_alert_notification,
    decode_cancel_sm,
    decode_query_sm,
    decode_replace_sm,
    decode_submit_multi,
    encode_query_sm_resp,
    encode_submit_multi_resp,
)
from tests.wire.peers import c_string, octet

TONS = [0, 1, 2, 3, 4, 5, 6]
NPIS = [0, 1, 3, 4, 6, 8, 9, 10, 14, 18]
tons, npis = st.sampled_from(TONS), st.sampled_from(NPIS)


def z(*parts: bytes | int) -> bytes:
    """Octets: numbers as one octet each, strings with their NUL."""
    return b"".join(
        bytes([part]) if isinstance(part, int) else part + b"\0" for part in parts
    )


def refused(decode: Any, octets: bytes) -> int:
    """The command_status that refuses this body."""
    with pytest.raises(PduError) as error:
        decode(octets)
    return error.value.command_status


# ------------------------------------------------------------------ query_sm, cancel_sm


@given(c_string(64), tons, npis, c_string(20), st.binary(max_size=9))
def test_query_sm(
    message_id: bytes, ton: int, npi: int, source: bytes, behind: bytes
) -> None:
    """Four fields; what follows is ignored."""
    octets = z(message_id, ton, npi, source) + behind
    assert decode_query_sm(octets) == QuerySm(message_id, ton, npi, source)


@given(c_string(5), c_string(64), tons, npis, c_string(20), c_string(20))
def test_cancel_sm(
    service: bytes, message_id: bytes, ton: int, npi: int, source: bytes, to: bytes
) -> None:
    """Eight fields, any of the strings empty."""
    octets = z(service, message_id, ton, npi, source, ton, npi, to)
    assert decode_cancel_sm(octets) == CancelSm(
        service, message_id, ton, npi, source, ton, npi, to
    )


@given(tons, npis, c_string(64), c_string(64))
def test_alert_notification(ton: int, npi: int, source: bytes, esme: bytes) -> None:
    """Six fields, with long addresses (v3.4 4.12.1); its TLVs are left out."""
    octets = z(ton, npi, source, ton, npi, esme) + b"\x04\x22\0\1\0"
    assert decode_alert_notification(octets) == AlertNotification(
        ton, npi, source, ton, npi, esme
    )


LONG = b"2" * 21


@pytest.mark.parametrize(
    ("decode", "octets", "status"),
    [
        (decode_query_sm, b"", 0x0C),
        (decode_query_sm, z(b"x" * 65, 1, 1, b"233"), 0x0C),
        (decode_query_sm, b"no end", 0x0C),
        (decode_query_sm, z(b"id") + b"\1", 0x01),
        (decode_query_sm, z(b"id", 1, 1, LONG), 0x0A),
        (decode_query_sm, z(b"id", 1, 1) + b"233", 0x0A),
        (decode_query_sm, z(b"id", 7, 1, b"233"), 0x48),
        (decode_query_sm, z(b"id", 1, 2, b"233"), 0x49),
        (decode_cancel_sm, z(b"ABCDEF", b"", 1, 1, b"", 1, 1, b""), 0x15),
        (decode_cancel_sm, z(b"", b"x" * 65, 1, 1, b"", 1, 1, b""), 0x0C),
        (decode_cancel_sm, z(b"", b"", 1, 1, LONG, 1, 1, b""), 0x0A),
        (decode_cancel_sm, z(b"", b"", 1, 1, b"", 1, 1, LONG), 0x0B),
        (decode_cancel_sm, z(b"", b"", 1, 1, b"", 9, 1, b""), 0x50),
        (decode_cancel_sm, z(b"", b"", 1, 1, b"", 1, 99, b""), 0x51),
        (decode_cancel_sm, z(b"", b"", 1, 1, b""), 0x01),
        (decode_alert_notification, z(1, 1, b"x" * 65), 0x0A),
        (decode_alert_notification, z(1, 1, b"x", 1, 1, b"x" * 65), 0x0B),
        (decode_alert_notification, z(1, 1, b"x", 7, 1, b"x"), 0xFF),
    ],
)
def test_what_is_malformed_is_refused_with_its_fields_status(
    decode: Any, octets: bytes, status: int
) -> None:
    """Never with smpp.pdu's idea of a string without end (spec/reliability 2.8)."""
    assert refused(decode, octets) == status


def test_a_string_without_end_costs_nothing() -> None:
    """smpp.pdu would look through all of it, octet by octet, with a copy for each."""
    assert refused(decode_query_sm, b"x" * 70_000) == 0x0C


@given(
    st.sampled_from([decode_query_sm, decode_cancel_sm, decode_alert_notification,
                     decode_replace_sm, decode_submit_multi]),
    st.binary(max_size=60)
    | st.lists(st.sampled_from([b"\0", b"\1", b"23", b"\2"])).map(b"".join),
)  # fmt: skip
def test_decoding_is_total(decode: Any, octets: bytes) -> None:
    """Any octets are a request or a PduError with a status."""
    status = 1
    try:
        decode(octets)
    except PduError as error:
        status = error.command_status
    assert 0 < status <= 0xFF


GMT2 = timezone(timedelta(hours=2))


@pytest.mark.parametrize(
    ("fields", "octets"),
    [
        ((b"id-1", None, 1, 0), b"id-1\0\0\1\0"),
        (
            (b"", datetime(2023, 10, 27, 14, 30, 5, tzinfo=UTC), 2, 255),
            b"\x00231027143005000+\0\2\xff",
        ),
        (
            (b"id", datetime(2023, 10, 27, 1, 0, 5, 990_000, tzinfo=GMT2), 8, 5),
            b"id\x00231026230005000+\0\x08\5",
        ),
    ],
)
def test_query_sm_resp(
    fields: tuple[Any, ...], octets: bytes, capsys: pytest.CaptureFixture[str]
) -> None:
    """The date is in UTC, in whole seconds, or empty; nothing is printed on the way."""
    assert encode_query_sm_resp(*fields) == octets
    assert capsys.readouterr().out == ""
    pdu = PDUEncoder().decode(
        io.BytesIO(encode_pdu(Command.QUERY_SM_RESP, 0, 1, octets))
    )
    assert pdu.params["message_id"] == fields[0]


@pytest.mark.parametrize(
    "fields",
    [
        (b"x" * 65, None, 1, 0),
        (b"", None, 0, 0),
        (b"", None, 9, 0),
        (b"", None, 1, 256),
    ],
)
def test_no_malformed_query_sm_resp_is_written(fields: tuple[Any, ...]) -> None:
    """Our own bug, told before it is sent."""
    with pytest.raises(ValueError, match=r"long|state|max"):
        encode_query_sm_resp(*fields)


# ------------------------------------------------------------- replace_sm, submit_multi

TIME = b"231027143000000+"


@given(
    c_string(64),
    octet,
    c_string(20),
    st.sampled_from([b"", TIME]),
    octet,
    st.binary(max_size=254),
)
def test_replace_sm(
    message_id: bytes, number: int, source: bytes, time: bytes, flag: int, text: bytes
) -> None:
    """Nine fields; anything behind the text is ignored, as v3.4 has no TLVs here."""
    octets = z(message_id, number, number, source, time, time, flag, number, len(text))
    assert decode_replace_sm(octets + text + b"\x02\x04\0") == ReplaceSm(
        message_id, number, number, source, time, time, flag, number, text
    )


@pytest.mark.parametrize(
    ("octets", "status"),
    [
        (b"", 0x0C),
        (z(b"id", 1, 1, LONG), 0x0A),
        (z(b"id", 1, 1, b"233", b"1"), 0x61),
        (z(b"id", 1, 1, b"233", TIME, b"1"), 0x62),
        (z(b"id", 1, 1, b"233", b"", b"", 1, 0), 0x01),
        (z(b"id", 1, 1, b"233", b"", b"", 1, 0, 3) + b"hi", 0x01),
        (z(b"id", 1, 1, b"233", b"", b"", 1, 0, 255) + bytes(255), 0x01),
    ],
)
def test_a_malformed_replace_sm(octets: bytes, status: int) -> None:
    """The field's status (spec/reliability 2.3)."""
    assert refused(decode_replace_sm, octets) == status


def multi(*destinations: bytes, count: int | None = None, tail: bytes = b"") -> bytes:
    """The body of a submit_multi to these dest_address fields."""
    count = len(destinations) if count is None else count
    tail = tail or z(0, 0, 0, b"", b"", 1, 0, 0, 0, 2) + b"hi"
    return z(b"", 5, 0, b"Luck", count) + b"".join(destinations) + tail


@given(
    st.lists(
        st.builds(Destination, octet, octet, c_string(20, 1)), min_size=1, max_size=254
    )
)
def test_submit_multi_is_as_many_submit_sm(destinations: list[Destination]) -> None:
    """Each with its own address, and all else alike (v3.4 4.5.1)."""
    octets = multi(
        *(
            z(1, to.dest_addr_ton, to.dest_addr_npi, to.destination_addr)
            for to in destinations
        )
    )
    found = decode_submit_multi(octets)
    assert list(found.destinations) == destinations
    for to in destinations:
        sm = found.submit_sm(to)
        assert (sm.dest_addr_ton, sm.dest_addr_npi) == (
            to.dest_addr_ton,
            to.dest_addr_npi,
        )
        assert sm.destination_addr == to.destination_addr
        assert (sm.source_addr, sm.short_message) == (b"Luck", b"hi")
        assert sm.registered_delivery == 1


SME = z(1, 1, 1, b"233")


@pytest.mark.parametrize(
    ("octets", "status"),
    [
        (z(b"ABCDEF"), 0x15),
        (z(b"", 1, 1, LONG), 0x0A),
        (z(b"", 1, 1, b"Luck"), 0x33),
        (multi(count=0), 0x33),
        (multi(*[SME] * 255), 0x33),
        (z(b"", 1, 1, b"Luck", 2) + SME, 0x33),
        (multi(SME, count=2), 0x40),
        (multi(SME, z(0, 1, 1, b"233")), 0x40),
        (multi(SME, z(3, 1, 1, b"233")), 0x40),
        (multi(SME, z(2, b"my list")), 0x34),
        (multi(z(1, 1, 1, LONG)), 0x0B),
        (z(b"", 1, 1, b"Luck", 1, 1, 1), 0x01),
        (multi(SME, tail=z(0, 0, 0, b"1")), 0x61),
        (multi(SME, tail=z(0, 0, 0, b"", b"", 1, 0, 0, 0, 3) + b"hi"), 0x01),
    ],
)
def test_a_malformed_submit_multi(octets: bytes, status: int) -> None:
    """Its own rows of spec/reliability 2.3, then those of a submit_sm."""
    assert refused(decode_submit_multi, octets) == status


def test_one_bad_destination_does_not_spoil_the_others() -> None:
    """It is refused by itself, for the list in the response."""
    found = decode_submit_multi(multi(SME, z(1, 1, 1, b"")))
    good, bad = found.destinations
    assert found.submit_sm(good).destination_addr == b"233"
    with pytest.raises(PduError) as error:
        found.submit_sm(bad)
    assert error.value.command_status == 0x0B


def test_submit_multi_resp() -> None:
    """The id, how many failed, and each with its status (v3.4 4.5.2)."""
    assert encode_submit_multi_resp(b"id-1", []) == b"id-1\0\0"
    refusals = [(Destination(1, 1, b"233"), 0x0B), (Destination(5, 0, b""), 0x58)]
    assert encode_submit_multi_resp(b"id-1", refusals) == (
        b"id-1\0\2\1\x01233\0\0\0\0\x0b\5\0\0\0\0\0\x58"
    )


@pytest.mark.parametrize(
    ("message_id", "count"), [(b"x" * 65, 0), (b"a\0", 0), (b"", 256)]
)
def test_no_malformed_submit_multi_resp_is_written(
    message_id: bytes, count: int
) -> None:
    """Our own bug, told before it is sent."""
    with pytest.raises(ValueError, match=r"octets|range"):
        encode_submit_multi_resp(message_id, [(Destination(1, 1, b"2"), 8)] * count)

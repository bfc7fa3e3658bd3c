"""submit_sm, deliver_sm and data_sm: what is read, what is refused, what is written."""

import struct
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from luckgw.wire.pdus import (
    Command,
    PduError,
    Sm,
    Tag,
    decode_sm,
    encode_data_sm,
    encode_pdu,
    encode_sm,
)
from tests.wire.peers import SUBMIT, c_string, octet, sm_fields, tlv_dicts, vendors

SUBMIT_SM, DELIVER_SM, DATA_SM = Command.SUBMIT_SM, Command.DELIVER_SM, Command.DATA_SM
UDHI = 0x40


def fields_of(sm: Sm) -> dict[str, Any]:
    """The mandatory fields of a submit_sm or deliver_sm by name."""
    names = set(Sm.__slots__) - {
        "body",
        "command_id",
        "registered_delivery_at",
        "sequence_number",
        "tlvs",
    }
    return {name: getattr(sm, name) for name in names}


def body(
    *,
    service_type: bytes = b"\0",
    source: bytes = b"\5\0LuckCreator\0",
    destination: bytes = b"\1\1233241234567\0",
    flags: bytes = b"\0\0\0",
    schedule: bytes = b"\0",
    validity: bytes = b"\0",
    rest: bytes = b"\0\0\0\0",
    sm: bytes = b"\x05Hello",
    tlvs: bytes = b"",
) -> bytes:
    """The body of a submit_sm, of raw pieces: NULs and lengths as the caller says."""
    return b"".join(
        (service_type, source, destination, flags, schedule, validity, rest, sm, tlvs)
    )


def refused(octets: bytes, command: int = SUBMIT_SM, *, from_smsc: bool = False) -> int:
    """The command_status that refuses this body."""
    with pytest.raises(PduError) as error:
        decode_sm(octets, command, from_smsc=from_smsc)
    assert error.value.detail
    assert f"{error.value.command_status:#04x}" in str(error.value)
    return error.value.command_status


# ---------------------------------------------------------------------- what is read


@given(sm_fields, st.none() | tlv_dicts, st.sampled_from([SUBMIT_SM, DELIVER_SM]))
def test_what_is_encoded_is_decoded(
    fields: dict[str, Any], tlvs: dict[int, bytes] | None, command: Command
) -> None:
    """Every field and every TLV comes back as it was, whatever its octets."""
    if command is SUBMIT_SM:  # judged by the book, so keep to it
        fields["esm_class"] &= ~UDHI
        tlvs = vendors(tlvs)
    octets = encode_sm(**fields, tlvs=tlvs)
    sm = decode_sm(octets, command, 0xFFFFFFFF)
    assert fields_of(sm) == fields
    assert sm.tlvs == tlvs
    assert (sm.command_id, sm.sequence_number) == (command, 0xFFFFFFFF)
    assert sm.body == octets
    assert octets[sm.registered_delivery_at] == fields["registered_delivery"]


@given(
    st.fixed_dictionaries(
        {
            "service_type": c_string(5),
            "source_addr_ton": octet,
            "source_addr_npi": octet,
            "source_addr": c_string(64),
            "dest_addr_ton": octet,
            "dest_addr_npi": octet,
            "destination_addr": c_string(64, 1),
            "esm_class": octet,
            "registered_delivery": octet,
            "data_coding": octet,
        }
    ),
    st.binary(max_size=300),
)
def test_data_sm_has_its_own_layout(fields: dict[str, Any], payload: bytes) -> None:
    """Longer addresses, no text field, content in message_payload (v3.4 4.7.1)."""
    fields["esm_class"] &= ~UDHI
    octets = encode_data_sm(**fields, tlvs={Tag.MESSAGE_PAYLOAD: payload})
    sm = decode_sm(octets, DATA_SM, 9)
    assert {name: getattr(sm, name) for name in fields} == fields
    assert octets[sm.registered_delivery_at] == fields["registered_delivery"]
    assert (sm.short_message, sm.payload) == (b"", payload)
    assert (sm.schedule_delivery_time, sm.validity_period) == (b"", b"")
    others = (sm.protocol_id, sm.priority_flag, sm.sm_default_msg_id)
    assert (*others, sm.replace_if_present_flag) == (0, 0, 0, 0)
    assert (sm.command_id, sm.sequence_number, sm.body) == (DATA_SM, 9, octets)


def test_registered_delivery_can_be_changed_in_place() -> None:
    """Without encoding the message again."""
    sm = decode_sm(SUBMIT)
    changed = bytearray(sm.body)
    changed[sm.registered_delivery_at] = 0x11
    assert decode_sm(bytes(changed)).registered_delivery == 0x11


@pytest.mark.parametrize(
    ("octets", "payload"),
    [
        (body(), b"Hello"),
        (body(sm=b"\0"), b""),
        (body(sm=b"\0", tlvs=b"\x04\x24\0\x02hi"), b"hi"),
        (body(sm=b"\0", tlvs=b"\x14\x01\0\x02hi"), b""),
    ],
)
def test_payload_is_wherever_it_is(octets: bytes, payload: bytes) -> None:
    """In short_message, else in message_payload, else nowhere: all are accepted."""
    assert decode_sm(octets).payload == payload


def test_its_name_in_a_log_has_no_content() -> None:
    """Neither text nor numbers: this may be logged."""
    shown = repr(decode_sm(SUBMIT, SUBMIT_SM, 42))
    assert shown == f"<Sm SUBMIT_SM 42, {len(SUBMIT)} octets>"


# ------------------------------------------------ what is refused, spec/reliability 2.3

LONG = b"2" * 21

SUBMIT_ROWS = [
    ("empty body", b"", 0x15),
    ("service_type of 6", body(service_type=b"ABCDEF\0"), 0x15),
    ("service_type unterminated", b"ABC", 0x15),
    ("no source ton and npi", b"\0", 0x01),
    ("no source npi", b"\0\1", 0x01),
    ("source_addr of 21", body(source=b"\1\1" + LONG + b"\0"), 0x0A),
    ("source_addr unterminated", b"\0\1\1233", 0x0A),
    ("no dest ton and npi", b"\0\1\1233\0", 0x01),
    ("destination_addr empty", body(destination=b"\1\1\0"), 0x0B),
    ("destination_addr of 21", body(destination=b"\1\1" + LONG + b"\0"), 0x0B),
    ("destination_addr unterminated", b"\0\1\1233\0\1\1233", 0x0B),
    ("no flags", b"\0\1\1233\0\1\1233\0\0\0", 0x01),
    ("schedule of 15", body(schedule=b"0" * 15 + b"\0"), 0x61),
    ("schedule of 17", body(schedule=b"0" * 17 + b"\0"), 0x61),
    ("schedule unterminated", b"\0\1\1233\0\1\1233\0\0\0\x000000", 0x61),
    ("validity of 1", body(validity=b"1\0"), 0x62),
    ("validity of 17", body(validity=b"0" * 17 + b"\0"), 0x62),
    ("no validity", b"\0\1\1233\0\1\1233\0\0\0\0\0", 0x62),
    ("no sm_length", body(rest=b"\0\0\0\0", sm=b""), 0x01),
    ("sm_length of 255", body(sm=b"\xff" + bytes(255)), 0x01),
    ("sm_length > octets left", body(sm=b"\x06Hello"), 0x01),
    ("sm_length without text", body(sm=b"\x01"), 0x01),
    ("UDHL > payload", body(flags=b"\x40\0\0", sm=b"\x05\x05\0\3\1\2"), 0x01),
    ("UDHI without payload", body(flags=b"\x40\0\0", sm=b"\0"), 0x01),
    ("an element overruns", body(flags=b"\x40\0\0", sm=b"\x05\x03\0\4\1\2"), 0x01),
    ("an element of one octet", body(flags=b"\x40\0\0", sm=b"\x03\x01\0x"), 0x01),
    (
        "UDHL > message_payload",
        body(flags=b"\x40\0\0", sm=b"\0", tlvs=b"\x04\x24\0\3\5\0\3"),
        0x01,
    ),
    ("TLV header cut at 1", body(tlvs=b"\x04"), 0xC0),
    ("TLV header cut at 3", body(tlvs=b"\x04\x24\0"), 0xC0),
    ("TLV value cut", body(tlvs=b"\x14\x01\0\3ab"), 0xC0),
    ("sm_length < the text", body(sm=b"\x02Hello world"), 0xC0),
    ("TLV of a wrong length", body(tlvs=b"\x02\x0c\0\1\1"), 0xC2),
    ("TLV out of range", body(tlvs=b"\x02\x0e\0\1\0"), 0xC4),
    ("part 3 of 2", body(tlvs=b"\x02\x0e\0\1\2\x02\x0f\0\1\3"), 0xC4),
    ("both payloads", body(tlvs=b"\x04\x24\0\2hi"), 0xC1),
]


@pytest.mark.parametrize(
    ("octets", "status"),
    [row[1:] for row in SUBMIT_ROWS],
    ids=[row[0] for row in SUBMIT_ROWS],
)
def test_a_malformed_submit_sm_is_refused_with_its_fields_status(
    octets: bytes, status: int
) -> None:
    """The rows of spec/reliability 2.3 and 2.8 that concern the shape of the body."""
    assert refused(octets) == status


@given(st.integers(0, len(SUBMIT) - 1))
def test_no_cut_body_is_taken_for_a_whole_one(size: int) -> None:
    """A body that ends too early is refused, wherever that is."""
    assert refused(SUBMIT[:size]) in {0x01, 0x0A, 0x0B, 0x15, 0x61, 0x62}


TIMES = {"schedule": b"231027143000000+\0", "validity": b"000000001000000R\0"}
UDH_IN_PAYLOAD = {"sm": b"\0", "tlvs": b"\x04\x24\0\3\2\x24\0"}
ACCEPTED = [
    ("the longest service_type", body(service_type=b"ABCDE\0")),
    ("the longest address", body(source=b"\1\1" + b"2" * 20 + b"\0")),
    ("an absolute and a relative time", body(**TIMES)),
    ("254 octets", body(sm=b"\xfe" + b"x" * 254)),
    ("a whole UDH", body(flags=b"\x40\0\0", sm=b"\x08\5\0\3\1\2\1hi")),
    ("two elements", body(flags=b"\x40\0\0", sm=b"\x0b\x0a\0\3\1\2\1\x24\3\1\2\3")),
    ("a UDH and nothing behind it", body(flags=b"\x40\0\0", sm=b"\x01\0")),
    ("a UDH in message_payload", body(flags=b"\x40\0\0", **UDH_IN_PAYLOAD)),
    ("one NUL behind the text", body(tlvs=b"\0")),
    ("three NULs behind the text", body(tlvs=b"\0\0\0")),
    ("NULs behind a TLV", body(tlvs=b"\x02\x04\0\2\0\1\0\0")),
    ("octets that are no ASCII", body(source=b"\5\0Caf\xe9\0")),
    ("any ton, npi and flags", body(source=b"\xff\xffx\0", flags=b"\x3f\xff\xff")),
    ("no payload at all", body(sm=b"\0")),
]  # fmt: skip


@pytest.mark.parametrize(
    "octets", [row[1] for row in ACCEPTED], ids=[row[0] for row in ACCEPTED]
)
def test_what_is_tolerated_or_judged_elsewhere(octets: bytes) -> None:
    """Values are admission's business; three NULs of padding hurt nobody (2.8)."""
    assert decode_sm(octets).body == octets


@pytest.mark.parametrize(
    ("octets", "tlvs"),
    [
        (body(), None),
        (body(tlvs=b"\0\0\0"), None),
        (body(tlvs=b"\x14\x01\0\0"), {0x1401: b""}),
        (body(tlvs=b"\x3f\xff\0\1x\xff\xff\0\1y"), {0x3FFF: b"x", 0xFFFF: b"y"}),
        (body(tlvs=b"\x02\x04\0\2\0\1\x14\x01\0\0\x02\x04\0\2\0\2"),
         {0x1401: b"", 0x0204: b"\0\2"}),
    ],
)  # fmt: skip
def test_unknown_vendor_empty_and_repeated_tlvs_are_kept(
    octets: bytes, tlvs: dict[int, bytes] | None
) -> None:
    """In any order, for pass-through; of equal tags the last wins (2.8)."""
    assert decode_sm(octets).tlvs == tlvs


DELIVER_ACCEPTED = [
    body(destination=b"\0\0\0"),
    body(schedule=b"2310271430\0", validity=b"1\0"),
    body(tlvs=b"\x04\x23\0\1\0"),
    body(tlvs=b"\x04\x27\0\1\x09"),
    body(tlvs=b"\x04\x24\0\2hi"),
    body(flags=b"\x40\0\0", sm=b"\x02\x09x"),
]


@pytest.mark.parametrize("octets", DELIVER_ACCEPTED)
def test_a_deliver_sm_only_has_to_be_readable(octets: bytes) -> None:
    """A carrier's receipt is not lost over a detail: what it says is judged later."""
    assert decode_sm(octets, DELIVER_SM).body == octets


@pytest.mark.parametrize(
    ("octets", "status"),
    [
        (body(service_type=b"ABCDEF\0"), 0x15),
        (body(source=b"\1\1" + LONG + b"\0"), 0x0A),
        (body(destination=b"\1\1" + LONG + b"\0"), 0x0B),
        (body(schedule=b"0" * 17 + b"\0"), 0x61),
        (body(validity=b"0" * 17 + b"\0"), 0x62),
        (body(sm=b"\x06Hello"), 0x01),
        (body(tlvs=b"\x04\x24\0\3hi"), 0xC0),
    ],
)
def test_a_deliver_sm_that_is_not_readable_is_refused(
    octets: bytes, status: int
) -> None:
    """With the status of the field, as a submit_sm (2.8)."""
    assert refused(octets, DELIVER_SM) == status


def data(
    destination: bytes = b"\1\1233\0", flags: bytes = b"\0\0\0", tlvs: bytes = b""
) -> bytes:
    """The body of a data_sm, of raw pieces."""
    return b"\0\5\0Luck\0" + destination + flags + tlvs


PAYLOAD = b"\x04\x24\0\2hi"


@pytest.mark.parametrize(
    ("octets", "by_esme", "by_smsc"),
    [
        (data(tlvs=PAYLOAD), 0, 0),
        (data(), 0xC3, 0),
        (data(tlvs=b"\x14\x01\0\0"), 0xC3, 0),
        (data(destination=b"\0\0\0", tlvs=PAYLOAD), 0x0B, 0),
        (data(tlvs=PAYLOAD + b"\x02\x0c\0\1\1"), 0xC2, 0),
        (data(tlvs=PAYLOAD + b"\x02\x0f\0\1\0"), 0xC4, 0),
        (data(flags=b"\x40\0\0", tlvs=PAYLOAD), 0x01, 0),
        (data(flags=b"\x40\0\0", tlvs=b"\x04\x24\0\3\2\x24\0"), 0, 0),
        (data(tlvs=PAYLOAD[:-1]), 0xC0, 0xC0),
        (data(destination=b"\1\1" + b"2" * 65 + b"\0", tlvs=PAYLOAD), 0x0B, 0x0B),
        (b"\0\1\1" + b"2" * 65 + b"\0", 0x0A, 0x0A),
        (b"ABCDEF\0", 0x15, 0x15),
        (b"\0\5\0Luck\0\1\1233\0\0\0", 0x01, 0x01),
    ],
)
def test_a_data_sm_is_judged_by_who_sent_it(
    octets: bytes, by_esme: int, by_smsc: int
) -> None:
    """By the book from a partner, as far as it can be read from a carrier."""
    for from_smsc, status in ((False, by_esme), (True, by_smsc)):
        if status:
            assert refused(octets, DATA_SM, from_smsc=from_smsc) == status
        else:
            assert decode_sm(octets, DATA_SM, from_smsc=from_smsc).body == octets


@given(
    st.binary(max_size=200),
    st.sampled_from([SUBMIT_SM, DELIVER_SM, DATA_SM]),
    st.booleans(),
)
def test_decode_is_total(octets: bytes, command: Command, from_smsc: bool) -> None:
    """Any octets are a message or a PduError with a status that can be answered."""
    try:
        sm = decode_sm(octets, command, from_smsc=from_smsc)
    except PduError as error:
        refusal = error.command_status
    else:
        refusal = 1
        assert sm.body == octets
        assert octets[sm.registered_delivery_at] == sm.registered_delivery
    assert 0 < refusal <= 0xFF


# --------------------------------------------------------------------- what is written

USUAL: dict[str, Any] = {"source_addr": b"Luck", "destination_addr": b"233241234567"}


@pytest.mark.parametrize(
    "wrong",
    [
        {"source_addr": LONG},
        {"source_addr": b"23\x003"},
        {"destination_addr": LONG},
        {"destination_addr": b"\0"},
        {"service_type": b"ABCDEF"},
        {"service_type": b"A\0"},
        {"schedule_delivery_time": b"0" * 17},
        {"validity_period": b"0\x000"},
        {"short_message": bytes(255)},
        {"esm_class": 256},
        {"data_coding": -1},
        {"source_addr_ton": 256},
        {"tlvs": {0x10000: b""}},
        {"tlvs": {0x424: bytes(0x10000)}},
    ],
)
def test_nothing_malformed_is_written(wrong: dict[str, Any]) -> None:
    """A field that does not fit its place is our own bug, told before it is sent."""
    with pytest.raises(ValueError, match=r"octets|long|range|fit"):
        encode_sm(**{**USUAL, **wrong})


@pytest.mark.parametrize(
    "wrong",
    [
        {"service_type": b"ABCDEF"},
        {"source_addr": b"2" * 65},
        {"destination_addr": b"2\x003"},
        {"esm_class": 256},
        {"tlvs": {-1: b""}},
    ],
)
def test_nothing_malformed_is_written_as_data_sm(wrong: dict[str, Any]) -> None:
    """The same for data_sm."""
    with pytest.raises(ValueError, match=r"octets|range|fit"):
        encode_data_sm(**{**USUAL, "tlvs": {}, **wrong})


def test_an_empty_message_is_all_zeros() -> None:
    """The defaults are v3.4's own: nothing, everywhere."""
    assert encode_sm() == bytes(17)


@given(
    st.integers(0, 0xFFFFFFFF),
    st.integers(0, 0xFFFFFFFF),
    st.integers(0, 0xFFFFFFFF),
    st.binary(max_size=40),
)
def test_a_pdu_is_its_header_and_its_body(
    command: int, status: int, sequence: int, content: bytes
) -> None:
    """Four big-endian words; the length counts itself (v3.4 3.2)."""
    octets = encode_pdu(command, status, sequence, content)
    header = struct.unpack(">IIII", octets[:16])
    assert header == (len(octets), command, status, sequence)
    assert octets[16:] == content

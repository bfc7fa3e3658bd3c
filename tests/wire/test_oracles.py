"""Agreement with two other codecs, octet for octet, on every PDU that both can read.

smpp.pdu (the Python line of smpp.pdu3 0.6) and smpp34 1.5.0 (Rust). What either can not
read is left out where the strategies say so, with the reason.
"""

import io
from typing import Any

import pytest
import smpp34
from hypothesis import given, settings
from hypothesis import strategies as st
from smpp.pdu import constants
from smpp.pdu.pdu_encoding import PDUEncoder
from smpp.pdu.pdu_types import PDU, CommandStatus

from luckgw.domain.status import Status
from luckgw.wire import rare
from luckgw.wire.binds import (
    Bind,
    decode_bind,
    decode_bind_resp,
    decode_outbind,
    encode_bind,
    encode_bind_resp,
)
from luckgw.wire.connection import Command, Role, State
from luckgw.wire.pdus import (
    PduError,
    Tag,
    decode_sm,
    encode_data_sm,
    encode_pdu,
    encode_sm,
)
from tests.wire.peers import (
    SUBMIT,
    c_string,
    in_state,
    octet,
    sm_fields,
    tell,
    tlv_dicts,
    vendors,
)

NUMBERS = {
    "source_addr_ton": constants.addr_ton_name_map,
    "dest_addr_ton": constants.addr_ton_name_map,
    "addr_ton": constants.addr_ton_name_map,
    "source_addr_npi": constants.addr_npi_name_map,
    "dest_addr_npi": constants.addr_npi_name_map,
    "addr_npi": constants.addr_npi_name_map,
}
tons = st.sampled_from(sorted(constants.addr_ton_name_map.values()))
npis = st.sampled_from(sorted(constants.addr_npi_name_map.values()))
sequences = st.integers(1, 0xFFFFFFFF)  # smpp.pdu reads 0 as None


def theirs(octets: bytes) -> PDU:
    """The PDU as smpp.pdu reads it; it writes it back as the same octets."""
    pdu = PDUEncoder().decode(io.BytesIO(octets))
    assert PDUEncoder().encode(pdu) == octets
    return pdu


def number(name: str, value: Any) -> Any:
    """smpp.pdu's name for a number, as the number; other values as they are."""
    return NUMBERS[name][value.name] if name in NUMBERS else value


# smpp.pdu turns numbers into names and refuses those that v3.4 does not name.
their_fields = st.fixed_dictionaries(
    {
        "service_type": c_string(5),
        "source_addr_ton": tons,
        "source_addr_npi": npis,
        "source_addr": c_string(20),
        "dest_addr_ton": tons,
        "dest_addr_npi": npis,
        "destination_addr": c_string(20, 1),
        "esm_class": st.builds(
            lambda mode, kind, reply_path: mode | kind | reply_path,
            st.sampled_from([0, 1, 2, 3]),
            st.sampled_from([0, 0x04, 0x08, 0x10, 0x20]),
            st.sampled_from([0, 0x80]),
        ),
        "protocol_id": octet,
        "priority_flag": st.integers(0, 3),
        "registered_delivery": st.sampled_from([0, 1, 2, 4, 8, 12, 16, 17, 18, 29]),
        "replace_if_present_flag": st.integers(0, 1),
        # It has data_coding 0xF8-0xFF as message classes without their bit 3.
        "data_coding": st.integers(0, 0xF7),
        "sm_default_msg_id": st.integers(0, 254),
        "short_message": st.binary(max_size=254),
    }
)
# The TLVs of submit_sm that it knows and whose values are numbers or octets.
their_tlvs = st.dictionaries(
    st.sampled_from(
        [
            Tag.USER_MESSAGE_REFERENCE,
            Tag.SOURCE_PORT,
            Tag.SAR_MSG_REF_NUM,
            Tag.SAR_TOTAL_SEGMENTS,
            Tag.MORE_MESSAGES_TO_SEND,
        ]
    ),
    st.just(b"\1"),
).map(
    lambda tlvs: {
        tag: b"\0\1" if tag in (0x204, 0x20A, 0x20C) else b"\1"
        for tag in sorted(tlvs, key=list(Tag).index)
    }
)
PLAIN = (
    "service_type",
    "source_addr_ton",
    "source_addr_npi",
    "source_addr",
    "dest_addr_ton",
    "dest_addr_npi",
    "destination_addr",
    "protocol_id",
    "sm_default_msg_id",
    "short_message",
)


@given(
    their_fields, sequences, st.sampled_from([Command.SUBMIT_SM, Command.DELIVER_SM])
)
@settings(max_examples=150)
def test_smpp_pdu_agrees_on_submit_sm_and_deliver_sm(
    fields: dict[str, Any], sequence: int, command: Command
) -> None:
    """It reads what we write as we do, and writes what we read."""
    body = encode_sm(**fields)
    pdu = theirs(encode_pdu(command, 0, sequence, body))
    sm = decode_sm(body, command, sequence)
    assert pdu.seqNum == sm.sequence_number
    for name in PLAIN:
        assert number(name, pdu.params[name]) == getattr(sm, name)
    priorities = [member.name for member in type(pdu.params["priority_flag"])]
    assert priorities.index(pdu.params["priority_flag"].name) == sm.priority_flag
    receipt = pdu.params["registered_delivery"].receipt.value - 1
    assert receipt == sm.registered_delivery & 3
    assert pdu.params["schedule_delivery_time"] is None
    assert sm.schedule_delivery_time == b""


@given(their_tlvs)
def test_smpp_pdu_agrees_on_tlvs(tlvs: dict[int, bytes]) -> None:
    """Where it knows the tag."""
    fields: dict[str, Any] = {"destination_addr": b"233", "short_message": b"hi"}
    body = encode_sm(**fields, tlvs=tlvs)
    pdu = PDUEncoder().decode(io.BytesIO(encode_pdu(Command.SUBMIT_SM, 0, 1, body)))
    ours = decode_sm(body).tlvs or {}
    assert ours == tlvs
    for tag, value in ours.items():
        theirs_value = pdu.params[Tag(tag).name.lower()]
        if tag != Tag.MORE_MESSAGES_TO_SEND:
            assert theirs_value == int.from_bytes(value, "big")
    back = PDUEncoder().encode(pdu)[16:]
    assert decode_sm(back).tlvs == (tlvs or None)


RECEIPT_TLVS = {
    Tag.NETWORK_ERROR_CODE: b"\3\0\1",
    Tag.MESSAGE_STATE: b"\2",
    Tag.RECEIPTED_MESSAGE_ID: b"id-1\0",
}


def test_smpp_pdu_agrees_on_a_receipt() -> None:
    """Text and TLVs."""
    body = encode_sm(
        source_addr=b"233241234567",
        source_addr_ton=1,
        source_addr_npi=1,
        destination_addr=b"Luck",
        dest_addr_ton=5,
        esm_class=4,
        short_message=b"id:1 sub:001 dlvrd:001 stat:DELIVRD err:000 text:Hi",
        tlvs={int(tag): value for tag, value in RECEIPT_TLVS.items()},
    )
    pdu = PDUEncoder().decode(io.BytesIO(encode_pdu(Command.DELIVER_SM, 0, 1, body)))
    assert pdu.params["receipted_message_id"] == b"id-1"
    assert pdu.params["message_state"].name == "DELIVERED"
    assert pdu.params["short_message"] == decode_sm(body).short_message
    assert decode_sm(body, Command.DELIVER_SM).tlvs == RECEIPT_TLVS


@given(their_fields, sequences, st.binary(min_size=2, max_size=300))
def test_smpp_pdu_agrees_on_data_sm(
    fields: dict[str, Any], sequence: int, payload: bytes
) -> None:
    """Its layout is the other one (v3.4 4.7.1)."""
    left_out = {
        "protocol_id",
        "priority_flag",
        "replace_if_present_flag",
        "sm_default_msg_id",
        "short_message",
    }
    ours = {name: value for name, value in fields.items() if name not in left_out}
    body = encode_data_sm(**ours, tlvs={Tag.MESSAGE_PAYLOAD: payload})
    pdu = theirs(encode_pdu(Command.DATA_SM, 0, sequence, body))
    sm = decode_sm(body, Command.DATA_SM, sequence)
    for name in set(PLAIN) - left_out:
        assert number(name, pdu.params[name]) == getattr(sm, name)
    assert pdu.params["message_payload"] == sm.payload == payload


@pytest.mark.parametrize(
    ("octets", "ours", "instead"),
    [
        (b"ABCDEF\0" + SUBMIT[1:], Status.ESME_RINVSERTYP, None),
        (SUBMIT.replace(b"LuckCreator", b"2" * 21), Status.ESME_RINVSRCADR, None),
        (SUBMIT.replace(b"233241234567", b"2" * 21), Status.ESME_RINVDSTADR, None),
        (SUBMIT[:-1], Status.ESME_RINVMSGLEN, None),
        (SUBMIT[:-21], Status.ESME_RINVMSGLEN, None),
        (SUBMIT + b"\x02\x0c\0\1\1", Status.ESME_RINVPARLEN, "ESME_RINVOPTPARAMVAL"),
        (SUBMIT + b"\x02\x0c\0\3\0\1\1", Status.ESME_RINVPARLEN, None),
        (SUBMIT[:5], Status.ESME_RINVSRCADR, "ESME_RINVMSGLEN"),
    ],
)
def test_smpp_pdu_refuses_with_the_same_status(
    octets: bytes, ours: Status, instead: str | None
) -> None:
    """Except, see ``instead``, where it is less exact than spec/reliability 2.8."""
    with pytest.raises(PduError) as error:
        decode_sm(octets)
    assert error.value.command_status == ours
    with pytest.raises(Exception) as their_error:
        PDUEncoder().decode(io.BytesIO(encode_pdu(Command.SUBMIT_SM, 0, 1, octets)))
    status = getattr(their_error.value, "status", None)
    assert isinstance(status, CommandStatus)
    assert status.name == (instead or ours.name)


@given(
    st.builds(
        Bind,
        c_string(15),
        c_string(8),
        c_string(12),
        octet,
        tons,
        npis,
        c_string(40),
    ),
    sequences,
    st.sampled_from(
        [Command.BIND_RECEIVER, Command.BIND_TRANSMITTER, Command.BIND_TRANSCEIVER]
    ),
)
def test_smpp_pdu_agrees_on_binds(bind: Bind, sequence: int, kind: Command) -> None:
    """Every field, as it reads and as it writes."""
    body = encode_bind(bind)
    pdu = theirs(encode_pdu(kind, 0, sequence, body))
    ours = decode_bind(body)
    for name in Bind.__attrs_attrs__:
        assert number(name.name, pdu.params[name.name]) == getattr(ours, name.name)


@given(c_string(15), st.booleans(), sequences)
def test_smpp_pdu_agrees_on_bind_resp(
    system_id: bytes, with_version: bool, sequence: int
) -> None:
    """With and without sc_interface_version."""
    tlvs = {int(Tag.SC_INTERFACE_VERSION): b"\x34"} if with_version else {}
    body = encode_bind_resp(system_id, tlvs=tlvs)
    pdu = theirs(encode_pdu(Command.BIND_TRANSCEIVER_RESP, 0, sequence, body))
    version = pdu.params.get("sc_interface_version", 0)
    assert decode_bind_resp(body) == (pdu.params["system_id"], version)


@given(c_string(15), c_string(8), sequences)
def test_smpp_pdu_agrees_on_outbind(
    system_id: bytes, password: bytes, sequence: int
) -> None:
    """Two strings."""
    body = system_id + b"\0" + password + b"\0"
    pdu = theirs(encode_pdu(Command.OUTBIND, 0, sequence, body))
    assert decode_outbind(body) == (pdu.params["system_id"], pdu.params["password"])


def test_smpp_pdu_reads_every_answer_that_a_session_writes() -> None:
    """Positive and negative, to every request, and writes the same octets."""
    for role, state, command, body in [
        (Role.SMSC, State.BOUND_TRX, Command.SUBMIT_SM, SUBMIT),
        (Role.SMSC, State.BOUND_RX, Command.SUBMIT_SM, SUBMIT),
        (Role.SMSC, State.BOUND_RX, Command.DATA_SM, b""),
        (Role.SMSC, State.BOUND_TRX, Command.BIND_RECEIVER, b""),
        (Role.SMSC, State.BOUND_TRX, Command.ENQUIRE_LINK, b""),
        (Role.SMSC, State.BOUND_TRX, Command.UNBIND, b""),
        (Role.SMSC, State.BOUND_TRX, 0x0A, b""),
        (Role.SMSC, State.BOUND_RX, Command.CANCEL_SM, b""),
        (Role.ESME, State.BOUND_TX, Command.UNBIND, b""),
    ]:
        session = in_state(role, state)
        tell(session, command, body)
        session.answer_message(Command.SUBMIT_SM, 7, b"id-1")
        octets = session.take_output()
        while octets:
            length = int.from_bytes(octets[:4], "big")
            theirs(octets[:length])
            octets = octets[length:]


@given(c_string(64), tons, npis, c_string(20), sequences)
def test_smpp_pdu_agrees_on_query_sm(
    message_id: bytes, ton: int, npi: int, source: bytes, sequence: int
) -> None:
    """What ``rare`` gives is what stood in the PDU."""
    body = message_id + b"\0%c%c" % (ton, npi) + source + b"\0"
    theirs(encode_pdu(Command.QUERY_SM, 0, sequence, body))
    assert rare.decode_query_sm(body) == rare.QuerySm(message_id, ton, npi, source)


# ------------------------------------------------------------------------------ smpp34

THEIR_NAMES = (
    "source_addr_ton",
    "source_addr_npi",
    "dest_addr_ton",
    "dest_addr_npi",
    "esm_class",
    "protocol_id",
    "priority_flag",
    "registered_delivery",
    "replace_if_present_flag",
    "data_coding",
    "sm_default_msg_id",
    "short_message",
)
THEIR_STRINGS = (
    "service_type",
    "source_addr",
    "destination_addr",
    "schedule_delivery_time",
    "validity_period",
)


@given(
    sm_fields,
    tlv_dicts | st.none(),
    st.integers(0, 0xFFFFFFFF),
    st.sampled_from([Command.SUBMIT_SM, Command.DELIVER_SM]),
)
@settings(max_examples=200)
def test_smpp34_agrees(
    fields: dict[str, Any],
    tlvs: dict[int, bytes] | None,
    sequence: int,
    command: Command,
) -> None:
    """Any field, any TLV: it reads the same values and writes the same octets."""
    for name in THEIR_STRINGS:  # its strings are text
        fields[name] = bytes(c & 0x7F or 0x41 for c in fields[name])
    if command is Command.SUBMIT_SM:
        fields["esm_class"] &= ~0x40
        tlvs = vendors(tlvs)
    octets = encode_pdu(command, 0, sequence, encode_sm(**fields, tlvs=tlvs))
    pdu = smpp34.decode(octets)
    assert isinstance(pdu, smpp34.SubmitSm | smpp34.DeliverSm)
    sm = decode_sm(octets[16:], command, sequence)
    assert pdu.encode() == octets
    assert (pdu.command_id, pdu.sequence_number) == (sm.command_id, sm.sequence_number)
    for name in THEIR_NAMES:
        assert getattr(pdu, name) == getattr(sm, name)
    for name in THEIR_STRINGS:
        assert getattr(pdu, name).encode() == getattr(sm, name)
    assert {tlv.tag: tlv.value for tlv in pdu.tlvs} == (sm.tlvs or {})


@given(
    st.binary(max_size=120), st.sampled_from([Command.SUBMIT_SM, Command.DELIVER_SM])
)
@settings(max_examples=200)
def test_what_both_read_both_read_alike(body: bytes, command: Command) -> None:
    """Of random octets, too."""
    try:
        pdu = smpp34.decode(encode_pdu(command, 0, 1, body))
        sm = decode_sm(body, command)
    except (smpp34.SmppError, PduError):
        return
    assert isinstance(pdu, smpp34.SubmitSm | smpp34.DeliverSm)
    assert pdu.short_message == sm.short_message
    assert pdu.esm_class == sm.esm_class

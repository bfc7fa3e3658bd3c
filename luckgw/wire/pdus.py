"""Short messages on the wire: submit_sm, deliver_sm, data_sm (SMPP v3.4 4.4, 4.6, 4.7).

``decode_sm`` and ``encode_sm`` are the hottest functions of the product. What they
refuse with which command_status: spec/reliability 2.3 and 2.8.
"""

import struct
from collections.abc import Mapping
from typing import Final

from luckgw.domain.status import Status
from luckgw.wire.fields import Layout, checked_text, octets, text, time_or_nothing
from luckgw.wire.protocol import (
    HEADER,
    MAX_MESSAGE_ID,
    MAX_SHORT_MESSAGE,
    RESPONSE,
    Command,
    PduError,
    Tag,
)
from luckgw.wire.tlvs import decode_tlvs, encode_tlvs, judge_tlvs

__all__ = [
    "MAX_MESSAGE_ID",
    "MAX_SHORT_MESSAGE",
    "RESPONSE",
    "Command",
    "PduError",
    "Sm",
    "Tag",
    "decode_sm",
    "encode_data_sm",
    "encode_pdu",
    "encode_sm",
]

# Plain integers for the hot path: Command.SUBMIT_SM costs two look-ups, these one.
_SUBMIT_SM: Final = int(Command.SUBMIT_SM)
_DELIVER_SM: Final = int(Command.DELIVER_SM)
_MESSAGE_PAYLOAD: Final = int(Tag.MESSAGE_PAYLOAD)

_UDHI: Final = 0x40  # esm_class: a user data header leads the payload (v3.4 5.2.12)


class Sm:
    """One short message on the wire: a submit_sm, deliver_sm or data_sm.

    Made by ``decode_sm`` alone. Text fields are octets without their NUL; a field that
    data_sm does not have is empty or 0.
    """

    # HOT: a class with slots and no __init__, because 22 arguments cost more than
    # reading the PDU.
    __slots__ = (
        "body",
        "command_id",
        "data_coding",
        "dest_addr_npi",
        "dest_addr_ton",
        "destination_addr",
        "esm_class",
        "priority_flag",
        "protocol_id",
        "registered_delivery",
        "registered_delivery_at",
        "replace_if_present_flag",
        "schedule_delivery_time",
        "sequence_number",
        "service_type",
        "short_message",
        "sm_default_msg_id",
        "source_addr",
        "source_addr_npi",
        "source_addr_ton",
        "tlvs",
        "validity_period",
    )

    command_id: int
    sequence_number: int
    service_type: bytes
    source_addr_ton: int
    source_addr_npi: int
    source_addr: bytes
    dest_addr_ton: int
    dest_addr_npi: int
    destination_addr: bytes
    esm_class: int
    protocol_id: int
    priority_flag: int
    schedule_delivery_time: bytes
    validity_period: bytes
    registered_delivery: int
    replace_if_present_flag: int
    data_coding: int
    sm_default_msg_id: int
    short_message: bytes
    tlvs: dict[int, bytes] | None
    """Tag to value, as they came, of equal tags the last; None when there is none."""
    body: bytes
    """The octets after the header, as they came."""
    registered_delivery_at: int
    """Where registered_delivery stands in ``body``, so that it can be changed there."""

    @property
    def payload(self) -> bytes:
        """The content: short_message, or message_payload when that is empty."""
        if self.short_message or self.tlvs is None:
            return self.short_message
        return self.tlvs.get(_MESSAGE_PAYLOAD, b"")

    def __repr__(self) -> str:  # what a log may see: no content and no number
        return (
            f"<Sm {Command(self.command_id).name} {self.sequence_number}, "
            f"{len(self.body)} octets>"
        )


_SERVICE_TYPE = text("service_type", 0, 5, Status.ESME_RINVSERTYP)
_SOURCE_TON_NPI = octets("source_addr_ton, source_addr_npi", 2)
_SOURCE = text("source_addr", 0, 20, Status.ESME_RINVSRCADR)
_DEST_TON_NPI = octets("dest_addr_ton, dest_addr_npi", 2)
_FLAGS = octets("esm_class, protocol_id, priority_flag", 3)
_REST = octets(
    "registered_delivery, replace_if_present_flag, data_coding, sm_default_msg_id, "
    "sm_length",
    5,
)

_SUBMIT_LAYOUT = Layout(
    _SERVICE_TYPE,
    _SOURCE_TON_NPI,
    _SOURCE,
    _DEST_TON_NPI,
    text("destination_addr", 1, 20, Status.ESME_RINVDSTADR),
    _FLAGS,
    time_or_nothing("schedule_delivery_time", Status.ESME_RINVSCHED),
    time_or_nothing("validity_period", Status.ESME_RINVEXPIRY),
    _REST,
)

# From an SMSC we take what can be understood: a receipt refused is a receipt lost.
_DELIVER_LAYOUT = Layout(
    _SERVICE_TYPE,
    _SOURCE_TON_NPI,
    _SOURCE,
    _DEST_TON_NPI,
    text("destination_addr", 0, 20, Status.ESME_RINVDSTADR),
    _FLAGS,
    text("schedule_delivery_time", 0, 16, Status.ESME_RINVSCHED),
    text("validity_period", 0, 16, Status.ESME_RINVEXPIRY),
    _REST,
)

_DATA_LAYOUT = Layout(  # v3.4 4.7.1: addresses of up to 65 octets, no text field
    _SERVICE_TYPE,
    _SOURCE_TON_NPI,
    text("source_addr", 0, 64, Status.ESME_RINVSRCADR),
    _DEST_TON_NPI,
    text("destination_addr", 0, 64, Status.ESME_RINVDSTADR),
    octets("esm_class, registered_delivery, data_coding", 3),
)

_match_submit = _SUBMIT_LAYOUT.match
_match_deliver = _DELIVER_LAYOUT.match
_match_data = _DATA_LAYOUT.match


def decode_sm(
    body: bytes,
    command_id: int = _SUBMIT_SM,
    sequence_number: int = 0,
    *,
    from_smsc: bool = False,
) -> Sm:
    """The message in the body of a submit_sm, deliver_sm or data_sm. HOT.

    A message for us to send is judged by the book; one that comes from an SMSC (a
    deliver_sm always, a data_sm when ``from_smsc``) only has to be readable. What a
    field's value means (ton, npi, esm_class, times ...) is not judged here.

    Raises:
        PduError: with the command_status of the first field that is malformed.
    """
    if command_id == _SUBMIT_SM:
        found = _match_submit(body)
    elif command_id == _DELIVER_SM:
        found = _match_deliver(body)
        from_smsc = True
    else:
        return _decode_data_sm(body, command_id, sequence_number, from_smsc)
    if found is None:
        (_DELIVER_LAYOUT if from_smsc else _SUBMIT_LAYOUT).refuse(body)
    sm = Sm()
    sm.command_id = command_id
    sm.sequence_number = sequence_number
    sm.body = body
    (
        sm.service_type,
        (sm.source_addr_ton, sm.source_addr_npi),
        sm.source_addr,
        (sm.dest_addr_ton, sm.dest_addr_npi),
        sm.destination_addr,
        (sm.esm_class, sm.protocol_id, sm.priority_flag),
        sm.schedule_delivery_time,
        sm.validity_period,
        (
            sm.registered_delivery,
            sm.replace_if_present_flag,
            sm.data_coding,
            sm.sm_default_msg_id,
            sm_length,
        ),
    ) = found.groups()
    start = found.end()
    sm.registered_delivery_at = start - 5
    end = start + sm_length
    if end > len(body) or sm_length > MAX_SHORT_MESSAGE:
        raise PduError(Status.ESME_RINVMSGLEN, f"sm_length {sm_length} is too long")
    sm.short_message = body[start:end]
    if end == len(body):
        sm.tlvs = None
        if sm.esm_class & _UDHI and not from_smsc:
            _judge_user_data_header(sm.short_message)
    else:
        sm.tlvs = decode_tlvs(body, end)
        if not from_smsc:
            _judge_submitted(sm)
    return sm


def _decode_data_sm(
    body: bytes, command_id: int, sequence_number: int, from_smsc: bool
) -> Sm:
    """The message in a data_sm: content and times travel in TLVs (v3.4 4.7.1)."""
    found = _match_data(body)
    if found is None:
        _DATA_LAYOUT.refuse(body)
    sm = Sm()
    sm.command_id = command_id
    sm.sequence_number = sequence_number
    sm.body = body
    (
        sm.service_type,
        (sm.source_addr_ton, sm.source_addr_npi),
        sm.source_addr,
        (sm.dest_addr_ton, sm.dest_addr_npi),
        sm.destination_addr,
        (sm.esm_class, sm.registered_delivery, sm.data_coding),
    ) = found.groups()
    sm.registered_delivery_at = found.end() - 2
    sm.schedule_delivery_time = sm.validity_period = sm.short_message = b""
    sm.protocol_id = sm.priority_flag = 0
    sm.replace_if_present_flag = sm.sm_default_msg_id = 0
    sm.tlvs = decode_tlvs(body, found.end()) if len(body) > found.end() else None
    if not from_smsc:
        if not sm.destination_addr:
            raise PduError(Status.ESME_RINVDSTADR, "destination_addr is empty")
        if sm.tlvs is None or _MESSAGE_PAYLOAD not in sm.tlvs:
            raise PduError(Status.ESME_RMISSINGOPTPARAM, "message_payload is missing")
        _judge_submitted(sm)
    return sm


def _judge_submitted(sm: Sm) -> None:
    """Raise the PduError of a submitted message's TLVs or user data header, if any."""
    if sm.tlvs is not None:
        judge_tlvs(sm.tlvs)
        if sm.short_message and _MESSAGE_PAYLOAD in sm.tlvs:
            raise PduError(
                Status.ESME_ROPTPARNOTALLWD, "short_message beside message_payload"
            )
    if sm.esm_class & _UDHI:
        _judge_user_data_header(sm.payload)


def _judge_user_data_header(payload: bytes) -> None:
    """Raise PduError 0x01 unless it begins with a whole header (TS 23.040 9.2.3.24)."""
    end = payload[0] + 1 if payload else 1
    at = 1
    while at + 1 < end <= len(payload):  # an element: identifier, length, data
        at += 2 + payload[at + 1]
    if at != end or end > len(payload):
        raise PduError(Status.ESME_RINVMSGLEN, "the user data header is cut short")


def encode_sm(  # noqa: PLR0913 - the PDU has so many fields
    *,
    service_type: bytes = b"",
    source_addr_ton: int = 0,
    source_addr_npi: int = 0,
    source_addr: bytes = b"",
    dest_addr_ton: int = 0,
    dest_addr_npi: int = 0,
    destination_addr: bytes = b"",
    esm_class: int = 0,
    protocol_id: int = 0,
    priority_flag: int = 0,
    schedule_delivery_time: bytes = b"",
    validity_period: bytes = b"",
    registered_delivery: int = 0,
    replace_if_present_flag: int = 0,
    data_coding: int = 0,
    sm_default_msg_id: int = 0,
    short_message: bytes = b"",
    tlvs: Mapping[int, bytes] | None = None,
) -> bytes:
    """The body of a submit_sm or deliver_sm (v3.4 4.4.1, 4.6.1), without header. HOT.

    Raises:
        ValueError: a field is too long or holds a NUL, or a number does not fit its
            octet: our own fault, never the peer's. Nothing wrong leaves the house.
    """
    if (
        len(source_addr) > 20  # noqa: PLR2004 - v3.4 5.2.8
        or len(destination_addr) > 20  # noqa: PLR2004 - v3.4 5.2.9
        or 0 in source_addr
        or 0 in destination_addr
    ):
        raise ValueError("an address is too long or holds a NUL")
    if service_type or schedule_delivery_time or validity_period:
        checked_text("service_type", service_type, 5)
        checked_text("schedule_delivery_time", schedule_delivery_time, 16)
        checked_text("validity_period", validity_period, 16)
    sm_length = len(short_message)
    if sm_length > MAX_SHORT_MESSAGE:
        raise ValueError("short_message is longer than 254 octets")
    try:
        body = b"".join(
            (
                service_type,
                _3_octets(0, source_addr_ton, source_addr_npi),
                source_addr,
                _3_octets(0, dest_addr_ton, dest_addr_npi),
                destination_addr,
                _4_octets(0, esm_class, protocol_id, priority_flag),
                schedule_delivery_time,
                b"\0",
                validity_period,
                _6_octets(
                    0,
                    registered_delivery,
                    replace_if_present_flag,
                    data_coding,
                    sm_default_msg_id,
                    sm_length,
                ),
                short_message,
            )
        )
    except struct.error as error:
        raise ValueError("a one-octet field is out of range") from error
    return body + encode_tlvs(tlvs) if tlvs else body


def encode_data_sm(  # noqa: PLR0913 - the PDU has so many fields
    *,
    service_type: bytes = b"",
    source_addr_ton: int = 0,
    source_addr_npi: int = 0,
    source_addr: bytes = b"",
    dest_addr_ton: int = 0,
    dest_addr_npi: int = 0,
    destination_addr: bytes = b"",
    esm_class: int = 0,
    registered_delivery: int = 0,
    data_coding: int = 0,
    tlvs: Mapping[int, bytes],
) -> bytes:
    """The body of a data_sm (v3.4 4.7.1); its content is the TLV message_payload.

    Raises:
        ValueError: as ``encode_sm``.
    """
    return b"".join(
        (
            checked_text("service_type", service_type, 5),
            bytes((0, source_addr_ton, source_addr_npi)),
            checked_text("source_addr", source_addr, 64),
            bytes((0, dest_addr_ton, dest_addr_npi)),
            checked_text("destination_addr", destination_addr, 64),
            bytes((0, esm_class, registered_delivery, data_coding)),
            encode_tlvs(tlvs),
        )
    )


_3_octets = struct.Struct("3B").pack
_4_octets = struct.Struct("4B").pack
_6_octets = struct.Struct("6B").pack


def encode_pdu(
    command_id: int, command_status: int, sequence_number: int, body: bytes = b""
) -> bytes:
    """A whole PDU: header and body (v3.4 3.2). HOT."""
    return (
        HEADER.pack(16 + len(body), command_id, command_status, sequence_number) + body
    )

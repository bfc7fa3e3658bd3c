"""The PDUs that few peers send: query_sm, cancel_sm, replace_sm, submit_multi, alerts.

The only module that knows smpp.pdu. It reads with it what it reads well; replace_sm and
submit_multi, which it can not decode, are ours (spec/reliability 2.13). Its other
faults end here:

- It looks for the end of a string octet by octet, however far, and blames the length of
  the PDU when there is none: our tables judge the shape first.
- It prints the times it parses: it gets none to parse. It can not write most fractions
  of a second: it gets none to write.
- It has names for numbers: they are turned back.
"""

import io
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any, Final

import attrs
from smpp.pdu import constants
from smpp.pdu.error import PDUParseError
from smpp.pdu.operations import QuerySMResp
from smpp.pdu.pdu_encoding import PDUEncoder
from smpp.pdu.pdu_types import MessageState

from luckgw.domain.status import Status
from luckgw.wire.fields import Layout, checked_text, octets, text, time_or_nothing
from luckgw.wire.pdus import Sm, decode_sm, encode_pdu
from luckgw.wire.protocol import MAX_SHORT_MESSAGE, Command, PduError

_HEADER_LENGTH: Final = 16
_MAX_DESTINATIONS: Final = 254  # v3.4 5.2.24
_SME_ADDRESS: Final = 1  # dest_flag (v3.4 5.2.25)
_DISTRIBUTION_LIST: Final = 2

_MESSAGE_ID = text("message_id", 0, 64, Status.ESME_RINVMSGID)
_SERVICE_TYPE = text("service_type", 0, 5, Status.ESME_RINVSERTYP)
_SOURCE_TON_NPI = octets("source_addr_ton, source_addr_npi", 2)
_SOURCE = text("source_addr", 0, 20, Status.ESME_RINVSRCADR)
_DESTINATION = text("destination_addr", 0, 20, Status.ESME_RINVDSTADR)
_SCHEDULE = time_or_nothing("schedule_delivery_time", Status.ESME_RINVSCHED)
_VALIDITY = time_or_nothing("validity_period", Status.ESME_RINVEXPIRY)

_SHAPES: Final = {
    Command.QUERY_SM: Layout(_MESSAGE_ID, _SOURCE_TON_NPI, _SOURCE),
    Command.CANCEL_SM: Layout(
        _SERVICE_TYPE,
        _MESSAGE_ID,
        _SOURCE_TON_NPI,
        _SOURCE,
        octets("dest_addr_ton, dest_addr_npi", 2),
        _DESTINATION,
    ),
    Command.ALERT_NOTIFICATION: Layout(
        _SOURCE_TON_NPI,
        text("source_addr", 0, 64, Status.ESME_RINVSRCADR),
        octets("esme_addr_ton, esme_addr_npi", 2),
        text("esme_addr", 0, 64, Status.ESME_RINVDSTADR),
    ),
}


@attrs.frozen
class QuerySm:
    """What becomes of this message? (v3.4 4.8.1)."""

    message_id: bytes
    source_addr_ton: int
    source_addr_npi: int
    source_addr: bytes


@attrs.frozen
class CancelSm:
    """Do not send this message, or these messages (v3.4 4.9.1)."""

    service_type: bytes
    message_id: bytes
    """Empty: all messages of this source, destination and, when set, service_type."""
    source_addr_ton: int
    source_addr_npi: int
    source_addr: bytes
    dest_addr_ton: int
    dest_addr_npi: int
    destination_addr: bytes


@attrs.frozen
class AlertNotification:
    """A phone that was away is there again (v3.4 4.12.1)."""

    source_addr_ton: int
    source_addr_npi: int
    source_addr: bytes
    esme_addr_ton: int
    esme_addr_npi: int
    esme_addr: bytes


@attrs.frozen
class ReplaceSm:
    """Send this instead of that message (v3.4 4.10.1)."""

    message_id: bytes
    source_addr_ton: int
    source_addr_npi: int
    source_addr: bytes
    schedule_delivery_time: bytes
    """Empty: the old one stays."""
    validity_period: bytes
    """Empty: the old one stays."""
    registered_delivery: int
    sm_default_msg_id: int
    short_message: bytes


@attrs.frozen
class Destination:
    """One SME address of a submit_multi (v3.4 4.5.1.1)."""

    dest_addr_ton: int
    dest_addr_npi: int
    destination_addr: bytes


@attrs.frozen
class SubmitMulti:
    """One message for many: submit_sm that differ in one address (v3.4 4.5.1)."""

    destinations: tuple[Destination, ...]
    _before: bytes
    _after: bytes

    def submit_sm(self, to: Destination) -> Sm:
        """The message for one of the destinations, as if it had come in a submit_sm.

        Raises:
            PduError: 0x0B, this destination can not be; the others may.
        """
        address = bytes((to.dest_addr_ton, to.dest_addr_npi)) + to.destination_addr
        return decode_sm(self._before + address + b"\0" + self._after)


def decode_query_sm(body: bytes) -> QuerySm:
    """The fields of a query_sm.

    Raises:
        PduError: with the command_status of the first field that is malformed or, for
            ton and npi, not one of v3.4's values.
    """
    return QuerySm(**_decode(Command.QUERY_SM, body))


def decode_cancel_sm(body: bytes) -> CancelSm:
    """The fields of a cancel_sm.

    Raises:
        PduError: as ``decode_query_sm``.
    """
    return CancelSm(**_decode(Command.CANCEL_SM, body))


def decode_alert_notification(body: bytes) -> AlertNotification:
    """The fields of an alert_notification, without its TLVs.

    Raises:
        PduError: as ``decode_query_sm``. The PDU has no response to say it in.
    """
    return AlertNotification(**_decode(Command.ALERT_NOTIFICATION, body))


def _decode(command_id: Command, body: bytes) -> dict[str, Any]:
    """The mandatory fields by name, read by smpp.pdu, with numbers for its names."""
    shape = _SHAPES[command_id]
    found = shape.match(body)
    if found is None:
        shape.refuse(body)
    pdu = encode_pdu(command_id, 0, 1, body[: found.end()])
    try:
        fields = PDUEncoder().decode(io.BytesIO(pdu)).params
    except PDUParseError as error:
        raise PduError(Status[error.status.name], str(error)) from error
    return {name: _number(name, value) for name, value in fields.items()}


def _number(name: str, value: Any) -> Any:
    """``value`` as it stood in the PDU."""
    if name.endswith("_ton"):
        return constants.addr_ton_name_map[value.name]
    if name.endswith("_npi"):
        return constants.addr_npi_name_map[value.name]
    return value


def encode_query_sm_resp(
    message_id: bytes, final_date: datetime | None, message_state: int, error_code: int
) -> bytes:
    """The body of a positive query_sm_resp (v3.4 4.8.2).

    Args:
        message_id: as it was asked for.
        final_date: when the message came to its end, with a time zone; None while it
            has not.
        message_state: 1 to 8 (v3.4 5.2.28).
        error_code: the carrier's, 0 when there is none.

    Raises:
        ValueError: a field does not fit the PDU.
    """
    name = constants.message_state_value_map.get(message_state)
    if name is None:
        raise ValueError(f"message_state {message_state} is not one of 1 to 8")
    if final_date is not None:
        final_date = final_date.astimezone(UTC).replace(microsecond=0)
    pdu = QuerySMResp(
        1,
        message_id=message_id,
        final_date=final_date,
        message_state=MessageState[name],
        error_code=error_code,
    )
    return PDUEncoder().encode(pdu)[_HEADER_LENGTH:]


_REPLACE_SM = Layout(
    _MESSAGE_ID,
    _SOURCE_TON_NPI,
    _SOURCE,
    _SCHEDULE,
    _VALIDITY,
    octets("registered_delivery, sm_default_msg_id, sm_length", 3),
)


def decode_replace_sm(body: bytes) -> ReplaceSm:
    """The fields of a replace_sm; v3.4 gives it no TLVs, and any are ignored.

    Raises:
        PduError: with the command_status of the first field that is malformed.
    """
    found = _REPLACE_SM.match(body)
    if found is None:
        _REPLACE_SM.refuse(body)
    message_id, (ton, npi), source, schedule, validity, numbers = found.groups()
    registered_delivery, sm_default_msg_id, sm_length = numbers
    end = found.end() + sm_length
    if sm_length > MAX_SHORT_MESSAGE or end > len(body):
        raise PduError(Status.ESME_RINVMSGLEN, f"sm_length {sm_length} is too long")
    return ReplaceSm(
        message_id,
        ton,
        npi,
        source,
        schedule,
        validity,
        registered_delivery,
        sm_default_msg_id,
        body[found.end() : end],
    )


_MULTI_HEAD = Layout(_SERVICE_TYPE, _SOURCE_TON_NPI, _SOURCE)
_MULTI_ADDRESS = Layout(octets("dest_addr_ton, dest_addr_npi", 2), _DESTINATION)


def decode_submit_multi(body: bytes) -> SubmitMulti:
    """The destinations of a submit_multi, and what is common to them.

    Raises:
        PduError: 0x33 for a wrong number of destinations, 0x40 for an unknown
            dest_flag, 0x34 for a distribution list (we keep none), else as a submit_sm.
    """
    head = _MULTI_HEAD.match(body)
    if head is None:
        _MULTI_HEAD.refuse(body)
    at = head.end()
    number_of_dests = body[at] if at < len(body) else 0
    if not 1 <= number_of_dests <= _MAX_DESTINATIONS:
        raise PduError(Status.ESME_RINVNUMDESTS, f"number_of_dests {number_of_dests}")
    at += 1
    destinations = []
    for _ in range(number_of_dests):
        destination, at = _decode_destination(body, at)
        destinations.append(destination)
    multi = SubmitMulti(tuple(destinations), body[: head.end()], body[at:])
    multi.submit_sm(Destination(0, 0, b"0"))  # what is common to all must be sound
    return multi


def _decode_destination(body: bytes, at: int) -> tuple[Destination, int]:
    """The destination at an offset, and the offset behind it."""
    dest_flag = body[at] if at < len(body) else None
    if dest_flag is None:
        raise PduError(Status.ESME_RINVNUMDESTS, "fewer destinations than announced")
    if dest_flag == _DISTRIBUTION_LIST:
        raise PduError(Status.ESME_RINVDLNAME, "there are no distribution lists here")
    if dest_flag != _SME_ADDRESS:
        raise PduError(Status.ESME_RINVDESTFLAG, f"dest_flag {dest_flag}")
    found = _MULTI_ADDRESS.match(body, at + 1)
    if found is None:
        _MULTI_ADDRESS.refuse(body[at + 1 :])
    (ton, npi), address = found.groups()
    return Destination(ton, npi, address), found.end()


def encode_submit_multi_resp(
    message_id: bytes, unsuccess: Iterable[tuple[Destination, int]]
) -> bytes:
    """The body of a submit_multi_resp: the id, and who did not get in (v3.4 4.5.2).

    Args:
        message_id: one for all destinations.
        unsuccess: each destination that was refused, with its command_status.

    Raises:
        ValueError: the id or an address does not fit, or more than 255 were refused.
    """
    refused = [
        b"%c%c%b\0" % (to.dest_addr_ton, to.dest_addr_npi, to.destination_addr)
        + status.to_bytes(4, "big")
        for to, status in unsuccess
    ]
    return b"".join(
        (
            checked_text("message_id", message_id, 64),
            b"\0",
            bytes((len(refused),)),
            *refused,
        )
    )

"""Bodies of messages on their way through us: a partner's to a carrier, and back.

A carrier gets a submit_sm as the partner wrote it, but for what the gateway has done
itself by then: found the number, kept the message until its time, asked for a receipt.
"""

from typing import Any, Final

from luckgw.admission.smpp_time import absolute_time, relative_time
from luckgw.domain.errors import bad_request
from luckgw.domain.status import Status
from luckgw.wire.pdus import (
    MAX_SHORT_MESSAGE,
    Command,
    Sm,
    Tag,
    decode_sm,
    encode_sm,
)

_SAR: Final = (
    int(Tag.SAR_MSG_REF_NUM),
    int(Tag.SAR_TOTAL_SEGMENTS),
    int(Tag.SAR_SEGMENT_SEQNUM),
)
_LONGEST_ADDRESS: Final = 20  # of a submit_sm; a data_sm has room for 64


def without_sar(tlvs: dict[int, bytes] | None) -> dict[int, bytes]:
    """TLVs without those."""
    return {tag: value for tag, value in (tlvs or {}).items() if tag not in _SAR}


def due_now(sm: Sm, deadline_ms: int) -> Sm:
    """A submit_sm as it is once its time has come: the waiting is ours.

    A relative validity would begin at the carrier, when it is over here: it becomes an
    absolute one.
    """
    changed: dict[str, Any] = {"schedule_delivery_time": b""}
    if sm.validity_period:
        changed["validity_period"] = absolute_time(deadline_ms)
    return decode_sm(encoded(sm, **changed), Command.SUBMIT_SM, sm.sequence_number)


def encoded(sm: Sm, **changed: Any) -> bytes:
    """The body of a submit_sm or deliver_sm with some fields changed."""
    given: dict[str, Any] = {
        "service_type": sm.service_type,
        "source_addr_ton": sm.source_addr_ton,
        "source_addr_npi": sm.source_addr_npi,
        "source_addr": sm.source_addr,
        "dest_addr_ton": sm.dest_addr_ton,
        "dest_addr_npi": sm.dest_addr_npi,
        "destination_addr": sm.destination_addr,
        "esm_class": sm.esm_class,
        "protocol_id": sm.protocol_id,
        "priority_flag": sm.priority_flag,
        "schedule_delivery_time": sm.schedule_delivery_time,
        "validity_period": sm.validity_period,
        "registered_delivery": sm.registered_delivery,
        "replace_if_present_flag": sm.replace_if_present_flag,
        "data_coding": sm.data_coding,
        "sm_default_msg_id": sm.sm_default_msg_id,
        "short_message": sm.short_message,
        "tlvs": sm.tlvs,
    }
    return encode_sm(**(given | changed))


def as_submit_sm(sm: Sm) -> Sm:
    """A data_sm as the submit_sm that says the same (v3.4 4.4.1, 4.7.1).

    qos_time_to_live becomes the validity_period. Raises Refusal for an address that is
    longer than a submit_sm has room for.
    """
    if len(sm.source_addr) > _LONGEST_ADDRESS:
        raise bad_request("source_addr is too long", Status.ESME_RINVSRCADR)
    if len(sm.destination_addr) > _LONGEST_ADDRESS:
        raise bad_request("destination_addr is too long", Status.ESME_RINVDSTADR)
    tlvs = dict(sm.tlvs or {})
    changed: dict[str, Any] = {"tlvs": tlvs}
    if len(sm.payload) <= MAX_SHORT_MESSAGE:
        changed["short_message"] = tlvs.pop(Tag.MESSAGE_PAYLOAD)
    time_to_live = tlvs.pop(Tag.QOS_TIME_TO_LIVE, None)
    if time_to_live is not None:
        seconds = int.from_bytes(time_to_live, "big")
        changed["validity_period"] = relative_time(seconds)
    return decode_sm(encoded(sm, **changed), Command.SUBMIT_SM, sm.sequence_number)


def without_tlvs(body: bytes) -> bytes:
    """A deliver_sm for a v3.3 partner, who knows no TLVs (spec/reliability 2.9).

    What stood in message_payload stands in short_message, as much of it as fits there.
    """
    sm = decode_sm(body, Command.DELIVER_SM)
    if sm.tlvs is None:
        return body
    return encoded(sm, short_message=sm.payload[:MAX_SHORT_MESSAGE], tlvs=None)

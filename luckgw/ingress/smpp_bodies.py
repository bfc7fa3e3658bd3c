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

MAX_BODY: Final = 65_535
"""Octets of a submit_sm that can be kept (luckgw.store.records); no SMS is as long."""

_UDHI: Final = 0x40
_SAR: Final = (
    int(Tag.SAR_MSG_REF_NUM),
    int(Tag.SAR_TOTAL_SEGMENTS),
    int(Tag.SAR_SEGMENT_SEQNUM),
)
_LONGEST_ADDRESS: Final = 20  # of a submit_sm; a data_sm has room for 64


def bodies(body: bytes, _upstream: str) -> tuple[bytes]:
    """As pipeline.submit.Bodies: the same for every upstream. HOT PATH."""
    return (body,)


def body_to_send(sm: Sm, destination: bytes, deadline_ms: int) -> bytes:
    """The body that the carrier is to get. HOT PATH.

    It is the partner's own, but the carrier is always asked for a receipt: that is how
    we know what became of a message. Raises Refusal when no record can hold it.
    """
    body, at = sm.body, sm.registered_delivery_at
    if (
        destination != sm.destination_addr
        or sm.schedule_delivery_time
        or (sm.tlvs is not None and sm.esm_class & _UDHI and has_sar(sm.tlvs))
    ):
        body = _rewritten(sm, destination, deadline_ms)
    elif body[at] != 1:
        body = body[:at] + b"\1" + body[at + 1 :]
    if len(body) > MAX_BODY:
        raise bad_request("the message is too long", Status.ESME_RINVMSGLEN)
    return body


def has_sar(tlvs: dict[int, bytes]) -> bool:
    """Whether there is any of the TLVs that make one message of several."""
    return any(tag in tlvs for tag in _SAR)


def without_sar(tlvs: dict[int, bytes] | None) -> dict[int, bytes]:
    """TLVs without those."""
    return {tag: value for tag, value in (tlvs or {}).items() if tag not in _SAR}


def _rewritten(sm: Sm, destination: bytes, deadline_ms: int) -> bytes:
    """The body of a submit_sm of which a carrier can not get each field as it came.

    The destination was written in another form; its time is ours to wait for, and then
    a relative validity would begin when it is over; sar_* TLVs beside a user data
    header would say the same twice (spec/features 2.7).
    """
    changed: dict[str, Any] = {"registered_delivery": 1}
    if destination != sm.destination_addr:
        changed |= {
            "destination_addr": destination,
            "dest_addr_ton": 1,
            "dest_addr_npi": 1,
        }
    if sm.schedule_delivery_time:
        changed["schedule_delivery_time"] = b""
        if sm.validity_period:
            changed["validity_period"] = absolute_time(deadline_ms)
    if sm.esm_class & _UDHI:
        changed["tlvs"] = without_sar(sm.tlvs)
    return encoded(sm, **changed)


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

"""A submit_sm for a carrier without optional parameters (spec/reliability 2.9)."""

from typing import Final

from luckgw.wire.pdus import MAX_SHORT_MESSAGE, PduError, Tag, decode_sm

#: Without these the phone gets something else than what was meant, or nothing.
_CONTENT: Final = (
    Tag.MESSAGE_PAYLOAD,
    Tag.SAR_MSG_REF_NUM,
    Tag.SAR_TOTAL_SEGMENTS,
    Tag.SAR_SEGMENT_SEQNUM,
    Tag.SOURCE_PORT,
    Tag.DESTINATION_PORT,
    Tag.USSD_SERVICE_OP,
    Tag.ITS_SESSION_INFO,
)
_BEHIND_LENGTH: Final = 5
"""From registered_delivery to the text: the octet before is sm_length (v3.4 4.4.1)."""


def bare(body: bytes) -> bytes:
    """The body of a submit_sm without TLVs.

    A message_payload that fits becomes the short_message; what the message can do
    without is left out.

    Raises:
        ValueError: it can not do without one; the text names it.
    """
    try:
        sm = decode_sm(body)
    except PduError as error:  # nothing that admission lets in, nor that we make
        raise ValueError(str(error)) from error
    if sm.tlvs is None:
        return body
    start = sm.registered_delivery_at + _BEHIND_LENGTH
    text = sm.payload
    for tag in _CONTENT:
        fits = tag is Tag.MESSAGE_PAYLOAD and len(text) <= MAX_SHORT_MESSAGE
        if tag in sm.tlvs and not fits:
            raise ValueError(f"it needs the TLV {tag.name.lower()}")
    return body[: start - 1] + bytes((len(text),)) + text

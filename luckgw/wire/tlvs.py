"""Optional parameters: tag, length, value (SMPP v3.4 3.2.4, 5.3)."""

import struct
from collections.abc import Mapping
from typing import Final

import attrs

from luckgw.domain.status import Status
from luckgw.wire.protocol import PduError, Tag

_tag_and_length = struct.Struct(">HH")
_TLV_HEADER = 4
_PADDING = 3  # NUL octets that some peers leave behind the text (spec/reliability 2.8)


def decode_tlvs(body: bytes, at: int) -> dict[int, bytes] | None:
    """The TLVs of ``body`` from the offset ``at`` on, or None when there is none.

    Any tag is kept, in any order; of equal tags the last one wins. Up to three NUL
    octets at the end are no TLV.

    Raises:
        PduError: 0xC0 when a header or a value reaches beyond the body.
    """
    tlvs: dict[int, bytes] = {}
    size = len(body)
    while at < size:
        start = at + _TLV_HEADER
        if start > size:
            if any(body[at:]):
                raise PduError(
                    Status.ESME_RINVOPTPARSTREAM, "a TLV's header is cut short"
                )
            break
        tag, length = _tag_and_length.unpack_from(body, at)
        at = start + length
        if at > size:
            raise PduError(
                Status.ESME_RINVOPTPARSTREAM, f"the TLV {tag:#06x} is cut short"
            )
        tlvs[tag] = body[start:at]
    return tlvs or None


def encode_tlvs(tlvs: Mapping[int, bytes]) -> bytes:
    """``tlvs`` as octets, in their order (v3.4 5.3.1).

    Raises:
        ValueError: a tag or the length of a value does not fit 16 bits.
    """
    try:
        return b"".join(
            [
                _tag_and_length.pack(tag, len(value)) + value
                for tag, value in tlvs.items()
            ]
        )
    except struct.error as error:
        raise ValueError("a TLV's tag or length does not fit 16 bits") from error


@attrs.frozen
class _TlvRule:
    """What v3.4 5.3.2 says of one tag's value."""

    shortest: int = 1
    longest: int = 1
    least: int = 0
    most: int | None = None
    """The greatest legal number, for one-octet numbers with a closed range."""


# A tag that is not here, and a value without a closed range, passes as it is. Where
# v5.0 widened a length, the wider one is accepted.
_TLV_RULES: Final[Mapping[int, _TlvRule]] = {
    Tag.DEST_ADDR_SUBUNIT: _TlvRule(most=4),
    Tag.DEST_NETWORK_TYPE: _TlvRule(),
    Tag.DEST_BEARER_TYPE: _TlvRule(),
    Tag.DEST_TELEMATICS_ID: _TlvRule(2, 2),
    Tag.SOURCE_ADDR_SUBUNIT: _TlvRule(most=4),
    Tag.SOURCE_NETWORK_TYPE: _TlvRule(),
    Tag.SOURCE_BEARER_TYPE: _TlvRule(),
    Tag.SOURCE_TELEMATICS_ID: _TlvRule(1, 2),
    Tag.QOS_TIME_TO_LIVE: _TlvRule(4, 4),
    Tag.PAYLOAD_TYPE: _TlvRule(),
    Tag.ADDITIONAL_STATUS_INFO_TEXT: _TlvRule(1, 256),
    Tag.RECEIPTED_MESSAGE_ID: _TlvRule(1, 65),
    Tag.MS_MSG_WAIT_FACILITIES: _TlvRule(),
    Tag.PRIVACY_INDICATOR: _TlvRule(most=3),
    Tag.SOURCE_SUBADDRESS: _TlvRule(2, 23),
    Tag.DEST_SUBADDRESS: _TlvRule(2, 23),
    Tag.USER_MESSAGE_REFERENCE: _TlvRule(2, 2),
    Tag.USER_RESPONSE_CODE: _TlvRule(),
    Tag.SOURCE_PORT: _TlvRule(2, 2),
    Tag.DESTINATION_PORT: _TlvRule(2, 2),
    Tag.SAR_MSG_REF_NUM: _TlvRule(2, 2),
    Tag.LANGUAGE_INDICATOR: _TlvRule(),
    Tag.SAR_TOTAL_SEGMENTS: _TlvRule(least=1, most=255),
    Tag.SAR_SEGMENT_SEQNUM: _TlvRule(least=1, most=255),
    Tag.SC_INTERFACE_VERSION: _TlvRule(),
    Tag.CALLBACK_NUM_PRES_IND: _TlvRule(),
    Tag.CALLBACK_NUM_ATAG: _TlvRule(0, 65),
    Tag.NUMBER_OF_MESSAGES: _TlvRule(most=99),
    Tag.CALLBACK_NUM: _TlvRule(4, 19),
    Tag.DPF_RESULT: _TlvRule(most=1),
    Tag.SET_DPF: _TlvRule(most=1),
    Tag.MS_AVAILABILITY_STATUS: _TlvRule(most=2),
    Tag.NETWORK_ERROR_CODE: _TlvRule(3, 3),
    Tag.DELIVERY_FAILURE_REASON: _TlvRule(),
    Tag.MORE_MESSAGES_TO_SEND: _TlvRule(most=1),
    Tag.MESSAGE_STATE: _TlvRule(),
    Tag.USSD_SERVICE_OP: _TlvRule(),
    Tag.DISPLAY_TIME: _TlvRule(most=2),
    Tag.SMS_SIGNAL: _TlvRule(2, 2),
    Tag.MS_VALIDITY: _TlvRule(1, 4),
    Tag.ALERT_ON_MESSAGE_DELIVERY: _TlvRule(0, 1),
    Tag.ITS_REPLY_TYPE: _TlvRule(),
    Tag.ITS_SESSION_INFO: _TlvRule(2, 2),
}


def judge_tlvs(tlvs: Mapping[int, bytes]) -> None:
    """Raise the PduError of the first TLV that breaks v3.4 5.3.2, if any.

    Raises:
        PduError: 0xC2 for a wrong length, 0xC4 for a value outside its closed range.
    """
    for tag, value in tlvs.items():
        rule = _TLV_RULES.get(tag)
        if rule is None:
            continue
        if not rule.shortest <= len(value) <= rule.longest:
            raise PduError(
                Status.ESME_RINVPARLEN, f"TLV {tag:#06x} of {len(value)} octets"
            )
        if rule.most is not None and not rule.least <= value[0] <= rule.most:
            raise PduError(
                Status.ESME_RINVOPTPARAMVAL, f"TLV {tag:#06x} is out of range"
            )
    number = tlvs.get(Tag.SAR_SEGMENT_SEQNUM)
    total = tlvs.get(Tag.SAR_TOTAL_SEGMENTS)
    if number is not None and total is not None and number > total:
        raise PduError(
            Status.ESME_RINVOPTPARAMVAL, "sar_segment_seqnum > sar_total_segments"
        )

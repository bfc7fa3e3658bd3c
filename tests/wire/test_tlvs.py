"""TLVs: their lengths and values by the book, each tag a row of v3.4 5.3.2."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from luckgw.wire.protocol import PduError, Tag
from luckgw.wire.tlvs import decode_tlvs, encode_tlvs, judge_tlvs
from tests.wire.peers import tlv_dicts

# tag, the legal lengths, and the greatest legal number where there is one
ROWS = [
    (Tag.DEST_ADDR_SUBUNIT, {1}, 4),
    (Tag.DEST_NETWORK_TYPE, {1}, None),
    (Tag.DEST_BEARER_TYPE, {1}, None),
    (Tag.DEST_TELEMATICS_ID, {2}, None),
    (Tag.SOURCE_ADDR_SUBUNIT, {1}, 4),
    (Tag.SOURCE_NETWORK_TYPE, {1}, None),
    (Tag.SOURCE_BEARER_TYPE, {1}, None),
    (Tag.SOURCE_TELEMATICS_ID, {1, 2}, None),
    (Tag.QOS_TIME_TO_LIVE, {4}, None),
    (Tag.PAYLOAD_TYPE, {1}, None),
    (Tag.ADDITIONAL_STATUS_INFO_TEXT, set(range(1, 257)), None),
    (Tag.RECEIPTED_MESSAGE_ID, set(range(1, 66)), None),
    (Tag.MS_MSG_WAIT_FACILITIES, {1}, None),
    (Tag.PRIVACY_INDICATOR, {1}, 3),
    (Tag.SOURCE_SUBADDRESS, set(range(2, 24)), None),
    (Tag.DEST_SUBADDRESS, set(range(2, 24)), None),
    (Tag.USER_MESSAGE_REFERENCE, {2}, None),
    (Tag.USER_RESPONSE_CODE, {1}, None),
    (Tag.SOURCE_PORT, {2}, None),
    (Tag.DESTINATION_PORT, {2}, None),
    (Tag.SAR_MSG_REF_NUM, {2}, None),
    (Tag.LANGUAGE_INDICATOR, {1}, None),
    (Tag.SAR_TOTAL_SEGMENTS, {1}, 255),
    (Tag.SAR_SEGMENT_SEQNUM, {1}, 255),
    (Tag.SC_INTERFACE_VERSION, {1}, None),
    (Tag.CALLBACK_NUM_PRES_IND, {1}, None),
    (Tag.CALLBACK_NUM_ATAG, set(range(66)), None),
    (Tag.NUMBER_OF_MESSAGES, {1}, 99),
    (Tag.CALLBACK_NUM, set(range(4, 20)), None),
    (Tag.DPF_RESULT, {1}, 1),
    (Tag.SET_DPF, {1}, 1),
    (Tag.MS_AVAILABILITY_STATUS, {1}, 2),
    (Tag.NETWORK_ERROR_CODE, {3}, None),
    (Tag.MESSAGE_PAYLOAD, set(range(300)), None),
    (Tag.DELIVERY_FAILURE_REASON, {1}, None),
    (Tag.MORE_MESSAGES_TO_SEND, {1}, 1),
    (Tag.MESSAGE_STATE, {1}, None),
    (Tag.USSD_SERVICE_OP, {1}, None),
    (Tag.DISPLAY_TIME, {1}, 2),
    (Tag.SMS_SIGNAL, {2}, None),
    (Tag.MS_VALIDITY, {1, 2, 3, 4}, None),
    (Tag.ALERT_ON_MESSAGE_DELIVERY, {0, 1}, None),
    (Tag.ITS_REPLY_TYPE, {1}, None),
    (Tag.ITS_SESSION_INFO, {2}, None),
]


def status_of(tlvs: dict[int, bytes]) -> int:
    """The command_status that refuses these TLVs; 0 when none does."""
    try:
        judge_tlvs(tlvs)
    except PduError as error:
        return error.command_status
    return 0


def test_every_tag_has_its_row() -> None:
    """No tag of v3.4 is forgotten here."""
    assert {row[0] for row in ROWS} == set(Tag)


@pytest.mark.parametrize(("tag", "lengths", "most"), ROWS)
def test_each_length_and_each_number_is_judged(
    tag: Tag, lengths: set[int], most: int | None
) -> None:
    """A wrong length is 0xC2; a number outside its closed range 0xC4."""
    for length in range(300):
        expected = 0 if length in lengths else 0xC2
        assert status_of({tag: b"\x01" * length}) == expected, length
    if lengths == {1}:
        least = 1 if tag in (Tag.SAR_TOTAL_SEGMENTS, Tag.SAR_SEGMENT_SEQNUM) else 0
        for number in range(256):
            good = least <= number <= (255 if most is None else most)
            assert status_of({tag: bytes([number])}) == (0 if good else 0xC4), number


@pytest.mark.parametrize(
    ("total", "number", "status"), [(1, 1, 0), (255, 255, 0), (2, 3, 0xC4)]
)
def test_a_part_can_not_be_beyond_the_total(
    total: int, number: int, status: int
) -> None:
    """sar_segment_seqnum is at most sar_total_segments (v3.4 5.3.2.24)."""
    tlvs = {
        Tag.SAR_TOTAL_SEGMENTS: bytes([total]),
        Tag.SAR_SEGMENT_SEQNUM: bytes([number]),
    }
    assert status_of({int(tag): value for tag, value in tlvs.items()}) == status


@given(st.integers(0, 0xFFFF), st.binary(max_size=10))
def test_unknown_tags_pass(tag: int, value: bytes) -> None:
    """Reserved, vendor's or v5.0's: never refused (spec/reliability 2.8, 2.9)."""
    if tag not in set(Tag):
        assert status_of({tag: value}) == 0


@given(tlv_dicts, st.binary(max_size=5), st.integers(0, 3))
def test_encoded_tlvs_are_decoded(
    tlvs: dict[int, bytes], before: bytes, padding: int
) -> None:
    """From any offset, in their order, whatever padding follows."""
    octets = before + encode_tlvs(tlvs) + bytes(padding)
    decoded = decode_tlvs(octets, len(before))
    assert decoded == tlvs
    assert list(decoded or ()) == list(tlvs)


@given(
    tlv_dicts,
    st.integers(0x0100, 0xFFFF),
    st.binary(max_size=40),
    st.data(),
)
def test_a_cut_is_noticed(
    tlvs: dict[int, bytes], tag: int, value: bytes, data: st.DataObject
) -> None:
    """A last TLV that lacks its end, or most of its header, is 0xC0."""
    last = encode_tlvs({tag: value})
    size = data.draw(st.integers(1, len(last) - 1))
    with pytest.raises(PduError) as error:
        decode_tlvs(encode_tlvs(tlvs) + last[:size], 0)
    assert error.value.command_status == 0xC0

"""Frames: the same PDUs come out, however the octets come in."""

import struct
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from luckgw.wire.frames import Frame, Frames, FramingError
from luckgw.wire.pdus import encode_pdu

MAXIMUM = 300

frames = st.tuples(
    st.integers(0, 0xFFFFFFFF),
    st.integers(0, 0xFFFFFFFF),
    st.integers(0, 0xFFFFFFFF),
    st.binary(max_size=MAXIMUM - 16),
)


def cut(octets: bytes, places: list[int]) -> list[bytes]:
    """The octets in pieces."""
    ends = [0, *sorted(min(place, len(octets)) for place in places), len(octets)]
    return [octets[a:b] for a, b in pairwise(ends)]


def taken(buffer: Frames, pieces: list[bytes]) -> list[Frame]:
    """All PDUs of the pieces, fed one after the other."""
    found = []
    for piece in pieces:
        buffer.feed(piece)
        found += list(buffer)
    return found


@given(st.lists(frames, max_size=6), st.lists(st.integers(0, 2000), max_size=12))
def test_any_cut_of_the_octets_gives_the_same_frames(
    sent: list[Frame], places: list[int]
) -> None:
    """What the peer wrote comes out, whole and in order, wherever TCP cut it."""
    octets = b"".join(encode_pdu(*frame) for frame in sent)
    buffer = Frames(MAXIMUM)
    assert taken(buffer, cut(octets, places)) == sent
    assert buffer.pending == 0
    assert not buffer.has_next()


def test_octet_by_octet() -> None:
    """The finest cut there is; a frame comes with its last octet and not before."""
    octets = encode_pdu(4, 0, 1, b"abc") + encode_pdu(0x15, 0, 2)
    buffer = Frames(MAXIMUM)
    came = []
    for place, octet in enumerate(octets, 1):
        buffer.feed(bytes([octet]))
        came += [(place, frame[0]) for frame in buffer]
    assert came == [(19, 4), (35, 0x15)]


@given(st.lists(frames, min_size=1, max_size=5), st.binary(max_size=15))
def test_an_iteration_can_be_left_and_begun_again(
    sent: list[Frame], rest: bytes
) -> None:
    """Nothing is lost or told twice when each frame is taken by its own iteration."""
    buffer = Frames(MAXIMUM)
    rest = b"\0\0\0\x20" + rest  # the start of one more
    buffer.feed(b"".join(encode_pdu(*frame) for frame in sent) + rest)
    found = []
    while buffer.has_next():
        found.append(next(iter(buffer)))
        assert buffer.taken
    assert found == sent
    assert list(buffer) == []
    assert buffer.pending == len(rest)
    buffer.feed(b"")
    assert not buffer.taken
    assert buffer.pending == len(rest)


@pytest.mark.parametrize("length", [0, 1, 15, MAXIMUM + 1, 70_001, 0xFFFFFFFF])
def test_an_impossible_length_is_refused_with_its_fourth_octet(length: int) -> None:
    """Judged before anything is buffered for it (spec/reliability 2.1)."""
    buffer = Frames(MAXIMUM)
    octets = struct.pack(">I", length)
    buffer.feed(octets[:3])
    assert list(buffer) == []
    assert not buffer.has_next()
    buffer.feed(octets[3:])
    assert buffer.has_next()
    with pytest.raises(FramingError) as refused:
        list(buffer)
    assert refused.value.command_length == length
    assert refused.value.sequence_number == 0
    assert str(length) in str(refused.value)


@pytest.mark.parametrize("length", [15, MAXIMUM + 1])
def test_the_sequence_number_of_a_whole_header_is_told(length: int) -> None:
    """So that the generic_nack can name it (spec/reliability 2.8)."""
    buffer = Frames(MAXIMUM)
    buffer.feed(encode_pdu(0x15, 0, 1) + struct.pack(">IIII", length, 4, 0, 0xDEADBEEF))
    found = iter(buffer)
    assert next(found) == (0x15, 0, 1, b"")
    with pytest.raises(FramingError) as refused:
        next(found)
    assert refused.value.sequence_number == 0xDEADBEEF


@pytest.mark.parametrize("length", [16, 17, MAXIMUM])
def test_the_legal_lengths_pass(length: int) -> None:
    """From a bare header to the maximum, both included."""
    buffer = Frames(MAXIMUM)
    body = bytes(length - 16)
    buffer.feed(encode_pdu(4, 0, 1, body))
    assert list(buffer) == [(4, 0, 1, body)]


def test_the_maximum_may_grow_between_two_frames() -> None:
    """A bind makes the PDU behind it, in the same read, legal."""
    buffer = Frames(20)
    buffer.feed(encode_pdu(1, 0, 1) + encode_pdu(4, 0, 2, bytes(100)))
    found = iter(buffer)
    next(found)
    buffer.maximum = 200
    assert next(found)[2] == 2


def test_put_back_comes_first() -> None:
    """A PDU that was held is read before what came after it."""
    buffer = Frames(MAXIMUM)
    buffer.feed(encode_pdu(4, 0, 1) + encode_pdu(4, 0, 2) + b"\0\0")
    assert next(iter(buffer))[2] == 1
    buffer.put_back(encode_pdu(4, 0, 9))
    assert [frame[2] for frame in buffer] == [9, 2]
    assert buffer.pending == 2


def test_clear_drops_everything() -> None:
    """Nothing of a dead session stays in memory."""
    buffer = Frames(MAXIMUM)
    buffer.feed(encode_pdu(4, 0, 1) + b"\0\0\0")
    buffer.clear()
    assert buffer.pending == 0
    assert list(buffer) == []


@pytest.mark.parametrize(
    ("start", "is_smpp"),
    [
        (b"GET / HTTP/1.1\r\n", False),
        (b"POST", False),
        (b"EHLO me\r\n", False),
        (b"\r\n\r\n", False),
        (b"\x16\x03\x01\x02\x00", False),
        (b"\xff\xff\xff\xff", True),
        (b"\x00\x00\x00\x0f", True),
        (b"\x01\x00\x00\x00", True),
    ],
)
def test_another_protocol_is_recognised(start: bytes, is_smpp: bool) -> None:
    """So that a log can say "not SMPP" (spec/reliability 2.8)."""
    buffer = Frames(MAXIMUM)
    buffer.feed(start)
    with pytest.raises(FramingError) as refused:
        list(buffer)
    assert refused.value.is_smpp is is_smpp
    assert ("not SMPP" in str(refused.value)) is not is_smpp

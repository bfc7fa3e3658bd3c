"""What a carrier and a phone make of the pieces we send, by a strict reading.

Written for the tests alone, bit by bit, so that it shares no mistake with the product;
only the tables of characters are the product's (their own tests look at them).
"""

from collections.abc import Iterable

import attrs

from luckgw.text import gsm7, national
from luckgw.text.alphabets import Encoding
from luckgw.text.segments import Piece


@attrs.frozen
class Shown:
    """One segment on the air."""

    reference: int
    total: int
    number: int
    text: str
    octets: int
    """Of user data, header included; 0 when the carrier makes the segments."""


def shown(piece: Piece, encoding: Encoding, *, packed: bool = False) -> Shown:
    """One piece, read alone."""
    tlvs = piece.tlvs or {}
    content = tlvs.get(0x0424, piece.short_message)
    assert (0x0424 in tlvs) == (not piece.short_message and content != b"")
    elements: dict[int, bytes] = {}
    header = content[0] + 1 if piece.udhi else 0
    at = 1
    while at < header:
        elements[content[at]] = content[at + 2 : at + 2 + content[at + 1]]
        at += 2 + content[at + 1]
    assert at == (header or 1)
    if 0 in elements:
        reference, total, number = elements[0]
    elif 8 in elements:
        reference = int.from_bytes(elements[8][:2], "big")
        total, number = elements[8][2:]
    elif 0x020C in tlvs:
        assert header == 0
        assert [len(tlvs[tag]) for tag in (0x020C, 0x020E, 0x020F)] == [2, 1, 1]
        reference = int.from_bytes(tlvs[0x020C], "big")
        (total,), (number,) = tlvs[0x020E], tlvs[0x020F]
        header = 6  # that the carrier will write
    else:
        reference, total, number = 0, 1, 1
    if 0x0424 in tlvs:
        octets = 0
    elif encoding is Encoding.GSM7 and not packed:
        septets = -(-8 * header // 7) + len(content) - (header if piece.udhi else 0)
        octets = -(-7 * septets // 8)
    else:
        octets = header + len(content) - (header if piece.udhi else 0)
    body = content[content[0] + 1 :] if piece.udhi else content
    if packed:
        body = _unpacked(content, len(content) - len(body))
    return Shown(reference, total, number, _text(body, encoding, elements), octets)


def joined(pieces: Iterable[Piece], encoding: Encoding, *, packed: bool = False) -> str:
    """What the phone shows in the end."""
    segments = [shown(piece, encoding, packed=packed) for piece in pieces]
    assert len({(each.reference, each.total) for each in segments}) == 1
    assert sorted(each.number for each in segments) == list(
        range(1, segments[0].total + 1)
    )
    return "".join(each.text for each in sorted(segments, key=lambda each: each.number))


def _unpacked(user_data: bytes, header: int) -> bytes:
    bits = "".join(f"{octet:08b}"[::-1] for octet in user_data)
    septets = [int(bits[at : at + 7][::-1], 2) for at in range(0, len(bits) - 6, 7)]
    if len(septets) % 8 == 0 and septets[-1:] == [13]:
        septets.pop()
    return bytes(septets[-(-8 * header // 7) :])


def _text(body: bytes, encoding: Encoding, elements: dict[int, bytes]) -> str:
    if encoding is Encoding.UCS2:
        return body.decode("utf-16-be")
    if encoding is Encoding.LATIN1:
        return body.decode("latin-1")
    if encoding is Encoding.ASCII:
        return body.decode("ascii")
    basic = dict(enumerate(gsm7.BASIC))
    if 0x25 in elements:
        basic = dict(national._LOCKING[national.Language(elements[0x25][0])])
    extension = dict(gsm7.EXTENSION)
    if 0x24 in elements:
        extension = dict(national._SINGLE[national.Language(elements[0x24][0])])
    text = ""
    septets = iter(body)
    for septet in septets:
        text += extension[next(septets)] if septet == 0x1B else basic[septet]
    return text

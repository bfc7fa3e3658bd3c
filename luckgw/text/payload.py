"""What stands in a short_message: its user data header, its alphabet, its octets."""

from collections.abc import Mapping
from typing import Final

import attrs

from luckgw.text import gsm7
from luckgw.text.alphabets import Encoding, decode
from luckgw.text.national import shift_of

_HEADER = 2  # octets of an information element before its data: identifier and length


@attrs.frozen
class UserData:
    """A payload taken apart."""

    data_coding: int
    """As it came."""
    encoding: Encoding | None
    """What ``octets`` are; None: binary, or an alphabet that we do not read."""
    octets: bytes
    """The content without its header; of GSM 7-bit one septet in each."""
    elements: Mapping[int, bytes] = attrs.field(factory=dict)
    """The information elements of the header, by identifier."""

    def text(self) -> str | None:
        """The text; None when it is none that we read. U+FFFD for what is garbled."""
        if self.encoding is None:
            return None
        return decode(self.octets, self.encoding, shift_of(self.elements))


def read(
    data_coding: int,
    payload: bytes,
    *,
    udhi: bool = False,
    default_alphabet: str = "gsm7",
    packed: bool = False,
) -> UserData:
    """A short_message or message_payload taken apart. Total for any octets of a peer.

    ``udhi`` is bit 0x40 of esm_class. ``default_alphabet`` (gsm7, latin1 or ascii) is
    what this peer means by data_coding 0; ``packed``: its GSM 7-bit comes eight septets
    in seven octets. Raises ValueError for a ``default_alphabet`` that is none.
    """
    elements, octets = split_udh(payload) if udhi else ({}, payload)
    encoding = encoding_of(data_coding, default_alphabet)
    if packed and encoding is Encoding.GSM7:
        octets = gsm7.unpack_closed(octets, len(payload) - len(octets))
    return UserData(data_coding, encoding, octets, elements)


# SMPP v3.4 5.2.19, and the groups of TS 23.038 4: with a message class (0x1_, 0xF_) and
# message waiting (0xC_ to 0xE_). Bits 3 and 2 of the first, bit 2 of the second are the
# alphabet. Compressed text is not read.
_ENCODINGS: Final = (
    {1: Encoding.ASCII, 3: Encoding.LATIN1, 8: Encoding.UCS2}
    | dict.fromkeys(
        [
            *range(0x10, 0x14),
            *range(0xC0, 0xE0),
            *range(0xF0, 0xF4),
            *range(0xF8, 0xFC),
        ],
        Encoding.GSM7,
    )
    | dict.fromkeys([*range(0x18, 0x1C), *range(0xE0, 0xF0)], Encoding.UCS2)
)


def encoding_of(data_coding: int, default_alphabet: str = "gsm7") -> Encoding | None:
    """The alphabet that ``data_coding`` names; 0 is the peer's default alphabet.

    None for binary, and for what we do not read. Raises ValueError for a
    ``default_alphabet`` that is none.
    """
    default = Encoding(default_alphabet)
    return default if data_coding == 0 else _ENCODINGS.get(data_coding)


def split_udh(payload: bytes) -> tuple[dict[int, bytes], bytes]:
    """The information elements of a payload that has UDHI set, and what follows them.

    3GPP TS 23.040 9.2.3.24: octet 0 is the header's length, then identifier, length and
    data of each element; of a repeated one the last counts; a header whose elements do
    not add up to its length is ignored. A header longer than the payload is none: the
    payload comes back whole. Total.
    """
    end = payload[0] + 1 if payload else 0
    if end > len(payload):
        return {}, payload
    elements = {}
    at = 1
    while at < end:
        data = at + _HEADER
        if data > end or data + payload[at + 1] > end:
            return {}, payload[end:]
        at = data + payload[data - 1]
        elements[payload[data - _HEADER]] = payload[data:at]
    return elements, payload[end:]

"""Characters out of the octets of a short_message, and its user data header.

For texts whole or already joined: a character that a peer cut in two reads as U+FFFD on
both sides of the cut.
"""

from collections.abc import Callable

from luckgw.text import gsm7

_HEADER = 2  # octets of an information element before its data: identifier and length


def _ascii(octets: bytes) -> str:
    return octets.decode("ascii", "replace")


def _latin1(octets: bytes) -> str:
    return octets.decode("latin-1")


def _ucs2(octets: bytes) -> str:
    return octets.decode("utf-16-be", "replace")


#: What data_coding 0, "SMSC default alphabet", means, by its name in configuration.
DEFAULT_ALPHABETS: dict[str, Callable[[bytes], str]] = {
    "gsm7": gsm7.decode,
    "latin1": _latin1,
    "ascii": _ascii,
}
_DECODERS: dict[int, Callable[[bytes], str]] = {1: _ascii, 3: _latin1, 8: _ucs2}


def decode_text(
    data_coding: int, payload: bytes, default_alphabet: str = "gsm7"
) -> str | None:
    """The text of ``payload`` (without UDH), or None when its data_coding is not text.

    data_coding after SMPP v3.4 5.2.19: 0 is the peer's default alphabet (a name of
    DEFAULT_ALPHABETS), 1 ASCII, 3 Latin-1, 8 UCS2. Octets that are no character in it
    give U+FFFD. Raises KeyError for an unknown ``default_alphabet``.
    """
    if data_coding == 0:
        return DEFAULT_ALPHABETS[default_alphabet](payload)
    decode = _DECODERS.get(data_coding)
    return None if decode is None else decode(payload)


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

"""The GSM 7-bit default alphabet and its extension table (3GPP TS 23.038 6.2.1).

On SMPP a septet travels in an octet of its own ("unpacked") and the SMSC packs; a
character of the extension table is two septets, ESC (0x1B) and its code.
"""

import codecs
import re

ESC = 0x1B
_CR = b"\r"

#: The character of each septet, in order; ESC stands for itself.
BASIC = (
    "@£$¥èéùìòÇ\nØø\rÅå"
    "Δ_ΦΓΛΩΠΨΣΘΞ\x1bÆæßÉ"
    " !\"#¤%&'()*+,-./"
    "0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNO"
    "PQRSTUVWXYZÄÖÑÜ§"
    "¿abcdefghijklmno"
    "pqrstuvwxyzäöñüà"
)
#: The characters that follow ESC, by their septet.
EXTENSION = {
    0x0A: "\f",
    0x14: "^",
    0x28: "{",
    0x29: "}",
    0x2F: "\\",
    0x3C: "[",
    0x3D: "~",
    0x3E: "]",
    0x40: "|",
    0x65: "€",
}


class NotGsm7(ValueError):
    """A character is not in the GSM 7-bit default alphabet or its extension table."""

    def __init__(self, character: str, position: int) -> None:
        super().__init__(
            f"U+{ord(character):04X} at position {position}"
            " is not in the GSM 7-bit default alphabet"
        )
        self.character = character
        """The first such character."""
        self.position = position
        """Where it is in the text, in characters, from 0."""


# Encoding goes through a table of one octet per character, because CPython has a fast C
# path for exactly that (charmap_build). Its rules shape the table: octet 0 must be NUL,
# so "@" waits at 0x80, and the extension characters, which become two septets, at 0x81
# and on. U+FFFE marks an octet that no character takes.
_AT = 0x80
_WAITING = {_AT + 1 + n: septet for n, septet in enumerate(EXTENSION)}
_ONE_OCTET_EACH = codecs.charmap_build(
    "\0"
    + BASIC[1:ESC]
    + "\ufffe"
    + BASIC[ESC + 1 :]
    + "@"
    + "".join(EXTENSION.values())
)
_ESCAPED = [(bytes([o]), bytes([ESC, septet])) for o, septet in _WAITING.items()]
_AT_TO_ZERO = bytes.maketrans(bytes([_AT]), b"\0")

_DECODED = BASIC + "\ufffd" * 128
_ESCAPE = re.compile("\x1b(.?)", re.DOTALL)
#: What ESC and a basic character mean together, both already decoded.
_AFTER_ESCAPE = {BASIC[septet]: c for septet, c in EXTENSION.items()}
_AFTER_ESCAPE[BASIC[ESC]] = _AFTER_ESCAPE[""] = " "

_FOREIGN = re.compile(
    "[^" + re.escape(BASIC.replace("\x1b", "") + "".join(EXTENSION.values())) + "]"
)


def encode(text: str) -> bytes:
    """The septets of ``text``, one in an octet, ESC pairs for the extension table.

    Raises NotGsm7 naming the first character that has no septet.
    """
    try:
        octets = codecs.charmap_encode(text, "strict", _ONE_OCTET_EACH)[0]
    except UnicodeEncodeError as error:
        # A NUL passes the table (see above), so one may stand before.
        nul = text.find("\0", 0, error.start)
        position = error.start if nul < 0 else nul
        raise NotGsm7(text[position], position) from None
    if b"\0" in octets:
        raise NotGsm7("\0", text.index("\0"))
    if octets.isascii():
        return octets
    for waiting, pair in _ESCAPED:
        octets = octets.replace(waiting, pair)
    return octets.translate(_AT_TO_ZERO)


def decode(septets: bytes) -> str:
    """The text of ``septets`` (one in an octet). Total: any octets give a text.

    ESC ESC, and an ESC at the end, are a space; ESC and a septet that is not in the
    extension table is that septet's basic character (TS 23.038 6.2.1.1). An octet above
    0x7F is no septet and gives U+FFFD.
    """
    text = codecs.charmap_decode(septets, "strict", _DECODED)[0]
    if "\x1b" in text:
        return _ESCAPE.sub(_escaped, text)
    return text


def _escaped(pair: re.Match[str]) -> str:
    follower = pair[1]
    return _AFTER_ESCAPE.get(follower, follower)


def foreign(text: str) -> list[tuple[int, str]]:
    """Every character that is in neither table, with its position from 0, in order."""
    return [(match.start(), match[0]) for match in _FOREIGN.finditer(text)]


_BITS = [f"{septet:07b}" for septet in range(128)]


def fill_bits(udh_octets: int) -> int:
    """The zero bits between a UDH of so many octets and packed text.

    TS 23.040 9.2.3.24: they put the first septet on a septet boundary of the user data.
    """
    return -udh_octets % 7


def pack(septets: bytes, fill: int = 0) -> bytes:
    """Septets (one in an octet) packed, eight into seven octets, behind ``fill`` bits.

    TS 23.038 6.1.2.1. Raises ValueError for an octet above 0x7F.
    """
    if not septets.isascii():
        raise ValueError("a septet is at most 0x7F")
    bits = "".join([_BITS[septet] for septet in reversed(septets)])
    number = int(bits or "0", 2) << fill
    return number.to_bytes((7 * len(septets) + fill + 7) // 8, "little")


def unpack(octets: bytes, fill: int = 0, count: int | None = None) -> bytes:
    """The septets (one in an octet) packed into ``octets`` after ``fill`` bits.

    ``count`` is how many there are; without it, all that fit, and then seven octets may
    hold seven septets and show an eighth, "@", that was never sent: give the count
    where the carrier does. A count that does not fit gives what fits.
    """
    fit = max(8 * len(octets) - fill, 0) // 7
    count = fit if count is None else min(count, fit)
    number = int.from_bytes(octets, "little") >> fill
    aligned = number.to_bytes(len(octets), "little")
    groups = [
        int.from_bytes(aligned[at : at + 7], "little")
        for at in range(0, len(aligned), 7)
    ]
    return bytes(
        [group >> shift & 0x7F for group in groups for shift in range(0, 56, 7)]
    )[:count]


def closed(septets: bytes, udh_octets: int) -> bytes:
    """``septets`` as they are packed behind a UDH of so many octets: so that they end
    where they end.

    Seven spare bits at the end would read as one more septet, "@". So they are filled
    with a CR; and since a CR there is taken for such filling, one that is meant is
    doubled, which shows the same (TS 23.038 6.1.2.3.1, written for USSD; on SMPP nobody
    tells how many septets there are either).
    """
    at = (_septets_of(udh_octets) + len(septets)) % 8
    if at == 7 or (at == 0 and septets.endswith(_CR)):  # noqa: PLR2004 - of 8 septets
        return septets + _CR
    return septets


def unpack_closed(octets: bytes, udh_octets: int) -> bytes:
    """The septets that were ``closed`` and packed behind a UDH of so many octets.

    A CR at the very end that is only filling is taken off.
    """
    septets = unpack(octets, fill_bits(udh_octets))
    if (_septets_of(udh_octets) + len(septets)) % 8 == 0:
        return septets.removesuffix(_CR)
    return septets


def _septets_of(udh_octets: int) -> int:
    return (8 * udh_octets + fill_bits(udh_octets)) // 7

"""Which alphabet a text travels in, and its octets in it.

Nothing is ever replaced by something else: what can not be sent whole is refused.
"""

import enum
import re

from luckgw.domain.errors import bad_request
from luckgw.text import gsm7, national
from luckgw.text.national import Shift


class Encoding(enum.StrEnum):
    """An alphabet; its value is its name in the API and in the configuration."""

    GSM7 = "gsm7"
    UCS2 = "ucs2"
    LATIN1 = "latin1"
    ASCII = "ascii"

    @property
    def data_coding(self) -> int:
        """SMPP v3.4 5.2.19: 1 is ASCII, 3 Latin-1, 8 UCS2. GSM 7-bit is 0, the SMSC's
        default alphabet, where it is that; it has no other.
        """
        return _DATA_CODINGS[self]

    def data_coding_at(self, default_alphabet: str) -> int:
        """The same for an upstream whose default alphabet that is: what is in it, 0.

        Raises ValueError for GSM 7-bit where something else is the default.
        """
        if self == default_alphabet:
            return 0
        if self is Encoding.GSM7:
            raise ValueError(f"{default_alphabet} is the default, not GSM 7-bit")
        return _DATA_CODINGS[self]


_DATA_CODINGS = {
    Encoding.GSM7: 0,
    Encoding.UCS2: 8,
    Encoding.LATIN1: 3,
    Encoding.ASCII: 1,
}
_CODECS = {
    Encoding.UCS2: "utf-16-be",
    Encoding.LATIN1: "latin-1",
    Encoding.ASCII: "ascii",
}

# C0 controls but LF, FF and CR (spec/features 3.12), and halves of a surrogate pair,
# which JSON can spell and no alphabet can carry.
_REFUSED = re.compile("[\0-\x09\x0b\x0e-\x1f\ud800-\udfff]")


def choose(text: str, default_alphabet: str = "gsm7") -> Encoding:
    """The encoding that carries every character of ``text``: the upstream's default
    alphabet (gsm7, latin1 or ascii) if it can, else UCS2.

    Raises what ``check`` does; ValueError for a ``default_alphabet`` that is none.
    """
    default = Encoding(default_alphabet)
    if not carries(default, text):
        default = Encoding.UCS2
    if default is not Encoding.GSM7:  # which has no other control characters
        check(text)
    return default


def carries(encoding: Encoding, text: str) -> bool:
    """Whether every character of ``text`` is in an alphabet."""
    try:
        encode(text, encoding)
    except ValueError:  # NotGsm7 and UnicodeEncodeError are such
        return False
    return True


def check(text: str) -> None:
    """Raises Refusal (the caller's fault, with the position) for what no text holds: a
    control character other than LF, FF and CR, or half a surrogate pair.
    """
    refused = _REFUSED.search(text)
    if refused is None:
        return
    raise bad_request(
        f"the text holds U+{ord(refused[0]):04X} at position {refused.start()},"
        " which can not be sent"
    )


def encode(text: str, encoding: Encoding, shift: Shift | None = None) -> bytes:
    """The octets of ``text``: septets one in an octet, UTF-16BE without a BOM, or one
    octet for each character. ``shift`` counts for GSM 7-bit alone.

    Raises ValueError when ``encoding`` is not one that ``choose`` could have chosen.
    """
    if encoding is Encoding.GSM7:
        return gsm7.encode(text) if shift is None else national.encode(text, shift)
    return text.encode(_CODECS[encoding])


def decode(octets: bytes, encoding: Encoding, shift: Shift | None = None) -> str:
    """The text of ``octets``, as ``encode`` makes them. Total.

    For texts whole or already joined. Octets that are no character give U+FFFD: so does
    a character that a peer cut in two, on both sides of the cut.
    """
    if encoding is Encoding.GSM7:
        return gsm7.decode(octets) if shift is None else national.decode(octets, shift)
    return octets.decode(_CODECS[encoding], "replace")

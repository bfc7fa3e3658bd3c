"""Which alphabet a text travels in: GSM 7-bit when every character fits, else UCS2.

Nothing is ever replaced by something else: what can not be sent whole is refused.
"""

import enum
import re

from luckgw.domain.errors import bad_request
from luckgw.text import gsm7


class Encoding(enum.StrEnum):
    """An alphabet we send in; its value is its name in the API: gsm7 or ucs2."""

    GSM7 = "gsm7"
    UCS2 = "ucs2"

    @property
    def data_coding(self) -> int:
        """SMPP v3.4 5.2.19: 0 is the SMSC's default alphabet, 8 is UCS2."""
        return 0 if self is Encoding.GSM7 else 8


# C0 controls but LF, FF and CR (spec/features 3.12), and halves of a surrogate pair,
# which JSON can spell and no alphabet can carry.
_REFUSED = re.compile("[\0-\x09\x0b\x0e-\x1f\ud800-\udfff]")


def choose(text: str) -> Encoding:
    """The encoding that carries every character of ``text``, GSM 7-bit if it can.

    Raises Refusal (the caller's fault, with the position) for a control character other
    than LF, FF and CR, and for half a surrogate pair.
    """
    try:
        gsm7.encode(text)
    except gsm7.NotGsm7:
        refused = _REFUSED.search(text)
        if refused is None:
            return Encoding.UCS2
        raise bad_request(
            f"the text holds U+{ord(refused[0]):04X} at position {refused.start()},"
            " which can not be sent"
        ) from None
    return Encoding.GSM7  # GSM has no control character but the three allowed


def encode(text: str, encoding: Encoding) -> bytes:
    """The octets of ``text``: septets one in an octet, or UTF-16BE without a BOM.

    Raises ValueError when ``encoding`` is not one that ``choose`` could have chosen.
    """
    if encoding is Encoding.GSM7:
        return gsm7.encode(text)
    return text.encode("utf-16-be")

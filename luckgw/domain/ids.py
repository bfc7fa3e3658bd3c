"""Message ids: a UUID4, 16 octets inside, 36 lower-case characters outside."""

import os
from collections.abc import Callable
from typing import Final

_POOL = 256  # ids drawn from the kernel at a time: a system call costs as much as ten


def uuid_source(urandom: Callable[[int], bytes] = os.urandom) -> Callable[[], bytes]:
    """A function that gives a fresh UUID4 (RFC 9562 5.4) as 16 octets at each call.

    ``uuid.uuid4()`` costs 3 us, this 0.4: it is on the hot path.
    """
    pool = b""
    at = 0

    def fresh() -> bytes:
        nonlocal pool, at
        if at >= len(pool):
            pool, at = urandom(16 * _POOL), 0
        raw = bytearray(pool[at : at + 16])
        at += 16
        raw[6] = raw[6] & 0x0F | 0x40
        raw[8] = raw[8] & 0x3F | 0x80
        return bytes(raw)

    return fresh


FORMS: Final = ("uuid", "hex32", "decimal", "hex8")
"""How an id can be written for an ESME (spec/features 2.6): in full, without hyphens,
as 20 digits, or as the eight hexadecimal digits that v3.3 has room for."""
DECIMAL: Final = 2
HEX8: Final = 3
_DECIMAL_DIGITS: Final = 20
_HEX8_DIGITS: Final = 8
_HEX8_OCTETS: Final = 4
MOST_MEMBERS: Final = 254
"""Messages of one submit_multi (v3.4 5.2.24)."""


def group_of(message_id: bytes) -> bytes:
    """The id of the group to which the message of a submit_multi belongs."""
    return message_id[:-1] + b"\0"


def members_of(group: bytes) -> list[bytes]:
    """The ids that the messages of a group can have, in their order."""
    return [group[:-1] + bytes((i,)) for i in range(1, MOST_MEMBERS + 1)]


def written(message_id: bytes, form: int) -> str:
    """An id in one of the FORMS, by its place there.

    The shorter ones are made of its first octets: eight of them are the 20 digits, four
    the eight hexadecimal ones. All members of a group have these in common.
    """
    if form == HEX8:
        return message_id[:_HEX8_OCTETS].hex()
    if form == DECIMAL:
        return f"{int.from_bytes(message_id[:8], 'big'):020d}"
    return message_id.hex() if form else to_text(message_id)


def alias_of(text: str) -> bytes | None:
    """The name under which the store finds an id in one of the shorter forms."""
    text = text.strip().lower()
    is_decimal = len(text) == _DECIMAL_DIGITS and text.isascii() and text.isdigit()
    is_hex = len(text) == _HEX8_DIGITS and not set(text) - set("0123456789abcdef")
    return text.encode() if is_decimal or is_hex else None


def to_text(message_id: bytes) -> str:
    """The 36-character form of a 16-octet id."""
    h = message_id.hex()
    return f"{h[:8]}-{h[8:12]}-{h[12:16]}-{h[16:20]}-{h[20:]}"


def from_text(text: str) -> bytes | None:
    """The 16 octets of an id in any case, with or without hyphens; else None."""
    digits = text.strip().replace("-", "")
    if len(digits) != 32:  # noqa: PLR2004 - 16 octets in hexadecimal
        return None
    try:
        return bytes.fromhex(digits)
    except ValueError:
        return None

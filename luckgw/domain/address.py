"""Telephone numbers and sender IDs: what is plausible, and what SMPP calls it."""

import re

LONGEST_NUMBER = 15  # digits, ITU-T E.164
LONGEST_ALPHANUMERIC = 11  # characters on a phone, 3GPP TS 23.040 9.1.2.5
LONGEST_SOURCE = 20  # octets of source_addr, SMPP v3.4 5.2.8
LONGEST_SHORT_CODE = 6  # digits

#: Type of number and numbering plan indicator (SMPP v3.4 5.2.5, 5.2.6).
UNKNOWN_ISDN = (0, 1)
INTERNATIONAL = (1, 1)
NETWORK_SPECIFIC = (3, 0)
ALPHANUMERIC = (5, 0)

_INTERNATIONAL = re.compile(r"[1-9][0-9]*")
_DIGITS = re.compile(r"[0-9]+")
_SHORTEST_NUMERIC_SENDER = 3
_MOST_WRITTEN = 40  # characters that are looked at: 15 digits, generously decorated
# What people write between digits: spaces (also unbreakable ones), dots, hyphens (also
# the typographic ones) and brackets.
_SEPARATORS = dict.fromkeys(map(ord, " \t\xa0\u202f.-\u2010\u2011()[]"))

# The basic alphabet of 3GPP TS 23.038 6.2.1, without ESC, LF and CR. A sender ID has no
# room for characters of the extension table.
_GSM_BASIC = frozenset(
    "@£$¥èéùìòÇØøÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)


def normalise_number(text: str, least: int = 8) -> str | None:
    """The digits of an international number, without ``+``; None if it is not one.

    ``+233...``, ``00233...`` and separators are accepted, ``0501234567`` (the local
    form) is not; ``least`` to 15 digits (spec/features 3.6).
    """
    if _INTERNATIONAL.fullmatch(text) is None:
        if len(text) > _MOST_WRITTEN:
            return None
        text = text.translate(_SEPARATORS)
        text = text[1:] if text[:1] == "+" else text.removeprefix("00")
        if _INTERNATIONAL.fullmatch(text) is None:
            return None
    return text if least <= len(text) <= LONGEST_NUMBER else None


def ton_npi(source: str) -> tuple[int, int]:
    """The type of number and the numbering plan of a source address.

    Letters: alphanumeric. Up to 6 digits: a short code. A number that can be
    international, with or without ``+``: that. Other digits (the local form, or too
    many): unknown (spec/features 2.12).
    """
    digits = source.removeprefix("+")
    if _DIGITS.fullmatch(digits) is None:
        return ALPHANUMERIC
    if len(source) <= LONGEST_SHORT_CODE:
        return NETWORK_SPECIFIC
    if digits[0] != "0" and len(digits) <= LONGEST_NUMBER:
        return INTERNATIONAL
    return UNKNOWN_ISDN


def is_alphanumeric_sender(text: str, most: int = LONGEST_ALPHANUMERIC) -> bool:
    """1 to ``most`` characters of the GSM basic alphabet, no control characters."""
    return 1 <= len(text) <= most and _GSM_BASIC.issuperset(text)


def is_plausible_sender(text: str) -> bool:
    """Whether it can be sent as the sender (spec/reliability 7.5).

    3 to 15 digits with or without ``+``, or what is no number: a name of GSM basic
    characters. A phone shows 11 of them; up to SMPP's 20 are let through, because the
    portal's own example, LuckCreators, has 12 and carriers do take such.
    """
    digits = text.removeprefix("+")
    if _DIGITS.fullmatch(digits):
        return _SHORTEST_NUMERIC_SENDER <= len(digits) <= LONGEST_NUMBER
    return is_alphanumeric_sender(text, LONGEST_SOURCE)

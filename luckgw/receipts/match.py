"""Which message a receipt is about, and what the receipts of all its segments make."""

from collections.abc import Callable, Sequence

from luckgw.domain.states import State


def canonical(raw: bytes, form: str) -> bytes:
    """The one form under which an id in a submit_sm_resp and in its receipt are equal.

    ``form`` is how the carrier writes it there (a name of FORMS), which may differ
    between the two (spec/reliability 2.12):

    - ``text``: letters in lower case, leading zeros gone;
    - ``hex``, ``dec``: the integer, of any size, as decimal digits without zeros in
      front. A value that is no such number is taken as ``text``.

    So 0x1F2E in a response with ``hex`` and 7982 in a receipt with ``dec`` are one.
    Spaces and NULs around do not count; zeros alone are ``b"0"``; nothing is ``b""``.
    Raises KeyError for an unknown form.
    """
    return FORMS[form](raw.strip(_AROUND))


_AROUND = b"\0 \t\r\n"


def _text(raw: bytes) -> bytes:
    return raw.lower().lstrip(b"0") or raw[:1]  # raw[:1]: all zeros, or empty


def _hex(raw: bytes) -> bytes:
    # int() also takes signs, spaces and underscores, which are no digits of an id.
    if raw.isalnum():
        try:
            return b"%d" % int(raw, 16)
        except ValueError:
            pass
    return _text(raw)


def _dec(raw: bytes) -> bytes:
    # Digits without zeros before are what text gives too, and no integer is too long.
    return _text(raw)


FORMS: dict[str, Callable[[bytes], bytes]] = {"text": _text, "hex": _hex, "dec": _dec}
"""The ways a carrier writes its ids."""


# -- ids that are written in another form than configured -----------------------------

_HEX_DIGITS = frozenset(b"0123456789abcdef")
_UUID_DIGITS = 32


def _from_hex(text: bytes) -> bytes:
    return b"%d" % int(text, 16) if text and _HEX_DIGITS.issuperset(text) else b""


def _to_hex(text: bytes) -> bytes:
    return b"%x" % int(text) if text.isdigit() else b""


def _without_dashes(text: bytes) -> bytes:
    return text.replace(b"-", b"") if b"-" in text else b""


def _with_dashes(text: bytes) -> bytes:
    if len(text) != _UUID_DIGITS or not _HEX_DIGITS.issuperset(text):
        return b""
    parts = (text[:8], text[8:12], text[12:16], text[16:20], text[20:])
    return b"-".join(parts)


OTHER_FORMS: dict[str, Callable[[bytes], bytes]] = {
    "as written": lambda text: text,
    "receipt in hexadecimal, answer in decimal": _from_hex,
    "receipt in decimal, answer in hexadecimal": _to_hex,
    "receipt with dashes, answer without": _without_dashes,
    "receipt without dashes, answer with": _with_dashes,
}
"""How else a receipt's id may be that of a submit_sm_resp; b"": not in that way."""


def other_form(raw: bytes, name: str) -> bytes:
    """The canonical id under which a receipt's id is looked for in another form.

    ``raw`` is the id as the receipt has it, ``name`` one of OTHER_FORMS. b"" when it
    can not be read so. Raises KeyError for an unknown name.
    """
    text = raw.strip(_AROUND).lower()[:_LONGEST]
    return _text(OTHER_FORMS[name](text))


def is_same_number(one: bytes, other: bytes) -> bool:
    """Whether two addresses are one phone's, written with or without prefix.

    Equal but for zeros and a plus in front, or one the end of the other with at least
    eight digits: the national form. What is not all digits is never the same.
    """
    one, other = (number.lstrip(b"+0") for number in (one, other))
    if not (one.isdigit() and other.isdigit()):
        return False
    short, long = sorted((one, other), key=len)
    return short == long or (len(short) >= _LEAST_DIGITS and long.endswith(short))


_LEAST_DIGITS = 8
_LONGEST = 64


def message_state(segment_states: Sequence[State]) -> State:
    """The state of a message from those of all its segments (spec/features 3.21).

    ``segment_states``: at least one, in the order in which they were reached. While a
    segment is not final the message is not: it is where the one furthest behind is.
    Then it is DELIVERED when all are, else what the first that failed is. So it never
    goes back while none of its segments does.
    """
    behind = min(segment_states)
    if not behind.is_final:
        return behind
    for state in segment_states:
        if state is not State.DELIVERED:
            return state
    return State.DELIVERED


def is_same_minute(date: str, from_ms: int, until_ms: int) -> bool:
    """Whether a receipt's date may lie between two times, whatever its zone.

    Zones differ by quarters of an hour, so only the minute within the quarter counts,
    give or take one: clocks differ, too. A date that can not be read fits nothing.
    """
    minute_at = _MINUTE_AT.get(len(date))
    if minute_at is None or not (date.isascii() and date.isdigit()):
        return False
    minute = int(date[minute_at : minute_at + 2])
    first, last = from_ms // 60_000 - 1, until_ms // 60_000 + 1
    return (minute - first) % _QUARTER <= last - first


_MINUTE_AT = {10: 8, 12: 8, 14: 10}
"""Digits of a date -> where its minute stands: YYMMDDhhmm, then ss, or with YYYY."""
_QUARTER = 15

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

"""A deliver_sm (or data_sm) as the delivery receipt it may be. Hot path, and total.

Sources: SMPP v3.4 5.2.12 (esm_class), Appendix B (the text), 5.3.2.12, 5.3.2.31 and
5.3.2.35 (the TLVs); spec/features 2.5 for what carriers really write.
"""

import re
from collections.abc import Mapping

import attrs

from luckgw.domain.states import State
from luckgw.receipts.words import STANDARD, Words

_KIND = 0x3C  # the bits of esm_class that say what a deliver_sm is
_INTERMEDIATE = 0x20
_RECEIPTS = frozenset({0x04, _INTERMEDIATE})
_ACKNOWLEDGEMENTS = frozenset({0x08, 0x10})
_UDHI = 0x40

_RECEIPTED_MESSAGE_ID = 0x001E
_NETWORK_ERROR_CODE = 0x0423
_MESSAGE_PAYLOAD = 0x0424
_MESSAGE_STATE = 0x0427

_NETWORK_ERROR_CODE_OCTETS = 3
_ERR_OCTETS = 8  # what carriers use at most; a longer one is cut here


@attrs.define
class Receipt:
    """What a carrier says of one message (one segment of ours)."""

    message_id: bytes
    """As the carrier wrote it, without NULs and spaces around; b"" when absent."""
    state: State
    """UNKNOWN when the carrier says nothing, or a word that nobody knows."""
    stat: str
    """The word after ``stat:``, as written; "" when there is none."""
    err: str
    """The network's error code, at most 8 characters; "" when there is none."""
    done_date: str
    """As written: usually 10, 12 or 14 digits, in the carrier's zone; "" if absent."""
    submit_date: str
    """As ``done_date``."""
    intermediate: bool
    """An intermediate notification (esm_class 0x20): by its kind it settles nothing."""


_NO_TLVS: Mapping[int, bytes] = {}

#: What id, submit date, done date, stat and err say, in this order; b"" when absent.
Fields = tuple[bytes, bytes, bytes, bytes, bytes]

# The text as Appendix B prints it, which nearly all carriers do. Whatever differs in
# any way goes through fields(), which reads this form alike (the tests see to that).
COMMON = re.compile(
    rb"id:([^\s\0]*) sub:[^\s\0]* dlvrd:[^\s\0]*"
    rb" submit date:([0-9]*) done date:([0-9]*)"
    rb" stat:([^\s\0]*) err:([^\s\0]{0,8})(?: [Tt]ext:|\Z)"
)
_match_common = COMMON.match

_LABEL = re.compile(
    rb"(?<!\S)(id|sub|dlvrd|submit[ _]?date|done[ _]?date|stat|err|text):",
    re.IGNORECASE,
)
_reads_like_receipt = re.compile(rb"id:\S+ .*stat:", re.IGNORECASE | re.DOTALL).match


def parse(
    esm_class: int,
    short_message: bytes,
    tlvs: Mapping[int, bytes] | None,
    words: Words = STANDARD,
) -> Receipt | None:
    """The receipt in a deliver_sm or data_sm, or None when it is something else.

    It is one when esm_class says so (SMSC delivery receipt or intermediate
    notification; the acknowledgements of an SME are none), and also when esm_class says
    nothing but there is a receipted_message_id or a text that reads like a receipt. The
    latter may be a phone's message made up to look so: it is for the caller to see
    whether the id is one that was sent (``esm_class & 0x3C == 0`` tells this case).

    TLVs win over the text, each for itself; the text may be in message_payload. What
    the carrier's ``words`` mean is its own affair. Never raises: what can not be read
    is absent.
    """
    if tlvs is None:
        tlvs = _NO_TLVS
    text = short_message or tlvs.get(_MESSAGE_PAYLOAD, b"")
    kind = esm_class & _KIND
    if kind not in _RECEIPTS and not (kind == 0 and _is_disguised(text, tlvs)):
        return None

    match = _match_common(text)
    found = match.groups() if match else fields(_without_udh(esm_class, text))
    message_id, submit_date, done_date, stat_word, err_word = found
    stat = stat_word.decode("latin-1")
    err = err_word.decode("latin-1")
    state = None
    if tlvs:
        value = tlvs.get(_RECEIPTED_MESSAGE_ID, b"")
        message_id = value.partition(b"\0")[0].strip() or message_id
        value = tlvs.get(_MESSAGE_STATE, b"")
        state = words.by_message_state.get(value)
        value = tlvs.get(_NETWORK_ERROR_CODE, b"")
        if len(value) == _NETWORK_ERROR_CODE_OCTETS:
            err = f"{value[1] << 8 | value[2]:03d}"
    if state is None:
        state = words.state_of(stat)

    return Receipt(
        message_id,
        state,
        stat,
        err,
        done_date.decode("latin-1"),
        submit_date.decode("latin-1"),
        kind == _INTERMEDIATE,
    )


def is_acknowledgement(esm_class: int) -> bool:
    """Whether a deliver_sm is an acknowledgement that a phone or its user sent.

    (SME delivery or manual/user acknowledgement, v3.4 5.2.12.) It is asked for with
    bits 3-2 of registered_delivery and is no receipt: it goes the way of messages from
    phones.
    """
    return esm_class & _KIND in _ACKNOWLEDGEMENTS


def _is_disguised(text: bytes, tlvs: Mapping[int, bytes]) -> bool:
    return _RECEIPTED_MESSAGE_ID in tlvs or _reads_like_receipt(text) is not None


def _without_udh(esm_class: int, text: bytes) -> bytes:
    """``text`` behind its UDH; carriers also set UDHI where there is none."""
    if esm_class & _UDHI and text and not _LABEL.match(text):
        return text[text[0] + 1 :]
    return text


def fields(text: bytes) -> Fields:
    """The fields of a receipt text in any form: any order, any case, any one absent.

    The first of a label counts. ``text:`` holds the start of the customer's own
    message, so what looks like a label behind it counts only when none stood before it,
    and then the last one, because the real ones follow the message.

    NULs are dropped, which also reads a receipt that came in UCS2. Total.
    """
    text = text.replace(b"\0", b"")
    before: dict[bytes, bytes] = {}
    behind: dict[bytes, bytes] = {}
    in_text = False
    labels = list(_LABEL.finditer(text))
    ends = [label.start() for label in labels[1:]] + [len(text)]
    for label, end in zip(labels, ends, strict=False):
        name = label[1].lower().translate(None, b" _")
        words = text[label.end() : end].split(None, 1)
        word = words[0] if words else b""
        if name == b"text":
            in_text = True
        elif in_text:
            behind[name] = word
        else:
            before.setdefault(name, word)
    found = behind | before
    return (
        found.get(b"id", b""),
        found.get(b"submitdate", b""),
        found.get(b"donedate", b""),
        found.get(b"stat", b""),
        found.get(b"err", b"")[:_ERR_OCTETS],
    )

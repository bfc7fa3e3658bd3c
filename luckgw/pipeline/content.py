"""What becomes of a partner's content on its way to an upstream.

It goes as it came wherever that reads the same there. Otherwise a text is written anew:
in the upstream's alphabet when the two mean different ones by one data_coding, in the
upstream's form when it does not fit one segment. What is no text, has ports or another
header of its own, and parts that the partner cut, is not touched (spec/features 2.9).
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Final

import attrs

from luckgw.domain.errors import Refusal, bad_request
from luckgw.domain.status import Status
from luckgw.text import gsm7
from luckgw.text.alphabets import Encoding, carries, encode
from luckgw.text.national import LOCKING_SHIFT, SINGLE_SHIFT, shift_of
from luckgw.text.payload import UserData, encoding_of, read
from luckgw.text.segments import (
    MESSAGE_PAYLOAD,
    SAR_MSG_REF_NUM,
    SAR_SEGMENT_SEQNUM,
    SAR_TOTAL_SEGMENTS,
    USER_DATA,
    Piece,
    count,
)
from luckgw.text.writer import Wishes, Writer
from luckgw.wire.pdus import MAX_SHORT_MESSAGE, Command, Sm

ALPHABETS: Final = ("gsm7", "latin1", "ascii")
"""What a partner can mean by data_coding 0."""

_DATA_SM: Final = int(Command.DATA_SM)
_UDHI: Final = 0x40
_SEPTETS: Final = 160  # in one segment
_ANEW: Final = -1
_CONCATENATIONS: Final = frozenset({0x00, 0x08})  # TS 23.040 9.2.3.24.1 and .8
_NATIONAL: Final = frozenset({SINGLE_SHIFT, LOCKING_SHIFT})
_SAR: Final = (SAR_MSG_REF_NUM, SAR_TOTAL_SEGMENTS, SAR_SEGMENT_SEQNUM)
_CONCATENATION = 6  # octets of the header that an SMSC makes of the SAR TLVs


@attrs.frozen
class Content:
    """What goes out in place of what came."""

    pieces: Sequence[Piece]
    data_coding: int
    segments: int
    """On the air."""


def rooms(writer: Writer, *, always_anew: bool) -> Mapping[str, Sequence[int]]:
    """How long a short_message may be that goes as it came, without a closer look.

    For each alphabet that a partner can mean by data_coding 0, and each data_coding;
    -1: none. ``always_anew``: other fields have to be changed anyway.
    """
    return {
        alphabet: [
            _ANEW if always_anew else _room(data_coding, alphabet, writer)
            for data_coding in range(256)
        ]
        for alphabet in ALPHABETS
    }


def _room(data_coding: int, alphabet: str, writer: Writer) -> int:
    encoding = encoding_of(data_coding, alphabet)
    if _is_foreign(data_coding, encoding, writer):
        return _ANEW
    return _SEPTETS if encoding is Encoding.GSM7 else USER_DATA


def _is_foreign(data_coding: int, encoding: Encoding | None, writer: Writer) -> bool:
    """Whether the upstream reads something else, or nothing, where this is meant."""
    if encoding is Encoding.GSM7 and writer.packed:
        return True
    if data_coding == 0:
        return encoding is not writer.alphabet
    if encoding in (Encoding.LATIN1, Encoding.ASCII):
        return writer.also is not None and encoding not in writer.also
    return False


def content_of(
    sm: Sm,
    default_alphabet: str,
    writer: Writer,
    wishes: Wishes,
    reference: Callable[[], int],
) -> Content:
    """The content of a submit_sm or data_sm as an upstream is to get it.

    ``default_alphabet`` is what the partner means by data_coding 0; ``reference`` gives
    one for the parts of a long text. Raises Refusal for more segments than may be, and
    for a part that can not be written in an alphabet that the upstream takes.
    """
    has_header = bool(sm.esm_class & _UDHI)
    user_data = read(
        sm.data_coding, sm.payload, udhi=has_header, default_alphabet=default_alphabet
    )
    text = _text(user_data)
    encoding = user_data.encoding
    elements = user_data.elements.keys()
    if text is None or encoding is None or elements - _CONCATENATIONS - _NATIONAL:
        return _unchanged(sm, wishes, writer)
    is_foreign = _is_foreign(sm.data_coding, encoding, writer)
    if elements & _CONCATENATIONS or (not has_header and _sar(sm)):
        return _part(sm, user_data, text, writer) if is_foreign else _unchanged_part(sm)
    shift = shift_of(user_data.elements)
    if not is_foreign and sm.short_message and count(text, encoding, shift) == 1:
        return _unchanged_part(sm)
    if is_foreign and encoding is not writer.alphabet:
        written = writer.write(text, reference(), wishes)
    else:
        # What the upstream does not take by a data_coding of its own is its default.
        in_default = is_foreign and encoding is not Encoding.GSM7
        data_coding = 0 if in_default else sm.data_coding
        written = writer.write_as(
            text, encoding, data_coding, shift, reference(), wishes
        )
    return Content(written.pieces, written.data_coding, written.segments)


def _text(user_data: UserData) -> str | None:
    """The text; None when it is none, or does not hold all of the octets."""
    text = user_data.text()
    if text is None or user_data.encoding is None or "\ufffd" not in text:
        return text
    try:
        again = encode(text, user_data.encoding, shift_of(user_data.elements))
    except ValueError:
        return None
    return text if again == user_data.octets else None


def _sar(sm: Sm) -> dict[int, bytes]:
    """The TLVs that make it a part of a long message; empty: it is none."""
    tlvs = sm.tlvs or {}
    found: dict[int, bytes] = {tag: tlvs[tag] for tag in _SAR if tag in tlvs}
    return found if len(found) == len(_SAR) else {}


# -- as it came ------------------------------------------------------------------------


def _unchanged_part(sm: Sm) -> Content:
    """One segment, whose header goes before SAR TLVs: both together are not allowed."""
    has_header = bool(sm.esm_class & _UDHI)
    tlvs = {} if has_header else _sar(sm)
    short_message = sm.short_message
    if not short_message and len(sm.payload) <= MAX_SHORT_MESSAGE:
        short_message = sm.payload
    elif not short_message:
        tlvs[MESSAGE_PAYLOAD] = sm.payload
    return Content([Piece(short_message, has_header, tlvs)], sm.data_coding, 1)


def _unchanged(sm: Sm, wishes: Wishes, writer: Writer) -> Content:
    """What is not read: it stays where it is, in message_payload if it was there."""
    has_header = bool(sm.esm_class & _UDHI)
    payload = sm.payload
    tlvs = {} if has_header else _sar(sm)
    segments = 1
    room = _SEPTETS if encoding_of(sm.data_coding) is Encoding.GSM7 else USER_DATA
    if len(payload) > room:
        header = payload[0] + 1 if has_header else 0
        content = len(payload) - header
        in_each = max(room - _CONCATENATION - max(header - 1, 0), 1)
        segments = -(-content // in_each)
        limit = min(wishes.max_segments, writer.max_segments)
        if segments > limit:
            raise bad_request(
                f"the message needs {segments} segments, at most {limit} are allowed",
                Status.ESME_RINVMSGLEN,
            )
    if sm.short_message or (
        sm.command_id == _DATA_SM and len(payload) <= MAX_SHORT_MESSAGE
    ):
        return Content([Piece(payload, has_header, tlvs)], sm.data_coding, segments)
    if MESSAGE_PAYLOAD in (sm.tlvs or {}):
        tlvs[MESSAGE_PAYLOAD] = payload
    return Content([Piece(b"", has_header, tlvs)], sm.data_coding, segments)


# -- a part that the partner cut, in another alphabet ----------------------------------


def _part(sm: Sm, user_data: UserData, text: str, writer: Writer) -> Content:
    """The same part, with its header, in an alphabet that the upstream takes."""
    header = sm.payload[: len(sm.payload) - len(user_data.octets)]
    tlvs = {} if header else _sar(sm)
    room = USER_DATA - (len(header) or _CONCATENATION)
    encoding = user_data.encoding
    assert encoding is not None  # noqa: S101 - it is a text
    if writer.packed and encoding is Encoding.GSM7:  # with national tables or not
        octets = _packed(user_data.octets, len(header))
        return Content([Piece(header + octets, bool(header), tlvs)], sm.data_coding, 1)
    if shift_of(user_data.elements) is None:
        for other, data_coding in _alphabets(encoding, writer):
            if not carries(other, text):
                continue
            octets = encode(text, other)
            if not _fits(octets, text, other, room):
                continue
            if other is Encoding.GSM7 and writer.packed:
                octets = _packed(octets, len(header))
            return Content([Piece(header + octets, bool(header), tlvs)], data_coding, 1)
    raise _unwritable()


def _alphabets(came: Encoding, writer: Writer) -> list[tuple[Encoding, int]]:
    """What to write a part in, the best first, each with its data_coding."""
    found = [(writer.alphabet, 0)]
    if came is not Encoding.GSM7 and (writer.also is None or came in writer.also):
        found.append((came, came.data_coding))
    return [*found, (Encoding.UCS2, Encoding.UCS2.data_coding)]


def _fits(octets: bytes, text: str, encoding: Encoding, room: int) -> bool:
    """Whether a part still fits one segment on the air."""
    septets = 8 * room // 7
    if encoding is Encoding.GSM7:
        return len(octets) <= septets
    if len(octets) <= room:
        return True
    # An SMSC writes 8-bit text in septets when it can.
    return (
        encoding is not Encoding.UCS2
        and carries(Encoding.GSM7, text)
        and len(gsm7.encode(text)) <= septets
    )


def _packed(septets: bytes, header: int) -> bytes:
    closed = gsm7.closed(septets, header)
    octets = gsm7.pack(closed, gsm7.fill_bits(header))
    if header + len(octets) > USER_DATA:
        # A full part has no room for filling. If it ends with a CR, some carriers take
        # that for such, which nothing can be done about.
        octets = gsm7.pack(septets, gsm7.fill_bits(header))
    return octets


def _unwritable() -> Refusal:
    return bad_request(
        "this part of a long message can not be written in an alphabet that the"
        " carrier takes; send the text whole, in message_payload",
        Status.ESME_RINVMSGLEN,
    )

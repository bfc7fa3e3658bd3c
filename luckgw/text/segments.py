"""A text cut into segments: what each submit_sm carries.

User data is 140 octets: 160 septets, 140 characters of an 8-bit alphabet or 70 UCS2
units. A longer text becomes parts that a phone joins. How they say that they belong
together is the form that an upstream wants (spec/features 2.9).
"""

import enum
import functools
import re
import struct
import unicodedata
from collections.abc import Iterable, Iterator
from typing import Final

import attrs

from luckgw.domain.errors import bad_request
from luckgw.domain.status import Status
from luckgw.text import gsm7
from luckgw.text.alphabets import Encoding, encode
from luckgw.text.national import Language, Shift, shifts

MAX_SEGMENTS = 255
"""As many as any form can number."""
USER_DATA = 140
"""Octets that one short message carries on the air (TS 23.040 9.2.3.24)."""

SAR_MSG_REF_NUM: Final = 0x020C
SAR_TOTAL_SEGMENTS: Final = 0x020E
SAR_SEGMENT_SEQNUM: Final = 0x020F
MESSAGE_PAYLOAD: Final = 0x0424

_HIGH_SURROGATE: Final = 0xD8 >> 2  # the first six bits of such a unit


class Form(enum.StrEnum):
    """How the parts of a long text are told from each other. Its value is its name in
    the configuration.
    """

    UDH8 = "udh8"
    """A user data header ``05 00 03 rr tt ss`` (TS 23.040 9.2.3.24.1)."""
    UDH16 = "udh16"
    """A user data header ``06 08 04 rr rr tt ss`` (TS 23.040 9.2.3.24.8)."""
    SAR = "sar"
    """The TLVs sar_msg_ref_num, sar_total_segments, sar_segment_seqnum (SMPP v3.4
    5.3.2.22-24); the SMSC makes a header of them, for which room is left."""
    PAYLOAD = "payload"
    """The whole text in the TLV message_payload (SMPP v3.4 5.3.2.32); the SMSC cuts."""


@attrs.frozen
class Piece:
    """What one submit_sm carries."""

    short_message: bytes
    udhi: bool = False
    """Whether the content starts with a user data header: esm_class 0x40."""
    tlvs: dict[int, bytes] | None = None


@attrs.frozen
class _Cutting:
    """What a text is cut by."""

    encoding: Encoding
    shift: Shift | None
    packed: bool
    udh_octets: int
    """Of the user data header that is written, its length octet included; 0: none."""
    room: int
    """Octets of content in a segment; a septet is an octet until it is packed."""

    def encode(self, text: str) -> bytes:
        return encode(text, self.encoding, self.shift)

    def whole(self, octets: bytes) -> bytes:
        """``octets`` without half a character at their end."""
        if self.encoding is Encoding.GSM7 and octets[-1] == gsm7.ESC:
            return octets[:-1]
        if self.encoding is Encoding.UCS2 and octets[-2] >> 2 == _HIGH_SURROGATE:
            return octets[:-2]
        return octets

    def characters(self, octets: bytes) -> int:
        """How many characters ``octets``, which are whole, are."""
        if self.encoding is Encoding.GSM7:
            return len(octets) - octets.count(gsm7.ESC)
        if self.encoding is Encoding.UCS2:
            return len(octets.decode("utf-16-be"))
        return len(octets)

    def closed(self, octets: bytes) -> bytes:
        """``octets`` and what must follow them in a segment that ends there."""
        return gsm7.closed(octets, self.udh_octets) if self.packed else octets

    def fits(self, octets: bytes) -> bool:
        return len(self.closed(octets)) <= self.room

    def written(self, octets: bytes) -> bytes:
        """``octets`` as they stand behind the header."""
        if not self.packed:
            return octets
        return gsm7.pack(self.closed(octets), gsm7.fill_bits(self.udh_octets))


@functools.cache
def _cutting(
    encoding: Encoding, form: Form | None, shift: Shift | None, packed: bool
) -> _Cutting:
    """By what a text is cut; ``form`` None: into one segment.

    Where the SMSC makes the header, it is taken to be the 8-bit one.
    """
    header = len(_header(b"" if shift is None else shift.elements))
    if form is not None:
        header = max(header, 1) + (6 if form is Form.UDH16 else 5)
    octets = USER_DATA - header
    room = {Encoding.GSM7: 8 * octets // 7, Encoding.UCS2: octets // 2 * 2}
    written = 0 if form is Form.SAR else header
    return _Cutting(encoding, shift, packed, written, room.get(encoding, octets))


def cut(
    text: str,
    encoding: Encoding,
    form: Form,
    reference: int,
    limit: int = MAX_SEGMENTS,
    *,
    shift: Shift | None = None,
    packed: bool = False,
) -> list[Piece]:
    """The pieces to send for ``text``, in order; always at least one.

    A text that fits one segment is sent as it is, whatever the form. No cut falls
    inside an ESC pair or a surrogate pair, nor inside a grapheme cluster that fits one
    segment.

    - ``encoding`` is what ``choose(text, ...)`` gave.
    - ``reference``, 0-65535, is not to be repeated to the same destination while its
      parts may still be joined. UDH8 has room for its low octet only.
    - ``limit``: of segments on the air, also where the SMSC cuts.
    - ``shift``: national tables to write GSM 7-bit in (``choose_shift``). Their header
      and SAR exclude each other (SMPP v3.4 5.3.2.22).
    - ``packed``: GSM 7-bit goes eight septets in seven octets.

    Raises Refusal when the text needs more than ``limit`` segments: nothing is ever cut
    off. Raises ValueError for options that do not go together.
    """
    if (shift is not None or packed) and encoding is not Encoding.GSM7:
        raise ValueError("national tables and packing are for GSM 7-bit")
    if not 0 <= reference <= 0xFFFF:  # noqa: PLR2004 - 16 bits
        raise ValueError(f"{reference} is no reference")
    if shift is not None and form is Form.SAR:
        raise ValueError("national tables need a header, which excludes SAR")
    elements = b"" if shift is None else shift.elements
    octets = encode(text, encoding, shift)
    whole = _cutting(encoding, None, shift, packed)
    if whole.fits(octets):
        short_message = _header(elements) + whole.written(octets)
        return [Piece(short_message, bool(elements))]
    cutting = _cutting(encoding, form, shift, packed)
    parts = list(_parts(text, octets, cutting))
    total = len(parts)
    if total > min(limit, MAX_SEGMENTS):
        raise bad_request(
            f"the text needs {total} segments, at most {min(limit, MAX_SEGMENTS)}"
            " are allowed",
            Status.ESME_RINVMSGLEN,
        )
    if form is Form.PAYLOAD:
        payload = _header(elements) + whole.written(octets)
        return [Piece(b"", bool(elements), {MESSAGE_PAYLOAD: payload})]
    return [
        _piece(cutting.written(part), form, (reference, total, number), elements)
        for number, part in enumerate(parts, 1)
    ]


def _header(elements: bytes) -> bytes:
    """A user data header of these information elements, or nothing."""
    return bytes((len(elements),)) + elements if elements else b""


_udh_8 = struct.Struct(">BBBBB").pack
_udh_16 = struct.Struct(">BBHBB").pack


def _piece(
    octets: bytes, form: Form, place: tuple[int, int, int], elements: bytes
) -> Piece:
    """A part: ``place`` is its reference, the total, its number."""
    reference, total, number = place
    if form is Form.SAR:
        tlvs = {
            SAR_MSG_REF_NUM: reference.to_bytes(2, "big"),
            SAR_TOTAL_SEGMENTS: bytes((total,)),
            SAR_SEGMENT_SEQNUM: bytes((number,)),
        }
        return Piece(octets, tlvs=tlvs)
    if form is Form.UDH8:
        concatenation = _udh_8(0, 3, reference & 0xFF, total, number)
    else:
        concatenation = _udh_16(8, 4, reference, total, number)
    return Piece(_header(concatenation + elements) + octets, udhi=True)


def count(
    text: str,
    encoding: Encoding,
    shift: Shift | None = None,
    form: Form = Form.UDH8,
    *,
    packed: bool = False,
) -> int:
    """How many segments ``text`` takes on the air, also where the SMSC cuts.

    The arguments are those of ``cut``; more than MAX_SEGMENTS are counted.
    """
    octets = encode(text, encoding, shift)
    packed = packed and encoding is Encoding.GSM7
    if _cutting(encoding, None, shift, packed).fits(octets):
        return 1
    cutting = _cutting(encoding, form, shift, packed)
    return sum(1 for _ in _parts(text, octets, cutting))


def choose_shift(
    text: str,
    languages: Iterable[Language],
    form: Form = Form.UDH8,
    *,
    packed: bool = False,
) -> Shift | None:
    """The national tables that save segments against UCS2; None when none does, or when
    ``text`` needs none.

    ``languages``: those that may be used, the preferred ones first. Of ways that are
    equally short the one with the smallest header wins. ``form`` and ``packed`` are
    those that ``cut`` will be asked for.
    """
    if not gsm7.foreign(text):
        return None
    best, fewest = None, count(text, Encoding.UCS2, None, form)
    for language in languages:
        for shift in shifts(language):
            try:
                segments = count(text, Encoding.GSM7, shift, form, packed=packed)
            except gsm7.NotGsm7:
                continue
            if segments < fewest:
                best, fewest = shift, segments
    return best


# -- where to cut ----------------------------------------------------------------------

_ZWJ = "\u200d"
# What continues the character before it without being a mark (general category M):
# conjoining Jamo vowels and finals, joiners, half-width sound marks, skin tones, tags.
_EXTENDS = re.compile(
    "[\u1160-\u11ff\ud7b0-\ud7fb\u200c\u200d\uff9e\uff9f"
    "\U0001f3fb-\U0001f3ff\U000e0020-\U000e007f]"
)


def _parts(text: str, octets: bytes, cutting: _Cutting) -> Iterator[bytes]:
    """The content of each segment; ``octets`` are those of ``text``."""
    room = cutting.room
    start = first = 0  # the same place, in octets and in characters
    while len(octets) - start > room or not cutting.fits(octets[start:]):
        part = cutting.whole(octets[start : start + room])
        end = first + cutting.characters(part)
        if cutting.packed:
            # Only the last part may be filled up; a grapheme is worth less than that.
            while cutting.closed(part) != part:
                end -= 1
                part = cutting.encode(text[first:end])
        elif (better := _outside_cluster(text, first, end, cutting)) < end:
            end = better
            part = cutting.encode(text[first:end])
        yield part
        start += len(part)
        first = end
    yield octets[start:]


def _outside_cluster(text: str, first: int, end: int, cutting: _Cutting) -> int:
    """``end``, or the start of the grapheme cluster that a cut there would break.

    A cluster that no segment can hold whole, or that has the segment (from ``first``)
    for itself already, is cut where it must be.
    """
    begin = end
    while begin > first and _continues(text, begin, first):
        begin -= 1
    if begin in (first, end):
        return end
    beyond = end + 1
    while cutting.fits(cutting.encode(text[begin:beyond])):
        if beyond >= len(text) or not _continues(text, beyond, begin):
            return begin
        beyond += 1
    return end


def _continues(text: str, at: int, boundary: int) -> bool:
    """Whether the character at ``at`` belongs to the grapheme cluster before it.

    After Unicode's UAX 29, as far as it matters to a reader: marks, variation
    selectors, joiners, skin tones, tags, Jamo and flags. ``boundary`` is a place before
    ``at`` where a cluster starts: which two letters make a flag is counted from there.
    """
    here = text[at]
    if text[at - 1] == _ZWJ or _EXTENDS.match(here):
        return True
    if unicodedata.category(here).startswith("M"):
        return True
    if not _is_flag_letter(here):
        return False
    before = at
    while before > boundary and _is_flag_letter(text[before - 1]):
        before -= 1
    return (at - before) % 2 == 1


def _is_flag_letter(character: str) -> bool:
    return "\U0001f1e6" <= character <= "\U0001f1ff"

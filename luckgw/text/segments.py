"""A text cut into segments: what each submit_sm carries as its short_message.

User data is 140 octets: 160 septets or 70 UCS2 units. A longer text becomes parts that
start with a concatenation UDH (3GPP TS 23.040 9.2.3.24.1), six octets, which leaves 153
septets or 67 units.
"""

import re
import unicodedata
from collections.abc import Iterator

import attrs

from luckgw.domain.errors import bad_request
from luckgw.domain.status import Status
from luckgw.text import gsm7
from luckgw.text.alphabets import Encoding, choose, encode

MAX_SEGMENTS = 255
"""As many as the UDH can number."""

_WHOLE_GSM7, _PART_GSM7 = 160, 153  # octets, one septet in each
_WHOLE_UCS2, _PART_UCS2 = 140, 134  # octets, two for each unit

_SURROGATE_BITS, _LOW_SURROGATE = 0xFC, 0xDC  # in the first octet of a unit

_ZWJ = "\u200d"
# What continues the character before it without being a mark (general category M):
# conjoining Jamo vowels and finals, joiners, half-width sound marks, skin tones, tags.
_EXTENDS = re.compile(
    "[\u1160-\u11ff\ud7b0-\ud7fb\u200c\u200d\uff9e\uff9f"
    "\U0001f3fb-\U0001f3ff\U000e0020-\U000e007f]"
)


def split(
    text: str, encoding: Encoding, reference: int, limit: int = MAX_SEGMENTS
) -> list[bytes]:
    """The short_message of each segment, in order; always at least one.

    One that fits alone has no UDH. Of several, each starts with ``05 00 03`` and
    ``reference`` (0-255, not to be repeated to the same destination while its parts may
    still be joined), the total and its number from 1: send them with UDHI (esm_class
    0x40). No cut falls inside an ESC pair or a surrogate pair, nor inside a grapheme
    cluster that fits one segment.

    ``encoding`` is what ``choose(text)`` gave. Raises Refusal when the text needs more
    than ``limit`` segments: nothing is ever cut off.
    """
    pieces = _pieces(text, encoding)
    total = len(pieces)
    if total > min(limit, MAX_SEGMENTS):
        raise bad_request(
            f"the text needs {total} segments, at most {min(limit, MAX_SEGMENTS)}"
            " are allowed",
            Status.ESME_RINVMSGLEN,
        )
    if total == 1:
        return pieces
    return [
        bytes((5, 0, 3, reference, total, number)) + piece
        for number, piece in enumerate(pieces, 1)
    ]


def count(text: str) -> tuple[int, Encoding]:
    """How many segments ``text`` takes, and in what. Raises what ``choose`` does."""
    encoding = choose(text)
    return len(_pieces(text, encoding)), encoding


@attrs.frozen
class Preview:
    """What sending a text would take."""

    segments: int
    encoding: Encoding
    forcing: tuple[tuple[int, str], ...]
    """The characters that force UCS2, each with its position (characters, from 0)."""


def preview(text: str) -> Preview:
    """What ``text`` takes, and which characters make it dearer.

    Raises what ``choose`` does. More than MAX_SEGMENTS are counted, not refused.
    """
    segments, encoding = count(text)
    return Preview(segments, encoding, tuple(gsm7.foreign(text)))


def _pieces(text: str, encoding: Encoding) -> list[bytes]:
    octets = encode(text, encoding)
    if encoding is Encoding.GSM7:
        if len(octets) <= _WHOLE_GSM7:
            return [octets]
        return list(_gsm7_pieces(octets))
    if len(octets) <= _WHOLE_UCS2:
        return [octets]
    return list(_ucs2_pieces(text, octets))


def _gsm7_pieces(octets: bytes) -> Iterator[bytes]:
    start = 0
    while len(octets) - start > _PART_GSM7:
        end = start + _PART_GSM7
        if octets[end - 1] == gsm7.ESC:
            end -= 1
        yield octets[start:end]
        start = end
    yield octets[start:]


def _ucs2_pieces(text: str, octets: bytes) -> Iterator[bytes]:
    start = first = 0  # the same place, in octets and in characters
    while len(octets) - start > _PART_UCS2:
        end = start + _PART_UCS2
        if octets[end] & _SURROGATE_BITS == _LOW_SURROGATE:
            end -= 2  # its other half comes along
        cut = first + len(octets[start:end].decode("utf-16-be"))
        better = _outside_cluster(text, first, cut)
        if better < cut:
            end -= _octets(text[better:cut])
            cut = better
        yield octets[start:end]
        start, first = end, cut
    yield octets[start:]


def _outside_cluster(text: str, first: int, cut: int) -> int:
    """``cut``, or the start of the grapheme cluster it would break.

    A cluster that no segment can hold whole, or that has the segment (from ``first``)
    for itself already, is cut where it must be.
    """
    begin = cut
    while begin > first and _continues(text, begin, first):
        begin -= 1
    end = cut
    while _octets(text[begin:end]) <= _PART_UCS2:
        if end == len(text) or not _continues(text, end, begin):
            return begin
        end += 1
    return cut


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


def _octets(text: str) -> int:
    return len(text.encode("utf-16-be"))

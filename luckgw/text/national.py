"""The national language tables beside GSM 7-bit (3GPP TS 23.038 6.2.1.2 and Annex A).

A language has a single shift table, which takes the extension table's place behind ESC,
and most have a locking shift table, which takes the default alphabet's. Which ones are
used stands in the user data header (TS 23.040 9.2.3.24.15 and .16), so they cost
octets, and a phone that does not know them shows wrong letters: they are for those who
ask.

Where the specification prints an evident slip, the tables hold what phones took it for:
Kannada 0x24 is DDA (printed PA, which 0x3D is), Oriya 0x20 its digit four (printed
Tamil's), Telugu 0x1C its digit zero (printed Kannada's), and Tamil and Telugu 0x11,
printed with code points that are no characters, are empty.
"""

import codecs
import enum
import functools
import re
from collections.abc import Iterator, Mapping
from typing import Final

import attrs

from luckgw.text import gsm7

SINGLE_SHIFT: Final = 0x24
"""Identifier of the information element with the single shift table's language."""
LOCKING_SHIFT: Final = 0x25
"""The same for the locking shift table."""


class Language(enum.IntEnum):
    """A national language identifier (TS 23.038 6.2.1.2.4)."""

    TURKISH = 1
    SPANISH = 2
    PORTUGUESE = 3
    BENGALI = 4
    GUJARATI = 5
    HINDI = 6
    KANNADA = 7
    MALAYALAM = 8
    ORIYA = 9
    PUNJABI = 10
    TAMIL = 11
    TELUGU = 12
    URDU = 13


def _from(start: int, characters: str) -> dict[int, str]:
    return dict(enumerate(characters, start))


_DEFAULT: Final = {n: c for n, c in enumerate(gsm7.BASIC) if n != gsm7.ESC}

# What the tables of languages 4 to 13 have in common, and which septets (in this order)
# are each language's own. The others, ESC among them, mean nothing.
_COMMON_LOCKING: Final = (
    {0x0A: "\n", 0x0D: "\r", 0x28: ")", 0x29: "(", 0x2C: ",", 0x2E: ".", 0x3F: "?"}
    | _from(0x20, " !")
    | _from(0x30, "0123456789:;")
    | _from(0x61, "abcdefghijklmnopqrstuvwxyz")
)
_OWN_LOCKING: Final = tuple(
    n for n in range(128) if n not in _COMMON_LOCKING and n != gsm7.ESC
)
_COMMON_SINGLE: Final = (
    {0x28: "{", 0x29: "}", 0x2F: "\\", 0x65: "€"}
    | _from(0x00, "@£$¥¿\"¤%&'\f*+")
    | _from(0x0E, "-/<=>¡^¡_#*")
    | _from(0x3C, "[~]")
    | _from(0x40, "|ABCDEFGHIJKLMNOPQRSTUVWXYZ")
)
_OWN_SINGLE: Final = (
    *(0x19, 0x1A),
    *range(0x1C, 0x28),
    *range(0x2A, 0x2F),
    *range(0x30, 0x3C),
    0x3F,
)


def _code_points(written: str) -> Iterator[str | None]:
    """Characters written as ``981-983 985 .``: code points, ranges, a dot for none."""
    for each in written.split():
        if each == ".":
            yield None
            continue
        first, _, last = each.partition("-")
        yield from map(chr, range(int(first, 16), int(last or first, 16) + 1))


def _filled(
    common: Mapping[int, str], own: tuple[int, ...], written: str
) -> dict[int, str]:
    cells = zip(own, _code_points(written), strict=False)
    return {**common, **{n: c for n, c in cells if c is not None}}


_LOCKING: Final[Mapping[Language, Mapping[int, str]]] = {
    Language.TURKISH: _DEFAULT
    | {0x04: "€", 0x07: "\u0131", 0x0B: "Ğ", 0x0C: "ğ", 0x1C: "Ş", 0x1D: "ş"}
    | {0x40: "İ", 0x60: "ç"},
    Language.PORTUGUESE: _DEFAULT
    | {0x04: "ê", 0x0B: "Ô", 0x0C: "ô", 0x0E: "Á", 0x0F: "á", 0x24: "º", 0x40: "Í"}
    | {0x60: "~"}
    | _from(0x06, "úíóç")
    | _from(0x12, "ªÇÀ∞^\\€Ó|")
    | _from(0x1C, "ÂâÊ")
    | _from(0x5B, "ÃÕÚ")
    | _from(0x7B, "ãõ`"),
} | {
    language: _filled(_COMMON_LOCKING, _OWN_LOCKING, written)
    for language, written in {
        Language.BENGALI: "981-983 985-98C . . 98F-990 . . 993-9A8 . 9AA-9B0 . 9B2 . ."
        " . 9B6-9B9 9BC-9C4 . . 9C7-9C8 . . 9CB-9CE 9D7 9DC-9DD 9F0-9F1",
        Language.GUJARATI: "A81-A83 A85-A8D . A8F-A91 . A93-AA8 . AAA-AB0 . AB2-AB3 ."
        " AB5-AB9 ABC-AC5 . AC7-AC9 . ACB-ACD AD0 AE0-AE3 AF1",
        Language.HINDI: "901-903 905-939 93C-94D 950 972 97B-97C 97E-97F",
        Language.KANNADA: ". C82-C83 C85-C8C . C8E-C90 . C92-CA8 . CAA-CB3 . CB5-CB9"
        " CBC-CC4 . CC6-CC8 . CCA-CCD CD5-CD6 CE0-CE3",
        Language.MALAYALAM: ". D02-D03 D05-D0C . D0E-D10 . D12-D28 . D2A-D39 . D3D-D44"
        " . D46-D48 . D4A-D4D D57 D60-D63 D79",
        Language.ORIYA: "B01-B03 B05-B0C . . B0F-B10 . . B13-B28 . B2A-B30 . B32-B33 ."
        " B35-B39 B3C-B44 . . B47-B48 . . B4B-B4D B56-B57 B60-B63",
        Language.PUNJABI: "A01-A03 A05-A0A . . . . A0F-A10 . . A13-A28 . A2A-A30 ."
        " A32-A33 . A35-A36 . A38-A39 A3C . A3E-A42 . . . . A47-A48 . . A4B-A4D A51"
        " A70-A74",
        Language.TAMIL: ". B82-B83 B85-B8A . . . B8E-B90 . B92-B95 . . . B99-B9A . B9C"
        " . B9E-B9F . . . BA3-BA4 . . . BA8-BAA . . . BAE-BB9 . . BBE-BC2 . . . BC6-BC8"
        " . BCA-BCD BD0 BD7 BF0-BF2 BF9",
        Language.TELUGU: "C01-C03 C05-C0C . C0E-C10 . C12-C28 . C2A-C33 . C35-C39 ."
        " C3D-C44 . C46-C48 . C4A-C4D C55-C56 C60-C63",
        Language.URDU: "627 622 628 67B 680 67E 6A6 62A 6C2 67F 679 67D 67A 67C 62B-62C"
        " 681 684 683 685-687 62D-62F 68C 688-68A 68F 68D 630-631 691 693 699 632 696"
        " 698 69A 633-639 641-642 6A9-6AB 6AF 6B3 6B1 644-646 6BA-6BC 648 6C4 6D5 6C1"
        " 6BE 621 6CC 6D0 6D2 64D 650 64F 657 654-655 651 653 656 670",
    }.items()
}

_SINGLE: Final[Mapping[Language, Mapping[int, str]]] = {
    Language.TURKISH: gsm7.EXTENSION
    | {0x47: "Ğ", 0x49: "İ", 0x53: "Ş", 0x63: "ç", 0x67: "ğ"}
    | {0x69: "\u0131", 0x73: "ş"},
    Language.SPANISH: gsm7.EXTENSION
    | {0x09: "ç", 0x41: "Á", 0x49: "Í", 0x4F: "Ó", 0x55: "Ú", 0x61: "á", 0x69: "í"}
    | {0x6F: "ó", 0x75: "ú"},
    Language.PORTUGUESE: gsm7.EXTENSION
    | {0x05: "ê", 0x09: "ç", 0x0B: "Ô", 0x0C: "ô", 0x0E: "Á", 0x0F: "á", 0x12: "Φ"}
    | {0x13: "Γ", 0x15: "Ω", 0x16: "Π", 0x17: "Ψ", 0x18: "Σ", 0x19: "Θ", 0x1F: "Ê"}
    | {0x41: "À", 0x49: "Í", 0x4F: "Ó", 0x55: "Ú", 0x5B: "Ã", 0x5C: "Õ", 0x61: "Â"}
    | {0x69: "í", 0x6F: "ó", 0x75: "ú", 0x7B: "ã", 0x7C: "õ", 0x7F: "â"},
} | {
    language: _filled(_COMMON_SINGLE, _OWN_SINGLE, written)
    for language, written in {
        Language.BENGALI: "9E6-9EF 9DF-9E3 9F2-9FA",
        Language.GUJARATI: "964-965 AE6-AEF",
        Language.HINDI: "964-96F 951-954 958-963 970-971",
        Language.KANNADA: "964-965 CE6-CEF CDE CF1-CF2",
        Language.MALAYALAM: "964-965 D66-D75 D7A-D7F",
        Language.ORIYA: "964-965 B66-B6F B5C-B5D B5F B70-B71",
        Language.PUNJABI: "964-965 A66-A6F A59-A5C A5E A75",
        Language.TAMIL: "964-965 BE6-BEF BF3-BF8 BFA",
        Language.TELUGU: ". . C66-C6F C58-C59 C78-C7F",
        Language.URDU: "600-601 6F0-6F9 60C-614 61B 61F 640 652 658 66B-66C 672-673 6CD"
        " 6D4",
    }.items()
}


@attrs.frozen
class Shift:
    """The tables that a text is written in. None stands for the default one."""

    locking: Language | None = attrs.field(default=None)
    single: Language | None = None

    @locking.validator
    def _has_a_table(self, _attribute: object, language: Language | None) -> None:
        if language is not None and language not in _LOCKING:
            raise ValueError(f"{language.name} has no locking shift table")

    @property
    def elements(self) -> bytes:
        """The information elements that say so in a user data header."""
        elements = b""
        if self.single is not None:
            elements += bytes((SINGLE_SHIFT, 1, self.single))
        if self.locking is not None:
            elements += bytes((LOCKING_SHIFT, 1, self.locking))
        return elements


def shift_of(elements: Mapping[int, bytes]) -> Shift | None:
    """The tables that the elements of a user data header ask for, None for the default.

    A language that does not exist, or has no such table, is as not named. Total.
    """
    single = _language(elements.get(SINGLE_SHIFT), _SINGLE)
    locking = _language(elements.get(LOCKING_SHIFT), _LOCKING)
    return None if single is locking is None else Shift(locking, single)


def _language(
    data: bytes | None, tables: Mapping[Language, Mapping[int, str]]
) -> Language | None:
    if data is None or len(data) != 1:
        return None
    return next((language for language in tables if language == data[0]), None)


def shifts(language: Language) -> tuple[Shift, ...]:
    """The ways to write a language, those with the shortest header first."""
    if language not in _LOCKING:
        return (Shift(single=language),)
    return (
        Shift(single=language),
        Shift(locking=language),
        Shift(locking=language, single=language),
    )


def encode(text: str, shift: Shift) -> bytes:
    """The septets of ``text``, one in an octet, in the tables of ``shift``.

    Raises gsm7.NotGsm7 naming the first character that has no septet in them.
    """
    try:
        return b"".join(map(_encoding(shift).__getitem__, text))
    except KeyError as error:
        raise gsm7.NotGsm7(error.args[0], text.index(error.args[0])) from None


def decode(septets: bytes, shift: Shift) -> str:
    """The text of ``septets`` (one in an octet). Total, as ``gsm7.decode``.

    ESC and a septet that its table does not have is that septet without ESC. What the
    locking table does not have gives U+FFFD.
    """
    basic, after_escape = _decoding(shift)
    pieces = _ESCAPE.split(septets)  # plain, what followed ESC, plain ...
    decoded = [codecs.charmap_decode(plain, "strict", basic)[0] for plain in pieces]
    decoded[1::2] = [
        after_escape.get(follower, character)
        for follower, character in zip(pieces[1::2], decoded[1::2], strict=True)
    ]
    return "".join(decoded)


_ESCAPE = re.compile(b"\x1b(.?)", re.DOTALL)


def _tables(shift: Shift) -> tuple[Mapping[int, str], Mapping[int, str]]:
    basic = _DEFAULT if shift.locking is None else _LOCKING[shift.locking]
    single = gsm7.EXTENSION if shift.single is None else _SINGLE[shift.single]
    return basic, single


@functools.cache
def _encoding(shift: Shift) -> dict[str, bytes]:
    """The shortest way to write each character; of two equal ones the lower septet."""
    basic, single = _tables(shift)
    ways = {c: bytes((gsm7.ESC, n)) for n, c in sorted(single.items(), reverse=True)}
    return ways | {c: bytes((n,)) for n, c in basic.items()}


@functools.cache
def _decoding(shift: Shift) -> tuple[str, dict[bytes, str]]:
    """A character for each octet, and those that follow an ESC, by their octet."""
    basic, single = _tables(shift)
    after_escape = {bytes((n,)): c for n, c in single.items()}
    after_escape[b""] = after_escape[bytes((gsm7.ESC,))] = " "
    return "".join(basic.get(n, "\ufffd") for n in range(256)), after_escape

"""Transliteration to GSM 7-bit: what is dear becomes what looks like it.

It is for those who ask. Typographic marks become those of a typewriter, letters with
accents that GSM does not have lose them. What has no likeness stays, never a ``?`` in
its place, and the text goes as UCS2.
"""

import re
import unicodedata
from typing import Final

import attrs

from luckgw.text import gsm7


@attrs.frozen
class Foreign:
    """A character that is not in GSM 7-bit, with the accents that stand on it."""

    position: int
    """Where it starts in the text, in characters, from 0."""
    characters: str
    """It and its combining marks; also a GSM character whose marks are not in GSM."""
    replacement: str | None
    """What transliteration puts in its place, in GSM 7-bit; None: it has nothing."""


@attrs.frozen
class Transliterated:
    """A text after transliteration."""

    text: str
    foreign: tuple[Foreign, ...]
    """Every character that was not in GSM 7-bit, in order; those without a replacement
    are still there."""


def transliterate(text: str) -> Transliterated:
    """``text`` with a GSM 7-bit likeness in place of each character that has one.

    What can be sent in GSM 7-bit stays as it is. Once more changes nothing.
    """
    pieces: list[str] = []
    foreign = []
    at = 0
    for start, end in _foreign_places(text):
        characters = text[start:end]
        replacement = _likeness(characters)
        foreign.append(Foreign(start, characters, replacement))
        if replacement is not None:
            pieces += text[at:start], replacement
            at = end
    return Transliterated("".join([*pieces, text[at:]]), tuple(foreign))


def _foreign_places(text: str) -> list[list[int]]:
    """Where foreign characters start and end, each together with its marks."""
    places: list[list[int]] = []
    for position, character in gsm7.foreign(text):
        if position == 0 or not unicodedata.category(character).startswith("M"):
            places.append([position, position + 1])
        elif places and places[-1][1] == position:
            places[-1][1] += 1
        else:  # the mark stands on a character of GSM
            places.append([position - 1, position + 1])
    return places


# -- what looks alike ------------------------------------------------------------------

_LIKENESSES: Final = {
    character: likeness
    for likeness, characters in {
        "'": "`\xb4\u02b9\u02bb\u02bc\u2018\u2019\u201a\u201b\u2032\u2035\u2039\u203a",
        '"': "\xab\xbb\u02ba\u201c\u201d\u201e\u201f\u2033\u2036",
        "-": "\u2010\u2011\u2012\u2013\u2014\u2015\u2043\u2212",
        "*": "\u2022\u2023\u2217\u2219",
        "/": "\u2044\u2215",
        "|": "\xa6",
        "^": "\u02c6",
        "~": "\u02dc\u223c",
        "\n": "\x85\u2028\u2029",
        "": "\xad\u200b\u2060\ufeff",  # invisible: soft hyphen, zero width spaces
        "(c)": "\N{COPYRIGHT SIGN}",
        "(r)": "\N{REGISTERED SIGN}",
        "(tm)": "\N{TRADE MARK SIGN}",
        "x": "\N{MULTIPLICATION SIGN}",
        "d": "\N{LATIN SMALL LETTER ETH}",
        "D": "\N{LATIN CAPITAL LETTER ETH}",
        "i": "\N{LATIN SMALL LETTER DOTLESS I}",
        "oe": "\N{LATIN SMALL LIGATURE OE}",
        "OE": "\N{LATIN CAPITAL LIGATURE OE}",
        "SS": "\N{LATIN CAPITAL LETTER SHARP S}",
        "th": "\N{LATIN SMALL LETTER THORN}",
        "Th": "\N{LATIN CAPITAL LETTER THORN}",
    }.items()
    for character in characters
} | dict(
    # Greek capitals that Latin ones look like; GSM has the others.
    zip(
        "\u0391\u0392\u0395\u0396\u0397\u0399\u039a\u039c\u039d\u039f\u03a1\u03a4\u03a5\u03a7",
        "ABEZHIKMNOPTYX",
        strict=True,
    )
)
# Kinds of compatibility decompositions (Unicode, UAX 44) that keep the meaning: the
# others would make 102 of a ten with an exponent, and 21/2 of two and a half.
_KEEP_MEANING: Final = {"<compat>", "<font>", "<noBreak>", "<wide>"}
_LATIN: Final = re.compile("LATIN (SMALL|CAPITAL) LETTER ([A-Z]) WITH ")


def _likeness(characters: str) -> str | None:
    """A character and its marks, as one in GSM 7-bit, or else without the marks."""
    composed = unicodedata.normalize("NFC", characters)
    return _of_one(composed[0]) if all(map(_is_accent, composed[1:])) else None


def _of_one(character: str) -> str | None:
    if not gsm7.foreign(character):
        return character
    likeness = _LIKENESSES.get(character)
    if likeness is not None:
        return likeness
    if unicodedata.category(character) == "Zs":
        return " "
    likeness = _of_decomposition(unicodedata.decomposition(character).split())
    if likeness is not None:
        return likeness
    latin = _LATIN.match(unicodedata.name(character, ""))
    if latin is None:
        return None
    return latin[2].lower() if latin[1] == "SMALL" else latin[2]


def _of_decomposition(fields: list[str]) -> str | None:
    """The likeness of what a character decomposes into; ``fields`` as Unicode's file
    has them: perhaps the kind, then code points.
    """
    kind = fields.pop(0) if fields and fields[0].startswith("<") else None
    parts = [chr(int(field, 16)) for field in fields]
    if kind is None and parts:  # an accented letter, or the same character once more
        return _of_one(parts[0]) if all(map(_is_accent, parts[1:])) else None
    if kind not in _KEEP_MEANING:
        return None
    likenesses = [_of_one(part) for part in parts]
    return None if None in likenesses else "".join(filter(None, likenesses))


def _is_accent(mark: str) -> bool:
    """Whether it only decorates; vowel signs and the like are letters of their own."""
    name = unicodedata.name(mark, "")
    return name.startswith(("COMBINING ", "VARIATION SELECTOR-"))

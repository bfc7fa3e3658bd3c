import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from luckgw.text import gsm7

# 3GPP TS 23.038 6.2.1, as its table prints it: a row per high nibble.
TABLE = """\
@ £ $ ¥ è é ù ì ò Ç LF Ø ø CR Å å
Δ _ Φ Γ Λ Ω Π Ψ Σ Θ Ξ ESC Æ æ ß É
SP ! " # ¤ % & ' ( ) * + , - . /
0 1 2 3 4 5 6 7 8 9 : ; < = > ?
¡ A B C D E F G H I J K L M N O
P Q R S T U V W X Y Z Ä Ö Ñ Ü §
¿ a b c d e f g h i j k l m n o
p q r s t u v w x y z ä ö ñ ü à
"""
NAMED = {"LF": "\n", "CR": "\r", "SP": " "}
BASIC = {
    NAMED.get(cell, cell): 16 * high + low
    for high, row in enumerate(TABLE.splitlines())
    for low, cell in enumerate(row.split())
    if cell != "ESC"
}
# TS 23.038 6.2.1.1.
EXTENSION = {
    "\f": 0x0A,
    "^": 0x14,
    "{": 0x28,
    "}": 0x29,
    "\\": 0x2F,
    "[": 0x3C,
    "~": 0x3D,
    "]": 0x3E,
    "|": 0x40,
    "\N{EURO SIGN}": 0x65,
}
ALPHABET = [*BASIC, *EXTENSION]

gsm_text = st.text(st.sampled_from(ALPHABET))
septet_strings = st.lists(st.integers(0, 0x7F)).map(bytes)


class TestEncode:
    @pytest.mark.parametrize(("character", "septet"), BASIC.items())
    def test_basic(self, character: str, septet: int) -> None:
        """Each character of the default alphabet is its septet, both ways."""
        assert gsm7.encode(character) == bytes([septet])
        assert gsm7.decode(bytes([septet])) == character

    @pytest.mark.parametrize(("character", "septet"), EXTENSION.items())
    def test_extension(self, character: str, septet: int) -> None:
        """Each character of the extension table is ESC and its septet, both ways."""
        assert gsm7.encode(character) == bytes([0x1B, septet])
        assert gsm7.decode(bytes([0x1B, septet])) == character

    def test_code_points(self) -> None:
        """The letters that look alike in a source file are the right code points."""
        greek = "\u0394\u03a6\u0393\u039b\u03a9\u03a0\u03a8\u03a3\u0398\u039e"
        assert gsm7.encode(greek) == bytes.fromhex("10 12 13 14 15 16 17 18 19 1a")
        assert gsm7.encode("\u00c7\u00a4\u00a1\u00a7\u00bf") == b"\x09\x24\x40\x5f\x60"

    @pytest.mark.parametrize(
        "character",
        [
            "`",
            "\t",
            "\0",
            "\x1b",
            "ç",
            "\u0391",
            "µ",
            "²",
            "\u2019",
            "я",
            "😀",
            "\ud83d",
        ],
    )
    def test_foreign(self, character: str) -> None:
        """What is not in the alphabet is refused by name and place, first one first."""
        text = f"€@[{character}`\0я"
        with pytest.raises(gsm7.NotGsm7) as caught:
            gsm7.encode(text)
        assert caught.value.character == character
        assert caught.value.position == 3
        assert f"U+{ord(character):04X} at position 3" in str(caught.value)

    def test_only_the_alphabet(self) -> None:
        """Of all characters in the BMP, exactly those of the two tables encode."""
        encodable = set()
        for code in range(0x10000):
            try:
                gsm7.encode(chr(code))
            except gsm7.NotGsm7:
                continue
            encodable.add(chr(code))
        assert encodable == set(ALPHABET)

    @given(gsm_text)
    def test_round_trip(self, text: str) -> None:
        """What is encoded decodes to itself, one octet for each septet."""
        octets = gsm7.encode(text)
        assert gsm7.decode(octets) == text
        assert len(octets) == sum(2 if c in EXTENSION else 1 for c in text)

    @given(st.text())
    def test_foreign_characters(self, text: str) -> None:
        """``foreign`` gives what ``encode`` refuses, and ``encode`` names its first."""
        outside = [(n, c) for n, c in enumerate(text) if c not in ALPHABET]
        assert gsm7.foreign(text) == outside
        if outside:
            with pytest.raises(gsm7.NotGsm7) as caught:
                gsm7.encode(text)
            assert (caught.value.position, caught.value.character) == outside[0]
        else:
            gsm7.encode(text)


class TestDecode:
    @pytest.mark.parametrize(
        ("octets", "text"),
        [
            (b"", ""),
            (b"\x1b", " "),
            (b"a\x1b", "a "),
            (b"\x1b\x1b", " "),
            (b"\x1b\x1b\x65", " e"),
            (b"\x1bA", "A"),
            (b"\x1b\x00", "@"),
            (b"\x1b\x0d", "\r"),
            (b"\x1b\x0a", "\f"),
            (b"\x1b\x3c\x1b\x3e", "[]"),
            (b"a\x80\xffb", "a\ufffd\ufffdb"),
            (b"\x1b\x80", "\ufffd"),
        ],
    )
    def test_odd_octets(self, octets: bytes, text: str) -> None:
        """An escape to nowhere is a space or the basic character; no septet, U+FFFD."""
        assert gsm7.decode(octets) == text

    @given(st.binary())
    def test_total(self, octets: bytes) -> None:
        """Any octets decode, and never to a control that GSM does not have."""
        assert not re.search("[\0-\x09\x0b\x0e-\x1f]", gsm7.decode(octets))


class TestPack:
    @pytest.mark.parametrize(
        ("text", "fill", "packed"),
        [
            ("", 0, ""),
            ("a", 0, "61"),
            ("hellohello", 0, "e8329bfd4697d9ec37"),  # a vector known everywhere
            ("1234567", 0, "31d98c56b3dd00"),
            ("12345678", 0, "31d98c56b3dd70"),
            ("a", 1, "c2"),
            ("aa", 1, "c261"),
        ],
    )
    def test_vectors(self, text: str, fill: int, packed: str) -> None:
        """Septets pack from the low bit on, behind the fill bits."""
        septets = gsm7.encode(text)
        assert gsm7.pack(septets, fill).hex() == packed
        assert gsm7.unpack(bytes.fromhex(packed), fill, len(septets)) == septets

    def test_eight_from_seven_octets(self) -> None:
        """Without a count the seven spare bits of seven septets read as "@"."""
        assert gsm7.unpack(gsm7.pack(b"1234567")) == b"1234567\0"

    @given(septet_strings, st.integers(0, 6))
    def test_round_trip(self, septets: bytes, fill: int) -> None:
        """Packing takes as many octets as the bits need, and unpacking undoes it."""
        packed = gsm7.pack(septets, fill)
        assert len(packed) == -(-(7 * len(septets) + fill) // 8)
        assert gsm7.unpack(packed, fill, len(septets)) == septets
        everything = gsm7.unpack(packed, fill)
        assert everything.startswith(septets)
        assert len(everything) - len(septets) in (0, 1)

    @given(septet_strings, st.integers(0, 30))
    def test_behind_a_udh(self, septets: bytes, udh: int) -> None:
        """With fill_bits, packed text starts on a septet boundary of the user data."""
        fill = gsm7.fill_bits(udh)
        assert fill in range(7)
        assert (8 * udh + fill) % 7 == 0
        user_data = bytes(udh) + gsm7.pack(septets, fill)
        skipped = (8 * udh + fill) // 7
        assert gsm7.unpack(user_data, count=skipped + len(septets))[skipped:] == septets

    @given(st.binary(), st.integers(0, 6), st.integers(0, 300) | st.none())
    def test_unpack_total(self, octets: bytes, fill: int, count: int | None) -> None:
        """Any octets unpack to septets, at most as many as were asked for."""
        septets = gsm7.unpack(octets, fill, count)
        assert septets.isascii()
        assert count is None or len(septets) <= count

    def test_not_a_septet(self) -> None:
        """An octet that is no septet is not silently cut to seven bits."""
        with pytest.raises(ValueError, match="0x7F"):
            gsm7.pack(b"a\x80")


class TestClosed:
    """Septets that are packed where nobody tells how many there are."""

    @pytest.mark.parametrize(
        ("septets", "udh", "closed"),
        [
            (b"", 0, b""),
            (b"123456", 0, b"123456"),
            (b"1234567", 0, b"1234567\r"),
            (b"12345678", 0, b"12345678"),
            (b"1234567\r", 0, b"1234567\r\r"),
            (b"123456\r", 0, b"123456\r\r"),
            (b"12345\r", 0, b"12345\r"),
            (b"", 6, b"\r"),  # behind a header of seven septets
            (b"1", 6, b"1"),
            (b"\r", 6, b"\r\r"),
            (b"1", 7, b"1"),
            (b"1234567", 7, b"1234567\r"),
        ],
    )
    def test_fills_seven_bits(self, septets: bytes, udh: int, closed: bytes) -> None:
        """With a CR; and one that is meant to stand there is doubled."""
        assert gsm7.closed(septets, udh) == closed

    @given(septet_strings, st.integers(0, 30))
    def test_round_trip(self, septets: bytes, udh: int) -> None:
        """They come back, but that a CR at the very end may be two."""
        packed = gsm7.pack(gsm7.closed(septets, udh), gsm7.fill_bits(udh))
        unpacked = gsm7.unpack_closed(packed, udh)
        assert unpacked in (septets, septets + b"\r")
        assert unpacked == septets or septets.endswith(b"\r")

    @given(st.binary(), st.integers(0, 255))
    def test_total(self, octets: bytes, udh: int) -> None:
        """Any octets unpack to septets."""
        assert gsm7.unpack_closed(octets, udh).isascii()

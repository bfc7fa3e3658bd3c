import hashlib
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from luckgw.text import gsm7, national
from luckgw.text.national import Language, Shift, shift_of, shifts
from luckgw.text.payload import split_udh

# 3GPP TS 23.038 A.3.1 and A.3.3, a row for each high nibble.
TURKISH = """\
@ £ $ ¥ € é ù \u0131 ò Ç LF Ğ ğ CR Å å
Δ _ Φ Γ Λ Ω Π Ψ Σ Θ Ξ ESC Ş ş ß É
SP ! " # ¤ % & ' ( ) * + , - . /
0 1 2 3 4 5 6 7 8 9 : ; < = > ?
İ A B C D E F G H I J K L M N O
P Q R S T U V W X Y Z Ä Ö Ñ Ü §
ç a b c d e f g h i j k l m n o
p q r s t u v w x y z ä ö ñ ü à
"""
PORTUGUESE = """\
@ £ $ ¥ ê é ú í ó ç LF Ô ô CR Á á
Δ _ ª Ç À ∞ ^ \\ € Ó | ESC Â â Ê É
SP ! " # º % & ' ( ) * + , - . /
0 1 2 3 4 5 6 7 8 9 : ; < = > ?
Í A B C D E F G H I J K L M N O
P Q R S T U V W X Y Z Ã Õ Ú Ü §
~ a b c d e f g h i j k l m n o
p q r s t u v w x y z ã õ ` ü à
"""
NAMED = {"LF": "\n", "CR": "\r", "SP": " "}

# spec/features 2.10: what each adds to the default extension table.
SINGLE = {
    Language.TURKISH: "47 Ğ, 49 İ, 53 Ş, 63 ç, 67 ğ, 69 \u0131, 73 ş",
    Language.SPANISH: "09 ç, 41 Á, 49 Í, 4F Ó, 55 Ú, 61 á, 69 í, 6F ó, 75 ú",
    Language.PORTUGUESE: (
        "05 ê, 09 ç, 0B Ô, 0C ô, 0E Á, 0F á, 12 Φ, 13 Γ, 15 Ω, 16 Π, 17 Ψ, 18 Σ, 19 Θ,"
        " 1F Ê, 41 À, 49 Í, 4F Ó, 55 Ú, 5B Ã, 5C Õ, 61 Â, 69 í, 6F ó, 75 ú, 7B ã, 7C õ,"
        " 7F â"
    ),
}
# What Unicode's names of each script's characters hold.
SCRIPTS = {
    Language.BENGALI: "BENGALI",
    Language.GUJARATI: "GUJARATI",
    Language.HINDI: "DEVANAGARI",
    Language.KANNADA: "KANNADA",
    Language.MALAYALAM: "MALAYALAM",
    Language.ORIYA: "ORIYA",
    Language.PUNJABI: "GURMUKHI",
    Language.TAMIL: "TAMIL",
    Language.TELUGU: "TELUGU",
    Language.URDU: "ARABIC",
}
ALL_SHIFTS = [
    Shift(locking, single)
    for locking in [None, *(n for n in Language if n is not Language.SPANISH)]
    for single in [None, *Language]
]


def basic(language: Language) -> str:
    """Every septet of a locking table, but ESC, decoded."""
    return national.decode(
        bytes(n for n in range(128) if n != gsm7.ESC), Shift(locking=language)
    )


class TestTables:
    @pytest.mark.parametrize(
        ("language", "table"),
        [(Language.TURKISH, TURKISH), (Language.PORTUGUESE, PORTUGUESE)],
    )
    def test_latin_locking(self, language: Language, table: str) -> None:
        """Septet by septet what the specification prints, both ways."""
        shift = Shift(locking=language)
        for high, row in enumerate(table.splitlines()):
            for low, cell in enumerate(row.split()):
                if cell != "ESC":
                    septet = bytes((16 * high + low,))
                    character = NAMED.get(cell, cell)
                    assert national.decode(septet, shift) == character
                    assert national.encode(character, shift) == septet

    @pytest.mark.parametrize(("language", "additions"), SINGLE.items())
    def test_latin_single(self, language: Language, additions: str) -> None:
        """The default extension table and the additions of the language."""
        shift = Shift(single=language)
        expected = dict(gsm7.EXTENSION)
        for addition in additions.split(", "):
            septet, character = addition.split()
            expected[int(septet, 16)] = character
            encoded = bytes((0x1B, int(septet, 16)))
            if character not in gsm7.BASIC:
                assert national.encode(character, shift) == encoded
        assert national._SINGLE[language] == expected

    @pytest.mark.parametrize(("language", "script"), SCRIPTS.items())
    def test_indic_scripts(self, language: Language, script: str) -> None:
        """All of them have the same signs at the same places; the rest is the script's,
        no character twice.
        """
        shift = Shift(language, language)
        signs = "\n\r !)(,.0123456789:;?abcdefghijklmnopqrstuvwxyz"
        assert national.encode(signs, shift) == (  # brackets the other way round
            b"\n\r !(),.0123456789:;?abcdefghijklmnopqrstuvwxyz"
        )
        more = "@£$¥¿\"¤%&'\f*+-/<=>¡^_#{}\\[~]|ABCDEFGHIJKLMNOPQRSTUVWXYZ€"
        assert national.encode(more, shift).hex() == "".join(
            f"1b{n:02x}"
            for n in [
                *range(13),
                *range(0x0E, 0x15),
                *(0x16, 0x17, 0x28, 0x29, 0x2F, 0x3C, 0x3D, 0x3E),
                *range(0x40, 0x5B),
                0x65,
            ]
        )
        common = {*signs, *more, "\ufffd", "\u0964", "\u0965"}  # and two dandas
        single = national._SINGLE[language].values()
        own = [c for c in [*basic(language), *single] if c not in common]
        assert [c for c in own if script not in unicodedata.name(c)] == []
        assert len(own) == len(set(own))

    @pytest.mark.parametrize("language", SCRIPTS)
    def test_indic_digits(self, language: Language) -> None:
        """0 to 9 of the script stand in a row from 0x1C on (Bengali from 0x19)."""
        septets = [0x19, 0x1A, *range(0x1C, 0x24)]
        if language is not Language.BENGALI:
            septets = list(range(0x1C, 0x26))
        digits = [national._SINGLE[language][septet] for septet in septets]
        assert [unicodedata.digit(digit) for digit in digits] == list(range(10))

    @pytest.mark.parametrize(
        ("language", "septet", "name"),
        [
            # Slips of the specification's print, read as they were meant.
            (Language.KANNADA, 0x24, "KANNADA LETTER DDA"),
            (Language.KANNADA, 0x3D, "KANNADA LETTER PA"),
            (Language.TAMIL, 0x11, "REPLACEMENT CHARACTER"),
            (Language.TELUGU, 0x11, "REPLACEMENT CHARACTER"),
            # The ends of rows, where a slip of ours would show.
            (Language.BENGALI, 0x7F, "BENGALI LETTER RA WITH LOWER DIAGONAL"),
            (Language.GUJARATI, 0x7F, "GUJARATI RUPEE SIGN"),
            (Language.HINDI, 0x40, "DEVANAGARI LETTER BA"),
            (Language.HINDI, 0x7F, "DEVANAGARI LETTER BBA"),
            (Language.KANNADA, 0x7F, "KANNADA VOWEL SIGN VOCALIC LL"),
            (Language.MALAYALAM, 0x7F, "MALAYALAM DATE MARK"),
            (Language.ORIYA, 0x60, "ORIYA AI LENGTH MARK"),
            (Language.ORIYA, 0x7F, "ORIYA VOWEL SIGN VOCALIC LL"),
            (Language.PUNJABI, 0x7F, "GURMUKHI EK ONKAR"),
            (Language.TAMIL, 0x7F, "TAMIL RUPEE SIGN"),
            (Language.TELUGU, 0x7F, "TELUGU VOWEL SIGN VOCALIC LL"),
            (Language.URDU, 0x00, "ARABIC LETTER ALEF"),
            (Language.URDU, 0x7F, "ARABIC LETTER SUPERSCRIPT ALEF"),
        ],
    )
    def test_spots(self, language: Language, septet: int, name: str) -> None:
        """Septets of locking tables, by the names of their characters."""
        text = national.decode(bytes((septet,)), Shift(locking=language))
        assert unicodedata.name(text) == name

    def test_nothing_moved(self) -> None:
        """The tables are those that were compared, cell by cell, with two independent
        prints of the specification (versions 9 and 16).
        """
        digest = hashlib.sha256()
        for tables in national._LOCKING, national._SINGLE:
            for language in sorted(tables):
                table = tables[language]
                cells = [table.get(n, "\ufffd") for n in range(128)]
                digest.update("".join(cells).encode())
        assert digest.hexdigest() == (
            "b2e9099ccd63c1e2c826b8e72a97291f1aa57cf349fa6c50e327e9c6070cebd2"
        )


class TestEncode:
    def test_takes_the_shortest_way(self) -> None:
        """One septet where the locking table has it; of two places the lower one."""
        both = Shift(Language.TURKISH, Language.TURKISH)
        assert national.encode("ğ€[", both) == b"\x0c\x04\x1b\x3c"
        assert national.encode("ğ€", Shift(single=Language.TURKISH)) == b"\x1bg\x1be"
        assert national.encode("¡", Shift(single=Language.HINDI)) == b"\x40"
        hindi = Shift(Language.HINDI, Language.HINDI)
        assert national.encode("¡*", hindi) == b"\x1b\x13\x1b\x0b"

    def test_names_what_it_has_not(self) -> None:
        """As the default alphabet does: the first such character and its place."""
        with pytest.raises(gsm7.NotGsm7) as caught:
            national.encode("şaяbя", Shift(single=Language.TURKISH))
        assert (caught.value.character, caught.value.position) == ("я", 2)
        with pytest.raises(gsm7.NotGsm7):  # the locking table has it no more
            national.encode("ø", Shift(locking=Language.TURKISH))
        with pytest.raises(gsm7.NotGsm7):
            national.encode("\x1b", Shift(single=Language.TURKISH))

    @given(st.sampled_from(ALL_SHIFTS), st.data())
    def test_round_trip(self, shift: Shift, data: st.DataObject) -> None:
        """What is in the tables comes back, in any pair of them."""
        basic_table, single = national._tables(shift)
        characters = sorted({*basic_table.values(), *single.values()})
        text = data.draw(st.text(st.sampled_from(characters)))
        septets = national.encode(text, shift)
        assert septets.isascii()
        assert national.decode(septets, shift) == text

    @given(st.text(st.sampled_from(gsm7.BASIC.replace("\x1b", "") + "€[]я\f")))
    def test_default_tables(self, text: str) -> None:
        """Without a language it is GSM 7-bit."""
        if foreign := gsm7.foreign(text):
            with pytest.raises(gsm7.NotGsm7) as caught:
                national.encode(text, Shift())
            assert (caught.value.position, caught.value.character) == foreign[0]
        else:
            assert national.encode(text, Shift()) == gsm7.encode(text)


class TestDecode:
    @pytest.mark.parametrize(
        ("septets", "text"),
        [
            (b"", ""),
            (b"\x1b", " "),
            (b"a\x1b\x1bb", "a b"),
            (b"\x1b\x67", "ğ"),
            (b"\x1b\x0c", "ğ"),  # not in the single table: the locking one's
            (b"\x1b\x41", "A"),
            (b"\x1b\x65\x04", "€€"),
            (b"\x80\xff", "\ufffd\ufffd"),
            (b"\x1b\x80", "\ufffd"),
        ],
    )
    def test_odd_septets(self, septets: bytes, text: str) -> None:
        """An escape to nowhere is a space, or the character without it."""
        shift = Shift(Language.TURKISH, Language.TURKISH)
        assert national.decode(septets, shift) == text

    @given(st.binary(), st.sampled_from(ALL_SHIFTS))
    def test_total(self, octets: bytes, shift: Shift) -> None:
        """Any octets decode, and none to a control that no table has."""
        controls = {c for c in national.decode(octets, shift) if c < " "}
        assert controls <= {"\n", "\r", "\f"}

    @given(st.binary())
    def test_default_tables(self, octets: bytes) -> None:
        """Without a language it is GSM 7-bit."""
        assert national.decode(octets, Shift()) == gsm7.decode(octets)


class TestShift:
    def test_spanish_can_not_be_locked(self) -> None:
        """A table that does not exist is an error of ours."""
        with pytest.raises(ValueError, match="SPANISH"):
            Shift(locking=Language.SPANISH)

    def test_elements(self) -> None:
        """What we write in a header is what we read from one."""
        for shift in ALL_SHIFTS:
            header = bytes((len(shift.elements),)) + shift.elements
            elements, rest = split_udh(header)
            assert rest == b""
            assert len(elements) == 2 - [shift.locking, shift.single].count(None)
            assert shift_of(elements) == (None if shift == Shift() else shift)

    @pytest.mark.parametrize(
        "elements",
        [
            {},
            {0: b"\1\2\3"},
            {0x24: b""},
            {0x24: b"\1\1"},
            {0x24: b"\0"},
            {0x25: b"\x0e"},
            {0x25: b"\xff"},
            {0x25: b"\2"},  # Spanish has none
        ],
    )
    def test_of_no_table(self, elements: dict[int, bytes]) -> None:
        """What names no table is as not said."""
        assert shift_of(elements) is None

    def test_ways_to_write_a_language(self) -> None:
        """The shortest header first."""
        hindi = Language.HINDI
        assert shifts(Language.SPANISH) == (Shift(single=Language.SPANISH),)
        assert shifts(hindi) == (
            Shift(single=hindi),
            Shift(locking=hindi),
            Shift(locking=hindi, single=hindi),
        )

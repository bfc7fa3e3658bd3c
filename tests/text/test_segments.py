from itertools import accumulate, pairwise

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from luckgw.domain.errors import Refusal
from luckgw.domain.status import Status
from luckgw.text import gsm7, national
from luckgw.text.alphabets import Encoding, choose
from luckgw.text.national import Language, Shift
from luckgw.text.segments import (
    MAX_SEGMENTS,
    Form,
    Piece,
    choose_shift,
    count,
    cut,
)
from tests.text.phone import joined, shown

FAMILY = "👨\u200d👩\u200d👧"  # 8 units
FLAG = "\U0001f1ec\U0001f1ed"  # 4 units
THUMB = "👍\U0001f3fd"  # 4 units
ACCENTED = "e\u0301"  # 2 units
HANGUL = "\u1112\u1161\u11ab"  # 3 units
ENGLAND = "🏴\U000e0067\U000e0062\U000e0065\U000e006e\U000e0067\U000e007f"  # 14 units
HEART = "❤\ufe0f"  # 2 units

GSM = Encoding.GSM7
UCS2 = Encoding.UCS2
TURKISH = Shift(single=Language.TURKISH)
TURKISH_LOCKED = Shift(locking=Language.TURKISH)
TURKISH_BOTH = Shift(Language.TURKISH, Language.TURKISH)

sendable = st.characters(exclude_categories=["Cs", "Cc"]) | st.sampled_from("\n\r\f")
texts = st.text(sendable)
gsm_texts = st.text(st.sampled_from(gsm7.BASIC.replace("\x1b", "") + "€[]{}|"))
latin_texts = st.text(st.characters(min_codepoint=0x20, max_codepoint=0xFF))


def long(strategy: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    """Texts of one segment and of several."""
    return st.tuples(strategy, st.integers(1, 12)).map(lambda t: t[0] * t[1])


def sizes(text: str, form: Form = Form.UDH8, alphabet: str = "gsm7") -> list[int]:
    """Septets, octets or UCS2 units of each part, without its header."""
    encoding = choose(text, alphabet)
    pieces = cut(text, encoding, form, 7)
    header = {Form.UDH8: 6, Form.UDH16: 7, Form.SAR: 0, Form.PAYLOAD: 0}[form]
    unit = 2 if encoding is UCS2 else 1
    assert {piece.udhi for piece in pieces} == {len(pieces) > 1 and header > 0}
    return [
        (len(piece.short_message) - (header if piece.udhi else 0)) // unit
        for piece in pieces
    ]


class TestSizes:
    @pytest.mark.parametrize(
        ("text", "expected"),
        [
            # spec/features 2.11, its examples and the edges beside them.
            ("", [0]),
            ("a" * 160, [160]),
            ("a" * 161, [153, 8]),
            ("a" * 306, [153, 153]),
            ("a" * 307, [153, 153, 1]),
            ("€" * 80, [160]),
            ("€" * 81, [152, 10]),
            ("a" * 159 + "€", [153, 8]),
            ("a" * 152 + "€" + "a" * 7, [152, 9]),
            ("я" * 70, [70]),
            ("я" * 71, [67, 4]),
            ("я" * 134, [67, 67]),
            ("я" * 135, [67, 67, 1]),
            ("😀" * 35, [70]),
            ("😀" * 36, [66, 6]),
            ("я" + "😀" * 35, [67, 4]),
        ],
    )
    def test_udh_of_8_bits(self, text: str, expected: list[int]) -> None:
        """160/153 septets, 70/67 units; a pair that does not fit moves whole."""
        assert sizes(text) == expected
        assert sizes(text, Form.SAR) == expected

    @pytest.mark.parametrize(
        ("text", "expected"),
        [
            ("a" * 160, [160]),
            ("a" * 161, [152, 9]),
            ("€" * 81, [152, 10]),
            ("a" * 151 + "€" * 5, [151, 10]),
            ("я" * 70, [70]),
            ("я" * 71, [66, 5]),
            ("😀" * 36, [66, 6]),
            ("я" + "😀" * 35, [65, 6]),
        ],
    )
    def test_udh_of_16_bits(self, text: str, expected: list[int]) -> None:
        """One octet less: 152 septets, 66 units."""
        assert sizes(text, Form.UDH16) == expected

    @pytest.mark.parametrize("alphabet", ["latin1", "ascii"])
    def test_8_bit_alphabets(self, alphabet: str) -> None:
        """A character is an octet: 140, of parts 134 or 133."""
        assert sizes("`" * 140, alphabet=alphabet) == [140]
        assert sizes("`" * 141, alphabet=alphabet) == [134, 7]
        assert sizes("`" * 141, Form.UDH16, alphabet) == [133, 8]
        assert sizes("`" * 141, Form.SAR, alphabet) == [134, 7]

    @pytest.mark.parametrize(
        ("shift", "form", "whole", "part"),
        [
            # spec/features 2.11.
            (TURKISH, Form.UDH8, 155, 149),
            (TURKISH_LOCKED, Form.UDH8, 155, 149),
            (TURKISH_BOTH, Form.UDH8, 152, 146),
            (TURKISH, Form.UDH16, 155, 148),
        ],
    )
    def test_national_tables(
        self, shift: Shift, form: Form, whole: int, part: int
    ) -> None:
        """Their elements take octets of every segment's header."""
        assert len(cut("a" * whole, GSM, form, 1, shift=shift)) == 1
        first, second = cut("a" * (whole + 1), GSM, form, 1, shift=shift)
        assert first.short_message.endswith(b"\1" + b"a" * part)
        assert second.short_message.endswith(b"\1" + b"a" * (whole + 1 - part))

    @pytest.mark.parametrize(
        ("text", "expected"),
        [
            ("я" * 66 + ACCENTED * 3, [66, 6]),
            ("я" * 66 + HEART * 3, [66, 6]),
            ("я" * 63 + FAMILY, [63, 8]),
            ("я" * 65 + THUMB * 2, [65, 8]),
            ("я" * 65 + FLAG * 2, [65, 8]),
            (FLAG * 18, [64, 8]),
            ("я" + FLAG * 18, [65, 8]),
            ("я" * 65 + HANGUL * 2, [65, 6]),
            ("я" * 60 + ENGLAND, [60, 14]),
            ("я" * 66 + "ｶﾞ" * 3, [66, 6]),
            ("я" * 66 + "क्" * 3, [66, 6]),
            ("я" * 66 + "कि" * 3, [66, 6]),
            # A cluster of 67 units fits a segment of its own, one of 68 does not.
            ("яяя" + "e" + "\u0301" * 66 + "я", [3, 67, 1]),
            ("яя" + "e" + "\u0301" * 67 + "я", [67, 4]),
            ("e" + "\u0301" * 99, [67, 33]),
            # The first letter after whole flags starts a new one, though letters touch.
            ("\U0001f1ec" * 36, [64, 8]),
        ],
    )
    def test_grapheme_clusters(self, text: str, expected: list[int]) -> None:
        """A cluster moves whole to the next part, unless no part could hold it."""
        assert sizes(text) == expected

    def test_grapheme_clusters_in_septets(self) -> None:
        """So does one that national tables write: क and its vowel sign."""
        hindi = Shift(locking=Language.HINDI)
        first, second = cut("a" * 148 + "कि" * 10, GSM, Form.UDH8, 1, shift=hindi)
        assert shown(first, GSM).text == "a" * 148
        assert shown(second, GSM).text == "कि" * 10


class TestForms:
    @pytest.mark.parametrize("form", Form)
    def test_one_segment_is_sent_as_it_is(self, form: Form) -> None:
        """What fits alone has no header and no TLV, in any form."""
        assert cut("Hi @", GSM, form, 9) == [Piece(b"Hi \0", udhi=False, tlvs=None)]
        assert cut("я", UCS2, form, 9) == [Piece(b"\x04\x4f")]
        assert cut("`\xe7", Encoding.LATIN1, form, 9) == [Piece(b"`\xe7")]

    def test_udh_of_8_bits(self) -> None:
        """05 00 03, the low octet of the reference, the total, the number from 1."""
        text = "a" * 153 + "b" * 153 + "c"
        assert cut(text, GSM, Form.UDH8, 0xABFE) == [
            Piece(b"\x05\x00\x03\xfe\x03\x01" + b"a" * 153, udhi=True),
            Piece(b"\x05\x00\x03\xfe\x03\x02" + b"b" * 153, udhi=True),
            Piece(b"\x05\x00\x03\xfe\x03\x03c", udhi=True),
        ]

    def test_udh_of_16_bits(self) -> None:
        """06 08 04, the reference in two octets, the total, the number."""
        assert cut("a" * 152 + "b" * 9, GSM, Form.UDH16, 0xABFE) == [
            Piece(b"\x06\x08\x04\xab\xfe\x02\x01" + b"a" * 152, udhi=True),
            Piece(b"\x06\x08\x04\xab\xfe\x02\x02" + b"b" * 9, udhi=True),
        ]

    def test_sar(self) -> None:
        """Three TLVs; no header in the text, no UDHI."""
        first, second = cut("a" * 153 + "b" * 8, GSM, Form.SAR, 0xFE)
        assert first == Piece(
            b"a" * 153,
            udhi=False,
            tlvs={0x020C: b"\x00\xfe", 0x020E: b"\x02", 0x020F: b"\x01"},
        )
        assert second.short_message == b"b" * 8
        assert second.tlvs == {0x020C: b"\x00\xfe", 0x020E: b"\x02", 0x020F: b"\x02"}

    def test_message_payload(self) -> None:
        """One piece: the whole text in the TLV, an empty short_message."""
        assert cut("a" * 1000, GSM, Form.PAYLOAD, 1) == [
            Piece(b"", udhi=False, tlvs={0x0424: b"a" * 1000})
        ]

    @pytest.mark.parametrize("reference", [-1, 0x10000])
    @pytest.mark.parametrize("form", Form)
    def test_a_reference_has_16_bits(self, form: Form, reference: int) -> None:
        """Ours to keep: another is an error, not another reference."""
        with pytest.raises(ValueError, match="reference"):
            cut("a" * 161, GSM, form, reference)

    def test_national_tables_are_named_in_the_header(self) -> None:
        """Single 24 01 ll, locking 25 01 ll, after the concatenation, in every part."""
        assert cut("ğ", GSM, Form.UDH8, 1, shift=TURKISH) == [
            Piece(b"\x03\x24\x01\x01\x1b\x67", udhi=True)
        ]
        assert cut("ğ", GSM, Form.PAYLOAD, 1, shift=TURKISH_BOTH) == [
            Piece(b"\x06\x24\x01\x01\x25\x01\x01\x0c", udhi=True)
        ]
        pieces = cut("ğ" * 156, GSM, Form.UDH8, 2, shift=TURKISH_LOCKED)
        assert pieces[1] == Piece(
            b"\x08\x00\x03\x02\x02\x02\x25\x01\x01" + b"\x0c" * 7, udhi=True
        )
        (piece,) = cut("ğ" * 156, GSM, Form.PAYLOAD, 2, shift=TURKISH_LOCKED)
        assert piece == Piece(
            b"", udhi=True, tlvs={0x0424: b"\x03\x25\x01\x01" + b"\x0c" * 156}
        )

    def test_packed(self) -> None:
        """Eight septets in seven octets; behind a header from the next septet on."""
        (piece,) = cut("hellohello", GSM, Form.UDH8, 1, packed=True)
        assert piece == Piece(bytes.fromhex("e8329bfd4697d9ec37"))
        first, second = cut("a" * 162, GSM, Form.UDH8, 1, packed=True)
        assert len(first.short_message) == 140
        assert second.short_message.hex() == "050003010202" + "c2e170381c0e87c3"

    def test_packed_up(self) -> None:
        """Where seven bits are left over they are a CR: as zeros they would be "@"."""
        (piece,) = cut("1234567", GSM, Form.SAR, 1, packed=True)
        assert piece.short_message.hex() == "31d98c56b3dd1a"
        (piece,) = cut("123456\r", GSM, Form.SAR, 1, packed=True)
        assert piece.short_message.hex() == "31d98c56b3351a"
        _, second = cut("a" * 161, GSM, Form.UDH8, 1, packed=True)
        assert second.short_message.hex() == "050003010202" + "c2e170381c0e871b"
        # Never between two parts, where it would be seen: those end a septet earlier.
        first, second = cut("a" * 152 + "€" * 5, GSM, Form.UDH8, 1, packed=True)
        assert shown(first, GSM, packed=True).text == "a" * 151
        first, second = cut("a" * 152 + "\rb" * 5, GSM, Form.UDH8, 1, packed=True)
        assert shown(second, GSM, packed=True).text == "a\r" + "b\r" * 4 + "b"

    @pytest.mark.parametrize(
        ("encoding", "form", "shift", "packed"),
        [
            (UCS2, Form.UDH8, None, True),
            (Encoding.LATIN1, Form.UDH8, None, True),
            (UCS2, Form.UDH8, TURKISH, False),
            (GSM, Form.SAR, TURKISH, False),
        ],
    )
    def test_what_does_not_go_together(
        self, encoding: Encoding, form: Form, shift: Shift | None, packed: bool
    ) -> None:
        """It is an error of ours, never an option that is ignored."""
        with pytest.raises(ValueError, match=r"GSM 7-bit|SAR"):
            cut("a", encoding, form, 1, shift=shift, packed=packed)


class TestLimit:
    @pytest.mark.parametrize("form", Form)
    def test_refuses(self, form: Form) -> None:
        """A text over the limit is refused with both numbers; nothing is cut off."""
        cut("a" * 304, GSM, form, 1, limit=2)
        with pytest.raises(Refusal, match="needs 3 segments, at most 2") as caught:
            cut("a" * 307, GSM, form, 1, limit=2)
        assert caught.value.command_status == Status.ESME_RINVMSGLEN

    @pytest.mark.parametrize("form", [Form.UDH8, Form.SAR, Form.PAYLOAD])
    def test_numbers_end(self, form: Form) -> None:
        """255 segments go; 256 can not be numbered, whatever the limit says."""
        pieces = cut("я" * 67 * 255, UCS2, form, 1)
        assert len(pieces) == (1 if form is Form.PAYLOAD else MAX_SEGMENTS)
        with pytest.raises(Refusal, match="needs 256 segments, at most 255"):
            cut("я" * (67 * 255 + 1), UCS2, form, 1, limit=1000)


class TestRoundTrip:
    """Text, pieces, the carrier, the phone: the same text."""

    @given(
        long(texts | gsm_texts | latin_texts),
        st.sampled_from(["gsm7", "latin1", "ascii"]),
        st.sampled_from(Form),
        st.integers(0, 0xFFFF),
    )
    @example("€" * 500, "gsm7", Form.UDH8, 0)
    @example("😀" * 500, "gsm7", Form.UDH16, 0xFFFF)
    @example(("я" + FAMILY) * 60, "gsm7", Form.SAR, 1)
    @example("\xe7" * 500, "latin1", Form.UDH16, 1)
    def test_any_text(
        self, text: str, alphabet: str, form: Form, reference: int
    ) -> None:
        """The phone shows it; segments fit, are not empty, hold whole characters."""
        encoding = choose(text, alphabet)
        pieces = cut(text, encoding, form, reference)
        assert joined(pieces, encoding) == text
        for piece in pieces:
            segment = shown(piece, encoding)
            assert segment.octets <= 140
            assert len(piece.short_message) <= 254
            if len(pieces) > 1:
                assert segment.text
                mask = 0xFF if form is Form.UDH8 else 0xFFFF
                assert segment.reference == reference & mask
        if form is Form.UDH8:
            assert count(text, encoding) == len(pieces)

    @given(
        long(gsm_texts),
        st.sampled_from(Form),
        st.none() | st.sampled_from([TURKISH, TURKISH_LOCKED, TURKISH_BOTH]),
    )
    @example("\r" * 160, Form.UDH8, None)
    @example("\r" * 500, Form.UDH16, None)
    @example("a" * 159 + "\r", Form.SAR, None)
    @example("€" * 500, Form.UDH8, None)
    @example("a" * 151 + "€" * 100, Form.UDH8, None)
    @example("@" * 500, Form.UDH8, TURKISH_BOTH)
    def test_packed(self, text: str, form: Form, shift: Shift | None) -> None:
        """So it does with packed septets, whose number nobody tells: no "@" comes in
        at the end of a part, and none is lost. Only a CR at the very end may come
        twice, which shows the same (TS 23.038 6.1.2.3.1).
        """
        if shift is not None:
            form = Form.UDH8
            text = text.translate(dict.fromkeys(map(ord, "èìØøÆæ¡¿"), "ş"))
        pieces = cut(text, GSM, form, 5, shift=shift, packed=True)
        again = joined(pieces, GSM, packed=True)
        assert again == text or (text.endswith("\r") and again == text + "\r")
        assert all(shown(piece, GSM, packed=True).octets <= 140 for piece in pieces)

    @given(st.data(), st.sampled_from(Language), st.integers(1, 12), st.booleans())
    def test_national_tables(
        self, data: st.DataObject, language: Language, times: int, packed: bool
    ) -> None:
        """So it does in every language's tables, packed or not."""
        shift = data.draw(st.sampled_from(national.shifts(language)))
        basic, single = national._tables(shift)
        characters = sorted({*basic.values(), *single.values()} - {"\r"})
        text = data.draw(st.text(st.sampled_from(characters))) * times
        form = data.draw(st.sampled_from([Form.UDH8, Form.UDH16, Form.PAYLOAD]))
        pieces = cut(text, GSM, form, 5, shift=shift, packed=packed)
        assert joined(pieces, GSM, packed=packed) == text
        for piece in pieces:
            assert shown(piece, GSM, packed=packed).octets <= 140

    @given(
        st.lists(
            st.sampled_from(
                [
                    *("я", "a", " ", "😀"),
                    *(FAMILY, FLAG, THUMB, ACCENTED, HANGUL, ENGLAND, HEART),
                ]
            ),
            min_size=30,
            max_size=120,
        )
    )
    def test_no_cluster_is_cut(self, clusters: list[str]) -> None:
        """Every part starts where a reader's character starts."""
        text = "".join([*clusters, "я"])
        starts = {0, *accumulate(len(cluster) for cluster in clusters)}
        at = 0
        for piece in cut(text, UCS2, Form.UDH8, 3):
            assert at in starts
            at += len(shown(piece, UCS2).text)

    @given(long(st.text(st.sampled_from("я😀aé"), min_size=10)))
    def test_no_more_parts_than_needed(self, text: str) -> None:
        """Without clusters, parts are filled: one more character would not fit."""
        encoding = choose(text)
        pieces = cut(text, encoding, Form.UDH8, 1)
        parts = [shown(piece, encoding).text for piece in pieces]
        unit, room = (2, 134) if encoding is UCS2 else (1, 153)
        codec = "utf-16-be" if unit == 2 else "latin-1"
        for part, following in pairwise(parts):
            assert len((part + following[0]).encode(codec)) > room


class TestChooseShift:
    def test_is_for_those_who_ask(self) -> None:
        """No language, no tables."""
        assert choose_shift("ş" * 100, []) is None

    @pytest.mark.parametrize(
        ("text", "shift"),
        [
            ("a" * 500, None),  # needs none
            ("ş" * 70, None),  # one segment as UCS2, too
            ("я" * 100, None),  # not its letters
            ("a" * 100 + "ş", TURKISH),
            ("ş" * 77, TURKISH),  # 154 septets
            ("ş" * 78, TURKISH_LOCKED),
            ("ş" * 150 + "[", TURKISH_LOCKED),
        ],
    )
    def test_saves_segments(self, text: str, shift: Shift | None) -> None:
        """Tables are worth it where UCS2 takes more; the least of them is enough."""
        assert choose_shift(text, [Language.TURKISH]) == shift

    def test_takes_the_best_language(self) -> None:
        """The fewest segments of all; among equals the first asked for."""
        portuguese = Shift(single=Language.PORTUGUESE)
        spanish = Shift(single=Language.SPANISH)
        text = "á" * 76
        both = [Language.SPANISH, Language.PORTUGUESE]
        assert choose_shift(text, both) == spanish
        assert choose_shift(text, reversed(both)) == portuguese
        assert choose_shift("ã" + text, both) == portuguese
        locked = Shift(locking=Language.PORTUGUESE)
        assert choose_shift("á" * 78, both) == locked

    def test_a_script_with_both_tables(self) -> None:
        """Devanagari with its own digits needs the locking and the single table."""
        shift = choose_shift("नमस्ते १ " * 15, [Language.TAMIL, Language.HINDI])
        assert shift == Shift(Language.HINDI, Language.HINDI)

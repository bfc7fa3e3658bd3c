import unicodedata

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from luckgw.text import gsm7
from luckgw.text.translit import Foreign, Transliterated, transliterate

ASKING = "?\uff1f\u203d\u2047\u2048\u2049\ufe56\ufe16"
"""What may become a question mark: what is one."""

latin = st.characters(min_codepoint=0xA0, max_codepoint=0x24F)
punctuation = st.characters(min_codepoint=0x2000, max_codepoint=0x214F)
marks = st.sampled_from("\u0301\u0308\u0323\ufe0f\u20e3\u093f")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        # Typographic marks.
        ("\u2018a\u2019 \u201ab\u2032 \u2039c\u203a", "'a' 'b' 'c'"),
        ("\u201ca\u201d \u201eb\u2033 \xabc\xbb", '"a" "b" "c"'),
        ("a\u2010b\u2011c\u2012d\u2013e\u2014f\u2015g\u2212h", "a-b-c-d-e-f-g-h"),
        ("wait\u2026", "wait..."),
        ("a\xa0b\u2009c\u202fd\u3000e", "a b c d e"),
        ("a\u2028b\u2029c", "a\nb\nc"),
        ("so\xadft\u200bly\ufeff", "softly"),
        ("it`s \xb4", "it's '"),
        ("\u2022 x \xd7 y", "* x x y"),
        ("\xa9\xae\u2122", "(c)(r)(tm)"),
        # Letters.
        ("\xe7\xe1\xed\xf3\xfa\xea\xc1\xce", "caioueAI"),
        ("\u0159\u017e\u0161\u010d\u0119\u0105\u017a", "rzsceaz"),
        ("\u0142\u0141\u0111\u0110\u0127\u0167", "lLdDht"),
        ("\u1ebf\u1ec7\u1eaf\u01a1\u01b0", "eeaou"),
        ("\u0131\u0130\u015f\u015e\u011f\u011e", "iIsSgG"),
        ("\u0153\u0152\xfe\xde\xf0\xd0\u1e9e", "oeOEthThdDSS"),
        ("\ufb01\ufb00\u0132\u01c6", "fiffIJdz"),
        ("\uff28\uff49\uff01 \U0001d400", "Hi! A"),
        ("\u0391\u0392\u0395\u0396\u0397\u0399\u039a", "ABEZHIK"),
        ("\u039c\u039d\u039f\u03a1\u03a4\u03a5\u03a7", "MNOPTYX"),
        ("\u0386\u2126\u212b\u037e", "A\u03a9\xc5;"),
        # The nearest that GSM has, not the barest.
        ("\u01fb\u1e17", "\xe5e"),
        # Marks that stand alone.
        ("e\u0301 n\u0303 a\u030a", "\xe9 \xf1 \xe5"),
        ("x\u0302 s\u0327\u0301 5\ufe0f\u20e3", "x s 5"),
        ("\xa9\ufe0f", "(c)"),
    ],
)
def test_becomes(text: str, expected: str) -> None:
    """What it looks like, in GSM 7-bit."""
    assert transliterate(text).text == expected
    gsm7.encode(expected)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "Hello @\xa3$ {\u20ac} \xe9\xe8\xc7\xdf\xe6\n",
        # No likeness: other scripts, pictures, what would mean something else.
        "я",
        "й",
        "ά",
        "中文",
        "한",
        "कि",
        "😀",
        "👨\u200d👩\u200d👧",
        "❤\ufe0f",
        "10\xb2",
        "2\xbd",
        "\xb0",
        "\u2460",
        "\xa8",
        "\u2103",
        "a\u093f",
        "\u0301",
        "\ufffd",
        "\U000f0000",
        "\t",
    ],
)
def test_stays(text: str) -> None:
    """GSM 7-bit as it is, and what has no likeness: never a question mark."""
    done = transliterate(text)
    assert done.text == text
    assert {foreign.replacement for foreign in done.foreign} <= {None}


def test_tells_what_it_did() -> None:
    """Each foreign character with its marks, its place and what came there."""
    assert transliterate("a\u2026 e\u0301\u0323я\u20d7\xad") == Transliterated(
        "a... eя\u20d7",
        (
            Foreign(1, "\u2026", "..."),
            Foreign(3, "e\u0301\u0323", "e"),
            Foreign(6, "я\u20d7", None),
            Foreign(8, "\xad", ""),
        ),
    )


def test_marks_at_the_start_of_a_text() -> None:
    """They stand on nothing, and stay."""
    assert transliterate("\u0301\u0301a\u0301") == Transliterated(
        "\u0301\u0301a",
        (Foreign(0, "\u0301\u0301", None), Foreign(2, "a\u0301", "a")),
    )


class TestAnyText:
    @given(st.text(latin | punctuation | marks | st.sampled_from("ae?")) | st.text())
    @example("\u1fc1\u0385")
    def test_is_told_whole(self, text: str) -> None:
        """Putting the replacements in place gives the result; what stays is foreign."""
        done = transliterate(text)
        rebuilt, at = "", 0
        for foreign in done.foreign:
            assert text.startswith(foreign.characters, foreign.position)
            assert at <= foreign.position
            rebuilt += text[at : foreign.position]
            if foreign.replacement is None:
                rebuilt += foreign.characters
                assert gsm7.foreign(foreign.characters)
            else:
                rebuilt += foreign.replacement
                gsm7.encode(foreign.replacement)
            at = foreign.position + len(foreign.characters)
        assert rebuilt + text[at:] == done.text
        if all(foreign.replacement is not None for foreign in done.foreign):
            gsm7.encode(done.text)

    @given(st.text(latin | punctuation | marks | st.sampled_from("ae?")) | st.text())
    def test_once_is_enough(self, text: str) -> None:
        """A second time changes nothing."""
        once = transliterate(text).text
        assert transliterate(once).text == once

    @given(st.text())
    def test_no_question_marks(self, text: str) -> None:
        """None comes from what is no question."""
        silent = "".join(c for c in text if "?" not in unicodedata.normalize("NFKD", c))
        assert "?" not in transliterate(silent).text

    def test_every_character(self) -> None:
        """None is an error; each has its likeness in GSM 7-bit, or none."""
        # Ideographs and Hangul syllables apart, which are all alike.
        for code in [*range(0x3400), *range(0xF900, 0x12000), *range(0x1D000, 0x20000)]:
            character = chr(code)
            done = transliterate(character)
            if done.text != character:
                gsm7.encode(done.text)
                if "?" in done.text:
                    assert character in ASKING

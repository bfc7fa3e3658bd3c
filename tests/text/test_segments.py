from itertools import accumulate, pairwise

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from luckgw.domain.errors import Refusal
from luckgw.domain.status import Status
from luckgw.text import gsm7
from luckgw.text.alphabets import Encoding, choose
from luckgw.text.payload import split_udh
from luckgw.text.segments import MAX_SEGMENTS, Preview, count, preview, split

FAMILY = "👨\u200d👩\u200d👧"  # 8 units
FLAG = "\U0001f1ec\U0001f1ed"  # 4 units
THUMB = "👍\U0001f3fd"  # 4 units
ACCENTED = "e\u0301"  # 2 units
HANGUL = "\u1112\u1161\u11ab"  # 3 units
ENGLAND = "🏴\U000e0067\U000e0062\U000e0065\U000e006e\U000e0067\U000e007f"  # 14 units
HEART = "❤\ufe0f"  # 2 units

texts = st.text(st.characters(exclude_categories=["Cs", "Cc"]))
gsm_texts = st.text(st.sampled_from(gsm7.BASIC.replace("\x1b", "") + "€[]{}|"))
long_texts = st.tuples(texts | gsm_texts, st.integers(1, 12)).map(lambda t: t[0] * t[1])


def parts(segments: list[bytes]) -> list[bytes]:
    """The segments without their UDH."""
    if len(segments) == 1:
        return segments
    return [segment[6:] for segment in segments]


def characters(part: bytes, encoding: Encoding) -> str:
    """The text of one part alone, by a strict reading."""
    if encoding is Encoding.GSM7:
        assert not part.endswith(b"\x1b")
        return gsm7.decode(part)
    return part.decode("utf-16-be")


def sizes(text: str) -> list[int]:
    """Septets, or UCS2 units, of each part."""
    encoding = choose(text)
    unit = 1 if encoding is Encoding.GSM7 else 2
    return [len(part) // unit for part in parts(split(text, encoding, 7))]


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
def test_sizes(text: str, expected: list[int]) -> None:
    """160/153 septets, 70/67 units; a pair that does not fit moves whole."""
    assert sizes(text) == expected


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
def test_grapheme_clusters(text: str, expected: list[int]) -> None:
    """A cluster moves whole to the next part, unless no part could hold it."""
    assert sizes(text) == expected


def test_one_segment_has_no_udh() -> None:
    """What fits alone is sent as it is."""
    assert split("Hi @", Encoding.GSM7, 9) == [b"Hi \0"]
    assert split("я", Encoding.UCS2, 9) == [b"\x04\x4f"]


def test_udh() -> None:
    """Parts carry 05 00 03, the reference, the total, and their number from 1."""
    assert split("a" * 153 + "b" * 153 + "c", Encoding.GSM7, 0xFE) == [
        b"\x05\x00\x03\xfe\x03\x01" + b"a" * 153,
        b"\x05\x00\x03\xfe\x03\x02" + b"b" * 153,
        b"\x05\x00\x03\xfe\x03\x03c",
    ]


def test_limit_refuses() -> None:
    """A text over the limit is refused with both numbers; nothing is cut off."""
    assert len(split("a" * 306, Encoding.GSM7, 1, limit=2)) == 2
    with pytest.raises(Refusal, match="needs 3 segments, at most 2") as caught:
        split("a" * 307, Encoding.GSM7, 1, limit=2)
    assert caught.value.command_status == Status.ESME_RINVMSGLEN


def test_the_udh_limits_too() -> None:
    """255 segments go; 256 can not be numbered, whatever the limit says."""
    assert len(split("я" * 67 * 255, Encoding.UCS2, 1)) == MAX_SEGMENTS
    with pytest.raises(Refusal, match="needs 256 segments, at most 255"):
        split("я" * (67 * 255 + 1), Encoding.UCS2, 1, limit=1000)


@given(long_texts, st.integers(0, 255))
@example("€" * 500, 0)
@example("😀" * 500, 255)
@example(("я" + FAMILY) * 60, 1)
def test_split_loses_nothing(text: str, reference: int) -> None:
    """Joined, the parts are the text; each fits, and holds whole characters only."""
    encoding = choose(text)
    segments = split(text, encoding, reference)
    assert count(text) == (len(segments), encoding)
    if len(segments) == 1:
        assert len(segments[0]) <= (160 if encoding is Encoding.GSM7 else 140)
    room = 153 if encoding is Encoding.GSM7 else 134
    for number, segment in enumerate(segments, 1):
        if len(segments) > 1:
            elements, rest = split_udh(segment)
            assert elements == {0: bytes([reference, len(segments), number])}
            assert 0 < len(rest) <= room
    joined = "".join(characters(part, encoding) for part in parts(segments))
    assert joined == text


@given(
    st.lists(
        st.sampled_from(
            ["я", "a", " ", FAMILY, FLAG, THUMB, ACCENTED, HANGUL, ENGLAND, HEART, "😀"]
        ),
        min_size=30,
        max_size=120,
    )
)
def test_no_cluster_is_cut(clusters: list[str]) -> None:
    """Every part starts where a reader's character starts."""
    text = "".join([*clusters, "я"])
    starts = {0, *accumulate(len(cluster) for cluster in clusters)}
    at = 0
    for part in parts(split(text, Encoding.UCS2, 3)):
        assert at in starts
        at += len(part.decode("utf-16-be"))


@given(st.lists(st.sampled_from("я😀aé")).map("".join))
def test_no_more_parts_than_needed(text: str) -> None:
    """Without clusters, parts are filled: one more character would not have fitted."""
    encoding = choose(text)
    cut = [characters(part, encoding) for part in parts(split(text, encoding, 1))]
    if len(cut) > 1 and encoding is Encoding.UCS2:
        for part, following in pairwise(cut):
            assert len((part + following[0]).encode("utf-16-be")) > 134


def test_preview() -> None:
    """It names every character that forces UCS2, and where it stands."""
    assert preview("Hello €") == Preview(1, Encoding.GSM7, ())
    assert preview("a`b😀ç" + "a" * 65) == Preview(
        2, Encoding.UCS2, ((1, "`"), (3, "😀"), (4, "ç"))
    )
    assert preview("я" * 67 * 300).segments == 300


def test_preview_refuses_as_sending_would() -> None:
    """A text that could not be sent has no preview."""
    with pytest.raises(Refusal, match="position 1"):
        preview("a\0")

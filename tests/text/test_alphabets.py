import pytest
from hypothesis import given
from hypothesis import strategies as st

from luckgw.domain.errors import Refusal
from luckgw.text.alphabets import Encoding, choose, decode, encode
from luckgw.text.national import Language, Shift

ALLOWED_CONTROLS = "\n\f\r"


def test_data_coding() -> None:
    """The names are those of the API, the data_coding those of SMPP v3.4 5.2.19."""
    assert [(e.value, str(e), e.data_coding) for e in Encoding] == [
        ("gsm7", "gsm7", 0),
        ("ucs2", "ucs2", 8),
        ("latin1", "latin1", 3),
        ("ascii", "ascii", 1),
    ]
    assert Encoding("ucs2") is Encoding.UCS2


@pytest.mark.parametrize(
    ("default", "encoding", "data_coding"),
    [
        ("gsm7", Encoding.GSM7, 0),
        ("gsm7", Encoding.UCS2, 8),
        ("gsm7", Encoding.LATIN1, 3),
        ("latin1", Encoding.LATIN1, 0),
        ("latin1", Encoding.UCS2, 8),
        ("ascii", Encoding.ASCII, 0),
        ("ascii", Encoding.LATIN1, 3),
    ],
)
def test_data_coding_at(default: str, encoding: Encoding, data_coding: int) -> None:
    """What an upstream's default alphabet carries goes as data_coding 0."""
    assert encoding.data_coding_at(default) == data_coding


@pytest.mark.parametrize("default", ["latin1", "ascii"])
def test_gsm7_can_not_be_named(default: str) -> None:
    """Where something else is the default, it would be read as that."""
    with pytest.raises(ValueError, match=f"{default} is the default"):
        Encoding.GSM7.data_coding_at(default)


@pytest.mark.parametrize(
    ("text", "encoding", "octets"),
    [
        ("", Encoding.GSM7, b""),
        ("Hello", Encoding.GSM7, b"Hello"),
        ("@€", Encoding.GSM7, b"\x00\x1b\x65"),
        ("a\nb\rc\f", Encoding.GSM7, b"a\nb\rc\x1b\n"),
        ("ç", Encoding.UCS2, b"\x00\xe7"),
        ("a`", Encoding.UCS2, b"\x00a\x00`"),
        ("я", Encoding.UCS2, b"\x04\x4f"),
        ("😀", Encoding.UCS2, b"\xd8\x3d\xde\x00"),
        ("\n\f\rя", Encoding.UCS2, b"\x00\n\x00\f\x00\r\x04\x4f"),
        ("\ufeffя", Encoding.UCS2, b"\xfe\xff\x04\x4f"),
    ],
)
def test_choose_and_encode(text: str, encoding: Encoding, octets: bytes) -> None:
    """GSM 7-bit if every character fits, else UTF-16BE, without a BOM of our own."""
    assert choose(text) is encoding
    assert encode(text, encoding) == octets


@pytest.mark.parametrize(
    ("default", "text", "encoding", "octets"),
    [
        ("latin1", "[`\xe7\xff]\n\f\r", Encoding.LATIN1, b"[`\xe7\xff]\n\f\r"),
        ("latin1", "a\u20ac", Encoding.UCS2, b"\0a\x20\xac"),
        ("ascii", "@[`~", Encoding.ASCII, b"@[`~"),
        ("ascii", "\xe9", Encoding.UCS2, b"\0\xe9"),
        ("ucs2", "a", Encoding.UCS2, b"\0a"),
    ],
)
def test_other_default_alphabets(
    default: str, text: str, encoding: Encoding, octets: bytes
) -> None:
    """Latin-1 or ASCII where the upstream means that and it fits, else UCS2."""
    assert choose(text, default) is encoding
    assert encode(text, encoding) == octets
    assert decode(octets, encoding) == text


def test_unknown_default_alphabet() -> None:
    """A wrong name is an error of ours, not a silent choice."""
    with pytest.raises(ValueError, match="ebcdic"):
        choose("a", "ebcdic")


DEFAULTS = ["gsm7", "latin1", "ascii"]


@pytest.mark.parametrize("default", DEFAULTS)
@pytest.mark.parametrize("before", ["ab", "aя"])
def test_controls(before: str, default: str) -> None:
    """NUL and every C0 control but LF, FF, CR is refused, and its place is told."""
    for control in set(map(chr, range(0x20))) - set(ALLOWED_CONTROLS):
        with pytest.raises(Refusal) as caught:
            choose(f"{before}{control}c", default)
        assert caught.value.http_status == 400
        assert f"U+{ord(control):04X} at position 2," in caught.value.detail


@pytest.mark.parametrize("default", DEFAULTS)
@pytest.mark.parametrize("code", [0xD800, 0xD83D, 0xDE00, 0xDFFF])
def test_half_a_surrogate_pair(code: int, default: str) -> None:
    """A lone surrogate, which JSON can spell, is the caller's fault and no crash."""
    with pytest.raises(Refusal, match=f"U\\+{code:04X} at position 1"):
        choose(f"a{chr(code)}b", default)


@given(
    st.text(st.characters(exclude_categories=["Cs", "Cc"])), st.sampled_from(DEFAULTS)
)
def test_nothing_is_replaced(text: str, default: str) -> None:
    """Any text without controls is carried by what is chosen for it, whole."""
    encoding = choose(text, default)
    octets = encode(text, encoding)
    assert decode(octets, encoding) == text
    if encoding == default:
        assert len(octets) >= len(text)
    else:
        assert encoding is Encoding.UCS2
        assert octets.decode("utf-16-be") == text
        with pytest.raises(ValueError, match=r"."):
            encode(text, Encoding(default))


def test_national_tables() -> None:
    """A shift is for GSM 7-bit; what travels otherwise does not care."""
    shift = Shift(single=Language.TURKISH)
    assert encode("a\u015f", Encoding.GSM7, shift) == b"a\x1b\x73"
    assert decode(b"a\x1b\x73", Encoding.GSM7, shift) == "a\u015f"
    assert encode("\u015f", Encoding.UCS2, shift) == b"\x01\x5f"
    assert decode(b"\x01\x5f", Encoding.UCS2, shift) == "\u015f"


@pytest.mark.parametrize(
    ("octets", "encoding", "text"),
    [
        (b"\x00\x1b\x65\x7f", Encoding.GSM7, "@\u20ac\xe0"),
        (b"@\xe0\x7f", Encoding.LATIN1, "@\xe0\x7f"),
        (b"@a\xe0", Encoding.ASCII, "@a\ufffd"),
        (b"\x04\x4f\xd8\x3d\xde\x00", Encoding.UCS2, "я😀"),
        (b"\x04\x4f\x00", Encoding.UCS2, "я\ufffd"),
        (b"\xd8\x3d\x00a", Encoding.UCS2, "\ufffda"),
        (b"", Encoding.UCS2, ""),
    ],
)
def test_decode(octets: bytes, encoding: Encoding, text: str) -> None:
    """Each alphabet reads its octets; what is no character in it is U+FFFD."""
    assert decode(octets, encoding) == text


@given(st.binary(), st.sampled_from(Encoding))
def test_decode_is_total(octets: bytes, encoding: Encoding) -> None:
    """No octets from a peer raise, and none becomes half a surrogate pair."""
    decode(octets, encoding).encode("utf-8")

import pytest
from hypothesis import given
from hypothesis import strategies as st

from luckgw.domain.errors import Refusal
from luckgw.text import gsm7
from luckgw.text.alphabets import Encoding, choose, encode

ALLOWED_CONTROLS = "\n\f\r"


def test_data_coding() -> None:
    """The names are those of the API, the data_coding those of SMPP v3.4 5.2.19."""
    assert [(e.value, str(e), e.data_coding) for e in Encoding] == [
        ("gsm7", "gsm7", 0),
        ("ucs2", "ucs2", 8),
    ]
    assert Encoding("ucs2") is Encoding.UCS2


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
    "control", [chr(c) for c in range(0x20) if chr(c) not in ALLOWED_CONTROLS]
)
@pytest.mark.parametrize("before", ["ab", "aя"])
def test_controls(control: str, before: str) -> None:
    """NUL and every C0 control but LF, FF, CR is refused, and its place is told."""
    with pytest.raises(Refusal) as caught:
        choose(f"{before}{control}c")
    assert caught.value.http_status == 400
    assert f"U+{ord(control):04X} at position 2," in caught.value.detail


@pytest.mark.parametrize("code", [0xD800, 0xD83D, 0xDE00, 0xDFFF])
def test_half_a_surrogate_pair(code: int) -> None:
    """A lone surrogate, which JSON can spell, is the caller's fault and no crash."""
    with pytest.raises(Refusal, match=f"U\\+{code:04X} at position 1"):
        choose(f"a{chr(code)}b")


@given(st.text(st.characters(exclude_categories=["Cs", "Cc"])))
def test_nothing_is_replaced(text: str) -> None:
    """Any text without controls is carried by what is chosen for it, whole."""
    encoding = choose(text)
    octets = encode(text, encoding)
    if encoding is Encoding.GSM7:
        assert gsm7.decode(octets) == text
    else:
        assert octets.decode("utf-16-be") == text
        with pytest.raises(gsm7.NotGsm7):
            gsm7.encode(text)

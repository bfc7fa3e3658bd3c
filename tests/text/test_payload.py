import pytest
from hypothesis import given
from hypothesis import strategies as st

from luckgw.text.alphabets import choose, encode
from luckgw.text.payload import DEFAULT_ALPHABETS, decode_text, split_udh


@pytest.mark.parametrize(
    ("data_coding", "default_alphabet", "payload", "text"),
    [
        (0, "gsm7", b"\x00\x1b\x65\x7f", "@€à"),
        (0, "latin1", b"@\xe0\x7f", "@à\x7f"),
        (0, "ascii", b"@a\xe0", "@a\ufffd"),
        (1, "gsm7", b"@a\xe0", "@a\ufffd"),
        (3, "gsm7", b"@\xe0", "@à"),
        (8, "gsm7", b"\x04\x4f\xd8\x3d\xde\x00", "я😀"),
        (8, "gsm7", b"\x04\x4f\x00", "я\ufffd"),
        (8, "gsm7", b"\xd8\x3d\x00a", "\ufffda"),
        (8, "gsm7", b"", ""),
    ],
)
def test_decode(
    data_coding: int, default_alphabet: str, payload: bytes, text: str
) -> None:
    """Each alphabet reads its octets; what is no character in it is U+FFFD."""
    assert decode_text(data_coding, payload, default_alphabet) == text


@pytest.mark.parametrize("data_coding", [2, 4, 5, 6, 7, 9, 10, 13, 14, 0xF0, 0xFF])
def test_not_text(data_coding: int) -> None:
    """Binary, and alphabets we do not read, give None and no guess."""
    assert decode_text(data_coding, b"abc") is None


def test_unknown_default_alphabet() -> None:
    """A wrong name is an error of ours, not a silent choice."""
    with pytest.raises(KeyError):
        decode_text(0, b"abc", "ebcdic")


@given(st.text(st.characters(exclude_categories=["Cs", "Cc"])))
def test_round_trip(text: str) -> None:
    """What we would send reads back as it was."""
    encoding = choose(text)
    assert decode_text(encoding.data_coding, encode(text, encoding)) == text


@given(st.integers(0, 255), st.binary(), st.sampled_from(sorted(DEFAULT_ALPHABETS)))
def test_decode_is_total(data_coding: int, payload: bytes, alphabet: str) -> None:
    """No octets from a peer raise."""
    text = decode_text(data_coding, payload, alphabet)
    assert (text is None) == (data_coding not in (0, 1, 3, 8))


@pytest.mark.parametrize(
    ("payload", "elements", "rest"),
    [
        (b"", {}, b""),
        (b"\x00abc", {}, b"abc"),
        (b"\x05\x00\x03\x2a\x02\x01abc", {0: b"\x2a\x02\x01"}, b"abc"),
        (b"\x06\x08\x04\x01\x2a\x02\x01abc", {8: b"\x01\x2a\x02\x01"}, b"abc"),
        (
            b"\x0b\x05\x04\x0b\x84\x23\xf0\x00\x03\x01\x02\x01x",
            {5: b"\x0b\x84\x23\xf0", 0: b"\x01\x02\x01"},
            b"x",
        ),
        # An element without data; one that comes twice, the last counts.
        (b"\x02\x70\x00x", {0x70: b""}, b"x"),
        (b"\x06\x24\x01\x01\x24\x01\x03x", {0x24: b"\x03"}, b"x"),
        # The elements do not add up: the header is ignored, the text kept.
        (b"\x03\x00\x03\x01abc", {}, b"abc"),
        (b"\x01\x00abc", {}, b"abc"),
        (b"\x01\x00", {}, b""),
        (b"\x06\x00\x03\x01\x02\x01\x70abc", {}, b"abc"),
        # No header at all.
        (b"\x05\x00\x03", {}, b"\x05\x00\x03"),
        (b"Hello", {}, b"Hello"),
    ],
)
def test_split_udh(payload: bytes, elements: dict[int, bytes], rest: bytes) -> None:
    """A header gives its elements and the text; a broken one never takes text along."""
    assert split_udh(payload) == (elements, rest)


@given(
    st.dictionaries(st.integers(0, 255), st.binary(max_size=20), max_size=5),
    st.binary(),
)
def test_split_udh_round_trip(elements: dict[int, bytes], rest: bytes) -> None:
    """Any well-formed header is read as it was written."""
    header = b"".join(bytes([iei, len(data)]) + data for iei, data in elements.items())
    assert split_udh(bytes([len(header)]) + header + rest) == (elements, rest)


@given(st.binary())
def test_split_udh_is_total(payload: bytes) -> None:
    """No octets raise, and the rest is always the end of the payload."""
    _, rest = split_udh(payload)
    assert payload.endswith(rest)

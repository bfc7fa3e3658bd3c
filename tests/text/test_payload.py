from collections.abc import Iterable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from luckgw.text.alphabets import Encoding, choose, encode
from luckgw.text.payload import UserData, encoding_of, read, split_udh
from luckgw.text.segments import Form, cut

DEFAULTS = ["gsm7", "latin1", "ascii"]


class TestEncodingOf:
    @pytest.mark.parametrize(
        ("data_codings", "encoding"),
        [
            ([0x00], Encoding.GSM7),
            ([0x01], Encoding.ASCII),
            ([0x03], Encoding.LATIN1),
            ([0x08], Encoding.UCS2),
            (range(0x10, 0x14), Encoding.GSM7),
            (range(0x18, 0x1C), Encoding.UCS2),
            (range(0xC0, 0xE0), Encoding.GSM7),
            (range(0xE0, 0xF0), Encoding.UCS2),
            (range(0xF0, 0xF4), Encoding.GSM7),
        ],
    )
    def test_text(self, data_codings: Iterable[int], encoding: Encoding) -> None:
        """SMPP's own values, and the groups of TS 23.038: flash, message waiting."""
        assert {encoding_of(data_coding) for data_coding in data_codings} == {encoding}

    @pytest.mark.parametrize(
        "data_codings",
        [
            [2, 4, 5, 6, 7, 9, 10, 11, 12, 13, 14, 15],
            range(0x14, 0x18),  # 8-bit data
            range(0x1C, 0x40),  # reserved, compressed
            range(0x80, 0xC0),  # reserved
            range(0xF4, 0xF8),  # 8-bit data
        ],
    )
    def test_not_text(self, data_codings: Iterable[int]) -> None:
        """Binary, and alphabets we do not read, give None and no guess."""
        for data_coding in data_codings:
            assert encoding_of(data_coding) is None
            assert read(data_coding, b"abc").text() is None

    @pytest.mark.parametrize("default", DEFAULTS)
    def test_default_alphabet(self, default: str) -> None:
        """It is what 0 means, and only that."""
        assert encoding_of(0, default) == default
        assert encoding_of(8, default) is Encoding.UCS2
        assert encoding_of(0xF0, default) is Encoding.GSM7

    @pytest.mark.parametrize("data_coding", [0, 8])
    def test_unknown_default_alphabet(self, data_coding: int) -> None:
        """A wrong name is an error of ours, not a silent choice."""
        with pytest.raises(ValueError, match="ebcdic"):
            encoding_of(data_coding, "ebcdic")


class TestRead:
    def test_text(self) -> None:
        """Alphabet, octets and text of a plain short_message."""
        plain = read(0, b"\x00\x1b\x65")
        assert plain == UserData(0, Encoding.GSM7, b"\x00\x1b\x65", {})
        assert plain.text() == "@€"
        assert read(0, b"@\xe0", default_alphabet="latin1").text() == "@à"

    def test_header(self) -> None:
        """With UDHI it is taken off, without it is text."""
        payload = b"\x05\x00\x03\x2a\x02\x01abc"
        part = read(0, payload, udhi=True)
        assert (part.elements, part.octets) == ({0: b"\x2a\x02\x01"}, b"abc")
        assert read(0, payload).octets == payload
        assert read(4, payload, udhi=True).text() is None

    def test_national_tables(self) -> None:
        """The header says which ones; a language nobody knows is as not named."""
        assert read(0, b"\x03\x24\x01\x01\x1b\x67", udhi=True).text() == "ğ"
        assert read(0, b"\x03\x25\x01\x01\x0c", udhi=True).text() == "ğ"
        assert read(0, b"\x03\x25\x01\x63\x0c", udhi=True).text() == "ø"

    def test_packed(self) -> None:
        """Unpacked from behind the header on; what is not GSM 7-bit is never packed."""
        hello = bytes.fromhex("e8329bfd4697d9ec37")
        assert read(0, hello, packed=True).text() == "hellohello"
        assert read(0xF0, hello, packed=True).text() == "hellohello"
        assert read(8, b"\x04\x4f", packed=True).text() == "я"
        assert read(0, b"\xe9", default_alphabet="latin1", packed=True).text() == "é"
        part = bytes.fromhex("050003010202c2e170381c0e871b")
        assert read(0, part, udhi=True, packed=True).text() == "a" * 8

    @given(
        st.text(st.characters(exclude_categories=["Cs", "Cc"])),
        st.sampled_from(DEFAULTS),
    )
    def test_round_trip(self, text: str, default: str) -> None:
        """What we would send reads back as it was."""
        encoding = choose(text, default)
        octets = encode(text, encoding)
        for data_coding in encoding.data_coding, encoding.data_coding_at(default):
            again = read(data_coding, octets, default_alphabet=default)
            assert again.text() == text

    @given(st.text(st.sampled_from("ab@€[\n"), max_size=70))
    def test_packed_round_trip(self, text: str) -> None:
        """Packed, too."""
        (piece,) = cut(text, Encoding.GSM7, Form.UDH8, 1, packed=True)
        assert read(0, piece.short_message, packed=True).text() == text

    @given(
        st.integers(0, 255),
        st.binary(),
        st.booleans(),
        st.sampled_from(DEFAULTS),
        st.booleans(),
    )
    def test_total(
        self, data_coding: int, payload: bytes, udhi: bool, default: str, packed: bool
    ) -> None:
        """No octets from a peer raise."""
        content = read(
            data_coding, payload, udhi=udhi, default_alphabet=default, packed=packed
        )
        known = encoding_of(data_coding, default)
        assert content.encoding is known
        assert (content.text() is None) == (known is None)


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

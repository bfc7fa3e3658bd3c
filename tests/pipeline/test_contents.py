"""What routes see of a message's content."""

import pytest

from luckgw.domain.errors import Refusal
from luckgw.pipeline.contents import SmContent, TextContent
from luckgw.wire.pdus import decode_sm, encode_sm

PART = bytes.fromhex("050003070201")
TURKISH = bytes.fromhex("03240101")
SAR = {0x020C: b"\0\7", 0x020E: b"\2", 0x020F: b"\1"}


@pytest.mark.parametrize(
    ("text", "encoding", "segments"),
    [
        ("Hello", "gsm7", 1),
        ("a" * 161, "gsm7", 2),
        ("Привет", "ucs2", 1),
        ("я" * 71, "ucs2", 2),
    ],
)
def test_a_text(text: str, encoding: str, segments: int) -> None:
    """As it would be sent where GSM 7-bit is the default."""
    content = TextContent(text)
    assert (content.text(), content.encoding(), content.segments()) == (
        text,
        encoding,
        segments,
    )


def test_a_text_that_nothing_can_carry() -> None:
    """Is refused when a route asks, as it would be later."""
    with pytest.raises(Refusal):
        TextContent("a\ud800").encoding()


@pytest.mark.parametrize(
    ("fields", "text", "encoding", "segments"),
    [
        ({"short_message": b"Hello"}, "Hello", "gsm7", 1),
        ({"short_message": b"a" * 200}, "a" * 200, "gsm7", 2),
        ({"short_message": b"\x04\x11", "data_coding": 8}, "Б", "ucs2", 1),
        ({"short_message": b"\xe9", "data_coding": 3}, "é", "latin1", 1),
        ({"short_message": b"\x00\xff", "data_coding": 4}, None, "binary", 1),
        ({"tlvs": {0x0424: b"a" * 400}}, "a" * 400, "gsm7", 3),
        ({"short_message": TURKISH + b"\x1bs", "esm_class": 0x40}, "ş", "gsm7", 1),
        ({"short_message": PART + b"ab", "esm_class": 0x40}, "ab", "gsm7", 1),
        ({"short_message": b"a" * 170, "tlvs": SAR}, "a" * 170, "gsm7", 1),
        ({"short_message": b"\xd8\x00" * 9, "data_coding": 8}, "\ufffd" * 9, "ucs2", 1),
    ],
)  # fmt: skip
def test_a_partners(
    fields: dict[str, object], text: str | None, encoding: str, segments: int
) -> None:
    """As it came; a part of a long message by itself."""
    sm = decode_sm(encode_sm(source_addr=b"Acme", destination_addr=b"233", **fields))  # type: ignore[arg-type]
    content = SmContent(sm, "gsm7")
    assert (content.text(), content.encoding(), content.segments()) == (
        text,
        encoding,
        segments,
    )

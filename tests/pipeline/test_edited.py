"""A route's changes to texts come before each upstream's own form."""

import pytest

from luckgw.config.routes import ContentRewrite, RouteRewrite
from luckgw.pipeline.edited import EditedOutgoing
from luckgw.routing.rewrite import ContentEdit
from luckgw.wire.pdus import Sm, decode_sm, encode_sm
from tests.pipeline.carrier import NOON_MS, account, outgoing, phone_shows, texting

PART = bytes.fromhex("050003070201")


def edit(append: str = "", *rules: tuple[str, str]) -> ContentEdit:
    """One that appends and replaces."""
    content = tuple(ContentRewrite(re, to) for re, to in rules)
    return ContentEdit(RouteRewrite(content=content, append=append))


def sm(**fields: object) -> Sm:
    """A partner's submit_sm."""
    return decode_sm(
        encode_sm(
            source_addr_ton=5,
            source_addr=b"Acme",
            dest_addr_ton=1,
            dest_addr_npi=1,
            destination_addr=b"233241234567",
            registered_delivery=1,
            **fields,  # type: ignore[arg-type]
        )
    )


def edited(message: Sm, append: str = "!", *rules: tuple[str, str]) -> list[bytes]:
    """The bodies that an upstream gets of it."""
    wanted = EditedOutgoing(outgoing(), edit(append, *rules))
    bodies, _ = wanted.sm(message, account(), "233241234567", NOON_MS)
    return list(bodies)


def test_a_text_is_cut_after_the_change() -> None:
    """So that its segments are those of what is sent."""
    wanted = EditedOutgoing(texting(form="udh8"), edit(" Reply STOP"))
    bodies, written = wanted.text(account(), "Acme", "233241234567", "a" * 155, NOON_MS)
    assert (len(bodies), written.segments) == (2, 2)
    assert phone_shows(bodies, "gsm7") == "a" * 155 + " Reply STOP"


@pytest.mark.parametrize(
    ("fields", "append", "shown"),
    [
        ({"short_message": b"Hello"}, " you", "Hello you"),
        ({"short_message": b"Hello"}, " я", "Hello я"),
        ({"short_message": b"caf\xe9", "data_coding": 3}, "!", "café!"),
        ({"short_message": b"a" * 160}, "b" * 10, "a" * 160 + "b" * 10),
        ({"short_message": b"a" * 250}, "b" * 10, "a" * 250 + "b" * 10),
        ({"tlvs": {0x0424: b"a" * 300}}, "b", "a" * 300 + "b"),
        ({"tlvs": {0x0424: b"a"}}, "b", "ab"),
    ],
)
def test_a_partners_text_is_changed(
    fields: dict[str, object], append: str, shown: str
) -> None:
    """In its own alphabet if that has all of it, else in UCS2; whole."""
    assert phone_shows(edited(sm(**fields), append), "gsm7") == shown


@pytest.mark.parametrize(
    "fields",
    [
        {"short_message": PART + b"part", "esm_class": 0x40},
        {"short_message": b"\x01\x02", "data_coding": 4},
        {"short_message": b"\xd8\x00", "data_coding": 8},
        {"short_message": b"\x06\x05\x04\x0b\x84\x23\xf0ab", "esm_class": 0x40},
        {
            "short_message": b"part",
            "tlvs": {0x020C: b"\0\7", 0x020E: b"\2", 0x020F: b"\1"},
        },
    ],
)
def test_what_is_not_a_whole_text_is_not_touched(fields: dict[str, object]) -> None:
    """Parts, binary, what is garbled, what has ports."""
    message = sm(**fields)
    plain, _ = outgoing().sm(message, account(), "233241234567", NOON_MS)
    assert edited(message) == list(plain)


def test_a_text_that_no_rule_finds_anything_in() -> None:
    """Goes as it came."""
    message = sm(short_message=b"Hello")
    assert edited(message, "", ("x", "y")) == [message.body]

"""A message from a phone as a text, and as a partner gets it."""

import itertools
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from luckgw.egress.mo import Mo, Reading
from luckgw.text.alphabets import choose
from luckgw.text.segments import Form, cut
from luckgw.wire.pdus import Command, Sm, decode_sm, encode_sm

PAYLOAD = 0x0424
USUAL = Reading()
LONG = "0123456789" * 40 + "\u20ac"


def body(octets: bytes, **fields: Any) -> bytes:
    """A deliver_sm body from a phone."""
    return encode_sm(
        **{
            "source_addr": b"233501234567",
            "destination_addr": b"4040",
            "short_message": octets,
            **fields,
        }
    )


def phone(text: str, form: Form = Form.UDH8) -> list[bytes]:
    """What a phone makes of a text."""
    encoding = choose(text)
    return [
        body(
            piece.short_message,
            esm_class=0x40 if piece.udhi else 0,
            data_coding=encoding.data_coding,
            tlvs=piece.tlvs,
        )
        for piece in cut(text, encoding, form, 7)
    ]


def mo(*bodies: bytes, alphabet: str = "gsm7", packed: bool = False) -> Mo:
    """A message of these."""
    return Mo("mtn", 1_800_000_000_000, [(alphabet, packed, each) for each in bodies])


def delivered(message: Mo, settings: Reading = USUAL, **given: bool) -> list[Sm]:
    """What a partner gets, read back."""
    bodies = message.deliver_sms(settings, **{"takes_tlvs": True, **given})
    return [decode_sm(each, Command.DELIVER_SM) for each in bodies]


def read_back(sms: list[Sm], alphabet: str = "gsm7") -> str | None:
    """What a partner reads in them."""
    bodies = [(alphabet, False, sm.body) for sm in sms]
    return Mo("mtn", 0, bodies).text


@given(
    text=st.text(
        st.characters(exclude_categories=["Cc", "Cs"]), min_size=1, max_size=300
    ),
    form=st.sampled_from([Form.UDH8, Form.UDH16, Form.SAR]),
    long=st.sampled_from(["auto", "payload", "parts"]),
    alphabet=st.sampled_from(["gsm7", "latin1", "ascii"]),
    takes_tlvs=st.booleans(),
)
def test_a_partner_reads_what_the_phone_wrote(
    text: str, form: Form, long: str, alphabet: str, takes_tlvs: bool
) -> None:
    """Whatever the phone's form, the account's settings, and the session's version."""
    settings = Reading(long=long, alphabet=alphabet)
    sms = delivered(mo(*phone(text, form)), settings, takes_tlvs=takes_tlvs)
    assert read_back(sms, alphabet) == text
    assert takes_tlvs or all(sm.tlvs is None for sm in sms)
    assert not (takes_tlvs and long != "parts" and len(sms) > 1)
    assert {sm.source_addr for sm in sms} == {b"233501234567"}
    assert all(sm.registered_delivery == 0 for sm in sms)


def test_parts_are_the_phones_own() -> None:
    """Header and reference as they came, in the order of their numbers."""
    parts = phone(LONG)
    got = delivered(mo(*parts), Reading(long="parts"))
    assert [sm.body for sm in got] == parts


def test_what_was_begun_in_parts_is_ended_in_parts() -> None:
    """Whoever takes the rest."""
    assert len(delivered(mo(*phone(LONG)), in_parts=True)) == 3


def test_a_gap_is_shown() -> None:
    """In the text, whole or not."""
    first, _, last = phone(LONG)
    message = mo(first, last)
    assert message.text is not None
    assert "[...]" in message.text
    (sm,) = delivered(message)
    assert read_back([sm]) == message.text


def test_binary_with_a_gap_stays_in_parts() -> None:
    """Where octets are missing they can not be put together."""
    first, last = (
        body(b"\x05\0\3\7\3" + bytes((n,)) + b"xyz", esm_class=0x40, data_coding=4)
        for n in (1, 3)
    )
    message = mo(first, last)
    assert message.text is None
    assert message.octets == b"xyzxyz"
    assert [sm.body for sm in delivered(message)] == [first, last]


def test_binary_keeps_its_ports() -> None:
    """A header that says more than which part it is stays before the whole."""
    ports = b"\x05\x04\x15\x81\x15\x81"
    parts = [
        body(
            b"\x0b\0\3\7\2" + bytes((n,)) + ports + b"x" * 120,
            esm_class=0x40,
            data_coding=4,
        )
        for n in (1, 2)
    ]
    (sm,) = delivered(mo(*parts))
    assert sm.esm_class == 0x40
    assert sm.payload == b"\6" + ports + b"x" * 240
    assert mo(*parts).header == b"\6" + ports


@pytest.mark.parametrize("size", [1, 140, 141, 254, 255, 5000, 33_000])
@pytest.mark.parametrize("header", [b"", b"\6\5\4\x15\x81\x15\x81"])
def test_any_octets_reach_any_partner(size: int, header: bytes) -> None:
    """Also one who bound with v3.3, in parts that fit; nothing is lost."""
    octets = bytes(itertools.islice(itertools.cycle(range(256)), size))
    came = body(
        b"",
        esm_class=0x40 if header else 0,
        data_coding=4,
        tlvs={PAYLOAD: header + octets},
    )
    for takes_tlvs in (True, False):
        sms = delivered(mo(came), takes_tlvs=takes_tlvs)
        whole = Mo("mtn", 0, [("gsm7", False, sm.body) for sm in sms])
        assert (whole.octets, whole.header) == (octets, header)
        assert takes_tlvs or all(sm.tlvs is None for sm in sms)


def test_another_default_alphabet_is_written_anew() -> None:
    """data_coding 0 in Latin-1, or packed, is not what a partner takes it for."""
    latin = mo(body("caf\u00e9 \u20ac"[:4].encode("latin-1")), alphabet="latin1")
    assert latin.text == "caf\u00e9"
    assert read_back(delivered(latin)) == "caf\u00e9"
    kept = delivered(latin, Reading(alphabet="latin1"))
    assert kept[0].short_message == b"caf\xe9"
    packed = mo(body(bytes.fromhex("c8329bfd06")), packed=True)
    assert packed.text == "Hello"
    assert delivered(packed)[0].short_message == b"Hello"


@pytest.mark.parametrize("kind", [0x08, 0x10])
def test_acknowledgements_of_a_phone_keep_their_kind(kind: int) -> None:
    """esm_class says what they are; a message's is 0."""
    message = mo(body(b"x", esm_class=kind | 0x03))
    assert message.kind == kind
    assert delivered(message)[0].esm_class == kind
    assert delivered(mo(body(b"x", esm_class=0x01)))[0].esm_class == 0


def test_tlvs_are_passed_on() -> None:
    """Those that came with a message, to who may have any."""
    message = mo(body(b"x", tlvs={0x0204: b"\0\1", 0x1400: b"vendor"}))
    assert delivered(message)[0].tlvs == {0x0204: b"\0\1", 0x1400: b"vendor"}
    assert delivered(message, takes_tlvs=False)[0].tlvs is None


@given(
    payload=st.binary(max_size=254),
    data_coding=st.integers(0, 255),
    esm_class=st.integers(0, 255),
    tlvs=st.none()
    | st.dictionaries(
        st.sampled_from([0x020C, 0x020E, 0x020F, PAYLOAD, 0x1400]),
        st.binary(max_size=4),
        min_size=1,
    ),
    alphabet=st.sampled_from(["gsm7", "latin1", "ascii"]),
    packed=st.booleans(),
    long=st.sampled_from(["auto", "payload", "parts"]),
    takes_tlvs=st.booleans(),
)
def test_nothing_that_a_carrier_brings_breaks_it(
    payload: bytes,
    data_coding: int,
    esm_class: int,
    tlvs: dict[int, bytes] | None,
    alphabet: str,
    packed: bool,
    long: str,
    takes_tlvs: bool,
) -> None:
    """Any fields: there is a text or octets, and at least one deliver_sm."""
    came = body(payload, data_coding=data_coding, esm_class=esm_class, tlvs=tlvs)
    message = mo(came, alphabet=alphabet, packed=packed)
    assert message.text is None or isinstance(message.text, str)
    assert isinstance(message.octets, bytes)
    sms = delivered(message, Reading(long=long), takes_tlvs=takes_tlvs)
    assert len(sms) >= 1

"""A partner's submit_sm as each upstream wants it."""

import random
from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from luckgw.config.outgoing import UpstreamSubmitSm
from luckgw.config.rules import Tlvs
from luckgw.domain.errors import Refusal
from luckgw.domain.status import Status
from luckgw.pipeline.outgoing import Outgoing
from luckgw.text import gsm7
from luckgw.text.alphabets import Encoding, carries, encode
from luckgw.text.segments import Form, Piece, cut
from luckgw.wire.pdus import Command, Sm, decode_sm, encode_data_sm, encode_sm
from tests.pipeline.carrier import (
    NOON_MS,
    account,
    outgoing,
    phone_shows,
    sms,
    texting,
)
from tests.pipeline.test_outgoing_texts import texts, wanted

NUMBER = "233501234567"
PAYLOAD = 0x0424
SAR = {0x020C: b"\0\7", 0x020E: b"\2", 0x020F: b"\1"}
CONCATENATION = bytes((5, 0, 3, 7, 2, 1))
LETTERS = {
    # No CR: at the end of a full part that is packed it is taken for filling.
    "gsm7": gsm7.BASIC.replace("\x1b", "").replace("\r", "") + "€[]{}",
    "latin1": "abc @éçÁ£",
    "ascii": "abc @`[]",
}
"""Of each alphabet, some that others lack, or have somewhere else."""
PORTS = bytes((6, 5, 4, 0x15, 0x82, 0, 0))


def submitted(short_message: bytes = b"Hello", **fields: Any) -> Sm:
    """A submit_sm as a partner sends it: no receipt asked for, a plain kind."""
    return decode_sm(
        encode_sm(
            **{
                "source_addr_ton": 5,
                "source_addr": b"Luck",
                "dest_addr_ton": 1,
                "dest_addr_npi": 1,
                "destination_addr": NUMBER.encode(),
                "short_message": short_message,
                **fields,
            }
        )
    )


def sent(
    sm: Sm, to: Outgoing | None = None, alphabet: str = "gsm7", **owner: Any
) -> tuple[Sequence[bytes], int]:
    """What an upstream gets of it, and as how many segments it counts."""
    owner_account = account(default_alphabet=alphabet, **owner)
    return (to or texting()).sm(sm, owner_account, NUMBER, NOON_MS)


def one(sm: Sm, to: Outgoing | None = None, alphabet: str = "gsm7") -> Sm:
    """The one submit_sm that an upstream gets of it."""
    bodies, segments = sent(sm, to, alphabet)
    assert segments == 1
    (found,) = sms(bodies)
    return found


class TestAsItCame:
    def test_the_body_is_used_again(self) -> None:
        """Octet for octet; only the carrier is asked for a receipt."""
        sm = submitted(b"Hello", tlvs={0x1401: b"\1", 0x0204: b"\0\1"})
        ((body,), segments) = sent(sm)
        at = sm.registered_delivery_at
        assert segments == 1
        assert body == sm.body[:at] + b"\1" + sm.body[at + 1 :]

    @pytest.mark.parametrize(
        ("fields", "source", "kind"),
        [
            ({"source_addr_ton": 0}, b"Luck", (5, 0)),
            ({"source_addr": b"233501234567"}, b"233501234567", (1, 1)),
            ({"source_addr": b"+233501234567"}, b"233501234567", (1, 1)),
            ({"source_addr": b"1234"}, b"1234", (3, 0)),
            ({"source_addr": b""}, b"", (0, 0)),
        ],
    )
    def test_the_kind_of_an_address_is_found_out(
        self, fields: dict[str, Any], source: bytes, kind: tuple[int, int]
    ) -> None:
        """Whatever the partner said that it is."""
        sm = one(submitted(**fields))
        assert sm.source_addr == source
        assert (sm.source_addr_ton, sm.source_addr_npi) == kind

    @pytest.mark.parametrize(
        "fields",
        [
            {"destination_addr": b"+233501234567"},
            {"destination_addr": b"00233501234567", "dest_addr_ton": 2},
            {"dest_addr_ton": 0, "dest_addr_npi": 0},
        ],
    )
    def test_the_destination_is_written_in_full(self, fields: dict[str, Any]) -> None:
        """As an international number of kind 1/1; all else stays."""
        sm = one(submitted(service_type=b"CMT", priority_flag=2, **fields))
        assert (sm.dest_addr_ton, sm.dest_addr_npi) == (1, 1)
        assert sm.destination_addr == NUMBER.encode()
        assert (sm.service_type, sm.priority_flag) == (b"CMT", 2)
        assert (sm.short_message, sm.registered_delivery) == (b"Hello", 1)

    @pytest.mark.parametrize(
        "fields",
        [
            {"esm_class": 0x40, "short_message": CONCATENATION + b"a" * 153},
            {"esm_class": 0x40, "short_message": PORTS + b"\1\2", "data_coding": 4},
            {"esm_class": 0x40, "short_message": PORTS + b"\1\2", "data_coding": 0xF5},
            {"data_coding": 2, "short_message": b"\xff" * 140},
            {"data_coding": 4, "short_message": b"\xff" * 140},
            {"data_coding": 0xF6, "short_message": b"\xff" * 140},
            {"data_coding": 0x10, "short_message": b"flash"},
            {"data_coding": 0xF1, "short_message": b"class"},
            {"data_coding": 0xC8, "short_message": b"voice mail"},
            {"data_coding": 0xE0, "short_message": b"\0a"},
            {"data_coding": 3, "short_message": b"caf\xe9"},
            {"data_coding": 8, "short_message": b"\xd8"},
            {"tlvs": SAR, "short_message": b"a" * 153},
        ],
    )
    @pytest.mark.parametrize("form", ["udh8", "sar", "payload"])
    def test_content(self, form: str, fields: dict[str, Any]) -> None:
        """Parts that the partner cut, binary, ports, groups of data_coding, garbage:
        whatever the form, it is not touched, and is one segment.
        """
        came = submitted(**fields)
        sm = one(came, texting(form=form))
        assert sm.short_message == came.short_message
        assert (sm.data_coding, sm.esm_class) == (came.data_coding, came.esm_class)
        assert sm.tlvs == came.tlvs

    def test_a_header_and_sar(self) -> None:
        """Both are not allowed: the header wins."""
        short_message = CONCATENATION + b"a"
        came = submitted(short_message, esm_class=0x40, tlvs=SAR | {0x0204: b"\0\1"})
        sm = one(came)
        assert sm.short_message == short_message
        assert sm.tlvs == {0x0204: b"\0\1"}

    def test_a_long_binary_message(self) -> None:
        """Stays where it is, and counts as what it will be on the air."""
        came = submitted(b"", data_coding=4, tlvs={PAYLOAD: b"\xff" * 300})
        bodies, segments = sent(came)
        assert sms(bodies)[0].tlvs == {PAYLOAD: b"\xff" * 300}
        assert segments == 3
        with pytest.raises(Refusal, match="needs 3 segments, at most 2") as caught:
            sent(came, max_segments=2)
        assert caught.value.command_status == Status.ESME_RINVMSGLEN

    def test_a_data_sm(self) -> None:
        """Becomes a submit_sm, its payload a short_message where it fits."""
        body = encode_data_sm(
            source_addr_ton=5,
            source_addr=b"Luck",
            destination_addr=NUMBER.encode(),
            tlvs={PAYLOAD: b"Hello"},
        )
        sm = one(decode_sm(body, Command.DATA_SM))
        assert (sm.short_message, sm.tlvs) == (b"Hello", None)
        binary = encode_data_sm(
            destination_addr=NUMBER.encode(), data_coding=4, tlvs={PAYLOAD: b"\xff"}
        )
        sm = one(decode_sm(binary, Command.DATA_SM))
        assert (sm.short_message, sm.tlvs) == (b"\xff", None)

    def test_a_data_sm_with_a_sender_that_a_submit_sm_can_not_have(self) -> None:
        """Is refused: 65 octets are too many."""
        body = encode_data_sm(
            source_addr=b"x" * 21,
            destination_addr=NUMBER.encode(),
            tlvs={PAYLOAD: b"Hello"},
        )
        with pytest.raises(Refusal) as caught:
            sent(decode_sm(body, Command.DATA_SM))
        assert caught.value.command_status == Status.ESME_RINVSRCADR

    def test_one_that_no_record_can_hold(self) -> None:
        """Is refused: its length is wrong."""
        came = submitted(b"", tlvs={0x1401: bytes(65_535)})
        with pytest.raises(Refusal) as caught:
            sent(came)
        assert caught.value.command_status == Status.ESME_RINVMSGLEN


class TestCutByUs:
    @given(
        wanted(),
        texts,
        st.sampled_from(["gsm7", "latin1", "ascii"]),
        st.sampled_from(["default", "ucs2", "class"]),
        st.booleans(),
        st.randoms(use_true_random=False),
    )
    def test_any_text_arrives_as_it_was_written(
        self,
        table: dict[str, Any],
        text: str,
        alphabet: str,
        coding: str,
        in_payload: bool,
        order: random.Random,
    ) -> None:
        """In whatever alphabet the partner writes, however long, wherever it stands:
        the phone shows the same, from a carrier of any kind.
        """
        encoding = Encoding.GSM7 if coding == "class" else Encoding(alphabet)
        if coding == "ucs2" or not carries(encoding, text):
            encoding, coding = Encoding.UCS2, "ucs2"
        octets = encode(text, encoding)
        in_payload = in_payload or len(octets) > 254
        data_coding = {"default": 0, "ucs2": 8, "class": 0xF0}[coding]
        came = submitted(
            b"" if in_payload else octets,
            data_coding=data_coding,
            tlvs={PAYLOAD: octets} if in_payload else None,
        )
        bodies, segments = sent(came, texting(**table), alphabet)
        shuffled = list(bodies)
        order.shuffle(shuffled)
        assert phone_shows(shuffled, str(table["alphabet"])) == text
        assert table["form"] == "payload" or len(bodies) == segments
        if coding == "class":
            assert {sm.data_coding for sm in sms(bodies)} == {0xF0}

    @pytest.mark.parametrize(
        ("form", "sizes", "tlvs"),
        [
            ("udh8", [159, 53], {0x0204}),
            ("udh16", [159, 55], {0x0204}),
            ("sar", [153, 47], {0x0204, *SAR}),
            ("payload", [0], {0x0204, PAYLOAD}),
        ],
    )
    @pytest.mark.parametrize("in_payload", [True, False])
    def test_in_the_upstreams_form(
        self, form: str, sizes: list[int], tlvs: set[int], *, in_payload: bool
    ) -> None:
        """A message_payload and a short_message of 200 septets; other TLVs stay on each
        part.
        """
        text = b"a" * 200
        came = submitted(
            b"" if in_payload else text,
            tlvs={0x0204: b"\0\1"} | ({PAYLOAD: text} if in_payload else {}),
        )
        bodies, segments = sent(came, texting(form=form))
        assert segments == 2
        assert [len(sm.short_message) for sm in sms(bodies)] == sizes
        assert all(set(sm.tlvs or {}) == tlvs for sm in sms(bodies))

    def test_a_short_payload(self) -> None:
        """Goes as a short_message: not every carrier takes the other."""
        sm = one(submitted(b"", tlvs={PAYLOAD: b"Hello"}))
        assert (sm.short_message, sm.tlvs) == (b"Hello", None)

    def test_with_national_tables(self) -> None:
        """Its tables stay on each part; SAR could not say so, and is not used."""
        header = bytes((3, 0x24, 1, 1))
        payload = header + b"\x1bs" * 100  # ş of the Turkish single shift table
        came = submitted(b"", esm_class=0x40, tlvs={PAYLOAD: payload})
        for form in ("udh8", "sar"):
            bodies, segments = sent(came, texting(form=form))
            assert (len(bodies), segments) == (2, 2)
            assert phone_shows(bodies, "gsm7") == "ş" * 100
        short = submitted(header + b"\x1bs", esm_class=0x40)
        assert one(short).short_message == short.short_message

    def test_too_many_segments(self) -> None:
        """Refused with the number and the limit, by upstream or account."""
        came = submitted(b"", tlvs={PAYLOAD: b"a" * 400})
        with pytest.raises(Refusal, match="needs 3 segments, at most 2") as caught:
            sent(came, max_segments=2)
        assert caught.value.command_status == Status.ESME_RINVMSGLEN
        with pytest.raises(Refusal, match="at most 1"):
            sent(came, texting(max_segments=1))


class TestAnotherAlphabet:
    @pytest.mark.parametrize(
        ("table", "alphabet", "octets", "coding", "expected", "goes_as"),
        [
            ({}, "latin1", b"caf\xe9", 0, b"caf\x05", 0),
            ({}, "latin1", b"a\xe7a", 0, "aça".encode("utf-16-be"), 8),
            ({}, "latin1", b"a\tb", 0, "a\tb".encode("utf-16-be"), 8),
            ({}, "ascii", b"a`@", 0, "a`@".encode("utf-16-be"), 8),
            ({"alphabet": "latin1"}, "gsm7", b"\0\x05", 0, b"@\xe9", 0),
            ({"alphabet": "latin1"}, "gsm7", b"\x1be", 0, b"\x20\xac", 8),
            ({"alphabet": "ascii"}, "gsm7", b"\0", 0, b"@", 0),
            (
                {"alphabet": "gsm7-packed"},
                "gsm7",
                b"hello",
                0,
                b"\xe8\x32\x9b\xfd\x06",
                0,
            ),
            (
                {"alphabet": "gsm7-packed"},
                "gsm7",
                b"hello",
                0xF1,
                b"\xe8\x32\x9b\xfd\x06",
                0xF1,
            ),
            ({"also": ()}, "gsm7", b"caf\xe9", 3, b"caf\x05", 0),
            ({"also": ("latin1",)}, "gsm7", b"caf\xe9", 3, b"caf\xe9", 3),
            ({"also": ()}, "gsm7", b"a@", 1, b"a\0", 0),
            ({"alphabet": "latin1", "also": ()}, "gsm7", b"caf\xe9", 3, b"caf\xe9", 0),
        ],
    )
    def test_a_whole_text(
        self,
        table: dict[str, Any],
        alphabet: str,
        octets: bytes,
        coding: int,
        expected: bytes,
        goes_as: int,
    ) -> None:
        """It is written anew where the two mean different alphabets; what can not be
        is UCS2.
        """
        came = submitted(octets, data_coding=coding)
        sm = one(came, texting(**table), alphabet)
        assert (sm.short_message, sm.data_coding) == (expected, goes_as)

    @pytest.mark.parametrize(
        "fields",
        [
            {"data_coding": 4, "short_message": b"\xe9"},
            {"data_coding": 8, "short_message": b"\0\xe9"},
            {"esm_class": 0x40, "short_message": PORTS + b"caf\xe9"},
            {"data_coding": 0xF4, "short_message": b"\xe9"},
        ],
    )
    def test_what_is_no_text_of_the_default_alphabet(
        self, fields: dict[str, Any]
    ) -> None:
        """Goes as it came: binary, UCS2, with ports."""
        came = submitted(**fields)
        sm = one(came, alphabet="latin1")
        assert (sm.short_message, sm.data_coding) == (
            came.short_message,
            came.data_coding,
        )

    def test_octets_that_are_no_text(self) -> None:
        """An octet above 0x7F is no septet: nobody knows what was meant."""
        sm = one(submitted(b"caf\xe9"), texting(alphabet="latin1"))
        assert sm.short_message == b"caf\xe9"

    def test_transliterated_if_the_account_asks(self) -> None:
        """What is written anew is written as a text of the account's."""
        bodies, _ = sent(
            submitted(b"a\xe7a"), texting(), alphabet="latin1", transliterate=True
        )
        assert sms(bodies)[0].short_message == b"aca"

    @given(
        wanted(),
        st.sampled_from(sorted(LETTERS)).flatmap(
            lambda name: st.tuples(
                st.just(name), st.text(st.sampled_from(LETTERS[name]), min_size=1)
            )
        ),
        st.sampled_from([Form.UDH8, Form.UDH16, Form.SAR]),
    )
    def test_parts_that_the_partner_cut(
        self, table: dict[str, Any], letters: tuple[str, str], form: Form
    ) -> None:
        """Each stays one segment with its place among the others; the phone shows the
        text, or the partner is told that a part can not be written, which happens only
        where the carrier's alphabet is another and lacks a character, or writes it with
        two septets.
        """
        alphabet, text = letters
        text *= 161 // len(text) + 1
        there = Encoding(str(table["alphabet"]).partition("-")[0])
        parts = cut(text, Encoding(alphabet), form, 9)
        bodies: list[bytes] = []
        refused: list[int] = []
        for part in parts:
            try:
                ((body,), segments) = sent(_of(part), texting(**table), alphabet)
            except Refusal as refusal:
                refused.append(refusal.command_status)
            else:
                assert segments == 1
                bodies.append(body)
        if refused:
            assert set(refused) == {Status.ESME_RINVMSGLEN}
            assert not carries(there, text) or not set(text).isdisjoint("€[]{}")
        else:
            assert phone_shows(reversed(bodies), str(table["alphabet"])) == text

    @pytest.mark.parametrize("form", [Form.UDH8, Form.UDH16, Form.SAR])
    @pytest.mark.parametrize(
        "table", [{"alphabet": "gsm7-packed"}, {"alphabet": "latin1"}]
    )
    def test_full_parts_are_never_refused_for_their_length(
        self, table: dict[str, Any], form: Form
    ) -> None:
        """153 septets are 153 septets again on the air, whatever they were between."""
        text = "hello @ é" * 100
        bodies = [
            sent(_of(part), texting(**table))[0][0]
            for part in cut(text, Encoding.GSM7, form, 9)
        ]
        assert phone_shows(bodies, str(table["alphabet"])) == text

    def test_a_part_that_can_not_be_written(self) -> None:
        """Is refused, with advice; it never arrives as something else."""
        came = submitted(CONCATENATION + b"\x1be" * 70, esm_class=0x40)
        with pytest.raises(Refusal, match="message_payload") as caught:
            sent(came, texting(alphabet="latin1"))
        assert caught.value.command_status == Status.ESME_RINVMSGLEN


def _of(part: Piece) -> Sm:
    """The submit_sm of a part."""
    return submitted(
        part.short_message, esm_class=0x40 if part.udhi else 0, tlvs=part.tlvs
    )


class TestFields:
    def test_that_the_upstream_wants(self) -> None:
        """In place of the partner's, except what the partner alone can know."""
        to = outgoing(
            submit_sm=UpstreamSubmitSm("OTP", 3, "always"),
            vendor_tlvs=Tlvs([(0x1401, b"\x0a")]),
        )
        sm = one(
            submitted(service_type=b"CMT", tlvs={0x1401: b"\1", 0x1402: b"\2"}), to
        )
        assert (sm.service_type, sm.esm_class) == (b"OTP", 3)
        assert sm.tlvs == {0x1401: b"\x0a", 0x1402: b"\2"}
        assert sm.validity_period == b"270115120000000+"
        given_period = b"000001000000000R"
        sm = one(submitted(validity_period=given_period, esm_class=1), to)
        assert (sm.validity_period, sm.esm_class) == (given_period, 1)

    def test_no_validity(self) -> None:
        """Some carriers refuse any."""
        to = outgoing(submit_sm=UpstreamSubmitSm(send_validity="never"))
        assert (
            one(submitted(validity_period=b"000001000000000R"), to).validity_period
            == b""
        )

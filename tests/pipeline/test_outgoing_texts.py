"""A text as each upstream wants it: what was written is what a phone shows."""

import random
from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from luckgw.config import model
from luckgw.config.outgoing import ALPHABETS, FORMS, LANGUAGES, UpstreamSubmitSm
from luckgw.config.rules import Tlvs
from luckgw.domain.errors import Refusal
from luckgw.domain.status import Status
from luckgw.text import gsm7, translit
from luckgw.text.alphabets import Encoding, carries
from luckgw.text.segments import Piece
from luckgw.text.writer import Written
from luckgw.wire.pdus import Sm
from tests.pipeline.carrier import (
    NOON_MS,
    account,
    outgoing,
    phone_shows,
    sms,
    texting,
)
from tests.text.phone import shown

sendable = st.characters(exclude_categories=["Cs", "Cc"]) | st.sampled_from("\n\r\f")
pieces_of_text = st.one_of(
    st.text(sendable, max_size=60),
    st.text(st.sampled_from(gsm7.BASIC.replace("\x1b", "") + "€[]{}|\f"), max_size=99),
    st.text(st.characters(min_codepoint=0x20, max_codepoint=0x7E), max_size=99),
    st.text(st.characters(min_codepoint=0xA0, max_codepoint=0xFF), max_size=60),
    st.text(st.sampled_from("ığşçöüİĞŞ abc€"), max_size=99),
    st.text(st.sampled_from("नमस्ते दुनिया"), max_size=60),
    st.text(st.sampled_from("👨\u200d👩👍\U0001f3fd🇬🇭e\u0301"), max_size=40),
)
texts = st.lists(pieces_of_text, min_size=1, max_size=8).map("".join)


@st.composite
def wanted(draw: st.DrawFn) -> dict[str, Any]:
    """The text table of some upstream."""
    form = draw(st.sampled_from(FORMS))
    alphabet = draw(st.sampled_from(ALPHABETS))
    table: dict[str, Any] = {"form": form, "alphabet": alphabet}
    if draw(st.booleans()):
        table["also"] = tuple(draw(st.sets(st.sampled_from(["latin1", "ascii"]))))
    if form != "sar" and alphabet.startswith("gsm7"):
        some = st.lists(st.sampled_from(LANGUAGES), max_size=3, unique=True)
        table["languages"] = tuple(draw(some))
    return table


def written(
    table: dict[str, Any], text: str, owner: model.Account | None = None
) -> tuple[list[bytes], Written]:
    """What an upstream with this table is sent."""
    return texting(**table).text(
        owner or account(), "Luck", "233501234567", text, NOON_MS
    )


def pieces(bodies: Sequence[bytes]) -> list[Piece]:
    """The content of each submit_sm."""
    return [
        Piece(sm.short_message, bool(sm.esm_class & 0x40), sm.tlvs)
        for sm in sms(bodies)
    ]


class TestPromises:
    @given(wanted(), texts, st.randoms(use_true_random=False))
    def test_any_text_arrives_as_it_was_written(
        self, table: dict[str, Any], text: str, order: random.Random
    ) -> None:
        """In every form and alphabet, with or without national tables, packed or not,
        in whatever order its parts come.
        """
        bodies, _ = written(table, text)
        order.shuffle(bodies)
        assert phone_shows(bodies, str(table["alphabet"])) == text

    @given(wanted(), texts)
    @example({"form": "udh8", "alphabet": "gsm7-packed"}, "a" * 152 + "\r" + "b" * 20)
    @example({"form": "udh8", "alphabet": "gsm7-packed"}, "a" * 7)
    @example({"form": "udh16", "alphabet": "gsm7"}, "a" * 151 + "€" * 5)
    @example({"form": "sar", "alphabet": "gsm7"}, "я" * 66 + "😀" * 9)
    def test_each_segment_fits_and_reads_alone(
        self, table: dict[str, Any], text: str
    ) -> None:
        """At most 140 octets of user data; read by itself, strictly, no part begins or
        ends inside an ESC pair or a surrogate pair; the texts of all are the text.
        """
        bodies, result = written(table, text)
        is_packed = table["alphabet"] == "gsm7-packed"
        is_packed = is_packed and result.encoding is Encoding.GSM7
        parts = [
            shown(each, result.encoding, packed=is_packed) for each in pieces(bodies)
        ]
        assert "".join(part.text for part in parts) == text
        assert all(part.octets <= 140 for part in parts)
        if table["form"] == "payload":
            assert len(bodies) == 1
        else:
            assert len(bodies) == result.segments

    @given(wanted(), texts)
    def test_what_the_alphabet_lacks_is_never_replaced(
        self, table: dict[str, Any], text: str
    ) -> None:
        """data_coding says in which alphabet it came to be; nothing became a ``?``."""
        bodies, result = written(table, text)
        expected = {
            str(table["alphabet"]).partition("-")[0]: 0,
            "latin1": 0 if table["alphabet"] == "latin1" else 3,
            "ascii": 0 if table["alphabet"] == "ascii" else 1,
            "ucs2": 8,
        }
        assert {sm.data_coding for sm in sms(bodies)} == {
            expected[result.encoding.value]
        }
        assert (phone_shows(bodies, str(table["alphabet"])) or "").count(
            "?"
        ) == text.count("?")

    @given(wanted(), texts)
    def test_transliterated_texts(self, table: dict[str, Any], text: str) -> None:
        """The likeness arrives as it is; what fits as it was is not touched."""
        alphabet = str(table["alphabet"])
        bodies, _ = written({**table, "transliterate": True}, text)
        fits = carries(Encoding(alphabet.partition("-")[0]), text)
        likeness = text if fits else translit.transliterate(text).text
        assert phone_shows(bodies, alphabet) == likeness

    @given(wanted(), texts)
    def test_other_alphabets_only_where_they_save(
        self, table: dict[str, Any], text: str
    ) -> None:
        """Tables and alphabets that an upstream takes never make a text longer."""
        bare = {key: table[key] for key in ("form", "alphabet")}
        assert written(table, text)[1].segments <= written(bare, text)[1].segments


class TestForms:
    @pytest.mark.parametrize(
        ("form", "text", "segments", "bodies"),
        [
            ("udh8", "a" * 160, 1, 1),
            ("udh8", "a" * 161, 2, 2),
            ("udh16", "a" * 305, 3, 3),
            ("sar", "я" * 135, 3, 3),
            ("payload", "a" * 160, 1, 1),
            ("payload", "a" * 161, 2, 1),
            ("payload", "я" * 200, 3, 1),
        ],
    )
    def test_segments_are_those_on_the_air(
        self, form: str, text: str, segments: int, bodies: int
    ) -> None:
        """Also where the carrier cuts."""
        sent, result = written({"form": form}, text)
        assert (result.segments, len(sent)) == (segments, bodies)

    def test_packed_behind_a_header(self) -> None:
        """Fill bits put the first septet on a septet boundary (TS 23.040 9.2.3.24)."""
        sent, _ = written({"alphabet": "gsm7-packed"}, "a" * 154)
        assert len(sent) == 1
        first, second = sms(written({"alphabet": "gsm7-packed"}, "hello" * 40)[0])
        assert first.short_message[:6] == bytes((5, 0, 3, 7, 2, 1))
        assert first.short_message[6] == ord("h") << 1
        assert len(first.short_message) == 140
        assert second.data_coding == 0

    @pytest.mark.parametrize(
        ("table", "text", "encoding", "coding"),
        [
            ({"alphabet": "latin1"}, "Açaí", Encoding.LATIN1, 0),
            ({"alphabet": "latin1"}, "€", Encoding.UCS2, 8),
            ({"alphabet": "ascii"}, "naïve", Encoding.UCS2, 8),
            ({"alphabet": "ascii", "also": ("latin1",)}, "ï" * 71, Encoding.LATIN1, 3),
            ({"also": ("latin1",)}, "ç" * 71, Encoding.LATIN1, 3),
            ({"also": ("latin1",)}, "ç" * 70, Encoding.UCS2, 8),
            ({}, "ç" * 71, Encoding.UCS2, 8),
            ({"languages": ("turkish",)}, "ş" * 71, Encoding.GSM7, 0),
        ],
    )
    def test_alphabets(
        self, table: dict[str, Any], text: str, encoding: Encoding, coding: int
    ) -> None:
        """The carrier's own if it can, else what takes fewest segments."""
        sent, result = written(table, text)
        assert result.encoding is encoding
        assert {sm.data_coding for sm in sms(sent)} == {coding}


class TestLimits:
    def test_too_many_segments(self) -> None:
        """Refused with the number and the limit, by upstream or account."""
        with pytest.raises(Refusal, match="needs 3 segments, at most 2") as caught:
            written({"max_segments": 2}, "a" * 307)
        assert caught.value.command_status == Status.ESME_RINVMSGLEN
        assert caught.value.http_status == 400
        with pytest.raises(Refusal, match="at most 1"):
            written({"max_segments": 2}, "a" * 161, account(max_segments=1))
        with pytest.raises(Refusal, match="needs 2 segments"):
            written({"form": "payload", "max_segments": 1}, "a" * 161)

    def test_control_characters(self) -> None:
        """Refused, whatever the carrier's alphabet; half a surrogate pair as well."""
        for text in ("a\tb", "a\ud800"):
            with pytest.raises(Refusal, match="position 1"):
                written({"alphabet": "latin1"}, text)


class TestWishes:
    @pytest.mark.parametrize(
        ("upstream", "owner", "call", "expected"),
        [
            (False, None, None, "“é”"),
            (True, None, None, '"é"'),
            (True, False, None, "“é”"),
            (False, True, None, '"é"'),
            (True, True, False, "“é”"),
            (False, False, True, '"é"'),
        ],
    )
    def test_who_says_that_a_text_is_transliterated(
        self, *, upstream: bool, owner: bool | None, call: bool | None, expected: str
    ) -> None:
        """The call, else the account, else the upstream."""
        bodies, _ = texting(transliterate=upstream).text(
            account(transliterate=owner), "Luck", "233501234567", "“é”", NOON_MS, call
        )
        assert phone_shows(bodies, "gsm7") == expected

    @pytest.mark.parametrize(
        ("owner", "encoding"),
        [
            (None, Encoding.GSM7),
            (("turkish",), Encoding.GSM7),
            (("hindi",), Encoding.UCS2),
            ((), Encoding.UCS2),
        ],
    )
    def test_national_tables_of_an_account(
        self, owner: tuple[str, ...] | None, encoding: Encoding
    ) -> None:
        """Those of the upstream that the account takes as well."""
        table = {"languages": ("turkish", "spanish")}
        _, result = written(table, "ş" * 71, account(languages=owner))
        assert result.encoding is encoding


class TestFields:
    def sent(self, **tables: object) -> Sm:
        """A short text to such an upstream."""
        bodies, _ = outgoing(**tables).text(
            account(), "Luck", "233501234567", "Hi", NOON_MS
        )
        return sms(bodies)[0]

    def test_that_the_upstream_wants(self) -> None:
        """service_type, messaging mode, TLVs, and how long it is valid."""
        sm = self.sent(
            submit_sm=UpstreamSubmitSm("OTP", 3, "always"),
            vendor_tlvs=Tlvs([(0x1401, b"\x0a")]),
        )
        assert (sm.service_type, sm.esm_class) == (b"OTP", 3)
        assert sm.validity_period == b"270115120000000+"
        assert sm.tlvs == {0x1401: b"\x0a"}

    def test_by_default(self) -> None:
        """Nothing of that."""
        sm = self.sent()
        assert (sm.service_type, sm.esm_class, sm.tlvs) == (b"", 0, None)
        assert sm.validity_period == b""

import random

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from luckgw.domain.states import FROM_STAT, WORD_OF_MESSAGE_STATE, State
from luckgw.receipts.parse import (
    COMMON,
    Receipt,
    fields,
    is_acknowledgement,
    parse,
)
from luckgw.receipts.words import Words

RECEIPT, INTERMEDIATE = 0x04, 0x20
ID_TLV, STATE_TLV, ERROR_TLV, PAYLOAD_TLV = 0x001E, 0x0427, 0x0423, 0x0424

APPENDIX_B = (
    b"id:0123456789 sub:001 dlvrd:001 submit date:2310271430 done date:2310271431"
    b" stat:DELIVRD err:000 text:Hello! This is a tes"
)
DELIVERED = Receipt(
    message_id=b"0123456789",
    state=State.DELIVERED,
    stat="DELIVRD",
    err="000",
    done_date="2310271431",
    submit_date="2310271430",
    intermediate=False,
)


def of(
    message_id: bytes = b"",
    stat: str = "",
    err: str = "",
    done_date: str = "",
    submit_date: str = "",
) -> Receipt:
    """The receipt that a text of these fields is."""
    state = FROM_STAT.get(stat.upper(), State.UNKNOWN)
    return Receipt(message_id, state, stat, err, done_date, submit_date, False)


class TestText:
    """What the text says, when there is no TLV."""

    def test_appendix_b(self) -> None:
        """The form that SMPP v3.4 prints."""
        assert parse(RECEIPT, APPENDIX_B, None) == DELIVERED

    @pytest.mark.parametrize(
        ("text", "receipt"),
        [
            # As Jasmin, Kannel and others are known to write it.
            (
                b"id:7 submit date:2310271430 done date:2310271431 stat:UNDELIV err:34",
                of(b"7", "UNDELIV", "34", "2310271431", "2310271430"),
            ),
            (
                b"ID:7 SUB:1 DONE DATE:2310271431 SUBMIT DATE:2310271430 STAT:delivrd",
                of(b"7", "delivrd", "", "2310271431", "2310271430"),
            ),
            (
                b"id:7 submitdate:231027143059 donedate:20231027143101 stat:EXPIRED",
                of(b"7", "EXPIRED", "", "20231027143101", "231027143059"),
            ),
            (
                b"stat:REJECTD err:00A7 id:7 done_date:1 text:stat:DELIVRD",
                of(b"7", "REJECTD", "00A7", "1"),
            ),
            (b"id: 7 \r\nsub: 001\r\nstat: FAILED\r\n", of(b"7", "FAILED")),
            (b"id:7\0 stat:DELIVRD\0 err:000\0\0", of(b"7", "DELIVRD", "000")),
            (b"id:7 stat: err:001 text:", of(b"7", "", "001")),
            (b"id:7 stat:BUFFRED err:123456789", of(b"7", "BUFFRED", "12345678")),
            (b"id:a:b-c_d stat:ACCEPTD", of(b"a:b-c_d", "ACCEPTD")),
            (b"id:7 id:8 stat:DELIVRD stat:FAILED", of(b"7", "DELIVRD")),
            (b"id:\xe9 stat:\xe9", of(b"\xe9", "é")),
            (b"Delivered to handset", of()),
            (b"", of()),
            (b"id: sub:001", of()),
            # Fields that end as another label begins are no labels.
            (b"grid:1 substat:FAILED id:7", of(b"7")),
        ],
    )
    def test_forms(self, text: bytes, receipt: Receipt) -> None:
        """Any order, any case, NULs, other dates, absent fields: read all the same."""
        assert parse(RECEIPT, text, None) == receipt

    def test_labels_in_the_message(self) -> None:
        """What the customer wrote does not speak for the carrier."""
        text = APPENDIX_B + b" id:9 stat:FAILED err:999 done date:1 submit date:2"
        assert parse(RECEIPT, text, None) == DELIVERED
        slow = text.replace(b"id:", b"ID:", 1)
        assert COMMON.match(slow) is None
        assert parse(RECEIPT, slow, None) == DELIVERED

    def test_message_first(self) -> None:
        """When the message comes first, the carrier's fields are those behind it."""
        text = b"text:id:1 stat:FAILED id:2 sub:1 stat:DELIVRD id:3 stat:EXPIRED err:7"
        assert parse(RECEIPT, text, None) == of(b"3", "EXPIRED", "7")

    @pytest.mark.parametrize(("word", "state"), FROM_STAT.items())
    def test_states(self, word: str, state: State) -> None:
        """Each word of Appendix B, in any case, is its state; it is kept as written."""
        for stat in (word, word.lower(), word.capitalize()):
            receipt = parse(RECEIPT, b"id:1 stat:" + stat.encode(), None)
            assert receipt == Receipt(b"1", state, stat, "", "", "", False)

    @pytest.mark.parametrize("word", ["CRAZY", "BLISTED", "0", "DELIVRDX", "x" * 99])
    def test_unknown_words(self, word: str) -> None:
        """A word that nobody knows is no failure: UNKNOWN, with the word kept."""
        receipt = parse(RECEIPT, b"id:1 stat:" + word.encode(), None)
        assert receipt is not None
        assert (receipt.state, receipt.stat) == (State.UNKNOWN, word)

    def test_ucs2(self) -> None:
        """A receipt that a carrier sent in UCS2 is read too."""
        text = APPENDIX_B.decode().encode("utf-16-be")
        assert parse(RECEIPT, text, None) == DELIVERED

    @pytest.mark.parametrize("text", [APPENDIX_B, APPENDIX_B.replace(b"sub:001 ", b"")])
    def test_udh(self, text: bytes) -> None:
        """UDHI is obeyed, and seen through when there is no UDH at all."""
        assert parse(RECEIPT | 0x40, text, None) == DELIVERED
        assert parse(RECEIPT | 0x40, b"\x05\0\x03\1\1\1" + text, None) == DELIVERED
        assert parse(RECEIPT | 0x40, b"", None) == of()

    def test_message_payload(self) -> None:
        """The text may be in message_payload."""
        assert parse(RECEIPT, b"", {PAYLOAD_TLV: APPENDIX_B}) == DELIVERED
        assert parse(0, b"", {PAYLOAD_TLV: APPENDIX_B}) == DELIVERED


class TestTlvs:
    """What the TLVs say counts more than the text, each for itself."""

    def test_only_tlvs(self) -> None:
        """A receipt without text."""
        tlvs = {ID_TLV: b"abc\0", STATE_TLV: b"\x03", ERROR_TLV: b"\x03\x01\x02"}
        assert parse(RECEIPT, b"", tlvs) == Receipt(
            b"abc", State.EXPIRED, "", "258", "", "", False
        )

    def test_tlvs_win(self) -> None:
        """Both there and differing: the TLV; the raw word stays."""
        tlvs = {ID_TLV: b"abc\0", STATE_TLV: b"\x05", ERROR_TLV: b"\x03\x00\x22"}
        assert parse(RECEIPT, APPENDIX_B, tlvs) == Receipt(
            message_id=b"abc",
            state=State.UNDELIVERED,
            stat="DELIVRD",
            err="034",
            done_date="2310271431",
            submit_date="2310271430",
            intermediate=False,
        )

    @pytest.mark.parametrize(
        "tlvs",
        [
            {},
            {ID_TLV: b""},
            {ID_TLV: b"\0"},
            {ID_TLV: b"  \0"},
            {STATE_TLV: b""},
            {STATE_TLV: b"\x0a"},
            {STATE_TLV: b"\x00\x03"},
            {ERROR_TLV: b""},
            {ERROR_TLV: b"\x00\x22"},
            {0x1401: b"vendor"},
        ],
    )
    def test_useless_tlvs(self, tlvs: dict[int, bytes]) -> None:
        """An empty, short or unknown TLV says nothing, and the text counts."""
        assert parse(RECEIPT, APPENDIX_B, tlvs) == DELIVERED

    @pytest.mark.parametrize(
        "value", [b"abc", b"abc\0", b" abc \0", b"abc\0\0", b"abc\0x"]
    )
    def test_message_id(self, value: bytes) -> None:
        """A C-octet string, with or without its NUL, without the spaces around."""
        receipt = parse(RECEIPT, b"", {ID_TLV: value})
        assert receipt is not None
        assert receipt.message_id == b"abc"

    @pytest.mark.parametrize(
        ("value", "state"),
        [(value, FROM_STAT[word]) for value, word in WORD_OF_MESSAGE_STATE.items()],
    )
    def test_states(self, value: int, state: State) -> None:
        """Each message_state of SMPP v3.4 (and v5.0's two) is its state."""
        receipt = parse(RECEIPT, b"id:1 stat:FAILED", {STATE_TLV: bytes([value])})
        assert receipt is not None
        assert receipt.state is state


class TestVocabularies:
    """A carrier's own words."""

    WORDS = Words(
        {"accepted": State.DELIVERED, "ACCEPTD": State.DELIVERED, "X1": State.EXPIRED}
    )

    @pytest.mark.parametrize(
        ("stat", "state"),
        [
            (b"ACCEPTED", State.DELIVERED),
            (b"acceptd", State.DELIVERED),
            (b"x1", State.EXPIRED),
            (b"UNDELIV", State.UNDELIVERED),
            (b"", State.UNKNOWN),
        ],
    )
    def test_words(self, stat: bytes, state: State) -> None:
        """They count before the usual ones, in any case; the rest stays."""
        receipt = parse(RECEIPT, b"id:1 stat:" + stat, None, self.WORDS)
        assert receipt is not None
        assert receipt.state is state

    def test_numbers_follow_their_words(self) -> None:
        """A message_state means what the carrier means by its word."""
        for value, state in (
            (6, State.DELIVERED),
            (2, State.DELIVERED),
            (3, State.EXPIRED),
        ):
            receipt = parse(RECEIPT, b"id:1", {STATE_TLV: bytes([value])}, self.WORDS)
            assert receipt is not None
            assert receipt.state is state
        usual = parse(RECEIPT, b"id:1", {STATE_TLV: b"\6"})
        assert usual is not None
        assert usual.state is State.SENT


class TestWhatIsAReceipt:
    @pytest.mark.parametrize(
        ("esm_class", "intermediate"),
        [
            (0x04, False),
            (0x07, False),
            (0xC4, False),
            (0x20, True),
            (0xA3, True),
        ],
    )
    def test_by_esm_class(self, esm_class: int, intermediate: bool) -> None:
        """Bits 5-2 decide, whatever the mode and network bits are."""
        receipt = parse(esm_class, APPENDIX_B, None)
        assert receipt is not None
        assert receipt.intermediate is intermediate
        assert receipt.message_id == b"0123456789"

    @pytest.mark.parametrize("esm_class", [0x08, 0x10, 0x18, 0x0C, 0x24, 0x30, 0x3C])
    def test_acknowledgements_are_none(self, esm_class: int) -> None:
        """What an SME acknowledges, and reserved kinds, are no receipts."""
        assert parse(esm_class, APPENDIX_B, {ID_TLV: b"1\0"}) is None
        assert is_acknowledgement(esm_class | 0x43) == (esm_class in {0x08, 0x10})

    @pytest.mark.parametrize(
        ("text", "tlvs"),
        [
            (APPENDIX_B, None),
            (APPENDIX_B.upper(), {}),
            (b"ID:1 x\nSTAT:FAILED", None),
            (b"", {ID_TLV: b"1\0"}),
            (b"Hello", {ID_TLV: b"1\0"}),
        ],
    )
    def test_in_disguise(self, text: bytes, tlvs: dict[int, bytes] | None) -> None:
        """esm_class 0 with receipted_message_id or a receipt's text is a receipt."""
        receipt = parse(0, text, tlvs)
        assert receipt is not None
        assert not receipt.intermediate

    @pytest.mark.parametrize(
        ("text", "tlvs"),
        [
            (b"Hello", None),
            (b"", None),
            (b"", {STATE_TLV: b"\x02"}),
            (b"my id:1 is stat:x", None),
            (b"id:1", None),
            (b"id: 1 stat:x", None),
            (b"stat:x id:1", None),
        ],
    )
    def test_messages_from_phones(
        self, text: bytes, tlvs: dict[int, bytes] | None
    ) -> None:
        """Everything else with esm_class 0 is a message from a phone."""
        assert parse(0, text, tlvs) is None


# Texts near the common form: most of them are it, the others miss it by little.
words = st.one_of(
    st.sampled_from(
        [b"", b"001", b"DELIVRD", b"text:", b"id:7", b"\0", b"a\0", b"123456789"]
    ),
    st.binary(max_size=10),
    st.text("0123456789abcdefXYZ-", max_size=9).map(str.encode),
)
dates = st.text("0123456789", max_size=14).map(str.encode) | words
ends = st.one_of(
    st.just(b""),
    st.binary(max_size=30).map(lambda tail: b" text:" + tail),
    words.map(lambda tail: b" Text: stat:" + tail + b" id:" + tail),
    words.map(lambda tail: b" " + tail),
)
near_common = st.tuples(words, words, words, dates, dates, words, words, ends).map(
    lambda values: (
        b"id:%b sub:%b dlvrd:%b submit date:%b done date:%b stat:%b err:%b%b" % values
    )
)


class TestAnyOctets:
    @settings(max_examples=500)
    @given(near_common)
    @example(APPENDIX_B)
    @example(b"id: sub: dlvrd: submit date: done date: stat: err:")
    def test_both_parsers_agree(self, text: bytes) -> None:
        """Where the fast expression matches, the slow parser reads the same."""
        match = COMMON.match(text)
        if match is not None:
            assert match.groups() == fields(text)

    def test_the_common_form_is_fast(self) -> None:
        """The form that Appendix B prints does not need the slow parser."""
        for text in (
            APPENDIX_B,
            APPENDIX_B.replace(b"text", b"Text"),
            APPENDIX_B.partition(b" text:")[0],
        ):
            assert COMMON.match(text) is not None

    @given(
        st.fixed_dictionaries(
            {},
            optional={
                "id": st.from_regex(r"[!-~]{1,65}", fullmatch=True),
                "sub": st.from_regex(r"[0-9]{1,3}", fullmatch=True),
                "dlvrd": st.from_regex(r"[0-9]{1,3}", fullmatch=True),
                "submit date": st.from_regex(r"([0-9]{2}){5,7}", fullmatch=True),
                "done date": st.from_regex(r"([0-9]{2}){5,7}", fullmatch=True),
                "stat": st.from_regex(r"[A-Za-z]{1,12}", fullmatch=True),
                "err": st.from_regex(r"[0-9A-Za-z]{1,8}", fullmatch=True),
            },
        ),
        st.none() | st.text("abid:stxer ", max_size=30),
        st.randoms(use_true_random=False),
    )
    def test_any_order_and_case(
        self, values: dict[str, str], text: str | None, rng: random.Random
    ) -> None:
        """Whatever the order and case of the labels, each value is found."""
        items = list(values.items())
        rng.shuffle(items)
        written = []
        for label, value in items:
            spelled = rng.choice([label, label.replace(" ", ""), label.title()])
            written.append(f"{rng.choice([spelled, spelled.upper()])}:{value}")
        if text is not None:
            # Behind the message stands nothing that could be a label of its own.
            written.append("text:" + text.replace(":", "."))
        stat = values.get("stat", "")
        assert parse(RECEIPT, " ".join(written).encode(), None) == of(
            values.get("id", "").encode(),
            stat,
            values.get("err", ""),
            values.get("done date", ""),
            values.get("submit date", ""),
        )

    @given(
        st.integers(0, 255),
        st.binary() | near_common,
        st.none()
        | st.dictionaries(
            st.sampled_from([ID_TLV, STATE_TLV, ERROR_TLV, PAYLOAD_TLV]), st.binary()
        ),
    )
    def test_total(
        self, esm_class: int, text: bytes, tlvs: dict[int, bytes] | None
    ) -> None:
        """Nothing that a carrier can send raises, and what comes out is clean."""
        receipt = parse(esm_class, text, tlvs)
        if receipt is not None:
            assert receipt.message_id == receipt.message_id.strip(b"\0 ")
            assert len(receipt.err) <= 8
            assert isinstance(receipt.state, State)

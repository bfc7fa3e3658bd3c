import tracemalloc

import pytest
from hypothesis import given
from hypothesis import strategies as st

from luckgw.text.alphabets import Encoding, choose
from luckgw.text.payload import UserData, read
from luckgw.text.reassembly import GAP, Joined, Part, Reassembly, join, part_of
from luckgw.text.segments import Form, Piece, cut

FROM, TO = b"233501234567", b"1234"
SAR = {0x020C: b"\x00\x07", 0x020E: b"\x03", 0x020F: b"\x02"}
PARTED = [Form.UDH8, Form.UDH16, Form.SAR]
MANY = 10**6


def part(
    number: int,
    text: str = "",
    *,
    total: int = 3,
    reference: int = 7,
    source: bytes = FROM,
) -> Part:
    """A part in GSM 7-bit; its text is its number unless given."""
    octets = (text or str(number)).encode("ascii")
    content = UserData(0, Encoding.GSM7, octets)
    return Part(source, TO, reference, total, number, content)


def received(
    pieces: list[Piece], encoding: Encoding, *, packed: bool = False
) -> list[Part]:
    """Pieces as a carrier would give them back to us."""
    parts = []
    for piece in pieces:
        content = read(
            encoding.data_coding,
            piece.short_message,
            udhi=piece.udhi,
            packed=packed,
        )
        each = part_of(FROM, TO, content, piece.tlvs)
        assert each is not None
        parts.append(each)
    return parts


class TestPartOf:
    def test_udh_of_8_bits(self) -> None:
        """05 00 03: reference, total, number; the rest of the header stays."""
        content = read(0, b"\x08\x00\x03\x2a\x02\x01\x24\x01\x01abc", udhi=True)
        assert part_of(FROM, TO, content) == Part(
            FROM, TO, 0x2A, 2, 1, UserData(0, Encoding.GSM7, b"abc", {0x24: b"\1"})
        )

    def test_udh_of_16_bits(self) -> None:
        """06 08 04, with or without the other kind beside it."""
        content = read(8, b"\x06\x08\x04\x01\x2a\x02\x01\x04\x4f", udhi=True)
        expected = UserData(8, Encoding.UCS2, b"\x04\x4f")
        assert part_of(FROM, TO, content) == Part(FROM, TO, 0x12A, 2, 1, expected)
        both = b"\x0b\x00\x03\x09\x02\x02\x08\x04\x01\x2a\x02\x01\x04\x4f"
        assert part_of(FROM, TO, read(8, both, udhi=True)) == part_of(FROM, TO, content)

    def test_sar(self) -> None:
        """The three TLVs; a header with the same says it better."""
        content = read(0, b"abc")
        assert part_of(FROM, TO, content, SAR) == Part(FROM, TO, 7, 3, 2, content)
        content = read(0, b"\x05\x00\x03\x2a\x02\x01abc", udhi=True)
        assert part_of(FROM, TO, content, SAR) == part_of(FROM, TO, content)

    @pytest.mark.parametrize(
        "elements",
        [
            {},
            {0: b""},
            {0: b"\x2a\x02"},
            {0: b"\x2a\x02\x01\x01"},
            {0: b"\x2a\x00\x00"},
            {0: b"\x2a\x02\x00"},
            {0: b"\x2a\x02\x03"},
            {8: b"\x2a\x02\x01"},
            {8: b"\x00\x2a\x02\x03"},
            {5: b"\x0b\x84\x23\xf0"},
        ],
    )
    def test_not_a_part(self, elements: dict[int, bytes]) -> None:
        """A malformed or impossible place is ignored: the message is whole."""
        content = UserData(0, Encoding.GSM7, b"abc", elements)
        assert part_of(FROM, TO, content) is None
        assert part_of(FROM, TO, content, SAR) is not None

    @pytest.mark.parametrize(
        "wrong",
        [
            {0x020C: None},
            {0x020E: None},
            {0x020F: None},
            {0x020E: b"\x00"},
            {0x020F: b"\x00"},
            {0x020F: b"\x04"},
            {0x020E: b"\x01\x00"},
            {0x020F: b""},
        ],
    )
    def test_not_a_part_by_sar(self, wrong: dict[int, bytes | None]) -> None:
        """All three, and a number among the total, or none."""
        tlvs = {tag: value for tag, value in (SAR | wrong).items() if value is not None}
        assert part_of(FROM, TO, read(0, b"abc"), tlvs) is None

    @given(
        st.binary(max_size=40),
        st.dictionaries(st.sampled_from(sorted(SAR)), st.binary(max_size=3)),
        st.booleans(),
    )
    def test_total(self, payload: bytes, tlvs: dict[int, bytes], udhi: bool) -> None:
        """No octets of a peer raise, and every part can be stored and joined."""
        each = part_of(FROM, TO, read(0, payload, udhi=udhi), tlvs)
        if each is not None:
            assert Part.from_bytes(each.to_bytes()) == each
            assert join([each]).text() is not None


class TestStored:
    @given(
        st.builds(
            Part,
            st.binary(max_size=64),
            st.binary(max_size=64),
            st.integers(0, 0xFFFF),
            st.integers(1, 255),
            st.integers(1, 255),
            st.builds(
                UserData,
                st.integers(0, 255),
                st.none() | st.sampled_from(Encoding),
                st.binary(),
                st.dictionaries(
                    st.integers(0, 255), st.binary(max_size=20), max_size=5
                ),
            ),
        )
    )
    def test_round_trip(self, each: Part) -> None:
        """A part comes back from its bytes as it was."""
        assert Part.from_bytes(each.to_bytes()) == each

    def test_another_layout(self) -> None:
        """Bytes of another version are not misread."""
        with pytest.raises(ValueError, match="layout 2, not 1"):
            Part.from_bytes(b"\x02" + part(1).to_bytes()[1:])

    def test_is_small(self) -> None:
        """Ten octets beside addresses and content."""
        assert len(part(1, "a" * 153).to_bytes()) == 10 + len(FROM) + len(TO) + 153


class TestJoin:
    def test_in_order_of_numbers(self) -> None:
        """Whatever order they come in, and however often."""
        joined = join([part(3), part(1), part(2), part(3), part(1)])
        assert joined == Joined((part(1), part(2), part(3)))
        assert joined.missing == ()
        assert joined.octets == b"123"
        assert joined.text() == "123"

    def test_what_is_missing(self) -> None:
        """Numbers, and a mark in the text for each gap."""
        joined = join([part(5, total=7), part(2, total=7)])
        assert joined.missing == (1, 3, 4, 6, 7)
        assert joined.text() == f"{GAP}2{GAP}5{GAP}"

    @pytest.mark.parametrize(
        "parts",
        [
            [],
            [part(1), part(2, reference=8)],
            [part(1), part(2, total=4)],
            [part(1), part(2, source=b"other")],
        ],
    )
    def test_of_different_messages(self, parts: list[Part]) -> None:
        """It is an error of ours."""
        with pytest.raises(ValueError, match="one message"):
            join(parts)

    def test_a_character_cut_in_two(self) -> None:
        """A pair that the phone cut is whole again, in either alphabet."""
        first = Part(FROM, TO, 1, 2, 1, UserData(8, Encoding.UCS2, b"\xd8\x3d"))
        second = Part(FROM, TO, 1, 2, 2, UserData(8, Encoding.UCS2, b"\xde\x00"))
        assert join([first, second]).text() == "😀"
        first = part(1, "a\x1b", total=2)
        assert join([first, part(2, "eb", total=2)]).text() == "a€b"

    def test_parts_in_different_alphabets(self) -> None:
        """Each is read in its own, and with its own tables."""
        contents = [
            UserData(0, Encoding.GSM7, b"\x1bg", {0x24: b"\1"}),
            UserData(0, Encoding.GSM7, b"\x1be"),
            UserData(8, Encoding.UCS2, b"\x04\x4f"),
            UserData(3, Encoding.LATIN1, b"\xe7"),
        ]
        parts = [Part(FROM, TO, 1, 4, n, c) for n, c in enumerate(contents, 1)]
        assert join(parts).text() == "ğ€яç"

    def test_binary(self) -> None:
        """It has octets, and no text."""
        binary = Part(FROM, TO, 7, 3, 2, UserData(4, None, b"\x00\xff"))
        joined = join([part(1), binary])
        assert joined.text() is None
        assert joined.octets == b"1\x00\xff"


class TestReassembly:
    def test_any_order(self) -> None:
        """The part that completes it gives the message; before that, nothing."""
        reassembly = Reassembly(60, MANY)
        assert reassembly.add(part(2), 0) == []
        assert reassembly.add(part(3), 1) == []
        assert reassembly.add(part(1), 2) == [join([part(1), part(2), part(3)])]

    def test_one_part_of_one(self) -> None:
        """It is a message at once."""
        only = part(1, total=1)
        assert Reassembly(60, MANY).add(only, 0) == [Joined((only,))]

    @pytest.mark.parametrize(
        "other", [{"source": b"other"}, {"reference": 8}, {"total": 4}]
    )
    def test_messages_are_kept_apart(self, other: dict[str, int]) -> None:
        """By source, reference and total."""
        reassembly = Reassembly(60, MANY)
        reassembly.add(part(1), 0)
        reassembly.add(part(2), 0)
        assert reassembly.add(part(3, **other), 0) == []  # type: ignore[arg-type]
        (joined,) = reassembly.add(part(3), 0)
        assert joined.missing == ()

    def test_duplicates(self) -> None:
        """One that comes again changes nothing, before the joining or after."""
        reassembly = Reassembly(60, MANY)
        for number in (1, 1, 2, 1, 2):
            assert reassembly.add(part(number), 0) == []
        assert len(reassembly.add(part(3), 0)) == 1
        for number in (1, 2, 3):
            assert reassembly.add(part(number), 59) == []
        assert reassembly.expire(MANY) == []

    def test_a_reference_used_again(self) -> None:
        """Another content in the same place is another message; the first one, if it is
        not whole, is given back.
        """
        reassembly = Reassembly(60, MANY)
        reassembly.add(part(1, "old"), 0)
        assert reassembly.add(part(1, "new"), 1) == [Joined((part(1, "old"),))]
        reassembly.add(part(2), 2)
        (joined,) = reassembly.add(part(3), 3)
        assert joined.text() == "new23"
        assert reassembly.add(part(2, "newer"), 4) == []
        assert reassembly.next_expiry == 64

    def test_expiry(self) -> None:
        """A message waits so long from its first part on; then what is there goes."""
        reassembly = Reassembly(60, MANY)
        assert reassembly.next_expiry is None
        assert reassembly.expire(0) == []
        reassembly.add(part(2), 100)
        reassembly.add(part(1, reference=8), 110)
        reassembly.add(part(3), 150)
        assert reassembly.next_expiry == 160
        assert reassembly.expire(159.9) == []
        assert reassembly.expire(160) == [Joined((part(2), part(3)))]
        assert reassembly.next_expiry == 170
        assert reassembly.expire(1000) == [Joined((part(1, reference=8),))]
        assert reassembly.next_expiry is None
        assert reassembly.add(part(1), 1000) == []  # late, and a message of its own

    def test_joined_ones_are_forgotten(self) -> None:
        """After that time a repeated part is a new one."""
        reassembly = Reassembly(60, MANY)
        reassembly.add(part(1, total=1), 0)
        assert reassembly.expire(60) == []
        assert reassembly.next_expiry is None
        assert len(reassembly.add(part(1, total=1), 61)) == 1

    def test_the_oldest_make_room(self) -> None:
        """Above the size what waits longest is given back, unfinished."""
        reassembly = Reassembly(60, 2500)  # two messages of one part
        assert reassembly.add(part(1, reference=1), 0) == []
        assert reassembly.add(part(1, reference=2), 1) == []
        assert reassembly.add(part(1, reference=3), 2) == [
            Joined((part(1, reference=1),))
        ]
        assert reassembly.add(part(2, reference=2), 3) == [
            Joined((part(1, reference=2), part(2, reference=2)))
        ]

    def test_one_that_is_too_large(self) -> None:
        """It is given back at once, and the books are straight."""
        reassembly = Reassembly(60, 3000)
        huge = part(1, "a" * 3000)
        assert reassembly.add(huge, 0) == [Joined((huge,))]
        assert reassembly.next_expiry is None
        assert reassembly.add(part(1), 0) == []

    @given(
        st.lists(
            st.tuples(
                st.integers(1, 3), st.integers(0, 3), st.sampled_from(["", "a" * 2000])
            )
        ),
        st.integers(0, 10_000),
    )
    def test_nothing_is_lost(
        self, parts: list[tuple[int, int, str]], most: int
    ) -> None:
        """Every different part leaves, once, whatever the room."""
        reassembly = Reassembly(5, most)
        left: list[Joined] = []
        for now, (number, reference, text) in enumerate(parts):
            left += reassembly.expire(now)
            left += reassembly.add(part(number, text, reference=reference), now)
        left += reassembly.expire(MANY)
        assert reassembly.next_expiry is None
        assert reassembly._octets == 0
        out = [each for joined in left for each in joined.parts]
        for number, reference, text in set(parts):
            assert part(number, text, reference=reference) in out
        assert len(out) <= len(parts)

    def test_memory(self) -> None:
        """A flood of first parts, and of whole messages, takes no more than allowed."""
        reassembly = Reassembly(3600, 1_000_000)
        tracemalloc.start()
        try:
            for n in range(4000):
                source = b"23350%07d" % n
                text = f"{n:07}" * 20
                reassembly.add(part(1, text, source=source), n)
                reassembly.add(part(1, text + "b", source=source, total=1), n)
            _, peak = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
        assert peak < 1_500_000


class TestRoundTrip:
    """A text cut into parts, mixed up, repeated, joined: the same text."""

    @given(
        st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1),
        st.sampled_from(PARTED),
        st.booleans(),
        st.data(),
    )
    def test_any_text(
        self, text: str, form: Form, stored: bool, data: st.DataObject
    ) -> None:
        """In any form and order, with duplicates, through a store or not."""
        text = (text + "\n") * (200 // (len(text) + 1) + 1)
        encoding = choose(text)
        parts = received(cut(text, encoding, form, 300), encoding)
        if stored:
            parts = [Part.from_bytes(each.to_bytes()) for each in parts]
        again = data.draw(st.lists(st.sampled_from(parts)))
        order = data.draw(st.permutations([*parts, *again]))
        assert join(order).text() == text
        reassembly = Reassembly(60, MANY)
        whole = [joined for each in order for joined in reassembly.add(each, 0)]
        assert [joined.text() for joined in whole] == [text]
        assert reassembly.expire(MANY) == []

    @given(st.text(st.sampled_from("ab€@ "), min_size=161, max_size=500), st.data())
    def test_packed(self, text: str, data: st.DataObject) -> None:
        """Packed parts are unpacked each behind its own header."""
        form = data.draw(st.sampled_from(PARTED))
        parts = received(
            cut(text, Encoding.GSM7, form, 1, packed=True), Encoding.GSM7, packed=True
        )
        assert join(reversed(parts)).text() == text

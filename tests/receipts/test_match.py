import pytest
from hypothesis import given
from hypothesis import strategies as st

from luckgw.domain.states import State
from luckgw.receipts.match import (
    FORMS,
    OTHER_FORMS,
    canonical,
    is_same_minute,
    is_same_number,
    message_state,
    other_form,
)

numbers = st.integers(0, 1 << 80) | st.integers(0, 1 << 250)
zeros = st.integers(0, 12).map(lambda n: b"0" * n)
segment_states = st.lists(st.sampled_from(State), min_size=1, max_size=8)


class TestCanonical:
    @pytest.mark.parametrize(
        ("raw", "form", "expected"),
        [
            (b"00B8BE19", "text", b"b8be19"),
            (b"0e999f21", "text", b"e999f21"),
            (b"E999F21", "text", b"e999f21"),
            (b"SAR-00123-4", "text", b"sar-00123-4"),
            (b"0", "text", b"0"),
            (b"000", "text", b"0"),
            (b"", "text", b""),
            (b" 12\0", "text", b"12"),
            # The id of jookies/jasmin#586, beyond 63 bits.
            (b"812FC7470000001B", "hex", b"9308878062554710043"),
            (b"09308878062554710043", "dec", b"9308878062554710043"),
            (b"0x1F", "hex", b"31"),
            (b"0000", "hex", b"0"),
            (b"", "hex", b""),
            (b"  1f ", "hex", b"31"),
            (b"0", "dec", b"0"),
            (b"", "dec", b""),
            # No numbers in that form: taken as text.
            (b"00XYZ", "hex", b"xyz"),
            (b"1_f", "hex", b"1_f"),
            (b"-1F", "hex", b"-1f"),
            (b"+1F", "hex", b"+1f"),
            (b"0x", "hex", b"x"),
            (b"001F", "dec", b"1f"),
            (b"3F0C-9A", "dec", b"3f0c-9a"),
        ],
    )
    def test_table(self, raw: bytes, form: str, expected: bytes) -> None:
        """What each form makes of ids met in the field."""
        assert canonical(raw, form) == expected

    @given(numbers, zeros, zeros, st.booleans())
    def test_hex_meets_dec(
        self, number: int, hex_zeros: bytes, dec_zeros: bytes, upper: bool
    ) -> None:
        """A number is one id, in hexadecimal here and in decimal there."""
        in_hex = hex_zeros + (b"%X" if upper else b"%x") % number
        in_dec = dec_zeros + b"%d" % number
        assert canonical(in_hex, "hex") == canonical(in_dec, "dec") == b"%d" % number

    @given(numbers, numbers, st.sampled_from([b"%d", b"%x"]))
    def test_different_numbers_stay_apart(self, a: int, b: int, fmt: bytes) -> None:
        """No form makes one id of two numbers."""
        form = "dec" if fmt == b"%d" else "hex"
        assert (canonical(fmt % a, form) == canonical(fmt % b, form)) == (a == b)

    @given(st.text("0123456789abcdefxyz-_.", min_size=1).map(str.encode), zeros)
    def test_text_case_and_zeros(self, raw: bytes, padding: bytes) -> None:
        """Case and zeros in front do not count, everything else does."""
        form = canonical(raw, "text")
        assert canonical(padding + raw.upper(), "text") == form
        assert form == (raw.lstrip(b"0") or b"0")

    @given(st.binary(), st.sampled_from(sorted(FORMS)))
    def test_total(self, raw: bytes, form: str) -> None:
        """Any octets have a canonical form; nothing but emptiness becomes empty."""
        assert (canonical(raw, form) == b"") == (raw.strip(b"\0 \t\r\n") == b"")

    def test_longer_than_integers_go(self) -> None:
        """A number beyond what Python turns into digits is text, and no error."""
        assert canonical(b"F" * 5000, "hex") == b"f" * 5000
        assert canonical(b"0" + b"9" * 5000, "dec") == b"9" * 5000

    def test_unknown_form(self) -> None:
        """A wrong name is an error of ours, not a silent choice."""
        with pytest.raises(KeyError):
            canonical(b"1", "octal")


A, SENT, UNKNOWN = State.ACCEPTED, State.SENT, State.UNKNOWN
DELIVERED, EXPIRED, FAILED = State.DELIVERED, State.EXPIRED, State.FAILED


class TestMessageState:
    @pytest.mark.parametrize(
        ("states", "expected"),
        [
            ([DELIVERED, DELIVERED, DELIVERED], DELIVERED),
            ([DELIVERED, EXPIRED, FAILED], EXPIRED),
            ([DELIVERED, FAILED, EXPIRED], FAILED),
            ([FAILED, DELIVERED], FAILED),
            ([FAILED, SENT], SENT),
            ([DELIVERED, DELIVERED, SENT], SENT),
            ([DELIVERED, SENT, A], A),
            ([SENT, UNKNOWN], SENT),
            ([UNKNOWN, DELIVERED], UNKNOWN),
            ([A, A], A),
        ],
    )
    def test_table(self, states: list[State], expected: State) -> None:
        """Final when all are; then DELIVERED, or the first that failed."""
        assert message_state(states) is expected

    @given(st.sampled_from(State))
    def test_one_segment(self, state: State) -> None:
        """A message of one segment is what its segment is."""
        assert message_state([state]) is state

    @given(segment_states)
    def test_final_when_all_are(self, states: list[State]) -> None:
        """It is final just when every segment is, and DELIVERED when every one is."""
        state = message_state(states)
        assert state.is_final == all(s.is_final for s in states)
        assert (state is DELIVERED) == all(s is DELIVERED for s in states)
        assert state in states

    @given(segment_states, st.data())
    def test_never_back(self, states: list[State], data: st.DataObject) -> None:
        """While segments only go forward, the message does not go back."""
        moving = [n for n, s in enumerate(states) if not s.is_final]
        if not moving:
            return
        before = message_state(states)
        moved = data.draw(st.sampled_from(moving))
        old = states.pop(moved)
        states.append(data.draw(st.sampled_from([s for s in State if s > old])))
        assert message_state(states) >= before


class TestOtherForms:
    @given(numbers, zeros)
    def test_bases(self, number: int, padding: bytes) -> None:
        """A number finds itself in the other base, padded or not."""
        form = "receipt in decimal, answer in hexadecimal"
        written, answered = padding + b"%d" % number, b"%X" % number
        if len(written) <= 64:
            assert other_form(written, form) == canonical(answered, "text")
        form = "receipt in hexadecimal, answer in decimal"
        written, answered = padding + b"%X" % number, b"%d" % number
        if len(written) <= 64:
            assert other_form(written, form) == canonical(answered, "text")

    @given(st.binary(max_size=300), st.sampled_from(sorted(OTHER_FORMS)))
    def test_total(self, raw: bytes, form: str) -> None:
        """Whatever a carrier writes gives an id of bounded size, or none."""
        assert len(other_form(raw, form)) <= 80
        assert len(other_form(b"9" * 5000, form)) <= 80


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        (b"233501234567", b"233501234567", True),
        (b"+233501234567", b"233501234567", True),
        (b"00233501234567", b"233501234567", True),
        (b"0501234567", b"233501234567", True),
        (b"501234568", b"233501234567", False),
        (b"1234567", b"233501234567", False),
        (b"1234567", b"1234567", True),
        (b"", b"233501234567", False),
        (b"", b"", False),
        (b"Luck", b"Luck", False),
        (b"233501234567", b"33501234567", True),
    ],
)
def test_the_same_number(one: bytes, other: bytes, same: bool) -> None:
    """With or without prefix, but with enough digits; never what is no number."""
    assert is_same_number(one, other) is is_same_number(other, one) is same


@pytest.mark.parametrize(
    ("date", "same"),
    [
        ("2701151200", True),
        ("2701151201", True),
        ("2701151745", True),  # another zone
        ("270115120059", True),
        ("20270115120059", True),
        ("2701151203", False),
        ("2701151157", False),
        ("", False),
        ("27011512", False),
        ("27011512:0", False),
    ],
)
def test_the_same_minute(date: str, same: bool) -> None:
    """12:00:30 to 12:01:00 UTC, a minute more or less, in any zone."""
    noon_ms = 1_800_014_400_000
    assert is_same_minute(date, noon_ms + 30_000, noon_ms + 60_000) is same

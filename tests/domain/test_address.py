"""What a telephone number and a sender ID may look like."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from luckgw.domain.address import (
    is_alphanumeric_sender,
    is_plausible_sender,
    normalise_number,
    ton_npi,
)


class TestNormaliseNumber:
    @pytest.mark.parametrize(
        "text",
        [
            "233501234567",
            "+233501234567",
            "00233501234567",
            "+233 50 123 4567",
            "(+233) 50-123.4567",
            "00 233 [50] 1234567",
            "233\u00a050\u202f123\u20114567",
        ],
    )
    def test_every_way_to_write_it(self, text: str) -> None:
        """Gives the digits alone, without the plus."""
        assert normalise_number(text) == "233501234567"

    @pytest.mark.parametrize(
        "text",
        [
            "",
            "+",
            "00",
            " ",
            "0501234567",
            "+0501234567",
            "000233501234567",
            "+00233501234567",
            "++233501234567",
            "233+501234567",
            "23350123456x",
            "\u0662\u0663\u0663501234567",
            "233501234567\n",
            "233501234567\0",
            "LuckCreators",
            "2335012",
            "2" * 16,
            "-" * 40 + "233501234567",
        ],
    )
    def test_what_is_none(self, text: str) -> None:
        """The local form, letters, digits of other scripts, too few, too many."""
        assert normalise_number(text) is None

    @pytest.mark.parametrize(("digits", "least"), [(8, 8), (15, 8), (7, 7)])
    def test_bounds(self, digits: int, least: int) -> None:
        """8 to 15 digits; SMPP partners may go down to 7."""
        assert normalise_number("2" * digits, least) == "2" * digits
        assert normalise_number("2" * (least - 1), least) is None

    @given(
        st.from_regex(r"[1-9][0-9]{7,14}", fullmatch=True),
        st.lists(st.sampled_from(" .-()"), max_size=8),
        st.sampled_from(["", "+", "00"]),
    )
    def test_decoration_makes_no_difference(
        self, digits: str, marks: list[str], prefix: str
    ) -> None:
        """Wherever the separators stand, and whatever was understood stays so."""
        written = list(prefix + digits)
        for position, mark in enumerate(marks):
            written.insert((position * 7) % len(written), mark)
        assert normalise_number("".join(written)) == digits
        assert normalise_number(digits) == digits

    @given(st.text())
    def test_gives_nothing_but_plausible_numbers(self, text: str) -> None:
        """Whatever comes in."""
        number = normalise_number(text)
        if number is not None:
            assert 8 <= len(number) <= 15
            assert number.isascii()
            assert number.isdigit()
            assert number[0] != "0"


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("LuckCreators", (5, 0)),
        ("1-800-FLOWERS", (5, 0)),
        ("", (5, 0)),
        ("+", (5, 0)),
        ("233501234567", (1, 1)),
        ("+233501234567", (1, 1)),
        ("1234567", (1, 1)),
        ("2" * 15, (1, 1)),
        ("12345", (3, 0)),
        ("123456", (3, 0)),
        ("0800", (3, 0)),
        ("0501234567", (0, 1)),
        ("2" * 16, (0, 1)),
        ("\u0662\u0663\u0663", (5, 0)),
    ],
)
def test_ton_npi(source: str, expected: tuple[int, int]) -> None:
    """Alphanumeric, international, short code or unknown, found out from the text."""
    assert ton_npi(source) == expected


class TestSenders:
    @pytest.mark.parametrize(
        "text", ["A", "LuckCreator", "Ä1 &@_", "0501234", "Ωmega", "a-b.c"]
    )
    def test_alphanumeric(self, text: str) -> None:
        """1 to 11 characters that every phone has."""
        assert is_alphanumeric_sender(text)
        assert is_plausible_sender(text)

    @pytest.mark.parametrize(
        "text", ["", "a\nb", "a\rb", "a\x1bb", "[x]", "€uro", "ab\u202e", "\u0410"]
    )
    def test_not_alphanumeric(self, text: str) -> None:
        """Control characters, the extension table, other scripts and their tricks."""
        assert not is_alphanumeric_sender(text)
        assert not is_plausible_sender(text)

    @pytest.mark.parametrize("text", ["LuckCreators", "x" * 20])
    def test_longer_than_a_phone_shows(self, text: str) -> None:
        """More than 11, but the portal's own example has 12: it can be sent."""
        assert not is_alphanumeric_sender(text)
        assert is_plausible_sender(text)

    @pytest.mark.parametrize("text", ["233501234567", "+" + "2" * 15, "123"])
    def test_numeric(self, text: str) -> None:
        """3 to 15 digits, with or without a plus."""
        assert is_plausible_sender(text)

    @pytest.mark.parametrize(
        "text", ["12", "2" * 16, "+" + "2" * 16, "x" * 21, "2335012345\u0662"]
    )
    def test_not_plausible(self, text: str) -> None:
        """Too few digits, too many, too long a name, digits of other scripts."""
        assert not is_plausible_sender(text)

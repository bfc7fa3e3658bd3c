"""Amounts are exact."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from luckgw.domain.money import UNIT, parse_amount, written


@pytest.mark.parametrize(
    ("text", "amount"),
    [
        ("0", 0),
        ("1", 1_000_000),
        ("0.012", 12_000),
        ("0.000001", 1),
        ("12.30", 12_300_000),
        ("999999999.999999", 999_999_999_999_999),
    ],
)
def test_a_decimal_is_read_exactly(text: str, amount: int) -> None:
    """In millionths."""
    assert parse_amount(text) == amount


@pytest.mark.parametrize(
    "text",
    ["", ".5", "1.", "-1", "+1", "1e3", "0.0000001", "1,5", " 1", "1000000000", "٣"],
)
def test_anything_else_is_refused(text: str) -> None:
    """Rather than rounded or guessed."""
    with pytest.raises(ValueError, match="must be an amount"):
        parse_amount(text)


@given(st.integers(-(10**15) + 1, 10**15 - 1))
def test_what_is_written_is_the_amount(amount: int) -> None:
    """As decimal arithmetic says, and readable again."""
    text = written(amount)
    assert Decimal(text) == Decimal(amount) / UNIT
    assert parse_amount(text.removeprefix("-")) == abs(amount)


@pytest.mark.parametrize(
    ("amount", "text"),
    [(0, "0.00"), (12_000, "0.012"), (-1_500_000, "-1.50"), (1, "0.000001")],
)
def test_at_least_two_decimals(amount: int, text: str) -> None:
    """As prices are written."""
    assert written(amount) == text

"""A log is not flooded by what repeats itself."""

from luckgw.domain.repeats import is_worth_saying


def test_powers_of_two_are_said() -> None:
    """Of the first twenty times, five."""
    said = [count for count in range(1, 21) if is_worth_saying(count)]
    assert said == [1, 2, 4, 8, 16]

"""Values by prefix."""

from hypothesis import given
from hypothesis import strategies as st

from luckgw.routing.prefixes import PrefixMap, first_wins

PREFIXES = st.text("123", max_size=5)
NUMBERS = st.text("1234", max_size=8)


@given(st.dictionaries(PREFIXES, st.integers()), NUMBERS)
def test_the_longest_counts(values: dict[str, int], number: str) -> None:
    """As reading all of them finds; the empty one is every number's."""
    fitting = [prefix for prefix in values if number.startswith(prefix)]
    longest = max(fitting, key=len, default=None)
    table = PrefixMap(values)
    assert table.longest(number) == longest
    assert table.get(number) == (None if longest is None else values[longest])
    assert len(table) == len(values)


@given(st.lists(PREFIXES, unique=True), NUMBERS)
def test_the_first_counts(prefixes: list[str], number: str) -> None:
    """As trying them in their order finds."""
    table = first_wins({prefix: (n, prefix) for n, prefix in enumerate(prefixes)})
    first = next((p for p in prefixes if number.startswith(p)), None)
    assert table.get(number) == first

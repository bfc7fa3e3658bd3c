"""How a route chooses among its upstreams."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from luckgw.routing.facts import Facts
from luckgw.routing.strategies import ROUTE_TYPES, Failover, Static

FACTS = Facts("acme", "Acme", "233241234567")


@pytest.mark.parametrize("up", ["", "a", "b"])
def test_static_takes_the_first(up: str) -> None:
    """Whether it is up or not: the message waits."""
    assert Static().choose(("a", "b"), up.__contains__, FACTS) == ("a",)


@pytest.mark.parametrize(
    ("up", "order"),
    [
        ("abc", "abc"),
        ("a", "abc"),
        ("bc", "bac"),
        ("b", "bac"),
        ("c", "cab"),
        ("", "abc"),
    ],
)
def test_failover_takes_the_first_that_is_up(up: str, order: str) -> None:
    """The others follow in their order; if none is up the first waits."""
    assert Failover().choose(tuple("abc"), up.__contains__, FACTS) == tuple(order)


CANDIDATES = st.lists(st.sampled_from("abcdef"), min_size=1, unique=True).map(tuple)


@given(
    st.sampled_from(sorted(ROUTE_TYPES)),
    CANDIDATES,
    st.sets(st.sampled_from("abcdef")),
)
def test_every_strategy_keeps_the_contract(
    name: str, candidates: tuple[str, ...], up: set[str]
) -> None:
    """At least one, each once, only candidates, the same for the same facts."""
    strategy = ROUTE_TYPES[name]()
    chosen = strategy.choose(candidates, up.__contains__, FACTS)
    assert chosen
    assert len(set(chosen)) == len(chosen)
    assert set(chosen) <= set(candidates)
    assert strategy.choose(candidates, up.__contains__, FACTS) == chosen

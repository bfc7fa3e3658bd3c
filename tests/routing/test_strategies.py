"""How a route chooses among its upstreams."""

from collections import Counter
from itertools import permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from luckgw.config.routes import STRATEGIES
from luckgw.routing.facts import Facts
from luckgw.routing.failover import Failover
from luckgw.routing.least_cost import LeastCost
from luckgw.routing.points import point
from luckgw.routing.prefixes import PrefixMap
from luckgw.routing.round_robin import RoundRobin
from luckgw.routing.split import Split
from luckgw.routing.static import Static
from luckgw.routing.sticky import Sticky
from luckgw.routing.strategies import ROUTE_TYPES
from luckgw.routing.strategy import Setting, Strategy
from luckgw.routing.weighted import Weighted
from luckgw.testing.route_contract import StrategyContract

FACTS = Facts("acme", "Acme", "233241234567")
ABC = ("a", "b", "c")


def all_up(_: str) -> bool:
    """Nothing is down."""
    return True


def numbers(count: int) -> list[Facts]:
    """As many recipients."""
    return [Facts("acme", "Acme", f"23324{number:07}") for number in range(count)]


class TestStaticContract(StrategyContract):
    waits_for_the_first = True

    def make(self, setting: Setting) -> Strategy:
        """As configured."""
        return Static(setting)


class TestFailoverContract(StrategyContract):
    def make(self, setting: Setting) -> Strategy:
        """As configured."""
        return Failover(setting)


class TestRoundRobinContract(StrategyContract):
    def make(self, setting: Setting) -> Strategy:
        """As configured."""
        return RoundRobin(setting)


class TestWeightedContract(StrategyContract):
    def make(self, setting: Setting) -> Strategy:
        """As configured."""
        return Weighted(setting)


class TestSplitContract(StrategyContract):
    def make(self, setting: Setting) -> Strategy:
        """As configured."""
        return Split(setting)


class TestStickyContract(StrategyContract):
    def make(self, setting: Setting) -> Strategy:
        """As configured."""
        return Sticky(setting)


class TestLeastCostContract(StrategyContract):
    def make(self, setting: Setting) -> Strategy:
        """As configured."""
        return LeastCost(setting)


def test_the_configuration_knows_them_all() -> None:
    """A word for each, and no word without one."""
    assert set(ROUTE_TYPES) == set(STRATEGIES)


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


class TestRoundRobin:
    """Each in turn."""

    def test_all_take_turns(self) -> None:
        """In the route's order."""
        strategy = RoundRobin(Setting())
        chosen = [strategy.choose(ABC, all_up, FACTS)[0] for _ in range(7)]
        assert "".join(chosen) == "abcabca"

    def test_those_that_are_left_share_evenly(self) -> None:
        """The one behind the one that is down does not get two shares."""
        strategy = RoundRobin(Setting())
        chosen = Counter(
            strategy.choose(ABC, "ac".__contains__, FACTS)[0] for _ in range(1000)
        )
        assert chosen == {"a": 500, "c": 500}

    def test_one_that_is_back_is_not_made_up_for(self) -> None:
        """It comes first once, then in its turn."""
        strategy = RoundRobin(Setting())
        for _ in range(10):
            strategy.choose(ABC, "ac".__contains__, FACTS)
        chosen = [strategy.choose(ABC, all_up, FACTS)[0] for _ in range(6)]
        assert chosen[0] == "b"
        assert Counter(chosen) == {"a": 2, "b": 2, "c": 2}

    def test_rows_of_a_prefix_file_take_turns_by_themselves(self) -> None:
        """Another list of candidates is another round."""
        strategy = RoundRobin(Setting())
        strategy.choose(ABC, all_up, FACTS)
        assert strategy.choose(("a", "b"), all_up, FACTS) == ("a", "b")

    def test_no_turn_is_used_while_nothing_is_up(self) -> None:
        """The message waits for who is next."""
        strategy = RoundRobin(Setting())
        strategy.choose(ABC, all_up, FACTS)
        for _ in range(3):
            assert strategy.choose(ABC, lambda _: False, FACTS) == ("b", "c", "a")


class TestWeighted:
    """As often as the weights say."""

    def test_spread_evenly(self) -> None:
        """Not five times the one, then the others."""
        strategy = Weighted(Setting({"a": 5, "b": 1, "c": 1}))
        chosen = [strategy.choose(ABC, all_up, FACTS)[0] for _ in range(14)]
        assert "".join(chosen) == "aabacaa" * 2

    @given(
        st.lists(st.integers(1, 50), min_size=3, max_size=3),
        st.sampled_from([up for n in (1, 2, 3) for up in permutations("abc", n)]),
    )
    def test_in_proportion_among_those_that_are_up(
        self, weights: list[int], up: tuple[str, ...]
    ) -> None:
        """Exactly, after as many messages as the weights sum to."""
        by_name = dict(zip(ABC, weights, strict=True))
        strategy = Weighted(Setting(by_name))
        total = sum(by_name[name] for name in up)
        chosen = Counter(
            strategy.choose(ABC, up.__contains__, FACTS)[0] for _ in range(total)
        )
        assert chosen == {name: by_name[name] for name in up}

    def test_no_turn_is_used_while_nothing_is_up(self) -> None:
        """The order is the route's, then."""
        strategy = Weighted(Setting({"a": 1, "b": 1, "c": 1}))
        strategy.choose(ABC, all_up, FACTS)
        assert strategy.choose(ABC, lambda _: False, FACTS) == ABC
        assert strategy.choose(ABC, all_up, FACTS)[0] == "b"


class TestSplit:
    """So many percent of the recipients."""

    def test_shares(self) -> None:
        """Within a percent, over 20,000 recipients."""
        strategy = Split(Setting({"a": 90, "b": 7, "c": 3}))
        chosen = Counter(
            strategy.choose(ABC, all_up, facts)[0] for facts in numbers(20_000)
        )
        assert chosen["a"] == pytest.approx(18_000, abs=200)
        assert chosen["b"] == pytest.approx(1_400, abs=200)
        assert chosen["c"] == pytest.approx(600, abs=200)

    def test_who_was_in_a_share_stays_when_it_grows(self) -> None:
        """A trial of a new carrier is widened, not begun anew."""
        small, large = (
            Split(Setting({"new": percent, "old": 100 - percent}))
            for percent in (5, 10)
        )
        for facts in numbers(2_000):
            if small.choose(("new", "old"), all_up, facts)[0] == "new":
                assert large.choose(("new", "old"), all_up, facts)[0] == "new"

    def test_while_it_is_down_others_help_out(self) -> None:
        """In the route's order; the share itself stays what it was."""
        strategy = Split(Setting({"a": 100, "b": 0, "c": 0}))
        assert strategy.choose(ABC, "c".__contains__, FACTS) == ("c", "a", "b")
        assert strategy.choose(ABC, "abc".__contains__, FACTS)[0] == "a"


class TestSticky:
    """The same recipient to the same upstream."""

    def test_evenly(self) -> None:
        """Within a few percent, over 9,000 recipients and three upstreams."""
        strategy = Sticky(Setting())
        chosen = Counter(
            strategy.choose(ABC, all_up, facts)[0] for facts in numbers(9_000)
        )
        for name in ABC:
            assert chosen[name] == pytest.approx(3_000, abs=150)

    @given(
        st.lists(st.text("abcdef", min_size=1), min_size=2, max_size=8, unique=True),
        st.from_regex("[1-9][0-9]{6,14}", fullmatch=True),
        st.data(),
    )
    def test_only_those_of_the_one_that_is_down_move(
        self, names: list[str], number: str, data: st.DataObject
    ) -> None:
        """And the order of the names does not matter: all nodes agree."""
        strategy, facts = Sticky(Setting()), Facts("a", "b", number)
        first = strategy.choose(tuple(names), all_up, facts)[0]
        down = data.draw(st.sampled_from(names))
        others = tuple(data.draw(st.permutations([n for n in names if n != down])))
        again = Sticky(Setting()).choose(others, all_up, facts)[0]
        moved = strategy.choose(tuple(names), lambda name: name != down, facts)[0]
        assert moved == again
        assert first in (again, down)

    def test_points_are_the_same_for_ever(self) -> None:
        """On every node and after every start: a changed one would move everybody."""
        assert point("233241234567") == 0xEB8FCAF82E5F8C6F


class TestLeastCost:
    """The cheapest for the number."""

    STRATEGY = LeastCost(
        Setting(
            costs={
                "a": PrefixMap({"233": 30, "23324": 10}),
                "b": PrefixMap({"233": 20}),
                "c": PrefixMap({"44": 1, "2335": 20}),
            }
        )
    )

    @pytest.mark.parametrize(
        ("number", "up", "order"),
        [
            ("233241234567", "abc", "ab"),
            ("233201234567", "abc", "ba"),
            ("233501234567", "abc", "bca"),
            ("233201234567", "ac", "ab"),
            ("447700900123", "abc", "c"),
            ("447700900123", "ab", "c"),
            ("491701234567", "bc", "bca"),
        ],
    )
    def test_by_the_longest_prefix(self, number: str, up: str, order: str) -> None:
        """Who has no price for a number gets it only if nobody has one."""
        facts = Facts("x", "X", number)
        chosen = self.STRATEGY.choose(ABC, up.__contains__, facts)
        assert "".join(chosen) == order

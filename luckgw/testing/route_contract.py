"""What every route strategy promises: the suite that a new one has to pass.

A strategy is bound to it by a class in the tests that says how to make one::

    class TestMyStrategy(StrategyContract):
        def make(self, setting: Setting) -> Strategy:
            return MyStrategy(setting)

and, in a conftest.py, so that a failed assertion shows its values::

    pytest.register_assert_rewrite("luckgw.testing.route_contract")
"""
# ruff: noqa: S101, S311 - tests assert, and draw lots that need no secrecy

import random
from abc import ABC, abstractmethod
from collections.abc import Iterator

from luckgw.routing.facts import Facts
from luckgw.routing.prefixes import PrefixMap
from luckgw.routing.strategy import Setting, Strategy

NAMES = ("a", "b", "c", "d", "e")


class StrategyContract(ABC):
    """The suite. Its cases are drawn from a fixed seed: a failure repeats itself."""

    waits_for_the_first = False
    """Whether it gives an upstream that is down although another one is up."""

    @abstractmethod
    def make(self, setting: Setting) -> Strategy:
        """A new one."""

    def cases(
        self, candidates: tuple[str, ...]
    ) -> Iterator[tuple[Strategy, set[str], tuple[str, ...]]]:
        """A strategy through a life of messages and troubles, with what it chose."""
        draw = random.Random(len(candidates))
        strategy = self.make(_setting(candidates))
        up = set(candidates)
        for number in range(300):
            if draw.random() < 0.1:  # noqa: PLR2004 - one goes or comes
                up ^= {draw.choice(candidates)}
            facts = Facts("acme", "Acme", f"23324{number:07}")
            yield strategy, up, strategy.choose(candidates, up.__contains__, facts)

    def test_it_gives_candidates_each_once(self) -> None:
        """At least one, and no name that the route does not have."""
        for count in range(1, len(NAMES) + 1):
            candidates = NAMES[:count]
            for _, _, chosen in self.cases(candidates):
                assert chosen
                assert len(set(chosen)) == len(chosen)
                assert set(chosen) <= set(candidates)

    def test_one_that_is_up_comes_first(self) -> None:
        """Whenever there is one, so that no message waits without need."""
        for _, up, chosen in self.cases(NAMES):
            if up and not self.waits_for_the_first:
                assert chosen[0] in up

    def test_without_any_up_there_is_still_an_order(self) -> None:
        """The message can wait somewhere, then."""
        strategy = self.make(_setting(NAMES))
        chosen = strategy.choose(NAMES, lambda _: False, Facts("a", "b", "233"))
        assert chosen
        assert set(chosen) <= set(NAMES)

    def test_a_single_upstream_is_all_there_is(self) -> None:
        """Up or down."""
        for _, _, chosen in self.cases(("a",)):
            assert chosen == ("a",)

    def test_the_arguments_stay_as_they_are(self) -> None:
        """Facts are shared with the rest of the pipeline."""
        strategy = self.make(_setting(NAMES))
        facts = Facts("acme", "Acme", "233241234567")
        strategy.choose(NAMES, lambda _: True, facts)
        assert facts == Facts("acme", "Acme", "233241234567")

    def test_a_number_of_any_length_will_do(self) -> None:
        """Also an empty one: what is a number is not the strategy's to judge."""
        strategy = self.make(_setting(NAMES))
        for number in ("", "2", "233241234567890"):
            assert strategy.choose(NAMES, lambda _: True, Facts("a", "b", number))


def _setting(candidates: tuple[str, ...]) -> Setting:
    """Weights of 100 in all, and costs for some of the numbers."""
    share = 100 // len(candidates)
    weights = dict.fromkeys(candidates, share)
    weights[candidates[0]] += 100 - share * len(candidates)
    costs = {
        name: PrefixMap({f"23324{at}": 10 + at, "23324": 20 - at})
        for at, name in enumerate(candidates)
    }
    return Setting(weights, costs)

"""The strategy ``least_cost``."""

from luckgw.routing.facts import Facts
from luckgw.routing.strategy import IsUp, Setting, up_first


class LeastCost:
    """The upstream that is cheapest for this number, of those that are up.

    Of the same cost, the route's order counts. An upstream without a price for the
    number gets it only if no other one has a price either.
    """

    def __init__(self, setting: Setting) -> None:
        self._costs = setting.costs

    def choose(
        self, candidates: tuple[str, ...], is_up: IsUp, facts: Facts
    ) -> tuple[str, ...]:
        """By cost, those that are up first."""
        number = facts.destination
        costs: dict[str, int] = {}
        for name in candidates:
            cost = self._costs[name].get(number)
            if cost is not None:
                costs[name] = cost
        if not costs:
            return up_first(candidates, is_up)
        return up_first(sorted(costs, key=costs.__getitem__), is_up)

"""Where does a message go? The routes of the configuration, compiled."""

from collections.abc import Collection, Iterable

import attrs

from luckgw.config.model import Match, Route
from luckgw.routing.facts import Facts
from luckgw.routing.filters import AccountFilter, Filter, PrefixFilter, SenderFilter
from luckgw.routing.strategies import ROUTE_TYPES, Strategy


@attrs.frozen
class Decision:
    """Where the messages of a route go; the same object for all of them."""

    route_name: str
    candidates: tuple[str, ...]
    """Names of upstreams, in the route's order, at least one."""
    strategy: Strategy
    """Which of them, now: ``strategy.choose(candidates, is_up, facts)``."""


@attrs.frozen
class Rule:
    """A compiled route."""

    filters: tuple[Filter, ...]
    """All have to match; none at all matches everything."""
    decision: Decision


class RouteTable:
    """Ordered rules; the first that matches decides.

    Raises ValueError for a route to an upstream that is not among ``upstream_names``.
    """

    def __init__(
        self, routes: Iterable[Route], upstream_names: Collection[str]
    ) -> None:
        self.rules = tuple(_compile(route, upstream_names) for route in routes)
        """In order; for ``explain``."""
        self._conditions = tuple(
            (tuple(one.matches for one in rule.filters), rule.decision)
            for rule in self.rules
        )

    def decide(self, facts: Facts) -> Decision | None:
        """The decision of the first rule that matches; None if no rule does.

        HOT PATH: called for every message.
        """
        for conditions, decision in self._conditions:
            for matches in conditions:
                if not matches(facts):
                    break
            else:
                return decision
        return None


def _compile(route: Route, upstream_names: Collection[str]) -> Rule:
    for name in route.to:
        if name not in upstream_names:
            raise ValueError(
                f"route {route.name} leads to {name}, which is no upstream"
            )
    strategy = ROUTE_TYPES[route.strategy]()
    return Rule(_filters(route.match), Decision(route.name, route.to, strategy))


def _filters(match: Match) -> tuple[Filter, ...]:
    """The conditions that are given, the cheapest first."""
    filters: list[Filter] = []
    if match.account:
        filters.append(AccountFilter(match.account))
    if match.prefix:
        filters.append(PrefixFilter(match.prefix))
    if match.sender:
        filters.append(SenderFilter(match.sender))
    return tuple(filters)

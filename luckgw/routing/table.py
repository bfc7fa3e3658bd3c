"""Where does a message go? The routes of the configuration, compiled."""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import Final, Protocol, TypeVar

import attrs

from luckgw.config.lists import PortedNumbers, PriceList
from luckgw.config.routes import Match, Route
from luckgw.domain import errors
from luckgw.domain.errors import Refusal
from luckgw.domain.money import parse_amount
from luckgw.domain.status import Status
from luckgw.routing.contents import ContentFilter, EncodingFilter, SegmentsFilter
from luckgw.routing.facts import Facts
from luckgw.routing.filters import (
    AccountFilter,
    DestinationFilter,
    Filter,
    GroupFilter,
    HookFilter,
    NetworkFilter,
    NumberListFilter,
    PrefixFilter,
    SenderFilter,
    TagFilter,
    UnlessFilter,
)
from luckgw.routing.hours import TimeFilter
from luckgw.routing.prefixes import PrefixMap, first_wins
from luckgw.routing.rewrite import ContentEdit, content_edit
from luckgw.routing.strategies import ROUTE_TYPES
from luckgw.routing.strategy import IsUp, Setting, Strategy


class WithCosts(Protocol):
    """What is looked at of an upstream (``config.model.Upstream``)."""

    @property
    def costs(self) -> PriceList | None:
        """What a segment costs us there."""
        ...


Given = TypeVar("Given")

_NO_COSTS: Final = PrefixMap[int]({})


@attrs.frozen
class Decision:
    """Where the messages of a route go; the same object for many of them."""

    route_name: str
    candidates: tuple[str, ...]
    """Names of upstreams, in the route's order; none if it refuses."""
    strategy: Strategy
    """Which of them, now: ``strategy.choose(candidates, is_up, facts)``."""
    refusal: Refusal | None = None
    """Why its messages are refused; None: they are not."""
    edit: ContentEdit | None = None
    """What becomes of the text; None: it stays as it is."""
    prices: PrefixMap[int] | None = None
    """What a segment costs the customer, in millionths by prefix; None: not said."""


@attrs.frozen
class Rule:
    """A compiled route."""

    name: str
    filters: tuple[Filter, ...]
    """All have to match; none at all matches everything."""
    target: Decision | PrefixMap[Decision]
    """Where it leads, or where each prefix does; other numbers it does not match."""

    def decision_for(self, destination: str) -> Decision | None:
        """Where it leads for a number, if its conditions hold."""
        if isinstance(self.target, Decision):
            return self.target
        return self.target.get(destination)


Conditions = tuple[Callable[[Facts], bool], ...]
_Step = tuple[Conditions, Callable[[str], Decision | None] | None, Decision | None]


class RouteTable:
    """Ordered rules; the first that matches decides.

    It never changes: another configuration is another table. ``upstreams`` are the
    names of all there are, or their configurations by name. Raises ValueError for a
    route to an upstream that is not among them.
    """

    def __init__(
        self,
        routes: Iterable[Route],
        upstreams: Mapping[str, WithCosts] | Collection[str],
        ported: PortedNumbers | None = None,
    ) -> None:
        costs = _costs(upstreams)
        self.rules = tuple(_compile(route, costs, ported) for route in routes)
        """In order; for ``explain``."""
        self._by_name = {rule.name: rule for rule in self.rules}
        self._steps = _steps(self.rules)
        looked_at = " ".join(
            one.looks_at for rule in self.rules for one in rule.filters
        )
        self.looks_at_time = "time" in looked_at
        """Whether any route asks for ``Facts.now_ms``."""
        self.looks_at_content = "content" in looked_at
        """Whether any route asks for ``Facts.content``."""

    def decide(self, facts: Facts) -> Decision | None:
        """The decision of the first rule that matches; None if no rule does.

        HOT PATH: called for every message. Raises Unanswered when a hook has to be
        asked first.
        """
        for conditions, lookup, decision in self._steps:
            for matches in conditions:
                if not matches(facts):
                    break
            else:
                if lookup is None:
                    return decision
                found = lookup(facts.destination)
                if found is not None:
                    return found
        return None

    def next_upstream(
        self, route_name: str, facts: Facts, is_up: IsUp, tried: Sequence[str]
    ) -> str | None:
        """Where else a message of a route may go that ``tried`` have not taken.

        None when every other upstream of the route is down or was tried, or when there
        is no such route any more. For a message that a carrier has refused or not
        answered: it stays with its route, whose upstreams are asked in the order that
        its strategy gives now.
        """
        rule = self._by_name.get(route_name)
        decision = None if rule is None else rule.decision_for(facts.destination)
        if decision is None or decision.refusal is not None:
            return None
        left = tuple(name for name in decision.candidates if name not in tried)
        if not left:
            return None
        first, *_ = decision.strategy.choose(left, is_up, facts)
        return first if is_up(first) else None


def pick(
    decision: Decision, facts: Facts, is_up: IsUp, waits: Callable[[str], bool]
) -> str | None:
    """The upstream to queue for: the first choice that is up, or where one may wait.

    ``waits`` tells whether messages may wait for an upstream that is down. None: none
    can take it now. HOT PATH.
    """
    names = decision.candidates
    if len(names) > 1:  # of one there is nothing to choose
        names = decision.strategy.choose(names, is_up, facts)
    for name in names:
        if is_up(name) or waits(name):
            return name
    return None


# -- compiling -------------------------------------------------------------------------


def _costs(
    upstreams: Mapping[str, WithCosts] | Collection[str],
) -> dict[str, PrefixMap[int] | None]:
    if not isinstance(upstreams, Mapping):
        return dict.fromkeys(upstreams)
    return {
        name: None if one.costs is None else PrefixMap(one.costs.prices)
        for name, one in upstreams.items()
    }


def _compile(
    route: Route,
    costs: Mapping[str, PrefixMap[int] | None],
    ported: PortedNumbers | None,
) -> Rule:
    for name in route.upstreams():
        if name not in costs:
            raise ValueError(
                f"route {route.name} leads to {name}, which is no upstream"
            )
    strategy = ROUTE_TYPES[route.strategy](
        Setting(
            dict(zip(route.to, route.weights, strict=bool(route.weights))),
            {name: costs[name] or _NO_COSTS for name in route.upstreams()},
        )
    )
    decision = Decision(
        route.name,
        route.to,
        strategy,
        _own_refusal(route),
        content_edit(route.rewrite),
        _prices(route),
    )
    filters = _filters(route.match, ported)
    exceptions = _filters(route.unless, ported)
    if exceptions:
        filters = (*filters, UnlessFilter(exceptions))
    target: Decision | PrefixMap[Decision] = decision
    if route.prefixes is not None:
        ways = route.prefixes.ways
        decisions = {
            names: attrs.evolve(decision, candidates=names)
            for names in dict.fromkeys(ways.values())
        }
        target = PrefixMap({prefix: decisions[way] for prefix, way in ways.items()})
    return Rule(route.name, filters, target)


def _own_refusal(route: Route) -> Refusal | None:
    if route.refuse is None:
        return None
    return refusal(route.refuse, f"route {route.name} refuses it")


def _prices(route: Route) -> PrefixMap[int] | None:
    if route.prices is not None:
        return PrefixMap(route.prices.prices)
    return None if route.price is None else PrefixMap({"": parse_amount(route.price)})


def refusal(fault: str, detail: str) -> Refusal:
    """Why a message is refused, by one of the words of ``config.routes.REFUSALS``."""
    if fault == "destination":
        return errors.no_route(detail)
    if fault == "sender":
        return errors.bad_request(detail, Status.ESME_RINVSRCADR)
    if fault == "account":
        return errors.not_allowed(detail)
    if fault == "later":
        return errors.throttled(detail, 60)
    return errors.bad_request(detail)


def _filters(match: Match, ported: PortedNumbers | None) -> tuple[Filter, ...]:
    """The conditions that are given, the cheapest first."""
    senders, numbers, words = (
        match.sender_list,
        match.destination_list,
        match.content_list,
    )
    makers: tuple[tuple[object, Callable[[], Filter]], ...] = (
        (match.account, lambda: AccountFilter(match.account)),
        (match.group, lambda: GroupFilter(match.group)),
        (match.tag, lambda: TagFilter(match.tag)),
        (match.time or match.days or match.dates, lambda: TimeFilter(match)),
        (match.prefix, lambda: PrefixFilter(match.prefix)),
        (match.sender, lambda: SenderFilter(match.sender)),
        (senders, lambda: SenderFilter(_given(senders).entries)),
        (match.destination, lambda: DestinationFilter(match.destination)),
        (numbers, lambda: NumberListFilter(_given(numbers))),
        (match.network, lambda: NetworkFilter(match.network, ported)),
        (match.encoding, lambda: EncodingFilter(match.encoding)),
        (match.segments, lambda: SegmentsFilter(match.segments)),
        (match.content, lambda: ContentFilter(match.content)),
        (words, lambda: ContentFilter(_given(words).entries)),
        (match.hook, lambda: HookFilter(match.hook)),
    )
    return tuple(make() for given, make in makers if given)


def _given(value: Given | None) -> Given:
    assert value is not None  # noqa: S101 - asked only then
    return value


def _steps(rules: Iterable[Rule]) -> tuple[_Step, ...]:
    """What ``decide`` goes through: neighbours that look at prefixes alone are one.

    A rule without conditions looks at the empty prefix.
    """
    steps: list[_Step] = []
    ranked: dict[str, tuple[int, Decision]] = {}

    def close() -> None:
        if len(ranked) == 1 and "" in ranked:
            steps.append(((), None, ranked[""][1]))
        elif ranked:
            steps.append(((), first_wins(ranked).get, None))
        ranked.clear()

    for rank, rule in enumerate(rules):
        prefixes = _prefixes_alone(rule)
        if prefixes is not None and isinstance(rule.target, Decision):
            for prefix in prefixes:
                ranked.setdefault(prefix, (rank, rule.target))
            continue
        close()
        conditions = tuple(one.matches for one in rule.filters)
        if isinstance(rule.target, Decision):
            steps.append((conditions, None, rule.target))
        else:
            steps.append((conditions, rule.target.get, None))
    close()
    return tuple(steps)


def _prefixes_alone(rule: Rule) -> tuple[str, ...] | None:
    """The prefixes that a rule looks at if it looks at nothing else."""
    match rule.filters:
        case ():
            return ("",)
        case (PrefixFilter(prefixes=prefixes),):
            return prefixes
    return None

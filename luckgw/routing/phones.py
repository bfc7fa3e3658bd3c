"""Whose is a message from a phone? The ``[[mo_routes]]`` of the configuration. Pure."""

from collections.abc import Iterable, Mapping

import attrs

from luckgw.config.model import Account, MoRoute


@attrs.frozen
class MoFacts:
    """The facts of a message from a phone that decide whose it is."""

    upstream: str
    """Who brought it."""
    phone: str
    """Who wrote it, without ``+``."""
    number: str
    """To whom: a long number without ``+``, or a short code."""
    keyword: str
    """The first word of the text; "" when there is none."""


@attrs.frozen
class MoDecision:
    """Whose the messages of a route are, and how the account gets them."""

    route: str
    account: str
    to_session: bool
    to_webhook: bool


class _Numbers:
    """Numbers, and beginnings of numbers (``2335*``)."""

    def __init__(self, entries: Iterable[str]) -> None:
        entries = [*entries]
        self._exact = frozenset(each for each in entries if not each.endswith("*"))
        self._prefixes = tuple(each[:-1] for each in entries if each.endswith("*"))

    def hold(self, number: str) -> bool:
        """Whether it is one of them."""
        return number in self._exact or number.startswith(self._prefixes)


class _Rule:
    """A compiled route."""

    def __init__(self, route: MoRoute, account: Account) -> None:
        match = route.match
        self._upstreams = frozenset(match.upstream)
        self._keywords = frozenset(each.casefold() for each in match.keyword)
        self._numbers = _Numbers(match.number) if match.number else None
        self._senders = _Numbers(match.sender) if match.sender else None
        to = route.to or _usual(account)
        self.decision = MoDecision(
            route.name, account.name, "session" in to, "webhook" in to
        )

    def matches(self, facts: MoFacts) -> bool:
        """Whether all conditions hold."""
        return (
            (not self._upstreams or facts.upstream in self._upstreams)
            and (self._numbers is None or self._numbers.hold(facts.number))
            and (self._senders is None or self._senders.hold(facts.phone))
            and (not self._keywords or facts.keyword.casefold() in self._keywords)
        )


def _usual(account: Account) -> tuple[str, ...]:
    """How an account gets its messages when the route does not say."""
    if account.webhook is not None:
        return ("webhook",)
    return ("session",) if account.password is not None else ()


class MoRouteTable:
    """Ordered rules; the first that matches decides.

    Raises KeyError for a route to an account that is not among ``accounts``.
    """

    def __init__(
        self, routes: Iterable[MoRoute], accounts: Mapping[str, Account]
    ) -> None:
        self._rules = [_Rule(route, accounts[route.account]) for route in routes]

    def decide(self, facts: MoFacts) -> MoDecision | None:
        """The decision of the first rule that matches; None if no rule does."""
        for rule in self._rules:
            if rule.matches(facts):
                return rule.decision
        return None

    @property
    def accounts(self) -> frozenset[str]:
        """The accounts that any route leads to."""
        return frozenset(rule.decision.account for rule in self._rules)

"""The conditions of a route: each looks at one fact of a message.

HOT PATH: every message asks the filters of every route until one matches.
"""

import re
from collections.abc import Iterable
from typing import Protocol

from luckgw.config.patterns import compile_patterns
from luckgw.routing.facts import Facts


class Filter(Protocol):
    """One condition, which can also tell why it holds or not."""

    def matches(self, facts: Facts) -> bool:
        """Whether it holds."""
        ...

    def tell(self, facts: Facts) -> str:
        """Why it holds or does not, in a few words for an operator."""
        ...


class PrefixFilter:
    """The destination begins with one of some digits.

    One set per length of prefix, so that 100,000 prefixes cost as many look-ups as they
    have different lengths (at most 15).
    """

    def __init__(self, prefixes: Iterable[str]) -> None:
        by_length: dict[int, set[str]] = {}
        for prefix in prefixes:
            by_length.setdefault(len(prefix), set()).add(prefix)
        self._longest_first = tuple(
            (length, frozenset(by_length[length]))
            for length in sorted(by_length, reverse=True)
        )

    def matches(self, facts: Facts) -> bool:
        """Whether any prefix fits."""
        destination = facts.destination
        for length, prefixes in self._longest_first:
            if destination[:length] in prefixes:
                return True
        return False

    def longest(self, destination: str) -> str | None:
        """The longest prefix that fits."""
        for length, prefixes in self._longest_first:
            if destination[:length] in prefixes:
                return destination[:length]
        return None

    def tell(self, facts: Facts) -> str:
        """Which prefix it is."""
        prefix = self.longest(facts.destination)
        if prefix is None:
            return f"destination {facts.destination} begins with none of its prefixes"
        return f"destination {facts.destination} begins with {prefix}"


class AccountFilter:
    """The message comes from one of some accounts."""

    def __init__(self, accounts: Iterable[str]) -> None:
        self._accounts = frozenset(accounts)

    def matches(self, facts: Facts) -> bool:
        """Whether it does."""
        return facts.account in self._accounts

    def tell(self, facts: Facts) -> str:
        """Whether it does."""
        verb = "is" if self.matches(facts) else "is not"
        return f"account {facts.account} {verb} one of its accounts"


class SenderFilter:
    """The sender ID is one of some texts or matches one of some expressions."""

    def __init__(self, senders: Iterable[str]) -> None:
        self._exact, self._expressions = compile_patterns(senders)

    def matches(self, facts: Facts) -> bool:
        """Whether it is or does."""
        return facts.source in self._exact or self._expression(facts) is not None

    def tell(self, facts: Facts) -> str:
        """Which it is."""
        expression = self._expression(facts)
        if facts.source in self._exact:
            return f"sender {facts.source!r} is one of its senders"
        if expression is not None:
            return f"sender {facts.source!r} matches {expression.pattern}"
        return f"sender {facts.source!r} is none of its senders"

    def _expression(self, facts: Facts) -> re.Pattern[str] | None:
        for expression in self._expressions:
            if expression.fullmatch(facts.source):
                return expression
        return None

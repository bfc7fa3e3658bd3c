"""The conditions of a route: each looks at one fact of a message.

HOT PATH: every message asks the filters of every route until one matches.
"""

from collections.abc import Iterable
from typing import Protocol

from luckgw.config.lists import NumberList, PortedNumbers
from luckgw.config.patterns import compile_patterns
from luckgw.routing.facts import Facts, Unanswered
from luckgw.routing.prefixes import PrefixMap


class Filter(Protocol):
    """One condition, which can also tell why it holds or not."""

    @property
    def looks_at(self) -> str:
        """What costs more to know: ``content``, ``time``, both or nothing."""
        ...

    def matches(self, facts: Facts) -> bool:
        """Whether it holds."""
        ...

    def tell(self, facts: Facts) -> str:
        """Why it holds or does not, in a few words for an operator."""
        ...


class PrefixFilter:
    """The destination begins with one of some digits."""

    looks_at = ""

    def __init__(self, prefixes: Iterable[str]) -> None:
        self.prefixes = tuple(prefixes)
        self._table = PrefixMap(dict.fromkeys(self.prefixes, True))

    def matches(self, facts: Facts) -> bool:
        """Whether any prefix fits."""
        return self._table.get(facts.destination) is not None

    def tell(self, facts: Facts) -> str:
        """Which prefix it is."""
        prefix = self._table.longest(facts.destination)
        if prefix is None:
            return f"destination {facts.destination} begins with none of its prefixes"
        return f"destination {facts.destination} begins with {prefix}"


class DestinationFilter:
    """The destination is one of some numbers or matches one of some expressions."""

    looks_at = ""

    def __init__(self, destinations: Iterable[str]) -> None:
        self._patterns = _Patterns(destinations)

    def matches(self, facts: Facts) -> bool:
        """Whether it is or does."""
        return self._patterns.found(facts.destination) is not None

    def tell(self, facts: Facts) -> str:
        """Which it is."""
        return self._patterns.tell("destination", facts.destination)


class NumberListFilter:
    """The destination stands in a list, or begins with a prefix that does."""

    looks_at = ""

    def __init__(self, numbers: NumberList) -> None:
        self._numbers = numbers
        self._prefixes = PrefixMap(dict.fromkeys(numbers.prefixes, True))

    def matches(self, facts: Facts) -> bool:
        """Whether it does."""
        destination = facts.destination
        return self._numbers.holds(destination) or (
            self._prefixes.get(destination) is not None
        )

    def tell(self, facts: Facts) -> str:
        """Which line it is."""
        destination, file = facts.destination, self._numbers.path.name
        if self._numbers.holds(destination):
            return f"destination {destination} is in {file}"
        prefix = self._prefixes.longest(destination)
        if prefix is not None:
            return f"destination {destination} is in {file}, as {prefix}*"
        return f"destination {destination} is not in {file}"


class AccountFilter:
    """The message comes from one of some accounts."""

    looks_at = ""

    def __init__(self, accounts: Iterable[str]) -> None:
        self._accounts = frozenset(accounts)

    def matches(self, facts: Facts) -> bool:
        """Whether it does."""
        return facts.account in self._accounts

    def tell(self, facts: Facts) -> str:
        """Whether it does."""
        verb = "is" if self.matches(facts) else "is not"
        return f"account {facts.account} {verb} one of its accounts"


class GroupFilter:
    """The account is in one of some groups."""

    looks_at = ""

    def __init__(self, groups: Iterable[str]) -> None:
        self._groups = frozenset(groups)

    def matches(self, facts: Facts) -> bool:
        """Whether it is."""
        return facts.group in self._groups

    def tell(self, facts: Facts) -> str:
        """Whether it is."""
        if facts.group is None:
            return f"account {facts.account} is in no group"
        verb = "is" if self.matches(facts) else "is not"
        return f"group {facts.group} of {facts.account} {verb} one of its groups"


class TagFilter:
    """The message has one of some tags."""

    looks_at = ""

    def __init__(self, tags: Iterable[str]) -> None:
        self._tags = frozenset(tags)

    def matches(self, facts: Facts) -> bool:
        """Whether it has."""
        return not self._tags.isdisjoint(facts.tags)

    def tell(self, facts: Facts) -> str:
        """Which it is."""
        found = sorted(self._tags & facts.tags)
        if found:
            return f"tag {found[0]} is one of its tags"
        return "the message has none of its tags"


class SenderFilter:
    """The sender ID is one of some texts or matches one of some expressions."""

    looks_at = ""

    def __init__(self, senders: Iterable[str]) -> None:
        self._patterns = _Patterns(senders)

    def matches(self, facts: Facts) -> bool:
        """Whether it is or does."""
        return self._patterns.found(facts.source) is not None

    def tell(self, facts: Facts) -> str:
        """Which it is."""
        return self._patterns.tell("sender", facts.source)


class NetworkFilter:
    """The destination was ported to one of some networks."""

    looks_at = ""

    def __init__(self, networks: Iterable[str], ported: PortedNumbers | None) -> None:
        """Without ``ported`` nothing is known of any number, and it never holds."""
        self._networks = frozenset(networks)
        self._ported = ported

    def matches(self, facts: Facts) -> bool:
        """Whether it was."""
        return self._network(facts) in self._networks

    def tell(self, facts: Facts) -> str:
        """Where it is now."""
        network = self._network(facts)
        if network is None:
            return f"destination {facts.destination} is not known as ported"
        verb = "is" if self.matches(facts) else "is not"
        return f"network {network} of {facts.destination} {verb} one of its networks"

    def _network(self, facts: Facts) -> str | None:
        if self._ported is None:
            return None
        return self._ported.network_of(facts.destination)


class HookFilter:
    """One of some hooks says yes."""

    looks_at = "content time"

    def __init__(self, hooks: Iterable[str]) -> None:
        self._hooks = tuple(hooks)

    def matches(self, facts: Facts) -> bool:
        """Whether one does. Raises Unanswered while that is not known."""
        return any(self._answer(hook, facts) for hook in self._hooks)

    def tell(self, facts: Facts) -> str:
        """Which one. Raises Unanswered while that is not known."""
        for hook in self._hooks:
            if self._answer(hook, facts):
                return f"hook {hook} says yes"
        return f"hook {', '.join(self._hooks)} says no"

    @staticmethod
    def _answer(hook: str, facts: Facts) -> bool:
        if facts.answers is None or hook not in facts.answers:
            raise Unanswered(hook)
        return facts.answers[hook]


class UnlessFilter:
    """Not all of some other conditions hold."""

    def __init__(self, filters: Iterable[Filter]) -> None:
        self._filters = tuple(filters)
        self.looks_at = " ".join(sorted({one.looks_at for one in self._filters}))

    def matches(self, facts: Facts) -> bool:
        """Whether one of them does not."""
        return not all(one.matches(facts) for one in self._filters)

    def tell(self, facts: Facts) -> str:
        """The first that does not, or all of them."""
        for one in self._filters:
            if not one.matches(facts):
                return f"its exception does not apply: {one.tell(facts)}"
        reasons = "; ".join(one.tell(facts) for one in self._filters)
        return f"its exception applies: {reasons}"


class _Patterns:
    """Exact texts, and expressions for the whole of a text."""

    def __init__(self, entries: Iterable[str]) -> None:
        self._exact, self._expressions = compile_patterns(entries)

    def found(self, text: str) -> str | None:
        """What it is: the text itself, or the expression that it matches."""
        if text in self._exact:
            return text
        for expression in self._expressions:
            if expression.fullmatch(text):
                return expression.pattern
        return None

    def tell(self, what: str, text: str) -> str:
        found = self.found(text)
        if found is None:
            return f"{what} {text!r} is none of its {what}s"
        if text in self._exact:
            return f"{what} {text!r} is one of its {what}s"
        return f"{what} {text!r} matches {found}"

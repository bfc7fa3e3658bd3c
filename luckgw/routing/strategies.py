"""How a route chooses among its upstreams. An extension point.

A new strategy is a class with ``choose`` in a module of its own, a line in
``ROUTE_TYPES`` and its name in ``config.model.STRATEGIES``.
"""

from collections.abc import Callable
from typing import Protocol

import attrs

from luckgw.routing.facts import Facts


class Strategy(Protocol):
    """One object per route, made once, asked for every message of that route."""

    def choose(
        self, candidates: tuple[str, ...], is_up: Callable[[str], bool], facts: Facts
    ) -> tuple[str, ...]:
        """The upstreams to try, in order of preference: at least one, each once.

        ``candidates`` are the route's, in its order, at least one. ``is_up`` tells
        whether one has a bind that can send now.
        """
        ...


@attrs.frozen
class Static:
    """The first upstream, whether it is up or not: the message waits for it."""

    def choose(
        self, candidates: tuple[str, ...], is_up: Callable[[str], bool], facts: Facts
    ) -> tuple[str, ...]:
        """The first and no other."""
        del is_up, facts
        return candidates[:1]


@attrs.frozen
class Failover:
    """The first upstream that is up, the others behind it."""

    def choose(
        self, candidates: tuple[str, ...], is_up: Callable[[str], bool], facts: Facts
    ) -> tuple[str, ...]:
        """Unchanged when the first is up, or none."""
        del facts
        for position, name in enumerate(candidates):
            if is_up(name):
                if position == 0:
                    break
                return (name, *candidates[:position], *candidates[position + 1 :])
        return candidates


#: By the word in the configuration.
ROUTE_TYPES: dict[str, type[Strategy]] = {
    "static": Static,
    "failover": Failover,
}

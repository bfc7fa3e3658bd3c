"""What a strategy is, and what it is made of."""

from collections.abc import Callable, Mapping, Sequence
from typing import Protocol

import attrs

from luckgw.routing.facts import Facts
from luckgw.routing.prefixes import PrefixMap

IsUp = Callable[[str], bool]
"""Whether the upstream of a name has a bind that can send now."""


@attrs.frozen
class Setting:
    """What the configuration says to a route's strategy."""

    weights: Mapping[str, int] = attrs.field(factory=dict)
    """By the name of the upstream; empty for strategies without weights."""
    costs: Mapping[str, PrefixMap[int]] = attrs.field(factory=dict)
    """What a segment costs us, in millionths by prefix, by the upstream's name."""


class Strategy(Protocol):
    """One object per route, made once, asked for every message of that route."""

    def choose(
        self, candidates: tuple[str, ...], is_up: IsUp, facts: Facts
    ) -> tuple[str, ...]:
        """The upstreams to try, in order of preference: at least one, each once.

        ``candidates`` are the route's, in its order, at least one. ``is_up`` tells
        whether one has a bind that can send now. HOT PATH.
        """
        ...


def up_first(order: Sequence[str], is_up: IsUp) -> tuple[str, ...]:
    """The same names, those that are up before those that are not."""
    up = [name for name in order if is_up(name)]
    if not up or len(up) == len(order):
        return tuple(order)
    return (*up, *(name for name in order if name not in up))

"""The strategy ``round_robin``."""

from luckgw.routing.facts import Facts
from luckgw.routing.strategy import IsUp, Setting


class RoundRobin:
    """Each upstream that is up in turn: the one that has waited longest.

    One that was down comes first when it is back, once; while it is away the others
    share evenly. Each node takes turns by itself.
    """

    def __init__(self, setting: Setting) -> None:
        del setting
        self._orders: dict[tuple[str, ...], tuple[str, ...]] = {}

    def choose(
        self, candidates: tuple[str, ...], is_up: IsUp, facts: Facts
    ) -> tuple[str, ...]:
        """The one that has waited longest first; if none is up, no turn is used."""
        del facts
        order = self._orders.get(candidates, candidates)
        for position, name in enumerate(order):
            if is_up(name):
                rest = order[:position] + order[position + 1 :]
                self._orders[candidates] = (*rest, name)
                return (name, *rest)
        return order

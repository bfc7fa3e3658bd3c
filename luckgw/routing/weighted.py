"""The strategy ``weighted``."""

from luckgw.routing.facts import Facts
from luckgw.routing.strategy import IsUp, Setting


class Weighted:
    """Each upstream as often as its weight says, spread evenly (5, 1, 1: aabacaa).

    Every upstream that is up gains its weight, the one that has most is taken and pays
    what all have gained. Those that are down take no part: the others keep the
    proportion among themselves.
    """

    def __init__(self, setting: Setting) -> None:
        self._weights = setting.weights
        self._credit = dict.fromkeys(setting.weights, 0)

    def choose(
        self, candidates: tuple[str, ...], is_up: IsUp, facts: Facts
    ) -> tuple[str, ...]:
        """The one whose turn it is first; if none is up nobody's turn is used."""
        del facts
        weights, credit = self._weights, self._credit
        best, gained = "", 0
        for name in candidates:
            if is_up(name):
                weight = weights[name]
                gained += weight
                credit[name] += weight
                if not best or credit[name] > credit[best]:
                    best = name
        if not best:
            return candidates
        credit[best] -= gained
        return (best, *(name for name in candidates if name != best))

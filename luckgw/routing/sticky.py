"""The strategy ``sticky``."""

from luckgw.routing.facts import Facts
from luckgw.routing.points import mixed, point
from luckgw.routing.strategy import IsUp, Setting, up_first


class Sticky:
    """The same recipient always to the same upstream: rendezvous hashing.

    Each upstream draws a lot for the recipient, the highest wins. When one goes down or
    is taken out, only its recipients move; when one is added, it takes its share evenly
    from all. All nodes agree, without talking to each other.
    """

    def __init__(self, setting: Setting) -> None:
        del setting
        self._seeds: dict[str, int] = {}

    def choose(
        self, candidates: tuple[str, ...], is_up: IsUp, facts: Facts
    ) -> tuple[str, ...]:
        """By their lots for this recipient, those that are up first."""
        at = point(facts.destination)
        lots = {name: mixed(at, self._seed(name)) for name in candidates}
        return up_first(sorted(candidates, key=lots.__getitem__, reverse=True), is_up)

    def _seed(self, name: str) -> int:
        seed = self._seeds.get(name)
        if seed is None:
            seed = self._seeds[name] = point(name)
        return seed

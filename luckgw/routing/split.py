"""The strategy ``split``."""

from luckgw.routing.facts import Facts
from luckgw.routing.points import point
from luckgw.routing.strategy import IsUp, Setting, up_first


class Split:
    """So many percent of the recipients to each upstream, always the same ones.

    When a share grows from 5 to 10 percent, the first 5 stay where they were. A message
    whose upstream is down goes to the first other one that is up.
    """

    def __init__(self, setting: Setting) -> None:
        self._hundred = tuple(
            name for name, percent in setting.weights.items() for _ in range(percent)
        )

    def choose(
        self, candidates: tuple[str, ...], is_up: IsUp, facts: Facts
    ) -> tuple[str, ...]:
        """The recipient's upstream first."""
        hundred = self._hundred
        first = hundred[point(facts.destination) % len(hundred)]
        order = (first, *(name for name in candidates if name != first))
        return order if is_up(first) else up_first(order, is_up)

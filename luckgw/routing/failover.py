"""The strategy ``failover``."""

import attrs

from luckgw.routing.facts import Facts
from luckgw.routing.strategy import IsUp, Setting


@attrs.frozen
class Failover:
    """The first upstream that is up, the others behind it."""

    setting: Setting = attrs.field(factory=Setting, eq=False)

    def choose(
        self, candidates: tuple[str, ...], is_up: IsUp, facts: Facts
    ) -> tuple[str, ...]:
        """Unchanged when the first is up, or none."""
        del facts
        for position, name in enumerate(candidates):
            if is_up(name):
                if position == 0:
                    break
                return (name, *candidates[:position], *candidates[position + 1 :])
        return candidates

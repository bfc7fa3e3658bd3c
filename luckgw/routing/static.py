"""The strategy ``static``."""

import attrs

from luckgw.routing.facts import Facts
from luckgw.routing.strategy import IsUp, Setting


@attrs.frozen
class Static:
    """The first upstream, whether it is up or not: the message waits for it."""

    setting: Setting = attrs.field(factory=Setting, eq=False)

    def choose(
        self, candidates: tuple[str, ...], is_up: IsUp, facts: Facts
    ) -> tuple[str, ...]:
        """The first and no other."""
        del is_up, facts
        return candidates[:1]

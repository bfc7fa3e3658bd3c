"""How long to wait before binding again (spec/reliability 2.4). Pure."""

from collections import Counter
from collections.abc import Callable
from typing import Final

from luckgw.upstream.trouble import Trouble

PROVEN_S: Final = 60.0
"""Only a bind that lasted so long proves that the trouble is over."""
JITTER: Final = 0.2

#: Seconds after the first, second ... failure of a kind; the last one repeats. With
#: wrong credentials a person must act: the carrier is not hammered, nor given up.
_STEPS: Final = {
    Trouble.CREDENTIALS: (60.0, 120.0, 240.0, 300.0),
    Trouble.STILL_BOUND: (15.0, 30.0, 60.0, 120.0),
}
_OTHER_STEPS: Final = (1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 60.0)


class Backoff:
    """The waits of one bind.

    The kinds of trouble that have waits of their own grow by themselves: for an SMSC
    that was away for an hour and then still holds our session we do not wait two
    minutes.
    """

    def __init__(self, random: Callable[[], float]) -> None:
        """``random`` gives 0 to 1."""
        self._random = random
        self._failures: Counter[Trouble] = Counter()

    def failed(self, trouble: Trouble) -> float:
        """Count a failure. Returns the seconds until the next try."""
        kind = trouble if trouble in _STEPS else Trouble.NONE
        self._failures[kind] += 1
        steps = _STEPS.get(kind, _OTHER_STEPS)
        base = steps[min(self._failures[kind], len(steps)) - 1]
        return base * (1 - JITTER + 2 * JITTER * self._random())

    @property
    def failures(self) -> int:
        """How many there were since the last proven bind."""
        return self._failures.total()

    def proven(self) -> None:
        """A bind has lasted: all is forgotten."""
        self._failures.clear()

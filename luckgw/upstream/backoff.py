"""How long to wait before binding again (spec/reliability 2.4). Pure."""

import enum
from collections import Counter
from collections.abc import Callable, Mapping
from typing import Final

from luckgw.domain.status import Status

PROVEN_S: Final = 60.0
"""Only a bind that lasted so long proves that the trouble is over."""
JITTER: Final = 0.2


class Trouble(enum.Enum):
    """Why there is no bind."""

    CREDENTIALS = "the carrier does not take our credentials"
    STILL_BOUND = "the carrier still holds our old session"
    OTHER = "anything else"


#: Seconds after the first, second ... failure of a kind; the last one repeats. With
#: wrong credentials a person must act: the carrier is not hammered, nor given up.
_STEPS: Final = {
    Trouble.CREDENTIALS: (60.0, 120.0, 240.0, 300.0),
    Trouble.STILL_BOUND: (15.0, 30.0, 60.0, 120.0),
    Trouble.OTHER: (1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 60.0),
}
_TROUBLE_OF: Final[Mapping[int, Trouble]] = {
    Status.ESME_RINVPASWD: Trouble.CREDENTIALS,
    Status.ESME_RINVSYSID: Trouble.CREDENTIALS,
    Status.ESME_RINVSYSTYP: Trouble.CREDENTIALS,
    Status.ESME_RALYBND: Trouble.STILL_BOUND,
    Status.ESME_RBINDFAIL: Trouble.STILL_BOUND,
}


class Backoff:
    """The waits of one bind.

    Each kind of trouble grows by itself: for an SMSC that was away for an hour and then
    still holds our session we do not wait two minutes.
    """

    def __init__(self, random: Callable[[], float]) -> None:
        """``random`` gives 0 to 1."""
        self._random = random
        self._failures: Counter[Trouble] = Counter()

    def failed(self, bind_status: int | None) -> float:
        """Count a failure. Returns the seconds until the next try.

        ``bind_status`` is the command_status of a refused bind, None for anything else.
        """
        trouble = _TROUBLE_OF.get(bind_status or 0, Trouble.OTHER)
        self._failures[trouble] += 1
        steps = _STEPS[trouble]
        base = steps[min(self._failures[trouble], len(steps)) - 1]
        return base * (1 - JITTER + 2 * JITTER * self._random())

    @property
    def failures(self) -> int:
        """How many there were since the last proven bind."""
        return self._failures.total()

    def proven(self) -> None:
        """A bind has lasted: all is forgotten."""
        self._failures.clear()

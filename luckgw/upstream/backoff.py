"""How long to wait before binding again (spec/reliability 2.4). Pure."""

from collections.abc import Callable
from typing import Final

from luckgw.domain.status import Status

#: The carrier says that our credentials are wrong: a person must act. Never hammer it,
#: never give up for good.
_CREDENTIALS: Final = (60.0, 120.0, 240.0, 300.0)
#: The carrier still holds our old session.
_STILL_BOUND: Final = (15.0, 30.0, 60.0, 120.0)
_OTHER: Final = (1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 60.0)
JITTER: Final = 0.2
#: Only a bind that lasted so long proves that the trouble is over.
PROVEN_S: Final = 60.0


def delay(bind_status: int | None, failures: int, random: Callable[[], float]) -> float:
    """Seconds until the next try.

    ``bind_status`` is the command_status of a refused bind, None for anything else;
    ``failures`` counts those since the last proven bind, this one included;
    ``random`` gives 0..1.
    """
    if bind_status in (
        Status.ESME_RINVPASWD,
        Status.ESME_RINVSYSID,
        Status.ESME_RINVSYSTYP,
    ):
        steps: tuple[float, ...] = _CREDENTIALS
    elif bind_status in (Status.ESME_RALYBND, Status.ESME_RBINDFAIL):
        steps = _STILL_BOUND
    else:
        steps = _OTHER
    base = steps[min(max(failures, 1), len(steps)) - 1]
    return base * (1 - JITTER + 2 * JITTER * random())

"""What a carrier's answer to submit_sm means for the message (spec/reliability 2.11). Pure."""

import enum
from typing import Final

from luckgw.domain.status import Status

RETRY_S: Final = (5, 15, 60, 300, 900)
"""Pauses between tries after temporary refusals; the last one repeats until validity."""


class Answer(enum.Enum):
    """The class of a command_status in a submit_sm_resp."""

    TAKEN = enum.auto()
    THROTTLE = enum.auto()
    """Less of it: pause the bind, the message goes first when it resumes."""
    TEMPORARY = enum.auto()
    """This message later, others may go on."""
    SESSION = enum.auto()
    """The session is not what we thought; says nothing about the message."""
    PERMANENT = enum.auto()


_THROTTLE: Final = frozenset({Status.ESME_RTHROTTLED, Status.ESME_RMSGQFUL})
_TEMPORARY: Final = frozenset(
    {
        Status.ESME_RSYSERR,
        Status.ESME_RX_T_APPN,
        Status.ESME_RSUBMITFAIL,
        Status.ESME_RUNKNOWNERR,
    }
)
_SESSION: Final = frozenset({Status.ESME_RINVBNDSTS, Status.ESME_RALYBND})


def classify(command_status: int) -> Answer:
    """The class of an answer. A code that nobody knows is permanent. HOT PATH."""
    if command_status == 0:
        return Answer.TAKEN
    if command_status in _THROTTLE:
        return Answer.THROTTLE
    if command_status in _TEMPORARY:
        return Answer.TEMPORARY
    if command_status in _SESSION:
        return Answer.SESSION
    return Answer.PERMANENT


def retry_after(attempts: int) -> int:
    """Seconds to wait after ``attempts`` refusals (1 = the first)."""
    return RETRY_S[min(max(attempts, 1), len(RETRY_S)) - 1]

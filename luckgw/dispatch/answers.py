"""What a carrier's answer to submit_sm means (spec/reliability 2.11). Pure."""

import enum
from typing import Final

from luckgw.domain.status import Status

RETRY_S: Final = (5, 15, 60, 300, 900)
"""Pauses between tries after temporary refusals; the last one repeats."""
_LONGEST_ERR: Final = 8


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


_CLASSES: Final[dict[int, Answer]] = {
    Status.ESME_ROK: Answer.TAKEN,
    Status.ESME_RTHROTTLED: Answer.THROTTLE,
    Status.ESME_RMSGQFUL: Answer.THROTTLE,
    Status.ESME_RSYSERR: Answer.TEMPORARY,
    Status.ESME_RX_T_APPN: Answer.TEMPORARY,
    Status.ESME_RSUBMITFAIL: Answer.TEMPORARY,
    Status.ESME_RUNKNOWNERR: Answer.TEMPORARY,
    Status.ESME_RINVBNDSTS: Answer.SESSION,
    Status.ESME_RALYBND: Answer.SESSION,
}


def classify(command_status: int) -> Answer:
    """The class of an answer. A code that nobody knows is permanent. HOT PATH."""
    return _CLASSES.get(command_status, Answer.PERMANENT)


def retry_after(attempts: int) -> int:
    """Seconds to wait after ``attempts`` refusals (1 = the first)."""
    return RETRY_S[min(max(attempts, 1), len(RETRY_S)) - 1]


def err(command_status: int) -> bytes:
    """How a refusal stands in a receipt's ``err``: decimal, three digits at least.

    A vendor's code that is too long for the field (receipts.compose) is hexadecimal.
    """
    decimal = b"%03d" % command_status
    return decimal if len(decimal) <= _LONGEST_ERR else b"%08X" % command_status

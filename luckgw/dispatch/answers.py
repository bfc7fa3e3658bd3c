"""What a carrier's answer to submit_sm means (spec/reliability 2.11). Pure."""

import enum
from collections.abc import Mapping
from typing import Final

from luckgw.domain.status import Status
from luckgw.upstream.interface import NACK

RETRY_S: Final = (5, 15, 60, 300, 900)
"""Pauses between tries after temporary refusals; the last one repeats."""
MAX_NACKS: Final = 3
"""Tries of one message that may end with a generic_nack; the next one rejects it."""
_LONGEST_ERR: Final = 8
_STANDARD: Final = frozenset(Status)


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


class Answers:
    """What one carrier's answers mean."""

    def __init__(self, own: Mapping[int, str]) -> None:
        """``own`` is what this carrier means by some codes, in the configuration's
        words; it goes before the rule.
        """
        self._classes = _CLASSES | {
            code: Answer[word.upper()] for code, word in own.items()
        }

    def classify(self, command_status: int) -> Answer:
        """The class of an answer. A code that nobody knows is permanent. HOT PATH."""
        answer = self._classes.get(command_status)
        if answer is not None:
            return answer
        return Answer.TEMPORARY if command_status & NACK else Answer.PERMANENT


def is_standard(command_status: int) -> bool:
    """Whether v3.4 names this code (5.1.3); others are a vendor's, or of SMPP 5.0."""
    return command_status & NACK != 0 or command_status in _STANDARD


def name(command_status: int) -> str:
    """How an answer stands in a status and a log."""
    words = "generic_nack " if command_status & NACK else ""
    return f"{words}0x{command_status & ~NACK:02X}"


def retry_after(attempts: int) -> int:
    """Seconds to wait after ``attempts`` refusals (1 = the first)."""
    return RETRY_S[min(max(attempts, 1), len(RETRY_S)) - 1]


def err(command_status: int) -> bytes:
    """How a refusal stands in a receipt's ``err``: decimal, three digits at least.

    A vendor's code that is too long for the field (receipts.compose) is hexadecimal. Of
    a generic_nack it is that one's code.
    """
    command_status &= ~NACK
    decimal = b"%03d" % command_status
    return decimal if len(decimal) <= _LONGEST_ERR else b"%08X" % command_status

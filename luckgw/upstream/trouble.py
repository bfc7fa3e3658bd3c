"""Why there is no bind, in classes that a person can act on. Pure."""

import enum
from collections.abc import Mapping
from typing import Final

from OpenSSL import SSL
from service_identity import VerificationError
from twisted.internet.error import ConnectError, DNSLookupError
from twisted.internet.error import ConnectionRefusedError as Refused
from twisted.internet.error import TimeoutError as TwistedTimeoutError
from twisted.python.failure import Failure

from luckgw.domain.status import Status


class Trouble(enum.Enum):
    """What kind of failure; the value is the word in the status and the log."""

    NONE = ""
    CREDENTIALS = "wrong credentials"
    """The carrier does not take our system_id, password or system_type: a person has
    to act."""
    STILL_BOUND = "already bound"
    """The carrier still holds our old session, or allows fewer binds."""
    BIND_REFUSED = "bind refused"
    """By any other command_status."""
    REFUSED = "connection refused"
    """Nobody listens there."""
    UNREACHABLE = "unreachable"
    """No way leads there."""
    DNS = "name not found"
    TLS = "TLS"
    """No handshake, or the carrier's certificate is not the one it has to be."""
    TIMEOUT = "timeout"
    """No connection, or no answer to the bind, in time."""
    SENT_AWAY = "unbound by the carrier"
    LOST = "connection lost"
    """It was there, and went or was given up."""


_OF_STATUS: Final[Mapping[int, Trouble]] = {
    Status.ESME_RINVPASWD: Trouble.CREDENTIALS,
    Status.ESME_RINVSYSID: Trouble.CREDENTIALS,
    Status.ESME_RINVSYSTYP: Trouble.CREDENTIALS,
    Status.ESME_RALYBND: Trouble.STILL_BOUND,
    Status.ESME_RBINDFAIL: Trouble.STILL_BOUND,
}
#: The first class that fits.
_OF_ERROR: Final = (
    ((SSL.Error, VerificationError), Trouble.TLS),
    ((DNSLookupError,), Trouble.DNS),
    ((Refused,), Trouble.REFUSED),
    ((TimeoutError, TwistedTimeoutError), Trouble.TIMEOUT),
    ((ConnectError, OSError), Trouble.UNREACHABLE),
)


def of_status(command_status: int) -> Trouble:
    """What it means that a bind was refused so."""
    return _OF_STATUS.get(command_status, Trouble.BIND_REFUSED)


def of_failure(failure: Failure, otherwise: Trouble) -> Trouble:
    """What a connection died of, or why there is none."""
    for kinds, trouble in _OF_ERROR:
        if failure.check(*kinds):
            return trouble
    return otherwise


def words(failure: Failure) -> str:
    """What a failure says, for people: TLS gives lists of codes, others sentences."""
    error = failure.value
    if isinstance(error, SSL.Error):
        reasons = error.args[0] if error.args else ()
        if isinstance(reasons, list):
            return "; ".join(str(each[-1]) for each in reasons) or "no TLS"
    if isinstance(error, VerificationError):
        return "the certificate is not that of the name we called"
    return failure.getErrorMessage() or str(failure.type)

"""Why a message is refused: whose fault, which command_status, which HTTP answer.

One refusal speaks both languages. The HTTP bodies are the portal's response dictionary
(spec/features 2.2): the number in brackets is always the command_status that an SMPP
client would have got, in decimal.
"""

import attrs

from luckgw.domain.status import Status


@attrs.frozen(eq=False)
class Refusal(Exception):
    """A message (or call) that does not enter. Raised where the reason is known,
    answered in exactly two places: the HTTP mapper and the SMPP server.
    """

    command_status: int
    """What an SMPP partner is told."""
    http_status: int
    """The HTTP status code."""
    body: str
    """The HTTP plain-text body, exactly as the portal's dictionary prints it."""
    detail: str
    """One sentence for the caller: what is wrong and where. No text, no secret."""
    retry_after: int | None = None
    """Seconds after which the same call may succeed; None: repeating can not help."""

    def __str__(self) -> str:
        return self.detail


PDU_ERROR = "PDU Error"
INVALID_PASSWORD = "(14) Invalid Password"  # noqa: S105 - the portal's words
CONNECTION_FAILED = "Connection failed"


def bad_request(detail: str, command_status: int = Status.ESME_RSUBMITFAIL) -> Refusal:
    """The caller's fault: a parameter is missing, empty, malformed or not allowed."""
    return Refusal(command_status, 400, PDU_ERROR, detail)


def not_authenticated(detail: str) -> Refusal:
    """The credential is missing, unknown, revoked or expired, or its account is off."""
    return Refusal(Status.ESME_RINVPASWD, 401, INVALID_PASSWORD, detail)


def not_allowed(detail: str) -> Refusal:
    """The credential is good but lacks the right."""
    return Refusal(Status.ESME_RBINDFAIL, 403, "(13) Not Allowed", detail)


def no_route(detail: str) -> Refusal:
    """No rule leads anywhere for this destination."""
    return Refusal(
        Status.ESME_RINVDSTADR, 400, "(11) Invalid Destination Address", detail
    )


def upstream_down(detail: str) -> Refusal:
    """A route exists, no upstream of it is up, and queueing is off."""
    return Refusal(Status.ESME_RSUBMITFAIL, 400, CONNECTION_FAILED, detail, 5)


def opted_out(detail: str) -> Refusal:
    """The recipient has opted out of messages from this sender."""
    return Refusal(Status.ESME_RSUBMITFAIL, 403, "(69) Opted Out", detail)


def throttled(detail: str, retry_after: int = 1) -> Refusal:
    """More messages a second than the account, key or session may send."""
    return Refusal(Status.ESME_RTHROTTLED, 429, "(88) Throttled", detail, retry_after)


def queue_full(detail: str) -> Refusal:
    """A bounded queue, the store's memory or the disk is at its mark."""
    return Refusal(Status.ESME_RMSGQFUL, 503, "(20) Queue Full", detail, 5)


def system_error(detail: str) -> Refusal:
    """Our own trouble: the store did not confirm. Never the caller's fault."""
    return Refusal(Status.ESME_RSYSERR, 503, "(8) System Error", detail, 2)

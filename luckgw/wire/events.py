"""What a Connection tells: the things that happened, in the order they happened.

A short message is told as the ``Sm`` itself.
"""

import attrs

from luckgw.wire.binds import Bind
from luckgw.wire.pdus import Sm


class Answered:
    """A response to one of our requests came. HOT."""

    __slots__ = (
        "body",
        "command_id",
        "command_status",
        "context",
        "late",
        "message_id",
    )

    def __init__(
        self,
        context: object,
        command_id: int,
        command_status: int,
        message_id: bytes = b"",
        late: bool = False,
        body: bytes = b"",
    ) -> None:
        self.context = context
        """What was given to ``send``."""
        self.command_id = command_id
        """Of the response: SUBMIT_SM_RESP ..., or GENERIC_NACK."""
        self.command_status = command_status
        """As the peer sent it, known to v3.4 or not."""
        self.message_id = message_id
        """Of a submit_sm_resp, data_sm_resp, submit_multi_resp; empty without one."""
        self.late = late
        """It came after TimedOut told the same request."""
        self.body = body
        """The response's octets after the header."""

    def __repr__(self) -> str:
        return (
            f"Answered({self.context!r}, {self.command_id:#x}, "
            f"{self.command_status:#x}, {self.message_id!r}, late={self.late})"
        )


@attrs.frozen
class TimedOut:
    """No response came in time. One may still come: then Answered says ``late``."""

    context: object
    command_id: int
    """Of the request."""


@attrs.frozen
class BindRequested:
    """Server: a peer asks to be bound. Answer with accept_bind or refuse_bind."""

    kind: int
    """BIND_RECEIVER, BIND_TRANSMITTER or BIND_TRANSCEIVER."""
    sequence_number: int
    system_id: bytes
    password: bytes = attrs.field(repr=False)
    """Up to 64 octets: whether more than 8 are welcome is the partner's own rule."""
    system_type: bytes
    interface_version: int
    addr_ton: int
    addr_npi: int
    address_range: bytes

    @classmethod
    def of(cls, kind: int, sequence_number: int, bind: Bind) -> "BindRequested":
        """The event for this PDU."""
        return cls(kind, sequence_number, **attrs.asdict(bind))


@attrs.frozen
class Bound:
    """Client: the SMSC accepted our bind."""

    system_id: bytes
    """Of the SMSC."""


@attrs.frozen
class BindRefused:
    """Client: the SMSC refused our bind. The session is over: flush and close."""

    command_status: int


@attrs.frozen
class Request:
    """Another legal request came. Answer it with ``answer``; outbind has no answer."""

    command_id: int
    """QUERY_SM, CANCEL_SM, REPLACE_SM, SUBMIT_MULTI; OUTBIND as client."""
    sequence_number: int
    body: bytes = attrs.field(repr=False)


@attrs.frozen
class Alert:
    """Client: an alert_notification came."""

    body: bytes = attrs.field(repr=False)


@attrs.frozen
class Unbound:
    """The peer unbound. The response is in the output: flush and close."""


@attrs.frozen
class UnbindDone:
    """Our unbind was answered, or nothing was bound: flush and close."""


@attrs.frozen
class Closing:
    """The session can not go on. The last word is in the output: flush and close."""

    reason: str
    """For a log and for people; holds nothing that the peer wrote."""


@attrs.frozen
class Malformed:
    """Something came that should not; whatever answer it gets is in the output.

    To be counted by ``kind``, and logged.
    """

    kind: str
    """One of the words below."""
    command_id: int
    """As the peer sent it, known or not."""
    command_status: int = 0
    """What was answered; 0 when nothing."""
    recent: int = 0
    """How many malformed PDUs came within 60 s, this one included; 0 for the kinds that
    do no harm. Ten call for an alarm; at 100 the session unbinds by itself."""
    body: bytes = attrs.field(default=b"", repr=False)
    """Of a deliver_sm or data_sm that can not be read, for quarantine."""


BIND_TIMEOUT = "the bind was not answered in time"
"""A reason of Closing."""

#: The kinds of Malformed.
FRAMING = "framing"
NOT_SMPP = "not SMPP"
UNKNOWN_COMMAND = "unknown command"
BAD_BODY = "bad body"
ILLEGAL = "illegal in this state"
IGNORED = "ignored"
ORPHAN_RESPONSE = "response to nothing"
WRONG_RESPONSE = "response of another type"
LONG_MESSAGE_ID = "message_id too long"
STRAY_NACK = "generic_nack for nothing"

Event = (
    Sm
    | Answered
    | TimedOut
    | BindRequested
    | Bound
    | BindRefused
    | Request
    | Alert
    | Unbound
    | UnbindDone
    | Closing
    | Malformed
)

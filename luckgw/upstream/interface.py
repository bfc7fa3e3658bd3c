"""What the dispatcher knows of a carrier, whatever protocol leads there."""

from typing import Final, Protocol

import attrs
from twisted.internet.defer import Deferred

from luckgw.wire.pdus import Sm

NACK: Final = 1 << 32
"""Set beside the command_status of a generic_nack, which is told as an answer: it says
that the carrier could not read the PDU, not what it thinks of the message."""


class NotCarried(Exception):
    """A submit that this carrier can not be sent as it is; the text says why."""


class Reply(Protocol):
    """How a deliver_sm from the carrier is answered, once it is safe."""

    def __call__(self, command_status: int) -> None:
        """Answer with 0 when it is stored, 0x64 when it is to be sent again later."""
        ...


class Listener(Protocol):
    """Who hears what a carrier says. All calls are synchronous and come in order."""

    def answered(
        self, context: object, command_status: int, message_id: bytes, *, late: bool
    ) -> None:
        """A submit was answered. ``late``: ``uncertain`` had been told before.

        A generic_nack is told as NACK | its command_status.
        """
        ...

    def uncertain(self, contexts: list[object], *, may_come: bool) -> None:
        """Submits that may or may not have reached the carrier; each is told once.

        ``may_come``: the link lives, so a late answer is still possible.
        """
        ...

    def received(self, sm: Sm, reply: Reply) -> None:
        """The carrier delivers something: a receipt, or a message from a phone."""
        ...

    def unreadable(self, command_id: int, command_status: int, body: bytes) -> None:
        """A deliver_sm or data_sm could not be read, and was answered so."""
        ...

    def changed(self) -> None:
        """There is more room, or less; a bind came up or went down."""
        ...


@attrs.frozen
class BindStatus:
    """One bind, for people who look."""

    kind: str
    state: str
    since_s: float
    window: int
    in_flight: int
    last_error: str
    """Why there was no bind the last time; empty while there is one."""
    trouble: str = ""
    """The class of that (luckgw.upstream.trouble)."""
    next_try_s: float | None = None
    """Seconds until it is tried again; None while it is tried, bound or called."""
    alerts: int = 0
    """alert_notification that came over it."""
    is_alarm: bool = False
    """Whether it stays so until a person acts."""


class Upstream(Protocol):
    """A carrier. ``submit`` may only be called while ``room`` is above zero."""

    @property
    def name(self) -> str:
        """Its name in the configuration."""
        ...

    @property
    def is_up(self) -> bool:
        """Whether anything could be sent now or as soon as the window opens."""
        ...

    @property
    def room(self) -> int:
        """How many submits may be sent at once."""
        ...

    @property
    def capacity(self) -> int:
        """The sum of the windows that are open."""
        ...

    def start(self, listener: Listener) -> None:
        """Begin to connect, and go on until stopped."""
        ...

    def submit(self, body: bytes, context: object) -> object:
        """Send one submit_sm body; its fate is told to the listener exactly once,
        and once more if a late answer comes. Gives what carried it. HOT PATH.

        Raises NotCarried, and nothing is sent: no other time will do either.
        """
        ...

    def hold_back(self, via: object, seconds: float) -> None:
        """The carrier asked for less: pause what carried that submit."""
        ...

    def drain(self, timeout_s: float) -> "Deferred[None]":
        """Send nothing new; wait for what is unanswered; unbind.

        Fires when all is closed, at most some seconds after ``timeout_s``; what is not
        answered by then is uncertain.
        """
        ...

    def status(self) -> list[BindStatus]:
        """All binds."""
        ...

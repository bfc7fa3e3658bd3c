"""What the rest of the gateway may ask of the store.

Every call is one operation of the journal: it is sent with all others of the same
reactor turn, in order, and its callback is called with its own verdict once the store
has made it durable. Callbacks are plain functions: a Deferred for each operation would
cost more than the operation.
"""

import enum
from collections.abc import Callable, Sequence
from typing import Any, Protocol

import attrs
from twisted.internet.defer import Deferred

from luckgw.domain.states import State


class StoreAway(Exception):
    """The store does not answer; nothing was changed, or it will be undone."""


class Accept(enum.Enum):
    """What became of an ``accept``."""

    STORED = enum.auto()
    AWAY = enum.auto()
    """Not stored: if it was, it is revoked before anything claims it."""


class Verdict(enum.Enum):
    """What became of a receipt, a carrier's answer or an end."""

    APPLIED = enum.auto()
    NO_CHANGE = enum.auto()
    """A duplicate, or older news than what is known."""
    PARKED = enum.auto()
    """The id is not known (yet): kept until its message comes."""
    UNKNOWN = enum.auto()
    """The id is not known, and the receipt was not to be kept for it."""
    GONE = enum.auto()
    """The message has left the store (retention)."""
    REUSED = enum.auto()
    """The carrier gave an id that it had given before; the newer message has it now."""
    AWAY = enum.auto()
    """Not applied: the store is away. Only told to those who can be asked to repeat."""


FLAG_DELIVER_SM = 1
"""The account's sessions get a deliver_sm for the final state."""
FLAG_WEBHOOK = 2
"""The account's webhook gets every change."""
FLAG_HTTP = 4
"""The message came over HTTP."""

AcceptCallback = Callable[[Accept], None]
VerdictCallback = Callable[[Verdict, str], None]
"""The verdict, and the account that now has something in an outbox ('' = none)."""
ClaimCallback = Callable[[list[tuple[bytes, bytes]]], None]
"""(entry, record) pairs, oldest first."""


class Commands(Protocol):
    """Runs one command of the store, beside the journal."""

    def __call__(self, *args: bytes | str | int) -> "Deferred[Any]":
        """Fires with the reply; fails with StoreAway."""
        ...


@attrs.frozen
class Queue:
    """One queue as one epoch of one node sees it."""

    key: bytes
    claims: bytes


class Journal(Protocol):
    """Every change of a message's state goes through here and nowhere else."""

    @property
    def is_open(self) -> bool:
        """Whether a message may be accepted now."""
        ...

    def queue(self, key: bytes) -> Queue:
        """This node's view of a queue (luckgw.store.keys names them)."""
        ...

    def accept(  # noqa: PLR0913 - a message has many sides, and a record object costs
        self,
        message_id: bytes,
        *,
        account: str,
        route: str,
        upstream: str,
        flags: int,
        registered_delivery: int,
        deadline_ms: int,
        bodies: Sequence[bytes],
        done: AcceptCallback,
    ) -> None:
        """Keep a message and put it in the queue of ``upstream``. HOT PATH.

        ``bodies`` are submit_sm bodies as they will be sent, one for each segment;
        ``flags`` are FLAG_*; ``registered_delivery`` is what the customer asked for.
        """
        ...

    def claim(self, queue: Queue, want: int, done: ClaimCallback) -> None:
        """Take up to ``want`` entries that are ready or due; ours when told."""
        ...

    def sent(  # noqa: PLR0913 - what a carrier says has as many sides
        self,
        queue: Queue,
        message_id: bytes,
        segment: int,
        upstream: str,
        carrier_id: bytes,
        raw_id: bytes,
        *,
        last: bool,
        webhook: bytes,
        done: VerdictCallback,
    ) -> None:
        """A carrier took a segment and gave it an id. HOT PATH.

        ``carrier_id`` is canonical (luckgw.receipts.match; b"": it gave none),
        ``raw_id`` as it came. ``last``: no segment of the message is unanswered now.
        ``webhook``: the account whose webhook is told SENT, b"" for none.
        """
        ...

    def receipt(
        self,
        upstream: str,
        carrier_id: bytes,
        state: State,
        tail: bytes,
        done: VerdictCallback,
        *,
        park: bool = True,
        more: bytes = b"",
        recipient: bytes = b"",
    ) -> None:
        """A carrier's receipt; verdict AWAY when the store did not take it in time.

        ``tail`` is kept with the event: stat, err and dates as the carrier wrote them.
        ``park``: whether it waits for its message when the id is not known; then
        ``more`` is kept behind the tail. ``recipient``: octets that the message's
        bodies must hold, or the verdict is UNKNOWN. HOT PATH.
        """
        ...

    def finish(
        self,
        queue: Queue,
        message_id: bytes,
        state: State,
        tail: bytes,
        done: VerdictCallback,
    ) -> None:
        """The gateway ends a message: EXPIRED, REJECTED, FAILED, UNKNOWN."""
        ...

    def bound(
        self,
        key: bytes,
        most: int,
        want: int,
        done: Callable[[int], None],
        *,
        entry: bytes = b"",
        before_ms: int | None = None,
        delayed: bool = False,
    ) -> None:
        """Keep a list at ``most`` entries, after ``entry`` was added to it.

        With ``before_ms`` events of an outbox that happened before then go, too;
        ``delayed``: also those that wait for their next try. The oldest go first, up to
        ``want`` at once, and are counted under ``keys.DROPPED``; ``done`` hears how
        many they were.
        """
        ...

    def retry(
        self,
        queue: Queue,
        entry: bytes,
        again: bytes,
        due_ms: int | None,
        event: bytes,
    ) -> None:
        """Give an entry back, as ``again``: at ``due_ms``, or now and first in line."""
        ...

    def settle(self, queue: Queue, entry: bytes) -> None:
        """An entry is done with."""
        ...

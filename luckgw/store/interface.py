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

from luckgw.domain import ids
from luckgw.domain.states import State


class StoreAway(Exception):
    """The store does not answer; nothing was changed, or it will be undone."""


class Accept(enum.Enum):
    """What became of an ``accept``."""

    STORED = enum.auto()
    AWAY = enum.auto()
    """Not stored: if it was, it is revoked before anything claims it."""
    OPTED_OUT = enum.auto()
    """Not stored: the recipient wants nothing from this sender."""


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
FLAG_MULTI = 8
"""One of the messages of a submit_multi: the customer knows them by one id."""
ID_FORM_SHIFT = 4
"""Two bits: in which of luckgw.domain.ids.FORMS the customer was told the id."""
FLAG_SCHEDULED = 64
"""The record says when the message is due."""


def told_id(message_id: bytes, flags: int) -> str:
    """The id by which the customer knows a message with these flags. HOT PATH."""
    if flags & FLAG_MULTI:
        message_id = ids.group_of(message_id)
    form = flags >> ID_FORM_SHIFT & 3
    return ids.written(message_id, form) if form else ids.to_text(message_id)


AcceptCallback = Callable[[Accept], None]
VerdictCallback = Callable[[Verdict, str], None]
"""The verdict, and the account that now has something in an outbox ('' = none)."""
ClaimCallback = Callable[[list[tuple[bytes, bytes]]], None]
"""(entry, record) pairs, oldest first."""


InboundCallback = Callable[[Verdict], None]
"""APPLIED; NO_CHANGE for what was kept before; AWAY."""
AssignCallback = Callable[[Verdict, bool], None]
"""APPLIED (and whether an automatic reply may go out), NO_CHANGE (it was assigned
before) or GONE."""


@attrs.frozen
class Part:
    """Which part of a long message from a phone something is."""

    join: bytes
    """A digest of what all parts have in common."""
    number: int
    total: int
    wait_s: float
    """How long the first part waits for the others."""


@attrs.frozen
class Inbound:
    """A message from a phone, or a part of one, as it is kept."""

    message_id: bytes
    """A fresh one; of a long message that of the first part counts."""
    upstream: str
    deliver_sm: bytes
    """The body of the deliver_sm, at most 65,000 octets."""
    default_alphabet: str
    """What the carrier means by data_coding 0: gsm7, latin1 or ascii."""
    packed: bool
    """Whether its GSM 7-bit is packed."""
    digest: bytes
    """16 octets: of what makes it another message than the one before."""
    dedup_s: int
    """For so long a second one of this digest is the first come again; 0: never."""
    part: Part | None
    """None: it is whole."""


@attrs.frozen
class AutoReply:
    """Where automatic replies to a phone are counted: the guard against loops."""

    field: bytes
    """opted_out_field"""
    digest: bytes
    """Of what the phone said: the same twice running is not answered twice."""
    most: int
    """In keys.REPLIES_S."""


@attrs.frozen
class OptOut:
    """A change of an account's opt-out list."""

    field: bytes
    """opted_out_field"""
    is_out: bool
    """True: nothing more goes there; False: it may again."""


@attrs.frozen
class Assignment:
    """Whose a message from a phone is, and what follows from it."""

    message_id: bytes
    account: str
    route: str
    to_session: bool
    to_webhook: bool
    opt_out: OptOut | None
    reply: AutoReply | None
    """None: there is nothing to reply. With ``opt_out``: only if that changed
    something."""


def opted_out_field(sender: str, phone: str) -> bytes:
    """Who wants nothing more from whom, as opt-out lists have it (keys.opted_out).

    A number is the same with and without ``+``.
    """
    return f"{sender.removeprefix('+')}>{phone.removeprefix('+')}".encode()


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
        due_ms: int | None = None,
        unless_opted_out: bytes = b"",
    ) -> None:
        """Keep a message and put it in the queue of ``upstream``. HOT PATH.

        ``bodies`` are submit_sm bodies as they will be sent, one for each segment;
        ``flags`` are FLAG_*; ``registered_delivery`` is what the customer asked for.
        ``due_ms``: it is not sent before (wall-clock ms); None: at once.
        ``unless_opted_out``: this field of the account's opt-out list must not be there
        (opted_out_field; b"": nobody looks).
        """
        ...

    def alias(
        self, account: str, name: bytes, message_id: bytes, deadline_ms: int
    ) -> None:
        """Let the account's message be found by a shorter name, too.

        For as long as messages are kept that waited until ``deadline_ms``. To be called
        before ``accept``: then the name is there when the message is.
        """
        ...

    def cancel(self, message_id: bytes, tail: bytes, done: VerdictCallback) -> None:
        """End as CANCELED a message that no carrier has and nobody holds.

        APPLIED, NO_CHANGE (it may have left, or is over), GONE; AWAY: the store did not
        say in time, and may still do it.
        """
        ...

    def replace(
        self,
        message_id: bytes,
        old: bytes,
        new: bytes,
        due: tuple[bytes, int] | None,
        done: VerdictCallback,
    ) -> None:
        """Put another record (luckgw.store.records) in the place of ``old``.

        ``due``: the queue in which it waits, and when it is due from now on; None: that
        stays. Verdicts as of ``cancel``; NO_CHANGE also when it is not ``old`` now.
        """
        ...

    def inbound(self, mo: Inbound, done: InboundCallback) -> None:
        """Keep a message from a phone, or a part; the last part makes it whole.

        AWAY when the store did not take it in time: the carrier repeats it.
        """
        ...

    def assign(
        self, queue: Queue, assignment: Assignment, done: AssignCallback
    ) -> None:
        """A message that is held gets its account, which is told of it."""
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

"""What hangs in the museum, and how it is shown.

An exhibit is an odd PDU (or a few of them) as octets, with a note of what it is, where
the field met it, and what we answer. The galleries beside this file hold them; where an
issue is named, the shape is the one told there, with numbers and texts of our own.

To add one: put it into a gallery, with the whole answer, octet by octet. Each is shown
by ``test_museum.py``, whole and octet by octet, and is a seed of the fuzzer.

Octets are written in hexadecimal. ``'text'`` stands for its ASCII octets, ``61*300``
for 300 times 61, and ``;`` begins a comment.
"""

import enum
import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import attrs

from luckgw.receipts.parse import Receipt
from luckgw.wire.connection import Command, Connection, Role, Settings, State
from luckgw.wire.events import (
    Answered,
    BindRefused,
    BindRequested,
    Bound,
    Closing,
    Event,
    Malformed,
    Request,
)
from luckgw.wire.pdus import Sm
from tests.wire.peers import SUBMIT, in_state

SYSTEM_ID = b"luckgw"
"""How the application behind the server calls itself when it accepts a bind."""
MESSAGE_ID = b"id-1"
"""What it answers to each submit_sm and data_sm."""

_TOKEN = re.compile(
    r"\s+|;[^\n]*|'([^'\n]+)'|([0-9a-f]{2})\*([0-9]+)|((?:[0-9a-f]{2})+)"
)


def octets_of(text: str) -> bytes:
    """The octets that are written so.

    Raises:
        ValueError: it is written in another way.
    """
    octets = b""
    at = 0
    while at < len(text):
        token = _TOKEN.match(text, at)
        if token is None:
            raise ValueError(f"no octets: {text[at : at + 20]!r}")
        letters, repeated, times, plain = token.groups()
        if letters:
            octets += letters.encode("ascii")
        elif repeated:
            octets += bytes.fromhex(repeated) * int(times)
        elif plain:
            octets += bytes.fromhex(plain)
        at = token.end()
    return octets


def _octets_or_none(text: str | None) -> bytes:
    return b"" if text is None else octets_of(text)


class Row(enum.Enum):
    """What the specification promises: each row has at least one exhibit."""

    FRAMING = "2.1 boundaries"
    STATE = "2.2 which PDU is legal when"
    CHECK = "2.3 fields of a request"
    TIMER = "2.5 timers"
    SEQUENCE = "2.7 sequence numbers"
    LENGTH = "2.8 command_length below 16 or above the maximum"
    NOT_SMPP = "2.8 another protocol"
    UNKNOWN_REQUEST = "2.8 unknown command_id, bit 31 clear"
    UNKNOWN_RESPONSE = "2.8 unknown command_id, bit 31 set"
    BAD_STRING = "2.8 unterminated C-string, field over its maximum"
    SM_LENGTH_LONG = "2.8 sm_length beyond the octets"
    SM_LENGTH_SHORT = "2.8 sm_length below the real text"
    TLV_OVERRUN = "2.8 TLV length overrun, truncated TLV header"
    ODD_TLV = "2.8 TLV unknown, of a vendor, empty, twice, in any order"
    ERROR_BODY = "2.8 error response without body, with one, with a NUL"
    BARE_RESPONSE = "2.8 response of 16 octets with status 0"
    ODD_STATUS = "2.8 status code that we do not know"
    DELIVER_RESP_ID = "2.8 deliver_sm_resp with a message_id"
    REQUEST_STATUS = "2.8 request whose command_status is not 0"
    MANY_MALFORMED = "2.8 a hundred malformed PDUs within 60 s"
    NACK = "2.8 generic_nack received"
    VERSION = "2.9 versions"
    ID_BASE = "2.12 id hexadecimal here, decimal there"
    ID_ZEROS = "2.12 leading zeros, letter case"
    ID_TEXT = "2.12 ids with dashes or prefixes"
    EARLY_RECEIPT = "2.12 receipt before submit_sm_resp"
    RECEIPT_FORM = "2.12 receipt only as TLV, only as text, other order, payload"
    ESM_CLASS_0 = "2.12 esm_class 0 on a receipt"
    DATA_SM_RECEIPT = "2.12 receipt through data_sm"
    SEVERAL_RECEIPTS = "2.12 several receipts, final then intermediate"
    LATE_RESPONSE = "2.12 submit_sm_resp after our timer"
    ALPHABET = "2.12 data_coding 0 means several alphabets"
    DATA_CODING = "2.12 data_coding of the GSM groups"
    UDH_IN_PAYLOAD = "2.12 UDH inside message_payload, sm_length 0 with UDHI"
    CONCATENATION = "2.12 several UDH elements, 16-bit references, sar_* TLVs"
    ENQUIRE_UNBOUND = "2.12 enquire_link while unbound"
    OLD_SESSION = "2.12 old session still bound"
    RECEIPT_TEXT = "features 2.5 labels, dates, words and errors of receipt texts"
    RECEIPT_KIND = "features 2.5 which deliver_sm is a receipt"


@attrs.frozen
class Told:
    """An event, as far as it matters: its class and some of its attributes."""

    kind: type[object]
    attributes: dict[str, object]


def told(kind: type[object], /, **attributes: object) -> Told:
    """This event is expected, with these attributes at least."""
    return Told(kind, attributes)


def message(**attributes: object) -> Told:
    """A short message."""
    return told(Sm, **attributes)


def malformed(kind: str, command_id: int, command_status: int = 0) -> Told:
    """Something odd, answered with that status, or not at all."""
    return told(
        Malformed, kind=kind, command_id=command_id, command_status=command_status
    )


def answered(
    context: int, command_id: int, command_status: int = 0, **attributes: object
) -> Told:
    """A response to the request of that number, counted from 1."""
    return told(
        Answered,
        context=context,
        command_id=command_id,
        command_status=command_status,
        **{"late": False, **attributes},
    )


def closing(reason: str) -> Told:
    """The session ends."""
    return told(Closing, reason=reason)


def bind_requested(**attributes: object) -> Told:
    """A peer asks to be bound."""
    return told(BindRequested, **attributes)


def bound(system_id: bytes) -> Told:
    """An SMSC took our bind."""
    return told(Bound, system_id=system_id)


def bind_refused(command_status: int) -> Told:
    """An SMSC did not take our bind."""
    return told(BindRefused, command_status=command_status)


def request(command_id: int, **attributes: object) -> Told:
    """Another request, which the application has to answer."""
    return told(Request, command_id=command_id, **attributes)


@attrs.frozen(kw_only=True)
class Exhibit:
    """One piece of the collection."""

    name: str
    row: Row
    what: str
    """What it is."""
    seen: str
    """Who met it: issues by repository and number, or a stack that was tried for
    spec/reliability 2.13 ("measured"). Where nobody is known to, the rule for it."""
    answer: str
    """What we do, and why."""
    role: Role = Role.SMSC
    """Which side we are."""
    state: State = State.BOUND_TRX
    octets: bytes = attrs.field(converter=octets_of)
    output: bytes = attrs.field(converter=_octets_or_none, default=None)
    """All that we write, to the last octet."""
    events: Sequence[Told] = ()
    """All that the application is told."""
    after: State | None = None
    """The state after it; None: as before."""
    receipts: Sequence[Receipt | None] = ()
    """Client: what each short message says as a receipt; None: it is none."""
    ids: tuple[str, str] | None = None
    """The forms under which the id of the response and that of the receipt are one."""
    decoded: object = None
    """What a rare request's body says; the command_status if it can not be read."""
    requests: int = 0
    """How many submit_sm (as server: deliver_sm) of ours are unanswered before it."""
    waited_s: float = 0
    """How long they have been."""
    then_s: float = 0
    """How long nothing comes after it."""


@attrs.frozen
class Shown:
    """What became of an exhibit."""

    connection: Connection
    events: list[Event]
    output: bytes


def show(exhibit: Exhibit, pieces: Iterable[bytes] | None = None) -> Shown:
    """Give the octets (in these pieces) to a Connection, with an application behind it.

    The application accepts every bind, answers every short message at once, and leaves
    other requests alone.
    """
    connection = in_state(exhibit.role, exhibit.state, Settings())
    ours = Command.SUBMIT_SM if exhibit.role is Role.ESME else Command.DELIVER_SM
    for number in range(1, exhibit.requests + 1):
        connection.send(ours, SUBMIT, number, 0.0)
    now = exhibit.waited_s
    if now:
        connection.tick(now)
    connection.take_output()
    events: list[Event] = []
    for piece in pieces or [exhibit.octets]:
        events += _obey(connection, connection.receive(piece, now))
        while connection.has_more:
            events += _obey(connection, connection.receive(b"", now))
    if exhibit.then_s:
        events += connection.tick(now + exhibit.then_s)
    return Shown(connection, events, connection.take_output())


def _obey(connection: Connection, events: list[Event]) -> list[Event]:
    for event in events:
        if isinstance(event, BindRequested):
            connection.accept_bind(SYSTEM_ID)
        elif isinstance(event, Sm):
            from_partner = connection.role is Role.SMSC
            connection.answer_message(
                event.command_id,
                event.sequence_number,
                MESSAGE_ID if from_partner else b"",
            )
    return events


def seen(events: Sequence[Event], expected: Sequence[Told]) -> list[Told]:
    """The events, each with the attributes that are expected of it."""

    def attributes(event: Event, names: Iterable[str]) -> dict[str, object]:
        return {name: getattr(event, name, None) for name in names}

    names: Iterator[Iterable[str]] = iter([each.attributes for each in expected])
    return [Told(type(e), attributes(e, next(names, ()))) for e in events]


def receipt(
    message_id: bytes,
    state: Any,
    stat: str,
    err: str = "000",
    submit_date: str = "2611231405",
    done_date: str = "2611231406",
    *,
    intermediate: bool = False,
) -> Receipt:
    """What a receipt says, as nearly all of them in the galleries do."""
    return Receipt(message_id, state, stat, err, done_date, submit_date, intermediate)

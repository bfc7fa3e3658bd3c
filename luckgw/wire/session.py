"""Which PDU is legal when, and what is answered otherwise (SMPP v3.4 2.2, 2.3).

One table for both sides of a session, as spec/reliability 2.2 draws it. ``rule`` is
total: a PDU that no row names is answered as the specification's error procedure says.
"""

import enum
from collections.abc import Iterable, Mapping
from typing import Final

import attrs

from luckgw.domain.status import Status
from luckgw.wire.protocol import RESPONSE, Command


class Role(enum.Enum):
    """Which side of the session we are."""

    SMSC = "we are the server"
    ESME = "we are the client"


class State(enum.Enum):
    """Where a session is. Only its own side knows BINDING, UNBINDING and CLOSED."""

    OPEN = "connected, not bound"
    BINDING = "a bind request is not answered yet"
    BOUND_TX = "bound as transmitter"
    BOUND_RX = "bound as receiver"
    BOUND_TRX = "bound as transceiver"
    UNBINDING = "an unbind is not answered yet"
    CLOSED = "over: what comes is not read"


class Action(enum.Enum):
    """What becomes of a PDU that was received."""

    HANDLE = "legal: do what it asks"
    HOLD = "keep one until the bind is decided, refuse more"
    RESPOND = "refuse with its own response"
    NACK = "refuse with generic_nack"
    IGNORE = "count it"


@attrs.frozen
class Rule:
    """One cell of the table."""

    action: Action
    command_status: int = 0
    """With RESPOND, NACK and HOLD: what a refusal says."""
    close: bool = False
    """Whether the session ends with the answer."""


#: The state that a successful bind leads to.
BOUND_AS: Final[Mapping[int, State]] = {
    Command.BIND_RECEIVER: State.BOUND_RX,
    Command.BIND_TRANSMITTER: State.BOUND_TX,
    Command.BIND_TRANSCEIVER: State.BOUND_TRX,
}
BOUND: Final = frozenset(BOUND_AS.values())
_TRANSMITS: Final = frozenset({State.BOUND_TX, State.BOUND_TRX})
_RECEIVES: Final = frozenset({State.BOUND_RX, State.BOUND_TRX})

BINDS: Final = frozenset(Command(kind) for kind in BOUND_AS)
_BIND_RESPONSES: Final = frozenset(Command(bind | RESPONSE) for bind in BINDS)
_SUBMITS: Final = frozenset(
    {
        Command.SUBMIT_SM,
        Command.SUBMIT_MULTI,
        Command.QUERY_SM,
        Command.CANCEL_SM,
        Command.REPLACE_SM,
    }
)
REQUESTS: Final = frozenset(c for c in Command if not c & RESPONSE)
RESPONSES: Final = frozenset(Command) - REQUESTS - {Command.GENERIC_NACK}

#: What a session may send as a request with a response, by its role and state.
MAY_SEND: Final[Mapping[tuple[Role, State], frozenset[int]]] = {
    (Role.ESME, state): _SUBMITS | {Command.DATA_SM} for state in _TRANSMITS
} | {
    (Role.SMSC, state): frozenset({Command.DELIVER_SM, Command.DATA_SM})
    for state in _RECEIVES
}

_HANDLE = Rule(Action.HANDLE)
_IGNORE = Rule(Action.IGNORE)
UNKNOWN: Final = Rule(Action.NACK, Status.ESME_RINVCMDID)
_NOT_BOUND = Rule(Action.RESPOND, Status.ESME_RINVBNDSTS)
_NOT_BOUND_CLOSE = Rule(Action.RESPOND, Status.ESME_RINVBNDSTS, close=True)
_ALREADY_BOUND = Rule(Action.RESPOND, Status.ESME_RALYBND)
_HOLD = Rule(Action.HOLD, Status.ESME_RINVBNDSTS)
# While we unbind, a message is refused as "try again": 0x04 would make Kannel and its
# like give the message up.
_LATER_SMSC = Rule(Action.RESPOND, Status.ESME_RSYSERR)
_LATER_ESME = Rule(Action.RESPOND, Status.ESME_RX_T_APPN)

_Key = tuple[Role, State, int]


def _cells(
    role: Role, states: Iterable[State], commands: Iterable[Command], rule: Rule
) -> dict[_Key, Rule]:
    """The same rule for each of ``commands`` in each of ``states``."""
    commands = list(commands)
    return {(role, state, command): rule for state in states for command in commands}


_LIVE: Final = [state for state in State if state is not State.CLOSED]
_MESSAGES: Final = _SUBMITS | {Command.DATA_SM}

# Later entries replace earlier ones: each block goes from the general to the special.
_EITHER: Final = {
    key: rule
    for role in Role
    for part in (
        _cells(role, _LIVE, REQUESTS, _NOT_BOUND),
        _cells(role, [*BOUND, State.UNBINDING], BINDS, _ALREADY_BOUND),
        _cells(role, _LIVE, [Command.ALERT_NOTIFICATION], _IGNORE),
        _cells(role, _LIVE, [Command.ENQUIRE_LINK, Command.GENERIC_NACK], _HANDLE),
        _cells(role, _LIVE, [Command.UNBIND], _NOT_BOUND_CLOSE),
        _cells(role, [*BOUND, State.UNBINDING], [Command.UNBIND], _HANDLE),
        _cells(role, [*BOUND, State.UNBINDING], RESPONSES, _HANDLE),
    )
    for key, rule in part.items()
}

_SERVER: Final = {
    **_cells(Role.SMSC, [State.OPEN], BINDS, _HANDLE),
    **_cells(Role.SMSC, [State.BINDING], BINDS, _ALREADY_BOUND),
    **_cells(Role.SMSC, [State.BINDING], _MESSAGES | {Command.UNBIND}, _HOLD),
    **_cells(Role.SMSC, _TRANSMITS, _MESSAGES, _HANDLE),
    **_cells(Role.SMSC, [State.UNBINDING], _MESSAGES, _LATER_SMSC),
    **_cells(
        Role.SMSC,
        _LIVE,
        [Command.OUTBIND],
        Rule(Action.NACK, Status.ESME_RINVCMDID, close=True),
    ),
}

_DELIVERIES: Final = (Command.DELIVER_SM, Command.DATA_SM)
_CLIENT: Final = {
    **_cells(Role.ESME, [State.BINDING], _BIND_RESPONSES, _HANDLE),
    **_cells(Role.ESME, _RECEIVES, [*_DELIVERIES, Command.ALERT_NOTIFICATION], _HANDLE),
    **_cells(Role.ESME, [State.UNBINDING], _DELIVERIES, _LATER_ESME),
    # outbind has no response of its own (v3.4 4.1.7)
    **_cells(
        Role.ESME,
        _LIVE,
        [Command.OUTBIND],
        Rule(Action.NACK, Status.ESME_RINVBNDSTS),
    ),
    **_cells(Role.ESME, [State.OPEN], [Command.OUTBIND], _HANDLE),
}

#: The table. What it does not hold is decided in ``rule``.
RULES: Final[dict[_Key, Rule]] = {**_EITHER, **_SERVER, **_CLIENT}


def rule(role: Role, state: State, command_id: int) -> Rule:
    """What becomes of a PDU with this command_id, known or not."""
    found = RULES.get((role, state, command_id))
    if found is not None:
        return found
    if state is State.CLOSED or command_id & RESPONSE:
        return _IGNORE
    return UNKNOWN

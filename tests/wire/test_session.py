"""The session table: total, and each row of spec/reliability 2.2 as it stands there."""

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from luckgw.wire.events import (
    Alert,
    BindRequested,
    Closing,
    Malformed,
    Request,
    Unbound,
)
from luckgw.wire.pdus import Command, Sm
from luckgw.wire.session import MAY_SEND, RULES, Action, Role, State, rule
from tests.wire.peers import BIND, DATA, SUBMIT, in_state, nack, resp, tell, written

C, S = Command, State
SMSC, ESME = Role.SMSC, Role.ESME
TX, RX, TRX = S.BOUND_TX, S.BOUND_RX, S.BOUND_TRX
BOUND = [TX, RX, TRX]
LIVE = [S.OPEN, S.BINDING, *BOUND, S.UNBINDING]
BINDS = [C.BIND_RECEIVER, C.BIND_TRANSMITTER, C.BIND_TRANSCEIVER]
SUBMITS = [C.SUBMIT_SM, C.SUBMIT_MULTI, C.QUERY_SM, C.CANCEL_SM, C.REPLACE_SM]
RESPONSES = [c for c in C if c & 0x80000000 and c is not C.GENERIC_NACK]

HANDLE, HOLD, IGNORE = "handle", "hold", "ignore"
BIND_FIRST = "resp 0x04"
CLOSE = "resp 0x04, close"

# role, commands, then what happens in OPEN, BINDING, TX, RX, TRX, UNBINDING
ROWS: list[tuple[Role, Sequence[Command], list[str]]] = [
    (SMSC, BINDS, [HANDLE, *["resp 0x05"] * 5]),
    (SMSC, [C.OUTBIND], ["nack 0x03, close"] * 6),
    (SMSC, SUBMITS, [BIND_FIRST, HOLD, HANDLE, BIND_FIRST, HANDLE, "resp 0x08"]),
    (SMSC, [C.DATA_SM], [BIND_FIRST, HOLD, HANDLE, BIND_FIRST, HANDLE, "resp 0x08"]),
    (SMSC, [C.DELIVER_SM], [BIND_FIRST] * 6),
    (SMSC, [C.ALERT_NOTIFICATION], [IGNORE] * 6),
    (SMSC, [C.UNBIND], [CLOSE, HOLD, HANDLE, HANDLE, HANDLE, HANDLE]),
    (SMSC, [C.ENQUIRE_LINK, C.GENERIC_NACK], [HANDLE] * 6),
    (SMSC, RESPONSES, [IGNORE, IGNORE, HANDLE, HANDLE, HANDLE, HANDLE]),
    (ESME, BINDS, [BIND_FIRST, BIND_FIRST, *["resp 0x05"] * 4]),
    (ESME, [C.OUTBIND], [HANDLE, *["nack 0x04"] * 5]),
    (ESME, SUBMITS, [BIND_FIRST] * 6),
    (ESME, [C.DELIVER_SM, C.DATA_SM],
     [BIND_FIRST, BIND_FIRST, BIND_FIRST, HANDLE, HANDLE, "resp 0x64"]),
    (ESME, [C.ALERT_NOTIFICATION], [IGNORE, IGNORE, IGNORE, HANDLE, HANDLE, IGNORE]),
    (ESME, [C.UNBIND], [CLOSE, CLOSE, HANDLE, HANDLE, HANDLE, HANDLE]),
    (ESME, [C.ENQUIRE_LINK, C.GENERIC_NACK], [HANDLE] * 6),
    (ESME, [c for c in RESPONSES if c & 0x7FFFFFFF not in BINDS],
     [IGNORE, IGNORE, HANDLE, HANDLE, HANDLE, HANDLE]),
    (ESME, [c for c in RESPONSES if c & 0x7FFFFFFF in BINDS],
     [IGNORE, HANDLE, HANDLE, HANDLE, HANDLE, HANDLE]),
]  # fmt: skip

# By role and state, so that a test covers one state of one side.
CELLS = {
    (role, state): {
        command: outcomes[LIVE.index(state)]
        for r, commands, outcomes in ROWS
        if r is role
        for command in commands
    }
    for role in Role
    for state in LIVE
}
STATES = pytest.mark.parametrize(
    ("role", "state"), CELLS, ids=[f"{r.name}-{s.name}" for r, s in CELLS]
)


def test_the_rows_are_complete() -> None:
    """Every command of v3.4 stands in one row of each role."""
    for role in Role:
        commands = [c for r, row, _ in ROWS if r is role for c in row]
        assert sorted(commands) == sorted(Command)


@STATES
def test_the_table(role: Role, state: State) -> None:
    """Each cell is what the rows above say."""
    for command, outcome in CELLS[role, state].items():
        found = rule(role, state, command)
        shown = {
            Action.HANDLE: HANDLE,
            Action.HOLD: HOLD,
            Action.IGNORE: IGNORE,
            Action.RESPOND: f"resp {found.command_status:#04x}",
            Action.NACK: f"nack {found.command_status:#04x}",
        }[found.action] + (", close" if found.close else "")
        assert shown == outcome, command


BODIES = {
    **dict.fromkeys(BINDS, BIND),
    C.SUBMIT_SM: SUBMIT,
    C.DELIVER_SM: SUBMIT,
    C.DATA_SM: DATA,
}
HANDLED = {
    **dict.fromkeys(BINDS, BindRequested),
    C.SUBMIT_SM: Sm,
    C.DELIVER_SM: Sm,
    C.DATA_SM: Sm,
    C.OUTBIND: Request,
    C.SUBMIT_MULTI: Request,
    C.QUERY_SM: Request,
    C.CANCEL_SM: Request,
    C.REPLACE_SM: Request,
    C.ALERT_NOTIFICATION: Alert,
    C.UNBIND: Unbound,
}


@STATES
def test_the_session_does_what_the_table_says(role: Role, state: State) -> None:
    """Each PDU in each state: the event, the answer on the wire, the state after it."""
    for command, outcome in CELLS[role, state].items():
        does_what_the_cell_says(role, state, command, outcome)


def does_what_the_cell_says(
    role: Role, state: State, command: Command, outcome: str
) -> None:
    """Fail unless it does."""
    connection = in_state(role, state)
    events = tell(connection, command, BODIES.get(command, b""), sequence=77)
    answers = written(connection)
    if outcome == HANDLE and command in HANDLED:
        assert [type(event) for event in events] == [HANDLED[command]]
        assert answers == ([resp(command, 0, 77)] if command is C.UNBIND else [])
    elif outcome == HANDLE and command is C.ENQUIRE_LINK:
        assert (events, answers) == ([], [resp(command, 0, 77)])
    elif outcome in (HANDLE, IGNORE):
        assert [type(event) for event in events] == [Malformed]  # answers nothing
        assert answers == []
        assert connection.state is state
    elif outcome == HOLD:
        assert (events, answers, connection.state) == ([], [], state)
    else:
        kind, status = outcome.replace(",", "").split()[:2]
        number = int(status, 16)
        if kind == "nack":
            assert answers == [nack(number, 77)]
        else:
            body = b"\0" if command in (C.DELIVER_SM, C.DATA_SM) else b""
            assert answers == [resp(command, number, 77, body)]
        assert events[0] == Malformed("illegal in this state", command, number)
        closes = outcome.endswith("close")
        assert [type(event) for event in events[1:]] == [Closing] * closes
        assert connection.state is (S.CLOSED if closes else state)


@given(
    st.sampled_from(list(Role)),
    st.sampled_from(list(State)),
    st.integers(0, 0xFFFFFFFF),
)
def test_the_table_is_total(role: Role, state: State, command_id: int) -> None:
    """Any number is a command with an outcome; an unknown one as v3.4 4.3 says."""
    found = rule(role, state, command_id)
    if command_id in set(Command):
        return
    if state is S.CLOSED or command_id & 0x80000000:
        assert found.action is Action.IGNORE
    else:
        assert (found.action, found.command_status) == (Action.NACK, 0x03)


def test_every_refusal_says_why() -> None:
    """No refusal goes out as ESME_ROK, and nothing else carries a status."""
    for found in RULES.values():
        refuses = found.action in (Action.RESPOND, Action.NACK, Action.HOLD)
        assert (found.command_status != 0) is refuses


def test_what_may_be_sent_is_what_the_other_side_takes() -> None:
    """The two roles fit: each request we may send is legal at a peer in that state."""
    for (role, state), commands in MAY_SEND.items():
        other = SMSC if role is ESME else ESME
        for command in commands:
            assert rule(other, state, command).action is Action.HANDLE
    legal = {
        (state, command)
        for (role, state, command), found in RULES.items()
        if found.action is Action.HANDLE
        and state in BOUND
        and command in (*SUBMITS, C.DELIVER_SM, C.DATA_SM)
    }
    sent = {(state, c) for (_, state), commands in MAY_SEND.items() for c in commands}
    assert sent == legal

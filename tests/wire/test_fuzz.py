"""No octets whatever raise, and none make a session grow (bars B6 and B7)."""

import tracemalloc
from typing import Any

import attrs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from luckgw.wire.connection import Command, Connection, Role, Settings, State
from luckgw.wire.events import Answered, BindRequested, Event, Request
from luckgw.wire.pdus import Sm, encode_pdu
from tests.wire.peers import (
    BIND,
    DATA,
    SUBMIT,
    c_string,
    in_state,
    joined,
    pdus,
    server,
)

BODIES = [b"", b"\0", SUBMIT, DATA, BIND, b"luck\0", b"id-1\0"]
command_ids = st.sampled_from(list(Command)) | st.integers(0, 0xFFFFFFFF)
sequences = st.integers(0, 5) | st.integers(0, 0xFFFFFFFF)


@st.composite
def mutated(draw: st.DrawFn) -> bytes:
    """A PDU of which some octets were changed, left out or put in."""
    body = draw(st.sampled_from(BODIES) | st.binary(max_size=60))
    status = draw(st.sampled_from([0, 0x58, 0xFFFFFFFF]))
    octets = bytearray(encode_pdu(draw(command_ids), status, draw(sequences), body))
    for _ in range(draw(st.integers(0, 2))):
        at = draw(st.integers(0, len(octets) - 1))
        octets[at : at + draw(st.integers(0, 2))] = draw(st.binary(max_size=2))
        if not octets:
            break
    return bytes(octets)


whole = st.builds(
    encode_pdu,
    command_ids,
    st.sampled_from([0, 0, 0x45]),
    sequences,
    st.sampled_from(BODIES),
)
traffic = st.lists(
    whole | whole | whole | mutated() | st.binary(max_size=40), max_size=12
)


def shown(event: Event) -> object:
    """An event so that two can be compared."""
    if isinstance(event, Sm):
        return {name: getattr(event, name) for name in Sm.__slots__}
    if isinstance(event, Answered):
        return {name: getattr(event, name) for name in Answered.__slots__}
    return attrs.astuple(event)


def obey(connection: Connection, events: list[Event]) -> None:
    """Answer what calls for an answer, as an application does."""
    for event in events:
        if isinstance(event, BindRequested):
            connection.accept_bind(b"gateway")
        elif isinstance(event, Sm | Request):
            connection.answer(event, 0)


@given(
    st.sampled_from(list(Role)),
    st.sampled_from([s for s in State if s is not State.CLOSED]),
    traffic,
    st.booleans(),
    st.integers(1, 5),
)
@settings(max_examples=300)
def test_no_octets_raise(
    role: Role, state: State, read: list[bytes], answers: bool, portion: int
) -> None:
    """Whatever comes, in any state, answered or not: PDUs go back, memory is bounded."""
    limits = Settings(
        max_pdus_per_read=portion, inbound_window=3, window=3, max_pdu=300
    )
    connection = in_state(role, state, limits)
    while connection.room:
        command = Command.SUBMIT_SM if role is Role.ESME else Command.DELIVER_SM
        connection.send(command, b"", None, 0.0)
    connection.take_output()
    now = 0.0
    for octets in read:
        now += 1
        events = connection.receive(octets, now)
        for _ in range(1000):
            if answers:
                obey(connection, events)
            if not connection.has_more:
                break
            events = connection.receive(b"", now)
        assert not connection.has_more
        connection.tick(now)
        for pdu in pdus(connection.take_output()):
            assert pdu.command_id in set(Command)
        assert connection._frames.pending < 300
        assert 0 <= connection._unanswered <= 3
        assert len(connection._window) <= 3
        assert isinstance(connection.state, State)
    connection.tick(now + 1000)
    connection.close()
    assert (connection.state, connection.room) == (State.CLOSED, 0)


@given(
    st.sampled_from(list(Role)),
    st.sampled_from([State.OPEN, State.BOUND_TX, State.BOUND_RX, State.BOUND_TRX]),
    traffic,
    st.lists(st.integers(0, 800), max_size=10),
)
@settings(max_examples=200)
def test_any_cut_of_the_octets_gives_the_same_events_and_answers(
    role: Role, state: State, read: list[bytes], places: list[int]
) -> None:
    """A session does not notice how TCP cut what the peer wrote."""
    octets = b"".join(read)
    ends = sorted({0, *(min(place, len(octets)) for place in places), len(octets)})
    pieces = [octets[a:b] for a, b in zip(ends, ends[1:], strict=False)]
    outcomes = []
    for parts in ([octets], pieces):
        connection = in_state(role, state, Settings(max_pdus_per_read=1000))
        events = [event for part in parts for event in connection.receive(part, 0.0)]
        told = [shown(event) for event in events]
        outcomes.append((told, connection.take_output(), connection.state))
    assert outcomes[0] == outcomes[1]


@given(
    st.lists(
        st.tuples(st.booleans(), c_string(20, 1), st.binary(max_size=254)), max_size=20
    ),
    st.integers(1, 50),
)
@settings(max_examples=50)
def test_what_one_side_sends_the_other_side_gets(
    sent: list[tuple[bool, bytes, bytes]], size: int
) -> None:
    """Every message arrives once, is answered once, and both windows are free again."""
    esme, smsc = joined(window=20)
    expected: list[tuple[object, bytes]] = []
    for n, (to_smsc, source, text) in enumerate(sent):
        sender = esme if to_smsc else smsc
        command = Command.SUBMIT_SM if to_smsc else Command.DELIVER_SM
        body = b"\0\1\1%b\0\1\1233\0\0\0\0\0\0\0\0\0\0%c%b" % (source, len(text), text)
        sender.send(command, body, n, 0.0)
        expected.append((n, b"id-%d" % n if to_smsc else b""))
    answered: list[tuple[Any, bytes]] = []
    arrived = 0
    for _ in range(3):
        for side, other in ((esme, smsc), (smsc, esme)):
            octets = side.take_output()
            for at in range(0, len(octets), size):
                for event in other.receive(octets[at : at + size], 0.0):
                    if isinstance(event, Sm):
                        arrived += 1
                        contexts = [
                            n for n, s in enumerate(sent) if s[1:] == (event.source_addr, event.short_message)
                        ]  # fmt: skip
                        assert contexts
                        number = event.sequence_number - (2 if other is smsc else 1)
                        mine = [
                            n for n, s in enumerate(sent) if s[0] is (other is smsc)
                        ]
                        message_id = b"id-%d" % mine[number] if other is smsc else b""
                        other.answer_message(
                            event.command_id, event.sequence_number, message_id
                        )
                    else:
                        assert isinstance(event, Answered)
                        answered.append((event.context, event.message_id))
    assert arrived == len(sent)
    assert sorted(answered) == expected
    assert esme.room == smsc.room == 20


@pytest.mark.parametrize(
    "octets",
    [
        pytest.param(
            b"\0\1\x11\x6f\0\0\0\4" + bytes(60_000), id="a PDU never complete"
        ),
        pytest.param(encode_pdu(0x8000000A, 0, 0) * 1000, id="unknown responses"),
        pytest.param(encode_pdu(4, 0, 1, SUBMIT) * 1000, id="messages nobody answers"),
        pytest.param(encode_pdu(0x15, 0, 1) * 1000, id="enquire_links"),
    ],
)
def test_memory_stays_bounded(octets: bytes) -> None:
    """A hostile peer costs some 300 KB, however much it sends (spec/reliability 7.7)."""
    smsc = server()
    tracemalloc.start()
    try:
        before = tracemalloc.get_traced_memory()[0]
        for n in range(30):
            smsc.receive(octets, float(n))
            smsc.tick(float(n))
            smsc.take_output()
        assert tracemalloc.get_traced_memory()[0] - before < 300_000
    finally:
        tracemalloc.stop()

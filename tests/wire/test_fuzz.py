"""No octets whatever raise, and none make a session grow (bars B6 and B7)."""

import tracemalloc
from itertools import pairwise

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
    """Whatever comes, in any state, answered or not: PDUs go back, memory is bound."""
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
    """A session does not notice how TCP cut what the peer wrote.

    But for one number: the generic_nack that ends it names the broken header when all
    of that had come (spec/reliability 2.8).
    """
    octets = b"".join(read)
    ends = sorted({0, *(min(place, len(octets)) for place in places), len(octets)})
    pieces = [octets[a:b] for a, b in pairwise(ends)]
    outcomes = []
    for parts in ([octets], pieces):
        connection = in_state(role, state, Settings(max_pdus_per_read=1000))
        events = [event for part in parts for event in connection.receive(part, 0.0)]
        told = [shown(event) for event in events]
        answers = [
            attrs.evolve(pdu, sequence_number=0) if pdu.command_status == 0x02 else pdu
            for pdu in pdus(connection.take_output())
        ]
        outcomes.append((told, answers, connection.state))
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
    told: list[Event] = []
    for side, other in ((esme, smsc), (smsc, esme), (esme, smsc)):
        octets = side.take_output()
        pieces = [octets[at : at + size] for at in range(0, len(octets), size)]
        events = [event for piece in pieces for event in other.receive(piece, 0.0)]
        to_smsc = other is smsc
        # Numbers go on from the bind's; each side has its own.
        mine = [n for n, s in enumerate(sent) if s[0] is to_smsc]
        for event in events:
            if isinstance(event, Sm):
                n = mine[event.sequence_number - (2 if to_smsc else 1)]
                assert sent[n][1:] == (event.source_addr, event.short_message)
                other.answer_message(
                    event.command_id,
                    event.sequence_number,
                    b"id-%d" % n if to_smsc else b"",
                )
        told += events
    answered = [(e.context, e.message_id) for e in told if isinstance(e, Answered)]
    arrived = sum(isinstance(event, Sm) for event in told)
    assert len(told) == len(answered) + arrived
    assert arrived == len(sent)
    assert sorted(answered, key=str) == sorted(expected, key=str)
    assert esme.room == smsc.room == 20


@pytest.mark.parametrize(
    "octets",
    [
        pytest.param(b"\0\1\x11\x6f\0\0\0\4" + bytes(60_000), id="an endless PDU"),
        pytest.param(encode_pdu(0x8000000A, 0, 0) * 1000, id="unknown responses"),
        pytest.param(encode_pdu(4, 0, 1, SUBMIT) * 1000, id="messages nobody answers"),
        pytest.param(encode_pdu(0x15, 0, 1) * 1000, id="enquire_links"),
    ],
)
def test_memory_stays_bounded(octets: bytes) -> None:
    """A hostile peer costs 300 KB, however much it sends (spec/reliability 7.7)."""
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

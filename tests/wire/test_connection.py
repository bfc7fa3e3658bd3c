"""A session between its first octet and its last, for both roles."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from luckgw.wire.connection import (
    Command,
    Connection,
    Role,
    Settings,
    State,
    WindowFull,
)
from luckgw.wire.events import (
    Alert,
    Answered,
    BindRefused,
    BindRequested,
    Bound,
    Closing,
    Event,
    Malformed,
    Request,
    TimedOut,
    UnbindDone,
    Unbound,
)
from luckgw.wire.pdus import PduError, Sm, encode_pdu, encode_sm
from luckgw.wire.session import BOUND, BOUND_AS
from tests.wire.peers import (
    BIND,
    DATA,
    KIND_OF,
    SUBMIT,
    Pdu,
    client,
    joined,
    nack,
    resp,
    server,
    state_of,
    tell,
    written,
)

C = Command
V34_TLV = b"\x02\x10\x00\x01\x34"


def messages(events: list[Event]) -> list[Sm]:
    """The events, which are all short messages."""
    found = [event for event in events if isinstance(event, Sm)]
    assert len(found) == len(events)
    return found


# -------------------------------------------------------------------------- the bind


@pytest.mark.parametrize("kind", list(BOUND_AS))
def test_a_peer_binds_to_us(kind: Command) -> None:
    """The event has all fields of the request; our answer has our id and version."""
    smsc = Connection(Role.SMSC, Settings(), 0.0)
    body = b"luck\0secret08\0VMA\0\x34\x01\x02^233\0"
    event = tell(smsc, kind, body, sequence=0xFFFFFFFF)
    assert event == [
        BindRequested(
            kind, 0xFFFFFFFF, b"luck", b"secret08", b"VMA", 0x34, 1, 2, b"^233"
        )
    ]
    assert (smsc.state, smsc.bound_as, smsc.peer_version) == (State.BINDING, kind, 0x34)
    assert not smsc.has_output
    smsc.accept_bind(b"gateway")
    assert written(smsc) == [resp(kind, 0, 0xFFFFFFFF, b"gateway\0" + V34_TLV)]
    assert smsc.state is BOUND_AS[kind]


@pytest.mark.parametrize(
    ("version", "tlv"),
    [(0x00, b""), (0x33, b""), (0x34, V34_TLV), (0x50, V34_TLV), (0xFF, V34_TLV)],
)
def test_only_a_v34_peer_gets_a_tlv(version: int, tlv: bytes) -> None:
    """Below 0x34 no TLV ever; above it we still speak 3.4 (spec/reliability 2.9)."""
    smsc = server(State.OPEN)
    tell(smsc, C.BIND_TRANSCEIVER, b"luck\0pw\0\0%c\0\0\0" % version)
    smsc.accept_bind(b"gw")
    assert written(smsc)[0].body == b"gw\0" + tlv
    assert smsc.peer_version == version


@pytest.mark.parametrize("status", [0x0E, 0x0D, 0x08])
def test_a_refused_bind_ends_the_session(status: int) -> None:
    """The status without a body; then nothing more is read (spec/reliability 2.3)."""
    smsc = server(State.BINDING)
    smsc.refuse_bind(status)
    assert written(smsc) == [resp(C.BIND_TRANSCEIVER, status, 1)]
    assert smsc.state is State.CLOSED
    assert tell(smsc, C.BIND_TRANSCEIVER, BIND) == []
    assert written(smsc) == []


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"s" * 16 + b"\0pw\0\0\x34\0\0\0", 0x0F),
        (b"luck\0" + b"p" * 65 + b"\0\0\x34\0\0\0", 0x0E),
        (b"luck\0pw\0" + b"t" * 13 + b"\0\x34\0\0\0", 0x53),
        (b"luck\0pw\0\0\x34\0\0" + b"2" * 41 + b"\0", 0x02),
    ],
)
def test_a_malformed_bind_ends_the_session(body: bytes, status: int) -> None:
    """The first row of spec/reliability 2.3, on the wire."""
    smsc = server(State.OPEN)
    events = tell(smsc, C.BIND_RECEIVER, body, sequence=3)
    assert written(smsc) == [resp(C.BIND_RECEIVER, status, 3)]
    assert [type(event) for event in events] == [Malformed, Closing]
    assert smsc.state is State.CLOSED


def test_one_pdu_behind_a_bind_is_kept() -> None:
    """While the bind is decided, one waits for the verdict and more are refused."""
    smsc = server(State.BINDING)
    sent = [
        encode_pdu(C.SUBMIT_SM, 0, sequence, SUBMIT) for sequence in range(11, 14)
    ] + [encode_pdu(C.ENQUIRE_LINK, 0, 14), encode_pdu(C.UNBIND, 0, 15)]
    events = smsc.receive(b"".join(sent) + b"\0\0", 0.0)
    assert [type(event) for event in events] == [Malformed] * 3
    assert written(smsc) == [
        resp(C.SUBMIT_SM, 0x04, 12),
        resp(C.SUBMIT_SM, 0x04, 13),
        resp(C.ENQUIRE_LINK, 0, 14),
        resp(C.UNBIND, 0x04, 15),
    ]
    smsc.accept_bind(b"gateway")
    assert smsc.has_more
    events = smsc.receive(b"\0\x10\x00\x00\x00\x15\0\0\0\0\0\0\0\x10", 0.0)
    assert [sm.sequence_number for sm in messages(events)] == [11]
    assert written(smsc) == [
        resp(C.BIND_TRANSCEIVER, 0, 1, b"gateway\0" + V34_TLV),
        resp(C.ENQUIRE_LINK, 0, 16),
    ]
    assert not smsc.has_more


def test_a_kept_pdu_is_told_by_the_next_tick_at_the_latest() -> None:
    """Also to an I/O side that did not look at has_more after accept_bind."""
    smsc = server(State.BINDING)
    tell(smsc, C.SUBMIT_SM, SUBMIT, sequence=11)
    smsc.accept_bind(b"gateway")
    assert [sm.sequence_number for sm in messages(smsc.tick(1.0))] == [11]


def test_a_verdict_that_comes_too_late_is_ignored() -> None:
    """The peer may be gone while its password is checked."""
    smsc = server(State.BINDING)
    smsc.close()
    smsc.accept_bind(b"gateway")
    smsc.refuse_bind(0x0E)
    assert (smsc.state, smsc.has_output) == (State.CLOSED, False)


@pytest.mark.parametrize("kind", list(BOUND_AS))
def test_we_bind(kind: Command) -> None:
    """With all fields of v3.4 4.1.1; the answer binds us."""
    esme = Connection(Role.ESME, Settings(), 0.0)
    esme.bind(kind, b"luck", b"secret08", b"VMA", 0.0, 1, 2, b"^233")
    body = b"luck\0secret08\0VMA\0\x34\x01\x02^233\0"
    assert written(esme) == [Pdu(kind, 0, 1, body)]
    assert (esme.state, esme.bound_as) == (State.BINDING, kind)
    events = tell(esme, kind | 0x80000000, b"smsc\0" + V34_TLV, sequence=1)
    assert events == [Bound(b"smsc")]
    assert (esme.state, esme.peer_version) == (BOUND_AS[kind], 0x34)


def test_we_can_bind_as_v33() -> None:
    """Where an operator insists (spec/reliability 2.9)."""
    esme = client(State.OPEN)
    esme.bind(C.BIND_TRANSMITTER, b"l", b"p", b"", 0.0, interface_version=0x33)
    assert written(esme)[0].body == b"l\0p\0\0\x33\0\0\0"


@pytest.mark.parametrize(
    ("answer", "status"),
    [
        ((C.BIND_TRANSCEIVER_RESP, 0x0E), 0x0E),
        ((C.BIND_TRANSCEIVER_RESP, 0x4FF), 0x4FF),
        ((C.GENERIC_NACK, 0x03), 0x03),
        ((C.GENERIC_NACK, 0x00), 0xFF),
    ],
)
@pytest.mark.parametrize("body", [b"", b"\0", b"smsc\0"])
def test_our_bind_is_refused(
    answer: tuple[Command, int], status: int, body: bytes
) -> None:
    """With or without a body, with any status, or by generic_nack."""
    esme = client(State.BINDING)
    command, command_status = answer
    events = tell(esme, command, body, sequence=1, status=command_status)
    assert events == [BindRefused(status)]
    assert esme.state is State.CLOSED


def test_only_the_answer_to_our_bind_binds() -> None:
    """The number and the kind must both be those of the request."""
    esme = client(State.BINDING)
    for command, sequence in [
        (C.BIND_TRANSCEIVER_RESP, 2),
        (C.BIND_RECEIVER_RESP, 1),
        (C.SUBMIT_SM_RESP, 1),
    ]:
        (event,) = tell(esme, command, b"smsc\0", sequence=sequence)
        assert isinstance(event, Malformed)
        assert esme.state is State.BINDING
    assert not esme.has_output


@pytest.mark.parametrize("state", [s for s in State if s is not State.OPEN])
def test_bind_is_for_an_open_client(state: State) -> None:
    """Anything else is our own bug."""
    with pytest.raises(ValueError, match="no bind"):
        client(state).bind(C.BIND_RECEIVER, b"", b"", b"", 0.0)
    with pytest.raises(ValueError, match="no bind"):
        server(State.OPEN).bind(C.BIND_RECEIVER, b"", b"", b"", 0.0)


def test_outbind_invites_us() -> None:
    """The application verifies it, then binds on the same connection (v3.4 2.2.1)."""
    esme = client(State.OPEN)
    events = tell(esme, C.OUTBIND, b"smsc\0pw\0", sequence=5)
    assert events == [Request(C.OUTBIND, 5, b"smsc\0pw\0")]
    (request,) = events
    assert isinstance(request, Request)
    esme.answer(request, 0)  # it has no response
    assert not esme.has_output
    esme.bind(C.BIND_RECEIVER, b"luck", b"pw", b"", 0.0)
    assert written(esme)[0].command_id == C.BIND_RECEIVER


# ------------------------------------------------------------------- messages come in


@pytest.mark.parametrize("sequence", [0, 1, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF])
def test_any_sequence_number_is_echoed(sequence: int) -> None:
    """0 and values above 0x7FFFFFFF included (spec/reliability 2.7)."""
    smsc = server()
    (sm,) = messages(tell(smsc, C.SUBMIT_SM, SUBMIT, sequence=sequence))
    assert sm.sequence_number == sequence
    smsc.answer_message(C.SUBMIT_SM, sequence, b"id-1")
    assert written(smsc) == [resp(C.SUBMIT_SM, 0, sequence, b"id-1\0")]


def test_a_number_may_be_used_for_several_segments() -> None:
    """Real ESMEs do it (JamaaSMPP#50): each gets its event and its answer."""
    smsc = server()
    events = smsc.receive(encode_pdu(C.SUBMIT_SM, 0, 5, SUBMIT) * 3, 0.0)
    assert len(messages(events)) == 3
    for n in range(3):
        smsc.answer_message(C.SUBMIT_SM, 5, b"%d" % n)
    assert [pdu.body for pdu in written(smsc)] == [b"0\0", b"1\0", b"2\0"]


def test_a_requests_status_is_ignored() -> None:
    """command_status means nothing in a request (2.8)."""
    assert messages(tell(server(), C.SUBMIT_SM, SUBMIT, status=0x58))
    assert messages(tell(client(), C.DELIVER_SM, SUBMIT, status=0xFFFFFFFF))


@pytest.mark.parametrize(
    ("connection", "command", "body", "positive", "negative"),
    [
        (server, C.SUBMIT_SM, SUBMIT, b"\0", b""),
        (server, C.DATA_SM, DATA, b"\0", b"\0"),
        (server, C.QUERY_SM, b"", b"", b""),
        (server, C.SUBMIT_MULTI, b"", b"", b""),
        (client, C.DELIVER_SM, SUBMIT, b"\0", b"\0"),
        (client, C.DATA_SM, DATA, b"\0", b"\0"),
    ],
)
def test_answers_have_the_body_that_their_status_asks_for(
    connection: Any, command: Command, body: bytes, positive: bytes, negative: bytes
) -> None:
    """No body on a negative submit_sm_resp; a message_id where v3.4 has one always."""
    for status, expected in ((0, positive), (0x45, negative)):
        session = connection()
        (request,) = tell(session, command, body)
        session.answer(request, status)
        assert written(session) == [resp(command, status, 7, expected)]


def test_a_body_that_is_given_is_sent() -> None:
    """Except with a negative submit_sm_resp, which has none (v3.4 4.4.2)."""
    smsc = server()
    for command, status, expected in [
        (C.QUERY_SM, 0, b"id\0\0\2\0"),
        (C.SUBMIT_MULTI, 0x45, b"id\0\0\2\0"),
        (C.SUBMIT_SM, 0, b"id\0\0\2\0"),
        (C.SUBMIT_SM, 0x45, b""),
    ]:
        (request,) = tell(smsc, command, SUBMIT)
        assert isinstance(request, Sm | Request)
        smsc.answer(request, status, b"id\0\0\2\0")
        assert written(smsc) == [resp(command, status, 7, expected)]


def test_a_v33_peer_gets_a_nul_with_an_error() -> None:
    """As v3.3 has it (spec/reliability 2.9)."""
    smsc = server(State.OPEN)
    tell(smsc, C.BIND_TRANSMITTER, b"luck\0pw\0\0\x33\0\0\0")
    smsc.accept_bind(b"gw")
    (request,) = messages(tell(smsc, C.SUBMIT_SM, SUBMIT))
    smsc.take_output()
    smsc.answer(request, 0x58)
    tell(smsc, C.SUBMIT_SM, b"")
    assert written(smsc) == [
        resp(C.SUBMIT_SM, 0x58, 7, b"\0"),
        resp(C.SUBMIT_SM, 0x15, 7, b"\0"),
    ]


def test_alerts_and_rare_requests_reach_the_application() -> None:
    """With their octets as they came."""
    assert tell(client(), C.ALERT_NOTIFICATION, b"octets") == [Alert(b"octets")]
    for command in (C.QUERY_SM, C.CANCEL_SM, C.REPLACE_SM, C.SUBMIT_MULTI):
        assert tell(server(), command, b"octets", sequence=9) == [
            Request(command, 9, b"octets")
        ]


def test_enquire_link_is_answered_whatever_its_body() -> None:
    """Bound or not (spec/reliability 2.2, 2.3)."""
    for session in (server(State.OPEN), server(), client(State.OPEN), client()):
        assert tell(session, C.ENQUIRE_LINK, b"junk", sequence=0) == []
        assert written(session) == [resp(C.ENQUIRE_LINK, 0, 0)]


def test_a_disabled_request_is_unknown() -> None:
    """Common practice for what a deployment does not offer (spec/reliability 2.3)."""
    smsc = server(disabled=frozenset({C.QUERY_SM, C.SUBMIT_SM}))
    for command in (C.QUERY_SM, C.SUBMIT_SM):
        (event,) = tell(smsc, command, SUBMIT, sequence=8)
        assert event == Malformed("unknown command", command, 0x03)
        assert written(smsc) == [nack(0x03, 8)]
    tell(smsc, C.CANCEL_SM, b"")
    assert smsc.state is State.BOUND_TRX


# ------------------------------------------------------------------ the inbound window


@pytest.mark.parametrize(
    ("make", "command", "body", "status", "nothing"),
    [
        (server, C.SUBMIT_SM, SUBMIT, 0x58, b""),
        (server, C.DATA_SM, DATA, 0x58, b"\0"),
        (server, C.QUERY_SM, b"", 0x58, b""),
        (client, C.DELIVER_SM, SUBMIT, 0x64, b"\0"),
        (client, C.DATA_SM, DATA, 0x64, b"\0"),
    ],
)
def test_above_the_inbound_window_a_request_is_refused_at_once(
    make: Any, command: Command, body: bytes, status: int, nothing: bytes
) -> None:
    """As "try again"; each answer makes room for one more (spec/reliability 2.6)."""
    session: Connection = make(inbound_window=3)
    events = session.receive(
        b"".join(encode_pdu(command, 0, n, body) for n in range(5)), 0.0
    )
    assert len(events) == 3
    refused = [resp(command, status, n, nothing) for n in (3, 4)]
    assert written(session) == refused
    assert session.throttled == 2
    first = events[0]
    assert isinstance(first, Sm | Request)
    session.answer(first, 0)
    assert len(tell(session, command, body)) == 1
    assert tell(session, command, body) == []


def test_hot_answers_make_room_too() -> None:
    """answer_message counts as answer does; a peer's window can be its own."""
    smsc = server(inbound_window=1)
    for n in range(5):
        assert tell(smsc, C.SUBMIT_SM, SUBMIT, sequence=n)
        smsc.answer_message(C.SUBMIT_SM, n, b"id")
    smsc.set_inbound_window(2)
    assert len(smsc.receive(encode_pdu(C.SUBMIT_SM, 0, 1, SUBMIT) * 3, 0.0)) == 2
    assert smsc.throttled == 1


def flood(smsc: Connection, count: int, now: float = 0.0) -> int:
    """Send so many submit_sm at once; how many are let in."""
    octets = b"".join(encode_pdu(C.SUBMIT_SM, 0, n, SUBMIT) for n in range(count))
    return len(smsc.receive(octets, now))


def test_twice_the_window_is_not_read_on() -> None:
    """As many again as the window holds are refused, then the rest waits unread: the
    hard window (spec/reliability 2.6). Half of the answers, and all is read.
    """
    smsc = server(inbound_window=4)
    assert flood(smsc, 12) == 4
    assert smsc.is_choked
    assert not smsc.has_more
    assert len(written(smsc)) == smsc.throttled == 4
    assert smsc.receive(b"", 1.0) == []
    assert not smsc.tick(1.0)
    smsc.answer_message(C.SUBMIT_SM, 0, b"id")
    assert smsc.is_choked
    smsc.answer_message(C.SUBMIT_SM, 1, b"id")
    assert not smsc.is_choked
    assert smsc.has_more
    assert len(messages(smsc.receive(b"", 1.0))) == 2
    assert not smsc.is_choked


def test_never_deaf_for_more_than_five_seconds() -> None:
    """enquire_link is behind the same socket (spec/reliability 2.6)."""
    smsc = server(inbound_window=2)
    assert flood(smsc, 4) == 2
    written(smsc)
    assert smsc.receive(encode_pdu(C.ENQUIRE_LINK, 0, 9), 0.5) == []
    for now in (1.0, 2.0, 3.0):
        assert smsc.tick(now) == []
    assert written(smsc) == []
    smsc.tick(4.0)
    assert written(smsc) == [resp(C.ENQUIRE_LINK, 0, 9)]
    assert not smsc.is_choked


def test_a_few_refusals_are_forgotten() -> None:
    """Who drew back to half its window in between has not sent too much."""
    smsc = server(inbound_window=4)
    for _ in range(10):
        assert flood(smsc, 7) == 4
        assert not smsc.is_choked
        for n in range(4):
            smsc.answer_message(C.SUBMIT_SM, n, b"id")


def test_a_client_is_never_deaf() -> None:
    """Behind the requests of its SMSC are the answers to its own."""
    esme = client(inbound_window=1)
    octets = encode_pdu(C.DELIVER_SM, 0, 1, SUBMIT) * 9
    assert len(esme.receive(octets, 0.0)) == 1
    assert not esme.is_choked
    assert esme.throttled == 8


def test_a_v33_partner_has_no_data_sm() -> None:
    """v3.4 brought it: to v3.3 its command_id is unknown (spec/reliability 2.9)."""
    smsc = Connection(Role.SMSC, Settings(), 0.0)
    tell(smsc, C.BIND_TRANSCEIVER, b"luck\0pw\0\0\x33\0\0\0")
    smsc.accept_bind(b"luckgw")
    assert smsc.is_v33
    written(smsc)
    tell(smsc, C.DATA_SM, DATA, sequence=5)
    assert written(smsc) == [nack(0x03, 5)]
    assert smsc.state is State.BOUND_TRX


def test_a_body_that_the_application_can_not_read_counts() -> None:
    """As one that we can not read: told, and in the end unbound."""
    smsc = server()
    for n in range(100):
        [request] = tell(smsc, C.QUERY_SM, b"", sequence=n)
        assert isinstance(request, Request)
        smsc.note_bad_body(request, PduError(0x01, "no fields"), 0.0)
        smsc.answer(request, 0x01)
        [told] = smsc.receive(b"", 0.0)
        assert told == Malformed("bad body", C.QUERY_SM, 0x01, n + 1)
    assert smsc.state is State.UNBINDING


def test_an_answer_too_many_opens_no_more_room() -> None:
    """Answers without a request do not let a peer exceed its window."""
    smsc = server(inbound_window=1)
    smsc.answer_message(C.SUBMIT_SM, 1, b"id")
    smsc.answer_message(C.SUBMIT_SM, 1, b"id")
    assert len(smsc.receive(encode_pdu(C.SUBMIT_SM, 0, 1, SUBMIT) * 2, 0.0)) == 1


# ----------------------------------------------------------------------- our requests


@pytest.mark.parametrize(
    ("make", "state", "command", "answer"),
    [
        (client, State.BOUND_TX, C.SUBMIT_SM, C.SUBMIT_SM_RESP),
        (client, State.BOUND_TRX, C.SUBMIT_SM, C.SUBMIT_SM_RESP),
        (client, State.BOUND_TRX, C.DATA_SM, C.DATA_SM_RESP),
        (client, State.BOUND_TX, C.QUERY_SM, C.QUERY_SM_RESP),
        (server, State.BOUND_RX, C.DELIVER_SM, C.DELIVER_SM_RESP),
        (server, State.BOUND_TRX, C.DELIVER_SM, C.DELIVER_SM_RESP),
        (server, State.BOUND_TRX, C.DATA_SM, C.DATA_SM_RESP),
    ],
)
def test_a_request_is_sent_and_its_answer_told(
    make: Any, state: State, command: Command, answer: Command
) -> None:
    """Header, number, body; the context comes back with the answer."""
    session: Connection = make(state)
    context = object()
    sequence = session.send(command, b"octets", context, 0.0)
    assert written(session) == [Pdu(command, 0, sequence, b"octets")]
    (event,) = tell(session, answer, b"id-1\0", sequence=sequence, status=0x4D2)
    assert isinstance(event, Answered)
    assert event.context is context
    assert (event.command_id, event.command_status) == (answer, 0x4D2)
    assert (event.late, event.body) == (False, b"id-1\0")
    told = answer in (C.SUBMIT_SM_RESP, C.DATA_SM_RESP)
    assert event.message_id == (b"id-1" if told else b"")
    assert repr(event).startswith("Answered(<object")


@pytest.mark.parametrize("state", list(State))
def test_room_is_the_window_or_nothing(state: State) -> None:
    """0 unless the session is bound in a way that may send (spec/reliability 2.2)."""
    transmits = state in (State.BOUND_TX, State.BOUND_TRX)
    receives = state in (State.BOUND_RX, State.BOUND_TRX)
    for session, command, may in (
        (client(state, window=4), C.SUBMIT_SM, transmits),
        (server(state, window=4), C.DELIVER_SM, receives),
    ):
        assert session.room == (4 if may else 0)
        for n in range(session.room):
            session.send(command, b"", n, 0.0)
            assert session.room == 3 - n
        with pytest.raises(WindowFull):
            session.send(command, b"", "one more", 0.0)


@pytest.mark.parametrize(
    ("make", "command"),
    [
        (client, C.DELIVER_SM),
        (client, C.ENQUIRE_LINK),
        (server, C.SUBMIT_SM),
        (server, C.ALERT_NOTIFICATION),
    ],
)
def test_a_side_sends_only_what_is_its_own(make: Any, command: Command) -> None:
    """Anything else is our own bug, and takes no place in the window."""
    session: Connection = make()
    with pytest.raises(ValueError, match="does not send"):
        session.send(command, b"", None, 0.0)
    assert session.room == 10


def test_a_v33_partner_gets_no_data_sm() -> None:
    """v3.3 does not know it (spec/reliability 2.9)."""
    smsc = server(State.OPEN)
    tell(smsc, C.BIND_TRANSCEIVER, b"luck\0pw\0\0\x33\0\0\0")
    smsc.accept_bind(b"gw")
    with pytest.raises(ValueError, match="does not send"):
        smsc.send(C.DATA_SM, b"", None, 0.0)
    smsc.send(C.DELIVER_SM, b"", None, 0.0)


@pytest.mark.parametrize("status", [0x00, 0x45, 0x58, 0x404, 0xFFFFFFFF])
@pytest.mark.parametrize(
    ("body", "message_id"),
    [
        (b"", b""),
        (b"\0", b""),
        (b"id-1\0", b"id-1"),
        (b"id-1", b"id-1"),
        (b"id-1\0\x14\x01\0\0", b"id-1"),
        (b"x" * 64 + b"\0", b"x" * 64),
    ],
)
def test_a_response_is_accepted_with_any_status_and_body(
    status: int, body: bytes, message_id: bytes
) -> None:
    """Without body, with one, or with a single NUL; the number is kept (2.8)."""
    for command in (C.SUBMIT_SM, C.DATA_SM):
        esme = client()
        esme.send(command, b"", "context", 0.0)
        (event,) = tell(esme, command | 0x80000000, body, sequence=2, status=status)
        assert isinstance(event, Answered)
        assert (event.command_status, event.message_id) == (status, message_id)
        assert esme.state is State.BOUND_TRX


@pytest.mark.parametrize("body", [b"", b"\0", b"some-id\0", b"x" * 100])
def test_a_deliver_sm_resp_may_have_a_message_id(body: bytes) -> None:
    """It is ignored; Jasmin lost the bind over it (jookies/jasmin#1124)."""
    smsc = server()
    smsc.send(C.DELIVER_SM, b"", "context", 0.0)
    (event,) = tell(smsc, C.DELIVER_SM_RESP, body, sequence=1)
    assert isinstance(event, Answered)
    assert event.message_id == b""


@pytest.mark.parametrize("command", [C.SUBMIT_SM, C.DATA_SM])
def test_a_message_id_beyond_64_octets_counts_as_none(command: Command) -> None:
    """It would not fit a receipt either; the message is sent all the same."""
    esme = client()
    esme.send(command, b"", "context", 0.0)
    events = tell(esme, command | 0x80000000, b"x" * 65 + b"\0", sequence=2)
    assert isinstance(events[0], Malformed)
    assert events[0].kind == "message_id too long"
    assert isinstance(events[1], Answered)
    assert events[1].message_id == b""


def test_a_nack_answers_any_request() -> None:
    """A generic_nack with the number of a request fails that request (2.8)."""
    esme = client()
    esme.send(C.SUBMIT_SM, b"", "context", 0.0)
    (event,) = tell(esme, C.GENERIC_NACK, sequence=2, status=0x02)
    assert isinstance(event, Answered)
    assert (event.context, event.command_id) == ("context", C.GENERIC_NACK)
    assert (event.command_status, event.message_id) == (0x02, b"")
    assert esme.room == 10


def test_answers_are_matched_by_number_and_type() -> None:
    """The wrong type and an unknown number are counted and dropped (2.7)."""
    esme = client()
    esme.send(C.SUBMIT_SM, b"", "context", 0.0)
    esme.take_output()
    for command, sequence, kind in [
        (C.DATA_SM_RESP, 2, "response of another type"),
        (C.SUBMIT_SM_RESP, 3, "response to nothing"),
        (C.SUBMIT_SM_RESP, 0, "response to nothing"),
        (C.ENQUIRE_LINK_RESP, 3, "response to nothing"),
    ]:
        assert tell(esme, command, b"", sequence=sequence) == [Malformed(kind, command)]
    assert esme.room == 9
    assert isinstance(tell(esme, C.SUBMIT_SM_RESP, b"", sequence=2)[0], Answered)
    assert tell(esme, C.SUBMIT_SM_RESP, b"", sequence=2) == [
        Malformed("response to nothing", C.SUBMIT_SM_RESP)
    ]
    assert not esme.has_output


@given(st.permutations(range(8)))
def test_answers_may_come_in_any_order(order: list[int]) -> None:
    """Requests are asynchronous (v3.4 2.9)."""
    esme, smsc = joined()
    for n in range(8):
        esme.send(C.SUBMIT_SM, SUBMIT, n, 0.0)
    found = messages(smsc.receive(esme.take_output(), 0.0))
    for n in order:
        smsc.answer_message(C.SUBMIT_SM, found[n].sequence_number, b"id-%d" % n)
    events = esme.receive(smsc.take_output(), 0.0)
    told = [(e.context, e.message_id) for e in events if isinstance(e, Answered)]
    assert told == [(n, b"id-%d" % n) for n in order]


def test_all_that_waits_is_given_back_at_the_end() -> None:
    """In order; what was answered or timed out before is not told again."""
    esme = client(window=5, response_s=60)
    for n in range(5):
        esme.send(C.SUBMIT_SM, b"", n, 0.0 if n == 0 else 10.0)
    assert esme.tick(60.0)[0] == TimedOut(0, C.SUBMIT_SM)
    tell(esme, C.SUBMIT_SM_RESP, b"", sequence=4)
    assert esme.close() == [1, 3, 4]
    assert (esme.state, esme.room, esme.take_output()) == (State.CLOSED, 0, b"")
    assert esme.close() == []


# ---------------------------------------------------------------------------- the end


def test_the_peer_unbinds() -> None:
    """Answered at once when nothing is in progress; then nothing more is read."""
    for session in (server(), client()):
        assert tell(session, C.UNBIND, sequence=99) == [Unbound()]
        assert written(session) == [resp(C.UNBIND, 0, 99)]
        assert session.state is State.CLOSED
        assert tell(session, C.ENQUIRE_LINK) == []
        assert not session.has_output


@pytest.mark.parametrize("kind", ["answer", "answer_message"])
def test_an_unbind_waits_for_what_is_in_progress(kind: str) -> None:
    """Accepted messages get their answers first (spec/reliability 2.3)."""
    smsc = server()
    first, second = messages(
        smsc.receive(encode_pdu(C.SUBMIT_SM, 0, 5, SUBMIT) * 2, 0.0)
    )
    assert tell(smsc, C.UNBIND, sequence=99) == []
    assert smsc.state is State.UNBINDING
    (event,) = tell(smsc, C.SUBMIT_SM, SUBMIT, sequence=6)  # too late for a new one
    assert event == Malformed("illegal in this state", C.SUBMIT_SM, 0x08)
    smsc.answer(first, 0, b"id-1\0")
    assert smsc.state is State.UNBINDING
    if kind == "answer":
        smsc.answer(second, 0x58)
    else:
        smsc.answer_message(C.SUBMIT_SM, 5, b"id-2")
    assert [pdu.command_id & 0xFFFF for pdu in written(smsc)] == [4, 4, 4, 6]
    assert smsc.has_more
    assert smsc.receive(b"", 0.0) == [Unbound()]
    assert state_of(smsc) is State.CLOSED


def test_an_unbind_does_not_wait_for_ever() -> None:
    """After 5 s it is answered all the same."""
    smsc = server()
    tell(smsc, C.SUBMIT_SM, SUBMIT)
    tell(smsc, C.UNBIND, sequence=99, now=100.0)
    assert smsc.tick(104.9) == []
    assert smsc.tick(105.0) == [Unbound()]
    assert written(smsc) == [resp(C.UNBIND, 0, 99)]


def test_we_unbind() -> None:
    """Our unbind is answered; what waits for an answer may still get it before."""
    esme = client()
    esme.send(C.SUBMIT_SM, b"", "context", 0.0)
    esme.take_output()
    esme.unbind(0.0)
    assert written(esme) == [Pdu(C.UNBIND, 0, 3)]
    assert (esme.state, esme.room) == (State.UNBINDING, 0)
    (event,) = tell(esme, C.SUBMIT_SM_RESP, b"id\0", sequence=2)
    assert isinstance(event, Answered)
    assert tell(esme, C.UNBIND_RESP, sequence=3) == [UnbindDone()]
    assert esme.state is State.CLOSED


@pytest.mark.parametrize(
    ("status", "command"), [(0x08, C.UNBIND_RESP), (0x03, C.GENERIC_NACK)]
)
def test_an_unbind_that_is_refused_is_answered_too(
    status: int, command: Command
) -> None:
    """The session is over anyway."""
    esme = client(State.UNBINDING)
    assert tell(esme, command, sequence=2, status=status) == [UnbindDone()]


def test_messages_in_progress_are_answered_while_we_unbind() -> None:
    """The answers go out until the session is over."""
    smsc = server()
    first, second = messages(
        smsc.receive(encode_pdu(C.SUBMIT_SM, 0, 5, SUBMIT) * 2, 0.0)
    )
    smsc.unbind(0.0)
    smsc.answer(first, 0)
    assert len(written(smsc)) == 2
    tell(smsc, C.UNBIND_RESP, sequence=1)
    smsc.answer(second, 0)
    smsc.answer_message(C.SUBMIT_SM, 5, b"id")
    assert not smsc.has_output


def test_crossing_unbinds() -> None:
    """Both sides ask at once: both are answered."""
    esme, smsc = joined()
    esme.unbind(0.0)
    smsc.unbind(0.0)
    from_esme, from_smsc = esme.take_output(), smsc.take_output()
    assert esme.receive(from_smsc, 0.0) == [Unbound()]
    assert smsc.receive(from_esme, 0.0) == [Unbound()]
    assert written(esme) == [resp(C.UNBIND, 0, 1)]


@pytest.mark.parametrize("state", [State.OPEN, State.BINDING])
def test_unbind_before_the_bind_just_ends(state: State) -> None:
    """Nothing is bound, so nothing is said; the end is told like any other."""
    for session in (server(state), client(state)):
        session.unbind(0.0)
        assert (session.state, session.has_output) == (State.CLOSED, False)
        assert session.has_more
        assert session.tick(1.0) == [UnbindDone()]
        assert session.tick(2.0) == []


def test_a_lost_transport_has_nothing_more_to_tell() -> None:
    """What was still to be told, said or read goes with it."""
    smsc = server(State.OPEN)
    smsc.receive(encode_pdu(C.ENQUIRE_LINK, 0, 1) + b"\0\0", 0.0)
    smsc.unbind(0.0)
    smsc.close()
    assert (smsc.has_more, smsc.has_output) == (False, False)
    assert smsc.receive(encode_pdu(C.ENQUIRE_LINK, 0, 1), 0.0) == []
    assert smsc.tick(100.0) == []


@pytest.mark.parametrize("state", [State.UNBINDING, State.CLOSED])
def test_unbind_twice_is_once(state: State) -> None:
    """The second has nothing to add."""
    esme = client(state)
    esme.unbind(0.0)
    assert (esme.state, esme.has_output, esme.has_more) == (state, False, False)


# ------------------------------------------------------------------------ large reads


def test_a_read_is_handled_in_portions() -> None:
    """So that one peer can not starve the rest (spec/reliability 2.1)."""
    smsc = server(max_pdus_per_read=10, inbound_window=100)
    octets = b"".join(encode_pdu(C.SUBMIT_SM, 0, n, SUBMIT) for n in range(25))
    found = messages(smsc.receive(octets + b"\0\0\0", 0.0))
    sizes = [len(found)]
    while smsc.has_more:
        more = messages(smsc.receive(b"", 0.0))
        sizes.append(len(more))
        found += more
    assert sizes == [10, 10, 5]
    assert [sm.sequence_number for sm in found] == list(range(25))


def test_exactly_one_portion_leaves_nothing() -> None:
    """has_more is about PDUs, not about the limit."""
    smsc = server(max_pdus_per_read=10)
    smsc.receive(encode_pdu(C.ENQUIRE_LINK, 0, 1) * 10, 0.0)
    assert not smsc.has_more


def test_a_backlog_is_bounded() -> None:
    """A peer that writes faster than it is read costs one maximum and 64 KiB."""
    smsc = server(max_pdus_per_read=1)
    octets = encode_pdu(C.ENQUIRE_LINK, 0, 1) * 4000
    for _ in range(20):
        smsc.receive(octets, 0.0)
        assert smsc._frames.pending <= 70_000 + 65_536
        smsc.take_output()


def test_the_first_pdus_may_be_small_only() -> None:
    """256 octets before the bind, 70,000 after it (spec/reliability 2.1)."""
    long = encode_sm(destination_addr=b"2", tlvs={0x424: bytes(65_535)})
    for state in (State.OPEN, State.BINDING):
        smsc = server(state)
        events = tell(smsc, C.SUBMIT_SM, long, sequence=4)
        assert isinstance(events[-1], Closing)
        assert written(smsc) == [nack(0x02, 4)]
    for state in (State.BOUND_TX, State.BOUND_TRX):
        assert messages(tell(server(state), C.SUBMIT_SM, long))
    esme = client(State.BINDING)
    octets = encode_pdu(C.BIND_TRANSCEIVER_RESP, 0, 1, b"smsc\0")
    events = esme.receive(octets + encode_pdu(C.DELIVER_SM, 0, 1, long), 0.0)
    assert [type(event) for event in events] == [Bound, Sm]


def test_output_is_joined_in_order() -> None:
    """One write for a whole turn."""
    smsc = server()
    assert smsc.take_output() == b""
    octets = encode_pdu(C.ENQUIRE_LINK, 0, 1) + encode_pdu(C.SUBMIT_SM, 0, 2, SUBMIT)
    smsc.receive(octets, 0.0)
    smsc.answer_message(C.SUBMIT_SM, 2, b"id")
    smsc.send(C.DELIVER_SM, b"body", None, 0.0)
    assert smsc.has_output
    assert [pdu.command_id for pdu in written(smsc)] == [
        C.ENQUIRE_LINK_RESP,
        C.SUBMIT_SM_RESP,
        C.DELIVER_SM,
    ]
    assert not smsc.has_output


def test_a_password_is_in_no_event() -> None:
    """Whatever logs an event does not log it."""
    (event,) = tell(server(State.OPEN), C.BIND_TRANSCEIVER, BIND)
    assert isinstance(event, BindRequested)
    assert event.password == b"secret08"
    assert "secret08" not in repr(event)


def test_a_bound_state_has_its_kind() -> None:
    """The helper of these tests comes to each state by the bind of its kind."""
    for state in BOUND:
        assert server(state).bound_as == client(state).bound_as == KIND_OF[state]

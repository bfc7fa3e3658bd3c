"""Timers of a session: each row of spec/reliability 2.5 as a table of seconds."""

from typing import Any

import pytest

from luckgw.wire.connection import Command, Connection, Role, Settings, State
from luckgw.wire.events import Answered, Closing, Event, TimedOut, UnbindDone
from luckgw.wire.pdus import encode_pdu
from tests.wire.peers import (
    BIND,
    SUBMIT,
    Pdu,
    client,
    in_state,
    nack,
    resp,
    server,
    tell,
    written,
)

C = Command


def closes(events: list[Event], session: Connection) -> bool:
    """Whether that was the end, told by one Closing."""
    assert [type(event) for event in events] in ([], [Closing])
    assert bool(events) is (session.state is State.CLOSED)
    return bool(events)


@pytest.mark.parametrize("make", [server, client])
def test_session_init(make: Any) -> None:
    """10 s from connected to a bind, then closed without a PDU."""
    session = make(State.OPEN)
    tell(session, C.ENQUIRE_LINK, now=5.0)  # does not start it again
    session.take_output()
    assert not closes(session.tick(9.9), session)
    assert closes(session.tick(10.0), session)
    assert not session.has_output
    assert session.tick(11.0) == []


def test_session_init_is_over_with_the_bind() -> None:
    """The password may take its time: a failed one is answered late on purpose."""
    smsc = server(State.OPEN)
    tell(smsc, C.BIND_TRANSCEIVER, BIND, now=9.0)
    assert smsc.tick(60.0) == []
    assert not closes(smsc.tick(68.9), smsc)
    assert closes(smsc.tick(69.0), smsc)


def test_our_bind_is_answered_within_10_s() -> None:
    """Else the carrier is not there (spec/reliability 2.4)."""
    esme = client(State.OPEN)
    esme.bind(C.BIND_TRANSCEIVER, b"luck", b"pw", b"", 5.0)
    assert not closes(esme.tick(14.9), esme)
    assert closes(esme.tick(15.0), esme)


@pytest.mark.parametrize("state", [State.OPEN, State.BINDING, State.BOUND_TRX])
@pytest.mark.parametrize("make", [server, client])
def test_pdu_read(make: Any, state: State) -> None:
    """10 s from the first octet of a PDU to its last, however it dribbles."""
    session: Connection = make(state, session_init_s=100)
    whole = encode_pdu(C.ENQUIRE_LINK, 0, 1)
    for now in (1.0, 5.0, 9.0):
        session.receive(whole[:1] if now == 1.0 else whole[1:2], now)
    assert not closes(session.tick(10.9), session)
    session.receive(b"", 10.9)
    session.take_output()
    assert closes(session.tick(11.0), session)
    assert written(session) == [nack(0x02, 0)]


def test_each_pdu_has_its_own_10_s() -> None:
    """A peer that always has one half written is not late."""
    smsc = server()
    pdu = encode_pdu(C.ENQUIRE_LINK, 0, 1)
    smsc.receive(pdu[:8], 0.0)
    for now in range(9, 100, 9):
        smsc.receive(pdu[8:] + pdu[:8], float(now))
        assert smsc.tick(now + 0.5) == []
    smsc.receive(pdu[8:], 101.0)
    assert smsc.tick(150.0) == []


def test_a_backlog_of_ours_is_not_the_peers_delay() -> None:
    """What we have not read yet is no incomplete PDU."""
    smsc = server(max_pdus_per_read=1, enquire_link_s=0)
    pdu = encode_pdu(C.ENQUIRE_LINK, 0, 1)
    smsc.receive(pdu * 3 + b"\0", 0.0)
    assert smsc.tick(20.0) == []
    assert smsc.tick(40.0) == []
    assert len(written(smsc)) == 3
    assert closes(smsc.tick(50.0), smsc)  # 10 s after the last one was read


@pytest.mark.parametrize("make", [server, client])
def test_a_silent_link_is_dead_after_60_s(make: Any) -> None:
    """enquire_link after 30 s, again after 15, closed after 15 more."""
    session = make()
    sent = {}
    for now in range(1, 60):
        assert session.tick(float(now)) == []
        if session.has_output:
            (sent[now],) = written(session)
    assert closes(session.tick(60.0), session)
    assert [(now, pdu.command_id) for now, pdu in sent.items()] == [
        (30, C.ENQUIRE_LINK),
        (45, C.ENQUIRE_LINK),
    ]
    numbers = [pdu.sequence_number for pdu in sent.values()]
    assert numbers[1] == numbers[0] + 1


@pytest.mark.parametrize(
    ("command", "body"), [(C.ENQUIRE_LINK_RESP, b""), (C.ENQUIRE_LINK, b""),
                          (C.SUBMIT_SM, SUBMIT), (C.SUBMIT_SM_RESP, b"")]
)  # fmt: skip
def test_any_pdu_keeps_the_link(command: Command, body: bytes) -> None:
    """Not only the answer to our enquire_link, and also one that is refused."""
    esme = client()
    esme.tick(30.0)
    assert written(esme) == [Pdu(C.ENQUIRE_LINK, 0, 2)]
    tell(esme, command, body, sequence=2, now=44.0)
    esme.take_output()
    for now in range(45, 74):
        assert esme.tick(float(now)) == []
    assert not esme.has_output
    esme.tick(74.0)
    assert written(esme)[0].command_id == C.ENQUIRE_LINK


def test_an_unbound_peer_is_not_asked() -> None:
    """session_init watches it."""
    smsc = server(State.OPEN, session_init_s=0)
    smsc.tick(1000.0)
    assert not smsc.has_output
    assert smsc.state is State.OPEN


@pytest.mark.parametrize(
    ("make", "command"), [(server, C.DELIVER_SM), (client, C.SUBMIT_SM)]
)
def test_a_response_timer_frees_its_place(make: Any, command: Command) -> None:
    """60 s after each request; one timeout never closes the bind."""
    session: Connection = make(window=2)
    session.send(command, SUBMIT, "a", 0.0)
    session.send(command, SUBMIT, "b", 1.0)
    tell(session, C.ENQUIRE_LINK, now=59.0)
    assert session.tick(59.9) == []
    assert session.tick(60.0) == [TimedOut("a", command)]
    assert session.room == 1
    assert session.tick(61.0) == [TimedOut("b", command)]
    assert session.state is State.BOUND_TRX


def test_a_late_response_is_recognised() -> None:
    """It settles what was uncertain, once (jasmin#595; spec/reliability 2.12)."""
    esme = client()
    esme.send(C.SUBMIT_SM, SUBMIT, "a", 0.0)
    tell(esme, C.ENQUIRE_LINK, now=59.0)
    esme.tick(60.0)
    events = tell(esme, C.SUBMIT_SM_RESP, b"id-1\0", sequence=2, now=90.0)
    (event,) = events
    assert isinstance(event, Answered)
    assert (event.context, event.message_id, event.late) == ("a", b"id-1", True)
    (again,) = tell(esme, C.SUBMIT_SM_RESP, b"id-1\0", sequence=2, now=91.0)
    assert getattr(again, "kind", None) == "response to nothing"


def test_a_burst_that_times_out_is_one_timeout() -> None:
    """A carrier that stalls 60 s and answers enquire_link keeps its bind."""
    esme = client(window=50)
    for n in range(50):
        esme.send(C.SUBMIT_SM, SUBMIT, n, 0.0)
    tell(esme, C.ENQUIRE_LINK, now=45.0)
    assert esme.tick(60.0) == [TimedOut(n, C.SUBMIT_SM) for n in range(50)]
    assert esme.state is State.BOUND_TRX


@pytest.mark.parametrize(("heard", "closed"), [(None, True), (61.5, False)])
def test_three_timeouts_in_a_row_close(heard: float | None, closed: bool) -> None:
    """With no PDU of any kind between them (spec/reliability 2.5)."""
    esme = client()
    for at in (0.0, 1.0, 2.0):
        esme.send(C.SUBMIT_SM, SUBMIT, at, at)
    tell(esme, C.ENQUIRE_LINK, now=59.0)
    esme.tick(60.0)
    esme.tick(61.0)
    if heard:
        tell(esme, C.ENQUIRE_LINK, now=heard)
    events = esme.tick(62.0)
    assert events[0] == TimedOut(2.0, C.SUBMIT_SM)
    assert [type(event) for event in events[1:]] == [Closing] * closed
    assert (esme.state is State.CLOSED) is closed


def test_inactivity_is_off_by_default() -> None:
    """A partner may be idle for days."""
    smsc = server()
    for now in range(25, 2_000_000, 1_000):
        tell(smsc, C.ENQUIRE_LINK, now=float(now))
        assert smsc.tick(float(now)) == []
    assert smsc.state is State.BOUND_TRX


@pytest.mark.parametrize("make", [server, client])
def test_inactivity_unbinds(make: Any) -> None:
    """After so long without an application's PDU; enquire_link is none."""
    session = make(inactivity_s=100)
    command = C.SUBMIT_SM if make is server else C.DELIVER_SM
    tell(session, command, SUBMIT, now=50.0)
    for now in range(60, 150, 10):
        tell(session, C.ENQUIRE_LINK, now=float(now))
        session.take_output()
        assert session.tick(float(now)) == []
        assert session.state is State.BOUND_TRX
    session.tick(150.0)
    (unbind,) = written(session)
    assert unbind.command_id == C.UNBIND
    number = unbind.sequence_number
    assert tell(session, C.UNBIND_RESP, sequence=number, now=151.0) == [UnbindDone()]


def test_an_unbind_that_nobody_answers() -> None:
    """5 s, then closed (spec/reliability 2.4)."""
    esme = client()
    tell(esme, C.ENQUIRE_LINK, now=100.0)
    esme.unbind(100.0)
    assert not closes(esme.tick(104.9), esme)
    assert closes(esme.tick(105.0), esme)


def test_requests_time_out_while_we_unbind() -> None:
    """Each still ends exactly once."""
    esme = client(response_s=3)
    esme.send(C.SUBMIT_SM, SUBMIT, "a", 0.0)
    esme.unbind(1.0)
    assert esme.tick(3.0) == [TimedOut("a", C.SUBMIT_SM)]
    assert esme.close() == []


def test_zero_turns_a_timer_off() -> None:
    """Each of them."""
    off = Settings(
        session_init_s=0, pdu_read_s=0, enquire_link_s=0, unbind_s=0, inactivity_s=0
    )
    for state in (State.OPEN, State.BOUND_TRX, State.UNBINDING):
        session = in_state(Role.ESME, state, off)
        session.receive(b"\0", 0.0)
        assert session.tick(1e9) == []
        assert session.state is state


def test_the_peers_unbind_is_answered_with_its_number() -> None:
    """After 5 s at most, also when nothing else happens."""
    smsc = server()
    tell(smsc, C.SUBMIT_SM, SUBMIT)
    tell(smsc, C.UNBIND, sequence=0xFFFFFFFF)
    smsc.tick(5.0)
    assert written(smsc) == [resp(C.UNBIND, 0, 0xFFFFFFFF)]


def test_a_peer_can_be_asked_at_any_time() -> None:
    """By an enquire_link out of turn; ``heard_at`` tells of any PDU that came since. It
    is no matter for a session that is not bound.
    """
    smsc = server(State.BOUND_TRX)
    smsc.enquire()
    [asked] = written(smsc)
    assert asked.command_id == C.ENQUIRE_LINK
    before = smsc.heard_at
    tell(smsc, C.ENQUIRE_LINK_RESP, sequence=asked.sequence_number, now=before + 7.0)
    assert smsc.heard_at == before + 7.0
    unbound = server(State.OPEN)
    unbound.enquire()
    assert not unbound.has_output


def test_the_windows_of_a_partner_are_set_with_its_bind() -> None:
    """Ours and its own: they are known when it is known who it is."""
    smsc = server(State.BINDING)
    smsc.set_window(3)
    smsc.set_inbound_window(1)
    smsc.accept_bind(b"gateway")
    assert smsc.room == 3
    tell(smsc, C.SUBMIT_SM, SUBMIT)
    assert smsc.unanswered == 1
    written(smsc)
    tell(smsc, C.SUBMIT_SM, SUBMIT, sequence=9)
    assert written(smsc) == [resp(C.SUBMIT_SM, 0x58, 9)]
    assert smsc.throttled == 1

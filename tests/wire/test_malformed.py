"""generic_nack and malformed input, on the wire: the rows of spec/reliability 2.8.

Each row says what comes, what goes back, and whether the session stays.
"""

import struct

import pytest

from luckgw.wire.connection import Command, Connection, State
from luckgw.wire.events import Answered, Closing, Malformed, UnbindDone
from luckgw.wire.pdus import encode_pdu
from tests.wire.peers import (
    DATA,
    SUBMIT,
    Pdu,
    client,
    nack,
    resp,
    server,
    state_of,
    tell,
    written,
)

C = Command

BROKEN = [
    ("length 0", struct.pack(">I", 0), 0, "framing"),
    ("length 15", struct.pack(">I", 15), 0, "framing"),
    ("length 15, whole header", struct.pack(">IIII", 15, 4, 0, 77), 77, "framing"),
    ("length 70,001", struct.pack(">I", 70_001), 0, "framing"),
    ("length 4 GB", b"\xff" * 16, 0xFFFFFFFF, "framing"),
    ("HTTP", b"GET / HTTP/1.1\r\n", 0x2E310D0A, "not SMPP"),
    ("one word", b"HELP", 0, "not SMPP"),
    ("TLS", b"\x16\x03\x01\x00\xf4\x01", 0, "not SMPP"),
    ("line ends", b"\r\n\r\n", 0, "not SMPP"),
]


@pytest.mark.parametrize(
    ("octets", "sequence", "kind"),
    [row[1:] for row in BROKEN],
    ids=[row[0] for row in BROKEN],
)
@pytest.mark.parametrize("state", [State.OPEN, State.BOUND_TRX])
def test_lost_boundaries_close_the_session(
    state: State, octets: bytes, sequence: int, kind: str
) -> None:
    """generic_nack 0x02 with the header's number or 0; what came before is handled."""
    for session in (server(state), client(state)):
        events = session.receive(encode_pdu(C.ENQUIRE_LINK, 0, 1) + octets, 0.0)
        malformed, closing = events
        assert malformed == Malformed(kind, 0, 0x02)
        assert isinstance(closing, Closing)
        assert "command_length" in closing.reason
        assert ("not SMPP" in closing.reason) == (kind == "not SMPP")
        assert written(session) == [resp(C.ENQUIRE_LINK, 0, 1), nack(0x02, sequence)]
        assert session.state is State.CLOSED
        assert session.receive(encode_pdu(C.ENQUIRE_LINK, 0, 1), 0.0) == []
        assert session._frames.pending == 0


@pytest.mark.parametrize("command_id", [0x0A, 0x22, 0x104, 0x00010200, 0x7FFFFFFF])
@pytest.mark.parametrize("state", [State.BINDING, State.BOUND_TX, State.BOUND_RX])
def test_an_unknown_command_is_nacked_and_the_session_stays(
    state: State, command_id: int
) -> None:
    """With its own number, whatever its body."""
    for session in (server(state), client(state)):
        (event,) = tell(session, command_id, b"junk", sequence=0xFFFFFFFF)
        assert event == Malformed("unknown command", command_id, 0x03, recent=1)
        assert written(session) == [nack(0x03, 0xFFFFFFFF)]
        assert session.state is state


@pytest.mark.parametrize("command_id", [0x8000000A, 0x80000102, 0xFFFFFFFF])
@pytest.mark.parametrize("state", [State.OPEN, State.BINDING, State.BOUND_TRX])
def test_an_unknown_response_is_counted_and_nothing_else(
    state: State, command_id: int
) -> None:
    """Bit 31 set: never answered."""
    for session in (server(state), client(state)):
        assert tell(session, command_id, b"junk") == [Malformed("ignored", command_id)]
        assert not session.has_output
        assert session.state is state


BAD_BODIES = [
    (C.SUBMIT_SM, b"\0\1\1" + b"2" * 21 + b"\0", 0x0A, b""),
    (C.SUBMIT_SM, b"\0\1\1233", 0x0A, b""),
    (C.SUBMIT_SM, SUBMIT[:-1], 0x01, b""),
    (C.SUBMIT_SM, SUBMIT + b"more", 0xC0, b""),
    (C.SUBMIT_SM, SUBMIT + b"\x04\x24\0\x02h", 0xC0, b""),
    (C.SUBMIT_SM, SUBMIT + b"\x02\x04\0\x01h", 0xC2, b""),
    (C.DATA_SM, DATA[:-1], 0xC0, b"\0"),
    (C.DATA_SM, DATA[:-9], 0xC3, b"\0"),
]


@pytest.mark.parametrize(("command", "body", "status", "answer"), BAD_BODIES)
def test_a_bad_body_is_answered_with_its_own_response(
    command: Command, body: bytes, status: int, answer: bytes
) -> None:
    """Its own number, the field's status; the session stays and takes the next one."""
    smsc = server()
    octets = encode_pdu(command, 0, 5, body) + encode_pdu(C.SUBMIT_SM, 0, 6, SUBMIT)
    malformed, sm = smsc.receive(octets, 0.0)
    # A partner's message is not kept: it is told to the partner, who has it.
    assert malformed == Malformed("bad body", command, status, recent=1)
    assert getattr(sm, "sequence_number", None) == 6
    assert written(smsc) == [resp(command, status, 5, answer)]
    assert smsc.state is State.BOUND_TRX


@pytest.mark.parametrize(
    ("command", "body", "status"),
    [
        (C.DELIVER_SM, SUBMIT[:-1], 0x01),
        (C.DELIVER_SM, SUBMIT + b"more", 0xC0),
        (C.DATA_SM, DATA[:-1], 0xC0),
    ],
)
def test_a_carriers_bad_body_is_kept(
    command: Command, body: bytes, status: int
) -> None:
    """For quarantine: it may have been a receipt (spec/reliability 2.4)."""
    esme = client()
    (event,) = tell(esme, command, body)
    assert event == Malformed("bad body", command, status, 1, body)
    assert "Hello" not in repr(event)
    assert written(esme) == [resp(command, status, 7, b"\0")]


@pytest.mark.parametrize("padding", [b"\0", b"\0\0", b"\0\0\0"])
def test_up_to_three_nuls_behind_the_text_are_tolerated(padding: bytes) -> None:
    """Peers count them or not (praekelt/python-smpp#7, jookies/jasmin#218)."""
    (sm,) = tell(server(), C.SUBMIT_SM, SUBMIT + padding)
    assert getattr(sm, "short_message", None) == b"Hello! This is a tes"


def test_three_illegal_requests_before_the_bind_close() -> None:
    """Somebody who does not bind is not talked to for ever (spec/reliability 2.2)."""
    smsc = server(State.OPEN)
    tell(smsc, C.SUBMIT_SM, SUBMIT, sequence=1)
    tell(smsc, C.ENQUIRE_LINK)  # legal, and does not count
    tell(smsc, C.SUBMIT_SM_RESP)  # ignored
    tell(smsc, 0x0A, sequence=2)
    assert smsc.state is State.OPEN
    events = tell(smsc, C.QUERY_SM, sequence=3)
    assert isinstance(events[-1], Closing)
    assert state_of(smsc) is State.CLOSED
    assert [pdu.command_status for pdu in written(smsc)] == [4, 0, 3, 4]


def flood(session: Connection, count: int, now: float) -> list[Malformed]:
    """That many malformed PDUs, one after the other."""
    found = []
    for _ in range(count):
        events = tell(session, 0x0A, now=now)
        found += [event for event in events if isinstance(event, Malformed)]
    return found


def test_ten_malformed_pdus_are_told_as_such() -> None:
    """The count of the last 60 s comes with each, for the alarm at ten."""
    smsc = server()
    assert [event.recent for event in flood(smsc, 9, 0.0)] == list(range(1, 10))
    assert flood(smsc, 1, 59.9)[0].recent == 10
    assert flood(smsc, 1, 60.0)[0].recent == 2


def test_a_hundred_malformed_pdus_unbind() -> None:
    """Within 60 s, from one bind (spec/reliability 2.8)."""
    for session in (server(), client()):
        flood(session, 99, 0.0)
        assert session.state is State.BOUND_TRX
        session.take_output()
        flood(session, 1, 0.0)
        assert state_of(session) is State.UNBINDING
        first, unbind = written(session)
        assert first == nack(0x03, 7)
        assert unbind.command_id == C.UNBIND
        flood(session, 5, 0.0)
        assert {pdu.command_id for pdu in written(session)} == {C.GENERIC_NACK}
        done = tell(session, C.UNBIND_RESP, sequence=unbind.sequence_number)
        assert done == [UnbindDone()]


def test_a_hundred_malformed_pdus_while_binding_close() -> None:
    """There is nothing to unbind yet."""
    smsc = server(State.BINDING)
    flood(smsc, 99, 0.0)
    events = tell(smsc, 0x0A)
    assert [type(event) for event in events] == [Malformed, Closing]
    assert smsc.state is State.CLOSED


def test_harmless_surprises_do_not_add_up() -> None:
    """Stray responses and requests in the wrong state never unbind by themselves."""
    smsc = server(State.BOUND_RX)
    for _ in range(150):
        tell(smsc, C.SUBMIT_SM, SUBMIT)
        tell(smsc, C.DELIVER_SM_RESP, b"")
        tell(smsc, 0x8000000A)
        tell(smsc, C.GENERIC_NACK)
    assert smsc.state is State.BOUND_RX


@pytest.mark.parametrize("sequence", [0, 1, 99])
def test_three_stray_nacks_within_10_s_close_a_client(sequence: int) -> None:
    """The carrier no longer understands us: reconnect (spec/reliability 2.8)."""
    esme = client()
    told = Malformed("generic_nack for nothing", C.GENERIC_NACK)
    for now in (0.0, 5.0, 10.0):  # the first is over when the third comes
        assert tell(esme, C.GENERIC_NACK, sequence=sequence, now=now) == [told]
    events = tell(esme, C.GENERIC_NACK, sequence=sequence, now=14.9)
    assert events[0] == told
    assert isinstance(events[1], Closing)
    assert esme.state is State.CLOSED
    assert not esme.has_output  # a nack is never answered


def test_nacks_of_known_numbers_are_no_strays() -> None:
    """They fail their requests, and the session stays."""
    esme = client()
    for n in range(4):
        sequence = esme.send(C.SUBMIT_SM, SUBMIT, n, 0.0)
        (event,) = tell(esme, C.GENERIC_NACK, sequence=sequence, status=0x03)
        assert isinstance(event, Answered)
    assert esme.state is State.BOUND_TRX


def test_our_enquire_link_may_be_nacked() -> None:
    """That too is a sign of life."""
    esme = client()
    esme.tick(30.0)
    (probe,) = written(esme)
    assert probe == Pdu(C.ENQUIRE_LINK, 0, 2)
    assert tell(esme, C.GENERIC_NACK, sequence=2, status=3, now=31.0) == []
    esme.tick(46.0)
    assert not esme.has_output

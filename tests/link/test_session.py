"""Promises of the Twisted side of a session, on a transport in memory."""

from typing import Any

import pytest
from twisted.internet.error import ConnectionAborted, ConnectionDone, ConnectionLost
from twisted.internet.task import Clock

from luckgw.link.flusher import Flusher
from luckgw.link.session import MAX_UNSENT, SmppSession
from luckgw.wire.connection import Connection, Role, Settings, State
from luckgw.wire.events import BindRequested, Closing, Unbound
from luckgw.wire.pdus import Command, Sm, encode_pdu
from tests.conftest import LoggedFailures
from tests.link.far import Far
from tests.wire.peers import BIND, SUBMIT, nack, resp


class Heard(SmppSession):
    """A server that keeps what it hears, and lets everybody in."""

    def __init__(self, clock: Clock, flusher: Flusher, wire: Connection) -> None:
        super().__init__(clock, flusher, wire)
        self.events: list[Any] = []
        self.given_back: list[object] | None = None
        self.reason = ""
        self.resumptions = 0
        self.is_broken = False
        self.can_not_go = False

    def handle(self, events: list[Any]) -> None:
        """Keep them, and do the least that a session has to do."""
        if self.is_broken:
            raise ZeroDivisionError
        self.events += events
        for event in events:
            if isinstance(event, BindRequested):
                self.wire.accept_bind(b"gateway")
            if isinstance(event, Unbound | Closing):
                self.close()

    def gone(self, unanswered: list[object], reason: str) -> None:
        """Keep what comes back."""
        self.given_back = unanswered
        self.reason = reason
        if self.can_not_go:
            raise ZeroDivisionError

    def resumed(self) -> None:
        """Count."""
        self.resumptions += 1

    @property
    def messages(self) -> list[int]:
        """The sequence numbers of the submit_sm that were heard."""
        return [e.sequence_number for e in self.events if type(e) is Sm]


class Ends:
    """A session and the far end of its connection."""

    def __init__(self, clock: Clock, **settings: Any) -> None:
        self.clock = clock
        self.flusher = Flusher(clock)
        wire = Connection(Role.SMSC, Settings(**settings), clock.seconds())
        self.session = Heard(clock, self.flusher, wire)
        self.far = Far(clock, self.session)

    def bind(self) -> "Ends":
        """Bind as transceiver, and forget the answer."""
        self.far.send(Command.BIND_TRANSCEIVER, BIND)
        [bound] = self.far.got()
        assert bound.command_status == 0
        return self

    def fill(self) -> None:
        """Write so much that the transport tells us to pause."""
        self.far.transport.is_taking = False
        self.send(b"x" * 70_000)

    def send(self, octets: bytes, context: object = None) -> None:
        """Send a deliver_sm of that size or more."""
        self.session.wire.send(Command.DELIVER_SM, octets, context, 0.0)
        self.flusher.mark(self.session)
        self.clock.advance(0)


@pytest.fixture
def ends(clock: Clock) -> Ends:
    """A bound session with room for a thousand of everything."""
    return Ends(clock, window=1000, inbound_window=1000).bind()


def submits(*numbers: int) -> bytes:
    """A read with these submit_sm in it."""
    return b"".join(encode_pdu(Command.SUBMIT_SM, 0, n, SUBMIT) for n in numbers)


class TestTooMany:
    """A peer that sends twice its window (spec/reliability 2.6)."""

    def test_it_is_not_read_until_half_is_answered(self, clock: Clock) -> None:
        """And then the rest is read, and nothing is lost."""
        ends = Ends(clock, inbound_window=4).bind()
        far, session = ends.far, ends.session
        far.transport.arrive(submits(*range(10)))
        far.transport.arrive(submits(10))
        far.turn()
        assert session.messages == [0, 1, 2, 3]
        assert not far.is_read()
        for number in (0, 1):
            session.wire.answer_message(Command.SUBMIT_SM, number, b"id")
        session.flusher.mark(session)
        far.turn()
        far.turn()
        assert far.is_read()
        assert session.messages == [0, 1, 2, 3, 8, 9]
        assert session.wire.throttled == 5

    def test_it_is_read_again_within_five_seconds(self, clock: Clock) -> None:
        """Its enquire_link is behind what is too much."""
        ends = Ends(clock, inbound_window=2).bind()
        ends.far.transport.arrive(submits(1, 2, 3, 4))
        ends.far.got()
        ends.far.send(Command.ENQUIRE_LINK, sequence=9)
        assert ends.far.got() == []
        ends.far.turn(5)
        assert ends.far.is_read()
        assert resp(Command.ENQUIRE_LINK, 0, 9) in ends.far.got()


class TestOctets:
    def test_a_turn_is_answered_with_one_write(self, ends: Ends) -> None:
        """However many reads and answers a turn has, the peer gets one packet."""
        ends.far.send(Command.ENQUIRE_LINK, sequence=1)
        ends.far.send(Command.ENQUIRE_LINK, sequence=2)
        ends.far.turn()
        assert len(ends.far.transport.writes) == 1
        assert ends.far.got() == [
            resp(Command.ENQUIRE_LINK, 0, 1),
            resp(Command.ENQUIRE_LINK, 0, 2),
        ]

    def test_a_long_read_takes_several_turns(self, clock: Clock) -> None:
        """After as many PDUs as one turn may handle, the others have their turn; the
        socket is not read meanwhile, and nothing is lost or changes its order.
        """
        ends = Ends(clock, max_pdus_per_read=3, inbound_window=100).bind()
        seen: list[tuple[int, bool]] = []

        def look() -> None:
            seen.append((len(ends.session.messages), ends.far.is_read()))
            if len(seen) < 4:
                clock.callLater(0, look)

        ends.far.transport.arrive(submits(1, 2, 3, 4, 5, 6, 7))
        ends.far.transport.arrive(submits(8))  # waits in the socket
        look()
        clock.advance(0)
        assert seen == [(3, False), (6, False), (7, True), (8, True)]
        assert ends.session.messages == [1, 2, 3, 4, 5, 6, 7, 8]

    def test_octets_that_come_between_the_turns_wait(self, clock: Clock) -> None:
        """TLS delivers what it has decrypted, though it was told to pause."""
        ends = Ends(clock, max_pdus_per_read=2, inbound_window=100).bind()
        ends.session.dataReceived(submits(1, 2, 3))
        ends.session.dataReceived(submits(4, 5))
        ends.far.turn()
        ends.far.turn()
        ends.far.turn()
        assert ends.session.messages == [1, 2, 3, 4, 5]
        assert ends.far.is_read()
        assert ends.far.clock.getDelayedCalls() == [ends.session._ticker.call]

    def test_the_end_of_a_long_read_is_not_awaited_by_the_gone(
        self, clock: Clock
    ) -> None:
        """A peer that goes in the middle of its own burst causes no error."""
        ends = Ends(clock, max_pdus_per_read=1).bind()
        ends.far.transport.arrive(submits(1, 2))
        ends.far.cut()
        ends.far.turn()
        assert ends.session.messages == [1]

    def test_the_answer_that_ends_a_session_ends_it_in_the_next_turn(
        self, ends: Ends
    ) -> None:
        """The peer unbinds while its message is stored: once that is answered the
        unbind is answered, too, and the connection closed, without waiting for a tick.
        """
        ends.far.send(Command.SUBMIT_SM, SUBMIT, sequence=1)
        ends.far.send(Command.UNBIND, sequence=2)
        assert ends.far.got() == []
        ends.session.wire.answer_message(Command.SUBMIT_SM, 1, b"id")
        ends.flusher.mark(ends.session)
        ends.far.turn()
        assert ends.far.closed()
        assert ends.far.got() == [
            resp(Command.SUBMIT_SM, 0, 1, b"id\0"),
            resp(Command.UNBIND, 0, 2),
        ]


class TestPeerThatDoesNotRead:
    def test_what_it_does_not_take_is_held_and_comes_in_order(self, ends: Ends) -> None:
        """Output waits while the transport is full; then all of it goes, once."""
        ends.fill()
        assert ends.session.is_stalled
        ends.far.send(Command.ENQUIRE_LINK, sequence=1)
        ends.far.turn()
        ends.far.send(Command.ENQUIRE_LINK, sequence=2)
        ends.far.turn()
        assert len(ends.far.transport.unsent) < 71_000  # the rest is with us
        ends.far.transport.take()
        assert not ends.session.is_stalled
        assert ends.session.resumptions == 1
        assert ends.far.got()[1:] == [
            resp(Command.ENQUIRE_LINK, 0, 1),
            resp(Command.ENQUIRE_LINK, 0, 2),
        ]

    def test_it_is_not_read_while_too_much_waits(self, ends: Ends) -> None:
        """A peer that sends and never reads can not fill our memory with answers."""
        ends.fill()
        ends.send(b"x" * MAX_UNSENT)
        assert not ends.far.is_read()
        ends.far.send(Command.SUBMIT_SM, SUBMIT, sequence=1)
        ends.far.turn()
        assert ends.session.messages == []
        ends.far.transport.take()
        assert ends.far.is_read()
        ends.far.turn()
        assert ends.session.messages == [1]

    def test_while_we_do_not_read_its_silence_is_ours(self, ends: Ends) -> None:
        """A PDU that was cut in two because we stopped reading is waited for."""
        ends.fill()
        octets = submits(1)
        ends.far.transport.arrive(octets[:20])
        ends.send(b"x" * MAX_UNSENT)
        ends.far.transport.arrive(octets[20:])
        ends.far.turn(20)
        ends.far.transport.take()
        ends.far.turn()
        assert ends.session.messages == [1]
        assert not ends.far.closed()

    def test_it_stays_stalled_when_the_held_fill_the_transport_again(
        self, ends: Ends
    ) -> None:
        """A peer that took one buffer is not taken for one that keeps up."""
        ends.fill()
        ends.send(b"x" * 70_000)
        transport = ends.far.transport
        transport.unsent = b""  # the peer took what was there, and stops again
        ends.session.resumeProducing()
        assert ends.session.is_stalled
        assert ends.session.resumptions == 0

    def test_after_thirty_seconds_it_is_cut(self, ends: Ends) -> None:
        """spec/reliability 2.5: write stall."""
        ends.fill()
        ends.far.turn(29)
        assert not ends.far.aborted()
        ends.far.turn(2)
        assert ends.far.aborted()
        assert ends.session.is_gone

    def test_who_took_something_meanwhile_has_thirty_seconds_more(
        self, ends: Ends
    ) -> None:
        """Slow is not dead."""
        for _ in range(3):
            ends.fill()
            ends.far.turn(25)
            ends.far.transport.take()
            ends.far.send(Command.ENQUIRE_LINK)
        ends.far.turn(10)
        assert not ends.far.aborted()


class TestClosing:
    def test_the_last_word_is_heard(self, ends: Ends) -> None:
        """Junk: generic_nack, then the end."""
        ends.far.transport.arrive(b"GET / HTTP/1.1\r\n")
        assert ends.far.closed()
        [last] = ends.far.got()
        assert (last.command_id, last.command_status) == (0x80000000, 0x02)
        assert isinstance(ends.session.events[-1], Closing)

    def test_what_was_held_is_heard_before(self, ends: Ends) -> None:
        """Closing forgets nothing that a stalled peer was to get, if it takes it."""
        ends.fill()
        ends.far.send(Command.ENQUIRE_LINK, sequence=1)
        ends.far.turn()
        ends.far.send(Command.UNBIND, sequence=2)
        ends.far.turn()
        ends.far.transport.take()
        assert ends.far.closed()
        assert ends.far.got()[1:] == [
            resp(Command.ENQUIRE_LINK, 0, 1),
            resp(Command.UNBIND, 0, 2),
        ]

    def test_after_it_nothing_is_heard(self, ends: Ends) -> None:
        """TLS delivers octets after loseConnection: they are too late."""
        ends.session.close()
        ends.session.dataReceived(submits(1))
        assert ends.session.messages == []

    def test_twice_is_once(self, ends: Ends) -> None:
        """Two reasons to close are no error."""
        ends.session.close()
        ends.session.close()
        assert ends.far.closed()
        ends.session.close()
        ends.session.abort()
        assert ends.session.reason == str(ConnectionDone())

    def test_a_peer_that_does_not_let_go_is_cut(self, ends: Ends) -> None:
        """The last octets have five seconds, then the connection is over."""
        ends.far.transport.is_taking = False
        ends.send(b"x" * 100)
        ends.session.close()
        ends.far.turn(4)
        assert not ends.session.is_gone
        ends.far.turn(2)
        assert ends.far.aborted()
        assert ends.session.reason == str(ConnectionAborted())

    def test_a_paused_transport_reads_again(self, clock: Clock) -> None:
        """TLS is closed by both sides: the peer's part has to be read."""
        ends = Ends(clock, max_pdus_per_read=1).bind()
        ends.far.transport.arrive(submits(1, 2))
        assert not ends.far.is_read()
        ends.session.close()
        assert ends.far.is_read()
        assert ends.far.closed()
        assert ends.session.messages == [1]


class TestLeaving:
    def test_bound_it_says_so_first(self, ends: Ends) -> None:
        """unbind, unbind_resp, close; then the Deferred fires."""
        left: list[None] = []
        ends.session.leave().addCallback(left.append)
        [unbind] = ends.far.got()
        assert unbind.command_id == Command.UNBIND
        ends.session.events.clear()
        ends.far.respond(unbind)
        ends.session.close()  # as whoever hears UnbindDone does
        assert ends.far.closed()
        assert left == [None]

    def test_it_does_not_wait_for_ever(self, ends: Ends) -> None:
        """An unbind that nobody answers ends in five seconds all the same."""
        left: list[None] = []
        ends.session.leave().addCallback(left.append)
        ends.far.turn(6)
        assert left == [None]

    def test_it_does_not_wait_for_a_peer_that_does_not_read(self, ends: Ends) -> None:
        """A full transport makes leaving no longer."""
        ends.fill()
        left: list[None] = []
        ends.session.leave().addCallback(left.append)
        ends.far.turn(6)
        assert left == [None]
        assert ends.far.aborted()

    def test_unbound_it_just_closes(self, clock: Clock) -> None:
        """There is nobody to say goodbye to."""
        ends = Ends(clock)
        ends.session.leave()
        assert ends.far.closed()
        assert ends.far.got() == []

    def test_a_peer_that_leaves_already_is_answered(self, ends: Ends) -> None:
        """Its unbind waits for our answer to its message; both are still written."""
        ends.far.send(Command.SUBMIT_SM, SUBMIT, sequence=1)
        ends.far.send(Command.UNBIND, sequence=2)
        ends.session.leave()
        ends.session.wire.answer_message(Command.SUBMIT_SM, 1, b"id")
        ends.flusher.mark(ends.session)
        assert [p.sequence_number for p in ends.far.got()] == [1, 2]
        assert ends.far.closed()

    def test_of_one_that_is_gone_it_is_told_at_once(self, ends: Ends) -> None:
        """No Deferred is left behind."""
        ends.far.cut()
        left: list[None] = []
        ends.session.leave().addCallback(left.append)
        assert left == [None]


class TestTheEnd:
    def test_what_is_unanswered_is_given_back(self, ends: Ends) -> None:
        """All contexts, the oldest first, with the reason."""
        for context in ("a", "b", "c"):
            ends.send(b"x", context)
        [_, b, _] = ends.far.got()
        ends.far.respond(b)
        ends.far.cut()
        assert ends.session.given_back == ["a", "c"]
        assert ends.session.reason == str(ConnectionLost())
        assert ends.session.wire.state is State.CLOSED
        assert ends.clock.getDelayedCalls() == []

    def test_those_who_wait_for_it_are_told_whatever_happens(self, ends: Ends) -> None:
        """A bug in what the end means holds nobody up."""
        ends.session.can_not_go = True
        told: list[None] = []
        ends.session.when_gone().addCallback(told.append)
        with pytest.raises(ZeroDivisionError):
            ends.far.cut()
        assert told == [None]

    def test_output_after_it_is_dropped(self, ends: Ends) -> None:
        """A turn may flush a session that went in the same turn."""
        ends.far.send(Command.ENQUIRE_LINK)
        ends.far.cut()
        ends.far.turn()
        assert ends.far.transport.writes == []


class TestBugs:
    """A bug of ours ends the session it happens in, and no other."""

    def test_in_a_tick(self, ends: Ends, logged_failures: LoggedFailures) -> None:
        """The timers of a session run on their own."""
        ends.send(b"x")
        ends.session.is_broken = True
        ends.clock.advance(61)
        assert ends.far.aborted()
        assert len(logged_failures.flush(ZeroDivisionError)) == 1
        assert ends.far.closed()

    def test_in_the_second_turn_of_a_read(
        self, clock: Clock, logged_failures: LoggedFailures
    ) -> None:
        """It ends as one in the first turn does, which is the reactor's business."""
        ends = Ends(clock, max_pdus_per_read=1).bind()
        ends.far.transport.arrive(submits(1, 2))
        ends.session.is_broken = True
        ends.far.turn()
        assert ends.far.aborted()
        assert len(logged_failures.flush(ZeroDivisionError)) == 1
        assert ends.far.closed()

    def test_in_a_flush(self, clock: Clock, logged_failures: LoggedFailures) -> None:
        """All other sessions of that turn are flushed, and it can be marked again."""
        flushed: list[str] = []

        class Marked:
            def __init__(self, name: str) -> None:
                self.name = name

            def flush(self) -> None:
                flushed.append(self.name)
                if self.name == "broken":
                    raise ZeroDivisionError

        flusher = Flusher(clock)
        marked = [Marked("a"), Marked("broken"), Marked("b")]
        for _ in range(2):
            for each in marked:
                flusher.mark(each)
                flusher.mark(each)
            clock.advance(0)
            assert sorted(flushed) == ["a", "b", "broken"]
            flushed.clear()
        assert len(logged_failures.flush(ZeroDivisionError)) == 2


def test_it_asks_for_life_by_itself(ends: Ends) -> None:
    """After 30 s of silence, twice; then the peer is gone (spec/reliability 2.5)."""
    ends.far.turn(31)
    assert [p.command_id for p in ends.far.got()] == [Command.ENQUIRE_LINK]
    ends.far.turn(15)
    assert [p.command_id for p in ends.far.got()] == [Command.ENQUIRE_LINK]
    ends.far.turn(14)
    assert ends.far.closed()
    assert ends.clock.seconds() <= 61


def test_an_incomplete_pdu_is_not_waited_for(ends: Ends) -> None:
    """Ten seconds after its first octet: generic_nack 0x02, close."""
    ends.far.transport.arrive(b"\0\0\0\x20")
    ends.far.turn(11)
    assert ends.far.closed()
    assert ends.far.got() == [nack(0x02, 0)]


def test_it_knows_its_peer(ends: Ends) -> None:
    """The address, without the port, for logs and for the list of allowed ones."""
    assert ends.session.peer == "192.0.2.1"

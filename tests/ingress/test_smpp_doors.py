"""Who may connect and bind to the SMPP server, and what strangers can not do."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from twisted.internet.task import Clock
from twisted.logger import ILogObserver, LogEvent, formatEvent, globalLogPublisher
from zope.interface import implementer

from luckgw.config.model import Access, Brake, Connections
from luckgw.config.secret import Secret
from luckgw.domain.status import Status
from luckgw.wire.pdus import Command, encode_sm
from tests.ingress.smpp_wire import (
    PASSWORD,
    Gateway,
    account,
    bind,
    session_of,
    statuses,
    submit,
)
from tests.link.far import Far

MakeGateway = Callable[..., Gateway]
ENQUIRE_LINK = Command.ENQUIRE_LINK
RESP = 0x80000000
HASHED = Secret("$argon2id$v=19$m=65536,t=3,p=4$c2FsdHNhbHQ$aGFzaGhhc2g", "argon2")


@pytest.fixture
def make_gateway(clock: Clock, tmp_path: Path) -> MakeGateway:
    """Make a gateway with these accounts and ``[smpp]`` settings."""

    def make(*accounts: Any, **smpp: Any) -> Gateway:
        return Gateway(clock, tmp_path, *accounts, **smpp)

    return make


@pytest.fixture
def log() -> Iterator[list[str]]:
    """The lines of the log."""
    lines: list[str] = []

    @implementer(ILogObserver)
    def observe(event: LogEvent) -> None:
        if event["log_level"].name != "debug":
            lines.append(formatEvent(event))

    globalLogPublisher.addObserver(observe)
    yield lines
    globalLogPublisher.removeObserver(observe)


def asked(far: Far) -> bool:
    """Whether the server asks for a sign of life now."""
    return ENQUIRE_LINK in [pdu.command_id for pdu in far.got()]


def answers(far: Far) -> list[tuple[int, int]]:
    """What came, by command_id and status."""
    return [(pdu.command_id, pdu.command_status) for pdu in far.got()]


class TestProbeAndEvict:
    """spec/reliability 2.10: a half-open link does not lock its partner out."""

    @pytest.fixture
    def gateway(self, make_gateway: MakeGateway) -> Gateway:
        """An account with two places."""
        return make_gateway(account("acme", max_binds=2))

    def test_a_dead_session_makes_way(self, gateway: Gateway) -> None:
        """It is asked, has three seconds, and goes; the bind waits, and is taken."""
        old, other = gateway.bound(), gateway.bound()
        old.turn(6)
        other.send(ENQUIRE_LINK)
        new = gateway.connect()
        bind(new)
        assert new.got() == []
        assert asked(old)
        new.turn(2.9)
        assert not old.aborted()
        assert new.got() == []
        new.turn(0.3)
        assert old.aborted()
        assert statuses(new) == [0]
        assert not other.closed()
        assert gateway.sessions.counts() == {"acme": 2}
        assert gateway.server.status()["doors"]["evicted"] == 1  # type: ignore[index]

    def test_a_living_one_stays(self, gateway: Gateway) -> None:
        """It answers; then there is no place, and that is said at once."""
        old, other = gateway.bound(), gateway.bound()
        old.turn(6)
        other.send(ENQUIRE_LINK)
        other.got()
        new = gateway.connect()
        bind(new)
        [probe] = old.got()
        old.respond(probe)
        new.turn(0.2)
        assert new.closed()
        assert statuses(new) == [Status.ESME_RBINDFAIL]
        assert not old.aborted()

    def test_any_pdu_is_a_sign_of_life(self, gateway: Gateway) -> None:
        """A partner that submits has no need to answer the question."""
        old, other = gateway.bound(), gateway.bound()
        old.turn(6)
        other.send(ENQUIRE_LINK)
        new = gateway.connect()
        bind(new)
        new.turn(1)
        submit(old)
        new.turn(0.2)
        assert statuses(new) == [Status.ESME_RBINDFAIL]

    def test_who_spoke_lately_is_not_asked(self, gateway: Gateway) -> None:
        """Five seconds of silence are no silence: 0x0D at once."""
        old, other = gateway.bound(), gateway.bound()
        old.turn(5)
        new = gateway.connect()
        bind(new)
        assert new.closed()
        assert statuses(new) == [Status.ESME_RBINDFAIL]
        assert not asked(old)
        assert not asked(other)

    def test_the_longest_silent_is_asked_first_then_the_next(
        self, gateway: Gateway
    ) -> None:
        """The first one lives, the second one does not."""
        first = gateway.bound()
        first.turn(2)
        second = gateway.bound()
        second.turn(10)
        new = gateway.connect()
        bind(new)
        [probe] = first.got()
        assert not asked(second)
        first.respond(probe)
        new.turn(0.2)
        assert asked(second)
        new.turn(3.2)
        assert second.aborted()
        assert not first.aborted()
        assert statuses(new) == [0]

    def test_a_partner_that_comes_back_with_all_its_binds(
        self, gateway: Gateway
    ) -> None:
        """Each of its binds takes the place of one dead session, at the same time."""
        old = [gateway.bound(), gateway.bound()]
        old[0].turn(20)
        new = [gateway.connect() for _ in range(3)]
        for far in new:
            bind(far)
        assert statuses(new[2]) == [Status.ESME_RBINDFAIL]
        new[0].turn(3.2)
        assert [each.aborted() for each in old] == [True, True]
        assert [statuses(far) for far in new[:2]] == [[0], [0]]

    def test_the_place_of_one_that_leaves_by_itself(self, gateway: Gateway) -> None:
        """It goes while it is asked: the new one need not wait any longer."""
        old, _ = gateway.bound(), gateway.bound()
        old.turn(6)
        new = gateway.connect()
        bind(new)
        old.cut()
        new.turn(0.2)
        assert statuses(new) == [0]

    def test_the_newcomer_goes_meanwhile(self, gateway: Gateway) -> None:
        """Nobody is evicted for somebody who is not there any more."""
        old, other = gateway.bound(), gateway.bound()
        old.turn(6)
        other.send(ENQUIRE_LINK)
        new = gateway.connect()
        bind(new)
        new.turn(1)
        new.cut()
        old.turn(3)
        assert not old.aborted()
        assert gateway.sessions.counts() == {"acme": 2}

    def test_we_stop_meanwhile(self, gateway: Gateway) -> None:
        """The bind is refused, and nobody waits for it."""
        for far in (gateway.bound(), gateway.bound()):
            far.turn(6)
        new = gateway.connect()
        bind(new)
        new.got()
        gateway.server.drain()
        assert new.closed()
        assert statuses(new) == [Status.ESME_RBINDFAIL]

    def test_only_who_would_make_room(self, make_gateway: MakeGateway) -> None:
        """The receivers are full: a silent transmitter is left in peace."""
        gateway = make_gateway(
            account("acme", max_binds=9, access=Access(max_tx=1, max_rx=1))
        )
        sender = gateway.bound(Command.BIND_TRANSMITTER)
        receiver = gateway.bound(Command.BIND_RECEIVER)
        sender.turn(8)
        new = gateway.connect()
        bind(new, Command.BIND_RECEIVER)
        assert not asked(sender)
        new.turn(3.2)
        assert receiver.aborted()
        assert not sender.aborted()
        assert statuses(new) == [0]

    def test_a_wrong_password_evicts_nobody(self, gateway: Gateway) -> None:
        """A stranger who knows the system_id can not make us ask, or cut, anybody."""
        old, _ = gateway.bound(), gateway.bound()
        old.turn(6)
        new = gateway.connect()
        bind(new, password="wrong")
        assert statuses(new) == [Status.ESME_RINVPASWD]
        assert not asked(old)


class TestKindsAndDirections:
    def test_a_kind_that_is_not_allowed(self, make_gateway: MakeGateway) -> None:
        """0x0D; the others are taken."""
        gateway = make_gateway(account("acme", access=Access(binds=("receiver",))))
        far = gateway.connect()
        bind(far)
        assert far.closed()
        assert statuses(far) == [Status.ESME_RBINDFAIL]
        gateway.bound(Command.BIND_RECEIVER)

    def test_as_many_in_each_direction(self, make_gateway: MakeGateway) -> None:
        """A transceiver counts in both."""
        gateway = make_gateway(account("acme", access=Access(max_tx=2, max_rx=1)))
        gateway.bound(Command.BIND_TRANSCEIVER)
        gateway.bound(Command.BIND_TRANSMITTER)
        for kind in (Command.BIND_RECEIVER, Command.BIND_TRANSMITTER):
            far = gateway.connect()
            bind(far, kind)
            assert statuses(far) == [Status.ESME_RBINDFAIL]

    def test_in_the_clear_where_tls_is_asked_for(
        self, make_gateway: MakeGateway
    ) -> None:
        """The same answer as to a wrong password: nobody learns that it is right."""
        gateway = make_gateway(account("acme", access=Access(require_tls=True)))
        far = gateway.connect()
        bind(far)
        assert far.closed()
        assert statuses(far) == [Status.ESME_RINVPASWD]


class TestOurOwnTrouble:
    def test_the_store_is_away(self, gateway: Gateway) -> None:
        """0x08, and never 0x0E, after which some peers do not come back; but a wrong
        password is still wrong. Who is bound stays.
        """
        old = gateway.bound()
        gateway.journal.lost()
        for password, status in ((PASSWORD, 0x08), ("wrong", 0x0E)):
            far = gateway.connect()
            bind(far, password=password)
            assert far.closed()
            assert statuses(far) == [status]
        assert not old.closed()

    def test_too_many_passwords_at_once(self, make_gateway: MakeGateway) -> None:
        """One is looked at, 64 wait: the next bind is told to try again. Of those who
        wait for the same password only one needs it to be hashed.
        """
        gateway = make_gateway(
            account("acme", password=HASHED, max_binds=100),
            connections=Connections(unbound_per_address=100),
        )
        fars = [gateway.connect() for _ in range(66)]
        for far in fars:
            bind(far)
        assert len(gateway.checks) == 1
        assert statuses(fars[65]) == [Status.ESME_RSYSERR]
        gateway.checks.pop()()
        assert all(statuses(far) == [0] for far in fars[:65])
        assert gateway.checks == []

    def test_strangers_wait_behind_partners(self, make_gateway: MakeGateway) -> None:
        """Who was wrong before is looked at last: guesses do not delay a partner."""
        gateway = make_gateway(account("acme", password=HASHED))
        first = gateway.connect("192.0.2.66")
        bind(first, password="guess")
        gateway.checks.pop()()
        guesses = [gateway.connect("192.0.2.66") for _ in range(4)]
        for far in guesses:
            bind(far, password="another")
        partner = gateway.connect("198.51.100.1")
        bind(partner)
        gateway.checks.pop()()  # the one that was being looked at
        gateway.checks.pop()()
        assert statuses(partner) == [0]
        assert [len(statuses(far)) for far in guesses] == [1, 0, 0, 0]

    def test_who_does_not_wait_costs_no_hash(self, make_gateway: MakeGateway) -> None:
        """It hangs up while others are looked at; but a hash that was computed for it
        counts as a guess, whether it waits for the answer or not.
        """
        gateway = make_gateway(
            account("acme", password=HASHED), brake=Brake(address_failures=2)
        )
        fars = [gateway.connect() for _ in range(4)]
        for n, far in enumerate(fars):
            bind(far, password=f"guess{n}")
        for far in fars[:3]:
            far.cut()
        gateway.checks.pop()()  # that of the first, who is gone
        gateway.checks.pop()()
        assert gateway.checks == []
        assert statuses(fars[3]) == [Status.ESME_RINVPASWD]
        assert gateway.connect().closed()

    def test_a_right_password_is_not_hashed_twice(
        self, make_gateway: MakeGateway
    ) -> None:
        """Partners that come back are let in at once, for ten minutes; a wrong one is
        hashed as ever.
        """
        gateway = make_gateway(account("acme", password=HASHED))
        far = gateway.connect()
        bind(far)
        gateway.checks.pop()()
        assert statuses(far) == [0]
        gateway.bound()
        stranger = gateway.connect()
        bind(stranger, password="wrong")
        gateway.checks.pop()()
        assert statuses(stranger) == [Status.ESME_RINVPASWD]
        gateway.clock.advance(601)
        bind(gateway.connect())
        assert len(gateway.checks) == 1


@pytest.fixture
def gateway(make_gateway: MakeGateway) -> Gateway:
    """A gateway with the account "acme"."""
    return make_gateway()


class TestBrake:
    def test_guesses_wait(self, gateway: Gateway) -> None:
        """After five wrong ones each bind waits before its password is looked at; the
        answers are the same. Others do not wait.
        """
        for n in range(5):
            far = gateway.connect()
            bind(far, password=f"guess{n}")
            assert statuses(far) == [Status.ESME_RINVPASWD]
        for seconds in (1, 2, 4):
            far = gateway.connect()
            bind(far, password="another")
            far.turn(seconds - 0.1)
            assert far.got() == []
            far.turn(0.2)
            assert statuses(far) == [Status.ESME_RINVPASWD]
        gateway.connect()
        elsewhere = gateway.connect("192.0.2.9")
        bind(elsewhere)
        assert statuses(elsewhere) == [0]

    def test_the_right_one_waits_too_and_then_all_is_well(
        self, gateway: Gateway
    ) -> None:
        """What is told late only when it is wrong would be no brake."""
        for _ in range(5):
            bind(gateway.connect(), password="wrong")
        far = gateway.connect()
        bind(far)
        assert far.got() == []
        far.turn(1.1)
        assert statuses(far) == [0]
        gateway.bound()

    def test_who_does_not_wait_leaves_nothing_behind(self, gateway: Gateway) -> None:
        """A guesser that hangs up has not been answered, and no timer stays."""
        for _ in range(9):
            bind(gateway.connect(), password="wrong")
        gateway.clock.advance(6)
        for far in [gateway.connect() for _ in range(3)]:
            bind(far, password="wrong")
            far.cut()
        assert gateway.clock.getDelayedCalls() == []

    def test_an_address_is_shut_out(self, gateway: Gateway, log: list[str]) -> None:
        """Twenty guesses: what is open waits for nothing good, what is new is closed
        unheard; after fifteen minutes it may try again. Who is bound stays.
        """
        bound = gateway.bound()
        waiting = gateway.connect()
        for n in range(20):
            far = gateway.connect()
            bind(far, system_id=f"u{n}", password="guess")
            assert statuses(far) == [Status.ESME_RINVPASWD]
        bind(waiting)
        assert statuses(waiting) == [Status.ESME_RINVPASWD]
        assert gateway.connect().closed()
        submit(bound)
        assert statuses(bound) == [0]
        elsewhere = gateway.connect("192.0.2.9")
        bind(elsewhere)
        assert statuses(elsewhere) == [0]
        gateway.clock.advance(901)
        gateway.bound()
        assert (
            len([line for line in log if "too many wrong passwords from" in line]) == 1
        )

    def test_it_says_little(self, gateway: Gateway, log: list[str]) -> None:
        """A thousand guesses from as many addresses at once are a handful of lines, and
        no password is in any.
        """
        for n in range(1000):
            far = gateway.connect(f"10.0.{n // 200}.{n % 200}")
            bind(far, system_id="acme", password=f"pw-{n}")
            far.turn()
        assert 5 < len(log) < 30
        assert not any("pw-" in line for line in log)

    def test_numbers_of_ones_own(self, make_gateway: MakeGateway) -> None:
        """``[smpp] brake`` is obeyed."""
        gateway = make_gateway(brake=Brake(address_failures=2, shut_s=5))
        for n in range(2):
            bind(gateway.connect(), password=f"{n}")
        assert gateway.connect().closed()
        gateway.clock.advance(6)
        gateway.bound()


class TestManyConnections:
    SMALL = Connections(total=8, unbound=5, unbound_per_address=3, per_address=6)

    @pytest.fixture
    def gateway(self, make_gateway: MakeGateway) -> Gateway:
        """One with few places."""
        return make_gateway(account("acme", max_binds=100), connections=self.SMALL)

    def test_of_one_address(self, gateway: Gateway) -> None:
        """Few that are not bound; the bound do not count, and others may come."""
        fars = [gateway.connect() for _ in range(3)]
        assert gateway.connect().closed()
        bind(fars[0])
        assert statuses(fars[0]) == [0]
        assert not gateway.connect().closed()
        assert gateway.connect().closed()
        assert not gateway.connect("192.0.2.2").closed()

    def test_ipv6_by_the_network(self, gateway: Gateway) -> None:
        """A customer of an IPv6 network is one, however many addresses it has."""
        for n in range(3):
            assert not gateway.connect(f"2001:db8::{n:x}").closed()
        assert gateway.connect("2001:db8::ff").closed()
        assert not gateway.connect("2001:db8:0:1::1").closed()

    def test_strangers_keep_no_partner_out(self, gateway: Gateway) -> None:
        """Where all places of the unbound are taken, the longest silent makes way."""
        fars = [gateway.connect(f"192.0.2.{n}") for n in range(5)]
        partner = gateway.connect("198.51.100.1")
        assert fars[0].aborted()
        bind(partner)
        assert statuses(partner) == [0]
        assert not any(far.aborted() for far in fars[1:])

    def test_all_together(self, gateway: Gateway) -> None:
        """Beyond the limit no connection is taken; the others live."""
        fars = [gateway.connect(f"192.0.2.{n}") for n in range(3)]
        for n in range(5):
            fars.append(gateway.connect(f"192.0.2.{n + 3}"))
            bind(fars[-1])
            assert statuses(fars[-1]) == [0]
        assert gateway.connect("198.51.100.1").closed()
        fars[-1].cut()
        assert not gateway.connect("198.51.100.1").closed()

    def test_silent_ones_go_in_time(self, gateway: Gateway) -> None:
        """Ten seconds without a bind, half a PDU or none: closed, and forgotten."""
        fars = [gateway.connect() for _ in range(3)]
        fars[1].transport.arrive(b"\0\0\0\x20\0\0")
        fars[0].turn(11)
        assert all(far.closed() for far in fars)
        assert gateway.server.status()["doors"]["connections"] == 0  # type: ignore[index]
        gateway.bound()

    def test_a_flood_says_little(self, gateway: Gateway, log: list[str]) -> None:
        """A thousand connections of every bad kind are a handful of lines."""
        for n in range(1000):
            far = gateway.connect(f"10.1.{n // 200}.{n % 200}")
            if not far.transport.is_lost:
                far.transport.arrive(b"GET / HTTP/1.1\r\n\r\n")
            far.turn()
        assert len(log) < 60


class TestMalformed:
    def test_ten_are_an_alarm_and_a_hundred_the_end(
        self, gateway: Gateway, log: list[str]
    ) -> None:
        """spec/reliability 2.8; others are not concerned, and the log stays short."""
        far, other = gateway.bound(), gateway.bound()
        for _ in range(9):
            far.send(0x0000_1234)
        far.turn()
        assert not any("alarm" in line for line in log)
        far.send(0x0000_1234)
        far.turn()
        [alarm] = [line for line in log if "alarm" in line]
        assert "account acme" in alarm
        for _ in range(89):
            far.send(0x0000_1234)
        assert Command.UNBIND not in [pdu.command_id for pdu in far.got()]
        far.send(0x0000_1234)
        assert Command.UNBIND in [pdu.command_id for pdu in far.got()]
        assert len(log) < 25
        submit(other)
        assert statuses(other) == [0]
        [shown] = [
            each
            for each in gateway.server.status()["partners"]  # type: ignore[attr-defined]
            if each["malformed"]
        ]
        assert shown["malformed"] == 100


class TestDeliverWindow:
    def test_it_is_the_accounts(self, make_gateway: MakeGateway) -> None:
        """So many deliver_sm may be unanswered on a session."""
        gateway = make_gateway(
            account("acme", deliver_window=3), account("other", deliver_window=200)
        )
        sessions = [
            session_of(gateway.bound(system_id=name)) for name in ("acme", "other")
        ]
        assert [each.room for each in sessions] == [3, 200]
        assert [each.capacity for each in sessions] == [3, 200]
        sessions[0].deliver(b"", None)
        assert (sessions[0].room, sessions[0].in_flight) == (2, 1)

    def test_leaving_waits_for_it(self, make_gateway: MakeGateway) -> None:
        """A session with nothing on its way unbinds at once, whatever its window."""
        gateway = make_gateway(account("acme", deliver_window=7))
        far = gateway.bound()
        session_of(far).leave()
        assert answers(far) == [(Command.UNBIND, 0)]


class TestTimers:
    def test_each_is_obeyed(self, make_gateway: MakeGateway) -> None:
        """session_init, pdu_read, enquire_link, link_response: of the configuration."""
        gateway = make_gateway(
            session_init_s=3, pdu_read_s=2, enquire_link_s=20, link_response_s=4
        )
        silent = gateway.connect()
        silent.turn(2)
        assert not silent.closed()
        silent.turn(2)
        assert silent.closed()
        slow = gateway.bound()
        slow.transport.arrive(b"\0\0\0\x10")
        slow.turn(3)
        assert slow.closed()
        assert statuses(slow) == [0x02]
        idle = gateway.bound()
        idle.turn(19)
        assert not asked(idle)
        idle.turn(2)
        assert asked(idle)
        idle.turn(8)
        assert idle.closed()

    def test_a_partner_that_does_not_read(self, make_gateway: MakeGateway) -> None:
        """Cut off after ``write_stall_s``; what it did not get goes back."""
        gateway = make_gateway(write_stall_s=7)
        far = gateway.bound()
        far.transport.is_taking = False
        session_of(far).deliver(b"x" * 70_000, "kept")
        far.turn(6)
        assert not far.aborted()
        far.turn(3)
        assert far.aborted()
        assert ("lost", ["kept"]) in gateway.outbox("acme").news()


class TestStatus:
    def test_who_is_bound(self, gateway: Gateway) -> None:
        """features S18: kind, peer, age, version, TLS, what is on its way, what went
        wrong; nothing of those that are not bound but their number.
        """
        far = gateway.bound(Command.BIND_RECEIVER, version=0x33)
        gateway.connect()
        session_of(far).deliver(encode_sm(), None)
        far.turn(7)
        assert gateway.server.status() == {
            "partners": [
                {
                    "account": "acme",
                    "kind": "receiver",
                    "peer": "192.0.2.1",
                    "age_s": 7,
                    "silent_s": 7,
                    "version": "0x33",
                    "tls": None,
                    "certificate": None,
                    "in_flight": 1,
                    "unanswered": 0,
                    "malformed": 0,
                    "throttled": 0,
                }
            ],
            "doors": {
                "connections": 2,
                "unbound": 1,
                "evicted": 0,
                "turned away": {},
                "refused binds": {},
            },
        }

"""The carrier calls us: outbind, and we bind as receiver over its connection."""

from collections.abc import Callable
from typing import Any

import pytest
from twisted.internet.address import IPv4Address

from luckgw.config.secret import Secret
from luckgw.upstream.outbind import MOST_STRANGERS
from luckgw.wire.pdus import Command
from tests.link.far import Far
from tests.upstream.carrier import Carrier
from tests.wire.peers import SUBMIT, Pdu, nack, resp

ADDRESS = IPv4Address("TCP", "192.0.2.9", 40000)
GOOD = b"smsc\0letmein\0"
BIND = Pdu(Command.BIND_RECEIVER, 0, 1, b"luck\0secret08\0\0\x34\0\0\0")


class CallingCarrier(Carrier):
    """One that calls us."""

    def __init__(self, **config: Any) -> None:
        given: dict[str, Any] = {
            "bind": "receiver",
            "outbind_listen": ("tcp:3000",),
            "outbind_system_id": "smsc",
            "outbind_password": Secret("letmein"),
        }
        super().__init__(**(given | config))

    def call(self) -> Far:
        """Connect to us."""
        protocol = self.upstream.door.buildProtocol(ADDRESS)
        assert protocol is not None
        return Far(self.clock, protocol)

    def let_in(self) -> Far:
        """Connect, say who we are, and take the bind."""
        far = self.call()
        far.send(Command.OUTBIND, GOOD)
        [bind] = far.got()
        far.respond(bind, b"smsc\0")
        return far


@pytest.fixture
def calling() -> CallingCarrier:
    """A carrier that may call us, once at a time."""
    return CallingCarrier().start()  # type: ignore[return-value]


def test_it_is_waited_for(calling: CallingCarrier) -> None:
    """We never connect."""
    calling.clock.advance(1000)
    assert calling.calls == 0
    assert calling.state == "waiting for outbind"
    assert calling.bind.status().next_try_s is None


def test_we_say_nothing_before_the_carrier_does(calling: CallingCarrier) -> None:
    """Then we bind as receiver, and what it delivers is taken."""
    far = calling.call()
    assert far.got() == []
    far.send(Command.OUTBIND, GOOD)
    assert far.got() == [BIND]
    far.send(Command.BIND_RECEIVER_RESP, b"smsc\0", sequence=1)
    assert calling.state == "bound"
    calling.ear.reply = 0
    delivered = far.send(Command.DELIVER_SM, SUBMIT)
    assert far.got() == [resp(Command.DELIVER_SM, 0, delivered, b"\0")]
    assert not calling.upstream.is_up


def test_the_carrier_may_be_in_a_hurry(calling: CallingCarrier) -> None:
    """A request right behind the outbind is answered as it must be: not bound."""
    far = calling.call()
    far.send(Command.OUTBIND, GOOD)
    sequence = far.send(Command.ENQUIRE_LINK)
    assert far.got() == [BIND, resp(Command.ENQUIRE_LINK, 0, sequence)]


@pytest.mark.parametrize(
    "body",
    [b"smsc\0wrong\0", b"other\0letmein\0", b"smsc\0\0", b"\0\0", b"smsc", b""],
)
def test_somebody_else(
    calling: CallingCarrier, logged: Callable[[str], list[str]], body: bytes
) -> None:
    """Is shown out without a word; the carrier can still call."""
    far = calling.call()
    far.send(Command.OUTBIND, body)
    assert far.closed()
    assert far.got() == []
    [line] = logged("turned away")
    assert "192.0.2.1" in line
    assert "letmein" not in line
    calling.let_in()
    assert calling.state == "bound"


def test_somebody_who_is_silent(calling: CallingCarrier) -> None:
    """Has ten seconds."""
    far = calling.call()
    far.turn(11)
    assert far.closed()
    assert far.got() == []
    assert calling.ear.heard == []


def test_somebody_who_binds(calling: CallingCarrier) -> None:
    """We are no server here: 0x04; three of these are enough."""
    far = calling.call()
    for _ in range(3):
        far.send(Command.BIND_TRANSCEIVER, b"a\0b\0\0\x34\0\0\0")
    assert far.closed()
    assert {pdu.command_status for pdu in far.got()} == {0x04}


def test_many_strangers(calling: CallingCarrier) -> None:
    """No more than a few at a time; when they are gone there is room again."""
    strangers = [calling.call() for _ in range(MOST_STRANGERS)]
    assert calling.upstream.door.buildProtocol(ADDRESS) is None
    strangers[0].cut()
    calling.let_in()


def test_one_call_for_each_bind() -> None:
    """One more is shown out; of two that are bound, each lives alone."""
    calling = CallingCarrier(binds=2).start()
    assert isinstance(calling, CallingCarrier)
    first, second = calling.let_in(), calling.let_in()
    third = calling.call()
    third.send(Command.OUTBIND, GOOD)
    assert third.closed()
    assert third.got() == []
    first.cut()
    states = [bind.status().state for bind in calling.upstream.binds]
    assert states == ["waiting for outbind", "bound"]
    assert not second.closed()
    calling.let_in()


def test_what_became_of_the_last_call(calling: CallingCarrier) -> None:
    """Can be seen, until the next one."""
    far = calling.call()
    far.send(Command.OUTBIND, GOOD)
    [bind] = far.got()
    far.respond(bind, status=0x0E)
    assert far.closed()
    status = calling.bind.status()
    assert (status.state, status.trouble) == (
        "waiting for outbind",
        "wrong credentials",
    )
    calling.clock.advance(1000)
    assert calling.calls == 0
    calling.let_in()
    assert calling.bind.status().trouble == ""


def test_with_a_transmitter_beside_it() -> None:
    """``tx+rx``: that one connects as ever."""
    calling = CallingCarrier(bind="tx+rx").start()
    assert isinstance(calling, CallingCarrier)
    far = calling.bound()
    calling.let_in()
    assert [bind.status().state for bind in calling.upstream.binds] == ["bound"] * 2
    calling.upstream.submit(SUBMIT, "a")
    assert len(calling.submits(far)) == 1


def test_a_second_outbind(calling: CallingCarrier) -> None:
    """On a bound session it is out of place."""
    far = calling.let_in()
    sequence = far.send(Command.OUTBIND, GOOD)
    assert far.got() == [nack(0x04, sequence)]
    assert calling.state == "bound"


def test_at_a_stop(calling: CallingCarrier) -> None:
    """Who is bound is unbound, who is not is shown out, who calls is not let in."""
    far, stranger = calling.let_in(), calling.call()
    done: list[None] = []
    calling.upstream.drain(5).addCallback(done.append)
    assert stranger.closed()
    [unbind] = far.got()
    assert unbind.command_id == Command.UNBIND
    far.respond(unbind)
    assert far.closed()
    assert done == [None]
    late = calling.call()
    late.send(Command.OUTBIND, GOOD)
    assert late.closed()
    assert late.got() == []

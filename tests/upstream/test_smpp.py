"""Promises of an SMPP upstream: several binds seen as one carrier."""

from typing import Any

import pytest
from twisted.internet.endpoints import TCP4ClientEndpoint
from twisted.internet.testing import MemoryReactorClock

from luckgw.config import model
from luckgw.config.secret import Secret
from luckgw.link.flusher import Flusher
from luckgw.upstream.registry import UPSTREAM_TYPES
from luckgw.wire.pdus import Command
from tests.link.far import Far
from tests.upstream.carrier import Carrier
from tests.wire.peers import SUBMIT

KINDS = {
    "transceiver": [Command.BIND_TRANSCEIVER],
    "transmitter": [Command.BIND_TRANSMITTER],
    "receiver": [Command.BIND_RECEIVER],
    "tx+rx": [Command.BIND_TRANSMITTER, Command.BIND_RECEIVER],
}


def several(**config: Any) -> tuple[Carrier, list[Far]]:
    """A carrier with all binds up."""
    carrier = Carrier(**config).start()
    return carrier, [carrier.bound() for _ in range(carrier.calls)]


class TestBinds:
    @pytest.mark.parametrize("bind", model.BINDS)
    def test_as_many_as_configured(self, bind: str) -> None:
        """``tx+rx`` is one of each in place of a transceiver."""
        carrier = Carrier(bind=bind, binds=2).start()
        commands = [carrier.accept().got()[0].command_id for _ in range(carrier.calls)]
        assert commands == KINDS[bind] * 2
        assert [each.state for each in carrier.upstream.status()] == (
            ["binding"] * len(commands)
        )

    def test_each_lives_alone(self) -> None:
        """One that is refused for its password disturbs no other."""
        carrier = Carrier(binds=2).start()
        [bind] = (refused := carrier.accept()).got()
        refused.respond(bind, status=0x0E)
        assert refused.closed()
        carrier.bound()
        assert carrier.upstream.is_up
        assert (carrier.upstream.room, carrier.upstream.capacity) == (10, 10)
        states = [(s.state, s.last_error) for s in carrier.upstream.status()]
        assert states == [("waiting", "bind refused with 0x0E"), ("bound", "")]

    def test_only_what_sends_has_room(self) -> None:
        """Of ``tx+rx``, receivers add neither room nor capacity, and get no submit."""
        carrier, [transmitter, receiver] = several(bind="tx+rx", window=3)
        assert (carrier.upstream.room, carrier.upstream.capacity) == (3, 3)
        for context in range(3):
            carrier.upstream.submit(SUBMIT, context)
        assert len(carrier.submits(transmitter)) == 3
        assert carrier.submits(receiver) == []
        transmitter.cut()
        assert not carrier.upstream.is_up
        assert (carrier.upstream.room, carrier.upstream.capacity) == (0, 0)

    def test_the_type_is_in_the_registry(self) -> None:
        """Every type that the configuration knows can be made."""
        assert set(UPSTREAM_TYPES) == set(model.UPSTREAM_TYPES)
        clock = MemoryReactorClock()
        config = model.Upstream(
            name="mtn",
            endpoint="tcp:smsc.example:2775",
            system_id="luck",
            password=Secret("pw"),
        )
        for make in UPSTREAM_TYPES.values():
            endpoint = TCP4ClientEndpoint(clock, "smsc.example", 2775)
            made = make(clock, Flusher(clock), endpoint, config, lambda: 0.5)
            assert (made.name, made.is_up, made.room) == ("mtn", False, 0)


class TestSpreading:
    def test_one_after_the_other(self) -> None:
        """Submits go over the binds in turn."""
        carrier, fars = several(binds=3)
        for context in range(6):
            carrier.upstream.submit(SUBMIT, context)
        assert [len(carrier.submits(far)) for far in fars] == [2, 2, 2]

    def test_to_whoever_has_room(self) -> None:
        """A full window and a pause are passed over."""
        carrier, fars = several(binds=3, window=2)
        for context in range(6):
            carrier.upstream.submit(SUBMIT, context)
        assert carrier.upstream.room == 0
        first, _, third = [carrier.submits(far) for far in fars]
        fars[0].respond(first[0], b"id\0")
        fars[2].respond(third[0], b"id\0")
        carrier.upstream.hold_back(carrier.upstream.binds[0], 1.0)
        assert carrier.upstream.room == 1
        carrier.upstream.submit(SUBMIT, 6)
        assert [len(carrier.submits(far)) for far in fars] == [0, 0, 1]

    def test_without_room_it_is_a_bug(self) -> None:
        """Whoever sends without looking at ``room`` is told so."""
        carrier, _ = several(window=1)
        carrier.upstream.submit(SUBMIT, "a")
        with pytest.raises(RuntimeError, match="room"):
            carrier.upstream.submit(SUBMIT, "b")
        assert carrier.bind.status().in_flight == 1

    def test_what_carried_it_can_be_held_back(self) -> None:
        """``submit`` tells the bind; nothing else pauses anything."""
        carrier, _ = several(binds=2)
        via = carrier.upstream.submit(SUBMIT, "a")
        carrier.upstream.hold_back(via, 1.0)
        assert carrier.upstream.room == 10
        carrier.upstream.hold_back(None, 1.0)
        assert carrier.upstream.room == 10

    def test_one_write_for_a_turn(self) -> None:
        """A window's worth of submits is one packet."""
        carrier, [far] = several()
        for context in range(10):
            carrier.upstream.submit(SUBMIT, context)
        far.turn()
        assert len(far.transport.writes) == 1


class TestDraining:
    def drained(self, carrier: Carrier, timeout_s: float = 10.0) -> list[Any]:
        """Where it is told that the upstream is drained."""
        told: list[Any] = []
        carrier.upstream.drain(timeout_s).addCallback(told.append)
        return told

    def test_what_is_under_way_is_awaited(self) -> None:
        """Nothing new; the answer comes; only then unbind, close, and the Deferred."""
        carrier, [far] = several()
        carrier.upstream.submit(SUBMIT, "a")
        [submit] = far.got()
        told = self.drained(carrier)
        assert (carrier.upstream.room, carrier.upstream.is_up) == (0, False)
        far.turn(3)
        assert far.got() == []
        far.respond(submit, b"id\0")
        far.turn(1)
        assert carrier.ear.news() == [("answered", "a", 0, b"id")]
        [unbind] = far.got()
        assert told == []
        far.respond(unbind)
        assert far.closed()
        assert told == [None]
        assert carrier.clock.getDelayedCalls() == []

    def test_receipts_are_taken_meanwhile(self) -> None:
        """The receivers stay until the end."""
        carrier, [transmitter, receiver] = several(bind="tx+rx")
        carrier.upstream.submit(SUBMIT, "a")
        self.drained(carrier)
        carrier.ear.reply = 0
        receiver.send(Command.DELIVER_SM, SUBMIT)
        assert [p.command_id for p in receiver.got()] == [Command.DELIVER_SM_RESP]
        assert len(carrier.submits(transmitter)) == 1

    def test_not_for_ever(self) -> None:
        """What is not answered in time is uncertain, and it ends."""
        carrier, [far] = several()
        carrier.upstream.submit(SUBMIT, "a")
        told = self.drained(carrier, 3.0)
        far.turn(10)
        assert told == [None]
        assert carrier.ear.news() == [("uncertain", ["a"], False)]
        assert carrier.clock.getDelayedCalls() == []

    def test_idle_it_takes_no_time(self) -> None:
        """Without anything under way it unbinds at once, all binds at the same time."""
        carrier, fars = several(binds=2)
        told = self.drained(carrier)
        for far in fars:
            [unbind] = far.got()
            far.respond(unbind)
        assert all(far.closed() for far in fars)
        assert told == [None]

    def test_binds_that_are_not_up_do_not_come_up(self) -> None:
        """A call that waits or is under way is given up, while others finish."""
        carrier = Carrier(binds=4).start()
        carrier.refuse()
        connector = carrier.ignore()
        binding, far = carrier.accept(), carrier.bound()
        carrier.upstream.submit(SUBMIT, "a")
        told = self.drained(carrier)
        assert connector.stoppedConnecting
        assert binding.closed()
        far.turn(5)
        states = [each.state for each in carrier.upstream.status()]
        assert states == ["down", "down", "down", "bound"]
        assert carrier.calls == 0
        far.turn(15)
        assert told == [None]
        assert carrier.clock.getDelayedCalls() == []

    def test_before_the_start_it_is_done(self) -> None:
        """There is nothing to drain."""
        assert self.drained(Carrier()) == [None]


def test_a_link_that_goes_costs_only_its_own_window() -> None:
    """The others go on, and what they carry stays certain."""
    carrier, fars = several(binds=2, window=2)
    for context in range(4):
        carrier.upstream.submit(SUBMIT, context)
    for far in fars:
        far.turn()
    fars[0].cut()
    [(word, contexts, _)] = carrier.ear.news()
    assert (word, len(contexts)) == ("uncertain", 2)
    assert (carrier.upstream.room, carrier.upstream.capacity) == (0, 2)
    assert carrier.upstream.is_up
    for submit in carrier.submits(fars[1]):
        fars[1].respond(submit, b"id\0")
    answered = {context for _, context, _, _ in carrier.ear.news()}
    assert answered | set(contexts) == {0, 1, 2, 3}

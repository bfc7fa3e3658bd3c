"""What becomes of a message after it was claimed, answer by answer."""

from collections.abc import Callable
from typing import Any

import pytest

from luckgw.config import model
from luckgw.config.outgoing import Rewrite, UpstreamAddresses
from luckgw.config.routes import Route, RouteRewrite
from luckgw.dispatch import expiry
from luckgw.dispatch.refusals import MOST_CODES
from luckgw.domain.states import State
from luckgw.store import keys, records
from luckgw.store.interface import FLAG_WEBHOOK, Verdict
from luckgw.store.records import REQUEUED, UNCERTAIN
from luckgw.upstream.interface import NACK
from luckgw.wire.pdus import decode_sm
from tests.dispatch.world import (
    ACCOUNT,
    BAD_DESTINATION,
    QUEUE_FULL,
    SYSTEM_ERROR,
    THROTTLED,
    UPSTREAM,
    World,
    submit_body,
)

MakeWorld = Callable[..., World]
SENT, DELIVERED = State.SENT, State.DELIVERED


def tails(world: World, message_id: bytes) -> list[list[bytes]]:
    """The tails of a message's events, in their parts."""
    return [e.tail.split(b"\0") for e in world.node.record(message_id).events]


class TestSending:
    def test_a_message_goes_out_as_it_was_kept(self, world: World) -> None:
        """The carrier gets the body that was kept, octet for octet; its ROK makes the
        message SENT and ends the claim in one step.
        """
        body = submit_body(b"\0\xff\x1b as it came", data_coding=4)
        message_id = world.accept(bodies=(body,))
        assert [each.body for each in world.carrier.got] == [body]
        assert world.node.state(message_id) is State.ACCEPTED
        world.after(world.carrier.answer)
        assert world.node.state(message_id) is SENT
        assert world.node.claimed() == set()
        assert world.mt.consumer.held == set()

    def test_with_addresses_as_the_carrier_wants_them(
        self, make_world: MakeWorld
    ) -> None:
        """On their way out only: what is kept, and shown to the customer, stays. Sent
        again it is the same.
        """
        world = make_world(
            addresses=UpstreamAddresses(
                source="2/8", rewrite_destination=(Rewrite(to="0", prefix="233"),)
            ),
            uncertain="resend",
        )
        body = submit_body(b"Hello")
        message_id = world.accept(bodies=(body,))
        world.after(world.carrier.answer, QUEUE_FULL)
        world.node.wait(600)
        world.mt.poke()
        world.node.turn()
        assert len(world.carrier.got) == 2
        for sent in world.carrier.got:
            sm = decode_sm(sent.body)
            assert (sm.source_addr_ton, sm.source_addr_npi) == (2, 8)
            assert sm.destination_addr == b"0501234567"
        assert world.node.record(message_id).bodies == [body]

    def test_with_addresses_as_its_route_wants_them(
        self, make_world: MakeWorld
    ) -> None:
        """Before the carrier's own rules, and only of that route's messages; what is
        kept stays. Sent again it is the same.
        """
        rewrite = RouteRewrite(
            source_pool=("Bcme", "Ccme"),
            destination=(Rewrite(to="99", prefix="233"),),
        )
        other = RouteRewrite(source_pool=("Never",))
        world = make_world(
            addresses=UpstreamAddresses(
                rewrite_destination=(Rewrite(to="7", prefix="99"),)
            ),
            routes=(
                Route("default", (UPSTREAM,), rewrite=rewrite),
                Route("other", (UPSTREAM,), rewrite=other),
            ),
        )
        body = submit_body(b"Hello")
        message_id = world.accept(bodies=(body,))
        world.after(world.carrier.answer, QUEUE_FULL)
        world.node.wait(600)
        world.mt.poke()
        world.node.turn()
        first, again = [decode_sm(sent.body) for sent in world.carrier.got]
        assert first.body == again.body
        assert first.source_addr in (b"Bcme", b"Ccme")
        assert first.destination_addr == b"7501234567"
        assert world.node.record(message_id).bodies == [body]

    def test_the_carriers_id_finds_the_message(self, world: World) -> None:
        """A receipt for the id of the answer belongs to the message."""
        message_id = world.accept()
        (carrier_id,) = world.after(world.carrier.answer)
        world.node.receipt(carrier_id, DELIVERED)
        assert world.node.state(message_id) is DELIVERED

    def test_ids_in_the_carriers_own_form(self, make_world: MakeWorld) -> None:
        """An id in hexadecimal in the answer is the decimal one in the receipt."""
        world = make_world(resp_id="hex", dlr_id="dec")
        message_id = world.accept()
        world.after(world.carrier.answer, message_id=b"1F2E")
        world.node.receipt(b"7982", DELIVERED)
        assert world.node.state(message_id) is DELIVERED
        assert tails(world, message_id)[0] == [b"mtn", b"1F2E"]

    def test_an_answer_without_an_id(self, world: World) -> None:
        """A carrier that gives no id has the message all the same."""
        message_id = world.accept()
        world.after(world.carrier.answer, message_id=b"")
        assert world.node.state(message_id) is SENT
        assert world.node.claimed() == set()
        assert world.store.carrier_ids == {}

    def test_an_id_given_twice(self, world: World) -> None:
        """The newer message has it then; the older one stays SENT."""
        older, newer = world.accept(), world.accept()
        world.after(world.carrier.answer, message_id=b"c1")
        world.after(world.carrier.answer, message_id=b"c1")
        world.node.receipt(b"c1", DELIVERED)
        assert world.node.state(older) is SENT
        assert world.node.state(newer) is DELIVERED

    def test_the_window_is_never_overrun(self, make_world: MakeWorld) -> None:
        """As many are sent as there is room for, and the next ones in their order as
        answers come; one more window waits here, the rest in the store.
        """
        world = make_world(window=3)
        world.accept_many(8)
        assert world.carrier.texts == [b"0", b"1", b"2"]
        assert len(world.node.claimed()) == 6
        assert len(world.node.queued()) == 2
        world.after(world.carrier.answer)
        assert world.carrier.texts == [b"0", b"1", b"2", b"3"]
        while world.carrier.open:
            world.after(world.carrier.answer)
        assert world.carrier.texts == [b"%d" % each for each in range(8)]
        assert world.node.claimed() == set()

    def test_where_doubt_is_an_end_little_is_claimed(
        self, make_world: MakeWorld
    ) -> None:
        """With uncertain = "unknown" a crash costs at most what could be on its way."""
        world = make_world(window=3, uncertain="unknown")
        world.accept_many(8)
        assert len(world.node.claimed()) == 3
        while world.carrier.open:
            world.after(world.carrier.answer)
        assert world.carrier.texts == [b"%d" % each for each in range(8)]

    def test_an_early_receipt(self, world: World) -> None:
        """A receipt that overtakes the answer is waiting for it."""
        message_id = world.accept(flags=FLAG_WEBHOOK)
        world.node.receipt(b"c1", DELIVERED)
        world.after(world.carrier.answer)
        assert world.node.state(message_id) is DELIVERED
        assert world.woken == [ACCOUNT]

    def test_the_webhook_is_told_of_sent(self, world: World) -> None:
        """Who has a webhook hears SENT, and is woken; who has none gets no entry."""
        world.accept()
        world.accept(flags=FLAG_WEBHOOK)
        world.after(world.carrier.answer)
        assert (world.node.webhook_events(), world.woken) == ([], [])
        world.after(world.carrier.answer)
        assert (world.node.webhook_events(), world.woken) == ([SENT], [ACCOUNT])

    def test_what_the_carrier_delivers_is_handed_on(self, world: World) -> None:
        """A deliver_sm and the way to answer it go to whoever asked for them."""
        sm, reply = object(), object()
        world.mt.received(sm, reply)  # type: ignore[arg-type]
        assert world.received == [(sm, reply)]

    def test_what_people_see(self, world: World) -> None:
        """The status counts what is on its way, waits, is uncertain, and was sent."""
        world.accept_many(12)
        world.after(world.carrier.time_out)
        assert world.mt.status() == {
            "up": True,
            "in_flight": 10,
            "backlog": 1,
            "uncertain": 1,
            "sent": 11,
            "duplicates_suspected": 0,
            "refused": {},
        }


class TestNacked:
    """A generic_nack: the carrier could not read it (spec/reliability 2.8)."""

    NACK_03 = NACK | 0x03

    def test_three_times_and_no_more(self, world: World) -> None:
        """Three tries may end so; the fourth rejects the message, err shows why."""
        message_id = world.accept()
        for wait in (5, 15, 60):
            world.after(world.carrier.answer, self.NACK_03)
            assert world.node.due() == {message_id: wait}
            world.wait(wait + 0.5, step=wait)
        world.after(world.carrier.answer, self.NACK_03)
        assert world.node.state(message_id) is State.REJECTED
        assert len(world.carrier.got) == 4
        assert tails(world, message_id) == [
            *[[b"mtn", b"3", b"nack"]] * 3,
            [b"mtn", b"REJECTD", b"003"],
        ]

    def test_over_a_restart(self, world: World) -> None:
        """They are counted in the record, not in the process."""
        message_id = world.accept()
        for _ in range(2):
            world.after(world.carrier.answer, self.NACK_03)
            world.wait(61, step=60)
        world.die()
        world.start()
        world.carrier.come()
        world.node.take_over(model.Config(upstreams={"mtn": world.config}))
        world.wait(200, step=10)
        for _ in range(2):
            world.after(world.carrier.answer, self.NACK_03)
            world.wait(301, step=60)
        assert world.node.state(message_id) is State.REJECTED

    def test_other_refusals_are_not_counted_with_them(self, world: World) -> None:
        """A carrier that has trouble of its own is tried until the validity ends."""
        message_id = world.accept()
        statuses = (self.NACK_03, SYSTEM_ERROR, SYSTEM_ERROR, self.NACK_03)
        for status in statuses:
            world.after(world.carrier.answer, status)
            world.wait(301, step=60)
        assert world.node.state(message_id) is State.ACCEPTED
        world.after(world.carrier.answer)
        assert world.node.state(message_id) is SENT

    def test_many_segments_in_one_try_are_one(self, world: World) -> None:
        """A long message has as many tries as a short one."""
        message_id = world.accept(b"a", b"b", b"c", b"d")
        world.after(world.carrier.answer, *[self.NACK_03] * 4)
        assert world.node.kinds(message_id) == [REQUEUED]
        world.wait(5.5, step=5)
        world.after(world.carrier.answer, 0, 0, 0, 0)
        assert world.node.state(message_id) is SENT

    def test_what_is_sent_stays_sent(self, world: World) -> None:
        """Rejected, but no segment goes again."""
        message_id = world.accept(b"a", b"b")
        world.after(world.carrier.answer, 0, self.NACK_03)
        for wait in (5, 15, 60):
            world.wait(wait + 0.5, step=wait)
            world.after(world.carrier.answer, self.NACK_03)
        assert world.carrier.texts == [b"a", b"b", b"b", b"b", b"b"]
        assert world.node.state(message_id) is State.REJECTED


class TestCodesOfACarrier:
    VENDOR = 0x45A

    def test_unknown_ones_are_permanent_counted_and_kept(
        self, world: World, logged: Callable[[str], list[str]]
    ) -> None:
        """The number stands in err as it came; one line says that nobody knows it."""
        first, second = world.accept_many(2)
        world.after(world.carrier.answer, self.VENDOR, self.VENDOR)
        assert world.node.state(first) is world.node.state(second) is State.REJECTED
        assert tails(world, first) == [[b"mtn", b"REJECTD", b"1114"]]
        assert world.mt.status()["refused"] == {"0x45A": 2}
        assert len(logged("0x45A")) == 1

    @pytest.mark.parametrize(
        ("word", "kinds", "held_back"),
        [
            ("temporary", [REQUEUED], []),
            ("throttle", [], [1.0]),
            ("session", [], [1.0]),
        ],
    )
    def test_what_the_configuration_says(
        self,
        make_world: MakeWorld,
        logged: Callable[[str], list[str]],
        word: str,
        kinds: list[int],
        held_back: list[float],
    ) -> None:
        """The message goes again, now or later; and nothing is unknown."""
        world = make_world(answers={self.VENDOR: word})
        message_id = world.accept()
        world.after(world.carrier.answer, self.VENDOR)
        assert world.node.kinds(message_id) == kinds
        assert world.carrier.held_back == held_back
        world.wait(6)
        world.after(world.carrier.answer)
        assert world.node.state(message_id) is SENT
        assert len(world.carrier.got) == 2
        assert logged("0x45A") == []

    def test_permanent_can_be_said_of_a_temporary_one(
        self, make_world: MakeWorld
    ) -> None:
        """0x08 of a carrier that means "no credit" by it."""
        world = make_world(answers={SYSTEM_ERROR: "permanent"})
        message_id = world.accept()
        world.after(world.carrier.answer, SYSTEM_ERROR)
        assert world.node.state(message_id) is State.REJECTED

    def test_a_carrier_with_endless_codes(self, world: World) -> None:
        """They are counted in bounded memory."""
        for code in range(0x1000, 0x1000 + 3 * MOST_CODES):
            world.accept()
            world.after(world.carrier.answer, code)
        refused = world.mt.status()["refused"]
        assert isinstance(refused, dict)
        assert len(refused) == MOST_CODES + 1
        assert refused["others"] == 2 * MOST_CODES


class TestNotCarried:
    """A carrier that can not be sent a message as it is."""

    def test_it_is_rejected_at_once(
        self, world: World, logged: Callable[[str], list[str]]
    ) -> None:
        """With 193, "optional parameter not allowed"; the others go."""
        world.carrier.refuses = b"b"
        ids = [world.accept(text) for text in (b"a", b"b", b"c")]
        states = [world.node.state(each) for each in ids]
        assert states == [State.ACCEPTED, State.REJECTED, State.ACCEPTED]
        assert tails(world, ids[1]) == [[b"mtn", b"REJECTD", b"193"]]
        assert world.mt.status()["sent"] == 2
        world.after(world.carrier.answer, 0, 0)
        assert world.node.state(ids[2]) is SENT
        assert len(logged("can not go to mtn")) == 1

    def test_one_segment_of_many(self, world: World) -> None:
        """What is under way is awaited, what is not stays."""
        world.carrier.refuses = b"b"
        message_id = world.accept(b"a", b"b", b"c")
        assert world.carrier.texts == [b"a"]
        world.after(world.carrier.answer)
        assert world.node.state(message_id) is State.REJECTED
        assert world.mt.status()["in_flight"] == 0
        assert world.node.claimed() == set()


class TestRefusedForGood:
    def test_rejected(self, world: World) -> None:
        """REJECTED, with the code as err; and it is not sent again."""
        message_id = world.accept(flags=FLAG_WEBHOOK)
        world.after(world.carrier.answer, BAD_DESTINATION)
        assert world.node.state(message_id) is State.REJECTED
        assert tails(world, message_id) == [[b"mtn", b"REJECTD", b"011"]]
        assert world.node.webhook_events() == [State.REJECTED]
        assert world.woken == [ACCOUNT]
        world.wait(2000)
        assert len(world.carrier.got) == 1
        assert world.node.claimed() == set()

    def test_the_rest_of_a_long_message_is_not_sent(
        self, make_world: MakeWorld
    ) -> None:
        """Segments that wait stay here; those on their way may come as they like."""
        world = make_world(window=2)
        message_id = world.accept(b"a", b"b", b"c")
        other = world.accept(b"next")
        world.after(world.carrier.answer_to, b"a", BAD_DESTINATION)
        assert world.node.state(message_id) is State.ACCEPTED
        world.after(world.carrier.answer_to, b"b")
        assert world.node.state(message_id) is State.REJECTED
        world.after(world.carrier.answer)
        assert world.carrier.texts == [b"a", b"b", b"next"]
        assert world.node.state(other) is SENT
        world.node.receipt(b"c1", DELIVERED)
        assert world.node.state(message_id) is State.REJECTED
        assert world.node.claimed() == set()

    def test_a_permanent_refusal_outweighs_a_temporary_one(self, world: World) -> None:
        """One segment refused for good ends the message, whatever the others say."""
        for order in ((SYSTEM_ERROR, BAD_DESTINATION), (BAD_DESTINATION, SYSTEM_ERROR)):
            message_id = world.accept(b"a", b"b")
            world.after(world.carrier.answer, *order)
            assert world.node.state(message_id) is State.REJECTED
        world.wait(100)
        assert len(world.carrier.got) == 4

    def test_and_it_does_not_wait_for_doubts(self, world: World) -> None:
        """REJECTED is told at once, though another segment is uncertain; its late ROK
        still maps the id and changes nothing.
        """
        message_id = world.accept(b"a", b"b", flags=FLAG_WEBHOOK)
        world.after(world.carrier.time_out)
        world.after(world.carrier.answer, BAD_DESTINATION)
        assert world.node.state(message_id) is State.REJECTED
        world.after(world.carrier.answer_late)
        world.wait(500)
        assert world.node.state(message_id) is State.REJECTED
        assert world.node.webhook_events() == [State.REJECTED]
        assert len(world.carrier.got) == 2
        assert world.mt.status()["uncertain"] == 0


class TestRefusedForNow:
    def test_the_schedule(self, world: World) -> None:
        """5, 15, 60, 300, 900, 900 s, however often, each attempt on the record."""
        message_id = world.accept()
        for tries, wait in enumerate((5, 15, 60, 300, 900, 900), 1):
            world.after(world.carrier.answer, SYSTEM_ERROR)
            assert world.node.due() == {message_id: wait}
            world.wait(wait - 0.5, step=wait)
            assert len(world.carrier.got) == tries
            world.wait(1)
            assert len(world.carrier.got) == tries + 1
        assert world.node.kinds(message_id) == [REQUEUED] * 6
        assert tails(world, message_id)[0] == [b"mtn", b"8"]
        world.after(world.carrier.answer)
        assert world.node.state(message_id) is SENT

    def test_others_go_on(self, world: World) -> None:
        """A message that waits for its time holds up nobody."""
        world.accept_many(3)
        world.after(world.carrier.answer, SYSTEM_ERROR, 0, 0)
        later = world.accept(b"later")
        world.after(world.carrier.answer)
        assert world.node.state(later) is SENT

    def test_the_validity_ends_before_the_next_try(self, world: World) -> None:
        """Then the message expires when its validity ends, not at the next try."""
        message_id = world.accept(validity_s=22)
        for wait in (5, 15):
            world.after(world.carrier.answer, SYSTEM_ERROR)
            world.wait(wait)
        world.after(world.carrier.answer, SYSTEM_ERROR)
        assert world.node.due() == {message_id: 2.0}
        world.wait(2.5)
        assert world.node.state(message_id) is State.EXPIRED
        assert len(world.carrier.got) == 3

    def test_only_what_was_refused_goes_again(self, world: World) -> None:
        """Of a long message, segments that the carrier has are not repeated."""
        message_id = world.accept(b"a", b"b", b"c", flags=FLAG_WEBHOOK)
        world.after(world.carrier.answer_to, b"b", SYSTEM_ERROR)
        world.after(world.carrier.answer_to, b"a")
        world.after(world.carrier.answer_to, b"c")
        assert world.node.state(message_id) is State.ACCEPTED
        assert world.node.webhook_events() == []
        world.wait(6)
        assert world.carrier.texts == [b"a", b"b", b"c", b"b"]
        world.after(world.carrier.answer)
        assert world.node.state(message_id) is SENT
        assert world.node.webhook_events() == [SENT]
        assert world.node.claimed() == set()


class TestThrottled:
    @pytest.mark.parametrize("status", [THROTTLED, QUEUE_FULL, 0x04, 0x05])
    def test_the_message_goes_first_when_the_bind_goes_on(
        self, make_world: MakeWorld, status: int
    ) -> None:
        """The bind rests; then the same messages go, in their order, before all that
        waits; it counts as no attempt.
        """
        world = make_world(window=3)
        ids = world.accept_many(8)
        world.after(world.carrier.answer, status, status, status)
        assert world.carrier.held_back == [1.0] * 3
        world.wait(0.9)
        assert len(world.carrier.got) == 3
        world.wait(0.2)
        while world.carrier.open:
            world.after(world.carrier.answer)
        order = [b"0", b"1", b"2"]
        assert world.carrier.texts == order + [b"%d" % each for each in range(8)]
        assert [world.node.kinds(each) for each in ids] == [[SENT]] * 8

    def test_the_order_holds_however_often(self, make_world: MakeWorld) -> None:
        """One that is turned away again still goes before those behind it."""
        world = make_world(window=3)
        world.accept_many(5)
        world.after(world.carrier.answer, THROTTLED, THROTTLED, THROTTLED)
        world.wait(1)
        world.after(world.carrier.answer, THROTTLED)
        world.after(world.carrier.answer, 0, THROTTLED)
        world.wait(1)
        assert world.carrier.texts[6:] == [b"0", b"2", b"3"]

    def test_not_after_its_validity(self, make_world: MakeWorld) -> None:
        """A message whose validity ends while the bind rests expires unsent, and so
        does one that waits behind it.
        """
        world = make_world(window=1)
        ids = world.accept_many(2, validity_s=0.5)
        last = world.accept(b"2")
        world.after(world.carrier.answer, THROTTLED)
        world.wait(1.5)
        assert [world.node.state(each) for each in ids] == [State.EXPIRED] * 2
        assert world.carrier.texts == [b"0", b"2"]
        world.after(world.carrier.answer)
        assert world.node.state(last) is SENT

    def test_a_long_message_expires_whole(self, make_world: MakeWorld) -> None:
        """When a segment is too late the unsent ones stay; those on their way may be
        answered first.
        """
        world = make_world(window=2)
        message_id = world.accept(b"a", b"b", b"c", b"d", validity_s=5)
        world.wait(6)
        world.after(world.carrier.answer_to, b"a")
        assert world.node.state(message_id) is State.ACCEPTED
        world.after(world.carrier.answer_to, b"b")
        assert world.node.state(message_id) is State.EXPIRED
        assert world.carrier.texts == [b"a", b"b"]
        assert world.node.claimed() == set()

    def test_when_the_carrier_goes(self, make_world: MakeWorld) -> None:
        """What was turned away goes back to the queue, before what was behind it."""
        world = make_world(window=3)
        ids = world.accept_many(8)
        world.after(world.carrier.answer, THROTTLED, THROTTLED, THROTTLED)
        world.after(world.carrier.go)
        assert world.node.queued() == ids
        assert world.node.claimed() == set()

    def test_no_more_of_a_message_that_was_refused(self, world: World) -> None:
        """A segment is not repeated when another one was refused for good."""
        message_id = world.accept(b"a", b"b")
        world.after(world.carrier.answer, BAD_DESTINATION, THROTTLED)
        assert world.node.state(message_id) is State.REJECTED
        world.wait(5)
        assert len(world.carrier.got) == 2

    def test_refused_for_good_while_another_waits(self, world: World) -> None:
        """The same in the other order."""
        message_id = world.accept(b"a", b"b")
        world.after(world.carrier.answer, THROTTLED, BAD_DESTINATION)
        assert world.node.state(message_id) is State.REJECTED
        world.wait(5)
        assert len(world.carrier.got) == 2


class TestUncertain:
    def test_a_late_rok_counts(self, world: World) -> None:
        """An answer within the hold: SENT, and not sent again."""
        message_id = world.accept()
        world.after(world.carrier.time_out)
        world.wait(119)
        world.after(world.carrier.answer_late)
        world.wait(500)
        assert world.node.state(message_id) is SENT
        assert len(world.carrier.got) == 1
        assert world.node.claimed() == set()
        assert world.mt.status()["uncertain"] == 0

    @pytest.mark.parametrize(
        ("status", "wait", "state"),
        [
            (BAD_DESTINATION, 0, State.REJECTED),
            (SYSTEM_ERROR, 5, State.ACCEPTED),
            (THROTTLED, 1, State.ACCEPTED),
        ],
    )
    def test_a_late_refusal_counts(
        self, world: World, status: int, wait: int, state: State
    ) -> None:
        """It means what it would have meant in time, and ends the doubt."""
        message_id = world.accept()
        world.after(world.carrier.time_out)
        world.after(world.carrier.answer_late, status)
        assert world.node.state(message_id) is state
        world.wait(wait + 0.5)
        assert len(world.carrier.got) == (1 if state is State.REJECTED else 2)
        assert UNCERTAIN not in world.node.kinds(message_id)
        assert world.mt.status()["uncertain"] == 0

    def test_sent_again_after_the_hold(self, world: World) -> None:
        """Without an answer it goes again, and the record says that it may be twice."""
        message_id = world.accept()
        world.after(world.carrier.time_out)
        world.wait(119.5)
        assert len(world.carrier.got) == 1
        world.wait(1)
        assert world.carrier.texts == [b"Hello"] * 2
        assert world.node.kinds(message_id) == [UNCERTAIN]
        assert world.mt.duplicates_suspected == 1
        world.after(world.carrier.answer)
        assert world.node.state(message_id) is SENT

    def test_resend(self, make_world: MakeWorld) -> None:
        """With "resend" it goes again at once."""
        world = make_world(uncertain="resend")
        message_id = world.accept()
        world.after(world.carrier.time_out)
        assert len(world.carrier.got) == 2
        assert world.node.kinds(message_id) == [UNCERTAIN]

    def test_unknown(self, make_world: MakeWorld) -> None:
        """With "unknown" it never goes again, and its state says so; a receipt that
        comes in spite of all that is of the first one.
        """
        world = make_world(uncertain="unknown")
        message_id = world.accept(flags=FLAG_WEBHOOK)
        world.after(world.carrier.time_out)
        assert world.node.state(message_id) is State.UNKNOWN_FOR_GOOD
        assert world.node.webhook_events() == [State.UNKNOWN_FOR_GOOD]
        world.wait(1000)
        assert len(world.carrier.got) == 1
        (carrier_id,) = [world.after(world.carrier.answer_late)]
        world.node.receipt(carrier_id, DELIVERED)
        assert world.node.state(message_id) is DELIVERED
        assert world.node.webhook_events() == [State.UNKNOWN_FOR_GOOD, DELIVERED]

    def test_a_lost_link_keeps_the_order(self, make_world: MakeWorld) -> None:
        """What was not sent goes back at once, what was uncertain after the hold; then
        all of it in its order.
        """
        world = make_world(window=3, uncertain_hold_s=30)
        ids = world.accept_many(8)
        world.after(world.carrier.go)
        assert world.node.queued() == ids[3:]
        assert world.node.claimed() == set(ids[:3])
        world.wait(31)
        assert world.node.queued() == ids
        world.after(world.carrier.come)
        while world.carrier.open:
            world.after(world.carrier.answer)
        assert world.carrier.texts[3:] == [b"%d" % each for each in range(8)]
        assert world.mt.duplicates_suspected == 3

    def test_a_lost_link_with_resend_keeps_the_order(
        self, make_world: MakeWorld
    ) -> None:
        """All of it goes back at once, in its order."""
        world = make_world(window=3, uncertain="resend")
        ids = world.accept_many(8)
        world.after(world.carrier.go)
        assert world.node.queued() == ids

    def test_timed_out_and_then_the_link_is_lost(self, world: World) -> None:
        """The hold goes on, and the message is sent again once."""
        world.accept()
        world.after(world.carrier.time_out)
        world.wait(60)
        world.after(world.carrier.go)
        world.after(world.carrier.come)
        world.wait(59)
        assert len(world.carrier.got) == 1
        world.wait(200)
        assert len(world.carrier.got) == 2

    def test_only_the_uncertain_segment_goes_again(self, world: World) -> None:
        """Of a long message, what the carrier has is not repeated."""
        message_id = world.accept(b"a", b"b")
        world.after(world.carrier.time_out)
        world.after(world.carrier.answer)
        world.wait(121)
        assert world.carrier.texts == [b"a", b"b", b"a"]
        world.after(world.carrier.answer)
        assert world.node.state(message_id) is SENT

    def test_uncertain_and_refused(self, world: World) -> None:
        """One segment in doubt, one refused for now: after the hold and the pause both
        go again, and both is on the record.
        """
        message_id = world.accept(b"a", b"b")
        world.after(world.carrier.time_out)
        world.after(world.carrier.answer, SYSTEM_ERROR)
        world.wait(120.5)
        assert world.node.kinds(message_id) == [UNCERTAIN, REQUEUED]
        assert world.node.due() == {message_id: pytest.approx(4.5, abs=0.3)}
        world.wait(6)
        assert world.carrier.texts == [b"a", b"b", b"a", b"b"]

    def test_the_hold_ends_while_another_segment_is_on_its_way(
        self, world: World
    ) -> None:
        """The message is decided as soon as that one is answered."""
        message_id = world.accept(b"a", b"b")
        world.after(world.carrier.time_out)
        world.wait(130)
        assert world.carrier.texts == [b"a", b"b"]
        world.after(world.carrier.answer)
        assert world.carrier.texts == [b"a", b"b", b"a"]
        assert world.node.kinds(message_id) == [SENT, UNCERTAIN]

    def test_a_second_segment_becomes_uncertain_during_the_hold(
        self, world: World
    ) -> None:
        """One hold, from the first one; then both go again."""
        world.accept(b"a", b"b")
        world.after(world.carrier.time_out)
        world.wait(60)
        world.after(world.carrier.time_out)
        world.wait(59)
        assert len(world.carrier.got) == 2
        world.wait(2)
        assert world.carrier.texts == [b"a", b"b", b"a", b"b"]

    def test_each_doubt_has_its_own_hold(self, world: World) -> None:
        """A message that becomes uncertain for the second time is held as long as for
        the first, whenever that was.
        """
        world.accept()
        world.after(world.carrier.time_out)
        world.wait(60)
        world.after(world.carrier.answer_late, THROTTLED)
        world.wait(2)
        world.after(world.carrier.time_out)
        world.wait(119)
        assert len(world.carrier.got) == 2
        world.wait(2)
        assert len(world.carrier.got) == 3

    def test_it_expires_instead_of_going_again(self, world: World) -> None:
        """A message whose validity ends during the hold is not sent again."""
        message_id = world.accept(validity_s=60)
        world.after(world.carrier.time_out)
        world.wait(121)
        assert world.node.state(message_id) is State.EXPIRED
        assert len(world.carrier.got) == 1


class TestLateAnswers:
    """A ROK for a first copy, when the second is already on its way through here."""

    @pytest.fixture
    def full(self, make_world: MakeWorld) -> World:
        """A world where a message was given back in doubt: its first copy is silent."""
        world = make_world(window=1)
        world.accept(b"m", flags=FLAG_WEBHOOK)
        world.accept(b"other")
        world.after(world.carrier.time_out)
        assert world.carrier.texts == [b"m", b"other"]
        return world

    ID = (1).to_bytes(16, "big")

    def test_while_the_second_waits_in_the_store(self, full: World) -> None:
        """The message is SENT, its webhook hears of it, the second copy never goes."""
        full.accept(b"third")
        full.wait(121)
        assert full.node.queued() == [self.ID]
        full.after(full.carrier.answer_late)
        assert full.node.state(self.ID) is SENT
        assert full.node.webhook_events() == [SENT]
        full.after(full.carrier.answer)
        full.after(full.carrier.answer)
        full.wait(500)
        assert full.carrier.texts == [b"m", b"other", b"third"]
        assert full.node.claimed() == set()

    def test_while_the_second_waits_here(self, full: World) -> None:
        """Then it is withdrawn."""
        full.wait(121)
        assert self.ID in full.mt.consumer.held
        assert full.mt.status()["backlog"] == 1
        full.after(full.carrier.answer_late)
        assert full.mt.status()["backlog"] == 0
        assert full.node.state(self.ID) is SENT
        assert full.node.webhook_events() == [SENT]
        assert full.node.claimed() == {(2).to_bytes(16, "big")}
        full.after(full.carrier.answer)
        full.wait(500)
        assert full.carrier.texts == [b"m", b"other"]

    @pytest.mark.parametrize("status", [0, BAD_DESTINATION, SYSTEM_ERROR, THROTTLED])
    def test_while_the_second_is_unanswered(self, full: World, status: int) -> None:
        """The message is SENT, whatever becomes of the copy; both ids are its."""
        full.wait(121)
        full.after(full.carrier.answer)  # the other one; m goes again
        assert full.carrier.texts == [b"m", b"other", b"m"]
        first_id = full.after(full.carrier.answer_late)
        assert full.node.state(self.ID) is SENT
        full.after(full.carrier.answer, status)
        full.wait(1000)
        assert full.node.state(self.ID) is SENT
        assert full.carrier.texts == [b"m", b"other", b"m"]
        assert full.node.claimed() == set()
        assert full.node.webhook_events() == [SENT]
        full.node.receipt(first_id, DELIVERED)
        assert full.node.state(self.ID) is DELIVERED

    def test_while_the_second_is_uncertain_as_well(self, full: World) -> None:
        """A ROK for the first ends the doubt about the second."""
        full.wait(121)
        full.after(full.carrier.answer)
        full.after(full.carrier.time_out)
        full.wait(60)
        full.after(full.carrier.answer_late)
        assert full.node.state(self.ID) is SENT
        full.wait(500)
        assert full.carrier.texts == [b"m", b"other", b"m"]
        assert full.mt.status()["uncertain"] == 0

    def test_the_second_times_out_when_the_first_was_answered(
        self, full: World
    ) -> None:
        """There is no doubt then."""
        full.wait(121)
        full.after(full.carrier.answer)
        full.after(full.carrier.answer_late)
        full.after(full.carrier.time_out)
        assert full.mt.status()["uncertain"] == 0
        full.wait(500)
        assert full.node.state(self.ID) is SENT
        assert len(full.carrier.got) == 3

    def test_a_refusal_of_the_first_says_nothing(self, full: World) -> None:
        """The last copy decides: the first one's refusal came too late."""
        full.wait(121)
        full.after(full.carrier.answer)
        full.after(full.carrier.answer_late, BAD_DESTINATION)
        assert full.node.state(self.ID) is State.ACCEPTED
        full.after(full.carrier.answer)
        assert full.node.state(self.ID) is SENT

    def test_in_the_same_turn_in_which_it_is_claimed_again(self, world: World) -> None:
        """Given back, claimed and answered late in one batch of the journal: it is not
        sent again, though the claim still shows it as unsent.
        """
        message_id = world.accept()
        world.after(world.carrier.time_out)
        world.node.link.is_slow = True
        world.mt.poke()
        world.node.turn()
        world.node.wait(121)  # the hold ends: given back, and to be claimed
        world.mt.poke()
        world.carrier.answer_late()
        world.node.link.release()
        world.node.turn()
        world.wait(500)
        assert world.node.state(message_id) is SENT
        assert world.node.claimed() == set()
        assert len(world.carrier.got) == 1

    def test_of_a_long_message(self, make_world: MakeWorld) -> None:
        """Segment by segment: the one whose answer came late does not go again."""
        world = make_world(window=2)
        message_id = world.accept(b"a", b"b")
        world.accept(b"x")
        world.accept(b"y")
        world.after(world.carrier.time_out, 2)
        world.wait(121)
        world.after(world.carrier.answer_late, 0, 1)
        world.after(world.carrier.answer, 0, 0)
        assert world.carrier.texts == [b"a", b"b", b"x", b"y", b"a"]
        world.after(world.carrier.answer)
        assert world.node.state(message_id) is SENT


class TestChangedByItsCustomer:
    """A message in its queue is cancelled or replaced (spec/reliability 2.3)."""

    def change(self, world: World, message_id: bytes, **changes: Any) -> None:
        """Replace a message's record."""
        old = world.node.store.records[message_id]
        new = records.replaced(old, **changes)
        told: list[Any] = []
        world.node.journal.replace(
            message_id, old, new, None, lambda *verdict: told.append(verdict)
        )
        world.node.turn()
        assert told == [(Verdict.APPLIED, "")]

    def test_cancelled(self, world: World) -> None:
        """It is claimed, found to be over, and settled: no carrier sees it."""
        world.after(world.carrier.go)
        unwanted, wanted = world.accept_many(2)
        told: list[Any] = []
        world.node.journal.cancel(unwanted, b"", lambda *v: told.append(v))
        world.node.turn()
        assert told == [(Verdict.APPLIED, "")]
        world.mt.expire()
        world.node.turn()
        world.after(world.carrier.come)
        world.wait(1)
        assert world.carrier.texts == [b"1"]
        assert world.node.state(unwanted) is State.CANCELED
        assert world.node.claimed() == {wanted}

    def test_cancelled_and_then_too_late(self, world: World) -> None:
        """What is cancelled does not expire."""
        world.after(world.carrier.go)
        message_id = world.accept(validity_s=10)
        world.node.journal.cancel(message_id, b"", lambda *_: None)
        world.wait(11)
        world.mt.expire()
        world.node.turn()
        assert world.node.state(message_id) is State.CANCELED
        assert world.node.claimed() == set()

    def test_replaced(self, world: World) -> None:
        """The carrier gets what it is now."""
        world.after(world.carrier.go)
        message_id = world.accept()
        self.change(world, message_id, bodies=[submit_body(b"new")])
        world.after(world.carrier.come)
        assert world.carrier.texts == [b"new"]

    def test_put_off(self, world: World) -> None:
        """A message that was ready waits for its new time, and goes then."""
        world.after(world.carrier.go)
        message_id = world.accept()
        self.change(world, message_id, due_ms=world.node.now_ms() + 60_000)
        world.after(world.carrier.come)
        world.wait(1)
        assert world.carrier.texts == []
        assert world.node.due() == {message_id: 59.0}
        world.wait(60)
        assert world.carrier.texts == [b"Hello"]

    def test_scheduled(self, world: World) -> None:
        """Nobody sees it before its time."""
        message_id = world.node.accept(due_ms=world.node.now_ms() + 60_000)
        world.wait(59)
        assert world.carrier.texts == []
        world.wait(2)
        assert world.carrier.texts == [b"Hello"]
        world.after(world.carrier.answer)
        assert world.node.state(message_id) is SENT


class TestTheCarrierIsAway:
    def test_nothing_is_claimed(self, world: World) -> None:
        """Messages stay in the store until the carrier is there."""
        world.after(world.carrier.go)
        ids = world.accept_many(3)
        assert world.node.queued() == ids
        world.after(world.carrier.come)
        assert world.carrier.texts == [b"0", b"1", b"2"]

    def test_it_goes_while_a_claim_is_under_way(self, make_world: MakeWorld) -> None:
        """What the claim brings goes back with the rest, in the old order."""
        world = make_world(window=2)
        ids = world.accept_many(7)
        world.carrier.answer()  # makes room: a claim is on its way
        world.carrier.go()
        world.node.turn()
        assert world.node.queued() == ids[3:]
        world.wait(121)
        assert world.node.queued() == ids[1:]
        assert world.node.claimed() == set()

    def test_validity_ends(self, world: World) -> None:
        """EXPIRED, though nobody serves the queue; the others keep their order."""
        world.after(world.carrier.go)
        ids = [
            world.accept(flags=FLAG_WEBHOOK, validity_s=validity_s)
            for validity_s in (1000, 10, 1000, 10)
        ]
        world.wait(11)
        world.mt.expire()
        world.node.turn()
        states = [world.node.state(each) for each in ids]
        assert states == [State.ACCEPTED, State.EXPIRED] * 2
        assert tails(world, ids[1]) == [[b"", b"EXPIRED", b"000"]]
        assert world.node.queued() == [ids[0], ids[2]]
        assert world.node.claimed() == set()
        assert world.woken == [ACCOUNT] * 2

    def test_validity_ends_behind_many(
        self, world: World, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """All of the queue's head is looked at, in steps, and all of it goes back."""
        monkeypatch.setattr(expiry, "STEP", 4)
        monkeypatch.setattr(expiry, "MOST", 12)
        world.after(world.carrier.go)
        ids = [
            world.accept(validity_s=10 if n in {6, 9, 14} else 99) for n in range(20)
        ]
        world.wait(11)
        world.mt.expire()
        world.mt.expire()  # one look at a time
        world.node.turn()
        expired = [n for n, each in enumerate(ids) if world.node.state(each) > SENT]
        assert expired == [6, 9, 14]
        assert world.node.queued() == [
            each for n, each in enumerate(ids) if n not in expired
        ]
        world.wait(20)
        world.mt.expire()
        world.node.turn()
        assert world.node.claimed() == set()

    def test_who_serves_the_queue_needs_no_look(self, world: World) -> None:
        """With the carrier there, and while the store is away, nothing is looked at."""
        batches = world.node.journal.batches
        world.mt.expire()
        world.node.turn()
        world.after(world.carrier.go)
        world.node.lose()
        world.mt.expire()
        world.node.turn()
        assert world.node.journal.batches == batches

    def test_expired_when_it_is_claimed(self, world: World) -> None:
        """A message that waited too long is not sent when the carrier comes back."""
        world.after(world.carrier.go)
        tried = world.accept(b"0", validity_s=10)
        world.after(world.carrier.come)
        world.after(world.carrier.answer, SYSTEM_ERROR)
        world.after(world.carrier.go)
        fresh = world.accept(b"1", validity_s=5)
        lasting = world.accept(b"2")
        world.wait(11)
        world.after(world.carrier.come)
        assert world.carrier.texts == [b"0", b"2"]
        states = [world.node.state(each) for each in (tried, fresh, lasting)]
        assert states == [State.EXPIRED, State.EXPIRED, State.ACCEPTED]


class TestThroughput:
    def test_so_many_a_second(self, make_world: MakeWorld) -> None:
        """A second's worth at once, then one after the other, to the last one."""
        world = make_world(window=50, throughput=4.0)
        world.accept_many(20)
        assert len(world.carrier.got) == 4
        world.wait(0.1)
        for second in range(1, 5):
            world.wait(1)
            assert len(world.carrier.got) == 4 + 4 * second
        world.wait(10)
        assert world.carrier.texts == [b"%d" % each for each in range(20)]

    def test_little_waits_here(self, make_world: MakeWorld) -> None:
        """No more is claimed than a second's worth beside what is on its way."""
        world = make_world(window=50, throughput=2.0)
        world.accept_many(20)
        assert len(world.node.claimed()) == 4

    def test_what_is_too_late_does_not_wait_for_tokens(
        self, make_world: MakeWorld
    ) -> None:
        """When one segment is too late, the others are not asked any more."""
        world = make_world(throughput=1.0)
        message_id = world.accept(b"a", b"b", b"c", validity_s=0.5)
        world.after(world.carrier.answer)
        world.wait(1.1)
        assert world.node.state(message_id) is State.EXPIRED

    def test_less_than_one_a_second(self, make_world: MakeWorld) -> None:
        """Half a message a second is one in two seconds."""
        world = make_world(throughput=0.5)
        world.accept_many(3)
        world.wait(3.9)
        assert len(world.carrier.got) == 2
        world.wait(0.2)
        assert len(world.carrier.got) == 3


class TestStopping:
    def test_what_is_not_sent_goes_back(self, make_world: MakeWorld) -> None:
        """To the head of the queue, in its order; what is on its way is awaited."""
        world = make_world(window=2)
        ids = world.accept_many(8)
        world.after(world.mt.stop_claiming)
        assert world.node.queued() == ids[2:]
        world.after(world.carrier.answer, 0, 0)
        assert [world.node.state(each) for each in ids[:2]] == [SENT, SENT]
        assert world.node.claimed() == set()
        world.wait(5)
        assert len(world.carrier.got) == 2

    def test_while_a_claim_is_under_way(self, make_world: MakeWorld) -> None:
        """What it brings is not sent, and goes back with the rest."""
        world = make_world(window=2)
        ids = world.accept_many(7)
        world.carrier.answer()
        world.mt.stop_claiming()
        world.node.turn()
        assert world.node.queued() == ids[3:]
        assert len(world.carrier.got) == 3
        world.after(world.carrier.answer, 0, 0)
        assert world.node.claimed() == set()

    def test_while_the_store_is_away(self, make_world: MakeWorld) -> None:
        """The claim's answer never comes; all goes back once the store is there."""
        world = make_world(window=2)
        ids = world.accept_many(7)
        world.carrier.answer(0, 0)
        world.node.lose(after_the_next=True)
        world.mt.stop_claiming()
        world.after(world.carrier.answer, 0, 0)
        world.node.open()
        assert world.node.queued() == ids[4:]
        assert world.node.claimed() == set()
        assert [world.node.state(each) for each in ids[:4]] == [SENT] * 4

    @pytest.mark.parametrize("status", [THROTTLED, 0x04])
    def test_turned_away(self, world: World, status: int) -> None:
        """It goes back as it was: this is no attempt."""
        message_id = world.accept()
        world.after(world.mt.stop_claiming)
        world.after(world.carrier.answer, status)
        assert world.node.queued() == [message_id]
        assert world.node.kinds(message_id) == []

    def test_refused(self, world: World) -> None:
        """Refusals mean the same as ever."""
        ids = world.accept_many(2)
        world.after(world.mt.stop_claiming)
        world.after(world.carrier.answer, SYSTEM_ERROR, BAD_DESTINATION)
        assert world.node.due() == {ids[0]: 5}
        assert world.node.state(ids[1]) is State.REJECTED

    def test_in_the_middle_of_a_long_message(self, make_world: MakeWorld) -> None:
        """What of it was sent stays sent; the next start sends the rest."""
        world = make_world(window=2)
        message_id = world.accept(b"a", b"b", b"c", b"d")
        world.after(world.mt.stop_claiming)
        assert world.node.queued() == []
        world.after(world.carrier.answer, 0, 0)
        assert world.node.queued() == [message_id]
        world.after(world.start)
        world.wait(1)
        assert world.carrier.texts == [b"a", b"b", b"c", b"d"]

    def test_with_tokens_used_up(self, make_world: MakeWorld) -> None:
        """Nothing is sent later, when there would be tokens again."""
        world = make_world(throughput=1.0)
        world.accept_many(3)
        world.after(world.mt.stop_claiming)
        world.wait(10)
        assert len(world.carrier.got) == 1
        assert len(world.node.queued()) == 2

    def test_nothing_expires_any_more(self, world: World) -> None:
        """The queue is left alone."""
        world.after(world.carrier.go)
        message_id = world.accept(validity_s=1)
        world.after(world.mt.stop_claiming)
        world.wait(2)
        world.mt.expire()
        world.node.turn()
        assert world.node.state(message_id) is State.ACCEPTED


class TestTheStoreIsAway:
    def test_what_is_claimed_goes_on(self, make_world: MakeWorld) -> None:
        """Claims are on disk: they are sent, and what came of them is kept when the
        store is back.
        """
        world = make_world(window=2)
        ids = world.accept_many(6)
        world.node.lose()
        world.after(world.carrier.answer, 0, 0)
        world.after(world.carrier.answer, BAD_DESTINATION, SYSTEM_ERROR)
        assert world.carrier.texts == [b"0", b"1", b"2", b"3"]
        world.wait(2)
        world.node.open()
        world.wait(1)
        states = [world.node.state(each) for each in ids]
        assert states[:3] == [SENT, SENT, State.REJECTED]
        assert world.node.kinds(ids[3]) == [REQUEUED]
        assert world.carrier.texts[4:] == [b"4", b"5"]

    def test_a_claim_whose_answer_was_lost(self, make_world: MakeWorld) -> None:
        """What it took goes back to its place, and is sent once."""
        world = make_world(window=2)
        ids = world.accept_many(7)
        world.carrier.answer(0, 0)
        world.node.lose(after_the_next=True)
        assert len(world.node.claimed()) > len(world.mt.consumer.held)
        world.node.open()
        world.wait(1)
        while world.carrier.open:
            world.after(world.carrier.answer)
        assert sorted(world.carrier.texts) == [b"%d" % each for each in range(7)]
        assert {world.node.state(each) for each in ids} == {SENT}


class TestAnotherProcess:
    def test_a_record_of_an_older_day(self, world: World) -> None:
        """A message whose segments were all taken, though it is queued, is let go."""
        message_id = world.node.accept()
        key = keys.upstream_queue("mtn")
        event = records.event(SENT, world.node.now_ms(), 0, b"mtn\0c9")
        world.store.records[message_id] += event
        assert world.node.queued() == [message_id]
        world.after(world.mt.poke)
        assert world.carrier.got == []
        assert world.node.queued() == []
        assert world.node.claimed(key) == set()

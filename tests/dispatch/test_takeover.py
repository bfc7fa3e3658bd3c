"""A process starts anew: what its predecessor held when it died."""

from collections.abc import Callable

import pytest

from luckgw.config import model, upstream
from luckgw.domain.states import State
from luckgw.store import keys
from luckgw.store.interface import FLAG_WEBHOOK
from luckgw.store.records import UNCERTAIN, OutboxEntry
from tests.dispatch.world import ACCOUNT, UPSTREAM, World

MakeWorld = Callable[..., World]


def restart(world: World, *, is_known: bool = True) -> int:
    """kill -9 and a new start; how many entries were taken over."""
    world.die()
    world.start()
    upstreams = {UPSTREAM: world.config} if is_known else {}
    return world.node.take_over(model.Config(upstreams=upstreams))


class TestMessages:
    def test_hold(self, make_world: MakeWorld) -> None:
        """By default they wait as long as for a late answer, then go again, in their
        order and marked: the carrier may have them.
        """
        world = make_world(window=2, uncertain_hold_s=60)
        ids = world.accept_many(3)
        assert restart(world) == 3
        assert world.node.due() == dict.fromkeys(ids, 60.0)
        assert [world.node.kinds(each) for each in ids] == [[UNCERTAIN]] * 3
        world.after(world.carrier.come)
        world.wait(59)
        assert world.carrier.texts == [b"0", b"1"]
        world.wait(2)
        assert world.carrier.texts[2:] == [b"0", b"1"]
        assert world.mt.duplicates_suspected == 3

    def test_resend(self, make_world: MakeWorld) -> None:
        """With "resend" they are first in line."""
        world = make_world(window=2, uncertain="resend")
        ids = world.accept_many(6)
        assert restart(world) == 4
        assert world.node.queued() == ids
        assert world.node.kinds(ids[0]) == [UNCERTAIN]
        assert world.node.kinds(ids[5]) == []

    def test_unknown(self, make_world: MakeWorld) -> None:
        """With "unknown" they never go again, and their customers are told."""
        world = make_world(window=2, uncertain="unknown")
        ids = world.accept_many(4, flags=FLAG_WEBHOOK)
        assert restart(world) == 2
        states = [world.node.state(each) for each in ids]
        assert states == [State.UNKNOWN_FOR_GOOD] * 2 + [State.ACCEPTED] * 2
        assert world.node.webhook_events() == [State.UNKNOWN_FOR_GOOD] * 2
        world.after(world.carrier.come)
        assert world.carrier.texts[2:] == [b"2", b"3"]

    def test_of_an_upstream_that_is_not_configured_any_more(
        self, make_world: MakeWorld
    ) -> None:
        """They go back to its queue, marked, for the day when it is again."""
        world = make_world(window=2)
        ids = world.accept_many(2)
        assert restart(world, is_known=False) == 2
        assert world.node.queued() == ids
        assert world.node.kinds(ids[0]) == [UNCERTAIN]

    def test_what_was_taken_stays_taken(self, world: World) -> None:
        """Of a long message only the uncertain segments go again."""
        world.accept(b"a", b"b")
        world.after(world.carrier.answer)
        restart(world)
        world.after(world.carrier.come)
        world.wait(121)
        assert world.carrier.texts == [b"a", b"b", b"b"]

    def test_more_than_one_step(self, make_world: MakeWorld) -> None:
        """However many there are, all are taken over."""
        world = make_world(window=500)
        ids = world.accept_many(700)
        assert restart(world) == 700
        assert set(world.node.due()) == set(ids)

    @pytest.mark.parametrize("uncertain", upstream.UNCERTAIN)
    def test_nothing_is_left_to_take_over(
        self, make_world: MakeWorld, uncertain: str
    ) -> None:
        """Afterwards the dead epoch's claims are gone, and their name is forgotten."""
        world = make_world(uncertain=uncertain)
        world.accept_many(2)
        restart(world)
        assert world.node.claimed() == set()
        assert world.store.claims_in_use == set()


class TestWhatIsNotTakenOver:
    def test_of_another_node(self, world: World) -> None:
        """What another node holds is its own."""
        message_id = world.accept()
        theirs = keys.claims(keys.upstream_queue(UPSTREAM), "gw2", 1)
        ours = keys.claims(keys.upstream_queue(UPSTREAM), "gw1", 1)
        world.store.claims[theirs] = world.store.claims.pop(ours)
        world.store.claims_in_use = {theirs}
        assert restart(world) == 0
        assert world.store.claims[theirs] == {message_id}

    def test_of_this_very_epoch(self, world: World) -> None:
        """What this process holds is no dead one's."""
        message_id = world.accept()
        config = model.Config(upstreams={UPSTREAM: world.config})
        assert world.node.take_over(config) == 0
        assert world.node.claimed() == {message_id}


def test_outboxes_go_back_in_the_order_of_time(world: World) -> None:
    """Events that were on their way to a customer are first in line again; telling them
    twice does no harm.
    """
    key = keys.webhook_outbox(ACCOUNT)
    ids = [world.node.accept() for _ in range(3)]
    entries = [
        OutboxEntry(message_id, State.DELIVERED, 1000 - n, 0)
        for n, message_id in enumerate(ids)
    ]
    raws = [each.again() for each in entries]
    world.store.list_of(key).extend(raws)
    claimed: list[object] = []
    world.node.journal.claim(world.node.journal.queue(key), 10, claimed.append)
    world.node.turn()
    assert claimed
    assert restart(world) == 3
    assert world.node.queued(key) == raws[::-1]

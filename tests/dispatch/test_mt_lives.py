"""Whatever happens in whatever order, a message is neither lost nor sent too often."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.internet.task import Clock

from luckgw.config import model
from luckgw.config.upstream import UNCERTAIN
from luckgw.domain.states import State
from tests.dispatch.world import (
    BAD_DESTINATION,
    SYSTEM_ERROR,
    THROTTLED,
    UPSTREAM,
    Carrier,
    World,
)

Place = tuple[bytes, int]
"""A message and a segment of it."""

HOW_OFTEN: Final = {
    "nothing": 1,
    "accept": 10,
    "answer": 18,
    "refuse": 8,
    "time_out": 6,
    "answer_late": 6,
    "refuse_late": 3,
    "receipt": 6,
    "wait": 14,
    "expire": 2,
    "link": 4,
    "store": 5,
    "slow": 4,
    "stop": 1,
    "die": 1,
}
"""What happens, and how often among a hundred or so."""
VALIDITY_S: Final = (4, 60, 86_400, 86_400, 86_400)
REFUSALS: Final = (SYSTEM_ERROR, THROTTLED, SYSTEM_ERROR, BAD_DESTINATION, 0x04)
WAITS_S: Final = (0.3, 1.1, 6.0, 20.0, 70.0, 125.0)
FAR_TOO_LONG_S: Final = 3600

things = st.tuples(
    st.sampled_from([name for name, often in HOW_OFTEN.items() for _ in range(often)]),
    st.integers(0, 999),
)


class Watched(Carrier):
    """A carrier that minds what it gets."""

    life: "Life"

    def submit(self, body: bytes, context: object) -> object:
        """See the port."""
        via = super().submit(body, context)
        self.life.submitted(self.texts[-1])
        return via


class Life:
    """A node, its store, its carrier, and all that can happen to them.

    Each thing that happens takes a number, which chooses among what it may mean.
    """

    def __init__(self, clock: Clock, folder: Path, **config: Any) -> None:
        carrier = Watched(clock, config["window"])
        carrier.life = self
        self.carrier = carrier
        self.world = World(clock, folder, carrier, **config)
        self.ids: list[bytes] = []
        self.carrier_ids: list[bytes] = []
        self.acknowledged: set[Place] = set()
        """Segments of which the dispatcher was told ROK."""
        self.is_stopped = False

    # -- what is watched ---------------------------------------------------------------

    def place_of(self, text: bytes) -> Place:
        """Which segment of which message has this text."""
        number, segment = text.split(b".")
        return self.ids[int(number)], int(segment)

    def submitted(self, text: bytes) -> None:
        """A carrier gets a segment: it may not have it already, for all we know."""
        message_id, segment = self.place_of(text)
        assert not self.is_stopped
        assert (message_id, segment) not in self.acknowledged
        record = self.world.node.record(message_id)
        assert not record.state.is_final
        assert record.segment_states()[segment] < State.SENT
        assert record.deadline_ms > self.world.node.now_ms()

    @property
    def is_calm(self) -> bool:
        """Whether the store has all there is to know."""
        link = self.world.node.link
        return not link.is_cut and not link.is_slow

    def look(self) -> None:
        """A message that is not with the carrier, nor at an end, is in one place:
        ready, delayed, or held.
        """
        if not self.is_calm:
            return
        node = self.world.node
        places = [*node.queued(), *node.due(), *node.claimed()]
        assert len(places) == len(set(places))
        for message_id in self.ids:
            if node.state(message_id) is State.ACCEPTED:
                assert message_id in places

    # -- what happens ------------------------------------------------------------------

    def nothing(self, _number: int) -> None:
        """Nothing."""

    def accept(self, number: int) -> None:
        """Messages of one to three segments come in."""
        for each in range(1 + number % 4):
            if self.is_calm:
                texts = [b"%d.%d" % (len(self.ids), n) for n in range(1 + number % 3)]
                # The id is known before the carrier can get it.
                self.ids.append(self.world.node.next_id)
                validity_s = VALIDITY_S[(number // 12 + each) % len(VALIDITY_S)]
                self.world.accept(*texts, validity_s=validity_s)

    def answer(self, number: int) -> None:
        """The carrier takes some of what it got, or all."""
        for _ in range(1 + number % 3):
            self._answer(number // 3, 0)

    def refuse(self, number: int) -> None:
        """The carrier refuses something."""
        self._answer(number // 5, REFUSALS[number % 5])

    def _answer(self, number: int, status: int) -> None:
        if not self.carrier.open:
            return
        text = self.carrier.open[number % len(self.carrier.open)].text
        place = self.place_of(text)
        was_taken = place in self.acknowledged
        if status == 0:
            self.acknowledged.add(place)
        carrier_id = self.world.after(self.carrier.answer_to, text, status)
        self.carrier_ids += [carrier_id] * (status == 0)
        if was_taken and len(self.world.node.record(place[0]).bodies) == 1:
            # That was a second copy: what becomes of it does not count.
            assert self.world.node.state(place[0]) is not State.REJECTED

    def time_out(self, number: int) -> None:
        """The carrier is silent."""
        self.world.after(self.carrier.time_out, min(number % 3, len(self.carrier.open)))

    def answer_late(self, number: int) -> None:
        """It was only slow."""
        self._answer_late(number, 0)

    def refuse_late(self, number: int) -> None:
        """And does not want it."""
        self._answer_late(number // 5, REFUSALS[number % 5])

    def _answer_late(self, number: int, status: int) -> None:
        silent = self.carrier.silent
        if not silent:
            return
        number %= len(silent)
        if status == 0:
            self.acknowledged.add(self.place_of(silent[number].text))
        carrier_id = self.world.after(self.carrier.answer_late, status, number)
        self.carrier_ids += [carrier_id] * (status == 0)

    def receipt(self, number: int) -> None:
        """The carrier tells how a message ended."""
        if self.carrier_ids and self.is_calm:
            carrier_id = self.carrier_ids[number % len(self.carrier_ids)]
            state = State.EXPIRED if number % 3 == 0 else State.DELIVERED
            self.world.node.receipt(carrier_id, state)

    def wait(self, number: int) -> None:
        """What is due happens."""
        seconds = WAITS_S[number % len(WAITS_S)]
        self.world.wait(seconds, step=seconds / 3)

    def expire(self, _number: int) -> None:
        """As every few seconds."""
        self.world.after(self.world.mt.expire)

    def link(self, _number: int) -> None:
        """The bind is lost, or there again."""
        carrier = self.carrier
        self.world.after(carrier.go if carrier.is_up else carrier.come)

    def store(self, number: int) -> None:
        """The store's connection is lost, or there again."""
        node = self.world.node
        if node.link.is_cut:
            self.world.after(node.open)
        elif not node.link.is_slow:
            node.lose(after_the_next=number % 2 == 0)

    def slow(self, _number: int) -> None:
        """Answers of the store take their time, or come."""
        link = self.world.node.link
        if link.is_slow:
            self.world.after(link.release)
        elif not link.is_cut:
            link.is_slow = True

    def stop(self, number: int) -> None:
        """A stop by the book, then a start: nothing is sent in between."""
        self.world.after(self.world.mt.stop_claiming)
        self.is_stopped = True
        self.world.wait(1)
        self.world.after(self.carrier.drain, 0)
        self.is_stopped = False
        self.die(number)

    def die(self, _number: int) -> None:
        """kill -9, and a new process. What the store was not told is not known."""
        world = self.world
        world.die()
        self.acknowledged = {
            (message_id, segment)
            for message_id, segment in self.acknowledged
            if world.node.record(message_id).segment_states()[segment] >= State.SENT
        }
        world.start()
        world.node.take_over(model.Config(upstreams={UPSTREAM: world.config}))
        world.after(self.carrier.come)

    # -- the end -----------------------------------------------------------------------

    def all_is_well(self) -> None:
        """The store is there and the carrier takes everything, for a long time: then
        every message has come to an end.
        """
        world, node, carrier = self.world, self.world.node, self.carrier
        world.after(node.link.release)
        if node.link.is_cut:
            world.after(node.open)
        if not carrier.is_up:
            world.after(carrier.come)
        end = world.clock.seconds() + FAR_TOO_LONG_S
        while world.clock.seconds() < end:
            while carrier.open:
                self._answer(0, 0)
            world.wait(90, step=30)
        assert [*node.queued(), *node.due(), *node.claimed()] == []
        assert world.mt.consumer.held == set()
        status = world.mt.status()
        assert [status[each] for each in ("in_flight", "backlog", "uncertain")] == [
            0
        ] * 3
        assert State.ACCEPTED not in {node.state(each) for each in self.ids}


@contextmanager
def a_life(**config: Any) -> Iterator[Life]:
    """A life with this configuration."""
    with TemporaryDirectory() as folder:
        yield Life(Clock(), Path(folder), **config)


@settings(max_examples=120, deadline=None)
@given(
    st.lists(things, min_size=40, max_size=120),
    st.sampled_from(UNCERTAIN),
    st.integers(1, 4),
    st.sampled_from([0.0, 0.0, 2.0]),
)
def test_neither_lost_nor_sent_too_often(
    what_happens: list[tuple[str, int]],
    uncertain: str,
    window: int,
    throughput: float,
) -> None:
    """Answers, losses, receipts, time-outs, outages of the store, stops and crashes, in
    any order: every accepted message is at an end, with a carrier, or in one place of
    the store; what a carrier is known to have, and what is at an end or too old, is
    never sent; and when all is well again, all comes to an end.
    """
    with a_life(uncertain=uncertain, window=window, throughput=throughput) as life:
        for name, number in what_happens:
            getattr(life, name)(number)
            life.look()
        life.all_is_well()

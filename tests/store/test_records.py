"""Records: what is written is read back, and stands where the script looks for it."""

from collections.abc import Sequence

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from luckgw.domain.states import State, outranks
from luckgw.receipts.match import message_state
from luckgw.store import records
from luckgw.store.interface import FLAG_SCHEDULED
from luckgw.store.records import EVERY_SEGMENT, REQUEUED, UNCERTAIN, Event, OutboxEntry

names = st.text(max_size=20).filter(lambda text: len(text.encode()) < 256)
times = st.integers(0, 2**48 - 1)
bodies = st.lists(st.binary(max_size=300), min_size=1, max_size=5)
reported = st.sampled_from([State.SENT, State.UNKNOWN, *filter(lambda s: s > 3, State)])
kinds = st.one_of(reported, st.sampled_from([REQUEUED, UNCERTAIN]))
events = st.builds(
    Event,
    kinds,
    times,
    st.sampled_from([0, 1, 2, 3, EVERY_SEGMENT]),
    st.binary(max_size=240),
)


def written(record: records.Record) -> bytes:
    """The octets of a record with all its events."""
    head = records.encode(
        flags=record.flags,
        registered_delivery=record.registered_delivery,
        accepted_ms=record.accepted_ms,
        deadline_ms=record.deadline_ms,
        account=record.account.encode(),
        route=record.route.encode(),
        bodies=record.bodies,
        due_ms=record.due_ms,
    )
    return head + b"".join(
        records.event(each.kind, each.time_ms, each.segment, each.tail)
        for each in record.events
    )


def record(segments: int, happened: Sequence[tuple[int, State]] = ()) -> records.Record:
    """A message, and what its segments came to, a second each."""
    return records.Record(
        flags=0,
        registered_delivery=1,
        accepted_ms=500,
        deadline_ms=9000,
        account="acme",
        route="default",
        bodies=[b"body %d" % each for each in range(segments)],
        events=[
            Event(state, 1000 * (1 + at), segment, b"%d" % at)
            for at, (segment, state) in enumerate(happened)
        ],
    )


def with_its_flag(record: records.Record) -> records.Record:
    """FLAG_SCHEDULED stands for the time when it is due."""
    record.flags &= ~FLAG_SCHEDULED
    if record.due_ms is not None:
        record.flags |= FLAG_SCHEDULED
    return record


any_record = st.builds(
    records.Record,
    flags=st.integers(0, 255),
    registered_delivery=st.integers(0, 255),
    accepted_ms=st.integers(0, 2**64 - 1),
    deadline_ms=st.integers(0, 2**64 - 1),
    account=names,
    route=names,
    bodies=bodies,
    events=st.lists(events, max_size=6),
    due_ms=st.none() | st.integers(0, 2**64 - 1),
).map(with_its_flag)


class TestLayout:
    @given(any_record)
    def test_what_is_written_is_read_back(self, wanted: records.Record) -> None:
        """Head, bodies and events come back as they were."""
        assert records.decode(written(wanted)) == wanted

    def test_octet_for_octet(self) -> None:
        """The layout, spelled out: it is also read by lua/journal.lua."""
        data = records.encode(
            flags=3,
            registered_delivery=1,
            accepted_ms=0x0102030405060708,
            deadline_ms=0x1112131415161718,
            account=b"acme",
            route=b"gh",
            bodies=[b"one", b"three"],
        )
        assert data == (
            b"\x01"  # version
            b"\x03"  # flags
            b"\x02"  # segments
            b"\x01"  # registered_delivery
            b"\x00\x00\x00\x2c"  # the first event
            b"\x01\x02\x03\x04\x05\x06\x07\x08"
            b"\x11\x12\x13\x14\x15\x16\x17\x18"
            b"\x04acme"
            b"\x02gh"
            b"\x00\x03one"
            b"\x00\x05three"
        )
        assert len(data) == 0x2C
        event = records.event(State.EXPIRED, 0x010203040506, 1, b"err:001")
        assert event == b"\x0f\x06\x01\x02\x03\x04\x05\x06\x01err:001"

    @given(any_record)
    def test_where_the_script_looks(self, wanted: records.Record) -> None:
        """Flags, segments, registered_delivery, events and account are where the
        script reads them (it counts from 1).
        """
        data = written(wanted)
        account = wanted.account.encode()
        assert data[2 - 1] == wanted.flags
        assert data[3 - 1] == len(wanted.bodies)
        assert data[4 - 1] == wanted.registered_delivery
        start = int.from_bytes(data[5 - 1 : 8], "big")
        assert data[start:] == written(wanted)[len(data) - len(data[start:]) :]
        assert (len(data) == start) is (not wanted.events)
        assert data[25 - 1] == len(account)
        assert data[26 - 1 : 25 + len(account)] == account

    @given(kinds, times, st.integers(0, 255), st.binary(max_size=300))
    def test_an_event_in_parts(
        self, kind: int, now_ms: int, segment: int, tail: bytes
    ) -> None:
        """The script puts the segment between the parts; the kind is the second octet
        and the time the next six. A tail is cut at 240 octets, to fit its length.
        """
        head, rest = records.event_parts(kind, now_ms, tail)
        whole = records.event(kind, now_ms, segment, tail)
        assert whole == head + bytes((segment,)) + rest
        assert rest == tail[:240]
        assert len(whole) == whole[0] + 1
        assert (whole[1], whole[2:8]) == (kind, now_ms.to_bytes(6, "big"))

    @pytest.mark.parametrize("version", [0, 3, 255])
    def test_an_unknown_layout_is_refused(self, version: int) -> None:
        """A record of another layout version is not misread."""
        data = bytes((version,)) + written(record(1))[1:]
        with pytest.raises(ValueError, match=f"layout {version} "):
            records.decode(data)
        assert records.waiting(data) is None

    def test_the_most_segments(self) -> None:
        """A message may have 255 segments, and each is its own: no number of a segment
        means all of them.
        """
        wanted = record(255, [(254, State.DELIVERED)])
        assert records.decode(written(wanted)) == wanted
        assert wanted.segment_states() == [State.ACCEPTED] * 254 + [State.DELIVERED]


class TestPartsOfARecord:
    @given(any_record)
    def test_a_waiting_message(self, wanted: records.Record) -> None:
        """What sending takes is read alone while nothing happened, else not at all."""
        part = records.waiting(written(wanted))
        if wanted.events or wanted.due_ms is not None:
            assert part is None
        else:
            assert part == records.Waiting(
                wanted.flags, wanted.deadline_ms, wanted.account.encode(), wanted.bodies
            )

    @given(any_record, st.integers(0, 2**64 - 1))
    def test_a_replaced_message(self, wanted: records.Record, at_ms: int) -> None:
        """What is given is changed, and nothing else; the events stay."""
        changed = records.decode(
            records.replaced(written(wanted), deadline_ms=at_ms, bodies=[b"new"])
        )
        assert (changed.deadline_ms, changed.bodies) == (at_ms, [b"new"])
        changed.deadline_ms, changed.bodies = wanted.deadline_ms, wanted.bodies
        assert changed == wanted
        changed = records.decode(records.replaced(written(wanted), due_ms=at_ms))
        assert changed.due_ms == at_ms
        assert changed.bodies == wanted.bodies

    def test_before_its_time(self) -> None:
        """A message that is not due yet is SCHEDULED, unless it is over already."""
        wanted = record(1)
        wanted.due_ms = 2000
        assert wanted.state_at(1999) is State.SCHEDULED
        assert wanted.state_at(2000) is State.ACCEPTED
        wanted = record(1, [(0, State.CANCELED)])
        wanted.due_ms = 2000
        assert wanted.state_at(1) is State.CANCELED

    @given(any_record)
    def test_single_fields(self, wanted: records.Record) -> None:
        """The deadline and the first body can be read without the rest."""
        data = written(wanted)
        assert records.deadline_ms(data) == wanted.deadline_ms
        assert records.first_body(data) == wanted.bodies[0]

    @given(st.integers(1, 3), st.lists(st.tuples(st.integers(0, 2), reported)))
    def test_the_outcome(
        self, segments: int, happened: list[tuple[int, State]]
    ) -> None:
        """Telling the customer takes the same, be it read from one segment or many."""
        wanted = record(segments, [(each % segments, to) for each, to in happened])
        state = wanted.state
        assume(state is not State.ACCEPTED)  # of that nobody is told
        deciding = wanted.deciding(state)
        assert deciding is not None
        assert records.outcome(written(wanted), state) == (
            500,
            segments,
            b"body 0",
            deciding.tail,
        )

    @pytest.mark.parametrize("segments", [1, 2])
    def test_the_outcome_of_what_never_was(self, segments: int) -> None:
        """No event, no words of the carrier."""
        data = written(record(segments, [(EVERY_SEGMENT, State.SENT)]))
        assert records.outcome(data, State.EXPIRED) == (500, segments, b"body 0", b"")


class TestState:
    @given(st.integers(1, 4), st.lists(st.tuples(st.integers(0, 4), reported)))
    def test_the_rule_of_receipts(
        self, segments: int, happened: list[tuple[int, State]]
    ) -> None:
        """Each segment keeps the state that outranks; of those the message's is made as
        luckgw.receipts.match says, in the order in which they were reached.
        """
        states = [State.ACCEPTED] * segments
        order = list(range(segments))
        for segment, state in happened:
            if segment < segments and outranks(state, states[segment]):
                states[segment] = state
                order.remove(segment)
                order.append(segment)
        wanted = record(segments, happened)
        assert wanted.segment_states() == states
        assert wanted.state is message_state([states[each] for each in order])

    @given(st.integers(1, 4), st.lists(st.tuples(st.integers(0, 3), reported)))
    def test_never_back(self, segments: int, happened: list[tuple[int, State]]) -> None:
        """Along its life a message's state only advances, but that a failed one may
        come to be another failure's, or DELIVERED.
        """
        last = State.ACCEPTED
        for end in range(len(happened) + 1):
            state = record(segments, happened[:end]).state
            assert state is last or not last.is_final or state.is_final
            assert last is not State.DELIVERED or state is last
            assert last.is_final or state >= last
            last = state

    def test_every_segment_at_once(self) -> None:
        """An event for every segment leaves the final ones as they are."""
        wanted = record(3, [(1, State.DELIVERED), (EVERY_SEGMENT, State.FAILED)])
        assert wanted.segment_states() == [
            State.FAILED,
            State.DELIVERED,
            State.FAILED,
        ]
        assert wanted.state is State.FAILED

    @pytest.mark.parametrize(
        ("happened", "updated_ms"),
        [
            ([], 500),
            ([(0, State.SENT)], 500),
            ([(0, State.SENT), (1, State.SENT)], 2000),
            ([(0, State.SENT), (1, State.SENT), (1, State.SENT)], 2000),
            ([(EVERY_SEGMENT, State.SENT), (0, State.EXPIRED)], 1000),
            ([(0, State.EXPIRED), (1, State.DELIVERED)], 2000),
            ([(0, State.EXPIRED), (1, State.DELIVERED), (0, State.DELIVERED)], 3000),
        ],
    )
    def test_since_when(
        self, happened: list[tuple[int, State]], updated_ms: int
    ) -> None:
        """``updated_ms`` is when the message itself came to its present state."""
        assert record(2, happened).updated_ms == updated_ms

    def test_which_event_decided(self) -> None:
        """Of several segments the first that failed decides; none while none has."""
        wanted = record(2, [(0, State.SENT), (1, State.REJECTED), (0, State.EXPIRED)])
        assert wanted.deciding(State.REJECTED) == wanted.events[1]
        assert wanted.deciding(State.EXPIRED) is None
        assert record(2).deciding(State.ACCEPTED) is None

    def test_what_happened_beside_states(self) -> None:
        """Attempts and doubt are counted, and are no states."""
        wanted = record(1, [(0, State.SENT)])
        assert (wanted.attempts, wanted.is_uncertain) == (0, False)
        wanted.events += [
            Event(REQUEUED, 2000, EVERY_SEGMENT, b"\x58"),
            Event(REQUEUED, 3000, EVERY_SEGMENT, b"\x08"),
            Event(UNCERTAIN, 4000, EVERY_SEGMENT, b""),
        ]
        assert (wanted.attempts, wanted.is_uncertain) == (2, True)
        assert wanted.state is State.SENT
        assert wanted.updated_ms == 1000


class TestOutboxEntry:
    @given(
        st.binary(min_size=16, max_size=16),
        st.sampled_from(State),
        times,
        st.integers(0, 255),
    )
    def test_round_trip(
        self, message_id: bytes, state: State, time_ms: int, attempts: int
    ) -> None:
        """An entry is read as the script writes it; the next attempt counts one more,
        up to 255.
        """
        data = message_id + bytes((state,)) + time_ms.to_bytes(6, "big")
        entry = OutboxEntry.from_bytes(data + bytes((attempts,)))
        assert entry == OutboxEntry(message_id, state, time_ms, attempts)
        assert entry.again() == data + bytes((min(attempts + 1, 255),))
        assert len(entry.again()) == records.ENTRY_SIZE

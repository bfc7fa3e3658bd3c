"""What every store promises of messages from phones, beside ``store_contract``."""
# ruff: noqa: S101 - tests assert, and literal numbers are the promise

from typing import Final

from luckgw.domain.states import State
from luckgw.store import keys, records
from luckgw.store.interface import (
    Accept,
    Assignment,
    AutoReply,
    Inbound,
    OptOut,
    Part,
    Verdict,
    opted_out_field,
)
from luckgw.testing.store_contract import (
    ACCOUNT,
    INDEX,
    NOON_MS,
    SMPP_OUTBOX,
    UPSTREAM,
    WEBHOOK_OUTBOX,
    Node,
    StoreUnderTest,
)

FIELD: Final = opted_out_field("4040", "233501234567")


def bring(
    node: Node,
    number: int,
    *,
    content: bytes = b"Hello",
    part: tuple[int, int] | None = None,
    dedup_s: int = 120,
) -> Verdict:
    """A carrier brings a message, or (its number, of so many) a part of one."""
    place = None if part is None else Part(b"j" * 16, *part, wait_s=60.0)
    mo = Inbound(
        message_id=number.to_bytes(16, "big"),
        upstream=UPSTREAM,
        deliver_sm=content,
        default_alphabet="gsm7",
        packed=False,
        digest=content.ljust(16, b".")[:16],
        dedup_s=dedup_s,
        part=place,
    )
    told: list[Verdict] = []
    node.journal.inbound(mo, told.append)
    node.turn()
    return told[-1]


def contents(data: bytes) -> list[bytes]:
    """The deliver_sm bodies of an inbound record."""
    return [body for _, _, body in records.read_inbound(data)[2]]


def claimed(node: Node) -> list[list[bytes]]:
    """What the messages that a claim gives are made of."""
    return [contents(data) for _, data in node.claim_records(keys.INBOUND)]


def assign(
    node: Node,
    message_id: bytes,
    *,
    to: str = "session webhook",
    out: bool | None = None,
    said: bytes = b"",
    most: int = 4,
) -> tuple[Verdict, bool]:
    """Give a message to the account; ``out``: it was a STOP, or (False) a START."""
    told: list[tuple[Verdict, bool]] = []
    node.journal.assign(
        node.queue(keys.INBOUND),
        Assignment(
            message_id,
            ACCOUNT,
            "all",
            "session" in to,
            "webhook" in to,
            None if out is None else OptOut(FIELD, is_out=out),
            AutoReply(FIELD, said, most) if said else None,
        ),
        lambda verdict, may_reply: told.append((verdict, may_reply)),
    )
    node.turn()
    return told[-1]


def give_out_gaps(node: Node) -> tuple[int, int]:
    """How many unfinished messages had waited enough, and had gaps."""
    told: list[tuple[int, int]] = []
    node.journal.give_out_gaps(10, lambda *found: told.append(found))
    node.turn()
    return told[-1]


class InboundContract:
    """The promises. ``store`` and ``node`` are those of the StoreContract."""

    # -- kept once ---------------------------------------------------------------------

    def test_it_waits_to_be_given_out(self, node: Node) -> None:
        """Who brought it, when, and what, with the alphabet that counts."""
        assert bring(node, 1) is Verdict.APPLIED
        ((entry, data),) = node.claim_records(keys.INBOUND)
        assert entry == (1).to_bytes(16, "big")
        expected = (UPSTREAM, NOON_MS, [("gsm7", False, b"Hello")])
        assert records.read_inbound(data) == expected
        assert records.is_inbound(data)

    def test_what_comes_again_is_kept_once(self, node: Node, other: Node) -> None:
        """Over whichever node; a part like a whole message."""
        assert bring(node, 1) is Verdict.APPLIED
        assert bring(other, 2) is Verdict.NO_CHANGE
        assert bring(node, 3, content=b"a", part=(1, 2)) is Verdict.APPLIED
        assert bring(other, 4, content=b"a", part=(1, 2)) is Verdict.NO_CHANGE
        assert claimed(node) == [[b"Hello"]]

    def test_without_a_window_equal_ones_are_two(self, node: Node) -> None:
        """But an operation of ours that is repeated counts once."""
        for number in (1, 2):
            assert bring(node, number, dedup_s=0) is Verdict.APPLIED
        assert bring(node, 2, dedup_s=0) is Verdict.APPLIED
        assert claimed(node) == [[b"Hello"], [b"Hello"]]

    # -- joined ------------------------------------------------------------------------

    def test_parts_in_any_order_over_any_node(self, node: Node, other: Node) -> None:
        """The last that comes makes them one message, under the first one's id."""
        assert bring(node, 1, content=b"c", part=(3, 3)) is Verdict.APPLIED
        assert bring(other, 2, content=b"a", part=(1, 3)) is Verdict.APPLIED
        assert node.claim(keys.INBOUND) == []
        assert bring(node, 3, content=b"b", part=(2, 3)) is Verdict.APPLIED
        ((entry, data),) = other.claim_records(keys.INBOUND)
        assert (entry, contents(data)) == ((1).to_bytes(16, "big"), [b"a", b"b", b"c"])

    def test_a_part_that_comes_late_again(self, node: Node) -> None:
        """Also when nobody remembers it but the message that was joined."""
        for number in (1, 2):
            bring(node, number, content=b"%d" % number, part=(number, 2), dedup_s=0)
        late = bring(node, 3, content=b"1", part=(1, 2), dedup_s=0)
        assert late is Verdict.NO_CHANGE
        assert claimed(node) == [[b"1", b"2"]]
        node.now_ms += 60_000
        assert give_out_gaps(node) == (1, 0)
        assert claimed(node) == []

    def test_a_reference_used_again_drives_out_what_was_there(self, node: Node) -> None:
        """Both messages come, the first with a gap."""
        bring(node, 1, content=b"a", part=(1, 2))
        bring(node, 2, content=b"A", part=(1, 2))
        bring(node, 3, content=b"B", part=(2, 2))
        assert claimed(node) == [[b"a"], [b"A", b"B"]]

    def test_what_never_comes_whole_is_given_out_with_gaps(self, node: Node) -> None:
        """Once its first part has waited long enough, and once only."""
        bring(node, 1, content=b"a", part=(1, 3))
        node.now_ms += 30_000
        bring(node, 2, content=b"c", part=(3, 3))
        assert give_out_gaps(node) == (0, 0)
        node.now_ms += 30_000
        assert give_out_gaps(node) == (1, 1)
        assert claimed(node) == [[b"a", b"c"]]
        assert give_out_gaps(node) == (0, 0)

    # -- given to an account -----------------------------------------------------------

    def test_an_account_gets_it(self, store: StoreUnderTest, node: Node) -> None:
        """In its outboxes, and the record says whose it is; nobody holds it now."""
        bring(node, 1)
        (message_id,) = node.claim(keys.INBOUND)
        assert assign(node, message_id)[0] is Verdict.APPLIED
        assert node.claimed(keys.INBOUND) == set()
        entry = message_id + b"\0" + NOON_MS.to_bytes(6, "big") + b"\0"
        assert node.claim(SMPP_OUTBOX) == node.claim(WEBHOOK_OUTBOX) == [entry]
        assert records.InboundEntry.from_bytes(entry).to_bytes() == entry
        data = store.record(message_id)
        assert data is not None
        (event,) = records.decode(data).events
        assert (event.kind, event.tail) == (records.ASSIGNED, b"acme\0all")
        assert assign(node, message_id)[0] is Verdict.NO_CHANGE
        assert node.claim(SMPP_OUTBOX) == []

    def test_only_the_ways_that_are_wanted(self, node: Node) -> None:
        """The inbox alone, one of the outboxes, or both."""
        for number, to in enumerate(("", "session", "webhook")):
            bring(node, number, content=to.encode())
            (message_id,) = node.claim(keys.INBOUND)
            assign(node, message_id, to=to)
        assert len(node.claim(SMPP_OUTBOX)) == len(node.claim(WEBHOOK_OUTBOX)) == 1

    def test_the_sweep_takes_it(self, store: StoreUnderTest, node: Node) -> None:
        """With its account's day, whether the account has it or not; what no account
        got stays.
        """
        bring(node, 1)
        bring(node, 2, content=b"other")
        first, second = node.claim(keys.INBOUND)
        assign(node, first)
        while node.sweep(10, INDEX):
            pass
        assert store.record(first) is None
        assert store.record(second) is not None
        assert assign(node, first)[0] is Verdict.GONE

    def test_a_dead_nodes_claim_is_taken_over(self, node: Node, other: Node) -> None:
        """A message is given out once, whoever claimed it first."""
        bring(node, 1)
        (message_id,) = node.claim(keys.INBOUND)
        other.take_over(node.queue(keys.INBOUND))
        assert other.claim(keys.INBOUND) == [message_id]

    # -- opt-outs ----------------------------------------------------------------------

    def _say(self, node: Node, number: int, *, out: bool) -> None:
        bring(node, number, content=b"say %d" % number)
        (message_id,) = node.claim(keys.INBOUND)
        assign(node, message_id, out=out)

    def _accept(self, node: Node, number: int, field: bytes) -> Accept:
        told: list[Accept] = []
        node.journal.accept(
            number.to_bytes(16, "big"),
            account=ACCOUNT,
            route="default",
            upstream=UPSTREAM,
            flags=0,
            registered_delivery=0,
            deadline_ms=node.now_ms,
            bodies=[b"body"],
            done=told.append,
            unless_opted_out=field,
        )
        node.turn()
        return told[-1]

    def test_an_opt_out_refuses(self, store: StoreUnderTest, node: Node) -> None:
        """That phone, that sender; nothing is kept. What was kept before stays so, and
        who does not look is not refused.
        """
        assert self._accept(node, 10, FIELD) is Accept.STORED
        self._say(node, 1, out=True)
        assert self._accept(node, 11, FIELD) is Accept.OPTED_OUT
        assert store.record((11).to_bytes(16, "big")) is None
        assert self._accept(node, 10, FIELD) is Accept.STORED
        assert self._accept(node, 12, b"") is Accept.STORED
        other = opted_out_field("4040", "233501234568")
        assert self._accept(node, 13, other) is Accept.STORED
        self._say(node, 2, out=False)
        assert self._accept(node, 14, FIELD) is Accept.STORED

    # -- automatic replies -------------------------------------------------------------

    def _replies(self, node: Node, *said: bytes, most: int = 4) -> list[bool]:
        may = []
        for number, what in enumerate(said):
            bring(node, number, content=b"%d %b" % (number, what))
            (message_id,) = node.claim(keys.INBOUND)
            may.append(assign(node, message_id, said=what, most=most)[1])
        return may

    def test_the_same_text_twice_is_answered_once(self, node: Node) -> None:
        """Two machines that answer each other say the same again and again."""
        assert self._replies(node, b"a", b"a", b"a") == [True, False, False]

    def test_answers_are_counted(self, node: Node) -> None:
        """So many and no more, whatever is said."""
        may = self._replies(node, b"a", b"b", b"a", b"b", most=3)
        assert may == [True, True, True, False]

    def test_a_stop_that_changes_nothing_is_not_answered(self, node: Node) -> None:
        """The second one, and a START of who never said STOP."""
        may = []
        for number, out in enumerate((False, True, True, False)):
            bring(node, number, content=b"%d" % number)
            (message_id,) = node.claim(keys.INBOUND)
            may.append(assign(node, message_id, out=out, said=b"%d" % number)[1])
        assert may == [False, True, False, True]

    def test_the_states_of_other_messages_do_not_mind(self, node: Node) -> None:
        """A receipt for a message finds it among messages from phones."""
        bring(node, 1)
        message_id = node.accept(20)
        node.claim()
        node.sent(message_id, b"c1")
        assert node.receipt(b"c1", State.DELIVERED)[0] is Verdict.APPLIED

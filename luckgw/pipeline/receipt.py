"""A carrier delivers something: a receipt finds its message, or waits for it."""

from collections.abc import Callable
from functools import partial
from typing import Final

import attrs
from twisted.logger import Logger

from luckgw.config.model import Upstream
from luckgw.domain.repeats import is_worth_saying
from luckgw.domain.states import REPORTED, State
from luckgw.domain.status import Status
from luckgw.receipts.match import canonical, other_form
from luckgw.receipts.parse import Receipt, parse
from luckgw.receipts.words import Words
from luckgw.store.interface import Journal, Verdict
from luckgw.wire.pdus import Sm, Tag

KIND: Final = 0x3C
"""The bits of esm_class that say what a deliver_sm is (v3.4 5.2.12); 0: a message."""
PUT_OFF: Final = 1000
"""So many that only look like receipts are remembered, to be known when they come again
(spec/reliability 2.12: esm_class 0 on a receipt is common)."""
LONGEST_STAT: Final = 16
"""Characters of ``stat:`` that are kept: the word has 7 (v3.4 Appendix B)."""
LEAST_DIGITS: Final = 8
"""With fewer a recipient's address does not tell whether it is the same phone."""
_RECEIPTED_MESSAGE_ID: Final = int(Tag.RECEIPTED_MESSAGE_ID)
LONGEST_DATE: Final = 20
"""Characters of ``done date:`` that are kept: most have 10, 12 or 14."""


Reply = Callable[[int], None]
Message = Callable[[Upstream, Sm, Reply], None]
"""Takes a deliver_sm that is no receipt, and sees to its answer
(luckgw.pipeline.inbound)."""


# Found by one look-up instead of two.
_SENT: Final = State.SENT
_UNKNOWN: Final = State.UNKNOWN


class Counters:
    """What came from carriers, counted."""

    __slots__ = (
        "applied",
        "gone",
        "messages",
        "nameless",
        "parked",
        "repeated",
        "unknown_words",
    )

    def __init__(self) -> None:
        self.applied = 0
        self.repeated = 0
        """No news: duplicates, and what is older than what is known."""
        self.parked = 0
        self.gone = 0
        """Their messages have left the store."""
        self.nameless = 0
        """They do not say whose receipt they are."""
        self.messages = 0
        """No receipts: messages and acknowledgements from phones."""
        self.unknown_words = 0
        """Their ``stat:`` is a word that neither SMPP nor the configuration knows."""


@attrs.define(eq=False)
class Rules:
    """How one carrier writes its receipts, as configured and as learnt."""

    words: Words
    unmarked: str
    learnt: str | None = None
    """The form of its ids that turned out to be used (receipts.match.OTHER_FORMS)."""

    @classmethod
    def of(cls, upstream: Upstream) -> "Rules":
        """As it is configured."""
        own = upstream.receipts.states
        words = Words({word: REPORTED[state] for word, state in own.items()})
        return cls(words, upstream.receipts.unmarked)


class Receipts:
    """Matches receipts and keeps what they say, then answers the carrier."""

    log = Logger()

    def __init__(
        self, journal: Journal, wake: Callable[[str], None], message: Message
    ) -> None:
        """``wake`` is called with an account that has something in an outbox now;
        ``message`` gets what is no receipt.
        """
        self._journal = journal
        self._wake = wake
        self._message = message
        self._put_off: dict[int, None] = {}
        self.rules: dict[str, Rules] = {}
        """Upstream -> its rules, of those that have delivered something."""
        self.counters = Counters()

    def rules_of(self, upstream: Upstream) -> Rules:
        """The rules of an upstream."""
        rules = self.rules.get(upstream.name)
        if rules is None:
            rules = self.rules[upstream.name] = Rules.of(upstream)
        return rules

    def received(self, upstream: Upstream, sm: Sm, reply: Reply) -> None:
        """Keep a receipt; the carrier is answered once that is durable. HOT PATH.

        When the store is away the carrier is told ESME_RX_T_APPN and sends it again.
        What is no receipt goes to ``message``. What only looks like one is one if it
        has a receipted_message_id or its id is known, unless the carrier is configured
        otherwise; else it is a message when it comes again.
        """
        rules = self.rules.get(upstream.name) or self.rules_of(upstream)
        is_marked = sm.esm_class & KIND != 0
        receipt = None
        if is_marked or rules.unmarked != "no":
            receipt = parse(sm.esm_class, sm.payload, sm.tlvs, rules.words)
        if receipt is None:
            self._not_taken(upstream, sm, reply)
            return
        carrier_id = canonical(receipt.message_id, upstream.dlr_id)
        if not carrier_id:
            self._no_id(upstream, sm, reply, is_marked=is_marked)
            return
        if is_marked and receipt.state is _UNKNOWN:
            self._note_word(upstream, rules, receipt.stat)

        def told(verdict: Verdict, account: str) -> None:
            if verdict is Verdict.APPLIED:
                reply(Status.ESME_ROK)
                self.counters.applied += 1
                if account:
                    self._wake(account)
            elif verdict is Verdict.UNKNOWN:
                self._disguised(upstream, sm, reply)
            else:
                self._told(verdict, reply)

        # An intermediate notification settles nothing, whatever it says.
        state = _SENT if receipt.intermediate else receipt.state
        tail = (
            f"{upstream.name}\0{receipt.stat[:LONGEST_STAT]}\0{receipt.err}"
            f"\0{receipt.done_date[:LONGEST_DATE]}"
        ).encode()
        park = is_marked or _waits(rules, sm)
        more = _what_else(sm, receipt) if park else b""
        if rules.learnt is not None:
            said = (state, tail)
            keep = partial(
                self._journal.receipt,
                upstream.name,
                carrier_id,
                *said,
                told,
                park=park,
                more=more,
            )
            guess = _guess(sm, receipt, rules.learnt)
            self._try(upstream, guess, carrier_id, sm, said, told, keep)
            return
        self._journal.receipt(
            upstream.name, carrier_id, state, tail, told, park=park, more=more
        )

    def _try(
        self,
        upstream: Upstream,
        guess: bytes,
        carrier_id: bytes,
        sm: Sm,
        said: tuple[State, bytes],
        told: Callable[[Verdict, str], None],
        keep: Callable[[], None],
    ) -> None:
        """Give the journal a receipt under the id that it has in another form.

        What was learnt is a guess: only a message to the same recipient will do. Where
        there is none the receipt is kept as it came.
        """
        if not guess or guess == carrier_id:
            keep()
            return

        def guessed(verdict: Verdict, account: str) -> None:
            if verdict is Verdict.UNKNOWN:
                keep()
            else:
                told(verdict, account)

        state, tail = said
        self._journal.receipt(
            upstream.name,
            guess,
            state,
            tail,
            guessed,
            park=False,
            recipient=_recipient(sm) + b"\0",
        )

    def _told(self, verdict: Verdict, reply: Reply) -> None:
        """The store did not apply the receipt."""
        counters = self.counters
        if verdict is Verdict.AWAY:
            reply(Status.ESME_RX_T_APPN)
            return
        reply(Status.ESME_ROK)
        if verdict is Verdict.PARKED:
            counters.parked += 1
        elif verdict is Verdict.GONE:
            counters.gone += 1
        else:
            counters.repeated += 1

    def _disguised(self, upstream: Upstream, sm: Sm, reply: Reply) -> None:
        """It reads like a receipt, and nobody knows the id.

        It may be one that came before its submit_sm_resp: the carrier is asked to bring
        it again. When it comes again, and nobody knows the id still, it is a phone's.
        """
        digest = hash((upstream.name, sm.source_addr, sm.destination_addr, sm.payload))
        if digest in self._put_off:
            del self._put_off[digest]
            self._not_taken(upstream, sm, reply)
            return
        self._put_off[digest] = None
        if len(self._put_off) > PUT_OFF:
            del self._put_off[next(iter(self._put_off))]
        reply(Status.ESME_RX_T_APPN)

    def _not_taken(self, upstream: Upstream, sm: Sm, reply: Reply) -> None:
        self.counters.messages += 1
        self._message(upstream, sm, reply)

    def _no_id(
        self, upstream: Upstream, sm: Sm, reply: Reply, *, is_marked: bool
    ) -> None:
        """A receipt that nobody can ever match: to have it repeated helps nobody."""
        if not is_marked:
            self._not_taken(upstream, sm, reply)
            return
        self.counters.nameless = count = self.counters.nameless + 1
        if is_worth_saying(count):
            self.log.warn(
                "upstream {upstream} sent a receipt without an id ({count} so far)",
                upstream=upstream.name,
                count=count,
            )
        reply(Status.ESME_ROK)

    def _note_word(self, upstream: Upstream, rules: Rules, stat: str) -> None:
        """A word that means nothing to us is worth a line in the configuration."""
        if not stat or stat.upper() in rules.words.by_stat:
            return
        self.counters.unknown_words = count = self.counters.unknown_words + 1
        if is_worth_saying(count):
            self.log.warn(
                "upstream {upstream} says {stat!r} in receipts, which is not known:"
                " [upstreams.{upstream}.receipts] states can tell ({count} so far)",
                upstream=upstream.name,
                stat=stat[:LONGEST_STAT],
                count=count,
            )


def _waits(rules: Rules, sm: Sm) -> bool:
    """Whether an unmarked receipt whose id is not known waits for its message."""
    if rules.unmarked == "by-text":
        return True
    return sm.tlvs is not None and _RECEIPTED_MESSAGE_ID in sm.tlvs


def _recipient(sm: Sm) -> bytes:
    """The message's recipient, as far as a national form of it goes."""
    return sm.source_addr.lstrip(b"+0")


def _guess(sm: Sm, receipt: Receipt, form: str) -> bytes:
    """The id in the form that was learnt; b"" where it can not be checked."""
    if len(_recipient(sm)) < LEAST_DIGITS:
        return b""
    return other_form(receipt.message_id, form)


def _what_else(sm: Sm, receipt: Receipt) -> bytes:
    """What it takes to find a receipt's message later, without its id as it is."""
    return b"\0%b\0%b\0%b\0%b" % (
        sm.source_addr,
        receipt.message_id,
        sm.destination_addr,
        receipt.submit_date[:LONGEST_DATE].encode(),
    )


@attrs.frozen
class ParkedReceipt:
    """A receipt that waits for its message, as the store has it."""

    key: bytes
    """Where it waits: keys.carrier_id."""
    state: State
    time_ms: int
    stat: str
    err: str
    source_addr: bytes
    """The message's recipient; b"" when an older version parked it."""
    raw_id: bytes
    destination_addr: bytes
    submit_date: str

    @classmethod
    def of(cls, key: bytes, value: bytes | None) -> "ParkedReceipt | None":
        """Read the store's value; None when no receipt waits there."""
        if value is None or value[:1] != b"P":
            return None
        parts = value[_TAIL_AT:].split(b"\0") + [b""] * _PARTS
        _, stat, err, _, source, raw_id, destination, submit_date = parts[:_PARTS]
        return cls(
            key,
            State(value[2]),
            int.from_bytes(value[3:_TAIL_AT], "big"),
            stat.decode("utf-8", "replace"),
            err.decode("utf-8", "replace"),
            source,
            raw_id,
            destination,
            submit_date.decode("utf-8", "replace"),
        )


_TAIL_AT: Final = 9
"""In a parked receipt: behind the ``P`` and an event's length, kind and time."""
_PARTS: Final = 8

"""A carrier delivers something: a receipt finds its message, or waits for it."""

from collections.abc import Callable
from typing import Final

from twisted.logger import Logger

from luckgw.config.model import Upstream
from luckgw.domain.repeats import is_worth_saying
from luckgw.domain.states import State
from luckgw.domain.status import Status
from luckgw.receipts.match import canonical
from luckgw.receipts.parse import parse
from luckgw.store.interface import Journal, Verdict
from luckgw.wire.pdus import Sm

KIND: Final = 0x3C
"""The bits of esm_class that say what a deliver_sm is (v3.4 5.2.12); 0: a message."""
PUT_OFF: Final = 1000
"""So many that only look like receipts are remembered, to be known when they come again
(spec/reliability 2.12: esm_class 0 on a receipt is common)."""
LONGEST_STAT: Final = 16
"""Characters of ``stat:`` that are kept: the word has 7 (v3.4 Appendix B)."""


MessagesFromPhones = Callable[[Upstream, Sm, Callable[[int], None]], None]
"""Takes what is no receipt, and answers the carrier (luckgw.pipeline.inbound)."""


class Counters:
    """What came from carriers, counted."""

    __slots__ = ("applied", "gone", "messages", "nameless", "parked", "repeated")

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
        """No receipts: messages from phones."""


class Receipts:
    """Matches receipts and keeps what they say, then answers the carrier."""

    log = Logger()

    def __init__(
        self, journal: Journal, wake: Callable[[str], None], inbox: MessagesFromPhones
    ) -> None:
        """``wake`` is called with an account that has something in an outbox now.

        ``inbox`` takes what is no receipt.
        """
        self._journal = journal
        self._wake = wake
        self._inbox = inbox
        self._put_off: dict[int, None] = {}
        self.counters = Counters()

    def received(
        self, upstream: Upstream, sm: Sm, reply: Callable[[int], None]
    ) -> None:
        """Keep a receipt; the carrier is answered once that is durable. HOT PATH.

        When the store is away the carrier is told ESME_RX_T_APPN and sends it again.
        What only looks like a receipt is one if its id is known. What does not even
        look like one is a message from a phone.
        """
        receipt = parse(sm.esm_class, sm.payload, sm.tlvs)
        if receipt is None:
            self._no_receipt(upstream, sm, reply)
            return
        is_marked = sm.esm_class & KIND != 0
        carrier_id = canonical(receipt.message_id, upstream.dlr_id)
        if not carrier_id:
            self._no_id(upstream, sm, reply, is_marked=is_marked)
            return

        def told(verdict: Verdict, account: str) -> None:
            if verdict is Verdict.APPLIED:
                reply(Status.ESME_ROK)
                self.counters.applied += 1
                if account:
                    self._wake(account)
            else:
                self._told(verdict, upstream, sm, reply)

        stat = receipt.stat[:LONGEST_STAT]
        tail = f"{upstream.name}\0{stat}\0{receipt.err}\0{receipt.done_date}"
        self._journal.receipt(
            upstream.name,
            carrier_id,
            # An intermediate notification settles nothing, whatever it says.
            State.SENT if receipt.intermediate else receipt.state,
            tail.encode(),
            told,
            park=is_marked,
        )

    def _told(
        self,
        verdict: Verdict,
        upstream: Upstream,
        sm: Sm,
        reply: Callable[[int], None],
    ) -> None:
        """The store did not apply the receipt."""
        counters = self.counters
        if verdict is Verdict.AWAY:
            reply(Status.ESME_RX_T_APPN)
            return
        if verdict is Verdict.UNKNOWN:
            self._disguised(upstream, sm, reply)
            return
        reply(Status.ESME_ROK)
        if verdict is Verdict.PARKED:
            counters.parked += 1
        elif verdict is Verdict.GONE:
            counters.gone += 1
        else:
            counters.repeated += 1

    def _disguised(
        self, upstream: Upstream, sm: Sm, reply: Callable[[int], None]
    ) -> None:
        """It reads like a receipt, and nobody knows the id.

        It may be one that came before its submit_sm_resp: the carrier is asked to bring
        it again. When it comes again, and nobody knows the id still, it is a phone's.
        """
        digest = hash((upstream.name, sm.source_addr, sm.destination_addr, sm.payload))
        if digest in self._put_off:
            del self._put_off[digest]
            self._no_receipt(upstream, sm, reply)
            return
        self._put_off[digest] = None
        if len(self._put_off) > PUT_OFF:
            del self._put_off[next(iter(self._put_off))]
        reply(Status.ESME_RX_T_APPN)

    def _no_receipt(
        self, upstream: Upstream, sm: Sm, reply: Callable[[int], None]
    ) -> None:
        """A message from a phone."""
        self.counters.messages += 1
        self._inbox(upstream, sm, reply)

    def _no_id(
        self,
        upstream: Upstream,
        sm: Sm,
        reply: Callable[[int], None],
        *,
        is_marked: bool,
    ) -> None:
        """A receipt that nobody can ever match: to have it repeated helps nobody."""
        if not is_marked:
            self._no_receipt(upstream, sm, reply)
            return
        self.counters.nameless = count = self.counters.nameless + 1
        if is_worth_saying(count):
            self.log.warn(
                "upstream {upstream} sent a receipt without an id ({count} so far)",
                upstream=upstream.name,
                count=count,
            )
        reply(Status.ESME_ROK)

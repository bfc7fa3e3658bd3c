"""A carrier delivers something: a receipt finds its message, or waits for it."""

from collections.abc import Callable
from typing import Protocol

from luckgw.config.model import Upstream
from luckgw.domain.status import Status
from luckgw.receipts.match import canonical
from luckgw.receipts.parse import parse
from luckgw.store.interface import Journal, Verdict


class DeliverSm(Protocol):
    """The fields of a deliver_sm (or data_sm) that say whether it is a receipt."""

    esm_class: int
    tlvs: dict[int, bytes] | None

    @property
    def payload(self) -> bytes:
        """Its text, wherever the carrier put it."""
        ...


class Counters:
    """What came from carriers, counted."""

    __slots__ = ("applied", "gone", "messages", "parked", "repeated")

    def __init__(self) -> None:
        self.applied = 0
        self.repeated = 0
        self.parked = 0
        self.gone = 0
        self.messages = 0


class Receipts:
    """Matches receipts and keeps what they say, then answers the carrier."""

    def __init__(self, journal: Journal, wake: Callable[[str], None]) -> None:
        """``wake`` is called with an account that has something in an outbox now."""
        self._journal = journal
        self._wake = wake
        self.counters = Counters()

    def received(
        self, upstream: Upstream, sm: DeliverSm, reply: Callable[[int], None]
    ) -> None:
        """Keep a receipt; the carrier is answered once that is durable. HOT PATH.

        When the store is away the carrier is told ESME_RX_T_APPN and sends it again.
        A message from a phone (MO) is not taken by this version: it gets the same
        answer, so that the carrier keeps it.
        """
        receipt = parse(sm.esm_class, sm.payload, sm.tlvs)
        counters = self.counters
        if receipt is None or not receipt.message_id:
            counters.messages += 1
            reply(Status.ESME_RX_T_APPN)
            return

        def told(verdict: Verdict, account: str) -> None:
            if verdict is Verdict.AWAY:
                reply(Status.ESME_RX_T_APPN)
                return
            reply(0)
            if verdict is Verdict.APPLIED:
                counters.applied += 1
                if account:
                    self._wake(account)
            elif verdict is Verdict.PARKED:
                counters.parked += 1
            elif verdict is Verdict.GONE:
                counters.gone += 1
            else:
                counters.repeated += 1

        self._journal.receipt(
            upstream.name,
            canonical(receipt.message_id, upstream.dlr_id),
            receipt.state,
            f"{upstream.name}\0{receipt.stat}\0{receipt.err}\0{receipt.done_date}".encode(),
            told,
        )

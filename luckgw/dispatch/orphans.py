"""Receipts that wait for their message, and what can be done for them.

A receipt is parked when its id is not known. Most come a moment before the
submit_sm_resp that brings the id, and leave then. What stays is looked at again:

- under other forms of its id (hexadecimal for decimal ...). A message to the same
  recipient that is not at its end, the only one, is the receipt's; the form is told,
  and after some such matches it is tried first at this upstream;
- among the messages on hold, whose submit_sm was never answered: the only one with its
  addresses and its minute of submission is the receipt's.

What fits nothing, or more than one message, waits for an operator, and is dropped after
72 hours.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Final

import attrs
from twisted.internet.defer import Deferred, gatherResults
from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger

from luckgw.config.model import Upstream
from luckgw.dispatch.message import Segment
from luckgw.dispatch.mt import MtDispatcher
from luckgw.pipeline.receipt import ParkedReceipt, Receipts
from luckgw.receipts.match import (
    OTHER_FORMS,
    is_same_minute,
    is_same_number,
    other_form,
)
from luckgw.store import keys, records
from luckgw.store.interface import Commands, Verdict
from luckgw.store.journal import Journal
from luckgw.store.rounds import Rounds, pause, told
from luckgw.wire.pdus import decode_sm

EVERY_S: Final = 5.0
PAGE: Final = 100
AGES_S: Final = (5.0, 600.0)
"""A parked receipt is looked at when it is that old, and once more when no submit_sm
that it could be of is still unanswered."""
LEARNT: Final = 5
"""Matches in one form, and in no other, after which the form is tried first."""

_KNOWN: Final = 73  # "I": what stands under the id of a message


@attrs.define(eq=False)
class Learning:
    """What the receipts of one upstream have taught."""

    forms: dict[str, int] = attrs.Factory(dict)
    """Form of ids -> how many receipts matched in it."""
    by_hold: int = 0
    """Receipts that settled a message on hold."""


@attrs.frozen
class _Candidate:
    """A segment that a receipt may be of, going by its id in some form."""

    receipt: ParkedReceipt
    message_id: bytes
    segment: int
    form: str

    def fits(self, record: records.Record, *, may_be_over: bool) -> bool:
        """Whether it has the same recipient and is not at its end, unless it may."""
        if self.segment >= len(record.bodies):
            return False
        if record.segment_states()[self.segment].is_final and not may_be_over:
            return False
        recipient = decode_sm(record.bodies[self.segment]).destination_addr
        return is_same_number(self.receipt.source_addr, recipient)


class Orphans:
    """Looks every five seconds."""

    log = Logger()

    def __init__(
        self,
        clock: IReactorTime,
        execute: Commands,
        journal: Journal,
        receipts: Receipts,
        upstreams: Mapping[str, Upstream],
        dispatchers: Mapping[str, MtDispatcher],
        now_ms: Callable[[], int],
        wake: Callable[[str], None],
    ) -> None:
        """``wake`` is called with an account that has something in an outbox now."""
        self._clock = clock
        self._execute = execute
        self._journal = journal
        self._receipts = receipts
        self._upstreams = upstreams
        self._dispatchers = dispatchers
        self._now_ms = now_ms
        self._wake = wake
        self._rounds = Rounds(clock, EVERY_S, "the look at parked receipts", self.look)
        self._seen_ms: dict[tuple[str, float], int] = {}
        """Upstream and age -> when the last was parked that was looked at."""
        self.learning: dict[str, Learning] = {}

    def start(self) -> None:
        """Begin."""
        self._rounds.start()

    def stop(self) -> None:
        """End; a look that is under way ends as well."""
        self._rounds.stop()

    def status(self) -> dict[str, object]:
        """What ``luckgw status`` shows: what was learnt, upstream by upstream."""
        return {
            name: {
                **learning.forms,
                "settled a message on hold": learning.by_hold,
                "tried first": getattr(self._receipts.rules.get(name), "learnt", None),
            }
            for name, learning in self.learning.items()
        }

    # -- the look ----------------------------------------------------------------------

    async def look(self) -> None:
        """See to the parked receipts that have come to an age."""
        for upstream in self._upstreams.values():
            for age_s in (*AGES_S, upstream.response_s + EVERY_S):
                await self._look_at(upstream, age_s)

    async def _look_at(self, upstream: Upstream, age_s: float) -> None:
        until_ms = self._now_ms() - round(age_s * 1000)
        seen = (upstream.name, age_s)
        while True:
            after_ms = self._seen_ms.get(seen, 0)
            names, last_ms = await self._page(upstream.name, after_ms, until_ms)
            page = await self._read(names)
            if age_s > upstream.response_s:
                page = [x for x in page if not self._settle_hold(upstream, x)]
            await self._match(upstream, page)
            if len(names) < PAGE:
                self._seen_ms[seen] = max(after_ms, until_ms)
                return
            self._seen_ms[seen] = last_ms
            await pause(self._clock)

    async def _page(
        self, upstream: str, after_ms: int, until_ms: int
    ) -> tuple[list[bytes], int]:
        """Where receipts were parked after then and until then, the oldest first, and
        when the last was: up to a page, or more when they were parked at once.
        """
        if until_ms <= after_ms:
            return [], after_ms
        parked = keys.parked(upstream)
        query = (b"ZRANGE", parked, b"(%d" % after_ms, b"%d" % until_ms, b"BYSCORE")
        limited = (*query, b"LIMIT", b"0", b"%d" % PAGE, b"WITHSCORES")
        found = await self._execute(*limited)
        if len(found) == 2 * PAGE:
            last = found[-1]
            query = (b"ZRANGE", parked, b"(%d" % after_ms, last, b"BYSCORE")
            found = await self._execute(*query, b"WITHSCORES")
        return found[::2], int(found[-1]) if found else after_ms

    async def _read(self, names: Sequence[bytes]) -> list[ParkedReceipt]:
        if not names:
            return []
        values = await self._execute(b"MGET", *names)
        found = map(ParkedReceipt.of, names, values)
        return [each for each in found if each is not None]

    # -- other forms of an id ----------------------------------------------------------

    async def _match(
        self, upstream: Upstream, receipts: Sequence[ParkedReceipt]
    ) -> None:
        """Give each of these receipts to the one message that it can be of."""
        candidates = await self._candidates(upstream, receipts)
        learnt = self._receipts.rules_of(upstream).learnt
        records_of = await self._records({each.message_id for each in candidates})
        fitting: dict[ParkedReceipt, dict[tuple[bytes, int], str]] = {}
        for each in candidates:
            record = records_of.get(each.message_id)
            # In the form that was learnt it may be a repeat of one that came before.
            if record is not None and each.fits(
                record, may_be_over=each.form == learnt
            ):
                found = fitting.setdefault(each.receipt, {})
                found.setdefault((each.message_id, each.segment), each.form)
        handing_over = []
        for receipt, found in fitting.items():
            if len(found) == 1:
                (((message_id, segment), form),) = found.items()
                d = self._hand_over(receipt, message_id, segment)
                handing_over.append(d.addCallback(self._handed_over, upstream, form))
        await gatherResults(handing_over)

    async def _candidates(
        self, upstream: Upstream, receipts: Sequence[ParkedReceipt]
    ) -> "list[_Candidate]":
        """The segments that receipts can be of, going by the forms of their ids."""
        asked: list[tuple[ParkedReceipt, bytes, str]] = []
        for receipt in receipts:
            forms: dict[bytes, str] = {}
            for form in OTHER_FORMS:
                carrier_id = other_form(receipt.raw_id, form)
                key = keys.carrier_id(upstream.name, carrier_id)
                if carrier_id and key != receipt.key:
                    forms.setdefault(key, form)
            asked += [(receipt, key, form) for key, form in forms.items()]
        if not asked:
            return []
        values = await self._execute(b"MGET", *[key for _, key, _ in asked])
        return [
            _Candidate(receipt, value[1:17], value[17], form)
            for (receipt, _, form), value in zip(asked, values, strict=True)
            if value is not None and value[0] == _KNOWN
        ]

    async def _records(self, ids: Iterable[bytes]) -> dict[bytes, records.Record]:
        """The messages of these ids, of those that are still there."""
        wanted = list(ids)
        if not wanted:
            return {}
        found = await self._execute(b"MGET", *map(keys.message, wanted))
        return {
            message_id: records.decode(data)
            for message_id, data in zip(wanted, found, strict=True)
            if data is not None
        }

    def _hand_over(
        self, receipt: ParkedReceipt, message_id: bytes, segment: int
    ) -> "Deferred[Verdict]":
        """Fires with what became of it."""
        d: Deferred[Verdict] = Deferred()

        def done(verdict: Verdict, account: str) -> None:
            if account:
                self._wake(account)
            d.callback(verdict)

        self._journal.hand_over(receipt.key, message_id, segment, done)
        return d

    def _handed_over(self, verdict: Verdict, upstream: Upstream, form: str) -> None:
        if verdict is Verdict.APPLIED:
            self._learn(upstream, form)

    def _learn(self, upstream: Upstream, form: str) -> None:
        """A receipt has matched in this form."""
        forms = self.learning.setdefault(upstream.name, Learning()).forms
        rules = self._receipts.rules_of(upstream)
        forms[form] = count = forms.get(form, 0) + 1
        if count == 1:
            self.log.warn(
                "upstream {upstream} writes ids in another form than configured:"
                " {form} (resp_id = {resp_id}, dlr_id = {dlr_id})",
                upstream=upstream.name,
                form=form,
                resp_id=upstream.resp_id,
                dlr_id=upstream.dlr_id,
            )
        if len(forms) > 1:
            rules.learnt = None  # it does not always write them so
        elif count >= LEARNT and rules.learnt is None:
            rules.learnt = form
            self.log.warn(
                "ids of upstream {upstream} are tried first as: {form}",
                upstream=upstream.name,
                form=form,
            )

    # -- messages on hold --------------------------------------------------------------

    def _settle_hold(self, upstream: Upstream, receipt: ParkedReceipt) -> bool:
        """Whether a receipt has settled the one message on hold that it can be of.

        It is old enough by now for every submit_sm that came before it to be answered
        or on hold.
        """
        dispatcher = self._dispatchers.get(upstream.name)
        if dispatcher is None:
            return False
        fitting = [
            segment
            for segment in dispatcher.on_hold()
            if _is_of_held(receipt, segment, upstream.response_s)
        ]
        if len(fitting) != 1:
            return False
        _, carrier_id = keys.parse_carrier_id(receipt.key)
        dispatcher.settle_by_receipt(fitting[0], carrier_id, receipt.raw_id)
        self.learning.setdefault(upstream.name, Learning()).by_hold += 1
        return True

    # -- for the operator --------------------------------------------------------------

    async def waiting(self, upstream: str | None, most: int) -> list[ParkedReceipt]:
        """The receipts of an upstream, or of all, that wait; the oldest first."""
        found: list[ParkedReceipt] = []
        for name in [upstream] if upstream is not None else self._upstreams:
            query = (b"ZRANGE", keys.parked(name), b"0", b"%d" % (most - 1))
            found += await self._read(await self._execute(*query))
        found.sort(key=lambda each: each.time_ms)
        return found[:most]

    async def counts(self) -> dict[str, int]:
        """Upstream -> how many receipts wait for their message."""
        return {
            name: await self._execute(b"ZCARD", keys.parked(name))
            for name in self._upstreams
        }

    async def bind(self, key: bytes, message_id: bytes) -> Verdict:
        """Give a parked receipt to a message, by hand.

        Of several segments it is for the first that is not at its end. Verdicts as
        those of ``Journal.hand_over``.
        """
        data = await self._execute(b"GET", keys.message(message_id))
        if data is None:
            return Verdict.GONE
        states = records.decode(data).segment_states()
        segment = next((n for n, each in enumerate(states) if not each.is_final), 0)

        receipt = ParkedReceipt.of(key, await self._execute(b"GET", key))
        if receipt is None:
            return Verdict.UNKNOWN
        return await self._hand_over(receipt, message_id, segment)

    async def drop(self, key: bytes) -> Verdict:
        """Drop a parked receipt, by hand; UNKNOWN when none waits there."""

        def start(done: Callable[[Verdict], None]) -> None:
            self._journal.drop_receipt(key, lambda verdict, _account: done(verdict))

        return await told(start)


def _is_of_held(receipt: ParkedReceipt, segment: Segment, response_s: float) -> bool:
    """Whether the addresses and the minute of submission are those of a receipt."""
    trouble = segment.message.trouble
    if trouble is None:
        return False
    sent_ms = trouble.since_ms - round(response_s * 1000)
    sm = decode_sm(segment.body)
    return (
        receipt.time_ms >= sent_ms
        and is_same_number(receipt.source_addr, sm.destination_addr)
        and receipt.destination_addr.lower() == sm.source_addr.lower()
        and is_same_minute(receipt.submit_date, sent_ms, trouble.since_ms)
    )

"""query_sm, cancel_sm, replace_sm: what a partner may do with what it has sent.

A message can be cancelled or replaced while no carrier has any of it and nobody holds
it to send it; the store decides that in the step that does it (spec/reliability 2.3).
"""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any, Final

from twisted.internet.defer import Deferred, DeferredLock, ensureDeferred, gatherResults
from twisted.internet.interfaces import IReactorTime
from twisted.internet.task import deferLater

from luckgw.admission.accounts import KnownAccount
from luckgw.admission.checks import Waiting, replaced_times
from luckgw.admission.smpp_time import absolute_time
from luckgw.domain.address import normalise_number
from luckgw.domain.errors import Refusal, bad_request, system_error
from luckgw.domain.states import MESSAGE_STATE, State
from luckgw.domain.status import Status
from luckgw.ingress.smpp_bodies import encoded, without_sar
from luckgw.receipts.match import message_state
from luckgw.store import keys, records
from luckgw.store.interface import (
    FLAG_DELIVER_SM,
    FLAG_HTTP,
    Journal,
    StoreAway,
    Verdict,
)
from luckgw.store.messages import Found, Messages
from luckgw.store.records import first_body
from luckgw.wire.pdus import Command, Sm, Tag, decode_sm
from luckgw.wire.rare import (
    CancelSm,
    QuerySm,
    ReplaceSm,
    decode_cancel_sm,
    decode_query_sm,
    decode_replace_sm,
    encode_query_sm_resp,
)

MOST_LOOKED_AT: Final = 5000
"""A cancel_sm without a message_id looks at so many messages that are ready for an
upstream, the newest, and at so many that wait for their time, the next ones."""
STEP: Final = 200
"""Records that are read at a time ..."""
PAUSE_S: Final = 0.005
"""... and the pause between two times: others use the store as well."""
TRIES: Final = 3
"""How often a message that is held is asked for again ..."""
AGAIN_S: Final = 0.1
"""... and after how long: it may be given back, when its bind went or its queue was
only looked through."""

_CANCELED: Final = b"\0DELETED\x00000"  # a tail, like that of a receipt
_ERR: Final = 2  # which part of a tail is err
_RECEIPT_BITS: Final = 0b11
_MAX_ERROR_CODE: Final = 255
_UDHI: Final = 0x40

Answer = tuple[int, bytes]
"""command_status and body of a response."""


class Requests:
    """Answers these requests, for any account."""

    def __init__(
        self,
        clock: IReactorTime,
        journal: Journal,
        messages: Messages,
        upstreams: Sequence[str],
        now_ms: Callable[[], int],
        wake: Callable[[str], None],
    ) -> None:
        """``wake`` hears of an account that has something in an outbox now."""
        self._clock = clock
        self._journal = journal
        self._messages = messages
        self._upstreams = upstreams
        self._now_ms = now_ms
        self._wake = wake
        self._search = DeferredLock()  # one at a time: it reads much

    def answer(
        self, command_id: int, body: bytes, account: KnownAccount
    ) -> "Deferred[Answer]":
        """What a request is answered.

        Fails with Refusal, or with PduError when its body can not be read.
        """
        do: dict[int, Callable[[bytes, KnownAccount], Any]] = {
            Command.QUERY_SM: self._query,
            Command.CANCEL_SM: self._cancel,
            Command.REPLACE_SM: self._replace,
        }
        return ensureDeferred(do[command_id](body, account))

    async def _find(
        self,
        asked: QuerySm | CancelSm | ReplaceSm,
        account: KnownAccount,
        store_status: Status,
    ) -> Found:
        """The messages of the id that is asked for, if their source is as said.

        One, or those of a submit_multi. Raises Refusal when there is none: what is
        another account's is unknown.
        """
        told = asked.message_id.decode("latin-1")
        try:
            found = await self._messages.find(account.name, told)
        except StoreAway:
            raise _away(store_status) from None
        found = [
            each for each in found if _is_from(decode_sm(first_body(each[1])), asked)
        ]
        if not found:
            raise bad_request("there is no such message", Status.ESME_RINVMSGID)
        return found

    # -- query_sm ----------------------------------------------------------------------

    async def _query(self, body: bytes, account: KnownAccount) -> Answer:
        asked = decode_query_sm(body)
        found = await self._find(asked, account, Status.ESME_RQUERYFAIL)
        now_ms = self._now_ms()
        # In the order in which they came to their states, as match.message_state needs.
        members = sorted(
            (records.decode(data) for _, data in found), key=lambda m: m.updated_ms
        )
        states = [each.state_at(now_ms) for each in members]
        state = message_state(states)
        final_date, error_code = None, 0
        if state.is_final:
            decided = members[states.index(state)]
            final_date = datetime.fromtimestamp(members[-1].updated_ms // 1000, UTC)
            error_code = _error_code(decided, state)
        return Status.ESME_ROK, encode_query_sm_resp(
            asked.message_id, final_date, MESSAGE_STATE[state], error_code
        )

    # -- cancel_sm ---------------------------------------------------------------------

    async def _cancel(self, body: bytes, account: KnownAccount) -> Answer:
        asked = decode_cancel_sm(body)
        if asked.message_id:
            verdicts = await self._cancel_each(await self._named(asked, account))
        else:
            verdicts = await self._search.run(
                lambda: ensureDeferred(self._cancel_all(asked, account))
            )
        if Verdict.APPLIED in verdicts:
            return Status.ESME_ROK, b""
        if Verdict.AWAY in verdicts:
            raise _away(Status.ESME_RSYSERR)
        raise bad_request("nothing of it waits any more", Status.ESME_RCANCELFAIL)

    async def _named(self, asked: CancelSm, account: KnownAccount) -> list[bytes]:
        """Those of the id that is asked for which may still wait."""
        found = await self._find(asked, account, Status.ESME_RSYSERR)
        if asked.destination_addr:
            found = [
                each for each in found if _is_to(decode_sm(first_body(each[1])), asked)
            ]
            if not found:
                raise bad_request("it has no such destination", Status.ESME_RINVMSGID)
        return [message_id for message_id, data in found if _may_wait(data)]

    async def _cancel_all(
        self, asked: CancelSm, account: KnownAccount
    ) -> list[Verdict]:
        return await self._cancel_each(await self._search_for(asked, account))

    async def _cancel_each(self, message_ids: list[bytes]) -> list[Verdict]:
        each = [ensureDeferred(self._cancel_one(one)) for one in message_ids]
        verdicts: list[Verdict] = await gatherResults(each)
        return verdicts

    async def _cancel_one(self, message_id: bytes) -> Verdict:
        return await self._insist(
            lambda done: self._journal.cancel(message_id, _CANCELED, done)
        )

    async def _search_for(self, asked: CancelSm, account: KnownAccount) -> list[bytes]:
        """The ids of an account's waiting messages of a source and a destination."""
        wanted: list[bytes] = []
        owner = account.name.encode()
        try:
            for upstream in self._upstreams:
                waiting = await self._messages.queued(upstream, MOST_LOOKED_AT)
                for at in range(0, len(waiting), STEP):
                    found = await self._messages.read(waiting[at : at + STEP])
                    wanted += [
                        message_id
                        for message_id, data in found
                        if records.account_of(data) == owner and _fits(data, asked)
                    ]
                    await deferLater(self._clock, PAUSE_S)
        except StoreAway:
            raise _away(Status.ESME_RSYSERR) from None
        return wanted

    # -- replace_sm --------------------------------------------------------------------

    async def _replace(self, body: bytes, account: KnownAccount) -> Answer:
        asked = decode_replace_sm(body)
        if asked.registered_delivery & _RECEIPT_BITS == _RECEIPT_BITS:
            raise bad_request(
                "registered_delivery is reserved", Status.ESME_RINVREGDLVFLG
            )
        if asked.sm_default_msg_id:
            raise bad_request("there are no default messages", Status.ESME_RINVDFTMSGID)
        found = await self._find(asked, account, Status.ESME_RSYSERR)
        now_ms = self._now_ms()
        changes = [
            (message_id, data, _replaced(data, asked, account, now_ms))
            for message_id, data in found
            if _may_wait(data)
        ]
        verdicts = await gatherResults(
            [ensureDeferred(self._replace_one(asked, *change)) for change in changes]
        )
        if Verdict.APPLIED in verdicts:
            return Status.ESME_ROK, b""
        if Verdict.AWAY in verdicts:
            raise _away(Status.ESME_RSYSERR)
        raise bad_request("nothing of it waits any more", Status.ESME_RREPLACEFAIL)

    async def _replace_one(
        self, asked: ReplaceSm, message_id: bytes, old: bytes, new: bytes
    ) -> Verdict:
        due: tuple[bytes, int] | None = None
        if asked.schedule_delivery_time:
            due_ms = records.decode(new).due_ms or 0
            try:
                for upstream in self._upstreams:
                    if await self._messages.waits_delayed(upstream, message_id):
                        due = keys.upstream_queue(upstream), due_ms
            except StoreAway:
                return Verdict.AWAY
        return await self._insist(
            lambda done: self._journal.replace(message_id, old, new, due, done)
        )

    # -- the store ---------------------------------------------------------------------

    async def _insist(self, ask: Callable[[Any], None]) -> Verdict:
        """Ask the journal; again, a little later, while it changes nothing."""
        verdict = Verdict.NO_CHANGE
        for pause in (0.0, *[AGAIN_S] * (TRIES - 1)):
            if pause:
                await deferLater(self._clock, pause)
            d: Deferred[Verdict] = Deferred()

            def told(verdict: Verdict, owner: str, d: Any = d) -> None:
                if owner:
                    self._wake(owner)
                d.callback(verdict)

            ask(told)
            verdict = await d
            if verdict is not Verdict.NO_CHANGE:
                break
        return verdict


def _away(status: Status) -> Refusal:
    refusal = system_error("the store does not answer; try again later")
    return Refusal(status, refusal.http_status, refusal.body, refusal.detail, 2)


def _is_from(sm: Sm, asked: QuerySm | CancelSm | ReplaceSm) -> bool:
    """Whether a message has the source that is said (v3.4 4.8.1).

    TON and NPI are not compared: what kind of address it is is found out from it when
    the message comes, whatever was said.
    """
    return sm.source_addr == asked.source_addr.removeprefix(b"+")


def _is_to(sm: Sm, asked: CancelSm) -> bool:
    """Whether a message goes to the destination that is said."""
    number = asked.destination_addr.decode("latin-1")
    return sm.destination_addr.decode("latin-1") == normalise_number(number, 1)


def _fits(data: bytes, asked: CancelSm) -> bool:
    """Whether a message is meant by a cancel_sm without message_id (v3.4 4.9.1)."""
    sm = decode_sm(first_body(data))
    return (
        asked.service_type in (b"", sm.service_type)
        and _is_from(sm, asked)
        and _is_to(sm, asked)
        and _may_wait(data)  # what is cancelled stays in line
    )


def _may_wait(data: bytes) -> bool:
    """Whether nothing is known against it; the store knows better."""
    return records.decode(data).state < State.SENT


def _error_code(record: records.Record, state: State) -> int:
    """The carrier's err, where it is a number that fits the octet; else 0."""
    event = record.deciding(state)
    parts = event.tail.split(b"\0") if event is not None else []
    err = parts[_ERR] if len(parts) > _ERR else b""
    code = int(err) if err.isdigit() else 0
    return code if code <= _MAX_ERROR_CODE else 0


def _replaced(
    old: bytes, asked: ReplaceSm, account: KnownAccount, now_ms: int
) -> bytes:
    """The record of a message with what a replace_sm changes (v3.4 4.10.1)."""
    record = records.decode(old)
    sm = decode_sm(record.bodies[0])
    waiting = Waiting(record.due_ms, record.deadline_ms, bool(sm.validity_period))
    due_ms, deadline_ms = replaced_times(
        asked.schedule_delivery_time, asked.validity_period, waiting, account, now_ms
    )
    validity = asked.validity_period or sm.validity_period
    if validity and due_ms is not None:
        validity = absolute_time(deadline_ms)
    bodies = record.bodies
    if asked.short_message:
        bodies = [_with_text(sm, len(bodies), asked.short_message)]
    bodies = [encoded(decode_sm(each), validity_period=validity) for each in bodies]
    flags = record.flags & ~FLAG_DELIVER_SM
    if asked.registered_delivery & _RECEIPT_BITS and not flags & FLAG_HTTP:
        flags |= FLAG_DELIVER_SM
    return records.replaced(
        old,
        flags=flags,
        registered_delivery=asked.registered_delivery,
        deadline_ms=deadline_ms,
        bodies=bodies,
        due_ms=due_ms,
    )


def _with_text(sm: Sm, segments: int, text: bytes) -> bytes:
    """A body with another text; raises PduError where its header is no header.

    What was cut into segments, with a header of ours in each, is one whole message now.
    """
    tlvs = {
        tag: value
        for tag, value in (sm.tlvs or {}).items()
        if tag != Tag.MESSAGE_PAYLOAD
    }
    esm_class = sm.esm_class
    if segments > 1:
        tlvs, esm_class = without_sar(tlvs), esm_class & ~_UDHI
    body = encoded(sm, short_message=text, tlvs=tlvs, esm_class=esm_class)
    decode_sm(body)
    return body

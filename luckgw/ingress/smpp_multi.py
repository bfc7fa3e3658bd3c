"""submit_multi: one request, one id, a message for each destination (v3.4 4.5)."""

from collections.abc import Callable
from functools import partial
from typing import Final

from twisted.internet.defer import Deferred

from luckgw.domain import ids
from luckgw.domain.errors import Refusal
from luckgw.domain.status import Status
from luckgw.pipeline.submit import Done, Submit
from luckgw.store.interface import FLAG_MULTI, ID_FORM_SHIFT, told_id
from luckgw.wire.pdus import PduError, Sm
from luckgw.wire.rare import (
    Destination,
    decode_submit_multi,
    encode_submit_multi_resp,
)

Offer = Callable[[Sm, bytes, int, Done], None]
"""Has one message kept: the message, its id, its flags, who is told. Raises Refusal."""

_LATER: Final = frozenset(
    {Status.ESME_RSYSERR, Status.ESME_RMSGQFUL, Status.ESME_RTHROTTLED}
)
"""The refusals that a partner is to repeat."""


class Group:
    """The messages of one submit_multi, until each is kept or refused."""

    def __init__(
        self, body: bytes, id_flags: int, offer: Offer, submit: Submit
    ) -> None:
        """``id_flags`` say in which form the partner is told ids.

        Raises PduError when the request can not be read, and Refusal when it can not
        get an id.
        """
        multi = decode_submit_multi(body)
        self._refused: list[tuple[Destination, int]] = []
        self._open = len(multi.destinations)
        flags = id_flags | FLAG_MULTI
        group = ids.group_of(submit.new_id(id_flags >> ID_FORM_SHIFT))
        self._told_id = told_id(group, flags).encode()
        self._size = self._open
        self.told: Deferred[tuple[int, bytes]] = Deferred()
        """Fires with the command_status and body of the answer, once all are kept."""
        members = zip(ids.members_of(group), multi.destinations, strict=False)
        for message_id, to in members:
            done = partial(self._stored, to)
            try:
                offer(multi.submit_sm(to), message_id, flags, done)
            except (Refusal, PduError) as refusal:
                self._settled(to, refusal.command_status)

    def _stored(self, to: Destination, result: str | Refusal) -> None:
        self._settled(to, 0 if isinstance(result, str) else result.command_status)

    def _settled(self, to: Destination, command_status: int) -> None:
        if command_status:
            self._refused.append((to, command_status))
        self._open -= 1
        if not self._open:
            self.told.callback(self._answer())

    def _answer(self) -> tuple[int, bytes]:
        if len(self._refused) < self._size:
            body = encode_submit_multi_resp(self._told_id, self._refused)
            return Status.ESME_ROK, body
        # All in vain. Where they all say "later", so does the answer: ESME_RSUBMITFAIL
        # makes a partner give the message up.
        reasons = {status for _, status in self._refused}
        status = reasons.pop() if len(reasons) == 1 else Status.ESME_RSUBMITFAIL
        if status not in _LATER:
            status = Status.ESME_RSUBMITFAIL
        return status, encode_submit_multi_resp(b"", self._refused)

"""What an account got from phones, newest first. Implements ports.InboxReader."""

from typing import Final

from twisted.internet.defer import Deferred, ensureDeferred, fail

from luckgw.domain.errors import bad_request, system_error
from luckgw.domain.ids import to_text
from luckgw.egress.body import binary_extra
from luckgw.egress.mo import Mo
from luckgw.ingress.ports import Received
from luckgw.store import keys, records
from luckgw.store.interface import Commands, StoreAway

_MEMBER: Final = 24
"""Octets of an inbox's member: when, then the message's id (keys.inbox)."""
_TIME: Final = 8


class Inbox:
    """Reads inboxes."""

    def __init__(self, execute: Commands) -> None:
        self._execute = execute

    def received(
        self, account: str, limit: int, cursor: str | None
    ) -> "Deferred[tuple[list[Received], str | None]]":
        """See the port."""
        before = b"+"
        if cursor is not None:
            try:
                before = b"(" + bytes.fromhex(cursor)
            except ValueError:
                before = b""
            if len(before) != _MEMBER + 1:
                return fail(bad_request("parameter cursor is none that was given out"))
        return ensureDeferred(self._read(keys.inbox(account), limit, before))

    async def _read(
        self, inbox: bytes, limit: int, before: bytes
    ) -> tuple[list[Received], str | None]:
        by_time = (b"BYLEX", b"REV", b"LIMIT", 0, limit)
        try:
            members = await self._execute(b"ZRANGE", inbox, before, b"-", *by_time)
            if not members:
                return [], None
            ids = [member[_TIME:] for member in members]
            found = await self._execute(b"MGET", *map(keys.message, ids))
        except StoreAway:
            raise system_error("the store does not answer; try again later") from None
        more = members[-1].hex() if len(members) == limit else None
        there = zip(ids, found, strict=True)
        return [_received(each, data) for each, data in there if data], more


def _received(message_id: bytes, data: bytes) -> Received:
    mo = Mo(*records.read_inbound(data))
    text = mo.text
    extra = None
    if text is None:
        extra = binary_extra(mo.data_coding, mo.header, mo.octets)
    return Received(
        to_text(message_id), mo.phone, mo.number, text or "", mo.received_ms, extra
    )

"""Messages looked up for their customers, by whatever they were told as the id."""

from typing import Any, Final

from twisted.internet.defer import Deferred, ensureDeferred

from luckgw.domain import ids
from luckgw.store import keys, records
from luckgw.store.interface import FLAG_MULTI, Commands

Found = list[tuple[bytes, bytes]]
"""Ids and their records: one message, or the messages of a group; none: unknown."""

_GROUP: Final = 0  # the last octet of a group's id


class Messages:
    """What the store keeps of an account's messages. Beside the journal: it only reads.

    Every call fails with StoreAway when the store does not answer.
    """

    def __init__(self, execute: Commands) -> None:
        self._execute = execute

    def find(self, account: str, told: str) -> "Deferred[Found]":
        """The account's message, or messages, of an id in any of ids.FORMS.

        Nobody learns whether an id that is not theirs exists.
        """
        return ensureDeferred(self._find(account, told))

    async def _find(self, account: str, told: str) -> Found:
        message_id = ids.from_text(told)
        if message_id is None:
            name = ids.alias_of(told)
            if name is None:
                return []
            message_id = await self._execute(b"GET", keys.alias(account, name))
            if message_id is None:
                return []
        data = await self._execute(b"GET", keys.message(message_id))
        if data is not None:
            found = [(message_id, data)]
        elif message_id[-1] == _GROUP:
            members = ids.members_of(message_id)
            found = [
                (each, record)
                for each, record in await self.read(members)
                if records.flags_of(record) & FLAG_MULTI
            ]
        else:
            return []
        owner = account.encode()
        return [each for each in found if records.account_of(each[1]) == owner]

    async def read(self, message_ids: list[bytes]) -> Found:
        """The records of those that are there."""
        if not message_ids:
            return []
        data = await self._execute(b"MGET", *map(keys.message, message_ids))
        return [each for each in zip(message_ids, data, strict=True) if each[1]]

    async def queued(self, upstream: str, most: int) -> list[bytes]:
        """Ids that wait for an upstream: the newest in line, and what is due next."""
        queue = keys.upstream_queue(upstream)
        ready: list[Any] = await self._execute(b"LRANGE", queue, -most, -1)
        delayed: list[Any] = await self._execute(
            b"ZRANGE", keys.delayed(queue), 0, most - 1
        )
        return ready + delayed

    async def waits_delayed(self, upstream: str, message_id: bytes) -> bool:
        """Whether a message waits for its time in the queue of an upstream."""
        key = keys.delayed(keys.upstream_queue(upstream))
        return await self._execute(b"ZSCORE", key, message_id) is not None

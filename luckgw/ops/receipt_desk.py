"""For operators: receipts that found no message, deliver_sm that none could read."""

from typing import Any, Final, Protocol

from luckgw.domain.ids import from_text
from luckgw.pipeline.receipt import ParkedReceipt
from luckgw.store import keys
from luckgw.store.interface import Commands, Verdict

MOST: Final = 1000
"""So many are listed at once."""
_SHOWN_DIGITS: Final = 3


class Orphans(Protocol):
    """What is known of receipts that wait for their message (dispatch.orphans)."""

    async def waiting(self, upstream: str | None, most: int) -> list[ParkedReceipt]:
        """Those of an upstream, or of all; the oldest first."""
        ...

    async def bind(self, key: bytes, message_id: bytes) -> Verdict:
        """Give one to a message."""
        ...

    async def drop(self, key: bytes) -> Verdict:
        """Drop one."""
        ...


class NotPossible(Exception):
    """What was asked can not be done; the text is one sentence for the operator."""


class ReceiptDesk:
    """What the admin API does with them. All calls may fail with StoreAway."""

    def __init__(self, orphans: Orphans, execute: Commands) -> None:
        self._orphans = orphans
        self._execute = execute

    async def waiting(self, upstream: str | None) -> list[dict[str, Any]]:
        """The receipts that wait for their message, the oldest first."""
        return [_shown(each) for each in await self._orphans.waiting(upstream, MOST)]

    async def bind(self, orphan: str, message: str) -> str:
        """Give a receipt to a message; says what became of it. Raises NotPossible."""
        message_id = from_text(message)
        if message_id is None:
            raise NotPossible(f"{message!r} is no message id")
        verdict = await self._orphans.bind(_key(orphan), message_id)
        if verdict is Verdict.GONE:
            raise NotPossible(f"there is no message {message}")
        if verdict is Verdict.UNKNOWN:
            raise NotPossible(f"no receipt {orphan} waits for its message")
        if verdict is Verdict.NO_CHANGE:
            return "it was no news for the message"
        return "the message has it now"

    async def drop(self, orphan: str) -> None:
        """Drop a receipt. Raises NotPossible."""
        if await self._orphans.drop(_key(orphan)) is not Verdict.APPLIED:
            raise NotPossible(f"no receipt {orphan} waits for its message")

    async def quarantine(self, upstream: str) -> list[dict[str, Any]]:
        """What an upstream delivered that could not be read, the latest last."""
        entries = await self._execute(b"LRANGE", keys.quarantine(upstream), -MOST, -1)
        found = []
        for entry in entries:
            time_ms, command_id, status, body = entry.decode().split(" ")
            found.append(
                {
                    "time_ms": int(time_ms),
                    "command_id": int(command_id, 16),
                    "answered": int(status, 16),
                    "body": body,
                }
            )
        return found


def _key(orphan: str) -> bytes:
    """The key of a receipt as ``waiting`` names it."""
    upstream, colon, carrier_id = orphan.partition(":")
    if not colon:
        raise NotPossible(f"{orphan!r} is no receipt: they are listed as UPSTREAM:ID")
    return keys.carrier_id(upstream, carrier_id.encode("latin-1", "replace"))


def _shown(receipt: ParkedReceipt) -> dict[str, Any]:
    upstream, carrier_id = keys.parse_carrier_id(receipt.key)
    recipient = receipt.source_addr.decode("latin-1")
    return {
        "orphan": f"{upstream}:{carrier_id.decode('latin-1')}",
        "upstream": upstream,
        "id": receipt.raw_id.decode("latin-1"),
        "time_ms": receipt.time_ms,
        "state": receipt.state.word,
        "stat": receipt.stat,
        "err": receipt.err,
        "recipient": "*" * len(recipient[:-_SHOWN_DIGITS]) + recipient[-_SHOWN_DIGITS:],
    }

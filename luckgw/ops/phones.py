"""What operators ask about messages from phones: inboxes, opt-outs, one to try."""

from collections.abc import Callable, Container, Mapping
from typing import Any, Final, Protocol

from twisted.internet.defer import Deferred

from luckgw.domain.address import normalise_number
from luckgw.store import keys
from luckgw.store.interface import Commands, opted_out_field

MOST: Final = 1000
"""Entries in one answer."""


class Refused(Exception):
    """What was asked for can not be done; the message is for the operator."""


class Received(Protocol):
    """A message in an inbox (luckgw.ingress.ports)."""

    def to_json(self) -> dict[str, object]:
        """As the HTTP API shows it."""
        ...


class Inbox(Protocol):
    """Reads inboxes (luckgw.ingress.inbox)."""

    def received(
        self, account: str, limit: int, cursor: str | None
    ) -> "Deferred[tuple[Any, str | None]]":
        """The newest messages, and where to go on."""
        ...


class Phones:
    """Answers for the admin API; raises Refused, and StoreAway."""

    def __init__(
        self,
        execute: Commands,
        inbox: Inbox,
        accounts: Container[str],
        heeds_opt_outs: Container[str],
        bring: Callable[[Mapping[str, Any]], None] | None,
        now_ms: Callable[[], int],
    ) -> None:
        """``bring`` has the sandbox deliver a message; None: there is no sandbox."""
        self._execute = execute
        self._inbox = inbox
        self._accounts = accounts
        self._heeds_opt_outs = heeds_opt_outs
        self._bring = bring
        self._now_ms = now_ms

    async def inbox(self, account: str, limit: int) -> dict[str, Any]:
        """The newest messages of an account."""
        self._check(account)
        found, _ = await self._inbox.received(account, min(limit, MOST), None)
        return {"messages": [each.to_json() for each in found]}

    async def opted_out(self, account: str) -> dict[str, Any]:
        """Who has opted out of what, up to MOST of them."""
        self._check(account)
        listed: list[dict[str, Any]] = []
        cursor = b"0"
        while len(listed) < MOST:
            cursor, flat = await self._execute(
                b"HSCAN", keys.opted_out(account), cursor, b"COUNT", 500
            )
            for field, since in zip(flat[::2], flat[1::2], strict=True):
                sender, _, phone = field.decode().rpartition(">")
                listed.append(
                    {"sender": sender, "phone": phone, "since_ms": int(since)}
                )
            if cursor == b"0":
                break
        listed.sort(key=lambda each: each["since_ms"])
        count = await self._execute(b"HLEN", keys.opted_out(account))
        return {"opted_out": listed[:MOST], "count": count}

    async def opt_out(self, account: str, sender: str, phone: str) -> dict[str, Any]:
        """Put a phone on an account's list; told whether it was not there before."""
        self._check(account)
        if account not in self._heeds_opt_outs:
            raise Refused(
                f"no [[mo_routes]] leads to account {account}, or its opt_out is not"
                " enabled: nobody would look at its list"
            )
        field = _field(sender, phone)
        added = await self._execute(
            b"HSETNX", keys.opted_out(account), field, b"%d" % self._now_ms()
        )
        return {"changed": bool(added)}

    async def opt_in(self, account: str, sender: str, phone: str) -> dict[str, Any]:
        """Take a phone off an account's list; told whether it was there."""
        self._check(account)
        field = _field(sender, phone)
        removed = await self._execute(b"HDEL", keys.opted_out(account), field)
        return {"changed": bool(removed)}

    def simulate(self, wish: Mapping[str, Any]) -> dict[str, Any]:
        """Have the sandbox deliver a phone's message."""
        if self._bring is None:
            raise Refused("there is no sandbox here: see [sandbox] enabled")
        try:
            self._bring(wish)
        except ValueError as error:
            raise Refused(str(error)) from None
        return {"brought": True}

    def _check(self, account: str) -> None:
        if account not in self._accounts:
            raise Refused(f"account {account} is not configured")


def _field(sender: str, phone: str) -> bytes:
    number = normalise_number(phone)
    if number is None:
        raise Refused(f"{phone!r} is not a number in international format")
    return opted_out_field(sender, number)

"""Which of an account's sessions are bound, and which of them may receive."""

from collections.abc import Callable
from typing import Protocol


class Receiver(Protocol):
    """A bound session, as the outbox sees it."""

    @property
    def room(self) -> int:
        """How many deliver_sm may be sent now; none to a peer that does not read."""
        ...

    @property
    def capacity(self) -> int:
        """Its window, or 0 if it never receives."""
        ...

    @property
    def takes_tlvs(self) -> bool:
        """Whether it bound with v3.4 or later."""
        ...

    def deliver(self, body: bytes, context: object) -> None:
        """Send one deliver_sm body; the account's outbox hears the answer. HOT PATH."""
        ...


class Sessions:
    """All bound sessions, by account."""

    def __init__(self, changed: Callable[[str], None]) -> None:
        """``changed`` is called with the account whenever its sessions change."""
        self._changed = changed
        self._by_account: dict[str, list[Receiver]] = {}

    def add(self, account: str, session: Receiver) -> None:
        """A session was bound."""
        self._by_account.setdefault(account, []).append(session)
        self._changed(account)

    def remove(self, account: str, session: Receiver) -> None:
        """A session is gone."""
        sessions = self._by_account.get(account, [])
        if session in sessions:
            sessions.remove(session)
            if not sessions:
                del self._by_account[account]
            self._changed(account)

    def of(self, account: str) -> list[Receiver]:
        """The account's bound sessions, oldest first."""
        return self._by_account.get(account, [])

    def counts(self) -> dict[str, int]:
        """How many sessions each account has."""
        return {account: len(found) for account, found in self._by_account.items()}

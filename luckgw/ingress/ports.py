"""What ingress needs of the rest of the gateway: the pipeline and the store give it."""

from collections.abc import Mapping
from typing import Protocol

import attrs
from twisted.internet.defer import Deferred

from luckgw.config.model import Account
from luckgw.domain.states import State
from luckgw.egress.body import rfc3339
from luckgw.store.api_keys import ApiKey


@attrs.frozen
class Accepted:
    """A message that is stored and queued: the caller may be told Success."""

    message_id: str
    """Its id, 36 characters."""
    segments: int
    """On the air."""
    encoding: str
    """``gsm7``, ``ucs2``, ``latin1`` or ``ascii``."""


@attrs.frozen
class MessageStatus:
    """What the store knows of one message."""

    message_id: str
    account: str
    state: State
    updated_ms: int
    """When we recorded the last change, Unix time in milliseconds."""
    source: str
    destination: str


class TextSender(Protocol):
    """Where a text goes that came in by HTTP."""

    def send_text(
        self,
        account: Account,
        source: str,
        destination: str,
        content: str,
        *,
        sandbox_only: bool = False,
        transliterate: bool | None = None,
    ) -> "Deferred[Accepted]":
        """Check, store and queue one message. HOT PATH.

        Fires once the message is durable. Fails with Refusal, and with nothing else
        that is not a defect. ``sandbox_only``: it came with a test key and must never
        reach a real upstream. ``transliterate``: what the call asks, None when it does
        not say. The strings are Unicode without lone surrogates, as the
        caller wrote them; numbers are not yet normalised, senders not yet approved.
        """
        ...


class MessageReader(Protocol):
    """Where the state of a message is looked up."""

    def status(self, account: str, told_id: str) -> "Deferred[MessageStatus | None]":
        """The account's message of an id, as it was told in whatever form.

        None: the account has none. Fails with Refusal (system error) when the store is
        away.
        """
        ...


@attrs.frozen
class Received:
    """One message from a phone, as an inbox shows it."""

    message_id: str
    phone: str
    """Who wrote it."""
    number: str
    """To whom."""
    content: str
    received_ms: int
    """Unix time in milliseconds."""
    extra: Mapping[str, object] | None
    """What it is when it is no text (egress.body.binary_extra)."""

    def to_json(self) -> dict[str, object]:
        """With the names of the webhook's event."""
        shown: dict[str, object] = {
            "message_id": self.message_id,
            "from": self.phone,
            "to": self.number,
            "content": self.content,
            "received_at": rfc3339(self.received_ms),
        }
        return shown if self.extra is None else {**shown, "extra": self.extra}


class InboxReader(Protocol):
    """Where the messages that an account got from phones are looked up."""

    def received(
        self, account: str, limit: int, cursor: str | None
    ) -> "Deferred[tuple[list[Received], str | None]]":
        """The newest ``limit`` older than ``cursor``, and the next cursor.

        None for that when there is no more. Fails with Refusal: a bad cursor, or the
        store is away.
        """
        ...


class Readiness(Protocol):
    """Whether this node can do its work now."""

    def problems(self) -> list[str]:
        """What stands against it, a sentence each, for operators; empty: ready."""
        ...


class Authenticator(Protocol):
    """Who may call."""

    def authenticate(self, key: str) -> ApiKey | None:
        """The key that ``key`` is, if it and its account are good now.

        Raises Refusal (system error) when that can not be known.
        """
        ...

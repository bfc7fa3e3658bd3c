"""The pipeline and the store as the HTTP API sees them: Deferreds."""

from collections.abc import Callable

from twisted.internet.defer import Deferred, fail
from twisted.python.failure import Failure

from luckgw.config.model import Account
from luckgw.domain import errors
from luckgw.ingress.ports import Accepted, MessageStatus
from luckgw.pipeline.text import Kept, SendText
from luckgw.receipts.match import message_state
from luckgw.store import records
from luckgw.store.interface import StoreAway, told_id
from luckgw.store.messages import Found, Messages
from luckgw.wire.pdus import decode_sm


class Sender:
    """Implements ports.TextSender."""

    def __init__(self, send_text: SendText) -> None:
        self._send_text = send_text

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
        """See the port. HOT PATH."""
        d: Deferred[Accepted] = Deferred()

        def done(kept: Kept | errors.Refusal) -> None:
            if isinstance(kept, errors.Refusal):
                d.errback(Failure(kept))
            else:
                d.callback(Accepted(kept.message_id, kept.segments, kept.encoding))

        try:
            self._send_text.send(
                account,
                source,
                destination,
                content,
                done,
                sandbox_only=sandbox_only,
                transliterate=transliterate,
            )
        except errors.Refusal as refusal:
            return fail(refusal)
        return d


class Reader:
    """Implements ports.MessageReader."""

    def __init__(self, messages: Messages, now_ms: Callable[[], int]) -> None:
        self._messages = messages
        self._now_ms = now_ms

    def status(self, account: str, told_id: str) -> "Deferred[MessageStatus | None]":
        """See the port."""
        d = self._messages.find(account, told_id)
        return d.addCallbacks(self._read, _away)

    def _read(self, found: Found) -> MessageStatus | None:
        """One message, or those of a submit_multi as if they were one's segments."""
        if not found:
            return None
        now_ms = self._now_ms()
        members = sorted(
            (records.decode(data) for _, data in found), key=lambda m: m.updated_ms
        )
        message_id, _ = found[0]
        sm = decode_sm(members[0].bodies[0])
        return MessageStatus(
            message_id=told_id(message_id, members[0].flags),
            account=members[0].account,
            state=message_state([each.state_at(now_ms) for each in members]),
            updated_ms=members[-1].updated_ms,
            source=sm.source_addr.decode("latin-1"),
            destination=sm.destination_addr.decode("latin-1"),
        )


def _away(failure: Failure) -> None:
    failure.trap(StoreAway)
    raise errors.system_error("the store does not answer; try again later")

"""The pipeline and the store as the HTTP API sees them: Deferreds."""

from twisted.internet.defer import Deferred, fail
from twisted.python.failure import Failure

from luckgw.config.model import Account
from luckgw.domain import errors
from luckgw.domain.ids import to_text
from luckgw.ingress.ports import Accepted, MessageStatus
from luckgw.pipeline.text import Kept, SendText
from luckgw.store import keys, records
from luckgw.store.interface import Commands, StoreAway
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
                account, source, destination, content, done, sandbox_only=sandbox_only
            )
        except errors.Refusal as refusal:
            return fail(refusal)
        return d


class Reader:
    """Implements ports.MessageReader."""

    def __init__(self, execute: Commands) -> None:
        self._execute = execute

    def status(self, message_id: bytes) -> "Deferred[MessageStatus | None]":
        """See the port."""
        d = self._execute(b"GET", keys.message(message_id))
        return d.addCallbacks(_read, _away, callbackArgs=(message_id,))


def _read(data: bytes | None, message_id: bytes) -> MessageStatus | None:
    if data is None or records.is_inbound(data):
        return None  # what phones send has no status
    record = records.decode(data)
    sm = decode_sm(record.bodies[0])
    return MessageStatus(
        message_id=to_text(message_id),
        account=record.account,
        state=record.state,
        updated_ms=record.updated_ms,
        source=sm.source_addr.decode("latin-1"),
        destination=sm.destination_addr.decode("latin-1"),
    )


def _away(failure: Failure) -> None:
    failure.trap(StoreAway)
    raise errors.system_error("the store does not answer; try again later")

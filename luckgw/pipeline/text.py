"""A text of a caller who knows nothing of SMPP: is it admitted, and then ``submit``."""

from collections.abc import Callable
from typing import Final

import attrs

from luckgw.admission.accounts import Accounts, KnownAccount
from luckgw.config.model import Account
from luckgw.domain import errors
from luckgw.domain.address import normalise_number
from luckgw.domain.status import Status
from luckgw.pipeline.contents import TextContent
from luckgw.pipeline.outgoing import Bodies, Outgoing
from luckgw.pipeline.submit import Submit
from luckgw.text.writer import Written

_NO_TAGS: Final[frozenset[str]] = frozenset()


@attrs.frozen
class Kept:
    """A text that is durable and queued."""

    message_id: str
    segments: int
    """On the air: what is told, billed and limited."""
    encoding: str


class SendText:
    """Admits a text from a caller who knows nothing of SMPP."""

    def __init__(
        self,
        submit: Submit,
        accounts: Accounts,
        now_ms: Callable[[], int],
        sandbox: str | None,
    ) -> None:
        """``sandbox`` is the upstream that test keys lead to; None: there is none."""
        self._submit = submit
        self._accounts = accounts
        self._now_ms = now_ms
        self._sandbox = sandbox

    def send(  # noqa: PLR0913 - a message has many sides
        self,
        account: Account,
        source: str,
        destination: str,
        content: str,
        done: Callable[[Kept | errors.Refusal], None],
        *,
        sandbox_only: bool,
        transliterate: bool | None = None,
        is_reply: bool = False,
        tags: frozenset[str] = _NO_TAGS,
    ) -> None:
        """Check and keep one text. HOT PATH.

        ``tags``: how the caller calls it, for routes.
        ``transliterate``: what the call asks; None: as account and upstream say.
        ``done`` may hear a Refusal, too: what only the store can tell. Raises Refusal
        when the text may not enter; then ``done`` is not called. ``is_reply``: a phone
        asked for it by a message to ``source``, which so needs no approval.
        """
        if sandbox_only and self._sandbox is None:
            raise errors.not_allowed("there is no sandbox here for a test key")
        known = self._accounts.by_name(account.name)
        if known is None:
            raise errors.not_authenticated("the account is not known any more")
        number = _check(known, source, destination, is_reply=is_reply)
        deadline_ms = self._now_ms() + known.validity_ms
        written: Written

        def bodies_for(outgoing: Outgoing) -> Bodies:
            nonlocal written
            bodies, written = outgoing.text(
                account, source, number, content, deadline_ms, transliterate
            )
            return bodies, written.segments

        def told(result: str | errors.Refusal) -> None:
            if isinstance(result, errors.Refusal):
                done(result)
            else:
                done(Kept(result, written.segments, written.encoding.value))

        self._submit.submit(
            account,
            source,
            number,
            bodies_for,
            registered_delivery=1,
            deadline_ms=deadline_ms,
            over_http=True,
            done=told,
            only=self._sandbox if sandbox_only else None,
            is_reply=is_reply,
            content=TextContent(content) if self._submit.looks_at_content else None,
            tags=tags,
        )


def _check(
    account: KnownAccount, source: str, destination: str, *, is_reply: bool
) -> str:
    """The normalised destination; what ``check_submit`` is for SMPP."""
    if not is_reply and not account.senders.approves(source):
        raise errors.bad_request(
            "`from` is not an approved Sender ID of this account",
            Status.ESME_RINVSRCADR,
        )
    number = normalise_number(destination)
    if number is None:
        raise errors.bad_request(
            "`to` is not a number in international format (8 to 15 digits)",
            Status.ESME_RINVDSTADR,
        )
    return number

"""A text becomes a message: characters to segments to submit_sm bodies, then ``submit``."""

from collections import OrderedDict
from collections.abc import Callable
from typing import Final

import attrs

from luckgw.admission.accounts import Accounts, KnownAccount
from luckgw.config.model import Account
from luckgw.domain import errors
from luckgw.domain.address import normalise_number, ton_npi
from luckgw.domain.status import Status
from luckgw.pipeline.submit import Submit
from luckgw.text.alphabets import choose
from luckgw.text.segments import split
from luckgw.wire.pdus import encode_sm

UDHI: Final = 0x40
_REFERENCES: Final = 10_000


@attrs.frozen
class Kept:
    """A text that is durable and queued."""

    message_id: str
    segments: int
    encoding: str


class References:
    """Concatenation references, counted for each destination.

    A phone joins parts by sender and reference: the same reference must not come back
    soon to the same phone (spec/features 2.11). The least recent destinations are
    forgotten.
    """

    def __init__(self, first: Callable[[], int]) -> None:
        """``first`` gives a random start, 0..255, for a destination not seen lately."""
        self._first = first
        self._last: OrderedDict[str, int] = OrderedDict()

    def next_for(self, destination: str) -> int:
        """The next reference, 0..255."""
        last = self._last.pop(destination, None)
        reference = self._first() & 255 if last is None else (last + 1) & 255
        self._last[destination] = reference
        if len(self._last) > _REFERENCES:
            self._last.popitem(last=False)
        return reference


class SendText:
    """Admits a text from a caller who knows nothing of SMPP."""

    def __init__(
        self,
        submit: Submit,
        accounts: Accounts,
        references: References,
        now_ms: Callable[[], int],
        sandbox: str | None,
    ) -> None:
        """``sandbox`` is the upstream that test keys lead to; None: there is none."""
        self._submit = submit
        self._accounts = accounts
        self._references = references
        self._now_ms = now_ms
        self._sandbox = sandbox

    def send(
        self,
        account: Account,
        source: str,
        destination: str,
        content: str,
        done: Callable[[Kept | None], None],
        *,
        sandbox_only: bool,
    ) -> None:
        """Check and keep one text. HOT PATH.

        ``done`` hears None when the store did not confirm. Raises Refusal when the text
        may not enter; then ``done`` is not called.
        """
        if sandbox_only and self._sandbox is None:
            raise errors.not_allowed("there is no sandbox here for a test key")
        known = self._accounts.by_name(account.name)
        if known is None:
            raise errors.not_authenticated("the account is not known any more")
        number = _check(known, source, destination)
        encoding = choose(content)
        pieces = split(content, encoding, self._references.next_for(number))
        source_ton, source_npi = ton_npi(source)
        esm_class = UDHI if len(pieces) > 1 else 0
        # A sender's `+` is written in the type of number, not in the address.
        source_addr = source.removeprefix("+").encode("ascii")
        bodies = [
            encode_sm(
                source_addr_ton=source_ton,
                source_addr_npi=source_npi,
                source_addr=source_addr,
                dest_addr_ton=1,
                dest_addr_npi=1,
                destination_addr=number.encode("ascii"),
                esm_class=esm_class,
                registered_delivery=1,
                data_coding=encoding.data_coding,
                short_message=piece,
            )
            for piece in pieces
        ]

        def told(message_id: str) -> None:
            done(Kept(message_id, len(bodies), encoding.value) if message_id else None)

        self._submit.submit(
            account,
            source,
            number,
            bodies,
            registered_delivery=1,
            deadline_ms=self._now_ms() + known.validity_ms,
            over_http=True,
            done=told,
            only=self._sandbox if sandbox_only else None,
        )


def _check(account: KnownAccount, source: str, destination: str) -> str:
    """The normalised destination; what ``check_submit`` is for SMPP."""
    if not account.senders.approves(source):
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

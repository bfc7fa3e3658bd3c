"""A text becomes a message: characters, segments, submit_sm bodies, then ``submit``."""

from collections import OrderedDict
from collections.abc import Callable, Sequence
from typing import Final

import attrs

from luckgw.admission.accounts import Accounts, KnownAccount
from luckgw.config.model import Account
from luckgw.domain import errors
from luckgw.domain.address import LONGEST_SOURCE, normalise_number, ton_npi
from luckgw.domain.status import Status
from luckgw.pipeline.submit import Submit
from luckgw.text.alphabets import Encoding, choose
from luckgw.text.segments import Form, Piece, cut
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
        """``first`` gives a random start for a destination not seen lately."""
        self._first = first
        self._last: OrderedDict[str, int] = OrderedDict()

    def next_for(self, destination: str) -> int:
        """The next reference, 0..65535; what has room for less takes its low bits."""
        last = self._last.pop(destination, None)
        reference = (self._first() if last is None else last + 1) & 0xFFFF
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
        done: Callable[[Kept | errors.Refusal], None],
        *,
        sandbox_only: bool,
        is_reply: bool = False,
    ) -> None:
        """Check and keep one text. HOT PATH.

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
        encoding = choose(content)
        reference = self._references.next_for(number)
        pieces = cut(content, encoding, Form.UDH8, reference)
        bodies = _bodies(source, number, encoding, pieces)

        def told(result: str | errors.Refusal) -> None:
            if isinstance(result, errors.Refusal):
                done(result)
            else:
                done(Kept(result, len(bodies), encoding.value))

        self._submit.submit(
            account,
            source,
            number,
            lambda _upstream: bodies,
            registered_delivery=1,
            deadline_ms=self._now_ms() + known.validity_ms,
            over_http=True,
            done=told,
            only=self._sandbox if sandbox_only else None,
            is_reply=is_reply,
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


def _bodies(
    source: str, number: str, encoding: Encoding, pieces: Sequence[Piece]
) -> list[bytes]:
    """A submit_sm body for each piece of the text."""
    source_ton, source_npi = ton_npi(source)
    source_addr = _source_addr(source)
    destination_addr = number.encode("ascii")
    return [
        encode_sm(
            source_addr_ton=source_ton,
            source_addr_npi=source_npi,
            source_addr=source_addr,
            dest_addr_ton=1,
            dest_addr_npi=1,
            destination_addr=destination_addr,
            esm_class=UDHI if piece.udhi else 0,
            registered_delivery=1,
            data_coding=encoding.data_coding,
            short_message=piece.short_message,
            tlvs=piece.tlvs,
        )
        for piece in pieces
    ]


def _source_addr(source: str) -> bytes:
    """The octets of a sender, in Latin-1 as everywhere. A number's ``+`` is written in
    its type of number.
    """
    try:
        octets = source.removeprefix("+").encode("latin-1")
    except UnicodeEncodeError:
        octets = b""
    if not octets or len(octets) > LONGEST_SOURCE:
        raise errors.bad_request(
            "`from` can not be written in an SMPP address", Status.ESME_RINVSRCADR
        )
    return octets

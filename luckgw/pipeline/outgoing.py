"""A message as one upstream wants it: submit_sm bodies from a text or from a partner's.

What an upstream wants is its configuration (``luckgw.config.outgoing``). Addresses are
kept here as the customer knows them, in full and with their kind found out; how an
upstream wants those is done when they leave (``luckgw.pipeline.addresses``).
"""

import functools
from collections.abc import Iterable, Mapping, Sequence
from typing import Final, TypeAlias

import attrs

from luckgw.admission.smpp_time import absolute_time
from luckgw.config.model import Account, Upstream
from luckgw.domain import errors
from luckgw.domain.address import LONGEST_SOURCE, ton_npi
from luckgw.domain.status import Status
from luckgw.pipeline.content import Content, content_of, rooms
from luckgw.text.alphabets import check
from luckgw.text.references import References
from luckgw.text.segments import (
    MESSAGE_PAYLOAD,
    SAR_MSG_REF_NUM,
    SAR_SEGMENT_SEQNUM,
    SAR_TOTAL_SEGMENTS,
    Piece,
)
from luckgw.text.writer import Wishes, Writer, Written, languages
from luckgw.wire.pdus import Command, Sm, encode_sm

Bodies: TypeAlias = tuple[Sequence[bytes], int]
"""submit_sm bodies as they are to be sent, and how many segments they are on the air:
more than bodies where the carrier cuts."""

MAX_BODY: Final = 65_535
"""Octets of a submit_sm that can be kept (luckgw.store.records); no SMS is as long."""
UDHI: Final = 0x40

_SUBMIT_SM: Final = int(Command.SUBMIT_SM)
_MODE: Final = 0b11  # the bits of esm_class with the messaging mode (v3.4 5.2.12)
_OURS: Final = frozenset(
    {MESSAGE_PAYLOAD, SAR_MSG_REF_NUM, SAR_TOTAL_SEGMENTS, SAR_SEGMENT_SEQNUM}
)
"""The TLVs that carry or cut the content."""


class Outgoing:
    """Makes what one upstream is sent."""

    def __init__(self, config: Upstream, references: References) -> None:
        """``references`` are shared by all upstreams, for phones see them all."""
        self._writer = Writer(config.text)
        self._references = references
        fields = config.submit_sm
        self._service_type = fields.service_type.encode("ascii")
        self._mode = fields.messaging_mode
        self._validity = fields.send_validity
        self._tlvs = dict(config.vendor_tlvs)
        changes_fields = (
            self._service_type
            or self._mode
            or self._validity != "as-given"
            or self._tlvs
        )
        self._rooms = rooms(self._writer, always_anew=bool(changes_fields))

    # -- a text ------------------------------------------------------------------------

    def text(
        self,
        account: Account,
        source: str,
        number: str,
        content: str,
        deadline_ms: int,
        transliterate: bool | None = None,
    ) -> tuple[list[bytes], Written]:
        """The bodies for a text of a caller who knows nothing of SMPP. HOT PATH.

        ``transliterate``: what the caller asks; None: as the account says. Raises
        Refusal for what can not be sent or takes too many segments.
        """
        if not content.isprintable():  # which is quick to say of most texts
            check(content)
        wishes = _wishes(account)
        if transliterate is not None:
            wishes = attrs.evolve(wishes, transliterate=transliterate)
        reference = self._references.next_for(number)
        written = self._writer.write(content, reference, wishes)
        source_ton, source_npi = ton_npi(source)
        source_addr = _source_addr(source)
        destination_addr = number.encode("ascii")
        validity_period = b""
        if self._validity == "always":
            validity_period = absolute_time(deadline_ms)
        bodies = [
            encode_sm(
                service_type=self._service_type,
                source_addr_ton=source_ton,
                source_addr_npi=source_npi,
                source_addr=source_addr,
                dest_addr_ton=1,
                dest_addr_npi=1,
                destination_addr=destination_addr,
                esm_class=self._mode | UDHI if piece.udhi else self._mode,
                validity_period=validity_period,
                registered_delivery=1,
                data_coding=written.data_coding,
                short_message=piece.short_message,
                tlvs=self._with_tlvs(piece.tlvs) if self._tlvs else piece.tlvs,
            )
            for piece in written.pieces
        ]
        return bodies, written

    # -- a partner's submit_sm ---------------------------------------------------------

    def sm(
        self, sm: Sm, account: Account, destination: str, deadline_ms: int
    ) -> Bodies:
        """The bodies for a partner's submit_sm or data_sm. HOT PATH.

        Where the upstream takes its content as it is, its body is used again.
        ``destination`` is normalised. Raises Refusal for too many segments, and for a
        part of a long message that can not be written in the upstream's alphabet.
        """
        if (
            len(sm.short_message)
            <= self._rooms[account.default_alphabet][sm.data_coding]
            and (sm.tlvs is None or _OURS.isdisjoint(sm.tlvs))
            and sm.command_id == _SUBMIT_SM
        ):
            return (_as_it_came(sm, destination.encode()),), 1
        content = content_of(
            sm,
            account.default_alphabet,
            self._writer,
            _wishes(account),
            lambda: self._references.next_for(destination),
        )
        bodies = [
            self._body(sm, destination.encode(), content, piece, deadline_ms)
            for piece in content.pieces
        ]
        return bodies, content.segments

    def _body(
        self,
        sm: Sm,
        destination: bytes,
        content: Content,
        piece: Piece,
        deadline_ms: int,
    ) -> bytes:
        """A submit_sm of the partner's with this content."""
        tlvs = {tag: v for tag, v in (sm.tlvs or {}).items() if tag not in _OURS}
        if self._validity == "never":
            validity_period = b""
        elif self._validity == "always":
            validity_period = sm.validity_period or absolute_time(deadline_ms)
        else:
            validity_period = sm.validity_period
        esm_class = sm.esm_class & ~UDHI | (UDHI if piece.udhi else 0)
        if not esm_class & _MODE:
            esm_class |= self._mode
        return _sendable(
            sm,
            destination,
            service_type=self._service_type or sm.service_type,
            esm_class=esm_class,
            validity_period=validity_period,
            data_coding=content.data_coding,
            short_message=piece.short_message,
            tlvs=self._with_tlvs({**tlvs, **(piece.tlvs or {})}),
        )

    def _with_tlvs(self, tlvs: Mapping[int, bytes] | None) -> Mapping[int, bytes]:
        """``tlvs`` and those that the upstream wants, which go before equal ones."""
        return {**(tlvs or {}), **self._tlvs}


def outgoings(
    upstreams: Iterable[Upstream], references: References
) -> dict[str, Outgoing]:
    """What makes the messages of each upstream, by its name."""
    return {each.name: Outgoing(each, references) for each in upstreams}


def _wishes(account: Account) -> Wishes:
    return _wishes_of(account.max_segments, account.transliterate, account.languages)


@functools.lru_cache(1024)
def _wishes_of(
    max_segments: int, transliterate: bool | None, names: tuple[str, ...] | None
) -> Wishes:
    return Wishes(
        max_segments, transliterate, None if names is None else languages(names)
    )


# -- fields ----------------------------------------------------------------------------


@functools.lru_cache(10_000)
def _full(source: bytes) -> tuple[int, int, bytes | None]:
    """The type of number and the numbering plan of a source_addr, and the source_addr
    if it has to be written in another way: a number's ``+`` is in its type.
    """
    ton, npi = ton_npi(source.decode("latin-1")) if source else (0, 0)
    return ton, npi, source[1:] if source.startswith(b"+") else None


def _as_it_came(sm: Sm, destination: bytes) -> bytes:
    """The partner's own body, but with addresses in full, whatever their kind was said
    to be, and with a receipt asked for: that is how we know what became of a message.
    What else the partner asks for (acknowledgements of the phone, intermediate
    notifications) it asks of the carrier.

    HOT PATH. Raises Refusal when no record can hold it.
    """
    body, at = sm.body, sm.registered_delivery_at
    ton, npi, source = _full(sm.source_addr)
    if (
        destination != sm.destination_addr
        or sm.source_addr_ton != ton
        or sm.source_addr_npi != npi
        or sm.dest_addr_ton != 1
        or sm.dest_addr_npi != 1
        or source is not None
    ):
        return _sendable(
            sm,
            destination,
            service_type=sm.service_type,
            esm_class=sm.esm_class,
            validity_period=sm.validity_period,
            data_coding=sm.data_coding,
            short_message=sm.short_message,
            tlvs=sm.tlvs,
        )
    if body[at] & 3 != 1:
        body = body[:at] + bytes((_asking(body[at]),)) + body[at + 1 :]
    if len(body) > MAX_BODY:
        raise _too_long()
    return body


def _asking(registered_delivery: int) -> int:
    """registered_delivery for the carrier: a receipt in any case (v3.4 5.2.17)."""
    return registered_delivery & ~3 | 1


def _sendable(
    sm: Sm,
    destination: bytes,
    *,
    service_type: bytes,
    esm_class: int,
    validity_period: bytes,
    data_coding: int,
    short_message: bytes,
    tlvs: Mapping[int, bytes] | None,
) -> bytes:
    """A body with the partner's other fields and our addresses."""
    ton, npi, source = _full(sm.source_addr)
    if source is None:
        source = sm.source_addr
    if len(source) > LONGEST_SOURCE:  # a data_sm has room for more
        raise errors.bad_request("source_addr is too long", Status.ESME_RINVSRCADR)
    body = encode_sm(
        service_type=service_type,
        source_addr_ton=ton,
        source_addr_npi=npi,
        source_addr=source,
        dest_addr_ton=1,
        dest_addr_npi=1,
        destination_addr=destination,
        esm_class=esm_class,
        protocol_id=sm.protocol_id,
        priority_flag=sm.priority_flag,
        schedule_delivery_time=sm.schedule_delivery_time,
        validity_period=validity_period,
        registered_delivery=_asking(sm.registered_delivery),
        replace_if_present_flag=sm.replace_if_present_flag,
        data_coding=data_coding,
        sm_default_msg_id=sm.sm_default_msg_id,
        short_message=short_message,
        tlvs=tlvs,
    )
    if len(body) > MAX_BODY:
        raise _too_long()
    return body


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


def _too_long() -> errors.Refusal:
    return errors.bad_request("the message is too long", Status.ESME_RINVMSGLEN)

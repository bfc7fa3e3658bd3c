"""A carrier brings a message from a phone: keep it, and only then say so."""

import hashlib
from collections.abc import Callable
from typing import Final

import attrs
from twisted.logger import Logger

from luckgw.config.model import Upstream, UpstreamMo
from luckgw.domain.repeats import is_worth_saying
from luckgw.domain.status import Status
from luckgw.pipeline.submit import Marks
from luckgw.store.interface import Inbound, Journal, Part, Verdict
from luckgw.text import reassembly as text
from luckgw.text.payload import read
from luckgw.text.segments import (
    SAR_MSG_REF_NUM,
    SAR_SEGMENT_SEQNUM,
    SAR_TOTAL_SEGMENTS,
)
from luckgw.wire.pdus import Command, Sm, encode_sm

LONGEST_BODY: Final = 34_000
"""Octets of a deliver_sm that can be kept: 255 parts of 134 octets, as many as a phone
can number. A message_payload of 64 K is no SMS."""
_UDHI: Final = 0x40
_NATIONAL: Final = 2  # type of number (v3.4 5.2.5)
_INTERNATIONAL: Final = 1
_USER_MESSAGE_REFERENCE: Final = 0x0204
_TELLING: Final = (
    SAR_MSG_REF_NUM,
    SAR_TOTAL_SEGMENTS,
    SAR_SEGMENT_SEQNUM,
    _USER_MESSAGE_REFERENCE,
)
"""TLVs by which two messages of the same content differ."""

Reply = Callable[[int], None]


@attrs.define
class Counters:
    """What phones sent, as far as carriers brought it here."""

    kept: int = 0
    """Messages, and parts of long ones."""
    repeated: int = 0
    """They came before."""
    refused: int = 0
    """They can not be kept, whatever is done: the carrier was told so."""
    put_off: int = 0
    """The store was away or full: the carrier brings them again."""


class Inbox:
    """Keeps messages from phones, then answers the carrier."""

    log = Logger()

    def __init__(
        self,
        journal: Journal,
        marks: Marks,
        fresh_id: Callable[[], bytes],
        wake: Callable[[], None],
    ) -> None:
        """``wake``: there is a message to be given to an account."""
        self._journal = journal
        self._marks = marks
        self._fresh_id = fresh_id
        self._wake = wake
        self.counters = Counters()

    def received(self, upstream: Upstream, sm: Sm, reply: Reply) -> None:
        """Keep a message; the carrier is answered once that is durable.

        When the store is away or full it is told ESME_RX_T_APPN and brings it again.
        What no record can hold is refused for good: to have it repeated helps nobody.
        """
        if self._marks.is_full:
            self._put_off(reply)
            return
        try:
            mo = inbound(upstream, sm, self._fresh_id())
        except ValueError:
            self._refuse(upstream, reply)
            return

        def told(verdict: Verdict) -> None:
            if verdict is Verdict.AWAY:
                self._put_off(reply)
                return
            reply(Status.ESME_ROK)
            if verdict is Verdict.APPLIED:
                self.counters.kept += 1
                self._wake()
            else:
                self.counters.repeated += 1

        self._journal.inbound(mo, told)

    def _put_off(self, reply: Reply) -> None:
        self.counters.put_off += 1
        reply(Status.ESME_RX_T_APPN)

    def _refuse(self, upstream: Upstream, reply: Reply) -> None:
        self.counters.refused = count = self.counters.refused + 1
        if is_worth_saying(count):
            self.log.warn(
                "upstream {upstream} brought a message that is too long to be kept"
                " ({count} so far)",
                upstream=upstream.name,
                count=count,
            )
        reply(Status.ESME_RX_R_APPN)


def inbound(upstream: Upstream, sm: Sm, message_id: bytes) -> Inbound:
    """The message or part that ``sm`` is, as the store keeps it.

    It is kept as it came, if it can be: a data_sm becomes a deliver_sm, and numbers in
    local form become international where the carrier's country is known. Parts of a
    message are found by (source, destination, reference, total), whichever carrier,
    bind and node each of them comes by (spec/reliability 2.12). Raises ValueError for
    what no deliver_sm has room for.
    """
    settings = upstream.mo
    country = settings.country
    source = international(sm.source_addr_ton, sm.source_addr, country)
    destination = international(sm.dest_addr_ton, sm.destination_addr, country)
    part = text.part_of(
        source[1],
        destination[1],
        read(sm.data_coding, sm.payload, udhi=bool(sm.esm_class & _UDHI)),
        sm.tlvs,
    )
    if part is not None and part.total == 1:
        part = None
    return Inbound(
        message_id=message_id,
        upstream=upstream.name,
        deliver_sm=_deliver_sm(sm, source, destination),
        default_alphabet=upstream.text.alphabet.removesuffix("-packed"),
        packed=upstream.text.alphabet.endswith("-packed"),
        digest=_digest(
            upstream.name.encode() if part is None else b"",
            sm.source_addr,
            sm.destination_addr,
            bytes((sm.data_coding, sm.esm_class)),
            sm.payload,
            *((sm.tlvs or {}).get(tag, b"") for tag in _TELLING),
        ),
        dedup_s=settings.dedup_s,
        part=None if part is None else _place(part, settings),
    )


def _place(part: text.Part, settings: UpstreamMo) -> Part:
    common = b"%d %d" % (part.reference, part.total)
    join = _digest(part.source, part.destination, common)
    return Part(join, part.number, part.total, settings.join_s)


def _deliver_sm(
    sm: Sm, source: tuple[int, bytes], destination: tuple[int, bytes]
) -> bytes:
    """The body of ``sm`` as a deliver_sm between these addresses."""
    body = sm.body
    if (
        sm.command_id != Command.DELIVER_SM
        or source[1] != sm.source_addr
        or destination[1] != sm.destination_addr
    ):
        body = encode_sm(
            service_type=sm.service_type,
            source_addr_ton=source[0],
            source_addr_npi=sm.source_addr_npi,
            source_addr=source[1],
            dest_addr_ton=destination[0],
            dest_addr_npi=sm.dest_addr_npi,
            destination_addr=destination[1],
            esm_class=sm.esm_class,
            protocol_id=sm.protocol_id,
            priority_flag=sm.priority_flag,
            data_coding=sm.data_coding,
            short_message=sm.short_message,
            tlvs=sm.tlvs,
        )
    if len(body) > LONGEST_BODY:
        raise ValueError("it is too long")
    return body


def international(ton: int, address: bytes, country: str) -> tuple[int, bytes]:
    """A number's type and itself, in international form if that can be told.

    Local forms are those of the type national and those that begin with a single 0;
    short codes and names are left alone.
    """
    if not country or ton == _INTERNATIONAL or not address.isdigit():
        return ton, address
    if address.startswith(b"00"):
        return _INTERNATIONAL, address[2:]
    if address.startswith(b"0"):
        return _INTERNATIONAL, country.encode() + address[1:]
    if ton == _NATIONAL:
        return _INTERNATIONAL, country.encode() + address
    return ton, address


def _digest(*fields: bytes) -> bytes:
    """16 octets that only the same fields give."""
    digest = hashlib.blake2b(digest_size=16)
    for field in fields:
        digest.update(len(field).to_bytes(4, "big") + field)
    return digest.digest()

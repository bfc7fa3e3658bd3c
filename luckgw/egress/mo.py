"""A message from a phone as an account gets it: a text, or deliver_sm bodies. Pure."""

from collections.abc import Sequence
from contextlib import suppress
from typing import Final

import attrs

from luckgw.domain.errors import Refusal
from luckgw.text.alphabets import choose
from luckgw.text.payload import UserData, read
from luckgw.text.reassembly import Part, join, part_of
from luckgw.text.segments import (
    MAX_SEGMENTS,
    MESSAGE_PAYLOAD,
    SAR_MSG_REF_NUM,
    USER_DATA,
    Form,
    cut,
)
from luckgw.wire.pdus import MAX_SHORT_MESSAGE, Command, Sm, decode_sm, encode_sm

_UDHI: Final = 0x40
_KIND: Final = 0x3C  # the bits of esm_class that say what it is (v3.4 5.2.12)
_DELIVER_SM: Final = int(Command.DELIVER_SM)
_PART: Final = USER_DATA - 6
"""Octets of a part beside the header that tells it from others (TS 23.040)."""


@attrs.frozen
class Reading:
    """How an account's ESMEs read messages from phones."""

    long: str = "auto"
    """As ``luckgw.config.model.AccountMo`` says."""
    alphabet: str = "gsm7"
    """What they take data_coding 0 for."""


@attrs.frozen
class _Body:
    """One deliver_sm of the carrier."""

    sm: Sm
    alphabet: str
    packed: bool

    @property
    def user_data(self) -> UserData:
        """Its content, taken apart."""
        return read(
            self.sm.data_coding,
            self.sm.payload,
            udhi=bool(self.sm.esm_class & _UDHI),
            default_alphabet=self.alphabet,
            packed=self.packed,
        )


class Mo:
    """A message from a phone."""

    def __init__(
        self, upstream: str, received_ms: int, bodies: Sequence[tuple[str, bool, bytes]]
    ) -> None:
        """``bodies`` are deliver_sm bodies, at least one, each behind the default
        alphabet of who brought it and whether that is packed: what
        ``records.read_inbound`` gives.
        """
        self.upstream = upstream
        """Who brought it."""
        self.received_ms = received_ms
        """Of a long one: when its first part came."""
        self._bodies = [
            _Body(decode_sm(body, _DELIVER_SM), alphabet, packed)
            for alphabet, packed, body in bodies
        ]
        first = self._bodies[0].sm
        self.phone = first.source_addr.decode("latin-1").removeprefix("+")
        """Who wrote it."""
        self.number = first.destination_addr.decode("latin-1").removeprefix("+")
        """To whom."""
        self.kind = first.esm_class & _KIND
        """0: a message; else the acknowledgement of an SME."""
        parts = [_part(each) for each in self._bodies]
        self._parts = [each for each in parts if each is not None]
        self._joined = join(self._parts) if self._parts else None

    # -- what it says ------------------------------------------------------------------

    @property
    def text(self) -> str | None:
        """The text, with GAP for parts that never came; None: it is no text."""
        if self._joined is not None:
            return self._joined.text()
        return self._bodies[0].user_data.text()

    @property
    def octets(self) -> bytes:
        """The content without headers, of all parts that there are."""
        if self._joined is not None:
            return self._joined.octets
        return self._bodies[0].user_data.octets

    @property
    def data_coding(self) -> int:
        """As it came."""
        return self._bodies[0].sm.data_coding

    @property
    def header(self) -> bytes:
        """The user data header, without what told parts from each other; b"": none."""
        elements = (
            self._parts[0].user_data if self._parts else self._bodies[0].user_data
        ).elements
        packed = b"".join(
            bytes((identifier, len(data))) + data
            for identifier, data in elements.items()
        )
        return bytes((len(packed),)) + packed if packed else b""

    # -- as a partner gets it ----------------------------------------------------------

    def deliver_sms(
        self, settings: Reading, *, takes_tlvs: bool, in_parts: bool = False
    ) -> list[bytes]:
        """The deliver_sm bodies that make it, at least one. Total.

        As the carrier brought it, where the partner can read that; else what it says is
        written anew. ``takes_tlvs``: the session may have TLVs (it bound with v3.4 or
        later). ``in_parts``: parts are wanted, whatever the settings say.
        """
        in_parts |= not takes_tlvs or settings.long == "parts"
        if self._joined is None or in_parts or self._can_only_be_parts:
            came = [
                self._as_it_came(body, settings, takes_tlvs=takes_tlvs)
                for body in self._bodies
            ]
            bodies = [each for each in came if each is not None]
            if len(bodies) == len(came):
                return bodies
        as_payload = takes_tlvs and not in_parts
        text = self.text
        if text is not None and not self._is_plain(settings):
            with suppress(Refusal):  # it would be too long, or holds what no text may
                return self._of_text(text, settings, as_payload=as_payload)
        return self._of_octets(as_payload=as_payload)

    @property
    def _can_only_be_parts(self) -> bool:
        """Whether something is missing, and there is no text to say so in."""
        joined = self._joined
        return joined is not None and bool(joined.missing) and self.text is None

    def _as_it_came(
        self, body: _Body, settings: Reading, *, takes_tlvs: bool
    ) -> bytes | None:
        """One deliver_sm of the carrier; None if the partner could not read it."""
        sm = body.sm
        if sm.data_coding == 0 and (body.alphabet != settings.alphabet or body.packed):
            return None
        if takes_tlvs or sm.tlvs is None:
            return self._body(sm.esm_class, sm.data_coding, sm.short_message, sm.tlvs)
        if len(sm.payload) > MAX_SHORT_MESSAGE or SAR_MSG_REF_NUM in sm.tlvs:
            return None
        return self._body(sm.esm_class, sm.data_coding, sm.payload)

    def _is_plain(self, settings: Reading) -> bool:
        """Whether the octets of all parts, one after the other, are what it says."""
        if self.header or (self._joined is not None and self._joined.missing):
            return False
        kinds = {
            (each.sm.data_coding, each.alphabet, each.packed) for each in self._bodies
        }
        ((coding, alphabet, packed), *others) = kinds
        if others:
            return False
        return coding != 0 or (alphabet == settings.alphabet and not packed)

    def _of_text(
        self, text: str, settings: Reading, *, as_payload: bool
    ) -> list[bytes]:
        """The text in an alphabet that the partner reads. Raises Refusal."""
        encoding = choose(text, settings.alphabet)
        coding = encoding.data_coding_at(settings.alphabet)
        form = Form.PAYLOAD if as_payload else Form.UDH8
        return [
            self._body(
                _UDHI if piece.udhi else 0, coding, piece.short_message, piece.tlvs
            )
            for piece in cut(text, encoding, form, self._reference)
        ]

    def _of_octets(self, *, as_payload: bool) -> list[bytes]:
        """The content as it is, with its header."""
        header, octets, coding = self.header, self.octets, self.data_coding
        udhi = _UDHI if header else 0
        whole = header + octets
        if len(whole) <= (MAX_SHORT_MESSAGE if as_payload else USER_DATA):
            return [self._body(udhi, coding, whole)]
        if as_payload:
            return [self._body(udhi, coding, b"", {MESSAGE_PAYLOAD: whole})]
        room = max(_PART - len(header[1:]), -(-len(octets) // MAX_SEGMENTS))
        room += room % 2  # a UCS2 unit stays whole
        cuts = [octets[at : at + room] for at in range(0, len(octets), room)]
        parts = []
        for number, content in enumerate(cuts, 1):
            place = bytes((0, 3, self._reference & 0xFF, len(cuts), number))
            elements = place + header[1:]
            payload = bytes((len(elements),)) + elements + content
            parts.append(self._body(_UDHI, coding, payload))
        return parts

    @property
    def _reference(self) -> int:
        """For parts that we cut: the phone's own, or one that its time gives."""
        if self._parts:
            return self._parts[0].reference
        return self.received_ms // 1000 & 0xFF

    def _body(
        self,
        esm_class: int,
        data_coding: int,
        short_message: bytes,
        tlvs: dict[int, bytes] | None = None,
    ) -> bytes:
        """A deliver_sm between the message's addresses, and of its kind."""
        first = self._bodies[0].sm
        return encode_sm(
            service_type=first.service_type,
            source_addr_ton=first.source_addr_ton,
            source_addr_npi=first.source_addr_npi,
            source_addr=first.source_addr,
            dest_addr_ton=first.dest_addr_ton,
            dest_addr_npi=first.dest_addr_npi,
            destination_addr=first.destination_addr,
            esm_class=esm_class & _UDHI | self.kind,
            protocol_id=first.protocol_id,
            priority_flag=first.priority_flag,
            data_coding=data_coding,
            short_message=short_message,
            tlvs=tlvs,
        )


def _part(body: _Body) -> Part | None:
    sm = body.sm
    return part_of(sm.source_addr, sm.destination_addr, body.user_data, sm.tlvs)

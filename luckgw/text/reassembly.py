"""Parts of a long message from a phone, joined in whatever order they come.

Parts belong together by (source, destination, reference, total): spec/reliability 2.12.
``join`` joins parts that somebody else keeps, ``Reassembly`` keeps them itself.
"""

import itertools
import struct
from collections import OrderedDict
from collections.abc import Iterable, Mapping
from typing import Final

import attrs

from luckgw.text.alphabets import Encoding, decode
from luckgw.text.national import Shift, shift_of
from luckgw.text.payload import UserData, split_udh
from luckgw.text.segments import (
    MAX_SEGMENTS,
    SAR_MSG_REF_NUM,
    SAR_SEGMENT_SEQNUM,
    SAR_TOTAL_SEGMENTS,
)

GAP: Final = "[...]"
"""What a reader finds in place of parts that never came."""

# Information elements of TS 23.040 9.2.3.24.1 and .8, and their octets.
_CONCATENATIONS: Final = {0x08: 4, 0x00: 3}

# The layout of a stored part: its version, reference, total, number, data_coding,
# encoding, the lengths of source, destination and header; then these, and the content.
_LAYOUT: Final = 1
_head = struct.Struct(">BHBBBBBBB")
_ENCODINGS: Final = (
    None,
    Encoding.GSM7,
    Encoding.UCS2,
    Encoding.LATIN1,
    Encoding.ASCII,
)

_Key = tuple[bytes, bytes, int, int]


@attrs.frozen
class Part:
    """One part of a long message."""

    source: bytes
    destination: bytes
    reference: int
    """0-65535; of an 8-bit header 0-255."""
    total: int
    """How many parts there are, 1-255."""
    number: int
    """Which one this is, from 1."""
    user_data: UserData
    """Its content; the elements are those that do not say which part it is."""

    @property
    def key(self) -> _Key:
        """What the parts of one message have in common."""
        return self.source, self.destination, self.reference, self.total

    def to_bytes(self) -> bytes:
        """For a store. Addresses are at most 255 octets, which SMPP's are."""
        content = self.user_data
        header = b"".join(
            bytes((identifier, len(data))) + data
            for identifier, data in content.elements.items()
        )
        return b"".join(
            (
                _head.pack(
                    _LAYOUT,
                    self.reference,
                    self.total,
                    self.number,
                    content.data_coding,
                    _ENCODINGS.index(content.encoding),
                    len(self.source),
                    len(self.destination),
                    len(header),
                ),
                self.source,
                self.destination,
                header,
                content.octets,
            )
        )

    @classmethod
    def from_bytes(cls, stored: bytes) -> "Part":
        """What ``to_bytes`` gave. Raises ValueError for a layout of another version."""
        if stored[0] != _LAYOUT:
            raise ValueError(f"a part stored in layout {stored[0]}, not {_LAYOUT}")
        (
            _,
            reference,
            total,
            number,
            data_coding,
            encoding,
            source_octets,
            destination_octets,
            header_octets,
        ) = _head.unpack_from(stored)
        source = _head.size
        destination = source + source_octets
        header = destination + destination_octets
        elements, octets = split_udh(bytes((header_octets,)) + stored[header:])
        return cls(
            stored[source:destination],
            stored[destination:header],
            reference,
            total,
            number,
            UserData(data_coding, _ENCODINGS[encoding], octets, elements),
        )


def part_of(
    source: bytes,
    destination: bytes,
    user_data: UserData,
    tlvs: Mapping[int, bytes] | None = None,
) -> Part | None:
    """The part that a deliver_sm or data_sm is, None when it is a message by itself.

    A header of 16 bits goes before one of 8, a header before the SAR TLVs; what is
    malformed, or has no such number among so many, is ignored (TS 23.040 9.2.3.24.1).
    Total.
    """
    place = _place_in_header(user_data.elements) or _place_in_tlvs(tlvs or {})
    if place is None:
        return None
    others = {
        identifier: data
        for identifier, data in user_data.elements.items()
        if identifier not in _CONCATENATIONS
    }
    return Part(source, destination, *place, attrs.evolve(user_data, elements=others))


def _place_in_header(elements: Mapping[int, bytes]) -> tuple[int, int, int] | None:
    """The reference, the total and the number."""
    for identifier, octets in _CONCATENATIONS.items():
        data = elements.get(identifier, b"")
        if len(data) == octets and 1 <= data[-1] <= data[-2]:
            return int.from_bytes(data[:-2], "big"), data[-2], data[-1]
    return None


def _place_in_tlvs(tlvs: Mapping[int, bytes]) -> tuple[int, int, int] | None:
    reference = tlvs.get(SAR_MSG_REF_NUM)
    if reference is None:
        return None
    total = int.from_bytes(tlvs.get(SAR_TOTAL_SEGMENTS, b""), "big")
    number = int.from_bytes(tlvs.get(SAR_SEGMENT_SEQNUM, b""), "big")
    if not 1 <= number <= total <= MAX_SEGMENTS:
        return None
    return int.from_bytes(reference[-2:], "big"), total, number


@attrs.frozen
class Joined:
    """A message, or what came of it."""

    parts: tuple[Part, ...]
    """In the order of their numbers, each once, at least one."""

    @property
    def missing(self) -> tuple[int, ...]:
        """The numbers that are not there; empty: the message is whole."""
        here = {part.number for part in self.parts}
        return tuple(n for n in range(1, self.parts[0].total + 1) if n not in here)

    @property
    def octets(self) -> bytes:
        """The content of all parts, one after the other."""
        return b"".join(part.user_data.octets for part in self.parts)

    def text(self) -> str | None:
        """The text, with GAP for parts that are missing; None when one is no text.

        A character that the phone cut in two is whole again.
        """
        contents = {part.number: part.user_data for part in self.parts}

        def alphabet(number: int) -> tuple[Encoding | None, Shift | None] | None:
            content = contents.get(number)
            if content is None:
                return None
            return content.encoding, shift_of(content.elements)

        pieces = []
        numbers = range(1, self.parts[0].total + 1)
        for known, run in itertools.groupby(numbers, alphabet):
            if known is None:
                pieces.append(GAP)
                continue
            encoding, shift = known
            if encoding is None:
                return None
            octets = b"".join(contents[number].octets for number in run)
            pieces.append(decode(octets, encoding, shift))
        return "".join(pieces)


def join(parts: Iterable[Part]) -> Joined:
    """The message that ``parts`` make, in any order; of equal numbers the first counts.

    Raises ValueError when they are not parts of one message, or none at all.
    """
    numbered: dict[int, Part] = {}
    keys = set()
    for part in parts:
        keys.add(part.key)
        numbered.setdefault(part.number, part)
    if len(keys) != 1:
        raise ValueError("not the parts of one message")
    return Joined(tuple(numbered[number] for number in sorted(numbered)))


# Octets of memory, as measured on CPython 3.11: of a message, of each part of it beside
# its content, of an element, and of what is left of a part when it was joined.
_MESSAGE_COST: Final = 700
_PART_COST: Final = 512
_ELEMENT_COST: Final = 100
_DIGEST_COST: Final = 64


@attrs.define
class _Slot:
    """What is known of one message."""

    since: float
    digests: dict[int, int] = attrs.field(factory=dict)
    """Of the content of every part that came, by number."""
    parts: list[Part] = attrs.field(factory=list)
    """Those that wait; none any more when the message was joined."""
    cost: int = 0


class Reassembly:
    """Keeps the parts of unfinished messages, for a while and up to a size.

    A part that comes again is ignored, even when its message was joined already. One
    that has the place of another, but not its content, starts another message: the
    reference was used again. Nothing is lost: what has to leave unfinished is given
    back.
    """

    def __init__(self, hold_s: float, most_octets: int) -> None:
        """``hold_s``: how long a first part waits for the others, in seconds.

        ``most_octets`` of memory, as good as can be told. Above it the oldest leave.
        """
        self._hold_s = hold_s
        self._most = most_octets
        self._octets = 0
        self._slots: OrderedDict[_Key, _Slot] = OrderedDict()

    @property
    def next_expiry(self) -> float | None:
        """When ``expire`` is worth a call; None: nothing is kept."""
        oldest = next(iter(self._slots.values()), None)
        return None if oldest is None else oldest.since + self._hold_s

    def add(self, part: Part, now: float) -> list[Joined]:
        """The message that ``part`` completed, and those that it drove out: often none.

        ``now``: seconds of a clock that never goes back.
        """
        content = part.user_data
        digest = hash((content.encoding, content.octets))
        leaving: list[Joined] = []
        slot = self._slots.get(part.key)
        if slot is not None and part.number in slot.digests:
            if slot.digests[part.number] == digest:
                return leaving
            leaving += self._forget(part.key)
            slot = None
        if slot is None:
            slot = self._slots[part.key] = _Slot(now)
            self._charge(slot, _MESSAGE_COST)
        slot.digests[part.number] = digest
        slot.parts.append(part)
        elements = _ELEMENT_COST * len(content.elements)
        self._charge(slot, _PART_COST + elements + len(content.octets))
        if len(slot.parts) == part.total:
            leaving.append(join(slot.parts))
            slot.parts = []
            left = _MESSAGE_COST + part.total * _DIGEST_COST
            self._charge(slot, left - slot.cost)
        while self._octets > self._most:
            leaving += self._forget(next(iter(self._slots)))
        return leaving

    def expire(self, now: float) -> list[Joined]:
        """What is there of the messages that waited long enough, the oldest first."""
        leaving = []
        while (due := self.next_expiry) is not None and due <= now:
            leaving += self._forget(next(iter(self._slots)))
        return leaving

    def _charge(self, slot: _Slot, octets: int) -> None:
        slot.cost += octets
        self._octets += octets

    def _forget(self, key: _Key) -> list[Joined]:
        """What is there of a message, if it was not joined already."""
        slot = self._slots.pop(key)
        self._octets -= slot.cost
        return [join(slot.parts)] if slot.parts else []

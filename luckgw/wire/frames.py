"""Where one PDU ends and the next begins (SMPP v3.4 3.2, spec/reliability 2.1)."""

from collections.abc import Iterator
from typing import Final

from luckgw.wire.protocol import HEADER

HEADER_LENGTH: Final = 16
_LENGTH_FIELD = 4
_TEXT = frozenset(b"\t\r\n" + bytes(range(0x20, 0x7F)))
_TLS_HELLO = b"\x16\x03"

#: command_id, command_status, sequence_number, body
Frame = tuple[int, int, int, bytes]


class FramingError(Exception):
    """A command_length that can not be: nobody knows where the next PDU begins."""

    def __init__(self, command_length: int, sequence_number: int, start: bytes) -> None:
        super().__init__(command_length, sequence_number)
        self.command_length = command_length
        self.sequence_number = sequence_number
        """The header's, for the generic_nack; 0 when the header is not whole yet."""
        self.is_smpp = not (_TEXT.issuperset(start) or start.startswith(_TLS_HELLO))
        """False for the start of another protocol: a line of text, a TLS hello."""

    def __str__(self) -> str:
        kind = "command_length" if self.is_smpp else "not SMPP: command_length"
        return f"{kind} {self.command_length}"


class Frames:
    """Octets in, PDUs out, in order, whatever the pieces in which the octets come. HOT.

    Iterating gives each whole PDU that is there and not yet taken; an iteration may be
    left at any point and begun again. Holds what was fed and not taken: less than
    ``maximum`` octets once an iteration has run to its end.
    """

    __slots__ = ("_at", "_octets", "maximum")

    def __init__(self, maximum: int) -> None:
        self.maximum = maximum
        """The greatest legal command_length; may be changed while iterating."""
        self._octets = b""
        self._at = 0

    def feed(self, octets: bytes) -> None:
        """Add what was read. Not to be called while iterating."""
        if self._at == len(self._octets):
            self._octets = octets
        else:
            self._octets = self._octets[self._at :] + octets
        self._at = 0

    def put_back(self, octets: bytes) -> None:
        """Add ``octets`` in front of all that is not taken yet."""
        self._octets = octets + self._octets[self._at :]
        self._at = 0

    def clear(self) -> None:
        """Drop all that is not taken."""
        self._octets = b""
        self._at = 0

    @property
    def pending(self) -> int:
        """How many octets were fed and not taken."""
        return len(self._octets) - self._at

    @property
    def taken(self) -> bool:
        """Whether any PDU was taken since the last ``feed``."""
        return self._at > 0

    def has_next(self) -> bool:
        """Whether another iteration would give a PDU or raise."""
        start = self._octets[self._at : self._at + _LENGTH_FIELD]
        if len(start) < _LENGTH_FIELD:
            return False
        length = int.from_bytes(start, "big")
        return self._is_illegal(length) or length <= self.pending

    def _is_illegal(self, length: int) -> bool:
        return not HEADER_LENGTH <= length <= self.maximum

    def __iter__(self) -> Iterator[Frame]:
        """Give each whole PDU.

        Raises:
            FramingError: a command_length below 16 or above ``maximum``, as soon as its
                four octets are there. What is pending can not be read any more.
        """
        octets = self._octets
        size = len(octets)
        at = self._at
        unpack_from = HEADER.unpack_from
        while size - at >= HEADER_LENGTH:
            length, command_id, command_status, sequence_number = unpack_from(
                octets, at
            )
            if length > self.maximum or length < HEADER_LENGTH:
                raise FramingError(length, sequence_number, octets[at : at + 4])
            end = at + length
            if end > size:
                return
            self._at = end
            yield (
                command_id,
                command_status,
                sequence_number,
                octets[at + HEADER_LENGTH : end],
            )
            at = end
        if size - at >= _LENGTH_FIELD:
            start = octets[at : at + _LENGTH_FIELD]
            length = int.from_bytes(start, "big")
            if self._is_illegal(length):
                raise FramingError(length, 0, start)

"""What a message says, for the routes that look at it: worked out when one does."""

from functools import cached_property
from typing import Final

from luckgw.text.alphabets import Encoding, choose
from luckgw.text.payload import UserData, read
from luckgw.text.segments import (
    SAR_MSG_REF_NUM,
    SAR_SEGMENT_SEQNUM,
    SAR_TOTAL_SEGMENTS,
    count,
)
from luckgw.wire.pdus import Sm

_UDHI: Final = 0x40
_BINARY: Final = "binary"
_CONCATENATIONS: Final = frozenset({0x00, 0x08})  # TS 23.040 9.2.3.24.1 and .8
_SAR: Final = {SAR_MSG_REF_NUM, SAR_TOTAL_SEGMENTS, SAR_SEGMENT_SEQNUM}


class TextContent:
    """The content of a text of a caller who knows nothing of SMPP.

    Implements routing.facts.Content; the encoding is what the text needs where GSM
    7-bit is the default alphabet. Raises Refusal for a text that nothing can carry.
    """

    def __init__(self, text: str) -> None:
        self._text = text

    def text(self) -> str | None:
        """All of it."""
        return self._text

    def encoding(self) -> str:
        """GSM 7-bit if that has all its characters, else UCS2."""
        return self._encoding.value

    def segments(self) -> int:
        """In that encoding."""
        return count(self._text, self._encoding)

    @cached_property
    def _encoding(self) -> Encoding:
        return choose(self._text)


class SmContent:
    """The content of a partner's submit_sm or data_sm. Total.

    Implements routing.facts.Content. A part of a long message is looked at by itself:
    its text is the part's, and it is one segment.
    """

    def __init__(self, sm: Sm, default_alphabet: str) -> None:
        """``default_alphabet`` is what the partner means by data_coding 0."""
        self._sm = sm
        self._alphabet = default_alphabet

    @cached_property
    def user_data(self) -> UserData:
        """Its payload, taken apart."""
        sm = self._sm
        return read(
            sm.data_coding,
            sm.payload,
            udhi=bool(sm.esm_class & _UDHI),
            default_alphabet=self._alphabet,
        )

    @property
    def is_part(self) -> bool:
        """Whether the partner has cut a long message, of which this is one part."""
        elements = self.user_data.elements.keys()
        return bool(elements & _CONCATENATIONS) or (
            not self._sm.esm_class & _UDHI and (self._sm.tlvs or {}).keys() >= _SAR
        )

    def text(self) -> str | None:
        """As the phone would show it; None for what is binary."""
        return self.user_data.text()

    def encoding(self) -> str:
        """As its data_coding says."""
        encoding = self.user_data.encoding
        return _BINARY if encoding is None else encoding.value

    def segments(self) -> int:
        """How many the carrier would make of it."""
        text, encoding = self.text(), self.user_data.encoding
        if text is None or encoding is None or self.is_part:
            return 1
        try:
            return count(text, encoding)
        except ValueError:  # what is garbled, or written with a national table
            return 1

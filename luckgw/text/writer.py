"""A text as one upstream wants it: which alphabet, which form, how many segments."""

from collections.abc import Iterable, Sequence

import attrs

from luckgw.config.outgoing import MOST_SEGMENTS, UpstreamText
from luckgw.text import translit
from luckgw.text.alphabets import Encoding, carries
from luckgw.text.national import Language, Shift
from luckgw.text.segments import Form, Piece, choose_shift, count, cut
from luckgw.text.translit import Foreign


@attrs.frozen
class Written:
    """A text in the shape in which it goes out."""

    pieces: Sequence[Piece]
    """One for each submit_sm."""
    data_coding: int
    encoding: Encoding
    segments: int
    """On the air: more than there are pieces where the carrier cuts."""


@attrs.frozen
class Wishes:
    """What an account or a call asks for its texts."""

    max_segments: int = MOST_SEGMENTS
    """The upstream's own limit counts as well."""
    transliterate: bool | None = None
    """None: as the upstream is configured."""
    languages: tuple[Language, ...] | None = None
    """National tables that may be used, of those that the upstream takes; None: all of
    those."""


NO_WISHES = Wishes()


@attrs.frozen
class Plan:
    """How a text will be written."""

    text: str
    """Perhaps transliterated."""
    encoding: Encoding
    shift: Shift | None
    """National tables."""


def languages(names: Iterable[str]) -> tuple[Language, ...]:
    """Languages by their names in the configuration."""
    return tuple(Language[name.upper()] for name in names)


class Writer:
    """Writes texts for one upstream. Pure."""

    def __init__(self, wanted: UpstreamText) -> None:
        alphabet, _, packed = wanted.alphabet.partition("-")
        self.alphabet = Encoding(alphabet)
        """What data_coding 0 means there."""
        self.packed = bool(packed)
        self.form = Form(wanted.form)
        self.also = None if wanted.also is None else tuple(map(Encoding, wanted.also))
        """See the configuration."""
        self.max_segments = wanted.max_segments
        self._languages = languages(wanted.languages)
        self._transliterate = wanted.transliterate

    def write(self, text: str, reference: int, wishes: Wishes = NO_WISHES) -> Written:
        """``text`` in the alphabet that carries all of it, at best the upstream's own.

        ``reference``: as for ``cut``. What its alphabet does not have goes in another
        one that it takes, with national tables, or as UCS2, whichever takes fewest
        segments; with transliteration it is tried to make it fit first. Raises Refusal
        for more segments than may be, ValueError for half a surrogate pair. HOT PATH.
        """
        if carries(self.alphabet, text):
            return self.write_as(text, self.alphabet, 0, None, reference, wishes)
        plan = self._beyond(text, wishes)
        return self.write_as(
            plan.text,
            plan.encoding,
            plan.encoding.data_coding_at(self.alphabet),
            plan.shift,
            reference,
            wishes,
        )

    def plan(self, text: str, wishes: Wishes = NO_WISHES) -> Plan:
        """How ``write`` would write it, without limit."""
        if carries(self.alphabet, text):
            return Plan(text, self.alphabet, None)
        return self._beyond(text, wishes)

    def _beyond(self, text: str, wishes: Wishes) -> Plan:
        """For a text that the alphabet does not carry."""
        if self.is_transliterating(wishes):
            text = translit.transliterate(text).text
            if carries(self.alphabet, text):
                return Plan(text, self.alphabet, None)
        return self._shortest(text, wishes)

    def segments(self, plan: Plan) -> int:
        """How many segments that is on the air."""
        packed = self.packed and plan.encoding is Encoding.GSM7
        return count(plan.text, plan.encoding, plan.shift, self.form, packed=packed)

    def submit_sms(self, segments: int) -> int:
        """How many submit_sm so many segments are."""
        return 1 if self.form is Form.PAYLOAD else segments

    def write_as(
        self,
        text: str,
        encoding: Encoding,
        data_coding: int,
        shift: Shift | None,
        reference: int,
        wishes: Wishes = NO_WISHES,
    ) -> Written:
        """``text`` in an alphabet that was chosen already, in the upstream's form."""
        packed = self.packed and encoding is Encoding.GSM7
        # A header with national tables and the TLVs exclude each other (v3.4 5.3.2.22).
        form = Form.UDH8 if shift is not None and self.form is Form.SAR else self.form
        limit = min(self.max_segments, wishes.max_segments)
        pieces = cut(text, encoding, form, reference, limit, shift=shift, packed=packed)
        segments = len(pieces)
        if form is Form.PAYLOAD:
            segments = count(text, encoding, shift, form, packed=packed)
        return Written(pieces, data_coding, encoding, segments)

    def is_transliterating(self, wishes: Wishes) -> bool:
        """Whether a text that does not fit the alphabet is made to look alike."""
        asked = wishes.transliterate
        return self._transliterate if asked is None else asked

    def forcing(self, text: str) -> tuple[Foreign, ...]:
        """The characters that the upstream's alphabet lacks, with what could stand in
        their place there.
        """
        if self.alphabet is Encoding.GSM7:
            return translit.transliterate(text).foreign
        return tuple(
            Foreign(position, character, self._replacement(character))
            for position, character in enumerate(text)
            if not carries(self.alphabet, character)
        )

    def _replacement(self, character: str) -> str | None:
        likeness = translit.transliterate(character).text
        return likeness if carries(self.alphabet, likeness) else None

    def _shortest(self, text: str, wishes: Wishes) -> Plan:
        """The way that takes fewest segments; of equal ones the plainest."""
        best = Plan(text, Encoding.UCS2, None)
        if not self.also and not self._languages:
            return best
        fewest = self.segments(best)
        others = [Plan(text, other, None) for other in self.also or ()]
        allowed = self._languages
        if wishes.languages is not None:
            allowed = tuple(each for each in wishes.languages if each in allowed)
        if allowed:
            shift = choose_shift(text, allowed, self.form, packed=self.packed)
            others += [] if shift is None else [Plan(text, Encoding.GSM7, shift)]
        for other in others:
            if other.shift is not None or carries(other.encoding, text):
                segments = self.segments(other)
                if segments < fewest:
                    best, fewest = other, segments
        return best

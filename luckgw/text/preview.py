"""What sending a text would take, before it is sent."""

import attrs

from luckgw.text.alphabets import Encoding, check
from luckgw.text.translit import Foreign
from luckgw.text.writer import Wishes, Writer


@attrs.frozen
class Preview:
    """What sending a text would take."""

    text: str
    """As it would be sent: perhaps transliterated."""
    segments: int
    """On the air."""
    encoding: Encoding
    forcing: tuple[Foreign, ...]
    """The characters that the carrier's alphabet does not have, with what could stand
    in their place. They force another alphabet, mostly UCS2."""
    transliterated: tuple[int, Encoding] | None
    """What it would take with those replaced; None when there is nothing to replace."""


def preview(text: str, writer: Writer, *, transliterate: bool | None = None) -> Preview:
    """What ``text`` takes at the upstream of ``writer``, and what makes it dearer.

    ``transliterate``: what the call asks; None: as the upstream says. Raises Refusal
    for what no text holds. Segments are counted without limit.
    """
    check(text)
    plan = writer.plan(text, Wishes(transliterate=transliterate))
    other = writer.plan(text, Wishes(transliterate=True))
    transliterated = None
    if other.text != text:
        transliterated = writer.segments(other), other.encoding
    return Preview(
        plan.text,
        writer.segments(plan),
        plan.encoding,
        writer.forcing(text),
        transliterated,
    )

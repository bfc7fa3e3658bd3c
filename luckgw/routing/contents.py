"""The conditions on what a message says. Slow beside the others: they come last."""

import re
from collections.abc import Iterable
from typing import Final

from luckgw.config.expressions import LOOKED_AT
from luckgw.config.hours import parse_segments
from luckgw.config.patterns import PREFIX
from luckgw.routing.facts import Facts

_WORDS: Final = re.compile(r"\w+")


class ContentFilter:
    """The text holds one of some words or phrases, or one of some expressions.

    A word is found as a whole, whatever its letter case and what stands around it:
    ``free`` in "FREE!", not in "freedom". Expressions see the first 1,600 characters.
    """

    looks_at = "content"

    def __init__(self, entries: Iterable[str]) -> None:
        self._words: set[str] = set()
        phrases: list[str] = []
        expressions: list[re.Pattern[str]] = []
        for entry in entries:
            if entry.startswith(PREFIX):
                expressions.append(re.compile(entry.removeprefix(PREFIX)))
                continue
            words = _words(entry)
            if len(words) == 1:
                self._words.add(words[0])
            elif words:
                phrases.append(" ".join(words))
            else:  # "$$$": no letters to make words of
                expressions.append(re.compile(re.escape(entry), re.IGNORECASE))
        self._phrases = tuple(phrases)
        self._expressions = tuple(expressions)

    def matches(self, facts: Facts) -> bool:
        """Whether it does. What is no text holds nothing."""
        return self._found(facts) is not None

    def tell(self, facts: Facts) -> str:
        """Which it is. The text itself is not repeated."""
        if facts.content is None or facts.content.text() is None:
            return "there is no text to look at"
        found = self._found(facts)
        if found is None:
            return "the text holds none of its words"
        return f"the text holds {found!r}"

    def _found(self, facts: Facts) -> str | None:
        text = None if facts.content is None else facts.content.text()
        if text is None:
            return None
        if self._words or self._phrases:
            words = _words(text)
            if not self._words.isdisjoint(words):
                return next(word for word in words if word in self._words)
            line = f" {' '.join(words)} " if self._phrases else ""
            for phrase in self._phrases:
                if f" {phrase} " in line:
                    return phrase
        for expression in self._expressions:
            if expression.search(text, 0, LOOKED_AT):
                return expression.pattern
        return None


class EncodingFilter:
    """The text needs, or came in, one of some alphabets."""

    looks_at = "content"

    def __init__(self, encodings: Iterable[str]) -> None:
        self._encodings = frozenset(encodings)

    def matches(self, facts: Facts) -> bool:
        """Whether it does."""
        return facts.content is not None and (
            facts.content.encoding() in self._encodings
        )

    def tell(self, facts: Facts) -> str:
        """Which it is."""
        if facts.content is None:
            return "there is no text to look at"
        verb = "is" if self.matches(facts) else "is not"
        return f"encoding {facts.content.encoding()} {verb} one of its encodings"


class SegmentsFilter:
    """The message takes so many segments."""

    looks_at = "content"

    def __init__(self, counts: Iterable[str]) -> None:
        self._ranges = tuple(parse_segments(text) for text in counts)

    def matches(self, facts: Facts) -> bool:
        """Whether it does."""
        if facts.content is None:
            return False
        count = facts.content.segments()
        return any(
            least <= count and (most is None or count <= most)
            for least, most in self._ranges
        )

    def tell(self, facts: Facts) -> str:
        """How many."""
        if facts.content is None:
            return "there is no text to look at"
        verb = "is" if self.matches(facts) else "is not"
        return f"{facts.content.segments()} segments {verb} one of its counts"


def _words(text: str) -> list[str]:
    return _WORDS.findall(text.casefold())

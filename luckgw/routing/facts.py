"""What a route may look at."""

from collections.abc import Mapping
from typing import Protocol

import attrs

_NO_TAGS: frozenset[str] = frozenset()


class Content(Protocol):
    """What a message says. Asked only if a route looks at it, so it may be slow."""

    def text(self) -> str | None:
        """Its text; None when it is none that we read."""
        ...

    def encoding(self) -> str:
        """One of ``config.routes.ENCODINGS``: what it needs or, over SMPP, came in."""
        ...

    def segments(self) -> int:
        """How many it takes in the usual form (a header of 6 octets in each)."""
        ...


@attrs.define
class Facts:
    """The facts of one message that decide where it goes."""

    account: str
    """The name of the account that sent it."""
    source: str
    """The sender ID, as it was sent."""
    destination: str
    """The recipient's number: digits in international format, without ``+``."""
    group: str | None = None
    """The group that the account is in."""
    tags: frozenset[str] = _NO_TAGS
    """What the caller called it."""
    now_ms: int = 0
    """Wall-clock time in ms; 0 where no route looks at it (``RouteTable.looks_at``)."""
    content: Content | None = None
    """None where no route looks at it."""
    answers: Mapping[str, bool] | None = None
    """What hooks have said of it so far, by their names."""


@attrs.frozen
class Unanswered(Exception):
    """A route can not be judged before a hook has said something of the message."""

    hook: str
    """Its name. Ask it, put its answer among ``Facts.answers``, and decide again."""

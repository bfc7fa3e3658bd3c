"""A message that a dispatcher holds, and its segments on their way to a carrier."""

from luckgw.domain.states import State


class Trouble:
    """What has gone wrong with a message. Most never have one."""

    __slots__ = ("end", "hold", "nacks", "refusal", "since_ms", "uncertain")

    def __init__(self) -> None:
        self.end: tuple[State, bytes] | None = None
        """How the message ends once nothing of it is under way: state and tail."""
        self.refusal: int | None = None
        """The last temporary refusal; a generic_nack goes before others."""
        self.nacks = 0
        """Earlier tries that ended with a generic_nack."""
        self.uncertain: list[Segment] = []
        """Segments of which nobody knows whether the carrier has them."""
        self.hold: object = None
        """What lasts while we wait for late answers to them; None: we do not."""
        self.since_ms = 0
        """Since when they are uncertain, wall-clock ms."""


class Message:
    """A message and what is still open about it. HOT PATH: made for each."""

    __slots__ = (
        "__weakref__",
        "attempts",
        "deadline_ms",
        "hook",
        "id",
        "missing",
        "open",
        "trouble",
    )

    def __init__(
        self, message_id: bytes, hook: bytes, deadline_ms: int, segments: int
    ) -> None:
        self.id = message_id
        self.hook = hook
        """The account whose webhook is told SENT; b"" for none."""
        self.deadline_ms = deadline_ms
        """The end of its validity, wall-clock ms."""
        self.attempts = 0
        """Tries that a carrier has refused."""
        self.missing = (1 << segments) - 1
        """A bit for each segment that no carrier has taken yet."""
        self.open = segments
        """Segments that wait here or are unanswered."""
        self.trouble: Trouble | None = None

    def in_trouble(self) -> Trouble:
        """Its trouble, new if it had none."""
        if self.trouble is None:
            self.trouble = Trouble()
        return self.trouble

    def lacks(self, segment: int) -> bool:
        """Whether no carrier has taken this segment yet."""
        return bool(self.missing >> segment & 1)


class Segment:
    """One segment on its way; the context of its submit. HOT PATH: made for each."""

    __slots__ = ("body", "message", "number", "order", "via")

    def __init__(self, message: Message, number: int, body: bytes) -> None:
        self.message = message
        self.number = number
        self.body = body
        self.order = 0
        """Its place among all that were sent, counted from 1; 0 before."""
        self.via: object = None
        """What carried it."""

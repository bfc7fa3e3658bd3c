"""What a dispatcher has claimed and not sent yet, in the order in which it goes."""

from bisect import insort
from collections import deque
from operator import attrgetter

from luckgw.dispatch.message import Message, Segment

_order = attrgetter("order")


class Backlog:
    """Segments that wait for room. The dispatcher takes them out itself: HOT PATH."""

    __slots__ = ("first", "rest")

    def __init__(self) -> None:
        self.first: list[Segment] = []
        """Sent once and turned away: they go before all others, by their order."""
        self.rest: deque[Segment] = deque()
        """Not sent yet, oldest first."""

    def __len__(self) -> int:
        return len(self.first) + len(self.rest)

    def put_first(self, segment: Segment) -> None:
        """Let a segment that was turned away go first, among its like in order."""
        insort(self.first, segment, key=_order)

    def withdraw(self, message: Message, number: int | None = None) -> int:
        """Take out a message's segments, or one of them; tells how many there were."""

        def stays(segment: Segment) -> bool:
            return segment.message is not message or number not in {
                None,
                segment.number,
            }

        before = len(self)
        self.first[:] = filter(stays, self.first)
        left = [*filter(stays, self.rest)]
        self.rest.clear()
        self.rest.extend(left)
        return before - len(self)

    def clear(self) -> list[Segment]:
        """Take out everything; gives it in order."""
        segments = [*self.first, *self.rest]
        self.first.clear()
        self.rest.clear()
        return segments

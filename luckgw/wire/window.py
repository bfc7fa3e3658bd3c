"""Our requests that wait for an answer (SMPP v3.4 2.9; spec/reliability 2.6, 2.7)."""

from typing import Final

from luckgw.wire.protocol import Command

MAX_SEQUENCE: Final = 0x7FFFFFFF
MAX_TOMBSTONES: Final = 10_000
"""Timed-out requests remembered per connection; above it the oldest are forgotten."""

MAX_OWN: Final = 8
"""Unanswered requests of the session itself that are remembered; bind, two
enquire_links and unbind are all that a sound peer leaves."""

GENERIC_NACK: Final = int(Command.GENERIC_NACK)

#: context, command_id of the response, when it is overdue
Waiting = tuple[object, int, float]


class WindowFull(Exception):
    """No request can be sent: too many are unanswered, or the session may not send."""


class Window:
    """The sequence numbers of one connection and what waits under each. HOT.

    Every request that was opened ends exactly once: settled, expired or drained. One
    that expired leaves a tombstone, so that its late response is still recognised.
    """

    __slots__ = ("_late", "_own", "_sequence", "_waiting", "response_s", "size")

    def __init__(self, size: int, response_s: float) -> None:
        self.size = size
        """How many requests may wait at once."""
        self.response_s = response_s
        """Seconds after which an unanswered request expires."""
        self._sequence = 0
        # In the order they were opened, hence in the order they expire.
        self._waiting: dict[int, Waiting] = {}
        self._late: dict[int, Waiting] = {}
        self._own: dict[int, int] = {}

    def __len__(self) -> int:
        """How many requests wait."""
        return len(self._waiting)

    def next_sequence(self) -> int:
        """The next number of 1 to 0x7FFFFFFF that nothing waits under (v3.4 5.1.4)."""
        number = self._sequence
        while True:
            number = number + 1 if number < MAX_SEQUENCE else 1
            if (
                number not in self._waiting
                and number not in self._late
                and number not in self._own
            ):
                self._sequence = number
                return number

    def open(self, response_id: int, context: object, now: float) -> int:
        """Take a place for a request that ``response_id`` will answer.

        Raises:
            WindowFull: ``size`` requests wait already.
        """
        if len(self._waiting) >= self.size:
            raise WindowFull
        number = self.next_sequence()
        self._waiting[number] = (context, response_id, now + self.response_s)
        return number

    def settle(self, sequence_number: int, command_id: int) -> Waiting | None:
        """End the request that this response answers and give its place back.

        None when nothing waits under that number, or for another type of response. A
        generic_nack answers any type.
        """
        waiting = self._waiting.get(sequence_number)
        if waiting is None or (waiting[1] != command_id and command_id != GENERIC_NACK):
            return None
        del self._waiting[sequence_number]
        return waiting

    def settle_late(self, sequence_number: int, command_id: int) -> Waiting | None:
        """As ``settle``, for a request that expired before; works once for each."""
        waiting = self._late.get(sequence_number)
        if waiting is None or (waiting[1] != command_id and command_id != GENERIC_NACK):
            return None
        del self._late[sequence_number]
        return waiting

    def waits(self, sequence_number: int) -> bool:
        """Whether any request, in time or late, waits under that number."""
        return sequence_number in self._waiting or sequence_number in self._late

    def expire(self, now: float) -> list[Waiting]:
        """End the requests that are overdue, the oldest first, and remember them."""
        overdue: list[Waiting] = []
        for number, waiting in self._waiting.items():
            if waiting[2] > now:
                break
            overdue.append(waiting)
            self._late[number] = waiting
        for number in list(self._waiting)[: len(overdue)]:
            del self._waiting[number]
        while len(self._late) > MAX_TOMBSTONES:
            del self._late[next(iter(self._late))]
        return overdue

    def drain(self) -> list[object]:
        """End all requests and give their contexts, the oldest first."""
        contexts = [waiting[0] for waiting in self._waiting.values()]
        self._waiting.clear()
        self._late.clear()
        self._own.clear()
        return contexts

    # The session's own requests (bind, enquire_link, unbind) share the numbers, not the
    # places; their timers are those of the session.

    def open_own(self, response_id: int) -> int:
        """A number for a request of the session itself."""
        number = self.next_sequence()
        self._own[number] = response_id
        if len(self._own) > MAX_OWN:
            del self._own[next(iter(self._own))]
        return number

    def settle_own(self, sequence_number: int, command_id: int) -> int:
        """End the session's own request that this response answers.

        Returns the command_id of the response that was due, or 0 when none was.
        """
        due = self._own.get(sequence_number, 0)
        if not due or command_id not in (due, GENERIC_NACK):
            return 0
        del self._own[sequence_number]
        return due

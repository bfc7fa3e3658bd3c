"""Events of one message go to a webhook in their order, one at a time. Pure."""

from typing import Generic, Protocol, TypeVar

STALE_MS = 60_000
"""So long after an event was due here it will not come back here."""


class Event(Protocol):
    """What is kept in order."""

    @property
    def message_id(self) -> bytes:
        """Whose event it is."""
        ...

    @property
    def key(self) -> bytes:
        """What is the same at every attempt, and no other event has."""
        ...


E = TypeVar("E", bound=Event)


class _Line(Generic[E]):
    __slots__ = ("away", "here")

    def __init__(self) -> None:
        self.here: list[E] = []
        """Events that are held; the first is being sent, or about to be."""
        self.away: dict[bytes, int] = {}
        """Keys of the events behind them, in order: when the store will give them out,
        wall-clock ms."""

    def come(self, key: bytes, now_ms: int) -> int | None:
        """An event comes (again): None when no other is away that goes before it, else
        the time when it shall come next.
        """
        due_ms = self.away.get(key)
        if due_ms is not None:
            self._miss(key, due_ms)
            if next(iter(self.away)) == key:
                del self.away[key]
                return None
        last_ms = now_ms
        for other, other_due_ms in self.away.items():
            if other == key:
                break
            last_ms = max(last_ms, other_due_ms)
        self.away[key] = last_ms + 1
        return last_ms + 1

    def _miss(self, key: bytes, due_ms: int) -> None:
        """Forget who should have come before this one, and came to another node."""
        for other in [*self.away]:
            if other == key or self.away[other] >= due_ms:
                return
            del self.away[other]


class Lines(Generic[E]):
    """A line for each message that has events here, or had to put some off.

    The store gives out what is due before what is new, the earliest first, and knows
    nothing of messages. So an event that comes while one before it is put off is put
    off as well, to a millisecond after it.
    """

    def __init__(self) -> None:
        self._lines: dict[bytes, _Line[E]] = {}
        self._next_look_ms = 0

    def __len__(self) -> int:
        return len(self._lines)

    def enter(self, event: E, now_ms: int) -> int | None:
        """Let an event stand in line, or give the time when it has to come again."""
        line = self._lines.get(event.message_id)
        if line is None:
            line = self._lines[event.message_id] = _Line()
        elif line.away and (due_ms := line.come(event.key, now_ms)) is not None:
            return due_ms
        line.here.append(event)
        return None

    def is_first(self, event: E) -> bool:
        """Whether it is this event's turn."""
        return self._lines[event.message_id].here[0] is event

    def done(self, event: E) -> E | None:
        """The first of its line is done with; the one whose turn it is now."""
        line = self._lines[event.message_id]
        del line.here[0]
        if line.here:
            return line.here[0]
        if not line.away:
            del self._lines[event.message_id]
        return None

    def put_off(self, event: E, due_ms: int) -> list[tuple[E, int]]:
        """The first of its line failed: it and those behind it, each with its time."""
        line = self._lines[event.message_id]
        leaving = [(each, due_ms + place) for place, each in enumerate(line.here)]
        line.away = {each.key: at for each, at in leaving} | line.away
        line.here.clear()
        return leaving

    def leave(self, event: E, now_ms: int) -> list[E]:
        """It and all behind it leave the line, to come again in their order."""
        line = self._lines[event.message_id]
        leaving = [*line.here]
        if line.away:
            # At some time soon: what is new is given out after what is due.
            soon_ms = now_ms + STALE_MS
            line.away = {each.key: soon_ms for each in leaving} | line.away
            line.here.clear()
        else:
            del self._lines[event.message_id]
        return leaving

    def forget_stale(self, now_ms: int) -> None:
        """Forget lines whose events another node must have taken, now and then."""
        if now_ms < self._next_look_ms:
            return
        self._next_look_ms = now_ms + STALE_MS
        stale = [
            message_id
            for message_id, line in self._lines.items()
            if not line.here and max(line.away.values()) < now_ms - STALE_MS
        ]
        for message_id in stale:
            del self._lines[message_id]

"""Which reference the parts of a long text get, so that phones do not mix them up."""

from collections import OrderedDict
from collections.abc import Callable
from typing import Final

_REMEMBERED: Final = 10_000


class References:
    """Concatenation references, counted for each destination.

    A phone joins parts by sender and reference: the same reference must not come back
    soon to the same phone (spec/features 2.11). The least recent destinations are
    forgotten.
    """

    def __init__(self, first: Callable[[], int]) -> None:
        """``first`` gives a random start for a destination not seen lately."""
        self._first = first
        self._last: OrderedDict[str, int] = OrderedDict()

    def next_for(self, destination: str) -> int:
        """The next reference, 0..65535; what has room for less takes its low bits."""
        last = self._last.pop(destination, None)
        reference = (self._first() if last is None else last + 1) & 0xFFFF
        self._last[destination] = reference
        if len(self._last) > _REMEMBERED:
            self._last.popitem(last=False)
        return reference

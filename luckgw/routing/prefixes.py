"""Values by prefix: the longest one that a number begins with counts. HOT PATH."""

from collections.abc import Mapping
from typing import Generic, TypeVar

Value = TypeVar("Value")


class PrefixMap(Generic[Value]):
    """A frozen table of prefixes.

    A look-up costs one slice and one search in a dictionary for each different length
    of prefix (at most 15), whatever the number of prefixes: 100,000 of them cost what
    ten do. The empty prefix is every number's. None can not be a value.
    """

    __slots__ = ("_any", "_get", "_lengths", "_values")

    def __init__(self, values: Mapping[str, Value]) -> None:
        self._values = dict(values)
        self._any = self._values.pop("", None)
        self._get = self._values.get
        self._lengths = tuple(sorted({len(key) for key in self._values}, reverse=True))

    def get(self, number: str) -> Value | None:
        """The value of the longest prefix of ``number``; None if there is none."""
        get = self._get
        for length in self._lengths:
            found = get(number[:length])
            if found is not None:
                return found
        return self._any

    def longest(self, number: str) -> str | None:
        """The longest prefix of ``number``; None if there is none."""
        for length in self._lengths:
            if number[:length] in self._values:
                return number[:length]
        return None if self._any is None else ""

    def __len__(self) -> int:
        return len(self._values) + (self._any is not None)


def first_wins(ranked: Mapping[str, tuple[int, Value]]) -> PrefixMap[Value]:
    """A table whose longest match gives the value of the lowest rank among all matches.

    That is what trying prefixes in the order of their ranks finds: all prefixes of a
    number that are in the table are prefixes of the longest one, so the best of them
    can be found beforehand.
    """
    best: dict[str, tuple[int, Value]] = {}
    for prefix in sorted(ranked, key=len):
        own = ranked[prefix]
        for length in range(len(prefix) - 1, -1, -1):
            above = best.get(prefix[:length])
            if above is not None:  # it knows what is above it
                own = min(own, above, key=_rank)
                break
        best[prefix] = own
    return PrefixMap({prefix: value for prefix, (_, value) in best.items()})


def _rank(entry: tuple[int, Value]) -> int:
    return entry[0]

"""Lists in files of their own: prices by prefix, numbers, words, ported numbers.

A list is read whole or not at all; what is wrong in it is told by line. Empty lines and
lines that begin with ``#`` count for nothing. What comes out never changes, so that a
reload can put a new list in the place of the old one between two messages.
"""

import csv
import re
from array import array
from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Final, TypeVar

import attrs
from attrs import field

from luckgw.config import expressions, patterns, rules
from luckgw.domain.money import parse_amount

ANY: Final = "*"
"""The prefix of every number, in a list of prefixes."""
MOST_TOLD: Final = 20
"""Problems of one list that are told; more are only counted."""

_NUMBER = re.compile(r"[1-9][0-9]{2,14}")
_MOST_NETWORKS: Final = 65_535
_MOST_OCTETS: Final = 1 << 30

Key = TypeVar("Key")


@attrs.frozen
class ListError(Exception):
    """A list can not be used."""

    path: Path
    faults: tuple[tuple[int | None, str], ...]
    """The line, or None for the file as a whole; and what is wrong there."""


@attrs.frozen
class PriceList:
    """``prefix,price``: what one segment costs; the longest prefix counts."""

    path: Path
    prices: Mapping[str, int] = field(repr=False)
    """In millionths, by prefix; the empty prefix is every number's."""

    @classmethod
    def read(cls, path: Path) -> "PriceList":
        """Read it. Columns beyond the second are ignored. Raises ListError."""

        def row(cells: list[str]) -> tuple[str, int]:
            if len(cells) < 2:  # noqa: PLR2004 - prefix and price
                raise ValueError("must be prefix,price")
            return _prefix(cells[0]), parse_amount(cells[1].strip())

        return cls(path, _by_key(path, row))


@attrs.frozen
class PrefixRoutes:
    """``prefix,upstream[,upstream...]``: where numbers go, by the longest prefix."""

    path: Path
    ways: Mapping[str, tuple[str, ...]] = field(repr=False)
    """Names of upstreams in order of preference, by prefix."""
    lines: Mapping[str, int] = field(repr=False, eq=False)
    """Where the first row stands that names an upstream."""

    @classmethod
    def read(cls, path: Path) -> "PrefixRoutes":
        """Read it. Raises ListError."""
        shared: dict[tuple[str, ...], tuple[str, ...]] = {}

        def row(cells: list[str]) -> tuple[str, tuple[str, ...]]:
            names = tuple(cell.strip() for cell in cells[1:])
            if not names:
                raise ValueError("must be prefix,upstream[,upstream...]")
            for complaint in (*map(rules.name, names), rules.no_repeats(names)):
                if complaint is not None:
                    raise ValueError(f"upstream {complaint}")
            return _prefix(cells[0]), shared.setdefault(names, names)

        lines: dict[str, int] = {}
        ways: dict[str, tuple[str, ...]] = {}
        for line, prefix, names in _checked(path, row):
            ways[prefix] = names
            for name in names:
                lines.setdefault(name, line)
        return cls(path, ways, lines)


@attrs.frozen
class NumberList:
    """Numbers, one a line; with ``*`` at its end a line is a prefix."""

    path: Path
    numbers: "array[int]" = field(repr=False)
    """Sorted: eight octets for each, so that millions fit."""
    prefixes: frozenset[str] = field(repr=False)

    @classmethod
    def read(cls, path: Path) -> "NumberList":
        """Read it. Raises ListError."""

        def row(cells: list[str]) -> tuple[str, bool]:
            text = cells[0].strip()
            if text.endswith(ANY):
                return _prefix(text.removesuffix(ANY) or ANY), True
            return _number(text), False

        rows = list(_checked(path, row, is_set=True))
        numbers = array("Q", sorted(int(key[0]) for _, key, _ in rows if not key[1]))
        prefixes = frozenset(key[0] for _, key, _ in rows if key[1])
        return cls(path, numbers, prefixes)

    def holds(self, number: str) -> bool:
        """Whether this very number is there; prefixes do not count here."""
        return _place(self.numbers, number) is not None


@attrs.frozen
class PatternList:
    """Texts, one a line: exact or ``re:`` and an expression for the whole."""

    path: Path
    entries: tuple[str, ...] = field(repr=False)

    @classmethod
    def read(cls, path: Path) -> "PatternList":
        """Read it. Raises ListError."""
        return cls(path, _lines(path, lambda text: patterns.compile_patterns([text])))


@attrs.frozen
class WordList:
    """Words or phrases, one a line, or ``re:`` and an expression to be found."""

    path: Path
    entries: tuple[str, ...] = field(repr=False)

    @classmethod
    def read(cls, path: Path) -> "WordList":
        """Read it. Raises ListError."""
        return cls(path, _lines(path, expressions.check_content))


@attrs.frozen
class PortedNumbers:
    """``number,network``: where numbers are that have left their prefix's network."""

    path: Path
    numbers: "array[int]" = field(repr=False)
    """Sorted; ten octets for each number with its place in ``names``."""
    places: "array[int]" = field(repr=False)
    names: tuple[str, ...]
    """The networks, each once."""

    @classmethod
    def read(cls, path: Path) -> "PortedNumbers":
        """Read it. Raises ListError."""
        names: dict[str, int] = {}

        def row(cells: list[str]) -> tuple[str, int]:
            if len(cells) < 2:  # noqa: PLR2004 - number and network
                raise ValueError("must be number,network")
            network = cells[1].strip()
            complaint = rules.name(network)
            if complaint is not None:
                raise ValueError(f"network {complaint}")
            if network not in names and len(names) == _MOST_NETWORKS:
                raise ValueError("names more networks than there are")
            return _number(cells[0].strip()), names.setdefault(network, len(names))

        by_number = sorted(
            (int(number), place) for number, place in _by_key(path, row).items()
        )
        return cls(
            path,
            array("Q", (number for number, _ in by_number)),
            array("H", (place for _, place in by_number)),
            tuple(names),
        )

    def network_of(self, number: str) -> str | None:
        """The network that a number was ported to; None: it was not."""
        place = _place(self.numbers, number)
        return None if place is None else self.names[self.places[place]]


def _place(numbers: "array[int]", number: str) -> int | None:
    wanted = int(number)
    place = bisect_left(numbers, wanted)
    if place < len(numbers) and numbers[place] == wanted:
        return place
    return None


# -- reading ---------------------------------------------------------------------------


def _prefix(text: str) -> str:
    text = text.strip()
    if text == ANY:
        return ""
    complaint = rules.number_prefix(text)
    if complaint is not None:
        raise ValueError(f"prefix {complaint}")
    return text


def _number(text: str) -> str:
    if _NUMBER.fullmatch(text) is None:
        raise ValueError(
            f"must be an international number without + or 00, not {text!r}"
        )
    return text


Value = TypeVar("Value")
Row = Callable[[list[str]], tuple[Key, Value]]


def _by_key(path: Path, row: Row[Key, Value]) -> dict[Key, Value]:
    return {key: value for _, key, value in _checked(path, row)}


def _checked(
    path: Path, row: Callable[[list[str]], tuple[Key, Value]], *, is_set: bool = False
) -> Iterator[tuple[int, Key, Value]]:
    """Line, key and value of each row. A key that is there twice is a problem.

    With ``is_set`` key and value together are what must be there once.
    """
    faults: list[tuple[int, str]] = []
    first: dict[object, int] = {}
    good: list[tuple[int, Key, Value]] = []
    for line, cells in _rows(path):
        try:
            key, value = row(cells)
        except ValueError as error:
            faults.append((line, str(error)))
            continue
        at = first.setdefault((key, value) if is_set else key, line)
        if at != line:
            faults.append((line, f"{cells[0].strip()} is there already, on line {at}"))
        good.append((line, (key, value) if is_set else key, value))  # type: ignore[arg-type]
    _refuse(path, faults)
    return iter(good)


def _lines(path: Path, check: Callable[[str], object]) -> tuple[str, ...]:
    """The lines of a file that hold something, each of them checked."""
    faults: list[tuple[int, str]] = []
    entries: list[str] = []
    for line, text in enumerate(_text(path).splitlines(), 1):
        entry = text.strip()
        if not entry or entry.startswith("#"):
            continue
        try:
            check(entry)
        except ValueError as error:
            faults.append((line, str(error)))
        entries.append(entry)
    _refuse(path, faults)
    return tuple(entries)


def _rows(path: Path) -> Iterator[tuple[int, list[str]]]:
    """The rows of a CSV file, by line; a header that begins with a word is left out."""
    reader = csv.reader(_text(path).splitlines(), strict=True)
    try:
        for cells in reader:
            start = cells[0].strip() if cells else ""
            if not start or start.startswith("#"):
                continue
            if reader.line_num == 1 and start in ("prefix", "number"):
                continue
            yield reader.line_num, cells
    except csv.Error as error:
        raise ListError(path, ((reader.line_num, str(error)),)) from None


def _text(path: Path) -> str:
    try:
        if path.stat().st_size > _MOST_OCTETS:
            raise ListError(path, ((None, "is larger than 1 GiB"),))
        return path.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = error.object.count(b"\n", 0, error.start) + 1
        raise ListError(path, ((line, "is not UTF-8"),)) from None
    except (OSError, ValueError) as error:
        why = getattr(error, "strerror", None) or str(error)
        raise ListError(path, ((None, f"can not be read: {why}"),)) from None


def _refuse(path: Path, faults: Iterable[tuple[int, str]]) -> None:
    found: list[tuple[int | None, str]] = list(faults)
    if not found:
        return
    more = len(found) - MOST_TOLD
    if more > 0:
        found[MOST_TOLD:] = [(None, f"and {more} problems more")]
    raise ListError(path, tuple(found))


READERS: Final[Mapping[type, Callable[[Path], object]]] = {
    PriceList: PriceList.read,
    PrefixRoutes: PrefixRoutes.read,
    NumberList: NumberList.read,
    PatternList: PatternList.read,
    WordList: WordList.read,
    PortedNumbers: PortedNumbers.read,
}
"""How a field of such a type is read, by ``luckgw.config.structure``."""

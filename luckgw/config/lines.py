"""On which line each key of a TOML text stands; ``tomllib`` does not tell.

The text must be one that ``tomllib`` has accepted: nothing is checked here, and values
are read only as far as it takes to find their end.
"""

import re
import tomllib
from collections.abc import Iterator
from typing import TypeAlias

#: From the document down to a value: keys, and positions (from 0) in arrays.
KeyPath: TypeAlias = tuple[str | int, ...]

_BLANK = re.compile(r"(?:\s|#[^\n]*)*")
_KEY = re.compile(r"""[A-Za-z0-9_-]+|"(?:\\.|[^"\\])*"|'[^']*'""")
_DOT = re.compile(r"[ \t]*\.[ \t]*")
_EQUALS = re.compile(r"[ \t]*=[ \t]*")
# The multi-line forms first: they begin like an empty string. Up to two quotes may
# stand right before the three that close one.
_STRING = re.compile(
    r'"""(?:\\.|[^\\])*?"{3,5}'
    r"|'''.*?'{3,5}"
    r'|"(?:\\.|[^"\\])*"'
    r"|'[^']*'",
    re.DOTALL,
)
_BARE = re.compile(
    r"[^,\]}#\n]+"
)  # a number, a boolean, a date: no quotes, no brackets


def line_numbers(text: str) -> dict[KeyPath, int]:
    """The line, from 1, of every table, key and array item, by its path.

    ``[[routes]]`` for the second time is ``("routes", 1)``. A table that is only
    implied (the ``a`` of ``[a.b]``) has the line that first implies it.
    """
    return _Scanner(text).scan()


class _Scanner:
    """One walk over the text, from its first character to its last."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0
        self._line = 1  # of ...
        self._line_at = 0  # ... this position, which only moves forward
        self._lines: dict[KeyPath, int] = {}
        self._array_tables: dict[KeyPath, int] = {}  # how many items so far

    def scan(self) -> dict[KeyPath, int]:
        table: KeyPath = ()
        self._skip(_BLANK)
        while self._at < len(self._text):
            if self._text[self._at] == "[":
                table = self._header()
            else:
                self._pair(table)
            self._skip(_BLANK)
        return self._lines

    def _header(self) -> KeyPath:
        """``[a.b]`` or ``[[a.b]]``: the table that the following pairs belong to."""
        of_array = self._text.startswith("[[", self._at)
        self._at += 2 if of_array else 1
        self._skip(_BLANK)
        line = self._current_line()
        *parents, name = self._dotted_key()
        path: KeyPath = ()
        for parent in parents:
            path = (*path, parent)
            self._lines.setdefault(path, line)
            if path in self._array_tables:  # its latest item is meant
                path = (*path, self._array_tables[path] - 1)
        path = (*path, name)
        if of_array:
            self._lines.setdefault(path, line)
            item = self._array_tables.get(path, 0)
            self._array_tables[path] = item + 1
            path = (*path, item)
        self._lines[path] = line  # the header itself, even if it was implied before
        self._skip(_BLANK)
        self._at += 2 if of_array else 1
        return path

    def _pair(self, table: KeyPath) -> None:
        """``a.b = value``."""
        line = self._current_line()
        path = table
        for name in self._dotted_key():
            path = (*path, name)
            self._lines.setdefault(path, line)
        self._skip(_EQUALS)
        self._value(path)

    def _value(self, path: KeyPath) -> None:
        if self._text[self._at] == "[":
            self._array(path)
        elif self._text[self._at] == "{":
            self._inline_table(path)
        elif self._text[self._at] in "\"'":
            self._skip(_STRING)
        else:
            self._skip(_BARE)

    def _array(self, path: KeyPath) -> None:
        for item in self._items("]"):
            self._lines[(*path, item)] = self._current_line()
            self._value((*path, item))

    def _inline_table(self, path: KeyPath) -> None:
        for _ in self._items("}"):
            self._pair(path)

    def _items(self, close: str) -> Iterator[int]:
        """Stop at each item between two brackets, for the caller to step over it."""
        self._at += 1
        self._skip(_BLANK)
        item = 0
        while self._text[self._at] != close:
            yield item
            item += 1
            self._skip(_BLANK)
            if self._text[self._at] == ",":
                self._at += 1
                self._skip(_BLANK)
        self._at += 1

    def _dotted_key(self) -> list[str]:
        names = [self._key()]
        while _DOT.match(self._text, self._at):
            self._skip(_DOT)
            names.append(self._key())
        return names

    def _key(self) -> str:
        written = self._skip(_KEY)
        if written[0] not in "\"'":
            return written
        (name,) = tomllib.loads(f"{written} = 0")  # its escapes are tomllib's business
        return name

    def _skip(self, pattern: re.Pattern[str]) -> str:
        """Step over what the pattern finds here, and give it."""
        found = pattern.match(self._text, self._at)
        if found is None:
            raise ValueError("this is not a text that tomllib has accepted")
        self._at = found.end()
        return found[0]

    def _current_line(self) -> int:
        self._line += self._text.count("\n", self._line_at, self._at)
        self._line_at = self._at
        return self._line

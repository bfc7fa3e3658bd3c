"""What is wrong with a configuration, and where: file, line, key."""

import re
from collections.abc import Iterable

import attrs

from luckgw.config.lines import KeyPath

_BARE_KEY = re.compile(r"[A-Za-z0-9_-]+")


@attrs.frozen
class Place:
    """Where something stands."""

    file: str
    """The file's name, as it was asked for."""
    line: int | None = None
    """From 1; None means the file as a whole."""

    def __str__(self) -> str:
        return self.file if self.line is None else f"{self.file}:{self.line}"


@attrs.frozen
class Problem:
    """One thing that is wrong, or that an operator should know."""

    file: str
    """The file's name, as it was asked for."""
    line: int | None
    """From 1; None when no line says it, as for a file that is not there."""
    key: str
    """The path of keys, like ``upstreams.mtn.binds``; empty for a whole file."""
    message: str
    """What is wrong and what would be right. Never a secret."""

    def __str__(self) -> str:
        place = Place(self.file, self.line)
        return ": ".join(str(part) for part in (place, self.key, self.message) if part)


class ConfigError(Exception):
    """The configuration can not be used. Holds every problem, not only the first."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = tuple(problems)
        """In the order of the files, and of the lines in each."""
        super().__init__("\n".join(map(str, self.problems)))


def key_text(path: KeyPath) -> str:
    """A path of keys as TOML writes it: ``routes[1].match."a b"``."""
    text = ""
    for part in path:
        if isinstance(part, int):
            text += f"[{part}]"
        else:
            bare = _BARE_KEY.fullmatch(part)
            quoted = part.replace("\\", "\\\\").replace('"', '\\"')
            text += f".{part}" if bare else f'."{quoted}"'
    return text.removeprefix(".")

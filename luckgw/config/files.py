"""A configuration file and those it includes, read and laid together.

``include = ["more.toml"]`` is relative to the including file. What an included file
says comes before what the including file says, in the order of the list. A table may be
spread over files, a key may not: set twice, it is an error that names both places.
"""

import re
import tomllib
from pathlib import Path
from typing import Any

import attrs

from luckgw.config.lines import KeyPath, line_numbers
from luckgw.config.problems import Place, Problem, key_text

_AT_LINE = re.compile(r" \(at line ([0-9]+), column [0-9]+\)$")
_AT_END = " (at end of document)"


@attrs.define
class Files:
    """What all files say together."""

    data: dict[str, Any] = attrs.field(factory=dict)
    """As ``tomllib`` gives it; lists of tables joined, tables merged by key."""
    places: dict[KeyPath, Place] = attrs.field(factory=dict)
    """Where every table, key and item of ``data`` stands; ``()`` is the main file."""
    problems: list[Problem] = attrs.field(factory=list)
    names: list[Path] = attrs.field(factory=list)
    """Every file that was read, in the order of reading."""
    is_complete: bool = True
    """Whether every file could be read."""

    def place_of(self, path: KeyPath) -> Place:
        """Where this stands, or else where the nearest thing around it stands."""
        while path not in self.places:
            path = path[:-1]
        return self.places[path]

    def complain(self, path: KeyPath, message: str) -> None:
        """Note a problem with what stands at this path."""
        _complain(self, self.place_of(path), message, path)

    def complain_of_list(
        self, name: Path, line: int | None, path: KeyPath, message: str
    ) -> None:
        """Note a problem with a list in a file of its own, that this path names."""
        if line is None:
            self.complain(path, f"{name} {message}")
        else:
            _complain(self, Place(str(name), line), message, path)

    def order(self, problem: Problem) -> tuple[int, int]:
        """A sort key: by file, in the order of reading, then by line."""
        names = [str(name) for name in self.names]
        file = names.index(problem.file) if problem.file in names else -1
        return file, problem.line or 0


def read_files(main: Path) -> Files:
    """Read a file and its includes. Raises nothing: see ``problems``."""
    files = Files(places={(): Place(str(main))})
    _read(files, main, Place(str(main)))
    return files


def read_aside(
    files: Files, name: Path, asked_at: Place
) -> tuple[dict[str, Any], dict[KeyPath, Place]] | None:
    """What one more file says, and where, without laying it to the rest.

    None after a complaint. ``asked_at`` is where its name stands.
    """
    raw = _octets(files, name, asked_at)
    if raw is None:
        return None
    if name not in files.names:
        files.names.append(name)
    parsed = _parse(files, name, raw)
    if parsed is None:
        return None
    data, lines = parsed
    return data, {path: Place(str(name), line) for path, line in lines.items()}


def _octets(files: Files, name: Path, asked_at: Place) -> bytes | None:
    try:
        return name.read_bytes()
    except (OSError, ValueError) as error:
        subject = "" if asked_at.file == str(name) else f"{name} "
        message = f"{subject}can not be read: {why_unreadable(error)}"
        _complain(files, asked_at, message)
        return None


def _read(files: Files, name: Path, asked_at: Place) -> None:
    """Add one file; ``asked_at`` is where its name stands."""
    raw = _octets(files, name, asked_at)
    if raw is None:
        files.is_complete = False
        return
    if any(name.samefile(known) for known in files.names):
        _complain(files, asked_at, f"{name} is included already")
        return
    files.names.append(name)
    parsed = _parse(files, name, raw)
    if parsed is None:
        files.is_complete = False
        return
    data, lines = parsed
    places = {path: Place(str(name), line) for path, line in lines.items()}
    _include(files, name, data.pop("include", []), places)
    _merge(files, data, places)


def why_unreadable(error: OSError | ValueError) -> str:
    """What kept a file from being read (a ValueError: a NUL in its name)."""
    return getattr(error, "strerror", None) or str(error)


def _complain(files: Files, place: Place, message: str, path: KeyPath = ()) -> None:
    """Note a problem with something that is not (or not yet) among ``files.places``."""
    files.problems.append(Problem(place.file, place.line, key_text(path), message))


def _parse(
    files: Files, name: Path, raw: bytes
) -> tuple[dict[str, Any], dict[KeyPath, int]] | None:
    """The tables of a file and the lines of its keys; None after a complaint."""
    text = ""
    try:
        text = raw.decode("utf-8-sig").replace("\r\n", "\n")
        return tomllib.loads(text), line_numbers(text)
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        _complain(files, Place(str(name), line), "is not UTF-8")
    except ValueError as error:  # TOMLDecodeError, or a number of 4,301 digits
        at, message = _explain(str(error), text)
        _complain(files, Place(str(name), at), message)
    except RecursionError:
        _complain(files, Place(str(name)), "is nested too deeply")
    return None


def _explain(message: str, text: str) -> tuple[int | None, str]:
    """The line of a syntax error, and what is wrong there.

    A table that is there twice is told with both its lines, because an account or an
    upstream that was pasted twice is the mistake that happens.
    """
    if message.endswith(_AT_END):
        return text.rstrip().count("\n") + 1, message.removesuffix(_AT_END)
    at_line = _AT_LINE.search(message)
    if at_line is None:
        return None, message
    line = int(at_line[1])
    message = message.removesuffix(at_line[0])
    if message.startswith("Cannot declare"):
        *before, header = text.split("\n")[:line]
        *_, path = line_numbers(header)
        first = line_numbers("\n".join(before)).get(path)
        if first is not None:
            return line, f"{key_text(path)} is set already, on line {first}"
    return line, message


def _include(
    files: Files, name: Path, wanted: object, places: dict[KeyPath, Place]
) -> None:
    """Read what a file includes."""
    if not isinstance(wanted, list) or not all(isinstance(i, str) for i in wanted):
        message = "must be a list of file names"
        _complain(files, places[("include",)], message, ("include",))
        return
    for position, other in enumerate(wanted):
        _read(files, name.parent / other, places[("include", position)])


def _merge(files: Files, data: dict[str, Any], places: dict[KeyPath, Place]) -> None:
    """Lay one file's tables over those that were read before."""
    refused: set[KeyPath] = set()
    shifts: dict[KeyPath, int] = {}  # joined lists: how many items were there before
    for section, value in data.items():
        present = files.data.get(section)
        if section not in files.data:
            files.data[section] = value
        elif isinstance(present, dict) and isinstance(value, dict):
            refused.update((section, key) for key in value.keys() & present.keys())
            for key, item in value.items():
                present.setdefault(key, item)
        elif isinstance(present, list) and isinstance(value, list):
            shifts[section,] = len(present)
            present.extend(value)
        else:
            refused.add((section,))
    for path in sorted(refused, key=lambda path: places[path].line or 0):
        message = f"is set already, at {files.places[path]}"
        _complain(files, places[path], message, path)
    for path, place in places.items():
        if path[:1] in refused or path[:2] in refused:
            continue
        shift = shifts.get(path[:1], 0)
        files.places.setdefault(_shifted(path, shift), place)


def _shifted(path: KeyPath, by: int) -> KeyPath:
    """The path of the same item after the list was joined to another."""
    match path:
        case (section, int(item), *rest):
            return (section, item + by, *rest)
    return path

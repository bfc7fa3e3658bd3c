"""From TOML's tables to the records of the model, with every problem on the way.

The type of a field says how its value is read, its validator what the value may be.
Nothing is converted silently: ``"8080"`` is no number and ``1`` no boolean. The one
liberty: where a list of texts is expected, a single text is a list of one.
"""

import difflib
import ipaddress
import os
import re
import types
import typing
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any, TypeVar

import attrs

from luckgw.config.files import Files, why_unreadable
from luckgw.config.lines import KeyPath
from luckgw.config.lists import READERS, ListError
from luckgw.config.rules import Invalid, Network, Tlvs
from luckgw.config.secret import Secret

_CODE = re.compile(r"0[xX][0-9A-Fa-f]{1,8}|[0-9]{1,10}")

Section = TypeVar("Section")
_WITHHELD = "withheld"
CreateMissing = Callable[[Path], None]


class _Wrong(ValueError):
    """What is wrong with a value, and where inside it."""

    def __init__(self, *faults: tuple[KeyPath, str]) -> None:
        super().__init__(faults)
        self.faults = faults


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """The nearest of the known words, as the end of a sentence; or all of them."""
    words = sorted(known)
    near = difflib.get_close_matches(word, words, n=1)
    if near:
        return f'; did you mean "{near[0]}"?'
    return f"; known here: {', '.join(words)}" if words else ""


class Structure:
    """Builds records from what the files say, and notes what is wrong with it."""

    def __init__(
        self,
        files: Files,
        create_missing: CreateMissing | None,
        *,
        without_secrets: bool = False,
    ) -> None:
        """``without_secrets``: what stands in other files or the environment is not
        looked up; something else takes its place.
        """
        self._without_secrets = without_secrets
        self._files = files
        self._create_missing = create_missing
        self._lists: dict[tuple[Any, Path], object] = {}

    def build(
        self, section: type[Section], raw: object, path: KeyPath, **given: object
    ) -> Section | None:
        """A record of the class ``section`` from the table at ``path``.

        ``given`` are fields that do not stand inside the table, like its name. None
        when anything was wrong; what it was is among the files' problems by then.
        """
        if not isinstance(raw, dict):
            self._files.complain(path, "must be a table")
            return None
        before = len(self._files.problems)
        values = dict(given)
        fields = {
            field.name: field
            for field in attrs.fields(section)  # type: ignore[arg-type]
            if field.name not in given
        }
        for key in raw:
            if key not in fields:
                message = f"is not known{did_you_mean(key, fields)}"
                self._files.complain((*path, key), message)
        for key, field in fields.items():
            if key in raw:
                values[key] = self._field(field, raw[key], (*path, key))
            elif field.default is attrs.NOTHING:
                self._files.complain((*path, key), "is missing")
        if len(self._files.problems) > before:
            return None
        try:
            return section(**values)
        except (
            Invalid
        ) as invalid:  # a given field, a default, or several fields at odds
            for inner, message in invalid.faults:
                self._files.complain((*path, *inner), message)
            return None

    def _field(self, field: Any, raw: object, path: KeyPath) -> object:
        """The value of one field; None after a complaint."""
        kind = _without_none(field.type)
        if attrs.has(kind) and kind is not Secret and kind not in READERS:
            if field.metadata.get("or_flag") and isinstance(raw, bool):
                return kind() if raw else None  # all of it as usual, or none of it
            return self.build(kind, raw, path)
        item = _table_of(field.type)
        if item is not None:
            return self._tables(item, raw, path)
        try:
            value = self._value(field, raw, path)
            if field.validator is not None:
                field.validator(None, field, value)
        except _Wrong as wrong:
            for inner, message in wrong.faults:
                self._files.complain((*path, *inner), message)
        except Invalid as invalid:
            for inner, message in invalid.faults:
                self._files.complain((*path[:-1], *inner), message)
        else:
            return value
        return None

    def _tables(self, item: type, raw: object, path: KeyPath) -> object:
        """A list of tables, each of them a record."""
        if not isinstance(raw, list):
            self._files.complain(path, f"must be a list of tables, not {_kind(raw)}")
            return None
        return tuple(self.build(item, one, (*path, n)) for n, one in enumerate(raw))

    def _value(self, field: Any, raw: object, path: KeyPath) -> object:
        kind = _without_none(field.type)
        if kind is Secret:
            forms = field.metadata.get("secret_forms", ("file", "env"))
            return self._secret(raw, path, forms)
        if field.metadata.get("secret_text") and isinstance(raw, dict):
            if self._without_secrets:
                return field.default
            return self._secret(raw, path, ("file", "env")).reveal()
        if kind in READERS:
            return self._list(kind, _path(raw), path)
        if field.metadata.get("beside"):  # relative to the file that names it
            return Path(self._files.place_of(path).file).parent / _path(raw)
        return _READERS[kind](raw)

    def _list(self, kind: Any, name: Path, path: KeyPath) -> object:
        """The list in a file that is named relative to the file that names it."""
        name = Path(self._files.place_of(path).file).parent / name
        try:
            if (kind, name) not in self._lists:
                self._lists[kind, name] = READERS[kind](name)
        except ListError as error:
            for line, message in error.faults:
                self._files.complain_of_list(name, line, path, message)
            raise _Wrong from None
        return self._lists[kind, name]

    def _secret(self, raw: object, path: KeyPath, forms: tuple[str, ...]) -> Secret:
        """The secret of a text or of a table like ``{ file = "..." }``."""
        if isinstance(raw, str):
            return Secret(raw)
        expected = f"must be a text, or a table with one of: {', '.join(forms)}"
        if not isinstance(raw, dict) or len(raw) != 1:
            raise _Wrong(((), expected))
        ((form, value),) = raw.items()
        if form not in forms or not isinstance(value, str):
            raise _Wrong(((), expected))
        if self._without_secrets and form in ("file", "env"):
            return Secret(_WITHHELD, form)
        if form == "file":
            name = Path(self._files.place_of(path).file).parent / value
            return Secret(self._secret_file(name), form)
        if form == "env":
            if value not in os.environ:
                raise _Wrong(((), f"environment variable {value} is not set"))
            return Secret(os.environ[value], form)
        return Secret(value, form)

    def _secret_file(self, name: Path) -> str:
        """What the file holds, without a newline at its end."""
        try:
            if self._create_missing is not None and not name.exists():
                self._create_missing(name)
            return name.read_text("utf-8").removesuffix("\n")
        except UnicodeDecodeError:
            raise _Wrong(((), f"{name} is not UTF-8")) from None
        except (OSError, ValueError) as error:
            message = f"{name} can not be read: {why_unreadable(error)}"
            raise _Wrong(((), message)) from None


def _without_none(kind: Any) -> Any:
    """``X`` of ``X | None``: TOML has no null, a key is there or it is not."""
    if isinstance(kind, types.UnionType):
        (kind,) = (part for part in typing.get_args(kind) if part is not type(None))
    return kind


def _table_of(kind: Any) -> type | None:
    """The record's class, of a list of tables."""
    match typing.get_args(kind):
        case (item, types.EllipsisType()) if attrs.has(item):
            return typing.cast(type, item)
    return None


def _text(raw: object) -> str:
    if isinstance(raw, str):
        return raw
    raise _Wrong(((), f"must be a text, not {_kind(raw)}"))


def _path(raw: object) -> Path:
    if text := _text(raw):
        return Path(text)
    raise _Wrong(((), "must not be empty"))


def _flag(raw: object) -> bool:
    if isinstance(raw, bool):
        return raw
    raise _Wrong(((), f"must be true or false, not {_kind(raw)}"))


def _whole(raw: object) -> int:
    if isinstance(raw, int) and not isinstance(raw, bool):
        return raw
    raise _Wrong(((), f"must be a whole number, not {_kind(raw)}"))


def _number(raw: object) -> float:
    if not isinstance(raw, int | float) or isinstance(raw, bool):
        raise _Wrong(((), f"must be a number, not {_kind(raw)}"))
    try:
        return float(raw)
    except OverflowError:
        raise _Wrong(((), "is too large")) from None


def _texts(raw: object) -> tuple[str, ...]:
    if isinstance(raw, str):
        return (raw,)
    if not isinstance(raw, list):
        raise _Wrong(((), f"must be a list of texts, not {_kind(raw)}"))
    wrong = [
        ((position,), f"must be a text, not {_kind(item)}")
        for position, item in enumerate(raw)
        if not isinstance(item, str)
    ]
    if wrong:
        raise _Wrong(*wrong)
    return tuple(raw)


def _wholes(raw: object) -> tuple[int, ...]:
    if not isinstance(raw, list):
        raise _Wrong(((), f"must be a list of whole numbers, not {_kind(raw)}"))
    wrong = [
        ((position,), f"must be a whole number, not {_kind(item)}")
        for position, item in enumerate(raw)
        if not isinstance(item, int) or isinstance(item, bool)
    ]
    if wrong:
        raise _Wrong(*wrong)
    return tuple(raw)


def _texts_by_name(raw: object) -> dict[str, str]:
    if not isinstance(raw, dict):
        raise _Wrong(((), f"must be a table of texts, not {_kind(raw)}"))
    wrong = [
        ((name,), f"must be a text, not {_kind(value)}")
        for name, value in raw.items()
        if not isinstance(value, str)
    ]
    if wrong:
        raise _Wrong(*wrong)
    return dict(raw)


def _networks(raw: object) -> tuple[Network, ...]:
    networks: list[Network] = []
    wrong: list[tuple[KeyPath, str]] = []
    for position, text in enumerate(_texts(raw)):
        try:
            networks.append(ipaddress.ip_network(text))
        except ValueError as error:
            wrong.append(((position,), f"is not an address or network: {error}"))
    if wrong:
        raise _Wrong(*wrong)
    return tuple(networks)


_TAG = re.compile(r"0x[0-9A-Fa-f]{1,4}")
_LONGEST_TLV = 254  # octets; far more than any vendor's, and each message carries it


def _tlvs(raw: object) -> Tlvs:
    if not isinstance(raw, dict):
        raise _Wrong(((), f"must be a table, not {_kind(raw)}"))
    found: dict[int, bytes] = {}
    wrong: list[tuple[KeyPath, str]] = []
    for key, value in raw.items():
        if _TAG.fullmatch(key) is None:
            wrong.append(((key,), "is no tag: write it like 0x1401"))
        elif int(key, 16) in found:
            wrong.append(((key,), "is there twice"))
        else:
            try:
                found[int(key, 16)] = _tlv_value(value)
            except ValueError as error:
                wrong.append(((key,), str(error)))
    if wrong:
        raise _Wrong(*wrong)
    return Tlvs(found.items())


def _tlv_value(raw: object) -> bytes:
    """Octets of ``{ hex = "0a" }``, ``{ text = "a" }``, ``{ int = 1, size = 1 }``.

    Raises ValueError for anything else.
    """
    match raw:
        case {"hex": str(digits), **rest} if not rest:
            try:
                octets = bytes.fromhex(digits)
            except ValueError:
                raise ValueError(f"{digits!r} are no hexadecimal octets") from None
        case {"text": str(text), **rest} if not rest:
            try:
                octets = text.encode("latin-1")
            except UnicodeEncodeError:
                raise ValueError("text must be Latin-1; use hex for others") from None
        case {"int": int(number), "size": int(size), **rest} if not rest:
            try:
                octets = number.to_bytes(max(size, 0), "big")
            except OverflowError:
                raise ValueError(f"{number} does not fit {size} octets") from None
        case _:
            raise ValueError(
                'must be { hex = "0a0b" }, { text = "abc" } or { int = 5, size = 1 }'
            )
    if len(octets) > _LONGEST_TLV:
        raise ValueError(f"is longer than {_LONGEST_TLV} octets")
    return octets


def code_of(text: str) -> int | None:
    """The number of ``0x45A`` or ``1114``; None for anything else."""
    if not _CODE.fullmatch(text):
        return None
    return int(text, 16 if text[:2] in ("0x", "0X") else 10)


def _codes(raw: object) -> Mapping[int, str]:
    """``"0x45A" = "word"``, ``1114 = "word"``: words by number."""
    if not isinstance(raw, dict):
        raise _Wrong(((), f"must be a table, not {_kind(raw)}"))
    codes: dict[int, str] = {}
    wrong: list[tuple[KeyPath, str]] = []
    for text, word in raw.items():
        code = code_of(text)
        if code is None:
            message = 'is no code: write "0x45A" or 1114'
        elif not isinstance(word, str):
            message = f"must be a text, not {_kind(word)}"
        elif code in codes:
            message = f"is there twice: {code:#x} is {code}"
        else:
            codes[code] = word
            continue
        wrong.append(((text,), message))
    if wrong:
        raise _Wrong(*wrong)
    return codes


def _kind(raw: object) -> str:
    """What a value is, in TOML's words."""
    names = {
        bool: "a boolean",
        int: "a whole number",
        float: "a number",
        str: "a text",
        list: "a list",
        dict: "a table",
    }
    return names.get(type(raw), "a date or time")


_READERS: dict[Any, Callable[[object], object]] = {
    str: _text,
    Path: _path,
    bool: _flag,
    int: _whole,
    float: _number,
    tuple[str, ...]: _texts,
    tuple[int, ...]: _wholes,
    tuple[Network, ...]: _networks,
    Tlvs: _tlvs,
    Mapping[int, str]: _codes,
    Mapping[str, str]: _texts_by_name,
}

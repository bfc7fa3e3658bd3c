"""Every key of a TOML text is found on the line where a person would look for it."""

import tomllib
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from luckgw.config.lines import KeyPath, line_numbers

# Each line that ends in "#: PATH" promises that PATH stands on that line.
TEXT = '''
top = 1  #: top
"quoted key" = 2  #: quoted key
'a.b' = 3  #: a\\.b
"esc\\"aped\\u0041" = 4  #: esc"apedA
dotted.one = 5  #: dotted  #: dotted.one
dotted . "two" = 6  #: dotted.two
date = 1979-05-27 07:32:00Z  #: date
text = "not # a comment, not ] an end, not } one \\" "  #: text
empty = ""  #: empty
literal = 'C:\\'  #: literal
block = """
one = 1
\\""" still, ""two"" quotes
"""
after_block = 1  #: after_block
quotes = """"two before and two after: """""  #: quotes
raw = \'\'\'
[not.a.header]
\\\'\'\'
after_raw = 1  #: after_raw
flat = [1, 2, "]", 4]  #: flat  #: flat.0  #: flat.3
long = [  #: long
  # a comment with ] and "
  "one",  #: long.0
  "two", "three"  #: long.1  #: long.2
  , # the comma may come late
  [4, [5,  #: long.3  #: long.3.0  #: long.3.1  #: long.3.1.0
    6]],  #: long.3.1.1
  { x = 1, y.z = [  #: long.4  #: long.4.x  #: long.4.y  #: long.4.y.z
    7 ] },  #: long.4.y.z.0
]
nothing = []  #: nothing
after_array = 1  #: after_array
inline = { a = "}", b = { c = 1 } }  #: inline  #: inline.a  #: inline.b  #: inline.b.c
none = {}  #: none

[table]  #: table
key = 1  #: table.key

  [ implied . deep ]  #: implied.deep
  key = 1  #: implied.deep.key
[implied]  #: implied
late = 1  #: implied.late

[[list]]  #: list  #: list.0
name = "first"  #: list.0.name
[list.sub]  #: list.0.sub
key = 1  #: list.0.sub.key
[[list.inner]]  #: list.0.inner  #: list.0.inner.0
[[ list ]]  #: list.1
[[list.inner]]  #: list.1.inner  #: list.1.inner.0
key = 1  #: list.1.inner.0.key
[[list.inner]]  #: list.1.inner.1
[list.inner.deep]  #: list.1.inner.1.deep
last = true  #: list.1.inner.1.deep.last'''


def promised() -> list[tuple[str, int]]:
    """(path as text, line) of every promise in TEXT."""
    promises = []
    for number, line in enumerate(TEXT.split("\n"), start=1):
        for promise in line.split("  #: ")[1:]:
            promises.append((promise, number))  # noqa: PERF401 - clearer so
    return promises


def as_path(promise: str) -> KeyPath:
    r"""The path that a promise names: ``a\.b`` is one key, a number a position."""
    parts = promise.replace("\\.", "\0").split(".")
    return tuple(
        int(part) if part.isdigit() else part.replace("\0", ".") for part in parts
    )


@pytest.mark.parametrize(("promise", "line"), promised())
def test_key_is_found_on_its_line(promise: str, line: int) -> None:
    """Tables, arrays of tables, dotted and quoted keys, inline tables, long values.

    A header counts more than what implied its table before.
    """
    lines = line_numbers(TEXT)
    assert lines[as_path(promise)] == line


def paths_of(value: Any, at: KeyPath = ()) -> set[KeyPath]:
    """Every path that tomllib's result has."""
    items: Any = ()
    if isinstance(value, dict):
        items = value.items()
    elif isinstance(value, list):
        items = enumerate(value)
    found = {at} if at else set()
    for key, item in items:
        found |= paths_of(item, (*at, key))
    return found


def test_finds_what_tomllib_finds() -> None:
    """No key is missed and none is made up."""
    assert set(line_numbers(TEXT)) == paths_of(tomllib.loads(TEXT))


# The pieces of a text, drawn: keys, and values as they may be written.
KEYS = st.text(min_size=0, max_size=6)
SCALARS = st.one_of(
    st.integers(-99, 99).map(str),
    st.sampled_from(
        [
            "true",
            "1.5e3",
            "07:32:00",
            "2001-01-01",
            '"""a\n#]"b"""',
            "'''x\n[y]'''",
            "'#'",
            '"\\\\"',
        ]
    ),
)


def quoted(key: str) -> str:
    """A key as a basic string, everything unusual escaped."""
    return (
        '"'
        + "".join(c if c.isascii() and c.isalnum() else f"\\U{ord(c):08X}" for c in key)
        + '"'
    )


VALUES = st.recursive(
    SCALARS,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3).map(lambda items: "[\n" + ",\n".join(items) + "]"),
        st.dictionaries(KEYS.map(quoted), inner, max_size=3).map(
            lambda table: "{" + ", ".join(f"{k} = {v}" for k, v in table.items()) + "}"
        ),
    ),
    max_leaves=8,
)


@given(st.dictionaries(KEYS.map(quoted), VALUES, max_size=5))
def test_agrees_with_tomllib_on_any_text(table: dict[str, str]) -> None:
    """The same paths as tomllib, and each top key on the line on which it starts."""
    text = "".join(f"{key} = {value}\n" for key, value in table.items())
    lines = line_numbers(text)
    data = tomllib.loads(text)
    assert set(lines) == paths_of(data)
    expected, line = [], 1
    for value in table.values():
        expected.append(line)
        line += value.count("\n") + 1
    assert [lines[key,] for key in data] == expected


def test_refuses_what_tomllib_would_refuse() -> None:
    """A text that is not TOML ends in an error, not in an endless search."""
    with pytest.raises(ValueError):
        line_numbers("= 1")

"""Lists of texts to compare with, some of them regular expressions.

The form in the files: ``"LuckCreators"`` is that text and no other, letter case counts;
``"re:^2332[0-9]{8}$"`` is a regular expression that has to match the whole text.
"""

import re
from collections.abc import Iterable

PREFIX = "re:"


def compile_patterns(
    entries: Iterable[str],
) -> tuple[frozenset[str], tuple[re.Pattern[str], ...]]:
    """The exact texts, and the expressions (for ``fullmatch``).

    Raises ValueError for an empty entry or an expression that is not one.
    """
    exact: set[str] = set()
    expressions: list[re.Pattern[str]] = []
    for entry in entries:
        if not entry.removeprefix(PREFIX):
            raise ValueError("must not be empty")
        if entry.startswith(PREFIX):
            expressions.append(_compile(entry.removeprefix(PREFIX)))
        else:
            exact.add(entry)
    return frozenset(exact), tuple(expressions)


def _compile(expression: str) -> re.Pattern[str]:
    try:
        return re.compile(expression)
    except re.error as error:
        raise ValueError(f"is not a regular expression: {error}") from None

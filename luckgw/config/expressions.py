"""Regular expressions on what strangers write: how long matching one can take.

Python's engine backtracks: ``(a+)+b`` on thirty times ``a`` takes minutes. So an
expression that sees the text of messages is refused at the door when the number of ways
in which it could be tried is beyond a bound. The count is generous to the expression's
author nowhere: it assumes that every repeat can take any length and that all of them
meet.
"""

import re
from typing import Any, Final

from luckgw.config.patterns import PREFIX

# Python has no public parser of expressions; this one has had its form for decades.
_parser: Any = re._parser  # type: ignore[attr-defined]  # noqa: SLF001

LOOKED_AT: Final = 1_600
"""Characters of a text that expressions see; ten segments hold fewer."""
MOST_STEPS: Final = 4 * LOOKED_AT * (LOOKED_AT + 1)
"""One repeat without an end, in four ways: some 100 ms of the engine at the very worst.
"""

_MANY: Final = 10**12
_GROUPS = frozenset({"SUBPATTERN", "ASSERT", "ASSERT_NOT", "ATOMIC_GROUP"})
_REPEATS = frozenset({"MAX_REPEAT", "MIN_REPEAT", "POSSESSIVE_REPEAT"})


def ways(expression: str, length: int = LOOKED_AT) -> int:
    """In how many ways a text of ``length`` characters can be tried at one place.

    At most 10**12, for more needs no telling apart. Raises ValueError for what is no
    regular expression.
    """
    try:
        parsed = _parser.parse(expression)
    except (re.error, OverflowError, RecursionError) as error:
        raise ValueError(f"is not a regular expression: {error}") from None
    return _of_sequence(parsed, length)


def check_bounded(expression: str) -> None:
    """Raises ValueError for what is no expression, and for what could take too long."""
    if ways(expression) * LOOKED_AT > MOST_STEPS:
        raise ValueError(
            f"{expression!r} could take too long on some texts: at most one repeat"
            " without an end (* or +), none inside another; write {1,20} instead"
        )


def check_content(entry: str) -> None:
    """The same for a keyword or ``re:`` and an expression."""
    if not entry.removeprefix(PREFIX).strip():
        raise ValueError("must not be empty")
    if entry.startswith(PREFIX):
        check_bounded(entry.removeprefix(PREFIX))


def _of_sequence(items: Any, length: int) -> int:
    total = 1
    for operation, argument in items:
        total = min(total * _of(str(operation), argument, length), _MANY)
    return total


def _of(operation: str, argument: Any, length: int) -> int:
    if operation in _REPEATS:
        least, most, item = argument
        return _of_repeat(int(least), int(most), item, length)
    if operation == "BRANCH":
        return sum(_of_sequence(each, length) for each in argument[1])
    if operation == "GROUPREF_EXISTS":
        _, yes, no = argument
        return _of_sequence(yes, length) + _of_sequence(no or (), length)
    if operation in _GROUPS:
        item = argument if operation == "ATOMIC_GROUP" else argument[-1]
        return _of_sequence(item, length)
    return 1  # a character, a class, a place, a reference


def _of_repeat(least: int, most: int, item: Any, length: int) -> int:
    times = min(most, length)
    inner = _of_sequence(item, length)
    if inner > 1:  # each round may go another way
        return int(min(inner ** min(times, 64), _MANY))
    return times - min(least, times) + 1

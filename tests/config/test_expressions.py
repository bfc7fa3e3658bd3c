"""Expressions that could take too long do not come in."""

import re
import time

import pytest

from luckgw.config.expressions import LOOKED_AT, check_bounded, check_content, ways


@pytest.mark.parametrize(
    ("expression", "count"),
    [
        ("abc", 1),
        ("a?", 2),
        ("a{2,5}", 4),
        ("a{3}", 1),
        ("[0-9]{1,15}-[0-9]{1,15}", 225),
        ("a|bc|d", 3),
        ("(?:ab|cd){2}", 4),
        ("(a)(?i:b)(?=c)(?!d)(?<=e)(?>f)", 1),
        (r"(a)?(?(1)b|cd?)", 6),
        (r"(a)\1", 1),
        ("a*", 101),
        ("a*+b", 101),
    ],
)
def test_ways_are_counted(expression: str, count: int) -> None:
    """On a hundred characters, at one place."""
    assert ways(expression, 100) == count


@pytest.mark.parametrize(
    "expression", ["(a+)+b", "(a|a)*b", "(a|ab)*c", "a*b*c", ".*a.*b", "(a?){40}b"]
)
def test_a_cruel_expression_is_refused(expression: str) -> None:
    """It would stand still on a text made for it."""
    with pytest.raises(ValueError, match="could take too long"):
        check_bounded(expression)


@pytest.mark.parametrize(
    "expression",
    [r"https?://\S+", "(?i)win [0-9]{1,9}", r"\bfree\b", "a.*b", "(?:ab|cd){1,5}x"],
)
def test_what_operators_write_passes(expression: str) -> None:
    """And ends in time on the worst that a message can be."""
    check_bounded(expression)
    start = time.process_time()
    for letter in ("a", "h", "ab", "http"):
        re.search(expression, (letter * LOOKED_AT)[:LOOKED_AT])
    assert time.process_time() - start < 1.0


@pytest.mark.parametrize("expression", ["(", "a{2,1}", "(?P<n>a)(?P<n>b)", "*"])
def test_what_is_none_is_refused(expression: str) -> None:
    """As such."""
    with pytest.raises(ValueError, match="is not a regular expression"):
        check_bounded(expression)


def test_words_pass_as_they_are() -> None:
    """Only what begins with re: is an expression."""
    check_content("(a+)+b")
    with pytest.raises(ValueError, match="too long"):
        check_content("re:(a+)+b")
    for empty in ("", "  ", "re:"):
        with pytest.raises(ValueError, match="must not be empty"):
            check_content(empty)

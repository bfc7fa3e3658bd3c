"""What a route makes of texts and senders."""

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from luckgw.config.expressions import LOOKED_AT
from luckgw.config.routes import ContentRewrite, RouteRewrite
from luckgw.routing.rewrite import content_edit, sender_for


@pytest.mark.parametrize(
    ("rules", "append", "text", "expected"),
    [
        ([("a+", "b")], "", "xaayaz", "xbybz"),
        ([("(\\d{1,9}) GHS", "GHS \\1")], "", "5 GHS, 7 GHS", "GHS 5, GHS 7"),
        ([("a", "b"), ("b", "c")], "", "ab", "cc"),
        ([], " STOP", "Hello", "Hello STOP"),
        ([("lo", "p")], "!", "Hello", "Help!"),
    ],
)
def test_rules_then_the_end(
    rules: list[tuple[str, str]], append: str, text: str, expected: str
) -> None:
    """Each rule after the other, everywhere."""
    content = tuple(ContentRewrite(re, to) for re, to in rules)
    edit = content_edit(RouteRewrite(content=content, append=append))
    assert edit is not None
    assert edit(text) == expected


def test_nothing_is_ever_cut_off() -> None:
    """Beyond what expressions see, a text stays as it is."""
    edit = content_edit(RouteRewrite(content=(ContentRewrite("a", "bb"),)))
    assert edit is not None
    assert edit("a" * (LOOKED_AT + 5)) == "bb" * LOOKED_AT + "a" * 5


def test_none_for_nothing_to_do() -> None:
    """So that other routes' texts are not touched."""
    assert content_edit(RouteRewrite(source_pool=("Acme",))) is None


@given(st.text("0123456789", min_size=7, max_size=15))
def test_a_recipient_always_sees_the_same_sender(number: str) -> None:
    """Of those in the pool."""
    pool = ("A", "B", "C")
    assert sender_for(pool, number) in pool
    assert sender_for(pool, number) == sender_for(pool, number)


def test_the_pool_is_used_evenly() -> None:
    """Within a few percent."""
    pool = ("A", "B", "C")
    used = Counter(sender_for(pool, f"23324{n:07}") for n in range(9000))
    assert all(used[name] == pytest.approx(3000, abs=150) for name in pool)

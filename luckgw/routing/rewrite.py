"""What a route makes of the text of its messages, and of their sender."""

import re
from collections.abc import Sequence

from luckgw.config.expressions import LOOKED_AT
from luckgw.config.routes import RouteRewrite
from luckgw.routing.points import point


class ContentEdit:
    """Changes a text as a route declares it."""

    def __init__(self, rewrite: RouteRewrite) -> None:
        self._rules = [(re.compile(rule.re), rule.to) for rule in rewrite.content]
        self._append = rewrite.append

    def __call__(self, text: str) -> str:
        """The text as it goes out. Expressions see its first 1,600 characters."""
        for expression, to in self._rules:
            text = expression.sub(to, text[:LOOKED_AT]) + text[LOOKED_AT:]
        return text + self._append


def content_edit(rewrite: RouteRewrite) -> ContentEdit | None:
    """What changes the text; None: it stays as it is."""
    return ContentEdit(rewrite) if rewrite.content or rewrite.append else None


def sender_for(pool: Sequence[str], destination: str) -> str:
    """The sender of a pool that a recipient always sees."""
    return pool[point(destination) % len(pool)]

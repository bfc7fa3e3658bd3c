"""Addresses as one upstream wants them, put into a submit_sm when it leaves.

What is kept of a message has the addresses that its customer knows: status, webhooks
and receipts show those. An upstream's rules change the octets on their way out only.
"""

import functools
import re
from collections.abc import Callable, Iterable
from typing import Final, TypeAlias

from luckgw.config import rules
from luckgw.config.outgoing import Rewrite, UpstreamAddresses
from luckgw.domain.address import (
    INTERNATIONAL,
    LONGEST_SOURCE,
    NETWORK_SPECIFIC,
    ton_npi,
)

_REMEMBERED: Final = 10_000
_NUL: Final = b"\0"


class Addresses:
    """Writes the addresses of messages to one upstream."""

    def __init__(self, wanted: UpstreamAddresses) -> None:
        short_code = rules.ton_npi(wanted.short_code)
        self._source = _remembering(
            wanted.source, wanted.rewrite_source, short_code, plus=wanted.plus
        )
        self._destination = _remembering(
            wanted.destination, wanted.rewrite_destination, short_code, plus=wanted.plus
        )

    def written(self, body: bytes) -> bytes:
        """``body``, a submit_sm's, with its two addresses as they are wanted.

        Total: an address whose rewritten form would be empty, or longer than an address
        can be, stays as it is, and the carrier refuses it if it must.
        """
        kind = body.index(_NUL) + 1  # behind service_type
        source = kind + 2
        end = body.index(_NUL, source)
        destination = end + 3
        last = body.index(_NUL, destination)
        return b"".join(
            (
                body[:kind],
                self._source(body[source:end]),
                self._destination(body[destination:last]),
                body[last + 1 :],
            )
        )


def addresses_for(wanted: UpstreamAddresses) -> Addresses | None:
    """What writes addresses for an upstream; None: they go as they are kept."""
    return None if wanted == UpstreamAddresses() else Addresses(wanted)


def _remembering(
    kind: str, rewrite: Iterable[Rewrite], short_code: tuple[int, int], *, plus: bool
) -> Callable[[bytes], bytes]:
    """From the octets of an address to its two octets of kind, its text and a NUL."""
    fixed = None if kind == "auto" else rules.ton_npi(kind)
    compiled = [_compiled(rule) for rule in rewrite]

    @functools.lru_cache(_REMEMBERED)
    def written(octets: bytes) -> bytes:
        before = octets.decode("latin-1")
        text = _rewritten(before, compiled)
        pair = _kind(text, short_code)
        # Only a number that was not rewritten is known to be international.
        if plus and text == before and pair == INTERNATIONAL:
            text = f"+{text}"
        return bytes(fixed or pair) + text.encode("latin-1") + _NUL

    return written


def _kind(text: str, short_code: tuple[int, int]) -> tuple[int, int]:
    if not text:
        return 0, 0
    pair = ton_npi(text)
    return short_code if pair == NETWORK_SPECIFIC else pair


_Rule: TypeAlias = Callable[[str], str | None]
"""An address that it changes, changed; None: it is for others."""


def _compiled(rule: Rewrite) -> _Rule:
    prefix, to = rule.prefix, rule.to
    if prefix is not None:
        return lambda text: (
            to + text[len(prefix) :] if text.startswith(prefix) else None
        )
    expression = re.compile(rule.re or "")

    def by_expression(text: str) -> str | None:
        found = expression.fullmatch(text)
        return None if found is None else found.expand(to)

    return by_expression


def _rewritten(text: str, rules_: Iterable[_Rule]) -> str:
    """``text`` by the first rule that is for it."""
    for rule in rules_:
        changed = rule(text)
        if changed is not None:
            return changed if 0 < len(changed) <= LONGEST_SOURCE else text
    return text

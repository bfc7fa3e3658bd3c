"""Which sender IDs an account may use."""

from collections.abc import Iterable

from luckgw.config.patterns import compile_patterns
from luckgw.domain.address import is_plausible_sender

ANY = "*"
_MOST_REMEMBERED = 1000


class Senders:
    """The approved senders of one account, ready to be asked for every message.

    An entry is a text (letter case counts), ``re:`` and an expression for the whole
    sender, or ``*`` for any. ``*`` and expressions let only plausible senders in: see
    ``domain.address.is_plausible_sender``. A number may come with ``+`` or without.
    """

    __slots__ = ("_any", "_approved", "_exact", "_expressions")

    def __init__(self, entries: Iterable[str]) -> None:
        listed = tuple(entries)
        self._any = ANY in listed
        self._exact, self._expressions = compile_patterns(
            entry for entry in listed if entry != ANY
        )
        self._approved: set[str] = set()

    def approves(self, sender: str) -> bool:
        """Whether the account may send with it. HOT PATH.

        Approved senders are remembered: an account uses the same few all day.
        """
        if sender in self._approved:
            return True
        if not self._judge(sender):
            return False
        if len(self._approved) >= _MOST_REMEMBERED:
            self._approved.clear()
        self._approved.add(sender)
        return True

    def _judge(self, sender: str) -> bool:
        forms = (sender, sender[1:]) if sender[:1] == "+" else (sender,)
        if any(form in self._exact for form in forms):
            return True
        if not is_plausible_sender(sender):
            return False
        return self._any or any(
            expression.fullmatch(form)
            for expression in self._expressions
            for form in forms
        )

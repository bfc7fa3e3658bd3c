"""How often a carrier has refused, by code; a word about codes that nobody knows."""

from collections import Counter
from collections.abc import Mapping
from typing import Final

from twisted.logger import Logger

from luckgw.dispatch.answers import is_standard, name

MOST_CODES: Final = 100
"""A carrier that answers with more codes than this has the rest counted together."""
_OTHERS: Final = -1


class Refusals:
    """One upstream's."""

    log = Logger()

    def __init__(self, upstream: str, own: Mapping[int, str]) -> None:
        """``own`` are the codes that its configuration knows."""
        self._upstream = upstream
        self._own = own
        self._counts: Counter[int] = Counter()

    def note(self, command_status: int) -> None:
        """A submit was refused so."""
        counts = self._counts
        if command_status not in counts:
            if len(counts) >= MOST_CODES:
                command_status = _OTHERS
            elif not is_standard(command_status) and command_status not in self._own:
                self.log.warn(
                    "upstream {upstream} refuses with {code}, which neither SMPP nor"
                    " its [answers] know: taken as permanent",
                    upstream=self._upstream,
                    code=name(command_status),
                )
        counts[command_status] += 1

    def counts(self) -> dict[str, int]:
        """By code, the most frequent first."""
        return {
            "others" if code == _OTHERS else name(code): count
            for code, count in self._counts.most_common()
        }

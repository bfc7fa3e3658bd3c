"""What the words and numbers in a carrier's receipts mean: SMPP's, and its own."""

from collections.abc import Mapping

from luckgw.domain.states import FROM_STAT, WORD_OF_MESSAGE_STATE, State


class Words:
    """One carrier's vocabulary. A number (message_state) means what its word means."""

    __slots__ = ("by_message_state", "by_stat")

    def __init__(self, own: Mapping[str, State] | None = None) -> None:
        """``own``: words in any case that mean something else here, or are new."""
        self.by_stat = dict(FROM_STAT)
        """``stat:`` word in capitals -> state."""
        for word, state in (own or {}).items():
            self.by_stat[word.upper()] = state
        self.by_message_state = {
            bytes([number]): self.by_stat[word]
            for number, word in WORD_OF_MESSAGE_STATE.items()
        }
        """Value of the TLV -> state."""

    def state_of(self, stat: str) -> State:
        """The state that a word means; UNKNOWN for one that nobody knows."""
        by_stat = self.by_stat
        return by_stat.get(stat) or by_stat.get(stat.upper(), State.UNKNOWN)


STANDARD = Words()
"""SMPP v3.4's words, and what carriers commonly write beside them."""

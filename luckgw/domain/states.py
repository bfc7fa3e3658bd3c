"""The states of a message, as the API, webhooks, receipts and logs name them.

The numbers are stored, one octet each, in every event of a message's record and are
read by the store's script: they never change meaning. ``message_state`` and ``stat``
are SMPP v3.4's (5.2.28 and Appendix B).
"""

import enum


class State(enum.IntEnum):
    """Where a message (or one segment of it) is in its life."""

    SCHEDULED = 0
    ACCEPTED = 1
    SENT = 2
    UNKNOWN = 3
    # From here on a state is final: the store's script relies on this order.
    DELIVERED = 4
    UNDELIVERED = 5
    EXPIRED = 6
    REJECTED = 7
    FAILED = 8
    CANCELED = 9
    UNKNOWN_FOR_GOOD = 10
    """The end of a message of which nobody will ever say more: UNKNOWN to customers,
    who need not wait any longer. UNKNOWN itself is what a receipt says for now."""

    @property
    def is_final(self) -> bool:
        """Whether no later receipt changes it (but see ``outranks``)."""
        return self >= State.DELIVERED

    @property
    def word(self) -> str:
        """What the API and webhooks call it."""
        return "UNKNOWN" if self is State.UNKNOWN_FOR_GOOD else self.name


def outranks(new: State, old: State) -> bool:
    """Whether ``new`` may replace ``old``: the first final state wins, but for one.

    A DELIVERED that comes after EXPIRED, UNDELIVERED or a final UNKNOWN replaces it,
    because the phone has the message after all. Anything may replace a state that is
    not final, but nothing goes back.
    """
    if old.is_final:
        return new is State.DELIVERED and old in _MAY_STILL_BE_DELIVERED
    return new > old


_MAY_STILL_BE_DELIVERED = frozenset(
    {State.EXPIRED, State.UNDELIVERED, State.UNKNOWN_FOR_GOOD}
)


#: SMPP v3.4 5.2.28 message_state for each state, for receipts and query_sm.
MESSAGE_STATE = {
    State.SCHEDULED: 1,
    State.ACCEPTED: 1,
    State.SENT: 1,
    State.DELIVERED: 2,
    State.EXPIRED: 3,
    State.CANCELED: 4,
    State.UNDELIVERED: 5,
    State.UNKNOWN: 7,
    State.REJECTED: 8,
    State.FAILED: 5,
    State.UNKNOWN_FOR_GOOD: 7,
}

#: The ``stat:`` word of the receipt text (SMPP v3.4 Appendix B) for each state.
STAT = {
    State.SCHEDULED: "ENROUTE",
    State.ACCEPTED: "ENROUTE",
    State.SENT: "ENROUTE",
    State.DELIVERED: "DELIVRD",
    State.EXPIRED: "EXPIRED",
    State.CANCELED: "DELETED",
    State.UNDELIVERED: "UNDELIV",
    State.UNKNOWN: "UNKNOWN",
    State.REJECTED: "REJECTD",
    State.FAILED: "UNDELIV",
    State.UNKNOWN_FOR_GOOD: "UNKNOWN",
}

#: The ``stat:`` word of each message_state (0 and 9 are v5.0's).
WORD_OF_MESSAGE_STATE = {
    0: "SCHEDLD",
    1: "ENROUTE",
    2: "DELIVRD",
    3: "EXPIRED",
    4: "DELETED",
    5: "UNDELIV",
    6: "ACCEPTD",
    7: "UNKNOWN",
    8: "REJECTD",
    9: "SKIPPED",
}

#: What a carrier's ``stat:`` word says in our words; a word not here is UNKNOWN. First
#: SMPP v3.4's own (Appendix B), then what carriers write in their place or beside them
#: (spec/features 2.4). SENT is: it is on its way, which is no news.
FROM_STAT = {
    "ENROUTE": State.SENT,
    "DELIVRD": State.DELIVERED,
    "EXPIRED": State.EXPIRED,
    "DELETED": State.CANCELED,
    "UNDELIV": State.UNDELIVERED,
    "ACCEPTD": State.SENT,
    "UNKNOWN": State.UNKNOWN,
    "REJECTD": State.REJECTED,
    "FAILED": State.FAILED,
    "SCHEDLD": State.SENT,
    "SKIPPED": State.REJECTED,
    "ACCEPTED": State.SENT,
    "ACKED": State.SENT,
    "BLIST": State.REJECTED,
    "BUFFERD": State.SENT,
    "BUFFRED": State.SENT,
    "BUFFERED": State.SENT,
    "CANCELED": State.CANCELED,
    "CANCELLED": State.CANCELED,
    "DELIVERED": State.DELIVERED,
    "NOROUTE": State.REJECTED,
    "REJECTED": State.REJECTED,
    "SCHEDULED": State.SENT,
    "STAGED": State.SENT,
    "UNDELIVERABLE": State.UNDELIVERED,
    "UNDELIVERED": State.UNDELIVERED,
}

#: What a receipt can say, as the configuration names it.
REPORTED = {
    state.name: state
    for state in State
    if state not in (State.SCHEDULED, State.ACCEPTED, State.UNKNOWN_FOR_GOOD)
}

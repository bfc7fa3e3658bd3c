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

    @property
    def is_final(self) -> bool:
        """Whether no later receipt changes it (but see ``outranks``)."""
        return self >= State.DELIVERED


def outranks(new: State, old: State) -> bool:
    """Whether ``new`` may replace ``old``: the first final state wins, but for one.

    A DELIVERED that comes after EXPIRED or UNDELIVERED replaces it, because the phone
    has the message after all. Anything may replace a state that is not final, but
    nothing goes back.
    """
    if old.is_final:
        return new is State.DELIVERED and old in (State.EXPIRED, State.UNDELIVERED)
    return new > old


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
}

#: What a carrier's message_state says in our words (0 and 9 are v5.0's).
FROM_MESSAGE_STATE = {
    0: State.SENT,
    1: State.SENT,
    2: State.DELIVERED,
    3: State.EXPIRED,
    4: State.CANCELED,
    5: State.UNDELIVERED,
    6: State.SENT,
    7: State.UNKNOWN,
    8: State.REJECTED,
    9: State.REJECTED,
}

#: What a carrier's ``stat:`` word says in our words; a word not here is UNKNOWN.
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
}

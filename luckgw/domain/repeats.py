"""When something that happens again and again is worth another line in the log."""


def is_worth_saying(count: int) -> bool:
    """Whether the ``count``-th time (from 1) is: the 1st, 2nd, 4th, 8th ..."""
    return count & (count - 1) == 0

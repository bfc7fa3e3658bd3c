"""What a route may look at."""

import attrs


@attrs.define
class Facts:
    """The facts of one message that decide where it goes."""

    account: str
    """The name of the account that sent it."""
    source: str
    """The sender ID, as it was sent."""
    destination: str
    """The recipient's number: digits in international format, without ``+``."""

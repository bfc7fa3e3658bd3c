"""What the sandbox does with a message: the last four digits of its recipient decide.

Fault recipes (spec/features 5, row 10): every unpleasant thing that a carrier does can
be had by a number, so that it can be tried before a customer meets it.
"""

from collections.abc import Mapping

import attrs

from luckgw.domain.states import State
from luckgw.domain.status import Status

#: GSM network error codes (3GPP TS 29.002 17.6.6), as carriers write them in ``err:``.
_NO_ERROR = "000"
_UNKNOWN_SUBSCRIBER = "001"
_ABSENT_SUBSCRIBER = "027"


@attrs.frozen
class Report:
    """One delivery receipt."""

    state: State
    err: str = _NO_ERROR
    after_s: float = 0.0
    """Seconds from the submit_sm on, beyond the sandbox's usual delay."""


@attrs.frozen
class Recipe:
    """What becomes of one message."""

    digits: str
    """The last four digits of destination_addr that call for it."""
    what: str
    """For people, in half a sentence."""
    reports: tuple[Report, ...] = (Report(State.DELIVERED),)
    """Its receipts; sent only if registered_delivery asks for them."""
    refused_with: Status = Status.ESME_ROK
    """The command_status of refusals."""
    refusals: int | None = 0
    """How many submit_sm of a message are refused before one is accepted; None: all."""
    response_after_s: float | None = 0.0
    """Seconds before the submit_sm is answered; None: it never is."""


_DELIVERED = Report(State.DELIVERED)

RECIPES: tuple[Recipe, ...] = (
    Recipe("0001", "delivered, as is every number that is not listed here"),
    Recipe(
        "0002",
        "undelivered: the number does not exist",
        (Report(State.UNDELIVERED, _UNKNOWN_SUBSCRIBER),),
    ),
    Recipe(
        "0003",
        "expired: the phone was off for too long",
        (Report(State.EXPIRED, _ABSENT_SUBSCRIBER),),
    ),
    Recipe(
        "0004",
        "delivered, but the receipt comes after 60 seconds",
        (Report(State.DELIVERED, after_s=60.0),),
    ),
    Recipe("0005", "delivered, and the receipt comes twice", (_DELIVERED, _DELIVERED)),
    Recipe(
        "0006",
        "delivered, and the receipt comes a second before the submit_sm_resp",
        response_after_s=1.0,
    ),
    Recipe(
        "0007",
        "throttled (ESME_RTHROTTLED) three times, then delivered",
        refused_with=Status.ESME_RTHROTTLED,
        refusals=3,
    ),
    Recipe(
        "0008",
        "rejected for good at the submit_sm (ESME_RINVDSTADR)",
        reports=(),
        refused_with=Status.ESME_RINVDSTADR,
        refusals=None,
    ),
    Recipe(
        "0009",
        "never answered: no submit_sm_resp, no receipt",
        reports=(),
        response_after_s=None,
    ),
    Recipe("0010", "accepted, and no receipt ever comes", reports=()),
)

DELIVERED = RECIPES[0]
"""What becomes of a message to any other number."""

BY_DIGITS: Mapping[bytes, Recipe] = {
    recipe.digits.encode(): recipe for recipe in RECIPES if recipe is not DELIVERED
}
"""The recipes by the last four octets of destination_addr, except the usual one."""

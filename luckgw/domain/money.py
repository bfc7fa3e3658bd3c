"""Amounts of money: whole numbers of millionths, never floating point.

Prices of messages have more decimals than coins (``0.0123``), so the minor unit of this
house is the millionth of whatever currency the operator counts in.
"""

import re
from typing import Final

DECIMALS: Final = 6
"""Digits after the point that an amount can have."""
UNIT: Final = 10**DECIMALS

_SHOWN: Final = 2
_AMOUNT = re.compile(rf"([0-9]{{1,9}})(?:\.([0-9]{{1,{DECIMALS}}}))?")


def parse_amount(text: str) -> int:
    """The millionths of a decimal like ``0.012``, exactly.

    Raises ValueError for anything else: signs, exponents, separators, more decimals
    than there are, more than nine digits before the point.
    """
    found = _AMOUNT.fullmatch(text)
    if found is None:
        raise ValueError(
            f"must be an amount like 0.012 (at most {DECIMALS} decimals), not {text!r}"
        )
    whole, decimals = found.groups("")
    return int(whole + decimals.ljust(DECIMALS, "0"))


def written(amount: int) -> str:
    """An amount as a decimal: two places at least, none without need beyond that."""
    sign = "-" if amount < 0 else ""
    whole, rest = divmod(abs(amount), UNIT)
    decimals = f"{rest:0{DECIMALS}}".rstrip("0").ljust(_SHOWN, "0")
    return f"{sign}{whole}.{decimals}"

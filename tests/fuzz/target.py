"""A promise that has to hold for every input, and how an input for it is made."""

import random
from collections.abc import Callable
from typing import Any

import attrs


@attrs.frozen
class Target:
    """One promise.

    Making and checking are apart, so that the input that broke a promise can be printed
    and tried again.
    """

    name: str
    share: int
    """How many of 100 cases are its."""
    make: Callable[[random.Random], tuple[Any, ...]]
    """Makes an input."""
    check: Callable[..., None]
    """Raises, an AssertionError or anything else, if the promise is broken for it."""

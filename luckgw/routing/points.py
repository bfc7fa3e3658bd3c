"""Where a number falls: the same on every node and after every start, and even."""

import hashlib
from typing import Final

_MASK: Final = (1 << 64) - 1


def point(text: str) -> int:
    """64 bits that look random, of a text."""
    digest = hashlib.blake2b(text.encode(), digest_size=8).digest()
    return int.from_bytes(digest)


def mixed(point_: int, seed: int) -> int:
    """64 bits that look random, of a point and a seed (as splitmix64 ends)."""
    z = (point_ ^ seed) & _MASK
    z = ((z ^ z >> 30) * 0xBF58476D1CE4E5B9) & _MASK
    z = ((z ^ z >> 27) * 0x94D049BB133111EB) & _MASK
    return z ^ z >> 31

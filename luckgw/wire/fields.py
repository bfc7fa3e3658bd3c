"""The fields of a PDU's mandatory part as tables (SMPP v3.4 3.1, 5.2).

One table serves twice: it becomes the regular expression that takes all fields off the
octets at once (nothing in CPython is faster), and when that does not match it tells
which field is at fault and with which command_status the PDU is to be refused.
"""

import re
from typing import NoReturn

import attrs

from luckgw.domain.status import Status
from luckgw.wire.protocol import PduError


@attrs.frozen
class Field:
    """One field, or a run of one-octet fields, of a PDU's mandatory part."""

    name: str
    pattern: bytes
    """The regular expression that takes it off the front of the octets."""
    fault: int
    """The command_status that refuses a PDU in which it is malformed."""


def text(name: str, least: int, most: int, fault: int) -> Field:
    """A C-octet string of ``least`` to ``most`` octets and a NUL (v3.4 3.1)."""
    return Field(name, b"([^\\0]{%d,%d})\\0" % (least, most), fault)


def time_or_nothing(name: str, fault: int) -> Field:
    """A time of 16 octets or none, and a NUL (v3.4 7.1.1); its value is not judged."""
    return Field(name, rb"((?:[^\0]{16})?)\0", fault)


def octets(name: str, count: int) -> Field:
    """``count`` one-octet integers; only a PDU that ends too early can spoil them."""
    return Field(name, b"(.{%d})" % count, Status.ESME_RINVMSGLEN)


class Layout:
    """The mandatory part of one PDU, as a table of its fields."""

    def __init__(self, *fields: Field) -> None:
        self._fields = fields
        pattern = b"".join(field.pattern for field in fields)
        self.match = re.compile(pattern, re.DOTALL).match

    def refuse(self, body: bytes) -> NoReturn:
        """Raise the PduError of the first field that ``body`` has wrong."""
        at = 0
        for field in self._fields:  # pragma: no branch - as a whole it did not match
            found = re.compile(field.pattern, re.DOTALL).match(body, at)
            if found is None:
                break
            at = found.end()
        raise PduError(field.fault, f"{field.name} is malformed")


def checked_text(name: str, value: bytes, most: int) -> bytes:
    """``value`` itself, which can stand in a C-octet string of at most ``most`` octets.

    Raises:
        ValueError: it can not.
    """
    if len(value) > most or 0 in value:
        raise ValueError(f"{name} is longer than {most} octets or holds a NUL")
    return value

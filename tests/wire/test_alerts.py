"""alert_notification: read as far as it can be."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from luckgw.wire.alerts import UNTOLD, availability

HEAD = b"\1\x01233241234567\0\1\1Luck\0"


@pytest.mark.parametrize(
    ("tlvs", "word"),
    [
        (b"", UNTOLD),
        (b"\x04\x22\0\1\0", "available"),
        (b"\x04\x22\0\1\1", "denied"),
        (b"\x04\x22\0\1\2", "unavailable"),
        (b"\x04\x22\0\1\x09", "0x09"),
        (b"\x14\0\0\2xx\x04\x22\0\1\0", "available"),
        (b"\x04\x22\0\4\0", "unreadable"),
    ],
)
def test_what_it_says_of_the_phone(tlvs: bytes, word: str) -> None:
    """v3.4 5.3.2.30; a number that it does not know is shown as it is."""
    assert availability(HEAD + tlvs) == word


def test_one_that_is_cut() -> None:
    """Addresses without their end."""
    assert availability(b"\1\x01233") == "unreadable"


@given(st.binary(max_size=80))
def test_it_takes_anything(body: bytes) -> None:
    """There is nobody to refuse it to."""
    assert isinstance(availability(body), str)

"""What a partner sends, and who it is."""

from collections.abc import Callable
from typing import Any

import pytest

from luckgw.admission.accounts import Accounts, KnownAccount
from luckgw.config.model import Account
from luckgw.wire.pdus import Sm, decode_sm, encode_sm


def known(**settings: Any) -> KnownAccount:
    """The account "acme" with these settings."""
    account = Account(**({"name": "acme"} | settings))
    found = Accounts({account.name: account}).by_name(account.name)
    assert found is not None
    return found


@pytest.fixture
def account() -> KnownAccount:
    """A customer that may send as Acme and as any number."""
    return known(senders=("Acme", "re:[0-9]{3,15}"), validity_s=3600)


@pytest.fixture
def submitted() -> Callable[..., Sm]:
    """A submit_sm as it comes off the wire; fields that matter are given."""

    def submitted(**fields: Any) -> Sm:
        usual: dict[str, Any] = {
            "source_addr_ton": 5,
            "source_addr": b"Acme",
            "dest_addr_ton": 1,
            "dest_addr_npi": 1,
            "destination_addr": b"233501234567",
            "registered_delivery": 1,
            "short_message": b"Hello",
        }
        return decode_sm(encode_sm(**(usual | fields)))

    return submitted

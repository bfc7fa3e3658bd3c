"""The contract suites of luckgw.testing show their values when they fail."""

import pytest

pytest.register_assert_rewrite(
    "luckgw.testing.inbound_contract",
    "luckgw.testing.store_contract",
    "luckgw.testing.upstream_contract",
)

"""The contract suite's assertions show their values."""

import pytest

pytest.register_assert_rewrite("luckgw.testing.route_contract")

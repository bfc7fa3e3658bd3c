import pytest
from twisted.internet.task import Clock

from tests.sandbox.memory import Carrier, make_carrier


@pytest.fixture
def carrier(clock: Clock) -> Carrier:
    """A sandbox as it is by default, reached through memory."""
    return make_carrier(clock)

import pytest

from tests.upstream.carrier import Carrier


@pytest.fixture
def carrier() -> Carrier:
    """A carrier that our upstream is calling."""
    return Carrier().start()

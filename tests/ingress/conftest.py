import pytest

from tests.ingress.http_wire import Api


@pytest.fixture
def api() -> Api:
    """The HTTP API on memory transports and a standing clock."""
    return Api()

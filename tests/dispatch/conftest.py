from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from twisted.internet.task import Clock

from tests.dispatch.world import World


@pytest.fixture
def make_world(clock: Clock, tmp_path: Path) -> Callable[..., World]:
    """Makes a node that serves a carrier; takes what its configuration says."""

    def make(**config: Any) -> World:
        return World(clock, tmp_path, **config)

    return make


@pytest.fixture
def world(make_world: Callable[..., World]) -> World:
    """A node that serves a carrier with a window of 10."""
    return make_world(window=10)

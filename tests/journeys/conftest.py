"""Gateways for the journeys."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.journeys.house import House


@pytest.fixture
def build(tmp_path: Path) -> Iterator[Callable[..., House]]:
    """Makes gateways, not started; all of them are gone after the test."""
    houses: list[House] = []

    def build(**settings: object) -> House:
        directory = tmp_path / f"gw{len(houses)}"
        directory.mkdir()
        house = House(directory, **settings)  # type: ignore[arg-type]
        houses.append(house)
        return house

    yield build
    for house in houses:
        house.close()


@pytest.fixture
def house(build: Callable[..., House]) -> House:
    """A gateway that is up, bound to a carrier that delivers."""
    house = build()
    house.carrier.start()
    house.start()
    house.wait_ready()
    return house

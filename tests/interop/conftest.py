"""The same gateways as the journeys have."""

from tests.journeys.conftest import build, house

__all__ = ["build", "house"]

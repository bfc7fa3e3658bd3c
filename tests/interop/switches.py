"""What the gateway does not do yet. A slice that brings it turns its switch on."""

from typing import Final

MO: Final = False
"""Messages from phones reach partners."""
QUERY: Final = False
"""query_sm and cancel_sm are answered."""

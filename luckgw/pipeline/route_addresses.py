"""Sender and recipient as a route rewrites them, put into a submit_sm when it leaves.

As with an upstream's own rules (``luckgw.pipeline.addresses``), which come after these,
what is kept of a message has the addresses that its customer knows. The rules that
count are those of the present configuration: a message that waits profits from a rule
that was mended meanwhile.
"""

from collections.abc import Iterable, Mapping
from typing import Final

from luckgw.config.outgoing import UpstreamAddresses
from luckgw.config.routes import Route, RouteRewrite
from luckgw.domain.address import ton_npi
from luckgw.pipeline.addresses import addresses_for
from luckgw.routing.rewrite import sender_for

_NUL: Final = b"\0"


class RouteAddresses:
    """Rewrites the addresses of a route's messages."""

    def __init__(self, rewrite: RouteRewrite) -> None:
        self._pool = rewrite.source_pool
        self._addresses = addresses_for(
            UpstreamAddresses(
                destination="auto" if rewrite.destination else "1/1",
                rewrite_source=rewrite.source,
                rewrite_destination=rewrite.destination,
            )
        )

    def written(self, body: bytes) -> bytes:
        """``body``, a submit_sm's, with its two addresses rewritten."""
        if self._pool:
            body = self._with_sender(body)
        return body if self._addresses is None else self._addresses.written(body)

    def _with_sender(self, body: bytes) -> bytes:
        kind = body.index(_NUL) + 1  # behind service_type
        end = body.index(_NUL, kind + 2)
        destination = end + 3
        last = body.index(_NUL, destination)
        number = body[destination:last].decode("latin-1")
        sender = sender_for(self._pool, number)
        written = bytes(ton_npi(sender)) + sender.removeprefix("+").encode("latin-1")
        return body[:kind] + written + body[end:]


def route_addresses(routes: Iterable[Route]) -> Mapping[str, RouteAddresses]:
    """The rewrites of the routes that have any, by the names of the routes."""
    return {
        route.name: RouteAddresses(rewrite)
        for route in routes
        for rewrite in [route.rewrite]
        if rewrite.source or rewrite.source_pool or rewrite.destination
    }

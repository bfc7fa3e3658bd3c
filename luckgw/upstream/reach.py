"""The way to a carrier: a name that is looked up at each connect, and TLS if asked."""

from typing import Any

from twisted.internet.endpoints import (
    HostnameEndpoint,
    clientFromString,
    wrapClientTLS,
)
from twisted.internet.interfaces import IStreamClientEndpoint

from luckgw.config import endpoints
from luckgw.config.model import Upstream
from luckgw.upstream.tls import tls_options


def way_to(reactor: Any, config: Upstream) -> IStreamClientEndpoint:
    """The endpoint of an upstream.

    A plain ``tcp:host:port`` is reached by IPv4 or IPv6, whichever answers first, at
    the addresses that its name has at that moment; any other endpoint is Twisted's.
    Raises luckgw.upstream.tls.TlsError when a file of ``tls`` can not be used.
    """
    parts = endpoints.parse(config.endpoint, endpoints.CLIENT_FIELDS)
    way: IStreamClientEndpoint
    if parts.kind != "tcp":
        way = clientFromString(reactor, config.endpoint)
        return way
    host = parts.fields["host"]
    way = HostnameEndpoint(
        reactor,
        host,
        int(parts.fields["port"]),
        float(parts.fields.get("timeout", 30)),
        parts.fields.get("bindAddress"),
    )
    if config.tls is not None:
        way = wrapClientTLS(tls_options(config.tls, host), way)
    return way

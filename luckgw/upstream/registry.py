"""The types of upstream: a new one is a class, a line here, and its configuration."""

from collections.abc import Callable

from twisted.internet.interfaces import IReactorTime, IStreamClientEndpoint

from luckgw.config import model
from luckgw.link.flusher import Flusher
from luckgw.upstream.interface import Upstream
from luckgw.upstream.smpp import SmppUpstream

UpstreamType = Callable[
    [
        IReactorTime,
        Flusher,
        IStreamClientEndpoint,
        model.Upstream,
        Callable[[], float],
    ],
    Upstream,
]

#: By the word in the configuration.
UPSTREAM_TYPES: dict[str, UpstreamType] = {"smpp": SmppUpstream}

"""What works in a configuration of a carrier, and is to be known all the same."""

from luckgw.config.lines import KeyPath
from luckgw.config.model import Config, Upstream
from luckgw.config.problems import Place, Problem, key_text

_WINDOWS_WORTH_S = 3.0
"""A window of more than so many seconds' messages only makes answers late."""


def of_upstreams(config: Config) -> list[Problem]:
    """What there is to say about the carriers, each where its key stands."""
    return [
        Problem(place.file, place.line, key_text(path), message)
        for name, upstream in config.upstreams.items()
        for inner, message in _of_upstream(upstream)
        for path in [("upstreams", name, *inner)]
        for place in [_place(config, path)]
    ]


def _place(config: Config, path: KeyPath) -> Place:
    """Where it stands, or else what is around it."""
    while path and path not in config.places:
        path = path[:-1]
    return config.places.get(path, Place(""))


def _of_upstream(upstream: Upstream) -> list[tuple[KeyPath, str]]:
    found: list[tuple[KeyPath, str]] = []
    if upstream.tls is not None and not upstream.tls.verify:
        message = (
            "DANGER: nobody checks who the carrier is; whoever is on the way can read"
            " the password and every message. Name the carrier's CA with ca instead"
        )
        found.append((("tls", "verify"), message))
    if upstream.endpoint.startswith("ssl:"):
        message = (
            "DANGER: an ssl: endpoint does not check who the carrier is;"
            " use tcp: and tls = true"
        )
        found.append((("endpoint",), message))
    if upstream.interface_version == "3.3" and upstream.bind == "transceiver":
        message = 'SMPP 3.3 has no transceiver; carriers of 3.3 want bind = "tx+rx"'
        found.append((("bind",), message))
    most = _WINDOWS_WORTH_S * upstream.throughput
    if upstream.throughput and upstream.window * upstream.binds > max(most, 1):
        message = (
            f"{upstream.binds} x {upstream.window} submit_sm may wait for an answer,"
            f" more than {_WINDOWS_WORTH_S:g} s of throughput: answers may come later"
            " than response_s, and messages twice. Lower window"
        )
        found.append((("window",), message))
    return found

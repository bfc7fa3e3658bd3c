"""The whole configuration, as frozen records: one class per section of the files.

What a key means stands here, under the field; ``etc/*.toml`` says the same to
operators. A field's type says how it is written in TOML, its validator what it may be,
for records that are made in code, too. Keys that end in ``_s`` are seconds.
"""

from collections.abc import Mapping
from pathlib import Path
from urllib.parse import urlsplit

import attrs
from attrs import field

from luckgw.config import rules
from luckgw.config.account import (
    LONGEST_VALIDITY_S,
    Access,
    Account,
    AccountMo,
    OptOut,
)
from luckgw.config.lines import KeyPath
from luckgw.config.problems import Place
from luckgw.config.routes import Hook, Match, Route, Routing
from luckgw.config.rules import DAY_S, Invalid, each, must
from luckgw.config.upstream import (
    BINDS,
    INTERFACE_VERSIONS,
    UPSTREAM_TYPES,
    ReceiptRules,
    Upstream,
    UpstreamMo,
)

__all__ = [
    "BINDS",
    "INTERFACE_VERSIONS",
    "LONGEST_VALIDITY_S",
    "UPSTREAM_TYPES",
    "Access",
    "Account",
    "AccountMo",
    "Brake",
    "Config",
    "Connections",
    "Gateway",
    "Http",
    "Match",
    "MoMatch",
    "MoRoute",
    "OptOut",
    "Outboxes",
    "ReceiptRules",
    "Receipts",
    "Route",
    "Sandbox",
    "Smpp",
    "SmppTls",
    "Store",
    "Upstream",
    "UpstreamMo",
    "Webhooks",
]

OPTIONAL_PDUS = ("data_sm", "query_sm", "cancel_sm", "replace_sm", "submit_multi")
"""Requests of partners that an operator may turn off."""
MO_TARGETS = ("session", "webhook", "inbox")


def _without_password(url: str) -> str:
    """How a store's URL may be shown."""
    before, at, after = url.rpartition("@")
    return repr(f"{before.partition('://')[0]}://***{at}{after}" if at else url)


@attrs.frozen
class Gateway:
    """``[gateway]``: this process."""

    node: str = field(default="gw1", validator=must(rules.name))
    """Its name among the nodes that serve one store."""
    workers: int = field(
        default=1, validator=must(rules.only(1, "in this version: one process"))
    )
    """Processes of this node; there is one."""
    data_dir: Path = Path("var")
    """Where it keeps its files; relative to the current working directory."""
    drain_s: float = field(default=30.0, validator=must(rules.between(0, 3600)))
    """At a stop: how long what is on its way may take to finish."""


@attrs.frozen
class Store:
    """``[store]``: where messages are kept."""

    url: str = field(
        default="embedded",
        validator=must(rules.store_url),
        repr=_without_password,
        metadata={"secret_text": True},
    )
    """``embedded``, or ``redis://``, ``rediss://`` or ``unix://`` of a server."""
    durability: str = field(
        default="always", validator=must(rules.one_of("always", "everysec"))
    )
    """Embedded only. ``always``: on disk before it is acknowledged; ``everysec``: a
    loss of power may cost the last second."""
    retention_days: int = field(default=7, validator=must(rules.between(1, 3650)))
    """How long a finished message can be looked up."""
    min_free_mb: int = field(default=1024, validator=must(rules.not_negative))
    """Embedded only: with less free space on its disk (MiB) nothing new is accepted."""
    binary: Path | None = None
    """Embedded only: the server program; None takes the one that came along."""

    def __attrs_post_init__(self) -> None:
        """An option that would be ignored is refused."""
        if self.is_embedded:
            return
        defaults = attrs.fields_dict(Store)
        faults: list[tuple[KeyPath, str]] = [
            ((key,), 'is only for url = "embedded"')
            for key in ("durability", "min_free_mb", "binary")
            if getattr(self, key) != defaults[key].default
        ]
        if faults:
            raise Invalid(faults)

    @property
    def is_embedded(self) -> bool:
        """Whether the gateway runs the server itself."""
        return self.url == "embedded"

    @property
    def holds_password(self) -> bool:
        """Whether the URL names a password."""
        return not self.is_embedded and bool(urlsplit(self.url).password)


@attrs.frozen
class Http:
    """``[http]``: the API for customers."""

    listen: tuple[str, ...] = field(
        default=(), validator=[each(rules.server_endpoint), must(rules.no_repeats)]
    )
    """Twisted server endpoints; none: no API."""


@attrs.frozen
class SmppTls:
    """``[smpp.tls]``: where partners bind over TLS, with client certificates."""

    listen: tuple[str, ...] = field(
        default=(), validator=[each(rules.tls_endpoint), must(rules.no_repeats)]
    )
    """Twisted server endpoints ``tcp:`` and ``tcp6:``; what comes there is TLS."""
    certificate: Path | None = None
    """PEM: ours, and behind it those between it and its authority. Relative to the
    current working directory."""
    private_key: Path | None = None
    """PEM; may be the same file."""
    client_ca: Path | None = None
    """PEM: who may sign certificates of partners; any other certificate ends the
    handshake. Without it every certificate is taken, and an account knows its own by
    the fingerprint."""

    def __attrs_post_init__(self) -> None:
        """A listener needs a certificate."""
        if self.listen:
            faults: list[tuple[KeyPath, str]] = [
                ((key,), "is needed to listen")
                for key in ("certificate", "private_key")
                if getattr(self, key) is None
            ]
            if faults:
                raise Invalid(faults)


@attrs.frozen
class Connections:
    """``[smpp.connections]``: how many there may be (spec/reliability 2.10)."""

    total: int = field(default=2000, validator=must(rules.between(1, 100_000)))
    """At the same time."""
    unbound: int = field(default=200, validator=must(rules.between(1, 100_000)))
    """Of those, that have not bound yet; one more, and the one that has been silent for
    the longest is closed."""
    unbound_per_address: int = field(
        default=10, validator=must(rules.between(1, 100_000))
    )
    """That have not bound yet, from one address (IPv6: from one /64)."""
    per_address: int = field(default=0, validator=must(rules.between(0, 100_000)))
    """From one address (IPv6: from one /64), bound or not; 0: no limit of its own."""


@attrs.frozen
class Brake:
    """``[smpp.brake]``: what guessing passwords costs (spec/reliability 7.2)."""

    pair_failures: int = field(default=5, validator=must(rules.between(1, 1000)))
    """Wrong passwords for one system_id from one address within ``pair_span_s`` ..."""
    pair_span_s: float = field(default=60.0, validator=must(rules.between(1, DAY_S)))
    max_delay_s: float = field(default=30.0, validator=must(rules.between(0, 50)))
    """... then the next binds wait 1, 2, 4 ... seconds, up to so many; 0: they do not
    wait."""
    address_failures: int = field(default=20, validator=must(rules.between(1, 100_000)))
    """Wrong passwords from one address within ``address_span_s``, one that is repeated
    counted once ..."""
    address_span_s: float = field(
        default=600.0, validator=must(rules.between(1, DAY_S))
    )
    shut_s: float = field(default=900.0, validator=must(rules.between(0, DAY_S)))
    """... then it can not connect for so long; 0: it can."""


@attrs.frozen
class Smpp:
    """``[smpp]``: where partners bind to us."""

    listen: tuple[str, ...] = field(
        default=(), validator=[each(rules.smpp_endpoint), must(rules.no_repeats)]
    )
    """Twisted server endpoints; none: no SMPP server in the clear."""
    system_id: str = field(default="luckgw", validator=must(rules.octets(0, 15)))
    """How we call ourselves in bind responses."""
    enquire_link_s: float = field(default=30.0, validator=must(rules.between(1, 3600)))
    """We ask a partner for life after that long without a PDU from it."""
    inactivity_s: float = field(default=0.0, validator=must(rules.not_negative))
    """We unbind a partner after that long without a message either way; 0: never."""
    session_init_s: float = field(default=10.0, validator=must(rules.between(1, 3600)))
    """A connection that has not bound by then is closed."""
    response_s: float = field(default=60.0, validator=must(rules.between(1, 3600)))
    """How long a partner may take to answer a deliver_sm."""
    disabled: tuple[str, ...] = field(
        default=(),
        validator=[each(rules.one_of(*OPTIONAL_PDUS)), must(rules.no_repeats)],
    )
    """Requests that are answered as if nobody knew them: generic_nack 0x03."""
    link_response_s: float = field(default=15.0, validator=must(rules.between(1, 3600)))
    """How long each of two enquire_links waits for a sign of life; then we close."""
    pdu_read_s: float = field(default=10.0, validator=must(rules.between(1, 3600)))
    """From the first octet of a PDU to its last."""
    write_stall_s: float = field(default=30.0, validator=must(rules.between(1, 3600)))
    """A partner that does not take for so long what we send is cut off."""
    tls: SmppTls = SmppTls()
    connections: Connections = Connections()
    brake: Brake = Brake()


@attrs.frozen
class Sandbox:
    """``[sandbox]``: the built-in SMSC, for a first message without a carrier."""

    enabled: bool = False
    """Whether it runs; then there is an upstream ``sandbox``, too."""
    listen: tuple[str, ...] = field(
        default=("tcp:27750:interface=127.0.0.1",),
        validator=[each(rules.server_endpoint), must(rules.no_repeats)],
    )
    """Twisted server endpoints; upstream ``sandbox`` connects to the first."""


@attrs.frozen
class Webhooks:
    """``[webhooks]``: how events are posted to customers."""

    timeout_s: float = field(default=15.0, validator=must(rules.between(1, 120)))
    """How long an endpoint may take to answer."""
    max_in_flight: int = field(default=8, validator=must(rules.between(1, 100)))
    """Requests at the same time to one endpoint."""


@attrs.frozen
class Receipts:
    """``[receipts]``: messages whose receipt does not come."""

    grace_s: float = field(default=3600.0, validator=must(rules.between(0, 30 * DAY_S)))
    """How long after the end of a message's validity its receipt is waited for. Then it
    ends: EXPIRED if its carrier said at last that it is on its way, else UNKNOWN."""
    look_after_s: float = field(default=300.0, validator=must(rules.between(0, DAY_S)))
    """A message's receipt is missed at the earliest so long after it was accepted."""


@attrs.frozen
class Outboxes:
    """``[outboxes]``: how much is kept for customers who do not take it."""

    max_age_s: float = field(
        default=3.0 * DAY_S, validator=must(rules.between(60, 90 * DAY_S))
    )
    """An older event is dropped. Of a webhook's: unless it is being tried again, which
    ends by itself."""
    max_events: int = field(
        default=1_000_000, validator=must(rules.between(1, 100_000_000))
    )
    """Events in one outbox; the oldest are dropped."""


@attrs.frozen
class MoMatch:
    """``match`` of an MO route: all that is given has to hold, of each one of its list.

    ``*`` at the end of a number: all that begin with what stands before it.
    """

    number: tuple[str, ...] = field(default=(), validator=each(rules.number_or_prefix))
    """To which numbers the phone wrote."""
    keyword: tuple[str, ...] = field(default=(), validator=each(rules.keyword))
    """The first word of the text; letter case does not count."""
    upstream: tuple[str, ...] = field(default=(), validator=each(rules.name))
    """Names of upstreams that brought it."""
    sender: tuple[str, ...] = field(default=(), validator=each(rules.number_or_prefix))
    """From which phones."""


@attrs.frozen
class MoRoute:
    """``[[mo_routes]]``: whose a message from a phone is; the first that matches."""

    name: str = field(validator=must(rules.name))
    account: str = field(validator=must(rules.name))
    match: MoMatch = field(factory=MoMatch)
    """Without it: every message."""
    to: tuple[str, ...] = field(
        default=(),
        validator=[each(rules.one_of(*MO_TARGETS)), must(rules.no_repeats)],
    )
    """How the account gets it beside its inbox, which has it always. Empty: by its
    webhook if it has one, else by its sessions if it may have any."""


@attrs.frozen
class Config:
    """Everything; how it hangs together (names that refer to each other) is checked."""

    gateway: Gateway = Gateway()
    store: Store = Store()
    http: Http = Http()
    smpp: Smpp = Smpp()
    sandbox: Sandbox = Sandbox()
    webhooks: Webhooks = Webhooks()
    routing: Routing = field(factory=Routing)
    receipts: Receipts = Receipts()
    outboxes: Outboxes = Outboxes()
    upstreams: Mapping[str, Upstream] = field(factory=dict)
    """By name."""
    routes: tuple[Route, ...] = ()
    """In the order in which they are tried."""
    mo_routes: tuple[MoRoute, ...] = ()
    """The same, for messages from phones."""
    accounts: Mapping[str, Account] = field(factory=dict)
    """By name."""
    hooks: Mapping[str, Hook] = field(factory=dict)
    """By name."""
    places: Mapping[KeyPath, Place] = field(factory=dict, eq=False, repr=False)
    """Where each key stands in the files; takes no part in comparing."""

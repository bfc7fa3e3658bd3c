"""The whole configuration, as frozen records: one class per section of the files.

What a key means stands here, under the field; ``etc/*.toml`` says the same to
operators. A field's type says how it is written in TOML, its validator what it may be,
for records that are made in code, too. Keys that end in ``_s`` are seconds.
"""

import re
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import urlsplit

import attrs
from attrs import Factory, field

from luckgw.config import rules
from luckgw.config.lines import KeyPath
from luckgw.config.lists import PriceList
from luckgw.config.outgoing import (
    LANGUAGES,
    MOST_SEGMENTS,
    UpstreamAddresses,
    UpstreamSubmitSm,
    UpstreamText,
)
from luckgw.config.problems import Place
from luckgw.config.routes import Hook, Routing
from luckgw.config.routes import Match as Match  # noqa: PLC0414 - part of the model
from luckgw.config.routes import Route as Route  # noqa: PLC0414
from luckgw.config.rules import Invalid, Network, Tlvs, each, must
from luckgw.config.secret import Secret

DAY_S = 86_400
LONGEST_VALIDITY_S = 30 * DAY_S
"""No message waits longer than this for its delivery, or for its time to be sent."""

SMPP_PASSWORD_OCTETS = 64
"""SMPP v3.4 has 8 (4.1.1); peers give out longer ones, and nothing is ever cut off."""

UPSTREAM_TYPES = ("smpp",)
BINDS = ("transceiver", "transmitter", "receiver", "tx+rx")
ID_FORMS = ("text", "hex", "dec")
UNCERTAIN = ("hold_then_resend", "resend", "unknown")

_ARGON2 = re.compile(
    r"\$argon2(id|i|d)\$v=[0-9]+\$m=[0-9]+,t=[0-9]+,p=[0-9]+"
    r"\$[A-Za-z0-9+/]+\$[A-Za-z0-9+/]+"
)


def _smpp_password(least: int) -> rules.Rule:
    """A password for a bind: it goes over the wire as a C-octet string."""

    def rule(secret: Secret | None) -> str | None:
        if secret is None:
            return None
        if secret.is_hash:
            hashed = _ARGON2.fullmatch(secret.reveal())
            return None if hashed else "is not an argon2 hash like $argon2id$v=19$..."
        length = len(secret.reveal().encode())
        if "\0" in secret.reveal() or not least <= length <= SMPP_PASSWORD_OCTETS:
            return f"must be {least} to {SMPP_PASSWORD_OCTETS} octets without NUL"
        return None

    return rule


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
class Smpp:
    """``[smpp]``: where partners bind to us."""

    listen: tuple[str, ...] = field(
        default=(), validator=[each(rules.server_endpoint), must(rules.no_repeats)]
    )
    """Twisted server endpoints; none: no SMPP server."""
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
class Upstream:
    """``[upstreams.NAME]``: a carrier that we bind to."""

    name: str = field(validator=must(rules.name))
    """From the table's name."""
    endpoint: str = field(validator=must(rules.client_endpoint))
    """A Twisted client endpoint, like ``tcp:smsc.example.net:2775``."""
    system_id: str = field(validator=must(rules.octets(0, 15)))
    password: Secret = field(validator=must(_smpp_password(0)))
    type: str = field(default="smpp", validator=must(rules.one_of(*UPSTREAM_TYPES)))
    system_type: str = field(default="", validator=must(rules.octets(0, 12)))
    bind: str = field(default="transceiver", validator=must(rules.one_of(*BINDS)))
    """``tx+rx``: one transmitter and one receiver in place of each transceiver."""
    binds: int = field(default=1, validator=must(rules.between(1, 32)))
    """How many at the same time."""
    window: int = field(default=50, validator=must(rules.between(1, 500)))
    """submit_sm without an answer, per bind."""
    throughput: float = field(default=0.0, validator=must(rules.not_negative))
    """submit_sm a second over all binds; 0: no limit."""
    resp_id: str = field(default="text", validator=must(rules.one_of(*ID_FORMS)))
    """How message_id is written in its submit_sm_resp (spec/reliability 2.12)."""
    dlr_id: str = field(default="text", validator=must(rules.one_of(*ID_FORMS)))
    """How the same id is written in its receipts."""
    uncertain: str = field(
        default="hold_then_resend", validator=must(rules.one_of(*UNCERTAIN))
    )
    """What becomes of a submit_sm whose answer never came (spec/reliability 3.3)."""
    uncertain_hold_s: float = field(
        default=120.0, validator=must(rules.between(0, DAY_S))
    )
    """With ``hold_then_resend``: how long to wait for a late answer or a receipt."""
    enquire_link_s: float = field(default=30.0, validator=must(rules.between(1, 3600)))
    """We ask the carrier for life after that long without a PDU from it."""
    response_s: float = field(default=60.0, validator=must(rules.between(1, 3600)))
    """How long the carrier may take to answer a submit_sm."""
    queue_when_down: bool = True
    """Whether messages are accepted and kept while no bind of it is up."""
    text: UpstreamText = field(factory=UpstreamText)
    addresses: UpstreamAddresses = field(factory=UpstreamAddresses)
    submit_sm: UpstreamSubmitSm = field(factory=UpstreamSubmitSm)
    costs: PriceList | None = None
    """A file with rows ``prefix,price``: what a segment costs us there, for routes with
    ``strategy = "least_cost"``."""
    tlvs: Tlvs = field(default=Tlvs(), validator=rules.vendor_tlvs)
    """``[upstreams.NAME.tlvs]``: optional parameters of every message, by tag:
    ``0x1401 = { hex = "0a0b" }``, ``{ text = "abc" }`` or ``{ int = 5, size = 1 }``."""


@attrs.frozen
class Account:
    """``[accounts.NAME]``: a customer."""

    name: str = field(validator=must(rules.name))
    """From the table's name."""
    system_id: str = field(
        default=Factory(lambda self: self.name, takes_self=True),
        validator=must(rules.octets(1, 15)),
    )
    """With which its ESMEs bind; the account's name if it is not given."""
    password: Secret | None = field(
        default=None,
        validator=must(_smpp_password(1)),
        metadata={"secret_forms": ("file", "env", "argon2")},
    )
    """For its ESMEs; without it the account has no SMPP."""
    senders: tuple[str, ...] = field(default=(), validator=each(rules.pattern))
    """Approved Sender IDs, exact or ``re:`` and an expression that matches the whole;
    ``*`` is any."""
    max_binds: int = field(default=4, validator=must(rules.between(1, 1000)))
    """SMPP sessions at the same time."""
    window: int = field(default=100, validator=must(rules.between(1, 1000)))
    """submit_sm that one session may have unanswered; above it: ESME_RTHROTTLED."""
    throughput: float = field(default=0.0, validator=must(rules.not_negative))
    """Segments a second over all its sessions and keys; 0: no limit."""
    credit: str = field(
        default="unlimited",
        validator=must(rules.only("unlimited", "in this version: nothing is charged")),
    )
    """What it may spend; there is no billing."""
    ips: tuple[Network, ...] = ()
    """From where its ESMEs may connect; empty: from anywhere."""
    webhook: str | None = field(
        default=None,
        validator=attrs.validators.optional(must(rules.webhook_url)),
    )
    """Where its events are posted to; without it: nowhere."""
    enabled: bool = True
    """Whether it may send and bind."""
    group: str | None = field(default=None, validator=rules.optional(rules.name))
    """A name for accounts of a kind, for ``group`` in ``match`` of routes."""
    validity_s: int = field(
        default=2 * DAY_S, validator=must(rules.between(1, LONGEST_VALIDITY_S))
    )
    """For how long the delivery of a message is tried if the message does not say."""
    default_alphabet: str = field(
        default="gsm7", validator=must(rules.one_of("gsm7", "latin1", "ascii"))
    )
    """What its ESMEs mean by data_coding 0 (spec/reliability 2.12)."""
    max_segments: int = field(
        default=MOST_SEGMENTS, validator=must(rules.between(1, MOST_SEGMENTS))
    )
    """A text of it that takes more is refused; nothing is ever cut off."""
    transliterate: bool | None = None
    """Whether its texts are made to look alike in GSM 7-bit where they do not fit the
    carrier's alphabet; without the key: as the upstream says."""
    languages: tuple[str, ...] | None = field(
        default=None,
        validator=attrs.validators.optional(
            [each(rules.one_of(*LANGUAGES)), must(rules.no_repeats)]
        ),
    )
    """Whose national tables its texts may use, of those that the upstream allows,
    preferred first; without the key: all of those."""


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
    upstreams: Mapping[str, Upstream] = field(factory=dict)
    """By name."""
    routes: tuple[Route, ...] = ()
    """In the order in which they are tried."""
    accounts: Mapping[str, Account] = field(factory=dict)
    """By name."""
    hooks: Mapping[str, Hook] = field(factory=dict)
    """By name."""
    places: Mapping[KeyPath, Place] = field(factory=dict, eq=False, repr=False)
    """Where each key stands in the files; takes no part in comparing."""

"""The whole configuration, as frozen records: one class per section of the files.

What a key means stands here, under the field; ``etc/*.toml`` says the same to
operators. A field's type says how it is written in TOML, its validator what it may be,
for records that are made in code, too. Keys that end in ``_s`` are seconds.
"""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any
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
from luckgw.config.tls import Tls
from luckgw.domain.ids import FORMS
from luckgw.domain.states import REPORTED

DAY_S = 86_400
LONGEST_VALIDITY_S = 30 * DAY_S
"""No message waits longer than this for its delivery, or for its time to be sent."""

SMPP_PASSWORD_OCTETS = 64
"""SMPP v3.4 has 8 (4.1.1); peers give out longer ones, and nothing is ever cut off."""

UPSTREAM_TYPES = ("smpp",)
BINDS = ("transceiver", "transmitter", "receiver", "tx+rx")
BIND_KINDS = ("transceiver", "transmitter", "receiver")
ID_FORMS = ("text", "hex", "dec")
UNMARKED = ("if-known", "by-text", "no")
UNCERTAIN = ("hold_then_resend", "resend", "unknown")
ANSWERS = ("temporary", "permanent", "throttle", "session")
"""What a carrier's refusal may mean (spec/reliability 2.11)."""
INTERFACE_VERSIONS = {"3.3": 0x33, "3.4": 0x34, "5.0": 0x50}
"""SMPP versions as they stand in a bind (v3.4 5.2.4)."""
TLV_MODES = ("on", "auto", "off")
NUMBER_PLANS = (0, 1, 3, 4, 6, 8, 9, 10, 14, 18)
"""The values of an npi (v3.4 5.2.6)."""
OPTIONAL_PDUS = ("data_sm", "query_sm", "cancel_sm", "replace_sm", "submit_multi")
"""Requests of partners that an operator may turn off."""
ALPHABETS = ("gsm7", "latin1", "ascii")
MO_TARGETS = ("session", "webhook", "inbox")
MO_LONG = ("auto", "payload", "parts")

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
class UpstreamMo:
    """``[upstreams.NAME.mo]``: messages from phones that this carrier brings."""

    dedup_s: int = field(default=120, validator=must(rules.between(0, DAY_S)))
    """A message that is the same in all its fields is the first come again for so long;
    0: never."""
    join_s: float = field(default=1800.0, validator=must(rules.between(1, 2 * DAY_S)))
    """How long the first part of a long message waits for the others; then it goes its
    way with gaps."""
    country: str = field(
        default="", validator=must(rules.empty_or(rules.number_prefix))
    )
    """The digits of its country: a number in local form (``0501234567``, or of the type
    national) is written in the international one then. Empty: numbers stay as they
    come."""


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
class ReceiptRules:
    """``[upstreams.NAME.receipts]``: how a carrier writes its receipts."""

    states: Mapping[str, str] = field(
        factory=dict, validator=rules.words_for(*REPORTED)
    )
    """Word after ``stat:`` (in any case) -> the state that it means; for a word of SMPP
    v3.4 this counts for its message_state, too."""
    unmarked: str = field(default="if-known", validator=must(rules.one_of(*UNMARKED)))
    """When a deliver_sm of esm_class 0 that reads like a receipt is one: ``if-known``,
    when its id is known; ``by-text``, always; ``no``, never."""


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
    receipts: ReceiptRules = ReceiptRules()
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
    vendor_tlvs: Tlvs = field(default=Tlvs(), validator=rules.vendor_tlvs)
    """``[upstreams.NAME.vendor_tlvs]``: optional parameters of every message, by tag:
    ``0x1401 = { hex = "0a0b" }``, ``{ text = "abc" }`` or ``{ int = 5, size = 1 }``."""
    mo: UpstreamMo = field(factory=UpstreamMo)
    profile: str = field(default="", validator=must(rules.name_or_nothing))
    """Whose quirks it has: the name of a file of keys for this table, which are laid
    under those that stand here (luckgw.config.profiles). Empty: nobody's."""
    tls: Tls | None = field(default=None, metadata={"or_flag": True})
    """TLS on the way to ``endpoint``; None: none."""
    interface_version: str = field(
        default="3.4", validator=must(rules.one_of(*INTERFACE_VERSIONS))
    )
    """The SMPP version that we bind as. A carrier of 3.3 gets no TLV."""
    tlvs: str = field(default="on", validator=must(rules.one_of(*TLV_MODES)))
    """Whether it takes optional parameters: ``auto``, when its bind_resp says so by
    sc_interface_version (spec/reliability 2.9)."""
    addr_ton: int = field(default=0, validator=must(rules.between(0, 6)))
    """In the bind request: the type of number of ``address_range`` (v3.4 4.1)."""
    addr_npi: int = field(default=0, validator=must(rules.number_of(*NUMBER_PLANS)))
    """In the bind request: the numbering plan of ``address_range``."""
    address_range: str = field(default="", validator=must(rules.octets(0, 40)))
    """In the bind request: the numbers that we serve, as the carrier writes them."""
    answers: Mapping[int, str] = field(
        factory=dict, validator=must(rules.classes_of(*ANSWERS))
    )
    """What its refusals mean, by command_status, where that differs from the rule:
    a code that the rule does not know is permanent (spec/reliability 2.11)."""
    outbind_listen: tuple[str, ...] = field(
        default=(), validator=[each(rules.server_endpoint), must(rules.no_repeats)]
    )
    """Twisted server endpoints where the carrier calls us with outbind; then its
    receivers wait for that call instead of connecting (v3.4 2.2.1)."""
    outbind_system_id: str = field(default="", validator=must(rules.octets(0, 15)))
    """How the carrier calls itself in outbind."""
    outbind_password: Secret = field(
        default=Secret(""), validator=must(_smpp_password(0))
    )
    """With which the carrier proves that; empty: it has none."""

    def __attrs_post_init__(self) -> None:
        """Keys that do not go together are refused."""
        faults = [*self._tls_faults(), *self._tlv_faults(), *self._outbind_faults()]
        if faults:
            raise Invalid(faults)

    def _tls_faults(self) -> list[tuple[KeyPath, str]]:
        kind = self.endpoint.partition(":")[0]
        if self.tls is None or kind == "tcp":
            return []
        return [(("tls",), f"needs an endpoint like tcp:host:port, not {kind}:")]

    def _tlv_faults(self) -> list[tuple[KeyPath, str]]:
        """What can only be written in optional parameters needs a carrier with them."""
        if self.tlvs != "off" and self.interface_version != "3.3":
            return []
        faults: list[tuple[KeyPath, str]] = []
        if self.text.form in ("sar", "payload"):
            message = f'{self.text.form!r} needs TLVs: tlvs = "on" and version 3.4'
            faults.append((("text", "form"), message))
        if self.vendor_tlvs:
            faults.append((("vendor_tlvs",), 'needs tlvs = "on" and version 3.4'))
        return faults

    def _outbind_faults(self) -> list[tuple[KeyPath, str]]:
        if not self.outbind_listen:
            given = {
                "outbind_system_id": self.outbind_system_id,
                "outbind_password": self.outbind_password.reveal(),
            }
            message = "is only for an upstream with outbind_listen"
            return [((key,), message) for key, value in given.items() if value]
        if self.bind not in ("receiver", "tx+rx"):
            message = 'is for receivers: bind = "receiver" or "tx+rx"'
            return [(("outbind_listen",), message)]
        if not self.outbind_system_id:
            return [(("outbind_system_id",), "is needed with outbind_listen")]
        return []


@attrs.frozen
class Access:
    """``access`` of an account: how its ESMEs may bind."""

    binds: tuple[str, ...] = field(
        default=BIND_KINDS,
        validator=[each(rules.one_of(*BIND_KINDS)), must(rules.no_repeats)],
    )
    """The kinds of bind that it may use."""
    max_tx: int = field(default=1000, validator=must(rules.between(0, 1000)))
    """Sessions that send: transmitters and transceivers. ``max_binds`` holds, too."""
    max_rx: int = field(default=1000, validator=must(rules.between(0, 1000)))
    """Sessions that receive: receivers and transceivers. ``max_binds`` holds, too."""
    require_tls: bool = False
    """Whether a bind in the clear is refused."""
    certificates: tuple[str, ...] = field(
        default=(), validator=[each(rules.certificate), must(rules.no_repeats)]
    )
    """Of its ESMEs: ``sha256:`` and a fingerprint, or ``subject:`` and a name as in RFC
    4514, which needs ``[smpp.tls] client_ca``. With any, a bind needs one of them."""


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


def _words(*default: str) -> Any:
    return field(default=default, validator=each(rules.not_blank))


@attrs.frozen
class OptOut:
    """``[accounts.NAME.opt_out]``: phones that want no more messages of a sender.

    A text that is one of the words and nothing else counts; letter case does not.
    """

    enabled: bool = True
    """Whether the words count, and messages to who has opted out are refused."""
    stop: tuple[str, ...] = _words(
        "STOP", "STOPALL", "UNSUBSCRIBE", "CANCEL", "END", "QUIT"
    )
    """From now on nothing more from the number that this was sent to."""
    start: tuple[str, ...] = _words("START", "UNSTOP")
    """It may send again."""
    help: tuple[str, ...] = _words("HELP", "INFO")
    stop_reply: str = ""
    """What is answered to such a word when it changes something; empty: nothing."""
    start_reply: str = ""
    help_reply: str = ""
    """What is answered to a help word; empty: nothing."""
    replies_per_hour: int = field(default=4, validator=must(rules.between(1, 60)))
    """So many answers at most go from one number to one phone."""

    def __attrs_post_init__(self) -> None:
        """A word that says two things is refused."""
        seen: dict[str, str] = {}
        faults: list[tuple[KeyPath, str]] = []
        for key in ("stop", "start", "help"):
            for position, word in enumerate(getattr(self, key)):
                first = seen.setdefault(word.casefold(), key)
                if first != key:
                    faults.append(((key, position), f"{word!r} is in {first}, too"))
        if faults:
            raise Invalid(faults)


@attrs.frozen
class AccountMo:
    """``[accounts.NAME.mo]``: how its ESMEs get messages from phones."""

    long: str = field(default="auto", validator=must(rules.one_of(*MO_LONG)))
    """A long one: ``payload``: whole, in a message_payload; ``parts``: as the phone's
    parts; ``auto``: whole to who bound with v3.4 or later, else in parts."""


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
    deliver_window: int = field(default=100, validator=must(rules.between(1, 500)))
    """deliver_sm that we leave unanswered on one session."""
    throughput: float = field(default=0.0, validator=must(rules.not_negative))
    """Segments a second over all its sessions and keys; 0: no limit."""
    credit: str = field(
        default="unlimited",
        validator=must(rules.only("unlimited", "in this version: nothing is charged")),
    )
    """What it may spend; there is no billing."""
    ips: tuple[Network, ...] = ()
    """From where its ESMEs may connect; empty: from anywhere."""
    access: Access = Access()
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
    smpp_id_form: str = field(default="uuid", validator=must(rules.one_of(*FORMS)))
    """How its ESMEs are told message ids (spec/features 2.6). One that bound as v3.3 is
    told ``hex8`` whatever this says."""
    strict_ton_npi: bool = False
    """Whether a TON or NPI that v3.4 does not know is refused; else it is ignored."""
    default_alphabet: str = field(
        default="gsm7", validator=must(rules.one_of(*ALPHABETS))
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
    mo: AccountMo = AccountMo()
    opt_out: OptOut = OptOut()


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

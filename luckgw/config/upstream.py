"""``[upstreams.NAME]``: a carrier that we bind to, and the tables below it.

As in ``luckgw.config.model``, the docstring under a field says what the key means.
"""

from collections.abc import Mapping

import attrs
from attrs import field

from luckgw.config import rules
from luckgw.config.lines import KeyPath
from luckgw.config.lists import PriceList
from luckgw.config.outgoing import UpstreamAddresses, UpstreamSubmitSm, UpstreamText
from luckgw.config.rules import DAY_S, Invalid, Tlvs, each, must
from luckgw.config.secret import Secret
from luckgw.config.smpp_password import smpp_password
from luckgw.config.tls import Tls
from luckgw.domain.states import REPORTED

UPSTREAM_TYPES = ("smpp",)
BINDS = ("transceiver", "transmitter", "receiver", "tx+rx")
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
    password: Secret = field(validator=must(smpp_password(0)))
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
        default=Secret(""), validator=must(smpp_password(0))
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

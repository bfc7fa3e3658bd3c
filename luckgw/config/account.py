"""``[accounts.NAME]``: a customer, and the tables below it.

As in ``luckgw.config.model``, the docstring under a field says what the key means.
"""

from typing import Any

import attrs
from attrs import Factory, field

from luckgw.config import rules
from luckgw.config.lines import KeyPath
from luckgw.config.outgoing import LANGUAGES, MOST_SEGMENTS
from luckgw.config.rules import DAY_S, Invalid, Network, each, must
from luckgw.config.secret import Secret
from luckgw.config.smpp_password import smpp_password
from luckgw.domain.ids import FORMS

BIND_KINDS = ("transceiver", "transmitter", "receiver")
MO_LONG = ("auto", "payload", "parts")
ALPHABETS = ("gsm7", "latin1", "ascii")
"""What data_coding 0 may mean."""
LONGEST_VALIDITY_S = 30 * DAY_S
"""No message waits longer than this for its delivery, or for its time to be sent."""


def _words(*default: str) -> Any:
    return field(default=default, validator=each(rules.not_blank))


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
        validator=must(smpp_password(1)),
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

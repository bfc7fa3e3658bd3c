"""How an upstream wants its messages: the sub-tables of ``[upstreams.NAME]`` for it.

As in ``luckgw.config.model``, the docstring under a field says what the key means.
"""

import attrs
from attrs import field

from luckgw.config import rules
from luckgw.config.rules import Invalid, each, must

FORMS = ("udh8", "udh16", "sar", "payload")
ALPHABETS = ("gsm7", "gsm7-packed", "latin1", "ascii")
LANGUAGES = (
    "turkish",
    "spanish",
    "portuguese",
    "bengali",
    "gujarati",
    "hindi",
    "kannada",
    "malayalam",
    "oriya",
    "punjabi",
    "tamil",
    "telugu",
    "urdu",
)
"""Those that 3GPP TS 23.038 has national tables for (luckgw.text.national)."""
VALIDITIES = ("as-given", "always", "never")
MOST_SEGMENTS = 255
"""No form of concatenation can number more (3GPP TS 23.040 9.2.3.24.1)."""


@attrs.frozen
class UpstreamText:
    """``[upstreams.NAME.text]``: how it wants texts (spec/features 2.9 to 2.11)."""

    form: str = field(default="udh8", validator=must(rules.one_of(*FORMS)))
    """How the parts of a long text are told from each other: ``udh8`` and ``udh16`` by
    a user data header with a reference of so many bits, ``sar`` by the sar_* TLVs;
    ``payload``: the carrier gets it whole, as message_payload, and cuts."""
    alphabet: str = field(default="gsm7", validator=must(rules.one_of(*ALPHABETS)))
    """What data_coding 0 means there. ``gsm7``: a septet in each octet;
    ``gsm7-packed``: eight septets in seven octets."""
    also: tuple[str, ...] | None = field(
        default=None,
        validator=attrs.validators.optional(each(rules.one_of("latin1", "ascii"))),
    )
    """Which alphabets it takes under a data_coding of their own (latin1: 3, ascii: 1),
    beside UCS2 (8). What it does not take is written anew. Without the key: texts of
    ours use none of them, a partner's go as they came."""
    languages: tuple[str, ...] = field(
        default=(), validator=[each(rules.one_of(*LANGUAGES)), must(rules.no_repeats)]
    )
    """Whose national tables may be used where they save segments, preferred first."""
    max_segments: int = field(
        default=MOST_SEGMENTS, validator=must(rules.between(1, MOST_SEGMENTS))
    )
    """A text that takes more is refused; nothing is ever cut off."""
    transliterate: bool = False
    """Whether a text that does not fit the alphabet is made to look alike in GSM 7-bit,
    if neither the account nor the call says."""

    def __attrs_post_init__(self) -> None:
        """National tables that could never be used are refused."""
        if not self.languages:
            return
        if not self.alphabet.startswith("gsm7"):
            complaint = f'need alphabet = "gsm7" or "gsm7-packed", not {self.alphabet}'
            raise Invalid([(("languages",), complaint)])
        if self.form == "sar":
            complaint = 'need a user data header, which form = "sar" excludes'
            raise Invalid([(("languages",), complaint)])


@attrs.frozen
class Rewrite:
    """A rule of ``rewrite_source`` and ``rewrite_destination``."""

    to: str = field(validator=must(rules.latin1))
    """What takes the place of what was matched; ``\\1`` is the first group of an
    expression."""
    prefix: str | None = field(
        default=None, validator=attrs.validators.optional(must(rules.latin1))
    )
    """The address begins with this (empty: every address does), which is replaced."""
    re: str | None = field(
        default=None, validator=attrs.validators.optional(must(rules.expression))
    )
    """A regular expression that matches the whole address, which is replaced."""

    def __attrs_post_init__(self) -> None:
        """One way to match, and groups that exist."""
        if (self.prefix is None) == (self.re is None):
            raise Invalid([((), "needs either prefix or re")])
        complaint = None if self.re is None else rules.replacement(self.re, self.to)
        if complaint is not None:
            raise Invalid([(("to",), complaint)])


@attrs.frozen
class UpstreamAddresses:
    """``[upstreams.NAME.addresses]``: how it wants addresses (spec/features 2.12).

    A pair like ``5/0``: type of number, numbering plan (SMPP v3.4 5.2.5, 5.2.6).
    """

    source: str = field(default="auto", validator=must(rules.ton_npi_or("auto")))
    """Of every sender; ``auto``: 5/0 for letters, 1/1 for an international number,
    ``short_code`` for 3 to 6 digits, 0/1 for other digits."""
    short_code: str = field(default="3/0", validator=must(rules.ton_npi_or()))
    """Of a sender of 3 to 6 digits, with ``source = "auto"``."""
    destination: str = field(default="1/1", validator=must(rules.ton_npi_or("auto")))
    """Of every recipient; ``auto`` as for senders, for rewritten numbers."""
    plus: bool = False
    """Whether international numbers are written with a + in front."""
    rewrite_source: tuple[Rewrite, ...] = ()
    """The first rule that matches the sender changes it. Numbers have no + here."""
    rewrite_destination: tuple[Rewrite, ...] = ()
    """The same for the recipient: digits of the international number."""


@attrs.frozen
class UpstreamSubmitSm:
    """``[upstreams.NAME.submit_sm]``: other fields of what it gets."""

    service_type: str = field(default="", validator=must(rules.octets(0, 5)))
    """Of every message, also where a partner gave another; empty: the partner's."""
    messaging_mode: int = field(default=0, validator=must(rules.one_in(0, 1, 3)))
    """Bits 1-0 of esm_class where a message has none (SMPP v3.4 5.2.12): 0 the
    carrier's default, 1 datagram, 3 store and forward."""
    send_validity: str = field(
        default="as-given", validator=must(rules.one_of(*VALIDITIES))
    )
    """``as-given``: validity_period as a partner gave it; ``always``: also for messages
    without one, then the time until which we try; ``never``: not at all."""

"""What a value must be: the validators of the model's fields.

A rule says in words what is wrong with a value, or None. ``must`` and ``each`` make an
attrs validator of it; both raise ``Invalid``, which knows the key and, in a list, the
position, so that the loader can name the line.
"""

import ipaddress
import math
import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any, TypeAlias

from luckgw.config import endpoints, patterns, urls
from luckgw.config.lines import KeyPath

Rule: TypeAlias = Callable[[Any], str | None]
Validator: TypeAlias = Callable[[object, Any, Any], None]
Network: TypeAlias = ipaddress.IPv4Network | ipaddress.IPv6Network

DAY_S = 86_400


class Tlvs(tuple[tuple[int, bytes], ...]):
    """Optional parameters: tags with their values, each tag once."""

    __slots__ = ()


class Invalid(ValueError):
    """One or more values of a section can not be used."""

    def __init__(self, faults: Iterable[tuple[KeyPath, str]]) -> None:
        self.faults = tuple(faults)
        """The path inside the section, and what is wrong there."""
        super().__init__("; ".join(f"{path}: {what}" for path, what in self.faults))


def must(rule: Rule) -> Validator:
    """The validator of a field whose value the rule judges."""

    def validate(_: object, attribute: Any, value: Any) -> None:
        complaint = rule(value)
        if complaint is not None:
            raise Invalid([((attribute.name,), complaint)])

    return validate


def each(rule: Rule) -> Validator:
    """The validator of a tuple each of whose items the rule judges."""

    def validate(_: object, attribute: Any, value: Any) -> None:
        complaints = [(position, rule(item)) for position, item in enumerate(value)]
        faults = [
            ((attribute.name, position), complaint)
            for position, complaint in complaints
            if complaint is not None
        ]
        if faults:
            raise Invalid(faults)

    return validate


def only(value: object, why: str) -> Rule:
    """One value: what it says is so, and nothing else can be had yet."""

    def rule(given: object) -> str | None:
        return None if given == value else f"can only be {value!r} {why}"

    return rule


def between(least: float, most: float) -> Rule:
    """A number from ``least`` to ``most``, both allowed."""

    def rule(value: float) -> str | None:
        if least <= value <= most:
            return None
        return f"must be from {least} to {most}, not {value}"

    return rule


def words_for(*values: str) -> Validator:
    """The validator of a table from single words to some of these values."""

    def complaint(word: str, value: str) -> str | None:
        if not word.isprintable() or word.split() != [word]:
            return "is no single word"
        return one_of(*values)(value)

    def validate(_: object, attribute: Any, table: Mapping[str, str]) -> None:
        complaints = [(word, complaint(word, value)) for word, value in table.items()]
        faults = [
            ((attribute.name, word), what)
            for word, what in complaints
            if what is not None
        ]
        if faults:
            raise Invalid(faults)

    return validate


def not_negative(value: float) -> str | None:
    """A number that is 0 or more, and finite."""
    return None if 0 <= value < math.inf else f"must be 0 or more, not {value}"


def one_in(*numbers: int) -> Rule:
    """One of some numbers."""

    def rule(value: int) -> str | None:
        if value in numbers:
            return None
        return f"must be one of {', '.join(map(str, numbers))}; not {value}"

    return rule


def one_of(*words: str) -> Rule:
    """One of some words."""

    def rule(value: str) -> str | None:
        if value in words:
            return None
        return f"must be one of {', '.join(words)}; not {value!r}"

    return rule


def optional(rule: Rule) -> Validator:
    """The validator of a field that may be None, and otherwise what the rule says."""
    return must(lambda value: None if value is None else rule(value))


def at_most(characters: int) -> Rule:
    """A text that is not too long."""

    def rule(value: str) -> str | None:
        if len(value) <= characters:
            return None
        return f"must be at most {characters} characters long, not {len(value)}"

    return rule


_MOST_IN_AN_ADDRESS = 20


def sender_address(value: str) -> str | None:
    """A sender that an SMPP address can hold (v3.4 5.2.8)."""
    if not 1 <= len(value) <= _MOST_IN_AN_ADDRESS:
        return f"must be 1 to {_MOST_IN_AN_ADDRESS} characters, not {value!r}"
    return latin1(value)


def latin1(value: str) -> str | None:
    """A text that an SMPP address can hold: Latin-1 without control characters."""
    try:
        octets = value.encode("latin-1")
    except UnicodeEncodeError:
        return "must be Latin-1 text"
    return "must be Latin-1 text" if any(o < 0x20 for o in octets) else None  # noqa: PLR2004


_TON_NPI = re.compile(r"([0-9]{1,3})/([0-9]{1,3})")
_MOST_IN_AN_OCTET = 255


def ton_npi(value: str) -> tuple[int, int]:
    """The type of number and the numbering plan of ``"1/1"``. Raises ValueError."""
    found = _TON_NPI.fullmatch(value)
    if found is None:
        raise ValueError(f'must be like "1/1", not {value!r}')
    pair = int(found[1]), int(found[2])
    if max(pair) > _MOST_IN_AN_OCTET:
        raise ValueError(f"holds a number above 255: {value!r}")
    return pair


def ton_npi_or(*words: str) -> Rule:
    """A type of number and a numbering plan, or one of some words."""

    def rule(value: str) -> str | None:
        if value in words:
            return None
        try:
            ton_npi(value)
        except ValueError as error:
            return f"{error}{''.join(f', or {word}' for word in words)}"
        return None

    return rule


def replacement(expression: str, template: str) -> str | None:
    """What may stand for what a regular expression has matched."""
    try:
        re.compile(f"(?:{expression})|").sub(template, "")
    except (re.error, IndexError) as error:
        return f"can not be used with re: {error}"
    return None


_TAKEN_TAGS = {
    0x020C: "sar_msg_ref_num",
    0x020E: "sar_total_segments",
    0x020F: "sar_segment_seqnum",
    0x0424: "message_payload",
}


def vendor_tlvs(_: object, attribute: Any, value: Tlvs) -> None:
    """The validator of optional parameters that every message is to have."""
    faults = [
        ((attribute.name, f"{tag:#06x}"), f"is {_TAKEN_TAGS[tag]}, made of the text")
        for tag, _octets in value
        if tag in _TAKEN_TAGS
    ]
    if faults:
        raise Invalid(faults)


_NAME = re.compile(r"[A-Za-z0-9_-]{1,32}")


def name(value: str) -> str | None:
    """What a node, upstream, route or account may be called.

    Names become parts of the store's keys and labels of metrics.
    """
    if _NAME.fullmatch(value):
        return None
    return f"must be 1 to 32 letters, digits, - or _; not {value!r}"


def name_or_nothing(value: str) -> str | None:
    """A name, or an empty text for none."""
    return name(value) if value else None


_HOST = re.compile(r"[A-Za-z0-9]([A-Za-z0-9.:_-]{0,251}[A-Za-z0-9])?")


def host_or_nothing(value: str) -> str | None:
    """A host's name or address, or an empty text for none."""
    if not value or _HOST.fullmatch(value):
        return None
    return f"must be a host's name or address, not {value!r}"


def octets(least: int, most: int) -> Rule:
    """A text that fits an SMPP C-octet string of ``most`` octets before the NUL."""

    def rule(value: str) -> str | None:
        if not value.isascii() or (value and not value.isprintable()):
            return "must be printable ASCII"
        if least <= len(value) <= most:
            return None
        return f"must be {least} to {most} octets long, not {len(value)}"

    return rule


def number_of(*values: int) -> Rule:
    """One of some numbers."""

    def rule(value: int) -> str | None:
        if value in values:
            return None
        return f"must be one of {', '.join(map(str, values))}; not {value}"

    return rule


def not_empty(value: tuple[object, ...]) -> str | None:
    """A list with something in it."""
    return None if value else "must not be empty"


def no_repeats(value: tuple[object, ...]) -> str | None:
    """A list that names everything once."""
    twice = [item for position, item in enumerate(value) if item in value[:position]]
    return f"names {twice[0]!r} twice" if twice else None


_PREFIX = re.compile(r"[1-9][0-9]{0,14}")


def number_prefix(value: str) -> str | None:
    """The first digits of a number in international format (E.164: 15 at most)."""
    if _PREFIX.fullmatch(value):
        return None
    return (
        "must be the first 1 to 15 digits of an international number,"
        f" without + or 00; not {value!r}"
    )


_FUNCTION = re.compile(
    r"[A-Za-z_][A-Za-z0-9_]*(\.[A-Za-z_][A-Za-z0-9_]*)*:[A-Za-z_][A-Za-z0-9_]*"
)


def function(value: str) -> str | None:
    """The name of a function in a module."""
    if _FUNCTION.fullmatch(value):
        return None
    return f"must be like package.module:function, not {value!r}"


_NUMBER = re.compile(r"[0-9A-Za-z]{0,20}\*|[0-9A-Za-z]{1,20}")


def number_or_prefix(value: str) -> str | None:
    """A number as carriers write it (also a short code), or how it begins and ``*``."""
    if _NUMBER.fullmatch(value):
        return None
    return f"must be a number without +, or its first digits and *; not {value!r}"


def keyword(value: str) -> str | None:
    """One word."""
    return None if len(value.split()) == 1 else f"must be one word, not {value!r}"


def empty_or(rule: Rule) -> Rule:
    """Nothing, or what the rule says."""
    return lambda value: rule(value) if value else None


def not_blank(value: str) -> str | None:
    """A text with something to see in it."""
    return None if value.strip() else "must not be empty"


def accepted_by(check: Callable[[Any], object]) -> Rule:
    """A value for which ``check`` raises no ValueError."""

    def rule(value: object) -> str | None:
        try:
            check(value)
        except ValueError as error:
            return str(error)
        return None

    return rule


_FINGERPRINT = re.compile(r"sha256:(?:[0-9A-Fa-f]{2}:?){31}[0-9A-Fa-f]{2}")


def certificate(value: str) -> str | None:
    """How an account names a client certificate."""
    if value.startswith("subject:") and value != "subject:":
        return None
    if _FINGERPRINT.fullmatch(value):
        return None
    return (
        "must be sha256: and 64 hexadecimal digits,"
        f' or subject: and a name like "CN=gw1,O=Acme"; not {value!r}'
    )


def _compiles(value: str) -> None:
    try:
        re.compile(value)
    except re.error as error:
        raise ValueError(f"is not a regular expression: {error}") from None


expression = accepted_by(_compiles)
pattern = accepted_by(lambda entry: patterns.compile_patterns([entry]))
_HIGHEST_STATUS = 0xFFFFFFFF


def classes_of(*words: str) -> Rule:
    """What the codes of a table mean: one of some words for each.

    0 is no code to be classed: it is success.
    """

    def rule(value: Mapping[int, str]) -> str | None:
        for code, word in value.items():
            if not 0 < code <= _HIGHEST_STATUS:
                return f"holds {code:#x}, which can not be a refusal's command_status"
            if word not in words:
                return f"of {code:#x} must be one of {', '.join(words)}; not {word!r}"
        return None

    return rule


server_endpoint = accepted_by(endpoints.check_server)
smpp_endpoint = accepted_by(endpoints.check_smpp)
tls_endpoint = accepted_by(endpoints.check_tls)
client_endpoint = accepted_by(endpoints.check_client)
store_url = accepted_by(urls.check_store)
webhook_url = accepted_by(urls.check_webhook)

"""What a carrier makes of submit_sm that it is sent: the text that a phone shows."""

from collections.abc import Iterable

from luckgw.config import model
from luckgw.config.outgoing import UpstreamText
from luckgw.pipeline.outgoing import Outgoing
from luckgw.text.payload import read
from luckgw.text.reassembly import Reassembly, part_of
from luckgw.text.references import References
from luckgw.wire.pdus import Sm, decode_sm
from tests.dispatch.world import upstream_config

UDHI = 0x40
NOON_MS = 1_800_014_400_000  # 2027-01-15, 12:00 UTC


def outgoing(**tables: object) -> Outgoing:
    """For an upstream with these tables."""
    return Outgoing(upstream_config(**tables), References(lambda: 7))


def texting(**text: object) -> Outgoing:
    """For an upstream whose text table is this."""
    return outgoing(text=UpstreamText(**text))  # type: ignore[arg-type]


def account(**given: object) -> model.Account:
    """One, with a name."""
    return model.Account("acme", **given)  # type: ignore[arg-type]


def phone_shows(bodies: Iterable[bytes], alphabet: str) -> str | None:
    """The text, parts joined in the order in which they come; None: it is no text.

    ``alphabet`` is the carrier's, as in the configuration.
    """
    default_alphabet, _, packed = alphabet.partition("-")
    waiting = Reassembly(60.0, 10_000_000)
    for body in bodies:
        sm = decode_sm(body)
        user_data = read(
            sm.data_coding,
            sm.payload,
            udhi=bool(sm.esm_class & UDHI),
            default_alphabet=default_alphabet,
            packed=bool(packed),
        )
        part = part_of(sm.source_addr, sm.destination_addr, user_data, sm.tlvs)
        if part is None:
            return user_data.text()
        for joined in waiting.add(part, 0.0):
            return joined.text()
    raise AssertionError("parts are missing")


def sms(bodies: Iterable[bytes]) -> list[Sm]:
    """The bodies, decoded."""
    return [decode_sm(body) for body in bodies]

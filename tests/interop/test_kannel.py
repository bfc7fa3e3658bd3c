"""Kannel's bearerbox binds to the gateway as an ESME."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final

import pytest

from tests.interop.conftest import need
from tests.interop.kannel import Kannel
from tests.interop.stacks import KANNEL
from tests.interop.town import PASSWORD, Office, Town, town_number

STACK: Final = KANNEL
DELIVERED: Final = "1"
"""Kannel's kinds of reports: to the phone ..."""
ACCEPTED: Final = "8"
"""... taken by the SMSC ..."""
REFUSED: Final = "16"
"""... refused by it."""
EMOJI: Final = "Grüße, 世界 😀"

Make = Callable[..., Kannel]


@pytest.fixture
def make(town: Town, tmp_path: Path) -> Iterator[Make]:
    """Makes Kannels, started; they are gone after the test."""
    need(KANNEL)
    made: list[Kannel] = []

    def make(**settings: Any) -> Kannel:
        directory = tmp_path / f"kannel{len(made)}"
        directory.mkdir()
        port = town.tls_port if "ca" in settings else town.house.smpp_port
        kannel = Kannel(directory, port, **{"password": PASSWORD} | settings)
        made.append(kannel)
        kannel.start()
        return kannel

    yield make
    for kannel in made:
        kannel.close()


@pytest.fixture
def office(town: Town) -> Office:
    """The foreign carrier that the texts go to."""
    return town.office()


def test_a_short_text_and_its_receipts(make: Make, office: Office) -> None:
    """The bearerbox takes our id of 36 characters and knows it in the receipt."""
    kannel = make()
    to = office.number()
    reference = kannel.send(to, "Hello, it is 7 o'clock {5€}.")
    assert office.read(to) == "Hello, it is 7 o'clock {5€}."
    [taken] = kannel.wait_told("/dlr", reference=reference, kind=ACCEPTED)
    [delivered] = kannel.wait_told("/dlr", reference=reference, kind=DELIVERED)
    assert delivered["state"].startswith(f"id:{delivered['id']} sub:001 dlvrd:001 ")
    assert len(delivered["id"]) == 36
    assert taken["id"] == delivered["id"]


def test_ucs2_with_an_emoji(make: Make, office: Office) -> None:
    """Kannel's coding 2."""
    kannel = make()
    to = office.number()
    reference = kannel.send(to, EMOJI, coding="2")
    assert office.read(to) == EMOJI
    kannel.wait_told("/dlr", reference=reference, kind=DELIVERED)


@pytest.mark.parametrize(
    ("text", "coding", "parts"),
    [
        ("This text is longer than one message can be. " * 9, "0", 3),
        ("世界😀" * 50, "2", 3),
    ],
    ids=["gsm", "ucs2"],
)
def test_a_long_text(
    make: Make, office: Office, text: str, coding: str, parts: int
) -> None:
    """Kannel cuts it; each part comes with its header, and the phone reads it whole."""
    kannel = make()
    to = office.number()
    reference = kannel.send(to, text, coding=coding)
    assert office.read(to, parts) == text
    kannel.wait_told("/dlr", reference=reference, kind=DELIVERED)


def test_a_refusal(make: Make) -> None:
    """A number that is none: ESME_RINVDSTADR, which Kannel reports as refused."""
    kannel = make()
    reference = kannel.send("12", "Nobody there")
    kannel.wait_told("/dlr", reference=reference, kind=REFUSED)


def test_a_transmitter_and_a_receiver(make: Make, office: Office) -> None:
    """Without transceiver mode Kannel binds twice; receipts come by the other."""
    kannel = make(two_binds=True)
    to = office.number()
    reference = kannel.send(to, "Two binds")
    assert office.read(to) == "Two binds"
    kannel.wait_told("/dlr", reference=reference, kind=DELIVERED)


def test_a_wrong_password(make: Make) -> None:
    """0x0E, and Kannel tries again for ever."""
    make(password="wrong").wait_log("code 0x0000000e")


def test_enquire_link(make: Make) -> None:
    """Kannel asks every second here; the bind stays."""
    kannel = make()
    kannel.wait_log("type_name: enquire_link_resp", 2)
    assert "reconnect" not in kannel.log.read_text(errors="replace").lower()


def test_unbind_and_bind_again(make: Make, office: Office, town: Town) -> None:
    """A bearerbox that ends unbinds; the next one gets the receipts that waited."""
    first = make()
    first.wait_log("type_name: bind_transceiver_resp")
    first.close()
    assert "type_name: unbind" in first.log.read_text(errors="replace")
    second = make()
    to = office.number()
    reference = second.send(to, "Again")
    second.wait_told("/dlr", reference=reference, kind=DELIVERED)


def test_tls(make: Make, office: Office, town: Town) -> None:
    """The bearerbox over TLS."""
    kannel = make(ca=town.ca)
    to = office.number()
    reference = kannel.send(to, EMOJI, coding="2")
    assert office.read(to) == EMOJI
    kannel.wait_told("/dlr", reference=reference, kind=DELIVERED)


@pytest.mark.parametrize(
    ("text", "data_coding"), [("Yes please", 0), (EMOJI, 8)], ids=["gsm", "ucs2"]
)
def test_from_a_phone(make: Make, office: Office, text: str, data_coding: int) -> None:
    """A foreign carrier's deliver_sm reaches Kannel's service, letter by letter."""
    kannel = make()
    kannel.wait_log("type_name: bind_transceiver_resp")
    octets = text.encode("utf-16-be" if data_coding else "ascii")
    source = office.from_phone(town_number(KANNEL), octets, data_coding)
    [came] = kannel.wait_told("/mo", to=town_number(KANNEL))
    assert source in came["from"]
    assert came["text"].encode("latin-1") == octets

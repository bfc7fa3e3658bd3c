"""The gateway binds as an ESME to foreign carriers; a customer sends over HTTP."""

from typing import Final

import pytest

from tests.interop.conftest import need
from tests.interop.stacks import CARRIERS, NODE_SMPP, Stack
from tests.interop.town import IDS_AND_RECEIPTS, TEXT_FORMS, Office, Town

TEXTS: Final = {
    "ascii": ("Hello! This is a test via the new V1 API.", 1, 0),
    "gsm": ("Ärger mit @£$¥èéΔΩ? {12} [34] ~ 5€ \\ | ^", 1, 0),
    "ucs2": ("Grüße, 世界 😀", 1, 8),
    "long gsm": ("It costs 5€ {each}. " * 18, 3, 0),
    "long ucs2": ("世界😀ß" * 30, 3, 8),
}


@pytest.fixture
def office(stack: Stack, manner: str, town: Town) -> Office:
    """A foreign carrier of this manner."""
    need(stack)
    if manner in stack.lacks:
        pytest.skip(f"a server on {stack.name} can not do {manner}")
    return town.offices[f"{stack.name}-{manner}"]


every_carrier = pytest.mark.parametrize("stack", CARRIERS, ids=lambda each: each.name)
plain = pytest.mark.parametrize("manner", ["text"])


@every_carrier
@plain
@pytest.mark.parametrize("kind", TEXTS)
def test_a_text_arrives(town: Town, office: Office, kind: str) -> None:
    """A text that fits goes as one submit_sm, a longer one in parts; one receipt."""
    text, parts, data_coding = TEXTS[kind]
    to = office.number()
    message_id = town.send(to, text)
    assert office.read(to, parts) == text
    came = office.received(to, parts)
    assert {each["form"] for each in came} == {"short" if parts == 1 else "udh"}
    assert {each["data_coding"] for each in came} == {data_coding}
    assert {tuple(each["ton_npi"]) for each in came} == {(5, 0, 1, 1)}
    assert {each["registered_delivery"] for each in came} == {1}
    town.house.wait_status(message_id, "DELIVERED")


@every_carrier
@pytest.mark.parametrize("manner", IDS_AND_RECEIPTS)
def test_ids_and_receipts(town: Town, office: Office) -> None:
    """Whatever the carrier does with ids and receipts, the message is found again."""
    to = office.number()
    message_id = town.send(to, "Where are you?")
    [came] = office.received(to)
    town.house.wait_status(message_id, "DELIVERED")
    assert office.carrier.wait("receipt", id=came["id"])[0]["status"] == 0


@every_carrier
@pytest.mark.parametrize("manner", TEXT_FORMS)
@pytest.mark.parametrize("kind", ["long gsm", "long ucs2"])
def test_the_form_of_a_long_text(
    town: Town, office: Office, manner: str, kind: str
) -> None:
    """Parts are told from each other as the carrier wants it, or it gets the whole."""
    text, parts, _ = TEXTS[kind]
    parts = 1 if manner == "payload" else parts
    to = office.number()
    message_id = town.send(to, text)
    assert office.read(to, parts) == text
    forms = {each["form"] for each in office.received(to, parts)}
    assert forms == {"udh" if manner == "udh16" else manner}
    town.house.wait_status(message_id, "DELIVERED")


@every_carrier
@plain
def test_a_refusal(town: Town, office: Office) -> None:
    """ESME_RINVDSTADR ends the message as REJECTED."""
    message_id = town.send(office.number("0011"), "Nobody there")
    town.house.wait_status(message_id, "REJECTED")


@every_carrier
@plain
def test_a_throttle(town: Town, office: Office) -> None:
    """ESME_RTHROTTLED: the same message comes again, and is delivered."""
    to = office.number("0088")
    message_id = town.send(to, "Not so fast")
    town.house.wait_status(message_id, "DELIVERED", within_s=20)
    assert [each["status"] for each in office.carrier.found("submit", to=to)] == [
        0x58,
        0,
    ]


@every_carrier
@plain
def test_it_binds_again(town: Town, office: Office) -> None:
    """After the carrier's unbind the gateway comes back, and messages have waited."""
    before = len(office.carrier.found("bound"))
    office.carrier.ask("unbind", "left")
    to = office.number()
    message_id = town.send(to, "Are you back?")
    office.carrier.wait("bound", before + 1)
    assert office.read(to) == "Are you back?"
    town.house.wait_status(message_id, "DELIVERED")


@pytest.mark.parametrize("stack", [NODE_SMPP], ids=lambda each: each.name)
def test_tls(town: Town, stack: Stack) -> None:
    """A carrier's certificate is checked against the authority that is trusted."""
    need(stack)
    office = town.offices[f"{stack.name}-text-tls"]
    to = office.number()
    message_id = town.send(to, "Grüße 😀")
    assert office.read(to) == "Grüße 😀"
    town.house.wait_status(message_id, "DELIVERED")

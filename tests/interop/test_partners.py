"""Foreign ESMEs bind to the gateway and send through it to a foreign carrier.

What the carrier reads is compared with what the partner was given to send, so a text
goes from one foreign stack through the gateway to another.
"""

from collections.abc import Callable
from typing import Final

import pytest

from tests.interop.foreign import WITHIN_S
from tests.interop.stacks import PARTNERS, Stack
from tests.interop.town import SOURCE, Office, Partner, Town, decoded, town_number
from tests.journeys.house import until

SHORT: Final = "Hello, it is 7 o'clock (GMT)."
EMOJI: Final = "Grüße, 世界 😀"
LONG: Final = "This text is longer than one message can be. " * 9
LONG_EMOJI: Final = "世界😀" * 40
GSM_PARTS: Final = 3
UCS2_PARTS: Final = 3
DELIVERED: Final = 2
DELETED: Final = 4

Start = Callable[..., Partner]


def named(stacks: tuple[Stack, ...], *able: str) -> pytest.MarkDecorator:
    """The test runs with each of these stacks that can do all of that."""
    fit = [stack for stack in stacks if not stack.lacks & set(able)]
    return pytest.mark.parametrize("stack", fit, ids=lambda stack: stack.name)


@pytest.fixture
def bound(stack: Stack, partner: Start) -> Partner:
    """A partner on this stack, bound as a transceiver."""
    it = partner(stack)
    assert it.bind() == 0
    return it


@pytest.fixture
def office(town: Town) -> Office:
    """The foreign carrier that the texts of this test go to."""
    return town.office()


@named(PARTNERS)
class TestTexts:
    """One text in each of the ways that SMPP has for it."""

    def test_a_short_text_and_its_receipt(
        self, bound: Partner, office: Office, town: Town, stack: Stack
    ) -> None:
        """An id of 36 characters, the text at the carrier, a receipt with the id."""
        to = office.number()
        [message_id] = bound.submit(to, SHORT)
        assert len(message_id) == 36
        assert office.read(to) == SHORT
        receipt = bound.receipt(message_id)
        assert (receipt["source"], receipt["destination"]) == (to, SOURCE)
        assert (receipt["esm_class"], receipt["state"]) == (0x04, DELIVERED)
        text = receipt.get("text") or bytes.fromhex(receipt["octets"]).decode()
        assert text.startswith(f"id:{message_id} sub:001 dlvrd:001 submit date:")
        assert " stat:DELIVRD err:000 text:" in text
        town.wait_delivered(stack, message_id)

    def test_ucs2_with_an_emoji(self, bound: Partner, office: Office) -> None:
        """data_coding 8, UTF-16: what is beyond the basic plane arrives, too."""
        to = office.number()
        [message_id] = bound.submit(to, EMOJI)
        assert office.read(to) == EMOJI
        assert office.received(to)[0]["data_coding"] == 8
        bound.receipt(message_id)

    @pytest.mark.parametrize(
        ("text", "parts"), [(LONG, GSM_PARTS), (LONG_EMOJI, UCS2_PARTS)]
    )
    def test_parts_with_a_header(
        self, bound: Partner, office: Office, text: str, parts: int
    ) -> None:
        """Segments with a user data header pass unchanged, each with an id."""
        to = office.number()
        ids = bound.submit(to, text, parts=parts)
        assert len(set(ids)) == parts
        assert office.read(to, parts) == text
        assert {each["form"] for each in office.received(to, parts)} == {"udh"}
        for message_id in ids:
            bound.receipt(message_id)

    def test_sar(self, bound: Partner, office: Office) -> None:
        """Segments with sar_* pass unchanged."""
        to = office.number()
        ids = bound.submit(to, LONG, "sar", GSM_PARTS)
        assert office.read(to, GSM_PARTS) == LONG
        assert {each["form"] for each in office.received(to, GSM_PARTS)} == {"sar"}
        for message_id in ids:
            bound.receipt(message_id)

    @pytest.mark.parametrize("text", [LONG, LONG_EMOJI])
    def test_message_payload(self, bound: Partner, office: Office, text: str) -> None:
        """A long text in one message_payload is one message with one receipt.

        The carrier gets it in parts, as it wants them.
        """
        form, parts = "udh", 3
        to = office.number()
        [message_id] = bound.submit(to, text, "payload")
        assert office.read(to, parts) == text
        assert {each["form"] for each in office.received(to, parts)} == {form}
        bound.receipt(message_id)

    def test_a_carriers_refusal(self, bound: Partner, office: Office) -> None:
        """ESME_RINVDSTADR of the carrier is a receipt REJECTD, state 8."""
        [message_id] = bound.submit(office.number("0011"), SHORT)
        assert bound.receipt(message_id)["state"] == 8

    def test_a_bad_number(self, bound: Partner) -> None:
        """ESME_RINVDSTADR at once; the session goes on."""
        bound.foreign.tell(
            "submit", tag="bad", source=SOURCE, to="12", text="x", form="parts"
        )
        assert bound.foreign.wait("submitted", tag="bad")[0]["status"] == 0x0B
        bound.submit("233501234567", SHORT)


@named(PARTNERS)
class TestSessions:
    """Binding, and what keeps a bind."""

    def test_wrong_credentials(self, partner: Start, stack: Stack) -> None:
        """0x0E for a wrong password and for an unknown system_id; then it can bind."""
        it = partner(stack)
        refused = -1 if "bind status" in stack.lacks else 0x0E
        assert it.bind(password="wrong") == refused
        assert it.bind(system_id=f"no-{stack.name}") == refused
        assert it.bind() == 0
        it.submit("233501234567", SHORT)

    def test_rebind_brings_what_was_kept(
        self, partner: Start, stack: Stack, town: Town
    ) -> None:
        """A transmitter gets no receipt; the receiver that binds after it does."""
        it = partner(stack)
        assert it.bind("transmitter") == 0
        [message_id] = it.submit(town.office().number(), SHORT)
        town.wait_delivered(stack, message_id)
        assert it.foreign.ask("unbind", "unbound")["status"] == 0
        assert it.foreign.found("deliver", id=message_id) == []
        assert it.bind("receiver") == 0
        it.receipt(message_id)

    def test_two_sessions(self, partner: Start, stack: Stack, town: Town) -> None:
        """Two binds of an account: each receipt comes once, over one of them."""
        both = [partner(stack), partner(stack)]
        ids: list[str] = []
        for it in both:
            assert it.bind() == 0
        for it in both:
            ids += it.submit(town.office().number(), SHORT)

        def came() -> list[str]:
            return [e["id"] for it in both for e in it.foreign.found("deliver")]

        until(lambda: set(ids) <= set(came()), WITHIN_S, "both receipts")
        for it in both:
            assert it.foreign.ask("unbind", "unbound")["status"] == 0
        assert [came().count(message_id) for message_id in ids] == [1, 1]


@named(PARTNERS, "enquire")
def test_enquire_link(bound: Partner) -> None:
    """enquire_link is answered with status 0."""
    assert bound.foreign.ask("enquire", "enquired")["status"] == 0


@named(PARTNERS, "tls")
def test_tls(partner: Start, stack: Stack, town: Town) -> None:
    """The same over TLS, with the certificate checked."""
    it = partner(stack, tls=True)
    assert it.bind() == 0
    to = town.office().number()
    [message_id] = it.submit(to, EMOJI)
    assert town.office().read(to) == EMOJI
    it.receipt(message_id)
    assert it.foreign.ask("unbind", "unbound")["status"] == 0


@named(PARTNERS, "query")
def test_query(bound: Partner, office: Office) -> None:
    """query_sm tells the state of a delivered message."""
    [message_id] = bound.submit(office.number(), SHORT)
    bound.receipt(message_id)
    answer = bound.foreign.ask("query", "queried", id=message_id, source=SOURCE)
    assert (answer["status"], answer["state"]) == (0, DELIVERED)


@named(PARTNERS, "query", "cancel")
class TestCancel:
    """cancel_sm, in time and too late."""

    def test_in_time(self, bound: Partner, town: Town) -> None:
        """A message whose carrier is down is canceled; then its state is DELETED."""
        [message_id] = bound.submit(town.nowhere(), SHORT)
        of = {"id": message_id, "source": SOURCE}
        assert bound.foreign.ask("query", "queried", **of)["status"] == 0
        assert bound.foreign.ask("cancel", "canceled", **of)["status"] == 0
        answer = bound.foreign.ask("query", "queried", **of)
        assert (answer["status"], answer["state"]) == (0, DELETED)

    def test_too_late(self, bound: Partner, office: Office) -> None:
        """A delivered message: ESME_RCANCELFAIL."""
        [message_id] = bound.submit(office.number(), SHORT)
        bound.receipt(message_id)
        answer = bound.foreign.ask("cancel", "canceled", id=message_id, source=SOURCE)
        assert answer["status"] == 0x11


@named(PARTNERS, "rare")
class TestRare:
    """What few clients send."""

    def test_replace(self, bound: Partner, town: Town) -> None:
        """replace_sm of a message whose carrier is down; of one that is not: 0x13."""
        [message_id] = bound.submit(town.nowhere(), SHORT)
        given = {"source": SOURCE, "text": "Another text"}
        answer = bound.foreign.ask("replace", "replaced", id=message_id, **given)
        assert answer["status"] == 0
        strange = "00000000-0000-4000-8000-000000000000"
        answer = bound.foreign.ask("replace", "replaced", id=strange, **given)
        assert answer["status"] != 0

    def test_submit_multi(self, bound: Partner, office: Office) -> None:
        """One text to two numbers and a bad one: the two arrive, the third is told."""
        good = [office.number(), office.number()]
        answer = bound.foreign.ask(
            "multi", "submitted", tag="m", source=SOURCE, to=[*good, "12"], text=SHORT
        )
        assert answer["status"] == 0
        assert answer["refused"] == ["12"]
        for to in good:
            assert office.read(to) == SHORT

    def test_data_sm(self, bound: Partner, office: Office) -> None:
        """data_sm with a message_payload is a message like another."""
        to = office.number()
        [message_id] = bound.submit(to, EMOJI, "data_sm")
        assert office.read(to) == EMOJI
        bound.receipt(message_id)


@named(PARTNERS)
class TestFromPhones:
    """A foreign carrier sends deliver_sm, a foreign partner gets it."""

    @pytest.mark.parametrize(
        ("text", "data_coding"), [("Yes please", 0), (EMOJI, 8)], ids=["gsm", "ucs2"]
    )
    def test_a_text(
        self, bound: Partner, office: Office, stack: Stack, text: str, data_coding: int
    ) -> None:
        """Text, numbers and data_coding arrive as they were sent, and as no receipt."""
        octets = text.encode("utf-16-be" if data_coding else "ascii")
        source = office.from_phone(town_number(stack), octets, data_coding)
        [came] = bound.foreign.wait("deliver", source=source)
        assert came["destination"] == town_number(stack)
        assert came["esm_class"] & 0x3C == 0
        assert came["data_coding"] == data_coding
        assert decoded([came]) == text

    def test_parts(self, bound: Partner, office: Office, stack: Stack) -> None:
        """Parts with a header come together, in whatever order they were sent."""
        source = office.number()
        for number, part in ((2, b" again"), (1, b"Yes please")):
            header = bytes([5, 0, 3, 9, 2, number])
            office.from_phone(
                town_number(stack), header + part, esm_class=0x40, source=source
            )
        [came] = bound.foreign.wait("deliver", source=source)
        assert decoded([came]) == "Yes please again"

    def test_it_waits(self, partner: Start, office: Office, stack: Stack) -> None:
        """A text that comes while nobody is bound is there at the next bind."""
        source = office.from_phone(town_number(stack), b"Anybody there?")
        it = partner(stack)
        assert it.bind("receiver") == 0
        [came] = it.foreign.wait("deliver", source=source)
        assert decoded([came]) == "Anybody there?"

"""Foreign stacks as partners: smpplib over real sockets."""

import contextlib
import socket
import struct
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import smpplib.client
import smpplib.consts
import smpplib.exceptions

from tests.journeys.house import House


@pytest.fixture
def bind(house: House) -> Iterator[Callable[..., "Partner"]]:
    """Binds partners to the gateway; they leave after the test."""
    partners: list[Partner] = []

    def bind(kind: str = "transceiver", **given: str) -> Partner:
        partners.append(Partner(house))
        partners[-1].bind(kind, **given)
        return partners[-1]

    yield bind
    for partner in partners:
        partner.leave()


class Partner:
    """An ESME on smpplib."""

    def __init__(self, house: House) -> None:
        self.client = smpplib.client.Client(
            "127.0.0.1", house.smpp_port, timeout=10, allow_unknown_opt_params=True
        )
        self.answers: list[Any] = []
        self.receipts: list[Any] = []
        self.client.set_message_sent_handler(self._answered)
        self.client.set_message_received_handler(self._received)
        self.client.set_error_pdu_handler(lambda _pdu: None)  # it comes as an answer
        self.client.connect()

    def _answered(self, pdu: Any) -> None:
        self.answers.append(pdu)

    def _received(self, pdu: Any) -> None:
        self.receipts.append(pdu)

    def bind(self, kind: str, **given: str) -> None:
        """Bind; raises PDUError when refused."""
        credentials = {"system_id": "acme", "password": "secret"} | given
        getattr(self.client, f"bind_{kind}")(**credentials)

    def submit(
        self, text: bytes, to: str = "233501234567", source: str = "LuckCreators"
    ) -> None:
        """Send a submit_sm with the portal's PDU settings."""
        self.client.send_message(
            source_addr_ton=smpplib.consts.SMPP_TON_ALNUM,
            source_addr_npi=smpplib.consts.SMPP_NPI_UNK,
            source_addr=source,
            dest_addr_ton=smpplib.consts.SMPP_TON_INTL,
            dest_addr_npi=smpplib.consts.SMPP_NPI_ISDN,
            destination_addr=to,
            short_message=text,
            registered_delivery=1,
        )

    def read(self, answers: int = 0, receipts: int = 0) -> None:
        """Read PDUs until there are that many."""
        while len(self.answers) < answers or len(self.receipts) < receipts:
            self.client.read_once()

    def leave(self) -> None:
        """Unbind if bound, and close."""
        with contextlib.suppress(Exception):
            if self.client.state != smpplib.consts.SMPP_CLIENT_STATE_OPEN:
                self.client.unbind()
        self.client.disconnect()


Bind = Callable[..., Partner]


def test_smpplib_submits_and_gets_its_receipt(house: House, bind: Bind) -> None:
    """bind_transceiver, submit_sm, a UUID in the answer, deliver_sm with the same."""
    partner = bind()
    partner.submit(b"Hello from smpplib")
    partner.read(answers=1)
    message_id = partner.answers[0].message_id.decode()
    assert len(message_id) == 36
    partner.read(receipts=1)
    receipt = partner.receipts[0]
    assert receipt.esm_class == 0x04
    text = receipt.short_message.decode()
    assert text.startswith(f"id:{message_id} sub:001 dlvrd:001 submit date:")
    assert " stat:DELIVRD err:000 text:Hello from smpplib" in text
    assert receipt.receipted_message_id.rstrip(b"\0").decode() == message_id
    assert receipt.source_addr == b"233501234567"
    assert receipt.destination_addr == b"LuckCreators"
    assert house.status(message_id) == "DELIVERED"


def test_a_receipt_waits_for_its_partner(house: House, bind: Bind) -> None:
    """A transmitter gets no receipt; it is kept, and comes to a receiver that binds."""
    sender = bind("transmitter")
    sender.submit(b"kept")
    sender.read(answers=1)
    message_id = sender.answers[0].message_id.decode()
    house.wait_status(message_id, "DELIVERED")
    sender.leave()
    receiver = bind("receiver")
    receiver.read(receipts=1)
    assert message_id in receiver.receipts[0].short_message.decode()


def test_wrong_credentials_are_answered_alike(bind: Bind) -> None:
    """Unknown system_id and wrong password: ESME_RINVPASWD for both."""
    for given in ({"password": "wrong"}, {"system_id": "nobody"}):
        with pytest.raises(smpplib.exceptions.PDUError) as refused:
            bind(**given)
        assert refused.value.args[1] == 0x0E


def test_one_bind_more_than_allowed_is_refused(bind: Bind) -> None:
    """The fifth bind of an account with four: ESME_RBINDFAIL; the four live on."""
    partners = [bind() for _ in range(4)]
    with pytest.raises(smpplib.exceptions.PDUError) as refused:
        bind()
    assert refused.value.args[1] == 0x0D
    for partner in partners:
        partner.submit(b"x")
        partner.read(answers=1)


def test_a_bad_message_is_refused_and_the_next_one_taken(bind: Bind) -> None:
    """A bad destination 0x0B, a strange sender 0x0A, and the session goes on."""
    partner = bind()
    partner.submit(b"x", to="not a number")
    partner.submit(b"x", source="Stranger")
    partner.submit(b"and now a good one")
    partner.read(answers=3, receipts=1)
    assert [answer.status for answer in partner.answers] == [0x0B, 0x0A, 0]


def test_garbage_hurts_only_who_sends_it(house: House, bind: Bind) -> None:
    """An HTTP request on the SMPP port: generic_nack and close; others live on."""
    partner = bind()
    with socket.create_connection(("127.0.0.1", house.smpp_port), 10) as other:
        other.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        answer = b"".join(iter(lambda: other.recv(4096), b""))
    assert struct.unpack(">3I", answer[:12]) == (16, 0x80000000, 0x02)
    partner.submit(b"still here")
    partner.read(answers=1, receipts=1)
    assert partner.answers[0].status == 0
    assert "Traceback" not in house.log.read_text()

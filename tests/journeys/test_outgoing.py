"""Carriers that want messages in different ways, each its own."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import smpplib.client

from tests.journeys.house import Carrier, House, free_port, until
from tests.pipeline.carrier import phone_shows

MORE = """
[upstreams.packed]
endpoint = "tcp:127.0.0.1:{packed}"
system_id = "sandbox"
password = {{ file = "carrier.password" }}
text = {{ form = "udh16", alphabet = "gsm7-packed", languages = ["turkish"] }}
submit_sm = {{ service_type = "OTP", messaging_mode = 3 }}
vendor_tlvs = {{ 0x1401 = {{ hex = "0a0b" }} }}

[upstreams.latin]
endpoint = "tcp:127.0.0.1:{latin}"
system_id = "sandbox"
password = {{ file = "carrier.password" }}
text = {{ form = "sar", alphabet = "latin1", also = [], max_segments = 3 }}
[upstreams.latin.addresses]
source = "2/8"
destination = "2/1"
rewrite_destination = [{{ prefix = "233", to = "0" }}]

[upstreams.whole]
endpoint = "tcp:127.0.0.1:{whole}"
system_id = "sandbox"
password = {{ file = "carrier.password" }}
text = {{ form = "payload" }}
addresses = {{ plus = true }}

[[routes]]
name = "packed"
to = ["packed"]
match = {{ prefix = "23320" }}
[[routes]]
name = "latin"
to = ["latin"]
match = {{ prefix = "23321" }}
[[routes]]
name = "whole"
to = ["whole"]
match = {{ prefix = "23322" }}

[accounts.western]
password = "secret"
senders = "*"
default_alphabet = "latin1"
"""
PLAIN, PACKED, LATIN, WHOLE = "23350", "23320", "23321", "23322"
ALPHABETS = {
    PLAIN: "gsm7",
    PACKED: "gsm7-packed",
    LATIN: "latin1",
    WHOLE: "gsm7",
}


class Country:
    """A gateway, four carriers, and what they got."""

    def __init__(self, house: House, carriers: dict[str, Carrier]) -> None:
        self.house = house
        self._carriers = carriers
        self._read = dict.fromkeys(carriers, 0)

    def got(self, prefix: str, count: int) -> list[dict[str, Any]]:
        """The next messages that a carrier got."""
        carrier, read = self._carriers[prefix], self._read[prefix]
        until(lambda: len(carrier.got()) >= read + count, 10, f"{count} to {prefix}")
        self._read[prefix] += count
        assert len(carrier.got()) == read + count
        return carrier.got()[read:]

    def shown(self, prefix: str, got: list[dict[str, Any]]) -> str | None:
        """What a phone there shows, were the parts to come in the reverse order."""
        bodies = [bytes.fromhex(each["body"]) for each in got]
        return phone_shows(reversed(bodies), ALPHABETS[prefix])


@pytest.fixture(scope="module")
def country(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Country]:
    """One gateway for all of these: they only read what is new."""
    folder: Path = tmp_path_factory.mktemp("country")
    house = House(folder)
    carriers = {
        prefix: Carrier(free_port(), folder / f"{prefix}.jsonl") for prefix in ALPHABETS
    }
    house.carrier = carriers[PLAIN]
    text = house.config.read_text()
    plain = f"tcp:127.0.0.1:{carriers[PLAIN].port}"
    lines = [
        f'endpoint = "{plain}"' if line.startswith("endpoint") else line
        for line in text.splitlines()
    ]
    house.config.write_text("\n".join(['include = ["more.toml"]', *lines]))
    more = MORE.format(
        packed=carriers[PACKED].port,
        latin=carriers[LATIN].port,
        whole=carriers[WHOLE].port,
    )
    (folder / "more.toml").write_text(more)
    try:
        for carrier in carriers.values():
            carrier.start()
        house.start()
        house.wait_ready()
        yield Country(house, carriers)
    finally:
        house.close()
        for carrier in carriers.values():
            carrier.stop()


LONG = "Hello {world}! " * 20
EMOJI = "👨\u200d👩\u200d👧 café 🇬🇭 " * 12
TURKISH = "Şişli'de \u0131l\u0131k bir gün, \u0131ğd\u0131r. " * 8


@pytest.mark.parametrize("text", ["Hello @ café €", "naïve Á", LONG, EMOJI, TURKISH])
@pytest.mark.parametrize("prefix", ALPHABETS)
def test_a_text_by_http(country: Country, prefix: str, text: str) -> None:
    """What was written is what a phone shows, behind a carrier of any kind; the answer
    tells the segments on the air, and the message arrives.
    """
    answer = country.house.send(to=f"{prefix}1234567", content=text)
    if prefix == LATIN and text in {EMOJI, TURKISH}:
        assert answer.status_code == 400
        assert "at most 3 are allowed" in answer.headers["X-Error-Detail"]
        return
    assert answer.status_code == 200, answer.text
    segments = int(answer.headers["X-Segments"])
    got = country.got(prefix, 1 if prefix == WHOLE else segments)
    assert country.shown(prefix, got) == text
    assert (segments > 1) == (text in {LONG, EMOJI, TURKISH})
    country.house.wait_status(answer.headers["X-Message-Id"], "DELIVERED")


def test_forms_and_fields(country: Country) -> None:
    """Headers, TLVs, addresses: each carrier's own."""
    house = country.house
    for prefix in ALPHABETS:
        assert house.send(to=f"{prefix}1234567", content="a" * 161).ok
    (plain, _) = country.got(PLAIN, 2)
    assert plain["short_message"].startswith("050003")
    assert (plain["source"], plain["destination"]) == ("5/0", "1/1")
    (packed, _) = country.got(PACKED, 2)
    assert packed["short_message"].startswith("060804")
    assert (packed["service_type"], packed["esm_class"]) == ("OTP", 0x43)
    assert packed["tlvs"] == {"0x1401": "0a0b"}
    (latin, _) = country.got(LATIN, 2)
    assert (latin["esm_class"], set(latin["tlvs"])) == (
        0,
        {"0x020c", "0x020e", "0x020f"},
    )
    assert (latin["source"], latin["destination"]) == ("2/8", "2/1")
    assert latin["destination_addr"] == "0211234567"
    (whole,) = country.got(WHOLE, 1)
    assert (whole["short_message"], whole["tlvs"]) == ("", {"0x0424": "61" * 161})
    assert whole["destination_addr"] == "+233221234567"


def test_a_wish_for_transliteration(country: Country) -> None:
    """It is granted to the call that asks."""
    house = country.house
    assert house.send(to=f"{PLAIN}1234567", content="“ok”", transliterate="true").ok
    assert country.shown(PLAIN, country.got(PLAIN, 1)) == '"ok"'


@pytest.fixture
def bind(country: Country) -> Iterator[Callable[[str], Any]]:
    """Binds partners on smpplib; they leave after the test."""
    clients: list[Any] = []

    def bind(system_id: str) -> Any:
        client = smpplib.client.Client(
            "127.0.0.1",
            country.house.smpp_port,
            timeout=10,
            allow_unknown_opt_params=True,
        )
        client.connect()
        client.bind_transceiver(system_id=system_id, password="secret")
        clients.append(client)
        return client

    yield bind
    for client in clients:
        client.unbind()
        client.disconnect()


def submit(client: Any, prefix: str, **fields: Any) -> Any:
    """Send a submit_sm; gives its receipt."""
    receipts: list[Any] = []
    client.set_message_received_handler(
        lambda pdu: receipts.append(pdu)  # noqa: PLW0108 - it is given by name
    )
    client.send_message(
        source_addr_ton=5,
        source_addr_npi=0,
        source_addr="LuckCreators",
        dest_addr_ton=1,
        dest_addr_npi=1,
        destination_addr=f"{prefix}1234567",
        registered_delivery=1,
        **fields,
    )
    while not receipts:
        client.read_once()
    return receipts[0]


@pytest.mark.parametrize("prefix", ALPHABETS)
def test_partners_of_two_alphabets(
    country: Country, bind: Callable[[str], Any], prefix: str
) -> None:
    """By data_coding 0 one means GSM 7-bit, the other Latin-1; a phone shows what each
    of them wrote. A receipt has the number that the partner knows.
    """
    receipt = submit(bind("acme"), prefix, short_message=b"\0 \x05 hello")
    assert country.shown(prefix, country.got(prefix, 1)) == "@ é hello"
    assert receipt.source_addr == f"{prefix}1234567".encode()
    western = bind("western")
    submit(western, prefix, short_message=b"@ \xe9 hello")
    assert country.shown(prefix, country.got(prefix, 1)) == "@ é hello"
    submit(western, prefix, short_message=b"\xe1gua")
    assert country.shown(prefix, country.got(prefix, 1)) == "água"


@pytest.mark.parametrize("prefix", ALPHABETS)
def test_a_partners_long_texts(
    country: Country, bind: Callable[[str], Any], prefix: str
) -> None:
    """A message_payload is cut for the carrier, under one id; parts that the partner
    has cut stay parts, in whatever alphabet they arrive.
    """
    partner = bind("acme")
    submit(partner, prefix, message_payload=b"hello world " * 20)
    got = country.got(prefix, 1 if prefix == WHOLE else 2)
    assert country.shown(prefix, got) == "hello world " * 20
    for number in (1, 2):
        header = bytes((5, 0, 3, 77, 2, number))
        submit(partner, prefix, esm_class=0x40, short_message=header + b"\0" * 153)
    assert country.shown(prefix, country.got(prefix, 2)) == "@" * 306

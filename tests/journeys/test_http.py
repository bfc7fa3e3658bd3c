"""HTTP in, the carrier out, the receipt back, as the portal prints it."""

import re
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import requests

from tests.journeys.house import House, until


def test_the_portals_example_is_delivered(house: House) -> None:
    """The printed Python example gives Success "UUID", and DELIVERED within 5 s."""
    answer = house.send()
    assert answer.status_code == 200
    assert answer.headers["Content-Type"].startswith("text/plain")
    found = re.fullmatch(r'Success "([0-9a-f-]{36})"', answer.text)
    assert found is not None
    house.wait_status(found[1], "DELIVERED", within_s=5)


def test_a_key_in_the_query_and_get_will_do(house: House) -> None:
    """GET with api_key and the other parameters in the query sends a message."""
    answer = requests.get(
        house.url("/api/v1/send"),
        params={
            "api_key": house.key,
            "from": "LuckCreators",
            "to": "+233 50 123 4567",
            "content": "hé",
        },
        timeout=10,
    )
    assert answer.status_code == 200
    assert answer.text.startswith('Success "')


def test_what_the_carrier_refuses_or_loses_is_told(house: House) -> None:
    """Each recipe of the sandbox ends in the state that its receipt names."""
    expected = {
        "233501230001": "DELIVERED",
        "233501230002": "UNDELIVERED",
        "233501230003": "EXPIRED",
        "233501230005": "DELIVERED",
        "233501230006": "DELIVERED",
        "233501230008": "REJECTED",
        "233501230010": "SENT",
    }
    ids = {to: house.sent(to=to) for to in expected}
    for to, state in expected.items():
        house.wait_status(ids[to], state)


def test_a_throttled_message_is_sent_again(house: House) -> None:
    """Three times ESME_RTHROTTLED, then accepted: the message is not lost."""
    house.wait_status(house.sent(to="233501230007"), "DELIVERED", within_s=20)


def test_a_long_text_is_one_message(house: House) -> None:
    """Three segments, one UUID, one DELIVERED."""
    message_id = house.sent(content="ж" * 200)
    house.wait_status(message_id, "DELIVERED")


def test_refusals_are_the_portals_words(house: House) -> None:
    """Wrong key, bad parameter: the dictionary's bodies, byte for byte."""
    wrong = requests.post(
        house.url("/api/v1/send/"),
        json={"from": "LuckCreators", "to": "233501234567", "content": "x"},
        headers={"Authorization": "Bearer YOUR_API_KEY"},
        timeout=10,
    )
    assert (wrong.status_code, wrong.text) == (401, "(14) Invalid Password")
    bad = house.send(to="0501234567")
    assert (bad.status_code, bad.text) == (400, "PDU Error")
    assert "international" in bad.headers["X-Error-Detail"]


def test_a_revoked_key_is_worthless_within_a_second(house: House) -> None:
    """``luckgw key revoke`` takes effect at once, on a key that has just worked."""
    house.sent()
    key_id = house.key.split("_")[2]
    assert house.luckgw("key", "revoke", "acme", key_id).returncode == 0
    until(lambda: house.send().status_code == 401, 1.5, "the key is refused")
    assert "REVOKED" in house.luckgw("key", "list", "acme").stdout


class _Sink(BaseHTTPRequestHandler):
    """A customer's webhook that refuses the first call."""

    bodies: list[bytes]
    refuse = 1

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if self.refuse:
            type(self).refuse -= 1
            self.send_response(500)
        else:
            self.bodies.append(body)
            self.send_response(204)
        self.end_headers()

    def log_message(self, *_args: Any) -> None:
        """Say nothing."""


def test_the_webhook_gets_the_published_body(build: Callable[..., House]) -> None:
    """SENT, then DELIVERED, in order, with the body exactly as published; a failed call
    is repeated, and what came after it waits.
    """
    bodies: list[bytes] = []
    sink_class = type("Sink", (_Sink,), {"bodies": bodies})
    sink = HTTPServer(("127.0.0.1", 0), sink_class)
    thread = threading.Thread(target=sink.serve_forever)
    thread.start()
    try:
        house = build(webhook=f"http://127.0.0.1:{sink.server_port}/hook")
        house.carrier.start()
        house.start()
        house.wait_ready()
        message_id = house.sent()
        until(lambda: len(bodies) == 2, 15, "both events arrived")
    finally:
        sink.shutdown()
        thread.join()
        sink.server_close()
    for body, state in zip(bodies, ("SENT", "DELIVERED"), strict=True):
        assert re.fullmatch(
            rb'\{"event": ?"sms.status_update", ?"data": ?\{"message_id": ?"%s", ?'
            rb'"status": ?"%s", ?"sender_id": ?"LuckCreators", ?'
            rb'"recipient": ?"233501234567", ?'
            rb'"updated_at": ?"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ"\}\}'
            % (message_id.encode(), state.encode()),
            body,
        ), body


def test_without_its_carrier_a_message_waits(build: Callable[..., House]) -> None:
    """A dead upstream: accepted and kept, not ready, delivered once it is back."""
    house = build()
    house.start()
    assert requests.get(house.url("/health/ready"), timeout=5).status_code == 503
    message_id = house.sent()
    assert house.status(message_id) == "ACCEPTED"
    house.carrier.start()
    house.wait_status(message_id, "DELIVERED", within_s=20)


def test_a_full_disk_refuses_and_says_so(build: Callable[..., House]) -> None:
    """Above the disk mark nothing is accepted, and the caller is told to come back."""
    house = build(store=f"min_free_mb = {1 << 40}")
    house.start()
    answer = house.send()
    assert (answer.status_code, answer.text) == (503, "(20) Queue Full")
    assert int(answer.headers["Retry-After"]) > 0
    assert "MiB free" in house.luckgw("status").stdout

"""Messages from phones: a carrier brings them, accounts get them, nothing is lost."""

import json
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import pytest
import requests

from tests.journeys.house import House, until
from tests.journeys.test_smpp import Partner

LONG = "Ein langer Satz mit Zeichen \u20ac und ohne Ende. " * 8
EMOJI = "Gr\u00fc\u00dfe \U0001f600 aus \u0410\u043a\u043a\u0440\u0430 " * 10
TO_SESSION = """
[[mo_routes]]
name = "all"
account = "acme"
"""
HELPFUL = """
[accounts.acme.opt_out]
help_reply = "Call 4040"
stop_reply = "No more"
start_reply = "Welcome back"
"""


class Hook:
    """A customer's server."""

    def __init__(self) -> None:
        self.events: list[dict[str, Any]] = []
        hook = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                hook.events.append(json.loads(body))
                self.send_response(200)
                self.end_headers()

            def log_message(self, *_args: object) -> None:
                """Say nothing."""

        self._server = HTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        self.url = f"http://127.0.0.1:{self._server.server_port}/hook"

    @property
    def received(self) -> list[dict[str, Any]]:
        """What phones sent."""
        return [e["data"] for e in self.events if e["event"] == "sms.received"]

    def close(self) -> None:
        """Leave."""
        self._server.shutdown()
        self._server.server_close()


@pytest.fixture
def hook() -> Iterator[Hook]:
    """A customer's server that takes everything."""
    hook = Hook()
    yield hook
    hook.close()


def up(house: House) -> House:
    """Started, and bound to its carrier."""
    house.carrier.start()
    house.start()
    house.wait_ready()
    return house


def inbox(house: House, **params: str) -> dict[str, Any]:
    """What GET /api/v1/inbox gives."""
    answer = requests.get(
        house.url("/api/v1/inbox"),
        params=params,
        headers={"Authorization": f"Bearer {house.key}"},
        timeout=10,
    )
    assert answer.status_code == 200, answer.text
    data: dict[str, Any] = answer.json()["data"]
    return data


def texts(house: House) -> list[str]:
    """The contents of an inbox, newest first."""
    return [each["content"] for each in inbox(house)["messages"]]


def listed(house: House) -> str:
    """Who has opted out."""
    return house.luckgw("optout", "list", "acme").stdout


def test_by_webhook_and_inbox(build: Callable[..., House], hook: Hook) -> None:
    """Short, long out of order, UCS2 with emoji, SAR, data_sm, message_payload: each is
    one sms.received with exactly five fields, and stands in the inbox.
    """
    house = up(build(webhook=hook.url, more=TO_SESSION))
    sent = ["Hello", LONG, EMOJI, LONG + "2", EMOJI + "3", "data", LONG + "payload"]
    bring = house.carrier.bring
    bring(sent[0])
    bring(sent[1], parts=[3, 1, 2])
    bring(sent[2], reference=2, parts=[2, 2, 3, 1])
    bring(sent[3], reference=3, form="sar", parts=[2, 3, 1])
    bring(sent[4], reference=700, form="udh16", parts=[3, 2, 1])
    bring(sent[5], form="data_sm")
    bring(sent[6], form="payload")
    until(lambda: len(hook.received) >= len(sent), 10, "all are told")
    assert sorted(each["content"] for each in hook.received) == sorted(sent)
    assert sorted(texts(house)) == sorted(sent)
    for each in hook.received:
        fields = ["message_id", "from", "to", "content", "received_at"]
        assert list(each) == fields
        assert (each["from"], each["to"]) == ("233501234567", "4040")
    pages = inbox(house, limit="4")
    rest = inbox(house, limit="4", cursor=pages["next_cursor"])
    ids = [each["message_id"] for each in pages["messages"] + rest["messages"]]
    assert sorted(ids) == sorted(each["message_id"] for each in hook.received)
    shown = house.luckgw("inbox", "acme").stdout
    assert "Hello" in shown
    assert "Traceback" not in house.log.read_text()


def test_to_a_session_that_binds_later(build: Callable[..., House]) -> None:
    """Kept while nobody is bound; then a v3.4 partner has the whole text in one
    message_payload, and the duplicate that the carrier brought is not there.
    """
    house = up(build(more=TO_SESSION))
    house.carrier.bring("short")
    house.carrier.bring("short")
    until(lambda: texts(house) == ["short"], 5, "it is kept")
    house.carrier.bring(LONG, parts=[2, 3, 1])
    until(lambda: len(texts(house)) == 2, 5, "both are kept")
    partner = Partner(house)
    partner.bind("receiver")
    partner.read(receipts=2)
    first, second = partner.receipts
    assert first.short_message == b"short"
    assert (first.source_addr, first.destination_addr) == (b"233501234567", b"4040")
    assert (first.esm_class, second.esm_class) == (0, 0)
    assert second.message_payload.startswith(b"Ein langer Satz mit Zeichen \x1be")
    partner.leave()
    status = house.luckgw("status", "--json").stdout
    assert '"repeated": 1' in status


def test_parts_keep_the_phones_header(build: Callable[..., House]) -> None:
    """With long = "parts" the partner has the phone's own parts, in order."""
    more = TO_SESSION + '[accounts.acme.mo]\nlong = "parts"\n'
    house = up(build(more=more))
    partner = Partner(house)
    partner.bind("transceiver")
    house.carrier.bring(LONG, parts=[3, 1, 2], reference=9)
    partner.read(receipts=3)
    heads = [each.short_message[:6] for each in partner.receipts]
    assert heads == [b"\x05\x00\x03\x09\x03" + bytes((n,)) for n in (1, 2, 3)]
    assert all(each.esm_class == 0x40 for each in partner.receipts)
    partner.leave()


def test_kill_9_between_parts_loses_nothing(build: Callable[..., House]) -> None:
    """The parts that were acknowledged are on disk; what comes later joins them, over
    whichever bind; what was claimed by the dead process is taken over.
    """
    house = up(build(more=TO_SESSION))
    house.carrier.bring(LONG, parts=[2])
    house.carrier.bring("before")
    until(lambda: texts(house) == ["before"], 5, "the first part is behind it")
    house.kill()
    house.carrier.bring("meanwhile")
    house.carrier.bring(LONG, parts=[3, 1])
    house.start()
    house.wait_ready()
    until(lambda: len(texts(house)) == 3, 15, "all have come")
    assert sorted(texts(house)) == sorted([LONG, "before", "meanwhile"])


def test_stop_is_heeded_and_start_lifts_it(build: Callable[..., House]) -> None:
    """After STOP both doors refuse, to that phone and from that sender only; START
    opens them again. HELP and STOP are answered once.
    """
    house = up(build(more=TO_SESSION + HELPFUL))
    partner = Partner(house)
    partner.bind("transceiver")
    assert house.send(**{"from": "4040"}).status_code == 200
    house.carrier.bring(" Stop. ")
    until(
        lambda: "233501234567" in house.luckgw("optout", "list", "acme").stdout, 5, ""
    )
    refused = house.send(**{"from": "4040"})
    assert (refused.status_code, refused.text) == (403, "(69) Opted Out")
    partner.submit(b"x", source="4040")
    partner.read(answers=1)
    assert partner.answers[0].status == 0x45
    assert house.send(**{"from": "5050"}).status_code == 200
    assert house.send(**{"from": "4040", "to": "233501234568"}).status_code == 200
    house.carrier.bring("HELP")
    house.carrier.bring("help", phone="12345")
    house.carrier.bring("START")
    until(lambda: house.send(**{"from": "4040"}).status_code == 200, 5, "it is lifted")
    until(lambda: '"replies": 3' in house.luckgw("status", "--json").stdout, 5, "")
    assert len(texts(house)) == 4
    house.luckgw("optout", "add", "acme", "4040", "+233 50 123 4567")
    assert house.send(**{"from": "4040"}).status_code == 403
    house.luckgw("optout", "remove", "acme", "4040", "233501234567")
    assert house.send(**{"from": "4040"}).status_code == 200
    partner.leave()


def test_without_a_route_it_is_kept_until_there_is_one(
    build: Callable[..., House],
) -> None:
    """It is acknowledged, kept, counted, and given out after the restart."""
    house = up(build())
    house.carrier.bring("to whom?")
    until(lambda: '"unrouted": 1' in house.luckgw("status", "--json").stdout, 5, "kept")
    assert texts(house) == []
    house.stop()
    house.configure(TO_SESSION)
    house.start()
    until(lambda: texts(house) == ["to whom?"], 15, "it is given out")

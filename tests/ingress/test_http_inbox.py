"""GET /api/v1/inbox: what an account got from phones."""

from typing import Any

import pytest

from luckgw.domain.ids import to_text
from luckgw.store import keys, records
from luckgw.wire.pdus import encode_sm
from tests.ingress.http_wire import KEY, Answer, Api, api_key

BEARER = {"Authorization": f"Bearer {KEY}"}
FIRST_MS = 1_698_417_005_999


def receive(api: Api, number: int, account: str = "acme", **fields: Any) -> str:
    """A message from a phone, a second after the one before; gives its id."""
    received_ms = FIRST_MS + 1000 * number
    message_id = number.to_bytes(16, "big")
    body = encode_sm(
        **{
            "source_addr": b"+233501234567",
            "destination_addr": b"4040",
            "short_message": b"Hello %d" % number,
            **fields,
        }
    )
    head = records.inbound_head(b"mtn", received_ms)
    kept = records.inbound_body(body, "gsm7", packed=False)
    api.kept.records[message_id] = records.inbound_record(head, [kept])
    member = received_ms.to_bytes(8, "big") + message_id
    api.kept.inboxes.setdefault(keys.inbox(account), []).append(member)
    return to_text(message_id)


def inbox(api: Api, query: str = "") -> Answer:
    """The call."""
    return api.call("GET", f"/api/v1/inbox{query}", **BEARER)


def test_byte_for_byte(api: Api) -> None:
    """The webhook's names, in the webhook's order; numbers without a plus."""
    message_id = receive(api, 0)
    receive(api, 1, account="other")
    answer = inbox(api)
    assert (answer.status, answer.headers["Content-Type"]) == (200, "application/json")
    assert answer.body.decode() == (
        '{"status":"success","data":{"messages":[{'
        f'"message_id":"{message_id}",'
        '"from":"233501234567","to":"4040","content":"Hello 0",'
        '"received_at":"2023-10-27T14:30:05Z"}],"next_cursor":null}}'
    )


def test_pages_newest_first(api: Api) -> None:
    """Each message on one page, also when new ones come meanwhile."""
    ids = [receive(api, number) for number in range(5)]
    seen: list[str] = []
    query = "?limit=2"
    while query:
        data = inbox(api, query).json["data"]
        seen += [each["message_id"] for each in data["messages"]]
        receive(api, 100 + len(seen))
        cursor = data["next_cursor"]
        query = f"?limit=2&cursor={cursor}" if cursor else ""
    assert seen == ids[::-1]


def test_what_was_swept_meanwhile_is_not_there(api: Api) -> None:
    """And nothing else is missing."""
    gone, stays = receive(api, 0), receive(api, 1)
    del api.kept.records[bytes.fromhex(gone.replace("-", ""))]
    messages = inbox(api).json["data"]["messages"]
    assert [each["message_id"] for each in messages] == [stays]


def test_what_is_no_text_is_in_extra(api: Api) -> None:
    """As in the webhook."""
    receive(api, 0, data_coding=4, short_message=b"\0\xff")
    (message,) = inbox(api).json["data"]["messages"]
    assert message["content"] == ""
    assert message["extra"] == {"data_coding": 4, "udh": "", "hex": "00ff"}


@pytest.mark.parametrize(
    "query",
    ["limit=0", "limit=201", "limit=x", "limit=%C2%B2", "cursor=xy", "cursor=ab"],
)
def test_bad_parameters(api: Api, query: str) -> None:
    """400 in JSON."""
    answer = inbox(api, f"?{query}")
    assert (answer.status, answer.json["error"]["message"]) == (400, "PDU Error")


def test_the_store_is_away(api: Api) -> None:
    """503, as for every call that needs it."""
    api.kept.is_away = True
    assert inbox(api).status == 503


def test_it_has_a_scope_of_its_own(api: Api) -> None:
    """Who may send and ask may not read what phones wrote."""
    api.keys.keys[KEY] = api_key(scopes=frozenset({"send", "status"}))
    assert inbox(api).status == 403


def test_a_phones_message_has_no_status(api: Api) -> None:
    """The status call does not know its id."""
    message_id = receive(api, 0)
    assert api.call("GET", f"/api/v1/status/{message_id}", **BEARER).status == 404

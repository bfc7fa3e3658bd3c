"""The status call and the health URLs."""

import pytest

from luckgw.domain.errors import system_error
from luckgw.domain.states import State
from luckgw.ingress.ports import MessageStatus
from tests.ingress.http_wire import KEY, UUID, Answer, Api

BEARER = {"Authorization": f"Bearer {KEY}"}
PRINTED = (
    b'{"status":"success","data":{"message_id":"%s",'
    b'"status":"DELIVERED","updated_at":"2023-10-27T14:30:05Z"}}' % UUID.encode()
)
NOT_FOUND = b'{"status":"error","error":{"code":12,"message":"Invalid Message ID"}}'
TARGETS = [
    f"/api/v1/{form}"
    for form in (
        f"status/{UUID}",
        f"status/{UUID}/",
        f"status/?message_id={UUID}",
        f"status?message_id={UUID}",
        f"messages/{UUID}",
        f"messages/{UUID}/",
        f"status/{UUID.upper()}",
    )
]


def store(api: Api, account: str = "acme", state: State = State.DELIVERED) -> None:
    """A message of that account, as the portal's example has it."""
    updated_ms = 1_698_417_005_999
    api.pipeline.messages[account, UUID] = MessageStatus(
        UUID, account, state, updated_ms, "LuckCreators", "233501234567"
    )


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_the_portals_example_byte_for_byte(api: Api, method: str, target: str) -> None:
    """The same keys in the same order, whole seconds, Z, whichever way it is asked."""
    store(api)
    answer = api.call(method, target, **BEARER)
    assert (answer.status, answer.body) == (200, PRINTED)
    assert answer.headers["Content-Type"] == "application/json"


def test_the_id_may_come_in_json_or_a_form(api: Api) -> None:
    """As every parameter may."""
    store(api)
    assert api.post_json("/api/v1/status/", {"message_id": UUID}).body == PRINTED
    form = {"Content_Type": "application/x-www-form-urlencoded", **BEARER}
    body = f"message_id={UUID}".encode()
    assert api.call("POST", "/api/v1/status", body, **form).body == PRINTED


@pytest.mark.parametrize("state", State)
def test_every_state_has_its_name(api: Api, state: State) -> None:
    """One of the ten words of spec/features 2.4."""
    store(api, state=state)
    answer = api.call("GET", f"/api/v1/status/{UUID}", **BEARER)
    assert answer.json["data"]["status"] == (
        "UNKNOWN" if state is State.UNKNOWN_FOR_GOOD else state.name
    )


def answers_not_found(answer: Answer) -> bool:
    """Whether it is exactly what spec/features 3.3 prints."""
    return (answer.status, answer.body) == (404, NOT_FOUND)


@pytest.mark.parametrize(
    "message_id",
    [UUID, "f48c1e28-...", "x", "%20", "1" * 31, "g" * 32, "%C3%A9" * 32],
)
def test_an_unknown_id_is_not_found(api: Api, message_id: str) -> None:
    """404 in JSON, as printed, whether the id has the right form or not."""
    answer = api.call("GET", f"/api/v1/status/{message_id}", **BEARER)
    assert answers_not_found(answer)
    assert answer.headers["X-Error-Code"] == "12"
    assert answer.headers["X-Error-Detail"] is None


def test_another_accounts_message_is_not_found(api: Api) -> None:
    """It can not be told from one that does not exist."""
    store(api, account="other")
    assert answers_not_found(api.call("GET", f"/api/v1/status/{UUID}", **BEARER))


def test_refusals_are_json_always(api: Api) -> None:
    """Whatever the Accept header says (spec/features 3.2)."""
    target = f"/api/v1/status/{UUID}?format=text"
    answer = api.call("GET", target, Accept="text/plain")
    assert answer.status == 401
    assert answer.json["error"]["code"] == 14
    assert answer.headers["WWW-Authenticate"] == "Bearer"
    store(api)
    assert api.call("GET", target, Accept="text/plain", **BEARER).body == PRINTED
    missing = api.call("GET", "/api/v1/status/", **BEARER)
    assert missing.status == 400
    assert missing.json["error"]["message"] == "PDU Error"


def test_a_store_that_is_away_is_said(api: Api) -> None:
    """503, and when to come again."""
    api.pipeline.refusal = system_error("the store is away")
    answer = api.call("GET", f"/api/v1/status/{UUID}", **BEARER)
    assert (answer.status, answer.headers["Retry-After"]) == (503, "2")
    assert answer.json["error"] == {
        "code": 8,
        "message": "System Error",
        "detail": "the store is away",
    }


def test_head_tells_the_length_alone(api: Api) -> None:
    """A status may be asked for without its body."""
    store(api)
    answer = api.call("HEAD", f"/api/v1/status/{UUID}", **BEARER)
    assert (answer.status, answer.body) == (200, b"")
    assert answer.headers["Content-Length"] == str(len(PRINTED))


class TestHealth:
    @pytest.mark.parametrize("slash", ["", "/"])
    def test_of_a_process_that_answers(self, api: Api, slash: str) -> None:
        """Live, whatever else is wrong."""
        api.ready.sentences = ["the store is away"]
        answer = api.call("GET", f"/health/live{slash}")
        assert (answer.status, answer.body) == (200, b"live")

    def test_of_a_node_that_can_work(self, api: Api) -> None:
        """Ready."""
        answer = api.call("GET", "/health/ready")
        assert (answer.status, answer.body) == (200, b"ready")

    def test_of_one_that_can_not_says_no_more(self, api: Api) -> None:
        """Why is nobody's business on a public URL."""
        api.ready.sentences = ["no upstream of route ghana-mtn is up"]
        answer = api.call("GET", "/health/ready")
        assert (answer.status, answer.body) == (503, b"not ready")
        assert "mtn" not in str(answer.headers)

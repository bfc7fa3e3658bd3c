"""The send call, word for word as the portal prints it."""

import json
from urllib.parse import urlencode

import pytest
from twisted.internet.defer import Deferred

from luckgw.domain import errors
from luckgw.domain.errors import Refusal
from luckgw.ingress.ports import Accepted
from tests.conftest import LoggedFailures
from tests.ingress.http_wire import KEY, UUID, Api, api_key, request

PORTAL_EXAMPLE = {
    "from": "LuckCreators",
    "to": "233501234567",
    "content": "Hello! This is a test via the new V1 API.",
}
TAKEN = ("acme", "LuckCreators", "233501234567", PORTAL_EXAMPLE["content"])
BEARER = {"Authorization": f"Bearer {KEY}"}
FORM = {"Content_Type": "application/x-www-form-urlencoded"}
BOTH_FORMS = pytest.mark.parametrize("target", ["/api/v1/send/", "/api/v1/send"])


class TestThePortalsExample:
    def test_gives_success_and_the_uuid_byte_for_byte(self, api: Api) -> None:
        """`Success "UUID"`, 200, plain text, no newline."""
        answer = api.post_json("/api/v1/send/", PORTAL_EXAMPLE)
        assert answer.status == 200
        assert answer.body == f'Success "{UUID}"'.encode()
        assert answer.headers["Content-Type"] == "text/plain; charset=utf-8"
        assert api.pipeline.taken == [TAKEN]

    @BOTH_FORMS
    def test_works_with_and_without_the_final_slash(
        self, api: Api, target: str
    ) -> None:
        """No redirect: it would turn a POST into a GET."""
        assert api.post_json(target, PORTAL_EXAMPLE).status == 200

    @BOTH_FORMS
    @pytest.mark.parametrize("method", ["GET", "POST"])
    def test_works_by_query(self, api: Api, target: str, method: str) -> None:
        """GET and POST, key and all in the URL."""
        query = urlencode({"api_key": KEY, **PORTAL_EXAMPLE})
        answer = api.call(method, f"{target}?{query}")
        assert answer.body == f'Success "{UUID}"'.encode()
        assert api.pipeline.taken == [TAKEN]

    @BOTH_FORMS
    def test_works_by_form(self, api: Api, target: str) -> None:
        """A form in the body, with the key among its fields."""
        body = urlencode({"api_key": KEY, **PORTAL_EXAMPLE}).encode()
        answer = api.call("POST", target, body, **FORM)
        assert answer.body == f'Success "{UUID}"'.encode()
        assert api.pipeline.taken == [TAKEN]

    def test_works_with_the_key_in_the_json(self, api: Api) -> None:
        """The portal lists `api_key` among the parameters."""
        body = json.dumps({"api_key": KEY, **PORTAL_EXAMPLE}).encode()
        answer = api.call(
            "POST", "/api/v1/send/", body, Content_Type="application/json"
        )
        assert answer.status == 200

    def test_takes_numbers_for_strings(self, api: Api) -> None:
        """A JSON number has one meaning here."""
        api.post_json("/api/v1/send/", {"from": 1234, "to": 233501234567, "content": 7})
        assert api.pipeline.taken == [("acme", "1234", "233501234567", "7")]

    @pytest.mark.parametrize(
        ("given", "told"),
        [
            ({}, None),
            ({"transliterate": True}, True),
            ({"transliterate": "yes"}, True),
            ({"transliterate": 1}, True),
            ({"transliterate": False}, False),
            ({"transliterate": "Off"}, False),
        ],
    )
    def test_takes_a_wish_for_transliteration(
        self, api: Api, given: dict[str, object], told: bool | None
    ) -> None:
        """On or off, in the words of JSON or a form; not said is not off."""
        api.post_json("/api/v1/send/", {**PORTAL_EXAMPLE, **given})
        assert api.pipeline.transliterate == [told]

    @pytest.mark.parametrize("value", ["perhaps", 2, [True]])
    def test_refuses_other_wishes(self, api: Api, value: object) -> None:
        """With the name of the parameter."""
        answer = api.post_json(
            "/api/v1/send/", {**PORTAL_EXAMPLE, "transliterate": value}
        )
        assert answer.status == 400
        assert "transliterate" in (answer.headers["X-Error-Detail"] or "")
        refused = api.post_json("/api/v1/send/", {**PORTAL_EXAMPLE, "from": True})
        assert refused.status == 400
        assert api.pipeline.taken == []


class TestHeadersOfAnAnswer:
    def test_say_what_was_accepted(self, api: Api) -> None:
        """Id, segments and encoding, beside the body that has no room for them."""
        api.pipeline.accepted = Accepted(UUID, 3, "ucs2")
        headers = api.post_json("/api/v1/send/", PORTAL_EXAMPLE).headers
        assert headers["X-Message-Id"] == UUID
        assert headers["X-Segments"] == "3"
        assert headers["X-Encoding"] == "ucs2"
        assert headers["X-Warning"] is None

    @pytest.mark.parametrize(
        "target", ["/api/v1/send/", "/health/live", "/api/v1/status/x", "/nowhere"]
    )
    def test_keep_a_url_with_a_key_in_it_secret(self, api: Api, target: str) -> None:
        """Not stored, not referred to, not sniffed; and no word about the server."""
        headers = api.call("GET", target).headers
        assert headers["Cache-Control"] == "no-store"
        assert headers["Referrer-Policy"] == "no-referrer"
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert headers["Server"] is None
        assert headers["Date"].endswith(" GMT")
        assert headers["Content-Length"] is not None

    def test_warn_of_unknown_names(self, api: Api) -> None:
        """Ignored, but said: Jasmin's `dlr-level` does nothing here."""
        fields = {**PORTAL_EXAMPLE, "dlr-level": 3, "dlr\r\nX: é": ""}
        answer = api.post_json("/api/v1/send/", fields)
        assert answer.status == 200
        assert (
            answer.headers["X-Warning"]
            == r"ignored unknown parameters: dlr-level, dlr X: \xe9"
        )


class TestJsonAnswers:
    SUCCESS = (
        b'{"status":"success","data":{"message_id":"%s","segments":1,"encoding":"gsm7"}}'
        % UUID.encode()
    )

    def test_come_when_the_accept_header_asks(self, api: Api) -> None:
        """`Accept: application/json`."""
        answer = api.post_json(
            "/api/v1/send/", PORTAL_EXAMPLE, Accept="application/json"
        )
        assert answer.body == self.SUCCESS
        assert answer.headers["Content-Type"] == "application/json"
        assert answer.headers["X-Message-Id"] == UUID

    def test_come_with_format_json(self, api: Api) -> None:
        """The parameter, in the body or in the URL, beats the header."""
        fields = {**PORTAL_EXAMPLE, "format": "json"}
        answer = api.post_json("/api/v1/send/", fields, Accept="text/plain")
        assert answer.body == self.SUCCESS
        answer = api.post_json("/api/v1/send/?format=json", PORTAL_EXAMPLE)
        assert answer.body == self.SUCCESS

    def test_come_with_a_key_that_was_made_for_them(self, api: Api) -> None:
        """Then the portal's `response.json()` works as it is printed."""
        api.keys.keys[KEY] = api_key(json_answers=True)
        assert api.post_json("/api/v1/send/", PORTAL_EXAMPLE).body == self.SUCCESS
        refused = api.post_json("/api/v1/send/", {})
        assert refused.json["error"]["message"] == "PDU Error"

    @pytest.mark.parametrize("how", [{"Accept": "text/plain"}, {"format": "text"}])
    def test_do_not_come_when_such_a_key_asks_for_text(
        self, api: Api, how: dict[str, str]
    ) -> None:
        """What the call says beats what the key says."""
        api.keys.keys[KEY] = api_key(json_answers=True)
        answer = api.post_json(
            "/api/v1/send/",
            {**PORTAL_EXAMPLE, **({} if "Accept" in how else how)},
            **({"Accept": how["Accept"]} if "Accept" in how else {}),
        )
        assert answer.body.startswith(b"Success")

    def test_refuse_in_the_same_shape(self, api: Api) -> None:
        """code, message without the number, detail."""
        answer = api.call("POST", "/api/v1/send/", Accept="application/json")
        assert answer.status == 401
        assert answer.body == (
            b'{"status":"error","error":{"code":14,"message":"Invalid Password",'
            b'"detail":"the API key is missing"}}'
        )
        assert api.call("GET", "/api/v1/send/?format=json").body == answer.body

    def test_format_is_json_or_text(self, api: Api) -> None:
        """Nothing is guessed."""
        answer = api.post_json("/api/v1/send/", {**PORTAL_EXAMPLE, "format": "xml"})
        assert (answer.status, answer.body) == (400, b"PDU Error")


REFUSALS = [
    (errors.bad_request("why"), 400, b"PDU Error", "69", None),
    (errors.upstream_down("why"), 400, b"Connection failed", "69", "5"),
    (errors.no_route("why"), 400, b"(11) Invalid Destination Address", "11", None),
    (
        Refusal(0x45, 402, "(69) Insufficient Credit", "why"),
        402,
        b"(69) Insufficient Credit",
        "69",
        None,
    ),
    (errors.not_allowed("why"), 403, b"(13) Not Allowed", "13", None),
    (errors.throttled("why", 3), 429, b"(88) Throttled", "88", "3"),
    (errors.queue_full("why"), 503, b"(20) Queue Full", "20", "5"),
    (errors.system_error("why"), 503, b"(8) System Error", "8", "2"),
]


class TestRefusals:
    @pytest.mark.parametrize(
        ("refusal", "status", "body", "code", "retry_after"),
        REFUSALS,
        ids=[row[2].decode() for row in REFUSALS],
    )
    def test_say_the_dictionarys_words(
        self,
        api: Api,
        refusal: Refusal,
        status: int,
        body: bytes,
        code: str,
        retry_after: str | None,
    ) -> None:
        """Body alone in the body; code, detail and when to come again beside it."""
        api.pipeline.refusal = refusal
        answer = api.post_json("/api/v1/send/", PORTAL_EXAMPLE)
        assert (answer.status, answer.body) == (status, body)
        assert answer.headers["Content-Type"] == "text/plain; charset=utf-8"
        assert answer.headers["X-Error-Code"] == code
        assert answer.headers["X-Error-Detail"] == "why"
        assert answer.headers["Retry-After"] == retry_after
        assert answer.headers["WWW-Authenticate"] is None

    @pytest.mark.parametrize("name", ["from", "to", "content"])
    @pytest.mark.parametrize("value", [None, ""])
    def test_name_what_is_missing_or_empty(
        self, api: Api, name: str, value: str | None
    ) -> None:
        """Empty is missing."""
        fields = {**PORTAL_EXAMPLE, name: value}
        answer = api.post_json("/api/v1/send/", fields)
        assert (answer.status, answer.body) == (400, b"PDU Error")
        detail = answer.headers["X-Error-Detail"]
        assert detail == f"parameter {name} is missing or empty"
        assert api.pipeline.taken == []

    def test_carry_details_that_fit_a_header(self, api: Api) -> None:
        """A sender's name may be anything: it is escaped, and cut."""
        api.pipeline.refusal = errors.bad_request(
            "sender Łódź\r\nX-Evil: 1" + "!" * 999
        )
        headers = api.post_json("/api/v1/send/", PORTAL_EXAMPLE).headers
        assert headers["X-Error-Detail"].startswith(
            r"sender \u0141\xf3d\u017a X-Evil: 1!"
        )
        assert len(headers["X-Error-Detail"]) == 300
        assert headers["X-Evil"] is None

    @pytest.mark.parametrize(
        ("method", "target"),
        [
            ("GET", "/"),
            ("GET", "/api/v1/"),
            ("POST", "/api/v1/send/more"),
            ("GET", "/api/v1/%ff"),
            ("OPTIONS", "*"),
        ],
    )
    def test_of_a_path_that_is_not_there(
        self, api: Api, method: str, target: str
    ) -> None:
        """404 in the dictionary's words, and nothing in the log."""
        answer = api.call(method, target)
        assert (answer.status, answer.body) == (404, b"PDU Error")

    @BOTH_FORMS
    @pytest.mark.parametrize("method", ["PUT", "DELETE", "OPTIONS", "TRACE", "PATCH"])
    def test_of_a_method_name_those_allowed(
        self, api: Api, target: str, method: str
    ) -> None:
        """405 and Allow."""
        answer = api.call(method, target, **BEARER)
        assert (answer.status, answer.body) == (405, b"PDU Error")
        assert answer.headers["Allow"] == "GET, POST"

    @BOTH_FORMS
    def test_of_head_send_nothing(self, api: Api, target: str) -> None:
        """A link checker's HEAD must not cost a message."""
        query = urlencode({"api_key": KEY, **PORTAL_EXAMPLE})
        answer = api.call("HEAD", f"{target}?{query}")
        assert (answer.status, answer.body) == (405, b"")
        assert api.pipeline.taken == []

    def test_of_a_body_of_another_type(self, api: Api) -> None:
        """415 in the dictionary's words; the detail names what is read."""
        answer = api.call(
            "POST", "/api/v1/send/", b"<x/>", Content_Type="text/xml", **BEARER
        )
        assert (answer.status, answer.body) == (415, b"PDU Error")
        assert "application/json" in answer.headers["X-Error-Detail"]

    def test_of_a_garbage_host_header_are_none(self, api: Api) -> None:
        """Routing does not look at it."""
        octets = request("GET", "/health/live").replace(
            b"sms-client.luckcreators.com", b"\xff" + b"a" * 99 + b":x"
        )
        connection = api.connect()
        connection.send(octets)
        assert connection.answers()[0].status == 200


class TestTrouble:
    def test_of_ours_is_told_by_a_reference_alone(
        self, api: Api, logged_failures: LoggedFailures
    ) -> None:
        """A defect gives a 500 without a traceback, and the log has the reference."""
        api.pipeline.refusal = RuntimeError("secret 4711")
        answer = api.post_json("/api/v1/send/", PORTAL_EXAMPLE)
        assert (answer.status, answer.body) == (500, b"(8) System Error")
        assert b"4711" not in answer.body
        reference = answer.headers["X-Error-Detail"].rpartition(" ")[2]
        assert reference in logged_failures.report()
        assert len(logged_failures.flush(RuntimeError)) == 1

    def test_caller_who_has_gone_gets_no_answer(self, api: Api) -> None:
        """Nor does anybody log anything."""
        api.pipeline.waiting = Deferred()
        connection = api.connect()
        body = json.dumps(PORTAL_EXAMPLE).encode()
        connection.send(
            request(
                "POST", "/api/v1/send/", body, Content_Type="application/json", **BEARER
            )
        )
        connection.lose()
        api.pipeline.waiting.callback(Accepted(UUID, 1, "gsm7"))
        assert connection.answers() == []


def test_answers_wait_for_the_store(api: Api) -> None:
    """Store, then speak: no octet of Success before the message is durable."""
    stored = api.pipeline.waiting = Deferred()
    connection = api.connect()
    body = json.dumps(PORTAL_EXAMPLE).encode()
    connection.send(
        request(
            "POST", "/api/v1/send/", body, Content_Type="application/json", **BEARER
        )
    )
    assert connection.answers() == []
    stored.callback(Accepted(UUID, 1, "gsm7"))
    assert connection.answers()[0].status == 200


def test_test_keys_stay_in_the_sandbox(api: Api) -> None:
    """A message of a test key is marked as such, one of a live key is not."""
    api.post_json("/api/v1/send/", {**PORTAL_EXAMPLE, "content": "live"})
    api.keys.keys[KEY] = api_key(is_test=True)
    api.post_json("/api/v1/send/", {**PORTAL_EXAMPLE, "content": "test"})
    assert api.pipeline.sandboxed == ["test"]

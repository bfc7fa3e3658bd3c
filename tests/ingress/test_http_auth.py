"""Who may call: where a key may stand, and that no URL is without one."""

import itertools
import json

import pytest

from luckgw.domain.errors import system_error
from luckgw.ingress.http_api import HttpApi
from luckgw.ingress.http_auth import Scope
from tests.ingress.http_wire import KEY, UUID, Answer, Api, api_key

OTHER_KEY = "lk_live_bbbbbbbb_" + "k" * 43
PUBLIC = {"/health/live", "/health/live/", "/health/ready", "/health/ready/"}
SEND = {"from": "a", "to": "233501234567", "content": "x"}


def call(
    api: Api,
    header: str | None = None,
    query: str | None = None,
    body: str | None = None,
) -> Answer:
    """A send call with keys in these places."""
    fields = {**SEND, "api_key": body} if body is not None else SEND
    headers = {} if header is None else {"Authorization": header}
    target = "/api/v1/send/" + ("" if query is None else f"?api_key={query}")
    octets = json.dumps(fields).encode()
    return api.call("POST", target, octets, Content_Type="application/json", **headers)


class TestEveryUrl:
    def test_wants_a_key_unless_it_is_meant_to_be_public(self, api: Api) -> None:
        """Walk the map: each rule and each of its methods, without a key."""
        rules = list(HttpApi.app.url_map.iter_rules())
        assert {rule.rule for rule in rules} >= PUBLIC | {"/api/v1/send"}
        for rule in rules:
            for method in sorted(rule.methods or ()):
                target = rule.rule.replace("<message_id>", UUID)
                answer = api.call(method, target)
                if rule.rule in PUBLIC:
                    assert answer.status == 200, rule
                else:
                    assert answer.status == 401, rule
                    assert answer.headers["WWW-Authenticate"] == "Bearer"

    def test_wants_the_scope_it_was_declared_with(self, api: Api) -> None:
        """A key without any scope gets 403 at every URL that is not public."""
        api.keys.keys[KEY] = api_key(scopes=frozenset())
        for rule in HttpApi.app.url_map.iter_rules():
            if rule.rule in PUBLIC:
                continue
            target = rule.rule.replace("<message_id>", UUID)
            method = "POST" if "POST" in (rule.methods or ()) else "GET"
            answer = api.call(method, target, Authorization=f"Bearer {KEY}")
            assert answer.status == 403, rule
            assert b"Not Allowed" in answer.body

    def test_has_a_form_with_and_one_without_the_slash(self) -> None:
        """Both declared: nothing is left to a redirect."""
        rules = {rule.rule for rule in HttpApi.app.url_map.iter_rules()}
        assert {rule.rstrip("/") + "/" for rule in rules} <= rules
        assert {rule.rstrip("/") for rule in rules} <= rules

    @pytest.mark.parametrize(
        ("scope", "status"), list(itertools.product(["send", "status"], repeat=2))
    )
    def test_takes_its_own_scope_and_no_other(
        self, api: Api, scope: str, status: str
    ) -> None:
        """A key that may only send may not ask, and the other way round."""
        api.keys.keys[KEY] = api_key(scopes=frozenset({scope}))
        answer = api.post_json(f"/api/v1/{status}/", {**SEND, "message_id": UUID})
        assert (answer.status == 403) == (scope != status)

    def test_is_of_a_scope_that_keys_know(self) -> None:
        """A new key may do all there is."""
        assert {scope.value for scope in Scope} == {
            *("public", "send", "status", "inbox")
        }


GOOD = [
    ("in the header", f"Bearer {KEY}", None, None),
    ("scheme of any case", f"bEARER {KEY}", None, None),
    ("more than one space", f"Bearer   {KEY} ", None, None),
    ("in the URL", None, KEY, None),
    ("in the body", None, None, KEY),
    ("the same in all three", f"Bearer {KEY}", KEY, KEY),
    ("an empty parameter is none", f"Bearer {KEY}", "", ""),
]
BAD = [
    ("nowhere", None, None, None, "missing"),
    ("empty", "Bearer ", None, None, "unknown or revoked"),
    ("unknown", f"Bearer {KEY}x", None, None, "unknown or revoked"),
    ("of another scheme", "Basic YWNtZTpzZWNyZXQ=", None, None, "one of Bearer"),
    ("no scheme", KEY, None, None, "one of Bearer"),
    ("not ASCII", "Bearer é", None, None, "unknown or revoked"),
    ("header and URL differ", f"Bearer {KEY}", OTHER_KEY, None, "differ"),
    ("header and body differ", f"Bearer {KEY}", None, OTHER_KEY, "differ"),
    ("URL and body differ", None, KEY, OTHER_KEY, "differ"),
    ("a bad header is not made good", "Bearer no", KEY, None, "unknown or revoked"),
]


class TestAKey:
    @pytest.mark.parametrize(
        ("header", "query", "body"), [r[1:] for r in GOOD], ids=[r[0] for r in GOOD]
    )
    def test_is_good(
        self, api: Api, header: str | None, query: str | None, body: str | None
    ) -> None:
        """Wherever the portal says it may stand."""
        assert call(api, header, query, body).status == 200

    @pytest.mark.parametrize(
        ("header", "query", "body", "detail"),
        [r[1:] for r in BAD],
        ids=[r[0] for r in BAD],
    )
    def test_is_refused(
        self,
        api: Api,
        header: str | None,
        query: str | None,
        body: str | None,
        detail: str,
    ) -> None:
        """401, the portal's words, and never a try of the other key."""
        api.keys.keys[OTHER_KEY] = api_key("other", key_id="bbbbbbbb")
        answer = call(api, header, query, body)
        assert (answer.status, answer.body) == (401, b"(14) Invalid Password")
        assert answer.headers["WWW-Authenticate"] == "Bearer"
        assert answer.headers["X-Error-Code"] == "14"
        assert detail in answer.headers["X-Error-Detail"]
        assert api.pipeline.taken == []

    def test_given_twice_in_headers_is_refused(self, api: Api) -> None:
        """Two Authorization headers are two callers."""
        both = f"Bearer {KEY}\r\nAuthorization: Bearer {KEY}"
        assert call(api, both).status == 401

    def test_may_be_kept_out_of_urls(self, api: Api) -> None:
        """A key made without that right is not good there, and is elsewhere."""
        api.keys.keys[KEY] = api_key(allow_query=False)
        answer = call(api, query=KEY)
        assert answer.status == 401
        assert (
            answer.headers["X-Error-Detail"] == "this API key may not be sent in a URL"
        )
        assert call(api, body=KEY).status == 200
        assert call(api, header=f"Bearer {KEY}").status == 200

    def test_is_not_a_cookie(self, api: Api) -> None:
        """Or any web page could make a logged-in browser send."""
        answer = api.call("POST", "/api/v1/send/", Cookie=f"api_key={KEY}")
        assert answer.status == 401

    def test_in_the_header_is_checked_before_the_body_is_read(self, api: Api) -> None:
        """A stranger learns nothing about what is wrong with a body."""
        octets = b"not JSON"
        headers = {"Content_Type": "application/json"}
        stranger = {"Authorization": "Bearer x", **headers}
        friend = {"Authorization": f"Bearer {KEY}", **headers}
        assert api.call("POST", "/api/v1/send/", octets, **stranger).status == 401
        assert api.call("POST", "/api/v1/send/", octets, **friend).status == 400

    def test_of_an_account_that_goes_meanwhile_is_refused(self, api: Api) -> None:
        """A reload may take the account between two checks."""
        del api.accounts["acme"]
        assert call(api, header=f"Bearer {KEY}").status == 401

    def test_that_can_not_be_checked_is_our_trouble(self, api: Api) -> None:
        """503, not 401: the caller's key may be fine."""
        api.keys.refusal = system_error("the API keys are not loaded yet")
        answer = call(api, header=f"Bearer {KEY}")
        assert (answer.status, answer.body) == (503, b"(8) System Error")


def test_the_account_of_the_key_sends(api: Api) -> None:
    """Whoever else exists."""
    api.keys.keys[OTHER_KEY] = api_key("other")
    call(api, header=f"Bearer {OTHER_KEY}")
    assert [account for account, *_ in api.pipeline.taken] == ["other"]

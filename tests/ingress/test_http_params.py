"""What a caller sent, read: each promise of spec/features 3.11, 3.12 and 7.4."""

import json
from urllib.parse import urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from luckgw.domain.errors import Refusal
from luckgw.ingress.http_params import KNOWN, read

JSON = b"application/json"
FORM = b"application/x-www-form-urlencoded"

names = st.sampled_from(sorted(KNOWN - {"charset"}))
values = st.text(st.characters(codec="utf-8"), min_size=1)


def refused(
    query: bytes = b"", content_type: bytes = b"", body: bytes = b""
) -> Refusal:
    """The refusal that this gets."""
    with pytest.raises(Refusal) as caught:
        read(query, content_type, body)
    return caught.value


def read_or_refused(query: bytes, content_type: bytes, body: bytes) -> None:
    """One of the two, and what is read is whole Unicode, and not empty."""
    try:
        read_values = read(query, content_type, body).values.values()
    except Refusal as refusal:
        status = refusal.http_status
    else:
        status = 200
        assert all(read_values)
        assert "".join(read_values).encode() or not read_values
    assert status in {200, 400, 401}


@given(st.dictionaries(names, values))
def test_every_text_comes_through_a_query(sent: dict[str, str]) -> None:
    """Whatever Unicode a client escapes is what we read."""
    assert read(urlencode(sent).encode(), b"", b"").values == sent


@given(st.dictionaries(names, values))
def test_every_text_comes_through_a_form(sent: dict[str, str]) -> None:
    """The same in the body."""
    assert read(b"", FORM, urlencode(sent).encode()).values == sent


@given(st.dictionaries(names, values), st.booleans())
def test_every_text_comes_through_json(sent: dict[str, str], ascii_only: bool) -> None:
    """Escaped or as UTF-8."""
    body = json.dumps(sent, ensure_ascii=ascii_only).encode()
    assert read(b"", JSON, body).values == sent


@given(st.binary(), st.sampled_from([JSON, FORM]), st.binary())
def test_garbage_is_refused_or_read_and_nothing_else(
    query: bytes, content_type: bytes, body: bytes
) -> None:
    """No octets at all make it fail in another way."""
    read_or_refused(query, content_type, body)


@given(st.recursive(st.none() | st.booleans() | st.text(), st.lists, max_leaves=5))
def test_any_json_value_is_refused_or_read(value: object) -> None:
    """Wherever it stands."""
    for sent in (value, {"to": value}, {"x": value}):
        read_or_refused(b"", JSON, json.dumps(sent).encode())


REFUSED = [
    ("not JSON", b"", JSON, b"{", "not JSON"),
    ("not an object", b"", JSON, b"[1]", "not an object"),
    ("not UTF-8", b"", JSON, b'{"to":"\xff"}', "not UTF-8 at octet 7"),
    ("no JSON number", b"", JSON, b'{"to":NaN}', "NaN is not a JSON number"),
    (
        "endless number",
        b"",
        JSON,
        b'{"x":' + b"9" * 5000 + b"}",
        "not JSON that is read",
    ),
    ("deep beyond the stack", b"", JSON, b"[" * 60_000, "not JSON that is read"),
    ("key twice", b"", JSON, b'{"to":"1","to":"1"}', "parameter to is given more than"),
    ("inner key twice", b"", JSON, b'{"x":{"a":1,"a":1}}', "parameter a is given more"),
    ("list of recipients", b"", JSON, b'{"to":["1","2"]}', "one call sends to one"),
    ("true", b"", JSON, b'{"content":true}', "parameter content must be a string"),
    ("fraction", b"", JSON, b'{"to":1.5}', "parameter to must be a string"),
    ("object", b"", JSON, b'{"from":{}}', "parameter from must be a string"),
    ("half a pair", b"", JSON, rb'{"content":"a\ud83d"}', "half a surrogate pair at"),
    ("repeated in query", b"to=1&to=1", b"", b"", "one call sends to one recipient"),
    (
        "repeated in form",
        b"",
        FORM,
        b"content=a&content=b",
        "content is given more than",
    ),
    ("query not UTF-8", b"content=%ff", b"", b"", "parameter content is not utf-8 at"),
    (
        "form not UTF-8",
        b"",
        FORM,
        b"content=caf%e9",
        "parameter content is not utf-8 at",
    ),
    ("charset unknown", b"charset=rot13&to=1", b"", b"", "charset rot13 is not known"),
    (
        "charset of another kind",
        b"",
        FORM + b";charset=zip",
        b"to=1",
        "charset zip is not",
    ),
    (
        "sources differ",
        b"to=1",
        JSON,
        b'{"to":"2"}',
        "to is in the URL and in the body",
    ),
    ("many", b"&".join([b"a=1"] * 101), b"", b"", "more than 100 parameters"),
]


@pytest.mark.parametrize(
    ("query", "content_type", "body", "detail"),
    [row[1:] for row in REFUSED],
    ids=[row[0] for row in REFUSED],
)
def test_what_is_wrong_is_named(
    query: bytes, content_type: bytes, body: bytes, detail: str
) -> None:
    """PDU Error, 400, with the place in the detail."""
    refusal = refused(query, content_type, body)
    assert (refusal.http_status, refusal.body) == (400, "PDU Error")
    assert detail in refusal.detail


@pytest.mark.parametrize("content_type", [b"", b"text/plain", b"multipart/form-data"])
def test_a_body_of_another_type_is_refused_by_type(content_type: bytes) -> None:
    """415; a body is never guessed at."""
    assert refused(b"", content_type, b"to=1").http_status == 415


def test_without_a_body_the_type_does_not_matter() -> None:
    """A GET with a Content-Type is common."""
    assert read(b"to=1", b"text/xml", b"").values == {"to": "1"}


@pytest.mark.parametrize(
    "content_type", [b"Application/JSON", b"application/json; v=1"]
)
def test_a_type_has_case_and_parameters(content_type: bytes) -> None:
    """They are RFC 9110's, not ours."""
    assert read(b"", content_type, b'{"to":"1"}').values == {"to": "1"}


def test_twenty_levels_of_json_are_read_and_no_more() -> None:
    """The object itself is the first."""
    deep = b"[" * 19 + b"]" * 19
    assert read(b"", JSON, b'{"x":%s}' % deep).unknown == ["x"]
    detail = refused(b"", JSON, b'{"x":[%s]}' % deep).detail
    assert detail == "the JSON is nested deeper than 20 levels"


def test_a_byte_order_mark_is_not_in_the_way() -> None:
    """Some editors write it."""
    assert read(b"", JSON, b'\xef\xbb\xbf{"to":"1"}').values == {"to": "1"}


@pytest.mark.parametrize(
    ("query", "content_type", "body"),
    [
        (b"charset=ISO-8859-1&content=caf%e9", b"", b""),
        (b"", FORM, b"charset=latin1&content=caf%e9"),
        (b"", FORM + b'; Charset="iso-8859-1"', b"content=caf%e9"),
        (b"", FORM + b"; a=b; charset=windows-1252", b"content=caf%e9"),
        (b"charset=utf-16be&content=%00c%00a%00f%00%e9", b"", b""),
        (b"content=caf%C3%A9", b"", b""),
        (b"content=caf\xc3\xa9", b"", b""),
    ],
)
def test_a_charset_counts_when_it_is_given(
    query: bytes, content_type: bytes, body: bytes
) -> None:
    """As a parameter or with the type; UTF-8 without it."""
    assert read(query, content_type, body).get("content") == "café"


def test_a_plus_is_a_space_and_an_escaped_one_is_a_plus() -> None:
    """In queries and forms alike."""
    assert read(b"to=%2B233&content=a+b", b"", b"").values == {
        "to": "+233",
        "content": "a b",
    }


def test_the_same_value_in_url_and_body_is_no_trouble() -> None:
    """Only a contradiction is."""
    params = read(b"to=1&from=a", JSON, b'{"to":1,"content":"x"}')
    assert params.values == {"to": "1", "from": "a", "content": "x"}
    assert params.from_query == {"to", "from"}


def test_empty_is_missing_so_it_contradicts_nothing() -> None:
    """`to=` in the URL does not stand against the body's."""
    for body in (b'{"to":"1"}', b'{"to":"1","content":null,"from":""}'):
        assert read(b"to=&&=x", JSON, body).values == {"to": "1"}


def test_two_different_keys_are_two_different_callers() -> None:
    """401, not 400: it is about who calls."""
    refusal = refused(b"api_key=a", JSON, b'{"api_key":"b"}')
    assert (refusal.http_status, refusal.body) == (401, "(14) Invalid Password")


def test_unknown_names_are_listed_within_reason() -> None:
    """Ten names of forty characters, whatever is sent."""
    query = "&".join(f"{'x' * 99}{n}=1" for n in range(20)).encode()
    warning = read(query, b"", b"").warning()
    assert warning is not None
    assert len(warning) < 500
    assert read(b"to=1", b"", b"").warning() is None

import pytest
from hypothesis import given
from hypothesis import strategies as st

from luckgw.ingress.http_answers import asks_json, header_text


@pytest.mark.parametrize(
    ("accept", "asks"),
    [
        (b"", None),
        (b"*/*", None),
        (b"text/html", None),
        (b"application/*", None),
        (b"application/json", True),
        (b"APPLICATION/JSON", True),
        (b"application/json, */*", True),
        (b"application/json, */*;q=0.5", True),
        (b"application/json, text/javascript, */*; q=0.01", True),
        (b"text/plain;q=0.5, application/json", True),
        (b"text/*;q=0.5, application/json ; q=0.9", True),
        (b"text/plain", False),
        (b"application/json, text/plain, */*", False),
        (b"application/json;q=0.1, text/plain;q=0.2", False),
        (b"application/json;q=0", None),
        (b"application/json;q=x, text/plain;q=0.1", False),
        (b"application/json;v=2;q=0.9, text/plain;q=0.8", True),
        (b"application/json;q=9, text/plain", False),
    ],
)
def test_json_is_asked_for_by_naming_it_above_text(
    accept: bytes, asks: bool | None
) -> None:
    """A wildcard names nothing; a tie goes to text, which the portal promises."""
    assert asks_json(accept) is asks


@given(st.binary())
def test_any_accept_header_means_something(accept: bytes) -> None:
    """Garbage asks for nothing in particular, and breaks nothing."""
    assert asks_json(accept) in (True, False, None)


@given(st.text())
def test_any_text_fits_a_header(text: str) -> None:
    """Printable ASCII, at most 300 octets."""
    value = header_text(text)
    assert len(value) <= 300
    assert value.decode("ascii").isprintable()

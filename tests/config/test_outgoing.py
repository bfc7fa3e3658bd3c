"""How an upstream wants its messages, as it is written in the files."""

from pathlib import Path

import attrs
import pytest

from luckgw.config.load import load
from luckgw.config.model import Upstream
from luckgw.config.outgoing import LANGUAGES, Rewrite
from luckgw.config.problems import ConfigError
from luckgw.text.national import Language

HEAD = """
[[routes]]
name = "all"
to = ["mtn"]
[upstreams.mtn]
endpoint = "tcp:a:1"
system_id = "x"
password = ""
"""


def upstream(tmp_path: Path, text: str) -> Upstream:
    """The upstream with these tables."""
    file = tmp_path / "luckgw.toml"
    file.write_text(HEAD + text)
    return load(file).upstreams["mtn"]


def complaints(tmp_path: Path, text: str) -> list[str]:
    """What is wrong with them, with line and key."""
    with pytest.raises(ConfigError) as caught:
        upstream(tmp_path, text)
    return [str(each).partition("luckgw.toml:")[2] for each in caught.value.problems]


def test_languages_are_those_that_have_tables() -> None:
    """The configuration knows their names, and no others."""
    assert tuple(each.name.lower() for each in Language) == LANGUAGES


def test_everything(tmp_path: Path) -> None:
    """A table for each side of it, TLVs in three notations, rules as tables."""
    found = upstream(
        tmp_path,
        """
[upstreams.mtn.text]
form = "payload"
alphabet = "gsm7-packed"
also = []
languages = "turkish"
[upstreams.mtn.addresses]
source = "5/0"
rewrite_source = [{ prefix = "233", to = "0" }]
[[upstreams.mtn.addresses.rewrite_destination]]
re = '233(\\d+)'
to = '0\\1'
[upstreams.mtn.submit_sm]
messaging_mode = 3
[upstreams.mtn.vendor_tlvs]
0x1401 = { hex = "0a 0B" }
0x5 = { text = "é\\u0000" }
0x1403 = { int = 258, size = 4 }
""",
    )
    assert (found.text.form, found.text.also) == ("payload", ())
    assert found.text.languages == ("turkish",)
    assert found.addresses.rewrite_source == (Rewrite(to="0", prefix="233"),)
    assert found.addresses.rewrite_destination == (Rewrite(to=r"0\1", re=r"233(\d+)"),)
    assert found.submit_sm.messaging_mode == 3
    assert dict(found.vendor_tlvs) == {
        0x1401: b"\x0a\x0b",
        0x05: b"\xe9\0",
        0x1403: b"\0\0\1\2",
    }
    for table in (found.text, found.addresses, found.submit_sm):
        assert hash(table) == hash(attrs.evolve(table))


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ('[upstreams.mtn.text]\nform = "udh"', "10: upstreams.mtn.text.form: must be"),
        ('[upstreams.mtn.text]\nalso = "gsm7"', "text.also[0]: must be one of latin1"),
        ("[upstreams.mtn.text]\nmax_segments = 256", "must be from 1 to 255"),
        (
            '[upstreams.mtn.text]\nlanguages = ["klingon"]',
            "10: upstreams.mtn.text.languages[0]: must be one of turkish",
        ),
        (
            '[upstreams.mtn.text]\nalphabet = "latin1"\nlanguages = ["turkish"]',
            '11: upstreams.mtn.text.languages: need alphabet = "gsm7"',
        ),
        (
            '[upstreams.mtn.text]\nform = "sar"\nlanguages = ["turkish"]',
            "languages: need a user data header",
        ),
        (
            '[upstreams.mtn.addresses]\nsource = "letters"',
            "like \"1/1\", not 'letters'",
        ),
        ('[upstreams.mtn.addresses]\nshort_code = "auto"', "like \"1/1\", not 'auto'"),
        ('[upstreams.mtn.addresses]\nsource = "1/256"', "a number above 255"),
        (
            "[upstreams.mtn.addresses]\nrewrite_source = 3",
            "rewrite_source: must be a list of tables, not a whole number",
        ),
        (
            '[upstreams.mtn.addresses]\nrewrite_source = [{ to = "0" }]',
            "rewrite_source[0]: needs either prefix or re",
        ),
        (
            '[upstreams.mtn.addresses]\nrewrite_source = [{ to = "\\\\1", re = "a" }]',
            "rewrite_source[0].to: can not be used with re: invalid group reference",
        ),
        (
            '[upstreams.mtn.addresses]\nrewrite_source = [{ to = "", re = "(" }]',
            "re: is not a regular expression",
        ),
        (
            '[upstreams.mtn.addresses]\nrewrite_source = [{ to = "я", prefix = "" }]',
            "to: must be Latin-1 text",
        ),
        (
            '[upstreams.mtn.addresses]\nrewrite_source = { to = "", prefix = "" }',
            "must be a list of tables, not a table",
        ),
        ("[upstreams.mtn.submit_sm]\nmessaging_mode = 2", "must be one of 0, 1, 3"),
        ('[upstreams.mtn.submit_sm]\nservice_type = "toolong"', "0 to 5 octets"),
        ('[upstreams.mtn.submit_sm]\nsend_validity = "no"', "one of as-given, always"),
        (
            '[upstreams.mtn.vendor_tlvs]\n1401 = { hex = "" }',
            "10: upstreams.mtn.vendor_tlvs.1401: is no",
        ),
        (
            '[upstreams.mtn.vendor_tlvs]\n0x1401 = "0a"',
            "10: upstreams.mtn.vendor_tlvs.0x1401: must be",
        ),
        (
            '[upstreams.mtn.vendor_tlvs]\n0x1401 = { hex = "0" }',
            "no hexadecimal octets",
        ),
        ('[upstreams.mtn.vendor_tlvs]\n0x1401 = { text = "я" }', "must be Latin-1"),
        (
            '[upstreams.mtn.vendor_tlvs]\n0x1401 = { text = "a", size = 1 }',
            "must be { hex",
        ),
        (
            "[upstreams.mtn.vendor_tlvs]\n0x1401 = { int = 256, size = 1 }",
            "does not fit 1",
        ),
        (
            "[upstreams.mtn.vendor_tlvs]\n0x1401 = { int = -1, size = 1 }",
            "does not fit 1",
        ),
        (
            "[upstreams.mtn.vendor_tlvs]\n0x1401 = { int = 0, size = 999 }",
            "longer than 254",
        ),
        (
            '[upstreams.mtn.vendor_tlvs]\n0x5 = { hex = "" }\n0x0005 = { hex = "" }',
            "11: upstreams.mtn.vendor_tlvs.0x0005: is there twice",
        ),
        (
            '[upstreams.mtn.vendor_tlvs]\n0x0424 = { text = "a" }',
            "10: upstreams.mtn.vendor_tlvs.0x0424: is message_payload, made of",
        ),
    ],
)
def test_what_is_wrong(tmp_path: Path, text: str, complaint: str) -> None:
    """Told with the line and the key."""
    found = complaints(tmp_path, text)
    assert any(complaint in each for each in found), found


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        (
            'tlvs = "off"\ntext.form = "sar"',
            "upstreams.mtn.text.form: 'sar' needs TLVs",
        ),
        (
            'interface_version = "3.3"\ntext.form = "payload"',
            "upstreams.mtn.text.form: 'payload' needs TLVs",
        ),
        (
            'tlvs = "off"\nvendor_tlvs = { 0x1401 = { hex = "00" } }',
            "upstreams.mtn.vendor_tlvs: needs",
        ),
    ],
)
def test_a_carrier_without_tlvs(tmp_path: Path, text: str, complaint: str) -> None:
    """What it could never be sent is refused at the door."""
    with pytest.raises(ConfigError) as caught:
        upstream(tmp_path, text)
    assert complaint in str(caught.value)

"""What sending a text would take."""

from typing import Any

import pytest

from luckgw.config.outgoing import UpstreamText
from luckgw.domain.errors import Refusal
from luckgw.text.alphabets import Encoding
from luckgw.text.preview import Preview, preview
from luckgw.text.translit import Foreign
from luckgw.text.writer import Writer

GSM, UCS2, LATIN1 = Encoding.GSM7, Encoding.UCS2, Encoding.LATIN1


def seen(text: str, **wanted: Any) -> Preview:
    """The preview for an upstream that wants this."""
    return preview(text, Writer(UpstreamText(**wanted)))


def test_names_what_forces_ucs2() -> None:
    """Every such character, where it stands, and what would do instead."""
    assert seen("Hello €") == Preview("Hello €", 1, GSM, (), None)
    text = "a`b😀ç" + "a" * 65
    assert seen(text) == Preview(
        text,
        2,
        UCS2,
        (Foreign(1, "`", "'"), Foreign(3, "😀", None), Foreign(4, "ç", "c")),
        (2, UCS2),
    )


def test_counts_without_limit() -> None:
    """Also what could not be sent."""
    text = "я" * 67 * 300
    forcing = tuple(Foreign(n, "я", None) for n in range(67 * 300))
    assert seen(text) == Preview(text, 300, UCS2, forcing, None)


def test_tells_what_transliteration_would_save() -> None:
    """Segments and encoding of the replaced text, or what is sent if it is asked."""
    text = "“" + "a" * 158 + "”"
    found = seen(text)
    assert (found.segments, found.encoding) == (3, UCS2)
    assert found.transliterated == (1, GSM)
    asked = preview(text, Writer(UpstreamText()), transliterate=True)
    assert (asked.segments, asked.text) == (1, text.translate({8220: 34, 8221: 34}))


def test_at_an_upstream_of_another_alphabet() -> None:
    """What its alphabet lacks; suggestions are in its alphabet, too."""
    found = seen("ça €ñ“", alphabet="latin1")
    assert found.encoding is UCS2
    assert found.forcing == (Foreign(3, "€", None), Foreign(5, "“", '"'))
    assert seen("ça ñ", alphabet="latin1") == Preview("ça ñ", 1, LATIN1, (), None)
    found = seen("é€", alphabet="ascii")
    assert found.forcing == (Foreign(0, "é", None), Foreign(1, "€", None))


def test_refuses_as_sending_would() -> None:
    """A text that could not be sent has no preview."""
    with pytest.raises(Refusal, match="position 1"):
        seen("a\0")

"""What the sandbox brings from a phone."""

from typing import Any

import pytest

from luckgw.egress.mo import Mo
from luckgw.sandbox.phone import FORMS, DataSm, PhoneText
from luckgw.wire.pdus import Command, decode_sm

LONG = "Gr\u00fc\u00dfe \u20ac " * 40
BASE: dict[str, Any] = {"phone": "233501234567", "number": "4040", "text": LONG}


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("text", ["Hi", LONG, "\U0001f600" * 100])
def test_every_form_says_the_same(form: str, text: str) -> None:
    """Whatever the form, it is read as it was written."""
    bodies = PhoneText.from_json({**BASE, "text": text, "form": form}).bodies()
    if form == "data_sm":
        (body,) = bodies
        sm = decode_sm(body, Command.DATA_SM, from_smsc=True)
        assert isinstance(body, DataSm)
        assert sm.payload
        return
    assert Mo("x", 0, [("gsm7", False, each) for each in bodies]).text == text


def test_the_parts_that_are_wanted() -> None:
    """In that order, as often as they are named."""
    whole = PhoneText.from_json(BASE).bodies()
    some = PhoneText.from_json({**BASE, "parts": [2, 1, 2]}).bodies()
    assert some == [whole[1], whole[0], whole[1]]


@pytest.mark.parametrize(
    "wish",
    [
        {"form": "fax"},
        {"parts": [9]},
        {"phone": "1" * 21},
        {"text": ""},
        {"txt": "x"},
        {"reference": 70_000},
    ],
)
def test_what_can_not_be_is_told(wish: dict[str, Any]) -> None:
    """By a ValueError."""
    with pytest.raises(ValueError, match=r"\w+"):
        PhoneText.from_json({**BASE, **wish}).bodies()

"""Message ids in all their forms."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from luckgw.domain import ids

ID = bytes.fromhex("00c0ffee0a0b4c0d8e0f101112131415")
octets = st.binary(min_size=16, max_size=16)


@pytest.mark.parametrize(
    ("form", "written"),
    [
        ("uuid", "00c0ffee-0a0b-4c0d-8e0f-101112131415"),
        ("hex32", "00c0ffee0a0b4c0d8e0f101112131415"),
        ("decimal", "00054324593364257805"),
        ("hex8", "00c0ffee"),
    ],
)
def test_each_form(form: str, written: str) -> None:
    """As spec/features 2.6 has them."""
    assert ids.written(ID, ids.FORMS.index(form)) == written


@given(octets)
def test_what_is_written_is_found(message_id: bytes) -> None:
    """The long forms are read back, the short ones are names that the store knows."""
    uuid, hex32, decimal, hex8 = (ids.written(message_id, form) for form in range(4))
    assert ids.from_text(uuid) == ids.from_text(hex32.upper()) == message_id
    assert ids.alias_of(uuid) is ids.alias_of(hex32) is None
    for short in (decimal, hex8):
        assert ids.from_text(short) is None
        assert ids.alias_of(f" {short.upper()} ") == short.encode()
    assert re.fullmatch("[0-9]{20}", decimal)


@given(octets, st.integers(0, 3))
def test_a_group_is_told_as_one(message_id: bytes, form: int) -> None:
    """254 members, none of them the group, all with its short names."""
    group = ids.group_of(message_id)
    members = ids.members_of(group)
    assert len({*members, group}) == 255
    assert {ids.group_of(each) for each in members} == {group}
    short = {ids.alias_of(ids.written(each, form)) for each in [group, *members]}
    assert len(short) == 1


@pytest.mark.parametrize("text", ["", "1234567", "1234567g", "²" * 20, "1" * 19])
def test_what_is_no_name(text: str) -> None:
    """Other lengths, other letters."""
    assert ids.alias_of(text) is None

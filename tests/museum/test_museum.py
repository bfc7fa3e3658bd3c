"""Every exhibit is shown: what the application is told, what goes out, to the octet."""

import re
from collections.abc import Callable

import attrs
import pytest

from luckgw.receipts.match import canonical
from luckgw.receipts.parse import parse
from luckgw.wire import rare
from luckgw.wire.connection import Command, Role, State
from luckgw.wire.events import Answered, Malformed, Request
from luckgw.wire.pdus import PduError, Sm, encode_pdu
from luckgw.wire.session import BOUND
from tests.museum.collection import EXHIBITS
from tests.museum.exhibit import Exhibit, Row, octets_of, seen, show
from tests.museum.gallery_sessions import RARE
from tests.wire.peers import pdus

ALL = pytest.mark.parametrize("exhibit", EXHIBITS, ids=[e.name for e in EXHIBITS])
"""The whole collection."""


@ALL
def test_exhibit(exhibit: Exhibit) -> None:
    """These events, this output, this state: nothing more, nothing less."""
    shown = show(exhibit)
    assert seen(shown.events, exhibit.events) == list(exhibit.events)
    assert shown.output.hex(" ") == exhibit.output.hex(" ")
    assert shown.connection.state is (exhibit.after or exhibit.state)


@ALL
def test_octet_by_octet(exhibit: Exhibit) -> None:
    """TCP may cut anywhere. Only the number in the last generic_nack depends on it."""
    shown = show(exhibit, [bytes([octet]) for octet in exhibit.octets] or None)
    assert seen(shown.events, exhibit.events) == list(exhibit.events)

    def without_number(output: bytes) -> list[object]:
        return [
            attrs.evolve(pdu, sequence_number=0) if pdu.command_status == 0x02 else pdu
            for pdu in pdus(output)
        ]

    assert without_number(shown.output) == without_number(exhibit.output)


@ALL
def test_the_session_stays(exhibit: Exhibit) -> None:
    """A session that is not closed goes on as if nothing had been."""
    connection = show(exhibit).connection
    state = connection.state
    if state is State.CLOSED:
        return
    now = exhibit.waited_s + exhibit.then_s
    assert connection.receive(encode_pdu(Command.ENQUIRE_LINK, 0, 99), now) == []
    assert connection.take_output() == encode_pdu(Command.ENQUIRE_LINK_RESP, 0, 99)
    assert connection.state is state


@ALL
def test_what_it_says_as_a_receipt(exhibit: Exhibit) -> None:
    """Each message from an SMSC is read as the receipt it is, or as none."""
    messages = [e for e in show(exhibit).events if isinstance(e, Sm)]
    if exhibit.role is Role.SMSC:
        assert not exhibit.receipts
        return
    receipts = [parse(sm.esm_class, sm.payload, sm.tlvs) for sm in messages]
    assert receipts == list(exhibit.receipts)


@pytest.mark.parametrize(
    "exhibit", [e for e in EXHIBITS if e.ids], ids=lambda exhibit: exhibit.name
)
def test_the_receipt_finds_its_message(exhibit: Exhibit) -> None:
    """The id of the response and the id of the receipt are one, read as configured."""
    events = show(exhibit).events
    (response,) = [e.message_id for e in events if isinstance(e, Answered)]
    (about,) = [each.message_id for each in exhibit.receipts if each]
    assert exhibit.ids is not None
    in_response, in_receipt = exhibit.ids
    assert canonical(response, in_response) == canonical(about, in_receipt)
    assert response != about


DECODERS: dict[int, Callable[[bytes], object]] = {
    Command.QUERY_SM: rare.decode_query_sm,
    Command.CANCEL_SM: rare.decode_cancel_sm,
    Command.REPLACE_SM: rare.decode_replace_sm,
    Command.SUBMIT_MULTI: lambda body: rare.decode_submit_multi(body).destinations,
}


@pytest.mark.parametrize("exhibit", RARE, ids=lambda exhibit: exhibit.name)
def test_what_a_rare_request_says(exhibit: Exhibit) -> None:
    """Its fields, or the command_status that refuses it."""
    (event,) = show(exhibit).events
    assert isinstance(event, Request)
    try:
        decoded = DECODERS[event.command_id](event.body)
    except PduError as error:
        decoded = error.command_status
    assert decoded == exhibit.decoded


def test_an_unreadable_deliver_is_kept() -> None:
    """Its octets are told, for quarantine; those of a partner's message are not."""
    kept = {
        exhibit.name: event.body
        for exhibit in EXHIBITS
        for event in show(exhibit).events
        if isinstance(event, Malformed) and event.kind == "bad body"
    }
    clients = {e.name for e in EXHIBITS if e.role is Role.ESME}
    assert {name for name, body in kept.items() if body} == clients & kept.keys()


class TestCollection:
    """The museum as a whole."""

    def test_every_row_has_an_exhibit(self) -> None:
        """Nothing that the specification promises is only a promise."""
        assert {exhibit.row for exhibit in EXHIBITS} == set(Row)

    def test_both_roles_and_all_states_are_there(self) -> None:
        """Also those that an exhibit leads to."""
        assert {exhibit.role for exhibit in EXHIBITS} == set(Role)
        states = {e.state for e in EXHIBITS} | {e.after for e in EXHIBITS}
        assert states >= {*BOUND, State.OPEN, State.BINDING, State.CLOSED}

    def test_each_has_a_name_and_a_note(self) -> None:
        """Names are unique; notes are sentences without the stop at their end."""
        names = [exhibit.name for exhibit in EXHIBITS]
        assert len(set(names)) == len(names) >= 60
        for exhibit in EXHIBITS:
            assert re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", exhibit.name)
            for note in (exhibit.what, exhibit.seen, exhibit.answer):
                assert len(note) >= 4
                assert not note.endswith(".")


@pytest.mark.parametrize(
    ("text", "octets"),
    [
        ("", b""),
        ("00 0a'aA ; ' 0B*3 ; 'x' 11\n ff", None),
        ("00 0a 'aA ; ' 0b*3 ; 'x' 11\n ff", b"\0\x0aaA ; \x0b\x0b\x0b\xff"),
        ("0", None),
        ("'a", None),
        ("zz", None),
    ],
)
def test_how_octets_are_written(text: str, octets: bytes | None) -> None:
    """As ``exhibit.py`` says, and nothing else is taken for octets."""
    if octets is None:
        with pytest.raises(ValueError, match="no octets"):
            octets_of(text)
    else:
        assert octets_of(text) == octets

"""docs/smpp.md says what the code does."""

import re
from pathlib import Path

import pytest

from docs import make_smpp_table as generator
from luckgw.config.model import OPTIONAL_PDUS, Account, Smpp, Store
from luckgw.dispatch.answers import RETRY_S
from luckgw.domain.states import State as Message
from luckgw.domain.status import Status
from luckgw.receipts.compose import receipt_body
from luckgw.wire.connection import Command, Connection, Role, Settings, State
from luckgw.wire.events import (
    ILLEGAL,
    ORPHAN_RESPONSE,
    STRAY_NACK,
    UNKNOWN_COMMAND,
    Alert,
    BindRequested,
    Closing,
    Event,
    Malformed,
    Request,
    Unbound,
)
from luckgw.wire.pdus import Sm, decode_sm
from tests.museum.collection import EXHIBITS
from tests.wire.peers import (
    BIND,
    DATA,
    SUBMIT,
    in_state,
    nack,
    pdus,
    resp,
    tell,
    written,
)

TEXT = generator.PAGE.read_text("utf-8")
FLAT = " ".join(TEXT.split())
C = Command


def test_the_page_is_current() -> None:
    """The tables are what docs/make_smpp_table.py would write."""
    assert generator.main(["--check"]) is None
    assert generator.page(TEXT) == TEXT


class TestGenerator:
    """docs/make_smpp_table.py."""

    def test_it_writes_and_checks(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """A changed cell is found by --check, and mended without."""
        copy = tmp_path / "smpp.md"
        copy.write_text(TEXT.replace("| 0x64 |", "| 0x04 |"), "utf-8")
        monkeypatch.setattr(generator, "PAGE", copy)
        assert "out of date" in str(generator.main(["--check"]))
        assert generator.main([]) is None
        assert copy.read_text("utf-8") == TEXT

    def test_every_table_needs_its_place(self) -> None:
        """A lost or misspelt marker is an error, not a table less."""
        for text in (TEXT.replace("generated: server", "generated: servers"), ""):
            with pytest.raises(ValueError, match="the page has places"):
                generator.page(text)

    def test_rows_cover_all_commands(self) -> None:
        """Each command of v3.4 stands in one row of each table, and so do the rest."""
        for role in Role:
            found = [c for commands, _ in generator.rows(role) for c in commands]
            assert len(found) == len(set(found))
            assert set(found) > set(Command)


# ------------------------------------------------------- the table on real sessions

_BINDS = (C.BIND_RECEIVER, C.BIND_TRANSMITTER, C.BIND_TRANSCEIVER)
_REQUESTS = (C.OUTBIND, C.SUBMIT_MULTI, C.QUERY_SM, C.CANCEL_SM, C.REPLACE_SM)
BODIES: dict[int, bytes] = {
    **dict.fromkeys(_BINDS, BIND),
    C.SUBMIT_SM: SUBMIT,
    C.DELIVER_SM: SUBMIT,
    C.DATA_SM: DATA,
}
TAKEN_AS: dict[int, type[object]] = {
    **dict.fromkeys(_BINDS, BindRequested),
    **dict.fromkeys((C.SUBMIT_SM, C.DELIVER_SM, C.DATA_SM), Sm),
    **dict.fromkeys(_REQUESTS, Request),
    C.ALERT_NOTIFICATION: Alert,
    C.UNBIND: Unbound,
}
COLUMNS = [
    (role, name, column, state)
    for role, name in ((Role.SMSC, "server"), (Role.ESME, "client"))
    for column, state in enumerate(generator.LIVE, start=1)
]


@pytest.mark.parametrize(
    ("role", "name", "column", "state"),
    COLUMNS,
    ids=[f"{name}-{state.name}" for _, name, _, state in COLUMNS],
)
def test_a_session_does_what_the_page_says(
    role: Role, name: str, column: int, state: State
) -> None:
    """Each cell, as it stands on the page: the event, the answer, the state then."""
    printed = list(generator.table_of(TEXT, name))
    rows = generator.rows(role)
    assert [cells[0] for cells in printed] == [generator.label(c) for c, _ in rows]
    for (commands, _), cells in zip(rows, printed, strict=True):
        for command in commands:
            obeys(in_state(role, state), command, cells[column])


def obeys(connection: Connection, command: int, cell: str) -> None:
    """Fail unless the session does with the command what the cell says."""
    state = connection.state
    events = tell(connection, command, BODIES.get(command, b""), sequence=77)
    outcome, _, end = cell.partition(", ")
    if outcome == "taken":
        is_taken(command, events)
    elif outcome == "kept":
        assert events == []
        assert connection.state is state
        is_kept(connection, command)
    elif outcome == "ignored":
        assert events == [Malformed("ignored", command)]
        assert not connection.has_output
        assert connection.state is state
    else:
        is_refused(connection, command, outcome, events[0])
        closes = end == "closes"
        assert [type(event) for event in events[1:]] == [Closing] * closes
        assert connection.state is (State.CLOSED if closes else state)


def is_refused(
    connection: Connection, command: int, outcome: str, event: Event
) -> None:
    """Fail unless the answer is that status, in a response or in a generic_nack."""
    status = int(outcome.removeprefix("nack "), 16)
    assert isinstance(event, Malformed)
    assert event.kind == (ILLEGAL if command in set(Command) else UNKNOWN_COMMAND)
    assert event.command_status == status
    if outcome.startswith("nack "):
        expected = nack(status, 77)
    else:
        body = b"\0" if command in (C.DELIVER_SM, C.DATA_SM) else b""
        expected = resp(Command(command), status, 77, body)
    assert written(connection) == [expected]


def is_taken(command: int, events: list[Event]) -> None:
    """Fail unless the command was let in."""
    if command in TAKEN_AS:
        assert [type(event) for event in events] == [TAKEN_AS[command]]
    elif command == C.ENQUIRE_LINK:
        assert events == []
    else:  # a response, and we have not asked anything
        nacked = command == C.GENERIC_NACK
        kind = STRAY_NACK if nacked else ORPHAN_RESPONSE
        assert events == [Malformed(kind, command)]


def is_kept(connection: Connection, command: int) -> None:
    """Fail unless a second one is refused, and the first is taken after the bind."""
    assert not connection.has_output
    tell(connection, command, BODIES.get(command, b""), sequence=78)
    assert [(p.command_status, p.sequence_number) for p in written(connection)] == [
        (0x04, 78)
    ]
    connection.accept_bind(b"luckgw")
    is_taken(command, connection.receive(b"", 0.0))


@pytest.mark.parametrize("state", generator.LIVE)
def test_what_is_turned_off_is_nacked(state: State) -> None:
    """generic_nack 0x03, in every state."""
    assert Smpp().disabled == ()
    for name in OPTIONAL_PDUS:
        command = Command[name.upper()]
        session = in_state(Role.SMSC, state, Settings(disabled=frozenset({command})))
        tell(session, command, BODIES.get(command, b""), sequence=77)
        assert written(session) == [nack(0x03, 77)]
        assert f"`{name}`" in generator.optional()


# ------------------------------------------------------------------ the words around


def test_the_portals_settings_are_there() -> None:
    """As the portal prints them."""
    for line in (
        "| Host | sms-client.luckcreators.com |",
        "| Port | 2775 |",
        "| System ID | your_username |",
        "| Password | your_password |",
        "| Version | 3.4 |",
        "- Source TON: 5 (Alphanumeric) or 1 (International)",
        "- Source NPI: 0 (Unknown) or 1 (ISDN)",
        "- Destination TON: 1 (International)",
        "- Destination NPI: 1 (ISDN)",
    ):
        assert f"\n{line}\n" in TEXT


def test_the_receipt_is_a_real_one() -> None:
    """The example is what we write, octet for octet, with the TLVs that are told."""
    body = receipt_body(
        source_addr_ton=1,
        source_addr_npi=1,
        source_addr=b"233241234567",
        dest_addr_ton=5,
        dest_addr_npi=0,
        destination_addr=b"LuckCreators",
        message_id="f48c1e28-5a0b-4c53-9d55-2f1d0f6a7b10",
        state=Message.DELIVERED,
        submit_ms=1_795_442_700_000,
        done_ms=1_795_442_760_000,
        text=b"Hello! This is a test via SMPP.",
    )
    sm = decode_sm(body, Command.DELIVER_SM)
    assert f"\n    {sm.short_message.decode('ascii')}\n" in TEXT
    assert (sm.esm_class, sm.data_coding) == (0x04, 0)
    assert sm.tlvs == {
        0x001E: b"f48c1e28-5a0b-4c53-9d55-2f1d0f6a7b10\0",
        0x0427: b"\2",
    }


def test_the_statuses_have_their_names() -> None:
    """Each number of the table of errors stands beside its name in v3.4."""
    rows = re.findall(r"^\| 0x([0-9A-F]{2}) \| (ESME_\w+) \|", TEXT, re.MULTILINE)
    assert len(rows) > 15
    assert [(number, Status[name]) for number, name in rows] == sorted(
        (number, int(number, 16)) for number, _ in rows
    )


def test_every_answer_to_a_submit_is_explained() -> None:
    """What the museum's server says to a submit_sm has a row on the page."""
    answered = {
        pdu.command_status
        for exhibit in EXHIBITS
        if exhibit.role is Role.SMSC
        for pdu in pdus(exhibit.output)
        if pdu.command_id in (C.SUBMIT_SM_RESP, C.GENERIC_NACK) and pdu.command_status
    }
    assert len(answered) > 10
    for status in answered:
        assert f"\n| 0x{status:02X} | ESME_" in TEXT


def test_the_numbers_are_the_defaults() -> None:
    """Timers, windows and limits are those of a gateway that nobody configured."""
    smpp, wire, account = Smpp(), Settings(), Account("acme")
    silence = smpp.enquire_link_s + 2 * smpp.link_response_s
    first, second, third, fourth, last = RETRY_S
    pauses = f"{first} s, {second} s, {third // 60}, {fourth // 60} and {last // 60}"
    probes = f"after {smpp.enquire_link_s:.0f} s we send `enquire_link`, and another"
    probes += f" {smpp.link_response_s:.0f} s later; after {silence:.0f} s"
    for said in (
        probes,
        f"after {pauses} minutes, and then every {last // 60} minutes",
        f"have {account.max_binds} sessions at the same time",
        f"up to {account.window} `submit_sm` of a session may be unanswered",
        f"Up to {account.deliver_window} may be unanswered on a session",
        f"from connected to `bind_*` | {smpp.session_init_s:.0f} s,",
        f"from the first octet of a PDU to its last | {smpp.pdu_read_s:.0f} s,",
        f"do not read what we send | after {smpp.write_stall_s:.0f} s",
        f"your answer to `deliver_sm` | {smpp.response_s:.0f} s",
        f"is answered, at most {wire.unbind_s:.0f} s",
        f"({Store().retention_days} days, unless the operator keeps them longer)",
        f"above {wire.max_pdu:,} (before the bind {wire.max_pdu_unbound})",
    ):
        assert said in FLAT
    assert smpp.inactivity_s == 0
    assert account.validity_s == 2 * 24 * 3600
    assert "is tried for two days" in FLAT

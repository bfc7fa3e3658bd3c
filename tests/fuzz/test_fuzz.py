"""The short form of ``make fuzz``, and that the fuzzer would find what it looks for."""

import random
import re
from typing import Any

import attrs
import pytest
from click.testing import CliRunner

from luckgw.wire.connection import Command, Role, State
from tests.fuzz import run as fuzz
from tests.fuzz import sessions
from tests.fuzz.mutate import SEEDS, a_pdu, damaged, pieces
from tests.fuzz.sessions import check_output
from tests.fuzz.target import Target
from tests.wire.peers import Pdu

C = Command


def test_five_thousand_cases() -> None:
    """No promise is broken by the first 5,000 cases of a fixed seed."""
    report = fuzz.run(seed=2026, count=5000)
    assert report.ok, str(report)
    assert {name for name, each in report.figures.items() if each.cases} == {
        target.name for target in fuzz.TARGETS
    }


def test_the_shares_are_percents() -> None:
    """So that what a target gets is what its share says."""
    assert sum(target.share for target in fuzz.TARGETS) == 100


def test_a_case_can_be_made_again() -> None:
    """Seed and number are all that a case depends on."""
    for number in range(300):
        assert fuzz.case(7, number) == fuzz.case(7, number)
    assert fuzz.case(7, 1) != fuzz.case(8, 1)


def test_damage_is_damage() -> None:
    """Seeds and usual PDUs come out whole and broken, in one piece and in many."""
    rng = random.Random(1)
    made = [a_pdu(rng) for _ in range(500)]
    sound = [int.from_bytes(pdu[:4], "big") == len(pdu) for pdu in made]
    assert 350 < sum(sound) < 500
    assert len(set(made)) > 450
    assert {pdu[4:8] for pdu in SEEDS} >= {
        c.to_bytes(4, "big") for c in C if not c & 0x80000000 or c == 0x80000000
    } - {b"\0\0\0\6", b"\0\0\0\x15"}
    assert damaged(rng, b"", 0) == b""
    cut = [pieces(rng, b"0123456789") for _ in range(50)]
    assert {b"".join(parts) for parts in cut} == {b"0123456789"}
    assert max(len(parts) for parts in cut) > 3


class TestOutput:
    """``check_output`` lets no PDU pass that a session must not send."""

    ASKED = Pdu(C.SUBMIT_SM, 0, 7)

    @staticmethod
    def octets(pdu: Pdu) -> bytes:
        """The PDU as it travels."""
        header = (16 + len(pdu.body), pdu.command_id)
        numbers = (*header, pdu.command_status, pdu.sequence_number)
        return b"".join(n.to_bytes(4, "big") for n in numbers) + pdu.body

    @pytest.mark.parametrize(
        ("role", "pdu"),
        [
            (Role.SMSC, Pdu(C.SUBMIT_SM_RESP, 0, 7, b"id\0")),
            (Role.SMSC, Pdu(C.SUBMIT_SM_RESP, 0x58, 7)),
            (Role.SMSC, Pdu(C.BIND_RECEIVER_RESP, 0, 7, b"luckgw\0")),
            (Role.SMSC, Pdu(C.DELIVER_SM, 0, 1, b"...")),
            (Role.ESME, Pdu(C.SUBMIT_SM, 0, 0x7FFFFFFF, b"...")),
            (Role.ESME, Pdu(C.DELIVER_SM_RESP, 0x64, 7, b"\0")),
            (Role.SMSC, Pdu(C.GENERIC_NACK, 0x03, 7)),
            (Role.SMSC, Pdu(C.GENERIC_NACK, 0x02, 0)),
            (Role.SMSC, Pdu(C.ENQUIRE_LINK, 0, 1)),
            (Role.SMSC, Pdu(C.UNBIND_RESP, 0, 7)),
        ],
    )
    def test_legal(self, role: Role, pdu: Pdu) -> None:
        """What a session sends passes."""
        check_output(role, self.octets(self.ASKED), self.octets(pdu))

    @pytest.mark.parametrize(
        ("role", "pdu"),
        [
            (Role.SMSC, Pdu(C.SUBMIT_SM, 0, 1, b"...")),
            (Role.ESME, Pdu(C.DELIVER_SM, 0, 1, b"...")),
            (Role.SMSC, Pdu(C.DELIVER_SM, 1, 1, b"...")),
            (Role.SMSC, Pdu(C.DELIVER_SM, 0, 0, b"...")),
            (Role.SMSC, Pdu(C.DELIVER_SM, 0, 0x80000000, b"...")),
            (Role.SMSC, Pdu(C.ENQUIRE_LINK, 0, 1, b"\0")),
            (Role.SMSC, Pdu(C.SUBMIT_SM_RESP, 0, 8, b"id\0")),
            (Role.SMSC, Pdu(C.SUBMIT_SM_RESP, 0, 7, b"id")),
            (Role.SMSC, Pdu(C.SUBMIT_SM_RESP, 0, 7, b"i\0d\0")),
            (Role.SMSC, Pdu(C.SUBMIT_SM_RESP, 0, 7, b"i" * 65 + b"\0")),
            (Role.SMSC, Pdu(C.SUBMIT_SM_RESP, 0x58, 7, b"id\0")),
            (Role.SMSC, Pdu(C.SUBMIT_SM_RESP, 0x59, 7)),
            (Role.ESME, Pdu(C.SUBMIT_SM_RESP, 0x58, 7, b"\0")),
            (Role.ESME, Pdu(C.DELIVER_SM_RESP, 0x64, 7)),
            (Role.SMSC, Pdu(C.BIND_RECEIVER_RESP, 0, 7, b"other\0")),
            (Role.SMSC, Pdu(C.GENERIC_NACK, 0, 7)),
            (Role.SMSC, Pdu(C.GENERIC_NACK, 0x03, 7, b"\0")),
            (Role.SMSC, Pdu(C.UNBIND_RESP, 0, 7, b"\0")),
            (Role.SMSC, Pdu(0x8000000A, 0, 7)),
        ],
    )
    def test_illegal(self, role: Role, pdu: Pdu) -> None:
        """Nothing else does."""
        with pytest.raises(AssertionError):
            check_output(role, self.octets(self.ASKED), self.octets(pdu))

    def test_half_a_pdu(self) -> None:
        """Only whole ones pass."""
        octets = self.octets(Pdu(C.SUBMIT_SM_RESP, 0, 7, b"id\0"))
        with pytest.raises((AssertionError, ValueError)):
            check_output(Role.SMSC, self.octets(self.ASKED), octets[:-1])

    def test_one_answer_for_each(self) -> None:
        """A second answer answers nothing."""
        octets = self.octets(Pdu(C.SUBMIT_SM_RESP, 0, 7, b"id\0"))
        with pytest.raises(AssertionError, match="answer to nothing"):
            check_output(Role.SMSC, self.octets(self.ASKED), octets * 2)


def breaks(*made: Any) -> Target:
    """A target whose promise is broken by one of its inputs in twenty."""

    def make(rng: random.Random) -> tuple[int]:
        return (rng.randrange(20),)

    def check(number: int) -> None:
        assert number != 13, "unlucky"

    return Target("luck", 100, make, check)


class TestRun:
    """The report of a run."""

    def test_a_broken_promise_is_told(self) -> None:
        """With seed, number, input and traceback; not more than can be read."""
        report = fuzz.run(1, 10_000, targets=[breaks()])
        assert not report.ok
        assert len(report.broken) == fuzz.MOST_BROKEN
        assert "of seed 1\n  input: (13,)" in report.broken[0]
        assert "AssertionError: unlucky" in report.broken[0]
        assert f"{fuzz.MOST_BROKEN} broken promises" in str(report)

    def test_slowness_is_a_broken_promise(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """An input that makes us think too long is told as well."""
        monkeypatch.setattr(fuzz, "SLOWEST_S", -1.0)
        report = fuzz.run(1, 3, targets=[attrs.evolve(breaks(), name="slow")])
        assert len(report.broken) == 3
        assert all(re.search(r"it took -?0\.\d s", each) for each in report.broken)

    def test_growth_is_a_broken_promise(self) -> None:
        """Even when every check passed."""
        assert fuzz.Report(1, growth_mib=64.0).ok
        assert not fuzz.Report(1, growth_mib=64.1).ok

    def test_the_command(self) -> None:
        """It reports every target, and exits with 0 when all is well."""
        done = CliRunner().invoke(fuzz.main, ["--cases", "200", "--seed", "5"])
        assert done.exit_code == 0, done.output
        assert "seed 5: 0 broken promises" in done.output
        assert "session" in done.output
        only = CliRunner().invoke(fuzz.main, ["--cases", "20", "--only", "TLVs"])
        assert only.exit_code == 0
        assert "session" not in only.output

    def test_a_broken_session_would_be_found(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """The fuzzer finds a status that no book has within 2,000 cases."""
        good, bad = b"\x80\0\0\4\0\0\0\0", b"\x80\0\0\4\0\0\0\x59"

        def settles_wrongly(play: sessions.Play) -> None:
            settle(play)
            play.output = play.output.replace(good, bad)

        settle = sessions.Play.settle
        monkeypatch.setattr(sessions.Play, "settle", settles_wrongly)
        assert not fuzz.run(1, 2000, targets=[sessions.SESSION]).ok


def test_every_state_of_both_roles_is_played() -> None:
    """A few hundred sessions are enough to begin in each of them."""
    made = [fuzz.case(1, number, [sessions.SESSION])[1] for number in range(400)]
    live = [state for state in State if state is not State.CLOSED]
    assert {each[:2] for each in made} == {(r, s) for r in Role for s in live}

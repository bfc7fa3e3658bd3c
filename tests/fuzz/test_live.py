"""The crowd of ``make fuzz-live`` in small, and that its verdict can be a bad one."""

import socket
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import attrs
import pytest

from luckgw.wire.pdus import Command, encode_pdu
from tests.fuzz import attack as hostile
from tests.fuzz.live import Outcome, attack, prepare, unhandled
from tests.journeys.conftest import build
from tests.journeys.house import House

__all__ = ["build"]


def test_a_thousand_damaged_pdus_on_a_live_port(build: Callable[..., House]) -> None:
    """Whole legal PDUs come back, no error goes unhandled, and the gateway is well."""
    house = build()
    prepare(house)
    house.carrier.start()
    house.start()
    house.wait_ready()
    report = attack(house, pdus=1000, rate=1000, seconds=10)
    assert report["illegal"] == []
    assert report["pdus"] == 1000
    assert report["bound"] > 5
    assert report["answers"] > 100
    assert {"0x00", "0x03", "0x04"} <= report["statuses"].keys()
    assert unhandled(house) == 0
    house.wait_status(house.sent(), "DELIVERED")


GOOD = Outcome(
    attack={"illegal": [], "pdus": 7, "seconds": 1.0, "answers": 3},
    alone={"ok": True, "response_ms": {"p50": 1.0, "p99": 10.0}},
    beside={"ok": True, "response_ms": {"p50": 2.0, "p99": 15.0}},
    unhandled=0,
    rss_before_mib=60.0,
    rss_peak_mib=124.0,
    rss_after_mib=124.0,
    rss_quarters_mib=[90.0, 108.0, 110.0, 124.0],
    gateway_cpu_s=1.0,
)


def test_the_bars() -> None:
    """At the bar is well; people are told figure and bound of each."""
    assert GOOD.faults == []
    told = str(GOOD)
    assert "memory: 60 MiB, at most 124 (bound 124)" in told
    assert "by quarters 90, 108, 110, 124 (last at most 16 over" in told
    assert "beside: p50 2.0 ms, p99 15.0 ms\n  (bound 15.0 ms)" in told


@pytest.mark.parametrize(
    ("what", "changed"),
    [
        ("errors that nobody handled", {"unhandled": 1}),
        ("illegal answers", {"attack": {"illegal": ["half a PDU"]}}),
        (
            "a partner lost something",
            {"beside": {"ok": False, "response_ms": {"p99": 15.0}}},
        ),
        ("memory", {"rss_peak_mib": 124.1}),
        ("memory that grows on", {"rss_quarters_mib": [124.0, 107.9, 110.0, 124.0]}),
        (
            "the partner's p99",
            {"beside": {"ok": True, "response_ms": {"p99": 15.1}}},
        ),
    ],
)
def test_beyond_a_bar(what: str, changed: dict[str, Any]) -> None:
    """Each of the six promises can be broken by itself."""
    assert attrs.evolve(GOOD, **changed).faults == [what]


def test_errors_in_the_log_are_seen(tmp_path: Path) -> None:
    """What Twisted and the sessions write about a bug."""
    house = House(tmp_path)
    house.log.write_text("all is well\n")
    assert unhandled(house) == 0
    house.log.write_text(
        "a session broke\n\tTraceback (most recent call last):\nUnhandled Error\n"
    )
    assert unhandled(house) == 3


@pytest.mark.parametrize(
    ("answers", "illegal"),
    [
        (encode_pdu(Command.SUBMIT_SM_RESP, 0, 7, b"id\0"), ""),
        (encode_pdu(Command.SUBMIT_SM_RESP, 0, 7, b"id"), "Pdu(command_id=2147483652"),
        (struct.pack(">4I", 15, 0, 0, 0), "0000000f"),
        (encode_pdu(Command.UNBIND, 0, 1)[:9], "half a PDU: 000000100000000600"),
    ],
)
def test_a_server_that_answers_wrongly_is_told(answers: bytes, illegal: str) -> None:
    """The crowd looks at every PDU that comes back, and at what is left at the end."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        crowd = hostile.Crowd(server.getsockname(), b"x", b"y", seed=1)
        peer = hostile.Peer(crowd, 1, hostile.READER)
        accepted, address = server.accept()
        with accepted, peer.socket:
            assert address[0] == "127.0.1.2"
            accepted.sendall(answers)
            accepted.shutdown(socket.SHUT_WR)
            peer.socket.setblocking(True)
            while peer.read():
                pass
    if not illegal:
        assert crowd.report.illegal == []
        assert crowd.report.answers == 1
    else:
        assert crowd.report.illegal[0].startswith(illegal)

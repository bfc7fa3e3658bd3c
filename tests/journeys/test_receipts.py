"""Receipts as carriers really send them, through a real gateway."""

import json
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import smpplib.consts

from tests.journeys.house import ROOT, House, until
from tests.journeys.test_smpp import Partner

MESSAGES = 10_000
UNKNOWN = MESSAGES // 10


def test_every_receipt_finds_its_message(build: Callable[..., House]) -> None:
    """Ids in hexadecimal in the answers and in decimal in the receipts, which nobody
    has configured; receipts first, late, twice, out of order, padded, without TLVs, of
    unknown ids (F17): the partner gets one final receipt for each message, none of them
    wrong, and those of unknown ids wait for the operator, counted exactly.
    """
    house = build()
    house.carrier.options = ("--mixed", "--id-format", "hex", "--receipt-ids", "dec")
    house.carrier.start()
    house.start()
    house.wait_ready()
    load = subprocess.run(
        [
            *(sys.executable, "-m", "luckgw.sandbox.load_main", "smpp"),
            *("--connect", f"tcp:127.0.0.1:{house.smpp_port}"),
            *("--system-id", "acme", "--password", "secret"),
            *("--count", str(MESSAGES), "--wait-receipts-s", "60"),
        ],
        capture_output=True,
        text=True,
        check=False,
        cwd=ROOT,
        timeout=150,
    )
    assert load.returncode == 0, load.stdout + load.stderr + house.log.read_text()
    receipts = json.loads(load.stdout)["receipts"]
    assert receipts["matched"] == MESSAGES
    assert (receipts["duplicates"], receipts["unknown"]) == (0, 0)

    def status() -> dict[str, Any]:
        answer = house.luckgw("status", "--json")
        found: dict[str, Any] = json.loads(answer.stdout)["receipts"]
        return found

    until(lambda: status()["waiting"]["carrier"] == UNKNOWN, 30, "all is matched")
    learnt = status()["learnt"]["carrier"]
    assert learnt["tried first"] == "receipt in decimal, answer in hexadecimal"
    assert "writes ids in another form" in house.log.read_text()
    # The operator's desk.
    orphans = json.loads(house.luckgw("receipts", "orphans", "--json").stdout)
    first = orphans["orphans"][0]
    assert first["id"].startswith("never-")
    assert first["orphan"] in house.luckgw("receipts", "orphans").stdout
    assert house.luckgw("receipts", "drop", first["orphan"]).returncode == 0
    again = house.luckgw("receipts", "drop", first["orphan"])
    assert (again.returncode, "waits for its message" in again.stderr) == (1, True)
    message_id = house.sent(to="233501234566")
    orphan = orphans["orphans"][1]["orphan"]
    bound = house.luckgw("receipts", "bind", orphan, message_id)
    assert bound.returncode == 0, bound.stderr
    left = UNKNOWN - 2 + 1  # with this message came another one of an unknown id
    until(lambda: status()["waiting"]["carrier"] == left, 10, "two less, one more")
    text = house.luckgw("status").stdout
    assert "receipts from carrier" in text
    assert house.luckgw("receipts", "quarantine", "carrier").returncode == 0
    counts = house.carrier.stop()
    assert counts["receipts_unknown"] == UNKNOWN + 1
    assert "Traceback" not in house.log.read_text()


def test_no_receipt_ever_comes(build: Callable[..., House]) -> None:
    """A message that its carrier took and never spoke of again ends as UNKNOWN when its
    validity is over; the partner and the status API are told.
    """
    house = build(more="[receipts]\ngrace_s = 1\nlook_after_s = 1\n")
    house.carrier.start()
    house.start()
    house.wait_ready()
    partner = Partner(house)
    partner.bind("transceiver")
    partner.client.send_message(
        source_addr_ton=smpplib.consts.SMPP_TON_ALNUM,
        source_addr="LuckCreators",
        dest_addr_ton=smpplib.consts.SMPP_TON_INTL,
        destination_addr="233501230010",
        short_message=b"nobody will know",
        validity_period="000000000002000R",
        registered_delivery=1,
    )
    partner.read(answers=1)
    message_id = partner.answers[0].message_id.decode()
    house.wait_status(message_id, "SENT")
    partner.client.timeout = 40
    partner.read(receipts=1)
    assert b" stat:UNKNOWN " in partner.receipts[0].short_message
    assert house.status(message_id) == "UNKNOWN"
    partner.leave()

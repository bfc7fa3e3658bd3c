"""node's `smpp` as a partner. ``make interop`` installs it first."""

import json
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.journeys.house import House

HERE = Path(__file__).parent

pytestmark = pytest.mark.skipif(
    shutil.which("node") is None or not (HERE / "node_modules" / "smpp").exists(),
    reason="node's smpp is not installed: make interop",
)


def test_node_submits_and_gets_its_receipts(house: House) -> None:
    """Short, UCS2 and long (message_payload) messages: ids, and a receipt for each."""
    told = subprocess.run(
        ["node", HERE / "node_partner.js", str(house.smpp_port)],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert told.returncode == 0, told.stderr
    said = json.loads(told.stdout)
    assert sorted(said["ids"]) == sorted(each["id"] for each in said["receipts"])
    assert len(set(said["ids"])) == 3
    for receipt in said["receipts"]:
        assert receipt["state"] == 2
        assert f"id:{receipt['id']} sub:001" in receipt["text"]
        assert house.status(receipt["id"]) == "DELIVERED"

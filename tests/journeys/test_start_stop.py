"""The gateway starts whole or not at all, and stops without losing anything."""

import os
import socket
import subprocess
from collections.abc import Callable
from pathlib import Path

from tests.journeys.house import BIN, ROOT, House, until
from tests.valkey_server import Valkey


def test_sigterm_drains_and_leaves_nothing_behind(house: House) -> None:
    """A clean exit, no server left behind, and the message still known after it."""
    message_id = house.sent()
    house.wait_status(message_id, "DELIVERED")
    store = house.store_pid()
    assert house.stop() in (0, -15, 143)
    assert not Path(f"/proc/{store}").exists()
    assert "Traceback" not in house.log.read_text()
    house.start()
    assert house.status(message_id) == "DELIVERED"


def test_a_broken_configuration_is_told_whole(build: Callable[..., House]) -> None:
    """Every fault at once, with file, line and key; no traceback, exit status 1."""
    house = build()
    text = house.config.read_text()
    house.config.write_text(
        text.replace("binds = 2", 'binds = "two"').replace("drain_s", "drian_s")
    )
    checked: list[str | Path] = [BIN / "luckgw", "check", house.config]
    for command in (checked, _twistd(house)):
        told = subprocess.run(
            command, capture_output=True, text=True, check=False, cwd=ROOT, timeout=30
        )
        said = told.stdout + told.stderr
        assert told.returncode == 1, said
        assert f"{house.config}:4: gateway.drian_s" in said
        assert 'did you mean "drain_s"' in said
        assert f"{house.config}:15: upstreams.carrier.binds" in said
        assert "Traceback" not in said


def _twistd(house: House) -> list[str | Path]:
    return [
        *(BIN / "twistd", "-n", "--pidfile="),
        *("luckgw", "start", "--config", house.config),
    ]


def test_a_taken_port_is_one_clear_sentence(build: Callable[..., House]) -> None:
    """It does not start half: no traceback, status 1, no store left running."""
    house = build()
    with socket.create_server(("127.0.0.1", house.smpp_port)):
        process = house.launch()
        assert process.wait(timeout=30) == 1
    house.process = None
    said = house.log.read_text()
    assert "luckgw can not start: [smpp] listen" in said
    assert "Traceback" not in said
    assert not Path(f"/proc/{house.store_pid()}").exists()


def test_a_killed_gateway_loses_nothing(build: Callable[..., House]) -> None:
    """SIGKILL with messages queued, sent and unanswered: after a restart each of them
    reaches the carrier and ends DELIVERED.
    """
    house = build()
    house.start()
    waiting = [house.sent() for _ in range(20)]  # nothing is bound yet
    house.carrier.start()
    house.wait_ready()
    mixed = [house.sent() for _ in range(30)]
    house.kill()
    house.start()
    for message_id in waiting + mixed:
        house.wait_status(message_id, "DELIVERED", within_s=20)
    assert (
        "took over" in house.log.read_text() or house.carrier.stop()["accepted"] >= 50
    )


def test_a_killed_store_comes_back(house: House) -> None:
    """SIGKILL of the store's server: restarted, what was accepted is there, and the
    gateway accepts again within 3 s.
    """
    before = house.sent(to="233501230010")
    os.kill(house.store_pid(), 9)
    until(lambda: house.send().status_code == 200, 3, "accepting again")
    assert house.status(before) in ("ACCEPTED", "SENT")
    house.wait_status(house.sent(), "DELIVERED", within_s=10)


def test_a_store_of_ones_own_will_do(
    build: Callable[..., House], valkey: Valkey
) -> None:
    """A URL in place of ``embedded``: the same message, the same DELIVERED."""
    house = build(store=f'url = "{valkey.url}"')
    house.carrier.start()
    house.start()
    house.wait_ready()
    house.wait_status(house.sent(), "DELIVERED")


def test_a_store_that_forgets_is_refused(
    build: Callable[..., House], valkey: Valkey
) -> None:
    """appendfsync everysec: one clear sentence at once, exit status 1."""
    house = build(store=f'url = "{valkey.url}"')
    valkey.command("CONFIG", "SET", "appendfsync", "everysec")
    try:
        assert house.launch().wait(timeout=20) == 1
    finally:
        valkey.command("CONFIG", "SET", "appendfsync", "always")
    house.process = None
    said = house.log.read_text()
    assert "appendfsync 'everysec'; it must be 'always'" in said
    assert "Traceback" not in said

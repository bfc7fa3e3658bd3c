"""A gateway and its carriers: TLS, profiles, and what people see of a bind."""

import json
import socket
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.journeys.house import House, free_port, until
from tests.papers import paper

Build = Callable[..., House]
BOUND = "bound to carrier as BIND_RECEIVER"


def bind_of(house: House) -> dict[str, Any]:
    """The first bind, as ``luckgw status`` shows it."""
    told = house.luckgw("status", "--json")
    assert told.returncode == 0, told.stderr
    bind: dict[str, Any] = json.loads(told.stdout)["upstreams"]["carrier"]["binds"][0]
    return bind


def configure(house: House, old: str, new: str) -> None:
    """Change the house's configuration."""
    text = house.config.read_text()
    assert old in text
    house.config.write_text(text.replace(old, new))


def test_a_carrier_behind_tls(build: Build) -> None:
    """With the CA and the name of the carrier in a profile: delivered. With another
    name: no bind, and the status says TLS.
    """
    house = build()
    ca = paper("Carrier CA")
    ca.write(house.directory, "ca")
    certificate, key = paper("smsc.example.net", ca).write(house.directory, "smsc")
    house.carrier.kind = "ssl"
    house.carrier.more = f":certKey={certificate}:privateKey={key}"
    profiles = house.directory / "profiles"
    profiles.mkdir()
    (profiles / "ours.toml").write_text(
        'tls = { ca = "../ca.pem", name = "smsc.example.net" }\ntlvs = "auto"\n'
    )
    configure(house, "binds = 2", 'profile = "ours"')
    house.carrier.start()
    house.start()
    house.wait_ready()
    house.wait_status(house.sent(), "DELIVERED")
    assert bind_of(house)["trouble"] == ""
    house.stop()

    configure(house, 'profile = "ours"', "tls = { ca = 'ca.pem' }")
    house.start()
    until(lambda: bind_of(house)["trouble"] == "TLS", 20, "the wrong name is seen")
    assert bind_of(house)["state"] != "bound"
    assert "Traceback" not in house.log.read_text()


def test_wrong_credentials_are_an_alarm(build: Build) -> None:
    """Said in the log and in the status, with the next try a minute away."""
    house = build()
    house.carrier.password = "another"
    house.carrier.start()
    house.start()
    until(lambda: bind_of(house)["is_alarm"], 20, "the alarm")
    bind = bind_of(house)
    assert bind["state"] == "waiting"
    assert bind["trouble"] == "wrong credentials"
    assert 45 < bind["next_try_s"] < 75
    shown = house.luckgw("status").stdout
    assert "upstream carrier: transceiver: wrong credentials" in shown
    assert "ALARM: no bind to carrier" in house.log.read_text()
    assert "another" not in shown


def test_a_tls_file_that_is_none(build: Build, tmp_path: Path) -> None:
    """One sentence and status 1, like everything that is wrong at the start."""
    house = build()
    fake = tmp_path / "ca.pem"
    fake.write_text("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n")
    configure(house, "binds = 2", f"tls = {{ ca = '{fake}' }}")
    process = house.launch()
    assert process.wait(timeout=30) == 1
    house.process = None
    said = house.log.read_text()
    assert "can not start: [upstreams.carrier] tls:" in said
    assert "holds no certificate that can be read" in said
    assert "Traceback" not in said


def test_a_carrier_that_calls_us(build: Build) -> None:
    """outbind: it connects, says who it is, and is bound to; a stranger is not."""
    house = build()
    port = free_port()
    configure(
        house,
        "binds = 2",
        f'bind = "tx+rx"\noutbind_listen = "tcp:{port}:interface=127.0.0.1"\n'
        'outbind_system_id = "smsc"\noutbind_password = "letmein"',
    )
    house.carrier.start()
    house.start()
    house.wait_ready()
    for password, answer in ((b"wrong", b""), (b"letmein", b"sandbox\0sandbox\0")):
        with socket.create_connection(("127.0.0.1", port), 10) as carrier:
            body = b"smsc\0" + password + b"\0"
            outbind = struct.pack(">4I", 16 + len(body), 0x0B, 0, 1)
            carrier.sendall(outbind + body)
            came = carrier.recv(4096)
            assert came[16:].startswith(answer)
            assert bool(came) is bool(answer)
            if came:
                assert struct.unpack(">2I", came[4:12]) == (0x01, 0)
                resp = struct.pack(">4I", 21, 0x80000001, 0, 1) + b"smsc\0"
                carrier.sendall(resp)
                until(
                    lambda: (
                        "bound to carrier as BIND_RECEIVER" in house.log.read_text()
                    ),
                    5,
                    "bound",
                )
    until(
        lambda: "waiting for outbind" in house.luckgw("status").stdout, 20, "it waits"
    )
    assert house.stop() in (0, -15, 143)
    assert "Traceback" not in house.log.read_text()

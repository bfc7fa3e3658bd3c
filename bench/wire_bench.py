"""What ``luckgw.wire`` costs per PDU, in microseconds of CPU.

    python bench/wire_bench.py

Each line is the median of three runs on one core; the goals stand in the table below.
Exits with 1 when a goal is missed, so that a slower hot path is noticed.
"""

import sys
import time
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from luckgw.wire.connection import Command, Connection, Role, Settings
from luckgw.wire.pdus import Sm, decode_sm, encode_pdu, encode_sm

READ = 100  # PDUs in one read
MESSAGE_ID = b"6f1c3d1e-8f0a-4b58-9d0c-2f4c8a3b7e10"
FIELDS = {
    "source_addr_ton": 5,
    "source_addr": b"LuckCreator",
    "dest_addr_ton": 1,
    "dest_addr_npi": 1,
    "destination_addr": b"233241234567",
    "registered_delivery": 1,
    "short_message": b"Hello! This is a tes",
}
RECEIPT_TLVS = {0x1E: MESSAGE_ID + b"\0", 0x427: b"\x02", 0x423: b"\x03\x00\x00"}


def encode() -> bytes:
    """Encode a usual submit_sm, as the callers on the hot path do."""
    return encode_sm(
        source_addr_ton=5,
        source_addr=b"LuckCreator",
        dest_addr_ton=1,
        dest_addr_npi=1,
        destination_addr=b"233241234567",
        registered_delivery=1,
        short_message=b"Hello! This is a tes",
    )


BODY = encode()
RECEIPT = encode_sm(
    source_addr_ton=1,
    source_addr_npi=1,
    source_addr=b"233241234567",
    dest_addr_ton=5,
    destination_addr=b"LuckCreator",
    esm_class=4,
    short_message=b"id:" + MESSAGE_ID + b" sub:001 dlvrd:001 submit date:2310271430 "
    b"done date:2310271430 stat:DELIVRD err:000 text:Hello! This is a tes",
    tlvs=RECEIPT_TLVS,
)


def bound(settings: Settings) -> tuple[Connection, Connection]:
    """A bound client and server, with nothing left to write."""
    client = Connection(Role.ESME, settings, 0.0)
    server = Connection(Role.SMSC, settings, 0.0)
    client.bind(Command.BIND_TRANSCEIVER, b"luck", b"secret", b"", 0.0)
    server.receive(client.take_output(), 0.0)
    server.accept_bind(b"gateway")
    client.receive(server.take_output(), 0.0)
    return client, server


def per_call(call: Callable[[], object], number: int = 20_000) -> float:
    """Microseconds of CPU for one call."""
    start = time.process_time()
    for _ in range(number):
        call()
    return (time.process_time() - start) / number * 1e6


def traffic(request: Command, body: bytes, rounds: int = 300) -> dict[str, float]:
    """Microseconds per PDU of each step of a window of requests and its answers."""
    settings = Settings(window=READ, inbound_window=READ)
    client, server = bound(settings)
    sender, taker = (
        (client, server) if request == Command.SUBMIT_SM else (server, client)
    )
    send, receive, answer, settle = 0.0, 0.0, 0.0, 0.0
    clock = time.process_time
    for _ in range(rounds):
        start = clock()
        for _ in range(READ):
            sender.send(request, body, None, 0.0)
        requests = sender.take_output()
        sent = clock()
        messages = taker.receive(requests, 0.0)
        received = clock()
        for sm in messages:
            assert isinstance(sm, Sm)
            taker.answer_message(sm.command_id, sm.sequence_number, MESSAGE_ID)
        answers = taker.take_output()
        answered = clock()
        events = sender.receive(answers, 0.0)
        done = clock()
        assert len(messages) == len(events) == READ
        send += sent - start
        receive += received - sent
        answer += answered - received
        settle += done - answered
    scale = 1e6 / (rounds * READ)
    return {
        "send": send * scale,
        "receive request": receive * scale,
        "answer_message": answer * scale,
        "receive response": settle * scale,
    }


def measure() -> dict[str, float]:
    """One run of everything."""
    figures = {
        "decode_sm, 20 octets of text": per_call(lambda: decode_sm(BODY)),
        "decode_sm, a receipt with 3 TLVs": per_call(
            lambda: decode_sm(RECEIPT, Command.DELIVER_SM)
        ),
        "encode_sm": per_call(encode),
    }
    for request, body in (
        (Command.SUBMIT_SM, BODY),
        (Command.DELIVER_SM, RECEIPT),
    ):
        for step, cost in traffic(request, body).items():
            figures[f"{request.name.lower()}: {step}"] = cost
    client, server = bound(Settings())
    del client
    probe = encode_pdu(Command.ENQUIRE_LINK, 0, 7)

    def enquire() -> None:
        server.receive(probe, 0.0)
        server.take_output()

    figures["enquire_link, one read and its answer"] = per_call(enquire)
    return figures


GOALS = {
    "decode_sm, 20 octets of text": 3.0,
    "encode_sm": 2.0,
    "submit_sm: send": 1.5,
    "submit_sm: receive request": 5.0,
    "submit_sm: answer_message": 1.0,
    "submit_sm: receive response": 2.5,
}


def main() -> int:
    """Print the table."""
    runs = [measure() for _ in range(3)]
    missed = 0
    for name in runs[0]:
        cost = sorted(run[name] for run in runs)[1]
        goal = GOALS.get(name)
        verdict = "" if goal is None else f"goal {goal:.1f}"
        if goal is not None and cost > goal:
            verdict += " MISSED"
            missed += 1
        print(f"{name:45} {cost:6.2f} us  {verdict}")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())

"""Microseconds per call of what a receipt costs: parse, match, compose.

    python bench/receipts_bench.py

Each figure is the best of seven rounds, on one core; nothing else should run.
"""

import timeit
from collections.abc import Callable

from luckgw.domain.states import State
from luckgw.receipts.compose import receipt_body
from luckgw.receipts.match import canonical, message_state
from luckgw.receipts.parse import parse

ID = "3f0c9a52-1d0e-4b7a-9c55-6e2f7f1b2a90"
COMMON = (
    f"id:{ID} sub:001 dlvrd:001 submit date:2310271430 done date:2310271431"
    " stat:DELIVRD err:000 text:Hello! This is a tes"
).encode()
OTHER = (
    f"id:{ID} submitdate:20231027143000 donedate:20231027143100"
    " stat:DELIVRD err:000 Text:Hello! This is a tes"
).encode()
TLVS = {0x001E: ID.encode() + b"\0", 0x0427: b"\x02", 0x0423: b"\x03\x00\x00"}


def compose() -> bytes:
    """The receipt of a delivered message, as a partner gets it."""
    return receipt_body(
        source_addr_ton=1,
        source_addr_npi=1,
        source_addr=b"233241234567",
        dest_addr_ton=5,
        dest_addr_npi=0,
        destination_addr=b"LuckCreators",
        message_id=ID,
        state=State.DELIVERED,
        submit_ms=1_698_417_000_000,
        done_ms=1_698_417_060_000,
        text=b"Hello! This is a test of the gateway",
    )


CASES: dict[str, tuple[Callable[[], object], float]] = {
    "parse, Appendix B with TLVs": (lambda: parse(0x04, COMMON, TLVS), 4),
    "parse, Appendix B without TLVs": (lambda: parse(0x04, COMMON, None), 4),
    "parse, another form": (lambda: parse(0x04, OTHER, None), 0),
    "parse, a phone's message": (lambda: parse(0, b"Hello gateway", None), 0),
    "canonical, text": (lambda: canonical(ID.encode(), "text"), 1),
    "canonical, hex": (lambda: canonical(b"812FC7470000001B", "hex"), 1),
    "canonical, dec": (lambda: canonical(b"09308814427213529115", "dec"), 1),
    "message_state of 3": (lambda: message_state([State.DELIVERED] * 3), 0),
    "receipt_body": (compose, 3),
}


def main() -> None:
    """Print a line for each case."""
    number = 20_000
    for name, (call, goal) in CASES.items():
        best = min(timeit.repeat(call, number=number, repeat=7)) / number * 1e6
        print(f"{name:32} {best:6.2f} us" + (f"  (goal {goal} us)" if goal else ""))


if __name__ == "__main__":
    main()

"""What other rooms ask of the store beside the journal, on the one in memory."""

from typing import Any

from luckgw.store import keys
from luckgw.store.memory import Known, MemoryStore


def run(store: MemoryStore, *args: bytes | str | int) -> Any:
    """What a server would reply."""
    command, key, *rest = args
    assert isinstance(key, bytes)
    return COMMANDS[command](store, key, *rest)


def get(store: MemoryStore, key: bytes) -> bytes | None:
    """A record, what stands under a carrier's id, or the id behind an alias."""
    if key.startswith(b"m:"):
        return store.records.get(key.removeprefix(b"m:"))
    found = store.carrier_ids.get(key)
    if isinstance(found, Known):
        return b"I" + found.message_id + bytes((found.segment,))
    if found is not None:
        return b"P" + found.head + found.tail
    return store.aliases.get(key)


def mget(store: MemoryStore, *several: Any) -> list[bytes | None]:
    """Several at once."""
    return [get(store, each) for each in several]


def lrange(store: MemoryStore, key: bytes, first: Any, last: Any) -> list[bytes]:
    """The end of a list."""
    assert int(last) == -1
    return store.lists.get(key, [])[int(first) :]


def delayed(store: MemoryStore, key: bytes) -> dict[bytes, int]:
    """A sorted set of what waits for its time."""
    return store.delayed.get(key.removeprefix(b"d:"), {})


def zrange(
    store: MemoryStore, key: bytes, first: Any, last: Any, *how: Any
) -> list[bytes]:
    """Those that are due first, by rank or by score with a limit."""
    waiting = store.parked.get(key) or delayed(store, key)
    found = sorted((at, each) for each, at in waiting.items())
    if b"BYSCORE" in how:
        after, until = int(first.removeprefix(b"(")), int(last)
        found = [each for each in found if after < each[0] <= until]
        if b"LIMIT" in how:
            found = found[: int(how[how.index(b"LIMIT") + 2])]
    else:
        found = found[int(first) : int(last) + 1]
    if b"WITHSCORES" in how:
        return [part for at, each in found for part in (each, b"%d" % at)]
    return [each for _, each in found]


def zcard(store: MemoryStore, key: bytes) -> int:
    """How many receipts are parked."""
    return len(store.parked.get(key, {}))


def zscore(store: MemoryStore, key: bytes, member: Any) -> bytes | None:
    """When one is due."""
    score = delayed(store, key).get(member)
    return None if score is None else b"%d" % score


def smembers(store: MemoryStore, key: bytes) -> set[bytes]:
    """A set."""
    sets = {keys.CLAIMS: store.claims_in_use, keys.INDEXES: store.indexes}
    return set(sets.get(key, store.claims.get(key, set())))


COMMANDS: dict[Any, Any] = {
    b"GET": get,
    b"MGET": mget,
    b"LRANGE": lrange,
    b"ZRANGE": zrange,
    b"ZCARD": zcard,
    b"ZSCORE": zscore,
    b"SMEMBERS": smembers,
}

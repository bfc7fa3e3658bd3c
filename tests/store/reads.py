"""What other rooms ask of the store beside the journal, on the one in memory."""

from typing import Any

from luckgw.store import keys
from luckgw.store.memory import MemoryStore


def run(store: MemoryStore, *args: bytes | str | int) -> Any:
    """What a server would reply."""
    command, key, *rest = args
    assert isinstance(key, bytes)
    return COMMANDS[command](store, key, *rest)


def get(store: MemoryStore, key: bytes) -> bytes | None:
    """A record, or the id behind an alias."""
    if key.startswith(b"m:"):
        return store.records.get(key.removeprefix(b"m:"))
    return store.aliases.get(key)


def mget(store: MemoryStore, *several: Any) -> list[bytes | None]:
    """Several at once."""
    return [get(store, each) for each in several]


def lrange(store: MemoryStore, key: bytes, first: Any, last: Any) -> list[bytes]:
    """The end of a list."""
    assert last == -1
    return store.lists.get(key, [])[first:]


def delayed(store: MemoryStore, key: bytes) -> dict[bytes, int]:
    """A sorted set of what waits for its time."""
    return store.delayed.get(key.removeprefix(b"d:"), {})


def zrange(store: MemoryStore, key: bytes, first: Any, last: Any) -> list[bytes]:
    """Those that are due first."""
    waiting = delayed(store, key)
    return sorted(waiting, key=lambda each: (waiting[each], each))[first : last + 1]


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
    b"ZSCORE": zscore,
    b"SMEMBERS": smembers,
}

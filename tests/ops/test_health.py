from luckgw.ops.health import Health


def test_puts_the_parts_together_in_order() -> None:
    """Each part's sentences; asked anew every time."""
    store: list[str] = []
    health = Health(lambda: store, lambda: ("no upstream is up",))
    assert health.problems() == ["no upstream is up"]
    store.append("the store is away")
    assert health.problems() == ["the store is away", "no upstream is up"]


def test_is_not_ready_once_it_stops() -> None:
    """Whatever the parts say, and for good."""
    health = Health()
    assert health.problems() == []
    health.drain()
    assert health.problems() == ["the gateway is stopping"]

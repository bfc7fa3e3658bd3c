"""Who may come in, and who has to go for it."""

from hypothesis import given
from hypothesis import strategies as st

from luckgw.admission.crowd import Crowd
from luckgw.config.model import Connections

SMALL = Connections(total=6, unbound=3, unbound_per_address=2, per_address=4)


def crowd(*peers: tuple[int, str], limits: Connections = SMALL) -> Crowd[int]:
    """Peers that came, from these addresses."""
    made: Crowd[int] = Crowd(limits)
    for peer, address in peers:
        made.add(peer, address)
    return made


class TestLimits:
    def test_of_one_address(self) -> None:
        """Two that are not bound; bound ones count only together."""
        found = crowd((1, "a"), (2, "a"))
        assert found.why_full("a") == "too many of this address are not bound"
        assert found.why_full("b") is None
        found.bound(1)
        assert found.why_full("a") is None
        for peer in (3, 4):
            found.add(peer, "a")
            found.bound(peer)
        found.bound(2)
        assert found.why_full("a") == "too many of this address"

    def test_without_a_limit_of_all_of_one_address(self) -> None:
        """0: as many as there are places."""
        found = crowd(limits=Connections(total=50, per_address=0))
        for peer in range(49):
            found.add(peer, "a")
            found.bound(peer)
        assert found.why_full("a") is None

    def test_of_all(self) -> None:
        """Whatever they are."""
        found = crowd()
        for peer in range(6):
            found.add(peer, str(peer))
            found.bound(peer)
        assert found.why_full("x") == "as many connections as there may be"
        found.remove(3)
        assert found.why_full("x") is None

    def test_the_longest_silent_makes_way(self) -> None:
        """A flood of silent connections keeps no partner out."""
        found = crowd((1, "a"), (2, "b"), (3, "c"))
        assert found.why_full("d") is None
        assert found.makes_way() == 1
        found.remove(1)
        found.add(4, "d")
        assert found.makes_way() == 2

    def test_who_is_being_asked_stays(self) -> None:
        """A bind that is being decided is not sent away for a newcomer."""
        found = crowd((1, "a"), (2, "b"), (3, "c"))
        for peer in (1, 2):
            found.asks(peer)
        assert found.makes_way() == 3
        found.asks(3)
        assert found.makes_way() is None
        assert found.why_full("d") == "as many as may be are about to bind"
        found.bound(2)
        assert found.why_full("d") is None
        assert found.makes_way() is None

    def test_twice_gone_is_gone(self) -> None:
        """Sent away, and then lost."""
        found = crowd((1, "a"))
        found.remove(1)
        found.remove(1)
        assert len(found) == found.unbound == 0
        assert list(found) == []


@given(
    st.lists(
        st.tuples(
            st.sampled_from(["come", "come", "ask", "bind", "go"]),
            st.integers(0, 9),
            st.sampled_from("abc"),
        ),
        max_size=80,
    )
)
def test_no_limit_is_ever_passed(steps: list[tuple[str, int, str]]) -> None:
    """Whoever comes, asks, binds and goes, in whatever order."""
    found, where, bound = crowd(), dict[int, str](), set[int]()
    for what, peer, address in steps:
        if what == "come" and peer not in where and found.why_full(address) is None:
            gone = found.makes_way()
            if gone is not None:
                found.remove(gone)
                del where[gone]
            found.add(peer, address)
            where[peer] = address
        elif what == "ask":
            found.asks(peer)
        elif what == "bind" and peer in where:
            found.bound(peer)
            bound.add(peer)
        elif what == "go":
            found.remove(peer)
            where.pop(peer, None)
        bound &= set(where)
        assert set(found) == set(where)
        unbound = [address for each, address in where.items() if each not in bound]
        assert found.unbound == len(unbound) <= SMALL.unbound
        assert len(where) <= SMALL.total
        for each in "abc":
            assert unbound.count(each) <= SMALL.unbound_per_address
            assert list(where.values()).count(each) <= SMALL.per_address

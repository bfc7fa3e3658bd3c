"""A route's changes to addresses, on their way out."""

from typing import Any

from luckgw.config.outgoing import Rewrite, UpstreamAddresses
from luckgw.config.routes import Route, RouteRewrite
from luckgw.pipeline.addresses import addresses_for
from luckgw.pipeline.route_addresses import RouteAddresses, route_addresses
from luckgw.wire.pdus import decode_sm
from tests.dispatch.world import submit_body

POOL = ("Acme", "+233200000001", "4321")


def written(rewrite: RouteRewrite, **fields: Any) -> tuple[object, ...]:
    """Kinds and octets of both addresses; everything else is as before."""
    body = submit_body(**fields)
    before, after = decode_sm(body), decode_sm(RouteAddresses(rewrite).written(body))
    assert after.short_message == before.short_message
    assert after.tlvs == before.tlvs
    return (
        (after.source_addr_ton, after.source_addr_npi, after.source_addr),
        (after.dest_addr_ton, after.dest_addr_npi, after.destination_addr),
    )


def test_rules() -> None:
    """The first that matches; the kind is found out from what comes out."""
    rewrite = RouteRewrite(
        source=(Rewrite(to="4321", re="Luck.*"), Rewrite(to="x", prefix="")),
        destination=(Rewrite(to="0", prefix="233"),),
    )
    assert written(
        rewrite, source_addr=b"LuckCreators", destination_addr=b"233241234567"
    ) == ((3, 0, b"4321"), (0, 1, b"0241234567"))


def test_a_pool() -> None:
    """One of it, always the same for a recipient, in the kind that it is."""
    kinds = {
        b"Acme": (5, 0),
        b"233200000001": (1, 1),
        b"4321": (3, 0),
    }
    seen = set()
    for number in range(50):
        destination = b"2332412345%02d" % number
        sources = {
            written(
                RouteRewrite(source_pool=POOL),
                source_addr=sender,
                destination_addr=destination,
            )[0]
            for sender in (b"Luck", b"Other")
        }
        ((ton, npi, source),) = sources  # type: ignore[misc]
        assert kinds[source] == (ton, npi)  # type: ignore[has-type]
        seen.add(source)  # type: ignore[has-type]
    assert seen == set(kinds)


def test_the_pool_is_chosen_by_the_number_that_the_customer_knows() -> None:
    """A rule for the recipient does not change who sends."""
    pool = RouteRewrite(source_pool=POOL)
    both = RouteRewrite(source_pool=POOL, destination=(Rewrite(to="0", prefix="233"),))
    fields = {"source_addr": b"L", "destination_addr": b"233241234567"}
    assert written(pool, **fields)[0] == written(both, **fields)[0]


def test_an_upstreams_rules_come_after() -> None:
    """They see what the route made."""
    route = RouteAddresses(RouteRewrite(destination=(Rewrite("99", prefix="233"),)))
    upstream = addresses_for(
        UpstreamAddresses(rewrite_destination=(Rewrite("7", prefix="99"),))
    )
    assert upstream is not None
    body = upstream.written(
        route.written(submit_body(destination_addr=b"233241234567"))
    )
    assert decode_sm(body).destination_addr == b"7241234567"


def test_only_routes_with_rules_are_there() -> None:
    """So that others cost nothing."""
    pool = Route("b", ("mtn",), rewrite=RouteRewrite(source_pool=("A",)))
    text = Route("c", ("mtn",), rewrite=RouteRewrite(append="!"))
    found = route_addresses([Route("a", ("mtn",)), pool, text])
    assert list(found) == ["b"]

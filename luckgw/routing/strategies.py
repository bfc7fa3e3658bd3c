"""How a route chooses among its upstreams. An extension point.

A new strategy is a class with ``choose`` in a module of its own, a line in
``ROUTE_TYPES`` and its name in ``config.routes.STRATEGIES``; docs/extending.md tells
how, ``luckgw.testing.route_contract`` what it has to keep.
"""

from collections.abc import Callable, Mapping

from luckgw.routing.failover import Failover
from luckgw.routing.least_cost import LeastCost
from luckgw.routing.round_robin import RoundRobin
from luckgw.routing.split import Split
from luckgw.routing.static import Static
from luckgw.routing.sticky import Sticky
from luckgw.routing.strategy import Setting, Strategy
from luckgw.routing.weighted import Weighted

#: By the word in the configuration.
ROUTE_TYPES: Mapping[str, Callable[[Setting], Strategy]] = {
    "static": Static,
    "failover": Failover,
    "round_robin": RoundRobin,
    "weighted": Weighted,
    "split": Split,
    "sticky": Sticky,
    "least_cost": LeastCost,
}

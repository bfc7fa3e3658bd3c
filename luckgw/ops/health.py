"""Whether this node can do its work: what the readiness URL and operators are told."""

from collections.abc import Callable, Iterable


class Health:
    """The problems of all parts, put together.

    Each check gives the sentences that describe what is wrong with one part now; none
    if it is well. They are asked at every call of ``problems`` and must not block.
    """

    def __init__(self, *checks: Callable[[], Iterable[str]]) -> None:
        self._checks = checks
        self._is_draining = False

    def drain(self) -> None:
        """The gateway is about to stop: it is not ready any more, and never will be."""
        self._is_draining = True

    def problems(self) -> list[str]:
        """What stands against this node, a sentence each; empty: it is ready."""
        problems = [problem for check in self._checks for problem in check()]
        if self._is_draining:
            problems.append("the gateway is stopping")
        return problems

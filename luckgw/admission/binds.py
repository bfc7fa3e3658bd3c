"""May this bind come in, by what is known of the account and of the peer.

The order is that of spec/reliability 2.3. Whatever is wrong with who the peer says that
it is (its system_id, its password, its address, its certificate) gets one answer, 0x0E,
so that nobody can find out accounts or passwords one by one.
"""

from collections.abc import Iterable

import attrs

from luckgw.admission.accounts import KnownAccount
from luckgw.domain.peer import TlsPeer
from luckgw.domain.status import Status


@attrs.frozen
class Visitor:
    """Somebody who asks to be bound."""

    host: str
    """Its address, as the socket tells it."""
    kind: str
    """``transmitter``, ``receiver`` or ``transceiver``, as the configuration says."""
    tls: TlsPeer | None = None
    """None: in the clear."""


@attrs.frozen
class Refused:
    """A bind that is not let in."""

    status: Status
    """What the peer is told."""
    why: str
    """For the operator; the peer is not told."""

    @property
    def is_wrong(self) -> bool:
        """Whether it counts as a guess."""
        return self.status is Status.ESME_RINVPASWD


def judge(
    account: KnownAccount | None, is_right: bool, visitor: Visitor
) -> Refused | KnownAccount:
    """Whether the peer is who it says, and may bind in this way at all.

    ``is_right``: whether the password was. How many sessions there are is not asked
    here (``fits``).
    """
    if account is None:
        return Refused(Status.ESME_RINVPASWD, "unknown system_id")
    access = account.settings.access
    if not account.allows_address(visitor.host):
        why = "address not allowed"
    elif not is_right:
        why = "wrong password"
    elif access.require_tls and visitor.tls is None:
        why = "not over TLS"
    elif access.certificates and not account.allows_certificate(visitor.tls):
        why = "no certificate of this account"
    else:
        why = ""
    if why:
        return Refused(Status.ESME_RINVPASWD, why)
    if not account.settings.enabled:
        return Refused(Status.ESME_RBINDFAIL, "the account is switched off")
    if visitor.kind not in access.binds:
        return Refused(Status.ESME_RBINDFAIL, "this kind of bind is not allowed")
    return account


def fits(account: KnownAccount, kind: str, bound: Iterable[str]) -> bool:
    """Whether one more session of ``kind`` is within the account's limits.

    ``bound`` are the kinds of those there are. A transceiver counts in both directions
    (spec/reliability 2.10). A bind that does not use a direction is not kept out by it.
    """
    access, kinds = account.settings.access, [*bound, kind]
    sends = sum(each != "receiver" for each in kinds)
    receives = sum(each != "transmitter" for each in kinds)
    return (
        len(kinds) <= account.settings.max_binds
        and (kind == "receiver" or sends <= access.max_tx)
        and (kind == "transmitter" or receives <= access.max_rx)
    )

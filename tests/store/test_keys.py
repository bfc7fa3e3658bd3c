"""Keys: no two things share one, and the script can take them apart."""

import itertools
import re
from datetime import date
from importlib.resources import files

from hypothesis import given
from hypothesis import strategies as st

from luckgw.store import keys

names = st.text(
    "abcdefghijklmnopqrstuvwxyzABCXYZ0123456789_.-", min_size=1, max_size=20
)
octets = st.binary(max_size=30)


@given(octets, names, st.integers(1, 10**6))
def test_a_claim_set_says_whose_it_is(queue: bytes, node: str, epoch: int) -> None:
    """Queue, node and epoch can be read from the name, whatever the queue's name is."""
    assert keys.parse_claims(keys.claims(queue, node, epoch)) == (queue, node, epoch)


@given(st.one_of(names, st.text(max_size=20)), st.dates())
def test_an_index_says_whose_day_it_is(account: str, day: date) -> None:
    """Account and day can be read from the name, whatever the account's name is."""
    key = keys.index(account, f"{day:%Y%m%d}")
    assert keys.parse_index(key) == (account, f"{day:%Y%m%d}")


@given(names, octets)
def test_a_carriers_id_leads_to_its_parking_place(
    upstream: str, canonical: bytes
) -> None:
    """The script finds where an id is parked between the first two colons of its key,
    also when the id has colons of its own.
    """
    key = keys.carrier_id(upstream, canonical)
    prefix, name, rest = key.split(b":", 2)
    assert (prefix, rest) == (b"r", canonical)
    assert b"p:" + name == keys.parked(upstream)


@given(
    st.binary(min_size=16, max_size=16),
    names,
    names,
    octets,
    st.dates().map(lambda day: f"{day:%Y%m%d}"),
)
def test_kinds_do_not_mix(
    message_id: bytes, name: str, node: str, canonical: bytes, day: str
) -> None:
    """Whatever the names are, a key of one kind is never a key of another."""
    queues = [
        keys.upstream_queue(name),
        keys.deliver_sm_outbox(name),
        keys.webhook_outbox(name),
    ]
    all_keys = [
        keys.SCHEMA,
        keys.NODES,
        keys.CLAIMS,
        keys.INDEXES,
        keys.message(message_id),
        keys.carrier_id(name, canonical),
        keys.parked(name),
        keys.webhook_parked(name),
        keys.SHORT_IDS,
        keys.alias(name, canonical),
        keys.index(name, day),
        keys.JOINS,
        keys.seen(message_id),
        keys.join(message_id),
        keys.inbox(name),
        keys.opted_out(name),
        keys.replies(name, canonical),
        *queues,
        *(keys.delayed(each) for each in queues),
        *(keys.claims(each, node, 1) for each in queues),
    ]
    for one, other in itertools.combinations(all_keys, 2):
        assert one != other


def test_the_script_uses_the_same_keys() -> None:
    """Each key that the script makes itself has a name in luckgw.store.keys."""
    script = files("luckgw.store").joinpath("lua/journal.lua").read_text()
    made = set(re.findall(r"'((?:[a-z]:)+|luckgw:[a-z]+)'", script))
    named = {
        keys.message(b""),
        keys.upstream_queue(""),
        keys.deliver_sm_outbox(""),
        keys.webhook_outbox(""),
        keys.delayed(b""),
        keys.delayed(keys.upstream_queue("")),
        keys.parked(""),
        keys.claims(keys.upstream_queue(""), "", 0)[:4],  # how such a key begins
        keys.inbox(""),
        keys.NODES,
        keys.CLAIMS,
        keys.INDEXES,
        keys.LOOKED,
        keys.OPEN,
        keys.DROPPED,
    }
    assert made == {each.decode() for each in named}

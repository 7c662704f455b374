"""The expansion of a rule is the product of its lists, each prefix in its own family: compared with brute force."""

from ipaddress import ip_network
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from reconciler.loading.remote import AddressGroup
from reconciler.loading.rule import expand
from reconciler.model.canonical import canonical_rule
from reconciler.model.rule import Rule

PORTS = st.integers(1, 6) | st.tuples(st.integers(1, 6), st.integers(0, 3)).map(lambda pair: f"{pair[0]}-{sum(pair)}")
PREFIXES = st.sampled_from(
    ["10.0.0.0/8", "10.0.0.1", "10.0.0.1/32", "0.0.0.0/0", "2001:db8::/32", "2001:DB8:0::/32", "::/0"]
)
FAMILIES = st.lists(st.sampled_from(["IPv4", "IPv6"]), min_size=1, max_size=2)


def one_or_many(items: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return items | st.lists(items, min_size=1, max_size=4)


RULES = st.fixed_dictionaries(
    {"direction": st.sampled_from(["ingress", "egress"]), "protocol": st.sampled_from(["tcp", "udp", "6", "17"])},
    optional={
        "ports": one_or_many(PORTS),
        "remote_ip_prefixes": st.lists(PREFIXES, min_size=1, max_size=4),
        "ethertype": FAMILIES,
    },
)


def brute_force(rule: dict[str, Any]) -> set[Rule] | None:
    """Multiply everything with everything; None where the families do not match up."""
    prefixes = rule.get("remote_ip_prefixes", [None])
    families = {f"IPv{ip_network(prefix).version}" for prefix in prefixes if prefix}
    if families and families != set(rule.get("ethertype", families)):
        return None
    found = set()
    ports = rule.get("ports", [None])
    for port in ports if isinstance(ports, list) else [ports]:
        low, high = (None, None) if port is None else (int(str(port).split("-")[0]), int(str(port).split("-")[-1]))
        for prefix in prefixes:
            for family in [f"IPv{ip_network(prefix).version}"] if prefix else rule.get("ethertype", ["IPv4"]):
                found.add(canonical_rule(rule["direction"], family, rule["protocol"], low, high, prefix, None))
    return found


@given(RULES)
def test_expansion_is_the_product(rule: dict[str, Any]) -> None:
    """The same rules, each once, and as many as are counted."""
    expansion = expand(rule, {})
    expected = brute_force(rule)
    assert bool(expansion.problems) == (expected is None)
    if expected is not None:
        assert {found for found, _ in expansion.rules} == expected
        assert len(expansion.rules) == len(expected) == expansion.number


@given(st.lists(PREFIXES, min_size=1, max_size=4), st.lists(PREFIXES, min_size=1, max_size=4))
def test_address_groups_are_lists_of_prefixes(first: list[str], second: list[str]) -> None:
    """A rule with two address groups is the rule with the prefixes of both."""
    written = expand({"direction": "ingress", "remote_ip_prefixes": [*first, *second]}, {})
    groups = {
        name: AddressGroup(tuple((rule.ethertype, rule.remote_ip_prefix) for rule, _ in _rules(prefixes)))
        for name, prefixes in (("a", first), ("b", second))
    }
    named = expand({"direction": "ingress", "remote_address_group": ["a", "b", "a"]}, groups)
    assert named._replace(address_groups=written.address_groups) == written
    assert set(named.address_groups.values()) <= {"a", "b"}


def _rules(prefixes: list[str]) -> tuple[tuple[Rule, str | None], ...]:
    return expand({"direction": "ingress", "remote_ip_prefixes": prefixes}, {}).rules


@given(st.integers(1, 400), st.integers(1, 400))
def test_a_large_product_is_counted_and_not_made(ports: int, prefixes: int) -> None:
    """Past what a group can hold only the number is of interest."""
    rule = {
        "direction": "ingress",
        "protocol": "tcp",
        "ports": list(range(1, ports + 1)),
        "remote_ip_prefixes": [f"10.0.{number >> 8}.{number & 255}" for number in range(prefixes)],
    }
    expansion = expand(rule, {})
    assert expansion.number == ports * prefixes
    assert len(expansion.rules) == (expansion.number if expansion.number <= 250 else 0)

"""A rule on one line, in words that a person would use: `ingress IPv4 tcp 443 from 203.0.113.0/24`."""

from collections.abc import Mapping

from reconciler.model.rule import ICMP_PROTOCOLS, Rule

NO_NAMES: Mapping[str, str] = {}


def describe_rule(rule: Rule, names: Mapping[str, str] = NO_NAMES) -> str:
    """Write a rule on one line; `names` maps ids of remote groups to their names."""
    where = "from" if rule.direction == "ingress" else "to"
    parts = [f"{rule.direction:<7}", rule.ethertype, rule.protocol or "any", describe_range(rule), where]
    return " ".join(part for part in (*parts, describe_remote(rule, names)) if part)


def describe_range(rule: Rule) -> str:
    """Write the ports, or the ICMP type and code; empty where the rule has none."""
    low, high = rule.port_range_min, rule.port_range_max
    if low is None and high is None:
        return ""
    if rule.protocol in ICMP_PROTOCOLS:
        return f"type {low}" if high is None else f"type {low} code {high}"
    return str(low) if low == high else f"{low}-{high}"


def describe_remote(rule: Rule, names: Mapping[str, str] = NO_NAMES) -> str:
    """Write the prefix, the remote group, or everywhere."""
    if rule.remote_group_id is not None:
        name = names.get(rule.remote_group_id)
        return f"group {name}" if name else f"group {rule.remote_group_id}"
    return rule.remote_ip_prefix or ("0.0.0.0/0" if rule.ethertype == "IPv4" else "::/0")

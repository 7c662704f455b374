"""`allowed_prefixes` and `max_prefix_size`: whom rules may name. A rule for everyone names everyone, as a /0."""

from collections.abc import Iterator
from ipaddress import ip_network

from reconciler.model.plan import Finding
from reconciler.model.policies import AllowedPrefixes, MaxPrefixSize, Policies
from reconciler.model.rule import Ethertype, Rule
from reconciler.policy.subject import Subject, Today, finding, rule_text
from reconciler.traffic.extent import prefix_span

ALLOWED = "allowed_prefixes"
SIZE = "max_prefix_size"


def check_prefixes(subject: Subject, policies: Policies, today: Today) -> Iterator[Finding]:
    """Judge the remote of each rule; remote groups have no prefix, and are not judged."""
    yield from _check_allowed(subject, policies.allowed_prefixes, today)
    yield from _check_size(subject, policies.max_prefix_size, today)


def _check_allowed(subject: Subject, settings: AllowedPrefixes, today: Today) -> Iterator[Finding]:
    if settings.level == "off":
        return
    spans = [(":" in prefix, *prefix_span(prefix, _family(prefix))) for prefix in settings.prefixes]
    for rule in subject.rules:
        prefix = _prefix(rule.rule)
        if rule.rule.direction not in settings.directions or prefix is None:
            continue
        start, end = prefix_span(prefix, rule.rule.ethertype)
        is_ipv6 = rule.rule.ethertype == "IPv6"
        if not any(six == is_ipv6 and low <= start and end <= high for six, low, high in spans):
            message = (
                f"{subject.label} names {prefix}, which is inside of no allowed prefix ({_shown(settings.prefixes)}): "
                f"{rule_text(rule, subject)}; use an allowed one, or add it to `allowed_prefixes`"
            )
            yield finding(ALLOWED, settings.level, message, subject, today, rule)


def _check_size(subject: Subject, settings: MaxPrefixSize, today: Today) -> Iterator[Finding]:
    if settings.level == "off":
        return
    for rule in subject.rules:
        prefix = _prefix(rule.rule)
        if rule.rule.direction not in settings.directions or prefix is None:
            continue
        key = "ipv6" if rule.rule.ethertype == "IPv6" else "ipv4"
        limit = settings.ipv6 if key == "ipv6" else settings.ipv4
        if ip_network(prefix, strict=False).prefixlen < limit:
            message = (
                f"{subject.label} names {prefix}, which is wider than the limit of /{limit}: "
                f"{rule_text(rule, subject)}; narrow it, or set `max_prefix_size.{key}`"
            )
            yield finding(SIZE, settings.level, message, subject, today, rule)


def _prefix(rule: Rule) -> str | None:
    """Return a rule's prefix; None for a remote group, and for what the API holds and no parser takes."""
    if rule.remote_group_id is not None:
        return None
    everyone = "0.0.0.0/0" if rule.ethertype == "IPv4" else "::/0"
    prefix = rule.remote_ip_prefix or everyone
    return prefix if (":" in prefix) == (rule.ethertype == "IPv6") else None


def _family(prefix: str) -> Ethertype:
    return "IPv6" if ":" in prefix else "IPv4"


def _shown(prefixes: tuple[str, ...]) -> str:
    return ", ".join(prefixes[:5]) + (f" and {len(prefixes) - 5} more" if len(prefixes) > 5 else "")

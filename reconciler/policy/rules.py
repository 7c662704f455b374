"""Policies that look at one rule or one group by itself: prefixes, protocols, descriptions, dates and tags."""

from collections.abc import Iterator
from datetime import timedelta
from ipaddress import ip_network

from reconciler.model.cloud import EVERYWHERE
from reconciler.model.egress import DEFAULT_EGRESS, SMTP_PORT, preset_among, smtp_protocols
from reconciler.model.pattern import compile_pattern
from reconciler.model.place import Place
from reconciler.model.policies import Finding, MaxPrefixSize
from reconciler.model.rule import Rule
from reconciler.policy.judging import Judging, finding, rule_text
from reconciler.policy.subject import JudgedRule, Subject
from reconciler.traffic import spans
from reconciler.traffic.extent import prefix_span

ALLOWED = "allowed_prefixes"
SIZE = "max_prefix_size"


def check_prefixes(subject: Subject, judging: Judging) -> Iterator[Finding]:
    """Judge the remote of each rule; remote groups have no prefix, and are not judged."""
    yield from _check_allowed(subject, judging)
    yield from _check_size(subject, judging.policies.max_prefix_size, judging)


def _check_allowed(subject: Subject, judging: Judging) -> Iterator[Finding]:
    settings = judging.policies.allowed_prefixes
    if settings.level == "off":
        return
    for rule in subject.rules:
        prefix = _prefix(rule.rule)
        if rule.rule.direction not in settings.directions or prefix is None:
            continue
        family = rule.rule.ethertype
        if not spans.holds(judging.allowed_spans[family], prefix_span(prefix, family)):
            message = (
                f"{subject.label} names {prefix}, which is inside of no allowed prefix ({_shown(settings.prefixes)}): "
                f"{rule_text(rule, subject)}; use an allowed one, or add it to `allowed_prefixes`"
            )
            yield finding(ALLOWED, settings.level, message, subject, judging, rule)


def _check_size(subject: Subject, settings: MaxPrefixSize, judging: Judging) -> Iterator[Finding]:
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
            yield finding(SIZE, settings.level, message, subject, judging, rule)


def _prefix(rule: Rule) -> str | None:
    """Return a rule's prefix; None for a remote group, and for what the API holds and no parser takes."""
    if rule.remote_group_id is not None:
        return None
    prefix = rule.remote_ip_prefix or EVERYWHERE[rule.ethertype]
    return prefix if (":" in prefix) == (rule.ethertype == "IPv6") else None


def _shown(prefixes: tuple[str, ...]) -> str:
    return ", ".join(prefixes[:5]) + (f" and {len(prefixes) - 5} more" if len(prefixes) > 5 else "")


PROTOCOLS = "forbidden_protocols"


def check_protocols(subject: Subject, judging: Judging) -> Iterator[Finding]:
    """Judge the protocol of each rule."""
    settings = judging.policies.forbidden_protocols
    if settings.level == "off":
        return
    for rule in subject.rules:
        if rule.rule.direction in settings.directions and rule.rule.protocol in settings.protocols:
            name = rule.rule.protocol or "any"
            message = (
                f"{subject.label} has a rule for the protocol {name}, which is forbidden: {rule_text(rule, subject)}; "
                "name another, or change `forbidden_protocols`"
            )
            yield finding(PROTOCOLS, settings.level, message, subject, judging, rule)


SMTP = "smtp_egress"
SMTP_WAY_OUT = f"name the ports, or use `preset: {DEFAULT_EGRESS}`; where it is open, set `{SMTP}: off`"


def check_smtp(subject: Subject, judging: Judging) -> Iterator[Finding]:
    """Judge each written rule by whether it opens egress to port 25, which the cloud refuses for most accounts."""
    level = judging.policies.smtp_egress
    if level == "off":
        return
    found: dict[Place | None, list[JudgedRule]] = {}
    for rule in subject.rules:
        if smtp_protocols(rule.rule):
            found.setdefault(rule.place, []).append(rule)
    for first, *others in found.values():
        more = f" (and {len(others)} more)" if others else ""
        message = (
            f"a rule of {subject.label} {describe_smtp(first.rule)}: {rule_text(first, subject)}{more}; {SMTP_WAY_OUT}"
        )
        yield finding(SMTP, level, message, subject, judging, first)


def describe_smtp(rule: Rule) -> str:
    """Say what is the matter with a rule that covers port 25."""
    protocols = " and ".join(smtp_protocols(rule))
    return f"covers egress to port {SMTP_PORT} of {protocols}, which Gcore refuses until its support opens it"


DESCRIPTION = "rule_description"


def check_descriptions(subject: Subject, judging: Judging) -> Iterator[Finding]:
    """Judge the description of each rule; those of a preset cannot have one, and its name says what they are."""
    settings = judging.policies.rule_description
    if settings.level == "off":
        return
    found_in = compile_pattern(settings.pattern).search
    preset = preset_among([(rule, "") for rule in subject.admitted])
    for rule in subject.rules:
        if not found_in(rule.description) and (rule.description or rule.rule not in preset):
            has = f"the description {rule.description!r}" if rule.description else "no description"
            message = (
                f"a rule of {subject.label} has {has}, and {settings.pattern!r} has to be found in it: "
                f"{rule_text(rule, subject)}; describe it so, or change `rule_description`"
            )
            yield finding(DESCRIPTION, settings.level, message, subject, judging, rule)


EXPIRES = "expires"


def check_expiry(subject: Subject, judging: Judging) -> Iterator[Finding]:
    """Judge the dates: the level of the policy from the day after, a warning some days before."""
    settings = judging.policies.expires
    if settings.level == "off":
        return
    for rule in [rule for rule in subject.rules if rule.review]:  # few of many: a comprehension is the quickest look
        expires = rule.review.expires if rule.review else None
        if expires is None:
            continue
        what = f"{rule_text(rule, subject)} of {subject.label}"
        if judging.today > expires:
            message = f"expired on {expires}: {what}; remove the rule, or agree on a later `expires`"
            yield finding(EXPIRES, settings.level, message, subject, judging, rule)
        elif judging.today + timedelta(days=settings.warn_days) >= expires:
            message = f"expires on {expires}: {what}; remove the rule by then, or agree on a later `expires`"
            yield finding(EXPIRES, "warning", message, subject, judging, rule)


TAGS = "required_tags"


def check_tags(subject: Subject, judging: Judging) -> Iterator[Finding]:
    """Judge the tags of a group, where they are known."""
    settings = judging.policies.required_tags
    if settings.level == "off" or subject.tags is None:
        return
    for key, pattern in settings.tags:
        value = subject.tags.get(key)
        if value is None:
            message = f"{subject.label} has no tag {key!r}; add it, or change `required_tags`"
        elif pattern is not None and not compile_pattern(pattern).fullmatch(value):
            message = (
                f"the tag {key!r} of {subject.label} is {value!r}, and has to match {pattern!r}; correct it, or "
                "change `required_tags`"
            )
        else:
            continue
        yield finding(TAGS, settings.level, message, subject, judging)

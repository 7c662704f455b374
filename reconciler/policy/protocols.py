"""`forbidden_protocols`: judged on the protocol that a rule names, with `any` for one that names none."""

from collections.abc import Iterator

from reconciler.model.plan import Finding
from reconciler.model.policies import Policies
from reconciler.policy.subject import Subject, Today, finding, rule_text

PROTOCOLS = "forbidden_protocols"


def check_protocols(subject: Subject, policies: Policies, today: Today) -> Iterator[Finding]:
    """Judge the protocol of each rule."""
    settings = policies.forbidden_protocols
    if settings.level == "off":
        return
    for rule in subject.rules:
        if rule.rule.direction in settings.directions and rule.rule.protocol in settings.protocols:
            name = rule.rule.protocol or "any"
            message = (
                f"{subject.label} has a rule for the protocol {name}, which is forbidden: {rule_text(rule, subject)}; "
                "name another, or change `forbidden_protocols`"
            )
            yield finding(PROTOCOLS, settings.level, message, subject, today, rule)

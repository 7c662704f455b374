"""`rule_description`: every rule says why it is there."""

import re
from collections.abc import Iterator

from reconciler.model.plan import Finding
from reconciler.model.policies import Policies
from reconciler.policy.subject import Subject, Today, finding, rule_text

DESCRIPTION = "rule_description"


def check_descriptions(subject: Subject, policies: Policies, today: Today) -> Iterator[Finding]:
    """Judge the description of each rule."""
    settings = policies.rule_description
    if settings.level == "off":
        return
    found_in = re.compile(settings.pattern).search
    for rule in subject.rules:
        if not found_in(rule.description):
            has = f"the description {rule.description!r}" if rule.description else "no description"
            message = (
                f"a rule of {subject.label} has {has}, and {settings.pattern!r} has to be found in it: "
                f"{rule_text(rule, subject)}; describe it so, or change `rule_description`"
            )
            yield finding(DESCRIPTION, settings.level, message, subject, today, rule)

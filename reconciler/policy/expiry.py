"""`expires`: rules that are meant to be there for a time only. Nothing is deleted by itself."""

from collections.abc import Iterator
from datetime import timedelta

from reconciler.model.plan import Finding
from reconciler.model.policies import Policies
from reconciler.policy.subject import Subject, Today, finding, rule_text

EXPIRES = "expires"


def check_expiry(subject: Subject, policies: Policies, today: Today) -> Iterator[Finding]:
    """Judge the dates: the level of the policy from the day after, a warning some days before."""
    settings = policies.expires
    if settings.level == "off":
        return
    for rule in [rule for rule in subject.rules if rule.terms]:  # few of many: a comprehension is the quickest look
        expires = rule.terms.expires if rule.terms else None
        if expires is None:
            continue
        what = f"{rule_text(rule, subject)} of {subject.label}"
        if today.date > expires:
            message = f"expired on {expires}: {what}; remove the rule, or agree on a later `expires`"
            yield finding(EXPIRES, settings.level, message, subject, today, rule)
        elif today.date + timedelta(days=settings.warn_days) >= expires:
            message = f"expires on {expires}: {what}; remove the rule by then, or agree on a later `expires`"
            yield finding(EXPIRES, "warning", message, subject, today, rule)

"""`required_tags`: every group says whose it is."""

import re
from collections.abc import Iterator

from reconciler.model.plan import Finding
from reconciler.model.policies import Policies
from reconciler.policy.subject import Subject, Today, finding

TAGS = "required_tags"


def check_tags(subject: Subject, policies: Policies, today: Today) -> Iterator[Finding]:
    """Judge the tags of a group, where they are known."""
    settings = policies.required_tags
    if settings.level == "off" or subject.tags is None:
        return
    for key, pattern in settings.tags:
        value = subject.tags.get(key)
        if value is None:
            message = f"{subject.label} has no tag {key!r}; add it, or change `required_tags`"
        elif pattern is not None and not re.fullmatch(pattern, value):
            message = (
                f"the tag {key!r} of {subject.label} is {value!r}, and has to match {pattern!r}; correct it, or "
                "change `required_tags`"
            )
        else:
            continue
        yield finding(TAGS, settings.level, message, subject, today)

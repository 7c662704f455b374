"""Live groups, rules, findings and exceptions <-> JSON: one form for plan files, journals and reports. Pure."""

import json
import re
from dataclasses import asdict
from datetime import date
from typing import Any

from reconciler.model.desired import Target
from reconciler.model.live import LiveGroup, LiveRule, Tag
from reconciler.model.place import read_place
from reconciler.model.policies import Finding, PolicyException, Terms
from reconciler.model.rule import Rule

_UNUSUAL = re.compile(r"[^\n -~]")
"""What may be a control character beyond those that JSON itself writes as escapes (C1, bidi marks, lone surrogates)."""


def json_text(content: Any) -> str:
    """Write JSON with letters as they are, and with whatever a terminal or a CI runner could obey as escapes."""
    text = json.dumps(content, indent=1, ensure_ascii=False).replace("##", "#\\u0023")
    return _UNUSUAL.sub(lambda found: found[0] if found[0].isprintable() else json.dumps(found[0])[1:-1], text)


Json = dict[str, Any]


def rule_to_json(rule: LiveRule) -> Json:
    """Write a live rule."""
    return {"id": rule.id, **rule.rule._asdict(), "description": rule.description, "irregular": rule.irregular}


def group_to_json(group: LiveGroup) -> Json:
    """Write a live group, without its target."""
    return {
        "id": group.id,
        "name": group.name,
        "description": group.description,
        "revision_number": group.revision_number,
        "tags": [asdict(tag) for tag in group.tags],
        "rules": [rule_to_json(rule) for rule in group.rules],
    }


def read_rule(content: Json) -> Rule:
    """Read the fields that make a rule's identity."""
    return Rule(**{field: content[field] for field in Rule._fields})


def read_live_rule(content: Json) -> LiveRule:
    """Read a live rule."""
    return LiveRule(content["id"], read_rule(content), content["description"], content["irregular"])


def read_live_group(content: Json, target: Target) -> LiveGroup:
    """Read a live group of a target."""
    return LiveGroup(
        target=target,
        id=content["id"],
        name=content["name"],
        description=content["description"],
        tags=tuple(Tag(**tag) for tag in content["tags"]),
        rules=tuple(read_live_rule(rule) for rule in content["rules"]),
        revision_number=content["revision_number"],
    )


def finding_to_json(finding: Finding) -> Json:
    """Write a finding."""
    return {
        "guardrail": finding.guardrail,
        "level": finding.level,
        "message": finding.message,
        "flag": finding.flag,
        "place": None if finding.place is None else str(finding.place),
        "group": finding.group,
        "exception": None if finding.exception is None else exception_to_json(finding.exception),
    }


def read_finding(content: Json) -> Finding:
    """Read a finding."""
    place, exception = content["place"], content["exception"]
    return Finding(
        **{
            **content,
            "place": None if place is None else read_place(place),
            "exception": None if exception is None else read_exception(exception),
        }
    )


def exception_to_json(exception: PolicyException) -> Json:
    """Write a reviewed exception."""
    return {"policy": exception.policy, "reason": exception.reason, "until": exception.until.isoformat()}


def read_exception(content: Json) -> PolicyException:
    """Read a reviewed exception."""
    return PolicyException(content["policy"], content["reason"], date.fromisoformat(content["until"]))


def terms_to_json(terms: Terms | None) -> Json:
    """Write what stands beside a rule; no key for the many that have nothing."""
    written: Json = {}
    if terms is not None and terms.expires is not None:
        written["expires"] = terms.expires.isoformat()
    if terms is not None and terms.exceptions:
        written["exceptions"] = [exception_to_json(each) for each in terms.exceptions]
    return written


def read_terms(content: Json) -> Terms | None:
    """Read what stands beside a rule."""
    expires = content.get("expires")
    exceptions = tuple(read_exception(each) for each in content.get("exceptions", ()))
    if expires is None and not exceptions:
        return None
    return Terms(None if expires is None else date.fromisoformat(expires), exceptions)

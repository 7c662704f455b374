"""Findings, exceptions and policies <-> JSON, for plan files and reports. Pure."""

from datetime import date
from typing import Any

from reconciler.loader.policies import bind_texts, read_policies
from reconciler.model.place import Place
from reconciler.model.plan import Finding
from reconciler.model.policies import Policies
from reconciler.model.terms import PolicyException, Terms

Json = dict[str, Any]


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


def read_place(text: str) -> Place:
    """Read `path:line:column`."""
    path, line, column = text.rsplit(":", 2)
    return Place(path, int(line), int(column))


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


def policies_to_json(policies: Policies) -> Json:
    """Write policies as they were written, with the address groups that they name."""
    return {
        "where": policies.where,
        "settings": dict(policies.written),
        "address_groups": {name: list(prefixes) for name, prefixes in policies.address_groups.items()},
    }


def policies_from_json(content: Json) -> Policies:
    """Read policies. Raises `InputError` where they are none."""
    if not content["settings"]:
        return Policies(where=content["where"])
    return bind_texts(read_policies(content["settings"], content["where"]), content["address_groups"])

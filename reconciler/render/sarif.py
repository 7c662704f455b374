"""Findings as SARIF 2.1.0 (OASIS Standard, errata 01), for code scanning and editors.

Places become relative URIs with line and column, counted in Unicode code points as everywhere else here. What is
in no file has logical locations: the group, and the path in a document of plain data. Exceptions become suppressions.
What is found in several groups alike is one result with all its locations. Of a rule of a rule set these are its uses,
and the rule itself is a related location.
"""

import hashlib
from collections.abc import Collection, Iterable, Sequence
from posixpath import isabs, normpath
from typing import Any
from urllib.parse import quote

from reconciler.model.place import FilePlace, UsedPlace, position_of
from reconciler.model.policies import Finding
from reconciler.model.version import __version__
from reconciler.policy.softened import Judge
from reconciler.render.findings import alike, as_one

SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
Json = dict[str, Any]

RULES = {
    "world_open_management": "A management port is open to the world",
    "world_open_any_port": "Any port is open to the world",
    "smtp_egress": "A rule opens egress to port 25, which the cloud may refuse",
    "mass-delete": "A plan deletes too much at once",
    "mass-rewrite": "A plan replaces too much at once by what admits something else",
    "gap": "Rules would be deleted before those that replace them exist",
    "must_allow": "Traffic that must be admitted is not",
    "must_deny": "Traffic that must not be admitted is",
    "allowed_prefixes": "A rule names a prefix that is not allowed",
    "max_prefix_size": "A rule names a prefix that is too wide",
    "rule_description": "A rule is not described as agreed",
    "required_tags": "A group lacks a required tag",
    "forbidden_protocols": "A rule is for a forbidden protocol",
    "orphan": "A live group of ours is in no file",
    "rename": "A group to be created may be a live one under another name",
    "unattached": "No instance has a live group",
    "expires": "A rule is past its date, or soon will be",
    "protect_ssh": "A plan locks out whoever runs it",
    "finding-limit": "There are more findings than are shown",
}
"""What each guardrail is about."""

EVERY = Judge((), frozenset(RULES))


def sarif(
    findings: Iterable[Finding], command: str, folder: str, lifted: Collection[str] = (), judge: Judge = EVERY
) -> Json:
    """Return a SARIF log with one run; `folder` is the one that places are relative to, and URIs will be.

    What is said of the judge are notifications of the run, and guardrails that were not asked are not enabled.
    """
    names = list(RULES)
    return {
        "$schema": SCHEMA,
        "version": "2.1.0",
        "runs": [
            {
                "tool": {
                    "driver": {
                        "name": "sgctl",
                        "semanticVersion": __version__,
                        "version": __version__,
                        "rules": [_rule(name, judge) for name in names],
                    }
                },
                "automationDetails": {"id": f"sgctl/{command}/"},
                "invocations": [
                    {
                        "executionSuccessful": True,
                        "toolExecutionNotifications": [{"message": {"text": _plain(note)}} for note in judge.notes],
                    }
                ],
                "columnKind": "unicodeCodePoints",
                "results": [_result(same, names, folder, lifted) for same in alike(findings)],
            }
        ],
    }


def _rule(name: str, judge: Judge) -> Json:
    enabled = name in judge.asked
    return {"id": name, "shortDescription": {"text": RULES[name]}, "defaultConfiguration": {"enabled": enabled}}


def _plain(text: str) -> str:
    return text.replace("](", "] (")  # else it would be a link (section 3.11.6)


def _result(same: Sequence[Finding], names: list[str], folder: str, lifted: Collection[str]) -> Json:
    finding = as_one(same)
    result: Json = {
        "ruleId": finding.guardrail,
        "ruleIndex": names.index(finding.guardrail),
        "level": finding.level,
        "message": {"text": _plain(finding.message)},
        "locations": [_location(each, folder) for each in same],
        "partialFingerprints": {"sgctl/v1": _fingerprint(same)},
    }
    used = (each.place for each in same if isinstance(each.place, UsedPlace))
    if written := list(dict.fromkeys((f"rule set {place.rule_set}", place.rule) for place in used)):
        result["message"]["text"] += f" ({'; '.join(f'{what}, {rule}' for what, rule in written)})"
        result["relatedLocations"] = [
            {"message": {"text": what}, "physicalLocation": _physical(rule, folder)}
            for what, rule in written
            if isinstance(rule, FilePlace)
        ]
    if finding.exception is not None:
        until, reason = finding.exception.until, finding.exception.reason
        result["suppressions"] = [{"kind": "inSource", "justification": f"until {until}: {reason}"}]
    elif finding.guardrail in lifted:
        result["suppressions"] = [{"kind": "external", "justification": f"lifted with {finding.flag}"}]
    return result


def _location(finding: Finding, folder: str) -> Json:
    location: Json = {}
    logical = [] if finding.group is None else [{"fullyQualifiedName": finding.group, "kind": "resource"}]
    position = position_of(finding.place)
    if position is not None:
        location["physicalLocation"] = _physical(position, folder)
    if finding.place is not None and finding.place != position:
        logical.append({"fullyQualifiedName": str(finding.place), "kind": "value"})
    if logical:
        location["logicalLocations"] = logical
    return location


def _physical(position: FilePlace, folder: str) -> Json:
    return {
        "artifactLocation": {"uri": relative_uri(position, folder)},
        "region": {"startLine": position.line, "startColumn": position.column},
    }


def relative_uri(place: FilePlace, folder: str) -> str:
    """Return the path as a URI below the folder; one that is not below it stays absolute."""
    path = normpath(place.path)
    if isabs(path):
        inside = path.removeprefix(normpath(folder).rstrip("/") + "/")
        if inside == path:
            return "file://" + quote(path, errors="replace")
        path = inside
    return quote(path, safe="/", errors="replace")  # a colon as well: it would read as the end of a scheme


def _fingerprint(same: Sequence[Finding]) -> str:
    """Tell findings apart across runs by what they say of what, not by the line, which moves."""
    text = "\0".join(part for each in same for part in (each.guardrail, each.group or "", each.message))
    return hashlib.sha256(text.encode(errors="replace")).hexdigest()

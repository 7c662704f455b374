"""Plan <-> JSON: what a reviewer approves, and what `apply` reads back equal to itself. Pure.

`schemas/plan.schema.json` describes the format. A digest over everything makes edits visible; it is no signature, and
guards against accidents and casual edits, not against someone who can compute it anew.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from reconciler.model.desired import DesiredRule, Target
from reconciler.model.errors import PlanFileError
from reconciler.model.json_form import (
    Json,
    exception_to_json,
    finding_to_json,
    group_to_json,
    json_text,
    read_exception,
    read_finding,
    read_live_group,
    read_live_rule,
    read_rule,
    read_terms,
    rule_to_json,
    terms_to_json,
)
from reconciler.model.place import Place, read_place
from reconciler.model.policies import PoliciesSource
from reconciler.planning.diff import Action, Difference, LostRule, Redescription, TagChange, TextChange
from reconciler.planning.encode import Request
from reconciler.planning.plan import Change, Plan, Scope
from reconciler.traffic import flow_json
from reconciler.traffic.difference import TrafficDifference

FORMAT_VERSION = 1


def to_json(plan: Plan) -> Json:
    """Write a plan as JSON data, with its digest."""
    content: Json = {
        "format_version": FORMAT_VERSION,
        "created_at": plan.created_at,
        "base_url": plan.base_url,
        "api_version": plan.api_version,
        "two_phase": plan.two_phase,
        "lifted": list(plan.lifted),
        "summary": asdict(plan.summary),
        "scope": asdict(plan.scope),
        "findings": [finding_to_json(finding) for finding in plan.findings],
        "notes": list(plan.notes),
        "group_names": dict(plan.group_names),
        "policies": _policies(plan.policies),
        "protect_ssh_from": plan.protect_ssh_from,
        "changes": [_change(change, plan.group_names) for change in plan.changes],
    }
    return {**content, "digest": digest(content)}


def digest(content: Mapping[str, Any]) -> str:
    """Digest a plan's content, everything but the digest itself."""
    unsigned = {key: value for key, value in content.items() if key != "digest"}
    text = json.dumps(unsigned, sort_keys=True, separators=(",", ":"))
    return "sha256:" + hashlib.sha256(text.encode()).hexdigest()


def dumps(plan: Plan) -> str:
    """Write a plan file's text."""
    return json_text(to_json(plan)) + "\n"


def loads(text: str, name: str) -> Plan:
    """Read a plan file's text; `name` is the file's, for messages.

    Raises `PlanFileError` when it is not a plan, of a version that this program does not know, or was edited.
    """
    try:
        content = json.loads(text, object_pairs_hook=_without_repetition)
    except (ValueError, RecursionError) as error:
        raise PlanFileError(f"{name} is not a plan file: {error}") from None
    if not isinstance(content, dict) or "format_version" not in content:
        raise PlanFileError(f"{name} is not a plan file: it has no `format_version`")
    if content["format_version"] != FORMAT_VERSION:
        raise PlanFileError(
            f"{name} has plan format {content['format_version']!r}, and this sgctl knows {FORMAT_VERSION}",
            hint="Plan again with this version of sgctl.",
        )
    if content.get("digest") != digest(content):
        raise PlanFileError(
            f"{name} was edited after it was saved (its digest does not fit), and nothing of it is sent",
            hint="A plan is changed by changing the files and planning again.",
        )
    _check_structure(content, name)
    return _plan(content)


def _without_repetition(pairs: list[tuple[str, Any]]) -> Json:
    """Refuse a key that is there twice: one reader sees the first value, another the last."""
    content = dict(pairs)
    if len(content) != len(pairs):
        raise ValueError("a key is there twice")
    return content


def _check_structure(content: Json, name: str) -> None:
    from jsonschema import Draft202012Validator  # noqa: PLC0415 - 0.1 s, needed for saved plans only
    from jsonschema.exceptions import best_match  # noqa: PLC0415

    from reconciler.model.schema_files import read_schema  # noqa: PLC0415 - the same

    error = best_match(Draft202012Validator(read_schema("plan")).iter_errors(content))
    if error is not None:
        raise PlanFileError(f"{name} is not a valid plan file: {error.json_path}: {error.message[:200]}")


def _place(place: Place | None) -> str | None:
    return None if place is None else str(place)


def _change(change: Change, names: Mapping[str, str]) -> Json:
    return {
        **difference_to_json(change.difference, names),
        "fingerprint": change.fingerprint,
        "live": None if change.difference.live is None else group_to_json(change.difference.live),
        "requests": [
            {"method": request.method, "path": request.path, "body": request.body} for request in change.requests
        ],
    }


def difference_to_json(difference: Difference, names: Mapping[str, str]) -> Json:
    """Write what differs in one group as JSON data; `names` maps ids of remote groups to their names."""
    return {
        "action": str(difference.action),
        "project_id": difference.target.project_id,
        "region_id": difference.target.region_id,
        "id": None if difference.live is None else difference.live.id,
        "name": difference.name,
        "previous_name": difference.previous_name,
        "place": _place(difference.place),
        "description": None if difference.description is None else asdict(difference.description),
        "tags": [asdict(tag) for tag in difference.tags],
        "rules": {
            "create": [_desired_rule(rule) for rule in difference.creates],
            "redescribe": [
                {"live": [rule.id for rule in each.live], "desired": _desired_rule(each.desired)}
                for each in difference.redescribes
            ],
            "delete": [rule_to_json(rule) for rule in difference.deletes],
            "unchanged": difference.unchanged,
        },
        "lost_rules": [
            {"group_id": lost.group_id, "group_name": lost.group_name, "rule": rule_to_json(lost.rule)}
            for lost in difference.lost_rules
        ],
        "traffic": {
            "opens": flow_json.to_json(difference.traffic.opens, names),
            "closes": flow_json.to_json(difference.traffic.closes, names),
        },
        "instances": difference.instances,
        "notes": list(difference.notes),
        **(
            {"exceptions": [exception_to_json(each) for each in difference.exceptions]} if difference.exceptions else {}
        ),
    }


def _desired_rule(rule: DesiredRule) -> Json:
    return {
        **rule.rule._asdict(),
        "description": rule.description,
        "remote_group": rule.remote_group,
        "place": str(rule.place),
        **terms_to_json(rule.terms),
    }


def _plan(content: Json) -> Plan:
    return Plan(
        created_at=content["created_at"],
        base_url=content["base_url"],
        api_version=content["api_version"],
        changes=tuple(_read_change(change) for change in content["changes"]),
        scope=Scope(**content["scope"]),
        two_phase=content["two_phase"],
        lifted=tuple(content["lifted"]),
        findings=tuple(read_finding(each) for each in content["findings"]),
        notes=tuple(content["notes"]),
        group_names=content["group_names"],
        policies=_read_policies(content["policies"]),
        protect_ssh_from=content["protect_ssh_from"],
    )


def _read_change(content: Json) -> Change:
    target = Target(content["project_id"], content["region_id"])
    live = None if content["live"] is None else read_live_group(content["live"], target)
    by_id = {rule.id: rule for rule in live.rules} if live else {}
    description, rules = content["description"], content["rules"]
    difference = Difference(
        action=Action(content["action"]),
        target=target,
        name=content["name"],
        live=live,
        place=None if content["place"] is None else read_place(content["place"]),
        previous_name=content["previous_name"],
        description=None if description is None else TextChange(**description),
        tags=tuple(TagChange(**tag) for tag in content["tags"]),
        creates=tuple(_read_desired_rule(rule) for rule in rules["create"]),
        redescribes=tuple(
            Redescription(tuple(by_id[rule_id] for rule_id in each["live"]), _read_desired_rule(each["desired"]))
            for each in rules["redescribe"]
        ),
        deletes=tuple(read_live_rule(rule) for rule in rules["delete"]),
        unchanged=rules["unchanged"],
        lost_rules=tuple(
            LostRule(lost["group_id"], lost["group_name"], read_live_rule(lost["rule"]))
            for lost in content["lost_rules"]
        ),
        traffic=TrafficDifference(
            opens=flow_json.from_json(content["traffic"]["opens"]),
            closes=flow_json.from_json(content["traffic"]["closes"]),
        ),
        instances=content["instances"],
        notes=tuple(content["notes"]),
        exceptions=tuple(read_exception(each) for each in content.get("exceptions", ())),
    )
    requests = tuple(Request(**request) for request in content["requests"])
    return Change(difference, content["fingerprint"], requests)


def _read_desired_rule(content: Json) -> DesiredRule:
    place, remote_group = read_place(content["place"]), content["remote_group"]
    return DesiredRule(read_rule(content), content["description"], place, remote_group, read_terms(content))


def _policies(source: PoliciesSource) -> Json:
    return {
        "where": source.where,
        "settings": dict(source.settings),
        "address_groups": {name: list(prefixes) for name, prefixes in source.address_groups.items()},
    }


def _read_policies(content: Json) -> PoliciesSource:
    address_groups = {name: tuple(prefixes) for name, prefixes in content["address_groups"].items()}
    return PoliciesSource(content["settings"], address_groups, content["where"])

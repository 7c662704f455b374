"""Plan <-> JSON: what a reviewer approves, and what `apply` reads back equal to itself. Pure.

`schemas/plan.schema.json` describes the format, and the functions here that write it are what a file is held to. A
digest over everything makes edits visible; it is no signature. Who computes it anew can change what a plan does, but
not so that it does anything else than it shows.
"""

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict, replace
from datetime import datetime, timedelta
from typing import Any

from reconciler.model.clock import length_of
from reconciler.model.desired import DesiredRule
from reconciler.model.errors import PlanFileError
from reconciler.model.json_form import (
    entry_to_json,
    exception_to_json,
    finding_to_json,
    group_to_json,
    json_text,
    review_to_json,
    rule_to_json,
    target_to_json,
    unread_to_json,
)
from reconciler.model.json_reading import Fault, Json
from reconciler.model.place import Place
from reconciler.model.policies import Limits, PoliciesSource, RulebookSource
from reconciler.model.text import printable, shown
from reconciler.planning.derive import Encoders, derive_plan
from reconciler.planning.diff import Difference, IgnoredRules
from reconciler.planning.orphans import UnmanagedGroup
from reconciler.planning.plan import Change, Plan
from reconciler.traffic import flow_json

FORMAT_VERSION = 1


def to_json(plan: Plan) -> Json:
    """Write a plan as JSON data, with its digest."""
    content = _content(plan, [_change(change, plan.group_names) for change in plan.changes])
    return {**content, "digest": digest(content)}


def _content(plan: Plan, changes: list[Json]) -> Json:
    return {
        "format_version": FORMAT_VERSION,
        "created_at": plan.created_at,
        "base_url": plan.base_url,
        "api_version": plan.api_version,
        "two_phase": plan.two_phase,
        "lifted": list(plan.lifted),
        "summary": asdict(plan.summary),
        "scope": {key: value for key, value in asdict(plan.scope).items() if value or key != "ignored_rules"},
        "findings": [finding_to_json(finding) for finding in plan.findings],
        "notes": list(plan.notes),
        "group_names": dict(plan.group_names),
        "policies": _policies(plan.policies),
        "protect_ssh_from": plan.protect_ssh_from,
        **({"origin": asdict(plan.origin)} if plan.origin else {}),
        **({"limits": asdict(plan.limits)} if plan.limits != Limits() else {}),
        **({"outside": _outside(plan.outside)} if plan.outside else {}),
        "changes": changes,
        **({"orphans": [unmanaged_to_json(each) for each in plan.orphans]} if plan.orphans else {}),
        **({"unread_targets": [unread_to_json(each) for each in plan.unread]} if plan.unread else {}),
    }


def digest(content: Mapping[str, Any]) -> str:
    """Digest a plan's content, everything but the digest itself, in the one spelling that is compared and digested."""
    unsigned = {key: value for key, value in content.items() if key != "digest"}
    return f"sha256:{hashlib.sha256(_canonical(unsigned).encode()).hexdigest()}"


def _canonical(content: Any) -> str:
    return json.dumps(content, sort_keys=True, separators=(",", ":"))


class _Digest:
    """The digest of a plan's content, one change after the other: all at once they are hundreds of megabytes."""

    def __init__(self, frame: Json) -> None:
        """Begin with the content without changes."""
        before, empty, self._after = _canonical(frame).partition('"changes":[]')
        self._digested = hashlib.sha256(f"{before}{empty[:-1]}".encode())
        self._comma = ""

    def add(self, change: Json) -> None:
        self._digested.update(f"{self._comma}{_canonical(change)}".encode())
        self._comma = ","

    def done(self) -> str:
        self._digested.update(f"]{self._after}".encode())
        return f"sha256:{self._digested.hexdigest()}"


def dumps(plan: Plan) -> str:
    """Write a plan file's text."""
    return "".join(iterdumps(plan))


def iterdumps(plan: Plan) -> Iterator[str]:
    """Write a plan file's text piece by piece, only one change at a time."""
    frame = _content(plan, [])
    digested = _Digest(frame)
    before, empty, after = json_text(frame).rpartition('\n "changes": []')
    yield f"{before}{empty[:-1]}"
    comma = ""
    for change in plan.changes:
        content = _change(change, plan.group_names)
        digested.add(content)
        indented = json_text(content).replace("\n", "\n  ")
        yield f"{comma}\n  {indented}"
        comma = ","
    end = "\n ]" if plan.changes else "]"
    yield f'{end}{after[:-2]},\n "digest": "{digested.done()}"\n}}\n'


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
        **target_to_json(difference.target),
        "id": None if difference.live is None else difference.live.id,
        "name": difference.name,
        "previous_name": difference.previous_name,
        **({"lost_name": difference.lost_name} if difference.lost_name is not None else {}),
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
        **({"ignored": [_ignored(each) for each in difference.ignored]} if difference.ignored else {}),
        "instances": difference.instances,
        **({"instance_names": list(difference.instance_names)} if difference.instance_names else {}),
        "notes": list(difference.notes),
        **(
            {"exceptions": [exception_to_json(each) for each in difference.exceptions]} if difference.exceptions else {}
        ),
    }


def unmanaged_to_json(group: UnmanagedGroup) -> Json:
    """Write a live group that no file names as JSON data."""
    content = group._asdict()
    return {**target_to_json(content.pop("target")), **content}


def _desired_rule(rule: DesiredRule) -> Json:
    return {
        **rule.rule._asdict(),
        "description": rule.description,
        "remote_group": rule.remote_group,
        "place": str(rule.place),
        **({"address_group": rule.address_group} if rule.address_group is not None else {}),
        **review_to_json(rule.review),
    }


def _ignored(ignored: IgnoredRules) -> Json:
    return {**entry_to_json(ignored.entry), "rules": [rule.id for rule in ignored.rules]}


def _policies(source: PoliciesSource) -> Json:
    return {
        "where": source.where,
        "settings": dict(source.settings),
        "address_groups": {name: list(prefixes) for name, prefixes in source.address_groups.items()},
    }


def _outside(source: RulebookSource) -> Json:
    return {"policies": _policies(source.policies), "limits": asdict(source.limits)}


def loads(data: str | bytes, name: str, encoders: Encoders) -> Plan:
    """Read a plan file; `name` is the file's, for messages, and `encoders` those of the versions of the API.

    What is sent is what is shown: only what a plan consists of is taken from the file, and everything that follows from
    it (traffic, counts, fingerprints, order, requests) is computed once more as planning does, and has to be the same.

    What it says of its judgement is not looked at: `read_plan` (`policy/saved.py`) does both.

    Raises `PlanFileError` when it is not a plan, of a version that this program does not know, was edited, or would
    send anything else than it shows.
    """
    try:
        content = _parse(data, name)
        signed = digest(content)
    except RecursionError:
        raise _no_plan(name, "it is nested too deeply") from None
    if content.get("digest") != signed:
        raise PlanFileError(
            f"{name} was edited after it was saved (its digest does not fit), and nothing of it is sent",
            hint="A plan is changed by changing the files and planning again.",
        )
    try:
        plan = derive_plan(content, encoders)
    except Fault as fault:
        raise PlanFileError(f"{name} is not a valid plan file: {printable(str(fault))}", hint=NOTHING_SENT) from None
    if _derived_digest(plan) != signed:
        raise PlanFileError(
            f"{name} is not a plan as sgctl makes it: {_mismatch(content, to_json(plan))}", NOTHING_SENT
        )
    return replace(plan, digest=signed)


def _derived_digest(plan: Plan) -> str:
    digested = _Digest(_content(plan, []))
    for change in plan.changes:
        digested.add(_change(change, plan.group_names))
    return digested.done()


NOTHING_SENT = "Nothing of it is sent. A plan is changed by changing the files and planning again."


def _parse(data: str | bytes, name: str) -> Json:
    try:
        text = data if isinstance(data, str) else data.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise _no_plan(name, "it is not UTF-8 text") from None
    if not text.strip():
        raise _no_plan(name, "it is empty")
    try:
        content = json.loads(text, object_pairs_hook=_without_repetition, parse_constant=_no_constant)
    except Fault as fault:
        raise _no_plan(name, fault.problem) from None
    except json.JSONDecodeError as error:
        raise _no_plan(name, printable(str(error))) from None
    except ValueError:  # Python's words for it are for programmers
        raise _no_plan(name, "a number has too many digits") from None
    if not isinstance(content, dict) or "format_version" not in content:
        raise _no_plan(name, "it has no `format_version`")
    if content["format_version"] != FORMAT_VERSION:
        raise PlanFileError(
            f"{name} has plan format {_version(content['format_version'])}, and this sgctl knows {FORMAT_VERSION}",
            hint="Plan again with this version of sgctl.",
        )
    return content


def _no_plan(name: str, problem: str) -> PlanFileError:
    return PlanFileError(f"{name} is not a plan file: {problem}", hint="`sgctl plan --out FILE` writes one.")


def _version(content: Any) -> str:
    return json.dumps(content)[:40] if isinstance(content, str | int | None) else shown(content)


def _without_repetition(pairs: list[tuple[str, Any]]) -> Json:
    """Refuse a key that is there twice: one reader sees the first value, another the last."""
    content = dict(pairs)
    if len(content) != len(pairs):
        raise Fault("a key is there twice")
    return content


def _no_constant(text: str) -> None:
    raise Fault(f"{text} is no JSON")


def _mismatch(content: Any, derived: Any) -> str:
    """Say where the first difference is between what is in a file and what follows from the rest of it."""
    changes_first = {"changes": content["changes"], **content}  # the counts of what is wrong there are wrong as well
    path, there, known = _first_mismatch(changes_first, derived, "$")
    return f"{printable(path)} is {_brief(there)}, and what the plan shows makes it {_brief(known)}"


def _first_mismatch(there: Any, known: Any, path: str) -> tuple[str, Any, Any]:
    """Go down to the first value that differs; the two have to differ."""
    if isinstance(there, dict) and isinstance(known, dict) and there.keys() >= known.keys() - {"digest"}:
        for key, value in there.items():
            if key not in known:
                return f"{path}.{key}", value, _ABSENT
            if json.dumps(value, sort_keys=True) != json.dumps(known[key], sort_keys=True):
                return _first_mismatch(value, known[key], f"{path}.{key}")
    if isinstance(there, list) and isinstance(known, list) and len(there) == len(known):
        for index, (one, other) in enumerate(zip(there, known, strict=True)):
            if json.dumps(one, sort_keys=True) != json.dumps(other, sort_keys=True):
                return _first_mismatch(one, other, f"{path}[{index}]")
    return path, there, known


_ABSENT = object()


def _brief(value: Any) -> str:
    if value is _ABSENT:
        return "absent"
    if isinstance(value, list):
        return f"a list of {len(value)}"
    return shown(value)


CLOCKS_APART = timedelta(minutes=5)
"""How far the clock of whoever made a plan may be ahead of the one here."""


def check_applicable(
    plan: Plan, name: str, *, base_url: str, now: datetime, max_age: timedelta, reviewed: str | None = None
) -> None:
    """Refuse a plan for another API, one that is too old, and one from the future, which no age limit would ever meet.

    `name` is the file's, and `reviewed` the digest that it has to have. Raises `PlanFileError`.
    """
    if reviewed not in {None, plan.digest}:
        raise PlanFileError(
            f"{name} has the digest {plan.digest}, and --digest is {shown(reviewed, 80)}; nothing was sent",
            hint="It is not the plan that was reviewed: `sgctl show` tells the digest of what it shows.",
        )
    if plan.base_url != base_url:
        raise PlanFileError(
            f"{name} was made for {plan.base_url}, and this run goes to {base_url}; nothing was sent",
            hint="Plan again with the address that you mean to change.",
        )
    age = now - datetime.fromisoformat(plan.created_at)
    if age < -CLOCKS_APART:
        raise PlanFileError(
            f"{name} was made at {plan.created_at}, and that is {length_of(-age)} ahead; nothing was sent",
            hint="Check the clocks of this machine and of the one that made the plan, and plan again.",
        )
    if age > max_age:
        raise PlanFileError(
            f"{name} is {_age(age, max_age)} old, more than the {length_of(max_age)} allowed; nothing was sent",
            hint="Plan again, or pass a longer --max-age.",
        )


def _age(age: timedelta, most: timedelta) -> str:
    text = length_of(age)
    return f"just over {text}" if text == length_of(most) else text

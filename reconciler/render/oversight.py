"""What files look after and are judged by, a line each, to be compared with `diff` with those of another branch.

A plan shows what changes live. It cannot show what is no longer looked after, or judged: a policy, a project, an owner
or the `rules` key of a group that went with a pull request. Lines are sorted and hold no place: comments, the order and
the names of files, and rules that come and go, which a plan shows, change none.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import fields
from typing import Any

from reconciler.model.desired import DesiredGroup, DesiredState
from reconciler.model.policies import Limits, Policies, PolicyException
from reconciler.model.rule import describe_rule
from reconciler.model.text import printable

_FLOWS = ("must_allow", "must_deny")
_MANAGED = ("rules", "tags", "description", "prevent_destroy")


def render_oversight(state: DesiredState, settings: Mapping[str, Any], limits: Limits) -> str:
    """Write the lines; `settings` are those of the settings file that are no limits."""
    lines = {
        *(f"setting {name}: {json.dumps(value, ensure_ascii=False)}" for name, value in settings.items()),
        *(f"limit {each.name}: {getattr(limits, each.name)}" for each in fields(Limits)),
        *(f"policy {line}" for line in _policies(state.policies)),
        *(f"target {target}" for target in state.targets),
        *(f"owner {owner} ({target})" for target, owners in state.owners.items() for owner in owners),
        *(line for group in state.groups for line in _group(group)),
    }
    return "".join(f"{printable(line)}\n" for line in sorted(lines))


def _policies(policies: Policies) -> Iterator[str]:
    for each in fields(Policies):
        setting = getattr(policies, each.name)
        if isinstance(setting, str):
            yield f"{each.name}: {setting}"
        elif each.name not in (*_FLOWS, "source"):
            yield from (f"{each.name}.{part.name}: {_text(getattr(setting, part.name))}" for part in fields(setting))
    for name in _FLOWS:
        for flow in policies.source.settings.get(name, ()):
            yield f"{name}: {json.dumps(flow, sort_keys=True, ensure_ascii=False)}"
    for name, prefixes in policies.source.address_groups.items():
        yield f"address group {name}: {_text(prefixes)}"


def _text(value: Any) -> str:
    """Write a value of a policy: a list, also of ranges of ports or of tags with patterns, or what else it is."""
    if isinstance(value, frozenset):
        return ", ".join(sorted(str(each or "any") for each in value))
    if isinstance(value, tuple):
        return ", ".join(_pair(*each) if isinstance(each, tuple) else each for each in value)
    return str(value)


def _pair(first: Any, second: Any) -> str:
    if isinstance(first, int):
        return str(first) if first == second else f"{first}-{second}"
    return first if second is None else f"{first}={second}"


def _group(group: DesiredGroup) -> Iterator[str]:
    where = f"{group.name} ({group.target})"
    managed = ", ".join(key for key in _MANAGED if getattr(group, key) is not None) or "nothing"
    yield f"group {where}: {managed}"
    yield from (f"ignore_rules of {where}: {entry}" for entry in group.ignore_rules)
    yield from (f"exception of {where}: {_exception(each)}" for each in group.exceptions)
    for rule in group.rules or ():
        if rule.review is not None:
            what = f"{where}, {' '.join(describe_rule(rule.rule, {}).split())} {rule.remote_group or ''}".rstrip()
            yield from (f"exception of {what}: {_exception(each)}" for each in rule.review.exceptions)
            if rule.review.expires is not None:
                yield f"expires {what}: {rule.review.expires}"


def _exception(exception: PolicyException) -> str:
    return f"{exception.policy} until {exception.until} ({exception.reason})"

"""Changes behind the client's back, as the fault plan wants them."""

from __future__ import annotations

import re

from .changes import revised
from .control import Control
from .faults import Fault
from .raw import raw_rule
from .records import Group, Step, Target

PLACE = re.compile(r"/(?:securitygroups|security_groups)/(?P<project>\d+)/(?P<region>\d+)(?:/(?P<group>[^/]+))?")


def meddle(control: Control, fault: Fault, path: str) -> None:
    """Add a rule to a group or delete one of its rules; do nothing where what it names is not there."""
    group = _subject(control, fault, path)
    if group is None:
        return
    store, rules, touched = control.store, group.rules, ""
    if fault.rule is not None:
        ids = {other.name: other.id for other in store.groups(group.target)}
        if fault.rule.get("remote_group", group.name) not in ids:
            return
        new = raw_rule(fault.rule, "foreign_change.rule", group.id, ids, store.new_id, store.now())
        rules, touched = (*rules, new), new.id
    elif fault.delete_rule is not None and 1 <= fault.delete_rule <= len(rules):
        touched = rules[fault.delete_rule - 1].id
        rules = tuple(rule for rule in rules if rule.id != touched)
    if touched:
        store.save(revised(group, store.now(), rules=rules), group, [Step(group.id, "foreign", touched, rules)])


def _subject(control: Control, fault: Fault, path: str) -> Group | None:
    found = PLACE.search(path)
    if found is None:
        return None
    target = Target(int(found["project"]), int(found["region"]))
    if fault.group is not None:
        return next(iter(control.store.groups(target, fault.group)), None)
    return control.store.group(target, found["group"]) if found["group"] else None

"""Fingerprints of live groups: whether the state that a plan was computed from is still the one that is live."""

import hashlib
import json

from reconciler.model.live import LiveGroup

ABSENT = "absent"
"""The fingerprint of a group that does not exist: its name is free."""


def fingerprint(group: LiveGroup | None) -> str:
    """Digest id, name, description, tags, revision number and every rule with its id; `absent` for no group."""
    if group is None:
        return ABSENT
    content = [
        group.id,
        group.name,
        group.description,
        sorted([tag.key, tag.value, tag.read_only] for tag in group.tags),
        group.revision_number,
        sorted([rule.id, *rule.rule, rule.description] for rule in group.rules),
    ]
    return "sha256:" + hashlib.sha256(json.dumps(content).encode()).hexdigest()

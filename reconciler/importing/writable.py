"""What of a live group the file format can say. The loader itself is asked, so that the two never disagree.

The API may hold what a file refuses: a description of 300 characters, ports of a protocol that has none, a tag without
a value. Such a part is left out, because what is left out is left alone; a comment in the file says what and why.
"""

from functools import lru_cache
from typing import Any

from reconciler.importing.merge import Range
from reconciler.loading.rule import expand
from reconciler.loading.structure import is_well_formed
from reconciler.model.cloud import MAX_RULES
from reconciler.model.live import PROTECTION_TAG, RESERVED_TAGS, LiveGroup
from reconciler.model.rule import Ethertype, Rule

LONGEST_KEY = 1000
"""YAML holds a key of at most 1,024 characters as it is written."""


def is_text(text: str) -> bool:
    """Tell whether YAML can carry a text: half a surrogate pair is the one thing that it has no escape for."""
    return text.isascii() or not any("\ud800" <= character <= "\udfff" for character in text)


def is_plain_name(name: str) -> bool:
    """Tell whether a group may have this name in a file without its id."""
    return is_well_formed("security_group", {"name": name})


def why_not_group(group: LiveGroup) -> str | None:
    """Say why a group cannot be named in a file at all."""
    if not is_text(group.name):
        return "YAML cannot carry its name"
    return None if is_plain_name(group.name) else _why_not("security_group", {"name": group.name, "id": group.id})


def own_tags(group: LiveGroup) -> dict[str, str]:
    """Collect the tags that `tags:` manages: neither the cloud's nor reserved."""
    read_only = {tag.key for tag in group.tags if tag.read_only}
    return {tag.key: tag.value for tag in group.tags if tag.key not in read_only | RESERVED_TAGS}


def why_not_tags(tags: dict[str, str]) -> str | None:
    """Say why these tags cannot be written."""
    for key, value in tags.items():
        if not (is_well_formed("tags", {key: value}) and is_text(key) and is_text(value)):
            return "one of them has a key or a value that the API takes from nobody"
        if len(key.encode("unicode_escape")) > LONGEST_KEY:
            return "one of them has a key that is too long for YAML"
    return None


def own_rules(group: LiveGroup) -> dict[Rule, str]:
    """Collect the rules with their descriptions, each once: of several that mean the same, any description will do."""
    rules: dict[Rule, str] = {}
    for rule in group.rules:
        known = rules.get(rule.rule)
        if known is None or _preference(rule.description) < _preference(known):
            rules[rule.rule] = rule.description
    return rules


def why_not_rules(rules: dict[Rule, str]) -> tuple[Rule | None, str] | None:
    """Say why these rules cannot be written, with the first that cannot."""
    if len(rules) > MAX_RULES:
        return None, f"they are {len(rules):,}, over the limit of {MAX_RULES}"
    for rule, description in rules.items():
        reason = _why_not_rule(rule, description)
        if reason is not None:
            return rule, reason
    return None


def is_protected(group: LiveGroup) -> bool:
    """Tell whether the group carries just what `prevent_destroy: true` stands for; what is left out is left alone."""
    return {PROTECTION_TAG: "true"}.items() <= {tag.key: tag.value for tag in group.tags if not tag.read_only}.items()


def _preference(description: str) -> tuple[bool, bool, str]:
    writable = is_text(description) and is_well_formed("rule", {"direction": "ingress", "description": description})
    return not writable, not description, description


def _why_not(kind: str, written: dict[str, Any]) -> str | None:
    """Have the loader say what is wrong with the structure of a fragment."""
    if is_well_formed(kind, written):
        return None
    from reconciler.loading.structure_problems import explain  # noqa: PLC0415 - jsonschema is slow to import

    return explain(kind, written)[0][0].message


def _why_not_rule(rule: Rule, description: str) -> str | None:
    if not is_text(description):
        return "YAML cannot carry its description"
    if reason := _why_not("rule", {"direction": "ingress", "description": description}):
        return reason
    if rule.remote_group_id is not None and not _is_group_id(rule.remote_group_id):
        return "its remote group's id is no UUID"
    return _why_not_shape(rule.ethertype, rule.protocol, (rule.port_range_min, rule.port_range_max))


@lru_cache(1 << 12)
def _is_group_id(group_id: str) -> bool:
    return is_well_formed("uuid", group_id)


@lru_cache(1 << 16)
def _why_not_shape(family: Ethertype, protocol: str | None, range_: Range) -> str | None:
    """Have the loader judge what a rule is apart from its remote: the same few shapes come again and again."""
    low, high = range_
    written = {
        "direction": "ingress",
        "ethertype": family,
        "protocol": protocol,
        "port_range_min": low,
        "port_range_max": high,
    }
    if reason := _why_not("rule", written):
        return reason
    expansion = expand(written, {})
    if expansion.problems:
        return expansion.problems[0].message
    wanted = Rule("ingress", family, protocol, low, high)
    return None if expansion.rules == ((wanted, None),) else "it would mean another rule"

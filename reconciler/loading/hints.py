"""What to write instead of a key or a value that a file cannot have.

Whoever follows a hint to the letter gets a rule that is no wider than meant. `did you mean` stands before a key that
takes the same value, `write` before a value that means the same, and `leave it out` where nothing changes without the
key. Where the meaning is not certain, the hint says what to decide, and what is empty is never left out of a rule.
"""

import re
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from reconciler.loading.issues import QUOTE, yaml_text
from reconciler.loading.remote import WAYS
from reconciler.loading.spellings import (
    DECISIONS,
    EVERY,
    EVERYONE,
    ICMP_TYPES,
    PREFIXES,
    SERVICES,
    WORDS,
    Decide,
    Ours,
    find_spelling,
)
from reconciler.loading.structure import check_of
from reconciler.model.cloud import MAX_PORT
from reconciler.model.text import alike, bare_word, is_uuid, one_of, shown

_HOMES = {
    "document": "it belongs at the head of the document, and holds for all of it",
    "security_group": "write it into an item of `security_groups`",
    "rule": "write it into an item of the `rules` of a group",
    "policies": "write it into `policies`",
}
"""Where the keys of a definition of the schema belong."""
_MOVABLE = ("Document", "Target", "Security group", "Rule", "Policies")
"""Titles of the levels out of which a key can be moved without a rule or a match becoming wider."""
_LEFT_OUT = {
    **dict.fromkeys(("ports", "port_range_min", "port_range_max"), "every port"),
    "icmp_type": "every type",
    "icmp_code": "every code",
    "protocol": "every protocol",
    "ethertype": "IPv4, or what the prefix is of",
    **dict.fromkeys(WAYS, "every address"),
}
"""What a rule means without each of these keys."""
_NOTHING = {
    **{key: f"write its value; left out, it means {what}" for key, what in _LEFT_OUT.items()},
    "direction": "write ingress or egress, whichever is meant",
    "name": "write the group's name",
    "rules": "write `rules: []` for no rules, or leave the key out so that rules stay as they are",
    "tags": "write `tags: {}` for no tags, or leave the key out so that tags stay as they are",
    "security_groups": "write `security_groups: []` for no groups, or leave the key out",
    "description": 'write `description: ""` for none, or leave the key out',
    "ignore_rules": "write `ignore_rules: []` if no rules are others'",
    "previous_name": "write the name that the group has now, or leave the key out if it keeps its name",
    "use": "write the name of a rule set, or remove this item",
    "targets": "write a list such as [{project_id: 1, region_id: 7}]",
    **dict.fromkeys(("owner", "id", "prevent_destroy", "exception"), "write its value, or leave the key out"),
}  # fmt: skip
"""What to do about a key that has nothing behind it."""
_SHAPES: Mapping[tuple[str, type], str] = {
    ("security_groups", dict): "write a list: each item begins with `- name:`",
    ("targets", dict): "write a list: `[{project_id: 1, region_id: 7}]`",
    ("ignore_rules", dict): "write a list: each item begins with `-`",
    ("must_allow", dict): "write a list: each item begins with `- group:`",
    ("must_deny", dict): "write a list: each item begins with `- group:`",
    ("address_groups", list): "write a mapping: the name of each group before its list of prefixes",
    ("rule_sets", list): "write a mapping: the name of each set before its list of rules",
    **dict.fromkeys((("tags", list), ("tags", str)), "write a mapping, such as {env: prod}"),
    ("remote_ip_prefix", list): "use `remote_ip_prefixes` for a list",
    ("remote_group", list): "write a rule for each group",
    ("remote_group_id", list): "write a rule for each group",
    ("protocol", list): "make a rule for each protocol",
    ("direction", list): "make a rule for each direction",
    ("ports", dict): "write a range such as 8000-8099",
    ("allowed_prefixes", list): "put the list under `prefixes`",
    ("required_tags", list): "put the list under `tags`",
    ("forbidden_protocols", list): "put the list under `protocols`",
    ("use", dict): "write the name alone",
}
"""What to do about a list or a mapping where the key takes something else."""
_NUMBERS = {
    "project_id", "region_id", "ports", "port_range_min", "port_range_max", "icmp_type", "icmp_code",
    "max_ports", "warn_days", "ipv4", "ipv6", "widest_ipv4", "widest_ipv6",
}  # fmt: skip
"""Keys that take a number."""
_ALL = {
    "ports": "write 1-65535 if every port is meant",
    **dict.fromkeys(("icmp_type", "icmp_code"), "leave the key out if all are meant"),
    **dict.fromkeys(("port_range_min", "port_range_max"), "write null if all are meant"),
}
"""What to write instead of the 0, -1 or word that means everything to other tools."""
_SEVERAL = re.compile(r"[,/|+&\s]+|\band\b")
_SERVICE = re.compile(r"(?P<protocol>tcp|udp|sctp)[/: ]*(?P<port>[0-9]{1,5}(?:-[0-9]{1,5})?)").fullmatch
_PORT_FIRST = re.compile(r"(?P<port>[0-9]{1,5}(?:-[0-9]{1,5})?)[/ ]*(?P<protocol>tcp|udp|sctp)").fullmatch
_TO = re.compile(r"\s*(?:[-:\u2013]+|\.\.|\bto\b)\s*")
_PORT = re.compile(r"0*([0-9]{1,5})(?:-0*([0-9]{1,5}))?").fullmatch


def fix_key(
    level: str, key: str, fragment: Mapping[str, Any], known: Collection[str], ignored: Collection[str] = ()
) -> str | None:
    """Say what to do about a key that a level of the file, the title of its schema, does not have.

    `fragment` is what the key stands in, `known` are the keys that could stand there. Those that are `ignored` are
    never suggested: whoever took the suggestion would write a rule without that part.
    """
    value = fragment[key]
    has_remote = any(fragment.get(way) not in (None, [], "") for way in WAYS)
    spelling = find_spelling(level, key, value, has_remote=has_remote)
    if isinstance(spelling, Ours):
        return _rename(spelling, level, key, fragment, known)
    if spelling is not None:
        return spelling.words if isinstance(spelling, Decide) else f"leave it out: {spelling.why}"
    near = alike(key, known)
    free = [name for name in near if name not in fragment]
    if level in _MOVABLE and (home := _home(key, known)):
        return home
    if free and not set(ignored).intersection(near):
        return f"did you mean {one_of(free)}?"
    return None if near else _fix_unlike(level, key, fragment)


def _fix_unlike(level: str, key: str, fragment: Mapping[str, Any]) -> str | None:
    """Say what to do about a key that is like no other."""
    if level == "Entry of ignore_rules":
        return "an entry tells rules by `description`, `direction`, `protocol`, `ports` and `remote_group` only"
    if level == "Security group" and isinstance(fragment[key], dict) and "name" not in fragment:
        return f"write `name: {key}`, and its keys beside that"
    if level == "Document" and isinstance(fragment[key], dict) and not {"rules", "tags"}.isdisjoint(fragment[key]):
        return f"write it as an item of `security_groups`, with `name: {key}`"
    return "if it belongs to the value before it, put both into brackets" if fragment[key] is None else None


def _rename(spelling: Ours, level: str, key: str, fragment: Mapping[str, Any], known: Collection[str]) -> str:
    value = fragment[key]
    ours = spelling.of_list if isinstance(value, list) and spelling.of_list else spelling.key
    if ours == "remote_group" and isinstance(value, str) and is_uuid(value):
        ours = "remote_group_id"
    return (
        _fix_unfit(ours, level, value, known)
        or _fix_twice(spelling, ours, level, key, fragment)
        or _fix_side(spelling.direction, ours, fragment, value)
        or f"did you mean `{ours}`?{_every_protocol(ours, level, fragment)}{_EVERY_NULL if value is None else ''}"
    )


def _fix_unfit(ours: str, level: str, value: Any, known: Collection[str]) -> str | None:
    """Say what to do where our key cannot stand, or cannot have the value."""
    if ours == "remote_group" and isinstance(value, list):
        return f"{_SHAPES[ours, list]}, with `remote_group`"
    if ours not in known:
        return "use `ports`" if ours.startswith("port_range") else f"it would be `{ours}`, which cannot stand here"
    values = value if isinstance(value, list) else [value]
    if level in ("Rule", "Flow") and any(isinstance(each, dict) for each in values):
        return _SHAPES.get((ours, dict)) or f"it would be `{ours}`, which takes no mapping: write the values alone"
    is_name = isinstance(value, str) and value.strip() and not set(value).intersection(".:/")
    if ours == "remote_ip_prefix" and is_name and value.lower() not in PREFIXES:
        return "it is `remote_ip_prefix` of a prefix, `remote_group` of a group, and `remote_address_group` of a list"
    return None


def _fix_twice(spelling: Ours, ours: str, level: str, key: str, fragment: Mapping[str, Any]) -> str | None:
    for other, value in fragment.items():
        is_same = other != key and find_spelling(level, other, value, has_remote=False) == spelling
        if other == ours or is_same:
            return f"it is `{ours}`, and so is {shown(other)}: make one of the two, or two rules"
    return None


def _fix_side(asked: str, ours: str, fragment: Mapping[str, Any], value: Any) -> str | None:
    """Say what to do about a key that holds only for rules of the direction `asked`."""
    direction = _direction(fragment)
    if asked in ("", direction):
        return None
    if direction is None:
        return f"it is `{ours}` in a rule with `direction: {asked}`"
    whole = f"a rule of {direction} is for every instance of its group"
    return (
        f"leave it out: {whole}"
        if str(value).lower() in EVERYONE
        else f"{whole}: its remote is {_OTHER_SIDE[direction]}"
    )


_EVERY_NULL = " Write its value: null, where it can stand, is for everything."


def _every_protocol(ours: str, level: str, fragment: Mapping[str, Any]) -> str:
    """Warn of what a rule without a protocol means: to some tools it is tcp (Scaleway, Ansible's amazon.aws)."""
    words = {bare_word(key) for key in fragment}
    rows = (find_spelling(level, key, None, has_remote=False) for key in fragment)
    meant = {*words, *(row.key for row in rows if isinstance(row, Ours))}
    is_narrowed = not meant.isdisjoint(("protocol", "ports", "port_range_min", "icmp_type", "icmptype"))
    return (
        ""
        if level != "Rule" or ours not in WAYS or is_narrowed
        else " Without `protocol`, the rule is for every protocol."
    )


_OTHER_SIDE = {"ingress": "where traffic comes from", "egress": "where traffic goes to"}


def _direction(fragment: Mapping[str, Any]) -> str | None:
    written = str(fragment.get("direction", fragment.get("type"))).lower()
    found = WORDS["direction"].get(written, written)
    return found if found in _OTHER_SIDE else None


def _home(key: str, known: Collection[str]) -> str | None:
    """Say in which other level of a file a key belongs."""
    homes = (where for kind, where in _HOMES.items() if key in check_of(kind).properties())
    return next(homes, None) if key not in known else None


WRITE, WRITE_OR_LEAVE_OUT = "write its value", "write its value, or leave the key out"
WRITE_MATCH = "write its value; left out, it matches every rule"


def fix_nothing(key: str) -> str:
    """Say what to do about a key that has null, an empty list, mapping or text behind it."""
    return _NOTHING.get(key, WRITE)


def fix_value(key: str, value: Any, schema: Mapping[str, Any], *, is_item: bool) -> str | None:
    """Guess what was meant. What is to be written stands behind `write`, and is right as it stands."""
    shape = None if is_item else _SHAPES.get((key, value.__class__))
    if key == "rules" and isinstance(value, dict) and not is_item:
        first = next((each for each in ("use", "preset") if each in value), "direction")
        return f"write a list: each item begins with `- {first}:`"
    if shape is not None or isinstance(value, list | dict):
        return shape
    is_text = isinstance(value, str) and len(value) <= 60
    if schema["enum"] and (is_text or value.__class__ in (int, bool)):
        word = str(value).strip().lower()
        return QUOTE if _is_protocol(key, value) else _fix_word(key, word, schema["enum"], is_item=is_item)
    if is_text:
        return _fix_ports(value, is_item=is_item) if key == "ports" else _fix_text(key, value, schema)
    return _fix_number(key, value, schema) if value.__class__ in (int, float) else None


def _is_protocol(key: str, value: Any) -> bool:
    return key in ("protocol", "protocols") and value.__class__ is int and 0 <= value <= 255


def _fix_number(key: str, value: float, schema: Mapping[str, Any]) -> str | None:
    if key in {"project", "region"}:
        return f"use `{key}_id` for its number, or quote a name"
    if key in {"owner", "name", "previous_name", "remote_group", "description", "use", "remote_address_group"}:
        return QUOTE
    if value.__class__ is float:
        return f"write {int(value)}" if value.is_integer() and _is_in_range(key, int(value), schema) else None
    return _ALL.get(key) if value in (0, -1) else None


def _fix_word(key: str, word: str, words: Sequence[str], *, is_item: bool) -> str | None:
    """Guess which of the words of a key was meant: never `any` or `off`, which are wider, by their likeness."""
    key = _ONE.get(key, key)
    if key == "protocol" and (port := SERVICES.get(word)):
        return f"this is a service: write tcp or udp, with `ports: {port}`"
    if key == "protocol" and (service := _SERVICE(word)):
        return f"write {service['protocol']}, with `ports: {service['port']}`"
    if decision := DECISIONS.get(key, {}).get(word):
        return decision
    same = next((each for each in words if each.lower() == word), WORDS.get(key, {}).get(word, ""))
    if same in words or (same and not is_item):
        return f"write {same}"
    if key == "protocol" and _SEVERAL.search(word):
        return "make a rule for each protocol"
    near = alike(word, words)
    return f"did you mean {one_of(near)}?" if near and near not in (["any"], ["off"]) else None


_ONE = {"protocols": "protocol", "directions": "direction"}


def _fix_ports(value: str, *, is_item: bool) -> str | None:
    """Read ports as other tools write them: `80,443`, `8000:8099`, `0-65535`, `22/tcp`, `any`."""
    word = value.strip().lower()
    if word in EVERY:
        return _ALL["ports"]
    if port := SERVICES.get(word):
        return f"write {port}"
    if service := _SERVICE(word) or _PORT_FIRST(word):
        return f"write {service['port']}, and `protocol: {service['protocol']}`"
    text = _TO.sub("-", value).strip(" ,;")
    read = [_read_ports(part) for part in re.split(r"[,;/\s]+", text)]
    ports = [port for port in read if port]
    if not ports or len(ports) < len(read):
        return None
    return _write_ports(ports, value, is_item=is_item)


def _write_ports(ports: Sequence[str], value: str, *, is_item: bool) -> str:
    if len(ports) == 1:
        return f"write {ports[0]} without the quotes" if ports[0] == value else f"write {ports[0]}"
    text = ", ".join(ports)
    if "/" in value and len(ports) == 2 and "-" not in text:  # Alibaba writes a range so
        low, high = ports
        return f"write {low}" if low == high else f"write {low}-{high} if it is a range, or [{text}] if not"
    return f"make items of it: {text}" if is_item else f"write [{text}]"


def _read_ports(text: str) -> str | None:
    """Return a port or a range as a file has it; None for what is none."""
    match = _PORT(text)
    if match is None:
        return None
    low, high = int(match[1]), int(match[2] or match[1])
    low = 1 if low == 0 and high else low
    if not 1 <= low <= high <= MAX_PORT:
        return None
    return str(low) if low == high else f"{low}-{high}"


def _fix_text(key: str, value: str, schema: Mapping[str, Any]) -> str | None:
    word = value.strip().lower()
    if value.isascii() and value.isdigit() and key in _NUMBERS and _is_in_range(key, int(value), schema):
        return f"write {int(value)} without the quotes"
    if key in _ALL and word in EVERY:
        return _ALL[key]
    if key == "icmp_type" and word in ICMP_TYPES:
        return ICMP_TYPES[word]
    if key == "prevent_destroy" and word in ("true", "false"):
        return f"write {word} without the quotes"
    if key in ("rules", "security_groups") and word in ("none", "null", "empty", "no"):
        return _NOTHING[key]
    others = {
        "project_id": "use `project` for a name",
        "region_id": "use `region` for a name",
        "remote_ip_prefixes": f"write [{yaml_text(value)}], or use `remote_ip_prefix`",
        "remote_group_id": "use `remote_group` for a group's name",
    }
    return others.get(key)


def _is_in_range(key: str, number: int, schema: Mapping[str, Any]) -> bool:
    least, most = (1, MAX_PORT) if key == "ports" else (schema.get("minimum", 0), schema.get("maximum", 10**18))
    return key in _NUMBERS and least <= number <= most

"""The words for what a schema finds: what each key takes, and what to write instead.

Limits and words are those of `schema`, the part of the schema that refused the value; its `enum` holds the words of all
alternatives.
"""

import re
from collections.abc import Mapping
from typing import Any

from reconciler.loading.hints import WRITE, fix_nothing, fix_value
from reconciler.loading.issues import QUOTE, yaml_text
from reconciler.model.text import shown

Schema = Mapping[str, Any]

_ID = "a number, {minimum} or more"
_NUMBER = "a number from {minimum} to {maximum}"
_LENGTH = "a length from {minimum} to {maximum}"
_NAME = "text of {minLength} to {maxLength} characters"
_UUID = "a UUID, such as 00000000-0000-4000-8000-000000000000"
_PREFIX = "a prefix, such as 10.0.0.0/8"
_DATE = "a date such as 2027-06-30"
_EXCEPTION = "an exception with `policy`, `reason` and `until`, or a list of those"
_TAG_VALUE = "text of 1 to {maxLength} characters, with no tabs, line breaks or blanks at its ends"

EXPECTED: Mapping[str, str] = {
    "project_id": _ID,
    "region_id": _ID,
    "project": "the name of a project",
    "region": "the name of a region, such as Luxembourg-2",
    "targets": "a list of project_id/region_id pairs",
    "owner": _TAG_VALUE,
    "address_groups": "a mapping of names to lists of prefixes",
    "rule_sets": "a mapping of names to lists of rules",
    "security_groups": "a list of groups",
    "id": _UUID,
    "name": "text of at most {maxLength} characters",
    "previous_name": _NAME,
    "remote_group": f"a group's name: {_NAME}",
    "tags": "a mapping of keys to values",
    "rules": "a list of rules",
    "ignore_rules": "a list of matches",
    "prevent_destroy": "true or false",
    "preset": "{either}",
    "use": "the name of a rule set, or a list of names",
    "direction": "{either}",
    "ethertype": "IPv4, IPv6 or a list of both",
    "protocol": "the name of a protocol, or its number in quotes",
    "ports": "a port from 1 to 65535, a range such as 8000-8099, or a list of those",
    "port_range_min": _NUMBER,
    "port_range_max": _NUMBER,
    "icmp_type": _NUMBER,
    "icmp_code": _NUMBER,
    "remote_ip_prefix": _PREFIX,
    "remote_ip_prefixes": "a list of prefixes",
    "remote_address_group": "the name of an address group, or a list of names",
    "remote_group_id": _UUID,
    "description": "text",
    "policies": "a mapping of policies to their levels or settings",
    "expires": _DATE,
    "exception": _EXCEPTION,
    "policy": "one of {either}",
    "reason": "text: why the exception was agreed",
    "until": _DATE,
    "level": "{either}",
    "max_ports": _NUMBER,
    "warn_days": "a number of days, from {minimum} to {maximum}",
    "group": "a group's name, or a glob such as web-*",
    "prefixes": "a list of prefixes",
    "directions": "a list of ingress, egress or both",
    "must_allow": "a list of flows",
    "must_deny": "a list of flows",
    "ipv4": _LENGTH,
    "ipv6": _LENGTH,
    "pattern": "text: a regular expression",
    "protocols": "a list of protocols; any stands for rules for every protocol",
    "source": "gcore-cdn, gcore-egress, file or an https address",
    "path": "the path of a file",
    "format": "{either}",
    "select": "a JMESPath expression",
    "widest_ipv4": _LENGTH,
    "widest_ipv6": _LENGTH,
}
"""What may stand behind each key, to follow "`key` takes". The names in braces are keywords of the schema."""

ITEMS: Mapping[str, str] = {
    "targets": "a project_id/region_id pair",
    "security_groups": "a group: a mapping with a `name`",
    "rules": "a rule: a mapping with a `direction`",
    "use": "the name of a rule set",
    "ethertype": "{either}",
    "ports": "a port from 1 to 65535, or a range such as 8000-8099",
    "remote_ip_prefixes": _PREFIX,
    "remote_address_group": "the name of an address group",
    "exception": "an exception: a mapping with `policy`, `reason` and `until`",
    "must_allow": "a flow: a mapping with a `group` and a `direction`",
    "must_deny": "a flow: a mapping with a `group` and a `direction`",
    "prefixes": _PREFIX,
    "directions": "{either}",
    "protocols": "the name of a protocol, or its number in quotes",
    "tags": "the key of a tag",
}
"""What an item of a list is, to follow "an item of `key` is"."""

_MISSING = {
    "direction": "add `direction: ingress` or `direction: egress`",
    "name": "add `name:`; an `id` alone does not name a group",
    "policy": "add `policy:` with the name that the plan shows in brackets",
    "reason": "add `reason:`, for those who review it",
    "until": "add `until:`, the last day on which it holds",
    "group": "add `group:`, a group's name or a glob",
    "source": "add `source:`, or write a list of prefixes",
    "prefixes": "add `prefixes:`, a list",
    "protocols": "add `protocols:`, a list",
    "tags": "add `tags:`, a list of their keys",
}


def is_rule_of_another_tool(value: Any) -> bool:
    """Tell whether an item of a list is a rule as OpenStack's client or API writes it."""
    names = {str(key).lower() for key in value} if isinstance(value, dict) else set()
    return len(names & {"ip protocol", "protocol", "direction", "ethertype", "ip range"}) > 1


def rules_of_another_tool() -> tuple[str, str | None]:
    """Word a document that is a list of rules."""
    names = ("IP Protocol", "protocol"), ("IP Range", "remote_ip_prefix"), ("Port Range", "ports")
    translated = ", ".join(f"`{theirs}` is `{ours}`" for theirs, ours in names)
    fix = f"begin with `security_groups:` and put the rules into the `rules` of a group; {translated}"
    return "a document is a mapping, not a list of rules", fix


WHOLE_RULES = {"preset": "a preset", "use": "a rule set"}
"""The keys by which an item of a list of rules stands for whole rules, and what those are."""


def key_beside_whole_rules(key: str, whole: str) -> tuple[str, str | None]:
    """Word a key of a rule in an item that stands for whole rules by its key `whole`."""
    message = f"`{key}` and `{whole}` exclude each other: {WHOLE_RULES[whole]} is whole rules"
    return message, "write two items of the list"


def missing_key(key: str) -> tuple[str, str | None]:
    """Word a key that has to be there."""
    return f"`{key}` is missing", _MISSING.get(key)


def wrong_value(
    key: str, value: Any, schema: Schema, *, is_item: bool, for_nothing: str | None = None
) -> tuple[str, str | None]:
    """Word a value that its key does not take. `for_nothing` is the hint where there is none, if not the usual one."""
    for_nothing = for_nothing or fix_nothing(key)
    if value is None and not is_item:
        return f"`{key}` has no value: it takes {_filled(EXPECTED[key], schema)}", for_nothing
    if value == {} and key == "targets":
        return "this target names neither a project nor a region", "add one, or remove the entry"
    if value == {} and key == "ignore_rules":
        return "this entry would match every rule", "say which rules are others'; without `rules`, all are left alone"
    if value == [] and not is_item and key in ITEMS:
        return f"the list of `{key}` is empty", for_nothing
    if _is_too_long(value, schema):
        return _too_long("the description" if key == "description" else f"`{key}`", value, schema)
    takes = f"an item of `{key}` is {ITEMS[key]}" if is_item and key in ITEMS else f"`{key}` takes {EXPECTED[key]}"
    is_nothing = value in ("", [], {}) and not is_item
    return (
        f"{_filled(takes, schema)}, not {_named(value)}",
        for_nothing if is_nothing else fix_value(key, value, schema, is_item=is_item),
    )


def wrong_policy(name: str, value: Any, schema: Schema) -> tuple[str, str | None]:
    """Word what a policy cannot be."""
    if name in ("must_allow", "must_deny"):
        return wrong_value(name, value, schema, is_item=False)
    key = "level" if schema["enum"] and isinstance(value, str | bool) else name
    fix = WRITE if value in (None, "", [], {}) else fix_value(key, value, schema, is_item=False)
    if not schema["enum"]:
        return f"`{name}` takes a mapping with its settings, not {_named(value)}", fix
    takes = "one" if name in ("mass_delete", "mass_rewrite", "smtp_egress") else "one, or a mapping with its settings"
    message = f"the level of a policy is {{either}}; `{name}` takes {takes}"
    return f"{_filled(message, schema)}, not {_named(value)}", fix


def wrong_tag(key: str, value: Any, schema: Schema) -> tuple[str, str | None]:
    """Word a value that a tag cannot have."""
    if isinstance(value, bool | int | float):
        return f"the value of the tag {shown(key)} is not text", QUOTE
    if _is_too_long(value, schema):
        return _too_long(f"the value of the tag {shown(key)}", value, schema)
    if value in (None, "") and "maxLength" in schema:
        return f"the tag {shown(key)} has no value", "write it, or remove the tag"
    stripped = " ".join(value.split()) if isinstance(value, str) else ""
    fix = f'write "{stripped}"' if 0 < len(stripped) <= 60 else None
    takes = _TAG_VALUE if "maxLength" in schema else EXPECTED["pattern"]
    return f"the value of a tag is {_filled(takes, schema)}, not {_named(value)}", fix


def wrong_tag_key(key: str, schema: Schema) -> tuple[str, str | None]:
    """Word a key that a tag cannot have."""
    if _is_too_long(key, schema):
        return _too_long("the tag's key", key, schema)
    fixed = "-".join(key.replace("=", " ").split())
    message = "the key of a tag has 1 to {maxLength} characters, and neither blanks nor `=`"
    return f"{_filled(message, schema)}: {shown(key)}", f"write {fixed}" if 0 < len(fixed) <= 60 else None


def wrong_prefixes(name: str, value: Any, *, is_item: bool) -> tuple[str, str | None]:
    """Word what an address group cannot hold."""
    if is_item:
        return f"an address group holds prefixes such as 10.0.0.0/8, not {_named(value)}", None
    if value in (None, [], ""):
        return f"the address group {shown(name)} is empty", "add a prefix, or remove it"
    fix = f"write [{yaml_text(value)}]" if isinstance(value, str) and 0 < len(value) <= 60 else None
    return f"an address group is a list of prefixes, not {_named(value)}", fix


def wrong_set_name(kind: str, name: str) -> tuple[str, str | None]:
    """Word a name that an address group or a rule set cannot have."""
    if not name:
        return f"{'an address group' if kind == 'address_groups' else 'a rule set'} needs a name", None
    if len(name) > 255:
        return f"the name of the rule set has {len(name):,} characters, over the limit of 255", "shorten it"
    fixed = "-".join(re.sub(r"[,(){}\[\]]", " ", name).split())
    message = f"the name of a rule set has no blanks, commas or brackets: {shown(name)}"
    return message, f"write {fixed}" if 0 < len(fixed) <= 60 else None


def wrong_rule_set(name: str, value: Any, *, is_item: bool) -> tuple[str, str | None]:
    """Word what a rule set cannot be."""
    if is_item:
        return f"an item of a rule set is {ITEMS['rules']}, not {_named(value)}", None
    if value in (None, [], ""):
        return f"the rule set {shown(name)} is empty", "add a rule, or remove it"
    fix = "write a list: each item begins with `- direction:`" if isinstance(value, dict) else None
    return f"a rule set is a list of rules, not {_named(value)}", fix


def wrong_group_name(name: str) -> tuple[str, str | None]:
    """Say which character or length of a group's name is wrong."""
    if not 3 <= len(name) <= 63:
        many = f"{len(name)} character{'s' if len(name) != 1 else ''}"
        return f"the group's name has {many}; 3 to 63 are allowed", "give it another name"
    for index, char in enumerate(name):
        if not (char.isascii() and (char.isalnum() or char in " ._-")):
            fixed = "".join(part if part.isascii() and (part.isalnum() or part in " ._-") else "-" for part in name)
            message = f"{shown(char)} is not allowed in a group's name (character {index + 1})"
            return f"{message}: letters, digits, blanks, `.`, `_` and `-` are", f"write {fixed.strip(' -._')}"
    if not name[0].isalnum():
        return (
            f"a group's name begins with a letter or a digit, not with {shown(name[0])}",
            f"write {name.lstrip(' -._')}",
        )
    ending = "ends with a letter, a digit, `.` or `_`"
    return f"a group's name {ending}, not with {shown(name[-1])}", f"write {name.rstrip(' -')}"


def _filled(text: str, schema: Schema) -> str:
    *others, last = schema["enum"] or [""]
    return text.format_map({**schema, "either": f"{', '.join(others)} or {last}" if others else last})


def _is_too_long(value: Any, schema: Schema) -> bool:
    return isinstance(value, str) and len(value) > schema.get("maxLength", len(value))


def _too_long(what: str, value: str, schema: Schema) -> tuple[str, str | None]:
    return f"{what} has {len(value):,} characters, over the limit of {schema['maxLength']}", "shorten it"


def _named(value: Any) -> str:
    if isinstance(value, str):
        return f"the text {shown(value)}" if value else "an empty text"
    return shown(value) if value is not None else "null"

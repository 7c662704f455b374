"""The words for what a schema finds: what each key takes, and what to write instead.

Limits and words are those of `schema`, the part of the schema that refused the value; its `enum` holds the words of all
alternatives.
"""

import re
from collections.abc import Container, Mapping, Sequence
from typing import Any

from reconciler.loading.issues import QUOTE, yaml_text
from reconciler.model.cloud import MAX_PORT
from reconciler.model.text import closest, did_you_mean, shown

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

_WITHOUT = {
    "rules": "write `rules: []` for no rules, or leave the key out",
    "tags": "write `tags: {}` for no tags, or leave the key out",
    "security_groups": "write `security_groups: []` for no groups, or leave the key out",
    "description": 'write `description: ""` for none, or leave the key out',
}
_OTHER_NAMES = {
    "cidr": "remote_ip_prefix",
    "cidr_blocks": "remote_ip_prefixes",
    "source": "remote_ip_prefix",
    "destination": "remote_ip_prefix",
    "source_group": "remote_group",
    "source_security_group": "remote_group",
    "source_security_group_id": "remote_group_id",
    "destination_security_group": "remote_group",
    "remote_security_group": "remote_group",
    "remote_security_group_id": "remote_group_id",
    "remote_group_name": "remote_group",
    "referenced_security_group": "remote_group",
    "referenced_security_group_id": "remote_group_id",
    "group": "remote_group",
    "remote_ip": "remote_ip_prefix",
    "remote_ips": "remote_ip_prefixes",
    "remote_cidr": "remote_ip_prefix",
    "destination_ip_prefix": "remote_ip_prefix",
    "address_group": "remote_address_group",
    **dict.fromkeys(("fromport", "port_min", "min_port"), "port_range_min"),
    **dict.fromkeys(("toport", "port_max", "max_port"), "port_range_max"),
    "ip_protocol": "protocol",
    "ip protocol": "protocol",
    "ip range": "remote_ip_prefix",
    "ip_range": "remote_ip_prefix",
    "port range": "ports",
    "port_range": "ports",
    "from_port": "port_range_min",
    "to_port": "port_range_max",
    "remote security group": "remote_group_id",
    "remote address group": "remote_address_group",
    "remote_address_group_id": "remote_address_group",
    "ether type": "ethertype",
    "port": "ports",
    "rule_set": "use",
    "include": "use",
    "rule": "rules",
    "security_group_rules": "rules",
    "security_group": "security_groups",
    "groups": "security_groups",
}
_LEFT_OUT = {
    "security group": "leave it out: the group in whose `rules` this stands is the one",
    "security_group": "leave it out: the group in whose `rules` this stands is the one",
    "remote_mode": "leave it out: which of the remote's keys is there says it",
    **dict.fromkeys(
        ("id", "tenant_id", "normalized_cidr", "belongs_to_default_sg", "standard_attr_id", "self", "shared",
         "stateful", "region", "properties", "type"),
        "leave it out: the file has no such thing here",
    ),
}  # fmt: skip
"""Keys by which OpenStack says what a rule or group of ours does not say, in lower case."""
_NO_SUCH_RULE = {
    "self": "use `remote_group` with the name of this group",
    **dict.fromkeys(
        ("sport", "src_port", "source_port", "source_ports"),
        "a rule cannot ask for ports of the source; `ports` are those of the destination",
    ),
    **dict.fromkeys(
        ("action", "access", "effect", "verdict"), "every rule allows: remove rules that deny, leave this out of others"
    ),
}
"""What to do about keys that narrow a rule of other tools, in lower case: without them the rule means another thing."""
_REMOTES = ("remote_ip_prefix", "remote_ip_prefixes", "remote_address_group", "remote_group", "remote_group_id")
_TEMPLATES = {
    **dict.fromkeys(
        ("heat_template_version", "resources"),
        "this is a template of Heat: write the `properties` of each group as an item of `security_groups:`",
    ),
    **dict.fromkeys(("rules", "name", "security_group_rules", "rule"), "begin with `security_groups:`"),
}
"""What to do about the keys of a document that is another tool's, or a part of one."""
_OTHER_WORDS = {
    "protocol": {"ping": "icmp", "all": "any", "*": "any", "-1": "any", "icmp6": "icmpv6", "ip": "any"},
    "direction": {
        **dict.fromkeys(("in", "inbound", "incoming", "input", "from"), "ingress"),
        **dict.fromkeys(("out", "outbound", "outgoing", "output", "to"), "egress"),
    },
}
"""What other tools call the words of a key."""
_SERVICES = {"ssh": 22, "smtp": 25, "dns": 53, "http": 80, "ntp": 123, "https": 443, "mysql": 3306, "rdp": 3389}
_SERVICES |= {"postgres": 5432, "postgresql": 5432, "redis": 6379}
"""Ports of services that people write for a port or a protocol."""
_SEVERAL = re.compile(r"[,/|]|\band\b")
_PORT = re.compile(r"0*([0-9]{1,5})(?:[-:\u2013/]+0*([0-9]{1,5}))?").fullmatch
_MISSING = {
    "direction": "add `direction: ingress` or `direction: egress`",
    "name": "add `name:`; an `id` alone does not name a group",
    "policy": "add `policy:` with the name that the plan shows in brackets",
    "reason": "add `reason:`, for those who review it",
    "until": "add `until:`, the last day on which it holds",
    "group": "add `group:`, a group's name or a glob",
}
_NUMBERS = {
    "project_id", "region_id", "ports", "port_range_min", "port_range_max", "icmp_type", "icmp_code",
    "max_ports", "warn_days", "ipv4", "ipv6",
}  # fmt: skip
"""Keys that take a number."""
_ALL = {
    "ports": "write 1-65535 if every port is meant, or leave the key out",
    **dict.fromkeys(("icmp_type", "icmp_code"), "leave the key out if all are meant"),
    **dict.fromkeys(("port_range_min", "port_range_max"), "write null if all are meant, or leave the key out"),
}
"""What to write instead of the 0 or -1 that means everything to other tools."""


def unknown_key(
    key: str,
    known: Sequence[str],
    siblings: Container[str],
    at_the_head: Container[str],
    ignored: Container[str] = (),
) -> tuple[str, str | None]:
    """Word a key that the format does not have here; `at_the_head` are those that a document has.

    Keys that are `ignored` are never suggested: whoever took the suggestion would write a rule without that part.
    Nor is another one where one of those is the likest, or where the key denies.
    """
    other = _OTHER_NAMES.get(key) or _OTHER_NAMES.get(key.lower())
    if "security_groups" in known and key in _TEMPLATES:
        return f"unknown key {shown(key)}", _TEMPLATES[key]
    if "remote_group" in known and (fix := _fix_narrowing(key.lower(), siblings)):
        return f"unknown key {shown(key)}", fix
    if "security_groups" not in known and key.lower() in _LEFT_OUT:
        return f"unknown key {shown(key)}", _LEFT_OUT[key.lower()]
    if key in at_the_head:
        return f"unknown key {shown(key)}", "it belongs at the head of the document"
    if other in known:
        return f"unknown key {shown(key)}", f"did you mean `{other}`?"
    near = [name for name in known if name not in siblings]
    is_ignored = closest(key, near) in ignored or key.lower().startswith(("not_", "no_", "except_", "exclude_"))
    return f"unknown key {shown(key)}", None if is_ignored else did_you_mean(key, near)


def _fix_narrowing(key: str, siblings: Container[str]) -> str | None:
    """Say what to do about a key of a rule that another tool narrows it by; leaving it out would open the rule."""
    if key in _NO_SUCH_RULE:
        return _NO_SUCH_RULE[key]
    if any(way in siblings for way in _REMOTES):
        return None
    if key in ("security group", "security_group"):
        return "use `remote_group` if it is the remote: without one, the rule is for every address"
    return "did you mean `remote_ip_prefix`?" if key == "normalized_cidr" else None


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


def key_of_a_rule(key: str) -> tuple[str, str | None]:
    """Word a key of a rule, or of what stands for rules, that is written beside the attributes of a group."""
    return f"unknown key {shown(key)}", "write it into an item of the list `rules`"


def missing_key(key: str) -> tuple[str, str | None]:
    """Word a key that has to be there."""
    return f"`{key}` is missing", _MISSING.get(key)


def wrong_value(key: str, value: Any, schema: Schema, *, is_item: bool) -> tuple[str, str | None]:
    """Word a value that its key does not take."""
    if value is None and not is_item:
        without = f"leave the key out; it takes {_filled(EXPECTED[key], schema)}"
        return f"`{key}` has no value", _WITHOUT.get(key, without)
    if value == {} and key == "targets":
        return "this target names neither a project nor a region", "add one, or remove the entry"
    if value == {} and key == "ignore_rules":
        return "this entry would match every rule", "say which rules are others'; without `rules`, all are left alone"
    if value == [] and not is_item and key in ITEMS:
        return f"the list of `{key}` is empty", "leave the key out if nothing is meant"
    if _is_too_long(value, schema):
        return _too_long("the description" if key == "description" else f"`{key}`", value, schema)
    takes = f"an item of `{key}` is {ITEMS[key]}" if is_item and key in ITEMS else f"`{key}` takes {EXPECTED[key]}"
    return f"{_filled(takes, schema)}, not {_named(value)}", _fix(key, value, schema, is_item=is_item)


def wrong_policy(name: str, value: Any, schema: Schema) -> tuple[str, str | None]:
    """Word what a policy cannot be."""
    if name in ("must_allow", "must_deny"):
        return wrong_value(name, value, schema, is_item=False)
    what = shown(value) if value is not None else "nothing"
    if not schema["enum"]:
        return f"`{name}` takes a mapping with its settings, not {what}", None
    takes = "one" if name in ("mass_delete", "mass_rewrite", "smtp_egress") else "one, or a mapping with its settings"
    return _filled(f"the level of a policy is {{either}}; `{name}` takes {takes}", schema) + f", not {what}", None


def wrong_tag(key: str, value: Any, schema: Schema) -> tuple[str, str | None]:
    """Word a value that a tag cannot have."""
    if isinstance(value, bool | int | float):
        return f"the value of the tag {shown(key)} is not text", QUOTE
    if _is_too_long(value, schema):
        return _too_long(f"the value of the tag {shown(key)}", value, schema)
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
    if value in (None, []):
        return f"the address group {shown(name)} is empty", "add a prefix, or remove it"
    fix = f"write [{yaml_text(value)}]" if isinstance(value, str) and len(value) <= 60 else None
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
    if value in (None, []):
        return f"the rule set {shown(name)} is empty", "add a rule, or remove it"
    fix = "begin each rule with `- direction:`" if isinstance(value, dict) else None
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


def _fix(key: str, value: Any, schema: Schema, *, is_item: bool) -> str | None:
    """Guess what was meant. What is to be written stands behind `write`, and is right as it stands."""
    if isinstance(value, str) and len(value) <= 60:
        if schema["enum"]:
            return _fix_word(key, value, schema["enum"])
        return _fix_ports(value, is_item=is_item) if key == "ports" else _fix_text(key, value, schema)
    if key in ("security_groups", "rules") and isinstance(value, dict) and not is_item:
        first = (
            "name" if key == "security_groups" else next((each for each in WHOLE_RULES if each in value), "direction")
        )
        return f"write a list: each item begins with `- {first}:`"
    return _fix_number(key, value, schema) if isinstance(value, int | float) and not isinstance(value, bool) else None


def _fix_number(key: str, value: Any, schema: Schema) -> str | None:
    if key in {"project", "region"}:
        return f"use `{key}_id` for its number, or quote a name"
    if key in {"owner", "name", "previous_name", "remote_group", "description", "use", "remote_address_group"}:
        return QUOTE
    if key == "protocol" and isinstance(value, int):
        return QUOTE if 0 <= value <= 255 else "write any" if value == -1 else None
    if isinstance(value, float):
        return f"write {int(value)}" if value.is_integer() and _is_in_range(key, int(value), schema) else None
    return _ALL.get(key) if value in (0, -1) else None


def _fix_word(key: str, value: str, words: Sequence[str]) -> str | None:
    other = _OTHER_WORDS.get(key, {}).get(value.lower())
    word = other if other in words else closest(value, words)
    if key == "protocol" and (port := _SERVICES.get(value.lower())):
        return f"write tcp or udp: this is a service, on port {port}"
    if key == "protocol" and _SEVERAL.search(value):
        return "make a rule for each protocol"
    if word is None:
        return "make a rule for each direction" if key == "direction" else None
    is_sure = word == other or word.lower() == value.lower()
    return f"write {word}" if is_sure else f"did you mean `{word}`?"


def _fix_ports(value: str, *, is_item: bool) -> str | None:
    """Read ports as other tools write them: `80,443`, `8000:8099`, `0-65535`, `any`."""
    if value.strip().lower() in ("any", "all", "*", "-1", "0", "0-0"):
        return _ALL["ports"]
    if port := _SERVICES.get(value.strip().lower()):
        return f"write {port}"
    read = [_read_ports(part) for part in value.replace(" ", "").removesuffix(",").split(",")]
    ports = [port for port in read if port]
    if not ports or len(ports) < len(read):
        return None
    if len(ports) == 1:
        return f"write {ports[0]} without the quotes" if ports[0] == value else f"write {ports[0]}"
    text = ", ".join(ports)
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


def _fix_text(key: str, value: str, schema: Schema) -> str | None:
    if value.isascii() and value.isdigit() and key in _NUMBERS and _is_in_range(key, int(value), schema):
        return f"write {int(value)} without the quotes"
    if key in {"project_id", "region_id"}:
        return f"use `{key.removesuffix('_id')}` for a name"
    if key == "prevent_destroy":
        return f"write {value.lower()} without the quotes" if value.lower() in {"true", "false"} else None
    if key == "remote_ip_prefixes":
        return f"write [{yaml_text(value)}], or use `remote_ip_prefix`"
    if key in {"rules", "security_groups"} and value.lower() in {"none", "null", "empty", "no"}:
        return _WITHOUT[key]
    return "use `remote_group` for a group's name" if key == "remote_group_id" else None


def _is_in_range(key: str, number: int, schema: Schema) -> bool:
    least, most = (1, MAX_PORT) if key == "ports" else (schema.get("minimum", 0), schema.get("maximum", 10**18))
    return key in _NUMBERS and least <= number <= most

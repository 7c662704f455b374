"""A case for every kind of problem: what is wrong, where, and under which name. `make renew-golden` runs this file.

The words of each are in `tests/loading/problems.golden`; what changed in them is to be read there, as a difference.
In the texts, the sign § stands before the character that the issue has to point at.
"""

import difflib
import sys
import tempfile
from collections import OrderedDict
from collections.abc import Callable, Iterator, Sequence
from contextlib import chdir
from datetime import date
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

from build import BASE_URL, CREATED_AT, TARGET, live_group, uuid
from click.testing import CliRunner

from reconciler.cli.refresh import command as refresh
from reconciler.config.config import load_config
from reconciler.loading.list_lock import LockedList, lock_text
from reconciler.loading.lists import ListSource
from reconciler.loading.load import Defaults, PlainDocument, load
from reconciler.loading.names import resolve_names
from reconciler.loading.walk import LOCK_NAME
from reconciler.model.errors import InputError, Issue
from reconciler.model.live import OWNER_TAG, Directory, LiveGroup, Tag
from reconciler.model.place import position_of
from reconciler.model.text import printable
from reconciler.planning.plan import PlanOptions
from reconciler.workflow import make_plan

GOLDEN = Path(__file__).parents[1] / "loading" / "problems.golden"
FILE = "bad.yaml"
HEAD = "project_id: 1\nregion_id: 7\n"
IN_A_RULE = (
    HEAD + "address_groups:\n  office: [10.0.0.0/8, 2001:db8::/32]\nsecurity_groups:\n  - name: web\n    rules:\n"
)
ID = "00000000-0000-4000-8000-00000000000a"
IN_A_GROUP = HEAD + "security_groups:\n  - "

YAML = {
    "base 60": ("a: §22:30", "ambiguous-value"),
    "base 60, three parts": ("a: §1:22:30", "ambiguous-value"),
    "octal": ("a: §010", "ambiguous-value"),
    "hexadecimal": ("a: §0x1f", "ambiguous-value"),
    "binary": ("a: §0b11", "ambiguous-value"),
    "underscores": ("a: §1_000", "ambiguous-value"),
    "on": ("a: §on", "ambiguous-value"),
    "no": ("a: §No", "ambiguous-value"),
    "date": ("a: §2024-01-31", "date-for-text"),
    "equals sign": ("a: §=", "ambiguous-value"),
    "number to YAML 1.2 only": ("a: §1e3", "ambiguous-value"),
    "number with a leading zero": ("a: §08", "ambiguous-value"),
    "endless number": (f"a: §{'9' * 5000}", "number-too-large"),
    "merge as a value": ("a: §<<", "ambiguous-value"),
    "key that is no text": ("§80: a", "key-not-text"),
    "key that is a boolean": ("§on: a", "ambiguous-value"),
    "key that is null": ("? §~\n: a", "key-not-text"),
    "key that is a list": ("? §[a]\n: b", "key-not-text"),
    "key that is a mapping": ("? §{a: 1}\n: b", "key-not-text"),
    "duplicate key": ("a: 1\nb: 2\n§a: 3", "duplicate-key"),
    "two merges": ("a: &a {x: 1}\nb:\n  <<: *a\n  §<<: *a", "duplicate-key"),
    "merge conflict": (
        "a:\n§<<<<<<< HEAD\n  b: 1\n  c: 2\n||||||| 1234567\n=======\n  b: 2\n>>>>>>> feature/x\n",
        "merge-conflict",
    ),
    "merge conflict that is YAML": ("a: [\n§<<<<<<< HEAD\n1,\n2\n=======\n3\n>>>>>>> feature\n]", "merge-conflict"),
    "colon at the beginning of a list": ("a: [§::/0, 10.0.0.0/8]", "yaml-syntax"),
    "colon in a list": ("a: [10.0.0.0/8, §::1/128]", "yaml-syntax"),
    "template of Helm or Jinja": ("a: §{{ .Values.a }}", "key-not-text"),
    "loop of a template": ("a:\n{§% for b in c %}\n  - b", "yaml-syntax"),
    "merge of text": ("a:\n  <<: §b", "wrong-merge"),
    "python tag": ("a: §!!python/object/apply:os.system [ls]", "tag-not-allowed"),
    "own tag": ("a: §!vault abc", "tag-not-allowed"),
    "tag that lies": ("a: §!!int abc", "wrong-type-tag"),
    "tab": ("a:\n§\tb: 1", "tab-indent"),
    "a blank that is none, in front": ("a:\n§\u00a0 - b: 1\n    c: 2", "yaml-syntax"),
    "a blank that is none, behind a colon": ("a: 1\nb:§\u00a0c\nd: 2", "yaml-syntax"),
    "a mark of byte order within": ("a: 1\n§\ufeffb: 2\n", "yaml-syntax"),
    "a colon that is none": ("a:\n  - b§\uff1ac\n    d: 1", "yaml-syntax"),
    "an item without a blank": ("a:\n  - b: 1\n  §-c: 2", "yaml-syntax"),
    "two colons": ("a: b§: c", "yaml-syntax"),
    "text that begins with @": ("a: §@b", "yaml-syntax"),
    "unclosed list": ("a: [b\nc§: d", "not-closed"),
    "unclosed mapping": ("a: {b: c\nd§: e", "not-closed"),
    "unclosed quotes": ('a: "b§', "not-closed"),
    "wrong indentation": ("a:\n  - b\n §c: d", "yaml-syntax"),
    "unknown alias": ("a: §*b", "unknown-alias"),
    "anchor twice": ("a: &x 1\nb: §&x 2", "anchor-twice"),
    "recursive alias": ("a: §&x [*x]", "recursive"),
    "alias bomb": (
        "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n"
        + "".join(f"a{n + 1}: {'§' * (n == 4)}&a{n + 1} [{', '.join([f'*a{n}'] * 10)}]\n" for n in range(9)),
        "too-large",
    ),
    "nested too deep": ("[" * 31 + "§" + "[" * 100_000, "too-deep"),
    "nested too deep, in blocks": ("- " * 31 + "§" + "- " * 100_000, "too-deep"),
    "too wide": ("§" + "- a\n" * 100_001, "too-large"),
    "NUL": ("a: b§\0", "control-character"),
    "control character": ("a: b\nc: \u00e9§\x1b[31m", "control-character"),
    "a line break that no diff shows": ("a: b # as before§\u2028c: d", "hidden-break"),
    "a carriage return alone": ("a: b # as before§\rc: d", "hidden-break"),
}

DOCUMENT = {
    "flag against head": ("project_id: §1\nregion_id: 7\nsecurity_groups: []", "contradicts-flag"),
    "name against flag": ("project: §production\nregion_id: 7\nsecurity_groups: []", "contradicts-flag"),
    "a number for a project's name": ("project: §1337\nregion_id: 7\nsecurity_groups: []", "wrong-value"),
    "a region's name for its number": ("project_id: 1\nregion_id: §Luxembourg-2\nsecurity_groups: []", "wrong-value"),
    "name in the head of no use": (
        "§project: a\ntargets: [{project_id: 1, region_id: 7}]\nsecurity_groups: []",
        "unused-head",
    ),
    "a name twice": (
        "project: a\ntargets: [{region: x}, §{region: x}]\nsecurity_groups: []",
        "target-twice",
    ),
    "flag against target": ("project_id: 1\ntargets: [{region_id: §7}]\nsecurity_groups: []", "contradicts-flag"),
    "too many groups": (
        "§targets:\n"
        + "".join(f"- {{project_id: 1, region_id: {n + 1}}}\n" for n in range(400))
        + "security_groups:\n"
        + "".join(f"- name: web-{n}\n" for n in range(300)),
        "too-many-groups",
    ),
    "policies twice": ("policies: {}\n---\n§policies: {}", "policies-twice"),
    "no regular expression": ('policies: {rule_description: {pattern: §"("}}', "not-a-regex"),
    "empty": ("", "no-document"),
    "comments only": ("# nothing\n", "no-document"),
    "no mapping": ("§- a", "not-a-mapping"),
    "rules of OpenStack's client": ('§[{"ID": "a", "IP Protocol": "tcp", "IP Range": "0.0.0.0/0"}]', "not-a-mapping"),
    "a template of Heat": ("§resources: {}\nsecurity_groups: []", "unknown-key"),
    "neither groups nor address groups": (f"§{HEAD}", "nothing-desired"),
    "unknown key": ("§regoin_id: 7\nsecurity_groups: []", "unknown-key"),
    "project as text": ('project_id: §"1"\nsecurity_groups: []', "wrong-value"),
    "project zero": ("project_id: §0\nsecurity_groups: []", "wrong-value"),
    "project as a fraction": ("project_id: §1.0\nsecurity_groups: []", "wrong-value"),
    "region true": ("region_id: §true\nsecurity_groups: []", "wrong-value"),
    "no project": ("region_id: 7\n§security_groups: []", "missing-target"),
    "no region": ("project_id: 1\n§security_groups: []", "missing-target"),
    "no targets": ("targets: §[]\nsecurity_groups: []", "empty"),
    "empty target": (f"{HEAD}targets: [§{{}}]\nsecurity_groups: []", "empty"),
    "target twice": (f"{HEAD}targets: [{{region_id: 7}}, §{{project_id: 1}}]\nsecurity_groups: []", "target-twice"),
    "head that every target overrides": (
        "§project_id: 1\ntargets: [{project_id: 2, region_id: 7}]\nsecurity_groups: []",
        "unused-head",
    ),
    "no groups": (HEAD + "§security_groups:", "no-value"),
    "owner as a number": (HEAD + "owner: §5\nsecurity_groups: []", "wrong-value"),
    "address group as text": ("address_groups: {a: §10.0.0.0/8}", "wrong-value"),
    "empty address group": ("address_groups: {a: §[]}", "empty"),
    "address group of numbers": ("address_groups: {a: [§5]}", "wrong-value"),
    "host bits in an address group": ("address_groups: {a: [§10.0.0.1/8]}", "host-bits"),
    "address group twice": (
        "address_groups: {a: [10.0.0.0/8]}\n---\naddress_groups: {§a: [10.0.0.0/9]}",
        "address-group-twice",
    ),
    "rule set as text": ("rule_sets: {a: §b}", "wrong-value"),
    "rule set as a mapping": ("rule_sets: {a: §{direction: egress}}", "wrong-value"),
    "empty rule set": ("rule_sets: {a: §[]}", "empty"),
    "rule set without a name": ('rule_sets: {§"": [{direction: egress}]}', "empty"),
    "rule set with a blank in its name": ("rule_sets: {§a b: [{direction: egress}]}", "wrong-name"),
    "rule set twice": (
        "rule_sets: {a: [{direction: egress}]}\n---\nrule_sets: {§a: [{direction: egress}]}",
        "rule-set-twice",
    ),
    "rule set of itself": ("rule_sets: {a: [{use: §a}]}", "rule-set-of-itself"),
    "rule sets in a circle": ("rule_sets: {a: [{use: b}], b: [{use: [§a]}]}", "rule-set-of-itself"),
    "a wrong rule of a rule set, used twice": (
        HEAD + "rule_sets:\n  a: [{direction: §in}]\n  b: [{use: a}]\n"
        "security_groups:\n  - {name: web, rules: [{use: a}]}\n  - {name: app, rules: [{use: [b, a]}]}\n",
        "wrong-value",
    ),
    "251 rules of a rule set": (
        "rule_sets:\n  §a: [{direction: ingress, protocol: tcp, ports: ["
        + ", ".join(str(port) for port in range(1, 252))
        + "]}]",
        "too-many-rules",
    ),
    "251 rules, most of them of a rule set": (
        HEAD
        + "rule_sets:\n  a: [{direction: ingress, protocol: tcp, ports: ["
        + ", ".join(str(port) for port in range(1, 251))
        + "]}]\nsecurity_groups:\n  - name: web\n    §rules: [{use: a}, {direction: egress}]",
        "too-many-rules",
    ),
    "a rule of a rule set with another description": (
        HEAD + "rule_sets: {a: [{direction: egress, description: out}]}\n"
        "security_groups:\n  - {name: web, rules: [{use: a}, §{direction: egress}]}",
        "same-rule-twice",
    ),
    "two rule sets that contradict each other, used together twice": (
        HEAD + "rule_sets: {a: [{direction: egress, description: out}], b: [{direction: egress}]}\n"
        "security_groups:\n  - {name: web, rules: [§{use: [a, b]}]}\n  - {name: app, rules: [{use: [a, b]}]}",
        "same-rule-twice",
    ),
    "a rule of others in a rule set, used twice": (
        HEAD + "rule_sets: {a: [{direction: egress}]}\nignore_rules: [{direction: egress}]\n"
        "security_groups:\n  - {name: web, rules: [§{use: a}]}\n  - {name: app, rules: [{use: a}]}",
        "ignored-rule",
    ),
    "the name of a rule set as a rule": (
        HEAD + "rule_sets: {a: [{direction: egress}]}\nsecurity_groups: [{name: web, rules: [§a]}]",
        "not-a-mapping",
    ),
    "a number as the name of a rule set": (
        HEAD + 'rule_sets: {"80": [{direction: egress}]}\nsecurity_groups: [{name: web, rules: [{use: [§80]}]}]',
        "wrong-value",
    ),
}

GROUP = {
    "id in several targets": (
        f"{{name: web, §id: {ID}}}\ntargets: [{{region_id: 7}}, {{project_id: 2}}]",
        "id-in-several-targets",
    ),
    "no name": ("§description: x", "missing-key"),
    "name null": ("§name:", "no-value"),
    "name too short": ("name: §w", "wrong-name"),
    "name too long": (f"name: §{'w' * 64}", "wrong-name"),
    "letter in a name": ("name: §web/1", "wrong-name"),
    "first letter of a name": ("name: §-web", "wrong-name"),
    "last letter of a name": ("name: §web-", "wrong-name"),
    "name with a line break": ('name: §"web\\n"', "wrong-name"),
    "id that is none": ("{name: web, id: §5f}", "wrong-value"),
    "API's name for rules": ("{name: web, §security_group_rules: []}", "unknown-key"),
    "owner of a group": ("{name: web, §owner: me}", "unknown-key"),
    "a use beside the name": ("{name: web, §use: a}", "unknown-key"),
    "a key of a rule beside the name": ("{name: web, §direction: ingress}", "unknown-key"),
    "a use in place of the list": ("{name: web, rules: §{use: a}}", "wrong-value"),
    "rules null": ("{name: web, §rules: }", "no-value"),
    "tags null": ("{name: web, §tags: null}", "no-value"),
    "tag as a number": ("{name: web, tags: {a: §1}}", "wrong-tag"),
    "tag as a version": ("{name: web, tags: {a: §1.10}}", "wrong-tag"),
    "tag as an octal number": ("{name: web, tags: {a: §010}}", "ambiguous-value"),
    "description as a boolean of YAML 1.1": ("{name: web, description: §on}", "ambiguous-value"),
    "template in a name": ("name: §web-{{ env }}", "wrong-name"),
    "tag as a boolean": ("{name: web, tags: {a: §true}}", "wrong-tag"),
    "tag with a blank at its end": ('{name: web, tags: {a: §"b "}}', "wrong-tag"),
    "tag key with a blank": ("{name: web, tags: {§a b: c}}", "wrong-tag"),
    "long tag": (f"{{name: web, tags: {{a: §{'b' * 256}}}}}", "wrong-tag"),
    "owner tag by hand": ("{name: web, tags: {§sgctl-owner: me}}", "owner-tag"),
    "prevent_destroy as text": ('{name: web, prevent_destroy: §"true"}', "wrong-value"),
    "previous name is the name": ("{name: web, previous_name: §web}", "previous-name-same"),
    "rename of default": ("{name: web, previous_name: §default}", "default-renamed"),
    "rename to default": ("{name: default, previous_name: §web}", "default-renamed"),
    "group twice": ("name: web\n  - §name: web", "group-twice"),
    "id twice": (f"{{name: web, id: {ID}}}\n  - §{{name: app, id: {ID.upper()}}}", "group-twice"),
    "previous name that is a group": ("name: web\n  - §{name: app, previous_name: web}", "previous-name-taken"),
    "previous name twice": (
        "{name: web, previous_name: old}\n  - §{name: app, previous_name: old}",
        "previous-name-taken",
    ),
    "a match of every rule": ("{name: web, ignore_rules: [§{}]}", "empty"),
    "a match with an unknown key": ("{name: web, ignore_rules: [{§remote_ip_prefix: 10.0.0.0/8}]}", "unknown-key"),
    "a match of ports without a protocol that has any": (
        "{name: web, ignore_rules: [{§ports: 22, protocol: icmp}]}",
        "no-ports",
    ),
    "51 matches": (
        f"{{name: web, §ignore_rules: [{', '.join(['{direction: egress}'] * 51)}]}}",
        "too-many-ignore-rules",
    ),
    "a written rule of others": (
        '{name: web, ignore_rules: [{description: "k8s-*"}], rules: [§{direction: ingress, description: k8s-1}]}',
        "ignored-rule",
    ),
    "251 rules": (
        "name: web\n    §rules: [{direction: ingress, protocol: tcp, ports: ["
        + ", ".join(str(port) for port in range(1, 252))
        + "]}]",
        "too-many-rules",
    ),
    "a rule beyond counting": (
        "name: web\n    §rules: [{direction: ingress, protocol: tcp, ports: ["
        + ", ".join(str(port) for port in range(1, 3001))
        + "], remote_ip_prefixes: ["
        + ", ".join(f"10.0.{number >> 8}.{number & 255}" for number in range(3000))
        + "]}]",
        "too-many-rules",
    ),
}

RULE = {
    "prefix left empty": ("direction: ingress\n        §remote_ip_prefix:", "no-value"),
    "protocol left empty, in flow style": ("{direction: ingress, §protocol: }", "no-value"),
    "another tool's name for a group": ("{direction: ingress, §source_security_group: app}", "unknown-key"),
    "a key of OpenStack's client": ("{direction: ingress, §IP Range: 10.0.0.0/8}", "unknown-key"),
    "a key of OpenStack that says nothing here": ("{direction: ingress, §remote_mode: any}", "unknown-key"),
    "a key like one that is ignored": ("{direction: ingress, §security_grup_id: app}", "unknown-key"),
    "rule of another group": (
        "\n      - ".join(
            [
                f"{{direction: ingress, security_group_id: {ID}}}",
                f"{{direction: egress, §security_group_id: {ID[:-1]}b}}",
            ]
        ),
        "rule-of-another-group",
    ),
    "another tool's remote": ("{direction: ingress, §security_group_id: enp1}", "wrong-value"),
    "no such day": ("{direction: ingress, expires: §2026-02-30}", "no-such-date"),
    "no mapping": ("§tcp", "not-a-mapping"),
    "no direction": ("§{protocol: tcp}", "missing-key"),
    "direction null": ("{§direction: null}", "no-value"),
    "wrong direction": ("{direction: §inress}", "wrong-value"),
    "capital direction": ("{direction: §Ingress}", "wrong-value"),
    "unknown key": ("{direction: ingress, §remote_ip_prefx: 10.0.0.0/8}", "unknown-key"),
    "port for ports": ("{direction: ingress, protocol: tcp, §port: 80}", "unknown-key"),
    "cidr": ("{direction: ingress, §cidr: 10.0.0.0/8}", "unknown-key"),
    "ethertype in small letters": ("{direction: ingress, ethertype: §ipv4}", "wrong-value"),
    "empty ethertype": ("{direction: ingress, ethertype: §[]}", "empty"),
    "unknown protocol": ("{direction: ingress, protocol: §tpc}", "wrong-value"),
    "capital protocol": ("{direction: ingress, protocol: §TCP}", "wrong-value"),
    "all protocols": ("{direction: ingress, protocol: §all}", "wrong-value"),
    "star protocol": ("{direction: ingress, protocol: §'*'}", "wrong-value"),
    "icmp6": ("{direction: ingress, protocol: §icmp6}", "wrong-value"),
    "protocol as a number": ("{direction: ingress, protocol: §6}", "wrong-value"),
    "protocol beyond numbers": ("{direction: ingress, protocol: §'256'}", "wrong-value"),
    "ports without protocol": ("{direction: ingress, §ports: 80}", "no-ports"),
    "ports of a protocol without": ("{direction: ingress, protocol: gre, §ports: 80}", "no-ports"),
    "ports of icmp": ("{direction: ingress, protocol: icmp, §ports: 8}", "no-ports"),
    "ports null": ("{direction: ingress, protocol: tcp, §ports: null}", "no-value"),
    "no ports": ("{direction: ingress, protocol: tcp, ports: §[]}", "empty"),
    "ports in one text": ("{direction: ingress, protocol: tcp, ports: §'80,443'}", "wrong-value"),
    "ports in one text of a list": ("{direction: ingress, protocol: tcp, ports: [§'80, 8000:8099']}", "wrong-value"),
    "all ports as -1": ("{direction: ingress, protocol: tcp, ports: §-1}", "wrong-value"),
    "all ports as another tool has them": ("{direction: ingress, protocol: tcp, ports: §0-65535}", "wrong-value"),
    "no ports as a range": ("{direction: ingress, protocol: tcp, ports: §0-0}", "wrong-value"),
    "all ICMP types as -1": ("{direction: ingress, protocol: icmp, icmp_type: §-1}", "wrong-value"),
    "an end as -1": ("{direction: ingress, protocol: tcp, port_range_min: §-1, port_range_max: 5}", "wrong-value"),
    "every port from zero": (
        "{direction: ingress, protocol: tcp, port_range_min: §0, port_range_max: 0}",
        "out-of-range",
    ),
    "inbound": ("{direction: §inbound}", "wrong-value"),
    "both directions": ("{direction: §both}", "wrong-value"),
    "protocol as -1": ("{direction: ingress, protocol: §-1}", "wrong-value"),
    "two protocols": ("{direction: ingress, protocol: §tcp/udp}", "wrong-value"),
    "a variable": ("{direction: ingress, protocol: tcp, ports: §'${PORT}'}", "wrong-value"),
    "an alias of something else": (
        "{direction: &d ingress}\n      - {direction: ingress, protocol: tcp, description: *d, ports: §*d}",
        "wrong-value",
    ),
    "port zero": ("{direction: ingress, protocol: tcp, ports: §0}", "wrong-value"),
    "port too high": ("{direction: ingress, protocol: tcp, ports: [1, §70000]}", "wrong-value"),
    "range too high": ("{direction: ingress, protocol: tcp, ports: §1-70000}", "out-of-range"),
    "range backwards": ("{direction: ingress, protocol: tcp, ports: §90-80}", "backwards-range"),
    "range with a colon": ("{direction: ingress, protocol: tcp, ports: §'8000:8099'}", "wrong-value"),
    "range with blanks": ("{direction: ingress, protocol: tcp, ports: §80 - 90}", "wrong-value"),
    "range in base 60": ("{direction: ingress, protocol: tcp, ports: §22:30}", "ambiguous-value"),
    "port as text": ("{direction: ingress, protocol: tcp, ports: [§'80']}", "wrong-value"),
    "port as a fraction": ("{direction: ingress, protocol: tcp, ports: §80.0}", "wrong-value"),
    "port true": ("{direction: ingress, protocol: tcp, ports: §true}", "wrong-value"),
    "port_range_min as text": ("{direction: ingress, protocol: tcp, port_range_min: §'80'}", "wrong-value"),
    "one end": ("{direction: ingress, protocol: tcp, §port_range_min: 80}", "incomplete-range"),
    "ends backwards": (
        "{direction: ingress, protocol: tcp, port_range_min: §90, port_range_max: 80}",
        "backwards-range",
    ),
    "end zero": ("{direction: ingress, protocol: tcp, port_range_min: §0, port_range_max: 80}", "out-of-range"),
    "ports twice": (
        "{direction: ingress, protocol: tcp, ports: 80, §port_range_min: 80, port_range_max: 80}",
        "exclusive-keys",
    ),
    "icmp type of tcp": ("{direction: ingress, protocol: tcp, §icmp_type: 8}", "not-icmp"),
    "icmp type of anything": ("{direction: ingress, §icmp_type: 8}", "not-icmp"),
    "code without type": ("{direction: ingress, protocol: icmp, §icmp_code: 0}", "incomplete-range"),
    "icmp type too high": ("{direction: ingress, protocol: icmp, icmp_type: §256}", "wrong-value"),
    "icmp type in the API's field": ("{direction: ingress, protocol: icmp, port_range_min: §300}", "out-of-range"),
    "two remotes": ("{direction: ingress, remote_ip_prefix: 10.0.0.0/8, §remote_group: app}", "exclusive-keys"),
    "host bits": ("{direction: ingress, remote_ip_prefix: §10.1.2.3/8}", "host-bits"),
    "host bits of everything": ("{direction: ingress, remote_ip_prefix: §10.1.2.3/0}", "host-bits"),
    "netmask": ("{direction: ingress, remote_ip_prefix: §10.0.0.0/255.0.0.0}", "not-a-prefix"),
    "no prefix": ("{direction: ingress, remote_ip_prefix: §10.0.0.256}", "not-a-prefix"),
    "any prefix": ("{direction: ingress, remote_ip_prefix: §any}", "not-a-prefix"),
    "prefix with a blank": ("{direction: ingress, remote_ip_prefix: §' 10.0.0.0/8'}", "not-a-prefix"),
    "zone": ("{direction: ingress, remote_ip_prefix: §'fe80::1%eth0'}", "not-a-prefix"),
    "empty prefix": ("{direction: ingress, remote_ip_prefix: §''}", "wrong-value"),
    "no prefixes": ("{direction: ingress, remote_ip_prefixes: §[]}", "empty"),
    "prefixes as text": ("{direction: ingress, remote_ip_prefixes: §10.0.0.0/8}", "wrong-value"),
    "second prefix": ("{direction: ingress, remote_ip_prefixes: [10.0.0.0/8, §10.0.0.1/9]}", "host-bits"),
    "unknown address group": ("{direction: ingress, remote_address_group: §ofice}", "unknown-address-group"),
    "unknown rule set": ("{use: §baseline}", "unknown-rule-set"),
    "an address group as a rule set": ("{use: §office}", "unknown-rule-set"),
    "a boolean of YAML 1.1 as a rule set": ("{use: [§on]}", "ambiguous-value"),
    "a key beside a use": ("{use: baseline, §direction: ingress}", "exclusive-keys"),
    "a preset beside a use": ("{§use: baseline, preset: default-egress}", "exclusive-keys"),
    "a use of nothing": ("{use: §[]}", "empty"),
    "no address groups": ("{direction: ingress, remote_address_group: §[]}", "empty"),
    "address groups as a mapping": ("{direction: ingress, remote_address_group: §{a: 1}}", "wrong-value"),
    "a boolean of YAML 1.1 as an address group": (
        "{direction: ingress, remote_address_group: §on}",
        "ambiguous-value",
    ),
    "IPv4 prefix as a group": ("{direction: ingress, remote_group: §10.0.0.0/8}", "wrong-value"),
    "IPv6 prefix as a group": ("{direction: ingress, remote_group: §2001:db8::/32}", "wrong-value"),
    "group id that is none": ("{direction: ingress, remote_group_id: §web}", "wrong-value"),
    "family against prefix": (
        "{direction: ingress, ethertype: IPv6, remote_ip_prefix: §10.0.0.0/8}",
        "ethertype-mismatch",
    ),
    "family against address group": (
        "{direction: ingress, ethertype: IPv4, remote_address_group: §office}",
        "ethertype-mismatch",
    ),
    "family without prefix": (
        "{direction: ingress, ethertype: [IPv4, §IPv6], remote_ip_prefix: 10.0.0.0/8}",
        "ethertype-mismatch",
    ),
    "IPv6 protocol": ("{direction: ingress, protocol: §ipv6-icmp}", "ethertype-mismatch"),
    "IPv6 protocol as IPv4": ("{direction: ingress, ethertype: IPv4, protocol: §ipv6-frag}", "ethertype-mismatch"),
    "IPv6 protocol by number": ("{direction: ingress, protocol: §'58'}", "ethertype-mismatch"),
    "IPv6 protocol with an IPv4 prefix": (
        "{direction: ingress, protocol: §icmpv6, remote_ip_prefix: 10.0.0.0/8}",
        "ethertype-mismatch",
    ),
    "IPv6 protocol as IPv4 with a prefix": (
        "{direction: ingress, ethertype: IPv4, protocol: §icmpv6, remote_ip_prefix: 10.0.0.0/8}",
        "ethertype-mismatch",
    ),
    "long description": (f"{{direction: ingress, description: §{'x' * 256}}}", "wrong-value"),
    "the same rule with another description": (
        "{direction: ingress}\n      - §{direction: ingress, remote_ip_prefix: 0.0.0.0/0, description: all}",
        "same-rule-twice",
    ),
}
FLAGS = {
    "document: flag against head": Defaults(project_id=2),
    "document: name against flag": Defaults(project="staging"),
    "named: flag is another's id": Defaults(project_id=1),
    "named: id is not the flag's": Defaults(project="production"),
    "document: flag against target": Defaults(region_id=8),
}
"""What the command line says in a case; nothing where it is not here."""


def nested(levels: int) -> Any:
    value: Any = []
    for _ in range(levels):
        value = [value]
    return value


def recursive() -> Any:
    group: dict[str, Any] = {"name": "web"}
    group["rules"] = [{"direction": "ingress", "description": group}]
    return {"security_groups": [group]}


def bomb() -> Any:
    value: Any = "x"
    for _ in range(9):
        value = [value] * 10
    return {"security_groups": value}


GROUP_OF_DATA = "data: security_groups[0]"
DATA: dict[str, tuple[Any, str, str]] = {
    "nothing": (None, "data", "not-a-mapping"),
    "a tuple": ({"security_groups": ()}, "data: security_groups", "not-plain-data"),
    "another mapping": (OrderedDict(), "data", "not-plain-data"),
    "an object": ({"security_groups": [object()]}, GROUP_OF_DATA, "not-plain-data"),
    "bytes": ({"security_groups": [{"name": b"web"}]}, f"{GROUP_OF_DATA}.name", "not-plain-data"),
    "a number as a key": ({"security_groups": [], 80: 1}, 'data: ["80"]', "key-not-text"),
    "null as a key": ({"security_groups": [], None: 1}, "data: null", "key-not-text"),
    "true as a key": ({"security_groups": [], True: 1}, "data: true", "key-not-text"),
    "a tuple as a key": ({"security_groups": [], (1,): 1}, "data: tuple", "key-not-text"),
    "not a number": ({"security_groups": [], "project_id": float("nan")}, "data: project_id", "wrong-value"),
    "endless": ({"security_groups": [], "project_id": float("inf")}, "data: project_id", "wrong-value"),
    "true for a number": ({"security_groups": [], "project_id": True}, "data: project_id", "wrong-value"),
    "a fraction for a number": ({"security_groups": [], "project_id": 1.0}, "data: project_id", "wrong-value"),
    "a huge number": ({"security_groups": [], "project_id": 10**5000}, "data: project_id", "number-too-large"),
    "a date for text": (
        {"security_groups": [{"name": "web", "description": date(2030, 1, 1)}]},
        f"{GROUP_OF_DATA}.description",
        "date-for-text",
    ),
    "half a character": ({"security_groups": [{"name": "web\ud800"}]}, f"{GROUP_OF_DATA}.name", "not-utf-8"),
    "half a character in a key": ({"security_groups": [], "\ud800": 1}, 'data: ["\ufffd"]', "not-utf-8"),
    "nested too deep": ({"security_groups": nested(40)}, f"data: security_groups{'[0]' * 30}", "too-deep"),
    "too many": ({"security_groups": [{}] * 100_001}, "data: security_groups", "too-large"),
    "a part of itself": (recursive(), f"{GROUP_OF_DATA}.rules[0].description", "recursive"),
    "a bomb": (bomb(), "data: security_groups[0][0][0][9]", "too-large"),
}
BYTES = {
    "UTF-16": ("security_groups: []".encode("utf-16"), f"{FILE}:1:1", "not-utf-8"),
    "Latin-1": ("a: 1\nb: \u00e4\u00f6 ".encode() + b"\xe4\n", f"{FILE}:2:7", "not-utf-8"),
    "nothing but errors": (
        (HEAD + "security_groups:\n- name: web\n  rules:\n" + "  - {direction: in}\n" * 1002).encode(),
        f"{FILE}:1005:17",
        "more-problems",
    ),
}
PATHS = {
    "a manifest in a folder": ("others", "not-ours"),
    "no such file": ("nowhere.yaml", "not-found"),
    "a folder without files": ("empty", "no-files"),
    "a device": ("/dev/null", "not-readable"),
    "a path that cannot be": ("a\0b", "not-readable"),
}
WEB = "security_groups: [§{name: web, "
RULES = "security_groups: [{name: web, rules: [§{direction: ingress, "
OURS = {OWNER_TAG: "us"}
WEB_LIVE = live_group("web", tags=OURS)
TWINS = [live_group("web"), live_group("web", number=2)]
PRUNE = PlanOptions(prune=True)
LIVE: dict[str, tuple[str, list[LiveGroup], PlanOptions, str]] = {
    "id that is nobody's": (f"{WEB}id: {uuid(9)}, rules: []}}]", [], PlanOptions(), "no-such-id"),
    "a name that two have": (f"{WEB}rules: []}}]", TWINS, PlanOptions(), "several-live"),
    "both names": (
        f"{WEB}previous_name: old, rules: []}}]",
        [WEB_LIVE, live_group("old", number=2)], PlanOptions(), "several-live",
    ),
    "one group for two": (
        f"security_groups: [{{name: www, id: {uuid(1)}}}, §{{name: web, previous_name: old}}]",
        [live_group("web")], PlanOptions(), "same-live-group",
    ),
    "a name that is taken": (
        f"{WEB}id: {uuid(2)}}}]", [WEB_LIVE, live_group("old", number=2)], PlanOptions(), "name-taken",
    ),
    "a rename of default": (
        f"{WEB}id: {uuid(2)}}}]", [live_group("default", number=2)], PlanOptions(), "default-renamed",
    ),
    "a read-only tag": (
        f"{WEB}tags: {{a: b}}}}]",
        [live_group("web", tags=[Tag("a", "c", read_only=True)])], PlanOptions(), "read-only-tag",
    ),
    "a remote group that is nowhere": (
        f"{RULES}remote_group: app}}]}}]", [WEB_LIVE], PlanOptions(), "unknown-remote-group",
    ),
    "an id for the name of a remote group": (
        f"{RULES}remote_group: {uuid(9)}}}]}}]", [WEB_LIVE], PlanOptions(), "unknown-remote-group",
    ),
    "a remote group of two": (
        f"{RULES}remote_group: app}}]}}]",
        [WEB_LIVE, live_group("app", number=2), live_group("app", number=3)], PlanOptions(), "several-live",
    ),
    "a remote group by its old name": (
        f"{RULES}remote_group: old}}]}}, {{name: app, previous_name: old}}]",
        [WEB_LIVE, live_group("old", number=2)], PlanOptions(), "renamed-remote-group",
    ),
    "a remote group twice": (
        RULES.replace("§", "")
        + f"remote_group: app}}, §{{direction: ingress, remote_group_id: {uuid(2)}, description: app}}]}}]",
        [WEB_LIVE, live_group("app", number=2)], PlanOptions(), "same-rule-twice",
    ),
    "a remote group that is left out": (
        f"{RULES}remote_group: app}}]}}, {{name: app, rules: []}}]",
        [WEB_LIVE], PlanOptions(groups=("web",)), "left-out-remote-group",
    ),
    "a remote group that would be pruned": (
        f"owner: us\n{RULES}remote_group: app}}]}}]",
        [live_group("web", tags=OURS), live_group("app", tags=OURS, number=2)], PRUNE, "pruned-remote-group",
    ),
    "a remote group's id that is nobody's": (
        f"{RULES}remote_group_id: {uuid(9)}}}]}}]", [WEB_LIVE], PlanOptions(), "unknown-remote-group",
    ),
    "a new group without rules": ("security_groups: [§{name: web}]", [], PlanOptions(), "rules-missing"),
    "another's group": (f"owner: me\n{WEB}rules: []}}]", [WEB_LIVE], PlanOptions(), "other-owner"),
    "a protocol without a name": (f"{RULES}protocol: '99'}}]}}]", [WEB_LIVE], PlanOptions(), "unpublished-protocol"),
}  # fmt: skip
PROJECTS = Directory({1: "default", 4242: "production", 5: "twice", 6: "twice", 8: "a/b"}, {7: "Luxembourg-2"})
NO_RULES = "security_groups: [{name: web, rules: []}]"
NO_RULES_EITHER = "security_groups: [§{name: web, rules: []}]"
NAMED = {
    "a project that nobody can see": ("project: §prodution\nregion_id: 7\nsecurity_groups: []", "unknown-target"),
    "a name that is like none": ("project: §x\nregion_id: 7\nsecurity_groups: []", "unknown-target"),
    "a region in other letters": ("project: a/b\nregion: §luxembourg-2\nsecurity_groups: []", "unknown-target"),
    "a name that two have": ("project: §twice\nregion_id: 7\nsecurity_groups: []", "unknown-target"),
    "a number for a name": ("project: §'4242'\nregion_id: 7\nsecurity_groups: []", "unknown-target"),
    "name and id of two": (
        "project_id: 1\nproject: §production\nregion_id: 7\nsecurity_groups: []", "contradictory-target",
    ),
    "name and id in an entry": (
        "targets: [{project_id: 1, region_id: 9, region: §Luxembourg-2}]\nsecurity_groups: []", "contradictory-target",
    ),
    "a target by name and by id": (
        f"targets: [{{project: §production, region_id: 7}}, {{project_id: 4242, region_id: 7}}]\n{NO_RULES}",
        "target-twice",
    ),
    "a group by name and by id": (
        f"project: production\nregion_id: 7\n{NO_RULES}\n---\nproject_id: 4242\nregion_id: 7\n{NO_RULES_EITHER}",
        "group-twice",
    ),
    "flag is another's id": ("project: §production\nregion_id: 7\nsecurity_groups: []", "contradictory-target"),
    "id is not the flag's": ("project_id: §1\nregion_id: 7\nsecurity_groups: []", "contradictory-target"),
}  # fmt: skip
SETTINGS: dict[str, tuple[dict[str, str], str, str]] = {
    "a path out of the folder": ({"sgctl.toml": 'paths = ["groups", "../x"]\n'}, "sgctl.toml:1:1", "outside-folder"),
    "two files": (
        {"sgctl.toml": "timeout = 5\n", "pyproject.toml": "[tool.sgctl]\ntimeout = 5\n"},
        "pyproject.toml:1:7",
        "settings-twice",
    ),
    "not TOML": ({"sgctl.toml": "timeout 5\n"}, "sgctl.toml:1:9", "not-toml"),
    "where the key goes": ({"sgctl.toml": 'base_url = "https://x.example"\n'}, "sgctl.toml:1:1", "not-in-files"),
    "a credential": ({"sgctl.toml": 'api_key = "x"\n'}, "sgctl.toml:1:1", "credential-in-file"),
    "a misspelled key": ({"sgctl.toml": "timout = 5\n"}, "sgctl.toml:1:1", "unknown-key"),
    "a wrong value": ({"sgctl.toml": "timeout = true\n"}, "sgctl.toml:1:1", "wrong-value"),
}


class Case(NamedTuple):
    """What to do, in an empty folder, to meet a problem, and the place and the name that it has then."""

    run: Callable[[], object]
    place: str
    name: str


def load_text(text: bytes, defaults: Defaults) -> None:
    Path(FILE).write_bytes(text)
    load([FILE], defaults)


def load_linked() -> None:
    Path("linked").mkdir()
    Path("linked/a.yaml").symlink_to(GOLDEN)
    load(["linked"], Defaults())


def load_path(path: str) -> None:
    Path("empty").mkdir()
    Path("others").mkdir()
    Path("others/a.yaml").write_text("apiVersion: v1\nkind: Service\n")
    load([path], Defaults())


def load_data(value: Any) -> None:
    load([], Defaults(1, 7), documents=[PlainDocument("data", value)])


def load_data_twice() -> None:
    load([], Defaults(1, 7), documents=[PlainDocument("data", {"security_groups": []})] * 2)


def plan_text(text: bytes, live: Sequence[LiveGroup], options: PlanOptions) -> None:
    Path(FILE).write_bytes(text)
    state = load([FILE], Defaults(TARGET.project_id, TARGET.region_id))
    make_plan(state, {TARGET: tuple(live)}, options, base_url=BASE_URL, created_at=CREATED_AT)


def load_named(text: bytes, defaults: Defaults) -> None:
    Path(FILE).write_bytes(text)
    resolve_names(load([FILE], defaults), PROJECTS)


LOCKED = "address_groups:\n  §office: {source: file, path: office.txt}\n"


def right_lock(prefix: str = "10.0.0.0/8", sign: str = "") -> str:
    """A lock of one address group as `sgctl refresh` writes it, with a sign before the name of the group."""
    office = LockedList(ListSource("file", "office.txt"), "2026-11-28", (prefix,))
    return lock_text({"office": office}).replace("  office:", f"  {sign}office:")


LOCKS = {
    "none": (LOCKED, None, "lock-missing"),
    "of another source": (LOCKED.replace("office.txt", "other.txt"), right_lock(), "lock-outdated"),
    "edited": (LOCKED, right_lock().replace("10.0", "10.1").replace('digest: "', 'digest: §"'), "lock-edited"),
    "with a too wide prefix": (LOCKED, right_lock("10.0.0.0/7", "§"), "lock-edited"),
    "of another kind": (LOCKED, "§security_groups: []\n", "lock-unreadable"),
}
"""A file with an address group that is published, the lock beside it, and what is wrong."""
LISTS = {
    "empty": ("# nothing\n", "list-refused"),
    "not only prefixes": ("10.0.0.0/8\nfoo\n10.0.0.1/8\n0.0.0.0/0\n", "list-refused"),
    "no file": (None, "list-unreachable"),
    "changed": ("10.0.0.0/8\n11.1.0.0/16\n", "list-changed"),
}
"""What is published, and what is wrong with it."""


def load_with_lock(text: bytes, lock: bytes | None) -> None:
    if lock is not None:
        Path(LOCK_NAME).write_bytes(lock)
    load_text(text, Defaults())


def refresh_list(text: bytes, published: str | None) -> None:
    Path(FILE).write_bytes(text)
    Path(LOCK_NAME).write_text(right_lock())
    if published is not None:
        Path("office.txt").write_text(published)
    result = CliRunner().invoke(refresh, [FILE])
    if result.exception is not None:
        raise result.exception


def load_settings(files: dict[str, str]) -> None:
    for name, text in files.items():
        Path(name).write_text(text)
    load_config(Path.cwd())


def marked(text: str) -> tuple[bytes, str]:
    """A text without its sign, and the place of it; without one the beginning of the file."""
    before, _, after = text.partition("§")
    if "§" not in text:
        return text.encode(), f"{FILE}:1:1"
    place = f"{FILE}:{before.count(chr(10)) + 1}:{len(before.rpartition(chr(10))[2]) + 1}"
    return (before + after).encode(), place


def cases() -> Iterator[tuple[str, Case]]:
    """Every case with its name."""
    texts = {
        **{f"yaml: {name}": row for name, row in YAML.items()},
        **{f"document: {name}": row for name, row in DOCUMENT.items()},
        **{f"group: {name}": (IN_A_GROUP + text, problem) for name, (text, problem) in GROUP.items()},
        **{f"rule: {name}": (f"{IN_A_RULE}      - {text}", problem) for name, (text, problem) in RULE.items()},
    }
    for name, (text, problem) in texts.items():
        data, place = marked(text)
        yield name, Case(partial(load_text, data, FLAGS.get(name, Defaults())), place, problem)
    for name, (data, place, problem) in BYTES.items():
        yield f"file: {name}", Case(partial(load_text, data, Defaults()), place, problem)
    for name, (path, problem) in PATHS.items():
        place = f"{path}/a.yaml:1:1" if problem == "not-ours" else f"{path}:1:1"
        yield f"path: {name}", Case(partial(load_path, path), place, problem)
    yield "path: a link out of the folder", Case(load_linked, "linked/a.yaml:1:1", "outside-folder")
    for name, (value, place, problem) in DATA.items():
        yield f"data: {name}", Case(partial(load_data, value), place, problem)
    yield "data: two of one name", Case(load_data_twice, "data", "document-name-twice")
    for name, (text, live, options, problem) in LIVE.items():
        data, place = marked(text)
        yield f"live: {name}", Case(partial(plan_text, data, live, options), place, problem)
    for name, (text, problem) in NAMED.items():
        data, place = marked(text)
        yield f"named: {name}", Case(partial(load_named, data, FLAGS.get(f"named: {name}", Defaults())), place, problem)
    for name, (text, lock, problem) in LOCKS.items():
        data, place = marked(text)
        content, there = marked(lock) if lock is not None else (None, "")
        is_there = lock is not None and "§" in lock
        yield (
            f"lock: {name}",
            Case(
                partial(load_with_lock, data, content), there.replace(FILE, LOCK_NAME) if is_there else place, problem
            ),
        )
    for name, (published, problem) in LISTS.items():
        data, place = marked(LOCKED)
        yield f"list: {name}", Case(partial(refresh_list, data, published), place, problem)
    for name, (files, place, problem) in SETTINGS.items():
        yield f"settings: {name}", Case(partial(load_settings, files), place, problem)


CASES = dict(cases())


def issues_of(case: Case, folder: Path) -> tuple[Issue, ...]:
    """Everything that is wrong in a case; the folder has to be empty."""
    with chdir(folder):
        try:
            case.run()
        except InputError as error:
            return error.issues
    return ()


def about(case: Case, issues: Sequence[Issue]) -> list[Issue]:
    """Those issues that the case is about. A rule of a rule set is where it is used."""
    where = [str(position_of(issue.place) or issue.place) for issue in issues]
    return [issue for issue, place in zip(issues, where, strict=True) if (place, issue.name) == (case.place, case.name)]


def golden() -> str:
    """The words of every case."""
    text = ""
    for name, case in CASES.items():
        with tempfile.TemporaryDirectory() as folder:
            issues = about(case, issues_of(case, Path(folder)))
        text += f"# {name}\n" + "".join(f"{line}\n" for issue in issues for line in words(issue)) + "\n"
    return text


def words(issue: Issue) -> Iterator[str]:
    """What an issue says, however it is laid out."""
    yield printable(f"{issue.place}: {issue.message} [{issue.name}]")
    if issue.fix:
        yield printable(f"    fix: {issue.fix}")
    for what, place in issue.related:
        yield printable(f"    {place}: {what}")


def renew() -> None:
    """Write the golden file, and say what changed in it."""
    before, after = GOLDEN.read_text(encoding="utf-8") if GOLDEN.exists() else "", golden()
    GOLDEN.write_text(after, encoding="utf-8")
    lines = difflib.unified_diff(before.splitlines(), after.splitlines(), "before", "after", lineterm="", n=2)
    sys.stdout.write("\n".join(lines) + "\n" if before != after else f"{GOLDEN.name} is as it was.\n")


if __name__ == "__main__":
    renew()

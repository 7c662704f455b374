"""Every bad input is refused at the place where it is wrong, in words that say what and, where there is one, the fix.

In the texts, the sign § stands before the character that the issue has to point at.
"""

from pathlib import Path

import pytest

from reconciler.loading.load import Defaults, load
from reconciler.model.errors import InputError, Issue

HEAD = "project_id: 1\nregion_id: 7\n"
IN_A_RULE = (
    HEAD + "address_groups:\n  office: [10.0.0.0/8, 2001:db8::/32]\nsecurity_groups:\n  - name: web\n    rules:\n"
)
ID = "00000000-0000-4000-8000-00000000000a"
IN_A_GROUP = HEAD + "security_groups:\n  - "

YAML = {
    "base 60": ("a: §22:30", "is read as 1350, a base-60 number", "write 22-30 for a range"),
    "base 60, three parts": ("a: §1:22:30", "is read as 4950, a base-60 number", 'write "1:22:30" for text'),
    "octal": ("a: §010", "is read as 8, an octal number", "write 10 for the decimal number"),
    "hexadecimal": ("a: §0x1f", "is read as 31, a hexadecimal number", 'write 31, or "0x1f" for text'),
    "binary": ("a: §0b11", "is read as 3, a binary number", "write 3"),
    "underscores": ("a: §1_000", "is read as 1000, a number with underscores", "write 1000"),
    "on": ("a: §on", "is read as true, a YAML 1.1 boolean", 'write true, or "on" for text'),
    "no": ("a: §No", "is read as false", 'write false, or "No" for text'),
    "date": ("a: §2024-01-31", "is read as a date", 'write "2024-01-31" for text'),
    "equals sign": ("a: §=", "has a meaning of its own in YAML 1.1", 'write "=" for text'),
    "number to YAML 1.2 only": ("a: §1e3", "text to YAML 1.1 and a number to YAML 1.2", 'write "1e3"'),
    "number with a leading zero": ("a: §08", "text to YAML 1.1 and a number to YAML 1.2", 'write "08"'),
    "endless number": (f"a: §{'9' * 5000}", "a number of 5,000 digits is too large", "quote it"),
    "merge as a value": ("a: §<<", "is read as a merge", 'write "<<" for text'),
    "key that is no text": ("§80: a", "the key `80` is not text", 'write "80"'),
    "key that is a boolean": ("§on: a", "is read as true", 'write "on" for a key'),
    "key that is null": ("? §~\n: a", "the key `~` is not text", 'write "~"'),
    "key that is a list": ("? §[a]\n: b", "a list cannot be a key", "keys are text"),
    "duplicate key": ("a: 1\nb: 2\n§a: 3", "the key `a` is there twice", "keep one of the two"),
    "merge that hides a key": ("a: &a {x: 1}\nb:\n  §<<: *a\n  x: 2", "of the merge is hidden", "keep one of the two"),
    "merge of text": ("a:\n  <<: §b", "takes a mapping", None),
    "python tag": (
        "a: §!!python/object/apply:os.system [ls]",
        "the tag `!!python/object/apply:os.system`",
        "leave the tag out",
    ),
    "own tag": ("a: §!vault abc", "the tag `!vault` is not allowed", "leave the tag out"),
    "tag that lies": ("a: §!!int abc", "is not what the tag `!!int` says", "leave the tag out"),
    "tab": ("a:\n§\tb: 1", "a tab cannot indent YAML", "use blanks"),
    "two colons": ("a: b§: c", "makes a key, and none can stand here", "quote the text"),
    "text that begins with @": ("a: §@b", "cannot begin with `@` without quotes", "quote the text"),
    "unclosed list": ("a: [b\nc§: d", "the list is not closed", "add a `,` or a `]`"),
    "unclosed mapping": ("a: {b: c\nd§: e", "the mapping is not closed", "add a `,` or a `}`"),
    "unclosed quotes": ('a: "b§', "the quotes are not closed", None),
    "wrong indentation": ("a:\n  - b\n §c: d", "no key can stand here", "check the indentation"),
    "unknown alias": ("a: §*b", "the alias has no anchor before it", "quote the text"),
    "anchor twice": ("a: &x 1\nb: §&x 2", "the same anchor is there twice", None),
    "recursive alias": ("a: §&x [*x]", "stands for what it is a part of", "write it out"),
    "alias bomb": (
        "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n"
        + "".join(f"a{n + 1}: {'§' * (n == 4)}&a{n + 1} [{', '.join([f'*a{n}'] * 10)}]\n" for n in range(9)),
        "the aliases in here expand to more than 1,000,000 values",
        "write it out",
    ),
    "nested too deep": ("[" * 31 + "§" + "[" * 100_000, "nested deeper than 32 levels", None),
    "nested too deep, in blocks": ("- " * 31 + "§" + "- " * 100_000, "nested deeper than 32 levels", None),
    "too wide": ("§" + "- a\n" * 100_001, "more than 100,000 entries", None),
    "NUL": ("a: b§\0", "a NUL is not allowed", None),
    "control character": ("a: b\nc: \u00e9§\x1b[31m", "the control character U+001B is not allowed", None),
}

DOCUMENT = {
    "empty": ("", "the file is empty", None),
    "comments only": ("# nothing\n", "the file holds no document", None),
    "no mapping": ("§- a", "a document is a mapping, not a list", "begin with `security_groups:`"),
    "neither groups nor address groups": (f"§{HEAD}", "neither `security_groups` nor `address_groups`", None),
    "unknown key": ("§regoin_id: 7\nsecurity_groups: []", "unknown key `regoin_id`", "did you mean `region_id`?"),
    "project as text": ('project_id: §"1"\nsecurity_groups: []', "not the text `1`", "write 1 without the quotes"),
    "project zero": ("project_id: §0\nsecurity_groups: []", "a number, 1 or more, not `0`", None),
    "project as a fraction": ("project_id: §1.0\nsecurity_groups: []", "a number, 1 or more, not `1.0`", "write 1"),
    "region true": ("region_id: §true\nsecurity_groups: []", "a number, 1 or more, not `true`", None),
    "no project": (
        "region_id: 7\n§security_groups: []",
        "`project_id` is missing",
        "pass --project-id or set GCORE_CLOUD",
    ),
    "no region": ("project_id: 1\n§security_groups: []", "`region_id` is missing", "write region_id into the file"),
    "no targets": ("targets: §[]\nsecurity_groups: []", "the list of `targets` is empty", "leave the key out"),
    "empty target": (f"{HEAD}targets: [§{{}}]\nsecurity_groups: []", "neither a project_id nor a region_id", "add one"),
    "target twice": (
        f"{HEAD}targets: [{{region_id: 7}}, §{{project_id: 1}}]\nsecurity_groups: []",
        "project 1, region 7 is there twice",
        "keep one",
    ),
    "head that every target overrides": (
        "§project_id: 1\ntargets: [{project_id: 2, region_id: 7}]\nsecurity_groups: []",
        "is in every entry of `targets` too",
        "leave it out",
    ),
    "no groups": (HEAD + "§security_groups:", "`security_groups` has no value", "write `security_groups: []`"),
    "owner as a number": (HEAD + "owner: §5\nsecurity_groups: []", "`owner` takes text", 'write "5"'),
    "address group as text": ("address_groups: {a: §10.0.0.0/8}", "is a list of prefixes", "write [10.0.0.0/8]"),
    "empty address group": ("address_groups: {a: §[]}", "the address group `a` is empty", "add a prefix"),
    "address group of numbers": ("address_groups: {a: [§5]}", "holds prefixes such as 10.0.0.0/8, not `5`", None),
    "host bits in an address group": ("address_groups: {a: [§10.0.0.1/8]}", "has host bits set", "write 10.0.0.0/8"),
    "address group twice": (
        "address_groups: {a: [10.0.0.0/8]}\n---\naddress_groups: {§a: [10.0.0.0/9]}",
        "the address group `a` is defined twice",
        "keep one of the two",
    ),
}

GROUP = {
    "no name": ("§description: x", "`name` is missing", "add `name:`"),
    "name null": ("§name:", "`name` has no value", None),
    "name too short": ("name: §w", "the group's name has 1 character; 3 to 63 are allowed", None),
    "name too long": (f"name: §{'w' * 64}", "the group's name has 64 characters", None),
    "letter in a name": ("name: §web/1", "`/` is not allowed in a group's name (character 4)", "write web-1"),
    "first letter of a name": ("name: §-web", "begins with a letter or a digit, not with `-`", "write web"),
    "last letter of a name": ("name: §web-", "ends with a letter, a digit, `.` or `_`, not with `-`", "write web"),
    "name with a line break": ('name: §"web\\n"', "is not allowed in a group's name", "write web"),
    "id that is none": ("{name: web, id: §5f}", "takes a UUID", None),
    "API's name for rules": ("{name: web, §security_group_rules: []}", "unknown key", "did you mean `rules`?"),
    "owner of a group": ("{name: web, §owner: me}", "unknown key `owner`", "it belongs at the head of the document"),
    "rules null": ("{name: web, §rules: }", "`rules` has no value", "write `rules: []` for no rules"),
    "tags null": ("{name: web, §tags: null}", "`tags` has no value", "write `tags: {}`"),
    "tag as a number": ("{name: web, tags: {a: §1}}", "the value of the tag `a` is not text", 'write "1"'),
    "tag as a boolean": ("{name: web, tags: {a: §true}}", "the value of the tag `a` is not text", 'write "true"'),
    "tag with a blank at its end": ('{name: web, tags: {a: §"b "}}', "blanks at its ends", 'write "b"'),
    "tag key with a blank": ("{name: web, tags: {§a b: c}}", "neither blanks nor `=`", "write a-b"),
    "long tag": (
        f"{{name: web, tags: {{a: §{'b' * 256}}}}}",
        "has 256 characters, over the limit of 255",
        "shorten it",
    ),
    "owner tag by hand": ("{name: web, tags: {§sgctl-owner: me}}", "is not set by hand", "use `owner: me`"),
    "prevent_destroy as text": (
        '{name: web, prevent_destroy: §"true"}',
        "true or false",
        "write true without the quotes",
    ),
    "previous name is the name": ("{name: web, previous_name: §web}", "is the name itself", "leave it out"),
    "rename of default": (
        "{name: web, previous_name: §default}",
        "`default` cannot be renamed",
        "leave previous_name out",
    ),
    "rename to default": (
        "{name: default, previous_name: §web}",
        "`default` cannot be renamed",
        "leave previous_name out",
    ),
    "group twice": ("name: web\n  - §name: web", "the group `web` is there twice", "tell them apart with `id`"),
    "id twice": (
        f"{{name: web, id: {ID}}}\n  - §{{name: app, id: {ID.upper()}}}",
        "the group with the id 00000000-0000-4000-8000-00000000000a is there twice",
        None,
    ),
    "previous name that is a group": (
        "name: web\n  - §{name: app, previous_name: web}",
        "belongs to another group",
        None,
    ),
    "previous name twice": (
        "{name: web, previous_name: old}\n  - §{name: app, previous_name: old}",
        "`previous_name` `old` belongs to another group",
        None,
    ),
    "251 rules": (
        "name: web\n    §rules: [{direction: ingress, protocol: tcp, ports: ["
        + ", ".join(str(port) for port in range(1, 252))
        + "]}]",
        "the rules of this group are 251 when expanded, over the limit of 250",
        "split the group",
    ),
    "a rule beyond counting": (
        "name: web\n    §rules: [{direction: ingress, protocol: tcp, ports: ["
        + ", ".join(str(port) for port in range(1, 3001))
        + "], remote_ip_prefixes: ["
        + ", ".join(f"10.0.{number >> 8}.{number & 255}" for number in range(3000))
        + "]}]",
        "are 9,000,000 when expanded",
        "split the group",
    ),
}

RULE = {
    "no mapping": ("§tcp", "a rule is a mapping, not `tcp`", "begin a rule with `- direction:`"),
    "no direction": ("§{protocol: tcp}", "`direction` is missing", "add `direction: ingress`"),
    "direction null": ("{§direction: null}", "`direction` has no value", None),
    "wrong direction": ("{direction: §inress}", "takes ingress or egress", "did you mean `ingress`?"),
    "capital direction": ("{direction: §Ingress}", "takes ingress or egress", "write ingress"),
    "unknown key": (
        "{direction: ingress, §remote_ip_prefx: 10.0.0.0/8}",
        "unknown key",
        "did you mean `remote_ip_prefix`?",
    ),
    "port for ports": ("{direction: ingress, protocol: tcp, §port: 80}", "unknown key `port`", "did you mean `ports`?"),
    "cidr": ("{direction: ingress, §cidr: 10.0.0.0/8}", "unknown key `cidr`", "did you mean `remote_ip_prefix`?"),
    "ethertype in small letters": ("{direction: ingress, ethertype: §ipv4}", "IPv4, IPv6 or a list", "write IPv4"),
    "empty ethertype": (
        "{direction: ingress, ethertype: §[]}",
        "the list of `ethertype` is empty",
        "leave the key out",
    ),
    "unknown protocol": ("{direction: ingress, protocol: §tpc}", "the name of a protocol", "did you mean `tcp`?"),
    "capital protocol": ("{direction: ingress, protocol: §TCP}", "the name of a protocol", "write tcp"),
    "all protocols": ("{direction: ingress, protocol: §all}", "the name of a protocol", "write any"),
    "star protocol": ("{direction: ingress, protocol: §'*'}", "the name of a protocol", "write any"),
    "icmp6": ("{direction: ingress, protocol: §icmp6}", "the name of a protocol", "write icmpv6"),
    "protocol as a number": ("{direction: ingress, protocol: §6}", "its number in quotes", 'write "6"'),
    "protocol beyond numbers": ("{direction: ingress, protocol: §'256'}", "its number in quotes", None),
    "ports without protocol": ("{direction: ingress, §ports: 80}", "needs a protocol with ports", "add protocol: tcp"),
    "ports of a protocol without": (
        "{direction: ingress, protocol: gre, §ports: 80}",
        "gre has no ports",
        "leave it out",
    ),
    "ports of icmp": ("{direction: ingress, protocol: icmp, §ports: 8}", "icmp has no ports", "use icmp_type"),
    "ports null": ("{direction: ingress, protocol: tcp, §ports: null}", "`ports` has no value", "leave the key out"),
    "no ports": (
        "{direction: ingress, protocol: tcp, ports: §[]}",
        "the list of `ports` is empty",
        "leave the key out",
    ),
    "port zero": ("{direction: ingress, protocol: tcp, ports: §0}", "a port from 1 to 65535", None),
    "port too high": ("{direction: ingress, protocol: tcp, ports: [1, §70000]}", "not `70000`", None),
    "range too high": ("{direction: ingress, protocol: tcp, ports: §1-70000}", "from 1 to 65535, not 70000", None),
    "range backwards": ("{direction: ingress, protocol: tcp, ports: §90-80}", "ends before it begins", "write 80-90"),
    "range with a colon": ("{direction: ingress, protocol: tcp, ports: §'8000:8099'}", "a range", "write 8000-8099"),
    "range with blanks": ("{direction: ingress, protocol: tcp, ports: §80 - 90}", "a range", "write 80-90"),
    "range in base 60": ("{direction: ingress, protocol: tcp, ports: §22:30}", "is read as 1350", "write 22-30"),
    "port as text": ("{direction: ingress, protocol: tcp, ports: [§'80']}", "not the text `80`", "write 80 without"),
    "port as a fraction": ("{direction: ingress, protocol: tcp, ports: §80.0}", "not `80.0`", "write 80"),
    "port true": ("{direction: ingress, protocol: tcp, ports: §true}", "not `true`", None),
    "port_range_min as text": (
        "{direction: ingress, protocol: tcp, port_range_min: §'80'}",
        "a number",
        "write 80 without",
    ),
    "one end": (
        "{direction: ingress, protocol: tcp, §port_range_min: 80}",
        "needs `port_range_max` beside it",
        "add port_range_max: 80",
    ),
    "ends backwards": (
        "{direction: ingress, protocol: tcp, port_range_min: §90, port_range_max: 80}",
        "the range 90-80 ends before it begins",
        "write port_range_min: 80 and port_range_max: 90",
    ),
    "end zero": (
        "{direction: ingress, protocol: tcp, port_range_min: §0, port_range_max: 80}",
        "ports are numbers from 1 to 65535",
        None,
    ),
    "ports twice": (
        "{direction: ingress, protocol: tcp, ports: 80, §port_range_min: 80, port_range_max: 80}",
        "`port_range_min` and `ports` exclude each other",
        "keep one",
    ),
    "icmp type of tcp": ("{direction: ingress, protocol: tcp, §icmp_type: 8}", "needs protocol icmp", "leave it out"),
    "icmp type of anything": ("{direction: ingress, §icmp_type: 8}", "needs protocol icmp", "add protocol: icmp"),
    "code without type": ("{direction: ingress, protocol: icmp, §icmp_code: 0}", "code needs a type", "add icmp_type"),
    "icmp type too high": ("{direction: ingress, protocol: icmp, icmp_type: §256}", "from 0 to 255, not `256`", None),
    "icmp type in the API's field": (
        "{direction: ingress, protocol: icmp, port_range_min: §300}",
        "an ICMP type is a number from 0 to 255, not 300",
        None,
    ),
    "two remotes": (
        "{direction: ingress, remote_ip_prefix: 10.0.0.0/8, §remote_group: app}",
        "`remote_group` and `remote_ip_prefix` exclude each other",
        "write two rules",
    ),
    "host bits": ("{direction: ingress, remote_ip_prefix: §10.1.2.3/8}", "has host bits set", "write 10.0.0.0/8"),
    "host bits of everything": (
        "{direction: ingress, remote_ip_prefix: §10.1.2.3/0}",
        "has host bits set",
        "write 0.0.0.0/0",
    ),
    "netmask": ("{direction: ingress, remote_ip_prefix: §10.0.0.0/255.0.0.0}", "no plain number", "write 10.0.0.0/8"),
    "no prefix": (
        "{direction: ingress, remote_ip_prefix: §10.0.0.256}",
        "is no IP prefix",
        "write one like 10.0.0.0/8",
    ),
    "any prefix": ("{direction: ingress, remote_ip_prefix: §any}", "is no prefix", "write 0.0.0.0/0 or ::/0"),
    "prefix with a blank": ("{direction: ingress, remote_ip_prefix: §' 10.0.0.0/8'}", "has blanks", "write 10.0.0.0/8"),
    "zone": ("{direction: ingress, remote_ip_prefix: §'fe80::1%eth0'}", "a zone", "write fe80::1"),
    "empty prefix": ("{direction: ingress, remote_ip_prefix: §''}", "takes a prefix", None),
    "no prefixes": ("{direction: ingress, remote_ip_prefixes: §[]}", "is empty", "leave the key out"),
    "prefixes as text": (
        "{direction: ingress, remote_ip_prefixes: §10.0.0.0/8}",
        "a list of prefixes",
        "write [10.0.0.0/8]",
    ),
    "second prefix": (
        "{direction: ingress, remote_ip_prefixes: [10.0.0.0/8, §10.0.0.1/9]}",
        "host bits",
        "write 10.0.0.0/9",
    ),
    "unknown address group": (
        "{direction: ingress, remote_address_group: §ofice}",
        "no file defines the address group `ofice`",
        "did you mean `office`?",
    ),
    "no address groups": ("{direction: ingress, remote_address_group: §[]}", "is empty", "leave the key out"),
    "group id that is none": ("{direction: ingress, remote_group_id: §web}", "takes a UUID", "use `remote_group`"),
    "family against prefix": (
        "{direction: ingress, ethertype: IPv6, remote_ip_prefix: §10.0.0.0/8}",
        "10.0.0.0/8 is of IPv4, the rule's ethertype is IPv6",
        "write ethertype: IPv4",
    ),
    "family against address group": (
        "{direction: ingress, ethertype: IPv4, remote_address_group: §office}",
        "2001:db8::/32 is of IPv6, the rule's ethertype is IPv4",
        "leave ethertype out",
    ),
    "family without prefix": (
        "{direction: ingress, ethertype: [IPv4, §IPv6], remote_ip_prefix: 10.0.0.0/8}",
        "no prefix of this rule is of IPv6",
        "leave it out",
    ),
    "IPv6 protocol": ("{direction: ingress, protocol: §ipv6-icmp}", "needs IPv6", "add ethertype: IPv6"),
    "IPv6 protocol as IPv4": (
        "{direction: ingress, ethertype: IPv4, protocol: §ipv6-frag}",
        "needs IPv6",
        "write ethertype: IPv6",
    ),
    "IPv6 protocol by number": ("{direction: ingress, protocol: §'58'}", "needs IPv6", "add ethertype: IPv6"),
    "IPv6 protocol with an IPv4 prefix": (
        "{direction: ingress, protocol: §icmpv6, remote_ip_prefix: 10.0.0.0/8}",
        "needs IPv6",
        "use an IPv6 prefix",
    ),
    "long description": (f"{{direction: ingress, description: §{'x' * 256}}}", "has 256 characters", "shorten it"),
    "the same rule with another description": (
        "{direction: ingress}\n      - §{direction: ingress, remote_ip_prefix: 0.0.0.0/0, description: all}",
        "the same rule is there twice, with different descriptions",
        "keep one of the two",
    ),
}

CASES = {
    **{f"yaml: {name}": row for name, row in YAML.items()},
    **{f"document: {name}": row for name, row in DOCUMENT.items()},
    **{f"group: {name}": (IN_A_GROUP + text, *words) for name, (text, *words) in GROUP.items()},
    **{f"rule: {name}": (f"{IN_A_RULE}      - {text}", *words) for name, (text, *words) in RULE.items()},
}


def issues_of(path: Path, defaults: Defaults | None = None) -> tuple[Issue, ...]:
    with pytest.raises(InputError) as caught:
        load([str(path)], defaults or Defaults())
    return caught.value.issues


@pytest.mark.parametrize(("text", "message", "fix"), CASES.values(), ids=CASES)
def test_refused_with_place_words_and_fix(tmp_path: Path, text: str, message: str, fix: str | None) -> None:
    """The issue stands at the sign, shows its line there, says what is wrong and what to write."""
    before, _, after = text.partition("§")
    path = tmp_path / "bad.yaml"
    path.write_bytes((before + after if after or "§" in text else text).encode())
    line, column = (before.count("\n") + 1, len(before.rpartition("\n")[2]) + 1) if "§" in text else (1, 1)
    issues = issues_of(path)
    here = [issue for issue in issues if message in issue.message]
    assert [(issue.place.line, issue.place.column) for issue in here] == [(line, column)], issues
    [issue] = here
    assert str(issue.place) == f"{path}:{line}:{column}"
    assert (fix is None) == (issue.fix is None) or fix is None
    assert (fix or "") in (issue.fix or "")
    assert len(issue.message) < 300
    assert issue.line is None or issue.line.isprintable()
    if issue.line and after and after[0].isprintable():
        assert issue.line[issue.caret - 1] == after[0]


ONE_ISSUE = [name for name in CASES if name.startswith(("group", "rule"))]


@pytest.mark.parametrize("name", ONE_ISSUE)
def test_one_mistake_is_one_issue(tmp_path: Path, name: str) -> None:
    """What is wrong once is said once."""
    path = tmp_path / "bad.yaml"
    path.write_text(CASES[name][0].replace("§", ""))
    assert len(issues_of(path)) == 1


def test_not_utf8_is_placed_by_character(tmp_path: Path) -> None:
    """A byte that is no UTF-8 is placed by line and by character, not by byte."""
    path = tmp_path / "latin.yaml"
    path.write_bytes("a: 1\nb: \u00e4\u00f6 ".encode() + b"\xe4\n")
    [issue] = issues_of(path)
    assert (issue.place.line, issue.place.column, issue.message) == (2, 7, "this is not UTF-8")


def test_utf16_is_named(tmp_path: Path) -> None:
    """An editor's UTF-16 is told apart from broken UTF-8."""
    path = tmp_path / "wide.yaml"
    path.write_bytes("security_groups: []".encode("utf-16"))
    [issue] = issues_of(path)
    assert "UTF-16" in issue.message


def test_a_byte_order_mark_moves_no_column(tmp_path: Path) -> None:
    """A BOM is no character of the first line."""
    path = tmp_path / "bom.yaml"
    path.write_bytes(b"\xef\xbb\xbfa: on\n")
    assert issues_of(path)[-1].place[1:] == (1, 4)


def test_both_places_are_named(tmp_path: Path) -> None:
    """A group in two files names the other file too."""
    for name in ("a.yaml", "b.yaml"):
        (tmp_path / name).write_text(HEAD + "security_groups: [{name: web}]")
    [issue] = issues_of(tmp_path)
    assert str(issue.place) == f"{tmp_path}/b.yaml:3:19"
    assert [str(place) for _, place in issue.related] == [f"{tmp_path}/a.yaml:3:19"]


def test_all_issues_at_once_in_order(tmp_path: Path) -> None:
    """The issues of all stages and all files come together, in the order of places."""
    (tmp_path / "a.yaml").write_text(HEAD + "security_groups: [{name: x}, {name: web, rules: [{direction: on}]}]")
    (tmp_path / "b.yaml").write_text("a: [")
    (tmp_path / "c.yaml").write_text(HEAD + "security_groups: [{name: app, rules: [{direction: ingress, ports: 1}]}]")
    places = [issue.place for issue in issues_of(tmp_path)]
    assert [(Path(place.path).name, place.column) for place in places] == [
        ("a.yaml", 26),
        ("a.yaml", 62),
        ("b.yaml", 5),
        ("c.yaml", 60),
    ]


def test_a_malformed_rule_hides_no_wrong_remote(tmp_path: Path) -> None:
    """What is wrong with a rule's structure and with its remote is said in one run."""
    path = tmp_path / "a.yaml"
    path.write_text(f"{IN_A_RULE}      - {{direction: ingress, ports: a, remote_ip_prefix: 10.0.0.5/24}}")
    assert [issue.place.column for issue in issues_of(path)] == [37, 58]


def test_a_long_line_is_cropped_around_the_caret(tmp_path: Path) -> None:
    """A line of megabytes is shown as the part that matters."""
    path = tmp_path / "long.yaml"
    path.write_text("a: [" + "x, " * 50_000 + "on, " + "y, " * 40_000 + "]")
    issue = next(issue for issue in issues_of(path) if "boolean" in issue.message)
    assert issue.line is not None
    assert len(issue.line) < 200
    assert issue.line[issue.caret - 1 :].startswith("on, y")


def test_a_thousand_issues_are_worded_and_the_rest_counted(tmp_path: Path) -> None:
    """A file of nothing but errors is bounded."""
    path = tmp_path / "many.yaml"
    path.write_text(HEAD + "security_groups:\n- name: web\n  rules:\n" + "  - {direction: in}\n" * 2500)
    issues = issues_of(path)
    assert len(issues) == 1001
    assert issues[-1].message == "1,500 more errors in the files, not shown"


FLAGS = {
    "flag against head": ("project_id: §1\nregion_id: 7\nsecurity_groups: []", Defaults(project_id=2)),
    "flag against target": ("project_id: 1\ntargets: [{region_id: §7}]\nsecurity_groups: []", Defaults(region_id=8)),
}


@pytest.mark.parametrize(("text", "defaults"), FLAGS.values(), ids=FLAGS)
def test_a_flag_that_contradicts_a_document_is_an_error(tmp_path: Path, text: str, defaults: Defaults) -> None:
    """The place is the document's value; the flag is named."""
    path = tmp_path / "a.yaml"
    path.write_text(text.replace("§", ""))
    before = text.partition("§")[0]
    [issue] = issues_of(path, defaults)
    assert issue.place[1:] == (before.count("\n") + 1, len(before.rpartition("\n")[2]) + 1)
    assert "contradicts --" in issue.message


def test_an_id_with_several_targets_is_an_error(tmp_path: Path) -> None:
    """An id is of one project and region."""
    path = tmp_path / "a.yaml"
    path.write_text(
        "project_id: 1\ntargets: [{region_id: 7}, {region_id: 8}]\n"
        "security_groups: [{name: web, id: 00000000-0000-4000-8000-000000000000}]"
    )
    assert "a group with an `id` is in one target" in issues_of(path)[0].message


def test_too_many_groups_for_too_many_targets(tmp_path: Path) -> None:
    """Targets multiply groups, and what they make is bounded."""
    path = tmp_path / "a.yaml"
    targets = "".join(f"- {{project_id: 1, region_id: {n + 1}}}\n" for n in range(400))
    path.write_text(f"targets:\n{targets}security_groups:\n" + "".join(f"- name: web-{n}\n" for n in range(300)))
    assert "300 groups for 400 targets are over the limit of 100,000" in issues_of(path)[0].message

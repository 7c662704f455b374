"""Inputs made to be slow, each as large as asked: files, plan files, journals and live answers of a stranger.

`size` is the number of bytes to fill, roughly. The tests take a few kilobytes of each, `make budget` ten megabytes.
"""

import hashlib
import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

HEAD = "project_id: 1\nregion_id: 7\nsecurity_groups:\n"
RULE = "{direction: ingress, protocol: tcp, ports: 22"
_ENTRIES = 90_000
"""Entries of a list: the loader takes 100,000."""


def groups(number: int, rules: Callable[[int], list[str]]) -> str:
    """Write groups, each with the rules of its number."""
    lines = (
        f"  - name: web{each}\n    rules:\n" + "".join(f"      - {rule}\n" for rule in rules(each))
        for each in range(number)
    )
    return HEAD + "".join(lines)


def address(number: int) -> str:
    """Write an IPv4 address."""
    return f"{10 + (number >> 24)}.{number >> 16 & 255}.{number >> 8 & 255}.{number & 255}"


def address_group(number: int, name: str = "a") -> str:
    """Write a group of so many prefixes."""
    return f"  {name}: [{', '.join(address(2 * each) for each in range(number))}]\n"


def one_address_group_in_every_rule(size: int) -> str:
    """Thousands of rules that each mean tens of thousands."""
    rule = f"{RULE}, remote_address_group: a}}"
    number = min(_ENTRIES, size // 100)
    body = groups(number // 100, lambda _: [rule] * 100) if number >= 100 else groups(1, lambda _: [rule] * number)
    return f"address_groups:\n{address_group(min(_ENTRIES, size // 32))}{body}"


def one_group_of_one_rule(size: int) -> str:
    """The same rule of 250 rules, over and over."""
    rule = "{direction: ingress, remote_address_group: a}"
    number = size // 60
    return f"address_groups:\n{address_group(250)}" + groups(
        max(1, number // _ENTRIES), lambda _: [rule] * min(number, _ENTRIES)
    )


def many_address_groups_in_every_rule(size: int) -> str:
    """Rules that name hundreds of address groups of 200 prefixes, each rule others."""
    names = [f"n{each}" for each in range(max(1, min(1000, size // 8000)))]
    listed = "".join(address_group(200, name) for name in names)
    some = "[" + ", ".join(names) + "]"
    number = max(1, (size - len(listed)) // (len(some) + 60))
    rules = groups(max(1, number // 100), lambda _: [f"{RULE}, remote_address_group: {some}}}"] * min(100, number))
    return f"address_groups:\n{listed}{rules}"


def documents_of_targets_and_groups(size: int) -> str:
    """Documents that each ask for nearly as many groups in all of their targets as one may."""
    side = max(2, min(300, size // 200))
    targets = ", ".join(f"{{project_id: {each + 1}, region_id: 7}}" for each in range(side))
    number = max(1, size // (side * 60))
    parts = []
    for document in range(number):
        named = "".join(f"  - {{name: web{document}-{each}, rules: []}}\n" for each in range(side))
        parts.append(f"---\ntargets: [{targets}]\nsecurity_groups:\n{named}")
    return "".join(parts)


def rules_in_many_targets(size: int) -> str:
    """A few hundred groups of 250 rules, each in hundreds of targets."""
    side = max(2, min(500, size // 20_000))
    targets = ", ".join(f"{{project_id: {each + 1}, region_id: 7}}" for each in range(side))
    rules = "".join(
        f"      - {{direction: ingress, protocol: tcp, ports: {each + 1}, remote_group: web0}}\n" for each in range(250)
    )
    number = max(1, min(100_000 // side, size // 20_000))
    named = "".join(f"  - name: web{each}\n    rules:\n{rules}" for each in range(number))
    return f"targets: [{targets}]\nsecurity_groups:\n{named}"


def small_groups(size: int) -> str:
    """As many groups of a rule as a run takes."""
    return groups(min(_ENTRIES, max(1, size // 90)), lambda _: [f"{RULE}}}"])


def full_groups(size: int) -> str:
    """Groups of 250 rules whose prefixes and ports nest and overlap."""
    return groups(max(1, size // (250 * 90)), lambda each: [nested(each, number) for number in range(250)])


def crossing_groups(size: int, number: int) -> str:
    """So many groups at most, of 250 rules with a prefix each and ports that cross those of all others."""
    return groups(min(number, max(1, size // (250 * 90))), lambda each: [_crossing(each, rule) for rule in range(250)])


def _crossing(group: int, number: int) -> str:
    ports = f"{1 + (number * 41 + group) % 5000}-{30000 + (number * 97) % 9000}"
    return f"{{direction: ingress, protocol: tcp, ports: {ports}, remote_ip_prefix: 10.{number}.{group % 256}.0/24}}"


def nested(group: int, number: int) -> str:
    """Write one of 250 rules that all overlap."""
    length = 8 + number % 25
    ports = f"{1 + number * 100 + group % 50}-{30000 + number * 100}"
    return f"{{direction: ingress, protocol: tcp, ports: {ports}, remote_ip_prefix: 10.0.0.0/{length}}}"


def circles(size: int) -> str:
    """Groups that refer to each other in a chain that ends where it begins."""
    number = max(2, size // 100)
    return groups(number, lambda each: [f"{RULE}, remote_group: web{(each + 1) % number}}}"])


def one_referred_to(size: int) -> str:
    """Groups that all refer to one."""
    return groups(max(2, size // 100), lambda _: [f"{RULE}, remote_group: web0}}"])


def all_to_all(size: int) -> str:
    """Groups that refer to 250 others each."""
    number = max(2, size // (250 * 75))
    return groups(
        number,
        lambda each: [f"{RULE}, remote_group: web{(each * 7 + other) % number}}}" for other in range(min(number, 250))],
    )


def previous_names(size: int) -> str:
    """Groups that all had the same name."""
    return HEAD + "".join(f"  - {{name: web{each}, previous_name: older, rules: []}}\n" for each in range(size // 50))


def same_name(size: int) -> str:
    """The same group, again and again."""
    return HEAD + "  - {name: web, rules: []}\n" * (size // 28)


def tags(size: int) -> str:
    """One group with as many tags as fit."""
    number = min(_ENTRIES, size // 16)
    return HEAD + "  - name: web\n    tags:\n" + "".join(f"      t{each}: v\n" for each in range(number))


def exceptions(size: int) -> str:
    """One group whose rules have hundreds of exceptions each."""
    one = '{policy: rule_description, reason: because, until: "2099-01-01"}'
    some = "[" + ", ".join([one] * 100) + "]"
    number = max(1, size // len(some))
    return groups(
        max(1, number // 200),
        lambda each: [
            f"{{direction: ingress, protocol: tcp, ports: {1 + rule}, exception: {some}}}"
            for rule in range(min(200, number))
        ],
    )


def long_text(size: int) -> str:
    """Texts of hundreds of kilobytes, where short ones belong."""
    text = "x" * (size // 4)
    return groups(1, lambda _: [f"{{direction: {text}, protocol: {text}, remote_ip_prefix: {text}, {text[:900]}: 1}}"])


def long_lines(size: int) -> str:
    """Everything wrong, on one line."""
    number = min(_ENTRIES, size // 12)
    return f"{HEAD}  - {{name: web, rules: [{', '.join(['{direct: 1}'] * number)}]}}\n"


def unknown_keys(size: int) -> str:
    """A rule with nothing but keys that nobody knows."""
    number = min(_ENTRIES, size // 20)
    return groups(1, lambda _: ["{" + ", ".join(f"direktion{each}: 1" for each in range(number)) + "}"])


def many_unknown_keys(size: int) -> str:
    """Groups, each of which has a key that nobody knows."""
    return HEAD + "".join(f"  - {{name: web{each}, rulez: [], tag: 1}}\n" for each in range(size // 40))


def alias_bomb(size: int) -> str:
    """Aliases that stand for aliases, and thousands that stand for a list of hundreds."""
    rules = ", ".join(f"{{direction: ingress, protocol: tcp, ports: {each + 1}}}" for each in range(250))
    number = min(500, size // 24)
    first = f"{HEAD}  - {{name: web, rules: &r [{rules}]}}\n"
    return first + "".join(f"  - {{name: web{each}, rules: *r}}\n" for each in range(number))


def alias_documents(size: int) -> str:
    """Documents of a few hundred bytes that each expand to nearly a million values."""
    tens = ["x0: &x0 [0, 0, 0, 0, 0, 0, 0, 0, 0]"]
    tens += [f"x{each}: &x{each} [{', '.join([f'*x{each - 1}'] * 9)}]" for each in range(1, 6)]
    text = "---\n" + "\n".join(tens) + "\n"
    return text * max(1, size // len(text))


def merge_chain(size: int) -> str:
    """Mappings, each of which merges the one before and has a key of its own."""
    number = size // 40
    lines = ["x: 0\nm0: &m0 {k0: 1}\n"]
    lines += [f"m{each}: &m{each} {{<<: *m{each - 1}, k{each}: 1}}\n" for each in range(1, min(number, _ENTRIES))]
    return "".join(lines)


def merge_wide(size: int) -> str:
    """Mappings that each merge one large one."""
    keys = min(_ENTRIES, size // 20)
    big = "m: &m {" + ", ".join(f"k{each}: 1" for each in range(keys)) + "}\n"
    return big + "".join(f"n{each}: {{<<: *m}}\n" for each in range((size - len(big)) // 18))


def merge_list(size: int) -> str:
    """One mapping that merges the same one again and again."""
    return (
        "m: &m {"
        + ", ".join(f"k{each}: 1" for each in range(min(_ENTRIES, size // 30)))
        + "}\nn: {<<: ["
        + ", ".join(["*m"] * min(_ENTRIES, size // 8))
        + "]}\n"
    )


def many_documents(size: int) -> str:
    """As many documents as fit, with address groups in each."""
    return "".join(
        f"---\nproject_id: 1\nregion_id: {each + 1}\naddress_groups: {{a{each}: [10.0.0.1]}}\n"
        "security_groups: [{name: web, rules: []}]\n"
        for each in range(size // 110)
    )


def same_address_groups(size: int) -> str:
    """One address group, defined over and over with the same prefixes in another order."""
    number = max(1, size // 40_000)
    listed = [address(2 * each) for each in range(max(2, min(2000, size // 100)))]
    return "".join(
        f"---\naddress_groups: {{a: [{', '.join(listed[each % 2000 :] + listed[: each % 2000])}]}}\n"
        for each in range(max(2, number))
    )


def duplicates(size: int) -> str:
    """One group whose rules all say the same."""
    number = min(_ENTRIES, size // 60)
    return groups(1, lambda _: [f"{RULE}}}"] * number)


def ports(size: int) -> str:
    """A rule with all ports there are, over and over."""
    listed = f"[{', '.join(str(each) for each in range(1, min(65_000, size // 6)))}]"
    number = max(1, size // len(listed))
    return groups(number, lambda _: [f"{{direction: ingress, protocol: tcp, ports: {listed}}}"])


def mergeable(size: int) -> str:
    """Groups of 250 rules that lint would merge."""
    return groups(
        max(1, size // (250 * 80)),
        lambda _: (
            [
                f"{{direction: ingress, protocol: tcp, ports: {1 + 2 * rule}, remote_ip_prefix: 10.0.{rule}.0/24}}"
                for rule in range(125)
            ]
            + [
                f"{{direction: ingress, protocol: udp, ports: {1 + rule // 2}, remote_ip_prefix: 10.{rule % 2}.0.0/16}}"
                for rule in range(125)
            ]
        ),
    )


def rules_at_fault(size: int) -> str:
    """Rules that are well-formed, and each refer to an address group that is a letter away from a thousand."""
    names = [f"office-{each}" for each in range(min(1000, size // 60))]
    listed = "".join(f"  {name}: [10.0.0.1]\n" for name in names)
    number = size // 80
    return f"address_groups:\n{listed}" + groups(
        max(1, number // 100), lambda each: [f"{RULE}, remote_address_group: offise-{each}}}"] * min(100, number)
    )


def flow_prefixes(size: int) -> str:
    """One rule with as many prefixes as fit, and so many ranges."""
    number = min(_ENTRIES, size // 40)
    prefixes = ", ".join(address(2 * each) for each in range(number))
    listed = ", ".join(str(each) for each in range(1, min(65_000, number)))
    return groups(
        1, lambda _: [f"{{direction: ingress, protocol: tcp, ports: [{listed}], remote_ip_prefixes: [{prefixes}]}}"]
    )


def host_bits(size: int) -> str:
    """Prefixes with host bits, all of which can be mended."""
    return groups(
        max(1, size // (100 * 85)),
        lambda _: [
            f"{{direction: ingress, protocol: tcp, ports: {1 + rule}, remote_ip_prefix: 10.{rule}.0.1/24}}"
            for rule in range(100)
        ],
    )


def many_targets(size: int) -> str:
    """A few groups in as many targets as a run reads."""
    number = max(2, min(10_000, size // 100))
    targets = ", ".join(f"{{project_id: {each // 100 + 1}, region_id: {each % 100 + 1}}}" for each in range(number))
    return f"targets: [{targets}]\n" + "".join(groups(10, lambda _: [f"{RULE}}}"]).partition("security_groups")[1:])


_USE = "{use: "


def rule_set(name: str, rules: list[str]) -> str:
    """Write a rule set."""
    return f"  {name}:\n" + "".join(f"    - {rule}\n" for rule in rules)


def sets_in_every_group(size: int) -> str:
    """One set of 250 rules, in as many groups as fit."""
    full = rule_set("base", [f"{{direction: ingress, protocol: tcp, ports: {1 + each}}}" for each in range(250)])
    return f"rule_sets:\n{full}" + groups(max(1, min(_ENTRIES, size // 60)), lambda _: ["{use: base}"])


def sets_of_sets(size: int) -> str:
    """Sets that each use the one before, and have a rule of their own; groups use the last ones."""
    number = min(_ENTRIES, max(2, size // 120))
    own = "{direction: ingress, protocol: udp, ports: "
    listed = "rule_sets:\n" + rule_set("s0", [f"{RULE}}}"])
    listed += "".join(
        rule_set(f"s{each}", [f"{{use: s{each - 1}}}", f"{own}{each % 249 + 1}}}"]) for each in range(1, number)
    )
    return listed + groups(max(1, size // 200), lambda each: [f"{{use: s{number - 1 - each % number}}}"])


def many_sets_in_every_group(size: int) -> str:
    """Groups that name hundreds of sets of one rule, all of them the same ones."""
    listed = "rule_sets:\n" + "".join(
        rule_set(f"s{each}", [f"{{direction: ingress, protocol: tcp, ports: {each + 1}}}"]) for each in range(250)
    )
    some = "[" + ", ".join(f"s{each}" for each in range(250)) + "]"
    return listed + groups(max(1, size // (len(some) + 60)), lambda _: [f"{{use: {some}}}"])


def sets_in_a_circle(size: int) -> str:
    """Sets, each of which uses the next hundred, so that there are circles without number."""
    number = max(2, min(_ENTRIES, size // 800))
    return "rule_sets:\n" + "".join(
        rule_set(f"s{each}", [_USE + "[" + ", ".join(f"s{(each + one) % number}" for one in range(1, 101)) + "]}"])
        for each in range(number)
    )  # fmt: skip


def unknown_sets(size: int) -> str:
    """Uses of sets that are a letter away from a thousand others."""
    listed = "rule_sets:\n" + "".join(rule_set(f"base-{each}", [f"{RULE}}}"]) for each in range(min(1000, size // 80)))
    return listed + groups(max(1, size // 1600), lambda each: [f"{{use: basse-{each}-{one}}}" for one in range(50)])


_MANY_STARS = "*a" * 120


def left_to_others(size: int) -> str:
    """Groups with fifty entries of `ignore_rules` each, of long globs, that their own rules do not match."""
    entries = [f"{{description: '{_MANY_STARS}{each}*'}}" for each in range(50)]
    text = ", ".join(entries)
    return HEAD + "".join(
        f"  - name: web{each}\n    ignore_rules: [{text}]\n    rules:\n"
        + "".join(
            f"      - {{direction: ingress, protocol: tcp, ports: {1 + one}, description: {'a' * 200}}}\n"
            for one in range(100)
        )
        for each in range(max(1, size // (len(text) + 26_000)))
    )


def globs_of_their_own(size: int) -> str:
    """Entries of `ignore_rules` with globs that are all different, for a rule each."""
    return HEAD + "".join(
        f"  - name: web{each}\n    ignore_rules: ["
        + ", ".join(f"{{description: 'k{each}-{one}*'}}" for one in range(50))
        + f"]\n    rules: [{RULE}}}]\n"
        for each in range(max(1, size // 1700))
    )


def own_keys(size: int) -> str:
    """As many keys of one's own as others."""
    number = min(_ENTRIES // 2, size // 16)
    return "".join(f"x-{each}: 1\n" for each in range(number)) + "".join(f"k{each}: 1\n" for each in range(number))


def unlike_address_groups(size: int) -> str:
    """Address groups that one document lists, another has others publish, and a third lists otherwise."""
    number = min(_ENTRIES, size // 80)
    return "---\n".join(
        "address_groups:\n" + "".join(f"  a{each}: {what}\n" for each in range(number))
        for what in ("[10.0.0.1]", "{source: gcore-cdn}", "[10.0.0.2]")
    )


def flows_of_one_address_group(size: int) -> str:
    """Flows of policies, each of tens of thousands of prefixes."""
    flow = "    - {group: web, direction: ingress, remote_address_group: a}\n"
    number = min(_ENTRIES, size // 150)
    return f"address_groups:\n{address_group(min(_ENTRIES, size // 32))}policies:\n  must_deny:\n{flow * number}"


def unknown_keys_of_targets(_: int) -> str:
    """A hundred targets of a hundred keys each that nobody knows."""
    keys = ", ".join(f"zz{each}: 1" for each in range(100))
    return "security_groups: []\ntargets:\n" + f"- {{{keys}}}\n" * 100


def expanded_beside_others(size: int) -> str:
    """Rules of 250 rules each, that fifty entries of `ignore_rules` are compared with."""
    entries = "".join(f"  - {{description: '{_MANY_STARS}{each}'}}\n" for each in range(50))
    listed = ", ".join(str(2 * each + 1) for each in range(250))
    rule = f"{{direction: ingress, protocol: tcp, ports: [{listed}], description: {'a' * 200}}}"
    return f"ignore_rules:\n{entries}" + groups(max(1, size // 1600), lambda _: [rule])


def slips_of_sets(size: int) -> str:
    """Documents, each with a key that is nearly `rule_sets`."""
    return "---\nrule_setz: {a: []}\n" * min(_ENTRIES, size // 24)


FILES: dict[str, Callable[[int], str]] = {
    each.__name__: each
    for each in (
        one_address_group_in_every_rule, one_group_of_one_rule, many_address_groups_in_every_rule,
        documents_of_targets_and_groups, rules_in_many_targets, full_groups, circles, one_referred_to, all_to_all,
        previous_names, same_name, tags, exceptions, long_text, long_lines, unknown_keys, many_unknown_keys,
        alias_bomb, alias_documents, merge_chain, merge_wide, merge_list, many_documents, same_address_groups,
        duplicates, ports, mergeable, rules_at_fault, flow_prefixes, host_bits, many_targets, sets_in_every_group,
        sets_of_sets, many_sets_in_every_group, sets_in_a_circle, unknown_sets, left_to_others, globs_of_their_own,
        own_keys, unlike_address_groups, flows_of_one_address_group, unknown_keys_of_targets, expanded_beside_others,
        slips_of_sets,
    )
}  # fmt: skip
"""Desired-state files by what is bad about them."""


def settings(size: int) -> str:
    """Settings with a bad key beside an array of thousands of lines."""
    lines = "".join(f'  "p{each}",\n' for each in range(size // 14))
    return f"paths = [\n{lines}]\nparalelism = 3\n"


def bad_settings(size: int) -> str:
    """Settings of nothing but bad keys."""
    return "".join(f"paralelism{each} = 3\n" for each in range(size // 22))


def bad_tables(size: int) -> str:
    """Settings of nothing but bad tables."""
    return "".join(f"[t{each}]\n" for each in range(size // 11))


def dotted_settings(size: int) -> str:
    """A bad key of as many dots as fit into a line."""
    return f"a{'.a' * min(500, size // 2)} = 1\n" + "".join(f"x{each} = '{'=' * 50}'\n" for each in range(size // 64))


def one_line_settings(size: int) -> str:
    """An inline table of as many keys as fit."""
    return "limits = {" + ", ".join(f"k{each} = 1" for each in range(size // 14)) + "}\n"


def many_paths(size: int) -> str:
    """Paths that are not there, as many as fit."""
    listed = "".join(f'  "p{each}",\n' for each in range(size // 14))
    return f"paths = [\n{listed}]\n"


def long_globs(size: int) -> str:
    """Globs of stars, as long as they may be, and paths that they might match."""
    globs = ", ".join(f'"{"*a" * 95}{each}"' for each in range(10))
    return f"exclude = [{globs}]\n{many_paths(max(14, size - 2000))}"


def too_many_globs(size: int) -> str:
    """More globs than are taken."""
    return "exclude = [" + ", ".join(f'"**/x{each}/**"' for each in range(size // 18)) + "]\n"


SETTINGS: dict[str, Callable[[int], str]] = {
    each.__name__: each
    for each in (
        settings, bad_settings, bad_tables, dotted_settings, one_line_settings, many_paths, long_globs, too_many_globs,
    )
}  # fmt: skip


_FLOW = 'group = "*", direction = "ingress", protocol = "tcp"'


def denied_flows(size: int) -> str:
    """Flows that every group has to refuse, each with a prefix and ports of its own."""
    flows = (
        f'  {{ {_FLOW}, ports = {1 + each % 60_000}, remote_ip_prefix = "{address(each)}/32" }},\n'
        for each in range(size // 105)
    )
    return f"[policies]\nmust_deny = [\n{''.join(flows)}]\n"


def allowed_flows(size: int) -> str:
    """Flows that every group has to admit, and none does."""
    return denied_flows(size).replace("must_deny", "must_allow")


def broad_flows(size: int) -> str:
    """Flows that every group admits much of."""
    flows = (
        f'  {{ {_FLOW}, ports = "{1 + each % 20_000}-65000", remote_ip_prefix = "10.0.0.0/{8 + each % 25}" }},\n'
        for each in range(min(100, size // 105))
    )
    return f"[policies]\nmust_deny = [\n{''.join(flows)}]\n"


def flows_of_names(size: int) -> str:
    """A thousand flows, each for the groups of a pattern that few names fit."""
    flows = (
        f'  {{ group = "*{each}*w*b*", direction = "ingress", protocol = "tcp", ports = 22 }},\n'
        for each in range(min(1000, size // 80))
    )
    return f"[policies]\nmust_deny = [\n{''.join(flows)}]\n"


def management_ports(size: int) -> str:
    """Every other port as one of management, and a limit of no port at all."""
    ports = ", ".join(str(each) for each in range(1, min(65_535, size // 7), 2))
    return f"[policies.world_open_management]\nports = [{ports}]\n[policies.world_open_any_port]\nmax_ports = 0\n"


def allowed_prefixes(size: int) -> str:
    """Hundreds of thousands of prefixes that rules may name."""
    listed = ", ".join(f'"{address(each * 2)}/32"' for each in range(size // 18))
    return f'[policies.allowed_prefixes]\nlevel = "error"\nprefixes = [{listed}]\n'


def everything_wrong(_: int) -> str:
    """Policies that every rule breaks."""
    return (
        '[policies]\nrule_description = {pattern = "((x+x+)+y){1,20}"}\nrequired_tags = {tags = ["a", "b"]}\n'
        'forbidden_protocols = ["tcp"]\nmax_prefix_size = {ipv4 = 32, ipv6 = 128}\n'
    )


POLICIES: dict[str, Callable[[int], str]] = {
    each.__name__: each
    for each in (
        denied_flows,
        allowed_flows,
        broad_flows,
        flows_of_names,
        management_ports,
        allowed_prefixes,
        everything_wrong,
    )
}
"""Files of policies."""


def uuid(*parts: object) -> str:
    """Make an id of whatever it is for."""
    text = hashlib.sha256(repr(parts).encode()).hexdigest()
    return f"{text[:8]}-{text[8:12]}-4{text[13:16]}-8{text[17:20]}-{text[20:32]}"


def live_rule(group: int, number: int, **fields: Any) -> dict[str, Any]:
    """Make a rule as the API answers it."""
    return {
        "id": uuid("rule", group, number), "direction": "ingress", "ethertype": "IPv4", "protocol": "tcp",
        "port_range_min": None, "port_range_max": None, "remote_ip_prefix": None, "remote_group_id": None,
        "description": "", **fields,
    }  # fmt: skip


def live_group(number: int, rules: list[dict[str, Any]], name: str | None = None, **fields: Any) -> dict[str, Any]:
    """Make a group as the API answers it."""
    return {
        "id": uuid("group", number), "name": name or f"web{number}", "description": "", "tags_v2": [],
        "security_group_rules": rules, "revision_number": 1, **fields,
    }  # fmt: skip


def user_actions(number: int) -> list[dict[str, Any]]:
    """Make entries of the log of user actions, each about ten rules of a group of its own."""
    rules = [{"action": "create", "direction": "ingress", "remote_ip_prefix": address(each)} for each in range(10)]
    return [
        {
            "id": str(number - each), "timestamp": datetime.now(UTC).isoformat(), "action_type": "update",
            "email": "x" * 300, "api_group": "securitygroup", "project_id": 1, "region_id": 7,
            "action_data": {"changed_rules": rules}, "resources": [{"resource_id": uuid("group", each)}],
        }
        for each in range(number)
    ]  # fmt: skip


def live_orphans(number: int) -> list[dict[str, Any]]:
    """Groups of the files' owner that no file names, each with rules that twenty others have."""
    tag = [{"key": "sgctl-owner", "value": "me", "read_only": False}]
    return [
        live_group(
            each,
            [live_rule(each, port, port_range_min=p, port_range_max=p)
             for port in range(25) for p in [1 + (each // 20 * 25 + port) % 60_000]],
            name=f"was{each}", tags_v2=tag,
        )
        for each in range(number)
    ]  # fmt: skip


def new_names(size: int) -> str:
    """Groups with the rules of those (`live_orphans`), and other names."""
    return "owner: me\n" + groups(
        max(2, size // (25 * 60)),
        lambda each: [
            f"{{direction: ingress, protocol: tcp, ports: {1 + (each // 20 * 25 + port) % 60_000}}}"
            for port in range(25)
        ],
    )


def _live_nested(group: int, number: int) -> dict[str, Any]:
    return live_rule(
        group, number, port_range_min=1 + number * 100 + group % 50, port_range_max=30000 + number * 100,
        remote_ip_prefix=f"10.0.0.0/{8 + (number + 1) % 25}", description=f"d{number % 7}",
    )  # fmt: skip


def _live_grid(group: int, number: int) -> dict[str, Any]:
    """Prefixes that are apart, with ports that interleave."""
    return live_rule(
        group, number, port_range_min=1 + (number * 37 + group) % 5000, port_range_max=30000 + (number * 91) % 9000,
        remote_ip_prefix=f"{10 + number % 100}.{number}.{group % 256}.0/24",
    )  # fmt: skip


def _live_chain(number: int, group: int) -> list[dict[str, Any]]:
    return [live_rule(group, 0, remote_group_id=uuid("group", (group + 1) % number))]


def live_nested(number: int) -> list[dict[str, Any]]:
    """Groups of 250 rules that nest."""
    return [live_group(each, [_live_nested(each, rule) for rule in range(250)]) for each in range(number)]


def live_grid(number: int) -> list[dict[str, Any]]:
    """Groups of 250 rules that cross."""
    return [live_group(each, [_live_grid(each, rule) for rule in range(250)]) for each in range(number)]


def live_world(number: int) -> list[dict[str, Any]]:
    """Groups of 250 rules that are open to the world together, each with ports of its own."""
    return [
        live_group(
            each,
            [
                live_rule(each, rule, port_range_min=1 + rule * 3 + each % 3, port_range_max=20000 + rule * 170,
                          remote_ip_prefix=f"{16 * (rule % 16)}.0.0.0/{4 + rule // 16}")
                for rule in range(250)
            ],
        )
        for each in range(number)
    ]  # fmt: skip


def live_dense(number: int) -> list[dict[str, Any]]:
    """Groups whose rules all refer to other groups, each to 250."""
    return [
        live_group(
            each,
            [
                live_rule(each, rule, port_range_min=1 + rule, port_range_max=1 + rule,
                          remote_group_id=uuid("group", (each * 31 + rule * 7) % number))
                for rule in range(250)
            ],
        )
        for each in range(number)
    ]  # fmt: skip


def live_same_name(number: int) -> list[dict[str, Any]]:
    """Groups of one name."""
    return [live_group(each, [], name="web0") for each in range(number)]


def live_chain(number: int) -> list[dict[str, Any]]:
    """Groups in a chain, owned by the files' owner."""
    tag = [{"key": "sgctl-owner", "value": "me", "read_only": False}]
    return [live_group(each, _live_chain(number, each), name=f"older{each}", tags_v2=tag) for each in range(number)]


def live_described(number: int) -> list[dict[str, Any]]:
    """Groups of the files' owner, of 250 rules with long descriptions."""
    tag = [{"key": "sgctl-owner", "value": "me", "read_only": False}]
    return [
        live_group(
            each,
            [
                live_rule(each, rule, port_range_min=1 + rule, port_range_max=1 + rule, description="a" * 255)
                for rule in range(250)
            ],
            tags_v2=tag,
        )
        for each in range(number)
    ]  # fmt: skip


def left_of_described(number: int) -> str:
    """Half of those groups (`live_described`), with fifty long globs each that nearly match their rules."""
    kept = "".join(
        f"  - name: web{each}\n    ignore_rules: ["
        + ", ".join(f"{{description: '{_MANY_STARS}{each}-{one}'}}" for one in range(50))
        + f"]\n    rules: [{RULE}}}]\n"
        for each in range(max(1, number // 2))
    )
    return f"owner: me\n{HEAD}{kept}"


def live_names(number: int) -> list[dict[str, Any]]:
    """Groups of many names, without rules."""
    return [live_group(each, []) for each in range(number)]


def terraform_state(size: int, number: int) -> str:
    """Write a state of Terraform in which so many live groups are managed, over and over."""
    resources = [
        {
            "mode": "managed", "type": "gcore_securitygroup", "name": f"g{each}",
            "instances": [{"attributes": {"id": uuid("group", each % number)}}],
        }
        for each in range(max(1, size // 160))
    ]  # fmt: skip
    return json.dumps({"version": 4, "resources": resources})


LIVE: dict[str, Callable[[int], list[dict[str, Any]]]] = {
    each.__name__: each
    for each in (
        live_nested,
        live_grid,
        live_world,
        live_dense,
        live_same_name,
        live_chain,
        live_names,
        live_orphans,
        live_described,
    )
}

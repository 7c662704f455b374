"""Every way to write a rule, a group and a target means what the documentation says."""

from typing import Any

import pytest
from texts import load_text

from reconciler.loading.desired import unresolved_references
from reconciler.loading.head import Defaults
from reconciler.model.desired import Target
from reconciler.model.errors import InputError
from reconciler.model.rule import Rule

HEAD = "project_id: 1\nregion_id: 7\n"
OFFICE = "address_groups: {office: [203.0.113.0/24, 2001:db8:10::/48], home: [198.51.100.7, 203.0.113.0/24]}\n"
ID = "5F3A0000-0000-4000-8000-00000000000a"
ANY4, ANY6 = Rule("ingress", "IPv4"), Rule("ingress", "IPv6")


def tcp(low: int, high: int, **others: Any) -> Rule:
    return ANY4._replace(protocol="tcp", port_range_min=low, port_range_max=high, **others)


RULES = {
    "nothing but a direction": ("", [ANY4]),
    "egress": ("direction: egress", [Rule("egress", "IPv4")]),
    "API fields": (
        "ethertype: IPv4, protocol: tcp, port_range_min: 80, port_range_max: 81, remote_ip_prefix: 10.0.0.0/8",
        [tcp(80, 81, remote_ip_prefix="10.0.0.0/8")],
    ),
    "an API answer": (
        """id: x, created_at: 2019-06-18T11:56:16+0000, updated_at: 2019-06-18, revision_number: 0,
        security_group_id: 00000000-0000-4000-8000-00000000000a,
        ethertype: IPv4, protocol: null, port_range_min: null, port_range_max: null, remote_ip_prefix: null,
        remote_group_id: null, description: null""",
        [ANY4],
    ),
    "any": ("protocol: any", [ANY4]),
    "number of a known protocol": ("protocol: '6', ports: 80", [tcp(80, 80)]),
    "number of an unknown protocol": ("protocol: '99'", [ANY4._replace(protocol="99")]),
    "a port": ("protocol: tcp, ports: 80", [tcp(80, 80)]),
    "a range": ("protocol: tcp, ports: 8000-8099", [tcp(8000, 8099)]),
    "ports": ("protocol: tcp, ports: [80, 443, 8000-8099, 80-80]", [tcp(80, 80), tcp(443, 443), tcp(8000, 8099)]),
    "all ports": ("protocol: tcp, ports: 1-65535", [ANY4._replace(protocol="tcp")]),
    "all ports in API fields": (
        "protocol: tcp, port_range_min: 1, port_range_max: 65535",
        [ANY4._replace(protocol="tcp")],
    ),
    "ICMP type and code": (
        "protocol: icmp, icmp_type: 8, icmp_code: 0",
        [ANY4._replace(protocol="icmp", port_range_min=8, port_range_max=0)],
    ),
    "ICMP type": ("protocol: icmp, icmp_type: 8", [ANY4._replace(protocol="icmp", port_range_min=8)]),
    "ICMP in API fields": (
        "protocol: icmp, port_range_min: 0, port_range_max: 0",
        [ANY4._replace(protocol="icmp", port_range_min=0, port_range_max=0)],
    ),
    "ICMP of IPv6": ("protocol: icmp, ethertype: IPv6", [ANY6._replace(protocol="ipv6-icmp")]),
    "ICMP of both": (
        "protocol: icmp, ethertype: [IPv4, IPv6], icmp_type: 1",
        [ANY4._replace(protocol="icmp", port_range_min=1), ANY6._replace(protocol="ipv6-icmp", port_range_min=1)],
    ),
    "family of the prefix": ("remote_ip_prefix: 2001:DB8:0::/32", [ANY6._replace(remote_ip_prefix="2001:db8::/32")]),
    "everywhere": ("remote_ip_prefix: 0.0.0.0/0", [ANY4]),
    "everywhere of IPv6": ("remote_ip_prefix: '::/0'", [ANY6]),
    "an address": ("remote_ip_prefix: 10.0.0.1", [ANY4._replace(remote_ip_prefix="10.0.0.1/32")]),
    "an IPv6 address": ("remote_ip_prefix: 'fe80::1'", [ANY6._replace(remote_ip_prefix="fe80::1/128")]),
    "prefixes of both families": (
        "remote_ip_prefixes: [10.0.0.0/8, '2001:db8::/32', 10.0.0.0/8]",
        [ANY4._replace(remote_ip_prefix="10.0.0.0/8"), ANY6._replace(remote_ip_prefix="2001:db8::/32")],
    ),
    "families matched up": (
        "ethertype: [IPv6, IPv4], remote_ip_prefixes: [10.0.0.0/8, '::/0']",
        [ANY4._replace(remote_ip_prefix="10.0.0.0/8"), ANY6],
    ),
    "both families everywhere": ("ethertype: [IPv4, IPv6]", [ANY4, ANY6]),
    "address group": (
        "remote_address_group: office",
        [ANY4._replace(remote_ip_prefix="203.0.113.0/24"), ANY6._replace(remote_ip_prefix="2001:db8:10::/48")],
    ),
    "address groups that overlap": (
        "remote_address_group: [home, office], ethertype: [IPv4, IPv6]",
        [
            ANY4._replace(remote_ip_prefix="198.51.100.7/32"),
            ANY4._replace(remote_ip_prefix="203.0.113.0/24"),
            ANY6._replace(remote_ip_prefix="2001:db8:10::/48"),
        ],
    ),
    "group by id": (f"remote_group_id: {ID}", [ANY4._replace(remote_group_id=ID)]),
    "product": (
        "protocol: tcp, ports: [1, 2], remote_ip_prefixes: [10.0.0.0/8, 11.0.0.0/8]",
        [tcp(port, port, remote_ip_prefix=prefix) for prefix in ("10.0.0.0/8", "11.0.0.0/8") for port in (1, 2)],
    ),
}


@pytest.mark.parametrize(("written", "rules"), RULES.values(), ids=RULES)
def test_a_written_rule_means(written: str, rules: list[Rule]) -> None:
    """One written rule stands for these canonical rules, in this order."""
    direction = "" if "direction" in written else "direction: ingress, "
    text = f"{HEAD}{OFFICE}security_groups: [{{name: web, rules: [{{{direction}{written}}}]}}]"
    [group] = load_text(text).groups
    assert group.rules is not None
    assert [rule.rule for rule in group.rules] == rules


def test_a_remote_group_stays_a_name() -> None:
    """Names become ids when live state is known; until then they tell rules apart."""
    text = (
        HEAD + "security_groups: [{name: web, rules: [{direction: ingress, remote_group: app}, {direction: ingress}]}]"
    )
    state = load_text(text)
    assert state.groups[0].rules is not None
    assert [(rule.rule, rule.remote_group) for rule in state.groups[0].rules] == [(ANY4, "app"), (ANY4, None)]
    [note] = unresolved_references(state)
    assert (note.place.line, note.place.column) == (3, 39)
    assert "`app`" in note.message


def test_a_group_of_any_file_resolves_a_reference() -> None:
    """A reference to a group that another document defines for the same target is no news."""
    text = (
        f"{HEAD}security_groups: [{{name: web, rules: [{{direction: ingress, remote_group: app}}]}}]\n"
        f"---\n{HEAD}security_groups: [{{name: app}}]"
    )
    assert unresolved_references(load_text(text)) == ()


def test_what_is_left_out_is_left_alone() -> None:
    """A missing key is None, an empty one is empty."""
    text = HEAD + "security_groups: [{name: web}, {name: app, rules: [], tags: {}, description: ''}]"
    web, app = load_text(text).groups
    assert (web.rules, web.tags, web.description) == (None, None, None)
    assert (app.rules, app.tags, app.description) == ((), {}, "")


def test_a_written_twice_rule_is_merged() -> None:
    """The same rule with the same description counts once, at its first place."""
    rules = "  - direction: ingress\n  - {direction: ingress, remote_ip_prefix: 0.0.0.0/0}"
    text = f"{HEAD}security_groups:\n- name: web\n  rules:\n{rules}"
    [group] = load_text(text).groups
    assert group.rules is not None
    assert [rule.place.line for rule in group.rules] == [6]


def test_targets_multiply_groups() -> None:
    """Each target gets each group, target by target; the head fills what an entry leaves out."""
    targets = "targets: [{region_id: 7}, {project_id: 2, region_id: 8}]"
    text = f"project_id: 1\nowner: me\n{targets}\nsecurity_groups: [{{name: web}}, {{name: app}}]"
    state = load_text(text)
    assert state.targets == (Target(1, 7), Target(2, 8))
    assert [(group.target, group.name) for group in state.groups] == [
        (target, name) for target in state.targets for name in ("web", "app")
    ]
    assert state.owners == {target: frozenset({"me"}) for target in state.targets}


DEFAULTS = {
    "flags fill": ("", Defaults(1, 7, 3, 9), Target(1, 7)),
    "environment fills": ("", Defaults(None, None, 3, 9), Target(3, 9)),
    "flags win over the environment": ("region_id: 7\n", Defaults(1, None, 3, 9), Target(1, 7)),
    "documents win over the environment": (HEAD, Defaults(None, None, 3, 9), Target(1, 7)),
    "a flag may agree": (HEAD, Defaults(1, 7), Target(1, 7)),
}


@pytest.mark.parametrize(("head", "defaults", "target"), DEFAULTS.values(), ids=DEFAULTS)
def test_defaults_fill_what_is_missing(head: str, defaults: Defaults, target: Target) -> None:
    """Flag and environment only fill what a document leaves out."""
    assert load_text(head + "security_groups: []", defaults).targets == (target,)


def test_address_groups_need_no_target() -> None:
    """A file of shared sets belongs to no project; the same set may be there twice."""
    one, other = "[10.0.0.0/8, 10.1.0.0/16]", "[10.1.0.0/16, 10.0.0.0/8]"
    state = load_text(f"address_groups: {{a: {one}}}\n---\naddress_groups: {{a: {other}}}")
    assert (state.groups, state.targets) == ((), ())


def test_aliases_and_merges_stand_for_what_they_name() -> None:
    """An anchor's rules and a merge that hides nothing are read as if written out, places included."""
    text = HEAD + (
        "security_groups:\n- name: web\n  rules: &rules\n"
        "  - &rule {direction: ingress}\n  - {<<: *rule, protocol: tcp}\n- name: app\n  rules: *rules\n"
    )
    web, app = load_text(text).groups
    assert web.rules is not None
    assert [(rule.rule.protocol, rule.place.line) for rule in web.rules] == [(None, 6), ("tcp", 7)]
    assert app.rules == web.rules


def test_what_is_written_beside_a_merge_overrides_it() -> None:
    """As YAML has it: the mapping's own key first, wherever it stands, then the mappings of the list in their order."""
    text = (
        "x-base: &base {direction: ingress, protocol: tcp, ports: 80}\n"
        "x-udp: &udp {protocol: udp, ports: 53, description: dns}\n"
        + HEAD
        + "security_groups:\n- name: web\n  rules:\n"
        "  - {ports: 443, <<: *base}\n  - {<<: *base, ports: 22, description: ssh}\n"
        "  - <<: [*base, *udp]\n    description: x\n"
    )
    [web] = load_text(text).groups
    assert web.rules is not None
    assert [(rule.rule.protocol, rule.rule.port_range_min, rule.description) for rule in web.rules] == [
        ("tcp", 443, ""), ("tcp", 22, "ssh"), ("tcp", 80, "x"),
    ]  # fmt: skip


def test_keys_of_ones_own_are_ignored_until_they_are_used() -> None:
    """What a key that begins with x- holds is judged where an alias uses it, and there alone."""
    text = "x-a: {b: on, c: 22:30, d: &d 010}\n" + HEAD + "security_groups: [{name: web, description: *d}]"
    with pytest.raises(InputError) as caught:
        load_text(text)
    [issue] = caught.value.issues
    assert issue.fix == 'write "010"'
    load_text(text.replace("description: *d", "description: d"))


def test_a_rule_for_which_an_alias_stands_is_where_the_alias_is() -> None:
    text = (
        "x-rules:\n- &ssh {direction: ingress, protocol: tcp, ports: 22}\n" + HEAD + "security_groups:\n- name: web\n"
        "  rules:\n  - *ssh\n  - {direction: egress}\n- name: app\n  rules: [{direction: egress}, *ssh]\n"
    )
    web, app = load_text(text).groups
    assert [(rule.place.line, rule.place.column) for rule in (*(web.rules or ()), *(app.rules or ()))] == [
        (8, 5), (9, 5), (11, 11), (11, 32),
    ]  # fmt: skip


NOTED = {
    "10.0.0.0": "10.0.0.0/8",
    "10.1.0.0": "10.1.0.0/16",
    "10.1.2.0": "10.1.2.0/24",
    "0.0.0.0": "0.0.0.0/0",
    "'2001:db8::'": "2001:db8::/32",
    "'::'": "::/0",
    "10.0.0.0/32": "",
    "10.0.0.1": "",
    "10.0.0.0/8": "",
    "'2001:db8::1'": "",
    "'2001:db8::/128'": "",
}


@pytest.mark.parametrize("written", NOTED)
def test_a_bare_address_that_ends_in_zeros_is_noted(written: str) -> None:
    """Whoever writes 10.0.0.0 may have meant 10.0.0.0/8; a length says what is meant, and silences the note."""
    for rule in (f"remote_ip_prefix: {written}", f"remote_ip_prefixes: [{written}]", "remote_address_group: a"):
        rules = f"security_groups: [{{name: web, rules: [{{direction: egress, {rule}}}]}}]"
        notes = load_text(f"{HEAD}address_groups: {{a: [{written}]}}\n{rules}").notes
        places = ([3] if "address" in rule else [3, 4]) if NOTED[written] else []
        assert [note.place.order[1] for note in notes] == places
        assert all(f"write {NOTED[written]} if" in note.message for note in notes)


def test_two_groups_of_one_name_are_told_apart_by_id() -> None:
    """An import writes two live groups of one name with their ids, and any name with an id."""
    text = f"{HEAD}security_groups: [{{name: w/b, id: {ID}}}, {{name: w/b, id: {ID[:-1]}b}}]"
    assert [group.id for group in load_text(text).groups] == [ID.lower(), ID.lower()[:-1] + "b"]


def test_explicit_tags_of_plain_data_are_read() -> None:
    """`!!str 1` is a way to quote."""
    rule = "{direction: ingress, protocol: tcp, ports: !!int '80'}"
    text = f"{HEAD}security_groups: !!seq [!!map {{name: web, tags: {{a: !!str 1}}, rules: [{rule}]}}]"
    [group] = load_text(text).groups
    assert group.tags == {"a": "1"}


def test_250_rules_fit() -> None:
    """The limit is what a group holds, after merging."""
    ports = ", ".join(str(port) for port in [*range(1, 251), *range(1, 100)])
    text = f"{HEAD}security_groups: [{{name: web, rules: [{{direction: ingress, protocol: tcp, ports: [{ports}]}}]}}]"
    [group] = load_text(text).groups
    assert len(group.rules or ()) == 250

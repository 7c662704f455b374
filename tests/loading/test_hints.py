"""Whoever follows a hint to the letter gets no rule that is wider than meant, and no key that is ignored.

What the keys of other tools mean is written down here once more, as whole rules, and not taken from the table.
"""

import copy
import json
import re
import string
from collections.abc import Iterator
from dataclasses import replace
from functools import reduce
from random import Random
from typing import Any

import pytest
from effort import examples
from follow import HEAD, OFFICE, Followed, admitted, follow
from hypothesis import given, settings
from hypothesis import strategies as st
from texts import load_text

from reconciler.loading import spellings
from reconciler.loading.hints import fix_key
from reconciler.loading.spellings import ByRemote, ByValue, Decide, LeftOut, Ours
from reconciler.loading.structure import nullable_keys
from reconciler.model.errors import InputError
from reconciler.model.place import FilePlace
from reconciler.model.published import read_schema
from reconciler.model.text import bare_word
from reconciler.traffic import Traffic

DEFINITIONS = read_schema("security-groups")["$defs"]
IGNORED = {key for key, part in DEFINITIONS["rule"]["properties"].items() if part.get("deprecated")}
LEVELS = {part["title"]: kind for kind, part in DEFINITIONS.items() if part.get("additionalProperties") is False}
IN, OUT = {"direction": "ingress"}, {"direction": "egress"}
SSH = {**IN, "protocol": "tcp", "ports": 22}
TEN = {"remote_ip_prefix": "10.0.0.0/8"}
NOTHING: list[dict[str, Any]] = []


def with_rules(*rules: Any) -> dict[str, Any]:
    return {**HEAD, "address_groups": OFFICE, "security_groups": [{"name": "web", "rules": list(rules)}]}


def traffic(*rules: Any) -> Traffic:
    state = follow(with_rules(*rules))
    assert state.state is not None, state.left
    assert not state.followed
    return Traffic.of(admitted(state.state))


def check_no_wider(written: Any, *meaning: Any) -> Traffic | None:
    """Follow all hints about a rule; what comes out admits no more than its meaning. Return it, None without any."""
    outcome = follow(with_rules(written))
    if outcome.state is None:
        return None
    got = Traffic.of(admitted(outcome.state))
    assert got.is_subset(traffic(*meaning)), (written, outcome.followed, got.flows())
    return got


RULES: dict[str, tuple[dict[str, Any], list[dict[str, Any]], bool]] = {
    # name: the rule as a tool has it, what it means in our words, and whether following the hints ends in just that
    "AWS API": (
        {**IN, "IpProtocol": "tcp", "FromPort": 22, "ToPort": 22, "CidrIp": "10.0.0.0/8"}, [SSH | TEN], True,
    ),
    "AWS API, IPv6": (
        {**IN, "IpProtocol": "tcp", "FromPort": 22, "ToPort": 22, "CidrIpv6": "2001:db8::/32"},
        [SSH | {"remote_ip_prefix": "2001:db8::/32"}], True,
    ),
    "AWS API, everything": ({**IN, "IpProtocol": "-1", "CidrIp": "10.0.0.0/8"}, [IN | TEN], True),
    "AWS API, a list of ranges": (
        {**IN, "IpProtocol": "tcp", "FromPort": 22, "ToPort": 22, "IpRanges": [{"CidrIp": "10.0.0.0/8"}]},
        [SSH | TEN], False,
    ),
    "AWS API, groups": (
        {**IN, "IpProtocol": "tcp", "FromPort": 22, "ToPort": 22, "UserIdGroupPairs": [{"GroupId": "sg-1"}]},
        NOTHING, False,
    ),
    "CloudFormation": (
        {**IN, "IpProtocol": "tcp", "FromPort": 22, "ToPort": 22, "SourceSecurityGroupName": "app"},
        [SSH | {"remote_group": "app"}], True,
    ),
    "CloudFormation, egress": (
        {**OUT, "IpProtocol": "tcp", "FromPort": 22, "ToPort": 22, "DestinationSecurityGroupId": "app"},
        [{**OUT, "protocol": "tcp", "ports": 22, "remote_group": "app"}], True,
    ),
    "CloudFormation, GroupId": ({**IN, "IpProtocol": "tcp", "GroupId": "sg-1"}, NOTHING, False),
    "Terraform of AWS": (
        {"type": "ingress", "protocol": "tcp", "from_port": 22, "to_port": 22, "cidr_blocks": ["10.0.0.0/8"]},
        [SSH | TEN], True,
    ),
    "Terraform of AWS, everything": (
        {"type": "egress", "protocol": "-1", "from_port": 0, "to_port": 0, "cidr_blocks": ["0.0.0.0/0"]}, [OUT], False,
    ),
    "Terraform of AWS, every port": (
        {"type": "ingress", "protocol": "tcp", "from_port": 0, "to_port": 65535, "cidr_blocks": ["10.0.0.0/8"]},
        [IN | TEN | {"protocol": "tcp"}], True,
    ),
    "Terraform of AWS, both families": (
        {**SSH, "cidr_blocks": ["10.0.0.0/8"], "ipv6_cidr_blocks": ["2001:db8::/32"]},
        [SSH | {"remote_ip_prefixes": ["10.0.0.0/8", "2001:db8::/32"]}], False,
    ),
    "Terraform of AWS, new": (
        {**IN, "ip_protocol": "tcp", "from_port": 22, "to_port": 22, "cidr_ipv4": "10.0.0.0/8"}, [SSH | TEN], True,
    ),
    "Terraform of AWS, new, a group": (
        {**IN, "ip_protocol": "tcp", "from_port": 22, "to_port": 22, "referenced_security_group_id": "sg-1"},
        [SSH | {"remote_group": "sg-1"}], True,
    ),
    "Terraform of AWS, a group, egress": (
        {"type": "egress", "protocol": "tcp", "from_port": 22, "to_port": 22, "source_security_group_id": "app"},
        [{**OUT, "protocol": "tcp", "ports": 22, "remote_group": "app"}], True,
    ),
    "Terraform of AWS, itself": (
        {**SSH, "self": True}, [SSH | {"remote_group": "web"}], False,
    ),
    "Terraform of AWS, itself and others": (
        {**SSH, "self": True, "cidr_blocks": ["10.0.0.0/8"]}, [SSH | {"remote_group": "web"}, SSH | TEN], False,
    ),
    "Terraform of AWS, not itself": ({**SSH, **TEN, "self": False}, [SSH | TEN], True),
    "Terraform of AWS, groups": ({**SSH, "security_groups": ["app"]}, [SSH | {"remote_group": "app"}], False),
    "Terraform of AWS, prefix lists": ({**SSH, "prefix_list_ids": ["pl-1"]}, NOTHING, False),
    "Terraform of AWS, ping": (
        {**IN, "protocol": "icmp", "from_port": 8, "to_port": -1, "cidr_blocks": ["10.0.0.0/8"]},
        [IN | TEN | {"protocol": "icmp", "icmp_type": 8}], False,
    ),
    "Terraform of Gcore": (
        {**IN, "ethertype": "IPv4", "protocol": "tcp", "port_range_min": 22, "port_range_max": 22, **TEN}, [SSH | TEN],
        True,
    ),
    "Terraform of OpenStack": (
        {**IN, "ethertype": "IPv4", "protocol": "tcp", "port_range_min": 22, "port_range_max": 22,
         "remote_group_id": "app", "security_group_id": "00000000-0000-4000-8000-00000000000a"},
        [SSH | {"remote_group": "app"}], False,
    ),
    "Terraform of OpenStack, an address group": ({**SSH, "remote_address_group_id": "x"}, NOTHING, False),
    "Heat": (
        {**SSH, **TEN, "remote_mode": "remote_ip_prefix"}, [SSH | TEN], True,
    ),
    "Heat, a group": (
        {**SSH, "remote_mode": "remote_group_id", "remote_group_id": "00000000-0000-4000-8000-00000000000a"},
        [SSH | {"remote_group_id": "00000000-0000-4000-8000-00000000000a"}], True,
    ),
    "Heat, itself": ({**SSH, "remote_mode": "remote_group_id"}, [SSH | {"remote_group": "web"}], False),
    "Heat, itself by null": (
        {**SSH, "remote_mode": "remote_group_id", "remote_group_id": None}, [SSH | {"remote_group": "web"}], False,
    ),
    "Heat, everyone": ({**SSH, "remote_mode": "remote_ip_prefix"}, [SSH], True),
    "OpenStack's API": (
        {**SSH, **TEN, "id": "x", "tenant_id": "a", "standard_attr_id": 5, "belongs_to_default_sg": False,
         "normalized_cidr": "10.0.0.0/8", "revision_number": 0, "created_at": "a"}, [SSH | TEN], True,
    ),
    "OpenStack's API, normalized alone": ({**SSH, "normalized_cidr": "10.0.0.0/8"}, [SSH | TEN], True),
    "OpenStack's client": (
        {"Direction": "ingress", "IP Protocol": "tcp", "Port Range": "22:22", "IP Range": "10.0.0.0/8",
         "Ethertype": "IPv4"}, [SSH | TEN], True,
    ),
    "Ansible of OpenStack": (
        {**IN, "security_group": "web", "protocol": "tcp", "port_range_min": 22, "port_range_max": 22,
         "remote_ip_prefix": "10.0.0.0/8", "state": "present"}, [SSH | TEN], True,
    ),
    "Ansible of OpenStack, absent": ({**SSH, **TEN, "state": "absent"}, NOTHING, False),
    "Ansible of OpenStack, for everyone": ({**SSH, "security_group": "web"}, [SSH], False),
    "Ansible of AWS": (
        {**IN, "proto": "tcp", "ports": [22], "cidr_ip": "10.0.0.0/8", "rule_desc": "x"}, [SSH | TEN], True,
    ),
    "Ansible of AWS, a group": ({**IN, "proto": "tcp", "ports": 22, "group_name": "app"}, NOTHING, False),
    "Ansible of AWS, tcp by default": ({**IN, "cidr_ip": "10.0.0.0/8"}, [IN | TEN | {"protocol": "tcp"}], False),
    "Ansible of AWS, a prefix list": ({**SSH, "ip_prefix": "pl-1"}, NOTHING, False),
    "AWS API, a rule as described": (
        {"IsEgress": False, "IpProtocol": "tcp", "FromPort": 22, "ToPort": 22, "CidrIpv4": "10.0.0.0/8",
         "SecurityGroupRuleId": "sgr-1", "GroupId": "sg-9", "GroupOwnerId": "1"}, [SSH | TEN], False,
    ),
    "Azure": (
        {"name": "ssh", "priority": 100, "direction": "Inbound", "access": "Allow", "protocol": "Tcp",
         "destinationPortRange": "22", "sourceAddressPrefix": "10.0.0.0/8"}, [SSH | TEN], True,
    ),
    "Azure, every field": (
        {"name": "ssh", "priority": 100, "direction": "Inbound", "access": "Allow", "protocol": "Tcp",
         "sourcePortRange": "*", "destinationPortRange": "22", "sourceAddressPrefix": "10.0.0.0/8",
         "destinationAddressPrefix": "*"}, [SSH | TEN], True,
    ),
    "Azure, a source port": ({**SSH, "sourcePortRange": "1000"}, NOTHING, False),
    "Azure, denied": ({**SSH, "priority": 4096, "access": "Deny", "sourceAddressPrefix": "*"}, NOTHING, False),
    "Azure, a tag": ({**SSH, "sourceAddressPrefix": "VirtualNetwork"}, NOTHING, False),
    "Azure, the world": ({**SSH, "sourceAddressPrefix": "Internet"}, [SSH], False),
    "Azure, egress": (
        {"direction": "Outbound", "access": "Allow", "protocol": "*", "destinationAddressPrefix": "10.0.0.0/8"},
        [OUT | TEN], True,
    ),
    "GCP": ({"direction": "INGRESS", "sourceRanges": ["10.0.0.0/8"], "allowed": [{"IPProtocol": "x"}]}, NOTHING, False),
    "GCP, tags": ({**SSH, "sourceTags": ["app"]}, NOTHING, False),
    "GCP, disabled": ({**SSH, **TEN, "disabled": True}, NOTHING, False),
    "GCP, not disabled": ({**SSH, **TEN, "disabled": False, "logConfig": {"enable": True}}, [SSH | TEN], True),
    "DigitalOcean": (
        {**IN, "protocol": "tcp", "ports": "22", "sources": {"addresses": ["10.0.0.0/8"]}}, [SSH | TEN], False,
    ),
    "DigitalOcean, every port": ({**IN, "protocol": "tcp", "ports": "0", **TEN}, [SSH | TEN], False),
    "Hetzner": (
        {"direction": "in", "protocol": "tcp", "port": "22", "source_ips": ["10.0.0.0/8"]}, [SSH | TEN], True,
    ),
    "Hetzner, out": (
        {"direction": "out", "protocol": "tcp", "port": "80-85", "destination_ips": ["10.0.0.0/8"]},
        [{**OUT, "protocol": "tcp", "ports": "80-85", **TEN}], True,
    ),
    "Alibaba": (
        {"type": "ingress", "ip_protocol": "tcp", "policy": "accept", "port_range": "22/22", "priority": 1,
         "cidr_ip": "10.0.0.0/8"}, [SSH | TEN], True,
    ),
    "Alibaba, a range": ({**SSH, **TEN, "ports": "20/22"}, [SSH | TEN | {"ports": "20-22"}], False),
    "Alibaba, a drop": ({**SSH, "policy": "drop"}, NOTHING, False),
    "Exoscale": (
        {"type": "INGRESS", "protocol": "TCP", "cidr": "10.0.0.0/8", "start_port": 22, "end_port": 22},
        [SSH | TEN], True,
    ),
    "Linode": (
        {**IN, "label": "ssh", "action": "ACCEPT", "protocol": "TCP", "ports": "22", "ipv4": ["10.0.0.0/8"]},
        [SSH | TEN], True,
    ),
    "Oracle": (
        {"direction": "INGRESS", "protocol": "6", "source": "10.0.0.0/8", "source_type": "CIDR_BLOCK",
         "tcp_options": {"destination_port_range": {"min": 22, "max": 22}}}, [SSH | TEN], False,
    ),
    "Scaleway, tcp by default": (
        {**IN, "action": "accept", "ip_range": "10.0.0.0/8"}, [IN | TEN | {"protocol": "tcp"}], False,
    ),
    "Vultr": ({**SSH, "ip_type": "v4", "subnet": "10.0.0.0", "subnet_size": 8, "notes": "x"}, [SSH | TEN], False),
    "Yandex": ({**IN, "protocol": "TCP", "v4_cidr_blocks": ["10.0.0.0/8"], "port": 22}, [SSH | TEN], True),
    "Yandex, a group": ({**SSH, "security_group_id": "enp1"}, [SSH | {"remote_group": "app"}], False),
    "Yandex, itself": ({**SSH, "predefined_target": "self_security_group"}, [SSH | {"remote_group": "web"}], False),
    "ufw": (
        {"rule": "allow", "direction": "in", "from_ip": "10.0.0.0/8", "from_port": 20, "to_port": 22, "proto": "tcp"},
        NOTHING, False,
    ),
    "Kubernetes": ({**IN, "from": [{"ipBlock": {"cidr": "10.0.0.0/8"}}]}, NOTHING, False),
    "our own operator": ({**SSH, "remoteIpPrefix": "10.0.0.0/8"}, [SSH | TEN], True),
    "our own operator, more": (
        {**IN, "protocol": "tcp", "portRangeMin": 22, "portRangeMax": 22, "remoteAddressGroup": "office"},
        [SSH | {"remote_address_group": "office"}], True,
    ),
    "iptables": ({**IN, "proto": "tcp", "dport": 22, "src": "10.0.0.0/8", "target": "ACCEPT"}, [SSH | TEN], True),
    "iptables, a drop": ({**IN, "proto": "tcp", "dport": 22, "target": "DROP"}, NOTHING, False),
    "iptables of Ansible": (
        {"chain": "INPUT", "protocol": "tcp", "source": "10.0.0.0/8", "destination_port": 22, "jump": "ACCEPT"},
        [SSH | TEN], False,
    ),
    "iptables, established only": ({**SSH, **TEN, "ctstate": ["ESTABLISHED"]}, NOTHING, False),
    "the wrong side": ({**SSH, "destination": "10.0.0.0/8"}, NOTHING, False),
    "the wrong side, egress": ({**OUT, "source_ips": ["10.0.0.0/8"]}, NOTHING, False),
    "an exception": ({**SSH, "not_remote_ip_prefix": "10.0.0.0/8"}, NOTHING, False),
    "an exception, in capitals": ({**SSH, "exceptPrefix": "10.0.0.0/8"}, NOTHING, False),
    "switched off": ({**SSH, **TEN, "enabled": False}, NOTHING, False),
    "switched on": ({**SSH, **TEN, "enabled": True}, [SSH | TEN], True),
    "stateless": ({**SSH, **TEN, "stateless": True}, NOTHING, False),
    "a time": ({**SSH, **TEN, "valid_until": "2027-01-01"}, [SSH | TEN], True),
    "two remotes": ({**SSH, **TEN, "cidr": "192.0.2.0/24"}, NOTHING, False),
    "a remote and a group": ({**SSH, **TEN, "source_group": "app"}, [SSH | TEN, SSH | {"remote_group": "app"}], False),
}  # fmt: skip


@pytest.mark.parametrize("name", RULES)
def test_a_rule_of_another_tool_becomes_no_wider(name: str) -> None:
    """Where all its keys are certain, the hints lead to the same rule; where not, a decision is left."""
    written, meaning, is_reached = RULES[name]
    got = check_no_wider(written, *meaning)
    assert (got is not None) == is_reached, follow(with_rules(written))
    assert got is None or got == traffic(*meaning)


WORDS: dict[str, tuple[dict[str, Any], list[dict[str, Any]]]] = {
    **{f"protocol {word!r}": (IN | TEN | {"protocol": word}, [IN | TEN])
       for word in ("all", "ALL", "*", "-1", -1, "ip", "any", "Any")},
    **{f"protocol {word!r}": (IN | TEN | {"protocol": word}, [IN | TEN | {"protocol": "icmp"}])
       for word in ("ping", "ICMP", "icmpv4", "1", 1)},
    **{f"protocol {word!r}": (IN | TEN | {"protocol": word}, NOTHING)
       for word in ("an", "ny", "tcp udp", "tcp/22", "udp 53", "tcp6", "ipv6", "ipv4", ["tcp", "udp"],
                    "tcp,udp", "tcp/udp", "ssh", "", [], {}, 300)},
    **{f"direction {word!r}": (TEN | {"direction": word}, [IN | TEN])
       for word in ("in", "INBOUND", "Ingress", "incoming", "ingres")},
    **{f"direction {word!r}": (TEN | {"direction": word}, [OUT | TEN]) for word in ("out", "OUTBOUND", "EGRESS")},
    **{f"direction {word!r}": (TEN | {"direction": word}, NOTHING)
       for word in ("gress", "both", "any", ["ingress", "egress"], "", None, 1, True)},
    **{f"ethertype {word!r}": (IN | {"ethertype": word}, [IN]) for word in ("ipv4", "IPV4", 4, "4", "inet", "v4")},
    **{f"ethertype {word!r}": (IN | {"ethertype": word}, [IN | {"ethertype": "IPv6"}])
       for word in ("ipv6", 6, "inet6", ["ipv6"])},
    **{f"ethertype {word!r}": (IN | {"ethertype": word}, [IN | {"ethertype": ["IPv4", "IPv6"]}])
       for word in ("both", "any", "*")},
    **{f"ethertype {word!r}": (IN | {"ethertype": word}, NOTHING) for word in ("IPv5", [], "", 5, ["any"])},
    **{f"ports {word!r}": (IN | TEN | {"protocol": "tcp", "ports": word}, [IN | TEN | {"protocol": "tcp"}])
       for word in ("1-65535", "0-65535", "0:65535", "1:65535")},
    **{f"ports {word!r}": (SSH | TEN | {"ports": word}, [SSH | TEN | {"ports": [80, 443]}])
       for word in ("80,443", "80, 443", ["80", "443"], "80", 80.0, "http", "https", ["http", "https"],
                    "0443", "80 443", "80/443",
                    "80;443", "80 , 443", "443 80")},
    **{f"ports {word!r}": (SSH | TEN | {"ports": word}, [SSH | TEN | {"ports": "80-90"}])
       for word in ("80:90", "80 - 90", "80-90,", "90-80", "80..90", "80 to 90", "80\u201390")},
    **{f"ports {word!r}": (SSH | TEN | {"ports": word}, NOTHING)
       for word in ("all", "any", "*", 0, -1, "0", "-1", "", None, [], {}, "ftp-data", {"from": 1, "to": 2}, True,
                    70000, "!80", ">1024", "80-", "-80")},
    **{f"icmp_type {word!r}": (IN | TEN | {"protocol": "icmp", "icmp_type": word}, NOTHING)
       for word in ("any", -1, "*", "", None, [], "echo-request", "ping", 300, [8, 0])},
    **{f"icmp_type {word!r}": (IN | TEN | {"protocol": "icmp", "icmp_type": word},
                               [IN | TEN | {"protocol": "icmp", "icmp_type": 8}]) for word in ("8", 8.0)},
    **{f"end {word!r}": (IN | TEN | {"protocol": "tcp", "port_range_min": word, "port_range_max": 80}, NOTHING)
       for word in ("", [], -1, "any", "http")},
    "a range from zero": (IN | TEN | {"protocol": "tcp", "port_range_min": 0, "port_range_max": 80}, NOTHING),
    "one end": (IN | TEN | {"protocol": "tcp", "port_range_min": 80}, [IN | TEN | {"protocol": "tcp", "ports": 80}]),
    "no ports of gre": (IN | TEN | {"protocol": "gre", "ports": 80}, NOTHING),
    "a type of tcp": (IN | TEN | {"protocol": "tcp", "icmp_type": 8}, NOTHING),
    "ports of icmp": (IN | TEN | {"protocol": "icmp", "ports": 8}, NOTHING),
    "ports of anything": (IN | TEN | {"ports": 22}, [SSH | TEN]),
    **{f"prefix {word!r}": (SSH | {"remote_ip_prefix": word}, [SSH, SSH | {"ethertype": "IPv6"}])
       for word in ("any", "ALL", "*", "0/0", "Anywhere-IPv4", "Anywhere-IPv6")},
    **{f"prefix {word!r}": (SSH | {"remote_ip_prefix": word}, [SSH | TEN])
       for word in ("10.0.0.0/255.0.0.0", "10.0.0.0/0.255.255.255", "10.0.0.0 255.0.0.0", "10.0.0.0 0.255.255.255",
                    "10.*", "10.*.*.*", "10/8", " 10.0.0.0/8", "10.0.0.0/08", "10.1.2.3/8", "10.1.2.3/255.0.0.0")},
    **{f"prefix {word!r}": (SSH | {"remote_ip_prefix": word}, [SSH | {"remote_ip_prefix": "10.1.2.3"}])
       for word in ("10.1.2.3/0", "10.1.2.3/0.0.0.0", "10.1.2.3/00")},
    **{f"prefix {word!r}": (SSH | {"remote_ip_prefix": word}, [SSH | {"remote_ip_prefix": "2001:db8::1"}])
       for word in ("2001:db8::1/0", "2001:db8::1%eth0")},
    **{f"prefix {word!r}": (SSH | {"remote_ip_prefix": word}, NOTHING)
       for word in ("Internet", "everywhere", "world", "", [], {}, ["10.0.0.0/8"], "10.0.0.1-10.0.0.9",
                    "0", "db.example.com", "localhost", "office", "app", "10.0.0.0/33", "10.0.0.256", "1.2.3", "self",
                    "10.0.0.0/8, 11.0.0.0/8", "!10.0.0.0/8", "10.1.2.3 255.0.0.0", "0.0.0.0 0.0.0.0", "*.*.*.*",
                    "10.*.1.*", "0.0.0.0/1.2.3.4", 5, 10.0, True, {"cidr": "10.0.0.0/8"})},
    **{f"prefixes {word!r}": (SSH | {"remote_ip_prefixes": word}, NOTHING) for word in ([], None, "", {}, [""])},
    "prefixes as text": (SSH | {"remote_ip_prefixes": "10.0.0.0/8"}, [SSH | TEN]),
    **{f"group {word!r}": (SSH | {"remote_group": word}, NOTHING) for word in ("", None, [], ["app"], {}, True)},
    **{f"group {word!r}": (SSH | {"remote_group": word}, NOTHING)
       for word in ("10.0.0.0/8", "10.0.0.1/8", "fd00::1", "::/0", "fd00::1/64")},
    **{f"group id {word!r}": (SSH | {"remote_group_id": word}, NOTHING) for word in ("", "app", [], ["app"], 5)},
    **{f"address group {word!r}": (SSH | {"remote_address_group": word}, NOTHING)
       for word in ("", None, [], {}, ["", "office"], "10.0.0.0/8")},
    "a misspelled address group": (SSH | {"remote_address_group": "offic"}, [SSH | {"remote_address_group": "office"}]),
}  # fmt: skip


@pytest.mark.parametrize("name", WORDS)
def test_a_value_of_another_tool_or_none_at_all_becomes_no_wider(name: str) -> None:
    written, meaning = WORDS[name]
    check_no_wider(written, *meaning)


def test_every_issue_of_those_has_its_place_in_a_file() -> None:
    """The same rules as text: each issue names line and column of what it is about."""
    for written, *_ in (*RULES.values(), *WORDS.values()):
        with_place(json.dumps(with_rules(written)))


def with_place(text: str) -> None:
    try:
        load_text(f"# a comment\n{text}\n")
    except InputError as error:
        for issue in error.issues:
            assert isinstance(issue.place, FilePlace)
            assert issue.place.line == 2
            assert issue.place.column > 1 or len(text) < 40
            assert len(issue.message) < 400


NARROWING = (
    "ethertype", "protocol", "ports", "port_range_min", "port_range_max", "icmp_type", "icmp_code", "remote_ip_prefix",
    "remote_ip_prefixes", "remote_address_group", "remote_group", "remote_group_id",
)  # fmt: skip
GOOD = st.sampled_from([
    SSH | TEN,
    {**SSH, "ports": [22, 80], "remote_ip_prefixes": ["10.0.0.0/8", "192.0.2.7"]},
    {**IN, "protocol": "udp", "port_range_min": 53, "port_range_max": 53, **TEN},
    {**IN, "protocol": "icmp", "icmp_type": 8, "icmp_code": 0, **TEN},
    {**OUT, "protocol": "tcp", "ports": "8000-8099", "remote_address_group": "office"},
    {**IN, "protocol": "tcp", "ports": 22, "remote_group": "app"},
    {**IN, "ethertype": "IPv6", "protocol": "tcp", "ports": 443},
    {**OUT, "ethertype": ["IPv4", "IPv6"], "remote_group_id": "00000000-0000-4000-8000-00000000000b"},
])  # fmt: skip
EMPTY = st.sampled_from([None, [], {}, "", " ", [None], [""], [[]], "none", "null", "~", "-", "n/a", 0, False])
ROWS = {
    key: [name for name, row in spellings.KEYS["Rule"].items() if isinstance(row, Ours) and key in row]
    for key in (*NARROWING, "direction")
}


def slips(word: str) -> Iterator[str]:
    """Every text that is one letter away from a word."""
    letters = string.ascii_lowercase[::3] + "s_-"
    for index in range(len(word) + 1):
        yield word[:index] + word[index + 1 :]
        for letter in letters:
            yield word[:index] + letter + word[index:]
            yield word[:index] + letter + word[index + 1 :]


@st.composite
def damaged(draw: st.DrawFn) -> tuple[dict[str, Any], dict[str, Any]]:
    """A good rule, and the same with a key or two misspelled, in another tool's words or letters, or without value."""
    good = draw(GOOD)
    bad = dict(good)
    for key in draw(st.sets(st.sampled_from(list(good)), min_size=1, max_size=2)):
        kind = draw(st.sampled_from(["slip", "two slips", "row", "case", "empty", "listed"]))
        value = bad.pop(key)
        if kind == "empty":
            empty = draw(EMPTY)
            bad[key] = "" if empty is None and key in nullable_keys("rule") else empty  # a null is a word of its own
        elif kind == "listed":
            bad[key] = value[0] if isinstance(value, list) else [value]
        else:
            name = key
            if kind == "row" and ROWS.get(key):
                name = draw(st.sampled_from(ROWS[key]))
            elif kind == "case":
                name = draw(st.sampled_from([key.upper(), key.title().replace("_", ""), key.replace("_", "-")]))
            for _ in range({"slip": 1, "two slips": 2}.get(kind, 0)):
                name = draw(st.sampled_from(list(slips(name))))
            bad[name] = value
    return good, bad


@settings(max_examples=examples(400))
@given(damaged())
def test_hints_about_a_damaged_rule_make_it_no_wider(pair: tuple[dict[str, Any], dict[str, Any]]) -> None:
    """Whatever was written wrong: done as the hints say, the rule admits nothing that the good one does not."""
    good, bad = pair
    bad.setdefault("direction", good["direction"])
    outcome = follow(with_rules(bad))
    if outcome.state is not None and outcome.followed:
        assert Traffic.of(admitted(outcome.state)).is_subset(traffic(good)), (bad, outcome.followed)


def _known(kind: str) -> list[str]:
    return [*DEFINITIONS[kind]["properties"], *(("preset", "use") if kind == "rule" else ())]


@pytest.mark.full
@pytest.mark.parametrize("level", LEVELS)
def test_a_slip_of_a_key_leads_to_that_key_or_to_a_choice(level: str) -> None:
    """No hint about a key with one wrong letter names another key alone, one that is ignored, or to leave it out."""
    known = _known(LEVELS[level])
    for key in known:
        for slip in {*slips(key)} - {*known, ""}:
            row = spellings.KEYS.get(level, {}).get(bare_word(slip))
            fix = fix_key(level, slip, {slip: "x", "direction": "ingress"}, known, IGNORED) or ""
            guessed = re.findall("`([a-z_0-9]+)`", fix) if fix.startswith("did you mean") else []
            assert not IGNORED.intersection(guessed), (slip, fix)
            if len(guessed) == 1 and not isinstance(row, Ours):
                assert guessed == [key] or bare_word(slip) == bare_word(guessed[0]), (key, slip, fix)
            if fix.startswith("leave it out"):
                assert key not in NARROWING, (key, slip, fix)


TWO_SLIPS = st.sampled_from([(level, key) for level, kind in LEVELS.items() for key in _known(kind)]).flatmap(
    lambda pair: st.tuples(
        st.just(pair), st.sampled_from(list(slips(pair[1]))).flatmap(lambda one: st.sampled_from(list(slips(one))))
    )
)


@settings(max_examples=examples(800))
@given(TWO_SLIPS)
def test_so_do_two_slips(found: tuple[tuple[str, str], str]) -> None:
    """A single guess is the key that was meant, unless what is written is another tool's word for another."""
    (level, key), slip = found
    known = _known(LEVELS[level])
    if slip in known or not slip:
        return
    fix = fix_key(level, slip, {slip: "x", "direction": "ingress"}, known, IGNORED) or ""
    guessed = re.findall("`([a-z_0-9]+)`", fix) if fix.startswith("did you mean") else []
    is_row = bare_word(slip) in spellings.KEYS.get(level, {}) or bare_word(slip) in map(bare_word, known)
    assert len(guessed) != 1 or is_row or guessed == [key], (key, slip, fix)


def test_the_table_is_right_in_itself() -> None:
    """Rows are plain, none hides a key of ours, and each leads to a key that there is and that is not ignored."""
    assert set(spellings.KEYS) <= set(LEVELS)
    for level, rows in spellings.KEYS.items():
        known = _known(LEVELS[level])
        for name, row in rows.items():
            assert name == bare_word(name), (level, name)
            assert name not in {bare_word(key) for key in known if key not in IGNORED}, (level, name)
            for each in leaves(row):
                if isinstance(each, Ours):
                    for key in filter(None, (each.key, each.of_list)):
                        assert key not in IGNORED, (level, name)
                        assert key in known or (level == "Flow" and key in _known("rule")), (level, name, key)
                if isinstance(each, Decide):
                    assert not each.words.startswith(("did you mean", "leave it out")), (level, name)


def leaves(row: spellings.Spelling) -> Iterator[Ours | LeftOut | Decide]:
    if isinstance(row, ByValue | ByRemote):
        yield from leaves(row.then)
        yield from leaves(row.otherwise)
    else:
        yield row


WHOLE: dict[str, Any] = {
    "project_id": 1, "region_id": 7, "owner": "payments",
    "address_groups": {"office": ["10.0.0.0/8"], "cdn": ["192.0.2.0/24"]},
    "rule_sets": {"base": [{**OUT, "protocol": "udp", "ports": 53, "remote_address_group": "office"}]},
    "ignore_rules": [{"description": "k8s-*", "direction": "ingress", "protocol": "tcp", "ports": "30000-32767"}],
    "policies": {
        "world_open_management": {"level": "error", "ports": [22]},
        "max_prefix_size": {"ipv4": 16, "directions": ["ingress"]},
        "must_deny": [{"group": "web", "direction": "ingress", "protocol": "tcp", "ports": 23, "level": "warning"}],
        "required_tags": {"tags": ["env"]},
    },
    "security_groups": [
        {
            "name": "web", "previous_name": "www", "description": "a", "tags": {"env": "prod"}, "prevent_destroy": True,
            "ignore_rules": [{"remote_group": "app", "direction": "egress"}],
            "exception": {"policy": "max_prefix_size", "reason": "b", "until": "2027-01-01"},
            "rules": [
                {**SSH, **TEN, "description": "c", "expires": "2027-06-30"},
                {"use": ["base"]},
                {**IN, "protocol": "icmp", "icmp_type": 8, "remote_group": "db"},
            ],
        },
    ],
}  # fmt: skip


def keys_below(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The path of every key that the format names, not those of users' own names."""
    if isinstance(value, dict):
        if path[-1:] not in (("address_groups",), ("rule_sets",), ("tags",)):
            yield from ((*path, key) for key in value)
        for key, part in value.items():
            yield from keys_below(part, (*path, key))
    for index, part in enumerate(value if isinstance(value, list) else ()):
        yield from keys_below(part, (*path, index))


def damaged_at(path: tuple[Any, ...], name: str) -> dict[str, Any]:
    """The whole document with the last key of a path under another name, at its place in the order."""
    document = copy.deepcopy(WHOLE)
    parent = reduce(lambda value, step: value[step], path[:-1], document)
    entries = list(parent.items())
    parent.clear()
    parent.update({name if key == path[-1] else key: part for key, part in entries})
    return document


def said(document: Any) -> tuple[Any, Followed]:
    """What a document asks for, without its places; None where a decision is left."""
    outcome = follow(document)
    if outcome.state is None:
        return None, outcome
    nowhere = FilePlace("a", 1, 1)
    groups = [
        replace(
            group,
            place=nowhere,
            rules=tuple(replace(rule, place=nowhere) for rule in group.rules or ()),
            ignore_rules=tuple(replace(each, place=nowhere) for each in group.ignore_rules),
        )
        for group in outcome.state.groups
    ]
    return (groups, outcome.state.policies.source.settings), outcome


PATHS = list(keys_below(WHOLE))


@settings(max_examples=examples(600))
@given(st.sampled_from(PATHS), st.sampled_from(["slip", "two", "case", "dashes", "camel"]), st.randoms())
def test_a_misspelled_key_of_any_level_means_the_same_once_the_hints_are_followed(
    path: tuple[Any, ...], kind: str, random: Random
) -> None:
    """Nothing is lost and nothing is another thing: where no decision is left, the document asks for what it did."""
    key = path[-1]
    name = {"case": key.upper(), "dashes": key.replace("_", "-"), "camel": key.title().replace("_", "")}.get(kind, key)
    for _ in range({"slip": 1, "two": 2}.get(kind, 0)):
        name = random.choice(list(slips(name)))
    document = damaged_at(path, name)
    got, outcome = said(document)
    if name == key or (got is None and outcome.left):
        return
    assert got == MEANT or not outcome.followed, (path, name, outcome.followed)


MEANT, _ = said(WHOLE)


@pytest.mark.parametrize("empty", [None, [], {}, "", " ", 0, False, [None], [{}], "x"], ids=repr)
def test_an_empty_value_of_any_level_is_an_error_with_a_way_out_or_loses_nothing(empty: Any) -> None:
    """Each key in turn: its issue has a hint, and no hint that is followed lets the group admit more than it did."""
    for path in PATHS:
        document = copy.deepcopy(WHOLE)
        reduce(lambda value, step: value[step], path[:-1], document)[path[-1]] = empty
        outcome = follow(document)
        if outcome.state is not None and outcome.followed:
            before = Traffic.of(each.rule for group in MEANT[0] for each in group.rules)
            assert Traffic.of(admitted(outcome.state)).is_subset(before), (path, outcome.followed)
        for issue in outcome.left:
            assert issue.fix or empty not in (None, "", []) or path[-1] not in issue.message, (path, issue)

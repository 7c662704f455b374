"""What other tools call the keys and words of a file: the one table of it, and how to look up what one means here.

The rows of a tool are facts, looked up in November 2026 in
- AWS: the EC2 API of 2016-11-15 (botocore), CloudFormation's `AWS::EC2::SecurityGroup…`, Terraform's
  `aws_security_group`, `aws_security_group_rule` and `aws_vpc_security_group_ingress_rule`, and Ansible's amazon.aws;
- OpenStack: Neutron's API (neutron-lib 4.1), the client 10.2, Heat 26, Terraform's provider 3.4, and Ansible's
  openstack.cloud 2.5; Gcore: Terraform's provider 0.34;
- Terraform's providers azurerm 5.2, google, hcloud 1.68, digitalocean 2.99, linode 3.6, scaleway, exoscale, vultr,
  yandex, ibm, oci and alicloud, each the page of its firewall or rule; Ansible's azure 2.3 and google.cloud 1.13;
- Kubernetes: `NetworkPolicy` (networking/v1) and Calico's; iptables and ufw, as Ansible's modules name their parts.

What people type instead is made of the same words (`_each`). Where it is not certain that a spelling means the same,
its row says what to decide. A key is found by its letters and digits in lower case: `FromPort`, `from_port` and
`From Port` are one row.
"""

import re
from collections.abc import Mapping
from typing import Any, NamedTuple

from reconciler.model.text import bare_word


class Ours(NamedTuple):
    """Our key says the same, with the same value.

    `of_list` is the key for a list of values. `direction` is that of the only rules for which it holds.
    """

    key: str
    of_list: str = ""
    direction: str = ""


class LeftOut(NamedTuple):
    """A rule or group means the same without the key."""

    why: str


class Decide(NamedTuple):
    """What to do is for the writer to decide. The words never begin as the hints for the other kinds of rows do."""

    words: str


class ByValue(NamedTuple):
    """The key means one thing with one of the values, in lower case, and another with all others."""

    values: frozenset[str]
    then: "Spelling"
    otherwise: "Spelling"


class ByRemote(NamedTuple):
    """The key means one thing in a rule that has a remote of ours, and another in a rule for every address."""

    then: "Spelling"
    otherwise: "Spelling"


Spelling = Ours | LeftOut | Decide | ByValue | ByRemote

_YES = frozenset({"true", "yes", "on", "1", "present", "enabled", "active"})
_NO = frozenset({"false", "no", "off", "0", "none"})
_ALLOWS = _YES | {"allow", "allowed", "accept", "permit", "pass"}
EVERYONE = frozenset({"any", "all", "*"})
EVERY = EVERYONE | {"-1", "0", "0-0", "every"}
"""What stands for every port, or every type of ICMP."""
_PREFIX = Ours("remote_ip_prefix", "remote_ip_prefixes")
_FROM, _TO = _PREFIX._replace(direction="ingress"), _PREFIX._replace(direction="egress")
_GROUP_FROM, _GROUP_TO = Ours("remote_group", direction="ingress"), Ours("remote_group", direction="egress")
_EACH_GROUP = Decide("write a rule for each group, with `remote_group`")
_OWN_GROUP = ByRemote(
    LeftOut("the group in whose `rules` this stands is the one"),
    Decide("use `remote_group` if it is the remote; if it is the group of this rule, the rule is for every address"),
)
_SWITCHED_OFF = Decide("no rule is switched off: remove it, or make it a comment")
_NO_EXCEPTION = Decide("a rule cannot leave anything out: write only what it allows")
_READ_ONLY = LeftOut("the cloud says it, and a file has no such thing")
_DENIES = Decide("every rule allows: remove this one, and narrow those that allow what it denies")
_SOURCES, _DESTINATIONS = "source src from", "destination dest dst to"
_PREFIXES = (
    "ip ips cidr cidrs cidrip cidrblock cidrblocks address addresses addressprefix addressprefixes ipaddress "
    "ipaddresses prefix prefixes iprange ipranges range ranges network networks subnet subnets"
)
_GROUPS = "group groupid groupname securitygroup securitygroupid securitygroupname"
_PORTS = "port ports portrange portranges"


def _each(sides: str, parts: str) -> str:
    """Put each of the words for a side before each of those for a part of a rule."""
    return " ".join(side + part for side in sides.split() for part in parts.split())


def _rows(spelling: Spelling, *names: str) -> dict[str, Spelling]:
    return dict.fromkeys(" ".join(names).split(), spelling)


_FLOW: Mapping[str, Spelling] = {
    **_rows(_PREFIX, "cidr cidrs cidrip cidrblock cidrblocks cidrlist cidripv4 cidripv6 ipv4cidr ipv6cidr ipv6cidrip",
            "ipv6cidrblock ipv6cidrblocks v4cidrblocks v6cidrblocks iprange ipranges ipv6ranges ipprefix ipprefixes",
            "prefix prefixes network networks subnet subnets address addresses ipaddress ipaddresses ip ips ipblock",
            "ipv4 ipv6 peer remote", _each("remote", _PREFIXES)),
    **_rows(_FROM, "source sources src from saddr allowfrom", _each(_SOURCES, _PREFIXES)),
    **_rows(_TO, "destination destinations dest dst to daddr", _each(_DESTINATIONS, _PREFIXES)),
    **_rows(_GROUP_FROM, _each(_SOURCES, _GROUPS)),
    **_rows(_GROUP_TO, _each(_DESTINATIONS, _GROUPS)),
    **_rows(Ours("remote_group"), "remotesecuritygroup remotesecuritygroupname remotegroupname remotesecuritygroupid",
            "referencedsecuritygroupid referencedgroupid usersecuritygroupid",
            "sourcesecuritygroupid"),  # of AWS and Alibaba: the destination of a rule of egress
    **_rows(_EACH_GROUP, "securitygroups securitygroupids useridgrouppairs referencedgroupinfo",
            _each(f"remote {_SOURCES} {_DESTINATIONS}", "groups groupids securitygroups securitygroupids"),
            _each("source destination", "applicationsecuritygroups applicationsecuritygroupids")),
    **_rows(Ours("remote_address_group", "remote_address_group"), "addressgroup addressgroups addressset ipset ipsets",
            "remoteaddressgroups remoteaddressset"),
    **_rows(Decide("use `remote_address_group` with the name of a list that stands under `address_groups`"),
            "remoteaddressgroupid addressgroupid",
            _each("prefix sourceprefix destinationprefix", "list lists listid listids")),
    **_rows(Ours("protocol"), "ipprotocol proto protocols ipproto"),
    **_rows(Ours("ethertype", "ethertype"), "ipversion ipversions ipfamily iptype family addressfamily"),
    **_rows(Ours("ports", "ports"), "port portrange portranges portlist", _each(f"d {_DESTINATIONS}", _PORTS)),
    **_rows(Ours("port_range_min"), "fromport portmin minport startport portrangefrom portfrom portrangestart"),
    **_rows(Ours("port_range_max"), "toport portmax maxport endport portrangeto portto portrangeend"),
    **_rows(ByValue(EVERYONE | {"0-65535", "1-65535"}, LeftOut("a rule is for every port of the source"),
                    Decide("a rule cannot ask for ports of the source; `ports` are those of the destination")),
            _each("s source src", _PORTS)),
    **_rows(Decide("write it behind the address, as in 10.0.0.0/8"), "subnetsize netmask mask prefixlength"),
}  # fmt: skip
"""Keys of what describes traffic: of rules, and of the flows of policies."""

_RULE: Mapping[str, Spelling] = {
    **_FLOW,
    **_rows(Decide("use `remote_group` if it is the remote"), "group groups"),
    **_rows(_OWN_GROUP, "securitygroup securitygroupid securitygroupname groupid groupname"),
    "self": ByValue(_NO, LeftOut("a rule is for no group that it does not name"),
                    Decide("use `remote_group` with the name of this group, and no other remote in the same rule")),
    "remotemode": ByRemote(
        LeftOut("which of the remote's keys is there says it"),
        ByValue(frozenset({"remote_ip_prefix"}), LeftOut("a rule without a remote is for every address"),
                Decide("use `remote_group` with the name of this group")),
    ),
    **_rows(LeftOut("which of the remote's keys is there says it"), "sourcetype destinationtype"),
    "normalizedcidr": ByRemote(_READ_ONLY, _PREFIX),
    "type": ByValue(frozenset(["ingress", "egress", "inbound", "outbound", "in", "out"]), Ours("direction"),
                    Decide("say it by `direction`, `protocol`, `ports` or `icmp_type`")),
    **_rows(Ours("direction"), "ruledirection trafficdirection flowdirection dir"),
    "isegress": ByValue(_YES, Decide("say it by `direction: egress`"), Decide("say it by `direction: ingress`")),
    "chain": Decide("say it by `direction`: ingress for INPUT, egress for OUTPUT"),
    "code": Ours("icmp_code"),
    **_rows(Decide("say it by `protocol` and `ports`"), "allow allowed service services portprotocol tcp udp toports"),
    **_rows(Decide("say it by `protocol`, `ports`, `icmp_type` and `icmp_code`"), "icmptypecode icmp",
            _each("tcp udp icmp", "options")),
    **_rows(ByValue(_ALLOWS, LeftOut("every rule allows"), _DENIES),
            "action access effect verdict policy target jump permission ruleaction"),
    **_rows(_DENIES, "deny denied drop block reject"),
    "rule": Decide("of ufw: leave it out where it allows; its `to_port` is `ports`, and its `from_port` is a port of "
                   "the source, for which a rule cannot ask"),
    **_rows(ByValue(_YES, LeftOut("every rule holds"), _SWITCHED_OFF), "enabled state active status enable"),
    **_rows(ByValue(_NO, LeftOut("every rule holds"), _SWITCHED_OFF), "disabled inactive disable"),
    **_rows(ByValue(_YES, LeftOut("every rule is stateful"), Decide("every rule is stateful: answers are let through")),
            "stateful"),
    **_rows(ByValue(_NO, LeftOut("every rule is stateful"), Decide("every rule is stateful: answers are let through")),
            "stateless isstateless"),
    **_rows(LeftOut("rules have no order: what one of them allows is allowed"),
            "priority order precedence rulenumber rulenum ruleno ruleindex sequence position"),
    **_rows(LeftOut("nothing is logged"), "log logging logged logconfig loglevel logprefix enablelogging"),
    **_rows(Ours("description"), "name title label comment comments desc note notes remark remarks ruledescription",
            "ruledesc"),
    **_rows(LeftOut("only a group has tags"), "labels"),
    **_rows(Ours("expires"), "expiry expiration expiresat expireson validuntil until enddate"),
    **_rows(Decide("the cloud knows a rule's remote by its prefix or its group: use `remote_group`"),
            _each("source target destination", "tags serviceaccounts labels"), "predefinedtarget",
            _each("source destination", "dropletids kubernetesids loadbalanceruids"),
            "podselector namespaceselector selector serviceaccountselector"),
    **_rows(Decide("a remote group is one of the same project and region"),
            "sourcesecuritygroupownerid sourcegroupownerid sourcegroupowneraccount userid vpcpeeringconnectionid"),
    **_rows(Decide("a rule is for every port and instance of its group"),
            "interface ininterface outinterface iface zone vlan droplets dropletids instances applyto appliedto",
            "local nictype"),
    **_rows(Decide("a rule asks for direction, family, protocol, ports and remote, and for nothing else"),
            "ctstate tcpflags syn fragment limit match uidowner gidowner"),
    **_rows(_READ_ONLY, "tenantid belongstodefaultsg standardattrid shared ruleid groupownerid securitygroupruleid",
            "securitygrouprulearn arn"),
}  # fmt: skip

_GROUP: Mapping[str, Spelling] = {
    **_rows(Ours("rules"), "securitygrouprules securitygrouprule rule securityrules securityrule permissions",
            "firewallrules"),
    **_rows(Decide("put its items into `rules`, each with `direction: ingress`"),
            "ingress inbound ingressrules inboundrules securitygroupingress ippermissions rulesingress rulesin",
            "inboundrule ingresssecurityrules"),
    **_rows(Decide("put its items into `rules`, each with `direction: egress`"),
            "egress outbound egressrules outboundrules securitygroupegress ippermissionsegress rulesegress rulesout",
            "outboundrule egresssecurityrules"),
    **_rows(Ours("name"), "groupname title securitygroupname"),
    **_rows(Ours("description"), "groupdescription desc comment securitygroupdescription"),
    **_rows(Ours("tags"), "tag tagsv2 labels label metadata metadatamap"),
    **_rows(Ours("previous_name"), "oldname formername renamedfrom"),
    **_rows(Ours("prevent_destroy"), "deletionprotection protect protected preventdeletion"),
    "lifecycle": Decide("of that, a group has `prevent_destroy`"),
    **_rows(Decide("write it into an item of `rules` of its own"), "use preset"),
    "state": ByValue(_YES, LeftOut("a group that a file names is there"),
                     Decide("`--prune` deletes groups of an `owner` that no file names any more")),
    "properties": Decide("write its keys into the group itself"),
    **_rows(Decide("what no rule allows is refused: write a rule for what is to be let through"),
            _each("inbound outbound", "policy defaultpolicy")),
    **_rows(Decide("the cloud knows which instances have a group, and a file says nothing of it"),
            "dropletids applyto appliedto instances"),
    **_rows(LeftOut("a group is for its whole project and region"),
            "vpcid vpc networkid network resourcegroup resourcegroupname folderid"),
    **_rows(_READ_ONLY, "tenantid createdat updatedat revisionnumber stateful shared taskid type ownerid arn tagsall",
            "securitygrouparn metadatareadonly lastupdated"),
}  # fmt: skip

KEYS: Mapping[str, Mapping[str, Spelling]] = {
    "Document": {
        **_rows(Ours("security_groups"), "groups securitygroup sgs"),
        **_rows(Ours("address_groups"), "addresssets addressset ipsets ipset addressgroup prefixlists"),
        **_rows(Ours("rule_sets"), "rulegroups rulegroup ruleset"),
        **_rows(Ours("ignore_rules"), "ignore ignored ignoredrules"),
        **_rows(Decide("a template: write the `properties` of each group as an item of `security_groups:`"),
                "heattemplateversion resources awstemplateformatversion"),
        "results": Decide("an answer of the API: `sgctl import` writes a file of what is live"),
        **_rows(Decide("put its items into the `rules` of an item of `security_groups`"),
                "ingress egress inbound outbound inboundrules outboundrules ingressrules egressrules securityrules",
                "firewallrules"),
        **_rows(Ours("project"), "projectname"),
        **_rows(Ours("region"), "regionname"),
        **_rows(Ours("targets"), "target"),
    },
    "Security group": _GROUP,
    "Rule": {**_RULE, **_rows(Ours("use"), "ruleset rulesets include includes")},
    "Flow": {**_FLOW, **_rows(Ours("group"), "name groups securitygroup"), "severity": Ours("level")},
    "Entry of ignore_rules": {
        **_rows(Ours("ports", "ports"), "port dport"),
        **_rows(Ours("protocol"), "proto ipprotocol"),
        **_rows(Ours("description"), "comment desc"),
    },
    "Published list": {
        **_rows(Ours("source"), "url uri href address"),
        **_rows(Decide("write the list itself in place of this mapping"),
                "prefixes prefix cidrs cidr addresses ips networks list ranges"),
        "file": Decide("write `source: file`, and its path as `path`"),
        **_rows(Ours("select"), "jmespath query filter jsonpath"),
    },
}  # fmt: skip
"""The rows of each level of a file, by the title of its schema."""

_EVERYONE = dict.fromkeys(
    ("internet", "everywhere", "everyone", "anywhere", "world", "public"),
    "write 0.0.0.0/0 or ::/0 if everyone is meant",
)
PREFIXES: Mapping[str, str] = {
    **dict.fromkeys(("any", "all", "*"), "write 0.0.0.0/0 or ::/0"),
    **_EVERYONE,
    **dict.fromkeys(("0/0", "0.0.0.0/0.0.0.0", "anywhere-ipv4"), "write 0.0.0.0/0"),
    **dict.fromkeys(("anywhere-ipv6", "::0/0"), "write ::/0"),
    "0": "write 0.0.0.0/0 if everyone is meant",
    **dict.fromkeys(
        ("self", "virtualnetwork", "vpc", "azureloadbalancer"),
        "use `remote_group`, or write the prefixes of the network",
    ),
}
"""What to do about words for a prefix, in lower case."""

WORDS: Mapping[str, Mapping[str, str]] = {
    "protocol": {
        **dict.fromkeys(("all", "*", "-1", "ip"), "any"),
        **dict.fromkeys(("ping", "icmpv4"), "icmp"),
        "icmp6": "icmpv6",
        "ipv6_icmp": "ipv6-icmp",
        "udp-lite": "udplite",
    },
    "direction": {
        **dict.fromkeys(("in", "inbound", "incoming", "input"), "ingress"),
        **dict.fromkeys(("out", "outbound", "outgoing", "output"), "egress"),
    },
    "ethertype": {
        **dict.fromkeys(("4", "v4", "ip4", "inet", "ipv4_only"), "IPv4"),
        **dict.fromkeys(("6", "v6", "ip6", "inet6", "ipv6_only"), "IPv6"),
        **dict.fromkeys(("both", "any", "all", "*", "dual", "ipv4_ipv6", "ipv4, ipv6"), "[IPv4, IPv6]"),
    },
    "level": {"warn": "warning", "err": "error"},
}
"""What other tools call the words of a key, in lower case, where they mean the same."""

DECISIONS: Mapping[str, Mapping[str, str]] = {
    "protocol": {
        **dict.fromkeys(("tcp6", "udp6", "tcpv6", "udpv6"), "leave the 6 out, and add `ethertype: IPv6`"),
        **dict.fromkeys(("tcp4", "udp4", "tcpv4", "udpv4"), "leave the 4 out, and add `ethertype: IPv4`"),
        **dict.fromkeys(("ipv4", "ipv6"), "say it by `ethertype`, and write any if every protocol is meant"),
        **dict.fromkeys(("tcpudp", "tcp_udp", "tcp&udp", "tcp+udp"), "make a rule for each protocol"),
    },
    "direction": dict.fromkeys(("both", "inout", "any", "all", "*", "bidirectional"), "make a rule for each direction"),
    "level": {
        **dict.fromkeys(("fail", "block", "deny", "critical", "true", "on"), "write error if it shall stop a plan"),
        **dict.fromkeys(("info", "notice"), "write warning if it shall be shown"),
        **dict.fromkeys(("ignore", "none", "disabled", "false"), "write off if it shall not be judged"),
    },
}
"""What to do about words that mean more than our key can say, in lower case."""

SERVICES: Mapping[str, int] = {
    "ssh": 22, "smtp": 25, "dns": 53, "http": 80, "ntp": 123, "https": 443, "mysql": 3306, "rdp": 3389,
    "postgres": 5432, "postgresql": 5432, "redis": 6379,
}  # fmt: skip
"""Ports of services that people write for a port or a protocol."""

ICMP_TYPES: Mapping[str, str] = {
    **dict.fromkeys(("echo-request", "echo_request", "echo", "ping"), "it is 8 of icmp, and 128 of ipv6-icmp"),
    **dict.fromkeys(("echo-reply", "echo_reply", "pong"), "it is 0 of icmp, and 129 of ipv6-icmp"),
}
"""Names of types of ICMP, and their numbers."""

_EXCEPTS = re.compile("(?i:not?|except|exclude|excluding)(?:[_ -]|(?=[A-Z]))").match


def find_spelling(level: str, key: str, value: Any, *, has_remote: bool) -> Ours | LeftOut | Decide | None:
    """Look up what a key of a level of a file means with its value; None for one that is in no row."""
    found = KEYS.get(level, {}).get(bare_word(key))
    if found is None and level in ("Rule", "Flow") and _EXCEPTS(key):
        return _NO_EXCEPTION
    while isinstance(found, ByValue | ByRemote):
        applies = has_remote if isinstance(found, ByRemote) else str(value).lower() in found.values
        found = found.then if applies else found.otherwise
    return found

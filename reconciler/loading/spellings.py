"""What other tools call the keys and words of a file: the one table of it, and how to look up what one means here.

The rows are facts about AWS (API, CloudFormation, Terraform), Azure, GCP, OpenStack (API, client, Heat, Ansible),
DigitalOcean and Hetzner, and about what people type. Where it is not certain that a spelling means the same, its row
says what to decide. A key is found by its letters and digits in lower case: `FromPort`, `from_port` and `From Port` are
one row.
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
_PREFIX = Ours("remote_ip_prefix", "remote_ip_prefixes")
_FROM, _TO = _PREFIX._replace(direction="ingress"), _PREFIX._replace(direction="egress")
_EACH_GROUP = Decide("write a rule for each group, with `remote_group`")
_OWN_GROUP = ByRemote(
    LeftOut("the group in whose `rules` this stands is the one"),
    Decide("use `remote_group` if it is the remote; if it is the group of this rule, the rule is for every address"),
)
_SWITCHED_OFF = Decide("no rule is switched off: remove it, or make it a comment")
_NO_EXCEPTION = Decide("a rule cannot leave anything out: write only what it allows")
_READ_ONLY = LeftOut("the cloud says it, and a file has no such thing")


def _rows(spelling: Spelling, *names: str) -> dict[str, Spelling]:
    return dict.fromkeys(" ".join(names).split(), spelling)


_FLOW: Mapping[str, Spelling] = {
    **_rows(_PREFIX, "cidr cidrs cidrblock cidrblocks cidrip cidripv4 cidripv6 ipv4cidr ipv6cidr cidrlist",
            "ipv6cidrblocks iprange ipranges ipv6ranges ipprefix ipprefixes prefix prefixes network networks",
            "subnet subnets address addresses ipaddress ipaddresses ip ips ipblock remoteip remoteips remotecidr",
            "remote peer remotecidrs remoteprefix remoteprefixes remoteaddress remoteaddresses remoteiprange"),
    **_rows(_FROM, "source sources src sourceip sourceips srcip srcips sourcecidr sourcecidrs sourceaddress srcaddress",
            "sourceaddresses sourceaddressprefix sourceaddressprefixes sourceipprefix sourceiprange sourceranges",
            "sourcerange srcrange srcipranges srccidr from fromcidr allowfrom"),
    **_rows(_TO, "destination destinations dest dst destinationip destinationips dstip dstips destip destinationcidr",
            "destinationcidrs destinationaddress destinationaddresses destinationaddressprefix to tocidr",
            "destinationrange destinationaddressprefixes destinationipprefix destinationiprange destipranges",
            "destinationranges"),
    **_rows(Ours("remote_group"), "remotesecuritygroup remotesecuritygroupname remotegroupname referencedsecuritygroup",
            "remotesecuritygroupid referencedsecuritygroupid"),
    **_rows(Ours("remote_group", direction="ingress"), "sourcegroup sourcegroupname sourcegroupid sourcesecuritygroup",
            "sourcesecuritygroupname sourcesecuritygroupid fromgroup"),
    **_rows(Ours("remote_group", direction="egress"), "destinationgroup destinationsecuritygroup destinationgroupid",
            "destinationsecuritygroupid destinationsecuritygroupname togroup"),
    **_rows(_EACH_GROUP, "securitygroups securitygroupids sourcesecuritygroups sourcegroups remotegroups",
            "remotegroupids useridgrouppairs sourceapplicationsecuritygroupids destinationsecuritygroups"),
    **_rows(Ours("remote_address_group", "remote_address_group"), "addressgroup addressgroups addressset ipset ipsets",
            "remoteaddressgroups remoteaddressset"),
    **_rows(Decide("use `remote_address_group` with the name of a list that stands under `address_groups`"),
            "prefixlist prefixlists prefixlistid prefixlistids remoteaddressgroupid addressgroupid"),
    **_rows(Ours("protocol"), "ipprotocol proto protocols ipproto"),
    **_rows(Ours("ethertype", "ethertype"), "ipversion ipversions ipfamily family addressfamily"),
    **_rows(Ours("ports", "ports"), "port portrange portranges dport dports dstport dstports destport destports",
            "destinationport destinationports destinationportrange destinationportranges portlist"),
    **_rows(Ours("port_range_min"), "fromport portmin minport firstport startport portstart portrangefrom portfrom",
            "portrangestart"),
    **_rows(Ours("port_range_max"), "toport portmax maxport lastport endport portend portrangeto portto portrangeend"),
    **_rows(Decide("a rule cannot ask for ports of the source; `ports` are those of the destination"),
            "sport sports srcport srcports sourceport sourceports sourceportrange sourceportranges"),
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
    "normalizedcidr": ByRemote(_READ_ONLY, _PREFIX),
    "type": ByValue(frozenset(["ingress", "egress", "inbound", "outbound", "in", "out"]), Ours("direction"),
                    Decide("say it by `direction`, `protocol`, `ports` or `icmp_type`")),
    **_rows(Ours("direction"), "ruledirection trafficdirection dir"),
    "code": Ours("icmp_code"),
    **_rows(Decide("say it by `protocol` and `ports`"), "allow allowed icmptypecode service services portprotocol"),
    **_rows(ByValue(_ALLOWS, LeftOut("every rule allows"),
                    Decide("every rule allows: remove this one, and narrow those that allow what it denies")),
            "action access effect verdict policy target permission ruleaction"),
    **_rows(Decide("every rule allows: remove this one, and narrow those that allow what it denies"),
            "deny denied drop block reject"),
    **_rows(ByValue(_YES, LeftOut("every rule holds"), _SWITCHED_OFF), "enabled state active status enable"),
    **_rows(ByValue(_NO, LeftOut("every rule holds"), _SWITCHED_OFF), "disabled inactive disable"),
    **_rows(ByValue(_YES, LeftOut("every rule is stateful"), Decide("every rule is stateful: answers are let through")),
            "stateful"),
    **_rows(ByValue(_NO, LeftOut("every rule is stateful"), Decide("every rule is stateful: answers are let through")),
            "stateless isstateless"),
    **_rows(LeftOut("rules have no order: what one of them allows is allowed"),
            "priority order precedence rulenumber ruleno ruleindex sequence position weight"),
    **_rows(LeftOut("nothing is logged"), "log logging logged logconfig loglevel"),
    **_rows(Ours("description"), "name title label comment comments desc note notes remark remarks ruledescription"),
    **_rows(Ours("expires"), "expiry expiration expiresat expireson validuntil until enddate"),
    **_rows(Decide("the cloud knows a rule's remote by its prefix or its group: use `remote_group`"),
            "sourcetags targettags sourceserviceaccounts targetserviceaccounts sourcelabels"),
    **_rows(Decide("a rule is for every port and instance of its group"),
            "interface ininterface outinterface iface zone vlan droplets dropletids instances applyto appliedto"),
    **_rows(_READ_ONLY, "tenantid belongstodefaultsg standardattrid shared ruleid"),
}  # fmt: skip

_GROUP: Mapping[str, Spelling] = {
    **_rows(Ours("rules"), "securitygrouprules securitygrouprule rule permissions firewallrules grouprules"),
    **_rows(Decide("put its items into `rules`, each with `direction: ingress`"),
            "ingress inbound ingressrules inboundrules securitygroupingress ippermissions rulesingress rulesin"),
    **_rows(Decide("put its items into `rules`, each with `direction: egress`"),
            "egress outbound egressrules outboundrules securitygroupegress ippermissionsegress rulesegress rulesout"),
    **_rows(Ours("name"), "groupname title securitygroupname"),
    **_rows(Ours("description"), "groupdescription desc comment securitygroupdescription"),
    **_rows(Ours("tags"), "tag tagsv2 labels label metadata"),
    **_rows(Ours("previous_name"), "oldname formername renamedfrom previously formerly movedfrom"),
    **_rows(Ours("prevent_destroy"), "deletionprotection protect protected preventdeletion preventdelete"),
    "lifecycle": Decide("of that, a group has `prevent_destroy`"),
    **_rows(Decide("write it into an item of `rules` of its own"), "use preset"),
    "state": ByValue(_YES, LeftOut("a group that a file names is there"),
                     Decide("`--prune` deletes groups of an `owner` that no file names any more")),
    "properties": Decide("write its keys into the group itself"),
    **_rows(LeftOut("a group is for its whole project and region"), "vpcid vpc networkid network resourcegroup"),
    **_rows(_READ_ONLY, "tenantid createdat updatedat revisionnumber stateful shared taskid type ownerid"),
}  # fmt: skip

KEYS: Mapping[str, Mapping[str, Spelling]] = {
    "Document": {
        **_rows(Ours("security_groups"), "groups securitygroup sgs"),
        **_rows(Ours("address_groups"), "addresssets addressset ipsets ipset addressgroup prefixlists"),
        **_rows(Ours("rule_sets"), "rulegroups rulegroup ruleset"),
        **_rows(Ours("ignore_rules"), "ignore ignored ignoredrules"),
        **_rows(Decide("a template of Heat: write the `properties` of each group as an item of `security_groups:`"),
                "heattemplateversion resources"),
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
    **dict.fromkeys(("self", "virtualnetwork", "vpc"), "use `remote_group`, or write the prefixes of the network"),
}
"""What to do about words for a prefix, in lower case."""

WORDS: Mapping[str, Mapping[str, str]] = {
    "protocol": {
        **dict.fromkeys(("all", "*", "-1", "ip", "any_protocol", "all_protocols"), "any"),
        **dict.fromkeys(("ping", "icmpv4", "icmp4"), "icmp"),
        "icmp6": "icmpv6",
        "udp-lite": "udplite",
    },
    "direction": {
        **dict.fromkeys(("in", "inbound", "incoming", "input", "from"), "ingress"),
        **dict.fromkeys(("out", "outbound", "outgoing", "output", "to"), "egress"),
    },
    "ethertype": {
        **dict.fromkeys(("4", "v4", "ip4", "inet", "ipv4only"), "IPv4"),
        **dict.fromkeys(("6", "v6", "ip6", "inet6", "ipv6only"), "IPv6"),
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

EVERY = frozenset({"any", "all", "*", "-1", "0", "0-0", "every"})
"""What stands for every port, or every type of ICMP."""

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

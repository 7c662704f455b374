"""Live states as strange as the API may answer them, as JSON answers; and the import of one, in process."""

from __future__ import annotations

from functools import cache
from itertools import count
from typing import Any

from hypothesis import strategies as st

from reconciler.api.parse import parse_group
from reconciler.importing.existing import defaults_for
from reconciler.importing.run import Import, ImportOptions, import_groups
from reconciler.loading.load import load
from reconciler.model.canonical import IPV6_PROTOCOLS, PUBLISHED_PROTOCOLS
from reconciler.model.desired import DesiredState, Target
from reconciler.model.live import LiveState
from reconciler.planning.diff import diff
from reconciler.planning.resolve import resolve

TARGET = Target(1, 7)

AWKWARD = [
    *(
        "no",
        "yes",
        "on",
        "off",
        "y",
        "n",
        "true",
        "True",
        "null",
        "NULL",
        "~",
        "",
        "=",
        "<<",
        "-",
        "?",
        ":",
        "!",
        "&",
        "*",
    ),
    *(
        "1",
        "010",
        "0x1F",
        "0o17",
        "1_000",
        "1e3",
        "1.5",
        ".5",
        "5.",
        "-.inf",
        ".nan",
        "+1",
        "22:30",
        "22:30:15",
        "1:2:3",
    ),
    *("2001-01-01", "2001-12-14t21:59:43.10-05:00", "2001-12-14 21:59:43", "99999999999999999999999"),
    *(
        "a: b",
        "a:",
        ":a",
        "a :b",
        "a:b",
        "# x",
        "a # x",
        "a#x",
        "- a",
        "-a",
        "? a",
        "! a",
        "!tag",
        "&a",
        "*a",
        "%TAG",
        "@a",
    ),
    *(
        "`a`",
        "|",
        ">",
        "|-",
        "{a: b}",
        "[a]",
        "a, b",
        "a]",
        "a}",
        "'a'",
        '"a"',
        "it's",
        'say "x"',
        "a\\nb",
        "\\",
        "---",
        "...",
    ),
    *(" a", "a ", "  ", "\t", "a\tb", "a\n", "\na", "a\n\nb\n", "a\r\nb", "a\rb", "\u0085", "a\u2028b", "\u2029"),
    *(
        "\x00",
        "\x01",
        "\x1b[31mred\x1b[0m",
        "\x7f",
        "\x9b",
        "\u00a0",
        "\ufeff",
        "\ufeffa",
        "\u202etxt",
        "\ufffe",
        "\uffff",
    ),
    *(
        "ümlaut",
        "日本語",
        "שלום",
        "🔥",
        "👩‍🚒",
        "e\u0301",
        "\u0301",
        "\U0010ffff",
        "\ue000",
        "http://x/?a=b#c",
        "C:\\dir",
    ),
    *(
        "${security_group:web}",
        "{{ x }}",
        "x" * 255,
        "é" * 255,
        "\x01" * 255,
        "a: " * 80,
        "é" * 100 + ", é",
        "a " * 100,
    ),
]
"""Texts that one YAML reader or another takes for something else, or that plain YAML cannot carry."""

TEXTS = st.one_of(st.sampled_from(AWKWARD), st.text(max_size=30))
NAMES = st.one_of(
    st.sampled_from(
        ["web", "app", "db 1", "default", "a-b_c", "Web", "no", "123", "1.5", "2001-01-01", "x", "", "bad!", "a: b"]
    ),
    st.text(max_size=12),
)
UNKNOWN_GROUP = "ffffffff-0000-4000-8000-00000000ffff"
V4 = [
    "10.0.0.0/8",
    "10.0.0.0/9",
    "10.1.2.3/8",
    "192.0.2.7",
    "192.0.2.7/32",
    "0.0.0.0/0",
    "192.0.2.7/0",
    "172.16.0.0/12",
]
V6 = [
    "2001:db8::/32",
    "2001:DB8:0:0::/32",
    "2001:db8::1",
    "2001:db8::1/32",
    "::/0",
    "::1/0",
    "::ffff:10.0.0.1/128",
    "fe80::/10",
]
PORTS = [(22, 22), (80, 80), (443, 443), (8000, 8099), (1, 65535), (None, None), (1, 1), (65535, 65535)]
IMPOSSIBLE = [
    {"protocol": "tcp", "port_range_min": 80, "port_range_max": None},
    {"protocol": "tcp", "port_range_min": 0, "port_range_max": 0},
    {"protocol": "tcp", "port_range_min": 90, "port_range_max": 80},
    {"protocol": "icmp", "port_range_min": None, "port_range_max": 3},
    {"protocol": "icmp", "port_range_min": 300, "port_range_max": None},
    {"protocol": None, "port_range_min": 80, "port_range_max": 80},
    {"protocol": "gre", "port_range_min": 1, "port_range_max": 1},
    {"protocol": "hopopt"},
    {"protocol": "999"},
    {"protocol": "ipv6-icmp", "ethertype": "IPv4"},
    {"description": "x" * 256},
    {"description": "half \ud800"},
]
"""Rules that no file can hold. None is known to be live anywhere; whoever meets one must not be stopped by it."""


def uuid(number: int) -> str:
    return f"{number:08x}-0000-4000-8000-{number:012x}"


FAMILIES = st.sampled_from(["IPv4", "IPv6", None])
KINDS_OF_REMOTE = st.sampled_from(["prefix", "group", None])
PREFIXES = {"IPv4": st.sampled_from(V4), "IPv6": st.sampled_from(V6), None: st.sampled_from([*V4, *V6])}
ANY_FAMILY = [None, "any", "", "tcp", "TCP", "6", 17, "udp", "icmp", "1", "0", "47", "94", "255", "sctp", "136"]
PROTOCOLS = {
    False: st.sampled_from([*ANY_FAMILY, *sorted(PUBLISHED_PROTOCOLS - IPV6_PROTOCOLS)]),
    True: st.sampled_from([*ANY_FAMILY, *sorted(PUBLISHED_PROTOCOLS), "icmpv6", "58"]),
}
RANGES = st.sampled_from(PORTS)
TYPES_AND_CODES = st.sampled_from([(None, None), (8, 0), (8, None), (0, 0), (255, 255)])
DESCRIPTIONS = st.one_of(st.none(), st.just("same"), TEXTS)
DIRECTIONS = st.sampled_from(["ingress", "egress"])


@st.composite
def api_rules(draw: st.DrawFn, group_ids: tuple[str, ...]) -> dict[str, Any]:
    """A rule that a file can hold, in any spelling that the API may have for it."""
    family = draw(FAMILIES)
    remote = draw(KINDS_OF_REMOTE)
    prefix = draw(PREFIXES[family]) if remote == "prefix" else None
    protocol = draw(PROTOCOLS[family == "IPv6" or (family is None and ":" in (prefix or ""))])
    low = high = None
    if str(protocol).lower() in {"tcp", "6", "17", "udp", "sctp", "136", "udplite", "dccp"}:
        low, high = draw(RANGES)
    elif str(protocol) in {"icmp", "1", "ipv6-icmp", "icmpv6", "58"}:
        low, high = draw(TYPES_AND_CODES)
    return {
        "direction": draw(DIRECTIONS),
        "ethertype": family,
        "protocol": protocol,
        "port_range_min": low,
        "port_range_max": high,
        "remote_ip_prefix": prefix,
        "remote_group_id": draw(st.sampled_from([*group_ids, UNKNOWN_GROUP.upper()])) if remote == "group" else None,
        "description": draw(DESCRIPTIONS),
    }


@cache
def rule_lists(group_ids: tuple[str, ...]) -> st.SearchStrategy[list[dict[str, Any]]]:
    """Up to twelve rules that may refer to these groups."""
    return st.lists(api_rules(group_ids), max_size=12)


TAGS = st.one_of(
    st.fixed_dictionaries(
        {
            "key": st.one_of(
                st.sampled_from(["env", "no", "1", "22:30", "a:b", "~", "#x", "{a}"]), st.text(max_size=9)
            ),
            "value": TEXTS,
            "read_only": st.booleans(),
        }
    ),
    st.fixed_dictionaries(
        {
            "key": st.sampled_from(["sgctl-owner", "sgctl-prevent-destroy"]),
            "value": st.sampled_from(["true", "false", "payments", "a: b", ""]),
            "read_only": st.booleans(),
        }
    ),
)


@st.composite
def api_states(draw: st.DrawFn) -> list[dict[str, Any]]:
    """The groups of a target: shared names, names that no file may give, rules that repeat or mean the same, tags."""
    ids = tuple(uuid(number) for number in range(draw(st.integers(0, 5))))
    groups = []
    common = draw(rule_lists(ids))
    numbers = count(1)

    def ids_of_rules() -> str:
        """An id that no other rule has; they do not rise."""
        return uuid(next(numbers) * 0x9E3779B1 % (1 << 32))

    for group_id in ids:
        rules = [*draw(rule_lists(ids)), *(common if draw(st.integers(0, 2)) else ())]
        if rules and draw(st.booleans()):
            rules.append(rules[0] | {"description": draw(TEXTS)})
        if draw(st.integers(0, 9)) == 0:
            base = {"direction": "ingress", "ethertype": "IPv4", "protocol": None}
            rules.append(base | draw(st.sampled_from(IMPOSSIBLE)))
        groups.append(
            {
                "id": group_id,
                "name": draw(NAMES),
                "description": draw(st.one_of(st.none(), TEXTS)),
                "tags_v2": draw(st.lists(TAGS, max_size=4)),
                "security_group_rules": [rule | {"id": ids_of_rules()} for rule in rules],
                "revision_number": 3,
            }
        )
    return groups


def live_state(answers: list[dict[str, Any]]) -> LiveState:
    """Read answers as the program does."""
    return {TARGET: tuple(parse_group(answer, TARGET) for answer in answers)}


def import_all(live: LiveState, *, address_groups: bool = False, **options: Any) -> Import:
    """Import without existing files, to stdout."""
    return import_groups(live, TARGET, ImportOptions(address_groups=address_groups, **options), ())


def load_text(path: Any, text: str) -> DesiredState:
    """Load a text by way of a file, as a user would."""
    path.write_text(text, encoding="utf-8", newline="")
    return load([str(path)], defaults_for(TARGET))


def differing(state: DesiredState, live: LiveState) -> list[str]:
    """Name the groups that a plan would change, or say what is wrong with the files."""
    matches, issues = resolve(state, live)
    assert not issues, issues
    return [match.desired.name for match in matches if match.live is None or not diff(match).is_empty]

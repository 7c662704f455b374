"""Random files as people write them: block and flow, with comments in every place, and rules that meet often."""

from __future__ import annotations

import re
from typing import Any

from hypothesis import strategies as st

from reconciler.loading.desired import desired_state
from reconciler.loading.document import Document, read_text
from reconciler.loading.head import Defaults
from reconciler.model.desired import DesiredState

DEFAULTS = Defaults(1, 7)
HEAD = "# head\naddress_groups:\n  office: [10.0.0.0/25, 10.1.0.0/16] # who\nsecurity_groups:\n"


def load(data: bytes) -> tuple[tuple[Document, ...], DesiredState]:
    """Load a text; it has to be valid."""
    documents, issues = read_text("f.yaml", data)
    assert not issues, issues
    state, issues = desired_state(documents, DEFAULTS)
    assert not issues, issues
    return documents, state


DIRECTIONS = st.sampled_from(["ingress", "ingress", "egress"])
PROTOCOLS = st.sampled_from(["tcp", "tcp", "tcp", "udp", "any", None])
PORTS = st.sampled_from(
    [
        {"ports": "80"},
        {"ports": '"81-90"'},
        {"ports": "[80, 443]"},
        {"ports": "[443, 444, 445-450]"},
        {"port_range_max": "91", "port_range_min": "85"},
        {"port_range_min": "443", "port_range_max": "443"},
        {"ports": "1-65535"},
        {},
    ]
)
REMOTES = st.sampled_from(
    [
        {"remote_ip_prefix": "10.0.0.0/25"},
        {"remote_ip_prefix": '"10.0.0.128/25"'},
        {"remote_ip_prefixes": "[10.0.0.128/25, 10.0.1.0/24]"},
        {"remote_ip_prefixes": "[0.0.0.0/1, 128.0.0.0/1]"},
        {"remote_ip_prefix": '"::/0"'},
        {"remote_ip_prefix": "0.0.0.0/0", "ethertype": "IPv4"},
        {"remote_address_group": "office"},
        {"remote_group": "b"},
        {"remote_group": "b", "ethertype": "IPv6"},
        {"ethertype": "IPv6"},
        {"ethertype": "[IPv4, IPv6]"},
        {},
        {},
    ]
)


@st.composite
def written_rules(draw: st.DrawFn) -> dict[str, str]:
    """A rule as its keys and the texts of their values; the description follows from what makes rules differ."""
    rule = {"direction": draw(DIRECTIONS)}
    protocol = draw(PROTOCOLS)
    if protocol:
        rule["protocol"] = protocol
    if protocol in {"tcp", "udp"}:
        rule |= draw(PORTS)
    rule |= draw(REMOTES)
    keys = draw(st.permutations(sorted(rule)))
    return {key: rule[key] for key in keys}


RULES = st.lists(written_rules(), min_size=1, max_size=6)
KINDS, FEW, SOME, BOOLEANS = st.integers(0, 3), st.integers(0, 4), st.integers(0, 5), st.booleans()
EMPTY_LINES = st.sampled_from(["", "\n"])


@st.composite
def files(draw: st.DrawFn) -> bytes:
    """A valid file of two groups, with a comment wherever one may stand."""
    number = iter(range(1000))

    def comment() -> str:
        kind = draw(KINDS)
        return f" # c{next(number)} 'x' [" if kind == 0 else f"   # äöü {next(number)}" if kind == 1 else ""

    def line(indent: int) -> str:
        return f"{' ' * indent}# own {next(number)}\n" if draw(FEW) == 0 else ""

    text = HEAD
    for name in ("a", "b"):
        text += f"{line(2)}  - name: group-{name}{comment()}\n"
        rules = draw(RULES)
        rules = [_described(rule) for rule in rules]
        if draw(SOME) == 0:
            text += "    rules: [" + ", ".join(_flow(rule) for rule in rules) + f"]{comment()}\n"
            continue
        text += f"    rules:{comment()}\n"
        for rule in rules:
            text += line(6)
            if draw(BOOLEANS):
                text += f"      - {_flow(rule)}{comment()}\n"
            else:
                text += _block(rule, comment, line)
        text += line(6) + draw(EMPTY_LINES)
    if draw(BOOLEANS):
        text = text.replace("remote_group: b", "remote_group: group-b")
    if draw(KINDS) == 0:
        text = text.replace("\n", "\r\n")
    if draw(KINDS) == 0:
        text = text.rstrip()
    return (b"\xef\xbb\xbf" if draw(SOME) == 0 else b"") + text.encode()


@st.composite
def files_with_set(draw: st.DrawFn) -> bytes:
    """A valid file as above with a rule set, which the groups use whose rules are a block."""
    text = draw(files()).decode()
    newline = "\r\n" if "\r\n" in text else "\n"
    rules = (f"    - {_flow(_described(rule))} # s{number}" for number, rule in enumerate(draw(RULES)))
    text = re.sub(r"(    rules:[^\[\r\n]*\r?\n)", rf"\1      - {{use: set}}{newline}", text)
    return newline.join([text, "rule_sets:", "  set: # who", *rules, ""]).encode()


def _described(rule: dict[str, str]) -> dict[str, str]:
    """Give the same description to rules that say the same: otherwise the loader refuses them."""
    return {**rule, "description": "udp"} if rule.get("protocol") == "udp" else rule


def _flow(rule: dict[str, str]) -> str:
    return "{" + ", ".join(f"{key}: {value}" for key, value in rule.items()) + "}"


def _block(rule: dict[str, str], comment: Any, line: Any) -> str:
    text = ""
    for index, (key, value) in enumerate(rule.items()):
        start = "      - " if index == 0 else f"{line(8)}        "
        if value.startswith("[") and index % 2:
            items = "".join(f"{line(10)}          - {item}{comment()}\n" for item in value[1:-1].split(", "))
            text += f"{start}{key}:{comment()}\n{items}"
        else:
            text += f"{start}{key}: {value}{comment()}\n"
    return text

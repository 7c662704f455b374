"""A fleet of made-up groups, as files and as what is live: the input of the benchmarks. Always the same ones."""

import json
import random
from collections.abc import Iterator
from ipaddress import ip_address
from pathlib import Path
from typing import Any

RULES = 50
CHANGED_PERCENT = 2


def rules_of(group: int) -> Iterator[dict[str, Any]]:
    """Make the rules of one group: prefixes and ports that repeat as little as a real fleet's."""
    chance = random.Random(group)
    for number in range(RULES):
        port = 1000 + number * 10
        yield {
            "direction": "ingress",
            "ethertype": "IPv4",
            "protocol": "tcp",
            "port_range_min": port,
            "port_range_max": port + chance.randrange(9),
            "remote_ip_prefix": f"10.{chance.randrange(256)}.{chance.randrange(256)}.0/24",
            "description": f"rule {number} of group {group}",
        }


def changed_rules_of(group: int) -> list[dict[str, Any]]:
    """Make the rules that a changed group has live: one is wider than the file says."""
    rules = list(rules_of(group))
    rules[0] |= {"port_range_max": 65535}
    return rules


def overlapping_rules(seed: int) -> list[dict[str, Any]]:
    """Make 250 rules of one group whose prefixes and ports nest and overlap."""
    chance = random.Random(seed)
    rules = []
    for number in range(250):
        length = chance.choice((8, 12, 16, 20, 24, 28))
        address = (10 << 24 | chance.randrange(1 << 16) << 8) >> (32 - length) << (32 - length)
        first = chance.randrange(1, 60_000)
        rules.append(
            {
                "direction": "ingress",
                "ethertype": "IPv4",
                "protocol": chance.choice(("tcp", "udp")),
                "port_range_min": first,
                "port_range_max": first + chance.randrange(5_000),
                "remote_ip_prefix": f"{ip_address(address)}/{length}",
                "description": f"overlapping rule {number}",
            }
        )
    return rules


def group_text(group: int) -> str:
    """Write one group in block style, a line a field: about 9 kB."""
    lines = [
        f"  - name: group-{group:04d}",
        f"    description: Group number {group}",
        f"    tags: {{env: prod, team: team-{group % 17}}}",
        "    rules:",
    ]
    for rule in rules_of(group):
        fields = [f"{key}: {value}" for key, value in rule.items()]
        lines += [f"      - {fields[0]}", *(f"        {field}" for field in fields[1:])]
    return "\n".join(lines) + "\n"


def head(target: int = 7) -> str:
    """Write what stands above the groups of a document."""
    return f"project_id: 1\nregion_id: {target}\nsecurity_groups:\n"


def write_one_file(path: Path, groups: int) -> None:
    """Write all groups into one file."""
    path.write_text(head() + "".join(group_text(group) for group in range(groups)))


def write_many_files(folder: Path, groups: int) -> None:
    """Write each group into a file of its own."""
    folder.mkdir()
    for group in range(groups):
        (folder / f"{group:04d}.yaml").write_text(head() + group_text(group))


def write_targets(path: Path, targets: int) -> None:
    """Write one small group for many targets."""
    listed = "".join(f"  - {{project_id: 1, region_id: {region}}}\n" for region in range(1, targets + 1))
    rule = "{direction: ingress, protocol: tcp, ports: 443}"
    path.write_text(f"targets:\n{listed}security_groups:\n  - name: web\n    rules:\n      - {rule}\n")


def write_seed(path: Path, groups: int, changed_percent: int = CHANGED_PERCENT, owner: str | None = None) -> None:
    """Write the live state for the emulator: as the files say, but for one rule in some groups of a hundred.

    With an `owner` the groups carry its tag, so that pruning may delete them.
    """
    owned = {} if owner is None else {"sgctl-owner": owner}
    live = []
    for group in range(groups):
        rules = changed_rules_of(group) if group % 100 < changed_percent else list(rules_of(group))
        live.append(
            {
                "project_id": 1,
                "region_id": 7,
                "name": f"group-{group:04d}",
                "description": f"Group number {group}",
                "tags": {"env": "prod", "team": f"team-{group % 17}"} | owned,
                "rules": rules,
            }
        )
    path.write_text(json.dumps({"groups": live}))

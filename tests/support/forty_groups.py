"""A fleet: 40 groups with 584 rules in two regions; 38 of them let SSH in, by 360 rules, on a port to choose."""

from typing import Any

TARGETS = ({"project_id": 1337, "region_id": 7}, {"project_id": 1337, "region_id": 8})
OFFICES = [f"203.0.113.{number * 32}/28" for number in range(6)]


def forty_groups(ssh: int = 22) -> dict[str, Any]:
    """The fleet as a file has it: 20 groups for two regions, where SSH listens on the port `ssh`."""
    groups = [_group(f"web-{number:02}", number, ssh, doors=10, others=5) for number in range(1, 18)]
    groups += [_group("cache", 20, ssh, doors=5, others=8), _group("queue", 21, ssh, doors=5, others=8)]
    groups.append(_group("bastion", 30, ssh, doors=0, others=11))
    return {"targets": list(TARGETS), "security_groups": groups}


def _group(name: str, number: int, ssh: int, *, doors: int, others: int) -> dict[str, Any]:
    """SSH from the bastion, networks of the group's own, and the offices; `web-01` and `web-02` have it for all."""
    second = "0.0.0.0/0" if name in {"web-01", "web-02"} else f"10.{number + 100}.0.0/16"
    remotes: list[dict[str, Any]] = [{"remote_group": "bastion"}]
    remotes += [{"remote_ip_prefix": prefix} for prefix in (f"10.{number}.0.0/16", second, "192.0.2.0/24", *OFFICES)]
    tcp = {"direction": "ingress", "protocol": "tcp"}
    rules = [{**tcp, "ports": ssh, "description": "SSH", **remote} for remote in remotes[:doors]]
    rules += [{**tcp, "ports": 8000 + port, "remote_ip_prefix": "10.0.0.0/8"} for port in range(others)]
    return {"name": name, "rules": rules}

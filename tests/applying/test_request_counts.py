"""How many requests a fleet takes: what did not change is never asked for one by one."""

from collections import Counter
from pathlib import Path

from reconciler import apply, connect, load, plan
from reconciler.emulator.server import EmulatorServer

REGIONS = (7, 8, 9)
GROUPS = 60
CHANGED = 20
"""Of all three regions together."""


def name(number: int) -> str:
    return f"group-{number:02d}"


def files(folder: Path) -> str:
    targets = "".join(f"  - {{project_id: 1, region_id: {region}}}\n" for region in REGIONS)
    https = "{direction: ingress, protocol: tcp, ports: 443}"
    groups = "".join(f"  - name: {name(number)}\n    rules:\n      - {https}\n" for number in range(GROUPS))
    path = folder / "fleet.yaml"
    path.write_text(f"targets:\n{targets}security_groups:\n{groups}")
    return str(path)


def rule(port: int) -> dict[str, object]:
    ports = {"port_range_min": port, "port_range_max": port}
    return {"direction": "ingress", "ethertype": "IPv4", "protocol": "tcp", **ports}


def live() -> dict[str, object]:
    """Every group in every region; of those of all regions, the first few have a rule that no file knows."""
    wanted, extra = rule(443), rule(22)
    places = [(region, number) for number in range(GROUPS) for region in REGIONS]
    return {
        "groups": [
            {
                "project_id": 1,
                "region_id": region,
                "name": name(number),
                "rules": [wanted, extra] if index < CHANGED else [wanted],
            }
            for index, (region, number) in enumerate(places)
        ]
    }


def test_three_targets_take_three_lists_and_twenty_groups_a_patch_and_a_read_each(tmp_path: Path) -> None:
    """The lists of the plan, those of the check that it is not stale, then PATCH and read-back; nothing else on v1."""
    lists = Counter(("GET", f"/cloud/v1/securitygroups/1/{region}") for region in REGIONS)
    with EmulatorServer(seed=live()) as emulator, connect(emulator.api_key, base_url=emulator.url) as api:
        proposal = plan(load(files(tmp_path)), api)
        assert Counter((each.method, each.path) for each in emulator.requests) == lists

        assert len(proposal.changes) == CHANGED
        asked = len(emulator.requests)
        assert apply(proposal, api).error is None
        sent = Counter((each.method, each.path) for each in emulator.requests[asked:])

        groups = [change.difference.live for change in proposal.changes]
        changed = {f"/cloud/v1/securitygroups/1/{each.target.region_id}/{each.id}" for each in groups if each}
        assert len(changed) == CHANGED
        assert sent == lists + Counter((method, path) for path in changed for method in ("PATCH", "GET"))
        assert plan(load(files(tmp_path)), api).changes == ()


def test_a_plan_that_creates_groups_takes_one_request_more_for_all_regions(tmp_path: Path) -> None:
    """The quotas: once for the whole account. Nothing is asked once more when the plan is applied."""
    quotas = ("GET", "/cloud/v2/client_quotas")
    lists = Counter(("GET", f"/cloud/v1/securitygroups/1/{region}") for region in REGIONS)
    with EmulatorServer() as emulator, connect(emulator.api_key, base_url=emulator.url) as api:
        proposal = plan(load(files(tmp_path)), api)
        assert Counter((each.method, each.path) for each in emulator.requests) == lists + Counter([quotas])
        assert apply(proposal, api).error is None
        assert [(each.method, each.path) for each in emulator.requests].count(quotas) == 1

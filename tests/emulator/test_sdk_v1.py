"""The official `gcore` package 0.25 as a second client that knows nothing of this project.

Its `security_groups` are the v1 operations, and its `update()` is the v1 PATCH with `changed_rules`.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import pytest

from reconciler.emulator.server import EmulatorServer

if TYPE_CHECKING:
    import gcore


@pytest.fixture(scope="module")
def package() -> Any:
    """The SDK, which takes a second to import: only the process that runs these tests does so."""
    found = pytest.importorskip("gcore", reason="the official SDK is not installed")
    if not found.__version__.startswith("0.25."):
        pytest.skip("only gcore 0.25 speaks v1; a newer one is driven elsewhere")
    return found


@pytest.fixture
def sdk(emulator: EmulatorServer, package: Any) -> Iterator[gcore.Gcore]:
    """A client of the SDK. It repeats nothing, so that every refusal is seen."""
    with package.Gcore(
        api_key="emulator", base_url=emulator.url, cloud_project_id=1, cloud_region_id=7, max_retries=0
    ) as client:
        yield client


def test_the_life_of_a_group(sdk: gcore.Gcore, package: Any) -> None:
    """Create, read, change, copy, delete."""
    groups = sdk.cloud.security_groups
    web = groups.create(
        security_group={
            "name": "web",
            "description": "Public web tier",
            "tags": {"env": "prod"},
            "security_group_rules": [
                {"direction": "ingress", "protocol": "tcp", "port_range_min": 443, "port_range_max": 443}
            ],
        }
    )
    assert web.revision_number == 1
    assert web.tags_v2[0].value == "prod"
    https = web.security_group_rules[-1]
    changed = groups.update(
        web.id,
        name="web-2",
        tags={"env": None, "team": "edge"},
        changed_rules=[
            {"action": "create", "direction": "ingress", "protocol": "udp", "remote_group_id": web.id},
            {"action": "delete", "security_group_rule_id": https.id},
        ],
    )
    assert (changed.name, changed.revision_number) == ("web-2", 2)
    assert [tag.key for tag in changed.tags_v2] == ["team"]
    assert changed.security_group_rules[-1].remote_group_id == web.id
    assert groups.get(web.id) == changed
    twin = groups.copy(web.id, name="twin")
    assert [group.name for group in groups.list()] == ["default", "web-2", "twin"]
    groups.delete(twin.id)
    with pytest.raises(package.NotFoundError):
        groups.get(twin.id)


def test_all_pages_of_a_list(sdk: gcore.Gcore) -> None:
    """The SDK follows `count` and `offset` by itself."""
    for number in range(23):
        sdk.cloud.security_groups.create(security_group={"name": f"group-{number:02}"})
    listed = [group.name for group in sdk.cloud.security_groups.list(limit=10)]
    assert listed == ["default", *(f"group-{number:02}" for number in range(23))]
    assert len(list(sdk.cloud.security_groups.list(tag_key=["env"]))) == 0


def test_refusals_become_the_errors_of_the_sdk(sdk: gcore.Gcore, package: Any) -> None:
    """Each status has its class there."""
    groups = sdk.cloud.security_groups
    web = groups.create(security_group={"name": "web"})
    rule = web.security_group_rules[0]
    twin = {"direction": "egress", "ethertype": rule.ethertype, "protocol": rule.protocol, "description": "again"}
    with pytest.raises(package.ConflictError):
        groups.update(web.id, changed_rules=[{"action": "create", **twin}])
    with pytest.raises(package.BadRequestError):
        groups.update(web.id, name="-")
    with pytest.raises(package.AuthenticationError):
        sdk.with_options(api_key="wrong").cloud.security_groups.get(web.id)
    assert groups.get(web.id) == web


def test_projects_regions_and_tasks(sdk: gcore.Gcore) -> None:
    """What a client looks up before it begins."""
    assert [project.is_default for project in sdk.cloud.projects.list()].count(True) == 1
    assert all(region.state == "ACTIVE" for region in sdk.cloud.regions.list())
    assert list(sdk.cloud.tasks.list(state=["NEW", "RUNNING"])) == []


def test_the_old_operations_on_rules(sdk: gcore.Gcore) -> None:
    """Create, replace, delete and revert, in the types of the SDK."""
    groups = sdk.cloud.security_groups
    web = groups.create(security_group={"name": "web"})
    ssh = groups.rules.create(web.id, direction="ingress", protocol="tcp", port_range_min=22, port_range_max=22)
    https = groups.rules.replace(
        ssh.id, direction="ingress", security_group_id=web.id, protocol="tcp", port_range_min=443, port_range_max=443
    )
    assert https.id != ssh.id
    assert https.security_group_id == web.id
    groups.rules.delete(https.id)
    assert https.id not in {rule.id for rule in groups.get(web.id).security_group_rules}
    back = groups.revert_to_default(web.id)
    assert back.security_group_rules[-1].port_range_min == 443


def test_quotas_and_tasks_that_were_seen(sdk: gcore.Gcore) -> None:
    """What the SDK knows beside security groups."""
    sdk.cloud.security_groups.create(security_group={"name": "web"})
    regional = sdk.cloud.quotas.get_by_region(client_id=1)
    assert regional.firewall_count_usage == 2
    assert sdk.cloud.quotas.get_all().regional_quotas[0].firewall_count_usage == 2
    assert sdk.cloud.quotas.get_global(1).project_count_usage == 3
    sdk.cloud.tasks.acknowledge_all()
    assert list(sdk.cloud.tasks.list(is_acknowledged=False)) == []

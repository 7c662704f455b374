"""Held to the published description of the API, where a copy of it lies beside the repository."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml
from starlette.routing import Route

from reconciler.emulator import fields, tasks, validation, work
from reconciler.emulator.app import create_app
from reconciler.emulator.knobs import Knobs
from reconciler.emulator.server import EmulatorServer
from reconciler.emulator.store import Store
from reconciler.emulator.v1 import CATALOG_LIMIT, GROUP_LIMIT

from .conftest import GROUPS, GROUPS_V2, Client, tcp

DESCRIPTION = Path(__file__).parents[3] / "shared" / "api" / "security-groups.openapi.yaml"

# Operations of the same cloud that the description beside this repository leaves out; the official SDK has them.
ELSEWHERE = {("GET", "/cloud/v1/user_actions")}

pytestmark = pytest.mark.skipif(
    not DESCRIPTION.is_file(), reason="the published description of the API is not beside this repository"
)


@pytest.fixture(scope="module")
def published() -> dict[str, Any]:
    """The whole description."""
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    description: dict[str, Any] = yaml.load(DESCRIPTION.read_text(encoding="utf-8"), Loader=loader)
    return description


@pytest.fixture(scope="module")
def seeded() -> Iterator[Client]:
    """An emulator with something in it, and one task of each kind and end."""
    group = {"project_id": 1, "region_id": 7, "name": "web", "tags": {"env": "prod"}, "instances": ["web-1"]}
    with EmulatorServer(seed={"groups": [{**group, "rules": [tcp(22)]}]}, knobs=Knobs(task_polls=0)) as emulator:
        client = Client(emulator)
        with client.http:
            made = client.finish(client.http.post(GROUPS_V2, json={"name": "app", "rules": [tcp(1)]}))
            path = f"{GROUPS_V2}/{made['created_resources']['security_groups'][0]}"
            client.finish(client.http.patch(path, json={"rules": [tcp(2), tcp(2)]}))
            added = client.finish(client.http.post(f"{path}/rules", json=tcp(3)))
            client.finish(client.http.delete(f"{path}/rules/{added['created_resources']['security_group_rules'][0]}"))
            yield client


def check(published: dict[str, Any], schema: str, answer: Any) -> None:
    """The answer has the published shape, and no key that was never published."""
    reference = {"$ref": f"#/components/schemas/{schema}", "components": published["components"]}
    jsonschema.Draft202012Validator(reference).validate(answer)
    known = published["components"]["schemas"][schema]["properties"]
    assert set(answer) <= set(known)


def operation(published: dict[str, Any], method: str, path: str) -> dict[str, Any]:
    """The description of one operation."""
    found: dict[str, Any] = published["paths"][re.sub(r":int\}", "}", path)][method.lower()]
    return found


def test_every_operation_served_is_published(published: dict[str, Any]) -> None:
    """Nothing is made up but the emulator's own pages."""
    store = Store()
    routes = [route for route in create_app(store, api_key="x").routes if isinstance(route, Route)]
    store.close()
    served = [(method, route.path) for route in routes for method in (route.methods or set()) - {"HEAD"}]
    cloud = {(method, path) for method, path in served if not path.startswith("/emulator/")}
    for method, path in cloud - ELSEWHERE:
        operation(published, method, path)


@pytest.mark.parametrize(
    ("path", "schema"),
    [
        pytest.param(GROUPS, "SecurityGroupCollectionSerializer", id="list"),
        pytest.param(f"{GROUPS}/{{web}}", "SecurityGroupSerializer", id="get"),
        pytest.param(f"{GROUPS}/{{web}}/instances", "InstanceCollectionSerializer", id="instances"),
        pytest.param("/cloud/v1/projects", "ListProjectsSerializer", id="projects"),
        pytest.param("/cloud/v1/projects/5", "ProjectSerializer", id="project"),
        pytest.param("/cloud/v1/regions", "RegionCollectionSerializer", id="regions"),
        pytest.param("/cloud/v1/regions/5", "RegionSerializer", id="region"),
        pytest.param("/cloud/v1/tasks", "TaskCollectionSerializer", id="tasks"),
        pytest.param("/cloud/v1/tasks/{task}", "TaskSerializer", id="task"),
    ],
)
def test_a_read_is_answered_as_published(published: dict[str, Any], seeded: Client, path: str, schema: str) -> None:
    """Every result of a list too."""
    web = seeded.ok(seeded.http.get(GROUPS, params={"name": "web"}))["results"][0]["id"]
    task = seeded.ok(seeded.http.get("/cloud/v1/tasks"))["results"][0]["id"]
    answer = seeded.ok(seeded.http.get(path.format(web=web, task=task)))
    check(published, schema, answer)
    assert answer.get("results", [answer]) != []


def test_a_write_is_answered_as_published(published: dict[str, Any], client: Client) -> None:
    """v1 with the group, v2 with tasks."""
    group = client.create(rules=[tcp(22)], tags={"env": "prod"}, description="Public web tier")
    check(published, "SecurityGroupSerializer", group)
    check(published, "SecurityGroupSerializer", client.ok(client.patch(group["id"], tags=None)))
    twin = client.ok(client.http.post(f"{GROUPS}/{group['id']}/copy", json={"name": "twin"}))
    check(published, "SecurityGroupSerializer", twin)
    for rule in group["security_group_rules"]:
        check(published, "SecurityGroupRuleSerializer", rule)
        assert set(rule) == set(published["components"]["schemas"]["SecurityGroupRuleSerializer"]["properties"])
    assert set(group) == set(published["components"]["schemas"]["SecurityGroupSerializer"]["properties"])
    check(published, "TaskIDsSerializer", client.ok(client.http.post(GROUPS_V2, json={"name": "app"})))


def test_requests_have_the_published_fields_and_limits(published: dict[str, Any]) -> None:
    """Every name, enum, pattern and number of the checks is the one that was published."""
    schemas = published["components"]["schemas"]
    names = set(fields.RULE_FIELDS)
    for name in ("CreateSecurityGroupRuleSerializer", "CreateSecurityGroupRuleSerializerV2"):
        assert set(schemas[name]["properties"]) == names
        assert schemas[name]["required"] == ["direction"]
        assert schemas[name]["properties"]["description"]["maxLength"] == fields.MAX_DESCRIPTION
        assert schemas[name]["properties"]["port_range_min"]["anyOf"][0]["maximum"] == fields.MAX_PORT
    assert set(schemas["CreateSecurityGroupRuleActionSerializer"]["properties"]) == names | {"action"}
    assert set(schemas["SecurityGroupProtocolEnum"]["enum"]) == fields.PROTOCOLS_V1
    assert set(schemas["SecurityGroupProtocolEnumV2"]["enum"]) == fields.PROTOCOLS_V2
    v1, v2 = schemas["UpdateSecurityGroupSerializer"], schemas["UpdateSecurityGroupSerializerV2"]
    assert set(v1["properties"]) == {"changed_rules", "name", "tags"}
    assert set(v2["properties"]) == {"name", "description", "tags", "rules"}
    assert v1["properties"]["changed_rules"]["maxItems"] == validation.MAX_CHANGED_RULES
    assert v2["properties"]["rules"]["maxItems"] == validation.MAX_RULES_IN_BODY
    assert v1["properties"]["name"]["pattern"] == f"^{fields.GROUP_NAME.pattern}$"


def test_lists_have_the_published_parameters_and_defaults(published: dict[str, Any], seeded: Client) -> None:
    """A parameter that is published is accepted; the limits are the published ones."""
    limits = {GROUPS: GROUP_LIMIT, "/cloud/v1/tasks": tasks.LIST_LIMIT}
    limits |= {"/cloud/v1/projects": CATALOG_LIMIT, "/cloud/v1/regions": CATALOG_LIMIT}
    for path, limit in limits.items():
        template = path.replace("/1/7", "/{project_id}/{region_id}")
        parameters = operation(published, "get", template)["parameters"]
        query = {parameter["name"]: parameter["schema"] for parameter in parameters if parameter["in"] == "query"}
        assert (query["limit"]["default"], query["limit"]["maximum"]) == (limit, 1000)
        refusal = seeded.http.get(path, params={"not-published": "1"}).json()["message"]
        known = refusal.partition("known are ")[2].split(", ")
        assert sorted(query) == known


def test_the_kinds_and_states_of_tasks_are_published(published: dict[str, Any]) -> None:
    """In the enum, and in the text of the filter."""
    assert set(published["components"]["schemas"]["TaskState"]["enum"]) == set(tasks.STATES)
    parameters = operation(published, "get", "/cloud/v1/tasks")["parameters"]
    text = next(parameter["schema"]["description"] for parameter in parameters if parameter["name"] == "task_type")
    for kind in (work.CREATE_GROUP, work.UPDATE_GROUP, work.CREATE_RULE, work.DELETE_RULE):
        assert f"'{kind}'" in text


def test_what_is_published_as_a_rule_is_accepted(published: dict[str, Any], client: Client) -> None:
    """Every protocol of both versions, in the family it belongs to."""
    group = client.create()
    for version, path, key in (("", "v1", "changed_rules"), ("V2", "v2", "rules")):
        for number, name in enumerate(
            published["components"]["schemas"][f"SecurityGroupProtocolEnum{version}"]["enum"]
        ):
            family = "IPv6" if name.startswith("ipv6") else "IPv4"
            prefix = f"2001:db8:{number}::/48" if family == "IPv6" else f"10.{number}.0.0/16"
            rule = {"direction": "egress", "protocol": name, "ethertype": family, "remote_ip_prefix": prefix}
            if path == "v1":
                client.ok(client.patch(group["id"], {"action": "create", **rule}))
            else:
                client.finish(client.http.patch(f"{GROUPS_V2}/{group['id']}", json={key: [rule]}))

"""Held to the published description of the API, where a copy of it lies beside the repository."""

from __future__ import annotations

import contextlib
import ipaddress
import json
import re
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml
from starlette.routing import Route

from reconciler.emulator import account, fields, tasks, validation, work
from reconciler.emulator.app import create_app
from reconciler.emulator.knobs import Knobs
from reconciler.emulator.server import EmulatorServer
from reconciler.emulator.store import Store
from reconciler.emulator.v1 import GROUP_LIMIT

from .conftest import GROUPS, GROUPS_V2, Client, tcp

DESCRIPTION = Path(__file__).parents[3] / "shared" / "api" / "security-groups.openapi.yaml"

# Operations of the same cloud that the description beside this repository leaves out; the official SDK has them.
ELSEWHERE = {
    ("GET", "/cdn/public-ip-list"),
    ("GET", "/cloud/public/v1/ipranges/egress"),
    ("GET", "/cloud/v1/user_actions"),
    ("GET", "/cloud/v2/client_quotas"),
    ("GET", "/cloud/v2/global_quotas/{client_id:number}"),
    ("GET", "/cloud/v2/regional_quotas/{client_id:number}/{region_id:number}"),
}

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
    found: dict[str, Any] = published["paths"][re.sub(r":number\}", "}", path)][method.lower()]
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


V1 = "/cloud/v1/securitygroups/{project_id}/{region_id}"
V2 = "/cloud/v2/security_groups/{project_id}/{region_id}"
RULE = "/cloud/v1/securitygrouprules/{project_id}/{region_id}/{rule_id}"
INSTANCE = "/cloud/v1/instances/{project_id}/{region_id}/{instance_id}"
CALLS = [
    ("GET", V1, None),
    ("POST", V1, {"security_group": {"name": "new"}}),
    ("GET", V1 + "/{group_id}", None),
    ("PATCH", V1 + "/{group_id}", {"name": "web-2"}),
    ("DELETE", V1 + "/{group_id}", None),
    ("POST", V1 + "/{group_id}/copy", {"name": "twin"}),
    ("POST", V1 + "/{group_id}/revert", None),
    ("POST", V1 + "/{group_id}/rules", tcp(23)),
    ("GET", V1 + "/{group_id}/metadata", None),
    ("POST", V1 + "/{group_id}/metadata", {"team": "edge"}),
    ("PUT", V1 + "/{group_id}/metadata", {"team": "edge"}),
    ("GET", V1 + "/{group_id}/metadata_item?key=env", None),
    ("DELETE", V1 + "/{group_id}/metadata_item?key=env", None),
    ("GET", V1 + "/{group_id}/instances", None),
    ("PUT", RULE, tcp(24)),
    ("DELETE", RULE, None),
    ("GET", INSTANCE + "/securitygroups", None),
    ("POST", INSTANCE + "/addsecuritygroup", {"name": "web"}),
    ("POST", INSTANCE + "/delsecuritygroup", {"name": "used"}),
    ("POST", V2, {"name": "new"}),
    ("PATCH", V2 + "/{group_id}", {"name": "web-2"}),
    ("POST", V2 + "/{group_id}/rules", tcp(23)),
    ("DELETE", V2 + "/{group_id}/rules/{rule_id}", None),
    ("GET", "/cloud/v1/projects", None),
    ("POST", "/cloud/v1/projects", {"name": "edge"}),
    ("GET", "/cloud/v1/projects/{project_id}", None),
    ("PATCH", "/cloud/v1/projects/{project_id}", {"description": "new"}),
    ("DELETE", "/cloud/v1/projects/{project_id}", None),
    ("GET", "/cloud/v1/regions", None),
    ("GET", "/cloud/v1/regions/{region_id}", None),
    ("GET", "/cloud/v1/tasks", None),
    ("GET", "/cloud/v1/tasks/{project_id}/{region_id}/active", None),
    ("GET", "/cloud/v1/tasks/{task_id}", None),
    ("POST", "/cloud/v1/tasks/{task_id}/acknowledge", None),
    ("POST", "/cloud/v1/tasks/acknowledge_all", None),
    ("POST", "/cloud/v1/tasks/acknowledge", {"task_ids": None}),
]


@pytest.mark.parametrize(
    ("method", "path", "body"), [pytest.param(*call, id=f"{call[0]} {call[1].partition('?')[0]}") for call in CALLS]
)
def test_an_operation_is_answered_as_published(published: dict[str, Any], method: str, path: str, body: Any) -> None:
    """With the published status and shape, every result of a list too."""
    ids = {"project_id": 5, "region_id": 76, "instance_id": "0c1f8a36-6e6e-4ad0-9d3c-8a3f4a1c7b52"}
    place = {"project_id": 5, "region_id": 76}
    seed = [
        {**place, "name": "web", "tags": {"env": "prod"}, "rules": [tcp(22)]},
        {**place, "name": "used", "instances": [{"id": ids["instance_id"], "name": "web-1"}]},
    ]
    with EmulatorServer(seed={"groups": seed}, knobs=Knobs(task_polls=2)) as emulator:
        client = Client(emulator)
        with client.http as http:
            web, used, _ = client.ok(http.get(V1.format(**ids)))["results"]
            (task,) = client.ok(http.post(V2.format(**ids), json={"name": "app"}))["tasks"]
            group = used if path.endswith("/instances") else web
            ids |= {"group_id": group["id"], "rule_id": web["security_group_rules"][0]["id"], "task_id": task}
            response = http.request(method, path.format(**ids), json=body)
    expected = operation(published, method, path.partition("?")[0])["responses"]
    assert str(response.status_code) in expected, response.text
    content = expected[str(response.status_code)].get("content")
    if content is None:
        assert response.content == b""
    else:
        schema = content["application/json"]["schema"]["$ref"].rpartition("/")[2]
        check(published, schema, response.json())
        assert response.json().get("results", [response.json()]) != []


def test_every_published_operation_is_asked_for_above(published: dict[str, Any]) -> None:
    methods = {"get", "post", "put", "patch", "delete"}
    operations = {(m.upper(), path) for path, item in published["paths"].items() for m in item if m in methods}
    assert operations == {(method, path.partition("?")[0]) for method, path, _ in CALLS}


def test_a_group_and_its_rules_have_every_published_field(published: dict[str, Any], client: Client) -> None:
    """And no others."""
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
    limits |= {"/cloud/v1/projects": account.LIST_LIMIT, "/cloud/v1/regions": account.LIST_LIMIT}
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
    """Every protocol of both versions but the one that Neutron does not know, in the family it belongs to."""
    client.emulator.control.knobs = Knobs(refuse_port_25=False)
    group = client.create()
    for version, path, key in (("", "v1", "changed_rules"), ("V2", "v2", "rules")):
        for number, name in enumerate(
            published["components"]["schemas"][f"SecurityGroupProtocolEnum{version}"]["enum"]
        ):
            if name == "ipencap":
                continue
            family = "IPv6" if name.startswith("ipv6") else "IPv4"
            prefix = f"2001:db8:{number}::/48" if family == "IPv6" else f"10.{number}.0.0/16"
            rule = {"direction": "egress", "protocol": name, "ethertype": family, "remote_ip_prefix": prefix}
            if path == "v1":
                client.ok(client.patch(group["id"], {"action": "create", **rule}))
            else:
                client.finish(client.http.patch(f"{GROUPS_V2}/{group['id']}", json={key: [rule]}))


VERDICTS = {"stored": 200, "refused": 400, "no such group": 404, "duplicate": 409}
DISAGREEMENT = re.compile(r"\d+ x Neutron (stored|refused|no such group|duplicate|500)\b")


def disagreements() -> Iterator[tuple[str, dict[str, Any]]]:
    """Rules about which a real Neutron and an older emulator disagreed, with Neutron's word about each."""
    verdict = None
    for line in DESCRIPTION.with_name("neutron-fuzz.txt").read_text(encoding="utf-8").splitlines():
        if not line.startswith(" " * 8):
            found = DISAGREEMENT.match(line.strip())
            verdict = found[1] if found else None
        elif verdict is not None and line.strip().startswith("{"):
            with contextlib.suppress(json.JSONDecodeError):  # the longest ones are cut off
                yield verdict, json.loads(line)


def is_published(published: dict[str, Any], rule: dict[str, Any]) -> bool:
    """Whether the cloud in front of Neutron lets a rule through."""
    reference = "#/components/schemas/CreateSecurityGroupRuleSerializer"
    validator = jsonschema.Draft202012Validator({"$ref": reference, "components": published["components"]})
    try:
        if rule.get("remote_ip_prefix") is not None:
            ipaddress.ip_network(rule["remote_ip_prefix"])
        uuid.UUID(rule.get("remote_group_id", str(uuid.uuid4())))
    except (ValueError, TypeError, AttributeError):
        return False
    return validator.is_valid(rule)


def test_what_the_cloud_lets_through_is_judged_as_neutron_judges_it(published: dict[str, Any], client: Client) -> None:
    """And what its published schema refuses never gets there."""
    groups = {"OWN": client.create("own")["id"], "OTHER": client.create("other")["id"], "GONE": str(uuid.uuid4())}
    groups |= {"OWN.upper()": groups["OWN"].upper(), "' OTHER'": f" {groups['OTHER']}"}
    let_through = 0
    for verdict, written in disagreements():
        remote = written.get("remote_group_id")
        rule = {**written, "remote_group_id": groups.get(remote, remote)} if remote is not None else written
        client.emulator.control.knobs = Knobs(default_egress=False, refuse_port_25=False)
        own = groups["OWN"] if remote in {"OWN", "OWN.upper()"} else client.create("fresh")["id"]
        entry = {"action": "create", **rule}
        if not is_published(published, rule):
            assert client.patch(own, entry).status_code == 400, rule
            continue
        let_through += 1
        if verdict == "duplicate":
            client.ok(client.patch(own, entry))
        assert client.patch(own, entry).status_code == VERDICTS[verdict], (verdict, rule)
    assert let_through > 20

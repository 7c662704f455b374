"""Resources and files say the same, and the definitions are those of the published schema."""

from pathlib import Path
from typing import Any

import pytest
import yaml
from build import desired_group, live_group, plan_of, tcp, there
from click.testing import CliRunner

from reconciler import load
from reconciler.cli import sgctl
from reconciler.kubernetes.crds import crds
from reconciler.kubernetes.export import Written, export
from reconciler.kubernetes.fields import camel, definitions, follow, in_resource_words, to_file, to_resource
from reconciler.kubernetes.propose import plan_digest
from reconciler.kubernetes.resources import (
    CLOUD_TARGET,
    KINDS,
    SECURITY_GROUP,
    Key,
    Resource,
    address_group_document,
    find_taken,
    group_document,
    take_snapshot,
    target_document,
)
from reconciler.model.desired import DesiredState, Target
from reconciler.model.ignore_rules import IgnoreRule
from reconciler.model.place import FilePlace

ROOT = Path(__file__).parents[2]


def spec_of(kind: str) -> dict[str, Any]:
    definition = next(each for each in crds() if each["spec"]["names"]["kind"] == kind)
    found: dict[str, Any] = definition["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"]["spec"]
    return found


@pytest.mark.parametrize("definition", crds(), ids=lambda each: str(each["spec"]["names"]["plural"]))
def test_the_manifests_are_what_the_command_prints(definition: dict[str, Any]) -> None:
    file = ROOT / "deploy" / "kubernetes" / "crds" / f"{definition['spec']['names']['plural']}.yaml"
    assert yaml.safe_load(file.read_text()) == definition, "run `sgctl operator --crds` and write it there"


def test_a_group_has_every_field_of_the_file_and_two_of_its_own() -> None:
    written = {camel(name) for name in definitions()["security_group"]["properties"]}
    assert spec_of("SecurityGroup")["properties"].keys() == written | {"targetRef", "deletionPolicy"}


def test_a_rule_has_every_field_of_the_file_that_is_not_only_an_answers() -> None:
    rule, preset = definitions()["rule"]["properties"], definitions()["preset_item"]["properties"]
    written = {camel(name) for name, part in (rule | preset).items() if not follow(part).get("deprecated")}
    assert spec_of("SecurityGroup")["properties"]["rules"]["items"]["properties"].keys() == written


def test_a_target_has_every_policy() -> None:
    written = {camel(name) for name in definitions()["policies"]["properties"]}
    assert spec_of("CloudTarget")["properties"]["policies"]["properties"].keys() == written


@pytest.mark.parametrize("kind", ["SecurityGroup", "CloudTarget", "AddressGroup"])
def test_every_field_is_described(kind: str) -> None:
    assert [name for name, part in spec_of(kind)["properties"].items() if "description" not in part] == []


def test_a_users_own_keys_are_left_alone() -> None:
    group = {"tags": {"cost_center": "7", "costCenter": "8"}, "rules": [{"remote_ip_prefix": "10.0.0.0/8"}]}
    there = to_resource(group, "security_group")
    assert there == {"tags": group["tags"], "rules": [{"remoteIpPrefix": "10.0.0.0/8"}]}
    assert to_file(there, "security_group") == group


def test_policies_are_spelled_back_with_their_settings() -> None:
    policies = {
        "world_open_any_port": {"level": "error", "max_ports": 10},
        "must_allow": [{"group": "web", "direction": "ingress", "remote_ip_prefix": "10.0.0.0/8"}],
    }
    there = to_resource(policies, "policies")
    assert there["worldOpenAnyPort"] == {"level": "error", "maxPorts": 10}
    assert to_file(there, "policies") == policies


def test_messages_are_in_the_words_of_resources() -> None:
    assert in_resource_words("`remote_ip_prefix` and some_word") == "`remoteIpPrefix` and some_word"


def resources_of(text: str) -> dict[Key, Resource]:
    found = {}
    for body in yaml.safe_load_all(text):
        kind = next(each for each in KINDS if each.name == body["kind"])
        key = Key(kind, body["metadata"]["namespace"], body["metadata"]["name"])
        found[key] = Resource(key, body)
    return found


def load_resources(resources: dict[Key, Resource]) -> list[DesiredState]:
    """Load each target by itself, as the operator does."""
    states = []
    for target in (each for key, each in resources.items() if key.kind == CLOUD_TARGET):
        snapshot = take_snapshot(resources, target)
        documents = [address_group_document(each) for each in snapshot.address_groups]
        states.append(
            load(target_document(target), *documents, *(group_document(each, target) for each in snapshot.groups))
        )
    return states


@pytest.mark.parametrize("example", ["web-tier", "multi-region", "policies"])
def test_exported_files_ask_for_what_the_files_ask_for(example: str) -> None:
    paths = [str(each) for each in sorted((ROOT / "examples" / example).glob("*.yaml"))]
    said = CliRunner().invoke(sgctl, ["export", *paths])
    assert said.exit_code == 0, said.output
    resources = resources_of(said.stdout)
    files = load(*paths)

    def essence(state: DesiredState) -> set[Any]:
        return {
            (
                *(group.target, group.name, group.description, group.owner, group.prevent_destroy),
                tuple(sorted((group.tags or {}).items())),
                None
                if group.rules is None
                else frozenset((r.rule, r.description, r.remote_group) for r in group.rules),
            )
            for group in state.groups
        }

    states = load_resources(resources)
    assert set().union(*map(essence, states)) == essence(files)
    assert {tuple(map(str, state.targets)) for state in states} == {(str(target),) for target in files.targets}
    assert all(state.policies == files.policies for state in states)


def body(kind: Any, name: str, /, **spec: Any) -> dict[Key, Resource]:
    key = Key(kind, "net", name)
    return {key: Resource(key, {"metadata": {"namespace": "net", "name": name}, "spec": spec})}


def test_resources_of_one_live_group_are_found_also_by_way_of_two_targets() -> None:
    where = {"projectId": 1, "regionId": 7}
    resources = {
        **body(CLOUD_TARGET, "a", **where),
        **body(CLOUD_TARGET, "b", **where),
        **body(CLOUD_TARGET, "elsewhere", projectId=1, regionId=8),
        **body(SECURITY_GROUP, "web", targetRef={"name": "a"}),
        **body(SECURITY_GROUP, "other", targetRef={"name": "b"}, name="web"),
        **body(SECURITY_GROUP, "third", targetRef={"name": "elsewhere"}, name="web"),
    }
    taken = find_taken(resources)
    assert {key.name: [each.name for each in others] for key, others in taken.items()} == {
        "web": ["other"],
        "other": ["web"],
    }
    first = take_snapshot(resources, resources[Key(CLOUD_TARGET, "net", "a")])
    assert [key.name for key in first.taken] == ["web"]


def test_what_others_do_to_their_rules_is_no_other_plan() -> None:
    """An approval names a digest, and a controller changes its rules at any time."""
    entries = (IgnoreRule(FilePlace("groups.yaml", 4, 5), description="k8s-*"),)
    group = desired_group("web", [tcp(22)], ignore_rules=entries)
    digests = {
        plan_digest(plan_of([group], [live_group("web", [there(1, tcp(80)), *others], revision_number=revision)]))
        for revision, others in enumerate(([], [there(2, tcp(30001), "k8s-1")], [there(3, tcp(30002), "k8s-2")]))
    }
    more = plan_of([group], [live_group("web", [there(1, tcp(80)), there(4, tcp(81))])])
    assert len(digests) == 1
    assert plan_digest(more) not in digests


def test_an_exported_group_has_the_ignore_rules_of_its_document() -> None:
    group = {"name": "web", "rules": [], "ignore_rules": [{"remote_group": "app"}]}
    document = {"ignore_rules": [{"description": "k8s-*"}], "security_groups": [group]}
    *_, resource = export([Written(document, [Target(1, 7)], None)], "prod", "key")
    assert resource["spec"]["ignoreRules"] == [{"description": "k8s-*"}, {"remoteGroup": "app"}]

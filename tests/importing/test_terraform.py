"""Groups that Terraform manages as well: found in both forms of its state, and handed over with nothing destroyed."""

import json
import os
import shutil
import subprocess
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from counted import Counted
from effort import examples
from hypothesis import given, settings
from hypothesis import strategies as st

from reconciler.importing.terraform import HandOver, Resource, hand_over, read_state
from reconciler.model.desired import Target
from reconciler.model.errors import SgctlError
from reconciler.model.live import LiveGroup

WEB, DB = "00000000-0000-4000-8000-000000000001", "00000000-0000-4000-8000-000000000002"
GROUPS = [LiveGroup(Target(1, 7), each, name, "", (), (), 1) for name, each in (("web", WEB), ("db", DB))]


def managed(type_: str, name: str, instances: list[dict[str, Any]], **more: Any) -> dict[str, Any]:
    return {"mode": "managed", "type": type_, "name": name, "instances": instances, **more}


STATE_FILE = {
    "version": 4,
    "terraform_version": "1.11.4",
    "resources": [
        managed("gcore_securitygroup", "web", [{"attributes": {"id": WEB.upper()}}]),
        managed("gcore_instance", "vm", [{"attributes": {"id": WEB}}]),
        {**managed("gcore_securitygroup", "read", [{"attributes": {"id": DB}}]), "mode": "data"},
        managed(
            "gcore_cloud_security_group",
            "all",
            [{"index_key": "a b", "attributes": {"id": DB}}, {"index_key": "x", "attributes": {"id": "gone"}}],
            module='module.firewall["eu"]',
        ),
        managed(
            "gcore_cloud_security_group_rule",
            "ssh",
            [{"index_key": 0, "attributes": {"id": "r0", "group_id": DB}}],
            module='module.firewall["eu"]',
        ),
    ],
}
SHOWN = {
    "format_version": "1.0",
    "terraform_version": "1.11.4",
    "values": {
        "root_module": {
            "resources": [
                {
                    "address": "gcore_securitygroup.web",
                    "mode": "managed",
                    "type": "gcore_securitygroup",
                    "values": {"id": WEB},
                }
            ],
            "child_modules": [
                {
                    "address": "module.firewall",
                    "resources": [
                        {
                            "address": f'module.firewall["eu"].{type_}.{name}',
                            "mode": "managed",
                            "type": type_,
                            "values": {"id": id_, "group_id": DB},
                        }
                        for type_, name, id_ in (
                            ("gcore_cloud_security_group", 'all["a b"]', DB),
                            ("gcore_cloud_security_group_rule", "ssh[0]", "r0"),
                        )
                    ],
                }
            ],
        }
    },
}


@pytest.mark.parametrize("state", [STATE_FILE, SHOWN], ids=["terraform.tfstate", "terraform show -json"])
def test_both_forms_of_a_state_tell_the_same(state: dict[str, Any]) -> None:
    found = hand_over(read_state(json.dumps(state).encode(), "state"), GROUPS)
    assert [(group.name, addresses) for group, addresses in found.groups] == [
        ("web", ("gcore_securitygroup.web",)),
        (
            "db",
            (
                'module.firewall["eu"].gcore_cloud_security_group.all["a b"]',
                'module.firewall["eu"].gcore_cloud_security_group_rule.ssh[0]',
            ),
        ),
    ]
    assert found.blocks.count("removed {") == found.blocks.count("destroy = false") == 3
    assert "from = module.firewall.gcore_cloud_security_group.all\n" in found.blocks
    assert found.command.startswith('terraform state rm gcore_securitygroup.web \'module.firewall["eu"].')


def test_a_state_without_groups_hands_nothing_over() -> None:
    for empty in ({"version": 4, "resources": []}, {"format_version": "1.0", "terraform_version": "1.11.4"}):
        assert hand_over(read_state(json.dumps(empty).encode(), "state"), GROUPS) == HandOver((), "", "")


def test_a_large_state_is_gone_through_once() -> None:
    """Not once for each group: 60,000 resources of 30,000 groups took minutes."""
    resources = Counted(Resource(f"gcore_securitygroup.g{number}", f"{number}") for number in range(20))
    walks = []
    for number in (2, 20):
        groups = [LiveGroup(Target(1, 7), f"{each}", f"g{each}", "", (), (), 1) for each in range(number)]
        counted = Counted(resources)
        assert len(hand_over(counted, groups).groups) == number
        walks.append(counted.walks)
    assert walks[0] == walks[1]


HOSTILE = {
    "no JSON": b"resource {}",
    "another document": b"[]",
    "a plan of ours": b'{"format_version": 1, "changes": []}',
    "deep": b"[" * 100_000,
    "a name that is code": json.dumps(
        {"resources": [managed("gcore_securitygroup", "x\n}\nresource", [{"attributes": {"id": WEB}}])]}
    ).encode(),
    "an address that a shell obeys": json.dumps(
        {"resources": [managed("gcore_securitygroup", "$(id)", [{"attributes": {"id": WEB}}])]}
    ).encode(),
    "no attributes": json.dumps({"resources": [managed("gcore_securitygroup", "x", [{}])]}).encode(),
}


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
def test_what_is_no_state_is_refused_with_a_hint(text: bytes) -> None:
    with pytest.raises(SgctlError) as raised:
        read_state(text, "x.tfstate")
    assert raised.value.message == "x.tfstate is not a state of Terraform"
    assert "terraform show -json" in (raised.value.hint or "")


@settings(max_examples=examples(50))
@given(st.recursive(st.none() | st.text() | st.integers(), lambda x: st.lists(x) | st.dictionaries(st.text(), x)))
def test_any_json_is_read_or_refused(content: Any) -> None:
    for value in (content, {"resources": content}, {"values": {"root_module": content}}):
        with suppress(SgctlError):
            assert read_state(json.dumps(value).encode(), "x") == ()


TERRAFORM = shutil.which("terraform")


@pytest.mark.skipif(TERRAFORM is None, reason="Terraform is not installed")
def test_terraform_forgets_what_the_blocks_name_and_destroys_nothing(tmp_path: Path) -> None:
    """With a resource that Terraform brings along, in the place of Gcore's."""

    def terraform(*arguments: str) -> str:
        environment = {key: value for key, value in os.environ.items() if not key.startswith("TF_")}
        done = subprocess.run(
            [str(TERRAFORM), *arguments],
            cwd=tmp_path,
            env={**environment, "CHECKPOINT_DISABLE": "1"},
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    (tmp_path / "main.tf").write_text('resource "terraform_data" "web" {\n  count = 2\n}\n')
    terraform("init", "-input=false")
    terraform("apply", "-auto-approve")
    resources = [Resource(f"gcore_securitygroup.web[{number}]", WEB) for number in range(2)]
    blocks = hand_over(resources, GROUPS).blocks
    (tmp_path / "main.tf").write_text(blocks.replace("gcore_securitygroup", "terraform_data"))
    assert "0 added, 0 changed, 0 destroyed" in terraform("apply", "-auto-approve", "-no-color")
    assert terraform("state", "list") == ""

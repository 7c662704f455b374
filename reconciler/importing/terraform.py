"""What a Terraform state manages of the groups that are imported, and how Terraform lets go of it. Pure.

Two managers of one group undo each other's changes. A `removed` block (Terraform 1.7 and newer) or `terraform state rm`
forgets a resource and leaves alone what it stands for.

Read are both forms of a state: the file `terraform.tfstate` (version 4), and what `terraform show -json` prints.
"""

import json
import re
import shlex
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, NamedTuple

from reconciler.model.errors import SgctlError
from reconciler.model.live import LiveGroup

_GROUP_ID = {
    "gcore_securitygroup": "id",
    "gcore_cloud_security_group": "id",
    "gcore_cloud_security_group_rule": "group_id",
}
"""Resources of Gcore's provider (0.x; 2.0) that are a group or a rule of one: where each has the group's id."""

_NAME = r"[^\W\d][\w-]*"
_ADDRESS = re.compile(rf"(?:module\.{_NAME}\.)*{_NAME}\.{_NAME}")
_INSTANCE_KEY = re.compile(r'\[(?:\d+|"(?:[^"\\]|\\.)*")\]')


class Resource(NamedTuple):
    """A resource of a state: its address, with the key of its instance where it has one, and the group it is about."""

    address: str
    group_id: str

    @property
    def configured(self) -> str:
        """The address as it stands in a configuration, which knows no keys of instances."""
        return _INSTANCE_KEY.sub("", self.address)


class HandOver(NamedTuple):
    """Live groups that Terraform manages as well, each with the addresses it has there; and the way out."""

    groups: tuple[tuple[LiveGroup, tuple[str, ...]], ...]
    blocks: str
    command: str


def read_state(text: bytes, name: str) -> tuple[Resource, ...]:
    """Read the resources that hold security groups. Raises `SgctlError` for what is no state of Terraform."""
    try:
        content = json.loads(text)
        found = list(_of_file(content) if "resources" in content else _of_show(content))
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
        raise SgctlError(
            f"{name} is not a state of Terraform",
            hint="Pass a terraform.tfstate, or what `terraform show -json` prints.",
        ) from None
    return tuple(found)


def hand_over(resources: Sequence[Resource], groups: Iterable[LiveGroup]) -> HandOver:
    """Find which of the groups Terraform manages, and word how it lets go of them."""
    addresses: defaultdict[str, list[str]] = defaultdict(list)
    for each in resources:
        addresses[each.group_id].append(each.address)
    managed = [(group, tuple(addresses[group.id])) for group in groups if group.id in addresses]
    ids = {group.id for group, _ in managed}
    ours = [each for each in resources if each.group_id in ids]
    blocks = "\n".join(_block(address) for address in dict.fromkeys(each.configured for each in ours))
    command = " ".join(["terraform state rm", *(shlex.quote(each.address) for each in ours)]) if ours else ""
    return HandOver(tuple(managed), blocks, command)


def _block(address: str) -> str:
    return f"removed {{\n  from = {address}\n\n  lifecycle {{\n    destroy = false\n  }}\n}}\n"


def _of_file(content: dict[str, Any]) -> Iterator[Resource]:
    for resource in content["resources"]:
        within = f"{resource['module']}." if resource.get("module") else ""
        for instance in resource["instances"]:
            key = instance.get("index_key")
            written = "" if key is None else f"[{json.dumps(key)}]"
            address = f"{within}{resource['type']}.{resource['name']}{written}"
            yield from _resource(resource, address, instance["attributes"])


def _of_show(content: dict[str, Any]) -> Iterator[Resource]:
    modules = [content["values"]["root_module"]] if "values" in content else []
    if not modules and "terraform_version" not in content:
        raise KeyError("values")
    for module in modules:  # grows while it is gone through
        modules += module.get("child_modules", [])
        for resource in module.get("resources", []):
            yield from _resource(resource, resource["address"], resource["values"])


def _resource(resource: dict[str, Any], address: str, attributes: dict[str, Any]) -> Iterator[Resource]:
    """Take a managed resource that is about a group. Its address ends up in commands, so it has to be one."""
    field = _GROUP_ID.get(resource["type"])
    if resource["mode"] != "managed" or field is None:
        return
    found = Resource(address, str(attributes[field]).lower())
    if not _ADDRESS.fullmatch(found.configured) or not address.isprintable():
        raise ValueError(address)
    yield found

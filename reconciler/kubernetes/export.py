"""Desired-state documents -> resources, and resources as text. Pure."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import yaml

from reconciler.kubernetes.fields import to_resource
from reconciler.kubernetes.resources import ADDRESS_GROUP, CLOUD_TARGET, GROUP, SECURITY_GROUP, VERSION, Kind
from reconciler.model.desired import Target
from reconciler.model.naming import free_name
from reconciler.model.text import printable, without_commands

Json = dict[str, Any]

_UNFIT = re.compile(r"[^a-z0-9]+")
LONGEST_NAME = 63


def resource_name(text: str, taken: dict[str, int]) -> str:
    """Make the name of a resource of any text, which no other has; `taken` is that of `free_name`.

    >>> resource_name("Web tier", {"web-tier": 1})
    'web-tier-2'
    """
    return free_name(_UNFIT.sub("-", text.lower()).strip("-")[: LONGEST_NAME - 4].strip("-") or "unnamed", taken)


class Written(NamedTuple):
    """A valid document of a file as data, with the targets that it is for and its owner."""

    value: Mapping[str, Any]
    targets: Sequence[Target]
    owner: str | None


def export(documents: Sequence[Written], namespace: str, secret: str) -> Iterator[Json]:
    """Write documents as resources of a namespace, each group once for each of its targets.

    The API key is that of the Secret.
    """
    targets = dict.fromkeys(target for each in documents for target in each.targets)
    owners = {target: each.owner for each in documents for target in each.targets if each.owner is not None}
    policies = next((each.value["policies"] for each in documents if "policies" in each.value), None)
    taken: dict[str, int] = {}
    names = {}
    for target in targets:
        names[target] = resource_name(f"{target.project_id}-{target.region_id}", taken)
        spec: Json = {"projectId": target.project_id, "regionId": target.region_id}
        spec["apiKeySecretRef"] = {"name": secret}
        spec |= {"owner": owners[target]} if target in owners else {}
        spec |= {"policies": to_resource(policies, "policies")} if policies else {}
        yield _resource(CLOUD_TARGET, names[target], namespace, spec)
    yield from _address_groups(documents, namespace)
    taken.clear()
    for each in documents:
        written = each.value.get("security_groups", ())
        groups = [to_resource(_whole(group, each.value), "security_group") for group in written]
        for target in each.targets:
            for group in groups:
                about = f"{group['name']}-{names[target]}" if len(targets) > 1 else group["name"]
                spec = {"targetRef": {"name": names[target]}, **group}
                own = resource_name(about, taken)
                if own == group["name"]:
                    del spec["name"]
                yield _resource(SECURITY_GROUP, own, namespace, spec)


def _whole(group: Mapping[str, Any], document: Mapping[str, Any]) -> dict[str, Any]:
    """Give a group what its document says for all of its groups: a resource stands by itself."""
    ignored = [*document.get("ignore_rules", ()), *group.get("ignore_rules", ())]
    return {**group, "ignore_rules": ignored} if ignored else dict(group)


def _address_groups(documents: Sequence[Written], namespace: str) -> Iterator[Json]:
    taken: dict[str, int] = {}
    for document in documents:
        for name, prefixes in document.value.get("address_groups", {}).items():
            own = resource_name(name, taken)
            spec: Json = {"prefixes": list(prefixes)} if own == name else {"name": name, "prefixes": list(prefixes)}
            yield _resource(ADDRESS_GROUP, own, namespace, spec)


def _resource(kind: Kind, name: str, namespace: str, spec: Json) -> Json:
    return {
        "apiVersion": f"{GROUP}/{VERSION}",
        "kind": kind.name,
        "metadata": {"name": name, "namespace": namespace},
        "spec": spec,
    }


class _Dumper(yaml.CSafeDumper):
    def ignore_aliases(self, _data: Any) -> bool:
        """Write what is there twice twice."""
        return True


def _write_text(dumper: _Dumper, text: str) -> yaml.ScalarNode:
    """Quote what a terminal or a CI runner would obey, so that it can be escaped."""
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=None if printable(text) == text else '"')


_Dumper.add_representer(str, _write_text)
_UNSEEN = re.compile(r"[^\n -~]")
_ONE_LINE = 2**30


def write_yaml(resources: Iterable[Mapping[str, Any]]) -> str:
    """Write resources as one text, a document each. No line is folded: none begins with what a value says."""
    text: str = yaml.dump_all(
        resources, Dumper=_Dumper, sort_keys=False, width=_ONE_LINE, allow_unicode=True, explicit_start=True
    )
    return without_commands(_UNSEEN.sub(_escape, text))


def _escape(found: re.Match[str]) -> str:
    """Write a character of a quoted text that is not seen as YAML does."""
    return found[0] if found[0].isprintable() else f"\\U{ord(found[0]):08X}"

"""What a cluster holds for us, and what it asks for: resources -> plain documents. Pure."""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import Any, NamedTuple

from reconciler.kubernetes.fields import to_file
from reconciler.loading.plain import PlainDocument
from reconciler.model.clock import parse_duration
from reconciler.model.desired import Target

GROUP, VERSION = "sgctl.dev", "v1alpha1"
APPROVE = f"{GROUP}/approve"
"""The annotation of a `CloudTarget` that holds the digest of the plan to carry out."""

FINALIZER = f"{GROUP}/live-group"
"""Keeps a `SecurityGroup` with `deletionPolicy: Delete` until its live group is gone."""

KEY_OF_SECRET = "apiKey"  # noqa: S105 - the name of a field
DEFAULT_INTERVAL = timedelta(minutes=5)


class Kind(NamedTuple):
    """A kind of resource, and how the cluster's API names it."""

    name: str
    plural: str


CLOUD_TARGET = Kind("CloudTarget", "cloudtargets")
ADDRESS_GROUP = Kind("AddressGroup", "addressgroups")
SECURITY_GROUP = Kind("SecurityGroup", "securitygroups")
KINDS = (CLOUD_TARGET, ADDRESS_GROUP, SECURITY_GROUP)


class Mode(StrEnum):
    """What the operator does by itself in a target."""

    OBSERVE = "Observe"
    APPROVE = "Approve"
    NARROW = "Narrow"
    ENFORCE = "Enforce"


class DeletionPolicy(StrEnum):
    """What becomes of the live group of a resource that is deleted."""

    ORPHAN = "Orphan"
    DELETE = "Delete"


class Key(NamedTuple):
    """Which resource."""

    kind: Kind
    namespace: str
    name: str

    def __str__(self) -> str:
        return f"{self.kind.name} {self.namespace}/{self.name}"


@dataclass(frozen=True, slots=True)
class Resource:
    """A resource as the cluster has it. `body` is not to be changed."""

    key: Key
    body: Mapping[str, Any]

    @property
    def spec(self) -> Mapping[str, Any]:
        """What is asked for."""
        return _mapping(self.body.get("spec"))

    @property
    def status(self) -> Mapping[str, Any]:
        """What was said of it last."""
        return _mapping(self.body.get("status"))

    @property
    def metadata(self) -> Mapping[str, Any]:
        """What the cluster knows of it."""
        return _mapping(self.body.get("metadata"))

    @property
    def generation(self) -> int:
        """Which version of the spec this is."""
        return int(self.metadata.get("generation", 0))

    @property
    def is_going(self) -> bool:
        """Whether it is being deleted."""
        return self.metadata.get("deletionTimestamp") is not None

    @property
    def finalizers(self) -> tuple[str, ...]:
        """Who has to let it go."""
        return tuple(self.metadata.get("finalizers") or ())

    @property
    def conditions(self) -> Mapping[str, Mapping[str, Any]]:
        """What its conditions were said to be last, by their types."""
        known = self.status.get("conditions")
        found = (_mapping(each) for each in (known if isinstance(known, list) else ()))
        return {_text(each.get("type")): each for each in found}

    @property
    def approval(self) -> str | None:
        """The digest of the plan that somebody approved."""
        return _mapping(self.metadata.get("annotations")).get(APPROVE)

    @property
    def mode(self) -> Mode:
        """What is done by itself."""
        return Mode(self.spec.get("mode", Mode.APPROVE))

    @property
    def interval(self) -> timedelta:
        """How often the cloud is looked at."""
        return parse_duration(str(self.spec.get("interval", ""))) or DEFAULT_INTERVAL

    @property
    def secret(self) -> tuple[str, str]:
        """The name of the Secret with the API key, and the key of its data."""
        ref = _mapping(self.spec.get("apiKeySecretRef"))
        return str(ref.get("name", "")), str(ref.get("key", KEY_OF_SECRET))

    @property
    def has_place(self) -> bool:
        """Whether a `CloudTarget` says which project and region it is."""
        return all(type(self.spec.get(field)) is int for field in ("projectId", "regionId"))

    @property
    def target(self) -> Target:
        """The project and region of a `CloudTarget`."""
        return Target(int(self.spec["projectId"]), int(self.spec["regionId"]))

    @property
    def target_key(self) -> Key:
        """The `CloudTarget` of a `SecurityGroup`."""
        return Key(CLOUD_TARGET, self.key.namespace, str(_mapping(self.spec.get("targetRef")).get("name", "")))

    @property
    def deletes(self) -> bool:
        """Whether the live group goes with the resource."""
        return self.spec.get("deletionPolicy") == DeletionPolicy.DELETE

    @property
    def cloud_name(self) -> str:
        """The name in the cloud, or for rules: that of the resource, where the spec says no other."""
        return _text(self.spec.get("name")) or self.key.name

    @property
    def cloud_id(self) -> str:
        """The id of the live group, where the spec says one; else empty."""
        return _text(self.spec.get("id")).lower()

    @property
    def asks(self) -> tuple[Any, ...]:
        """What of it somebody may change so that something is to be done: not its status."""
        return self.generation, self.is_going, self.approval, self.finalizers


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


@dataclass(frozen=True, slots=True)
class Snapshot:
    """One target with all that its plan is made of; `groups` are in the order of their names.

    `taken` says of groups that others ask for too who those are: nobody gets one of these.
    """

    target: Resource
    groups: tuple[Resource, ...]
    address_groups: tuple[Resource, ...]
    taken: Mapping[Key, tuple[Key, ...]]

    @property
    def living(self) -> tuple[Resource, ...]:
        """The groups that are asked for."""
        return tuple(group for group in self.groups if not group.is_going)

    @property
    def going(self) -> tuple[Resource, ...]:
        """The groups whose resources are being deleted, and wait until their live groups are."""
        return tuple(each for each in self.groups if each.is_going and each.deletes and FINALIZER in each.finalizers)


def take_snapshot(resources: Mapping[Key, Resource], target: Resource) -> Snapshot:
    """Pick what belongs to a target."""
    here = [each for key, each in sorted(resources.items()) if key.namespace == target.key.namespace]
    groups = tuple(each for each in here if each.key.kind == SECURITY_GROUP and each.target_key == target.key)
    address_groups = tuple(each for each in here if each.key.kind == ADDRESS_GROUP and not each.is_going)
    taken = {key: others for key, others in find_taken(resources).items() if resources[key] in groups}
    return Snapshot(target, groups, address_groups, taken)


def find_taken(resources: Mapping[Key, Resource]) -> dict[Key, tuple[Key, ...]]:
    """Find resources that ask for one live group, also by way of two targets; each with the others."""
    claims: defaultdict[tuple[Target, str, str], list[Key]] = defaultdict(list)
    for key, each in resources.items():
        target = resources.get(each.target_key) if key.kind == SECURITY_GROUP and not each.is_going else None
        if target is None or not target.has_place:
            continue
        claims[target.target, "id" if each.cloud_id else "name", each.cloud_id or each.cloud_name].append(key)
    found: dict[Key, tuple[Key, ...]] = {}
    for keys in claims.values():
        if len(keys) > 1:
            found |= {key: tuple(sorted(other for other in keys if other != key)) for key in keys}
    return found


def address_group_document(resource: Resource) -> PlainDocument:
    """Write an `AddressGroup` as the document that a file would hold."""
    return PlainDocument(str(resource.key), {"address_groups": {resource.cloud_name: resource.spec.get("prefixes")}})


def _head(target: Resource) -> dict[str, Any]:
    return {"project_id": target.target.project_id, "region_id": target.target.region_id}


def target_document(target: Resource) -> PlainDocument:
    """Write a `CloudTarget` as a document: which project and region, and by which policies plans are judged."""
    policies = to_file(target.spec.get("policies", {}), "policies")
    content = {**_head(target), "security_groups": [], "policies": policies}
    return PlainDocument(str(target.key), content)


def group_document(resource: Resource, target: Resource) -> PlainDocument:
    """Write a `SecurityGroup` as the document that a file would hold."""
    spec = {key: value for key, value in resource.spec.items() if key not in ("targetRef", "deletionPolicy")}
    owner = {"owner": target.spec["owner"]} if "owner" in target.spec else {}
    group = to_file({"name": resource.cloud_name, **spec}, "security_group")
    content = {**_head(target), **owner, "security_groups": [group]}
    return PlainDocument(str(resource.key), content)

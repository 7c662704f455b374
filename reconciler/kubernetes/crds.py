"""The custom resource definitions, made from the published JSON Schema. Pure.

A cluster takes structural schemas only: every field has one type. A field that may be a scalar or a list, such as
`ports`, is a number or text where that says it all, and else is left open; the operator judges it as it does a file.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from reconciler.kubernetes.fields import Schema, alternatives, camel, definitions, follow, in_resource_words
from reconciler.kubernetes.resources import (
    ADDRESS_GROUP,
    CLOUD_TARGET,
    GROUP,
    KEY_OF_SECRET,
    SECURITY_GROUP,
    VERSION,
    DeletionPolicy,
    Kind,
    Mode,
)
from reconciler.model.policies import LIFTABLE
from reconciler.policy.damage import GAP, MASS_DELETE, MASS_REWRITE

Json = dict[str, Any]

_KEPT = ("minimum", "maximum", "minLength", "maxLength", "pattern", "minItems", "maxItems", "default")
_OPEN = {"x-kubernetes-preserve-unknown-fields": True}


def structural(schema: Schema) -> Json:
    """Turn a schema of the file into a structural one, with the fields in camelCase.

    What an API answer holds and a file ignores is left out: an answer is not in camelCase, so nobody copies it here.
    Rule sets are as well, which no kind of ours defines.
    """
    whole = follow(schema)
    leaves = tuple(leaf for leaf in alternatives(whole) if "use" not in leaf.get("properties", ()))
    types = {kind for leaf in leaves for kind in _types(leaf)}
    made: Json = {"description": in_resource_words(whole["description"])} if "description" in whole else {}
    if "null" in types:
        made["nullable"] = True
        leaves = tuple(leaf for leaf in leaves if _types(leaf) != ["null"])
    types -= {"null"}
    if types == {"integer", "string"}:
        return {**made, "x-kubernetes-int-or-string": True}
    if len(types) != 1 or types == {"any"}:
        return {**made, **_OPEN}
    made["type"] = types.pop()
    if made["type"] == "object":
        return made | _object(leaves)
    if made["type"] == "array":
        made["items"] = structural(leaves[0]["items"])
    if len(leaves) == 1:
        return made | _limits(leaves[0]) | ({"default": whole["default"]} if "default" in whole else {})
    return made | {"anyOf": [_limits(leaf) for leaf in leaves]}


def _types(leaf: Schema) -> Sequence[str]:
    if "type" not in leaf:
        return ["string"] if "enum" in leaf else ["any"]
    return [leaf["type"]] if isinstance(leaf["type"], str) else list(leaf["type"])


def _limits(leaf: Schema) -> Json:
    enum = {"enum": list(leaf["enum"])} if "enum" in leaf else {}
    return enum | {key: leaf[key] for key in _KEPT if key in leaf}


def _object(leaves: Sequence[Schema]) -> Json:
    properties = {
        camel(name): structural(part)
        for leaf in leaves
        for name, part in leaf.get("properties", {}).items()
        if not part.get("deprecated")
    }
    if not properties:
        return {"additionalProperties": structural(leaves[0]["additionalProperties"])}
    required = [[camel(name) for name in leaf.get("required", ())] for leaf in leaves]
    if len(leaves) > 1:
        return {"properties": properties, "oneOf": [{"required": names} for names in required]}
    return {"properties": properties, **({"required": required[0]} if required[0] else {})}


def _text(description: str, **more: Any) -> Json:
    return {"type": "string", "description": description, **more}


def _named(description: str, **properties: Json) -> Json:
    name = _text("Its name.", maxLength=253, pattern="^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$")
    return {
        "type": "object",
        "description": description,
        "required": ["name"],
        "properties": {"name": name, **properties},
    }


def _immutable(schema: Json, what: str) -> Json:
    rule = {"rule": "self == oldSelf", "message": f"{what} cannot be changed: create another resource"}
    return {**schema, "x-kubernetes-validations": [rule]}


def _target_spec() -> Json:
    written = structural(definitions()["document"])["properties"]
    guardrails = sorted({*LIFTABLE, MASS_DELETE, MASS_REWRITE, GAP})
    return {
        "type": "object",
        "required": ["projectId", "regionId", "apiKeySecretRef"],
        "properties": {
            "projectId": _immutable({**written["projectId"], "description": "The project's number."}, "the project"),
            "regionId": _immutable({**written["regionId"], "description": "The region's number."}, "the region"),
            "apiKeySecretRef": _named(
                "The Secret of this namespace that holds the API key.",
                key=_text("The key of the Secret's data.", default=KEY_OF_SECRET, minLength=1),
            ),
            "mode": _text(
                "What is done by itself. Observe: nothing. Approve: what the annotation sgctl.dev/approve names by the"
                " digest of the plan in the status. Narrow: what takes traffic away that no resource admits, and opens"
                " none; the rest as Approve. Enforce: whatever guardrails and policies let pass.",
                enum=[str(mode) for mode in Mode],
                default=str(Mode.APPROVE),
            ),
            "interval": _text(
                "How often the cloud is looked at when nothing changes here.",
                default="5m",
                pattern="^[1-9][0-9]{0,5}[smhd]$",
            ),
            "owner": {
                **written["owner"],
                "description": "Every group of the target carries the tag `sgctl-owner` with this value.",
            },
            "lift": {
                "type": "array",
                "description": "Guardrails that plans of this target pass.",
                "items": {"type": "string", "enum": guardrails},
            },
            "policies": structural(definitions()["policies"]),
        },
    }


def _group_spec() -> Json:
    made = structural(definitions()["security_group"])
    name_pattern = definitions()["security_group"]["then"]["properties"]["name"]["pattern"]
    own = {
        "targetRef": _immutable(_named("The CloudTarget of this namespace that the group is in."), "the target"),
        "deletionPolicy": _text(
            "What becomes of the live group when this resource is deleted.",
            enum=[str(policy) for policy in DeletionPolicy],
            default=str(DeletionPolicy.ORPHAN),
        ),
    }
    properties = own | made["properties"]
    properties["name"] = {
        **properties["name"],
        "description": f"{properties['name']['description']} Left out, the name of the resource.",
    }
    escaped = name_pattern.replace("\\", "\\\\")
    rule = {
        "rule": f"!has(self.name) || has(self.id) || self.name.matches('{escaped}')",
        "message": "name: " + definitions()["security_group"]["properties"]["name"]["description"],
    }
    return {"type": "object", "required": ["targetRef"], "properties": properties, "x-kubernetes-validations": [rule]}


def _address_group_spec() -> Json:
    return {
        "type": "object",
        "required": ["prefixes"],
        "properties": {
            "name": _text("The name that rules use. Left out, the name of the resource.", minLength=1),
            "prefixes": structural(definitions()["prefixes"]),
        },
    }


_CONDITION = {
    "type": "object",
    "required": ["type", "status", "reason", "message", "lastTransitionTime"],
    "properties": {
        "type": {"type": "string"},
        "status": {"type": "string", "enum": ["True", "False", "Unknown"]},
        "reason": {"type": "string"},
        "message": {"type": "string"},
        "observedGeneration": {"type": "integer", "format": "int64"},
        "lastTransitionTime": {"type": "string", "format": "date-time"},
    },
}


def _status(**more: Json) -> Json:
    return {
        "type": "object",
        "properties": {
            "observedGeneration": {"type": "integer", "format": "int64", "description": "What was looked at last."},
            "conditions": {
                "type": "array",
                "items": _CONDITION,
                "x-kubernetes-list-type": "map",
                "x-kubernetes-list-map-keys": ["type"],
            },
            **more,
        },
    }


_LINES = {"type": "array", "items": {"type": "string"}}

_PLAN = {
    "type": "object",
    "nullable": True,
    "description": "What would be done; absent where nothing is to be done.",
    "properties": {
        "digest": _text("What the annotation sgctl.dev/approve has to say for exactly this to be done."),
        "summary": _text("What it comes to."),
        "changes": {**_LINES, "description": "The groups that change."},
        "opens": {**_LINES, "description": "Traffic that is admitted after it and is not before."},
        "closes": {**_LINES, "description": "Traffic that is admitted before it and not after."},
        "stoppedBy": {**_LINES, "description": "Guardrails and policies that stop it."},
        "notes": {**_LINES, "description": "What else there is to know."},
    },
}

_READY = ("Ready", "string", '.status.conditions[?(@.type=="Ready")].status')
_IN_SYNC = ("In sync", "string", '.status.conditions[?(@.type=="InSync")].status')
_WHY = ("Why", "string", '.status.conditions[?(@.type=="InSync")].reason')
_AGE = ("Age", "date", ".metadata.creationTimestamp")


def _crd(
    kind: Kind, about: str, spec: Json, status: Json, columns: Sequence[tuple[str, str, str]], short: Sequence[str]
) -> Json:
    schema = {
        "type": "object",
        "description": about,
        "required": ["spec"],
        "properties": {
            "apiVersion": {"type": "string"},
            "kind": {"type": "string"},
            "metadata": {"type": "object"},
            "spec": spec,
            "status": status,
        },
    }
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"{kind.plural}.{GROUP}"},
        "spec": {
            "group": GROUP,
            "scope": "Namespaced",
            "names": {
                "kind": kind.name,
                "listKind": f"{kind.name}List",
                "plural": kind.plural,
                "singular": kind.name.lower(),
                "shortNames": list(short),
                "categories": ["sgctl"],
            },
            "versions": [
                {
                    "name": VERSION,
                    "served": True,
                    "storage": True,
                    "subresources": {"status": {}},
                    "schema": {"openAPIV3Schema": schema},
                    "additionalPrinterColumns": [
                        {"name": name, "type": type_, "jsonPath": path} for name, type_, path in columns
                    ],
                }
            ],
        },
    }


def crds() -> tuple[Mapping[str, Any], ...]:
    """Make the definitions of all kinds."""
    return (
        _crd(
            CLOUD_TARGET,
            "A project in a region of Gcore Cloud, with the key to it and what may be done there by itself.",
            _target_spec(),
            _status(plan=_PLAN, approved=_text("The digest of the plan that was approved and applied last.")),
            (
                ("Project", "integer", ".spec.projectId"),
                ("Region", "integer", ".spec.regionId"),
                ("Mode", "string", ".spec.mode"),
                _READY,
                _IN_SYNC,
                _WHY,
                _AGE,
            ),
            ["sgt"],
        ),
        _crd(
            ADDRESS_GROUP,
            "A named set of prefixes, which the rules of all groups of the namespace may use.",
            _address_group_spec(),
            _status(),
            (_READY, _AGE),
            ["sga"],
        ),
        _crd(
            SECURITY_GROUP,
            definitions()["security_group"]["description"],
            _group_spec(),
            _status(
                plan={
                    "type": "object",
                    "nullable": True,
                    "description": "This group's part of the target's plan; absent where nothing is to be done.",
                    "properties": {"summary": _PLAN["properties"]["summary"]}  # type: ignore[index]  # a literal above
                    | {key: _PLAN["properties"][key] for key in ("digest", "opens", "closes")},  # type: ignore[index]  # the same
                }
            ),
            (("Target", "string", ".spec.targetRef.name"), _READY, _IN_SYNC, _WHY, _AGE),
            ["sg"],
        ),
    )

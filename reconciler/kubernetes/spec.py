"""What is wrong with the fields that only resources have, by the definitions themselves. Pure.

A cluster refuses such resources when its definitions are ours. Those that were written under an older or a newer
definition, or under one that leaves fields open, come as they are. The fields of files are judged as files are.
"""

from collections.abc import Callable, Iterable, Mapping
from functools import cache
from typing import Any

from reconciler.kubernetes.crds import crds
from reconciler.kubernetes.resources import ADDRESS_GROUP, CLOUD_TARGET, SECURITY_GROUP, Kind, Resource
from reconciler.loading.structure_problems import strict_validator
from reconciler.model.text import listed, shown

_OF_FILES: Mapping[Kind, Mapping[str, Any]] = {
    CLOUD_TARGET: {"policies": {}},
    ADDRESS_GROUP: {"prefixes": {"type": "array"}},  # never a list that others publish: that is read from a folder
}
"""What is asked here of the fields that are judged as those of files are."""

_OWN = ("targetRef", "deletionPolicy")
"""The fields of a `SecurityGroup` that a file does not have."""

_TYPES = {"object": "a mapping", "array": "a list", "string": "text", "integer": "a whole number"}
_LIMITS = {"minimum": "{} or more", "minLength": "text", "maxLength": "text of at most {} characters"}
_FORMS = {
    "interval": "a time such as 90s, 5m or 1h",
    "name": "the name of a resource: lower-case letters, digits, `-` and `.`",
    "owner": "text without tabs, line breaks or blanks at its ends",
}
"""What the patterns say."""


def problem_of(resource: Resource) -> str | None:
    """Name the fields of a resource that are not as its definition says, and what they take; None where all are."""
    errors = _checker(resource.key.kind)(resource.body.get("spec"))
    return listed([*dict.fromkeys(text for error in errors for text in _word(error))], 5, "; ") or None


@cache
def _checker(kind: Kind) -> Callable[[Any], Iterable[Any]]:
    """Build what finds the errors of a spec of a kind: of all its fields but those of files, and of no others."""
    [definition] = [each for each in crds() if each["spec"]["names"]["kind"] == kind.name]
    spec = definition["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"]["spec"]
    properties: dict[str, Any] = {**spec["properties"], **_OF_FILES.get(kind, {})}
    if kind == SECURITY_GROUP:
        schema = {**spec, "properties": {name: properties[name] for name in _OWN}}
    else:
        schema = {**spec, "properties": properties, "additionalProperties": False}
    return strict_validator(schema).iter_errors


def _word(error: Any) -> list[str]:
    path = "spec" + "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in error.absolute_path)
    schema = error.schema
    if error.validator == "required":
        return [f"{path}.{name} is missing" for name in schema["required"] if name not in error.instance]
    if error.validator == "additionalProperties":
        return [
            f"{path}.{name} is no field that this version of the operator knows"
            for name in error.instance
            if name not in schema["properties"]
        ]
    if "enum" in schema:
        takes = f"one of {', '.join(schema['enum'])}"
    elif error.validator == "type":
        takes = _TYPES[schema["type"]]
    elif error.validator == "pattern":
        takes = _FORMS[str(error.absolute_path[-1])]
    else:
        takes = _LIMITS[str(error.validator)].format(error.validator_value)
    value = shown(error.instance)
    if isinstance(error.instance, str):
        value = f"the text {value}" if error.instance else "an empty text"
    return [f"{path} takes {takes}, not {value}"]

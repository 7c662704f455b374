"""Stand-ins for the ids of groups that a plan creates: `${security_group:NAME}`, in bodies and in paths.

No id and no valid group name looks like one. They are filled in when the group exists.
"""

import re
from collections.abc import Mapping
from typing import Any

_PLACEHOLDER = re.compile(r"\$\{security_group:([^}]*)\}")

_KEY = "remote_group_id"
_TAGS = "tags"
_NESTED = (dict, list, tuple)


def placeholder(name: str) -> str:
    """Stand in for the id of the group of that name."""
    return f"${{security_group:{name}}}"


def is_placeholder(group_id: str | None) -> bool:
    """Tell whether an id is not known yet."""
    return group_id is not None and group_id.startswith("${security_group:")


def names_in(value: Any) -> set[str]:
    """Collect the names of the groups whose ids a path or a body still needs.

    In a body only a `remote_group_id` is one: a description or a tag, whatever its key, may look like a placeholder and
    is sent as it stands.
    """
    names: set[str] = set()
    if isinstance(value, str):
        names.update(_PLACEHOLDER.findall(value))
    elif isinstance(value, Mapping):
        for key, item in value.items():
            if _may_hold(key, item):
                names |= names_in(item)
    elif isinstance(value, list | tuple):
        for item in value:
            if isinstance(item, _NESTED):
                names |= names_in(item)
    return names


def fill_in(value: Any, ids: Mapping[str, str]) -> Any:
    """Replace the placeholders of a path or a body by the ids of the groups. Raises `KeyError` for an unknown name."""
    if isinstance(value, str):
        return _PLACEHOLDER.sub(lambda match: ids[match[1]], value) if "${" in value else value
    if isinstance(value, Mapping):
        return {key: fill_in(item, ids) if _may_hold(key, item) else item for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [fill_in(item, ids) if isinstance(item, _NESTED) else item for item in value]
    return value


def _may_hold(key: str, item: Any) -> bool:
    return key == _KEY or (key != _TAGS and isinstance(item, _NESTED))

"""Makes a malformed fragment small without making it well-formed.

jsonschema is thorough and slow, and repeats what it judges in its messages. A hostile fragment of a million entries is
reduced to the first entries that are wrong, found by the quick checks of `structure`.
"""

from itertools import islice
from typing import Any, NamedTuple

from reconciler.loading.policy_structure import POLICIES, is_policy_flow
from reconciler.loading.structure import ITEM_CHECKS, KEYS, is_tag

MOST = 100
"""Entries of a list or mapping that are kept."""


class Reduced(NamedTuple):
    """A fragment with few entries; `indices` tells, for each list made shorter, where its items stood."""

    value: Any
    indices: dict[str, list[int]]
    omitted: int = 0


def reduce(kind: str, value: Any) -> Reduced:
    """Reduce a malformed fragment. `omitted` unknown keys are left out."""
    if not isinstance(value, dict):
        return Reduced(_shorten(value), {})
    indices: dict[str, list[int]] = {}
    result: dict[str, Any] = {}
    unknown = 0
    for key, part in value.items():
        known = kind == "address_groups" or key in (POLICIES if kind == "policies" else KEYS[kind])
        unknown += not known
        if not known and unknown > MOST:
            continue
        check = ITEM_CHECKS.get("remote_ip_prefixes" if kind == "address_groups" else key)
        check = is_policy_flow if kind == "policies" else check
        if isinstance(part, list) and len(part) > MOST and check is not None:
            indices[key] = list(islice((index for index, item in enumerate(part) if not check(item)), MOST))
            result[key] = [_shorten(part[index]) for index in indices[key] or [0]]
        elif key == "tags" and isinstance(part, dict):
            result[key] = dict(
                islice(((name, _shorten(tag)) for name, tag in part.items() if not is_tag(name, tag)), MOST)
            )
        else:
            result[key] = _shorten(part)
    return Reduced(result, indices, max(0, unknown - MOST))


def _shorten(value: Any) -> Any:
    if isinstance(value, str):
        return value
    if isinstance(value, list):
        return [_shorten(item) for item in value[:MOST]]
    if isinstance(value, dict):
        return {key: _shorten(part) for key, part in islice(value.items(), MOST)}
    return value

"""An API answer about a security group -> `LiveGroup`.

What identifies a thing has to be there; anything else that is null, unknown or new is read for what it means.
"""

from typing import Any

from reconciler.errors import ApiError
from reconciler.model.canonical import PUBLISHED_PROTOCOLS, canonical_rule
from reconciler.model.desired import Target
from reconciler.model.live import LiveGroup, LiveRule, Tag
from reconciler.model.rule import Rule

_EVERYWHERE = frozenset({None, "", "0.0.0.0/0", "::/0"})


def parse_group(answer: Any, target: Target) -> LiveGroup:
    """Read one group. Raises `ApiError` where the answer is not a group with all of its rules and tags."""
    try:
        return LiveGroup(
            target=target,
            id=answer["id"].lower(),
            name=_text(answer["name"]),
            description=answer.get("description") or "",
            tags=tuple(Tag(tag["key"], tag["value"], bool(tag.get("read_only"))) for tag in answer["tags_v2"]),
            rules=tuple([_parse_rule(rule) for rule in answer["security_group_rules"]]),
            revision_number=answer.get("revision_number") or 0,
        )
    except (KeyError, TypeError, AttributeError, IndexError, ValueError) as error:
        raise ApiError(
            f"{target}: a security group in the API's answer cannot be read ({type(error).__name__}: {error})",
            hint="Nothing was changed. If this stays so, the API has changed or something stands between it and you.",
        ) from None


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError(f"a name that is {value!r}")
    return value


def has_rules(answer: Any) -> bool:
    """Tell whether an answer holds the group's rules; a list may leave them out, which is not the same as none."""
    return isinstance(answer, dict) and isinstance(answer.get("security_group_rules"), list)


def _parse_rule(answer: dict[str, Any]) -> LiveRule:
    direction, prefix = answer["direction"], answer.get("remote_ip_prefix")
    if direction not in {"ingress", "egress"}:
        raise ValueError(f"a rule of direction {direction!r}")
    rule = canonical_rule(
        direction,
        answer.get("ethertype"),
        answer.get("protocol"),
        answer.get("port_range_min"),
        answer.get("port_range_max"),
        prefix,
        answer.get("remote_group_id"),
    )
    return LiveRule(answer["id"].lower(), rule, answer.get("description") or "", _is_irregular(rule, prefix))


def _is_irregular(rule: Rule, prefix: str | None) -> bool:
    if rule.protocol is not None and rule.protocol not in PUBLISHED_PROTOCOLS:
        return True
    if rule.remote_ip_prefix == prefix:
        return False
    if rule.remote_ip_prefix is None:
        return prefix not in _EVERYWHERE
    return "/" in (prefix or "") and rule.remote_ip_prefix.split("/")[0] != (prefix or "").lower().split("/")[0]

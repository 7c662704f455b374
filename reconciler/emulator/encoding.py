"""Groups as the JSON text that the API answers, in the two pieces in which the store keeps them."""

from __future__ import annotations

import json

from .records import Group


def encoded(value: object) -> bytes:
    """Return a value as compact JSON."""
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode()


def answer(group: Group) -> bytes:
    """Return a group as the API answers it."""
    return joined(*pieces(group))


def pieces(group: Group) -> tuple[bytes, bytes]:
    """Return a group's head and its rules."""
    return encoded(group.head_json()), encoded([rule.as_json() for rule in group.rules])


def joined(head: bytes, rules: bytes | None) -> bytes:
    """Put the pieces together; without rules the answer has no such key."""
    return head if rules is None else b'%b,"security_group_rules":%b}' % (head[:-1], rules)

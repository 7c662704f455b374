"""What lint finds, and how it may be mended."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from reconciler.lint.written import WrittenRule
from reconciler.model.place import Place


class Kind(StrEnum):
    """What is wrong."""

    DUPLICATE = "duplicate"
    SHADOWED = "shadowed"
    MERGEABLE = "mergeable"
    UNKNOWN_GROUP = "unknown-group"
    UNUSED_ADDRESS_GROUP = "unused-address-group"
    UNUSED_RULE_SET = "unused-rule-set"
    SMTP_EGRESS = "smtp-egress"


@dataclass(frozen=True, slots=True)
class Rewrite:
    """A new value for one aspect of a rule: `key: value` takes the place of all keys in `replaces`."""

    rule: WrittenRule
    replaces: tuple[str, ...]
    key: str
    value: Any


@dataclass(frozen=True, slots=True)
class Remedy:
    """How to mend a finding: remove rules, and rewrite some."""

    removes: tuple[WrittenRule, ...] = ()
    rewrites: tuple[Rewrite, ...] = ()

    @property
    def rules(self) -> tuple[WrittenRule, ...]:
        """The rules that it touches; all are of one group, or one rule set."""
        return (*self.removes, *(rewrite.rule for rewrite in self.rewrites))


@dataclass(frozen=True, slots=True)
class LintFinding:
    """What to improve, in a group or a rule set. `left` says why `--fix` leaves it; empty where there is a remedy."""

    kind: Kind
    place: Place
    message: str
    group: str | None = None
    related: tuple[Place, ...] = ()
    remedy: Remedy | None = None
    left: str = ""
    rule_set: str | None = None


REMOTE_KEYS: Mapping[str, tuple[str, ...]] = {
    "ports": ("ports", "port_range_min", "port_range_max"),
    "prefixes": ("remote_ip_prefix", "remote_ip_prefixes"),
    "ethertype": ("ethertype",),
}
"""The keys that say one thing of a rule, so that one of them stands for all."""

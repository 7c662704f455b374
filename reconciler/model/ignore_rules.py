"""Live rules that are others': which ones an entry of `ignore_rules` means.

A controller of a cluster, or another team, puts rules into a group of ours. What matches an entry is neither deleted
nor described anew, whatever a plan does with the rest of the group.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import lru_cache

from reconciler.model.canonical import canonical_protocol
from reconciler.model.cloud import MAX_PORT
from reconciler.model.place import Place
from reconciler.model.rule import PORT_PROTOCOLS, Direction, Rule

MAX_IGNORE_RULES = 50
"""Entries of one group, those of its document included: every rule of the group is compared with each."""


@dataclass(frozen=True, slots=True)
class IgnoreRule:
    """An entry of `ignore_rules`. A rule matches when it fits all that is given; None, and no ports, fit any.

    `description` is a glob. `protocol` is as it is written: what it means depends on the family of a rule. `ports` are
    ranges that rise and do not touch; a rule fits when all of its ports are inside of one. `remote_group` is a group's
    name, and `remote_group_ids` are the ids of the groups that have it, once live state is known, or a placeholder.
    """

    place: Place
    description: str | None = None
    direction: Direction | None = None
    protocol: str | None = None
    ports: tuple[tuple[int, int], ...] = ()
    remote_group: str | None = None
    remote_group_ids: tuple[str, ...] = ()

    def matches(self, rule: Rule, description: str, remote_group: str | None = None) -> bool:
        """Tell whether a rule is meant; `remote_group` is the name of its remote group, where a file gives it."""
        if self.direction is not None and rule.direction != self.direction:
            return False
        if self.protocol is not None and rule.protocol != canonical_protocol(self.protocol, rule.ethertype):
            return False
        if self.remote_group is not None and not (
            remote_group == self.remote_group or rule.remote_group_id in self.remote_group_ids
        ):
            return False
        if self.ports and not _is_inside(rule, self.ports):
            return False
        return self.description is None or _fits(description, self.description)

    def __str__(self) -> str:
        """Write it as a file does."""
        ports = [str(low) if low == high else f"{low}-{high}" for low, high in self.ports]
        given = {
            "description": None if self.description is None else f'"{self.description}"',
            "direction": self.direction,
            "protocol": self.protocol,
            "ports": ports[0] if len(ports) == 1 else f"[{', '.join(ports)}]" if ports else None,
            "remote_group": self.remote_group,
        }
        return "{" + ", ".join(f"{key}: {text}" for key, text in given.items() if text is not None) + "}"


@lru_cache(1 << 12)
def _fits(description: str, glob: str) -> bool:
    """Match a glob; remembered, for the hundreds of rules that a written one means have one description."""
    return fnmatchcase(description, glob)


def _is_inside(rule: Rule, ports: Sequence[tuple[int, int]]) -> bool:
    if rule.protocol not in PORT_PROTOCOLS:
        return False
    low, high = rule.port_range_min or 1, rule.port_range_max or MAX_PORT
    return any(first <= low and high <= last for first, last in ports)


def find_entry(
    entries: Iterable[IgnoreRule], rule: Rule, description: str, remote_group: str | None = None
) -> IgnoreRule | None:
    """Return the first entry that a rule matches."""
    return next((entry for entry in entries if entry.matches(rule, description, remote_group)), None)


def why_refused(entry: IgnoreRule) -> tuple[str, str]:
    """Say what is wrong with a written rule that matches an entry, and what to do."""
    return (
        f"this rule matches {entry} of `ignore_rules`: what matches is others', and is neither created nor deleted",
        "remove the rule or give it another description, or narrow the entry",
    )

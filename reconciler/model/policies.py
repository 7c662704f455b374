"""The policies of a run, as data: what is judged, how severely, and within which limits.

Read from the `policies:` section of the files or the `[policies]` table of `sgctl.toml` (`loading.policies`), judged in
`reconciler.policy`. What is not written has the value it has here.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from datetime import date
from types import MappingProxyType
from typing import Any, Literal, NamedTuple

from reconciler.model.place import Place
from reconciler.model.rule import Direction, Rule


class PolicyException(NamedTuple):
    """A reviewed exception from one policy. It holds up to and including the day `until`."""

    policy: str
    reason: str
    until: date


class Review(NamedTuple):
    """What reviewers agreed beside a rule or group. `expires` is the last day on which it is meant to be there."""

    expires: date | None = None
    exceptions: tuple[PolicyException, ...] = ()


Level = Literal["error", "warning", "off"]

MANAGEMENT_PORTS = (
    21, 22, 23, 135, 139, 445, 1433, 1521, 2375, 2376, 2379, 3306, 3389, 5432, 5900, 5985, 5986, 6379, 6443, 8500,
    9200, 10250, 11211, 27017,
)  # fmt: skip
"""Ports of remote shells and desktops, databases, and the control of containers and clusters."""

INGRESS: tuple[Direction, ...] = ("ingress",)
BOTH: tuple[Direction, ...] = ("ingress", "egress")


@dataclass(frozen=True, slots=True)
class WorldOpenManagement:
    """Management ports that become open to the world: as ranges, first and last port included."""

    level: Level = "warning"
    ports: tuple[tuple[int, int], ...] = tuple((port, port) for port in MANAGEMENT_PORTS)


@dataclass(frozen=True, slots=True)
class WorldOpenAnyPort:
    """More than `max_ports` ports of a protocol that become open to the world."""

    level: Level = "warning"
    max_ports: int = 32767


@dataclass(frozen=True, slots=True)
class Expires:
    """Rules past their `expires` date; a warning from `warn_days` before it."""

    level: Level = "error"
    warn_days: int = 14


@dataclass(frozen=True, slots=True)
class FlowPolicy:
    """Traffic that the groups of a name (or a glob) must, or must not, admit.

    `rules` is that traffic as rules, each with the name of its remote group; None while address groups are not known.
    """

    group: str
    rules: tuple[tuple[Rule, str | None], ...] | None
    description: str = ""
    level: Level = "error"


@dataclass(frozen=True, slots=True)
class AllowedPrefixes:
    """Rules may only name prefixes inside of these."""

    level: Level = "off"
    prefixes: tuple[str, ...] = ()
    directions: tuple[Direction, ...] = INGRESS


@dataclass(frozen=True, slots=True)
class MaxPrefixSize:
    """Rules may not name wider prefixes: the lengths are the shortest allowed."""

    level: Level = "off"
    ipv4: int = 16
    ipv6: int = 32
    directions: tuple[Direction, ...] = INGRESS


@dataclass(frozen=True, slots=True)
class RuleDescription:
    """Every rule needs a description in which the pattern is found."""

    level: Level = "off"
    pattern: str = r"\S"


@dataclass(frozen=True, slots=True)
class RequiredTags:
    """Every group needs these tags, each with a value that matches its pattern as a whole; None takes any value."""

    level: Level = "off"
    tags: tuple[tuple[str, str | None], ...] = ()


@dataclass(frozen=True, slots=True)
class ForbiddenProtocols:
    """No rule may be of these protocols, written as rules have them; None is a rule for every protocol."""

    level: Level = "off"
    protocols: frozenset[str | None] = frozenset()
    directions: tuple[Direction, ...] = BOTH


@dataclass(frozen=True, slots=True)
class PoliciesSource:
    """What policies were read from: the settings as they were written, and where. Plan files keep this.

    `address_groups` are those that `must_allow` and `must_deny` name, with their prefixes.
    """

    settings: Mapping[str, Any] = field(default_factory=lambda: MappingProxyType({}))
    address_groups: Mapping[str, tuple[str, ...]] = field(default_factory=lambda: MappingProxyType({}))
    where: str = "the defaults"


@dataclass(frozen=True, slots=True)
class Policies:
    """All policies, and what they were read from."""

    world_open_management: WorldOpenManagement = field(default_factory=WorldOpenManagement)
    world_open_any_port: WorldOpenAnyPort = field(default_factory=WorldOpenAnyPort)
    smtp_egress: Level = "warning"
    mass_delete: Level = "error"
    mass_rewrite: Level = "error"
    expires: Expires = field(default_factory=Expires)
    must_allow: tuple[FlowPolicy, ...] = ()
    must_deny: tuple[FlowPolicy, ...] = ()
    allowed_prefixes: AllowedPrefixes = field(default_factory=AllowedPrefixes)
    max_prefix_size: MaxPrefixSize = field(default_factory=MaxPrefixSize)
    rule_description: RuleDescription = field(default_factory=RuleDescription)
    required_tags: RequiredTags = field(default_factory=RequiredTags)
    forbidden_protocols: ForbiddenProtocols = field(default_factory=ForbiddenProtocols)
    source: PoliciesSource = field(default_factory=PoliciesSource, compare=False)


LIFTABLE = tuple(each.name for each in fields(Policies) if each.name not in ("mass_delete", "mass_rewrite", "source"))
"""The policies that `--lift` takes; the other two have flags of their own."""


@dataclass(frozen=True, slots=True)
class Limits:
    """How much a plan may delete and replace: shares in percent, which count only above a number.

    A rule is rewritten when it is deleted and replaced by one that admits something else, a group when any of its rules
    is; `max_closed_rules` is about the rewritten rules of which any traffic is no longer admitted.
    """

    max_deleted_rules: int = 30
    min_deleted_rules: int = 10
    max_deleted_groups: int = 30
    min_deleted_groups: int = 3
    max_rewritten_rules: int = 50
    max_closed_rules: int = 30
    min_rewritten_rules: int = 20
    max_rewritten_groups: int = 50
    min_rewritten_groups: int = 10


class RulebookSource(NamedTuple):
    """A rulebook as plan files keep it."""

    policies: PoliciesSource
    limits: Limits


@dataclass(frozen=True, slots=True)
class Rulebook:
    """Policies and limits from outside the repository, which nothing in its files can soften or except from."""

    policies: Policies = field(default_factory=Policies)
    limits: Limits = field(default_factory=Limits)

    @property
    def source(self) -> RulebookSource:
        """What it was read from."""
        return RulebookSource(self.policies.source, self.limits)


@dataclass(frozen=True, slots=True)
class Finding:
    """What a guardrail has to say. An error stops the plan unless `flag` lifts it; a warning is only shown.

    `group` is the name of the group it is about. With an `exception` that holds, the finding is only shown.
    """

    guardrail: str
    level: Literal["error", "warning"]
    message: str
    flag: str | None = None
    place: Place | None = None
    group: str | None = None
    exception: PolicyException | None = None

    @property
    def stops(self) -> bool:
        """Whether it is an error that no reviewed exception covers."""
        return self.level == "error" and self.exception is None

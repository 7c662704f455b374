"""`Traffic`: an exact set of packets, with the algebra of sets."""

from collections.abc import Iterable
from dataclasses import dataclass
from operator import and_, or_
from typing import Self

from reconciler.model.rule import Rule
from reconciler.traffic import region
from reconciler.traffic.decompose import decompose
from reconciler.traffic.extent import PLANES, rectangle
from reconciler.traffic.flow import Flow
from reconciler.traffic.region import Operation, Region


@dataclass(frozen=True, slots=True)
class Traffic:
    """What a set of rules admits. Two are equal exactly when they admit the same, however the rules are written."""

    regions: tuple[Region, ...] = (region.EMPTY,) * len(PLANES)
    """One for each of `extent.PLANES`."""

    @classmethod
    def of(cls, rules: Iterable[Rule]) -> Self:
        """Return what the rules admit together."""
        by_plane: dict[tuple[str, str], list[Rule]] = {}
        for rule in rules:
            by_plane.setdefault((rule.direction, rule.ethertype), []).append(rule)
        return cls(tuple(region.of_rules(by_plane.get(plane, ())) for plane in PLANES))

    @classmethod
    def of_flows(cls, flows: Iterable[Flow]) -> Self:
        """Return the traffic of flows that do not overlap, such as those of a difference."""
        by_plane: dict[tuple[str, str], list[Flow]] = {}
        for flow in flows:
            by_plane.setdefault((flow.direction, flow.ethertype), []).append(flow)
        return cls(tuple(region.of_flows(by_plane.get(plane, ())) for plane in PLANES))

    def union(self, other: "Traffic") -> "Traffic":
        """Return what either admits."""
        return self._combine(other, or_)

    def intersection(self, other: "Traffic") -> "Traffic":
        """Return what both admit."""
        return self._combine(other, and_)

    def difference(self, other: "Traffic") -> "Traffic":
        """Return what this admits and the other does not."""
        return self._combine(other, region.without)

    def is_subset(self, other: "Traffic") -> bool:
        """Whether the other admits everything that this does."""
        return self.difference(other).is_empty

    def admits_some(self, rule: Rule) -> bool:
        """Whether anything that the rule admits is in here. Much quicker than an intersection."""
        return region.meets(self.regions[PLANES.index((rule.direction, rule.ethertype))], *rectangle(rule))

    def admits_all(self, rule: Rule) -> bool:
        """Whether everything that the rule admits is in here."""
        return region.holds(self.regions[PLANES.index((rule.direction, rule.ethertype))], *rectangle(rule))

    def part(self, rule: Rule) -> "Traffic":
        """Return what of this the rule admits. Much quicker than an intersection."""
        here = PLANES.index((rule.direction, rule.ethertype))
        return Traffic(
            tuple(
                region.clip(each, *rectangle(rule)) if i == here else region.EMPTY
                for i, each in enumerate(self.regions)
            )
        )

    def from_everywhere(self) -> "Traffic":
        """Return the services of this, as if each were admitted from everywhere."""
        return Traffic(tuple(map(region.from_everywhere, self.regions)))

    @property
    def is_empty(self) -> bool:
        """Whether nothing is admitted."""
        return all(one == region.EMPTY for one in self.regions)

    def flows(self) -> tuple[Flow, ...]:
        """Return the canonical decomposition; `decompose` has its rule."""
        return tuple(flow for plane, one in zip(PLANES, self.regions, strict=True) for flow in decompose(one, *plane))

    def _combine(self, other: "Traffic", operation: Operation) -> "Traffic":
        pairs = zip(self.regions, other.regions, strict=True)
        return Traffic(tuple(region.combine(mine, theirs, operation) for mine, theirs in pairs))

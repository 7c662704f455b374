"""A plan is data: what changes, from which live state, and the exact requests that change it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from reconciler.model.difference import Action, Difference
from reconciler.model.place import Place
from reconciler.model.policies import Policies
from reconciler.model.terms import PolicyException

ApiVersion = Literal["v1", "v2"]


@dataclass(frozen=True, slots=True)
class Request:
    """One write: `body` is sent as it stands, but for placeholders of groups that the plan creates."""

    method: Literal["POST", "PATCH", "DELETE"]
    path: str
    body: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class Change:
    """What happens to one group: the difference, the fingerprint of the live side, and the writes in order."""

    difference: Difference
    fingerprint: str
    requests: tuple[Request, ...]


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


@dataclass(frozen=True, slots=True)
class Scope:
    """The size of what the plan looks after, so that guardrails can speak of shares when a saved plan is applied."""

    groups: int = 0
    rules: int = 0
    owned_groups: int = 0


@dataclass(frozen=True, slots=True)
class Summary:
    """The counts that every format ends with."""

    groups_to_create: int
    groups_to_update: int
    groups_to_delete: int
    rules_to_create: int
    rules_to_redescribe: int
    rules_to_delete: int


@dataclass(frozen=True, slots=True)
class Plan:
    """Everything that `apply` needs. Groups without a change are not in it.

    `created_at` is an ISO 8601 time in UTC. `lifted` names the guardrails that were lifted when the plan was made.
    `group_names` maps the ids of remote groups to their names, for people. `policies` are those it was judged by, and
    `protect_ssh_from` is the address that must not be locked out; both are judged again when it is applied.
    """

    created_at: str
    base_url: str
    api_version: ApiVersion
    changes: tuple[Change, ...]
    scope: Scope = Scope()
    two_phase: bool = False
    lifted: tuple[str, ...] = ()
    findings: tuple[Finding, ...] = ()
    notes: tuple[str, ...] = ()
    group_names: Mapping[str, str] = field(default_factory=dict)
    policies: Policies = field(default_factory=Policies)
    protect_ssh_from: str | None = None

    @property
    def summary(self) -> Summary:
        """Count what the plan does."""
        differences = [change.difference for change in self.changes]
        actions = [difference.action for difference in differences]
        return Summary(
            groups_to_create=actions.count(Action.CREATE),
            groups_to_update=actions.count(Action.UPDATE),
            groups_to_delete=actions.count(Action.DELETE),
            rules_to_create=sum(len(difference.creates) for difference in differences),
            rules_to_redescribe=sum(len(difference.redescribes) for difference in differences),
            rules_to_delete=sum(len(difference.deletes) for difference in differences),
        )

    @property
    def stopped_by(self) -> tuple[Finding, ...]:
        """The findings that stop the plan: errors whose guardrail was not lifted."""
        return tuple(finding for finding in self.findings if finding.stops and finding.guardrail not in self.lifted)

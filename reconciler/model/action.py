"""What the API's log of user actions says: who changed what, when and from where."""

import re
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import NamedTuple

from reconciler.model.clock import format_time
from reconciler.model.desired import Target

GROUP_ACTIONS = ("securitygroup", "securitygrouprule")
"""The parts of the API whose actions change security groups."""

OWN_AGENT = "sgctl/"
"""How the user agent of this program begins. Anybody can send it: it explains, and proves nothing."""


class Resource(NamedTuple):
    """What an action was about; `name` is empty where the log has none."""

    id: str
    kind: str
    name: str


class UserAction(NamedTuple):
    """One entry of the log. Texts are cut to a bounded length, empty where the log says nothing, and not fit to print.

    `at` is None where the time cannot be read; `what` are details, a phrase each, as far as they are understood.
    """

    id: str
    at: datetime | None
    action: str
    api_group: str
    email: str
    user_id: int | None
    token_id: int | None
    address: str
    user_agent: str
    project_id: int | None
    region_id: int | None
    resources: tuple[Resource, ...]
    what: tuple[str, ...]

    @property
    def is_own(self) -> bool:
        """Whether it says to be from this program: an apply, or a rollback."""
        return self.user_agent.startswith(OWN_AGENT)

    def is_in(self, targets: Iterable[Target]) -> bool:
        """Whether it may be about one of the targets, as far as it names its own."""
        return any(
            self.project_id in {None, target.project_id} and self.region_id in {None, target.region_id}
            for target in targets
        )


MAX_IDS = 50
"""Ids of one query: each takes some 50 characters of its address, and servers take some 8,000 in all."""


class ActionQuery(NamedTuple):
    """Which entries are asked for: those that fit all that is given, any value of each; `since` is a time."""

    resource_ids: tuple[str, ...] = ()
    targets: tuple[Target, ...] = ()
    actions: tuple[str, ...] = ()
    since: datetime | None = None


class ActionLog(NamedTuple):
    """The entries that were found, the newest first, and what kept others from being read, a sentence each.

    `is_closed` says that the log could not be read at all, and that asking again is no use.
    """

    actions: tuple[UserAction, ...]
    notes: tuple[str, ...] = ()
    is_closed: bool = False


_REMOTE_GROUP = re.compile(r"(?<= group )[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")


def name_groups(log: ActionLog, names: Mapping[str, str]) -> ActionLog:
    """Write remote groups by name in what was done; `names` maps the ids that are known to them."""

    def name(found: re.Match[str]) -> str:
        return names.get(found[0], found[0])

    named = (
        action._replace(what=tuple(_REMOTE_GROUP.sub(name, text) for text in action.what)) for action in log.actions
    )
    return log._replace(actions=tuple(named))


def newest_first(actions: Iterable[UserAction]) -> tuple[UserAction, ...]:
    """Sort entries by time; those without a time come last, and the order of equal ones stays."""
    return tuple(sorted(actions, key=lambda each: each.at.timestamp() if each.at else float("-inf"), reverse=True))


def describe_action(action: UserAction) -> str:
    """Write one entry on one line: `2026-11-27T22:10:03Z update: - 1 rule, by a@example.com (token 12) from ...`."""
    return f"{describe_moment(action)} {describe_what(action)}, by {describe_who(action)}"


def describe_moment(action: UserAction) -> str:
    """Write when it was, to the second, in UTC."""
    return format_time(action.at) if action.at is not None else "at an unknown time"


def describe_what(action: UserAction) -> str:
    """Write what was done, as far as the log tells."""
    done = action.action or "an unknown action"
    about = " of a rule" if action.api_group == "securitygrouprule" else ""
    return f"{done}{about}: {'; '.join(action.what)}" if action.what else f"{done}{about}"


def describe_who(action: UserAction) -> str:
    """Write who did it, from where, and with which program."""
    user = action.email or ("somebody" if action.user_id is None else f"user {action.user_id}")
    token = "" if action.token_id is None else f" (token {action.token_id})"
    return f"{user}{token} from {action.address or 'an unknown address'}, {action.user_agent or 'no user agent'}"

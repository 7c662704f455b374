"""Between stages 3 and 4: which live group each desired group is, and which id each remote group has.

After this stage names no longer matter: a remote group is an id, or a placeholder for the id of a group that the plan
creates.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from reconciler.loading.remote import USE_PREFIX, read_prefix
from reconciler.loading.rules import what_differs
from reconciler.model.cloud import DEFAULT_GROUP
from reconciler.model.desired import DesiredGroup, DesiredRule, DesiredState, Target
from reconciler.model.errors import Issue
from reconciler.model.ignore_rules import IgnoreRule, find_entry, why_refused
from reconciler.model.live import LiveGroup, LiveState
from reconciler.model.place import Place
from reconciler.model.placeholder import placeholder
from reconciler.model.problems import ProblemName
from reconciler.model.rule import Rule
from reconciler.model.text import is_uuid


@dataclass(frozen=True, slots=True)
class Match:
    """A desired group whose remote groups are ids, and the live group that it is; None when it is to be created."""

    desired: DesiredGroup
    live: LiveGroup | None


def resolve(state: DesiredState, live: LiveState) -> tuple[tuple[Match, ...], tuple[Issue, ...]]:
    """Match every desired group with its live one and fill in the ids of remote groups; all issues at once."""
    matches: list[Match] = []
    issues: list[Issue] = []
    by_target: defaultdict[Target, list[DesiredGroup]] = defaultdict(list)
    for group in state.groups:
        by_target[group.target].append(group)
    for target, groups in by_target.items():
        scope = _Scope(target, live[target], issues)
        matches += scope.resolve_all(groups)
    return tuple(matches), tuple(issues)


class _Scope:
    """One target: its live groups by id and by name."""

    def __init__(self, target: Target, groups: Iterable[LiveGroup], issues: list[Issue]) -> None:
        self._target = target
        self._issues = issues
        self._by_id: dict[str, LiveGroup] = {}
        self._by_name: defaultdict[str, list[LiveGroup]] = defaultdict(list)
        self._ids_by_name: dict[str, list[str]] = {}
        self._new_names: dict[str, str] = {}
        for group in groups:
            self._by_id[group.id] = group
            self._by_name[group.name].append(group)

    def resolve_all(self, groups: list[DesiredGroup]) -> Iterator[Match]:
        matches = [Match(group, self._find(group)) for group in groups]
        self._refuse_shared(matches)
        ids: defaultdict[str, list[str]] = defaultdict(list)
        for match in matches:
            ids[match.desired.name].append(match.live.id if match.live else placeholder(match.desired.name))
            if match.live is not None:
                self._new_names[match.live.id] = match.desired.name
        for match in matches:
            self._check_rules_of(match)
            if match.live is not None:
                self._check(match.desired, match.live)
            yield Match(self._with_ids(match, ids), match.live)

    def _find(self, group: DesiredGroup) -> LiveGroup | None:
        if group.id is not None:
            found = self._by_id.get(group.id)
            if found is None:
                self._issue(
                    group,
                    ProblemName.NO_SUCH_ID,
                    f"no group with id {group.id} exists in {self._target}",
                    "leave `id` out to create one",
                )
            return found
        named = self._only(group, group.name)
        if group.previous_name is None:
            return named
        previous = self._only(group, group.previous_name)
        if named is not None and previous is not None:
            self._issue(
                group,
                ProblemName.SEVERAL_LIVE,
                f"both {group.name!r} ({named.id}) and its `previous_name` {previous.name!r} ({previous.id}) are live",
                "remove `previous_name` if the rename is done, or give the `id` of the group you mean",
            )
        return named or previous

    def _only(self, group: DesiredGroup, name: str) -> LiveGroup | None:
        named = self._by_name[name]
        if len(named) > 1:
            self._issue(
                group,
                ProblemName.SEVERAL_LIVE,
                f"{len(named)} live groups are named {name!r} in {self._target}: {_listed(self._live_ids(name))}",
                "say which with `id:`",
            )
        return named[0] if named else None

    def _refuse_shared(self, matches: list[Match]) -> None:
        claimed: dict[str, DesiredGroup] = {}
        for match in matches:
            if match.live is None:
                continue
            first = claimed.setdefault(match.live.id, match.desired)
            if first is not match.desired:
                self._issues.append(
                    Issue(
                        match.desired.place,
                        ProblemName.SAME_LIVE_GROUP,
                        f"{match.desired.name!r} and {first.name!r} are the same live group {match.live.id}",
                        fix="keep one of the two",
                        related=(("the first is here", first.place),),
                    )
                )

    def _check(self, group: DesiredGroup, live: LiveGroup) -> None:
        if live.name != group.name:
            self._check_rename(group, live)
        for tag in live.tags:
            if tag.read_only and group.tags is not None and group.tags.get(tag.key, tag.value) != tag.value:
                message = f"tag {tag.key!r} of {group.name!r} is read-only in the cloud, with {tag.value!r}"
                self._issue(
                    group, ProblemName.READ_ONLY_TAG, message, f"leave {tag.key!r} out of `tags`, or give it that value"
                )

    def _check_rules_of(self, match: Match) -> None:
        """Refuse rules of another live group: where that was to be their remote, they would be for every address."""
        group, other = match.desired, self._by_id.get(match.desired.rules_of or "")
        if other is not None and (match.live is None or other.id != match.live.id):
            self._issue(
                group,
                ProblemName.RULE_OF_ANOTHER_GROUP,
                f"rules of {group.name!r} belong to {other.name!r}, by their `security_group_id` {other.id}",
                "leave `security_group_id` out; a remote is `remote_group` or `remote_group_id`",
            )

    def _check_rename(self, group: DesiredGroup, live: LiveGroup) -> None:
        if live.name == DEFAULT_GROUP:
            self._issue(
                group, ProblemName.DEFAULT_RENAMED, "the group named 'default' cannot be renamed", "call it default"
            )
        taken = [other for other in self._by_name[group.name] if other.id != live.id]
        if taken:
            message = f"cannot rename {live.name!r}: {group.name!r} is already live as {taken[0].id}"
            self._issue(
                group, ProblemName.NAME_TAKEN, message, "choose another name, or rename or remove that group first"
            )

    def _with_ids(self, match: Match, ids: Mapping[str, Sequence[str]]) -> DesiredGroup:
        group = match.desired
        if group.rules is None:
            return group
        rules = self._merge(group, (self._with_id(rule, ids) for rule in group.rules))
        if not any(entry.remote_group for entry in group.ignore_rules):
            return replace(group, rules=rules)
        entries = tuple(self._with_group_ids(entry, ids) for entry in group.ignore_rules)
        for rule in rules:
            if (entry := find_entry(entries, rule.rule, rule.description)) is not None:
                self._refuse(rule, ProblemName.IGNORED_RULE, *why_refused(entry), (("the entry", entry.place),))
        return replace(group, rules=rules, ignore_rules=entries)

    def _with_group_ids(self, entry: IgnoreRule, ids: Mapping[str, Sequence[str]]) -> IgnoreRule:
        """Fill in the ids of all groups that have the name of an entry, now or in the end; there may be none."""
        name = entry.remote_group
        if name is None:
            return entry
        return replace(entry, remote_group_ids=tuple(dict.fromkeys((*ids.get(name, ()), *self._live_ids(name)))))

    def _with_id(self, rule: DesiredRule, ids: Mapping[str, Sequence[str]]) -> DesiredRule:
        """Fill in the id of a rule's remote group: one that the files name, else a live one that nobody names."""
        name = rule.remote_group
        if name is None:
            return rule
        found = ids.get(name) or self._live_ids(name)
        if not found:
            message = f"remote group {name!r} is in no file and not live in {self._target}"
            fix = "check the name, or add the group to a file"
            if is_uuid(name):
                fix = f"write `remote_group_id: {name}`: this is an id, and no name"
            elif read_prefix(name).problem is None:
                fix = USE_PREFIX
            self._refuse(rule, ProblemName.UNKNOWN_REMOTE_GROUP, message, fix)
        elif len(found) > 1:
            message = f"{len(found)} groups are named {name!r} in {self._target}: {_listed(found)}"
            self._refuse(rule, ProblemName.SEVERAL_LIVE, message, "say which with `remote_group_id:`")
        elif (new_name := self._new_names.get(found[0], name)) != name:
            message = f"remote group {name!r} is renamed to {new_name!r}"
            self._refuse(rule, ProblemName.RENAMED_REMOTE_GROUP, message, f"write remote_group: {new_name}")
        return replace(rule, rule=rule.rule._replace(remote_group_id=found[0] if found else placeholder(name)))

    def _live_ids(self, name: str) -> list[str]:
        """List the ids of the live groups of a name; thousands of rules may ask for the same one."""
        if name not in self._ids_by_name:
            self._ids_by_name[name] = [live.id for live in self._by_name.get(name, ())]
        return self._ids_by_name[name]

    def _refuse(
        self, rule: DesiredRule, name: ProblemName, message: str, fix: str, related: tuple[tuple[str, Place], ...] = ()
    ) -> None:
        self._issues.append(Issue(rule.place, name, message, fix=fix, related=related))

    def _merge(self, group: DesiredGroup, rules: Iterable[DesiredRule]) -> tuple[DesiredRule, ...]:
        """Drop repetitions that only the ids bring to light: one rule by the group's name, one by its id."""
        seen: dict[Rule, DesiredRule] = {}
        for rule in rules:
            first = seen.setdefault(rule.rule, rule)
            if what := what_differs(first, rule):
                message = f"the same rule stands twice in group {group.name!r} with different {what}"
                first_one = (("the first is here", first.place),)
                self._refuse(rule, ProblemName.SAME_RULE_TWICE, message, "keep one of the two", first_one)
        return tuple(seen.values())

    def _issue(self, group: DesiredGroup, name: ProblemName, message: str, fix: str | None = None) -> None:
        self._issues.append(Issue(group.place, name, message, fix=fix))


_MOST_SHOWN = 10


def _listed(ids: Sequence[str]) -> str:
    more = f" and {len(ids) - _MOST_SHOWN:,} more" if len(ids) > _MOST_SHOWN else ""
    return ", ".join(ids[:_MOST_SHOWN]) + more

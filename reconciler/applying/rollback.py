"""The way back: a journal and live state -> what restores the state before the apply. Pure.

Only what the apply changed is restored, group by group: the whole list of rules where it changed rules, and of name,
description and tags what it changed. What was left to others then (`ignore_rules`) is left to them now. Groups that it
deleted are created again, with new ids; where a group of that name exists by now (an earlier way back, half done), it
is brought to the old state. Groups that it created are deleted, if the journal proves that it did and nothing speaks
against it (`prune`).
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace

from reconciler.applying.journal_reading import Before, Journal
from reconciler.model.canonical import PUBLISHED_PROTOCOLS
from reconciler.model.desired import DesiredGroup, DesiredRule, Target
from reconciler.model.environment import BASE_URL
from reconciler.model.errors import InputError, Issue, PlanFileError
from reconciler.model.ignore_rules import IgnoreRule, find_entry
from reconciler.model.live import Directory, Instances, LiveGroup, LiveRule, LiveState
from reconciler.model.place import FilePlace, Place
from reconciler.model.placeholder import placeholder
from reconciler.model.problems import ProblemName
from reconciler.model.rule import Rule, describe_rule
from reconciler.planning.diff import Action, Difference, TagChange, TextChange, diff
from reconciler.planning.encode import Encoder
from reconciler.planning.ignored import count_ignored, deletion_notes
from reconciler.planning.plan import Plan, PlanOptions, Scope, plan_differences
from reconciler.planning.prune import prune
from reconciler.planning.resolve import Match


@dataclass(frozen=True, slots=True)
class WayBack:
    """The differences to plan, the groups they are about, and what has to be said beside them."""

    differences: tuple[Difference, ...]
    matches: tuple[Match, ...]
    notes: tuple[str, ...]


def targets_of(journal: Journal) -> tuple[Target, ...]:
    """The projects and regions that the journal is about."""
    return tuple(dict.fromkeys(before.target for before in journal.befores))


def named_as_live(journal: Journal, names: Directory) -> Journal:
    """Name projects and regions as the API does: a journal may be old, or forged. What has no name there gets none."""
    named = {each: Target(each.project_id, each.region_id, *names.of_target(each)) for each in targets_of(journal)}
    befores = (
        replace(
            each,
            target=named[each.target],
            group=None if each.group is None else replace(each.group, target=named[each.target]),
        )
        for each in journal.befores
    )
    return replace(journal, befores=tuple(befores))


def created_groups(journal: Journal, live: LiveState) -> tuple[LiveGroup, ...]:
    """The live groups that the journal proves to have been created, and that still are called so.

    One of another name may have been renamed since, or the API named the id of another group.
    """
    return tuple(
        group
        for groups in live.values()
        for group in groups
        if journal.created.get((group.target, group.id)) == group.name
    )


def way_back(journal: Journal, live: LiveState, instances: Mapping[str, Instances]) -> WayBack:
    """Tell what restores the state before the first line of the journal.

    `instances` are, by group id, those of the created groups. Raises `InputError` where a name is taken.
    """
    return _Way(journal, live).back(instances)


def plan_way_back(
    journal: Journal,
    live: LiveState,
    instances: Mapping[str, Instances],
    options: PlanOptions,
    encoder: Encoder,
    *,
    created_at: str,
) -> tuple[Plan, tuple[Match, ...]]:
    """Plan the way back (see `way_back`); returned with the groups that policies look at, and judged by nobody yet."""
    back = way_back(journal, live, instances)
    ignored = count_ignored(back.differences)
    changed = {difference.target for difference in back.differences}
    there = [match.live for match in back.matches if match.live is not None and match.live.target in changed]
    scope = Scope(
        groups=sum(before.target in changed for before in journal.befores),
        rules=sum(len(group.rules) for group in there) - ignored,
        owned_groups=sum(len(groups) for target, groups in live.items() if target in changed),
        ignored_rules=ignored,
    )
    plan = plan_differences(
        back.differences, live, options, encoder, base_url=journal.base_url, created_at=created_at, scope=scope
    )
    return replace(plan, notes=back.notes), back.matches


def refuse_other_api(journal: Journal, base_url: str) -> None:
    """Refuse a journal about another API than the one at `base_url`. Raises `PlanFileError`."""
    if journal.base_url != base_url:
        raise PlanFileError(
            f"{journal.path} is about {journal.base_url}, and {BASE_URL} is {base_url}",
            hint=f"Set {BASE_URL} to the API that you mean to change.",
        )


class _Way:
    """The journal against live state."""

    def __init__(self, journal: Journal, live: LiveState) -> None:
        self._journal = journal
        self._path = journal.path
        self._befores = tuple(before for before in journal.befores if not before.is_hidden)
        self._live = live
        self._by_id = {(group.target, group.id): group for groups in live.values() for group in groups}
        self._by_name: dict[tuple[Target, str], list[LiveGroup]] = {}
        for group in self._by_id.values():
            self._by_name.setdefault((group.target, group.name), []).append(group)
        self._ours: dict[tuple[Target, str], set[str]] = {}
        self._new_ids: dict[Target, dict[str, str]] = {}
        for (target, group_id), name in journal.created.items():
            self._ours.setdefault((target, name), set()).add(group_id)
            self._new_ids.setdefault(target, {})[placeholder(name)] = group_id
        self._gone: dict[tuple[Target, str], str] = {}
        self._heirs: dict[tuple[Target, str], LiveGroup] = {}
        for before in self._befores:
            if before.group is not None and (before.target, before.group.id) in journal.deleted:
                self._find_gone(before.group)
        self._notes = [
            f"{before.name!r} stays as it is: it held the API key, which no journal keeps ({self._place(before)})"
            for before in journal.befores
            if before.is_hidden and before.group is not None
        ]
        self._lost = self._find_lost()

    def back(self, instances: Mapping[str, Instances]) -> WayBack:
        differences, matches = [], []
        for before in self._befores:
            if before.group is None:
                self._note_unproven(before)
            elif (heir := self._heirs.get((before.target, before.group.id))) is not None:
                match, difference = self._inheritance(before, before.group, heir)
                matches.append(match)
                differences.append(difference)
            elif (before.target, before.group.id) in self._gone:
                differences.append(self._recreation(before, before.group))
            elif (now := self._by_id.get((before.target, before.group.id))) is None:
                self._notes.append(f"{before.name!r} ({before.group.id}) was deleted by somebody else and stays so")
            else:
                match = self._restoration(before, before.group, now)
                matches.append(match)
                differences.append(replace(diff(match), tags=tuple(_restored_tags(before, before.group, now))))
        for key, lost in self._lost.items():
            match = self._with_rules(self._by_id[key], lost)
            matches.append(match)
            differences.append(diff(match))
        differences = [difference for difference in differences if not difference.is_empty]
        self._refuse_taken(differences)
        heirs = {heir.id for heir in self._heirs.values()}
        going = [group for group in created_groups(self._journal, self._live) if group.id not in heirs]
        pruning = prune(going, instances, self._live, matches)
        created = (self._created(before) for before in self._befores if before.group is None)
        notes = (*self._notes, *pruning.notes, *deletion_notes(pruning.deletions, (*matches, *created)))
        return WayBack((*differences, *pruning.deletions), tuple(matches), notes)

    def _created(self, before: Before) -> Match:
        """A group to create as it was desired, as far as `ignore_rules` says what in it is others'."""
        place = self._place(before)
        return Match(DesiredGroup(before.target, before.name, place, ignore_rules=self._entries(before)), None)

    def _find_gone(self, old: LiveGroup) -> None:
        """Take note of a deleted group, with the id of the group of its name, or a placeholder for one."""
        if (old.target, old.id) in self._by_id:
            return
        named = self._by_name.get((old.target, old.name), ())
        self._gone[old.target, old.id] = named[0].id if len(named) == 1 else placeholder(old.name)
        if len(named) == 1:
            self._heirs[old.target, old.id] = named[0]

    def _find_lost(self) -> dict[tuple[Target, str], list[DesiredRule]]:
        """Rules that went with a deleted group, by the group they were in, as far as that is still there."""
        lost: dict[tuple[Target, str], list[DesiredRule]] = {}
        for before in self._befores:
            if before.group is None or (before.target, before.group.id) not in self._gone:
                continue
            for each in before.lost_rules:
                if (before.target, each.group_id) in self._by_id:
                    rules = self._restored(before, [each.rule], each.group_name)
                    lost.setdefault((before.target, each.group_id), []).extend(rules)
        return lost

    def _restoration(self, before: Before, old: LiveGroup, now: LiveGroup) -> Match:
        rules = None
        lost = self._lost.pop((now.target, now.id), [])
        entries = self._entries(before)
        if "rules" in before.changed:
            ours = [rule for rule in old.rules if not find_entry(entries, rule.rule, rule.description)]
            rules = tuple(_once([*self._restored(before, ours, old.name, now), *lost]))
        elif lost:
            rules = self._with_rules(now, lost).desired.rules
        name = old.name if "name" in before.changed else now.name
        description = old.description if "description" in before.changed else None
        group = DesiredGroup(
            now.target, name, self._place(before), now.id, description=description, rules=rules, ignore_rules=entries
        )
        return Match(group, now)

    def _entries(self, before: Before) -> tuple[IgnoreRule, ...]:
        """Return what was left to others then, with the ids of the groups that the apply created since."""
        known = self._new_ids.get(before.target, {})
        return tuple(
            replace(entry, remote_group_ids=tuple(known.get(each, each) for each in entry.remote_group_ids))
            for entry in before.ignore_rules
        )

    def _with_rules(self, now: LiveGroup, more: Iterable[DesiredRule]) -> Match:
        """Keep a group as it is, and bring back rules that went with others."""
        place = FilePlace(self._path, 1, 1)
        kept = (DesiredRule(rule.rule, rule.description, place) for rule in now.rules)
        return Match(DesiredGroup(now.target, now.name, place, now.id, rules=tuple(_once([*kept, *more]))), now)

    def _inheritance(self, before: Before, old: LiveGroup, heir: LiveGroup) -> tuple[Match, Difference]:
        self._notes.append(f"{old.name!r} ({old.id}) is gone; {heir.id} has its name now and is brought to its state")
        keys = {tag.key for tag in (*old.tags, *heir.tags) if not tag.read_only}
        whole = replace(before, changed=frozenset({"description", "rules"}), tags=tuple(sorted(keys)))
        match = self._restoration(whole, old, heir)
        return match, replace(diff(match), tags=tuple(_restored_tags(whole, old, heir)))

    def _recreation(self, before: Before, old: LiveGroup) -> Difference:
        rules = tuple(_once(self._restored(before, old.rules, old.name)))
        self._notes.append(f"{old.name!r} is created again and gets a new id; it was {old.id}")
        description = TextChange("", old.description) if old.description else None
        values = {tag.key: tag.value for tag in old.tags if not tag.read_only}
        tags = tuple(TagChange(key, None, value) for key, value in values.items())
        place = self._place(before)
        match = Match(DesiredGroup(old.target, old.name, place, rules=rules), None)
        return replace(diff(match), description=description, tags=tags)

    def _restored(
        self, before: Before, rules: Iterable[LiveRule], name: str, now: LiveGroup | None = None
    ) -> Iterator[DesiredRule]:
        """Rules as they were, with the new ids of groups that are created again; what cannot come back is noted."""
        present = {rule.rule for rule in now.rules} if now is not None else set()
        for rule in rules:
            remote = rule.rule.remote_group_id
            gone = self._gone.get((before.target, remote or ""))
            if gone is not None:
                yield DesiredRule(rule.rule._replace(remote_group_id=gone), rule.description, self._place(before))
            elif rule.rule not in present and (reason := self._why_lost(before.target, rule.rule)):
                self._notes.append(f"a rule of {name!r} cannot be brought back, {reason}: {describe_rule(rule.rule)}")
            else:
                yield DesiredRule(rule.rule, rule.description, self._place(before))

    def _why_lost(self, target: Target, rule: Rule) -> str:
        if rule.protocol is not None and rule.protocol not in PUBLISHED_PROTOCOLS:
            return "its protocol has no published name"
        if rule.remote_group_id is not None and (target, rule.remote_group_id) not in self._by_id:
            return "the group it refers to does not exist any more"
        return ""

    def _note_unproven(self, before: Before) -> None:
        ours = self._ours.get((before.target, before.name), set())
        for group_id in sorted(ours & self._journal.found):
            self._notes.append(
                f"the answer to the creation of {before.name!r} was lost; {group_id} was found by its name"
            )
        named = [group for group in self._by_name.get((before.target, before.name), ()) if group.id not in ours]
        for group in named if not ours else ():
            self._notes.append(f"{before.name!r} ({group.id}) stays: the journal does not prove that it was created")

    def _refuse_taken(self, differences: Iterable[Difference]) -> None:
        """Refuse to give a group a name back that another one has by now."""
        issues = []
        for each in differences:
            if each.action is Action.CREATE or each.previous_name is not None:
                own = each.live.id if each.live else None
                for group in self._by_name.get((each.target, each.name), ()):
                    if group.id != own:
                        message = f"{each.name!r} cannot get its name back: {group.id} in {each.target} has it now"
                        issues.append(Issue(each.place or FilePlace(self._path, 1, 1), ProblemName.NAME_TAKEN, message))
        if issues:
            raise InputError(tuple(issues))

    def _place(self, before: Before) -> Place:
        return FilePlace(self._path, before.line, 1)


def _restored_tags(before: Before, old: LiveGroup, now: LiveGroup) -> Iterator[TagChange]:
    then = {tag.key: tag.value for tag in old.tags}
    have = {tag.key: tag for tag in now.tags}
    for key in before.tags:
        tag = have.get(key)
        if (tag is None or not tag.read_only) and then.get(key) != (tag.value if tag else None):
            yield TagChange(key, tag.value if tag else None, then.get(key))


def _once(rules: Iterable[DesiredRule]) -> Iterator[DesiredRule]:
    """Several live rules may mean the same; one of them can be created."""
    seen: set[Rule] = set()
    for rule in rules:
        if rule.rule not in seen:
            seen.add(rule.rule)
            yield rule

"""Live groups -> written ones, and what is worth a note about each."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from reconciler.importing.factor import Repeated, find_repeated, name_sets, with_uses
from reconciler.importing.merge import merge
from reconciler.importing.shorten import ShortRule, find_address_groups, shorten, with_address_groups
from reconciler.importing.text import WIDTH, GroupText, spell, spell_text
from reconciler.importing.writable import (
    is_plain_name,
    is_protected,
    is_text,
    own_rules,
    own_tags,
    why_not_rules,
    why_not_tags,
)
from reconciler.model.cloud import DEFAULT_GROUP
from reconciler.model.egress import DEFAULT_EGRESS, preset_among
from reconciler.model.live import LiveGroup
from reconciler.model.rule import Rule, describe_rule
from reconciler.planning.resolve import Match


@dataclass(frozen=True, slots=True)
class ImportContext:
    """What the writing of a group depends on beside the group: `shared_names` are those that several live groups have.

    `address_groups_in_files` is None where address groups are not asked for, and so is `rule_sets_in_files`.
    """

    shared_names: frozenset[str]
    reference_names: Mapping[str, str]
    address_groups_in_files: Mapping[str, frozenset[str]] | None
    rule_sets_in_files: Mapping[str, Mapping[Rule, str] | None] | None


class ImportedGroups(NamedTuple):
    """The groups, and the address groups and rule sets that they use and no file defines.

    `notes` say what was left out; `rules` counts the live rules that are written, `shared_sets` the sets of
    prefixes that could have been address groups, and `shared_rules` the lists of rules that could have been rule sets.
    `ignored` are globs for the descriptions of rules that are others'.
    """

    groups: tuple[GroupText, ...]
    address_groups: Mapping[str, tuple[str, ...]]
    rule_sets: Mapping[str, Sequence[ShortRule]]
    notes: tuple[str, ...]
    rules: int
    shared_sets: int
    shared_rules: int
    ignored: tuple[str, ...] = ()


def write_groups(groups: Iterable[LiveGroup], context: ImportContext) -> ImportedGroups:
    """Write groups, sorted by name."""
    notes: list[str] = []
    in_files, taken = context.address_groups_in_files, context.rule_sets_in_files
    sets = _by_rarest_rule(taken or {})
    parts = [_Part(group, context, sets, notes) for group in sorted(groups, key=lambda group: (group.name, group.id))]
    plain = [part.write(part.own or ()) for part in parts]
    lists = _factored(parts, context, plain)
    repeated = len(lists.rule_sets)
    if taken is None:
        lists = _Lists([None if part.own is None else rules for part, rules in zip(parts, plain, strict=True)], {})
    else:
        lists = min(lists, _factored(parts, context, *_take_out(parts)), key=_count_lines)
    written = [rules for rules in (*lists.rules, *lists.rule_sets.values()) if rules is not None]
    found = find_address_groups((rule for rules in written for rule in rules), in_files or {})
    named = found if in_files is not None else {}
    new = {name: prefixes for prefixes, name in named.items() if name not in (in_files or {})}
    return ImportedGroups(
        tuple(
            GroupText(
                name=part.group.name,
                id=part.group.id if _needs_id(part.group, context) else None,
                description=part.description,
                tags=part.tags,
                prevent_destroy=is_protected(part.group),
                rules=None if rules is None else with_address_groups(rules, named),
                remarks=part.remarks,
            )
            for part, rules in zip(parts, lists.rules, strict=True)
        ),
        dict(sorted(new.items())),
        {name: with_address_groups(rules, named) for name, rules in lists.rule_sets.items()},
        tuple(notes),
        sum(part.number for part in parts),
        len(found) - len(named),
        repeated if taken is None else 0,
    )


_RuleSets = Mapping[tuple[Rule, str], Sequence[tuple[int, str, Mapping[Rule, str]]]]
"""Rule sets, each with its number and name, by one of their rules with its description."""


def _by_rarest_rule(sets: Mapping[str, Mapping[Rule, str] | None]) -> _RuleSets:
    """Find each set by the rule that the fewest sets have: a group has few of these. Of equal sets the first counts."""
    different: dict[frozenset[tuple[Rule, str]], str] = {}
    for name, rules in sets.items():
        if rules:
            different.setdefault(frozenset(rules.items()), name)
    numbers = Counter(item for items in different for item in items)
    found: defaultdict[tuple[Rule, str], list[tuple[int, str, Mapping[Rule, str]]]] = defaultdict(list)
    for number, (items, name) in enumerate(different.items()):
        found[min(items, key=numbers.__getitem__)].append((number, name, dict(items)))
    return found


class _Lists(NamedTuple):
    """The rules of each group as they are written, None where they are left out, and the rule sets that they use."""

    rules: Sequence[Sequence[ShortRule] | None]
    rule_sets: Mapping[str, Sequence[ShortRule]]


def _count_lines(lists: _Lists) -> int:
    return sum(len(rules or ()) for rules in lists.rules) + sum(1 + len(rules) for rules in lists.rule_sets.values())


def _take_out(parts: Sequence["_Part"]) -> tuple[list[list[ShortRule]], list[Repeated["_Item"]]]:
    """Find the live rules that groups repeat before the others are written.

    Of two groups with one rule in common, one may have it in a line with other ports or prefixes.
    """
    users = {number for number, part in enumerate(parts) if part.uses}
    live = find_repeated([part.own or () for part in parts], users, parts[0].write if parts else lambda _: ())
    moved = {item for each in live for item in each.items}
    return [part.write(item for item in part.own or () if item not in moved) for part in parts], live


def _factored(
    parts: Sequence["_Part"],
    context: ImportContext,
    lists: Sequence[Sequence[ShortRule]],
    live: Sequence[Repeated["_Item"]] = (),
) -> _Lists:
    """Find the rule sets in the rules of the parts as they are written, beside those of live rules."""
    users = {number for number, part in enumerate(parts) if part.uses}.union(*(each.holders for each in live))
    by_text = {repr(rule): rule for rules in lists for rule in rules}
    texts = [[repr(rule) for rule in rules] for rules in lists]
    lines = find_repeated(texts, users, lambda found: [by_text[text] for text in found])
    moved_texts = {text for each in lines for text in each.items}
    repeated: list[Repeated[Any]] = [*live, *lines]
    managed = sum(bool(part.own or part.uses) for part in parts if part.group.name != DEFAULT_GROUP)
    names = name_sets([part.group.name for part in parts], repeated, managed, context.rule_sets_in_files or ())
    uses = [[*part.uses] for part in parts]
    for name, each in zip(names, repeated, strict=True):
        for number in each.holders:
            uses[number].append(name)
    rules = [
        None if part.own is None else with_uses(used, [by_text[text] for text in some if text not in moved_texts])
        for part, used, some in zip(parts, uses, texts, strict=True)
    ]
    return _Lists(rules, {name: each.rules for name, each in zip(names, repeated, strict=True)})


def _needs_id(group: LiveGroup, context: ImportContext) -> bool:
    return group.name in context.shared_names or not is_plain_name(group.name)


_Item = tuple[Rule, str] | str
"""A live rule with its description, or the name of a preset."""


class _Part:
    """The parts of a group that can be written, and remarks about the others."""

    def __init__(self, group: LiveGroup, context: ImportContext, sets: _RuleSets, notes: list[str]) -> None:
        self.group = group
        self._sets = sets
        self._names = context.reference_names
        self.remarks: list[str] = []
        self._notes = notes
        self.number = 0
        self.uses: list[str] = []
        self.description = self._description()
        self.tags = self._tags()
        self.own = self._own()

    def _description(self) -> str | None:
        if is_text(self.group.description):
            return self.group.description or None
        self._leave_out("description", "YAML cannot carry it")
        return None

    def _tags(self) -> dict[str, str] | None:
        self._remark_tags("read-only tags", {tag.key: tag.value for tag in self.group.tags if tag.read_only})
        if self.group.owner is not None:
            self.remarks.append(f"owned by {spell_text(self.group.owner)} (tag sgctl-owner), which stays as it is")
        tags = own_tags(self.group)
        reason = why_not_tags(tags)
        if reason is None:
            return dict(sorted(tags.items())) or None
        self._leave_out("tags", reason)
        return None

    def _remark_tags(self, what: str, tags: dict[str, str]) -> None:
        line = f"{what}: {spell(dict(sorted(tags.items())))}"
        if tags and len(line) <= WIDTH - len("    # "):
            self.remarks.append(line)
        elif tags:
            self.remarks += [f"{what}:", *(f"  {spell_text(key)}: {spell(tags[key])}" for key in sorted(tags))]

    def _own(self) -> list[_Item] | None:
        rules = own_rules(self.group)
        problem = why_not_rules(rules)
        if problem is None:
            self.number = len(self.group.rules)
            for _, name, rule_set in sorted(each for item in rules.items() for each in self._sets.get(item, ())):
                if rule_set.items() <= rules.items():
                    self.uses.append(name)
                    rules = {rule: text for rule, text in rules.items() if rule not in rule_set}
            preset = preset_among(rules.items())
            items: list[_Item] = [item for item in rules.items() if item[0] not in preset]
            return [*items, DEFAULT_EGRESS] if preset else items
        rule, reason = problem
        self._leave_out("rules", reason if rule is None else f"{spell_text(describe_rule(rule))}: {reason}")
        return None

    def write(self, items: Iterable[_Item]) -> list[ShortRule]:
        """Write rules that are live, merged, and presets after them."""
        found, presets = {}, list[ShortRule]()
        for item in items:
            if isinstance(item, str):
                presets.append({"preset": item})
            else:
                found[item[0]] = item[1]
        return [*(shorten(rule, self._names) for rule in merge(found, self._names)), *presets]

    def _leave_out(self, what: str, reason: str) -> None:
        self.remarks.append(f"{what} left out, and so left alone: {reason}")
        self._notes.append(f"group {spell_text(self.group.name)}: {what} left out, and so left alone: {reason}")


def reference_names(live: Iterable[LiveGroup], in_files: Iterable[Match]) -> Mapping[str, str]:
    """Name the groups, by id, whose name means them alone, both live and in the files that are there already.

    A file that renames a group has the last word: its name is the one that will still be right afterwards.
    """
    live = tuple(live)
    names = {group.id: group.name for group in live}
    meant: defaultdict[str, set[str | None]] = defaultdict(set)
    for group in live:
        meant[group.name].add(group.id)
    for match in in_files:
        if match.live is not None:
            names[match.live.id] = match.desired.name
        meant[match.desired.name].add(match.live.id if match.live is not None else None)
    return {group_id: name for group_id, name in names.items() if meant[name] == {group_id} and is_plain_name(name)}

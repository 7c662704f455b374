"""Live groups -> written ones, and what is worth a note about each."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from reconciler.importing.factor import factor, with_uses
from reconciler.importing.merge import MergedRule, merge
from reconciler.importing.shorten import ShortRule, find_address_groups, shorten
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
    parts = [_Part(group, context, notes) for group in sorted(groups, key=lambda group: (group.name, group.id))]
    in_files = context.address_groups_in_files
    found = find_address_groups((rule for part in parts for rule in part.rules or ()), in_files or {})
    named = found if in_files is not None else {}
    listed = [part.written(named) for part in parts]
    factored = factor([part.group.name for part in parts], listed, context.rule_sets_in_files or ())
    rules = listed if context.rule_sets_in_files is None else factored.rules
    written = tuple(
        GroupText(
            name=part.group.name,
            id=part.group.id if _needs_id(part.group, context) else None,
            description=part.description,
            tags=part.tags,
            prevent_destroy=is_protected(part.group),
            rules=written_rules,
            remarks=part.remarks,
        )
        for part, written_rules in zip(parts, rules, strict=True)
    )
    new = {name: prefixes for prefixes, name in named.items() if name not in (in_files or {})}
    return ImportedGroups(
        written,
        dict(sorted(new.items())),
        factored.rule_sets if context.rule_sets_in_files is not None else {},
        tuple(notes),
        sum(part.number for part in parts),
        len(found) - len(named),
        0 if context.rule_sets_in_files is not None else len(factored.rule_sets),
    )


def _needs_id(group: LiveGroup, context: ImportContext) -> bool:
    return group.name in context.shared_names or not is_plain_name(group.name)


class _Part:
    """The parts of a group that can be written, and remarks about the others."""

    def __init__(self, group: LiveGroup, context: ImportContext, notes: list[str]) -> None:
        self.group = group
        self._context = context
        self._names = context.reference_names
        self.remarks: list[str] = []
        self._notes = notes
        self.number = 0
        self.presets: list[ShortRule] = []
        self.uses: list[str] = []
        self.description = self._description()
        self.tags = self._tags()
        self.rules = self._rules()

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

    def _rules(self) -> list[MergedRule] | None:
        rules = own_rules(self.group)
        problem = why_not_rules(rules)
        if problem is None:
            self.number = len(self.group.rules)
            for name, rule_set in (self._context.rule_sets_in_files or {}).items():
                if rule_set and rule_set.items() <= rules.items():
                    self.uses.append(name)
                    rules = {rule: text for rule, text in rules.items() if rule not in rule_set}
            if preset := preset_among(rules.items()):
                self.presets.append({"preset": DEFAULT_EGRESS})
            return merge({rule: text for rule, text in rules.items() if rule not in preset}, self._names)
        rule, reason = problem
        self._leave_out("rules", reason if rule is None else f"{spell_text(describe_rule(rule))}: {reason}")
        return None

    def written(self, address_groups: Mapping[tuple[str, ...], str]) -> Sequence[ShortRule] | None:
        """Write the rules, with uses of the rule sets of files before and presets after them; None where left out."""
        if self.rules is None:
            return None
        rules = [shorten(rule, self._names, address_groups) for rule in self.rules]
        return with_uses(self.uses, [*rules, *self.presets])

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

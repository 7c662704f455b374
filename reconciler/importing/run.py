"""The line of an import: live state and existing files -> files to write, proven. Writes nothing."""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from pathlib import Path

from reconciler.importing.existing import (
    Existing,
    LookUp,
    address_groups_of,
    holds_files,
    live_rules_of_sets,
    read_existing,
)
from reconciler.importing.layout import File, file_per_group, one_file, read_if_there, texts
from reconciler.importing.proof import prove
from reconciler.importing.text import spell_text
from reconciler.importing.writable import why_not_group
from reconciler.importing.written import ImportContext, ImportedGroups, reference_names, write_groups
from reconciler.loading.structure import is_well_formed
from reconciler.loading.walk import WALK, Walk
from reconciler.model.cloud import MAX_DESCRIPTION
from reconciler.model.desired import Target
from reconciler.model.errors import UsageError
from reconciler.model.ignore_rules import MAX_IGNORE_RULES, IgnoreRule, find_entry
from reconciler.model.live import LiveGroup, LiveRule, LiveState
from reconciler.model.place import FilePlace
from reconciler.model.text import count, did_you_mean, shown


@dataclass(frozen=True, slots=True)
class ImportOptions:
    """What to import, and where to: `out` a file, `split` a folder, neither is stdout.

    `into` are files and folders that may name groups already; what `out` and `split` hold counts as well. Links in
    these folders that lead out of them are read only with `follow_links`; `walk` says what else is not read. Rules
    whose description fits one of the globs in `ignored` are left to others, which the files say as well.
    """

    names: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    out: str | None = None
    split: str | None = None
    into: tuple[str, ...] = ()
    address_groups: bool = False
    factor: bool = False
    by_name: bool = False
    follow_links: bool = False
    ignored: tuple[str, ...] = ()
    walk: Walk = WALK


@dataclass(frozen=True, slots=True)
class Import:
    """Proven files, none where nothing is missing, of the `chosen` live groups; `known` counts those named by files.

    `shared_sets` counts the sets of prefixes that address groups could stand for, and `shared_rules` the lists of rules
    that rule sets could stand for, where they were not asked for.
    """

    files: tuple[File, ...]
    chosen: tuple[LiveGroup, ...]
    groups: int
    rules: int
    written_rules: int
    known: int
    shared_sets: int
    shared_rules: int
    notes: tuple[str, ...]


def import_groups(
    live: LiveState,
    target: Target,
    options: ImportOptions,
    existing_paths: Sequence[str],
    *,
    look_up: LookUp = lambda state: state,
    written_as: Target | None = None,
    processes: int = 1,
) -> Import:
    """Write the chosen groups that no existing file names, and prove that planning them is empty.

    `look_up` gives targets that files write by name their ids; `written_as` is how the head of a document writes this
    target. Raises `UsageError` for names that no group has, `InputError` where the existing files are wrong, and
    `SgctlError` naming the group where the proof fails.
    """
    chosen = choose(live[target], options.names, options.tags)
    existing = Existing()
    if existing_paths:
        existing = read_existing(
            existing_paths, target, live, look_up, walk=options.walk._replace(follow_links=options.follow_links)
        )
    known = existing.live_ids
    missing = [group for group in chosen if group.id not in known]
    notes = {group.id: reason for group in missing if (reason := why_not_group(group))}
    groups = [group for group in missing if group.id not in notes]
    entries = _entries(options.ignored)
    ours = [replace(group, rules=tuple(_without(group.rules, entries))) for group in groups]
    written = write_groups(ours, _context(live[target], existing, options))._replace(ignored=options.ignored)
    others = sum(len(group.rules) for group in groups) - sum(len(group.rules) for group in ours)
    left = (f"{count(others, 'rule')} left to others",) if entries else ()
    files = _files(written_as or target, written, options) if groups or not existing_paths else []
    kept = existing.without(options.out) if files else ()
    prove(texts(files), kept, groups if files else (), target, live, look_up, processes)
    return Import(
        files=tuple(files),
        chosen=tuple(chosen),
        groups=len(groups),
        rules=written.rules,
        written_rules=sum(
            len(rules or ()) for rules in (*(group.rules for group in written.groups), *written.rule_sets.values())
        ),
        known=len(chosen) - len(missing),
        shared_sets=written.shared_sets,
        shared_rules=written.shared_rules,
        notes=(*_left_out(missing, notes), *written.notes, *left),
    )


def _entries(globs: Sequence[str]) -> tuple[IgnoreRule, ...]:
    """Read globs as `ignore_rules`. Raises `UsageError` where a file could not have them."""
    written = [{"description": glob} for glob in globs]
    if len(globs) > MAX_IGNORE_RULES or not is_well_formed("ignore_rules", written):
        raise UsageError(
            f"--ignore takes a glob of 1 to {MAX_DESCRIPTION} characters, at most {MAX_IGNORE_RULES} times",
            hint="`*` is any text: --ignore 'k8s-*'",
        )
    return tuple(IgnoreRule(FilePlace("--ignore", 1, 1), description=glob) for glob in globs)


def _without(rules: Iterable[LiveRule], entries: Sequence[IgnoreRule]) -> Iterator[LiveRule]:
    return (rule for rule in rules if not find_entry(entries, rule.rule, rule.description))


def find_existing(options: ImportOptions) -> tuple[str, ...]:
    """List the existing files and folders that an import has to look at: those given, and where it writes to."""
    paths = list(options.into)
    if options.out is not None and read_if_there(options.out).strip():
        paths.append(options.out)
    if options.split is not None and Path(options.split).is_dir() and holds_files(options.split):
        paths.append(options.split)
    return tuple(paths)


def _context(live: Sequence[LiveGroup], existing: Existing, options: ImportOptions) -> ImportContext:
    names = Counter(group.name for group in live)
    references = reference_names(live, existing.matches)
    return ImportContext(
        shared_names=frozenset(name for name, number in names.items() if number > 1),
        reference_names=references,
        address_groups_in_files=address_groups_of(existing.shared) if options.address_groups else None,
        rule_sets_in_files=live_rules_of_sets(existing.shared, references) if options.factor else None,
    )


def _files(target: Target, written: ImportedGroups, options: ImportOptions) -> list[File]:
    if options.split is not None:
        return file_per_group(target, written, options.split)
    return one_file(target, written, options.out)


def _left_out(groups: Sequence[LiveGroup], reasons: dict[str, str]) -> list[str]:
    return [
        f"group {spell_text(group.name)} ({group.id}) left out: {reasons[group.id]}"
        for group in groups
        if group.id in reasons
    ]


def choose(groups: Iterable[LiveGroup], names: Sequence[str], tags: Sequence[str]) -> tuple[LiveGroup, ...]:
    """Choose the groups with any of the names (or globs) and all of the tags, `KEY` or `KEY=VALUE`.

    Raises `UsageError` where a name or the tags fit no group: a misspelt one must not look like nothing to do.
    """
    groups = tuple(groups)
    for name in names:
        if not any(_fits(group.name, name) for group in groups):
            fix = did_you_mean(name, [group.name for group in groups])
            raise UsageError(f"no live group is named {shown(name)}", hint=fix)
    chosen = tuple(group for group in groups if not names or any(_fits(group.name, name) for name in names))
    tagged = tuple(group for group in chosen if all(_carries(group, tag) for tag in tags))
    if tags and not tagged:
        raise UsageError(f"no live group {'of these ' if names else ''}has the tags asked for: {', '.join(tags)}")
    return tagged


def _fits(name: str, pattern: str) -> bool:
    return name == pattern or fnmatchcase(name, pattern)


def _carries(group: LiveGroup, wanted: str) -> bool:
    key, equals, value = wanted.partition("=")
    return any(tag.key == key and (not equals or tag.value == value) for tag in group.tags)

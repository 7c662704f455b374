"""The `ignore_rules` of a document or a group, and the written rules that must not match them."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Any

from reconciler.loading.document import Document
from reconciler.loading.issues import Issues, Problem
from reconciler.loading.report import report
from reconciler.loading.rule import Range, read_ranges
from reconciler.model.canonical import canonical_protocol
from reconciler.model.cloud import MAX_PORT
from reconciler.model.desired import DesiredRule
from reconciler.model.ignore_rules import MAX_IGNORE_RULES, IgnoreRule, find_entry, why_refused
from reconciler.model.place import Key, Place
from reconciler.model.problems import ProblemName

KEY = "ignore_rules"


def read_ignore_rules(
    document: Document,
    path: tuple[Key, ...],
    fragment: Mapping[str, Any],
    issues: Issues,
    above: tuple[IgnoreRule, ...] = (),
) -> tuple[IgnoreRule, ...]:
    """Read the entries of the well-formed document or group at a path, behind those that stand `above` it."""
    if KEY not in fragment:
        return above
    entries = list(above)
    for index, written in enumerate(fragment[KEY]):
        where = (*path, KEY, index)
        protocol = written.get("protocol")
        ranges = read_ranges(written, canonical_protocol(protocol, "IPv4") if protocol else "tcp")
        if ranges.problems:
            report(document, where, (replace(each, fix=_fix(each)) for each in ranges.problems), issues)
            continue
        ports = tuple(_joined(ranges.ranges)) if "ports" in written else ()
        known = {key: written.get(key) for key in ("description", "direction", "protocol", "remote_group")}
        entries.append(IgnoreRule(document.place(*where), ports=ports, **known))
    if len(entries) > MAX_IGNORE_RULES:
        message = f"{len(entries)} entries of `{KEY}` hold for a group, over the limit of {MAX_IGNORE_RULES}"
        fix = "join them with globs and lists of ports"
        issues.add(document.key_place(*path, KEY), ProblemName.TOO_MANY_IGNORE_RULES, message, fix)
        return above
    return tuple(entries)


def _fix(problem: Problem) -> str | None:
    return "write a protocol with ports, such as tcp or udp" if problem.name is ProblemName.NO_PORTS else problem.fix


def _joined(ranges: Iterable[Range]) -> Iterator[tuple[int, int]]:
    """Join ranges that overlap or touch, so that a rule that is inside of several is inside of one."""
    first, last = 0, -1
    for low, high in sorted((low or 1, high or MAX_PORT) for low, high in ranges):
        if low > last + 1:
            if first:
                yield first, last
            first = low
        last = max(last, high)
    yield first, last


def refuse_ignored(rules: Iterable[DesiredRule], entries: tuple[IgnoreRule, ...], issues: Issues) -> None:
    """Refuse each written rule that matches an entry, once: it would be neither created nor deleted."""
    if not entries:
        return
    refused: set[Place] = set()
    for rule in rules:
        entry = find_entry(entries, rule.rule, rule.description, rule.remote_group)
        if entry is not None and rule.place not in refused:
            refused.add(rule.place)
            message, fix = why_refused(entry)
            issues.add(rule.place, ProblemName.IGNORED_RULE, message, fix, (("the entry", entry.place),))

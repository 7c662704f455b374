"""Findings on one line each, as people and editors read them: `path:line:column: error: message [policy]`.

What is found in many groups is said once, with their names.
"""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import click

from reconciler.model.naming import numbered, runs_of
from reconciler.model.place import UsedPlace, written_at
from reconciler.model.policies import Finding
from reconciler.model.text import count, printable, without_commands

if TYPE_CHECKING:  # which `sgctl validate` needs not
    from reconciler.policy.openings import Opening

_COLOURS = {"error": "red", "warning": "yellow", "excepted": "cyan"}


def render_findings(findings: Iterable[Finding], lifted: Collection[str] = ()) -> str:
    """Write findings, those that stop first."""
    order = {"error": 0, "warning": 1, "excepted": 2}
    ordered = sorted(merge_alike(findings), key=lambda found: order[_word(found, lifted)])
    return without_commands("".join(f"{_line(found, lifted)}\n" for found in ordered))


def render_openings(openings: "Iterable[Opening]") -> str:
    """Write what is open to the world, once each, with the groups."""
    return "".join(
        f"{click.style(f'{each.alarm}:', fg='red', bold=True)} {printable(f'{each.text} in {each.where}')}\n"
        for each in openings
    )


def alike(findings: Iterable[Finding]) -> tuple[tuple[Finding, ...], ...]:
    """Put those together that say the same of several groups, word for word but for the name."""
    found: dict[tuple[object, ...], list[Finding]] = {}
    for each in findings:
        name, where = _label(each)
        said = each.message.replace(name + where, "", 1) if name else (each.message, each.place)
        found.setdefault((each.guardrail, each.level, each.flag, each.exception, said), []).append(each)
    return tuple(map(tuple, found.values()))


def as_one(same: Sequence[Finding]) -> Finding:
    """Say once what is alike, with the names of the other groups, and all places; most of many are counted."""
    first, *others = same
    name, where = _label(first)
    by_place: dict[str, list[str]] = {}
    for label in dict.fromkeys(map(_label, others)):
        if label != (name, where):
            by_place.setdefault(_without_id(label[1]), []).append(label[0].strip("'"))
    text = first.message
    if by_place:
        named = [(place, list(runs_of(sorted(set(names), key=numbered)))) for place, names in by_place.items()]
        shown = [f"{_few([run for run, _ in runs])}{place}" for place, runs in named[:_MOST]]
        text += f"; the same of {'; '.join(shown)}{_left(len(named))}"
    here = written_at(first.place) if first.place else None
    elsewhere = (each.place for each in others if each.place and each.place != first.place)
    # Another use of the rule set: the rule has been named.
    short = (place.use if isinstance(place, UsedPlace) and place.rule == here else place for place in elsewhere)
    if places := list(dict.fromkeys(map(str, short))):
        text += f" (also at {_few(places)})"
    return replace(first, message=text)


def merge_alike(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """Say each finding once, with the groups and places that have it."""
    return tuple(map(as_one, alike(findings)))


def _label(finding: Finding) -> tuple[str, str]:
    """Return the name as a message has it, and after it in brackets the target, and a live group's id."""
    name = repr(finding.group)
    if finding.group is None or name not in finding.message:
        return "", ""
    rest = finding.message.partition(name)[2]
    return name, rest[: rest.index(")") + 1] if rest.startswith(" (project ") and ")" in rest else ""


def _without_id(where: str) -> str:
    return f"{where.rpartition(', ')[0]})" if where.count(", ") > 1 else where


_MOST = 10
"""Groups or places that are written out."""


def _few(some: Sequence[str]) -> str:
    return ", ".join(some[:_MOST]) + _left(len(some))


def _left(number: int) -> str:
    return f" and {number - _MOST} more" if number > _MOST else ""


def summarize_findings(findings: Collection[Finding]) -> str:
    """Count findings in a few words."""
    errors = sum(found.stops for found in findings)
    excepted = sum(found.exception is not None for found in findings)
    warnings = len(findings) - errors - excepted
    return f"{count(errors, 'error')}, {count(warnings, 'warning')}, {excepted} excepted"


def _word(finding: Finding, lifted: Collection[str]) -> str:
    if finding.exception is not None:
        return "excepted"
    return "warning" if finding.guardrail in lifted else finding.level


def _line(finding: Finding, lifted: Collection[str]) -> str:
    place = f"{finding.place}: " if finding.place else ""
    word = _word(finding, lifted)
    text = describe_finding(finding)
    if finding.exception is not None:
        text = text.removeprefix("excepted ")
    return f"{printable(place)}{click.style(f'{word}:', fg=_COLOURS[word], bold=True)} {printable(text)}"


def describe_finding(finding: Finding) -> str:
    """Return what a finding says, with the policy, and with the exception that covers it."""
    if finding.exception is None:
        return f"{finding.message} [{finding.guardrail}]"
    agreed = f"excepted until {finding.exception.until} ({finding.exception.reason})"
    return f"{agreed}: {finding.message} [{finding.guardrail}]"

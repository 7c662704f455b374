"""What lint found and mended, as text and as JSON."""

from collections.abc import Sequence
from typing import Any

import click

from reconciler.lint import LintFinding
from reconciler.model.text import count, printable, without_commands


def render_lint(
    left: Sequence[LintFinding], mended: Sequence[LintFinding], *, fixing: bool, writing: bool = True
) -> str:
    """Write one line a finding, and a summary that says what to do."""
    lines = [
        _line(finding, click.style("fixed" if writing else "would fix", fg="green", bold=True)) for finding in mended
    ]
    for finding in left:
        why = f"; left: {printable(finding.left)}" if fixing and finding.left else ""
        lines.append(_line(finding, click.style("warning", fg="yellow", bold=True)) + why)
    lines.append(click.style(_summary(left, mended, fixing=fixing, writing=writing), bold=True))
    return without_commands("".join(f"{line}\n" for line in lines))


def lint_to_json(left: Sequence[LintFinding], mended: Sequence[LintFinding]) -> dict[str, Any]:
    """Write findings as JSON data: those that are there, and those that were mended."""
    return {"findings": [_to_json(finding) for finding in left], "fixed": [_to_json(finding) for finding in mended]}


def _line(finding: LintFinding, label: str) -> str:
    of = {"group": finding.group, "rule set": finding.rule_set}
    where = "".join(f" ({what} {printable(name)})" for what, name in of.items() if name is not None)
    return f"{printable(str(finding.place))}: {label}: {printable(finding.message)}{where} [{finding.kind}]"


def _summary(left: Sequence[LintFinding], mended: Sequence[LintFinding], *, fixing: bool, writing: bool) -> str:
    if fixing:
        rest = f"{count(len(left), 'finding')} left" if left else "nothing left to say"
        return f"{'Fixed' if writing else 'Would fix'} {count(len(mended), 'finding')}, with the same traffic; {rest}."
    fixable = sum(finding.remedy is not None for finding in left)
    if not left:
        return "Nothing to say."
    way = f"; `sgctl lint --fix` mends {fixable} of them" if fixable else ""
    return f"{count(len(left), 'finding')}{way}."


def _to_json(finding: LintFinding) -> dict[str, Any]:
    return {
        "kind": str(finding.kind),
        "place": str(finding.place),
        "group": finding.group,
        "rule_set": finding.rule_set,
        "message": finding.message,
        "related": [str(place) for place in finding.related],
        "fixable": finding.remedy is not None,
        "left": finding.left or None,
    }

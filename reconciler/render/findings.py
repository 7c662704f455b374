"""Findings on one line each, as people and editors read them: `path:line:column: error: message [policy]`."""

from collections.abc import Collection, Iterable

import click

from reconciler.model.policies import Finding
from reconciler.model.text import count, printable, without_commands

_COLOURS = {"error": "red", "warning": "yellow", "excepted": "cyan"}


def render_findings(findings: Iterable[Finding], lifted: Collection[str] = ()) -> str:
    """Write findings, those that stop first."""
    order = {"error": 0, "warning": 1, "excepted": 2}
    ordered = sorted(findings, key=lambda found: order[_word(found, lifted)])
    return without_commands("".join(f"{_line(found, lifted)}\n" for found in ordered))


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

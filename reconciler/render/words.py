"""Small words that messages are made of; apart from the view, so that a message alone loads no plan."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from reconciler.model.plan import Finding


def count(number: int, noun: str) -> str:
    """Write a number with its noun."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def printable(text: str, *, keep_lines: bool = False) -> str:
    """Make foreign text safe for a terminal: control characters are written as escapes."""
    return "".join(
        character if character.isprintable() or (keep_lines and character == "\n") else _escape(character)
        for character in text
    )


def _escape(character: str) -> str:
    return character.encode("unicode_escape").decode("ascii")


def describe_finding(finding: "Finding") -> str:
    """Return what a finding says, with the policy, and with the exception that covers it."""
    if finding.exception is None:
        return f"{finding.message} [{finding.guardrail}]"
    agreed = f"excepted until {finding.exception.until} ({finding.exception.reason})"
    return f"{agreed}: {finding.message} [{finding.guardrail}]"

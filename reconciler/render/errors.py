"""An error on the terminal. Imports little, as this has to work where no file can be opened any more."""

import click

from reconciler.model.errors import Issue, SgctlError
from reconciler.model.text import printable, without_commands


def render_error(error: SgctlError) -> str:
    """Write an error: every issue with its place, its line and a caret; then what to do."""
    lines = [f"{click.style('error:', fg='red', bold=True)} {printable(error.message, keep_lines=True)}"]
    if error.hint:
        lines.append(f"{click.style('hint:', fg='cyan')} {printable(error.hint)}")
    return without_commands("\n".join(lines)) + "\n"


def render_issue(issue: Issue, width: int = 80) -> str:
    """Write one issue of a file."""
    message = printable(f"{issue.message} [{issue.name}]")
    lines = [f"{printable(str(issue.place))}: {click.style('error:', fg='red', bold=True)} {message}"]
    if issue.line is not None:
        shown, caret = _crop(issue.line, issue.caret, width - 4)
        lines += [f"  | {shown}", "    " + " " * caret + click.style("^", fg="green", bold=True)]
    if issue.fix:
        lines.append(f"    {click.style('fix:', fg='cyan')} {printable(issue.fix)}")
    lines += [f"    {printable(f'{place}: {what}')}" for what, place in issue.related]
    return without_commands("\n".join(lines)) + "\n"


def _crop(line: str, column: int, width: int) -> tuple[str, int]:
    """Cut a long line around a column; return it with the caret's offset."""
    start = max(0, column - 1 - width // 2) if len(line) > width else 0
    return printable(line[start : start + width].replace("\t", " "), keep_length=True), column - 1 - start

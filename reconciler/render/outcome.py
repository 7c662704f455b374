"""How an apply ended, one line a group and a summary."""

from collections import Counter
from collections.abc import Iterator

import click

from reconciler.apply import Report
from reconciler.converge import Result, Status
from reconciler.model.difference import Action
from reconciler.render.text import printable

_DONE = {Action.CREATE: "created", Action.UPDATE: "updated", Action.DELETE: "deleted"}


def render_report(report: Report) -> str:
    """Write what was applied, what failed and what was left; "applied" only of what was read back."""
    return "\n".join(_lines(report)) + "\n"


def _lines(report: Report) -> Iterator[str]:
    for result in report.results:
        yield _line(result)
        if result.hint:
            yield f"    {result.hint}"
    counts = Counter(_word(result) for result in report.results)
    yield click.style(
        "Applied: " + (", ".join(f"{number} {word}" for word, number in counts.items()) or "nothing") + ".", bold=True
    )


def _word(result: Result) -> str:
    if result.status is Status.APPLIED:
        return _DONE[result.change.difference.action]
    return str(result.status)


def _line(result: Result) -> str:
    word = _word(result)
    colour = "green" if result.status is Status.APPLIED else "red"
    difference = result.change.difference
    message = f": {printable(result.message)}" if result.message else ""
    return f"{click.style(f'{word:<8}', fg=colour)} {printable(difference.name)} ({difference.target}){message}"

"""Puts what is wrong with a fragment where it stands in its file."""

from collections.abc import Iterable
from typing import Any

from reconciler.loading.document import Document
from reconciler.loading.issues import (
    NO_TEMPLATING,
    QUOTE,
    TYPE_ANEW,
    Issues,
    Path,
    Problem,
    find_lookalike,
    is_template,
)
from reconciler.model.place import Key
from reconciler.model.text import did_you_mean


def report(document: Document, path: tuple[Key, ...], problems: Iterable[Problem], issues: Issues) -> None:
    """Add the problems of the fragment at a path to the issues."""
    for problem in problems:
        if not issues.keeps(problem.replacement):
            issues.count()
            continue
        whole = (*path, *problem.path)
        find = document.key_place if problem.at_key else document.place
        related = tuple((what, document.place(*path, *inner)) for what, inner in problem.related)
        fix, replacement = _fix(problem, str(whole[-1]) if problem.at_key and whole else document.written(*whole))
        related += document.aliases(*whole)
        issues.add(find(*whole), problem.name, problem.message, fix, related, replacement)


def _fix(problem: Problem, written: str) -> tuple[str | None, str | None]:
    """Say what to write instead of a text, and that alone where nothing else can be meant."""
    if is_template(written):
        return NO_TEMPLATING, None
    if odd := find_lookalike(written):
        return f"{odd[1]}: {TYPE_ANEW}", None
    if problem.fix == QUOTE:
        return f'write "{written}"', f'"{written}"'
    if problem.fix and problem.fix.endswith(" without the quotes"):
        return problem.fix, problem.fix.split()[1]
    return (did_you_mean(*problem.guess) if problem.guess else None) or problem.fix, problem.replacement


def report_notes(document: Document, path: tuple[Key, ...], notes: Iterable[tuple[Path, str]], issues: Issues) -> None:
    """Add what is not wrong about the fragment at a path, and may have been meant otherwise."""
    for inner, note in notes:
        issues.note(document.place(*path, *inner), note)


def report_malformed(document: Document, path: tuple[Key, ...], kind: str, value: Any, issues: Issues) -> None:
    """Have the schema say what is wrong with a fragment; past the limit of issues it is counted as one."""
    if issues.full:
        issues.count()
        return
    from reconciler.loading.structure_problems import explain  # noqa: PLC0415  # jsonschema is slow to import

    problems, omitted = explain(kind, value)
    report(document, path, problems, issues)
    if omitted:
        issues.count(omitted)

"""Puts what is wrong with a fragment where it stands in its file."""

from collections.abc import Iterable
from typing import Any

from reconciler.loading.document import Document
from reconciler.loading.issues import Issues, Problem
from reconciler.model.place import Key
from reconciler.model.text import did_you_mean


def report(document: Document, path: tuple[Key, ...], problems: Iterable[Problem], issues: Issues) -> None:
    """Add the problems of the fragment at a path to the issues."""
    for problem in problems:
        if issues.full:
            issues.count()
            continue
        find = document.key_place if problem.at_key else document.place
        related = tuple((what, document.place(*path, *inner)) for what, inner in problem.related)
        fix = (did_you_mean(*problem.guess) if problem.guess else None) or problem.fix
        issues.add(find(*path, *problem.path), problem.name, problem.message, fix, related)


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

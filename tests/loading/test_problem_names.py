"""Every kind of problem has a name that stays, and words that somebody read."""

import re
from pathlib import Path

import pytest
from problem_cases import CASES, GOLDEN, Case, about, golden, issues_of

from reconciler.model.problems import ProblemName


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_a_problem_has_its_name_at_its_place(tmp_path: Path, case: Case) -> None:
    issues = issues_of(case, tmp_path)
    [issue] = about(case, issues) or [None]
    assert issue is not None, [(str(issue.place), str(issue.name), issue.message) for issue in issues]


def test_the_words_are_those_of_the_golden_file() -> None:
    """What they are is for people to judge: `make renew-golden` writes them, and says what changed."""
    assert golden() == GOLDEN.read_text(encoding="utf-8"), "make renew-golden, and read the difference"


def test_every_name_is_met_in_a_case() -> None:
    assert {case.name for case in CASES.values()} == set(ProblemName)


@pytest.mark.parametrize("name", ProblemName)
def test_a_name_is_short_and_explained_in_a_sentence(name: ProblemName) -> None:
    assert re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+){0,3}", name)
    assert re.fullmatch(r"[A-Z][^\n]{10,110}\.", name.explanation)

"""Every bad input is refused where it is wrong, once, and all of it in one run. The cases are in `problem_cases`."""

from pathlib import Path

import pytest
from problem_cases import CASES, HEAD, IN_A_RULE
from problem_cases import issues_of as issues_of_case

from reconciler.loading.load import Defaults, load
from reconciler.model.errors import InputError, Issue
from reconciler.model.problems import ProblemName


def issues_of(path: Path, defaults: Defaults | None = None) -> tuple[Issue, ...]:
    with pytest.raises(InputError) as caught:
        load([str(path)], defaults or Defaults())
    return caught.value.issues


@pytest.mark.parametrize("name", [name for name in CASES if name.startswith(("group: ", "rule: ", "data: "))])
def test_one_mistake_is_one_issue(tmp_path: Path, name: str) -> None:
    """What is wrong once is said once, in words that fit on a screen."""
    [issue] = issues_of_case(CASES[name], tmp_path)
    assert len(issue.message) < 300
    assert issue.line is None or issue.line.isprintable()


def test_a_byte_order_mark_moves_no_column(tmp_path: Path) -> None:
    """A BOM is no character of the first line."""
    path = tmp_path / "bom.yaml"
    path.write_bytes(b"\xef\xbb\xbfa: on\n")
    assert issues_of(path)[-1].place[1:] == (1, 4)


def test_both_places_are_named(tmp_path: Path) -> None:
    """A group in two files names the other file too."""
    for name in ("a.yaml", "b.yaml"):
        (tmp_path / name).write_text(HEAD + "security_groups: [{name: web}]")
    [issue] = issues_of(tmp_path)
    assert str(issue.place) == f"{tmp_path}/b.yaml:3:19"
    assert [str(place) for _, place in issue.related] == [f"{tmp_path}/a.yaml:3:19"]


def test_all_issues_at_once_in_order(tmp_path: Path) -> None:
    """The issues of all stages and all files come together, in the order of places."""
    (tmp_path / "a.yaml").write_text(HEAD + "security_groups: [{name: x}, {name: web, rules: [{direction: on}]}]")
    (tmp_path / "b.yaml").write_text("owner: [")
    (tmp_path / "c.yaml").write_text(HEAD + "security_groups: [{name: app, rules: [{direction: ingress, ports: 1}]}]")
    places = [issue.place for issue in issues_of(tmp_path)]
    assert [(Path(place.path).name, place.column) for place in places] == [
        ("a.yaml", 26),
        ("a.yaml", 62),
        ("b.yaml", 9),
        ("c.yaml", 60),
    ]


def test_a_malformed_rule_hides_no_wrong_remote(tmp_path: Path) -> None:
    """What is wrong with a rule's structure and with its remote is said in one run."""
    path = tmp_path / "a.yaml"
    path.write_text(f"{IN_A_RULE}      - {{direction: ingress, ports: a, remote_ip_prefix: 10.0.0.5/24}}")
    assert [issue.place.column for issue in issues_of(path)] == [37, 58]


def test_a_long_line_is_cropped_around_the_caret(tmp_path: Path) -> None:
    """A line of megabytes is shown as the part that matters."""
    path = tmp_path / "long.yaml"
    path.write_text("a: [" + "x, " * 50_000 + "on, " + "y, " * 40_000 + "]")
    issue = next(issue for issue in issues_of(path) if issue.name is ProblemName.AMBIGUOUS_VALUE)
    assert issue.line is not None
    assert len(issue.line) < 200
    assert issue.line[issue.caret - 1 :].startswith("on, y")


def test_a_thousand_issues_are_worded_and_the_rest_counted(tmp_path: Path) -> None:
    """A file of nothing but errors is bounded."""
    path = tmp_path / "many.yaml"
    path.write_text(HEAD + "security_groups:\n- name: web\n  rules:\n" + "  - {direction: in}\n" * 2500)
    issues = issues_of(path)
    assert len(issues) == 1001
    assert issues[-1].name is ProblemName.MORE_PROBLEMS
    assert "1,500" in issues[-1].message

"""A plan survives its file equal to itself, and nothing but itself."""

from __future__ import annotations

import copy
import json
import os
import re
import stat
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from build import OTHER_TARGET, TARGET, desired_group, live_group, plan_of, tcp, there, uuid, wanted
from effort import examples
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator
from plan_strategies import leaves, plans

from reconciler.api.backend import BACKENDS
from reconciler.cli import output
from reconciler.cli.options import Look
from reconciler.cli.output import write_atomically
from reconciler.model.desired import DesiredRule
from reconciler.model.errors import PlanFileError, SgctlError
from reconciler.model.json_form import json_text
from reconciler.model.live import OWNER_TAG
from reconciler.model.place import FilePlace, PlainPlace
from reconciler.model.policies import Finding
from reconciler.model.published import read_schema
from reconciler.planning import planfile
from reconciler.planning.plan import Plan
from reconciler.policy.saved import read_plan

SCHEMA = Draft202012Validator(read_schema("plan"))
SMALL = plan_of(
    [
        desired_group("www", [wanted(tcp(80), "new"), tcp(81)], previous_name="web", tags={"a": "1"}, description="d"),
        desired_group("new", [wanted(tcp(5), remote_group="new")]),
    ],
    [live_group("web", [there(7, tcp(80), "old"), *(tcp(90 + number) for number in range(11))], {"b": "2"})],
)


@settings(max_examples=examples(60))
@given(plans())
def test_a_plan_reads_back_equal_to_itself(plan: Plan) -> None:
    """And the text is the same when it is written again."""
    text = planfile.dumps(plan)
    again = planfile.loads(text, "plan.json", BACKENDS)
    assert again == plan
    assert planfile.dumps(again) == text == json_text(planfile.to_json(plan)) + "\n"


@settings(max_examples=examples(80))
@given(plans())
def test_the_schema_describes_every_plan(plan: Plan) -> None:
    SCHEMA.validate(planfile.to_json(plan))


@settings(max_examples=examples(80))
@given(plans())
def test_the_text_holds_nothing_that_a_terminal_obeys(plan: Plan) -> None:
    """Escapes, C1 controls and marks that turn text around are written as JSON escapes."""
    assert all(character.isprintable() or character == "\n" for character in planfile.dumps(plan))


def edited(value: Any) -> Any:
    """Something else than this value."""
    if isinstance(value, bool) or value is None:
        return not value
    if isinstance(value, int):
        return value + 1
    if isinstance(value, str):
        return value + "x"
    if isinstance(value, list):
        return [*value, copy.deepcopy(value[0]) if value else "x"]
    return {**value, "x": 1}


def test_an_edit_anywhere_shows() -> None:
    """Every leaf changed, every list and every object grown, every member removed: each is refused."""
    content = planfile.to_json(SMALL)
    places = [path for path in leaves(content) if path]
    assert len(places) > 300
    for path in places:
        for edit in (edited, None):
            changed = copy.deepcopy(content)
            parent = changed
            for step in path[:-1]:
                parent = parent[step]
            if edit is None:
                del parent[path[-1]]
            else:
                parent[path[-1]] = edit(parent[path[-1]])
            with pytest.raises(PlanFileError):
                planfile.loads(json.dumps(changed), "plan.json", BACKENDS)


def test_a_number_written_another_way_is_an_edit() -> None:
    """`1.0` and `true` are not `1`, whatever Python thinks of them."""
    text = planfile.dumps(SMALL)
    for other in ("1337.0", "true"):
        with pytest.raises(PlanFileError, match="edited"):
            planfile.loads(text.replace("1337,", f"{other},", 1), "plan.json", BACKENDS)


def test_the_order_of_changes_is_part_of_the_plan() -> None:
    content = planfile.to_json(SMALL)
    content["changes"].reverse()
    with pytest.raises(PlanFileError, match="edited"):
        planfile.loads(json.dumps(content), "plan.json", BACKENDS)


def test_a_key_that_is_there_twice_is_refused() -> None:
    """A reviewer may have read the first, and the program would take the last."""
    text = planfile.dumps(SMALL).replace('"api_version"', '"api_version": "v2", "api_version"', 1)
    with pytest.raises(PlanFileError, match="twice"):
        planfile.loads(text, "plan.json", BACKENDS)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        pytest.param("", "not a plan file: it is empty", id="empty"),
        pytest.param("{", "not a plan file", id="half"),
        pytest.param("[]", "format_version", id="a-list"),
        pytest.param("{}", "format_version", id="an-object"),
        pytest.param('{"format_version": 2}', "format 2", id="a-version-from-the-future"),
        pytest.param('{"format_version": "1"}', 'format "1"', id="a-version-of-another-type"),
        pytest.param('{"format_version": true}', "edited", id="a-version-that-equals-1"),
        pytest.param('{"format_version": 1}', "edited", id="no-digest"),
        pytest.param('{"a": 1, "a": 2}', "not a plan file: a key is there twice", id="a-key-twice"),
        pytest.param('{"a": NaN}', "not a plan file: NaN is no JSON", id="no-number"),
        pytest.param('{"a": ' + "9" * 5000 + "}", "not a plan file: a number has too many digits", id="a-long-number"),
        pytest.param("[" * 100_000, "not a plan file: it is nested too deeply", id="absurdly-deep"),
        pytest.param("9" * 10_000, "not a plan file", id="an-absurd-number"),
        pytest.param('{"format_version": NaN}', "NaN", id="not-a-number"),
    ],
)
def test_what_is_no_plan_is_refused(text: str, words: str) -> None:
    with pytest.raises(PlanFileError, match=words) as caught:
        planfile.loads(text, "some.json", BACKENDS)
    assert "some.json" in caught.value.message


def test_an_editor_may_save_a_plan_in_its_own_way() -> None:
    """With a mark of byte order and other line ends, a plan is what it was."""
    data = planfile.dumps(SMALL).replace("\n", "\r\n").encode("utf-8-sig")
    assert planfile.loads(data, "plan.json", BACKENDS) == SMALL


def test_a_digest_over_nonsense_does_not_make_it_a_plan() -> None:
    """The structure is checked too, and the message says where it is wrong."""
    content = planfile.to_json(SMALL)
    content["changes"][0]["action"] = "explode"
    content["digest"] = planfile.digest(content)
    with pytest.raises(PlanFileError, match=r"changes\[0\]"):
        planfile.loads(json.dumps(content), "plan.json", BACKENDS)


def test_lone_surrogates_survive() -> None:
    """JSON can say them and UTF-8 cannot: what the API may answer has to be saved all the same."""
    plan = plan_of([desired_group("web", [])], [live_group("web", [there(1, tcp(1), "\ud800")])])
    text = planfile.dumps(plan)
    assert planfile.loads(text.encode().decode(), "plan.json", BACKENDS) == plan


def test_ids_as_a_strange_api_has_them_survive() -> None:
    """The same group in two regions, the same rule in two groups, and a remote group in capitals."""
    both = [desired_group("web", [tcp(80)], owner="us", target=target) for target in (TARGET, OTHER_TARGET)]
    capitals = "00000000-0000-4000-8000-00000000000A"
    plan = plan_of(
        both,
        [
            *(live_group("web", [tcp(1, capitals)], target=target) for target in (TARGET, OTHER_TARGET)),
            live_group("gone", [], {OWNER_TAG: "us"}, number=2),
            *(live_group(f"other{number}", [there(9, tcp(9, uuid(2)))], number=number) for number in (3, 4)),
        ],
        owners=["us"],
        prune=True,
    )
    assert [len(each.difference.lost_rules) for each in plan.changes] == [0, 2, 0]
    assert planfile.loads(planfile.dumps(plan), "plan.json", BACKENDS) == plan
    Draft202012Validator(read_schema("plan")).validate(planfile.to_json(plan))


def test_places_in_plain_data_survive() -> None:
    """Of a group, of a rule and of a finding; the schema takes them."""
    web = PlainPlace("SecurityGroup prod/web", "security_groups[0]")
    rules = [DesiredRule(tcp(80), "", PlainPlace(web.document, f"{web.path}.rules[10]"))]
    plan = plan_of([desired_group("web", rules, place=web)], [])
    plan = replace(plan, findings=(Finding("gap", "warning", "m", None, PlainPlace("a:1", "")),))
    assert planfile.loads(planfile.dumps(plan), "plan.json", BACKENDS) == plan


def test_places_with_colons_and_blanks_survive() -> None:
    plan = replace(SMALL, findings=(Finding("gap", "warning", "m", None, FilePlace("C:\\a b:3:4\n.yaml", 5, 6)),))
    assert planfile.loads(planfile.dumps(plan), "plan.json", BACKENDS) == plan


def test_a_big_plan_is_a_plan() -> None:
    """Ten large groups replaced."""
    live = [
        live_group(f"group-{number}", [tcp(port) for port in range(1, 201)], number=number + 1) for number in range(10)
    ]
    desired = [desired_group(f"group-{number}", [tcp(port) for port in range(301, 351)]) for number in range(10)]
    plan = plan_of(desired, live)
    assert plan.summary.rules_to_delete == 2_000
    assert planfile.loads(planfile.dumps(plan), "plan.json", BACKENDS) == plan


def test_a_file_is_written_whole_and_for_its_owner_only(tmp_path: Path) -> None:
    """Mode 0600 whatever the umask and the file before it had; nothing else is left in the folder."""
    path = tmp_path / "plan.json"
    path.write_text("old", encoding="utf-8")
    path.chmod(0o644)
    previous = os.umask(0)
    try:
        write_atomically(str(path), planfile.dumps(SMALL))
    finally:
        os.umask(previous)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert planfile.loads(path.read_text(encoding="utf-8"), "plan.json", BACKENDS) == SMALL
    assert list(tmp_path.iterdir()) == [path]


def test_a_failed_write_leaves_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A full disk: the old text stays, the half-written file does not."""
    path = tmp_path / "plan.json"
    path.write_text("old", encoding="utf-8")

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(SgctlError, match="No space left"):
        write_atomically(str(path), "new")
    assert path.read_text(encoding="utf-8") == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_plan_that_is_written_is_read_and_a_larger_one_leaves_the_old_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "plan.json"
    path.write_text("old", encoding="utf-8")
    monkeypatch.setattr(output, "PLAN_LIMIT", len(planfile.dumps(SMALL)) - 1)
    with pytest.raises(SgctlError, match=r"plan\.json was not written") as caught:
        output.write_plan(str(path), SMALL)
    assert "--group" in (caught.value.hint or "")
    assert path.read_text(encoding="utf-8") == "old"
    assert list(tmp_path.iterdir()) == [path]
    monkeypatch.setattr(output, "PLAN_LIMIT", len(planfile.dumps(SMALL)))
    output.write_plan(str(path), SMALL)
    assert read_plan(str(path)) == SMALL


def test_json_on_stdout_that_is_too_large_for_a_plan_file_is_whole_and_says_so(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    text = planfile.dumps(SMALL)
    for limit, said in ((len(text), ""), (len(text) - 1, "which `sgctl apply` would not read")):
        monkeypatch.setattr(output, "PLAN_LIMIT", limit)
        output.show_plan(SMALL, "json", Look(expand=False, traffic_only=False, page_url=None))
        written = capsys.readouterr()
        assert written.out == text
        assert (said in written.err, bool(written.err)) == (True, bool(said))


@pytest.mark.parametrize("kind", ["folder", "pipe", "no-such-folder"])
def test_only_a_regular_file_is_replaced(tmp_path: Path, kind: str) -> None:
    """To replace a device such as /dev/stdout would be to remove it."""
    path = tmp_path / "out"
    if kind == "folder":
        path.mkdir()
    elif kind == "pipe":
        os.mkfifo(path)
    else:
        path = tmp_path / "none" / "out"
    with pytest.raises(SgctlError, match=re.escape(f"cannot write {path}")):
        write_atomically(str(path), "text")
    assert kind == "no-such-folder" or not path.is_file()


def test_a_link_is_not_written_through(tmp_path: Path) -> None:
    """Who may write to the folder must not choose which of our files is lost."""
    (tmp_path / "real").write_text("old", encoding="utf-8")
    (tmp_path / "link").symlink_to("real")
    with pytest.raises(SgctlError, match="it is a link"):
        write_atomically(str(tmp_path / "link"), "new")
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "real").read_text(encoding="utf-8") == "old"


@settings(max_examples=examples(100))
@given(st.dictionaries(st.text(max_size=3), st.lists(st.text(max_size=5), max_size=3), max_size=3))
def test_json_text_says_the_same_as_json(content: Any) -> None:
    text = json_text(content)
    assert json.loads(text) == content
    assert all(character.isprintable() or character == "\n" for character in text)

"""What released versions left behind is still read, and still means what it meant."""

import json
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

from reconciler import load
from reconciler.api.backend import BACKENDS
from reconciler.applying.journal_reading import read_journal
from reconciler.loading.address_groups import read_address_groups
from reconciler.loading.issues import Issues
from reconciler.loading.load import read_documents
from reconciler.model.published import read_schema
from reconciler.planning import planfile

VERSIONS = sorted(folder for folder in (Path(__file__).parent / "released").iterdir() if folder.is_dir())


@pytest.fixture(params=VERSIONS, ids=lambda folder: folder.name)
def folder(request: pytest.FixtureRequest) -> Path:
    found: Path = request.param
    return found


def test_a_plan_is_read_and_says_the_same(folder: Path) -> None:
    data = (folder / "plan.json").read_bytes()
    plan = planfile.loads(data, "plan.json", BACKENDS)
    (change,) = plan.changes
    assert (change.difference.name, plan.summary.rules_to_create, plan.summary.rules_to_delete) == ("web", 1, 1)
    assert [request.method for request in change.requests] == ["PATCH"]
    assert plan.stopped_by == ()
    written = planfile.to_json(plan)
    before = json.loads(data)
    assert {key: written[key] for key in before if key != "digest"} == {k: before[k] for k in before if k != "digest"}


def test_a_journal_leads_back(folder: Path) -> None:
    journal = read_journal(str(folder / "apply.journal"))
    assert [each.name for each in journal.befores] == ["web"]


@pytest.mark.parametrize("name", ["drift", "outcome"])
def test_a_report_has_all_that_it_had(folder: Path, name: str) -> None:
    """Fields may be added: what a version wrote need not have them. What was there keeps its name and its type."""
    report = json.loads((folder / f"{name}.json").read_text())
    schema = read_schema(name)
    known = set(schema["properties"])
    assert set(report) <= known
    Draft202012Validator(schema | {"required": []}).validate(report)


def test_a_lock_is_read_and_says_the_same(folder: Path) -> None:
    documents, unreadable = read_documents([str(folder / "published")])
    issues = Issues()
    found = read_address_groups(documents, issues)
    assert (unreadable, len(issues)) == ((), 0)
    assert {name: len(group.prefixes) for name, group in found.items()} == {"cdn": 6, "egress": 2}


def test_a_file_means_the_same(folder: Path) -> None:
    state = load(str(folder / "groups.yaml"))
    assert [(group.name, len(group.rules or ())) for group in state.groups] == [("web", 2), ("app", 1)]

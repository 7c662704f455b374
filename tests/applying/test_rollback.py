"""A journal tells every write, and the way back from it leads to the state before."""

import json
import stat
from pathlib import Path
from typing import Any

import pytest
from effort import examples
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from world import World, contents, neutron, rule_lists, seeds, tcp, wanted

from reconciler.api.backend import BACKENDS
from reconciler.api.live import read_live
from reconciler.api.reader import GcoreReader
from reconciler.applying import journal_reading
from reconciler.applying.journal import JournalFile
from reconciler.applying.outcome import NoJournal
from reconciler.applying.rollback import WayBack, targets_of, way_back
from reconciler.emulator.faults import Fault
from reconciler.emulator.server import EmulatorServer
from reconciler.model.desired import DesiredRule, DesiredState
from reconciler.model.errors import InputError, PlanFileError, SgctlError
from reconciler.model.live import Instances
from reconciler.model.policies import Policies
from reconciler.planning.plan import Plan, PlanOptions, Scope, plan_differences
from reconciler.policy.judge_plan import judge_plan

LOST = ["PATCH", "POST", "DELETE"]
OLD = [tcp(80), tcp(22, "10.0.0.0/8"), tcp(443, description="old text")]
NEW = [tcp(80), tcp(443, description="new text"), tcp(8080)]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "apply.journal"


@pytest.fixture(params=["v1", "v2"])
def world(request: pytest.FixtureRequest, server: EmulatorServer) -> World:
    return World(server, request.param)


def apply_kept(world: World, state: DesiredState, path: Path, **options: Any) -> tuple[int, str]:
    plan = world.plan(state, **options)
    kept = JournalFile(str(path), world.clock, base_url=plan.base_url, api_version=plan.api_version)
    with kept:
        world.recorder = kept
        result = world.exit_code(plan)
    world.recorder = NoJournal()
    return result


def lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def back(world: World, path: Path, instances: dict[str, Instances] | None = None) -> tuple[Plan, WayBack]:
    kept = journal_reading.loads(path.read_text(), str(path))
    with world.connect() as http:
        live = read_live(GcoreReader(http), targets_of(kept))
    found = way_back(kept, live, instances or {})
    options = PlanOptions(api_version=world.version)  # type: ignore[arg-type]  # a table's text
    plan = plan_differences(
        found.differences,
        live,
        options,
        BACKENDS[options.api_version],
        base_url=kept.base_url,
        created_at="2026-01-01T00:00:00Z",
        scope=Scope(),
    )
    return judge_plan(plan, Policies(), options.limits, found.matches, live), found


def picture(world: World) -> dict[str, Any]:
    """Everything of every group but ids and revisions; remote groups by name."""
    names = {group.id: group.name for group in world.groups()}
    return {
        group.name: (
            group.description,
            sorted((tag.key, tag.value) for tag in group.tags),
            sorted(
                repr((rule._replace(remote_group_id=names.get(rule.remote_group_id or "")), text))
                for rule, text in world.content(group.name)
            ),
        )
        for group in world.groups()
    }


def test_the_journal_is_private_and_holds_what_was_live_before_the_first_write(world: World, path: Path) -> None:
    world.seed({"name": "web", "rules": seeds(OLD)})
    assert apply_kept(world, wanted(world.target, ("web", NEW)), path)[0] == 0
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    kinds = [line["kind"] for line in lines(path)]
    assert kinds[:2] == ["apply", "before"]
    assert kinds[2:] == ["write"] * len(world.writes())
    before = lines(path)[1]
    assert before["group"]["name"] == "web"
    assert len(before["group"]["rules"]) == len(OLD)
    for line, record in zip(lines(path)[2:], world.writes(), strict=True):
        assert (line["method"], line["path"]) == (record.method, record.path)
        assert (line["status"], line["request_id"]) == (200, record.request_id)
        assert line["body"] == json.loads(record.body)
    assert world.server.api_key not in [value for line in lines(path) for value in line.values()]
    assert "apikey" not in path.read_text()


def test_the_way_back_restores_everything_an_apply_changed(world: World, path: Path) -> None:
    """Rules, descriptions, tags, names; groups created go, groups deleted come back, with the rules lost with them."""
    owner = {"sgctl-owner": "tests"}
    world.seed(
        {"name": "web", "rules": seeds([*OLD, tcp(1, group="old")]), "tags": {**owner, "env": "prod"}},
        {"name": "first name", "rules": seeds([tcp(5)]), "tags": owner, "description": "first"},
        {"name": "old", "rules": seeds([tcp(7, group="web"), tcp(8, group="old")]), "tags": owner, "description": "x"},
        {"name": "outside", "rules": seeds([tcp(9, group="old"), tcp(10)])},
    )
    before = picture(world)
    groups = wanted(
        world.target, ("web", [*NEW, tcp(2, group="fresh")]), ("fresh", [tcp(3, group="web")]), owner="tests"
    )
    renamed = wanted(world.target, ("second name", [tcp(6)]), owner="tests", previous_name="first name")
    state = DesiredState((*groups.groups, *renamed.groups), groups.targets, groups.owners)
    assert apply_kept(world, state, path, prune=True)[0] == 0
    assert set(picture(world)) == {"web", "fresh", "second name", "outside"}
    plan, found = back(world, path)
    assert world.exit_code(plan)[0] == 0
    assert picture(world) == before
    assert any("gets a new id" in note for note in found.notes)
    assert not back(world, path)[0].changes


@pytest.mark.parametrize("version", ["v1", "v2"])
@settings(deadline=None, max_examples=examples(50), suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(old=rule_lists(max_size=5), new=rule_lists(max_size=5), nth=st.integers(0, 3), when=st.sampled_from(LOST))
def test_whatever_an_apply_did_the_way_back_undoes(
    server: EmulatorServer,
    tmp_path: Path,
    version: str,
    old: list[DesiredRule],
    new: list[DesiredRule],
    nth: int,
    when: str,
) -> None:
    """Also one that stopped half way, because the API refused everything from some write on."""
    world = World(server, version)
    owner = {"sgctl-owner": "tests"}
    world.seed({"name": "web", "rules": seeds(old), "tags": owner}, {"name": "old", "rules": seeds(old), "tags": owner})
    before = picture(world)
    path = tmp_path / f"{world.target.project_id}.journal"
    if nth:
        world.faults(Fault("status", status=403, nth=nth, count=0, path=f"s/{world.target.project_id}/", method=when))
    apply_kept(world, wanted(world.target, ("web", new), ("new", new), owner="tests"), path, prune=True)
    world.faults()
    code, told = world.exit_code(back(world, path)[0])
    assert code == 0, told
    assert picture(world) == before


@pytest.mark.parametrize("cut", range(1, 90, 8))
def test_a_journal_cut_in_the_middle_of_a_line_is_still_read(server: EmulatorServer, path: Path, cut: int) -> None:
    world = World(server)
    world.seed({"name": "web", "rules": seeds(OLD)})
    before = picture(world)
    apply_kept(world, wanted(world.target, ("web", NEW)), path)
    whole = path.read_bytes()
    path.write_bytes(whole[:-cut])
    assert world.exit_code(back(world, path)[0])[0] == 0
    assert picture(world) == before
    apply_kept(world, wanted(world.target, ("web", NEW)), path)
    assert back(world, path)[0].changes, "a second apply may follow a cut line"


def test_only_groups_that_the_journal_proves_to_be_ours_are_deleted(server: EmulatorServer, path: Path) -> None:
    """The creation was answered by nobody and the process was killed: a group of that name may be anybody's."""
    world = World(server)
    apply_kept(world, wanted(world.target, ("web", OLD)), path)
    kept = [line for line in lines(path) if not (line["kind"] == "write" and line["method"] == "POST")]
    path.write_text("".join(json.dumps(line) + "\n" for line in kept))
    plan, found = back(world, path)
    assert not plan.changes
    assert any("does not prove" in note for note in found.notes)


def test_a_group_whose_creation_was_not_answered_is_found_and_goes_too(world: World, path: Path) -> None:
    state = wanted(world.target, ("web", OLD))
    world.faults(Fault("reset", method="POST", when="after", path=f"/{world.target.project_id}/"))
    assert apply_kept(world, state, path)[0] == 0
    assert "found" in [line["kind"] for line in lines(path)]
    plan, found = back(world, path)
    assert world.exit_code(plan)[0] == 0
    assert not world.groups()
    assert any("was lost" in note for note in found.notes)


def test_a_created_group_that_is_in_use_by_now_stays(server: EmulatorServer, path: Path) -> None:
    world = World(server)
    apply_kept(world, wanted(world.target, ("web", OLD)), path)
    plan, found = back(world, path, {world.group("web").id: Instances(2)})
    assert not plan.changes
    assert any("attached to 2 instances" in note for note in found.notes)


def test_a_name_taken_since_is_refused_with_its_place(server: EmulatorServer, path: Path) -> None:
    world = World(server)
    world.seed({"name": "old", "rules": []})
    apply_kept(world, wanted(world.target, ("new", None), previous_name="old"), path)
    world.seed({"name": "old", "rules": []})
    with pytest.raises(InputError) as raised:
        back(world, path)
    assert "cannot get its name back" in raised.value.issues[0].message
    assert raised.value.issues[0].place.path == str(path)


def test_a_way_back_that_stopped_half_way_can_be_gone_on_with(server: EmulatorServer, path: Path) -> None:
    """A deleted group was created again but not filled: it is known by its name, and no second one is made."""
    world = World(server)
    world.seed({"name": "old", "rules": seeds(OLD), "tags": {"sgctl-owner": "tests", "env": "prod"}})
    world.seed({"name": "web", "rules": seeds([tcp(80)])})
    before = picture(world)
    assert apply_kept(world, wanted(world.target, ("web", [tcp(80)]), owner="tests"), path, prune=True)[0] == 0
    world.seed({"name": "old", "rules": [], "tags": {"env": "test"}})
    plan, found = back(world, path)
    assert world.exit_code(plan)[0] == 0
    assert picture(world) == before
    assert any("has its name now" in note for note in found.notes)


def test_what_others_changed_beside_the_apply_stays(server: EmulatorServer, path: Path) -> None:
    """The apply changed a tag; a description that somebody wrote since is none of its business."""
    world = World(server, "v2")
    world.seed({"name": "web", "rules": seeds(OLD), "tags": {"env": "test", "team": "a"}})
    assert apply_kept(world, wanted(world.target, ("web", None), tags={"env": "prod", "team": "a"}), path)[0] == 0
    other = wanted(world.target, ("web", None), description="by somebody", tags={"env": "prod", "team": "b"})
    assert world.exit_code(world.plan(other))[0] == 0
    plan, _ = back(world, path)
    assert world.exit_code(plan)[0] == 0
    group = world.group()
    assert group.description == "by somebody"
    assert {tag.key: tag.value for tag in group.tags} == {"env": "test", "team": "b"}


def test_an_apply_whose_journal_cannot_be_written_sends_nothing(server: EmulatorServer, tmp_path: Path) -> None:
    world = World(server, knobs=neutron())
    world.seed({"name": "web", "rules": seeds(OLD)})
    with pytest.raises(SgctlError, match="cannot write the journal"):
        JournalFile("/proc/nowhere/file", world.clock, base_url="", api_version="v1")
    with pytest.raises(SgctlError, match="/dev/null: it is no regular file"):
        JournalFile("/dev/null", world.clock, base_url="", api_version="v1")
    (tmp_path / "notes").write_text("mine\n")
    (tmp_path / "notes").chmod(0o644)
    with pytest.raises(SgctlError, match="something else than a journal"):
        JournalFile(str(tmp_path / "notes"), world.clock, base_url="", api_version="v1")
    assert (tmp_path / "notes").read_text() == "mine\n"

    class Full(JournalFile):
        def begin(self, change: Any) -> None:
            raise SgctlError("cannot write the journal: No space left on device")

    with Full(str(tmp_path / "journal"), world.clock, base_url="", api_version="v1") as full:
        world.recorder = full
        code, told = world.exit_code(world.plan(wanted(world.target, ("web", NEW))))
    assert (code, world.writes()) == (1, [])
    assert "No space left" in told
    assert world.content() == contents(OLD)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "not a journal"),
        ("hello\n", "not a journal"),
        ('{"kind":"write"}\n', "not a journal"),
        ('{"kind":"apply","format_version":9,"base_url":""}\n', "format 9"),
        ('{"kind":"apply","format_version":1,"base_url":"a"}\nnonsense\n{"kind":"before"}\n', ":2:1"),
        ('{"kind":"apply","format_version":1,"base_url":"a"}\n{"kind":"before"}\n', ":2:1"),
        ('{"kind":"apply","format_version":1,"base_url":"a"}\n[1]\n', ":2:1"),
        (
            '{"kind":"apply","format_version":1,"base_url":"a"}\n{"kind":"apply","format_version":1,"base_url":"b"}\n',
            "went to b",
        ),
    ],
    ids=["empty", "text", "no-head", "version", "cut-in-the-middle", "no-fields", "list", "two-apis"],
)
def test_what_is_no_journal_is_refused_with_a_sentence(text: str, reason: str) -> None:
    with pytest.raises(PlanFileError, match=reason):
        journal_reading.loads(text, "apply.journal")

"""What is said and done after particular faults: bounded in time and tries, honest, and with a way out."""

import json
import re
import threading
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import pytest
from world import EGRESS, World, contents, neutron, seeds, tcp, wanted

from reconciler.api.backend import BACKENDS, GcoreWriter
from reconciler.api.http import Answer
from reconciler.api.live import OnPage, nobody, read_live
from reconciler.api.reader import GcoreReader
from reconciler.api.tasks import DEADLINE
from reconciler.applying.apply import Interrupted, apply
from reconciler.applying.journal import JournalFile
from reconciler.applying.journal_reading import read_journal
from reconciler.applying.outcome import NoJournal, Result, Status, Write
from reconciler.applying.patience import LEAST_BROKEN
from reconciler.applying.rollback import created_groups
from reconciler.applying.session import ApplyContext
from reconciler.emulator.faults import Fault
from reconciler.emulator.knobs import Atomicity, Order
from reconciler.emulator.server import EmulatorServer
from reconciler.model.desired import Target
from reconciler.model.errors import SgctlError
from reconciler.model.live import LiveGroup
from reconciler.planning.diff import Action
from reconciler.planning.encode import Request
from reconciler.planning.plan import Plan

OLD = [tcp(80), tcp(22, "10.0.0.0/8")]
NEW = [tcp(80), tcp(8080)]


def update(world: World, **fields: Any) -> Plan:
    world.seed({"name": "web", "rules": seeds(OLD), "description": "old"})
    return world.plan(wanted(world.target, ("web", NEW), **fields))


def here(world: World, fault: str, **fields: Any) -> Fault:
    fields.setdefault("method", "PATCH")
    return Fault(fault, path=rf"/{world.target.project_id}/{world.target.region_id}(/|$)", **fields)


@pytest.mark.parametrize("status", [404, 405, 410, 501])
def test_where_the_patch_of_v1_is_gone_the_way_out_is_named(server: EmulatorServer, status: int) -> None:
    world = World(server, knobs=neutron(v1_patch_status=status))
    report = world.apply(update(world))
    (result,) = report.results
    assert result.status is Status.FAILED
    assert "--api-version v2" in (result.hint or "")
    assert "The group exists" in (result.hint or "")
    assert report.error is not None
    assert report.error.exit_code == 1
    assert world.content() == contents(OLD)
    world.version = "v2"
    assert world.exit_code(world.plan(wanted(world.target, ("web", NEW))))[0] == 0


@pytest.mark.parametrize("status", [401, 403])
def test_without_permission_nothing_further_is_tried(server: EmulatorServer, status: int) -> None:
    world = World(server)
    plan = update(world)
    world.faults(here(world, "status", status=status, count=0))
    report = world.apply(plan)
    assert len(world.writes()) == 1
    assert report.results[0].hint
    assert report.error is not None
    assert report.error.exit_code == 1


@pytest.mark.parametrize("status", [400, 409, 422])
def test_what_is_refused_again_is_not_sent_for_ever(server: EmulatorServer, status: int) -> None:
    world = World(server)
    plan = update(world)
    world.faults(here(world, "status", status=status, message="because", count=0))
    code, told = world.exit_code(plan)
    assert code == 1
    assert f"{status}: InjectedFault: because" in told
    assert len(world.writes()) <= 3
    assert world.content() == contents(OLD)


@pytest.mark.parametrize("method", ["PATCH", "POST", "DELETE"])
def test_a_server_that_fails_at_every_group_is_not_asked_for_all_of_them(server: EmulatorServer, method: str) -> None:
    """What else there is to do is tried all the same, and the rest of it once the server is well again."""
    world = World(server, knobs=neutron())
    rounds = LEAST_BROKEN + 2
    kinds = ("web",) if method == "PATCH" else ("web", "new")  # a new group is patched as well
    for number in range(rounds):
        world.seed({"name": f"gone-{number}", "rules": [], "tags": {"sgctl-owner": "tests"}})
        world.seed({"name": f"web-{number}", "rules": seeds(OLD), "tags": {"sgctl-owner": "tests"}})
    groups = [(f"{name}-{number}", NEW) for name in kinds for number in range(rounds)]
    state = wanted(world.target, *groups, owner="tests")
    plan = world.plan(state, prune=True)
    world.faults(here(world, "status", method=method, status=503, count=0))
    report = world.apply(plan, parallelism=1)
    action = {"PATCH": Action.UPDATE, "POST": Action.CREATE, "DELETE": Action.DELETE}[method]
    failing = [each for each in report.results if each.change.difference.action is action]
    assert Counter(each.status for each in failing) == {Status.FAILED: LEAST_BROKEN, Status.LEFT: 2}
    assert {each.message for each in failing if each.status is Status.LEFT} == {
        f"not tried: {LEAST_BROKEN} groups or more before it failed in a row"
    }
    assert all(each.status is Status.APPLIED for each in report.results if each not in failing)
    assert report.error is not None
    assert report.error.exit_code == 4
    world.faults()
    assert world.exit_code(world.plan(state, prune=True))[0] == 0


@pytest.mark.parametrize("version", ["v1", "v2"])
@pytest.mark.parametrize("fault", ["reset", "status"])
@pytest.mark.parametrize("method", ["PATCH", "POST", "DELETE"])
def test_a_server_that_fails_for_ever_is_given_up_within_bounds(
    server: EmulatorServer, version: str, fault: str, method: str
) -> None:
    world = World(server, version)
    world.seed({"name": "old", "rules": [], "tags": {"sgctl-owner": "tests"}})
    world.seed({"name": "web", "rules": seeds(OLD), "tags": {"sgctl-owner": "tests"}})
    state = wanted(world.target, ("web", NEW), ("fresh", NEW), owner="tests")
    plan = world.plan(state, prune=True)
    world.faults(here(world, fault, method=method, count=0, **({"status": 500} if fault == "status" else {})))
    code, told = world.exit_code(plan)
    assert code == 4, told
    paths = [record.path for record in world.writes() if record.method == method]
    assert max(paths.count(path) for path in paths) <= 6
    assert world.clock.slept < 120
    assert world.blind_repetitions() == []
    world.faults()
    assert world.exit_code(world.plan(state, prune=True))[0] == 0


def test_a_task_that_fails_for_ever_tells_its_reason_and_makes_nothing(server: EmulatorServer) -> None:
    world = World(server, "v2")
    plan = world.plan(wanted(world.target, ("web", NEW)))
    world.faults(here(world, "task_error", method="POST", message="quota exceeded", count=0))
    code, told = world.exit_code(plan)
    assert code in {1, 4}
    assert "quota exceeded" in told
    assert world.groups() == []
    assert len(world.writes()) <= 3


def test_a_create_whose_task_is_still_under_way_is_not_sent_again(server: EmulatorServer) -> None:
    """The answer is lost and the task never ends: another create would make two groups of one name."""
    world = World(server, "v2")
    plan = world.plan(wanted(world.target, ("web", NEW)))
    world.faults(
        here(world, "slow_task", method="POST", polls=100_000), here(world, "reset", method="POST", when="after")
    )
    code, told = world.exit_code(plan)
    assert code == 4
    assert "under way" in told
    assert len(world.writes()) == 1
    assert world.clock.slept < DEADLINE + 60, "it is waited for once, however often is looked"


def test_a_key_that_may_not_see_tasks_can_still_apply(server: EmulatorServer) -> None:
    """And after a lost create it says that it cannot tell, rather than make another group."""
    world = World(server, "v2")
    state = wanted(world.target, ("web", NEW))
    plan = world.plan(state)
    world.faults(
        Fault("status", method="GET", path="/tasks$", status=403, count=0), here(world, "reset", method="POST")
    )
    world.wait_for_tasks()
    code, told = world.exit_code(plan)
    assert (code, len(world.writes())) == (4, 1), told
    world.faults(Fault("status", method="GET", path="/tasks$", status=403, count=0))
    assert world.exit_code(world.plan(state))[0] == 0


def test_a_group_that_appears_only_later_is_waited_for(server: EmulatorServer) -> None:
    world = World(server, "v2")
    state = wanted(world.target, ("web", NEW), ("app", [tcp(1, group="web")]))
    plan = world.plan(state)
    world.faults(here(world, "slow_task", method="POST", polls=40), here(world, "reset", method="POST", when="after"))
    assert world.exit_code(plan)[0] == 0
    assert sorted(group.name for group in world.groups()) == ["app", "web"]


def test_a_new_group_that_cannot_be_read_at_once_is_waited_for(server: EmulatorServer) -> None:
    """It was answered with its id; the lists and the reads that follow do not know it yet."""
    world = World(server)
    plan = world.plan(wanted(world.target, ("web", NEW)))
    place = f"/securitygroups/{world.target.project_id}/{world.target.region_id}/"
    world.faults(Fault("status", method="GET", path=place, status=404, count=2))
    with world.connect() as http:
        reader = Lagging(http)
        context = ApplyContext(reader, GcoreWriter(http, world.clock), world.clock, BACKENDS["v1"])
        assert apply(plan, context).error is None
    assert world.content() == contents(NEW)


def test_an_interrupted_apply_sends_nothing_more_than_what_is_under_way(server: EmulatorServer) -> None:
    """Also where nobody else says that it is to stop: the thread of `web`, whose write broke, does not repeat it."""
    world = World(server)
    world.seed({"name": "web", "rules": seeds(OLD)})
    plan = world.plan(wanted(world.target, ("web", NEW), ("new", NEW)))
    sent: list[httpx.Request] = []
    is_sent, is_over = threading.Event(), threading.Event()

    class Breaking(httpx.HTTPTransport):
        def handle_request(self, request: httpx.Request) -> httpx.Response:
            if request.method == "PATCH" and request.url.path.endswith(world.group("web").id):
                sent.append(request)
                is_sent.set()
                is_over.wait(10)
                return httpx.Response(503, request=request)
            return super().handle_request(request)

    def interrupt(result: Result) -> None:
        if result.change.difference.name == "new":
            is_sent.wait(10)
            raise KeyboardInterrupt

    world.transport = Breaking
    with world.connect() as http:
        context = ApplyContext(GcoreReader(http), GcoreWriter(http, world.clock), world.clock, BACKENDS["v1"])
        before = set(threading.enumerate())
        with pytest.raises(Interrupted) as raised:
            apply(plan, context, progress=interrupt)
        is_over.set()
        for thread in set(threading.enumerate()) - before:
            thread.join(10)
    results = {each.change.difference.name: each for each in raised.value.report.results}
    assert (results["new"].status, results["web"].status) == (Status.APPLIED, Status.LEFT)
    assert results["web"].touched
    assert len(sent) == 1


class Liar(GcoreWriter):
    """Answers writes as done after the first few, and does nothing."""

    truths = 0

    def send(self, request: Request, is_made: Callable[[], bool] = lambda: False) -> Answer:
        self.truths -= 1
        return super().send(request, is_made) if self.truths >= 0 else Answer(200, {}, None)


@pytest.mark.parametrize("version", ["v1", "v2"])
@pytest.mark.parametrize(
    ("name", "truths", "code"), [("update", 0, 1), ("part of an update", 1, 4), ("create", 0, 1), ("delete", 0, 1)]
)
def test_what_is_answered_as_done_and_never_shows_was_not_applied(
    server: EmulatorServer, version: str, name: str, truths: int, code: int
) -> None:
    """What is read decides between 1 and 4, not what was answered."""
    world = World(server, version)
    if name != "create":
        world.seed({"name": "web", "rules": seeds(OLD), "tags": {"sgctl-owner": "tests"}})
    state = wanted(world.target, *([("web", NEW)] if name != "delete" else []), owner="tests")
    world.two_phase = name == "part of an update"
    plan = world.plan(state, prune=name == "delete")
    with world.connect() as http:
        writer = Liar(http, world.clock)
        writer.truths = truths
        report = apply(plan, ApplyContext(GcoreReader(http), writer, world.clock, BACKENDS[plan.api_version]))
    assert report.error is not None
    assert (report.error.exit_code, "nothing was applied" in report.error.message) == (code, code == 1)
    assert [group.name for group in world.groups()] == ([] if name == "create" else ["web"])


class Lagging(GcoreReader):
    """Lists that lag behind by two readings."""

    behind = 2

    def list_groups(self, target: Target, name: str | None = None, on_page: OnPage = nobody) -> tuple[LiveGroup, ...]:
        self.behind -= 1
        return () if self.behind >= 0 else super().list_groups(target, name, on_page)


def test_a_group_of_the_same_name_made_by_somebody_else_meanwhile_is_told(server: EmulatorServer) -> None:
    world = World(server)
    plan = world.plan(wanted(world.target, ("web", NEW)))
    world.seed({"name": "web", "rules": []})
    report = world.apply(plan, check=False)
    assert report.error is not None
    assert report.error.exit_code == 4
    assert "a group of the same name" in report.results[0].message


def test_a_group_that_is_not_what_was_sent_is_not_taken_for_ours(server: EmulatorServer) -> None:
    """The create was never carried out, and meanwhile somebody made a group of that name."""
    world = World(server)
    plan = world.plan(wanted(world.target, ("web", NEW), description="ours"))
    world.faults(here(world, "reset", method="POST"))
    world.seed({"name": "web", "rules": seeds(OLD), "description": "theirs"})
    report = world.apply(plan, check=False)
    assert "not the one that was sent" in report.results[0].message
    assert world.content() == contents(OLD)


@pytest.mark.parametrize("atomicity", Atomicity)
@pytest.mark.parametrize("order", Order)
def test_a_new_description_never_needs_a_second_apply(
    server: EmulatorServer, order: Order, atomicity: Atomicity
) -> None:
    """Where creates run first, the one PATCH is refused with 409: two follow."""
    world = World(server, knobs=neutron(order, atomicity))
    world.seed({"name": "web", "rules": seeds([tcp(80, description="old"), tcp(22)])})
    state = wanted(world.target, ("web", [tcp(80, description="new"), tcp(443)]))
    assert world.exit_code(world.plan(state))[0] == 0
    assert not world.plan(state).changes
    if order is not Order.CREATES_FIRST:
        assert len(world.writes()) == 1


def test_what_the_cloud_adds_to_a_new_group_is_removed_and_nothing_else_asked(server: EmulatorServer) -> None:
    world = World(server)
    assert world.exit_code(world.plan(wanted(world.target, ("web", NEW))))[0] == 0
    assert world.content() == contents(NEW)
    assert [record.method for record in world.requests()[2:]] == ["POST", "PATCH", "GET"]
    assert {rule for rules in world.rule_sets(world.group().id) for rule in rules} == {
        *EGRESS,
        *(rule.rule for rule in NEW),
    }


def test_a_rename_by_somebody_else_is_not_undone(server: EmulatorServer) -> None:
    """The plan changes rules only; after a lost answer no name is sent that it does not hold."""
    world = World(server)
    plan = update(world)
    group_id = world.group().id
    with world.connect() as http:
        path = f"/cloud/v1/securitygroups/{world.target.project_id}/{world.target.region_id}/{group_id}"
        http.write("PATCH", path, {"name": "theirs"})
    world.faults(here(world, "reset"))
    world.apply(plan, check=False)
    assert world.group("theirs").id == group_id
    assert not any(re.search('"name": ?"web"', record.body) for record in world.writes())


def test_in_v1_a_description_goes_through_v2_and_all_else_does_not(server: EmulatorServer) -> None:
    world = World(server)
    plan = update(world, description="new")
    assert any("through v2" in note for note in plan.changes[0].difference.notes)
    assert world.exit_code(plan)[0] == 0
    assert [record.path.split("/")[2] for record in world.writes()] == ["v1", "v2"]
    assert world.group().description == "new"


def test_a_change_of_more_entries_than_a_request_takes_is_sent_in_several(
    server: EmulatorServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Rules described anew are two entries each."""
    monkeypatch.setattr("reconciler.api.v1.MAX_ENTRIES", 5)
    world = World(server)
    world.seed({"name": "web", "rules": seeds([tcp(1000), *(tcp(port, description="old") for port in range(1, 5))])})
    new = [tcp(2000), *(tcp(port, description="new") for port in range(1, 5))]
    assert world.exit_code(world.plan(wanted(world.target, ("web", new))))[0] == 0
    assert world.content() == contents(new)
    assert [record.body.count('"action"') for record in world.writes()] == [5, 5]


def test_a_group_that_filled_up_meanwhile_is_not_emptied_to_make_room(server: EmulatorServer) -> None:
    """The plan had room to create before deleting; a foreign rule took it. Cutting traffic was not approved."""
    world = World(server, knobs=neutron(atomicity=Atomicity.PARTIAL))
    kept = [tcp(port) for port in range(1000, 1248)]
    old, new = [*kept, tcp(80, "10.0.0.0/8")], [*kept, tcp(80)]
    world.seed({"name": "web", "rules": seeds(old)})
    plan = world.plan(wanted(world.target, ("web", new)))
    assert not any(finding.guardrail == "gap" for finding in plan.findings)
    rule = {"direction": "ingress", "protocol": "udp"}
    world.faults(here(world, "foreign_change", rule=rule))
    code, told = world.exit_code(plan)
    assert code == 1
    assert "no room" in told
    assert not contents(old) - world.content()


LOCKED = "Resource `web` is already locked by another task. Please try again later."
REFUSALS = (400, 401, 403, 404, 405, 409, 410, 413, 422, 429, 501)


@pytest.mark.parametrize("status", REFUSALS)
def test_a_refusal_after_which_a_part_is_live_is_no_1(server: EmulatorServer, status: int) -> None:
    """A server that is not atomic carries the PATCH out and refuses it: what is read back decides."""
    world = World(server)
    plan = update(world)
    group_id = world.group().id
    world.transport = refusing(status, {"changed_rules": [{"action": "create", **seeds([tcp(8080)])[0]}]})
    code, told = world.exit_code(plan)
    world.transport = httpx.HTTPTransport
    assert code == 4, told
    assert world.group().id == group_id
    assert world.content() == contents([*OLD, tcp(8080)])


def test_a_refusal_that_no_journal_can_keep_is_no_1(server: EmulatorServer) -> None:
    """Nothing further is sent or read without the journal, and so nobody knows what is live."""

    class Full(NoJournal):
        def wrote(self, write: Write) -> None:
            raise SgctlError("cannot write the journal: No space left on device")

    world = World(server, recorder=Full())
    plan = update(world)
    world.transport = refusing(400, {"changed_rules": [{"action": "create", **seeds([tcp(8080)])[0]}]})
    code, told = world.exit_code(plan)
    assert code == 4
    assert "400: refused; then cannot write the journal" in told


@pytest.mark.parametrize("version", ["v1", "v2"])
def test_a_lock_behind_which_a_part_is_live_is_no_1(server: EmulatorServer, version: str) -> None:
    world = World(server, version)
    plan = update(world)
    part = seeds([*OLD, tcp(8080)])
    body = {"rules": part} if version == "v2" else {"changed_rules": [{"action": "create", **part[-1]}]}
    world.transport = refusing(409, body, LOCKED)
    code, told = world.exit_code(plan)
    world.transport = httpx.HTTPTransport
    assert code == 4, told
    assert world.content() == contents([*OLD, tcp(8080)])


@pytest.mark.parametrize("status", REFUSALS)
def test_a_refusal_behind_which_a_task_works_on_is_looked_after_when_that_has_ended(
    server: EmulatorServer, status: int
) -> None:
    """What stands between may turn an answer of v2 into a refusal: the rules are live a moment later."""
    world = World(server, "v2", knobs=neutron(task_polls=3))
    plan = update(world)
    world.transport = refusing(status, None)
    code, told = world.exit_code(plan)
    world.transport = httpx.HTTPTransport
    world.wait_for_tasks()
    assert world.content() != contents(OLD)
    assert code == (0 if world.content() == contents(NEW) else 4), told


def one_change(world: World, method: str) -> Plan:
    """A plan of one change, which begins with such a request."""
    owner = {"sgctl-owner": "tests"}
    world.seed({"name": "web", "rules": seeds(OLD), "tags": owner}, {"name": "old", "rules": [], "tags": owner})
    groups = {"PATCH": [("web", NEW)], "POST": [("web", OLD), ("made", NEW)], "DELETE": [("web", OLD)]}[method]
    return world.plan(wanted(world.target, *groups, owner="tests"), prune=method == "DELETE")


@pytest.mark.parametrize("method", ["PATCH", "POST", "DELETE"])
@pytest.mark.parametrize("status", REFUSALS)
def test_a_refusal_of_which_nothing_is_live_is_no_4(server: EmulatorServer, status: int, method: str) -> None:
    world = World(server)
    plan = one_change(world, method)
    before = world.groups()
    world.faults(here(world, "status", method=method, status=status, count=0))
    code, told = world.exit_code(plan)
    assert (code, world.groups()) == (1, before), told
    assert "is there now" not in told


@pytest.mark.parametrize("method", ["PATCH", "POST", "DELETE"])
def test_a_write_that_is_never_answered_is_no_1(server: EmulatorServer, method: str) -> None:
    """Nothing of it shows, and the server may still be at it."""
    world = World(server)
    plan = one_change(world, method)
    before = world.groups()
    world.faults(here(world, "reset", method=method, count=0))
    code, told = world.exit_code(plan)
    assert (code, world.groups()) == (4, before), told
    assert "connection broke" in told


def test_a_task_behind_a_lost_answer_is_waited_for_before_anything_is_read(server: EmulatorServer) -> None:
    world = World(server, "v2", knobs=neutron(task_polls=20))
    plan = one_change(world, "PATCH")
    world.faults(here(world, "reset", when="after"))
    assert world.exit_code(plan)[0] == 0
    assert len(world.writes()) == len(plan.changes[0].requests)


@pytest.mark.parametrize("version", ["v1", "v2"])
def test_a_group_to_which_a_failed_change_may_still_refer_is_not_deleted(server: EmulatorServer, version: str) -> None:
    """The cloud would delete that rule with it."""
    world = World(server, version)
    owner = {"sgctl-owner": "tests"}
    world.seed(
        {"name": "web", "rules": seeds([tcp(1, group="old")]), "tags": owner},
        {"name": "old", "rules": [], "tags": owner},
    )
    plan = world.plan(wanted(world.target, ("web", NEW), owner="tests"), prune=True, lifted=frozenset({"mass-delete"}))
    world.faults(here(world, "status", status=403, count=0))
    results = {each.change.difference.name: each for each in world.apply(plan).results}
    assert (results["old"].status, results["old"].message) == (Status.LEFT, "web may still refer to it")
    assert {record.method for record in world.writes()} == {"PATCH"}


@pytest.mark.parametrize("version", ["v1", "v2"])
def test_a_new_group_that_needs_one_which_could_not_be_created_is_left(server: EmulatorServer, version: str) -> None:
    world = World(server, version)
    plan = world.plan(wanted(world.target, ("app", NEW), ("data", [tcp(2, group="app")])))
    world.faults(here(world, "status", method="POST", status=403, count=0))
    app, data = sorted(world.apply(plan).results, key=lambda each: each.change.difference.name)
    assert (app.status, data.status, data.message) == (Status.FAILED, Status.LEFT, "app could not be created")
    assert len(world.writes()) == 1


@pytest.mark.parametrize("version", ["v1", "v2"])
def test_a_group_that_goes_while_it_is_changed_is_told(server: EmulatorServer, version: str) -> None:
    world = World(server, version)
    plan = one_change(world, "PATCH")
    nth = 3 if version == "v2" else 1  # v2 reads before each whole list
    world.faults(Fault("status", method="GET", path=f"/{world.group().id}$", status=404, nth=nth))
    (result,) = world.apply(plan).results
    assert (result.status, result.message) == (Status.FAILED, "the group does not exist any more")


@pytest.mark.parametrize("status", REFUSALS)
def test_a_refusal_that_cannot_be_looked_after_counts_as_touched_and_says_so(
    server: EmulatorServer, status: int
) -> None:
    world = World(server)
    plan = update(world)
    world.faults(
        here(world, "status", status=status, count=0),
        Fault("status", method="GET", path=f"/{world.group().id}$", status=403, count=0),
    )
    code, told = world.exit_code(plan)
    assert code == 4, told
    assert "whether it was carried out in part is not known" in told


@pytest.mark.parametrize("version", ["v1", "v2"])
@pytest.mark.parametrize(("status", "message"), [(429, "too many"), (409, LOCKED)], ids=["429", "locked"])
def test_a_creation_is_sent_again_only_where_the_one_before_made_nothing(
    server: EmulatorServer, version: str, status: int, message: str
) -> None:
    world = World(server, version, knobs=neutron(task_polls=3))
    plan = world.plan(wanted(world.target, ("web", NEW)))
    refusal = here(world, "status", method="POST", status=status, message=message, retry_after=1)
    world.faults(replace(refusal, count=2))
    assert world.exit_code(plan)[0] == 0
    assert [each.method for each in world.writes()].count("POST") == 3
    state = wanted(world.target, ("made", NEW))
    plan = world.plan(state)
    world.faults(replace(refusal, when="after"))
    code, told = world.exit_code(plan)
    assert (code, f"a group named 'made' is there now: {world.group('made').id}" in told) == (4, True), told
    assert world.exit_code(world.plan(state))[0] == 0


@pytest.mark.parametrize("status", REFUSALS)
def test_a_refused_creation_of_which_a_group_is_left_is_no_1(server: EmulatorServer, status: int) -> None:
    world = World(server)
    plan = world.plan(wanted(world.target, ("web", NEW)))
    world.transport = refusing(status, None)
    code, told = world.exit_code(plan)
    world.transport = httpx.HTTPTransport
    assert code == 4, told
    assert world.group().id in told


@pytest.mark.parametrize("status", REFUSALS)
def test_a_refused_deletion_after_which_the_group_is_gone_is_done(server: EmulatorServer, status: int) -> None:
    world = World(server)
    world.seed(
        {"name": "web", "rules": [], "tags": {"sgctl-owner": "tests"}},
        {"name": "old", "tags": {"sgctl-owner": "tests"}},
    )
    plan = world.plan(wanted(world.target, ("web", []), owner="tests"), prune=True)
    world.transport = refusing(status, None)
    assert world.exit_code(plan)[0] == 0
    world.transport = httpx.HTTPTransport
    assert [group.name for group in world.groups()] == ["web"]


def test_where_the_api_refuses_for_good_nobody_promises_that_applying_again_converges(server: EmulatorServer) -> None:
    world = World(server)
    plan = update(world)
    world.faults(here(world, "status", status=400, count=0))
    report = world.apply(plan)
    assert report.error is not None
    assert "converges" not in (report.error.hint or "")
    assert "until the reason is gone" in (report.error.hint or "")


def refusing(status: int, body: dict[str, Any] | None, message: str = "refused") -> type[httpx.HTTPTransport]:
    """A transport behind which a write is carried out, with another body where one is given, and then refused."""

    class Refusing(httpx.HTTPTransport):
        def handle_request(self, request: httpx.Request) -> httpx.Response:
            if request.method == "GET":
                return super().handle_request(request)
            headers = {"Authorization": request.headers["Authorization"], "Content-Type": "application/json"}
            given: dict[str, Any] = {"content": request.read()} if body is None else {"json": body}
            super().handle_request(httpx.Request(request.method, request.url, headers=headers, **given)).read()
            return httpx.Response(status, json={"message": message}, request=request)

    return Refusing


@pytest.mark.parametrize("version", ["v1", "v2"])
@pytest.mark.parametrize("remote", [None, "new"], ids=["plain", "to-itself"])
@pytest.mark.parametrize("lie", ["id", "group", "capitals", "two ids"])
def test_a_group_whose_id_the_api_gives_for_a_new_one_is_left_alone(
    server: EmulatorServer, tmp_path: Path, version: str, remote: str | None, lie: str
) -> None:
    """In the answer, or in the task; neither the apply nor the way back touches it."""
    world = World(server, version=version)
    world.seed({"name": "web", "rules": seeds(OLD)})
    web = world.group("web").id

    class Lying(httpx.HTTPTransport):
        def handle_request(self, request: httpx.Request) -> httpx.Response:
            response = super().handle_request(request)
            if not (request.method == "POST" or "/tasks/" in request.url.path):
                return response
            answer = json.loads(response.read())
            given = web.upper() if lie == "capitals" else web
            if "id" in answer and "tasks" not in answer:
                key = {"Authorization": request.headers["Authorization"]}
                whole = super().handle_request(httpx.Request("GET", f"{request.url}/{web}", headers=key))
                answer = json.loads(whole.read()) if lie == "group" else {**answer, "id": given}
            if created := (answer.get("created_resources") or {}).get("security_groups"):
                answer["created_resources"]["security_groups"] = [given, *(created if lie == "two ids" else ())]
            return httpx.Response(response.status_code, json=answer, request=request)

    plan = world.plan(wanted(world.target, ("new", [*NEW, tcp(1, group=remote)])))
    world.transport = Lying
    with JournalFile(str(tmp_path / "journal"), world.clock, base_url=server.url, api_version="v1") as world.recorder:
        code, told = world.exit_code(plan)
    assert (world.content(), code in {0, 4}) == (contents(OLD), True), told
    assert code == 0 or "is 'web'" in told
    with world.connect() as http:
        live = read_live(GcoreReader(http), [world.target])
    assert "web" not in {group.name for group in created_groups(read_journal(str(tmp_path / "journal")), live)}


@pytest.mark.parametrize(
    "body", [b"", b"<html>404</html>", b"default backend - 404", b"{}", b"null", b'{"message": ""}']
)
def test_a_404_that_is_not_the_apis_proves_no_deletion(server: EmulatorServer, body: bytes) -> None:
    """A gateway that has lost its way answers so, to the deletion and to the read that looks after it."""
    world = World(server)
    world.seed({"name": "old", "rules": seeds(OLD), "tags": {"sgctl-owner": "us"}})
    plan = world.plan(wanted(world.target, owner="us"), prune=True)

    class Lost(httpx.HTTPTransport):
        def handle_request(self, request: httpx.Request) -> httpx.Response:
            if request.url.path.endswith(f"/{world.target.region_id}"):
                return super().handle_request(request)
            return httpx.Response(404, content=body, request=request)

    world.transport = Lost
    code, told = world.exit_code(plan)
    assert (code, "applied" in told, len(world.groups("old"))) == (4, False, 1), told

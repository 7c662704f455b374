"""Many groups of a target that are deleted are looked for with one list; each is told as deleted once it is gone."""

from collections import Counter

import httpx
import pytest
from world import World, seeds, tcp, wanted

from reconciler.applying.outcome import Status
from reconciler.emulator.faults import Fault
from reconciler.emulator.server import EmulatorServer
from reconciler.planning.plan import Plan

MANY = 20
OWNED = {"sgctl-owner": "tests"}


def deletion(world: World) -> Plan:
    world.seed({"name": "web", "rules": [], "tags": OWNED})
    world.seed(*({"name": f"old-{number:02d}", "rules": seeds([tcp(80)]), "tags": OWNED} for number in range(MANY)))
    return world.plan(wanted(world.target, ("web", []), owner="tests"), prune=True)


def kinds(world: World, begin: int) -> Counter[str]:
    """The requests since then: writes by their method, reads by whether they are of a list."""
    base = f"/{world.target.project_id}/{world.target.region_id}"
    return Counter(
        each.method if each.method != "GET" else "list" if each.path.endswith(base) else "read"
        for each in world.requests()[begin:]
    )


def test_many_deletions_take_one_list_and_no_read_each(server: EmulatorServer) -> None:
    world = World(server)
    plan = deletion(world)
    begin = len(world.requests())
    assert world.exit_code(plan)[0] == 0
    assert kinds(world, begin) == Counter({"DELETE": MANY, "list": 2})
    assert [group.name for group in world.groups()] == ["web"]


def test_where_the_list_fails_each_group_is_read(server: EmulatorServer) -> None:
    world = World(server)
    plan = deletion(world)
    path = f"/{world.target.project_id}/{world.target.region_id}$"
    world.faults(Fault("status", method="GET", path=path, status=403, nth=2, count=0))
    begin = len(world.requests())
    assert world.exit_code(plan)[0] == 0
    assert kinds(world, begin) == Counter({"DELETE": MANY, "list": 2, "read": MANY})


@pytest.mark.parametrize("untrue", [1, 2])
def test_a_deletion_that_is_answered_and_not_done_is_sent_again(server: EmulatorServer, untrue: int) -> None:
    """Only the groups that are still there are looked after one by one."""
    world = World(server)
    plan = deletion(world)
    kept = {group.id for group in world.groups() if group.name != "web"} - {
        group.id for group in world.groups()[: MANY + 1 - untrue]
    }
    left = set(kept)

    class Lying(httpx.HTTPTransport):
        def handle_request(self, request: httpx.Request) -> httpx.Response:
            group_id = request.url.path.rpartition("/")[2]
            if request.method == "DELETE" and group_id in left:
                left.discard(group_id)
                return httpx.Response(204, request=request)
            return super().handle_request(request)

    world.transport = Lying
    report = world.apply(plan)
    assert not left
    assert {result.status for result in report.results} == {Status.APPLIED}
    assert [group.name for group in world.groups()] == ["web"]

"""What another task has locked is waited for, within bounds, and never sent again where it may have acted."""

from typing import Any

import httpx
import pytest
from steady import SteadyClock, StoppedClock
from world import World, contents, seeds, tcp, wanted

from reconciler.api.backend import GcoreWriter
from reconciler.api.error_answer import Refusal
from reconciler.api.http import Http
from reconciler.api.retry import LONGEST_LOCK_WAIT, Locks, LockWait
from reconciler.emulator.knobs import Knobs
from reconciler.emulator.server import EmulatorServer
from reconciler.model.cloud import DEFAULT_LOCK_TIMEOUT
from reconciler.model.errors import ApiRefused, OutcomeUnknown, Stopped, TaskFailed
from reconciler.planning.encode import Request

GROUP = "0000000a-0000-4000-8000-00000000000b"
V1 = Request("PATCH", f"/cloud/v1/securitygroups/1/7/{GROUP}", {"changed_rules": []})
V2 = Request("PATCH", f"/cloud/v2/security_groups/1/7/{GROUP}", {"description": "x"})
V2_RULES = Request("PATCH", V2.path, {"rules": []})
LOCKED = {"message": f"Resource `{GROUP}` is already locked by another task. Please try again later."}


class Server:
    """Refuses the first writes as locked; `in_task` lets it take them, and their tasks end so."""

    def __init__(self, locked: int, *, in_task: bool = False, headers: dict[str, str] | None = None) -> None:
        self.locked = locked
        self.in_task = in_task
        self.headers = headers
        self.writes = 0
        self.clock = SteadyClock()
        self.told: list[LockWait] = []

    def connect(self, limit: float = DEFAULT_LOCK_TIMEOUT) -> Http:
        transport = httpx.MockTransport(self._answer)
        locks = Locks(self.clock, limit, self.told.append)
        return Http("https://api.example.com", "the-key", self.clock, transport=transport, locks=locks)

    def send(self, request: Request, limit: float = DEFAULT_LOCK_TIMEOUT) -> Any:
        with self.connect(limit) as http:
            return GcoreWriter(http, self.clock).send(request)

    def _answer(self, request: httpx.Request) -> httpx.Response:
        if request.method == "GET":
            is_locked = self.in_task and self.writes <= self.locked
            task = {"state": "ERROR", "error": LOCKED["message"]} if is_locked else {"state": "FINISHED"}
            return httpx.Response(200, json={"id": "t", **task})
        self.writes += 1
        if self.writes <= self.locked and not self.in_task:
            return httpx.Response(409, json=LOCKED, headers=self.headers)
        return httpx.Response(200, json={"tasks": ["t"]} if "/v2/" in request.url.path else {"id": GROUP})


@pytest.mark.parametrize("request_", [V1, V2], ids=["v1", "v2"])
def test_a_lock_is_waited_out_longer_each_time_and_told(request_: Request) -> None:
    server = Server(locked=4)
    assert server.send(request_).status == 200
    assert server.writes == 5
    assert server.clock.waits == [1, 2, 4, 8]
    assert server.told == [
        LockWait(request_.path, waited, DEFAULT_LOCK_TIMEOUT, seconds)
        for waited, seconds in ((0, 1), (1, 2), (3, 4), (7, 8))
    ]


@pytest.mark.parametrize("request_", [V1, V2], ids=["v1", "v2"])
def test_a_lock_that_does_not_end_is_given_up_after_five_minutes(request_: Request) -> None:
    server = Server(locked=1000)
    with pytest.raises(ApiRefused, match="is already locked by another task") as raised:
        server.send(request_)
    assert raised.value.hint == Refusal.LOCKED.value
    assert server.clock.slept == DEFAULT_LOCK_TIMEOUT == 300
    assert max(server.clock.waits) <= LONGEST_LOCK_WAIT


def test_the_time_for_a_lock_can_be_set() -> None:
    server = Server(locked=1000)
    with pytest.raises(ApiRefused):
        server.send(V1, limit=10)
    assert server.clock.slept == 10
    server = Server(locked=1000)
    with pytest.raises(ApiRefused):
        server.send(V1, limit=0)
    assert (server.writes, server.clock.waits) == (1, [])


def test_the_api_may_say_how_long_to_wait() -> None:
    server = Server(locked=2, headers={"Retry-After": "7"})
    server.send(V1)
    assert server.clock.waits == [7, 7]


@pytest.mark.parametrize("header", ["0", "Thu, 01 Jan 1970 00:00:00 GMT"])
def test_an_api_that_names_no_time_is_not_asked_without_a_wait(header: str) -> None:
    server = Server(locked=2, headers={"Retry-After": header})
    server.send(V1)
    assert server.clock.waits == [1, 2]


def test_a_lock_that_comes_back_later_has_its_own_time() -> None:
    server = Server(locked=2)
    with server.connect(limit=5) as http:
        writer = GcoreWriter(http, server.clock)
        writer.send(V1)
        server.writes = 0
        server.clock.sleep(100)
        writer.send(V1)
    assert server.clock.waits == [1, 2, 100, 1, 2]


def test_a_task_that_ends_locked_is_not_repeated_before_a_read_but_waited_for() -> None:
    """It may have acted in part: the caller reads and goes on from there, each time after a longer wait."""
    server = Server(locked=3, in_task=True)
    with server.connect() as http:
        writer = GcoreWriter(http, server.clock)
        for number in range(3):
            with pytest.raises(TaskFailed, match="is already locked by another task") as raised:
                writer.send(V2)
            assert raised.value.hint == Refusal.LOCKED.value
            assert server.writes == number + 1
        writer.send(V2)
    assert server.clock.waits == [5, 10, 20]


def test_a_whole_list_of_rules_is_not_sent_again_before_a_read() -> None:
    """The task that has locked the group may be changing its rules, which the list would undo."""
    server = Server(locked=3)
    with server.connect() as http:
        writer = GcoreWriter(http, server.clock)
        for number in range(3):
            with pytest.raises(OutcomeUnknown, match="is already locked by another task") as raised:
                writer.send(V2_RULES)
            assert (raised.value.status, server.writes) == (409, number + 1)
        writer.send(V2_RULES)
    assert server.clock.waits == [5, 10, 20]


def test_six_tries_with_reads_between_take_the_whole_time_and_then_it_is_a_refusal() -> None:
    """Six is how often an apply reads a group and sends what is missing."""
    server = Server(locked=1000)
    with server.connect() as http:
        writer = GcoreWriter(http, server.clock)
        for _ in range(6):
            with pytest.raises(OutcomeUnknown):
                writer.send(V2_RULES)
        assert server.clock.slept == DEFAULT_LOCK_TIMEOUT
        with pytest.raises(ApiRefused):
            writer.send(V2_RULES)


def test_another_conflict_is_not_waited_for() -> None:
    clock = SteadyClock()
    transport = httpx.MockTransport(lambda _: httpx.Response(409, json={"message": "Security group in use."}))
    with Http("https://api.example.com", "the-key", clock, transport=transport) as http, pytest.raises(ApiRefused):
        http.write("DELETE", V1.path, None)
    assert clock.waits == []


def test_a_wish_to_stop_ends_the_wait() -> None:
    server = Server(locked=1)
    server.clock = StoppedClock()
    with pytest.raises(Stopped):
        server.send(V1)
    assert server.writes == 1


def test_a_wish_to_stop_does_not_hide_that_a_task_may_have_acted() -> None:
    server = Server(locked=1, in_task=True)
    server.clock = StoppedClock()
    with pytest.raises(TaskFailed):
        server.send(V2)


@pytest.mark.parametrize("version", ["v1", "v2"])
@pytest.mark.parametrize("polls", [3, 6])
def test_an_apply_to_a_group_that_another_task_works_on_ends_as_planned(version: str, polls: int) -> None:
    """Over a socket: somebody's task holds the group for a few tries, and what it changed is still there afterwards."""
    with EmulatorServer() as server:
        world = World(server, version, knobs=Knobs(task_polls=polls))
        world.seed({"name": "web", "rules": seeds([tcp(22)])})
        plan = world.plan(wanted(world.target, ("web", [tcp(22), tcp(443)])))
        held = httpx.patch(
            f"{server.url}/cloud/v2/security_groups/{world.target.project_id}/7/{world.group().id}",
            json={"description": "held"},
            headers={"Authorization": f"apikey {server.api_key}"},
        )
        assert held.status_code == 200
        report = world.apply(plan, check=False)
        assert report.error is None, [result.message for result in report.results]
        assert 409 in [record.status for record in world.writes()]
        assert world.content() == contents([tcp(22), tcp(443)])
        assert world.group().description == "held"

"""Tasks of v2: all of them are awaited, their own words are passed on, and no wait is endless."""

from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from steady import SteadyClock

from reconciler.api.backend import GcoreWriter
from reconciler.api.http import Http
from reconciler.api.tasks import DEADLINE, Tasks
from reconciler.model.desired import Target
from reconciler.model.errors import OutcomeUnknown, TaskFailed
from reconciler.planning.encode import Request

START = datetime(2026, 1, 1, tzinfo=UTC)
GROUP_ID = "0000000a-0000-4000-8000-00000000000b"
PATCH = Request("PATCH", "/cloud/v2/security_groups/1/7/x", {"rules": []})


class Server:
    """Tasks by id, each with the states it is found in, the last one for ever."""

    def __init__(self, **tasks: Iterable[dict[str, Any]]) -> None:
        self.tasks = {name: list(states) for name, states in tasks.items()}
        self.asked: list[httpx.Request] = []
        self.clock = SteadyClock()
        self.on_list: Callable[[], list[dict[str, Any]]] = list
        self.answer: httpx.Response = httpx.Response(200, json={"tasks": list(tasks)})

    def connect(self) -> Http:
        return Http("https://api.example", "key", self.clock, transport=httpx.MockTransport(self._answer))

    def _answer(self, request: httpx.Request) -> httpx.Response:
        self.asked.append(request)
        if request.method != "GET":
            return self.answer
        name = request.url.path.rsplit("/", 1)[-1]
        if name == "tasks":
            found = self.on_list()
            return httpx.Response(200, json={"count": len(found), "results": found})
        states = self.tasks[name]
        state = states.pop(0) if len(states) > 1 else states[0]
        return httpx.Response(200, json={"id": name, **state})


NEW, RUNNING, DONE = {"state": "NEW"}, {"state": "RUNNING"}, {"state": "FINISHED"}


def test_every_task_is_awaited_and_the_new_group_is_named() -> None:
    created = {**DONE, "created_resources": {"security_groups": [GROUP_ID.upper()]}}
    server = Server(one=[NEW, RUNNING, DONE], two=[RUNNING, created])
    with server.connect() as http:
        answer = GcoreWriter(http, server.clock).send(PATCH)
    assert answer.body == {"id": GROUP_ID}
    assert [states for states in server.tasks.values() if len(states) > 1] == []


def test_an_empty_list_of_tasks_means_nothing_to_do() -> None:
    server = Server()
    with server.connect() as http:
        assert GcoreWriter(http, server.clock).send(PATCH).status == 200
    assert len(server.asked) == 1


def test_an_error_is_reported_in_the_tasks_own_words_once_all_have_ended() -> None:
    server = Server(one=[{"state": "ERROR", "error": "quota exceeded"}], two=[RUNNING, RUNNING, DONE])
    with server.connect() as http, pytest.raises(TaskFailed, match="task one failed: quota exceeded"):
        GcoreWriter(http, server.clock).send(PATCH)
    assert server.tasks["two"] == [DONE]


def test_a_task_that_never_ends_is_an_unknown_outcome_at_the_deadline() -> None:
    server = Server(one=[RUNNING])
    with server.connect() as http, pytest.raises(OutcomeUnknown, match="has not ended after 300 s"):
        GcoreWriter(http, server.clock).send(PATCH)
    assert 300 <= server.clock.slept < 310
    assert len(server.asked) < 100


@pytest.mark.parametrize(
    "answer",
    [{"task": "one"}, {"tasks": "one"}, {"tasks": [1]}, {"tasks": None}, {}],
    ids=["other key", "text", "number", "null", "empty"],
)
def test_an_answer_that_names_no_tasks_is_an_unknown_outcome(answer: dict[str, Any]) -> None:
    server = Server()
    server.answer = httpx.Response(200, json=answer, headers={"X-Request-Id": "r-1"})
    with server.connect() as http, pytest.raises(OutcomeUnknown, match="names no tasks") as raised:
        GcoreWriter(http, server.clock).send(PATCH)
    assert (raised.value.status, raised.value.request_id) == (200, "r-1")


def test_settling_waits_for_tasks_on_security_groups_and_no_others() -> None:
    lists = [
        [{"task_type": "create_vm"}, {"task_type": "create_security_group"}],
        [{"task_type": "update_security_group"}],
        [{"task_type": "create_vm"}],
    ]
    server = Server()
    server.on_list = lambda: lists.pop(0)
    with server.connect() as http:
        assert Tasks(http, server.clock).settle(Target(1, 7), START)
    assert lists == []
    query = server.asked[0].url.params
    assert (query["project_id"], query["region_id"]) == ("1", "7")
    assert query.get_list("state") == ["NEW", "RUNNING"]
    slack = START - datetime.fromisoformat(query["from_timestamp"])
    assert slack >= timedelta(minutes=10), "clocks may be apart"


def test_settling_gives_up_at_the_deadline_and_says_so() -> None:
    server = Server()
    server.on_list = lambda: [{"task_type": "create_security_group"}]
    with server.connect() as http:
        assert not Tasks(http, server.clock).settle(Target(1, 7), START)
    assert server.clock.slept < 310


def test_all_tasks_of_an_answer_have_one_deadline() -> None:
    """A server names as many as it likes, and ends each just in time."""
    states = [{"state": "RUNNING"}] * 60 + [{"state": "FINISHED"}]
    server = Server(**{f"t{number}": states for number in range(20)})
    with server.connect() as http, pytest.raises(OutcomeUnknown, match="has not ended after 300 s"):
        Tasks(http, server.clock).wait(server.tasks)
    assert server.clock.slept < DEADLINE + 10

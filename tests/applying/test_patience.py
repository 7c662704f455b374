"""An apply gives up where the next groups would fail as well, says so, and hides nothing that was done."""

from collections import Counter
from collections.abc import Callable
from threading import local
from zlib import crc32

import httpx
import pytest
from build import desired_group, state_of, tcp
from world import FakeClock

from reconciler.api.backend import BACKENDS, GcoreWriter
from reconciler.api.http import Http
from reconciler.api.reader import GcoreReader
from reconciler.applying.apply import Report, apply
from reconciler.applying.outcome import Result, Status
from reconciler.applying.patience import LEAST_BROKEN, MOST_FAILED, MOST_TARGETS, Patience
from reconciler.applying.session import ApplyContext
from reconciler.model.clock import SystemClock
from reconciler.model.desired import Target
from reconciler.planning.diff import Action
from reconciler.planning.plan import Plan, PlanOptions
from reconciler.workflow import make_plan


class OfThread(SystemClock):
    """Runs on by itself, and ahead by what a thread waited: threads that wait side by side do not add up."""

    def __init__(self) -> None:
        self._own = local()

    def monotonic(self) -> float:
        return super().monotonic() + getattr(self._own, "slept", 0.0)

    def sleep(self, seconds: float) -> None:
        self._own.slept = getattr(self._own, "slept", 0.0) + seconds


def creating(*groups: int) -> Plan:
    """Plan so many new groups in project 1, project 2 and so on."""
    targets = [Target(project, 7) for project in range(1, len(groups) + 1)]
    desired = [
        desired_group(f"web-{each}", [tcp(80)], target=target)
        for target, number in zip(targets, groups, strict=True)
        for each in range(number)
    ]
    live = dict.fromkeys(targets, ())
    return make_plan(
        state_of(*desired), live, PlanOptions(), base_url="https://api.gcore.com", created_at="2026-01-02T03:04:05Z"
    )


def refused(request: httpx.Request) -> httpx.Response:
    return httpx.Response(403, json={"message": "no"})


def broken(request: httpx.Request) -> httpx.Response:
    return httpx.Response(503)


def busy(request: httpx.Request) -> httpx.Response:
    return httpx.Response(429)


def dropped(request: httpx.Request) -> httpx.Response:
    raise httpx.ReadError("reset", request=request)


def unreachable(request: httpx.Request) -> httpx.Response:
    raise httpx.ConnectError("refused", request=request)


def ignored(request: httpx.Request) -> httpx.Response:
    return httpx.Response(200, json={})


def by_turns(request: httpx.Request) -> httpx.Response:
    return (broken if crc32(request.content) % 2 else refused)(request)


def run(plan: Plan, answer: Callable[[httpx.Request], httpx.Response], parallelism: int = 1) -> tuple[Report, int]:
    """Apply against a server that answers writes in this way, and has no groups; with the number of writes."""
    writes: list[str] = []

    def handle(request: httpx.Request) -> httpx.Response:
        if request.method == "GET":
            return httpx.Response(200, json={"count": 0, "results": []})
        writes.append(request.url.path)
        return answer(request)

    clock = OfThread()
    with Http("https://api.gcore.com", "key", clock, transport=httpx.MockTransport(handle)) as http:
        context = ApplyContext(GcoreReader(http), GcoreWriter(http, clock), clock, BACKENDS["v1"])
        return apply(plan, context, parallelism=parallelism), len(writes)


@pytest.mark.parametrize(
    "answer", [broken, busy, dropped, unreachable, ignored, by_turns], ids=lambda each: each.__name__
)
def test_an_api_that_fails_is_asked_for_a_few_groups_only(answer: Callable[[httpx.Request], httpx.Response]) -> None:
    """However it fails, and also where it refuses some groups in between."""
    report, writes = run(creating(60), answer)
    ends = Counter(result.status for result in report.results)
    assert ends[Status.LEFT] >= 40
    assert writes <= 5 * ends[Status.FAILED]
    assert {result.message for result in report.results if result.status is Status.LEFT} == {
        f"not tried: {LEAST_BROKEN} groups or more before it failed in a row"
    }


def test_a_group_that_was_created_before_an_apply_gives_up_counts_as_begun() -> None:
    group_id = "00000000-0000-4000-8000-000000000001"

    def once(request: httpx.Request) -> httpx.Response:
        return httpx.Response(200, json={"id": group_id}) if b"web-0" in request.content else broken(request)

    report, _ = run(creating(LEAST_BROKEN + 2), once)
    first, *_, last = report.results
    because = f"{LEAST_BROKEN} groups or more before it failed in a row"
    assert (first.message, first.touched, first.group_id) == (f"begun, and not looked after: {because}", True, group_id)
    assert (last.message, last.touched, last.group_id) == (f"not tried: {because}", False, None)


def test_where_many_groups_are_at_once_one_round_of_failures_is_enough() -> None:
    """Each takes half a minute: a second round would make it more than one."""
    report, _ = run(creating(60), broken, parallelism=16)
    ends = Counter(result.status for result in report.results)
    assert ends[Status.FAILED] <= 2 * 16
    assert {result.message for result in report.results if result.status is Status.LEFT} == {
        "not tried: 16 groups or more before it failed in a row"
    }


def test_an_api_that_falls_silent_is_asked_for_no_further_group() -> None:
    """Neither for a change of another kind: each would take a minute. Elsewhere the plan goes on, once."""
    patience = Patience(parallelism=16)
    first, second, third = creating(1, 1, 1).changes
    patience.note(Result(first, Status.FAILED, is_broken=True, is_silent=True))
    for action in Action:
        assert "without an answer" in patience.ended(action, first.difference.target)
        assert not patience.ended(action, second.difference.target)
    patience.note(Result(second, Status.FAILED, is_broken=True, is_silent=True))
    assert "without an answer" in patience.ended(Action.CREATE, third.difference.target)


def test_one_group_in_a_row_whose_writes_get_no_answer_stops_nothing_where_others_were_applied() -> None:
    patience = Patience(parallelism=16)
    changes = creating(6).changes
    target = changes[0].difference.target
    for change in changes[:2]:
        patience.note(Result(change, Status.APPLIED))
        patience.note(Result(change, Status.FAILED, is_broken=True, is_silent=True))
        assert not patience.ended(Action.CREATE, target)
    patience.note(Result(changes[5], Status.FAILED, is_broken=True, is_silent=True))
    assert patience.ended(Action.UPDATE, target)


@pytest.mark.parametrize(
    ("answer", "reads", "is_silent"),
    [(dropped, 0, True), (dropped, 1000, False), (refused, 0, False)],
    ids=["neither", "reads are", "writes are"],
)
def test_only_a_write_and_a_read_without_an_answer_are_silence(
    answer: Callable[[httpx.Request], httpx.Response], reads: int, is_silent: bool
) -> None:
    asked = Counter[str]()

    def handle(request: httpx.Request) -> httpx.Response:
        asked[request.method] += 1
        if request.method != "GET":
            return answer(request)
        if asked["GET"] > reads:
            raise httpx.ReadTimeout("silence", request=request)
        return httpx.Response(200, json={"count": 0, "results": []})

    clock = FakeClock()
    with Http("https://api.gcore.com", "key", clock, transport=httpx.MockTransport(handle)) as http:
        context = ApplyContext(GcoreReader(http), GcoreWriter(http, clock), clock, BACKENDS["v1"])
        report = apply(creating(40), context, parallelism=1)
    assert ("without an answer" in report.results[-1].message) is is_silent
    assert [result.is_silent for result in report.results].count(True) == is_silent


def test_an_api_that_refuses_every_write_is_given_up_after_a_thousand() -> None:
    report, writes = run(creating(*[130] * 10), refused, parallelism=4)
    ends = Counter(result.status for result in report.results)
    assert MOST_FAILED <= writes == ends[Status.FAILED] < MOST_FAILED + 4
    assert report.results[-1].message == f"not tried: {MOST_FAILED:,} groups or more before it failed in a row"
    assert report.error is not None
    assert report.error.exit_code == 1


def test_what_fails_in_one_project_stops_nothing_in_others_unless_it_fails_in_many() -> None:
    patience = Patience(parallelism=1)
    changes = creating(*[1] * (MOST_TARGETS + 1)).changes
    targets = [change.difference.target for change in changes]

    def given_up() -> list[bool]:
        return [bool(patience.ended(Action.CREATE, target)) for target in targets]

    for _ in range(LEAST_BROKEN):
        patience.note(Result(changes[0], Status.FAILED, is_broken=True))
    assert given_up() == [True] + [False] * MOST_TARGETS
    patience.note(Result(changes[1], Status.APPLIED))
    assert not any(given_up())
    for change in changes[:MOST_TARGETS]:
        patience.note(Result(change, Status.FAILED, is_broken=True))
    assert all(given_up())
    assert not patience.ended(Action.UPDATE, targets[0])

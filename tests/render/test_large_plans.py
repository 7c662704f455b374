"""Plans made to be slow, two groups of each kind, in every format; `make budget` takes ten megabytes."""

import time
from dataclasses import replace

import hostile_plans
import pytest
from build import desired_group, live_group, plan_of, tcp
from counted import Counted

from reconciler.api.backend import BACKENDS
from reconciler.applying import journal_reading
from reconciler.applying.apply import Report
from reconciler.applying.outcome import Result, Status
from reconciler.applying.rollback import way_back
from reconciler.graph import change_graphs
from reconciler.model.live import Instances
from reconciler.planning import planfile
from reconciler.policy.judge_plan import judge_again
from reconciler.render.condense import condense
from reconciler.render.html import render_html
from reconciler.render.markdown import render_markdown
from reconciler.render.outcome import view_report
from reconciler.render.plan import view_plan
from reconciler.render.text import render_text


@pytest.mark.parametrize("kind", hostile_plans.PLANS)
def test_no_plan_takes_long_to_read_to_judge_or_to_show(kind: str) -> None:
    """Each takes a fraction of a second, also where new groups refer to themselves; the bound is for a busy machine."""
    text = planfile.dumps(hostile_plans.PLANS[kind](2, "https://api.gcore.com"))
    started = time.process_time()
    plan = judge_again(planfile.loads(text, "plan.json", BACKENDS))
    view = view_plan(plan)
    drawn = change_graphs((change.difference for change in plan.changes), plan.group_names)
    assert all((render_text(view), render_html(replace(view, graphs=drawn)), render_markdown(view)))
    assert time.process_time() - started < 5


def test_an_outcome_goes_through_its_groups_as_often_however_many_there_are() -> None:
    """Those that nothing was sent for have a reason each, as in a circle of groups whose first is refused."""
    walks = []
    for number in (30, 300):
        plan = plan_of([desired_group(f"web{each}", [tcp(each + 1)]) for each in range(number)], [])
        left = (Result(each, Status.LEFT, f"not {each.difference.name}") for each in plan.changes)
        view = view_report(Report(tuple(left)))
        groups = Counted(view.groups)
        assert len(condense(replace(view, groups=groups)).groups) > 1
        walks.append(groups.walks)
    assert walks[0] == walks[1]


@pytest.mark.parametrize("kind", ["small_changes", "created_chain", "deleted", "deleted_with_lost_rules"])
def test_no_journal_takes_long_to_read(kind: str) -> None:
    text = hostile_plans.journal_text(kind, 20_000)
    started = time.process_time()
    assert journal_reading.loads(text, "journal").befores
    assert time.process_time() - started < 5


@pytest.mark.parametrize("kind", ["small_changes", "created_chain", "deleted", "deleted_with_lost_rules"])
def test_a_way_back_goes_through_the_live_groups_as_often_however_many_the_journal_has(kind: str) -> None:
    """Groups that changed have lost their rules, deleted ones were made again, and created ones are there."""
    walks = []
    for size in (3_000, 60_000):
        journal = journal_reading.loads(hostile_plans.journal_text(kind, size), "journal")
        changed = kind == "small_changes"
        groups = [
            live_group(before.name, (), number=number if changed else 10**9 + number - 1)
            for number, before in enumerate(journal.befores, 1)
        ]
        live = Counted(groups)
        back = way_back(journal, {groups[0].target: live}, {group.id: Instances(0) for group in groups})
        assert back.differences or kind == "deleted_with_lost_rules"
        walks.append((len(groups), live.walks))
    (few, least), (many, most) = walks
    assert many > few
    assert least == most > 0

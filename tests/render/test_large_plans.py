"""Plans made to be slow, two groups of each kind, in every format; `make budget` takes ten megabytes."""

import time

import hostile_plans
import pytest

from reconciler.api.backend import BACKENDS
from reconciler.applying import journal_reading
from reconciler.planning import planfile
from reconciler.policy.judge import judge_again
from reconciler.render.html import render_html
from reconciler.render.markdown import render_markdown
from reconciler.render.plan import view_plan
from reconciler.render.text import render_text


@pytest.mark.parametrize("kind", hostile_plans.PLANS)
def test_no_plan_takes_long_to_read_to_judge_or_to_show(kind: str) -> None:
    """Each takes a fraction of a second; the bound is for a machine that is slow and busy."""
    text = planfile.dumps(hostile_plans.PLANS[kind](2, "https://api.gcore.com"))
    started = time.process_time()
    plan = judge_again(planfile.loads(text, "plan.json", BACKENDS))
    view = view_plan(plan)
    assert all((render_text(view), render_html(view), render_markdown(view)))
    assert time.process_time() - started < 5


@pytest.mark.parametrize("kind", ["small_changes", "created_chain", "deleted", "deleted_with_lost_rules"])
def test_no_journal_takes_long_to_read(kind: str) -> None:
    text = hostile_plans.journal_text(kind, 20_000)
    started = time.process_time()
    assert journal_reading.loads(text, "journal").befores
    assert time.process_time() - started < 5

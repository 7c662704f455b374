"""Files and live groups for the policies to judge."""

from datetime import date

from texts import load_text

from reconciler.model.canonical import canonical_rule
from reconciler.model.desired import DesiredState, Target
from reconciler.model.live import LiveGroup, LiveRule, Tag
from reconciler.model.policies import Finding
from reconciler.model.rule import Direction
from reconciler.planning.plan import Plan, PlanOptions
from reconciler.policy.judge import judge_desired
from reconciler.workflow import make_plan

HERE = Target(1, 2)
TODAY = date(2026, 6, 15)
HEAD = "project_id: 1\nregion_id: 2\n"


def state(text: str) -> DesiredState:
    return load_text(HEAD + text)


def group(rules: str, more: str = "") -> str:
    """One group named `web`; `rules` are flow mappings without their braces, one a line."""
    lines = "".join(f"      - {{{line.strip()}}}\n" for line in rules.strip().splitlines())
    return f"security_groups:\n  - name: web\n{more}    rules:{'' if lines else ' []'}\n{lines}"


def policies(**lines: str) -> str:
    return "policies:\n" + "".join(f"  {name}: {value}\n" for name, value in lines.items())


def judged(text: str, today: date = TODAY) -> tuple[Finding, ...]:
    return judge_desired(state(text), today)


def live_rule(number: int, prefix: str | None, port: int | None = None, direction: Direction = "ingress") -> LiveRule:
    rule = canonical_rule(direction, "IPv4", "tcp" if port else None, port, port, prefix, None)
    return LiveRule(f"rule-{number}", rule, "")


def live_group(*rules: LiveRule, name: str = "web", tags: dict[str, str] | None = None) -> LiveGroup:
    found = tuple(Tag(key, value) for key, value in (tags or {}).items())
    return LiveGroup(HERE, f"id-of-{name}", name, "", found, rules, 1)


def planned(text: str, *live: LiveGroup, protect: str | None = None, day: date = TODAY) -> Plan:
    options = PlanOptions(protect_ssh_from=protect)
    created_at = f"{day.isoformat()}T12:00:00Z"
    return make_plan(state(text), {HERE: live}, options, base_url="https://api.test", created_at=created_at)


def of(findings: tuple[Finding, ...], guardrail: str) -> list[Finding]:
    return [found for found in findings if found.guardrail == guardrail]

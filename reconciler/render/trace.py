"""An answer of `trace`, as text and as JSON."""

from collections.abc import Iterator, Mapping
from typing import Any

import click

from reconciler.model.rule import describe_rule
from reconciler.model.text import printable, without_commands
from reconciler.planning.group_view import ViewedRule
from reconciler.trace import TraceAnswer, TraceCheck
from reconciler.trace.nearest import place_of
from reconciler.traffic import describe_service
from reconciler.traffic.describe import describe_flow_remote


def render_trace(answer: TraceAnswer, names: Mapping[str, str]) -> str:
    """Write the verdict of every end, with the rules that admit it or what is nearest."""
    return without_commands("".join(f"{line}\n" for check in answer.checks for line in _lines(check, names)))


def trace_to_json(answer: TraceAnswer, names: Mapping[str, str]) -> dict[str, Any]:
    """Write an answer as JSON data: `allowed`, the `rules` that allow it, and `nearest` where it is refused."""
    return {
        "allowed": answer.allowed,
        "rules": [_rule(rule, names) for rule in answer.rules],
        "nearest": [
            {
                "group": ", ".join(check.groups),
                "message": near.message,
                "rules": [_rule(rule, names) for rule in near.rules],
            }
            for check in answer.checks
            for near in check.nearest
        ],
    }


def _lines(check: TraceCheck, names: Mapping[str, str]) -> Iterator[str]:
    verdict = (
        click.style("allowed", fg="green", bold=True) if check.allowed else click.style("refused", fg="red", bold=True)
    )
    yield f"{verdict} {printable(_title(check))}"
    for rule in check.rules:
        text = " ".join(describe_rule(rule.rule, names).split())
        description = f'  "{rule.description}"' if rule.description else ""
        yield f"  by {printable(text)}{click.style(printable(description), dim=True)}"
        yield f"     {printable(place_of(rule))}"
    for near in check.nearest:
        yield f"  nearest: {printable(near.message)}"


def _title(check: TraceCheck) -> str:
    """Write what was asked of one end: `ingress tcp 443 from 203.0.113.9/32, at web (project 1, region 7)`."""
    flow = check.asked[0]
    way = "from" if flow.direction == "ingress" else "to"
    far = [f"members of {', '.join(check.far)}"] if check.far else []
    if flow.remote is None or flow.remote.prefix is not None:
        far.append(f"at {describe_flow_remote(flow)}" if far else describe_flow_remote(flow))
    family = [flow.ethertype] if flow.ethertype == "IPv6" else []
    services = ", ".join(dict.fromkeys(describe_service(each) for each in check.asked))
    asked = " ".join([flow.direction, *family, services, way, *far])
    where = "; ".join(map(str, check.targets))
    return f"{asked}, at {', '.join(check.groups)} ({where})"


def _rule(rule: ViewedRule, names: Mapping[str, str]) -> dict[str, Any]:
    """Write a rule with the API's fields. An id that only the cloud will know is null, beside the group's name."""
    key = rule.rule.remote_group_id
    is_known = key is not None and not key.startswith("$")
    return {
        "group": rule.group,
        "place": str(rule.place) if rule.place else None,
        "id": rule.id,
        **rule.rule._asdict(),
        "remote_group_id": key if is_known else None,
        "remote_group": names.get(key) if key else None,
        "description": rule.description,
    }

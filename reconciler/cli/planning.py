"""What `plan`, `apply` and `show` share: making a plan from files, and showing one."""

import shutil
from collections.abc import Mapping
from typing import Any

import click

from reconciler.api.live import Reader
from reconciler.cli import findings, settings
from reconciler.cli.loading import load_files
from reconciler.cli.partial_prune import refuse_partial_prune
from reconciler.cli.progress import Progress
from reconciler.model.clock import SystemClock
from reconciler.model.json_form import json_text
from reconciler.model.policies import Limits
from reconciler.planning import planfile
from reconciler.planning.plan import Plan, PlanOptions
from reconciler.policy.damage import GAP, MASS_DELETE
from reconciler.render.formats import render
from reconciler.render.view import traffic_only, view_plan
from reconciler.workflow import plan_state


def make(paths: tuple[str, ...], reader: Reader, given: Mapping[str, Any]) -> Plan:
    """Plan the files as the options say."""
    if given["prune"]:
        refuse_partial_prune(settings.config(), paths)
    plan_with = plan_options(given)
    state = load_files(paths, given["project_id"], given["region_id"], plan_with.policies)
    with Progress("reading", quiet=given["quiet"]) as progress:
        progress.start(len(state.targets))
        return plan_state(
            state,
            reader,
            plan_with,
            SystemClock(),
            parallelism=given["parallelism"],
            show_instances=given["show_instances"],
            progress=progress.read,
        )


def plan_options(given: Mapping[str, Any]) -> PlanOptions:
    """Build the options of a plan from those of the command line."""
    lifted = {MASS_DELETE: given["allow_mass_delete"], GAP: given["allow_gap"]}
    return PlanOptions(
        api_version=given["api_version"],
        two_phase=given["two_phase"],
        prune=given["prune"],
        take_over=given["take_over"],
        groups=given["groups"],
        lifted=frozenset((*(guardrail for guardrail, is_lifted in lifted.items() if is_lifted), *given["lift"])),
        limits=limits(),
        policies=findings.configured_policies(),
        protect_ssh_from=findings.protected_address(given["protect_ssh_from"]),
    )


def limits() -> Limits:
    """Say how much a plan may delete: what the configuration file says, and the defaults for the rest."""
    return Limits(**settings.config().limits)


def show(plan: Plan, format_: str, *, only_traffic: bool = False, err: bool = False) -> None:
    """Write a plan to stdout, or to stderr where stdout is for something else."""
    if format_ == "json":
        click.echo(json_text(planfile.to_json(plan)))
        return
    view = traffic_only(view_plan(plan)) if only_traffic else view_plan(plan)
    click.echo(render(view, format_, shutil.get_terminal_size().columns), nl=False, err=err)

"""`sgctl rollback`."""

from dataclasses import replace
from datetime import UTC
from pathlib import Path
from typing import Any

import click

from reconciler.cli import EXIT_CODES, options


@click.command("rollback", epilog=EXIT_CODES)
@click.argument("journal", type=click.Path())
@click.option("--out", type=click.Path(), metavar="FILE", help="Save the plan, for `sgctl apply FILE`.")
@options.format_option
@options.two_phase
@click.option(
    "--allow-mass-delete", is_flag=True, help="Lift the guardrail against emptied groups, mass deletion and lost rules."
)
@click.option("--allow-gap", is_flag=True, help="Lift the guardrail against deleting before creating in a full group.")
@options.api_options
def command(journal: str, out: str | None, format_: str, **given: Any) -> None:
    """Plan the way back to the state before an apply, and change nothing.

    JOURNAL is what `sgctl apply --journal` kept; one that was cut short will do. The plan restores what the apply
    changed, deletes the groups that it created, and creates those again that it deleted (with new ids). Review it, save
    it with --out, and carry it out with `sgctl apply FILE`.

    \b
      sgctl rollback apply.journal
      sgctl rollback apply.journal --out back.json && sgctl apply back.json
    """
    from reconciler.api.backend import BACKENDS  # noqa: PLC0415 - what --help does not need
    from reconciler.api.live import read_live  # noqa: PLC0415 - what --help does not need
    from reconciler.applying import journal_reading  # noqa: PLC0415 - what --help does not need
    from reconciler.applying.rollback import created_groups, targets_of, way_back  # noqa: PLC0415 - what --help does not need
    from reconciler.cli.output import write_atomically  # noqa: PLC0415 - what --help does not need
    from reconciler.cli.planning import limits, show  # noqa: PLC0415 - what --help does not need
    from reconciler.model.clock import SystemClock  # noqa: PLC0415 - what --help does not need
    from reconciler.model.errors import GuardrailStop, PlanFileError  # noqa: PLC0415 - what --help does not need
    from reconciler.model.policies import Policies  # noqa: PLC0415 - what --help does not need
    from reconciler.planning import planfile  # noqa: PLC0415 - what --help does not need
    from reconciler.planning.plan import PlanOptions, Scope, plan_differences  # noqa: PLC0415 - what --help does not need
    from reconciler.policy.damage import GAP, MASS_DELETE  # noqa: PLC0415 - what --help does not need
    from reconciler.policy.judge import judge_plan  # noqa: PLC0415 - what --help does not need

    kept = journal_reading.loads(_read(journal), journal)
    lifted = {MASS_DELETE: given["allow_mass_delete"], GAP: given["allow_gap"]}
    chosen = PlanOptions(
        api_version=given["api_version"],
        two_phase=given["two_phase"],
        lifted=frozenset(guardrail for guardrail, is_lifted in lifted.items() if is_lifted),
        limits=limits(),
    )
    with options.connect(**given) as (_, reader):
        if kept.base_url != reader.base_url:
            raise PlanFileError(
                f"{journal} is about {kept.base_url}, and GCORE_BASE_URL is {reader.base_url}",
                hint="Set GCORE_BASE_URL to the API that you mean to change.",
            )
        live = read_live(reader, targets_of(kept), parallelism=given["parallelism"])
        counts = {group.id: reader.count_instances(group.target, group.id) for group in created_groups(kept, live)}
    back = way_back(kept, journal, live, counts)
    plan = plan_differences(
        back.differences,
        live,
        chosen,
        BACKENDS[chosen.api_version],
        base_url=kept.base_url,
        created_at=SystemClock().now().astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        scope=Scope(
            groups=len(kept.befores),
            rules=sum(len(match.live.rules) for match in back.matches if match.live is not None),
            owned_groups=sum(len(groups) for groups in live.values()),
        ),
    )
    plan = judge_plan(replace(plan, notes=back.notes), Policies(), chosen.limits, back.matches, live)
    if out is not None:
        write_atomically(out, planfile.dumps(plan))
    show(plan, format_)
    if plan.stopped_by:
        raise GuardrailStop("the plan was stopped by a guardrail", hint=options.way_out(plan))


def _read(path: str) -> str:
    from reconciler.model.errors import PlanFileError  # noqa: PLC0415 - the same

    try:
        # A line cut in the middle may end in half a character.
        return Path(path).read_bytes().decode("utf-8", "replace")
    except OSError as error:
        raise PlanFileError(f"cannot read {path}: {error.strerror or error}") from None

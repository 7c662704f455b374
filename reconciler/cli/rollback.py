"""`sgctl rollback`."""

import click

from reconciler import workflow
from reconciler.api.address import check_base_url
from reconciler.applying.journal_folder import journal_folder, kept_journals
from reconciler.applying.journal_reading import Journal, read_journal
from reconciler.applying.rollback import targets_of
from reconciler.cli import options, settings
from reconciler.cli.log import current_log
from reconciler.cli.options import ConnectionOptions, Look, PlanChoices
from reconciler.cli.output import check_outputs, show_plan, write_plan
from reconciler.cli.parameters import OutputFile
from reconciler.cli.plan import plan_options, refuse_stopped
from reconciler.cli.progress import Progress
from reconciler.model.errors import PlanFileError, UsageError
from reconciler.model.text import count, printable

_LISTED = 5
"""Journals that a hint names."""


@click.command("rollback")
@click.argument("journal", type=click.Path(), required=False)
@click.option("--last", is_flag=True, help="Take the newest journal of this machine that is about the API in use.")
@click.option("--out", type=OutputFile(), metavar="FILE", help="Save the plan, for `sgctl apply FILE`.")
@options.format_option()
@options.look
@options.rollback_plan
@options.connection
def command(
    *,
    journal: str | None,
    last: bool,
    out: str | None,
    format_: str,
    look: Look,
    choices: PlanChoices,
    connection: ConnectionOptions,
) -> None:
    """Plan the way back to the state before an apply, and change nothing.

    JOURNAL is what `sgctl apply` kept: each names its file when it ends, and the newest 50 stay, in
    $XDG_STATE_HOME/sgctl/journals (~/.local/state/...) or where --journal said. One that was cut short will do. The
    plan restores what the apply changed, deletes the groups that it created, and creates those again that it deleted
    (with new ids). Review it like any other, save it with --out, and carry it out with `sgctl apply FILE`; that keeps a
    journal, too.

    \b
      sgctl rollback --last
      sgctl rollback --last --out back.json && sgctl apply back.json
      sgctl rollback apply.journal
    """
    if (journal is None) != last:
        raise UsageError(
            "name a journal, or pass --last for the newest one" if journal is None else "--last names a journal itself",
            hint=_where(),
        )
    to_stdout = check_outputs([journal] if journal is not None else [])
    kept = _newest() if journal is None else read_journal(journal)
    plan_with = plan_options(choices, connection)
    with options.connect(connection) as api, Progress("reading", len(targets_of(kept))) as progress:
        plan = workflow.rollback(kept, api, plan_with, show_instances=choices.show_instances, progress=progress.read)
    if out is not None:
        write_plan(out, plan)
    show_plan(plan, format_, look, err=to_stdout)
    refuse_stopped(plan, "the plan was stopped by a guardrail")


def _newest() -> Journal:
    """Read the newest journal about the API in use, and say which. Raises `PlanFileError` where there is none."""
    base_url = check_base_url(settings.base_url())
    for path in kept_journals(journal_folder()):
        if not path.stat().st_size:
            continue  # its apply was killed before it sent anything
        journal = read_journal(str(path))
        if journal.base_url == base_url:
            log = current_log()
            if not (log.quiet or log.is_json):
                log.line(printable(f"journal: {path}, {count(len(journal.befores), 'group')}"))
            return journal
    raise PlanFileError(f"there is no journal about {base_url} in {journal_folder()}", hint=_where())


def _where() -> str:
    """Say where journals are, for somebody who named none."""
    folder = journal_folder()
    found = kept_journals(folder)
    if not found:
        return f"`sgctl apply` keeps journals in {folder}, where there is none yet, or where its --journal says."
    more = f" and {len(found) - _LISTED} older" if len(found) > _LISTED else ""
    return f"In {folder} are, the newest first: {', '.join(path.name for path in found[:_LISTED])}{more}."

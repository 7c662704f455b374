"""The `sgctl` command. Thin: options in, the straight line called, the outcome rendered, an exit code out."""

import io
import os
from contextlib import suppress
from importlib import import_module
from typing import Any

import click

from reconciler import process
from reconciler.cli.log import Log, report
from reconciler.cli.streams import Stream, guarded
from reconciler.model.environment import COMPLETION, NO_COLOR
from reconciler.model.errors import AppliedInPart, ExitCode, SgctlError, UsageError
from reconciler.model.text import printable
from reconciler.model.version import __version__

_COMMANDS = {
    "init": ("reconciler.cli.init", "begin a repository"),
    "validate": ("reconciler.cli.validate", "check the files, offline"),
    "refresh": ("reconciler.cli.refresh", "fetch published address groups into the lock"),
    "plan": ("reconciler.cli.plan", "show what would change, and save it"),
    "apply": ("reconciler.cli.apply", "carry out a saved plan, or plan, ask and carry out"),
    "rollback": ("reconciler.cli.rollback", "plan the way back from a journal of apply"),
    "drift": ("reconciler.cli.drift", "tell whether live state still is as the files say"),
    "history": ("reconciler.cli.history", "show who changed groups, from the API's own log"),
    "watch": ("reconciler.cli.watch", "look for drift without end, and put right what may be"),
    "operator": ("reconciler.cli.operator", "the same for resources of a Kubernetes cluster"),
    "export": ("reconciler.cli.export", "write the files as resources for the operator"),
    "audit": ("reconciler.cli.audit", "judge live groups by the policies"),
    "import": ("reconciler.cli.import_", "write live groups as YAML"),
    "trace": ("reconciler.cli.trace", "tell why traffic is allowed or not"),
    "graph": ("reconciler.cli.graph", "draw who may reach whom"),
    "lint": ("reconciler.cli.lint", "find rules that are superfluous or could be one"),
    "show": ("reconciler.cli.show", "show a saved plan"),
    "config": ("reconciler.cli.config", "show every setting and where it comes from"),
    "doctor": ("reconciler.cli.doctor", "check key, address, access and clock"),
    "schema": ("reconciler.cli.schema", "print a published JSON Schema, for editors"),
    "completion": ("reconciler.cli.completion", "print the completion script of a shell"),
    "man": ("reconciler.cli.man", "print the manual page"),
    "emulator": ("reconciler.cli.emulator", "serve a stand-in of the API on this machine"),
    "demo": ("reconciler.cli.demo", "see the whole story on the emulator"),
}
"""Where each command lives, and its short help: none is imported before it is called, so that starting stays fast."""

_EXIT_CODES = "\n".join(["\b", "Exit codes of every command:", *(f"  {code}  {code.meaning}" for code in ExitCode)])


class _LazyGroup(click.Group):
    """Loads a command when it is called; the list of commands needs none of them."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in _COMMANDS:
            return None
        from reconciler.cli.parameters import TEXT  # noqa: PLC0415 - `sgctl --version` needs none of it

        command: click.Command = import_module(_COMMANDS[cmd_name][0]).command
        command.epilog = _EXIT_CODES
        for parameter in command.params:
            if parameter.type is click.STRING:
                parameter.type = TEXT
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the command; name the nearest one where there is none such."""
        if args[0] not in _COMMANDS and not args[0].startswith("-") and not ctx.resilient_parsing:
            from reconciler.model.text import did_you_mean, shown  # noqa: PLC0415 - compares words, only for an error

            about = next((arg for arg in args[1:] if arg in _COMMANDS), "")
            near = did_you_mean(args[0], _COMMANDS)
            if args[0] == "help":
                near = f"write `{' '.join(filter(None, ('sgctl', about, '--help')))}`"
            raise click.UsageError(f"there is no command {shown(args[0])}{': ' + near if near else ''}", ctx)
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, help_text) for name, (_, help_text) in _COMMANDS.items()])


@click.command(
    cls=_LazyGroup,
    epilog=_EXIT_CODES,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
@click.version_option(__version__, prog_name="sgctl", message="%(prog)s %(version)s")
@click.pass_context
def sgctl(context: click.Context) -> None:
    """Reconcile Gcore Cloud security groups with YAML files: plan, review, apply.

    \b
      sgctl demo                       see it work, without an account
      sgctl init                       begin a repository
      sgctl validate                   check the files below this folder
      sgctl plan --out plan.json       show what would change, and save it
      sgctl apply plan.json            make exactly that change
      sgctl drift                      compare, read-only; 2 when something differs

    The API key is read from GCORE_API_KEY, or from the file that GCORE_API_KEY_FILE names. Other settings may stand in
    `sgctl.toml` (see `sgctl config --help`).
    """
    from reconciler.cli.settings import FileDefaults  # noqa: PLC0415 - `sgctl --version` needs none of it

    context.color = False if os.environ.get(NO_COLOR) else None
    context.default_map = {context.invoked_subcommand or "": FileDefaults()}


def main() -> None:
    """Run the command line and exit with its code. No traceback reaches a user."""
    process.run_and_exit(run)


def run(arguments: list[str]) -> int:
    """Run one command line and return its exit code."""
    log = Log()
    with guarded(log.secrets) as out:
        code = _run(arguments, log)
        with suppress(KeyboardInterrupt):  # too late: all is done, and the code says what
            return _last_words(code, out, log)
    return code


def _last_words(code: int, out: Stream, log: Log) -> int:
    """Bring stdout on its way, and return the exit code of the command: another one where output was lost."""
    out.flush()
    if out.loss is None:
        return code
    told = "its exit code tells what was done" if log.code_stands else "run the command again"
    log.failed(f"stdout could not be written: {out.loss}", hint=f"Make room for the output; {told}.")
    return code if log.code_stands or code not in {ExitCode.DONE, ExitCode.DIFFERENCES} else ExitCode.ERROR


def _run(arguments: list[str], log: Log) -> int:
    try:
        result: Any = sgctl.main(args=arguments, prog_name="sgctl", standalone_mode=False, obj=log)
    except click.exceptions.Exit as exit_:
        return exit_.exit_code
    except click.ClickException as error:
        if log.is_json:
            log.failed(error.format_message())
        else:
            told = io.StringIO()
            error.show(told)
            click.echo(printable(told.getvalue(), keep_lines=True), err=True, nl=False)
        return ExitCode.ERROR
    except (KeyboardInterrupt, click.Abort):
        if log.has_written:
            return report(AppliedInPart("interrupted, after changes were sent", "Plan again to see what is left."), log)
        log.failed("interrupted; nothing was sent")
        return ExitCode.ERROR
    except Exception as caught:  # noqa: BLE001 - the last line of defence: no traceback reaches a user
        # click takes for granted what a shell sets beside that variable.
        no_shell = UsageError(f"{COMPLETION} is set, and no shell asks", hint=f"Unset {COMPLETION}.")
        failure = no_shell if os.environ.get(COMPLETION) else caught
        code = report(failure, log)
        return code if isinstance(failure, SgctlError) or not log.has_written else ExitCode.IN_PART
    return result if isinstance(result, int) else ExitCode.DONE

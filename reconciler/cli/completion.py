"""`sgctl completion`."""

import click
from click.shell_completion import get_completion_class

from reconciler.cli import EXIT_CODES
from reconciler.errors import UsageError

SHELLS = ("bash", "zsh", "fish")
VARIABLE = "_SGCTL_COMPLETE"
"""What click looks for in the environment, by the name of the program."""


@click.command("completion", epilog=EXIT_CODES)
@click.argument("shell", type=click.Choice(SHELLS))
@click.pass_context
def command(context: click.Context, shell: str) -> None:
    """Print the script that completes commands, options, groups and plan files in a shell.

    Names of groups come from the files; nothing is asked of the API.

    \b
      source <(sgctl completion bash)                                   in ~/.bashrc
      source <(sgctl completion zsh)                                    in ~/.zshrc, after compinit
      sgctl completion fish > ~/.config/fish/completions/sgctl.fish
    """
    completion = get_completion_class(shell)
    if completion is None:
        raise UsageError(f"this version of click knows no completion for {shell}", hint="pip install --upgrade click")
    click.echo(completion(context.find_root().command, {}, "sgctl", VARIABLE).source())

"""`sgctl man`."""

import click

from reconciler.model.version import __version__
from reconciler.render.man import CommandHelp, render_man


@click.command("man")
@click.pass_context
def command(context: click.Context) -> None:
    """Print the manual page, made from the help of every command.

    \b
      sgctl man > ~/.local/share/man/man1/sgctl.1
      sgctl man | man -l -
    """
    root = context.find_root()
    click.echo(render_man(_help_of(root.command, root), commands_of(root), __version__), nl=False)


def commands_of(root: click.Context) -> list[CommandHelp]:
    """Return what the help of every command says, in the order of `sgctl --help`."""
    assert isinstance(root.command, click.Group)  # noqa: S101 - `sgctl` has commands
    found = [(name, root.command.get_command(root, name)) for name in root.command.list_commands(root)]
    return [
        _help_of(command, click.Context(command, parent=root, info_name=name))
        for name, command in found
        if command is not None and not command.hidden
    ]


def _help_of(command: click.Command, context: click.Context) -> CommandHelp:
    """Take a command's help apart. Defaults shown are those that hold without a configuration file."""
    with context.scope(cleanup=False):
        context.resilient_parsing = True
        records = [
            record for parameter in command.get_params(context) if (record := parameter.get_help_record(context))
        ]
    return CommandHelp(
        usage=f"{context.command_path} {' '.join(command.collect_usage_pieces(context))}",
        text=command.help or "",
        options=tuple(records),
    )

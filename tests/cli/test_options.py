"""Options are types: what click collects is what a command is declared to take."""

import inspect
from dataclasses import MISSING, dataclass, fields, is_dataclass

import click
import pytest

from reconciler.cli import sgctl
from reconciler.cli.parameters import option_set

COMMANDS = sgctl.list_commands(click.Context(sgctl))


@pytest.mark.parametrize("name", COMMANDS)
def test_every_option_has_a_place_and_every_place_an_option(name: str) -> None:
    command = sgctl.get_command(click.Context(sgctl), name)
    assert command is not None
    assert command.callback is not None
    places, needed = set(), set()
    for parameter in inspect.signature(inspect.unwrap(command.callback)).parameters.values():
        kind = parameter.annotation
        if is_dataclass(kind):
            places |= {field.name for field in fields(kind)}
            needed |= {field.name for field in fields(kind) if field.default is field.default_factory is MISSING}
        elif kind is not click.Context:
            places.add(parameter.name)
            needed.add(parameter.name)
    given = {parameter.name for parameter in command.params if parameter.expose_value}
    assert needed <= given <= places


@dataclass(frozen=True)
class Pair:
    left: int
    right: int = 7


def test_a_set_of_options_is_handed_over_as_one_value() -> None:
    """A field without an option has its default."""
    taken: list[object] = []

    @click.command()
    @click.argument("name")
    @option_set(Pair, click.option("--left", type=int))
    def command(name: str, pair: Pair) -> None:
        taken.extend((name, pair))

    command.main(["web", "--left", "3"], standalone_mode=False)
    assert taken == ["web", Pair(3, 7)]


def test_a_command_that_does_not_take_the_type_is_a_bug_at_once() -> None:
    def command(name: str) -> None:
        raise AssertionError(name)

    with pytest.raises(StopIteration):
        option_set(Pair)(command)

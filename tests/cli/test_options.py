"""Options are types: what click collects is what a command is declared to take."""

import inspect
import threading
from dataclasses import MISSING, dataclass, fields, is_dataclass
from datetime import UTC, datetime

import click
import pytest

from reconciler.cli import run, sgctl
from reconciler.cli.parameters import DURATION, option_set

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


@pytest.mark.parametrize("text", ["0s", "90m", "999999m", "36500d"])
def test_a_duration_is_one_that_a_clock_can_wait_for(text: str) -> None:
    duration = DURATION.convert(text, None, None)
    assert datetime.now(UTC) - duration <= datetime.now(UTC)
    assert duration.total_seconds() < threading.TIMEOUT_MAX


@pytest.mark.parametrize("text", ["36501d", "999999h", "999999d", "1y", "d", ""])
def test_what_is_no_duration_or_too_long_a_one_is_refused(text: str) -> None:
    with pytest.raises(click.BadParameter):
        DURATION.convert(text, None, None)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["watch", "--interval", "0s"], "'0s' is not 1 s or more, and 36,500 days at most"),
        (["history", "--since", "999999d"], "'999999d' is not 36,500 days at most"),
    ],
    ids=["short", "long"],
)
def test_a_duration_out_of_bounds_is_told_with_them(
    arguments: list[str], words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(arguments) == 1
    assert words in capsys.readouterr().err


def test_a_command_that_does_not_take_the_type_is_a_bug_at_once() -> None:
    def command(name: str) -> None:
        raise AssertionError(name)

    with pytest.raises(StopIteration):
        option_set(Pair)(command)

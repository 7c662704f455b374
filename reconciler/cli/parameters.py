"""How options are declared: sets of them as a type, and the kinds of values that click does not know."""

from collections.abc import Callable
from dataclasses import fields
from datetime import timedelta
from functools import wraps
from inspect import get_annotations
from math import isnan
from typing import Any

import click

from reconciler.model.clock import length_of, parse_duration

Command = Callable[..., Any]
Decorator = Callable[[Command], Command]


def option_set(kind: type, *declared: Decorator) -> Decorator:
    """Return a decorator that adds options to a command, and hands their values to it as one `kind`, a dataclass.

    The options carry the names of its fields; a field without an option has its default. The command takes the value as
    its argument of that type.
    """
    names = [field.name for field in fields(kind)]

    def decorate(command: Command) -> Command:
        argument = next(name for name, type_ in get_annotations(command).items() if type_ is kind)

        @wraps(command)
        def collect(*arguments: Any, **values: Any) -> Any:
            chosen = kind(**{name: values.pop(name) for name in names if name in values})
            return command(*arguments, **values, **{argument: chosen})

        for declare in reversed(declared):
            declare(collect)
        return collect

    return decorate


class Duration(click.ParamType):  # type: ignore[type-arg]  # generic in the newest click only
    """A length of time of `least` seconds or more, and of a century at most: no clock can wait for longer."""

    name = "duration"
    _most = timedelta(days=36_500)

    def __init__(self, least: int = 0) -> None:
        self._least = timedelta(seconds=least)

    def convert(self, value: str | timedelta, param: click.Parameter | None, ctx: click.Context | None) -> timedelta:
        """Convert it; a text that is none ends with an error."""
        duration = value if isinstance(value, timedelta) else parse_duration(value)
        if duration is None:
            self.fail(f"{value!r} is not a duration such as 24h, 90m or 7d", param, ctx)
        if not self._least <= duration <= self._most:
            least = f"{length_of(self._least)} or more, and " if self._least else ""
            self.fail(f"{value!r} is not {least}{self._most.days:,} days at most", param, ctx)
        return duration


DURATION = Duration()


class Id(click.IntRange):
    """The id of a project or a region; where a name is given, the options that take names are told."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Convert it; a text that is no number ends with an error."""
        if isinstance(value, str) and not value.strip().lstrip("+-").isdecimal():
            self.fail(f"{value!r} is not a number; --project and --region take names", param, ctx)
        return super().convert(value, param, ctx)


class _Text(click.types.StringParamType):
    """A text that can be written: bytes that are none of UTF-8, which Python passes on from a shell, are refused."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """Convert it; what is no text ends with an error."""
        text: str = super().convert(value, param, ctx)
        try:
            text.encode()
        except UnicodeEncodeError:
            self.fail("this is not text in UTF-8", param, ctx)  # without repeating it: an address may be a secret
        return text


TEXT = _Text()


class OutputFile(click.Path):
    """A file that a command writes; `-` is stdout, but for a file that is read again the next time (`is_kept`).

    A command with such an option calls `output.check_outputs` before it does anything.
    """

    def __init__(self, *, is_kept: bool = False) -> None:
        super().__init__()
        self.is_kept = is_kept


class _Seconds(click.FloatRange):
    """A number of seconds; not `nan`, which is neither below nor above a bound."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        seconds: float = super().convert(value, param, ctx)
        if isnan(seconds):
            self.fail(f"{value!r} is not a number of seconds", param, ctx)
        return seconds


SECONDS = _Seconds(min=0.1, max=86_400)

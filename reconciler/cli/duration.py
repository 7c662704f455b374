"""Durations on the command line: `24h`, `90m`, `7d`, `30s`."""

from datetime import timedelta

import click

from reconciler.duration import parse_duration


class _Duration(click.ParamType):  # type: ignore[type-arg]  # generic in the newest click only
    name = "duration"

    def convert(self, value: str | timedelta, param: click.Parameter | None, ctx: click.Context | None) -> timedelta:
        duration = value if isinstance(value, timedelta) else parse_duration(value)
        if duration is None:
            self.fail(f"{value!r} is not a duration such as 24h, 90m or 7d", param, ctx)
        return duration


DURATION = _Duration()

"""Durations on the command line: `24h`, `90m`, `7d`, `30s`."""

import re
from datetime import timedelta

import click

_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}


class _Duration(click.ParamType):  # type: ignore[type-arg]  # generic in the newest click only
    name = "duration"

    def convert(self, value: str | timedelta, param: click.Parameter | None, ctx: click.Context | None) -> timedelta:
        if isinstance(value, timedelta):
            return value
        match = re.fullmatch(r"(\d{1,6})([smhd])", value)
        if match is None:
            self.fail(f"{value!r} is not a duration such as 24h, 90m or 7d", param, ctx)
        return timedelta(**{_UNITS[match[2]]: int(match[1])})


DURATION = _Duration()

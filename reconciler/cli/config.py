"""`sgctl config`."""

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

import click

from reconciler.cli import settings
from reconciler.config.config import Config
from reconciler.config.keys import KEYS, POLICIES
from reconciler.model.environment import API_KEY, API_KEY_FILE
from reconciler.model.text import printable

FORMAT_VERSION = 1


@dataclass(frozen=True, slots=True)
class Effective:
    """One setting as it holds; `source` is the variable's name or `path:line:column`, empty for a default."""

    name: str
    value: Any
    origin: Literal["environment", "file", "default"]
    source: str = ""


@click.command("config")
@click.option("--format", "format_", type=click.Choice(["text", "json"]), default="text", help="How to write the list.")
def command(format_: str) -> None:
    """Show every setting, its value, and where that comes from.

    Settings stand in `sgctl.toml`, or in `[tool.sgctl]` of `pyproject.toml`, in the current folder or the nearest one
    above it, up to the root of the repository. An option wins over the environment, the environment over the file, and
    the file over the default; what a document says of its own project and region wins over all of them.

    The API key never stands there. It is not shown either, only where it comes from.

    \b
      paths = ["groups"]              # as seen from the folder of the file
      exclude = ["charts/**"]         # globs of what belongs to other tools
      project_id = 1337
      region_id = 7                   # or by name: project = "production", region = "Luxembourg-2"
      api_version = "v1"
      two_phase = false
      timeout = 25                    # seconds
      lock_timeout = "5m"             # for what another task has locked
      max_age = "24h"                 # of a saved plan
      [limits]
      max_deleted_rules = 30          # percent, of more than ...
      min_deleted_rules = 10          # ... so many
      max_rewritten_rules = 50        # deleted, and replaced by others that admit something else
      max_closed_rules = 30           # those of them of which any traffic is no longer admitted

    \b
      sgctl config
      sgctl config --format json
    """
    found = [_checked(setting) for setting in _effective(settings.config(), os.environ)]
    file, key_source = settings.config().file, settings.key_source()
    if format_ == "json":
        from json import dumps  # noqa: PLC0415 - only for programs

        click.echo(dumps(_to_json(found, file, key_source), indent=1, ensure_ascii=False, default=str))
        return
    click.echo(f"Configuration file: {printable(file or 'none')}")
    rows = [(setting.name, _text(setting.value), setting.source or "default") for setting in found]
    rows.append(("API key", "set" if key_source else "not set", key_source or f"{API_KEY} or {API_KEY_FILE}"))
    widths = [max(len(row[column]) for row in rows) for column in range(2)]
    for name, value, source in rows:
        click.echo(f"{name:<{widths[0]}}  {printable(value):<{widths[1]}}  {printable(source)}")


def _effective(config: Config, environment: Mapping[str, str]) -> Iterator[Effective]:
    """List every setting with its value and where that comes from. What the environment says comes as text."""
    places = config.places(*KEYS, POLICIES)
    overridden = {
        key
        for kind in ("project", "region")
        for key in (kind, f"{kind}_id")
        if any(environment.get(KEYS[each].variable or "") for each in (kind, f"{kind}_id"))
    }
    for name, key in KEYS.items():
        text = environment.get(key.variable) if key.variable else None
        if key.variable and text:
            yield Effective(name, text, "environment", key.variable)
        elif name in config.values and name not in overridden:
            value = list(config.paths) if name == "paths" else config.values[name]
            yield Effective(name, value, "file", str(places[name]))
        else:
            yield Effective(name, key.default, "default")
    if config.policies:
        place = places.get(POLICIES)
        yield Effective(POLICIES, dict(config.policies), "file", str(place) if place else config.file or "")


def _checked(setting: Effective) -> Effective:
    """Check what comes from the environment as it will be checked when it is used. Raises `UsageError`."""
    if setting.origin == "environment" and setting.name in ("project_id", "region_id"):
        return replace(setting, value=settings.number(setting.source))
    if setting.name == "base_url":
        from reconciler.api.address import check_base_url  # noqa: PLC0415 - brings urllib

        return replace(setting, value=check_base_url(setting.value))
    return setting


def _text(value: Any) -> str:
    if value is None:
        return "not set"
    if isinstance(value, bool):
        return str(value).lower()
    return ", ".join(map(str, value)) if isinstance(value, list | dict) else str(value)


def _to_json(found: Sequence[Effective], file: str | None, key_source: str | None) -> dict[str, Any]:
    return {
        "format_version": FORMAT_VERSION,
        "file": file,
        "settings": {
            setting.name: {"value": setting.value, "origin": setting.origin, "source": setting.source or None}
            for setting in found
        },
        "api_key": {"is_set": key_source is not None, "source": key_source},
    }

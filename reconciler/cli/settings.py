"""What environment and configuration file say. An empty variable counts as unset.

Variables carry the names of the official SDK. Precedence: flag, environment, configuration file, default; what a
document says of its own project and region stands above all of them.
"""

import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from reconciler.cli.log import current_log
from reconciler.config.config import FILE_NAME, Config, load_config, load_outside, repository_here
from reconciler.model import environment as variables
from reconciler.model.cloud import DEFAULT_BASE_URL
from reconciler.model.errors import UsageError
from reconciler.model.files import KEY_LIMIT, read_bounded
from reconciler.model.policies import Limits, Policies, Rulebook

if TYPE_CHECKING:
    from reconciler.loading.head import Defaults
    from reconciler.loading.walk import Walk

_CONFIG = "reconciler.config.config"

_OPTIONS = frozenset(
    {"api_version", "two_phase", "show_instances", "parallelism", "timeout", "lock_timeout", "max_age"}
)
"""Options whose default may stand in the file. Not the project and the region: a flag that contradicts a document is an
error, and the file never does."""


def config() -> Config:
    """Return the settings that hold in the current folder, read once a command line.

    Raises what `load_config` raises.
    """
    context = click.get_current_context(silent=True)
    if context is None:
        return Config()
    meta = context.find_root().meta
    if _CONFIG not in meta:
        try:
            folder = Path.cwd()
        except OSError:
            raise UsageError("the current folder does not exist any more", hint="Change to one that does.") from None
        meta[_CONFIG] = load_config(folder)
    loaded: Config = meta[_CONFIG]
    return loaded


def read_anew() -> None:
    """Forget the settings, for a command that runs for long: what asks for them next reads the file again."""
    click.get_current_context().find_root().meta.pop(_CONFIG, None)


class FileDefaults(Mapping[str, Any]):
    """The configuration file as click's `default_map`: read when a command asks for its first option.

    So neither `--help` nor completion reads it, and both show what holds without it.
    """

    def __getitem__(self, name: str) -> Any:
        if name not in _OPTIONS:
            raise KeyError(name)  # without reading the file
        return self._values()[name]

    def __iter__(self) -> Iterator[str]:
        return iter(_OPTIONS & self._values().keys())

    def __len__(self) -> int:
        return len(list(iter(self)))

    def _values(self) -> Mapping[str, Any]:
        context = click.get_current_context(silent=True)
        return {} if context is None or context.resilient_parsing else config().values


def walk(follow_links: bool = False) -> "Walk":  # noqa: FBT002 - the one thing that no setting says
    """Say which files of folders to read."""
    from reconciler.loading.walk import Walk  # noqa: PLC0415 - brings YAML's problems, which help need not load

    loaded = config()
    root = str(Path(loaded.file or "").parent)
    return Walk(follow_links, tuple(loaded.values.get("exclude", ())), root, repository_here())


def default_paths() -> tuple[str, ...]:
    """Say which files to take where none are given: those of the configuration file, else the current folder."""
    return config().paths or (".",)


def policies() -> Policies | None:
    """Read the policies of the configuration file; None where it has none. Raises `InputError`."""
    from reconciler.loading.policies import read_policies  # noqa: PLC0415 - brings YAML, which help need not load

    loaded = config()
    if not loaded.policies:
        return None
    return read_policies(loaded.policies, loaded.file or FILE_NAME, loaded.place_in_policies)


def rulebook(path: str | None) -> Rulebook | None:
    """Read the rules from outside the repository; None where no file is named. Raises `InputError`, `UsageError`."""
    if not path:
        return None
    from reconciler.loading.policies import read_policies  # noqa: PLC0415 - brings YAML, which help need not load

    outside = load_outside(path)
    policies = read_policies(outside.policies, path, outside.place_in_policies)
    return Rulebook(policies, Limits(**outside.limits))


def limits() -> Limits:
    """Say how much a plan may delete: what the configuration file says, and the defaults for the rest."""
    return Limits(**config().limits)


def base_url(environment: Mapping[str, str] = os.environ) -> str:
    """Say which API to use: `GCORE_BASE_URL`, else the public one. No file decides where the key is sent."""
    return environment.get(variables.BASE_URL) or DEFAULT_BASE_URL


def key_source(environment: Mapping[str, str] = os.environ) -> str | None:
    """Say where the API key comes from, without reading it; None where none is set."""
    if environment.get(variables.API_KEY):
        return variables.API_KEY
    if path := environment.get(variables.API_KEY_FILE):
        return f"the file {path} ({variables.API_KEY_FILE})"
    return None


def api_key(environment: Mapping[str, str] = os.environ) -> str:
    """Read `GCORE_API_KEY`, or the file that `GCORE_API_KEY_FILE` names.

    Raises `UsageError` when there is none, or when it could not be sent; the text never holds the key.
    """
    key, source = environment.get(variables.API_KEY) or "", key_source(environment)
    if not key and (path := environment.get(variables.API_KEY_FILE)):
        try:
            key = read_bounded(path, KEY_LIMIT, or_pipe=True).decode("ascii").strip()
            current_log().secrets.add(key)
        except (OSError, ValueError) as error:
            reason = error.strerror or error if isinstance(error, OSError) else "it is not ASCII text"
            raise UsageError(f"cannot read the API key from {source}: {reason}") from None
    if not key:
        raise UsageError(
            f"no API key: set {variables.API_KEY}, or {variables.API_KEY_FILE} to the name of a file that holds it",
            hint="To try sgctl without an account, run `sgctl demo`.",
        )
    if not (key.isascii() and key.isprintable() and " " not in key) or key.startswith(
        (f"{variables.API_KEY}=", *"\"'")
    ):
        raise UsageError(
            f"{source} does not hold an API key: it has blanks or characters that no key has",
            hint="The key is all that it holds: without a name before it, quotes or another line.",
        )
    return key


def defaults(
    project_id: int | None = None,
    region_id: int | None = None,
    project: str | None = None,
    region: str | None = None,
    environment: Mapping[str, str] = os.environ,
) -> "Defaults":
    """Combine flags, environment and file for documents that name no project or region, by id or by name.

    Raises `UsageError` for a variable that is not a number.
    """
    from reconciler.loading.head import Defaults  # noqa: PLC0415 - brings YAML, which `sgctl show` need not load

    outside_project = _outside("project", variables.PROJECT_ID, variables.PROJECT, environment)
    outside_region = _outside("region", variables.REGION_ID, variables.REGION, environment)
    return Defaults(
        project_id,
        region_id,
        outside_project[0],
        outside_region[0],
        project,
        region,
        outside_project[1],
        outside_region[1],
    )


def _outside(
    kind: str, id_variable: str, name_variable: str, environment: Mapping[str, str]
) -> tuple[int | None, tuple[str, str] | None]:
    """Return a project or a region by its id, and by its name with where that is from: of variables, else of the file.

    An id of one and a name of the other are not put together: what stands in the file holds where no variable does.
    """
    found, name = number(id_variable, environment), environment.get(name_variable) or None
    if found is not None or name is not None:
        return found, (name, name_variable) if name else None
    values = config().values
    place = config().places(kind).get(kind)
    return values.get(f"{kind}_id"), (values[kind], f"{place}") if kind in values else None


def number(name: str, environment: Mapping[str, str] = os.environ) -> int | None:
    """Read a variable that holds an id, 1 or more. Raises `UsageError` when it does not."""
    text = environment.get(name) or ""
    if not text:
        return None
    if not (text.isascii() and text.isdigit() and len(text) < 19 and int(text) > 0):
        raise UsageError(
            f"{name} is not a number from 1: {text!r}",
            hint=f"Write an id; {name.removesuffix('_ID')} takes a name.",
        )
    return int(text)

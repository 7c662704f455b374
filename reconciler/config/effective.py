"""Every setting with its value and where that comes from: environment, configuration file, or default. Pure."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from reconciler.config.config import Config
from reconciler.config.keys import KEYS, POLICIES

Origin = Literal["environment", "file", "default"]


@dataclass(frozen=True, slots=True)
class Effective:
    """One setting as it holds; `source` is the variable's name or `path:line:column`, empty for a default."""

    name: str
    value: Any
    origin: Origin
    source: str = ""


def effective_settings(config: Config, environment: Mapping[str, str]) -> tuple[Effective, ...]:
    """List every setting. What the environment says comes as text, as it is there."""
    return tuple(_settings(config, environment))


def _settings(config: Config, environment: Mapping[str, str]) -> Iterator[Effective]:
    places = config.places(*KEYS, POLICIES)
    for name, key in KEYS.items():
        text = environment.get(key.variable) if key.variable else None
        if key.variable and text:
            yield Effective(name, text, "environment", key.variable)
        elif name in config.values:
            value = list(config.paths) if name == "paths" else config.values[name]
            yield Effective(name, value, "file", str(places[name]))
        else:
            yield Effective(name, key.default, "default")
    if config.policies:
        place = places.get(POLICIES)
        yield Effective(POLICIES, dict(config.policies), "file", str(place) if place else config.file or "")

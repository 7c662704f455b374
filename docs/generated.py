"""What `make docs` adds to the pages that are written: the reference, made from what the program itself says.

The functions of `PAGES` return a page as Markdown and know nothing of mkdocs; the `on_...` functions at the end are
what mkdocs calls. A page that would load anything from another host ends the build.
"""

import json
import re
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import click
import yaml

from reconciler.cli import sgctl
from reconciler.cli.man import commands_of
from reconciler.config.keys import KEYS
from reconciler.drift.compare import Drift, Severity
from reconciler.drift.metrics import Run, render_health, render_metrics
from reconciler.drift.watch import Health, Round
from reconciler.model.desired import Target
from reconciler.model.environment import MEANINGS
from reconciler.model.errors import ExitCode
from reconciler.model.problems import ProblemName
from reconciler.model.published import SCHEMAS, read_schema
from reconciler.render.man import CommandHelp

ROOT = Path(__file__).parents[1]
GOLDEN = ROOT / "tests" / "loading" / "problems.golden"


def commands_page() -> str:
    """Return every command with its options, from its help."""
    root = click.Context(sgctl, info_name="sgctl", resilient_parsing=True, **sgctl.context_settings)
    commands = commands_of(root)
    lines = [
        "# Commands",
        "",
        "The result goes to stdout, everything else to stderr. [Exit codes](exit-codes.md) are the same for all.",
        "`sgctl COMMAND --help` says in a terminal what this page says; `sgctl man` is the same as a manual page.",
        "",
        *_table(("command", "does"), ((f"[`{_name(each)}`](#{_anchor(each)})", _first(each)) for each in commands)),
    ]
    for each in commands:
        lines += [
            "",
            f"## {_name(each)} {{ #{_anchor(each)} }}",
            "",
            f"`{each.usage}`",
            "",
            *_paragraphs(each.text),
            "",
        ]
        lines += _table(
            ("option", "meaning"), ((f"`{option}`", meaning) for option, meaning in each.options if meaning)
        )
    return _text(lines)


def _name(command: CommandHelp) -> str:
    return " ".join(command.usage.split()[:2])


def _anchor(command: CommandHelp) -> str:
    return _name(command).replace(" ", "-")


def _first(command: CommandHelp) -> str:
    return " ".join(command.text.strip().split("\n\n")[0].split())


def _paragraphs(text: str) -> Iterator[str]:
    """Write a docstring: what click leaves as it is (\\b) is code."""
    for paragraph in re.split(r"\n\s*\n", re.sub(r"(?m)^ {4}", "", text.strip())):
        if paragraph.startswith("\b"):
            yield from ("```text", *paragraph.removeprefix("\b").strip("\n").split("\n"), "```", "")
        else:
            yield from (" ".join(_safe(paragraph).split()), "")


def exit_codes_page() -> str:
    """Return the exit codes."""
    return _text(
        [
            "# Exit codes",
            "",
            "The same for every command, and a promise: scripts may rely on them.",
            "",
            *_table(("code", "means"), ((f"`{code.value}`", code.meaning) for code in ExitCode)),
            "",
            "- 5 wins over 2: a plan with changes that a guardrail stops ends in 5, also with `--detailed-exitcode`.",
            "- 1 means that nothing was applied: an edited plan file, a wrong key, an API that cannot be read. `drift`",
            "  without a reachable API is 1, and never 0 or 2.",
            "- After 4, the same plan file goes on with what is left.",
            "- Ctrl-C before the first write is 1, and after it 4.",
        ]
    )


def problems_page() -> str:
    """Return every name of a problem, what it means, and the first words in which it is met."""
    words = _first_words()
    lines = [
        "# Problems by name",
        "",
        "An error about a file ends in its name: `groups.yaml:7:28: error: ... [host-bits]`. Names stay, so that tools",
        "and searches can rely on them.",
    ]
    for name in ProblemName:
        lines += ["", f"## {name} {{ #{name} }}", "", _safe(name.explanation), "", "```text", *words[name], "```"]
    return _text(lines)


def _first_words() -> Mapping[str, list[str]]:
    """Return the first case of each name in the file that holds the words of every error."""
    found: dict[str, list[str]] = {}
    for case in GOLDEN.read_text(encoding="utf-8").split("\n\n"):
        lines = case.strip().split("\n")[1:]
        for name in re.findall(r"\[([a-z0-9-]+)\]$", lines[0] if lines else ""):
            found.setdefault(name, lines)
    return found


def metrics_page() -> str:
    """Return the metrics of `drift --metrics-file` and of `watch --listen`, from what both write."""
    drift = Drift((), groups=0, rules=0, fail_on=Severity.COSMETIC, group_names={})
    health = Health(finished=1.0, succeeded=1.0, last=Round(drift, {Target(1, 7): 0}))
    lines = ["# Metrics", "", "For Prometheus. Both need the extra `metrics`. Names and labels change as commands do."]
    for title, text in (
        ("`sgctl drift --metrics-file FILE`", render_metrics(Run(finished=1.0, duration=1.0, drift=drift))),
        ("`sgctl watch --listen HOST:PORT`, at `/metrics`", render_health(health)),
    ):
        types = dict(re.findall(r"^# TYPE (\w+) (\w+)$", text, re.MULTILINE))
        rows = [
            (f"`{name}`", types[name], ", ".join(f"`{label}`" for label in _labels(name, text)), meaning)
            for name, meaning in re.findall(r"^# HELP (\w+) (.*)$", text, re.MULTILINE)
        ]
        lines += ["", f"## {title}", "", *_table(("metric", "type", "labels", "meaning"), rows)]
    lines += [
        "",
        "Where the last run failed there is nothing about drift: what was last known about it is no longer known.",
        "Alert on `sgctl_drift_success == 0` and on a time stamp that stands still as well; `examples/watch` has rules",
        "for alerts, with their tests, and a dashboard.",
    ]
    return _text(lines)


def _labels(name: str, text: str) -> list[str]:
    found = re.search(rf"^{name}\{{(.*)\}}", text, re.MULTILINE)
    return re.findall(r'(\w+)="', found[1]) if found else []


def settings_page() -> str:
    """Return the keys of `sgctl.toml` and the variables."""
    keys = (
        (
            f"`{name}`",
            key.expected,
            f"`{_json(key.default)}`" if key.default is not None else "",
            _variable(key.variable),
        )
        for name, key in KEYS.items()
        if key.in_files
    )
    variables = ((f"`{name}`", meaning) for name, meaning in MEANINGS)
    return _text(
        [
            "# Settings and variables",
            "",
            "Settings stand in `sgctl.toml`, or in the table `[tool.sgctl]` of `pyproject.toml`, in the current folder",
            "or the nearest one above it, up to the root of the repository. An option wins over a variable, a variable",
            "over the file, the file over the default; what a document says of its own project and region wins over",
            "all. `sgctl config` shows each with where it is from.",
            "The table `[policies]` takes what `policies` in [the file](file.md#policies) takes.",
            "",
            *_table(("key", "has to be", "default", "variable"), keys),
            "",
            "## Variables",
            "",
            *_table(("variable", "meaning"), variables),
        ]
    )


def _variable(name: str | None) -> str:
    return f"`{name}`" if name else ""


def file_page() -> str:
    """Return the desired-state file, from its JSON Schema."""
    schema = read_schema("security-groups")
    lines = [
        "# The file",
        "",
        "Made from the JSON Schema, which `sgctl schema` prints and editors complete and check a file with. A key in",
        "bold has to be there. Project and region, by id or by name, may come from settings, options or variables.",
    ]
    for name in (
        "document",
        "target",
        "published_list",
        "security_group",
        "rule",
        "preset_item",
        "use_item",
        "ignore_rule",
        "policies",
        "policy_flow",
        "policy_exception",
    ):
        lines += _section(schema["$defs"][name], schema)
    return _text(lines)


def json_page() -> str:
    """Return the JSON that leaves the process: what is promised, and the fields of each format."""
    promise = (
        (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8").split("## What is promised, and how it changes\n")[1]
    )
    lines = ["# JSON formats", "", "## What is promised", "", promise.split("\n## ")[0].strip(), "", "## Schemas", ""]
    lines.append("`sgctl schema NAME` prints each. Times are UTC, in the form of RFC 3339; ids are those of the API.")
    for name in SCHEMAS[1:]:
        schema = read_schema(name)
        if "properties" in schema:
            lines += _section(schema, schema, f"`sgctl schema {name}`")
    return _text(lines)


def _section(part: Mapping[str, Any], schema: Mapping[str, Any], more: str = "") -> Iterator[str]:
    yield from ("", f"## {part['title']}", "", _safe(part.get("description", "")), *(("", more) if more else ()), "")
    rows = (
        (_key(key, part), _type(value, schema), _meaning(value, schema)) for key, value in part["properties"].items()
    )
    yield from _table(("key", "value", "meaning"), rows)
    if examples := part.get("examples"):
        text = yaml.safe_dump(examples[0], default_flow_style=None, sort_keys=False, allow_unicode=True, width=110)
        yield from ("", "For example:", "", "```yaml", *text.strip().split("\n"), "```")


def _key(key: str, part: Mapping[str, Any]) -> str:
    return f"**`{key}`**" if key in part.get("required", ()) else f"`{key}`"


def _resolve(value: Mapping[str, Any], schema: Mapping[str, Any]) -> Mapping[str, Any]:
    """Follow a reference within the schema; what stands beside it wins."""
    if "$ref" not in value:
        return value
    target: Mapping[str, Any] = schema
    for part in value["$ref"].removeprefix("#/").split("/"):
        target = target[part]
    return {**_resolve(target, schema), **{key: each for key, each in value.items() if key != "$ref"}}


def _type(value: Any, schema: Mapping[str, Any]) -> str:
    """Say in a word or two what a value may be, by its part of a schema."""
    if isinstance(value, bool):
        return "any"
    value = _resolve(value, schema)
    if "enum" in value:
        listed = [f"`{_json(each)}`" for each in value["enum"]]
        return ", ".join(listed) if len(listed) <= 8 else f"{', '.join(listed[:8])} and {len(listed) - 8} more"
    if "const" in value:
        return f"`{_json(value['const'])}`"
    choices = value.get("anyOf") or value.get("oneOf") or [value[each] for each in ("then", "else") if each in value]
    if choices and "type" not in value:
        return " or ".join(dict.fromkeys(_type(each, schema) for each in choices))
    kind = value.get("type", "array" if "items" in value else "any")
    if kind == "array" and isinstance(value.get("items"), Mapping):
        return f"list of {_type(value['items'], schema)}"
    names = {
        "object": value.get("title", "object"),
        "integer": "number",
        "string": "text",
        "boolean": "`true` or `false`",
    }
    kinds = kind if isinstance(kind, list) else [kind]
    return " or ".join(str(names.get(each, each)) for each in kinds)


def _meaning(value: Any, schema: Mapping[str, Any]) -> str:
    value = {} if isinstance(value, bool) else _resolve(value, schema)
    examples = [f"`{_json(each)}`" for each in value.get("examples", ())[:2] if len(_json(each)) <= 70]
    return " ".join(
        [_safe(value.get("description", "")), *(["Such as", " or ".join(examples)] if examples else [])]
    ).strip()


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)


def _safe(text: str) -> str:
    """Keep what looks like HTML or a link from being one."""
    return re.sub(r"(`[^`]*`)|([<*_\[])", lambda found: found[1] or "\\" + found[2], text)


def _table(head: tuple[str, ...], rows: Any) -> Iterator[str]:
    for row in (head, ("---",) * len(head), *rows):
        yield f"| {' | '.join(' '.join(cell.split()).replace('|', chr(92) + '|') for cell in row)} |"


def _text(lines: list[str]) -> str:
    return "\n".join(lines) + "\n"


PAGES: dict[str, Callable[[], str]] = {
    "reference/commands.md": commands_page,
    "reference/file.md": file_page,
    "reference/settings.md": settings_page,
    "reference/exit-codes.md": exit_codes_page,
    "reference/problems.md": problems_page,
    "reference/metrics.md": metrics_page,
    "reference/json.md": json_page,
}


def on_files(files: Any, config: Any) -> Any:
    """Add the pages that are made."""
    from mkdocs.structure.files import File  # noqa: PLC0415 - the tests of the pages need no mkdocs

    for name, make in PAGES.items():
        files.append(File.generated(config, name, content=make()))
    return files


_LOADED = re.compile(
    r"""<(?:script|img|iframe|source|video|audio|embed)\b[^>]*\bsrc=["']?(?:https?:)?//|"""
    r"""<link\b(?![^>]*rel=["']?canonical)[^>]*\bhref=["']?(?:https?:)?//"""
)


def loaded_from_elsewhere(output: str) -> str | None:
    """Return what of a page's HTML would be loaded from another host when somebody looks at it."""
    found = _LOADED.search(output)
    return output[found.start() : found.start() + 200] if found else None


def on_post_page(output: str, page: Any, config: Any) -> str:  # noqa: ARG001 - mkdocs passes it by name
    """Raise where a page would load anything from another host."""
    from mkdocs.exceptions import PluginError  # noqa: PLC0415 - the tests of the pages need no mkdocs

    if strange := loaded_from_elsewhere(output):
        raise PluginError(f"{page.file.src_uri} loads from another host: {strange}")
    return output

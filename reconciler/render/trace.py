"""An answer of `trace`, as text and as JSON."""

import shlex
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import click

from reconciler.importing.merge import merge
from reconciler.importing.shorten import shorten
from reconciler.importing.text import spell
from reconciler.model.rule import describe_rule
from reconciler.model.text import printable, without_commands
from reconciler.planning.group_view import ViewedRule
from reconciler.trace.answer import TraceCheck
from reconciler.trace.nearest import place_of
from reconciler.trace.sides import Mend, Side, SideName, deciding, groups_to_apply
from reconciler.traffic import describe_service
from reconciler.traffic.describe import describe_flow_remote
from reconciler.traffic.extent import ADDRESS_BITS


@dataclass(frozen=True, slots=True)
class Mending:
    """What would mend it, and the paths that the command was given."""

    kind: Mend
    paths: tuple[str, ...]


def render_trace(sides: Sequence[Side], mending: Mending | None = None) -> str:
    """Write the verdict of each side, then of every end the rules that admit it or what is nearest; and what to do."""
    lines = list(_verdict(sides)) if len(sides) > 1 else []
    for titles, side in _said(sides):
        answer = side.answer.checks if side.answer else ()
        lines += [*([click.style(f"{titles}:", bold=True)] if titles and answer else [])]
        lines += [line for check in answer for line in _lines(check, side.names)]
    lines += [f"{label:<8}{printable(text)}" for label, text in _steps(sides, mending)]
    return without_commands("".join(f"{line}\n" for line in lines))


def trace_to_json(sides: Sequence[Side], mending: Mending | None = None) -> dict[str, Any]:
    """Write answers as JSON data: that of the side which counts, and each by itself in `sides`.

    `allowed`, the `rules` that allow it, and `nearest` where it is refused. `mend` says what to do where sides differ.
    """
    counts = deciding(sides)
    return {
        **_side(counts),
        "sides": [_side(side) for side in sides],
        "mend": [{"kind": label.rstrip(":"), "text": text} for label, text in _steps(sides, mending)],
    }


def _side(side: Side) -> dict[str, Any]:
    checks = side.answer.checks if side.answer else ()
    return {
        "side": str(side.name),
        "allowed": side.allowed,
        "problem": side.problem or None,
        "rules": [_rule(rule, side.names) for rule in (side.answer.rules if side.answer else ())],
        "nearest": [
            {
                "group": ", ".join(check.groups),
                "message": near.message,
                "rules": [_rule(rule, side.names) for rule in near.rules],
            }
            for check in checks
            for near in check.nearest
        ],
    }


_SIDES = {SideName.DESIRED: "files", SideName.LIVE: "live"}


def _verdict(sides: Sequence[Side]) -> Iterator[str]:
    """Write one line: `files: allowed · live: REFUSED at web: no rule admits ingress tcp 22 from 203.0.113.7`."""
    yield " · ".join(f"{_SIDES[side.name]}: {_word(side)}" for side in sides)


def _word(side: Side) -> str:
    if side.allowed:
        return click.style("allowed", fg="green", bold=True)
    word = "" if side.allowed is None else click.style("REFUSED", fg="red", bold=True)
    if side.answer is None:
        return f"{word}: {printable(side.problem)}" if word else printable(side.problem)
    return f"{word} {printable('; '.join(dict.fromkeys(map(_reason, side.refusing))))}"


def _reason(check: TraceCheck) -> str:
    part = "" if check.missing == check.asked else "all of "
    return f"at {', '.join(check.groups)}: no rule admits {part}{_asked(check)}"


def _said(sides: Sequence[Side]) -> Iterator[tuple[str, Side]]:
    """Choose whose rules are shown: both, once where they are the same; of two that allow it live ones say the most."""
    if len(sides) == 1:
        yield "", sides[0]
    elif all(side.allowed for side in sides) or _essence(sides[0]) == _essence(sides[1]):
        yield "files and live", deciding(sides)
    else:
        yield from ((_SIDES[side.name], side) for side in sides)


def _essence(side: Side) -> object:
    """Take what an answer says without ids, which only one side has."""
    checks = side.answer.checks if side.answer else ()
    rules = [[rule for near in check.nearest for rule in near.rules] or check.rules for check in checks]
    return [[describe_rule(rule.rule, side.names) for rule in each] for each in rules]


def _steps(sides: Sequence[Side], mending: Mending | None) -> Iterator[tuple[str, str]]:
    """Say what to do, each with a word for it."""
    if mending is None:
        return
    desired = next(side for side in sides if side.name is SideName.DESIRED)
    names = groups_to_apply(sides)
    chosen = [part for name in names for part in ("--group", name)]
    apply = shlex.join(["sgctl", "apply", *mending.paths, *chosen])
    if mending.kind is not Mend.APPLY:
        for check in desired.refusing:
            where = f" ({check.place})" if check.place else ""
            rule = spell(shorten(merge({check.wanted: ""}, desired.names)[0], desired.names))
            yield "write:", f"- {rule}  in {check.groups[0]}{where}, if it is to be allowed"
    if mending.kind is Mend.CLOSE_OR_WRITE:
        yield "mend:", f"{apply}  (as the files are now, it ends this)"
        open_at = dict.fromkeys(name for check in desired.refusing for name in check.groups)
        yield "who:", shlex.join(["sgctl", "history", *open_at])
    else:
        yield "mend:", apply


def _lines(check: TraceCheck, names: Mapping[str, str]) -> Iterator[str]:
    verdict = (
        click.style("allowed", fg="green", bold=True) if check.allowed else click.style("refused", fg="red", bold=True)
    )
    yield f"{verdict} {printable(_title(check))}"
    for rule in check.rules:
        text = " ".join(describe_rule(rule.rule, names).split())
        description = f'  "{rule.description}"' if rule.description else ""
        yield f"  by {printable(text)}{click.style(printable(description), dim=True)}"
        yield f"     {printable(place_of(rule))}"
    for near in check.nearest:
        yield f"  nearest: {printable(near.message)}"


def _title(check: TraceCheck) -> str:
    """Write what was asked of one end: `ingress tcp 443 from 203.0.113.9, at web (project 1, region 7)`."""
    where = "; ".join(map(str, check.targets))
    return f"{_asked(check)}, at {', '.join(check.groups)} ({where})"


def _asked(check: TraceCheck) -> str:
    flow = check.asked[0]
    way = "from" if flow.direction == "ingress" else "to"
    far = [f"members of {', '.join(check.far)}"] if check.far else []
    if flow.remote is None or flow.remote.prefix is not None:
        remote = describe_flow_remote(flow).removesuffix(f"/{ADDRESS_BITS[flow.ethertype]}")
        far.append(f"at {remote}" if far else remote)
    family = [flow.ethertype] if flow.ethertype == "IPv6" else []
    services = ", ".join(dict.fromkeys(describe_service(each) for each in check.asked))
    return " ".join([flow.direction, *family, services, way, *far])


def _rule(rule: ViewedRule, names: Mapping[str, str]) -> dict[str, Any]:
    """Write a rule with the API's fields. An id that only the cloud will know is null, beside the group's name."""
    key = rule.rule.remote_group_id
    is_known = key is not None and not key.startswith("$")
    return {
        "group": rule.group,
        "place": str(rule.place) if rule.place else None,
        "id": rule.id,
        **rule.rule._asdict(),
        "remote_group_id": key if is_known else None,
        "remote_group": names.get(key) if key else None,
        "description": rule.description,
        "ignored": rule.ignored,
    }

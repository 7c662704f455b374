"""The `policies` of a run: a plain mapping -> `Policies`.

The same keys in one YAML document and in `sgctl.toml`. Flows are written as rules are and expanded by the same code, so
that they mean what a rule would mean.
"""

import itertools
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from reconciler.loading.document import Document
from reconciler.loading.issues import QUOTE, Budget, Issues, Path, Problem
from reconciler.loading.remote import AddressGroup, count_prefixes, read_prefix
from reconciler.loading.report import report, report_malformed
from reconciler.loading.rule import expand, read_ranges
from reconciler.loading.rules import MAX_EXPANSIONS
from reconciler.loading.structure import is_well_formed
from reconciler.model.canonical import canonical_protocol
from reconciler.model.cloud import EVERYWHERE, MAX_PORT, MAX_RULES
from reconciler.model.errors import InputError, Issue
from reconciler.model.pattern import compile_pattern
from reconciler.model.place import FilePlace, Place
from reconciler.model.policies import (
    AllowedPrefixes,
    Expires,
    FlowPolicy,
    ForbiddenProtocols,
    MaxPrefixSize,
    Policies,
    PoliciesSource,
    RequiredTags,
    Rulebook,
    RulebookSource,
    RuleDescription,
    WorldOpenAnyPort,
    WorldOpenManagement,
)
from reconciler.model.problems import ProblemName
from reconciler.model.rule import EVERY_PROTOCOL
from reconciler.model.text import did_you_mean

_FLOWS = ("must_allow", "must_deny")
AddressGroups = Mapping[str, AddressGroup]


Find = Callable[[tuple[str, ...]], FilePlace]
"""Finds where a key of the policies stands, given by its path in them."""


def read_policies(written: Mapping[str, Any], where: str, find: Find | None = None) -> Policies:
    """Read the table of a settings file; `where` is the file's name. Raises `InputError` with all that is wrong.

    Flows that name address groups mean nothing before the files are loaded: `bind` completes them.
    """
    problems = list(_malformed(written))
    policies = Policies()
    if not problems:
        policies, problems = _read_policies(written, where, None)
    _raise(problems, where, find)
    return policies


def bind(policies: Policies, address_groups: AddressGroups) -> Policies:
    """Give policies the address groups that they name. Raises `InputError` where one is not defined."""
    source = policies.source
    bound, problems = _read_policies(source.settings, source.where, address_groups)
    _raise(problems, source.where)
    return bound


def bind_texts(policies: Policies, address_groups: Mapping[str, Sequence[str]]) -> Policies:
    """Do the same with prefixes as text, as a plan file keeps them."""
    read = {name: [read_prefix(text) for text in prefixes] for name, prefixes in address_groups.items()}
    return bind(
        policies,
        {name: AddressGroup(tuple((each.family, each.canonical) for each in found)) for name, found in read.items()},
    )


def saved_policies(source: PoliciesSource) -> Policies:
    """Read policies that a plan file kept. Raises `InputError` where they are none."""
    if not source.settings:
        return Policies(source=source)
    return bind_texts(read_policies(source.settings, source.where), source.address_groups)


def saved_rulebook(source: RulebookSource) -> Rulebook:
    """Read a rulebook that a plan file kept. Raises `InputError` where it is none."""
    return Rulebook(saved_policies(source.policies), source.limits)


def read_policies_of(
    documents: Sequence[Document], address_groups: AddressGroups, given: Policies | None, issues: Issues
) -> Policies:
    """Read the policies of the files, or complete those `given` by a settings file: there is one place for them."""
    first: Place | None = None
    found: Policies | None = None
    for document in documents:
        written = document.value.get("policies") if isinstance(document.value, dict) else None
        if not isinstance(written, dict):
            continue
        place = document.key_place("policies")
        if first is not None or (given is not None and given.source.settings):
            other = () if first is None else (("the other", first),)
            message = (
                "policies are in two places" if other else f"{given.source.where if given else ''} has policies as well"
            )
            issues.add(
                place, ProblemName.POLICIES_TWICE, message, "keep all of them in one place for the whole run", other
            )
            continue
        first = place
        if not is_well_formed("policies", written):
            report_malformed(document, ("policies",), "policies", written, issues)
            continue
        found, problems = _read_policies(written, document.name, address_groups)
        report(document, ("policies",), problems, issues)
    if first is not None:
        return found or Policies()
    return Policies() if given is None else bind(given, address_groups)


def _malformed(written: Mapping[str, Any]) -> Iterator[Problem]:
    if not is_well_formed("policies", written):
        from reconciler.loading.structure_problems import explain  # noqa: PLC0415  # jsonschema is slow to import

        yield from explain("policies", written)[0]


def _raise(problems: Sequence[Problem], where: str, find: Find | None = None) -> None:
    if problems:
        issues = []
        for each in problems:
            keys = tuple(itertools.takewhile(lambda step: isinstance(step, str), each.path))
            place = find(tuple(map(str, keys))) if find is not None else FilePlace(where, 1, 1)
            issues.append(Issue(place, each.name, f"{_dotted(each.path)}: {each.message}", fix=_settings_fix(each)))
        raise InputError(tuple(issues))


def _settings_fix(problem: Problem) -> str | None:
    if problem.guess:
        return did_you_mean(*problem.guess) or problem.fix
    if problem.fix == QUOTE:
        return "write it in quotes"
    # A word that is to be written has quotes in a settings file.
    return re.sub(r"^write ([A-Za-z][\w-]*)(?= if |$)", r'write "\1"', problem.fix) if problem.fix else None


def _dotted(path: Path) -> str:
    return "policies" + "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in path)


def _read_policies(
    written: Mapping[str, Any], where: str, address_groups: AddressGroups | None
) -> tuple[Policies, list[Problem]]:
    """Read well-formed policies, with what a schema cannot say about them."""
    problems: list[Problem] = []
    left = Budget(MAX_EXPANSIONS)
    flows = {key: tuple(_flows(key, written.get(key, ()), address_groups, left, problems)) for key in _FLOWS}
    names = dict.fromkeys(name for key in _FLOWS for flow in written.get(key, ()) for name in _address_groups_of(flow))
    policies = Policies(
        world_open_management=WorldOpenManagement(**_management(written, problems)),
        world_open_any_port=WorldOpenAnyPort(**_settings(written, "world_open_any_port")),
        smtp_egress=written.get("smtp_egress", "warning"),
        mass_delete=written.get("mass_delete", "error"),
        mass_rewrite=written.get("mass_rewrite", "error"),
        expires=Expires(**_settings(written, "expires")),
        must_allow=flows["must_allow"],
        must_deny=flows["must_deny"],
        allowed_prefixes=AllowedPrefixes(**_allowed_prefixes(written, problems)),
        max_prefix_size=MaxPrefixSize(**_settings(written, "max_prefix_size")),
        rule_description=RuleDescription(**_description(written, problems)),
        required_tags=RequiredTags(**_tags(written, problems)),
        forbidden_protocols=ForbiddenProtocols(**_protocols(written)),
        source=PoliciesSource(
            written,
            {name: _texts(address_groups[name]) for name in names if address_groups and name in address_groups},
            where,
        ),
    )
    return policies, problems


def _settings(written: Mapping[str, Any], name: str) -> dict[str, Any]:
    """Return the settings of a policy; one that is mentioned is an error unless it says otherwise."""
    value = written.get(name)
    if value is None:
        return {}
    settings = {"level": value} if isinstance(value, str) else dict(value)
    if name not in ("world_open_management", "world_open_any_port"):
        settings.setdefault("level", "error")
    return {key: tuple(part) if isinstance(part, list) else part for key, part in settings.items()}


def _flows(
    key: str,
    written: Sequence[Mapping[str, Any]],
    address_groups: AddressGroups | None,
    left: Budget,
    problems: list[Problem],
) -> Iterator[FlowPolicy]:
    for index, flow in enumerate(written):
        if not left.take(count_prefixes(flow, address_groups or {})):
            message = f"up to this one the flows come to more than {left.most:,} prefixes, over the limit"
            problems.append(Problem((key, index), ProblemName.TOO_MANY_RULES, message, "name smaller address groups"))
            return
        rule = {name: part for name, part in flow.items() if name not in ("group", "level", "description")}
        rules = None
        if address_groups is not None or "remote_address_group" not in flow:
            expansion = expand(rule, address_groups or {})
            problems += [problem.below((key, index)) for problem in expansion.problems]
            rules = expansion.rules
            if expansion.number > MAX_RULES:
                message = f"this flow is {expansion.number} rules, over the limit of {MAX_RULES}"
                problems.append(Problem((key, index), ProblemName.TOO_MANY_RULES, message, "write it as several"))
        yield FlowPolicy(flow["group"], rules, flow.get("description", ""), flow.get("level", "error"))


def _address_groups_of(flow: Mapping[str, Any]) -> tuple[str, ...]:
    names = flow.get("remote_address_group", ())
    return (names,) if isinstance(names, str) else tuple(names)


def _texts(group: AddressGroup) -> tuple[str, ...]:
    return tuple(prefix or EVERYWHERE[family] for family, prefix in group.prefixes)


def _management(written: Mapping[str, Any], problems: list[Problem]) -> dict[str, Any]:
    settings = _settings(written, "world_open_management")
    if "ports" in settings:
        ranges, wrong = read_ranges({"ports": settings["ports"]}, "tcp")
        problems += [problem.below(("world_open_management",)) for problem in wrong]
        settings["ports"] = tuple((1, MAX_PORT) if low is None else (low, high) for low, high in ranges)
    return settings


def _allowed_prefixes(written: Mapping[str, Any], problems: list[Problem]) -> dict[str, Any]:
    settings = _settings(written, "allowed_prefixes")
    if "prefixes" in settings:
        read = [read_prefix(text) for text in settings["prefixes"]]
        problems += [
            prefix.problem.below(("allowed_prefixes", "prefixes", index))
            for index, prefix in enumerate(read)
            if prefix.problem
        ]
        settings["prefixes"] = tuple(prefix.canonical or EVERYWHERE[prefix.family] for prefix in read)
    return settings


def _description(written: Mapping[str, Any], problems: list[Problem]) -> dict[str, Any]:
    settings = _settings(written, "rule_description")
    _check_pattern(settings.get("pattern"), ("rule_description", "pattern"), problems)
    return settings


def _tags(written: Mapping[str, Any], problems: list[Problem]) -> dict[str, Any]:
    settings = _settings(written, "required_tags")
    if "tags" in settings:
        tags = settings["tags"]
        pairs = tags.items() if isinstance(tags, Mapping) else [(key, None) for key in tags]
        for key, pattern in pairs:
            _check_pattern(pattern, ("required_tags", "tags", key), problems)
        settings["tags"] = tuple(pairs)
    return settings


def _protocols(written: Mapping[str, Any]) -> dict[str, Any]:
    settings = _settings(written, "forbidden_protocols")
    if "protocols" in settings:
        names = {canonical_protocol(name, family) for name in settings["protocols"] for family in ("IPv4", "IPv6")}
        settings["protocols"] = frozenset(names.union(*(same for same in _SAME_PACKETS if names & same)))
    return settings


_SAME_PACKETS = (EVERY_PROTOCOL, frozenset({"ipip", "ipencap"}))  # the latter both IANA's number 4
"""Protocols that Neutron does not hold to be one, and that stand for the same packets."""


def _check_pattern(pattern: str | None, path: Path, problems: list[Problem]) -> None:
    try:
        compile_pattern(pattern or "")
    except ValueError as error:
        message, fix = f"this is no regular expression: {error}", "quote what is meant as it stands"
        problems.append(Problem(path, ProblemName.NOT_A_REGEX, message, fix))

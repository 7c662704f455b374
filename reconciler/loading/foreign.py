"""Tells what belongs to other tools: charts, manifests, workflows, compose files, templates of other clouds."""

import re
from collections.abc import Collection, Sequence
from itertools import islice
from typing import Any, NamedTuple

from reconciler.loading.document import YamlDocument
from reconciler.loading.issues import Source, is_template
from reconciler.loading.structure import check_of
from reconciler.loading.values import is_own_key
from reconciler.model.errors import Issue
from reconciler.model.place import FilePlace
from reconciler.model.problems import ProblemName
from reconciler.model.text import MOST_WORDS, closest

_OURS = re.compile(
    r"""(?:security[_ ]groups?|security_group_rules|address_groups|ethertype|port_range_m(?:in|ax)|ip[_ ]range
    |remote_ip_prefix(?:es)?|remote_(?:address_)?group(?:_id)?)["']?\s*:
    |direction["']?\s*:\s*["']?(?:in|e)gress|OS::Neutron::Sec""",
    re.IGNORECASE | re.VERBOSE,
)
"""What a file has that speaks of the rules of security groups, ours or another tool's."""

_KEY = re.compile(rb"^([A-Za-z_][\w.-]*)[ \t]*:", re.MULTILINE)
_OUR_OWN = frozenset({"security_groups", "address_groups", "rule_sets", "policies"})
"""Keys one of which every document of ours has."""


class _Tool(NamedTuple):
    """What a document with all of these keys is; `advice` follows where it may hold security groups."""

    marks: frozenset[str]
    what: str
    advice: str = ""


_ITEMS = "; or write its groups as items of `security_groups:`"
_TOOLS = (
    _Tool(frozenset({"heat_template_version"}), "a template of Heat", _ITEMS),
    _Tool(frozenset({"AWSTemplateFormatVersion"}), "a template of CloudFormation", _ITEMS),
    _Tool(frozenset({"Resources"}), "a template of CloudFormation", _ITEMS),
    _Tool(frozenset({"$schema", "contentVersion"}), "a template of Azure", _ITEMS),
    _Tool(frozenset({"apiVersion", "kind"}), "a Kubernetes manifest"),
    _Tool(frozenset({"services"}), "a compose file"),
    _Tool(frozenset({"jobs", "on"}), "a CI workflow"),
    _Tool(frozenset({"stages"}), "a CI pipeline"),
    _Tool(frozenset({"repos"}), "a configuration of pre-commit"),
    _Tool(frozenset({"terraform_version"}), "a state of Terraform", _ITEMS),
    _Tool(frozenset({"resource"}), "a configuration of Terraform", _ITEMS),
    _Tool(frozenset({"resources", "type"}), "a template of another tool", _ITEMS),
    _Tool(frozenset({"openapi"}), "a description of an API"),
    _Tool(frozenset({"hosts"}), "a playbook of Ansible", _ITEMS),
)

_TASKS = _Tool(frozenset(), "tasks of Ansible", _ITEMS)
_RESOURCE = _Tool(frozenset(), "a resource of `sgctl operator`")


def foreign_documents(
    source: Source, documents: Sequence[YamlDocument], *, is_whole: bool, was_found: bool
) -> tuple[Issue, ...]:
    """Name the documents of a file that are other tools'; one line for each.

    Those are all that have the marks of a tool. In a file that `was_found` in a folder, rather than named, so are those
    that have none of our keys, and none like them. A file that is no YAML (not `is_whole`), as a chart's templates, is
    judged by the beginnings of its lines.
    """
    if not is_whole or not documents:
        keys = [match.decode() for match in _KEY.findall(source.data)] if was_found else []
        text = source.data.decode("utf-8", "replace") if was_found else ""
        is_foreign = text.strip() and not _OURS.search(text) and not_ours(keys)
        return (_issue(FilePlace(source.path, 1, 1), _kind_of(keys, text), was_found=True),) if is_foreign else ()
    found = []
    for index, document in enumerate(documents):
        marks = _keys_of(document.value)
        if not _OUR_OWN.isdisjoint(marks):
            continue
        tool = _tool_of(document.value, marks)
        if tool is None and was_found and not_ours(marks):
            end = documents[index + 1].place().line - 1 if index + 1 < len(documents) else None
            text = "\n".join(source.lines[document.place().line - 1 : end])
            tool = None if _OURS.search(text) else _kind_of(marks, text)
        if tool is not None:
            found.append(_issue(document.place(), tool, was_found=was_found))
    return tuple(found)


def _keys_of(value: Any) -> Collection[str]:
    """Return the keys of a document, of its first item where it is a list."""
    first = value[0] if isinstance(value, list) and value else value
    return first.keys() if isinstance(first, dict) else ()


def _tool_of(value: Any, keys: Collection[str]) -> _Tool | None:
    if isinstance(value, list) and any("." in key and "security_group" in key for key in keys):
        return _TASKS
    if isinstance(value, dict) and str(value.get("apiVersion")).startswith("sgctl.dev/"):
        return _RESOURCE
    return next((tool for tool in _TOOLS if tool.marks.issubset(keys)), None)


def _kind_of(keys: Collection[str], text: str) -> _Tool:
    what = "a template" if is_template(text) else "a file of another tool"
    return _tool_of(None, keys) or _Tool(frozenset(), what)


_COMMON = frozenset({"project", "region"})
"""Keys of ours that the files of other tools have as well."""

_MISTAKABLE = frozenset({"rule_sets"})
"""Keys of ours that other tools spell nearly so (`rulesets`)."""


def not_ours(keys: Collection[str]) -> bool:
    """Tell from the keys of a document whether it is another tool's; comparing is slow, and done for the first ones."""
    known = check_of("document").properties().keys() - _COMMON
    if any(key in known or is_own_key(key) for key in keys):
        return False
    return not any(closest(key, known - _MISTAKABLE, 0.8) for key in islice(keys, MOST_WORDS))


def _issue(place: FilePlace, tool: _Tool, *, was_found: bool) -> Issue:
    message = f"this looks like {tool.what}, and has no security groups of sgctl"
    message += ": set `paths` or `exclude` in sgctl.toml" if was_found else ""
    return Issue(
        place, ProblemName.NOT_OURS, message + (tool.advice if was_found else tool.advice.replace("; or", ":"))
    )

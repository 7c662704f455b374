"""Tells what belongs to other tools in a folder: charts, manifests, workflows, compose files."""

import re
from collections.abc import Collection, Sequence
from itertools import islice

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
_KINDS = (
    ({"apiVersion", "kind"}, "a Kubernetes manifest"),
    ({"services"}, "a compose file"),
    ({"jobs", "on"}, "a CI workflow"),
)


def foreign_documents(source: Source, documents: Sequence[YamlDocument], *, is_whole: bool) -> tuple[Issue, ...]:
    """Name the documents of a file that have none of our keys, and none like them; one line for each.

    A file that is no YAML (not `is_whole`), as a chart's templates, is judged by the beginnings of its lines.
    """
    if not is_whole or not documents:
        keys = [match.decode() for match in _KEY.findall(source.data)]
        text = source.data.decode("utf-8", "replace")
        is_foreign = text.strip() and not _OURS.search(text) and not_ours(keys)
        return (_issue(FilePlace(source.path, 1, 1), keys, text),) if is_foreign else ()
    found = []
    firsts = [document.place().line - 1 for document in documents]
    for document, first, end in zip(documents, firsts, [*firsts[1:], None], strict=True):
        keys = list(document.value) if isinstance(document.value, dict) else []
        text = "\n".join(source.lines[first:end])
        if not_ours(keys) and not _OURS.search(text):
            found.append(_issue(document.place(), keys, text))
    return tuple(found)


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


def _issue(place: FilePlace, keys: Collection[str], text: str) -> Issue:
    kinds = [what for marks, what in _KINDS if marks.issubset(keys)]
    what = kinds[0] if kinds else "a template" if is_template(text) else "a file of another tool"
    message = f"this looks like {what}, and has no security groups: set `paths` or `exclude` in sgctl.toml"
    return Issue(place, ProblemName.NOT_OURS, message)

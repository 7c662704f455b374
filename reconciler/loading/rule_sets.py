"""The rule sets of a run: named lists of rules that files define, and that lists of rules stand for by `use`."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import takewhile
from typing import Any, NamedTuple

from reconciler.loading.address_groups import names_of_slips, read_address_groups
from reconciler.loading.document import Document
from reconciler.loading.issues import Budget, Issues, Path
from reconciler.loading.report import report_malformed
from reconciler.loading.rules import RuleScope, Shared, is_use, names_of_use, read_rules
from reconciler.loading.structure import is_well_formed
from reconciler.model.cloud import MAX_RULES
from reconciler.model.desired import DesiredRule
from reconciler.model.place import Place
from reconciler.model.problems import ProblemName
from reconciler.model.text import shown

MAX_SET_RULES = 400_000
"""Rules and prefixes that the sets of a run may come to together: what a run has memory for."""


class _Written(NamedTuple):
    """A rule set as a document has it: its items, none where it is no list of any."""

    document: Document
    items: Sequence[Any]

    def place(self, name: str) -> Place:
        return self.document.key_place("rule_sets", name)


def read_shared(documents: Sequence[Document], issues: Issues) -> Shared:
    """Read what the documents define for all of them. What is wrong within a rule set is told once, not at each use."""
    address_groups = read_address_groups(documents, issues)
    written = _collect(documents, issues)
    misplaced = (name for document in documents for name in names_of_slips(document, "rule_sets"))
    read: dict[str, tuple[DesiredRule, ...]] = dict.fromkeys((*written, *misplaced), ())
    shared, left = Shared(address_groups, read), Budget(MAX_SET_RULES)
    for name in _inner_first(written, issues):
        document, items = written[name]
        if not items:
            continue
        rules = read_rules(RuleScope(document, shared, issues, left), ("rule_sets", name), items)
        read[name] = rules if len(rules) <= MAX_RULES else ()  # too many is told; each use would tell it again
        if left.is_spent:
            message = f"up to this one the rule sets come to more than {left.most:,} rules and prefixes when expanded"
            fix = "use fewer sets in other sets"
            issues.add(written[name].place(name), ProblemName.TOO_MANY_RULES, f"{message}, over the limit", fix)
            break
    return shared


_ANY_RULE = {"direction": "ingress"}


def _collect(documents: Sequence[Document], issues: Issues) -> dict[str, _Written]:
    """Find the rule sets; a name means one alone, in all files."""
    found: dict[str, _Written] = {}
    for document in documents:
        for name, items in rule_sets_of(document).items():
            shape = {name: [_ANY_RULE] if isinstance(items, list) and items else items}
            if not is_well_formed("rule_sets", shape):
                report_malformed(document, ("rule_sets",), "rule_sets", shape, issues)
            written = _Written(document, items if isinstance(items, list) else ())
            if (other := found.setdefault(name, written)) is not written:
                message, related = f"the rule set {shown(name)} is defined twice", ("the other", other.place(name))
                fix = "keep one of the two, or give one another name"
                issues.add(written.place(name), ProblemName.RULE_SET_TWICE, message, fix, (related,))
    return found


def rule_sets_of(document: Document) -> Mapping[str, Any]:
    """Return the rule sets of a document as they are written."""
    written = document.value.get("rule_sets") if isinstance(document.value, dict) else None
    return written if isinstance(written, dict) else {}


def _inner_first(written: Mapping[str, _Written], issues: Issues) -> Iterator[str]:
    """Yield the names of all sets, each after those that it uses. A use that leads back to its own set is an issue."""
    done: set[str] = set()
    for first in written:
        way = {} if first in done else {first: _uses(written[first])}
        while way:
            name, uses = next(reversed(way.items()))
            for path, inner in uses:
                if inner in way:
                    _report_circle(written, name, path, inner, issues)
                elif inner in written and inner not in done:
                    way[inner] = _uses(written[inner])
                    break
            else:
                del way[name]
                done.add(name)
                yield name


def _uses(written: _Written) -> Iterator[tuple[Path, str]]:
    for index, item in enumerate(written.items):
        if is_use(item):
            yield from (((index, *path), name) for path, name in names_of_use(item))


def _report_circle(written: Mapping[str, _Written], name: str, path: Path, inner: str, issues: Issues) -> None:
    if issues.full:
        issues.count()
        return
    message, fix = f"the rule set {shown(name)} uses itself", "take this use out"
    if inner != name:
        message = f"the rule set {shown(name)} uses {shown(inner)}, which uses {shown(name)} in turn"
        fix = "move the rules that both need to a set of their own"
    place = written[name].document.place("rule_sets", name, *path)
    related = ("its definition", written[inner].place(inner))
    issues.add(place, ProblemName.RULE_SET_OF_ITSELF, message, fix, (related,))


def written_out(value: Mapping[str, Any], rule_sets: Mapping[str, Sequence[Any]], left: Budget) -> Mapping[str, Any]:
    """Return a valid document with the rules of the sets, as they are written, in place of each `use`, and no sets.

    A rule may be written often and mean the same: where no more are `left`, lists end early.
    """
    found = {key: part for key, part in value.items() if key != "rule_sets"}
    if "security_groups" in value:
        found["security_groups"] = [
            {**group, "rules": list(takewhile(lambda _: left.take(1), _items(group["rules"], rule_sets, set())))}
            if "rules" in group
            else group
            for group in value["security_groups"]
        ]
    return found


def _items(items: Sequence[Any], rule_sets: Mapping[str, Sequence[Any]], used: set[str]) -> Iterator[Any]:
    """Yield the items that a list means, those of each set once."""
    ways = [iter(items)]
    while ways:
        for item in ways[-1]:
            if is_use(item):
                names = [name for _, name in names_of_use(item) if name not in used]
                used.update(names)
                ways += [iter(rule_sets[name]) for name in reversed(dict.fromkeys(names))]
                break
            yield item
        else:
            ways.pop()

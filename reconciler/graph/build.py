"""Sides -> graphs, one for each target; targets that come out alike share one."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import reduce
from hashlib import sha256
from itertools import chain

from reconciler.graph.model import Edge, Graph, Node, NodeKind, NodeNote, PartStatus, focused
from reconciler.model.desired import Target
from reconciler.model.egress import DEFAULT_EGRESS_RULES
from reconciler.model.rule import EVERY_PROTOCOL, PORT_PROTOCOLS, Direction, Ethertype, Rule
from reconciler.planning.group_view import StateView, ViewedGroup
from reconciler.traffic import Traffic, describe_service, exposures, may_be_world
from reconciler.traffic.flow import Flow

ANYWHERE = "anywhere"
Sources = Mapping[frozenset[str], str]
"""Names for sets of prefixes: the address groups of the files."""

_Words = tuple[tuple[PartStatus, tuple[str, ...]], ...]
"""Services by what happens to them; only statuses that have some."""


@dataclass(frozen=True, slots=True)
class _Remote:
    """Where traffic comes from or goes to: a group, a prefix, or everywhere (neither)."""

    group: str | None = None
    prefix: str | None = None


@dataclass(slots=True)
class _Builder:
    names: Mapping[str, str]
    sources: Mapping[str, Sequence[tuple[frozenset[str], str]]]
    """Address groups, each with its name, by one of their prefixes."""

    nodes: dict[str, Node] = field(default_factory=dict)
    edges: list[Edge] = field(default_factory=list)


def build_graphs(
    view: StateView, before: StateView | None = None, *, sources: Sources | None = None, only: Collection[str] = ()
) -> tuple[Graph, ...]:
    """Draw a view, or the change from another view to it.

    Of a change only the groups that change are drawn, and those they have to do with; `only` names the groups to draw
    in the same way.
    """
    old, new = _by_target(before), _by_target(view)
    names = {**(before.names if before else {}), **view.names}
    by_prefix: defaultdict[str, list[tuple[frozenset[str], str]]] = defaultdict(list)
    for members, name in (sources or {}).items():
        by_prefix[min(members, default="")].append((members, name))
    graphs: defaultdict[tuple[tuple[Node, ...], tuple[Edge, ...]], list[Target]] = defaultdict(list)
    for target in dict.fromkeys((*new, *old)):
        pairs = _pairs(old.get(target, {}), new.get(target, {}), is_change=before is not None)
        focus = {key for key, (_, group) in pairs.items() if group.name in only} if only else None
        if before is not None and focus is None:
            focus = {key for key, (was, group) in pairs.items() if was is None or _differs(was, group)}
        builder = _Builder(names, by_prefix)
        for key, (was, group) in pairs.items():
            _add_group(builder, key, was, group)
        drawn = _focused(builder, focus)
        graphs[drawn].append(target)
    return tuple(Graph(tuple(targets), *drawn) for drawn, targets in graphs.items())


def _by_target(view: StateView | None) -> dict[Target, dict[str, ViewedGroup]]:
    found: defaultdict[Target, dict[str, ViewedGroup]] = defaultdict(dict)
    for group in view.groups if view else ():
        found[group.target][group.key] = group
    return found


def _pairs(
    old: Mapping[str, ViewedGroup], new: Mapping[str, ViewedGroup], *, is_change: bool
) -> dict[str, tuple[ViewedGroup | None, ViewedGroup]]:
    """Put each group beside what it was; without a change, beside itself."""
    return {key: (old.get(key) if is_change else group, group) for key, group in new.items()}


def _differs(was: ViewedGroup, group: ViewedGroup) -> bool:
    return {rule.rule for rule in was.rules or ()} != {rule.rule for rule in group.rules or ()}


def _add_group(builder: _Builder, key: str, was: ViewedGroup | None, group: ViewedGroup) -> None:
    """Add a group with its edges and notes."""
    rules = group.rules or ()
    notes: list[NodeNote] = []
    for direction in ("ingress", "egress"):
        words = _words_by_remote(was, group, direction)
        sets: defaultdict[_Words, list[str]] = defaultdict(list)
        for remote, found in words.items():
            if remote.prefix is not None:
                sets[found].append(remote.prefix)
            elif remote.group == key:
                notes += _notes("from each other: " if direction == "ingress" else "to each other: ", found)
            elif remote.group is not None:
                _add_edges(builder, direction, key, _group_node(builder, remote.group), found)
            elif direction == "ingress":
                _add_edges(builder, direction, key, _world_node(builder), found)
            else:
                notes += _notes("out: ", found)
        for found, prefixes in sets.items():
            if direction == "ingress":
                _add_edges(builder, direction, key, _source_node(builder, prefixes), found)
            else:
                notes += _notes("out: ", found, f" to {_prefix_words(builder, prefixes)}")
    detail = "rules not managed" if group.rules is None else f"{len(rules)} rule{'' if len(rules) == 1 else 's'}"
    status = PartStatus.ADDED if was is None else PartStatus.SAME
    exposed = _is_exposed([each.rule for each in rules])
    builder.nodes[key] = Node(key, NodeKind.GROUP, group.name, detail, status, tuple(dict.fromkeys(notes)), exposed)


def _is_exposed(rules: Collection[Rule]) -> bool:
    return may_be_world(rules) and bool(exposures(Traffic.of(rules).flows()))


def _words_by_remote(was: ViewedGroup | None, group: ViewedGroup, direction: Direction) -> dict[_Remote, _Words]:
    """Say which services a group has with each remote, and what happens to them."""
    before, after = _rules_by_remote(was, direction), _rules_by_remote(group, direction)
    found: dict[_Remote, _Words] = {}
    admitted_before = admitted_after = Traffic.of(chain.from_iterable(after.values()))
    if was is not group:
        admitted_before = Traffic.of(chain.from_iterable(before.values()))
    for remote in dict.fromkeys((*after, *before)):
        old_rules, new_rules = before.get(remote, ()), after.get(remote, ())
        new = without_remote(new_rules)
        old = new if old_rules == new_rules else without_remote(old_rules)
        has_preset = direction == "egress" and remote == _Remote()
        before_preset, after_preset = has_preset and _shows_preset(was), has_preset and _shows_preset(group)
        added = removed = Traffic()
        if new != old:
            added = new.difference(old).intersection(_not_in(new_rules, admitted_before))
            removed = old.difference(new).intersection(_not_in(old_rules, admitted_after))
        parts = (
            (PartStatus.SAME, new.difference(added), before_preset or after_preset),
            (PartStatus.ADDED, added, after_preset),
            (PartStatus.REMOVED, removed, before_preset),
        )
        found[remote] = tuple(
            (status, words)
            for status, part, with_preset in parts
            if (words := service_words(part, with_family=remote.prefix is None, with_preset=with_preset))
        )
    return found


def _shows_preset(group: ViewedGroup | None) -> bool:
    """Tell whether the default egress set is worth naming: all of it is there, and no rule says everything."""
    rules = (group.rules if group else None) or ()
    everything = any(each.rule.protocol in EVERY_PROTOCOL and each.rule.direction == "egress" for each in rules)
    return any(each.preset for each in rules) and not everything


def _not_in(rules: Collection[Rule], others: Traffic) -> Traffic:
    """Return the services of what rules of one remote admit, and others of whatever remote do not."""
    from_here = {rule._replace(protocol=None, port_range_min=None, port_range_max=None) for rule in rules}
    here = reduce(Traffic.union, map(others.part, from_here), Traffic())  # a plane each, and a few columns of it
    return Traffic.of(rules).difference(here).from_everywhere()


def service_words(part: Traffic, *, with_family: bool, with_preset: bool) -> tuple[str, ...]:
    """Name services; the default egress set by one name, where the part is all of it, and what there is beside it."""
    preset = Traffic.of(DEFAULT_EGRESS_RULES) if with_preset else None
    if preset is not None and preset.is_subset(part):
        return ("default egress", *service_labels(part.difference(preset).flows(), with_family=with_family))
    return service_labels(part.flows(), with_family=with_family)


def _rules_by_remote(group: ViewedGroup | None, direction: Direction) -> dict[_Remote, list[Rule]]:
    found: defaultdict[_Remote, list[Rule]] = defaultdict(list)
    for each in (group.rules if group else None) or ():
        rule = each.rule
        if rule.direction == direction:
            found[_Remote(rule.remote_group_id, rule.remote_ip_prefix)].append(rule)
    return found


def _notes(start: str, words: _Words, end: str = "") -> Iterator[NodeNote]:
    for status, found in words:
        yield NodeNote(f"{start}{'; '.join(found)}{end}", status)


def _add_edges(builder: _Builder, direction: Direction, key: str, other: str, words: _Words) -> None:
    tail, head = (other, key) if direction == "ingress" else (key, other)
    builder.edges += [Edge(tail, head, found, direction, status) for status, found in words]


def _group_node(builder: _Builder, key: str) -> str:
    unknown = Node(key, NodeKind.UNKNOWN, builder.names.get(key, key), "not among these groups")
    builder.nodes.setdefault(key, unknown)
    return key


def _world_node(builder: _Builder) -> str:
    builder.nodes.setdefault(ANYWHERE, Node(ANYWHERE, NodeKind.WORLD, ANYWHERE))
    return ANYWHERE


def _source_node(builder: _Builder, prefixes: Collection[str]) -> str:
    key = "prefixes-" + sha256(" ".join(sorted(prefixes)).encode()).hexdigest()[:12]
    listed = ", ".join(prefixes)
    title = _prefix_words(builder, prefixes)
    is_world = _is_exposed([Rule("ingress", _family(prefix), "tcp", None, None, prefix, None) for prefix in prefixes])
    kind = NodeKind.WORLD if is_world else NodeKind.PREFIXES
    builder.nodes.setdefault(key, Node(key, kind, title, listed if listed != title else ""))
    return key


def _family(prefix: str) -> Ethertype:
    return "IPv6" if ":" in prefix else "IPv4"


def _prefix_words(builder: _Builder, prefixes: Collection[str]) -> str:
    """Name address groups that are all there, write one prefix out, and count single addresses."""
    left = dict.fromkeys(prefixes)
    words = []
    sources = [each for prefix in left for each in builder.sources.get(prefix, ())]
    for members, name in sorted(sources, key=lambda item: (-len(item[0]), item[1])):
        if members <= left.keys():
            words.append(name)
            left = {prefix: None for prefix in left if prefix not in members}
    single: list[str] = []
    wider: list[str] = []
    for prefix in left:
        (single if prefix.endswith("/128" if _family(prefix) == "IPv6" else "/32") else wider).append(prefix)
    if wider:
        words.append(wider[0] + (f" +{len(wider) - 1}" if len(wider) > 1 else ""))
    if single:
        words.append(single[0] if len(single) == 1 else f"{len(single)} addresses")
    return ", ".join(words)


def _focused(builder: _Builder, focus: Collection[str] | None) -> tuple[tuple[Node, ...], tuple[Edge, ...]]:
    """Keep some groups and what they have to do with; all where there is no focus."""
    edges = tuple(dict.fromkeys(builder.edges))
    nodes = tuple(builder.nodes.values())
    return (nodes, edges) if focus is None else focused(nodes, edges, focus)


_MOST = 4
"""Ranges of ports that are written out; the others are counted."""


def service_labels(flows: Iterable[Flow], *, with_family: bool) -> tuple[str, ...]:
    """Write the services of flows, whatever their remotes; both families at once, IPv6 alone where it is alone.

    `with_family` is off where the remote shows its family already.
    """
    families: tuple[Ethertype, ...] = ("IPv4", "IPv6")
    flows = tuple(flows)
    words: dict[str, set[str]] = {}
    for family in families:
        ports: defaultdict[str, list[str]] = defaultdict(list)
        for flow in (flow for flow in flows if flow.ethertype == family):
            word = describe_service(flow)
            name, _, rest = word.partition(" ")
            if flow.protocol in PORT_PROTOCOLS and flow.ports is not None:
                ports[name].append(rest)
            else:
                words.setdefault("everything" if word == "every protocol" else word, set()).add(family)
        for name, ranges in ports.items():
            words.setdefault(f"{name} {_few(ranges)}", set()).add(family)
    return tuple(
        f"{word} (IPv6)" if with_family and found == {"IPv6"} and not word.startswith("ipv6-") else word
        for word, found in sorted(words.items(), key=_weight)
    )


def without_remote(rules: Iterable[Rule]) -> Traffic:
    """Return what rules of one remote admit, as if from everywhere: only the services are of interest."""
    return Traffic.of(rule._replace(remote_ip_prefix=None, remote_group_id=None) for rule in rules)


def _weight(item: tuple[str, set[str]]) -> tuple[int, str]:
    """Put first what matters most: everything, then the protocols with ports, in the order of the alphabet."""
    name = item[0].partition(" ")[0]
    return (0 if name == "everything" else 1 if name in PORT_PROTOCOLS else 2), name


def _few(ranges: Collection[str]) -> str:
    shown = list(dict.fromkeys(ranges))
    more = f" +{len(shown) - _MOST}" if len(shown) > _MOST + 1 else ""
    return ", ".join(shown[:_MOST] if more else shown) + more

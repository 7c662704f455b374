"""What several groups have in common, said once with their names; and the traffic that matters most. Pure.

A change in a fleet is the same change many times over. `condense` takes what is alike out of the groups and puts it
into views that stand for several of them; `reaches` does the same for traffic alone.
"""

import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from functools import lru_cache
from itertools import chain
from typing import TypeVar

from reconciler.model.naming import MOST_NAMES, name_with_targets
from reconciler.model.policies import Finding
from reconciler.model.rule import Ethertype
from reconciler.model.text import count
from reconciler.render.findings import merge_alike
from reconciler.render.view import Deed, GroupRef, GroupView, Line, Reach, TrafficLine, View
from reconciler.traffic.extent import Span, prefix_span

LONG = 24
"""Lines of groups from which on remotes are counted where they differ, and no longer written out."""

SEVERAL = 3
"""Groups that have a line in common before it is taken out of them; two will do where they have all in common."""

_MOST_REMOTES = 3
_MOST_REACHES = 5

_Item = Line | TrafficLine | Deed | str
_T = TypeVar("_T", Line, TrafficLine, Deed, str)
_Key = tuple[object, ...]
_KeyOf = Callable[[_Item], _Key]
_SAME_TRAFFIC = TrafficLine("", "", "")


def condense(view: View) -> View:
    """Say what several groups have in common once. No group is left out: each is a member of what stands for it."""
    groups = _fold(view.groups, _exact)
    if sum(map(_length, groups)) > LONG:
        groups = _fold(view.groups, _loose(view.groups))
    if view.kind == "apply":
        ids = {each.ref: each.live_id for each in view.groups}
        groups = tuple(_with_ids(group, ids) for group in groups)
    groups = tuple(map(_brief, groups))
    return replace(view, groups=groups, warnings=merge_findings(view.warnings), stops=merge_findings(view.stops))


def _brief(group: GroupView) -> GroupView:
    return replace(
        group, traffic=tuple(map(_shorten_line, group.traffic)) if group.traffic else group.traffic, instance_names=()
    )


_MOST_IDS = 4
"""Groups of a block that are named by their ids as well."""


def _with_ids(block: GroupView, ids: Mapping[GroupRef, str]) -> GroupView:
    known = [ids[ref] for ref in block.members if ids[ref]]
    return replace(block, live_id=", ".join(known)) if block.members and len(known) <= _MOST_IDS else block


_REQUEST = re.compile(r"^[A-Z]+ /\S+: | \(request [^()]*\)")


def reason_of(message: str) -> str:
    """Return what an API's refusal says, without the request that it was and its id: what several have in common."""
    return _REQUEST.sub("", message)


_EXCEPT = re.compile(r" except [^;]*")


def merge_findings(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """Say once what findings have in common; what each excepts is left out where it differs."""
    plain: defaultdict[Finding, list[Finding]] = defaultdict(list)
    for each in merge_alike(findings):
        text = _EXCEPT.sub(", with exceptions", each.message).replace(repr(each.group), "", 1)
        plain[replace(each, message=text, place=None, group=None)].append(each)
    merged = chain.from_iterable(
        merge_alike(replace(one, message=_EXCEPT.sub(", with exceptions", one.message)) for one in same)
        if len(same) > 1
        else same
        for same in plain.values()
    )
    return tuple(replace(each, message=_without_many(each.message)) for each in merged)


def shorten_end(view: View) -> View:
    """Make one of much traffic that differs in the remote only, but for what the whole world is concerned with."""
    return replace(view, exposed=_shorten(view.exposed), refused=_shorten(view.refused))


def reaches(groups: Iterable[GroupView], is_meant: Callable[[TrafficLine], bool]) -> tuple[Reach, ...]:
    """Collect the traffic that is meant, each once with its groups: the most alarming first, then the most frequent."""
    found: dict[_Key, tuple[TrafficLine, dict[GroupRef, None]]] = {}
    for group in groups:
        for line in filter(is_meant, group.traffic or ()):
            found.setdefault(_exact(line), (line, {}))[1][group.ref] = None
    return in_order(Reach(line, tuple(refs)) for line, refs in found.values())


def _urgency(reach: Reach) -> tuple[bool, bool, int]:
    return not reach.line.is_world, not reach.line.alarm, -len(reach.groups)


def in_order(found: Iterable[Reach]) -> tuple[Reach, ...]:
    """Put the most alarming first, then the most frequent."""
    return tuple(sorted(found, key=_urgency))


_EXCEPTIONS = re.compile(r" except ([0-9a-f.:/]+, [0-9a-f.:/]+)((?:, [0-9a-f.:/]+){2,})")


def _without_many(text: str) -> str:
    """Count the prefixes that a text excepts where they are many: one remark may name a thousand."""
    return _EXCEPTIONS.sub(lambda found: f" except {found[1]} and {found[2].count(','):,} more", text)


def _shorten_line(line: TrafficLine) -> TrafficLine:
    return replace(line, text=_without_many(line.text), remote=_without_many(line.remote))


def _shorten(found: Sequence[Reach]) -> tuple[Reach, ...]:
    found = [replace(reach, line=_shorten_line(reach.line)) for reach in found]
    if len(found) <= _MOST_REACHES:
        return tuple(found)
    alike: defaultdict[_Key, list[Reach]] = defaultdict(list)
    for reach in found:
        alike[_exact(reach.line) if reach.line.is_world else _without_remote(reach.line)].append(reach)
    return in_order(
        Reach(
            _merge_traffic([reach.line for reach in each], examples=2),
            tuple(dict.fromkeys(ref for reach in each for ref in reach.groups)),
        )
        for each in alike.values()
    )


def describe_groups(groups: Iterable[GroupRef], most: int = MOST_NAMES) -> str:
    """Name groups with their targets: `app, web (project 1, regions 7 and 8); db (project 2, region 7)`."""
    return name_with_targets(((ref.target, ref.name) for ref in groups), most)


@dataclass(slots=True)
class _Shared:
    """What is common to the same groups: items by key, and the groups of which nothing else is to be said."""

    members: tuple[int, ...]
    items: dict[_Key, list[_Item]] = field(default_factory=dict)
    whole: list[GroupView] = field(default_factory=list)


def _fold(groups: Sequence[GroupView], key_of: _KeyOf) -> tuple[GroupView, ...]:
    """Take out what groups have in common. What is common to the same groups is one view, with them as its members."""
    keyed = [list(_keyed(group, key_of)) for group in groups]
    having: defaultdict[_Key, dict[int, None]] = defaultdict(dict)
    for index, here in enumerate(keyed):
        for key, _ in here:
            having[key][index] = None
    by_members: dict[tuple[int, ...], _Shared] = {}
    shared = {key: by_members.setdefault(tuple(having[key]), _Shared(tuple(having[key]))) for key in having}
    signatures = [frozenset(key for key, _ in here) for here in keyed]
    alike = Counter(signatures)
    rest: list[GroupView] = []
    for group, here, signature in zip(groups, keyed, signatures, strict=True):
        left = []
        for key, item in here:
            having_it = len(shared[key].members)
            if having_it >= (2 if alike[signature] == having_it else SEVERAL):
                shared[key].items.setdefault(key, []).append(item)
            else:
                left.append(item)
        if not left:
            shared[here[0][0]].whole.append(group)
        else:
            rest.append(group if len(left) == len(here) else _left_of(group, left, len(here) - len(left)))
    blocks = []
    seen: set[int] = set()
    for each in by_members.values():
        if each.items:
            blocks.append(
                _block(each, [groups[index] for index in each.members], is_again=seen.issuperset(each.members))
            )
            seen.update(each.members)
    return (*blocks, *rest)


def _keyed(group: GroupView, key_of: _KeyOf) -> Iterator[tuple[_Key, _Item]]:
    """Yield each item with what it has in common with others; who did something is told beside what was done."""
    lines = frozenset(map(key_of, group.lines)) if group.deeds else None
    for item in _items(group):
        key = key_of(item)
        yield _of_group(group, (*key, lines) if isinstance(item, Deed) else key), item


def _of_group(group: GroupView, key: _Key) -> _Key:
    return (group.symbol, group.word, group.remark, group.tone, *key)


def _items(group: GroupView) -> Iterator[_Item]:
    """Yield all that is said of a group; of one about which there is nothing to say, one item for that."""
    yield from group.lines
    yield from (_SAME_TRAFFIC,) if group.traffic == () else group.traffic or ()
    yield from group.deeds
    yield from group.remarks
    if not (group.lines or group.deeds or group.remarks or group.traffic is not None):
        yield ""


def _exact(item: _Item) -> _Key:
    if isinstance(item, Line):
        return (item.symbol, item.text, item.remark)
    if isinstance(item, Deed):
        return (item.word, item.text)
    return (item.verb, item.text, item.alarm) if isinstance(item, TrafficLine) else (reason_of(item),)


def _loose(groups: Iterable[GroupView]) -> _KeyOf:
    """Return keys that leave out the remote where there are many, and with it the description of a rule.

    What opens to the internet is counted for itself: one such remote among many private ones is written out.
    """
    remotes: defaultdict[_Key, set[str]] = defaultdict(set)
    for item in chain.from_iterable(map(_items, groups)):
        if not isinstance(item, str | Deed):
            remotes[_without_remote(item)].add(item.remote)

    def key_of(item: _Item) -> _Key:
        if isinstance(item, str | Deed):
            return _exact(item)
        key = _without_remote(item)
        return key if len(remotes[key]) > _MOST_REMOTES else _exact(item)

    return key_of


def _without_remote(item: Line | TrafficLine) -> _Key:
    head = item.text.removesuffix(item.remote)
    return (item.symbol, head) if isinstance(item, Line) else (item.verb, item.alarm, head, opens_to_public(item))


_PRIVATE: Mapping[Ethertype, Sequence[Span]] = {
    "IPv4": [prefix_span(each, "IPv4") for each in ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10")],
    "IPv6": [prefix_span(each, "IPv6") for each in ("fc00::/7", "fe80::/10")],
}
"""Addresses that are not reached over the internet (RFC 1918, 6598, 4193 and 4291)."""


@lru_cache(1 << 14)
def _is_public(remote: str) -> bool:
    """Tell whether a remote as text is a prefix that is not private."""
    prefix = remote.partition(" except ")[0]
    family: Ethertype = "IPv6" if ":" in prefix else "IPv4"
    with suppress(OSError, ValueError):  # it is the name of a group
        start, end = prefix_span(prefix, family)
        return not any(first <= start and end <= last for first, last in _PRIVATE[family])
    return False


def opens_to_public(item: Line | TrafficLine) -> bool:
    """Tell whether a line is of traffic that opens to the internet."""
    return isinstance(item, TrafficLine) and item.verb != "closes" and _is_public(item.remote)


def _block(shared: _Shared, members: Sequence[GroupView], *, is_again: bool) -> GroupView:
    """Make the view that stands for its members in what they have in common."""
    items = shared.items.values()
    lines = (_merge_rules(each, len(members)) for each in _of_type(Line, items))
    traffic = tuple(_merge_traffic(each) for each in _of_type(TrafficLine, items))
    times = sorted(time for group in shared.whole for time in group.changed_at)
    attached = [group for group in shared.whole if group.instances is not None]
    return replace(
        members[0],
        live_id="",
        openings=(),
        lines=tuple(lines),
        traffic=() if traffic == (_SAME_TRAFFIC,) else traffic or None,
        unchanged=sum(group.unchanged for group in shared.whole),
        instances=_instances(attached) if attached else None,
        changed_at=tuple(dict.fromkeys((times[0], times[-1]))) if times else (),
        deeds=tuple(replace(each[0], times=_span(each)) for each in _of_type(Deed, items)),
        remarks=tuple(text if not others else reason_of(text) for text, *others in _of_type(str, items) if text),
        members=tuple(group.ref for group in members),
        is_again=is_again,
    )


def _span(deeds: Iterable[Deed]) -> tuple[str, ...]:
    """Return the first and the last time; one where they are the same."""
    times = sorted(time for deed in deeds for time in deed.times)
    return tuple(dict.fromkeys((times[0], times[-1])))


def _instances(groups: Iterable[GroupView]) -> int:
    """Count the instances of several groups; one that has several of them counts once, as far as names tell."""
    named = {(group.ref.target, name) for group in groups for name in group.instance_names}
    return len(named) + sum((group.instances or 0) - len(group.instance_names) for group in groups)


def _of_type(kind: type[_T], items: Iterable[Sequence[_Item]]) -> Iterator[list[_T]]:
    return (found for each in items if (found := [item for item in each if isinstance(item, kind)]))


def _left_of(group: GroupView, items: Sequence[_Item], taken: int) -> GroupView:
    """Make the view of a group of what no other has, once the rest is told."""
    traffic = tuple(item for item in items if isinstance(item, TrafficLine))
    return replace(
        group,
        lines=tuple(item for item in items if isinstance(item, Line)),
        traffic=() if traffic == (_SAME_TRAFFIC,) else traffic or None,
        deeds=tuple(item for item in items if isinstance(item, Deed)),
        remarks=(*(item for item in items if isinstance(item, str)), f"{count(taken, 'more line')} of it above"),
    )


def _merge_rules(lines: Sequence[Line], groups: int) -> Line:
    """Make one line of several that differ in the remote at most; what else differs is left out."""
    first, text = lines[0], _merge_text(lines)
    if text == first.text:
        return first
    number = f" ({count(len(lines), 'rule')})" if len(lines) != groups else ""
    return Line(first.symbol, text + number, first.remark if all(line.remark == first.remark for line in lines) else "")


def _merge_traffic(lines: Sequence[TrafficLine], examples: int = 0) -> TrafficLine:
    """Do the same for traffic."""
    first, is_same = lines[0], all(line.size == lines[0].size for line in lines)
    return replace(first, text=_merge_text(lines, examples), size=first.size if is_same else "")


def _merge_text(lines: Sequence[Line] | Sequence[TrafficLine], examples: int = 0) -> str:
    """Write in how many remotes lines differ: `ingress tcp 22 from 10.0.0.0/8, 10.1.0.0/16 and 12 more`."""
    first, remotes = lines[0], list(dict.fromkeys(line.remote for line in lines))
    if len(remotes) == 1:
        return first.text
    some = ", ".join(remotes[:examples])
    left = len(remotes) - examples
    kind = "public remotes" if opens_to_public(first) else "remotes"
    more = f"{left:,} {kind}" if not some else f" and {left:,} more" if left else ""
    return f"{first.text.removesuffix(first.remote)}{some}{more}"


def _length(group: GroupView) -> int:
    return len(group.lines) + len(group.traffic or ()) + len(group.notes)

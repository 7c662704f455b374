"""Flows as JSON, and back.

The JSON knows exceptions only where the remote is null. A flow that excepts prefixes from a prefix is therefore written
as several: the fewest plain prefixes with the same addresses. Reading puts them together again, since what is read is
decomposed anew: `from_json(to_json(flows)) == flows` for the flows of a difference.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, cast

from reconciler.traffic import blocks
from reconciler.traffic.describe import NO_NAMES
from reconciler.traffic.flow import Flow, Range, Remote, flow_remotes
from reconciler.traffic.traffic import Traffic

Json = dict[str, Any]


def to_json(flows: Iterable[Flow], names: Mapping[str, str] = NO_NAMES) -> list[Json]:
    """Return flows as JSON. `names` gives the names of groups by id; where one is not known, the name is null."""
    return [
        {
            "direction": flow.direction,
            "ethertype": flow.ethertype,
            "protocol": flow.protocol,
            "except_protocols": list(flow.except_protocols),
            "ports": _pair(flow.ports),
            "icmp_types": _pair(flow.icmp_types),
            "icmp_codes": _pair(flow.icmp_codes),
            "remote": None if remote is None else _remote(remote, names),
            "except_remotes": [_remote(one, names) for one in exceptions],
        }
        for flow in flows
        for remote, exceptions in _plain(flow)
    ]


def from_json(flows: Sequence[Mapping[str, Any]]) -> tuple[Flow, ...]:
    """Return the flows of one list of a difference, as they were before `to_json`. The form is taken for granted."""
    return Traffic.of_flows(_flow(one) for one in flows).flows()


def _plain(flow: Flow) -> Iterator[tuple[Remote | None, tuple[Remote, ...]]]:
    if flow.remote is None or not flow.except_remotes:
        yield flow.remote, flow.except_remotes
        return
    for block in blocks.plain([address for _, address in flow_remotes(flow)], flow.ethertype):
        yield Remote(blocks.cidr(block, flow.ethertype)), ()


def _pair(some: Range | None) -> list[int] | None:
    return None if some is None else list(some)


def _remote(remote: Remote, names: Mapping[str, str]) -> Json:
    if remote.group is not None:
        return {"group": remote.group, "name": names.get(remote.group)}
    return {"prefix": remote.prefix}


def _flow(one: Mapping[str, Any]) -> Flow:
    return Flow(
        one["direction"],
        one["ethertype"],
        one["protocol"],
        tuple(one.get("except_protocols") or ()),
        _range(one.get("ports")),
        _range(one.get("icmp_types")),
        _range(one.get("icmp_codes")),
        None if one["remote"] is None else _read_remote(one["remote"]),
        tuple(_read_remote(remote) for remote in one.get("except_remotes") or ()),
    )


def _range(some: Sequence[int] | None) -> Range | None:
    return None if some is None else cast("Range", tuple(some))


def _read_remote(remote: Mapping[str, Any]) -> Remote:
    return Remote(remote.get("prefix"), remote.get("group"))

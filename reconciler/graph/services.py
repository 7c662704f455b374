"""Services in few words: `tcp 80, 443`."""

from collections import defaultdict
from collections.abc import Collection, Iterable

from reconciler.model.rule import PORT_PROTOCOLS, Ethertype, Rule
from reconciler.traffic import Traffic, describe_service

_MOST = 4
"""Ranges of ports that are written out; the others are counted."""


def services(admitted: Traffic, *, with_family: bool) -> tuple[str, ...]:
    """Write the services of a traffic, whatever its remotes; both families at once, IPv6 alone where it is alone.

    `with_family` is off where the remote shows its family already.
    """
    families: tuple[Ethertype, ...] = ("IPv4", "IPv6")
    v4, v6 = ([flow for flow in admitted.flows() if flow.ethertype == family] for family in families)
    words: dict[str, set[str]] = {}
    for family, flows in zip(families, (v4, v6), strict=True):
        ports: defaultdict[str, list[str]] = defaultdict(list)
        for flow in flows:
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

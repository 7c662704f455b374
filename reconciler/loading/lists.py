"""Address groups that others publish: what a file says of one, and which prefixes a list may hold. Pure."""

from collections.abc import Iterable, Sequence
from itertools import islice
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from reconciler.loading.issues import Path, Problem
from reconciler.loading.remote import read_prefix
from reconciler.model.cloud import EVERYWHERE
from reconciler.model.problems import ProblemName
from reconciler.model.text import count, shown

FILE = "file"
GCORE_LISTS = {
    "gcore-cdn": ("/cdn/public-ip-list", "[addresses, addresses_v6][]"),
    "gcore-egress": ("/cloud/public/v1/ipranges/egress", "ranges"),
}
"""The lists that Gcore publishes: the path of each, and where its answer holds the prefixes."""

MAX_PREFIXES = 20_000
"""Prefixes that a list may have, several times those of the longest ones that clouds publish."""
MAX_LIST = 4 * 2**20
"""Bytes of a list as it is published."""


class ListSource(NamedTuple):
    """Where a list comes from and what is taken of it, as a file says it. `path` is that of `source: file`.

    `widest_ipv4` and `widest_ipv6` are the shortest lengths of a prefix that are taken.
    """

    source: str
    path: str = ""
    format: str = "text"
    select: str = ""
    widest_ipv4: int = 8
    widest_ipv6: int = 16

    def __str__(self) -> str:
        return f"{FILE} {self.path}" if self.source == FILE else self.source

    @property
    def written(self) -> dict[str, Any]:
        """The keys by which a file says this, without those that say what holds anyway."""
        return {key: value for key, value in self._asdict().items() if value != self._field_defaults.get(key)}


class ReadSource(NamedTuple):
    """A source, or what is wrong with it."""

    source: ListSource
    problems: tuple[Problem, ...] = ()


def read_list_source(written: dict[str, Any]) -> ReadSource:
    """Read the well-formed source of an address group."""
    source = ListSource(**written)
    return ReadSource(source, tuple(_wrong_keys(source, written)))


def _wrong_keys(source: ListSource, written: dict[str, Any]) -> Iterable[Problem]:
    kind = source.source
    if kind == FILE and not source.path:
        yield Problem((), ProblemName.MISSING_KEY, "`path` is missing", "add `path:` with the path of the list")
    useless = {"path"} if kind != FILE else set()
    useless |= {"format", "select"} if kind in GCORE_LISTS else set()
    for key in written:
        if key in useless:
            message = (
                f"`{key}` means nothing to `source: {kind}`"
                if kind in GCORE_LISTS
                else f"`{key}` is for `source: {FILE}`"
            )
            yield Problem((key,), ProblemName.EXCLUSIVE_KEYS, message, "leave it out", at_key=True)
    if source.select and source.format != "json" and kind not in GCORE_LISTS:
        message = "`select` needs `format: json`"
        yield Problem(("select",), ProblemName.EXCLUSIVE_KEYS, message, "add format: json", at_key=True)
    if kind.startswith("http"):
        yield from _wrong_address(kind)


def _wrong_address(address: str) -> Iterable[Problem]:
    path: Path = ("source",)
    try:
        parts = urlsplit(address)
        host, has_user = parts.hostname or "", "@" in parts.netloc
        is_right = bool(host) and parts.port != 0
    except ValueError:
        is_right, has_user, host = False, False, ""
    if not is_right:
        yield Problem(path, ProblemName.WRONG_VALUE, f"{shown(address)} is not an address of the web")
    elif has_user:
        message = "the address holds a user name or a password, which everybody would read here"
        yield Problem(path, ProblemName.WRONG_VALUE, message, "have another program fetch it, and use `source: file`")
    elif parts.scheme == "http" and not is_loopback(host):
        message = f"a list from {host} by plain http could be anybody's"
        yield Problem(path, ProblemName.WRONG_VALUE, message, "write https; http is for this machine alone")


def is_loopback(host: str) -> bool:
    """Tell whether a host is this machine itself."""
    from ipaddress import ip_address  # noqa: PLC0415 - costs a start-up time that only such sources pay

    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False


class ReadList(NamedTuple):
    """The prefixes of a list, sorted and each once, with the number of repetitions; or what is wrong, in sentences."""

    prefixes: tuple[str, ...]
    repeated: int = 0
    problems: tuple[str, ...] = ()


def judge_list(texts: Sequence[str], source: ListSource) -> ReadList:
    """Read the prefixes of a list. Refuses one that is empty or too long, and what is no prefix, or a too wide one."""
    if len(texts) > MAX_PREFIXES:
        return ReadList((), 0, (f"the list has {len(texts):,} entries, over the limit of {MAX_PREFIXES:,}",))
    if not texts:
        return ReadList((), 0, ("the list is empty",))
    found: dict[tuple[int, int, int], str] = {}
    problems: list[str] = []
    for text in texts:
        read = read_prefix(text)
        if read.problem is not None:
            problems.append(read.problem.message)
            continue
        prefix = read.canonical or EVERYWHERE[read.family]
        key = _numeric(prefix)
        widest = source.widest_ipv4 if read.family == "IPv4" else source.widest_ipv6
        if key[2] < widest:
            problems.append(f"{prefix} is wider than /{widest}")
        found[key] = prefix
    if problems:
        more = f"{len(problems) - _MOST:,} more entries are refused"
        return ReadList((), 0, (*islice(problems, _MOST), *([more] if len(problems) > _MOST else ())))
    return ReadList(tuple(found[key] for key in sorted(found)), len(texts) - len(found))


_MOST = 5
"""Entries of a list that are named when they are refused."""


def _numeric(prefix: str) -> tuple[int, int, int]:
    """Return what prefixes are sorted by: IPv4 before IPv6, then by address and length."""
    from ipaddress import ip_network  # noqa: PLC0415 - costs a start-up time that only such lists pay

    network = ip_network(prefix)
    return network.version, int(network.network_address), network.prefixlen


def count_within(prefixes: Iterable[str]) -> int:
    """Count the prefixes of a sorted list that lie within others of it, and so admit nothing more."""
    within, last = 0, (0, -1)
    for version, first, length in map(_numeric, prefixes):
        end = version, first + 2 ** ((32 if version == 4 else 128) - length) - 1
        within += end <= last
        last = max(last, end)
    return within


def parse_list(data: bytes, source: ListSource) -> list[str]:
    """Read the texts of a list as it is published. Raises `ValueError` with what is wrong."""
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise ValueError("it is not UTF-8 text") from None
    select = GCORE_LISTS[source.source][1] if source.source in GCORE_LISTS else source.select
    if source.format == "json" or source.source in GCORE_LISTS:
        return _select(text, select)
    lines = (line.partition("#")[0].partition(";")[0].strip() for line in text.splitlines())
    return [line for line in lines if line]


def _select(text: str, select: str) -> list[str]:
    from reconciler.loading.select import select_texts  # noqa: PLC0415 - jmespath is needed only where a list is read

    found = select_texts(text, select)
    if not isinstance(found, list) and found is not None:
        raise ValueError(f"{'`select` finds' if select else 'it is'} no list of texts")
    entries = [each for each in found or () if each is not None]
    if wrong := [each for each in entries if not isinstance(each, str)]:
        raise ValueError(f"an entry of the list is no text: {shown(wrong[0])}")
    return entries


def describe_size(prefixes: Sequence[str], most: int) -> str | None:
    """Say that a list is longer than the rules of a group, and how short the same addresses could be told."""
    from ipaddress import IPv4Network, IPv6Network, collapse_addresses  # noqa: PLC0415 - only for long lists

    if len(prefixes) <= most:
        return None
    ipv4 = collapse_addresses(IPv4Network(each) for each in prefixes if ":" not in each)
    ipv6 = collapse_addresses(IPv6Network(each) for each in prefixes if ":" in each)
    least = len([*ipv4, *ipv6])
    message = f"{count(len(prefixes), 'prefix')}, and a security group takes {most} rules: no rule can name all of it"
    return f"{message} ({least:,} if neighbours were one)" if least < len(prefixes) else message

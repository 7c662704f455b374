"""A prefix as people write it."""

from functools import lru_cache
from typing import NamedTuple

from reconciler.model.canonical import canonical_prefix, is_canonical_ipv4
from reconciler.model.rule import Ethertype

EVERYWHERE = {"IPv4": "0.0.0.0/0", "IPv6": "::/0"}


class Prefix(NamedTuple):
    """The family and the canonical text of a prefix (None is every address), or what is wrong with it."""

    family: Ethertype
    canonical: str | None
    problem: str | None = None
    fix: str | None = None


@lru_cache(1 << 16)
def read_prefix(text: str) -> Prefix:
    """Read an address or a prefix. Refuses what could mean something else than its writer meant."""
    family: Ethertype = "IPv6" if ":" in text else "IPv4"
    if family == "IPv4":
        whole = text if "/" in text else f"{text}/32"
        if is_canonical_ipv4(whole):
            return Prefix(family, None if whole.endswith("/0") else whole)
    return _read_with_care(text, canonical_prefix(text), family)


def _read_with_care(text: str, canonical: str | None, family: Ethertype) -> Prefix:
    """Judge a prefix that is not spelled the canonical way."""
    from ipaddress import ip_network  # noqa: PLC0415  # costs a start-up time that good files need not pay

    address, slash, mask = text.partition("/")
    masked = canonical or EVERYWHERE[family]
    try:
        network = ip_network(text, strict=False)
        whole = ip_network(address)
    except ValueError:
        return _no_prefix(text, family)
    if "%" in text:
        return Prefix(
            family, None, "a zone (`%...`) means nothing to a security group", f"write {address.partition('%')[0]}"
        )
    if slash and not (mask.isascii() and mask.isdigit() and mask == str(int(mask))):
        return Prefix(family, None, f"`{text}` has no plain number after the slash", f"write {masked}")
    if network.network_address != whole.network_address:
        alternative = f", or {address} for this one address" if network.prefixlen else ""
        return Prefix(family, None, f"`{text}` has host bits set", f"write {masked}{alternative}")
    return Prefix(family, canonical)


def _no_prefix(text: str, family: Ethertype) -> Prefix:
    short = text if len(text) <= 50 else text[:50] + "..."
    short = "".join(char if char.isprintable() else "\ufffd" for char in short)
    if text.strip() != text and len(text) <= 50:
        return Prefix(family, None, f"`{short}` has blanks around the prefix", f"write {text.strip()}")
    if text.lower() in {"any", "all", "*"}:
        return Prefix(family, None, f"`{text}` is no prefix", "write 0.0.0.0/0 or ::/0, or leave the key out")
    return Prefix(family, None, f"`{short}` is no IP prefix", "write one like 10.0.0.0/8 or 2001:db8::/32")

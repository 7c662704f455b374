"""What is wrong with a text that is to be a prefix, what to write instead, and what a right one may have to be."""

import re
from collections.abc import Iterator
from contextlib import suppress
from ipaddress import IPv6Network, ip_address, ip_network, summarize_address_range
from itertools import islice

from reconciler.loading.issues import Problem, yaml_text
from reconciler.model.problems import ProblemName

_MOST_SHOWN = 50
_MOST_PARTS = 8


def find_problem(text: str, canonical: str) -> Problem | None:
    """Say why a text is refused as a prefix: it is none, or could mean something else than its writer meant.

    `canonical` is how it would be spelled.
    """
    address, slash, mask = text.partition("/")
    try:
        network, whole = ip_network(text, strict=False), ip_network(address)
    except ValueError:
        return _no_prefix(text)
    if "%" in text:
        fix = f"write {yaml_text(address.partition('%')[0])}"
        return _wrong("a zone (`%...`) means nothing to a security group", fix)
    has_host_bits = network.network_address != whole.network_address
    fix = f"write {yaml_text(canonical)}"
    if has_host_bits and network.prefixlen:
        fix += f", or {yaml_text(address)} for this one address"
    elif has_host_bits:  # an address that opens everything is a slip
        fix = f"write {yaml_text(address)} for this one address, or {yaml_text(canonical)} for everyone"
    if slash and not (mask.isascii() and mask.isdigit() and mask == str(int(mask))):
        return _wrong(f"`{text}` has no plain number after the slash", fix)
    if not has_host_bits:
        return None
    replacement = yaml_text(canonical) if network.prefixlen else None
    return Problem((), ProblemName.HOST_BITS, f"`{text}` has host bits set", fix, replacement=replacement)


def note_of(text: str) -> str | None:
    """Say of a prefix what it may have been meant to be: an address that ends in zeros, or one of IPv4 within IPv6."""
    network = ip_network(text)
    if isinstance(network, IPv6Network):
        mapped = network.network_address.ipv4_mapped
        if mapped is not None and network.prefixlen >= 96:
            ipv4 = str(mapped) if network.prefixlen == 128 else f"{mapped}/{network.prefixlen - 96}"
            return f"`{text}` is of IPv6, and no packet of IPv4 has such an address; write {ipv4} if IPv4 is meant"
        length, whole = 16 * len([part for part in text.split(":") if part]), 128
        if not text.endswith("::"):
            return None
    else:
        length, whole = 8 * len(text.removesuffix(".0").removesuffix(".0").removesuffix(".0").split(".")), 32
        length = 0 if text == "0.0.0.0" else length  # noqa: S104 - no address to listen at
        if "/" in text or not text.endswith(".0"):
            return None
    return (
        f"`{text}` is a single address, {text}/{whole}; write {text}/{length} if the network is meant, "
        f"{text}/{whole} if not"
    )


def _wrong(message: str, fix: str) -> Problem:
    return Problem((), ProblemName.NOT_A_PREFIX, message, fix)


def _no_prefix(text: str) -> Problem:
    from reconciler.loading.spellings import PREFIXES  # noqa: PLC0415 - only for an error

    short = text if len(text) <= _MOST_SHOWN else text[:_MOST_SHOWN] + "..."
    short = "".join(char if char.isprintable() else "\ufffd" for char in short)
    if len(text) > 2 * _MOST_SHOWN:
        return _wrong(f"`{short}` is no IP prefix", "write one like 10.0.0.0/8 or 2001:db8::/32")
    if text.strip() != text:
        return _wrong(f"`{short}` has blanks around the prefix", f"write {yaml_text(text.strip())}")
    if prefixes := list(islice(_prefixes_of_range(text), _MOST_PARTS + 1)):
        more = " and more" if len(prefixes) > _MOST_PARTS else ""
        fix = f"its prefixes are {', '.join(prefixes[:_MOST_PARTS])}{more}"
        return _wrong(f"`{short}` is a range of addresses, not a prefix", fix)
    if _is_host(text):
        message = f"`{short}` is no IP prefix, and names of hosts are not looked up"
        return _wrong(message, "write its addresses, such as 203.0.113.7")
    several = "use `remote_ip_prefixes` with a list of them" if "," in text or ";" in text else None
    full = _written_short(text)
    known = PREFIXES.get(text.lower()) or several or (f"write {full}" if full else None)
    return _wrong(f"`{short}` is no IP prefix", known or "write one like 10.0.0.0/8 or 2001:db8::/32")


def _is_host(text: str) -> bool:
    *labels, last = text.split(".")
    return bool(labels) and last.isalpha() and all(part.replace("-", "").isalnum() for part in labels)


def _prefixes_of_range(text: str) -> Iterator[str]:
    """Yield the prefixes of a range such as `10.0.0.1-10.0.0.9`; none for what is no range."""
    with suppress(ValueError, TypeError):
        first, last = (ip_address(part.strip()) for part in text.split("-"))
        yield from map(str, summarize_address_range(first, last))


_STARS = re.compile(r"((?:[0-9]{1,3}\.){1,3})(?:\*\.){0,2}\*").fullmatch
_FEW_PARTS = re.compile(r"([0-9]{1,3}(?:\.[0-9]{1,3}){0,2})/([0-9]{1,2})").fullmatch


def _written_short(text: str) -> str | None:
    """Write out `10.*`, `10.0.*.*`, `10/8` and `10.0.0.0 255.0.0.0`; None for what is not sure to be one."""
    if stars := _STARS(text):
        parts = stars[1].split(".")[:-1]
        text = f"{'.'.join([*parts, *['0'] * (4 - len(parts))])}/{8 * len(parts)}"
    elif few := _FEW_PARTS(text):
        parts = few[1].split(".")
        text = f"{'.'.join([*parts, *['0'] * (4 - len(parts))])}/{few[2]}"
    else:
        text = "/".join(text.replace("mask", " ").split())
    with suppress(ValueError):
        network = ip_network(text)  # host bits are an error
        if network.prefixlen:
            return yaml_text(str(network))
    return None

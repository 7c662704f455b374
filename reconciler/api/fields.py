"""One field of an answer -> a value, or `Implausible`. Accepted is what a cloud of this kind can plausibly give."""

import re
from typing import Any, Final, TypeGuard

from reconciler.model.cloud import MAX_PORT
from reconciler.model.rule import Direction, Ethertype
from reconciler.model.text import shown

MAX_TEXT = 4096
"""Characters of a name, a description or a tag; the cloud stores 255."""

MAX_SHORT_TEXT = 64
"""Characters of a protocol or a prefix; the longest prefix has 49."""

is_lower_uuid = re.compile("[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}").fullmatch
_UUID_LENGTH = 36
_ETHERTYPES: Final[dict[str, Ethertype | None]] = {"ipv4": "IPv4", "ipv6": "IPv6", "": None}


class Implausible(Exception):
    """A field holds what it cannot hold."""

    def __init__(self, field: str, value: Any, expected: str) -> None:
        super().__init__(field)
        self.field = field
        self.value = value
        self.expected = expected

    def within(self, outer: str) -> "Implausible":
        """Name the field from further outside."""
        return Implausible(f"{outer}.{self.field}" if self.field else outer, self.value, self.expected)

    def sentence(self) -> str:
        """Say which field it is, what was there, and what can be."""
        return f"{self.field or 'it'} is {_told(self.value)}, and has to be {self.expected}"


def mapping(value: Any, field: str = "") -> dict[str, Any]:
    """Read an object."""
    if type(value) is not dict:
        raise Implausible(field, value, "an object")
    return value


def items(value: Any, field: str) -> list[Any]:
    """Read a list."""
    if type(value) is not list:
        raise Implausible(field, value, "a list")
    return value


def uuid(value: Any, field: str) -> str:
    """Read a UUID, as one in lower case."""
    if type(value) is str:
        if is_lower_uuid(value):
            return value
        if len(value) == _UUID_LENGTH and is_lower_uuid(lower := value.lower()):
            return lower
    raise Implausible(field, value, "a UUID")


def remote_group_id(value: Any) -> str:
    """Read a remote group's id, as it was sent: one in capitals names another group."""
    uuid(value, "remote_group_id")
    return str(value)


def text(value: Any, field: str) -> str:
    """Read a text; null is an empty one."""
    if value is None:
        return ""
    if type(value) is not str or len(value) > MAX_TEXT:
        raise Implausible(field, value, f"a text of up to {MAX_TEXT} characters")
    return value


def ethertype(value: Any) -> Ethertype | None:
    """Read an ethertype; None where nothing is set."""
    if value is None:
        return None
    if type(value) is not str or value.lower() not in _ETHERTYPES:
        raise Implausible("ethertype", value, "IPv4, IPv6 or null")
    return _ETHERTYPES[value.lower()]


def direction(value: Any) -> Direction:
    """Read a direction."""
    if value == "ingress":
        return "ingress"
    if value == "egress":
        return "egress"
    raise Implausible("direction", value, "ingress or egress")


def prefix(value: Any) -> str | None:
    """Read what may be a prefix; whether it is one of the rule's family is seen later."""
    if value is None or (type(value) is str and len(value) <= MAX_SHORT_TEXT):
        return value
    raise Implausible("remote_ip_prefix", value, f"a text of up to {MAX_SHORT_TEXT} characters, or null")


def protocol(value: Any) -> str | int | None:
    """Read a protocol, by name or number; None is every one."""
    if value is None or (type(value) is str and len(value) <= MAX_SHORT_TEXT and value.isascii()):
        return value
    if type(value) is not int or not 0 <= value <= 255:
        raise Implausible("protocol", value, "a name, a number from 0 to 255, or null")
    return value


def port(value: Any, field: str) -> int | None:
    """Read a port, or an ICMP type or code, which travel in the same fields."""
    if value is None:
        return None
    if type(value) is not int or not 0 <= value <= MAX_PORT:
        raise Implausible(field, value, f"a number from 0 to {MAX_PORT}, or null")
    return value


def revision_number(value: Any) -> int:
    """Read a revision; null, as of older answers, is 0."""
    return 0 if value is None else number(value, "revision_number")


def is_number(value: Any) -> TypeGuard[int]:
    """Tell whether a value is a count or an id as the cloud has them: a whole number of 63 bits (int64)."""
    return type(value) is int and 0 <= value < 1 << 63


def number(value: Any, field: str = "count") -> int:
    """Read a count, or the id of a project or a region."""
    if not is_number(value):
        raise Implausible(field, value, "a whole number")
    return value


def _told(value: Any) -> str:
    if isinstance(value, str):
        return f"the text {shown(value)}"
    return shown(value) if isinstance(value, dict | list) or value is None else f"the value {shown(value)}"

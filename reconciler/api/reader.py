"""An API answer about a security group -> `LiveGroup`.

What identifies a thing has to be there; anything else that is null, unknown or new is read for what it means.
"""

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

from reconciler.model.canonical import PUBLISHED_PROTOCOLS, canonical_rule
from reconciler.model.desired import Target
from reconciler.model.errors import ApiError, ApiRefused
from reconciler.model.live import LiveGroup, LiveRule, Tag
from reconciler.model.rule import Rule

if TYPE_CHECKING:  # httpx costs 0.1 s, which whoever only encodes need not pay
    from reconciler.api.http import Http

_EVERYWHERE = frozenset({None, "", "0.0.0.0/0", "::/0"})


def parse_group(answer: Any, target: Target) -> LiveGroup:
    """Read one group. Raises `ApiError` where the answer is not a group with all of its rules and tags."""
    try:
        return LiveGroup(
            target=target,
            id=answer["id"].lower(),
            name=_text(answer["name"]),
            description=answer.get("description") or "",
            tags=tuple(Tag(tag["key"], tag["value"], bool(tag.get("read_only"))) for tag in answer["tags_v2"]),
            rules=tuple([_parse_rule(rule) for rule in answer["security_group_rules"]]),
            revision_number=answer.get("revision_number") or 0,
        )
    except (KeyError, TypeError, AttributeError, IndexError, ValueError) as error:
        raise ApiError(
            f"{target}: a security group in the API's answer cannot be read ({type(error).__name__}: {error})",
            hint="Nothing was changed. If this stays so, the API has changed or something stands between it and you.",
        ) from None


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError(f"a name that is {value!r}")
    return value


def has_rules(answer: Any) -> bool:
    """Tell whether an answer holds the group's rules; a list may leave them out, which is not the same as none."""
    return isinstance(answer, dict) and isinstance(answer.get("security_group_rules"), list)


def _parse_rule(answer: dict[str, Any]) -> LiveRule:
    direction, prefix = answer["direction"], answer.get("remote_ip_prefix")
    if direction not in {"ingress", "egress"}:
        raise ValueError(f"a rule of direction {direction!r}")
    rule = canonical_rule(
        direction,
        answer.get("ethertype"),
        answer.get("protocol"),
        answer.get("port_range_min"),
        answer.get("port_range_max"),
        prefix,
        answer.get("remote_group_id"),
    )
    return LiveRule(answer["id"].lower(), rule, answer.get("description") or "", _is_irregular(rule, prefix))


def _is_irregular(rule: Rule, prefix: str | None) -> bool:
    if rule.protocol is not None and rule.protocol not in PUBLISHED_PROTOCOLS:
        return True
    if rule.remote_ip_prefix == prefix:
        return False
    if rule.remote_ip_prefix is None:
        return prefix not in _EVERYWHERE
    return "/" in (prefix or "") and rule.remote_ip_prefix.split("/")[0] != (prefix or "").lower().split("/")[0]


PAGE = 1000
"""Groups a page: the most that the API gives (`limit`, at most 1000)."""

MAX_GROUPS = 100_000
"""Groups that a target may have; a list that announces more is not one of security groups."""

MAX_PAGES = 1000
"""Pages that a list may have: MAX_GROUPS, should the API give no more than 100 groups a page."""

_READINGS = 3
_NOT_FOUND = 404


class GcoreReader:
    """Everything that only looks. It has no method that could change anything."""

    def __init__(self, http: "Http") -> None:
        self._http = http

    @property
    def base_url(self) -> str:
        """The address of the API, without a trailing slash."""
        return self._http.base_url

    def list_groups(
        self, target: Target, name: str | None = None, on_page: Callable[[int, int], None] = lambda *_: None
    ) -> tuple[LiveGroup, ...]:
        """Read all groups of a target (or all of one name) with their rules, page by page.

        Pages are cut from a list that others may be changing: a reading whose pages do not add up is made anew.
        `on_page` is told how many groups of how many are there while more are to come. Raises `ApiError` when three
        readings did not add up.
        """
        for _ in range(_READINGS):
            groups = self._reading(target, name, on_page)
            if groups is not None:
                return tuple(groups)
        raise ApiError(
            f"{target}: the list of security groups does not add up",
            hint="Somebody may be changing groups right now; try again.",
        )

    def get_group(self, target: Target, group_id: str) -> LiveGroup | None:
        """Read one group with its rules; None when it does not exist."""
        try:
            answer = self._http.read(v1_path(target, group_id))
        except ApiRefused as refused:
            if refused.status == _NOT_FOUND:
                return None
            raise
        return parse_group(answer, target)

    def count_instances(self, target: Target, group_id: str) -> int:
        """Count the instances that a group is attached to."""
        answer = self._http.read(f"{v1_path(target, group_id)}/instances")
        count, results = answer.get("count"), answer.get("results")
        if isinstance(count, int) and isinstance(results, list):
            return max(count, len(results))
        raise ApiError(f"{target}: the API did not say which instances group {group_id} is attached to")

    def _reading(self, target: Target, name: str | None, on_page: Callable[[int, int], None]) -> list[LiveGroup] | None:
        """Read all pages once; None where they are not one list, of as many different groups as every page announced.

        Where the last page has room for it, a page begins with the last group of the one before. A group that slips
        over the border would be missed otherwise, unnoticed where another one has come at the end.
        """
        count, page = self._page(target, name, 0)
        pages = 1
        ids = [group["id"] for group in page]
        groups = self._parse(target, name, page)
        while page and len(ids) < count:
            on_page(len(ids), count)
            overlap = 1 if (count - len(ids)) % PAGE else 0
            if pages == MAX_PAGES:
                raise ApiError(
                    f"{target}: {len(ids):,} of {count:,} security groups came in {pages:,} pages; no more than "
                    f"{MAX_PAGES:,} pages are read",
                    hint="The API gives too few groups a page.",
                )
            announced, page = self._page(target, name, len(ids) - overlap)
            pages += 1
            if announced != count or len(page) <= overlap or (overlap and page[0]["id"] != ids[-1]):
                return None
            ids += [group["id"] for group in page[overlap:]]
            groups += self._parse(target, name, page[overlap:])
        return groups if len(ids) == count == len(set(ids)) else None

    def _parse(self, target: Target, name: str | None, page: Iterable[dict[str, Any]]) -> list[LiveGroup]:
        """Take the groups of one page: all, or those of exactly this name, for the API's filter may be less exact."""
        return [self._complete(target, group) for group in page if name is None or group.get("name") == name]

    def _page(self, target: Target, name: str | None, offset: int) -> tuple[int, list[dict[str, Any]]]:
        """Read one page: how many groups are announced in all, and those of the page."""
        params: dict[str, str | int] = {"limit": PAGE, "offset": offset}
        if name is not None:
            params["name"] = name
        answer = self._http.read(v1_path(target), params)
        count, page = answer.get("count"), answer.get("results")
        if not isinstance(count, int) or not isinstance(page, list) or not all(_has_id(group) for group in page):
            raise ApiError(f"{target}: the API answered something that is not a list of security groups")
        if (most := max(count, len(page))) > MAX_GROUPS:
            raise ApiError(
                f"{target}: the API announces {most:,} security groups; no more than {MAX_GROUPS:,} are read",
                hint="Check GCORE_BASE_URL, the project and the region.",
            )
        return count, page

    def _complete(self, target: Target, answer: dict[str, Any]) -> LiveGroup:
        if has_rules(answer):
            return parse_group(answer, target)
        group = self.get_group(target, answer["id"])
        if group is None:
            raise ApiError(f"{target}: group {answer['id']} was listed and is gone now", hint="Try again.")
        return group


def v1_path(target: Target, group_id: str | None = None) -> str:
    """Path of the v1 collection of security groups, or of one group in it."""
    path = f"/cloud/v1/securitygroups/{target.project_id}/{target.region_id}"
    return path if group_id is None else f"{path}/{group_id}"


def _has_id(group: Any) -> bool:
    return isinstance(group, dict) and isinstance(group.get("id"), str)

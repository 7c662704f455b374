"""Reads from the API: whole lists or an error, never a part taken for the whole."""

from collections.abc import Callable, Iterable
from typing import Any

from reconciler.api.groups import has_rules, parse_group
from reconciler.api.http import Http
from reconciler.errors import ApiError, ApiRefused
from reconciler.model.desired import Target
from reconciler.model.live import LiveGroup

PAGE = 1000
"""Groups a page: the most that the API gives (`limit`, at most 1000)."""

_READINGS = 3
_NOT_FOUND = 404


class GcoreReader:
    """Everything that only looks. It has no method that could change anything."""

    def __init__(self, http: Http) -> None:
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
            answer = self._http.read(f"{groups_path(target)}/{group_id}")
        except ApiRefused as refused:
            if refused.status == _NOT_FOUND:
                return None
            raise
        return parse_group(answer, target)

    def count_instances(self, target: Target, group_id: str) -> int:
        """Count the instances that a group is attached to."""
        answer = self._http.read(f"{groups_path(target)}/{group_id}/instances")
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
        ids = [group["id"] for group in page]
        groups = self._parse(target, name, page)
        while page and len(ids) < count:
            on_page(len(ids), count)
            overlap = 1 if (count - len(ids)) % PAGE else 0
            announced, page = self._page(target, name, len(ids) - overlap)
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
        answer = self._http.read(groups_path(target), params)
        count, page = answer.get("count"), answer.get("results")
        if not isinstance(count, int) or not isinstance(page, list) or not all(_has_id(group) for group in page):
            raise ApiError(f"{target}: the API answered something that is not a list of security groups")
        return count, page

    def _complete(self, target: Target, answer: dict[str, Any]) -> LiveGroup:
        if has_rules(answer):
            return parse_group(answer, target)
        group = self.get_group(target, answer["id"])
        if group is None:
            raise ApiError(f"{target}: group {answer['id']} was listed and is gone now", hint="Try again.")
        return group


def groups_path(target: Target) -> str:
    """Path of the v1 collection of security groups."""
    return f"/cloud/v1/securitygroups/{target.project_id}/{target.region_id}"


def _has_id(group: Any) -> bool:
    return isinstance(group, dict) and isinstance(group.get("id"), str)

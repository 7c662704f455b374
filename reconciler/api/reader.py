"""Reading live state from the API: whole lists page by page, single groups, instances, projects and regions."""

from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Any

from reconciler.api.actions import read_actions
from reconciler.api.parse import (
    Page,
    has_rules,
    new_group_id,
    parse_group,
    parse_instances,
    parse_names,
    parse_page,
    parse_quotas,
)
from reconciler.model.action import ActionLog, ActionQuery, UserAction
from reconciler.model.desired import Target
from reconciler.model.errors import ApiError, ApiRefused, Stopped
from reconciler.model.live import Instances, LiveGroup, Quota

if TYPE_CHECKING:  # httpx costs 0.1 s, which whoever only encodes need not pay
    from reconciler.api.http import Http

PAGE = 1000
"""Groups a page: the most that the API gives (`limit`, at most 1000)."""

MAX_GROUPS = 100_000
"""Groups that a target may have; a list that announces more is not one of security groups."""

MAX_PAGES = 1000
"""Pages that a list may have: MAX_GROUPS, should the API give no more than 100 groups a page."""

QUOTAS_PATH = "/cloud/v2/client_quotas"
"""All quotas of the account that a key belongs to; those of one region need the number of the account."""

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
        """Read one group with its rules; None when the API says that it does not exist.

        A 404 in which nothing is said in JSON is not the API's, but of something before it, and proves nothing.
        """
        try:
            answer = self._http.read(v1_path(target, group_id))
        except ApiRefused as refused:
            if refused.status == _NOT_FOUND and (refused.details.message or refused.details.exception_class):
                return None
            raise
        group = parse_group(answer, target)
        if group.id != group_id.lower():
            raise ApiError(f"{target}: asked for security group {group_id}, the API answered with {group.id}")
        return group

    def read_instances(self, target: Target, group_id: str) -> Instances:
        """Read the instances that a group is attached to."""
        answer = self._http.read(f"{v1_path(target, group_id)}/instances")
        return parse_instances(answer, target, group_id)

    def list_projects(self) -> dict[int, str]:
        """List the projects that the key can see: their names by their ids."""
        return self._names("projects", "name")

    def list_regions(self) -> dict[int, str]:
        """List the regions that the key can see: the names that people see by their ids."""
        return self._names("regions", "display_name")

    def _names(self, what: str, field: str) -> dict[int, str]:
        found: dict[int, str] = {}
        for _ in range(MAX_PAGES):
            answer = self._http.read(f"/cloud/v1/{what}", {"limit": PAGE, "offset": len(found)})
            count, new = parse_names(answer, what, field)
            if not new.keys() - found.keys() or len(found | new) >= count:
                return dict(sorted((found | new).items()))
            found |= new
        raise ApiError(f"the API's list of {what} has no end", hint="Check GCORE_BASE_URL.")

    def list_actions(
        self, query: ActionQuery, is_enough: Callable[[Sequence[UserAction]], bool] = lambda _: False
    ) -> ActionLog:
        """Read the log of user actions, as `read_actions` does, until `is_enough` says that nothing older is needed."""
        return read_actions(self._http.read, query, is_enough)

    def read_quotas(self) -> dict[int, Quota]:
        """Read how many groups each region may hold and holds, by region, over all projects.

        Regions are left out of which the API does not tell, and so are all of them where it has no such operation or
        the key may not ask. Raises `Stopped`.
        """
        try:
            return parse_quotas(self._http.read(QUOTAS_PATH))
        except Stopped:
            raise
        except ApiError:
            return {}

    def _reading(self, target: Target, name: str | None, on_page: Callable[[int, int], None]) -> list[LiveGroup] | None:
        """Read all pages once; None where they are not one list, of as many different groups as every page announced.

        A page begins with the last group of the one before. A group that slips over the border would be missed
        otherwise, unnoticed where another one has come at the end.
        """
        page = self._page(target, name, 0)
        pages, count, ids = 1, page.count, list(page.ids)
        groups = self._parse(target, name, page.groups)
        while page.ids and len(ids) < count:
            on_page(len(ids), count)
            if pages == MAX_PAGES:
                raise ApiError(
                    f"{target}: {len(ids):,} of {count:,} security groups came in {pages:,} pages; no more than "
                    f"{MAX_PAGES:,} pages are read",
                    hint="The API gives too few groups a page.",
                )
            page = self._page(target, name, len(ids) - 1)
            pages += 1
            if page.count != count or len(page.ids) < 2 or page.ids[0] != ids[-1]:
                return None
            ids += page.ids[1:]
            groups += self._parse(target, name, page.groups[1:])
        return groups if len(ids) == count == len(set(ids)) else None

    def _parse(self, target: Target, name: str | None, page: Iterable[dict[str, Any]]) -> list[LiveGroup]:
        """Take the groups of one page: all, or those of exactly this name, for the API's filter may be less exact."""
        return [self._complete(target, group) for group in page if name is None or group.get("name") == name]

    def _page(self, target: Target, name: str | None, offset: int) -> Page:
        """Read one page."""
        params: dict[str, str | int] = {"limit": PAGE, "offset": offset}
        if name is not None:
            params["name"] = name
        page = parse_page(self._http.read(v1_path(target), params), target)
        if (most := max(page.count, len(page.ids))) > MAX_GROUPS:
            raise ApiError(
                f"{target}: the API announces {most:,} security groups; no more than {MAX_GROUPS:,} are read",
                hint="Check GCORE_BASE_URL, the project and the region.",
            )
        return page

    def _complete(self, target: Target, answer: dict[str, Any]) -> LiveGroup:
        if has_rules(answer):
            return parse_group(answer, target)
        group_id = new_group_id(answer) or ""
        group = self.get_group(target, group_id)
        if group is None:
            raise ApiError(f"{target}: group {group_id} was listed and is gone now", hint="Try again.")
        return group


def v1_path(target: Target, group_id: str | None = None) -> str:
    """Path of the v1 collection of security groups, or of one group in it."""
    path = f"/cloud/v1/securitygroups/{target.project_id}/{target.region_id}"
    return path if group_id is None else f"{path}/{group_id}"

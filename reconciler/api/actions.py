"""The API's log of user actions: its pages, read as far as they go, and each entry as far as it can be understood.

What is shown of it explains a difference and decides nothing, so nothing here is an error: whatever could not be read
becomes a note. The operation is the one that the provider's SDK calls `cloud.audit_logs.list`; several values of a
filter are any of them, several filters all of them.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC
from typing import Any, NamedTuple

from reconciler.api.fields import is_number
from reconciler.api.parse import parse_moment, parse_requested_rule
from reconciler.model.action import GROUP_ACTIONS, ActionLog, ActionQuery, Resource, UserAction, newest_first
from reconciler.model.errors import ApiError, ApiRefused, Stopped
from reconciler.model.rule import describe_rule
from reconciler.model.text import count, shown

ACTIONS_PATH = "/cloud/v1/user_actions"
PAGE = 1000
"""Entries a page: the most that the lists of this API give; the description of this one names no limit."""
MAX_PAGES = 10
"""Pages that are read: what is older than the newest 10,000 entries explains nothing that differs today."""
MAX_TEXT = 200
"""Characters of a text that are kept; a user agent is as long as its sender likes."""
SHOWN_PARTS = 3
"""Rules and fields of one entry that are told; the others are counted."""

Params = Mapping[str, str | int | Sequence[str]]
Read = Callable[[str, Params], dict[str, Any]]


class _Page(NamedTuple):
    """The entries of a page, how many came, and how many there are in all, as far as the API says so."""

    actions: tuple[UserAction, ...]
    size: int
    total: int | None


def read_actions(read: Read, query: ActionQuery, is_enough: Callable[[Sequence[UserAction]], bool]) -> ActionLog:
    """Read the entries about security groups that fit, the newest first, until all or enough of them are there.

    Raises `Stopped`; everything else that goes wrong is a note beside what was read until then.
    """
    found: dict[object, UserAction] = {}
    notes = []
    is_closed = False
    try:
        if not _read_pages(read, _params(query), found, is_enough):
            notes.append(f"no more than the newest {MAX_PAGES * PAGE:,} entries of the log of user actions are read")
    except Stopped:
        raise
    except ApiError as error:
        notes.append(_reason(error))
        is_closed = True
    kept = [each for each in found.values() if each.api_group in GROUP_ACTIONS and _fits(each, query)]
    return ActionLog(newest_first(kept), tuple(notes), is_closed)


def _read_pages(
    read: Read, params: Params, found: dict[object, UserAction], is_enough: Callable[[Sequence[UserAction]], bool]
) -> bool:
    """Read page after page into `found`; False where the bound was reached. A page without anything new is the last."""
    offset = 0
    for _ in range(MAX_PAGES):
        page = _parse_page(read(ACTIONS_PATH, {**params, "limit": PAGE, "offset": offset}))
        known = len(found)
        for each in page.actions:
            found.setdefault(each.id or each, each)
        offset += page.size
        is_last = offset >= page.total if page.total is not None else page.size < PAGE
        if is_last or len(found) == known or is_enough(tuple(found.values())):
            return True
    return False


def _params(query: ActionQuery) -> Params:
    params: dict[str, str | int | Sequence[str]] = {"order_by": "desc", "api_group": GROUP_ACTIONS}
    if query.resource_ids:
        params["resource_id"] = query.resource_ids
    if query.targets:
        params["project_id"] = tuple(dict.fromkeys(str(target.project_id) for target in query.targets))
        params["region_id"] = tuple(dict.fromkeys(str(target.region_id) for target in query.targets))
    if query.actions:
        params["action_type"] = query.actions
    if query.since is not None:
        params["from_timestamp"] = query.since.astimezone(UTC).isoformat(timespec="seconds")
    return params


def _fits(action: UserAction, query: ActionQuery) -> bool:
    """Check what a server that does not know a filter would not."""
    return (
        (not query.targets or action.is_in(query.targets))
        and (not query.actions or action.action in query.actions)
        and (query.since is None or action.at is None or action.at >= query.since)
        and (not query.resource_ids or any(each.id in query.resource_ids for each in action.resources))
    )


def _reason(error: ApiError) -> str:
    if isinstance(error, ApiRefused) and error.status == 404:
        return f"this API has no log of user actions ({ACTIONS_PATH}), so who changed what is not known"
    if isinstance(error, ApiRefused) and error.status in {401, 403}:
        return f"this key may not read the log of user actions, so who changed what is not known: {error.message}"
    return f"the log of user actions could not be read, so who changed what is not known: {error.message}"


def _parse_page(answer: dict[str, Any]) -> _Page:
    """Read a page. Raises `ApiError` where it is none.

    No entry is left out for what is in it: a client chooses its user agent, and must not be able to hide by it. Text is
    cut, and what is not of its kind counts as not said.
    """
    results, total = answer.get("results"), answer.get("count")
    if type(results) is not list:
        raise ApiError(f"GET {ACTIONS_PATH}: the answer is not a log of user actions")
    actions = tuple([_action(each) for each in results if type(each) is dict])
    return _Page(actions, len(results), _number(total))


def _action(entry: dict[str, Any]) -> UserAction:
    get = entry.get
    return UserAction(
        id=_text(get("id")),
        at=parse_moment(get("timestamp")),
        action=_text(get("action_type")),
        api_group=_text(get("api_group")),
        email=_text(get("email")),
        user_id=_number(get("user_id")),
        token_id=_number(get("token_id")),
        address=_text(get("source_user_ip")),
        user_agent=_text(get("user_agent")),
        project_id=_number(get("project_id")),
        region_id=_number(get("region_id")),
        resources=tuple([_resource(each) for each in _objects(get("resources"))]),
        what=tuple(_details(get("action_data"))),
    )


def _resource(entry: dict[str, Any]) -> Resource:
    return Resource(
        _text(entry.get("resource_id")).lower(), _text(entry.get("resource_type")), _text(entry.get("search_field"))
    )


def _details(data: Any) -> Iterator[str]:
    """Say what was asked for: the log keeps a request's body in no published form, so no part of it is relied on."""
    if type(data) is not dict:
        return
    if type(data.get("security_group")) is dict:  # how v1 wraps the body of a create
        data = data["security_group"]
    is_rule = "direction" in data
    entries = [{**data, "action": "create"}] if is_rule else _objects(data.get("changed_rules"))
    created = [each for each in entries if each.get("action") == "create"]
    for each in created[:SHOWN_PARTS]:
        rule = parse_requested_rule(each)
        yield f"+ {' '.join(describe_rule(rule).split())}" if rule else "+ a rule"
    if len(created) > SHOWN_PARTS:
        yield f"+ {count(len(created) - SHOWN_PARTS, 'more rule')}"
    if deleted := sum(each.get("action") == "delete" for each in entries):
        yield f"- {count(deleted, 'rule')}"
    fields = [name for name in sorted(data) if name != "changed_rules" and data[name] not in (None, [], {})]
    for name in fields[:SHOWN_PARTS] if not is_rule else ():
        value = data[name]
        if type(value) is list:
            yield f"{_text(name)} ({len(value)})"
        else:
            yield f"{_text(name)} {shown(value)}" if type(value) is str else _text(name)


def _objects(value: Any) -> list[dict[str, Any]]:
    return [each for each in value if type(each) is dict] if type(value) is list else []


def _text(value: Any) -> str:
    if type(value) is not str:
        return ""
    return value if len(value) <= MAX_TEXT else f"{value[: MAX_TEXT - 3]}..."


def _number(value: Any) -> int | None:
    return value if is_number(value) else None

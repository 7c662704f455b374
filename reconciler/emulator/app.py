"""The emulator as one ASGI application."""

from __future__ import annotations

from starlette.applications import Starlette
from starlette.convertors import IntegerConvertor, register_url_convertor
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from . import account, actions, instances, tasks, v1, v2
from .faults import Control, FaultPlan
from .gate import Gate
from .knobs import Knobs
from .messages import error_reply, json_reply
from .records import ApiError, Step
from .store import Store


class _Number(IntegerConvertor):
    """A number in a path that Python reads: it refuses one of thousands of digits."""

    regex = "[0-9]{1,40}"


register_url_convertor("number", _Number())
GROUPS_V1 = "/cloud/v1/securitygroups/{project_id:number}/{region_id:number}"
RULES_V1 = "/cloud/v1/securitygrouprules/{project_id:number}/{region_id:number}"
INSTANCES = "/cloud/v1/instances/{project_id:number}/{region_id:number}"
GROUPS_V2 = "/cloud/v2/security_groups/{project_id:number}/{region_id:number}"


def create_app(
    store: Store, *, api_key: str, knobs: Knobs | None = None, faults: FaultPlan | None = None, host: str = "localhost"
) -> Starlette:
    """Return the application over a store; `app.state.control` is what a test may change while it runs.

    `host` is the name that requests may be addressed to, besides `localhost` and every IP address.
    """
    control = Control(store, knobs or Knobs(), faults or FaultPlan())
    app = Starlette(
        routes=[
            Route(GROUPS_V1, v1.list_groups, methods=["GET"]),
            Route(GROUPS_V1, v1.create_group, methods=["POST"]),
            Route(GROUPS_V1 + "/{group_id}", v1.get_group, methods=["GET"]),
            Route(GROUPS_V1 + "/{group_id}", v1.patch_group, methods=["PATCH"]),
            Route(GROUPS_V1 + "/{group_id}", v1.delete_group, methods=["DELETE"]),
            Route(GROUPS_V1 + "/{group_id}/copy", v1.copy_group, methods=["POST"]),
            Route(GROUPS_V1 + "/{group_id}/revert", v1.revert_group, methods=["POST"]),
            Route(GROUPS_V1 + "/{group_id}/rules", v1.create_rule, methods=["POST"]),
            Route(GROUPS_V1 + "/{group_id}/metadata", v1.list_tags, methods=["GET"]),
            Route(GROUPS_V1 + "/{group_id}/metadata", v1.add_tags, methods=["POST"]),
            Route(GROUPS_V1 + "/{group_id}/metadata", v1.replace_tags, methods=["PUT"]),
            Route(GROUPS_V1 + "/{group_id}/metadata_item", v1.get_tag, methods=["GET"]),
            Route(GROUPS_V1 + "/{group_id}/metadata_item", v1.delete_tag, methods=["DELETE"]),
            Route(GROUPS_V1 + "/{group_id}/instances", instances.group_instances, methods=["GET"]),
            Route(RULES_V1 + "/{rule_id}", v1.replace_rule, methods=["PUT"]),
            Route(RULES_V1 + "/{rule_id}", v1.delete_rule, methods=["DELETE"]),
            Route(INSTANCES + "/{instance_id}/securitygroups", instances.instance_groups, methods=["GET"]),
            Route(INSTANCES + "/{instance_id}/addsecuritygroup", instances.add_group, methods=["POST"]),
            Route(INSTANCES + "/{instance_id}/delsecuritygroup", instances.remove_group, methods=["POST"]),
            Route("/cloud/v1/projects", account.list_projects, methods=["GET"]),
            Route("/cloud/v1/projects", account.create_project, methods=["POST"]),
            Route("/cloud/v1/projects/{project_id:number}", account.get_project, methods=["GET"]),
            Route("/cloud/v1/projects/{project_id:number}", account.change_project, methods=["PATCH"]),
            Route("/cloud/v1/projects/{project_id:number}", account.delete_project, methods=["DELETE"]),
            Route("/cloud/v1/regions", account.list_regions, methods=["GET"]),
            Route("/cloud/v1/regions/{region_id:number}", account.get_region, methods=["GET"]),
            Route("/cdn/public-ip-list", account.cdn_addresses, methods=["GET"]),
            Route("/cloud/public/v1/ipranges/egress", account.egress_ranges, methods=["GET"]),
            Route("/cloud/v2/client_quotas", account.client_quotas, methods=["GET"]),
            Route(
                "/cloud/v2/regional_quotas/{client_id:number}/{region_id:number}",
                account.regional_quotas,
                methods=["GET"],
            ),
            Route("/cloud/v2/global_quotas/{client_id:number}", account.global_quotas, methods=["GET"]),
            Route("/cloud/v1/tasks", tasks.list_tasks, methods=["GET"]),
            Route("/cloud/v1/tasks/acknowledge", tasks.acknowledge_tasks, methods=["POST"]),
            Route("/cloud/v1/tasks/acknowledge_all", tasks.acknowledge_all, methods=["POST"]),
            Route(
                "/cloud/v1/tasks/{project_id:number}/{region_id:number}/active",
                tasks.list_active_tasks,
                methods=["GET"],
            ),
            Route("/cloud/v1/tasks/{task_id}", tasks.get_task, methods=["GET"]),
            Route("/cloud/v1/tasks/{task_id}/acknowledge", tasks.acknowledge_task, methods=["POST"]),
            Route("/cloud/v1/user_actions", actions.list_actions, methods=["GET"]),
            Route(GROUPS_V2, v2.create_group, methods=["POST"]),
            Route(GROUPS_V2 + "/{group_id}", v2.patch_group, methods=["PATCH"]),
            Route(GROUPS_V2 + "/{group_id}/rules", v2.create_rule, methods=["POST"]),
            Route(GROUPS_V2 + "/{group_id}/rules/{rule_id}", v2.delete_rule, methods=["DELETE"]),
            Route("/emulator/requests", _requests, methods=["GET"]),
            Route("/emulator/history", _history, methods=["GET"]),
        ],
        middleware=[Middleware(Gate, control=control, api_key=api_key, host=host)],
        exception_handlers={ApiError: _refused, HTTPException: _no_such_operation},
    )
    app.state.control = control
    return app


async def _requests(request: Request) -> Response:
    """Every request so far, oldest first."""
    store: Store = request.app.state.control.store
    return json_reply([record.as_json() for record in store.requests])


async def _history(request: Request) -> Response:
    """Every rule set a group has had; `?group_id=` picks one group."""
    store: Store = request.app.state.control.store
    wanted = request.query_params.get("group_id")
    return json_reply([_step(step) for step in store.history if wanted in {None, step.group_id}])


def _step(step: Step) -> dict[str, object]:
    rules = [rule.as_json() for rule in step.rules]
    return {"group_id": step.group_id, "action": step.action, "rule_id": step.rule_id, "rules": rules}


async def _refused(request: Request, problem: Exception) -> Response:
    if not isinstance(problem, ApiError):
        raise problem
    return error_reply(problem, request.scope["emulator.request_id"])


async def _no_such_operation(request: Request, problem: Exception) -> Response:
    if not isinstance(problem, HTTPException):
        raise problem
    kind = {404: "NotFound", 405: "MethodNotAllowed"}.get(problem.status_code, "HTTPException")
    refusal = ApiError(problem.status_code, kind, f"{request.method} {request.url.path}: {problem.detail}")
    return error_reply(refusal, request.scope["emulator.request_id"])

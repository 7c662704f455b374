"""The life of a group with the newest official `gcore` package, which speaks v2.

Only one version of that package fits into one environment, so this is a program of its own: it is given the
emulator's URL, and fails with a traceback where something is not as it should be.
"""

from __future__ import annotations

import sys
from typing import NoReturn

from gcore import ConflictError, Gcore, NotFoundError


def main(url: str) -> None:
    """Create, read, change, copy, delete."""
    with Gcore(api_key="emulator", base_url=url, cloud_project_id=1, cloud_region_id=7, max_retries=0) as client:
        groups = client.cloud.security_groups
        https = {"direction": "ingress", "protocol": "tcp", "port_range_min": 443, "port_range_max": 443}
        ssh = {"direction": "ingress", "protocol": "tcp", "port_range_min": 22, "port_range_max": 22}
        web = groups.create_and_poll(name="web", description="Public web tier", tags={"env": "prod"}, rules=[https])
        check(web.name == "web" and web.description == "Public web tier", "the group is the one asked for")
        check([rule.port_range_min for rule in web.security_group_rules or []] == [443], "with exactly its rules")
        check(groups.get(web.id) == web, "reading it gives the same")
        check(web.id in {group.id for group in groups.list()}, "the list has it")
        open_group = groups.create_and_poll(name="open")
        check(len(open_group.security_group_rules or []) == 4, "without rules comes the template")
        changed = groups.update_and_poll(web.id, name="web-2", description="", tags={"env": None}, rules=[https, ssh])
        check(changed.name == "web-2" and changed.description == "" and changed.tags_v2 == [], "everything changed")
        check([rule.port_range_min for rule in changed.security_group_rules or []] == [443, 22], "the rules too")
        check(changed.revision_number == web.revision_number + 1, "in one revision")
        check(groups.update(web.id, name="web-2").tasks == [], "the same again is no task")
        failed = groups.update(web.id, rules=[https, {**https, "description": "again"}]).tasks
        try:
            client.cloud.tasks.poll(failed[0])
        except ValueError as problem:
            check("already exists" in str(problem), "a duplicate fails the task, which says why")
        else:
            fail("a duplicate fails the task")
        twin = groups.copy(web.id, name="twin")
        check(len(twin.security_group_rules or []) == 2, "the copy has the rules")
        groups.delete(twin.id)
        try:
            groups.get(twin.id)
        except NotFoundError:
            pass
        else:
            fail("what was deleted is gone")
        default = next(group for group in groups.list() if group.name == "default")
        try:
            groups.delete(default.id)
        except ConflictError:
            pass
        else:
            fail("the default group stays")
        account(client, web.id)


def account(client: Gcore, group_id: str) -> None:
    """Read who changed the group, and what the account has."""
    log = list(client.cloud.audit_logs.list(api_group=["securitygroup"], resource_id=[group_id], order_by="asc"))
    kinds = [entry.action_type for entry in log]
    check(kinds[:2] == ["create", "update"], "the log tells of every change")
    check(all(entry.is_complete and entry.task_id for entry in log), "and of its task")
    check(all("Gcore" in (entry.user_agent or "") for entry in log), "and of its program")
    check(client.cloud.quotas.get_by_region(client_id=1).firewall_count_usage == 3, "the quota counts the groups")
    check(client.cloud.regions.get(region_id=76).display_name == "Luxembourg-2", "regions have their names")
    project = client.cloud.projects.create(name="edge")
    check(project in list(client.cloud.projects.list(name="edge")), "a new project is found by its name")
    client.cloud.tasks.acknowledge_all()
    check(list(client.cloud.tasks.list(is_acknowledged=False)) == [], "tasks can be acknowledged")


def check(holds: object, claim: str) -> None:
    """Fail where a claim does not hold."""
    if not holds:
        fail(claim)


def fail(claim: str) -> NoReturn:
    """End the program."""
    raise SystemExit(f"not so: {claim}")


if __name__ == "__main__":
    main(sys.argv[1])

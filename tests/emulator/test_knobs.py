"""One emulator, many servers: order, atomicity and the rest, and the history that shows what really happened."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from reconciler.emulator.knobs import Atomicity, DefaultRules, Knobs, Order

from .conftest import GROUPS, Client, create_entry, delete_entry, tcp


def moments(client: Client, group_id: str) -> list[list[int | None]]:
    """The lower ports of every rule set the group has had, as the emulator's own page tells it."""
    history = client.ok(client.http.get("/emulator/history", params={"group_id": group_id}))
    return [[rule["port_range_min"] for rule in step["rules"]] for step in history]


def port(number: int) -> dict[str, Any]:
    """An entry that creates a rule for one port."""
    return create_entry(protocol="tcp", port_range_min=number, port_range_max=number)


@pytest.mark.parametrize(
    ("order", "expected"),
    [
        pytest.param(Order.LISTED, [[1, 2], [1, 2, 3], [2, 3], [2, 3, 4], [3, 4]], id="listed"),
        pytest.param(Order.DELETES_FIRST, [[1, 2], [2], [], [3], [3, 4]], id="deletes-first"),
        pytest.param(Order.CREATES_FIRST, [[1, 2], [1, 2, 3], [1, 2, 3, 4], [2, 3, 4], [3, 4]], id="creates-first"),
    ],
)
def test_the_history_tells_every_moment_of_a_patch(client: Client, order: Order, expected: list[Any]) -> None:
    """In the order in which the server worked, whatever the order of the list."""
    client.emulator.control.knobs = Knobs(order=order, default_egress=False)
    group = client.create(rules=[tcp(1), tcp(2)])
    one, two = group["security_group_rules"]
    client.ok(client.patch(group["id"], port(3), delete_entry(one), port(4), delete_entry(two)))
    assert moments(client, group["id"]) == expected


@pytest.mark.parametrize("order", list(Order))
@pytest.mark.parametrize("atomicity", list(Atomicity))
def test_a_failing_entry_undoes_the_others_or_not(client: Client, order: Order, atomicity: Atomicity) -> None:
    """Atomic: nothing happened, and the history shows nothing. Partial: what came before it stays."""
    client.emulator.control.knobs = Knobs(order=order, atomicity=atomicity, default_egress=False)
    group = client.create(rules=[tcp(1), tcp(2)], tags={"env": "prod"})
    one, _ = group["security_group_rules"]
    response = client.patch(group["id"], port(3), delete_entry(one), port(2), port(4), name="web-2")
    assert response.status_code == 409
    after = client.get(group["id"])
    if atomicity is Atomicity.ATOMIC:
        assert after == group
        assert moments(client, group["id"]) == [[1, 2]]
    else:
        left = {Order.LISTED: [2, 3], Order.DELETES_FIRST: [2, 3], Order.CREATES_FIRST: [1, 2, 3]}[order]
        assert [rule["port_range_min"] for rule in after["security_group_rules"]] == left
        assert (after["name"], after["revision_number"]) == ("web-2", group["revision_number"] + 1)


def test_a_new_group_can_come_without_rules_of_its_own_accord(client: Client) -> None:
    client.emulator.control.knobs = Knobs(default_egress=False)
    assert client.create()["security_group_rules"] == []


def test_a_list_can_come_without_rules(client: Client) -> None:
    """The key is missing, which is not an empty list; reading one group still has them."""
    client.emulator.control.knobs = Knobs(list_rules=False)
    group = client.create(rules=[tcp(1)])
    listed = client.ok(client.http.get(GROUPS, params={"name": "web"}))["results"][0]
    assert listed == {name: value for name, value in group.items() if name != "security_group_rules"}
    assert client.get(group["id"]) == group


@pytest.mark.parametrize("status", [404, 405, 410])
def test_the_v1_patch_can_be_gone(client: Client, status: int) -> None:
    """Everything else still works."""
    client.emulator.control.knobs = Knobs(v1_patch_status=status)
    group = client.create()
    assert client.patch(group["id"], name="web-2").status_code == status
    assert client.get(group["id"]) == group


def test_names_can_be_unique(client: Client) -> None:
    """New groups, copies and renames; keeping a name is no conflict."""
    client.emulator.control.knobs = Knobs(unique_names=True)
    web, app = client.create("web"), client.create("app")
    assert client.http.post(GROUPS, json={"security_group": {"name": "web"}}).status_code == 409
    assert client.http.post(f"{GROUPS}/{app['id']}/copy", json={"name": "web"}).status_code == 409
    assert client.patch(app["id"], name="web").status_code == 409
    client.ok(client.patch(web["id"], name="web"))


def test_the_ceiling_can_be_lower(client: Client) -> None:
    client.emulator.control.knobs = Knobs(max_rules=3, default_rules=DefaultRules.NEUTRON)
    group = client.create(rules=[tcp(1)])
    assert client.patch(group["id"], port(2)).status_code == 409


def test_latency_is_longer_than_an_impatient_client_waits(client: Client) -> None:
    """The request has arrived, and is worked on when its time has come or the client has gone."""
    client.emulator.control.knobs = Knobs(latency_ms=60_000)
    with pytest.raises(httpx.ReadTimeout):
        client.http.get(GROUPS, timeout=httpx.Timeout(60, read=0.05))
    client.emulator.control.knobs = Knobs(latency_ms=1)
    client.ok(client.http.get(GROUPS))

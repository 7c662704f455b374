"""Seeds, state files and faults files: taken as they are, or refused with file and place."""

from __future__ import annotations

import json
import re
import sqlite3
from contextlib import closing
from dataclasses import fields
from functools import reduce
from operator import getitem
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import httpx
import pytest
from effort import examples
from hypothesis import given, settings
from hypothesis import strategies as st
from plan_strategies import leaves

from reconciler.emulator import faults, files
from reconciler.emulator.faults import Fault, FaultPlan, load_faults
from reconciler.emulator.knobs import Atomicity, Knobs, Order
from reconciler.emulator.records import EmulatorError, Target
from reconciler.emulator.seed import load_seed
from reconciler.emulator.server import EmulatorServer
from reconciler.emulator.store import Store

from .conftest import GROUPS, Client, create_entry, delete_entry

TARGET = Target(1, 7)
NOBODY = "00000000-0000-4000-8000-000000000000"
WEB = {"project_id": 1, "region_id": 7, "name": "web"}


@pytest.fixture
def store() -> Any:
    """An empty store in memory."""
    store = Store()
    yield store
    store.close()


STRANGE = [
    pytest.param({"direction": "ingress", "protocol": "47"}, id="protocol-number"),
    pytest.param({"direction": "ingress", "remote_ip_prefix": "10.0.0.1/8"}, id="host-bits"),
    pytest.param({"direction": "ingress", "ethertype": None}, id="null-ethertype"),
    pytest.param({"direction": "ingress", "description": None}, id="null-description"),
    pytest.param({"direction": "ingress", "remote_ip_prefix": "0.0.0.0/0"}, id="everywhere"),
    pytest.param({"direction": "ingress", "protocol": "tcp", "port_range_min": 0, "port_range_max": 9}, id="port-zero"),
    pytest.param({"direction": "ingress", "protocol": "brand-new"}, id="unknown-protocol"),
]


@pytest.mark.parametrize("rule", STRANGE)
def test_a_strange_rule_is_live_as_it_is_written(rule: dict[str, Any]) -> None:
    """Twice even; only what was left out is filled in. Other rules can still be added to its group."""
    with EmulatorServer(seed={"groups": [{**WEB, "rules": [rule, rule]}]}) as emulator:
        client = Client(emulator)
        with client.http:
            (group,) = client.ok(client.http.get(GROUPS, params={"name": "web"}))["results"]
            assert [{**live, **rule} for live in group["security_group_rules"]] == group["security_group_rules"]
            client.ok(client.patch(group["id"], create_entry(protocol="vrrp")))


def test_tags_instances_and_references_by_name() -> None:
    """The same name of an instance is the same machine; a read-only tag stays what it is."""
    rules = [{"direction": "egress", "remote_group": "db"}]
    tags = [{"key": "env", "value": "prod"}, {"key": "cluster", "value": "7", "read_only": True}]
    web = {**WEB, "tags": tags, "rules": rules, "instances": ["web-1", {"id": "x", "name": "web-2"}]}
    with EmulatorServer(seed={"groups": [web, {**WEB, "name": "db", "instances": ["web-1"]}]}) as emulator:
        client = Client(emulator)
        with client.http:
            web, db, default = client.ok(client.http.get(GROUPS))["results"]
            assert default["name"] == "default"
            assert web["security_group_rules"][0]["remote_group_id"] == db["id"]
            found = client.ok(client.http.get(f"{GROUPS}/{web['id']}/instances"))["results"]
            assert [(item["name"], len(item["security_groups"])) for item in found] == [("web-1", 2), ("web-2", 1)]
            assert client.patch(web["id"], tags={"cluster": "8"}).status_code == 400
            assert client.patch(web["id"], tags={"cluster": None}).status_code == 400
            assert [t["key"] for t in client.ok(client.patch(web["id"], tags=None))["tags_v2"]] == ["cluster"]


def test_a_list_answer_is_a_seed(store: Store) -> None:
    """What one emulator answers, another one starts from."""
    load_seed(store, {"groups": [{**WEB, "tags": {"env": "prod"}, "rules": [{"direction": "egress"}]}]})
    page = store.page(TARGET, limit=10, offset=0)
    twin = Store()
    load_seed(twin, json.loads(page))
    assert twin.page(TARGET, limit=10, offset=0) == page
    twin.close()


@pytest.mark.parametrize(
    ("content", "place"),
    [
        pytest.param([], "an object with a list `groups`", id="a-list"),
        pytest.param({"groups": {}}, "an object with a list `groups`", id="groups-is-no-list"),
        pytest.param({"groups": [], "group": 1}, "group: unknown key", id="unknown-top-key"),
        pytest.param({"groups": ["web"]}, "groups[0]: must be an object", id="no-object"),
        pytest.param({"groups": [{**WEB, "nam": 1}]}, "groups[0].nam: unknown key", id="unknown-key"),
        pytest.param({"groups": [{"name": "web"}]}, "groups[0].project_id: missing", id="no-project"),
        pytest.param({"groups": [{**WEB, "id": "7"}]}, "groups[0].id: '7' is not a UUID", id="no-uuid"),
        pytest.param({"groups": [{**WEB, "name": 7}]}, "groups[0].name: 7 is not text", id="name-is-a-number"),
        pytest.param({"groups": [{**WEB, "rules": {}}]}, "groups[0].rules: must be a list", id="rules-is-no-list"),
        pytest.param({"groups": [{**WEB, "rules": [{}]}]}, "groups[0].rules[0].direction: missing", id="no-direction"),
        pytest.param(
            {"groups": [{**WEB, "rules": [{"direction": "egress", "port": 1}]}]}, "rules[0].port", id="unknown-rule-key"
        ),
        pytest.param(
            {"groups": [{**WEB, "rules": [{"direction": "egress", "protocol": 6}]}]}, "rules[0].protocol", id="type"
        ),
        pytest.param(
            {"groups": [{**WEB, "rules": [{"direction": "egress", "remote_group": "x"}]}]}, "no group 'x'", id="remote"
        ),
        pytest.param({"groups": [{**WEB, "tags": "env"}]}, "groups[0].tags", id="tags-is-text"),
        pytest.param({"groups": [{**WEB, "tags": {"env": 1}}]}, "groups[0].tags", id="tag-value-is-a-number"),
        pytest.param({"groups": [{**WEB, "tags": [{"key": "a"}]}]}, "groups[0].tags", id="tag-without-a-value"),
        pytest.param({"groups": [{**WEB, "instances": [1]}]}, "groups[0].instances", id="instance-is-a-number"),
        pytest.param({"groups": [{**WEB, "id": NOBODY}] * 2}, "groups[1].id: there is already", id="one-id-twice"),
    ],
)
def test_a_bad_seed_is_refused_with_its_place(store: Store, tmp_path: Path, content: Any, place: str) -> None:
    """And nothing of it is kept."""
    file = tmp_path / "seed.json"
    file.write_text(json.dumps(content))
    with pytest.raises(EmulatorError) as problem:
        load_seed(store, file)
    assert str(problem.value).startswith(str(file))
    assert place in str(problem.value)
    assert store.rows("SELECT * FROM groups") == []


ALIASES = "groups:\n  a: &a [1, 1, 1, 1]\n" + "".join(
    f"  {name}: &{name} [{', '.join([f'*{before}'] * 4)}]\n" for before, name in zip("abcdef", "bcdefg", strict=True)
)


@pytest.mark.parametrize(
    ("name", "content", "problem"),
    [
        pytest.param("seed.json", b'{"groups":\n [}', ":2:3: not JSON", id="json"),
        pytest.param("seed.yaml", b"groups:\n  - [", ":3:1: not YAML", id="yaml"),
        pytest.param("seed.yaml", b"groups: \x07", "not YAML", id="control-character"),
        pytest.param("seed.yaml", b"\xff", "not UTF-8 at byte 0", id="encoding"),
        pytest.param("seed.json", b"[" * 100_000, "nested too deeply", id="nesting"),
        pytest.param("seed.json", b'{"groups": 9223372036854775808}', "a number is too large", id="64-bits"),
        pytest.param("seed.yaml", b"groups: .inf", "a number is too large, or none", id="infinity"),
        pytest.param("seed.json", b'{"groups": ["\\ud800"]}', "half of a surrogate pair", id="surrogate"),
        pytest.param("seed.json", b'{"\\ud800": []}', "half of a surrogate pair", id="surrogate-in-a-key"),
        pytest.param("seed.yaml", b"groups: &a [*a]", "more than 1,000 values", id="alias-of-itself"),
        pytest.param("seed.yaml", ALIASES.encode(), "more than 1,000 values", id="aliases-of-aliases"),
        pytest.param("none.json", None, "cannot be read: No such file", id="missing"),
    ],
)
def test_an_unreadable_file_is_named_with_line_and_column(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, content: bytes | None, problem: str
) -> None:
    """Seeds and faults files alike."""
    monkeypatch.setattr(files, "MOST_VALUES", 1000)
    file = tmp_path / name
    if content is not None:
        file.write_bytes(content)
    for load in (lambda: load_seed(store, file), lambda: load_faults(file)):
        with pytest.raises(EmulatorError) as found:
            load()
        assert str(found.value).startswith(str(file))
        assert problem in str(found.value)


RULE = {"id": "r", "direction": "ingress", "port_range_min": 1, "remote_group": "web", "created_at": ""}
SEED = {"groups": [{**WEB, "description": "", "rules": [RULE], "tags": {"a": "b"}, "instances": ["c"]}]}
FAULTS = {"knobs": {"latency_ms": 1, "max_rules": 2}, "faults": [{"fault": "status", "status": 400, "rule": RULE}]}
JUNK = st.sampled_from(
    [None, True, -1, 2**63, 10**30, 1e300, [], {}, {"": 1}, "", "x", "\ud800", "\x1b", "a\0", "x{9999999999}"]
)


@given(st.sampled_from([SEED, FAULTS]), st.data())
@settings(max_examples=examples(200), deadline=None)
def test_whatever_stands_in_a_file_is_refused_by_its_name_or_served(content: Any, data: st.DataObject) -> None:
    """Junk in place of any value of a seed or a faults file: no other error, and what is taken can be answered."""
    content = json.loads(json.dumps(content))
    *way, last = data.draw(st.sampled_from([path for path in leaves(content) if path]))
    reduce(getitem, way, content)[last] = data.draw(JUNK)
    store = Store()
    with TemporaryDirectory() as folder, closing(store):
        file = Path(folder, "file.json")
        file.write_text(json.dumps(content))
        try:
            if "groups" in content:
                load_seed(store, file)
                json.loads(store.page(TARGET, limit=10, offset=0))
            else:
                load_faults(file)
        except EmulatorError as problem:
            assert str(problem).startswith(str(file))  # noqa: PT017 - others are served


def test_a_state_file_is_made_and_found_again(tmp_path: Path) -> None:
    """Groups and unfinished tasks survive a restart; the history and the log do not."""
    state = str(tmp_path / "state.db")
    with EmulatorServer(state=state, knobs=Knobs(task_polls=2)) as emulator:
        client = Client(emulator)
        with client.http:
            web = client.create("web")
            (task,) = client.ok(client.http.post("/cloud/v2/security_groups/1/7", json={"name": "later"}))["tasks"]
    with EmulatorServer(state=state) as emulator:
        client = Client(emulator)
        with client.http:
            assert emulator.history == []
            assert client.get(web["id"]) == web
            assert client.ok(client.http.get(f"/cloud/v1/tasks/{task}"))["state"] == "RUNNING"
            assert client.ok(client.http.get(GROUPS))["count"] == 3
    assert [path.name for path in tmp_path.iterdir()] == ["state.db"]


def test_a_deletion_finds_the_rules_that_refer_to_it_in_a_state_file_of_an_older_version(tmp_path: Path) -> None:
    """Which groups refer to which was not kept there; a rule that no longer refers to it finds nothing."""
    state = str(tmp_path / "state.db")
    with EmulatorServer(state=state) as emulator:
        client = Client(emulator)
        with client.http:
            web, db, other = client.create("web"), client.create("database"), client.create("other")
            for group in (db, other):
                client.ok(client.patch(group["id"], create_entry(remote_group_id=web["id"])))
            (rule,) = (each for each in client.get(other["id"])["security_group_rules"] if each["remote_group_id"])
            client.ok(client.patch(other["id"], delete_entry(rule)))
            untouched = client.get(other["id"])
            emulator.store.database.execute("DROP TABLE remotes")
    with EmulatorServer(state=state) as emulator:
        client = Client(emulator)
        with client.http:
            assert client.http.delete(f"{GROUPS}/{web['id']}").status_code == 204
            assert not [each for each in client.get(db["id"])["security_group_rules"] if each["remote_group_id"]]
            assert client.get(other["id"]) == untouched


def test_what_is_no_state_file_is_refused_and_left_as_it_is(tmp_path: Path) -> None:
    """Text, another program's database, a folder that is missing."""
    text = tmp_path / "notes.txt"
    text.write_text("dear diary, " * 100)
    other = tmp_path / "other.db"
    with sqlite3.connect(other) as database:
        database.execute("CREATE TABLE accounts (id)")
    database.close()
    before = other.read_bytes()
    for path in (text, other, tmp_path / "none" / "state.db"):
        with pytest.raises(EmulatorError, match=re.escape(str(path))):
            Store(str(path))
    assert text.read_text() == "dear diary, " * 100
    assert other.read_bytes() == before


def test_a_faults_file_holds_knobs_and_faults(tmp_path: Path) -> None:
    """As YAML; a bare list is the faults alone."""
    file = tmp_path / "faults.yaml"
    file.write_text(
        "knobs: {order: creates_first, atomicity: partial, latency_ms: 20, task_polls: 3, v1_patch_status: 410}\n"
        "faults:\n"
        "  - {method: PATCH, path: /securitygroups/, nth: 2, fault: reset, when: after}\n"
        "  - {fault: foreign_change, rule: {direction: ingress}}\n"
    )
    knobs, plan = load_faults(file)
    assert knobs == Knobs(Order.CREATES_FIRST, Atomicity.PARTIAL, latency_ms=20, task_polls=3, v1_patch_status=410)
    reset = Fault("reset", method="PATCH", path="/securitygroups/", nth=2, when="after")
    assert plan == FaultPlan.of(reset, Fault("foreign_change", rule={"direction": "ingress"}))
    file.write_text("[{fault: hang}]")
    assert load_faults(file) == (Knobs(), FaultPlan.of(Fault("hang")))


@pytest.mark.parametrize(
    ("content", "place"),
    [
        pytest.param("hang", "must be a list of faults", id="text"),
        pytest.param({"fault": []}, "fault: unknown key", id="unknown-top-key"),
        pytest.param({"faults": {}}, "faults: must be a list", id="faults-is-no-list"),
        pytest.param(["hang"], "faults[0]: must be an object", id="no-object"),
        pytest.param([{}], "faults[0]: the key `fault`", id="no-fault"),
        pytest.param([{"fault": "explode"}], "faults[0].fault: 'explode' is not one of", id="unknown-fault"),
        pytest.param([{"fault": "hang", "wen": "after"}], "faults[0].wen: unknown key", id="unknown-key"),
        pytest.param([{"fault": "hang", "when": "during"}], "faults[0].when", id="when"),
        pytest.param([{"fault": "hang", "nth": "2"}], "faults[0].nth: '2'", id="nth-as-text"),
        pytest.param([{"fault": "hang", "path": "("}], "faults[0].path: '(' is not a regular expression", id="path"),
        pytest.param([{"fault": "hang", "path": "x{99999999999}"}], "faults[0].path: 'x{", id="path-repeats"),
        pytest.param([{"fault": "hang", "path": "(" * 3000}], "faults[0].path: '((", id="path-nests"),
        pytest.param([{"fault": "status"}], "faults[0].status", id="no-status"),
        pytest.param([{"fault": "status", "retry_after_date": 1e12}], "faults[0].retry_after_date", id="no-such-date"),
        pytest.param([{"fault": "status", "status": 200}], "faults[0].status", id="status-of-success"),
        pytest.param([{"fault": "foreign_change"}], "faults[0].rule", id="no-change"),
        pytest.param([{"fault": "foreign_change", "rule": {}}], "faults[0].rule.direction", id="bad-rule"),
        pytest.param({"knobs": []}, "knobs: must be an object", id="knobs-is-a-list"),
        pytest.param({"knobs": {"oder": 1}}, "knobs.oder: unknown knob", id="unknown-knob"),
        pytest.param({"knobs": {"order": "random"}}, "knobs.order", id="order"),
        pytest.param({"knobs": {"order": []}}, "knobs.order", id="order-is-a-list"),
        pytest.param({"knobs": {"atomicity": True}}, "knobs.atomicity", id="atomicity"),
        pytest.param({"knobs": {"latency_ms": -1}}, "knobs.latency_ms", id="latency"),
        pytest.param({"knobs": {"task_polls": 1.5}}, "knobs.task_polls", id="polls"),
        pytest.param({"knobs": {"list_rules": "no"}}, "knobs.list_rules", id="flag"),
        pytest.param({"knobs": {"v1_patch_status": 500}}, "knobs.v1_patch_status", id="gone"),
        pytest.param({"knobs": {"v1_patch_status": {}}}, "knobs.v1_patch_status", id="gone-is-an-object"),
    ],
)
def test_a_bad_faults_file_is_refused_with_its_place(tmp_path: Path, content: Any, place: str) -> None:
    file = tmp_path / "faults.json"
    file.write_text(json.dumps(content))
    with pytest.raises(EmulatorError) as problem:
        load_faults(file)
    assert str(problem.value).startswith(str(file))
    assert place in str(problem.value)


def test_every_field_of_a_fault_can_be_written_in_a_file() -> None:
    """The table of checks and the record know the same names."""
    assert set(faults._TYPES) == {field.name for field in fields(Fault)}


def test_one_client_may_use_several_targets() -> None:
    """Groups of one project and region are invisible in all others."""
    seed = {"groups": [WEB, {**WEB, "region_id": 8}, {**WEB, "project_id": 2}]}
    with EmulatorServer(seed=seed) as emulator, httpx.Client(base_url=emulator.url) as http:
        http.headers["Authorization"] = "apikey emulator"
        for target in ("1/7", "1/8", "2/7"):
            assert http.get(f"/cloud/v1/securitygroups/{target}").json()["count"] == 2


TAGS = ("int", "float", "bool", "null", "timestamp", "binary", "str", "seq", "map", "set", "omap", "pairs", "value")
TAGGED = ("", "x", '""', "1:", "0x", "[]", "{}", "[a]", "2001-99-99", "2001-01-01 25:00:00", "\u00e9", "{[a]: b}")


@pytest.mark.parametrize("tag", TAGS)
def test_a_tag_that_does_not_fit_its_text_is_an_error_of_the_file(store: Store, tmp_path: Path, tag: str) -> None:
    file = tmp_path / "seed.yaml"
    for text in TAGGED:
        file.write_text(f"groups: !!{tag} {text}\n", encoding="utf-8")
        for load in (lambda: load_seed(store, file), lambda: load_faults(file)):
            try:
                load()
            except EmulatorError as problem:
                assert str(problem).startswith(str(file)), text  # noqa: PT017 - some of them are right as they are

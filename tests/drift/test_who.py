"""Who changed a group, from the API's log: what `drift --who` and `history` tell, and what no log can make them do."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from effort import examples
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from reconciler.api import actions as reading
from reconciler.api.actions import MAX_PAGES, MAX_TEXT, PAGE, read_actions
from reconciler.cli import run
from reconciler.drift.compare import Drift, DriftedGroup, Severity, find_drift
from reconciler.drift.notify import slack_payload
from reconciler.drift.who import MOST, Changes, Who, attribute, what_to_ask
from reconciler.emulator import actions as log
from reconciler.emulator.actions import Actor
from reconciler.emulator.faults import Fault, FaultPlan
from reconciler.emulator.records import Target as StoredTarget
from reconciler.emulator.server import EmulatorServer
from reconciler.loading.head import Defaults
from reconciler.loading.load import load
from reconciler.model.action import MAX_IDS, ActionLog, ActionQuery, Resource, UserAction
from reconciler.model.canonical import canonical_rule
from reconciler.model.desired import DesiredGroup, Target
from reconciler.model.errors import Stopped
from reconciler.model.live import LiveGroup, LiveRule
from reconciler.model.place import FilePlace
from reconciler.model.published import read_schema
from reconciler.planning.diff import diff
from reconciler.planning.orphans import UnmanagedGroup
from reconciler.planning.resolve import Match
from reconciler.render.drift import view_drift
from reconciler.render.formats import render

FILE = """\
project_id: 1
region_id: 7
security_groups:
  - name: web
    rules:
      - {direction: ingress, protocol: tcp, ports: 443}
  - name: app
    rules:
      - {direction: ingress, protocol: tcp, ports: 8080}
  - name: same
    rules: []
"""
GROUPS = "/cloud/v1/securitygroups/1/7"
LOG = "/cloud/v1/user_actions"
SSH = {"action": "create", "direction": "ingress", "protocol": "tcp", "port_range_min": 22, "port_range_max": 22}
AGENT = "Mozilla/5.0 (console)\n::error::x <script>alert(1)</script> ``` \x1b[31m"
HOSTILE = Actor(3, "mallory@example.com", "203.0.113.66", AGENT, 251)


@pytest.fixture
def api(repository: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """An emulator as `sgctl apply` left it; then somebody opened SSH in `web`, and deleted `app`."""
    (repository / "groups.yaml").write_text(FILE)
    monkeypatch.setattr("reconciler.model.clock.SystemClock.sleep", lambda *_: None)
    with EmulatorServer() as server:
        monkeypatch.setenv("GCORE_BASE_URL", server.url)
        monkeypatch.setenv("GCORE_API_KEY", server.api_key)
        assert run(["apply", "--auto-approve", "-q"]) == 0
        headers = {"Authorization": f"apikey {server.api_key}", "User-Agent": "curl/8"}
        with httpx.Client(base_url=server.url, headers=headers, verify=False) as client:
            ids = {each["name"]: each["id"] for each in client.get(GROUPS).json()["results"]}
            assert client.patch(f"{GROUPS}/{ids['web']}", json={"changed_rules": [SSH]}).is_success
            assert client.delete(f"{GROUPS}/{ids['app']}").is_success
        (web,) = [each for each in server.store.groups(StoredTarget(1, 7)) if each.name == "web"]
        log.write(server.store, HOSTILE, web.target, "update", [log.of_group(web)], data={"name": "web"})
        server.requests.clear()
        yield server


def test_each_difference_is_told_with_who_made_it_by_two_requests(api: EmulatorServer, capsys: Any) -> None:
    """One for all groups that are live, one for all that were deleted; up to the last change of sgctl itself."""
    assert run(["drift", "--who", "--format", "json"]) == 2
    report = json.loads(capsys.readouterr().out)
    Draft202012Validator(read_schema("drift")).validate(report)
    assert [each.path.partition("?")[0] for each in api.requests] == [GROUPS, LOG, LOG]
    told = {each["name"]: each for each in report["differences"]}
    web, app = told["web"]["who"], told["app"]["who"]
    assert [each["email"] for each in web["changes"]] == ["mallory@example.com", "emulator@example.com"]
    assert (web["changes"][0]["token_id"], web["changes"][0]["address"]) == (251, "203.0.113.66")
    assert web["changes"][1]["what"] == ["+ ingress IPv4 tcp 22 from 0.0.0.0/0"]
    assert web["changes"][1]["user_agent"] == "curl/8"
    assert web["written"]["user_agent"].startswith("sgctl/")
    assert [(each["action"], each["user_agent"]) for each in app["changes"]] == [("delete", "curl/8")]
    assert datetime.now(UTC) - datetime.fromisoformat(told["web"]["updated_at"]) < timedelta(minutes=5)
    assert told["app"]["updated_at"] is None
    assert report["who_notes"] == []


@pytest.mark.usefixtures("api")
@pytest.mark.parametrize("format_", ["text", "markdown", "html", "github", "json"])
def test_no_format_obeys_what_a_client_called_itself(format_: str, capsys: Any) -> None:
    """Who sends a request chooses its user agent, and it is told all the same."""
    assert run(["drift", "--who", "--format", format_]) == 2
    out = capsys.readouterr().out
    for expected in ("mallory@example.com", "203.0.113.66", "251", "curl/8", "Mozilla/5.0"):
        assert expected in out.replace("\n      ", " ")
    assert "\n::error::x" not in out
    assert "\x1b[31m" not in out
    assert format_ != "html" or "<script>alert" not in out
    assert format_ != "markdown" or out.count("\n```") % 2 == 0
    assert "changed live at 20" in out or '"updated_at": "20' in out


def test_remote_groups_in_the_log_go_by_name(api: EmulatorServer, capsys: Any) -> None:
    """The log has their ids; live state knows their names."""
    groups = {each.name: each.id for each in api.store.groups(StoredTarget(1, 7))}
    headers = {"Authorization": f"apikey {api.api_key}"}
    change = {"changed_rules": [{**SSH, "remote_group_id": groups["same"], "description": groups["same"]}]}
    assert httpx.patch(f"{api.url}{GROUPS}/{groups['web']}", json=change, headers=headers).is_success
    for command in (["drift", "--who"], ["history", "web"]):
        run([*command, "--format", "json"])
        out = capsys.readouterr().out
        assert "+ ingress IPv4 tcp 22 from group same" in out
        assert f"group {groups['same']}" not in out


@pytest.mark.parametrize("status", [401, 403, 404, 400, 500])
@pytest.mark.parametrize("format_", ["text", "json"])
def test_a_log_that_cannot_be_read_is_one_note(api: EmulatorServer, status: int, format_: str, capsys: Any) -> None:
    """Drift is found and counted as without it; so is a history, which is empty then."""
    api.control.plan(FaultPlan.of(Fault("status", status=status, path="user_actions", count=0)))
    assert run(["drift", "--who", "--format", format_]) == 2
    out, err = capsys.readouterr()
    assert (" ".join(out.split()).count("who changed what is not known"), err) == (1, "")
    assert run(["history", "web", "--format", format_]) == 0
    out, err = capsys.readouterr()
    assert err.count("note: ") == 1
    assert out == "" or json.loads(out)["actions"] == []


def test_the_webhook_is_told_too(api: EmulatorServer, tmp_path: Path) -> None:
    from reconciler import connect, detect_drift, load  # noqa: PLC0415 - the library
    from reconciler.reading import find_who  # noqa: PLC0415 - the same

    with connect(api.api_key, base_url=api.url) as connected:
        found = find_who(detect_drift(load(str(tmp_path)), connected), connected)
    text = slack_payload(found, api.url)["text"]
    assert "mallory@example.com (token 251) from 203.0.113.66, Mozilla/5.0" in text
    assert "<script>" not in text
    assert "\n::error" not in text


HISTORIES = {
    "all": ([], {"web", "app", "same"}),
    "a name": (["web"], {"web"}),
    "a glob": (["*e*"], {"web", "same"}),
    "a group that is gone": (["app"], {"app"}),
    "two": (["app", "sa*"], {"app", "same"}),
    "nothing that long ago": (["web", "--since", "0s"], set()),
}


@pytest.mark.parametrize(("arguments", "expected"), HISTORIES.values(), ids=HISTORIES)
def test_a_history_is_of_the_groups_asked_for_newest_first(
    api: EmulatorServer, arguments: list[str], expected: set[str], capsys: Any
) -> None:
    assert run(["history", *arguments, "--format", "json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert {name for each in told["actions"] for name in each["groups"]} == expected
    times = [each["at"] for each in told["actions"]]
    assert times == sorted(times, reverse=True)
    assert [each.path.partition("?")[0] for each in api.requests] == [GROUPS, LOG]


@pytest.mark.usefixtures("api")
def test_a_history_of_nothing_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any) -> None:
    (tmp_path / "empty").mkdir()
    monkeypatch.chdir(tmp_path / "empty")
    assert run(["history", "--project-id", "2", "--region-id", "7"]) == 0
    out, err = capsys.readouterr()
    assert (out, "the log has nothing since 20" in err) == ("", True), err


def test_a_history_by_id_and_as_text(api: EmulatorServer, capsys: Any) -> None:
    (web,) = [each for each in api.store.groups(StoredTarget(1, 7)) if each.name == "web"]
    assert run(["history", web.id.upper()]) == 0
    out = capsys.readouterr().out
    assert "  web (project 1, region 7)  update: + ingress IPv4 tcp 22 from 0.0.0.0/0\n    emulator@" in out
    assert out.isascii()
    assert run(["history", "wbe"]) == 1
    assert "did you mean `web`?" in capsys.readouterr().err


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=300),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=20), inner, max_size=3),
    max_leaves=5,
)
FIELDS = ("timestamp", "action_type", "email", "user_id", "token_id", "source_user_ip", "user_agent", "action_data")
RULES = st.fixed_dictionaries({"changed_rules": st.lists(st.just(SSH) | JSON, max_size=5)})
STRANGE = st.fixed_dictionaries({}, optional=dict.fromkeys(FIELDS, JSON | RULES))
OURS = {"api_group": "securitygroup", "resources": [{"resource_id": "A", "resource_type": "securitygroup"}]}


@settings(deadline=None, max_examples=examples(50))
@given(entries=st.lists(STRANGE, max_size=4), total=JSON)
def test_no_entry_is_hidden_by_what_is_in_it(entries: list[dict[str, Any]], total: Any) -> None:
    """Whatever its other fields hold, an entry about a group is told, and what is told of it is short."""
    entries = [{**each, "id": str(number), **OURS} for number, each in enumerate(entries)]
    found = read_actions(lambda *_: {"count": total, "results": [*entries, None, 7, "x"]}, QUERY, lambda _: False)
    assert {each.id for each in found.actions} == {each["id"] for each in entries}
    for action in found.actions:
        assert all(len(text) <= MAX_TEXT for text in (action.email, action.user_agent, action.address, action.action))
        assert len(action.what) <= 9
        assert all(len(text) <= 2 * MAX_TEXT for text in action.what)


QUERY = ActionQuery(resource_ids=("a",))


@settings(deadline=None, max_examples=examples(50))
@given(answers=st.lists(st.dictionaries(st.sampled_from(["count", "results", "x"]), JSON), min_size=1, max_size=3))
def test_whatever_is_answered_reading_ends_without_an_error(answers: list[dict[str, Any]]) -> None:
    asked = 0

    def read(_: str, params: Mapping[str, object]) -> dict[str, Any]:
        nonlocal asked
        asked += 1
        return answers[asked % len(answers)]

    assert isinstance(read_actions(read, QUERY, lambda _: False), ActionLog)
    assert asked <= MAX_PAGES


def test_pages_without_end_are_bounded_and_a_list_that_repeats_itself_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "PAGE", 2)
    offsets: list[object] = []

    def endless(_: str, params: Mapping[str, Any]) -> dict[str, Any]:
        offsets.append(params["offset"])
        start = params["offset"]
        return {"count": 10**9, "results": [{**OURS, "id": str(start)}, {**OURS, "id": str(start + 1)}]}

    found = read_actions(endless, QUERY, lambda _: False)
    assert offsets == list(range(0, 2 * MAX_PAGES, 2))
    assert len(found.actions) == 2 * MAX_PAGES
    (note,) = found.notes
    assert note.startswith("no more than the newest")
    offsets.clear()
    page = {"count": 10**9, "results": [{**OURS, "id": "1"}]}
    assert len(read_actions(lambda *_: offsets.append(1) or page, QUERY, lambda _: False).actions) == 1
    assert len(offsets) == 2
    assert PAGE == 1000


def test_ctrl_c_is_no_note() -> None:
    def stopped(*_: object) -> dict[str, Any]:
        raise Stopped("stopped")

    with pytest.raises(Stopped):
        read_actions(stopped, QUERY, lambda _: False)


def test_filters_that_a_server_ignores_are_applied_here() -> None:
    """Another group's changes, another project's, older ones, and what is not about security groups, are left out."""
    own = {**OURS, "id": "1", "timestamp": "2026-01-02T00:00:00+0000", "project_id": 1, "region_id": 7}
    others = [
        {**own, "id": "2", "resources": [{"resource_id": "b"}]},
        {**own, "id": "3", "project_id": 2},
        {**own, "id": "4", "timestamp": "2025-01-02T00:00:00"},
        {**own, "id": "5", "api_group": "instance"},
    ]
    query = ActionQuery(("a",), (Target(1, 7),), since=datetime(2026, 1, 1, tzinfo=UTC))
    found = read_actions(lambda *_: {"results": [*others, own]}, query, lambda _: False)
    assert [each.id for each in found.actions] == ["1"]


def group(number: int, rules: Sequence[Any] = ()) -> LiveGroup:
    return LiveGroup(Target(1, 7), f"id-{number}", f"group-{number}", "", (), tuple(rules), 1)


def entry(number: int, seconds: int | None, agent: str = "curl") -> UserAction:
    at = None if seconds is None else datetime(2026, 1, 1, tzinfo=UTC) + timedelta(seconds=seconds)
    resources = (Resource(f"id-{number}", "securitygroup", ""),)
    name = f"{number}/{seconds}/{agent}"
    return UserAction(name, at, "update", "securitygroup", "", 1, 1, "", agent, 1, 7, resources, ())


def drifted(numbers: int) -> Any:
    rows = "".join(f"  - {{name: group-{number}, description: new, rules: []}}\n" for number in range(numbers))
    Path("many.yaml").write_text(f"project_id: 1\nregion_id: 7\nsecurity_groups:\n{rows}")
    live = {Target(1, 7): tuple(group(number) for number in range(numbers))}
    return [each.difference for each in find_drift(load(["many.yaml"], Defaults()), live).drifted]


@settings(deadline=None, max_examples=examples(80))
@given(log=st.lists(st.tuples(st.none() | st.integers(0, 20), st.sampled_from(["curl", "sgctl/1", "xsgctl/1"]))))
def test_what_is_told_are_the_changes_since_the_last_of_ours(
    tmp_path_factory: pytest.TempPathFactory, log: list[tuple[int | None, str]]
) -> None:
    """By a model that knows nothing of how it is found; entries without a time count as the oldest."""
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(tmp_path_factory.getbasetemp())
        (difference,) = drifted(1)
    entries = [entry(0, seconds, f"{agent} {number}") for number, (seconds, agent) in enumerate(log)]
    changes = attribute([difference], [ActionLog(tuple(entries), ("a note",))]).of(difference)
    ordered = sorted(entries, key=lambda each: -1 if each.at is None else each.at.timestamp(), reverse=True)
    ours = [number for number, each in enumerate(ordered) if each.user_agent.startswith("sgctl/")]
    since = ordered[: ours[0]] if ours else ordered
    assert list(changes.actions) == since[:MOST]
    assert changes.more == max(0, len(since) - MOST)
    assert changes.written == (ordered[ours[0]] if ours else None)


def test_the_log_is_asked_once_for_fifty_groups_and_no_further_than_needed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    asked = what_to_ask(drifted(120))
    assert [len(each.query.resource_ids) for each in asked] == [MAX_IDS, MAX_IDS, 20]
    first = asked[0]
    written = [entry(number, 5, "sgctl/1") for number in range(50)]
    assert first.is_enough(written)
    assert not first.is_enough(written[1:])
    assert first.is_enough([*written[1:], *(entry(0, seconds) for seconds in range(MOST))])


def test_what_one_person_did_to_many_groups_is_said_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """From the first time to the last: a script that went through a fleet is one line, not one a group."""
    monkeypatch.chdir(tmp_path)
    differences = drifted(6)
    log = ActionLog(tuple(entry(number, seconds) for number in range(6) for seconds in (number, number + 60)))
    found = Drift(
        tuple(DriftedGroup(each, Severity.COSMETIC, counted=True) for each in differences),
        groups=6,
        rules=0,
        fail_on=Severity.COSMETIC,
        group_names={},
        who=attribute(differences, [log]),
    )
    out = " ".join(render(view_drift(found), "text").split())
    assert out.count("who:") == 1
    assert "who: 2026-01-01T00:00:00Z to 2026-01-01T00:01:05Z, update, by user 1 (token 1)" in out


def test_an_orphan_is_told_with_who_made_it(repository: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any) -> None:
    (repository / "groups.yaml").write_text("owner: us\n" + FILE)
    with EmulatorServer() as server:
        monkeypatch.setenv("GCORE_BASE_URL", server.url)
        monkeypatch.setenv("GCORE_API_KEY", server.api_key)
        assert run(["apply", "--auto-approve", "-q"]) == 0
        body = {"security_group": {"name": "old", "tags": {"sgctl-owner": "us"}, "security_group_rules": []}}
        headers = {"Authorization": f"apikey {server.api_key}", "User-Agent": "curl/8"}
        assert httpx.post(f"{server.url}{GROUPS}", json=body, headers=headers).is_success
        capsys.readouterr()
        assert run(["drift", "--who"]) == 2
        out = " ".join(capsys.readouterr().out.split())
        assert run(["drift", "--who", "--format", "json"]) == 2
        report = json.loads(capsys.readouterr().out)
    assert "orphan old (project 1, region 7): who: 20" in out
    Draft202012Validator(read_schema("drift")).validate(report)
    assert [each["user_agent"] for each in report["orphans"][0]["who"]["changes"]] == ["curl/8"]


def test_a_message_to_a_chat_has_foreign_text_in_code_only() -> None:
    """There nothing of it calls a channel, is a link or looks like words of ours, whichever chat it is."""
    text = "@all *Drift: none* [ok](https://x.example) <!here> `"
    here = Target(1, 7, text, text)
    at = datetime(2026, 1, 1, tzinfo=UTC)
    action = UserAction("1", at, "update", "securitygroup", text, None, None, text, text, 1, 7, (), (text,))
    rule = LiveRule("r", canonical_rule("ingress", "IPv4", "tcp", 22, 22, None, None), "")
    group = LiveGroup(here, "id", text, "", (), (rule,), 1)
    desired = DesiredGroup(here, text, FilePlace("a", 1, 1), rules=())
    drifted = DriftedGroup(diff(Match(desired, group)), Severity.WIDENING, counted=True)
    orphan = UnmanagedGroup(here, "o", text, 1, "us")
    changes = Changes((action,))
    who = Who({(here, text, "id"): changes, (here, text, "o"): changes})
    drift = Drift((drifted,), 1, 1, Severity.COSMETIC, {}, orphans=(orphan,), who=who)
    told = slack_payload(drift, "https://api")["text"]
    assert told.count("@all") >= 9
    assert not set("@[<") & set(re.sub("`[^`]*`", "", told))

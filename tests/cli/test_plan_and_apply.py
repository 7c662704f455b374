"""`plan` and `apply` against the emulator: nothing is written, then exactly what was said, and then nothing is left."""

from __future__ import annotations

import json
import os
import threading
from contextlib import nullcontext
from typing import Any

import httpx
import pytest
from effort import examples
from hypothesis import given, settings
from hypothesis import strategies as st

from reconciler import connect, load, plan
from reconciler.api.reader import QUOTAS_PATH
from reconciler.cli import run
from reconciler.emulator.knobs import DefaultRules, Knobs
from reconciler.emulator.server import EmulatorServer
from reconciler.loading.rule import expand
from reconciler.planning import planfile

from .conftest import APP, CHANGED, EMPTIED, KEY, SAME, SEED, WEB, Sgctl, writes

EVERYTHING = """\
project_id: 1
region_id: 7
owner: us
security_groups:
  - name: www
    previous_name: web
    description: Public
    tags: {env: test, team: edge}
    rules:
      - {direction: ingress, protocol: tcp, ports: 80, description: HTTP}
      - {direction: ingress, protocol: tcp, ports: 8443}
      - {direction: ingress, protocol: tcp, ports: 22, remote_group: bastion}
  - name: bastion
    rules:
      - {direction: ingress, protocol: tcp, ports: 22, remote_ip_prefixes: [203.0.113.0/24, 2001:db8::/48]}
      - {direction: ingress, protocol: icmp, icmp_type: 8, icmp_code: 0, remote_group: bastion}
"""


def bodies(emulator: EmulatorServer) -> list[tuple[str, str, Any]]:
    """Every write as it arrived."""
    return [
        (request.method, request.path, json.loads(request.body) if request.body else None)
        for request in emulator.requests
        if request.method != "GET"
    ]


@pytest.mark.parametrize("text", [SAME, CHANGED, EMPTIED, EVERYTHING], ids=["same", "changed", "emptied", "everything"])
def test_plan_and_drift_write_nothing(sgctl: Sgctl, emulator: EmulatorServer, text: str) -> None:
    """One list of the target, and the quotas where a group is to be created: that is all that is ever asked."""
    sgctl.write(text)
    for arguments in (["plan"], ["plan", "--out", "plan.json"], ["drift"], ["show", "plan.json"]):
        sgctl(*arguments)
    assert {request.method for request in emulator.requests} == {"GET"}
    quotas = [request for request in emulator.requests if request.path == QUOTAS_PATH]
    assert len(quotas) == (2 if text is EVERYTHING else 0)
    assert len(emulator.requests) == 3 + len(quotas)


def test_what_is_sent_is_what_the_plan_file_says(sgctl: Sgctl, emulator: EmulatorServer) -> None:
    """Body for body and, one by one, in that order, but for the ids of new groups; then planning is empty."""
    sgctl.write(EVERYTHING)
    assert sgctl("plan", "--out", "plan.json").code == 0
    planned = [
        (request["method"], request["path"], request["body"])
        for change in json.loads(sgctl.read("plan.json"))["changes"]
        for request in change["requests"]
    ]
    ran = sgctl("apply", "plan.json", "--parallelism", "1")
    assert ran.code == 0, ran.out + ran.err
    sent = bodies(emulator)
    created = next(group for group in live(sgctl) if group["name"] == "bastion")["id"]
    filled = json.loads(json.dumps(planned).replace("${security_group:bastion}", created))
    assert [
        list(each) for each in sent if "changed_rules" not in (each[2] or {}) or each in map(tuple, filled)
    ] == filled
    assert sgctl("plan", "--detailed-exitcode").code == 0
    assert sgctl("drift").code == 0


def live(sgctl: Sgctl) -> list[dict[str, Any]]:
    """The live groups, as an independent reader sees them."""
    answer = httpx.get(
        f"{os.environ['GCORE_BASE_URL']}/cloud/v1/securitygroups/1/7?limit=1000",
        headers={"Authorization": f"apikey {KEY}"},
    )
    found: list[dict[str, Any]] = answer.json()["results"]
    return found


def test_one_patch_and_one_read_a_changed_group(sgctl: Sgctl, emulator: EmulatorServer) -> None:
    sgctl.write(CHANGED)
    sgctl("plan", "--out", "plan.json")
    before = len(emulator.requests)
    assert sgctl("apply", "plan.json").code == 0
    methods = [(request.method, request.path.rsplit("/", 1)[-1]) for request in emulator.requests[before:]]
    assert methods == [("GET", "7"), ("PATCH", WEB), ("GET", WEB)]


def test_a_second_apply_does_nothing(sgctl: Sgctl, emulator: EmulatorServer) -> None:
    sgctl.write(EVERYTHING)
    assert sgctl("apply", "--auto-approve").code == 0
    sent = writes(emulator)
    ran = sgctl("apply", "--auto-approve")
    assert ran.code == 0
    assert "No changes" in ran.out
    assert writes(emulator) == sent


def test_what_another_apply_did_while_somebody_was_asked_is_not_done_again(
    sgctl: Sgctl, emulator: EmulatorServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A second create would make two groups of one name; and the one who was asked waits for the other's turn."""
    sgctl.write(SAME.replace("name: web", "name: fresh"))

    def while_somebody_is_asked(_: object) -> None:
        assert run(["apply", "groups.yaml", "--auto-approve", "--quiet"]) == 0

    turns: list[str] = []
    monkeypatch.setattr("reconciler.cli.apply.one_at_a_time_here", lambda api: nullcontext(turns.append(api.base_url)))
    monkeypatch.setattr("reconciler.cli.apply._refuse_options_of_a_saved_plan", lambda *_: None)
    monkeypatch.setattr("reconciler.cli.apply._ask", while_somebody_is_asked)
    assert sgctl("apply", "groups.yaml").code == 0
    assert writes(emulator) == ["POST"]
    assert turns == [emulator.url] * 2


def test_a_stopped_plan_is_shown_and_saved(sgctl: Sgctl, emulator: EmulatorServer) -> None:
    """On stdout and in the file; applying the file stops again, and the one with the flag does not."""
    sgctl.write(EMPTIED)
    ran = sgctl("plan", "--out", "plan.json")
    assert ran.code == 5
    assert "- ingress" in ran.out
    assert "without any rule" in ran.out
    assert "--allow-mass-delete" in ran.err
    assert sgctl("show", "plan.json").out == ran.out
    ran = sgctl("apply", "plan.json")
    assert ran.code == 5
    assert writes(emulator) == []
    assert sgctl("plan", "--out", "plan.json", "--allow-mass-delete").code == 0
    assert json.loads(sgctl.read("plan.json"))["lifted"] == ["mass-delete"]
    assert sgctl("apply", "plan.json").code == 0
    assert writes(emulator) == ["PATCH"]


def test_show_needs_no_network_and_no_key(
    sgctl: Sgctl, emulator: EmulatorServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    planned = sgctl("plan", sgctl.write(CHANGED), "--out", "plan.json")
    seen = len(emulator.requests)
    monkeypatch.delenv("GCORE_API_KEY")
    monkeypatch.setenv("GCORE_BASE_URL", "https://example.invalid")
    shown = sgctl("show", "plan.json")
    assert (shown.code, shown.out) == (planned.code, planned.out)
    made, judged = shown.err.splitlines()
    assert made.startswith("digest sha256:")
    assert made.endswith(f" for {emulator.url}")
    assert judged.startswith("judged by the policies of the defaults and the default limits, as part of 1 group ")
    for format_ in ("markdown", "html"):  # which are read without stderr beside them
        page = sgctl("show", "plan.json", "--format", format_).out
        assert made in page
        assert judged in page
    assert sgctl("show", "plan.json", "--format", "json").out == sgctl.read("plan.json")
    assert len(emulator.requests) == seen


def test_the_json_of_a_plan_is_its_file(sgctl: Sgctl) -> None:
    """But for the moment at which it was made, and what follows from that."""
    shown = sgctl("plan", sgctl.write(CHANGED), "--format", "json").json
    sgctl("plan", "--out", "plan.json")
    saved = json.loads(sgctl.read("plan.json"))
    for name in ("created_at", "digest"):
        del shown[name], saved[name]
    assert shown == saved


def test_an_error_that_only_the_plan_finds_shows_its_line(sgctl: Sgctl) -> None:
    """With path, line, column, a caret and what to do, as an error of the files does."""
    text = SAME.replace("ports: [80, 443]", "ports: 80, remote_group: nil")
    ran = sgctl("plan", sgctl.write(text, "a/web.yaml"))
    assert ran.code == 1
    lines = ran.err.splitlines()
    assert lines[0].startswith("a/web.yaml:6:9: error: ")
    assert "remote_group: nil" in lines[1]
    assert lines[2].index("^") == lines[1].index("{direction")
    assert "fix:" in lines[3]


def test_the_caret_is_under_its_column_in_a_very_long_line(sgctl: Sgctl) -> None:
    """A line that does not fit is shown around the place."""
    rule = "{direction: ingress, protocol: tcp, ports: 80, remote_ip_prefix: 10.0.0.1/8}"
    filler = ", ".join(f"{{direction: egress, protocol: tcp, ports: {port}}}" for port in range(1, 40))
    text = SAME.split("    rules:")[0] + f"    rules: [{filler}, {rule}, {filler.replace('egress', 'ingress')}]\n"
    ran = sgctl("validate", sgctl.write(text))
    shown, caret = ran.err.splitlines()[1:3]
    assert shown[caret.index("^") :].startswith("10.0.0.1/8")
    assert len(shown) <= 80


def test_a_place_in_a_pipe_is_not_read_twice(sgctl: Sgctl) -> None:
    """`sgctl plan <(generate)`: what was read is gone, and nobody may wait for more."""
    os.mkfifo("pipe.yaml")
    text = SAME.replace("ports: [80, 443]", "ports: 80, remote_group: nil")

    def feed() -> None:
        with open("pipe.yaml", "w", encoding="utf-8") as stream:  # noqa: PTH123 - a pipe
            stream.write(text)

    feeder = threading.Thread(target=feed, daemon=True)
    feeder.start()
    ran = sgctl("plan", "pipe.yaml")
    feeder.join()
    assert ran.code == 1
    assert ran.err.startswith("pipe.yaml:6:9: error: ")


RULES = st.lists(
    st.fixed_dictionaries(
        {"direction": st.sampled_from(["ingress", "egress"])},
        optional={
            "ethertype": st.sampled_from(["IPv4", "IPv6", None]),
            "description": st.sampled_from(["", "a", "b: c", None]),
            "remote_group_id": st.sampled_from([WEB, APP, None]),
        },
    ).flatmap(
        lambda rule: st.sampled_from(
            [
                rule,
                rule | {"protocol": "any"},
                rule | {"protocol": "tcp", "port_range_min": 1, "port_range_max": 65535},
                rule | {"protocol": "udp", "port_range_min": 53, "port_range_max": 53},
                rule | {"protocol": "icmp", "port_range_min": 8},
                rule | {"protocol": "47"},
                {"direction": rule["direction"], "protocol": "sctp", "remote_ip_prefix": "2001:DB8::1"},
                {"direction": rule["direction"], "protocol": "tcp", "remote_ip_prefix": "0.0.0.0/0"},
            ]
        )
    ),
    max_size=6,
    unique_by=lambda rule: json.dumps({key: value for key, value in rule.items() if key != "description"}),
)
TAGS = st.none() | st.dictionaries(st.sampled_from(["a", "b", "env"]), st.sampled_from(["1", "x y"]), max_size=3)


@pytest.fixture(scope="module")
def shared() -> Any:
    """One emulator whose groups go through everything that is desired, one state after the other."""
    with EmulatorServer(api_key=KEY, seed=SEED) as running:
        running.control.knobs = Knobs(refuse_port_25=False, default_rules=DefaultRules.NEUTRON)
        yield running


@settings(max_examples=examples(80), deadline=None)
@given(st.dictionaries(st.sampled_from(["web", "app", "new one"]), st.tuples(RULES, TAGS), min_size=1))
def test_whatever_is_applied_plans_empty_afterwards(
    shared: EmulatorServer, tmp_path_factory: pytest.TempPathFactory, groups: dict[str, Any]
) -> None:
    """From any state to any other: every rule in the API's own fields, tags, new groups; one step and it is there."""
    folder = tmp_path_factory.mktemp("state")
    document = {
        "project_id": 1,
        "region_id": 7,
        "security_groups": [
            {"name": name, "rules": _distinct(rules)} | ({} if tags is None else {"tags": tags})
            for name, (rules, tags) in groups.items()
        ],
    }
    path = folder / "groups.yaml"
    path.write_text(json.dumps(document), encoding="utf-8")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        patch.setenv("GCORE_BASE_URL", shared.url)
        patch.setenv("GCORE_API_KEY", KEY)
        assert run(["apply", str(path), "--auto-approve", "--allow-mass-delete"]) == 0
    with connect(KEY, base_url=shared.url) as api:
        assert plan(load(str(path)), api).changes == ()


def _distinct(rules: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Leave out what is the same rule with another description: a file may not hold both."""
    found: dict[Any, dict[str, Any]] = {}
    for rule in rules:
        expansion = expand(rule, {})
        if not expansion.problems:
            found.setdefault(expansion.rules[0], rule)
    return list(found.values())


@pytest.mark.parametrize("format_", ["text", "markdown", "json", "html"])
def test_a_plan_says_what_exclude_keeps_out_of_sight(sgctl: Sgctl, format_: str) -> None:
    """It may be a group, or the file with the policies; where nothing is left out, nothing is said."""
    sgctl.write(CHANGED)
    sgctl.write("project_id: 1\nregion_id: 7\npolicies: {must_deny: []}\nsecurity_groups: []\n", "strict/rules.yaml")
    sgctl.write('timeout = 5\nexclude = ["nowhere"]\n', "sgctl.toml")
    said = "what `exclude` leaves out is not looked at"
    assert said not in sgctl("plan", "--format", format_).out.replace("\n", " ")
    sgctl.write('timeout = 5\nexclude = ["strict"]\n', "sgctl.toml")
    ran = sgctl("plan", "--format", format_, "--out", "plan.json")
    assert (ran.code, "sgctl.toml:2:1): strict/" in ran.out) == (0, True), ran.out
    for command in ("validate", "drift", "audit"):
        assert f"{said} (sgctl.toml:2:1): strict/" in sgctl(command).err
    assert sgctl("apply", "plan.json").code == 0


def test_a_plan_of_a_forged_size_is_stopped_before_anything_is_sent(sgctl: Sgctl, emulator: EmulatorServer) -> None:
    """One of two rules goes, and the plan says that there are a billion. What judges today is told."""
    sgctl.write(SAME.replace("[80, 443]", "80"))
    sgctl.write("[limits]\nmax_deleted_rules = 10\nmin_deleted_rules = 0\n", "sgctl.toml")
    assert sgctl("plan", "--out", "plan.json").code == 5
    content = json.loads(sgctl.read("plan.json"))
    content["scope"]["rules"], content["findings"] = 10**9, []
    sgctl.write(json.dumps({**content, "digest": planfile.digest(content)}), "forged.json")
    assert "as part of 1 group with 1000000000 managed rules" in sgctl("show", "forged.json").err
    ran = sgctl("apply", "forged.json")
    assert (ran.code, writes(emulator)) == (5, [])
    assert "all that is live counted as managed:\n  the plan deletes 1 of 7 managed rules (14 %)" in ran.err
    sgctl.write("[limits]\nmax_deleted_rules = 60\n", "sgctl.toml")
    assert "limits of its own" in sgctl("apply", "plan.json").err
    assert writes(emulator) == ["PATCH"]

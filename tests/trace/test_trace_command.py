"""`sgctl trace`: exit codes, words and the JSON contract, on files and on the emulator."""

import json
from pathlib import Path
from typing import Any

import pytest

from reconciler.cli import run
from reconciler.emulator.faults import Fault, FaultPlan
from reconciler.emulator.knobs import Knobs
from reconciler.emulator.server import EmulatorServer
from reconciler.model.canonical import canonical_rule
from reconciler.model.desired import Target
from reconciler.planning.group_view import StateView, ViewedGroup, ViewedRule
from reconciler.render.trace import render_trace
from reconciler.trace import parse_question
from reconciler.trace.sides import ask, groups_to_apply

FILE = """\
project_id: 1337
region_id: 7
security_groups:
  - name: web
    rules:
      - {direction: ingress, protocol: tcp, ports: 443, remote_ip_prefix: 203.0.113.0/24, description: "tls \\e[31m"}
      - {direction: ingress, protocol: tcp, ports: 9100, remote_group: monitor}
      - {direction: egress}
  - name: app
    rules:
      - {direction: ingress, protocol: tcp, ports: 8080, remote_group: web}
      - {direction: egress, protocol: tcp, ports: 443}
  - name: monitor
    rules: []
  - name: unmanaged
"""
API_FIELDS = {
    "direction",
    "ethertype",
    "protocol",
    "port_range_min",
    "port_range_max",
    "remote_ip_prefix",
    "remote_group_id",
    "description",
}


@pytest.fixture(autouse=True)
def here(repository: Path) -> Path:
    (repository / "web.yaml").write_text(FILE)
    return repository


def trace(line: str) -> int:
    return run(["trace", *line.split()])


CASES = {
    "allowed": ("--group web ingress tcp/443 from 203.0.113.9", 0, "web.yaml:6:9"),
    "refused": ("--group web ingress tcp/443 from 203.0.112.9", 2, "allowed from 203.0.113.0/24 only (web.yaml:6:9)"),
    "another port": ("--group web ingress tcp/80 from 203.0.113.9", 2, "allowed for tcp 443 only (web.yaml:6:9)"),
    "between groups": ("--group app ingress tcp/8080 --from-group web", 0, "web.yaml:8:9"),
    "in words": ("--group app ingress tcp/8080 from group web", 0, "web.yaml:11:9"),
    "from the other end": ("--group web egress tcp/8080 --to-group app web.yaml", 0, "web.yaml:11:9"),
    "no way out of there": ("--group web ingress tcp/9100 --from-group monitor", 2, "no egress rule at all"),
    "several groups": ("--group web --group app ingress tcp/8080 from group web", 0, "at web, app"),
    "IPv6": ("--group web ingress tcp/443 from 2001:db8::1", 2, "nearest"),
    "no such group": ("--group wbe ingress tcp/443 from 10.0.0.1", 1, "did you mean `web`?"),
    "not managed": ("--group unmanaged ingress tcp/443 from 10.0.0.1", 1, "web.yaml:15:5"),
    "no question": ("--group web", 1, "a question has"),
    "no group": ("ingress tcp/443 from 10.0.0.1", 1, "--group"),
    "wrong option": ("--group web egress tcp/443 to 10.0.0.1 --from-group app", 1, "use --to-group"),
    "no such file": ("--group web ingress tcp/443 from 10.0.0.1 nowhere.yaml", 1, "nowhere.yaml"),
}


@pytest.mark.parametrize(("line", "code", "words"), CASES.values(), ids=CASES.keys())
def test_exit_code_and_words(line: str, code: int, words: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert trace(line) == code
    said = capsys.readouterr()
    assert words in said.out + said.err
    assert "\x1b[31m" not in said.out, "what files say is no command to a terminal"


def test_json_has_the_rules_that_allow_it(capsys: pytest.CaptureFixture[str]) -> None:
    assert trace("--group app ingress tcp/8080 --from-group web --format json") == 0
    answer = json.loads(capsys.readouterr().out)
    assert answer["allowed"] is True
    assert [(rule["group"], rule["place"], rule["id"]) for rule in answer["rules"]] == [
        ("app", "web.yaml:11:9", None),
        ("web", "web.yaml:8:9", None),
    ]
    assert all(rule.keys() >= API_FIELDS for rule in answer["rules"])
    assert answer["nearest"] == []


def test_json_of_a_refusal_has_no_rules(capsys: pytest.CaptureFixture[str]) -> None:
    assert trace("--group web ingress tcp/22 from 203.0.113.9 --format json") == 2
    answer = json.loads(capsys.readouterr().out)
    assert (answer["allowed"], answer["rules"]) == (False, [])
    assert answer["nearest"][0]["rules"][0]["place"] == "web.yaml:6:9"


def test_targets_that_agree_are_one_answer_and_others_an_error(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    both = FILE.replace("region_id: 7", "targets: [{region_id: 7}, {region_id: 8}]").replace(
        "  - name: unmanaged\n", ""
    )
    (here / "web.yaml").write_text(both)
    line = "--group web ingress tcp/443 from 203.0.113.9"
    assert trace(line) == 0
    assert capsys.readouterr().out.count("web.yaml:6:9") == 1
    (here / "more.yaml").write_text(
        "project_id: 1337\nregion_id: 9\nsecurity_groups:\n  - {name: web, rules: []}\n  - {name: app, rules: []}\n"
    )
    assert trace(line) == 1
    assert "targets disagree" in capsys.readouterr().err
    assert trace(f"{line} --region-id 9") == 2
    assert trace(f"{line} --region-id 8") == 0
    assert trace(f"{line} --region-id 10") == 1


@pytest.fixture
def emulator(monkeypatch: pytest.MonkeyPatch) -> Any:
    rules: list[dict[str, object]] = [
        {"direction": "ingress", "protocol": "tcp", "port_range_min": 443, "port_range_max": 443},
        {"direction": "ingress", "protocol": "tcp", "port_range_min": 22, "port_range_max": 22},
    ]
    rules[0]["remote_ip_prefix"] = "203.0.113.0/24"
    head = {"project_id": 1337, "region_id": 7}
    others = [{**head, "name": "other", "rules": rules[1:]}, {**head, "name": "unmanaged", "rules": rules[1:]}]
    seed = {"groups": [{**head, "name": "web", "rules": rules}, *others]}
    with EmulatorServer(seed=seed, knobs=Knobs(refuse_port_25=False)) as emulator:
        monkeypatch.setenv("GCORE_BASE_URL", emulator.url)
        monkeypatch.setenv("GCORE_API_KEY", emulator.api_key)
        yield emulator


def test_live_rules_have_their_id_and_where_they_are_written(
    emulator: EmulatorServer, capsys: pytest.CaptureFixture[str]
) -> None:
    assert trace("--live --group web ingress tcp/443 from 203.0.113.9 --format json") == 0
    (rule,) = json.loads(capsys.readouterr().out)["rules"]
    assert rule["place"] == "web.yaml:6:9"
    assert len(rule["id"]) == 36
    assert {request.method for request in emulator.requests} == {"GET"}


def test_live_state_is_not_desired_state(emulator: EmulatorServer, capsys: pytest.CaptureFixture[str]) -> None:
    """SSH is open live, and in no file."""
    line = "--group web ingress tcp/22 from 198.51.100.1"
    assert trace(f"--desired {line}") == 2
    assert not emulator.requests, "files are asked offline"
    assert trace(f"--live {line}") == 0
    assert "id " in capsys.readouterr().out


SIDES = {
    "only live allows it": (
        "--group web ingress tcp/22 from 198.51.100.1",
        0,
        "files: REFUSED at web: no rule admits ingress tcp 22 from 198.51.100.1 · live: allowed",
        [
            (
                "write:  - {direction: ingress, protocol: tcp, ports: 22, remote_ip_prefix: 198.51.100.1/32}"
                "  in web (web.yaml:4:5), if it is to be allowed"
            ),
            "mend:   sgctl apply --group web --group monitor  (as the files are now, it ends this)",
            "who:    sgctl history web",
        ],
    ),
    "only the files allow it": (
        "--group web egress tcp/443 to 198.51.100.1 web.yaml",
        2,
        "files: allowed · live: REFUSED at web: no rule admits egress tcp 443 to 198.51.100.1",
        ["mend:   sgctl apply web.yaml --group web --group monitor"],
    ),
    "no such live group yet": (
        "--group app ingress tcp/8080 --from-group web",
        2,
        "files: allowed · live: REFUSED: no live group is named 'app'",
        ["mend:   sgctl apply --group app --group web --group monitor"],
    ),
    "no file has the group": (
        "--group other ingress tcp/22 from 198.51.100.1",
        0,
        "files: no file defines the group 'other' · live: allowed",
        [],
    ),
    "the files leave its rules alone": (
        "--group unmanaged ingress tcp/80 from 198.51.100.1",
        2,
        (
            "files: the files do not manage the rules of 'unmanaged' (web.yaml:15:5) · "
            "live: REFUSED at unmanaged: no rule admits ingress tcp 80 from 198.51.100.1"
        ),
        [],
    ),
    "neither": (
        "--group web ingress tcp/20-25 from 203.0.113.9",
        2,
        (
            "files: REFUSED at web: no rule admits ingress tcp 20-25 from 203.0.113.9 · "
            "live: REFUSED at web: no rule admits all of ingress tcp 20-25 from 203.0.113.9"
        ),
        [
            (
                "write:  - {direction: ingress, protocol: tcp, ports: 20-25, remote_ip_prefix: 203.0.113.9/32}"
                "  in web (web.yaml:4:5), if it is to be allowed"
            ),
            "mend:   sgctl apply --group web --group monitor",
        ],
    ),
    "both": ("--group web ingress tcp/443 from 203.0.113.9", 0, "files: allowed · live: allowed", []),
}


@pytest.mark.usefixtures("emulator")
@pytest.mark.parametrize(("line", "code", "verdict", "steps"), SIDES.values(), ids=SIDES.keys())
def test_both_sides_are_asked_in_one_verdict_and_live_decides(
    line: str, code: int, verdict: str, steps: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    """With the command that would mend it, which does mend it."""
    assert trace(line) == code
    out, err = capsys.readouterr()
    first, *rest = out.splitlines()
    assert (first, err) == (verdict, "")
    assert [each for each in rest if each.startswith(("write:", "mend:", "who:"))] == steps
    assert trace(f"{line} --format json") == code
    answer = json.loads(capsys.readouterr().out)
    assert (answer["side"], answer["allowed"]) == ("live", code == 0)
    assert [side["side"] for side in answer["sides"]] == ["desired", "live"]
    assert [f"{step['kind']}:" for step in answer["mend"]] == [step.split()[0] for step in steps]
    for step in answer["mend"]:
        if step["kind"] == "mend":
            assert run([*step["text"].split("  ")[0].split()[1:], "--auto-approve", "--allow-mass-delete"]) == 0
            capsys.readouterr()
            trace(line)
            assert len({side.split()[1] for side in capsys.readouterr().out.splitlines()[0].split(" · ")}) == 1, (
                "mended"
            )


def test_where_live_state_cannot_be_asked_the_files_answer_with_one_note(
    emulator: EmulatorServer, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """No key, a wrong key, no permission, nobody there: exit code and output are those of the files."""
    monkeypatch.setattr("reconciler.model.clock.SystemClock.sleep", lambda *_: None)
    line = "--group web egress tcp/443 to 198.51.100.1"
    assert trace(f"{line} --desired") == 0
    alone = capsys.readouterr().out
    for variable, value in (
        ("GCORE_API_KEY", ""),
        ("GCORE_API_KEY", "wrong"),
        ("GCORE_BASE_URL", "http://127.0.0.1:9"),
    ):
        with monkeypatch.context() as patch:
            patch.setenv(variable, value)
            assert trace(line) == 0
        out, err = capsys.readouterr()
        assert (out, len(err.splitlines())) == (alone, 1)
        assert err.startswith("note: live state was not asked: ")
    emulator.control.plan(FaultPlan.of(Fault("status", status=403, count=0)))
    assert trace(f"{line} --format json") == 0
    assert json.loads(capsys.readouterr().out)["side"] == "desired"
    assert trace(f"{line} --live") == 1


def test_only_where_the_files_have_the_group_is_live_state_read(emulator: EmulatorServer, here: Path) -> None:
    """One request, however many other projects and regions the files are about."""
    others = "".join(f"---\nproject_id: 1337\nregion_id: {region}\nsecurity_groups: []\n" for region in range(20, 40))
    (here / "others.yaml").write_text(others)
    assert trace("--group web ingress tcp/443 from 203.0.113.9") == 0
    assert [request.path.partition("?")[0] for request in emulator.requests] == ["/cloud/v1/securitygroups/1337/7"]


def test_a_group_that_is_live_in_one_target_only_is_no_verdict(
    emulator: EmulatorServer, here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Allowed here and impossible there is not "allowed"."""
    (here / "web.yaml").write_text(FILE.replace("region_id: 7", "targets: [{region_id: 7}, {region_id: 8}]"))
    line = "--group web ingress tcp/443 from 203.0.113.9"
    assert trace(line) == 1
    assert "no such group in project 1337, region 8" in capsys.readouterr().err
    assert trace(f"{line} --region-id 7") == 0


def test_what_two_targets_refuse_alike_is_said_once() -> None:
    """Live rules have ids of their own in each."""
    groups = tuple(
        ViewedGroup(Target(1, region), f"k{region}", "web", (_viewed(f"id{region}"),), None, f"k{region}")
        for region in (7, 8)
    )
    views = StateView(groups, {}, is_live=False), StateView(groups, {}, is_live=True)
    question = parse_question(("egress", "tcp/443", "to", "203.0.113.9"), (), None)[0]
    verdict = render_trace([ask(view, ("web",), question) for view in views]).splitlines()[0]
    assert verdict.count("no rule admits") == 2


def test_only_groups_that_refuse_it_live_are_named_to_be_applied() -> None:
    """Both ends are asked, and one of them is live as the files have it."""

    def view(*ingress: ViewedRule, is_live: bool) -> StateView:
        out = ViewedRule(canonical_rule("egress", "IPv4", "tcp", 443, 443, None, "app"), "web")
        groups = (ViewedGroup(Target(1, 7), "web", "web", (out,)), ViewedGroup(Target(1, 7), "app", "app", ingress))
        return StateView(groups, {"web": "web", "app": "app"}, is_live=is_live)

    into = ViewedRule(canonical_rule("ingress", "IPv4", "tcp", 443, 443, None, "web"), "app")
    question = parse_question(("egress", "tcp/443", "to", "group", "app"), (), None)[0]
    sides = [ask(each, ("web",), question) for each in (view(into, is_live=False), view(is_live=True))]
    assert groups_to_apply(sides) == ("app",)


def _viewed(rule_id: str) -> ViewedRule:
    return ViewedRule(canonical_rule("egress", None, "tcp", 80, 80, None, None), "web", "", None, rule_id)


@pytest.mark.usefixtures("emulator")
def test_live_needs_no_files(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (here / "web.yaml").unlink()
    line = "--live --group web ingress tcp/443 from 203.0.113.9"
    assert trace(line) == 1
    assert trace(f"{line} --project-id 1337 --region-id 7") == 0
    assert "id " in capsys.readouterr().out


def test_a_rule_of_a_preset_says_so(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (here / "web.yaml").write_text(FILE.replace("{direction: egress}", "preset: default-egress"))
    assert trace("--group web egress tcp/443 to 198.51.100.7") == 0
    assert "web.yaml:8:9, preset default-egress" in capsys.readouterr().out
    assert trace("--group web egress tcp/25 to 198.51.100.7") == 2

"""The CI files that users copy: valid to the published schemas, and their shell steps do what their names say."""

import base64
import gzip
import importlib.util
import json
import os
import re
import shutil
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from reconciler.cli.drift import command
from reconciler.emulator.records import Target
from reconciler.emulator.server import EmulatorServer

ROOT = Path(__file__).parents[2]
CI = ROOT / "examples" / "ci"
WEB = """\
project_id: 1
region_id: 7
security_groups:
  - name: web
    rules:
      - {direction: ingress, protocol: tcp, ports: 443, remote_ip_prefix: 10.0.0.0/8}
"""
CDN = WEB.replace("remote_ip_prefix: 10.0.0.0/8", "remote_address_group: cdn").replace(
    "security_groups:", "address_groups: {cdn: {source: gcore-cdn}}\nsecurity_groups:"
)
GH = """\
#!/bin/sh
echo "gh $*" >> "$GH_LOG"
while [ $# -gt 0 ]; do
  case $1 in
    --body-file) cat "$2" >> "$GH_LOG" ;;
    *=@*) cat "${1#*=@}" >> "$GH_LOG" ;;
    --paginate | list) cat "$GH_FOUND" ;;
  esac
  shift
done
"""
"""Writes down what it is asked and the files that it is given; what it finds is in GH_FOUND."""

SCHEMAS = {
    **{f"github/{name}.yml": ["vendor.github-workflows"] for name in ("plan", "apply", "drift", "refresh")},
    "gitlab/gitlab-ci.yml": ["vendor.gitlab-ci", "--data-transform", "gitlab-ci"],
}


@pytest.mark.full
@pytest.mark.parametrize(("file", "schema"), SCHEMAS.items(), ids=SCHEMAS.keys())
def test_files_are_valid_to_the_published_schemas(file: str, schema: list[str]) -> None:
    command = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", *schema, str(CI / file)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=240, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


WORKFLOWS = sorted((CI / "github").glob("*.yml"))
BESIDE_PYTHON = Path(sys.executable).parent


def test_the_workflows_leave_an_attacker_nothing_that_zizmor_knows_of() -> None:
    """Its strictest persona: no action by tag, no credentials kept, no permission or secret beyond its job."""
    command = [str(BESIDE_PYTHON / "zizmor"), "--offline", "--no-config", "--persona", "auditor", *map(str, WORKFLOWS)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=240, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "No findings" in done.stdout + done.stderr


ACTIONLINT = shutil.which("actionlint", path=f"{ROOT / '.tools'}{os.pathsep}{os.environ['PATH']}")


@pytest.mark.skipif(ACTIONLINT is None, reason="actionlint is not there: `make .tools/installed` builds it with Go")
def test_actionlint_has_nothing_to_say() -> None:
    command = [str(ACTIONLINT), *map(str, WORKFLOWS)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=240, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("file", WORKFLOWS, ids=lambda file: file.name)
def test_an_action_is_a_commit_and_tells_its_version(file: Path) -> None:
    uses = re.findall(r"uses: (.*)", file.read_text())
    assert uses
    assert [each for each in uses if not re.fullmatch(r"actions/[a-z-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+", each)] == []


@pytest.mark.parametrize("file", WORKFLOWS, ids=lambda file: file.name)
def test_only_the_step_that_talks_to_the_cloud_has_the_key(file: Path) -> None:
    workflow = yaml.safe_load(file.read_text())
    holders = [
        step
        for job in workflow["jobs"].values()
        for step in job["steps"]
        if "secrets." in yaml.safe_dump(step)
        if job["environment"] in {"security-groups-read", "production"}
    ]
    assert len(holders) == file.read_text().count("secrets.")
    assert all(re.search(r"^(code=0\n)?sgctl (plan|apply|drift|audit) ", step["run"]) for step in holders)


def test_a_change_of_whatever_steers_a_plan_starts_one() -> None:
    """Every pull request does: where the check is required, one that is skipped for its paths could not be merged."""
    watched = {"sgctl.toml", "pyproject.toml", "requirements.txt", "groups/**", "rules.toml"}
    plan, apply = (yaml.safe_load((CI / "github" / f"{name}.yml").read_text())[True] for name in ("plan", "apply"))
    assert plan == {"pull_request": None}
    assert watched <= set(apply["push"]["paths"])
    gitlab = (CI / "gitlab" / "gitlab-ci.yml").read_text()
    assert all(f"  - {path}\n" in gitlab for path in watched - {"groups/**", "rules.toml"})


def test_every_job_installs_by_hash() -> None:
    """From a file that pip-compile writes; it takes wheels only."""
    files = [*WORKFLOWS, CI / "gitlab" / "gitlab-ci.yml"]
    installs = [line for file in files for line in file.read_text().splitlines() if "pip install" in line]
    assert len(installs) == 7
    assert all(line.endswith("--require-hashes --requirement requirements.txt") for line in installs)
    assert "\n--only-binary :all:\nsgctl @ https://" in (CI / "requirements.in").read_text()


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[EmulatorServer]:
    """A repository with one group, a runner's files, and a `gh` that writes down what it was asked."""
    (tmp_path / "groups").mkdir()
    (tmp_path / "groups" / "web.yaml").write_text(WEB)
    programs = tmp_path / "bin"
    programs.mkdir()
    (programs / "gh").write_text(GH)
    (programs / "python").write_text(f'#!/bin/sh\nexec "{sys.executable}" "$@"\n')
    (programs / "sgctl").write_text('#!/bin/sh\nexec python -m reconciler "$@"\n')
    for program in programs.iterdir():
        program.chmod(program.stat().st_mode | stat.S_IXUSR)
    with EmulatorServer() as emulator:
        monkeypatch.chdir(tmp_path)
        monkeypatch.setenv("PATH", f"{programs}{os.pathsep}{os.environ['PATH']}")
        monkeypatch.setenv("GCORE_BASE_URL", emulator.url)
        monkeypatch.setenv("GCORE_API_KEY", emulator.api_key)
        monkeypatch.setenv("NUMBER", "7")
        (tmp_path / "runner").mkdir()
        monkeypatch.setenv("RUNNER_TEMP", str(tmp_path / "runner"))
        for name in ("GITHUB_OUTPUT", "GITHUB_STEP_SUMMARY", "GH_LOG", "GH_FOUND"):
            (tmp_path / name).touch()
            monkeypatch.setenv(name, str(tmp_path / name))
        yield emulator


def steps(workflow: str, job: str) -> dict[str, str]:
    """The shell steps of a job by name, without the installation."""
    content: dict[str, Any] = yaml.safe_load((CI / "github" / f"{workflow}.yml").read_text())
    return {step["name"]: step["run"] for step in content["jobs"][job]["steps"] if "run" in step and "name" in step}


def run(script: str) -> int:
    """Run a step as a runner does: bash, and the first failure ends it."""
    return subprocess.run(["bash", "-eo", "pipefail", "-c", script], timeout=240, check=False).returncode


def output() -> dict[str, str]:
    lines = Path("GITHUB_OUTPUT").read_text().splitlines()
    return dict(line.split("=", 1) for line in lines)


@pytest.mark.usefixtures("repository")
def test_a_pull_request_gets_a_comment_with_the_plan(
    capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Only the step that plans has the key."""
    plan = steps("plan", "plan")
    assert run(plan["Plan"]) == 0
    assert output() == {"code": "2"}
    monkeypatch.delenv("GCORE_API_KEY")
    assert run(plan["Show"]) == 0
    assert "::notice file=groups/web.yaml,line=4,col=5" in capfd.readouterr().out
    assert run(plan["Comment"]) == 0
    said = Path("GH_LOG").read_text()
    assert "gh api --silent --method POST repos//issues/7/comments --field body=@comment.md\n<!-- sgctl plan" in said
    assert "create web" in said
    assert "create web" in Path("GITHUB_STEP_SUMMARY").read_text()
    assert "create web" in Path("runner/plan.html").read_text()


@pytest.mark.usefixtures("repository")
def test_a_published_list_that_moved_gets_a_pull_request(
    monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """With the prefixes that came and went, and the plan; only the lock is committed, and only the plan has the key."""
    origin = tmp_path_factory.mktemp("origin")
    for name in ("GIT_AUTHOR_NAME", "GIT_COMMITTER_NAME", "GIT_AUTHOR_EMAIL", "GIT_COMMITTER_EMAIL"):
        monkeypatch.setenv(name, "a@example.com")
    Path("groups/web.yaml").write_text(CDN)
    assert run(f"git init -q --bare '{origin}'; git init -q; git remote add origin '{origin}'") == 0
    assert run("git add groups; git commit -qm Begin") == 0
    found = steps("refresh", "refresh")
    key = os.environ["GCORE_API_KEY"]
    monkeypatch.delenv("GCORE_API_KEY")
    assert run(found["Refresh"]) == 0
    assert output() == {"code": "2"}
    monkeypatch.setenv("GCORE_API_KEY", key)
    assert run(found["Plan"]) == 0
    monkeypatch.delenv("GCORE_API_KEY")
    assert run(found["Open the pull request"]) == 0
    said = Path("GH_LOG").read_text()
    assert "gh pr create --title Refresh published address groups --head sgctl-refresh --body-file " in said
    assert "+ 198.51.100.0/26" in said
    assert "create web" in said
    pushed = subprocess.run(
        ["git", "-C", str(origin), "show", "--name-only", "--format=%s", "sgctl-refresh"],
        capture_output=True,
        text=True,
        check=True,
        timeout=240,
    )
    assert pushed.stdout.split("\n") == ["Refresh published address groups", "", "groups/sgctl.lock.yaml", ""]


@pytest.mark.usefixtures("repository")
def test_a_published_list_that_is_as_locked_asks_for_nothing() -> None:
    Path("groups/web.yaml").write_text(CDN)
    assert run("sgctl refresh groups/") == 0
    assert run(steps("refresh", "refresh")["Refresh"]) == 0
    assert output() == {"code": "0"}


@pytest.mark.full
@pytest.mark.usefixtures("repository")
def test_the_comment_of_an_earlier_plan_is_replaced_also_where_there_is_no_plan() -> None:
    """What the log says is indented, so that no line of a file becomes Markdown or a mention."""
    Path("groups/web.yaml").write_text(WEB.replace("tcp", "tpc").replace("10.0.0.0/8}", "10.0.0.0/8} # @everyone"))
    Path("GH_FOUND").write_text("4711\n")
    plan = steps("plan", "plan")
    assert run(plan["Plan"]) == 1
    assert run(plan["Comment"]) == 0
    said = Path("GH_LOG").read_text()
    assert "gh api --silent --method PATCH repos//issues/comments/4711 " in said
    comment = Path("runner/comment.md").read_text().splitlines()
    assert comment[:2] == ["<!-- sgctl plan groups/ -->", "**No plan could be made.** The log of the job says:"]
    assert any("groups/web.yaml:6:40: error:" in line for line in comment)
    assert all(line.startswith("    ") for line in comment[3:])


@pytest.mark.usefixtures("repository")
def test_a_pull_request_is_judged_by_the_rules_of_the_base_branch(monkeypatch: pytest.MonkeyPatch) -> None:
    """The files of the pull request can switch their own policies off, and not these."""
    content: dict[str, Any] = yaml.safe_load((CI / "github" / "plan.yml").read_text())
    by_name = {step["name"]: step for step in content["jobs"]["plan"]["steps"] if "name" in step}
    base = by_name["Take the base branch, whose rules hold"]["with"]
    assert base["ref"] == "${{ github.event.pull_request.base.sha }}"
    rules = by_name["Plan"]["env"]["SGCTL_POLICIES"]
    assert rules == f"{base['path']}/rules.toml"
    assert "SGCTL_POLICIES: rules.toml\n" in (CI / "github" / "apply.yml").read_text(), "and a merge by the merged ones"
    Path(rules).parent.mkdir()
    Path(rules).write_text('[policies]\nrule_description = "error"\n')
    Path("sgctl.toml").write_text('[policies]\nrule_description = "off"\n')
    monkeypatch.setenv("SGCTL_POLICIES", rules)
    assert run(steps("plan", "plan")["Plan"]) == 0
    assert output() == {"code": "5"}


@pytest.mark.usefixtures("repository")
def test_what_no_plan_shows_is_in_the_comment(monkeypatch: pytest.MonkeyPatch) -> None:
    """A policy that goes, an owner, a project: compared with the base branch, as text that is no Markdown."""
    shutil.copytree("groups", ".base/groups")
    Path(".base/groups/rules.yaml").write_text(
        "project_id: 2\nregion_id: 7\npolicies: {rule_description: {pattern: '@everyone <img>'}}\nsecurity_groups: []\n"
    )
    plan = steps("plan", "plan")
    assert run(plan["Plan"]) == 0
    monkeypatch.delenv("GCORE_API_KEY")
    assert run(plan["Show"]) == run(plan["Compare what is looked after"]) == run(plan["Comment"]) == 0
    said = Path("GH_LOG").read_text()
    assert "\n    -policy rule_description.pattern: @everyone <img>\n" in said
    assert "\n    -target project 2, region 7\n" in said
    assert said.count("@everyone") == 1
    shutil.rmtree(".base")
    shutil.copytree("groups", ".base/groups")
    Path("runner/oversight.md").unlink()
    assert run(plan["Compare what is looked after"]) == 0
    assert not Path("runner/oversight.md").exists(), "nothing changes, and nothing is said"


@pytest.mark.usefixtures("repository")
def test_many_lines_do_not_hide_a_policy_that_goes() -> None:
    """A pull request with hundreds of new groups: what goes comes first, and what is cut is said."""
    shutil.copytree("groups", ".base/groups")
    rules = "project_id: 1\nregion_id: 7\npolicies: {world_open_management: error}\nsecurity_groups: []\n"
    Path(".base/groups/rules.yaml").write_text(rules)
    groups = "".join(f"  - {{name: a-group-{number}, rules: []}}\n" for number in range(300))
    Path("groups/more.yaml").write_text(f"project_id: 1\nregion_id: 7\nsecurity_groups:\n{groups}")
    assert run(steps("plan", "plan")["Compare what is looked after"]) == 0
    said = Path("runner/oversight.md").read_text()
    assert said.splitlines()[2] == "    -policy world_open_management.level: error"
    assert "**Cut here: of 302 lines" in said
    assert len(said) < 4200
    assert Path("GITHUB_STEP_SUMMARY").read_text().count("+group a-group-") == 300


def test_the_base_branch_is_not_checked_out_over_what_a_pull_request_brings(repository: EmulatorServer) -> None:
    """Groups behind a link would be replaced by those of the base branch, and merged as they were."""
    del repository
    (refuse, take, *_) = list(yaml.safe_load((CI / "github" / "plan.yml").read_text())["jobs"]["plan"]["steps"][1:])
    assert run(refuse["run"]) == 0
    place = Path(take["with"]["path"])
    for to in ("groups", "nowhere"):
        place.symlink_to(to)
        assert run(refuse["run"]) == 1
        place.unlink()
    place.mkdir()
    assert run(refuse["run"]) == 1


@pytest.mark.parametrize("file", sorted(path for path in CI.rglob("*.y*ml")), ids=lambda path: path.name)
def test_no_module_of_a_repository_is_taken_for_one_of_python(file: Path) -> None:
    """Python looks for modules beside a script, and with `-m` in the current folder; with -I it does neither."""
    assert not re.findall(r"\bpython3?\"? (?!-I )-?\w.*", file.read_text())


@pytest.mark.parametrize(
    "name",
    ["plan.md", *(pytest.param(each, marks=pytest.mark.full) for each in ("errors.txt", "oversight.md", "comment.md"))],
)
@pytest.mark.usefixtures("repository")
def test_no_file_of_a_pull_request_is_taken_for_a_result(name: str, tmp_path: Path) -> None:
    """A forged plan beside files that cannot be planned, or a link to what only the runner may read, or overwrite."""
    Path("groups/web.yaml").write_text(WEB.replace("tcp", "tpc"))
    (tmp_path / "secret").write_text("s3cret, no changes")
    Path(name).symlink_to("secret")
    plan = steps("plan", "plan")
    assert run(plan["Plan"]) == 1
    assert run(plan["Comment"]) == 0
    assert "s3cret" not in Path("GH_LOG").read_text()
    assert (tmp_path / "secret").read_text() == "s3cret, no changes"


@pytest.mark.full
@pytest.mark.usefixtures("repository")
def test_a_bad_file_fails_the_pull_request(capfd: pytest.CaptureFixture[str]) -> None:
    Path("groups/web.yaml").write_text(WEB.replace("tcp", "tpc"))
    assert run(steps("plan", "plan")["Plan"]) == 1
    assert "groups/web.yaml:6:40: error:" in capfd.readouterr().err
    assert output() == {}


def test_a_merge_applies_exactly_the_saved_plan(repository: EmulatorServer) -> None:
    assert run(steps("apply", "plan")["Plan"]) == 0
    assert output() == {"code": "2"}
    assert run(steps("apply", "plan")["Show"]) == 0
    assert all(request.method == "GET" for request in repository.requests)
    check = steps("apply", "apply")["Check that the plan is of this commit"]
    assert (run(f"GITHUB_SHA='' {check}"), run(f"GITHUB_SHA=another; {check}")) == (0, 1), "there is no commit here"
    assert run(steps("apply", "apply")["Apply"]) == 0
    assert "created web" in Path("GITHUB_STEP_SUMMARY").read_text()
    assert Path("runner/journal.jsonl").stat().st_size > 0
    assert run(steps("apply", "plan")["Plan"]) == 0
    assert output() == {"code": "0"}, "the second job is skipped"


def test_the_nightly_drift_opens_an_issue(repository: EmulatorServer) -> None:
    drift = steps("drift", "drift")
    assert run(drift["Compare"]) == 0
    assert output() == {"code": "2"}
    assert run(f"CODE=2; {drift['Tell']}") == 0
    said = Path("GH_LOG").read_text()
    assert "gh issue create --title Security groups have drifted" in said
    assert "missing web" in said
    assert all(request.method == "GET" for request in repository.requests)


@pytest.mark.parametrize(
    ("code", "found", "asked"),
    [("2", "7\n", "edit 7 "), ("0", "7\n", "close 7 "), ("0", "", "list ")],
    ids=["another night", "mended", "still well"],
)
@pytest.mark.usefixtures("repository")
def test_the_issue_about_drift_closes_itself(code: str, found: str, asked: str) -> None:
    Path("runner/drift.md").touch()
    Path("GH_FOUND").write_text(found)
    assert run(f"CODE={code}; {steps('drift', 'drift')['Tell']}") == 0
    assert Path("GH_LOG").read_text().splitlines()[-1].startswith(f"gh issue {asked}")


@pytest.mark.usefixtures("repository")
def test_findings_are_handed_over_as_sarif() -> None:
    audit = steps("drift", "audit")
    assert run(audit["Judge"]) == 0
    assert run(audit["Hand over"]) == 0
    assert "code-scanning/sarifs" in Path("GH_LOG").read_text()
    packed = base64.b64decode(Path("runner/audit.sarif.gz.b64").read_text())
    assert json.loads(gzip.decompress(packed))["version"] == "2.1.0"


@pytest.mark.usefixtures("repository")
def test_drift_with_a_dead_api_fails_the_job(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GCORE_API_KEY", "wrong")
    assert run(steps("drift", "drift")["Compare"]) == 1
    assert output() == {}


@pytest.mark.full
def test_gitlab_jobs_do_the_same(repository: EmulatorServer) -> None:
    content: dict[str, Any] = yaml.safe_load((CI / "gitlab" / "gitlab-ci.yml").read_text())
    shutil.copy(CI / "gitlab" / "report.py", ".")
    for job in ("plan", "apply", "drift"):
        assert run("\n".join(content[job]["script"])) == 0
    assert "POST" in {request.method for request in repository.requests}
    assert "No drift" in Path("drift.html").read_text()
    assert json.loads(Path("tfplan.json").read_text()) == {"create": 1, "update": 0, "delete": 0}
    assert Path("plan.junit.xml").read_text().startswith("<?xml")


@pytest.mark.parametrize("is_link", [True, False], ids=["links", "forged"])
@pytest.mark.usefixtures("repository")
def test_no_file_of_a_merge_request_is_taken_for_a_result(tmp_path: Path, *, is_link: bool) -> None:
    """What a shell writes to a link, it writes to what that names; and artifacts are kept where nothing was planned."""
    content: dict[str, Any] = yaml.safe_load((CI / "gitlab" / "gitlab-ci.yml").read_text())
    shutil.copy(CI / "gitlab" / "report.py", ".")
    script = "\n".join(content["plan"]["script"])
    (written,) = re.findall(r"rm -rf (.*)", script)
    kept = {*content["plan"]["artifacts"]["paths"], *content["plan"]["artifacts"]["reports"].values()}
    assert kept | {*re.findall(r"> (\S+)", script)} == {*written.split()}
    (tmp_path / "outside").write_text("as before")
    for name in written.split():
        if is_link:
            Path(name).symlink_to(tmp_path / "outside")
        else:
            Path(name).write_text("no changes")
    Path("groups/web.yaml").write_text(WEB if is_link else WEB.replace("tcp", "tpc"))
    assert run(script) == (0 if is_link else 1)
    assert (tmp_path / "outside").read_text() == "as before"
    assert [name for name in written.split() if Path(name).exists() and not is_link] == []


@pytest.mark.parametrize("file", WORKFLOWS, ids=lambda file: file.name)
def test_a_workflow_writes_nothing_into_the_repository(file: Path) -> None:
    """There a link may be in the place of what it writes, and lead anywhere."""
    for job in yaml.safe_load(file.read_text())["jobs"].values():
        for step in job["steps"]:
            script = step.get("run", "")
            written = re.findall(r"(?:(?<![0-9<>])>>? ?|--(?:out|sarif|journal) )([^\s;&]+)", script)
            named = [each for each in written if each[:2] not in ('"$', "/d") and not each.startswith("&")]
            assert not named or 'cd "$RUNNER_TEMP"' in script, (step, named)


@pytest.mark.full
@pytest.mark.usefixtures("repository")
def test_a_gitlab_plan_that_a_guardrail_stops_is_reported_and_fails() -> None:
    content: dict[str, Any] = yaml.safe_load((CI / "gitlab" / "gitlab-ci.yml").read_text())
    shutil.copy(CI / "gitlab" / "report.py", ".")
    Path("sgctl.toml").write_text('[policies]\nrule_description = "error"\n')
    assert run("\n".join(content["plan"]["script"])) == 5
    assert Path("tfplan.json").exists()


@pytest.mark.parametrize(
    "notes", [[], [{"id": 3, "body": "hello"}, {"id": 4, "body": "<!-- sgctl plan groups/ -->\nold"}]]
)
def test_one_note_on_a_merge_request_is_written_or_replaced(
    notes: list[dict[str, Any]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[tuple[str, str, Any]] = []
    spec = importlib.util.spec_from_file_location("report", CI / "gitlab" / "report.py")
    assert spec is not None
    assert spec.loader is not None
    report = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(report)

    def ask(method: str, path: str, content: Any = None) -> Any:
        asked.append((method, path, content))
        return notes

    monkeypatch.setattr(report, "ask", ask)
    monkeypatch.chdir(tmp_path)
    for name in ("GITLAB_TOKEN", "CI_MERGE_REQUEST_IID"):
        monkeypatch.setenv(name, "7")
    counted = {f"groups_to_{action}": 1 for action in ("create", "update", "delete")}
    Path("plan.json").write_text(json.dumps({"summary": counted}))
    Path("plan.md").write_text("new")
    report.main("plan.json", "plan.md")
    assert asked[0][0] == "GET"
    expected = ("PUT", "/4") if notes else ("POST", "")
    assert asked[1:] == [(*expected, {"body": "<!-- sgctl plan groups/ -->\nnew"})]


@pytest.mark.full
def test_atlantis_applies_the_file_that_was_reviewed(
    repository: EmulatorServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    workflow = yaml.safe_load((CI / "atlantis" / "repos.yaml").read_text())["workflows"]["sgctl"]
    monkeypatch.setenv("PLANFILE", str(Path.cwd() / "default.tfplan"))
    (plan,), (apply,) = workflow["plan"]["steps"], workflow["apply"]["steps"]
    assert run(plan["run"]) == 0
    assert Path("default.tfplan").exists()
    Path("groups/web.yaml").write_text(WEB.replace("443", "22"))
    assert run(apply["run"]) == 0
    (group,) = repository.store.groups(Target(1, 7), "web")
    assert [rule.port_range_min for rule in group.rules] == [443]


OPA = shutil.which("opa")


@pytest.mark.skipif(OPA is None, reason="opa is not installed")
@pytest.mark.usefixtures("repository")
def test_rules_in_rego_read_a_plan() -> None:
    """The plan changes one region, and deletes nothing: nothing is denied. With a second region, one sentence is."""
    assert run("sgctl plan groups/ --out plan.json") == 0
    plan = json.loads(Path("plan.json").read_text())
    denied = []
    for regions in (1, 2):
        plan["changes"] = [{**plan["changes"][0], "region_id": number} for number in range(regions)]
        Path("input.json").write_text(json.dumps(plan))
        command = [
            str(OPA),
            "eval",
            "-d",
            str(CI.parent / "policies" / "conftest"),
            "-i",
            "input.json",
            "data.main.deny",
        ]
        done = subprocess.run(command, capture_output=True, text=True, timeout=240, check=True)
        denied.append(json.loads(done.stdout)["result"][0]["expressions"][0]["value"])
    assert denied == [[], ["the plan changes 2 regions; change one after the other"]]


def test_the_cron_job_is_locked_down_and_names_real_options() -> None:
    """The container runs as nobody, with a read-only root, and the arguments are ones that the command takes."""
    job = yaml.safe_load((CI / "kubernetes" / "drift-cronjob.yaml").read_text())
    pod = job["spec"]["jobTemplate"]["spec"]["template"]["spec"]
    (container,) = pod["containers"]
    assert pod["securityContext"]["runAsNonRoot"] is True
    assert container["securityContext"]["readOnlyRootFilesystem"] is True
    known = {option for parameter in command.params for option in parameter.opts}
    assert {argument for argument in container["args"] if argument.startswith("--")} <= known
    unit = (CI / "systemd" / "sgctl-drift.service").read_text().replace("\\\n", " ")
    (line,) = [line for line in unit.splitlines() if line.startswith("ExecStart=")]
    assert {word for word in line.split() if word.startswith("--")} <= known


KUBERNETES = shutil.which("kubernetes-validate", path=f"{BESIDE_PYTHON}{os.pathsep}{os.environ['PATH']}")


@pytest.mark.skipif(KUBERNETES is None, reason="kubernetes-validate is not installed; its schemas take 100 MB")
def test_the_cron_job_is_valid_to_the_schemas_of_kubernetes() -> None:
    file = CI / "kubernetes" / "drift-cronjob.yaml"
    done = subprocess.run(
        [str(KUBERNETES), "--strict", str(file)], capture_output=True, text=True, timeout=240, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_pre_commit_hook_is_what_the_configuration_names() -> None:
    (hook,) = yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text())
    configured = yaml.safe_load((CI / "pre-commit-config.yaml").read_text())["repos"][0]["hooks"][0]
    assert configured["id"] == hook["id"]

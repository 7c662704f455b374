"""`sgctl import` end to end: the emulator with a strange seed, the command line, then `sgctl plan`."""

from __future__ import annotations

import json
import stat
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from reconciler.cli import run
from reconciler.emulator.server import EmulatorServer
from reconciler.importing import written

WEB, OTHER_WEB = "00000000-0000-4000-8000-000000000001", "00000000-0000-4000-8000-000000000002"
OFFICE = ["203.0.113.0/24", "2001:db8:10::/48"]


def rule(**fields: Any) -> dict[str, Any]:
    prefix = fields.get("remote_ip_prefix") or ""
    return {"direction": "ingress", "ethertype": "IPv6" if ":" in prefix else "IPv4", **fields}


def tcp(port: int, **fields: Any) -> dict[str, Any]:
    return rule(protocol="tcp", port_range_min=port, port_range_max=port, **fields)


GROUPS = [
    {
        "name": "shop web",
        "description": "Public: web tier # one",
        "tags": [
            {"key": "env", "value": "no", "read_only": False},
            {"key": "cost", "value": "1", "read_only": True},
            {"key": "sgctl-owner", "value": "payments", "read_only": False},
            {"key": "sgctl-prevent-destroy", "value": "true", "read_only": False},
        ],
        "rules": [
            *(tcp(port, description="HTTP(S)") for port in (443, 80)),
            *(tcp(22, remote_ip_prefix=prefix, description="22:30 ") for prefix in OFFICE),
            tcp(5432, remote_group="shop db"),
            rule(protocol="94", remote_ip_prefix="10.1.2.3/8", description=None, ethertype=None),
            rule(protocol="udp", port_range_min=1, port_range_max=65535, description="line\nbreak \U0001f525\x1b[31m"),
            rule(protocol="udp", description="~"),
            {"direction": "egress", "ethertype": "IPv4"},
            {"direction": "egress", "ethertype": "IPv6"},
        ],
    },
    {"name": "shop db", "tags": {"env": "prod"}, "rules": [tcp(5432, remote_ip_prefix=prefix) for prefix in OFFICE]},
    {"name": "twin", "id": WEB, "rules": [rule(remote_group_id="00000000-0000-4000-8000-00000000dead")]},
    {"name": "twin", "id": OTHER_WEB, "rules": [tcp(1, remote_group_id=WEB)]},
    {"name": "a/../b: Ümlaut", "rules": []},
    {"name": "", "rules": [rule(protocol="ipv6-icmp", ethertype="IPv6", description="=")]},
    {"name": "no", "rules": []},
]


class Result(NamedTuple):
    code: int
    out: str
    err: str


Sgctl = Callable[..., Result]


@pytest.fixture(scope="module")
def emulator() -> Iterator[EmulatorServer]:
    groups = [{"project_id": 1, "region_id": 7, **group} for group in GROUPS]
    with EmulatorServer(seed={"groups": groups}) as running:
        yield running


@pytest.fixture
def sgctl(
    emulator: EmulatorServer,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> Sgctl:
    """Run one command line in an empty folder."""
    monkeypatch.chdir(tmp_path)
    for name, value in {
        "GCORE_BASE_URL": emulator.url,
        "GCORE_API_KEY": "emulator",
        "GCORE_CLOUD_PROJECT_ID": "1",
        "GCORE_CLOUD_REGION_ID": "7",
    }.items():
        monkeypatch.setenv(name, value)

    def call(*arguments: str) -> Result:
        capsys.readouterr()
        code = run(list(arguments))
        return Result(code, *capsys.readouterr())

    return call


def plans_empty(sgctl: Sgctl, *paths: str) -> bool:
    result = sgctl("plan", "--detailed-exitcode", *paths)
    assert result.code in {0, 2}, result
    return result.code == 0


def test_a_strange_project_is_imported_and_plans_empty(sgctl: Sgctl) -> None:
    assert sgctl("import", "--out", "all.yaml").code == 0
    assert plans_empty(sgctl, "all.yaml")
    text = Path("all.yaml").read_text(encoding="utf-8")
    for line in (
        '    tags: {env: "no"}',
        "    prevent_destroy: true",
        '    # read-only tags: {cost: "1"}',
        "    # owned by payments (tag sgctl-owner), which stays as it is",
        "      - {direction: ingress, protocol: tcp, ports: 5432, remote_group: shop db}",
        '      - {direction: ingress, protocol: "94", remote_ip_prefix: 10.0.0.0/8}',
    ):
        assert line in text.splitlines()
    assert "owner:" not in text, "claiming the groups of another owner would let --prune delete the rest of them"


def test_without_out_the_yaml_alone_goes_to_stdout(sgctl: Sgctl) -> None:
    result = sgctl("import")
    assert result.code == 0
    assert "Planning them shows no changes." in result.err
    Path("all.yaml").write_text(result.out, encoding="utf-8")
    assert plans_empty(sgctl, "all.yaml")
    assert sgctl("import", "-q") == (0, result.out, "")
    assert sgctl("import", "--out", "-", "-q") == (0, result.out, "")


def test_one_file_a_group_with_safe_names(sgctl: Sgctl) -> None:
    assert sgctl("import", "--split", "groups/live", "--address-groups").code == 0
    names = sorted(path.name for path in Path("groups/live").iterdir())
    assert names == [
        *("a-..-b-mlaut.yaml", "address-groups.yaml", "default.yaml", "group.yaml", "no.yaml"),
        *("shop-db.yaml", "shop-web.yaml", "twin-2.yaml", "twin.yaml"),
    ]
    assert plans_empty(sgctl, "groups")
    assert stat.S_IMODE(Path("groups/live/no.yaml").stat().st_mode) == 0o644


def test_sets_of_prefixes_that_rules_share_get_a_name(sgctl: Sgctl) -> None:
    assert "1 set of prefixes in several rules: --address-groups would name them." in sgctl("import").err
    result = sgctl("import", "--address-groups")
    text = result.out
    assert "would name" not in result.err
    assert "address_groups:\n  203.0.113.0-24-and-1-more: [203.0.113.0/24, 2001:db8:10::/48]\n" in text
    assert text.count("remote_address_group: 203.0.113.0-24-and-1-more") == 2
    assert "remote_ip_prefixes" not in text


def test_an_address_group_of_the_files_is_used_and_not_defined_again(sgctl: Sgctl) -> None:
    Path("nets.yaml").write_text(f"address_groups: {{office: [{OFFICE[1]}, {OFFICE[0]}]}}\n", encoding="utf-8")
    assert sgctl("import", "--address-groups", "--into", "nets.yaml", "--out", "all.yaml").code == 0
    text = Path("all.yaml").read_text(encoding="utf-8")
    assert text.count("remote_address_group: office") == 2
    assert "address_groups:" not in text
    assert plans_empty(sgctl, ".")


NAMES = {
    "a_name": (["no"], ["no"]),
    "a_glob": (["shop*"], ["shop db", "shop web"]),
    "both": (["shop*", "no"], ["no", "shop db", "shop web"]),
    "a_tag": (["--tag", "env"], ["shop db", "shop web"]),
    "a_tag_with_its_value": (["--tag", "env=prod"], ["shop db"]),
    "all_of_the_tags": (["--tag", "env", "--tag", "cost=1"], ["shop web"]),
    "a_glob_and_a_tag": (["*web", "--tag", "env"], ["shop web"]),
}


@pytest.mark.parametrize(("arguments", "names"), NAMES.values(), ids=NAMES)
def test_groups_are_chosen_by_name_glob_and_tag(sgctl: Sgctl, arguments: list[str], names: list[str]) -> None:
    assert sgctl("import", *arguments, "--out", "some.yaml").code == 0
    lines = Path("some.yaml").read_text(encoding="utf-8").splitlines()
    assert [line.split(": ")[1].strip('"') for line in lines if line.startswith("  - name")] == names
    assert plans_empty(sgctl, "some.yaml")


WRONG = {
    "an_unknown_name": (["shop wbe"], "no live group is named `shop wbe`"),
    "a_glob_of_nothing": (["zzz*"], "no live group is named `zzz*`"),
    "an_unknown_tag": (["--tag", "env=dev"], "has the tags asked for: env=dev"),
    "two_destinations": (["--out", "a.yaml", "--split", "b"], "--out and --split exclude each other"),
    "a_path_that_is_not_there": (["--into", "nowhere"], "there is no such file or folder"),
}


@pytest.mark.parametrize(("arguments", "message"), WRONG.values(), ids=WRONG)
def test_what_cannot_be_meant_is_an_error_and_nothing_is_written(
    sgctl: Sgctl, arguments: list[str], message: str
) -> None:
    result = sgctl("import", *arguments)
    assert (result.code, result.out) == (1, "")
    assert message in result.err
    assert list(Path().iterdir()) == []


def test_a_project_and_a_region_are_needed(sgctl: Sgctl, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GCORE_CLOUD_REGION_ID", "")
    result = sgctl("import")
    assert result.code == 1
    assert "needs to know a project and a region" in result.err
    assert sgctl("import", "--region-id", "7").code == 0


HAND_WRITTEN = "# by hand\nsecurity_groups:\n- name: shop db   # kept\n  description: new"


def test_a_file_that_exists_is_only_added_to(sgctl: Sgctl) -> None:
    file = Path("all.yaml")
    file.write_text(HAND_WRITTEN, encoding="utf-8")
    file.chmod(0o640)
    result = sgctl("import", "--out", "all.yaml")
    assert result.code == 0
    assert "1 named by the files already" in result.err
    text = file.read_text(encoding="utf-8")
    assert text.startswith(HAND_WRITTEN + "\n---\nproject_id: 1\n")
    assert text.count("name: shop db") == 1
    assert stat.S_IMODE(file.stat().st_mode) == 0o640
    assert not plans_empty(sgctl, "all.yaml"), "the difference that the hand-written group has is its own"
    again = sgctl("import", "--out", "all.yaml")
    assert (again.code, file.read_text(encoding="utf-8")) == (0, text)
    assert "Nothing to add" in again.err


def test_an_import_into_a_folder_adds_what_no_file_names(sgctl: Sgctl) -> None:
    assert sgctl("import", "shop*", "twin", "--split", "groups").code == 0
    before = {path.name: path.read_bytes() for path in Path("groups").iterdir()}
    assert sgctl("import", "--split", "groups").code == 0
    after = {path.name: path.read_bytes() for path in Path("groups").iterdir()}
    assert {name: after[name] for name in before} == before
    assert sorted(after.keys() - before.keys()) == ["a-..-b-mlaut.yaml", "default.yaml", "group.yaml", "no.yaml"]
    assert plans_empty(sgctl, "groups")
    result = sgctl("import", "--into", "groups")
    assert (result.code, result.out) == (0, "")


def test_files_for_other_targets_do_not_count(sgctl: Sgctl) -> None:
    Path("other.yaml").write_text("project_id: 2\nregion_id: 7\nsecurity_groups: [{name: shop db, rules: []}]\n")
    assert sgctl("import", "shop db", "--project-id", "1", "--into", "other.yaml", "--out", "ours.yaml").code == 0
    assert "name: shop db" in Path("ours.yaml").read_text(encoding="utf-8")
    assert plans_empty(sgctl, "ours.yaml")


def test_a_group_that_a_file_renames_is_named_by_it(sgctl: Sgctl) -> None:
    """The rule that refers to the group is written with the name that the file gives it."""
    Path("db.yaml").write_text("security_groups: [{name: shop data, previous_name: shop db}]\n", encoding="utf-8")
    assert sgctl("import", "shop*", "--into", "db.yaml", "--out", "web.yaml").code == 0
    text = Path("web.yaml").read_text(encoding="utf-8")
    assert "name: shop db" not in text
    assert "remote_group: shop data}" in text
    assert "update shop web" not in sgctl("plan", ".").out


def test_an_existing_file_with_errors_stops_the_import(sgctl: Sgctl) -> None:
    Path("all.yaml").write_text("not: ours\n", encoding="utf-8")
    result = sgctl("import", "--out", "all.yaml")
    assert result.code == 1
    assert "all.yaml:1:1" in result.err
    assert Path("all.yaml").read_text(encoding="utf-8") == "not: ours\n"


def test_a_link_stays_a_link_and_a_device_stays_a_device(sgctl: Sgctl) -> None:
    Path("real.yaml").write_text(HAND_WRITTEN, encoding="utf-8")
    Path("link.yaml").symlink_to("real.yaml")
    result = sgctl("import", "shop*", "--out", "link.yaml")
    assert (result.code, "link.yaml: it is a link" in result.err) == (1, True)
    assert Path("link.yaml").is_symlink()
    assert Path("real.yaml").read_text(encoding="utf-8") == HAND_WRITTEN
    result = sgctl("import", "--out", "/dev/null")
    assert result.code == 1
    assert "/dev/null: it is not a regular file" in result.err


def test_line_ends_of_an_existing_file_stay(sgctl: Sgctl) -> None:
    before = HAND_WRITTEN.replace("\n", "\r\n").encode() + b"\r\n"
    Path("all.yaml").write_bytes(before)
    assert sgctl("import", "shop*", "--out", "all.yaml").code == 0
    assert Path("all.yaml").read_bytes().startswith(before + b"---\n")


def test_a_proof_that_fails_names_the_group_and_writes_nothing(sgctl: Sgctl, monkeypatch: pytest.MonkeyPatch) -> None:
    merge = written.merge
    monkeypatch.setattr(written, "merge", lambda rules, names: merge(rules, names)[1:])
    for arguments in (["--out", "all.yaml"], ["--split", "groups"], []):
        result = sgctl("import", "shop*", *arguments)
        assert (result.code, result.out) == (1, "")
        assert "group shop web would change: 1 rules fewer" in result.err
        assert list(Path().iterdir()) == []


def test_the_schema_is_named_where_it_lies_above_the_file(sgctl: Sgctl) -> None:
    modeline = "# yaml-language-server: $schema=../../schemas/security-groups.schema.json\n"
    assert sgctl("import", "no", "--out", "no-schema.yaml").code == 0
    assert "$schema" not in Path("no-schema.yaml").read_text(encoding="utf-8")
    Path("schemas").mkdir()
    schema = Path(__file__).parents[2] / "schemas" / "security-groups.schema.json"
    Path("schemas", schema.name).write_bytes(schema.read_bytes())
    assert sgctl("import", "no", "--split", "groups/live").code == 0
    assert Path("groups/live/no.yaml").read_text(encoding="utf-8").startswith(modeline)
    assert plans_empty(sgctl, "groups")


def test_an_empty_project_gives_a_file_without_groups(sgctl: Sgctl) -> None:
    """The emulator's own `default` is there in every project; left out by the file that names it."""
    Path("default.yaml").write_text("security_groups: [{name: default}]\n", encoding="utf-8")
    result = sgctl("import", "--project-id", "99", "--into", "default.yaml", "--out", "new.yaml")
    assert result.code == 0
    assert "Nothing to add for project 99, region 7" in result.err
    assert not Path("new.yaml").exists()


def test_importing_only_reads(sgctl: Sgctl, emulator: EmulatorServer) -> None:
    before = len(emulator.requests)
    assert sgctl("import", "--out", "all.yaml").code == 0
    assert [request.method for request in emulator.requests[before:]] == ["GET"], "one list, and nothing else"


def test_what_terraform_manages_as_well_is_told_with_the_way_out(sgctl: Sgctl) -> None:
    """The blocks alone go to stdout, so that they can be redirected into a file."""
    resource = {"mode": "managed", "type": "gcore_securitygroup", "name": "twin"}
    state = {"version": 4, "resources": [{**resource, "instances": [{"attributes": {"id": WEB}}]}]}
    Path("terraform.tfstate").write_text(json.dumps(state))
    done = sgctl("import", "--out", "groups.yaml", "--terraform", "terraform.tfstate")
    assert done.code == 0
    assert done.out.startswith("removed {\n  from = gcore_securitygroup.twin\n")
    assert "warning: group twin is managed by Terraform as well: gcore_securitygroup.twin" in done.err
    assert "terraform state rm gcore_securitygroup.twin" in done.err
    none = sgctl("import", "shop web", "--out", "web.yaml", "--terraform", "terraform.tfstate")
    assert (none.code, none.out) == (0, "")
    assert "manages none of these groups" in none.err


def test_a_terraform_state_that_cannot_be_used_stops_the_import(sgctl: Sgctl) -> None:
    Path("state").write_text("no state")
    for arguments in (["--out", "x.yaml", "--terraform", "state"], ["--out", "x.yaml", "--terraform", "missing"]):
        assert sgctl("import", *arguments).code == 1
    assert "--out or --split" in sgctl("import", "--terraform", "state").err
    assert not Path("x.yaml").exists()


def test_rules_of_others_are_left_out_and_the_file_says_so(sgctl: Sgctl, tmp_path: Path) -> None:
    """A plan of it is empty, and no written rule is one of theirs."""
    file = tmp_path / "groups.yaml"
    done = sgctl("import", "shop web", "--ignore", "HTTP*", "--out", str(file))
    assert done.code == 0, done.err
    assert "2 rules left to others" in done.err
    assert 'ignore_rules:\n  - {description: "HTTP*"}\nsecurity_groups:\n' in file.read_text()
    assert "HTTP(S)" not in file.read_text()
    plan = sgctl("plan", str(file))
    assert (plan.code, "2 left to others" in plan.out) == (0, True), plan.out
    for bad in ("", "x" * 256):
        assert sgctl("import", "--ignore", bad).code == 1

"""Which files are read for the paths given, and what a path that gives none is told."""

import os
import threading
from pathlib import Path

import pytest

from reconciler.loading.load import Defaults, load, read_documents
from reconciler.loading.walk import Walk, find_excluded, find_files
from reconciler.model.errors import InputError
from reconciler.model.place import FilePlace
from reconciler.model.published import read_schema

GOOD = "project_id: 1\nregion_id: 7\nsecurity_groups: []\n"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working folder with files to find and files to leave."""
    for name in ("b.yaml", "a.yml", "sub/c.yaml", "sub/notes.txt", ".git/d.yaml", ".hidden.yaml"):
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(GOOD)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_a_folder_stands_for_its_yaml_files_sorted(folder: Path) -> None:
    """Subfolders are read, hidden files and folders are not; the current folder adds nothing to the paths shown."""
    assert find_files(["."])[0] == ("a.yml", "b.yaml", "sub/c.yaml")
    assert find_files(["sub"])[0] == ("sub/c.yaml",)
    assert find_files([str(folder)])[0] == tuple(f"{folder}/{name}" for name in ("a.yml", "b.yaml", "sub/c.yaml"))


def test_a_file_is_read_once_and_whatever_its_ending(folder: Path) -> None:
    """A named file needs no ending; another way to the same file adds nothing."""
    assert find_files(["sub/notes.txt", "b.yaml", "./b.yaml", "."])[0] == (
        "sub/notes.txt",
        "b.yaml",
        "a.yml",
        "sub/c.yaml",
    )


@pytest.mark.parametrize("name", ["sub/d.YAML", "d.Yml"])
def test_no_file_of_groups_is_passed_over_for_the_letters_of_its_ending(folder: Path, name: str) -> None:
    """With `--prune` its groups would be deleted. It may be named, or left out with `exclude`."""
    (folder / name).write_text(GOOD)
    files, [issue] = find_files(["."])
    assert (files, str(issue.place), issue.name) == (("a.yml", "b.yaml", "sub/c.yaml"), f"{name}:1:1", "not-readable")
    assert "rename it" in issue.message
    assert find_files([name]) == ((name,), ())
    assert find_files(["."], walk=Walk(exclude=("d.*",)))[1] == ()


def test_links_do_not_go_round_in_circles(folder: Path) -> None:
    """A link to a folder above ends there; a link to nowhere is an issue."""
    (folder / "sub" / "up").symlink_to(folder)
    assert find_files(["."])[0] == ("a.yml", "b.yaml", "sub/c.yaml")
    (folder / "x.yaml").symlink_to(folder / "nowhere")
    assert [issue.name for issue in find_files(["."])[1]] == ["not-found"]


MISSING = {
    "no such path": ("nowhere.yaml", "not-found"),
    "a folder without files": ("empty", "no-files"),
    "an empty file": ("empty.yaml", "no-document"),
    "blanks": ("blank.yaml", "no-document"),
    "comments": ("comments.yaml", "no-document"),
    "a NUL in the path": ("a\0b", "not-readable"),
    "a device": ("/dev/null", "not-readable"),
}


@pytest.mark.parametrize(("path", "name"), MISSING.values(), ids=MISSING)
def test_a_path_that_gives_no_document_is_an_error(folder: Path, path: str, name: str) -> None:
    """The issue names the path as it was given."""
    (folder / "empty").mkdir()
    (folder / "empty.yaml").write_text("")
    (folder / "blank.yaml").write_text("\n  \n")
    (folder / "comments.yaml").write_text("# a\n---\n# b\n")
    with pytest.raises(InputError) as caught:
        load([path], Defaults())
    assert [(issue.place, issue.name) for issue in caught.value.issues] == [(FilePlace(path, 1, 1), name)]


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_file_without_permission_is_an_error(folder: Path) -> None:
    """No traceback, and the other files are read."""
    (folder / "b.yaml").chmod(0)
    documents, issues = read_documents(["."])
    assert len(documents) == 2
    assert [issue.name for issue in issues] == ["not-readable"]


def test_documents_of_a_file_are_read_in_order_and_empty_ones_skipped(folder: Path) -> None:
    """A comment between two separators is no document."""
    (folder / "b.yaml").write_text(f"# head\n---\n{GOOD}---\n# nothing\n---\n{GOOD}")
    documents, issues = read_documents(["b.yaml"])
    assert [document.place().line for document in documents] == [3, 9]
    assert issues == ()


def test_what_stands_before_a_syntax_error_is_judged_too(folder: Path) -> None:
    """All errors at once: the first document's and the second's."""
    (folder / "b.yaml").write_text(f"{GOOD}x: 1\n---\na: [")
    with pytest.raises(InputError) as caught:
        load(["b.yaml"], Defaults())
    assert [issue.place.line for issue in caught.value.issues] == [4, 6]


def test_a_pipe_can_be_named(folder: Path) -> None:
    """What a shell substitutes for a command is read like a file."""
    os.mkfifo("pipe")
    writer = threading.Thread(target=Path("pipe").write_text, args=(GOOD,))
    writer.start()
    documents, issues = read_documents(["pipe"])
    writer.join()
    assert (len(documents), issues) == (1, ())


def test_the_schema_is_found_in_a_checkout() -> None:
    """Beside the package, where a wheel has it inside."""
    assert read_schema("security-groups")["title"] == "Security groups"
    with pytest.raises(ImportError, match=r"nothing\.schema\.json is not in "):
        read_schema("nothing")


FOREIGN = {
    "chart.yaml": "apiVersion: v2\nname: web\nversion: 0.1.0\nappVersion: 1.10\n",
    "values.yaml": "image: {tag: 1.10}\nservice: {port: 80}\ningress: {enabled: no, hosts: [a.example]}\n",
    "template.yaml": '{{- if .Values.on }}\nkind: Service\nmetadata:\n  name: {{ include "a" . }}\n{{- end }}\n',
    "policy.yaml": (
        "apiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nspec:\n  policyTypes: [Ingress]\n"
        "  ingress: [{from: [{ipBlock: {cidr: 10.0.0.0/8}}], ports: [{protocol: TCP, port: 22}]}]\n"
    ),
    "compose.yml": "version: 3.10\nservices:\n  web: {image: 'nginx:${TAG}', ports: [22:22], restart: on}\n",
    "ci.yml": "on: [push]\njobs: {a: {runs-on: x, steps: [{run: 'echo ${{ github.sha }}'}]}}\n",
    "play.yml": "- hosts: all\n  tasks: [{shell: 'echo {{ item }}'}]\n",
    "alerts.yaml": "groups:\n  - name: a\n    rules: [{alert: Down, expr: up == 0}]\n",
    "two.yaml": "kind: a\napiVersion: v1\n",
}


@pytest.mark.parametrize("name", FOREIGN)
def test_a_file_of_another_tool_in_a_folder_is_one_line(tmp_path: Path, name: str) -> None:
    """It is told how to leave it out."""
    (tmp_path / name).write_text(FOREIGN[name])
    documents, [issue] = read_documents([str(tmp_path)])
    assert (documents, issue.name, issue.line, issue.fix) == ((), "not-ours", None, None)
    assert "`exclude`" in issue.message


MARKED = {
    "heat.yaml": (
        "heat_template_version: rocky\nresources:\n  a: {type: 'OS::Neutron::SecurityGroup', properties: {name: web,"
        " rules: [{direction: ingress, remote_ip_prefix: 10.0.0.0/8}]}}\n"
    ),
    "aws.yaml": (
        "AWSTemplateFormatVersion: '2010-09-09'\nResources:\n  Web: {Type: 'AWS::EC2::SecurityGroup', Properties:"
        " {SecurityGroupIngress: [{IpProtocol: tcp, FromPort: 22, ToPort: 22, CidrIp: 10.0.0.0/8}]}}\n"
    ),
    "crossplane.yaml": "apiVersion: ec2.aws/v1\nkind: SecurityGroup\nspec: {security_groups: []}\n",
    "terraform.yaml": "resource: {gcore_securitygroup: {web: {security_group_rules: {direction: ingress}}}}\n",
    "play.yml": "- hosts: all\n  tasks: [{security_group_rule: {direction: ingress, remote_ip_prefix: 10.0.0.0/8}}]\n",
    "tasks.yml": "- name: a\n  openstack.cloud.security_group_rule: {remote_ip_prefix: 10.0.0.0/8}\n",
    "resource.yaml": "apiVersion: sgctl.dev/v1alpha1\nkind: SecurityGroup\nspec: {rules: [{direction: ingress}]}\n",
    **{name: FOREIGN[name] for name in ("policy.yaml", "compose.yml", "two.yaml", "play.yml")},
}


@pytest.mark.parametrize("name", MARKED)
def test_a_file_with_the_marks_of_a_tool_is_one_line_also_where_it_is_named(tmp_path: Path, name: str) -> None:
    """Whether or not it speaks of security groups; in a folder the line says how to leave it out."""
    (tmp_path / name).write_text(MARKED[name])
    for path in (tmp_path, tmp_path / name):
        with pytest.raises(InputError) as caught:
            load([str(path)], Defaults())
        [issue] = caught.value.issues
        assert (issue.name, issue.place[1:]) == ("not-ours", (1, 1))
        assert ("`exclude`" in issue.message) == (path == tmp_path)


OURS = {
    "a key of ours": "project_id: 1\nregion_id: 7\n",
    "a key like ours": "version: v1\nsecurity_grups: []\n",
    "another name for ours": "groups: [{name: web, rules: [{direction: ingress, protocol: tcp}]}]\n",
    "an answer of the API": '{"security_group_rules": []}',
    "a list of OpenStack's client": '[{"ID": "a", "IP Protocol": "tcp", "IP Range": "0.0.0.0/0"}]',
    "marks of a tool beside a key of ours": "services: {}\nsecurity_groups: []\n",
    "ours, broken": "security_groups:\n- name: {{ a }\n",
}


@pytest.mark.parametrize("name", OURS)
def test_what_is_like_ours_is_judged_in_full(tmp_path: Path, name: str) -> None:
    (tmp_path / "a.yaml").write_text(OURS[name])
    with pytest.raises(InputError) as caught:
        load([str(tmp_path)], Defaults())
    assert "not-ours" not in {issue.name for issue in caught.value.issues}


def test_of_several_documents_only_those_of_others_are_left_out(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text("kind: a\n---\naddress_groups: {a: [10.0.0.0/8]}\n---\nspec: 1\n")
    documents, issues = read_documents([str(tmp_path)])
    assert [list(document.value) for document in documents] == [["address_groups"]]
    assert [(str(issue.name), str(issue.place).rpartition("yaml:")[2]) for issue in issues] == [
        ("not-ours", "1:1"),
        ("not-ours", "5:1"),
    ]


@pytest.mark.parametrize(
    ("glob", "left"),
    [
        ("charts", ["a.yaml", "b.yml", "k8s/charts.yaml"]),
        ("charts/**", ["a.yaml", "b.yml", "k8s/charts.yaml"]),
        ("./charts/*", ["a.yaml", "b.yml", "k8s/charts.yaml"]),
        ("*.yml", ["a.yaml", "charts/deep/x.yaml", "k8s/charts.yaml"]),
        ("**/deep/*.yaml", ["a.yaml", "b.yml", "charts/y.yml", "k8s/charts.yaml"]),
        ("charts/*.yml", ["a.yaml", "b.yml", "charts/deep/x.yaml", "k8s/charts.yaml"]),
        ("?.yaml", ["b.yml", "charts/y.yml", "k8s/charts.yaml"]),
        ("deep/", ["a.yaml", "b.yml", "charts/y.yml", "k8s/charts.yaml"]),
    ],
)
def test_what_is_excluded_is_not_found_in_a_folder(tmp_path: Path, glob: str, left: list[str]) -> None:
    """Globs are relative to the folder of the settings; what is named by itself is read all the same."""
    for name in ("a.yaml", "b.yml", "charts/y.yml", "charts/deep/x.yaml", "k8s/charts.yaml"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("address_groups: {a: [10.0.0.0/8]}")
    walk = Walk(exclude=(glob,), root=str(tmp_path))
    found, _ = find_files([str(tmp_path)], walk=walk)
    assert [Path(path).relative_to(tmp_path).as_posix() for path in found] == left
    excluded = find_excluded([str(tmp_path)], walk)
    folders = tuple(each for each in excluded if each.endswith("/"))
    everything, _ = find_files([str(tmp_path)])
    assert {*everything} - {*found} == {each for each in everything if each in excluded or each.startswith(folders)}
    named = [str(tmp_path / "charts/y.yml")]
    assert find_files(named, walk=walk) == (tuple(named), ())

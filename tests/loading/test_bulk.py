"""Large input is read in pieces and by several processes, and nobody can tell but by the time it takes."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from effort import examples
from hypothesis import given, settings
from hypothesis import strategies as st

from reconciler.loading.bulk import forks, pieces
from reconciler.loading.bulk.pieces import cut
from reconciler.loading.bulk.read import read_bulk
from reconciler.loading.load import Defaults, load, load_documents
from reconciler.model.desired import DesiredState
from reconciler.model.errors import InputError

HEAD = """\
# who may reach the shop
project_id: 1
region_id: 7
owner: payments
address_groups: {office: [203.0.113.0/24, 2001:db8:10::/48]}
policies: {expires: {level: warning}}
security_groups:  # one after the other
"""
RULES = (
    "{direction: ingress, protocol: tcp, ports: [80, 443], remote_ip_prefix: 0.0.0.0/0, description: HTTP(S)}",
    "{direction: ingress, protocol: tcp, ports: 22, remote_address_group: office, expires: 2030-01-01}",
    "{direction: ingress, protocol: tcp, ports: 8000-8099, remote_group: group-0}",
    "{direction: egress, ethertype: [IPv4, IPv6]}",
    "{direction: ingress, protocol: icmp, exception: {policy: must_deny, reason: 'why - not', until: 2030-01-01}}",
)
EXTRAS = (
    "",
    "    description: plain\n",
    '    description: "quoted\n      - name: not a group"\n',
    "    description: |\n      - name: not a group\n\n      text\n",
    "    # - name: not a group\n",
    "    tags: {env: prod, name: '- name: x'}\n",
    "    tags:\n      env: prod\n\n",
    "    prevent_destroy: true\n",
    "    description: R&D, and others\n",
)
FILL = Defaults(environment_project_id=1, environment_region_id=7)
GROUPS = st.lists(st.tuples(st.sampled_from(EXTRAS), st.lists(st.sampled_from(RULES), unique=True)), min_size=8)
BREAKERS = (
    'x: "\n', '"\n', "'\n", "security_groups:\n", "- name: a\n", "  - name: b\n", "owner: x\n", "---\n", "...\n",
    "{\n", "}\n", "[\n", "]\n", "- &a\n", "- *a\n", "  - |\n", "%YAML 1.1\n", "\n", "# x\n", "\r", "\u2028", "? \n",
    "address_groups: {}\n", '"address\\x5fgroups": {}\n', "- name: group-0\n  rules: []\n",
)  # fmt: skip
# The workers of pytest-xdist have threads of their own; a command that forks has none.
pytestmark = pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
TAILS = (
    "",
    "# the end\n",
    "\npolicies:\n  expires: {level: warning}\n",
    "'policies': {expires: {'level': 'warning'}}\n# the end\n",
    '"policies": {"expires": {level: "warning"}}\n',
)
every_time = settings(max_examples=examples(200))


@pytest.fixture(scope="module", autouse=True)
def _any_head() -> Iterator[None]:
    """In documents as small as these the head is a large part."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(pieces, "SHARED_PART", 1)
        yield


def document(groups: list[tuple[str, list[str]]], indent: int = 2, head: str = HEAD) -> str:
    """Write a document with its groups at some indentation."""
    text = ""
    for number, (extra, rules) in enumerate(groups):
        listed = "".join(f"      - {rule}\n" for rule in rules)
        text += f"  - name: group-{number}\n{extra}    rules:{' []' if not rules else ''}\n{listed}"
    lines = [line.removeprefix("  ") for line in text.splitlines(keepends=True)]
    return head + "".join(" " * indent + line if line.strip() else line for line in lines)


def many(number: int = 8) -> str:
    return document([(EXTRAS[index % len(EXTRAS)], list(RULES)) for index in range(number)])


def bulk(paths: list[Path], processes: int = 1) -> DesiredState | None:
    files = [(str(path), path.read_bytes()) for path in paths]
    return read_bulk(files, FILL, None, processes, smallest=16)


def plain(paths: list[Path]) -> DesiredState | None:
    try:
        return load_documents([str(path) for path in paths], FILL)[1]
    except InputError:
        return None


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("bulk") / "groups.yaml"


@given(groups=GROUPS, indent=st.sampled_from([0, 2, 5]), tail=st.sampled_from(TAILS))
@every_time
def test_a_document_in_pieces_is_the_document(
    path: Path, groups: list[tuple[str, list[str]]], indent: int, tail: str
) -> None:
    """Every group, every rule and every place, wherever the cuts fall."""
    head = HEAD.replace("policies: {expires: {level: warning}}\n", "") if "policies" in tail else HEAD
    text = document([*groups, ("", list(RULES))], indent, head) + tail
    path.write_text(text)
    found = bulk([path])
    assert found is not None
    assert found == plain([path])
    assert found.policies.source.settings == {"expires": {"level": "warning"}}


@pytest.mark.full
@given(data=st.data())
@every_time
def test_what_looks_like_a_document_and_is_none_is_left_to_the_plain_way(path: Path, data: st.DataObject) -> None:
    """With anything put anywhere between its lines, a text means in pieces what it means as a whole, or is not cut."""
    tail = data.draw(st.sampled_from(TAILS))
    lines = (many(6).replace("policies: {expires: {level: warning}}\n", "") + tail).splitlines(keepends=True)
    for _ in range(data.draw(st.integers(1, 4))):
        lines.insert(data.draw(st.integers(0, len(lines))), data.draw(st.sampled_from(BREAKERS)))
    path.write_text("".join(lines), newline="")
    found = bulk([path])
    assert found is None or found == plain([path])


@pytest.mark.parametrize("processes", [1, 2, 3])
def test_every_process_brings_its_share(tmp_path: Path, processes: int) -> None:
    """One large file, others beside it, one of them with what all share, in as many processes as there are."""
    (tmp_path / "a.yaml").write_text(document([("", list(RULES))] * 9, head="security_groups:\n"))
    targets = "targets: [{project_id: 2, region_id: 1}, {project_id: 2, region_id: 2}]\n"
    (tmp_path / "b.yaml").write_text(document([("", list(RULES))] * 9, head=f"{targets}security_groups:\n"))
    (tmp_path / "c.yaml").write_text(HEAD.replace("security_groups:", "security_groups: []"))
    paths = [tmp_path / name for name in ("a.yaml", "b.yaml", "c.yaml")]
    found = bulk(paths, processes)
    expected = load_documents([str(path) for path in paths], FILL)[1]
    assert found == expected
    assert len(expected.groups) == 9 + 2 * 9
    with pytest.raises(ChildProcessError):
        os.waitpid(-1, os.WNOHANG)


CASES = {
    "an anchor": many().replace("description: plain", "description: &text plain\n    tags: {env: *text}"),
    "a second document": f"{many()}---\nproject_id: 1\nregion_id: 8\nsecurity_groups: []\n",
    "lines that end the Windows way": many().replace("\n", "\r\n"),
}


@pytest.mark.parametrize("text", CASES.values(), ids=CASES)
def test_a_text_that_is_not_cut_for_sure_stays_whole(text: str) -> None:
    assert cut(many().encode(), 16) is not None
    assert cut(text.encode(), 16) is None


def test_a_list_that_only_looks_like_the_groups_is_not_taken_for_them(path: Path) -> None:
    """A line `security_groups:` in quotes, closed again in each piece, would pass as a document each time."""
    item = '- x"\nsecurity_groups:\n- name: group-{}\n  rules: []\n'
    path.write_text('project_id: 1\nregion_id: 7\nowner: "\nsecurity_groups:\n' + "".join(map(item.format, range(20))))
    assert plain([path]) is None
    assert bulk([path]) is None


LARGE = many(1500)


@pytest.mark.full
def test_large_files_are_read_in_pieces_when_they_are_loaded(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """By this process as well, when it is the only one."""
    path.write_text(LARGE)
    expected = plain([path])
    monkeypatch.setattr("reconciler.loading.load.load_documents", None)
    for processes in (1, 2):
        assert load([str(path)], FILL, processes=processes) == expected


def test_the_command_reads_large_files_on_every_processor(path: Path) -> None:
    """In a process of its own, which has no threads and may be forked."""
    for text, code, said in ((LARGE, 0, "Valid: 1500 groups"), (LARGE + "x: y\n", 1, "unknown key")):
        path.write_text(text)
        ran = subprocess.run(
            [sys.executable, "-m", "reconciler", "validate", str(path)],
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        assert ran.returncode == code, ran.stderr
        assert said in ran.stdout + ran.stderr


@pytest.mark.full
@pytest.mark.parametrize(
    "text",
    [LARGE.replace("tcp", "tpc", 1), LARGE + "  - name: group-0\n    rules: []\n", LARGE[: LARGE.rindex("}")]],
    ids=["in one piece", "between two", "in the syntax"],
)
def test_what_is_wrong_is_said_as_ever(path: Path, text: str) -> None:
    """With the same words at the same places."""
    path.write_text(text)
    with pytest.raises(InputError) as whole:
        load_documents([str(path)], FILL)
    with pytest.raises(InputError) as pieces:
        load([str(path)], FILL, processes=2)
    assert pieces.value.issues == whole.value.issues


def test_a_fork_that_dies_takes_nothing_with_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """Killed for want of memory, say: then there is no result, rather than a part of one."""
    monkeypatch.setattr(forks.pickle, "dump", lambda *_: os.kill(os.getpid(), 9))
    assert forks.map_in_forks(str, [1, 2, 3], 1, pack=str, unpack=str) == ["1", "2", "3"]
    assert forks.map_in_forks(str, [1, 2, 3], 2, pack=str, unpack=str) is None
    with pytest.raises(ChildProcessError):
        os.waitpid(-1, os.WNOHANG)


def test_a_task_without_a_result_ends_them_all() -> None:
    """Here or in a fork."""
    for missing in (0, 1):
        work = {0: "a", 1: "b", missing: None}.get
        assert forks.map_in_forks(work, [0, 1], 2, pack=str, unpack=str) is None
    with pytest.raises(ChildProcessError):
        os.waitpid(-1, os.WNOHANG)


def test_where_no_process_can_be_made_there_is_no_result(monkeypatch: pytest.MonkeyPatch) -> None:
    """A container may allow this one only; the plain way needs no other."""

    forked, fork = [], os.fork

    def one_only() -> int:
        if forked:
            raise BlockingIOError("no more processes")
        forked.append(fork())
        return forked[0]

    monkeypatch.setattr(os, "fork", one_only)
    assert forks.map_in_forks(str, [1, 2, 3], 3, pack=str, unpack=str) is None
    with pytest.raises(ChildProcessError):
        os.waitpid(-1, os.WNOHANG)


def test_no_process_is_signalled_after_it_was_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its number may be another's by then. Where one fork fails, those after it are stopped, and it is not."""
    gone: list[int] = []
    wait, kill = os.waitpid, os.kill

    def waitpid(process: int, options: int) -> tuple[int, int]:
        gone.append(process)
        return wait(process, options)

    def kill_one_that_is_there(process: int, number: int) -> None:
        assert process not in gone
        kill(process, number)

    monkeypatch.setattr(os, "waitpid", waitpid)
    monkeypatch.setattr(os, "kill", kill_one_that_is_there)
    assert forks.map_in_forks(str, [1, 2, 3], 3, pack=str, unpack=str) == ["1", "2", "3"]
    fails_first = {0: "a", 1: None, 2: "c", 3: "d"}.get
    assert forks.map_in_forks(fails_first, [0, 1, 2, 3], 4, pack=str, unpack=str) is None
    assert len(gone) == len(set(gone)) == 2 + 3


KILLED = """
import os, signal
from reconciler.loading.bulk.forks import map_in_forks
first = os.getpid()

def work(task):
    if os.getpid() == first:
        print("forked", flush=True)
        signal.pause()
    return "more than fits into a pipe" * 100_000

map_in_forks(work, range(4), 4, pack=str, unpack=str)
"""


def test_forks_end_when_the_process_that_made_them_is_killed() -> None:
    """All of them hold the pipe that is its output: it ends with the last."""
    with subprocess.Popen([sys.executable, "-c", KILLED], stdout=subprocess.PIPE, start_new_session=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"forked\n"
        process.kill()
        try:
            assert process.communicate(timeout=120)[0] == b""
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            raise

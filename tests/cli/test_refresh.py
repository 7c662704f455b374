"""`sgctl refresh`, from a published list to the plan that names it, over real sockets."""

import os
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from raw_server import Peer, serving
from steady import HastyClock

from reconciler.api.lists import fetch_list
from reconciler.emulator import catalog
from reconciler.emulator.server import EmulatorServer
from reconciler.loading.lists import ListSource, parse_list
from reconciler.model.errors import ApiError, SgctlError, UsageError

from .conftest import KEY, Sgctl

GROUPS = """\
project_id: 5
region_id: 7
address_groups:
  cdn: {source: gcore-cdn}
security_groups:
  - name: origin
    rules:
      - {direction: ingress, protocol: tcp, ports: [80, 443], remote_address_group: cdn, description: CDN}
"""
LOCK = "sgctl.lock.yaml"


@pytest.fixture
def cdn(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What the CDN publishes, to be changed."""
    addresses = ["198.51.100.0/26", "198.51.100.128/25", "203.0.113.64/27"]
    monkeypatch.setitem(catalog.CDN_ADDRESSES, "addresses", addresses)
    return addresses


@pytest.fixture
def origin(sgctl: Sgctl, cdn: list[str], emulator: EmulatorServer) -> str:
    assert cdn
    name = sgctl.write(GROUPS)
    assert sgctl("refresh").code == 0
    assert all(record.path.startswith("/cdn/") for record in emulator.requests[-1:])
    return name


def test_a_plan_tells_which_address_group_a_prefix_came_from(
    origin: str, sgctl: Sgctl, cdn: list[str], emulator: EmulatorServer
) -> None:
    assert sgctl("apply", origin, "--auto-approve").code == 0
    cdn[:] = ["198.51.100.0/26", "198.51.100.128/25", "203.0.113.96/27"]
    assert sgctl("plan", "--detailed-exitcode").code == 0, "what is published is not what is locked"
    before = sgctl.read(LOCK)
    checked = sgctl("refresh", "--check")
    assert (checked.code, sgctl.read(LOCK)) == (2, before)
    ran = sgctl("refresh")
    assert ran.code == 0
    assert ran.out.splitlines() == [
        "cdn (gcore-cdn): 1 prefix came, 1 went, 5 in all",
        "  + 203.0.113.96/27",
        "  - 203.0.113.64/27",
        "wrote sgctl.lock.yaml",
    ]
    planned = sgctl("plan", "--out", "plan.json", "--format", "json")
    assert planned.json["notes"] == ["address group `cdn`: 1 prefix came, 1 went, in `origin`"]
    created = planned.json["changes"][0]["rules"]["create"]
    assert {rule["address_group"] for rule in created} == {"cdn"}
    assert sgctl("apply", "plan.json").code == 0
    assert sgctl("drift").code == 0
    assert sgctl("refresh", "--check").code == 0


def test_an_unchanged_list_keeps_its_day_and_its_bytes(origin: str, sgctl: Sgctl) -> None:
    old = sgctl.read(LOCK).replace('refreshed: "20', 'refreshed: "19')
    sgctl.write(old, LOCK)
    assert sgctl("refresh", origin).out.endswith("Every lock is what is published.\n")
    assert sgctl.read(LOCK) == old


@pytest.mark.parametrize("command", [["validate"], ["plan"], ["drift"], ["lint"]], ids=" ".join)
def test_without_a_lock_every_command_names_refresh_and_the_place(
    origin: str, sgctl: Sgctl, command: list[str]
) -> None:
    Path(LOCK).unlink()
    ran = sgctl(*command, origin)
    assert ran.code == 1
    assert "groups.yaml:4:3: error: the address group `cdn`" in ran.err
    assert "`sgctl refresh`" in ran.err


def test_more_than_half_changed_needs_a_word(origin: str, sgctl: Sgctl, cdn: list[str]) -> None:
    cdn[:] = ["198.51.100.1/32", "198.51.100.2/32", "198.51.100.3/32"]
    before = sgctl.read(LOCK)
    ran = sgctl("refresh")
    assert (ran.code, sgctl.read(LOCK)) == (1, before)
    assert "pass --accept to take it" in ran.err
    assert sgctl("refresh", "--check").code == 2
    assert sgctl("refresh", "--accept").code == 0


def test_a_list_that_empties_changes_nothing(origin: str, sgctl: Sgctl, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(catalog, "CDN_ADDRESSES", {"addresses": [], "addresses_v6": []})
    before = sgctl.read(LOCK)
    ran = sgctl("refresh", "--accept", origin)
    assert (ran.code, sgctl.read(LOCK)) == (1, before)
    assert "the list of `cdn` is refused: the list is empty" in ran.err


def test_a_list_longer_than_a_group_is_told_by_refresh_and_by_what_names_it(
    origin: str, sgctl: Sgctl, cdn: list[str]
) -> None:
    cdn[:] = [f"10.{number}.0.0/16" for number in range(256)]
    ran = sgctl("refresh", "--accept", origin)
    assert ran.code == 0
    assert "258 prefixes, and a security group takes 250 rules" in ran.err
    ran = sgctl("validate", origin)
    assert "over the limit of 250; the address group `cdn` alone has 258 prefixes" in ran.err


def test_the_lock_keeps_what_other_files_name_and_loses_what_none_does(sgctl: Sgctl, cdn: list[str]) -> None:
    assert cdn
    sgctl.write("address_groups: {cdn: {source: gcore-cdn}}\n", "groups/a.yaml")
    sgctl.write("address_groups: {egress: {source: gcore-egress}}\n", "groups/b.yaml")
    assert sgctl("refresh", "groups").code == 0
    whole = sgctl.read(f"groups/{LOCK}")
    assert sgctl("refresh", "groups/a.yaml").code == 0
    assert sgctl.read(f"groups/{LOCK}") == whole
    Path("groups/b.yaml").unlink()
    assert sgctl("refresh").code == 0
    assert "egress" not in sgctl.read(f"groups/{LOCK}")


def test_a_list_in_a_file_stays_below_the_root(sgctl: Sgctl, tmp_path_factory: pytest.TempPathFactory) -> None:
    outside = tmp_path_factory.mktemp("outside") / "list.txt"
    outside.write_text("10.0.0.0/8\n")
    sgctl.write("10.0.0.0/8\n", "lists/office.txt")
    sgctl.write("10.0.0.0/8\n", ".hidden/office.txt")
    Path("lists/link.txt").symlink_to(outside)
    for path, code in (
        ("../lists/office.txt", 0),
        ("../lists/link.txt", 1),
        ("../.hidden/office.txt", 1),
        (str(outside), 1),
    ):
        sgctl.write(f"address_groups: {{office: {{source: file, path: {path}}}}}\n", "groups/a.yaml")
        ran = sgctl("refresh", "groups")
        assert ran.code == code, ran
        assert ("[outside-folder]" in ran.err) is bool(code)


OK = b"HTTP/1.1 200 OK\r\nContent-Length: 11\r\n\r\n10.0.0.0/8\n"


@pytest.fixture
def heard() -> list[bytes]:
    return []


@pytest.fixture
def server(heard: list[bytes]) -> Iterator[str]:
    def talk(peer: Peer) -> None:
        request = peer.request()
        heard.append(request)
        path = request.split()[1].decode()
        if path == "/here":
            peer.say(b"HTTP/1.1 302 Found\r\nLocation: /list\r\nContent-Length: 0\r\n\r\n")
        elif path == "/round":
            peer.say(b"HTTP/1.1 302 Found\r\nLocation: /round\r\nContent-Length: 0\r\n\r\n")
        elif path == "/there":
            peer.say(b"HTTP/1.1 302 Found\r\nLocation: http://lists.example.com/list\r\nContent-Length: 0\r\n\r\n")
        elif path == "/nowhere":
            peer.say(b"HTTP/1.1 302 Found\r\nLocation: //[\r\nContent-Length: 0\r\n\r\n")
        elif path == "/large":
            peer.say(b"HTTP/1.1 200 OK\r\n\r\n" + b" " * 2000)
        elif path == "/slow":
            peer.drip(OK, 0.05)
        elif path == "/gone":
            peer.say(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n")
        else:
            peer.say(OK)

    with serving(talk) as url:
        yield url


@pytest.mark.parametrize(
    ("path", "said"),
    [
        pytest.param("/round", "more than 3 times", id="redirects without end"),
        pytest.param("/there", "another host is not asked", id="a redirect to another host"),
        pytest.param("/nowhere", "sends on to what is not an address", id="a redirect to nothing"),
        pytest.param("/large", "the answer has more than", id="too large"),
        pytest.param("/slow", "gave up", id="too slow"),
        pytest.param("/gone", "answers 404", id="not there"),
    ],
)
def test_a_fetch_is_bounded(server: str, path: str, said: str) -> None:
    with pytest.raises(ApiError, match=said):
        fetch_list(server + path, HastyClock(), limit=1000, timeout=0.2 if path == "/slow" else 20)


def test_lists_that_do_not_come_do_not_add_up(sgctl: Sgctl, monkeypatch: pytest.MonkeyPatch) -> None:
    """However many there are: each has a part of the time that is left, and the last ones are not read."""
    monkeypatch.setattr("reconciler.cli.refresh._LONGEST", 0.4)
    monkeypatch.setattr("reconciler.api.retry.FIRST_BACKOFF", 0.01)
    began = time.monotonic()
    with serving(lambda peer: peer.drip(b"HTTP/1.1 200 OK")) as url:
        groups = "".join(f"  g{number}: {{source: '{url}/{number}'}}\n" for number in range(20))
        sgctl.write(f"address_groups:\n{groups}")
        ran = sgctl("refresh")
    assert time.monotonic() - began < 5
    assert (ran.code, ran.err.count("gave up after"), ran.err.count("it was not read")) == (1, 1, 19), ran.err


def test_lists_of_a_run_are_read_once_each_and_come_to_a_bound(sgctl: Sgctl, monkeypatch: pytest.MonkeyPatch) -> None:
    """A line of a file may name a list of megabytes, and stand there a hundred thousand times."""
    read: list[bytes] = []

    def parse(data: bytes, source: ListSource) -> list[str]:
        read.append(data)
        return parse_list(data, source)

    monkeypatch.setattr("reconciler.cli.refresh.parse_list", parse)
    sgctl.write("10.0.0.0/8\n10.1.0.0/16\n", "one.txt")
    sgctl.write("10.2.0.0/16\n10.3.0.0/16\n", "two.txt")
    lists = ("one", "one", "two", "one", "two", "two")
    groups = "".join(f"  g{each}: {{source: file, path: {name}.txt}}\n" for each, name in enumerate(lists))
    sgctl.write(f"address_groups:\n{groups}")
    assert (sgctl("refresh").code, len(read)) == (0, 2)
    monkeypatch.setattr("reconciler.cli.refresh._MOST_PREFIXES", 3)
    ran = sgctl("refresh", "--check")
    assert (ran.code, ran.err.count("come to more than 3 prefixes, over the limit. Refresh fewer")) == (1, 3), ran.err


def test_a_list_is_fetched_from_its_host_without_the_key(sgctl: Sgctl, server: str, heard: list[bytes]) -> None:
    assert os.environ["GCORE_API_KEY"] == KEY
    sgctl.write(f"address_groups: {{a: {{source: '{server}/here'}}, b: {{source: '{server}/here', widest_ipv4: 4}}}}\n")
    ran = sgctl("refresh")
    assert ran.code == 0, ran
    assert [each.split()[1] for each in heard] == [b"/here", b"/list"], "once for both"
    assert all(b"authorization" not in each.lower() and KEY.encode() not in each for each in heard)


@pytest.mark.parametrize(
    "url", ["http://lists.example.com/a", "ftp://lists.example.com/a", "https://a:b@lists.example.com/"]
)
def test_an_address_that_is_not_safe_is_refused(url: str) -> None:
    with pytest.raises(UsageError, match="not an https address"):
        fetch_list(url, HastyClock(), limit=1000)
    assert issubclass(UsageError, SgctlError)


def named(name: str, source: str = "gcore-cdn") -> str:
    return GROUPS.replace("origin", name).replace("gcore-cdn", source)


@pytest.mark.parametrize("spelled", ["{here}/groups/a.yaml", "./groups/../groups/a.yaml", "link/a.yaml"])
def test_a_lock_is_beside_its_file_however_the_path_is_spelled(sgctl: Sgctl, cdn: list[str], spelled: str) -> None:
    for name in ("a", "b"):
        sgctl.write(named(f"origin-{name}"), f"groups/{name}.yaml")
    Path("link").symlink_to("groups")
    paths = (spelled.format(here=sgctl.folder), "groups")
    assert sgctl("refresh", *paths).out.count("wrote") == 1
    assert sgctl("validate", *paths).code == 0
    cdn.append("203.0.113.96/27")
    ran = sgctl("refresh", *paths)
    assert (ran.code, ran.out.count("1 prefix came"), ran.out.count("wrote")) == (0, 1, 1)
    assert sgctl("refresh", "groups/b.yaml", "--check").code == 0


@pytest.mark.parametrize("other", ["groups/b.yaml", "others/b.yaml"], ids=["one folder", "two folders"])
def test_one_name_for_two_sources_is_told_with_both_places(sgctl: Sgctl, cdn: list[str], other: str) -> None:
    """Also where both lists happen to be the same today, and by every command in the same words."""
    assert cdn
    sgctl.write(named("origin-a"), "groups/a.yaml")
    sgctl.write(named("origin-b", "gcore-egress"), other)
    for command in ("validate", "refresh"):
        ran = sgctl(command, "groups", Path(other).parent.as_posix())
        assert ran.code == 1
        said = f"{other}:4:3: error: the address group `cdn` is defined twice, with different sources or bounds"
        assert said in ran.err
        assert "    groups/a.yaml:4:3: the other" in ran.err
        assert "with different prefixes" not in ran.err, "what has no prefixes yet has no different ones"


def test_two_locks_of_one_list_from_different_days_name_the_command(sgctl: Sgctl, cdn: list[str]) -> None:
    for folder in ("a", "b"):
        sgctl.write(named(f"origin-{folder}"), f"{folder}/groups.yaml")
    assert sgctl("refresh", "a", "b").code == 0
    cdn.append("203.0.113.96/27")
    assert sgctl("refresh", "b").code == 0
    ran = sgctl("validate", "a", "b")
    assert "b/groups.yaml:4:3: error: the address group `cdn` is defined twice, with different prefixes" in ran.err
    assert "fix: run `sgctl refresh` with both files, and commit what it writes" in ran.err
    assert sgctl("refresh", "a", "b").code == 0
    assert sgctl("validate", "a", "b").code == 0


@pytest.mark.parametrize("kind", ["pipe", "device", "dangling", "loop", "folder"])
def test_what_is_no_file_in_the_place_of_a_lock_is_neither_read_nor_written(sgctl: Sgctl, kind: str) -> None:
    """Beside a file that is named, as a repository may have it: no hang, and nothing is said to be written."""
    sgctl.write(GROUPS, "groups/web.yaml")
    lock = sgctl.folder / "groups" / LOCK
    if kind == "pipe":
        os.mkfifo(lock)
    elif kind == "folder":
        lock.mkdir()
    else:
        lock.symlink_to({"device": "/dev/zero", "dangling": "nowhere", "loop": LOCK}[kind])
    ran = sgctl("refresh", "groups/web.yaml")
    assert (ran.code, "wrote" in ran.out) == (1, False)
    assert f"cannot write groups/{LOCK}: it is " in ran.err
    assert sgctl("refresh", "groups/web.yaml", "--check").code == 2


def test_what_a_list_says_twice_is_counted(sgctl: Sgctl) -> None:
    sgctl.write("10.0.0.0/8\n10.1.0.0/16\n10.1.2.0/24\n192.0.2.1\n192.0.2.1/32\n", "office.txt")
    sgctl.write("address_groups: {office: {source: file, path: office.txt}}\n")
    said = sgctl("refresh").out.splitlines()[0]
    assert said == "office (file office.txt): 4 prefixes came, 4 in all, 1 repetition left out, 2 within others"


def test_one_list_in_a_file_may_be_named_from_two_folders(sgctl: Sgctl) -> None:
    sgctl.write("10.0.0.0/8\n", "office.txt")
    for folder, path in (("a", "../office.txt"), ("b/c", "../../office.txt")):
        group = f"address_groups: {{office: {{source: file, path: {path}}}}}\n"
        sgctl.write(group, f"{folder}/groups.yaml")
    assert sgctl("refresh").code == 0
    assert sgctl("validate").code == 0


LINE = "      - 2001:db8:cd::/48\n"


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        pytest.param(LINE, LINE + LINE, "was edited", id="a prefix twice"),
        pytest.param(LINE, LINE + "      - 10.0.0.0/8\n", "was edited", id="one more, not sorted"),
        pytest.param(LINE, "      - 2001:db8:cd::/49\n", "was edited", id="one that overlaps less"),
        pytest.param(LINE, "", "was edited", id="one less"),
        pytest.param("gcore-cdn", "gcore-egress", "was edited", id="another source"),
        pytest.param("format_version: 1", "format_version: 2", "no lock as `sgctl refresh` writes it", id="a version"),
        pytest.param(LINE, LINE.replace("/48", "/48 # ours"), None, id="a comment"),
        pytest.param("    prefixes:\n", "    prefixes: []\n    x: \n", "no lock as `sgctl refresh`", id="emptied"),
        pytest.param(LINE, LINE * 20_001, "was edited", id="without end"),
        pytest.param(LINE, f"<<<<<<< HEAD\n{LINE}=======\n>>>>>>> b\n", "take one side whole", id="a merge conflict"),
        pytest.param("format_version: 1", "format_version: 1\nformat_version: 1", "twice", id="a key twice"),
    ],
)
def test_a_lock_that_was_edited_is_told_once(origin: str, sgctl: Sgctl, old: str, new: str, said: str | None) -> None:
    """Nothing is read from it, and nothing else is said of the groups that it holds."""
    before = sgctl.read(LOCK)
    sgctl.write(before.replace(old, new, 1), LOCK)
    assert sgctl.read(LOCK) != before
    ran = sgctl("validate", origin)
    if said is None:
        assert ran.code == 0
    else:
        assert (ran.code, said in ran.err, ran.err.count("error: ")) == (1, True, 2), ran.err
        assert LOCK in ran.err.splitlines()[0]

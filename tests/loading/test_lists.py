"""Lists that others publish, and the lock that holds them: what is taken, what is told, and how git merges it."""

import ipaddress
import subprocess
import time
from contextlib import suppress
from pathlib import Path

import pytest
from effort import examples
from hypothesis import given, settings
from hypothesis import strategies as st

from reconciler.loading import select as selecting
from reconciler.loading.document import read_text
from reconciler.loading.list_lock import Lock, LockedList, compare_lists, lock_text, read_lock
from reconciler.loading.lists import MAX_PREFIXES, ListSource, count_within, describe_size, judge_list, parse_list

CDN = ListSource("gcore-cdn")
TEXT = ListSource("https://lists.example.com/a.txt")
BOTH = ["10.0.0.0/8", "10.1.0.0/16"]
SPLIT = '{"prefixes": [{"ip": "10.0.0.0/8", "of": "a"}, {"of": "b"}, {"ip": "10.1.0.0/16", "of": "b"}]}'

networks = st.one_of(
    st.builds(
        lambda number, length: ipaddress.IPv4Network((number, length), strict=False),
        st.integers(0, 2**32 - 1),
        st.integers(8, 32),
    ),
    st.builds(
        lambda number, length: ipaddress.IPv6Network((number, length), strict=False),
        st.integers(0, 2**128 - 1),
        st.integers(16, 128),
    ),
).map(str)
names = st.one_of(
    st.sampled_from(["cdn", "on", "null", "a b", "1e3", "-", "ключ", "a: b", '"', "y", "~"]),
    st.text(st.characters(codec="utf-8"), min_size=1),
)
sources = st.tuples(
    st.sampled_from(["gcore-cdn", "https://lists.example.com/a?b=c#d"]),
    st.sampled_from(["", "a/b c.txt"]),
    st.sampled_from(["text", "json"]),
    st.sampled_from(["", "a[*].b", "a[?b=='c\"d'].e"]),
    st.integers(0, 32),
).map(lambda fields: ListSource(*fields))
lists = st.builds(LockedList, sources, st.just("2026-11-28"), st.lists(networks, min_size=1, max_size=5).map(tuple))


@given(st.dictionaries(names, lists, max_size=3))
def test_a_lock_reads_back_as_it_was_written(wanted: dict[str, LockedList]) -> None:
    (document,), issues = read_text("sgctl.lock.yaml", lock_text(wanted).encode())
    assert issues == ()
    assert read_lock(document.value) == Lock(wanted)


@given(st.lists(networks, min_size=1, max_size=20))
def test_what_is_taken_of_a_list_is_the_same_addresses_sorted_and_each_once(texts: list[str]) -> None:
    read = judge_list([*texts, *texts[:2]], TEXT)
    assert set(read.prefixes) == set(texts)
    assert len(read.prefixes) == len(set(texts))
    assert read == judge_list(texts[::-1] + texts[:2], TEXT), "the order of a list means nothing"
    assert compare_lists(LockedList(TEXT, "", read.prefixes), read.prefixes)[:2] == ((), ())


nested = st.builds(
    lambda at, size: str(ipaddress.ip_network((at, size), False)), st.integers(2**25, 2**25 + 9), st.integers(8, 32)
)


@given(st.lists(networks | nested, min_size=1, max_size=12))
def test_prefixes_within_others_are_counted(texts: list[str]) -> None:
    prefixes = judge_list(texts, TEXT).prefixes
    found = [ipaddress.ip_network(each) for each in prefixes]
    expected = sum(
        any(a != b and a.version == b.version and a.subnet_of(b) for b in found)  # type: ignore[arg-type]  # one family
        for a in found
    )
    assert count_within(prefixes) == expected


@pytest.mark.parametrize(
    ("texts", "said"),
    [
        pytest.param([], "the list is empty", id="empty"),
        pytest.param(["0.0.0.0/0"], "0.0.0.0/0 is wider than /8", id="the world"),
        pytest.param(["::/0"], "::/0 is wider than /16", id="the world of IPv6"),
        pytest.param(["10.0.0.0/8", "10.0.0.1/8"], "host bits", id="host bits"),
        pytest.param(["<html>"], "`<html>` is no IP prefix", id="a page"),
        pytest.param(["fe80::1%eth0"], "zone", id="a zone"),
        pytest.param(["10.0.0.0/255.0.0.0"], "no plain number", id="a mask"),
        pytest.param(["a"] * 9, "4 more entries are refused", id="many"),
        pytest.param(["10.0.0.1"] * (MAX_PREFIXES + 1), "over the limit", id="too many"),
    ],
)
def test_a_list_is_refused_as_a_whole(texts: list[str], said: str) -> None:
    read = judge_list(texts, TEXT)
    assert read.prefixes == ()
    assert said in "; ".join(read.problems)


def test_how_wide_a_prefix_may_be_can_be_set() -> None:
    open_to_all = TEXT._replace(widest_ipv4=0, widest_ipv6=0)
    assert judge_list(["::/0", "0.0.0.0/0", "10.0.0.7"], open_to_all).prefixes == ("0.0.0.0/0", "10.0.0.7/32", "::/0")


@pytest.mark.parametrize(
    ("data", "source", "texts"),
    [
        pytest.param(b"\xef\xbb\xbf10.0.0.0/8\r\n\r\n# a\n10.1.0.0/16 ; b", TEXT, BOTH, id="text"),
        pytest.param(b'{"addresses": ["10.0.0.1"], "addresses_v6": null}', CDN, ["10.0.0.1"], id="CDN"),
        pytest.param(b'{"addresses": ["a"], "addresses_v6": ["b"]}', CDN, ["a", "b"], id="CDN, both families"),
        pytest.param(b'["a"]', TEXT._replace(format="json"), ["a"], id="JSON"),
        pytest.param(SPLIT.encode(), TEXT._replace(format="json", select="prefixes[*].ip"), BOTH, id="select"),
        pytest.param(
            SPLIT.encode(), TEXT._replace(format="json", select="prefixes[?of=='b'].ip"), ["10.1.0.0/16"], id="filter"
        ),
    ],
)
def test_lists_come_in_several_forms(data: bytes, source: ListSource, texts: list[str]) -> None:
    assert parse_list(data, source) == texts


@pytest.mark.parametrize(
    ("data", "select", "said"),
    [
        pytest.param(b"<html>", "", "not JSON", id="a page"),
        pytest.param(b"\xff", "", "not UTF-8", id="bytes"),
        pytest.param(b"[" * 100_000, "", "not JSON", id="deep"),
        pytest.param(b'{"a": 1}', "", "no list", id="a mapping"),
        pytest.param(b'{"a": 1}', "a", "no list", id="a number"),
        pytest.param(b"[1]", "", "is no text", id="numbers"),
        pytest.param(b"[]", "a[", "`select` does not work", id="a wrong expression"),
        pytest.param(b"[]", "no_such(@)", "`select` does not work", id="an unknown function"),
    ],
)
def test_what_is_no_list_is_told(data: bytes, select: str, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        parse_list(data, TEXT._replace(format="json", select=select))


_TWICE = "[@, @][]"
_PARTS = ["@", "[]", "[*]", "*", "a", "[@, @]", "{a: @, b: @}", "[0]", "[::2]", "[?@ == @]", "[?a > @]"]
_CALLS = [
    "map(&[@, @], [@][])", "join('xxxxxxxxxxxxxxxx', [@, @][])", "to_string(@)", "merge(@, @)", "sort_by(@, &a)",
    "ceil(to_number('1e999'))", "values(@)", "to_array(@)", "reverse(@)", "length(@)", "max_by(@, &to_string(@))",
]  # fmt: skip


@pytest.mark.parametrize(
    ("select", "said"),
    [
        pytest.param(".".join(["[]", *[_TWICE] * 100]), "may take each value", id="doubling each entry"),
        pytest.param(" | ".join([_TWICE] * 100), "may take each value", id="doubling the list"),
        pytest.param(" | ".join(["[@, @]"] * 60 + ["[@ == @]"]), "may take each value", id="a list within itself"),
        pytest.param(" | ".join(["[*].[@, @][]"] * 6 + ["[*]"] * 90), "steps, over the limit", id="as often as may be"),
        pytest.param("join(join('', @), @)", "characters, over the limit", id="a long separator"),
        pytest.param("[ceil(to_number('1e999'))]", "does not work", id="infinity"),
    ],
)
def test_a_select_that_makes_much_of_little_is_stopped_with_a_limit(
    select: str, said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A stranger may have written it: a thousand characters of it could ask for 2 to the power of 100."""
    monkeypatch.setattr(selecting, "MAX_STEPS", 50_000)
    with pytest.raises(ValueError, match=said):
        parse_list(b'["%s"]' % b'", "'.join([b"10.0.0.0/8"] * 5000), TEXT._replace(format="json", select=select))


@settings(max_examples=examples(300))
@given(st.lists(st.sampled_from([*_PARTS, *_CALLS]), min_size=1, max_size=12), st.sampled_from([".", " | ", ""]))
def test_any_select_ends_soon_in_texts_or_in_a_sentence(parts: list[str], joint: str) -> None:
    data = b'[{"a": "10.0.0.0/8", "b": [1, "x"]}, ["10.0.0.0/8", null], 1, "10.0.0.0/8"]'
    started = time.process_time()
    with suppress(ValueError):
        parse_list(data, TEXT._replace(format="json", select=joint.join(parts)))
    assert time.process_time() - started < 10


def test_a_list_that_is_longer_than_a_group_is_told_with_the_least_it_could_be() -> None:
    prefixes = judge_list([f"10.0.{number}.0/24" for number in range(256)] + ["2001:db8::/32"], TEXT).prefixes
    assert describe_size(prefixes[:250], 250) is None
    said = describe_size(prefixes, 250)
    assert said == (
        "257 prefixes, and a security group takes 250 rules: no rule can name all of it (2 if neighbours were one)"
    )


def merged(
    folder: Path, base: dict[str, LockedList], ours: dict[str, LockedList], theirs: dict[str, LockedList]
) -> str | None:
    """What git makes of two branches of a lock; None for a conflict."""
    for name, lock in (("base", base), ("ours", ours), ("theirs", theirs)):
        (folder / name).write_text(lock_text(lock))
    command = ["git", "merge-file", "ours", "base", "theirs"]
    code = subprocess.run(command, cwd=folder, capture_output=True, check=False, timeout=60).returncode
    assert code < 128, "it is the number of conflicts, and an error from there on"
    return None if code else (folder / "ours").read_text()


def locked(*texts: str, day: str = "2026-11-28") -> LockedList:
    return LockedList(CDN, day, judge_list(texts, CDN).prefixes)


def test_refreshes_in_two_branches_merge_where_they_changed_different_groups(tmp_path: Path) -> None:
    base = {name: locked("10.0.0.0/8", "11.0.0.0/8") for name in ("a", "b", "c")}
    ours, theirs = base | {"a": locked("10.0.0.0/8", "12.0.0.0/8", day="2026-11-29")}, base | {"b": locked("9.0.0.0/8")}
    assert merged(tmp_path, base, ours, theirs) == lock_text(ours | {"b": theirs["b"]})
    assert merged(tmp_path, base, ours, ours) == lock_text(ours), "the same refresh twice"
    both = merged(tmp_path, base, ours, base | {"d": locked("9.0.0.0/8")})
    assert both == lock_text(ours | {"d": locked("9.0.0.0/8")}), "a new group beside a refresh"


def test_refreshes_of_one_group_that_differ_are_a_conflict_never_a_mixture(tmp_path: Path) -> None:
    base = {"a": locked(*(f"{number}.0.0.0/8" for number in range(10, 40)))}
    ours = {"a": locked(*(f"{number}.0.0.0/8" for number in range(11, 40)))}
    theirs = {"a": locked(*(f"{number}.0.0.0/8" for number in range(10, 39)))}
    assert merged(tmp_path, base, ours, theirs) is None

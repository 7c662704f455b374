"""Rule sets: a list of rules under a name is the rules in place of each use, in every file of a run."""

import json
from pathlib import Path

import pytest
import yaml
from effort import examples
from hypothesis import given, settings
from hypothesis import strategies as st
from texts import load_text

from reconciler.loading import desired
from reconciler.loading.bulk import pieces
from reconciler.loading.bulk.read import read_bulk
from reconciler.loading.desired import desired_state
from reconciler.loading.document import read_text
from reconciler.loading.issues import Budget
from reconciler.loading.load import Defaults, load
from reconciler.loading.rule_sets import written_out
from reconciler.model.desired import DesiredState
from reconciler.model.errors import InputError
from reconciler.model.place import FilePlace, PlainPlace, UsedPlace, position_of, read_place, used_at, written_at

FILL = Defaults(environment_project_id=1, environment_region_id=7)
SETS = """\
address_groups: {office: [203.0.113.0/24, 2001:db8:10::/48]}
rule_sets:
  base:
    - {direction: ingress, protocol: icmp}
    - use: [ssh]
  ssh:
    - {direction: ingress, protocol: tcp, ports: 22, remote_address_group: office, description: SSH}
    - {direction: ingress, protocol: tcp, ports: 22, remote_group: jump-hosts, expires: 2030-01-01}
"""
GROUPS = """\
targets: [{project_id: 1, region_id: 7}, {project_id: 1, region_id: 8}]
security_groups:
  - name: web
    rules:
      - {use: base}
      - {direction: ingress, protocol: tcp, ports: 443}
  - {name: app, rules: [{use: [ssh, base]}, {direction: ingress, protocol: icmp}]}
"""


def meant(state: DesiredState) -> list[object]:
    """What is desired, without its places."""
    return [
        (
            group.target,
            group.name,
            {
                (rule.rule, rule.remote_group): (rule.description, rule.review, rule.address_group)
                for rule in group.rules or ()
            },
        )
        for group in state.groups
    ]


def test_sets_are_visible_in_every_file_and_target(tmp_path: Path) -> None:
    """The file of the sets comes last, and the rules that a set and the group both have are one."""
    (tmp_path / "a.yaml").write_text(GROUPS)
    (tmp_path / "z.yaml").write_text(SETS)
    state = load([str(tmp_path)], Defaults())
    assert [(group.target.region_id, group.name, len(group.rules or ())) for group in state.groups] == [
        (7, "web", 5),
        (7, "app", 4),
        (8, "web", 5),
        (8, "app", 4),
    ]


def test_a_rule_has_the_place_of_its_use_and_its_own() -> None:
    """Of a set in a set, the one in which the rule stands is named."""
    (web, *_) = load_text(GROUPS + "---\n" + SETS).groups
    assert [str(rule.place) for rule in web.rules or ()] == [
        "groups.yaml:5:9 (rule set base, groups.yaml:12:7)",
        *["groups.yaml:5:9 (rule set ssh, groups.yaml:15:7)"] * 2,
        "groups.yaml:5:9 (rule set ssh, groups.yaml:16:7)",
        "groups.yaml:6:9",
    ]


def test_rules_of_two_sets_that_differ_in_their_descriptions_name_both_places() -> None:
    text = "rule_sets: {a: [{direction: egress, description: out}], b: [{direction: egress}]}\n"
    with pytest.raises(InputError) as raised:
        load_text(f"{text}security_groups: [{{name: web, rules: [{{use: [a, b]}}]}}]", FILL)
    [issue] = raised.value.issues
    assert str(issue.place) == "groups.yaml:2:39 (rule set b, groups.yaml:1:61)"
    assert [str(place) for _, place in issue.related] == ["groups.yaml:2:39 (rule set a, groups.yaml:1:17)"]
    assert issue.line is not None
    assert "use: [a, b]" in issue.line


def test_what_is_wrong_in_a_set_is_told_once_however_often_it_is_used() -> None:
    groups = "".join(f"  - {{name: web-{number}, rules: [{{use: [a, b]}}]}}\n" for number in range(50))
    text = f"rule_sets: {{a: [{{direction: in}}, {{use: c}}], b: [{{use: a}}]}}\nsecurity_groups:\n{groups}"
    with pytest.raises(InputError) as raised:
        load_text(text, FILL)
    assert [(issue.name, issue.place.order[1]) for issue in raised.value.issues] == [
        ("wrong-value", 1),
        ("unknown-rule-set", 1),
    ]


@pytest.mark.parametrize(
    ("head", "rules", "name"),
    [
        pytest.param("", "[{use: [a, b]}]", "same-rule-twice", id="two-sets-contradict-each-other"),
        pytest.param("ignore_rules: [{direction: egress}]", "[{use: b}]", "ignored-rule", id="a-rule-of-others"),
    ],
)
def test_what_is_wrong_of_sets_together_is_told_once(head: str, rules: str, name: str) -> None:
    """Not for each of 1,100 groups that use them; where a group's own rule is the other one, in each such group."""
    sets = "rule_sets: {a: [{direction: egress, description: out}], b: [{direction: egress}]}"
    groups = "".join(f"  - {{name: web-{number}, rules: {rules}}}\n" for number in range(1100))
    with pytest.raises(InputError) as raised:
        load_text(f"{sets}\n{head}\nsecurity_groups:\n{groups}", FILL)
    assert [(issue.name, issue.place.order[1]) for issue in raised.value.issues] == [(name, 4)]
    own = [f"  - {{name: web-{number}, rules: [{{direction: egress}}, {{use: a}}]}}\n" for number in range(3)]
    with pytest.raises(InputError) as raised:
        load_text(f"{sets}\nsecurity_groups:\n{''.join(own)}", FILL)
    assert [issue.place.order[1] for issue in raised.value.issues] == [3, 4, 5]


def test_a_rule_may_be_copied_into_a_set_from_any_group() -> None:
    """The read-only `security_group_id` of a live rule holds for no group that uses the set."""
    rules = ", ".join(
        f"{{direction: {way}, security_group_id: 00000000-0000-4000-8000-00000000000{number}}}"
        for number, way in enumerate(("ingress", "egress"))
    )
    group = "security_groups: [{name: web, id: 00000000-0000-4000-8000-00000000000a, rules: [{use: a}]}]"
    [web] = load_text(f"rule_sets: {{a: [{rules}]}}\n{group}", FILL).groups
    assert len(web.rules or ()) == 2


@pytest.mark.parametrize("broken", ["rule_sets:\n\ta: []\n", "rule_sets: {a: [\n", "rule_sets: *none\n", None])
def test_what_a_broken_file_may_define_is_not_missed(tmp_path: Path, broken: str | None) -> None:
    """Its own error is told, and the others of the good files; not that what it may define is unknown."""
    if broken:
        (tmp_path / "sets.yaml").write_text(broken)
    (tmp_path / "web.yaml").write_text(
        "security_groups:\n  - name: web\n    rules: [{use: a}, {direction: in},"
        " {direction: egress, remote_address_group: office}]\n"
    )
    with pytest.raises(InputError) as raised:
        load([str(tmp_path / "sets.yaml"), str(tmp_path / "web.yaml")], FILL)
    assert [issue.name for issue in raised.value.issues if issue.place.source.endswith("web.yaml")] == ["wrong-value"]
    assert len(raised.value.issues) == 2


@pytest.mark.parametrize("key", ["rulesets", "rule_set", "rule_setz"])
@pytest.mark.parametrize("other_file", [False, True])
def test_what_a_misspelled_key_defines_is_not_missed_as_well(key: str, other_file: bool, tmp_path: Path) -> None:
    """Its own error is enough; a name that it does not define either is still told, once for each use."""
    slips = f"{key}: {{a: [{{direction: egress}}]}}\nadress_groups: {{office: [10.0.0.0/8]}}\n"
    rules = "{use: a}, {use: b}, {direction: egress, remote_address_group: office}"
    groups = f"security_groups: [{{name: web, rules: [{rules}]}}, {{name: app, rules: [{{use: a}}]}}]\n"
    (tmp_path / "a.yaml").write_text(slips + ("---\n" if other_file else "") + groups)
    with pytest.raises(InputError) as raised:
        load([str(tmp_path)], FILL)
    found = [(issue.name, issue.message.split("`")[1]) for issue in raised.value.issues]
    assert [each for each in found if each[0] != "nothing-desired"] == [
        ("unknown-key", key),
        ("unknown-key", "adress_groups"),
        ("unknown-rule-set", "b"),
    ]


def test_sets_under_a_key_of_ones_own_are_none() -> None:
    """Such a key is no error, however much it looks like ours: then the uses are."""
    with pytest.raises(InputError) as raised:
        load_text("x-rule_sets: {a: [{direction: egress}]}\nsecurity_groups: [{name: web, rules: [{use: a}]}]", FILL)
    assert [issue.name for issue in raised.value.issues] == ["unknown-rule-set"]


PLACES = st.builds(FilePlace, st.sampled_from(["a.yaml", "b (c).yaml", "x:y/z.yaml"]), st.integers(1, 99), st.just(3))
PLACES |= st.builds(PlainPlace, st.sampled_from(["data", "SecurityGroup a/b"]), st.sampled_from(["", "a[0].b"]))


@settings(max_examples=examples(100))
@given(use=PLACES, rule=PLACES, outer=PLACES)
def test_a_place_of_a_use_is_read_as_it_is_written(use: FilePlace, rule: FilePlace, outer: FilePlace) -> None:
    """A set in a set is named once, with the outermost use."""
    inner = used_at(use, "base", rule)
    place = used_at(outer, "all", inner)
    assert place == UsedPlace(outer, "base", rule)
    assert read_place(str(place)) == place
    assert place.source == outer.source
    assert written_at(place) == rule
    assert position_of(place) == (outer if isinstance(outer, FilePlace) else None)
    assert outer.order < place.order


RULES = st.sampled_from(
    [
        {"direction": "egress"},
        {"direction": "ingress", "protocol": "tcp", "ports": [80, 443]},
        {"direction": "ingress", "protocol": "tcp", "ports": 443, "remote_ip_prefix": "0.0.0.0/0"},
        {"direction": "ingress", "remote_address_group": "office", "description": "office"},
        {"direction": "ingress", "remote_group": "web", "expires": "2030-01-01"},
        {"preset": "default-egress"},
    ]
)
NAMES = ("a", "b", "c", "d")


@st.composite
def documents(draw: st.DrawFn) -> dict[str, object]:
    """Sets that use those before them, and groups that use any."""
    sets: dict[str, object] = {}
    for number, name in enumerate(NAMES):
        sets[name] = draw(st.lists(items(NAMES[:number]), min_size=1, max_size=4))
    groups = [{"name": f"group-{number}", "rules": draw(GROUP_RULES)} for number in range(2)]
    found = [*sets.items()]
    return {
        "address_groups": {"office": ["10.0.0.0/8", "2001:db8::/32"]},
        "rule_sets": dict(draw(st.permutations(found))),
        "security_groups": groups,
    }


def items(names: tuple[str, ...]) -> st.SearchStrategy[object]:
    if not names:
        return RULES
    name = st.sampled_from(names)
    uses = st.one_of(name, st.lists(name, min_size=1, max_size=3)).map(lambda use: {"use": use})
    return RULES | uses


GROUP_RULES = st.lists(items(NAMES), max_size=5)


@settings(max_examples=examples(200))
@given(documents())
def test_expanding_sets_is_writing_the_rules_in_their_place(value: dict[str, object]) -> None:
    """The same desired state comes of a document and of the same with the rules instead of each `use`."""
    [document], _ = read_text("a.yaml", json.dumps(value).encode())
    state, issues = desired_state([document], FILL)
    plain = written_out(value, document.value["rule_sets"], Budget(1000))
    assert '"use"' not in json.dumps(plain)
    assert issues == ()
    assert meant(state) == meant(load_text(json.dumps(plain), FILL))


WRONG = st.sampled_from([{"use": "none"}, {"use": ["d", "a"]}, {"direction": "in"}, {"use": "a", "description": "x"}])


@settings(max_examples=examples(100))
@given(value=documents(), wrong=st.none() | WRONG, where=st.sampled_from(NAMES), sets_last=st.booleans())
def test_pieces_and_the_whole_are_one_state(
    value: dict[str, object], wrong: object, where: str, *, sets_last: bool
) -> None:
    """Large input with any sets is read in pieces to the same state; with what is wrong in a set it is not."""
    groups = [
        {**group, "name": f"{group['name']}-{number}"} for number in range(6) for group in value["security_groups"]
    ]  # type: ignore[attr-defined]  # a list of dictionaries
    sets = {key: part for key, part in value.items() if key != "security_groups"}
    if wrong is not None:
        sets["rule_sets"] = {**sets["rule_sets"], where: [*sets["rule_sets"][where], wrong]}  # type: ignore[dict-item, index]  # the same
    head = {"targets": [{"project_id": 1, "region_id": number} for number in (7, 8)], "owner": "us"}
    texts = [yaml.safe_dump(each, sort_keys=False).encode() for each in (sets, {**head, "security_groups": groups})]
    files = [(f"{number}.yaml", text) for number, text in enumerate(texts[::-1] if sets_last else texts)]
    state, issues = desired_state([each for path, data in files for each in read_text(path, data)[0]], FILL)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(pieces, "SHARED_PART", 1)
        bulk = read_bulk(files, FILL, None, 1, smallest=64)
    assert bulk == (None if issues else state)


@pytest.mark.parametrize("processes", [1, 3])
def test_large_input_with_sets_is_read_in_pieces(processes: int) -> None:
    """By other processes as well, and to the same state with the same places."""
    groups = "".join(
        f"  - name: group-{number}\n    rules:\n      - {{use: base}}\n      - {{direction: egress}}\n"
        for number in range(100)
    )
    files = [("a.yaml", f"project_id: 1\nregion_id: 7\nsecurity_groups:\n{groups}".encode()), ("b.yaml", SETS.encode())]
    bulk = read_bulk(files, Defaults(), None, processes, smallest=500)
    plain, issues = desired_state([each for path, data in files for each in read_text(path, data)[0]], Defaults())
    assert bulk == plain
    assert not issues
    assert {str(written_at(rule.place)) for rule in plain.groups[99].rules or ()} >= {"b.yaml:4:7", "b.yaml:7:7"}


def test_uses_of_one_set_again_and_again_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """They mean nothing more, but whoever judges what is written looks at each."""
    monkeypatch.setattr(desired, "MAX_EXPANSIONS", 100)
    sets, use = "rule_sets: {a: [{direction: egress, ethertype: [IPv4, IPv6]}]}", "{use: a}"
    assert load_text(f"{sets}\nsecurity_groups: [{{name: web, rules: [{', '.join([use] * 50)}]}}]", FILL).groups
    with pytest.raises(InputError) as raised:
        load_text(f"{sets}\nsecurity_groups: [{{name: web, rules: [{', '.join([use] * 51)}]}}]", FILL)
    assert "100 rules and prefixes when expanded, repetitions included" in raised.value.issues[0].message


def test_rules_that_mean_the_same_are_written_out_up_to_a_limit() -> None:
    """One rule a group may be written a hundred thousand times, and used as often."""
    sets = {"a": [{"direction": "egress"}] * 100}
    left = Budget(250)
    groups = [{"name": f"web-{number}", "rules": [{"use": "a"}]} for number in range(1000)]
    written = written_out({"security_groups": groups}, sets, left)
    assert left.is_spent
    assert sum(len(group["rules"]) for group in written["security_groups"]) == 250


def test_sets_in_sets_are_bounded() -> None:
    """Sets that each mean the rules of all before them are refused, with the limit."""
    sets = "".join(
        f"  s{number}: [{{direction: ingress, protocol: tcp, ports: {number}}}, {{use: [{', '.join(before)}]}}]\n"
        for number in range(1, 200)
        if (before := [f"s{other}" for other in range(number)])
    )
    with pytest.raises(InputError) as raised:
        load_text(f"rule_sets:\n  s0: [{{direction: egress}}]\n{sets}", FILL)
    assert any("400,000 rules and prefixes" in issue.message for issue in raised.value.issues)

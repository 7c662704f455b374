"""A mapping is read as the YAML that says the same: the same state, or the same problems at the same paths."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml
from effort import examples
from hypothesis import example, given, settings
from hypothesis import strategies as st
from problem_cases import nested
from schema_values import ANYTHING, values_of

from reconciler.loading.document import YamlDocument
from reconciler.loading.load import Defaults, PlainDocument, load, load_documents, read_documents
from reconciler.model.desired import DesiredState
from reconciler.model.errors import InputError, Issue
from reconciler.model.place import FilePlace, Key, Place, PlainPlace, UsedPlace, path_text
from reconciler.model.problems import ProblemName

NAME = "SecurityGroup prod/web"
GOOD = {
    "project_id": 1,
    "region_id": 7,
    "owner": "payments",
    "address_groups": {"office": ["203.0.113.0/24", "2001:db8:10::/48"]},
    "policies": {"rule_description": "error", "must_allow": [{"group": "web", "direction": "ingress"}]},
    "security_groups": [
        {
            "name": "web",
            "tags": {"env": "prod"},
            "rules": [
                {"direction": "ingress", "protocol": "tcp", "ports": [80, "90-99"], "remote_address_group": "office"},
                {"direction": "egress", "ethertype": ["IPv4", "IPv6"], "expires": "2030-01-01"},
            ],
        },
        {"name": "app", "previous_name": "old"},
    ],
}
SPOILS = st.sampled_from([
    "10.0.0.1/8", "10.0.0.0/8", "2001:db8::/32", "ofice", "office", "90-80", "web", "app", "old", "default",
    "2030-13-01", "error", "off", "(", 70000, 251, 0, {}, [], None, True, 1.0, ["10.0.0.1/8"], {"direction": "ingress"},
    [{"direction": "ingress", "protocol": "tcp", "ports": list(range(1, 252))}], {"sgctl-owner": "x"},
])  # fmt: skip
every_time = settings(max_examples=examples(300))


def paths_of(value: Any, above: tuple[Key, ...] = ()) -> Iterator[tuple[Key, ...]]:
    """Every path in a value."""
    yield above
    if isinstance(value, dict | list):
        for key, part in value.items() if isinstance(value, dict) else enumerate(value):
            yield from paths_of(part, (*above, key))


@st.composite
def spoiled(draw: st.DrawFn) -> Any:
    """A good document with other values at a few of its paths, or without them, or with keys more."""
    value = json.loads(json.dumps(GOOD))
    for _ in range(draw(st.integers(0, 3))):
        *above, last = draw(st.sampled_from(list(paths_of(value))[1:] or [("x",)]))
        inner = value
        for step in above:
            inner = inner[step]
        what = draw(st.sampled_from(["replace", "remove", "add"]))
        if what == "remove" and isinstance(inner, dict):
            inner.pop(last, None)
        elif what == "add" and isinstance(inner, dict):
            inner[draw(st.sampled_from(["ports", "icmp_type", "remote_group", "id", "owner", "nme"]))] = draw(SPOILS)
        else:
            inner[last] = draw(SPOILS | ANYTHING)
        value = json.loads(json.dumps(value))
    return value


def texts(value: Any) -> list[str]:
    """Ways to write a value as YAML."""
    unshared = json.loads(json.dumps(value))
    shared = (
        value if all(None not in path for path in paths_of(value)) else unshared
    )  # a key that is no text ends early
    return [json.dumps(value), yaml.safe_dump(unshared, sort_keys=False), yaml.safe_dump(shared, sort_keys=False)]


DOCUMENT_TEXTS = st.one_of(values_of("document"), spoiled(), spoiled()).flatmap(
    lambda value: st.sampled_from(texts(value))
)


def without_places(state: DesiredState) -> DesiredState:
    nowhere = FilePlace("", 1, 1)
    groups = [
        replace(
            group,
            place=nowhere,
            rules=group.rules and tuple(replace(rule, place=nowhere) for rule in group.rules),
        )
        for group in state.groups
    ]
    return replace(state, groups=tuple(groups))


def places_by_path(document: YamlDocument, plain: PlainDocument) -> dict[Place, set[Place]]:
    """Where a path of plain data is in the file: its value or its key."""
    found: dict[Place, set[Place]] = {}
    for path in paths_of(document.value):
        here = PlainPlace(plain.name, path_text(*path))
        found.setdefault(here, set()).update([document.place(*path), document.key_place(*path)])
    return found


def places_of(place: Place, places: dict[Place, set[Place]]) -> set[Place]:
    """Where a place of plain data is in the file; that of a rule of a rule set is two."""
    if isinstance(place, UsedPlace):
        return {UsedPlace(use, place.rule_set, rule) for use in places[place.use] for rule in places[place.rule]}
    return places[place]


def same(first: Issue, second: Issue, places: dict[Place, set[Place]]) -> bool:
    """Tell whether an issue of plain data and one of a file say the same at the same path."""
    return (
        (first.name, first.message, first.fix) == (second.name, second.message, second.fix)
        and second.place in places_of(first.place, places)
        and len(first.related) == len(second.related)
        and all(
            what == other and there in places_of(here, places)
            for (what, here), (other, there) in zip(first.related, second.related, strict=True)
        )
    )


def outcome(paths: list[str], plain: Sequence[PlainDocument] = ()) -> tuple[DesiredState | None, tuple[Issue, ...]]:
    """What loading ends in."""
    try:
        return load(paths, Defaults(None, None, 1, 7), documents=plain), ()
    except InputError as error:
        return None, error.issues


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("plain") / "groups.yaml"


@every_time
@given(text=DOCUMENT_TEXTS)
@example(text=yaml.safe_dump(GOOD))
@example(text=f"targets: [{{{'x' * 255}: null, {'x' * 256}: true}}]")
@example(text="security_groups: [{name: web, rules: &r [{direction: in}]}, {name: app, rules: *r}]")
@example(text="security_groups: [{name: web, rules: [{direction: ingress, expires: 2030-01-01}]}]")
def test_a_mapping_means_what_its_yaml_means(path: Path, text: str) -> None:
    """Loading the text, and loading what PyYAML reads from it."""
    path.write_text(text)
    plain = PlainDocument(NAME, yaml.safe_load(text))
    state, issues = outcome([str(path)])
    other, found = outcome([], [plain])
    if state is not None:
        assert other is not None
        assert without_places(other) == without_places(state)
        assert other.policies.source.settings == state.policies.source.settings
    else:
        [document], _ = read_documents([str(path)])
        places = places_by_path(document, plain)
        assert [each for each in found if not any(same(each, issue, places) for issue in issues)] == []
        assert [issue for issue in issues if not any(same(each, issue, places) for each in found)] == []


def test_the_deepest_and_the_widest_are_read() -> None:
    """As in a file: the limits are reached, and not passed."""
    for value in ({"x": nested(30)}, {"x": [0] * 100_000}):
        [issue] = outcome([], [PlainDocument("data", {"security_groups": [], **value})])[1]
        assert issue.name is ProblemName.UNKNOWN_KEY


def test_a_value_may_be_used_more_than_once() -> None:
    """It is not copied each time: ten groups with one list of rules have one list."""
    rules = [{"direction": "ingress"}]
    value = {"security_groups": [{"name": f"web-{number}", "rules": rules} for number in range(10)]}
    state = load([], Defaults(1, 7), documents=[PlainDocument("data", value)])
    assert [str(group.rules[0].place) for group in state.groups if group.rules] == [
        f"data: security_groups[{number}].rules[0]" for number in range(10)
    ]


def test_what_the_caller_changes_later_changes_nothing() -> None:
    """The data is copied."""
    tags = {"env": "prod"}
    value = {"security_groups": [{"name": "web", "tags": tags}]}
    [group] = load([], Defaults(1, 7), documents=[PlainDocument("data", value)]).groups
    tags["env"] = "test"
    assert group.tags == {"env": "prod"}


def test_files_and_documents_are_one_desired_state(path: Path) -> None:
    """Address groups reach from one to the other, and what is there twice names both places."""
    path.write_text("address_groups: {office: [10.0.0.0/8]}\nsecurity_groups: [{name: web}]\n")
    rule = {"direction": "ingress", "remote_address_group": "office"}
    app = PlainDocument("SecurityGroup prod/app", {"security_groups": [{"name": "app", "rules": [rule]}]})
    assert [group.name for group in load([str(path)], Defaults(1, 7), documents=[app]).groups] == ["web", "app"]
    web = PlainDocument(NAME, {"security_groups": [{"name": "web"}]})
    with pytest.raises(InputError) as caught:
        load([str(path)], Defaults(1, 7), documents=[app, web])
    [issue] = caught.value.issues
    assert (str(issue.place), issue.line) == (f"{NAME}: security_groups[0]", None)
    assert [str(place) for _, place in issue.related] == [f"{path}:2:19"]


def test_a_document_needs_a_name() -> None:
    with pytest.raises(ValueError, match="no name for a document"):
        PlainDocument("a: b", {})


def test_documents_of_files_are_kept_and_plain_ones_are_the_callers(path: Path) -> None:
    path.write_text("address_groups: {office: [10.0.0.0/8]}\n")
    documents, _ = load_documents([str(path)], Defaults(), plain=[PlainDocument("data", {"address_groups": {}})])
    assert [document.name for document in documents] == [str(path)]

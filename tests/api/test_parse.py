"""The border: a foreign answer becomes typed live state, or one `ApiError` that says what is wrong with it."""

import json
import re
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, TypeVar

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from plan_strategies import leaves
from steady import HastyClock

from reconciler.api.backend import BACKENDS
from reconciler.api.fields import MAX_SHORT_TEXT, MAX_TEXT
from reconciler.api.http import Http
from reconciler.api.parse import parse_group, parse_moment, parse_page, parse_task, parse_task_types
from reconciler.api.reader import GcoreReader
from reconciler.model.desired import DesiredGroup, DesiredState, Target
from reconciler.model.errors import ApiError
from reconciler.model.live import LiveGroup, LiveRule, Tag
from reconciler.model.place import FilePlace
from reconciler.model.rule import Rule
from reconciler.planning.plan import PlanOptions
from reconciler.planning.planfile import dumps, loads
from reconciler.workflow import make_plan

T = TypeVar("T")
TARGET = Target(1, 7)
GROUP_ID = "00000001-0000-4000-8000-000000000000"
RULE_ID = "00000002-0000-4000-8000-000000000000"
OTHER_ID = "00000003-0000-4000-8000-00000000000a"
BASE_URL = "https://api.example.com"


def rule_answer(**changes: Any) -> dict[str, Any]:
    return {
        "id": RULE_ID,
        "security_group_id": GROUP_ID,
        "direction": "ingress",
        "ethertype": "IPv4",
        "protocol": "tcp",
        "port_range_min": 80,
        "port_range_max": 443,
        "remote_ip_prefix": "10.0.0.0/8",
        "remote_group_id": None,
        "description": "from the office",
        "created_at": "2019-06-18T11:56:16+0000",
        "updated_at": "2019-06-18T11:56:16+0000",
        "revision_number": 0,
        **changes,
    }


def group_answer(*rules: Any, without: str = "", **changes: Any) -> dict[str, Any]:
    answer = {
        "id": GROUP_ID,
        "name": "web",
        "description": "Web tier",
        "created_at": "2019-06-18T11:56:16+0000",
        "updated_at": None,
        "revision_number": 3,
        "project_id": 1,
        "region_id": 7,
        "region": "Luxembourg 1",
        "tags_v2": [{"key": "env", "value": "prod", "read_only": False}],
        "security_group_rules": list(rules) or [rule_answer()],
        **changes,
    }
    return {name: value for name, value in answer.items() if name != without}


def outcome(parse: Callable[[], T]) -> T | None:
    """What was read; None for a refusal in the one way, which is fit to print and short."""
    try:
        return parse()
    except ApiError as refused:
        message, hint = refused.message, refused.hint
    assert hint
    assert message.isprintable()
    assert len(message) < 500
    return None


def check_types(group: LiveGroup) -> None:
    """Every field is of the type that it is declared with."""
    assert type(group.id) is type(group.name) is type(group.description) is str
    assert type(group.revision_number) is int
    for tag in group.tags:
        assert type(tag) is Tag
        assert type(tag.key) is type(tag.value) is str
        assert type(tag.read_only) is bool
    for live in group.rules:
        rule = live.rule
        assert type(live) is LiveRule
        assert type(rule) is Rule
        assert type(live.id) is type(live.description) is str
        assert type(live.irregular) is bool
        assert rule.direction in {"ingress", "egress"}
        assert rule.ethertype in {"IPv4", "IPv6"}
        assert all(value is None or type(value) is int for value in (rule.port_range_min, rule.port_range_max))
        assert all(
            value is None or type(value) is str
            for value in (rule.protocol, rule.remote_ip_prefix, rule.remote_group_id)
        )


def rule_of(**changes: Any) -> LiveRule:
    (rule,) = parse_group(group_answer(rule_answer(**changes)), TARGET).rules
    return rule


PLAUSIBLE: dict[str, tuple[dict[str, Any], Rule]] = {
    "as published": ({}, Rule("ingress", "IPv4", "tcp", 80, 443, "10.0.0.0/8")),
    "a number as text": ({"protocol": "94"}, Rule("ingress", "IPv4", "94", 80, 443, "10.0.0.0/8")),
    "a number": ({"protocol": 17}, Rule("ingress", "IPv4", "udp", 80, 443, "10.0.0.0/8")),
    "no ethertype": ({"ethertype": None}, Rule("ingress", "IPv4", "tcp", 80, 443, "10.0.0.0/8")),
    "an empty ethertype": ({"ethertype": ""}, Rule("ingress", "IPv4", "tcp", 80, 443, "10.0.0.0/8")),
    "an ethertype in capitals": ({"ethertype": "IPV4"}, Rule("ingress", "IPv4", "tcp", 80, 443, "10.0.0.0/8")),
    "host bits": ({"remote_ip_prefix": "10.1.2.3/8"}, Rule("ingress", "IPv4", "tcp", 80, 443, "10.0.0.0/8")),
    "host bits of every address": ({"remote_ip_prefix": "10.1.2.3/0"}, Rule("ingress", "IPv4", "tcp", 80, 443)),
    "every address": ({"remote_ip_prefix": "0.0.0.0/0"}, Rule("ingress", "IPv4", "tcp", 80, 443)),
    "an address": ({"remote_ip_prefix": "10.1.2.3"}, Rule("ingress", "IPv4", "tcp", 80, 443, "10.1.2.3/32")),
    "a prefix in capitals": (
        {"remote_ip_prefix": "2001:DB8::/32", "ethertype": "IPv6"},
        Rule("ingress", "IPv6", "tcp", 80, 443, "2001:db8::/32"),
    ),
    "no prefix": ({"remote_ip_prefix": None}, Rule("ingress", "IPv4", "tcp", 80, 443)),
    "an empty prefix": ({"remote_ip_prefix": ""}, Rule("ingress", "IPv4", "tcp", 80, 443)),
    "port 0": ({"port_range_min": 0}, Rule("ingress", "IPv4", "tcp", 0, 443, "10.0.0.0/8")),
    "a remote group in capitals": (
        {"remote_ip_prefix": None, "remote_group_id": OTHER_ID.upper()},
        Rule("ingress", "IPv4", "tcp", 80, 443, None, OTHER_ID.upper()),
    ),
    "an empty remote group": ({"remote_group_id": ""}, Rule("ingress", "IPv4", "tcp", 80, 443, "10.0.0.0/8")),
}


IRREGULAR = {"a number as text", "host bits", "host bits of every address"}
"""Those that no request could ask for."""


@pytest.mark.parametrize("name", PLAUSIBLE)
def test_what_is_plausible_is_read_for_what_it_means(name: str) -> None:
    changes, rule = PLAUSIBLE[name]
    assert rule_of(**changes) == LiveRule(RULE_ID, rule, "from the office", name in IRREGULAR)


def test_what_is_not_set_may_be_left_out() -> None:
    whole = group_answer({"id": RULE_ID, "direction": "egress"}, without="description")
    del whole["revision_number"]
    group = parse_group(whole, TARGET)
    assert (group.description, group.revision_number) == ("", 0)
    assert group.rules == (LiveRule(RULE_ID, Rule("egress", "IPv4"), ""),)
    check_types(group)


def test_ids_are_kept_in_lower_case() -> None:
    group = parse_group(group_answer(rule_answer(id=RULE_ID.upper()), id=GROUP_ID.upper()), TARGET)
    assert (group.id, group.rules[0].id) == (GROUP_ID, RULE_ID)


OLDER_TAGS = {
    "an object": {"env": "prod", "team": "edge"},
    "a list": [{"key": "env", "value": "prod"}, {"key": "team", "value": "edge", "read_only": None}],
}


@pytest.mark.parametrize("metadata", OLDER_TAGS.values(), ids=OLDER_TAGS)
@pytest.mark.parametrize("tags_v2", [{}, {"tags_v2": None}], ids=["left out", "null"])
def test_the_tags_of_older_answers_are_read(metadata: Any, tags_v2: dict[str, Any]) -> None:
    answer = {**group_answer(without="tags_v2", metadata=metadata), **tags_v2}
    assert parse_group(answer, TARGET).tags == (Tag("env", "prod"), Tag("team", "edge"))


def test_where_an_answer_has_both_kinds_of_tags_the_newer_count() -> None:
    answer = group_answer(tags_v2=[{"key": "env", "value": "prod", "read_only": True}], metadata={"env": "old"})
    assert parse_group(answer, TARGET).tags == (Tag("env", "prod", read_only=True),)


WRONG: dict[str, tuple[dict[str, Any], str]] = {
    "a path as id": (
        group_answer(id="../../v1/projects/1"),
        "id is the text `../../v1/projects/1`, and has to be a UUID",
    ),
    "no id": (group_answer(without="id"), "id is `null`, and has to be a UUID"),
    "a name that is none": (group_answer(name=None), "name is `null`, and has to be a text"),
    "a list as name": (group_answer(name=["web"]), "name is a list, and has to be a text"),
    "an endless name": (group_answer(name="x" * (MAX_TEXT + 1)), f"has to be a text of up to {MAX_TEXT} characters"),
    "no tags at all": (group_answer(without="tags_v2"), "tags_v2 is `null`, and has to be a list"),
    "null for tags": (group_answer(tags_v2=None), "tags_v2 is `null`, and has to be a list"),
    "a list as the value of a tag": (
        group_answer(tags_v2=[{"key": "env", "value": ["prod"]}]),
        "tags_v2[0].value is a list, and has to be a text",
    ),
    "a tag without a value": (group_answer(tags_v2=[{"key": "env"}]), "tags_v2[0].value is `null`"),
    "text for read_only": (
        group_answer(tags_v2=[{"key": "env", "value": "x", "read_only": "no"}]),
        "tags_v2[0].read_only is the text `no`, and has to be true or false",
    ),
    "a number in metadata": (
        group_answer(without="tags_v2", metadata={"env": 1}),
        "metadata[0].value is the value `1`, and has to be a text",
    ),
    "null for rules": (group_answer(security_group_rules=None), "security_group_rules is `null`, and has to be a list"),
    "no rules": (group_answer(without="security_group_rules"), "security_group_rules is `null`, and has to be a list"),
    "a rule that is none": (
        group_answer(rule_answer(), "web"),
        "security_group_rules[1] is the text `web`, and has to be an object",
    ),
    "NaN as revision": (group_answer(revision_number=float("nan")), "revision_number is the value `nan`"),
    "true as revision": (group_answer(revision_number=True), "revision_number is the value `true`"),
    "a huge revision": (group_answer(revision_number=10**4000), "revision_number is the value `1000"),
    "text as a port": (
        group_answer(rule_answer(), rule_answer(port_range_min="80")),
        "security_group_rules[1].port_range_min is the text `80`, and has to be a number from 0 to 65535, or null",
    ),
    "true as a port": (group_answer(rule_answer(port_range_max=True)), "port_range_max is the value `true`"),
    "a port too high": (group_answer(rule_answer(port_range_max=65536)), "port_range_max is the value `65536`"),
    "a float as a port": (group_answer(rule_answer(port_range_max=80.0)), "port_range_max is the value `80.0`"),
    "a number as ethertype": (
        group_answer(rule_answer(ethertype=4)),
        "security_group_rules[0].ethertype is the value `4`, and has to be IPv4, IPv6 or null",
    ),
    "IPv5": (group_answer(rule_answer(ethertype="IPv5")), "ethertype is the text `IPv5`"),
    "no direction": (group_answer(rule_answer(direction=None)), "direction is `null`, and has to be ingress or egress"),
    "a protocol too high": (group_answer(rule_answer(protocol=256)), "protocol is the value `256`"),
    "a huge prefix": (
        group_answer(rule_answer(remote_ip_prefix="1" * 100)),
        f"remote_ip_prefix is the text `{'1' * 60}...`, and has to be a text of up to {MAX_SHORT_TEXT} characters",
    ),
    "what is no prefix": (
        group_answer(rule_answer(remote_ip_prefix="office")),
        "security_group_rules[0].remote_ip_prefix is the text `office`, and has to be a prefix of IPv4, or null",
    ),
    "a prefix of the other family": (
        group_answer(rule_answer(ethertype="IPv6")),
        "remote_ip_prefix is the text `10.0.0.0/8`, and has to be a prefix of IPv6, or null",
    ),
    "two remotes": (
        group_answer(rule_answer(remote_group_id=OTHER_ID)),
        "remote_ip_prefix is the text `10.0.0.0/8`, and has to be null beside a remote_group_id",
    ),
    "a list as prefix": (group_answer(rule_answer(remote_ip_prefix=[])), "remote_ip_prefix is a list"),
    "a remote group that is no id": (
        group_answer(rule_answer(remote_group_id="${security_group:web}")),
        "remote_group_id is the text `${security_group:web}`, and has to be a UUID",
    ),
    "a path as the id of a rule": (group_answer(rule_answer(id="x/../y")), "security_group_rules[0].id is the text"),
    "the id of another rule": (
        group_answer(rule_answer(), rule_answer(id=OTHER_ID), rule_answer(protocol="udp")),
        f"security_group_rules[2].id is the text `{RULE_ID}`, and has to be an id that no other rule has",
    ),
    "a protocol that no RFC names": (group_answer(rule_answer(protocol="\u0130")), "protocol is the text `\u0130`"),
    "an endless description": (
        group_answer(rule_answer(description="x" * (MAX_TEXT + 1))),
        f"and has to be a text of up to {MAX_TEXT} characters",
    ),
    "an object as description": (group_answer(rule_answer(description={})), "description is a mapping"),
}


@pytest.mark.parametrize(("answer", "sentence"), WRONG.values(), ids=WRONG)
def test_anything_else_is_refused_with_group_and_field_and_what_was_there(
    answer: dict[str, Any], sentence: str
) -> None:
    with pytest.raises(ApiError) as raised:
        parse_group(answer, TARGET)
    message = raised.value.message
    assert message.startswith("project 1, region 7: the API's answer about ")
    assert sentence in message
    assert ("`web`" in message) == (answer.get("name") == "web")
    assert (GROUP_ID in message) == (answer.get("id") == GROUP_ID)
    assert len(message) < 400
    assert message.isprintable()


def test_a_name_that_a_terminal_would_obey_is_not_obeyed() -> None:
    with pytest.raises(ApiError) as raised:
        parse_group(group_answer(name="\x1b[31mweb\n", revision_number="\x1b[0m"), TARGET)
    assert raised.value.message.isprintable()


JSON: st.SearchStrategy[Any] = st.recursive(
    st.one_of(
        st.none(),
        st.booleans(),
        st.integers(),
        st.integers(-1, 70000),
        st.sampled_from([10**4000, float("nan"), float("inf"), 80.0]),
        st.text(),
        st.sampled_from(
            ["IPv4", "IPv6", "tcp", "10.0.0.5/8", "::1/200", "../x", GROUP_ID, RULE_ID.upper(), "\ud800", ""]
        ),
    ),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)


def with_change(value: Any, path: tuple[Any, ...], new: Any, *, gone: bool) -> Any:
    """Put a value in a place, or take what is there away."""
    if not path:
        return new
    copy = value.copy()
    if gone and len(path) == 1:
        del copy[path[0]]
    else:
        copy[path[0]] = with_change(copy[path[0]], path[1:], new, gone=gone)
    return copy


@st.composite
def mutated(draw: st.DrawFn, *, older: bool = False) -> Any:
    """A good answer with up to three changes anywhere in it."""
    answer: Any = group_answer(rule_answer(), rule_answer(id=OTHER_ID, protocol=None, description=None))
    if older:
        answer["metadata"] = {tag["key"]: tag["value"] for tag in answer.pop("tags_v2")}
    for _ in range(draw(st.integers(1, 3))):
        path = draw(st.sampled_from(list(leaves(answer))))
        answer = with_change(answer, path, draw(JSON), gone=draw(st.booleans()))
    return answer


SPOILED_RULES = st.fixed_dictionaries(
    {
        "ethertype": st.sampled_from(["IPv4", "IPv6", None]),
        "protocol": st.sampled_from(
            ["tcp", "icmp", "ipv6-icmp", "0", "94", "any", None, "\u0130" * 64, "\U0010ffff", "X" * 64]
        ),
        "remote_ip_prefix": st.sampled_from(
            ["10.0.0.5/8", "::1", "fe80::1%a/64", "::/0", "0.0.0.0/1", "1.2.3.04", "x"]
        ),
        "remote_group_id": st.sampled_from([None, "", OTHER_ID, OTHER_ID.upper()]),
        "port_range_min": st.sampled_from([None, 0, 1, 65535]),
        "port_range_max": st.sampled_from([None, 0, 80, 65535]),
    }
).map(lambda fields: group_answer(rule_answer(**fields)))
"""Answers whose every field is plausible, and whose rule may be none."""


@settings(deadline=None)
@given(mutated() | mutated(older=True))
def test_a_spoiled_answer_is_read_with_right_types_or_refused_in_one_way(answer: Any) -> None:
    if (group := outcome(lambda: parse_group(answer, TARGET))) is not None:
        check_types(group)


@settings(deadline=None)
@given(SPOILED_RULES | mutated())
def test_a_plan_about_whatever_was_read_can_be_saved_and_loaded(answer: Any) -> None:
    group = outcome(lambda: parse_group(answer, TARGET))
    if group is None:
        return
    place = FilePlace("groups.yaml", 1, 1)
    desired = DesiredGroup(TARGET, "renamed", place, id=group.id, description="new", tags={"new": "tag"}, rules=())
    state = DesiredState((desired,), (TARGET,), {TARGET: frozenset()})
    plan = make_plan(state, {TARGET: (group,)}, PlanOptions(), base_url=BASE_URL, created_at="2026-01-02T03:04:05Z")
    text = dumps(plan)
    assert loads(text.encode("utf-8").decode("utf-8"), "plan.json", BACKENDS) == plan


@settings(deadline=None)
@given(st.fixed_dictionaries({}, optional={"count": JSON, "results": JSON | st.lists(mutated(), max_size=2)}))
def test_a_page_is_one_or_refused(answer: dict[str, Any]) -> None:
    page = outcome(lambda: parse_page(answer, TARGET))
    if page is None:
        return
    assert type(page.count) is int
    assert all(isinstance(group, dict) for group in page.groups)
    assert len(page.ids) == len(page.groups)


@settings(deadline=None)
@given(st.fixed_dictionaries({}, optional={"state": JSON, "error": JSON, "created_resources": JSON, "results": JSON}))
def test_a_task_is_one_or_refused(answer: dict[str, Any]) -> None:
    task = outcome(lambda: parse_task(answer, "t"))
    assert task is None or all(re.fullmatch("[0-9a-f-]{36}", each) for each in task.security_groups)
    types = outcome(lambda: parse_task_types(answer))
    assert types is None or all(isinstance(each, str) for each in types)


def ask(content: bytes) -> GcoreReader:
    """A reader of an API that answers everything with this."""
    transport = httpx.MockTransport(lambda _: httpx.Response(200, content=content))
    return GcoreReader(Http(BASE_URL, "key", HastyClock(), transport=transport))


NOT_JSON = {
    "a number of 5,000 digits": json.dumps(group_answer()).replace("3", "1" * 5000, 1).encode(),
    "deep nesting": b'{"results": ' + b"[" * 100_000,
    "UTF-16": json.dumps(group_answer()).encode("utf-16-le")[:-1],
}


@pytest.mark.parametrize("content", NOT_JSON.values(), ids=NOT_JSON)
def test_what_no_reader_of_json_takes_is_an_error_of_the_api(content: bytes) -> None:
    with pytest.raises(ApiError, match="not the promised JSON"):
        ask(content).get_group(TARGET, GROUP_ID)


def test_an_answer_about_another_group_is_refused() -> None:
    with pytest.raises(ApiError, match=f"asked for security group {OTHER_ID}, the API answered with {GROUP_ID}"):
        ask(json.dumps(group_answer()).encode()).get_group(TARGET, OTHER_ID)


@pytest.mark.parametrize("number", [2**63, 10**400, -1, 1.0, True, "7", None])
def test_the_id_of_a_region_is_one_that_a_plan_can_hold(number: Any) -> None:
    answer = {"count": 1, "results": [{"id": number, "display_name": "north"}]}
    with pytest.raises(ApiError, match="not a list of regions: id is "):
        ask(json.dumps(answer).encode()).list_regions()


@pytest.mark.parametrize(
    "answer",
    [
        {"count": -1, "results": []},
        {"count": 2**63, "results": []},
        {"count": True, "results": []},
        {"count": 1},
        {"count": "1", "results": []},
        {},
    ],
    ids=str,
)
def test_instances_are_counted_or_not_known(answer: dict[str, Any]) -> None:
    with pytest.raises(ApiError, match=f"did not say which instances group {GROUP_ID} is attached to") as raised:
        ask(json.dumps(answer).encode()).read_instances(TARGET, GROUP_ID)
    assert raised.value.hint


@pytest.mark.parametrize(
    ("answer", "sentence"),
    [
        ({"count": 1, "results": [{"id": "../x"}]}, "results[0].id is the text `../x`, and has to be a UUID"),
        ({"count": 1, "results": ["web"]}, "results[0] is the text `web`, and has to be an object"),
        ({"count": 1.5, "results": []}, "count is the value `1.5`, and has to be a whole number"),
        ({"count": 1, "results": None}, "results is `null`, and has to be a list"),
    ],
    ids=["id", "text", "count", "null"],
)
def test_a_list_that_is_none_says_where(answer: dict[str, Any], sentence: str) -> None:
    with pytest.raises(ApiError) as raised:
        ask(json.dumps(answer).encode()).list_groups(TARGET)
    assert sentence in raised.value.message
    assert raised.value.hint


@pytest.mark.parametrize("answer", [{}, {"results": {}}, {"results": [7]}, {"results": [{"task_type": 7}]}], ids=str)
def test_a_list_of_tasks_that_is_none_is_refused(answer: dict[str, Any]) -> None:
    with pytest.raises(ApiError, match="not a list of tasks") as raised:
        parse_task_types(answer)
    assert raised.value.hint


MOMENTS: dict[str, tuple[Any, datetime | None]] = {
    "with a zone": ("2026-01-02T03:04:05+0200", datetime(2026, 1, 2, 1, 4, 5, tzinfo=UTC)),
    "without a zone": ("2026-01-02T03:04:05", datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)),
    "before there are years": ("0001-01-01T00:00:00+02:00", None),
    "no time": ("yesterday", None),
    "a number": (7, None),
    "an endless text": ("2026-01-02T03:04:05." + "0" * MAX_SHORT_TEXT, None),
    "nothing": (None, None),
}


@pytest.mark.parametrize(("written", "moment"), MOMENTS.values(), ids=MOMENTS)
def test_a_time_is_in_utc_or_none(written: Any, moment: datetime | None) -> None:
    assert parse_moment(written) == moment

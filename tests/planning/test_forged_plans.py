"""Whoever edits a plan file and computes its digest anew changes what it shows and what it sends alike, or nothing."""

from __future__ import annotations

import copy
import json
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from build import BASE_URL, OTHER_TARGET, desired_group, live_group, plan_of, tcp, there, uuid, wanted
from effort import examples
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator
from plan_strategies import leaves, plans

from reconciler.api.backend import BACKENDS
from reconciler.model.errors import PlanFileError
from reconciler.model.live import PROTECTION_TAG, Tag
from reconciler.model.published import read_schema
from reconciler.planning import planfile
from reconciler.planning.diff import Difference, LostRule, diff, diff_deletion
from reconciler.planning.plan import Plan, encode_changes
from reconciler.planning.resolve import Match

SCHEMA = Draft202012Validator(read_schema("plan"))
DEEP = json.loads("[" * 400 + "]" * 400)
JUNK = st.sampled_from(
    [
        *(None, True, False, 0, 1, -1, 2**70, 10**4200, 1.0, 1e400, [], {}, [[]], {"": 1}, DEEP),
        *("", "x", "\ud800", "${security_group:new}", uuid(1), uuid(3), "v1", "v2", "create", "delete", "update"),
        *("0.0.0.0/0", "10.0.0.5/8", "9:9", "a:0:1"),
    ]
)


def signed(content: Mapping[str, Any]) -> str:
    """A file whose digest fits."""
    return json.dumps({**content, "digest": planfile.digest(content)})


def load(data: str | bytes) -> Plan | PlanFileError:
    """The plan, or why it is none; any other error is one of the test."""
    try:
        return planfile.loads(data, "plan.json", BACKENDS)
    except PlanFileError as error:
        return error


def parent_of(content: Any, path: tuple[Any, ...]) -> Any:
    for step in path[:-1]:
        content = content[step]
    return content


@st.composite
def forged(draw: st.DrawFn) -> dict[str, Any]:
    """A real plan with one to three edits anywhere: other values, values of elsewhere, less, more, another order."""
    content = copy.deepcopy(planfile.to_json(draw(plans())))
    for _ in range(draw(st.integers(1, 3))):
        places = [path for path in leaves(content) if path]
        path = draw(st.sampled_from(places))
        parent, key = parent_of(content, path), path[-1]
        edit = draw(st.sampled_from(["junk", "elsewhere", "near", "remove", "grow", "reverse"]))
        if edit == "junk":
            parent[key] = draw(JUNK)
        elif edit == "elsewhere":
            other = draw(st.sampled_from(places))
            parent[key] = copy.deepcopy(parent_of(content, other)[other[-1]])
        elif edit == "remove":
            del parent[key]
        elif edit == "grow" and isinstance(parent, list):
            parent.insert(key, copy.deepcopy(parent[key]))
        elif edit == "grow":
            parent[draw(st.sampled_from(["x", "expires", "exceptions", "place"]))] = copy.deepcopy(parent[key])
        elif isinstance(parent[key], list):
            parent[key].reverse()
        elif isinstance(parent[key], bool):
            parent[key] = not parent[key]
        elif isinstance(parent[key], int):
            parent[key] += draw(st.sampled_from([-1, 1]))
    return content


@settings(max_examples=examples(400))
@given(forged())
def test_a_forged_plan_is_refused_or_sends_what_it_shows(content: dict[str, Any]) -> None:
    """And what is read is valid by the published schema, so that what the schema refuses is refused."""
    loaded = load(signed(content))
    if isinstance(loaded, PlanFileError):
        assert loaded.message.startswith("plan.json ")
        assert loaded.message.isprintable()
        assert len(loaded.message) < 600
        return
    plan = loaded
    content |= {"digest": planfile.digest(content)}
    SCHEMA.validate(content)
    shown = [change.difference for change in plan.changes]
    encoder = BACKENDS[plan.api_version]
    shown = [replace(each, notes=tuple(n for n in each.notes if n not in encoder.notes(each))) for each in shown]
    again = tuple(encode_changes(shown, encoder, two_phase=plan.two_phase))
    assert again == plan.changes
    assert [change["requests"] for change in content["changes"]] == [
        [{"method": each.method, "path": each.path, "body": each.body} for each in change.requests] for change in again
    ]
    assert planfile.to_json(plan) == content


@settings(max_examples=examples(200))
@given(st.binary(max_size=60) | st.text(max_size=60).map(str.encode), st.data())
def test_whatever_bytes_are_loaded_nothing_but_the_one_error_comes_out(junk: bytes, data: st.DataObject) -> None:
    """Junk by itself, and in the middle of a real plan."""
    text = planfile.dumps(SMALL).encode()
    place = data.draw(st.integers(0, len(text)))
    for some in (junk, text[:place] + junk + text[place:], text[:place] + junk + text[place + len(junk) :]):
        loaded = load(some)
        assert loaded == SMALL or (isinstance(loaded, PlanFileError) and "plan.json" in loaded.message)


SMALL = plan_of(
    [
        desired_group("www", [wanted(tcp(80), "new"), tcp(81)], previous_name="web", tags={"a": "1"}, description="d"),
        desired_group("new", [wanted(tcp(5), remote_group="new")]),
        desired_group("app", [tcp(1), wanted(tcp(2), remote_group="office")]),
    ],
    [
        live_group("web", [there(7, tcp(80), "old"), there(8, tcp(443))], [Tag("b", "2"), Tag("cloud", "1", True)]),
        live_group("app", [there(9, tcp(1)), there(10, tcp(1)), tcp(3)], number=2),
        live_group("office", [tcp(9)], number=4),
    ],
)
NEW, WEB, APP = 0, 1, 2


def change(content: dict[str, Any], index: int) -> Any:
    return content["changes"][index]


def swap(content: dict[str, Any]) -> None:
    content["changes"][WEB], content["changes"][APP] = content["changes"][APP], content["changes"][WEB]
    content["changes"].append(content["changes"].pop(NEW))


def other_rule_behind_a_description(content: dict[str, Any]) -> None:
    change(content, WEB)["rules"]["redescribe"][0]["desired"]["port_range_max"] = 65535


def widened(content: dict[str, Any]) -> None:
    for entry in change(content, WEB)["requests"][0]["body"]["changed_rules"]:
        if entry.get("port_range_min") == 81:
            entry["port_range_min"] = 1


FORGERIES: dict[str, Any] = {
    "another-rule-is-sent": (widened, r"\$\.changes\[1\]\.requests\[0\]\.body\.changed_rules"),
    "another-group-is-changed": (
        lambda content: change(content, WEB)["requests"][0].update(path=f"/cloud/v1/securitygroups/1337/7/{uuid(2)}"),
        r"\$\.changes\[1\]\.requests\[0\]\.path",
    ),
    "another-method": (lambda content: change(content, WEB)["requests"][0].update(method="DELETE"), "requests"),
    "a-request-more": (
        lambda content: change(content, WEB)["requests"].append(change(content, WEB)["requests"][0]),
        r"requests is a list of 3, and what the plan shows makes it a list of 2",
    ),
    "a-request-less": (lambda content: change(content, WEB)["requests"].pop(), "requests"),
    "harmless-traffic": (lambda content: change(content, WEB)["traffic"].update(opens=[]), r"traffic\.opens"),
    "harmless-counts": (lambda content: content["summary"].update(rules_to_create=0), r"\$\.summary\.rules_to_create"),
    "fewer-rules-are-left": (lambda content: change(content, APP)["rules"].update(unchanged=1), r"unchanged"),
    "an-update-called-delete": (lambda content: change(content, WEB).update(action="delete"), r"\$\.changes\[1\]"),
    "a-rule-deleted-that-is-not-live": (
        lambda content: change(content, APP)["rules"]["delete"][0].update(id=uuid(77)),
        r"\$\.changes\[2\]\.rules\.delete",
    ),
    "a-deleted-rule-shown-as-another": (
        lambda content: change(content, APP)["rules"]["delete"][0].update(port_range_min=1),
        r"\$\.changes\[2\]\.rules\.delete\[0\]\.port_range_min is `1`, and what the plan shows makes it `3`",
    ),
    "one-rule-deleted-twice": (
        lambda content: change(content, APP)["rules"]["delete"].append(change(content, APP)["rules"]["delete"][0]),
        r"rules\.delete is a list of 2",
    ),
    "another-rule-behind-a-description": (other_rule_behind_a_description, r"\$\.changes\[1\]\.rules"),
    "a-rule-created-that-is-live": (
        lambda content: change(content, APP)["rules"]["create"][0].update(
            port_range_min=1, port_range_max=1, remote_group_id=None, remote_group=None
        ),
        "is live already",
    ),
    "a-rule-created-twice": (
        lambda content: change(content, NEW)["rules"]["create"].append(change(content, NEW)["rules"]["create"][0]),
        "has a rule to create twice",
    ),
    "a-remote-group-of-another-name": (
        lambda content: change(content, NEW)["rules"]["create"][0].update(remote_group="office"),
        "remote_group",
    ),
    "a-live-group-of-another-name": (
        lambda content: content["group_names"].update({uuid(1): "office"}),
        r"\$\.group_names",
    ),
    "a-remote-group-with-the-name-of-another": (
        lambda content: change(content, APP)["rules"]["create"][0].update(remote_group="web"),
        rf"\$\.changes\[2\]\.rules calls {uuid(4)} `web`, and it is `office`",
    ),
    "a-placeholder-that-nobody-fills": (
        lambda content: change(content, APP)["rules"]["create"][0].update(
            remote_group_id="${security_group:none}", remote_group=None
        ),
        "which it does not create",
    ),
    "a-placeholder-that-holds-more": (
        lambda content: change(content, APP)["rules"]["create"][0].update(
            remote_group_id="${security_group:new}/x", remote_group=None
        ),
        "which it does not create",
    ),
    "one-group-changed-twice": (lambda content: content["changes"].append(change(content, APP)), "once more"),
    "another-order": (swap, "order"),
    "a-path-in-an-id": (
        lambda content: change(content, APP)["live"].update(id="../../../cloud/v1/projects"),
        r"\$\.changes\[2\]\.live\.id is `.*`, not an id",
    ),
    "a-path-in-the-id-of-a-rule": (
        lambda content: change(content, APP)["live"]["rules"][0].update(id="x/y"),
        r"\$\.changes\[2\]\.live\.rules\[0\]\.id",
    ),
    "a-project-of-zero": (lambda content: change(content, APP).update(project_id=0), r"\$\.changes\[2\]\.project_id"),
    "a-region-that-is-true": (lambda content: change(content, APP).update(region_id=True), "not a whole number"),
    "another-target": (lambda content: change(content, APP).update(region_id=OTHER_TARGET.region_id), "requests"),
    "a-prefix-with-host-bits": (
        lambda content: change(content, NEW)["rules"]["create"][0].update(
            remote_ip_prefix="10.0.0.5/8", remote_group_id=None, remote_group=None
        ),
        "10.0.0.5/8",
    ),
    "a-read-only-tag": (
        lambda content: change(content, WEB)["tags"].append({"key": "cloud", "old": "1", "new": "2"}),
        "read-only",
    ),
    "a-tag-with-another-old-value": (
        lambda content: change(content, WEB)["tags"][1].update(old="9"),
        r"tags\[1\]\.old",
    ),
    "a-fingerprint-of-something-else": (
        lambda content: change(content, APP).update(fingerprint=change(content, WEB)["fingerprint"]),
        r"\$\.changes\[2\]\.fingerprint",
    ),
    "two-phases-that-are-one": (lambda content: content.update(two_phase=True), "requests"),
    "another-version": (lambda content: content.update(api_version="v2"), r"\$\.changes\[0\]"),
    "a-note-that-calms": (lambda content: change(content, APP).update(notes=["all is well"]), r"notes"),
    "policies-that-are-none": (lambda content: content["policies"].update(settings={"x": 1}), r"\$\.policies"),
    "a-prefix-that-is-none": (
        lambda content: content["policies"].update(address_groups={"office": ["x"]}),
        r"\$\.policies\.address_groups\.office\[0\] is `x`, not a prefix",
    ),
    "a-limit-that-is-none": (lambda content: content.update(limits={"x": 1}), r"\$\.limits"),
    "rules-from-outside-that-are-none": (lambda content: content.update(outside={"x": 1}), r"\$\.outside"),
    "a-name-that-ends-a-placeholder": (
        lambda content: change(content, NEW).update(name="x}"),
        r"\$\.changes\[0\]\.name is `x}`, not a name",
    ),
    "a-guardrail-twice": (lambda content: content.update(lifted=["gap", "gap"]), r"\$\.lifted"),
    "a-time-that-is-none": (lambda content: content.update(created_at="2026-13-01T00:00:00Z"), r"\$\.created_at"),
    "an-address-that-is-none": (lambda content: content.update(protect_ssh_from="::1%x"), r"\$\.protect_ssh_from"),
}


@pytest.mark.parametrize(("forge", "words"), FORGERIES.values(), ids=FORGERIES)
def test_a_forgery_is_refused_with_its_place(forge: Any, words: str) -> None:
    content = copy.deepcopy(planfile.to_json(SMALL))
    assert planfile.loads(signed(content), "plan.json", BACKENDS) == SMALL
    forge(content)
    with pytest.raises(PlanFileError, match=words):
        planfile.loads(signed(content), "plan.json", BACKENDS)


def test_no_rule_is_lost_twice() -> None:
    ours = {"sgctl-owner": "us"}
    live = [
        live_group("web", tags=ours),
        live_group("old", tags=ours, number=9),
        live_group("x", [tcp(1, uuid(9))], number=3),
    ]
    content = planfile.to_json(plan_of([desired_group("web", owner="us")], live, owners=["us"], prune=True))
    lost = change(content, 0)["lost_rules"]
    lost.append(lost[0])
    with pytest.raises(PlanFileError, match=rf"changes\[0\] loses rule {lost[0]['rule']['id']} twice"):
        planfile.loads(signed(content), "plan.json", BACKENDS)


def test_a_rename_that_is_left_out_gives_no_rule_its_name() -> None:
    """The file calls a remote group by its new name, which it has neither live nor by this plan."""
    desired = [
        desired_group("www", [], previous_name="web"),
        desired_group("app", [wanted(tcp(1), remote_group="www")]),
    ]
    live = [live_group("web"), live_group("app", [tcp(2)], number=2)]
    for groups, name in (((), "www"), (("app",), "web")):
        plan = plan_of(desired, live, groups=groups)
        assert {rule.remote_group for each in plan.changes for rule in each.difference.creates} == {name}
        assert planfile.loads(planfile.dumps(plan), "plan.json", BACKENDS) == plan


def test_both_or_neither() -> None:
    """Who changes what is shown and what is sent in the same way has made another plan, and sees it."""
    content = copy.deepcopy(planfile.to_json(SMALL))
    change(content, NEW)["rules"]["create"][0]["description"] = "other"
    change(content, NEW)["requests"][1]["body"]["changed_rules"][0]["description"] = "other"
    plan = planfile.loads(signed(content), "plan.json", BACKENDS)
    assert plan.changes[NEW].difference.creates[0].description == "other"


NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


@pytest.mark.parametrize(
    ("base_url", "made", "words"),
    [
        pytest.param(BASE_URL, NOW, "", id="made-now"),
        pytest.param(BASE_URL, NOW - timedelta(hours=24), "", id="as-old-as-it-may-be"),
        pytest.param(
            BASE_URL,
            NOW - timedelta(hours=24, seconds=1),
            "just over 24 h old, more than the 24 h",
            id="too-old",
        ),
        pytest.param(BASE_URL, NOW + timedelta(minutes=5), "", id="clocks-apart"),
        pytest.param(BASE_URL, NOW + timedelta(minutes=5, seconds=1), "5 min ahead", id="from-the-future"),
        pytest.param(BASE_URL, datetime(9999, 12, 31, tzinfo=UTC), "ahead", id="for-ever"),
        pytest.param(BASE_URL, datetime(1, 1, 1, tzinfo=UTC), "old", id="from-the-year-one"),
        pytest.param("https://api.example.com", NOW, "was made for", id="another-api"),
    ],
)
def test_a_plan_is_applicable_to_its_api_and_for_its_time(base_url: str, made: datetime, words: str) -> None:
    plan = replace(SMALL, created_at=f"{made:%Y-%m-%dT%H:%M:%SZ}".rjust(20, "0"))
    given: dict[str, Any] = {"base_url": base_url, "now": NOW, "max_age": timedelta(hours=24)}
    if words:
        with pytest.raises(PlanFileError, match=words):
            planfile.check_applicable(plan, "plan.json", **given)
    else:
        planfile.check_applicable(plan, "plan.json", **given)


NEVER: dict[str, tuple[Difference | tuple[Difference, ...], str]] = {
    "the-default-group": (diff_deletion(live_group("default")), "deletes `default`, which no plan does"),
    "a-protected-group": (diff_deletion(live_group("web", tags={PROTECTION_TAG: "true"})), "it is protected"),
    "a-group-in-use": (replace(diff_deletion(live_group("web")), instances=2), "attached to 2 instances"),
    "a-rule-shown-as-lost-that-would-stay": (
        diff_deletion(live_group("web"), (LostRule(uuid(2), "app", there(9, tcp(1, uuid(3)))),)),
        "does not refer to the group that is deleted",
    ),
    "a-new-rule-that-refers-to-what-goes": (
        (
            diff(Match(desired_group("app", [tcp(1, uuid(1))]), live_group("app", number=2))),
            diff_deletion(live_group("web")),
        ),
        rf"\$\.changes\[0\] refers to `{uuid(1)}`, which it deletes",
    ),
    "a-rule-described-anew-that-refers-to-what-goes": (
        (
            diff(
                Match(
                    desired_group("app", [wanted(tcp(1, uuid(1)), "new")]),
                    live_group("app", [there(9, tcp(1, uuid(1)))], number=2),
                )
            ),
            diff_deletion(live_group("web")),
        ),
        "which it deletes",
    ),
    "another-name-for-the-default-group": (
        diff(Match(desired_group("web", None, id=uuid(1)), live_group("default"))),
        r"\$\.changes\[0\]\.name is `web`, and the group named 'default' cannot be renamed",
    ),
}


@pytest.mark.parametrize(("differences", "words"), NEVER.values(), ids=NEVER)
def test_what_no_plan_does_is_refused_also_where_all_of_the_file_fits(
    differences: Difference | tuple[Difference, ...], words: str
) -> None:
    """Whoever forges the live group in it as well has to forge what keeps it."""
    differences = (differences,) if isinstance(differences, Difference) else differences
    changes = tuple(encode_changes(differences, BACKENDS["v1"], two_phase=False))
    plan = replace(SMALL, changes=changes, group_names={})
    with pytest.raises(PlanFileError, match=words):
        planfile.loads(planfile.dumps(plan), "plan.json", BACKENDS)

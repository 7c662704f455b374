"""Placeholders are filled in where the id of a remote group belongs, and nowhere else."""

from typing import Any

import pytest
from build import desired_group, live_group, plan_of, tcp, uuid, wanted
from effort import examples
from hypothesis import given, settings
from hypothesis import strategies as st

from reconciler.model.placeholder import fill_in, names_in, placeholder

NEW = placeholder("new")
TEXT = st.sampled_from([NEW, placeholder("nowhere"), "remote_group_id", "tags", "security_group_rules", "x"])


@pytest.mark.parametrize("version", ["v1", "v2"])
@settings(max_examples=examples(60))
@given(tags=st.dictionaries(TEXT, TEXT), described=TEXT, name=TEXT)
def test_what_looks_like_a_placeholder_elsewhere_is_sent_as_it_stands(
    version: str, tags: dict[str, Any], described: str, name: str
) -> None:
    """In a description, and in a tag whatever its key; a group of a plan is created and one changed."""
    rules = [wanted(tcp(1), described), wanted(tcp(2), described, remote_group="new")]
    groups = [desired_group(each, rules, tags=tags, description=described) for each in ("web", name, "new")]
    plan = plan_of(groups, [live_group("web")], api_version=version)
    for change in plan.changes:
        for request in change.requests:
            assert names_in(request.body) <= {"new"}
            body = fill_in(request.body, {"new": uuid(9)})
            there = body.get("security_group", body)
            assert there.get("tags", tags) == tags
            assert there.get("description", described) == described
            for rule in there.get("rules", there.get("security_group_rules", there.get("changed_rules", ()))):
                assert rule["description"] == described
                assert rule.get("remote_group_id", uuid(9)) == uuid(9)

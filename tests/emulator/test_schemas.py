"""The JSON Schemas of seeds and faults files say the same as the emulator that reads the files."""

from __future__ import annotations

import json
from dataclasses import fields
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from reconciler.emulator import faults, files, guide, knobs, seed
from reconciler.emulator.faults import load_faults
from reconciler.emulator.records import EmulatorError
from reconciler.emulator.seed import load_seed
from reconciler.emulator.store import Store

SCHEMAS = Path(__file__).parents[2] / "schemas"
NAMES = ("emulator-seed", "emulator-faults")
ODD = st.sampled_from([None, True, 7, -1, 1.5, "", "text", [], {}, ["text"], {"a": "b"}])


def schema(name: str) -> dict[str, Any]:
    """A published schema."""
    content: dict[str, Any] = json.loads((SCHEMAS / f"{name}.schema.json").read_text(encoding="utf-8"))
    return content


SEED, FAULTS = (
    jsonschema.Draft202012Validator(schema(name), format_checker=jsonschema.FormatChecker()) for name in NAMES
)


def some(required: dict[str, Any], optional: dict[str, Any]) -> st.SearchStrategy[dict[str, Any]]:
    """Objects of these fields. Now and then one field is odd, one too many or one too few."""
    well = st.fixed_dictionaries(
        {name: st.sampled_from(values) for name, values in required.items()},
        optional={name: st.sampled_from(values) for name, values in optional.items()},
    )
    names = st.sampled_from([*required, *optional, "extra"])
    spoilt = st.builds(lambda entry, name, value: {**entry, name: value}, well, names, ODD)
    lacking = st.builds(lambda entry, name: {k: v for k, v in entry.items() if k != name}, well, names)
    return well | spoilt | lacking


TEXTS: dict[str, Any] = {name: ["2026-01-01T00:00:00+0000"] for name in ("created_at", "updated_at")}
RULES = some(
    {"direction": ["ingress", "sideways"]},
    TEXTS
    | {
        "protocol": [None, "tcp", "47", "brand-new"],
        "ethertype": [None, "IPv6"],
        "port_range_min": [None, 0, 80],
        "remote_ip_prefix": [None, "10.0.0.1/8"],
        "description": [None, ""],
        "revision_number": [0],
    },
)
TAGS = [{"env": "prod"}, [{"key": "env", "value": "prod", "read_only": True}], [], [{"key": "env"}], {"env": 1}]
GROUPS = st.builds(
    lambda group, rules: {**group, **({"rules": rules} if rules is not None else {})},
    some(
        {"project_id": [1], "region_id": [7], "name": ["web", ""]},
        TEXTS
        | {
            "id": ["00000000-0000-4000-8000-000000000000", "00000000-0000-4000-8000-00000000000A", "7"],
            "tags": TAGS,
            "description": ["", "Public"],
            "instances": [["web-1"], [{"id": "x", "name": "web-1"}], [1], [{"id": "x"}]],
            "revision_number": [1],
        },
    ),
    st.none() | st.lists(RULES, max_size=2),
)
FAULT = some(
    {"fault": list(faults.KINDS)},
    {
        "method": ["GET"],
        "path": ["/tasks", "("],
        "nth": [0, 2],
        "count": [0, 1],
        "when": ["before", "after"],
        "seconds": [0, 1.5],
        "status": [200, 400, 599, 600],
        "message": ["x"],
        "polls": [3],
        "retry_after": [1.5],
        "group": ["web"],
        "rule": [{"direction": "ingress"}, {}, {"direction": "ingress", "protocol": 6}],
        "delete_rule": [1],
    },
)
KNOBS = some(
    {},
    {
        "order": list(knobs.Order),
        "atomicity": list(knobs.Atomicity),
        "default_rules": list(knobs.DefaultRules),
        "latency_ms": [0, 1.5],
        "task_polls": [0, 3],
        "locks": [True, False],
        "firewall_quota": [20],
        "v1_patch_status": [None, 404, 410, 500],
        "max_rules": [3],
    },
)


@pytest.mark.parametrize("name", NAMES)
def test_a_schema_is_one(name: str) -> None:
    """Of the draft it names."""
    jsonschema.Draft202012Validator.check_schema(schema(name))


@given(content=st.builds(lambda groups: {"groups": groups}, st.lists(GROUPS, max_size=1)) | ODD)
def test_a_seed_is_valid_where_the_emulator_takes_it(tmp_path_factory: pytest.TempPathFactory, content: Any) -> None:
    """The schema knows neither more nor less."""
    file = tmp_path_factory.getbasetemp() / "seed.json"
    file.write_text(json.dumps(content))
    store = Store()
    try:
        load_seed(store, file)
        taken = True
    except EmulatorError:
        taken = False
    finally:
        store.close()
    assert SEED.is_valid(content) == taken


@given(
    content=st.lists(FAULT, max_size=2)
    | st.fixed_dictionaries({}, optional={"knobs": KNOBS, "faults": st.lists(FAULT, max_size=1)})
    | ODD
)
def test_a_faults_file_is_valid_where_the_emulator_takes_it(
    tmp_path_factory: pytest.TempPathFactory, content: Any
) -> None:
    """With knobs or without."""
    file = tmp_path_factory.getbasetemp() / "faults.json"
    file.write_text(json.dumps(content))
    try:
        load_faults(file)
        taken = True
    except EmulatorError:
        taken = False
    assert FAULTS.is_valid(content) == taken


def test_the_schemas_have_every_name() -> None:
    """Of the records that the files become, with their defaults."""
    seeds, plans = schema("emulator-seed")["$defs"], schema("emulator-faults")["$defs"]
    assert set(seeds["group"]["properties"]) == seed.GROUP_KEYS
    assert set(seeds["rule"]["properties"]) == set(plans["rule"]["properties"]) == set(files.RULE_TYPES)
    assert {kind["const"] for kind in plans["fault"]["properties"]["fault"]["oneOf"]} == set(faults.KINDS)
    assert set(plans["fault"]["properties"]) == {field.name for field in fields(faults.Fault)}
    defaults = {name: knob["default"] for name, knob in plans["knobs"]["properties"].items()}
    assert defaults == {field.name: field.default for field in fields(knobs.Knobs)}


@pytest.mark.parametrize(
    ("text", "validator"), [pytest.param(guide.SEED, SEED, id="seed"), pytest.param(guide.FAULTS, FAULTS, id="faults")]
)
def test_the_example_in_the_help_is_valid(text: str, validator: Any) -> None:
    """As it is written there."""
    paragraphs = text.split("\n\n")
    example = yaml.safe_load(next(part for part in paragraphs if "- {" in part or "- project_id" in part))
    validator.validate(example)
    assert example

"""`preset: default-egress` is the cloud's own 39 rules, and nothing can stand beside it."""

from collections import Counter

import pytest
from texts import load_text

from reconciler.emulator.policy import CLOUD_EGRESS
from reconciler.model.canonical import canonical_rule
from reconciler.model.egress import DEFAULT_EGRESS_RULES
from reconciler.model.errors import InputError

HEAD = "project_id: 1\nregion_id: 7\nsecurity_groups:\n  - name: web\n    rules:\n"


def test_it_is_what_the_cloud_gives_a_new_group() -> None:
    """The emulator has the recorded rules in a list of its own."""
    recorded = [
        canonical_rule("egress", each.ethertype, each.protocol, each.port_range_min, each.port_range_max, None, None)  # type: ignore[arg-type]  # the emulator keeps text
        for each in CLOUD_EGRESS
    ]
    assert Counter(DEFAULT_EGRESS_RULES) == Counter(recorded)
    assert len(DEFAULT_EGRESS_RULES) == 39


def test_each_of_its_rules_has_the_place_of_the_item() -> None:
    (group,) = load_text(HEAD + "      - preset: default-egress\n").groups
    assert tuple(each.rule for each in group.rules or ()) == DEFAULT_EGRESS_RULES
    assert {(str(each.place).rpartition("groups.yaml")[2], each.description) for each in group.rules or ()} == {
        (":6:9", "")
    }


def test_a_rule_of_it_that_is_written_as_well_is_one_rule() -> None:
    (group,) = load_text(HEAD + "      - preset: default-egress\n      - {direction: egress, protocol: gre}\n").groups
    assert len(group.rules or ()) == 39


@pytest.mark.parametrize(("others", "is_too_many"), [(211, False), (212, True)])
def test_it_counts_39_towards_the_limit(others: int, *, is_too_many: bool) -> None:
    ports = ", ".join(map(str, range(1, others + 1)))
    text = HEAD + f"      - preset: default-egress\n      - {{direction: ingress, protocol: tcp, ports: [{ports}]}}\n"
    if not is_too_many:
        assert len(load_text(text).groups[0].rules or ()) == 250
        return
    with pytest.raises(InputError) as raised:
        load_text(text)
    assert "251" in raised.value.issues[0].message


@pytest.mark.parametrize(
    ("item", "name", "says"),
    [
        ("{preset: default-egres}", "wrong-value", "did you mean `default-egress`?"),
        ("{preset: [default-egress]}", "wrong-value", "`preset` takes default-egress"),
        ("{preset: }", "no-value", "it takes default-egress"),
        (
            "{preset: default-egress, description: all}",
            "exclusive-keys",
            "`description` and `preset` exclude each other",
        ),
        ("{direction: egress, preset: default-egress}", "exclusive-keys", "write two items of the list"),
        ("{preset: default-egress, ports_: 1}", "unknown-key", "unknown key `ports_`"),
        ("{presets: default-egress}", "unknown-key", "did you mean `preset`?"),
    ],
)
def test_what_is_wrong_is_said(item: str, name: str, says: str) -> None:
    with pytest.raises(InputError) as raised:
        load_text(HEAD + f"      - {item}\n")
    said = [f"{each.name}: {each.message}; {each.fix}" for each in raised.value.issues]
    assert any(each.startswith(f"{name}: ") and says in each for each in said), said

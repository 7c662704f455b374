"""`--factor` says the same as an import without it, in fewer lines, and uses the rule sets that files have already."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pytest
from build import TARGET, live_group, live_of, tcp, there
from effort import examples
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from strange_states import TARGET as LIVE_TARGET
from strange_states import api_states, differing, live_state
from texts import load_text

from reconciler.importing import written
from reconciler.importing.run import Import, ImportOptions, import_groups
from reconciler.loading.load import Defaults, load
from reconciler.model.live import LiveGroup
from reconciler.model.naming import free_name
from reconciler.model.rule import Rule

RULES = [*(tcp(port) for port in (22, 80, 443, 5432, 9100)), Rule("egress", "IPv4"), Rule("ingress", "IPv4", "icmp")]


def imported(groups: list[LiveGroup], *, factor: bool, into: tuple[str, ...] = ()) -> Import:
    return import_groups(live_of(*groups), TARGET, ImportOptions(factor=factor, into=into), into)


def fleet(*rules: list[int], names: tuple[str, ...] = ()) -> list[LiveGroup]:
    """Groups whose rules are those with these numbers; each port has its own description, so that none are merged."""
    return [
        live_group(
            names[number] if names else f"web-{number}",
            [there(each + 1, RULES[each], f"rule {each}") for each in some],
            number=number + 1,
        )
        for number, some in enumerate(rules)
    ]


def meant(text: str) -> list[object]:
    return [
        (group.name, {(rule.rule, rule.remote_group, rule.description) for rule in group.rules or ()})
        for group in load_text(text).groups
    ]


SOME = st.lists(st.integers(0, len(RULES) - 1), unique=True)


@settings(max_examples=examples(150))
@given(st.lists(SOME, min_size=1, max_size=8))
def test_a_factored_import_means_the_same_in_no_more_lines(rules: list[list[int]]) -> None:
    plain, factored = (imported(fleet(*rules), factor=factor).files[0].text for factor in (False, True))
    assert meant(factored) == meant(plain)
    assert len(factored.splitlines()) <= len(plain.splitlines())
    assert factored == imported(fleet(*rules)[::-1], factor=True).files[0].text


@pytest.mark.parametrize(
    ("names", "rules", "sets"),
    [
        pytest.param((), [[0, 1, 2]] * 3, {"baseline:": 3}, id="all-groups-have-it"),
        pytest.param((), [[0, 1], [0, 1]], {}, id="two-rules-in-two-groups-save-no-line"),
        pytest.param((), [[0]] * 9, {}, id="one-rule-is-no-set"),
        pytest.param(
            ("shop-web", "blog-web", "mail"), [[0, 1, 2, 3], [0, 1, 2, 3, 4], [5]], {"web:": 4}, id="one-word-in-common"
        ),
        pytest.param(
            ("a-one", "b-two", "c-three"),
            [[0, 1, 2, 3], [0, 1, 2, 3], [5]],
            {"ingress-tcp-22-and-3-more:": 4},
            id="none",
        ),
        pytest.param(
            (),
            [[0, 1, 2, 3, 4]] * 2 + [[0, 1, 2]] * 2,
            {"baseline:": 3, "web:": 2},
            id="a-second-set-costs-no-line-where-there-is-a-use",
        ),
    ],
)
def test_what_becomes_a_set_and_its_name(names: tuple[str, ...], rules: list[list[int]], sets: dict[str, int]) -> None:
    result = imported(fleet(*rules, names=names), factor=True)
    lines = result.files[0].text.splitlines()
    found = {line.strip(): 0 for line in lines if line.startswith("  ") and not line.startswith(("   ", "  - "))}
    current = ""
    for line in lines:
        current = line.strip() if line.strip() in found else "" if line.startswith("security_groups") else current
        if current and line.startswith("    - "):
            found[current] += 1
    assert found == sets
    asked = imported(fleet(*rules, names=names), factor=False)
    assert (asked.shared_rules, result.shared_rules) == (len(sets), 0)


def test_a_rule_that_some_groups_have_in_a_line_with_other_ports_is_in_the_set_of_all() -> None:
    """Live rules are compared, not only written ones; and a set of prefixes that one set alone has gets no name."""
    common = [Rule("ingress", "IPv4", "tcp", port, port, f"10.{port % 7}.0.0/16") for port in (22, 9100)]
    common += [Rule("ingress", "IPv4", "udp", 53, 53, prefix) for prefix in ("10.0.0.0/16", "10.4.0.0/16")]
    groups = [
        live_group(
            f"{name}-{kind}",
            [there(each + 1, rule) for each, rule in enumerate((*common, *more))],
            number=2 * number + len(kind) % 2 + 1,
        )
        for number, name in enumerate(("shop", "blog", "docs"))
        for kind, more in (("web", [tcp(443, "10.0.0.0/16")]), ("db", []))
    ]
    [file] = import_groups(live_of(*groups), TARGET, ImportOptions(factor=True, address_groups=True), ()).files
    assert file.text.count("{use: baseline}") == 6
    assert file.text.count("ports: 443") == 3
    assert "address_groups" not in file.text
    assert len(file.text.splitlines()) == 2 + 5 + 1 + 6 * 3 + 3 + 5


@settings(max_examples=examples(60), suppress_health_check=list(HealthCheck))
@given(answers=api_states(), half=st.integers(0, 3), edit=st.booleans())
def test_what_is_missing_is_added_to_an_import_with_sets(
    tmp_path_factory: pytest.TempPathFactory, answers: list[dict[str, Any]], half: int, *, edit: bool
) -> None:
    """Its sets are used, also when somebody edits one; all of it plans empty, and a third import has nothing to add."""
    folder = tmp_path_factory.mktemp("into")
    live = live_state(list({answer["name"]: answer for answer in answers}.values()))
    groups = live[LIVE_TARGET]
    for number, some in enumerate((groups[:half], groups)):
        options = ImportOptions(factor=True, split=str(folder), into=(str(folder),) if number else ())
        result = import_groups(
            {LIVE_TARGET: some}, LIVE_TARGET, options, (str(folder),) if number and any(folder.iterdir()) else ()
        )
        for file in result.files:
            Path(file.path).write_text(file.text, encoding="utf-8")
        sets = folder / "rule-sets.yaml"
        if edit and sets.exists() and not number:
            more = "    - {direction: ingress, protocol: tcp, ports: 4242, remote_ip_prefix: 192.0.2.9/32}\n"
            sets.write_text(sets.read_text() + more)
    if any(folder.iterdir()):
        state = load([str(folder)], Defaults())
        assert edit or differing(state, live) == []
        options = ImportOptions(factor=True, split=str(folder), into=(str(folder),))
        assert import_groups(live, LIVE_TARGET, options, (str(folder),)).files == ()


def test_the_sets_of_files_are_used_where_a_group_has_all_their_rules(tmp_path: Path) -> None:
    """A group that lacks a rule of the set does not use it, and the name of a set is not taken again."""
    (tmp_path / "sets.yaml").write_text(
        "rule_sets:\n  baseline:\n"
        "    - {direction: ingress, protocol: tcp, ports: 22, description: rule 0}\n"
        "    - {direction: ingress, protocol: tcp, ports: 80, description: rule 1}\n"
        "  dated: [{direction: ingress, protocol: tcp, ports: 443, description: rule 2, expires: 2030-01-01}]\n"
    )
    result = imported(fleet([0, 1, 2], [0, 2], [3, 4, 5], [3, 4, 5], [3, 4, 5]), factor=True, into=(str(tmp_path),))
    text = result.files[0].text
    assert text.count("{use: baseline}") == 1
    assert "dated" not in text
    assert "  web:\n" in text


def test_ten_thousand_alike_names_take_no_longer_than_others() -> None:
    """Each had to look at all before it: half an hour for the groups that a list may have."""
    taken: dict[str, int] = {"web-7": 1}
    started = time.process_time()
    names = [free_name("Web", taken) for _ in range(30_000)]
    assert time.process_time() - started < 10
    assert names[:8] == ["Web", "Web-2", "Web-3", "Web-4", "Web-5", "Web-6", "Web-8", "Web-9"]
    assert len({name.casefold() for name in names}) == len(names)


def test_a_set_of_the_files_is_looked_for_by_a_rule_that_few_sets_have() -> None:
    """Each group had to be compared with each set. Of equal sets the first is used, and the largest before others."""
    sets = {f"set-{port}": {tcp(80): "", tcp(port): ""} for port in range(1000, 3000)}
    sets |= {"small": {tcp(81): "", tcp(82): ""}, "same": {tcp(81): "", tcp(82): ""}}
    sets = {"large": {tcp(81): "", tcp(82): "", tcp(83): ""}, **sets}
    by_rule = written._by_rarest_rule(sets)
    assert max(map(len, by_rule.values())) == 1
    assert {name for found in by_rule.values() for _, name, _ in found} == sets.keys() - {"same"}
    context = written.ImportContext(frozenset(), {}, None, sets)
    for ports, uses in (((80, 81, 82, 83, 1500), ["large", "set-1500"]), ((81, 82, 84), "small"), ((80, 81), None)):
        groups = written.write_groups([live_group("web", [there(port, tcp(port)) for port in ports])], context).groups
        assert (groups[0].rules or [{}])[0].get("use") == uses

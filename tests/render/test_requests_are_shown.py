"""Every format shows of each group all that a plan sends about it, and nothing else.

The words are made here, from the requests and the live groups in the JSON of the plan, and the pages are read as a
reader does: nothing of what renders them is used.
"""

from __future__ import annotations

import html
import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from click import unstyle
from effort import examples
from hypothesis import given, settings
from hypothesis import strategies as st
from plan_strategies import plans

from reconciler.model.text import printable
from reconciler.planning import planfile
from reconciler.planning.plan import Plan
from reconciler.render.formats import render
from reconciler.render.plan import view_plan

FIELDS = (
    "direction",
    "ethertype",
    "protocol",
    "port_range_min",
    "port_range_max",
    "remote_ip_prefix",
    "remote_group_id",
)
WIDE = 10_000
Names = Mapping[str, str]
Line = tuple[str, str]
"""A sign, and what follows it."""


@dataclass(frozen=True)
class RuleSent:
    """A rule that a request creates, or that one removes."""

    values: tuple[Any, ...]
    description: str

    @classmethod
    def of(cls, content: Mapping[str, Any]) -> RuleSent:
        return cls(tuple(content.get(name) for name in FIELDS), content["description"])

    def parts(self, names: Names) -> list[str]:
        direction, ethertype, protocol, low, high, prefix, group = self.values
        ports = "" if low is None else str(low) if low == high else f"{low}-{high}"
        if protocol in {"icmp", "ipv6-icmp"} and low is not None:
            ports = f"type {low}" if high is None else f"type {low} code {high}"
        everywhere = "0.0.0.0/0" if ethertype == "IPv4" else "::/0"
        remote = f"group {names.get(group, group)}" if group else prefix or everywhere
        return [direction, ethertype, protocol or "any", ports, {"ingress": "from"}.get(direction, "to"), remote]


def words(parts: list[str]) -> str:
    return " ".join(filter(None, parts))


def becomes(old: RuleSent, new: RuleSent, names: Names) -> str:
    """One line for a rule that goes and one that comes in its place."""
    parts = old.parts(names)
    for index, (before, after) in enumerate(zip(old.parts(names), new.parts(names), strict=True)):
        if index == PORTS and before != after:
            both = before or "all", after or "all"
            noun = (
                "" if old.values[2] in {"icmp", "ipv6-icmp"} else f"port{'' if all(map(str.isdigit, both)) else 's'} "
            )
            parts[index] = f"{noun}{both[0]} -> {both[1]}"
        elif before != after:
            parts[index] = f"{before} -> {after}"
    is_same = old.description == new.description
    remark = new.description if is_same else f'description "{old.description}" -> "{new.description}"'
    return f"{words(parts)} {remark}"


PORTS = 3


@dataclass(frozen=True)
class Value:
    """A name, a description or a tag that is sent: what it is, what it was and what it becomes."""

    what: str
    old: str | None
    new: str | None

    @property
    def line(self) -> Line:
        sign = "+" if self.old is None else "-" if self.new is None else "~"
        return sign, shape(self.what + " -> ".join(each for each in (self.old, self.new) if each is not None))


@dataclass
class Sent:
    """What the requests of a change do: to values, to rules, and to rules of other groups."""

    values: list[Value] = field(default_factory=list)
    lost: list[tuple[str, RuleSent]] = field(default_factory=list)
    plus: list[RuleSent] = field(default_factory=list)
    minus: list[RuleSent] = field(default_factory=list)


def what_is_sent(change: Mapping[str, Any], names: Names) -> Sent:
    """Read the requests of a change, one after the other, against the group as it is by then."""
    live = change["live"] or {"name": "", "description": "", "tags": [], "rules": []}
    by_id = {rule["id"]: RuleSent.of(rule) for rule in live["rules"]}
    there = [] if change["action"] == "create" else [*by_id.values()]
    sent = Sent()
    for request in change["requests"]:
        method, path, body = request["method"], request["path"], request["body"] or {}
        content = body.get("security_group", body)
        if method == "DELETE":
            sent.minus += [by_id[path.rpartition("/")[2]]] if "/rules/" in path else by_id.values()
            continue
        if path.endswith("/rules"):
            sent.plus.append(RuleSent.of(content))
            continue
        sent.values += values(content, live, is_new=change["action"] == "create")
        for entry in content.get("changed_rules", ()):
            if entry["action"] == "create":
                sent.plus.append(RuleSent.of(entry))
            else:
                sent.minus.append(by_id[entry["security_group_rule_id"]])
        for key in {"rules", "security_group_rules"} & content.keys():
            whole = [RuleSent.of(rule) for rule in content[key]]
            sent.plus += [rule for rule in whole if rule not in there]
            sent.minus += [rule for rule in there if rule not in whole]
            there = whole
    for lost in change["lost_rules"]:
        name = lost["group_name"]
        where = name if lost["group_id"] in names else f"{name} ({lost['group_id']})"
        sent.lost.append((f"lost in {where}: ", RuleSent.of(lost["rule"])))
    return sent


def values(content: Mapping[str, Any], live: Mapping[str, Any], *, is_new: bool) -> Iterator[Value]:
    """Name, description and tags in the body of a request."""
    if "name" in content and not is_new:
        yield Value("name ", f'"{live["name"]}"', f'"{content["name"]}"')
    if "description" in content:
        yield Value("description ", None if is_new else f'"{live["description"]}"', f'"{content["description"]}"')
    tags = {tag["key"]: tag["value"] for tag in live["tags"]}
    for key, new in content.get("tags", {}).items():
        yield Value(f"tag {key}=", tags.get(key), new)


def explained(shown: list[Line], sent: Sent, names: Names) -> None:
    """Hold what is shown of a group to what is sent: each line takes away what it tells, and nothing is left."""
    lines = [value.line for value in sent.values]
    lines += [("!", shape(where + _rule_line(rule, None, names))) for where, rule in sent.lost]
    for line in shown:
        if line in lines:
            lines.remove(line)
            continue
        sign, text = line
        told = [
            (old, new)
            for old in (sent.minus if sign in "~-" else [None])
            for new in (sent.plus if sign in "~+" else [None])
            if shape(_rule_line(old, new, names)) == text
        ]
        assert told, f"shown, and not sent: {sign} {text}"
        old, new = told[0]
        if new is not None:
            sent.plus.remove(new)
        if old is not None:
            # Live rules that mean the same give way to one, which is told beside the lines.
            same = [rule for rule in sent.minus if new is not None and rule.values == old.values == new.values]
            for rule in same or [old]:
                sent.minus.remove(rule)
    assert (lines, sent.plus, sent.minus) == ([], [], []), "sent, and not shown"


def _rule_line(old: RuleSent | None, new: RuleSent | None, names: Names) -> str:
    if old is not None and new is not None:
        return becomes(old, new, names) if old.values[:2] == new.values[:2] else ""
    rule = old or new
    return "" if rule is None else f"{words(rule.parts(names))} {rule.description}"


def shape(text: str) -> str:
    """A text as it is shown, whatever stands between its columns."""
    return " ".join(printable(text).split())


TITLE = re.compile(r"(?:[+~-] )?((?:create|update|delete) .*\))")


def of_text(page: str) -> Iterator[tuple[str, list[Line]]]:
    for block in re.split(r"\n\n(?=[+~-] )|\n\n(?=[^ ])", page):
        if found := TITLE.match(block):
            yield found[1], [(line[2], shape(line[4:])) for line in block.splitlines() if re.match("  [+~!-] ", line)]


def of_markdown(page: str) -> Iterator[tuple[str, list[Line]]]:
    for block in re.findall("<details>(.*?)</details>", page, re.DOTALL):
        title = re.search("<summary>(.*)</summary>", block)[1]  # type: ignore[index]  # a block has a title
        fenced = re.search("\n(`{3,})diff\n(.*?)\n\\1", block, re.DOTALL)
        lines = fenced[2].splitlines() if fenced else []
        ours = [line for line in lines if re.match("[+!-] (?!opens |closes )", line)]
        signs = [line[0] if line[0] != "!" or line.startswith("! lost in ") else "~" for line in ours]
        yield (
            TITLE.match(html.unescape(re.sub("<.*?>", "", title)))[1],  # type: ignore[index]  # and that is ours
            [(sign, shape(line[2:].replace("  # ", "  ", 1))) for sign, line in zip(signs, ours, strict=True)],
        )


def of_github(page: str) -> Iterator[tuple[str, list[Line]]]:
    for line in page.splitlines():
        title, _, message = line.partition("title=")[2].partition("::")
        if found := TITLE.match(_unescaped(title)):
            lines = [re.sub("^[^ ]*:[0-9]+:[0-9]+: ", "", _unescaped(each)) for each in message.split("%0A")]
            yield found[1], [(each[0], shape(each[2:])) for each in lines if re.match("[+~!-] ", each)]


def _unescaped(text: str) -> str:
    return text.replace("%3A", ":").replace("%2C", ",").replace("%25", "%")


FORMATS: Mapping[str, Callable[[str], Iterator[tuple[str, list[Line]]]]] = {
    "text": of_text,
    "markdown": of_markdown,
    "github": of_github,
}


@settings(max_examples=examples(150))
@given(plans(), st.sampled_from(sorted(FORMATS)))
def test_each_format_shows_what_is_sent_and_nothing_else(plan: Plan, format_: str) -> None:
    content = json.loads(planfile.dumps(plan))
    names = names_of(content)
    shown = dict(FORMATS[format_](unstyle(render(view_plan(plan), format_, WIDE, expand=True))))
    assert len(shown) == len(content["changes"])
    for change in content["changes"]:
        explained(shown[title_of(change)], what_is_sent(change, names), names)


def names_of(content: Mapping[str, Any]) -> Names:
    new = {f"${{security_group:{change['name']}}}": change["name"] for change in content["changes"]}
    return {**content["group_names"], **new}


def title_of(change: Mapping[str, Any]) -> str:
    where = f"(project {change['project_id']}, region {change['region_id']})"
    return printable(f"{change['action']} {change['name']} {where}")


ROW = re.compile(
    '<tr class="[a-z]+"><td class="symbol">.</td><td class="live">(.*?)</td><td class="desired">(.*?)</td>'
)


@settings(max_examples=examples(50))
@given(plans())
def test_a_page_shows_both_sides_of_what_is_sent_and_nothing_else(plan: Plan) -> None:
    content = json.loads(planfile.dumps(plan))
    names = names_of(content)
    page = render(view_plan(plan), "html")
    blocks = re.findall('<details class="group .*?<summary>.*?</span> (.*?) <span.*?</details>', page, re.DOTALL)
    parts = re.split('<details class="group ', page)[1:]
    shown = {html.unescape(title): ROW.findall(part) for title, part in zip(blocks, parts, strict=True)}
    assert len(shown) == len(content["changes"])
    for change in content["changes"]:
        sent = what_is_sent(change, names)
        lives = [quoted(rule, names) for rule in sent.minus] + [w + quoted(rule, names) for w, rule in sent.lost]
        lives += [value.what + value.old for value in sent.values if value.old is not None]
        wants = [quoted(rule, names) for rule in sent.plus]
        wants += [value.what + value.new for value in sent.values if value.new is not None]
        left = {side for live, _ in shown[title_of(change)] if (side := of_cell(live))}
        right = [side for _, want in shown[title_of(change)] if (side := of_cell(want))]
        assert left <= {shape(live) for live in lives}
        assert {rule.values for rule in sent.minus if shape(quoted(rule, names)) not in left} <= {
            rule.values for rule in sent.plus
        }, "of live rules that mean the same one is enough"
        assert sorted(right) == sorted(map(shape, wants))


def quoted(rule: RuleSent, names: Names) -> str:
    return words(rule.parts(names)) + (f' "{rule.description}"' if rule.description else "")


def of_cell(cell: str) -> str:
    return shape(html.unescape(re.sub('<div class="field">.*?</div>', "", cell)))

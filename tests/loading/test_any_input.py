"""Whatever is in a file, the answer is desired state or issues: never another exception, never a hang."""

import random
from pathlib import Path
from typing import Any

import pytest
import yaml
from effort import examples
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from reconciler.loading.load import Defaults, load
from reconciler.loading.nodes import TEXT, NodeParser, Plain, PlainScalars
from reconciler.model.errors import InputError

GOOD = """\
project_id: 1
region_id: 7
owner: payments
address_groups: &sets
  office: [203.0.113.0/24, 2001:db8:10::/48]
security_groups:
  - name: web
    description: |
      Public
      web tier
    tags: {env: prod, "team": 'edge'}
    rules: &rules
      - {direction: ingress, protocol: tcp, ports: [80, 443], remote_ip_prefix: 0.0.0.0/0, description: HTTP(S)}
      - {direction: ingress, protocol: tcp, ports: 8000-8099, remote_group: app}
      - {direction: egress, ethertype: [IPv4, IPv6]}
  - name: app
    previous_name: app-old
    rules: *rules
---
address_groups: {home: [198.51.100.0/24]}
"""
TOKENS = st.sampled_from([
    "[", "]", "{", "}", ":", ": ", "- ", "? ", "\n", "\n  ", "\t", '"', "'", "&a ", "*a", "*rules", "<<: ", "!!str ",
    "!x ",
       "|", ">", "#", "%", "@", "---\n", "...\n", "0", "22:30", "on", "~", "=", "\0", "\x1b", "\ufeff",
    "\u2028", "\x85",
    "\U0001f600", "null", "1e400", "-.inf", ".nan", "0x", "0b_", "+_", "x" * 2000, "[" * 50,
    "*sets", ",", "2001-01-01",
])  # fmt: skip
every_time = settings(max_examples=examples(300))


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("any") / "any.yaml"


def check(path: Path, data: bytes) -> None:
    path.write_bytes(data)
    try:
        load([str(path)], Defaults())
    except InputError as error:
        issues = error.issues
    else:
        return
    assert issues
    for issue in issues:
        assert issue.place.line >= 1
        assert issue.place.column >= 1
        assert issue.line is None or issue.line.isprintable()
        assert issue.message.isprintable()
        assert len(issue.message) + len(issue.fix or "") < 600


@every_time
@given(data=st.binary(max_size=300))
@example(data=b"a: \xed\xa0\x80")
@example(data="security_groups: []".encode("utf-16"))
def test_random_bytes(path: Path, data: bytes) -> None:
    """Bytes of any kind."""
    check(path, data)


@every_time
@given(
    edits=st.lists(
        st.tuples(st.integers(0, len(GOOD)), st.integers(0, 12), TOKENS | st.text(max_size=3)), min_size=1, max_size=4
    )
)
def test_mutated_documents(path: Path, edits: list[tuple[int, int, str]]) -> None:
    """A good file with pieces cut out and put in."""
    text = GOOD
    for start, length, token in edits:
        text = text[:start] + token + text[start + length :]
    check(path, text.encode("utf-8", "surrogatepass"))


@every_time
@given(
    tokens=st.lists(TOKENS | st.sampled_from(["name", "rules", "direction", "ports", "security_groups"]), max_size=25)
)
def test_soups_of_tokens(path: Path, tokens: list[str]) -> None:
    """Pieces of YAML in any order."""
    check(path, "".join(tokens).encode("utf-8", "surrogatepass"))


@every_time
@given(
    text=st.text("0123456789_:.-+eExXoObBaAfF", min_size=1, max_size=12)
    | st.sampled_from(["yes", "no", "on", "off", "true", "False", "NULL", "~", "y", "n", "=", "inf", ".inf", "1:1.5"])
)
def test_plain_scalars_mean_what_pyyaml_reads_or_are_refused(text: str) -> None:
    """Where no issue is raised, PyYAML reads the same."""
    assume(not text.endswith(":"))
    meaning = PlainScalars()[text]
    try:
        read = yaml.safe_load(f"a: {text}")["a"]
    except (yaml.YAMLError, ValueError):
        return
    if meaning is TEXT:
        assert read == text
    elif isinstance(meaning, Plain):
        assert type(read) is type(meaning.value)
        assert read == meaning.value or read != read  # noqa: PLR0124  # not a number


@pytest.mark.full
def test_nothing_is_composed_past_the_limits() -> None:
    """Deep and wide input ends the parsing at the limit, not at the end of the text: counted by what was resolved."""
    for data in (
        b"[" * 1_000_000,
        b"- " * 1_000_000,
        b"- a\n" * 1_000_000,
        b"a: b\n" * 1_000_000,
        b"--- a\n" * 1_000_000,
    ):
        parser = NodeParser(data)
        resolve, count = parser.resolve, 0

        def counted(*arguments: object, resolve: Any = resolve) -> object:
            nonlocal count
            count += 1
            return resolve(*arguments)

        parser.resolve = counted
        with pytest.raises(yaml.YAMLError):
            list(parser.nodes())
        assert count <= 200_002


def test_aliases_beyond_reason_are_found_without_expanding(path: Path) -> None:
    """A graph of random aliases is judged in the size of its text."""
    rng = random.Random(1)
    lines = ["a0: &a0 [x]"]
    lines += [f"a{n}: &a{n} [{', '.join(f'*a{rng.randrange(n)}' for _ in range(20))}]" for n in range(1, 2000)]
    path.write_text("\n".join(lines))
    with pytest.raises(InputError, match=r"^1 error"):
        load([str(path)], Defaults())

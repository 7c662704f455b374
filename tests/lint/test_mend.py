"""`validate --fix`: what can be meant in one way only is mended in place, and every other byte stays."""

from pathlib import Path

import pytest
from effort import examples
from hypothesis import given, settings
from hypothesis import strategies as st

from reconciler.cli import run
from reconciler.lint.mend import Mended, mend
from reconciler.loading.head import Defaults
from reconciler.loading.issues import Issues, Source

HEAD = "project_id: 1\nregion_id: 7\nsecurity_groups:\n- name: web\n"


def mended(text: str | bytes) -> Mended:
    data = text.encode() if isinstance(text, str) else text
    return mend([(Source("a.yaml", data), False)], Issues(), Defaults(), None)


def result(text: str | bytes) -> str | None:
    files = mended(text).files
    return files["a.yaml"][1].decode() if files else None


CASES = {
    "host bits": ("rules: [{direction: egress, remote_ip_prefix: §10.1.2.3/8§}] # c", "10.0.0.0/8"),
    "host bits in quotes": ("rules: [{direction: egress, remote_ip_prefix: §'10.1.2.3/8'§}]", "10.0.0.0/8"),
    "host bits that leave a colon": ("rules: [{direction: egress, remote_ip_prefix: §'::5/64'§}]", '"::/64"'),
    "a version as a tag": ("tags: {a: b, version: §1.10§} # keep", '"1.10"'),
    "a boolean of YAML 1.1 as a tag": ("tags: {a: §on§}", '"on"'),
    "an octal number as a tag": ("tags:\n    a: §010§   # ten", '"010"'),
    "a date as a tag": ("tags: {a: §2026-01-02§}", '"2026-01-02"'),
    "a number as a description": ("description: §5§", '"5"'),
    "a key of a tag": ("tags: {§on§: on-call}", '"on"'),
    "a protocol by its number": ("rules: [{direction: egress, protocol: §6§}]", '"6"'),
    "a port in quotes": ("rules: [{direction: egress, protocol: tcp, ports: [22, §'80'§]}]", "80"),
    "everyone in a list": ("rules: [{direction: egress, remote_ip_prefixes: [0.0.0.0/0, §::/0§]}]", '"::/0"'),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize("newline", ["\n", "\r\n"])
@pytest.mark.parametrize("bom", [b"", b"\xef\xbb\xbf"])
def test_a_value_is_mended_and_every_other_byte_stays(name: str, newline: str, bom: bytes) -> None:
    body, new = CASES[name]
    before, old, after = f"# über\n{HEAD}  {body}\n# end".replace("\n", newline).split("§")
    data = bom + (before + old + after).encode()
    found = mended(data)
    assert found.files == {"a.yaml": (data, bom + (before + new + after).encode())}
    assert [(each.old, each.new) for each in found.mends] == [(old, new)]
    assert found.left == ()


LEFT = {
    "what opens everything": "rules: [{direction: egress, remote_ip_prefix: 10.1.2.3/0}]",
    "what may be a range or a text": "rules: [{direction: egress, protocol: tcp, ports: 22:30}]",
    "a misspelled word": "rules: [{direction: egres}]",
    "a template": "tags: {a: '{{ b }}\t'}",
    "what an anchor is before": "tags: {a: &a 1.10}",
}


@pytest.mark.parametrize("name", LEFT)
def test_what_may_be_meant_in_several_ways_is_left(name: str) -> None:
    found = mended(f"{HEAD}  {LEFT[name]}\n")
    assert (found.files, found.mends) == ({}, ())
    assert found.left


def test_all_of_several_lines_and_on_one_line_is_mended_at_once() -> None:
    """Also what an alias brings, at its anchor and once."""
    text = (
        "x-all: &all [0.0.0.0/0, ::/0]\n" + HEAD + "  tags: {a: 1.10, b: on, c: ok}\n"
        "  rules:\n  - {direction: egress, remote_ip_prefixes: *all}\n"
        "  - {direction: egress, remote_ip_prefixes: [10.0.0.1/8, 10.0.0.0/9, 192.168.1.1/16]}\n"
    )
    new = result(text)
    assert new == text.replace("::/0", '"::/0"').replace("1.10", '"1.10"').replace("on,", '"on",').replace(
        "10.0.0.1/8", "10.0.0.0/8"
    ).replace("192.168.1.1/16", "192.168.0.0/16")
    assert mended(new).left == ()


VALUES = st.sampled_from(
    ["1.10", "on", "ok", "'x'", "010", "1_0", "5", "~", '"a # b"', "2026-01-01", "{{ a }}", "[b]", "*"]
)


@settings(max_examples=examples(120))
@given(st.lists(st.tuples(VALUES, st.sampled_from(["", " # c", "  # 1.10"])), min_size=1, max_size=5))
def test_mending_changes_nothing_but_quotes_and_is_done_once(tags: list[tuple[str, str]]) -> None:
    lines = "".join(f"    t{number}: {value}{comment}\n" for number, (value, comment) in enumerate(tags))
    text = f"{HEAD}  tags:\n{lines}"
    new = result(text)
    if new is not None:
        assert new.replace('"', "") == text.replace('"', "")
        assert result(new) is None


def test_fix_writes_and_diff_shows(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    file = tmp_path / "a.yaml"
    text = f"{HEAD}  tags: {{version: 1.10}} # why\n  rules: []\n"
    file.write_text(text)
    assert run(["validate", "--diff", "a.yaml"]) == 1
    shown = capsys.readouterr()
    assert '+  tags: {version: "1.10"} # why' in shown.out
    assert "a.yaml:5:19: would fix: 1.10 ->" in shown.err
    assert file.read_text() == text
    assert run(["validate", "--fix", "a.yaml"]) == 0
    assert file.read_text() == text.replace("1.10", '"1.10"')
    assert "a.yaml:5:19: fixed: 1.10 ->" in capsys.readouterr().err
    file.write_text(text.split("region_id: 7\n")[1])
    assert run(["validate", "--fix", "a.yaml", "--project", "production", "--region", "Luxembourg-2"]) == 0


def test_lint_shows_what_it_would_change(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    file = tmp_path / "a.yaml"
    rule = "  - {direction: ingress, protocol: tcp, ports: 80}\n"
    file.write_text(text := f"{HEAD}  rules:\n{rule}{rule}")
    assert run(["lint", "--fix", "--diff"]) == 2
    shown = capsys.readouterr().out
    assert f"-{rule}" in shown
    assert "would fix" in shown
    assert file.read_text() == text
    assert run(["lint", "--fix"]) == 0
    assert file.read_text() == f"{HEAD}  rules:\n{rule}"

"""A preset is one item to lint: found as a whole, never in part, and never merged."""

from lint_files import DEFAULTS, load

from reconciler.lint import Kind, LintFinding, fix, lint

PRESET = "- preset: default-egress\n"


def text(rules: str, policies: str = "") -> bytes:
    lines = "".join(f"  {line}\n" for line in rules.splitlines())
    return f"{policies}security_groups:\n- name: web\n  rules:\n{lines}".encode()


def found(rules: str, policies: str = "") -> list[tuple[Kind, int]]:
    return [(each.kind, line_of(each)) for each in lint(*load(text(rules, policies)))]


def line_of(finding: LintFinding) -> int:
    return int(str(finding.place).split(":")[1])


def test_there_is_nothing_to_say_about_it() -> None:
    assert found(PRESET) == []
    assert found(PRESET + "- {direction: egress, protocol: tcp, ports: 25, remote_ip_prefix: 10.0.0.0/8}\n") == [
        (Kind.SMTP_EGRESS, 5)
    ]


def test_it_is_superfluous_as_a_whole_or_not_at_all() -> None:
    assert found(PRESET + PRESET) == [(Kind.DUPLICATE, 5)]
    assert found(PRESET + "- {direction: egress, protocol: gre}\n") == [(Kind.SHADOWED, 5)]
    both = "- {direction: egress, ethertype: [IPv4, IPv6]}\n"
    assert found(PRESET + both, "policies: {smtp_egress: off}\n") == [(Kind.SHADOWED, 5)]
    assert fix(*load(text(PRESET + both)), DEFAULTS).texts == {"f.yaml": text(both)}


def test_egress_to_port_25_is_found_once_a_rule_unless_it_is_agreed() -> None:
    out = "- {direction: egress, ethertype: [IPv4, IPv6]"
    assert found(f"{out}}}\n") == [(Kind.SMTP_EGRESS, 4)]
    assert found(f"{out}}}\n", "policies: {smtp_egress: off}\n") == []
    agreed = "exception: {policy: smtp_egress, reason: relay, until: '2030-01-01'}"
    assert found(f"{out}, {agreed}}}\n") == []

"""How an import looks, and that no text gets out of the place where it is written."""

from __future__ import annotations

import textwrap

import pytest
import yaml
from effort import examples
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from strange_states import AWKWARD, import_all, live_state, uuid

from reconciler.importing.text import spell_text
from reconciler.loading.document import read_text

TRICKY = st.one_of(
    st.sampled_from(AWKWARD),
    st.text(alphabet="ab01 :#,[]{}&*!|>'\"%@`-?._~=<\\/\n\té\u0301\u2028\ufeff\U0001f525", max_size=12),
    st.text(alphabet="0123456789abcdefxXoO_:.+-eETZ ", max_size=20),
    st.text(alphabet=st.characters(exclude_categories=["Cs"]), max_size=8),
)


@settings(max_examples=examples(1500))
@given(text=TRICKY)
def test_text_reads_back_in_every_position(text: str) -> None:
    assume(text not in {"a", "b", "c", "e"})
    flow, block = spell_text(text), spell_text(text, in_block=True)
    written = f"a: {block}\nb:\n  - {block}\nc: {{k: {flow}, l: [{flow}, {flow}]}}\n{flow}: d\ne: {{{flow}: f}}\n"
    (document,), issues = read_text("x.yaml", written.encode())
    assert issues == ()
    expected = {"a": text, "b": [text], "c": {"k": text, "l": [text, text]}, "e": {text: "f"}, text: "d"}
    assert document.value == expected
    assert yaml.safe_load(written) == expected


PLAIN = [
    "Public web tier",
    "HTTP(S)",
    "10.0.0.0/8",
    "2001:db8::/32",
    "8000-8099",
    "it's",
    "a+b@c.de",
    "日本語",
    "http://x/y",
]


@pytest.mark.parametrize("text", PLAIN)
def test_text_that_nobody_misreads_has_no_quotes(text: str) -> None:
    assert spell_text(text) == text


def test_a_group_looks_as_a_person_would_write_it() -> None:
    rules = [
        {"protocol": "tcp", "port_range_min": 443, "port_range_max": 443, "description": "HTTP(S)"},
        {"protocol": "tcp", "port_range_min": 80, "port_range_max": 80, "description": "HTTP(S)"},
        {
            "protocol": "tcp",
            "port_range_min": 22,
            "port_range_max": 22,
            "description": "SSH, " + "for a good reason " * 4,
        },
        *({"protocol": "udp", "remote_ip_prefix": f"192.0.2.{number * 16}/28"} for number in range(8)),
    ]
    answer = {
        "id": uuid(1),
        "name": "web",
        "description": "Public, and: quoted",
        "tags_v2": [
            {"key": "env", "value": "prod"},
            {"key": "evil", "value": "x\n    rules: []\n# ", "read_only": True},
        ],
        "security_group_rules": [
            {"id": uuid(number), "direction": "ingress", **rule} for number, rule in enumerate(rules)
        ],
    }
    assert import_all(live_state([answer])).files[0].text == textwrap.dedent("""\
        project_id: 1
        region_id: 7
        security_groups:
          - name: web
            description: "Public, and: quoted"
            tags: {env: prod}
            # read-only tags: {evil: "x\\n    rules: []\\n# "}
            rules:
              - direction: ingress
                protocol: tcp
                ports: 22
                remote_ip_prefix: 0.0.0.0/0
                description: "SSH, for a good reason for a good reason for a good reason for a good reason "
              - {direction: ingress, protocol: tcp, ports: [80, 443], remote_ip_prefix: 0.0.0.0/0, description: HTTP(S)}
              - direction: ingress
                protocol: udp
                remote_ip_prefixes:
                  - 192.0.2.0/28
                  - 192.0.2.16/28
                  - 192.0.2.32/28
                  - 192.0.2.48/28
                  - 192.0.2.64/28
                  - 192.0.2.80/28
                  - 192.0.2.96/28
                  - 192.0.2.112/28
        """)

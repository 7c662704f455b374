"""What strangers wrote into files and into the cloud is obeyed by no terminal and no runner, whatever shows it."""

import json
from typing import Any

import pytest
from texts import assert_harmless

from reconciler.emulator.server import EmulatorServer

from .conftest import KEY, WEB, Sgctl

HOSTILE = "\n::error::forged\n\x1b[2J\u202edleif\u2028##[error]x</code><script>``` @all"
RULE = {"direction": "ingress", "protocol": "tcp", "description": HOSTILE}
SEED: dict[str, Any] = {
    "groups": [
        {
            "project_id": 1,
            "region_id": 7,
            "id": WEB,
            "name": HOSTILE,
            "description": HOSTILE,
            "tags": {"env": HOSTILE, "sgctl-owner": "net"},
            "rules": [{**RULE, "port_range_min": 22, "port_range_max": 22}],
        },
        {"project_id": 1, "region_id": 7, "name": "old" + HOSTILE, "tags": {"sgctl-owner": "net"}, "rules": [RULE]},
    ]
}
TEXT = json.dumps(HOSTILE)
FILE = f"""\
project_id: 1
region_id: 7
owner: net
policies: {{rule_description: {{pattern: "[z]z"}}}}
rule_sets:
  base: [{{direction: ingress, protocol: tcp, ports: 8080, description: {TEXT}}}]
security_groups:
  - name: {TEXT}
    id: {WEB}
    description: {json.dumps("x" + HOSTILE)}
    ignore_rules: [{{description: {json.dumps(HOSTILE + "*")}}}]
    rules:
      - use: base
      - direction: ingress
        protocol: tcp
        ports: 3389
        description: {json.dumps("w" + HOSTILE)}
        exception: {{policy: rule_description, reason: {TEXT}, until: 2099-01-01}}
""".replace('ports: 8080, description: "', 'ports: 8080, description: "x')
PACKET = ["ingress", "tcp/22", "from", "192.0.2.1"]
RUNS: dict[str, list[str]] = {
    "validate": ["validate", "FILE"],
    "oversight": ["validate", "--oversight", "FILE"],
    "plan": ["plan", "FILE", "--show-instances"],
    "markdown": ["plan", "FILE", "--format", "markdown"],
    "drift": ["drift", "FILE", "--unmanaged", "--who"],
    "audit": ["audit", "FILE", "--unattached"],
    "lint": ["lint", "FILE"],
    "trace": ["trace", "--group", HOSTILE, *PACKET, "FILE"],
    "graph": ["graph", "FILE", "--format", "dot"],
    "export": ["export", "FILE"],
    "import": ["import", "--project-id", "1", "--region-id", "7", "--factor"],
    "doctor": ["doctor", "FILE"],
    "refresh": ["refresh", "FILE"],
    "apply": ["apply", "FILE", "--auto-approve", "--lift", "rule_description"],
    "history": ["history"],
    "rollback": ["rollback", "--last"],
    "a name": ["plan", "FILE", "--group", HOSTILE + "z"],
    "a choice": ["plan", "FILE", "--lift", HOSTILE],
    "an option": ["plan", f"--{HOSTILE}"],
    "a command": [HOSTILE],
    "a file": ["show", HOSTILE],
    "a duration": ["history", "--since", HOSTILE],
}


@pytest.mark.parametrize(
    "runs",
    [("oversight", "export", "import", "a choice"), pytest.param(tuple(RUNS), marks=pytest.mark.full)],
    ids=["some", "all"],
)
def test_whatever_a_command_shows_is_harmless(
    sgctl: Sgctl, monkeypatch: pytest.MonkeyPatch, runs: tuple[str, ...]
) -> None:
    """One after the other: what an apply did is in the log and the journal that the next ones show."""
    name = HOSTILE.replace("/", "_") + ".yaml"
    sgctl.write(FILE, name)
    with EmulatorServer(api_key=KEY, seed=SEED) as emulator:
        monkeypatch.setenv("GCORE_BASE_URL", emulator.url)
        for run in runs:
            ran = sgctl(*(name if each == "FILE" else each for each in RUNS[run]))
            assert_harmless(ran.out)
            assert_harmless(ran.err)
            assert "bug" not in ran.err, run
            assert (ran.code == 1) == (" " in run), (run, ran.err)

"""Writes the files that a version leaves behind, for its successors to read: run once, when a release is made.

    python tests/support/released.py tests/released/0.2.0

A plan, the journal and the outcome of its apply, a drift report, and a lock, made on the emulator.
"""

import os
import sys
from contextlib import chdir, redirect_stdout
from io import StringIO
from pathlib import Path

from reconciler.cli import run
from reconciler.emulator.server import EmulatorServer

GROUPS = """\
project_id: 1
region_id: 7
owner: payments
security_groups:
  - name: web
    tags: {env: prod}
    rules:
      - {direction: ingress, protocol: tcp, ports: 443, remote_ip_prefix: 0.0.0.0/0, description: HTTPS}
      - {direction: ingress, protocol: tcp, ports: 8000-8099, remote_group: app}
  - name: app
    rules:
      - {direction: ingress, protocol: icmp, icmp_type: 8, icmp_code: 0}
"""
PUBLISHED = "address_groups: {cdn: {source: gcore-cdn}, egress: {source: gcore-egress, widest_ipv4: 16}}\n"
CHANGED = GROUPS.replace("443", "8443")


def said(*arguments: str) -> str:
    """Run a command, and return what it writes to stdout."""
    with redirect_stdout(StringIO()) as out:
        run([*arguments])
    return out.getvalue()


def main(folder: Path) -> None:
    """Write the files."""
    folder.mkdir(parents=True)
    with EmulatorServer() as emulator, chdir(folder):
        os.environ |= {"GCORE_BASE_URL": emulator.url, "GCORE_API_KEY": emulator.api_key}
        groups = Path("groups.yaml")
        groups.write_text(GROUPS)
        said("apply", "groups.yaml", "--auto-approve", "--no-journal")
        groups.write_text(CHANGED)
        Path("drift.json").write_text(said("drift", "groups.yaml", "--format", "json"))
        said("plan", "groups.yaml", "--out", "plan.json")
        Path("outcome.json").write_text(said("apply", "plan.json", "--journal", "apply.journal", "--format", "json"))
        Path("published").mkdir()
        Path("published/lists.yaml").write_text(PUBLISHED)
        said("refresh", "published")
        for each in (path for path in Path().rglob("*") if path.is_file()):
            each.chmod(0o644)


if __name__ == "__main__":
    main(Path(sys.argv[1]))

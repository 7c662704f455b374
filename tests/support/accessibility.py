"""What axe-core finds on a page."""

from pathlib import Path
from typing import Any

import pytest

AXE = Path(__file__).parents[2] / ".tools/node_modules/axe-core/axe.min.js"


def assert_accessible(page: Any) -> None:
    """Run every rule of axe-core, best practices too; skip where it was not installed, which needs npm."""
    if not AXE.is_file():
        pytest.skip("axe-core is not installed: npm was missing when `make test-browser` looked for it")
    page.evaluate(AXE.read_text(encoding="utf-8"))
    found = page.evaluate("axe.run().then((result) => result.violations)")
    said = [
        f"{each['id']}: {each['help']}: {node['html'][:200]} {node['failureSummary']}"
        for each in found
        for node in each["nodes"]
    ]
    assert not said, "\n".join(said[:10])

"""What could be written better in the files, and mending it without changing any traffic.

    written (rules as they stand in the files) -> redundant, merge, references -> findings
    findings -> rewrite (text edits) -> fix (the loop), where prove says that nothing changed

Rules are judged as written, list by list, not as they are expanded: that is what people see and change.

Why own edits, and not a YAML library that keeps comments. ruamel.yaml writes a whole file anew from its model: what
nobody touched comes out with other quotes, other indentation and other line breaks, and it reads YAML by other rules
than the loader. Here only the lines of the rules concerned change, so the diff shows nothing else, and no dependency
is added. Comments are never dropped: one that stands within replaced text moves to a line of its own.
"""

from reconciler.lint.check import lint
from reconciler.lint.findings import Kind, LintFinding
from reconciler.lint.fix import Fixed, fix

__all__ = ["Fixed", "Kind", "LintFinding", "fix", "lint"]

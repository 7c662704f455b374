"""Plan and apply from Python: what `sgctl plan` and `sgctl apply` do, in a program of your own.

GCORE_API_KEY=... python reconcile.py groups/
"""

import os
import sys

from reconciler import apply, connect, load, plan
from reconciler.model.errors import InputError, SgctlError


def main(paths: list[str]) -> int:
    """Reconcile the files; the exit code is that of `sgctl`."""
    try:
        desired = load(*paths)
        with connect(os.environ["GCORE_API_KEY"], base_url=os.environ["GCORE_BASE_URL"]) as api:
            proposal = plan(desired, api)
            for change in proposal.changes:
                difference = change.difference
                print(f"{difference.action} {difference.name}: opens {len(difference.traffic.opens)} flows")
            report = apply(proposal, api)
    except InputError as error:
        for issue in error.issues:
            print(f"{issue.place}: {issue.message}", file=sys.stderr)
        return error.exit_code
    except SgctlError as error:
        print(error.message, file=sys.stderr)
        return error.exit_code
    for result in report.results:
        print(f"{result.status} {result.change.difference.name}")
    return report.error.exit_code if report.error else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

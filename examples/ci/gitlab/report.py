"""Report a plan on a merge request: the widget with the counts, and one note that is replaced by the next plan's.

    python -I report.py plan.json plan.md

Writes `tfplan.json` for `artifacts:reports:terraform`. The note needs GITLAB_TOKEN, a project access token with the
scope `api` and the role Reporter; a job's own token may not write notes. Without it, or outside of a merge request,
there is no note.
"""

import json
import os
import sys
import urllib.request
from pathlib import Path
from typing import Any

MARKER = "<!-- sgctl plan groups/ -->\n"
PAGES = 20


def ask(method: str, path: str, content: Any = None) -> Any:
    """Send one request to GitLab's API about this merge request."""
    request = urllib.request.Request(  # noqa: S310 - the runner says where GitLab is
        f"{os.environ['CI_API_V4_URL']}/projects/{os.environ['CI_PROJECT_ID']}"
        f"/merge_requests/{os.environ['CI_MERGE_REQUEST_IID']}/notes{path}",
        method=method,
        data=None if content is None else json.dumps(content).encode(),
        headers={"PRIVATE-TOKEN": os.environ["GITLAB_TOKEN"], "Content-Type": "application/json"},
    )
    with urllib.request.urlopen(request, timeout=30) as answer:  # noqa: S310 - as above
        return json.load(answer)


def note(text: str) -> None:
    """Replace the note of an earlier plan, or write the first."""
    for page in range(1, PAGES + 1):
        found = ask("GET", f"?per_page=100&page={page}")
        for each in found:
            if each["body"].startswith(MARKER):
                ask("PUT", f"/{each['id']}", {"body": MARKER + text})
                return
        if len(found) < 100:
            break
    ask("POST", "", {"body": MARKER + text})


def main(plan: str, markdown: str) -> None:
    """Write the counts, and the note where there is a place and a token for it."""
    counted = json.loads(Path(plan).read_text())["summary"]
    widget = {action: counted[f"groups_to_{action}"] for action in ("create", "update", "delete")}
    Path("tfplan.json").write_text(json.dumps(widget))
    if os.environ.get("GITLAB_TOKEN") and os.environ.get("CI_MERGE_REQUEST_IID"):
        note(Path(markdown).read_text())


if __name__ == "__main__":
    main(*sys.argv[1:])

"""The environment variables that are read, by the names of the official SDK where it has one. Empty counts as unset."""

from reconciler.model.cloud import DEFAULT_BASE_URL

API_KEY = "GCORE_API_KEY"
API_KEY_FILE = "GCORE_API_KEY_FILE"
PROJECT_ID = "GCORE_CLOUD_PROJECT_ID"
REGION_ID = "GCORE_CLOUD_REGION_ID"
PROJECT = "GCORE_CLOUD_PROJECT"
REGION = "GCORE_CLOUD_REGION"
BASE_URL = "GCORE_BASE_URL"
NO_COLOR = "NO_COLOR"
COMPLETION = "_SGCTL_COMPLETE"
"""What click looks for, by the name of the program, and a shell sets where it wants a line completed."""
TRACEBACK = "SGCTL_TRACEBACK"
NOTIFY_URL = "SGCTL_NOTIFY_URL"
POLICIES = "SGCTL_POLICIES"
SSH_CONNECTION = "SSH_CONNECTION"
STATE_HOME = "XDG_STATE_HOME"

MEANINGS = (
    (API_KEY, "The API key. There is no option for it, so that no list of processes shows it."),
    (API_KEY_FILE, "Name of a file that holds the API key."),
    (f"{PROJECT_ID}, {REGION_ID}", "Project and region of documents that name none."),
    (f"{PROJECT}, {REGION}", "The same by their names."),
    (BASE_URL, f"Address of the API; {DEFAULT_BASE_URL} when unset."),
    (NOTIFY_URL, "Address of a webhook, for --notify-url of `drift` and `watch`."),
    (POLICIES, "File of policies from outside the repository, for --policies."),
    (STATE_HOME, "Journals of apply are kept in sgctl/journals below it; ~/.local/state when unset."),
    (NO_COLOR, "No colours when set."),
    (TRACEBACK, "Show where in the program a bug is, when it comes to that."),
)
"""What the manual page says of them."""

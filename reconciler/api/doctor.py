"""What `sgctl doctor` looks at, one check after the other, and what it says. Only reads.

Every check ends in one sentence: what was found and, where something is wrong, what to do about it. Nothing is raised:
whatever is wrong is the result.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from enum import StrEnum
from typing import Any, NamedTuple, Protocol
from urllib.parse import urlsplit

from reconciler.model.desired import Target

SKEW = 60
"""Seconds that two clocks may differ; `Date` tells whole seconds, and the answer took its time."""


class Health(StrEnum):
    """How a check ended. Only `FAILED` counts for the exit code."""

    OK = "ok"
    NOTE = "note"
    FAILED = "failed"


class Check(NamedTuple):
    """One check: what was looked at, how it is, and a sentence."""

    name: str
    health: Health
    message: str


class Answer(Protocol):
    """What came of one GET (see `api.probe.Look`)."""

    @property
    def status(self) -> int | None:
        """The HTTP status; None where no answer came."""

    @property
    def body(self) -> dict[str, Any] | None:
        """The JSON object; None where the answer was something else."""

    @property
    def date(self) -> str | None:
        """The header `Date`."""

    @property
    def milliseconds(self) -> int:
        """How long it took."""

    @property
    def problem(self) -> str:
        """Why no answer came."""


Look = Callable[[str, Mapping[str, str | int]], Answer]


@dataclass(frozen=True, slots=True)
class Patient:
    """What is looked at. `environment` is for proxies and certificates.

    `key_source` says where the key comes from, None where none is set; `key_problem` why the key could not be read.
    """

    base_url: str
    key_source: str | None
    key_problem: str | None
    targets: Sequence[Target]
    environment: Mapping[str, str]


def examine(patient: Patient, look: Look, now: Callable[[], datetime]) -> Iterator[Check]:
    """Look at everything that only reading can tell. Stops asking where an answer makes the next question pointless."""
    yield from _proxy(patient)
    answer = look("/cloud/v1/tasks", {"limit": 1})
    reached = _address(patient, answer)
    yield reached
    if answer.status is None:
        return
    yield from _clock(answer, now())
    key = _key(patient, answer)
    if key is not None:
        yield key
    if reached.health is Health.FAILED or (key is not None and key.health is Health.FAILED):
        return
    yield _listed("projects", look("/cloud/v1/projects", {"limit": 1000}))
    yield _listed("regions", look("/cloud/v1/regions", {"limit": 1000}))
    yield from _groups(patient, look)
    yield _tasks(answer)
    yield Check(
        "writing", Health.NOTE, "whether this key may write, and whether v1's PATCH is still there, only writing tells"
    )


def _address(patient: Patient, answer: Answer) -> Check:
    url = patient.base_url
    if answer.status is None:
        return Check("address", Health.FAILED, f"{url} does not answer: {answer.problem}. {_advice(patient, answer)}")
    if answer.status >= 500:
        return Check("address", Health.FAILED, f"{url} answers {answer.status}: it is not well; try again later")
    if answer.body is None:
        return Check(
            "address",
            Health.FAILED,
            f"{url} answers {answer.status}, but no JSON: this is a web page, a proxy or a login, not the API; "
            "check GCORE_BASE_URL",
        )
    return Check("address", Health.OK, f"{url} answers in {answer.milliseconds} ms")


def _advice(patient: Patient, answer: Answer) -> str:
    problem = answer.problem.lower()
    if "certificate" in problem or "ssl" in problem:
        return "Where a company's own certificates are used, set SSL_CERT_FILE to the file that holds them."
    if "proxy" in problem:
        return "Check HTTPS_PROXY and NO_PROXY."
    if "name" in problem or "getaddrinfo" in problem:
        return "The name is not known here: check GCORE_BASE_URL and the DNS of this machine."
    if _proxies(patient):
        return "Requests go through a proxy: check that it lets them pass."
    return "Check GCORE_BASE_URL, and whether a firewall or a missing HTTPS_PROXY is in the way."


def _proxy(patient: Patient) -> Iterator[Check]:
    names = _proxies(patient)
    if names:
        name = names[0]
        # A proxy's address may hold a password.
        host = urlsplit(patient.environment[name]).hostname or "an address that cannot be read"
        yield Check("proxy", Health.NOTE, f"requests go through {host} ({name}), unless NO_PROXY names the API's host")
    if patient.base_url.startswith("http:"):
        yield Check("tls", Health.NOTE, "plain http to this machine: fine for the emulator")
    elif certificates := patient.environment.get("SSL_CERT_FILE") or patient.environment.get("SSL_CERT_DIR"):
        yield Check("tls", Health.NOTE, f"certificates are checked by {certificates}, not by the usual list")


def _proxies(patient: Patient) -> list[str]:
    if patient.base_url.startswith("http:"):
        return []
    names = ("HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy")
    return [name for name in names if patient.environment.get(name)]


def _clock(answer: Answer, now: datetime) -> Iterator[Check]:
    try:
        date = parsedate_to_datetime(answer.date or "")
    except ValueError:
        return
    seconds = (now - (date if date.tzinfo else date.replace(tzinfo=UTC))).total_seconds()
    if abs(seconds) <= SKEW:
        yield Check("clock", Health.OK, "this machine's clock agrees with the API's")
    else:
        how = "ahead of" if seconds > 0 else "behind"
        yield Check(
            "clock",
            Health.NOTE,
            f"this machine's clock is {abs(seconds):.0f} s {how} the API's: the age of saved plans is judged by it",
        )


def _key(patient: Patient, answer: Answer) -> Check | None:
    """Judge the key by the first answer; nothing to say where that tells nothing of the key."""
    if patient.key_problem is not None:
        return Check("key", Health.FAILED, patient.key_problem)
    if patient.key_source is None:
        return Check(
            "key", Health.FAILED, "no API key is set: set GCORE_API_KEY, or GCORE_API_KEY_FILE to the name of a file"
        )
    if answer.status == 401:
        return Check(
            "key",
            Health.FAILED,
            f"the API does not accept the key from {patient.key_source} (401): it is wrong, expired or was deleted; "
            "make a new one in the customer portal",
        )
    if answer.body is None or answer.status not in {200, 403}:
        return None
    return Check("key", Health.OK, f"the API accepts the key from {patient.key_source}")


def _listed(what: str, answer: Answer) -> Check:
    results = answer.body.get("results") if answer.status == 200 and answer.body else None
    if not isinstance(results, list):
        return Check(what, Health.NOTE, f"the API does not list {what} to this key ({_came(answer)})")
    ids = ", ".join(str(each.get("id")) for each in results[:10] if isinstance(each, dict))
    return Check(what, Health.OK, f"the key sees {len(results)} {what}: {ids}{' ...' if len(results) > 10 else ''}")


def _groups(patient: Patient, look: Look) -> Iterator[Check]:
    if not patient.targets:
        yield Check(
            "groups",
            Health.NOTE,
            "no project and region are named, so nothing was listed: pass --project-id and --region-id, or PATHS",
        )
    for target in patient.targets:
        answer = look(f"/cloud/v1/securitygroups/{target.project_id}/{target.region_id}", {"limit": 1})
        count = answer.body.get("count") if answer.status == 200 and answer.body else None
        if isinstance(count, int):
            yield Check("groups", Health.OK, f"v1 answers: {count} security groups in {target}")
        else:
            yield Check("groups", Health.FAILED, f"{target} cannot be listed ({_came(answer)}){_why(answer, target)}")


def _why(answer: Answer, target: Target) -> str:
    if answer.status == 403:
        return f": the key needs a role with access to project {target.project_id}"
    if answer.status == 404:
        return ": there is no such project or region; check the two numbers"
    return ": try again, with -v to see the requests"


def _tasks(answer: Answer) -> Check:
    if answer.status == 200 and answer.body and isinstance(answer.body.get("results"), list):
        return Check("v2", Health.OK, "tasks can be read, which --api-version v2 needs to follow its writes")
    return Check(
        "v2", Health.NOTE, f"tasks cannot be read ({_came(answer)}): --api-version v2 could not follow its writes"
    )


def _came(answer: Answer) -> str:
    if answer.status is None:
        return answer.problem
    return f"status {answer.status}" + (", no JSON" if answer.body is None else "")

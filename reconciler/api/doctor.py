"""What `sgctl doctor` looks at, one check after the other, and what it says. Only reads.

Every check ends in one sentence: what was found and, where something is wrong, what to do about it. Nothing is raised:
whatever is wrong is the result.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING, NamedTuple

from reconciler.api.address import check_base_url
from reconciler.api.error_answer import Refusal, refusal_of
from reconciler.api.parse import parse_names, parse_page, parse_quotas
from reconciler.api.reader import QUOTAS_PATH
from reconciler.api.retry import read_date
from reconciler.model.desired import DesiredState, NameUse, Target
from reconciler.model.errors import ApiError, InputError, UsageError
from reconciler.model.live import Directory
from reconciler.model.text import listed, shown

if TYPE_CHECKING:  # httpx costs 0.1 s, which --help need not pay
    from reconciler.api.probe import ProbeResult

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


Get = Callable[[str, Mapping[str, str | int]], "ProbeResult"]


@dataclass(frozen=True, slots=True)
class Setup:
    """What is checked. `environment` is for proxies and certificates.

    `key_source` says where the key comes from, None where none is set; `key_problem` why the key could not be read.
    """

    base_url: str
    key_source: str | None
    key_problem: str | None
    targets: Sequence[Target]
    environment: Mapping[str, str]
    names: tuple[NameUse, ...] = ()

    @property
    def has_proxy(self) -> bool:
        """Tell whether a variable names a proxy for https."""
        return any(self.environment.get(name) for name in ("https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"))


def check_environment(setup: Setup) -> Iterator[Check]:
    """Check address, proxy and certificates, before any request: with a failed one no client can be made."""
    from reconciler.api.client import find_proxy, tls_context  # noqa: PLC0415 - brings httpx, which --help need not pay

    try:
        check_base_url(setup.base_url)
    except UsageError as error:
        yield Check("address", Health.FAILED, _with_hint(error))
        return
    try:
        proxy = find_proxy(setup.base_url, setup.environment)
    except UsageError as error:
        yield Check("proxy", Health.FAILED, _with_hint(error))
    else:
        if proxy is not None:
            yield Check("proxy", Health.NOTE, f"requests go through {proxy.name}, unless NO_PROXY names the API's host")
    if setup.base_url.startswith("http:"):
        yield Check("tls", Health.NOTE, "plain http to this machine: fine for the emulator")
        return
    try:
        tls_context(setup.environment)
    except UsageError as error:
        yield Check("tls", Health.FAILED, _with_hint(error))
        return
    if certificates := setup.environment.get("SSL_CERT_FILE") or setup.environment.get("SSL_CERT_DIR"):
        yield Check("tls", Health.NOTE, f"certificates are checked by {certificates}, not by the usual list")


def check_api(setup: Setup, get: Get, now: Callable[[], datetime]) -> Iterator[Check]:
    """Check everything that only reading can tell. Stops asking where an answer makes the next question pointless."""
    answer = get("/cloud/v1/tasks", {"limit": 1})
    reached = _address(setup, answer)
    yield reached
    if answer.status is None:
        return
    yield from _clock(answer, now())
    key = _key(setup, answer)
    if key is not None:
        yield key
    if reached.health is Health.FAILED or (key is not None and key.health is Health.FAILED):
        return
    projects, project_names = _listed("projects", "name", get)
    yield projects
    regions, region_names = _listed("regions", "display_name", get)
    yield regions
    if setup.names:
        from reconciler.loading.names import resolve_names  # noqa: PLC0415 - brings YAML, which --help need not load

        directory = Directory(project_names, region_names)
        try:
            found = resolve_names(DesiredState((), tuple(setup.targets), {}, names=setup.names), directory)
        except (InputError, UsageError) as error:
            issues = error.issues if isinstance(error, InputError) else ()
            said = "; ".join(f"{each.place}: {each.message}" for each in issues) or error.message
            yield Check("names", Health.FAILED, said)
            return
        setup = replace(setup, targets=found.targets, names=())
    yield from _groups(setup, get)
    yield from _quotas(setup, get)
    yield _v2(setup, answer, get)
    yield Check(
        "writing", Health.NOTE, "whether this key may write, and whether v1's PATCH is still there, only writing tells"
    )


def _with_hint(error: UsageError) -> str:
    return f"{error.message}. {error.hint}" if error.hint else error.message


def _address(setup: Setup, answer: "ProbeResult") -> Check:
    url = setup.base_url
    if answer.status is None:
        return Check("address", Health.FAILED, f"{url} does not answer: {answer.problem}. {_advice(setup, answer)}")
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


def _advice(setup: Setup, answer: "ProbeResult") -> str:
    problem = answer.problem.lower()
    if answer.hint:
        return answer.hint
    if "the proxy" in problem:
        return "Check HTTPS_PROXY and NO_PROXY."
    if "cannot find" in problem:
        return "The name is not known here: check GCORE_BASE_URL and the DNS of this machine."
    if setup.base_url.startswith("https:") and setup.has_proxy:
        return "Requests go through a proxy: check that it lets them pass."
    return "Check GCORE_BASE_URL, and whether a firewall or a missing HTTPS_PROXY is in the way."


def _clock(answer: "ProbeResult", now: datetime) -> Iterator[Check]:
    if (date := read_date(answer.date or "")) is None:
        return
    seconds = (now - date).total_seconds()
    if abs(seconds) <= SKEW:
        yield Check("clock", Health.OK, "this machine's clock agrees with the API's")
    else:
        how = "ahead of" if seconds > 0 else "behind"
        yield Check(
            "clock",
            Health.NOTE,
            f"this machine's clock is {abs(seconds):.0f} s {how} the API's: the age of saved plans is judged by it",
        )


def _key(setup: Setup, answer: "ProbeResult") -> Check | None:
    """Judge the key by the first answer; nothing to say where that tells nothing of the key."""
    if setup.key_problem is not None:
        return Check("key", Health.FAILED, setup.key_problem)
    if setup.key_source is None:
        return Check(
            "key", Health.FAILED, "no API key is set: set GCORE_API_KEY, or GCORE_API_KEY_FILE to the name of a file"
        )
    if answer.status == 401:
        return Check(
            "key",
            Health.FAILED,
            f"the API does not accept the key from {setup.key_source} (401): {_dollar(answer)}it is wrong, expired or "
            "was deleted; make a new one in the customer portal",
        )
    if answer.body is None or answer.status not in {200, 403}:
        return None
    return Check("key", Health.OK, f"the API accepts the key from {setup.key_source}")


def _dollar(answer: "ProbeResult") -> str:
    if refusal_of(answer.status, answer.details) is not Refusal.DOLLAR_IN_KEY:
        return ""
    return "if it has a `$`, a shell may have expanded it: export it in single quotes; else "


def _listed(what: str, field: str, get: Get) -> tuple[Check, dict[int, str]]:
    """Say which projects or regions there are, by the field that names them; with the names by id."""
    answer = get(f"/cloud/v1/{what}", {"limit": 1000})
    if answer.status != 200 or answer.body is None:
        return Check(what, Health.NOTE, f"the API does not list {what} to this key ({_came(answer)})"), {}
    try:
        _, names = parse_names(answer.body, what, field)
    except ApiError as error:
        return Check(what, Health.NOTE, error.message), {}
    few = [f"{shown(name)[1:-1]} ({number})" if name else str(number) for number, name in names.items()]
    return Check(what, Health.OK, f"the key sees {len(names)} {what}: {listed(few, 10)}"), names


def _groups(setup: Setup, get: Get) -> Iterator[Check]:
    if not setup.targets:
        yield Check(
            "groups",
            Health.NOTE,
            "no project and region are named, so nothing was listed: pass --project-id and --region-id, or PATHS",
        )
    for target in setup.targets:
        answer = get(f"/cloud/v1/securitygroups/{target.project_id}/{target.region_id}", {"limit": 1})
        if answer.status != 200 or answer.body is None:
            yield Check("groups", Health.FAILED, f"{target} cannot be listed ({_came(answer)}){_why(answer, target)}")
            continue
        try:
            page = parse_page(answer.body, target)
            yield Check("groups", Health.OK, f"v1 answers: {page.count} security groups in {target}")
        except ApiError as error:
            yield Check("groups", Health.FAILED, f"{error.message}; check GCORE_BASE_URL")


def _quotas(setup: Setup, get: Get) -> Iterator[Check]:
    """Tell how many groups the regions hold of those that they may; nothing where the API does not say."""
    regions = sorted({target.region_id for target in setup.targets})
    answer = get(QUOTAS_PATH, {}) if regions else None
    quotas = parse_quotas(answer.body) if answer and answer.status == 200 and answer.body else {}
    for region_id in regions:
        if (quota := quotas.get(region_id)) is None:
            continue
        said = f"{quota.used} of {quota.limit} security groups are used in region {region_id}, over all projects"
        if quota.used < quota.limit:
            yield Check("quota", Health.OK, said)
        else:
            yield Check("quota", Health.NOTE, f"{said}: none can be created; ask Gcore's support for a higher quota")


def _why(answer: "ProbeResult", target: Target) -> str:
    if answer.status == 403:
        return f": the key needs a role with access to project {target.project_id}"
    if answer.status == 404:
        return ": there is no such project or region; check the two numbers"
    return ": try again, with -v to see the requests"


def _v2(setup: Setup, tasks: "ProbeResult", get: Get) -> Check:
    """Tell whether v2 could be used. It has no reads of its own: its address refuses a GET as not allowed (405)."""
    if tasks.status != 200 or not tasks.body or not isinstance(tasks.body.get("results"), list):
        return Check(
            "v2", Health.NOTE, f"tasks cannot be read ({_came(tasks)}): --api-version v2 could not follow its writes"
        )
    readable = "tasks can be read, which --api-version v2 needs to follow its writes"
    if setup.targets:
        target = setup.targets[0]
        answer = get(f"/cloud/v2/security_groups/{target.project_id}/{target.region_id}", {})
        if answer.status not in {200, 405}:
            return Check(
                "v2", Health.NOTE, f"{readable}, but its address for {target} does not answer ({_came(answer)})"
            )
    return Check("v2", Health.OK, readable)


def _came(answer: "ProbeResult") -> str:
    if answer.status is None:
        return answer.problem
    said = "no JSON" if answer.body is None else answer.details.message
    return f"status {answer.status}" + (f", {said}" if said else "")

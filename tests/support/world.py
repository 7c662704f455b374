"""A whole reconciler against the emulator over a socket: plan, apply, and look at what the server saw.

Time is faked: waiting only moves the clock on. Every world is a project of its own, so one server serves many tests.
"""

import itertools
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from threading import Lock
from typing import Any

import httpx
from hypothesis import strategies as st

from reconciler.api.backend import BACKENDS, GcoreWriter
from reconciler.api.http import Http
from reconciler.api.live import read_live
from reconciler.api.reader import GcoreReader
from reconciler.api.v2 import SettledReader
from reconciler.applying.apply import Report, apply, check_stale, read_for
from reconciler.applying.outcome import NoJournal, Recorder
from reconciler.applying.session import ApplyContext
from reconciler.emulator.faults import Fault, FaultPlan
from reconciler.emulator.knobs import DefaultRules, Knobs
from reconciler.emulator.records import Group, RequestRecord
from reconciler.emulator.records import Rule as ServerRule
from reconciler.emulator.records import Target as ServerTarget
from reconciler.emulator.seed import load_seed
from reconciler.emulator.server import EmulatorServer
from reconciler.model.canonical import canonical_rule
from reconciler.model.desired import DesiredGroup, DesiredRule, DesiredState, Target
from reconciler.model.errors import SgctlError
from reconciler.model.place import FilePlace
from reconciler.model.rule import Rule
from reconciler.planning.orphans import find_orphans
from reconciler.planning.plan import Plan, PlanOptions
from reconciler.planning.resolve import resolve
from reconciler.workflow import make_plan

PLACE = FilePlace("groups.yaml", 1, 1)
EGRESS = (Rule("egress", "IPv4"), Rule("egress", "IPv6"))
REGION = 7
_PROJECTS = itertools.count(1)

Content = Counter[tuple[Rule, str]]


def neutron(*knobs: Any, **others: Any) -> Knobs:
    """Knobs of a cloud that adds nothing to Neutron: two rules for every new group, and no port of egress closed."""
    return Knobs(*knobs, **{"default_rules": DefaultRules.NEUTRON, "refuse_port_25": False, **others})


class FakeClock:
    """Runs on by itself, and ahead by everything that somebody wanted to wait."""

    def __init__(self) -> None:
        self.slept = 0.0
        self._lock = Lock()
        self._start = datetime.now(UTC)

    def now(self) -> datetime:
        return datetime.now(UTC) + timedelta(seconds=self.slept)

    def monotonic(self) -> float:
        return (datetime.now(UTC) - self._start).total_seconds() + self.slept

    def sleep(self, seconds: float) -> None:
        with self._lock:
            self.slept += seconds


def tcp(port: int, prefix: str | None = None, description: str = "", *, group: str | None = None) -> DesiredRule:
    """An ingress rule for a TCP port, from everywhere, a prefix or a group by name."""
    return DesiredRule(Rule("ingress", "IPv4", "tcp", port, port, prefix), description, PLACE, group)


def wanted(target: Target, *groups: tuple[str, Sequence[DesiredRule] | None], **fields: Any) -> DesiredState:
    """Desired state of one target; `fields` hold for all of its groups."""
    owner = fields.get("owner")
    return DesiredState(
        tuple(
            DesiredGroup(target, name, PLACE, rules=None if rules is None else tuple(rules), **fields)
            for name, rules in groups
        ),
        (target,),
        {target: frozenset({owner} if owner else ())},
    )


def seeds(rules: Iterable[DesiredRule]) -> list[dict[str, Any]]:
    """Rules as a seed holds them."""
    return [_seed(rule) for rule in rules]


def _seed(rule: DesiredRule) -> dict[str, Any]:
    fields = {name: value for name, value in rule.rule._asdict().items() if value is not None}
    remote = {"remote_group": rule.remote_group} if rule.remote_group else {}
    return fields | remote | {"description": rule.description}


# Random rules, for the tests that hold for all of them.

ports = st.one_of(
    st.just((None, None)), st.tuples(st.integers(1, 6), st.integers(0, 3)).map(lambda pair: (pair[0], sum(pair)))
)


_protocols = st.sampled_from(["tcp", "tcp", "udp", None])
_prefixes = st.sampled_from([None, "10.0.0.0/8", "10.1.0.0/16", "10.1.2.0/24", "192.0.2.0/24"])
_directions = st.sampled_from(["ingress", "ingress", "egress"])


@st.composite
def rules(draw: st.DrawFn) -> Rule:
    """Rules that meet each other often."""
    protocol = draw(_protocols)
    low, high = draw(ports) if protocol else (None, None)
    return Rule(draw(_directions), "IPv4", protocol, low, high, draw(_prefixes))


def rule_lists(**limits: int) -> st.SearchStrategy[list[DesiredRule]]:
    described = st.builds(
        lambda rule, text: DesiredRule(rule, text, PLACE), rules(), st.sampled_from(["", "", "one", "two"])
    )
    return st.lists(described, unique_by=lambda each: each.rule, **limits)


@dataclass(slots=True)
class World:
    """One project of an emulator, and a reconciler that looks after it."""

    server: EmulatorServer
    version: str = "v1"
    two_phase: bool = False
    knobs: Knobs = field(default_factory=neutron)
    timeout: float = 10.0
    target: Target = field(default_factory=lambda: Target(next(_PROJECTS), REGION))
    clock: FakeClock = field(default_factory=FakeClock)
    recorder: Recorder = field(default_factory=NoJournal)
    stopped: bool = False
    transport: type[httpx.HTTPTransport] = httpx.HTTPTransport
    report: Report | None = None
    first_request: int = 0
    first_step: int = 0

    def __post_init__(self) -> None:
        self.server.control.plan(FaultPlan())
        self.server.control.knobs = self.knobs
        self.first_request, self.first_step = len(self.server.requests), len(self.server.history)

    def seed(self, *groups: Mapping[str, Any]) -> None:
        """Put groups into the project, taken as they are."""
        head = {"project_id": self.target.project_id, "region_id": self.target.region_id}
        load_seed(self.server.store, {"groups": [{**head, **group} for group in groups]})

    def faults(self, *faults: Fault) -> None:
        """Let things go wrong from now on."""
        self.server.control.plan(FaultPlan(faults))

    def connect(self) -> Http:
        # Loading the certificate authorities takes longer than a whole test, and nothing here is encrypted.
        transport = self.transport(verify=False)
        return Http(self.server.url, self.server.api_key, self.clock, timeout=self.timeout, transport=transport)

    def plan(self, state: DesiredState, **options: Any) -> Plan:
        """Plan as the command does."""
        with self.connect() as http:
            reader = GcoreReader(http)
            live = read_live(reader, state.targets)
            chosen = PlanOptions(api_version=self.version, two_phase=self.two_phase, **options)  # type: ignore[arg-type]  # a table's text
            instances = {}
            if chosen.prune:
                found, _ = resolve(state, live)
                instances = {
                    group.id: reader.read_instances(group.target, group.id)
                    for group in find_orphans(state, live, found)
                }
            created_at = self.clock.now().strftime("%Y-%m-%dT%H:%M:%SZ")
            return make_plan(state, live, chosen, base_url=reader.base_url, created_at=created_at, instances=instances)

    def wait_for_tasks(self) -> None:
        """Do what an apply on v2 does before it reads: let tasks of an earlier one end."""
        if self.version == "v2":
            with self.connect() as http:
                SettledReader(http, self.clock).list_groups(self.target)

    def apply(self, plan: Plan, *, skip_stale: bool = False, check: bool = True, parallelism: int = 4) -> Report:
        """Check that a plan is not stale and carry it out. Raises `StalePlan`."""
        with self.connect() as http:
            context = ApplyContext(
                GcoreReader(http),
                GcoreWriter(http, self.clock),
                self.clock,
                BACKENDS[plan.api_version],
                self.recorder,
                lambda: self.stopped,
            )
            stale = check_stale(plan, read_for(plan, context, 4), skip_stale=skip_stale) if check else ()
            return apply(plan, context, stale, parallelism=parallelism)

    def exit_code(self, plan: Plan) -> tuple[int, str]:
        """Apply a plan, and tell what the command would exit with and say; `report` is kept."""
        self.report = None
        try:
            report = self.report = self.apply(plan)
        except SgctlError as error:
            return error.exit_code, str(error)
        told = "; ".join(f"{each.change.difference.name}: {each.status} {each.message}" for each in report.results)
        return (report.error.exit_code if report.error else 0), told

    # What the server holds and saw, without asking it over the socket.

    def groups(self, name: str | None = None) -> list[Group]:
        """The groups but for `default`, or those of one name."""
        found = self.server.store.groups(ServerTarget(self.target.project_id, self.target.region_id), name)
        return [group for group in found if name is not None or group.name != "default"]

    def group(self, name: str = "web") -> Group:
        """The one group of that name."""
        (group,) = self.groups(name)
        return group

    def content(self, name: str = "web") -> Content:
        """The rules of a group with their descriptions."""
        return Counter((canonical(rule), rule.description or "") for rule in self.group(name).rules)

    def requests(self) -> list[RequestRecord]:
        """What the server was asked about this project."""
        mark = re.compile(rf"/{self.target.project_id}/{self.target.region_id}(/|$)")
        return [record for record in self.server.requests[self.first_request :] if mark.search(record.path)]

    def writes(self) -> list[RequestRecord]:
        """The requests that were to change something."""
        return [record for record in self.requests() if record.method != "GET"]

    def rule_sets(self, group_id: str) -> list[list[Rule]]:
        """Every rule set that a group has had, oldest first."""
        steps = [step for step in self.server.history[self.first_step :] if step.group_id == group_id]
        return [[canonical(rule) for rule in step.rules] for step in steps]

    def blind_repetitions(self) -> list[str]:
        """Writes to a group that came after a failed one without a read of that group, or of the list, in between."""
        failed: set[str] = set()
        found = []
        for record in self.requests():
            name = re.sub(r"/rules(/.*)?$", "", re.sub(r".*/(securitygroups|security_groups)/", "", record.path))
            if record.method == "GET":
                failed = {each for each in failed if each != name and not each.startswith(f"{name}/")}
                continue
            if name in failed:
                found.append(f"{record.method} {record.path}")
            failures = set(record.faults) - {"foreign_change", "slow_task"}
            if record.status != 429 and (record.status is None or record.status >= 300 or failures):
                failed.add(name)
        return found


def canonical(rule: ServerRule) -> Rule:
    """A rule of the server in the one spelling."""
    return canonical_rule(
        rule.direction,  # type: ignore[arg-type]  # the emulator keeps text
        rule.ethertype,  # type: ignore[arg-type]  # the same
        rule.protocol,
        rule.port_range_min,
        rule.port_range_max,
        rule.remote_ip_prefix,
        rule.remote_group_id,
    )


def contents(rules: Iterable[DesiredRule]) -> Content:
    """Desired rules with their descriptions."""
    return Counter((rule.rule, rule.description) for rule in rules)

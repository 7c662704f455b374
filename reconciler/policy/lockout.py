"""`--protect-ssh-from`: whoever runs the command must not lock themselves out."""

from collections.abc import Iterator

from reconciler.describe import describe_rule
from reconciler.model.difference import Action, Difference
from reconciler.model.plan import Finding
from reconciler.model.rule import Rule
from reconciler.traffic import Packet, admits

LOCKOUT = "protect_ssh"
_SSH = 22


def check_lockout(difference: Difference, after: tuple[Rule, ...], address: str) -> Iterator[Finding]:
    """Judge that a changed group which admits SSH from an address still does; `after` are its rules in the end."""
    if difference.live is None or not (difference.changes_rules or difference.action is Action.DELETE):
        return
    packet = Packet("ingress", "IPv6" if ":" in address else "IPv4", "tcp", port=_SSH, remote_address=address)
    before = {rule.rule: rule.id for rule in difference.live.rules}
    admitting = admits(before, packet)
    if not admitting or admits(after, packet):
        return
    lost = "; ".join(f"{' '.join(describe_rule(rule).split())} ({before[rule]})" for rule in admitting)
    message = (
        f"THIS WOULD LOCK YOU OUT: {difference.name!r} ({difference.target}, {difference.live.id}) admits SSH (tcp 22) "
        f"from {address}, where you are, and would no longer do so. What admits it now: {lost}. Nothing was sent. "
        f"Keep a rule in {difference.name!r} that admits tcp 22 from {address}, and plan again; or, if you mean it and "
        "have another way in, plan without --protect-ssh-from"
    )
    yield Finding(LOCKOUT, "error", message, None, difference.place, difference.name)

"""Two single rules: does one reach into the other, does one hold all of the other."""

from reconciler.model.rule import Rule
from reconciler.traffic.extent import rectangle


def overlaps(a: Rule, b: Rule) -> bool:
    """Whether some flow is admitted by both rules."""
    if not _comparable(a, b):
        return False
    (a_services, a_remotes), (b_services, b_remotes) = rectangle(a), rectangle(b)
    return (
        a_services[0] < b_services[1]
        and b_services[0] < a_services[1]
        and a_remotes[0] < b_remotes[1]
        and b_remotes[0] < a_remotes[1]
    )


def covers(a: Rule, b: Rule) -> bool:
    """Whether `a` admits every flow that `b` admits. A rule covers itself."""
    if not _comparable(a, b):
        return False
    (a_services, a_remotes), (b_services, b_remotes) = rectangle(a), rectangle(b)
    return (
        a_services[0] <= b_services[0]
        and b_services[1] <= a_services[1]
        and a_remotes[0] <= b_remotes[0]
        and b_remotes[1] <= a_remotes[1]
    )


def _comparable(a: Rule, b: Rule) -> bool:
    """Ask the cheap questions first: most pairs of a real group already differ here."""
    if a.direction != b.direction or a.ethertype != b.ethertype:
        return False
    return a.protocol == b.protocol or a.protocol is None or b.protocol is None

"""What stands beside a rule or a group for its reviewers: until when it is meant to be, and agreed exceptions."""

from datetime import date
from typing import NamedTuple


class PolicyException(NamedTuple):
    """A reviewed exception from one policy. It holds up to and including the day `until`."""

    policy: str
    reason: str
    until: date


class Terms(NamedTuple):
    """The terms of a rule. `expires` is the last day on which it is meant to be there."""

    expires: date | None = None
    exceptions: tuple[PolicyException, ...] = ()

"""Everything that can go wrong, and the exit code each ends in.

SgctlError                 1   what is wrong, and what to do about it
├── UsageError             1   the command line asks for something that makes no sense
├── InputError             1   the files are wrong: all issues at once, each with its place
├── PlanFileError          1   a plan file that is not one, was edited, is too old or is for another API
├── ApiError               1   the API could not be read, or answered what it should not
│   ├── ApiUnreachable     1   no answer within the time allowed
│   ├── ApiRefused         1   a 4xx: nothing was done, and the answer says why
│   ├── OutcomeUnknown     1   a write was sent and what became of it is not known
│   │   ├── TaskFailed     1   a task of v2 ended in ERROR; it may have acted in part
│   │   └── OutOfDate      1   a write was not carried out, and must not be repeated as it is
│   └── Stopped            1   the user asked to stop, and waiting was needed to go on
├── StalePlan              3   live state moved since the plan was made; nothing was sent
├── AppliedInPart          4   something was applied and something was not
└── GuardrailStop          5   the plan is shown, and stopped
"""

from dataclasses import dataclass
from enum import IntEnum
from typing import Any, ClassVar, Self

from reconciler.model.place import Place, UsedPlace, written_at
from reconciler.model.problems import ProblemName


class ExitCode(IntEnum):
    """How a command ended, the same for every command; `meaning` is what help texts and the manual page say."""

    meaning: str

    DONE = 0, "done, or nothing to change"
    ERROR = 1, "error, wrong usage included"
    DIFFERENCES = (
        2,
        "changes or drift found (plan --detailed-exitcode, drift); refused (trace); findings (lint)",
    )
    STALE = 3, "the plan is stale; nothing was sent"
    IN_PART = 4, "applied in part"
    STOPPED = 5, "stopped by a guardrail"

    def __new__(cls, code: int, meaning: str) -> Self:
        """Make a member that is the number itself."""
        member = int.__new__(cls, code)
        member._value_ = code
        member.meaning = meaning
        return member


@dataclass(frozen=True, slots=True)
class Issue:
    """One thing that is wrong in a file.

    `name` is that of its kind. `line` is the text of the offending line, or of a very long one the part around the
    place; `caret` is the column in that text; `fix` is what to write instead; `related` are further places that belong
    to it, each with what is there. `replacement` is what can stand in the file instead of the value at the place, where
    nothing else can be meant.
    """

    place: Place
    name: ProblemName
    message: str
    line: str | None = None
    fix: str | None = None
    related: tuple[tuple[str, Place], ...] = ()
    caret: int = 1
    replacement: str | None = None

    @property
    def what(self) -> tuple[str | Place, ...]:
        """What makes two issues one: what they say of which text, and what to do. A rule set is brought by each use."""
        others = self.related if isinstance(self.place, UsedPlace) else ()
        return (self.message, self.fix or "", written_at(self.place), *(written_at(place) for _, place in others))


class SgctlError(Exception):
    """The root: a sentence for the user (`message`), what to do (`hint`), and the exit code of its class."""

    exit_code: ClassVar[ExitCode] = ExitCode.ERROR

    def __init__(self, message: str, hint: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


class UsageError(SgctlError):
    """The command line asks for something that makes no sense."""


class InputError(SgctlError):
    """The files are wrong. Carries every issue of the run, once and sorted by place."""

    def __init__(self, issues: tuple[Issue, ...]) -> None:
        found: dict[object, Issue] = {}
        for issue in sorted(issues, key=lambda issue: issue.place.order):
            found.setdefault(issue.what, issue)
        super().__init__(f"{len(found)} error{'s' if len(found) != 1 else ''} in the files")
        self.issues = tuple(found.values())


class PlanFileError(SgctlError):
    """A plan file that is not one, was edited, is too old, or was made for another API."""


@dataclass(frozen=True, slots=True)
class ErrorDetails:
    """What the API says of a request that failed. Every text is fit to print, short, and without the API key.

    `request_id` is what its support asks for; `info` are names with their values, as a quota with its numbers;
    `invalid_fields` are names, with the reason where one is given.
    """

    exception_class: str | None = None
    message: str | None = None
    request_id: str | None = None
    info: tuple[tuple[str, str], ...] = ()
    invalid_fields: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """Write what is there as JSON data: for logs, journals and reports."""
        content = {
            "exception_class": self.exception_class,
            "message": self.message,
            "request_id": self.request_id,
            "info": dict(self.info),
            "invalid_fields": list(self.invalid_fields),
        }
        return {name: value for name, value in content.items() if value}


NO_DETAILS = ErrorDetails()


class ApiError(SgctlError):
    """The API could not be read, or answered something that it should not.

    `status` is that of the answer, None where no answer came; `details` is what the answer says.
    """

    def __init__(
        self,
        message: str,
        hint: str | None = None,
        *,
        status: int | None = None,
        details: ErrorDetails = NO_DETAILS,
    ) -> None:
        super().__init__(message, hint)
        self.status = status
        self.details = details

    @property
    def request_id(self) -> str | None:
        """What the API calls the request."""
        return self.details.request_id


class ApiUnreachable(ApiError):
    """No answer within the tries and the time allowed; nothing is known to have changed."""


class ApiRefused(ApiError):
    """The API refused a request (4xx): it did nothing, and `status`, `details` and the message say why."""

    status: int

    def __init__(
        self, message: str, status: int, hint: str | None = None, *, details: ErrorDetails = NO_DETAILS
    ) -> None:
        super().__init__(message, hint, status=status, details=details)


class OutcomeUnknown(ApiError):
    """A write was sent and its outcome is not known: the next request about that group has to be a read."""


class TaskFailed(OutcomeUnknown):
    """A task of v2 ended in ERROR, for the reason that the message gives: it may have acted in part."""


class OutOfDate(OutcomeUnknown):
    """A write was refused while another task held a lock. It did nothing, and what it replaces may have changed."""


class Stopped(ApiError):
    """The user asked to stop, and nothing further could be learned or done without waiting."""


class StalePlan(SgctlError):
    """Live state moved since the plan was made. Nothing was sent."""

    exit_code = ExitCode.STALE


class AppliedInPart(SgctlError):
    """Something was applied and something was not."""

    exit_code = ExitCode.IN_PART


class GuardrailStop(SgctlError):
    """A guardrail stopped the plan, which is shown all the same."""

    exit_code = ExitCode.STOPPED

"""What goes to stderr beside progress: requests and errors, as text for people or as JSON lines for collectors."""

import errno
import os
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import click

from reconciler.cli.streams import Secrets
from reconciler.model.clock import SystemClock, format_moment
from reconciler.model.environment import NO_COLOR, TRACEBACK
from reconciler.model.errors import NO_DETAILS, ApiError, ErrorDetails, ExitCode, InputError, Issue, SgctlError
from reconciler.model.place import position_of
from reconciler.model.text import printable
from reconciler.render.errors import render_error, render_issue

if TYPE_CHECKING:  # every start makes a log, and httpx costs 0.1 s
    from reconciler.api.http import Exchange
    from reconciler.api.retry import LockWait


class Log:
    """Writes to stderr. `is_json`, `verbose` and `quiet` follow the options of the command (see `options`).

    `on_lock` is who shows waits for locks: a connection is there before the progress line that they appear on.
    `secrets` are what no output holds. `code_stands` says that the exit code tells what was done, whether or not the
    report of it could be written, and `has_written` that a request which may change something was sent.
    """

    def __init__(self, environment: Mapping[str, str] = os.environ) -> None:
        self.is_json = False
        self.verbose = False
        self.quiet = False
        self.code_stands = False
        self.has_written = False
        self.secrets = Secrets(environment)
        self.color = False if environment.get(NO_COLOR) else None
        self.on_lock: Callable[[LockWait], None] = lambda _: None

    def request(self, exchange: "Exchange") -> None:
        """Write one request with its status and time: with -v, and in JSON unless -q."""
        self.has_written |= exchange.method != "GET"
        milliseconds = round(exchange.seconds * 1000)
        if self.is_json and not self.quiet:
            self.event(
                "request",
                method=exchange.method,
                path=exchange.path,
                status=exchange.status,
                milliseconds=milliseconds,
                request_id=exchange.request_id,
                problem=exchange.problem,
                error=_error_of(exchange),
            )
        elif self.verbose and not self.is_json:
            status = exchange.status if exchange.status is not None else exchange.problem
            request_id = f" {exchange.request_id}" if exchange.request_id else ""
            said = exchange.details.exception_class, exchange.details.message
            about = f" {': '.join(filter(None, said))}" if any(said) else ""
            self.line(printable(f"{exchange.method} {exchange.path} {status} {milliseconds} ms{request_id}{about}"))

    def lock(self, wait: "LockWait") -> None:
        """Pass a wait for a lock to whoever shows it."""
        self.on_lock(wait)

    def failed(
        self,
        message: str,
        hint: str | None = None,
        exit_code: int = ExitCode.ERROR,
        details: ErrorDetails = NO_DETAILS,
    ) -> None:
        """Write an error, and what to do about it; collectors also get what the API says of it."""
        if self.is_json:
            error = details.to_json() or None
            self.event("error", "error", message=message, hint=hint, exit_code=exit_code, error=error)
        else:
            self.line(render_error(SgctlError(message, hint)).rstrip("\n"))

    def warning(self, message: str) -> None:
        """Write what does not stop the command, and should be known all the same."""
        self._aside("warning", message, fg="yellow", bold=True)

    def note(self, message: str) -> None:
        """Write what bears on how the result is to be read."""
        self._aside("note", message)

    def _aside(self, word: str, message: str, **style: Any) -> None:
        if self.is_json:
            self.event(word, "info" if word == "note" else word, message=message)
        else:
            self.line(f"{click.style(f'{word}:', **style)} {printable(message)}")

    def issues(self, error: InputError) -> None:
        """Write everything that is wrong in the files, each with its place."""
        from shutil import get_terminal_size  # noqa: PLC0415 - only when something went wrong

        width = get_terminal_size().columns
        for issue in error.issues:
            if self.is_json:
                self.event("issue", "error", **_fields(issue))
            else:
                self.line(render_issue(issue, width).rstrip("\n"))

    def event(self, event: str, level: str = "info", **fields: Any) -> None:
        """Write one JSON object on a line of its own; what is None is left out."""
        from json import dumps  # noqa: PLC0415 - only for collectors

        head = {"time": format_moment(SystemClock().now()), "level": level, "event": event}
        self.line(dumps(head | {name: value for name, value in fields.items() if value is not None}))

    def line(self, text: str) -> None:
        """Write a line of text as it is; where stderr is gone, as after SIGHUP, nobody reads it."""
        with suppress(OSError):
            click.echo(text, err=True, color=self.color)


def tell(text: str, event: str = "note") -> None:
    """Say something beside the result: a line on stderr, or an event of that name in JSON; nothing with --quiet."""
    log = current_log()
    if log.is_json:
        log.event(event, message=text)
    elif not log.quiet:
        log.line(printable(text))


def current_log() -> Log:
    """Return the log of the command that runs; one with nothing set outside of any."""
    context = click.get_current_context(silent=True)
    return (context.find_object(Log) if context is not None else None) or Log()


def _error_of(exchange: "Exchange") -> dict[str, Any] | None:
    """Return what an error answer says; of others, only the id of the request is known, and that is there already."""
    details = exchange.details
    return None if replace(details, request_id=None) == NO_DETAILS else details.to_json()


def _fields(issue: Issue) -> dict[str, Any]:
    position = position_of(issue.place)
    return {
        "place": str(issue.place),
        **(position._asdict() if position is not None else {}),
        "name": issue.name,
        "message": issue.message,
        "fix": issue.fix,
        "related": [{"place": str(place), "message": what} for what, place in issue.related] or None,
    }


def report(error: Exception, log: Log | None = None) -> int:
    """Write an error to stderr and return its exit code; without a log, as the command that runs asks for it."""
    log = log or current_log()
    if isinstance(error, InputError):
        log.issues(_with_lines(error))
    if isinstance(error, SgctlError):
        details = error.details if isinstance(error, ApiError) else NO_DETAILS
        log.failed(error.message, error.hint, error.exit_code, details)
        return error.exit_code
    if os.environ.get(TRACEBACK):
        from traceback import format_exception  # noqa: PLC0415 - only a bug needs it

        log.line("".join(format_exception(error)))
    if isinstance(error, OSError | MemoryError | ImportError) or str(error) == _NO_THREAD:
        log.failed(*_of_the_system(error))
        return ExitCode.ERROR
    log.failed(
        f"this is a bug in sgctl: {type(error).__name__}",
        f"please report it with what {TRACEBACK}=1 makes it say (read that before you post it).",
    )
    return ExitCode.ERROR


def _with_lines(error: InputError) -> InputError:
    """Add the lines of issues that were found when the files had been read already."""
    if all(issue.line is not None for issue in error.issues):
        return error
    from reconciler.loading.load import with_lines  # noqa: PLC0415 - brings YAML

    return InputError(with_lines(error.issues))


_NO_THREAD = "can't start new thread"
"""How Python words a `RuntimeError` that is none of the program."""


def _of_the_system(error: Exception) -> tuple[str, str]:
    """Word what this machine refused, and say what to look at: no bug, and nothing that a command foresaw."""
    if isinstance(error, MemoryError):
        return "this machine has no more memory to give", "Read fewer files at once, or raise the limit of memory."
    if isinstance(error, ImportError):
        return (
            f"a part of sgctl cannot be loaded: {printable(str(error))}",
            "Install sgctl anew, or raise the limit of memory.",
        )
    if not isinstance(error, OSError):
        return "this machine gives no further thread", "Raise the limit of processes (`ulimit -u`) or of memory."
    if error.errno in {errno.EMFILE, errno.ENFILE}:
        return (
            "this machine opens no further file",
            "Raise the limit of open files (`ulimit -n`), or lower --parallelism.",
        )
    name = f"{printable(error.filename)}: " if isinstance(error.filename, str) else ""
    return (
        f"this machine refused something: {name}{error.strerror or error or type(error).__name__}",
        "Look at the file or folder named, its permissions, the space on the disk, and the current folder.",
    )

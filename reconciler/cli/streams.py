"""stdout and stderr of a command line: without the API key, and never in the way of what a command does.

Every text that leaves the process passes here, whoever wrote it: a result, an error, the line of a file, click itself.
A stream that cannot be written (a full disk, a pipe whose reader has gone) is given up, and what was wrong is kept, so
that a command ends with the exit code that it would have had: an apply that stopped half-way because its log is full
would do more harm than one that nobody watches.
"""

import errno
import io
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import TextIO

from reconciler.model.environment import API_KEY, API_KEY_FILE
from reconciler.model.secret import Secret

SHORTEST_KEY = 12
"""Characters of a key that is looked for in all output. No key of the API is shorter; `emulator` is one of nobody's."""


_MOST_WORDS = 20


class Secrets:
    """The keys that this process knows."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        """Take those of the environment. A pipe is not read: whoever needs the key reads it up, and adds it."""
        self._secrets: dict[str, Secret] = {}
        self.add(environment.get(API_KEY) or "")
        if path := environment.get(API_KEY_FILE):
            from reconciler.model.files import KEY_LIMIT, read_bounded  # noqa: PLC0415 - most keys are in no file

            with suppress(OSError, ValueError):
                self.add(read_bounded(path, KEY_LIMIT).decode("ascii"))

    def add(self, text: str) -> None:
        """Keep one more key out of the output; of a text with blanks, which is no key, the first words.

        Of the line of a shell that sets the variable, its name is no secret.
        """
        for word in text.split()[:_MOST_WORDS]:
            key = word.removeprefix(f"{API_KEY}=")
            self._secrets.setdefault(key, Secret(key, SHORTEST_KEY))

    def are_in(self, text: str) -> bool:
        """Tell whether a text of ours, which escapes no character of a key, holds one of them."""
        return any(len(key) >= SHORTEST_KEY and key in text for key in self._secrets)

    def hide(self, text: str) -> str:
        """Return the text without them."""
        for secret in self._secrets.values():
            text = secret.hide(text)
        return text


class Stream(io.TextIOBase):
    """A stream that hides secrets; `problem` is why it was given up, None as long as it works."""

    def __init__(self, stream: TextIO, hide: Callable[[str], str]) -> None:
        self._stream = stream
        self._hide = hide
        self.problem: OSError | None = None
        if isinstance(stream, io.TextIOWrapper):
            is_ascii = (stream.encoding or "").lower().replace("_", "-") in {"ascii", "us-ascii", "ansi-x3.4-1968"}
            # A name in another script must not end a command in a locale that cannot say it.
            stream.reconfigure(encoding="utf-8" if is_ascii else None, errors="backslashreplace")
        self.buffer = _Bytes(self)

    @property
    def encoding(self) -> str:  # type: ignore[override]  # a property, as TextIOWrapper has it
        """How characters become bytes."""
        return getattr(self._stream, "encoding", None) or "utf-8"

    @property
    def errors(self) -> str | None:  # type: ignore[override]  # the same
        """What becomes of characters that the encoding lacks."""
        return getattr(self._stream, "errors", None)

    def write(self, text: str, /) -> int:
        """Write a text without the key."""
        if not isinstance(text, str):
            raise TypeError("bytes go to `buffer`")  # how click finds out that this is a stream of text
        hidden = self._hide(text)
        if self.problem is None:
            try:
                self._stream.write(hidden)
            except OSError as error:
                self.problem = error
        return len(text)

    def flush(self) -> None:
        """Send what was written on its way."""
        if self.problem is None and not self._stream.closed:
            try:
                self._stream.flush()
            except OSError as error:
                self.problem = error

    def writable(self) -> bool:
        """Always."""
        return True

    def isatty(self) -> bool:
        """Tell whether a terminal is behind it."""
        return self._stream.isatty()

    def fileno(self) -> int:
        """Return the descriptor."""
        return self._stream.fileno()

    @property
    def loss(self) -> str | None:
        """Why output was lost that somebody wants; None where all was written, or its reader has gone."""
        if self.problem is None or self.problem.errno in {errno.EPIPE, errno.ECONNRESET}:
            return None
        return self.problem.strerror or str(self.problem)


class _Bytes(io.RawIOBase):
    """The same stream for bytes, which click writes to shells that complete a line."""

    def __init__(self, stream: Stream) -> None:
        self._stream = stream

    def write(self, data: bytes, /) -> int:  # type: ignore[override]  # nobody writes anything else
        """Write bytes of UTF-8."""
        self._stream.write(data.decode("utf-8", "replace"))
        return len(data)

    def flush(self) -> None:
        """Send what was written on its way."""
        self._stream.flush()

    def writable(self) -> bool:
        """Always."""
        return True


@contextmanager
def guarded(secrets: Secrets) -> Iterator[Stream]:
    """Let stdout and stderr of the process be such streams; yields stdout."""
    before = sys.stdout, sys.stderr
    out = Stream(sys.stdout, secrets.hide)
    sys.stdout, sys.stderr = out, Stream(sys.stderr, secrets.hide)
    try:
        yield out
    finally:
        sys.stdout, sys.stderr = before

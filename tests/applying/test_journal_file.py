"""A journal's line is on the disk before its write is sent, and threads that write at once share the wait for it."""

import json
import os
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path

import pytest
from build import desired_group, live_group, plan_of, tcp, there

from reconciler.applying import journal
from reconciler.applying.journal import JournalFile
from reconciler.applying.journal_reading import read_journal
from reconciler.applying.outcome import Write
from reconciler.model.clock import SystemClock
from reconciler.model.desired import Target
from reconciler.model.errors import SgctlError
from reconciler.planning.diff import Action, Difference
from reconciler.planning.encode import Request
from reconciler.planning.plan import Change

THREADS = 8


def write(number: int) -> Write:
    difference = Difference(Action.CREATE, Target(1, 7), f"group-{number}", None)
    request = Request("POST", "/x", {"number": number})
    return Write(datetime(2026, 1, 1, tzinfo=UTC), Change(difference, "absent", ()), request, None, 200, None, None)


def opened(path: Path) -> JournalFile:
    return JournalFile(str(path), SystemClock(), base_url="https://api.example.com", api_version="v1")


def test_a_line_is_safe_when_it_is_kept_and_threads_share_the_wait(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """While the disk takes one line, others are written; the disk then takes all of them at once."""
    path, real, safe = tmp_path / "journal", os.write, [0]
    written, syncs = threading.Semaphore(0), [0]

    def counted(descriptor: int, data: bytes) -> int:
        size = real(descriptor, data)
        written.release()
        return size

    def sync(descriptor: int) -> None:
        size, syncs[0] = os.fstat(descriptor).st_size, syncs[0] + 1
        if syncs[0] == 1:
            assert all(written.acquire(timeout=60) for _ in range(THREADS))
        safe[0] = size

    def keep(number: int) -> None:
        kept.wrote(write(number))
        assert f'"number":{number}}}'.encode() in path.read_bytes()[: safe[0]]

    with opened(path) as kept:
        monkeypatch.setattr(journal.os, "write", counted)
        monkeypatch.setattr(journal.os, "fsync", sync)
        with ThreadPoolExecutor(THREADS) as pool:
            list(pool.map(keep, range(THREADS)))
    lines = [json.loads(line) for line in path.read_text().splitlines()][1:]
    assert sorted(line["body"]["number"] for line in lines) == list(range(THREADS))
    assert syncs == [2]


def test_nothing_follows_half_a_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Space that comes back on a full disk would else make the journal one that cannot be read."""
    path, real = tmp_path / "journal", os.write

    def half(descriptor: int, data: bytes) -> int:
        if len(data) > 1 and b"group-1" in data:
            return real(descriptor, data[: len(data) // 2])
        if b"group-1" not in data and not data.startswith(b"{"):
            raise OSError(28, "No space left on device")
        return real(descriptor, data)

    with opened(path) as kept:
        kept.wrote(write(0))
        monkeypatch.setattr(journal.os, "write", half)
        for number in (1, 2):
            with pytest.raises(SgctlError, match="No space left"):
                kept.wrote(write(number))
    whole, cut = path.read_text().splitlines()[1:]
    assert json.loads(whole)["name"] == "group-0"
    with pytest.raises(ValueError, match=r"Unterminated|Expecting"):
        json.loads(cut)


def test_nothing_follows_what_the_disk_did_not_take(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It says so once, and takes the next lines as if those before them were safe."""

    def fail(descriptor: int) -> None:
        raise OSError(5, "Input/output error")

    with opened(tmp_path / "journal") as kept:
        with monkeypatch.context() as patched:
            patched.setattr(journal.os, "fsync", fail)
            with pytest.raises(SgctlError, match="Input/output error"):
                kept.wrote(write(0))
        with pytest.raises(SgctlError, match="Input/output error"):
            kept.wrote(write(1))


def test_a_text_that_no_encoding_has_is_kept_as_it_was(tmp_path: Path) -> None:
    """The API's JSON may hold half a surrogate pair, in any text of a live group."""
    half = "half \ud800"
    group = live_group(half, [there(1, tcp(80), half)], {half: half}, description=half)
    (change,) = plan_of([desired_group("web", [tcp(80)], id=group.id)], [group]).changes
    with opened(tmp_path / "journal") as kept:
        kept.begin(change)
    (before,) = read_journal(str(tmp_path / "journal")).befores
    assert before.group == group

"""The tables of a state file, and opening one.

A group is one row: two pieces of JSON text as the API answers them. A list of a thousand groups is then a matter of
joining bytes, and every change writes both anew. `remotes` finds the groups whose rules refer to one: it holds every
remote group that a group ever had, so what it finds has to be looked at.
"""

from __future__ import annotations

import contextlib
import os
import sqlite3
from pathlib import Path

from .records import EmulatorError

PRIVATE = 0o600
APPLICATION_ID = 0x73676374
TABLES = f"""
PRAGMA application_id = {APPLICATION_ID};
CREATE TABLE IF NOT EXISTS groups (
    sequence INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL UNIQUE,
    project_id INTEGER NOT NULL,
    region_id INTEGER NOT NULL,
    name TEXT NOT NULL,
    head BLOB NOT NULL,
    rules BLOB NOT NULL
);
CREATE INDEX IF NOT EXISTS groups_by_target ON groups (project_id, region_id, name);
CREATE TABLE IF NOT EXISTS previous (
    group_id TEXT PRIMARY KEY REFERENCES groups (id) ON DELETE CASCADE,
    head BLOB NOT NULL,
    rules BLOB NOT NULL
);
CREATE TABLE IF NOT EXISTS remotes (
    group_id TEXT NOT NULL REFERENCES groups (id) ON DELETE CASCADE,
    remote_group_id TEXT NOT NULL,
    PRIMARY KEY (group_id, remote_group_id)
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS remotes_by_remote ON remotes (remote_group_id);
CREATE TABLE IF NOT EXISTS instances (
    group_id TEXT NOT NULL REFERENCES groups (id) ON DELETE CASCADE,
    instance_id TEXT NOT NULL,
    name TEXT NOT NULL,
    PRIMARY KEY (group_id, instance_id)
);
CREATE TABLE IF NOT EXISTS tasks (
    sequence INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL UNIQUE,
    project_id INTEGER NOT NULL,
    region_id INTEGER NOT NULL,
    state TEXT NOT NULL,
    task_type TEXT NOT NULL,
    created REAL NOT NULL,
    reads_left INTEGER NOT NULL,
    document TEXT NOT NULL,
    work TEXT NOT NULL
);
CREATE TABLE IF NOT EXISTS projects (
    id INTEGER PRIMARY KEY,
    document TEXT NOT NULL
);
CREATE TABLE IF NOT EXISTS actions (
    sequence INTEGER PRIMARY KEY AUTOINCREMENT,
    task_id TEXT,
    moment REAL NOT NULL,
    document TEXT NOT NULL
);
CREATE INDEX IF NOT EXISTS actions_by_task ON actions (task_id);
"""


REMOTES_OF_OLDER = """
INSERT OR IGNORE INTO remotes SELECT groups.id, json_extract(value, '$.remote_group_id')
FROM groups, json_each(CAST(rules AS TEXT)) WHERE json_extract(value, '$.remote_group_id') IS NOT NULL
"""


def open_database(path: str | None) -> sqlite3.Connection:
    """Return a connection to the state file, made if it is missing; None keeps everything in memory.

    Nobody but its owner may read the file, nor what SQLite puts beside it: it may hold a copy of live groups.

    Raises EmulatorError where the file cannot be used. The connection may be used from several threads, one at a
    time.
    """
    place = path or ":memory:"
    try:
        if path is not None:
            os.close(os.open(path, os.O_CREAT | os.O_RDWR, PRIVATE))  # before SQLite would make it readable
        connection = sqlite3.connect(place, isolation_level=None, check_same_thread=False)
    except (OSError, sqlite3.Error) as problem:
        raise EmulatorError(
            f"{place}: the state file cannot be opened: {getattr(problem, 'strerror', None) or problem}"
        ) from None
    try:
        connection.execute("PRAGMA foreign_keys = ON")
        connection.execute("PRAGMA synchronous = NORMAL")
        found = connection.execute("PRAGMA application_id").fetchone()[0]
        empty = not connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]
        if empty:
            connection.execute("PRAGMA journal_mode = WAL")
        if empty or found == APPLICATION_ID:
            lacks_remotes = not connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'remotes'").fetchone()
            connection.executescript(TABLES)  # a file of an older version lacks some of them
            if lacks_remotes:
                connection.execute(REMOTES_OF_OLDER)
    except sqlite3.Error as problem:
        connection.close()
        raise EmulatorError(f"{place}: not a state file of the emulator: {problem}") from None
    if not empty and found != APPLICATION_ID:
        connection.close()
        raise EmulatorError(f"{place}: this is a database, but not a state file of the emulator")
    for name in (f"{place}{suffix}" for suffix in ("", "-wal", "-shm") if path is not None):
        with contextlib.suppress(FileNotFoundError):
            Path(name).chmod(PRIVATE)
    return connection

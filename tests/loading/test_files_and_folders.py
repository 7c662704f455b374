"""Which files are read for the paths given, and what a path that gives none is told."""

import os
import threading
from pathlib import Path

import pytest

from reconciler.loading.load import Defaults, find_files, load, read_documents
from reconciler.model.errors import InputError
from reconciler.model.place import FilePlace
from reconciler.model.published import read_schema

GOOD = "project_id: 1\nregion_id: 7\nsecurity_groups: []\n"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working folder with files to find and files to leave."""
    for name in ("b.yaml", "a.yml", "sub/c.yaml", "sub/notes.txt", ".git/d.yaml", ".hidden.yaml"):
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(GOOD)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_a_folder_stands_for_its_yaml_files_sorted(folder: Path) -> None:
    """Subfolders are read, hidden files and folders are not; the current folder adds nothing to the paths shown."""
    assert find_files(["."])[0] == ("a.yml", "b.yaml", "sub/c.yaml")
    assert find_files(["sub"])[0] == ("sub/c.yaml",)
    assert find_files([str(folder)])[0] == tuple(f"{folder}/{name}" for name in ("a.yml", "b.yaml", "sub/c.yaml"))


def test_a_file_is_read_once_and_whatever_its_ending(folder: Path) -> None:
    """A named file needs no ending; another way to the same file adds nothing."""
    assert find_files(["sub/notes.txt", "b.yaml", "./b.yaml", "."])[0] == (
        "sub/notes.txt",
        "b.yaml",
        "a.yml",
        "sub/c.yaml",
    )


def test_links_do_not_go_round_in_circles(folder: Path) -> None:
    """A link to a folder above ends there; a link to nowhere is an issue."""
    (folder / "sub" / "up").symlink_to(folder)
    assert find_files(["."])[0] == ("a.yml", "b.yaml", "sub/c.yaml")
    (folder / "x.yaml").symlink_to(folder / "nowhere")
    assert [issue.name for issue in find_files(["."])[1]] == ["not-found"]


MISSING = {
    "no such path": ("nowhere.yaml", "not-found"),
    "a folder without files": ("empty", "no-files"),
    "an empty file": ("empty.yaml", "no-document"),
    "blanks": ("blank.yaml", "no-document"),
    "comments": ("comments.yaml", "no-document"),
    "a NUL in the path": ("a\0b", "not-readable"),
    "a device": ("/dev/null", "not-readable"),
}


@pytest.mark.parametrize(("path", "name"), MISSING.values(), ids=MISSING)
def test_a_path_that_gives_no_document_is_an_error(folder: Path, path: str, name: str) -> None:
    """The issue names the path as it was given."""
    (folder / "empty").mkdir()
    (folder / "empty.yaml").write_text("")
    (folder / "blank.yaml").write_text("\n  \n")
    (folder / "comments.yaml").write_text("# a\n---\n# b\n")
    with pytest.raises(InputError) as caught:
        load([path], Defaults())
    assert [(issue.place, issue.name) for issue in caught.value.issues] == [(FilePlace(path, 1, 1), name)]


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_file_without_permission_is_an_error(folder: Path) -> None:
    """No traceback, and the other files are read."""
    (folder / "b.yaml").chmod(0)
    documents, issues = read_documents(["."])
    assert len(documents) == 2
    assert [issue.name for issue in issues] == ["not-readable"]


def test_documents_of_a_file_are_read_in_order_and_empty_ones_skipped(folder: Path) -> None:
    """A comment between two separators is no document."""
    (folder / "b.yaml").write_text(f"# head\n---\n{GOOD}---\n# nothing\n---\n{GOOD}")
    documents, issues = read_documents(["b.yaml"])
    assert [document.place().line for document in documents] == [3, 9]
    assert issues == ()


def test_what_stands_before_a_syntax_error_is_judged_too(folder: Path) -> None:
    """All errors at once: the first document's and the second's."""
    (folder / "b.yaml").write_text(f"{GOOD}x: 1\n---\na: [")
    with pytest.raises(InputError) as caught:
        load(["b.yaml"], Defaults())
    assert [issue.place.line for issue in caught.value.issues] == [4, 6]


def test_a_pipe_can_be_named(folder: Path) -> None:
    """What a shell substitutes for a command is read like a file."""
    os.mkfifo("pipe")
    writer = threading.Thread(target=Path("pipe").write_text, args=(GOOD,))
    writer.start()
    documents, issues = read_documents(["pipe"])
    writer.join()
    assert (len(documents), issues) == (1, ())


def test_the_schema_is_found_in_a_checkout() -> None:
    """Beside the package, where a wheel has it inside."""
    assert read_schema("security-groups")["title"] == "Security groups"
    with pytest.raises(FileNotFoundError):
        read_schema("nothing")

"""The commit of a plan is the one that git would name, read without running anything."""

import shutil
import subprocess
from pathlib import Path

import pytest

from reconciler.config.commit import commit_of

pytestmark = pytest.mark.skipif(shutil.which("git") is None, reason="no git here")


def git(folder: Path, *words: str) -> str:
    setting = ("-c", "user.name=a", "-c", "user.email=a@example.com")
    done = subprocess.run(["git", *setting, *words], cwd=folder, capture_output=True, text=True, timeout=60, check=True)
    return done.stdout.strip()


@pytest.fixture
def cloned(tmp_path: Path) -> Path:
    folder = tmp_path / "repository"
    (folder / "groups").mkdir(parents=True)
    git(folder, "init", "-q", "-b", "feature/one")
    git(folder, "commit", "-q", "--allow-empty", "-m", "one")
    return folder


def test_it_is_what_git_says_on_a_branch_packed_detached_and_in_a_work_tree(cloned: Path) -> None:
    expected = git(cloned, "rev-parse", "HEAD")
    assert commit_of(str(cloned / "groups")) == expected
    (cloned / "web.yaml").touch()
    assert commit_of(str(cloned / "web.yaml")) == expected
    git(cloned, "pack-refs", "--all")
    assert not (cloned / ".git/refs/heads/feature/one").exists()
    assert commit_of(str(cloned)) == expected
    git(cloned, "worktree", "add", "-q", "-b", "two", "../tree")
    git(cloned.parent / "tree", "commit", "-q", "--allow-empty", "-m", "two")
    assert commit_of(str(cloned.parent / "tree")) == git(cloned.parent / "tree", "rev-parse", "HEAD") != expected
    git(cloned, "checkout", "-q", "--detach")
    assert commit_of(str(cloned)) == expected


@pytest.mark.parametrize("head", ["", "ref: ", "ref: ../../secret", "ref: refs/heads/gone", "secret", "\x00", "a" * 41])
def test_what_is_no_commit_is_never_said(cloned: Path, head: str) -> None:
    (cloned.parent / "secret").write_text("token")
    (cloned / ".git/HEAD").write_text(head)
    assert commit_of(str(cloned)) == ""
    (cloned / ".git/HEAD").unlink()
    (cloned / ".git/HEAD").symlink_to(cloned.parent / "secret")
    assert commit_of(str(cloned)) == ""
    assert commit_of(str(cloned.parent / "nowhere" / "at-all")) == ""

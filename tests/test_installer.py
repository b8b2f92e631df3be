"""What the installer does as root where somebody else owns the names."""

from __future__ import annotations

import os
import pwd
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another user")

SCRIPTS = Path(__file__).parents[1] / "scripts"
NOBODY = pwd.getpwnam("nobody")
# The functions as they are; only whose state it is, and where, is said here.
_SHELL = """
set -euo pipefail
SERVICE_USER=nobody STATE=$1 RELEASES=$1/none release="" previous="" dry_run=false yes=$3 keep_backups=false
say() { printf '%s\\n' "$*" >&2; }
run() { "$@"; }
try() { "$@" 2>/dev/null || true; }
source "$2/install_release.sh"; source "$2/install_upgrade.sh"; source "$2/install_removal.sh"
"""


@pytest.fixture
def home() -> Iterator[Path]:
    # Not below pytest's directory, which is root's alone.
    with tempfile.TemporaryDirectory(dir="/var/tmp") as directory:
        Path(directory).chmod(0o755)
        state = Path(directory, "state")
        (state / "backups").mkdir(parents=True)
        Path(directory, "root").mkdir()
        Path(directory, "root", "victim").write_text("root's")
        yield Path(directory)


def call(home: Path, functions: str, *, yes: bool = False) -> str:
    """Call functions of the installer, in a directory of root's."""
    for path in (home / "state", *(home / "state").rglob("*")):
        os.chown(path, NOBODY.pw_uid, NOBODY.pw_gid, follow_symlinks=False)
    done = subprocess.run(
        ["bash", "-c", _SHELL + functions, "bash", str(home / "state"), str(SCRIPTS), str(yes).lower()],
        cwd=home / "root",
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert (home / "root" / "victim").read_text() == "root's"
    return done.stdout


def test_the_last_three_copies_stay_and_no_name_is_taken_for_another(home: Path) -> None:
    backups = home / "state" / "backups"
    days = [f"2026112{day}T100000Z" for day in range(1, 6)]
    # Taken line by line, these are names where root stands; and they are not from here.
    odd = ["20991231T235959Z\nvictim\nZ", "2099Z", "20991231T235959Z x Z", "-rf Z"]
    for name in (*days, *odd):
        (backups / name).mkdir()
    (backups / "20991231T235959Z").symlink_to(home / "root")
    call(home, "remove_old")
    assert sorted(path.name for path in backups.iterdir()) == sorted([*days[2:], *odd, "20991231T235959Z"])


def test_a_link_in_place_of_the_copies_is_not_followed(home: Path) -> None:
    (home / "state" / "backups").rmdir()
    (home / "state" / "backups").symlink_to(home / "root")
    for day in range(1, 6):
        (home / "root" / f"2026112{day}T100000Z").mkdir()
    call(home, "remove_old")
    assert len(list((home / "root").iterdir())) == 6


@pytest.mark.parametrize("yes", [False, True])
def test_backups_go_only_for_a_yes(home: Path, *, yes: bool) -> None:
    state = home / "state"
    nightly = state / "backups" / "nightly" / "wabot-20261121T100000Z"
    nightly.mkdir(parents=True)
    (state / "sessions").mkdir()
    (state / "sessions" / "link").symlink_to(home / "root")
    (state / "wabot.db").touch()
    call(home, 'ask_about_backups; remove_of_user "$STATE"', yes=yes)
    assert state.exists() != yes
    if not yes:
        assert [path.name for path in state.iterdir()] == ["backups"]
        assert nightly.is_dir()


def test_without_backups_nothing_stays(home: Path) -> None:
    (home / "state" / "wabot.db").touch()
    call(home, 'ask_about_backups; remove_of_user "$STATE"')
    assert not (home / "state").exists()


_LINK = """
CURRENT=$PWD/opt SHARED=$PWD/share DOCUMENTS=(man/man1/wabot.1 completions/wabot)
mkdir -p old/share new/share/man/man1 new/share/completions share/completions
touch new/share/man/man1/wabot.1 new/share/completions/wabot
"""


def test_the_manual_page_goes_with_the_version_that_has_one(home: Path) -> None:
    shared = home / "root" / "share" / "man" / "man1" / "wabot.1"
    call(home, _LINK + "link_documents new")
    assert str(shared.readlink()).endswith("/opt/share/man/man1/wabot.1")
    call(home, _LINK + "link_documents old")
    assert not shared.is_symlink(), "there would be nothing at its end"


def test_a_completion_of_somebodys_own_stays(home: Path) -> None:
    call(home, _LINK + "echo mine >share/completions/wabot; link_documents new; link_documents old")
    assert (home / "root" / "share" / "completions" / "wabot").read_text() == "mine\n"

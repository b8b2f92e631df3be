"""Root becomes the user whose directory the state is, unless somebody else decides which that is."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from wabot.errors import OperatorNeeded
from wabot.privileges.become_owner import ROOT, owner_of, require_roots_own

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another user")

NOBODY, DAEMON, UNKNOWN = 65_534, 1, 4_000_000

_WHOSE = """
import os, sys
from pathlib import Path
from wabot.privileges.become_owner import become_owner_of
become_owner_of(Path(sys.argv[1]))
print(os.getresuid(), os.getresgid(), os.getgroups(), os.environ["HOME"])
"""


@pytest.fixture
def home() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(dir="/var/tmp") as directory:
        Path(directory).chmod(0o755)
        yield Path(directory)


def make(path: Path, uid: int = 0, mode: int = 0o755) -> Path:
    path.mkdir()
    os.chown(path, uid, 0)
    path.chmod(mode)
    return path


@pytest.mark.parametrize("below", [".", "state", "state/of/shop"])
def test_root_becomes_the_user_whose_directory_it_is_or_will_be(home: Path, below: str) -> None:
    os.chown(home, NOBODY, 0)
    command = [sys.executable, "-c", _WHOSE, str(home / below)]
    environ = os.environ | {"HOME": "/root"}
    told = subprocess.run(command, capture_output=True, text=True, timeout=30, check=True, env=environ).stdout
    three = f"({NOBODY}, {NOBODY}, {NOBODY})"
    assert told == f"{three} {three} [{NOBODY}] /nonexistent\n", "with no group of root's"


def test_a_home_that_the_state_stands_in_stays_the_home(home: Path) -> None:
    state = make(home / "state", NOBODY)
    command = [sys.executable, "-c", _WHOSE, str(state)]
    environ = os.environ | {"HOME": str(home)}
    told = subprocess.run(command, capture_output=True, text=True, timeout=30, check=True, env=environ)
    assert told.stdout.endswith(f" {home}\n")


def test_what_is_roots_alone_stays_roots(home: Path) -> None:
    assert owner_of(make(home / "state")) == ROOT
    assert owner_of(home / "to be made") == ROOT
    (home / "link").symlink_to("state")
    assert owner_of(home / "link" / "below") == ROOT


def test_who_is_no_user_here_leads_nobody_astray(home: Path) -> None:
    """As the owner of a directory that a container got from its host."""
    host = make(home / "host", UNKNOWN)
    assert owner_of(make(host / "state")) == ROOT
    require_roots_own(host)


def test_neither_does_who_typed_sudo(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    state = make(make(home / "theirs", NOBODY) / "state")
    with pytest.raises(OperatorNeeded):
        owner_of(state)
    monkeypatch.setenv("SUDO_UID", str(NOBODY))
    assert owner_of(state) == ROOT


@pytest.mark.parametrize(("uid", "mode"), [(NOBODY, 0o755), (0, 0o777), (0, 0o757)])
def test_whoever_can_swap_a_directory_of_roots_is_named(home: Path, uid: int, mode: int) -> None:
    above = make(home / "above", uid, mode)
    make(above / "state")
    with pytest.raises(OperatorNeeded, match=f"can change {above}, and so decides where {above}/state leads"):
        owner_of(above / "state")


def test_a_group_can_too(home: Path) -> None:
    above = make(home / "above", 0, 0o775)
    os.chown(above, 0, 100)
    make(above / "state")
    with pytest.raises(OperatorNeeded, match="more than one user can change"):
        owner_of(above / "state")


def test_what_everybody_may_make_first_is_not_made(home: Path) -> None:
    shared = make(home / "shared", 0, 0o1777)
    make(shared / "state", 0, 0o700)
    assert owner_of(shared / "state") == ROOT, "nobody can take it away"
    with pytest.raises(OperatorNeeded, match="more than one user"):
        owner_of(shared / "new")


@pytest.mark.parametrize("target", ["roots", "others", "/"])
def test_a_link_of_theirs_leads_to_nobody_else(home: Path, target: str) -> None:
    make(home / "roots"), make(home / "others", DAEMON), make(home / "own", NOBODY)
    theirs = make(home / "theirs", NOBODY)
    (theirs / "state").symlink_to(home / target)
    for below in ("state", "state/below"):
        with pytest.raises(OperatorNeeded, match=f"user nobody can change {theirs}"):
            owner_of(theirs / below)
    (theirs / "own").symlink_to("../own")
    assert owner_of(theirs / "own").uid == NOBODY


def test_links_in_a_circle_end(home: Path) -> None:
    (home / "link").symlink_to("link")
    with pytest.raises(OperatorNeeded, match="too many links"):
        owner_of(home / "link")


def test_a_configuration_that_sends_root_somewhere_is_roots_own(home: Path) -> None:
    file = make(home / "etc") / "wabot.toml"
    file.touch(0o640)
    require_roots_own(file)
    os.chown(file, NOBODY, 0)
    with pytest.raises(OperatorNeeded, match=f"user nobody can change {file}"):
        require_roots_own(file)
    os.chown(file, 0, 0)
    os.chown(file.parent, NOBODY, 0)
    with pytest.raises(OperatorNeeded, match=f"user nobody can change {file.parent}"):
        require_roots_own(file)

"""Backups that root makes and puts back, though somebody else could have written them."""

from __future__ import annotations

import hashlib
import json
import os
import stat
from pathlib import Path

import pytest

from tests.support.roots_machine import OWNER, Machine, interpreter, machine
from wabot.backup.manifest import MANIFEST

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="only root has files that root could lose")

__all__ = ["interpreter", "machine"]


def nightly(machine: Machine) -> Path:
    """A backup that belongs to the owner of the state."""
    done = machine.run("backup", f"{machine.state}/backups/nightly")
    assert done.code == 0, done.told
    (path,) = (machine.state / "backups" / "nightly").iterdir()
    assert {each.stat().st_uid for each in (path, *path.rglob("*"))} == {OWNER}
    return path


def tamper(path: Path, changes: dict[str, object], **contents: str) -> None:
    """Change a backup as its owner can."""
    manifest = json.loads((path / MANIFEST).read_text())
    for name, content in contents.items():
        file = path / name.replace("_", ".")
        file.write_text(content)
        manifest["files"][file.name] = hashlib.sha256(content.encode()).hexdigest()
        os.chown(file, OWNER, OWNER)
    (path / MANIFEST).write_text(json.dumps(manifest | changes))


@pytest.mark.timeout(600)
def test_a_manifest_makes_root_write_nowhere_else(machine: Machine) -> None:
    path = nightly(machine)
    config, steered = str(machine.config), f"{machine.root}/cron\x1b[2J"
    for places in ({"persona.txt": steered}, {"knowledge": str(machine.root / "new")}, {"persona.txt": "x"}):
        everywhere = {"configuration.toml": config, **places}
        tamper(path, {"places": everywhere}, persona_txt="* * * * * root true\n")
        done = machine.run("restore", str(path), "--yes")
        assert (done.code, machine.roots_files()) == (78, done.before), done.told
        assert "does not name that place" in done.told and "\x1b" not in done.told
    tamper(path, {"places": {"configuration.toml": f"{machine.root}/wabot.toml"}})
    assert machine.run("restore", str(path), "--yes").code == 0, "that of --config is meant"
    assert not (machine.root / "wabot.toml").exists()


@pytest.mark.timeout(600)
def test_a_saved_configuration_does_not_say_where_the_state_is(machine: Machine) -> None:
    path = nightly(machine)
    text = machine.config.read_text().replace(str(machine.state), f"{machine.root}/state")
    tamper(path, {}, configuration_toml=text)
    done = machine.run("restore", str(path), "--yes")
    assert (done.code, machine.roots_files()) == (78, done.before), done.told
    assert "keeps its state in" in done.told


@pytest.mark.timeout(600)
@pytest.mark.parametrize("what", ["link", "pipe", "second name"])
def test_what_is_no_file_of_its_owners_is_no_part_of_a_backup(machine: Machine, what: str) -> None:
    path = nightly(machine)
    saved = path / "persona.txt"
    if what == "link":
        saved.symlink_to(machine.root / "secret")
    elif what == "pipe":
        os.mkfifo(saved)
    else:
        os.link(machine.root / "secret", saved)
    done = machine.run("restore", str(path), "--yes")
    assert done.code == 78 and "persona.txt in it is no" in done.told, done.told


@pytest.mark.timeout(600)
def test_from_a_directory_of_roots_and_back(machine: Machine) -> None:
    out = machine.home / "out"
    done = machine.run("backup", str(out), "--keep", "1")
    assert done.code == 0, done.told
    (path,) = out.iterdir()
    assert {each.stat().st_uid for each in (out, path, *path.rglob("*"))} == {0}
    assert {stat.S_IMODE(each.stat().st_mode) for each in path.iterdir() if each.is_file()} == {0o600}
    assert [each.name for each in machine.state.iterdir() if each.name.startswith(".")] == []
    shop = machine.etc / "knowledge" / "shop.md"
    shop.chmod(0o644)
    shop.write_text("spoilt")
    done = machine.run("restore", str(out), "--yes")
    assert done.code == 0, done.told
    assert shop.read_text().startswith("# Shop")
    assert (stat.S_IMODE(shop.stat().st_mode), shop.stat().st_uid) == (0o644, 0), "as it was"
    assert (machine.state / "wabot.db").stat().st_uid == OWNER
    assert not list(Path("/var/tmp").glob("wabot-restore-*"))
